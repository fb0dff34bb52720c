/* index_plans.h: the statements that have run, and their plans. Read once, they serve every index of a run. */
#ifndef INDEX_PLANS_H
#define INDEX_PLANS_H

#include "index_work.h"

typedef struct index_known_plan {
    const char *query_id, *text; /* text NULL: it is not known whole */
    double calls;
    int64_t last_seen; /* when history saw it last; 0: the server counts it now */
    const char *json;  /* NULL: it could not be had */
    bool is_other;     /* a command, which has no plan */
} index_known_plan;

struct index_plans {
    const char *why;  /* nothing can be tried */
    bool asks_branch; /* what is hidden or dropped elsewhere */
    bool drops;       /* this is that branch */
    index_known_plan *items;
    size_t count;
    int64_t left_out;      /* that history knows beside these */
    int64_t budget, spent; /* on plans: a branch's are of the same */
    int64_t trials;        /* spent on a branch */
};

/* Those of the server that cost most; p->why says what hindered it. */
LB_MUST_CHECK int index_plans_read(index_work *work, int64_t most, lb_error *err);
/* And those that ran within five weeks, as history has them: a month's report may have been pushed out of what the
 * server counts, or forgotten with a restart. Where there is no history there are no more. */
LB_MUST_CHECK int index_plans_add_past(index_work *work, lb_error *err);

/* The plan of this text, while there is time for it. */
LB_MUST_CHECK int index_plan_explain(index_work *work, const char *text, index_known_plan *ret_plan, lb_error *err);
/* Of all, or of those that only history knows. */
LB_MUST_CHECK int index_plans_explain(index_work *work, bool only_past, lb_error *err);

/* As a list for a branch; wanted NULL: all. */
const char *index_plans_text(lb_ctx *ctx, const struct index_plans *p,
                             bool (*wanted)(const index_known_plan *one, const void *arg), const void *arg);

#endif
