/* What was done to a branch, for history and for others. */
#include "branch_life.h"

static lb_value time_or_null(const char *name, int64_t time)
{
    return time == LB_TIME_NONE ? lb_null(name) : lb_time(name, time);
}

static int emit(lb_ctx *ctx, const branch_event *e, lb_error *err)
{
    const lb_value project = lb_text("project_id", e->project), branch = lb_text("branch_id", e->branch),
                   kind = lb_text("branch_type", e->kind), creator = lb_text("creator_type", e->creator_type),
                   source = lb_text("source_branch_id", e->source);
    if (strcmp(e->type, "created") == 0)
        return lb_emit(ctx, "branch.created",
                       LB_ARGS(project, branch, source, kind, creator, time_or_null("expires_at", e->expires_at)), err);
    if (strcmp(e->type, "protected") == 0)
        return lb_emit(ctx, "branch.protected",
                       LB_ARGS(project, branch, lb_bool("is_protected", e->is_protected), kind, creator), err);
    if (strcmp(e->type, "reset") == 0)
        return lb_emit(ctx, "branch.reset", LB_ARGS(project, branch, source, creator), err);
    return lb_emit(ctx, "branch.deleted", LB_ARGS(project, branch, kind, creator, lb_text("reason", e->reason)), err);
}

int branch_write_down(lb_ctx *ctx, const branch_event *e, lb_error *err)
{
    int64_t now = lb_now(ctx);
    const char *id =
        lb_printf(ctx, "%s/%s/%s/%s/%lld", e->project, e->branch, e->uid ? e->uid : "", e->type, (long long)now);
    if (!id)
        return lb_out_of_memory(err);
    int r = lb_record(
        ctx, "branch_lifecycle",
        LB_ARGS(lb_text("event_id", id), lb_time("event_timestamp", now), lb_text("event_type", e->type),
                lb_text("project_id", e->project), lb_text("branch_id", e->branch), lb_text("source_branch", e->source),
                lb_text("branch_uid", e->uid), lb_text("branch_kind", e->kind),
                e->ttl_s ? lb_i64("ttl_seconds", e->ttl_s) : lb_null("ttl_seconds"),
                time_or_null("expires_at", e->expires_at), lb_bool("is_protected", e->is_protected),
                lb_text("creator_type", e->creator_type), lb_text("reason", e->reason), lb_json("detail", e->detail)),
        err);
    return r < 0 ? r : emit(ctx, e, err);
}
