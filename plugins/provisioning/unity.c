/* Unity Catalog. */
#include "unity.h"

#include "branch_plane.h"

bool unity_is_missing(const lb_error *err)
{
    return err->code == LB_ERR_NOT_FOUND;
}

bool unity_is_absent(const lb_error *err)
{
    return err->code == LB_ERR_UNSUPPORTED;
}

struct json_object *unity_find(lb_ctx *ctx, const char *path, const char *query, lb_error *err)
{
    const char *reply = NULL;
    if (!path)
        (void)lb_out_of_memory(err); /* the NULL says it */
    else if (lb_control(ctx, &(lb_request){.method = "GET", .path = path, .query = query}, &reply, err) >= 0)
        return branch_json_keep(ctx, reply, err);
    return NULL;
}

const char *unity_text(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) && json_object_is_type(found, json_type_string)
               ? json_object_get_string(found)
               : NULL;
}

/* ---- grants ---- */

/* Privileges are texts, or objects where they are told with what they come from. */
static bool is_privilege(struct json_object *one, const char *privilege)
{
    const char *text =
        json_object_is_type(one, json_type_object) ? unity_text(one, "privilege") : json_object_get_string(one);
    return text && strcmp(text, privilege) == 0;
}

bool unity_holds(struct json_object *grants, const char *who, const char *privilege)
{
    struct json_object *list = NULL;
    (void)json_object_object_get_ex(grants, "privilege_assignments", &list); /* nobody: none */
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *one = json_object_array_get_idx(list, i), *privileges = NULL;
        const char *principal = unity_text(one, "principal");
        (void)json_object_object_get_ex(one, "privileges", &privileges); /* as above */
        for (size_t k = 0;
             principal && strcmp(principal, who) == 0 && privileges && k < json_object_array_length(privileges); k++)
            if (is_privilege(json_object_array_get_idx(privileges, k), privilege))
                return true;
    }
    return false;
}

/* NULL: out of memory; empty: nothing is missing. */
static const char *grant_body(lb_ctx *ctx, struct json_object *grants, const unity_grant *grant)
{
    struct json_object *body = branch_json_object(ctx), *changes = json_object_new_array(),
                       *one = json_object_new_object(), *add = json_object_new_array();
    size_t missing = 0;
    bool ok = branch_json_add(body, "changes", changes) && one && json_object_array_add(changes, one) == 0 &&
              branch_json_add_text(one, "principal", grant->who) && branch_json_add(one, "add", add);
    for (const char *const *wanted = grant->wanted; ok && *wanted; wanted++)
        if (!unity_holds(grants, grant->who, *wanted)) {
            ok = json_object_array_add(add, json_object_new_string(*wanted)) == 0;
            missing++;
        }
    return !ok ? NULL : missing ? branch_json_text(ctx, body) : "";
}

int unity_let(lb_ctx *ctx, const unity_grant *grant, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    const char *path = lb_printf(ctx, "unity-catalog/permissions/%s/%s", grant->kind, grant->name);
    struct json_object *grants = unity_find(ctx, path, NULL, err);
    const char *body = grants ? grant_body(ctx, grants, grant) : NULL;
    if (!body)
        return grants ? lb_out_of_memory(err) : err->code;
    if (!*body)
        return 0; /* has all of them */
    const plane_change change = {.title = lb_printf(ctx, "let %s read the %s %s", grant->who, grant->kind, grant->name),
                                 .reason = grant->reason,
                                 .undo = "revoke what was granted",
                                 .request = {.method = "PATCH", .path = path, .body = body}};
    int r = plane_apply(ctx, &change, &outcome, err);
    return r < 0 ? r
                 : lb_append(ctx, "grants",
                             LB_ARGS(lb_text("principal", grant->who), lb_text("kind", grant->kind),
                                     lb_text("name", grant->name), lb_bool("granted", outcome == LB_APPLIED)),
                             err);
}
