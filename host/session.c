#include "session.h"

#include "fixture.h"
#include "load.h"
#include "log.h"
#include "run.h"

struct session {
    session *next;
    session_pool *pool;
    char *project, *branch;
    char *reader; /* the endpoint, of a compute that only reads; NULL: the one that writes */
    void *handle;
    int version; /* 0: not asked yet */
    bool is_spent, is_apart;
    int64_t used_at;
};

struct session_pool {
    const worker_setup *setup;
    arena memory; /* the service's arguments */
    const lb_transport *transport;
    lb_service_host host; /* what the service knows of us */
    char *state_dir;
    fixture_recording *recording;
    web *web;
    void *state;
    session *sessions;
    session_cost cost;
    const lb_target *home;
};

LB_PRINTF(2, 0) static void log_of_service(lb_level level, const char *fmt, va_list args)
{
    char text[1024];
    (void)vsnprintf(text, sizeof text, fmt, args); /* a long line is cut */
    log_line(level, "transport", "%s", text);
}

static const lb_service_host service_host = {
    .size = sizeof service_host,
    .vlog = log_of_service,
    .cancelled = run_should_stop,
    .now = clock_monotonic,
    .may_wake = run_may_wake,
    .woke = run_woke,
};

/* The outbox lies in the state directory. */
static char *find_state_dir(const worker_setup *setup)
{
    const char *slash = setup->outbox_dir ? strrchr(setup->outbox_dir, '/') : NULL;
    return slash && slash != setup->outbox_dir
               ? base_printf("%.*s", (int)(slash - setup->outbox_dir), setup->outbox_dir)
               : NULL;
}

session_pool *session_pool_new(const worker_setup *setup, const char *record_dir)
{
    session_pool *pool = base_alloc(sizeof *pool);
    pool->setup = setup;
    pool->state_dir = find_state_dir(setup);
    pool->host = service_host;
    pool->host.state_dir = pool->state_dir;
    pool->recording = record_dir ? fixture_recording_new(record_dir) : NULL;
    pool->web = web_new(setup, &pool->host);
    arena_init(&pool->memory, 0);
    return pool;
}

void session_discard(session *s)
{
    session **link = &s->pool->sessions;
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    s->pool->transport->disconnect(s->handle);
    free(s->project);
    free(s->branch);
    free(s->reader);
    free(s);
}

session_pool *session_pool_free(session_pool *pool)
{
    if (!pool)
        return NULL;
    while (pool->sessions)
        session_discard(pool->sessions);
    if (pool->state)
        pool->transport->close(pool->state);
    pool->web = web_free(pool->web);
    fixture_recording_free(pool->recording);
    arena_done(&pool->memory);
    free(pool->state_dir);
    free(pool);
    return NULL;
}

static int load_transport(session_pool *pool, lb_error *err)
{
    const worker_setup *setup = pool->setup;
    const lb_plugin *plugin = NULL;
    if (pool->transport)
        return 0;
    if (!setup->transport.path)
        return lb_fail(err, LB_ERR_INVALID, "add [services.transport] with a plugin to the manifest, or give --dsn",
                       "there is no transport to reach a server with");
    int r = load_plugin(setup->transport.path, &plugin, err);
    if (r == 0)
        pool->transport = plugin->ops;
    return r;
}

/* Opens the transport once. A failure is not remembered: the next run may find the server up again. */
static int open_transport(session_pool *pool, lb_error *err)
{
    const worker_setup *setup = pool->setup;
    if (pool->state)
        return 0;
    int r = load_transport(pool, err);
    if (r < 0)
        return r;
    const lb_transport *transport = pool->transport;
    void *args = arena_alloc(&pool->memory, transport->args_size ? transport->args_size : 1);
    if (!args)
        return lb_out_of_memory(err);
    param_rows rows = {.rows = transport->params, .stride = transport->param_size};
    r = params_bind(setup->transport.name, rows, setup->transport.args, setup->transport.arg_count, args,
                    transport->args_size, &pool->memory, err);
    if (r < 0)
        return r;
    void *state = NULL;
    r = transport->open(&pool->host, args, &state, err);
    if (r < 0)
        return lb_wrap(err, setup->transport.name);
    pool->state = state;
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static session *find_kept(session_pool *pool, const lb_target *target, const char *reader)
{
    for (session *s = pool->sessions; s; s = s->next)
        if (!s->is_apart && same_text(s->project, target->project) && same_text(s->branch, target->branch) &&
            same_text(s->reader, reader))
            return s;
    return NULL;
}

static int connect_handle(session_pool *pool, const lb_target *target, const char *reader, const char *tool,
                          int64_t deadline, void **ret_handle, lb_error *err)
{
    const lb_transport *transport = pool->transport;
    if (!reader)
        return transport->connect(pool->state, target, tool, deadline, ret_handle, err);
    if (!LB_HAS(transport, lb_transport, connect_reader) || !transport->connect_reader)
        return lb_fail(err, LB_ERR_UNSUPPORTED, NULL, "%s reaches no computes that only read",
                       pool->setup->transport.name);
    if (pool->recording)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "fixtures are of the server that writes",
                       "a recording does not reach computes that only read");
    return transport->connect_reader(pool->state, target, reader, tool, deadline, ret_handle, err);
}

static int connect_new(session_pool *pool, const lb_target *target, const char *reader, const char *tool,
                       int64_t deadline, session **ret_session, lb_error *err)
{
    void *handle = NULL;
    int r = connect_handle(pool, target, reader, tool, deadline, &handle, err);
    if (r < 0)
        return r;
    session *s = base_alloc(sizeof *s);
    *s = (session){.next = pool->sessions,
                   .pool = pool,
                   .project = base_strdup(target->project),
                   .branch = base_strdup(target->branch),
                   .reader = reader ? base_strdup(reader) : NULL,
                   .handle = handle,
                   .used_at = clock_monotonic()};
    pool->sessions = *ret_session = s;
    if (pool->home && same_text(s->project, pool->home->project) && same_text(s->branch, pool->home->branch))
        pool->cost.opened++;
    return 0;
}

/* ---- servers that say nothing ---- */

/* Less than that is a run that came too late, and no silence. */
#define SILENCE CLOCK_SECOND
/* A transport gives a statement that it has cancelled two seconds to end. The answer takes a moment, unless there is
 * none. */
#define CANCEL_SILENCE (CLOCK_SECOND * 19 / 10)
/* The supervisor asks a run to stop when its time is over, and may be a little faster than who waits for that. */
#define ASKED_EARLY (CLOCK_SECOND / 20)
#define HUNG_HINT   "see whether its server hangs, is still starting or is cut off: more time helps only a slow one"

static bool is_late(int code, int64_t now, int64_t deadline)
{
    return (code == LB_ERR_TIMEOUT || code == LB_ERR_CANCELLED) && now >= deadline - ASKED_EARLY;
}

static int wrap_silent_connect(const lb_target *target, int64_t began, int64_t deadline, lb_error *err)
{
    const lb_error late = *err;
    int64_t now = clock_monotonic();
    return !is_late(late.code, now, deadline) || now - began < SILENCE
               ? late.code
               : lb_fail(err, LB_ERR_TIMEOUT, HUNG_HINT, "connecting to %.60s/%.60s: no answer in %.1f s: %.300s",
                         target->project, target->branch, (double)(now - began) / 1e6, late.message);
}

static int wrap_silent_call(const session *s, int64_t began, int64_t deadline, lb_error *err)
{
    const lb_error late = *err;
    int64_t now = clock_monotonic();
    return !is_late(late.code, now, deadline) || now - (began > deadline ? began : deadline) < CANCEL_SILENCE
               ? late.code
               : lb_fail(
                     err, LB_ERR_TIMEOUT, HUNG_HINT,
                     "the server of %.60s/%.60s does not answer, nor to a cancel, %.1f s after it was asked: %.300s",
                     s->project, s->branch, (double)(now - began) / 1e6, late.message);
}

int session_get(session_pool *pool, const lb_target *target, const char *reader, const char *tool, int64_t deadline,
                session **ret_session, bool *ret_kept, lb_error *err)
{
    int64_t began = clock_monotonic();
    int r = open_transport(pool, err);
    if (r < 0)
        return r;
    session *s = find_kept(pool, target, reader);
    if (s && pool->transport->reuse(s->handle, tool, deadline, err) < 0) {
        session_discard(s);
        s = NULL;
    }
    *ret_kept = s != NULL;
    if (!s) {
        r = connect_new(pool, target, reader, tool, deadline, &s, err);
        if (r < 0)
            return wrap_silent_connect(target, began, deadline, err);
        if (pool->recording && pool->transport->server_version(s->handle, &s->version, err) >= 0)
            fixture_record_target(pool->recording, s->handle, target, s->version);
    }
    s->used_at = clock_monotonic();
    *ret_session = s;
    return 0;
}

int session_get_apart(session_pool *pool, const lb_target *target, const char *tool, int64_t deadline,
                      session **ret_session, lb_error *err)
{
    int r = open_transport(pool, err);
    if (r >= 0)
        r = connect_new(pool, target, NULL, tool, deadline, ret_session, err);
    if (r >= 0)
        (*ret_session)->is_apart = true;
    return r;
}

bool session_can_sample(const session_pool *pool)
{
    return pool->transport && LB_HAS(pool->transport, lb_transport, sample) && pool->transport->sample;
}

int session_sample(session *s, const lb_command *command, const lb_sink *sink, lb_error *err)
{
    return s->pool->transport->sample(s->handle, command, sink, err);
}

int session_lend(session *s, int (*put)(void *arg, const char *name, const char *value), void *arg, lb_error *err)
{
    const lb_transport *transport = s->pool->transport;
    if (!LB_HAS(transport, lb_transport, lend) || !transport->lend)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "use a transport that has servers",
                       "%s has no server that a program could reach", s->pool->setup->transport.name);
    return transport->lend(s->handle, put, arg, err);
}

bool session_tells_notices(const session *s)
{
    const lb_transport *transport = s->pool->transport;
    return LB_HAS(transport, lb_transport, tells_notices) && transport->tells_notices && !s->pool->recording;
}

void session_spend(session *s)
{
    s->is_spent = true;
}

void session_close_spent(session_pool *pool)
{
    for (session *s = pool->sessions, *following; s; s = following) {
        following = s->next;
        if (s->is_spent)
            session_discard(s);
    }
}

int64_t session_close_idle(session_pool *pool)
{
    int64_t now = clock_monotonic(), idle = (int64_t)pool->setup->connection_idle_s * CLOCK_SECOND, next = -1;
    for (session *s = pool->sessions, *following; s; s = following) {
        following = s->next;
        if (s->is_apart)
            continue;
        int64_t left = s->used_at + idle - now;
        if (left <= 0)
            session_discard(s);
        else if (next < 0 || left < next)
            next = left;
    }
    return next;
}

int session_server_version(session *s, int *ret_major, lb_error *err)
{
    if (!s->version) {
        int r = s->pool->transport->server_version(s->handle, &s->version, err);
        if (r < 0)
            return r;
    }
    *ret_major = s->version;
    return 0;
}

int session_execute(session *s, const lb_command *command, const lb_sink *sink, int64_t *ret_affected, lb_error *err)
{
    const lb_transport *transport = s->pool->transport;
    int64_t began = clock_monotonic();
    int r = s->pool->recording
                ? fixture_record_execute(s->pool->recording, transport, s->handle, command, sink, ret_affected, err)
                : transport->execute(s->handle, command, sink, ret_affected, err);
    s->used_at = clock_monotonic();
    s->pool->cost.statements++;
    s->pool->cost.waited_us += s->used_at - began;
    return r < 0 ? wrap_silent_call(s, began, command->deadline, err) : r;
}

void session_set_home(session_pool *pool, const lb_target *home)
{
    pool->home = home;
}

session_cost session_cost_of(const session_pool *pool)
{
    return pool->cost;
}

int session_begin(session *s, int64_t deadline, lb_error *err)
{
    int64_t began = clock_monotonic();
    int r = s->pool->transport->begin(s->handle, deadline, err);
    return r < 0 ? wrap_silent_call(s, began, deadline, err) : r;
}

int session_finish(session *s, bool commit, int64_t deadline, lb_error *err)
{
    return s->pool->transport->finish(s->handle, commit, deadline, err);
}

typedef struct reply_copy {
    arena *memory;
    const char *json;
} reply_copy;

static int copy_reply(void *arg, const char *json, lb_error *err)
{
    reply_copy *copy = arg;
    copy->json = arena_strdup(copy->memory, json);
    return copy->json ? 0 : lb_out_of_memory(err);
}

int session_control(session_pool *pool, const lb_request *request, int64_t deadline, arena *memory,
                    const char **ret_json, lb_error *err)
{
    int r = open_transport(pool, err);
    if (r < 0)
        return r;
    reply_copy copy = {.memory = memory};
    const lb_transport *transport = pool->transport;
    r = pool->recording
            ? fixture_record_control(pool->recording, transport, pool->state, request, deadline, copy_reply, &copy, err)
            : transport->control(pool->state, request, deadline, copy_reply, &copy, err);
    if (r < 0)
        return r;
    *ret_json = copy.json ? copy.json : "null";
    return 0;
}

/* A transport that answers in the services' place does so for all of them: nothing gets to the real ones then. */
typedef struct site_call {
    session_pool *pool;
    const worker_site *site;
    bool is_answered_there;
} site_call;

static int call_site(void *arg, const lb_request *request, int64_t deadline,
                     int (*reply)(void *arg, const char *json, lb_error *err), void *reply_arg, lb_error *err)
{
    const site_call *c = arg;
    session_pool *pool = c->pool;
    return c->is_answered_there
               ? pool->transport->http(pool->state, c->site->name, request, deadline, reply, reply_arg, err)
               : web_call(pool->web, c->site, request, deadline, reply, reply_arg, err);
}

int session_http(session_pool *pool, const char *service, const lb_request *request, int64_t deadline, arena *memory,
                 const char **ret_json, lb_error *err)
{
    site_call call = {.pool = pool, .site = web_find(pool->setup, service, err)};
    reply_copy copy = {.memory = memory};
    int r = 0;
    if (!call.site)
        return err->code;
    if (pool->setup->transport.path && (r = load_transport(pool, err)) == 0)
        call.is_answered_there = LB_HAS(pool->transport, lb_transport, http) && pool->transport->http;
    if (r == 0 && call.is_answered_there)
        r = open_transport(pool, err);
    if (r < 0)
        return r;
    r = pool->recording
            ? fixture_record_http(pool->recording, service, request, deadline, call_site, &call, copy_reply, &copy, err)
            : call_site(&call, request, deadline, copy_reply, &copy, err);
    if (r < 0)
        return r;
    *ret_json = copy.json ? copy.json : "null";
    return 0;
}

/* What the transport has to say comes first, since only fixtures have something. */
typedef struct history_source {
    session_pool *pool;
    const lb_target *target;
    fixture_answer answer;
    void *arg;
} history_source;

static int answer_history(void *arg, const lb_command *command, const lb_sink *sink, lb_error *err)
{
    const history_source *source = arg;
    const lb_transport *transport = source->pool->transport;
    int r = 0;
    if (transport && LB_HAS(transport, lb_transport, history) && transport->history)
        r = transport->history(source->pool->state, source->target, command, sink, err);
    return r ? r : source->answer(source->arg, command, sink, err);
}

int session_history(session_pool *pool, const lb_target *target, const lb_command *command, const lb_sink *sink,
                    fixture_answer answer, void *arg, lb_error *err)
{
    history_source source = {.pool = pool, .target = target, .answer = answer, .arg = arg};
    int r = pool->setup->transport.path ? open_transport(pool, err) : 0;
    if (r < 0)
        return r;
    r = pool->recording ? fixture_record_history(pool->recording, target, command, answer_history, &source, sink, err)
                        : answer_history(&source, command, sink, err);
    return r < 0 ? r : 0;
}

const lb_error *session_recording_failure(const session_pool *pool)
{
    return pool->recording ? fixture_recording_failure(pool->recording) : NULL;
}

int64_t session_clock(session_pool *pool)
{
    lb_error ignored;
    if (pool->setup->transport.path && open_transport(pool, &ignored) == 0 && pool->transport->clock) {
        int64_t fixed = pool->transport->clock(pool->state);
        if (fixed)
            return fixed;
    }
    return clock_now();
}
