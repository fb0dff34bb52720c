/* The run that executes an approved group: its claim on the request, and how the request stands when it has ended. */
#include "approvals_internal.h"

#include "log.h"

/* A request from the text that its run carried along. While it executes nobody else touches it, and a run ends only
 * once: so its end needs no version. */
static bool request_read(request *r, const char *id, const char *record, int64_t version)
{
    lb_error error;
    *r = (request){.version = version, .at = clock_now()};
    (void)snprintf(r->id, sizeof r->id, "%s", id);
    r->record = record ? json_parse(record, strlen(record), &error) : NULL;
    const char *asked = json_get_text(r->record, "requested_at");
    if (asked)
        (void)clock_parse(asked, &r->at); /* ours: it parses */
    return r->record != NULL;
}

void approvals_put_begin(approvals *a, const approval_order *order, const char *run_id)
{
    request r;
    if (!request_read(&r, order->id, order->ticket.record, order->ticket.version))
        return; /* it was written by us a moment ago */
    json_object_object_add(r.record, "executed_run_id", json_object_new_string(run_id));
    approvals_put(a, LB_STATE_REPLACE, &r, "executing");
    request_done(&r);
}

static const char *status_after(const run_outcome *outcome)
{
    const run_done *d = &outcome->done;
    if (outcome->unknown_changes)
        return "unknown";
    return d->status == RUN_OK ? "executed" : "failed";
}

static const char *last_text(struct json_object *record, const char *member)
{
    struct json_object *decisions = json_get_list(record, "decisions");
    size_t count = decisions ? json_object_array_length(decisions) : 0;
    return count ? json_get_text(json_object_array_get_idx(decisions, count - 1), member) : NULL;
}

/* Something that it touches is not as it was: people are asked again, with the difference. */
static void put_back(approvals *a, request *r, struct json_object *result)
{
    struct json_object *difference = NULL, *document = json_get_object(result, "document");
    const char *by = last_text(r->record, "name"), *because = last_text(r->record, "reason");
    LB_AUTO_FREE char *who = base_strdup(by), *why = base_strdup(because);
    if (json_object_object_get_ex(result, "difference", &difference) && difference)
        json_object_object_add(r->record, "difference", json_object_get(difference));
    json_object_object_add(r->record, "decisions", json_object_new_array());
    json_object_object_del(r->record, "executed_run_id");
    request_revise(r);
    if (document) {
        const char *hash = json_get_text(document, "hash");
        struct json_object *fingerprint = json_get_object(document, "fingerprint");
        if (hash)
            json_object_object_add(r->record, "hash", json_object_new_string(hash));
        if (fingerprint)
            json_object_object_add(r->record, "fingerprint", json_object_get(fingerprint));
        state_op(a->state, &(lb_state_op){.verb = LB_STATE_PUT,
                                          .space = APPROVAL_DOCUMENT,
                                          .key = r->id,
                                          .at = r->at,
                                          .body = json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN)});
    }
    approvals_put(a, LB_STATE_REPLACE, r, "pending");
    approvals_put_subject(a, r, "pending", NULL, NULL, -1);
    approvals_tell(a, r, "returned", who, why);
}

void approvals_put_end(approvals *a, const approval_ticket *ticket, const run_outcome *outcome)
{
    request r;
    lb_error error;
    if (!request_read(&r, ticket->id, ticket->record, 0))
        return;
    json_object_object_add(r.record, "executed_run_id", json_object_new_string(outcome->request->id));
    JSON_AUTO *result = json_parse(outcome->done.result, strlen(outcome->done.result), &error);
    if (json_get_bool(result, "moved")) {
        put_back(a, &r, result);
    } else {
        const char *status = status_after(outcome);
        const run_done *d = &outcome->done;
        if (d->error.code)
            json_object_object_add(r.record, "error", json_object_new_string(d->error.message));
        if (outcome->unknown_changes)
            json_object_object_add(r.record, "look", json_object_new_string(d->error.hint));
        approvals_put(a, LB_STATE_REPLACE, &r, status);
        approvals_put_subject(a, &r, status, NULL, NULL, -1);
        approvals_tell(a, &r, status, last_text(r.record, "name"), last_text(r.record, "reason"));
    }
    request_done(&r);
}

static void add_look(const journal_run *known, struct json_object *record)
{
    struct json_object *look = json_object_new_array();
    for (size_t i = 0; i < known->count; i++) {
        const journal_change *c = &known->changes[i];
        if (!c->outcome || strcmp(c->outcome, "unknown") == 0)
            json_object_array_add(look, json_object_new_string(c->statement ? c->statement : "?"));
    }
    json_object_object_add(record, "look", look);
}

static const char *status_after_loss(const book_lost *lost)
{
    const journal_run *known = lost->journal;
    if (lost->is_elsewhere)
        return "unknown"; /* what was begun stands in a journal that we cannot read */
    if (!known || known->state == JOURNAL_NOTHING)
        return "approved"; /* nothing was begun: it can be carried out as if for the first time */
    if (known->unknown)
        return "unknown";
    for (size_t i = 0; i < known->count; i++)
        if (!known->changes[i].outcome || strcmp(known->changes[i].outcome, "applied") != 0)
            return "failed";
    return "executed";
}

void approvals_put_lost(approvals *a, const book_lost *lost)
{
    request r;
    lb_error error;
    JSON_AUTO *o = lost->origin ? json_parse(lost->origin, strlen(lost->origin), &error) : NULL;
    const char *id = json_get_text(o, "approval");
    struct json_object *record = json_get_object(o, "record");
    if (!record || !id || !request_read(&r, id, json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN), 0))
        return;
    const char *status = status_after_loss(lost);
    if (strcmp(status, "approved") != 0)
        json_object_object_add(r.record, "executed_run_id", json_object_new_string(lost->outcome->request->id));
    if (strcmp(status, "unknown") == 0 && lost->journal)
        add_look(lost->journal, r.record);
    approvals_put(a, LB_STATE_REPLACE, &r, status);
    if (strcmp(status, "approved") != 0)
        approvals_tell(a, &r, status, last_text(r.record, "name"), last_text(r.record, "reason"));
    request_done(&r);
}
