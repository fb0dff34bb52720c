/* Changes of the control plane, each to its true end: the operation is done and the branch has come to rest. */
#include "branch_json.h"
#include "branch_life.h"

#include <time.h>

#define FIRST_PAUSE_US 20000
#define LAST_PAUSE_US  2000000

/* Longer each time. What waits ends with the run's time. */
static int pause_a_while(lb_ctx *ctx, int64_t *pause_us, const char *what, lb_error *err)
{
    const struct timespec pause = {.tv_sec = *pause_us / 1000000, .tv_nsec = *pause_us % 1000000 * 1000};
    if (lb_cancelled(ctx))
        return lb_fail(err, LB_ERR_TIMEOUT, "it goes on by itself: run this again to see it finished",
                       "%s is not done yet", what);
    (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
    *pause_us = *pause_us < LAST_PAUSE_US ? *pause_us * 3 / 2 : *pause_us;
    lb_progress(ctx, 0, 0, "waiting for the control plane");
    return 0;
}

static const char *text_of(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) && json_object_is_type(found, json_type_string)
               ? json_object_get_string(found)
               : NULL;
}

static bool is_done(struct json_object *operation)
{
    struct json_object *done = NULL;
    return json_object_object_get_ex(operation, "done", &done) && json_object_get_boolean(done);
}

static int wait_operation(lb_ctx *ctx, const char *reply, const char *title, lb_error *err)
{
    int64_t pause_us = FIRST_PAUSE_US;
    struct json_object *operation = branch_json_keep(ctx, reply, err), *failure = NULL;
    while (operation && !is_done(operation)) {
        const char *name = text_of(operation, "name");
        if (!name || !strstr(name, "/operations/"))
            return 0; /* the resource itself: there was nothing to wait for */
        int r = pause_a_while(ctx, &pause_us, title, err);
        if (r >= 0)
            r = lb_control(ctx, &(lb_request){.method = "GET", .path = name}, &reply, err);
        if (r < 0)
            return r;
        operation = branch_json_keep(ctx, reply, err);
    }
    if (!operation)
        return err->code;
    if (!json_object_object_get_ex(operation, "error", &failure) || !failure)
        return 0;
    const char *message = text_of(failure, "message"), *code = text_of(failure, "error_code");
    return lb_fail(err, LB_ERR_TOOL, "look at its state, and run this again", "%s: %s: %s", title,
                   code ? code : "failed", message ? message : "no reason given");
}

int plane_apply(lb_ctx *ctx, const plane_change *change, lb_outcome *ret_outcome, lb_error *err)
{
    lb_group *group = NULL;
    *ret_outcome = LB_REFUSED;
    if (!change->title || !change->reason || !change->request.path)
        return lb_out_of_memory(err);
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = change->title, .reason = change->reason, .undo = change->undo,
                                   .evidence = change->evidence, .asks = change->asks),
                          &group, err);
    if (r >= 0)
        r = lb_change_control(ctx, group, &change->request, err);
    if (r >= 0 && change->event)
        r = branch_note(ctx, group, change->event, err);
    if (r >= 0)
        r = lb_apply(ctx, group, ret_outcome, err);
    return r < 0 || *ret_outcome != LB_APPLIED ? r
                                               : wait_operation(ctx, lb_group_reply(ctx, group), change->title, err);
}

static bool is_ready(const plane_branch *b, const plane_endpoint *e)
{
    bool made = strcmp(b->state, "READY") == 0 || strcmp(b->state, "ARCHIVED") == 0;
    bool awake = e && (strcmp(e->state, "ACTIVE") == 0 || strcmp(e->state, "IDLE") == 0);
    return made && !b->pending && awake && !e->is_pending;
}

/* No state that is known today says so: names of tomorrow may. While another state is pending it is tried anew. */
static bool is_failed(const char *state, bool is_pending)
{
    return !is_pending && (strstr(state, "FAIL") || strstr(state, "ERROR"));
}

bool plane_has_failed(const plane_branch *b, const plane_endpoint *e)
{
    return is_failed(b->state, b->pending != NULL) || (e && is_failed(e->state, e->is_pending));
}

int plane_check_failed(const char *project, const plane_branch *b, const plane_endpoint *e, lb_error *err)
{
    bool is_branch = is_failed(b->state, b->pending != NULL);
    if (!is_branch && !(e && is_failed(e->state, e->is_pending)))
        return 0;
    return lb_fail(err, LB_ERR_CONFLICT, "lbops target delete removes it; then run this again",
                   "%s%s/%s is %s for good", is_branch ? "" : "the compute of ", project, b->id,
                   is_branch ? b->state : e->state);
}

int plane_wait_ready(lb_ctx *ctx, const char *project, const char *branch, const plane_branch **ret_branch,
                     const plane_endpoint **ret_endpoint, lb_error *err)
{
    int64_t pause_us = FIRST_PAUSE_US;
    const char *what = lb_printf(ctx, "%s/%s", project, branch);
    for (;;) {
        int r = plane_read_branch(ctx, project, branch, ret_branch, err);
        if (r >= 0 && *ret_branch)
            r = plane_read_endpoint(ctx, project, branch, ret_endpoint, err);
        if (r < 0)
            return r;
        if (!*ret_branch || (*ret_branch)->is_deleted)
            return lb_fail(err, LB_ERR_CONFLICT, "somebody deleted it meanwhile", "%s is gone", what);
        if (is_ready(*ret_branch, *ret_endpoint))
            return 0;
        r = plane_check_failed(project, *ret_branch, *ret_endpoint, err);
        if (r >= 0)
            r = pause_a_while(ctx, &pause_us, what, err);
        if (r < 0)
            return r;
    }
}
