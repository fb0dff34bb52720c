/* lock_wait.h: what waits for a strong lock keeps everybody else waiting behind it, so it waits for a moment only, lets
 * go, and comes again. */
#ifndef LBOPS_LOCK_WAIT_H
#define LBOPS_LOCK_WAIT_H

#include <lbops/lbops.h>

/* It failed by what others did just then: a lock that they held, or two that crossed. */
bool lock_is_others(const lb_error *err);

/* A pause behind the tries so far (from 1), longer each time up to most_ms, and never twice the same: several that wait
 * for one lock should not come together. *chance is any figure, of whoever waits. False when the run should stop. */
bool lock_pause(lb_ctx *ctx, uint64_t *chance, int64_t tries, int64_t most_ms);

#endif
