/* The daemon's service processes: history, the channel to people who decide, alerts. Each is fed by asks that wait
 * where it is slow and are sent again where it died; a run never waits for one. */
#include "serve_alerting.h"
#include "serve_outlet.h"

#include "service_delta.h"
#include "service_people.h"
#include "service_start.h"

#define ASK_TIME     (30 * CLOCK_SECOND)
#define TELL_AGAIN_S 5.0
#define NEWS_MOST    ((size_t)64 * 1024)
#define OUTAGE_TOLD  (-1) /* instead of when it began: that it is over has been said */

/* ---- starting one ---- */

static const char *kind_name(const serve *s, const service *which)
{
    return which == s->history ? "delta" : which == s->channel ? "approval" : outlet_label(s, which);
}

static void on_down(void *state, service *which, const lb_error *why, int failures)
{
    serve *s = state;
    log_error(service_plugin(which), why);
    if (which == s->history)
        supervisor_history_down(s->supervisor, why, failures);
    if (failures == 1 || failures == SERVICE_FAILS ||
        failures % 10 == 0) /* a service that dies in a loop is one piece of news, not a flood */
        supervisor_event(s->supervisor, "service.down", NULL, NULL,
                         LB_ARGS(lb_text("service", kind_name(s, which)), lb_text("plugin", service_plugin(which)),
                                 lb_text("reason", why->message), lb_i64("restarts", failures)));
    text_map_put(&s->outages, kind_name(s, which), clock_monotonic());
}

static void publish_all(serve *s);

static void tell_up(serve *s, const char *label, const service *which, int64_t since)
{
    text_map_put(&s->outages, label, OUTAGE_TOLD);
    supervisor_event(s->supervisor, "service.up", NULL, NULL,
                     LB_ARGS(lb_text("service", label), lb_text("plugin", service_plugin(which)),
                             lb_f64("outage_seconds", (double)(clock_monotonic() - since) / (double)CLOCK_SECOND)));
}

static void on_up(void *state, service *which, wire_reader *greeting)
{
    serve *s = state;
    int64_t since = text_map_get(&s->outages, kind_name(s, which), 0);
    (void)greeting; /* it says nothing */
    if (which == s->channel)
        publish_all(s);
    if (since > 0)
        tell_up(s, kind_name(s, which), which, since);
}

/* False: the manifest has none of that name. *ret_service NULL: it has, but there is no such plugin. */
static bool find_service(const serve *s, const char *label, const service **ret_service)
{
    const service *const fixed[] = {s->history, s->channel, book_service(supervisor_book(s->supervisor))};
    static const char *const labels[] = {"delta", "approval", "state"};
    for (size_t i = 0; i < LB_COUNT(labels); i++)
        if (strcmp(label, labels[i]) == 0)
            return (*ret_service = fixed[i]) != NULL;
    for (const outlet *o = s->outlets; o; o = o->next)
        if (strcmp(o->label, label) == 0) {
            *ret_service = o->service;
            return true;
        }
    return false;
}

void serve_outage_recall(serve *s, const lb_state_doc *doc, struct json_object *alert)
{
    const char *kind = json_get_text(alert, "kind"), *log = json_get_text(alert, "log");
    const service *which = NULL;
    if (!kind || strcmp(kind, "service.down") != 0 || strncmp(doc->key, SERVICE_ALERT, strlen(SERVICE_ALERT)) != 0 ||
        strcmp(log ? log : "", s->log_name) != 0) /* another host's service is not ours to judge */
        return;
    const char *label = doc->key + strlen(SERVICE_ALERT);
    if (text_map_get(&s->outages, label, 0) == OUTAGE_TOLD) {
        text_map_put(&s->outages, label, 0); /* the end is on its way to the alert; by the next look it is there */
        return;
    }
    int64_t now = clock_now(), since = clock_monotonic() - (now - serve_alert_time(alert, "fired_at", now));
    if (!find_service(s, label, &which)) {
        text_map_put(&s->outages, label, OUTAGE_TOLD);
        supervisor_event(s->supervisor, "service.gone", NULL, NULL, LB_ARGS(lb_text("service", label)));
    } else if (which && service_is_up(which)) {
        tell_up(s, label, which, since);
    } else if (!text_map_get(&s->outages, label, 0)) {
        text_map_put(&s->outages, label, since);
    }
}

static int start_service(serve *s, lb_kind kind, const char *fallback,
                         void (*news)(void *state, service *which, wire_reader *r), service **ret_service,
                         lb_error *err)
{
    const service_wish wish = {.manifest = s->manifest,
                               .registry = s->registry,
                               .loop = s->loop,
                               .kind = kind,
                               .fallback = fallback,
                               .log_level = s->options->log_level,
                               .hooks = {.state = s, .up = on_up, .down = on_down, .news = news}};
    return service_start_named(&wish, ret_service, err);
}

/* ---- history ---- */

static void on_history(void *state, service *which, wire_reader *news)
{
    serve *s = state;
    lb_error error;
    (void)which;
    const char *text = wire_get_required(news);
    JSON_AUTO *report = json_parse(text, strlen(text), &error);
    const char *damage = json_get_text(report, "damage");
    int64_t thinned = json_get_i64(report, "thinned_rows", 0);
    struct json_object *trouble = json_get_object(report, "error");
    if (damage)
        log_line(LB_LOG_ERROR, "history", "%lld outbox file(s) were set aside: %s",
                 (long long)json_get_i64(report, "damaged", 0), damage);
    free(s->unwritten);
    s->unwritten = base_strdup(json_get_text(trouble, "message"));
    if (trouble)
        log_line(LB_LOG_WARN, "history", "%s", s->unwritten);
    if (thinned)
        supervisor_event(s->supervisor, "history.thinned", NULL, NULL,
                         LB_ARGS(lb_text("table", "metrics"), lb_i64("rows", thinned),
                                 lb_text("reason", "the outbox was at its limit: history cannot be written")));
    log_line(LB_LOG_DEBUG, "history", "%s", text);
}

static void on_flushed(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    (void)owner;
    desk_call *call = tag;
    char text[128];
    if (error) {
        desk_error(call, error);
        return;
    }
    int64_t files = wire_get_i64(fields), rows = wire_get_i64(fields);
    (void)snprintf(text, sizeof text, "{\"files\":%lld,\"rows\":%lld}", (long long)files, (long long)rows);
    desk_say(call, "result", text);
    desk_end(call, 0);
}

void serve_flush(serve *s, desk_call *call)
{
    lb_error error;
    if (!s->history) {
        (void)lb_fail(&error, LB_ERR_UNSUPPORTED, "name one under [services.delta]", "there is no delta service");
        desk_error(call, &error);
        return;
    }
    if (service_begin(s->history, DELTA_FLUSH, 10 * ASK_TIME, on_flushed, s, call, &error))
        service_end(s->history);
    else
        desk_error(call, &error);
}

/* ---- the channel to people who decide ---- */

/* Something that the channel is to be told; it is told again until it has taken it. */
typedef struct message {
    serve *serve;
    struct message *next;
    char *id, *text;  /* text: the record, or how it was settled */
    int64_t revision; /* 0: it is settled */
    ev_timer again;
} message;

static void free_message_at(message **link)
{
    message *m = *link;
    *link = m->next;
    ev_timer_stop(m->serve->loop, &m->again);
    free(m->id);
    free(m->text);
    free(m);
}

static void free_message(message *m)
{
    message **link = &m->serve->messages;
    while (*link != m)
        link = &(*link)->next;
    free_message_at(link);
}

static void tell(message *m);

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    tell(timer->data);
}

static void on_told(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    serve *s = owner;
    message *m = tag;
    (void)fields;
    if (!error || error->code == LB_ERR_CANCELLED || error->code == LB_ERR_INVALID || s->is_draining) {
        if (error && error->code == LB_ERR_INVALID)
            log_error("approval", error);
        free_message(m); /* what is pending when the daemon starts again is published then */
        return;
    }
    log_line(LB_LOG_WARN, "approval", "%s cannot be told now: %s", m->id, error->message);
    ev_timer_start(s->loop, &m->again);
}

static void tell(message *m)
{
    serve *s = m->serve;
    lb_error error;
    buf *out =
        service_begin(s->channel, m->revision ? APPROVAL_PUBLISH : APPROVAL_SETTLE, ASK_TIME, on_told, s, m, &error);
    if (!out) {
        ev_timer_start(s->loop, &m->again);
        return;
    }
    wire_put_str(out, m->id);
    if (m->revision)
        wire_put_i64(out, m->revision);
    wire_put_str(out, m->text);
    service_end(s->channel);
}

static void tell_channel(serve *s, const char *id, int64_t revision, const char *text)
{
    if (!s->channel)
        return;
    message *m = base_alloc(sizeof *m);
    *m = (message){
        .serve = s, .id = base_strdup(id), .text = base_strdup(text), .revision = revision, .next = s->messages};
    s->messages = m;
    ev_timer_init(&m->again, on_again, TELL_AGAIN_S, 0);
    m->again.data = m;
    tell(m);
}

void serve_publish(void *state, const char *id, const char *record)
{
    lb_error error;
    JSON_AUTO *request = json_parse(record, strlen(record), &error);
    tell_channel(state, id, json_get_i64(request, "revision", 1), record);
}

void serve_settle(void *state, const char *id, const char *record)
{
    lb_error error;
    JSON_AUTO *request = json_parse(record, strlen(record), &error);
    const char *status = json_get_text(request, "status");
    tell_channel(state, id, 0, status ? status : "settled");
}

static void on_pending(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    serve *s = owner;
    lb_state_doc doc;
    (void)tag;
    if (error)
        log_error("approval", error);
    while (docs && state_get_doc(docs, &doc))
        serve_publish(s, doc.key, doc.body);
}

static void publish_all(serve *s)
{
    const lb_state_query q = {.size = sizeof q, .space = APPROVALS_SPACE, .status = "pending"};
    state_list(book_state(supervisor_book(s->supervisor)), &q, on_pending, s, NULL);
}

/* A decision that was known already, or that somebody has overtaken, is no news. */
static void on_decided(void *owner, void *tag, approval_decided decided, const char *record, const lb_error *error)
{
    (void)owner, (void)tag, (void)decided, (void)record;
    if (error && error->code != LB_ERR_CONFLICT && error->code != LB_ERR_NOT_FOUND)
        log_error("approval", error);
}

static void on_decision(void *state, service *which, wire_reader *news)
{
    serve *s = state;
    approval_decision d = {.via = service_plugin(which), .id = wire_get_required(news)};
    d.revision = wire_get_i64(news);
    d.approve = wire_get_bool(news);
    d.name = wire_get_required(news);
    d.reason = wire_get_str(news);
    d.reason = d.reason && *d.reason ? d.reason : "(no reason was given)";
    if (!news->bad && !s->is_draining)
        approvals_decide(supervisor_approvals(s->supervisor), &d, on_decided, s, NULL);
}

/* ---- alerts: a process for each service ---- */

int serve_start_alert(serve *s, const manifest_service *named, service **ret_service, lb_error *err)
{
    const service_wish wish = {.manifest = s->manifest,
                               .registry = s->registry,
                               .loop = s->loop,
                               .kind = LB_KIND_ALERT,
                               .named = named,
                               .log_level = s->options->log_level,
                               .hooks = {.state = s, .up = on_up, .down = on_down}};
    return service_start_named(&wish, ret_service, err);
}

bool serve_send_note(service *to, const lb_alert_note *note, service_answer sent, void *tag)
{
    lb_error error;
    buf *out = service_begin(to, ALERT_SEND, ASK_TIME, sent, NULL, tag, &error);
    if (!out)
        return false;
    people_put_note(out, note);
    service_end(to);
    return true;
}

/* ---- all of them ---- */

int serve_services_start(serve *s, lb_error *err)
{
    int r = start_service(s, LB_KIND_DELTA, "delta_local", on_history, &s->history, err);
    supervisor_use_history(s->supervisor, s->history);
    if (r >= 0)
        r = start_service(s, LB_KIND_APPROVAL, "approval_local", on_decision, &s->channel, err);
    if (r >= 0)
        r = outlets_start(s, err);
    return r;
}

void serve_services_stop(serve *s)
{
    outlets_stop(s);
    s->channel = service_free(s->channel); /* what it was being told is forgotten with it, and ... */
    while (s->messages)
        free_message_at(&s->messages);     /* ... what waited to be told again, too */
    s->history = service_free(s->history); /* whoever waits for an answer is told */
    if (s->supervisor)
        supervisor_use_history(s->supervisor, NULL);
}
