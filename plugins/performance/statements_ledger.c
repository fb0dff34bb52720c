#include "statements_ledger.h"

struct statements_ledger {
    statements_totals *slots; /* open addressing; a slot without a queryid is free */
    bool *taken;
    size_t mask, most, count; /* half of the slots stay free, so that a search ends */
    int64_t taken_at, dealloc;
    int64_t from; /* what did not move since then is not in it; LB_TIME_NONE: all of the epoch is */
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    return x;
}

static size_t place_of(const statements_ledger *l, const statements_key *key)
{
    uint64_t hash =
        mix((uint64_t)key->queryid ^ mix((uint64_t)key->userid << 32 ^ (uint64_t)key->dbid)) + key->toplevel;
    return (size_t)hash & l->mask;
}

static bool same_key(const statements_key *a, const statements_key *b)
{
    return a->queryid == b->queryid && a->userid == b->userid && a->dbid == b->dbid && a->toplevel == b->toplevel;
}

statements_ledger *statements_ledger_new(lb_ctx *ctx, size_t most, int64_t taken_at, int64_t dealloc)
{
    size_t size = 16;
    while (size < 2 * most)
        size *= 2;
    statements_ledger *l = lb_alloc(ctx, sizeof *l);
    statements_totals *slots = lb_alloc(ctx, size * sizeof *slots);
    bool *taken = lb_alloc(ctx, size * sizeof *taken);
    if (!l || !slots || !taken)
        return NULL;
    *l = (statements_ledger){.slots = slots,
                             .taken = taken,
                             .mask = size - 1,
                             .most = most,
                             .taken_at = taken_at,
                             .dealloc = dealloc,
                             .from = LB_TIME_NONE};
    return l;
}

void statements_ledger_reaches(statements_ledger *l, int64_t since)
{
    l->from = since;
}

static size_t find_slot(const statements_ledger *l, const statements_key *key)
{
    size_t i = place_of(l, key);
    while (l->taken[i] && !same_key(&l->slots[i].key, key))
        i = (i + 1) & l->mask;
    return i;
}

bool statements_ledger_add(statements_ledger *l, const statements_totals *totals)
{
    size_t i = find_slot(l, &totals->key);
    if (!l->taken[i] && l->count == l->most)
        return false;
    l->count += !l->taken[i];
    l->taken[i] = true;
    l->slots[i] = *totals;
    return true;
}

const statements_totals *statements_ledger_find(const statements_ledger *l, const statements_key *key)
{
    size_t i = find_slot(l, key);
    return l->taken[i] ? &l->slots[i] : NULL;
}

/* An entry that is new to us began after the last snapshot, or else it would have been in it: where the ledger has all
 * that could be. One that rests for longer than the ledger reaches back is none of these, however new it looks. */
static statements_change first_seen(const statements_ledger *l, const statements_totals *now, int64_t dealloc,
                                    statements_totals *ret_delta)
{
    bool began_since = now->since != LB_TIME_NONE && now->since >= l->taken_at;
    bool would_be_known = l->from == LB_TIME_NONE || (now->since != LB_TIME_NONE && now->since >= l->from);
    if (l->taken_at == LB_TIME_NONE || !(began_since || (would_be_known && dealloc == l->dealloc)))
        return STATEMENTS_UNKNOWN;
    *ret_delta = *now;
    return STATEMENTS_FRESH;
}

/* Counters of an entry never fall unless it was evicted and came back, or reset by itself. */
static bool has_restarted(const statements_totals *before, const statements_totals *now)
{
    if (now->since != LB_TIME_NONE && before->since != LB_TIME_NONE && now->since != before->since)
        return true;
    for (int i = 0; i < STATEMENTS_COUNTERS; i++)
        if (now->counters[i] < before->counters[i])
            return true;
    return now->plans < before->plans;
}

statements_change statements_compare(const statements_ledger *l, const statements_totals *now, int64_t dealloc,
                                     statements_totals *ret_delta)
{
    const statements_totals *before = statements_ledger_find(l, &now->key);
    if (!before)
        return first_seen(l, now, dealloc, ret_delta);
    if (has_restarted(before, now))
        return STATEMENTS_UNKNOWN;
    if (now->counters[STATEMENTS_CALLS] == before->counters[STATEMENTS_CALLS] && now->plans == before->plans)
        return STATEMENTS_STILL;
    *ret_delta = *now;
    for (int i = 0; i < STATEMENTS_COUNTERS; i++)
        ret_delta->counters[i] -= before->counters[i];
    ret_delta->plans -= before->plans;
    ret_delta->exec_ms =
        now->exec_ms > before->exec_ms ? now->exec_ms - before->exec_ms : 0; /* what is stored is rounded */
    return STATEMENTS_MOVED;
}
