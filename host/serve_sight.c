/* Places that the schedule has stopped to look at: what could not be seen there is no trouble any more (unseen.h). */
#include "serve_internal.h"

bool serve_is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

static bool looks(void *state, const char *tool, const char *project, const char *branch)
{
    const serve *s = state;
    const sched_plan *plan = sched_made_plan(s->plan);
    for (size_t i = 0; i < plan->pair_count; i++) {
        const sched_target *at = &plan->targets[plan->pairs[i].target];
        if ((!tool || strcmp(plan->jobs[plan->pairs[i].job].tool, tool) == 0) && serve_is_same(at->project, project) &&
            serve_is_same(at->branch, branch))
            return true;
    }
    return false;
}

/* Which branches there are. */
static bool knows_targets(const serve *s)
{
    return s->plan && (s->listing || !targets_have_patterns(s->manifest));
}

/* Where hosts share targets, each speaks of its own, */
static bool looks_or_is_others(void *state, const char *tool, const char *project, const char *branch)
{
    const serve *s = state;
    const serve_target *t = serve_find_target(s, project, branch);
    return !t || !t->is_ours || looks(state, tool, project, branch);
}

/* and of a place that is nobody's any more, who gets its lease. */
static bool leaves(void *state, const char *tool, const char *project, const char *branch)
{
    serve *s = state;
    if (!serve_find_target(s, project, branch) && !looks(s, tool, project, branch))
        serve_lease_leave(s, project, branch);
    return true; /* not yet */
}

/* What could not be seen and is not looked at any more is no trouble any more. */
void serve_forget_others(serve *s)
{
    if (!knows_targets(s))
        return;
    supervisor_looks_only(s->supervisor, s->is_leased ? looks_or_is_others : looks, s);
    if (s->is_leased)
        supervisor_looks_only(s->supervisor, leaves, s);
}

typedef struct one_place {
    serve *serve;
    const char *project, *branch;
} one_place;

static bool looks_or_is_elsewhere(void *state, const char *tool, const char *project, const char *branch)
{
    const one_place *at = state;
    return !serve_is_same(at->project, project) || !serve_is_same(at->branch, branch) ||
           looks(at->serve, tool, project, branch);
}

void serve_forget_at(serve *s, const char *project, const char *branch)
{
    one_place at = {s, project, branch};
    if (knows_targets(s))
        supervisor_looks_only(s->supervisor, looks_or_is_elsewhere, &at);
}
