/* create_branch_on_pr: a branch of its own for each pull request. It can be asked for again at any time: the branch
 * that is there is taken as it is, one that is left of an earlier life of the pull request is replaced. The name comes
 * from the number alone, never from what somebody called their branch. */
#include "branch_life.h"

struct args {
    const char *project_id, *action, *source_branch, *ttl, *policy;
    int64_t pr_number;
};

static const lb_param params[] = {
    LB_PARAM(struct args, project_id, LB_TEXT, NULL, "the project; without it, the only one"),
    LB_PARAM(struct args, pr_number, LB_I64, NULL, "the pull request", .required = true, .min = "1",
             .max = "999999999"),
    LB_PARAM(struct args, action, LB_TEXT, "opened", "what happened to it; synchronize also resets the branch",
             .choices = "opened|reopened|synchronize"),
    LB_PARAM(struct args, source_branch, LB_TEXT, NULL, "what to make it from; without it, what its kind is made from"),
    LB_PARAM(struct args, ttl, LB_TEXT, NULL, "how long it lives; without it, as its kind does"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAMS_END,
};

static int tell(lb_ctx *ctx, const branch_order *order, const branch_made *made, bool reset, lb_error *err)
{
    const plane_branch *b = made->branch;
    return lb_result(
        ctx,
        LB_ARGS(lb_text("project_id", order->project), lb_text("branch", order->wish.name),
                lb_bool("created", made->created), lb_bool("reused", b && !made->created), lb_bool("reset", reset),
                lb_text("source_branch", made->verdict.parent), lb_text("rule", made->verdict.kind->id),
                lb_text("uid", b ? b->uid : NULL),
                b && b->expires_at != LB_TIME_NONE ? lb_time("expires_at", b->expires_at) : lb_null("expires_at"),
                lb_text("host", made->endpoint ? made->endpoint->host : NULL), lb_text("differs", made->differs)),
        err);
}

/* What was pushed is to be tried on fresh data. */
static int reset_branch(lb_ctx *ctx, const branch_order *order, const branch_made *made, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *json = NULL;
    if (made->created || strcmp(args->action, "synchronize") != 0)
        return 0;
    int r = lb_call(ctx, "reset_branch_from_parent", NULL,
                    LB_ARGS(lb_text("project_id", order->project), lb_text("branch_id", order->wish.name),
                            lb_text("creator_type", "ci"), lb_text("reason", order->reason),
                            lb_text("policy", args->policy)),
                    &json, err);
    return r < 0 ? r : strstr(json, "\"reset\":true") != NULL;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    branch_made made;
    branch_order order = {
        .wish = {.name = lb_printf(ctx, "ci-pr-%lld", (long long)args->pr_number),
                 .kind = "ci",
                 .parent = args->source_branch,
                 .ttl = args->ttl},
        .reason = lb_printf(ctx, "pull request %lld: %s", (long long)args->pr_number, args->action),
        .creator_type = "ci",
        .detail = lb_printf(ctx, "{\"pull_request\":%lld,\"action\":\"%s\"}", (long long)args->pr_number, args->action),
        .replaces = true};
    if (!order.wish.name || !order.reason || !order.detail)
        return lb_out_of_memory(err);
    const branch_policy *policy = branch_policy_of_run(ctx, args->policy, err);
    int r = policy ? plane_choose_project(ctx, args->project_id, &order.project, err) : err->code;
    if (r >= 0)
        r = branch_make(ctx, policy, &order, &made, err);
    if (r >= 0)
        r = reset_branch(ctx, &order, &made, err);
    const bool reset = r > 0;
    if (r >= 0 && (made.created || reset))
        r = branch_tell_outside(ctx, order.project, order.wish.name, err);
    return r < 0 ? r : tell(ctx, &order, &made, reset, err);
}

LB_TOOL(create_branch_on_pr, "makes the branch of a pull request", .agent = "provisioning", .risk = LB_RISK_LOW,
        .workspace = true, LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("branch_lifecycle"),
        .emits = LB_NAMES("branch.created", "branch.deleted"),
        .calls = LB_NAMES("branch_sessions", "reset_branch_from_parent"), .run = run);
