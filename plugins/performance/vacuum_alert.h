/* vacuum_alert.h: what people are told of ids that run out: anew with each look while it is so, and once when it is
 * over. What was told of is remembered from one look to the next. */
#ifndef LBOPS_VACUUM_ALERT_H
#define LBOPS_VACUUM_ALERT_H

#include <lbops/lbops.h>

struct json_object;

typedef struct vacuum_alert {
    const char *metric, *unit, *text;
    const char *database; /* that it is about, as what others of the branch have is another matter; NULL: all of them */
    const char *object;   /* what it is about, which tells it from what others see of that metric; or NULL */
    const char *action;   /* that is proposed; NULL: vacuum */
    double value, threshold; /* value NAN: none */
    int level;               /* 0: it is not past the threshold, 1: a warning, 2: critical */
    bool is_well_inside;     /* and not only just: what was told of is over */
} vacuum_alert;

LB_MUST_CHECK int vacuum_recall_alerts(lb_ctx *ctx, struct json_object **ret_open, lb_error *err);
LB_MUST_CHECK int vacuum_say(lb_ctx *ctx, struct json_object *open, const vacuum_alert *a, lb_error *err);
LB_MUST_CHECK int vacuum_remember_alerts(lb_ctx *ctx, struct json_object *open, lb_error *err);

#endif
