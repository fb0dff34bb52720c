#include "branch_memory.h"

#include <string.h>

static void put_object(void *object)
{
    json_object_put(object);
}

static const char *text_of(struct json_object *from, const char *name)
{
    struct json_object *value = NULL;
    return from && json_object_object_get_ex(from, name, &value) ? json_object_get_string(value) : NULL;
}

const char *branch_uid(lb_ctx *ctx)
{
    const lb_target *target = lb_run_target(ctx);
    const char *reply = NULL, *path;
    lb_error ignored; /* to ask again next time is soon enough */
    if (!target->project || !target->branch)
        return NULL;
    path = lb_printf(ctx, "projects/%s/branches/%s", target->project, target->branch);
    if (!path || lb_control(ctx, &(lb_request){.method = "GET", .path = path}, &reply, &ignored) < 0)
        return NULL;
    struct json_object *branch = json_tokener_parse(reply);
    const char *uid = text_of(branch, "uid"), *copy = uid && *uid ? lb_printf(ctx, "%s", uid) : NULL;
    json_object_put(branch);
    return copy;
}

const char *branch_uid_in(struct json_object *memory)
{
    return text_of(memory, BRANCH_UID);
}

int branch_put_uid(struct json_object *memory, const char *uid, lb_error *err)
{
    struct json_object *text = json_object_new_string(uid);
    if (text && json_object_object_add(memory, BRANCH_UID, text) == 0)
        return 0;
    json_object_put(text);
    return lb_out_of_memory(err);
}

int branch_recall(lb_ctx *ctx, const char **ret_json, const char **ret_uid, lb_error *err)
{
    int r = lb_recall(ctx, ret_json, err);
    return r < 0 ? r : branch_check(ctx, ret_json, ret_uid, err);
}

int branch_check(lb_ctx *ctx, const char **json, const char **ret_uid, lb_error *err)
{
    struct json_object *memory = *json ? json_tokener_parse(*json) : NULL;
    if (memory && lb_defer(ctx, put_object, memory) < 0)
        return lb_out_of_memory(err);
    const char *known = branch_uid_in(memory), *now = branch_uid(ctx);
    if (known && now && strcmp(known, now) != 0)
        *json = NULL;
    *ret_uid = now ? now : known;
    return 0;
}

int branch_remember(lb_ctx *ctx, const char *json, const char *uid, lb_error *err)
{
    if (!uid)
        return lb_remember(ctx, json, err);
    struct json_object *memory = json_tokener_parse(json);
    if (!memory || lb_defer(ctx, put_object, memory) < 0)
        return lb_out_of_memory(err);
    int r = branch_put_uid(memory, uid, err);
    return r < 0 ? r : lb_remember(ctx, json_object_to_json_string_ext(memory, JSON_C_TO_STRING_PLAIN), err);
}
