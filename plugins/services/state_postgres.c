/* state_postgres: the state of several hosts, or of job runs, in a schema of a Postgres database.
 *
 * A batch is one call of a function of that schema (sql/state_postgres/layout.sql says why hosts cannot get into each
 * other's way), so it takes one round trip and needs no connection that survives it: when the connection is lost, the
 * batch is sent again under its number. Leases end by the server's clock. */
#include "state_postgres.h"
#include "pg_schema.h"

#include "state_postgres_sql.h"

#include <stdlib.h>

struct settings {
    const char *dsn, *password, *schema;
    int64_t connect_timeout_s;
    bool create;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, dsn, LB_TEXT, NULL, "connection string without a password: URL or keywords",
             .env = "LBOPS_STATE_DSN", .required = true),
    LB_PARAM(struct settings, password, LB_SECRET, NULL, "the password", .env = "LBOPS_STATE_PASSWORD"),
    LB_PARAM(struct settings, schema, LB_IDENT, "lbops_state", "the schema that is ours"),
    LB_PARAM(struct settings, connect_timeout_s, LB_I64, "10", "seconds to wait for a connection", .min = "1",
             .max = "3600"),
    LB_PARAM(struct settings, create, LB_BOOL, "true", "make the schema when it is missing; false: it has to be there"),
    LB_PARAMS_END,
};

static const pg_schema_kind kind = {
    .name = "state",
    .application = "lbops state",
    .layout = 1,
    .tables = "{store,document,batch}",
    .table_count = 3,
    .make = state_postgres_sql_layout,
};

/* A lock of somebody else's is the usual reason; the server can say whose. */
static int explain_timeout(const pg_schema *s, int r, lb_error *err)
{
    if (r == LB_ERR_TIMEOUT)
        (void)snprintf(err->hint, sizeof err->hint, /* a long name is cut */
                       "give it more time; does a session hold %.60s.store? see pg_stat_activity and pg_blocking_pids",
                       s->name);
    return r;
}

/* ---- the calls ---- */

typedef struct batch {
    pg_schema *schema;
    const char *client;
    int64_t number;
    size_t count;
    batch_values values;
    lb_state_verdict *verdicts;
} batch;

static int send_batch(void *arg, int64_t deadline, lb_error *err)
{
    const batch *b = arg;
    pg_row answer = PG_ROW_NONE;
    const lb_command command = {.name = "apply a batch",
                                .text = state_postgres_sql_apply,
                                .params = b->values.values,
                                .param_types = batch_types,
                                .param_count = BATCH_VALUES};
    int r = pg_schema_run(b->schema, &command, &answer, deadline, err);
    if (r < 0 && strcmp(err->sqlstate, "22P02") == 0)
        return lb_fail(err, LB_ERR_INVALID, "a body is one JSON document", "apply a batch: a body is not JSON");
    if (r < 0)
        return r;
    r = batch_read_verdicts(answer.cells[1] ? answer.cells[1] : "", b->client, b->number, pg_to_number(answer.cells[0]),
                            b->verdicts, b->count, err);
    pg_row_done(&answer);
    return r;
}

static int apply(void *state, const char *client, int64_t number, const lb_state_txn *txns, size_t count,
                 lb_state_verdict *ret_verdicts, int64_t deadline, lb_error *err)
{
    pg_schema *s = state;
    batch b = {.schema = s, .client = client, .number = number, .count = count, .verdicts = ret_verdicts};
    if (pg_schema_check_time(s, deadline, err) < 0 || state_check_batch(client, number, txns, count, err) < 0 ||
        batch_values_init(&b.values, client, number, txns, count, err) < 0)
        return err->code;
    int r = pg_schema_try(s, send_batch, &b, deadline, err);
    batch_values_done(&b.values);
    return explain_timeout(s, r, err);
}

typedef struct listing {
    pg_schema *schema;
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
    int64_t left = pg_to_number(cells[5]);
    const lb_state_doc doc = {
        .space = l->query->space,
        .key = cells[0],
        .version = pg_to_number(cells[1]),
        .status = cells[2],
        .owner = cells[3],
        .at = pg_to_number(cells[4]),
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

static int send_list(void *arg, int64_t deadline, lb_error *err)
{
    static const char *const types[] = {"text", "text", "text", "text", "text", "int8", "int8", "int8"};
    listing *l = arg;
    const lb_state_query *q = l->query;
    char from[PG_NUMBER_TEXT], to[PG_NUMBER_TEXT], limit[PG_NUMBER_TEXT];
    int64_t affected, last = q->at_to == INT64_MIN ? INT64_MIN : q->at_to - 1;
    const char *const values[] = {q->space,
                                  q->key,
                                  q->key_prefix,
                                  q->status,
                                  q->owner,
                                  pg_number_text(from, q->at_from ? q->at_from : INT64_MIN),
                                  pg_number_text(to, q->at_to ? last : INT64_MAX),
                                  q->limit ? pg_number_text(limit, (int64_t)q->limit) : NULL};
    const lb_command command = {.size = sizeof command,
                                .name = "list documents",
                                .text =
                                    q->newest_first ? state_postgres_sql_list_newest : state_postgres_sql_list_oldest,
                                .params = values,
                                .param_types = types,
                                .param_count = 8,
                                .deadline = deadline};
    const lb_sink sink = {.size = sizeof sink, .state = l, .columns = take_columns, .row = take_row};
    int r = pg_session_execute(l->schema->session, &command, &sink, &affected, err);
    l->schema->final = l->taken > 0; /* what was handed over cannot be taken back */
    return r;
}

static int list(void *state, const lb_state_query *query, int64_t deadline,
                int (*take)(void *arg, const lb_state_doc *doc, lb_error *err), void *arg, lb_error *err)
{
    pg_schema *s = state;
    listing l = {.schema = s, .query = query, .take = take, .arg = arg};
    if (pg_schema_check_time(s, deadline, err) < 0 || state_check_query(query, err) < 0)
        return err->code;
    return pg_schema_try(s, send_list, &l, deadline, err);
}

typedef struct pruning {
    pg_schema *schema;
    const char *values[4];
    int64_t removed;
} pruning;

static int send_prune(void *arg, int64_t deadline, lb_error *err)
{
    pruning *p = arg;
    pg_row answer = PG_ROW_NONE;
    const lb_command command = {.name = "prune documents",
                                .text = state_postgres_sql_prune,
                                .params = p->values,
                                .param_types = (const char *const[]){"text", "text", "int8", "int8"},
                                .param_count = 4};
    int r = pg_schema_run(p->schema, &command, &answer, deadline, err);
    if (r == 0)
        p->removed = pg_to_number(answer.cells[0]);
    pg_row_done(&answer);
    return r;
}

static int prune(void *state, const char *space, const char *status, int64_t before, int64_t most, int64_t deadline,
                 int64_t *ret_removed, lb_error *err)
{
    pg_schema *s = state;
    char before_text[PG_NUMBER_TEXT], most_text[PG_NUMBER_TEXT];
    pruning p = {.schema = s,
                 .values = {space, status, pg_number_text(before_text, before), pg_number_text(most_text, most)}};
    if (pg_schema_check_time(s, deadline, err) < 0 || state_check_prune(space, status, most, err) < 0)
        return err->code;
    int r = explain_timeout(s, pg_schema_try(s, send_prune, &p, deadline, err), err);
    if (r == 0)
        *ret_removed = p.removed;
    return r;
}

/* ---- the service ---- */

static void close_store(void *state)
{
    pg_schema_close(state);
    free(state);
}

static int forget_old_clients(void *arg, int64_t deadline, lb_error *err)
{
    pg_row ignored = PG_ROW_NONE;
    const lb_command command = {.name = "forget old clients", .text = state_postgres_sql_forget};
    int r = pg_schema_run(arg, &command, &ignored, deadline, err);
    pg_row_done(&ignored);
    return r;
}

static int open_store(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                      void **ret_state, lb_error *err)
{
    const struct settings *settings = args;
    const pg_schema_wish wish = {settings->dsn, settings->password, settings->schema, settings->connect_timeout_s,
                                 settings->create};
    (void)state_dir; /* everything is on the server */
    pg_schema *s = calloc(1, sizeof *s);
    if (!s)
        return lb_out_of_memory(err);
    int r = pg_schema_open(s, &kind, host, &wish, deadline, err);
    if (r == 0)
        r = pg_schema_try(s, forget_old_clients, s, deadline, err);
    if (r < 0)
        close_store(s);
    else
        *ret_state = s;
    return r;
}

LB_STATE(state_postgres, "the state of several hosts, in a schema of a Postgres database", .params = params,
         .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .shared = true, .open = open_store,
         .close = close_store, .apply = apply, .list = list, .prune = prune);
