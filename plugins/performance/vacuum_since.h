/* vacuum_since.h: since when a replication slot or a standby holds rows back, which neither of them says. */
#ifndef LBOPS_VACUUM_SINCE_H
#define LBOPS_VACUUM_SINCE_H

#include "vacuum_scan.h"

/* Dates the holder that vacuum_holder finds, where it is a slot or a standby: history knows a moment by which the first
 * transaction had begun whose rows it keeps. What died before and was not removed then will not go now either. Without
 * such a reading it stays undated. */
LB_MUST_CHECK int vacuum_date_holder(lb_ctx *ctx, vacuum_scan *scan, double seconds, lb_error *err);

#endif
