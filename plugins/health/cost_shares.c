#include "cost_shares.h"

#include <math.h>
#include <sql/cost/own_share.h>
#include <sql/cost/statement_shares.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)
#define MONTH  30.0

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
    const cost_own_share_args wanted = {.since = b->first_day * DAY_US};
    cost_own_share_row row;
    lb_rows *rows = NULL;
    int r = cost_own_share(ctx, &wanted, &rows, err);
    if (lb_no_history(r))
        return lb_skipped(ctx, "our own share", err->message, err);
    b->has_own_share = r >= 0;
    while (r >= 0 && cost_own_share_next(ctx, rows, &row)) {
        cost_account *a = cost_account_of(b, row.project_id, row.branch_id);
        int64_t at = row.day / DAY_US - b->first_day;
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
    const cost_statement_shares_args wanted = {.since = b->first_day * DAY_US, .most = most};
    cost_statement_shares_row row;
    lb_rows *rows = NULL;
    int r = cost_statement_shares(ctx, &wanted, &rows, err);
    if (lb_no_history(r))
        return lb_skipped(ctx, "cost by statement", err->message, err);
    while (r >= 0 && cost_statement_shares_next(ctx, rows, &row)) {
        const cost_account *a = cost_account_of(b, row.project_id, row.branch_id);
        double days = 0, by_time = 0, by_blocks = 0, share = share_of(&row, &by_time, &by_blocks);
        double compute = a ? compute_since(b, a, row.first_at / DAY_US, &days) : 0;
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
