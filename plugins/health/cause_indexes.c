/* Indexes that were there before and are gone, while their table is read from end to end.
 *
 * What is remembered: of each table its counters, of each index its table, scans and definition; and of those that are
 * gone the same with the moment, for a day, or until an index like it is there again. */
#include "cause_look.h"

#include <sql/diagnose/indexes.h>
#include <sql/diagnose/table_names.h>

#include <string.h>

#define A_DAY (INT64_C(86400) * 1000000)

enum { MOST_INDEXES = 1000, LEAST_ROWS = 1000 };

typedef struct gone {
    const char *name, *table, *definition;
    int64_t scans, at;
} gone;

typedef struct survey {
    cause_look *look;
    const diagnose_indexes_row *rows;
    size_t count;
    gone *gone;
    size_t gone_count;
} survey;

/* ---- what is there ---- */

static int read_indexes(survey *s, lb_error *err)
{
    const diagnose_indexes_args wanted = {.min_rows = LEAST_ROWS, .most = MOST_INDEXES};
    lb_rows *rows = NULL;
    int r = diagnose_indexes(s->look->ctx, &wanted, &rows, err);
    if (r < 0)
        return r;
    diagnose_indexes_row *all = lb_alloc(s->look->ctx, ((size_t)lb_row_count(s->look->ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    while (diagnose_indexes_next(s->look->ctx, rows, &all[s->count]))
        s->count++;
    s->rows = all;
    return 0;
}

static const char *part_of(struct json_object *list, size_t index)
{
    return json_object_get_string(json_object_array_get_idx(list, index));
}

static int64_t number_of(struct json_object *list, size_t index)
{
    return json_object_get_int64(json_object_array_get_idx(list, index));
}

static void put(struct json_object *note, const char *name, struct json_object *list)
{
    if (!note || !list || json_object_object_add(note, name, list) != 0)
        json_object_put(list); /* out of memory: it is as if it had not been seen */
}

static struct json_object *entry(const char *table, int64_t scans, const char *definition, int64_t at)
{
    struct json_object *list = json_object_new_array();
    if (!list)
        return NULL;
    (void)json_object_array_add(list, json_object_new_string(table));
    (void)json_object_array_add(list, json_object_new_int64(scans));
    (void)json_object_array_add(list, json_object_new_string(definition));
    (void)json_object_array_add(list, json_object_new_int64(at));
    return list;
}

static void remember_tables(cause_look *look)
{
    struct json_object *note = cause_note(look, "tables");
    for (size_t i = 0; i < look->table_count; i++) {
        const diagnose_tables_row *t = &look->tables[i];
        struct json_object *list = json_object_new_array();
        const int64_t counters[] = {t->seq_scans, t->seq_rows, t->index_scans, t->blocks_read};
        for (size_t c = 0; list && c < sizeof counters / sizeof *counters; c++)
            (void)json_object_array_add(list, json_object_new_int64(counters[c]));
        put(note, lb_printf(look->ctx, "%s.%s", t->schema, t->name), list);
    }
}

/* ---- what is gone ---- */

static const char *how(const char *definition)
{
    const char *using = strstr(definition, " USING ");
    return using ? using : definition;
}

/* The same name, or another one with the same keys: it was rebuilt, or renamed. */
static bool stands(const survey *s, const gone *g)
{
    for (size_t i = 0; i < s->count; i++) {
        const diagnose_indexes_row *row = &s->rows[i];
        if (strcmp(lb_printf(s->look->ctx, "%s.%s", row->schema, row->name), g->name) == 0)
            return true;
        if (strcmp(lb_printf(s->look->ctx, "%s.%s", row->schema, row->table_name), g->table) == 0 &&
            strcmp(how(row->definition), how(g->definition)) == 0)
            return true;
    }
    return false;
}

static void take(survey *s, struct json_object *note, int64_t now)
{
    if (!note)
        return;
    json_object_object_foreach(note, name, list)
    {
        int64_t at = number_of(list, 3);
        const gone g = {name, part_of(list, 0), part_of(list, 2), number_of(list, 1), at ? at : now};
        if (g.table && g.definition && now - g.at < A_DAY && !stands(s, &g))
            s->gone[s->gone_count++] = g;
    }
}

static size_t size_of(struct json_object *note)
{
    return note ? (size_t)json_object_object_length(note) : 0;
}

/* Candidates; the server says of each whether it is there all the same, locked or rebuilt, and its table with it. */
static int find_gone(survey *s, lb_texts *ret_there, lb_error *err)
{
    struct json_object *noted = cause_noted(s->look, "indexes"), *before = cause_noted(s->look, "gone");
    lb_ctx *ctx = s->look->ctx;
    diagnose_table_names_row row;
    lb_rows *rows = NULL;
    s->gone = lb_alloc(ctx, (size_of(noted) + size_of(before) + 1) * sizeof *s->gone);
    if (!s->gone)
        return lb_out_of_memory(err);
    take(s, before, s->look->reading.at);
    take(s, noted, s->look->reading.at);
    const char **names = lb_alloc(ctx, (2 * s->gone_count + 1) * sizeof *names);
    const char **there = lb_alloc(ctx, (2 * s->gone_count + 1) * sizeof *there);
    if (!names || !there)
        return lb_out_of_memory(err);
    *ret_there = (lb_texts){there, 0};
    if (!s->gone_count)
        return 0;
    for (size_t i = 0; i < s->gone_count; i++) {
        names[2 * i] = s->gone[i].name;
        names[2 * i + 1] = s->gone[i].table;
    }
    int r = diagnose_table_names(ctx, &(diagnose_table_names_args){.names = {names, 2 * s->gone_count}}, &rows, err);
    while (r >= 0 && diagnose_table_names_next(ctx, rows, &row))
        there[ret_there->count++] = row.name;
    return r;
}

static bool is_there(const lb_texts *there, const char *name)
{
    for (size_t i = 0; i < there->count; i++)
        if (strcmp(there->items[i], name) == 0)
            return true;
    return false;
}

/* ---- what that does ---- */

static const diagnose_tables_row *table_named(const cause_look *look, const char *name)
{
    for (size_t i = 0; i < look->table_count; i++)
        if (strcmp(lb_printf(look->ctx, "%s.%s", look->tables[i].schema, look->tables[i].name), name) == 0)
            return &look->tables[i];
    return NULL;
}

static int add_gone(const survey *s, const gone *g, lb_error *err)
{
    cause_look *look = s->look;
    const diagnose_tables_row *t = table_named(look, g->table);
    struct json_object *noted = cause_noted(look, "tables"), *list = NULL;
    bool is_known = t && noted && json_object_object_get_ex(noted, g->table, &list);
    double scans = is_known ? (double)(t->seq_scans - number_of(list, 0)) : 0;
    double rows = is_known ? (double)(t->seq_rows - number_of(list, 1)) : 0;
    double each = scans > 0 ? rows / scans : 0;
    const diagnose_changes_row *change =
        cause_change_of(look, strchr(g->name, '.') ? strchr(g->name, '.') + 1 : g->name);
    const cause_case c = {
        .id = CAUSE_DROPPED_INDEX,
        .object = g->name,
        .about = g->table,
        .schema = t ? t->schema : NULL,
        .table = t ? t->name : NULL,
        .reason = lb_printf(look->ctx, "it was there %s, and %s was read whole %.0f times since, %.0f rows each time",
                            look->reading.at == g->at ? "at the reading before" : "a day ago", g->table, scans, each),
        .command = g->definition,
        .strength = {1,
                     is_known ? (each >= 0.5 * t->rows_known ? cause_ramp(scans, 1, CAUSE_MANY_SCANS) : 0)
                              : CAUSE_UNSEEN,
                     g->scans > 0, change != NULL},
        .evidence =
            LB_ARGS(lb_text("table", g->table), lb_text("definition", g->definition), lb_i64("scans_before", g->scans),
                    lb_time("missed_since", g->at), lb_f64(CAUSE_SEEN_SINCE, (double)(look->reading.at - g->at) / 1e6),
                    lb_f64("sequential_scans", scans), lb_f64("rows_each", each),
                    lb_text("change", change ? change->statement : NULL),
                    lb_text("changed_by", change ? (change->actor ? change->actor : change->tool) : NULL))};
    return cause_add(look, &c, err);
}

int cause_look_at_indexes(cause_look *look, lb_error *err)
{
    survey s = {.look = look};
    lb_texts there = {0};
    int r = read_indexes(&s, err);
    if (r >= 0)
        r = find_gone(&s, &there, err);
    if (r < 0)
        return r;
    struct json_object *note = cause_note(look, "indexes"), *missing = cause_note(look, "gone");
    for (size_t i = 0; i < s.count; i++)
        put(note, lb_printf(look->ctx, "%s.%s", s.rows[i].schema, s.rows[i].name),
            entry(lb_printf(look->ctx, "%s.%s", s.rows[i].schema, s.rows[i].table_name), s.rows[i].scans,
                  s.rows[i].definition, 0));
    for (size_t i = 0; r >= 0 && i < s.gone_count; i++) {
        const gone *g = &s.gone[i];
        bool is_back = is_there(&there, g->name);
        if (is_back) /* locked, or not valid yet: as it was */
            put(note, g->name, entry(g->table, g->scans, g->definition, 0));
        if (is_back || !is_there(&there, g->table))
            continue;
        put(missing, g->name, entry(g->table, g->scans, g->definition, g->at));
        r = add_gone(&s, g, err);
    }
    remember_tables(look);
    return r;
}
