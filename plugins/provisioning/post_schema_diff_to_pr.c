/* post_schema_diff_to_pr: one comment on a pull request that says how the schema of its branch differs from that of
 * its parent. The comment is found again by a marker in its first line and by who wrote it, as anybody may paste the
 * marker, and kept up to date; what has not changed is left alone, and where nothing differs, there is nothing else to
 * say, and nothing was said yet, nothing is said. */
#include "branch_json.h"
#include "branch_plane.h"
#include "github.h"
#include "pr_comment.h"
#include "pr_find.h"

struct args {
    const char *repository, *project_id, *pr_branch, *base_branch, *service, *report, *author;
    int64_t pr_number;
};

static const lb_param params[] = {
    LB_PARAM(struct args, pr_number, LB_I64, NULL, "the pull request", .required = true, .min = "1",
             .max = "999999999"),
    LB_PARAM(struct args, repository, LB_TEXT, NULL, "where it is: owner/name", .required = true),
    LB_PARAM(struct args, project_id, LB_TEXT, NULL, "the project; without it, the only one"),
    LB_PARAM(struct args, pr_branch, LB_TEXT, NULL, "its branch; without it, ci-pr-NUMBER"),
    LB_PARAM(struct args, base_branch, LB_TEXT, NULL,
             "what to compare with; without it, what the branch was made from"),
    LB_PARAM(struct args, service, LB_TEXT, "github", "the web service of the manifest that has the repository"),
    LB_PARAM(struct args, author, LB_TEXT, NULL,
             "who writes our comments; without it, whom the token is of, or any bot where it is nobody's"),
    LB_PARAM(struct args, report, LB_TEXT, NULL, "what is to be said besides: any text, shown as it is"),
    LB_PARAMS_END,
};

/* What the service's words leave open: which right it takes. */
static int explain(lb_ctx *ctx, const char *what, lb_error *err)
{
    const struct args *args = ctx->args;
    return github_explain(ctx, args->service, GITHUB_COMMENTS, what ? what : args->repository, err);
}

/* A pull request, and not an issue of that number. */
static int check_pull(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *json = NULL;
    const lb_request get = {
        .method = "GET", .path = lb_printf(ctx, "repos/%s/pulls/%lld", args->repository, (long long)args->pr_number)};
    if (!get.path)
        return lb_out_of_memory(err);
    int r = lb_http(ctx, args->service, &get, &json, err);
    return r < 0 ? explain(ctx, lb_printf(ctx, "pull request %lld", (long long)args->pr_number), err) : 0;
}

static int find_comment(lb_ctx *ctx, pr_found *ret_found, lb_error *err)
{
    const struct args *args = ctx->args;
    const pr_place place = {args->service, args->repository, args->author, args->pr_number};
    int r = pr_find(ctx, &place, ret_found, err);
    return r < 0 ? explain(ctx, "its comments", err) : 0;
}

static int choose_branches(lb_ctx *ctx, pr_comment *c, lb_error *err)
{
    const struct args *args = ctx->args;
    const plane_branch *branch = NULL;
    c->branch = args->pr_branch ? args->pr_branch : lb_printf(ctx, "ci-pr-%lld", (long long)args->pr_number);
    if (!c->branch)
        return lb_out_of_memory(err);
    int r = plane_choose_project(ctx, args->project_id, &c->project, err);
    if (r >= 0)
        r = plane_read_branch(ctx, c->project, c->branch, &branch, err);
    if (r < 0)
        return r;
    if (!branch || branch->is_deleted)
        return lb_fail(err, LB_ERR_NOT_FOUND, "create_branch_on_pr makes it; another one: --pr_branch NAME",
                       "%s has no branch %s", c->project, c->branch);
    c->base = args->base_branch ? args->base_branch : branch->source;
    return c->base ? 0
                   : lb_fail(err, LB_ERR_INVALID, "say what to compare with: --base_branch NAME",
                             "the branch %s was made from no other", c->branch);
}

static int post(lb_ctx *ctx, const pr_found *there, const char *text, const pr_comment *c, int64_t changes,
                lb_outcome *ret_outcome, const char **ret_url, lb_error *err)
{
    const struct args *args = ctx->args;
    struct json_object *body = branch_json_object(ctx);
    lb_group *group = NULL;
    bool ok = branch_json_add_text(body, "body", text);
    const lb_request request = {
        .method = there->id ? "PATCH" : "POST",
        .path = there->id
                    ? lb_printf(ctx, "repos/%s/issues/comments/%lld", args->repository, (long long)there->id)
                    : lb_printf(ctx, "repos/%s/issues/%lld/comments", args->repository, (long long)args->pr_number),
        .body = ok ? branch_json_text(ctx, body) : NULL};
    const char *place = lb_printf(ctx, "%s#%lld", args->repository, (long long)args->pr_number);
    if (!request.path || !request.body || !place)
        return lb_out_of_memory(err);
    int r = lb_group_open(
        ctx,
        LB_GROUP(.title = lb_printf(ctx, "%s the comment on %s", there->id ? "update" : "write", place),
                 .reason = changes || !c->report
                               ? lb_printf(ctx, "the schema of %s differs from that of %s in %lld places", c->branch,
                                           c->base, (long long)changes)
                               : lb_printf(ctx, "there is something to say of %s", c->branch),
                 .evidence =
                     LB_ARGS(lb_text("branch", c->branch), lb_text("base", c->base), lb_i64("changes", changes)),
                 .undo = there->id ? "the comment's history on the page has the text before" : "delete the comment"),
        &group, err);
    if (r >= 0)
        r = lb_change_http(ctx, group, args->service, &request, err);
    if (r >= 0)
        r = lb_apply(ctx, group, ret_outcome, err);
    if (r < 0)
        return explain(ctx, there->author ? lb_printf(ctx, "the comment of %s", there->author) : "the comment", err);
    struct json_object *answer =
        *ret_outcome == LB_APPLIED ? branch_json_keep(ctx, lb_group_reply(ctx, group), err) : NULL;
    *ret_url =
        answer && json_object_is_type(answer, json_type_object) ? pr_member_text(answer, "html_url") : there->url;
    return 0;
}

static int capture(lb_ctx *ctx, pr_comment *c, lb_error *err)
{
    const lb_target base = {.project = c->project, .branch = c->base};
    return lb_call(ctx, "capture_schema_diff", &base,
                   LB_ARGS(lb_text("target_branch", c->branch), lb_text("output", "all")), &c->diff, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    pr_comment c = {.report = args->report && *args->report ? args->report : NULL};
    pr_found there = {0};
    const char *text = NULL, *action = "none";
    int64_t changes = 0;
    lb_outcome outcome = LB_APPLIED;
    int r = github_check_repository(args->repository, err);
    if (r >= 0)
        r = choose_branches(ctx, &c, err);
    if (r >= 0) /* before the databases are asked for anything */
        r = check_pull(ctx, err);
    if (r >= 0)
        r = capture(ctx, &c, err);
    if (r >= 0)
        r = pr_comment_write(ctx, &c, &text, &changes, err);
    if (r >= 0)
        r = find_comment(ctx, &there, err);
    if (r < 0)
        return r;
    const char *url = there.url;
    bool posted = false;
    if (there.id && pr_comment_same(there.body, text)) {
        action = "unchanged";
    } else if (there.id || changes || c.report) {
        action = there.id ? "updated" : "created";
        r = post(ctx, &there, text, &c, changes, &outcome, &url, err);
        posted = outcome == LB_APPLIED;
    }
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("project_id", c.project), lb_text("branch", c.branch),
                                     lb_text("base", c.base), lb_bool("has_changes", changes > 0),
                                     lb_i64("change_count", changes), lb_text("action", action),
                                     lb_bool("posted", posted), lb_text("url", url)),
                             err);
}

LB_TOOL(post_schema_diff_to_pr, "says on a pull request how the schema of its branch differs", .agent = "provisioning",
        .risk = LB_RISK_LOW, .workspace = true, .timeout_s = 300, LB_TOOL_ARGS(struct args, params),
        .calls = LB_NAMES("capture_schema_diff"), .run = run);
