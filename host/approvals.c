/* Requests: reading and writing them, asking for new ones, letting old ones expire. */
#include "approvals_internal.h"

#include "approval_doc.h"
#include "log.h"
#include "service_state.h"

#define EXPIRY_S 60.0
#define TRIES    5 /* of a transaction that somebody else got in the way of */

/* ---- requests ---- */

bool request_take(wire_reader *docs, request *ret_request)
{
    lb_state_doc doc;
    lb_error error;
    while (docs && state_get_doc(docs, &doc)) {
        *ret_request = (request){.version = doc.version, .at = doc.at};
        (void)snprintf(ret_request->id, sizeof ret_request->id, "%s", doc.key);
        (void)snprintf(ret_request->status, sizeof ret_request->status, "%s", doc.status ? doc.status : "");
        ret_request->record = json_parse(doc.body, strlen(doc.body), &error);
        if (ret_request->record)
            return true;
        log_error("approvals", &error);
    }
    return false;
}

void request_done(request *r)
{
    json_put_holder(&r->record);
    r->record = NULL;
}

lb_target request_target(const request *r)
{
    const char *name = json_get_text(r->record, "branch_class");
    lb_branch_class branch_class = 0;
    if (!name || !gate_class_parse(name, &branch_class))
        branch_class = LB_BRANCH_PRODUCTION;
    return (lb_target){.project = json_get_text(r->record, "project"),
                       .branch = json_get_text(r->record, "branch"),
                       .branch_class = branch_class};
}

void request_revise(request *r)
{
    int64_t revision = json_get_i64(r->record, "revision", 1);
    json_object_object_add(r->record, "revision", json_object_new_int64(revision + 1));
}

bool request_has_expired(const request *r)
{
    int64_t until = 0;
    const char *text = json_get_text(r->record, "expires_at");
    return text && clock_parse(text, &until) && until <= clock_now();
}

static const char *record_text(const request *r)
{
    return json_object_to_json_string_ext(r->record, JSON_C_TO_STRING_PLAIN);
}

void approvals_put(approvals *a, lb_state_verb verb, const request *r, const char *status)
{
    json_object_object_add(r->record, "status", json_object_new_string(status));
    state_op(a->state, &(lb_state_op){.verb = verb,
                                      .space = APPROVALS_SPACE,
                                      .key = r->id,
                                      .version = r->version,
                                      .status = status,
                                      .at = r->at,
                                      .body = record_text(r)});
}

void approvals_put_subject(approvals *a, const request *r, const char *status, const char *by, const char *because,
                           int64_t version)
{
    BUF_AUTO body = BUF_INIT(APPROVAL_RECORD);
    struct json_object *evidence = json_get_object(r->record, "evidence");
    buf_putc(&body, '{');
    json_member_string(&body, "approval", r->id);
    json_member_string(&body, "status", status);
    json_member_string(&body, "hash", json_get_text(r->record, "hash"));
    json_member_string(&body, "by", by);
    json_member_string(&body, "because", because);
    json_key(&body, "at");
    json_time(&body, clock_now());
    json_member_raw(&body, "evidence",
                    evidence ? json_object_to_json_string_ext(evidence, JSON_C_TO_STRING_PLAIN) : "{}");
    buf_putc(&body, '}');
    state_op(a->state, &(lb_state_op){.verb = version < 0    ? LB_STATE_PUT
                                              : version == 0 ? LB_STATE_INSERT
                                                             : LB_STATE_REPLACE,
                                      .space = APPROVAL_SUBJECT,
                                      .key = json_get_text(r->record, "subject"),
                                      .version = version < 0 ? 0 : version,
                                      .status = status,
                                      .body = buf_text(&body)});
}

static const char *list_text(struct json_object *record, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(record, name, &value) && value
               ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)
               : NULL;
}

static lb_value time_of(const char *name, const char *text)
{
    int64_t at;
    return text && clock_parse(text, &at) ? lb_time(name, at) : lb_null(name);
}

static void tell_history(approvals *a, const request *r, const lb_target *target, const char *status, const char *by,
                         const char *because)
{
    struct json_object *record = r->record;
    a->hooks.row(
        a->hooks.state,
        LB_ARGS(
            lb_text("approval_id", r->id), lb_time("at", clock_now()), lb_text("status", status),
            lb_text("tool", json_get_text(record, "tool")), lb_text("group_title", json_get_text(record, "title")),
            lb_text("reason", json_get_text(record, "reason")), lb_text("risk", json_get_text(record, "risk")),
            lb_text("effect", json_get_text(record, "effect")),
            lb_text("branch_class", json_get_text(record, "branch_class")),
            lb_text("hash", json_get_text(record, "hash")), lb_json("fingerprint", list_text(record, "fingerprint")),
            lb_text("difference", list_text(record, "difference")), lb_json("plan", list_text(record, "plan")),
            lb_json("evidence", list_text(record, "evidence")), lb_text("undo", json_get_text(record, "undo")),
            time_of("requested_at", json_get_text(record, "requested_at")),
            time_of("expires_at", json_get_text(record, "expires_at")), lb_text("decided_by", by),
            lb_text("decision_reason", because), lb_text("executed_run_id", json_get_text(record, "executed_run_id"))),
        target, json_get_text(record, "run_id"));
}

/* Each kind with the payload that events.def gives it. */
static void tell_event(approvals *a, const request *r, const lb_target *target, const char *status, const char *by,
                       const char *because)
{
    struct json_object *record = r->record;
    const char *run_id = json_get_text(record, "run_id"), *title = json_get_text(record, "title");
    void (*event)(void *, const char *, const lb_target *, const char *, const lb_value *) = a->hooks.event;
    bool is_open = strcmp(status, "pending") == 0 || strcmp(status, "returned") == 0;
    if (is_open)
        event(a->hooks.state, "approval.requested", target, run_id,
              LB_ARGS(lb_text("approval_id", r->id), lb_text("group", title),
                      time_of("expires_at", json_get_text(record, "expires_at")),
                      lb_text("effect", json_get_text(record, "effect")),
                      lb_text("hash", json_get_text(record, "hash")),
                      lb_bool("returned", strcmp(status, "returned") == 0)));
    else if (strcmp(status, "approved") == 0 || strcmp(status, "denied") == 0)
        event(a->hooks.state, "approval.decided", target, run_id,
              LB_ARGS(lb_text("approval_id", r->id), lb_text("decision", status), lb_text("by", by),
                      lb_text("reason", because), lb_text("group", title)));
    else if (strcmp(status, "expired") == 0 || strcmp(status, "replaced") == 0)
        event(a->hooks.state, "approval.expired", target, run_id,
              LB_ARGS(lb_text("approval_id", r->id), lb_bool("replaced", strcmp(status, "replaced") == 0),
                      lb_text("group", title)));
    else
        event(a->hooks.state, "approval.executed", target, run_id,
              LB_ARGS(lb_text("approval_id", r->id), lb_text("status", status),
                      lb_text("error_message", json_get_text(record, "error")), lb_text("group", title)));
}

void approvals_tell(approvals *a, const request *r, const char *status, const char *by, const char *because)
{
    lb_target target = request_target(r);
    bool is_open = strcmp(status, "pending") == 0 || strcmp(status, "returned") == 0;
    tell_history(a, r, &target, status, by, because);
    tell_event(a, r, &target, status, by, because);
    if (is_open && a->hooks.publish)
        a->hooks.publish(a->hooks.state, r->id, record_text(r));
    else if (!is_open && strcmp(status, "approved") != 0 && a->hooks.settle)
        a->hooks.settle(a->hooks.state, r->id, record_text(r));
}

/* ---- asking ---- */

typedef struct asking {
    approvals *approvals;
    struct json_object *document;
    char *text; /* of the document, as it was asked */
    approvals_answered answered;
    void *owner, *tag;
    int tries;
    int64_t subject_version;
    char before[ID_TEXT]; /* the request that stands under this subject */
    request fresh, old;
    const char *old_becomes; /* once the new one stands: expired or replaced */
} asking;

static void look_for_subject(asking *q);

static void answer(asking *q, approval_asked asked, const char *id, const char *text, const lb_error *error)
{
    const approval_answer said = {.asked = asked, .id = id, .text = text};
    q->answered(q->owner, q->tag, error ? NULL : &said, error);
    request_done(&q->fresh);
    request_done(&q->old);
    json_put_holder(&q->document);
    free(q->text);
    free(q);
}

static void copy_member(struct json_object *into, const char *name, struct json_object *from, const char *as)
{
    struct json_object *value = NULL;
    if (json_object_object_get_ex(from, as, &value) && value)
        json_object_object_add(into, name, json_object_get(value));
}

static void add_time(struct json_object *into, const char *name, int64_t at)
{
    char text[CLOCK_TEXT];
    clock_format(at, text);
    json_object_object_add(into, name, json_object_new_string(text));
}

static int people_needed(const manifest *m, const char *effect_text)
{
    int rule = m->approvals.second_person;
    bool is_destructive = effect_text && strcmp(effect_text, "destructive") == 0;
    return rule == MANIFEST_SECOND_ALWAYS || (rule == MANIFEST_SECOND_DESTRUCTIVE && is_destructive) ? 2 : 1;
}

/* What people see of a change: not what only the executor needs. */
static struct json_object *plan_of(struct json_object *document)
{
    struct json_object *plan = json_object_new_array(), *changes = json_get_list(document, "changes");
    for (size_t i = 0; changes && i < json_object_array_length(changes); i++) {
        struct json_object *change = json_object_array_get_idx(changes, i), *shown = json_object_new_object();
        copy_member(shown, "kind", change, "kind");
        copy_member(shown, "effect", change, "effect");
        copy_member(shown, "statement", change, "statement");
        json_object_array_add(plan, shown);
    }
    return plan;
}

static void fill_record(const approvals *a, struct json_object *document, request *fresh)
{
    static const char *const members[] = {"tool",    "agent",       "run_id",      "title",  "reason",
                                          "undo",    "evidence",    "risk",        "effect", "hash",
                                          "subject", "fingerprint", "decision_why"};
    struct json_object *record = json_object_new_object(), *target = json_get_object(document, "target");
    struct json_object *asker = json_get_object(document, "requested_by");
    fresh->record = record;
    json_object_object_add(record, "id", json_object_new_string(fresh->id));
    for (size_t i = 0; i < LB_COUNT(members); i++)
        copy_member(record, members[i], document, members[i]);
    copy_member(record, "target", document, "target");
    copy_member(record, "project", target, "project");
    copy_member(record, "branch", target, "branch");
    copy_member(record, "branch_class", target, "class");
    copy_member(record, "requested_kind", asker, "kind");
    copy_member(record, "requested_by", asker, "actor");
    json_object_object_add(record, "plan", plan_of(document));
    json_object_object_add(record, "revision", json_object_new_int(1));
    json_object_object_add(record, "people",
                           json_object_new_int(people_needed(a->manifest, json_get_text(record, "effect"))));
    json_object_object_add(record, "decisions", json_object_new_array());
    add_time(record, "requested_at", fresh->at);
    add_time(record, "expires_at", fresh->at + a->manifest->approvals.expires_h * INT64_C(3600) * CLOCK_SECOND);
}

static void on_asked(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    asking *q = tag;
    char text[200];
    (void)owner, (void)version;
    if (!error && failed >= 0 && ++q->tries < TRIES) {
        request_done(&q->fresh);
        request_done(&q->old);
        look_for_subject(q); /* another run asked for the same at the same time */
        return;
    }
    lb_error taken;
    if (!error && failed >= 0)
        error = (lb_fail(&taken, LB_ERR_CONFLICT, "run it again", "others keep asking for the same"), &taken);
    if (!error) {
        if (q->old.record)
            approvals_tell(q->approvals, &q->old, q->old_becomes, NULL, NULL);
        approvals_tell(q->approvals, &q->fresh, "pending", NULL, NULL);
    }
    (void)snprintf(text, sizeof text, "lbops approve %s --as NAME --because TEXT", q->fresh.id);
    answer(q, APPROVAL_NEW, q->fresh.id, text, error);
}

static void ask_anew(asking *q)
{
    approvals *a = q->approvals;
    id_new(q->fresh.id);
    q->fresh.at = clock_now();
    q->fresh.version = 0;
    fill_record(a, q->document, &q->fresh);
    state_begin(a->state, on_asked, a, q);
    approvals_put_subject(a, &q->fresh, "pending", NULL, NULL, q->subject_version);
    approvals_put(a, LB_STATE_INSERT, &q->fresh, "pending");
    state_op(a->state, &(lb_state_op){.verb = LB_STATE_INSERT,
                                      .space = APPROVAL_DOCUMENT,
                                      .key = q->fresh.id,
                                      .at = q->fresh.at,
                                      .body = q->text});
    if (q->old.record)
        approvals_put(a, LB_STATE_REPLACE, &q->old, q->old_becomes);
    state_end(a->state);
}

/* The request that stands under the subject: the same again, or one that is out of date. */
static void on_old_request(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    asking *q = tag;
    (void)owner;
    if (error) {
        answer(q, 0, NULL, NULL, error);
        return;
    }
    if (request_take(docs, &q->old) && strcmp(q->old.status, "pending") == 0) {
        bool has_expired = request_has_expired(&q->old);
        q->old_becomes = has_expired ? "expired" : "replaced";
        const char *hash = json_get_text(q->old.record, "hash"), *now = json_get_text(q->document, "hash");
        if (!has_expired && hash && now && strcmp(hash, now) == 0) {
            char text[200];
            (void)snprintf(text, sizeof text, "asked before, and waits: lbops approve %s --as NAME --because TEXT",
                           q->before);
            answer(q, APPROVAL_KNOWN, q->before, text, NULL);
            return;
        }
    } else {
        request_done(&q->old); /* decided, or on its way: this is a new request */
    }
    ask_anew(q);
}

static bool is_denied_still(asking *q, struct json_object *subject, char *text, size_t size)
{
    const char *status = json_get_text(subject, "status");
    if (!status || strcmp(status, "denied") != 0)
        return false;
    const char *before = list_text(subject, "evidence"), *now = list_text(q->document, "evidence");
    if (!approval_evidence_same(before ? before : "{}", now ? now : "{}"))
        return false;
    const char *by = json_get_text(subject, "by"), *because = json_get_text(subject, "because");
    (void)snprintf(text, size, "%.60s denied it (%.200s) and its evidence is the same", by ? by : "somebody",
                   because ? because : "without a reason");
    return true;
}

static void on_subject(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    asking *q = tag;
    lb_state_doc doc;
    lb_error bad;
    char text[320];
    (void)owner;
    if (error) {
        answer(q, 0, NULL, NULL, error);
        return;
    }
    q->subject_version = 0;
    if (!state_get_doc(docs, &doc)) {
        ask_anew(q);
        return;
    }
    q->subject_version = doc.version;
    JSON_AUTO *subject = json_parse(doc.body, strlen(doc.body), &bad);
    const char *before = json_get_text(subject, "approval");
    (void)snprintf(q->before, sizeof q->before, "%s", before ? before : "");
    if (is_denied_still(q, subject, text, sizeof text)) {
        answer(q, APPROVAL_DENIED_BEFORE, q->before, text, NULL);
        return;
    }
    const lb_state_query old = {.size = sizeof old, .space = APPROVALS_SPACE, .key = q->before};
    state_list(q->approvals->state, &old, on_old_request, q->approvals, q);
}

static void look_for_subject(asking *q)
{
    const lb_state_query subject = {
        .size = sizeof subject, .space = APPROVAL_SUBJECT, .key = json_get_text(q->document, "subject")};
    state_list(q->approvals->state, &subject, on_subject, q->approvals, q);
}

void approvals_ask(approvals *a, const char *document, approvals_answered answered, void *owner, void *tag)
{
    lb_error error;
    asking *q = base_alloc(sizeof *q);
    *q = (asking){.approvals = a, .text = base_strdup(document), .answered = answered, .owner = owner, .tag = tag};
    q->document = json_parse(document, strlen(document), &error);
    if (q->document && (!json_get_text(q->document, "subject") || !json_get_text(q->document, "hash"))) {
        (void)lb_fail(&error, LB_ERR_INTERNAL, NULL, "an approval document without subject or hash");
        json_put_holder(&q->document);
        q->document = NULL;
    }
    if (q->document)
        look_for_subject(q);
    else
        answer(q, 0, NULL, NULL, &error);
}

/* ---- life ---- */

static void on_expiry(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    approvals_expire(timer->data);
}

approvals *approvals_new(struct ev_loop *loop, book *b, const manifest *m, const approvals_hooks *hooks)
{
    approvals *a = base_alloc(sizeof *a);
    *a = (approvals){.loop = loop, .book = b, .state = book_state(b), .manifest = m, .hooks = *hooks};
    ev_timer_init(&a->expiry, on_expiry, EXPIRY_S, EXPIRY_S);
    a->expiry.data = a;
    ev_timer_start(loop, &a->expiry);
    return a;
}

approvals *approvals_free(approvals *a)
{
    if (!a)
        return NULL;
    ev_timer_stop(a->loop, &a->expiry);
    free(a);
    return NULL;
}

void approvals_use(approvals *a, const manifest *m)
{
    a->manifest = m;
}
