/* The settings of a session. They are pinned where they shape what the server prints, whatever role and database say.
 */
#include "pg_internal.h"

#include <stdlib.h>

#define GRACE_MS INT64_C(1000) /* our own deadline comes first: it knows whose it was */

/* Postgres wants it as milliseconds in 32 bits. */
static int64_t held(int64_t timeout_ms)
{
    return timeout_ms > INT32_MAX ? INT32_MAX : timeout_ms;
}

static int64_t left_until(const pg_session *s, int64_t deadline)
{
    int64_t now = s->host->now();
    return (deadline > now ? (deadline - now) / PG_MILLISECOND : 0) + GRACE_MS;
}

/* The server's own timeout is for the case that nobody is left here to cancel. It is rounded up to a power of two
 * seconds, so that it need not be set for each statement. */
static int64_t wanted_timeout(const pg_session *s, int64_t left_ms)
{
    int64_t wanted = GRACE_MS;
    while (wanted < left_ms && wanted < INT32_MAX)
        wanted *= 2;
    if (s->timeout_limit_ms && s->timeout_limit_ms < wanted)
        wanted = s->timeout_limit_ms;
    return held(wanted);
}

static bool fits(const pg_session *s, int64_t wanted, int64_t left_ms)
{
    if (s->timeout_ms == wanted)
        return true;
    return s->timeout_ms >= (left_ms < wanted ? left_ms : wanted) && s->timeout_ms / 4 <= wanted;
}

static bool is_writing(const pg_session *s)
{
    const char *reported =
        PQparameterStatus(s->conn, "default_transaction_read_only"); /* since 14; not through each pooler */
    return reported ? strcmp(reported, "off") == 0 : s->writes;
}

/* Whoever only looks gives up first: its next look comes, and what it waits for may be a change that others queue for.
 */
static int64_t wanted_lock_timeout(const pg_session *s, pg_purpose purpose)
{
    if (purpose == PG_WRITES_BESIDE)
        return 0;
    bool is_shorter = s->brief_lock_limit_ms && (!s->lock_limit_ms || s->brief_lock_limit_ms < s->lock_limit_ms);
    return purpose == PG_LOOKS && is_shorter ? s->brief_lock_limit_ms : s->lock_limit_ms;
}

int pg_settle(pg_session *s, pg_purpose purpose, int64_t deadline, lb_error *err)
{
    char sql[400] = "";
    size_t length = 0;
    int64_t left_ms = left_until(s, deadline);
    int64_t timeout_ms = wanted_timeout(s, left_ms), lock_ms = wanted_lock_timeout(s, purpose);
    bool renames = strcmp(s->application, s->wanted_application) != 0, limits = !fits(s, timeout_ms, left_ms);
    bool writes = purpose == PG_WRITES || purpose == PG_WRITES_BESIDE, switches = is_writing(s) != writes;
    if (PQtransactionStatus(s->conn) != PQTRANS_IDLE)
        return 0; /* a setting would be taken back with the transaction */
    if (renames)  /* made of harmless characters only: see pg_application */
        length += (size_t)snprintf(sql, sizeof sql, "SET application_name TO '%s';", s->wanted_application);
    if (limits)
        length += (size_t)snprintf(sql + length, sizeof sql - length, "SET statement_timeout TO %lld;",
                                   (long long)timeout_ms);
    if (lock_ms != s->lock_ms)
        length += (size_t)snprintf(sql + length, sizeof sql - length, "SET lock_timeout TO %lld;", (long long)lock_ms);
    if (switches)
        length += (size_t)snprintf(sql + length, sizeof sql - length, "SET default_transaction_read_only TO %s;",
                                   writes ? "off" : "on");
    if (!length)
        return 0;
    int r = pg_run(s, "settings", sql, deadline, true, err);
    if (r < 0)
        return r;
    memcpy(s->application, s->wanted_application, sizeof s->application);
    s->timeout_ms = limits ? timeout_ms : s->timeout_ms;
    s->lock_ms = lock_ms;
    s->writes = writes;
    return 0;
}

/* A change that sets a limit for what comes behind it, in its transaction or in the session. */
void pg_note_limit(pg_session *s, const char *text)
{
    static const char *const forms[] = {"SET LOCAL statement_timeout TO ", "SET statement_timeout TO "};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strncmp(text, forms[i], strlen(forms[i])) == 0)
            s->stated_ms = strtoll(text + strlen(forms[i]), NULL, 10);
}

/* What a client that has vanished holds, locks above all, is free again after a minute: the keepalives of our end tell
 * us of a dead server, and those of the server's end tell it of us. Over a local socket they say nothing. */
int pg_settle_first(pg_session *s, const pg_options *options, int64_t deadline, lb_error *err)
{
    char sql[1024];
    s->timeout_limit_ms = options->statement_timeout_ms;
    s->timeout_ms = wanted_timeout(s, left_until(s, deadline));
    s->lock_ms = s->lock_limit_ms = held(options->lock_timeout_ms);
    s->brief_lock_limit_ms = held(options->read_lock_timeout_ms);
    (void)snprintf(sql, sizeof sql, /* the room is ample */
                   "SET default_transaction_read_only TO on;"
                   "SET statement_timeout TO %lld;"
                   "SET lock_timeout TO %lld;"
                   "SET idle_in_transaction_session_timeout TO %lld;"
                   "SET tcp_keepalives_idle TO 30;"
                   "SET tcp_keepalives_interval TO 10;"
                   "SET tcp_keepalives_count TO 3;"
                   "SET search_path TO public, pg_temp;" /* pg_catalog comes before them unsaid */
                   "SET timezone TO 'UTC';"
                   "SET datestyle TO 'ISO, YMD';"
                   "SET intervalstyle TO 'postgres';"
                   "SET extra_float_digits TO 1;"
                   "SET bytea_output TO 'hex';"
                   "SET quote_all_identifiers TO off;"
                   "SET standard_conforming_strings TO on;"
                   /* a role that may not set it has its errors told apart without words */
                   "SELECT pg_catalog.set_config('lc_messages', 'C', false)"
                   " WHERE pg_catalog.has_parameter_privilege('lc_messages', 'SET') " PG_MARK,
                   (long long)s->timeout_ms, (long long)s->lock_ms,
                   (long long)held(options->idle_in_transaction_timeout_ms));
    return pg_run(s, "settings", sql, deadline, true, err);
}
