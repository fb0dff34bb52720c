/* environment.h: what children see of our environment: enough to find files, certificates and the time zone, and no
 * secret. */
#ifndef LBOPS_HOST_ENVIRONMENT_H
#define LBOPS_HOST_ENVIRONMENT_H

#include "params.h"

/* An envp array in the arena; NULL when it is full. */
char **environment_clean(arena *memory);

/* A service's arguments, with what the manifest leaves to our environment (lb_param.env) added: workers do not see it.
 * NULL when the arena is full. */
const param_arg *environment_args(arena *memory, param_rows rows, const param_arg *given, size_t *count);

#endif
