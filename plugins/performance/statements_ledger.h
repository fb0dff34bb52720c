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

/* The counters whose growth is kept, in the order of history's columns for it: all that the server has of any version.
 * Each has the name of its column in pg_stat_history. */
#define STATEMENTS_EACH_COUNTER(X)                                                                                     \
    X(CALLS, calls)                                                                                                    \
    X(PLANS, plans)                                                                                                    \
    X(ROWS, rows)                                                                                                      \
    X(SHARED_HIT, shared_blks_hit)                                                                                     \
    X(SHARED_READ, shared_blks_read)                                                                                   \
    X(SHARED_DIRTIED, shared_blks_dirtied)                                                                             \
    X(SHARED_WRITTEN, shared_blks_written)                                                                             \
    X(LOCAL_HIT, local_blks_hit)                                                                                       \
    X(LOCAL_READ, local_blks_read)                                                                                     \
    X(LOCAL_DIRTIED, local_blks_dirtied)                                                                               \
    X(LOCAL_WRITTEN, local_blks_written)                                                                               \
    X(TEMP_READ, temp_blks_read)                                                                                       \
    X(TEMP_WRITTEN, temp_blks_written)                                                                                 \
    X(WAL_RECORDS, wal_records)                                                                                        \
    X(WAL_FPI, wal_fpi)                                                                                                \
    X(WAL_BYTES, wal_bytes)                                                                                            \
    X(WAL_BUFFERS_FULL, wal_buffers_full)                                                                              \
    X(JIT_FUNCTIONS, jit_functions)                                                                                    \
    X(JIT_INLINED, jit_inlining_count)                                                                                 \
    X(JIT_OPTIMIZED, jit_optimization_count)                                                                           \
    X(JIT_EMITTED, jit_emission_count)                                                                                 \
    X(JIT_DEFORMED, jit_deform_count)                                                                                  \
    X(WORKERS_PLANNED, parallel_workers_to_launch)                                                                     \
    X(WORKERS_LAUNCHED, parallel_workers_launched)

/* Those in milliseconds. */
#define STATEMENTS_EACH_TIME(X)                                                                                        \
    X(EXEC, total_exec_time)                                                                                           \
    X(PLAN, total_plan_time)                                                                                           \
    X(SHARED_READ, shared_blk_read_time)                                                                               \
    X(SHARED_WRITE, shared_blk_write_time)                                                                             \
    X(LOCAL_READ, local_blk_read_time)                                                                                 \
    X(LOCAL_WRITE, local_blk_write_time)                                                                               \
    X(TEMP_READ, temp_blk_read_time)                                                                                   \
    X(TEMP_WRITE, temp_blk_write_time)                                                                                 \
    X(JIT_GENERATION, jit_generation_time)                                                                             \
    X(JIT_INLINING, jit_inlining_time)                                                                                 \
    X(JIT_OPTIMIZATION, jit_optimization_time)                                                                         \
    X(JIT_EMISSION, jit_emission_time)                                                                                 \
    X(JIT_DEFORM, jit_deform_time)

#define STATEMENTS_NAMED(id, name) STATEMENTS_##id,
typedef enum statements_counter { STATEMENTS_EACH_COUNTER(STATEMENTS_NAMED) STATEMENTS_COUNTERS } statements_counter;
#undef STATEMENTS_NAMED

#define STATEMENTS_NAMED(id, name) STATEMENTS_MS_##id,
typedef enum statements_time { STATEMENTS_EACH_TIME(STATEMENTS_NAMED) STATEMENTS_TIMES } statements_time;
#undef STATEMENTS_NAMED

/* Of a counter that this server does not have, or history did not: what it grew by is not known either. Such a time is
 * not a number. */
#define STATEMENTS_NOT_COUNTED INT64_MIN

typedef struct statements_totals {
    statements_key key;
    int64_t counters[STATEMENTS_COUNTERS];
    double times[STATEMENTS_TIMES];
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
