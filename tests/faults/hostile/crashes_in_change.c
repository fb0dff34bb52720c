/* A change that ends the very process that makes it: nobody can say whether it was made. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    static const char *const killer[] = {"/bin/sh", "-c", "kill -9 $PPID; sleep 1000", NULL};
    static const char *const second[] = {"/bin/true", NULL};
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(ctx, LB_GROUP(.title = "shoot the messenger", .reason = "asked for by name"), &group, err);
    if (r >= 0)
        r = lb_change_exec(ctx, group, killer, err);
    if (r >= 0)
        r = lb_change_exec(ctx, group, second, err);
    return r < 0 ? r : lb_apply(ctx, group, &outcome, err);
}

HOSTILE(crashes_in_change, "dies of its own change", .timeout_s = 5);
