/* query_values.h: two statements with parameters, made ready to be executed side by side: the same values in both, of
 * rows that are there. */
#ifndef LBOPS_QUERY_VALUES_H
#define LBOPS_QUERY_VALUES_H

#include <lbops/lbops.h>

#define QUERY_PAIRS 4 /* with values of different rows */

typedef struct query_pair {
    const char *original, *rewrite;
    bool is_guessed; /* for some parameter nothing was known but which values the server takes */
} query_pair;

/* As they are, where they have no parameters. Comments and a semicolon at the end are left out. */
LB_MUST_CHECK int query_make_pairs(lb_ctx *ctx, const char *original, const char *rewrite,
                                   query_pair pairs[QUERY_PAIRS], size_t *ret_count, lb_error *err);

/* A copy without comments, and without blanks and a semicolon at its end. NULL: out of memory. */
const char *query_bare_text(lb_ctx *ctx, const char *text);

bool query_has_parameter(const char *text);

/* 1: the server has a plan for it. 0: it has not, and err says why. */
LB_MUST_CHECK int query_try_plan(lb_ctx *ctx, const char *text, lb_error *err);

#endif
