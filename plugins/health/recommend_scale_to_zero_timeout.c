/* recommend_scale_to_zero_timeout: when a branch's compute had better sleep, from how long it was really left alone.
 * What there is to know lies in history and in the control plane, so nobody is woken for it. */
#include "idle_endpoint.h"
#include "idle_evidence.h"

#include <math.h>

#define DAY_S   86400.0
#define MONTH   720.0 /* hours */
#define CHOICES 11
#define MANY    50 /* gaps from which on there is little doubt about their lengths */

struct args {
    int64_t days, min_gaps, most_silence_minutes;
    double min_days, quiet_calls, price_per_dbu, dbu_per_cu_hour, cold_start_worth_s, most_cold_starts_a_day, wake_s,
        most_p95_wake_s, least_gain;
    bool production, apply;
};

static const lb_param params[] = {
    LB_PARAM(struct args, days, LB_I64, "7", "days to look back; older statements are known by the hour only",
             .min = "1", .max = "7"),
    LB_PARAM(struct args, min_days, LB_F64, "2", "days that must have been observed", .min = "0"),
    LB_PARAM(struct args, min_gaps, LB_I64, "10", "idle gaps that must have been seen", .min = "1"),
    LB_PARAM(struct args, most_silence_minutes, LB_I64, "20", "a time without readings that is longer counts as unseen",
             .min = "1"),
    LB_PARAM(struct args, quiet_calls, LB_F64, "0",
             "executions between two readings that are nobody's work, where our role is not ours alone", .min = "0"),
    LB_PARAM(struct args, price_per_dbu, LB_F64, "0", "0: the list price in the last billing data", .min = "0"),
    LB_PARAM(struct args, dbu_per_cu_hour, LB_F64, "1", "DBU that a compute unit uses in an hour", .min = "0"),
    LB_PARAM(struct args, cold_start_worth_s, LB_F64, "300",
             "seconds awake that one would rather pay for than have somebody wait for a start", .min = "0"),
    LB_PARAM(struct args, most_cold_starts_a_day, LB_F64, "24", "more of them are not proposed", .min = "0"),
    LB_PARAM(struct args, wake_s, LB_F64, "1", "seconds that a start takes there until somebody is answered",
             .min = "0"),
    LB_PARAM(struct args, most_p95_wake_s, LB_F64, "2",
             "of the times that work begins anew, 95 of 100 may wait so long for a start: no timeout with longer waits "
             "is proposed",
             .min = "0"),
    LB_PARAM(struct args, least_gain, LB_F64, "0.05",
             "a change that gains less, as a share of the time awake, is not proposed", .min = "0", .max = "1"),
    LB_PARAM(struct args, production, LB_BOOL, "false", "propose a timeout for a production branch as well"),
    LB_PARAM(struct args, apply, LB_BOOL, "false", "also set it, as far as the gate lets us"),
    LB_PARAMS_END,
};

static const double timeouts[CHOICES] = {60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400, INFINITY};

typedef struct look {
    const idle_endpoint *endpoint;
    idle_evidence seen;
    idle_choice choices[CHOICES + 1];
    size_t count, current, best; /* current: count where it is not known */
} look;

static void weigh(const struct args *args, look *l)
{
    double now = l->endpoint->timeout;
    size_t at = CHOICES;
    for (size_t i = 0; i < CHOICES; i++)
        idle_choice_of(&l->seen.gaps, timeouts[i], args->wake_s, &l->choices[i]);
    l->count = CHOICES;
    for (size_t i = 0; i < CHOICES; i++)
        at = timeouts[i] == now ? i : at;
    if (at == CHOICES && now > 0)
        idle_choice_of(&l->seen.gaps, now, args->wake_s, &l->choices[l->count++]);
    l->current = now > 0 ? at : l->count;
    const idle_bounds bounds = {l->seen.gaps.spacing, args->most_cold_starts_a_day, args->most_p95_wake_s};
    l->best = idle_choose(&l->seen.gaps, l->choices, l->count, &bounds, args->cold_start_worth_s);
}

static double hours_a_month(const look *l, const idle_choice *c)
{
    return c->awake / l->seen.gaps.observed * MONTH;
}

static double dbu_a_month(lb_ctx *ctx, const look *l, const idle_choice *c)
{
    const struct args *args = ctx->args;
    return hours_a_month(l, c) * l->endpoint->min_cu * args->dbu_per_cu_hour;
}

static lb_value money(const look *l, const char *name, double dbu)
{
    return l->seen.price_per_dbu > 0 && l->endpoint->min_cu > 0 ? lb_f64(name, dbu * l->seen.price_per_dbu)
                                                                : lb_null(name);
}

static double starts_a_day(const look *l, const idle_choice *c)
{
    return (double)c->cold_starts / (l->seen.gaps.observed / DAY_S);
}

static int tell_choices(lb_ctx *ctx, const look *l, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < l->count; i++) {
        const idle_choice *c = &l->choices[i];
        double dbu = dbu_a_month(ctx, l, c);
        r = lb_append(ctx, "choices",
                      LB_ARGS(lb_text("timeout", idle_timeout_text(ctx, c->timeout)),
                              isinf(c->timeout) ? lb_null("timeout_s") : lb_f64("timeout_s", c->timeout),
                              lb_f64("awake_share", c->awake / l->seen.gaps.observed),
                              lb_f64("awake_hours_a_month", hours_a_month(l, c)),
                              lb_i64("cold_starts", (int64_t)c->cold_starts),
                              lb_f64("cold_starts_a_day", starts_a_day(l, c)), lb_f64("p95_wake_s", c->p95_wake),
                              l->endpoint->min_cu > 0 ? lb_f64("dbu_a_month", dbu) : lb_null("dbu_a_month"),
                              money(l, "cost_a_month", dbu), lb_bool("is_current", i == l->current),
                              lb_bool("is_recommended", i == l->best),
                              lb_bool("finer_than_the_readings", c->timeout < l->seen.gaps.spacing)),
                      err);
    }
    return r;
}

static const char *compare(lb_ctx *ctx, const look *l)
{
    const idle_choice *b = &l->choices[l->best];
    const char *new = idle_timeout_text(ctx, b->timeout);
    if (l->best == l->current)
        return lb_printf(ctx, "%s is the best of the choices already", new);
    const char *what =
        lb_printf(ctx, "of %zu idle gaps %zu are longer than %s, so it would be awake for %.0f %% of the time",
                  l->seen.gaps.count, b->cold_starts, new, 100 * b->awake / l->seen.gaps.observed);
    if (l->current == l->count)
        return what;
    const idle_choice *c = &l->choices[l->current];
    return lb_printf(
        ctx,
        "%s instead of %.0f %%, with %.3g cold starts a day instead of %.3g; of 100 times that work begins "
        "anew 95 wait no longer than %.3g s for one",
        what, 100 * c->awake / l->seen.gaps.observed, starts_a_day(l, b), starts_a_day(l, c), b->p95_wake);
}

/* In the arithmetic of the choice: what a change gains, as a share of what it is awake for now. */
static double gain(const struct args *args, const look *l)
{
    if (l->current == l->count)
        return INFINITY;
    const idle_choice *c = &l->choices[l->current], *b = &l->choices[l->best];
    double starts = (double)c->cold_starts - (double)b->cold_starts;
    return (c->awake - b->awake + starts * args->cold_start_worth_s) / fmax(c->awake, 1);
}

/* What looks at an awake compute is work to the platform, and begins the timeout anew. */
static const char *observer(lb_ctx *ctx, const look *l, const idle_choice *c)
{
    return isinf(c->timeout)
               ? NULL
               : lb_printf(ctx,
                           "our own readings come every %s: while it is awake they keep it so, unless they "
                           "come less often than the timeout",
                           idle_timeout_text(ctx, l->seen.gaps.spacing));
}

static int tell_all(lb_ctx *ctx, const look *l, const char *reason, lb_error *err)
{
    const idle_choice *b = &l->choices[l->best], *c = l->current < l->count ? &l->choices[l->current] : NULL;
    double saved = c ? dbu_a_month(ctx, l, c) - dbu_a_month(ctx, l, b) : 0;
    const idle_gaps *g = &l->seen.gaps;
    int r = tell_choices(ctx, l, err);
    return r < 0 ? r
                 : lb_result(
                       ctx,
                       LB_ARGS(lb_text("current_timeout", c ? idle_timeout_text(ctx, c->timeout) : NULL),
                               lb_text("recommended_timeout", idle_timeout_text(ctx, b->timeout)),
                               lb_text("reason", reason), lb_text("note", observer(ctx, l, b)),
                               c ? money(l, "estimated_savings_a_month", saved) : lb_null("estimated_savings_a_month"),
                               lb_text("currency", l->seen.currency), lb_text("price_from", l->seen.price_from),
                               lb_i64("idle_gaps", (int64_t)g->count),
                               lb_f64("median_gap_s", g->count ? g->seconds[g->count / 2] : 0),
                               lb_f64("longest_gap_s", g->count ? g->seconds[g->count - 1] : 0),
                               lb_f64("days_observed", g->observed / DAY_S), lb_f64("hours_unseen", g->unseen / 3600),
                               lb_i64("wakes_seen", (int64_t)g->wakes), lb_f64("readings_every_s", g->spacing),
                               lb_bool("sees_statements", l->seen.sees_statements)),
                       err);
}

static int report(lb_ctx *ctx, const look *l, const char *reason, lb_error *err)
{
    const idle_gaps *g = &l->seen.gaps;
    const idle_choice *b = &l->choices[l->best], *c = l->current < l->count ? &l->choices[l->current] : NULL;
    return lb_report(
        ctx,
        LB_FINDING(.object = l->endpoint->name, .kind = "suspend_timeout", .reason = reason,
                   .evidence =
                       LB_ARGS(lb_text("recommended", idle_timeout_text(ctx, b->timeout)),
                               lb_text("current", c ? idle_timeout_text(ctx, c->timeout) : NULL),
                               lb_i64("idle_gaps", (int64_t)g->count), lb_i64("cold_starts", (int64_t)b->cold_starts),
                               lb_f64("p95_wake_s", b->p95_wake), lb_f64("days_observed", g->observed / DAY_S),
                               lb_f64("readings_every_s", g->spacing)),
                   .terms = LB_TERMS({"gaps_seen", 0.4 * fmin(1, (double)g->count / MANY)},
                                     {"a_week_observed", 0.3 * fmin(1, g->observed / DAY_S / 7)},
                                     {"statements_and_not_samples", l->seen.sees_statements ? 0.3 : 0.1})),
        err);
}

/* Why nothing can be proposed; NULL where something can. */
static const char *refusal(lb_ctx *ctx, const look *l)
{
    const struct args *args = ctx->args;
    const idle_gaps *g = &l->seen.gaps;
    if (!l->seen.sights)
        return "history has no readings of what is done there: persist_pg_stat_statements leaves them";
    if (g->observed < args->min_days * DAY_S)
        return lb_printf(ctx, "it was observed for %.1f days; %g are needed", g->observed / DAY_S, args->min_days);
    if (g->count < (size_t)args->min_gaps)
        return lb_printf(ctx, "%zu idle gaps were seen in %.1f days; %lld are needed%s", g->count, g->observed / DAY_S,
                         (long long)args->min_gaps,
                         g->active > 0.9 * g->observed ? " (if our own statements keep it busy, see quiet_calls)" : "");
    return NULL;
}

static int propose(lb_ctx *ctx, look *l, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_outcome outcome;
    weigh(args, l);
    if (l->best == l->count)
        return lb_skipped(ctx, l->endpoint->name, "no choice stays within most_cold_starts_a_day and most_p95_wake_s",
                          err);
    const char *reason = compare(ctx, l);
    int r = tell_all(ctx, l, reason, err);
    if (r < 0 || l->best == l->current || gain(args, l) < args->least_gain)
        return r;
    if (lb_run_target(ctx)->branch_class == LB_BRANCH_PRODUCTION && !args->production)
        return lb_skipped(ctx, l->endpoint->name,
                          "a production branch: the choices are told, production=true also proposes one", err);
    r = report(ctx, l, reason, err);
    if (r < 0 || !args->apply)
        return r;
    const lb_value *evidence = LB_ARGS(lb_i64("idle_gaps", (int64_t)l->seen.gaps.count),
                                       lb_i64("cold_starts", (int64_t)l->choices[l->best].cold_starts));
    return idle_endpoint_set(ctx, l->endpoint, l->choices[l->best].timeout, reason, evidence, &outcome, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const idle_wish wish = {args->days, args->most_silence_minutes, args->quiet_calls, args->price_per_dbu};
    const char *why = NULL;
    look l = {.endpoint = NULL};
    int r = idle_endpoint_read(ctx, &l.endpoint, err);
    if (r >= 0 && l.endpoint)
        r = idle_evidence_read(ctx, &wish, &l.seen, &why, err);
    if (r < 0)
        return r;
    why = !l.endpoint ? "the control plane knows no compute of it" : why ? why : refusal(ctx, &l);
    r = why ? lb_skipped(ctx, lb_run_target(ctx)->branch, why, err) : propose(ctx, &l, err);
    return r < 0 ? r : lb_examined(ctx, "sights", l.seen.sights, err);
}

LB_TOOL(recommend_scale_to_zero_timeout, "when a compute had better sleep: money and cold starts for each timeout",
        .agent = "health", .risk = LB_RISK_LOW, .schedule = "0 4 * * 0", .detector = true, .timeout_s = 120,
        LB_TOOL_ARGS(struct args, params), .run = run);
