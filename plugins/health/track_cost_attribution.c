/* track_cost_attribution: what each branch cost by the bill, which days do not fit its weeks, and what of it is ours.
 */
#include "cost_alarm.h"

#include <math.h>
#include <string.h>

#define PROVISIONAL 1 /* days for which the bill still grows */
#define LATE_DAYS   3 /* that one account's lines come behind others' */

struct args {
    const char *catalog, *schema, *currency;
    int64_t days, record_days, most_statements, most_indexes;
    double sigmas, share, least_money, own_share;
};

static const lb_param params[] = {
    LB_PARAM(struct args, days, LB_I64, "35", "days of the bill to read: weeks tell what is usual", .min = "1",
             .max = "400"),
    LB_PARAM(struct args, record_days, LB_I64, "8", "days to keep anew, as the bill is restated", .min = "0"),
    LB_PARAM(struct args, sigmas, LB_F64, "3", "an anomaly is so many robust deviations above its weekday", .min = "0"),
    LB_PARAM(struct args, share, LB_F64, "0.3", "or so much above it, as a share", .min = "0"),
    LB_PARAM(struct args, least_money, LB_F64, "5", "and costs at least so much more in a day", .min = "0"),
    LB_PARAM(struct args, own_share, LB_F64, "0.01", "of the time of a branch's statements, ours may take this share",
             .min = "0", .max = "1"),
    LB_PARAM(struct args, most_statements, LB_I64, "10", "of each branch so many statements are told with their cost",
             .min = "0", .max = "100"),
    LB_PARAM(struct args, most_indexes, LB_I64, "20",
             "so many of the indexes that recommendations are about are told with their cost", .min = "0",
             .max = "1000"),
    LB_PARAM(struct args, currency, LB_TEXT, "USD", "of the list prices"),
    LB_PARAM(struct args, catalog, LB_TEXT, "system", "catalogue of the billing tables"),
    LB_PARAM(struct args, schema, LB_TEXT, "billing", "their schema, with usage and list_prices"),
    LB_PARAMS_END,
};

static cost_account *open_account(lb_ctx *ctx, cost_book *b, const cost_line *line)
{
    cost_account *a = cost_account_of(b, line->project, line->branch);
    if (a)
        return a;
    a = lb_alloc(ctx, sizeof *a);
    if (a)
        *(b->accounts[b->count++] = a) = (cost_account){
            .project = line->project, .branch = line->branch, .first = line->day - b->first_day, .last_compute = -1};
    return a;
}

static int make_book(lb_ctx *ctx, const cost_bill *bill, cost_book *b, lb_error *err)
{
    b->bill = bill;
    b->accounts = lb_alloc(ctx, (bill->count + 1) * sizeof(void *));
    for (size_t i = 0; b->accounts && i < bill->count; i++) {
        const cost_line *line = &bill->lines[i];
        cost_account *a = open_account(ctx, b, line);
        if (!a)
            return lb_out_of_memory(err);
        b->last_day = line->day > b->last_day ? line->day : b->last_day;
        if (line->day >= b->first_day && line->day - b->first_day < COST_MOST_DAYS)
            a->days[line->day - b->first_day] += cost_of(line);
        a->total += cost_of(line);
        bool is_compute = line->unit && strcmp(line->unit, "DBU") == 0;
        int64_t at = line->day - b->first_day;
        a->last = at > a->last ? at : a->last;
        a->last_compute = is_compute && at > a->last_compute ? at : a->last_compute;
        a->compute += is_compute ? cost_of(line) : 0;
        a->storage += line->unit && strcmp(line->unit, "DSU") == 0 ? cost_of(line) : 0;
        if (is_compute && line->day >= b->first_day && line->day - b->first_day < COST_MOST_DAYS)
            a->compute_days[line->day - b->first_day] += cost_of(line);
        b->total += cost_of(line);
        b->lines_without_price += isnan(line->price);
    }
    return b->accounts ? 0 : lb_out_of_memory(err);
}

static int judge_day(lb_ctx *ctx, const cost_account *a, int64_t day, const cost_judgement *j, double cost,
                     lb_error *err)
{
    const struct args *args = ctx->args;
    return lb_report(
        ctx,
        LB_FINDING(.object = cost_name_of(ctx, a), .kind = "cost_anomaly",
                   .reason = lb_printf(ctx, "it cost %.2f %s that day, and %.2f is usual for that weekday", cost,
                                       args->currency, j->expected),
                   .evidence = LB_ARGS(lb_time("day", day * COST_DAY_US), lb_f64("cost", cost),
                                       lb_f64("expected", j->expected), lb_f64("usual_deviation", j->sigma),
                                       lb_f64("score", j->score), lb_i64("weekdays_before", (int64_t)j->same_days)),
                   .terms = LB_TERMS({"billed", 0.4}, {"deviations", j->score > args->sigmas ? 0.3 : 0.1},
                                     {"weeks_known", 0.06 * fmin(5, (double)j->same_days)}),
                   .impact = LB_ARGS(lb_f64("more_than_usual", cost - j->expected))),
        err);
}

/* The bill has what the account cost that day, or has gone on for so long that there is nothing to come. */
static bool is_billed(const cost_book *b, const cost_account *a, int64_t day)
{
    int64_t last = a->last_compute >= 0 ? a->last_compute : a->last; /* storage may be billed first */
    return last >= day || b->last_day - b->first_day - last > LATE_DAYS;
}

/* The newest complete day is well inside of what is an anomaly: less than half of that above its weekday. */
static bool is_calm(const cost_book *b, const cost_account *a, int64_t days, const cost_rule *rule)
{
    const cost_rule half = {rule->sigmas / 2, rule->share / 2, rule->least_money / 2};
    cost_judgement j = {.is_known = false};
    if (days > a->first && is_billed(b, a, days - 1))
        cost_judge(a->days + a->first, (size_t)(days - 1 - a->first), &half, &j);
    return j.is_known && !j.is_anomaly;
}

/* Days that are complete, judged by those before them. */
static int judge(lb_ctx *ctx, const cost_book *b, cost_account *a, cost_alarms *alarms, lb_error *err)
{
    const struct args *args = ctx->args;
    const cost_rule rule = {args->sigmas, args->share, args->least_money};
    int64_t days = b->today - b->first_day - PROVISIONAL;
    int r = 0;
    for (int64_t i = a->first; r >= 0 && i < days; i++) {
        cost_judgement j;
        cost_judge(a->days + a->first, (size_t)(i - a->first), &rule, &j);
        a->scores[i] = j.is_known ? j.score : NAN;
        if (!j.is_anomaly || days - i > args->record_days)
            continue;
        r = judge_day(ctx, a, b->first_day + i, &j, a->days[i], err);
        if (r >= 0)
            r = cost_alarms_note(alarms, a, i, &j, err);
    }
    for (int64_t i = days < 0 ? 0 : days; i < COST_MOST_DAYS; i++)
        a->scores[i] = NAN;
    return r < 0 ? r : cost_alarms_tell(alarms, a, is_calm(b, a, days, &rule), err);
}

/* The first line of a day's compute carries what our runs kept awake that day, so that sums hold. */
static int record(lb_ctx *ctx, const cost_book *b, lb_error *err)
{
    const struct args *args = ctx->args;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < b->bill->count; i++) {
        const cost_line *l = &b->bill->lines[i];
        cost_account *a = cost_account_of(b, l->project, l->branch);
        int64_t at = l->day - b->first_day;
        if (at < 0 || at >= COST_MOST_DAYS || b->today - l->day > args->record_days)
            continue;
        bool is_priced = !isnan(l->price), is_compute = l->unit && strcmp(l->unit, "DBU") == 0;
        double awake = a->own_awake[at];
        a->own_awake[at] = is_compute ? 0 : awake;
        r = lb_record(
            ctx, "cost_attribution",
            LB_ARGS(lb_text("project_id", l->project), lb_text("branch_id", l->branch),
                    lb_time("usage_start", l->day * COST_DAY_US), lb_time("usage_end", (l->day + 1) * COST_DAY_US),
                    lb_time("captured_at", lb_now(ctx)),
                    lb_text("record_id", lb_printf(ctx, "%016llx-%u", (unsigned long long)l->record, l->part)),
                    lb_text("workspace_id", l->workspace), lb_text("billing_product", l->product),
                    lb_text("sku_name", l->sku), lb_text("usage_type", l->type), lb_text("resource_id", l->resource),
                    lb_f64("quantity", l->quantity), lb_text("usage_unit", l->unit),
                    is_priced ? lb_f64("list_price", l->price) : lb_null("list_price"),
                    lb_text("currency", args->currency), is_priced ? lb_f64("cost", cost_of(l)) : lb_null("cost"),
                    is_compute && b->has_own_share ? lb_f64("awake_seconds", awake) : lb_null("awake_seconds"),
                    isnan(a->scores[at]) ? lb_null("anomaly_score") : lb_f64("anomaly_score", a->scores[at])),
            err);
    }
    return r;
}

static int tell(lb_ctx *ctx, const cost_book *b, lb_error *err)
{
    const struct args *args = ctx->args;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < b->count; i++) {
        const cost_account *a = b->accounts[i];
        r = lb_append(
            ctx, "accounts",
            LB_ARGS(lb_text("name", cost_name_of(ctx, a)), lb_text("project", a->project), lb_text("branch", a->branch),
                    lb_f64("cost", a->total), lb_f64("compute_cost", a->compute),
                    b->total > 0 ? lb_f64("share", a->total / b->total) : lb_null("share"),
                    b->has_own_share ? lb_f64("own_statement_seconds", a->own_statements_s)
                                     : lb_null("own_statement_seconds"),
                    b->has_own_share ? lb_f64("own_awake_seconds", a->own_awake_s) : lb_null("own_awake_seconds")),
            err);
    }
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_time("since", b->first_day * COST_DAY_US), lb_f64("total_cost", b->total),
                                     lb_text("currency", args->currency),
                                     lb_i64("lines_without_a_price", b->lines_without_price),
                                     lb_i64("days_provisional", PROVISIONAL)),
                             err);
}

static int conclude(lb_ctx *ctx, cost_book *b, const cost_source *source, lb_error *err)
{
    cost_alarms *alarms = NULL;
    const struct args *args = ctx->args;
    const cost_rule rule = {args->sigmas, args->share, args->least_money};
    int r = cost_read_own(ctx, b, err);
    if (r >= 0)
        r = cost_alarms_open(ctx, b, source, &rule, &alarms, err);
    for (size_t i = 0; r >= 0 && i < b->count; i++)
        r = judge(ctx, b, b->accounts[i], alarms, err);
    if (r >= 0)
        r = cost_alarms_keep(alarms, err);
    if (r >= 0)
        r = record(ctx, b, err);
    if (r >= 0)
        r = cost_tell_statements(ctx, b, args->most_statements, args->currency, err);
    if (r >= 0)
        r = cost_tell_indexes(ctx, b, args->most_indexes, args->currency, err);
    return r < 0 ? r : tell(ctx, b, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    int64_t today = lb_now(ctx) / COST_DAY_US;
    cost_book b = {.today = today, .first_day = today - args->days};
    const cost_source source = {args->catalog, args->schema,   "usage",
                                "list_prices", args->currency, b.first_day * COST_DAY_US};
    cost_bill bill;
    const char *why = NULL;
    int r = cost_read(ctx, &source, &bill, &why, err);
    if (r < 0)
        return r;
    if (!why && !bill.count)
        why =
            "the billing tables have nothing of Lakebase in these days: a new workspace is billed within a day or two";
    r = why ? lb_skipped(ctx, "billing", why, err) : make_book(ctx, &bill, &b, err);
    if (r >= 0 && !why)
        r = conclude(ctx, &b, &source, err);
    if (r >= 0)
        r = cost_tell_own_time(ctx, b.first_day, args->own_share, err);
    return r < 0 ? r : lb_examined(ctx, "lines of the bill", (int64_t)bill.count, err);
}

LB_TOOL(track_cost_attribution, "what projects and branches cost by the bill, and the days that do not fit their weeks",
        .agent = "health", .risk = LB_RISK_LOW, .workspace = true, .schedule = "0 6 * * *", .detector = true,
        .timeout_s = 600, LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("cost_attribution"),
        .emits = LB_NAMES("cost.anomaly", "cost.normal"), .remembers = true, .run = run);
