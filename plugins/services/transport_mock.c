/* transport_mock: answers from fixtures, the same ones every time: no wall clock, no chance, no network. For plugin
 * authors, and for tests that need no database. sdk/fixtures.md says how fixtures look. */
#include "mock_fixtures.h"

#include <poll.h>
#include <stdlib.h>

#define MILLISECOND  INT64_C(1000)
#define SLICE_MS     100 /* a signal ends the wait; this is for one that came just before it */
#define ABORTED_HINT "take it back (finish without commit)"

struct settings {
    const char *fixtures;
    int64_t clock, latency_ms, server_version;
    bool strict;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, fixtures, LB_TEXT, NULL, "directory that holds the fixtures", .required = true),
    LB_PARAM(struct settings, clock, LB_TIME, NULL, "the time it always is; real time when not given"),
    LB_PARAM(struct settings, latency_ms, LB_I64, "0", "how long each answer takes", .min = "0", .max = "3600000"),
    LB_PARAM(struct settings, server_version, LB_I64, "17", "major version of servers that targets.json does not name",
             .min = "10", .max = "99"),
    LB_PARAM(struct settings, strict, LB_BOOL, "true", "what has no fixture is an error; otherwise an empty answer"),
    LB_PARAMS_END,
};

typedef struct mock {
    const lb_service_host *host;
    struct settings settings;
    mock_store *store;
} mock;

typedef struct mock_session {
    mock *mock;
    char *project, *branch;
    int version;
    bool in_transaction, aborted, lost;
} mock_session;

/* ---- service ---- */

static int open_mock(const lb_service_host *host, const void *args, void **ret_state, lb_error *err)
{
    const struct settings *settings = args;
    mock *m = calloc(1, sizeof *m);
    if (!m)
        return lb_out_of_memory(err);
    *m = (mock){.host = host, .settings = *settings};
    int r = mock_store_open(settings->fixtures, &m->store, err);
    if (r < 0) {
        free(m);
        return r;
    }
    m->settings.fixtures = NULL; /* the caller's; the store has its own copy */
    *ret_state = m;
    return 0;
}

static void close_mock(void *state)
{
    mock *m = state;
    mock_store_free(m->store);
    free(m);
}

static int64_t mock_clock(void *state)
{
    const mock *m = state;
    return m->settings.clock == LB_TIME_NONE ? 0 : m->settings.clock;
}

/* Lets time pass, until the deadline or until somebody asks to stop. */
static int wait_for(const mock *m, int64_t wait_ms, int64_t deadline, const char *what, lb_error *err)
{
    int64_t end = m->host->now() + wait_ms * MILLISECOND;
    for (;;) {
        int64_t now = m->host->now();
        if (m->host->cancelled())
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "%s: cancelled", what);
        if (now >= deadline)
            return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "%s: the deadline passed", what);
        if (now >= end)
            return 0;
        int64_t until = end < deadline ? end : deadline;
        int64_t left_ms = (until - now - 1) / MILLISECOND + 1;
        (void)poll(NULL, 0, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS)); /* early or late: the loop looks again */
    }
}

/* ---- sessions ---- */

static void disconnect(void *session)
{
    mock_session *s = session;
    free(s->project);
    free(s->branch);
    free(s);
}

static int make_session(mock *m, const lb_target *target, int version, mock_session **ret_session, lb_error *err)
{
    mock_session *s = calloc(1, sizeof *s);
    if (!s)
        return lb_out_of_memory(err);
    s->mock = m;
    s->version = version;
    s->project = target->project ? strdup(target->project) : NULL;
    s->branch = target->branch ? strdup(target->branch) : NULL;
    if ((target->project && !s->project) || (target->branch && !s->branch)) {
        disconnect(s);
        return lb_out_of_memory(err);
    }
    *ret_session = s;
    return 0;
}

static int connect_mock(void *state, const lb_target *target, const char *application, int64_t deadline,
                        void **ret_session, lb_error *err)
{
    (void)application; /* nobody could see it */
    mock *m = state;
    const mock_server *server = NULL;
    mock_session *s = NULL;
    char what[160];
    (void)snprintf(what, sizeof what, "%s/%s", target->project ? target->project : "",
                   target->branch ? target->branch : ""); /* cut */
    int r = wait_for(m, m->settings.latency_ms, deadline, what, err);
    if (r == 0)
        r = mock_find_server(m->store, target->project, target->branch, &server, err);
    if (r < 0)
        return r;
    if (server && server->fails) {
        *err = server->error;
        return lb_wrap(err, what);
    }
    r = make_session(m, target, server && server->version ? server->version : (int)m->settings.server_version, &s, err);
    if (r < 0)
        return r;
    *ret_session = s;
    return 0;
}

static int lost_session(lb_error *err)
{
    return lb_fail(err, LB_ERR_UNREACHABLE, "connect again", "the session was lost");
}

static int reuse(void *session, const char *application, int64_t deadline, lb_error *err)
{
    (void)application; /* nobody could see it */
    (void)deadline;    /* nothing waits here */
    const mock_session *s = session;
    if (s->in_transaction)
        return lb_fail(err, LB_ERR_CONFLICT, "connect again", "a transaction was left open");
    return s->lost ? lost_session(err) : 0;
}

static int server_version(void *session, int *ret_major, lb_error *err)
{
    const mock_session *s = session;
    if (s->lost)
        return lost_session(err);
    *ret_major = s->version;
    return 0;
}

/* ---- statements ---- */

static int fail_sql(lb_error *err, const char *sqlstate, const char *hint, const char *name, const char *message)
{
    (void)lb_fail(err, LB_ERR_SQL, hint, "%s: %s", name, message); /* fills it */
    memcpy(err->sqlstate, sqlstate, sizeof err->sqlstate);
    return err->code;
}

static int check_kind(const mock_case *c, const lb_command *command, lb_error *err)
{
    if (command->read_only && c->changes)
        return fail_sql(err, "25006", "reads must not change anything: make it a change", command->name,
                        "the fixture is a change's (it has \"affected\"), and this is a read");
    if (!command->read_only && !c->changes)
        return lb_fail(err, LB_ERR_INVALID, "add \"affected\": a count, or null where the server gives none",
                       "%s: the fixture is a read's, and this is a change", command->name);
    return 0;
}

static int push(const mock_case *c, const lb_sink *sink, lb_error *err)
{
    if (!c->columns || !sink)
        return 0;
    int r = sink->columns(sink->state, c->column_count, c->columns, err);
    for (size_t i = 0; r >= 0 && i < c->row_count; i++)
        r = sink->row(sink->state, c->column_count, c->cells + i * c->column_count, err);
    return r < 0 ? r : 0;
}

static int answer(mock_session *s, const mock_case *c, const lb_command *command, const lb_sink *sink,
                  int64_t *ret_affected, lb_error *err)
{
    const mock *m = s->mock;
    int r = wait_for(m, m->settings.latency_ms + c->delay_ms, command->deadline, command->name, err);
    if (r < 0)
        return r;
    if (c->fails) {
        *err = c->error;
        s->lost = err->code == LB_ERR_UNREACHABLE;
        return err->code;
    }
    r = check_kind(c, command, err);
    if (r == 0)
        r = push(c, sink, err);
    if (r == 0)
        *ret_affected = c->affected;
    return r;
}

static int execute(void *session, const lb_command *command, const lb_sink *sink, int64_t *ret_affected, lb_error *err)
{
    mock_session *s = session;
    const mock_case *c = NULL;
    if (s->lost)
        return lost_session(err);
    if (s->aborted)
        return fail_sql(err, "25P02", ABORTED_HINT, command->name, "the transaction has failed already");
    int r = mock_find_case(s->mock->store, command, s->project, s->branch, &c, err);
    if (r == LB_ERR_NOT_FOUND && !s->mock->settings.strict) {
        *ret_affected = command->read_only ? -1 : 0;
        return 0;
    }
    if (r == 0)
        r = answer(s, c, command, sink, ret_affected, err);
    if (r < 0 && s->in_transaction && !command->read_only)
        s->aborted = true; /* as a server does */
    return r;
}

/* Only where there is a fixture for it: everything else is the history's own to answer. */
static int history(void *state, const lb_target *target, const lb_command *command, const lb_sink *sink, lb_error *err)
{
    mock *m = state;
    const mock_case *c = NULL;
    int r = mock_find_history(m->store, command, target->project, target->branch, &c, err);
    if (r < 0 || !c)
        return r;
    r = wait_for(m, m->settings.latency_ms + c->delay_ms, command->deadline, command->name, err);
    if (r == 0 && c->fails) {
        *err = c->error;
        return err->code;
    }
    if (r == 0 && c->changes)
        r = lb_fail(err, LB_ERR_INVALID, "give it \"columns\" and \"rows\"", "%s: the fixture is a change's",
                    command->name);
    if (r == 0)
        r = push(c, sink, err);
    return r < 0 ? r : 1;
}

static int begin(void *session, int64_t deadline, lb_error *err)
{
    mock_session *s = session;
    if (s->lost)
        return lost_session(err);
    if (s->in_transaction)
        return lb_fail(err, LB_ERR_CONFLICT, "finish the first one", "there is a transaction already");
    int r = wait_for(s->mock, s->mock->settings.latency_ms, deadline, "begin", err);
    if (r == 0)
        s->in_transaction = true;
    return r;
}

static int finish(void *session, bool commit, int64_t deadline, lb_error *err)
{
    (void)deadline; /* an end is never given up half-way, and takes no time here */
    mock_session *s = session;
    if (!s->in_transaction)
        return lb_fail(err, LB_ERR_CONFLICT, "begin first", "there is no transaction to finish");
    bool aborted = s->aborted;
    s->in_transaction = s->aborted = false;
    if (!commit)
        return 0; /* a lost session takes everything back, too */
    if (s->lost)
        return lost_session(err);
    return aborted ? fail_sql(err, "25P02", NULL, "commit", "the transaction had failed and was taken back") : 0;
}

/* ---- the control plane, and web services ---- */

/* found: what looking for a fixture said. One that is missing is an empty answer where the settings are not strict. */
static int answer_call(const mock *m, int found, const mock_call *call, const lb_request *request, int64_t deadline,
                       int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    char what[200];
    (void)snprintf(what, sizeof what, "%s %s", request->method, request->path); /* cut */
    if (found < 0 && (found != LB_ERR_NOT_FOUND || m->settings.strict))
        return found;
    int r = wait_for(m, m->settings.latency_ms + (call ? call->delay_ms : 0), deadline, what, err);
    if (r < 0)
        return r;
    if (call && call->fails) {
        *err = call->error;
        return err->code;
    }
    r = reply(arg, call ? call->reply : "{}", err);
    return r < 0 ? r : 0;
}

static int control(void *state, const lb_request *request, int64_t deadline,
                   int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    const mock *m = state;
    const mock_call *call = NULL;
    int r = mock_find_call(m->store, request, &call, err);
    return answer_call(m, r, call, request, deadline, reply, arg, err);
}

static int http(void *state, const char *service, const lb_request *request, int64_t deadline,
                int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    const mock *m = state;
    const mock_call *call = NULL;
    int r = mock_find_http(m->store, service, request, &call, err);
    return answer_call(m, r, call, request, deadline, reply, arg, err);
}

LB_TRANSPORT(transport_mock, "answers from fixtures, for tests and plugin authors", .params = params,
             .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .open = open_mock,
             .close = close_mock, .connect = connect_mock, .disconnect = disconnect, .reuse = reuse,
             .server_version = server_version, .execute = execute, .begin = begin, .finish = finish, .control = control,
             .clock = mock_clock, .history = history, .http = http);
