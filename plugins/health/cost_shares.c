#include "cost_shares.h"

#include <math.h>
#include <sql/cost/own_share.h>
#include <sql/cost/own_time.h>
#include <sql/cost/statement_shares.h>
#include <string.h>

#define MONTH 30.0

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

cost_account *cost_account_of(const cost_book *b, const char *project, const char *branch)
{
    for (size_t i = 0; i < b->count; i++)
        if (same(b->accounts[i]->project, project) && same(b->accounts[i]->branch, branch))
            return b->accounts[i];
    return NULL;
}

const char *cost_name_of(lb_ctx *ctx, const cost_account *a)
{
    return a->branch ? lb_printf(ctx, "%s/%s", a->project, a->branch) : a->project ? a->project : "unattributed";
}

int cost_read_own(lb_ctx *ctx, cost_book *b, lb_error *err)
{
    const cost_own_share_args wanted = {.since = b->first_day * COST_DAY_US};
    cost_own_share_row row;
    lb_rows *rows = NULL;
    int r = cost_own_share(ctx, &wanted, &rows, err);
    if (lb_no_history(r))
        return lb_skipped(ctx, "our own share", err->message, err);
    b->has_own_share = r >= 0;
    while (r >= 0 && cost_own_share_next(ctx, rows, &row)) {
        cost_account *a = cost_account_of(b, row.project_id, row.branch_id);
        int64_t at = row.day / COST_DAY_US - b->first_day;
        if (!a)
            continue;
        a->own_statements_s += row.statements_s;
        a->own_awake_s += row.awake_s;
        if (at >= 0 && at < COST_MOST_DAYS)
            a->own_awake[at] += row.awake_s;
    }
    return r < 0 ? lb_wrap(err, "our own share") : 0;
}

/* ---- statements ---- */

/* Of the days from that one up to the bill's last, and how many they are: a day without compute is a day, too. */
static double compute_since(const cost_book *b, const cost_account *a, int64_t day, double *ret_days)
{
    int64_t first = day > b->first_day ? day - b->first_day : 0, last = b->last_day - b->first_day;
    double sum = 0;
    for (int64_t i = first; i <= last && i < COST_MOST_DAYS; i++)
        sum += a->compute_days[i];
    *ret_days = (double)(last - first + 1);
    return sum;
}

/* Of what the branch's statements took; where none read a block, time alone is left to go by. */
static double share_of(const cost_statement_shares_row *row, double *ret_time, double *ret_blocks)
{
    *ret_time = row->all_ms > 0 ? row->ms / row->all_ms : 0;
    *ret_blocks = row->all_blocks > 0 ? row->blocks / row->all_blocks : *ret_time;
    return (*ret_time + *ret_blocks) / 2;
}

int cost_tell_statements(lb_ctx *ctx, const cost_book *b, int64_t most, const char *currency, lb_error *err)
{
    const cost_statement_shares_args wanted = {.since = b->first_day * COST_DAY_US, .most = most};
    cost_statement_shares_row row;
    lb_rows *rows = NULL;
    int r = cost_statement_shares(ctx, &wanted, &rows, err);
    if (lb_no_history(r))
        return lb_skipped(ctx, "cost by statement", err->message, err);
    while (r >= 0 && cost_statement_shares_next(ctx, rows, &row)) {
        const cost_account *a = cost_account_of(b, row.project_id, row.branch_id);
        double days = 0, by_time = 0, by_blocks = 0, share = share_of(&row, &by_time, &by_blocks);
        double compute = a ? compute_since(b, a, row.first_at / COST_DAY_US, &days) : 0;
        if (!a || compute <= 0) /* the bill knows of none yet */
            continue;
        r = lb_append(ctx, "statements",
                      LB_ARGS(lb_text("name", cost_name_of(ctx, a)), lb_text("query_id", row.query_id),
                              lb_f64("calls", row.calls), lb_f64("time_share", by_time),
                              lb_f64("block_share", by_blocks), lb_f64("cost", compute * share),
                              lb_f64("cost_a_month", compute * share / days * MONTH), lb_text("currency", currency),
                              lb_time("known_since", row.first_at)),
                      err);
    }
    return r < 0 ? lb_wrap(err, "cost by statement") : 0;
}

/* ---- our own share of the time ---- */

static int report_load(lb_ctx *ctx, const char *name, const cost_own_time_row *row, double share, double budget,
                       lb_error *err)
{
    return lb_report(
        ctx,
        LB_FINDING(.object = name, .kind = "own_load",
                   .reason =
                       lb_printf(ctx, "%.2f %% of the time that its statements took were ours, and %.2f %% may be",
                                 100 * share, 100 * budget),
                   .evidence =
                       LB_ARGS(lb_f64("own_seconds", row->own_ms / 1000), lb_f64("all_seconds", row->all_ms / 1000),
                               lb_bool("counted_by_the_server", row->is_counted), lb_time("since", row->began_at),
                               lb_time("until", row->ended_at)),
                   .terms = LB_TERMS({"measured", 0.6}, {"counted_by_the_server", row->is_counted ? 0.3 : 0}),
                   .impact = LB_ARGS(lb_f64("seconds_above_the_budget", (row->own_ms - budget * row->all_ms) / 1000))),
        err);
}

static int tell_load(lb_ctx *ctx, const cost_own_time_row *row, double budget, lb_error *err)
{
    bool is_known = !row->own_ms_is_null && !row->all_ms_is_null && row->all_ms > 0;
    double share = is_known ? row->own_ms / row->all_ms : 0;
    const char *verdict = !is_known ? "not enough data" : share <= budget ? "met" : "missed";
    const char *name = lb_printf(ctx, "%s/%s", row->project_id, row->branch_id);
    int r =
        lb_append(ctx, "own_load",
                  LB_ARGS(lb_text("name", name), lb_text("project", row->project_id), lb_text("branch", row->branch_id),
                          is_known ? lb_f64("own_seconds", row->own_ms / 1000) : lb_null("own_seconds"),
                          is_known ? lb_f64("all_seconds", row->all_ms / 1000) : lb_null("all_seconds"),
                          is_known ? lb_f64("share", share) : lb_null("share"), lb_f64("budget", budget),
                          lb_text("verdict", verdict),
                          lb_text("counted_by", row->is_counted ? "the server" : "what our runs waited"),
                          lb_time("since", row->began_at), lb_time("until", row->ended_at)),
                  err);
    return r >= 0 && is_known && share > budget ? report_load(ctx, name, row, share, budget, err) : r;
}

int cost_tell_own_time(lb_ctx *ctx, int64_t first_day, double budget, lb_error *err)
{
    const cost_own_time_args wanted = {.since = first_day * COST_DAY_US};
    cost_own_time_row row;
    lb_rows *rows = NULL;
    int r = cost_own_time(ctx, &wanted, &rows, err);
    if (lb_no_history(r))
        return lb_skipped(ctx, "our own share of the time", err->message, err);
    if (r >= 0 && !lb_row_count(ctx, rows))
        return lb_skipped(ctx, "our own share of the time", "not enough data: there are no snapshots of statements",
                          err);
    while (r >= 0 && cost_own_time_next(ctx, rows, &row))
        r = tell_load(ctx, &row, budget, err);
    return r < 0 ? lb_wrap(err, "our own share of the time") : 0;
}
