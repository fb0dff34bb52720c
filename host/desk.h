/* desk.h: where people and their programs ask: one request as a JSON object, the answer as JSON lines, the last of them
 * with an exit code. The command line without a daemon and the daemon's control socket use the same desk, so both do
 * the same. [supervisor]
 *
 * requests   {"verb":"run","tool","agent","project","branch","args":[{"name","text"}],"plan","timeout_s","record_dir"}
 *            {"verb":"cancel","run"} {"verb":"runs","id","limit","status","tool","since"} {"verb":"suspended"}
 *            {"verb":"suspend","tool","name","reason"}
 *            {"verb":"resume","tool"} {"verb":"approvals","all","id"} {"verb":"approve"|"deny","id"}
 *            {"verb":"alerts","all"} {"verb":"ack","id","until"}
 *            {"verb":"cycle","agent","resume","strict","job","tools","timeout_s"}
 *            each with "name" and "reason": who asks, and why
 * answers    {"log":{"level","tool","text"}} {"progress":{"tool","done","total","what"}}
 *            {"document":{...}} {"item":{...}} {"result":{...}} {"error":{"code","message","hint"}}
 *            and at the end {"exit":CODE} */
#ifndef LBOPS_HOST_DESK_H
#define LBOPS_HOST_DESK_H

#include "supervisor.h"

typedef struct desk desk;

/* Where the answer goes. say gets one line of JSON without its newline; nothing is said after the exit code. */
typedef struct desk_client {
    void *state;
    void (*say)(void *state, const char *line);
    void (*exit)(void *state, int code);
    const char *via; /* "uid 1000": what is written down beside a name */
} desk_client;

typedef struct desk_call desk_call;

/* What a daemon can be asked beyond that: status, reload, log levels. False: it does not know the verb. */
typedef bool (*desk_extra)(void *state, const char *verb, struct json_object *request, desk_call *call);

desk *desk_new(supervisor *s, const manifest *m, desk_extra extra, void *state);
desk *desk_free(desk *d);
void desk_use(desk *d, const manifest *m); /* after a reload */
void desk_close(desk *d);                  /* nothing new is begun; what can be looked at still is */

/* Serves one request. The call is over when exit was called; before that, desk_leave forgets the client (what it
 * has begun goes on). Returns NULL when it is over already. */
desk_call *desk_serve(desk *d, const char *request, const desk_client *client);
void desk_leave(desk_call *call);
/* Whoever interrupts a call's run. */
void desk_interrupt(desk_call *call);

/* For extras. */
void desk_say(desk_call *call, const char *member, const char *document);
void desk_end(desk_call *call, int code);
void desk_error(desk_call *call, const lb_error *error);

#endif
