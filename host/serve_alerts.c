/* From events to alerts: which events are worth one, whether it is new, worse or over, and the note about it. One event
 * after the other, so that opened, escalated and resolved of one alert keep their order. What is known of each alert
 * stands in the state (space "alert", by its key). */
#include "serve_internal.h"

#include <math.h>

#define ALERT_SPACE "alert"
#define AGAIN_S     5.0
#define AGAIN_MOST  300.0

typedef enum severity { SEVERITY_NONE, SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL } severity;

static const char *const severities[] = {"none", "info", "warning", "critical"};

/* The alert in hand: one at a time. */
typedef struct alerting {
    serve *serve;
    uint64_t seq;
    char *key, *text, *document, *change, *kind, *tool, *project, *branch;
    char *metric, *object, *action; /* of a threshold; else NULL, and ... */
    double value, threshold;        /* ... NaN */
    severity severity;
    bool resolves;
    int64_t at, version, fired_at;
    int64_t count;
    int tries;
    ev_timer again;
} alerting;

static void look_up(alerting *a);
static void send_note(alerting *a);

/* ---- what is worth an alert ---- */

static severity severity_named(const char *name)
{
    for (severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++)
        if (name && strcmp(name, severities[s]) == 0)
            return s;
    return SEVERITY_WARNING;
}

static const char *text_of(struct json_object *payload, const char *name)
{
    const char *text = json_get_text(payload, name);
    return text ? text : "?";
}

static double number_of(struct json_object *payload, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(payload, name, &value) && value ? json_object_get_double(value) : NAN;
}

/* A metric that is past its limit, or well inside it again. An alert is about a metric and, where there is one, the
 * table or other object that it is about; whose else it could be is the target's. */
static void judge_threshold(alerting *a, struct json_object *payload, bool is_over)
{
    const char *metric = text_of(payload, "metric"), *table = json_get_text(payload, "table");
    const char *schema = json_get_text(payload, "schema"), *line = json_get_text(payload, "text");
    const char *object = table ? table : json_get_text(payload, "object");
    a->resolves = is_over;
    a->severity = severity_named(json_get_text(payload, "level"));
    a->key = base_printf("%s/%s%s%s", metric, table && schema ? schema : "", table && schema ? "." : "",
                         object ? object : "");
    a->text = line ? base_strdup(line)
                   : base_printf("%s is %s its limit%s%s", metric, is_over ? "back inside" : "past",
                                 object ? " on " : "", object ? object : "");
    a->metric = base_strdup(metric);
    a->object =
        object ? base_printf("%s%s%s", table && schema ? schema : "", table && schema ? "." : "", object) : NULL;
    a->action = base_strdup(json_get_text(payload, "action"));
    a->value = number_of(payload, "value");
    a->threshold = number_of(payload, "threshold");
}

/* A cause that needs a person. */
static void judge_issue(alerting *a, struct json_object *payload, bool is_over)
{
    const char *issue = text_of(payload, "issue"), *object = text_of(payload, "object");
    const char *line = json_get_text(payload, "text");
    a->resolves = is_over;
    a->severity = severity_named(json_get_text(payload, "severity"));
    a->key = base_printf("issue/%s/%s", issue, object);
    a->text = line ? base_strdup(line) : base_printf("%s of %s%s", issue, object, is_over ? " is over" : "");
    a->object = base_strdup(object);
    a->action = base_strdup(json_get_text(payload, "done"));
}

/* Kind, what tells two alerts of that kind apart, how bad, and the line for people. */
static bool judge(alerting *a, const event *e, struct json_object *payload)
{
    const char *subject = NULL;
    if (strcmp(e->kind, "threshold.breached") == 0 || strcmp(e->kind, "threshold.cleared") == 0) {
        judge_threshold(a, payload, e->kind[10] == 'c');
    } else if (strcmp(e->kind, "issue.escalated") == 0 || strcmp(e->kind, "issue.resolved") == 0) {
        judge_issue(a, payload, e->kind[6] == 'r');
    } else if (strcmp(e->kind, "service.down") == 0 || strcmp(e->kind, "service.up") == 0) {
        subject = text_of(payload, "service");
        a->severity = SEVERITY_CRITICAL;
        a->resolves = e->kind[8] == 'u';
        a->key = base_printf("service/%s", subject);
        a->text = a->resolves ? base_printf("the %s service works again", subject)
                              : base_printf("the %s service is down: %s", subject, text_of(payload, "reason"));
    } else if (strcmp(e->kind, "tool.suspended") == 0) {
        subject = text_of(payload, "tool");
        a->severity = SEVERITY_WARNING;
        a->key = base_printf("suspended/%s", subject);
        a->text = base_printf("%s crashes and is suspended: %s", subject, text_of(payload, "reason"));
    } else if (strcmp(e->kind, "history.thinned") == 0) {
        a->severity = SEVERITY_CRITICAL;
        a->key = base_strdup("history/thinned");
        a->text = base_strdup("history cannot be written, and metrics are being thinned");
    } else if (strcmp(e->kind, "approval.requested") == 0) {
        a->severity = SEVERITY_INFO;
        a->key = base_printf("approval/%s", text_of(payload, "approval_id"));
        a->text = base_printf("waits for a person: %s", text_of(payload, "group"));
    } else if (strncmp(e->kind, "approval.", 9) == 0) {
        a->severity = SEVERITY_INFO;
        a->resolves = true;
        a->key = base_printf("approval/%s", text_of(payload, "approval_id"));
        a->text = base_printf("%s: %s", e->kind, text_of(payload, "approval_id"));
    } else {
        return false;
    }
    return true;
}

/* ---- the end of one ---- */

static void finish(alerting *a)
{
    serve *s = a->serve;
    ev_timer_stop(s->loop, &a->again);
    s->alerting = NULL;
    if (s->router)
        router_done(s->router, SERVE_ALERTS, a->seq);
    free(a->key);
    free(a->text);
    free(a->document);
    free(a->change);
    free(a->kind);
    free(a->tool);
    free(a->project);
    free(a->branch);
    free(a->metric);
    free(a->object);
    free(a->action);
    free(a);
    if (s->router)
        router_resume(s->router);
}

static lb_value number_or_null(const char *name, double number)
{
    return isnan(number) ? lb_null(name) : lb_f64(name, number);
}

static void write_row(const alerting *a, const char *step, const char *why)
{
    serve *s = a->serve;
    const lb_target target = {.project = a->project, .branch = a->branch};
    BUF_AUTO failed = BUF_INIT((size_t)64 * 1024);
    buf_putc(&failed, '[');
    json_string(&failed, why);
    buf_putc(&failed, ']');
    const manifest_service *named = manifest_find_service(s->manifest, LB_KIND_ALERT);
    LB_AUTO_FREE char *sent = named ? base_printf("[\"%s\"]", named->plugin) : base_strdup("[]");
    supervisor_row(s->supervisor, "alert_history",
                   LB_ARGS(lb_text("alert_id", a->key), lb_time("at", clock_now()), lb_text("state", step),
                           lb_text("severity", severities[a->severity]), lb_text("rule", a->kind),
                           lb_text("title", a->text), lb_text("source_tool", a->tool), lb_time("fired_at", a->fired_at),
                           lb_text("object_name", a->object), lb_text("metric_name", a->metric),
                           number_or_null("metric_value", a->value), number_or_null("threshold", a->threshold),
                           lb_text("sop_action", a->action), lb_json("channels_sent", why ? "[]" : sent),
                           why ? lb_json("channels_failed", buf_text(&failed)) : lb_null("channels_failed"),
                           lb_json("detail", a->document)),
                   &target);
}

/* ---- telling ---- */

static void try_later(alerting *a, int64_t wait_us, const char *why)
{
    double wait = AGAIN_S;
    for (int i = 0; i < a->tries && wait < AGAIN_MOST; i++)
        wait *= 2;
    a->tries++;
    if (wait_us > 0)
        wait = (double)wait_us / (double)CLOCK_SECOND;
    log_line(LB_LOG_WARN, "alert", "%s is not delivered yet: %s", a->key, why);
    ev_timer_set(&a->again, wait < AGAIN_MOST ? wait : AGAIN_MOST, 0);
    ev_timer_start(a->serve->loop, &a->again);
}

static const char *step_of(const alerting *a)
{
    return strcmp(a->change, "opened") == 0 ? "fired" : a->change;
}

static void on_sent(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    alerting *a = tag;
    (void)owner;
    if (error) {
        if (a->serve->is_draining)
            return; /* the event is delivered again next time */
        if (error->code == LB_ERR_INVALID) {
            write_row(a, "delivery_failed", error->message);
            finish(a);
        } else {
            try_later(a, 0, error->message);
        }
        return;
    }
    uint32_t outcome = wire_get_u32(fields);
    int64_t wait = wire_get_i64(fields);
    const char *why = wire_get_required(fields);
    if (outcome == LB_ALERT_LATER) {
        try_later(a, wait, why);
        return;
    }
    write_row(a, outcome == LB_ALERT_DELIVERED ? step_of(a) : "delivery_failed",
              outcome == LB_ALERT_DELIVERED ? NULL : why);
    finish(a);
}

static void send_note(alerting *a)
{
    serve *s = a->serve;
    char id[32];
    (void)snprintf(id, sizeof id, "%llu", (unsigned long long)a->seq);
    const lb_alert_note note = {.size = sizeof note,
                                .id = id,
                                .key = a->key,
                                .change = a->change,
                                .severity = severities[a->severity],
                                .text = a->text,
                                .document = a->document,
                                .at = a->at};
    if (!s->alert) { /* nobody is told; it stands in the state and in history */
        write_row(a, step_of(a), NULL);
        finish(a);
    } else if (!serve_send_note(s, &note, on_sent, a)) {
        try_later(a, 0, "too much waits for the alert service");
    }
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
    alerting *a = timer->data;
    (void)loop, (void)events;
    if (!a->serve->is_draining)
        send_note(a);
}

/* ---- what is known of it ---- */

static void on_written(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    alerting *a = tag;
    (void)owner, (void)version;
    if (error && error->code == LB_ERR_CANCELLED)
        return; /* as above */
    if (error || failed >= 0)
        look_up(a); /* another host wrote it at the same time */
    else if (a->change)
        send_note(a);
    else
        finish(a);
}

static void write_alert(alerting *a, const char *status)
{
    serve *s = a->serve;
    state_client *state = book_state(supervisor_book(s->supervisor));
    BUF_AUTO body = BUF_INIT((size_t)2 * 1024 * 1024);
    buf_putc(&body, '{');
    json_member_string(&body, "severity", severities[a->severity]);
    json_member_string(&body, "kind", a->kind);
    json_member_string(&body, "text", a->text);
    json_member_string(&body, "project", a->project);
    json_member_string(&body, "branch", a->branch);
    json_key(&body, "fired_at");
    json_time(&body, a->fired_at);
    json_member_i64(&body, "count", a->count);
    json_member_i64(&body, "event", (int64_t)a->seq);
    json_member_raw(&body, "detail", a->document);
    buf_putc(&body, '}');
    state_begin(state, on_written, s, a);
    state_op(state, &(lb_state_op){.verb = a->version ? LB_STATE_REPLACE : LB_STATE_INSERT,
                                   .space = ALERT_SPACE,
                                   .key = a->key,
                                   .version = a->version,
                                   .status = status,
                                   .at = a->at,
                                   .body = buf_text(&body)});
    state_end(state);
}

static void on_known(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    alerting *a = tag;
    lb_state_doc doc;
    lb_error bad;
    (void)owner;
    if (error) {
        if (error->code != LB_ERR_CANCELLED)
            look_up(a); /* the state is waited for, as for runs */
        return;
    }
    bool is_known = state_get_doc(docs, &doc), is_open = is_known && doc.status && strcmp(doc.status, "open") == 0;
    JSON_AUTO *before = is_known ? json_parse(doc.body, strlen(doc.body), &bad) : NULL;
    a->version = is_known ? doc.version : 0;
    a->fired_at = a->at;
    a->count = 1;
    if (is_open) {
        const char *fired = json_get_text(before, "fired_at");
        a->count = json_get_i64(before, "count", 0) + 1;
        if (fired)
            (void)clock_parse(fired, &a->fired_at); /* ours: it parses */
    }
    free(a->change);
    a->change = NULL;
    if (a->resolves && !is_open) {
        finish(a);
        return;
    }
    /* The same event again, after a crash: the note about it may not have gone out. */
    bool is_told_again = is_open && json_get_i64(before, "event", 0) == (int64_t)a->seq;
    bool is_worse = is_open && a->severity > severity_named(json_get_text(before, "severity"));
    if (a->resolves)
        a->change = base_strdup("resolved");
    else if (is_worse)
        a->change = base_strdup("escalated");
    else if (!is_open || is_told_again)
        a->change = base_strdup("opened");
    write_alert(a, a->resolves ? "resolved" : "open");
}

static void look_up(alerting *a)
{
    const lb_state_query q = {.size = sizeof q, .space = ALERT_SPACE, .key = a->key};
    state_list(book_state(supervisor_book(a->serve->supervisor)), &q, on_known, a->serve, a);
}

router_answer serve_on_alertable(void *state, const router_delivery *delivery, lb_error *err)
{
    serve *s = state;
    const event *e = delivery->event;
    lb_error bad;
    (void)err;
    if (s->is_draining || s->alerting)
        return ROUTER_LATER;
    JSON_AUTO *payload = json_parse(e->payload, strlen(e->payload), &bad);
    alerting *a = base_alloc(sizeof *a);
    *a = (alerting){.serve = s, .seq = e->seq, .at = e->at, .value = NAN, .threshold = NAN};
    if (!judge(a, e, payload)) {
        free(a);
        return ROUTER_DONE;
    }
    if (e->project) { /* two branches have two alerts */
        char *key = base_printf("%s@%s/%s", a->key, e->project, e->branch ? e->branch : "");
        free(a->key);
        a->key = key;
    }
    a->document = base_strdup(e->line);
    a->document = a->document ? a->document : base_strdup("{}");
    a->document[e->line_length] = '\0';
    a->kind = base_strdup(e->kind);
    a->tool = base_strdup(e->tool);
    a->project = base_strdup(e->project);
    a->branch = base_strdup(e->branch);
    ev_timer_init(&a->again, on_again, 0, 0);
    a->again.data = a;
    s->alerting = a;
    look_up(a);
    return ROUTER_ACCEPTED;
}

void serve_alerts_stop(serve *s)
{
    alerting *a = s->alerting;
    if (!a)
        return;
    s->router = NULL; /* it is gone already: the event comes again */
    finish(a);
}
