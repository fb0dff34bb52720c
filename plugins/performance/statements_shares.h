/* statements_shares.h: which statements took most of what was taken between two snapshots: not of time alone, as one
 * that is quick may write most of the WAL. Pure logic but for the telling. */
#ifndef LBOPS_STATEMENTS_SHARES_H
#define LBOPS_STATEMENTS_SHARES_H

#include "statements_ledger.h"

typedef enum statements_axis {
    STATEMENTS_OF_EXEC_TIME,
    STATEMENTS_OF_PLAN_TIME,
    STATEMENTS_OF_BLOCKS_READ,
    STATEMENTS_OF_BLOCKS_HIT,
    STATEMENTS_OF_TEMP_BLOCKS,
    STATEMENTS_OF_WAL,
    STATEMENTS_AXES
} statements_axis;

typedef struct statements_taken {
    statements_key key;
    double calls, amounts[STATEMENTS_AXES];
} statements_taken;

typedef struct statements_shares {
    statements_taken *items;
    size_t count;
    double sums[STATEMENTS_AXES];
} statements_shares;

LB_MUST_CHECK int statements_shares_begin(lb_ctx *ctx, statements_shares *shares, size_t most, lb_error *err);
void statements_shares_add(statements_shares *shares, const statements_totals *delta);

/* Its part of the whole on that axis; 0 where the whole is too little to be worth a word. */
double statements_share_of(const statements_shares *shares, const statements_taken *one, statements_axis axis);

/* Appends those that took a twentieth or more on any axis, the largest part first. */
LB_MUST_CHECK int statements_shares_tell(lb_ctx *ctx, statements_shares *shares, lb_error *err);

#endif
