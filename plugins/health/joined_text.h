/* joined_text.h: texts one after the other, however many, in a form that the server and the lakehouse take alike. */
#ifndef LBOPS_HEALTH_JOINED_TEXT_H
#define LBOPS_HEALTH_JOINED_TEXT_H

#include <lbops/lbops.h>

/* The parts are used up. One may be two arguments, as sync/joined takes it. */
LB_MUST_CHECK int joined_text(lb_ctx *ctx, lb_value *parts, size_t count, const lb_sql **ret_sql, lb_error *err);

#endif
