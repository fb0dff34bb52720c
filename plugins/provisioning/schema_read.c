/* schema_read.c: the catalogues as rows: a fixed number of queries, however many objects there are. */
#include "schema_kinds.h"

#include <sql/schema/read_columns.h>
#include <sql/schema/read_comments.h>
#include <sql/schema/read_commits.h>
#include <sql/schema/read_constraints.h>
#include <sql/schema/read_edges.h>
#include <sql/schema/read_functions.h>
#include <sql/schema/read_grants.h>
#include <sql/schema/read_indexes.h>
#include <sql/schema/read_ledger_commits.h>
#include <sql/schema/read_operators.h>
#include <sql/schema/read_options.h>
#include <sql/schema/read_others.h>
#include <sql/schema/read_place.h>
#include <sql/schema/read_programs.h>
#include <sql/schema/read_relations.h>
#include <sql/schema/read_rest.h>
#include <sql/schema/read_schemas.h>
#include <sql/schema/read_types.h>

static const lb_statement *const reads[] = {
    &schema_read_schemas_sql,  &schema_read_types_sql,    &schema_read_functions_sql,   &schema_read_relations_sql,
    &schema_read_columns_sql,  &schema_read_options_sql,  &schema_read_constraints_sql, &schema_read_indexes_sql,
    &schema_read_programs_sql, &schema_read_rest_sql,     &schema_read_operators_sql,   &schema_read_grants_sql,
    &schema_read_others_sql,   &schema_read_comments_sql,
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

static int each_edge(lb_ctx *ctx, schema_edge_fn on_edge, void *state, lb_error *err)
{
    schema_read_edges_row row;
    lb_rows *rows = NULL;
    int r = schema_read_edges(ctx, &rows, err);
    while (r >= 0 && schema_read_edges_next(ctx, rows, &row)) {
        const schema_key a = {row.catalog, row.object, row.part}, b = {row.on_catalog, row.on_object, row.on_part};
        r = on_edge(state, a, b, row.via, err);
    }
    return r < 0 ? lb_wrap(err, "what depends on what") : 0;
}

/* Every edge comes after the last object. */
int schema_each(lb_ctx *ctx, schema_row_fn on_row, schema_edge_fn on_edge, void *state, lb_error *err)
{
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        lb_rows *rows = NULL;
        int r = lb_query(ctx, reads[i], LB_NO_ARGS, &rows, err);
        for (const lb_value *cells; r >= 0 && (cells = lb_next(ctx, rows));) {
            const schema_row row = row_of(cells);
            r = on_row(state, &row, err);
        }
        if (r < 0)
            return lb_wrap(err, reads[i]->name);
        lb_progress(ctx, (int64_t)i + 1, (int64_t)(sizeof reads / sizeof reads[0]) + 1, "catalogues");
    }
    return each_edge(ctx, on_edge, state, err);
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
