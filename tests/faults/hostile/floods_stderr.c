/* Writes to standard error and standard output as fast as it can for half a second, then dies with some last words. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    char chunk[65536];
    struct timespec began, now;
    (void)ctx, (void)err; /* it never comes to that */
    memset(chunk, 'x', sizeof chunk);
    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    do {
        if (write(2, chunk, sizeof chunk) < 0 || write(1, chunk, sizeof chunk) < 0)
            _exit(7);
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000 < 500);
    static const char last[] = "\nout of cheese\n";
    if (write(2, last, sizeof last - 1) < 0)
        _exit(7);
    _exit(9);
}

HOSTILE(floods_stderr, "says a great deal before it dies", .timeout_s = 10);
