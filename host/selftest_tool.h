/* selftest_tool.h: tries a workspace step by step for `lbops selftest`: a tool that comes with the host. [worker] */
#ifndef LBOPS_HOST_SELFTEST_TOOL_H
#define LBOPS_HOST_SELFTEST_TOOL_H

#include <lbops/lbops.h>

#define SELFTEST_TOOL   "lbops_selftest"
#define SELFTEST_PREFIX "lbops-selftest-" /* of every project and branch that it makes, and of nothing else */

/* The run's target names what it makes: a branch with the prefix, in a project with the prefix, which it makes too, or
 * in somebody's project. Its parameter `action` says what to do: try, or clean, which takes away what try made. The
 * result's "steps" say how far it came (step, status, duration_ms, detail, code, hint), "touched" whether anything may
 * have been made. The first step that fails is the run's error. */
extern const lb_plugin selftest_plugin;

/* Is this a name of the self-test's own? */
bool selftest_owns(const char *name);

#endif
