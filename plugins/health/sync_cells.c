/* Rows by their keys: what became of those that one side seems to lack, and in which columns others differ. */
#include "sync_list.h"

#include <sql/sync/after.h>
#include <sql/sync/lake_cells.h>
#include <sql/sync/source_cells.h>

#define MARK_BYTES   8   /* of each column's mark */
#define KEYS_AT_ONCE 200 /* a warehouse takes 256 parameters */

static lb_value keys_of(lb_ctx *ctx, const char *const *keys, size_t count)
{
    lb_value *items = lb_alloc(ctx, (count + 1) * sizeof *items);
    for (size_t i = 0; items && i < count; i++)
        items[i] = lb_text(NULL, keys[i]);
    return lb_list("keys", LB_TEXT, items, items ? count : 0);
}

static int cells_source(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const lb_value *keys,
                        const lb_sql *condition, sync_list *found, lb_error *err)
{
    lb_rows *rows = NULL;
    sync_source_cells_row row;
    int r = lb_query(ctx, &sync_source_cells_sql,
                     LB_ARGS(lb_ident("schema", pair->wish->schema), lb_ident("name", pair->wish->name),
                             lb_list("forms", LB_SQL, t->forms, t->form_count - 1), lb_sql_value("marks", t->marks),
                             *keys, lb_sql_value("condition", condition)),
                     &rows, err);
    if (r >= 0)
        r = sync_new_list(ctx, rows, found, err);
    while (r >= 0 && sync_source_cells_next(ctx, rows, &row))
        found->items[found->count++] = (sync_part){row.row_key, row.cells, 1};
    return r;
}

/* Adds to what is found. */
static int cells_slice(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const lb_value *keys, sync_list *found,
                       lb_error *err)
{
    const lb_lake_name *lake = &pair->wish->lake;
    const sync_list before = *found;
    lb_rows *rows = NULL;
    sync_lake_cells_row row;
    int r = lb_lake(ctx, &sync_lake_cells_sql,
                    LB_ARGS(lb_ident("catalog", lake->catalog), lb_ident("schema", lake->schema),
                            lb_ident("name", lake->name), lb_list("forms", LB_SQL, t->forms, t->form_count),
                            lb_sql_value("marks", t->marks), *keys, lb_null("condition")),
                    &rows, err);
    if (r < 0)
        return r;
    found->items = lb_alloc(ctx, (before.count + (size_t)lb_row_count(ctx, rows) + 1) * sizeof *found->items);
    if (!found->items)
        return lb_out_of_memory(err);
    if (before.count)
        memcpy(found->items, before.items, before.count * sizeof *found->items);
    while (sync_lake_cells_next(ctx, rows, &row))
        found->items[found->count++] = (sync_part){row.row_key, row.cells, 1};
    return 0;
}

static int cells_lake(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const char *const *keys, size_t count,
                      sync_list *found, lb_error *err)
{
    int r = 0;
    *found = (sync_list){.count = 0};
    for (size_t i = 0; r >= 0 && i < count; i += KEYS_AT_ONCE) {
        const lb_value slice = keys_of(ctx, keys + i, count - i < KEYS_AT_ONCE ? count - i : KEYS_AT_ONCE);
        r = cells_slice(ctx, pair, t, &slice, found, err);
    }
    return r;
}

static const sync_part *find_part(const sync_list *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].name, name) == 0)
            return &l->items[i];
    return NULL;
}

static const char *columns_that_differ(lb_ctx *ctx, const sync_pair *pair, const sync_part *a, const sync_part *b)
{
    const char *names = "";
    for (size_t i = 0; a && b && i < pair->count; i++)
        if (strncmp(a->digest + i * MARK_BYTES, b->digest + i * MARK_BYTES, MARK_BYTES) != 0) {
            names = lb_printf(ctx, "%s%s%s", names, *names ? ", " : "", pair->columns[i].name);
            if (!names)
                return NULL;
        }
    return names;
}

int sync_name_columns(lb_ctx *ctx, const sync_pair *pair, const sync_texts *source, const sync_texts *lake,
                      sync_difference *d, lb_error *err)
{
    sync_list a, b;
    if (!d->different_named)
        return 0;
    const lb_value keys = keys_of(ctx, d->different_keys, d->different_named);
    int r = cells_source(ctx, pair, source, &keys, NULL, &a, err);
    if (r >= 0)
        r = cells_lake(ctx, pair, lake, d->different_keys, d->different_named, &b, err);
    for (size_t i = 0; r >= 0 && i < d->different_named; i++)
        d->different_columns[i] =
            columns_that_differ(ctx, pair, find_part(&a, d->different_keys[i]), find_part(&b, d->different_keys[i]));
    return r;
}

/* ---- sides ---- */

/* Keeps of the named what is not there; returns how many were. */
static int64_t take_out(const sync_list *there, const char **keys, size_t *named)
{
    size_t kept = 0, before = *named;
    for (size_t i = 0; i < before; i++)
        if (!find_part(there, keys[i]))
            keys[kept++] = keys[i];
    *named = kept;
    return (int64_t)(before - kept);
}

static void call_different(sync_difference *d, const sync_list *there)
{
    d->different += (int64_t)there->count;
    for (size_t i = 0; i < there->count && d->different_named < SYNC_NAMED; i++)
        d->different_keys[d->different_named++] = there->items[i].name;
}

/* What the copy alone seems to have may have changed at the source since: then it is on its way. */
static int take_out_waiting(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const sync_texts *source,
                            sync_difference *d, lb_error *err)
{
    const lb_sql *later = NULL;
    sync_list there;
    const lb_value keys = keys_of(ctx, d->gone_keys, d->gone_named);
    int r = lb_compose(ctx, &sync_after_sql, LB_ARGS(lb_ident("column", pair->mark), lb_time("mark", counts->mark)),
                       &later, err);
    if (r >= 0)
        r = cells_source(ctx, pair, source, &keys, later, &there, err);
    if (r < 0)
        return r;
    d->waiting = take_out(&there, d->gone_keys, &d->gone_named);
    d->gone -= d->waiting;
    return 0;
}

/* In a span of time, a row that only one side has may be there on the other with another time: it differs then. */
static int look_outside(lb_ctx *ctx, const sync_pair *pair, const sync_texts *source, const sync_texts *lake,
                        sync_difference *d, lb_error *err)
{
    sync_list there;
    int r = 0;
    if (d->gone_named) {
        const lb_value keys = keys_of(ctx, d->gone_keys, d->gone_named);
        r = cells_source(ctx, pair, source, &keys, NULL, &there, err);
        if (r < 0)
            return r;
        d->gone -= take_out(&there, d->gone_keys, &d->gone_named);
        call_different(d, &there);
    }
    if (d->missing_named) {
        r = cells_lake(ctx, pair, lake, d->missing_keys, d->missing_named, &there, err);
        if (r < 0)
            return r;
        d->missing -= take_out(&there, d->missing_keys, &d->missing_named);
        call_different(d, &there);
    }
    return r;
}

/* Where rows in flight cannot be told. */
static void call_extra(sync_difference *d)
{
    d->extra += d->gone;
    for (size_t i = 0; i < d->gone_named && d->extra_named < SYNC_NAMED; i++)
        d->extra_keys[d->extra_named++] = d->gone_keys[i];
    d->gone = 0;
    d->gone_named = 0;
}

int sync_sort_sides(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const sync_texts *source,
                    const sync_texts *lake, sync_difference *d, lb_error *err)
{
    int r = 0;
    if (pair->key_count && pair->mark && counts->mark != SYNC_NO_TIME && d->gone_named)
        r = take_out_waiting(ctx, pair, counts, source, d, err);
    if (r >= 0 && pair->key_count && counts->since != SYNC_NO_TIME)
        r = look_outside(ctx, pair, source, lake, d, err);
    if (!pair->key_count || !pair->mark || counts->mark == SYNC_NO_TIME)
        call_extra(d);
    d->missing_named = d->missing_named < SYNC_NAMED ? d->missing_named : SYNC_NAMED;
    return r;
}

int sync_keep_gone(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const char **keys, size_t *count,
                   lb_error *err)
{
    const sync_parts whole = {.width = 0};
    sync_texts source, lake;
    sync_list here, there;
    size_t kept = 0;
    int r = sync_make_texts(ctx, pair, false, &whole, counts, &source, err);
    if (r >= 0)
        r = sync_make_texts(ctx, pair, true, &whole, counts, &lake, err);
    if (r >= 0)
        r = cells_lake(ctx, pair, &lake, keys, *count, &there, err);
    const lb_value all = keys_of(ctx, keys, *count);
    if (r >= 0)
        r = cells_source(ctx, pair, &source, &all, NULL, &here, err);
    for (size_t i = 0; r >= 0 && i < *count; i++)
        if (find_part(&there, keys[i]) && !find_part(&here, keys[i]))
            keys[kept++] = keys[i];
    *count = r < 0 ? *count : kept;
    return r;
}
