/* cost_usage.h: the bill, line by line, each with the project and branch that it is for. */
#ifndef LBOPS_COST_USAGE_H
#define LBOPS_COST_USAGE_H

#include "cost_days.h"

#include <lbops/lbops.h>

typedef struct cost_line {
    int64_t day;                  /* days since 1970 */
    const char *project, *branch; /* names; NULL: the bill does not say, or knows what is gone by now */
    const char *resource;         /* endpoint or instance, else the branch or project, as the bill names it */
    const char *workspace, *product, *sku, *type, *unit;
    uint64_t record; /* hash of all that tells lines of a bill apart but their prices */
    uint32_t part;   /* of lines that differ in price alone, the how many-th: a price may come to be known later */
    double quantity, price; /* price NAN: none is known */
    int64_t records;
} cost_line;

typedef struct cost_bill {
    cost_line *lines;
    size_t count;
} cost_bill;

typedef struct cost_source {
    const char *catalog, *schema, *usage, *prices, *currency;
    int64_t since;
} cost_source;

/* Where there are no billing tables to ask, *ret_why says so and the bill is empty. */
LB_MUST_CHECK int cost_read(lb_ctx *ctx, const cost_source *source, cost_bill *ret_bill, const char **ret_why,
                            lb_error *err);

double cost_of(const cost_line *line); /* 0 where no price is known */

#endif
