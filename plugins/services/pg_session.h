/* pg_session.h: sessions on Postgres servers by libpq, for the transports that need them.
 *
 * A session reads by default: default_transaction_read_only is on, and switched only around changes, so that a warm
 * read takes one round trip. Nothing waits past its deadline but for the short while that cancelling needs. A session
 * whose state is not known any more says LB_ERR_UNREACHABLE to everything. It belongs to the process that opened it.
 * [worker] */
#ifndef LBOPS_SERVICES_PG_SESSION_H
#define LBOPS_SERVICES_PG_SESSION_H

#include <lbops/lbops.h>

#include <lbops/transport.h>

typedef struct pg_options {
    const char *conninfo; /* libpq's keyword form or a URL; a secret */
    const char *database; /* NULL: the conninfo's */
    const char *password; /* NULL: the conninfo's */
    int64_t connect_timeout_ms;
    int64_t statement_timeout_ms; /* 0: the run's deadline alone */
    int64_t lock_timeout_ms;
    int64_t read_lock_timeout_ms; /* of brief reads; 0: as all others */
    int64_t idle_in_transaction_timeout_ms;
    const char *proof_setting; /* before a session's first change, this setting of the server ... */
    const char *proof_value;   /* ... has to have this value: it tells the branch. NULL: there is nothing to prove */
} pg_options;

typedef struct pg_session pg_session;

/* The limits as a transport's parameters: rows of its table, where `member` is the pg_limits of its settings. */
typedef struct pg_limits {
    int64_t connect_timeout_s, statement_timeout_ms, lock_timeout_ms, read_lock_timeout_ms,
        idle_in_transaction_timeout_ms;
} pg_limits;

#define PG_LIMIT(args, member, field, default_text, least, most, text)                                                 \
    {                                                                                                                  \
        .name = #field, .type = LB_I64, .fallback = (default_text), .doc = (text), .min = (least), .max = (most),      \
        .offset = offsetof(args, member) + offsetof(pg_limits, field), .width = sizeof(((pg_limits *)0)->field)        \
    }
#define PG_LIMIT_PARAMS(args, member)                                                                                  \
    PG_LIMIT(args, member, connect_timeout_s, "10", "1", "3600", "seconds to wait for a connection"),                  \
        PG_LIMIT(args, member, statement_timeout_ms, "0", "0", "2147483647",                                           \
                 "longest time for one statement; 0: the run's own limit"),                                            \
        PG_LIMIT(args, member, lock_timeout_ms, "5000", "0", "2147483647", "longest wait for a lock; 0: no limit"),    \
        PG_LIMIT(args, member, read_lock_timeout_ms, "200", "0", "2147483647",                                         \
                 "the same for a tool that only looks, if that is shorter; 0: as lock_timeout_ms"),                    \
        PG_LIMIT(args, member, idle_in_transaction_timeout_ms, "60000", "0", "2147483647",                             \
                 "the server ends a session that idles so long inside a transaction; 0: never")

/* Options with these limits and nothing else. */
pg_options pg_limited(const pg_limits *limits);

/* Is it one that libpq takes, and can no part of a password show up in a message about it? */
LB_MUST_CHECK int pg_check_conninfo(const char *conninfo, lb_error *err);

/* application: the tool; the server's views show lbops/TOOL. options are needed during the call only. */
LB_MUST_CHECK int pg_session_open(const lb_service_host *host, const pg_options *options, const char *application,
                                  int64_t deadline, pg_session **ret_session, lb_error *err);
pg_session *pg_session_close(pg_session *s); /* NULL is fine */

/* Does it still live, as far as can be seen without asking the server? The new name goes there with the next statement.
 */
LB_MUST_CHECK int pg_session_reuse(pg_session *s, const char *application, lb_error *err);

LB_MUST_CHECK int pg_session_version(pg_session *s, int *ret_major, lb_error *err);
const char *pg_session_database(const pg_session *s);
const char *pg_session_host(const pg_session *s);
/* A URL of another database of the same server for the same role, with no password in it; the caller frees. */
char *pg_session_url(const pg_session *s, const char *database);
/* A text as a part of a URL: everything but letters, digits and -._~ as %XX. NULL without memory; the caller frees. */
char *pg_url_part(const char *text);
/* libpq's variables that lead a program here as the same role; the password is among them. */
LB_MUST_CHECK int pg_session_lend(const pg_session *s, int (*put)(void *arg, const char *name, const char *value),
                                  void *arg, lb_error *err);
LB_MUST_CHECK int pg_session_has_database(pg_session *s, const char *name, int64_t deadline, bool *ret_has,
                                          lb_error *err);

LB_MUST_CHECK int pg_session_execute(pg_session *s, const lb_command *command, const lb_sink *sink,
                                     int64_t *ret_affected, lb_error *err);
LB_MUST_CHECK int pg_session_begin(pg_session *s, int64_t deadline, lb_error *err);
LB_MUST_CHECK int pg_session_finish(pg_session *s, bool commit, int64_t deadline, lb_error *err);

#endif
