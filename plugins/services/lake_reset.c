/* Resetting a branch to its parent. The platform has no call for it: the branch is deleted (with purge) and made again.
 * What it was is written down before, so that a reset that broke off is finished by the next one of that name, and a
 * branch that is missing meanwhile says why. Its endpoints come back with their sizes, their names on the network do
 * not; roles, databases and data are the parent's then, which is what a reset is for. */
#include "lake.h"
#include "lake_intent.h"

#include <stdlib.h>

typedef struct reset {
    lake *lake;
    char project[LAKE_NAME], branch[LAKE_NAME];
    char *name; /* "projects/P/branches/B" */
    const lb_request *request;
    int64_t deadline;
    lake_intent intent;
} reset;

static int parse(reset *x, lb_error *err)
{
    const char *path = x->request->path;
    int end = 0;
    if (sscanf(path, "projects/%63[a-z0-9-]/branches/%63[a-z0-9-]%n", x->project, x->branch, &end) != 2 ||
        strlen(path) != (size_t)end + 6 || (path[end] != '/' && path[end] != ':'))
        return lb_fail(err, LB_ERR_INVALID, "projects/P/branches/B/reset", "%.200s: only branches can be reset", path);
    x->name = strndup(path, (size_t)end);
    return x->name ? 0 : lb_out_of_memory(err);
}

/* ---- what it is now ---- */

static int refuse(const reset *x, const char *why, const char *hint, lb_error *err)
{
    return lb_fail(err, LB_ERR_CONFLICT, hint, "branch %s/%s cannot be reset: %s", x->project, x->branch, why);
}

static int check_branch(const reset *x, struct json_object *branch, lb_error *err)
{
    const char *state = rest_json_text(branch, "status.current_state");
    if (rest_json_text(branch, "delete_time") || (state && strcmp(state, "DELETED") == 0))
        return lb_fail(err, LB_ERR_NOT_FOUND, "bring it back, or make it again", "branch %s/%s is deleted", x->project,
                       x->branch);
    if (!rest_json_text(branch, "status.source_branch"))
        return refuse(x, "it has no parent", NULL, err);
    if (rest_json_flag(branch, "status.default"))
        return refuse(x, "it is the project's default branch", NULL, err);
    if (rest_json_flag(branch, "status.is_protected"))
        return refuse(x, "it is protected", "take its protection away first, if that is meant", err);
    return 0;
}

static int check_children(const reset *x, lb_error *err)
{
    struct json_object *document = NULL;
    char *path = rest_printf("projects/%s/branches", x->project);
    int r = path ? lake_list(x->lake, path, NULL, x->deadline, &document, err) : lb_out_of_memory(err);
    free(path);
    if (r < 0)
        return r;
    struct json_object *list = rest_json_at(document, "branches");
    for (size_t i = 0; r == 0 && i < rest_json_count(list); i++) {
        struct json_object *b = json_object_array_get_idx(list, i);
        const char *parent = rest_json_text(b, "status.source_branch"), *name = rest_json_text(b, "name");
        if (parent && strcmp(parent, x->name) == 0) {
            char why[160];
            (void)snprintf(why, sizeof why, "it has a child, %.100s", name ? lake_last_word(name) : "?"); /* fits */
            r = refuse(x, why, "delete or reset its children first", err);
        }
    }
    (void)json_object_put(document); /* read */
    return r;
}

/* The parent must be there before the child goes. */
static int check_parent(const reset *x, struct json_object *branch, lb_error *err)
{
    struct json_object *parent = NULL;
    int r = lake_get(x->lake, rest_json_text(branch, "status.source_branch"), x->deadline, &parent, err);
    if (r == 0 && rest_json_text(parent, "delete_time"))
        r = refuse(x, "its parent is deleted", NULL, err);
    (void)json_object_put(parent); /* NULL is fine */
    return r;
}

/* ---- the intent ---- */

static bool copy_text(struct json_object *to, const char *name, const char *text)
{
    return !text || rest_json_add_text(to, name, text);
}

/* The new branch's spec: the parent, its expiry, and the point in time that the call may name. */
static struct json_object *make_spec(const reset *x, struct json_object *branch, lb_error *err)
{
    struct json_object *spec = json_object_new_object();
    const char *body_text = x->request->body && *x->request->body ? x->request->body : "{}";
    REST_JSON_AUTO *body = rest_json_parse(body_text, strlen(body_text), x->request->path, err);
    const char *expires = rest_json_text(branch, "status.expire_time");
    bool whole = spec && body && copy_text(spec, "source_branch", rest_json_text(branch, "status.source_branch")) &&
                 copy_text(spec, "source_branch_time", rest_json_text(body, "spec.source_branch_time")) &&
                 copy_text(spec, "source_branch_lsn", rest_json_text(body, "spec.source_branch_lsn")) &&
                 (expires ? rest_json_add_text(spec, "expire_time", expires)
                          : rest_json_add(spec, "no_expiry", json_object_new_boolean(1)));
    if (whole)
        return spec;
    (void)json_object_put(spec); /* half made; NULL is fine */
    if (body)
        (void)lb_out_of_memory(err); /* the NULL says it */
    return NULL;
}

/* One endpoint as it can be asked for again. */
static struct json_object *endpoint_spec(struct json_object *endpoint)
{
    static const char *const members[] = {"endpoint_type",
                                          "autoscaling_limit_min_cu",
                                          "autoscaling_limit_max_cu",
                                          "suspend_timeout_duration",
                                          "no_suspension",
                                          "settings"};
    struct json_object *spec = json_object_new_object();
    for (size_t i = 0; spec && i < sizeof members / sizeof members[0]; i++) {
        char path[80];
        (void)snprintf(path, sizeof path, "status.%s", members[i]); /* fits */
        struct json_object *value = rest_json_at(endpoint, path);
        if (value && !rest_json_add(spec, members[i], json_object_get(value))) {
            (void)json_object_put(spec); /* half made */
            return NULL;
        }
    }
    return spec;
}

static int add_endpoint(struct json_object *into, struct json_object *endpoint, lb_error *err)
{
    const char *name = rest_json_text(endpoint, "name");
    struct json_object *entry = json_object_new_object();
    bool whole = entry && name && rest_json_add_text(entry, "id", lake_last_word(name)) &&
                 rest_json_add(entry, "spec", endpoint_spec(endpoint));
    if (whole && json_object_array_add(into, entry) == 0)
        return 0;
    (void)json_object_put(entry); /* half made; NULL is fine */
    return lb_out_of_memory(err);
}

static int read_endpoints(const reset *x, struct json_object *into, lb_error *err)
{
    struct json_object *document = NULL;
    char *path = rest_printf("%s/endpoints", x->name);
    int r = path ? lake_list(x->lake, path, NULL, x->deadline, &document, err) : lb_out_of_memory(err);
    free(path);
    if (r < 0)
        return r;
    struct json_object *list = rest_json_at(document, "endpoints");
    for (size_t i = 0; r == 0 && i < rest_json_count(list); i++)
        r = add_endpoint(into, json_object_array_get_idx(list, i), err);
    (void)json_object_put(document); /* read */
    return r;
}

static int write_intent(reset *x, struct json_object *branch, lb_error *err)
{
    const char *uid = rest_json_text(branch, "uid");
    struct json_object *document = json_object_new_object(), *spec = make_spec(x, branch, err), *endpoints = NULL;
    if (!document || !spec) {
        (void)json_object_put(document); /* NULL is fine */
        (void)json_object_put(spec);     /* NULL is fine */
        return document ? err->code : lb_out_of_memory(err);
    }
    endpoints = json_object_new_array();
    bool whole = rest_json_add_text(document, "branch", x->name) && rest_json_add_text(document, "uid", uid ? uid : "");
    whole = rest_json_add(document, "spec", spec) && whole;
    int r = whole && endpoints ? read_endpoints(x, endpoints, err) : lb_out_of_memory(err);
    if (!rest_json_add(document, "endpoints", endpoints) && r == 0)
        r = lb_out_of_memory(err);
    if (r < 0) {
        (void)json_object_put(document); /* half made */
        return r;
    }
    return lake_intent_save(&x->intent, document, err);
}

/* ---- doing it ---- */

static int change(const reset *x, const char *method, const char *path, const char *query, struct json_object *body,
                  struct json_object **ret_reply, lb_error *err)
{
    const lb_request request = {.method = method,
                                .path = path,
                                .query = query,
                                .body = body ? json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN) : NULL};
    return lake_change(x->lake, &request, x->deadline, ret_reply, err);
}

/* The one that was there before is deleted; a new one of the name is what an earlier try has made. */
static int remove_old(const reset *x, bool *ret_made, lb_error *err)
{
    struct json_object *branch = NULL, *ignored = NULL;
    const char *old = rest_json_text(x->intent.document, "uid");
    int r = lake_get(x->lake, x->name, x->deadline, &branch, err);
    if (r == LB_ERR_NOT_FOUND)
        return 0;
    if (r < 0)
        return r;
    const char *uid = rest_json_text(branch, "uid");
    bool is_new = uid && old && strcmp(uid, old) != 0 && !rest_json_text(branch, "delete_time");
    (void)json_object_put(branch); /* read */
    if (is_new) {
        *ret_made = true;
        return 0;
    }
    r = change(x, "DELETE", x->name, "purge=true", NULL, &ignored, err);
    (void)json_object_put(ignored); /* NULL is fine */
    return r;
}

static struct json_object *body_of(struct json_object *spec)
{
    struct json_object *body = json_object_new_object();
    if (body && rest_json_add(body, "spec", json_object_get(spec)))
        return body;
    (void)json_object_put(body); /* NULL is fine */
    return NULL;
}

static int make_again(const reset *x, lb_error *err)
{
    struct json_object *made = NULL;
    REST_JSON_AUTO *body = body_of(rest_json_at(x->intent.document, "spec"));
    char *path = rest_printf("projects/%s/branches", x->project), *query = rest_printf("branch_id=%s", x->branch);
    int r = path && query && body ? change(x, "POST", path, query, body, &made, err) : lb_out_of_memory(err);
    (void)json_object_put(made); /* read again at the end; NULL is fine */
    free(path);
    free(query);
    return r;
}

static int restore_endpoint(const reset *x, struct json_object *entry, lb_error *err)
{
    struct json_object *now = NULL, *changed = NULL;
    const char *id = rest_json_text(entry, "id");
    REST_JSON_AUTO *body = body_of(rest_json_at(entry, "spec"));
    char *name = rest_printf("%s/endpoints/%s", x->name, id), *path = rest_printf("%s/endpoints", x->name);
    char *query = rest_printf("endpoint_id=%s", id);
    int r = name && path && query && body ? lake_get(x->lake, name, x->deadline, &now, err) : lb_out_of_memory(err);
    REST_JSON_AUTO *spec_now = r == 0 ? endpoint_spec(now) : NULL;
    if (r == LB_ERR_NOT_FOUND)
        r = change(x, "POST", path, query, body, &changed, err);
    else if (r == 0 && !json_object_equal(spec_now, rest_json_at(entry, "spec")))
        r = change(x, "PATCH", name,
                   "update_mask=spec.autoscaling_limit_min_cu,spec.autoscaling_limit_max_cu,spec.suspension", body,
                   &changed, err);
    (void)json_object_put(now);     /* NULL is fine */
    (void)json_object_put(changed); /* NULL is fine */
    free(name);
    free(path);
    free(query);
    return r;
}

static int restore_endpoints(const reset *x, lb_error *err)
{
    struct json_object *list = rest_json_at(x->intent.document, "endpoints");
    int r = 0;
    for (size_t i = 0; r == 0 && i < rest_json_count(list); i++)
        r = restore_endpoint(x, json_object_array_get_idx(list, i), err);
    return r;
}

static int begin(reset *x, lb_error *err)
{
    struct json_object *branch = NULL;
    int r = lake_get(x->lake, x->name, x->deadline, &branch, err);
    if (r == 0)
        r = check_branch(x, branch, err);
    if (r == 0)
        r = check_children(x, err);
    if (r == 0)
        r = check_parent(x, branch, err);
    if (r == 0)
        r = write_intent(x, branch, err);
    (void)json_object_put(branch); /* NULL is fine */
    return r;
}

/* From the intent to the end; each step can be done again. */
static int carry_out(reset *x, struct json_object **ret_reply, lb_error *err)
{
    bool made = false;
    int r = remove_old(x, &made, err);
    if (r < 0)
        return r;
    r = made ? 0 : make_again(x, err);
    if (r < 0)
        (void)snprintf(err->hint, sizeof err->hint, /* cut */
                       "the branch is deleted and not made again: reset %s/%s once more, which goes on from there",
                       x->project, x->branch);
    if (r == 0)
        r = restore_endpoints(x, err);
    if (r == 0)
        r = lake_settle(x->lake, x->name, x->deadline, ret_reply, err);
    if (r == 0 && lake_intent_remove(&x->intent, err) < 0) {
        (void)json_object_put(*ret_reply); /* the next reset would only look, and remove it */
        r = err->code;
    }
    return r;
}

int lake_reset(lake *l, const lb_request *request, int64_t deadline, struct json_object **ret_reply, lb_error *err)
{
    reset x = {.lake = l, .request = request, .deadline = deadline, .intent = {.dir = -1, .lock = -1}};
    int r = parse(&x, err);
    if (r == 0 && !l->state_dir)
        r = lb_fail(err, LB_ERR_UNSUPPORTED, "give the workspace a state_dir", "%s: there is no place to note it first",
                    request->path);
    if (r == 0)
        r = lake_intent_open(l->state_dir, x.project, x.branch, &x.intent, err);
    if (r == 0 && x.intent.document)
        lake_log(l, LB_LOG_WARN, "%s/%s: an earlier reset broke off: going on with it", x.project, x.branch);
    else if (r == 0)
        r = begin(&x, err);
    struct json_object *reply = NULL;
    if (r == 0)
        r = carry_out(&x, &reply, err);
    if (r == 0)
        r = lake_done(x.name, reply, ret_reply, err);
    lake_intent_close(&x.intent);
    free(x.name);
    return r;
}

void lake_explain_missing(const lake *l, const char *project, const char *branch, lb_error *err)
{
    if (!l->state_dir || !lake_intent_exists(l->state_dir, project, branch))
        return;
    lake_log(l, LB_LOG_WARN, "%s/%s is missing since a reset of it broke off", project, branch);
    (void)snprintf(err->hint, sizeof err->hint, /* cut */
                   "it is missing since a reset of it broke off: reset %s/%s once more, which goes on from there",
                   project, branch);
}
