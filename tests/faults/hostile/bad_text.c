/* Bytes that are not UTF-8, wherever a tool can put text. */
#include "hostile.h"

#define BAD "caf\xe9 \xc0\x80 \xed\xa0\x80"

struct args {
    const char *where;
};

static const lb_param params[] = {
    LB_PARAM(struct args, where, LB_TEXT, NULL, "where the bytes go", .required = true,
             .choices = "result|name|append|record|event|log|error|title|skipped"),
    LB_PARAMS_END,
};

static int put(lb_ctx *ctx, const char *where, lb_error *err)
{
    lb_group *group = NULL;
    if (strcmp(where, "result") == 0)
        return lb_result(ctx, LB_ARGS(lb_text("text", BAD)), err);
    if (strcmp(where, "name") == 0)
        return lb_result(ctx, LB_ARGS(lb_text(BAD, "text")), err);
    if (strcmp(where, "append") == 0)
        return lb_append(ctx, BAD, LB_ARGS(lb_text("text", "text")), err);
    if (strcmp(where, "record") == 0)
        return lb_record(
            ctx, "lakebase_metrics",
            LB_ARGS(lb_text("metric_name", BAD), lb_f64("metric_value", 1), lb_time("snapshot_timestamp", lb_now(ctx))),
            err);
    if (strcmp(where, "event") == 0)
        return lb_emit(ctx, "bad.text", LB_ARGS(lb_text("text", BAD)), err);
    if (strcmp(where, "log") == 0)
        lb_log(ctx, LB_LOG_ERROR, "%s", BAD);
    if (strcmp(where, "error") == 0)
        return lb_fail(err, LB_ERR_TOOL, BAD, "cannot say %s", BAD);
    if (strcmp(where, "skipped") == 0)
        return lb_skipped(ctx, BAD, "it is not text", err);
    return strcmp(where, "title") == 0
               ? lb_group_open(ctx, LB_GROUP(.title = BAD, .reason = "a title is text as well"), &group, err)
               : 0;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    return put(ctx, args->where, err);
}

HOSTILE(bad_text, "text that is none", LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("lakebase_metrics"),
        .emits = LB_NAMES("bad.text"));
