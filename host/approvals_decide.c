/* What people say, and what comes of it: denied, one more person, or executed in a run of its own. */
#include "approvals_internal.h"

#include "log.h"
#include "service_state.h"

#define MOST_PENDING 10000

typedef struct deciding {
    approvals *approvals;
    char *id, *name, *reason, *via;
    bool approve;
    int64_t revision;
    run_watch watch;
    approvals_decided decided;
    void *owner, *tag;
    request request;
    char *document;
} deciding;

static void finish(deciding *d, approval_decided decided, const lb_error *error)
{
    const char *record = d->request.record && !error ? json_object_to_json_string(d->request.record) : NULL;
    if (d->decided)
        d->decided(d->owner, d->tag, decided, record, error);
    else if (error && error->code != LB_ERR_CANCELLED)
        log_error("approvals", error);
    request_done(&d->request);
    free(d->id);
    free(d->name);
    free(d->reason);
    free(d->via);
    free(d->document);
    free(d);
}

static void fail(deciding *d, const lb_error *error)
{
    finish(d, 0, error);
}

/* ---- may they? ---- */

static int check_person(const deciding *d, lb_error *err)
{
    char **approvers = d->approvals->manifest->approvals.approvers;
    struct json_object *decisions = json_get_list(d->request.record, "decisions");
    bool is_listed = !approvers || !approvers[0];
    for (; approvers && *approvers && !is_listed; approvers++)
        is_listed = strcmp(*approvers, d->name) == 0;
    if (!is_listed)
        return lb_fail(err, LB_ERR_DENIED, "[approvals] approvers in the manifest says who may",
                       "%s may not decide on this", d->name);
    if (!d->approve)
        return 0;
    const char *asker = json_get_text(d->request.record, "requested_by");
    const char *kind = json_get_text(d->request.record, "requested_kind");
    bool takes_two = json_get_i64(d->request.record, "people", 1) > 1;
    if (takes_two && asker && kind && strcmp(kind, "person") == 0 && strcmp(asker, d->name) == 0)
        return lb_fail(err, LB_ERR_DENIED, "two others have to approve it", "%s asked for this and cannot approve it",
                       d->name);
    for (size_t i = 0; decisions && i < json_object_array_length(decisions); i++) {
        const char *name = json_get_text(json_object_array_get_idx(decisions, i), "name");
        if (name && strcmp(name, d->name) == 0)
            return lb_fail(err, LB_ERR_CONFLICT, "a second person is needed", "%s has approved it already", d->name);
    }
    return 0;
}

static int check_state(const deciding *d, lb_error *err)
{
    const request *r = &d->request;
    if (strcmp(r->status, "unknown") == 0)
        return lb_fail(err, LB_ERR_CONFLICT, "lbops approvals --all shows what to look at",
                       "%s was begun and its end is not known", r->id);
    if (strcmp(r->status, "pending") != 0) {
        bool goes_on = d->approve && strcmp(r->status, "approved") == 0;
        return goes_on ? 0
                       : lb_fail(err, LB_ERR_CONFLICT, "lbops approvals --all shows how each one stands",
                                 "%s is %s already", r->id, r->status);
    }
    if (d->revision && d->revision != json_get_i64(r->record, "revision", 1))
        return lb_fail(err, LB_ERR_CONFLICT, "look at it as it stands now", "%s has changed since it was decided on",
                       r->id);
    if (request_has_expired(r))
        return lb_fail(err, LB_ERR_CONFLICT, "run the tool again: it asks again if it is still needed",
                       "%s expired at %s", r->id, json_get_text(r->record, "expires_at"));
    return check_person(d, err);
}

static void note_decision(const deciding *d)
{
    char now[CLOCK_TEXT];
    struct json_object *decisions = json_get_list(d->request.record, "decisions"), *one = json_object_new_object();
    clock_format(clock_now(), now);
    json_object_object_add(one, "name", json_object_new_string(d->name));
    json_object_object_add(one, "reason", json_object_new_string(d->reason));
    json_object_object_add(one, "approve", json_object_new_boolean(d->approve));
    json_object_object_add(one, "via", json_object_new_string(d->via));
    json_object_object_add(one, "at", json_object_new_string(now));
    if (decisions)
        json_object_array_add(decisions, one);
    else
        (void)json_object_put(one); /* a record without decisions is no record of ours */
}

static size_t approvals_so_far(const request *r)
{
    struct json_object *decisions = json_get_list(r->record, "decisions");
    size_t count = 0;
    for (size_t i = 0; decisions && i < json_object_array_length(decisions); i++)
        count += json_get_bool(json_object_array_get_idx(decisions, i), "approve");
    return count;
}

static void on_written(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    deciding *d = tag;
    lb_error taken;
    (void)owner, (void)version;
    if (!error && failed >= 0)
        error = (lb_fail(&taken, LB_ERR_CONFLICT, "lbops approvals shows how it stands",
                         "somebody else decided on %s at the same time", d->request.id),
                 &taken);
    if (error) {
        fail(d, error);
        return;
    }
    approvals_tell(d->approvals, &d->request, d->approve ? "approved" : "denied", d->name, d->reason);
    if (d->approve && d->approvals->hooks.publish)
        d->approvals->hooks.publish(d->approvals->hooks.state, d->request.id,
                                    json_object_to_json_string_ext(d->request.record, JSON_C_TO_STRING_PLAIN));
    finish(d, d->approve ? APPROVAL_HALF : APPROVAL_DENIED, NULL);
}

/* A second person decides on a revision of its own. */
static void write_decision(deciding *d)
{
    approvals *a = d->approvals;
    if (d->approve)
        request_revise(&d->request);
    state_begin(a->state, on_written, a, d);
    approvals_put(a, LB_STATE_REPLACE, &d->request, d->approve ? "pending" : "denied");
    if (!d->approve)
        approvals_put_subject(a, &d->request, "denied", d->name, d->reason, -1);
    state_end(a->state);
}

/* ---- the run ---- */

static void start_run(deciding *d)
{
    lb_error error;
    request *r = &d->request;
    char *record = base_strdup(json_object_to_json_string_ext(r->record, JSON_C_TO_STRING_PLAIN));
    approval_order order = {.id = r->id,
                            .document = d->document,
                            .target = request_target(r),
                            .actor = d->name,
                            .reason = d->reason,
                            .ticket = {.version = r->version, .record = record}};
    memcpy(order.ticket.id, r->id, sizeof order.ticket.id);
    approvals_tell(d->approvals, r, "approved", d->name, d->reason);
    if (d->decided) /* before the run can end, however soon that is */
        d->decided(d->owner, d->tag, APPROVAL_EXECUTING, record, NULL);
    d->decided = NULL;
    int code = d->approvals->hooks.execute(d->approvals->hooks.state, &order, d->watch, &error);
    if (code < 0 && d->watch.watcher && d->watch.watcher->refused)
        d->watch.watcher->refused(d->watch.tag, "", &error);
    finish(d, APPROVAL_EXECUTING, NULL);
}

static void on_document(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    deciding *d = tag;
    lb_state_doc doc;
    lb_error missing;
    (void)owner;
    if (!error && !state_get_doc(docs, &doc))
        error = (lb_fail(&missing, LB_ERR_NOT_FOUND, "run the tool again", "the document of %s is not there any more",
                         d->request.id),
                 &missing);
    if (error) {
        fail(d, error);
        return;
    }
    d->document = base_strdup(doc.body);
    start_run(d);
}

static void carry_out(deciding *d)
{
    lb_error error;
    int code = check_state(d, &error);
    if (code < 0) {
        fail(d, &error);
        return;
    }
    bool goes_on = strcmp(d->request.status, "approved") == 0;
    if (!goes_on)
        note_decision(d);
    if (!goes_on &&
        (!d->approve || (int64_t)approvals_so_far(&d->request) < json_get_i64(d->request.record, "people", 1))) {
        write_decision(d);
        return;
    }
    const lb_state_query document = {.size = sizeof document, .space = APPROVAL_DOCUMENT, .key = d->request.id};
    state_list(d->approvals->state, &document, on_document, d->approvals, d);
}

static void on_request(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    deciding *d = tag;
    lb_error bad;
    request other;
    (void)owner;
    if (!error && !request_take(docs, &d->request))
        error = (lb_fail(&bad, LB_ERR_NOT_FOUND, "lbops approvals lists them", "there is no approval %s", d->id), &bad);
    else if (!error && strcmp(d->request.id, d->id) != 0 && request_take(docs, &other)) {
        error = (lb_fail(&bad, LB_ERR_INVALID, "give more of the id", "several approvals begin with %s", d->id), &bad);
        request_done(&other);
    }
    if (error)
        fail(d, error);
    else
        carry_out(d);
}

void approvals_decide(approvals *a, const approval_decision *decision, approvals_decided decided, void *owner,
                      void *tag)
{
    lb_error error;
    deciding *d = base_alloc(sizeof *d);
    *d = (deciding){.approvals = a,
                    .id = base_strdup(decision->id ? decision->id : ""),
                    .name = base_strdup(decision->name),
                    .reason = base_strdup(decision->reason),
                    .via = base_strdup(decision->via ? decision->via : "unknown"),
                    .approve = decision->approve,
                    .revision = decision->revision,
                    .watch = decision->watch,
                    .decided = decided,
                    .owner = owner,
                    .tag = tag};
    bool is_said = d->name && *d->name && d->reason && *d->reason;
    if (!is_said || !*d->id) {
        (void)lb_fail(&error, LB_ERR_INVALID, "--as NAME --because TEXT",
                      "a decision needs the request's id, a name and a reason");
        fail(d, &error);
        return;
    }
    const lb_state_query q = {.size = sizeof q, .space = APPROVALS_SPACE, .key_prefix = d->id, .limit = 2};
    state_list(a->state, &q, on_request, a, d);
}

/* ---- what was approved and not carried out ---- */

static const char *last_of(struct json_object *record, const char *member)
{
    struct json_object *decisions = json_get_list(record, "decisions");
    size_t count = decisions ? json_object_array_length(decisions) : 0;
    return count ? json_get_text(json_object_array_get_idx(decisions, count - 1), member) : NULL;
}

static void on_approved(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    approvals *a = owner;
    request r;
    (void)tag;
    if (error && error->code != LB_ERR_CANCELLED)
        log_error("approvals", error);
    while (request_take(docs, &r)) {
        const approval_decision again = {.id = r.id,
                                         .approve = true,
                                         .name = last_of(r.record, "name"),
                                         .reason = last_of(r.record, "reason"),
                                         .via = last_of(r.record, "via")};
        approvals_decide(a, &again, NULL, NULL, NULL);
        request_done(&r);
    }
}

void approvals_go_on(approvals *a)
{
    const lb_state_query q = {.size = sizeof q, .space = APPROVALS_SPACE, .status = "approved", .limit = MOST_PENDING};
    state_list(a->state, &q, on_approved, a, NULL);
    approvals_expire(a); /* while nobody was here */
}
