/* health_sessions.h: the sessions of a server, read once, and who of them may never be ended. */
#ifndef LBOPS_HEALTH_SESSIONS_H
#define LBOPS_HEALTH_SESSIONS_H

#include <lbops/lbops.h>
#include <sql/connections/blast_radius.h>
#include <sql/connections/capacity.h>
#include <sql/connections/end_session.h>
#include <sql/connections/sessions.h>

typedef connections_sessions_row health_session;
typedef connections_capacity_row health_capacity;

typedef struct health_sessions {
    const health_session *rows; /* the longest in their state first */
    size_t count, hidden;       /* hidden: of other roles, for want of pg_read_all_stats */
    health_capacity capacity;
} health_sessions;

LB_MUST_CHECK int health_read_sessions(lb_ctx *ctx, health_sessions *ret_sessions, lb_error *err);

/* One of the clients that max_connections counts. */
bool health_is_client(const health_session *s);
bool health_is_idle(const health_session *s);
bool health_is_idle_in_transaction(const health_session *s);

/* Connections of ordinary clients against what the server takes from them; 0 where it takes none. */
double health_utilization(const health_sessions *sessions, int64_t *ret_clients, int64_t *ret_limit);

/* Whom nobody may end, besides those that the server and we ourselves need. A * at the end stands for any rest. */
typedef struct health_kept {
    lb_texts users, databases, applications;
} health_kept;

bool health_is_listed(const lb_texts *patterns, const char *text);

/* Why the session may never be ended, or NULL. */
const char *health_protection(const health_session *s, const health_kept *kept);

/* Ends this session, if it is still what was looked at: the same one, in the same state and transaction. */
connections_end_session_args health_ending(const health_session *s);

/* What goes with a session that is ended, for the evidence: blast_radius, and why it is not known where it is null. */
typedef struct health_radius {
    lb_value facts, unknown;
} health_radius;

/* Of a session with whom nothing goes. */
health_radius health_no_radius(void);

/* What it holds, who waits, what is rolled back and how long that takes. Postgres undoes nothing: an abort writes a
 * record and lets go of locks and new files, whatever was written before. Where the server refuses to say, that is no
 * failure: a person can decide without it. */
LB_MUST_CHECK int health_blast_radius(lb_ctx *ctx, const health_session *s, health_radius *ret_radius, lb_error *err);

/* Says what could not be seen, if anything. */
LB_MUST_CHECK int health_say_hidden(lb_ctx *ctx, const health_sessions *sessions, lb_error *err);

#endif
