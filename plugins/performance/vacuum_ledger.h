/* vacuum_ledger.h: changed rows that the server has forgotten. A compute that sleeps, or a server that crashed, wakes
 * with counters at zero, and autovacuum sees no work; the rows are there all the same. Whoever looks often remembers
 * what was counted, and notes in the history what was lost; whoever vacuums adds it to what is counted now. */
#ifndef LBOPS_VACUUM_LEDGER_H
#define LBOPS_VACUUM_LEDGER_H

#include "vacuum_scan.h"

struct json_object;

/* before: what `now` was at the last look, or NULL. Fills now, notes what has changed, and adds to the scan. */
LB_MUST_CHECK int vacuum_ledger_keep(lb_ctx *ctx, vacuum_scan *scan, struct json_object *before,
                                     struct json_object *now, lb_error *err);

/* Adds to a relation that was read anew what was added to it before, unless somebody has vacuumed it since. */
void vacuum_ledger_keep_on(const vacuum_scan *scan, const vacuum_relation *was, vacuum_relation *now);

/* Adds what is noted to the scan. Without a history there is nothing to add; that a standby counts nothing is said. */
LB_MUST_CHECK int vacuum_ledger_read(lb_ctx *ctx, vacuum_scan *scan, lb_error *err);

#endif
