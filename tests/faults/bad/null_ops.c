/* Has no operations. */
#include <lbops/lbops.h>

LB_EXPORT extern const lb_plugin lb_plugin_v1;
LB_EXPORT const lb_plugin lb_plugin_v1 = {
    .magic = LB_ABI_MAGIC,
    .abi_major = LB_ABI_MAJOR,
    .abi_minor = LB_ABI_MINOR,
    .size = sizeof(lb_plugin),
    .kind = LB_KIND_TOOL,
    .name = "null_ops",
    .version = "1",
    .summary = "one of the bad ones",
    .ops = NULL,
};
