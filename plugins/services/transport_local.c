/* transport_local: tools on a Postgres server that is given by its connection string, with no cloud.
 *
 * A target's branch names a database of that server when there is one of that name; otherwise the connection string's
 * own database serves every target, so that one tool can be pointed at any server. Projects are not told apart. */
#include "pg_session.h"

#include <stdlib.h>

struct settings {
    const char *dsn;
    int64_t connect_timeout_s, statement_timeout_ms, lock_timeout_ms, idle_in_transaction_timeout_ms;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, dsn, LB_SECRET, NULL, "connection string of the server: URL or keywords",
             .required = true),
    LB_PARAM(struct settings, connect_timeout_s, LB_I64, "10", "seconds to wait for a connection", .min = "1",
             .max = "3600"),
    LB_PARAM(struct settings, statement_timeout_ms, LB_I64, "0",
             "longest time for one statement; 0: the run's own limit", .min = "0", .max = "2147483647"),
    LB_PARAM(struct settings, lock_timeout_ms, LB_I64, "5000", "longest wait for a lock; 0: no limit", .min = "0",
             .max = "2147483647"),
    LB_PARAM(struct settings, idle_in_transaction_timeout_ms, LB_I64, "60000",
             "the server ends a session that idles so long inside a transaction; 0: never", .min = "0",
             .max = "2147483647"),
    LB_PARAMS_END,
};

typedef struct local {
    const lb_service_host *host;
    char *dsn;
    pg_options options;
} local;

static int open_local(const lb_service_host *host, const void *args, void **ret_state, lb_error *err)
{
    const struct settings *settings = args;
    int r = pg_check_conninfo(settings->dsn, err);
    if (r < 0)
        return r;
    local *l = calloc(1, sizeof *l);
    char *dsn = strdup(settings->dsn);
    if (!l || !dsn) {
        free(l);
        free(dsn);
        return lb_out_of_memory(err);
    }
    l->host = host;
    l->dsn = dsn;
    l->options = (pg_options){
        .conninfo = dsn,
        .connect_timeout_ms = settings->connect_timeout_s * 1000,
        .statement_timeout_ms = settings->statement_timeout_ms,
        .lock_timeout_ms = settings->lock_timeout_ms,
        .idle_in_transaction_timeout_ms = settings->idle_in_transaction_timeout_ms,
    };
    *ret_state = l;
    return 0;
}

static void close_local(void *state)
{
    local *l = state;
    explicit_bzero(l->dsn, strlen(l->dsn)); /* it may hold a password */
    free(l->dsn);
    free(l);
}

/* Asking the server first keeps failed logins out of its log. */
static int connect_local(void *state, const lb_target *target, const char *application, int64_t deadline,
                         void **ret_session, lb_error *err)
{
    const local *l = state;
    pg_session *session = NULL;
    bool has = false;
    int r = pg_session_open(l->host, &l->options, application, deadline, &session, err);
    if (r == 0 && target->branch && strcmp(target->branch, pg_session_database(session)) != 0)
        r = pg_session_has_database(session, target->branch, deadline, &has, err);
    if (r < 0 || has)
        session = pg_session_close(session);
    if (r == 0 && has) {
        pg_options options = l->options;
        options.database = target->branch;
        r = pg_session_open(l->host, &options, application, deadline, &session, err);
    }
    if (r < 0)
        return r;
    *ret_session = session;
    return 0;
}

static void disconnect(void *session)
{
    pg_session_close(session);
}

static int reuse(void *session, const char *application, int64_t deadline, lb_error *err)
{
    (void)deadline; /* nothing waits here */
    return pg_session_reuse(session, application, err);
}

static int server_version(void *session, int *ret_major, lb_error *err)
{
    return pg_session_version(session, ret_major, err);
}

static int execute(void *session, const lb_command *command, const lb_sink *sink, int64_t *ret_affected, lb_error *err)
{
    return pg_session_execute(session, command, sink, ret_affected, err);
}

static int begin(void *session, int64_t deadline, lb_error *err)
{
    return pg_session_begin(session, deadline, err);
}

static int finish(void *session, bool commit, int64_t deadline, lb_error *err)
{
    return pg_session_finish(session, commit, deadline, err);
}

static int control(void *state, const lb_request *request, int64_t deadline,
                   int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    (void)state;
    (void)deadline;
    (void)reply;
    (void)arg; /* there is nobody to ask */
    return lb_fail(err, LB_ERR_UNSUPPORTED, "use a transport that has one, or a tool that needs SQL only",
                   "%s %s: a given server has no control plane", request->method, request->path);
}

LB_TRANSPORT(transport_local, "a Postgres server that is given by its connection string", .params = params,
             .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .open = open_local,
             .close = close_local, .connect = connect_local, .disconnect = disconnect, .reuse = reuse,
             .server_version = server_version, .execute = execute, .begin = begin, .finish = finish,
             .control = control);
