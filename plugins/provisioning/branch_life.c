/* What was done to a branch, for history and for others: now, or once a person has approved it. */
#include "branch_life.h"

static lb_value time_or_null(const char *name, int64_t time)
{
    return time == LB_TIME_NONE ? lb_null(name) : lb_time(name, time);
}

/* group NULL: it has happened. */
static int tell(lb_ctx *ctx, lb_group *group, const char *event, const lb_value *payload, lb_error *err)
{
    return group ? lb_group_emit(ctx, group, event, payload, err) : lb_emit(ctx, event, payload, err);
}

static int emit(lb_ctx *ctx, lb_group *group, const branch_event *e, lb_error *err)
{
    const lb_value project = lb_text("project_id", e->project), branch = lb_text("branch_id", e->branch),
                   kind = lb_text("branch_type", e->kind), creator = lb_text("creator_type", e->creator_type),
                   source = lb_text("source_branch_id", e->source);
    if (strcmp(e->type, "created") == 0)
        return tell(ctx, group, "branch.created",
                    LB_ARGS(project, branch, source, kind, creator, time_or_null("expires_at", e->expires_at)), err);
    if (strcmp(e->type, "protected") == 0)
        return tell(ctx, group, "branch.protected",
                    LB_ARGS(project, branch, lb_bool("is_protected", e->is_protected), kind, creator), err);
    if (strcmp(e->type, "reset") == 0)
        return tell(ctx, group, "branch.reset", LB_ARGS(project, branch, source, creator), err);
    return tell(ctx, group, "branch.deleted", LB_ARGS(project, branch, kind, creator, lb_text("reason", e->reason)),
                err);
}

/* What is only proposed is the same proposal tomorrow, so that its name has no time: the branch's own tells it apart,
 * and one that is not there yet has none. */
static const char *name_of(lb_ctx *ctx, const branch_event *e, bool is_proposed)
{
    return is_proposed ? lb_printf(ctx, "%s/%s/%s/%s", e->project, e->branch, e->uid ? e->uid : "new", e->type)
                       : lb_printf(ctx, "%s/%s/%s/%s/%lld", e->project, e->branch, e->uid ? e->uid : "", e->type,
                                   (long long)lb_now(ctx));
}

static int record(lb_ctx *ctx, lb_group *group, const branch_event *e, const char *id, lb_error *err)
{
    const char *table = "branch_lifecycle";
    if (!id)
        return lb_out_of_memory(err);
    const lb_value row[] = {lb_text("event_id", id),
                            lb_time("event_timestamp", e->at ? e->at : lb_now(ctx)),
                            lb_text("event_type", e->type),
                            lb_text("project_id", e->project),
                            lb_text("branch_id", e->branch),
                            lb_text("source_branch", e->source),
                            lb_text("branch_uid", e->uid),
                            lb_text("branch_kind", e->kind),
                            e->ttl_s ? lb_i64("ttl_seconds", e->ttl_s) : lb_null("ttl_seconds"),
                            time_or_null("expires_at", e->expires_at),
                            lb_bool("is_protected", e->is_protected),
                            lb_text("creator_type", e->creator_type),
                            lb_text("reason", e->reason),
                            lb_json("detail", e->detail),
                            {.type = LB_END}};
    return group ? lb_group_record(ctx, group, table, row, err) : lb_record(ctx, table, row, err);
}

int branch_write_down(lb_ctx *ctx, const branch_event *e, lb_error *err)
{
    int r = record(ctx, NULL, e, name_of(ctx, e, false), err);
    return r < 0 ? r : emit(ctx, NULL, e, err);
}

int branch_note(lb_ctx *ctx, lb_group *group, const branch_event *e, lb_error *err)
{
    int r = record(ctx, group, e, name_of(ctx, e, true), err);
    return r < 0 ? r : emit(ctx, group, e, err);
}

int branch_record_seen(lb_ctx *ctx, const branch_event *e, lb_error *err)
{
    return record(ctx, NULL, e, lb_printf(ctx, "%s/%s/%s/%s/seen", e->project, e->branch, e->uid, e->type), err);
}
