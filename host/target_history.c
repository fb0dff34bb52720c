/* What history and others hear of a reset: now, or once a person has approved it. */
#include "buf.h"
#include "json.h"
#include "target_reset.h"

/* What is proposed has no time yet, and no identifier of what will be made. */
static const char *name_of(lb_ctx *ctx, const lb_group *group, const lb_target *t, const char *uid)
{
    return group ? lb_printf(ctx, "%s/%s/%s/reset", t->project, t->branch, uid ? uid : "")
                 : lb_printf(ctx, "%s/%s/%s/reset/%lld", t->project, t->branch, uid ? uid : "", (long long)lb_now(ctx));
}

static const char *source_of(struct json_object *wish)
{
    struct json_object *spec = NULL;
    (void)json_object_object_get_ex(wish, "branch", &spec); /* we wrote it */
    const char *path = target_text(spec, NULL, "source_branch"), *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}

/* The branch that stands there now, if somebody can say. */
static const char *uid_now(lb_ctx *ctx, const lb_target *t)
{
    lb_error ignored;
    struct json_object *branch =
        target_read(ctx, lb_printf(ctx, "projects/%s/branches/%s", t->project, t->branch), NULL, &ignored);
    return branch ? target_text(branch, NULL, "uid") : NULL;
}

/* In the group: once a person has approved it. */
static int record_reset(lb_ctx *ctx, lb_group *group, const lb_target *t, struct json_object *wish,
                        const target_wish *w, const char *detail, lb_error *err)
{
    const char *table = "branch_lifecycle", *uid = detail ? uid_now(ctx, t) : NULL;
    const char *id = name_of(ctx, group, t, uid ? uid : target_text(wish, NULL, "uid"));
    if (!id)
        return lb_out_of_memory(err);
    const lb_value row[] = {lb_text("event_id", id),
                            lb_time("event_timestamp", lb_now(ctx)),
                            lb_text("event_type", "reset"),
                            lb_text("project_id", t->project),
                            lb_text("branch_id", t->branch),
                            lb_text("source_branch", source_of(wish)),
                            lb_text("branch_uid", uid),
                            lb_text("branch_kind", w->kind),
                            lb_text("creator_type", w->creator_type),
                            lb_text("reason", w->reason),
                            lb_json("detail", detail),
                            {.type = LB_END}};
    return group ? lb_group_record(ctx, group, table, row, err) : lb_record(ctx, table, row, err);
}

static int emit_reset(lb_ctx *ctx, lb_group *group, const lb_target *t, struct json_object *wish, const target_wish *w,
                      lb_error *err)
{
    const char *event = "branch.reset";
    const lb_value *payload =
        LB_ARGS(lb_text("project_id", t->project), lb_text("branch_id", t->branch),
                lb_text("source_branch_id", source_of(wish)), lb_text("creator_type", w->creator_type));
    return group ? lb_group_emit(ctx, group, event, payload, err) : lb_emit(ctx, event, payload, err);
}

int target_note_reset(lb_ctx *ctx, lb_group *group, const lb_target *t, struct json_object *wish, const target_wish *w,
                      lb_error *err)
{
    int r = record_reset(ctx, group, t, wish, w, NULL, err);
    return r < 0 ? r : emit_reset(ctx, group, t, wish, w, err);
}

int target_note_unset(lb_ctx *ctx, const lb_target *t, struct json_object *wish, const target_wish *w,
                      const lb_error *why, lb_error *err)
{
    const char *detail = target_unset_detail(ctx, why);
    if (!detail)
        return lb_out_of_memory(err);
    int r = record_reset(ctx, NULL, t, wish, w, detail, err);
    return r < 0 ? r : emit_reset(ctx, NULL, t, wish, w, err);
}

int target_note_given(lb_ctx *ctx, lb_group *group, const lb_target *t, struct json_object *wish, const target_wish *w,
                      lb_error *err)
{
    return record_reset(ctx, group, t, wish, w, "{\"settings\":\"given\"}", err);
}

const char *target_unset_detail(lb_ctx *ctx, const lb_error *why)
{
    BUF_AUTO detail = BUF_INIT(8192);
    buf_puts(&detail, "{");
    json_member_string(&detail, "settings", "not given: the new compute has those of the project");
    json_member_string(&detail, "error", why->message);
    json_member_string(&detail, "next", "run reset_branch_from_parent again: it gives them");
    buf_puts(&detail, "}");
    return lb_printf(ctx, "%s", buf_text(&detail));
}

int target_unset_fail(lb_error *err)
{
    const lb_error why = *err;
    return lb_fail(err, why.code, "run reset_branch_from_parent again: it gives them, and resets nothing twice",
                   "the branch was made anew, but its compute's settings were not given: %s", why.message);
}
