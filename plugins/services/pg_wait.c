/* Waiting for the server: results, deadlines, cancelling. libpq never blocks here, except inside the thread that
 * cancels. */
#include "pg_internal.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* A signal ends a wait. It may also come just before the wait begins; then the end of the slice is when it is seen. */
#define SLICE_MS 1000

#define DRAIN (2 * PG_SECOND)

int pg_check_stop(const pg_session *s, int64_t deadline, lb_error *err)
{
    if (s->host->cancelled())
        return lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled");
    if (s->host->now() >= deadline)
        return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "the deadline passed");
    return 0;
}

int pg_wait(pg_session *s, short events, int64_t deadline, bool stoppable, lb_error *err)
{
    for (;;) {
        struct pollfd p = {.fd = PQsocket(s->conn), .events = events};
        if (stoppable && s->host->cancelled())
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled");
        int64_t now = s->host->now();
        if (now >= deadline)
            return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "the deadline passed");
        int64_t left_ms = (deadline - now - 1) / PG_MILLISECOND + 1;
        int n = poll(&p, 1, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS));
        if (n > 0)
            return 0; /* errors of the socket too: libpq finds them when it reads */
        if (n < 0 && errno != EINTR)
            return lb_fail(err, LB_ERR_IO, NULL, "cannot wait for %s: %s", s->where, strerror(errno));
    }
}

/* A record of TLS holds up to 16 kB, and libpq takes what its buffer has room for: the rest has been decrypted, and no
 * socket tells of it. Servers send records of half that size; the proxies before them do not. */
bool pg_take_input(PGconn *conn)
{
    const SSL *tls = PQsslStruct(conn, "OpenSSL");
    bool is_whole = PQconsumeInput(conn);
    while (is_whole && tls && SSL_pending(tls) > 0)
        is_whole = PQconsumeInput(conn);
    return is_whole;
}

int pg_next_result(pg_session *s, int64_t deadline, bool stoppable, PGresult **ret_result, lb_error *err)
{
    for (;;) {
        int unsent = PQflush(s->conn);
        if (unsent < 0 || !PQisBusy(s->conn))
            break;
        int r = pg_wait(s, (short)(POLLIN | (unsent ? POLLOUT : 0)), deadline, stoppable, err);
        if (r < 0)
            return r;
        if (!pg_take_input(s->conn))
            break; /* the connection broke: the next result says how, if the server still could */
    }
    *ret_result = PQgetResult(s->conn);
    return 0;
}

/* ---- cancelling ---- */

/* PQcancel connects once more and blocks as long as that takes: on a dead network, minutes. So it has a thread of its
 * own, which owns the request. */
static void *send_cancel(void *arg)
{
    PGcancel *cancel = arg;
    char ignored[256];
    (void)PQcancel(cancel, ignored, sizeof ignored); /* whether it helped shows in the results */
    PQfreeCancel(cancel);
    return NULL;
}

static bool start_cancel(PGconn *conn, pthread_t *ret_thread)
{
    PGcancel *cancel = PQgetCancel(conn);
    sigset_t all, before;
    if (!cancel)
        return false;
    (void)sigfillset(&all); /* cannot fail: signals are the main thread's, whose waits they end */
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        PQfreeCancel(cancel);
        return false;
    }
    int failed = pthread_create(ret_thread, NULL, send_cancel, cancel);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* the mask was valid a moment ago */
    if (failed)
        PQfreeCancel(cancel);
    return !failed;
}

static bool end_cancel(pthread_t thread, int64_t deadline)
{
    struct timespec until = {.tv_sec = (time_t)(deadline / PG_SECOND), .tv_nsec = (long)(deadline % PG_SECOND * 1000)};
    if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == 0)
        return true;
    (void)pthread_detach(thread); /* it ends when its connection attempt does */
    return false;
}

bool pg_stop(pg_session *s, void (*rest)(void *arg, const PGresult *result), void *arg)
{
    pthread_t thread;
    lb_error ignored;
    PGresult *result = NULL;
    int64_t until = s->host->now() + DRAIN;
    bool cancels = start_cancel(s->conn, &thread), drained = false;
    while (pg_next_result(s, until, false, &result, &ignored) == 0) {
        if (!result) {
            drained = true;
            break;
        }
        rest(arg, result);
        PQclear(result);
    }
    /* A cancel request that is still under way could hit the next statement. */
    if (cancels && !end_cancel(thread, drained ? s->host->now() + DRAIN : until))
        drained = false;
    s->lost = s->lost || !drained || PQstatus(s->conn) == CONNECTION_BAD;
    return !s->lost;
}

/* ---- statements of our own ---- */

static void ignore_result(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result; /* what is cancelled has nothing more to say */
}

int pg_run(pg_session *s, const char *what, const char *sql, int64_t deadline, bool stoppable, lb_error *err)
{
    PGresult *result = NULL;
    int failed = 0;
    if (!PQsendQuery(s->conn, sql))
        return pg_fail_lost(s, what, err);
    for (;;) {
        lb_error waiting;
        int r = pg_next_result(s, deadline, stoppable, &result, &waiting);
        if (r < 0) {
            (void)pg_stop(s, ignore_result, NULL); /* a lost session says so at its next use */
            *err = waiting;
            return lb_wrap(err, what);
        }
        if (!result)
            return failed;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR && !failed)
            failed = pg_fail_result(s, result, what, false, err);
        PQclear(result);
    }
}
