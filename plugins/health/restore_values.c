/* The cells of a row as texts of the lakehouse, and the same in the types of the table. Nothing here has to be exact:
 * what a type does not bring back as it was has another digest. */
#include "restore_job.h"

#include "joined_text.h"

#include <lbops/lake_type.h>
#include <sql/archival/came_array.h>
#include <sql/archival/came_bytes.h>
#include <sql/archival/came_date.h>
#include <sql/archival/came_float.h>
#include <sql/archival/came_plain.h>
#include <sql/archival/came_time.h>
#include <sql/archival/came_time_of_no_zone.h>
#include <sql/archival/child_column.h>
#include <sql/archival/signed_lake.h>
#include <sql/archival/text_cell_lake.h>
#include <sql/sync/bytes_lake.h>
#include <sql/sync/date_lake.h>
#include <sql/sync/float_lake.h>
#include <sql/sync/plain_lake.h>
#include <sql/sync/time_lake.h>
#include <string.h>

typedef struct form {
    const char *lake;   /* the archive's type */
    const char *server; /* a word of the server's, where that matters */
    const lb_statement *there, *here;
    bool has_sign_of_zero;
} form;

static const form forms[] = {
    {"timestamp", "without time zone", &sync_time_lake_sql, &archival_came_time_of_no_zone_sql, false},
    {"timestamp", NULL, &sync_time_lake_sql, &archival_came_time_sql, false},
    {"date", NULL, &sync_date_lake_sql, &archival_came_date_sql, false},
    {"binary", NULL, &sync_bytes_lake_sql, &archival_came_bytes_sql, false},
    {"float", NULL, &sync_float_lake_sql, &archival_came_float_sql, true},
    {"double", NULL, &sync_float_lake_sql, &archival_came_float_sql, true},
};
static const form plain = {NULL, NULL, &sync_plain_lake_sql, &archival_came_plain_sql, false};

static const form *form_of(const char *type)
{
    char buffer[LB_LAKE_TYPE_BYTES];
    const char *lake = lb_lake_type(type, buffer);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(lake, forms[i].lake) == 0 && (!forms[i].server || strstr(type, forms[i].server)))
            return &forms[i];
    return &plain;
}

static int compose_cell(lb_ctx *ctx, const archival_columns_row *column, lb_value *ret_part, lb_error *err)
{
    const form *f = form_of(column->type);
    const lb_sql *value = NULL, *cell = NULL;
    int r = lb_compose(ctx, f->there, LB_ARGS(lb_ident("column", column->name)), &value, err);
    if (r >= 0 && f->has_sign_of_zero)
        r = archival_signed_lake_compose(ctx, &(archival_signed_lake_args){column->name, value}, &value, err);
    if (r >= 0)
        r = archival_text_cell_lake_compose(ctx, &(archival_text_cell_lake_args){value}, &cell, err);
    *ret_part = lb_sql_value(NULL, cell);
    return r;
}

static int compose_typed(const restore_job *job, size_t i, const lb_sql **ret_sql, lb_error *err)
{
    const archival_columns_row *c = &job->source.columns[i];
    const char *place = lb_printf(job->ctx, "%zu", i + 1);
    if (!place)
        return lb_out_of_memory(err);
    return lb_compose(
        job->ctx, lb_lake_is_array(c->type) ? &archival_came_array_sql : form_of(c->type)->here,
        LB_ARGS(lb_definition("place", place), lb_definition("type", c->type), lb_ident("column", c->name)), ret_sql,
        err);
}

static bool is_computed(const restore_job *job, const char *column)
{
    for (size_t i = 0; i < job->table.computed.count; i++)
        if (strcmp(job->table.computed.items[i].v.text, column) == 0)
            return true;
    return false;
}

static int compose_column(restore_job *job, size_t i, const char **names, lb_error *err)
{
    const char *name = job->source.columns[i].name;
    int r = compose_typed(job, i, &job->columns.items[job->columns.count++], err);
    if (r < 0 || is_computed(job, name))
        return r;
    names[job->names.count++] = name;
    return archival_child_column_compose(job->ctx, &(archival_child_column_args){name},
                                         &job->written.items[job->written.count++], err);
}

static int compose_keys(restore_job *job, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < job->source.key_count; i++)
        r = archival_child_column_compose(job->ctx, &(archival_child_column_args){job->source.key[i]->name},
                                          &job->keys.items[job->keys.count++], err);
    return r;
}

static int read_table(restore_job *job, lb_error *err)
{
    const archival_restore_table_args args = {.table_id = job->source.table->r.table_id};
    lb_rows *rows = NULL;
    int r = archival_restore_table(job->ctx, &args, &rows, err);
    if (r >= 0 && !archival_restore_table_next(job->ctx, rows, &job->table))
        return lb_fail(err, LB_ERR_INTERNAL, "report it", "the server tells nothing of %s", job->source.label);
    return r;
}

int restore_compose(restore_job *job, lb_error *err)
{
    const size_t most = job->source.column_count + 1;
    const char **names = lb_alloc(job->ctx, most * sizeof *names);
    lb_value *parts = lb_alloc(job->ctx, most * sizeof *parts);
    job->columns.items = lb_alloc(job->ctx, most * sizeof(void *));
    job->written.items = lb_alloc(job->ctx, most * sizeof(void *));
    job->keys.items = lb_alloc(job->ctx, most * sizeof(void *));
    if (!names || !parts || !job->columns.items || !job->written.items || !job->keys.items)
        return lb_out_of_memory(err);
    job->names.items = names;
    int r = read_table(job, err);
    for (size_t i = 0; r >= 0 && i < job->source.column_count; i++) {
        r = compose_cell(job->ctx, &job->source.columns[i], &parts[i], err);
        if (r >= 0)
            r = compose_column(job, i, names, err);
    }
    if (r >= 0)
        r = compose_keys(job, err);
    return r < 0 ? r : joined_text(job->ctx, parts, job->source.column_count, &job->cells, err);
}
