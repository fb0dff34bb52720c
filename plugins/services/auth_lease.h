/* auth_lease.h: a secret with a lifetime: renewed when five sixths of it are over (50 minutes of 60), used until it
 * ends when the renewal fails meanwhile, never used after. Times are on the host's clock. [any] */
#ifndef LBOPS_SERVICES_AUTH_LEASE_H
#define LBOPS_SERVICES_AUTH_LEASE_H

#include <lbops/lbops.h>

typedef struct auth_lease {
    char *secret; /* NULL: there is none */
    int64_t renew_at, ends_at;
    int64_t retry_at; /* after a renewal that failed */
} auth_lease;

typedef enum auth_lease_state {
    AUTH_LEASE_GOOD = 1,
    AUTH_LEASE_AGING = 2, /* renew it; if that fails it will still do */
    AUTH_LEASE_OVER = 3   /* renew it, or do without */
} auth_lease_state;

auth_lease_state auth_lease_look(const auth_lease *lease, int64_t now);

/* Takes the secret over. asked_at: before the server was asked, so that its way counts as lifetime. */
void auth_lease_set(auth_lease *lease, char *secret, int64_t asked_at, int64_t lifetime_us);
void auth_lease_set_endless(auth_lease *lease, char *secret);
void auth_lease_put_off(auth_lease *lease, int64_t now); /* the renewal failed */
void auth_lease_drop(auth_lease *lease);                 /* it was rejected, or is not needed any more: wiped */

#endif
