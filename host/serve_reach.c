/* What the state knows of the alert that a note is about. Where hosts share the state, each brings what its own log of
 * events holds, and one that was away finds notes there of alerts that another host has ended meanwhile: nobody is told
 * of those any more, as nothing in that log would ever end them. Within one log the end follows its beginning. */
#include "serve_alerting.h"
#include "serve_outlet.h"

#include "host_id.h"

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

/* While we were away another host has taken it on us to tell those whom we had not reached. */
static bool is_told_elsewhere(const alert_note *n, struct json_object *alert)
{
    struct json_object *teller = json_get_object(alert, "teller");
    const char *log = json_get_text(teller, "log");
    return log && strcmp(log, n->outlet->serve->log_name) != 0 && n->at < serve_alert_time(teller, "at", INT64_MIN);
}

/* An end goes out although the alert is over: it may have been told here. Not where the alert has begun anew: it would
 * end that one, and the end of that one is told here, too. */
static bool is_past(const alert_note *n, const lb_state_doc *doc, struct json_object *alert)
{
    const outlet *o = n->outlet;
    const char *log = json_get_text(alert, "log");
    bool is_open = doc->status && strcmp(doc->status, "open") == 0;
    bool is_same = serve_alert_time(alert, "fired_at", n->fired_at) == n->fired_at;
    if (is_open && is_same && strcmp(n->change, "resolved") != 0 && is_told_elsewhere(n, alert))
        return true;
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
    bool is_same = serve_alert_time(alert, "fired_at", n->fired_at) == n->fired_at;
    clock_format(n->fired_at, since);
    const char *what = !is_open ? "is over" : is_same ? "is told" : "was over and has begun anew";
    clock_format(!is_open  ? doc->at
                 : is_same ? serve_alert_time(json_get_object(alert, "teller"), "at", doc->at)
                           : serve_alert_time(alert, "fired_at", doc->at),
                 at);
    log_line(LB_LOG_WARN, "alert",
             "%s, open since %s, is not told to %s any more (%s was not delivered): by another host's log it %s at %s",
             n->key, since, n->outlet->named->name, n->change, what, at);
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

/* ---- whom it has reached ---- */

/* A delivery on its way into what is known of the alert. */
typedef struct reaching {
    serve *serve;
    char *key, *name, *level;
    int64_t fired_at;
} reaching;

static void look_up(reaching *r);

static void reaching_free(reaching *r)
{
    free(r->key);
    free(r->name);
    free(r->level);
    free(r);
}

static void on_written(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    reaching *r = tag;
    (void)owner, (void)version;
    if (!error && failed >= 0) {
        look_up(r); /* somebody wrote it at the same time */
        return;
    }
    if (error && error->code != LB_ERR_CANCELLED)
        log_error("alert", error); /* at worst they are told twice */
    reaching_free(r);
}

/* True: a list that lacks the name, and now has it. */
static bool add_name(const reaching *r, struct json_object *alert)
{
    struct json_object *reached = serve_reached(alert);
    const char *level = json_get_text(alert, "severity");
    if (!reached || !level || strcmp(level, r->level) != 0 || serve_alert_time(alert, "fired_at", 0) != r->fired_at ||
        alert_is_for(json_get_object(alert, "teller"), "reached", r->name))
        return false;
    return json_object_array_add(reached, json_object_new_string(r->name)) == 0;
}

static void on_listed(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    reaching *r = tag;
    lb_state_doc doc;
    lb_error bad;
    bool is_open = !error && state_get_doc(docs, &doc) && doc.status && strcmp(doc.status, "open") == 0;
    JSON_AUTO *alert = is_open ? json_parse(doc.body, strlen(doc.body), &bad) : NULL;
    if (error && error->code != LB_ERR_CANCELLED)
        log_error("alert", error); /* as above */
    if (!alert || !add_name(r, alert)) {
        reaching_free(r);
        return;
    }
    state_client *state = book_state(supervisor_book(r->serve->supervisor));
    state_begin(state, on_written, owner, r);
    state_op(state, &(lb_state_op){.verb = LB_STATE_REPLACE,
                                   .space = ALERT_SPACE,
                                   .key = r->key,
                                   .version = doc.version,
                                   .status = doc.status,
                                   .at = doc.at,
                                   .body = json_object_to_json_string_ext(alert, JSON_C_TO_STRING_PLAIN |
                                                                                     JSON_C_TO_STRING_NOSLASHESCAPE)});
    state_end(state);
}

static void look_up(reaching *r)
{
    const lb_state_query q = {.size = sizeof q, .space = ALERT_SPACE, .key = r->key};
    state_list(book_state(supervisor_book(r->serve->supervisor)), &q, on_listed, r->serve, r);
}

void outlet_reaches(const alert_note *n)
{
    if (!*n->outlet->serve->log_name || !n->seq || strcmp(n->change, "resolved") == 0)
        return;
    reaching *r = base_alloc(sizeof *r);
    *r = (reaching){.serve = n->outlet->serve,
                    .key = base_strdup(n->key),
                    .name = base_strdup(n->outlet->named->name),
                    .level = base_strdup(n->severity),
                    .fired_at = n->fired_at};
    look_up(r);
}

/* ---- who tells of it ---- */

struct json_object *serve_reached(struct json_object *alert)
{
    return json_get_list(json_get_object(alert, "teller"), "reached");
}

static bool is_ours(const serve *s, struct json_object *teller)
{
    const char *log = json_get_text(teller, "log");
    return log && strcmp(log, s->log_name) == 0;
}

bool serve_is_overtaken(const alerting *a, struct json_object *alert, int64_t ended_at, bool is_open)
{
    const char *log = json_get_text(alert, "log");
    if (!log || strcmp(log, a->serve->log_name) == 0)
        return false;
    return is_open ? a->resolves && a->at < serve_alert_time(alert, "fired_at", a->at)
                   : !a->resolves && a->at < ended_at;
}

bool serve_takes_over(const alerting *a, struct json_object *alert, bool is_open, bool is_again)
{
    struct json_object *teller = json_get_object(alert, "teller");
    const char *host = json_get_text(teller, "host");
    if (!a->from || !is_open || !host)
        return false;
    return is_again || (!is_ours(a->serve, teller) && strcmp(host, a->from) == 0);
}

/* Who has begun it goes on telling it, until another one says that it got worse, to all, or that host is gone and has
 * left somebody out. */
char *serve_teller(const alerting *a, struct json_object *alert, bool is_open)
{
    serve *s = a->serve;
    struct json_object *before = is_open ? json_get_object(alert, "teller") : NULL;
    struct json_object *reached = before ? serve_reached(alert) : NULL;
    bool is_worse = a->change && strcmp(a->change, "escalated") == 0;
    bool takes = a->takes_over || (before && is_worse && !is_ours(s, before)), is_mine = !before || takes;
    const char *at = json_get_text(before, "at");
    char own[HOST_ID_TEXT], now[CLOCK_TEXT];
    if (!*s->log_name)
        return NULL;
    host_id_own(own);
    clock_format(a->at, now);
    BUF_AUTO b = BUF_INIT((size_t)1024 * 1024);
    buf_putc(&b, '{');
    json_member_string(&b, "log", is_mine ? s->log_name : json_get_text(before, "log"));
    json_member_string(&b, "host", is_mine || is_ours(s, before) ? own : json_get_text(before, "host"));
    if (takes || at)
        json_member_string(&b, "at", takes ? now : at);
    json_member_raw(&b, "reached",
                    reached && !is_worse ? json_object_to_json_string_ext(reached, JSON_C_TO_STRING_PLAIN) : "[]");
    buf_putc(&b, '}');
    return base_strdup(buf_text(&b));
}

static bool is_live(const char *host, const text_map *live)
{
    return text_map_get(live, host, 0) == 1;
}

/* Somebody whom we can tell. */
static bool misses_some(const serve *s, struct json_object *alert)
{
    struct json_object *teller = json_get_object(alert, "teller");
    for (const outlet *o = s->outlets; o; o = o->next)
        if (alert_is_for(alert, "told", o->named->name) && !alert_is_for(teller, "reached", o->named->name))
            return true;
    return false;
}

const char *serve_left_by(const serve *s, struct json_object *alert, const text_map *live)
{
    struct json_object *teller = json_get_object(alert, "teller");
    const char *host = json_get_text(teller, "host"), *project = json_get_text(alert, "project");
    const char *branch = json_get_text(alert, "branch"), *kind = json_get_text(alert, "kind");
    const serve_target *t = project && branch ? serve_find_target(s, project, branch) : NULL;
    bool is_others = s->is_leased && t && !t->is_ours; /* whoever looks there tells it */
    if (kind && strcmp(kind, "service.down") == 0)     /* went with the host that it was of */
        return NULL;
    if (!host || is_ours(s, teller) || is_others || !is_live(s->host, live) || is_live(host, live))
        return NULL;
    return misses_some(s, alert) ? host : NULL;
}
