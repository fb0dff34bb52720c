/* The workspace's own limit of lives, which may be below the policy's. */
#include "branch_life.h"

int64_t branch_cap(lb_ctx *ctx, const char *project, int refused, int64_t ttl_s)
{
    lb_error ignored; /* the refusal is what counts */
    const plane_project *p = NULL;
    bool may_be = refused == LB_ERR_INVALID || refused == LB_ERR_LIMIT;
    if (!may_be || !ttl_s || plane_read_project(ctx, project, &p, &ignored) < 0 || !p || !p->retention)
        return 0;
    int64_t retention_s = branch_ttl_parse(p->retention);
    return retention_s > 0 && retention_s < ttl_s ? retention_s : 0;
}

int branch_tell_cap(lb_ctx *ctx, const char *project, const char *branch, int64_t asked_s, int64_t given_s,
                    lb_error *err)
{
    char asked[24], given[24];
    branch_ttl_format(asked_s, asked);
    branch_ttl_format(given_s, given);
    lb_log(ctx, LB_LOG_WARN, "%s/%s lives %s, not %s: the workspace refuses more", project, branch, given, asked);
    return lb_append(ctx, "shortened",
                     LB_ARGS(lb_text("project_id", project), lb_text("branch", branch),
                             lb_i64("asked_ttl_seconds", asked_s), lb_i64("ttl_seconds", given_s),
                             lb_text("reason", "the workspace refuses a longer life: it has what the project's history "
                                               "reaches back")),
                     err);
}
