/* health_blind.h: figures that can no longer be read. What is not known breaches nothing, so that silence would look
 * like health: after three readings in a row that miss a view it is an alert of its own, one for the target. */
#ifndef LBOPS_HEALTH_BLIND_H
#define LBOPS_HEALTH_BLIND_H

#include "health_measure.h"

#define HEALTH_BLIND_AFTER 3

/* Looks at what was measured, remembers it with the reading, and tells when it begins and when it is over. paused:
 * nobody is told that it begins. */
LB_MUST_CHECK int health_judge_sight(lb_ctx *ctx, health_reading *reading, const health_measures *measures, bool paused,
                                     lb_error *err);
/* What is remembered was of a branch that is gone: where it was told, it is over. */
LB_MUST_CHECK int health_end_sight(lb_ctx *ctx, const health_reading *reading, lb_error *err);

#endif
