/* sched_fleet.h: a schedule of many tools on many targets. */
#ifndef LBOPS_TESTS_SCHED_FLEET_H
#define LBOPS_TESTS_SCHED_FLEET_H

#include "unit/sched_fake.h"

enum { TARGETS = 1000, TOOLS = 15 };

typedef struct fleet {
    sched_target targets[TARGETS];
    char names[TARGETS][24], tools[TOOLS][24];
    sched_job jobs[TOOLS];
    sched_plan plan;
    sched_pair *pairs;
} fleet;

/* The caller frees the fleet and its pairs. */
static inline fleet *make_fleet(size_t targets, size_t tools, const char *cron, int spread_s)
{
    fleet *all = base_alloc(sizeof *all);
    for (size_t i = 0; i < targets; i++) {
        (void)snprintf(all->names[i], sizeof all->names[i], "p%zu", i); /* fits */
        all->targets[i] = (sched_target){all->names[i], "production"};
    }
    for (size_t i = 0; i < tools; i++) {
        (void)snprintf(all->tools[i], sizeof all->tools[i], "t%zu", i); /* fits */
        all->jobs[i] = (sched_job){.agent = "a", .tool = all->tools[i], .cron = cron};
    }
    all->plan = (sched_plan){.jobs = all->jobs,
                             .job_count = tools,
                             .targets = all->targets,
                             .target_count = targets,
                             .timezone = "UTC",
                             .spread_s = spread_s,
                             .backoff_max_s = 3600,
                             .catch_up = true};
    all->pairs = fake_pairs(&all->plan);
    return all;
}

static inline fleet *free_fleet(fleet *all)
{
    free(all->pairs);
    free(all);
    return NULL;
}

#endif
