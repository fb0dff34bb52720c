/* service.h: a service process as the supervisor sees it: asked by frames, answered in order, started again when it
 * dies.
 *
 * Every ask is sent again to a new process until it is answered or its time is over, so each verb must be one that can
 * be repeated. What waits is bounded: past that, asking is refused and the caller holds its own work back.
 * [supervisor] */
#ifndef LBOPS_HOST_SERVICE_H
#define LBOPS_HOST_SERVICE_H

#include "params.h"
#include "wire.h"

#include <ev.h>
#include <signal.h>

typedef struct service service;

/* fields: what the service answered, until the callback returns; NULL with an error. */
typedef void (*service_answer)(void *owner, void *tag, wire_reader *fields, const lb_error *error);

/* To the process, with the low bits of an ask's id: it has been withdrawn. Such signals wait in a queue, none is lost.
 */
#define SIGNAL_UNWANTED SIGRTMIN
static inline int service_ask_mark(int64_t id)
{
    return (int)(id & INT32_MAX);
}

/* A piece of an answer that is told before its end. */
typedef void (*service_piece)(void *owner, void *tag, wire_reader *piece);

typedef struct service_hooks {
    void *state;
    /* It is open; what it says about itself. May be NULL, as may the others. */
    void (*up)(void *state, service *s, wire_reader *greeting);
    /* It died, or could not be opened; it is started again after a while. failures: so many in a row. */
    void (*down)(void *state, service *s, const lb_error *why, int failures);
    /* Something that nobody asked for. */
    void (*news)(void *state, service *s, wire_reader *news);
} service_hooks;

typedef struct service_options {
    struct ev_loop *loop;
    const char *program; /* NULL: ourselves */
    lb_kind kind;
    const char *plugin, *path;
    const param_arg *args;
    size_t arg_count;
    const char *state_dir, *work_dir;
    const param_arg *settings; /* of the host's, for the driver in the process; may be NULL */
    size_t setting_count;
    lb_level log_level;
    size_t backlog_bytes; /* of asks that wait; 0: 64 MB */
    service_hooks hooks;
} service_options;

/* Starts the process; what is wrong with the plugin comes through `down`. */
LB_MUST_CHECK int service_new(const service_options *options, service **ret_service, lb_error *err);
/* Whoever waits is told that the host is ending. A process that does not end within a moment is killed. */
service *service_free(service *s);

/* One ask: service_begin, the fields (wire_put_…), service_end. NULL: the backlog is full (err says so). */
buf *service_begin(service *s, uint32_t verb, int64_t timeout_us, service_answer answer, void *owner, void *tag,
                   lb_error *err);
void service_end(service *s);
/* Between the two: the answer comes in pieces. A process that had to be started again begins with the first one. */
void service_pieces(service *s, service_piece piece);
/* Nobody waits for that tag's answer any more: its callbacks are not called, and what works on it is stopped. */
void service_withdraw(service *s, const void *tag);

bool service_is_up(const service *s);
bool service_is_ending(const service *s); /* the host is: nothing more is asked */
size_t service_waiting(const service *s); /* asks that are not answered */
pid_t service_pid(const service *s);
const char *service_plugin(const service *s);
int service_failures(const service *s);            /* in a row; 0: it is up, or starting for the first time */
const lb_error *service_trouble(const service *s); /* why it is down; code 0: it is up or starting for the first time */

#endif
