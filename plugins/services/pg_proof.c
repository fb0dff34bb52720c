/* Which branch a session is on: a change on another one than was asked for is the worst that a mix-up of names,
 * addresses or sockets could do. A connection cannot move to another server, so once is enough. */
#include "pg_internal.h"

/* The one value; "" where the server has none. */
static int read_value(pg_session *s, int64_t deadline, char *into, size_t size, lb_error *err)
{
    int failed = 0;
    for (;;) {
        PGresult *result = NULL;
        int r = pg_next_result(s, deadline, true, &result, err);
        if (r < 0) {
            s->lost = true; /* rare enough that a new session is the simplest way on */
            return lb_wrap(err, "proving the branch");
        }
        if (!result)
            return failed;
        if (PQresultStatus(result) != PGRES_TUPLES_OK)
            failed = failed ? failed : pg_fail_result(s, result, "proving the branch", true, err);
        else if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
            (void)snprintf(into, size, "%s", PQgetvalue(result, 0, 0)); /* a longer one differs anyway */
        PQclear(result);
    }
}

int pg_prove(pg_session *s, int64_t deadline, lb_error *err)
{
    char value[sizeof s->proof_value + 8] = "";
    const char *const params[] = {s->proof_setting};
    if (!s->proof_setting[0])
        return 0;
    if (!PQsendQueryParams(s->conn, "SELECT pg_catalog.current_setting($1, true) " PG_MARK, 1, NULL, params, NULL, NULL,
                           0))
        return pg_fail_lost(s, "proving the branch", err);
    int r = read_value(s, deadline, value, sizeof value, err);
    if (r < 0)
        return r;
    if (strcmp(value, s->proof_value) != 0)
        return lb_fail(err, LB_ERR_CONFLICT, "connect again; if it stays so, somebody else's server answers there",
                       "%s is not the branch that was asked for: %s is '%s' and not '%s'; nothing was changed",
                       s->where, s->proof_setting, value, s->proof_value);
    s->proof_setting[0] = '\0';
    return 0;
}
