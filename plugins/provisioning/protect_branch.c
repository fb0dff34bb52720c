/* protect_branch: a branch that nobody deletes or resets by a slip. The platform protects one branch of a project; what
 * the policy protects besides is ours to keep, and needs nothing on the platform. */
#include "branch_json.h"
#include "branch_life.h"

struct args {
    const char *policy, *creator_type, *reason;
};

static const lb_param params[] = {
    LB_PARAM(struct args, creator_type, LB_TEXT, "human", "who wants it", .choices = "human|agent|ci"),
    LB_PARAM(struct args, reason, LB_TEXT, "asked for by name", "why, for the history"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAMS_END,
};

static int tell(lb_ctx *ctx, const branch_kind *kind, const char *by, bool changed, lb_error *err)
{
    return lb_result(ctx,
                     LB_ARGS(lb_bool("protected", by != NULL), lb_text("by", by), lb_bool("changed", changed),
                             lb_text("branch_type", kind ? kind->kind : NULL), lb_text("rule", kind ? kind->id : NULL)),
                     err);
}

static int check(const plane_branches *branches, const plane_branch *b, lb_error *err)
{
    for (size_t i = 0; i < branches->count; i++)
        if (branches->items[i].is_protected)
            return branch_refuse(err, LB_ERR_LIMIT, BR_ONE_PROTECTED,
                                 "name it in the branch policy as protected by policy, which has no limit",
                                 "the platform protects one branch of a project, and that is %s here, not %s",
                                 branches->items[i].id, b->id);
    if (b->expires_at != LB_TIME_NONE)
        return branch_refuse(err, LB_ERR_CONFLICT, BR_TTL_ON_PARENT, "take its expiry first", "%s expires", b->id);
    return 0;
}

static int protect(lb_ctx *ctx, const plane_branch *b, const branch_kind *kind, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *project = lb_run_target(ctx)->project;
    lb_outcome outcome = LB_REFUSED;
    const branch_event event = {.project = project,
                                .branch = b->id,
                                .type = "protected",
                                .source = b->source,
                                .uid = b->uid,
                                .kind = kind ? kind->kind : NULL,
                                .creator_type = args->creator_type,
                                .reason = args->reason,
                                .expires_at = LB_TIME_NONE,
                                .is_protected = true};
    const plane_change change = {
        .title = lb_printf(ctx, "protect %s/%s", project, b->id),
        .reason = args->reason,
        .undo = "take the protection away again",
        .evidence = LB_ARGS(lb_text("rule", kind ? kind->id : NULL), lb_text("branch_uid", b->uid)),
        .request = {.method = "PATCH",
                    .path = lb_printf(ctx, "projects/%s/branches/%s", project, b->id),
                    .query = "update_mask=spec.is_protected",
                    .body = "{\"spec\":{\"is_protected\":true}}"},
        .event = &event,
    };
    int r = plane_apply(ctx, &change, &outcome, err);
    if (r < 0 || outcome != LB_APPLIED)
        return r < 0 ? r : tell(ctx, kind, NULL, false, err);
    r = branch_write_down(ctx, &event, err);
    return r < 0 ? r : tell(ctx, kind, "platform", true, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    lb_error unknown;
    const struct args *args = ctx->args;
    const lb_target *target = lb_run_target(ctx);
    plane_branches branches = {0};
    const branch_policy *policy = branch_policy_of_run(ctx, args->policy, err);
    int r = policy ? plane_list_branches(ctx, target->project, &branches, err) : err->code;
    if (r < 0)
        return r;
    const plane_branch *b = plane_find(&branches, target->branch);
    if (!b || b->is_deleted)
        return lb_fail(err, LB_ERR_NOT_FOUND, "lbops target ls shows what there is", "there is no branch %s in %s",
                       target->branch, target->project);
    const branch_kind *kind = branch_kind_of_name(policy, b->id, &unknown); /* of any name: protecting takes nothing */
    if (b->is_protected)
        return tell(ctx, kind, "platform", false, err);
    if (kind && kind->protection == BRANCH_POLICY)
        return tell(ctx, kind, "policy", false, err);
    r = branch_policy_judge_creator(policy, b->id, args->creator_type, err);
    if (r >= 0)
        r = check(&branches, b, err);
    return r < 0 ? r : protect(ctx, b, kind, err);
}

LB_TOOL(protect_branch, "protects a branch from being deleted or reset", .agent = "provisioning",
        .risk = LB_RISK_MEDIUM, LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("branch_lifecycle"),
        .emits = LB_NAMES("branch.protected"), .run = run);
