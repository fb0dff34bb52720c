/* health_measure.h: the eight figures that are worth an alert, each by one definition, from one reading. */
#ifndef LBOPS_HEALTH_MEASURE_H
#define LBOPS_HEALTH_MEASURE_H

#include "health_reading.h"

typedef struct health_observation {
    health_alert_id id;
    bool known;
    const char *why;            /* it is not known, or not all of it */
    bool is_blind;              /* as what shows it cannot be read: that is no matter of time */
    bool is_least;              /* the value may be more than that, and `why` says how so: it clears nothing */
    bool falls;                 /* it gets better by itself: nothing opens by it */
    double value, interval_s;   /* interval_s: NaN for what holds at the moment */
    const char *object;         /* of a table "schema.table"; or NULL */
    const char *database;       /* that has it; NULL: it is the server's, or not known */
    const char *schema, *table; /* or NULL */
    const char *detail;         /* a JSON object, or NULL */
} health_observation;

typedef struct health_measures {
    health_observation *items; /* in the order of the alerts; of dead tuples one per table, or one alone */
    size_t count;
} health_measures;

/* Does a figure fall, as health_past.h has it? noted: what the reading before knows of that, or NULL; note: an object
 * that gets what the next one is to know. */
bool health_note_fall(struct json_object *noted, double value, int64_t at, struct json_object *note);

LB_MUST_CHECK int health_measure(lb_ctx *ctx, const health_guards *guards, health_reading *reading,
                                 health_measures *ret_measures, lb_error *err);

/* health_limits.c: the product's limits, with the manifest's for this target over them, and until when a pause holds
 * (0: none does). */
typedef struct health_policy {
    health_limits limits[HEALTH_ALERTS];
    const char *origin[HEALTH_ALERTS]; /* whose limits these are, and why, in words */
    double trust[HEALTH_ALERTS];       /* points of a finding's confidence that this is worth */
    const char *paused_by;             /* or NULL */
} health_policy;

LB_MUST_CHECK int health_read_policy(lb_ctx *ctx, health_policy *ret_policy, lb_error *err);

/* "normal", "warning" or "critical". */
const char *health_level(const health_limits *limits, double value);

#endif
