/* approval_postgres: a table in a schema of a Postgres database, where people's programs see what is pending and write
 * what was decided. sql/approval_postgres/layout.sql describes it for them. LISTEN wakes collect at once. */
#include "pg_notify.h"
#include "pg_schema.h"
#include "service_ground.h"

#include <lbops/approval.h>

#include "approval_postgres_sql.h"

#include <stdlib.h>

struct settings {
    const char *dsn, *password, *schema;
    int64_t connect_timeout_s, keep_days;
    bool create;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, dsn, LB_TEXT, NULL, "connection string without a password: URL or keywords",
             .env = "LBOPS_STATE_DSN", .required = true),
    LB_PARAM(struct settings, password, LB_SECRET, NULL, "the password", .env = "LBOPS_STATE_PASSWORD"),
    LB_PARAM(struct settings, schema, LB_IDENT, "lbops_approval", "the schema that is ours"),
    LB_PARAM(struct settings, connect_timeout_s, LB_I64, "10", "seconds to wait for a connection", .min = "1",
             .max = "3600"),
    LB_PARAM(struct settings, keep_days, LB_I64, "90", "how long settled approvals are kept", .min = "1",
             .max = "36500"),
    LB_PARAM(struct settings, create, LB_BOOL, "true", "make the schema when it is missing; false: it has to be there"),
    LB_PARAMS_END,
};

static const pg_schema_kind kind = {
    .name = "approval",
    .application = "lbops approval",
    .layout = 1,
    .tables = "{store,approval}",
    .table_count = 2,
    .make = approval_postgres_sql_layout,
    .listen = approval_postgres_sql_listen,
};

/* `known` has the decisions that were handed over and are not settled: id to revision. */
typedef struct channel {
    pg_schema schema;
    struct json_object *known;
} channel;

/* ---- statements ---- */

typedef struct statement {
    const pg_schema *schema;
    lb_command command;
} statement;

static int send_statement(void *arg, int64_t deadline, lb_error *err)
{
    const statement *s = arg;
    pg_row ignored = PG_ROW_NONE;
    int r = pg_schema_run(s->schema, &s->command, &ignored, deadline, err);
    pg_row_done(&ignored);
    return r;
}

static int run(channel *c, const char *name, const char *text, const char *const *values, const char *const *types,
               uint32_t count, int64_t deadline, lb_error *err)
{
    statement s = {
        .schema = &c->schema,
        .command = {.name = name, .text = text, .params = values, .param_types = types, .param_count = count}};
    return pg_schema_try(&c->schema, send_statement, &s, deadline, err);
}

static int publish(void *state, const char *id, int64_t revision, const char *document, int64_t deadline, lb_error *err)
{
    channel *c = state;
    char number[PG_NUMBER_TEXT];
    if (pg_schema_check_time(&c->schema, deadline, err) < 0 ||
        service_check_approval(id, revision, document, NULL, err) < 0)
        return err->code;
    return run(c, "publish an approval", approval_postgres_sql_publish,
               (const char *const[]){id, pg_number_text(number, revision), document},
               (const char *const[]){"text", "int8", "json"}, 3, deadline, err);
}

static int settle(void *state, const char *id, const char *outcome, int64_t deadline, lb_error *err)
{
    channel *c = state;
    if (pg_schema_check_time(&c->schema, deadline, err) < 0 || service_check_settling(id, outcome, err) < 0)
        return err->code;
    int r = run(c, "settle an approval", approval_postgres_sql_settle, (const char *const[]){id, outcome},
                (const char *const[]){"text", "text"}, 2, deadline, err);
    if (r == 0)
        json_object_object_del(c->known, id);
    return r;
}

/* ---- collecting ---- */

typedef struct collecting {
    channel *channel;
    int (*take)(void *arg, const lb_decision *decision, lb_error *err);
    void *arg;
    int count;
    struct json_object *seen; /* what is decided and not settled now */
} collecting;

static int take_columns(void *state, uint32_t count, const char *const *names, lb_error *err)
{
    (void)state;
    (void)names; /* it is our own statement */
    return count == 6 ? 0 : lb_fail(err, LB_ERR_INTERNAL, NULL, "%u columns for a decision", count);
}

static bool is_known(const channel *c, const char *id, int64_t revision)
{
    struct json_object *known = NULL;
    return json_object_object_get_ex(c->known, id, &known) && json_object_get_int64(known) == revision;
}

static int take_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    collecting *g = state;
    const lb_decision decision = {.size = sizeof decision,
                                  .id = cells[0],
                                  .revision = pg_to_number(cells[1]),
                                  .approved = strcmp(cells[2], "approve") == 0,
                                  .by = cells[3],
                                  .because = cells[4],
                                  .at = pg_to_number(cells[5])};
    (void)count; /* checked with the columns */
    if (!is_known(g->channel, decision.id, decision.revision)) {
        int r = g->take(g->arg, &decision, err);
        g->channel->schema.final = r < 0; /* the host's refusal, whatever its code */
        if (r < 0)
            return r;
        g->count++;
        if (json_object_object_add(g->channel->known, decision.id, json_object_new_int64(decision.revision)) != 0)
            return lb_out_of_memory(err);
    }
    return json_object_object_add(g->seen, decision.id, json_object_new_int64(decision.revision)) == 0
               ? 0
               : lb_out_of_memory(err);
}

/* One look at the table. What another host has settled need not be remembered any longer. */
static int look(collecting *g, int64_t deadline, lb_error *err)
{
    channel *c = g->channel;
    int64_t affected;
    const lb_command command = {.size = sizeof command,
                                .name = "collect decisions",
                                .text = approval_postgres_sql_collect,
                                .deadline = deadline};
    const lb_sink sink = {.size = sizeof sink, .state = g, .columns = take_columns, .row = take_row};
    g->seen = json_object_new_object();
    if (!g->seen)
        return lb_out_of_memory(err);
    int r = pg_session_execute(c->schema.session, &command, &sink, &affected, err);
    if (r < 0) {
        (void)json_object_put(g->seen); /* says whether it was the last one */
        return r;
    }
    (void)json_object_put(c->known); /* as above */
    c->known = g->seen;
    return 0;
}

static int look_and_wait(void *arg, int64_t deadline, lb_error *err)
{
    collecting *g = arg;
    for (;;) {
        int r = look(g, deadline, err);
        if (r < 0 || g->count > 0)
            return r;
        r = pg_session_wait_notified(g->channel->schema.session, deadline, err);
        if (r < 0)
            return r == LB_ERR_TIMEOUT ? 0 : r; /* nobody decided anything */
    }
}

static int collect(void *state, int64_t deadline, int (*take)(void *arg, const lb_decision *decision, lb_error *err),
                   void *arg, lb_error *err)
{
    channel *c = state;
    collecting g = {.channel = c, .take = take, .arg = arg};
    if (pg_schema_check_time(&c->schema, deadline, err) < 0)
        return err->code;
    int r = pg_schema_try(&c->schema, look_and_wait, &g, deadline, err);
    return r < 0 ? r : g.count;
}

static int descriptor(void *state)
{
    const channel *c = state;
    return c->schema.session ? pg_session_descriptor(c->schema.session) : -1;
}

/* ---- opening ---- */

static void close_channel(void *state)
{
    channel *c = state;
    pg_schema_close(&c->schema);
    (void)json_object_put(c->known); /* says whether it was the last one */
    free(c);
}

static int open_channel(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                        void **ret_state, lb_error *err)
{
    const struct settings *settings = args;
    const pg_schema_wish wish = {settings->dsn, settings->password, settings->schema, settings->connect_timeout_s,
                                 settings->create};
    char days[PG_NUMBER_TEXT];
    (void)state_dir; /* everything is on the server */
    channel *c = calloc(1, sizeof *c);
    if (!c)
        return lb_out_of_memory(err);
    int r = pg_schema_open(&c->schema, &kind, host, &wish, deadline, err);
    c->known = json_object_new_object();
    if (r == 0 && !c->known)
        r = lb_out_of_memory(err);
    if (r == 0)
        r = run(c, "forget old approvals", approval_postgres_sql_forget,
                (const char *const[]){pg_number_text(days, settings->keep_days)}, (const char *const[]){"int8"}, 1,
                deadline, err);
    if (r < 0)
        close_channel(c);
    else
        *ret_state = c;
    return r;
}

LB_APPROVAL(approval_postgres, "people decide in a table of a Postgres database", .params = params,
            .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .open = open_channel,
            .close = close_channel, .publish = publish, .settle = settle, .collect = collect, .descriptor = descriptor);
