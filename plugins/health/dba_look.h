/* dba_look.h: what no tool tells, read by ourselves: sizes, settings, and what history has of changes, approvals and
 * failures. */
#ifndef LBOPS_HEALTH_DBA_LOOK_H
#define LBOPS_HEALTH_DBA_LOOK_H

#include "dba_evidence.h"

/* 1: the source is one of these, and it was looked there; 0: it is a tool. What could not be read is evidence, and no
 * error. */
LB_MUST_CHECK int dba_look(dba_evidence *e, const char *source, double weight, lb_error *err);

#endif
