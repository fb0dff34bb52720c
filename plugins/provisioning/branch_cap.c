/* The workspace's own limit of lives, which may be below the policy's. */
#include "branch_life.h"

#define WAY_OUT                                                                                                        \
    "the workspace's own limit of lives may be below both: give a ttl below it, or in the policy, or have it raised"

/* 0: nobody says. */
static int64_t read_retention(lb_ctx *ctx, const char *project)
{
    lb_error ignored; /* the refusal is what counts */
    const plane_project *p = NULL;
    return plane_read_project(ctx, project, &p, &ignored) < 0 || !p || !p->retention ? 0
                                                                                     : branch_ttl_parse(p->retention);
}

int64_t branch_cap(lb_ctx *ctx, const char *project, int refused, int64_t ttl_s)
{
    bool may_be = refused == LB_ERR_INVALID || refused == LB_ERR_LIMIT;
    int64_t retention_s = may_be && ttl_s ? read_retention(ctx, project) : 0;
    return retention_s > 0 && retention_s < ttl_s ? retention_s : 0;
}

int branch_refuse_cap(lb_ctx *ctx, const char *project, const char *branch, int64_t asked_s, lb_error *err)
{
    char asked[24], retention[24];
    int64_t retention_s = err->code == LB_ERR_INVALID && asked_s ? read_retention(ctx, project) : 0;
    if (retention_s <= 0)
        return err->code;
    branch_ttl_format(asked_s, asked);
    branch_ttl_format(retention_s, retention);
    return branch_refuse(err, err->code, BR_TTL_OVER_CAP, WAY_OUT,
                         retention_s < asked_s
                             ? "%s/%s is refused a life of %s, and one of %s, as far as the project's history reaches "
                               "back: %.200s"
                             : "%s/%s is refused a life of %s, though the project's history reaches back %s: %.200s",
                         project, branch, asked, retention, err->message);
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
