/* chronicle.h: the log of events as the supervisor keeps it. A daemon holds it open; a one-shot run gathers its events
 * and takes the log for the moment that it needs to write them, since others may do the same beside it. [supervisor] */
#ifndef LBOPS_HOST_CHRONICLE_H
#define LBOPS_HOST_CHRONICLE_H

#include "event_log.h"

typedef struct chronicle chronicle;

typedef struct chronicle_options {
    struct ev_loop *loop;
    const char *dir;
    bool one_shot;
    size_t segment_bytes;
    int64_t keep_s;
    void *state;
    void (*durable)(void *state, uint64_t seq); /* for the router; may be NULL */
    void (*room)(void *state);                  /* likewise */
    void (*unlogged)(void *state);              /* likewise: a daemon has come and keeps the log; a one-shot's */
} chronicle_options;

LB_MUST_CHECK int chronicle_new(const chronicle_options *options, chronicle **ret_chronicle, lb_error *err);
chronicle *chronicle_free(chronicle *c); /* what is not written is written now */

/* Takes the event. LB_ERR_LIMIT: hold on until `room`. ret_seq: 0 where the log gives it later. */
LB_MUST_CHECK int chronicle_add(chronicle *c, const event *e, uint64_t *ret_seq, lb_error *err);

/* Calls back, later, once all that has been added so far is durable; or with the error for why it is not. */
void chronicle_wait(chronicle *c, void (*durable)(void *owner, void *tag, const lb_error *error), void *owner,
                    void *tag);

event_log *chronicle_log(chronicle *c); /* a daemon's; else NULL */

#endif
