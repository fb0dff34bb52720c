/* Loses memory, which nobody notices but a leak checker. */
#include "hostile.h"

/* Not where the run's own frames are, which a checker would find it in. */
static __attribute__((noinline)) void lose(void)
{
    char *volatile lost = malloc(12345);
    if (lost)
        *lost = 'x';
    lost = NULL;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    (void)ctx, (void)err;
    lose();
    return 0;
}

HOSTILE(leaks, "loses 12345 bytes");
