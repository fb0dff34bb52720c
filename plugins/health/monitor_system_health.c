/* monitor_system_health: every health view of the server into history, counters with the rates between two readings,
 * and findings of what such counters say that are no alert's figure. */
#include "health_measure.h"
#include "health_moves_tell.h"

#include <math.h>

struct args {
    lb_texts views;
    HEALTH_GUARD_MEMBERS;
    HEALTH_BATCH_MEMBERS;
    double abandoned_warning_share, abandoned_critical_share, max_sessions_per_s, max_rollback_share, min_busy_share;
    int64_t min_sessions, min_transactions, min_open_sessions;
};

static const lb_param params[] = {
    LB_PARAM(struct args, views, LB_LIST_OF(LB_TEXT), NULL, "only these views of the server; none given: all"),
    HEALTH_GUARD_PARAMS(struct args),
    HEALTH_BATCH_PARAMS(struct args),
    LB_PARAM(struct args, abandoned_warning_share, LB_F64, "0.01",
             "sessions whose client was lost, of those that begin: a larger share is a warning", .min = "0"),
    LB_PARAM(struct args, abandoned_critical_share, LB_F64, "0.05", "and a share above this is critical", .min = "0"),
    LB_PARAM(struct args, max_sessions_per_s, LB_F64, "5", "above so many new sessions a second a pooler is missing",
             .min = "0"),
    LB_PARAM(struct args, min_sessions, LB_I64, "100", "sessions between two readings that these three need",
             .min = "1"),
    LB_PARAM(struct args, max_rollback_share, LB_F64, "0.1", "share of transactions that may be rolled back",
             .min = "0", .max = "1"),
    LB_PARAM(struct args, min_transactions, LB_I64, "1000", "transactions between two readings that it needs",
             .min = "1"),
    LB_PARAM(struct args, min_busy_share, LB_F64, "0.2",
             "share of a day that sessions have to be at work, or pools are too large", .min = "0", .max = "1"),
    LB_PARAM(struct args, min_open_sessions, LB_I64, "10", "sessions open at a time that it needs", .min = "1"),
    LB_PARAMS_END,
};

typedef struct tally {
    int64_t rows, rates, unknown;
} tally;

static int record(lb_ctx *ctx, const health_figure *figure, int64_t at, tally *sum, lb_error *err)
{
    sum->rows++;
    return health_record(ctx, figure, at, err);
}

/* Digits that a double does not hold are kept beside it. */
static const char *exact_of(lb_ctx *ctx, const health_sample *s)
{
    const char *again = lb_printf(ctx, "%.0f", s->value);
    return strlen(s->digits) > 15 && !strchr(s->digits, '.') && again && strcmp(again, s->digits) != 0 ? s->digits
                                                                                                       : NULL;
}

static int record_rate(lb_ctx *ctx, const health_reading *reading, const health_sample *s, tally *sum, lb_error *err)
{
    const char *rate = health_rate_of(s->metric), *why = NULL;
    double delta = 0;
    if (!rate || s->object)
        return 0;
    if (!health_delta(reading, s, &delta, &why)) {
        sum->unknown++;
        return isnan(health_interval(reading, s)) /* of a first reading it is said once */
                   ? 0
                   : lb_append(ctx, "unknown", LB_ARGS(lb_text("metric", rate), lb_text("reason", why)), err);
    }
    const double interval_s = health_interval(reading, s);
    const health_figure f = {.name = rate, .value = delta / interval_s, .interval_s = interval_s};
    sum->rates++;
    return record(ctx, &f, reading->at, sum, err);
}

/* What is an alert's figure goes with its level, below; statements are another tool's to keep. */
static bool is_for_history(const health_sample *s)
{
    return s->digits && health_kind(s->metric) && health_alert_named(s->metric) == HEALTH_ALERTS &&
           strncmp(s->metric, "statement_", 10) != 0;
}

static int record_sample(lb_ctx *ctx, const health_reading *reading, const health_sample *s, tally *sum, lb_error *err)
{
    const char *kind = health_kind(s->metric);
    const health_figure f = {.name = s->metric,
                             .value = s->value,
                             .exact = exact_of(ctx, s),
                             .object = s->object,
                             .interval_s = NAN,
                             .epoch = kind && strcmp(kind, "counter") == 0 ? s->epoch : NULL,
                             .detail_json = s->detail};
    int r = record(ctx, &f, reading->at, sum, err);
    return r < 0 ? r : record_rate(ctx, reading, s, sum, err);
}

static int record_ratio(lb_ctx *ctx, const health_reading *reading, const char *name, const char *part,
                        const char *other, tally *sum, lb_error *err)
{
    const char *why = NULL;
    double a = 0, b = 0;
    if (!health_delta(reading, health_sample_of(reading, part, NULL), &a, &why) ||
        !health_delta(reading, health_sample_of(reading, other, NULL), &b, &why) || a + b <= 0)
        return 0;
    const health_figure f = {.name = name,
                             .value = a / (a + b),
                             .interval_s = health_interval(reading, health_sample_of(reading, part, NULL)),
                             .detail = LB_ARGS(lb_f64(part, a), lb_f64(other, b))};
    return record(ctx, &f, reading->at, sum, err);
}

/* Over all kinds of processes, as no one of them alone tells. */
static int record_io_ratio(lb_ctx *ctx, const health_reading *reading, tally *sum, lb_error *err)
{
    double hits = 0, reads = 0, delta = 0, interval_s = NAN;
    const char *why = NULL;
    for (size_t i = 0; i < reading->count; i++) {
        const health_sample *s = &reading->samples[i];
        bool hit = strcmp(s->metric, "io_hits") == 0, read = strcmp(s->metric, "io_reads") == 0;
        if ((hit || read) && health_delta(reading, s, &delta, &why)) {
            hits += hit ? delta : 0;
            reads += read ? delta : 0;
            interval_s = health_interval(reading, s);
        }
    }
    const health_figure f = {.name = "io_hit_ratio",
                             .value = hits / (hits + reads),
                             .interval_s = interval_s,
                             .detail = LB_ARGS(lb_f64("io_hits", hits), lb_f64("io_reads", reads))};
    return hits + reads > 0 ? record(ctx, &f, reading->at, sum, err) : 0;
}

static int record_observation(lb_ctx *ctx, const health_observation *o, const health_policy *policy, int64_t at,
                              tally *sum, lb_error *err)
{
    const health_alert_rule *rule = &health_alert_rules[o->id];
    const char *level = health_level(&policy->limits[o->id], o->value);
    if (!o->known) {
        sum->unknown++;
        return lb_append(ctx, "unknown", LB_ARGS(lb_text("metric", rule->metric), lb_text("reason", o->why)), err);
    }
    const health_figure f = {.name = rule->metric,
                             .value = o->value,
                             .object = o->object,
                             .interval_s = o->interval_s,
                             .level = level,
                             .detail_json = o->detail};
    int r = record(ctx, &f, at, sum, err);
    return r < 0 ? r
                 : lb_append(ctx, "metrics",
                             LB_ARGS(lb_text("metric", rule->metric), lb_f64("value", o->value),
                                     lb_text("unit", rule->unit), lb_text("object", o->object), lb_text("level", level),
                                     lb_text("measure", rule->measure)),
                             err);
}

static int record_all(lb_ctx *ctx, const health_reading *reading, const health_measures *measures, tally *sum,
                      lb_error *err)
{
    health_policy policy;
    int r = health_read_policy(ctx, &policy, err);
    for (size_t i = 0; r >= 0 && i < reading->count; i++)
        if (is_for_history(&reading->samples[i]))
            r = record_sample(ctx, reading, &reading->samples[i], sum, err);
    if (r >= 0)
        r = record_ratio(ctx, reading, "rollback_ratio", "transactions_rolled_back", "transactions_committed", sum,
                         err);
    if (r >= 0)
        r = record_ratio(ctx, reading, "requested_checkpoint_ratio", "checkpoints_requested", "checkpoints_timed", sum,
                         err);
    if (r >= 0)
        r = record_io_ratio(ctx, reading, sum, err);
    for (size_t i = 0; r >= 0 && i < measures->count; i++)
        r = record_observation(ctx, &measures->items[i], &policy, reading->at, sum, err);
    return r;
}

static int record_moves(lb_ctx *ctx, health_reading *reading, tally *sum, lb_error *err)
{
    const struct args *args = ctx->args;
    const health_move_limits limits = {.abandoned_warning_share = args->abandoned_warning_share,
                                       .abandoned_critical_share = args->abandoned_critical_share,
                                       .sessions_per_s = args->max_sessions_per_s,
                                       .rollback_share = args->max_rollback_share,
                                       .busy_share = args->min_busy_share,
                                       .min_sessions = (double)args->min_sessions,
                                       .min_transactions = (double)args->min_transactions,
                                       .min_open_sessions = (double)args->min_open_sessions};
    health_moves moves;
    int r = health_moves_of(reading, &moves, err);
    const health_figure busy = {
        .name = "session_busy_ratio",
        .value = moves.active_ms / moves.session_ms,
        .interval_s = moves.day_s,
        .detail = LB_ARGS(lb_f64("active_ms", moves.active_ms), lb_f64("session_ms", moves.session_ms))};
    if (r >= 0 && moves.session_ms > 0)
        r = record(ctx, &busy, reading->at, sum, err);
    return r < 0 ? r : health_tell_moves(ctx, reading, &moves, &limits, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    health_guards guards = HEALTH_GUARDS(args);
    health_reading reading = {0};
    health_measures measures = {0};
    tally sum = {0};
    guards.views = args->views;
    guards.batch_roles = args->batch_roles;
    guards.batch_applications = args->batch_applications;
    int r = health_read(ctx, &guards, &reading, err);
    if (r >= 0)
        r = health_measure(ctx, &guards, &reading, &measures, err);
    if (r >= 0)
        r = record_all(ctx, &reading, &measures, &sum, err);
    if (r >= 0)
        r = record_moves(ctx, &reading, &sum, err);
    if (r >= 0)
        r = health_remember(ctx, &reading, err);
    if (r >= 0)
        r = lb_examined(ctx, "views", (int64_t)reading.views_read, err);
    if (r >= 0 && !reading.views_read)
        return lb_fail(err, LB_ERR_SQL, "its result says why for each", "no view of the server could be read");
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_i64("recorded", sum.rows), lb_i64("rates", sum.rates),
                                     lb_i64("without_a_rate", sum.unknown),
                                     isnan(reading.interval_s) ? lb_null("interval_seconds")
                                                               : lb_f64("interval_seconds", reading.interval_s)),
                             err);
}

LB_TOOL(monitor_system_health, "reads the server's statistics into history, with the rates since the reading before",
        .agent = "health", .risk = LB_RISK_LOW, .schedule = "*/5 * * * *", .detector = true, .timeout_s = 60,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("lakebase_metrics"),
        .needs = LB_NAMES("role pg_monitor", "extension pg_stat_statements"), .remembers = true, .run = run);
