/* Writes to standard error without end, faster than anybody reads. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    char chunk[65536];
    (void)ctx, (void)err; /* it never comes to that */
    (void)signal(SIGTERM, SIG_IGN);
    memset(chunk, 'y', sizeof chunk);
    for (;;)
        if (write(2, chunk, sizeof chunk) < 0)
            _exit(7);
    return 0;
}

HOSTILE(never_quiet, "says a great deal and does not end", .timeout_s = 1);
