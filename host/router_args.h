/* router_args.h: a subscription's parameters for one event. For router.c alone. */
#ifndef LBOPS_HOST_ROUTER_ARGS_H
#define LBOPS_HOST_ROUTER_ARGS_H

#include "params.h"

/* Does any text hold {payload.KEY}? */
bool router_args_have_templates(const param_arg *args, size_t count);

/* Replaces each {payload.KEY} by that member of the payload: a text as it is, anything else as JSON; KEY may name a
 * member of a member (a.b). Inside a text that is a JSON array (a list parameter), texts are escaped for it. A member
 * that is missing or null: LB_ERR_NOT_FOUND. All texts are in the arena. */
LB_MUST_CHECK int router_args_fill(const param_arg *args, size_t count, const char *payload, arena *memory,
                                   const param_arg **ret_args, lb_error *err);

#endif
