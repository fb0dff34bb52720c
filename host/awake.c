#include "awake.h"

#include "clock.h"

#define DAY (INT64_C(86400) * CLOCK_SECOND)

awake_change awake_turn(awake_day *a, int64_t now)
{
    bool was_told = a->is_told;
    if (now / DAY <= a->day)
        return AWAKE_NOTHING; /* a clock that was put back begins no day twice */
    *a = (awake_day){.day = now / DAY};
    return was_told ? AWAKE_RENEWED : AWAKE_NOTHING;
}

awake_change awake_use(awake_day *a, int64_t now, int64_t us, int64_t budget_us)
{
    bool was_told = awake_turn(a, now) == AWAKE_RENEWED;
    a->used_us += us > 0 ? us : 0;
    if (a->is_told || !awake_is_spent(a, budget_us))
        return was_told ? AWAKE_RENEWED : AWAKE_NOTHING;
    a->is_told = true;
    return AWAKE_SPENT;
}

bool awake_is_spent(const awake_day *a, int64_t budget_us)
{
    return budget_us > 0 && a->used_us >= budget_us;
}
