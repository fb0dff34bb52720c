/* health_sop.h: what is done about each of the eight alerts, and how to see whether it helped. */
#ifndef LBOPS_HEALTH_SOP_H
#define LBOPS_HEALTH_SOP_H

#include "health_measure.h"

#include <sql/query/statements.h>

typedef struct health_case {
    health_alert_id id;
    const char *schema, *table;    /* or NULL */
    const char *object, *database; /* of its alert, where that has them; or NULL */
    int64_t most_tables;
    double slow_s;              /* from which on a statement goes to the review queue */
    struct json_object *queued; /* what is remembered of that queue; or NULL */
} health_case;

/* What was done. status: executed (something was changed), passed_over (nothing could be now), not_possible (a
 * person has to, as a right is missing), recorded (the evidence is
 * kept), advised, nothing_to_do, planned, pending_approval, refused. */
typedef struct health_deed {
    const char *action, *status, *reason;
    lb_outcome outcome;
    bool changes; /* it alters the server, or would */
    int64_t count;
} health_deed;

LB_MUST_CHECK int health_act(lb_ctx *ctx, const health_case *what, health_deed *ret_deed, lb_error *err);
/* Its procedure alters the server; else it keeps evidence or advises. */
bool health_alters(health_alert_id id);

/* A figure as it is now. What could not be read is no 0. */
typedef struct health_now {
    bool is_known;
    bool takes_two;  /* readings: the next evaluation tells */
    bool is_gone;    /* there is no such table */
    const char *why; /* it is not known */
    double value;    /* of what the procedure can do something about */
    double metric;   /* what is held against the limits: that, or of the whole server */
} health_now;

/* Only what ends the run is an error. */
LB_MUST_CHECK int health_look(lb_ctx *ctx, const health_case *what, health_now *ret_now, lb_error *err);

/* The table with the greatest share of dead rows, into what; false: there is none. */
LB_MUST_CHECK int health_worst_table(lb_ctx *ctx, health_case *what, bool *ret_found, lb_error *err);

/* health_evidence.c: the procedures that change nothing. */
LB_MUST_CHECK int health_log_chain(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err);
LB_MUST_CHECK int health_advise_size(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err);
LB_MUST_CHECK int health_keep_lag(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err);
/* health_queue.c */
/* A statement of this database as pg_stat_statements in that schema has it, its values left out; *ret_why: there is no
 * text of it to be had. */
LB_MUST_CHECK int health_find_statement(lb_ctx *ctx, const char *schema, const char *query_id,
                                        query_statements_row *ret_row, const char **ret_why, lb_error *err);
LB_MUST_CHECK int health_queue_statements(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err);

#endif
