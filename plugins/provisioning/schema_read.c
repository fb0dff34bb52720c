/* schema_read.c: the catalogues as rows: one statement, however many objects there are, so that all of them are as they
 * were at one moment. But the server prints definitions as they are while it prints them, whatever the statement sees:
 * if anything that it saw has gone or has changed when it is done, it is asked anew. */
#include "schema_kinds.h"

#include <sql/schema/catalogue_rows.h>
#include <sql/schema/read_columns.h>
#include <sql/schema/read_comments.h>
#include <sql/schema/read_commits.h>
#include <sql/schema/read_constraints.h>
#include <sql/schema/read_edges.h>
#include <sql/schema/read_functions.h>
#include <sql/schema/read_grants.h>
#include <sql/schema/read_indexes.h>
#include <sql/schema/read_ledger_commits.h>
#include <sql/schema/read_mark.h>
#include <sql/schema/read_operators.h>
#include <sql/schema/read_options.h>
#include <sql/schema/read_others.h>
#include <sql/schema/read_place.h>
#include <sql/schema/read_programs.h>
#include <sql/schema/read_relations.h>
#include <sql/schema/read_rest.h>
#include <sql/schema/read_schemas.h>
#include <sql/schema/read_types.h>
#include <sql/schema/read_union.h>
#include <sql/schema/read_whole.h>
#include <sql/schema/still_same.h>

#define TRIES    20
#define ROWS_MAX 300000 /* of all tries: each keeps what it has read */

static const lb_statement *const reads[] = {
    &schema_read_schemas_sql,  &schema_read_types_sql,    &schema_read_functions_sql,   &schema_read_relations_sql,
    &schema_read_columns_sql,  &schema_read_options_sql,  &schema_read_constraints_sql, &schema_read_indexes_sql,
    &schema_read_programs_sql, &schema_read_rest_sql,     &schema_read_operators_sql,   &schema_read_grants_sql,
    &schema_read_others_sql,   &schema_read_comments_sql, &schema_read_edges_sql,
};

/* All of these queries have the columns of the first. */
static schema_row row_of(const lb_value *cells)
{
    return (schema_row){
        .key = {.catalog = cells[0].v.i64, .object = cells[1].v.i64, .part = cells[2].v.i64},
        .kind = cells[3].v.text,
        .schema = cells[4].type == LB_NULL ? NULL : cells[4].v.text,
        .address = cells[5].v.text,
        .name = cells[6].type == LB_NULL ? NULL : cells[6].v.text,
        .up_key = {.catalog = cells[7].v.i64, .object = cells[8].v.i64, .part = cells[9].v.i64},
        .attrs = cells[10].v.items,
        .attr_count = cells[10].count,
    };
}

/* ---- one statement ---- */

static int add_query(lb_ctx *ctx, const lb_statement *query, const lb_value *args, const lb_sql **all, lb_error *err)
{
    const lb_sql *one = NULL;
    int r = lb_compose(ctx, query, args, &one, err);
    const schema_read_union_args both = {.first = *all, .second = one};
    if (r < 0 || !*all)
        *all = one;
    else
        r = schema_read_union_compose(ctx, &both, all, err);
    return r;
}

static int compose_all(lb_ctx *ctx, const lb_sql *written, const lb_sql **ret_all, lb_error *err)
{
    const lb_value *rows = LB_ARGS(lb_sql_value("rows", written));
    int r = add_query(ctx, &schema_read_mark_sql, rows, ret_all, err);
    for (size_t i = 0; i < sizeof reads / sizeof reads[0] && r >= 0; i++)
        r = add_query(ctx, reads[i], LB_NO_ARGS, ret_all, err);
    return r;
}

/* ---- of one moment ---- */

typedef struct sight {
    const lb_sql *written, *all;
    schema_row *rows;
    size_t count, of_all_tries;
    schema_row mark;
} sight;

static int read_once(lb_ctx *ctx, sight *seen, lb_error *err)
{
    const schema_read_whole_args whole = {.objects = seen->all};
    lb_rows *rows = NULL;
    int r = schema_read_whole(ctx, &whole, &rows, err);
    if (r < 0)
        return r;
    size_t count = (size_t)lb_row_count(ctx, rows);
    seen->rows = lb_alloc(ctx, (count + 1) * sizeof *seen->rows);
    seen->count = 0;
    seen->of_all_tries += count;
    if (!seen->rows)
        return lb_out_of_memory(err);
    for (const lb_value *cells; (cells = lb_next(ctx, rows));) {
        const schema_row row = row_of(cells);
        if (strcmp(row.kind, "mark") == 0)
            seen->mark = row;
        else
            seen->rows[seen->count++] = row;
    }
    return 0;
}

static int is_still_same(lb_ctx *ctx, const sight *seen, bool *ret_same, lb_error *err)
{
    const schema_still_same_args args = {
        .rows = seen->written, .snapshot = seen->mark.address, .total = seen->mark.name};
    schema_still_same_row row = {0};
    lb_rows *rows = NULL;
    int r = schema_still_same(ctx, &args, &rows, err);
    *ret_same = r >= 0 && schema_still_same_next(ctx, rows, &row) && row.is_same;
    return r;
}

/* The server looks up what the statement saw, and does not find it. */
static bool is_gone(const lb_error *err)
{
    static const char *const states[] = {"XX000", "42P01", "42703", "42704", "42883"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    return false;
}

static int read_moment(lb_ctx *ctx, sight *seen, lb_error *err)
{
    bool is_same = false;
    for (int i = 0; i < TRIES && seen->of_all_tries + seen->count <= ROWS_MAX; i++) {
        int r = read_once(ctx, seen, err);
        if (r < 0 && (!is_gone(err) || i + 1 == TRIES))
            return r;
        if (r >= 0)
            r = is_still_same(ctx, seen, &is_same, err);
        if (r >= 0 && is_same)
            return 0;
        if (r < 0 && !is_gone(err))
            return r;
        lb_progress(ctx, i + 1, TRIES, "changed while it was read: once more");
    }
    return lb_fail(err, LB_ERR_CONFLICT, "run it while nobody makes, changes or drops tables there",
                   "the schema changes all the time: none of several readings held until its end");
}

static bool is_edge(const schema_row *row)
{
    return strcmp(row->kind, "edge") == 0;
}

/* Every edge comes after the last object. */
int schema_each(lb_ctx *ctx, schema_row_fn on_row, schema_edge_fn on_edge, void *state, lb_error *err)
{
    sight seen = {0};
    int r = schema_catalogue_rows_compose(ctx, &seen.written, err);
    if (r >= 0)
        r = compose_all(ctx, seen.written, &seen.all, err);
    if (r >= 0)
        r = read_moment(ctx, &seen, err);
    for (size_t i = 0; i < seen.count && r >= 0; i++)
        if (!is_edge(&seen.rows[i]))
            r = on_row(state, &seen.rows[i], err);
    for (size_t i = 0; i < seen.count && r >= 0; i++)
        if (is_edge(&seen.rows[i]))
            r = on_edge(state, seen.rows[i].key, seen.rows[i].up_key, seen.rows[i].name, err);
    return r < 0 ? lb_wrap(err, "the catalogues") : 0;
}

/* The same commits on two branches: two servers do not come to one number in one microsecond by chance. */
int schema_each_commit(lb_ctx *ctx, const schema_place *place, schema_commit_fn on_commit, void *state, lb_error *err)
{
    schema_read_commits_row row;
    schema_read_ledger_commits_row entry;
    lb_rows *rows = NULL;
    int r = schema_read_commits(ctx, &rows, err);
    while (r >= 0 && schema_read_commits_next(ctx, rows, &row))
        r = on_commit(state, (schema_commit){row.xid, row.committed_at}, err);
    if (r >= 0 && place->has_ledger)
        r = schema_read_ledger_commits(ctx, &rows, err);
    while (r >= 0 && place->has_ledger && schema_read_ledger_commits_next(ctx, rows, &entry))
        r = on_commit(state, (schema_commit){entry.xid, entry.committed_at}, err);
    return r < 0 ? lb_wrap(err, "transactions that branches may share") : 0;
}

int schema_find_place(lb_ctx *ctx, schema_place *ret_place, lb_error *err)
{
    schema_read_place_row row = {0};
    lb_rows *rows = NULL;
    int r = schema_read_place(ctx, &rows, err);
    if (r >= 0 && schema_read_place_next(ctx, rows, &row))
        *ret_place = (schema_place){row.database, row.system_identifier, row.database_oid, row.has_ledger};
    return r;
}

/* ---- into a model ---- */

typedef struct intake {
    schema_model *model;
    bool is_indexed;
} intake;

static int add_row(void *state, const schema_row *row, lb_error *err)
{
    const intake *reading = state;
    return schema_model_add(reading->model, row, err);
}

static int add_edge(void *state, schema_key a, schema_key b, const char *via, lb_error *err)
{
    intake *reading = state;
    if (!reading->is_indexed && schema_model_index(reading->model, err) < 0)
        return err->code;
    reading->is_indexed = true;
    return schema_model_edge(reading->model, a, b, via != NULL, err);
}

static int add_commit(void *state, schema_commit commit, lb_error *err)
{
    const intake *reading = state;
    return schema_model_commit(reading->model, commit, err);
}

int schema_read(lb_ctx *ctx, const schema_filter *filter, schema_model **ret_model, lb_error *err)
{
    intake reading = {.model = schema_model_new(ctx, filter)};
    if (!reading.model)
        return lb_out_of_memory(err);
    schema_place place = {0};
    int r = schema_find_place(ctx, &place, err);
    reading.model->database = place.database;
    reading.model->system = place.system;
    reading.model->database_oid = place.database_oid;
    if (r >= 0)
        r = schema_each_commit(ctx, &place, add_commit, &reading, err);
    if (r >= 0)
        r = schema_each(ctx, add_row, add_edge, &reading, err);
    if (r >= 0 && !reading.is_indexed)
        r = schema_model_index(reading.model, err);
    if (r >= 0)
        r = schema_model_finish(reading.model, err);
    *ret_model = reading.model;
    return r;
}
