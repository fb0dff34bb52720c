/* transport_lakebase: Lakebase itself. Branches are reached by libpq at their read-write endpoints, with a credential
 * that lives for an hour and is renewed ahead of its end; the control plane by REST, as a service principal or with a
 * personal token. What it does with long-running operations and lists stands at lake_control. */
#include "lake.h"

#include <arpa/inet.h>
#include <stdlib.h>

struct settings {
    auth_settings auth;
    const char *password, *dsn, *role, *database, *ssl_mode, *ca_file, *via;
    int64_t credential_ttl_s, prove_after_s, poll_ms, retry_pause_ms, attempt_timeout_s, retry_budget_s;
    pg_limits limits;
};

#define PARAM(name, type, fallback, doc, ...) LB_PARAM(struct settings, name, type, fallback, doc, __VA_ARGS__)

static const lb_param params[] = {
    AUTH_PARAMS(struct settings, auth),
    PARAM(password, LB_SECRET, NULL, "refused: databases are reached with credentials that the workspace issues"),
    PARAM(dsn, LB_SECRET, NULL, "refused: a connection string is for transport_local"),
    PARAM(role, LB_TEXT, NULL, "the role to log in as; who the workspace says we are when not given"),
    PARAM(database, LB_TEXT, "databricks_postgres", "the database on each branch"),
    PARAM(ssl_mode, LB_TEXT, "verify-full", "require does not look at the server's certificate",
          .choices = "verify-full|require"),
    PARAM(ca_file, LB_TEXT, NULL, "certificates to trust, PEM, instead of the system's"),
    PARAM(via, LB_TEXT, NULL, "ADDRESS or ADDRESS:PORT through which all databases are reached, as by a private link"),
    PARAM(credential_ttl_s, LB_I64, "0", "lifetime to ask for; 0: the platform's own", .min = "0", .max = "3600"),
    PARAM(prove_after_s, LB_I64, "30", "how long a look counts as proof of the branch before changes", .min = "0",
          .max = "3600"),
    PARAM(poll_ms, LB_I64, "500", "first pause between two looks at an operation", .min = "1", .max = "10000"),
    PARAM(retry_pause_ms, LB_I64, "500", "first pause before a call is repeated", .min = "1", .max = "10000"),
    PARAM(attempt_timeout_s, LB_I64, "60", "longest time for one attempt of a call", .min = "1", .max = "600"),
    PARAM(retry_budget_s, LB_I64, "60", "longest time for a call with its repeats", .min = "1", .max = "3600"),
    PG_LIMIT_PARAMS(struct settings, limits),
    LB_PARAMS_END,
};

/* ---- the service ---- */

static void close_lakebase(void *state)
{
    lake *l = state;
    while (l->places)
        l->places = lake_place_free(l->places);
    rest_client_free(l->client);
    auth_free(l->auth);
    char *const texts[] = {l->role, l->database, l->ca_file, l->ssl_mode, l->via_port, l->via_address};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    free(l);
}

static int check_statics(const struct settings *s, lb_error *err)
{
    if ((s->password && *s->password) || (s->dsn && *s->dsn))
        return lb_fail(err, LB_ERR_DENIED,
                       "remove it: a service principal or a token is all that is needed; for a server of your own use "
                       "transport_local",
                       "a static %s is refused: it would never expire, and nobody could take it back in time",
                       s->password && *s->password ? "database password" : "connection string");
    return 0;
}

/* "127.0.0.1", "127.0.0.1:5433", "[::1]:5433" */
static int take_via(lake *l, const char *via, lb_error *err)
{
    unsigned char parsed[16];
    bool bracketed = *via == '[';
    const char *from = via + bracketed, *colon = strrchr(via, ':');
    size_t length = bracketed                            ? strcspn(from, "]")
                    : colon && strchr(via, ':') == colon ? (size_t)(colon - via)
                                                         : strlen(via);
    const char *port = from[length] == ']' && from[length + 1] == ':' ? from + length + 2
                       : from[length] == ':'                          ? from + length + 1
                                                                      : NULL;
    l->via_address = strndup(from, length);
    l->via_port = rest_strdup(port);
    if (!l->via_address || (port && !l->via_port))
        return lb_out_of_memory(err);
    bool is_address =
        inet_pton(AF_INET, l->via_address, parsed) == 1 || inet_pton(AF_INET6, l->via_address, parsed) == 1;
    if (!is_address || (port && (!*port || strlen(port) > 5 || strspn(port, "0123456789") != strlen(port))))
        return lb_fail(err, LB_ERR_INVALID, "10.0.0.7, 10.0.0.7:5432 or [fd00::7]:5432", "via %.80s is no address",
                       via);
    return 0;
}

static int copy_texts(lake *l, const struct settings *s, lb_error *err)
{
    bool names_role = s->role && *s->role, names_ca = s->ca_file && *s->ca_file;
    l->role = names_role ? strdup(s->role) : NULL;
    l->ca_file = names_ca ? strdup(s->ca_file) : NULL;
    l->database = strdup(s->database);
    l->ssl_mode = strdup(s->ssl_mode);
    bool whole = (l->role || !names_role) && (l->ca_file || !names_ca) && l->database && l->ssl_mode;
    if (!whole)
        return lb_out_of_memory(err);
    return s->via && *s->via ? take_via(l, s->via, err) : 0;
}

static int make_clients(lake *l, const struct settings *s, const auth_config *config, lb_error *err)
{
    char id[80];
    const char *const headers[] = {config->workspace_id ? id : NULL, NULL};
    rest_options options = {.host = l->host,
                            .ca_file = l->ca_file,
                            .user_agent = "lbops/" LB_PLUGIN_VERSION,
                            .attempt_ms = s->attempt_timeout_s * 1000,
                            .budget_ms = s->retry_budget_s * 1000,
                            .pause_ms = s->retry_pause_ms};
    int r = auth_new(config, &options, &l->auth, err);
    if (r < 0)
        return r;
    (void)snprintf(id, sizeof id, "X-Databricks-Workspace-Id: %.40s", config->workspace_id ? config->workspace_id : "");
    options.base_url = auth_host(l->auth);
    options.headers = headers;
    options.authorize = lake_authorize;
    options.hide = lake_hide;
    options.arg = l;
    return rest_client_new(&options, &l->client, err);
}

static int fill(lake *l, const struct settings *s, lb_error *err)
{
    auth_config config = {.host = NULL};
    l->poll_ms = s->poll_ms;
    l->credential_ttl_s = s->credential_ttl_s;
    l->prove_after_s = s->prove_after_s;
    l->limits = pg_limited(&s->limits);
    int r = copy_texts(l, s, err);
    if (r == 0)
        r = auth_config_load(&s->auth, &config, err);
    if (r < 0)
        return r;
    r = make_clients(l, s, &config, err);
    auth_config_done(&config);
    return r;
}

static int open_lakebase(const lb_service_host *host, const void *args, void **ret_state, lb_error *err)
{
    const struct settings *s = args;
    int r = check_statics(s, err);
    if (r < 0)
        return r;
    lake *l = calloc(1, sizeof *l);
    if (!l)
        return lb_out_of_memory(err);
    l->host = host;
    r = fill(l, s, err);
    if (r < 0) {
        close_lakebase(l);
        return r;
    }
    if (strcmp(l->ssl_mode, "require") == 0)
        lake_log(l, LB_LOG_WARN, "ssl_mode is require: nobody checks that a database's server is the right one");
    *ret_state = l;
    return 0;
}

/* ---- sessions and the control plane ---- */

static int connect_lakebase(void *state, const lb_target *target, const char *application, int64_t deadline,
                            void **ret_session, lb_error *err)
{
    lake_session *session = NULL;
    int r = lake_session_open(state, target, NULL, application, deadline, &session, err);
    if (r == 0)
        *ret_session = session;
    return r;
}

static int connect_reader(void *state, const lb_target *target, const char *endpoint, const char *application,
                          int64_t deadline, void **ret_session, lb_error *err)
{
    lake_session *session = NULL;
    int r = lake_session_open(state, target, endpoint, application, deadline, &session, err);
    if (r == 0)
        *ret_session = session;
    return r;
}

static void disconnect(void *session)
{
    lake_session_close(session);
}

static int reuse(void *session, const char *application, int64_t deadline, lb_error *err)
{
    (void)deadline; /* nothing waits here */
    return lake_session_reuse(session, application, err);
}

static int server_version(void *session, int *ret_major, lb_error *err)
{
    return lake_session_version(session, ret_major, err);
}

static int execute(void *session, const lb_command *command, const lb_sink *sink, int64_t *ret_affected, lb_error *err)
{
    return lake_session_execute(session, command, sink, ret_affected, err);
}

static int sample(void *session, const lb_command *command, const lb_sink *sink, lb_error *err)
{
    return lake_session_sample(session, command, sink, err);
}

static int lend(void *session, int (*put)(void *arg, const char *name, const char *value), void *arg, lb_error *err)
{
    return lake_session_lend(session, put, arg, err);
}

static int begin(void *session, int64_t deadline, lb_error *err)
{
    return lake_session_begin(session, deadline, err);
}

static int finish(void *session, bool commit, int64_t deadline, lb_error *err)
{
    return lake_session_finish(session, commit, deadline, err);
}

static int control(void *state, const lb_request *request, int64_t deadline,
                   int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    REST_JSON_AUTO *document = NULL;
    int r = lake_control(state, request, deadline, &document, err);
    if (r < 0)
        return r;
    const char *text =
        json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (!text)
        return lb_out_of_memory(err);
    r = reply(arg, text, err);
    return r < 0 ? r : 0;
}

LB_TRANSPORT(transport_lakebase, "Databricks Lakebase: its branches and its control plane", .params = params,
             .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .open = open_lakebase,
             .close = close_lakebase, .connect = connect_lakebase, .disconnect = disconnect, .reuse = reuse,
             .server_version = server_version, .execute = execute, .begin = begin, .finish = finish, .control = control,
             .sample = sample, .lend = lend, .tells_notices = true, .connect_reader = connect_reader);
