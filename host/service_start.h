/* service_start.h: a service process as the manifest has it: its plugin, its arguments, what the host tells it besides.
 * [supervisor] */
#ifndef LBOPS_HOST_SERVICE_START_H
#define LBOPS_HOST_SERVICE_START_H

#include "manifest.h"
#include "registry.h"
#include "service.h"

typedef struct service_wish {
    const manifest *manifest;
    const registry *registry;
    struct ev_loop *loop;
    const char *program; /* NULL: ourselves */
    lb_kind kind;
    const manifest_service *named; /* this one of several; NULL: the first of that kind */
    const char *fallback;          /* the plugin where the manifest names none; NULL: there is none then */
    bool passive;          /* a delta service does nothing unless it is asked to; an alert service opens alone */
    const char *state_dir; /* its place; NULL: the one in the manifest's */
    lb_level log_level;
    service_hooks hooks;
} service_wish;

/* *ret_service stays NULL where there is no such plugin. */
LB_MUST_CHECK int service_start_named(const service_wish *wish, service **ret_service, lb_error *err);

#endif
