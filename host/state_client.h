/* state_client.h: the supervisor's side of the state service: transactions gathered into batches, one batch on its way
 * at a time, sent again with its number until it is answered; so each transaction is applied once or refused once,
 * whatever dies in between. [supervisor] */
#ifndef LBOPS_HOST_STATE_CLIENT_H
#define LBOPS_HOST_STATE_CLIENT_H

#include "service.h"

#include <lbops/state.h>

typedef struct state_client state_client;

/* error NULL: decided. failed -1: applied, and version is that of the last operation's document; else the operation
 * whose condition did not hold, and the version that is there. */
typedef void (*state_decided)(void *owner, void *tag, int failed, int64_t version, const lb_error *error);
/* docs: read with state_get_doc until it says false; NULL with an error. */
typedef void (*state_listed)(void *owner, void *tag, wire_reader *docs, const lb_error *error);

typedef struct state_client_options {
    struct ev_loop *loop;
    service *service;
    const char *client; /* who we are to the store */
    int64_t give_up_us; /* a batch that was not decided for so long fails; 0: never, it is tried for ever */
    void *state;
    void (*troubled)(void *state, const lb_error *why); /* a batch is tried again; may be NULL */
} state_client_options;

state_client *state_client_new(const state_client_options *options);
state_client *state_client_free(state_client *c); /* what is not decided fails as cancelled */

/* One transaction: begin, operations, end. It is decided in the order of the ends. */
void state_begin(state_client *c, state_decided decided, void *owner, void *tag);
void state_op(state_client *c, const lb_state_op *op);
void state_ops(state_client *c, const buf *encoded); /* some, as state_put_op writes them */
void state_end(state_client *c);

void state_list(state_client *c, const lb_state_query *query, state_listed listed, void *owner, void *tag);
void state_prune(state_client *c, const char *space, const char *status, int64_t before, int64_t most);

size_t state_pending(const state_client *c); /* transactions not decided */

#endif
