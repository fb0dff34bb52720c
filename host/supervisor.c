/* The supervisor's life: its parts put together, and taken apart. */
#include "supervisor_internal.h"

#include "fs.h"
#include "json.h"
#include "log.h"
#include "outbox.h"
#include "service_state.h"

#define DRAIN_S     3.0 /* for ends that are not written down yet when we go */
#define LISTEN_S    5.0 /* to what people have said to other hosts */
#define EVENT_BYTES ((size_t)256 * 1024)

/* ---- what the parts tell ---- */

static void on_log(void *state, const run_request *request, lb_level level, const char *tool, const char *text)
{
    const supervisor *s = state;
    const run_watch *watch = &((const running *)(uintptr_t)request)->watch; /* ours: the request is its first member */
    if (s->hooks.log)
        s->hooks.log(s->hooks.state, request, level, tool, text);
    if (watch->watcher && watch->watcher->log)
        watch->watcher->log(watch->tag, level, tool, text);
}

static void on_progress(void *state, const run_request *request, int64_t done, int64_t total, const char *what)
{
    const supervisor *s = state;
    const run_watch *watch = &((const running *)(uintptr_t)request)->watch; /* as above */
    if (s->hooks.progress)
        s->hooks.progress(s->hooks.state, request, done, total, what);
    if (watch->watcher && watch->watcher->progress)
        watch->watcher->progress(watch->tag, request->tool, done, total, what);
}

static void on_durable_events(void *state, uint64_t seq)
{
    const supervisor *s = state;
    if (s->hooks.durable)
        s->hooks.durable(s->hooks.state, seq);
}

static void on_unlogged(void *state)
{
    const supervisor *s = state;
    if (s->hooks.unlogged)
        s->hooks.unlogged(s->hooks.state);
}

static void on_room(void *state)
{
    supervisor_room(state);
}

void supervisor_event(supervisor *s, const char *kind, const lb_target *target, const char *run_id,
                      const lb_value *payload)
{
    lb_error error;
    BUF_AUTO text = BUF_INIT(EVENT_BYTES);
    if (!s->chronicle)
        return;
    int r = json_named(&text, payload, &error);
    const event e = {.kind = kind,
                     .run_id = run_id,
                     .project = target ? target->project : NULL,
                     .branch = target ? target->branch : NULL,
                     .payload = buf_text(&text)};
    if (r >= 0)
        r = chronicle_add(s->chronicle, &e, NULL, &error);
    if (r < 0)
        log_error("events", &error); /* runs hold back when the log is full; the host's own facts are in the log file */
}

static void on_approval_event(void *state, const char *kind, const lb_target *target, const char *run_id,
                              const lb_value *payload)
{
    supervisor_event(state, kind, target, run_id, payload);
}

static void on_approval_row(void *state, const lb_value *values, const lb_target *target, const char *run_id)
{
    supervisor *s = state;
    ledger_add_row(s->ledger, "approval_history", values, target, run_id);
}

void supervisor_row(supervisor *s, const char *table, const lb_value *values, const lb_target *target)
{
    ledger_add_row(s->ledger, table, values, target, "host");
}

static void on_publish(void *state, const char *id, const char *record)
{
    const supervisor *s = state;
    if (s->hooks.publish)
        s->hooks.publish(s->hooks.state, id, record);
}

static void on_settle(void *state, const char *id, const char *record)
{
    const supervisor *s = state;
    if (s->hooks.settle)
        s->hooks.settle(s->hooks.state, id, record);
}

/* ---- the book ---- */

static void on_words(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    const supervisor *s = owner;
    (void)tag;
    if (!error)
        suspend_follow(s->suspended, docs);
}

/* What a person has said to another host with the same state. */
static void on_listen(struct ev_loop *loop, ev_timer *timer, int events)
{
    supervisor *s = timer->data;
    const lb_state_query q = {.size = sizeof q, .space = SUSPEND_SPACE};
    (void)loop, (void)events;
    if (s->book)
        state_list(book_state(s->book), &q, on_words, s, NULL);
}

static void become_ready(supervisor *s, const lb_error *error)
{
    if (s->is_dead) /* we go already */
        return;
    s->is_ready = !error;
    s->is_dead = error != NULL;
    if (error)
        s->dead = *error;
    else if (s->daemon)
        ev_timer_start(s->loop, &s->listen);
    if (s->hooks.ready)
        s->hooks.ready(s->hooks.state, error);
    supervisor_begin_waiting(s);
}

static void on_unseen(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    supervisor *s = owner;
    (void)tag;
    if (!error)
        unseen_take(s->unseen, docs);
    become_ready(s, error);
}

static void on_suspensions(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    supervisor *s = owner;
    (void)tag;
    const lb_state_query q = {.size = sizeof q, .space = UNSEEN_SPACE};
    if (!error)
        suspend_take(s->suspended, docs);
    if (error)
        become_ready(s, error);
    else
        state_list(book_state(s->book), &q, on_unseen, s, NULL);
}

static void on_book_ready(void *state, const lb_error *error)
{
    supervisor *s = state;
    const lb_state_query q = {.size = sizeof q, .space = SUSPEND_SPACE};
    if (error)
        become_ready(s, error);
    else
        state_list(book_state(s->book), &q, on_suspensions, s, NULL);
}

static void on_lost(void *state, const book_lost *lost)
{
    supervisor *s = state;
    approvals_put_lost(s->approvals, lost);
}

static void on_unrecorded(void *state, const run_outcome *outcome)
{
    supervisor *s = state;
    lb_error error;
    /* Its row may have been written a moment before the host died that would have said so in the state. */
    int held =
        outbox_holds(s->outbox_dir, "tool_runs", outcome->request->id, outcome->done.started_at - CLOCK_SECOND, &error);
    if (held < 0)
        log_error("history", &error); /* a row twice is better than none */
    if (held != 1)
        ledger_add(s->ledger, outcome, NULL);
}

static void on_service(void *state, const lb_error *error, int failures)
{
    supervisor *s = state;
    const char *plugin = service_plugin(book_service(s->book));
    if (error)
        supervisor_event(s, "service.down", NULL, NULL,
                         LB_ARGS(lb_text("service", "state"), lb_text("plugin", plugin),
                                 lb_text("reason", error->message), lb_i64("restarts", failures)));
    else
        supervisor_event(s, "service.up", NULL, NULL, LB_ARGS(lb_text("service", "state"), lb_text("plugin", plugin)));
}

/* Called runs and rows without a tag count too: the number is that of the newest end whose row is durable. */
static void on_rows(void *state)
{
    supervisor *s = state;
    if (s->book && s->recorded && book_is_ready(s->book))
        book_recorded(s->book, s->recorded);
}

/* ---- life ---- */

static int open_directories(supervisor *s, lb_error *err)
{
    int r = fs_make_dirs(s->manifest->state_dir, err);
    if (r < 0)
        return lb_wrap(err, "state directory");
    s->outbox_dir = base_printf("%s/outbox", s->manifest->state_dir);
    s->journal_dir = base_printf("%s/journal", s->manifest->state_dir);
    s->events_dir = base_printf("%s/events", s->manifest->state_dir);
    r = fs_make_dirs(s->outbox_dir, err);
    return r < 0 ? lb_wrap(err, "outbox") : 0;
}

static int open_chronicle(supervisor *s, lb_error *err)
{
    const chronicle_options options = {
        .loop = s->loop,
        .dir = s->events_dir,
        .one_shot = !s->daemon,
        .segment_bytes = (size_t)s->manifest->events.segment_mb * 1024 * 1024,
        .keep_s = s->manifest->events.keep_days * INT64_C(86400),
        .state = s,
        .durable = on_durable_events,
        .room = on_room,
        .unlogged = on_unlogged,
    };
    return chronicle_new(&options, &s->chronicle, err);
}

static int open_approvals(supervisor *s)
{
    const approvals_hooks hooks = {
        .state = s,
        .event = on_approval_event,
        .row = on_approval_row,
        .execute = supervisor_execute,
        .publish = on_publish,
        .settle = on_settle,
    };
    if (s->book)
        s->approvals = approvals_new(s->loop, s->book, s->manifest, &hooks);
    return 0;
}

static int open_pool(supervisor *s, pool **ret_pool, lb_error *err)
{
    arena memory;
    worker_setup setup;
    arena_init(&memory, 0);
    int r = supervisor_setup(s, &memory, &setup, err);
    const pool_options wishes = {
        .loop = s->loop,
        .program = s->program,
        .workers = s->wanted_workers ? s->wanted_workers : s->manifest->limits.workers,
        .grace_s = s->manifest->limits.grace_s,
        .recycle_runs = s->manifest->limits.recycle_runs,
        .events_limit = (size_t)s->manifest->limits.result_mb * 1024 * 1024,
        .setup = &setup,
        .hooks = {.state = s,
                  .ended = supervisor_on_ended,
                  .log = on_log,
                  .progress = on_progress,
                  .asked = supervisor_on_asked,
                  .history = supervisor_on_history,
                  .lake = supervisor_on_lake},
    };
    if (r >= 0)
        r = pool_new(&wishes, ret_pool, err);
    arena_done(&memory);
    return r;
}

static int start(supervisor *s, lb_error *err)
{
    const book_hooks hooks = {
        .state = s, .ready = on_book_ready, .lost = on_lost, .service = on_service, .unrecorded = on_unrecorded};
    int r = open_directories(s, err);
    if (r >= 0)
        r = ledger_new(s->loop, s->outbox_dir, supervisor_on_durable_row, s, &s->ledger, err);
    if (r >= 0)
        r = open_chronicle(s, err);
    if (r >= 0)
        r = supervisor_open_book(s, &hooks, err);
    if (r >= 0)
        r = open_approvals(s);
    if (r >= 0 && !s->book)
        r = outbox_sweep(s->outbox_dir, err); /* with a book, the journal's recovery does it */
    if (r >= 0 && s->wanted_workers >= 0)
        r = open_pool(s, &s->pool, err);
    if (r < 0)
        return r;
    ledger_on_rows(s->ledger, on_rows);
    s->is_ready = !s->book;
    return 0;
}

/* ---- a new manifest ---- */

static void on_reap(struct ev_loop *loop, ev_timer *timer, int events)
{
    supervisor *s = timer->data;
    size_t kept = 0;
    (void)loop, (void)events;
    for (size_t i = 0; i < s->retired_count; i++) {
        if (pool_pending(s->retired[i]))
            s->retired[kept++] = s->retired[i];
        else
            (void)pool_free(s->retired[i]); /* gives NULL */
    }
    s->retired_count = kept;
}

void supervisor_reap(supervisor *s)
{
    if (!s->retired_count)
        return;
    ev_timer_set(&s->reap, 0, 0);
    ev_timer_start(s->loop, &s->reap); /* not from inside a pool's own callback */
}

int supervisor_use(supervisor *s, const manifest *m, const registry *r, lb_error *err)
{
    const manifest *old_manifest = s->manifest;
    const registry *old_registry = s->registry;
    pool *fresh = NULL;
    s->manifest = m;
    s->registry = r;
    if (s->pool && open_pool(s, &fresh, err) < 0) {
        s->manifest = old_manifest;
        s->registry = old_registry;
        return err->code;
    }
    if (s->approvals)
        approvals_use(s->approvals, m);
    if (!s->pool)
        return 0;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the elements are pointers */
    BASE_PUSH(s->retired, s->retired_count, s->retired_capacity);
    s->retired[s->retired_count++] = s->pool;
    s->pool = fresh;
    supervisor_reap(s);
    return 0;
}

/* ---- life again ---- */

int supervisor_new(const supervisor_options *options, supervisor **ret_supervisor, lb_error *err)
{
    supervisor *s = base_alloc(sizeof *s);
    s->manifest = options->manifest;
    s->registry = options->registry;
    s->loop = options->loop;
    s->hooks = options->hooks;
    s->daemon = options->daemon;
    s->wanted_workers = options->workers;
    s->log_level = options->log_level;
    s->program = base_strdup(options->program);
    ev_timer_init(&s->reap, on_reap, 0, 0);
    s->reap.data = s;
    ev_timer_init(&s->listen, on_listen, LISTEN_S, LISTEN_S);
    s->listen.data = s;
    s->waiting_end = &s->waiting;
    s->no_room_end = &s->no_room;
    s->suspended = suspend_new(s->manifest->limits.crashes_to_suspend);
    s->unseen = unseen_new();
    int r = start(s, err);
    if (r < 0) {
        (void)supervisor_free(s); /* gives NULL */
        return r;
    }
    *ret_supervisor = s;
    return 0;
}

static void on_time_over(struct ev_loop *loop, ev_timer *timer, int events)
{
    bool *is_over = timer->data;
    (void)loop, (void)events;
    *is_over = true;
}

static bool is_anything_open(const supervisor *s)
{
    return s->book && service_is_up(book_service(s->book)) && (s->pending || state_pending(book_state(s->book)));
}

/* Ends that were told to us in the last moment get the time to be written down. */
static void drain(supervisor *s)
{
    bool is_over = false;
    ev_timer limit;
    ev_timer_init(&limit, on_time_over, DRAIN_S, 0);
    limit.data = &is_over;
    ev_timer_start(s->loop, &limit);
    while (is_anything_open(s) && !is_over)
        (void)ev_run(s->loop, EVRUN_ONCE);
    if (s->book)
        book_goodbye(s->book);
    while (is_anything_open(s) && !is_over)
        (void)ev_run(s->loop, EVRUN_ONCE);
    ev_timer_stop(s->loop, &limit);
}

supervisor *supervisor_free(supervisor *s)
{
    lb_error ending;
    if (!s)
        return NULL;
    (void)lb_fail(&ending, LB_ERR_CANCELLED, NULL, "the host is ending");
    s->is_dead = true;
    s->dead = ending;
    supervisor_begin_waiting(s);
    s->pool = pool_free(s->pool); /* ends every run, and ... */
    while (s->retired_count)
        (void)pool_free(s->retired[--s->retired_count]); /* gives NULL */
    free(s->retired);
    supervisor_history_close(s);
    ev_timer_stop(s->loop, &s->reap);
    ev_timer_stop(s->loop, &s->listen);
    drain(s);
    s->chronicle = chronicle_free(s->chronicle);
    s->approvals = approvals_free(s->approvals);
    s->book = book_free(s->book);
    s->ledger = ledger_free(s->ledger); /* ... this says so */
    s->suspended = suspend_free(s->suspended);
    s->unseen = unseen_free(s->unseen);
    free(s->outbox_dir);
    free(s->journal_dir);
    free(s->events_dir);
    free(s->program);
    free(s);
    return NULL;
}

size_t supervisor_pending(const supervisor *s)
{
    return s->pending;
}

pool *supervisor_pool(supervisor *s)
{
    return s->pool;
}

book *supervisor_book(supervisor *s)
{
    return s->book;
}

approvals *supervisor_approvals(supervisor *s)
{
    return s->approvals;
}

chronicle *supervisor_chronicle(supervisor *s)
{
    return s->chronicle;
}

suspend_book *supervisor_suspended(supervisor *s)
{
    return s->suspended;
}

void supervisor_cancel(supervisor *s, const char *run_id)
{
    for (running *r = s->newest; r; r = r->older)
        if (strcmp(r->request.id, run_id) == 0)
            r->is_cancelled = true; /* looked at before it goes to the pool */
    if (s->pool)
        pool_cancel(s->pool, run_id);
    for (size_t i = 0; i < s->retired_count; i++)
        pool_cancel(s->retired[i], run_id);
}
