/* heal_remedy.h: what is done about each cause, at which risk, and how. */
#ifndef LBOPS_HEAL_REMEDY_H
#define LBOPS_HEAL_REMEDY_H

#include "cause_found.h"

typedef struct heal_deed {
    const char *title;  /* of the group, where a person is asked; else the tool that does it */
    const char *status; /* executed, nothing_to_do, planned, pending_approval, refused, not_possible */
    const char *reason; /* or NULL */
    bool changed;       /* something was altered */
} heal_deed;

typedef struct heal_remedy {
    cause_id id;
    lb_risk risk;
    const char *action;
    const char *(*title)(lb_ctx *ctx, const cause_found *cause); /* what a person would be asked; NULL: nobody is */
    int (*act)(lb_ctx *ctx, const cause_found *cause, const char *title, heal_deed *ret_deed, lb_error *err);
} heal_remedy;

/* NULL: there is none that may be chosen here, a person has to. */
const heal_remedy *heal_remedy_of(const cause_found *cause);
const char *heal_risk_name(lb_risk risk);

#endif
