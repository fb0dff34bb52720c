/* dba_named.h: the tables that a question names, so that its answer is about them, or says that it is not. */
#ifndef LBOPS_HEALTH_DBA_NAMED_H
#define LBOPS_HEALTH_DBA_NAMED_H

#include "dba_evidence.h"

/* Looks for them on the server: e->named. A server that does not answer names none. */
LB_MUST_CHECK int dba_find_named(dba_evidence *e, const char *question, lb_error *err);

/* A question without its tables' names, which may be words of something else. NULL: out of memory. */
const char *dba_without_named(const dba_evidence *e, const char *question);

/* Is a finding about one of them, or about an index of it? */
bool dba_is_named(const dba_evidence *e, const char *object);

/* Once: that what follows is not about the tables alone, or that a table is named that is not here. */
LB_MUST_CHECK int dba_say_scope(dba_evidence *e, const dba_topic *topic, double weight, lb_error *err);

const char *dba_named_list(const dba_evidence *e); /* "public.orders, sales.items"; NULL: out of memory */

#endif
