#include "chronicle.h"

#include "clock.h"
#include "log.h"

#include <unistd.h>

#define TAKE_WITHIN (10 * CLOCK_SECOND) /* for others to let go of the log */
#define TAKE_AGAIN  (CLOCK_SECOND / 50)
#define OPEN_WITHIN (3 * CLOCK_SECOND) /* for a daemon that begins: a one-shot run has the log for a moment only */

typedef struct waiter {
    struct waiter *next;
    uint64_t seq; /* UINT64_MAX: of the last that was gathered, which the log has not seen yet */
    void (*durable)(void *owner, void *tag, const lb_error *error);
    void *owner, *tag;
} waiter;

/* An event with its texts, while a one-shot run gathers. */
typedef struct gathered {
    struct gathered *next;
    event event;
    char *texts[7];
} gathered;

struct chronicle {
    struct ev_loop *loop;
    chronicle_options options;
    char *dir;
    event_log *log;
    waiter *waiters, **waiters_end;
    gathered *gathered, **gathered_end;
    ev_timer turn; /* opens the log, or closes it: never from inside one of its own hooks */
    int64_t since;
    lb_error trouble;
};

static void settle(chronicle *c, uint64_t seq, const lb_error *error)
{
    while (c->waiters && c->waiters->seq <= seq) {
        waiter *w = c->waiters;
        c->waiters = w->next;
        if (!c->waiters)
            c->waiters_end = &c->waiters;
        w->durable(w->owner, w->tag, error);
        free(w);
    }
}

static void on_durable(void *state, uint64_t seq)
{
    chronicle *c = state;
    if (c->options.durable)
        c->options.durable(c->options.state, seq);
    settle(c, seq, NULL);
    if (c->options.one_shot && !c->waiters) { /* lets go of the log */
        ev_timer_set(&c->turn, 0, 0);
        ev_timer_start(c->loop, &c->turn);
    }
}

static void on_trouble(void *state, const lb_error *error)
{
    (void)state;
    if (error)
        log_error("events", error);
    else
        log_line(LB_LOG_INFO, "events", "the log of events can be written again");
}

static void on_room(void *state)
{
    const chronicle *c = state;
    if (c->options.room)
        c->options.room(c->options.state);
}

static int open_log(chronicle *c, lb_error *err)
{
    event_log_found found = {0};
    const event_log_options options = {
        .loop = c->loop,
        .dir = c->dir,
        .hooks = {.state = c, .durable = on_durable, .trouble = on_trouble, .room = on_room},
        .segment_bytes = c->options.segment_bytes,
        .keep_s = c->options.keep_s,
    };
    int r = event_log_open(&options, &c->log, &found, err);
    if (r < 0)
        return r;
    if (found.torn[0])
        log_line(LB_LOG_WARN, "events", "%s", found.torn);
    if (found.broken[0])
        log_line(LB_LOG_ERROR, "events", "%s", found.broken);
    return 0;
}

/* ---- a one-shot's ---- */

static void free_gathered(gathered *g)
{
    for (size_t i = 0; i < LB_COUNT(g->texts); i++)
        free(g->texts[i]);
    free(g);
}

static void gather(chronicle *c, const event *e)
{
    gathered *g = base_alloc(sizeof *g);
    const char *const texts[] = {e->kind, e->run_id, e->tool, e->agent, e->project, e->branch, e->payload};
    for (size_t i = 0; i < LB_COUNT(texts); i++)
        g->texts[i] = base_strdup(texts[i]);
    g->event = *e;
    g->event.kind = g->texts[0];
    g->event.run_id = g->texts[1];
    g->event.tool = g->texts[2];
    g->event.agent = g->texts[3];
    g->event.project = g->texts[4];
    g->event.branch = g->texts[5];
    g->event.payload = g->texts[6];
    g->event.at = e->at ? e->at : clock_now();
    g->event.key = NULL;
    *c->gathered_end = g;
    c->gathered_end = &g->next;
}

/* Writes what was gathered; whoever waits then waits for the last of it. */
static int write_gathered(chronicle *c, lb_error *err)
{
    uint64_t seq = 0;
    while (c->gathered) {
        gathered *g = c->gathered;
        int r = event_log_add(c->log, &g->event, &seq, err);
        if (r == LB_ERR_LIMIT)
            return r;
        if (r < 0)
            log_error("events", err); /* it is no sound event and never will be */
        c->gathered = g->next;
        if (!c->gathered)
            c->gathered_end = &c->gathered;
        free_gathered(g);
    }
    for (waiter *w = c->waiters; w; w = w->next)
        w->seq = w->seq == UINT64_MAX ? seq : w->seq;
    return 0;
}

static void drop_gathered(chronicle *c)
{
    while (c->gathered) {
        gathered *g = c->gathered;
        c->gathered = g->next;
        free_gathered(g);
    }
    c->gathered_end = &c->gathered;
}

static int take_log(chronicle *c, lb_error *err)
{
    int r = c->log ? 0 : open_log(c, err);
    return r < 0 ? r : write_gathered(c, err);
}

static void on_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
    chronicle *c = timer->data;
    lb_error error;
    (void)loop, (void)events;
    if (!c->waiters && !c->gathered) {
        c->log = event_log_free(c->log);
        return;
    }
    int r = take_log(c, &error);
    if ((r == LB_ERR_CONFLICT || r == LB_ERR_LIMIT) && clock_monotonic() - c->since < TAKE_WITHIN) {
        ev_timer_set(&c->turn, (double)TAKE_AGAIN / CLOCK_SECOND, 0);
        ev_timer_start(c->loop, &c->turn);
    } else if (r ==
               LB_ERR_CONFLICT) { /* a daemon holds it: what was done is done, and stands in the state and in history */
        log_line(LB_LOG_WARN, "events", "the events of this run are not in the log, which another process holds");
        drop_gathered(c);
        if (c->options.unlogged)
            c->options.unlogged(c->options.state);
        settle(c, UINT64_MAX, NULL);
    } else if (r < 0) {
        settle(c, UINT64_MAX, &error);
    }
}

/* ---- for the supervisor ---- */

/* Nothing is served yet, so that the wait holds nobody up. */
static int open_log_soon(chronicle *c, lb_error *err)
{
    int64_t until = clock_monotonic() + OPEN_WITHIN;
    int r = open_log(c, err);
    while (r == LB_ERR_CONFLICT && clock_monotonic() < until) {
        (void)usleep(TAKE_AGAIN); /* ends early for a signal, which then ends the loop that follows */
        r = open_log(c, err);
    }
    return r;
}

int chronicle_new(const chronicle_options *options, chronicle **ret_chronicle, lb_error *err)
{
    chronicle *c = base_alloc(sizeof *c);
    c->loop = options->loop;
    c->options = *options;
    c->dir = base_strdup(options->dir);
    c->waiters_end = &c->waiters;
    c->gathered_end = &c->gathered;
    ev_timer_init(&c->turn, on_turn, 0, 0);
    c->turn.data = c;
    int r = options->one_shot ? 0 : open_log_soon(c, err);
    if (r < 0) {
        (void)chronicle_free(c); /* gives NULL */
        return r;
    }
    *ret_chronicle = c;
    return 0;
}

chronicle *chronicle_free(chronicle *c)
{
    lb_error error;
    if (!c)
        return NULL;
    ev_timer_stop(c->loop, &c->turn);
    if (c->gathered && take_log(c, &error) < 0)
        log_error("events", &error);
    c->log = event_log_free(c->log); /* calls back for what it still writes */
    (void)lb_fail(&error, LB_ERR_CANCELLED, NULL, "the host is ending");
    settle(c, UINT64_MAX, &error);
    drop_gathered(c);
    ev_timer_stop(c->loop, &c->turn);
    free(c->dir);
    free(c);
    return NULL;
}

int chronicle_add(chronicle *c, const event *e, uint64_t *ret_seq, lb_error *err)
{
    uint64_t seq = 0;
    int r = event_check(e, err);
    if (r < 0)
        return r;
    if (c->options.one_shot)
        gather(c, e);
    else
        r = event_log_add(c->log, e, &seq, err);
    if (r >= 0 && ret_seq)
        *ret_seq = seq;
    return r;
}

void chronicle_wait(chronicle *c, void (*durable)(void *owner, void *tag, const lb_error *error), void *owner,
                    void *tag)
{
    waiter *w = base_alloc(sizeof *w);
    *w = (waiter){.durable = durable, .owner = owner, .tag = tag};
    bool is_done =
        c->options.one_shot ? !c->gathered && !c->waiters : event_log_last(c->log) == event_log_durable(c->log);
    if (is_done) {
        free(w);
        durable(owner, tag, NULL);
        return;
    }
    w->seq = c->options.one_shot && c->gathered ? UINT64_MAX : event_log_last(c->log);
    *c->waiters_end = w;
    c->waiters_end = &w->next;
    if (c->options.one_shot && !ev_is_active(&c->turn)) {
        c->since = clock_monotonic();
        ev_timer_set(&c->turn, 0, 0);
        ev_timer_start(c->loop, &c->turn);
    }
}

event_log *chronicle_log(chronicle *c)
{
    return c->options.one_shot ? NULL : c->log;
}
