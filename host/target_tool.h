/* target_tool.h: projects and branches by hand: a tool that comes with the host, behind `lbops target`. Its changes go
 * through the door like any other's. [worker] */
#ifndef LBOPS_HOST_TARGET_TOOL_H
#define LBOPS_HOST_TARGET_TOOL_H

#include <lbops/lbops.h>

#define TARGET_TOOL "lbops_target"

/* Its parameter `action` says what to do: list, create, delete, reset, dsn or keep; the run's target is the branch.
 * Without a branch, create and delete are about the project. Lakebase has no reset: it is a deletion and a creation.
 * What is to be made again is written down (STATE_DIR/resets) before anything is deleted, and stays there until it
 * stands; the next reset of that name goes on from there, and list shows what is missing meanwhile. */
extern const lb_plugin target_plugin;

#endif
