/* cli_online.h: what the parts of check --online share. */
#ifndef LBOPS_HOST_CLI_ONLINE_H
#define LBOPS_HOST_CLI_ONLINE_H

#include "cli.h"

#include <ev.h>

/* The manifest's alert services, each opened once and closed again. */
typedef struct online_alerts online_alerts;

/* Gives them in any case; a service that does not open is no failure of this. */
LB_MUST_CHECK int online_alerts_open(const cli *c, struct ev_loop *loop, online_alerts **ret_alerts, lb_error *err);
online_alerts *online_alerts_free(online_alerts *alerts);

void online_alerts_text(const online_alerts *alerts);
void online_alerts_json(const online_alerts *alerts, buf *out); /* the member "alerts" */
int online_alerts_code(const online_alerts *alerts);            /* the exit code: of the first that failed, or 0 */

/* The member "error" of an object. */
void online_error_json(buf *out, const lb_error *error);

#endif
