/* pg_internal.h: what the files of pg_session share. */
#ifndef LBOPS_SERVICES_PG_INTERNAL_H
#define LBOPS_SERVICES_PG_INTERNAL_H

#include "pg_session.h"

#include <libpq-fe.h>
#include <sys/types.h>

#define PG_MILLISECOND INT64_C(1000)
#define PG_SECOND      INT64_C(1000000)
#define PG_MARK        "/* lbops */"
#define PG_LIMITED     "the statement_timeout that holds there ended it: raise that, or ask for less at once"
#define PG_NAME        64 /* the server cuts application names there */

struct pg_session {
    const lb_service_host *host;
    PGconn *conn;
    pid_t owner;
    char where[200];                  /* "host:port/database as user" */
    char application[PG_NAME];        /* what the server knows */
    char wanted_application[PG_NAME]; /* what it should know */
    int64_t timeout_ms;               /* the server's statement_timeout */
    int64_t timeout_limit_ms;         /* 0: none */
    int64_t stated_ms;                /* the one that a change has set last; 0: none has, or its transaction is over */
    int64_t lock_ms;                  /* the server's lock_timeout, as far as it is our doing */
    int64_t lock_limit_ms, brief_lock_limit_ms;
    char proof_setting[64]; /* "": the branch is proved, or there is nothing to prove */
    char proof_value[64];
    const lb_sink *listener; /* of the statement that runs; NULL: nobody's */
    bool writes;             /* default_transaction_read_only is off */
    bool lost;
};

/* pg_connect.c */
void pg_application(char into[PG_NAME], const char *tool);

/* pg_wait.c: every wait for the server. `stoppable` ones end with LB_ERR_CANCELLED when the run should stop. */
LB_MUST_CHECK int pg_check_stop(const pg_session *s, int64_t deadline, lb_error *err);
LB_MUST_CHECK int pg_wait(pg_session *s, short events, int64_t deadline, bool stoppable, lb_error *err);
/* All that has come; false: the connection broke. Before each wait for more. */
LB_MUST_CHECK bool pg_take_input(PGconn *conn);
LB_MUST_CHECK int pg_next_result(pg_session *s, int64_t deadline, bool stoppable, PGresult **ret_result, lb_error *err);

/* Cancels what runs and reads its results away. rest is called for each of them. False: the session is lost. */
bool pg_stop(pg_session *s, void (*rest)(void *arg, const PGresult *result), void *arg);

/* Statements of our own, without parameters, several of them with ; between. */
LB_MUST_CHECK int pg_run(pg_session *s, const char *what, const char *sql, int64_t deadline, bool stoppable,
                         lb_error *err);

/* pg_settings.c: brings the session's settings up to what the next statement needs: at most one round trip, mostly
 * none. */
typedef enum pg_purpose {
    PG_READS,
    PG_LOOKS,  /* a brief read */
    PG_BEGINS, /* a group */
    PG_WRITES,
    PG_WRITES_BESIDE /* others, who need not wait for it: it waits for them, however long they take */
} pg_purpose;
LB_MUST_CHECK int pg_settle(pg_session *s, pg_purpose purpose, int64_t deadline, lb_error *err);
void pg_note_limit(pg_session *s, const char *text);
LB_MUST_CHECK int pg_settle_first(pg_session *s, const pg_options *options, int64_t deadline, lb_error *err);

/* pg_proof.c: is this the branch that was asked for? Asked once, before the first change. */
LB_MUST_CHECK int pg_prove(pg_session *s, int64_t deadline, lb_error *err);

/* pg_error.c */
int pg_code_of(const char *sqlstate);
int pg_fail_result(pg_session *s, const PGresult *result, const char *what, bool read_only, lb_error *err);
int pg_fail_connect(PGconn *conn, const char *where, lb_error *err);
int pg_fail_lost(pg_session *s, const char *what, lb_error *err);
LB_MUST_CHECK int pg_check_usable(const pg_session *s, lb_error *err);

#endif
