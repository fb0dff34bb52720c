/* Reads what is meant for the probe, and is sound otherwise. */
#include <lbops/lbops.h>

#include <unistd.h>
__attribute__((constructor)) static void at_load(void)
{
    char byte;
    while (read(0, &byte, 1) == 1)
        ;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(reads_input_in_constructor, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
