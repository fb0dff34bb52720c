/* sched_one.h: a schedule of one tool on one target, and what it came to. */
#ifndef LBOPS_TESTS_SCHED_ONE_H
#define LBOPS_TESTS_SCHED_ONE_H

#include "unit/sched_fake.h"

static LB_UNUSED const sched_target shop = {"shop", "production"};

static inline sched_plan plan_of(const sched_job *jobs, size_t job_count, const sched_target *targets,
                                 size_t target_count)
{
    return (sched_plan){.jobs = jobs,
                        .job_count = job_count,
                        .targets = targets,
                        .target_count = target_count,
                        .timezone = "UTC",
                        .backoff_max_s = 3600,
                        .catch_up = true};
}

/* One job on one target, not spread. */
static inline void load_one(fake *f, const char *cron, const char *timezone)
{
    const sched_job job = {.agent = "a", .tool = "scan", .cron = cron};
    sched_plan plan = plan_of(&job, 1, &shop, 1);
    plan.timezone = timezone;
    LB_AUTO_FREE sched_pair *pairs = fake_pairs(&plan);
    fake_load(f, &plan);
}

static inline void check_start(const fake *f, size_t index, const char *slot, uint32_t missed)
{
    char text[CLOCK_TEXT];
    CU_ASSERT_TRUE_FATAL(index < f->count);
    clock_format(f->starts[index].slot, text);
    if (f->starts[index].slot != at(slot))
        printf("\n    start %zu: got %s, want %s\n", index, text, slot);
    CU_ASSERT_EQUAL(f->starts[index].slot, at(slot));
    CU_ASSERT_EQUAL(f->starts[index].missed, missed);
}

static inline void make_many(sched_target *targets, size_t count, char names[][24])
{
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(names[i], sizeof names[i], "p%zu", i); /* fits */
        targets[i] = (sched_target){names[i], "production"};
    }
}

#endif
