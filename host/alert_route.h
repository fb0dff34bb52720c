/* alert_route.h: which alert services hear of an alert: by how bad it is, where, and when. Pure, but for the zone files
 * that it reads when it is made. */
#ifndef LBOPS_HOST_ALERT_ROUTE_H
#define LBOPS_HOST_ALERT_ROUTE_H

#include "manifest.h"

typedef struct alert_about {
    int severity;                 /* 1 info, 2 warning, 3 critical */
    const char *project, *branch; /* NULL: the workspace, which every pattern of a route matches */
    int64_t at;                   /* microseconds since 1970 */
} alert_about;

typedef struct alert_routes alert_routes;

/* The manifest outlives it. */
LB_MUST_CHECK int alert_routes_new(const manifest *m, alert_routes **ret_routes, lb_error *err);
alert_routes *alert_routes_free(alert_routes *r);

/* Calls for each service that hears of it, each once, in the manifest's order. There is at least one where there are
 * services. */
void alert_routes_each(const alert_routes *r, const alert_about *about, void (*hears)(void *state, const char *name),
                       void *state);

/* "mon-fri", "sat,sun": bit n stands for day n, Sunday is 0. */
LB_MUST_CHECK int alert_days_parse(const char *text, uint32_t *ret_days, lb_error *err);
/* "08:00-18:00" as minutes of the day; until is not larger than from where it goes past midnight. */
LB_MUST_CHECK int alert_hours_parse(const char *text, int *ret_from, int *ret_until, lb_error *err);

#endif
