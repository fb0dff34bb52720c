/* Talks while it is opened, and is sound otherwise. */
#include <lbops/lbops.h>

#include <stdio.h>
__attribute__((constructor)) static void at_load(void)
{
    printf("ok\t{}\nbad\t-1\tlies\t\n");
    (void)fflush(stdout); /* nobody listens */
    fprintf(stderr, "hello\n");
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(prints_in_constructor, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
