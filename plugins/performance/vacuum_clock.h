/* vacuum_clock.h: the two counters that wrap around, how fast they run, and when that means trouble. */
#ifndef LBOPS_VACUUM_CLOCK_H
#define LBOPS_VACUUM_CLOCK_H

#include <lbops/lbops.h>
#include <sql/vacuum/counters.h>

#define VACUUM_SPACE    INT64_C(2147483647) /* ids between the oldest and the newest */
#define VACUUM_REFUSAL  INT64_C(3000000)    /* left, when the server refuses to give out more (since 14) */
#define VACUUM_FAILSAFE INT64_C(1600000000) /* age at which a vacuum gives everything else up */

/* Ids per day between two readings; negative: nobody can tell (the readings are too near, or of different clusters). */
double vacuum_xid_rate(const vacuum_counters_row *before, const vacuum_counters_row *after);
double vacuum_mxid_rate(const vacuum_counters_row *before, const vacuum_counters_row *after);

/* Days until the server refuses new ids; negative: not in sight, or the rate is unknown. */
double vacuum_days_left(int64_t age, double rate);

LB_MUST_CHECK int vacuum_read_counters(lb_ctx *ctx, vacuum_counters_row *ret_row, lb_error *err);

/* The first reading that history has since a moment; *ret_why says why there is none, and is NULL where there is. */
LB_MUST_CHECK int vacuum_past_counters(lb_ctx *ctx, int64_t since, vacuum_counters_row *ret_row, const char **ret_why,
                                       lb_error *err);

/* Waits for so many seconds, or until the run is to stop. */
void vacuum_wait(lb_ctx *ctx, double seconds);

#endif
