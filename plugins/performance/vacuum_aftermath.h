/* vacuum_aftermath.h: what became of rewrites that waited for a person. Approving executes them as they stand, with no
 * tool around, so the row of vacuum_history that says how it ended is written by the next run that comes by. */
#ifndef LBOPS_VACUUM_AFTERMATH_H
#define LBOPS_VACUUM_AFTERMATH_H

#include "vacuum_log.h"

/* Nothing is written where history cannot be asked. */
LB_MUST_CHECK int vacuum_settle_rewrites(lb_ctx *ctx, const vacuum_scan *scan, lb_error *err);

#endif
