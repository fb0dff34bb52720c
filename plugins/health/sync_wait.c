/* Rows that may be in flight although they differ. Those that only the copy has the source may have deleted since the
 * copy was last synced; without a time, or a key, that may be so of any row. They are drift once the copy is known to
 * have been synced after they were first seen so, or is behind for longer than it may be. */
#include "health_hash.h"
#include "sync_list.h"
#include "sync_tell.h"

#define SECOND    INT64_C(1000000)
#define KEY_BYTES 200 /* of one that is remembered by its key */

static const sync_awaited *find(const sync_entry *e, const char *key)
{
    for (size_t i = 0; i < e->awaited_count; i++)
        if (strcmp(e->awaited[i].key, key) == 0)
            return &e->awaited[i];
    return NULL;
}

static bool is_among(const sync_rows *rows, const char *key)
{
    for (size_t i = 0; i < rows->named; i++)
        if (strcmp(rows->items[i].key, key) == 0)
            return true;
    return false;
}

static void add_extra(sync_difference *d, const char *key)
{
    d->extra.all++;
    if (d->extra.named < SYNC_NAMED)
        d->extra.items[d->extra.named++] = (sync_row){.key = key};
}

typedef struct sorting {
    lb_ctx *ctx;
    const sync_wish *wish;
    const sync_counts *counts;
    sync_difference *d;
    sync_awaited *kept;
    sync_crowd *crowd;
    size_t count, crowd_count;
    int64_t drift;
} sorting;

static uint32_t hash_of(const char *key)
{
    uint64_t hash = health_hash(HEALTH_HASH_BASIS, key);
    return (uint32_t)(hash ^ hash >> 32);
}

static const sync_crowd *find_in(const sync_crowd *crowd, size_t count, uint32_t hash)
{
    for (size_t i = 0; i < count; i++)
        if (crowd[i].hash == hash)
            return &crowd[i];
    return NULL;
}

static void keep_in_crowd(sorting *s, uint32_t hash, int64_t since)
{
    if (s->crowd_count < SYNC_CROWD_MOST)
        s->crowd[s->crowd_count++] = (sync_crowd){hash, since};
}

static void sort_one(sorting *s, const char *key, int64_t since)
{
    if (sync_has_had_time(s->wish, s->counts, since)) {
        add_extra(s->d, key);
        s->drift++;
    } else {
        s->d->waiting++;
        s->d->undecided++;
    }
    if (strlen(key) <= KEY_BYTES && s->count < SYNC_AWAITED_MOST)
        s->kept[s->count++] = (sync_awaited){key, since};
    else
        keep_in_crowd(s, hash_of(key), since);
}

/* Those that were seen before come first, so that many new ones do not push them out. */
static void sort_found(sorting *s, const sync_entry *e)
{
    const sync_difference *d = s->d;
    for (size_t i = 0; i < d->gone.named; i++) {
        const sync_awaited *known = find(e, d->gone.items[i].key);
        if (known)
            sort_one(s, known->key, known->since);
    }
    for (size_t i = 0; i < d->gone.named; i++) {
        const char *key = d->gone.items[i].key;
        const sync_crowd *known = find(e, key) ? NULL : find_in(e->crowd, e->crowd_count, hash_of(key));
        if (known)
            sort_one(s, key, known->since);
    }
    for (size_t i = 0; i < d->gone.named; i++) {
        const char *key = d->gone.items[i].key;
        if (!find(e, key) && !find_in(e->crowd, e->crowd_count, hash_of(key)))
            sort_one(s, key, s->counts->now);
    }
    int64_t unnamed = d->gone.all - (int64_t)d->gone.named; /* more than can be told apart: as those that are named */
    if (s->drift) {
        s->d->extra.all += unnamed;
        return;
    }
    s->d->waiting += unnamed;
    s->d->undecided += unnamed;
}

/* Since there was room, by its key. */
static bool is_kept(const sorting *s, uint32_t hash)
{
    for (size_t i = 0; i < s->count; i++)
        if (hash_of(s->kept[i].key) == hash)
            return true;
    return false;
}

static void keep_other_crowd(sorting *s, const sync_entry *e)
{
    for (size_t i = 0; i < e->crowd_count; i++)
        if (!find_in(s->crowd, s->crowd_count, e->crowd[i].hash) && !is_kept(s, e->crowd[i].hash))
            keep_in_crowd(s, e->crowd[i].hash, e->crowd[i].since);
}

/* Of those that were not among the rows compared now: what is due is looked up by its key. What is not known by that
 * waits for a comparison of all rows. */
static int sort_others(sorting *s, const sync_pair *pair, const sync_entry *e, lb_error *err)
{
    const sync_difference *d = s->d;
    const char *due[SYNC_AWAITED_MOST];
    size_t count = 0;
    for (size_t i = 0; i < e->awaited_count; i++) {
        const sync_awaited *known = &e->awaited[i];
        if (is_among(&d->gone, known->key))
            continue;
        if (sync_has_had_time(s->wish, s->counts, known->since))
            due[count++] = known->key;
        else
            s->d->undecided++;
        if (!sync_has_had_time(s->wish, s->counts, known->since) && s->count < SYNC_AWAITED_MOST)
            s->kept[s->count++] = *known;
    }
    keep_other_crowd(s, e);
    int r = count ? sync_keep_gone(s->ctx, pair, s->counts, due, &count, err) : 0;
    for (size_t i = 0; r >= 0 && i < count; i++)
        sort_one(s, due[i], find(e, due[i])->since);
    return r;
}

/* A row of the copy, as it is: one that is synced again and again is another one each time. */
static uint32_t hash_of_row(const sync_row *row)
{
    uint64_t hash = health_hash(health_hash(HEALTH_HASH_BASIS, row->key), row->copy);
    return (uint32_t)(hash ^ hash >> 32);
}

/* Keeps of the rows those that are drift. */
static void sort_doubts(sorting *s, const sync_entry *e, sync_rows *rows)
{
    int64_t unnamed = rows->all - (int64_t)rows->named;
    size_t drift = 0, before = rows->named;
    for (size_t i = 0; i < before; i++) {
        uint32_t hash = hash_of_row(&rows->items[i]);
        const sync_crowd *known = find_in(e->crowd, e->crowd_count, hash);
        int64_t since = known ? known->since : s->counts->now;
        keep_in_crowd(s, hash, since);
        if (sync_has_had_time(s->wish, s->counts, since))
            rows->items[drift++] = rows->items[i];
    }
    int64_t waiting = (int64_t)(before - drift) + (drift ? 0 : unnamed);
    rows->named = drift;
    rows->all -= waiting;
    s->d->waiting += waiting;
    s->d->undecided += waiting;
}

/* Nothing tells of any row that differs whether it is on its way. Where there is a time and no key, rows that the copy
 * lacks are as old as it has to have them: only those that it has too many of may have changed since. */
static void sort_untimed(sorting *s, const sync_pair *pair, const sync_entry *e, bool is_whole)
{
    if (!pair->mark || s->counts->mark == SYNC_NO_TIME)
        sort_doubts(s, e, &s->d->missing);
    sort_doubts(s, e, &s->d->extra);
    sort_doubts(s, e, &s->d->different);
    if (!is_whole)
        keep_other_crowd(s, e);
    s->d->is_unsure = s->d->is_unsure || s->d->undecided;
}

/* A part, as the source has it. */
static uint32_t hash_of_part(const sync_row *part)
{
    uint64_t hash = health_hash(health_hash(health_hash(HEALTH_HASH_BASIS, "part "), part->key), part->source);
    return (uint32_t)(hash ^ hash >> 32);
}

/* Of parts that were not looked into nobody knows which rows differ: others may be on their way each time. It is drift
 * where the source has the same rows in one as it had before the copy was synced. */
static bool sort_left(sorting *s, const sync_entry *e)
{
    const sync_rows *left = &s->d->left;
    bool drifts = false;
    for (size_t i = 0; i < left->named; i++) {
        uint32_t hash = hash_of_part(&left->items[i]);
        const sync_crowd *known = find_in(e->crowd, e->crowd_count, hash);
        int64_t since = known ? known->since : s->counts->now;
        keep_in_crowd(s, hash, since);
        drifts = drifts || sync_has_had_time(s->wish, s->counts, since);
    }
    return drifts;
}

/* Where not all of what differs was looked into, and all that was is on its way, so may be the rest. */
static void sort_cut(const sorting *s, bool left_drifts)
{
    sync_difference *d = s->d;
    bool drifts = d->missing.all || d->extra.all || d->different.all, waits = d->cut && !drifts && !left_drifts;
    d->is_unsure = d->is_unsure || waits;
    d->equal = !drifts && (!d->cut || waits);
}

/* Where nothing differed there are no lists yet. */
static int make_room(lb_ctx *ctx, sorting *s, lb_error *err)
{
    sync_rows *extra = &s->d->extra;
    s->kept = lb_alloc(ctx, SYNC_AWAITED_MOST * sizeof *s->kept);
    s->crowd = lb_alloc(ctx, SYNC_CROWD_MOST * sizeof *s->crowd);
    extra->items = extra->items ? extra->items : lb_alloc(ctx, SYNC_NAMED * sizeof *extra->items);
    return s->kept && s->crowd && extra->items ? 0 : lb_out_of_memory(err);
}

static void name_some(sync_rows *rows)
{
    rows->named = rows->named < SYNC_NAMED ? rows->named : SYNC_NAMED;
}

int sync_await(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, sync_difference *d, sync_entry *e,
               lb_error *err)
{
    bool is_whole = counts->since == SYNC_NO_TIME && !counts->keys.has_from && !counts->keys.has_to;
    sorting s = {.ctx = ctx, .wish = pair->wish, .counts = counts, .d = d};
    int r = make_room(ctx, &s, err);
    if (r < 0)
        return r;
    bool left_drifts = sort_left(&s, e); /* first: there is room */
    if (pair->mark && pair->key_count) {
        sort_found(&s, e);
        r = is_whole ? 0 : sort_others(&s, pair, e, err);
    } else {
        sort_untimed(&s, pair, e, is_whole);
    }
    if (r < 0)
        return r;
    e->awaited = s.kept;
    e->awaited_count = s.count;
    e->crowd = s.crowd;
    e->crowd_count = s.crowd_count;
    sort_cut(&s, left_drifts);
    name_some(&d->missing);
    name_some(&d->extra);
    name_some(&d->different);
    return 0;
}

/* Counts tell how many rows are too many, and not which: it is drift once there have never been less, for as long as
 * the copy may be behind. */
static void await_counts(lb_ctx *ctx, const sync_pair *pair, sync_counts *counts, sync_entry *e)
{
    int64_t surplus = counts->target_rows - counts->source_rows;
    if (!pair->mark)
        return;
    if (surplus > 0 && (!e->surplus || surplus < e->surplus))
        e->surplus_since = counts->now;
    if (surplus <= 0 || !e->surplus || surplus < e->surplus)
        e->surplus = surplus > 0 ? surplus : 0;
    e->seen_at = lb_now(ctx);
    counts->extra_waits = surplus > 0 && counts->now - e->surplus_since < pair->wish->limit_s * SECOND;
}

static int64_t apart(const sync_counts *counts)
{
    int64_t missing = sync_missing(counts);
    return missing < 0 ? -missing : missing;
}

/* What seems to be missing or too many is counted again: both sides may have been written to in between. */
int sync_count_pair(lb_ctx *ctx, const sync_args *args, const sync_pair *pair, sync_book *book, sync_counts *ret_counts,
                    lb_error *err)
{
    sync_entry *e = NULL;
    sync_counts again;
    int r = sync_find_entry(book, pair->wish, &e, err);
    if (r >= 0)
        r = sync_count(ctx, pair, e, ret_counts, err);
    if (r < 0)
        return r;
    await_counts(ctx, pair, ret_counts, e);
    if (apart(ret_counts) <= (pair->mark ? 0 : args->max_drift_rows))
        return 0;
    r = sync_count(ctx, pair, e, &again, err);
    if (r < 0)
        return r;
    await_counts(ctx, pair, &again, e);
    again.is_first = ret_counts->is_first;
    if (apart(&again) < apart(ret_counts))
        *ret_counts = again;
    return 0;
}
