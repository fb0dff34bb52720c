/* session.h: the worker's side of the transport: the service is opened on first use, sessions are kept per target
 * between runs and closed when they idle, so that a compute that may sleep can. [worker] */
#ifndef LBOPS_HOST_SESSION_H
#define LBOPS_HOST_SESSION_H

#include "fixture.h"
#include "job.h"
#include "web.h"

typedef struct session_pool session_pool;
typedef struct session session;

/* setup outlives the pool. record_dir: wrap the transport so that what it answers becomes fixtures there; or NULL. */
session_pool *session_pool_new(const worker_setup *setup, const char *record_dir);
session_pool *session_pool_free(session_pool *pool);

/* A live session on a target: a kept one, or a new one. ret_kept says which: a kept one may turn out dead at its first
 * use. reader: the endpoint's id, for one of the branch's computes that only read; NULL: the one that writes. */
LB_MUST_CHECK int session_get(session_pool *pool, const lb_target *target, const char *reader, const char *tool,
                              int64_t deadline, session **ret_session, bool *ret_kept, lb_error *err);
/* A new session that nobody else is given, for a thread of its own; session_discard ends it. */
LB_MUST_CHECK int session_get_apart(session_pool *pool, const lb_target *target, const char *tool, int64_t deadline,
                                    session **ret_session, lb_error *err);
bool session_can_sample(const session_pool *pool); /* may another thread read on a session? */
/* From any thread, of a session apart. */
LB_MUST_CHECK int session_sample(session *s, const lb_command *command, const lb_sink *sink, lb_error *err);

/* The environment that leads a program to the session's server; secrets are in it. put fails for want of memory. */
LB_MUST_CHECK int session_lend(session *s, int (*put)(void *arg, const char *name, const char *value), void *arg,
                               lb_error *err);

/* Does a sink hear what the server says beside its answers? A recording does not keep it. */
bool session_tells_notices(const session *s);

void session_discard(session *s); /* closed for good: its state is not known */

/* For a session whose settings are no longer ours: it serves this run to its end, and no other one. */
void session_spend(session *s);
void session_close_spent(session_pool *pool);

/* Closes sessions that have not been used for connection_idle_s. Microseconds until the next one is due, or -1. */
int64_t session_close_idle(session_pool *pool);

LB_MUST_CHECK int session_server_version(session *s, int *ret_major, lb_error *err);
LB_MUST_CHECK int session_execute(session *s, const lb_command *command, const lb_sink *sink, int64_t *ret_affected,
                                  lb_error *err);
/* What the pool's sessions were given to execute so far, and how long that took there and on the way. */
typedef struct session_cost {
    int64_t statements, waited_us, opened; /* opened: sessions at home */
} session_cost;
/* Home is the target of the run that the supervisor asked for, also where it calls others elsewhere. It outlives the
 * run; NULL: there is none. */
void session_set_home(session_pool *pool, const lb_target *home);
session_cost session_cost_of(const session_pool *pool);

LB_MUST_CHECK int session_begin(session *s, int64_t deadline, lb_error *err);
LB_MUST_CHECK int session_finish(session *s, bool commit, int64_t deadline, lb_error *err);

/* A control-plane call; the reply is copied into the arena. */
LB_MUST_CHECK int session_control(session_pool *pool, const lb_request *request, int64_t deadline, arena *memory,
                                  const char **ret_json, lb_error *err);

/* A call to a web service of the manifest, the same way: fixtures answer where the transport has some. */
LB_MUST_CHECK int session_http(session_pool *pool, const char *service, const lb_request *request, int64_t deadline,
                               arena *memory, const char **ret_json, lb_error *err);

/* A question to the history for a run on that target: fixtures answer where the transport has some, else `answer` does.
 * What is said is recorded where the pool records. */
LB_MUST_CHECK int session_history(session_pool *pool, const lb_target *target, const lb_command *command,
                                  const lb_sink *sink, fixture_answer answer, void *arg, lb_error *err);

/* Why a recording is not complete, or NULL. */
const lb_error *session_recording_failure(const session_pool *pool);

/* The transport's clock, or the real one. */
int64_t session_clock(session_pool *pool);

#endif
