/* state_postgres: the state of several hosts, or of job runs, in a schema of a Postgres database.
 *
 * A batch is one call of a function of that schema (sql/state_postgres/layout.sql says why hosts cannot get into each
 * other's way), so it takes one round trip and needs no connection that survives it: when the connection is lost, the
 * batch is sent again under its number. Leases end by the server's clock. */
#include "state_postgres.h"

#include "state_postgres_sql.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>

#define MILLISECOND INT64_C(1000)
#define FIRST_WAIT  (50 * MILLISECOND)
#define LONGEST     (2000 * MILLISECOND)
#define LAYOUT      1

struct settings {
    const char *dsn, *password, *schema;
    int64_t connect_timeout_s;
    bool create;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, dsn, LB_TEXT, NULL, "connection string without a password: URL or keywords",
             .required = true),
    LB_PARAM(struct settings, password, LB_SECRET, NULL, "the password"),
    LB_PARAM(struct settings, schema, LB_IDENT, "lbops_state", "the schema that is ours"),
    LB_PARAM(struct settings, connect_timeout_s, LB_I64, "10", "seconds to wait for a connection", .min = "1",
             .max = "3600"),
    LB_PARAM(struct settings, create, LB_BOOL, "true", "make the schema when it is missing; false: it has to be there"),
    LB_PARAMS_END,
};

typedef struct store {
    const lb_service_host *host;
    char *dsn, *password, *schema;
    pg_options options;
    pg_session *session; /* NULL: connect first */
    bool may_create;     /* until it was seen once */
    bool final;          /* the call that runs cannot be tried again */
} store;

/* ---- statements ---- */

/* One row of texts. */
#define MOST_CELLS 5

typedef struct row {
    char *cells[MOST_CELLS];
    int64_t rows;
} row;

static int no_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    (void)state;
    (void)names; /* they are our own statements */
    return count <= MOST_CELLS ? 0 : lb_fail(err, LB_ERR_INTERNAL, NULL, "%u columns", count);
}

static int keep_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    row *into = state;
    for (uint32_t i = 0; i < count && into->rows == 0; i++) {
        into->cells[i] = cells[i] ? strdup(cells[i]) : NULL;
        if (cells[i] && !into->cells[i])
            return lb_out_of_memory(err);
    }
    into->rows++;
    return 0;
}

static void row_done(row *r)
{
    for (int i = 0; i < MOST_CELLS; i++)
        free(r->cells[i]);
    *r = (row){{NULL}, 0};
}

static int run(const store *s, const lb_command *statement, row *into, int64_t deadline, lb_error *err)
{
    int64_t affected;
    lb_command command = *statement;
    const lb_sink sink = {.size = sizeof sink, .state = into, .columns = no_columns, .row = keep_row};
    command.size = sizeof command;
    command.deadline = deadline;
    int r = pg_session_execute(s->session, &command, &sink, &affected, err);
    if (r < 0)
        row_done(into);
    return r;
}

static bool is_true(const char *cell)
{
    return cell && *cell == 't';
}

static int64_t to_number(const char *cell)
{
    return cell ? strtoll(cell, NULL, 10) : 0;
}

/* ---- opening ---- */

static int fail_missing_right(const store *s, const char *right, const char *kind, const char *object, lb_error *err)
{
    char hint[sizeof err->hint];
    (void)snprintf(hint, sizeof hint, /* long names are cut */
                   "as its owner: GRANT %s ON %s \"%.60s\" TO the role of the dsn", right, kind, object);
    return lb_fail(err, LB_ERR_DENIED, hint, "schema %s: the role may not %s it", s->schema,
                   strcmp(kind, "DATABASE") == 0 ? "create" : "use");
}

static int make_layout(store *s, int64_t deadline, lb_error *err)
{
    row ignored = {{NULL}, 0};
    if (!s->may_create)
        return lb_fail(err, LB_ERR_NOT_FOUND, "is it the right server and database? create = true makes a new store",
                       "there is no store in schema %s of database %s", s->schema, pg_session_database(s->session));
    int r = run(s, &(lb_command){.name = "make the store", .text = state_postgres_sql_layout}, &ignored, deadline, err);
    row_done(&ignored);
    return r;
}

/* Half a store is damage, and is not completed by guessing. */
static int judge(store *s, const row *found, int64_t deadline, lb_error *err)
{
    bool exists = is_true(found->cells[0]), usable = is_true(found->cells[1]), creatable = is_true(found->cells[2]);
    int64_t tables = to_number(found->cells[4]);
    if (!exists && !is_true(found->cells[3]))
        return fail_missing_right(s, "CREATE", "DATABASE", pg_session_database(s->session), err);
    if (exists && !usable)
        return fail_missing_right(s, "USAGE", "SCHEMA", s->schema, err);
    if (tables == 0 && exists && !creatable)
        return fail_missing_right(s, "USAGE, CREATE", "SCHEMA", s->schema, err);
    if (tables == 0)
        return make_layout(s, deadline, err);
    if (tables != 3)
        return lb_fail(err, LB_ERR_IO, "restore the schema from a backup; to begin anew, drop it yourself",
                       "schema %s is damaged: %lld of its 3 tables are there", s->schema, (long long)tables);
    return 0;
}

static int check_layout(const store *s, int64_t deadline, lb_error *err)
{
    row found = {{NULL}, 0};
    int r = run(s, &(lb_command){.name = "read the store's layout", .text = state_postgres_sql_store}, &found, deadline,
                err);
    if (r < 0)
        return r;
    int64_t layout = to_number(found.cells[0]);
    bool is_ours = found.rows == 1 && found.cells[1] && strcmp(found.cells[1], "lbops") == 0;
    row_done(&found);
    if (!is_ours)
        return lb_fail(err, LB_ERR_IO, "restore the schema from a backup, or name another one",
                       "schema %s holds no store of lbops, or a damaged one", s->schema);
    if (layout != LAYOUT)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "use the lbops that made it, or a newer one",
                       "schema %s has layout %lld; this lbops knows %d", s->schema, (long long)layout, LAYOUT);
    return 0;
}

static int establish(store *s, int64_t deadline, lb_error *err)
{
    const char *const schema[] = {s->schema};
    const lb_command statements[] = {
        {.name = "prepare the session", .text = state_postgres_sql_session},
        {.name = "look for the store", .text = state_postgres_sql_exists},
    };
    for (size_t i = 0; i < 2; i++) {
        row found = {{NULL}, 0};
        lb_command command = statements[i];
        command.params = schema;
        command.param_types = (const char *const[]){"text"};
        command.param_count = 1;
        int r = run(s, &command, &found, deadline, err);
        if (r == 0 && i == 1)
            r = judge(s, &found, deadline, err);
        row_done(&found);
        if (r < 0)
            return r;
    }
    return check_layout(s, deadline, err);
}

static int connect_store(store *s, int64_t deadline, lb_error *err)
{
    if (s->session && pg_session_reuse(s->session, "state", err) == 0)
        return 0;
    s->session = pg_session_close(s->session);
    int r = pg_session_open(s->host, &s->options, "state", deadline, &s->session, err);
    if (r < 0)
        return r;
    r = establish(s, deadline, err);
    if (r < 0)
        s->session = pg_session_close(s->session);
    else
        s->may_create = false; /* what was there once is missed, and not made again */
    return r;
}

/* ---- trying again ---- */

/* The connection is gone, the server on its way up or down, or became a standby; or sessions were in each other's way.
 */
static bool is_passing(const lb_error *err)
{
    return err->code == LB_ERR_UNREACHABLE || strncmp(err->sqlstate, "40", 2) == 0 ||
           strcmp(err->sqlstate, "25006") == 0;
}

/* False when there is no time left for another try. */
static bool wait_before_next(const store *s, int64_t *wait, int64_t deadline)
{
    int64_t now = s->host->now(), jitter = now % (*wait / 4 + 1); /* so that hosts do not come back in step */
    if (now + *wait + jitter >= deadline || s->host->cancelled())
        return false;
    (void)poll(NULL, 0, (int)((*wait + jitter) / MILLISECOND)); /* a signal makes it shorter */
    *wait = *wait * 2 > LONGEST ? LONGEST : *wait * 2;
    return !s->host->cancelled();
}

typedef int work(store *s, void *arg, int64_t deadline, lb_error *err);

static int try_until(store *s, work *does, void *arg, int64_t deadline, lb_error *err)
{
    int64_t wait = FIRST_WAIT;
    s->final = false;
    for (;;) {
        err->sqlstate[0] = '\0';
        int r = connect_store(s, deadline, err);
        if (r == 0)
            r = does(s, arg, deadline, err);
        if (r >= 0 || !is_passing(err))
            return r;
        if (err->code != LB_ERR_CONFLICT)
            s->session = pg_session_close(s->session); /* also a standby: the next host may be the primary */
        if (s->final)
            return r;
        if (!wait_before_next(s, &wait, deadline)) {
            if (err->code != LB_ERR_UNREACHABLE)
                return lb_fail(err, LB_ERR_TIMEOUT, "who else works in that schema? see pg_stat_activity",
                               "schema %s: other sessions were in the way until the deadline", s->schema);
            return r;
        }
    }
}

/* A lock of somebody else's is the usual reason; the server can say whose. */
static int explain_timeout(const store *s, int r, lb_error *err)
{
    if (r == LB_ERR_TIMEOUT)
        (void)snprintf(err->hint, sizeof err->hint, /* a long name is cut */
                       "give it more time; does a session hold %.60s.store? see pg_stat_activity and pg_blocking_pids",
                       s->schema);
    return r;
}

/* ---- the calls ---- */

typedef struct batch {
    const char *client;
    int64_t number;
    size_t count;
    batch_values values;
    lb_state_verdict *verdicts;
} batch;

static int send_batch(store *s, void *arg, int64_t deadline, lb_error *err)
{
    const batch *b = arg;
    row answer = {{NULL}, 0};
    const lb_command command = {.name = "apply a batch",
                                .text = state_postgres_sql_apply,
                                .params = b->values.values,
                                .param_types = batch_types,
                                .param_count = BATCH_VALUES};
    int r = run(s, &command, &answer, deadline, err);
    if (r < 0 && strcmp(err->sqlstate, "22P02") == 0)
        return lb_fail(err, LB_ERR_INVALID, "a body is one JSON document", "apply a batch: a body is not JSON");
    if (r < 0)
        return r;
    r = batch_read_verdicts(answer.cells[1] ? answer.cells[1] : "", b->client, b->number, to_number(answer.cells[0]),
                            b->verdicts, b->count, err);
    row_done(&answer);
    return r;
}

static int check_time(const store *s, int64_t deadline, lb_error *err)
{
    if (s->host->cancelled())
        return lb_fail(err, LB_ERR_CANCELLED, NULL, "schema %s: cancelled", s->schema);
    if (s->host->now() >= deadline)
        return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "schema %s: there was no time left to begin",
                       s->schema);
    return 0;
}

static int apply(void *state, const char *client, int64_t number, const lb_state_txn *txns, size_t count,
                 lb_state_verdict *ret_verdicts, int64_t deadline, lb_error *err)
{
    store *s = state;
    batch b = {.client = client, .number = number, .count = count, .verdicts = ret_verdicts};
    if (check_time(s, deadline, err) < 0 || state_check_batch(client, number, txns, count, err) < 0 ||
        batch_values_init(&b.values, client, number, txns, count, err) < 0)
        return err->code;
    int r = try_until(s, send_batch, &b, deadline, err);
    batch_values_done(&b.values);
    return explain_timeout(s, r, err);
}

typedef struct listing {
    const lb_state_query *query;
    int (*take)(void *arg, const lb_state_doc *doc, lb_error *err);
    void *arg;
    int64_t taken;
} listing;

static int take_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    listing *l = state;
    if (count != 7)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "%u columns for a document", count);
    int64_t left = to_number(cells[5]);
    const lb_state_doc doc = {
        .space = l->query->space,
        .key = cells[0],
        .version = to_number(cells[1]),
        .status = cells[2],
        .owner = cells[3],
        .at = to_number(cells[4]),
        .left_us = cells[5] && left == 0 ? -1 : left, /* a lease that ends right now; 0 would say that it is none */
        .body = cells[6],
    };
    l->taken++;
    return l->take(l->arg, &doc, err);
}

static int take_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    (void)state;
    (void)count;
    (void)names; /* it is our own statement */
    (void)err;
    return 0;
}

static const char *number_text(char into[24], int64_t number)
{
    (void)snprintf(into, 24, "%lld", (long long)number); /* fits */
    return into;
}

static int send_list(store *s, void *arg, int64_t deadline, lb_error *err)
{
    static const char *const types[] = {"text", "text", "text", "text", "text", "int8", "int8", "int8"};
    listing *l = arg;
    const lb_state_query *q = l->query;
    char from[24], to[24], limit[24];
    int64_t affected, last = q->at_to == INT64_MIN ? INT64_MIN : q->at_to - 1;
    const char *const values[] = {q->space,
                                  q->key,
                                  q->key_prefix,
                                  q->status,
                                  q->owner,
                                  number_text(from, q->at_from ? q->at_from : INT64_MIN),
                                  number_text(to, q->at_to ? last : INT64_MAX),
                                  q->limit ? number_text(limit, (int64_t)q->limit) : NULL};
    const lb_command command = {.size = sizeof command,
                                .name = "list documents",
                                .text =
                                    q->newest_first ? state_postgres_sql_list_newest : state_postgres_sql_list_oldest,
                                .params = values,
                                .param_types = types,
                                .param_count = 8,
                                .deadline = deadline};
    const lb_sink sink = {.size = sizeof sink, .state = l, .columns = take_columns, .row = take_row};
    int r = pg_session_execute(s->session, &command, &sink, &affected, err);
    s->final = l->taken > 0; /* what was handed over cannot be taken back */
    return r;
}

static int list(void *state, const lb_state_query *query, int64_t deadline,
                int (*take)(void *arg, const lb_state_doc *doc, lb_error *err), void *arg, lb_error *err)
{
    store *s = state;
    listing l = {.query = query, .take = take, .arg = arg};
    if (check_time(s, deadline, err) < 0 || state_check_query(query, err) < 0)
        return err->code;
    return try_until(s, send_list, &l, deadline, err);
}

typedef struct pruning {
    const char *values[4];
    int64_t removed;
} pruning;

static int send_prune(store *s, void *arg, int64_t deadline, lb_error *err)
{
    pruning *p = arg;
    row answer = {{NULL}, 0};
    const lb_command command = {.name = "prune documents",
                                .text = state_postgres_sql_prune,
                                .params = p->values,
                                .param_types = (const char *const[]){"text", "text", "int8", "int8"},
                                .param_count = 4};
    int r = run(s, &command, &answer, deadline, err);
    if (r == 0)
        p->removed = to_number(answer.cells[0]);
    row_done(&answer);
    return r;
}

static int prune(void *state, const char *space, const char *status, int64_t before, int64_t most, int64_t deadline,
                 int64_t *ret_removed, lb_error *err)
{
    store *s = state;
    char before_text[24], most_text[24];
    pruning p = {.values = {space, status, number_text(before_text, before), number_text(most_text, most)}};
    if (check_time(s, deadline, err) < 0 || state_check_prune(space, status, most, err) < 0)
        return err->code;
    int r = explain_timeout(s, try_until(s, send_prune, &p, deadline, err), err);
    if (r == 0)
        *ret_removed = p.removed;
    return r;
}

/* ---- the service ---- */

static void close_store(void *state)
{
    store *s = state;
    pg_session_close(s->session);
    if (s->password)
        explicit_bzero(s->password, strlen(s->password));
    free(s->password);
    free(s->dsn);
    free(s->schema);
    free(s);
}

/* A dsn is shown in manifests and messages; the password has a place of its own. */
static int check_dsn(const char *dsn, lb_error *err)
{
    int r = pg_check_conninfo(dsn, err);
    PQconninfoOption *options = r == 0 ? PQconninfoParse(dsn, NULL) : NULL;
    for (const PQconninfoOption *o = options; o && o->keyword; o++)
        if (strcmp(o->keyword, "password") == 0 && o->val && *o->val)
            r = lb_fail(err, LB_ERR_INVALID, "move it: password = { secret = \"NAME\" }, and NAME under [secrets]",
                        "there is a password in the dsn");
    PQconninfoFree(options);
    return r;
}

static int fill(store *s, const lb_service_host *host, const struct settings *settings, lb_error *err)
{
    s->host = host;
    s->dsn = strdup(settings->dsn);
    s->schema = strdup(settings->schema && *settings->schema ? settings->schema : "lbops_state");
    s->password = settings->password ? strdup(settings->password) : NULL;
    if (!s->dsn || !s->schema || (settings->password && !s->password))
        return lb_out_of_memory(err);
    if (strlen(s->schema) > 63)
        return lb_fail(err, LB_ERR_INVALID, "at most 63 bytes", "the schema's name is too long: %.80s", s->schema);
    s->may_create = settings->create;
    s->options = (pg_options){.conninfo = s->dsn,
                              .password = s->password,
                              .connect_timeout_ms = settings->connect_timeout_s * 1000,
                              .idle_in_transaction_timeout_ms = 60000};
    return check_dsn(s->dsn, err);
}

static int open_store(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                      void **ret_state, lb_error *err)
{
    (void)state_dir; /* everything is on the server */
    store *s = calloc(1, sizeof *s);
    if (!s)
        return lb_out_of_memory(err);
    int r = fill(s, host, args, err);
    if (r == 0)
        r = connect_store(s, deadline, err);
    row ignored = {{NULL}, 0};
    if (r == 0)
        r = run(s, &(lb_command){.name = "forget old clients", .text = state_postgres_sql_forget}, &ignored, deadline,
                err);
    row_done(&ignored);
    if (r < 0)
        close_store(s);
    else
        *ret_state = s;
    return r;
}

LB_STATE(state_postgres, "the state of several hosts, in a schema of a Postgres database", .params = params,
         .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .shared = true, .open = open_store,
         .close = close_store, .apply = apply, .list = list, .prune = prune);
