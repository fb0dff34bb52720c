/* delete_branch_on_pr_close: the branch of a pull request goes with it, merged or not, and whole: what is deleted
 * softly goes on counting. One that is gone already is no error, so that it can be asked for again at any time. */
#include "branch_life.h"

struct args {
    const char *project_id, *action, *policy;
    int64_t pr_number;
};

static const lb_param params[] = {
    LB_PARAM(struct args, project_id, LB_TEXT, NULL, "the project; without it, the only one"),
    LB_PARAM(struct args, pr_number, LB_I64, NULL, "the pull request", .required = true, .min = "1",
             .max = "999999999"),
    LB_PARAM(struct args, action, LB_TEXT, "closed", "how it ended, for the history", .choices = "closed|merged"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAMS_END,
};

static int tell(lb_ctx *ctx, const char *project, const char *name, bool there, bool deleted, lb_error *err)
{
    return lb_result(ctx,
                     LB_ARGS(lb_text("project_id", project), lb_text("branch", name), lb_bool("deleted", deleted),
                             lb_bool("was_gone", !there)),
                     err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    plane_branches branches = {0};
    lb_outcome outcome = LB_REFUSED;
    branch_removal removal = {
        .branches = &branches,
        .reason = lb_printf(ctx, "pull request %lld was %s", (long long)args->pr_number, args->action),
        .event_type = "deleted",
        .keeps = true,
        .creator_type = "ci",
        .detail =
            lb_printf(ctx, "{\"pull_request\":%lld,\"action\":\"%s\"}", (long long)args->pr_number, args->action)};
    const char *name = lb_printf(ctx, "ci-pr-%lld", (long long)args->pr_number);
    if (!name || !removal.reason || !removal.detail)
        return lb_out_of_memory(err);
    const branch_policy *policy = branch_policy_of_run(ctx, args->policy, err);
    removal.kind = policy ? branch_kind_of_name(policy, name, err) : NULL;
    int r = removal.kind ? plane_choose_project(ctx, args->project_id, &removal.project, err) : err->code;
    if (r >= 0)
        r = plane_list_branches(ctx, removal.project, &branches, err);
    if (r < 0)
        return r;
    removal.branch = plane_find(&branches, name);
    removal.title = lb_printf(ctx, "delete %s/%s", removal.project, name);
    if (!removal.branch)
        return tell(ctx, removal.project, name, false, false, err);
    r = branch_remove(ctx, &removal, &outcome, err);
    return r < 0 ? r : tell(ctx, removal.project, name, true, outcome == LB_APPLIED, err);
}

LB_TOOL(delete_branch_on_pr_close, "takes away the branch of a pull request", .agent = "provisioning",
        .risk = LB_RISK_LOW, .workspace = true, LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("branch_lifecycle"), .emits = LB_NAMES("branch.deleted"),
        .calls = LB_NAMES("branch_sessions", BRANCH_PLANE_TOOL), .run = run);
