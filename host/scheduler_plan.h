/* scheduler_plan.h: the plan of a workspace, from its manifest, what the plugins say of themselves and the branches
 * that there are now. [supervisor] */
#ifndef LBOPS_HOST_SCHEDULER_PLAN_H
#define LBOPS_HOST_SCHEDULER_PLAN_H

#include "job.h"
#include "manifest.h"
#include "scheduler.h"

/* What a job's params point to. */
typedef struct sched_params {
    const manifest_tool *tool;         /* the agent's entry: timeout, parameters */
    const manifest_schedule *schedule; /* parameters that go before those; NULL: none */
} sched_params;

typedef struct sched_made sched_made;

/* A plan that owns what it points to, manifest and registry excepted: it lives no longer than they do. `targets`: the
 * branches that there are, patterns resolved; what works on the workspace as a whole needs none. leased: see
 * sched_plan. */
sched_made *sched_made_new(const manifest *m, const registry *r, const sched_target *targets, size_t target_count,
                           bool leased);
const sched_plan *sched_made_plan(const sched_made *made);
sched_made *sched_made_free(sched_made *made);

/* What the end of a run (error_code 0: none), or a run that could not be asked for, is to the schedule. */
sched_outcome sched_outcome_of(run_status status, int error_code);

#endif
