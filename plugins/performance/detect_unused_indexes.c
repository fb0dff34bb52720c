/* detect_unused_indexes: indexes that nobody scanned for as long as the server can prove, and invalid ones. */
#include "index_rules.h"
#include "index_trial.h"

struct args {
    double days, rare_scans;
    int64_t min_minutes, min_bytes, min_reads, min_written;
    bool invalid;
    const char *prove;
};

static const lb_param params[] = {
    LB_PARAM(struct args, days, LB_F64, "7", "days without a scan that must have been counted", .min = "0"),
    LB_PARAM(struct args, min_minutes, LB_I64, "15", "minutes of counting under which no count says anything",
             .min = "0"),
    LB_PARAM(struct args, min_bytes, LB_I64, "1048576", "leave smaller indexes out", .min = "0"),
    LB_PARAM(struct args, min_reads, LB_I64, "1000", "scans of the table without which an unused index proves nothing",
             .min = "0"),
    LB_PARAM(struct args, min_written, LB_I64, "1000",
             "rows written to the table below which it was not busy, and less is sure", .min = "0"),
    LB_PARAM(struct args, rare_scans, LB_F64, "1",
             "scans a day below which an index of a much written table is rarely used", .min = "0"),
    LB_PARAM(struct args, invalid, LB_BOOL, "true", "also report indexes that no query may use"),
    INDEX_PROVE_PARAM(struct args),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const index_unused_limits limits = {args->days,      args->min_minutes, args->min_bytes,
                                        args->min_reads, args->rare_scans,  args->min_written};
    index_trial trial = {.ctx = ctx, .is_wanted = index_trial_is_wanted(args->prove)};
    index_work work = {.ctx = ctx, .tell = index_report, .trial = &trial};
    const char *why = NULL;
    int r = index_read(ctx, false, &work.set, err);
    if (r >= 0)
        r = index_read_history(ctx, work.set->window.r.database, &work.history, &why, err);
    if (r >= 0)
        r = work.history ? index_note_history(ctx, work.history, work.set, args->min_bytes, err)
                         : lb_skipped(ctx, "history", why, err);
    if (r >= 0)
        r = index_trial_end(&trial, index_find_unused(&work, &limits, err), err);
    if (r >= 0 && args->invalid)
        r = index_find_invalid(&work, err);
    return r < 0 ? r : lb_examined(ctx, "indexes", (int64_t)work.set->index_count, err);
}

LB_TOOL(detect_unused_indexes, "indexes that nobody scans, and invalid ones that nobody can", .agent = "performance",
        .risk = LB_RISK_LOW, .schedule = "0 * * * *", .detector = true, .timeout_s = 600,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("lakebase_metrics"), .calls = INDEX_TRIAL_CALLS,
        .run = run);
