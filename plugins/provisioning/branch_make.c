/* Making a branch. */
#include "branch_json.h"
#include "branch_life.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- what is there already ---- */

static bool is_over(lb_ctx *ctx, const plane_branch *b)
{
    return b->is_deleted || (b->expires_at != LB_TIME_NONE && b->expires_at <= lb_now(ctx));
}

bool branch_outlasts(const plane_branch *b, const branch_kind *kind)
{
    return kind->ttl_s && b->created_at != LB_TIME_NONE && b->expires_at != LB_TIME_NONE &&
           b->expires_at > b->created_at + kind->longest_s * 1000000 + BRANCH_SAME_EXPIRY_US;
}

/* When its time is over by the order, as from when it was made; LB_TIME_NONE: never, or nobody knows. */
static int64_t ordered_expiry(const plane_branch *b, const branch_verdict *v)
{
    return v->ttl_s && b->created_at != LB_TIME_NONE ? b->created_at + v->ttl_s * 1000000 : LB_TIME_NONE;
}

/* Only a life that was asked for by name is held against that of the branch that is there. */
static const char *expiry_difference(lb_ctx *ctx, const plane_branch *b, const branch_order *order,
                                     const branch_verdict *v)
{
    bool expires = b->expires_at != LB_TIME_NONE;
    int64_t wanted = ordered_expiry(b, v);
    if (expires != (v->ttl_s != 0))
        return expires ? "expires, and should stay" : "never expires";
    if (!expires || !order->wish.ttl || wanted == LB_TIME_NONE ||
        llabs(b->expires_at - wanted) <= BRANCH_SAME_EXPIRY_US)
        return "";
    return lb_printf(ctx, "lives until %s, not %s", plane_time_text(ctx, b->expires_at), plane_time_text(ctx, wanted));
}

static const char *moment_difference(lb_ctx *ctx, const plane_branch *b, const branch_order *order)
{
    if (!order->at)
        return "";
    if (b->source_at == LB_TIME_NONE)
        return lb_printf(ctx, "nobody knows whether it is as its source was at %s", order->at);
    return b->source_at / 1000000 == plane_time_parse(order->at) / 1000000
               ? ""
               : lb_printf(ctx, "as its source was at %s, not %s", plane_time_text(ctx, b->source_at), order->at);
}

/* What is not as ordered, in words; "" where all is. */
static const char *difference(lb_ctx *ctx, const plane_branch *b, const branch_order *order, const branch_verdict *v)
{
    const char *parts[] = {b->source && strcmp(b->source, v->parent) == 0
                               ? ""
                               : lb_printf(ctx, "made from %s, not %s", b->source ? b->source : "nothing", v->parent),
                           moment_difference(ctx, b, order), expiry_difference(ctx, b, order, v)};
    const char *all = "";
    for (size_t i = 0; all && i < sizeof parts / sizeof parts[0]; i++)
        all = parts[i] ? lb_printf(ctx, "%s%s%s", all, *all && *parts[i] ? "; " : "", parts[i]) : NULL;
    return all;
}

/* The life that was asked for by name cannot be given. */
static int refuse_life(const branch_order *order, const plane_branch *b, size_t children, lb_error *err)
{
    return branch_refuse(err, LB_ERR_CONFLICT, BR_TTL_ON_PARENT,
                         "leave the ttl out, and it is taken as it is; or make another branch",
                         "%s/%s cannot expire: %s", order->project, b->id,
                         b->is_protected ? "it is protected by the platform"
                         : b->is_default ? "it is the default branch"
                         : children == 1 ? "a branch was made from it"
                                         : "branches were made from it");
}

/* Of what differs, the life can be changed, if it was asked for by name; what cannot be changed is only told. */
static int give_life(lb_ctx *ctx, const branch_order *order, const plane_branch *b, size_t children,
                     const branch_verdict *v, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    int64_t wanted = ordered_expiry(b, v);
    const char *differs = expiry_difference(ctx, b, order, v);
    bool is_past = v->ttl_s && (wanted == LB_TIME_NONE || wanted <= lb_now(ctx));
    if (!differs)
        return lb_out_of_memory(err);
    if (!order->wish.ttl || !*differs)
        return 0;
    if (v->ttl_s && (children || b->is_default || b->is_protected))
        return refuse_life(order, b, children, err);
    if (is_past)
        return 0;
    const plane_change change = {
        .title = v->ttl_s
                     ? lb_printf(ctx, "let %s/%s live until %s", order->project, b->id, plane_time_text(ctx, wanted))
                     : lb_printf(ctx, "let %s/%s stay", order->project, b->id),
        .reason = order->reason,
        .undo = lb_printf(ctx, "give it its expiry again: %s",
                          b->expires_at != LB_TIME_NONE ? plane_time_text(ctx, b->expires_at) : "none"),
        .evidence = LB_ARGS(lb_text("rule", v->kind->id), lb_text("differs", differs)),
        .request = {.method = "PATCH",
                    .path = lb_printf(ctx, "projects/%s/branches/%s", order->project, b->id),
                    .query = "update_mask=spec.expiration",
                    .body = v->ttl_s
                                ? lb_printf(ctx, "{\"spec\":{\"expire_time\":\"%s\"}}", plane_time_text(ctx, wanted))
                                : "{\"spec\":{\"no_expiry\":true}}"},
    };
    return plane_apply(ctx, &change, &outcome, err);
}

/* Where the moment of the source was asked for too, a refusal may as well be for that. */
static int refuse_cap(lb_ctx *ctx, const branch_order *order, int64_t asked, lb_error *err)
{
    return order->at ? err->code : branch_refuse_cap(ctx, order->project, order->wish.name, asked, err);
}

static int give_life_within(lb_ctx *ctx, const branch_order *order, const plane_branch *b, size_t children,
                            branch_made *made, lb_error *err)
{
    const int64_t asked = made->verdict.ttl_s;
    int r = give_life(ctx, order, b, children, &made->verdict, err);
    int64_t cap = r < 0 ? branch_cap(ctx, order->project, r, asked) : 0;
    if (!cap)
        return r < 0 ? refuse_cap(ctx, order, asked, err) : r;
    lb_error refusal = *err;
    made->verdict.ttl_s = cap;
    if (give_life(ctx, order, b, children, &made->verdict, err) >= 0)
        return branch_tell_cap(ctx, order->project, b->id, asked, cap, err);
    *err = refusal;
    return refuse_cap(ctx, order, asked, err);
}

static int take_over(lb_ctx *ctx, const branch_order *order, const plane_branches *branches, const plane_branch *there,
                     branch_made *made, lb_error *err)
{
    int r = give_life_within(ctx, order, there, plane_children(branches, there->id), made, err);
    if (r >= 0)
        r = plane_wait_ready(ctx, order->project, there->id, &made->branch, &made->endpoint, err);
    if (r < 0)
        return r;
    made->differs = difference(ctx, made->branch, order, &made->verdict);
    if (!made->differs)
        return lb_out_of_memory(err);
    made->differs = *made->differs ? made->differs : NULL;
    made->outcome = LB_APPLIED;
    return 0;
}

/* 0 with made->outcome LB_APPLIED: its place is free. */
static int make_way(lb_ctx *ctx, const branch_order *order, const plane_branches *branches, const plane_branch *there,
                    branch_made *made, lb_error *err)
{
    if (!order->replaces)
        return branch_refuse(
            err, LB_ERR_CONFLICT, BR_IS_OVER, "enforce_ttl_policies purges it; lbops target delete does so at once",
            "%s/%s %s", order->project, there->id,
            there->is_deleted ? "was deleted softly, and holds its name and its place until it is purged"
                              : "is over its time");
    const branch_removal removal = {.project = order->project,
                                    .branches = branches,
                                    .branch = there,
                                    .kind = made->verdict.kind,
                                    .title = lb_printf(ctx, "purge what is left of %s/%s", order->project, there->id),
                                    .reason = "its time is over, and a new one of that name is wanted",
                                    .event_type = "deleted",
                                    .creator_type = order->creator_type,
                                    .detail = order->detail};
    return branch_remove(ctx, &removal, &made->outcome, err);
}

/* ---- what is needed ---- */

const char *branch_parent_there(lb_ctx *ctx, const branch_kind *kind, const plane_branches *branches)
{
    for (const char *p = kind->parents; *p; p += strcspn(p, "|"), p += *p == '|') {
        const char *name = lb_printf(ctx, "%.*s", (int)strcspn(p, "|"), p);
        const plane_branch *parent = name ? plane_find(branches, name) : NULL;
        if (!name || (parent && !parent->is_deleted))
            return name;
    }
    return lb_printf(ctx, "%.*s", (int)strcspn(kind->parents, "|"), kind->parents);
}

/* Not each project has all the branches that a kind can be made from. */
static int choose_parent(lb_ctx *ctx, const branch_order *order, const plane_branches *branches, branch_verdict *v,
                         lb_error *err)
{
    if (order->wish.parent || order->fresh)
        return 0;
    const char *parent = branch_parent_there(ctx, v->kind, branches);
    if (!parent)
        return lb_out_of_memory(err);
    (void)snprintf(v->parent, sizeof v->parent, "%s", parent); /* one of the kind's: fits as the first does */
    return 0;
}

int branch_check_parent(const branch_order *order, const plane_branches *branches, const branch_verdict *v,
                        lb_error *err)
{
    const plane_branch *parent = plane_find(branches, v->parent);
    if (!parent || parent->is_deleted)
        return branch_refuse(err, LB_ERR_NOT_FOUND, BR_NO_PARENT,
                             "provision_lakebase_project makes what is missing; or give another source",
                             "there is no branch %s in %s to make %s from", v->parent, order->project,
                             order->wish.name);
    if (parent->expires_at != LB_TIME_NONE)
        return branch_refuse(err, LB_ERR_CONFLICT, BR_PARENT_EXPIRES, "take its expiry first, or another source",
                             "%s/%s expires: nothing can be made from it", order->project, v->parent);
    return 0;
}

const char *branch_make_body(lb_ctx *ctx, const branch_order *order, const branch_verdict *v)
{
    struct json_object *body = branch_json_object(ctx), *spec = json_object_new_object();
    if (!branch_json_add(body, "spec", spec))
        return NULL;
    const char *source = lb_printf(ctx, "projects/%s/branches/%s", order->project, v->parent);
    bool ok = source && branch_json_add_text(spec, "source_branch", source) &&
              branch_json_add_text(spec, "source_branch_time", order->at);
    if (v->ttl_s)
        ok = ok && branch_json_add_text(spec, "ttl", lb_printf(ctx, "%" PRId64 "s", v->ttl_s));
    else
        ok = ok && branch_json_add(spec, "no_expiry", json_object_new_boolean(true));
    return ok ? branch_json_text(ctx, body) : NULL;
}

static int apply(lb_ctx *ctx, const branch_order *order, const branch_verdict *v, lb_outcome *ret_outcome,
                 lb_error *err)
{
    char ttl[24];
    const plane_branch *parent = NULL;
    const plane_endpoint *endpoint = NULL;
    branch_ttl_format(v->ttl_s, ttl);
    /* What has just been made, or changes, is no source yet. */
    int r = lb_plans(ctx) ? 0 : plane_wait_ready(ctx, order->project, v->parent, &parent, &endpoint, err);
    if (r < 0)
        return r;
    const branch_event event = {.project = order->project,
                                .branch = order->wish.name,
                                .type = "created",
                                .source = v->parent,
                                .kind = v->kind->kind,
                                .creator_type = order->creator_type,
                                .reason = order->reason,
                                .detail = order->detail,
                                .ttl_s = v->ttl_s,
                                .expires_at = LB_TIME_NONE};
    const plane_change change = {
        .title = lb_printf(ctx, "create branch %s/%s", order->project, order->wish.name),
        .reason = order->reason,
        .undo = lb_printf(ctx, "delete it: it lives %s", v->ttl_s ? ttl : "until somebody does"),
        .evidence = LB_ARGS(lb_text("rule", v->kind->id), lb_text("kind", v->kind->kind), lb_text("source", v->parent),
                            lb_text("ttl", ttl)),
        .request = {.method = "POST",
                    .path = lb_printf(ctx, "projects/%s/branches", order->project),
                    .query = lb_printf(ctx, "branch_id=%s", order->wish.name),
                    .body = branch_make_body(ctx, order, v)},
        .event = &event,
    };
    return change.request.body ? plane_apply(ctx, &change, ret_outcome, err) : lb_out_of_memory(err);
}

static int apply_within(lb_ctx *ctx, const branch_order *order, branch_made *made, lb_error *err)
{
    const int64_t asked = made->verdict.ttl_s;
    int r = apply(ctx, order, &made->verdict, &made->outcome, err);
    int64_t cap = r < 0 ? branch_cap(ctx, order->project, r, asked) : 0;
    if (!cap)
        return r < 0 ? refuse_cap(ctx, order, asked, err) : r;
    lb_error refusal = *err;
    made->verdict.ttl_s = cap;
    r = apply(ctx, order, &made->verdict, &made->outcome, err);
    if (r >= 0)
        return branch_tell_cap(ctx, order->project, order->wish.name, asked, cap, err);
    if (r == LB_ERR_CONFLICT) /* somebody was faster */
        return r;
    *err = refusal;
    return refuse_cap(ctx, order, asked, err);
}

static int finish(lb_ctx *ctx, const branch_order *order, branch_made *made, lb_error *err)
{
    int r = plane_wait_ready(ctx, order->project, order->wish.name, &made->branch, &made->endpoint, err);
    if (r < 0)
        return r;
    made->created = true;
    const branch_event event = {.project = order->project,
                                .branch = order->wish.name,
                                .type = "created",
                                .source = made->verdict.parent,
                                .uid = made->branch->uid,
                                .kind = made->verdict.kind->kind,
                                .creator_type = order->creator_type,
                                .reason = order->reason,
                                .detail = order->detail,
                                .ttl_s = made->verdict.ttl_s,
                                .expires_at = made->branch->expires_at};
    return branch_write_down(ctx, &event, err);
}

/* Somebody else, such as the same workflow a second time, may have been faster by a moment. */
static int take_over_or_fail(lb_ctx *ctx, const branch_order *order, branch_made *made, lb_error *err)
{
    lb_error looking;
    const plane_branch *there = NULL;
    if (plane_read_branch(ctx, order->project, order->wish.name, &there, &looking) < 0 || !there || is_over(ctx, there))
        return err->code;
    return take_over(ctx, order, &(plane_branches){0}, there, made, err);
}

int branch_make(lb_ctx *ctx, const branch_policy *policy, const branch_order *order, branch_made *ret_made,
                lb_error *err)
{
    plane_branches branches = {0};
    branch_made made = {.outcome = LB_APPLIED};
    int r = branch_policy_judge(policy, &order->wish, &made.verdict, err);
    if (r >= 0 && !order->fresh)
        r = plane_list_branches(ctx, order->project, &branches, err);
    if (r >= 0)
        r = choose_parent(ctx, order, &branches, &made.verdict, err);
    if (r < 0)
        return r;
    const plane_branch *there = plane_find(&branches, order->wish.name);
    bool is_free = !there || is_over(ctx, there);
    r = is_free && !order->fresh ? branch_check_parent(order, &branches, &made.verdict, err) : 0;
    if (r >= 0 && is_free)
        r = branch_policy_judge_count(policy, plane_unarchived(&branches) - (there && plane_counts(there)),
                                      branches.count - (there != NULL), 1, err);
    if (r >= 0 && there && is_free)
        r = make_way(ctx, order, &branches, there, &made, err);
    if (r >= 0 && !is_free)
        r = take_over(ctx, order, &branches, there, &made, err);
    else if (r >= 0 && (made.outcome == LB_APPLIED || made.outcome == LB_PLANNED))
        r = apply_within(ctx, order, &made, err);
    if (r == LB_ERR_CONFLICT && is_free)
        r = take_over_or_fail(ctx, order, &made, err);
    else if (r >= 0 && is_free && made.outcome == LB_APPLIED)
        r = finish(ctx, order, &made, err);
    if (r >= 0)
        *ret_made = made;
    return r;
}
