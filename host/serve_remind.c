/* When people are reminded of an alert that is still open. Most are seen again and again, and the event that says so is
 * the occasion. Of a service that is down, a tool that is suspended or a target that nobody can see the event comes
 * once: these are looked through from time to time, and one that is due becomes an event of its own (reminder.due). */
#include "serve_alerting.h"

#include "host_id.h"

#include <math.h>

#define SLACK_S 60.0 /* an alert may be said again so much sooner */
#define LOOK_S  60.0 /* between two looks at what nobody says again; less where people are to be reminded sooner */

int64_t serve_alert_time(struct json_object *alert, const char *name, int64_t fallback)
{
    const char *text = json_get_text(alert, name);
    int64_t at = fallback;
    if (text)
        (void)clock_parse(text, &at); /* ours: it parses */
    return at;
}

/* Somebody has taken it on, and the time that they have asked for is not over. */
static bool is_in_hand(struct json_object *alert, int64_t at)
{
    struct json_object *by = json_get_object(alert, "acknowledged");
    return by && serve_alert_time(by, "until", INT64_MAX) > at;
}

static bool is_same(struct json_object *a, struct json_object *b, const char *name)
{
    const char *one = json_get_text(a, name), *other = json_get_text(b, name);
    return one && other ? strcmp(one, other) == 0 : one == other;
}

bool serve_is_known_word(const alerting *a, struct json_object *before)
{
    lb_error bad;
    struct json_object *known = json_get_object(before, "acknowledged");
    JSON_AUTO *word = json_parse(a->acknowledged, strlen(a->acknowledged), &bad);
    return known && is_same(word, known, "by") && is_same(word, known, "because") && is_same(word, known, "until");
}

static double wait_for(const serve *s, severity level)
{
    const manifest_reminders *r = &s->manifest->alerts;
    return level == SEVERITY_CRITICAL ? r->remind_critical_s : level == SEVERITY_WARNING ? r->remind_warning_s : 0;
}

bool serve_remind_due(const serve *s, struct json_object *alert, severity level, double remind_s, int64_t at)
{
    double wait = isnan(remind_s) ? wait_for(s, level) : remind_s;
    double slack = wait / 10 < SLACK_S ? wait / 10 : SLACK_S;
    int64_t told = serve_alert_time(alert, "told_at", serve_alert_time(alert, "fired_at", at));
    return wait > 0 && !is_in_hand(alert, at) && (double)(at - told) >= (wait - slack) * (double)CLOCK_SECOND;
}

char *serve_remind_line(const alerting *a)
{
    char since[CLOCK_TEXT];
    LB_AUTO_FREE char *often =
        a->count > 1 ? base_printf(", reported %lld times", (long long)a->count) : base_strdup("");
    clock_format(a->fired_at, since);
    return base_printf("reminder %lld, open since %.10s %.8s UTC%s: %s", (long long)a->reminders, since, since + 11,
                       often, a->text ? a->text : a->key);
}

/* ---- what nobody says again ---- */

static bool comes_once(const char *kind)
{
    static const char *const kinds[] = {"service.down", "tool.suspended", "target.unseen"};
    for (size_t i = 0; kind && i < LB_COUNT(kinds); i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

/* from: the host that has left it to us; or NULL. */
static int put_due(serve *s, const lb_state_doc *doc, struct json_object *alert, const char *from, lb_error *err)
{
    BUF_AUTO payload = BUF_INIT(EVENT_PAYLOAD);
    buf_putc(&payload, '{');
    json_member_string(&payload, "alert_id", doc->key);
    if (from)
        json_member_string(&payload, "from", from);
    buf_putc(&payload, '}');
    const event e = {.kind = "reminder.due",
                     .project = json_get_text(alert, "project"),
                     .branch = json_get_text(alert, "branch"),
                     .payload = buf_text(&payload)};
    return chronicle_add(supervisor_chronicle(s->supervisor), &e, NULL, err);
}

/* An alert that is due for two events is told once: the second finds that it has just been. */
static void look_through(serve *s, wire_reader *docs)
{
    lb_state_doc doc;
    lb_error failure;
    while (state_get_doc(docs, &doc)) {
        JSON_AUTO *alert = json_parse(doc.body, strlen(doc.body), &failure);
        severity level = serve_severity(json_get_text(alert, "severity"));
        serve_outage_recall(s, &doc, alert);
        const char *from = serve_left_by(s, alert, &s->live);
        bool is_due = comes_once(json_get_text(alert, "kind")) && serve_remind_due(s, alert, level, NAN, clock_now());
        if (!from && !is_due)
            continue;
        int r = put_due(s, &doc, alert, from, &failure);
        if (r == LB_ERR_LIMIT)
            return; /* the log has no room now: the next look finds it */
        if (r < 0)
            log_error("alert", &failure);
    }
}

/* By the manifest as it is now, which may say something else than at the last look. */
static void arm(serve *s)
{
    double wait = LOOK_S, least[] = {wait_for(s, SEVERITY_CRITICAL), wait_for(s, SEVERITY_WARNING)};
    for (size_t i = 0; i < LB_COUNT(least); i++)
        wait = least[i] > 0 && least[i] < wait ? least[i] : wait;
    ev_timer_stop(s->loop, &s->reminder); /* a new router may have set it while we asked for the one before */
    ev_timer_set(&s->reminder, wait, 0);
    ev_timer_start(s->loop, &s->reminder);
}

/* Only now is the next look set, so that none pile up while the state is away. */
static void on_open(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    serve *s = owner;
    (void)tag;
    if (!s->router || s->is_draining)
        return;
    if (!error)
        look_through(s, docs);
    arm(s);
}

static void on_hosts(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    serve *s = owner;
    lb_state_doc doc;
    (void)tag;
    if (!s->router)
        return;
    text_map_done(&s->live);
    while (!error && state_get_doc(docs, &doc))
        if (doc.left_us > 0 && host_id_life(doc.key) != HOST_DEAD)
            text_map_put(&s->live, doc.key, 1);
    if (!error || error->code != LB_ERR_CANCELLED)
        serve_gone_find(s, on_open, NULL);
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    serve *s = timer->data;
    (void)loop, (void)events;
    const lb_state_query q = {.size = sizeof q, .space = BOOK_HOSTS};
    if (s->is_draining)
        return;
    if (*s->log_name)
        state_list(book_state(supervisor_book(s->supervisor)), &q, on_hosts, s, NULL);
    else
        serve_gone_find(s, on_open, NULL);
}

void serve_remind_start(serve *s)
{
    ev_timer_stop(s->loop, &s->reminder); /* the router may be opened anew while it runs */
    ev_timer_init(&s->reminder, on_time, 0, 0);
    s->reminder.data = s;
    ev_timer_start(s->loop, &s->reminder);
}

void serve_remind_stop(serve *s)
{
    ev_timer_stop(s->loop, &s->reminder);
    text_map_done(&s->live);
}
