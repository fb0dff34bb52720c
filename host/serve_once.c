#include "serve_once.h"

#include "event_segment.h"
#include "serve_internal.h"

#define PATIENCE_S 20.0 /* for people and the state, while nothing moves */

struct serve_once {
    serve serve; /* of which only what brings events is used */
    serve_options serve_options;
    serve_once_options options;
    bool is_told;     /* that it is ready */
    bool is_asking;   /* whether all events are */
    bool is_saving;   /* nothing is left but the cursors */
    uint64_t moved;   /* the sum of the cursors when something moved last */
    ev_prepare check; /* looks before the loop waits whether there is anything left */
    ev_timer patience;
};

static void tell_ready(serve_once *o)
{
    if (!o->is_told) {
        o->is_told = true;
        o->options.ready(o->options.state);
    }
}

/* ---- the router ---- */

/* The newest event of the log, whoever wrote it. */
static uint64_t find_last(const serve_once *o)
{
    lb_error error;
    event e;
    uint64_t *firsts = NULL, last = 0;
    size_t count = 0;
    event_reader *reader = NULL;
    LB_AUTO_FREE char *dir = base_printf("%s/events", o->options.manifest->state_dir);
    int r = event_segments(dir, &firsts, &count, &error);
    const event_read_options reading = {.from = count ? firsts[count - 1] : 0, .filter = {.kind = "none"}};
    if (r >= 0 && count) {
        last = firsts[count - 1] - 1; /* a segment may have no event yet */
        r = event_reader_new(dir, &reading, &reader, &error);
    }
    while (reader && (r = event_reader_next(reader, 0, &e, &error)) == LB_ERR_CONFLICT)
        ; /* behind a break it goes on */
    if (r < 0)
        log_error("router", &error);
    if (reader && event_reader_seq(reader) > last)
        last = event_reader_seq(reader);
    reader = event_reader_free(reader);
    free(firsts);
    return last;
}

static void stop_routing(serve_once *o)
{
    serve *s = &o->serve;
    serve_events_stop(s);
    outlets_stop(s);
    serve_alerts_stop(s);
    serve_router_leave(s);
}

/* False: there is nobody to bring events to, or another process does. */
static bool start_routing(serve_once *o)
{
    lb_error error = {0};
    serve *s = &o->serve;
    if (!serve_router_take(s, &error)) {
        if (error.code)
            log_error("router", &error);
        return false;
    }
    if (serve_name_log(s, &error) < 0) {
        log_error("router", &error);
        serve_router_leave(s);
        return false;
    }
    s->log_last = find_last(o); /* after the lock, so that nothing is written between two who look */
    if (outlets_start(s, &error) >= 0 && serve_events_start(s, &error) >= 0)
        return true;
    log_error("router", &error);
    stop_routing(o);
    return false;
}

static void on_routed(serve *s)
{
    serve_once *o = (serve_once *)s; /* ours: it is the first member */
    tell_ready(o);
}

static void on_ready(void *state, const lb_error *error)
{
    serve_once *o = state;
    if (error || !start_routing(o))
        tell_ready(o);
}

static void add_target(void *state, const lb_target *target)
{
    (void)serve_push_target(state, target);
}

/* Which branches there are, and of which class, is what the cycle has listed. */
static void on_run(void *state, const run_outcome *outcome, const char *document)
{
    serve_once *o = state;
    if (strcmp(outcome->request->tool, TARGETS_TOOL) != 0 || outcome->done.status != RUN_OK)
        return;
    serve_clear_targets(&o->serve);
    targets_each(o->options.manifest, document, add_target, &o->serve);
}

static void on_durable(void *state, uint64_t seq)
{
    serve_once *o = state;
    o->serve.log_last = seq > o->serve.log_last ? seq : o->serve.log_last;
    serve_events_durable(&o->serve, o->serve.log_last);
}

/* A daemon has come and holds the log: what is subscribed is its to start. */
static void on_unlogged(void *state)
{
    serve_once *o = state;
    o->serve.is_draining = true;
}

/* ---- is anything left? ---- */

static void finish(serve_once *o)
{
    ev_prepare_stop(o->options.loop, &o->check);
    ev_timer_stop(o->options.loop, &o->patience);
    o->options.over(o->options.state);
}

/* What the router has before it: runs and alerts, or messages on their way to people. */
typedef struct left {
    bool for_us, for_people, unsaved;
    uint64_t moved;
} left;

static left look(const serve_once *o)
{
    const serve *s = &o->serve;
    left l = {.for_us = s->alerting || supervisor_pending(s->supervisor)};
    for (size_t i = 0; i < router_count(s->router); i++) {
        router_status at = router_at(s->router, i);
        bool is_busy = at.behind || at.in_flight, is_outlet = i >= 1 && i <= outlet_count(s);
        l.for_us = l.for_us || (is_busy && !is_outlet);
        l.for_people = l.for_people || (is_busy && is_outlet);
        l.unsaved = l.unsaved || at.cursor != at.saved;
        l.moved += at.cursor;
    }
    return l;
}

/* Events of the host's own are written when somebody waits for them. */
static void on_all_durable(void *owner, void *tag, const lb_error *error)
{
    serve_once *o = owner;
    (void)tag, (void)error;
    o->is_asking = false;
    o->is_saving = true;
    if (!o->serve.router)
        return;
    on_durable(o, find_last(o)); /* what others wrote meanwhile, too */
    router_flush(o->serve.router);
}

/* Whoever found us at it while we looked for the last time has left its events to us: once the lock is let go, others
 * bring theirs themselves. */
static void let_go(serve_once *o)
{
    uint64_t brought = o->serve.log_last;
    stop_routing(o);
    if (o->serve.is_draining || find_last(o) <= brought || !start_routing(o))
        finish(o);
    o->is_saving = false;
}

static void on_check(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    serve_once *o = watcher->data;
    serve *s = &o->serve;
    (void)events;
    if (s->is_draining) {
        finish(o);
        return;
    }
    if (!s->router)
        return;
    const left l = look(o);
    if (l.moved != o->moved || supervisor_pending(s->supervisor)) {
        o->moved = l.moved;
        ev_timer_again(loop, &o->patience);
    }
    if (l.for_us || l.for_people)
        o->is_saving = false;
    if (l.for_us)
        return;
    if (l.for_people) {
        outlets_hurry(s);
    } else if (!o->is_saving && !o->is_asking) {
        o->is_asking = true;
        chronicle_wait(supervisor_chronicle(s->supervisor), on_all_durable, o, NULL);
    } else if (o->is_saving && !l.unsaved) {
        let_go(o);
    }
}

static void on_patience(struct ev_loop *loop, ev_timer *timer, int events)
{
    serve_once *o = timer->data;
    (void)loop, (void)events;
    log_line(LB_LOG_WARN, "router",
             "not all that happened has reached those who follow it: it waits in the log of events for the next cycle, "
             "job or daemon");
    finish(o);
}

/* ---- the request is over ---- */

static void on_flushed(void *owner, void *tag, const lb_error *error)
{
    serve_once *o = owner;
    serve *s = &o->serve;
    (void)tag;
    if (error || s->is_draining || (s->router_lock < 0 && !start_routing(o))) {
        finish(o);
        return;
    }
    on_durable(o, find_last(o));
    ev_prepare_start(o->options.loop, &o->check);
    ev_timer_again(o->options.loop, &o->patience);
}

void serve_once_end(serve_once *o)
{
    if (o->serve.supervisor && supervisor_book(o->serve.supervisor) && o->is_told)
        chronicle_wait(supervisor_chronicle(o->serve.supervisor), on_flushed, o, NULL);
    else
        finish(o);
}

void serve_once_interrupt(serve_once *o)
{
    o->serve.is_draining = true;
}

/* ---- from new to free ---- */

serve_once *serve_once_new(const serve_once_options *options)
{
    serve_once *o = base_alloc(sizeof *o);
    o->options = *options;
    o->serve_options = (serve_options){.log_level = options->log_level};
    o->serve = (serve){.options = &o->serve_options,
                       .loop = options->loop,
                       .manifest = options->manifest,
                       .registry = options->registry,
                       .routed = on_routed,
                       .is_once = true,
                       .lock_fd = -1,
                       .router_lock = -1};
    ev_prepare_init(&o->check, on_check);
    ev_timer_init(&o->patience, on_patience, PATIENCE_S, PATIENCE_S);
    o->check.data = o->patience.data = o;
    return o;
}

supervisor_hooks serve_once_hooks(serve_once *o)
{
    return (supervisor_hooks){
        .state = o, .ready = on_ready, .ended = on_run, .durable = on_durable, .unlogged = on_unlogged};
}

void serve_once_start(serve_once *o, supervisor *s)
{
    o->serve.supervisor = s;
    if (!supervisor_book(s)) /* without a state nobody knows what has been brought */
        tell_ready(o);
}

void serve_once_stop(serve_once *o)
{
    o->serve.is_draining = true;
    ev_prepare_stop(o->options.loop, &o->check);
    ev_timer_stop(o->options.loop, &o->patience);
    if (o->serve.router_lock >= 0)
        serve_events_stop(&o->serve);
    outlets_stop(&o->serve);
}

serve_once *serve_once_free(serve_once *o)
{
    if (!o)
        return NULL;
    serve_alerts_stop(&o->serve);
    serve_router_leave(&o->serve);
    text_map_done(&o->serve.outages);
    serve_clear_targets(&o->serve);
    free(o->serve.targets);
    free(o);
    return NULL;
}
