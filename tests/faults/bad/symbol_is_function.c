/* A symbol of the right name that is code. */
#include <lbops/lbops.h>

LB_EXPORT int lb_plugin_v1(void);

LB_EXPORT int lb_plugin_v1(void)
{
    return 1;
}
