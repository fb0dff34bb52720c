/* From events to alerts: which events are worth one, whether it is new, worse or over, and who hears of it. One event
 * after the other, so that opened, escalated and resolved of one alert keep their order. What is known of each alert
 * stands in the state (space "alert", by its key). What has come of it is an event itself (alert.opened ...): from the
 * log each alert service takes it at its own pace. */
#include "serve_alerting.h"

#include <math.h>

#define AGAIN_S 0.2 /* until the log has room again */

static void look_up(alerting *a);
static void tell(alerting *a);

static bool is_step(const char *kind)
{
    return strcmp(kind, "alert.opened") == 0 || strcmp(kind, "alert.escalated") == 0 ||
           strcmp(kind, "alert.resolved") == 0 || strcmp(kind, "alert.reminded") == 0 ||
           strcmp(kind, "alert.treated") == 0 || strcmp(kind, "alert.acknowledged") == 0;
}

/* ---- the end of one ---- */

static void finish(alerting *a)
{
    serve *s = a->serve;
    ev_timer_stop(s->loop, &a->again);
    s->alerting = NULL;
    if (s->router)
        router_done(s->router, s->alerts_id, a->seq);
    serve_alerting_done(a);
    free(a);
    if (s->router)
        router_resume(s->router);
}

static lb_value number_or_null(const char *name, double number)
{
    return isnan(number) ? lb_null(name) : lb_f64(name, number);
}

static const char *line_of(const alerting *a)
{
    return a->line ? a->line : a->text;
}

/* As history has always called them. */
static const char *state_of(const char *change)
{
    return strcmp(change, "opened") == 0 ? "fired" : strcmp(change, "reminded") == 0 ? "renotified" : change;
}

static void write_row(const alerting *a)
{
    const lb_target target = {.project = a->project, .branch = a->branch};
    supervisor_row(a->serve->supervisor, "alert_history",
                   LB_ARGS(lb_text("alert_id", a->key), lb_time("at", clock_now()),
                           lb_text("state", state_of(a->change)), lb_text("severity", serve_severities[a->severity]),
                           lb_text("rule", a->kind), lb_text("title", line_of(a)), lb_text("source_tool", a->tool),
                           lb_time("fired_at", a->fired_at), lb_text("object_name", a->object),
                           lb_text("metric_name", a->metric), number_or_null("metric_value", a->value),
                           number_or_null("threshold", a->threshold),
                           lb_text("sop_action", a->is_treating ? a->said : a->action), lb_json("detail", a->document)),
                   &target);
}

/* ---- telling: by an event that the services follow ---- */

static void on_durable(void *owner, void *tag, const lb_error *error)
{
    alerting *a = tag;
    serve *s = owner;
    if (error && error->code != LB_ERR_CANCELLED)
        log_error("alert", error);
    if (!error && a->seq > s->alerted)
        s->alerted = a->seq;
    finish(a);
}

static void put_step(const alerting *a, buf *b)
{
    buf_putc(b, '{');
    json_member_string(b, "alert_id", a->key);
    json_member_i64(b, "event", (int64_t)a->seq);
    json_member_string(b, "severity", serve_severities[a->severity]);
    json_member_string(b, "text", line_of(a));
    json_member_raw(b, "to", buf_text(&a->hears));
    json_member_raw(b, "told", buf_text(&a->knew));
    json_member_string(b, "rule", a->kind);
    if (a->takes_over)
        json_member_bool(b, "taken_over", true);
    if (a->metric)
        json_member_string(b, "metric", a->metric);
    json_key(b, "fired_at");
    json_time(b, a->fired_at);
    json_member_raw(b, "about", a->document);
    buf_putc(b, '}');
}

static void try_again(alerting *a)
{
    ev_timer_set(&a->again, AGAIN_S, 0);
    ev_timer_start(a->serve->loop, &a->again);
}

/* The state has failed: one that fails each time at once is not asked without a pause. */
static void look_later(alerting *a)
{
    a->is_unread = true;
    try_again(a);
}

static void tell(alerting *a)
{
    serve *s = a->serve;
    lb_error error;
    BUF_AUTO payload = BUF_INIT(EVENT_PAYLOAD);
    LB_AUTO_FREE char *kind = base_printf("alert.%s", a->change);
    chronicle *c = supervisor_chronicle(s->supervisor);
    put_step(a, &payload);
    const event e = {.kind = kind,
                     .tool = a->tool,
                     .project = a->project,
                     .branch = a->branch,
                     .depth = a->depth + 1,
                     .cause = a->seq,
                     .payload = buf_text(&payload)};
    int r = chronicle_add(c, &e, NULL, &error);
    if (r == LB_ERR_LIMIT) { /* the log has no room now */
        try_again(a);
        return;
    }
    write_row(a);
    if (r >= 0) {
        chronicle_wait(c, on_durable, s, a);
    } else {
        log_error("alert", &error);
        finish(a);
    }
}

/* A branch is gone: each of its alerts gets an end of its own, as an event. */
static void on_open(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    alerting *a = tag;
    const event cause = {.seq = a->seq, .project = a->project, .branch = a->branch, .depth = a->depth};
    if (error && error->code == LB_ERR_CANCELLED)
        return; /* the event is delivered again next time */
    if (error)
        serve_gone_find(owner, on_open, a);
    else if (serve_gone_tell(owner, docs, &cause))
        chronicle_wait(supervisor_chronicle(a->serve->supervisor), on_durable, owner, a);
    else
        try_again(a);
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
    alerting *a = timer->data;
    (void)loop, (void)events;
    if (a->serve->is_draining)
        return;
    if (a->ends_all)
        serve_gone_find(a->serve, on_open, a);
    else if (a->is_unread)
        look_up(a);
    else
        tell(a);
}

/* ---- who hears of it ---- */

static bool is_listed(struct json_object *list, const char *name)
{
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), name) == 0)
            return true;
    return false;
}

static void put_name(buf *list, const char *name)
{
    json_comma(list);
    json_string(list, name);
}

/* Whom the routes lead to now. */
static void on_hears(void *state, const char *name)
{
    put_name(state, name);
}

static void add_missing(buf *list, struct json_object *names, struct json_object *known)
{
    for (size_t i = 0; names && i < json_object_array_length(names); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(names, i));
        if (!is_listed(known, name))
            put_name(list, name);
    }
}

static bool is_news(const alerting *a)
{
    return a->change && (strcmp(a->change, "opened") == 0 || strcmp(a->change, "escalated") == 0);
}

/* An end, a reminder and an acknowledgement go to those who heard of the beginning; what begins or gets worse, where
 * the routes lead now, and what gets worse also to those who know of it. knew: before this step; NULL: nobody, or it
 * began before that was written down, and the routes lead to those who will have heard. known: how bad it was, for its
 * end says nothing of that. */
static void find_hearers(alerting *a, struct json_object *knew, severity known)
{
    serve *s = a->serve;
    lb_error err;
    const alert_about about = {
        .severity = (int)(a->resolves ? known : a->severity), .project = a->project, .branch = a->branch, .at = a->at};
    BUF_AUTO routed = BUF_INIT((size_t)1024 * 1024);
    buf *const lists[] = {&routed, &a->hears, &a->knew, &a->told};
    for (size_t i = 0; i < LB_COUNT(lists); i++) {
        buf_clear(lists[i]);
        buf_putc(lists[i], '[');
    }
    if ((!knew || is_news(a)) && s->routes)
        alert_routes_each(s->routes, &about, on_hears, &routed);
    buf_putc(&routed, ']');
    JSON_AUTO *hears = json_parse(buf_text(&routed), routed.length, &err);
    add_missing(&a->knew, knew, NULL);
    add_missing(&a->told, knew, NULL);
    add_missing(&a->told, hears, knew);
    add_missing(&a->hears, hears, NULL);
    add_missing(&a->hears, knew, hears);
    for (size_t i = 1; i < LB_COUNT(lists); i++)
        buf_putc(lists[i], ']');
}

/* Of those who are to know of it the host before us has not reached all: the rest hear of it as of something new. */
static void leave_out(alerting *a, struct json_object *told, struct json_object *reached)
{
    buf_clear(&a->hears);
    buf_putc(&a->hears, '[');
    add_missing(&a->hears, told, reached);
    buf_putc(&a->hears, ']');
    buf_clear(&a->knew);
    buf_putc(&a->knew, '[');
    add_missing(&a->knew, reached, NULL);
    buf_putc(&a->knew, ']');
}

/* ---- what is known of it ---- */

static void on_written(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    alerting *a = tag;
    (void)owner, (void)version;
    if (error && error->code == LB_ERR_CANCELLED)
        return; /* the event is delivered again next time */
    if (error)
        look_later(a);
    else if (failed >= 0)
        look_up(a); /* another host wrote it at the same time */
    else if (a->change)
        tell(a);
    else
        finish(a);
}

static void write_alert(alerting *a, const char *status)
{
    serve *s = a->serve;
    state_client *state = book_state(supervisor_book(s->supervisor));
    BUF_AUTO body = BUF_INIT((size_t)2 * 1024 * 1024);
    buf_putc(&body, '{');
    json_member_string(&body, "severity", serve_severities[a->severity]);
    json_member_string(&body, "kind", a->kind);
    json_member_string(&body, "text", a->text);
    json_member_string(&body, "project", a->project);
    json_member_string(&body, "branch", a->branch);
    json_key(&body, "fired_at");
    json_time(&body, a->fired_at);
    json_member_i64(&body, "count", a->count);
    if (a->reminders)
        json_member_i64(&body, "reminders", a->reminders);
    json_member_i64(&body, "event", (int64_t)a->seq);
    json_member_string(&body, "log", s->log_name);
    json_member_string(&body, "change", a->change);
    json_key(&body, "told_at");
    json_time(&body, a->told_at);
    if (a->acknowledged)
        json_member_raw(&body, "acknowledged", a->acknowledged);
    if (a->treated)
        json_member_raw(&body, "treated", a->treated);
    if (a->metric)
        json_member_string(&body, "metric", a->metric);
    if (a->object)
        json_member_string(&body, "object", a->object);
    json_member_raw(&body, "told", buf_text(&a->told));
    if (a->teller)
        json_member_raw(&body, "teller", a->teller);
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

/* NULL: nothing that is worth telling. */
static const char *change_of(const alerting *a, bool is_open, struct json_object *before)
{
    if (a->resolves)
        return is_open ? "resolved" : NULL;
    if (a->is_acknowledging)
        return is_open && !serve_is_known_word(a, before) ? "acknowledged" : NULL;
    if (a->is_treating)
        return is_open && serve_treats_anew(json_get_object(before, "treated"), a->treated) ? "treated" : NULL;
    if (!is_open)
        return a->is_reminding ? NULL : "opened";
    if (a->severity > serve_severity(json_get_text(before, "severity")))
        return "escalated";
    return serve_remind_due(a->serve, before, a->severity, a->remind_s, a->at) ? "reminded" : NULL;
}

static void replace(char **text, struct json_object *from, const char *member)
{
    const char *known = json_get_text(from, member);
    free(*text);
    *text = base_strdup(known);
}

/* Neither a person's word nor the time nor a treatment changes anything of the alert: it is told as it stands. */
static void take_as_known(alerting *a, struct json_object *before)
{
    struct json_object *detail = json_get_object(before, "detail");
    a->severity = serve_severity(json_get_text(before, "severity"));
    replace(&a->text, before, "text");
    replace(&a->kind, before, "kind");
    replace(&a->metric, before, "metric");
    replace(&a->object, before, "object");
    free(a->line);
    a->line = a->said
                  ? base_printf(a->is_treating ? "%s (told before: %s)" : "%s: %s", a->said, a->text ? a->text : a->key)
                  : NULL;
    if (!detail)
        return;
    free(a->document);
    a->document = base_strdup(json_object_to_json_string_ext(detail, JSON_C_TO_STRING_PLAIN));
}

/* What somebody has said holds to the end of the alert, but not where that gets worse: nobody has taken on that. */
static void carry(alerting *a, struct json_object *before)
{
    struct json_object *by = json_get_object(before, "acknowledged");
    bool is_told = a->change && !a->is_acknowledging && !a->is_treating;
    a->told_at = is_told ? a->at : serve_alert_time(before, "told_at", a->fired_at);
    serve_carry_treatment(a, before);
    if (a->is_acknowledging)
        return;
    free(a->acknowledged); /* of a look before this one */
    a->acknowledged = NULL;
    if (by && !is_news(a))
        a->acknowledged = base_strdup(json_object_to_json_string_ext(by, JSON_C_TO_STRING_PLAIN));
}

/* The same event again, after a crash, is the same reminder. */
static void count_reminders(alerting *a, struct json_object *before, bool is_open, bool is_again)
{
    bool is_reminder = a->change && strcmp(a->change, "reminded") == 0 && !a->takes_over;
    a->reminders = (is_open ? json_get_i64(before, "reminders", 0) : 0) + (is_reminder && !is_again);
    if (!is_reminder)
        return;
    free(a->line);
    a->line = serve_remind_line(a);
}

static void on_known(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    alerting *a = tag;
    lb_state_doc doc;
    lb_error bad;
    (void)owner;
    if (error) {
        if (error->code != LB_ERR_CANCELLED)
            look_later(a); /* the state is waited for, as for runs */
        return;
    }
    bool is_known = state_get_doc(docs, &doc), is_open = is_known && doc.status && strcmp(doc.status, "open") == 0;
    JSON_AUTO *before = is_known ? json_parse(doc.body, strlen(doc.body), &bad) : NULL;
    a->version = is_known ? doc.version : 0;
    bool is_aside = a->is_acknowledging || a->is_reminding || a->is_treating;
    a->fired_at = a->at;
    a->count = 1;
    if (is_open) {
        a->count = json_get_i64(before, "count", 0) + !is_aside;
        a->fired_at = serve_alert_time(before, "fired_at", a->at);
    }
    if (is_aside)
        take_as_known(a, before);
    if (a->resolves && is_open) /* an end does not say how bad it was */
        a->severity = serve_severity(json_get_text(before, "severity"));
    /* The same event again, after a crash: what came of it may not have been told. */
    const char *log = json_get_text(before, "log");
    bool is_again = is_known && json_get_i64(before, "event", 0) == (int64_t)a->seq &&
                    strcmp(log ? log : "", a->serve->log_name) == 0;
    const char *change = is_again ? json_get_text(before, "change") : change_of(a, is_open, before);
    free(a->change);
    a->takes_over = serve_takes_over(a, before, is_open, is_again);
    a->change = a->takes_over ? base_strdup("reminded") : change ? base_strdup(change) : NULL;
    if (((a->resolves || is_aside) && !is_open && !is_again) || (is_aside && !a->change) ||
        (is_known && serve_is_overtaken(a, before, doc.at, is_open))) {
        finish(a);
        return;
    }
    carry(a, before);
    serve_put_done(a);
    count_reminders(a, before, is_open, is_again);
    find_hearers(a, is_open || a->resolves ? json_get_list(before, "told") : NULL,
                 serve_severity(json_get_text(before, "severity")));
    if (a->takes_over)
        leave_out(a, json_get_list(before, "told"), serve_reached(before));
    free(a->teller);
    a->teller = serve_teller(a, before, is_open);
    write_alert(a, a->resolves ? "resolved" : "open");
}

static void look_up(alerting *a)
{
    const lb_state_query q = {.size = sizeof q, .space = ALERT_SPACE, .key = a->key};
    a->is_unread = false;
    state_list(book_state(supervisor_book(a->serve->supervisor)), &q, on_known, a->serve, a);
}

/* A daemon that was killed may have told what its cursor does not say yet: that stands in the log. */
void serve_alerts_resume(serve *s, const char *dir, uint64_t last)
{
    lb_error err;
    event e;
    uint64_t from = ROUTER_FROM_NOW;
    event_reader *reader = NULL;
    for (size_t i = 0; i < s->subscription_count; i++)
        if (strcmp(s->subscriptions[i].id, s->alerts_id) == 0)
            from = s->subscriptions[i].cursor;
    const event_read_options options = {.from = from + 1, .filter = {.kind = "alert.*"}};
    if (from == ROUTER_FROM_NOW || from >= last)
        return;
    int r = event_reader_new(dir, &options, &reader, &err);
    while (r >= 0 && (r = event_reader_next(reader, 0, &e, &err)) > 0)
        if (is_step(e.kind) && e.cause > s->alerted)
            s->alerted = e.cause;
    if (r < 0)
        log_error("alert", &err);
    reader = event_reader_free(reader);
}

router_answer serve_on_alertable(void *state, const router_delivery *delivery, lb_error *err)
{
    serve *s = state;
    const event *e = delivery->event;
    lb_error bad;
    (void)err;
    if (s->is_draining || s->alerting)
        return ROUTER_LATER;
    if (e->seq <= s->alerted || e->at < s->alertable_from)
        return ROUTER_DONE;
    JSON_AUTO *payload = json_parse(e->payload, strlen(e->payload), &bad);
    alerting *a = base_alloc(sizeof *a);
    *a = (alerting){.serve = s, .seq = e->seq, .at = e->at, .value = NAN, .threshold = NAN, .remind_s = NAN};
    if (strcmp(e->kind, "branch.deleted") == 0)
        serve_gone_approvals(s, e, payload);
    if (!serve_judge(a, e, payload)) {
        free(a);
        return ROUTER_DONE;
    }
    a->document = serve_describe(e);
    a->depth = e->depth;
    a->hears = a->knew = a->told = BUF_INIT((size_t)1024 * 1024);
    ev_timer_init(&a->again, on_again, 0, 0);
    a->again.data = a;
    s->alerting = a;
    if (a->ends_all)
        serve_gone_find(s, on_open, a);
    else
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
