/* serve_once.h: the daemon's router and alert services for as long as one cycle or job takes: what it tells starts the
 * tools that follow it and reaches people, though nobody serves its state directory. Cursors, claims and what is known
 * of alerts are those of a daemon, so that one that comes later goes on behind it. One process at a time brings the
 * events of a state directory to their subscribers; who finds another at it leaves its own events to that one. What
 * is not taken in the end waits behind the cursors, for the next cycle, job or daemon. [supervisor] */
#ifndef LBOPS_HOST_SERVE_ONCE_H
#define LBOPS_HOST_SERVE_ONCE_H

#include "supervisor.h"

typedef struct serve_once serve_once;

typedef struct serve_once_options {
    struct ev_loop *loop;
    manifest *manifest;
    registry *registry;
    lb_level log_level;
    void *state;
    void (*ready)(void *state); /* what happens from now on is followed, where it can be */
    void (*over)(void *state);  /* what serve_once_end waited for has come, or its time is over */
} serve_once_options;

serve_once *serve_once_new(const serve_once_options *options);
serve_once *serve_once_free(serve_once *o); /* after the supervisor */

supervisor_hooks serve_once_hooks(serve_once *o);    /* for the supervisor */
void serve_once_start(serve_once *o, supervisor *s); /* `ready` follows, or comes from inside */
void serve_once_end(serve_once *o);                  /* the request is over: `over` follows, as above */
void serve_once_interrupt(serve_once *o);            /* nothing is begun any more, and nothing waited for */
void serve_once_stop(serve_once *o);                 /* before the supervisor goes */

#endif
