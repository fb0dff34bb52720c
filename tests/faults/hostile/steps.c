/* Does a little of everything: records, an event, a change, a finding, a log line, and fails or crashes afterwards if
 * told to. */
#include "hostile.h"

struct args {
    const char *path, *end;
};

static const lb_param params[] = {
    LB_PARAM(struct args, path, LB_TEXT, NULL, "a file to write"),
    LB_PARAM(struct args, end, LB_TEXT, "ok", "how it ends", .choices = "ok|fail|crash"),
    LB_PARAMS_END,
};

static int write_file(lb_ctx *ctx, const char *path, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(ctx, LB_GROUP(.title = "write a note", .reason = "asked for by name"), &group, err);
    if (r >= 0)
        r = lb_change_file(ctx, group, path, "a note\n", err);
    return r < 0 ? r : lb_apply(ctx, group, &outcome, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    int r = lb_record(
        ctx, "lakebase_metrics",
        LB_ARGS(lb_text("metric_name", "steps"), lb_f64("metric_value", 1), lb_time("snapshot_timestamp", lb_now(ctx))),
        err);
    if (r >= 0)
        r = lb_emit(ctx, "step.taken", LB_ARGS(lb_i64("number", 1)), err);
    if (r >= 0 && args->path)
        r = write_file(ctx, args->path, err);
    if (r >= 0)
        r = lb_report(ctx,
                      LB_FINDING(.object = "public.steps", .kind = "step", .reason = "one was taken",
                                 .evidence = LB_ARGS(lb_i64("steps", 1)), .terms = LB_TERMS({"seen", 0.9})),
                      err);
    if (r >= 0)
        r = lb_examined(ctx, "steps", 1, err);
    if (r >= 0 && strcmp(args->end, "fail") == 0)
        return lb_fail(err, LB_ERR_TOOL, "do not ask it to", "failed as it was asked to");
    if (strcmp(args->end, "crash") == 0)
        abort();
    return r;
}

HOSTILE(steps, "a little of everything", LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("lakebase_metrics"),
        .emits = LB_NAMES("step.taken"));
