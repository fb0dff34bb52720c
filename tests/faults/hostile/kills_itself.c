/* Sends itself the signal that nobody survives. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    (void)ctx, (void)err; /* too late for both */
    (void)raise(SIGKILL);
    return 0;
}

HOSTILE(kills_itself, "ends without a word", .calls = NULL);
