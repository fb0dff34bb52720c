#include "pg_internal.h"

#include <poll.h>

pg_options pg_limited(const pg_limits *limits)
{
    return (pg_options){.connect_timeout_ms = limits->connect_timeout_s * 1000,
                        .statement_timeout_ms = limits->statement_timeout_ms,
                        .lock_timeout_ms = limits->lock_timeout_ms,
                        .read_lock_timeout_ms = limits->read_lock_timeout_ms,
                        .idle_in_transaction_timeout_ms = limits->idle_in_transaction_timeout_ms};
}

int pg_session_version(pg_session *s, int *ret_major, lb_error *err)
{
    int r = pg_check_usable(s, err);
    if (r < 0)
        return r;
    *ret_major = PQserverVersion(s->conn) / 10000;
    return 0;
}

const char *pg_session_database(const pg_session *s)
{
    const char *name = PQdb(s->conn);
    return name ? name : "";
}

/* ---- keeping ---- */

/* Reads what came while nobody waited: notices, the end of the connection. */
static bool still_open(PGconn *conn)
{
    for (int i = 0; i < 8; i++) {
        struct pollfd p = {.fd = PQsocket(conn), .events = POLLIN};
        if (poll(&p, 1, 0) <= 0)
            return true; /* nothing to read; after a signal the next statement finds out */
        if (!pg_take_input(conn))
            return false;
        (void)PQisBusy(conn); /* takes notices and the server's last words out of the input */
    }
    return PQstatus(conn) == CONNECTION_OK;
}

int pg_session_reuse(pg_session *s, const char *application, lb_error *err)
{
    int r = pg_check_usable(s, err);
    if (r < 0)
        return r;
    if (!still_open(s->conn))
        return pg_fail_lost(s, "taking a kept session over", err);
    if (PQtransactionStatus(s->conn) != PQTRANS_IDLE)
        return lb_fail(err, LB_ERR_CONFLICT, "connect again", "%s: a transaction was left open", s->where);
    pg_application(s->wanted_application, application);
    return 0;
}

/* ---- databases ---- */

static int one_column(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    (void)state;
    (void)names; /* it is our own statement */
    return count == 1 ? 0 : lb_fail(err, LB_ERR_INTERNAL, NULL, "%u columns for one", count);
}

static int one_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    bool *has = state;
    (void)count;
    (void)cells; /* that there is a row says it all */
    (void)err;
    *has = true;
    return 0;
}

int pg_session_has_database(pg_session *s, const char *name, int64_t deadline, bool *ret_has, lb_error *err)
{
    bool has = false;
    int64_t ignored;
    const lb_sink sink = {.size = sizeof sink, .state = &has, .columns = one_column, .row = one_row};
    const lb_command command = {
        .size = sizeof command,
        .name = "look for a database",
        .text = "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1 AND datallowconn",
        .params = (const char *const[]){name},
        .param_types = (const char *const[]){"name"},
        .param_count = 1,
        .read_only = true,
        .deadline = deadline,
    };
    int r = pg_session_execute(s, &command, &sink, &ignored, err);
    if (r == 0)
        *ret_has = has;
    return r;
}

/* ---- transactions ---- */

int pg_session_begin(pg_session *s, int64_t deadline, lb_error *err)
{
    int r = pg_check_usable(s, err);
    if (r < 0)
        return r;
    if (PQtransactionStatus(s->conn) != PQTRANS_IDLE)
        return lb_fail(err, LB_ERR_CONFLICT, "finish the first one", "%s: there is a transaction already", s->where);
    r = pg_settle(s, PG_BEGINS, deadline, err);
    if (r == 0)
        r = pg_prove(s, deadline, err);
    return r < 0 ? r : pg_run(s, "begin", "BEGIN READ WRITE", deadline, true, err);
}

/* A server takes back what was not committed as soon as the connection ends, so this cannot fail: a session that does
 * not answer is given up instead. */
static int roll_back(pg_session *s, int64_t deadline)
{
    lb_error ignored;
    int64_t until = s->host->now() + PG_SECOND; /* a cancelled or late run still has this much */
    if (s->lost || PQstatus(s->conn) == CONNECTION_BAD)
        return 0;
    if (pg_run(s, "rollback", "ROLLBACK", until > deadline ? until : deadline, false, &ignored) < 0)
        s->lost = true;
    return 0;
}

/* Once it is sent nobody may give it up half-way: a cancelled run waits for it as well. */
static int commit(pg_session *s, int64_t deadline, lb_error *err)
{
    int64_t until = s->host->now() + PG_SECOND;
    int r = pg_run(s, "commit", "COMMIT", until > deadline ? until : deadline, false, err);
    if (r < 0 && (r == LB_ERR_TIMEOUT || s->lost)) {
        s->lost = true;
        return lb_fail(err, r, "it is not known whether it took effect: look before you repeat it",
                       "commit: %s did not answer", s->where);
    }
    return r;
}

int pg_session_finish(pg_session *s, bool commits, int64_t deadline, lb_error *err)
{
    int r = pg_check_usable(s, err);
    if (r < 0)
        return commits || r == LB_ERR_INTERNAL ? r : 0;
    PGTransactionStatusType status = PQtransactionStatus(s->conn);
    if (status == PQTRANS_IDLE)
        return lb_fail(err, LB_ERR_CONFLICT, "begin first", "%s: there is no transaction to finish", s->where);
    s->stated_ms = 0;
    if (!commits)
        return roll_back(s, deadline);
    if (status != PQTRANS_INERROR)
        return commit(s, deadline, err);
    (void)roll_back(s, deadline);                                                                  /* cannot fail */
    (void)lb_fail(err, LB_ERR_SQL, NULL, "commit: the transaction had failed and was taken back"); /* fills it */
    memcpy(err->sqlstate, "25P02", sizeof err->sqlstate);
    return err->code;
}
