/* pool.h: the workers. Runs are queued per worker by their target, so that connections are reused; a worker with
 * nothing to do takes from the longest queue. A worker that dies, hangs or leaves processes behind is killed with all
 * its descendants and replaced; its run ends as crashed or timeout with what is known. Every run that was submitted
 * ends exactly once. [supervisor] */
#ifndef LBOPS_HOST_POOL_H
#define LBOPS_HOST_POOL_H

#include "job.h"

#include <ev.h>

typedef struct pool pool;

/* How a run ended. Texts live until the callback returns. */
typedef struct run_outcome {
    const run_request *request;
    run_done done;
    const char *changes, *events; /* JSON arrays */
    bool has_changed;             /* it had begun to change the world */
    uint32_t unknown_changes;     /* begun, and nobody knows how they ended */
} run_outcome;

/* Who waits for a run's end. Each function may be NULL. */
typedef struct run_watcher {
    /* It stands in the state now. version: of the last claim's document. */
    void (*begun)(void *tag, const char *run_id, int64_t version);
    void (*ended)(void *tag, const run_outcome *outcome, const char *document);
    /* It was asked for and did not begin. NULL: told as an end. */
    void (*refused)(void *tag, const char *run_id, const lb_error *error);
    void (*log)(void *tag, lb_level level, const char *tool, const char *text);
    void (*progress)(void *tag, const char *tool, int64_t done, int64_t total, const char *what);
} run_watcher;

typedef struct run_watch {
    const run_watcher *watcher; /* NULL: nobody */
    void *tag;
} run_watch;

typedef struct pool_hooks {
    void *state;
    void (*ended)(void *state, const run_outcome *outcome);
    void (*log)(void *state, const run_request *request, lb_level level, const char *tool, const char *text);
    void (*progress)(void *state, const run_request *request, int64_t done, int64_t total, const char *what);
    /* A group of changes waits for a person: the approval document. NULL: nobody can be asked. */
    void (*asked)(void *state, const run_request *request, const char *document);
    /* The run asks the history (question.h); pool_answer says what comes of it. */
    void (*history)(void *state, const run_request *request, uint32_t number, int64_t deadline, wire_reader *question);
    /* The same for the lakehouse; the verb comes first. */
    void (*lake)(void *state, const run_request *request, uint32_t number, int64_t deadline, wire_reader *question);
} pool_hooks;

typedef struct pool_options {
    struct ev_loop *loop;
    const char *program; /* to exec as worker; NULL: /proc/self/exe */
    int workers;
    int grace_s, recycle_runs;
    size_t events_limit; /* of a run's events and changes, in bytes, kept for its document */
    const worker_setup *setup;
    pool_hooks hooks;
} pool_options;

LB_MUST_CHECK int pool_new(const pool_options *options, pool **ret_pool, lb_error *err);

/* Ends every worker; runs that are still there end as cancelled. */
pool *pool_free(pool *p);

/* The request is borrowed until `ended` has been called for it. Never fails: what goes wrong is the run's end. */
void pool_submit(pool *p, const run_request *request);

/* Asks a run to stop: taken from the queue, or signalled and after the grace period killed. */
void pool_cancel(pool *p, const char *run_id);

/* A frame for the worker that has the run. False: it is not here. */
bool pool_answer(pool *p, const char *run_id, const buf *frame);

size_t pool_pending(const pool *p);                 /* queued and running */
size_t pool_ready(const pool *p);                   /* workers that said they are ready */
pid_t pool_worker_pid(const pool *p, size_t index); /* 0: not running. For tests and status */

#endif
