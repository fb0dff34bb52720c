#include "event_log.h"

#include "clock.h"
#include "event_file.h"
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#define SEGMENT_BYTES ((size_t)16 * 1024 * 1024) /* two of them are checked whenever the log is opened */
#define SEGMENT_S     INT64_C(86400)
#define KEEP_S        INT64_C(7776000) /* 90 days */
#define BACKLOG_BYTES ((size_t)64 * 1024 * 1024)
#define KEPT_BYTES    ((size_t)1024 * 1024) /* memory that an empty backlog keeps */
#define GAP_MS        5    /* between two commits while events pour in; a lone one is written at once */
#define RETRY_MS      1000 /* after a failure */
#define TRIM_S        3600.0

/* The loop puts events into `gathering`, the thread takes all of it at once. The lock is held for the length of a line
 * or of an exchange of two pointers, never over the disk. */
struct event_log {
    struct ev_loop *loop;
    event_log_hooks hooks;
    size_t backlog_bytes;
    ev_async news;
    ev_timer trim;
    uint64_t told; /* durable, as the hook has heard */

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    buf gathering;     /* all of this under the lock */
    size_t writing;    /* bytes that the thread is at */
    uint64_t last;     /* accepted */
    uint64_t durable;  /* */
    uint64_t passed;   /* by all subscriptions */
    bool has_passed;   /* somebody has said so */
    bool is_idle;      /* the thread waits to be woken */
    bool was_refused;  /* an event, for lack of room */
    bool may_trim;     /* it is time to look for old segments */
    bool has_ended;    /* */
    bool is_troubled;  /* the last commit failed with `trouble` */
    bool told_trouble; /* what the hook has heard of that */
    lb_error trouble;  /* */

    event_file file; /* the thread's, once it runs */
};

static void hold(event_log *log)
{
    (void)pthread_mutex_lock(&log->lock); /* cannot fail for a plain mutex */
}

static void let_go(event_log *log)
{
    (void)pthread_mutex_unlock(&log->lock); /* cannot fail for one that we hold */
}

/* ---- the thread ---- */

/* Until somebody signals, or the time is over. Under the lock. */
static void wait_ms(event_log *log, int64_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail */
    int64_t ns = until.tv_nsec + ms * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    (void)pthread_cond_timedwait(&log->wake, &log->lock, &until); /* early or late: the state is looked at again */
}

static void set_trouble(event_log *log, const lb_error *err)
{
    bool is_news = log->is_troubled != (err != NULL);
    log->is_troubled = err != NULL;
    if (err)
        log->trouble = *err;
    if (is_news)
        ev_async_send(log->loop, &log->news);
}

/* Until it is on disk; false: the log ends and the disk still refuses. Called and left with the lock held. */
static bool write_group(event_log *log, buf *lines, uint64_t last)
{
    lb_error err;
    bool is_sealed = false;
    for (;;) {
        bool is_last_try = log->has_ended;
        let_go(log);
        int r = event_file_commit(&log->file, lines, &is_sealed, last, &err);
        hold(log);
        set_trouble(log, r < 0 ? &err : NULL);
        if (r == 0 || is_last_try)
            return r == 0;
        if (!log->has_ended)
            wait_ms(log, RETRY_MS);
    }
}

static void trim_now(event_log *log)
{
    lb_error err;
    uint64_t passed = log->passed;
    log->may_trim = false;
    let_go(log);
    if (event_file_trim(&log->file, passed, &err) < 0)
        log_line(LB_LOG_WARN, "events", "old events are not deleted: %s", err.message); /* tried again in an hour */
    hold(log);
}

static void take_group(event_log *log, buf *lines, uint64_t *ret_last)
{
    const buf empty = *lines;
    *lines = log->gathering;
    log->gathering = empty;
    log->writing = lines->length;
    *ret_last = log->last;
}

static void group_is_durable(event_log *log, uint64_t last)
{
    log->durable = last;
    log->writing = 0;
    ev_async_send(log->loop, &log->news);
}

static void *write_groups(void *arg)
{
    event_log *log = arg;
    buf lines = BUF_INIT(log->gathering.limit);
    uint64_t last;
    bool works = true;
    hold(log);
    while (works) {
        log->is_idle = true;
        while (!log->gathering.length && !log->has_ended && !log->may_trim)
            (void)pthread_cond_wait(&log->wake, &log->lock); /* cannot fail */
        log->is_idle = false;
        if (log->may_trim)
            trim_now(log);
        if (!log->gathering.length && log->has_ended)
            break;
        if (!log->gathering.length)
            continue;
        take_group(log, &lines, &last);
        works = write_group(log, &lines, last);
        if (works)
            group_is_durable(log, last);
        buf_clear(&lines);
        buf_trim(&lines, KEPT_BYTES);
        if (works && !log->has_ended)
            wait_ms(log, GAP_MS);
    }
    let_go(log);
    buf_done(&lines);
    return NULL;
}

/* ---- the loop ---- */

/* What the thread has to say is taken under the lock and said outside: the hooks may add events. */
static void tell(event_log *log)
{
    hold(log);
    uint64_t durable = log->durable;
    bool trouble_is_news = log->is_troubled != log->told_trouble, is_troubled = log->is_troubled;
    bool has_room = log->was_refused && log->gathering.length + log->writing <= log->backlog_bytes / 2;
    const lb_error trouble = log->trouble;
    log->told_trouble = is_troubled;
    log->was_refused = log->was_refused && !has_room;
    let_go(log);
    if (trouble_is_news && log->hooks.trouble)
        log->hooks.trouble(log->hooks.state, is_troubled ? &trouble : NULL);
    if (durable > log->told) {
        log->told = durable;
        if (log->hooks.durable)
            log->hooks.durable(log->hooks.state, durable);
    }
    if (has_room && log->hooks.room)
        log->hooks.room(log->hooks.state);
}

static void on_news(struct ev_loop *loop, ev_async *async, int events)
{
    (void)loop, (void)events;
    tell(async->data);
}

static void on_trim(struct ev_loop *loop, ev_timer *timer, int events)
{
    event_log *log = timer->data;
    (void)loop, (void)events;
    hold(log);
    log->may_trim = log->has_passed;
    (void)pthread_cond_signal(&log->wake); /* cannot fail */
    let_go(log);
}

int event_log_add(event_log *log, const event *e, uint64_t *ret_seq, lb_error *err)
{
    event numbered = *e;
    int r = event_check(e, err);
    if (r < 0)
        return r;
    numbered.at = e->at ? e->at : clock_now();
    hold(log);
    size_t before = log->gathering.length;
    numbered.seq = log->last + 1;
    event_put(&log->gathering, &numbered);
    bool fits = !log->gathering.overflow && log->gathering.length + log->writing <= log->backlog_bytes;
    if (fits) {
        log->last = numbered.seq;
        *ret_seq = numbered.seq;
        if (log->is_idle)
            (void)pthread_cond_signal(&log->wake); /* cannot fail */
    } else {
        buf_cut(&log->gathering, before);
        log->was_refused = true;
        r = lb_fail(err, LB_ERR_LIMIT, "a slow or a full disk: the log says which",
                    "%zu MB of events wait to be written", (before + log->writing) >> 20);
    }
    let_go(log);
    return r;
}

uint64_t event_log_last(event_log *log)
{
    hold(log);
    uint64_t last = log->last;
    let_go(log);
    return last;
}

uint64_t event_log_durable(const event_log *log)
{
    return log->told;
}

size_t event_log_backlog(event_log *log)
{
    hold(log);
    size_t bytes = log->gathering.length + log->writing;
    let_go(log);
    return bytes;
}

void event_log_passed(event_log *log, uint64_t seq)
{
    hold(log);
    bool is_first = !log->has_passed;
    log->passed = seq;
    log->has_passed = true;
    let_go(log);
    if (is_first)
        ev_feed_event(log->loop, &log->trim, EV_TIMER); /* what grew old while nobody was there */
}

/* ---- from opening to the end ---- */

static int start_thread(event_log *log, lb_error *err)
{
    sigset_t all, before;
    pthread_condattr_t monotonic;
    (void)pthread_mutex_init(&log->lock, NULL); /* these cannot fail on Linux */
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&log->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the loop's thread */
    int failed = pthread_create(&log->thread, NULL, write_groups, log);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? lb_fail(err, LB_ERR_INTERNAL, "raise the limit of threads",
                            "cannot start the thread of the event log: %s", strerror(failed))
                  : 0;
}

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

int event_log_open(const event_log_options *options, event_log **ret_log, event_log_found *ret_found, lb_error *err)
{
    event_log *log = base_alloc(sizeof *log);
    event_log_found found = {0};
    log->loop = options->loop;
    log->hooks = options->hooks;
    log->backlog_bytes = options->backlog_bytes ? options->backlog_bytes : BACKLOG_BYTES;
    log->gathering = BUF_INIT(log->backlog_bytes + EVENT_LINE_MAX);
    log->file.dir = base_strdup(options->dir);
    log->file.segment_bytes = options->segment_bytes ? options->segment_bytes : SEGMENT_BYTES;
    log->file.segment_us = or_default(options->segment_s, SEGMENT_S) * CLOCK_SECOND;
    log->file.keep_us = or_default(options->keep_s, KEEP_S) * CLOCK_SECOND;
    ev_async_init(&log->news, on_news);
    ev_timer_init(&log->trim, on_trim, TRIM_S, TRIM_S);
    log->news.data = log->trim.data = log;
    int r = event_file_open(&log->file, &found, err);
    log->last = log->durable = log->told = found.last;
    if (r == 0)
        r = start_thread(log, err);
    if (r < 0) {
        event_file_done(&log->file);
        free(log);
        return r;
    }
    ev_async_start(log->loop, &log->news);
    ev_timer_start(log->loop, &log->trim);
    *ret_log = log;
    *ret_found = found;
    return 0;
}

event_log *event_log_free(event_log *log)
{
    if (!log)
        return NULL;
    hold(log);
    log->has_ended = true;
    (void)pthread_cond_signal(&log->wake); /* cannot fail */
    let_go(log);
    (void)pthread_join(log->thread, NULL); /* it ends when it has written, or failed to */
    ev_async_stop(log->loop, &log->news);
    ev_timer_stop(log->loop, &log->trim);
    tell(log);
    (void)pthread_cond_destroy(&log->wake); /* nobody is left to use them */
    (void)pthread_mutex_destroy(&log->lock);
    event_file_done(&log->file);
    buf_done(&log->gathering);
    free(log);
    return NULL;
}
