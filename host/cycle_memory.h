/* cycle_memory.h: what a cycle has begun, in the state service, so that one that was cut short can go on: a document
 * for the cycle while it is open, and one for each of its runs, which is part of that run's beginning. A run that had
 * begun is never begun again by the same cycle, whatever became of it. [supervisor] */
#ifndef LBOPS_HOST_CYCLE_MEMORY_H
#define LBOPS_HOST_CYCLE_MEMORY_H

#include "state_client.h"

typedef struct cycle_memory cycle_memory;

cycle_memory *cycle_memory_new(state_client *state);
cycle_memory *cycle_memory_free(cycle_memory *m);
const char *cycle_memory_id(const cycle_memory *m);

/* A new cycle. agent NULL: of all of them. */
void cycle_memory_open(cycle_memory *m, const char *agent);

/* The newest cycle that has not ended: its agent and what it has begun. LB_ERR_NOT_FOUND: there is none. */
typedef void (*cycle_recalled)(void *tag, const char *agent, const lb_error *error);
void cycle_memory_recall(cycle_memory *m, cycle_recalled recalled, void *tag);

/* A run's key. m NULL: NULL, which no memory has. The caller frees it. */
char *cycle_memory_key(const cycle_memory *m, const char *agent, const char *tool, const char *project,
                       const char *branch);
bool cycle_memory_has(const cycle_memory *m, const char *key);
void cycle_memory_claim(const char *key, lb_state_op *ret_claim); /* the key must outlive the claim */
void cycle_memory_forget(cycle_memory *m, const char *key);       /* of a run that did not begin after all */

typedef void (*cycle_closed)(void *tag, const lb_error *error);
void cycle_memory_close(cycle_memory *m, cycle_closed closed, void *tag);

#endif
