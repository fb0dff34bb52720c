#include "endpoint_list.h"
#include "statements_source.h"

#include <json-c/json.h>
#include <stdlib.h>

/* "300s", as the platform writes it. */
static double timeout_of(struct json_object *endpoint)
{
    const char *text = json_object_get_string(endpoint_status(endpoint, "suspend_timeout_duration"));
    return json_object_get_boolean(endpoint_status(endpoint, "no_suspension")) || !text ? 0 : strtod(text, NULL);
}

int statements_suspends_after(lb_ctx *ctx, double *ret_seconds, lb_error *err)
{
    const char *json = NULL;
    lb_error why;
    *ret_seconds = 0;
    int r = endpoint_list_read(ctx, &json, &why);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY) {
        *err = why;
        return r;
    }
    if (r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE)
        return lb_skipped(ctx, "after how long the compute is suspended", why.message, err);
    if (r < 0)
        return 0; /* there is no control plane, or it knows no such branch */
    struct json_object *reply = json_tokener_parse(json);
    *ret_seconds = timeout_of(endpoint_that_writes(reply));
    (void)json_object_put(reply); /* read */
    return 0;
}
