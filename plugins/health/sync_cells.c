/* Rows by their keys, and what became of those that one side seems to lack. */
#include "sync_list.h"

#include <sql/sync/after.h>
#include <sql/sync/all_of.h>
#include <sql/sync/keys_below.h>
#include <sql/sync/keys_from.h>
#include <sql/sync/lake_cells.h>
#include <sql/sync/source_cells.h>
#include <stdlib.h>

#define KEYS_AT_ONCE 200 /* a warehouse takes 256 parameters */

lb_value sync_keys_of(lb_ctx *ctx, const char *const *keys, size_t count)
{
    lb_value *items = lb_alloc(ctx, (count + 1) * sizeof *items);
    for (size_t i = 0; items && i < count; i++)
        items[i] = lb_text(NULL, keys[i]);
    return lb_list("keys", LB_TEXT, items, items ? count : 0);
}

int sync_make_near(lb_ctx *ctx, const sync_pair *pair, const char *const *keys, size_t count, const lb_sql *condition,
                   const lb_sql **ret_sql, lb_error *err)
{
    const lb_sql *from = NULL, *below = NULL;
    int64_t low = INT64_MAX, high = INT64_MIN;
    *ret_sql = condition;
    for (size_t i = 0; pair->whole_key && i < count; i++) {
        int64_t key = strtoll(keys[i], NULL, 10);
        low = key < low ? key : low;
        high = key > high ? key : high;
    }
    if (low > high || high == INT64_MAX)
        return 0;
    int r =
        lb_compose(ctx, &sync_keys_from_sql, LB_ARGS(lb_ident("key", pair->whole_key), lb_i64("low", low)), &from, err);
    if (r >= 0)
        r = lb_compose(ctx, &sync_keys_below_sql, LB_ARGS(lb_ident("key", pair->whole_key), lb_i64("high", high + 1)),
                       &below, err);
    return r < 0 ? r
                 : lb_compose(
                       ctx, &sync_all_of_sql,
                       LB_ARGS(lb_sql_value("one", condition), lb_sql_value("two", from), lb_sql_value("three", below)),
                       ret_sql, err);
}

static void put_in_order(sync_list *list)
{
    qsort(list->items, list->count, sizeof *list->items, sync_by_name);
}

int sync_cells_source(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const char *const *keys, size_t count,
                      const lb_sql *condition, sync_list *found, lb_error *err)
{
    const lb_value list = sync_keys_of(ctx, keys, count);
    const lb_sql *near = NULL;
    lb_rows *rows = NULL;
    sync_source_cells_row row;
    int r = sync_make_near(ctx, pair, keys, count, condition, &near, err);
    if (r >= 0)
        r = lb_query(ctx, &sync_source_cells_sql,
                     LB_ARGS(lb_ident("schema", pair->wish->schema), lb_ident("name", pair->wish->name),
                             lb_list("forms", LB_SQL, t->forms, t->form_count - 1), lb_sql_value("cells", t->cells),
                             lb_sql_value("marks", t->marks), list, lb_sql_value("condition", near)),
                     &rows, err);
    if (r >= 0)
        r = sync_new_list(ctx, rows, found, err);
    while (r >= 0 && sync_source_cells_next(ctx, rows, &row))
        found->items[found->count++] = (sync_part){row.row_key, row.digest, 1, row.marks};
    if (r >= 0)
        put_in_order(found);
    return r;
}

/* Adds to what is found. */
static int cells_slice(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const char *const *keys, size_t count,
                       sync_list *found, lb_error *err)
{
    const lb_lake_name *lake = &pair->wish->lake;
    const lb_value list = sync_keys_of(ctx, keys, count);
    const sync_list before = *found;
    const lb_sql *near = NULL;
    lb_rows *rows = NULL;
    sync_lake_cells_row row;
    int r = sync_make_near(ctx, pair, keys, count, NULL, &near, err);
    if (r >= 0)
        r = lb_lake(ctx, &sync_lake_cells_sql,
                    LB_ARGS(lb_ident("catalog", lake->catalog), lb_ident("schema", lake->schema),
                            lb_ident("name", lake->name), lb_list("forms", LB_SQL, t->forms, t->form_count),
                            lb_sql_value("cells", t->cells), lb_sql_value("marks", t->marks), list,
                            lb_sql_value("condition", near)),
                    &rows, err);
    if (r < 0)
        return r;
    found->items = lb_alloc(ctx, (before.count + (size_t)lb_row_count(ctx, rows) + 1) * sizeof *found->items);
    if (!found->items)
        return lb_out_of_memory(err);
    if (before.count)
        memcpy(found->items, before.items, before.count * sizeof *found->items);
    while (sync_lake_cells_next(ctx, rows, &row))
        found->items[found->count++] = (sync_part){row.row_key, row.digest, 1, row.marks};
    return 0;
}

int sync_cells_lake(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const char *const *keys, size_t count,
                    sync_list *found, lb_error *err)
{
    int r = 0;
    *found = (sync_list){.count = 0};
    for (size_t i = 0; r >= 0 && i < count; i += KEYS_AT_ONCE)
        r = cells_slice(ctx, pair, t, keys + i, count - i < KEYS_AT_ONCE ? count - i : KEYS_AT_ONCE, found, err);
    if (r >= 0 && found->count)
        put_in_order(found);
    return r;
}

const sync_part *sync_find_parts(const sync_list *list, const char *name, size_t *ret_count)
{
    size_t from = 0, to = list->count, end;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(list->items[middle].name, name) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    for (end = from; end < list->count && strcmp(list->items[end].name, name) == 0; end++)
        continue;
    *ret_count = end - from;
    return end > from ? &list->items[from] : NULL;
}

/* ---- sides ---- */

static const sync_part *find_part(const sync_list *list, const char *name)
{
    size_t count;
    return sync_find_parts(list, name, &count);
}

static int keys_in(lb_ctx *ctx, const sync_rows *rows, const char ***ret_keys, lb_error *err)
{
    *ret_keys = lb_alloc(ctx, (rows->named + 1) * sizeof **ret_keys);
    if (!*ret_keys)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < rows->named; i++)
        (*ret_keys)[i] = rows->items[i].key;
    return 0;
}

/* Keeps of the rows those that are not there; the others become such as `into` has, or nothing. */
static void take_out(const sync_list *there, bool of_source, sync_rows *rows, sync_rows *into)
{
    size_t kept = 0, before = rows->named;
    for (size_t i = 0; i < before; i++) {
        sync_row row = rows->items[i];
        const sync_part *found = find_part(there, row.key);
        if (!found) {
            rows->items[kept++] = row;
            continue;
        }
        *(of_source ? &row.source : &row.copy) = found->digest;
        if (into && into->named < SYNC_KEYS_MOST)
            into->items[into->named++] = row;
    }
    rows->named = kept;
    rows->all -= (int64_t)(before - kept);
    if (into)
        into->all += (int64_t)(before - kept);
}

/* What the copy alone seems to have may have changed at the source since: then it is on its way. */
static int take_out_waiting(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const sync_texts *source,
                            sync_difference *d, lb_error *err)
{
    const lb_sql *later = NULL;
    const char **keys = NULL;
    const int64_t before = d->gone.all;
    sync_list there;
    int r = keys_in(ctx, &d->gone, &keys, err);
    if (r >= 0)
        r = lb_compose(ctx, &sync_after_sql, LB_ARGS(lb_ident("column", pair->mark), lb_time("mark", counts->mark)),
                       &later, err);
    if (r >= 0)
        r = sync_cells_source(ctx, pair, source, keys, d->gone.named, later, &there, err);
    if (r < 0)
        return r;
    take_out(&there, true, &d->gone, NULL);
    d->waiting = before - d->gone.all;
    return 0;
}

/* In a span of time, a row that only one side has may be there on the other with another time: it differs then. What
 * the source has changed after the mark is on its way. */
static int look_outside(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const sync_texts *source,
                        const sync_texts *lake, sync_difference *d, lb_error *err)
{
    const char **gone = NULL, **missing = NULL;
    sync_list there;
    int r = keys_in(ctx, &d->gone, &gone, err);
    if (r >= 0)
        r = keys_in(ctx, &d->missing, &missing, err);
    if (r >= 0 && d->gone.named && counts->since != SYNC_NO_TIME) {
        r = sync_cells_source(ctx, pair, source, gone, d->gone.named, NULL, &there, err);
        if (r >= 0)
            take_out(&there, true, &d->gone, &d->different);
    }
    if (r >= 0 && d->missing.named) {
        r = sync_cells_lake(ctx, pair, lake, missing, d->missing.named, &there, err);
        if (r >= 0)
            take_out(&there, false, &d->missing, &d->different);
    }
    return r;
}

bool sync_is_timed(const sync_pair *pair, const sync_counts *counts)
{
    return pair->key_count && pair->mark && counts->mark != SYNC_NO_TIME;
}

/* Where rows in flight cannot be told. */
static void call_extra(sync_difference *d)
{
    d->extra.all += d->gone.all;
    for (size_t i = 0; i < d->gone.named && d->extra.named < SYNC_KEYS_MOST; i++)
        d->extra.items[d->extra.named++] = d->gone.items[i];
    d->gone.all = 0;
    d->gone.named = 0;
}

int sync_sort_sides(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const sync_texts *source,
                    const sync_texts *lake, sync_difference *d, lb_error *err)
{
    int r = 0;
    bool is_timed = sync_is_timed(pair, counts);
    if (is_timed && d->gone.named)
        r = take_out_waiting(ctx, pair, counts, source, d, err);
    if (r >= 0 && is_timed)
        r = look_outside(ctx, pair, counts, source, lake, d, err);
    if (!is_timed)
        call_extra(d);
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
        r = sync_cells_lake(ctx, pair, &lake, keys, *count, &there, err);
    if (r >= 0)
        r = sync_cells_source(ctx, pair, &source, keys, *count, NULL, &here, err);
    for (size_t i = 0; r >= 0 && i < *count; i++)
        if (find_part(&there, keys[i]) && !find_part(&here, keys[i]))
            keys[kept++] = keys[i];
    *count = r < 0 ? *count : kept;
    return r;
}
