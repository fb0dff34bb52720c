/* endpoint_list.h: the computes of a branch, as the control plane lists them. */
#ifndef LBOPS_ENDPOINT_LIST_H
#define LBOPS_ENDPOINT_LIST_H

#include <lbops/lbops.h>

struct json_object;

/* Asks for the list; the answer is the run's. */
LB_MUST_CHECK int endpoint_list_read(lb_ctx *ctx, const char **ret_json, lb_error *err);

/* Of such a list the one that people write to, whatever its name; NULL: there is none. */
struct json_object *endpoint_that_writes(struct json_object *reply);

/* A member of what the endpoint is by now, or NULL. */
struct json_object *endpoint_status(struct json_object *endpoint, const char *name);

#endif
