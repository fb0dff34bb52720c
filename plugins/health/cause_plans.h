/* cause_plans.h: a statement whose calls cost more than they did, and what is known of it. */
#ifndef LBOPS_CAUSE_PLANS_H
#define LBOPS_CAUSE_PLANS_H

#include "cause_look.h"

typedef struct cause_statement {
    const diagnose_statements_row *row;
    cause_load base, since; /* what calls cost before, and since they cost more */
    int64_t base_at;        /* the last reading at which they cost what they had */
    int64_t changed_at;     /* the first at which they did not */

    /* cause_plan_facts.c: */
    const char *text;                 /* NULL: it may not be seen */
    const diagnose_tables_row *table; /* that it is about, and that something is known of; or NULL */
    const char *changed, *command;    /* what came before it, in words, and what would take it back; or NULL */
    const char *change;   /* the statement that it was, where it was one of ours: its values are in no words */
    bool is_known_change; /* changed is what somebody did, and not only another look at the data */
    bool is_listed;       /* it is about rows and not ours */
    cause_load past;      /* what its calls cost by the history; without calls: that has none */
    int64_t past_since, planned_at; /* how far back that goes; when a stored plan was made, 0: there is none */
    const char *plan;               /* what that plan reads, in words */
} cause_statement;

/* Finds out the rest of each. */
LB_MUST_CHECK int cause_plan_facts(cause_look *look, cause_statement *statements, size_t count, lb_error *err);
/* What has been set for the planner since the reading before, whatever is suspected. */
LB_MUST_CHECK int cause_note_planner(cause_look *look, lb_error *err);

#endif
