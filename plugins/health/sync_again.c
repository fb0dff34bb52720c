/* Rows that are not the same, once more: both sides may have been written to while they were read, one after the other.
 * What is different for good is so again, with the same digests; what was on its way is alike by now, or has gone on.
 */
#include "sync_list.h"

#define MARK_BYTES 8 /* of each column's mark */
#define KINDS      4

typedef struct sides {
    const sync_pair *pair;
    sync_list source, copy;
} sides;

static int read_sides(lb_ctx *ctx, const sync_pair *pair, const sync_texts *source, const sync_texts *lake,
                      const sync_difference *d, sides *ret, lb_error *err)
{
    const sync_rows *const lists[KINDS] = {&d->missing, &d->extra, &d->gone, &d->different};
    size_t count = 0;
    const char **keys =
        lb_alloc(ctx, (d->missing.named + d->extra.named + d->gone.named + d->different.named + 1) * sizeof *keys);
    *ret = (sides){.pair = pair};
    if (!keys)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < KINDS; i++)
        for (size_t j = 0; j < lists[i]->named; j++)
            keys[count++] = lists[i]->items[j].key;
    int r = count ? sync_cells_lake(ctx, pair, lake, keys, count, &ret->copy, err) : 0;
    return r < 0 || !count ? r : sync_cells_source(ctx, pair, source, keys, count, NULL, &ret->source, err);
}

/* The one with that digest; NULL: there is none any more. */
static const sync_part *find_same(const sync_list *list, const char *key, const char *digest)
{
    size_t count;
    const sync_part *part = sync_find_parts(list, key, &count);
    for (size_t i = 0; digest && i < count; i++)
        if (strcmp(part[i].digest, digest) == 0)
            return &part[i];
    return NULL;
}

static size_t how_many(const sync_list *list, const char *key)
{
    size_t count;
    (void)sync_find_parts(list, key, &count); /* only that */
    return count;
}

static const char *columns_that_differ(lb_ctx *ctx, const sync_pair *pair, const sync_part *a, const sync_part *b)
{
    const char *names = "";
    for (size_t i = 0; names && i < pair->count; i++)
        if (strncmp(a->cells + i * MARK_BYTES, b->cells + i * MARK_BYTES, MARK_BYTES) != 0)
            names = lb_printf(ctx, "%s%s%s", names, *names ? ", " : "", pair->columns[i].name);
    return names;
}

/* A side that had more of a key than the other has so still. */
static bool is_still(const sides *s, const sync_row *row)
{
    size_t here = how_many(&s->source, row->key), there = how_many(&s->copy, row->key);
    if (row->source && !find_same(&s->source, row->key, row->source))
        return false;
    if (row->copy && !find_same(&s->copy, row->key, row->copy))
        return false;
    if (row->source && row->copy)
        return strcmp(row->source, row->copy) != 0;
    return row->source ? here > there : there > here;
}

static bool is_alike(const sides *s, const char *key)
{
    size_t here, there;
    const sync_part *a = sync_find_parts(&s->source, key, &here), *b = sync_find_parts(&s->copy, key, &there);
    bool alike = here == there;
    for (size_t i = 0; a && b && alike && i < here; i++)
        alike = strcmp(a[i].digest, b[i].digest) == 0;
    return alike;
}

static int keep_same(lb_ctx *ctx, const sides *s, sync_rows *rows, sync_difference *d, lb_error *err)
{
    size_t kept = 0;
    d->unseen = d->unseen || rows->all > (int64_t)rows->named;
    for (size_t i = 0; i < rows->named; i++) {
        sync_row row = rows->items[i];
        if (!is_still(s, &row)) {
            rows->all--;
            d->moved++;
            d->moving += !is_alike(s, row.key);
            continue;
        }
        if (row.source && row.copy)
            row.columns = columns_that_differ(ctx, s->pair, find_same(&s->source, row.key, row.source),
                                              find_same(&s->copy, row.key, row.copy));
        if (row.source && row.copy && !row.columns)
            return lb_out_of_memory(err);
        rows->items[kept++] = row;
    }
    if (!kept && rows->all) { /* more than were looked at: as those that were, as it seems */
        d->moved += rows->all;
        d->moving += rows->all;
        d->is_unsure = true;
        rows->all = 0;
    }
    rows->named = kept;
    return 0;
}

int sync_look_again(lb_ctx *ctx, const sync_pair *pair, const sync_texts *source, const sync_texts *lake,
                    sync_difference *d, lb_error *err)
{
    sync_rows *const lists[KINDS] = {&d->missing, &d->extra, &d->gone, &d->different};
    sides s;
    int r = read_sides(ctx, pair, source, lake, d, &s, err);
    for (size_t i = 0; r >= 0 && i < KINDS; i++)
        r = keep_same(ctx, &s, lists[i], d, err);
    return r;
}
