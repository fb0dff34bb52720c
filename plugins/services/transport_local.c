/* transport_local: real Postgres servers with no cloud.
 *
 * Without a dsn: a cluster of our own below the state directory, with projects, branches and a control plane (local.h).
 *
 * With a dsn: the server that it names. A target's branch names a database of that server when there is one of that
 * name; otherwise the connection string's own database serves every target, so that one tool can be pointed at any
 * server. Projects are not told apart, and there is no control plane. */
#include "local_session.h"

#include <stdlib.h>

static const lb_param params[] = {
    LB_PARAM(local_settings, dsn, LB_SECRET, NULL,
             "connection string of a server: URL or keywords; without it, servers of our own are used"),
    LB_PARAM(local_settings, connect_timeout_s, LB_I64, "10", "seconds to wait for a connection", .min = "1",
             .max = "3600"),
    LB_PARAM(local_settings, statement_timeout_ms, LB_I64, "0",
             "longest time for one statement; 0: the run's own limit", .min = "0", .max = "2147483647"),
    LB_PARAM(local_settings, lock_timeout_ms, LB_I64, "5000", "longest wait for a lock; 0: no limit", .min = "0",
             .max = "2147483647"),
    LB_PARAM(local_settings, idle_in_transaction_timeout_ms, LB_I64, "60000",
             "the server ends a session that idles so long inside a transaction; 0: never", .min = "0",
             .max = "2147483647"),
    LB_PARAM(
        local_settings, directory, LB_TEXT, NULL,
        "where our own servers live, a folder that nobody else may enter; without it, local in the state directory"),
    LB_PARAM(local_settings, projects, LB_LIST_OF(LB_TEXT), NULL, "projects that are made when they are missing"),
    LB_PARAM(local_settings, version, LB_I64, "0", "Postgres version of new projects; 0: the newest that is installed",
             .min = "0", .max = "99"),
    LB_PARAM(local_settings, programs, LB_TEXT, NULL, "folder of Postgres' programs; without it, they are looked for"),
    LB_PARAM(local_settings, server_user, LB_TEXT, NULL,
             "whom servers run as when we are root; without it, postgres or nobody"),
    LB_PARAM(local_settings, keeper, LB_TEXT, NULL, "the program lbops-keeper; without it, the one beside the plugins"),
    LB_PARAM(local_settings, linger_s, LB_I64, "60", "seconds for which a server that nobody uses goes on", .min = "0",
             .max = "86400"),
    LB_PARAM(local_settings, shortest_suspend_s, LB_I64, "60", "the shortest suspend timeout that an endpoint can have",
             .min = "1", .max = "604800"),
    LB_PARAM(local_settings, archive_after_s, LB_I64, "1209600",
             "an unprotected branch that was not used so long counts as archived; 0: never", .min = "0"),
    LB_PARAMS_END,
};

typedef struct local {
    const lb_service_host *host;
    char *dsn;            /* NULL: */
    local_claims *claims; /* a cluster of our own */
    pg_options options;
} local;

static int open_local(const lb_service_host *host, const void *args, void **ret_state, lb_error *err)
{
    const local_settings *settings = args;
    int r = settings->dsn ? pg_check_conninfo(settings->dsn, err) : 0;
    if (r < 0)
        return r;
    local *l = calloc(1, sizeof *l);
    char *dsn = settings->dsn ? strdup(settings->dsn) : NULL;
    if (!l || (settings->dsn && !dsn)) {
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
    if (!dsn && (r = local_claims_new(host, settings, &l->options, &l->claims, err)) < 0) {
        free(l);
        return r;
    }
    *ret_state = l;
    return 0;
}

static void close_local(void *state)
{
    local *l = state;
    if (l->dsn)
        explicit_bzero(l->dsn, strlen(l->dsn)); /* it may hold a password */
    free(l->dsn);
    local_claims_free(l->claims);
    free(l);
}

/* Asking the server first keeps failed logins out of its log. */
static int connect_given(const local *l, const lb_target *target, const char *application, int64_t deadline,
                         pg_session **ret_session, lb_error *err)
{
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

static int connect_local(void *state, const lb_target *target, const char *application, int64_t deadline,
                         void **ret_session, lb_error *err)
{
    const local *l = state;
    pg_session *session = NULL;
    int r = l->claims ? local_claims_connect(l->claims, target, application, deadline, &session, err)
                      : connect_given(l, target, application, deadline, &session, err);
    if (r == 0)
        *ret_session = session;
    return r;
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
    const local *l = state;
    doc *answer = NULL;
    if (!l->claims)
        return lb_fail(err, LB_ERR_UNSUPPORTED,
                       "leave the dsn out for servers of our own, which have projects and branches",
                       "%s %s: a given server has no control plane", request->method, request->path);
    int r = local_control(local_claims_cluster(l->claims), request, deadline, &answer, err);
    if (r < 0)
        return r;
    const char *text = json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    r = text ? reply(arg, text, err) : lb_out_of_memory(err);
    (void)json_object_put(answer); /* says only whether it was the last reference */
    return r < 0 ? r : 0;
}

LB_TRANSPORT(transport_local, "a local Lakebase on servers of our own, or a server that is given", .params = params,
             .param_size = sizeof(lb_param), .args_size = sizeof(local_settings), .open = open_local,
             .close = close_local, .connect = connect_local, .disconnect = disconnect, .reuse = reuse,
             .server_version = server_version, .execute = execute, .begin = begin, .finish = finish,
             .control = control);
