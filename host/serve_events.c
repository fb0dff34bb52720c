/* Subscriptions: which tool runs when something happens. The router reads the durable log; each delivery begins one run
 * under the delivery's key, so that a repeat after a crash finds that it has begun already. */
#include "serve_internal.h"

#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#define KEY_SPACE    "delivered"
#define MOST_PENDING 10000
#define KEEP_KEYS    (INT64_C(7) * 86400 * CLOCK_SECOND)
#define PRUNE_MOST   100000
#define LOCK_AGAIN_S 0.5

/* A delivery whose run goes on. */
typedef struct delivered {
    serve *serve;
    char *subscription;
    uint64_t seq;
} delivered;

static void finish(delivered *d)
{
    if (d->serve->router)
        router_done(d->serve->router, d->subscription, d->seq);
    free(d->subscription);
    free(d);
}

static void on_ended(void *tag, const run_outcome *outcome, const char *document)
{
    (void)document; /* how it ended stands in the book: it is not delivered again */
    delivered *d = tag;
    serve *s = d->serve;
    if (s->is_once) /* the report of a cycle is about the cycle's own runs */
        log_line(LB_LOG_INFO, "router", "event %llu has started %s: %s", (unsigned long long)d->seq,
                 outcome->request->tool, run_status_name(outcome->done.status));
    finish(d);
    if (s->router)
        router_resume(s->router);
}

/* Its key was there: it had begun before a crash. Anything else is worth a line: this event starts nothing. */
static void on_refused(void *tag, const char *run_id, const lb_error *error)
{
    delivered *d = tag;
    (void)run_id;
    if (d->serve->is_draining) { /* it is delivered again by the next daemon */
        free(d->subscription);
        free(d);
        return;
    }
    if (error->code != LB_ERR_CONFLICT)
        log_error("router", error);
    finish(d);
}

static void keep_delivery(serve *s, const router_delivery *delivery, delivered **ret_delivered)
{
    delivered *d = base_alloc(sizeof *d);
    *d = (delivered){.serve = s, .subscription = base_strdup(delivery->subscription), .seq = delivery->event->seq};
    *ret_delivered = d;
}

static router_answer on_delivery(void *state, const router_delivery *delivery, lb_error *err)
{
    static const run_watcher watcher = {.ended = on_ended, .refused = on_refused};
    serve *s = state;
    const event *e = delivery->event;
    char reason[EVENT_KIND_MAX + 64], origin[128];
    delivered *d;
    if (s->is_draining || supervisor_pending(s->supervisor) > MOST_PENDING)
        return ROUTER_LATER;
    const lb_state_op claim = {.verb = LB_STATE_INSERT, .space = KEY_SPACE, .key = delivery->key, .at = clock_now()};
    (void)snprintf(reason, sizeof reason, "event %llu: %s", (unsigned long long)e->seq, e->kind);
    const serve_target *t = serve_find_target(s, e->project, e->branch);
    (void)snprintf(origin, sizeof origin, "{\"event\":%llu,\"depth\":%u}", (unsigned long long)e->seq, e->depth + 1);
    keep_delivery(s, delivery, &d);
    const run_ask ask = {.tool = delivery->tool,
                         .project = e->project,
                         .branch = e->branch,
                         .branch_class = t ? t->branch_class : 0,
                         .args = delivery->args,
                         .arg_count = delivery->arg_count,
                         .actor_kind = GATE_EVENT,
                         .actor = e->tool ? e->tool : "host",
                         .reason = reason,
                         .watch = {&watcher, d},
                         .claims = &claim,
                         .claim_count = 1,
                         .origin = origin,
                         .cause = e->seq,
                         .depth = e->depth + 1};
    if (supervisor_run(s->supervisor, &ask, NULL, err) >= 0)
        return ROUTER_ACCEPTED;
    free(d->subscription);
    free(d);
    return ROUTER_REFUSED;
}

/* ---- cursors ---- */

static void on_saved(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    serve *s = owner;
    (void)tag, (void)failed, (void)version;
    if (!s->router)
        return;
    router_saved(s->router, error);
    event_log *log = chronicle_log(supervisor_chronicle(s->supervisor));
    if (!error && log)
        event_log_passed(log, router_passed(s->router));
}

static void on_save(void *state, const router_cursor *cursors, size_t count)
{
    serve *s = state;
    state_client *client = book_state(supervisor_book(s->supervisor));
    state_begin(client, on_saved, s, NULL);
    for (size_t i = 0; i < count; i++) {
        char body[48];
        (void)snprintf(body, sizeof body, "{\"seq\":%llu}", (unsigned long long)cursors[i].seq);
        state_op(
            client,
            &(lb_state_op){
                .verb = LB_STATE_PUT, .space = CURSOR_SPACE, .key = cursors[i].id, .at = clock_now(), .body = body});
    }
    state_end(client);
    state_prune(client, KEY_SPACE, NULL, clock_now() - KEEP_KEYS, PRUNE_MOST);
}

static int on_emit(void *state, const event *e, lb_error *err)
{
    serve *s = state;
    return chronicle_add(supervisor_chronicle(s->supervisor), e, NULL, err);
}

void serve_events_durable(void *state, uint64_t seq)
{
    serve *s = state;
    if (s->router)
        router_durable(s->router, seq);
}

/* ---- one router for a log of events ---- */

int serve_log_name(const char *state_dir, char into[SERVE_LOG_NAME], lb_error *err)
{
    size_t length;
    LB_AUTO_FREE char *path = base_printf("%s/events/name", state_dir), *known = NULL;
    int r = fs_read(path, ID_TEXT, &known, &length, err);
    if (r >= 0)
        (void)snprintf(into, SERVE_LOG_NAME, "@%s", known); /* it fits */
    return r;
}

/* A name that the log keeps for as long as it lives. */
int serve_name_log(serve *s, lb_error *err)
{
    char id[ID_TEXT];
    const char *state_dir = s->manifest->state_dir;
    LB_AUTO_FREE char *dir = base_printf("%s/events", state_dir), *path = base_printf("%s/name", dir);
    if (!book_is_shared(supervisor_book(s->supervisor)))
        return 0;
    int r = serve_log_name(state_dir, s->log_name, err);
    if (r != LB_ERR_NOT_FOUND)
        return r;
    id_new(id);
    r = fs_make_dirs(dir, err);
    if (r >= 0)
        r = fs_write_durable(path, id, strlen(id), 0600, err);
    return r < 0 ? r : serve_log_name(state_dir, s->log_name, err);
}

bool serve_router_take(serve *s, lb_error *err)
{
    LB_AUTO_FREE char *path = base_printf("%s/router.lock", s->manifest->state_dir);
    if (s->router_lock >= 0)
        return true;
    s->router_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->router_lock < 0) {
        (void)fs_fail(err, errno, "open", path);
        return false;
    }
    if (flock(s->router_lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno != EWOULDBLOCK)
        (void)fs_fail(err, errno, "lock", path);
    serve_router_leave(s);
    return false;
}

void serve_router_leave(serve *s)
{
    base_close(&s->router_lock); /* lets go of the lock */
    s->router_lock = -1;
}

/* ---- subscriptions ---- */

/* A subscription is known by what it says, so that the order in the manifest may change. Where hosts share the state,
 * each with a log of its own, the numbers of one log's events say nothing of another's. */
static const char *id_of(serve *s, const manifest_subscription *sub)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < sub->params.count; i++) {
        const char *const parts[] = {sub->params.items[i].name, "=", sub->params.items[i].text, ";"};
        for (size_t k = 0; k < LB_COUNT(parts); k++)
            for (const char *p = parts[k] ? parts[k] : ""; *p; p++)
                h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
    }
    return arena_printf(&s->subscription_memory, "%s:%s:%08lx%s", sub->event, sub->tool,
                        (unsigned long)(sub->params.count ? h & 0xffffffff : 0), s->log_name);
}

static void fill_subscriptions(serve *s)
{
    const manifest *m = s->manifest;
    s->alerts_id = arena_printf(&s->subscription_memory, SERVE_ALERTS "%s", s->log_name);
    s->subscriptions =
        arena_alloc(&s->subscription_memory, (m->subscription_count + outlet_count(s) + 1) * sizeof *s->subscriptions);
    if (s->subscriptions && s->alerts_id)
        s->subscriptions[s->subscription_count++] = (router_subscription){.id = s->alerts_id,
                                                                          .pattern = "*",
                                                                          .cursor = ROUTER_FROM_NOW,
                                                                          .in_flight = 1,
                                                                          .deliver = serve_on_alertable,
                                                                          .state = s};
    for (size_t i = 0; s->subscriptions && i < outlet_count(s); i++)
        s->subscriptions[s->subscription_count++] = outlet_subscription(s, i);
    for (size_t i = 0; s->subscriptions && i < m->subscription_count; i++) {
        const manifest_subscription *sub = &m->subscriptions[i];
        param_arg *args = arena_alloc(&s->subscription_memory, (sub->params.count + 1) * sizeof *args);
        size_t count = 0;
        for (size_t k = 0; args && k < sub->params.count; k++)
            if (sub->params.items[k].text)
                args[count++] = (param_arg){sub->params.items[k].name, sub->params.items[k].text};
        s->subscriptions[s->subscription_count++] = (router_subscription){.id = id_of(s, sub),
                                                                          .pattern = sub->event,
                                                                          .cursor = ROUTER_FROM_NOW,
                                                                          .tool = sub->tool,
                                                                          .args = args,
                                                                          .arg_count = count};
    }
}

/* What runs have told before there was any router is told by the first one, as long as it is news. */
static void begin_alerts(serve *s)
{
    router_subscription *alerts = s->subscriptions; /* the first */
    s->alertable_from = 0;
    if (s->subscription_count && alerts->cursor == ROUTER_FROM_NOW) {
        alerts->cursor = 0;
        s->alertable_from = clock_now() - SERVE_NEWS;
    }
}

static void on_cursors(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    serve *s = owner;
    lb_state_doc doc;
    lb_error failure;
    (void)tag;
    while (docs && state_get_doc(docs, &doc)) {
        JSON_AUTO *body = json_parse(doc.body, strlen(doc.body), &failure);
        for (size_t i = 0; i < s->subscription_count; i++)
            if (strcmp(s->subscriptions[i].id, doc.key) == 0)
                s->subscriptions[i].cursor = (uint64_t)json_get_i64(body, "seq", 0);
    }
    if (error && error->code != LB_ERR_CANCELLED)
        log_error("router", error);
    if (!error)
        begin_alerts(s);
    s->has_cursors = true;
}

static void open_router(serve *s)
{
    lb_error failure;
    event_log *log = chronicle_log(supervisor_chronicle(s->supervisor));
    if (s->is_draining || !(log || s->is_once) || !s->has_cursors)
        return;
    uint64_t last = log ? event_log_last(log) : s->log_last;
    LB_AUTO_FREE char *dir = base_printf("%s/events", s->manifest->state_dir);
    serve_alerts_resume(s, dir, last);
    const router_options options = {.loop = s->loop,
                                    .dir = dir,
                                    .last = s->is_fresh ? s->fresh_from : last,
                                    .durable = log ? event_log_durable(log) : last,
                                    .hooks = {.state = s, .deliver = on_delivery, .save = on_save, .emit = on_emit},
                                    .depth = (uint32_t)s->manifest->events.chain_limit,
                                    .subscriptions = s->subscriptions,
                                    .subscription_count = s->subscription_count};
    if (router_new(&options, &s->router, &failure) < 0) {
        log_error("router", &failure);
        return;
    }
    s->is_fresh = false;
    if (log)
        event_log_passed(log, router_passed(s->router));
    if (!s->is_once)
        serve_remind_start(s);
    router_flush(s->router); /* where new ones begin, at once: a later start must not take a later place for it */
}

static void on_digests(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    serve *s = owner;
    (void)tag;
    if (error && error->code != LB_ERR_CANCELLED)
        log_error("router", error);
    if (!error)
        outlets_remember(s, docs);
    open_router(s);
    if (s->routed)
        s->routed(s);
}

static void on_lock_again(struct ev_loop *loop, ev_timer *timer, int events)
{
    serve *s = timer->data;
    lb_error error;
    (void)loop, (void)events;
    if (!s->is_draining && serve_events_start(s, &error) < 0)
        log_error("router", &error);
}

/* A cycle or a job brings the events as long as it lasts. */
static int wait_for_lock(serve *s, const lb_error *error)
{
    if (error->code || !s->waits_for_router)
        log_line(error->code ? LB_LOG_ERROR : LB_LOG_INFO, "router", "%s",
                 error->code ? error->message
                             : "a cycle or a job brings events to those who follow them until it ends");
    s->waits_for_router = true;
    ev_timer_init(&s->router_wait, on_lock_again, LOCK_AGAIN_S, 0);
    s->router_wait.data = s;
    ev_timer_start(s->loop, &s->router_wait);
    return 0;
}

int serve_events_start(serve *s, lb_error *err)
{
    lb_error taken = {0};
    if (!serve_router_take(s, &taken))
        return wait_for_lock(s, &taken);
    s->waits_for_router = false;
    const lb_state_query q = {.size = sizeof q, .space = CURSOR_SPACE};
    arena_init(&s->subscription_memory, 0);
    fill_subscriptions(s);
    if (!s->subscriptions)
        return lb_out_of_memory(err);
    const lb_state_query digests = {.size = sizeof digests, .space = OUTLET_SPACE};
    state_list(book_state(supervisor_book(s->supervisor)), &q, on_cursors, s, NULL);
    state_list(book_state(supervisor_book(s->supervisor)), &digests, on_digests, s, NULL);
    return 0;
}

void serve_events_stop(serve *s)
{
    if (s->router)
        router_flush(s->router);
    s->router = router_free(s->router);
    ev_timer_stop(s->loop, &s->router_wait);
    serve_remind_stop(s);
    arena_done(&s->subscription_memory);
    arena_init(&s->subscription_memory, 0);
    s->subscriptions = NULL;
    s->subscription_count = 0;
}
