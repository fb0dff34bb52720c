#include "dba_cost.h"

#include <sql/cost/by_day.h>

#include <math.h>
#include <string.h>
#include <time.h>

#define DAY_US     INT64_C(86400000000)
#define KINDS_MOST 16
#define KINDS_TOLD 4
#define ODD_TOLD   3
#define ODD        3.0 /* deviations from what is usual on that weekday */

/* Of one kind of usage in one currency: the days that are asked about, and as many before them. */
typedef struct kind_cost {
    const char *kind, *unit, *currency;
    double cost[2], quantity[2]; /* [1]: before */
} kind_cost;

typedef struct account {
    lb_ctx *ctx;
    const char *name, *when; /* "branch shop/main", "from 2026-11-20 to 2026-11-26" */
    int64_t since, until;
    kind_cost kinds[KINDS_MOST];
    size_t count;
    int64_t days[2], unpriced, read_at, last_day[2];
    cost_by_day_row odd[ODD_TOLD];
    size_t odd_count;
} account;

/* ---- reading ---- */

static kind_cost *kind_of(account *a, const cost_by_day_row *row)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->kinds[i].kind, row->kind) == 0 && strcmp(a->kinds[i].unit, row->unit) == 0 &&
            strcmp(a->kinds[i].currency, row->currency) == 0)
            return &a->kinds[i];
    if (a->count == KINDS_MOST)
        return NULL; /* there are a handful */
    a->kinds[a->count] = (kind_cost){.kind = row->kind, .unit = row->unit, .currency = row->currency};
    return &a->kinds[a->count++];
}

static void take(account *a, const cost_by_day_row *row)
{
    kind_cost *k = kind_of(a, row);
    bool before = row->day < a->since;
    if (!k)
        return;
    k->cost[before] += row->cost;
    k->quantity[before] += row->quantity;
    a->days[before] += row->day != a->last_day[before];
    a->last_day[before] = row->day;
    a->read_at = row->read_at > a->read_at ? row->read_at : a->read_at;
    if (before)
        return;
    a->unpriced += row->unpriced;
    bool is_new = !a->odd_count || a->odd[a->odd_count - 1].day != row->day; /* the score is of the whole day */
    if (!row->score_is_null && row->score >= ODD && is_new && a->odd_count < ODD_TOLD)
        a->odd[a->odd_count++] = *row;
}

static const char *date(lb_ctx *ctx, int64_t at)
{
    const time_t seconds = (time_t)(at / 1000000);
    struct tm parts;
    char text[16];
    if (!gmtime_r(&seconds, &parts) || !strftime(text, sizeof text, "%Y-%m-%d", &parts))
        return "?"; /* of no year that a bill has */
    return lb_printf(ctx, "%s", text);
}

static int read_bill(account *a, const dba_span *span, const char **ret_why, lb_error *err)
{
    lb_ctx *ctx = a->ctx;
    const lb_target *target = lb_run_target(ctx);
    const cost_by_day_args wanted = {.project = target->project,
                                     .branch = target->branch,
                                     .whole_project = span->whole_project,
                                     .since = 2 * a->since - a->until,
                                     .until = a->until};
    cost_by_day_row row;
    lb_rows *rows = NULL;
    int r = lb_history_or_skip(ctx, cost_by_day(ctx, &wanted, &rows, err), NULL, ret_why, err);
    while (r > 0 && cost_by_day_next(ctx, rows, &row))
        take(a, &row);
    return r < 0 ? r : 0;
}

/* ---- telling ---- */

static int say(dba_evidence *e, const char *text, double weight, const lb_value *facts, lb_error *err)
{
    lb_value *kept = lb_alloc(e->ctx, 8 * sizeof *kept);
    for (size_t i = 0; kept && i < 7 && facts[i].type != LB_END; i++)
        kept[i] = facts[i];
    return kept ? dba_add(e, text, weight, kept, &(dba_exhibit){.tool = DBA_BILL, .confidence = -1}, err)
                : lb_out_of_memory(err);
}

static double sum_of(const account *a, const char *currency, bool before)
{
    double sum = 0;
    for (size_t i = 0; i < a->count; i++)
        sum += strcmp(a->kinds[i].currency, currency) == 0 ? a->kinds[i].cost[before] : 0;
    return sum;
}

static const char *moved(lb_ctx *ctx, double now, double before)
{
    double by = now - before;
    if (fabs(by) < 0.005)
        return "as much as";
    return before > 0
               ? lb_printf(ctx, "%.2f %s (%.1f %%) than", fabs(by), by > 0 ? "more" : "less", 100 * fabs(by) / before)
               : lb_printf(ctx, "%.2f more than", by);
}

static int tell_total(dba_evidence *e, const account *a, const char *currency, double weight, lb_error *err)
{
    double now = sum_of(a, currency, false), before = sum_of(a, currency, true);
    int r =
        say(e,
            lb_printf(e->ctx, "%s cost %.2f %s at list price %s, by the bill of %lld %s", a->name, now, currency,
                      a->when, (long long)a->days[0], a->days[0] == 1 ? "day" : "days"),
            weight,
            LB_ARGS(lb_f64("cost", now), lb_text("currency", currency), lb_time("since", a->since),
                    lb_time("until", a->until), lb_i64("days_billed", a->days[0]), lb_time("bill_read_at", a->read_at)),
            err);
    if (r < 0)
        return r;
    if (!a->days[1])
        return say(e,
                   "history has no bill of as many days before, so it cannot be said whether that is more than it was",
                   weight - 0.1, LB_ARGS(lb_i64("days_billed_before", 0)), err);
    return say(e,
               lb_printf(e->ctx, "that is %s in as many days before, which cost %.2f %s by the bill of %lld %s",
                         moved(e->ctx, now, before), before, currency, (long long)a->days[1],
                         a->days[1] == 1 ? "day" : "days"),
               weight - 0.1,
               LB_ARGS(lb_f64("cost_before", before), lb_f64("difference", now - before), lb_text("currency", currency),
                       lb_i64("days_billed_before", a->days[1])),
               err);
}

/* What a difference comes from: more of it, or a dearer unit. */
static int tell_kind(dba_evidence *e, const kind_cost *k, double weight, lb_error *err)
{
    lb_ctx *ctx = e->ctx;
    double price[2];
    for (size_t i = 0; i < 2; i++)
        price[i] = k->quantity[i] > 0 ? k->cost[i] / k->quantity[i] : NAN;
    bool is_dearer = !isnan(price[0]) && !isnan(price[1]) && fabs(price[0] - price[1]) > 0.001 * price[1];
    const char *units = isnan(price[0]) || isnan(price[1]) ? ""
                        : is_dearer ? lb_printf(ctx, ", and a unit cost %.4g instead of %.4g", price[0], price[1])
                                    : ", at the same price";
    return say(e,
               lb_printf(ctx, "%s cost %.2f %s, %s before: %.4g %s instead of %.4g%s", k->kind, k->cost[0], k->currency,
                         moved(ctx, k->cost[0], k->cost[1]), k->quantity[0], k->unit, k->quantity[1], units),
               weight,
               LB_ARGS(lb_text("kind", k->kind), lb_f64("cost", k->cost[0]), lb_f64("cost_before", k->cost[1]),
                       lb_f64("quantity", k->quantity[0]), lb_f64("quantity_before", k->quantity[1]),
                       lb_text("unit", k->unit), lb_text("currency", k->currency)),
               err);
}

/* Those that moved most come first. */
static int tell_kinds(dba_evidence *e, const account *a, double weight, lb_error *err)
{
    bool told[KINDS_MOST] = {false};
    int r = 0;
    for (size_t n = 0; r >= 0 && n < a->count && n < KINDS_TOLD; n++) {
        size_t most = a->count;
        for (size_t i = 0; i < a->count; i++)
            if (!told[i] && (most == a->count || fabs(a->kinds[i].cost[0] - a->kinds[i].cost[1]) >
                                                     fabs(a->kinds[most].cost[0] - a->kinds[most].cost[1])))
                most = i;
        told[most] = true;
        r = tell_kind(e, &a->kinds[most], weight - (double)n / 100, err);
    }
    return r;
}

static int tell_odd(dba_evidence *e, const account *a, double weight, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < a->odd_count; i++)
        r = say(e,
                lb_printf(e->ctx, "%s was dearer than that weekday is, by %.1f of its usual deviations",
                          date(e->ctx, a->odd[i].day), a->odd[i].score),
                weight - (double)i / 100, LB_ARGS(lb_time("day", a->odd[i].day), lb_f64("score", a->odd[i].score)),
                err);
    if (r >= 0 && a->unpriced)
        r = say(e, lb_printf(e->ctx, "%lld records have no price, and count nothing here", (long long)a->unpriced),
                weight - 0.2, LB_ARGS(lb_i64("unpriced", a->unpriced)), err);
    return r;
}

static int tell(dba_evidence *e, const account *a, double weight, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < a->count; i++) {
        bool is_first = true;
        for (size_t k = 0; k < i; k++)
            is_first = is_first && strcmp(a->kinds[k].currency, a->kinds[i].currency) != 0;
        if (is_first)
            r = tell_total(e, a, a->kinds[i].currency, weight, err);
    }
    if (r >= 0 && a->days[1])
        r = tell_kinds(e, a, weight - 0.3, err);
    return r < 0 ? r : tell_odd(e, a, weight - 0.5, err);
}

int dba_gather_cost(dba_evidence *e, double weight, lb_error *err)
{
    lb_ctx *ctx = e->ctx;
    const lb_target *target = lb_run_target(ctx);
    int64_t today = lb_now(ctx) / DAY_US * DAY_US;
    account a = {.ctx = ctx, .until = today + (e->span.with_today ? DAY_US : 0), .last_day = {-1, -1}};
    const char *why = NULL;
    a.since = a.until - e->span.days * DAY_US;
    a.name = e->span.whole_project ? lb_printf(ctx, "project %s", target->project)
                                   : lb_printf(ctx, "branch %s/%s", target->project, target->branch);
    a.when = e->span.days == 1 ? lb_printf(ctx, "on %s", date(ctx, a.since))
                               : lb_printf(ctx, "from %s to %s", date(ctx, a.since), date(ctx, a.until - DAY_US));
    int r = read_bill(&a, &e->span, &why, err);
    if (e->tool_count < DBA_TOOLS)
        e->tools[e->tool_count++].name = DBA_BILL;
    e->answered += r >= 0 && !why;
    if (r < 0)
        return r;
    if (!a.days[0])
        return lb_skipped(ctx, DBA_BILL,
                          why ? why
                              : lb_printf(ctx,
                                          "history has no bill of %s %s: track_cost_attribution reads it once a day, "
                                          "and it comes a day or two late",
                                          a.name, a.when),
                          err);
    return tell(e, &a, weight, err);
}
