#include "selftest_tool.h"

#include "base.h"
#include "clock.h"
#include "target_reset.h"

#include <sql/host/selftest_count.h>
#include <sql/host/selftest_drop.h>
#include <sql/host/selftest_history.h>
#include <sql/host/selftest_lake.h>
#include <sql/host/selftest_schema.h>
#include <sql/host/selftest_table.h>
#include <sql/host/whoami.h>

#include <time.h>

#define BRANCH_TTL     "3600s" /* if nobody cleans up, the workspace does */
#define MOST_PAGES     1000
#define ROWS           100 /* of the table */
#define FIRST_PAUSE_US 50000
#define LAST_PAUSE_US  2000000
#define REASON         "lbops selftest tries the workspace"

struct args {
    const char *action;
    bool lake;
};

static const lb_param params[] = {
    LB_PARAM(struct args, action, LB_TEXT, NULL, "what to do", .required = true, .choices = "try|clean"),
    LB_PARAM(struct args, lake, LB_BOOL, "false", "the manifest has a delta service, which is tried as well"),
    LB_PARAMS_END,
};

typedef struct trial {
    const char *project, *branch, *project_path, *branch_path;
    bool has_own_project, touched;
    const char *detail; /* what the step found */
} trial;

bool selftest_owns(const char *name)
{
    return name && strncmp(name, SELFTEST_PREFIX, strlen(SELFTEST_PREFIX)) == 0;
}

static int begin(lb_ctx *ctx, trial *t, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    *t = (trial){.project = target->project, .branch = target->branch};
    if (!t->project || !selftest_owns(t->branch))
        return lb_fail(err, LB_ERR_INVALID, "lbops selftest names them", "a self-test works on a branch of its own");
    t->has_own_project = selftest_owns(t->project);
    t->project_path = lb_printf(ctx, "projects/%s", t->project);
    t->branch_path = lb_printf(ctx, "projects/%s/branches/%s", t->project, t->branch);
    return t->project_path && t->branch_path ? 0 : lb_out_of_memory(err);
}

/* A wait between two looks, longer each time. */
static void pause_for(int64_t *us)
{
    const struct timespec pause = {.tv_sec = *us / 1000000, .tv_nsec = *us % 1000000 * 1000};
    (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
    *us = *us < LAST_PAUSE_US ? *us * 3 / 2 : *us;
}

/* A change that only a person may allow is none that a self-test can wait for. ret_touched (or NULL): whether there may
 * be something now; not where the workspace has refused. */
static int change(lb_ctx *ctx, const char *title, const lb_request *request, bool *ret_touched, lb_error *err)
{
    bool done = false;
    int r = target_change(ctx, title, REASON, request, &done, err);
    bool is_refused = !done && (r >= 0 || r == LB_ERR_DENIED || r == LB_ERR_INVALID || r == LB_ERR_NOT_FOUND);
    if (ret_touched)
        *ret_touched = *ret_touched || !is_refused;
    if (r < 0 || done)
        return r;
    return lb_fail(err, LB_ERR_APPROVAL, "a rule of the manifest ([[gate]]) is stricter with " SELFTEST_TOOL,
                   "%s is not for a self-test to do", title);
}

/* ---- the control plane ---- */

static int try_token(lb_ctx *ctx, trial *t, lb_error *err)
{
    t->detail = "the workspace lets us in";
    return target_read(ctx, "projects", "page_size=1", err) ? 0 : err->code;
}

static int try_listing(lb_ctx *ctx, trial *t, lb_error *err)
{
    const char *token = NULL;
    size_t count = 0;
    for (int pages = 0; pages < MOST_PAGES; pages++) {
        struct json_object *items = NULL;
        const char *query = token ? lb_printf(ctx, "page_size=100&page_token=%s", token) : "page_size=100";
        struct json_object *page = query ? target_read(ctx, "projects", query, err) : NULL;
        if (!page)
            return query ? err->code : lb_out_of_memory(err);
        if (json_object_object_get_ex(page, "projects", &items) && json_object_is_type(items, json_type_array))
            count += json_object_array_length(items);
        token = target_text(page, NULL, "next_page_token");
        t->detail = lb_printf(ctx, "%zu project(s)", count);
        if (!token || !*token)
            return 0;
    }
    return lb_fail(err, LB_ERR_LIMIT, NULL, "the list of projects does not end within %d pages", MOST_PAGES);
}

static int try_project(lb_ctx *ctx, trial *t, lb_error *err)
{
    if (!t->has_own_project) {
        t->detail = lb_printf(ctx, "%s is there; nothing but a branch is made in it", t->project);
        return target_read(ctx, t->project_path, NULL, err) ? 0 : err->code;
    }
    const lb_request request = {.method = "POST",
                                .path = "projects",
                                .query = lb_printf(ctx, "project_id=%s", t->project),
                                .body = lb_printf(ctx, "{\"spec\":{\"display_name\":\"%s\"}}", t->project)};
    if (!request.query || !request.body)
        return lb_out_of_memory(err);
    t->detail = lb_printf(ctx, "%s is made", t->project);
    return change(ctx, lb_printf(ctx, "create project %s", t->project), &request, &t->touched, err);
}

static int try_branch(lb_ctx *ctx, trial *t, lb_error *err)
{
    const lb_request request = {.method = "POST",
                                .path = lb_printf(ctx, "%s/branches", t->project_path),
                                .query = lb_printf(ctx, "branch_id=%s", t->branch),
                                .body = "{\"spec\":{\"ttl\":\"" BRANCH_TTL "\"}}"};
    if (!request.path || !request.query)
        return lb_out_of_memory(err);
    int r = change(ctx, lb_printf(ctx, "create branch %s/%s", t->project, t->branch), &request, &t->touched, err);
    struct json_object *made = r < 0 ? NULL : target_read(ctx, t->branch_path, NULL, err);
    if (!made)
        return err->code;
    const char *expires = target_text(made, "status", "expire_time");
    if (!expires)
        return lb_fail(err, LB_ERR_TOOL, NULL, "the branch %s does not end by itself, though it was to live an hour",
                       t->branch);
    t->detail = lb_printf(ctx, "%s/%s is made, and ends by itself at %s", t->project, t->branch, expires);
    return 0;
}

/* A compute that sleeps is ready as well: a session wakes it. */
static bool is_ready(struct json_object *endpoint)
{
    const char *state = target_text(endpoint, "status", "current_state"),
               *pending = target_text(endpoint, "status", "pending_state");
    return state && !pending && (strcmp(state, "ACTIVE") == 0 || strcmp(state, "IDLE") == 0);
}

static int try_endpoint(lb_ctx *ctx, trial *t, lb_error *err)
{
    int64_t pause_us = FIRST_PAUSE_US;
    const char *state = "not there", *path = lb_printf(ctx, "%s/endpoints/primary", t->branch_path);
    for (;;) {
        struct json_object *endpoint = target_read(ctx, path, NULL, err);
        if (!endpoint && err->code != LB_ERR_NOT_FOUND)
            return err->code;
        const char *now = endpoint ? target_text(endpoint, "status", "current_state") : NULL;
        state = now ? now : state;
        if (endpoint && is_ready(endpoint)) {
            t->detail = lb_printf(ctx, "it is %s", state);
            return 0;
        }
        if (lb_cancelled(ctx))
            return lb_fail(err, LB_ERR_TIMEOUT, "give it longer with --timeout", "the endpoint is %s", state);
        lb_progress(ctx, 0, 0, "waiting for the endpoint");
        pause_for(&pause_us);
    }
}

/* ---- the database ---- */

static int try_session(lb_ctx *ctx, trial *t, lb_error *err)
{
    int major = 0;
    lb_rows *rows = NULL;
    host_whoami_row who;
    int r = lb_server_version(ctx, &major, err);
    if (r >= 0)
        r = host_whoami(ctx, &rows, err);
    if (r < 0)
        return r;
    if (!host_whoami_next(ctx, rows, &who))
        return lb_fail(err, LB_ERR_SQL, NULL, "the server does not say who we are");
    t->detail = lb_printf(ctx, "Postgres %s, database %s, as %s", who.version, who.database, who.role);
    return 0;
}

static int apply(lb_ctx *ctx, lb_group *group, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    int r = lb_apply(ctx, group, &outcome, err);
    if (r < 0 || outcome == LB_APPLIED)
        return r;
    return lb_fail(err, LB_ERR_APPROVAL, "a rule of the manifest ([[gate]]) is stricter with " SELFTEST_TOOL,
                   "a table in a branch of its own is not for a self-test to make or drop");
}

static int make_table(lb_ctx *ctx, const trial *t, lb_error *err)
{
    lb_group *group = NULL;
    int r = lb_group_open(
        ctx, LB_GROUP(.title = "make a table to try", .reason = REASON, .undo = "drop its schema", .atomic = true),
        &group, err);
    if (r >= 0)
        r = host_selftest_schema(ctx, group, &(host_selftest_schema_args){.schema = t->branch}, err);
    if (r >= 0)
        r = host_selftest_table(ctx, group, &(host_selftest_table_args){.schema = t->branch}, err);
    return r < 0 ? r : apply(ctx, group, err);
}

static int drop_table(lb_ctx *ctx, const trial *t, lb_error *err)
{
    lb_group *group = NULL;
    int r = lb_group_open(ctx, LB_GROUP(.title = "drop the table that was tried", .reason = REASON), &group, err);
    if (r >= 0)
        r = host_selftest_drop(ctx, group, &(host_selftest_drop_args){.schema = t->branch}, err);
    return r < 0 ? r : apply(ctx, group, err);
}

static int try_table(lb_ctx *ctx, trial *t, lb_error *err)
{
    lb_rows *rows = NULL;
    host_selftest_count_row row;
    int r = make_table(ctx, t, err);
    if (r >= 0)
        r = host_selftest_count(ctx, &(host_selftest_count_args){.schema = t->branch, .table = "trial"}, &rows, err);
    if (r < 0)
        return r;
    bool whole = host_selftest_count_next(ctx, rows, &row) && row.rows == ROWS;
    r = drop_table(ctx, t, err);
    if (r < 0)
        return r;
    t->detail = "made, counted and dropped";
    return whole ? 0 : lb_fail(err, LB_ERR_SQL, NULL, "the table does not have the rows that it was made with");
}

/* ---- the lakehouse ---- */

/* No table of its own: there is no way to drop one. */
static int try_lake(lb_ctx *ctx, trial *t, lb_error *err)
{
    lb_rows *rows = NULL;
    host_selftest_lake_row row;
    int r = host_selftest_lake(ctx, &rows, err);
    if (r < 0)
        return r;
    t->detail = "it answers a statement";
    return host_selftest_lake_next(ctx, rows, &row) && row.one == 1
               ? 0
               : lb_fail(err, LB_ERR_SQL, NULL, "the lakehouse does not know what one is");
}

/* A question commits what waits first, and that is at least what this run has written about its changes. */
static int try_history(lb_ctx *ctx, trial *t, lb_error *err)
{
    lb_rows *rows = NULL;
    host_selftest_history_row row;
    int r = host_selftest_history(ctx, &(host_selftest_history_args){.project = t->project, .branch = t->branch}, &rows,
                                  err);
    t->detail = "there is none yet";
    if (r == LB_ERR_NOT_FOUND)
        return 0;
    if (r < 0)
        return r;
    if (!host_selftest_history_next(ctx, rows, &row))
        return lb_fail(err, LB_ERR_SQL, NULL, "the history does not count");
    t->detail = lb_printf(ctx, "it answers; %lld entries about this self-test are committed", (long long)row.entries);
    return 0;
}

/* ---- steps ---- */

typedef struct step {
    const char *name;
    int (*work)(lb_ctx *ctx, trial *t, lb_error *err);
    bool of_lake;
} step;

static const step steps[] = {
    {"token", try_token, false},   {"projects", try_listing, false},  {"project", try_project, false},
    {"branch", try_branch, false}, {"endpoint", try_endpoint, false}, {"session", try_session, false},
    {"table", try_table, false},   {"lakehouse", try_lake, true},     {"history", try_history, true},
};

/* Its error stays what it is: what cannot be noted is lost. */
static void note(lb_ctx *ctx, const char *name, const char *status, int64_t us, const char *detail, const lb_error *e)
{
    lb_error ignored;
    bool failed = e && e->code;
    if (lb_append(ctx, "steps",
                  LB_ARGS(lb_text("step", name), lb_text("status", status), lb_f64("duration_ms", (double)us / 1000),
                          lb_text("detail", failed ? e->message : detail),
                          lb_text("code", failed ? error_name(e->code) : NULL),
                          lb_text("hint", failed && e->hint[0] ? e->hint : NULL)),
                  &ignored) < 0)
        lb_log(ctx, LB_LOG_WARN, "%s cannot be noted: %s", name, ignored.message);
}

static int take_step(lb_ctx *ctx, trial *t, const char *name, int (*work)(lb_ctx *ctx, trial *t, lb_error *err),
                     lb_error *err)
{
    int64_t began = clock_monotonic();
    t->detail = NULL;
    lb_progress(ctx, 0, 0, name);
    *err = (lb_error){0};
    int r = work(ctx, t, err);
    if (r >= 0)
        *err = (lb_error){0}; /* one that was dealt with on the way is none */
    else if (r == LB_ERR_CANCELLED && !err->hint[0])
        (void)snprintf(err->hint, sizeof err->hint, "somebody ended it, or its time was over (--timeout)");
    note(ctx, name, r < 0 ? "failed" : "ok", clock_monotonic() - began, t->detail, err);
    return r;
}

static int try_all(lb_ctx *ctx, trial *t, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_error ignored;
    int r = 0;
    for (size_t i = 0; i < LB_COUNT(steps); i++) {
        if (steps[i].of_lake && !args->lake)
            continue;
        if (r < 0)
            note(ctx, steps[i].name, "skipped", 0, "not tried", NULL);
        else
            r = take_step(ctx, t, steps[i].name, steps[i].work, err);
    }
    int said = lb_result(ctx, LB_ARGS(lb_bool("touched", t->touched)), &ignored);
    if (said < 0 && r >= 0)
        *err = ignored;
    return r < 0 ? r : said;
}

/* ---- cleaning up ---- */

/* What is still being made, or is already being deleted, is in conflict with its deletion for a while. */
static int clean(lb_ctx *ctx, trial *t, lb_error *err)
{
    int64_t pause_us = FIRST_PAUSE_US;
    const char *path = t->has_own_project ? t->project_path : t->branch_path;
    const char *title = lb_printf(ctx, "delete %s", path);
    const lb_request request = {.method = "DELETE", .path = path, .query = "purge=true"};
    for (;;) {
        int r = change(ctx, title, &request, NULL, err);
        bool again = r == LB_ERR_CONFLICT && !lb_cancelled(ctx);
        if (r < 0 && r != LB_ERR_NOT_FOUND && !again)
            return r;
        if (!again)
            break;
        pause_for(&pause_us);
    }
    t->detail = lb_printf(ctx, "%s is gone, with all that was in it", path);
    if (target_read(ctx, path, NULL, err))
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "%s is still there after its deletion", path);
    return err->code == LB_ERR_NOT_FOUND ? 0 : err->code;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    trial t;
    int r = begin(ctx, &t, err);
    if (r < 0)
        return r;
    return strcmp(args->action, "clean") == 0 ? take_step(ctx, &t, "clean-up", clean, err) : try_all(ctx, &t, err);
}

static const lb_tool selftest_tool = {
    .size = sizeof selftest_tool, .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params), .run = run};

const lb_plugin selftest_plugin = {
    .magic = LB_ABI_MAGIC,
    .abi_major = LB_ABI_MAJOR,
    .abi_minor = LB_ABI_MINOR,
    .size = sizeof selftest_plugin,
    .kind = LB_KIND_TOOL,
    .name = SELFTEST_TOOL,
    .version = LB_PLUGIN_VERSION,
    .summary = "tries a workspace, and leaves nothing behind",
    .ops = &selftest_tool,
};
