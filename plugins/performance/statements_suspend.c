#include "statements_source.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_is_type(from, json_type_object) && json_object_object_get_ex(from, name, &found) ? found : NULL;
}

/* The one that people write to, whatever its name. */
static struct json_object *compute_of(struct json_object *reply)
{
    struct json_object *list = member(reply, "endpoints");
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *endpoint = json_object_array_get_idx(list, i);
        const char *type = json_object_get_string(member(member(endpoint, "status"), "endpoint_type"));
        if (!type || strcmp(type, "ENDPOINT_TYPE_READ_ONLY") != 0)
            return endpoint;
    }
    return NULL;
}

/* "300s", as the platform writes it. */
static double timeout_of(struct json_object *endpoint)
{
    struct json_object *status = member(endpoint, "status");
    const char *text = json_object_get_string(member(status, "suspend_timeout_duration"));
    return json_object_get_boolean(member(status, "no_suspension")) || !text ? 0 : strtod(text, NULL);
}

int statements_suspends_after(lb_ctx *ctx, double *ret_seconds, lb_error *err)
{
    const lb_target *t = lb_run_target(ctx);
    const char *json = NULL;
    lb_error why;
    const lb_request request = {.method = "GET",
                                .path = lb_printf(ctx, "projects/%s/branches/%s/endpoints", t->project, t->branch),
                                .query = "page_size=100"};
    *ret_seconds = 0;
    if (!request.path)
        return lb_out_of_memory(err);
    int r = lb_control(ctx, &request, &json, &why);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY) {
        *err = why;
        return r;
    }
    if (r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE)
        return lb_skipped(ctx, "after how long the compute is suspended", why.message, err);
    if (r < 0)
        return 0; /* there is no control plane, or it knows no such branch */
    struct json_object *reply = json_tokener_parse(json);
    *ret_seconds = timeout_of(compute_of(reply));
    (void)json_object_put(reply); /* read */
    return 0;
}
