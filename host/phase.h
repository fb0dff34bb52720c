/* phase.h: the phases of a cycle: what comes first on each branch, and what builds on it. */
#ifndef LBOPS_HOST_PHASE_H
#define LBOPS_HOST_PHASE_H

#include "manifest.h"

#define PHASE_COUNT 5

const char *phase_name(size_t phase);

/* Of a tool, 0 to PHASE_COUNT - 1: as the manifest says it for its agent (NULL: the first that has the tool), else by
 * the tool's name. */
size_t phase_of(const manifest *m, const char *agent, const char *tool);

#endif
