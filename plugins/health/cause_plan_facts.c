/* What is known of a statement whose calls cost more: its tables, what was set or analyzed before, and its past. */
#include "cause_plans.h"

#include <sql/diagnose/columns_unknown.h>
#include <sql/diagnose/planner_settings.h>
#include <sql/diagnose/statement_past.h>
#include <sql/diagnose/statement_plans.h>
#include <sql/diagnose/statement_texts.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define A_DAY  (INT64_C(86400) * 1000000)
#define A_TIME (14 * A_DAY)             /* of history that is worth a comparison */
#define BEFORE (INT64_C(300) * 1000000) /* sessions and plans of before may live on for as long */

enum { PLAN_STEPS = 8 };

/* ---- settings of the planner: [value, what it was, when that changed, role, what alters it] of each ---- */

static const char *text_at(struct json_object *list, size_t index)
{
    return json_object_get_string(json_object_array_get_idx(list, index));
}

static int64_t time_at(struct json_object *list, size_t index)
{
    return json_object_get_int64(json_object_array_get_idx(list, index));
}

static struct json_object *text_or_null(const char *text)
{
    return text ? json_object_new_string(text) : NULL;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void note_setting(const cause_look *look, struct json_object *note, const char *key, struct json_object *before,
                         bool is_first, const diagnose_planner_settings_row *row)
{
    const char *value = row ? row->value : NULL, *was = before ? text_at(before, 0) : NULL;
    int64_t now = look->reading.at, at = before ? time_at(before, 2) : 0;
    bool has_changed = !is_first && !same(value, was);
    bool is_recent = at && now - at < A_DAY;
    struct json_object *list = json_object_new_array();
    if (!list || (!value && !has_changed && !is_recent)) {
        json_object_put(list); /* it is as the server comes, and has been for long */
        return;
    }
    (void)json_object_array_add(list, text_or_null(value)); /* a lost one is seen as a change that nobody made */
    (void)json_object_array_add(list, text_or_null(has_changed ? was : is_recent ? text_at(before, 1) : NULL));
    (void)json_object_array_add(list, json_object_new_int64(has_changed ? now : is_recent ? at : 0));
    (void)json_object_array_add(list, text_or_null(row ? row->role_name : text_at(before, 3)));
    (void)json_object_array_add(list, text_or_null(row ? row->alter_statement : text_at(before, 4)));
    if (json_object_object_add(note, key, list) != 0)
        json_object_put(list);
}

int cause_note_planner(cause_look *look, lb_error *err)
{
    struct json_object *noted = cause_noted(look, "planner"), *note = cause_note(look, "planner");
    diagnose_planner_settings_row row;
    lb_rows *rows = NULL;
    if (!note)
        return lb_out_of_memory(err);
    int r = diagnose_planner_settings(look->ctx, &rows, err);
    if (r < 0)
        return r;
    while (diagnose_planner_settings_next(look->ctx, rows, &row)) {
        const char *key = lb_printf(look->ctx, "%s of %s", row.name, row.scope);
        struct json_object *before = NULL;
        if (!key)
            return lb_out_of_memory(err);
        (void)json_object_object_get_ex(noted, key, &before);
        note_setting(look, note, key, before, !noted, &row);
    }
    if (!noted)
        return 0;
    json_object_object_foreach(noted, key, before)
    {
        if (!json_object_object_get_ex(note, key, NULL))
            note_setting(look, note, key, before, false, NULL);
    }
    return 0;
}

/* What would set it as it was; NULL: that takes a person. */
static const char *undo_of(lb_ctx *ctx, const char *key, struct json_object *list)
{
    const char *was = text_at(list, 1), *alter = text_at(list, 4), *end = strstr(key, " of ");
    if (!alter || !end || (was && (strchr(was, '\'') || strncmp(key, "search_path ", 12) == 0)))
        return NULL;
    return was ? lb_printf(ctx, "%s SET %.*s = '%s'", alter, (int)(end - key), key, was)
               : lb_printf(ctx, "%s RESET %.*s", alter, (int)(end - key), key);
}

/* The newest change of a setting that holds for whoever executes the statement. */
static void ask_settings(const cause_look *look, cause_statement *s)
{
    struct json_object *note = NULL;
    int64_t newest = s->base_at - BEFORE;
    if (!json_object_object_get_ex(look->now, "planner", &note))
        return;
    json_object_object_foreach(note, key, list)
    {
        const char *role = text_at(list, 3), *value = text_at(list, 0), *was = text_at(list, 1);
        if (time_at(list, 2) <= newest || (role && strcmp(role, s->row->user_name) != 0))
            continue;
        newest = time_at(list, 2);
        s->changed = lb_printf(look->ctx, "%s was %s %s", key, value ? "set to" : "taken back from",
                               value ? value
                               : was ? was
                                     : "what it was");
        s->command = undo_of(look->ctx, key, list);
        s->is_known_change = true;
    }
}

/* ---- tables ---- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

bool cause_text_names(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = text; length && *p; p++)
        if (strncasecmp(p, name, length) == 0 && (p == text || !is_word(p[-1])) && !is_word(p[length]))
            return true;
    return false;
}

static const char *label(const cause_look *look, const diagnose_tables_row *t)
{
    return lb_printf(look->ctx, "%s.%s", t->schema, t->name);
}

/* Something is wrong with it that changes plans. */
static bool is_suspected(const cause_look *look, const diagnose_tables_row *t)
{
    const char *name = label(look, t);
    for (size_t i = 0; name && i < look->count; i++) {
        const cause_case *c = &look->cases[i];
        bool is_of_tables =
            c->id == CAUSE_DROPPED_INDEX || c->id == CAUSE_STALE_STATISTICS || c->id == CAUSE_DEAD_TUPLES;
        if (is_of_tables && strcmp(c->about ? c->about : c->object, name) == 0)
            return true;
    }
    return false;
}

static bool is_fresh(const diagnose_tables_row *t, const cause_statement *s)
{
    return !t->last_analyze_is_null && t->last_analyze > s->base_at;
}

/* Of those that it names the one of which there is something to say. */
static void ask_tables(const cause_look *look, cause_statement *s)
{
    int best = -1;
    for (size_t i = 0; s->text && i < look->table_count; i++) {
        const diagnose_tables_row *t = &look->tables[i];
        if (!cause_text_names(s->text, t->name))
            continue;
        const diagnose_changes_row *change = cause_change_of(look, t->name);
        bool is_changed = change && change->changed_at >= s->base_at - BEFORE;
        int weight = is_suspected(look, t) ? 3 : is_changed ? 2 : is_fresh(t, s) ? 1 : 0;
        if (weight <= best)
            continue;
        best = weight;
        s->table = t;
        if (is_changed && !s->is_known_change) {
            s->changed = lb_printf(look->ctx, "%s of ours executed a statement on %s", change->tool, label(look, t));
            s->change = change->statement;
        } else if (is_fresh(t, s) && !s->is_known_change)
            s->changed = lb_printf(look->ctx, "%s was analyzed anew", label(look, t));
        s->is_known_change = s->is_known_change || is_changed;
    }
}

/* Columns of which somebody wants no statistics: the planner guesses there. */
static int ask_columns(const cause_look *look, cause_statement *s, lb_error *err)
{
    const char *name = s->table ? label(look, s->table) : NULL;
    diagnose_columns_unknown_row row;
    lb_rows *rows = NULL;
    if (!name || s->is_known_change)
        return 0;
    int r = diagnose_columns_unknown(look->ctx, &(diagnose_columns_unknown_args){.names = {&name, 1}}, &rows, err);
    while (r >= 0 && !s->is_known_change && diagnose_columns_unknown_next(look->ctx, rows, &row)) {
        if (!cause_text_names(s->text, row.column_name) || !is_fresh(s->table, s))
            continue;
        s->changed = lb_printf(look->ctx, "%s was analyzed anew, and no statistics are kept of its column %s", name,
                               row.column_name);
        s->command = lb_printf(look->ctx, "%s; ANALYZE %s", row.alter_statement,
                               cause_quoted(look->ctx, s->table->schema, s->table->name));
        s->is_known_change = true;
    }
    return r;
}

static int ask_texts(cause_look *look, cause_statement *statements, size_t count, lb_error *err)
{
    const char **keys = lb_alloc(look->ctx, count * sizeof *keys);
    diagnose_statement_texts_row row;
    lb_rows *rows = NULL;
    if (!keys)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        keys[i] = statements[i].row->key;
    const diagnose_statement_texts_args wanted = {.schema = look->statements_schema, .keys = {keys, count}};
    int r = diagnose_statement_texts(look->ctx, &wanted, &rows, err);
    while (r >= 0 && diagnose_statement_texts_next(look->ctx, rows, &row))
        for (size_t i = 0; i < count; i++)
            if (strcmp(row.key, keys[i]) == 0) {
                statements[i].is_listed = true;
                statements[i].text = row.query[0] == '<' ? NULL : row.query; /* <insufficient privilege> */
            }
    return r;
}

/* ---- the past ---- */

static int ask_history(cause_look *look, cause_statement *statements, size_t count, const int64_t *ids, lb_error *err)
{
    const lb_target *target = lb_run_target(look->ctx);
    diagnose_statement_past_row row;
    lb_rows *rows = NULL;
    int64_t until = statements[0].base_at;
    for (size_t i = 1; i < count; i++)
        until = statements[i].base_at < until ? statements[i].base_at : until;
    const diagnose_statement_past_args wanted = {.project = target->project,
                                                 .branch = target->branch,
                                                 .database_id = statements[0].row->database_id,
                                                 .query_ids = {ids, count},
                                                 .since = look->reading.at - A_TIME,
                                                 .until = until};
    int asked = diagnose_statement_past(look->ctx, &wanted, &rows, err);
    int r = lb_history_or_skip(look->ctx, asked, "history of statements", NULL, err);
    while (r > 0 && diagnose_statement_past_next(look->ctx, rows, &row))
        for (size_t i = 0; i < count; i++)
            if (row.queryid == ids[i] && same(row.user_name, statements[i].row->user_name)) {
                statements[i].past = (cause_load){row.calls, row.ms, row.row_count, row.blocks};
                statements[i].past_since = row.first_at;
            }
    return r < 0 ? r : 0;
}

static const char *member(struct json_object *step, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(step, name, &value) ? json_object_get_string(value) : NULL;
}

/* "Index Scan of orders by orders_customer", of each table that the plan reads. */
static const char *say_plan(lb_ctx *ctx, struct json_object *step, const char *said, int *room)
{
    const char *table = member(step, "Relation Name"), *index = member(step, "Index Name");
    struct json_object *below = NULL;
    if (table && (*room)-- > 0)
        said = lb_printf(ctx, "%s%s%s of %s%s%s", said ? said : "", said ? "; " : "", member(step, "Node Type"), table,
                         index ? " by " : "", index ? index : "");
    bool has_more = json_object_object_get_ex(step, "Plans", &below) && json_object_is_type(below, json_type_array);
    for (size_t i = 0; has_more && *room > 0 && i < json_object_array_length(below); i++)
        said = say_plan(ctx, json_object_array_get_idx(below, i), said, room);
    return said;
}

static const char *read_plan(lb_ctx *ctx, const char *text)
{
    struct json_object *given = text ? json_tokener_parse(text) : NULL, *plan = NULL;
    struct json_object *first =
        json_object_is_type(given, json_type_array) ? json_object_array_get_idx(given, 0) : given;
    int room = PLAN_STEPS;
    const char *said =
        first && json_object_object_get_ex(first, "Plan", &plan) ? say_plan(ctx, plan, NULL, &room) : NULL;
    json_object_put(given);
    return said;
}

static int ask_plans(cause_look *look, cause_statement *statements, size_t count, const int64_t *ids, lb_error *err)
{
    const lb_target *target = lb_run_target(look->ctx);
    const diagnose_statement_plans_args wanted = {.project = target->project,
                                                  .branch = target->branch,
                                                  .query_ids = {ids, count},
                                                  .since = look->reading.at - 26 * A_TIME};
    diagnose_statement_plans_row row;
    lb_rows *rows = NULL;
    int asked = diagnose_statement_plans(look->ctx, &wanted, &rows, err);
    int r = lb_history_or_skip(look->ctx, asked, "stored plans", NULL, err);
    while (r > 0 && diagnose_statement_plans_next(look->ctx, rows, &row))
        for (size_t i = 0; i < count; i++)
            if (row.queryid == ids[i]) {
                statements[i].plan = read_plan(look->ctx, row.plan);
                statements[i].planned_at = row.planned_at;
            }
    return r < 0 ? r : 0;
}

int cause_plan_facts(cause_look *look, cause_statement *statements, size_t count, lb_error *err)
{
    int64_t *ids = lb_alloc(look->ctx, count * sizeof *ids);
    if (!ids)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        ids[i] = statements[i].row->queryid;
    int r = ask_texts(look, statements, count, err);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        ask_settings(look, &statements[i]);
        ask_tables(look, &statements[i]);
        r = ask_columns(look, &statements[i], err);
    }
    if (r >= 0)
        r = ask_history(look, statements, count, ids, err);
    return r < 0 ? r : ask_plans(look, statements, count, ids, err);
}
