/* Ends with abort(), and says why before that, in more than one line and in bytes that are no UTF-8. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    (void)ctx, (void)err; /* neither is reached */
    (void)fprintf(stderr, "first words\nthe invariant \xff\xfe is broken\n");
    abort();
}

HOSTILE(aborts, "gives up the whole process", .calls = NULL);
