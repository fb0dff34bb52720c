/* Uses a function that nothing provides. */
#include <lbops/lbops.h>

extern int lb_nobody_provides_this(void);

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", lb_nobody_provides_this(), err);
}

LB_TOOL(unresolved_symbol, "one of the bad ones", .risk = LB_RISK_LOW, .run = run);
