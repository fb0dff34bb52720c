/* forecast_capacity_needs: what a branch will need, and when that meets a limit, from what history has of it. The
 * server is not asked anything, so a compute that sleeps goes on sleeping. */
#include "amount.h"
#include "endpoint_list.h"
#include "forecast_series.h"
#include "vacuum_clock.h"

#include <json-c/json.h>
#include <math.h>

#define DAY_US   INT64_C(86400000000)
#define ROWS     5
#define GOOD     0.9 /* of the seasonal naive error: below it the method has shown that it knows something */
#define XIDS_OLD 5e8 /* an age that freezing should never let come about */

struct args {
    int64_t days_ahead, history_days, warning_days, storage_limit_bytes;
    double busy_sessions_limit, busy_sessions_per_cu;
};

static const lb_param params[] = {
    LB_PARAM(struct args, days_ahead, LB_I64, "30", "how far to look, as far as the days known can test it", .min = "1",
             .max = "180"),
    LB_PARAM(struct args, history_days, LB_I64, "90", "days of history to learn from", .min = "28", .max = "400"),
    LB_PARAM(struct args, warning_days, LB_I64, "30", "a limit that is nearer than this is a finding", .min = "1",
             .max = "365"),
    LB_PARAM(struct args, storage_limit_bytes, LB_I64, "8796093022208", "what a branch may hold; 0: no limit",
             .min = "0"),
    LB_PARAM(struct args, busy_sessions_limit, LB_F64, "0",
             "sessions that the compute serves well at once, as you measured it; 0: by its largest size", .min = "0"),
    LB_PARAM(struct args, busy_sessions_per_cu, LB_F64, "1",
             "sessions at once that each capacity unit of that size is taken to serve; 0: nobody knows", .min = "0"),
    LB_PARAMS_END,
};

/* How far the branch's compute can grow. */
typedef struct compute {
    double most_cu;  /* 0: nobody says */
    const char *why; /* nobody says */
} compute;

/* A series with its forecast and what it runs against. */
typedef struct outlook {
    forecast_what what;
    const forecast_series *series;
    forecast f;
    double now, limit;      /* limit NAN: none is known */
    const char *limit_from; /* what it was taken from, where nobody has said or read it; or NULL */
    size_t expected, earliest,
        latest;   /* days until it: by the middle and by both ends of the interval; 0: not in sight */
    bool is_past; /* it is there by now */
    const char *advice;
} outlook;

/* Control planes answer for computes that sleep, too, and wake none. */
static int read_compute(lb_ctx *ctx, compute *ret, lb_error *err)
{
    const char *json = NULL;
    *ret = (compute){.why = "nobody says what it is"};
    int r = endpoint_list_read(ctx, &json, err);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY)
        return r;
    if (r < 0 && r != LB_ERR_UNSUPPORTED && r != LB_ERR_NOT_FOUND)
        ret->why = lb_printf(ctx, "how far the compute can grow is not known: %s", err->message);
    struct json_object *reply = r >= 0 ? json_tokener_parse(json) : NULL;
    ret->most_cu = json_object_get_double(endpoint_status(endpoint_that_writes(reply), "autoscaling_limit_max_cu"));
    (void)json_object_put(reply);
    return ret->why ? 0 : lb_out_of_memory(err);
}

/* A session that executes keeps about one processor busy, where it does not wait: beyond as many the compute, which can
 * grow no further, makes them wait for each other. */
static double limit_of_compute(lb_ctx *ctx, const compute *size, outlook *o)
{
    const struct args *args = ctx->args;
    if (args->busy_sessions_limit > 0)
        return args->busy_sessions_limit;
    if (size->most_cu <= 0 || args->busy_sessions_per_cu <= 0)
        return NAN;
    o->limit_from = lb_printf(ctx, "the compute's largest size, %g CU, at %g sessions each", size->most_cu,
                              args->busy_sessions_per_cu);
    return size->most_cu * args->busy_sessions_per_cu;
}

static double limit_of(lb_ctx *ctx, const forecast_past *past, const compute *size, outlook *o)
{
    const struct args *args = ctx->args;
    switch (o->what) {
    case FORECAST_STORAGE:
        return args->storage_limit_bytes ? (double)args->storage_limit_bytes : NAN;
    case FORECAST_BUSY_SESSIONS:
        return limit_of_compute(ctx, size, o);
    case FORECAST_CONNECTIONS:
        return past->connections_limit;
    default: /* if nothing were frozen from now on */
        return o->now + (double)(VACUUM_SPACE - VACUUM_REFUSAL) - past->txid_age;
    }
}

static bool is_near(const struct args *args, const outlook *o)
{
    return o->is_past || (o->expected && o->expected <= (size_t)args->warning_days);
}

/* A healthy server is always some weeks away from running out of ids, as it freezes them in time. */
static bool counts(const outlook *o, const forecast_past *past)
{
    return o->what != FORECAST_TRANSACTION_IDS || past->txid_age >= XIDS_OLD;
}

static const char *advice(const outlook *o)
{
    static const char *const texts[FORECAST_SERIES] = {
        [FORECAST_STORAGE] = "archive cold rows, drop what is unused, or move data to another branch",
        [FORECAST_BUSY_SESSIONS] = "raise the endpoint's autoscaling maximum, or find the statements that grow",
        [FORECAST_CONNECTIONS] = "put a pooler before it, or raise the compute's size, which max_connections follows",
        [FORECAST_TRANSACTION_IDS] = "find what keeps old rows from being frozen: check_txid_wraparound_risk names it",
    };
    return texts[o->what];
}

static void look_ahead(lb_ctx *ctx, const forecast_past *past, const compute *size, outlook *o)
{
    o->now = o->series->values[o->series->count - 1];
    o->limit = limit_of(ctx, past, size, o);
    if (isnan(o->limit))
        return;
    o->is_past = o->now >= o->limit;
    o->expected = forecast_reaches(&o->f, o->limit, 0);
    o->earliest = forecast_reaches(&o->f, o->limit, 1);
    o->latest = forecast_reaches(&o->f, o->limit, -1);
    if (is_near(ctx->args, o) && counts(o, past))
        o->advice = advice(o);
}

/* None of these can be below zero, and a counter not below where it stands. */
static double not_below(const outlook *o, double value)
{
    return fmax(value, o->what == FORECAST_TRANSACTION_IDS ? o->now : 0);
}

static lb_value days_value(const outlook *o, const char *name, size_t days)
{
    if (o->is_past)
        return lb_i64(name, 0);
    return days ? lb_i64(name, (int64_t)days) : lb_null(name);
}

static lb_value figure(const char *name, double value)
{
    return isnan(value) ? lb_null(name) : lb_f64(name, value);
}

/* ---- what is kept and told ---- */

static int record(lb_ctx *ctx, const outlook *o, const char *id, size_t days, lb_error *err)
{
    const forecast *f = &o->f;
    double value = f->value[days - 1], half50 = f->half50[days - 1], half90 = f->half90[days - 1];
    int64_t last_day = (o->series->first_day + (int64_t)o->series->count - 1) * DAY_US;
    const lb_value *detail =
        LB_ARGS(lb_f64("lower_50", not_below(o, value - half50)), lb_f64("upper_50", value + half50),
                lb_f64("mean_error", f->error), lb_f64("seasonal_naive_error", f->naive_error), lb_f64("bias", f->bias),
                lb_i64("tested_days_ahead", (int64_t)f->tested), lb_i64("tested_from_days", (int64_t)f->origins),
                lb_i64("days_filled_in", (int64_t)o->series->missing), lb_text("measure", o->series->measure));
    return lb_record(
        ctx, "capacity_forecasts",
        LB_ARGS(lb_text("forecast_id", id), lb_time("created_at", lb_now(ctx)), lb_text("metric_name", o->series->name),
                lb_text("method", forecast_name(f->method)), lb_f64("current_value", o->now),
                lb_time("forecast_for", last_day + (int64_t)days * DAY_US), lb_i64("horizon_days", (int64_t)days),
                lb_f64("forecast_value", not_below(o, value)), lb_f64("lower_bound", not_below(o, value - half90)),
                lb_f64("upper_bound", value + half90), lb_f64("interval_level", 0.9),
                lb_f64("growth_per_day", f->growth), figure("limit_value", o->limit),
                o->is_past    ? lb_time("limit_reached_at", last_day)
                : o->expected ? lb_time("limit_reached_at", last_day + (int64_t)o->expected * DAY_US)
                              : lb_null("limit_reached_at"),
                lb_i64("samples", (int64_t)o->series->count), lb_f64("fit", f->fit),
                lb_text("recommendation", o->advice), lb_object("detail", detail)),
        err);
}

static int record_all(lb_ctx *ctx, const outlook *o, lb_error *err)
{
    static const size_t horizons[ROWS] = {1, 7, 14, 30, 60};
    const lb_target *target = lb_run_target(ctx);
    const char *id = lb_printf(ctx, "%s/%s/%s/%lld", target->project, target->branch, o->series->name,
                               (long long)(lb_now(ctx) / 1000000));
    int r = id ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < ROWS && horizons[i] < o->f.tested; i++)
        r = record(ctx, o, id, horizons[i], err);
    return r < 0 ? r : record(ctx, o, id, o->f.tested, err);
}

static int tell(lb_ctx *ctx, const outlook *o, lb_error *err)
{
    const forecast *f = &o->f;
    size_t end = f->tested - 1;
    return lb_append(
        ctx, "forecasts",
        LB_ARGS(lb_text("metric", o->series->name), lb_text("unit", o->series->unit),
                lb_text("measure", o->series->measure), lb_i64("days_known", (int64_t)o->series->count),
                lb_i64("days_filled_in", (int64_t)o->series->missing), lb_text("method", forecast_name(f->method)),
                lb_f64("mean_error", f->error), lb_f64("seasonal_naive_error", f->naive_error),
                f->naive_error > 0 ? lb_f64("error_ratio", f->error / f->naive_error) : lb_null("error_ratio"),
                lb_i64("days_ahead", (int64_t)f->tested), lb_f64("current", o->now),
                lb_f64("forecast", not_below(o, f->value[end])),
                lb_f64("lower_50", not_below(o, f->value[end] - f->half50[end])),
                lb_f64("upper_50", f->value[end] + f->half50[end]),
                lb_f64("lower_90", not_below(o, f->value[end] - f->half90[end])),
                lb_f64("upper_90", f->value[end] + f->half90[end]), lb_f64("growth_per_day", f->growth),
                figure("limit", o->limit), lb_text("limit_from", o->limit_from),
                days_value(o, "days_until_limit", o->expected), days_value(o, "days_until_limit_earliest", o->earliest),
                days_value(o, "days_until_limit_latest", o->latest),
                o->is_past    ? lb_bool("limit_is_beyond_the_test", false)
                : o->expected ? lb_bool("limit_is_beyond_the_test", o->expected > f->tested)
                              : lb_null("limit_is_beyond_the_test"),
                lb_i64("earlier_forecasts", (int64_t)o->series->earlier),
                lb_i64("earlier_forecasts_held", (int64_t)o->series->earlier_held),
                o->series->earlier ? lb_f64("earlier_mean_error", o->series->earlier_error)
                                   : lb_null("earlier_mean_error"),
                lb_text("recommendation", o->advice)),
        err);
}

static const char *warning(lb_ctx *ctx, const outlook *o)
{
    const char *from = o->limit_from ? lb_printf(ctx, ", which is %s", o->limit_from) : "";
    if (o->is_past)
        return lb_printf(ctx, "%s is past its limit: %.6g of %.6g %s%s: %s", o->series->name, o->now, o->limit,
                         o->series->unit, from, o->advice);
    return lb_printf(ctx, "%s will reach %.6g %s%s in %s: %s", o->series->name, o->limit, o->series->unit, from,
                     amount_text(ctx, (double)o->expected, "day", "days"), o->advice);
}

/* What is past its limit is no forecast. */
static int warn(lb_ctx *ctx, const struct args *args, const outlook *o, const char *branch, lb_error *err)
{
    bool is_sure = o->is_past || (o->latest && o->latest <= (size_t)args->warning_days);
    bool is_tested = o->is_past || o->expected <= o->f.tested;
    bool beats = o->is_past || o->f.error < GOOD * o->f.naive_error;
    return lb_report(
        ctx,
        LB_FINDING(.object = branch, .kind = lb_printf(ctx, "%s_limit_ahead", o->series->name),
                   .reason = warning(ctx, o),
                   .evidence =
                       LB_ARGS(lb_f64("current", o->now), lb_f64("limit", o->limit),
                               lb_text("limit_from", o->limit_from), lb_f64("growth_per_day", o->f.growth),
                               days_value(o, "days_until_limit", o->expected), days_value(o, "earliest", o->earliest),
                               days_value(o, "latest", o->latest), lb_text("method", forecast_name(o->f.method)),
                               lb_f64("mean_error", o->f.error), lb_f64("seasonal_naive_error", o->f.naive_error),
                               lb_i64("days_known", (int64_t)o->series->count)),
                   .terms = LB_TERMS({"beats_the_naive_forecast", beats ? 0.3 : 0.1},
                                     {"within_the_days_tested", is_tested ? 0.3 : 0.0},
                                     {"lower_end_of_the_interval_too", is_sure ? 0.4 : 0.1},
                                     {"limit_is_by_size_alone", o->limit_from ? -0.2 : 0.0}),
                   .impact = LB_ARGS(days_value(o, "days_left", o->expected))),
        err);
}

static int forecast_one(lb_ctx *ctx, const forecast_past *past, const compute *size, forecast_what what,
                        int64_t *ret_known, lb_error *err)
{
    const struct args *args = ctx->args;
    const forecast_series *series = &past->series[what];
    outlook *o = lb_alloc(ctx, sizeof *o);
    if (!o)
        return lb_out_of_memory(err);
    *o = (outlook){.what = what, .series = series};
    const char *why = series->refused;
    if (!why)
        why = forecast_make(series->values, series->count, (size_t)args->days_ahead, &o->f);
    if (why)
        return lb_skipped(ctx, series->name, why, err);
    look_ahead(ctx, past, size, o);
    (*ret_known)++;
    int r = record_all(ctx, o, err);
    if (r >= 0)
        r = tell(ctx, o, err);
    if (r >= 0 && o->advice)
        r = warn(ctx, args, o, lb_run_target(ctx)->branch, err);
    if (r >= 0 && (int64_t)o->f.tested < args->days_ahead)
        r = lb_skipped(ctx, series->name,
                       lb_printf(ctx, "from day %zu on: %zu known days cannot test a forecast that far",
                                 o->f.tested + 1, series->count),
                       err);
    if (r >= 0 && isnan(o->limit))
        r = lb_skipped(ctx, lb_printf(ctx, "limit of %s", series->name),
                       what == FORECAST_BUSY_SESSIONS ? size->why : "nobody says what it is", err);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    forecast_past *past = lb_alloc(ctx, sizeof *past);
    compute size;
    int64_t known = 0;
    if (!past)
        return lb_out_of_memory(err);
    int r = forecast_read(ctx, args->history_days, past, err);
    if (r >= 0)
        r = read_compute(ctx, &size, err);
    for (forecast_what what = 0; r >= 0 && what < FORECAST_SERIES; what++)
        r = forecast_one(ctx, past, &size, what, &known, err);
    return r < 0 ? r : lb_examined(ctx, "series", known, err);
}

LB_TOOL(forecast_capacity_needs,
        "storage, busy sessions, connections and transaction ids to come, and when limits are met",
        .agent = "performance", .risk = LB_RISK_LOW, .schedule = "0 4 * * 0", .detector = true, .timeout_s = 120,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("capacity_forecasts"), .run = run);
