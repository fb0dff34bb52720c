/* The keeper's side of its branch's record: what it has to know, and what it has to tell. */
#include "local_keeper.h"

#include "clock.h"

#define ATTEMPTS   3 /* at making a branch */
#define SHORT_WAIT (CLOCK_SECOND / 5)

int record_open(const keeper *k, bool locked, record *r, lb_error *err)
{
    int code = locked ? local_open(&k->c, k->project, &r->p, err) : local_look(&k->c, k->project, &r->p, err);
    if (code < 0)
        return code;
    r->entry = local_branch_by_directory(&r->p, k->directory);
    r->endpoint = r->entry ? local_primary(r->entry) : NULL;
    if (r->endpoint)
        return 0;
    local_close(&r->p);
    return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "the branch is gone");
}

void record_close(record *r)
{
    local_close(&r->p);
}

void record_limits(keeper *k)
{
    lb_error err;
    RECORD r = {.p = {.lock = -1}};
    if (record_open(k, false, &r, &err) < 0) {
        k->ends = true;
        return;
    }
    bool never = doc_flag(r.endpoint, "status.no_suspension");
    int64_t timeout = local_seconds(doc_text(r.endpoint, "status.suspend_timeout_duration"));
    k->suspend_us = never || timeout <= 0 ? 0 : timeout;
    k->expires_at = doc_time(r.entry, "branch.status.expire_time");
}

static void set_state(doc *d, const char *state, int64_t now)
{
    doc_set_text(d, "status.current_state", state);
    doc_set(d, "status.pending_state", NULL);
    doc_set_time(d, "status.state_change_time", now);
}

/* Where the compute stands, for who asks the control plane. Whoever holds the project may be waiting for us, so we do
 * not wait long for it. */
bool record_endpoint(const keeper *k, const char *state)
{
    lb_error err;
    LOCAL_PROJECT p = {.lock = -1};
    if (local_open_within(&k->c, k->project, SHORT_WAIT, &p, &err) < 0)
        return false;
    doc *entry = local_branch_by_directory(&p, k->directory), *endpoint = entry ? local_primary(entry) : NULL;
    if (!endpoint)
        return false;
    int64_t idle_us = clock_monotonic() - k->active_at;
    if (state)
        doc_set_text(endpoint, "status.current_state", state);
    if (state && strcmp(state, "ACTIVE") == 0 && doc_is(entry, "branch.status.current_state", "ARCHIVED"))
        set_state(doc_at(entry, "branch"), "READY", clock_now());
    if (k->active_at)
        doc_set_time(endpoint, "status.last_active_time", clock_now() - idle_us);
    if (k->last_bytes)
        doc_set_i64(entry, "branch.status.logical_size_bytes", k->last_bytes);
    if (local_save(&p, &err) == 0)
        return true;
    keeper_note("%s", err.message);
    return false;
}

/* ---- making the branch ---- */

static int count_attempt(const keeper *k, int64_t *ret_attempts, lb_error *err)
{
    RECORD r = {.p = {.lock = -1}};
    int code = record_open(k, true, &r, err);
    if (code < 0)
        return code;
    *ret_attempts = doc_i64(r.entry, "attempts", 0) + 1;
    doc_set_i64(r.entry, "attempts", *ret_attempts);
    return local_save(&r.p, err);
}

/* The record first, then the operation: whoever finds the one without the other finishes it (local_mend). */
static int tell_made(const keeper *k, lb_error *err)
{
    int64_t now = clock_now();
    RECORD r = {.p = {.lock = -1}};
    int code = record_open(k, true, &r, err);
    if (code < 0)
        return code;
    doc *branch = doc_at(r.entry, "branch"), *project = doc_at(r.p.d, "project");
    set_state(branch, "READY", now);
    doc_set_time(branch, "update_time", now);
    doc_set_i64(branch, "status.logical_size_bytes", k->last_bytes);
    if (doc_at(r.entry, "source") && !doc_text(branch, "status.source_branch_lsn"))
        doc_set_text(branch, "status.source_branch_lsn", k->lsn);
    doc_set_text(r.endpoint, "status.current_state", "ACTIVE");
    doc_set(r.endpoint, "status.pending_state", NULL);
    doc_set_time(r.endpoint, "status.last_active_time", now);
    doc_set(r.entry, "attempts", NULL);
    code = local_save(&r.p, err);
    const char *operation = doc_text(r.entry, "operation");
    if (code < 0 || !operation)
        return code;
    code = local_end_operation(&k->c, operation, doc_at(r.entry, "source") ? branch : project, NULL, err);
    if (code < 0)
        return code;
    doc_set(r.entry, "operation", NULL);
    return local_save(&r.p, err);
}

/* What cannot be made is not there: the name is free again, and the operation says why. */
static void give_up(const keeper *k, const lb_error *failure)
{
    lb_error err;
    RECORD r = {.p = {.lock = -1}};
    LB_AUTO_FREE char *path = local_branch_path(&k->c, k->project, k->directory, NULL);
    keeper_note("gives the branch up: %s", failure->message);
    if (record_open(k, true, &r, &err) < 0)
        return;
    LB_AUTO_FREE char *operation = base_strdup(doc_text(r.entry, "operation"));
    if (doc_at(r.entry, "source")) {
        local_remove_branch(&r.p, k->directory);
    } else {
        (void)json_object_put(r.p.d); /* a project is nothing without its first branch */
        r.p.d = NULL;
    }
    r.entry = r.endpoint = NULL;
    int code = operation ? local_end_operation(&k->c, operation, NULL, failure, &err) : 0;
    if (code >= 0)
        code = local_save(&r.p, &err);
    if (code < 0)
        keeper_note("%s", err.message);
    local_discard(&k->c, path);
}

int record_make(keeper *k, lb_error *err)
{
    int64_t attempts = 0;
    int r = count_attempt(k, &attempts, err);
    if (r < 0)
        return r;
    RECORD rec = {.p = {.lock = -1}};
    r = record_open(k, false, &rec, err);
    if (r < 0)
        return r;
    if (attempts > ATTEMPTS)
        r = lb_fail(err, LB_ERR_INTERNAL, NULL, "making the branch died %d times", ATTEMPTS);
    else
        r = build_branch(k, rec.entry, err);
    if (r == 0)
        r = server_activity(k, err);
    if (r == 0)
        r = tell_made(k, err);
    if (r < 0 && !k->ends) {
        server_stop(k);
        give_up(k, err);
    }
    k->active_at = clock_monotonic();
    return r;
}
