/* apply_schema_migration: brings a database's schema to where a directory of SQL files says it should be. */
#include "migration_base.h"
#include "migration_batch.h"

#define JUDGED_FOR 17 /* where no server is asked: what the parser knows */

struct args {
    const char *dir, *target_version, *baseline, *gaps, *tried, *keep_before, *policy;
    lb_texts judge_only;
    bool out_of_order, allow_ahead, undo, only_undoable, tell_locks, tell_base;
    int64_t lock_timeout_ms, lock_tries, lock_pause_ms, lock_budget_s, lock_wait_s, instant_timeout_s, data_timeout_s,
        build_timeout_s;
};

static const lb_param params[] = {
    LB_PARAM(struct args, dir, LB_TEXT, NULL,
             "the directory of the files, with its folders where they are named as Flyway's; relative to the manifest",
             .required = true),
    LB_PARAM(struct args, target_version, LB_TEXT, NULL, "apply no version above this one"),
    LB_PARAM(struct args, baseline, LB_TEXT, NULL, "an existing database: its schema is that of this version"),
    LB_PARAM(struct args, gaps, LB_TEXT, "report",
             "numbers missing between two versions, where they are not numbered in tens", .choices = "report|refuse"),
    LB_PARAM(struct args, out_of_order, LB_BOOL, "false", "apply a version below one that has been applied"),
    LB_PARAM(struct args, allow_ahead, LB_BOOL, "false", "go on although the database has versions that no file has"),
    LB_PARAM(struct args, undo, LB_BOOL, "false", "take the last version back, by its undo script"),
    LB_PARAM(struct args, only_undoable, LB_BOOL, "false", "apply nothing where an undo script is missing"),
    LB_PARAM(struct args, lock_timeout_ms, LB_I64, "500",
             "how long a statement waits for a lock, while others wait behind it", .min = "10", .max = "60000"),
    LB_PARAM(struct args, lock_tries, LB_I64, "30", "how often a statement is tried that did not get its lock",
             .min = "1", .max = "100"),
    LB_PARAM(struct args, lock_pause_ms, LB_I64, "5000",
             "the longest pause between two of these tries; the first is 10", .min = "10", .max = "60000"),
    LB_PARAM(struct args, lock_budget_s, LB_I64, "300", "for how long locks are tried for, all in all", .min = "1",
             .max = "3600"),
    LB_PARAM(struct args, lock_wait_s, LB_I64, "300", "how long to wait for another runner", .min = "0", .max = "3600"),
    LB_PARAM(struct args, instant_timeout_s, LB_I64, "60",
             "the most for a statement that locks a table for everybody and should read no row; 0: no limit",
             .min = "0", .max = "3600"),
    LB_PARAM(struct args, data_timeout_s, LB_I64, "-1",
             "the most for a statement that reads or changes rows; -1: by the size of its tables, 0: no limit",
             .min = "-1", .max = "86400"),
    LB_PARAM(
        struct args, build_timeout_s, LB_I64, "14400",
        "the most for one outside of transactions that keeps nobody out, as CREATE INDEX CONCURRENTLY; 0: no limit",
        .min = "0", .max = "86400"),
    LB_PARAM(struct args, keep_before, LB_TEXT, "auto",
             "a branch as it was before what loses data: auto, where one can be made and this is no throwaway branch",
             .choices = "auto|always|never"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAM(struct args, tell_base, LB_BOOL, "false", "tell what was applied on this branch, and to what (tried)"),
    LB_PARAM(struct args, tried, LB_TEXT, NULL, "a file with that of another branch: refuse where this one has moved"),
    LB_PARAM(struct args, judge_only, LB_LIST_OF(LB_TEXT), NULL,
             "only judge these files of dir, by their text: no server is asked, as there may be none"),
    LB_PARAM(struct args, tell_locks, LB_BOOL, "false",
             "measure each statement of a transaction: its locks, scans, files, time and log"),
    LB_PARAMS_END,
};

typedef struct state {
    migration_run run;
    migration_files files;
    migration_ledger ledger;
    bool has_ledger;
    migration_plan plan;
    struct json_object *tried;
    int64_t applied, waiting;
} state;

static void drop_memory(void *memory)
{
    arena_done(memory);
}

static int open_run(lb_ctx *ctx, state *s, lb_error *err)
{
    const struct args *args = ctx->args;
    arena *memory = lb_alloc(ctx, sizeof *memory);
    if (!memory)
        return lb_out_of_memory(err);
    arena_init(memory, (size_t)256 << 20);
    if (lb_defer(ctx, drop_memory, memory) < 0)
        return lb_out_of_memory(err);
    s->run = (migration_run){.ctx = ctx,
                             .memory = memory,
                             .lock_timeout_ms = args->lock_timeout_ms,
                             .lock_tries = args->lock_tries,
                             .lock_pause_ms = args->lock_pause_ms,
                             .lock_left_us = args->lock_budget_s * 1000000,
                             .lock_wait_s = args->lock_wait_s,
                             .instant_timeout_ms = args->instant_timeout_s * 1000,
                             .data_timeout_ms = args->data_timeout_s * 1000,
                             .build_timeout_ms = args->build_timeout_s * 1000,
                             .tells_locks = args->tell_locks,
                             .keeps_history = true,
                             .keep_before = args->keep_before,
                             .policy = args->policy,
                             .asks_nobody = args->judge_only.count > 0,
                             .server = JUDGED_FOR,
                             .chance = (uint64_t)(uintptr_t)memory ^ (uint64_t)lb_now(ctx)};
    int r = migration_read(args->dir, memory, &s->files, err);
    return r < 0 || s->run.asks_nobody ? r : lb_server_version(ctx, &s->run.server, err);
}

/* Reads the ledger and plans. Done twice: to see what there is to do, and again once nobody else is at it. */
static int make_plan(state *s, lb_error *err)
{
    const struct args *args = s->run.ctx->args;
    const migration_options options = {.target = args->target_version,
                                       .baseline = args->baseline,
                                       .out_of_order = args->out_of_order,
                                       .allow_ahead = args->allow_ahead,
                                       .undo = args->undo,
                                       .only_undoable = args->only_undoable,
                                       .refuse_gaps = strcmp(args->gaps, "refuse") == 0};
    int r = migrate_read_ledger(&s->run, &s->ledger, &s->has_ledger, err);
    return r < 0 ? r : migration_plan_make(&s->files, &s->ledger, &options, s->run.memory, &s->plan, err);
}

/* Judges what has not been judged; what must not be executed ends the run here. */
static int judge_tasks(state *s, lb_error *err)
{
    migration_file **files = arena_alloc(s->run.memory, (s->plan.count + 1) * sizeof(migration_file *));
    int64_t statements = 0;
    int r = 0;
    if (!files)
        return lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < s->plan.count; i++) {
        migration_file *file = files[i] = s->plan.tasks[i].file;
        if (file->is_told)
            continue;
        r = migration_judge(file, s->run.server, s->run.memory, err);
        file->is_told = r >= 0;
        if (r >= 0 && !s->run.asks_nobody)
            r = migrate_judge_what_is_there(&s->run, &s->plan.tasks[i], err);
        if (r >= 0 && !s->run.asks_nobody)
            r = migrate_look_at_risk(&s->run, file, err);
        if (r >= 0)
            r = migrate_mend_advice(&s->run, &s->files, file, err);
        if (r >= 0 && !s->run.asks_nobody)
            r = migrate_look_at_catalogue(&s->run, file, err);
        if (r >= 0)
            r = migrate_report(&s->run, file, err);
        statements += (int64_t)file->judged.count;
    }
    if (r >= 0)
        r = lb_examined(s->run.ctx, "statements", statements, err);
    if (r >= 0)
        r = migrate_refuse(files, s->plan.count, err);
    return r < 0 || s->run.asks_nobody ? r : migrate_batches_check(&s->run, &s->plan, err);
}

/* The file itself, or the folder that it lies in. */
static bool covers(const char *other, const char *name)
{
    size_t length = strlen(other);
    return strncmp(other, name, length) == 0 && (!name[length] || name[length] == '/');
}

/* Takes a file that is to be judged into the plan. */
static int take_named(state *s, const char *name, lb_error *err)
{
    const struct args *args = s->run.ctx->args;
    for (size_t i = 0; i < s->files.count; i++)
        if (strcmp(s->files.items[i].name, name) == 0) {
            s->plan.tasks[s->plan.count++].file = &s->files.items[i];
            return 0;
        }
    for (size_t i = 0; i < s->files.other_count; i++)
        if (covers(s->files.others[i].name, name))
            return lb_skipped(s->run.ctx, name, s->files.others[i].why, err);
    return lb_fail(err, LB_ERR_NOT_FOUND, "give names as they stand in --dir, from there, that end in .sql",
                   "there is no file %.200s in %s", name, args->dir);
}

/* What has been applied anywhere is not known here, so whoever asks says which files count. */
static int judge_named(state *s, lb_error *err)
{
    const struct args *args = s->run.ctx->args;
    const size_t count = args->judge_only.count;
    int r = 0;
    s->plan.tasks = arena_alloc(s->run.memory, count * sizeof *s->plan.tasks);
    if (!s->plan.tasks)
        return lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = take_named(s, args->judge_only.items[i], err);
    if (r >= 0)
        r = lb_examined(s->run.ctx, "files", (int64_t)s->plan.count, err);
    if (r >= 0)
        r = judge_tasks(s, err);
    return r < 0 ? r : lb_result(s->run.ctx, LB_ARGS(lb_i64("server_version", s->run.server)), err);
}

static int tell_task(state *s, const migration_task *task, const char *became, lb_error *err)
{
    return lb_append(s->run.ctx, "migrations",
                     LB_ARGS(lb_text("file", task->file->name), lb_text("kind", migration_kind_name(task->file->kind)),
                             lb_text("version", task->file->version), lb_text("outcome", became),
                             lb_i64("statements", (int64_t)task->file->judged.count),
                             lb_i64("statements_done", task->done), lb_text("checksum", task->file->checksum)),
                     err);
}

/* In order, and no further than what waits for a person: what comes behind may rest on it. */
static int apply_tasks(state *s, lb_error *err)
{
    static const char *const words[] = {
        [LB_APPLIED] = "applied", [LB_PLANNED] = "planned", [LB_WAITING] = "waiting", [LB_REFUSED] = "refused"};
    int r = 0;
    for (size_t i = 0; r >= 0 && i < s->plan.count; i++) {
        migration_task *task = &s->plan.tasks[i];
        lb_outcome outcome = LB_APPLIED;
        if (s->waiting) {
            r = lb_skipped(s->run.ctx, task->file->name, "a migration before it waits for an approval", err);
            continue;
        }
        lb_progress(s->run.ctx, (int64_t)i, (int64_t)s->plan.count, task->file->name);
        r = migrate_apply(&s->run, task, migration_undo_of(&s->files, task->file), &outcome, err);
        lb_error of_telling;
        int told = tell_task(s, task, r < 0 ? "failed" : words[outcome], r < 0 ? &of_telling : err);
        r = r < 0 ? r : told;
        s->applied += r >= 0 && outcome == LB_APPLIED;
        s->waiting += outcome == LB_WAITING || outcome == LB_REFUSED;
    }
    return r;
}

/* What has been completed since others last heard of it, also by an approval in between. */
static int tell_others(state *s, lb_error *err)
{
    lb_ctx *ctx = s->run.ctx;
    const char **names = arena_alloc(s->run.memory, (s->ledger.count + 1) * sizeof *names);
    lb_value *list = arena_alloc(s->run.memory, (s->ledger.count + 1) * sizeof *list);
    if (!names || !list)
        return lb_out_of_memory(err);
    size_t count = migration_untold(&s->ledger, s->plan.told, names, s->ledger.count);
    for (size_t i = 0; i < count; i++)
        list[i] = lb_text(NULL, names[i]);
    if (!count)
        return 0;
    const lb_target *target = lb_run_target(ctx);
    const char *id =
        lb_printf(ctx, "migrated-%s-%s-%lld", target->project, target->branch, (long long)s->plan.last_done);
    int r = lb_emit(ctx, "schema.migrated",
                    LB_ARGS(lb_i64("migrations_applied", (int64_t)count), lb_list("migrations", LB_TEXT, list, count),
                            lb_text("version", s->plan.version)),
                    err);
    if (r >= 0)
        r = lb_record(ctx, "branch_lifecycle",
                      LB_ARGS(lb_text("event_id", id), lb_time("event_timestamp", lb_now(ctx)),
                              lb_text("event_type", "migrated"), lb_text("reason", "migrations were applied")),
                      err);
    return r < 0 ? r : migrate_mark_told(&s->run, s->plan.last_done, err);
}

static int apply_alone(state *s, lb_error *err)
{
    const struct args *args = s->run.ctx->args;
    int r = make_plan(s, err);
    if (r >= 0 && s->tried)
        r = migrate_hold_to_base(&s->run, &s->plan, s->tried, err);
    if (r >= 0 && !s->has_ledger && (s->plan.count || s->plan.sets_baseline))
        r = migrate_make_ledger(&s->run, err);
    if (r >= 0 && s->plan.sets_baseline)
        r = migrate_set_baseline(&s->run, args->baseline, err);
    if (r >= 0)
        r = judge_tasks(s, err);
    if (r >= 0)
        r = apply_tasks(s, err);
    if (r < 0 || lb_plans(s->run.ctx))
        return r;
    r = migrate_read_ledger(&s->run, &s->ledger, &s->has_ledger, err);
    if (r >= 0 && s->tried && !s->waiting)
        r = migrate_compare_end(&s->run, &s->plan, &s->ledger, s->tried, err);
    migration_look(&s->ledger, &s->plan);
    return r < 0 ? r : tell_others(s, err);
}

static int execute(state *s, lb_error *err)
{
    if (lb_plans(s->run.ctx))
        return apply_alone(s, err);
    int r = migrate_lock(&s->run, err);
    if (r < 0)
        return r;
    r = apply_alone(s, err);
    if (r < 0 && (r == LB_ERR_UNREACHABLE || strcmp(err->sqlstate, "25P04") == 0))
        return r;          /* the session is gone, and its lock with it */
    lb_error of_unlocking; /* what went wrong before it counts more */
    int freed = migrate_unlock(&s->run, r < 0 ? &of_unlocking : err);
    return r < 0 ? r : freed;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    state *s = lb_alloc(ctx, sizeof *s);
    if (!s)
        return lb_out_of_memory(err);
    int r = open_run(ctx, s, err);
    if (r >= 0 && s->run.asks_nobody)
        return judge_named(s, err);
    if (r >= 0 && args->tried)
        r = migrate_read_tried(&s->run, args->tried, &s->tried, err);
    if (r >= 0 && args->tell_base)
        r = migrate_tell_base(&s->run, &s->files, err);
    if (r >= 0)
        r = make_plan(s, err);
    if (r >= 0)
        r = lb_examined(ctx, "files", (int64_t)s->files.count, err);
    if (r >= 0)
        r = judge_tasks(s, err);
    if (r >= 0)
        r = migrate_tell_rest(&s->run, &s->files, &s->plan, err);
    bool has_news = r >= 0 && s->plan.last_done > s->plan.told;
    if (r >= 0 && (s->plan.count || s->plan.sets_baseline || has_news))
        r = execute(s, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("version", s->plan.version), lb_i64("applied", s->applied),
                                     lb_i64("waiting", s->waiting), lb_i64("server_version", s->run.server)),
                             err);
}

LB_TOOL(apply_schema_migration,
        "applies SQL migrations in order, each once, with their hazards told and destruction approved",
        .agent = "provisioning", .risk = LB_RISK_MEDIUM, .detector = true, .timeout_s = 21600,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("branch_lifecycle", "migration_history"),
        .emits = LB_NAMES("branch.created", "schema.migrated"), .run = run);
