/* A full cycle: the agents' tools, phase by phase and in the order that the manifest gives, each on all of its targets.
 * A job is the same with tools that are named, each on all of its targets before the next, within a time. */
#include "desk_cycle.h"

#include "clock.h"
#include "log.h"
#include "phase.h"
#include "spec.h"

#define REPORT_BYTES ((size_t)4 << 20)

void desk_cycle_done(desk_call *call)
{
    cycle *c = call->cycle;
    if (!c)
        return;
    for (size_t i = 0; i < c->step_count; i++) {
        free(c->steps[i].agent);
        free(c->steps[i].tool);
    }
    cycle_lanes_done(c);
    free(c->steps);
    (void)cycle_memory_free(c->memory); /* gives NULL */
    buf_done(&c->left_out);
    buf_done(&c->not_in_cycle);
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

/* Does it say of itself that it makes branches, or takes them away? */
static bool moves_branches(const plugin_spec *spec)
{
    static const char *const kinds[] = {"branch.created", "branch.deleted", "provisioning.complete"};
    for (char *const *kind = spec->emits; spec->workspace && *kind; kind++)
        for (size_t i = 0; i < LB_COUNT(kinds); i++)
            if (strcmp(*kind, kinds[i]) == 0)
                return true;
    return false;
}

static void add_step(desk_call *call, const char *agent, const char *tool)
{
    cycle *c = call->cycle;
    const plugin_spec *spec = supervisor_spec(call->desk->supervisor, tool);
    BASE_PUSH(c->steps, c->step_count, c->step_capacity);
    c->steps[c->step_count++] = (cycle_step){.agent = base_strdup(agent),
                                             .tool = base_strdup(tool),
                                             .phase = phase_of(call->desk->manifest, agent, tool),
                                             .is_workspace = spec && spec->workspace,
                                             .is_gate = spec && moves_branches(spec)};
}

static void add_entry(desk_call *call, const manifest_agent *agent, const manifest_tool *tool)
{
    if (tool && !tool->disabled)
        add_step(call, agent->name, tool->name);
}

static bool is_in_cycle(const manifest_agent *agent, const manifest_tool *tool)
{
    for (size_t i = 0; agent->cycle && agent->cycle[i]; i++)
        if (strcmp(agent->cycle[i], tool->name) == 0)
            return true;
    return !agent->cycle && !tool->is_helper;
}

/* What an event starts needs no place in a cycle. */
static const char *event_of(const manifest *m, const char *tool)
{
    for (size_t i = 0; i < m->subscription_count; i++)
        if (strcmp(m->subscriptions[i].tool, tool) == 0)
            return m->subscriptions[i].event;
    return NULL;
}

/* What the tool has to be told and nobody has told it, if there is such a parameter. */
static bool find_need(const plugin_spec *spec, const manifest_tool *tool, lb_param *ret_need)
{
    param_rows rows = spec_params(spec);
    for (size_t i = 0; i < params_count(rows); i++) {
        bool is_given = false;
        *ret_need = params_at(rows, i);
        for (size_t k = 0; k < tool->params.count; k++)
            is_given = is_given || strcmp(tool->params.items[k].name, ret_need->name) == 0;
        if (ret_need->required && !is_given)
            return true;
    }
    return false;
}

static void put_why(desk_call *call, const manifest_tool *tool, buf *into)
{
    lb_param need;
    const plugin_spec *spec = supervisor_spec(call->desk->supervisor, tool->name);
    const char *starter = event_of(call->desk->manifest, tool->name);
    const char *when = tool->schedule ? tool->schedule : spec ? spec->schedule : NULL;
    const char *caller = supervisor_caller_of(call->desk->supervisor, tool->name);
    if (tool->disabled)
        buf_puts(into, "the manifest has switched it off");
    else if (!spec)
        buf_puts(into, "its plugin is not here");
    else if (tool->aside)
        buf_puts(into, tool->aside);
    else if (tool->is_helper)
        buf_printf(into, "%s calls it where it is needed", caller ? caller : "another tool");
    else if (starter)
        buf_printf(into, "%s starts it", starter);
    else if (when && *when)
        buf_printf(into, "it has a time of its own: %s", when);
    else if (find_need(spec, tool, &need))
        buf_printf(into, "it needs --%s: %s", need.name, need.doc);
    else if (caller)
        buf_printf(into, "%s calls it where it is needed", caller);
    else
        buf_puts(into, "the agent's cycle leaves it out: it runs by hand");
}

/* Nobody should have to guess why a tool did not run. */
static void note_not_in_cycle(desk_call *call, const manifest_agent *agent)
{
    buf *list = &call->cycle->not_in_cycle;
    for (size_t i = 0; i < agent->tool_count; i++) {
        const manifest_tool *tool = &agent->tools[i];
        BUF_AUTO why = BUF_INIT((size_t)16 * 1024);
        if (is_in_cycle(agent, tool) && !tool->disabled)
            continue;
        put_why(call, tool, &why);
        if (list->length)
            buf_putc(list, ',');
        buf_putc(list, '{');
        json_member_string(list, "tool", tool->name);
        json_member_string(list, "agent", agent->name);
        json_member_bool(list, "helper", tool->is_helper);
        json_member_string(list, "why", buf_text(&why));
        buf_putc(list, '}');
    }
}

/* Phase by phase; what is in the same phase stays in the order of its agents. */
static void order_by_phase(cycle *c)
{
    for (size_t i = 1; i < c->step_count; i++) {
        cycle_step step = c->steps[i];
        size_t k = i;
        for (; k > 0 && c->steps[k - 1].phase > step.phase; k--)
            c->steps[k] = c->steps[k - 1];
        c->steps[k] = step;
    }
}

static bool add_agents(desk_call *call, const char *only)
{
    const manifest *m = call->desk->manifest;
    bool found = false;
    for (size_t i = 0; i < m->agent_count; i++) {
        const manifest_agent *agent = &m->agents[i];
        if (only && strcmp(only, agent->name) != 0)
            continue;
        found = true;
        for (size_t k = 0; agent->cycle && agent->cycle[k]; k++)
            add_entry(call, agent, tool_of(agent, agent->cycle[k]));
        for (size_t k = 0; !agent->cycle && k < agent->tool_count; k++)
            if (!agent->tools[k].is_helper)
                add_entry(call, agent, &agent->tools[k]);
        note_not_in_cycle(call, agent);
    }
    order_by_phase(call->cycle);
    return found;
}

/* The tools of a job. Those that are not here, or that the manifest has switched off, are an error before anything
 * runs. */
static int add_tools(desk_call *call, struct json_object *tools, lb_error *err)
{
    for (size_t i = 0; i < json_object_array_length(tools); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(tools, i)), *agent = NULL;
        const manifest_tool *entry = name ? manifest_find_tool(call->desk->manifest, NULL, name, &agent) : NULL;
        if (!name || !supervisor_has_tool(call->desk->supervisor, name))
            return lb_fail(err, LB_ERR_NOT_FOUND, "install its plugin, or write a job of that name without it",
                           "the job needs the tool %.80s, which is not here", name ? name : "?");
        if (entry && entry->disabled)
            continue;
        add_step(call, agent, name);
        call->cycle->steps[call->cycle->step_count - 1].is_gate = true; /* the next may need what this one leaves */
    }
    return 0;
}

static void add_place(void *state, const lb_target *target)
{
    desk_call *call = state;
    if (!call->cycle->project || strcmp(call->cycle->project, target->project) == 0)
        cycle_add_lane(call, target);
}

/* ---- its end ---- */

/* Where not one tool could begin, a job that looks well would never be looked at. */
static bool did_nothing(const cycle *c)
{
    return c->unbegun && c->unbegun == c->ok + c->failed + c->skipped + c->pending + c->before;
}

static void say_result(desk_call *call)
{
    const cycle *c = call->cycle;
    BUF_AUTO result = BUF_INIT(2 * REPORT_BYTES + (size_t)64 * 1024);
    buf_putc(&result, '{');
    json_member_i64(&result, "runs", c->ok + c->failed + c->skipped + c->pending);
    json_member_i64(&result, "ok", c->ok);
    json_member_i64(&result, "failed", c->failed);
    json_member_i64(&result, "skipped", c->skipped);
    json_member_i64(&result, "pending_approval", c->pending);
    json_member_i64(&result, "changes", c->changes);
    json_member_i64(&result, "findings", c->findings);
    json_member_string(&result, "cycle_id", c->memory ? cycle_memory_id(c->memory) : NULL);
    json_member_i64(&result, "begun_before", c->before);
    json_member_bool(&result, "interrupted", c->is_interrupted);
    buf_printf(&result, ",\"left_out\":[%s]", c->left_out.overflow ? "" : buf_text(&c->left_out));
    buf_printf(&result, ",\"not_in_cycle\":[%s]}", c->not_in_cycle.overflow ? "" : buf_text(&c->not_in_cycle));
    int code = c->failed || c->is_interrupted || did_nothing(c)       ? 1
               : c->pending && json_get_bool(call->request, "strict") ? 3
                                                                      : 0;
    desk_say(call, "result", buf_text(&result));
    desk_end(call, code);
}

static void on_closed(void *tag, const lb_error *error)
{
    if (error)
        log_line(LB_LOG_WARN, "cycle", "that it has ended is not written down: %s", error->message);
    say_result(tag);
}

void cycle_finish(desk_call *call)
{
    if (call->cycle->memory && !call->cycle->is_interrupted)
        cycle_memory_close(call->cycle->memory, on_closed, call);
    else
        say_result(call);
}

/* ---- its beginning ---- */

/* A project that is not there would make a job that does nothing and looks well. From here on there is something to go
 * on with: a cycle that was refused stands before none that was cut short. */
static void begin_runs(desk_call *call)
{
    const cycle *c = call->cycle;
    lb_error error;
    if (!c->project || c->lane_count > 1) {
        if (c->memory && !json_get_bool(call->request, "resume"))
            cycle_memory_open(c->memory, json_get_text(call->request, "agent"));
        cycle_go_on(call);
        return;
    }
    (void)lb_fail(&error, LB_ERR_NOT_FOUND, "[[targets]] name those that are looked after",
                  "there is no project %.100s", c->project);
    desk_error(call, &error);
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
    targets_each(call->desk->manifest, document, add_place, call);
    begin_runs(call);
}

static void on_not_listed(void *tag, const char *run_id, const lb_error *error)
{
    (void)run_id;
    desk_error(tag, error);
}

/* What is to run: a job's tools, or those of the agents. */
static int add_steps(desk_call *call, lb_error *err)
{
    struct json_object *tools = json_get_list(call->request, "tools");
    const char *only = json_get_text(call->request, "agent");
    if (tools)
        return add_tools(call, tools, err);
    if (add_agents(call, only))
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "[agents.NAME] in the manifest says which there are",
                   only ? "there is no agent %.60s" : "the manifest has no agents", only);
}

/* Where it is to run. Patterns are for the control plane to answer; then it goes on when that is known. */
static int add_places(desk_call *call, lb_error *err)
{
    static const run_watcher watcher = {.ended = on_listed, .refused = on_not_listed};
    const manifest *m = call->desk->manifest;
    const run_ask ask = {
        .actor_kind = GATE_PERSON, .actor = call->name ? call->name : call->via, .watch = {&watcher, call}};
    if (targets_have_patterns(m))
        return supervisor_list_targets(call->desk->supervisor, &ask, call->run_id, err);
    targets_each(m, NULL, add_place, call);
    begin_runs(call);
    return 0;
}

static void begin(desk_call *call)
{
    lb_error error;
    if (add_steps(call, &error) < 0 || add_places(call, &error) < 0)
        desk_error(call, &error);
}

/* The cycle that was cut short is known: which runs it had begun, and for which agent it was. */
static void on_recalled(void *tag, const char *agent, const lb_error *error)
{
    desk_call *call = tag;
    if (error) {
        desk_error(call, error);
        return;
    }
    if (agent)
        json_object_object_add(call->request, "agent", json_object_new_string(agent));
    begin(call);
}

void desk_cycle(desk_call *call)
{
    int64_t timeout = json_get_i64(call->request, "timeout_s", 0);
    lb_error error;
    book *b = supervisor_book(call->desk->supervisor);
    bool resumes = json_get_bool(call->request, "resume");
    call->cycle = base_alloc(sizeof *call->cycle);
    call->cycle->project = json_get_text(call->request, "project");
    cycle_add_lane(call, NULL);
    call->cycle->left_out = BUF_INIT(REPORT_BYTES);
    call->cycle->not_in_cycle = BUF_INIT(REPORT_BYTES);
    call->cycle->deadline = timeout > 0 ? clock_monotonic() + timeout * CLOCK_SECOND : 0;
    if (b && !json_get_list(call->request, "tools"))
        call->cycle->memory = cycle_memory_new(book_state(b));
    if (!resumes) {
        begin(call);
    } else if (call->cycle->memory) {
        cycle_memory_recall(call->cycle->memory, on_recalled, call);
    } else {
        (void)lb_fail(&error, LB_ERR_UNSUPPORTED, "begin a new one",
                      "there is no state service that remembers a cycle");
        desk_error(call, &error);
    }
}
