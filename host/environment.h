/* environment.h: what children see of our environment: enough to find files, certificates and the time zone, and no
 * secret. */
#ifndef LBOPS_HOST_ENVIRONMENT_H
#define LBOPS_HOST_ENVIRONMENT_H

#include "arena.h"

/* An envp array in the arena; NULL when it is full. */
char **environment_clean(arena *memory);

#endif
