/* pool_slot.h: one worker as the pool sees it: its process, its socket and the run it has. [supervisor] */
#ifndef LBOPS_HOST_POOL_SLOT_H
#define LBOPS_HOST_POOL_SLOT_H

#include "child.h"
#include "pool.h"

#define POOL_FOREIGN_CHILDREN 64

typedef enum slot_state { SLOT_DOWN, SLOT_STARTING, SLOT_IDLE, SLOT_BUSY, SLOT_RETIRING } slot_state;

/* A change or event frame's text, kept for the run's document. */
typedef struct slot_change {
    char *json;
    uint32_t outcome;
} slot_change;

typedef struct queued_run {
    struct queued_run *next;
    const run_request *request;
} queued_run;

typedef struct slot {
    pool *pool;
    slot_state state;
    child child;
    ev_io io, stderr_io;
    ev_timer timer; /* the run's deadline, then its grace period */
    buf in, out;
    int runs;

    queued_run *queue, **queue_end;
    size_t queued;

    const run_request *request; /* the run it has, while BUSY */
    int64_t submitted_at, deadline_at;
    bool asked_to_stop, past_deadline;
    slot_change *changes;
    size_t change_count, change_capacity, kept_bytes;
    buf events;
} slot;

struct pool {
    struct ev_loop *loop;
    char *program;
    pool_hooks hooks;
    int grace_s, recycle_runs;
    size_t events_limit;
    buf setup; /* the setup frame, sent to each new worker */
    slot *slots;
    size_t slot_count;
    size_t pending;
    int start_failures;
    char start_failure[200];
    pid_t foreign[POOL_FOREIGN_CHILDREN]; /* children that this process had before: none of ours to judge */
    size_t foreign_count;
};

/* pool.c */
const char *pool_program(const pool *p);
bool pool_is_orphan(const pool *p, pid_t pid); /* a child that nobody knows and that was not there before the pool */

/* pool_end.c: how runs and workers end */
void pool_end_run(slot *s, const run_done *done);
void pool_end_unserved(pool *p, const run_request *request, run_status status, const lb_error *error);
/* A worker that ended, by itself (why NULL) or by us, with or without a run. */
void pool_bury(slot *s, const char *why);

/* pool_frames.c: what workers say. False when it is nonsense. */
LB_MUST_CHECK bool pool_handle_frames(slot *s);

/* pool_slot.c */
LB_MUST_CHECK int slot_start(slot *s, lb_error *err);
void slot_kill(slot *s, int *ret_status); /* the process group, its descendants, and waits for it */
LB_MUST_CHECK int slot_send(slot *s);     /* what stands in out, as far as it goes; -1: the peer is gone */
void slot_clear_run(slot *s);

#endif
