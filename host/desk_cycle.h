/* desk_cycle.h: the inside of a cycle, for its two files: what it consists of, and how its runs follow each other.
 *
 * Every branch goes its own way through the steps, so that a slow one holds up no other; the tools of the workspace go
 * theirs beside them. Only what makes branches or takes them away, and each step of a job, is a gate: it begins when
 * each branch has come as far, and they go on when it has ended. A run that tells of branches has them listed again:
 * new ones begin with the first step, those that have gone end. */
#ifndef LBOPS_HOST_DESK_CYCLE_H
#define LBOPS_HOST_DESK_CYCLE_H

#include "cycle_memory.h"
#include "desk_internal.h"

/* Copies: the manifest may be read again meanwhile. */
typedef struct cycle_step {
    char *agent, *tool; /* agent NULL: none has it, and it runs as it describes itself */
    size_t phase;
    bool is_workspace, is_gate;
} cycle_step;

/* A branch, or the workspace (project NULL), on its way through the steps. */
typedef struct cycle_lane {
    desk_call *call;
    char *project, *branch;
    lb_branch_class branch_class;
    size_t step;          /* the one that runs or comes next */
    char run_id[ID_TEXT]; /* of the one that runs */
    bool is_busy, is_seen;
} cycle_lane;

typedef struct cycle {
    cycle_step *steps;
    size_t step_count, step_capacity;
    cycle_lane **lanes; /* the first is the workspace's */
    size_t lane_count, lane_capacity;
    const char *project; /* only that one's branches; NULL: all */
    size_t open;
    int64_t ok, failed, skipped, pending, changes, findings;
    int64_t unbegun; /* of the skipped: what nobody has told what to work on, and what is suspended */
    bool is_starting, is_listing, is_stale, is_over;
    bool is_interrupted;  /* somebody has ended it: it can be resumed */
    int64_t deadline;     /* on the monotonic clock; 0: none */
    cycle_memory *memory; /* NULL: a job, or there is no state service */
    int64_t before;       /* runs that this cycle had begun before it was cut short */
    buf left_out;         /* what did not begin, and why, as JSON */
    buf not_in_cycle;     /* what the agents have and their cycles do not, and why, as JSON */
} cycle;

/* desk_cycle.c */
void cycle_finish(desk_call *call);

/* desk_cycle_runs.c */
void cycle_add_lane(desk_call *call, const lb_target *target); /* NULL: the workspace; a branch that has one keeps it */
void cycle_lanes_done(cycle *c);
void cycle_go_on(desk_call *call);

#endif
