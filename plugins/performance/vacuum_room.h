/* vacuum_room.h: tables whose updates write each index anew, where room on their pages would spare that. */
#ifndef LBOPS_VACUUM_ROOM_H
#define LBOPS_VACUUM_ROOM_H

#include "vacuum_counts.h"

/* Much is updated, and by far most of it is not HOT, by counts of so many hours at least. */
bool vacuum_room_is_asked(const vacuum_observed *seen, double least_hours);

/* A finding with a fillfactor, or what stands against one; nothing where none is asked for. */
LB_MUST_CHECK int vacuum_room_look(lb_ctx *ctx, const vacuum_relation *v, const vacuum_observed *seen,
                                   double least_hours, lb_error *err);

#endif
