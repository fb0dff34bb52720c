/* statements_ledger.h: what a statement did between two snapshots, and when nobody can say. Pure logic.
 *
 * An epoch is a span in which the server's counters only grow: one cluster, one start of its postmaster, one reset of
 * the statistics. No delta crosses an epoch's border. */
#ifndef LBOPS_STATEMENTS_LEDGER_H
#define LBOPS_STATEMENTS_LEDGER_H

#include <lbops/lbops.h>

typedef struct statements_epoch {
    int64_t system_identifier, postmaster_start, stats_reset;
} statements_epoch;

static inline bool statements_same_epoch(const statements_epoch *a, const statements_epoch *b)
{
    return a->system_identifier == b->system_identifier && a->postmaster_start == b->postmaster_start &&
           a->stats_reset == b->stats_reset;
}

typedef struct statements_key {
    int64_t userid, dbid, queryid;
    bool toplevel;
} statements_key;

/* The counters whose growth is kept. */
typedef enum statements_counter {
    STATEMENTS_CALLS = 0,
    STATEMENTS_ROWS,
    STATEMENTS_SHARED_HIT,
    STATEMENTS_SHARED_READ,
    STATEMENTS_TEMP_READ,
    STATEMENTS_TEMP_WRITTEN,
    STATEMENTS_WAL_BYTES,
    STATEMENTS_COUNTERS
} statements_counter;

typedef struct statements_totals {
    statements_key key;
    int64_t counters[STATEMENTS_COUNTERS];
    int64_t plans;
    double exec_ms;
    int64_t since; /* when counting it began; LB_TIME_NONE: the server does not say (before 17) */
    bool has_text; /* of the last snapshot's: history has its text */
} statements_totals;

typedef enum statements_change {
    STATEMENTS_STILL = 0, /* as it was: not stored */
    STATEMENTS_MOVED,     /* it grew: the delta holds */
    STATEMENTS_FRESH,     /* it came after the last snapshot: all it has is the delta */
    STATEMENTS_UNKNOWN,   /* stored without a delta: first of an epoch, or evicted and back */
} statements_change;

/* The last snapshot that history has of this target; count 0 and taken_at LB_TIME_NONE: none in this epoch. */
typedef struct statements_ledger statements_ledger;

/* For so many statements. NULL when memory is used up. */
statements_ledger *statements_ledger_new(lb_ctx *ctx, size_t most, int64_t taken_at, int64_t dealloc);
/* It has no more of this epoch than what moved since then; without a word it has all of it. */
void statements_ledger_reaches(statements_ledger *ledger, int64_t since);
/* False: it holds as many as it was made for. */
LB_MUST_CHECK bool statements_ledger_add(statements_ledger *ledger, const statements_totals *totals);
const statements_totals *statements_ledger_find(const statements_ledger *ledger, const statements_key *key);

/* dealloc: evictions as the server counts them now. delta is filled for MOVED and FRESH. */
statements_change statements_compare(const statements_ledger *ledger, const statements_totals *now, int64_t dealloc,
                                     statements_totals *ret_delta);

#endif
