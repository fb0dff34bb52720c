/* reset_branch_from_parent: a branch holds its source's data again, as staging does each night.
 *
 * The platform has no such call: it is deleted and made anew, and there is one way to do that, lbops_target's, which
 * survives dying in the middle. Here it is decided whether it may be. */
#include "branch_json.h"
#include "branch_life.h"

struct args {
    const char *project_id, *branch_id, *policy, *creator_type, *reason;
};

static const lb_param params[] = {
    LB_PARAM(struct args, project_id, LB_TEXT, NULL, "the project; without it, all that have the branch"),
    LB_PARAM(struct args, branch_id, LB_TEXT, "staging", "the branch"),
    LB_PARAM(struct args, creator_type, LB_TEXT, "human", "who wants it", .choices = "human|agent|ci"),
    LB_PARAM(struct args, reason, LB_TEXT, "it is to hold its source's data again", "why, for the history"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAMS_END,
};

/* ---- may it be ---- */

static int check(const branch_kind *kind, const char *project, const plane_branches *branches, const plane_branch *b,
                 lb_error *err)
{
    const branch_removal removal = {.project = project, .branches = branches, .branch = b, .kind = kind};
    int r = branch_judge_removal(&removal, "reset", err);
    if (r < 0)
        return r;
    if (b->is_deleted)
        return branch_refuse(err, LB_ERR_CONFLICT, BR_IS_OVER, "undelete it, or purge it and make it anew",
                             "%s/%s was deleted softly", project, b->id);
    return branch_policy_judge_reset(kind, b->id, b->source, err);
}

/* ---- the reset ---- */

static bool is_true(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) && json_object_get_boolean(found);
}

/* is_history: it was written down when it was made anew, before its compute could be set. */
static int write_down(lb_ctx *ctx, const char *project, const branch_kind *kind, bool is_history, lb_error *err)
{
    const struct args *args = ctx->args;
    const plane_branch *b = NULL;
    const plane_endpoint *endpoint = NULL;
    int r = plane_wait_ready(ctx, project, args->branch_id, &b, &endpoint, err);
    if (r < 0)
        return r;
    const branch_event event = {.project = project,
                                .branch = b->id,
                                .type = "reset",
                                .source = b->source,
                                .uid = b->uid,
                                .kind = kind->kind,
                                .creator_type = args->creator_type,
                                .reason = args->reason,
                                .ttl_s = b->expires_at == LB_TIME_NONE ? 0 : kind->ttl_s,
                                .expires_at = b->expires_at};
    r = is_history ? 0 : branch_write_down(ctx, &event, err);
    return r < 0 ? r
                 : lb_append(ctx, "branches",
                             LB_ARGS(lb_text("project_id", project), lb_text("branch", b->id), lb_bool("reset", true),
                                     lb_text("source_branch", b->source), lb_text("uid", b->uid),
                                     lb_text("host", endpoint->host)),
                             err);
}

static int reset(lb_ctx *ctx, const char *project, const branch_kind *kind, const plane_branch *b, lb_error *err)
{
    const struct args *args = ctx->args;
    branch_people people = {0};
    const char *text = NULL;
    const lb_target target = {.project = project, .branch = args->branch_id};
    int r = b ? branch_look_for_people(ctx, project, b, &people, err) : 0;
    if (r < 0)
        return r;
    bool asks = people.people > 0 || people.unknown;
    if (asks)
        lb_log(ctx, LB_LOG_WARN, BR_HAS_PEOPLE ": a person decides, as somebody is connected to %s/%s: %s", project,
               args->branch_id, people.who ? people.who : "");
    r = lb_call(ctx, BRANCH_PLANE_TOOL, &target,
                LB_ARGS(lb_text("action", "reset"), lb_bool("asks", asks), lb_bool("last_snapshot", true),
                        lb_text("kind", kind->kind), lb_text("creator_type", args->creator_type),
                        lb_text("reason", args->reason)),
                &text, err);
    struct json_object *result = r < 0 ? NULL : branch_json_keep(ctx, text, err);
    if (!result || branch_tell_not_kept(ctx, project, args->branch_id, result, err) < 0)
        return err->code;
    if (is_true(result, "reset"))
        return write_down(ctx, project, kind, is_true(result, "told"), err);
    return lb_append(ctx, "branches",
                     LB_ARGS(lb_text("project_id", project), lb_text("branch", args->branch_id),
                             lb_bool("reset", false), lb_text("who", people.who)),
                     err);
}

/* A branch that is missing may be one whose reset died half-way; the tool that resets knows. */
static int look_at_project(lb_ctx *ctx, const char *project, const branch_kind *kind, lb_error *err)
{
    const struct args *args = ctx->args;
    plane_branches branches = {0};
    int r = plane_list_branches(ctx, project, &branches, err);
    const plane_branch *b = r < 0 ? NULL : plane_find(&branches, args->branch_id);
    if (b)
        r = check(kind, project, &branches, b, err);
    if (r >= 0)
        r = reset(ctx, project, kind, b, err);
    return r == LB_ERR_NOT_FOUND && !b ? lb_fail(err, r, "provision_lakebase_project makes what is missing",
                                                 "there is no branch %s in %s", args->branch_id, project)
                                       : r;
}

/* Of many projects one that has no such branch, or where it may not be reset, is no reason to leave the others. */
static int look_at_each(lb_ctx *ctx, const lb_texts *projects, const branch_kind *kind, lb_error *err)
{
    const struct args *args = ctx->args;
    int r = lb_examined(ctx, "projects", (int64_t)projects->count, err);
    for (size_t i = 0; r >= 0 && i < projects->count; i++) {
        const char *name = lb_printf(ctx, "%s/%s", projects->items[i], args->branch_id);
        r = look_at_project(ctx, projects->items[i], kind, err);
        if (r == LB_ERR_NOT_FOUND || r == LB_ERR_CONFLICT)
            r = lb_skipped(ctx, name, lb_printf(ctx, "%s", err->message), err);
    }
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_texts projects = {0};
    const branch_policy *policy = branch_policy_of_run(ctx, args->policy, err);
    const branch_kind *kind = policy ? branch_kind_of_name(policy, args->branch_id, err) : NULL;
    if (!kind)
        return err->code;
    int r = branch_policy_judge_creator(policy, args->branch_id, args->creator_type, err);
    if (r >= 0)
        r = plane_choose_projects(ctx, args->project_id, &projects, err);
    if (r < 0)
        return r;
    return args->project_id ? look_at_project(ctx, args->project_id, kind, err)
                            : look_at_each(ctx, &projects, kind, err);
}

LB_TOOL(reset_branch_from_parent, "makes a branch hold its source's data again", .agent = "provisioning",
        .risk = LB_RISK_LOW, .workspace = true, .schedule = "0 2 * * *", LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("branch_lifecycle"), .emits = LB_NAMES("branch.reset"),
        .calls = LB_NAMES("branch_sessions", BRANCH_PLANE_TOOL), .run = run);
