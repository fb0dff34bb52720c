/* ledger.h: the run book: a row in tool_runs for every run that ended, made durable in groups. Writing happens in a
 * thread of its own, so that a slow disk never stops the loop; what one write takes in time, the next group gathers.
 * [supervisor] */
#ifndef LBOPS_HOST_LEDGER_H
#define LBOPS_HOST_LEDGER_H

#include "pool.h"

typedef struct ledger ledger;

/* Called on the loop for each tag once its row is durable, or with the error for why it is not. */
typedef void (*ledger_done)(void *state, void *tag, const lb_error *error);

LB_MUST_CHECK int ledger_new(struct ev_loop *loop, const char *outbox_dir, ledger_done done, void *state,
                             ledger **ret_ledger, lb_error *err);
ledger *ledger_free(ledger *l); /* writes what is left and calls back for each tag first */

/* Takes note of a run's end. tag NULL: nobody waits for it. */
void ledger_add(ledger *l, const run_outcome *outcome, void *tag);

/* A row of another table, written with the next group; nobody waits for it. */
void ledger_add_row(ledger *l, const char *table, const lb_value *values, const lb_target *target, const char *run_id);

/* Called after each group that was written well. */
void ledger_on_rows(ledger *l, void (*written)(void *state));

size_t ledger_pending(const ledger *l);

#endif
