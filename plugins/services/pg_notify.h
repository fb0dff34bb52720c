/* pg_notify.h: waiting for NOTIFY on a session that listens. */
#ifndef LBOPS_SERVICES_PG_NOTIFY_H
#define LBOPS_SERVICES_PG_NOTIFY_H

#include "pg_session.h"

/* Waits for one, and takes all that are there. 0, or an error: LB_ERR_TIMEOUT when none came. */
LB_MUST_CHECK int pg_session_wait_notified(pg_session *s, int64_t deadline, lb_error *err);

/* Readable when something came from the server; -1: the session is lost. */
int pg_session_descriptor(const pg_session *s);

#endif
