/* What only a daemon is asked: how it stands, how much it logs, and to read its manifest again. */
#include "serve_internal.h"

static void put_time(buf *b, const char *name, int64_t at)
{
    json_key(b, name);
    if (at == SCHED_NONE)
        buf_puts(b, "null");
    else
        json_time(b, at);
}

static void put_entry(void *state, const sched_status *e)
{
    buf *b = state;
    json_comma(b);
    buf_putc(b, '{');
    json_member_string(b, "key", e->key);
    json_member_string(b, "state", sched_reason_name(e->reason));
    put_time(b, "next_at", e->next_at);
    put_time(b, "last_started_at", e->last_started_at);
    json_member_string(b, "last_outcome", sched_outcome_name(e->last_outcome));
    json_member_i64(b, "failures", e->failures);
    json_member_string(b, "why", e->why);
    json_member_string(b, "window", e->window);
    json_member_i64(b, "starts", (int64_t)e->starts);
    json_member_i64(b, "missed", (int64_t)e->missed);
    buf_putc(b, '}');
}

static void put_subscriptions(const serve *s, buf *b)
{
    json_key(b, "subscriptions");
    buf_putc(b, '[');
    for (size_t i = 0; s->router && i < router_count(s->router); i++) {
        router_status r = router_at(s->router, i);
        json_comma(b);
        buf_putc(b, '{');
        json_member_string(b, "id", r.id);
        json_member_i64(b, "cursor", (int64_t)r.cursor);
        json_member_i64(b, "behind", (int64_t)r.behind);
        json_member_i64(b, "in_flight", r.in_flight);
        json_member_bool(b, "waits", r.waits);
        json_member_i64(b, "delivered", (int64_t)r.delivered);
        json_member_i64(b, "refused", (int64_t)r.refused);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

static void put_totals(const serve *s, buf *b)
{
    sched_totals t = {0};
    if (s->sched)
        sched_count(s->sched, &t);
    json_key(b, "schedule");
    buf_putc(b, '{');
    json_member_i64(b, "entries", (int64_t)t.entries);
    json_member_i64(b, "running", (int64_t)t.running);
    json_member_i64(b, "waiting", (int64_t)t.waiting);
    json_member_i64(b, "backing_off", (int64_t)t.backing_off);
    json_member_i64(b, "targets_down", (int64_t)t.targets_down);
    json_member_i64(b, "starts", (int64_t)t.starts);
    json_member_i64(b, "missed", (int64_t)t.missed);
    json_key(b, "latest_start_ms");
    buf_printf(b, "%.3f", (double)t.latest_start / 1000);
    buf_putc(b, '}');
}

/* troubled: what the service itself does not know of; or NULL. */
static void put_named(buf *b, const char *kind, const char *name, const service *which, size_t held,
                      const char *troubled)
{
    if (!which)
        return;
    const lb_error *trouble = service_trouble(which);
    json_comma(b);
    buf_putc(b, '{');
    json_member_string(b, "kind", kind);
    if (name)
        json_member_string(b, "name", name);
    json_member_string(b, "plugin", service_plugin(which));
    json_member_bool(b, "up", service_is_up(which));
    json_member_i64(b, "pid", service_pid(which));
    json_member_i64(b, "waiting", (int64_t)(service_waiting(which) + held));
    json_member_string(b, "trouble", trouble->code ? trouble->message : troubled);
    buf_putc(b, '}');
}

static void put_service(buf *b, const char *kind, const service *which)
{
    put_named(b, kind, NULL, which, 0, NULL);
}

static void put_alert(buf *b, const char *name, const service *which, size_t held)
{
    put_named(b, "alert", name, which, held, NULL);
}

static void put_services(const serve *s, buf *b)
{
    json_key(b, "services");
    buf_putc(b, '[');
    put_service(b, "state", book_service(supervisor_book(s->supervisor)));
    put_named(b, "delta", NULL, s->history, 0, s->unwritten);
    put_service(b, "approval", s->channel);
    outlets_show(s, b, put_alert);
    buf_putc(b, ']');
}

/* Targets that this host acts on; all of them where nobody shares the state. */
static int64_t count_leased(const serve *s)
{
    int64_t count = 0;
    for (size_t i = 0; i < s->target_count; i++)
        count += !s->is_leased || s->targets[i].is_ours;
    return count;
}

static void answer_status(const serve *s, bool with_entries, desk_call *call)
{
    BUF_AUTO b = BUF_INIT((size_t)32 * 1024 * 1024);
    event_log *log = chronicle_log(supervisor_chronicle(s->supervisor));
    buf_putc(&b, '{');
    json_member_string(&b, "workspace", s->manifest->name);
    json_member_string(&b, "host", s->host);
    json_member_string(&b, "version", s->options->version);
    json_member_i64(&b, "pid", getpid());
    put_time(&b, "since", s->started_at);
    json_member_string(&b, "state", s->is_draining ? "draining" : s->is_ready ? "ready" : "starting");
    json_member_i64(&b, "pending", (int64_t)supervisor_pending(s->supervisor));
    json_member_i64(&b, "workers", (int64_t)pool_ready(supervisor_pool(s->supervisor)));
    json_member_i64(&b, "events", log ? (int64_t)event_log_durable(log) : 0);
    json_member_i64(&b, "targets", (int64_t)s->target_count);
    json_member_i64(&b, "leased", count_leased(s));
    put_totals(s, &b);
    put_subscriptions(s, &b);
    put_services(s, &b);
    if (with_entries && s->sched) {
        const sched_time now = {.wall = clock_now(), .monotonic = clock_monotonic()};
        json_key(&b, "entries");
        buf_putc(&b, '[');
        sched_each(s->sched, now, put_entry, &b);
        buf_putc(&b, ']');
    }
    buf_putc(&b, '}');
    desk_say(call, "result", buf_text(&b));
    desk_end(call, 0);
}

static void set_level(struct json_object *request, desk_call *call)
{
    const char *component = json_get_text(request, "component"), *name = json_get_text(request, "level");
    lb_level level;
    lb_error error;
    if (!name || !log_level_parse(name, &level)) {
        (void)lb_fail(&error, LB_ERR_INVALID, "error, warn, info or debug", "%.40s is no log level",
                      name ? name : "that");
        desk_error(call, &error);
        return;
    }
    log_set_level(component, level);
    desk_end(call, 0);
}

bool serve_ask(void *state, const char *verb, struct json_object *request, desk_call *call)
{
    serve *s = state;
    lb_error error;
    if (strcmp(verb, "status") == 0) {
        answer_status(s, json_get_bool(request, "entries"), call);
    } else if (strcmp(verb, "flush") == 0) {
        serve_flush(s, call);
    } else if (strcmp(verb, "log") == 0) {
        set_level(request, call);
    } else if (strcmp(verb, "reload") == 0) {
        if (serve_reload(s)) {
            desk_end(call, 0);
        } else {
            (void)lb_fail(&error, LB_ERR_CONFLICT, "try again in a moment", "the manifest is being read already");
            desk_error(call, &error);
        }
    } else if (strcmp(verb, "stop") == 0) {
        desk_end(call, 0);
        serve_stop(s, "asked to over the control socket");
    } else {
        return false;
    }
    return true;
}
