/* zone.h: time zones as the machine's database has them, without the process's own zone (TZ, localtime) in play, so
 * that several can be used side by side. Offsets and local times are in seconds. */
#ifndef LBOPS_HOST_ZONE_H
#define LBOPS_HOST_ZONE_H

#include "base.h"

#define ZONE_DIRECTORY "/usr/share/zoneinfo"
#define ZONE_END       INT64_MAX

typedef struct zone zone;

/* "UTC" needs no file. */
LB_MUST_CHECK int zone_open(const char *name, zone **ret_zone, lb_error *err);
LB_MUST_CHECK int zone_parse(const char *name, const char *data, size_t length, zone **ret_zone, lb_error *err);
zone *zone_free(zone *z);

/* What local time is ahead of UTC at `at` (seconds since 1970, UTC), and the second from which on another offset holds
 * (ZONE_END: none is known). Zone NULL is UTC. */
int32_t zone_offset(const zone *z, int64_t at, int64_t *ret_until);

/* The moment of a local time: the first one when it comes twice; when it does not come at all, the moment at which the
 * clock passes over it. */
int64_t zone_from_local(const zone *z, int64_t local);

#endif
