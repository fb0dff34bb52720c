/* query_plan.h: the server's plan as a list of steps, each behind what it takes its rows from. Pure logic. */
#ifndef LBOPS_QUERY_PLAN_H
#define LBOPS_QUERY_PLAN_H

#include <lbops/lbops.h>

typedef struct query_step {
    const char *type;                  /* "Seq Scan" */
    const char *schema, *name;         /* of its relation, or NULL */
    const char *index;                 /* or NULL */
    const char *filter, *by;           /* conditions: what sorts rows out once read, and what finds them; or NULL */
    const char *sort_keys;             /* "a, b DESC", or NULL */
    double cost, own_cost;             /* with and without what it takes its rows from */
    double rows, width;                /* by estimate, each time */
    bool is_executed;                  /* the rest is 0 without it */
    double actual_rows, loops, ms;     /* rows and time each time */
    double removed;                    /* rows that the filter sorted out, each time */
    double disk_kb;                    /* what a sort wrote, or a hash in batches */
    double heap_fetches;               /* rows that an index only scan had to look up in the table, in all */
    double exact_blocks, lossy_blocks; /* of a bitmap, in all */
    double workers_planned, workers_launched;
    int inputs[2]; /* steps that it takes its rows from, first and second; -1: none */
    int parent;    /* the one that takes its rows; -1: it gives the result, or a value aside */
} query_step;

typedef struct query_plan {
    query_step *steps;
    size_t count;
    double cost, execution_ms; /* the latter -1 where it was not executed */
} query_plan;

#define QUERY_STEPS 400

/* What lb_explain answers. */
LB_MUST_CHECK int query_read_plan(lb_ctx *ctx, const char *json, query_plan *ret_plan, lb_error *err);

static inline const query_step *query_root(const query_plan *plan)
{
    return &plan->steps[plan->count - 1];
}

/* Rows that came out of it in all, by estimate or by count. */
static inline double query_rows_out(const query_step *s)
{
    return s->is_executed ? s->actual_rows * (s->loops > 0 ? s->loops : 1) : s->rows;
}

/* It goes through an index and asks it for nothing: what it keeps, a filter finds. */
static inline bool query_asks_index_nothing(const query_step *s)
{
    return s->name && s->index && !s->by &&
           (strcmp(s->type, "Index Scan") == 0 || strcmp(s->type, "Index Only Scan") == 0);
}

/* By the planner's count a limit above it ends it before it is through: the order is what it is there for. */
bool query_ends_early(const query_plan *plan, const query_step *step);

/* "it reads all of public.orders, and keeps about 50 of its 50000 rows" */
const char *query_say_step(lb_ctx *ctx, const query_plan *plan, const query_step *step, double table_rows);

/* public.orders, "Odd Name" in its quotes. */
const char *query_name(lb_ctx *ctx, const char *schema, const char *name);

/* 950, 12.5 thousand, 3.2 million: figures of sentences. */
const char *query_number(lb_ctx *ctx, double number);

#endif
