/* governance.h: a plan of other tools' runs. What a step says of itself is kept for the end, where people are told what
 * stands and what is left. */
#ifndef LBOPS_GOVERNANCE_H
#define LBOPS_GOVERNANCE_H

#include "branch_json.h"

typedef struct governance {
    lb_ctx *ctx;
    const char *stands, *left; /* steps, for people; empty at first */
    lb_error failed;           /* the first one; code 0: none */
} governance;

typedef struct governance_step {
    const char *tool, *project; /* NULL: of the workspace */
    const lb_target *target;    /* NULL: the plan's own */
    const lb_value *args;
} governance_step;

/* A step's failure is no failure of this call: it is kept, and told at the end. *ret_result NULL: it failed. */
LB_MUST_CHECK int governance_take(governance *g, const governance_step *step, struct json_object **ret_result,
                                  lb_error *err);
/* One that cannot be taken yet. */
LB_MUST_CHECK int governance_leave(governance *g, const char *tool, const char *project, lb_error *err);
/* The end of the run: what stands, what is left, and the first failure. */
LB_MUST_CHECK int governance_end(governance *g, lb_error *err);

/* NULL where there is none of this type. */
struct json_object *governance_member(struct json_object *object, const char *name, json_type type);
const char *governance_text(struct json_object *object, const char *name); /* "" where there is none */

#endif
