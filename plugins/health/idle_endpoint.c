#include "idle_endpoint.h"

#include "branch_plane.h"

#include <math.h>

/* A project that the control plane does not know may be hidden from us, or a server that is given and called otherwise
 * there; of one that it knows it knows the branches. */
static int check_branch(lb_ctx *ctx, lb_error *err)
{
    const lb_target *t = lb_run_target(ctx);
    const plane_branch *branch = NULL;
    const plane_project *project = NULL;
    int r = plane_read_branch(ctx, t->project, t->branch, &branch, err);
    if (r >= 0 && !branch)
        r = plane_read_project(ctx, t->project, &project, err);
    if (r < 0 || branch || !project)
        return r;
    return lb_fail(err, LB_ERR_NOT_FOUND, "lbops target ls shows what there is", "there is no branch %s in %s",
                   t->branch, t->project);
}

int idle_endpoint_read(lb_ctx *ctx, const idle_endpoint **ret_found, lb_error *err)
{
    const lb_target *t = lb_run_target(ctx);
    const plane_endpoint *there = NULL;
    *ret_found = NULL;
    int r = plane_read_endpoint(ctx, t->project, t->branch, &there, err);
    bool is_there = r >= 0 && there && there->name;
    if (r >= 0 && !is_there)
        r = check_branch(ctx, err);
    if (r == LB_ERR_UNSUPPORTED)
        return 0;
    if (r < 0)
        return r == LB_ERR_NOT_FOUND ? r : lb_wrap(err, "endpoint");
    idle_endpoint *e = is_there ? lb_alloc(ctx, sizeof *e) : NULL;
    if (is_there && !e)
        return lb_out_of_memory(err);
    if (e)
        *e = (idle_endpoint){there->name, there->min_cu, there->suspend_s};
    *ret_found = e;
    return 0;
}

const char *idle_timeout_text(lb_ctx *ctx, double timeout)
{
    if (isinf(timeout))
        return "never";
    return timeout < 120    ? lb_printf(ctx, "%.0f s", timeout)
           : timeout < 7200 ? lb_printf(ctx, "%.4g min", timeout / 60)
                            : lb_printf(ctx, "%.4g h", timeout / 3600);
}

/* The platform wants the type said again. */
static const char *spec_of(lb_ctx *ctx, double timeout)
{
    const char *how =
        isinf(timeout) ? "\"no_suspension\":true" : lb_printf(ctx, "\"suspend_timeout_duration\":\"%.0fs\"", timeout);
    return how ? lb_printf(ctx, "{\"spec\":{\"endpoint_type\":\"ENDPOINT_TYPE_READ_WRITE\",%s}}", how) : NULL;
}

int idle_endpoint_set(lb_ctx *ctx, const idle_endpoint *e, double timeout, const char *reason, const lb_value *evidence,
                      lb_outcome *ret_outcome, lb_error *err)
{
    const char *branch = lb_run_target(ctx)->branch;
    const plane_change change = {
        .title = lb_printf(ctx, "suspend %s after %s", branch, idle_timeout_text(ctx, timeout)),
        .reason = reason,
        .undo = e->timeout > 0 ? lb_printf(ctx, "set it back to %s", idle_timeout_text(ctx, e->timeout))
                               : "set spec.suspension to what it was",
        .evidence = evidence,
        .request = {.method = "PATCH",
                    .path = e->name,
                    .query = "update_mask=spec.suspension",
                    .body = spec_of(ctx, timeout)},
    };
    *ret_outcome = LB_REFUSED;
    if (!change.request.body)
        return lb_out_of_memory(err);
    return plane_apply(ctx, &change, ret_outcome, err);
}
