/* Long-running operations, to their true end: the operation is done, and the resource has come to rest. */
#include "lake.h"

#include <stdlib.h>

#define LONGEST_LOOK_MS INT64_C(10000)

int lake_next_look(lake *l, int looks, int64_t deadline, const char *what, lb_error *err)
{
    int64_t ms = l->poll_ms;
    for (int i = 0; i < looks && ms < LONGEST_LOOK_MS; i++)
        ms += ms / 2 + 1;
    int64_t pause = rest_jitter(ms < LONGEST_LOOK_MS ? ms : LONGEST_LOOK_MS);
    return rest_wait(l->host, l->host->now() + pause * REST_MILLISECOND, deadline, what, err);
}

static int keep_operation(const char *name, lb_error *err)
{
    if (err->code == LB_ERR_TIMEOUT || err->code == LB_ERR_CANCELLED)
        (void)snprintf(err->hint, sizeof err->hint, "it goes on without us: GET %s", name); /* cut */
    return err->code;
}

/* ---- the operation ---- */

static bool is_operation(struct json_object *reply)
{
    const char *name = rest_json_text(reply, "name");
    return name && strstr(name, "/operations/");
}

static int fail_operation(struct json_object *operation, const char *what, lb_error *err)
{
    const char *message = rest_json_text(operation, "error.message");
    const char *error_code = rest_json_text(operation, "error.error_code");
    char line[300];
    rest_line(line, sizeof line, message ? message : "", message ? strlen(message) : 0);
    /* A failure inside is known to be one; what the platform calls internal is not our defect. */
    int code =
        rest_code_of(error_code && strcmp(error_code, "INTERNAL_ERROR") != 0 ? 400 : 409, error_code ? error_code : "");
    return lb_fail(err, code, "look at its state, and try again", "%s: the operation failed: %s%s%s%s", what,
                   line[0] ? line : "without a reason", error_code ? " (" : "", error_code ? error_code : "",
                   error_code ? ")" : "");
}

/* Takes the operation over. ret_response stays NULL where there is none, as for deletions. */
static int wait_done(lake *l, struct json_object *operation, const char *what, int64_t deadline,
                     struct json_object **ret_response, lb_error *err)
{
    char *name = rest_strdup(rest_json_text(operation, "name"));
    int r = name ? 0 : lb_out_of_memory(err);
    for (int looks = 0; r == 0 && !rest_json_flag(operation, "done"); looks++) {
        (void)json_object_put(operation); /* seen */
        operation = NULL;
        r = lake_next_look(l, looks, deadline, what, err);
        if (r == 0)
            r = lake_get(l, name, deadline, &operation, err);
    }
    if (r < 0 && name)
        r = keep_operation(name, err);
    if (r == 0 && rest_json_at(operation, "error"))
        r = fail_operation(operation, what, err);
    if (r == 0)
        *ret_response = json_object_get(rest_json_at(operation, "response"));
    (void)json_object_put(operation); /* its response has a reference of its own */
    free(name);
    return r;
}

/* ---- the resource ---- */

static bool is_on_its_way(struct json_object *resource)
{
    static const char *const passing[] = {"INIT", "IMPORTING", "RESETTING"};
    const char *pending = rest_json_text(resource, "status.pending_state");
    const char *state = rest_json_text(resource, "status.current_state");
    if (pending && *pending)
        return true;
    for (size_t i = 0; state && i < sizeof passing / sizeof passing[0]; i++)
        if (strcmp(state, passing[i]) == 0)
            return true;
    return false;
}

int lake_settle(lake *l, const char *name, int64_t deadline, struct json_object **ret_resource, lb_error *err)
{
    for (int looks = 0;; looks++) {
        struct json_object *resource = NULL;
        int r = lake_get(l, name, deadline, &resource, err);
        if (r < 0)
            return r;
        if (!is_on_its_way(resource)) {
            *ret_resource = resource;
            return 0;
        }
        (void)json_object_put(resource); /* seen */
        r = lake_next_look(l, looks, deadline, name, err);
        if (r < 0)
            return r;
    }
}

static int settle_each(lake *l, struct json_object *list, int64_t deadline, lb_error *err)
{
    for (size_t i = 0; i < rest_json_count(list); i++) {
        struct json_object *endpoint = json_object_array_get_idx(list, i), *settled = NULL;
        const char *name = rest_json_text(endpoint, "name");
        int r = name && is_on_its_way(endpoint) ? lake_settle(l, name, deadline, &settled, err) : 0;
        (void)json_object_put(settled); /* NULL is fine */
        if (r < 0)
            return r;
    }
    return 0;
}

/* A new branch comes with a compute, which takes longer than the branch itself. */
static int settle_computes(lake *l, struct json_object *resource, int64_t deadline, lb_error *err)
{
    struct json_object *document = NULL;
    const char *branch = rest_json_text(resource, "status.default_branch");
    if (!branch)
        branch = rest_json_text(resource, "name");
    char *path = branch && lake_words(branch) == 4 ? rest_printf("%s/endpoints", branch) : NULL;
    if (!path)
        return 0;
    int r = lake_list(l, path, NULL, deadline, &document, err);
    free(path);
    if (r == 0)
        r = settle_each(l, rest_json_at(document, "endpoints"), deadline, err);
    (void)json_object_put(document); /* NULL is fine */
    return r;
}

/* Until nothing of that name is left, or (without purge) until it only waits to be purged. */
static int wait_gone(lake *l, const char *name, int64_t deadline, lb_error *err)
{
    for (int looks = 0;; looks++) {
        struct json_object *resource = NULL;
        int r = lake_get(l, name, deadline, &resource, err);
        if (r == LB_ERR_NOT_FOUND)
            return 0;
        if (r < 0)
            return r;
        bool marked = rest_json_text(resource, "delete_time") || rest_json_text(resource, "status.delete_time");
        bool rests = !is_on_its_way(resource);
        (void)json_object_put(resource); /* seen */
        if (marked && rests)
            return 0;
        r = lake_next_look(l, looks, deadline, name, err);
        if (r < 0)
            return r;
    }
}

/* What the call was about. A creation's answer has the name; the other verbs are in the path. */
static char *resource_name(const lb_request *request, struct json_object *response)
{
    const char *name = rest_json_text(response, "name"), *verb = lake_last_word(request->path);
    if (strcmp(request->method, "POST") == 0 && strcmp(verb, "undelete") == 0)
        return strndup(request->path, (size_t)(verb - request->path) - 1);
    if (strcmp(request->method, "POST") != 0)
        return strdup(request->path);
    return name && strncmp(name, "projects/", 9) == 0 && !strstr(name, "/operations/") ? strdup(name) : NULL;
}

/* Projects, branches and endpoints have states of their own. */
static bool has_states(const char *name)
{
    size_t words = lake_words(name);
    return strncmp(name, "projects/", 9) == 0 &&
           (words == 2 || words == 4 || (words == 6 && strstr(name, "/endpoints/")));
}

/* What the call has left: the resource as it stays, or {} for what is gone. Takes the response over. */
static int settle_response(lake *l, const lb_request *request, struct json_object **response, int64_t deadline,
                           lb_error *err)
{
    bool removes = strcmp(request->method, "DELETE") == 0;
    struct json_object *settled = NULL;
    char *name = resource_name(request, *response);
    int r = 0;
    if (removes && name)
        r = wait_gone(l, name, deadline, err);
    else if (name && has_states(name))
        r = lake_settle(l, name, deadline, &settled, err);
    if (r == 0 && settled && strcmp(request->method, "POST") == 0)
        r = settle_computes(l, settled, deadline, err);
    if (r == 0 && removes && !(settled = json_object_new_object()))
        r = lb_out_of_memory(err);
    free(name);
    if (r < 0 || settled) {
        (void)json_object_put(*response); /* what it is now says more; NULL is fine */
        *response = settled;
    }
    return r;
}

/* The reply to a change that is done. Takes the response over. */
static int make_reply(const char *name, struct json_object *response, struct json_object **ret_reply, lb_error *err)
{
    struct json_object *operation = json_object_new_object();
    bool whole = operation && rest_json_add_text(operation, "name", name ? name : "operations/done") &&
                 rest_json_add(operation, "done", json_object_new_boolean(1));
    if (whole && rest_json_add(operation, "response", response)) {
        *ret_reply = operation;
        return 0;
    }
    if (!whole)
        (void)json_object_put(response); /* nobody took it */
    (void)json_object_put(operation);    /* NULL is fine */
    return lb_out_of_memory(err);
}

int lake_finish(lake *l, const lb_request *request, struct json_object *reply, int64_t deadline,
                struct json_object **ret_reply, lb_error *err)
{
    char what[160];
    bool removes = strcmp(request->method, "DELETE") == 0, waits = is_operation(reply);
    struct json_object *response = NULL;
    (void)snprintf(what, sizeof what, "%s %s", request->method, request->path); /* cut */
    char *name = rest_strdup(rest_json_text(reply, "name"));
    int r = waits ? wait_done(l, reply, what, deadline, &response, err) : 0;
    response = waits ? response : reply;
    if (r == 0 && !removes && !response)
        r = lb_fail(err, LB_ERR_CONFLICT, "look at its state", "%s: the operation ended without a result", what);
    if (r == 0)
        r = settle_response(l, request, &response, deadline, err);
    if (r == 0)
        r = make_reply(name, response, ret_reply, err);
    free(name);
    return r;
}
