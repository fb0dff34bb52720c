/* Says that it writes a table that history does not have. */
#include <lbops/lbops.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    (void)ctx, (void)err; /* never called */
    return 0;
}

LB_TOOL(unknown_table, "one of the bad ones", .risk = LB_RISK_LOW, .writes = LB_NAMES("vacuum_histori"), .run = run);
