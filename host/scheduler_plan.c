#include "scheduler_plan.h"

#include "pattern.h"

#define WORKSPACE 0 /* the first of the targets */

struct sched_made {
    const manifest *m;
    const registry *r;
    sched_plan plan;
    sched_job *jobs;
    sched_params *params; /* of the job with the same number */
    char **variants;      /* likewise; NULL where it is the schedule's own name or there is none */
    sched_target *targets;
    sched_pair *pairs;
    sched_window *windows;
    size_t job_count, job_room, pair_count, pair_room, target_count;
};

/* ---- jobs ---- */

static int compare_params(const void *a, const void *b)
{
    return strcmp(((const manifest_param *)a)->name, ((const manifest_param *)b)->name);
}

/* What tells a schedule without a name from the tool's others: its parameters, whatever their order. */
static char *variant_of(const manifest_params *params)
{
    manifest_param *sorted = base_alloc((params->count + 1) * sizeof *sorted);
    BUF_AUTO text = BUF_INIT(SIZE_MAX / 2);
    for (size_t i = 0; i < params->count; i++)
        sorted[i] = params->items[i];
    if (params->count > 1)
        qsort(sorted, params->count, sizeof *sorted, compare_params);
    for (size_t i = 0; i < params->count; i++)
        buf_printf(&text, "%zu:%s=%zu:%s;", strlen(sorted[i].name), sorted[i].name, strlen(sorted[i].text),
                   sorted[i].text);
    free(sorted);
    return base_printf("%016llx", (unsigned long long)sched_hash(buf_text(&text)));
}

static bool matches(const char *pattern, const char *name)
{
    return !pattern || pattern_matches(pattern, name);
}

static void add_pair(sched_made *made, size_t job, size_t target)
{
    BASE_PUSH(made->pairs, made->pair_count, made->pair_room);
    made->pairs[made->pair_count++] = (sched_pair){(uint32_t)job, (uint32_t)target};
}

static void add_pairs(sched_made *made, size_t job, bool workspace, const char *project, const char *branch)
{
    if (workspace)
        add_pair(made, job, WORKSPACE);
    for (size_t i = WORKSPACE + 1; !workspace && i < made->target_count; i++)
        if (matches(project, made->targets[i].project) && matches(branch, made->targets[i].branch))
            add_pair(made, job, i);
}

/* A job for a tool that runs; its number, or SIZE_MAX when the tool does not (the manifest's check says why). */
static size_t add_job(sched_made *made, const sched_job *job, const sched_params *params, char *variant)
{
    size_t room = made->job_room;
    BASE_PUSH(made->jobs, made->job_count, made->job_room);
    if (made->job_room != room) {
        made->params = base_grow(made->params, made->job_room * sizeof *made->params);
        made->variants = base_grow(made->variants, made->job_room * sizeof *made->variants);
    }
    made->jobs[made->job_count] = *job;
    made->params[made->job_count] = *params;
    made->variants[made->job_count] = variant;
    return made->job_count++;
}

static void add_own_schedule(sched_made *made, const manifest_agent *agent, const manifest_tool *tool)
{
    const plugin_spec *spec = registry_find(made->r, LB_KIND_TOOL, tool->name);
    const char *schedule = tool->schedule ? tool->schedule : spec ? spec->schedule : NULL;
    if (!spec || tool->disabled || !schedule || !*schedule)
        return;
    const sched_job job = {.agent = agent->name, .tool = tool->name, .cron = schedule, .window = tool->window};
    const sched_params params = {.tool = tool};
    add_pairs(made, add_job(made, &job, &params, NULL), spec->workspace, NULL, NULL);
}

static void add_schedule(sched_made *made, const manifest_schedule *schedule)
{
    const char *agent = schedule->agent;
    const manifest_tool *tool = manifest_find_tool(made->m, schedule->agent, schedule->tool, &agent);
    const plugin_spec *spec = registry_find(made->r, LB_KIND_TOOL, schedule->tool);
    if (!tool || !spec || tool->disabled)
        return;
    char *variant = schedule->name ? NULL : variant_of(&schedule->params);
    const sched_job job = {.agent = agent,
                           .tool = schedule->tool,
                           .variant = schedule->name ? schedule->name : variant,
                           .cron = schedule->cron,
                           .window = schedule->window};
    const sched_params params = {.tool = tool, .schedule = schedule};
    add_pairs(made, add_job(made, &job, &params, variant), spec->workspace, schedule->project, schedule->branch);
}

/* ---- targets and windows ---- */

static void add_targets(sched_made *made, const sched_target *targets, size_t count)
{
    made->targets = base_alloc((count + 1) * sizeof *made->targets);
    for (size_t i = 0; i < count; i++)
        made->targets[i + 1] = (sched_target){base_strdup(targets[i].project), base_strdup(targets[i].branch)};
    made->target_count = count + 1; /* the first one is the workspace */
}

static void add_windows(sched_made *made)
{
    const manifest *m = made->m;
    made->windows = base_alloc((m->window_count + 1) * sizeof *made->windows);
    for (size_t i = 0; i < m->window_count; i++) {
        const manifest_window *from = &m->windows[i];
        made->windows[i] = (sched_window){.name = from->name,
                                          .opens = from->opens,
                                          .timezone = from->timezone,
                                          .project = from->project,
                                          .branch = from->branch,
                                          .lasts_min = from->lasts_min,
                                          .pause = from->kind == MANIFEST_PAUSE};
    }
}

/* ---- the whole ---- */

static void finish(sched_made *made)
{
    const manifest *m = made->m;
    for (size_t i = 0; i < made->job_count; i++)
        made->jobs[i].params = &made->params[i]; /* they move no more */
    made->plan = (sched_plan){.jobs = made->jobs,
                              .targets = made->targets,
                              .pairs = made->pairs,
                              .windows = made->windows,
                              .job_count = made->job_count,
                              .target_count = made->target_count,
                              .pair_count = made->pair_count,
                              .window_count = m->window_count,
                              .timezone = m->timezone,
                              .spread_s = m->schedule.spread_s,
                              .backoff_max_s = m->schedule.backoff_max_s,
                              .catch_up = m->schedule.catch_up != MANIFEST_CATCH_UP_NEVER};
}

sched_made *sched_made_new(const manifest *m, const registry *r, const sched_target *targets, size_t target_count,
                           bool leased)
{
    sched_made *made = base_alloc(sizeof *made);
    made->m = m;
    made->r = r;
    add_targets(made, targets, target_count);
    add_windows(made);
    for (size_t i = 0; i < m->agent_count; i++)
        for (size_t k = 0; k < m->agents[i].tool_count; k++)
            add_own_schedule(made, &m->agents[i], &m->agents[i].tools[k]);
    for (size_t i = 0; i < m->schedule_count; i++)
        add_schedule(made, &m->schedules[i]);
    finish(made);
    made->plan.leased = leased;
    return made;
}

const sched_plan *sched_made_plan(const sched_made *made)
{
    return &made->plan;
}

sched_made *sched_made_free(sched_made *made)
{
    if (!made)
        return NULL;
    for (size_t i = 0; i < made->job_count; i++)
        free(made->variants[i]);
    for (size_t i = 1; i < made->target_count; i++) {
        base_free(&made->targets[i].project);
        base_free(&made->targets[i].branch);
    }
    free(made->jobs);
    free(made->params);
    free(made->variants);
    free(made->targets);
    free(made->pairs);
    free(made->windows);
    free(made);
    return NULL;
}

sched_outcome sched_outcome_of(run_status status, int error_code)
{
    switch (status) {
    case RUN_OK:
        return SCHED_OK;
    case RUN_SKIPPED:
        return SCHED_SKIPPED;
    case RUN_PENDING_APPROVAL:
        return SCHED_PENDING;
    default:
        break;
    }
    switch (error_code) {
    case LB_ERR_UNREACHABLE:
        return SCHED_UNREACHABLE;
    case LB_ERR_CANCELLED: /* somebody stopped it: no fault of its own */
        return SCHED_CANCELLED;
    case LB_ERR_SUSPENDED: /* the tool is, or the compute sleeps */
        return SCHED_SKIPPED;
    case LB_ERR_APPROVAL:
        return SCHED_PENDING;
    default:
        return SCHED_FAILED;
    }
}
