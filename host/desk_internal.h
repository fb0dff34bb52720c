/* desk_internal.h: the inside of the desk, for its files. Nobody else includes this. */
#ifndef LBOPS_HOST_DESK_INTERNAL_H
#define LBOPS_HOST_DESK_INTERNAL_H

#include "desk.h"
#include "json.h"
#include "targets.h"

struct desk {
    supervisor *supervisor;
    const manifest *manifest;
    desk_extra extra;
    void *state;
    desk_call *calls;
    bool is_closed;
};

struct desk_call {
    desk *desk;
    desk_call *next;
    desk_client client; /* say NULL: it has left */
    char *via, *name, *reason;
    struct json_object *request;
    char run_id[ID_TEXT];
    bool *is_over; /* set when it ends while it is being dispatched */
    bool listing;  /* the control plane is asked for the branch first */
    targets_choice choice;
    param_arg *args;
    size_t arg_count;
    struct cycle *cycle;
    uint32_t said; /* documents of the state */
};

/* desk_run.c */
void desk_run(desk_call *call);
run_watch desk_watch(desk_call *call);
/* desk_ask.c */
void desk_runs(desk_call *call);
void desk_suspended(desk_call *call);
void desk_suspend(desk_call *call);
void desk_resume(desk_call *call);
void desk_approvals(desk_call *call);
void desk_decide(desk_call *call, bool approve);
bool desk_has_book(desk_call *call);                         /* false: there is no state, and the call is over */
void desk_say_doc(desk_call *call, const lb_state_doc *doc); /* with its key, status and time as members */
/* desk_alerts.c */
void desk_alerts(desk_call *call);
/* desk_ack.c */
void desk_ack(desk_call *call);
/* desk_cycle.c */
void desk_cycle(desk_call *call);
void desk_cycle_done(desk_call *call);
void desk_cycle_interrupt(desk_call *call); /* what runs is cancelled, and nothing more is begun */

#endif
