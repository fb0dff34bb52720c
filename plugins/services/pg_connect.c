/* Opening and closing sessions. The connection string is a secret: what is said about it is host, port, database and
 * user. */
#include "pg_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define OURS 8 /* keywords that we add */

/* ---- the connection string ---- */

static bool is_url(const char *conninfo)
{
    return strncmp(conninfo, "postgres://", 11) == 0 || strncmp(conninfo, "postgresql://", 13) == 0;
}

/* In a URL a password with an unescaped @ or / turns into a host, a port or a database, which messages do show. */
static bool has_stray_at(const char *url)
{
    const char *authority = strstr(url, "://") + 3, *at = strchr(authority, '@');
    if (!at)
        return false;
    /* libpq ends user and password at the first @ that comes before any slash, whatever else is between. */
    bool ends_user = (size_t)(at - authority) < strcspn(authority, "/");
    const char *rest = ends_user ? at + 1 : authority;
    const char *stray = strchr(rest, '@'), *query = strchr(rest, '?');
    return stray && (!query || stray < query);
}

static bool has_plain_port(const PQconninfoOption *options)
{
    for (const PQconninfoOption *o = options; o->keyword; o++)
        if (strcmp(o->keyword, "port") == 0 && o->val && strspn(o->val, "0123456789,") != strlen(o->val))
            return false;
    return true;
}

/* NULL: err. */
static PQconninfoOption *parse_conninfo(const char *conninfo, lb_error *err)
{
    static const char hint[] =
        "postgresql://user@host:5432/database, or host=... dbname=...; in a URL, write % @ / ? : # of a "
        "password as %25 %40 %2F %3F %3A %23";
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &message);
    PQfreemem(message); /* it quotes the text, password and all */
    if (options && has_plain_port(options) && !(is_url(conninfo) && has_stray_at(conninfo)))
        return options;
    PQconninfoFree(options);
    (void)lb_fail(err, LB_ERR_INVALID, hint, "the dsn is not a connection string that libpq takes"); /* fills it */
    return NULL;
}

int pg_check_conninfo(const char *conninfo, lb_error *err)
{
    PQconninfoOption *options = parse_conninfo(conninfo, err);
    if (!options)
        return err->code;
    PQconninfoFree(options);
    return 0;
}

/* ---- connecting ---- */

/* Printable characters that need no quoting anywhere. */
void pg_application(char into[PG_NAME], const char *tool)
{
    (void)snprintf(into, PG_NAME, "lbops/%s", tool && *tool ? tool : "-"); /* the server would cut it, too */
    for (char *p = into; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./ ", *p))
            *p = '?';
}

static void log_notice(void *arg, const PGresult *result);

typedef struct keywords {
    const char **names, **values;
    size_t count;
} keywords;

static void set_keyword(keywords *k, const char *name, const char *value, bool replaces)
{
    size_t i = 0;
    while (i < k->count && strcmp(k->names[i], name) != 0)
        i++;
    if (i < k->count && !replaces)
        return;
    k->names[i] = name;
    k->values[i] = value;
    k->count += i == k->count;
}

static PGconn *start(const PQconninfoOption *parsed, const pg_options *options, const char *application)
{
    size_t count = 0;
    while (parsed[count].keyword)
        count++;
    keywords k = {.names = calloc(count + OURS + 1, sizeof *k.names),
                  .values = calloc(count + OURS + 1, sizeof *k.values)};
    PGconn *conn = NULL;
    if (k.names && k.values) {
        for (size_t i = 0; i < count; i++)
            if (parsed[i].val)
                set_keyword(&k, parsed[i].keyword, parsed[i].val, true);
        if (options->database)
            set_keyword(&k, "dbname", options->database, true);
        if (options->password)
            set_keyword(&k, "password", options->password, true);
        set_keyword(&k, "application_name", application, true);
        set_keyword(&k, "client_encoding", "UTF8", true);
        /* So that a dead network is noticed, in a cancel request too, which takes these along. */
        set_keyword(&k, "tcp_user_timeout", "30000", false);
        set_keyword(&k, "keepalives_idle", "30", false);
        set_keyword(&k, "keepalives_interval", "10", false);
        set_keyword(&k, "keepalives_count", "3", false);
        conn = PQconnectStartParams(k.names, k.values, 0); /* 0: a database's name is a name, not another conninfo */
    }
    free(k.names);
    free(k.values);
    return conn;
}

static void describe(pg_session *s)
{
    const char *host = PQhost(s->conn), *port = PQport(s->conn), *database = PQdb(s->conn), *user = PQuser(s->conn);
    (void)snprintf(s->where, sizeof s->where, "%.80s:%.5s/%.63s as %.40s", host ? host : "", port ? port : "",
                   database ? database : "", user ? user : ""); /* long names are cut */
}

static int poll_connection(pg_session *s, const pg_options *options, int64_t deadline, lb_error *err)
{
    int64_t limit = s->host->now() + options->connect_timeout_ms * PG_MILLISECOND;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED || PQstatus(s->conn) == CONNECTION_BAD)
            return pg_fail_connect(s->conn, s->where, err);
        int r = pg_wait(s, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline < limit ? deadline : limit,
                        true, err);
        if (r == LB_ERR_TIMEOUT && limit <= deadline)
            return lb_fail(err, LB_ERR_UNREACHABLE, "is the server running, and is it reachable from here?",
                           "cannot connect to %s: no answer in %lld ms", s->where,
                           (long long)options->connect_timeout_ms);
        if (r < 0)
            return lb_wrap(err, s->where);
        status = PQconnectPoll(s->conn);
        describe(s); /* of several hosts, the one that is tried now */
    }
    return 0;
}

static int establish(pg_session *s, const pg_options *options, int64_t deadline, lb_error *err)
{
    PQconninfoOption *parsed = parse_conninfo(options->conninfo, err);
    if (!parsed)
        return err->code;
    s->conn = start(parsed, options, s->application);
    PQconninfoFree(parsed);
    if (!s->conn)
        return lb_out_of_memory(err);
    describe(s);
    (void)PQsetErrorVerbosity(s->conn, PQERRORS_VERBOSE); /* a failed start tells its sqlstate only so */
    (void)PQsetNoticeReceiver(s->conn, log_notice, s);    /* returns the former one */
    int r = poll_connection(s, options, deadline, err);
    if (r < 0)
        return r;
    (void)PQsetErrorVerbosity(s->conn, PQERRORS_DEFAULT); /* returns the former one */
    if (PQsetnonblocking(s->conn, 1) != 0)
        return pg_fail_lost(s, "connecting", err);
    return pg_settle_first(s, options, deadline, err);
}

int pg_session_open(const lb_service_host *host, const pg_options *options, const char *application, int64_t deadline,
                    pg_session **ret_session, lb_error *err)
{
    pg_session *s = calloc(1, sizeof *s);
    if (!s)
        return lb_out_of_memory(err);
    s->host = host;
    s->owner = getpid();
    pg_application(s->application, application);
    memcpy(s->wanted_application, s->application, sizeof s->wanted_application);
    if (options->proof_setting) {
        (void)snprintf(s->proof_setting, sizeof s->proof_setting, "%s", options->proof_setting); /* ours: they fit */
        (void)snprintf(s->proof_value, sizeof s->proof_value, "%s", options->proof_value ? options->proof_value : "");
    }
    int r = establish(s, options, deadline, err);
    if (r < 0) {
        pg_session_close(s);
        return r;
    }
    *ret_session = s;
    return 0;
}

pg_session *pg_session_close(pg_session *s)
{
    if (!s)
        return NULL;
    if (s->owner == getpid()) /* another process would end the session under its owner */
        PQfinish(s->conn);
    free(s);
    return NULL;
}

/* ---- notices ---- */

LB_PRINTF(3, 4) static void log_line(const pg_session *s, lb_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    s->host->vlog(level, fmt, args);
    va_end(args);
}

static const char *field_of(const PGresult *result, int field)
{
    const char *text = PQresultErrorField(result, field);
    return text ? text : "";
}

static void tell_listener(const lb_sink *listener, const char *message, const PGresult *result)
{
    const lb_notice notice = {.size = sizeof notice,
                              .severity = field_of(result, PG_DIAG_SEVERITY_NONLOCALIZED),
                              .sqlstate = field_of(result, PG_DIAG_SQLSTATE),
                              .routine = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION),
                              .text = message};
    listener->notice(listener->state, &notice);
}

static void log_notice(void *arg, const PGresult *result)
{
    const pg_session *s = arg;
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    log_line(s, LB_LOG_DEBUG, "%s: %s", s->where, message ? message : "a notice without text");
    if (s->listener && message)
        tell_listener(s->listener, message, result);
}
