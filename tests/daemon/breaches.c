/* A tool that reports metrics past their limits, or back inside, as many as a test needs. */
#include <lbops/lbops.h>

struct args {
    const char *metric, *level;
    int64_t first, count;
    bool over;
    const char *deleted, *detail, *database, *treated, *status;
    double remind_s;
};

static const lb_param params[] = {
    LB_PARAM(struct args, metric, LB_TEXT, "lock_wait_time", "the metric"),
    LB_PARAM(struct args, level, LB_TEXT, "warning", "how bad", .choices = "warning|critical"),
    LB_PARAM(struct args, first, LB_I64, "1", "number of the first object"),
    LB_PARAM(struct args, count, LB_I64, "1", "of objects"),
    LB_PARAM(struct args, over, LB_BOOL, "false", "they are back inside"),
    LB_PARAM(struct args, deleted, LB_TEXT, NULL, "says instead that this branch is deleted"),
    LB_PARAM(struct args, detail, LB_TEXT, "{}", "the evidence, as JSON"),
    LB_PARAM(struct args, database, LB_TEXT, NULL, "the database that they are in"),
    LB_PARAM(struct args, treated, LB_TEXT, NULL, "what was done about them"),
    LB_PARAM(struct args, status, LB_TEXT, "executed", "and how that ended"),
    LB_PARAM(struct args, remind_s, LB_F64, "3600", "what it says of reminders"),
    LB_PARAMS_END,
};

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    int r = 0;
    if (args->deleted)
        return lb_emit(ctx, "branch.deleted",
                       LB_ARGS(lb_text("project_id", lb_run_target(ctx)->project), lb_text("branch_id", args->deleted)),
                       err);
    for (int64_t i = args->first; r >= 0 && i < args->first + args->count; i++) {
        const char *object = lb_printf(ctx, "object %lld", (long long)i);
        if (args->treated)
            r = lb_emit(ctx, "threshold.treated",
                        LB_ARGS(lb_text("metric", args->metric), lb_text("status", args->status),
                                lb_text("text", args->treated), lb_text("object", object),
                                lb_text("database", args->database)),
                        err);
        else if (args->over)
            r = lb_emit(ctx, "threshold.cleared",
                        LB_ARGS(lb_text("metric", args->metric), lb_f64("value", 1), lb_text("object", object),
                                lb_text("database", args->database)),
                        err);
        else
            r = lb_emit(ctx, "threshold.breached",
                        LB_ARGS(lb_text("metric", args->metric), lb_f64("value", 9), lb_text("level", args->level),
                                lb_text("object", object), lb_text("database", args->database),
                                lb_json("detail", args->detail), lb_f64("remind_s", args->remind_s)),
                        err);
    }
    return r;
}

LB_TOOL(breaches, "reports metrics past their limits", .agent = "tests", .risk = LB_RISK_LOW,
        .emits = LB_NAMES("threshold.breached", "threshold.cleared", "threshold.treated", "branch.deleted"),
        LB_TOOL_ARGS(struct args, params), .run = run);
