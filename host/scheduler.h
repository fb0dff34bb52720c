/* scheduler.h: which tool is due on which target, and when. Pure logic: the time is passed in, what is due comes out by
 * a hook, and what became of it is told back. Nothing here blocks, does I/O or knows of the loop. [supervisor]
 *
 * A slot is a time that a cron expression names. Its run is due a little later: an offset from a hash of tool and
 * target spreads the runs of one cron over its targets, always the same for the same two. Slots that pass while a run
 * cannot start (it still runs, a window is closed, we were asleep) become one run, never several. */
#ifndef LBOPS_HOST_SCHEDULER_H
#define LBOPS_HOST_SCHEDULER_H

#include "buf.h"
#include "clock.h"

#define SCHED_KEY            512                 /* longest key and its NUL */
#define SCHED_NONE           INT64_MIN           /* no such time */
#define SCHED_WAIT           (10 * CLOCK_SECOND) /* the longest time between two ticks: how soon a clock that jumps is seen */
#define SCHED_LATE           (2 * CLOCK_SECOND) /* a start later than that is caught up in turn, not with all others at once */
#define SCHED_CATCH_UP_PER_S 50                 /* starts a second of what is caught up */

typedef struct sched sched;

/* Both clocks, read together. */
typedef struct sched_time {
    int64_t wall, monotonic; /* clock_now(), clock_monotonic() */
} sched_time;

/* ---- what is to run ---- */

/* One tool with one cron; runs on many targets. */
typedef struct sched_job {
    const char *agent, *tool;
    const char *variant; /* tells several schedules of one tool apart; NULL: the tool's own */
    const char *cron;    /* five fields, in the plan's zone */
    const char *window;  /* runs inside windows of this name only; NULL: at any time */
    const void *params;  /* the caller's, handed back with each start; lives until the next plan is loaded */
} sched_job;

typedef struct sched_target {
    const char *project, *branch; /* both NULL: the workspace */
} sched_target;

typedef struct sched_pair {
    uint32_t job, target; /* indices */
} sched_pair;

typedef struct sched_window {
    const char *name;             /* several of one name: open where one of them is */
    const char *opens;            /* cron */
    const char *timezone;         /* NULL: the plan's */
    const char *project, *branch; /* patterns; NULL: all */
    int lasts_min;
    bool pause; /* nothing starts on matching targets while it is open; else jobs that name it start only then */
} sched_window;

typedef struct sched_plan {
    const sched_job *jobs;
    const sched_target *targets;
    const sched_pair *pairs; /* each pair once; a key that comes twice: the first stands */
    const sched_window *windows;
    size_t job_count, target_count, pair_count, window_count;
    const char *timezone;
    int spread_s;      /* how far the runs of one cron are spread, at most its period */
    int backoff_max_s; /* most time between two starts of what keeps failing, unless its own period is longer */
    bool catch_up;     /* what was missed runs once, late; else it is passed over */
    bool leased;       /* a new target is not ours until sched_lease says so */
} sched_plan;

/* ---- what comes out ---- */

typedef struct sched_start {
    const char *key; /* "agent/tool@project/branch", "agent/tool:variant@..."; stable, names the entry ever after */
    const char *agent, *tool, *variant, *project, *branch;
    const void *params;
    int64_t slot;          /* the time the cron names; the latest one when several were missed */
    int64_t previous_slot; /* of the run before, or SCHED_NONE: what a claim in a shared store is compared with */
    int64_t due;           /* slot and offset, or when it was let go */
    int64_t period;        /* the shortest time between two of its slots, in microseconds */
    uint32_t missed;       /* slots that this run stands for besides its own */
} sched_start;

typedef struct sched_hooks {
    void *state;
    /* The entry counts as running from here until sched_ended is called with its key. False: it cannot start now, ask
     * again in a second; nothing is used up. All pointers are valid during the call only. May not call back into the
     * scheduler, sched_ended excepted. */
    bool (*start)(void *state, const sched_start *start);
    /* The wall clock went by that much more (or less) than time did. May not call back. */
    void (*clock_jumped)(void *state, int64_t microseconds);
} sched_hooks;

typedef enum sched_outcome {
    SCHED_NEVER_RAN = 0,
    SCHED_OK,
    SCHED_FAILED,      /* timeouts and crashes too: the entry backs off */
    SCHED_UNREACHABLE, /* the target backs off: all of its entries */
    SCHED_SKIPPED,
    SCHED_PENDING, /* waits for approval */
    SCHED_CANCELLED,
    SCHED_ELSEWHERE /* another host had claimed the slot */
} sched_outcome;

const char *sched_outcome_name(sched_outcome outcome);

/* The hash that offsets come from: the same on every machine and for ever. */
uint64_t sched_hash(const char *text);

/* ---- its life ---- */

sched *sched_new(const sched_hooks *hooks);
sched *sched_free(sched *s);

/* Replaces what is to run. Entries with the same key keep what is known of them (running, last run, back-off; their
 * place in time if the cron is the same); those that are gone start no more. On an error nothing has changed. */
LB_MUST_CHECK int sched_load(sched *s, const sched_plan *plan, sched_time now, lb_error *err);

/* What a store remembers of an entry's last run: told after sched_load and before its first tick (or before its target
 * becomes ours). What came due since is caught up. False: no such entry. */
typedef struct sched_memory {
    int64_t slot;
    int64_t started_at, ended_at; /* or SCHED_NONE */
    sched_outcome outcome;
    uint32_t failures; /* in a row */
} sched_memory;
bool sched_remember(sched *s, const char *key, const sched_memory *memory, sched_time now);
bool sched_recall(const sched *s, const char *key, sched_memory *ret_memory);

/* Starts what is due. Returns how many have started. */
size_t sched_tick(sched *s, sched_time now);

/* How long from now until the next tick is wanted, in microseconds: 0 to SCHED_WAIT. For a timer of the monotonic
 * clock, so that a wall clock that jumps back cannot silence it. Ask again after any other call. */
int64_t sched_wait(const sched *s, sched_time now);

/* why: what is shown for a failure; may be NULL. False: no such entry runs. */
bool sched_ended(sched *s, const char *key, sched_outcome outcome, const char *why, sched_time now);

/* Is the target ours to act on? What it missed while it was not is caught up when it becomes so: tell with
 * sched_remember first what others have done meanwhile. False: no such target. */
bool sched_lease(sched *s, const char *project, const char *branch, bool ours, sched_time now);

/* ---- what is shown ---- */

typedef enum sched_reason {
    SCHED_IN_TIME = 0, /* waits for its time */
    SCHED_RUNNING,
    SCHED_CATCHING_UP,   /* missed, in turn */
    SCHED_BACKING_OFF,   /* failed */
    SCHED_TARGET_DOWN,   /* the target cannot be reached */
    SCHED_WINDOW_CLOSED, /* runs only in a window */
    SCHED_PAUSED,        /* a pause is on */
    SCHED_NOT_OURS,      /* another host has the target */
    SCHED_NO_WINDOW,     /* no window of that name is for this target: never */
    SCHED_REFUSED        /* could not start, asked again shortly */
} sched_reason;

const char *sched_reason_name(sched_reason reason);

typedef struct sched_status {
    const char *key, *agent, *tool, *variant, *project, *branch, *cron, *window;
    sched_reason reason;
    int64_t next_at;                                   /* when it starts next as far as is known, or SCHED_NONE */
    int64_t slot;                                      /* that it then runs for */
    int64_t last_slot, last_started_at, last_ended_at; /* or SCHED_NONE */
    sched_outcome last_outcome;
    bool running, waits;     /* waits: its time has come, the reason holds it */
    uint32_t failures;       /* in a row; of the target where that is what holds it */
    const char *why;         /* of the last failure, or NULL */
    uint64_t starts, missed; /* since it was loaded first; missed: slots that had no run of their own */
} sched_status;

/* In the order of the plan. Pointers are valid during the call. */
void sched_each(const sched *s, sched_time now, void (*each)(void *state, const sched_status *status), void *state);

typedef struct sched_totals {
    size_t entries, running, waiting, backing_off, targets_down;
    uint64_t starts, missed, jumps;
    int64_t latest_start; /* longest time between due and start, of those that were not caught up */
    size_t memory;        /* bytes that entries, targets and jobs take */
} sched_totals;
void sched_count(const sched *s, sched_totals *ret_totals);

#endif
