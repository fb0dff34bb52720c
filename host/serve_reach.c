/* What the state knows of the alert that a note is about. Where hosts share the state, each brings what its own log of
 * events holds, and one that was away finds notes there of alerts that another host has ended meanwhile: nobody is told
 * of those any more, as nothing in that log would ever end them. Within one log the end follows its beginning. */
#include "serve_alerting.h"
#include "serve_outlet.h"

/* A crash between the answer and the cursor has the note sent again, which the service knows, and this written again:
 * the id is the same then. */
void outlet_write_row(const alert_note *n, const char *why)
{
    const outlet *o = n->outlet;
    LB_AUTO_FREE char *id = base_printf("%s%s/%s", n->id, o->serve->log_name, o->named->name);
    const lb_target target = {.project = n->project, .branch = n->branch};
    BUF_AUTO name = BUF_INIT(4096), failed = BUF_INIT((size_t)64 * 1024);
    buf_putc(&name, '[');
    json_string(&name, o->named->name);
    buf_putc(&name, ']');
    buf_putc(&failed, '[');
    json_string(&failed, why);
    buf_putc(&failed, ']');
    supervisor_row(o->serve->supervisor, "alert_history",
                   LB_ARGS(lb_text("alert_id", n->key), lb_time("at", clock_now()),
                           lb_text("state", why ? "delivery_failed" : "delivered"), lb_text("severity", n->severity),
                           lb_text("rule", n->rule), lb_text("title", n->text), lb_time("fired_at", n->fired_at),
                           lb_text("metric_name", n->metric), lb_json("channels_sent", why ? "[]" : buf_text(&name)),
                           lb_json("channels_failed", why ? buf_text(&failed) : "[]"), lb_json("detail", n->document),
                           lb_text("delivery_id", id)),
                   &target);
}

/* ---- is it still so? ---- */

/* An end goes out although the alert is over: it may have been told here. Not where the alert has begun anew: it would
 * end that one, and the end of that one is told here, too. */
static bool is_past(const alert_note *n, const lb_state_doc *doc, struct json_object *alert)
{
    const outlet *o = n->outlet;
    const char *log = json_get_text(alert, "log");
    bool is_open = doc->status && strcmp(doc->status, "open") == 0;
    bool is_same = serve_alert_time(alert, "fired_at", n->fired_at) == n->fired_at;
    if (!log || strcmp(log, o->serve->log_name) == 0)
        return false;
    if (strcmp(n->change, "resolved") == 0)
        return is_open && !is_same && alert_is_for(alert, "told", o->named->name);
    return !is_open || !is_same;
}

static void say_past(const alert_note *n, const lb_state_doc *doc, struct json_object *alert)
{
    char since[CLOCK_TEXT], at[CLOCK_TEXT];
    bool is_open = doc->status && strcmp(doc->status, "open") == 0;
    clock_format(n->fired_at, since);
    clock_format(is_open ? serve_alert_time(alert, "fired_at", doc->at) : doc->at, at);
    log_line(LB_LOG_WARN, "alert",
             "%s, open since %s, is not told to %s any more (%s was not delivered): by another host's log it %s at %s",
             n->key, since, n->outlet->named->name, n->change, is_open ? "was over and has begun anew" : "is over", at);
}

/* Where the state does not answer it is told: late is better than never, and twice, too. */
static void on_known(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    alert_note *n = tag;
    lb_state_doc doc;
    lb_error bad;
    (void)owner;
    n->is_writing = false;
    if (!n->outlet) {
        alert_note_free(n);
        return;
    }
    if (n->outlet->serve->is_draining || (error && error->code == LB_ERR_CANCELLED))
        return; /* the event is delivered again next time */
    bool is_known = !error && state_get_doc(docs, &doc);
    JSON_AUTO *alert = is_known ? json_parse(doc.body, strlen(doc.body), &bad) : NULL;
    bool is_over = alert && is_past(n, &doc, alert);
    if (is_over)
        say_past(n, &doc, alert);
    outlet_go_on(n, is_over);
}

bool outlet_asks(alert_note *n)
{
    serve *s = n->outlet->serve;
    const lb_state_query q = {.size = sizeof q, .space = ALERT_SPACE, .key = n->key};
    if (!*s->log_name || !n->seq)
        return false;
    n->is_writing = true;
    state_list(book_state(supervisor_book(s->supervisor)), &q, on_known, s, n);
    return true;
}
