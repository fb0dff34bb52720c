/* What destructive statements would take: rows, as far as they can be counted, and what rests on their tables. A person
 * decides on that, so the transaction that carries the decision out begins by holding it against what is there then. */
#include "migration_run.h"

#include "effect_objects.h"

#include <sql/migration/at_risk.h>
#include <sql/migration/compare_risk.h>
#include <sql/migration/count_rows.h>
#include <sql/migration/counted.h>
#include <sql/migration/forget_risk.h>
#include <sql/migration/hold_to_decided.h>
#include <sql/migration/not_counted.h>
#include <sql/migration/risk_now.h>
#include <sql/migration/risk_state.h>
#include <sql/migration/tables_and_users.h>

#define MOST_TABLES 50     /* the largest are counted; what rests on the others counts all the same */
#define MOST_ROWS   100000 /* of a table, as sql/migration/counted.sql has it */

typedef migration_at_risk_row table;

typedef struct tables {
    const lb_sql *sql;
    table *items;
    size_t count;
} tables;

typedef struct pieces {
    const lb_sql *items[MOST_TABLES + 1]; /* the first counts nothing, as a list must not be empty */
    size_t count;
} pieces;

typedef struct counts {
    migration_count_rows_row items[MOST_TABLES];
    size_t count;
} counts;

/* ---- which tables ---- */

/* A schema that is dropped is whatever is in it. */
static int compose_tables(migration_run *run, const effect_objects *objects, const lb_sql **ret_sql, lb_error *err)
{
    size_t bytes = (objects->count + 1) * sizeof(const char *);
    migration_tables_and_users_args args = {.functions = !run->leaves_out_functions};
    const char **schemas = arena_alloc(run->memory, bytes), **names = arena_alloc(run->memory, bytes),
               **whole = arena_alloc(run->memory, bytes);
    if (!schemas || !names || !whole)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < objects->count; i++) {
        const effect_object *o = &objects->items[i];
        if (strcmp(o->kind, "relation") == 0) {
            schemas[args.names.count] = o->schema;
            names[args.names.count++] = o->name;
        } else if (strcmp(o->kind, "schema_contents") == 0) {
            whole[args.whole.count++] = o->name;
        }
    }
    args.schemas.items = schemas;
    args.schemas.count = args.names.count;
    args.names.items = names;
    args.whole.items = whole;
    return migration_tables_and_users_compose(run->ctx, &args, ret_sql, err);
}

static const char *label_of(migration_run *run, const table *t)
{
    return arena_printf(run->memory, "%s.%s", t->schema, t->name);
}

/* A table is found before its rows are counted: the first figures of a run are without what it reads itself. */
static int take_use(migration_run *run, table *t, lb_error *err)
{
    const char *label = label_of(run, t);
    migration_use *u = run->uses;
    while (label && u && strcmp(u->table, label) != 0)
        u = u->next;
    if (label && u) {
        t->reads = u->reads;
        t->last_read = u->last_read;
        t->last_read_is_null = u->last_read_is_null;
        return 0;
    }
    u = label ? arena_alloc(run->memory, sizeof *u) : NULL;
    if (!u)
        return lb_out_of_memory(err);
    *u = (migration_use){label, t->reads, t->last_read, t->last_read_is_null, run->uses};
    run->uses = u;
    return 0;
}

static int ask_for_tables(migration_run *run, const effect_objects *objects, tables *found, lb_rows **ret_rows,
                          lb_error *err)
{
    int r = compose_tables(run, objects, &found->sql, err);
    return r < 0 ? r : migration_at_risk(run->ctx, &(migration_at_risk_args){.tables = found->sql}, ret_rows, err);
}

static bool took_too_long(const lb_error *err)
{
    return strcmp(err->sqlstate, "57014") == 0;
}

static int find_tables(migration_run *run, const effect_objects *objects, tables *ret_tables, lb_error *err)
{
    lb_rows *rows = NULL;
    tables found = {0};
    int r = ask_for_tables(run, objects, &found, &rows, err);
    if (r < 0 && took_too_long(err) && !lb_cancelled(run->ctx) && !run->leaves_out_functions) {
        run->leaves_out_functions = true; /* then and in what is held against it, which says so */
        r = ask_for_tables(run, objects, &found, &rows, err);
    }
    if (r < 0)
        return r;
    size_t most = (size_t)lb_row_count(run->ctx, rows);
    found.items = arena_alloc(run->memory, (most + 1) * sizeof *found.items);
    if (!found.items)
        return lb_out_of_memory(err);
    while (r >= 0 && found.count < most && migration_at_risk_next(run->ctx, rows, &found.items[found.count]))
        r = take_use(run, &found.items[found.count++], err);
    *ret_tables = found;
    return r;
}

static bool is_destructive(const judged *s)
{
    return s->verdict.effect == EFFECT_DESTRUCTIVE;
}

static bool picks_rows(tree statement)
{
    tree where = tree_get(statement, "whereClause");
    return tree_has(where) && !judge_is_true(where);
}

/* Its rows stay, and others go on writing to them: then it counts how many there are about. What takes or writes over
 * all of them is held to their number. */
static bool leaves_rows(const judged *s)
{
    tree node = s->source->node;
    return tree_has(tree_node(node, "AlterTableStmt")) || tree_has(tree_node(node, "MergeStmt")) ||
           picks_rows(tree_node(node, "UpdateStmt")) || picks_rows(tree_node(node, "DeleteStmt"));
}

/* ---- how many rows ---- */

static int open_pieces(migration_run *run, pieces *p, lb_error *err)
{
    p->count = 1;
    return migration_not_counted_compose(run->ctx, &p->items[0], err);
}

static int add_pieces(migration_run *run, const tables *found, bool stay, pieces *p, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < found->count && p->count <= MOST_TABLES; i++) {
        const table *t = &found->items[i];
        if (!t->countable || t->locked)
            continue;
        const migration_counted_args args = {
            .label = label_of(run, t), .stays = stay, .schema = t->schema, .table = t->name};
        r = args.label ? migration_counted_compose(run->ctx, &args, &p->items[p->count++], err) : lb_out_of_memory(err);
    }
    return r;
}

/* The rows of a table that somebody has locked, or that went meanwhile, nobody knows. */
static bool can_go_without(migration_run *run, int r)
{
    return r != LB_ERR_UNREACHABLE && r != LB_ERR_NO_MEMORY && !lb_cancelled(run->ctx);
}

static int count_rows(migration_run *run, const pieces *p, counts *ret_counts, lb_error *err)
{
    lb_rows *rows = NULL;
    const migration_count_rows_args args = {.counted = {p->items, p->count}};
    int r = migration_count_rows(run->ctx, &args, &rows, err);
    if (r < 0)
        return can_go_without(run, r) ? 0 : r;
    while (ret_counts->count < MOST_TABLES &&
           migration_count_rows_next(run->ctx, rows, &ret_counts->items[ret_counts->count]))
        ret_counts->count++;
    return 0;
}

static lb_value rows_of(const counts *c, const char *label)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->items[i].name, label) == 0)
            return lb_i64("rows", c->items[i].rows);
    return lb_null("rows");
}

/* A person who decides should know why there is no figure. */
static lb_value why_not_counted(const table *t, lb_value rows)
{
    const char *why = rows.type != LB_NULL ? NULL
                      : t->locked          ? "another session has the table locked"
                      : !t->countable      ? "it has none of its own, or they may not be read"
                                           : "there were too many tables to count, or it took too long";
    return why ? lb_text("rows_not_counted", why) : lb_null("rows_not_counted");
}

/* ---- what is told ---- */

static lb_value time_or_null(const char *name, bool is_null, int64_t at)
{
    return is_null ? lb_null(name) : lb_time(name, at);
}

/* Runs before this one have counted rows as well, and the server does not say who reads. */
static const lb_value *use_of(migration_run *run, const table *t)
{
    return arena_values(
        run->memory,
        LB_ARGS(lb_i64("reads", t->reads), time_or_null("last_read", t->last_read_is_null, t->last_read),
                lb_text("among_them", "the counts of rows by earlier runs of this tool, if there were any")));
}

/* When a table was written last nobody notes; but rows written since the last ANALYZE are younger than that. */
static const lb_value *members_of(migration_run *run, const table *t, const counts *c)
{
    const char *label = label_of(run, t);
    const lb_value *use = use_of(run, t);
    if (!label || !use)
        return NULL;
    const lb_value rows = rows_of(c, label);
    bool is_whole = rows.type == LB_I64 && rows.v.i64 <= MOST_ROWS;
    return arena_values(
        run->memory,
        LB_ARGS(lb_text("table", label), rows, lb_bool("rows_are_all", is_whole), why_not_counted(t, rows),
                t->estimate_is_null ? lb_null("rows_estimated") : lb_i64("rows_estimated", t->estimate),
                t->bytes_is_null ? lb_null("bytes") : lb_i64("bytes", t->bytes), lb_object("not_compared", use),
                lb_i64("writes", t->writes), lb_i64("writes_since_analyze", t->writes_since),
                time_or_null("analyzed_at", t->analyzed_at_is_null, t->analyzed_at), lb_json("used_by", t->users)));
}

static int tell(migration_run *run, const tables *found, const counts *c, migration_risk *into, lb_error *err)
{
    into->items = arena_alloc(run->memory, (found->count + 1) * sizeof *into->items);
    if (!into->items)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < found->count; i++) {
        const lb_value *members = members_of(run, &found->items[i], c);
        if (!members)
            return lb_out_of_memory(err);
        into->items[into->count++] = lb_object(NULL, members);
    }
    return 0;
}

static int look_at_statement(migration_run *run, const judged *s, migration_risk *into, lb_error *err)
{
    effect_objects objects = {0};
    tables found = {0};
    pieces p;
    counts c = {.count = 0};
    int r = effect_objects_of_sql(s->source->text, run->memory, &objects, err);
    if (r < 0 || !objects.count)
        return r;
    r = find_tables(run, &objects, &found, err);
    if (r >= 0 && found.count)
        r = open_pieces(run, &p, err);
    if (r < 0 || !found.count)
        return r;
    r = add_pieces(run, &found, leaves_rows(s), &p, err);
    if (r >= 0)
        r = count_rows(run, &p, &c, err);
    return r < 0 ? r : tell(run, &found, &c, into, err);
}

int migrate_look_at_risk(migration_run *run, migration_file *file, lb_error *err)
{
    const judgement *j = &file->judged;
    int r = 0;
    file->risks = NULL;
    if (!j->destroys)
        return 0;
    migration_risk *risks = arena_alloc(run->memory, j->count * sizeof *risks);
    if (!risks)
        return lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < j->count; i++)
        if (is_destructive(&j->items[i]))
            r = look_at_statement(run, &j->items[i], &risks[i], err);
    file->risks = risks;
    return r < 0 ? lb_wrap(err, "what is at risk") : 0;
}

/* ---- what was decided on ---- */

static int add_objects(migration_run *run, const judgement *j, bool leaving, effect_objects *objects, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < j->count; i++)
        if (is_destructive(&j->items[i]) && leaves_rows(&j->items[i]) == leaving)
            r = effect_objects_of_sql(j->items[i].source->text, run->memory, objects, err);
    return r;
}

/* A table that goes is counted before those that stay, and once. */
static int gather(migration_run *run, const judgement *j, effect_objects *objects, pieces *p, lb_error *err)
{
    effect_objects remaining = {0};
    tables found = {0};
    int r = open_pieces(run, p, err);
    if (r >= 0)
        r = add_objects(run, j, false, objects, err);
    if (r >= 0 && objects->count)
        r = find_tables(run, objects, &found, err);
    if (r >= 0)
        r = add_pieces(run, &found, false, p, err);
    size_t going = objects->count;
    if (r >= 0)
        r = add_objects(run, j, true, objects, err);
    remaining = (effect_objects){.items = objects->items + going, .count = objects->count - going};
    found = (tables){0};
    if (r >= 0 && remaining.count)
        r = find_tables(run, &remaining, &found, err);
    return r < 0 ? r : add_pieces(run, &found, true, p, err);
}

static int read_state(migration_run *run, const effect_objects *objects, const pieces *p, const lb_sql **ret_state,
                      const char **ret_text, lb_error *err)
{
    lb_rows *rows = NULL;
    migration_risk_now_row row;
    migration_risk_state_args args = {.counted = {p->items, p->count}};
    int r = compose_tables(run, objects, &args.tables, err);
    if (r >= 0)
        r = migration_risk_state_compose(run->ctx, &args, ret_state, err);
    if (r >= 0)
        r = migration_risk_now(run->ctx, &(migration_risk_now_args){.state = *ret_state}, &rows, err);
    if (r >= 0)
        *ret_text = migration_risk_now_next(run->ctx, rows, &row) ? row.found : "";
    return r;
}

/* *ret_state NULL: there is nothing to hold anybody to. */
static int decide(migration_run *run, const migration_file *file, const lb_sql **ret_state, const char **ret_text,
                  lb_error *err)
{
    effect_objects objects = {0};
    pieces p = {.count = 0};
    *ret_state = NULL;
    int r = file->judged.destroys && !run->holds_to_nothing ? gather(run, &file->judged, &objects, &p, err) : 0;
    if (r < 0 || !objects.count)
        return r;
    r = read_state(run, &objects, &p, ret_state, ret_text, err);
    if (r < 0 && can_go_without(run, r)) {
        p.count = 1;
        r = read_state(run, &objects, &p, ret_state, ret_text, err);
    }
    return r < 0 ? lb_wrap(err, "what is at risk") : 0;
}

int migrate_risk_text(migration_run *run, const migration_file *file, const char **ret_text, lb_error *err)
{
    const lb_sql *state = NULL;
    *ret_text = "";
    return decide(run, file, &state, ret_text, err);
}

/* here: in this transaction; else the session is told, as what comes has a transaction for each statement. */
static int hold(migration_run *run, lb_group *group, const migration_file *file, bool here, lb_error *err)
{
    const lb_sql *state = NULL;
    const char *decided = NULL;
    int r = decide(run, file, &state, &decided, err);
    if (r < 0 || !state)
        return r;
    const migration_compare_risk_args args = {.state = state, .decided = decided, .here = here};
    r = migration_compare_risk(run->ctx, group, &args, err);
    if (r < 0)
        return lb_wrap(err, "what is at risk");
    r = migration_hold_to_decided(run->ctx, group, err);
    return r < 0 || here ? r : migration_forget_risk(run->ctx, group, err);
}

int migrate_hold_to_risk(migration_run *run, lb_group *group, const migration_file *file, lb_error *err)
{
    return hold(run, group, file, true, err);
}

int migrate_hold_session_to_risk(migration_run *run, lb_group *group, const migration_file *file, lb_error *err)
{
    return hold(run, group, file, false, err);
}
