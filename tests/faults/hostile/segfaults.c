/* Writes through a pointer to nowhere. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    volatile int *nowhere = (volatile int *)(uintptr_t)16;
    (void)ctx, (void)err; /* neither is reached */
    *nowhere = 1;
    return 0;
}

HOSTILE(segfaults, "writes where nothing is", .calls = NULL);
