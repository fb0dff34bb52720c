/* scheduler_internal.h: what the scheduler's own files share. [supervisor] */
#ifndef LBOPS_HOST_SCHEDULER_INTERNAL_H
#define LBOPS_HOST_SCHEDULER_INTERNAL_H

#include "cron.h"
#include "scheduler.h"

#define NEVER   INT64_MAX
#define NOBODY  UINT32_MAX
#define NO_HEAP UINT32_MAX

/* A job of the plan, with its cron's times around the last one that was asked for: a thousand targets ask in turn. */
typedef struct job {
    char *agent, *tool, *variant, *cron_text, *window;
    const void *params;
    cron cron;
    int64_t period, spread; /* microseconds */
    int64_t floor_slot, next_slot;
    int64_t count_from, count_to; /* and how many slots lay between when that was asked last */
    uint32_t counted;
} job;

typedef struct target {
    char *project, *branch;
    uint32_t first; /* entry, or NOBODY */
    uint32_t probe; /* the entry that tries whether it is back, or NOBODY */
    uint32_t failures;
    int64_t hold_until;       /* wall clock */
    int64_t failed_monotonic; /* when its last failure was counted */
    char *why;
    bool ours;
} target;

typedef struct window {
    char *name, *project, *branch;
    cron opens;
    zone *zone;
    int64_t lasts;
    bool pause;
    bool is_open; /* from valid_from until valid_until */
    int64_t valid_from, valid_until;
} window;

typedef struct entry {
    int64_t due;     /* when it is looked at next; NEVER: when something else happens */
    int64_t slot;    /* the next one of its cron that has not come yet, offset counted in */
    int64_t pending; /* the latest one that has come and not been run, or SCHED_NONE */
    int64_t last_slot, last_started_at, last_ended_at, started_monotonic;
    int64_t hold_until; /* back-off, or 0 */
    char *why;
    uint64_t hash;
    uint32_t starts, missed, pending_missed, failures;
    uint32_t job, target, sibling; /* sibling: the next entry of the target, or NOBODY */
    uint32_t heap_at, offset_ms;
    uint8_t outcome, reason;
    bool running;
    bool excused; /* waited for a window: not late, and never passed over */
    bool in_turn; /* starts with what is caught up, even if it is not late */
} entry;

/* A run whose entry a reload took away. */
typedef struct ghost {
    char *key;
    uint32_t target; /* or NOBODY */
    int64_t started_monotonic;
} ghost;

typedef struct heap_item {
    int64_t due;
    uint32_t entry;
} heap_item;

/* Everything that a plan brings; replaced as a whole. */
typedef struct table {
    job *jobs;
    target *targets;
    window *windows;
    entry *entries;
    size_t job_count, target_count, window_count, entry_count;
    heap_item *heap;
    size_t heap_count;
    uint32_t *keys; /* entries by hash, open addressing; NOBODY: free */
    size_t key_mask;
    uint32_t *names; /* targets, likewise */
    size_t name_mask;
    zone *zone;
    char *timezone;
    int64_t spread, backoff_max;
    bool catch_up, leased;
} table;

struct sched {
    sched_hooks hooks;
    table t;
    ghost *ghosts;
    size_t ghost_count, ghost_capacity;
    int64_t drift; /* wall clock minus monotonic clock, as last seen */
    bool has_drift;
    int64_t queue_end; /* when the last of what is caught up starts */
    uint64_t starts, missed, jumps;
    int64_t latest_start;
};

/* scheduler.c: one entry and its time */
void sched_see_clock(sched *s, sched_time now);                  /* first of all in every call that is told the time */
void sched_reset_slot(const sched *s, entry *e, sched_time now); /* the next slot that may run */
void sched_back_off(sched *s, entry *e, sched_time now);         /* after `failures` in a row */
int64_t sched_regular_due(const entry *e);
uint32_t sched_find(const table *t, const char *key); /* or NOBODY */

/* scheduler_heap.c */
void heap_set(table *t, uint32_t entry); /* by its due */
void heap_rebuild(table *t);

/* scheduler_job.c: times of a cron, remembered */
int64_t job_floor(const table *t, job *j, int64_t at); /* the latest slot at or before `at`, or SCHED_NONE */
int64_t job_next(const table *t, job *j, int64_t after);
uint32_t job_count(const table *t, job *j, int64_t after, int64_t until); /* slots in (after, until] */

/* scheduler_window.c: may it start now? NEVER: not as things are; 0: yes; else when to ask again. */
int64_t window_hold(sched *s, const entry *e, int64_t now, sched_reason *ret_reason);

/* scheduler_load.c */
void table_done(table *t);
uint32_t target_find(const table *t, const char *project, const char *branch); /* or NOBODY */
size_t sched_write_key(const table *t, const entry *e, char key[SCHED_KEY]);

#endif
