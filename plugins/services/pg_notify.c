#include "pg_notify.h"

#include "pg_internal.h"

#include <poll.h>

static bool take_all(PGconn *conn)
{
    PGnotify *notify;
    bool any = false;
    while ((notify = PQnotifies(conn))) {
        any = true;
        PQfreemem(notify);
    }
    return any;
}

int pg_session_wait_notified(pg_session *s, int64_t deadline, lb_error *err)
{
    int r = pg_check_usable(s, err);
    while (r == 0 && !take_all(s->conn)) {
        r = pg_wait(s, POLLIN, deadline, true, err);
        if (r == 0 && !pg_take_input(s->conn))
            r = pg_fail_lost(s, "waiting to be notified", err);
    }
    return r;
}

int pg_session_descriptor(const pg_session *s)
{
    return s->lost ? -1 : PQsocket(s->conn);
}
