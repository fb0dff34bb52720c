/* Sessions: opened with a fresh credential, opened again where that is safe, and sure of their branch before they
 * change anything. */
#include "lake.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <unistd.h>

#define WAKING_TRIES  4
#define WAKING_PAUSE  REST_SECOND
#define NO_CREDENTIAL "28P01"
#define STARTING_UP   "57P03"
#define LENDING_LIMIT (30 * REST_SECOND)

struct lake_session {
    lake *lake;
    lb_target target; /* its texts are our own */
    char *reader;     /* the endpoint, of a compute that only reads; or NULL */
    char *application;
    lake_place *place;
    char uid[LAKE_NAME]; /* of the branch that we connected to */
    char *server;        /* and where */
    int64_t proved_at;
    bool in_transaction;
    pg_session *pg; /* NULL: it was lost, and could not be opened again */
};

/* ---- the connection string ---- */

static void add_word(rest_buf *b, const char *name, const char *value)
{
    rest_buf_text(b, name);
    rest_buf_text(b, "='");
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            rest_buf_text(b, "\\");
        rest_buf_put(b, value, 1);
    }
    rest_buf_text(b, "' ");
}

static const char *system_ca(void)
{
    return PQlibVersion() >= 160000 && !getenv("SSL_CERT_FILE") ? "system" : rest_default_ca();
}

/* libpq wants a host for each address. */
static void add_hosts(rest_buf *b, const char *server, const char *addresses)
{
    rest_buf hosts = {.limit = 8192};
    rest_buf_text(&hosts, server);
    for (const char *p = strchr(addresses, ','); p; p = strchr(p + 1, ',')) {
        rest_buf_text(&hosts, ",");
        rest_buf_text(&hosts, server);
    }
    b->failed = b->failed || hosts.failed;
    if (!hosts.failed)
        add_word(b, "host", hosts.data);
    add_word(b, "hostaddr", addresses);
    rest_buf_done(&hosts);
}

static int make_conninfo(const lake *l, const lake_place *place, const char *role, const char *addresses,
                         rest_buf *into, lb_error *err)
{
    const char *ca = l->ca_file ? l->ca_file : system_ca();
    bool verifies = strcmp(l->ssl_mode, "require") != 0;
    if (verifies && !ca)
        return lb_fail(err, LB_ERR_NOT_FOUND, "install ca-certificates, or name ca_file",
                       "this machine has no certificates to check the server's against");
    add_hosts(into, place->server, addresses);
    add_word(into, "port", l->via_port ? l->via_port : "5432");
    add_word(into, "dbname", l->database);
    add_word(into, "user", role);
    add_word(into, "sslmode", l->ssl_mode);
    if (verifies)
        add_word(into, "sslrootcert", ca);
    add_word(into, "sslsni", "1");
    add_word(into, "gssencmode", "disable");
    add_word(into, "target_session_attrs", "any");
    return into->failed ? lb_out_of_memory(err) : 0;
}

/* ---- connecting ---- */

static void explain_failure(const lake_place *place, lb_error *err)
{
    if (strstr(err->message, "certificate"))
        (void)snprintf(err->hint, sizeof err->hint, /* cut */
                       "the certificate must be for %.100s and from an issuer that ca_file or the system knows",
                       place->server);
    else if (strcmp(err->sqlstate, NO_CREDENTIAL) == 0)
        (void)snprintf(err->hint, sizeof err->hint, "%s",
                       "a fresh token was refused: does this branch have a role of that name with OAuth login?");
}

/* One try. The name is looked up each time: a branch that was made again has another address. */
static int connect_once(lake_session *s, int64_t deadline, lb_error *err)
{
    lake *l = s->lake;
    const char *role = NULL, *token = NULL;
    char *addresses = NULL;
    rest_buf conninfo = {.limit = 16384};
    int64_t limit = l->host->now() + l->limits.connect_timeout_ms * REST_MILLISECOND;
    int r = lake_identity(l, deadline, &role, err);
    if (r == 0)
        r = lake_credential(l, s->place, deadline, &token, err);
    if (r == 0 && l->via_address)
        r = (addresses = strdup(l->via_address)) ? 0 : lb_out_of_memory(err);
    else if (r == 0)
        r = lake_resolve(l->host, s->place->server, limit < deadline ? limit : deadline, &addresses, err);
    if (r == 0)
        r = make_conninfo(l, s->place, role, addresses, &conninfo, err);
    if (r == 0) {
        pg_options options = l->limits;
        options.conninfo = conninfo.data;
        options.password = token;
        r = pg_session_open(l->host, &options, s->application, deadline, &s->pg, err);
    }
    rest_buf_done(&conninfo);
    free(addresses);
    return r;
}

static bool is_waking(const lb_error *err, bool wakes)
{
    if (strcmp(err->sqlstate, STARTING_UP) == 0)
        return true;
    return wakes && err->code == LB_ERR_UNREACHABLE && !strstr(err->message, "certificate");
}

static int connect_place(lake_session *s, bool wakes, int64_t deadline, lb_error *err)
{
    bool renewed = false;
    int64_t pause = WAKING_PAUSE;
    for (int tries = 1;; tries++) {
        int r = connect_once(s, deadline, err);
        if (r == 0)
            return 0;
        bool rejected = strcmp(err->sqlstate, NO_CREDENTIAL) == 0;
        if (rejected && !renewed) {
            renewed = true; /* it may have been revoked, or have ended on the way: once more with a new one */
            auth_lease_drop(&s->place->credential);
            continue;
        }
        lake_hide(s->lake, err->message, sizeof err->message);
        explain_failure(s->place, err);
        if (!is_waking(err, wakes) || tries >= WAKING_TRIES)
            return r;
        lb_error stopped;
        int64_t until = s->lake->host->now() + rest_jitter(pause / REST_MILLISECOND) * REST_MILLISECOND;
        if (until >= deadline || rest_wait(s->lake->host, until, deadline, "connecting", &stopped) < 0)
            return r;
        pause *= 2;
    }
}

static int open_pg(lake_session *s, int64_t deadline, lb_error *err)
{
    bool wakes = false;
    lake_place *place = NULL;
    int r = lake_find(s->lake, &s->target, s->reader, deadline, &place, &wakes, err);
    if (!place)
        return r;
    s->place = place;
    char *server = strdup(place->server);
    if (!server)
        return lb_out_of_memory(err);
    free(s->server);
    s->server = server;
    memcpy(s->uid, s->place->branch_uid, sizeof s->uid);
    int64_t looked_at = s->lake->host->now();
    if (wakes)
        lake_log(s->lake, LB_LOG_INFO, "%s/%s: waking its compute", s->target.project, s->target.branch);
    r = connect_place(s, wakes, deadline, err);
    if (r == 0)
        s->proved_at = looked_at;
    return r;
}

int lake_session_open(lake *l, const lb_target *target, const char *reader, const char *application, int64_t deadline,
                      lake_session **ret_session, lb_error *err)
{
    int r = lake_check_target(target, err);
    if (r < 0)
        return r;
    lake_session *s = calloc(1, sizeof *s);
    if (!s)
        return lb_out_of_memory(err);
    s->lake = l;
    s->target = (lb_target){
        .project = strdup(target->project), .branch = strdup(target->branch), .branch_class = target->branch_class};
    s->application = strdup(application ? application : "");
    s->reader = reader ? strdup(reader) : NULL;
    bool whole = s->target.project && s->target.branch && s->application && (s->reader || !reader);
    r = whole ? open_pg(s, deadline, err) : lb_out_of_memory(err);
    if (r < 0) {
        lake_session_close(s);
        return r;
    }
    *ret_session = s;
    return 0;
}

static void free_text(const char *text)
{
    union {
        const char *read;
        char *own;
    } pointer = {text};
    free(pointer.own);
}

lake_session *lake_session_close(lake_session *s)
{
    if (!s)
        return NULL;
    pg_session_close(s->pg);
    free_text(s->target.project);
    free_text(s->target.branch);
    free(s->reader);
    free(s->application);
    free(s->server);
    free(s);
    return NULL;
}

/* The old one is gone; what it had set goes with it. */
static int open_again(lake_session *s, int64_t deadline, lb_error *err)
{
    lake_log(s->lake, LB_LOG_INFO, "%s/%s: the session was lost: connecting again", s->target.project,
             s->target.branch);
    s->pg = pg_session_close(s->pg);
    return open_pg(s, deadline, err);
}

/* ---- using ---- */

static int fail_gone(const lake_session *s, lb_error *err)
{
    return lb_fail(err, LB_ERR_UNREACHABLE, "connect again", "%s/%s: the session was lost", s->target.project,
                   s->target.branch);
}

int lake_session_reuse(lake_session *s, const char *application, lb_error *err)
{
    char *name = strdup(application ? application : "");
    if (!name)
        return lb_out_of_memory(err);
    free(s->application);
    s->application = name;
    return s->pg ? pg_session_reuse(s->pg, application, err) : fail_gone(s, err);
}

int lake_session_version(lake_session *s, int *ret_major, lb_error *err)
{
    return s->pg ? pg_session_version(s->pg, ret_major, err) : fail_gone(s, err);
}

/* Before a change: a session that can be seen to be lost is opened again, as nothing was sent on it; then the branch
 * proves to be the one that it was when we connected. */
static int prepare_change(lake_session *s, int64_t deadline, lb_error *err)
{
    lb_error lost;
    int r = 0;
    if (s->in_transaction)
        return s->pg ? 0 : fail_gone(s, err);
    if (!s->pg || pg_session_reuse(s->pg, s->application, &lost) < 0)
        r = open_again(s, deadline, err);
    if (r < 0 || s->lake->host->now() - s->proved_at < s->lake->prove_after_s * REST_SECOND)
        return r;
    r = lake_prove(s->lake, s->place, s->uid, s->server, deadline, err);
    if (r == 0)
        s->proved_at = s->lake->host->now();
    return r;
}

/* A sink that knows whether the host has seen anything of the answer. */
typedef struct watched {
    const lb_sink *sink;
    bool touched;
} watched;

static int watch_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    watched *w = state;
    w->touched = true;
    return w->sink->columns(w->sink->state, count, names, err);
}

static int watch_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    watched *w = state;
    w->touched = true;
    return w->sink->row(w->sink->state, count, cells, err);
}

/* A read that got lost before anything of its answer came may be asked again, once. */
static int read_statement(lake_session *s, const lb_command *command, const lb_sink *sink, int64_t *ret_affected,
                          lb_error *err)
{
    watched w = {.sink = sink};
    const lb_sink watching = {.size = sizeof watching, .state = &w, .columns = watch_columns, .row = watch_row};
    int r = s->pg ? pg_session_execute(s->pg, command, sink ? &watching : NULL, ret_affected, err) : fail_gone(s, err);
    if (r != LB_ERR_UNREACHABLE || w.touched || s->in_transaction)
        return r;
    r = open_again(s, command->deadline, err);
    return r < 0 ? r : pg_session_execute(s->pg, command, sink, ret_affected, err);
}

int lake_session_execute(lake_session *s, const lb_command *command, const lb_sink *sink, int64_t *ret_affected,
                         lb_error *err)
{
    if (command->read_only)
        return read_statement(s, command, sink, ret_affected, err);
    int r = prepare_change(s, command->deadline, err);
    return r < 0 ? r : pg_session_execute(s->pg, command, sink, ret_affected, err);
}

/* From another thread: what would open a connection again belongs to the one that has the workspace. */
int lake_session_sample(lake_session *s, const lb_command *command, const lb_sink *sink, lb_error *err)
{
    int64_t ignored = -1;
    return s->pg ? pg_session_execute(s->pg, command, sink, &ignored, err) : fail_gone(s, err);
}

/* The session's variables but for the password, which is a token that was taken when the session began. */
typedef struct lent {
    int (*put)(void *arg, const char *name, const char *value);
    void *arg;
    const char *token;
} lent;

static int put_fresh(void *arg, const char *name, const char *value)
{
    const lent *l = arg;
    return l->put(l->arg, name, strcmp(name, "PGPASSWORD") == 0 ? l->token : value);
}

/* A program may change things: it is on the branch that it was meant for, or it does not begin. And it logs in for
 * itself, later than we did, so it gets a token with all of its life before it. */
int lake_session_lend(lake_session *s, int (*put)(void *arg, const char *name, const char *value), void *arg,
                      lb_error *err)
{
    lent l = {.put = put, .arg = arg};
    int64_t deadline = s->lake->host->now() + LENDING_LIMIT;
    int r = prepare_change(s, deadline, err);
    if (r == 0)
        r = lake_credential_new(s->lake, s->place, deadline, &l.token, err);
    return r < 0 ? r : pg_session_lend(s->pg, put_fresh, &l, err);
}

int lake_session_begin(lake_session *s, int64_t deadline, lb_error *err)
{
    int r = prepare_change(s, deadline, err);
    if (r == 0)
        r = pg_session_begin(s->pg, deadline, err);
    s->in_transaction = s->in_transaction || r == 0;
    return r;
}

int lake_session_finish(lake_session *s, bool commit, int64_t deadline, lb_error *err)
{
    s->in_transaction = false;
    return s->pg ? pg_session_finish(s->pg, commit, deadline, err) : fail_gone(s, err);
}
