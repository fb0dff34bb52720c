#include "ledger.h"

#include "log.h"
#include "outbox.h"

#include <pthread.h>
#include <signal.h>

#define GROUP_GAP_S 0.05 /* between two groups while runs pour in; a lone run is written at once */

typedef struct group {
    outbox_batch *batch;
    void **tags;
    size_t count, capacity;
    lb_error error; /* code 0: durable */
} group;

/* Who has the group that is being written. Three states and not a flag: the loop may hand over the next group before
 * the thread has looked up from the last one. */
typedef enum hand_over { WITH_NOBODY, WITH_THREAD, WRITTEN } hand_over;

struct ledger {
    struct ev_loop *loop;
    char *dir;
    ledger_done done;
    void (*rows)(void *state); /* or NULL */
    void *state;
    group gathering;
    double last_write;
    ev_timer gap;
    ev_async written;

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    group writing;              /* the thread's while it is WITH_THREAD */
    hand_over state_of_writing; /* under the lock, as is ended */
    bool ended;
};

static void *write_groups(void *arg)
{
    ledger *l = arg;
    (void)pthread_mutex_lock(&l->lock);
    for (;;) {
        while (l->state_of_writing != WITH_THREAD && !l->ended)
            (void)pthread_cond_wait(&l->wake, &l->lock);
        if (l->state_of_writing != WITH_THREAD)
            break; /* ended, with nothing left to write */
        (void)pthread_mutex_unlock(&l->lock);
        if (outbox_commit(l->writing.batch, &l->writing.error) >= 0)
            l->writing.error.code = 0;
        (void)pthread_mutex_lock(&l->lock);
        l->state_of_writing = WRITTEN;
        (void)pthread_mutex_unlock(&l->lock);
        ev_async_send(l->loop, &l->written); /* from here on the loop may have handed over the next one */
        (void)pthread_mutex_lock(&l->lock);
    }
    (void)pthread_mutex_unlock(&l->lock);
    return NULL;
}

static void open_group(ledger *l)
{
    if (!l->gathering.batch)
        l->gathering.batch = outbox_batch_new(l->dir, "host", (size_t)64 * 1024 * 1024);
}

static bool is_writing(ledger *l)
{
    (void)pthread_mutex_lock(&l->lock);
    bool writing = l->state_of_writing != WITH_NOBODY;
    (void)pthread_mutex_unlock(&l->lock);
    return writing;
}

/* Hands the gathered group to the thread, unless it is busy or the last one was a moment ago. */
static void maybe_write(ledger *l)
{
    if (is_writing(l) || !l->gathering.batch)
        return;
    double now = ev_now(l->loop), left = l->last_write + GROUP_GAP_S - now;
    if (left > 0 && left <= GROUP_GAP_S) {
        if (!ev_is_active(&l->gap)) {
            ev_timer_set(&l->gap, left, 0);
            ev_timer_start(l->loop, &l->gap);
        }
        return;
    }
    l->last_write = now;
    l->writing = l->gathering;
    l->writing.error = (lb_error){0};
    l->gathering = (group){0};
    (void)pthread_mutex_lock(&l->lock);
    l->state_of_writing = WITH_THREAD;
    (void)pthread_cond_signal(&l->wake);
    (void)pthread_mutex_unlock(&l->lock);
}

static void on_gap(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    maybe_write(timer->data);
}

/* The group has been written, or not: everybody who waits for it hears of it. */
static void settle(const ledger *l, group *g)
{
    (void)outbox_batch_free(g->batch); /* gives NULL */
    for (size_t i = 0; i < g->count; i++)
        l->done(l->state, g->tags[i], g->error.code ? &g->error : NULL);
    free(g->tags);
}

static void on_written(struct ev_loop *loop, ev_async *async, int events)
{
    ledger *l = async->data;
    (void)loop, (void)events;
    (void)pthread_mutex_lock(&l->lock);
    bool is_written = l->state_of_writing == WRITTEN;
    if (is_written)
        l->state_of_writing = WITH_NOBODY;
    (void)pthread_mutex_unlock(&l->lock);
    if (!is_written)
        return; /* woken for nothing */
    group g = l->writing;
    l->writing = (group){0};
    bool is_good = !g.error.code;
    settle(l, &g);
    if (is_good && l->rows)
        l->rows(l->state);
    maybe_write(l);
}

int ledger_new(struct ev_loop *loop, const char *outbox_dir, ledger_done done, void *state, ledger **ret_ledger,
               lb_error *err)
{
    ledger *l = base_alloc(sizeof *l);
    sigset_t all, before;
    l->loop = loop;
    l->dir = base_strdup(outbox_dir);
    l->done = done;
    l->state = state;
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_cond_init(&l->wake, NULL);
    ev_async_init(&l->written, on_written);
    ev_timer_init(&l->gap, on_gap, 0, 0);
    l->written.data = l->gap.data = l;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the loop's thread */
    int failed = pthread_create(&l->thread, NULL, write_groups, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(l->dir);
        free(l);
        return lb_fail(err, LB_ERR_INTERNAL, "raise the limit of threads", "cannot start the ledger's thread: %s",
                       strerror(failed));
    }
    ev_async_start(loop, &l->written);
    *ret_ledger = l;
    return 0;
}

ledger *ledger_free(ledger *l)
{
    if (!l)
        return NULL;
    (void)pthread_mutex_lock(&l->lock);
    l->ended = true;
    (void)pthread_cond_signal(&l->wake);
    (void)pthread_mutex_unlock(&l->lock);
    (void)pthread_join(l->thread, NULL);
    ev_async_stop(l->loop, &l->written);
    ev_timer_stop(l->loop, &l->gap);
    settle(l, &l->writing); /* the thread does not end before it is written */
    if (l->gathering.batch && outbox_commit(l->gathering.batch, &l->gathering.error) < 0)
        log_error("ledger", &l->gathering.error); /* called runs have nobody else to hear of it */
    else
        l->gathering.error.code = 0;
    settle(l, &l->gathering);
    free(l->dir);
    free(l);
    return NULL;
}

static int add_row(outbox_batch *batch, const run_outcome *o, lb_error *err)
{
    const run_request *q = o->request;
    const run_done *d = &o->done;
    return outbox_add_for(
        batch, "tool_runs",
        LB_ARGS(lb_text("parent_run_id", q->parent_id), lb_text("tool", q->tool), lb_text("agent", q->agent),
                lb_text("mode", q->plan ? "plan" : "execute"), lb_text("status", run_status_name(d->status)),
                lb_time("started_at", d->started_at), lb_time("finished_at", d->started_at + d->duration_us),
                lb_f64("duration_ms", (double)d->duration_us / 1000),
                lb_text("actor_kind", gate_actor_name(q->actor_kind)), lb_text("actor", q->actor),
                d->error.code ? lb_text("error_code", error_name(d->error.code)) : lb_null("error_code"),
                d->error.code ? lb_text("error_message", d->error.message) : lb_null("error_message"),
                lb_i64("changes", d->changes), lb_i64("findings", d->findings), lb_i64("records", d->records),
                lb_i64("events", d->events), lb_i64("statements", d->statements),
                lb_f64("statements_ms", (double)d->waited_us / 1000), lb_f64("cpu_ms", (double)d->cpu_us / 1000),
                lb_f64("awake_seconds", (double)d->awake_us / 1e6), lb_text("plugin_version", d->version)),
        &q->target, q->id, err);
}

void ledger_add(ledger *l, const run_outcome *outcome, void *tag)
{
    lb_error error;
    open_group(l);
    if (add_row(l->gathering.batch, outcome, &error) < 0) {
        if (tag)
            l->done(l->state, tag, &error);
        return;
    }
    if (tag) {
        BASE_PUSH(l->gathering.tags, l->gathering.count, l->gathering.capacity);
        l->gathering.tags[l->gathering.count++] = tag;
    }
    maybe_write(l);
}

void ledger_add_row(ledger *l, const char *table, const lb_value *values, const lb_target *target, const char *run_id)
{
    lb_error error;
    open_group(l);
    if (outbox_add_for(l->gathering.batch, table, values, target, run_id, &error) < 0)
        log_error("ledger", &error);
    maybe_write(l);
}

void ledger_on_rows(ledger *l, void (*written)(void *state))
{
    l->rows = written;
}

size_t ledger_pending(const ledger *l)
{
    return l->gathering.count + l->writing.count;
}
