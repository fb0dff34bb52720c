/* From alerts to people: one outlet for each alert service, with a cursor of its own in the log of events, so that one
 * that is down holds nobody up, and what it has not taken waits on disk. One note after the other is sent; what was
 * sent is known by its id to the service, which leaves out what comes again after a crash.
 *
 * Past a number of messages in a span the rest waits and becomes one message, a digest. What is in it stands in the
 * state before it is sent, so that after a crash it is the same one, and none of it is told twice. */
#include "serve_outlet.h"

#include <signal.h>

#define AGAIN_S      5.0
#define SUBSCRIPTION "host:alert:"
#define MOST_HELD    1000 /* for one digest; what is more waits in the log */

typedef struct alert_note note;

static void send_note(note *n);
static void arm_digest(outlet *o);

/* ---- notes ---- */

/* The outlet is free for the next one. */
static void let_go(note *n)
{
    outlet *o = n->outlet;
    ev_timer_stop(o->serve->loop, &o->again);
    o->sending = NULL;
    o->tries = 0;
    if (n->seq)
        outlet_done(o, n->seq);
    for (size_t i = 0; !n->seq && i < o->folded_count; i++)
        outlet_done(o, o->folded[i]);
    alert_note_free(n);
    if (o->held.count && !o->serve->is_draining)
        arm_digest(o);
    if (o->serve->router)
        router_resume(o->serve->router);
}

/* ---- the last digest, in the state ---- */

static void on_written(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    note *n = tag;
    (void)owner, (void)failed, (void)version; /* a PUT fails with an error alone */
    if (!n)
        return;
    n->is_writing = false;
    if (!n->outlet)
        alert_note_free(n);
    else if (!error || error->code != LB_ERR_CANCELLED)
        send_note(n);
}

/* By its name, and the name of the log that its events are of. */
static const char *memory_of(const outlet *o)
{
    return o->subscription + strlen(SUBSCRIPTION);
}

/* n: it is sent once that is durable; NULL: it has been. */
static void keep_digest(const outlet *o, const note *n, note *waits, const char *status)
{
    state_client *state = book_state(supervisor_book(o->serve->supervisor));
    BUF_AUTO body = BUF_INIT((size_t)4 * 1024 * 1024);
    buf_putc(&body, '{');
    json_member_string(&body, "id", n->id);
    json_member_string(&body, "key", n->key);
    json_member_string(&body, "severity", n->severity);
    json_member_string(&body, "text", n->text);
    json_member_raw(&body, "document", n->document);
    json_key(&body, "at");
    json_time(&body, n->at);
    json_key(&body, "events");
    buf_putc(&body, '[');
    for (size_t i = 0; i < o->folded_count; i++)
        buf_printf(&body, "%s%llu", i ? "," : "", (unsigned long long)o->folded[i]);
    buf_puts(&body, "]}");
    state_begin(state, on_written, o->serve, waits);
    state_op(state, &(lb_state_op){.verb = LB_STATE_PUT,
                                   .space = OUTLET_SPACE,
                                   .key = memory_of(o),
                                   .status = status,
                                   .at = n->at,
                                   .body = buf_text(&body)});
    state_end(state);
}

/* ---- sending ---- */

static void try_later(note *n, int64_t wait_us, const char *why)
{
    outlet *o = n->outlet;
    double wait = AGAIN_S, most = o->named->retry_most_s;
    for (int i = 0; i < o->tries && wait < most; i++)
        wait *= 2;
    o->tries++;
    if (wait_us > 0)
        wait = (double)wait_us / (double)CLOCK_SECOND;
    log_line(LB_LOG_WARN, "alert", "%s is not delivered yet to %s: %s", n->key, o->named->name, why);
    second_fails(o);
    ev_timer_set(&o->again, wait < most ? wait : most, 0);
    ev_timer_start(o->serve->loop, &o->again);
}

static void note_sent(outlet *o)
{
    size_t most = (size_t)o->named->digest_above;
    if (!most)
        return;
    if (o->sent_count == most)
        memmove(o->sent, o->sent + 1, --o->sent_count * sizeof *o->sent);
    o->sent[o->sent_count++] = clock_monotonic();
}

static void end_note(note *n, const char *why)
{
    outlet_write_row(n, why);
    if (!why)
        outlet_reaches(n);
    second_ends(n->outlet, n, why);
    if (!n->seq)
        keep_digest(n->outlet, n, NULL, "sent");
    let_go(n);
}

/* A process that somebody asked to end takes nothing any more, for as long as it lives. Not at once: whoever stops the
 * daemon may have asked both, and this one is the first to answer. */
static void replace_process(const outlet *o)
{
    pid_t pid = service_pid(o->service);
    if (o->tries && pid)
        (void)kill(pid, SIGKILL); /* what is left of it is seen by whoever watches it, and started again */
}

static void on_sent(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    note *n = tag;
    (void)owner;
    if (error && error->code == LB_ERR_INVALID) {
        end_note(n, error->message);
        return;
    }
    if (error) {
        if (n->outlet->is_over || n->outlet->serve->is_draining)
            return; /* the event is delivered again next time */
        if (error->code == LB_ERR_CANCELLED)
            replace_process(n->outlet);
        try_later(n, 0, error->message);
        return;
    }
    uint32_t outcome = wire_get_u32(fields);
    int64_t wait = wire_get_i64(fields);
    const char *why = wire_get_required(fields);
    if (outcome == LB_ALERT_LATER)
        try_later(n, wait, why);
    else
        end_note(n, outcome == LB_ALERT_DELIVERED ? NULL : why);
}

static void send_note(note *n)
{
    outlet *o = n->outlet;
    const lb_alert_note told = {.size = sizeof told,
                                .id = n->id,
                                .key = n->key,
                                .change = n->change,
                                .severity = n->severity,
                                .text = n->text,
                                .document = n->document,
                                .at = n->at};
    if (!o->service)
        end_note(n, "there is no such plugin");
    else if (!serve_send_note(o->service, &told, on_sent, n))
        try_later(n, 0, "too much waits for the alert service");
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
    outlet *o = timer->data;
    (void)loop, (void)events;
    if (!o->serve->is_draining && o->sending && !outlet_asks(o->sending))
        send_note(o->sending);
}

/* ---- a digest ---- */

/* How long until there is room for one more message; 0: there is. */
static int64_t wait_for_room(const outlet *o)
{
    int64_t span = o->named->digest_s * CLOCK_SECOND;
    size_t most = (size_t)o->named->digest_above;
    int64_t left = most && o->sent_count == most ? o->sent[0] + span - clock_monotonic() : 0;
    return left > 0 ? left : 0;
}

/* One that is full does not wait for room: nothing would get past it, not even the worst. */
static void arm_digest(outlet *o)
{
    bool is_next = o->is_due || o->held.count >= MOST_HELD;
    if (is_next)
        ev_timer_stop(o->serve->loop, &o->due);
    if (ev_is_active(&o->due))
        return;
    ev_timer_set(&o->due, is_next ? 0 : (double)wait_for_room(o) / (double)CLOCK_SECOND, 0);
    ev_timer_start(o->serve->loop, &o->due);
}

static void begin_note(outlet *o, note *n)
{
    n->outlet = o;
    o->sending = n;
    o->tries = 0;
}

/* Each is one of its own: nothing ever ends it, and what takes notes of one key together would swallow the next. */
static char *digest_key(const outlet *o)
{
    uint64_t last = o->folded_count ? o->folded[o->folded_count - 1] : 0;
    return base_printf("digest/%s/%llu", o->named->name, (unsigned long long)last);
}

static void send_digest(outlet *o)
{
    note *n = base_alloc(sizeof *n);
    BUF_AUTO text = BUF_INIT((size_t)64 * 1024);
    BUF_AUTO document = BUF_INIT((size_t)1024 * 1024);
    const char *severity = alert_digest_put(&o->held, o->named->digest_above, o->named->digest_s, &text, &document);
    free(o->folded);
    o->folded = base_alloc((o->held.count + 1) * sizeof *o->folded);
    o->folded_count = o->held.count;
    for (size_t i = 0; i < o->held.count; i++)
        o->folded[i] = o->held.items[i].seq;
    *n = (note){.id = base_printf("digest-%llu", (unsigned long long)o->folded[o->folded_count - 1]),
                .key = digest_key(o),
                .change = base_strdup("opened"),
                .severity = base_strdup(severity),
                .text = base_strdup(buf_text(&text)),
                .document = base_strdup(buf_text(&document)),
                .rule = base_strdup("alert.digest"),
                .at = clock_now(),
                .fired_at = o->held.items[0].at};
    alert_digest_done(&o->held);
    o->is_due = false;
    begin_note(o, n);
    note_sent(o);
    n->is_writing = true;
    keep_digest(o, n, n, "made");
}

static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
    outlet *o = timer->data;
    (void)loop, (void)events;
    if (o->serve->is_draining || !o->held.count)
        return;
    o->is_due = true;
    if (!o->sending) /* else it is armed again once that is gone */
        send_digest(o);
}

/* ---- what comes from the log ---- */

bool outlet_has_folded(const outlet *o, uint64_t seq)
{
    for (size_t i = 0; i < o->folded_count; i++)
        if (o->folded[i] == seq)
            return true;
    return false;
}

static bool is_spared(const outlet *o, const note *n)
{
    return strcmp(n->change, "resolved") == 0 || strcmp(n->change, "acknowledged") == 0 ||
           (strcmp(n->severity, "critical") == 0 && !o->named->digest_critical);
}

static void hold(outlet *o, const note *n)
{
    LB_AUTO_FREE char *where =
        n->project ? base_printf("%s%s%s", n->project, n->branch ? "/" : "", n->branch ? n->branch : "") : NULL;
    alert_digest_add(&o->held, &(alert_digest_item){.seq = n->seq,
                                                    .key = n->key,
                                                    .what = n->metric ? n->metric : n->rule,
                                                    .where = where,
                                                    .text = n->text,
                                                    .severity = n->severity,
                                                    .is_end = strcmp(n->change, "resolved") == 0,
                                                    .is_told = strcmp(n->change, "opened") != 0,
                                                    .at = n->fired_at});
    arm_digest(o);
}

/* What opened while it was held, was not told alone meanwhile and is over: nobody knows of it, and its end goes with
 * it. All other ends go out: an incident that was opened somewhere has to be closed. */
static bool is_held(outlet *o, const note *n)
{
    bool is_end = strcmp(n->change, "resolved") == 0 && alert_digest_end(&o->held, n->key);
    bool is_one = !is_end && !is_spared(o, n) && o->named->digest_above && (o->held.count || wait_for_room(o));
    if (is_end || is_one)
        hold(o, n);
    return is_end || is_one;
}

bool outlet_is_free(const outlet *o)
{
    return !o->serve->is_draining && !o->sending && !o->is_due && o->held.count < MOST_HELD;
}

/* It waits for the digest, and the outlet is free. */
static void put_by(outlet *o, note *n)
{
    o->sending = NULL;
    alert_note_free(n);
    arm_digest(o);
    if (o->serve->router)
        router_resume(o->serve->router);
}

void outlet_go_on(note *n, bool is_over)
{
    outlet *o = n->outlet;
    if (is_over) {
        let_go(n);
    } else if (n->is_tried) {
        send_note(n);
    } else if (is_held(o, n)) {
        put_by(o, n);
    } else {
        n->is_tried = true;
        alert_digest_tell(&o->held, n->key);
        note_sent(o);
        send_note(n);
    }
}

void outlet_take(outlet *o, note *n)
{
    begin_note(o, n);
    if (!outlet_asks(n))
        outlet_go_on(n, false);
}

static router_answer on_step(void *state, const router_delivery *delivery, lb_error *err)
{
    outlet *o = state;
    const event *e = delivery->event;
    JSON_AUTO *payload = json_parse(e->payload, strlen(e->payload), err);
    if (!alert_is_for(payload, "to", o->named->name) || json_get_i64(payload, "event", 0) <= 0)
        return ROUTER_DONE;
    if (!outlet_is_free(o))
        return ROUTER_LATER;
    bool is_reminder = strcmp(e->kind, "alert.reminded") == 0 && !json_get_bool(payload, "taken_over");
    bool is_aside = is_reminder || strcmp(e->kind, "alert.treated") == 0; /* what was done goes with the end, too */
    if (outlet_has_folded(o, e->seq) || (is_aside && (o->held.count || wait_for_room(o)))) /* not into a flood */
        return ROUTER_DONE;
    outlet_take(o, alert_note_of(e, payload, o->named->name));
    return ROUTER_ACCEPTED;
}

/* Those of the services first: what they have done is known when their seconds are asked. */
router_subscription outlet_subscription(serve *s, size_t index)
{
    outlet *o = s->outlets;
    for (; o && index; index--)
        o = o->next;
    if (!o)
        return second_subscription(s, index);
    return (router_subscription){.id = o->subscription,
                                 .pattern = "alert.*",
                                 .cursor = ROUTER_FROM_NOW,
                                 .in_flight = MOST_HELD + 1,
                                 .deliver = on_step,
                                 .state = o};
}

/* ---- after a start: the last digest ---- */

static void remember(outlet *o, const lb_state_doc *doc)
{
    lb_error err;
    JSON_AUTO *body = json_parse(doc->body, strlen(doc->body), &err);
    struct json_object *events = json_get_list(body, "events");
    size_t count = events ? json_object_array_length(events) : 0;
    free(o->folded);
    o->folded = base_alloc((count + 1) * sizeof *o->folded);
    o->folded_count = count;
    for (size_t i = 0; i < count; i++)
        o->folded[i] = (uint64_t)json_object_get_int64(json_object_array_get_idx(events, i));
    if (!doc->status || strcmp(doc->status, "made") != 0 || o->sending)
        return;
    note *n = alert_note_kept(body, digest_key(o), doc->at);
    begin_note(o, n);
    ev_timer_start(o->serve->loop, &o->next_turn); /* when the router is there */
}

void outlets_remember(serve *s, wire_reader *docs)
{
    lb_state_doc doc;
    while (state_get_doc(docs, &doc))
        for (outlet *o = s->outlets; o; o = o->next)
            if (strcmp(memory_of(o), doc.key) == 0)
                remember(o, &doc);
            else
                second_remember(o, &doc);
}

/* ---- all of them ---- */

static int start_outlet(serve *s, const manifest_service *named, outlet **link, lb_error *err)
{
    outlet *o = base_alloc(sizeof *o);
    bool is_single = strcmp(named->name, MANIFEST_ALERT) == 0;
    *o = (outlet){.serve = s,
                  .named = named,
                  .label = is_single ? base_strdup("alert") : base_printf("alert.%s", named->name),
                  .subscription = base_printf(SUBSCRIPTION "%s%s", named->name, s->log_name),
                  .sent = base_alloc(((size_t)named->digest_above + 1) * sizeof *o->sent)};
    ev_timer_init(&o->again, on_again, 0, 0);
    ev_timer_init(&o->due, on_due, 0, 0);
    ev_timer_init(&o->next_turn, on_again, 0, 0);
    o->again.data = o->due.data = o->next_turn.data = o;
    *link = o;
    return serve_start_alert(s, named, &o->service, err);
}

int outlets_start(serve *s, lb_error *err)
{
    outlet **link = &s->outlets;
    int r = alert_routes_new(s->manifest, &s->routes, err);
    for (size_t i = 0; i < s->manifest->service_count && r >= 0; i++) {
        if (s->manifest->services[i].kind != LB_KIND_ALERT)
            continue;
        r = start_outlet(s, &s->manifest->services[i], link, err);
        link = &(*link)->next;
    }
    for (outlet *o = s->outlets; o; o = o->next)
        second_start(o);
    return r;
}

static void stop_outlet(outlet *o)
{
    ev_timer_stop(o->serve->loop, &o->again);
    ev_timer_stop(o->serve->loop, &o->due);
    ev_timer_stop(o->serve->loop, &o->next_turn);
    o->is_over = true;
    o->service = service_free(o->service); /* whoever waits for an answer is told */
    if (o->sending && o->sending->is_writing)
        o->sending->outlet = NULL; /* the state's answer frees it */
    else if (o->sending)
        alert_note_free(o->sending);
    o->second = second_free(o->second);
    alert_digest_done(&o->held);
    free(o->sent);
    free(o->folded);
    free(o->label);
    free(o->subscription);
    free(o);
}

void outlets_stop(serve *s)
{
    for (outlet *o = s->outlets, *next; o; o = next) {
        next = o->next;
        stop_outlet(o);
    }
    s->outlets = NULL;
    s->routes = alert_routes_free(s->routes);
}

void outlets_hurry(serve *s)
{
    for (outlet *o = s->outlets; o; o = o->next)
        if (o->held.count && !o->sending)
            ev_feed_event(s->loop, &o->due, EV_TIMER);
}

size_t outlet_count(const serve *s)
{
    size_t count = 0;
    for (const outlet *o = s->outlets; o; o = o->next)
        count += o->second ? 2 : 1;
    return count;
}

const char *outlet_label(const serve *s, const service *which)
{
    for (const outlet *o = s->outlets; o; o = o->next)
        if (o->service == which)
            return o->label;
    return "alert"; /* one that is being started */
}

void outlets_show(const serve *s, buf *b, void (*show)(buf *b, const char *label, const service *which, size_t held))
{
    for (const outlet *o = s->outlets; o; o = o->next)
        show(b, o->named->name, o->service, o->held.count + (o->sending != NULL));
}
