/* A symbol of the right name that is too small to be looked into. */
#include <lbops/lbops.h>

LB_EXPORT extern const uint32_t lb_plugin_v1;
LB_EXPORT const uint32_t lb_plugin_v1 = LB_ABI_MAGIC;
