#include "run_state.h"

#include "approved.h"
#include "json.h"
#include "load.h"
#include "log.h"
#include "online_tool.h"
#include "selftest_tool.h"
#include "target_tool.h"
#include "targets.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static volatile sig_atomic_t cancel_requested;
static bool may_wake; /* of the run that asks for a session now */

/* Computes that the outermost run under way has woken: they sleep again so long after its end. */
static struct {
    int64_t count, at_sum, after_sum; /* sums over them: moments, and times without activity until each sleeps */
} woken;

void run_cancel_current(void)
{
    cancel_requested = 1;
}

bool run_is_cancelled(void)
{
    return cancel_requested != 0;
}

bool run_may_wake(void)
{
    return may_wake;
}

void run_woke(int64_t sleeps_after)
{
    woken.count++;
    woken.at_sum += clock_monotonic();
    woken.after_sum += sleeps_after > 0 ? sleeps_after : 0;
}

bool run_has_woken(void)
{
    return woken.count > 0;
}

/* From their waking on, all that would have been slept through. A called run's are its caller's. */
static int64_t awake_us(const run_state *run)
{
    if (run->depth)
        return 0;
    return woken.count ? woken.count * clock_monotonic() - woken.at_sum + woken.after_sum : run->kept_us;
}

/* ---- the small calls of lb_host ---- */

static void *host_alloc(lb_ctx *ctx, size_t bytes)
{
    return arena_alloc(run_of(ctx)->memory, bytes);
}

static int host_defer(lb_ctx *ctx, void (*fn)(void *), void *arg)
{
    return arena_defer(run_of(ctx)->memory, fn, arg);
}

LB_PRINTF(3, 0) static void host_log(lb_ctx *ctx, lb_level level, const char *fmt, va_list args)
{
    run_state *run = run_of(ctx);
    char text[2048];
    if (level > run->worker->setup->log_level || run->logs > RUN_LOG_LINES)
        return;
    bool is_last = ++run->logs > RUN_LOG_LINES;
    (void)vsnprintf(text, sizeof text, fmt, args); /* a long line is cut */
    BUF_AUTO frame = BUF_INIT(8192);
    size_t mark = wire_begin(&frame, WIRE_LOG);
    wire_put_str(&frame, run->root->id);
    wire_put_u32(&frame, (uint32_t)level);
    wire_put_str(&frame, run->request->tool);
    wire_put_str(&frame, is_last ? "further lines of this run are left out" : text);
    wire_end(&frame, mark);
    run->worker->channel.send(run->worker->channel.state, &frame);
}

static void host_progress(lb_ctx *ctx, int64_t done, int64_t total, const char *what)
{
    run_state *run = run_of(ctx);
    int64_t now = clock_monotonic();
    if (now - run->progress_at < CLOCK_SECOND / 10)
        return;
    run->progress_at = now;
    BUF_AUTO frame = BUF_INIT(4096);
    size_t mark = wire_begin(&frame, WIRE_PROGRESS);
    wire_put_str(&frame, run->root->id);
    wire_put_i64(&frame, done);
    wire_put_i64(&frame, total);
    wire_put_str(&frame, what);
    wire_end(&frame, mark);
    run->worker->channel.send(run->worker->channel.state, &frame);
}

static int64_t host_now(const lb_ctx *ctx)
{
    return session_clock(run_of_const(ctx)->worker->sessions);
}

static int64_t host_time_left(const lb_ctx *ctx)
{
    int64_t left = run_of_const(ctx)->deadline - clock_monotonic();
    return left > 0 ? left : 0;
}

static bool host_cancelled(const lb_ctx *ctx)
{
    return run_is_cancelled() || clock_monotonic() > run_of_const(ctx)->deadline;
}

static bool host_plans(const lb_ctx *ctx)
{
    return run_of_const(ctx)->request->plan;
}

static const lb_target *host_target(const lb_ctx *ctx)
{
    return &run_of_const(ctx)->request->target;
}

const lb_host run_host = {
    .size = sizeof run_host,
    .alloc = host_alloc,
    .defer = host_defer,
    .vlog = host_log,
    .progress = host_progress,
    .now = host_now,
    .time_left = host_time_left,
    .cancelled = host_cancelled,
    .plans = host_plans,
    .target = host_target,
    .server_version = run_server_version,
    .query = run_query,
    .next = run_next,
    .row_count = run_row_count,
    .compose = run_compose,
    .sql_text = run_sql_text,
    .control = run_control,
    .group_open = door_group_open,
    .change_sql = door_change_sql,
    .change_control = door_change_control,
    .change_file = door_change_file,
    .change_exec = door_change_exec,
    .group_apply = door_apply,
    .group_rows = door_rows,
    .group_reply = door_reply,
    .call = run_call,
    .record = run_record,
    .emit = run_emit,
    .result = run_result,
    .append = run_append,
    .finding = run_finding,
    .examined = run_examined,
    .skipped = run_skipped,
    .history = run_history,
    .lake = run_lake,
    .lake_table = run_lake_table,
    .recall = run_recall,
    .remember = run_remember,
    .thresholds = run_thresholds,
    .change_script = door_change_script,
    .change_lake = door_change_lake,
    .explain = run_explain,
    .model = run_model,
    .http = run_http,
    .change_http = door_change_http,
    .change_program = door_change_program,
    .program_end = door_program_end,
    .watch = run_watch_begin,
    .watch_end = run_watch_end,
    .program_runs = door_program_runs,
    .group_record = door_group_record,
    .group_emit = door_group_emit,
    .call_outcome = run_call_outcome,
    .call_check = run_call_check,
    .group_listen = door_group_listen,
    .group_heard = door_group_heard,
    .query_reader = run_query_reader,
    .group_measure = door_group_measure,
    .group_measured = door_group_measured,
    .group_yield = door_group_yield,
    .group_yielded = door_group_yielded,
};

bool run_declares(const char *const *names, const char *name)
{
    for (; names && *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

int run_check_stop(const run_state *run, lb_error *err)
{
    if (clock_monotonic() > run->deadline)
        return lb_fail(err, LB_ERR_TIMEOUT, "give the tool a larger timeout_s in the manifest",
                       "the run's time is over");
    if (run_is_cancelled())
        return lb_fail(err, LB_ERR_CANCELLED, NULL, "the run was asked to stop");
    return 0;
}

int run_frame_fail(lb_error *err, const char *what)
{
    return lb_fail(err, LB_ERR_LIMIT, "report less, or raise [limits] result_mb", "%s is too large", what);
}

int run_session(run_state *run, lb_error *err)
{
    if (run->session)
        return 0;
    if (!run->request->target.project)
        return lb_fail(err, LB_ERR_INVALID, "give --project and --branch",
                       "%s runs on the workspace and has no database", run->request->tool);
    int r = run_check_stop(run, err);
    if (r >= 0)
        r = run_alone_check(run, err);
    may_wake = run->request->wake;
    return r < 0 ? r
                 : session_get(run->worker->sessions, &run->request->target, NULL, run->request->tool, run->deadline,
                               &run->session, &run->session_is_kept, err);
}

/* ---- one run ---- */

int run_load_tool(run_state *run, lb_error *err)
{
    static const lb_plugin *const own[] = {&targets_plugin, &target_plugin, &online_plugin,
                                           &selftest_plugin}; /* they come with the host */
    for (size_t i = 0; i < LB_COUNT(own) && !*run->request->path; i++) {
        if (strcmp(run->request->tool, own[i]->name) != 0)
            continue;
        run->plugin = own[i];
        run->tool = own[i]->ops;
        return 0;
    }
    if (strcmp(run->request->tool, APPROVED_TOOL) == 0 && !*run->request->path) {
        run->plugin = &approved_plugin; /* so does this one */
        run->tool = approved_plugin.ops;
        return 0;
    }
    int r = load_plugin(run->request->path, &run->plugin, err);
    if (r < 0)
        return r;
    if (run->plugin->kind != LB_KIND_TOOL)
        return lb_fail(err, LB_ERR_INVALID, NULL, "%s is not a tool", run->request->path);
    run->tool = run->plugin->ops;
    return 0;
}

static int bind_args(run_state *run, lb_error *err)
{
    const lb_tool *tool = run->tool;
    const run_request *q = run->request;
    void *args = arena_alloc(run->memory, tool->args_size ? tool->args_size : 1);
    if (!args)
        return lb_out_of_memory(err);
    param_rows rows = {.rows = tool->params, .stride = tool->param_size};
    int r = params_bind(q->tool, rows, q->args, q->arg_count, args, tool->args_size, run->memory, err);
    run->ctx.args = args;
    return r;
}

/* What a tool that returned 0 must have done. */
static int check_promises(run_state *run, lb_error *err)
{
    int r = door_check_closed(run, err);
    if (r < 0)
        return r;
    if (run->tool->detector && !run->has_coverage)
        return lb_fail(err, LB_ERR_TOOL, "call lb_examined or lb_skipped, even when there is nothing to find",
                       "%s says neither what it examined nor what it skipped", run->request->tool);
    return 0;
}

/* What a tool put into its error may be no text at all, and the book of runs takes nothing else: one line of UTF-8,
 * with an end. */
static void mend_text(char *text, size_t size)
{
    text[size - 1] = '\0';
    for (size_t left = strlen(text), length; left; text += length, left -= length) {
        for (length = 1; length < 4 && length < left && !json_is_utf8(text, length);)
            length++;
        if (length > 1 && json_is_utf8(text, length))
            continue;
        length = 1;
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
        else if ((unsigned char)*text > 0x7f)
            *text = '?';
    }
}

static void mend_error(lb_error *err)
{
    mend_text(err->sqlstate, sizeof err->sqlstate);
    mend_text(err->message, sizeof err->message);
    mend_text(err->hint, sizeof err->hint);
}

static int call_tool(run_state *run, lb_error *err)
{
    int r = run_load_tool(run, err);
    if (r >= 0)
        r = bind_args(run, err);
    if (r < 0)
        return r;
    *err = (lb_error){0};
    r = run->tool->run(&run->ctx, err);
    if (r >= 0) {
        *err = (lb_error){0}; /* an error that was dealt with on the way is none */
        return check_promises(run, err);
    }
    if (err->code >= 0) /* failed without saying how */
        return lb_fail(err, LB_ERR_TOOL, "the plugin should fill its error (lb_fail)",
                       "%s failed with %d and gave no reason", run->request->tool, r);
    return err->code;
}

/* Nothing failed, so there is no error; what people are told travels with code 0. */
static run_status pending_status(const run_state *run, lb_error *err)
{
    (void)lb_fail(err, 0, "lbops approvals lists them; lbops approve ID --as NAME --because TEXT carries one out",
                  "approval_required: %u group(s) of changes wait for a person: %s", run->asked, run->asked_why);
    return RUN_PENDING_APPROVAL;
}

static run_status status_of(const run_state *run, lb_error *err)
{
    if (err->code == LB_ERR_SUSPENDED)
        return RUN_SKIPPED;
    if (err->code == LB_ERR_TIMEOUT && clock_monotonic() >= run->deadline)
        return RUN_TIMEOUT;
    if (err->code)
        return RUN_FAILED;
    if (run->refused) {
        (void)lb_fail(err, LB_ERR_APPROVAL, "run it with --plan to see the changes; a person has to make them",
                      "%u group(s) of changes need an approval that nobody can give here: %s", run->refused,
                      run->refused_why);
        return RUN_FAILED;
    }
    return run->asked ? pending_status(run, err) : RUN_OK;
}

#define OUTBOX_LOOK (5 * CLOCK_SECOND) /* between two looks at what waits there */

/* History that nobody takes away must not fill the disk. The audit log and the book of runs are written whatever waits.
 */
static int check_outbox(run_state *run, lb_error *err)
{
    run_worker *worker = run->worker;
    const worker_setup *setup = worker->setup;
    int64_t now = clock_monotonic();
    if (!worker->outbox_seen_at || now - worker->outbox_seen_at > OUTBOX_LOOK) {
        int r = outbox_size(setup->outbox_dir, &worker->outbox_bytes, err);
        if (r < 0)
            return r;
        worker->outbox_seen_at = now;
    }
    if (worker->outbox_bytes >> 20 < (int64_t)setup->outbox_mb)
        return 0;
    return lb_fail(err, LB_ERR_LIMIT, "raise [limits] outbox_mb, or let a delta service take the records away",
                   "%s holds %lld MB, as much as it may", setup->outbox_dir, (long long)(worker->outbox_bytes >> 20));
}

/* Records that were acknowledged to the tool are kept whatever became of the run: they are facts. A plan leaves no
 * trace. */
static void commit_records(run_state *run, lb_error *err)
{
    lb_error commit_error;
    if (run->request->plan || !run->batch || outbox_rows(run->batch) == 0)
        return;
    int r = check_outbox(run, &commit_error);
    if (r >= 0)
        r = outbox_commit(run->batch, &commit_error);
    if (r < 0 && !err->code) {
        *err = commit_error;
        (void)lb_wrap(err, "records of the run");
    }
}

static void finish_document(run_state *run, buf *into, lb_error *err)
{
    lb_error document_error;
    buf_clear(into);
    if (run_document(run, into, &document_error) == 0)
        return;
    buf_clear(into);
    buf_puts(into, "{}");
    if (!err->code)
        *err = document_error;
}

void run_execute_one(run_state *run, run_done *ret_done, buf *into)
{
    lb_error err = {0};
    run->started_at = clock_now();
    int64_t began = clock_monotonic(), cpu = clock_cpu();
    session_cost cost = session_cost_of(run->worker->sessions), spent;
    if (run->depth == 0)
        woken.count = woken.at_sum = woken.after_sum = 0;
    run->members = BUF_INIT((size_t)run->worker->setup->result_mb * 1024 * 1024);
    if (call_tool(run, &err) >= 0)
        err = (lb_error){0}; /* a failure that was dealt with on the way may have left its words */
    finish_document(run, into, &err);
    commit_records(run, &err);
    run_status status = status_of(run, &err);
    mend_error(&err);
    alone_sight sight;
    run_alone_look(run, &sight);
    spent = session_cost_of(run->worker->sessions);
    *ret_done = (run_done){
        .status = status,
        .error = err,
        .result = buf_text(into),
        .started_at = run->started_at,
        .duration_us = clock_monotonic() - began,
        .cpu_us = clock_cpu() - cpu,
        .statements = spent.statements - cost.statements,
        .waited_us = spent.waited_us - cost.waited_us,
        .awake_us = awake_us(run),
        .sight = sight,
        .changes = run->changes,
        .findings = run->findings,
        .records = run->records,
        .events = run->events,
        .asked = run->asked,
        .said = run_said(run),
        .version = run->plugin ? run->plugin->version : NULL,
        .memory = run->depth == 0 && !run->request->plan && run->worker->remembered.length
                      ? buf_text(&run->worker->remembered)
                      : NULL,
    };
    ret_done->sight.opened = spent.opened - cost.opened;
    run->batch = outbox_batch_free(run->batch);
    run_report_done(run);
}

/* True when the tool left processes behind (children of this worker that nobody waits for; it is their subreaper) or a
 * thread: either could harm the next run. */
static bool leaves_something(void)
{
    struct stat tasks;
    siginfo_t info = {0};
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ||
           (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 3); /* ".", ".." and the only thread */
}

void run_execute(run_worker *worker, const run_request *request, int64_t deadline, run_done *ret_done)
{
    uint32_t change_count = 0;
    run_state run = {
        .ctx = {.host = &run_host},
        .worker = worker,
        .request = request,
        .root = request,
        .memory = &worker->memory,
        .deadline = deadline,
        .change_count = &change_count,
    };
    cancel_requested = 0;
    buf_clear(&worker->remembered);
    worker->event_bytes = worker->change_bytes = worker->ask_bytes = 0;
    worker->asks = 0;
    arena_reset(&worker->memory);
    session_pool *own = NULL, *shared = worker->sessions;
    if (request->record_dir)
        worker->sessions = own = session_pool_new(worker->setup, request->record_dir);
    session_set_home(worker->sessions, &request->target);
    run_execute_one(&run, ret_done, &worker->result);
    session_set_home(worker->sessions, NULL);
    if (own && session_recording_failure(own) && !ret_done->error.code) {
        ret_done->status = RUN_FAILED;
        ret_done->error = *session_recording_failure(own);
        (void)lb_wrap(&ret_done->error, "the run ended well, but its recording is not complete");
    }
    worker->sessions = shared;
    (void)session_pool_free(own); /* gives NULL */
    session_close_spent(shared);
    arena_reset(&worker->memory); /* the run's clean-ups are its own to answer for, not the next run's */
    ret_done->retire = leaves_something();
}
