/* sop_past.h: what execute_low_risk_sop did before on a target, what that forbids for now, and what it still owes. */
#ifndef LBOPS_SOP_PAST_H
#define LBOPS_SOP_PAST_H

#include "branch_memory.h"
#include "health_sop.h"

typedef struct sop_past {
    lb_ctx *ctx;
    struct json_object *all; /* as it is remembered */
    const char *uid;         /* of the branch; or NULL */
} sop_past;

/* why NULL: nothing holds it back. */
typedef struct sop_hold {
    const char *why;
    int64_t until;
} sop_hold;

/* given: as another tool remembers it, which called; or NULL: as it was remembered here. */
LB_MUST_CHECK int sop_load(lb_ctx *ctx, const char *given, sop_past *ret_past, lb_error *err);
/* gives: also into the answer. */
LB_MUST_CHECK int sop_store(const sop_past *past, bool gives, lb_error *err);

/* Counts what others have run, too: a person, self_heal, a subscription, evaluate_alert_thresholds. They all leave it
 * in history; where that cannot be asked there is what is remembered, and the result says so. */
LB_MUST_CHECK int sop_count(sop_past *past, lb_error *err);
/* The limits of what changes something. */
sop_hold sop_held_back(const sop_past *past, const health_case *what);
/* A change was made, and is known to have helped or not: to be remembered, and for sop_count of whoever comes next. */
LB_MUST_CHECK int sop_note(sop_past *past, const health_case *what, bool helped, lb_error *err);

/* What could not be done is tried again from a moment on (0: each time after twice as long as the time before, from 5
 * minutes to 4 hours); what is done or over is owed no more. */
LB_MUST_CHECK int sop_owe(sop_past *past, const health_case *what, int64_t until, lb_error *err);
void sop_settle(sop_past *past, const health_case *what);
/* What is owed and may be tried now, into what: the one whose time came first, so that one which cannot be done holds
 * up no other. false: nothing; *ret_next is when something may be, or 0. */
bool sop_due(const sop_past *past, health_case *what, int64_t *ret_next);

/* An object of what is remembered, made where there is none; NULL: out of memory. */
struct json_object *sop_note_of(sop_past *past, const char *name);

#endif
