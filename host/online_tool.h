/* online_tool.h: looks at one branch for `lbops check --online`: a tool that comes with the host. [worker] */
#ifndef LBOPS_HOST_ONLINE_TOOL_H
#define LBOPS_HOST_ONLINE_TOOL_H

#include <lbops/lbops.h>

#define ONLINE_TOOL "lbops_online"

/* Its result says who we are there (role, database, version, major), and in "abilities" what there is of extensions
 * and roles of the server's own: kind, name, has, detail. It changes nothing and wakes nobody. */
extern const lb_plugin online_plugin;

#endif
