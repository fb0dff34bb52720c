/* A pair of tables: what columns both have and in which form each is compared. */
#include "sync_pair.h"

#include "health_hash.h"

#include <ctype.h>
#include <sql/sync/array_lake.h>
#include <sql/sync/array_source.h>
#include <sql/sync/bytes_lake.h>
#include <sql/sync/bytes_source.h>
#include <sql/sync/date_lake.h>
#include <sql/sync/date_source.h>
#include <sql/sync/float_lake.h>
#include <sql/sync/float_source.h>
#include <sql/sync/json_source.h>
#include <sql/sync/ntz_lake.h>
#include <sql/sync/numeric_lake.h>
#include <sql/sync/numeric_source.h>
#include <sql/sync/padded_lake.h>
#include <sql/sync/plain_lake.h>
#include <sql/sync/plain_source.h>
#include <sql/sync/source_columns.h>
#include <sql/sync/time_lake.h>
#include <sql/sync/time_source.h>
#include <sql/sync/uuid_lake.h>

/* ---- forms ---- */

typedef struct form {
    const char *type; /* how the server's type begins; "*[]": any array of what can be compared as text */
    const char *lake; /* types of the copy that hold it, with | around each */
    const lb_statement *source, *copy;
} form;

/* The first that fits both sides. */
static const form forms[] = {
    {"smallint", "|tinyint|smallint|int|bigint|", &sync_plain_source_sql, &sync_plain_lake_sql},
    {"integer", "|int|bigint|", &sync_plain_source_sql, &sync_plain_lake_sql},
    {"bigint", "|bigint|", &sync_plain_source_sql, &sync_plain_lake_sql},
    {"oid", "|bigint|", &sync_plain_source_sql, &sync_plain_lake_sql},
    {"boolean", "|boolean|", &sync_plain_source_sql, &sync_plain_lake_sql},
    {"numeric", "|decimal|string|", &sync_numeric_source_sql, &sync_numeric_lake_sql},
    {"real", "|float|double|", &sync_float_source_sql, &sync_float_lake_sql},
    {"double precision", "|double|", &sync_float_source_sql, &sync_float_lake_sql},
    {"timestamp", "|timestamp|", &sync_time_source_sql, &sync_time_lake_sql},
    {"timestamp", "|timestamp_ntz|", &sync_time_source_sql, &sync_ntz_lake_sql},
    {"date", "|date|", &sync_date_source_sql, &sync_date_lake_sql},
    {"bytea", "|binary|", &sync_bytes_source_sql, &sync_bytes_lake_sql},
    {"*[]", "|string|", &sync_json_source_sql, &sync_plain_lake_sql},
    {"*[]", "|array|", &sync_array_source_sql, &sync_array_lake_sql},
    {"character(", "|string|", &sync_plain_source_sql, &sync_padded_lake_sql},
    {"uuid", "|string|", &sync_plain_source_sql, &sync_uuid_lake_sql},
    {"text", "|string|", &sync_plain_source_sql, &sync_plain_lake_sql},
    {"character varying", "|string|", &sync_plain_source_sql, &sync_plain_lake_sql},
    {"json", "|string|", &sync_plain_source_sql, &sync_plain_lake_sql},
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool ends_with(const char *text, const char *with)
{
    size_t length = strlen(text), end = strlen(with);
    return length >= end && strcmp(text + length - end, with) == 0;
}

/* "decimal(12,2)" is in "|decimal|string|". */
static bool holds(const char *types, const char *type)
{
    size_t length = strcspn(type, "(<");
    for (const char *p = types; (p = strchr(p, '|')) && p[1]; p++)
        if (strncmp(p + 1, type, length) == 0 && p[1 + length] == '|')
            return true;
    return false;
}

/* Elements whose text is the same everywhere. */
static bool is_plain_array(const char *type, const char *lake_type)
{
    static const char *const kinds[] = {"smallint[]", "integer[]", "bigint[]", "text[]", "boolean[]", "uuid[]"};
    bool plain = begins(type, "character varying") && !begins(lake_type, "array<array");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        plain = plain || strcmp(kinds[i], type) == 0;
    return plain;
}

static const form *find_form(const char *type, const char *lake_type)
{
    bool array = ends_with(type, "[]");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const form *f = &forms[i];
        bool fits = *f->type == '*' ? array : !array && begins(type, f->type);
        if (!fits || !holds(f->lake, lake_type))
            continue;
        if (*f->type == '*' && strcmp(f->lake, "|array|") == 0 && !is_plain_array(type, lake_type))
            continue;
        return f;
    }
    return NULL;
}

/* ---- columns ---- */

static const char *listed(lb_ctx *ctx, const char *list, const char *name, const char *why)
{
    return lb_printf(ctx, "%s%s%s%s%s", list ? list : "", list ? ", " : "", name, why ? ": " : "", why ? why : "");
}

static const lb_lake_column *find_copy(const lb_lake_table *copy, const char *name)
{
    for (uint32_t i = 0; i < copy->column_count; i++)
        if (strcasecmp(copy->columns[i].name, name) == 0)
            return &copy->columns[i];
    return NULL;
}

static int64_t key_place(const sync_wish *wish, const sync_source_columns_row *row)
{
    for (size_t i = 0; i < wish->key_count; i++)
        if (strcmp(wish->keys[i], row->name) == 0)
            return (int64_t)i + 1;
    return wish->key_count || row->key_place_is_null ? 0 : row->key_place + 1; /* an int2vector counts from 0 */
}

static int take_column(lb_ctx *ctx, sync_pair *pair, const sync_source_columns_row *row, lb_error *err)
{
    const lb_lake_column *copy = find_copy(pair->copy, row->name);
    const form *f = copy ? find_form(row->type, copy->type) : NULL;
    if (pair->wish->mark && strcmp(pair->wish->mark, row->name) == 0 && begins(row->type, "timestamp") && copy &&
        strcmp(copy->type, "timestamp") == 0)
        pair->mark = row->name;
    pair->lacks_key = pair->lacks_key || (!f && key_place(pair->wish, row));
    if (!copy) {
        pair->missing = listed(ctx, pair->missing, row->name, NULL);
        return pair->missing ? 0 : lb_out_of_memory(err);
    }
    if (!f) {
        pair->left_out = listed(ctx, pair->left_out, row->name, lb_printf(ctx, "%s and %s", row->type, copy->type));
        return pair->left_out ? 0 : lb_out_of_memory(err);
    }
    sync_column *column = &pair->columns[pair->count++];
    *column = (sync_column){.name = row->name,
                            .type = row->type,
                            .lake_type = copy->type,
                            .alias = lb_printf(ctx, "c%zu", pair->count),
                            .key_place = key_place(pair->wish, row)};
    if (!column->alias)
        return lb_out_of_memory(err);
    pair->key_count += column->key_place > 0;
    int r = lb_compose(ctx, f->source, LB_ARGS(lb_ident("column", row->name)), &column->source, err);
    return r < 0 ? r : lb_compose(ctx, f->copy, LB_ARGS(lb_ident("column", copy->name)), &column->lake, err);
}

/* What is left of a key names no row: rows are told apart by all that they have, as without a key. */
static void give_up_half_a_key(sync_pair *pair)
{
    for (size_t i = 0; pair->lacks_key && i < pair->count; i++)
        pair->columns[i].key_place = 0;
    pair->key_count = pair->lacks_key ? 0 : pair->key_count;
}

static const char *shape_of(lb_ctx *ctx, const sync_pair *pair)
{
    uint64_t hash = HEALTH_HASH_BASIS;
    for (size_t i = 0; i < pair->count; i++) {
        const sync_column *c = &pair->columns[i];
        hash = health_hash(health_hash(health_hash(hash, c->name), c->type), c->lake_type);
        hash = c->key_place ? health_hash(hash, "key") : hash;
    }
    hash = health_hash(health_hash(health_hash(hash, pair->missing), pair->left_out), pair->mark);
    return lb_printf(ctx, "%016llx", (unsigned long long)hash);
}

static void find_whole_key(sync_pair *pair)
{
    for (size_t i = 0; pair->key_count == 1 && i < pair->count; i++)
        if (pair->columns[i].key_place &&
            (strcmp(pair->columns[i].type, "bigint") == 0 || strcmp(pair->columns[i].type, "integer") == 0))
            pair->whole_key = pair->columns[i].name;
}

static bool has_key(const sync_pair *pair, const char *name)
{
    for (size_t i = 0; i < pair->count; i++)
        if (strcmp(pair->columns[i].name, name) == 0)
            return true;
    return false;
}

/* Without it rows would be told apart by what is left, or by nothing. NULL: both sides have all of it. */
static const char *why_no_key(lb_ctx *ctx, const sync_pair *pair)
{
    for (size_t i = 0; i < pair->wish->key_count; i++)
        if (!has_key(pair, pair->wish->keys[i]))
            return lb_printf(ctx, "key_columns has %s, which is no column that both sides have and can be compared by",
                             pair->wish->keys[i]);
    return NULL;
}

/* ---- both sides ---- */

static int read_source(lb_ctx *ctx, sync_pair *pair, const char **ret_why, lb_error *err)
{
    const sync_wish *wish = pair->wish;
    sync_source_columns_row row;
    lb_rows *rows = NULL;
    int r =
        sync_source_columns(ctx, &(sync_source_columns_args){.schema = wish->schema, .name = wish->name}, &rows, err);
    if (r < 0)
        return r;
    pair->columns = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *pair->columns);
    if (!pair->columns)
        return lb_out_of_memory(err);
    *ret_why = lb_row_count(ctx, rows) ? NULL : "there is no such table on the server";
    while (r >= 0 && sync_source_columns_next(ctx, rows, &row)) {
        if (!row.readable)
            *ret_why = "this role may not read the table";
        else if (strcmp(row.encoding, "UTF8") != 0)
            *ret_why = "the database is not in UTF-8, so that digests of its text would differ";
        r = take_column(ctx, pair, &row, err);
    }
    return r;
}

/* What has none is said to be of no time at all, or of this moment. */
static bool has_versions(const lb_lake_table *copy, int64_t before)
{
    return copy->version > 0 || (copy->committed_at > 0 && copy->committed_at < before);
}

int sync_open(lb_ctx *ctx, const sync_wish *wish, sync_pair *ret_pair, const char **ret_why, lb_error *err)
{
    const int64_t before = lb_now(ctx) - 1000; /* times of commits are of milliseconds */
    sync_pair pair = {.wish = wish};
    *ret_why = NULL;
    int r = lb_lake_look(ctx, &wish->lake, &pair.copy, err);
    if (r == LB_ERR_NOT_FOUND) {
        *ret_why = "there is no such table in the lakehouse";
        return 0;
    }
    if (r < 0 || !pair.copy)
        return r;
    pair.has_versions = has_versions(pair.copy, before);
    r = read_source(ctx, &pair, ret_why, err);
    if (r < 0)
        return r;
    give_up_half_a_key(&pair);
    find_whole_key(&pair);
    if (!*ret_why && !pair.count)
        *ret_why = "source and copy have no column that can be compared";
    if (!*ret_why)
        *ret_why = why_no_key(ctx, &pair);
    pair.shape = shape_of(ctx, &pair);
    *ret_pair = pair;
    return pair.shape ? 0 : lb_out_of_memory(err);
}
