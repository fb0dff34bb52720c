/* A full cycle: each agent's tools in the order that the manifest gives, each on all of its targets at once; the next
 * tool begins when the last target is done. A job is the same with tools that are named, within a time. */
#include "cycle_memory.h"
#include "desk_internal.h"

#include "clock.h"
#include "log.h"

#define MOST_AT_ONCE 64
#define REPORT_BYTES ((size_t)4 << 20)

/* Copies: the manifest may be read again meanwhile. */
typedef struct cycle_step {
    char *agent, *tool; /* agent NULL: none has it, and it runs as it describes itself */
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
    const char *project; /* only that one's branches; NULL: all */
    size_t open;
    int64_t ok, failed, skipped, pending, changes, findings;
    int64_t unbegun; /* of the skipped: what nobody has told what to work on, and what is suspended */
    bool is_starting;
    int64_t deadline;     /* on the monotonic clock; 0: none */
    cycle_memory *memory; /* NULL: a job, or there is no state service */
    int64_t before;       /* runs that this cycle had begun before it was cut short */
    buf left_out;         /* what did not begin, and why, as JSON */
    buf not_in_cycle;     /* what the agents have and their cycles do not, and why, as JSON */
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
    for (size_t i = 0; i < c->step_count; i++) {
        free(c->steps[i].agent);
        free(c->steps[i].tool);
    }
    free(c->places);
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

static void add_step(cycle *c, const char *agent, const char *tool)
{
    BASE_PUSH(c->steps, c->step_count, c->step_capacity);
    c->steps[c->step_count++] = (cycle_step){base_strdup(agent), base_strdup(tool)};
}

static void add_entry(cycle *c, const manifest_agent *agent, const manifest_tool *tool)
{
    if (tool && !tool->disabled)
        add_step(c, agent->name, tool->name);
}

static bool is_in_cycle(const manifest_agent *agent, const char *tool)
{
    for (size_t i = 0; agent->cycle && agent->cycle[i]; i++)
        if (strcmp(agent->cycle[i], tool) == 0)
            return true;
    return !agent->cycle;
}

/* Nobody should have to guess why a tool did not run. */
static void note_not_in_cycle(cycle *c, const manifest_agent *agent)
{
    for (size_t i = 0; i < agent->tool_count; i++) {
        const manifest_tool *tool = &agent->tools[i];
        if (is_in_cycle(agent, tool->name) && !tool->disabled)
            continue;
        if (c->not_in_cycle.length)
            buf_putc(&c->not_in_cycle, ',');
        buf_putc(&c->not_in_cycle, '{');
        json_member_string(&c->not_in_cycle, "tool", tool->name);
        json_member_string(&c->not_in_cycle, "agent", agent->name);
        json_member_string(&c->not_in_cycle, "why",
                           tool->disabled
                               ? "the manifest has switched it off"
                               : "the agent's cycle leaves it out: it runs by schedule, by event or by hand");
        buf_putc(&c->not_in_cycle, '}');
    }
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
            add_entry(c, agent, tool_of(agent, agent->cycle[k]));
        for (size_t k = 0; !agent->cycle && k < agent->tool_count; k++)
            add_entry(c, agent, &agent->tools[k]);
        note_not_in_cycle(c, agent);
    }
    return found;
}

/* The tools of a job. Those that are not here, or that the manifest has switched off, are an error before anything
 * runs. */
static int add_tools(desk_call *call, struct json_object *tools, lb_error *err)
{
    cycle *c = call->cycle;
    for (size_t i = 0; i < json_object_array_length(tools); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(tools, i)), *agent = NULL;
        const manifest_tool *entry = name ? manifest_find_tool(call->desk->manifest, NULL, name, &agent) : NULL;
        if (!name || !supervisor_has_tool(call->desk->supervisor, name))
            return lb_fail(err, LB_ERR_NOT_FOUND, "install its plugin, or write a job of that name without it",
                           "the job needs the tool %.80s, which is not here", name ? name : "?");
        if (!entry || !entry->disabled)
            add_step(c, agent, name);
    }
    return 0;
}

static void add_place(void *state, const lb_target *target)
{
    cycle *c = state;
    if (c->project && strcmp(c->project, target->project) != 0)
        return;
    BASE_PUSH(c->places, c->place_count, c->place_capacity);
    c->places[c->place_count++] =
        (cycle_place){base_strdup(target->project), base_strdup(target->branch), target->branch_class};
}

/* ---- its runs ---- */

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
    buf_printf(&result, ",\"left_out\":[%s]", c->left_out.overflow ? "" : buf_text(&c->left_out));
    buf_printf(&result, ",\"not_in_cycle\":[%s]}", c->not_in_cycle.overflow ? "" : buf_text(&c->not_in_cycle));
    int code = c->failed || did_nothing(c) ? 1 : c->pending && json_get_bool(call->request, "strict") ? 3 : 0;
    desk_say(call, "result", buf_text(&result));
    desk_end(call, code);
}

static void on_closed(void *tag, const lb_error *error)
{
    if (error)
        log_line(LB_LOG_WARN, "cycle", "that it has ended is not written down: %s", error->message);
    say_result(tag);
}

static void finish(desk_call *call)
{
    if (call->cycle->memory)
        cycle_memory_close(call->cycle->memory, on_closed, call);
    else
        say_result(call);
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

static void note_refusal(buf *list, const char *tool, const lb_error *error, bool is_failure)
{
    if (list->length)
        buf_putc(list, ',');
    buf_putc(list, '{');
    json_member_string(list, "tool", tool);
    json_member_bool(list, "failed", is_failure);
    json_member_string(list, "code", error_name(error->code));
    json_member_string(list, "message", error->message);
    json_member_string(list, "hint", error->hint[0] ? error->hint : NULL);
    buf_putc(list, '}');
}

/* It could not begin: said, counted, and the others go on. A tool that nobody has told what to work on is left out. */
static void count_refusal(desk_call *call, const char *tool, const lb_error *error)
{
    BUF_AUTO line = BUF_INIT((size_t)64 * 1024);
    bool is_left_out = error->code == LB_ERR_INVALID || error->code == LB_ERR_SUSPENDED;
    call->cycle->failed += !is_left_out;
    call->cycle->skipped += is_left_out;
    call->cycle->unbegun += is_left_out;
    note_refusal(&call->cycle->left_out, tool, error, !is_left_out);
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
    if (error->code == LB_ERR_CONFLICT && call->cycle->memory)
        call->cycle->before++; /* somebody else goes on with the same cycle, and has begun it */
    else
        count_refusal(call, "cycle", error);
    go_on(call);
}

/* What is left of a job's time, in seconds; 0: no limit. */
static uint32_t time_left(const cycle *c)
{
    int64_t left = c->deadline - clock_monotonic();
    return !c->deadline ? 0 : left > CLOCK_SECOND ? (uint32_t)(left / CLOCK_SECOND) : 1;
}

static void start(desk_call *call, const cycle_step *step, const cycle_place *place)
{
    static const run_watcher watcher = {.ended = on_ended, .refused = on_refused};
    lb_error error;
    lb_state_op claim;
    cycle *c = call->cycle;
    const char *job = json_get_text(call->request, "job");
    const char *project = place ? place->project : NULL, *branch = place ? place->branch : NULL;
    LB_AUTO_FREE char *key = cycle_memory_key(c->memory, step->agent, step->tool, project, branch);
    if (cycle_memory_has(c->memory, key)) {
        c->before++;
        return;
    }
    cycle_memory_claim(key, &claim);
    const run_ask ask = {.tool = step->tool,
                         .agent = step->agent,
                         .most_s = time_left(c),
                         .project = project,
                         .branch = branch,
                         .branch_class = place ? place->branch_class : 0,
                         .actor_kind = job ? GATE_SCHEDULE : GATE_PERSON,
                         .actor = job          ? job
                                  : call->name ? call->name
                                               : call->via,
                         .reason = call->reason ? call->reason
                                   : job        ? "job"
                                                : "cycle",
                         .claims = c->memory ? &claim : NULL,
                         .claim_count = c->memory ? 1 : 0,
                         .watch = {&watcher, call}};
    c->open++;
    if (supervisor_run(call->desk->supervisor, &ask, NULL, &error) >= 0)
        return;
    c->open--;
    count_refusal(call, step->tool, &error);
}

/* The job's time is over: what has not begun does not, and that is a failure. */
static void pass_over_rest(desk_call *call)
{
    lb_error error;
    cycle *c = call->cycle;
    for (; c->step < c->step_count; c->step++) {
        (void)lb_fail(&error, LB_ERR_TIMEOUT, "give the job more time", "the job's time was over before %s",
                      c->steps[c->step].tool);
        count_refusal(call, c->steps[c->step].tool, &error);
    }
}

/* Starts what may start now; ends the call when there is nothing left. */
static void go_on(desk_call *call)
{
    cycle *c = call->cycle;
    if (c->is_starting)
        return; /* an end that was told while we start the others */
    c->is_starting = true;
    while (c->step < c->step_count && c->open < MOST_AT_ONCE) {
        if (c->deadline && clock_monotonic() >= c->deadline) {
            pass_over_rest(call);
            break;
        }
        const cycle_step *step = &c->steps[c->step];
        bool is_workspace = supervisor_is_workspace_tool(call->desk->supervisor, step->tool);
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

/* A project that is not there would make a job that does nothing and looks well. */
static void begin_runs(desk_call *call)
{
    const cycle *c = call->cycle;
    lb_error error;
    if (!c->project || c->place_count) {
        go_on(call);
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
    targets_each(call->desk->manifest, document, add_place, call->cycle);
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
    if (add_agents(call->cycle, call->desk->manifest, only))
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
    targets_each(m, NULL, add_place, call->cycle);
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
    call->cycle->left_out = BUF_INIT(REPORT_BYTES);
    call->cycle->not_in_cycle = BUF_INIT(REPORT_BYTES);
    call->cycle->deadline = timeout > 0 ? clock_monotonic() + timeout * CLOCK_SECOND : 0;
    if (b && !json_get_list(call->request, "tools"))
        call->cycle->memory = cycle_memory_new(book_state(b));
    if (!resumes) {
        if (call->cycle->memory)
            cycle_memory_open(call->cycle->memory, json_get_text(call->request, "agent"));
        begin(call);
    } else if (call->cycle->memory) {
        cycle_memory_recall(call->cycle->memory, on_recalled, call);
    } else {
        (void)lb_fail(&error, LB_ERR_UNSUPPORTED, "begin a new one",
                      "there is no state service that remembers a cycle");
        desk_error(call, &error);
    }
}
