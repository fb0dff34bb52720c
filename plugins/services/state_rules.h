/* state_rules.h: what the state stores have in common: which calls are well-formed, which transactions may have to be
 * undone, and how the verdicts of a batch are kept for the case that it is sent again. */
#ifndef LBOPS_SERVICES_STATE_RULES_H
#define LBOPS_SERVICES_STATE_RULES_H

#include <lbops/lbops.h>

#include <lbops/state.h>

#define STATE_NAME_BYTES    512
#define STATE_BODY_BYTES    (16 << 20)
#define STATE_VERDICT_BYTES 12 /* failed and version, big-endian */

/* Each of these says LB_ERR_INVALID or LB_ERR_LIMIT, and what is wrong where. */
LB_MUST_CHECK int state_check_batch(const char *client, int64_t number, const lb_state_txn *txns, size_t count,
                                    lb_error *err);
LB_MUST_CHECK int state_check_query(const lb_state_query *query, lb_error *err);
LB_MUST_CHECK int state_check_prune(const char *space, const char *status, int64_t most, lb_error *err);

/* May an operation of it fail after another one has changed something? */
bool state_needs_undo(const lb_state_txn *txn);

void state_put_verdict(unsigned char *into, const lb_state_verdict *verdict);

/* The answer to a batch that was sent again: `last` is the client's last number, the bytes are its verdicts. Only when
 * number == last does ret_verdicts get filled. */
LB_MUST_CHECK int state_answer_again(const char *client, int64_t number, int64_t last, const unsigned char *kept,
                                     size_t kept_bytes, lb_state_verdict *ret_verdicts, size_t count, lb_error *err);

static inline const char *state_body(const lb_state_op *op)
{
    return op->body ? op->body : "{}";
}

#endif
