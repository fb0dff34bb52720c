/* cost_shares.h: what each branch cost, and whose share of it is whose: our own runs', and each statement's. */
#ifndef LBOPS_COST_SHARES_H
#define LBOPS_COST_SHARES_H

#include "cost_usage.h"

#define COST_DAY_US INT64_C(86400000000)

/* What one branch cost; project and branch NULL: what the bill does not say. */
typedef struct cost_account {
    const char *project, *branch;
    double days[COST_MOST_DAYS], total, compute, storage;
    double compute_days[COST_MOST_DAYS];
    int64_t first;              /* index of its first day with usage */
    int64_t last, last_compute; /* and of its last ones; last_compute -1: it has none */
    double own_statements_s, own_awake_s;
    double own_awake[COST_MOST_DAYS]; /* of each day, as long as no line of it has been told */
    double scores[COST_MOST_DAYS];
} cost_account;

typedef struct cost_book {
    const cost_bill *bill;
    cost_account **accounts;
    size_t count;
    int64_t first_day, last_day, today; /* days since 1970; last_day: the bill's */
    double total;
    int64_t lines_without_price;
    bool has_own_share; /* what our runs took is known */
} cost_book;

/* NULL: the bill has none. */
cost_account *cost_account_of(const cost_book *book, const char *project, const char *branch);
const char *cost_name_of(lb_ctx *ctx, const cost_account *account);

/* Without history both say so and leave it at that. */
LB_MUST_CHECK int cost_read_own(lb_ctx *ctx, cost_book *book, lb_error *err);
/* Of the time that each branch's statements took, that of our own, which has a budget: a finding where it is more. */
LB_MUST_CHECK int cost_tell_own_time(lb_ctx *ctx, int64_t first_day, double budget, lb_error *err);
/* The compute of a branch by statement: half by time and half by blocks read and spilled, of the days that statements
 * are known of, those included on which it slept. */
LB_MUST_CHECK int cost_tell_statements(lb_ctx *ctx, const cost_book *book, int64_t most, const char *currency,
                                       lb_error *err);
/* Of each index that a recommendation is about its part of its branch's storage, as its bytes are of the databases';
 * the dearest first. */
LB_MUST_CHECK int cost_tell_indexes(lb_ctx *ctx, const cost_book *book, int64_t most, const char *currency,
                                    lb_error *err);

#endif
