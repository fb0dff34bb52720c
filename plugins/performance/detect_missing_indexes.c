/* detect_missing_indexes: indexes that the statements ask for, proven by the planner where HypoPG is at hand. */
#include "index_trial.h"

struct args {
    int64_t min_rows, min_bytes, min_scans, min_minutes, min_calls, max_statements, max_proofs, min_brin_bytes;
    double min_mean_ms, min_share, write_us;
    const char *prove;
};

static const lb_param params[] = {
    LB_PARAM(struct args, min_rows, LB_I64, "10000", "leave tables with fewer rows out", .min = "0"),
    LB_PARAM(struct args, min_bytes, LB_I64, "8388608", "leave smaller tables out", .min = "0"),
    LB_PARAM(struct args, min_scans, LB_I64, "100",
             "scans of a whole table that count, where statements are not counted", .min = "1"),
    LB_PARAM(struct args, min_minutes, LB_I64, "15", "minutes of counting under which scans say nothing", .min = "0"),
    LB_PARAM(struct args, min_calls, LB_I64, "50", "leave statements out that ran less often", .min = "1"),
    LB_PARAM(struct args, min_mean_ms, LB_F64, "5", "mean time from which a statement counts", .min = "0"),
    LB_PARAM(struct args, min_share, LB_F64, "0.05", "or its share of all the time", .min = "0", .max = "1"),
    LB_PARAM(struct args, max_statements, LB_I64, "200", "statements that are read, the costliest first", .min = "1",
             .max = "10000"),
    LB_PARAM(struct args, max_proofs, LB_I64, "50", "candidates that the planner is asked about", .min = "0",
             .max = "500"),
    INDEX_MISSING_PARAMS(struct args),
    INDEX_PROVE_PARAM(struct args),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const index_missing_limits limits = {.min_rows = args->min_rows,
                                         .min_bytes = args->min_bytes,
                                         .min_scans = args->min_scans,
                                         .min_calls = args->min_calls,
                                         .min_mean_ms = args->min_mean_ms,
                                         .min_share = args->min_share,
                                         .max_statements = args->max_statements,
                                         .max_proofs = args->max_proofs,
                                         .min_minutes = args->min_minutes,
                                         .min_brin_bytes = args->min_brin_bytes,
                                         .write_us = args->write_us};
    index_trial trial = {.ctx = ctx, .is_wanted = index_trial_is_wanted(args->prove)};
    index_work work = {.ctx = ctx, .tell = index_report, .trial = &trial};
    int r = index_read(ctx, true, &work.set, err);
    if (r >= 0)
        r = index_find_missing(&work, &limits, err);
    return index_trial_end(&trial, r, err);
}

LB_TOOL(detect_missing_indexes, "indexes that statements ask for and do not find", .agent = "performance",
        .risk = LB_RISK_LOW, .schedule = "0 * * * *", .detector = true, .timeout_s = 180,
        LB_TOOL_ARGS(struct args, params), .calls = INDEX_TRIAL_CALLS, .run = run);
