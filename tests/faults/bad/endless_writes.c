/* A list of names that does not end within any sensible number. */
#include <lbops/lbops.h>

#define NAMES4  "audit_log", "audit_log", "audit_log", "audit_log"
#define NAMES16 NAMES4, NAMES4, NAMES4, NAMES4
#define NAMES64 NAMES16, NAMES16, NAMES16, NAMES16

static const char *const writes[] = {NAMES64, NAMES64, NAMES64, NAMES64, NAMES4, NULL};

static int run(lb_ctx *ctx, lb_error *err)
{
    return lb_examined(ctx, "nothing", 0, err);
}

LB_TOOL(endless_writes, "one of the bad ones", .risk = LB_RISK_LOW, .writes = writes, .run = run);
