/* Errors of the server and of libpq as ours. No text that libpq makes of a connection string is passed on unseen. */
#include "pg_internal.h"

#include <ctype.h>
#include <unistd.h>

static const struct {
    const char *sqlstate; /* its first characters */
    int code;
    const char *hint;
} causes[] = {
    {"08", LB_ERR_UNREACHABLE, "is the server running, and is it reachable from here?"},
    {"0A", LB_ERR_UNSUPPORTED, NULL},
    {"25006", LB_ERR_SQL, "reads must not change anything"},
    {"25P03", LB_ERR_TIMEOUT, "raise idle_in_transaction_timeout_ms, or make the group smaller"},
    {"25P04", LB_ERR_TIMEOUT, "raise the transaction_timeout that holds there, or do less in one transaction"},
    {"28", LB_ERR_DENIED, "check user, password and the server's pg_hba.conf"},
    {"3D", LB_ERR_NOT_FOUND, "check the database's name"},
    {"40", LB_ERR_CONFLICT, "try again: another session was in the way"},
    {"42501", LB_ERR_DENIED, "grant the role what it needs"},
    {"53300", LB_ERR_LIMIT, "too many sessions: raise max_connections, or the role's or database's limit"},
    {"53", LB_ERR_LIMIT, "the server has run out of something"},
    {"54", LB_ERR_LIMIT, NULL},
    {"55006", LB_ERR_CONFLICT, "it is in use: try again when it is not"},
    {"55P03", LB_ERR_CONFLICT, "another session holds the lock: try again, or raise lock_timeout_ms"},
    {"57014", LB_ERR_CANCELLED, "somebody cancelled it at the server"},
    {"57P", LB_ERR_UNREACHABLE, "the server ends sessions or is not up yet: try again"},
};

static size_t find_cause(const char *sqlstate)
{
    size_t i = 0;
    while (i < sizeof causes / sizeof causes[0] &&
           strncmp(causes[i].sqlstate, sqlstate, strlen(causes[i].sqlstate)) != 0)
        i++;
    return i;
}

int pg_code_of(const char *sqlstate)
{
    size_t i = find_cause(sqlstate);
    return i < sizeof causes / sizeof causes[0] ? causes[i].code : LB_ERR_SQL;
}

static const char *hint_of(const char *sqlstate)
{
    size_t i = find_cause(sqlstate);
    return i < sizeof causes / sizeof causes[0] ? causes[i].hint : NULL;
}

static void set_sqlstate(lb_error *err, const char *sqlstate)
{
    (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate); /* always five characters */
}

int pg_check_usable(const pg_session *s, lb_error *err)
{
    if (s->owner != getpid())
        return lb_fail(err, LB_ERR_INTERNAL, "open a session of its own there", "%s: a session does not survive a fork",
                       s->where);
    if (s->lost || PQstatus(s->conn) == CONNECTION_BAD)
        return lb_fail(err, LB_ERR_UNREACHABLE, "connect again", "%s: the session was lost", s->where);
    return 0;
}

int pg_fail_lost(pg_session *s, const char *what, lb_error *err)
{
    s->lost = true;
    return lb_fail(err, LB_ERR_UNREACHABLE, "is the server running, and is it reachable from here?",
                   "%s: the connection to %s was lost", what, s->where);
}

/* One state stands for a timeout and for a person who cancels. The text tells them apart, and it is English wherever
 * the role may say so (pg_settings.c); elsewhere the time that has passed does (pg_execute.c). */
static bool is_timeout(const char *sqlstate, const char *message)
{
    return strcmp(sqlstate, "57014") == 0 && strstr(message, "statement timeout");
}

int pg_fail_result(pg_session *s, const PGresult *result, const char *what, bool read_only, lb_error *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    /* After a FATAL the server closes the connection, which may not have been seen yet. */
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    s->lost = s->lost || PQstatus(s->conn) == CONNECTION_BAD || (severity && strcmp(severity, "ERROR") != 0);
    if (!sqlstate || !message) /* libpq's own: the connection broke */
        return pg_fail_lost(s, what, err);
    bool standby = strcmp(sqlstate, "25006") == 0 && !read_only, too_long = is_timeout(sqlstate, message);
    if (!hint)
        hint = standby ? "this server takes no changes: is it a standby?" : too_long ? PG_LIMITED : hint_of(sqlstate);
    (void)lb_fail(err, too_long ? LB_ERR_TIMEOUT : pg_code_of(sqlstate), hint, "%s: %s", what, message); /* fills it */
    set_sqlstate(err, sqlstate);
    return err->code;
}

/* ---- connecting ---- */

static bool is_sqlstate(const char *text)
{
    for (int i = 0; i < 5; i++)
        if (!isdigit((unsigned char)text[i]) && !isupper((unsigned char)text[i]))
            return false;
    return true;
}

/* libpq tells the sqlstate of a failed start in the text alone: "FATAL:  28P01: password ...", when it is verbose. */
static const char *find_sqlstate(const char *message)
{
    for (const char *p = message; (p = strstr(p, ":  ")); p += 3)
        if (strnlen(p, 10) == 10 && is_sqlstate(p + 3) && p[8] == ':' && p[9] == ' ')
            return p + 3;
    return NULL;
}

/* The first line, without what libpq says before it about where it tried. */
static void first_line(const char *message, char *into, size_t size)
{
    const char *failed = strstr(message, " failed: ");
    size_t line = strcspn(message, "\n");
    const char *from = failed && failed < message + line ? failed + strlen(" failed: ") : message;
    (void)snprintf(into, size, "%.*s", (int)strcspn(from, "\n"), from); /* a long line is cut */
}

static void hide(char *text, size_t size, const char *secret)
{
    size_t length = secret ? strlen(secret) : 0;
    for (char *p = text; length && (p = strstr(p, secret));) {
        char rest[512];
        (void)snprintf(rest, sizeof rest, "%s", p + length);               /* texts are shorter */
        (void)snprintf(p, size - (size_t)(p - text), "%s%s", "***", rest); /* cut at the end */
        p += strnlen(p, 3);
    }
}

int pg_fail_connect(PGconn *conn, const char *where, lb_error *err)
{
    const char *message = PQerrorMessage(conn), *sqlstate = find_sqlstate(message);
    char line[300];
    if (sqlstate) {
        char state[6];
        (void)snprintf(state, sizeof state, "%.5s", sqlstate); /* five characters */
        (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(sqlstate + 7, "\n"),
                       sqlstate + 7); /* a long line is cut */
        (void)lb_fail(err, pg_code_of(state), hint_of(state), "cannot connect to %s: %s", where, line); /* fills it */
        set_sqlstate(err, state);
        return err->code;
    }
    if (PQconnectionNeedsPassword(conn))
        return lb_fail(err, LB_ERR_DENIED, "put it into the dsn, PGPASSWORD or ~/.pgpass",
                       "cannot connect to %s: it asks for a password", where);
    first_line(message, line, sizeof line);
    hide(line, sizeof line, PQpass(conn));
    return lb_fail(err, LB_ERR_UNREACHABLE, "is the server running, and is it reachable from here?",
                   "cannot connect to %s: %s", where, line);
}
