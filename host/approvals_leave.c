/* Requests that nobody has decided: what is over its time expires, and what waits on a branch that is gone. */
#include "approvals_internal.h"

#include "clock.h"
#include "log.h"

static void on_expired(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    request *r = tag;
    (void)version;
    if (!error && failed < 0)
        approvals_tell(owner, r, "expired", NULL, request_has_expired(r) ? NULL : "its branch is not there any more");
    request_done(r);
    free(r);
}

/* A branch that is gone: this one, or whichever the caller says. */
typedef struct leaving {
    char *project, *branch;
    int64_t before; /* what was asked for later is of one that was made again */
    approvals_gone *is_gone;
    void *state;
} leaving;

static bool is_leaving(const leaving *l, const request *r)
{
    const lb_target target = request_target(r);
    if (!target.project || !target.branch)
        return false;
    if (l->is_gone)
        return l->is_gone(l->state, target.project, target.branch);
    return r->at < l->before && strcmp(target.project, l->project) == 0 && strcmp(target.branch, l->branch) == 0;
}

/* tag: who leaves; NULL: nobody does. */
static void on_pending(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    approvals *a = owner;
    leaving *l = tag;
    request r;
    if (error && error->code != LB_ERR_CANCELLED)
        log_error("approvals", error);
    while (request_take(docs, &r)) {
        if (!request_has_expired(&r) && !(l && is_leaving(l, &r))) {
            request_done(&r);
            continue;
        }
        request *kept = base_alloc(sizeof *kept);
        *kept = r;
        state_begin(a->state, on_expired, a, kept);
        approvals_put(a, LB_STATE_REPLACE, kept, "expired");
        approvals_put_subject(a, kept, "expired", NULL, NULL, -1);
        state_end(a->state);
    }
    if (l) {
        free(l->project);
        free(l->branch);
    }
    free(l);
}

static void expire(approvals *a, const leaving *who)
{
    const lb_state_query pending = {.size = sizeof pending, .space = APPROVALS_SPACE, .status = "pending"};
    leaving *l = base_alloc(sizeof *l);
    *l = *who;
    state_list(a->state, &pending, on_pending, a, l);
}

void approvals_leave(approvals *a, const char *project, const char *branch, int64_t before)
{
    expire(a, &(leaving){.project = base_strdup(project), .branch = base_strdup(branch), .before = before});
}

void approvals_leave_each(approvals *a, approvals_gone *is_gone, void *state)
{
    expire(a, &(leaving){.is_gone = is_gone, .state = state});
}

void approvals_expire(approvals *a)
{
    const lb_state_query pending = {.size = sizeof pending, .space = APPROVALS_SPACE, .status = "pending"};
    state_list(a->state, &pending, on_pending, a, NULL);
}
