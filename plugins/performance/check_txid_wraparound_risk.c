/* check_txid_wraparound_risk: how near databases and tables are to running out of transaction and multixact ids, how
 * long that leaves, and what keeps a vacuum from helping; and which keys run out of values. */
#include "amount.h"
#include "vacuum_age.h"
#include "vacuum_alert.h"
#include "vacuum_keys.h"

#include <math.h>
#include <stdlib.h>

#define INSIDE 0.9 /* of a threshold: an alert is over only well below it */

struct args {
    int64_t warning_age, critical_age, holder_seconds, most_tables;
    double observe_seconds, overdue_factor, rate_hours, warning_days, critical_days, key_warning, key_high,
        key_critical;
};

static const lb_param params[] = {
    LB_PARAM(struct args, warning_age, LB_I64, "500000000", "age in ids that makes a warning", .min = "1"),
    LB_PARAM(struct args, critical_age, LB_I64, "1000000000", "age in ids that is critical", .min = "1"),
    LB_PARAM(struct args, overdue_factor, LB_F64, "1.2",
             "times a table's own freeze_max_age that is a warning while no vacuum is on its way", .min = "1"),
    LB_PARAM(struct args, observe_seconds, LB_F64, "0",
             "seconds between two readings of the counters, for the rate; 0: from history", .min = "0", .max = "60"),
    LB_PARAM(struct args, rate_hours, LB_F64, "24", "hours of history that the rate is taken over", .min = "0"),
    LB_PARAM(struct args, warning_days, LB_F64, "30",
             "days until new ids are refused, or a key has no value left, that make a warning", .min = "0"),
    LB_PARAM(struct args, critical_days, LB_F64, "7", "days until then that are critical", .min = "0"),
    LB_PARAM(struct args, key_warning, LB_F64, "0.5", "used part of a key's range past which it is a finding",
             .min = "0.25", .max = "1"),
    LB_PARAM(struct args, key_high, LB_F64, "0.75", "used part of it past which that is an alert, too", .min = "0.25",
             .max = "1"),
    LB_PARAM(struct args, key_critical, LB_F64, "0.9", "used part of it past which that is critical", .min = "0.25",
             .max = "1"),
    LB_PARAM(struct args, holder_seconds, LB_I64, "60", "transactions younger than this are not told of as holders",
             .min = "0"),
    LB_PARAM(struct args, most_tables, LB_I64, "20", "most tables to report, the oldest first", .min = "1"),
    LB_PARAMS_END,
};

typedef struct look {
    vacuum_scan scan;
    vacuum_counters_row now;
    vacuum_counter xid, mxid;
    vacuum_age_limits limits;
    const vacuum_horizon_row *holder;
    struct json_object *alerts;      /* that are open: vacuum_alert.h */
    const char *rate_from, *no_rate; /* where the rate is from, or why there is none */
    int64_t looked_at;               /* relations, nearly all of them too young to be read */
    int64_t tables_past;             /* over a threshold, told of or not */
    vacuum_keys keys;
} look;

/* ---- databases ---- */

static int look_at_database(lb_ctx *ctx, look *l, const vacuum_databases_row *db, lb_error *err)
{
    const struct args *args = ctx->args;
    l->xid.worst = db->xid_age > l->xid.worst ? db->xid_age : l->xid.worst;
    l->mxid.worst = db->mxid_age > l->mxid.worst ? db->mxid_age : l->mxid.worst;
    int r =
        lb_append(ctx, "databases",
                  LB_ARGS(lb_text("database", db->name), lb_i64("xid_age", db->xid_age),
                          lb_i64("mxid_age", db->mxid_age), lb_bool("may_connect", db->may_connect),
                          lb_text("level", vacuum_age_level(&l->limits,
                                                            db->xid_age > db->mxid_age ? db->xid_age : db->mxid_age))),
                  err);
    if (r >= 0 && db->xid_age >= args->warning_age)
        r = vacuum_report_database(ctx, &l->limits, db, &l->xid, db->xid_age, l->holder, err);
    if (r >= 0 && db->mxid_age >= args->warning_age)
        r = vacuum_report_database(ctx, &l->limits, db, &l->mxid, db->mxid_age, l->holder, err);
    return r;
}

static int look_at_databases(lb_ctx *ctx, look *l, lb_error *err)
{
    vacuum_databases_row db;
    lb_rows *rows = NULL;
    int r = vacuum_databases(ctx, &rows, err);
    int64_t count = r < 0 ? 0 : lb_row_count(ctx, rows);
    while (r >= 0 && vacuum_databases_next(ctx, rows, &db))
        r = look_at_database(ctx, l, &db, err);
    return r < 0 ? lb_wrap(err, "databases") : lb_examined(ctx, "databases", count, err);
}

/* ---- tables ---- */

/* An age above freeze_max_age is normal for the moments before autovacuum comes; well above it, with nobody at work,
 * it is not. */
static bool is_past(const look *l, const struct args *args, const vacuum_relation *v, int64_t age, double own_limit)
{
    return age >= args->warning_age ||
           ((double)age > args->overdue_factor * own_limit && !vacuum_at_work(&l->scan, v->row.relation));
}

static int look_at_table(lb_ctx *ctx, look *l, const vacuum_relation *v, lb_error *err)
{
    const struct args *args = ctx->args;
    int r = 0;
    bool xid = is_past(l, args, v, v->row.xid_age, v->need.freeze_max_age);
    bool mxid = is_past(l, args, v, v->row.mxid_age, v->need.mxid_freeze_max_age);
    if (!xid && !mxid)
        return 0;
    if (v->row.persistence[0] == 't')
        return lb_skipped(ctx, v->label, "old, but only the session that made a temporary table can vacuum it", err);
    if (l->tables_past++ >= args->most_tables)
        return 0;
    if (xid)
        r = vacuum_report_table(ctx, &l->limits, &l->scan, v, &l->xid, l->holder, err);
    if (r >= 0 && mxid)
        r = vacuum_report_table(ctx, &l->limits, &l->scan, v, &l->mxid, l->holder, err);
    return r;
}

static int older_first(const void *a, const void *b)
{
    const vacuum_relations_row *x = &((const vacuum_relation *)a)->row, *y = &((const vacuum_relation *)b)->row;
    int64_t x_age = x->xid_age > x->mxid_age ? x->xid_age : x->mxid_age;
    int64_t y_age = y->xid_age > y->mxid_age ? y->xid_age : y->mxid_age;
    return (x_age < y_age) - (x_age > y_age);
}

static int look_at_tables(lb_ctx *ctx, look *l, lb_error *err)
{
    const struct args *args = ctx->args;
    int r = 0;
    qsort(l->scan.relations, l->scan.count, sizeof *l->scan.relations, older_first);
    for (size_t i = 0; r >= 0 && i < l->scan.count; i++)
        r = look_at_table(ctx, l, &l->scan.relations[i], err);
    if (r >= 0 && l->tables_past > args->most_tables)
        r = lb_skipped(ctx, amount_text(ctx, (double)(l->tables_past - args->most_tables), "more table", "more tables"),
                       "old as well; raise most_tables to see more", err);
    return r < 0 ? r : lb_examined(ctx, "relations", l->looked_at, err);
}

/* ---- the whole ---- */

/* The rate: since the first reading of the last hours that history has, or between two in this run. */
static int measure_rates(lb_ctx *ctx, look *l, lb_error *err)
{
    const struct args *args = ctx->args;
    vacuum_counters_row before;
    int r = vacuum_read_counters(ctx, &before, err);
    l->now = before;
    if (r < 0)
        return r;
    if (args->observe_seconds > 0) {
        vacuum_wait(ctx, args->observe_seconds);
        r = vacuum_read_counters(ctx, &l->now, err);
        l->rate_from = "two readings in this run";
    } else {
        r = vacuum_past_counters(ctx, l->now.read_at - (int64_t)(args->rate_hours * 3600e6), &before, &l->no_rate, err);
        l->rate_from = "history";
    }
    if (r < 0 || l->no_rate)
        return r;
    double minutes = (double)(l->now.read_at - before.read_at) / 60e6;
    l->xid.span = l->mxid.span =
        minutes < 90 ? amount_text(ctx, minutes, "minute", "minutes") : amount_text(ctx, minutes / 60, "hour", "hours");
    if (!l->xid.span)
        return lb_out_of_memory(err);
    l->xid.rate = vacuum_xid_rate(&before, &l->now);
    l->mxid.rate = vacuum_mxid_rate(&before, &l->now);
    if (l->xid.rate < 0)
        l->no_rate = "the readings are too near to each other, or of another cluster";
    return 0;
}

static int record(lb_ctx *ctx, const look *l, const char *metric, double value, const char *kind, lb_error *err)
{
    bool is_age = strcmp(kind, "gauge") == 0;
    return lb_record(
        ctx, "lakebase_metrics",
        LB_ARGS(lb_time("snapshot_timestamp", l->now.read_at), lb_text("metric_name", metric),
                lb_f64("metric_value", value), lb_text("unit", "ids"), lb_text("kind", kind),
                lb_text("threshold_level", is_age ? vacuum_age_level(&l->limits, (int64_t)value) : "normal")),
        err);
}

/* By the time that is left, but only once autovacuum is overdue: a busy and healthy server is always a few weeks away.
 */
static int level_by_days(const struct args *args, double days, bool is_overdue)
{
    return days < 0 || !is_overdue ? 0 : days < args->critical_days ? 2 : days < args->warning_days;
}

static int level_by_age(const look *l, const vacuum_counter *c)
{
    return c->worst >= l->limits.critical ? 2 : c->worst >= l->limits.warning;
}

static bool is_overdue(const struct args *args, const look *l, const vacuum_counter *c)
{
    double limit = c->is_mxid ? l->scan.server.mxid_freeze_max_age : l->scan.server.freeze_max_age;
    return (double)c->worst > args->overdue_factor * limit;
}

/* Told of where the age alone says less. A rate that nobody knows ends nothing. */
static int tell_days(lb_ctx *ctx, const look *l, const vacuum_counter *c, lb_error *err)
{
    const struct args *args = ctx->args;
    double days = vacuum_days_left(c->worst, c->rate);
    bool counts = is_overdue(args, l, c);
    int level = level_by_days(args, days, counts);
    const vacuum_alert alert = {
        .metric = c->days_metric,
        .unit = "days",
        .text = lb_printf(ctx,
                          "new %ss run out in %.1f days at the rate of the last %s, and autovacuum is overdue: the "
                          "oldest is %lld ids old",
                          c->name, days, c->span ? c->span : "", (long long)c->worst),
        .value = days < 0 ? NAN : days,
        .threshold = level > 1 ? args->critical_days : args->warning_days,
        .level = level > level_by_age(l, c) ? level : 0,
        .is_well_inside = !level && c->rate >= 0 && (!counts || days < 0 || days * INSIDE > args->warning_days),
    };
    return alert.text ? vacuum_say(ctx, l->alerts, &alert, err) : lb_out_of_memory(err);
}

static int tell(lb_ctx *ctx, const look *l, const vacuum_counter *c, int64_t next, lb_error *err)
{
    const struct args *args = ctx->args;
    int level = level_by_age(l, c), r = record(ctx, l, c->metric, (double)c->worst, "gauge", err);
    const vacuum_alert alert = {
        .metric = c->metric,
        .object =
            "the oldest database", /* evaluate_alert_thresholds has an alert of txid_age, too, with limits of its own */
        .unit = "ids",
        .value = (double)c->worst,
        .threshold = (double)(level > 1 ? args->critical_age : args->warning_age),
        .level = level,
        .is_well_inside = (double)c->worst < INSIDE * (double)args->warning_age,
    };
    if (r >= 0)
        r = record(ctx, l, c->next_metric, (double)next, "counter", err);
    if (r >= 0)
        r = vacuum_say(ctx, l->alerts, &alert, err);
    return r < 0 ? r : tell_days(ctx, l, c, err);
}

static int tell_keys(lb_ctx *ctx, const look *l, lb_error *err)
{
    const struct args *args = ctx->args;
    int level = l->keys.worst > args->key_critical ? 2 : l->keys.worst > args->key_high;
    const vacuum_alert alert = {
        .metric = "key_range_used",
        .database = l->scan.server.database,
        .object = "the key that is nearest to its end",
        .unit = "ratio",
        .action = "widen",
        .text =
            level ? lb_printf(ctx, "%s has used %.1f %% of its range", l->keys.worst_name, 100 * l->keys.worst) : "",
        .value = l->keys.worst,
        .threshold = level > 1 ? args->key_critical : args->key_high,
        .level = level,
        .is_well_inside = l->keys.worst < INSIDE * args->key_high,
    };
    return alert.text ? vacuum_say(ctx, l->alerts, &alert, err) : lb_out_of_memory(err);
}

/* Told of where the key's share says less. A rate that nobody knows ends nothing. */
static int tell_key_days(lb_ctx *ctx, const look *l, lb_error *err)
{
    const struct args *args = ctx->args;
    const vacuum_keys *k = &l->keys;
    int by_share = k->days_share > args->key_critical ? 2 : k->days_share > args->key_high;
    int level = !k->days_name ? 0 : k->days < args->critical_days ? 2 : k->days < args->warning_days;
    const vacuum_alert alert = {
        .metric = "key_days_left",
        .database = l->scan.server.database,
        .object = "the key that runs out first",
        .unit = "days",
        .action = "widen",
        .text = level ? lb_printf(ctx, "%s has no value left in %.1f days at its rate of late, at %.1f %% of its range",
                                  k->days_name, k->days, 100 * k->days_share)
                      : "",
        .value = k->days_name ? k->days : NAN,
        .threshold = level > 1 ? args->critical_days : args->warning_days,
        .level = level > by_share ? level : 0,
        .is_well_inside = !level && !k->has_unseen_rate && (!k->days_name || k->days * INSIDE > args->warning_days),
    };
    return alert.text ? vacuum_say(ctx, l->alerts, &alert, err) : lb_out_of_memory(err);
}

static int tell_all(lb_ctx *ctx, look *l, lb_error *err)
{
    int r = vacuum_recall_alerts(ctx, &l->alerts, err);
    if (r >= 0)
        r = tell(ctx, l, &l->xid, l->now.next_xid, err);
    if (r >= 0)
        r = tell(ctx, l, &l->mxid, l->now.next_mxid, err);
    if (r >= 0)
        r = tell_keys(ctx, l, err);
    if (r >= 0)
        r = tell_key_days(ctx, l, err);
    return r < 0 ? r : vacuum_remember_alerts(ctx, l->alerts, err);
}

static int level_of(const struct args *args, const look *l, const vacuum_counter *c)
{
    int by_age = level_by_age(l, c);
    int by_days = level_by_days(args, vacuum_days_left(c->worst, c->rate), is_overdue(args, l, c));
    return by_age > by_days ? by_age : by_days;
}

static int conclude(lb_ctx *ctx, const look *l, lb_error *err)
{
    static const char *const levels[] = {"safe", "warning", "critical"};
    int by_xid = level_of(ctx->args, l, &l->xid), by_mxid = level_of(ctx->args, l, &l->mxid);
    double xid_days = vacuum_days_left(l->xid.worst, l->xid.rate);
    double mxid_days = vacuum_days_left(l->mxid.worst, l->mxid.rate);
    return lb_result(
        ctx,
        LB_ARGS(lb_text("risk_level", levels[by_xid > by_mxid ? by_xid : by_mxid]), lb_i64("xid_age", l->xid.worst),
                lb_i64("mxid_age", l->mxid.worst), lb_i64("tables_past_a_threshold", l->tables_past),
                lb_i64("keys_past_a_threshold", l->keys.past),
                lb_text("rate", l->no_rate ? lb_printf(ctx, "unknown: %s", l->no_rate)
                                           : lb_printf(ctx, "from %s, over %s", l->rate_from, l->xid.span)),
                xid_days < 0 ? lb_null("days_to_refusal_of_xids") : lb_f64("days_to_refusal_of_xids", xid_days),
                mxid_days < 0 ? lb_null("days_to_refusal_of_mxids") : lb_f64("days_to_refusal_of_mxids", mxid_days),
                lb_text("multixact_members", "unknown: the server does not tell how much room they take"),
                vacuum_holder_value(ctx, "held_back_by", l->holder)),
        err);
}

static int check_args(const struct args *args, lb_error *err)
{
    if (args->critical_age < args->warning_age)
        return lb_fail(err, LB_ERR_INVALID, "raise critical_age",
                       "it would turn critical (%lld) before it warns (%lld)", (long long)args->critical_age,
                       (long long)args->warning_age);
    if (args->key_critical < args->key_high || args->key_high < args->key_warning)
        return lb_fail(err, LB_ERR_INVALID, "raise the later ones",
                       "key_warning (%g), key_high (%g) and key_critical (%g) come one after the other",
                       args->key_warning, args->key_high, args->key_critical);
    return 0;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    look l = {.xid = {"transaction id", "txid_age", "next_xid", "txid_days_left", 0, -1, NULL, false},
              .mxid = {"multixact id", "mxid_age", "next_mxid", "mxid_days_left", 0, -1, NULL, true},
              .limits = {args->warning_age, args->critical_age}};
    int r = check_args(args, err);
    if (r >= 0)
        r = measure_rates(ctx, &l, err);
    if (r >= 0)
        r = vacuum_scan_read_old(ctx, args->warning_age, args->overdue_factor, &l.scan, &l.looked_at, err);
    if (r < 0)
        return r;
    l.holder = vacuum_holder(&l.scan, (double)args->holder_seconds, true);
    const vacuum_keys_limits keys = {.warning = args->key_warning,
                                     .high = args->key_high,
                                     .critical = args->key_critical,
                                     .warning_days = args->warning_days,
                                     .critical_days = args->critical_days,
                                     .rate_hours = args->rate_hours};
    r = look_at_databases(ctx, &l, err);
    if (r >= 0)
        r = look_at_tables(ctx, &l, err);
    if (r >= 0)
        r = vacuum_keys_look(ctx, l.scan.server.database, &keys, &l.keys, err);
    if (r >= 0)
        r = lb_skipped(ctx, "tables of other databases", "a run sees those of its own; their databases' ages are here",
                       err);
    if (r >= 0)
        r = tell_all(ctx, &l, err);
    return r < 0 ? r : conclude(ctx, &l, err);
}

LB_TOOL(check_txid_wraparound_risk,
        "how near databases and tables are to running out of transaction ids, and keys of values",
        .agent = "performance", .risk = LB_RISK_LOW, .schedule = "*/5 * * * *", .detector = true, .timeout_s = 120,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("lakebase_metrics"),
        .emits = LB_NAMES("threshold.breached", "threshold.cleared"), .remembers = true, .run = run);
