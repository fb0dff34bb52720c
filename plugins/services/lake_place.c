/* Where a branch is: its read-write endpoint, what that is called on the network, and whether it sleeps. */
#include "lake.h"

#include <stdlib.h>

lake_place *lake_place_free(lake_place *p)
{
    lake_place *next = p->next;
    auth_lease_drop(&p->credential);
    free(p->project);
    free(p->branch);
    free(p->reader);
    free(p->endpoint);
    free(p->server);
    free(p);
    return next;
}

/* NULL: there is no memory. */
static lake_place *get_place(lake *l, const lb_target *target, const char *reader)
{
    for (lake_place *p = l->places; p; p = p->next)
        if (strcmp(p->project, target->project) == 0 && strcmp(p->branch, target->branch) == 0 &&
            (reader && p->reader ? strcmp(p->reader, reader) == 0 : reader == p->reader))
            return p;
    lake_place *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->project = strdup(target->project);
    p->branch = strdup(target->branch);
    p->reader = reader ? strdup(reader) : NULL;
    if (!p->project || !p->branch || (reader && !p->reader)) {
        lake_place_free(p);
        return NULL;
    }
    p->next = l->places;
    l->places = p;
    return p;
}

/* ---- the branch ---- */

static char *branch_name(const lake_place *p)
{
    return rest_printf("projects/%s/branches/%s", p->project, p->branch);
}

static void forget_endpoint(lake_place *p)
{
    free(p->endpoint);
    free(p->server);
    p->endpoint = p->server = NULL;
    auth_lease_drop(&p->credential);
}

static int see_branch(lake *l, lake_place *p, struct json_object *branch, lb_error *err)
{
    const char *state = rest_json_text(branch, "status.current_state"), *uid = rest_json_text(branch, "uid");
    if ((state && strcmp(state, "DELETED") == 0) || rest_json_text(branch, "delete_time"))
        return lb_fail(err, LB_ERR_NOT_FOUND, "bring it back (undelete), or purge it and make it again",
                       "branch %s/%s is deleted, and only waits to be purged", p->project, p->branch);
    if (uid && strcmp(uid, p->branch_uid) != 0) {
        if (p->branch_uid[0])
            lake_log(l, LB_LOG_INFO, "branch %s/%s is a new one of that name", p->project, p->branch);
        forget_endpoint(p);
        (void)snprintf(p->branch_uid, sizeof p->branch_uid, "%s", uid); /* uids are short */
    }
    return 0;
}

static int look_at_branch(lake *l, lake_place *p, int64_t deadline, bool *ret_archived, lb_error *err)
{
    struct json_object *branch = NULL;
    char *name = branch_name(p);
    if (!name)
        return lb_out_of_memory(err);
    int r = lake_settle(l, name, deadline, &branch, err);
    free(name);
    if (r < 0)
        return r;
    const char *state = rest_json_text(branch, "status.current_state");
    *ret_archived = state && strcmp(state, "ARCHIVED") == 0;
    r = see_branch(l, p, branch, err);
    (void)json_object_put(branch); /* read */
    return r;
}

/* ---- the endpoint ---- */

static bool is_wanted(const lake_place *p, struct json_object *endpoint)
{
    const char *type = rest_json_text(endpoint, "status.endpoint_type"), *name = rest_json_text(endpoint, "name");
    if (!type)
        type = rest_json_text(endpoint, "spec.endpoint_type");
    if (!p->reader)
        return type && strcmp(type, "ENDPOINT_TYPE_READ_WRITE") == 0;
    return type && strcmp(type, "ENDPOINT_TYPE_READ_ONLY") == 0 && name && strcmp(lake_last_word(name), p->reader) == 0;
}

/* A credential is for the endpoint that is named here, so another branch's name would open another branch. */
static int check_endpoint(const lake_place *p, const char *name, lb_error *err)
{
    char *start = rest_printf("projects/%s/branches/%s/endpoints/", p->project, p->branch);
    if (!start)
        return lb_out_of_memory(err);
    bool is_ours = name && strncmp(name, start, strlen(start)) == 0;
    free(start);
    return is_ours ? 0
                   : lb_fail(err, LB_ERR_CONFLICT, "nothing was done; look at what stands between us and the workspace",
                             "asked for the endpoint of %s/%s, the control plane answers with %.120s", p->project,
                             p->branch, name ? name : "one without a name");
}

static int choose_endpoint(lake *l, lake_place *p, int64_t deadline, lb_error *err)
{
    struct json_object *document = NULL;
    char *path = rest_printf("projects/%s/branches/%s/endpoints", p->project, p->branch);
    if (!path)
        return lb_out_of_memory(err);
    int r = lake_list(l, path, NULL, deadline, &document, err);
    free(path);
    if (r < 0)
        return r;
    struct json_object *list = rest_json_at(document, "endpoints");
    const char *name = NULL;
    for (size_t i = 0; !name && i < rest_json_count(list); i++)
        if (is_wanted(p, json_object_array_get_idx(list, i)))
            name = rest_json_text(json_object_array_get_idx(list, i), "name");
    r = name ? check_endpoint(p, name, err) : 0;
    p->endpoint = r < 0 ? NULL : rest_strdup(name);
    (void)json_object_put(document); /* read */
    if (r < 0)
        return r;
    if (!p->endpoint && p->reader)
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "branch %s/%s has no read-only endpoint %s", p->project, p->branch,
                       p->reader);
    return p->endpoint ? 0
                       : lb_fail(err, LB_ERR_NOT_FOUND, "a new branch's compute may take a moment",
                                 "branch %s/%s has no read-write endpoint", p->project, p->branch);
}

/* Once it has a name on the network and a state to connect in. */
static int settle_endpoint(lake *l, lake_place *p, int64_t deadline, struct json_object **ret_endpoint, lb_error *err)
{
    for (int looks = 0;; looks++) {
        struct json_object *endpoint = NULL;
        int r = lake_settle(l, p->endpoint, deadline, &endpoint, err);
        if (r < 0)
            return r;
        r = check_endpoint(p, rest_json_text(endpoint, "name"), err);
        if (r == 0 && rest_json_text(endpoint, "status.hosts.host")) {
            *ret_endpoint = endpoint;
            return 0;
        }
        (void)json_object_put(endpoint); /* seen */
        if (r == 0)
            r = lake_next_look(l, looks, deadline, p->endpoint, err);
        if (r < 0)
            return r;
    }
}

static int look_at_endpoint(lake *l, lake_place *p, int64_t deadline, struct json_object **ret_endpoint, lb_error *err)
{
    bool known = p->endpoint != NULL;
    int r = known ? 0 : choose_endpoint(l, p, deadline, err);
    if (r == 0)
        r = settle_endpoint(l, p, deadline, ret_endpoint, err);
    if (r != LB_ERR_NOT_FOUND || !known)
        return r;
    forget_endpoint(p); /* the one that we knew is gone */
    r = choose_endpoint(l, p, deadline, err);
    return r < 0 ? r : settle_endpoint(l, p, deadline, ret_endpoint, err);
}

/* ---- sleep ---- */

static bool may_wake(const lake *l)
{
    return LB_HAS(l->host, lb_service_host, may_wake) && l->host->may_wake && l->host->may_wake();
}

static int judge_sleep(const lake *l, const lake_place *p, struct json_object *endpoint, bool archived, bool *ret_wakes,
                       lb_error *err)
{
    const char *state = rest_json_text(endpoint, "status.current_state");
    bool sleeps = archived || (state && strcmp(state, "IDLE") == 0);
    if (p->reader && (sleeps || rest_json_flag(endpoint, "status.disabled")))
        return lb_fail(err, LB_ERR_SUSPENDED, NULL, "%s sleeps, and is not woken to be looked at", p->reader);
    if (rest_json_flag(endpoint, "status.disabled"))
        return lb_fail(err, LB_ERR_SUSPENDED, "PATCH the endpoint's spec.disabled to false",
                       "the compute of %s/%s is disabled", p->project, p->branch);
    if (sleeps && !may_wake(l))
        return lb_fail(err, LB_ERR_SUSPENDED,
                       "it wakes when somebody connects; wake = true in its [[targets]] lets a run do so",
                       "the compute of %s/%s is suspended%s", p->project, p->branch, archived ? " and archived" : "");
    if (sleeps && LB_HAS(l->host, lb_service_host, woke) && l->host->woke)
        l->host->woke(rest_duration(rest_json_text(endpoint, "status.suspend_timeout_duration")));
    *ret_wakes = sleeps;
    return 0;
}

int lake_find(lake *l, const lb_target *target, const char *reader, int64_t deadline, lake_place **ret_place,
              bool *ret_wakes, lb_error *err)
{
    struct json_object *endpoint = NULL;
    bool archived = false;
    int r = lake_check_target(target, err);
    if (r < 0)
        return r;
    lake_place *p = get_place(l, target, reader);
    if (!p)
        return lb_out_of_memory(err);
    r = look_at_branch(l, p, deadline, &archived, err);
    if (r == 0)
        r = look_at_endpoint(l, p, deadline, &endpoint, err);
    if (r < 0)
        return r;
    const char *server = rest_json_text(endpoint, "status.hosts.host");
    free(p->server);
    p->server = rest_strdup(server);
    r = p->server ? judge_sleep(l, p, endpoint, archived, ret_wakes, err) : lb_out_of_memory(err);
    (void)json_object_put(endpoint); /* read */
    if (r < 0)
        return r;
    *ret_place = p;
    return 0;
}

/* ---- proof ---- */

int lake_prove(lake *l, const lake_place *p, const char *uid, const char *server, int64_t deadline, lb_error *err)
{
    struct json_object *branch = NULL, *endpoint = NULL;
    char *name = branch_name(p);
    if (!name)
        return lb_out_of_memory(err);
    int r = lake_get(l, name, deadline, &branch, err);
    if (r == 0 && p->endpoint)
        r = lake_get(l, p->endpoint, deadline, &endpoint, err);
    const char *uid_now = rest_json_text(branch, "uid"), *server_now = rest_json_text(endpoint, "status.hosts.host");
    bool same = r == 0 && uid_now && strcmp(uid_now, uid) == 0 && server_now && strcmp(server_now, server) == 0;
    if (r == 0 && !same)
        r = lb_fail(err, LB_ERR_CONFLICT, "it was made again meanwhile: look at it before you repeat the run",
                    "%s is not the branch any more that this session is on: nothing was changed", name);
    else if (r < 0)
        (void)lb_wrap(err, "it cannot be proved which branch this is, so that nothing is changed"); /* keeps the code */
    (void)json_object_put(branch);                                                                  /* NULL is fine */
    (void)json_object_put(endpoint);                                                                /* NULL is fine */
    free(name);
    return r;
}
