/* branch_layout.h: a project on its way to what its pattern says. */
#ifndef LBOPS_BRANCH_LAYOUT_H
#define LBOPS_BRANCH_LAYOUT_H

#include "branch_life.h"
#include "branch_pattern.h"

typedef struct branch_names {
    lb_value *items; /* for lb_list */
    size_t count, capacity;
} branch_names;

typedef struct branch_layout {
    lb_ctx *ctx;
    const branch_policy *policy;
    const branch_pattern *pattern;
    branch_words words;
    const char *creator_type;
    const char *project; /* the one that is at hand */
    plane_branches there;
    branch_names names;   /* of the branches that it has now */
    branch_names schemas; /* that each of them is to have */
    size_t missing, made;
    size_t lacking;   /* branches whose schemas could not be looked at, or not be made */
    size_t asleep;    /* branches whose schemas are looked at once they are awake */
    bool root_sleeps; /* what is made from it now may lack schemas too */
    bool fresh;       /* only planned */
} branch_layout;

/* One branch, by its name, for branch_pattern_each: state is the layout. The root is taken over and protected, what is
 * missing is made, what differs is said. One that was there gets the schemas that it lacks: it was made from the first
 * one when that had fewer. */
LB_MUST_CHECK int branch_layout_branch(void *state, const char *name, lb_error *err);
/* The pattern's schemas on the first branch, before others are made from it, so that they have them too. One that
 * sleeps is passed over, as each branch that sleeps is. */
LB_MUST_CHECK int branch_layout_schemas(branch_layout *l, lb_error *err);

#endif
