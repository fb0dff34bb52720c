/* collect_pg_stat_statements_info: how complete the statement statistics are: evictions, resets, and how full they are.
 */
#include "amount.h"
#include "statements_source.h"

#include <sql/statements/last_evictions.h>

#define EVICTIONS "pg_stat_statements_dealloc"
#define LOOK_BACK (INT64_C(7) * 86400000000)

struct args {
    double full_ratio;
};

static const lb_param params[] = {
    LB_PARAM(struct args, full_ratio, LB_F64, "0.95", "part of pg_stat_statements.max from which on it is full",
             .min = "0", .max = "1"),
    LB_PARAMS_END,
};

/* What the run before has read of the same count. */
typedef struct earlier {
    bool is_known;
    int64_t dealloc, read_at;
} earlier;

static int read_earlier(lb_ctx *ctx, const statements_source *s, earlier *ret_earlier, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const int64_t reset = s->info.stats_reset, oldest = s->info.read_at - LOOK_BACK;
    const statements_last_evictions_args wanted = {.project = target->project,
                                                   .branch = target->branch,
                                                   .metric = EVICTIONS,
                                                   .since = reset > oldest ? reset : oldest}; /* it began at 0 then */
    statements_last_evictions_row row;
    lb_rows *rows = NULL;
    *ret_earlier = (earlier){0};
    int r =
        lb_history_or_skip(ctx, statements_last_evictions(ctx, &wanted, &rows, err), "earlier evictions", NULL, err);
    if (r > 0 && statements_last_evictions_next(ctx, rows, &row) && !row.read_at_is_null && !row.evictions_is_null &&
        row.evictions <= (double)s->info.dealloc)
        *ret_earlier = (earlier){true, (int64_t)row.evictions, row.read_at};
    return r < 0 ? r : 0;
}

/* Each finding is about completeness: what was evicted is missing in every comparison of statements. */
static int report(lb_ctx *ctx, const statements_source *s, const char *kind, const char *reason, double points,
                  lb_error *err)
{
    const statements_extension_row *e = &s->extension;
    double hours = (double)(s->info.read_at - s->info.stats_reset) / 3600e6;
    if (!reason)
        return lb_out_of_memory(err);
    return lb_report(
        ctx,
        LB_FINDING(.object = lb_printf(ctx, "%s.pg_stat_statements", e->schema), .kind = kind, .reason = reason,
                   .evidence = LB_ARGS(lb_i64("dealloc", s->info.dealloc), lb_i64("entries", s->info.entries),
                                       lb_i64("most_entries", e->most_entries),
                                       lb_time("stats_reset", s->info.stats_reset), lb_f64("hours_since_reset", hours),
                                       lb_text("track", e->track), lb_text("compute_query_id", e->query_ids)),
                   .terms = LB_TERMS({"counted_by_the_server", 0.6}, {"size_of_the_effect", points})),
        err);
}

/* The count is of all the time since the reset: only what was added tells that it goes on. */
static int judge_evictions(lb_ctx *ctx, const statements_source *s, lb_error *err)
{
    const long long dealloc = s->info.dealloc, most = s->extension.most_entries;
    earlier before;
    int r = read_earlier(ctx, s, &before, err);
    if (r < 0 || dealloc <= before.dealloc)
        return r;
    if (before.is_known)
        return report(ctx, s, "statements_evicted",
                      lb_printf(ctx,
                                "%lld times in %.1f hours the least used statements were dropped to make room: raise "
                                "pg_stat_statements.max above %lld",
                                dealloc - (long long)before.dealloc,
                                (double)(s->info.read_at - before.read_at) / 3600e6, most),
                      0.4, err);
    return report(ctx, s, "statements_evicted",
                  lb_printf(ctx,
                            "%lld times since the last reset the least used statements were dropped to make room; "
                            "whether it goes on, above %lld of pg_stat_statements.max, the next run can tell",
                            dealloc, most),
                  -0.3, err);
}

static int judge(lb_ctx *ctx, const statements_source *s, lb_error *err)
{
    const struct args *args = ctx->args;
    const statements_extension_row *e = &s->extension;
    int r = judge_evictions(ctx, s, err);
    if (r >= 0 && (double)s->info.entries >= args->full_ratio * (double)e->most_entries)
        r = report(ctx, s, "statements_full",
                   lb_printf(ctx, "%lld of %lld entries are taken: evictions are near", (long long)s->info.entries,
                             (long long)e->most_entries),
                   0.3, err);
    if (r >= 0 && e->track && strcmp(e->track, "none") == 0)
        r = report(ctx, s, "statements_not_tracked", "pg_stat_statements.track is none: nothing is counted", 0.4, err);
    if (r >= 0 && strcmp(e->query_ids, "off") == 0)
        r = report(ctx, s, "query_ids_off",
                   "compute_query_id is off: statements have no identifier to be counted under", 0.4, err);
    return r;
}

static int unavailable(lb_ctx *ctx, const statements_source *s, const char *why, lb_error *err)
{
    int r = lb_skipped(ctx, s->extension.database, why, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_text("status", "unavailable"), lb_text("reason", why)), err);
}

static int tell(lb_ctx *ctx, const statements_source *s, lb_error *err)
{
    const statements_extension_row *e = &s->extension;
    int r = statements_record(ctx, s, EVICTIONS, (double)s->info.dealloc, "count", "counter", err);
    if (r >= 0)
        r = statements_record(ctx, s, "pg_stat_statements_entries", (double)s->info.entries, "count", "gauge", err);
    if (r >= 0 && s->info.hidden)
        r = lb_skipped(ctx, amount_text(ctx, (double)s->info.hidden, "statement", "statements"),
                       "of other roles, whose statements this one may not see: grant it pg_read_all_stats", err);
    if (r >= 0)
        r = lb_examined(ctx, "entries", s->info.entries, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("status", "ok"), lb_i64("dealloc", s->info.dealloc),
                                     lb_time("stats_reset", s->info.stats_reset), lb_i64("entries", s->info.entries),
                                     lb_i64("most_entries", e->most_entries), lb_text("version", e->version),
                                     lb_bool("is_older_than_its_server", e->is_older), lb_text("track", e->track),
                                     lb_bool("track_planning", e->track_planning),
                                     lb_text("compute_query_id", e->query_ids),
                                     lb_time("postmaster_start", e->postmaster_start)),
                             err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    statements_source source;
    const char *why = NULL;
    int r = statements_look(ctx, &source, &why, err);
    if (r < 0 || why)
        return r < 0 ? r : unavailable(ctx, &source, why, err);
    r = judge(ctx, &source, err);
    return r < 0 ? r : tell(ctx, &source, err);
}

LB_TOOL(collect_pg_stat_statements_info, "how complete the statement statistics are", .agent = "performance",
        .risk = LB_RISK_LOW, .schedule = "*/5 * * * *", .detector = true, .timeout_s = 60,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("lakebase_metrics"),
        .needs = LB_NAMES("extension pg_stat_statements"), .run = run);
