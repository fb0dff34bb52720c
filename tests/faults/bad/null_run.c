/* No run function. */
#include <lbops/lbops.h>

LB_TOOL(null_run, "one of the bad ones", .risk = LB_RISK_LOW);
