/* service_state.h: what supervisor and state service say to each other. */
#ifndef LBOPS_HOST_SERVICE_STATE_H
#define LBOPS_HOST_SERVICE_STATE_H

#include "wire.h"

#include <lbops/state.h>

/* APPLY: client, number, count, then per transaction its operations, each begun by its verb (from 1) and the whole
 * ended by a 0. Answer: per transaction failed and version. LIST: the query. Answer: documents, each begun by a true,
 * ended by a false. PRUNE: space, status, before, most. Answer: removed. The greeting says whether the store is shared.
 */
typedef enum state_verb { STATE_APPLY = 1, STATE_LIST = 2, STATE_PRUNE = 3 } state_verb;

void state_put_op(buf *out, const lb_state_op *op);
void state_put_query(buf *out, const lb_state_query *query);
bool state_get_doc(wire_reader *r, lb_state_doc *ret_doc); /* false: there is no further one */

#endif
