#include "archival_source.h"

#include <sql/archival/and_after.h>
#include <sql/archival/and_unreferenced.h>
#include <sql/archival/and_up_to.h>
#include <sql/archival/both_hashes.h>
#include <sql/archival/child_column.h>
#include <sql/archival/children.h>
#include <sql/archival/its_column.h>
#include <sql/archival/its_hash.h>
#include <sql/archival/its_text.h>
#include <sql/archival/key_value.h>
#include <sql/archival/row_digest.h>
#include <sql/archival/scope.h>
#include <string.h>
#include <strings.h>

#define AROUND_NAME 90

const archival_columns_row *archival_column(const archival_source *source, const char *name)
{
    for (size_t i = 0; i < source->column_count; i++)
        if (strcmp(source->columns[i].name, name) == 0)
            return &source->columns[i];
    return NULL;
}

const lb_lake_column *archival_lake_column(const lb_lake_table *archive, const char *name)
{
    for (uint32_t i = 0; i < archive->column_count; i++)
        if (strcasecmp(archive->columns[i].name, name) == 0)
            return &archive->columns[i];
    return NULL;
}

bool archival_is_own_column(const char *name)
{
    return strcmp(name, LB_LAKE_BATCH) == 0 || strcmp(name, ARCHIVAL_DIGEST) == 0 || strcmp(name, ARCHIVAL_VALUES) == 0;
}

static int make_room(lb_ctx *ctx, size_t count, archival_pieces *pieces, lb_error *err)
{
    *pieces = (archival_pieces){.items = lb_alloc(ctx, (count + 1) * sizeof(void *))};
    if (!pieces->items)
        (void)lb_out_of_memory(err); /* the same code */
    return pieces->items ? 0 : LB_ERR_NO_MEMORY;
}

/* A name and what stands around it: in quotes, of which each takes two signs inside of them, and once more in JSON. */
static int64_t text_of(const char *name)
{
    return AROUND_NAME + 2 * (int64_t)strlen(name);
}

/* ---- columns ---- */

static int read_columns(lb_ctx *ctx, archival_source *s, lb_error *err)
{
    const archival_columns_args args = {.table_id = s->table->r.table_id};
    lb_rows *rows = NULL;
    int r = archival_columns(ctx, &args, &rows, err);
    if (r < 0)
        return lb_wrap(err, s->label);
    size_t most = (size_t)lb_row_count(ctx, rows) + 1;
    archival_columns_row *columns = lb_alloc(ctx, most * sizeof *columns);
    s->key = lb_alloc(ctx, most * sizeof(void *));
    if (!columns || !s->key)
        return lb_out_of_memory(err);
    s->columns = columns;
    for (; archival_columns_next(ctx, rows, columns); columns++, s->column_count++)
        if (!columns->key_place_is_null) {
            s->key[columns->key_place - 1] = columns;
            s->key_count++;
        }
    return 0;
}

static int compose_columns(lb_ctx *ctx, archival_source *s, lb_error *err)
{
    int r = make_room(ctx, s->column_count, &s->all, err);
    for (size_t i = 0; r >= 0 && i < s->column_count; i++) {
        const archival_its_column_args args = {.column = s->columns[i].name};
        r = archival_its_column_compose(ctx, &args, &s->all.items[s->all.count++], err);
    }
    return r;
}

static int compose_key(lb_ctx *ctx, archival_source *s, lb_error *err)
{
    int r = make_room(ctx, s->key_count, &s->keys, err);
    if (r >= 0)
        r = make_room(ctx, s->key_count, &s->texts, err);
    for (size_t i = 0; r >= 0 && i < s->key_count; i++) {
        const archival_its_column_args plain = {.column = s->key[i]->name};
        const archival_its_text_args text = {.column = s->key[i]->name};
        r = archival_its_column_compose(ctx, &plain, &s->keys.items[s->keys.count++], err);
        if (r >= 0)
            r = archival_its_text_compose(ctx, &text, &s->texts.items[s->texts.count++], err);
    }
    return r;
}

/* Two by two, so that the text of a wide table is not copied once for each of its columns. */
static int compose_digest(lb_ctx *ctx, archival_source *s, lb_error *err)
{
    archival_pieces hashes = {NULL, 0};
    int r = make_room(ctx, s->column_count, &hashes, err);
    for (size_t i = 0; r >= 0 && i < s->column_count; i++) {
        const archival_its_hash_args args = {.column = s->columns[i].name, .place = lb_printf(ctx, "%zu", i + 1)};
        r = args.place ? archival_its_hash_compose(ctx, &args, &hashes.items[i], err) : lb_out_of_memory(err);
        s->text_bytes += text_of(s->columns[i].name);
    }
    for (size_t left = s->column_count; r >= 0 && left > 1; left = (left + 1) / 2)
        for (size_t i = 0; r >= 0 && i < left / 2; i++) {
            const archival_both_hashes_args args = {hashes.items[i], hashes.items[left - 1 - i]};
            r = archival_both_hashes_compose(ctx, &args, &hashes.items[i], err);
        }
    if (r < 0)
        return r;
    const archival_row_digest_args args = {.hashes = hashes.items[0], .table_id = s->table->r.table_id};
    return archival_row_digest_compose(ctx, &args, &s->digest, err);
}

/* ---- who refers to its rows ---- */

static int compose_list(lb_ctx *ctx, const lb_value *names, size_t count, bool is_child, archival_pieces *pieces,
                        lb_error *err)
{
    int r = make_room(ctx, count, pieces, err);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const archival_child_column_args child = {.column = names[i].v.text};
        const archival_its_column_args parent = {.column = names[i].v.text};
        const lb_sql **piece = &pieces->items[pieces->count++];
        r = is_child ? archival_child_column_compose(ctx, &child, piece, err)
                     : archival_its_column_compose(ctx, &parent, piece, err);
    }
    return r;
}

static int64_t texts_of(const lb_value *names, size_t count)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += text_of(names[i].v.text);
    return bytes;
}

static int add_child(lb_ctx *ctx, archival_source *s, const archival_children_row *child, lb_error *err)
{
    archival_pieces theirs = {NULL, 0}, ours = {NULL, 0};
    int r = compose_list(ctx, child->child_columns.items, child->child_columns.count, true, &theirs, err);
    if (r >= 0)
        r = compose_list(ctx, child->parent_columns.items, child->parent_columns.count, false, &ours, err);
    if (r < 0)
        return r;
    s->text_bytes += text_of(child->schema) + text_of(child->name) +
                     texts_of(child->child_columns.items, child->child_columns.count) +
                     texts_of(child->parent_columns.items, child->parent_columns.count);
    const archival_and_unreferenced_args args = {.schema = child->schema,
                                                 .table = child->name,
                                                 .child = {theirs.items, theirs.count},
                                                 .parent = {ours.items, ours.count},
                                                 .others = s->unreferenced};
    return archival_and_unreferenced_compose(ctx, &args, &s->unreferenced, err);
}

static int read_children(lb_ctx *ctx, archival_source *s, lb_error *err)
{
    const archival_children_args args = {.table_id = s->table->r.table_id};
    archival_children_row child;
    lb_rows *rows = NULL;
    int r = archival_children(ctx, &args, &rows, err);
    while (r >= 0 && archival_children_next(ctx, rows, &child))
        r = add_child(ctx, s, &child, err);
    return r;
}

int archival_read_source(lb_ctx *ctx, const cold_table *table, archival_source *ret_source, const char **ret_why,
                         lb_error *err)
{
    *ret_source = (archival_source){.table = table, .label = cold_label(ctx, table)};
    *ret_why = NULL;
    if (!ret_source->label)
        return lb_out_of_memory(err);
    int r = read_columns(ctx, ret_source, err);
    if (r < 0)
        return r;
    if (archival_column(ret_source, LB_LAKE_BATCH) || archival_column(ret_source, ARCHIVAL_DIGEST) ||
        archival_column(ret_source, ARCHIVAL_VALUES))
        *ret_why = "a column of it has a name that archived rows need: " LB_LAKE_BATCH ", " ARCHIVAL_DIGEST
                   " or " ARCHIVAL_VALUES;
    else if (!ret_source->key_count)
        *ret_why = "it has no primary key, nor a unique index on columns that are not null, to tell its rows apart";
    if (*ret_why)
        return 0;
    r = compose_columns(ctx, ret_source, err);
    if (r >= 0)
        r = compose_key(ctx, ret_source, err);
    if (r >= 0)
        r = compose_digest(ctx, ret_source, err);
    if (r >= 0)
        r = archival_compose_values(ctx, ret_source, err);
    return r < 0 ? r : read_children(ctx, ret_source, err);
}

/* ---- ranges ---- */

static int compose_values(lb_ctx *ctx, const archival_source *s, const lb_texts *values, archival_pieces *pieces,
                          lb_error *err)
{
    if (values->count != s->key_count)
        return lb_fail(err, LB_ERR_CONFLICT, "give the batches up: abandon", "the key of %s is no longer the same",
                       s->label);
    int r = make_room(ctx, s->key_count, pieces, err);
    for (size_t i = 0; r >= 0 && i < s->key_count; i++) {
        const archival_key_value_args args = {.value = values->items[i], .type = s->key[i]->type};
        r = archival_key_value_compose(ctx, &args, &pieces->items[pieces->count++], err);
    }
    return r;
}

int archival_scope_of(lb_ctx *ctx, const archival_source *s, const archival_range *range, const lb_sql **ret_scope,
                      lb_error *err)
{
    const archival_columns_row *time = archival_column(s, range->time_column);
    const lb_sql *after = NULL, *up_to = NULL;
    archival_pieces values = {NULL, 0};
    int r = 0;
    if (!time || !time->is_time)
        return lb_fail(err, LB_ERR_INVALID,
                       range->up_to.count
                           ? "an earlier run has planned by it: give that up with --abandon true, and run this again"
                           : "name a column of type timestamp or date",
                       "%s has no column of time that is called %s", s->label, range->time_column);
    if (range->after.count) {
        r = compose_values(ctx, s, &range->after, &values, err);
        const archival_and_after_args args = {{s->keys.items, s->keys.count}, {values.items, values.count}};
        r = r < 0 ? r : archival_and_after_compose(ctx, &args, &after, err);
    }
    if (r >= 0 && range->up_to.count) {
        r = compose_values(ctx, s, &range->up_to, &values, err);
        const archival_and_up_to_args args = {{s->keys.items, s->keys.count}, {values.items, values.count}};
        r = r < 0 ? r : archival_and_up_to_compose(ctx, &args, &up_to, err);
    }
    const archival_scope_args scope = {range->time_column, time->type, range->cutoff, after, up_to, s->unreferenced};
    return r < 0 ? r : archival_scope_compose(ctx, &scope, ret_scope, err);
}
