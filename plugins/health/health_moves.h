/* health_moves.h: what a server's counters have done between two readings, and what of it is worth a finding. Pure: no
 * clock, no host. A difference that is not known, as of a first reading or across a restart, is NaN and judged by
 * nobody. */
#ifndef LBOPS_HEALTH_MOVES_H
#define LBOPS_HEALTH_MOVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum health_move {
    HEALTH_ABANDONED, /* sessions whose client was lost */
    HEALTH_CHURN,     /* sessions that come and go */
    HEALTH_ROLLBACKS,
    HEALTH_ARCHIVER, /* WAL that cannot be archived */
    HEALTH_POOL,     /* sessions that are open and do nothing */
    HEALTH_MOVES
} health_move;

typedef struct health_moves {
    double interval_s; /* of the sessions and transactions */
    double sessions, abandoned, fatal, killed;
    double committed, rolled_back;
    double archive_interval_s, archived, archive_failures;
    bool is_archiver_stuck;              /* it has failed since it last archived something */
    double day_s, session_ms, active_ms; /* over a day, or somewhat more */
} health_moves;

/* From where on; a share of little is none. */
typedef struct health_move_limits {
    double abandoned_warning_share, abandoned_critical_share, sessions_per_s, rollback_share, busy_share;
    double min_sessions, min_transactions, min_open_sessions;
} health_move_limits;

typedef struct health_verdict {
    const char *level;   /* warning or critical; NULL: nothing is found */
    double value, limit; /* the value is NaN where there is nothing to judge */
} health_verdict;

void health_judge_moves(const health_moves *moves, const health_move_limits *limits,
                        health_verdict ret_verdicts[HEALTH_MOVES]);

/* Sessions that were open at a time over the day; NaN: not known. */
double health_open_sessions(const health_moves *moves);

/* What is kept of a day: a mark an hour, of one epoch of the counters, in the order of time. */
#define HEALTH_DAY_US   (INT64_C(24) * 3600 * 1000000)
#define HEALTH_MARK_US  (INT64_C(3600) * 1000000)
#define HEALTH_MOST_DAY 32 /* marks: a day's, and the one before it */

typedef struct health_mark {
    int64_t at;
    double session_ms, active_ms;
} health_mark;

/* Leaves of the marks the youngest that is a day old and what came after it, and adds the one of now where the last is
 * an hour old. Returns how many there are; ret_kept has room for HEALTH_MOST_DAY. */
size_t health_keep_day(const health_mark *marks, size_t count, const health_mark *now,
                       health_mark ret_kept[HEALTH_MOST_DAY]);

/* What has moved since the first of the marks, where that is a day ago and nothing fell. */
void health_day_since(const health_mark *marks, size_t count, const health_mark *now, health_moves *moves);

#endif
