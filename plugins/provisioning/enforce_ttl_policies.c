/* enforce_ttl_policies: no branch outlives what its kind may. The platform deletes what expires, but softly, so that it
 * goes on counting; and it knows no policy, so that a branch made by hand without an expiry stays for ever.
 *
 * Leaves only: what is protected, has children or is unknown to the policy is reported and never touched; where
 * somebody is connected, a person decides. Nothing that fails for one of them is a reason to leave the others. */
#include "branch_json.h"
#include "branch_life.h"

#include <inttypes.h>

struct args {
    const char *project_id, *policy;
    int64_t most;
};

static const lb_param params[] = {
    LB_PARAM(struct args, project_id, LB_TEXT, NULL, "the project; without it, all of them"),
    LB_PARAM(struct args, most, LB_I64, "20", "take away so many in one run", .min = "1", .max = "500"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAMS_END,
};

typedef struct sweep {
    const branch_policy *policy;
    const char *project;
    plane_branches branches;
    int64_t begun, deleted, kept, active, waiting, expiries, failed;
} sweep;

#define SOON_US INT64_C(3600000000) /* so near an end takes a branch from whoever works on it */

/* ---- what becomes of one ---- */

static int keep(lb_ctx *ctx, sweep *s, const plane_branch *b, const char *why, lb_error *err)
{
    const char *name = lb_printf(ctx, "%s/%s", s->project, b->id);
    s->kept++;
    return name && why ? lb_skipped(ctx, name, why, err) : lb_out_of_memory(err);
}

static int take_away(lb_ctx *ctx, sweep *s, const plane_branch *b, const branch_kind *kind, const char *reason,
                     lb_error *err)
{
    const struct args *args = ctx->args;
    lb_outcome outcome = LB_REFUSED;
    lb_error no;
    const branch_removal removal = {.project = s->project,
                                    .branches = &s->branches,
                                    .branch = b,
                                    .kind = kind,
                                    .title = lb_printf(ctx, "delete %s/%s", s->project, b->id),
                                    .reason = reason,
                                    .keeps = true,
                                    .event_type = "expired"};
    if (branch_judge_removal(&removal, "deleted", &no) < 0)
        return keep(ctx, s, b, lb_printf(ctx, "%s", no.message), err);
    if (s->begun >= args->most)
        return keep(ctx, s, b, "over its time, but this run has taken away as many as it may", err);
    s->begun++;
    int r = branch_remove(ctx, &removal, &outcome, err);
    s->deleted += r >= 0 && outcome == LB_APPLIED;
    s->waiting += r >= 0 && outcome != LB_APPLIED;
    return r < 0 ? r
                 : lb_append(ctx, "over_their_time",
                             LB_ARGS(lb_text("project_id", s->project), lb_text("branch", b->id),
                                     lb_text("rule", kind->id), lb_text("reason", reason),
                                     lb_bool("deleted", outcome == LB_APPLIED)),
                             err);
}

/* It has the time that its kind has, from when it was made; where that is over, from now, within its kind's longest. */
static int64_t end_of_life(const plane_branch *b, const branch_kind *kind, int64_t now)
{
    int64_t longest = b->created_at + kind->longest_s * 1000000, end = b->created_at + kind->ttl_s * 1000000;
    if (b->expires_at != LB_TIME_NONE)
        return longest;
    end = end > now ? end : now + kind->ttl_s * 1000000;
    return end < longest ? end : longest;
}

/* The platform does not look who is connected when a time is over: where that is soon, it is looked for here. */
static int look_if_soon(lb_ctx *ctx, sweep *s, const plane_branch *b, int64_t end, bool *ret_asks, lb_error *err)
{
    branch_people people = {0};
    int r = end - lb_now(ctx) < SOON_US ? branch_look_for_people(ctx, s->project, b, &people, err) : 0;
    *ret_asks = people.people > 0 || people.unknown;
    return r;
}

static int set_expiry(lb_ctx *ctx, sweep *s, const plane_branch *b, const branch_kind *kind, int64_t end,
                      lb_outcome *ret_outcome, lb_error *err)
{
    bool expires = b->expires_at != LB_TIME_NONE, asks = false;
    int r = look_if_soon(ctx, s, b, end, &asks, err);
    if (r < 0)
        return r;
    const char *why = expires ? BR_TTL_TOO_LONG ": its expiry is later than its kind may live" : "it has no expiry";
    const plane_change change = {
        .title = lb_printf(ctx, "let %s/%s expire", s->project, b->id),
        .reason = lb_printf(ctx, "%s: a %s branch does not live for ever; %s%s", kind->id, kind->kind, why,
                            asks ? "; " BR_HAS_PEOPLE ": somebody is connected, and its end is near" : ""),
        .undo = expires ? lb_printf(ctx, "give it its expiry again: %s", plane_time_text(ctx, b->expires_at))
                        : "take the expiry from it",
        .evidence =
            LB_ARGS(lb_text("rule", kind->id), lb_time("created_at", b->created_at), lb_time("expires_at", end)),
        .asks = asks,
        .request = {.method = "PATCH",
                    .path = lb_printf(ctx, "projects/%s/branches/%s", s->project, b->id),
                    .query = "update_mask=spec.expiration",
                    .body = lb_printf(ctx, "{\"spec\":{\"expire_time\":\"%s\"}}", plane_time_text(ctx, end))},
    };
    return plane_apply(ctx, &change, ret_outcome, err);
}

/* What the workspace refuses is asked for once more, as far as it may go. */
static int set_expiry_within(lb_ctx *ctx, sweep *s, const plane_branch *b, const branch_kind *kind, int64_t *end,
                             lb_outcome *ret_outcome, lb_error *err)
{
    const int64_t now = lb_now(ctx), asked = ((*end - now) / 1000000 + 30) / 60 * 60; /* whole minutes, to be read */
    int r = set_expiry(ctx, s, b, kind, *end, ret_outcome, err);
    int64_t cap = r < 0 ? branch_cap(ctx, s->project, r, asked) : 0;
    if (cap) {
        lb_error refusal = *err;
        *end = now + cap * 1000000;
        if (set_expiry(ctx, s, b, kind, *end, ret_outcome, err) >= 0)
            return branch_tell_cap(ctx, s->project, b->id, asked, cap, err);
        *err = refusal;
    }
    return r < 0 ? branch_refuse_cap(ctx, s->project, b->id, asked, err) : r;
}

static int give_expiry(lb_ctx *ctx, sweep *s, const plane_branch *b, const branch_kind *kind, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    int64_t end = end_of_life(b, kind, lb_now(ctx));
    if (b->is_default || b->is_protected)
        return keep(ctx, s, b,
                    BR_TTL_ON_PARENT
                    ": never expires, though its kind does: it is protected; where it need not be, take "
                    "that away",
                    err);
    if (plane_children(&s->branches, b->id))
        return keep(ctx, s, b,
                    BR_TTL_ON_PARENT ": never expires, though its kind does: it has children, and can expire when they "
                                     "are gone",
                    err);
    int r = set_expiry_within(ctx, s, b, kind, &end, &outcome, err);
    s->expiries += r >= 0 && outcome == LB_APPLIED;
    s->waiting += r >= 0 && outcome == LB_WAITING;
    return r < 0 ? r
                 : lb_append(ctx, "given_an_expiry",
                             LB_ARGS(lb_text("project_id", s->project), lb_text("branch", b->id),
                                     lb_text("rule", kind->id), lb_time("expires_at", end),
                                     lb_bool("done", outcome == LB_APPLIED)),
                             err);
}

static int look_at(lb_ctx *ctx, sweep *s, const plane_branch *b, lb_error *err)
{
    int64_t now = lb_now(ctx);
    lb_error unknown;
    const branch_kind *kind = branch_kind_of_name(s->policy, b->id, &unknown);
    s->active += !b->is_deleted;
    if (!kind)
        return keep(ctx, s, b, lb_printf(ctx, "%s", unknown.message), err);
    if (!kind->ttl_s) {
        s->kept++;
        return 0;
    }
    bool over = b->expires_at != LB_TIME_NONE && b->expires_at <= now;
    bool outlived = b->created_at != LB_TIME_NONE && b->created_at + kind->longest_s * 1000000 <= now;
    if (b->is_deleted && !over)
        return keep(ctx, s, b, "somebody deleted it softly before its time was over, and may want it back", err);
    if (over)
        return take_away(ctx, s, b, kind,
                         b->is_deleted ? "it has expired, and counts until it is purged" : "its time is over", err);
    if (b->expires_at == LB_TIME_NONE && outlived)
        return take_away(ctx, s, b, kind, "it has no expiry, and lived longer than its kind may", err);
    bool too_long = branch_outlasts(b, kind);
    if (too_long && outlived)
        return keep(ctx, s, b,
                    BR_TTL_TOO_LONG ": lived longer than its kind may, and somebody gave it an expiry that is still "
                                    "ahead: delete it, or let it end then",
                    err);
    if (too_long || (b->expires_at == LB_TIME_NONE && b->created_at != LB_TIME_NONE))
        return give_expiry(ctx, s, b, kind, err);
    s->kept++;
    return 0;
}

/* ---- the run ---- */

/* What fails for one is told, and is no reason to leave the others; what ends the run ends it. */
static int go_on(lb_ctx *ctx, sweep *s, const char *name, int r, lb_error *err)
{
    if (r >= 0 || r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY || lb_cancelled(ctx))
        return r;
    const char *why = lb_printf(ctx, "%s", err->message);
    s->failed++;
    return name && why ? lb_skipped(ctx, name, why, err) : lb_out_of_memory(err);
}

static int look_at_project(lb_ctx *ctx, sweep *s, lb_error *err)
{
    int r = plane_list_branches(ctx, s->project, &s->branches, err);
    if (r < 0)
        return r;
    for (size_t i = 0; r >= 0 && i < s->branches.count; i++) {
        const plane_branch *b = &s->branches.items[i];
        if (lb_cancelled(ctx))
            return lb_fail(err, LB_ERR_CANCELLED, "run it again: it goes on from there", "stopped at %s/%s", s->project,
                           b->id);
        r = look_at(ctx, s, b, err);
        r = go_on(ctx, s, r < 0 ? lb_printf(ctx, "%s/%s", s->project, b->id) : NULL, r, err);
    }
    return r < 0 ? r : lb_examined(ctx, "branches", (int64_t)s->branches.count, err);
}

static int tell(lb_ctx *ctx, const sweep *s, lb_error *err)
{
    int r = lb_result(ctx,
                      LB_ARGS(lb_i64("branches_deleted", s->deleted), lb_i64("branches_kept", s->kept),
                              lb_i64("expiries_set", s->expiries), lb_i64("not_done", s->waiting),
                              lb_i64("total_active", s->active - s->deleted)),
                      err);
    if (r < 0 || !s->failed)
        return r;
    return lb_fail(err, LB_ERR_TOOL, "what was skipped says why; run it again once that is mended",
                   "%" PRId64 " branch(es) or project(s) could not be swept; all others were", s->failed);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_texts projects = {0};
    sweep s = {.policy = branch_policy_of_run(ctx, args->policy, err)};
    int r = s.policy ? plane_choose_projects(ctx, args->project_id, &projects, err) : err->code;
    if (r >= 0)
        r = lb_examined(ctx, "branches", 0, err);
    for (size_t i = 0; r >= 0 && i < projects.count; i++) {
        s.project = projects.items[i];
        r = look_at_project(ctx, &s, err);
        r = args->project_id ? r : go_on(ctx, &s, s.project, r, err);
    }
    return r < 0 ? r : tell(ctx, &s, err);
}

LB_TOOL(enforce_ttl_policies, "takes away branches that are over their time", .agent = "provisioning",
        .risk = LB_RISK_LOW, .workspace = true, .schedule = "0 */6 * * *", LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("branch_lifecycle"), .emits = LB_NAMES("branch.deleted"),
        .calls = LB_NAMES("branch_sessions", BRANCH_PLANE_TOOL), .run = run);
