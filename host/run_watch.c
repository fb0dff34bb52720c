/* A read that is repeated beside the run, on a session and a thread of its own. The thread has nothing of the run but
 * what stands here: answers are kept as text cells and become rows of the run when it has ended. */
#include "run_state.h"

#include "compose.h"
#include "decode.h"
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define KEPT_LIMIT ((size_t)64 * 1024 * 1024)

static atomic_bool others_go_first; /* a watch has seen it, and the run's session stops for it */

struct lb_watch {
    run_state *run;
    const lb_statement *statement;
    const lb_value *args;
    lb_command command;
    session *session; /* NULL: asked once, at the end */
    int64_t every_us;
    int64_t looks; /* 0: what it sees is kept */
    bool runs;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stops;
    bool stop; /* under lock */
    /* the thread's own until it has ended */
    buf cells; /* of each cell a byte, 1: null, and its text with its NUL */
    size_t rows;
    int64_t in_a_row; /* answers that say yes */
    int failed;
    lb_error error;
};

/* ---- the thread ---- */

static int keep_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    const lb_watch *w = state;
    return decode_check_columns(w->statement, count, names, err);
}

static int keep_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    lb_watch *w = state;
    if (w->looks) {
        w->in_a_row = count && cells[0] && strcmp(cells[0], "t") == 0 ? w->in_a_row + 1 : 0;
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        buf_putc(&w->cells, cells[i] ? '\0' : '\1');
        if (cells[i])
            buf_put(&w->cells, cells[i], strlen(cells[i]) + 1);
    }
    if (w->cells.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "ask less often, or for less", "%s: what was seen takes more than %zu MB",
                       w->statement->name, KEPT_LIMIT >> 20);
    w->rows++;
    return 0;
}

/* Says so once nothing of ours is asked any more: what runs then would be stopped as well. */
static bool has_seen_enough(const lb_watch *w)
{
    bool is_enough = w->looks && w->in_a_row >= w->looks;
    if (is_enough)
        atomic_store(&others_go_first, true);
    return is_enough;
}

/* Until the next one is due; false when there is to be none. */
static bool pause_until(lb_watch *w, const struct timespec *due)
{
    (void)pthread_mutex_lock(&w->lock); /* a plain mutex of ours cannot fail */
    while (!w->stop && pthread_cond_timedwait(&w->stops, &w->lock, due) != ETIMEDOUT)
        continue;
    bool goes_on = !w->stop;
    (void)pthread_mutex_unlock(&w->lock); /* as above */
    return goes_on;
}

static void *repeat(void *arg)
{
    lb_watch *w = arg;
    const lb_sink sink = {.size = sizeof sink, .state = w, .columns = keep_columns, .row = keep_row};
    struct timespec due;
    do {
        int64_t next = clock_monotonic() + w->every_us;
        due = (struct timespec){.tv_sec = (time_t)(next / CLOCK_SECOND), .tv_nsec = (long)(next % CLOCK_SECOND * 1000)};
        w->failed = session_sample(w->session, &w->command, &sink, &w->error);
    } while (w->failed >= 0 && !has_seen_enough(w) && pause_until(w, &due));
    return NULL;
}

/* ---- begin and end ---- */

static int start(lb_watch *w, lb_error *err)
{
    pthread_condattr_t attributes;
    sigset_t all, before;
    int failed = pthread_condattr_init(&attributes);
    failed = failed ? failed : pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed = failed ? failed : pthread_cond_init(&w->stops, &attributes);
    failed = failed ? failed : pthread_mutex_init(&w->lock, NULL);
    (void)sigfillset(&all); /* cannot fail: signals are the main thread's, whose waits they end */
    failed = failed ? failed : pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!failed) {
        failed = pthread_create(&w->thread, NULL, repeat, w);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* the mask was valid a moment ago */
    }
    w->runs = !failed;
    return failed ? lb_fail(err, LB_ERR_IO, NULL, "cannot start to watch: %s", strerror(failed)) : 0;
}

static void stop(lb_watch *w)
{
    if (w->runs) {
        (void)pthread_mutex_lock(&w->lock); /* cannot fail, as the next two */
        w->stop = true;
        (void)pthread_cond_signal(&w->stops);
        (void)pthread_mutex_unlock(&w->lock);
        (void)pthread_join(w->thread, NULL); /* it ends with its statement, whose limit is the run's */
    }
    w->runs = false;
    if (w->session)
        session_discard(w->session);
    w->session = NULL;
}

/* For a run that ended in between. */
static void let_go(void *arg)
{
    lb_watch *w = arg;
    stop(w);
    buf_done(&w->cells);
}

static int prepare(lb_watch *w, lb_error *err)
{
    run_state *run = w->run;
    const lb_sql *sql = NULL;
    int r = run_compose(&run->ctx, w->statement, w->args, &sql, err);
    if (r < 0)
        return r;
    w->command = (lb_command){.size = sizeof w->command,
                              .name = w->statement->name,
                              .text = sql->text,
                              .params = sql->params,
                              .param_types = sql->param_types,
                              .param_count = sql->param_count,
                              .read_only = true,
                              .args = w->args,
                              .deadline = run->deadline,
                              .brief = run_looks_only(run)};
    if (arena_defer(run->memory, let_go, w) < 0)
        return lb_out_of_memory(err);
    if (!session_can_sample(run->worker->sessions))
        return 0;
    r = session_get_apart(run->worker->sessions, &run->request->target, run->request->tool, run->deadline, &w->session,
                          err);
    return r < 0 ? r : start(w, err);
}

int run_watch_yield(run_state *run, const lb_yield *wish, lb_watch **ret_watch, lb_error *err)
{
    const lb_statement *statement = wish->statement;
    if (statement->kind != LB_STATEMENT_READ)
        return lb_fail(err, LB_ERR_INVALID, "watch with a read", "%s is not a read", statement->name);
    lb_watch *w = arena_alloc(run->memory, sizeof *w);
    const lb_value *kept = w ? arena_values(run->memory, wish->args) : NULL;
    if (!kept)
        return lb_out_of_memory(err);
    *w = (lb_watch){.run = run,
                    .statement = statement,
                    .args = kept,
                    .every_us = wish->every_us > 1000 ? wish->every_us : 1000,
                    .looks = wish->looks,
                    .cells = BUF_INIT(KEPT_LIMIT)};
    int r = run_check_stop(run, err);
    if (r >= 0)
        r = run_session(run, err); /* opens the transport, and composing asks for the version */
    if (r >= 0)
        r = prepare(w, err);
    if (r >= 0)
        *ret_watch = w;
    return r;
}

int run_watch_begin(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, int64_t every_us,
                    lb_watch **ret_watch, lb_error *err)
{
    return run_watch_yield(run_of(ctx), LB_YIELD(.statement = statement, .args = args, .every_us = every_us), ret_watch,
                           err);
}

/* ---- those that a group yields to ---- */

bool run_should_stop(void)
{
    return run_is_cancelled() || atomic_load(&others_go_first);
}

bool run_watch_stop(lb_watch *w)
{
    stop(w);
    if (w->failed < 0)
        log_line(LB_LOG_WARN, w->run->request->tool, "%s was not asked to the end: %s", w->statement->name,
                 w->error.message);
    return atomic_exchange(&others_go_first, false);
}

/* ---- what was seen ---- */

static int make_rows(const lb_watch *w, lb_rows *rows, lb_error *err)
{
    const lb_sink sink = run_rows_sink(rows);
    uint32_t count = w->statement->column_count;
    const char *p = buf_text(&w->cells);
    const char **cells = arena_alloc(w->run->memory, (count + 1) * sizeof *cells);
    if (!cells)
        return lb_out_of_memory(err);
    for (size_t row = 0; row < w->rows; row++) {
        for (uint32_t i = 0; i < count; i++) {
            bool is_null = *p++ == '\1';
            cells[i] = is_null ? NULL : p;
            p += is_null ? 0 : strlen(p) + 1;
        }
        int r = sink.row(sink.state, count, cells, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int run_watch_end(lb_watch *w, lb_rows **ret_rows, lb_error *err)
{
    bool had_thread = w->session != NULL;
    stop(w);
    if (!had_thread)
        return run_query(&w->run->ctx, w->statement, w->args, ret_rows, err);
    if (w->failed < 0) {
        *err = w->error;
        return err->code;
    }
    lb_rows *rows = run_rows_new(w->run, w->statement);
    int r = rows ? make_rows(w, rows, err) : lb_out_of_memory(err);
    buf_clear(&w->cells);
    if (r >= 0)
        *ret_rows = rows;
    return r;
}
