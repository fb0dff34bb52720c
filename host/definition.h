/* definition.h: SQL that a server printed, before the composer takes it into a statement. */
#ifndef LBOPS_HOST_DEFINITION_H
#define LBOPS_HOST_DEFINITION_H

#include "base.h"

/* Closed in itself: not empty, UTF-8, quotes and brackets end where they began, no comment but a planner's hint. So it
 * cannot leave the place in which a statement puts it. LB_ERR_INVALID else. */
LB_MUST_CHECK int definition_check(const char *text, lb_error *err);

/* The statement that it was put into: one statement, and one command where that alters a table. LB_ERR_INVALID, also
 * where this parser is older than the server. */
LB_MUST_CHECK int definition_check_statement(const char *text, lb_error *err);

#endif
