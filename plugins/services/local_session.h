/* local_session.h: transport_local's two ways to a server: one that is given by its connection string, and a cluster of
 * our own. [worker] */
#ifndef LBOPS_SERVICES_LOCAL_SESSION_H
#define LBOPS_SERVICES_LOCAL_SESSION_H

#include "local.h"
#include "pg_session.h"

typedef struct local_settings {
    const char *dsn, *reader_dsn;
    pg_limits limits;
    const char *directory, *programs, *server_user, *keeper, *template_strategy;
    lb_texts projects;
    int64_t version, linger_s, shortest_suspend_s, archive_after_s;
} local_settings;

typedef struct local_claims local_claims;

/* A cluster of our own, and the claims that this process has on its servers. `options` are the limits of sessions. */
LB_MUST_CHECK int local_claims_new(const lb_service_host *host, const local_settings *settings,
                                   const pg_options *options, local_claims **ret_claims, lb_error *err);
local_claims *local_claims_free(local_claims *claims);
const local_cluster *local_claims_cluster(const local_claims *claims);

LB_MUST_CHECK int local_claims_connect(local_claims *claims, const lb_target *target, const char *application,
                                       int64_t deadline, pg_session **ret_session, lb_error *err);

#endif
