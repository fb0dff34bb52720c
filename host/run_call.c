/* Tools calling tools: a run inside a run, in the same worker and under the same gate. */
#include "run_state.h"

#include "target_tool.h"

/* Of what comes with the host, a tool may call the one that makes and resets branches: there is one way to do that. */
static const worker_tool target_entry = {.name = TARGET_TOOL, .path = ""};

/* The tool to call, or NULL when it may not be called. */
static const worker_tool *find_callee(const run_state *run, const char *tool, lb_error *err)
{
    const worker_setup *setup = run->worker->setup;
    bool is_running = false;
    for (const run_state *up = run; up; up = up->parent)
        is_running = is_running || strcmp(up->request->tool, tool) == 0;
    if (!run_declares(run->tool->calls, tool))
        (void)lb_fail(err, LB_ERR_INVALID, "name it in the plugin's .calls", "%s does not declare that it calls %s",
                      run->request->tool, tool);
    else if (run->depth + 1 >= RUN_CALL_DEPTH)
        (void)lb_fail(err, LB_ERR_LIMIT, "call tools less deeply", "calls are nested deeper than %d", RUN_CALL_DEPTH);
    else if (is_running)
        (void)lb_fail(err, LB_ERR_INVALID, "break the circle", "%s is running already in this chain of calls", tool);
    else {
        if (strcmp(tool, TARGET_TOOL) == 0)
            return &target_entry;
        for (size_t i = 0; i < setup->tool_count; i++)
            if (strcmp(setup->tools[i].name, tool) == 0)
                return &setup->tools[i];
        (void)lb_fail(err, LB_ERR_NOT_FOUND, "put its plugin into a plugin directory", "there is no tool %s to call",
                      tool);
    }
    return NULL;
}

int run_call_check(lb_ctx *ctx, const char *tool, const lb_value *args, lb_error *err)
{
    run_state *caller = run_of(ctx);
    param_arg *given = NULL;
    size_t count = 0;
    const worker_tool *entry = find_callee(caller, tool, err);
    if (!entry)
        return err->code;
    const run_request request = {.tool = entry->name, .path = entry->path};
    run_state callee = {.request = &request};
    int r = run_load_tool(&callee, err);
    if (r >= 0)
        r = params_from_values(args ? args : LB_NO_ARGS, caller->memory, &given, &count, err);
    if (r < 0)
        return r;
    const param_rows rows = {.rows = callee.tool->params, .stride = callee.tool->param_size};
    return params_check_given(tool, rows, given, count, err);
}

/* The callee's arguments: the manifest's, with those of the call over them. */
static int merge_args(run_state *run, const worker_tool *entry, const lb_value *values, run_request *q, lb_error *err)
{
    param_arg *given = NULL;
    size_t count = 0;
    int r = params_from_values(values ? values : LB_NO_ARGS, run->memory, &given, &count, err);
    if (r < 0)
        return r;
    param_arg *all = arena_alloc(run->memory, (count + entry->arg_count + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    memcpy(all, given, count * sizeof *all);
    q->arg_count = count;
    for (size_t i = 0; i < entry->arg_count; i++) {
        bool is_given = false;
        for (size_t k = 0; k < count; k++)
            is_given = is_given || strcmp(given[k].name, entry->args[i].name) == 0;
        if (!is_given)
            all[q->arg_count++] = entry->args[i];
    }
    q->args = all;
    return 0;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void announce_called(run_state *caller, const run_request *q, const run_done *done)
{
    BUF_AUTO frame = BUF_INIT(WIRE_FRAME_LIMIT);
    size_t mark = wire_begin(&frame, WIRE_CALLED);
    wire_put_str(&frame, q->id);
    wire_put_str(&frame, q->parent_id);
    wire_put_str(&frame, q->tool);
    wire_put_str(&frame, q->agent);
    wire_put_str(&frame, q->target.project);
    wire_put_str(&frame, q->target.branch);
    wire_end(&frame, mark);
    job_put_done(&frame, q->id, done); /* a frame of its own right behind it, for that run */
    caller->worker->channel.send(caller->worker->channel.state, &frame);
}

lb_outcome run_call_outcome(const lb_ctx *ctx)
{
    return run_of_const(ctx)->called;
}

int run_call(lb_ctx *ctx, const char *tool, const lb_target *target, const lb_value *args, const char **ret_json,
             lb_error *err)
{
    run_state *caller = run_of(ctx);
    caller->called = (lb_outcome)0;
    const worker_tool *entry = find_callee(caller, tool, err);
    if (!entry)
        return err->code;
    const lb_target *home = &caller->request->target;
    bool is_home = !target || (is_same(target->project, home->project) && is_same(target->branch, home->branch));
    run_request *q = arena_alloc(caller->memory, sizeof *q);
    run_state *callee = arena_alloc(caller->memory, sizeof *callee);
    if (!q || !callee)
        return lb_out_of_memory(err);
    *q = *caller->request;
    id_new(q->id);
    q->parent_id = caller->request->id;
    q->memory = NULL; /* that of the caller is its own */
    q->awake_from = 0;
    q->tool = entry->name;
    q->path = entry->path;
    if (entry != &target_entry) { /* which acts as the one that calls it */
        q->agent = entry->agent;
        q->risk = entry->risk;
        q->needs_approval = entry->needs_approval;
    }
    if (target) { /* a tool names the branch; what it is worth is not the tool's to say */
        q->target = (lb_target){.project = target->project, .branch = target->branch};
        if (!is_home)
            q->alone_since = 0;
        q->wake = false; /* what the manifest allows is allowed for its own target */
    }
    if (target && target->project && target->branch)
        q->target.branch_class = door_class_of_branch(caller, target->project, target->branch);
    int r = merge_args(caller, entry, args, q, err);
    if (r < 0)
        return r;
    *callee = (run_state){.ctx = {.host = &run_host},
                          .worker = caller->worker,
                          .request = q,
                          .root = caller->root,
                          .parent = caller,
                          .depth = caller->depth + 1,
                          .memory = caller->memory,
                          .deadline = caller->deadline,
                          .change_count = caller->change_count,
                          .alone_is_over = is_home && caller->alone_is_over};
    run_done done;
    BUF_AUTO document = BUF_INIT((size_t)caller->worker->setup->result_mb * 1024 * 1024);
    run_execute_one(callee, &done, &document);
    caller->session = NULL; /* the callee may have discarded it */
    caller->alone_is_over = caller->alone_is_over || (is_home && callee->alone_is_over);
    announce_called(caller, q, &done);
    if (done.asked) { /* what waits below waits here too */
        caller->asked += done.asked;
        (void)snprintf(caller->asked_why, sizeof caller->asked_why, "%s", callee->asked_why);
    }
    if (done.status != RUN_OK && done.status != RUN_PENDING_APPROVAL) {
        *err = done.error;
        *ret_json = done.result ? arena_strdup(caller->memory, done.result) : NULL; /* as far as it came */
        return lb_wrap(err, tool);
    }
    caller->called = q->plan ? LB_PLANNED : done.asked ? LB_WAITING : LB_APPLIED;
    *ret_json = arena_strdup(caller->memory, done.result);
    return *ret_json ? 0 : lb_out_of_memory(err);
}
