/* A full cycle: each agent's tools in the order that the manifest gives, each on all of its targets at once; the next
 * tool begins when the last target is done. */
#include "desk_internal.h"

#include "log.h"

#define MOST_AT_ONCE 64

typedef struct cycle_step {
    const manifest_agent *agent;
    const manifest_tool *tool;
} cycle_step;

typedef struct cycle_place {
    char *project, *branch; /* NULL: the workspace */
    lb_branch_class branch_class;
} cycle_place;

typedef struct cycle {
    cycle_step *steps;
    size_t step_count, step_capacity, step;
    cycle_place *places;
    size_t place_count, place_capacity, place;
    size_t open;
    int64_t ok, failed, skipped, pending, changes, findings;
    bool is_starting;
} cycle;

static void go_on(desk_call *call);

void desk_cycle_done(desk_call *call)
{
    cycle *c = call->cycle;
    if (!c)
        return;
    for (size_t i = 0; i < c->place_count; i++) {
        free(c->places[i].project);
        free(c->places[i].branch);
    }
    free(c->places);
    free(c->steps);
    free(c);
    call->cycle = NULL;
}

/* ---- what it consists of ---- */

static const manifest_tool *tool_of(const manifest_agent *agent, const char *name)
{
    for (size_t i = 0; i < agent->tool_count; i++)
        if (strcmp(agent->tools[i].name, name) == 0)
            return &agent->tools[i];
    return NULL;
}

static void add_step(cycle *c, const manifest_agent *agent, const manifest_tool *tool)
{
    if (!tool || tool->disabled)
        return;
    BASE_PUSH(c->steps, c->step_count, c->step_capacity);
    c->steps[c->step_count++] = (cycle_step){agent, tool};
}

static bool add_agents(cycle *c, const manifest *m, const char *only)
{
    bool found = false;
    for (size_t i = 0; i < m->agent_count; i++) {
        const manifest_agent *agent = &m->agents[i];
        if (only && strcmp(only, agent->name) != 0)
            continue;
        found = true;
        for (size_t k = 0; agent->cycle && agent->cycle[k]; k++)
            add_step(c, agent, tool_of(agent, agent->cycle[k]));
        for (size_t k = 0; !agent->cycle && k < agent->tool_count; k++)
            add_step(c, agent, &agent->tools[k]);
    }
    return found;
}

static void add_place(void *state, const lb_target *target)
{
    cycle *c = state;
    BASE_PUSH(c->places, c->place_count, c->place_capacity);
    c->places[c->place_count++] =
        (cycle_place){base_strdup(target->project), base_strdup(target->branch), target->branch_class};
}

/* ---- its runs ---- */

static void finish(desk_call *call)
{
    const cycle *c = call->cycle;
    BUF_AUTO result = BUF_INIT((size_t)64 * 1024);
    buf_putc(&result, '{');
    json_member_i64(&result, "runs", c->ok + c->failed + c->skipped + c->pending);
    json_member_i64(&result, "ok", c->ok);
    json_member_i64(&result, "failed", c->failed);
    json_member_i64(&result, "skipped", c->skipped);
    json_member_i64(&result, "pending_approval", c->pending);
    json_member_i64(&result, "changes", c->changes);
    json_member_i64(&result, "findings", c->findings);
    buf_putc(&result, '}');
    int code = c->failed ? 1 : c->pending && json_get_bool(call->request, "strict") ? 3 : 0;
    desk_say(call, "result", buf_text(&result));
    desk_end(call, code);
}

static void on_ended(void *tag, const run_outcome *outcome, const char *document)
{
    desk_call *call = tag;
    cycle *c = call->cycle;
    const run_done *d = &outcome->done;
    c->ok += d->status == RUN_OK;
    c->skipped += d->status == RUN_SKIPPED;
    c->pending += d->status == RUN_PENDING_APPROVAL;
    c->failed += d->status == RUN_FAILED || d->status == RUN_CRASHED || d->status == RUN_TIMEOUT;
    c->changes += d->changes;
    c->findings += d->findings;
    c->open--;
    desk_say(call, "document", document);
    go_on(call);
}

/* It could not begin: said, counted, and the others go on. A tool that nobody has told what to work on is left out. */
static void count_refusal(desk_call *call, const char *tool, const lb_error *error)
{
    BUF_AUTO line = BUF_INIT((size_t)64 * 1024);
    bool is_left_out = error->code == LB_ERR_INVALID || error->code == LB_ERR_SUSPENDED;
    call->cycle->failed += !is_left_out;
    call->cycle->skipped += is_left_out;
    buf_putc(&line, '{');
    json_member_i64(&line, "level", is_left_out ? LB_LOG_WARN : LB_LOG_ERROR);
    json_member_string(&line, "tool", tool);
    json_member_string(&line, "text", error->message);
    buf_putc(&line, '}');
    desk_say(call, "log", buf_text(&line));
}

static void on_refused(void *tag, const char *run_id, const lb_error *error)
{
    desk_call *call = tag;
    (void)run_id;
    call->cycle->open--;
    count_refusal(call, "cycle", error);
    go_on(call);
}

static void start(desk_call *call, const cycle_step *step, const cycle_place *place)
{
    static const run_watcher watcher = {.ended = on_ended, .refused = on_refused};
    lb_error error;
    const run_ask ask = {.tool = step->tool->name,
                         .agent = step->agent->name,
                         .project = place ? place->project : NULL,
                         .branch = place ? place->branch : NULL,
                         .branch_class = place ? place->branch_class : 0,
                         .actor_kind = GATE_PERSON,
                         .actor = call->name ? call->name : call->via,
                         .reason = call->reason ? call->reason : "cycle",
                         .watch = {&watcher, call}};
    call->cycle->open++;
    if (supervisor_run(call->desk->supervisor, &ask, NULL, &error) >= 0)
        return;
    call->cycle->open--;
    count_refusal(call, step->tool->name, &error);
}

/* Starts what may start now; ends the call when there is nothing left. */
static void go_on(desk_call *call)
{
    cycle *c = call->cycle;
    if (c->is_starting)
        return; /* an end that was told while we start the others */
    c->is_starting = true;
    while (c->step < c->step_count && c->open < MOST_AT_ONCE) {
        const cycle_step *step = &c->steps[c->step];
        bool is_workspace = supervisor_is_workspace_tool(call->desk->supervisor, step->tool->name);
        size_t places = is_workspace ? 1 : c->place_count;
        if (c->place < places) {
            start(call, step, is_workspace ? NULL : &c->places[c->place]);
            c->place++;
        } else if (c->open) {
            break; /* the next tool waits for this one's last target */
        } else {
            c->step++;
            c->place = 0;
        }
    }
    c->is_starting = false;
    if (c->step >= c->step_count && !c->open)
        finish(call);
}

static void on_listed(void *tag, const run_outcome *outcome, const char *document)
{
    desk_call *call = tag;
    lb_error error = outcome->done.error;
    if (outcome->done.status != RUN_OK) {
        (void)lb_wrap(&error, "cannot list the branches");
        desk_error(call, &error);
        return;
    }
    targets_each(call->desk->manifest, document, add_place, call->cycle);
    go_on(call);
}

static void on_not_listed(void *tag, const char *run_id, const lb_error *error)
{
    (void)run_id;
    desk_error(tag, error);
}

void desk_cycle(desk_call *call)
{
    static const run_watcher watcher = {.ended = on_listed, .refused = on_not_listed};
    const manifest *m = call->desk->manifest;
    const char *only = json_get_text(call->request, "agent");
    const run_ask ask = {
        .actor_kind = GATE_PERSON, .actor = call->name ? call->name : call->via, .watch = {&watcher, call}};
    lb_error error;
    call->cycle = base_alloc(sizeof *call->cycle);
    if (!add_agents(call->cycle, m, only)) {
        (void)lb_fail(&error, LB_ERR_INVALID, "[agents.NAME] in the manifest says which there are",
                      only ? "there is no agent %.60s" : "the manifest has no agents", only);
        desk_error(call, &error);
    } else if (!targets_have_patterns(m)) {
        targets_each(m, NULL, add_place, call->cycle);
        go_on(call);
    } else if (supervisor_list_targets(call->desk->supervisor, &ask, call->run_id, &error) < 0) {
        desk_error(call, &error);
    }
}
