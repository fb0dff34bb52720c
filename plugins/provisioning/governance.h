/* governance.h: a plan of other tools' runs. What a step says of itself is kept for the end, where people are told what
 * stands and what is left. */
#ifndef LBOPS_GOVERNANCE_H
#define LBOPS_GOVERNANCE_H

#include "branch_json.h"

typedef struct governance {
    lb_ctx *ctx;
    const char *stands, *left;   /* steps, for people; empty at first */
    lb_error failed;             /* the first one; code 0: none */
    struct json_object *options; /* arguments of single steps, by tool, or NULL: none; governance_choose */
} governance;

/* A kind of step: what people may say of it beside what the plan does. */
typedef struct governance_kind {
    const char *tool;
    const char *const *decided; /* parameters that are the plan's to give */
    const char *missing;        /* what the plan would need for taking it; NULL: it is taken */
} governance_kind;

typedef struct governance_step {
    const char *tool, *project; /* NULL: of the workspace */
    const lb_target *target;    /* NULL: the plan's own */
    const lb_value *args;
} governance_step;

/* governance_options.c. Takes arguments of single steps, such as {"configure_rls": {"tables": ["app.orders"]}}, before
 * anything is begun: each goes to its step over what the plan says, and each tool's own description says which there
 * are. LB_ERR_INVALID: a step, or a parameter, that there is not, or a value that cannot be. */
LB_MUST_CHECK int governance_choose(governance *g, const governance_kind *kinds, size_t count, const char *options,
                                    lb_error *err);
/* The plan's arguments with those of the step's options over them. */
LB_MUST_CHECK int governance_merge(const governance *g, const char *tool, const lb_value *args,
                                   const lb_value **ret_args, lb_error *err);

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
