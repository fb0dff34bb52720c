/* Taking a branch away. */
#include "branch_json.h"
#include "branch_life.h"

/* ---- who is connected ---- */

static int64_t number_of(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(object, name, &found) ? json_object_get_int64(found) : 0;
}

static int read_people(lb_ctx *ctx, const char *text, branch_people *people, lb_error *err)
{
    struct json_object *result = branch_json_keep(ctx, text, err), *who = NULL;
    if (!result)
        return err->code;
    (void)json_object_object_get_ex(result, "who", &who); /* nobody: null */
    *people = (branch_people){.people = number_of(result, "people"),
                              .programs = number_of(result, "programs"),
                              .who = who ? json_object_get_string(who) : NULL};
    return 0;
}

/* Somebody else takes it away just now: where its server cannot be reached, nobody is in it. */
static bool has_gone(lb_ctx *ctx, const char *project, const plane_branch *branch)
{
    lb_error ignored;
    const plane_branch *now = NULL;
    return plane_read_branch(ctx, project, branch->id, &now, &ignored) >= 0 && (!now || now->is_deleted);
}

/* Readers of a replica are seen there alone, where no run goes. */
static int mind_replica(lb_ctx *ctx, const plane_endpoint *endpoint, branch_people *people, lb_error *err)
{
    if (!endpoint->awake_replica)
        return 0;
    people->who = lb_printf(ctx, "%s%snobody could look at the replica %s, which is awake",
                            people->who ? people->who : "", people->who ? ", and " : "", endpoint->awake_replica);
    people->unknown = true;
    return people->who ? 0 : lb_out_of_memory(err);
}

static int look_at_primary(lb_ctx *ctx, const char *project, const plane_branch *branch, branch_people *ret_people,
                           lb_error *err)
{
    const char *text = NULL;
    int r =
        lb_call(ctx, BRANCH_FACTS_TOOL, &(lb_target){.project = project, .branch = branch->id}, LB_NO_ARGS, &text, err);
    if (r >= 0)
        return read_people(ctx, text, ret_people, err);
    if (r == LB_ERR_SUSPENDED)
        return 0; /* fell asleep meanwhile */
    if (lb_cancelled(ctx))
        return r;
    const char *why = lb_printf(ctx, "nobody could look: %s", err->message);
    if (has_gone(ctx, project, branch))
        return 0;
    *ret_people = (branch_people){.who = why, .unknown = true};
    return why ? 0 : lb_out_of_memory(err);
}

int branch_look_for_people(lb_ctx *ctx, const char *project, const plane_branch *branch, branch_people *ret_people,
                           lb_error *err)
{
    const plane_endpoint *endpoint = NULL;
    *ret_people = (branch_people){0};
    int r = branch->is_deleted ? 0 : plane_read_endpoint(ctx, project, branch->id, &endpoint, err);
    if (r < 0 || !endpoint)
        return r;
    if (endpoint->state[0] && strcmp(endpoint->state, "IDLE") != 0)
        r = look_at_primary(ctx, project, branch, ret_people, err);
    return r < 0 ? r : mind_replica(ctx, endpoint, ret_people, err);
}

/* ---- may it go ---- */

int branch_judge_removal(const branch_removal *removal, const char *verb, lb_error *err)
{
    const plane_branch *b = removal->branch;
    if (b->is_default || b->is_protected || !b->source)
        return branch_refuse(err, LB_ERR_CONFLICT, BR_GUARDED,
                             strcmp(verb, "deleted") == 0 ? "it goes with its project alone"
                                                          : "make another branch instead: create_branch",
                             "%s/%s is not %s: it is %s", removal->project, b->id, verb,
                             b->is_protected ? "protected by the platform"
                             : b->is_default ? "the default branch"
                                             : "a root");
    if (removal->kind && removal->kind->protection != BRANCH_NONE && strcmp(verb, "deleted") == 0)
        return branch_refuse(err, LB_ERR_CONFLICT, BR_PROTECTED, "lbops target delete is for what a person must do",
                             "%s/%s is not deleted: the policy protects it (%s)", removal->project, b->id,
                             removal->kind->id);
    size_t children = plane_children(removal->branches, b->id);
    if (children)
        return branch_refuse(err, LB_ERR_CONFLICT, BR_HAS_CHILDREN, "delete its children first",
                             "%s/%s is not %s: %zu branch(es) were made from it", removal->project, b->id, verb,
                             children);
    return 0;
}

/* ---- what goes with it ---- */

int branch_tell_not_kept(lb_ctx *ctx, const char *project, const char *branch, struct json_object *result,
                         lb_error *err)
{
    struct json_object *why = NULL;
    if (!json_object_object_get_ex(result, "not_kept", &why) || !why)
        return 0;
    const char *what = lb_printf(ctx, "a last snapshot of the statements of %s/%s", project, branch);
    return what ? lb_skipped(ctx, what, json_object_get_string(why), err) : lb_out_of_memory(err);
}

static int keep_statements(lb_ctx *ctx, const branch_removal *removal, lb_error *err)
{
    const plane_branch *b = removal->branch;
    const char *text = NULL;
    if (!removal->keeps || b->is_deleted || lb_plans(ctx))
        return 0;
    int r = lb_call(ctx, BRANCH_PLANE_TOOL, &(lb_target){.project = removal->project, .branch = b->id},
                    LB_ARGS(lb_text("action", "keep")), &text, err);
    struct json_object *result = r < 0 ? NULL : branch_json_keep(ctx, text, err);
    return result ? branch_tell_not_kept(ctx, removal->project, b->id, result, err) : err->code;
}

/* ---- going ---- */

static int delete_branch(lb_ctx *ctx, const branch_removal *removal, const branch_people *people,
                         const branch_event *event, lb_outcome *ret_outcome, bool *ret_was_gone, lb_error *err)
{
    const plane_branch *b = removal->branch;
    bool asks = people->people > 0 || people->unknown;
    const lb_value evidence[] = {
        lb_text("branch_uid", b->uid),
        lb_text("rule", removal->kind ? removal->kind->id : NULL),
        lb_text("source", b->source),
        b->created_at == LB_TIME_NONE ? lb_null("created_at") : lb_time("created_at", b->created_at),
        b->expires_at == LB_TIME_NONE ? lb_null("expires_at") : lb_time("expires_at", b->expires_at),
        lb_i64("people", people->people),
        lb_text("who", people->who),
        {.type = LB_END},
    };
    const plane_change change = {
        .title = removal->title,
        .reason = asks ? lb_printf(ctx, "%s; " BR_HAS_PEOPLE ": somebody is connected: %s", removal->reason,
                                   people->who ? people->who : "")
                       : removal->reason,
        .undo = "none: it is purged; make it anew from its source",
        .evidence = evidence,
        .asks = asks,
        .request = {.method = "DELETE",
                    .path = lb_printf(ctx, "projects/%s/branches/%s", removal->project, b->id),
                    .query = "purge=true"},
        .event = event,
    };
    int r = plane_apply(ctx, &change, ret_outcome, err);
    *ret_was_gone = r == LB_ERR_NOT_FOUND; /* somebody else was faster, and has written it down */
    if (*ret_was_gone)
        *ret_outcome = LB_APPLIED;
    return *ret_was_gone ? 0 : r;
}

int branch_remove(lb_ctx *ctx, const branch_removal *removal, lb_outcome *ret_outcome, lb_error *err)
{
    const plane_branch *b = removal->branch;
    branch_people people = {0};
    bool was_gone = false;
    const branch_event event = {.project = removal->project,
                                .branch = b->id,
                                .type = removal->event_type,
                                .source = b->source,
                                .uid = b->uid,
                                .kind = removal->kind ? removal->kind->kind : NULL,
                                .creator_type = removal->creator_type,
                                .reason = removal->reason,
                                .detail = removal->detail,
                                .expires_at = b->expires_at};
    int r = branch_judge_removal(removal, "deleted", err);
    if (r >= 0)
        r = branch_look_for_people(ctx, removal->project, b, &people, err);
    if (r >= 0)
        r = keep_statements(ctx, removal, err);
    if (r >= 0)
        r = delete_branch(ctx, removal, &people, &event, ret_outcome, &was_gone, err);
    if (r < 0 || *ret_outcome != LB_APPLIED || was_gone)
        return r;
    return branch_write_down(ctx, &event, err);
}
