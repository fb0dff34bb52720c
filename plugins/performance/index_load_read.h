/* index_load_read.h: statements made ready to be executed on a throwaway branch, and what their plans say. For
 * index_load.c, and for who explains the same statements. */
#ifndef INDEX_LOAD_READ_H
#define INDEX_LOAD_READ_H

#include "index_load.h"
#include "query_values.h"

#define LOAD_SETS 2 /* of values that one is executed with, of different rows */

typedef struct load_statement {
    index_load_one one; /* its times of the last table; .why: it cannot be executed at all */
    const char *text;
    const char *plan; /* for any values; NULL: not asked for yet, "": it could not be had */
    bool is_typed, is_prepared, is_measured;
    const char *sets[LOAD_SETS], *shapes[LOAD_SETS]; /* of the plans without the index */
    size_t set_count;
    double before; /* ms without the index; so long at least where it was cut */
    bool is_cut;
    const char *why_before;
    bool is_asked, is_anew; /* in the last trial: it reads the table; its plan was another one */
    const char *why_open;
} load_statement;

LB_MUST_CHECK int load_read_statements(lb_ctx *ctx, const char *json, load_statement **ret_items, size_t *ret_count,
                                       lb_error *err);
/* Writes the type behind each parameter that is an element of an array: `tags && ARRAY[$1, $2]`. */
LB_MUST_CHECK int load_say_types(lb_ctx *ctx, const char **text, lb_error *err);
/* By its text, or by its plan, which looks through views. */
LB_MUST_CHECK int load_reads(lb_ctx *ctx, load_statement *s, const index_table *table, bool *ret_reads, lb_error *err);
/* With values, or with a reason why it cannot be executed. */
LB_MUST_CHECK int load_prepare(lb_ctx *ctx, load_statement *s, lb_error *err);
/* Steps, relations and indexes of the plan, in order. NULL: it could not be had. */
LB_MUST_CHECK int load_plan_shape(lb_ctx *ctx, const char *text, const char **ret_shape, lb_error *err);
double load_plan_ms(const char *json); /* -1: it was not executed */

/* What ends a run; anything else is a statement that could not be executed. */
bool load_ends(lb_ctx *ctx, int r);

#endif
