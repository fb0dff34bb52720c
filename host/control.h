/* control.h: the control socket of a daemon: state_dir/control.sock, for the user it runs as and for root. A line is a
 * request for the desk, and lines are its answer; {"verb":"interrupt"} on the same connection stops the run it waits
 * for. One who goes away stops nothing. [supervisor] */
#ifndef LBOPS_HOST_CONTROL_H
#define LBOPS_HOST_CONTROL_H

#include "desk.h"

typedef struct control control;

LB_MUST_CHECK int control_new(struct ev_loop *loop, const char *state_dir, desk *d, control **ret_control,
                              lb_error *err);
control *control_free(control *c); /* takes the socket away */

/* The other side, which blocks. LB_ERR_NOT_FOUND: no daemon serves this state directory. */
typedef struct control_link control_link;
LB_MUST_CHECK int control_connect(const char *state_dir, control_link **ret_link, lb_error *err);
/* Sends a request and hands each line of the answer to take; the exit code, or a negative error when the daemon went
 * away. interrupted: looked at when a signal came; true sends the interrupt. */
LB_MUST_CHECK int control_ask(control_link *link, const char *request, void (*take)(void *state, const char *line),
                              bool (*interrupted)(void *state), void *state, lb_error *err);
control_link *control_close(control_link *link);

/* Connects a Unix socket however long the path is. */
int control_socket(const char *state_dir, bool serve, lb_error *err); /* the descriptor, or a negative error */

#endif
