/* service_internal.h: the inside of a service as the supervisor sees it, for its two files. Nobody else includes this.
 */
#ifndef LBOPS_HOST_SERVICE_INTERNAL_H
#define LBOPS_HOST_SERVICE_INTERNAL_H

#include "child.h"
#include "clock.h"
#include "service.h"

typedef enum phase { PHASE_RESTING, PHASE_STARTING, PHASE_UP } phase;

typedef struct ask {
    struct ask *next;
    int64_t id, deadline; /* on the monotonic clock */
    buf frame;
    service_answer answer; /* NULL: it has been withdrawn, and the process has it yet */
    bool told;             /* the process knows that */
    service_piece piece;   /* NULL: there are none */
    void *owner, *tag;
} ask;

struct service {
    struct ev_loop *loop;
    char *program, *plugin;
    lb_kind kind;
    service_hooks hooks;
    buf setup;
    size_t backlog_bytes, backlog_limit;

    child child;
    phase phase;
    int64_t up_since;
    int failures;
    lb_error trouble;
    ev_io io, stderr_io;
    ev_timer timer;   /* of the start, then the rest after a failure */
    ev_timer overdue; /* of the oldest deadline */
    buf in, out;

    ask *asks, **asks_end;
    size_t waiting;
    ask *writing; /* between service_begin and service_end */
    int64_t next_id;
    bool ending;
};

/* service.c */
void service_start(service *s);
void service_stop_watching(service *s);
void service_finish(service *s, ask *a, wire_reader *fields, const lb_error *error); /* an ask that was taken out */
ask *service_take(service *s, int64_t id);
void service_on_timer(struct ev_loop *loop, ev_timer *timer, int events);
void service_on_overdue(struct ev_loop *loop, ev_timer *timer, int events);

#endif
