/* query_fill.h: a statement with parameters, made ready to be executed once: with the values that somebody gives, and
 * for the others with ones that its tables may well have. */
#ifndef LBOPS_QUERY_FILL_H
#define LBOPS_QUERY_FILL_H

#include <lbops/lbops.h>

#define QUERY_VALUES 64 /* places of a text that parameters stand in */

/* One parameter, and where its value comes from. */
typedef struct query_value {
    long number;
    const char *source; /* given, most_common_value, histogram_bound, row, guess */
    const char *column; /* public.orders.status, or NULL */
} query_value;

typedef struct query_filled {
    const char *text;
    query_value values[QUERY_VALUES];
    size_t count;    /* 0: it has no parameters, and is as it was */
    bool is_made_up; /* some value is not one that was given */
} query_filled;

/* LB_ERR_INVALID: it cannot be read, or the server takes none of the values that were found. */
LB_MUST_CHECK int query_fill(lb_ctx *ctx, const char *text, const lb_texts *given, query_filled *ret_filled,
                             lb_error *err);

#endif
