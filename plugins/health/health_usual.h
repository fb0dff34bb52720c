/* health_usual.h: what each of the figures is at this hour of the day on this target, as its own readings had it: a
 * breach is told beside it. Kept with the readings, as a mean of about a week for each hour. */
#ifndef LBOPS_HEALTH_USUAL_H
#define LBOPS_HEALTH_USUAL_H

#include "health_measure.h"

/* Into what the reading will remember. Of figures about one object, and of what is not known, nothing is kept. */
void health_usual_note(health_reading *reading, const health_observation *o);

/* "0.41 at this hour (13:00 UTC), the mean of 84 readings", from the readings before; or that they are too few. */
const char *health_usual_of(lb_ctx *ctx, const health_reading *reading, const health_observation *o);

#endif
