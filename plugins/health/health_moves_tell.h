/* health_moves_tell.h: a reading's counters as moves, and findings of them. */
#ifndef LBOPS_HEALTH_MOVES_TELL_H
#define LBOPS_HEALTH_MOVES_TELL_H

#include "health_moves.h"
#include "health_reading.h"

/* Also adds to what the reading will remember: how busy sessions were over the day. */
LB_MUST_CHECK int health_moves_of(health_reading *reading, health_moves *ret_moves, lb_error *err);

/* Judges them and reports what is found. */
LB_MUST_CHECK int health_tell_moves(lb_ctx *ctx, const health_reading *reading, const health_moves *moves,
                                    const health_move_limits *limits, lb_error *err);

#endif
