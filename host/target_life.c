/* A branch that somebody makes or deletes by hand is history, and heard of, like what tools make and delete. */
#include "target_reset.h"

#include "clock.h"

#define BY_HAND "by hand"

static const char *path_of(lb_ctx *ctx, const lb_target *t)
{
    return lb_printf(ctx, "projects/%s/branches/%s", t->project, t->branch);
}

static lb_value time_or_null(const char *name, const char *text)
{
    int64_t at = 0;
    return text && clock_parse(text, &at) ? lb_time(name, at) : lb_null(name);
}

/* Beneath its project: "production" of "projects/shop/branches/production" */
static const char *last_word(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}

static int record(lb_ctx *ctx, lb_group *group, const target_life *l, struct json_object *branch, lb_error *err)
{
    const lb_target *t = l->target;
    const char *uid = target_text(branch, NULL, "uid"),
               *id = group ? lb_printf(ctx, "%s/%s/%s/%s", t->project, t->branch, uid ? uid : "new", l->type)
                           : lb_printf(ctx, "%s/%s/%s/%s/%lld", t->project, t->branch, uid ? uid : "", l->type,
                                       (long long)lb_now(ctx));
    if (!id)
        return lb_out_of_memory(err);
    const lb_value row[] = {lb_text("event_id", id),
                            lb_time("event_timestamp", lb_now(ctx)),
                            lb_text("event_type", l->type),
                            lb_text("project_id", t->project),
                            lb_text("branch_id", t->branch),
                            lb_text("source_branch", last_word(target_text(branch, "status", "source_branch"))),
                            lb_text("branch_uid", uid),
                            time_or_null("expires_at", target_text(branch, "status", "expire_time")),
                            lb_text("creator_type", "human"),
                            lb_text("reason", BY_HAND),
                            {.type = LB_END}};
    return group ? lb_group_record(ctx, group, "branch_lifecycle", row, err)
                 : lb_record(ctx, "branch_lifecycle", row, err);
}

static int emit(lb_ctx *ctx, lb_group *group, const target_life *l, struct json_object *branch, lb_error *err)
{
    bool is_made = strcmp(l->type, TARGET_MADE) == 0;
    const lb_value project = lb_text("project_id", l->target->project), id = lb_text("branch_id", l->target->branch),
                   creator = lb_text("creator_type", "human");
    const lb_value *payload =
        is_made ? LB_ARGS(project, id, creator,
                          lb_text("source_branch_id", last_word(target_text(branch, "status", "source_branch"))),
                          time_or_null("expires_at", target_text(branch, "status", "expire_time")))
                : LB_ARGS(project, id, creator, lb_text("reason", BY_HAND));
    const char *event = is_made ? "branch.created" : "branch.deleted";
    return group ? lb_group_emit(ctx, group, event, payload, err) : lb_emit(ctx, event, payload, err);
}

static int tell(lb_ctx *ctx, lb_group *group, const target_life *l, struct json_object *branch, lb_error *err)
{
    int r = record(ctx, group, l, branch, err);
    return r < 0 ? r : emit(ctx, group, l, branch, err);
}

/* What cannot be read is said by the change itself, or is told without it. */
static struct json_object *look(lb_ctx *ctx, const target_life *l)
{
    lb_error ignored;
    return target_read(ctx, path_of(ctx, l->target), NULL, &ignored);
}

int target_live(lb_ctx *ctx, const target_life *l, const lb_request *request, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    bool is_made = strcmp(l->type, TARGET_MADE) == 0;
    struct json_object *branch = is_made ? NULL : look(ctx, l);
    if (!l->title || !request->path)
        return lb_out_of_memory(err);
    int r = lb_group_open(ctx, LB_GROUP(.title = l->title, .reason = "asked for by hand"), &group, err);
    if (r >= 0)
        r = lb_change_control(ctx, group, request, err);
    if (r >= 0)
        r = tell(ctx, group, l, branch, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    if (r < 0 || outcome != LB_APPLIED)
        return r;
    r = target_wait(ctx, lb_group_reply(ctx, group), err);
    return r < 0 ? r : tell(ctx, NULL, l, is_made ? look(ctx, l) : branch, err);
}
