/* router.h: brings events to those who subscribed. Each subscription is a reader of the durable log with a cursor of
 * its own, so that one that is a million events behind costs no memory, and delivery is at least once: what came after
 * a cursor is delivered again after a restart, with the same key. Knows nothing of runs, state and services: the hooks
 * do. [supervisor] */
#ifndef LBOPS_HOST_ROUTER_H
#define LBOPS_HOST_ROUTER_H

#include "event_read.h"
#include "params.h"

#include <ev.h>

#define ROUTER_FROM_NOW UINT64_MAX /* as a cursor: nothing that happened before */

typedef struct router router;

/* One event on its way to one subscription; everything is borrowed for the call. */
typedef struct router_delivery {
    const char *subscription; /* its id */
    const char *tool;         /* NULL: a subscriber of the host */
    const char *key;          /* "<seq>/<subscription id>": the same when it is delivered again */
    const event *event;       /* its project and branch are the target that the event is about */
    const param_arg *args;    /* the subscription's parameters with {payload.KEY} replaced */
    size_t arg_count;
} router_delivery;

typedef enum router_answer {
    ROUTER_ACCEPTED, /* router_done follows */
    ROUTER_DONE,     /* it is done with already */
    ROUTER_LATER,    /* not now: offered again after router_resume */
    ROUTER_REFUSED   /* never, and err says why: event router.undeliverable, and the cursor goes on */
} router_answer;

typedef router_answer (*router_deliver)(void *state, const router_delivery *delivery, lb_error *err);

typedef struct router_subscription {
    const char *id;        /* stable over restarts: names the cursor and is a part of the keys */
    const char *pattern;   /* of kinds, with * and ? */
    uint64_t cursor;       /* every event up to this one is done with; ROUTER_FROM_NOW for a new one */
    uint32_t in_flight;    /* accepted and not done at most; 0: 16 */
    const char *tool;      /* started by the events; NULL: a subscriber of the host, whom no chain bounds */
    const param_arg *args; /* their texts may hold {payload.KEY} */
    size_t arg_count;
    router_deliver deliver; /* NULL: the hook */
    void *state;
} router_subscription;

typedef struct router_cursor {
    const char *id;
    uint64_t seq;
} router_cursor;

typedef struct router_hooks {
    void *state;
    router_deliver deliver;
    /* Makes the cursors durable; router_saved follows, now or later. Not called again before that. */
    void (*save)(void *state, const router_cursor *cursors, size_t count);
    /* Adds an event of the router's own (router.chain_ended, router.undeliverable) to the log. LB_ERR_LIMIT: not now,
     * tried again after router_resume. */
    int (*emit)(void *state, const event *e, lb_error *err);
} router_hooks;

typedef struct router_options {
    struct ev_loop *loop;
    const char *dir;    /* of the log */
    uint64_t last;      /* of the log: where ROUTER_FROM_NOW starts */
    uint64_t durable;   /* so far */
    router_hooks hooks; /* all are needed */
    uint32_t depth;     /* events deeper than that start nothing; 0: 8 */
    double save_gap_s;  /* cursors are saved this often at most; 0: 1 second */
    const router_subscription *subscriptions;
    size_t subscription_count;
} router_options;

/* Copies what it keeps. Delivery starts with the loop's next turn. */
LB_MUST_CHECK int router_new(const router_options *options, router **ret_router, lb_error *err);

/* Forgets what is in flight: it is delivered again next time. Saves nothing: see router_flush. */
router *router_free(router *r);

void router_durable(router *r, uint64_t seq); /* from the log's hook: events up to seq may be delivered */
void router_done(router *r, const char *subscription, uint64_t seq); /* what was accepted has ended; else ignored */
/* No more will be offered of the events up to seq, and seq is not in flight. False where there is no such one. */
bool router_is_done(const router *r, const char *subscription, uint64_t seq);
void router_resume(router *r);                       /* whoever said LATER may be asked again */
void router_saved(router *r, const lb_error *error); /* the answer to `save`; error NULL: durable */
void router_flush(router *r);                        /* saves what has moved at once */

/* The lowest saved cursor, for event_log_passed; UINT64_MAX without subscriptions. */
uint64_t router_passed(const router *r);

typedef struct router_status {
    const char *id, *pattern, *tool;
    uint64_t cursor, saved; /* done up to; durable up to */
    uint64_t behind;        /* durable events after the cursor */
    uint32_t in_flight;
    bool waits; /* somebody said LATER */
    uint64_t delivered, refused;
} router_status;

size_t router_count(const router *r);
router_status router_at(const router *r, size_t index);

#endif
