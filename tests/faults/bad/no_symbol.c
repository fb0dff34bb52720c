/* A shared object that is no plugin. */
#include <lbops/lbops.h>

LB_EXPORT int no_symbol_here(void);

LB_EXPORT int no_symbol_here(void)
{
    return 1;
}
