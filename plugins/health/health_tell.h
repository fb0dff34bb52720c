/* health_tell.h: what an evaluation says of an alert: to the host, which owns its life, and to whoever asked. */
#ifndef LBOPS_HEALTH_TELL_H
#define LBOPS_HEALTH_TELL_H

#include "health_book.h"

/* threshold.breached: it opened, got worse, or is told again. usual: what the figure is at this hour, in words. */
LB_MUST_CHECK int health_tell_breach(lb_ctx *ctx, const health_policy *policy, const health_habits *habits,
                                     const health_entry *entry, const health_observation *o, const char *usual,
                                     lb_error *err);
/* "4.2 s", "91.3 %", "600000000 xids", beside another figure of the kind, or NaN. */
const char *health_shown(lb_ctx *ctx, const health_alert_rule *rule, double value, double beside);
/* What a procedure of it is told: whatever the alert is about, so that one subscription serves all of them. */
const char *health_context(lb_ctx *ctx, const health_entry *entry, const health_observation *o);
/* threshold.cleared. since: when it had begun. */
LB_MUST_CHECK int health_tell_clear(lb_ctx *ctx, const health_policy *policy, const health_entry *entry,
                                    const health_observation *o, int64_t since, int64_t at, lb_error *err);
/* A finding, for what is past a limit now. */
LB_MUST_CHECK int health_tell_finding(lb_ctx *ctx, const health_policy *policy, const health_observation *o,
                                      health_grade grade, lb_error *err);
/* Its place in the result's list of alerts. */
LB_MUST_CHECK int health_tell_alert(lb_ctx *ctx, const health_policy *policy, const health_entry *entry,
                                    const health_observation *o, health_change change, int64_t since, lb_error *err);

#endif
