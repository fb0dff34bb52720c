/* The values of a row as one text that the server and the engines of the lakehouse come to alike, so that what was
 * altered on the way, by a type, a zone, a scale or an encoding, is seen by its digest. */
#include "archival_source.h"
#include "joined_text.h"

#include <lbops/lake_type.h>
#include <sql/archival/and_bytes.h>
#include <sql/archival/its_column.h>
#include <sql/archival/key_digest_lake.h>
#include <sql/archival/printed.h>
#include <sql/archival/printed_size.h>
#include <sql/archival/row_values.h>
#include <sql/archival/text_cell.h>
#include <sql/archival/text_cell_lake.h>
#include <sql/archival/text_size.h>
#include <sql/archival/value_cell.h>
#include <sql/archival/value_cell_lake.h>
#include <sql/sync/bytes_lake.h>
#include <sql/sync/bytes_source.h>
#include <sql/sync/date_lake.h>
#include <sql/sync/date_source.h>
#include <sql/sync/float_lake.h>
#include <sql/sync/float_source.h>
#include <sql/sync/json_source.h>
#include <sql/sync/numeric_lake.h>
#include <sql/sync/numeric_source.h>
#include <sql/sync/plain_lake.h>
#include <sql/sync/plain_source.h>
#include <sql/sync/time_lake.h>
#include <sql/sync/time_source.h>
#include <string.h>

typedef struct form {
    const char *lake; /* how the archive's type begins */
    const lb_statement *here, *there;
    bool is_text;
    int bytes; /* of the longest value as text; 0: that depends on the value */
} form;

static const form forms[] = {
    {"smallint", &archival_its_column_sql, &sync_plain_lake_sql, false, 6},
    {"int", &archival_its_column_sql, &sync_plain_lake_sql, false, 11},
    {"bigint", &archival_its_column_sql, &sync_plain_lake_sql, false, 20},
    {"boolean", &sync_plain_source_sql, &sync_plain_lake_sql, false, 5},
    {"decimal", &sync_numeric_source_sql, &sync_numeric_lake_sql, false, 0},
    {"float", &sync_float_source_sql, &sync_float_lake_sql, false, 15},
    {"double", &sync_float_source_sql, &sync_float_lake_sql, false, 24},
    {"timestamp", &sync_time_source_sql, &sync_time_lake_sql, false, 32},
    {"date", &sync_date_source_sql, &sync_date_lake_sql, false, 13},
    {"binary", &sync_bytes_source_sql, &sync_bytes_lake_sql, true, 0},
};
static const form array = {NULL, &sync_json_source_sql, &sync_plain_lake_sql, true, 0};
static const form text = {NULL, &sync_plain_source_sql, &sync_plain_lake_sql, true, 0};
static const form other = {NULL, &archival_printed_sql, &sync_plain_lake_sql, true, 0};

static const form *form_of(const char *type)
{
    char buffer[LB_LAKE_TYPE_BYTES];
    const char *lake = lb_lake_type(type, buffer);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strncmp(lake, forms[i].lake, strlen(forms[i].lake)) == 0)
            return &forms[i];
    if (lb_lake_is_array(type))
        return &array;
    return strcmp(type, "text") == 0 || strncmp(type, "character varying", 17) == 0 ? &text : &other;
}

static int compose_cells(lb_ctx *ctx, const archival_source *s, bool there, const lb_sql **ret_sql, lb_error *err)
{
    lb_value *parts = lb_alloc(ctx, (s->column_count + 1) * sizeof *parts);
    int r = parts ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; parts && r >= 0 && i < s->column_count; i++) {
        const form *f = form_of(s->columns[i].type);
        const lb_statement *here = f->is_text ? &archival_text_cell_sql : &archival_value_cell_sql;
        const lb_statement *over_there = f->is_text ? &archival_text_cell_lake_sql : &archival_value_cell_lake_sql;
        const lb_sql *value = NULL, *cell = NULL;
        r = lb_compose(ctx, there ? f->there : f->here, LB_ARGS(lb_ident("column", s->columns[i].name)), &value, err);
        if (r >= 0)
            r = lb_compose(ctx, there ? over_there : here, LB_ARGS(lb_sql_value("form", value)), &cell, err);
        parts[i] = lb_sql_value(NULL, cell);
    }
    return r < 0 || !parts ? r : joined_text(ctx, parts, s->column_count, ret_sql, err);
}

static int add_size(lb_ctx *ctx, archival_source *s, const archival_columns_row *column, lb_error *err)
{
    const form *f = form_of(column->type);
    bool knows_length = f == &text || f->here == &sync_bytes_source_sql;
    const lb_sql *size = NULL;
    s->fixed_bytes += f->bytes;
    if (f->bytes)
        return 0;
    int r = lb_compose(ctx, knows_length ? &archival_text_size_sql : &archival_printed_size_sql,
                       LB_ARGS(lb_ident("column", column->name)), &size, err);
    const archival_and_bytes_args more = {.before = s->more_bytes, .bytes = size};
    return r < 0 ? r : archival_and_bytes_compose(ctx, &more, &s->more_bytes, err);
}

static int compose_sizes(lb_ctx *ctx, archival_source *s, lb_error *err)
{
    int r = 0;
    s->fixed_bytes = 0;
    s->more_bytes = NULL;
    for (size_t i = 0; r >= 0 && i < s->column_count; i++)
        r = add_size(ctx, s, &s->columns[i], err);
    return r;
}

/* Numbers and uuids tell nothing of a person; a text may be somebody's address. */
static bool may_be_shown(const archival_source *s)
{
    static const char *const types[] = {"smallint", "integer", "bigint", "numeric", "uuid"};
    size_t shown = 0;
    for (size_t i = 0; i < s->key_count; i++)
        for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
            size_t length = strlen(types[k]);
            char after = strncmp(s->key[i]->type, types[k], length) == 0 ? s->key[i]->type[length] : ' ';
            shown += !after || after == '(';
        }
    return shown == s->key_count;
}

static int compose_lake_key(lb_ctx *ctx, archival_source *s, lb_error *err)
{
    lb_value *parts = lb_alloc(ctx, (s->key_count + 1) * sizeof *parts);
    int r = parts ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; parts && r >= 0 && i < s->key_count; i++) {
        const lb_sql *part = NULL;
        const lb_sql *value = NULL;
        r = lb_compose(ctx, &sync_plain_lake_sql, LB_ARGS(lb_ident("column", s->key[i]->name)), &value, err);
        if (r >= 0)
            r = lb_compose(ctx, &archival_value_cell_lake_sql, LB_ARGS(lb_sql_value("form", value)), &part, err);
        parts[i] = lb_sql_value(NULL, part);
    }
    if (r >= 0 && parts)
        r = joined_text(ctx, parts, s->key_count, &s->lake_key, err);
    s->is_key_hidden = !may_be_shown(s);
    const archival_key_digest_lake_args key = {.key = s->lake_key};
    return r < 0 || !s->is_key_hidden ? r : archival_key_digest_lake_compose(ctx, &key, &s->lake_key, err);
}

int archival_compose_values(lb_ctx *ctx, archival_source *s, lb_error *err)
{
    const lb_sql *cells = NULL;
    int r = compose_sizes(ctx, s, err);
    if (r >= 0)
        r = compose_cells(ctx, s, false, &cells, err);
    if (r >= 0)
        r = archival_row_values_compose(ctx, &(archival_row_values_args){.cells = cells}, &s->values, err);
    if (r >= 0)
        r = compose_cells(ctx, s, true, &s->lake_cells, err);
    return r < 0 ? r : compose_lake_key(ctx, s, err);
}
