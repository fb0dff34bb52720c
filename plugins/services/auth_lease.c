#include "auth_lease.h"

#include "rest_text.h"

#define SECOND        INT64_C(1000000)
#define MOST_MARGIN   (40 * SECOND) /* a call that starts with it has to arrive while it holds */
#define LONGEST_RETRY (60 * SECOND)

auth_lease_state auth_lease_look(const auth_lease *l, int64_t now)
{
    if (!l->secret || now >= l->ends_at)
        return AUTH_LEASE_OVER;
    return now >= l->renew_at && now >= l->retry_at ? AUTH_LEASE_AGING : AUTH_LEASE_GOOD;
}

void auth_lease_set(auth_lease *l, char *secret, int64_t asked_at, int64_t lifetime_us)
{
    int64_t lifetime = lifetime_us > 0 ? lifetime_us : 0, margin = lifetime / 20;
    rest_wipe(l->secret);
    *l = (auth_lease){
        .secret = secret,
        .renew_at = asked_at + lifetime / 6 * 5,
        .ends_at = asked_at + lifetime - (margin < MOST_MARGIN ? margin : MOST_MARGIN),
    };
}

void auth_lease_set_endless(auth_lease *l, char *secret)
{
    rest_wipe(l->secret);
    *l = (auth_lease){.secret = secret, .renew_at = INT64_MAX, .ends_at = INT64_MAX};
}

void auth_lease_put_off(auth_lease *l, int64_t now)
{
    int64_t quarter = (l->ends_at - now) / 4;
    l->retry_at = now + (quarter < LONGEST_RETRY ? quarter : LONGEST_RETRY);
}

void auth_lease_drop(auth_lease *l)
{
    rest_wipe(l->secret);
    *l = (auth_lease){.secret = NULL};
}
