/* A run for somebody who waits for it. */
#include "desk_internal.h"

#include "target_tool.h"

static int desk_exit_code(const run_outcome *outcome)
{
    switch (outcome->done.status) {
    case RUN_OK:
    case RUN_SKIPPED:
        return 0;
    case RUN_PENDING_APPROVAL:
        return 3;
    case RUN_FAILED:
        if (outcome->done.error.code == LB_ERR_UNREACHABLE)
            return 4;
        return outcome->done.error.code == LB_ERR_INTERNAL ? 5 : 1;
    default:
        return 1;
    }
}

static void start(desk_call *call);

/* The branch that the listing leaves, or why there is none. */
static int choose_target(desk_call *call, const run_outcome *outcome, const char *document, lb_error *err)
{
    if (outcome->done.status != RUN_OK) {
        *err = outcome->done.error;
        return lb_wrap(err, "cannot list the branches");
    }
    const char *project = json_get_text(call->request, "project"), *branch = json_get_text(call->request, "branch");
    int code = targets_choose(call->desk->manifest, document, project, branch, &call->choice, err);
    if (code != LB_ERR_NOT_FOUND || !json_get_bool(call->request, "goes_on"))
        return code;
    call->choice = (targets_choice){.project = base_strdup(project), /* what nobody knows is treated with most care */
                                    .branch = base_strdup(branch),
                                    .branch_class = LB_BRANCH_PRODUCTION};
    return 0;
}

/* The run of an approval gets its name late; whoever interrupts the call means it. */
static void on_begun(void *tag, const char *run_id, int64_t version)
{
    desk_call *call = tag;
    (void)version;
    (void)snprintf(call->run_id, sizeof call->run_id, "%s", run_id); /* an id fits */
}

static void on_ended(void *tag, const run_outcome *outcome, const char *document)
{
    desk_call *call = tag;
    lb_error error;
    if (!call->listing) {
        desk_say(call, "document", document);
        desk_end(call, desk_exit_code(outcome));
        return;
    }
    call->listing = false;
    if (choose_target(call, outcome, document, &error) < 0)
        desk_error(call, &error);
    else
        start(call);
}

static void on_refused(void *tag, const char *run_id, const lb_error *error)
{
    (void)run_id;
    desk_error(tag, error);
}

static void on_log(void *tag, lb_level level, const char *tool, const char *text)
{
    BUF_AUTO line = BUF_INIT((size_t)64 * 1024);
    buf_putc(&line, '{');
    json_member_i64(&line, "level", level);
    json_member_string(&line, "tool", tool);
    json_member_string(&line, "text", text);
    buf_putc(&line, '}');
    desk_say(tag, "log", buf_text(&line));
}

static void on_progress(void *tag, const char *tool, int64_t done, int64_t total, const char *what)
{
    BUF_AUTO line = BUF_INIT((size_t)64 * 1024);
    buf_putc(&line, '{');
    json_member_string(&line, "tool", tool);
    json_member_i64(&line, "done", done);
    json_member_i64(&line, "total", total);
    json_member_string(&line, "what", what);
    buf_putc(&line, '}');
    desk_say(tag, "progress", buf_text(&line));
}

run_watch desk_watch(desk_call *call)
{
    static const run_watcher watcher = {
        .begun = on_begun, .ended = on_ended, .refused = on_refused, .log = on_log, .progress = on_progress};
    return (run_watch){.watcher = &watcher, .tag = call};
}

static void fill_ask(desk_call *call, run_ask *ask)
{
    struct json_object *q = call->request;
    *ask = (run_ask){
        .tool = json_get_text(q, "tool"),
        .agent = json_get_text(q, "agent"),
        .project = call->choice.project ? call->choice.project : json_get_text(q, "project"),
        .branch = call->choice.branch ? call->choice.branch : json_get_text(q, "branch"),
        .branch_class = call->choice.branch_class,
        .args = call->args,
        .arg_count = call->arg_count,
        .plan = json_get_bool(q, "plan"),
        .actor_kind = GATE_PERSON,
        .actor = call->name ? call->name : call->via,
        .reason = call->reason,
        .timeout_s = (uint32_t)json_get_i64(q, "timeout_s", 0),
        .wake = json_get_bool(q, "wake"),
        .record_dir = json_get_text(q, "record_dir"),
        .watch = desk_watch(call),
    };
}

/* A tool that comes with the host is asked for by those verbs that know it. */
static bool is_own(const desk_call *call)
{
    const char *tool = json_get_text(call->request, "tool");
    return json_get_bool(call->request, "own") && strcmp(tool, TARGET_TOOL) == 0;
}

/* The tool's own parameter that says the same; NULL: it has none. */
static const char *parameter_for(const plugin_spec *spec, const char *what)
{
    static const char *const names[] = {"project_id", "project_name", "branch_id", "branch_name"};
    for (size_t k = 0; k < LB_COUNT(names); k++)
        for (size_t i = 0; strncmp(names[k], what, strlen(what)) == 0 && i < params_count(spec_params(spec)); i++)
            if (strcmp(params_at(spec_params(spec), i).name, names[k]) == 0)
                return names[k];
    return NULL;
}

/* It would run on everything all the same, which is not what somebody wants who names a target. */
static int refuse_target(const plugin_spec *spec, const run_ask *ask, lb_error *err)
{
    char hint[256];
    const char *what = ask->project ? "project" : "branch", *given = ask->project ? ask->project : ask->branch;
    if (!spec || !spec->workspace || !given)
        return 0;
    const char *parameter = parameter_for(spec, what);
    if (parameter)
        (void)snprintf(hint, sizeof hint, "did you mean --%s %.100s?", parameter, given); /* cut, not lost */
    return lb_fail(err, LB_ERR_INVALID, parameter ? hint : "leave project and branch out",
                   "%s works on the workspace as a whole and takes no --%s", ask->tool, what);
}

static void start(desk_call *call)
{
    lb_error error;
    run_ask ask;
    supervisor *s = call->desk->supervisor;
    const char *class_text = json_get_text(call->request, "class");
    bool own = is_own(call);
    fill_ask(call, &ask);
    if (own && !ask.branch_class && class_text)
        (void)gate_class_parse(class_text, &ask.branch_class); /* what is none leaves the strictest */
    call->listing =
        !call->choice.branch && (own ? json_get_bool(call->request, "lists") : supervisor_needs_targets(s, &ask));
    int code = own ? 0 : refuse_target(supervisor_spec(s, ask.tool), &ask, &error);
    if (code < 0) {
        desk_error(call, &error);
        return;
    }
    code = call->listing ? supervisor_list_targets(s, &ask, call->run_id, &error)
           : own         ? supervisor_run_own(s, &ask, call->run_id, &error)
                         : supervisor_run(s, &ask, call->run_id, &error);
    if (code < 0)
        desk_error(call, &error);
}

static bool take_args(desk_call *call, lb_error *err)
{
    struct json_object *args = json_get_list(call->request, "args");
    size_t count = args ? json_object_array_length(args) : 0;
    call->args = base_alloc((count + 1) * sizeof *call->args);
    for (size_t i = 0; i < count; i++) {
        struct json_object *one = json_object_array_get_idx(args, i);
        param_arg *arg = &call->args[call->arg_count++];
        *arg = (param_arg){.name = json_get_text(one, "name"), .text = json_get_text(one, "text")};
        if (!arg->name || !arg->text) {
            (void)lb_fail(err, LB_ERR_INVALID, NULL, "an argument needs a name and a text");
            return false;
        }
    }
    if (json_get_text(call->request, "tool"))
        return true;
    (void)lb_fail(err, LB_ERR_INVALID, NULL, "which tool?");
    return false;
}

void desk_run(desk_call *call)
{
    lb_error error;
    if (take_args(call, &error))
        start(call);
    else
        desk_error(call, &error);
}
