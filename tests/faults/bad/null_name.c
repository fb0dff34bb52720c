/* Has no name. */
#include <lbops/lbops.h>

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

static const lb_tool tool = {.size = sizeof(lb_tool), .risk = LB_RISK_LOW, .run = run};

LB_EXPORT extern const lb_plugin lb_plugin_v1;
LB_EXPORT const lb_plugin lb_plugin_v1 = {
    .magic = LB_ABI_MAGIC,
    .abi_major = LB_ABI_MAJOR,
    .abi_minor = LB_ABI_MINOR,
    .size = sizeof(lb_plugin),
    .kind = LB_KIND_TOOL,
    .name = NULL,
    .version = "1",
    .summary = "one of the bad ones",
    .ops = &tool,
};
