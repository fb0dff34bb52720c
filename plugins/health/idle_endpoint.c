#include "idle_endpoint.h"

#include "branch_json.h"
#include "branch_plane.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *member(struct json_object *d, const char *name)
{
    struct json_object *status = NULL, *spec = NULL, *found = NULL;
    if (json_object_object_get_ex(d, "status", &status) && json_object_object_get_ex(status, name, &found))
        return found;
    return json_object_object_get_ex(d, "spec", &spec) && json_object_object_get_ex(spec, name, &found) ? found : NULL;
}

static const char *text(struct json_object *d, const char *name)
{
    struct json_object *found = member(d, name);
    return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : NULL;
}

/* "300s", as the platform writes it. */
static double timeout_of(struct json_object *d)
{
    const char *duration = text(d, "suspend_timeout_duration");
    if (json_object_get_boolean(member(d, "no_suspension")))
        return INFINITY;
    return duration ? strtod(duration, NULL) : 0;
}

static const char *path_of(lb_ctx *ctx)
{
    const lb_target *t = lb_run_target(ctx);
    return lb_printf(ctx, "projects/%s/branches/%s/endpoints/primary", t->project, t->branch);
}

int idle_endpoint_read(lb_ctx *ctx, const idle_endpoint **ret_found, lb_error *err)
{
    const char *reply = NULL, *path = path_of(ctx);
    idle_endpoint *e = lb_alloc(ctx, sizeof *e);
    *ret_found = NULL;
    if (!e || !path)
        return lb_out_of_memory(err);
    int r = lb_control(ctx, &(lb_request){.method = "GET", .path = path}, &reply, err);
    if (r == LB_ERR_NOT_FOUND || r == LB_ERR_UNSUPPORTED)
        return 0;
    if (r < 0)
        return lb_wrap(err, "endpoint");
    struct json_object *d = branch_json_keep(ctx, reply, err);
    if (!d)
        return err->code;
    const char *type = text(d, "endpoint_type");
    *e = (idle_endpoint){.name = path,
                         .type = type ? type : "ENDPOINT_TYPE_READ_WRITE",
                         .min_cu = json_object_get_double(member(d, "autoscaling_limit_min_cu")),
                         .timeout = timeout_of(d)};
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

static const char *spec_of(lb_ctx *ctx, const idle_endpoint *e, double timeout)
{
    return isinf(timeout)
               ? lb_printf(ctx, "{\"spec\":{\"endpoint_type\":\"%s\",\"no_suspension\":true}}", e->type)
               : lb_printf(ctx, "{\"spec\":{\"endpoint_type\":\"%s\",\"suspend_timeout_duration\":\"%.0fs\"}}", e->type,
                           timeout);
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
                    .body = spec_of(ctx, e, timeout)},
    };
    *ret_outcome = LB_REFUSED;
    if (!change.request.body)
        return lb_out_of_memory(err);
    return plane_apply(ctx, &change, ret_outcome, err);
}
