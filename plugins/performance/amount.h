/* amount.h: a figure and what it counts, for people: "1 hour", "2.5 hours". */
#ifndef LBOPS_AMOUNT_H
#define LBOPS_AMOUNT_H

#include <lbops/lbops.h>

/* The word follows the figure as it is read: 1.001 is 1 hour. NULL: out of memory. */
static inline const char *amount_text(lb_ctx *ctx, double amount, const char *one, const char *many)
{
    const char *figure = lb_printf(ctx, amount < 999.5 ? "%.3g" : "%.0f", amount);
    return figure ? lb_printf(ctx, "%s %s", figure, strcmp(figure, "1") == 0 ? one : many) : NULL;
}

#endif
