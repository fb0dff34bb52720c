/* run.h: one run inside a worker: the lb_host that a tool sees. [worker] */
#ifndef LBOPS_HOST_RUN_H
#define LBOPS_HOST_RUN_H

#include "job.h"
#include "session.h"

#define RUN_MEMORY_MOST ((size_t)1024 * 1024) /* bytes that a tool may remember */

/* How a run speaks to the supervisor. Frames are sent whole, in order. */
typedef struct run_channel {
    void *state;
    void (*send)(void *state, const buf *frame);
    /* Sends a frame and waits for what answers it: `answer` is given each frame until it says that there is no more
     * (1), or fails. LB_ERR_TIMEOUT at the deadline, LB_ERR_CANCELLED when the run is to stop. */
    int (*ask)(void *state, const buf *frame, int64_t deadline,
               int (*answer)(void *arg, wire_type type, wire_reader *r, lb_error *err), void *arg, lb_error *err);
} run_channel;

typedef struct run_worker {
    const worker_setup *setup;
    session_pool *sessions;
    run_channel channel;
    arena memory;                                /* reused from run to run */
    size_t event_bytes, change_bytes, ask_bytes; /* of the run and what it calls, as the supervisor keeps them */
    uint32_t asks;                               /* approvals that the run and what it calls wait for */
    buf result;                                  /* the last run's result document */
    uint32_t questions;                          /* to the history, of this worker's life */
    buf remembered;                              /* what its tool is to remember; empty: as before */
    char said[400];                              /* what came of it, for people */
    int64_t outbox_bytes, outbox_seen_at;        /* what waited there when this worker last looked */
    struct model_service *model;                 /* once a run has asked one */
} run_worker;

/* Executes a run and everything that it calls. Never fails: what went wrong is in ret_done. Texts in it live until the
 * next run_execute. */
void run_execute(run_worker *worker, const run_request *request, int64_t deadline, run_done *ret_done);

/* Asked by the signal handler of the worker: the current run should stop. */
void run_cancel_current(void);
bool run_is_cancelled(void);
bool run_should_stop(void); /* what its session does: for that, or for others who go first */
bool run_may_wake(void);    /* a suspended compute */
void run_woke(int64_t sleeps_after);

#endif
