#include "statements_ledger.h"

struct statements_ledger {
    statements_totals *totals; /* one after the other, as they are large and slots are many */
    uint32_t *slots;           /* open addressing: where its totals are, from 1; 0: free */
    size_t mask, most, count;  /* half of the slots stay free, so that a search ends */
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
    statements_totals *totals = lb_alloc(ctx, (most + 1) * sizeof *totals);
    uint32_t *slots = lb_alloc(ctx, size * sizeof *slots);
    if (!l || !totals || !slots)
        return NULL;
    *l = (statements_ledger){.totals = totals,
                             .slots = slots,
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
    while (l->slots[i] && !same_key(&l->totals[l->slots[i] - 1].key, key))
        i = (i + 1) & l->mask;
    return i;
}

bool statements_ledger_add(statements_ledger *l, const statements_totals *totals)
{
    size_t i = find_slot(l, &totals->key);
    if (!l->slots[i] && l->count == l->most)
        return false;
    if (!l->slots[i])
        l->slots[i] = (uint32_t)++l->count;
    l->totals[l->slots[i] - 1] = *totals;
    return true;
}

const statements_totals *statements_ledger_find(const statements_ledger *l, const statements_key *key)
{
    size_t i = find_slot(l, key);
    return l->slots[i] ? &l->totals[l->slots[i] - 1] : NULL;
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
        if (now->counters[i] != STATEMENTS_NOT_COUNTED && now->counters[i] < before->counters[i])
            return true;
    return false;
}

static bool is_still(const statements_totals *before, const statements_totals *now)
{
    return now->counters[STATEMENTS_CALLS] == before->counters[STATEMENTS_CALLS] &&
           now->counters[STATEMENTS_PLANS] == before->counters[STATEMENTS_PLANS];
}

static void subtract(statements_totals *from, const statements_totals *before)
{
    for (int i = 0; i < STATEMENTS_COUNTERS; i++)
        if (before->counters[i] == STATEMENTS_NOT_COUNTED)
            from->counters[i] = STATEMENTS_NOT_COUNTED;
        else if (from->counters[i] != STATEMENTS_NOT_COUNTED)
            from->counters[i] -= before->counters[i];
    for (int i = 0; i < STATEMENTS_TIMES; i++) {
        from->times[i] -= before->times[i]; /* what is no number stays none */
        if (from->times[i] < 0)
            from->times[i] = 0; /* what is stored is rounded */
    }
}

statements_change statements_compare(const statements_ledger *l, const statements_totals *now, int64_t dealloc,
                                     statements_totals *ret_delta)
{
    const statements_totals *before = statements_ledger_find(l, &now->key);
    if (!before)
        return first_seen(l, now, dealloc, ret_delta);
    if (has_restarted(before, now))
        return STATEMENTS_UNKNOWN;
    if (is_still(before, now))
        return STATEMENTS_STILL;
    *ret_delta = *now;
    subtract(ret_delta, before);
    return STATEMENTS_MOVED;
}
