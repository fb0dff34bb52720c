/* create_branch: any branch, named and timed as its kind wants it. One that is there already is taken as it is,
 * but for a life that is asked for by name. */
#include "branch_life.h"

struct args {
    const char *project_id, *branch_name, *branch_type, *source_branch, *ttl, *creator_type, *reason, *policy;
    int64_t at;
    bool replace;
};

static const lb_param params[] = {
    LB_PARAM(struct args, project_id, LB_TEXT, NULL, "the project; without it, the only one"),
    LB_PARAM(struct args, branch_name, LB_TEXT, NULL, "its name, which says its kind", .required = true),
    LB_PARAM(struct args, branch_type, LB_TEXT, NULL, "the kind that the name has to say: ci, feat, hotfix, dev ..."),
    LB_PARAM(struct args, source_branch, LB_TEXT, NULL, "what to make it from; without it, what its kind is made from"),
    LB_PARAM(struct args, ttl, LB_TEXT, NULL, "how long it lives, such as 90m, 4h, 7d; without it, as its kind does"),
    LB_PARAM(struct args, at, LB_TIME, NULL, "as the source was then"),
    LB_PARAM(struct args, creator_type, LB_TEXT, "human", "who wants it", .choices = "human|agent|ci"),
    LB_PARAM(struct args, reason, LB_TEXT, "asked for by name", "why, for the history"),
    LB_PARAM(struct args, replace, LB_BOOL, "false", "what is left of an earlier one, over its time, makes way"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAMS_END,
};

static int tell(lb_ctx *ctx, const char *project, const struct args *args, const branch_made *made, lb_error *err)
{
    const plane_branch *b = made->branch;
    int r = lb_result(
        ctx,
        LB_ARGS(lb_text("project_id", project), lb_text("branch", args->branch_name), lb_bool("created", made->created),
                lb_bool("reused", b && !made->created), lb_text("branch_type", made->verdict.kind->kind),
                lb_text("rule", made->verdict.kind->id), lb_text("source_branch", made->verdict.parent),
                lb_i64("ttl_seconds", made->verdict.ttl_s), lb_text("uid", b ? b->uid : NULL),
                lb_text("state", b ? b->state : NULL),
                b && b->expires_at != LB_TIME_NONE ? lb_time("expires_at", b->expires_at) : lb_null("expires_at"),
                lb_text("host", made->endpoint ? made->endpoint->host : NULL), lb_text("differs", made->differs)),
        err);
    if (r >= 0 && made->differs)
        lb_log(ctx, LB_LOG_WARN, "%s/%s was there, and is not as it would have been made: %s", project,
               args->branch_name, made->differs);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    branch_made made;
    branch_order order = {.wish = {args->branch_name, args->branch_type, args->source_branch, args->ttl},
                          .at = args->at == LB_TIME_NONE ? NULL : plane_time_text(ctx, args->at),
                          .reason = args->reason,
                          .creator_type = args->creator_type,
                          .replaces = args->replace};
    const branch_policy *policy = branch_policy_of_run(ctx, args->policy, err);
    int r = policy ? branch_policy_judge_creator(policy, args->branch_name, args->creator_type, err) : err->code;
    if (r >= 0)
        r = plane_choose_project(ctx, args->project_id, &order.project, err);
    if (r >= 0)
        r = branch_make(ctx, policy, &order, &made, err);
    if (r >= 0 && made.created)
        r = branch_tell_outside(ctx, order.project, args->branch_name, err);
    return r < 0 ? r : tell(ctx, order.project, args, &made, err);
}

LB_TOOL(create_branch, "makes a branch, named and timed by the branch policy", .agent = "provisioning",
        .risk = LB_RISK_LOW, .workspace = true, LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("branch_lifecycle"), .emits = LB_NAMES("branch.created", "branch.deleted"),
        .calls = LB_NAMES("branch_sessions"), .run = run);
