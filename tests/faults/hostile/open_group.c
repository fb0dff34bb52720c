/* Opens a group of changes and never decides on it. */
#include "hostile.h"

static int run(lb_ctx *ctx, lb_error *err)
{
    lb_group *group = NULL;
    int r = lb_group_open(ctx, LB_GROUP(.title = "half a plan", .reason = "to see who notices"), &group, err);
    return r < 0 ? r : lb_change_file(ctx, group, "half.txt", "half", err);
}

HOSTILE(open_group, "does not finish what it began", .calls = NULL);
