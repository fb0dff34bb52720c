/* quartz.h: our cron as the schedule of a Databricks job: seconds minutes hours day-of-month month day-of-week, where
 * one of the two day fields is `?` and Sunday is 1. */
#ifndef LBOPS_HOST_QUARTZ_H
#define LBOPS_HOST_QUARTZ_H

#include "buf.h"

/* Appends the expression. LB_ERR_INVALID for what is no cron; LB_ERR_UNSUPPORTED for what Quartz cannot say: days of
 * the month together with days of the week, and times that never come. */
LB_MUST_CHECK int quartz_from_cron(const char *cron_text, buf *into, lb_error *err);

#endif
