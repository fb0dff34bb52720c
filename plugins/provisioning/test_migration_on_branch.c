/* test_migration_on_branch: a migration tried out on a branch of staging: applied under a workload, compared, tested,
 * taken back, run twice, reported, also to its pull request. The branch goes by its time to live, or at once. */
#include "branch_json.h"
#include "branch_life.h"
#include "migration.h"

#include <time.h>

#define REHEARSES "rehearsal_on_branch"
#define POSTS     "post_schema_diff_to_pr"

struct args {
    const char *dir, *project_id, *branch_name, *source_branch, *ttl, *creator_type, *policy;
    const char *target_version, *replay, *rollback, *second_run, *report, *undo_file, *sum, *repository, *service;
    lb_texts workload, test_command;
    int64_t clients, replay_top, rate, around_ms, sample_ms, lock_timeout_ms, lock_tries, rows_mb, pr_number;
    bool replay_writes, delete_after;
};

static const lb_param params[] = {
    LB_PARAM(struct args, dir, LB_TEXT, NULL, "the directory of the migrations; relative to the manifest",
             .required = true),
    LB_PARAM(struct args, project_id, LB_TEXT, NULL, "the project; without it, the only one"),
    LB_PARAM(struct args, branch_name, LB_TEXT, NULL,
             "the branch to try it on, made where it is not there; without it, "
             "perf-migration-TIME"),
    LB_PARAM(struct args, source_branch, LB_TEXT, "staging", "what to make it from"),
    LB_PARAM(struct args, ttl, LB_TEXT, NULL, "how long it lives, such as 4h; without it, as its kind does"),
    LB_PARAM(struct args, delete_after, LB_BOOL, "false", "delete it at the end, if it was made for this"),
    LB_PARAM(struct args, creator_type, LB_TEXT, "human", "who wants it", .choices = "human|agent|ci"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAM(struct args, target_version, LB_TEXT, NULL, "apply no version above this one"),
    LB_PARAM(struct args, workload, LB_LIST_OF(LB_TEXT), NULL,
             "a program and its arguments that work on the branch meanwhile; it connects by PGHOST, PGUSER ..."),
    LB_PARAM(struct args, replay, LB_TEXT, NULL, "a file of statements that pgbench repeats meanwhile"),
    LB_PARAM(struct args, clients, LB_I64, "4", "sessions that replay", .min = "1", .max = "1000"),
    LB_PARAM(struct args, replay_top, LB_I64, "0",
             "replay as many statements, the costliest, of what source_branch is asked; 0: none", .min = "0",
             .max = "100"),
    LB_PARAM(struct args, replay_writes, LB_BOOL, "false",
             "of these also UPDATE and DELETE, each rolled back so that the next one finds its rows"),
    LB_PARAM(struct args, rate, LB_I64, "1000", "replayed statements in a second, at most; 0: as fast as they go",
             .min = "0", .max = "1000000"),
    LB_PARAM(struct args, around_ms, LB_I64, "3000", "how long a replay is measured before the migration, and after it",
             .min = "0", .max = "600000"),
    LB_PARAM(struct args, test_command, LB_LIST_OF(LB_TEXT), NULL,
             "a program and its arguments that test the migrated branch; it connects as the workload does"),
    LB_PARAM(struct args, sample_ms, LB_I64, "10", "how often to look who waits", .min = "1", .max = "10000"),
    LB_PARAM(struct args, rollback, LB_TEXT, "prove", "prove the undo scripts; require: one has to be there",
             .choices = "prove|require|skip"),
    LB_PARAM(struct args, second_run, LB_TEXT, "prove",
             "run each file a second time, at the end: nothing may change; skip: do not", .choices = "prove|skip"),
    LB_PARAM(struct args, rows_mb, LB_I64, "256",
             "of tables whose rows are compared around a rollback and a second run", .min = "0", .max = "1000000"),
    LB_PARAM(struct args, lock_timeout_ms, LB_I64, "500", "how long a statement waits for a lock", .min = "10",
             .max = "60000"),
    LB_PARAM(struct args, lock_tries, LB_I64, "30", "how often it is tried", .min = "1", .max = "100"),
    LB_PARAM(struct args, report, LB_TEXT, NULL, "also write the report to this file, as Markdown"),
    LB_PARAM(struct args, pr_number, LB_I64, "0", "the pull request that the report goes to as well; 0: none",
             .min = "0", .max = "999999999"),
    LB_PARAM(struct args, repository, LB_TEXT, NULL, "of pr_number: where it is, owner/name"),
    LB_PARAM(struct args, service, LB_TEXT, "github", "of pr_number: the web service of the manifest that has it"),
    LB_PARAM(struct args, undo_file, LB_TEXT, NULL,
             "where an undo script is missing: write the one that is made from the catalogue to this file"),
    LB_PARAM(
        struct args, sum, LB_TEXT, "check",
        "the directory's file lbops.sum: hold the files to it, where it is there; or, with no branch made: write it, "
        "which a person approves where there is one; or tell what is to stand in it",
        .choices = "check|write|tell"),
    LB_PARAMS_END,
};

static const char *own_name(lb_ctx *ctx)
{
    time_t now = (time_t)(lb_now(ctx) / 1000000);
    struct tm parts;
    char text[32];
    if (!gmtime_r(&now, &parts) || !strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts))
        return NULL;
    return lb_printf(ctx, "perf-migration-%s", text);
}

static lb_value list_of(lb_ctx *ctx, const char *name, const lb_texts *words)
{
    lb_value *items = lb_alloc(ctx, (words->count + 1) * sizeof *items);
    for (size_t i = 0; items && i < words->count; i++)
        items[i] = lb_text(NULL, words->items[i]);
    return lb_list(name, LB_TEXT, items, items ? words->count : 0);
}

static int write_file(lb_ctx *ctx, const char *path, const char *text, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(
        ctx,
        LB_GROUP(.title = lb_printf(ctx, "write %s", path), .reason = "it was asked for", .undo = "remove the file"),
        &group, err);
    if (r >= 0)
        r = lb_change_file(ctx, group, path, text, err);
    return r < 0 ? r : lb_apply(ctx, group, &outcome, err);
}

static void drop_memory(void *memory)
{
    arena_done(memory);
}

static int make_sum(lb_ctx *ctx, const migration_files *files, arena *memory, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *text = NULL, *path = lb_printf(ctx, "%s/%s", args->dir, MIGRATION_SUM_FILE);
    int r = path ? migration_sum_text(files, memory, &text, err) : lb_out_of_memory(err);
    if (r >= 0 && strcmp(args->sum, "write") == 0)
        r = write_file(ctx, path, text, err);
    return r < 0 ? r
                 : lb_result(
                       ctx,
                       LB_ARGS(lb_text("sum_file", path), lb_text("sum", text), lb_i64("files", (int64_t)files->count)),
                       err);
}

/* Two branches that each add a file meet in this one in git. What does not fit is said before a branch is made. */
static int look_at_sum(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const bool makes = strcmp(args->sum, "check") != 0;
    migration_files files = {0};
    arena *memory = lb_alloc(ctx, sizeof *memory);
    if (!memory)
        return lb_out_of_memory(err);
    arena_init(memory, (size_t)256 << 20);
    if (lb_defer(ctx, drop_memory, memory) < 0)
        return lb_out_of_memory(err);
    int r = migration_read_unheld(args->dir, memory, &files, err);
    if (r < 0)
        return makes ? r : 0; /* the rehearsal says it, in its report */
    return makes ? make_sum(ctx, &files, memory, err) : migration_sum_hold(&files, args->dir, err);
}

static int rehearse(lb_ctx *ctx, const char *project, const char *branch, const char **ret_json, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_value values[20] = {lb_text("dir", args->dir),
                           lb_text("rollback", args->rollback),
                           lb_text("second_run", args->second_run),
                           lb_i64("clients", args->clients),
                           lb_i64("sample_ms", args->sample_ms),
                           lb_i64("lock_timeout_ms", args->lock_timeout_ms),
                           lb_i64("lock_tries", args->lock_tries),
                           lb_i64("rows_mb", args->rows_mb),
                           lb_i64("replay_top", args->replay_top),
                           lb_bool("replay_writes", args->replay_writes),
                           lb_text("replay_source", args->source_branch),
                           lb_i64("rate", args->rate),
                           lb_i64("around_ms", args->around_ms)};
    size_t count = 13;
    if (args->workload.count)
        values[count++] = list_of(ctx, "workload", &args->workload);
    if (args->test_command.count)
        values[count++] = list_of(ctx, "test", &args->test_command);
    if (args->replay)
        values[count++] = lb_text("replay", args->replay);
    if (args->target_version)
        values[count++] = lb_text("target_version", args->target_version);
    values[count] = (lb_value){.type = LB_END};
    return lb_call(ctx, REHEARSES, &(lb_target){.project = project, .branch = branch}, values, ret_json, err);
}

/* Up and down again is nothing for a branch that stays, or that shows how something was. */
static int check_disposable(const branch_policy *policy, const char *branch, lb_error *err)
{
    const branch_kind *kind = branch_kind_of_name(policy, branch, err);
    if (!kind)
        return err->code;
    return kind->ttl_s && *kind->reset_from
               ? 0
               : lb_fail(err, LB_ERR_INVALID,
                         "leave branch_name out, or name one that goes by itself (perf-..., ci-pr-N)",
                         "%s is no branch to throw away: nothing is tried out on it (%s)", branch, kind->id);
}

/* ---- afterwards ---- */

static int delete_branch(lb_ctx *ctx, const branch_order *order, const branch_made *made, lb_error *err)
{
    plane_branches branches = {0};
    lb_outcome outcome = LB_REFUSED;
    int r = plane_list_branches(ctx, order->project, &branches, err);
    const plane_branch *branch = r < 0 ? NULL : plane_find(&branches, order->wish.name);
    if (!branch)
        return r;
    const branch_removal removal = {.project = order->project,
                                    .branches = &branches,
                                    .branch = branch,
                                    .kind = made->verdict.kind,
                                    .title = lb_printf(ctx, "delete branch %s/%s", order->project, branch->id),
                                    .reason = "the migration has been tried out on it",
                                    .event_type = "deleted",
                                    .creator_type = order->creator_type};
    r = branch_remove(ctx, &removal, &outcome, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_bool("deleted", outcome == LB_APPLIED)), err);
}

static const char *member(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) && json_object_is_type(found, json_type_string)
               ? json_object_get_string(found)
               : NULL;
}

static const char *generated_script(struct json_object *rehearsal)
{
    struct json_object *rollback = NULL, *generated = NULL;
    return json_object_object_get_ex(rehearsal, "rollback", &rollback) &&
                   json_object_object_get_ex(rollback, "generated", &generated)
               ? member(generated, "script")
               : NULL;
}

/* One comment, with what differs: that tool keeps it up to date. */
static int post(lb_ctx *ctx, const branch_order *order, const branch_made *made, const char *text, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *json = NULL;
    int r = lb_call(ctx, POSTS, NULL,
                    LB_ARGS(lb_i64("pr_number", args->pr_number), lb_text("repository", args->repository),
                            lb_text("service", args->service), lb_text("project_id", order->project),
                            lb_text("pr_branch", order->wish.name), lb_text("base_branch", made->verdict.parent),
                            lb_text("report", text)),
                    &json, err);
    struct json_object *posted = r < 0 ? NULL : branch_json_keep(ctx, json, err);
    return posted ? lb_result(ctx,
                              LB_ARGS(lb_text("comment", member(posted, "action")),
                                      lb_text("comment_url", member(posted, "url"))),
                              err)
                  : lb_wrap(err, "the pull request's comment");
}

/* The report goes out, whatever its verdict; then a verdict that is bad fails the run. */
static int tell(lb_ctx *ctx, const branch_order *order, const branch_made *made, const char *json, lb_error *err)
{
    const struct args *args = ctx->args;
    struct json_object *rehearsal = branch_json_keep(ctx, json, err), *reasons = NULL;
    if (!rehearsal)
        return err->code;
    const char *verdict = member(rehearsal, "verdict"), *body = member(rehearsal, "text");
    const char *way_back = generated_script(rehearsal);
    const char *expires = made->branch && made->branch->expires_at != LB_TIME_NONE
                              ? plane_time_text(ctx, made->branch->expires_at)
                              : NULL;
    const char *text =
        lb_printf(ctx, "%s\nOn branch %s/%s, made from %s%s%s.\n", body ? body : "", order->project, order->wish.name,
                  made->verdict.parent, expires ? ", which expires " : "", expires ? expires : "");
    struct json_object *number = NULL;
    int64_t warnings = json_object_object_get_ex(rehearsal, "warnings", &number) ? json_object_get_int64(number) : 0;
    json_object_object_del(rehearsal, "text"); /* it is in the markdown */
    int r = text ? lb_result(ctx,
                             LB_ARGS(lb_text("verdict", verdict), lb_i64("warnings", warnings),
                                     lb_text("markdown", text), lb_json("rehearsal", branch_json_text(ctx, rehearsal))),
                             err)
                 : lb_out_of_memory(err);
    if (r >= 0 && args->report)
        r = write_file(ctx, args->report, text, err);
    if (r >= 0 && args->undo_file && way_back && *way_back)
        r = write_file(ctx, args->undo_file, way_back, err);
    if (r >= 0 && args->pr_number)
        r = post(ctx, order, made, text, err);
    if (r >= 0 && args->delete_after && made->created)
        r = delete_branch(ctx, order, made, err);
    if (r < 0 || !verdict || strcmp(verdict, "failed") != 0)
        return r;
    bool has = json_object_object_get_ex(rehearsal, "reasons", &reasons) && json_object_array_length(reasons) > 0;
    return lb_fail(err, LB_ERR_TOOL, "the result's markdown says more", "%.400s",
                   has ? json_object_get_string(json_object_array_get_idx(reasons, 0)) : "the rehearsal failed");
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    branch_made made = {0};
    branch_order order = {.wish = {.name = args->branch_name ? args->branch_name : own_name(ctx),
                                   .parent = args->source_branch,
                                   .ttl = args->ttl},
                          .reason = "to try a migration out",
                          .creator_type = args->creator_type};
    const char *json = NULL;
    if (args->pr_number && !args->repository)
        return lb_fail(err, LB_ERR_INVALID, "--repository owner/name", "nobody knows whose pull request %lld is",
                       (long long)args->pr_number);
    if (look_at_sum(ctx, err) < 0)
        return err->code;
    if (strcmp(args->sum, "check") != 0)
        return 0;
    const branch_policy *policy = order.wish.name ? branch_policy_of_run(ctx, args->policy, err) : NULL;
    if (!policy)
        return order.wish.name ? err->code : lb_out_of_memory(err);
    int r = check_disposable(policy, order.wish.name, err);
    if (r >= 0)
        r = plane_choose_project(ctx, args->project_id, &order.project, err);
    if (r >= 0)
        r = branch_make(ctx, policy, &order, &made, err);
    if (r >= 0)
        r = lb_result(ctx,
                      LB_ARGS(lb_text("project_id", order.project), lb_text("branch", order.wish.name),
                              lb_bool("created", made.created), lb_text("source_branch", made.verdict.parent),
                              lb_text("rule", made.verdict.kind->id), lb_i64("ttl_seconds", made.verdict.ttl_s)),
                      err);
    if (r >= 0 && made.outcome != LB_APPLIED)
        return lb_skipped(ctx, order.wish.name, "the branch is not there yet, so nothing is tried on it", err);
    if (r >= 0)
        r = rehearse(ctx, order.project, order.wish.name, &json, err);
    return r < 0 ? r : tell(ctx, &order, &made, json, err);
}

LB_TOOL(test_migration_on_branch, "tries a migration out on a branch: its locks under load, its diff, its way back",
        .agent = "provisioning", .risk = LB_RISK_LOW, .workspace = true, .timeout_s = 3600,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("branch_lifecycle"),
        .emits = LB_NAMES("branch.created", "branch.deleted"), .calls = LB_NAMES(REHEARSES, BRANCH_FACTS_TOOL, POSTS),
        .run = run);
