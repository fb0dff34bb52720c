/* monitor_branch_count: how near each project is to as many branches as it may have, before somebody cannot make one.
 * What was deleted softly counts. Besides the number it says which branches are there without a reason, and writes down
 * those that came or went without anybody doing so. */
#include "branch_census.h"
#include "branch_life.h"

struct args {
    const char *project_id, *policy;
    int64_t max_limit, settle_s;
};

static const lb_param params[] = {
    LB_PARAM(struct args, project_id, LB_TEXT, NULL, "the project; without it, all of them"),
    LB_PARAM(struct args, max_limit, LB_I64, "0", "unarchived branches that a project may have; 0: as the policy says",
             .min = "0", .max = "500"),
    LB_PARAM(struct args, settle_s, LB_I64, "3600",
             "seconds that a row may need into history: what happened since then is not taken as unwritten", .min = "0",
             .max = "604800"),
    LB_PARAM(struct args, policy, LB_TEXT, NULL, "a file with the branch policy; without it, the one built in"),
    LB_PARAMS_END,
};

typedef struct census {
    const branch_policy *policy;
    const char *project;
    plane_branches branches;
    int64_t limit, breached;
    branch_census written;
} census;

/* ---- the number ---- */

static int alarm(lb_ctx *ctx, census *c, int64_t count, const char *level, double threshold, lb_error *err)
{
    int64_t softly = 0;
    double share = (double)count / (double)c->limit;
    for (size_t i = 0; i < c->branches.count; i++)
        softly += c->branches.items[i].is_deleted && plane_counts(&c->branches.items[i]);
    c->breached++;
    int r = lb_report(
        ctx,
        LB_FINDING(.object = c->project, .kind = "branch_limit_near",
                   .reason = lb_printf(ctx, BR_TOO_MANY ": %lld of %lld branches, %lld of them deleted softly",
                                       (long long)count, (long long)c->limit, (long long)softly),
                   .evidence = LB_ARGS(lb_i64("branch_count", count), lb_i64("max_limit", c->limit),
                                       lb_i64("deleted_softly", softly), lb_text("level", level)),
                   .terms = LB_TERMS({"counted_at_the_control_plane", 0.9}),
                   .impact = LB_ARGS(lb_i64("branches_left", count < c->limit ? c->limit - count : 0))),
        err);
    return r < 0 ? r
                 : lb_emit(ctx, "threshold.breached",
                           LB_ARGS(lb_text("metric", "branch_count"), lb_f64("value", share),
                                   lb_f64("threshold", threshold), lb_text("level", level),
                                   lb_text("action", "delete branches")),
                           err);
}

static int record(lb_ctx *ctx, const census *c, int64_t count, const char *level, lb_error *err)
{
    return lb_record(ctx, "lakebase_metrics",
                     LB_ARGS(lb_text("project_id", c->project), lb_text("metric_name", "branch_count"),
                             lb_f64("metric_value", (double)count), lb_text("threshold_level", level),
                             lb_time("snapshot_timestamp", lb_now(ctx))),
                     err);
}

/* ---- what is there without a reason ---- */

static lb_value time_or_null(const char *name, int64_t time)
{
    return time == LB_TIME_NONE ? lb_null(name) : lb_time(name, time);
}

static int report_branch(lb_ctx *ctx, const census *c, const plane_branch *b, const char *kind, const char *reason,
                         const char *rule, lb_error *err)
{
    return lb_report(
        ctx,
        LB_FINDING(.object = lb_printf(ctx, "%s/%s", c->project, b->id), .kind = kind, .reason = reason,
                   .evidence = LB_ARGS(lb_text("rule", rule), lb_text("state", b->state), lb_text("source", b->source),
                                       lb_text("branch_uid", b->uid), time_or_null("created_at", b->created_at),
                                       time_or_null("expires_at", b->expires_at)),
                   .terms = LB_TERMS({"named_by_rule", 0.5}, {"stated_by_the_control_plane", 0.4})),
        err);
}

/* The platform takes away what expires, but softly, and not at once. */
static int report_over(lb_ctx *ctx, const census *c, const plane_branch *b, lb_error *err)
{
    bool counts = plane_counts(b);
    if (b->is_deleted)
        return report_branch(ctx, c, b, counts ? "expired_and_counted" : "expired_and_kept",
                             counts
                                 ? "it has expired and counts until it is purged"
                                 : "it has expired and holds its name until it is purged; archived, it does not count",
                             counts ? BR_TOO_MANY : BR_IS_OVER, err);
    return report_branch(ctx, c, b, "over_its_time",
                         counts ? "its time is over, and it is there and counts"
                                : "its time is over, and it is there; archived, it does not count",
                         BR_IS_OVER, err);
}

static int report_too_long(lb_ctx *ctx, const census *c, const plane_branch *b, const branch_kind *kind, lb_error *err)
{
    char longest[24];
    branch_ttl_format(kind->longest_s, longest);
    return report_branch(ctx, c, b, "lives_too_long",
                         lb_printf(ctx, BR_TTL_TOO_LONG ": a %s branch may live %s (%s), and its expiry is later",
                                   kind->kind, longest, kind->id),
                         BR_TTL_TOO_LONG, err);
}

static int look_at(lb_ctx *ctx, const census *c, const plane_branch *b, lb_error *err)
{
    lb_error unknown;
    const branch_kind *kind = branch_kind_of_name(c->policy, b->id, &unknown);
    bool over = b->expires_at != LB_TIME_NONE && b->expires_at <= lb_now(ctx);
    if (over)
        return report_over(ctx, c, b, err);
    if (b->is_deleted)
        return 0;
    if (!kind)
        return report_branch(ctx, c, b, "unknown_branch", lb_printf(ctx, "%s", unknown.message), BR_UNKNOWN_NAME, err);
    if (kind->ttl_s && b->expires_at == LB_TIME_NONE)
        return report_branch(ctx, c, b, "never_expires",
                             lb_printf(ctx, "a %s branch does not live for ever", kind->kind), kind->id, err);
    if (!kind->ttl_s && b->expires_at != LB_TIME_NONE)
        return report_branch(ctx, c, b, "expires_though_it_stays",
                             "others are made from it, and nothing can be made from a branch that expires", kind->id,
                             err);
    return branch_outlasts(b, kind) ? report_too_long(ctx, c, b, kind, err) : 0;
}

/* ---- the run ---- */

static int look_at_project(lb_ctx *ctx, census *c, lb_error *err)
{
    int r = plane_list_branches(ctx, c->project, &c->branches, err);
    if (r < 0)
        return r;
    int64_t count = (int64_t)plane_unarchived(&c->branches);
    double share = (double)count / (double)c->limit;
    bool critical = share >= c->policy->critical, warning = share >= c->policy->warning;
    const char *level = critical ? "critical" : warning ? "warning" : "normal";
    if (warning)
        r = alarm(ctx, c, count, level, critical ? c->policy->critical : c->policy->warning, err);
    if (r >= 0)
        r = record(ctx, c, count, level, err);
    for (size_t i = 0; r >= 0 && i < c->branches.count; i++)
        r = look_at(ctx, c, &c->branches.items[i], err);
    if (r >= 0)
        r = lb_append(ctx, "projects",
                      LB_ARGS(lb_text("project_id", c->project), lb_i64("branch_count", count),
                              lb_i64("total", (int64_t)c->branches.count), lb_i64("max_limit", c->limit),
                              lb_f64("utilization", share), lb_text("level", level)),
                      err);
    if (r >= 0)
        r = branch_census_take(ctx, &c->written, c->project, &c->branches, err);
    return r < 0 ? r : lb_examined(ctx, "branches", (int64_t)c->branches.count, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_texts projects = {0};
    census c = {.policy = branch_policy_of_run(ctx, args->policy, err)};
    int r = c.policy ? plane_choose_projects(ctx, args->project_id, &projects, err) : err->code;
    if (r >= 0)
        r = lb_examined(ctx, "projects", (int64_t)projects.count, err);
    c.written = (branch_census){.policy = c.policy, .settle_s = args->settle_s};
    if (r >= 0)
        r = branch_census_begin(ctx, &c.written, err);
    for (size_t i = 0; r >= 0 && i < projects.count; i++) {
        c.project = projects.items[i];
        c.limit = args->max_limit ? args->max_limit : c.policy->most_unarchived;
        r = look_at_project(ctx, &c, err);
    }
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_bool("alert_triggered", c.breached > 0),
                                     lb_i64("written_down_as_made", c.written.made),
                                     lb_i64("written_down_as_gone", c.written.gone)),
                             err);
}

LB_TOOL(monitor_branch_count, "how near projects are to as many branches as they may have", .agent = "provisioning",
        .risk = LB_RISK_LOW, .detector = true, .workspace = true, .schedule = "0 */6 * * *",
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("lakebase_metrics", "branch_lifecycle"),
        .emits = LB_NAMES("threshold.breached"), .run = run);
