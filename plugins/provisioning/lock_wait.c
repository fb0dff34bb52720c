#include "lock_wait.h"

#include <time.h>

#define SHORTEST_MS INT64_C(10)
#define SLICE_MS    INT64_C(100) /* between two looks at whether somebody asked to stop */

bool lock_is_others(const lb_error *err)
{
    static const char *const states[] = {"55P03", "40P01", "40001"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    return false;
}

static uint64_t next_chance(uint64_t *chance)
{
    *chance = *chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *chance >> 33;
}

bool lock_pause(lb_ctx *ctx, uint64_t *chance, int64_t tries, int64_t most_ms)
{
    int64_t longest = SHORTEST_MS << (tries < 20 ? tries : 20);
    longest = longest < most_ms ? longest : most_ms;
    int64_t left = longest / 2 + (int64_t)(next_chance(chance) % (uint64_t)(longest / 2 + 1));
    while (left > 0 && !lb_cancelled(ctx)) {
        int64_t slice = left < SLICE_MS ? left : SLICE_MS;
        const struct timespec pause = {.tv_nsec = slice * 1000000};
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is what signals are for */
        left -= slice;
    }
    return !lb_cancelled(ctx);
}
