#include "endpoint_list.h"

#include <json-c/json.h>

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_is_type(from, json_type_object) && json_object_object_get_ex(from, name, &found) ? found : NULL;
}

int endpoint_list_read(lb_ctx *ctx, const char **ret_json, lb_error *err)
{
    const lb_target *t = lb_run_target(ctx);
    const lb_request request = {.method = "GET",
                                .path = lb_printf(ctx, "projects/%s/branches/%s/endpoints", t->project, t->branch),
                                .query = "page_size=100"};
    return request.path ? lb_control(ctx, &request, ret_json, err) : lb_out_of_memory(err);
}

struct json_object *endpoint_status(struct json_object *endpoint, const char *name)
{
    return member(member(endpoint, "status"), name);
}

struct json_object *endpoint_that_writes(struct json_object *reply)
{
    struct json_object *list = member(reply, "endpoints");
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *endpoint = json_object_array_get_idx(list, i);
        const char *type = json_object_get_string(endpoint_status(endpoint, "endpoint_type"));
        if (!type || strcmp(type, "ENDPOINT_TYPE_READ_ONLY") != 0)
            return endpoint;
    }
    return NULL;
}
