/* rehearsal_on_branch: tries a migration out on the branch that it runs on: applies it with everybody at work, watches,
 * tests, takes it back. test_migration_on_branch makes the branch for it. */
#include "rehearsal.h"

static const lb_param params[] = {
    LB_PARAM(rehearsal_args, dir, LB_TEXT, NULL, "the directory of the migrations", .required = true),
    LB_PARAM(rehearsal_args, target_version, LB_TEXT, NULL, "apply no version above this one"),
    LB_PARAM(rehearsal_args, workload, LB_LIST_OF(LB_TEXT), NULL, "a program and its arguments that work meanwhile"),
    LB_PARAM(rehearsal_args, replay, LB_TEXT, NULL, "a file of statements that pgbench repeats meanwhile"),
    LB_PARAM(rehearsal_args, clients, LB_I64, "4", "sessions that replay", .min = "1", .max = "1000"),
    LB_PARAM(rehearsal_args, replay_source, LB_TEXT, NULL, "the branch whose statements replay_top means"),
    LB_PARAM(rehearsal_args, replay_top, LB_I64, "0",
             "replay as many statements, the costliest, of what replay_source is asked; 0: none", .min = "0",
             .max = "100"),
    LB_PARAM(rehearsal_args, replay_writes, LB_BOOL, "false",
             "of these also UPDATE and DELETE, each rolled back so that the next one finds its rows"),
    LB_PARAM(rehearsal_args, rate, LB_I64, "1000", "replayed statements in a second, at most; 0: as fast as they go",
             .min = "0", .max = "1000000"),
    LB_PARAM(rehearsal_args, around_ms, LB_I64, "3000",
             "how long a replay is measured before the migration, and after it", .min = "0", .max = "600000"),
    LB_PARAM(rehearsal_args, test, LB_LIST_OF(LB_TEXT), NULL, "a program and its arguments that test the result"),
    LB_PARAM(rehearsal_args, sample_ms, LB_I64, "10", "how often to look who waits", .min = "1", .max = "10000"),
    LB_PARAM(rehearsal_args, rollback, LB_TEXT, "prove", "whether to prove the undo scripts",
             .choices = "prove|require|skip"),
    LB_PARAM(rehearsal_args, second_run, LB_TEXT, "prove", "whether to run each file a second time, at the end",
             .choices = "prove|skip"),
    LB_PARAM(rehearsal_args, rows_mb, LB_I64, "256",
             "of tables whose rows are compared around a rollback and a second run", .min = "0", .max = "1000000"),
    LB_PARAM(rehearsal_args, lock_timeout_ms, LB_I64, "500", "how long a statement waits for a lock", .min = "10",
             .max = "60000"),
    LB_PARAM(rehearsal_args, lock_tries, LB_I64, "30", "how often it is tried", .min = "1", .max = "100"),
    LB_PARAMS_END,
};

static int look_before(rehearsal *s, lb_error *err)
{
    int r = schema_read(s->ctx, &s->filter, &s->before, err);
    if (r >= 0)
        r = rehearsal_read_files(s, &s->files_before, err);
    return r < 0 || !rehearsal_compares_rows(s) || rehearsal_work_writes(s)
               ? r
               : rehearsal_read_rows(s, &s->rows_before, err);
}

/* A test that leaves other rows than it found says nothing against the migration, and hides what that does to them. */
static int test(rehearsal *s, lb_error *err)
{
    rehearsal_content before = {0}, after = {0};
    bool looks = s->args->test.count && rehearsal_compares_rows(s) && !s->rows_unproven && !s->quiet.ran;
    int r = looks ? rehearsal_read_rows(s, &before, err) : 0;
    if (r >= 0)
        r = rehearsal_run_test(s, err);
    if (r >= 0 && looks)
        r = rehearsal_read_rows(s, &after, err);
    return r < 0 || !looks || !rehearsal_first_other(&before, &after)
               ? r
               : rehearsal_leave_rows(s, "the test left other rows than it found\n", err);
}

static int measure(rehearsal *s, lb_error *err)
{
    int r = rehearsal_measure(s, err);
    if (r >= 0)
        r = rehearsal_look_after(s, err);
    if (r >= 0 && !s->failed)
        r = test(s, err);
    if (r >= 0)
        r = rehearsal_take_back(s, err);
    return r < 0 ? r : rehearsal_go_again(s, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    static const char *const own_schema[] = {"lbops_migration"}; /* the ledger is no part of what is compared */
    static const lb_texts none = {0}, ours = {own_schema, 1};
    rehearsal *s = lb_alloc(ctx, sizeof *s);
    if (!s)
        return lb_out_of_memory(err);
    *s = (rehearsal){.ctx = ctx, .args = ctx->args, .log_alone = -1};
    s->filter = (schema_filter){
        .schemas = &none, .exclude_schemas = &ours, .kinds = &none, .one_branch = true, .privileges = true};
    if (lb_plans(ctx))
        return lb_skipped(ctx, s->args->dir, "a plan applies nothing, so there is nothing to see", err);
    bool goes_on = true;
    int r = rehearsal_check_work(s, err);
    if (r >= 0)
        r = look_before(s, err);
    if (r >= 0)
        r = rehearsal_go_quietly(s, &goes_on, err);
    if (r >= 0 && goes_on)
        r = measure(s, err);
    else if (r >= 0)
        rehearsal_blame(s, "it was not measured beside the workload, as the quiet round before that ended badly; with "
                           "rollback=skip there is none");
    return r < 0 ? r : rehearsal_tell(s, err);
}

LB_TOOL(rehearsal_on_branch, "tries a migration out on the branch it runs on, which is to be thrown away",
        .agent = "provisioning", .risk = LB_RISK_LOW, .timeout_s = 3600, LB_TOOL_ARGS(rehearsal_args, params),
        .writes = LB_NAMES("lakebase_metrics"), .calls = LB_NAMES(REHEARSAL_MIGRATES, REPLAY_WORKLOAD), .run = run);
