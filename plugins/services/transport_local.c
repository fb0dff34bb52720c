/* transport_local: real Postgres servers with no cloud.
 *
 * Without a dsn: a cluster of our own below the state directory, with projects, branches and a control plane (local.h).
 *
 * With a dsn: the server that it names (local_given.h). A target's branch names a database of that server when there is
 * one of that name; otherwise the connection string's own database serves every target that counts as production, so
 * that one tool can be pointed at any server. Branches are databases made from templates. */
#include "local_given.h"

#include <stdlib.h>

static const lb_param params[] = {
    LB_PARAM(local_settings, dsn, LB_SECRET, NULL,
             "connection string of a server: URL or keywords; without it, servers of our own are used"),
    LB_PARAM(
        local_settings, reader_dsn, LB_SECRET, NULL,
        "with a dsn, connection string of a standby that follows it: the read-only endpoint `reader` of its branches"),
    PG_LIMIT_PARAMS(local_settings, limits),
    LB_PARAM(
        local_settings, directory, LB_TEXT, NULL,
        "where our own servers live, a folder that nobody else may enter; without it, local in the state directory"),
    LB_PARAM(local_settings, projects, LB_LIST_OF(LB_TEXT), NULL,
             "projects that are made when they are missing; with a dsn, the one name of the server"),
    LB_PARAM(local_settings, template_strategy, LB_TEXT, "wal_log",
             "with a dsn, how a branch is copied: through the log, or file by file with a checkpoint before and after",
             .choices = "wal_log|file_copy"),
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
    char *dsn, *reader_dsn; /* NULL: */
    local_given *given;
    local_claims *claims; /* a cluster of our own */
    pg_options options;
} local;

/* They may hold a password. */
static void free_secret(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void close_local(void *state)
{
    local *l = state;
    free_secret(l->dsn);
    free_secret(l->reader_dsn);
    local_given_free(l->given);
    local_claims_free(l->claims);
    free(l);
}

static int open_local(const lb_service_host *host, const void *args, void **ret_state, lb_error *err)
{
    const local_settings *settings = args;
    int r = settings->dsn ? pg_check_conninfo(settings->dsn, err) : 0;
    if (r == 0 && settings->reader_dsn)
        r = settings->dsn ? pg_check_conninfo(settings->reader_dsn, err)
                          : lb_fail(err, LB_ERR_INVALID, "give dsn, too", "reader_dsn names a standby of no server");
    if (r < 0)
        return r;
    local *l = calloc(1, sizeof *l);
    if (!l)
        return lb_out_of_memory(err);
    l->host = host;
    l->dsn = settings->dsn ? strdup(settings->dsn) : NULL;
    l->reader_dsn = settings->reader_dsn ? strdup(settings->reader_dsn) : NULL;
    l->options = pg_limited(&settings->limits);
    l->options.conninfo = l->dsn;
    if ((settings->dsn && !l->dsn) || (settings->reader_dsn && !l->reader_dsn))
        r = lb_out_of_memory(err);
    else
        r = l->dsn ? local_given_new(host, settings, &l->options, &l->given, err)
                   : local_claims_new(host, settings, &l->options, &l->claims, err);
    if (r < 0) {
        close_local(l);
        return r;
    }
    if (l->given)
        l->given->reader = l->reader_dsn;
    *ret_state = l;
    return 0;
}

static int connect_local(void *state, const lb_target *target, const char *application, int64_t deadline,
                         void **ret_session, lb_error *err)
{
    const local *l = state;
    pg_session *session = NULL;
    int r = l->claims ? local_claims_connect(l->claims, target, application, deadline, &session, err)
                      : local_given_connect(l->given, target, application, deadline, &session, err);
    if (r == 0)
        *ret_session = session;
    return r;
}

static int connect_reader(void *state, const lb_target *target, const char *endpoint, const char *application,
                          int64_t deadline, void **ret_session, lb_error *err)
{
    const local *l = state;
    pg_session *session = NULL;
    if (!l->given)
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "a local branch has no read replicas");
    int r = local_given_connect_reader(l->given, target, endpoint, application, deadline, &session, err);
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

static int sample(void *session, const lb_command *command, const lb_sink *sink, lb_error *err)
{
    int64_t ignored = -1;
    return pg_session_execute(session, command, sink, &ignored, err);
}

static int lend(void *session, int (*put)(void *arg, const char *name, const char *value), void *arg, lb_error *err)
{
    return pg_session_lend(session, put, arg, err);
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
    int r = l->claims ? local_control(local_claims_cluster(l->claims), request, deadline, &answer, err)
                      : local_given_control(l->given, request, deadline, &answer, err);
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
             .server_version = server_version, .execute = execute, .begin = begin, .finish = finish, .control = control,
             .sample = sample, .lend = lend, .tells_notices = true, .connect_reader = connect_reader);
