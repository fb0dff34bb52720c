/* notify.h: what a service manager is told (sd_notify's protocol): nothing where nobody listens. [supervisor] */
#ifndef LBOPS_HOST_NOTIFY_H
#define LBOPS_HOST_NOTIFY_H

#include "base.h"

LB_PRINTF(1, 2) void notify_manager(const char *fmt, ...); /* "READY=1\nSTATUS=..." */
double notify_watchdog_s(void);                            /* how often it wants to hear of us; 0: not at all */

#endif
