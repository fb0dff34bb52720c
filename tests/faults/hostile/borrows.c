/* Runs programs that are lent the branch's connection, one beside the other, and watches the sessions meanwhile. */
#include "hostile.h"

#include <sql/branch/sessions.h>

struct args {
    lb_texts program, beside;
    bool leaves;
    int64_t every_us;
};

static const lb_param params[] = {
    LB_PARAM(struct args, program, LB_LIST_OF(LB_TEXT), NULL, "a program and its arguments"),
    LB_PARAM(struct args, beside, LB_LIST_OF(LB_TEXT), NULL, "one that goes on beside it"),
    LB_PARAM(struct args, leaves, LB_BOOL, "false", "leaves the latter to the end of the run"),
    LB_PARAM(struct args, every_us, LB_I64, "0", "watch so often; 0: not"),
    LB_PARAMS_END,
};

static int start(lb_ctx *ctx, const lb_texts *words, bool beside, lb_group **ret_group, lb_error *err)
{
    const char **argv = lb_alloc(ctx, (words->count + 1) * sizeof *argv);
    lb_outcome outcome;
    if (!argv)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < words->count; i++)
        argv[i] = words->items[i];
    int r = lb_group_open(ctx, LB_GROUP(.title = "run a program", .reason = "the test wants it"), ret_group, err);
    if (r >= 0)
        r = lb_change_program(ctx, *ret_group, LB_PROGRAM(.argv = argv, .beside = beside), err);
    return r < 0 ? r : lb_apply(ctx, *ret_group, &outcome, err);
}

static int count_watched(lb_ctx *ctx, lb_watch *watch, lb_error *err)
{
    branch_sessions_row row;
    lb_rows *rows = NULL;
    int64_t programs = 0;
    int r = lb_watch_end(ctx, watch, &rows, err);
    while (r >= 0 && branch_sessions_next(ctx, rows, &row))
        programs += strcmp(row.application, "beside") == 0;
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_i64("seen_beside", programs)), err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_group *beside = NULL, *group = NULL;
    lb_watch *watch = NULL;
    int r = args->every_us ? lb_watch_begin(ctx, &branch_sessions_sql, LB_ARGS(lb_text("ours", "lbops/")),
                                            args->every_us, &watch, err)
                           : 0;
    if (r >= 0 && args->beside.count)
        r = start(ctx, &args->beside, true, &beside, err);
    if (r >= 0 && args->program.count) {
        r = start(ctx, &args->program, false, &group, err);
        if (group)
            r = r < 0 ? r : lb_result(ctx, LB_ARGS(lb_text("said", lb_group_reply(ctx, group))), err);
    }
    if (r >= 0 && watch)
        r = count_watched(ctx, watch, err);
    if (r >= 0 && beside && !args->leaves)
        r = lb_program_end(ctx, beside, err);
    if (beside && !args->leaves) {
        lb_error ignored;
        int told = lb_result(ctx, LB_ARGS(lb_text("beside_said", lb_group_reply(ctx, beside))), &ignored);
        r = r < 0 ? r : told;
    }
    return r;
}

LB_TOOL(borrows, "runs programs with the branch's connection", .risk = LB_RISK_LOW, LB_TOOL_ARGS(struct args, params),
        .run = run);
