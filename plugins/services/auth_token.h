/* auth_token.h: the workspace's token: of a service principal by OAuth (machine to machine), or a personal one. The
 * former is renewed ahead of its end, and once when the workspace refuses it before. [any] */
#ifndef LBOPS_SERVICES_AUTH_TOKEN_H
#define LBOPS_SERVICES_AUTH_TOKEN_H

#include "auth_config.h"
#include "rest_client.h"

typedef struct auth auth;

/* config is copied. transport: how the token server is reached (host, ca_file, times); its base_url and authorize are
 * not looked at. Nobody is asked before the first call. */
LB_MUST_CHECK int auth_new(const auth_config *config, const rest_options *transport, auth **ret_auth, lb_error *err);
auth *auth_free(auth *a); /* NULL is fine */

const char *auth_host(const auth *a);      /* "https://name" */
const char *auth_client_id(const auth *a); /* NULL for a personal token */

/* For rest_options: authorize and hide, with the auth as their arg. */
int auth_authorize(void *arg, bool renew, int64_t deadline, const char **ret_value, lb_error *err);
void auth_hide(void *arg, char *text, size_t size);

#endif
