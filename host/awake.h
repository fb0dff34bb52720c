/* awake.h: how long a compute was awake only for what the schedule starts, and the budget for that: so many minutes a
 * day (UTC). Pure logic. [supervisor] */
#ifndef LBOPS_HOST_AWAKE_H
#define LBOPS_HOST_AWAKE_H

#include "base.h"

/* Of one target; all zero in the beginning. */
typedef struct awake_day {
    int64_t day, used_us;
    bool is_told; /* the budget is used up, and somebody has been told */
} awake_day;

typedef enum awake_change { AWAKE_NOTHING, AWAKE_SPENT, AWAKE_RENEWED } awake_change;

/* Another day begins with nothing used. AWAKE_RENEWED: the budget of the one before was used up. */
awake_change awake_turn(awake_day *a, int64_t now);

/* budget_us 0: there is none. AWAKE_SPENT: this was the last of it. */
awake_change awake_use(awake_day *a, int64_t now, int64_t us, int64_t budget_us);

bool awake_is_spent(const awake_day *a, int64_t budget_us);

#endif
