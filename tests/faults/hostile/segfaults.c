/* Writes through a pointer to nowhere. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    (void)ctx, (void)err; /* neither is reached */
    hostile_crash();
    return 0;
}

HOSTILE(segfaults, "writes where nothing is", .calls = NULL);
