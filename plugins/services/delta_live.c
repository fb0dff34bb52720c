/* A table function of DuckDB that reads through libpq: the columns that a question needs, as text, from a cursor in the
 * one transaction that the question has on that server. */
#include "delta_live.h"

#include <lbops/lake_type.h>

#include <delta_live_sql.h>
#include <libpq-fe.h>
#include <pthread.h>

#define FUNCTION "lbops_live"
#define HOME     "catalogs of delta_local"

typedef struct server {
    struct server *next;
    char *catalog;
    PGconn *conn;
    pthread_mutex_t lock; /* two scans may share it */
    unsigned cursors;
} server;

typedef struct live_table {
    struct live_table *next;
    size_t index; /* by which the question names it */
    server *server;
    char *schema, *name;
    lake_fields fields;
    bool *arrays;
} live_table;

struct delta_live {
    const delta_local *local;
    int64_t deadline;
    server *servers;
    live_table *tables; /* the last one first */
};

/* ---- settings ---- */

/* The connection of a catalog, or NULL. */
static const char *find_conninfo(const delta_local *local, const char *name)
{
    size_t length = strlen(name);
    for (char **catalog = local->catalogs; *catalog; catalog++)
        if (strncasecmp(*catalog, name, length) == 0 && (*catalog)[length] == '=')
            return *catalog + length + 1;
    return NULL;
}

bool delta_live_has(const delta_local *local, const char *catalog)
{
    return find_conninfo(local, catalog) != NULL;
}

int delta_live_check(const lb_texts *catalogs, lb_error *err)
{
    for (size_t i = 0; i < catalogs->count; i++) {
        const char *equals = strchr(catalogs->items[i], '=');
        char *problem = NULL;
        PQconninfoOption *parsed = equals && equals > catalogs->items[i] ? PQconninfoParse(equals + 1, &problem) : NULL;
        bool has_password = false;
        for (const PQconninfoOption *o = parsed; o && o->keyword; o++)
            has_password = has_password || (strcmp(o->keyword, "password") == 0 && o->val && *o->val);
        PQconninfoFree(parsed); /* NULL is fine */
        if (problem)
            PQfreemem(problem); /* it may quote what is secret */
        if (!parsed)
            return lb_fail(err, LB_ERR_INVALID, "write NAME=postgresql://USER@HOST/DATABASE",
                           "entry %zu of " HOME " is no name with a connection behind it", i + 1);
        if (has_password)
            return lb_fail(err, LB_ERR_INVALID, "a manifest has no secrets: name one as catalog_password",
                           "entry %zu of " HOME " has a password in it", i + 1);
    }
    return 0;
}

/* ---- a server ---- */

static int fail_server(const server *s, const PGresult *result, lb_error *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL,
               *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    int code = !state                        ? LB_ERR_UNREACHABLE
               : strcmp(state, "42501") == 0 ? LB_ERR_DENIED
               : strcmp(state, "57014") == 0 ? LB_ERR_TIMEOUT
                                             : LB_ERR_SQL;
    return lb_fail(err, code, NULL, "the catalog %s: %.300s", s->catalog, message ? message : PQerrorMessage(s->conn));
}

static int say(server *s, const char *sql, lb_error *err)
{
    PGresult *result = PQexec(s->conn, sql);
    ExecStatusType status = PQresultStatus(result);
    int r = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : fail_server(s, result, err);
    PQclear(result);
    return r;
}

/* The transaction's own: a server that is asked for more than there is time for stops by itself. */
static int limit_time(server *s, int64_t left_ms, lb_error *err)
{
    DELTA_AUTO_FREE char *limit = delta_printf("%lld", (long long)left_ms);
    const char *const values[] = {limit};
    PGresult *result = PQexecParams(s->conn, delta_live_sql_limit, 1, NULL, values, NULL, NULL, 0);
    int r = PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : fail_server(s, result, err);
    PQclear(result);
    return r;
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg, (void)result; /* nobody reads them here */
}

/* libpq would wait without an end for a server that has gone quiet. */
static int connect_server(server *s, const delta_live *live, lb_error *err)
{
    int64_t left = live->deadline ? (live->deadline - live->local->host->now()) / 1000 : 0;
    const char *password = live->local->catalog_password;
    const char *const
        names[] = {"dbname",
                   "application_name",
                   "connect_timeout",
                   "tcp_user_timeout",
                   "keepalives_idle",
                   "keepalives_interval",
                   "keepalives_count",
                   password ? "password" : NULL,
                   NULL},
        *const values[] = {
            find_conninfo(live->local, s->catalog), "lbops/lake", "10", "60000", "30", "10", "3", password, NULL};
    if (live->deadline && left <= 0)
        return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "there was no time left for the catalog %s",
                       s->catalog);
    s->conn = PQconnectdbParams(names, values, 1);
    if (PQstatus(s->conn) != CONNECTION_OK)
        return lb_fail(err, LB_ERR_UNREACHABLE, "look at " HOME, "the catalog %s cannot be reached: %.300s", s->catalog,
                       PQerrorMessage(s->conn));
    (void)PQsetNoticeReceiver(s->conn, ignore_notice, NULL); /* gives the one before */
    int r = say(s, delta_live_sql_begin, err);
    return r == 0 && live->deadline ? limit_time(s, left, err) : r;
}

static void free_server(server *s)
{
    PQfinish(s->conn); /* its transaction with it */
    (void)pthread_mutex_destroy(&s->lock);
    free(s->catalog);
    free(s);
}

static int find_server(delta_live *live, const char *catalog, server **ret, lb_error *err)
{
    for (server *known = live->servers; known; known = known->next)
        if (strcasecmp(known->catalog, catalog) == 0) {
            *ret = known;
            return 0;
        }
    server *s = delta_alloc(sizeof *s);
    s->catalog = delta_strdup(catalog);
    (void)pthread_mutex_init(&s->lock, NULL); /* cannot fail without attributes */
    s->next = live->servers;
    live->servers = s;
    *ret = s;
    return connect_server(s, live, err);
}

/* ---- a table ---- */

static void take_columns(live_table *t, const PGresult *result)
{
    int count = PQntuples(result);
    t->arrays = delta_alloc(((size_t)count + 1) * sizeof *t->arrays);
    for (int i = 0; i < count; i++) {
        char buffer[LB_LAKE_TYPE_BYTES];
        const char *type = PQgetvalue(result, i, 1);
        const char *spark = lb_lake_type(type, buffer);
        t->arrays[t->fields.count] = lb_lake_is_array(type);
        DELTA_PUSH(t->fields.items, t->fields.count, t->fields.capacity);
        t->fields.items[t->fields.count++] = (lake_field){.name = delta_strdup(PQgetvalue(result, i, 0)),
                                                          .spark = delta_strdup(spark),
                                                          .duckdb = lake_duckdb_type(spark)};
    }
}

static int look_up(live_table *t, const lb_lake_name *name, lb_error *err)
{
    const char *const values[] = {t->schema, t->name};
    PGresult *result = PQexecParams(t->server->conn, delta_live_sql_columns, 2, NULL, values, NULL, NULL, 0);
    int r = PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : fail_server(t->server, result, err);
    if (r == 0)
        take_columns(t, result);
    PQclear(result);
    return r < 0 || t->fields.count ? r : lake_fail_absent(name, err);
}

int delta_live_open(delta_live *live, const lb_lake_name *name, size_t *ret_index, const lake_fields **ret_fields,
                    lb_error *err)
{
    live_table *t = delta_alloc(sizeof *t);
    t->schema = delta_strdup(name->schema);
    t->name = delta_strdup(name->name);
    t->index = live->tables ? live->tables->index + 1 : 0;
    t->next = live->tables;
    live->tables = t;
    *ret_index = t->index;
    *ret_fields = &t->fields;
    int r = find_server(live, name->catalog, &t->server, err);
    return r < 0 ? r : look_up(t, name, err);
}

delta_live *delta_live_new(const delta_local *local, int64_t deadline)
{
    delta_live *live = delta_alloc(sizeof *live);
    *live = (delta_live){.local = local, .deadline = deadline};
    return live;
}

delta_live *delta_live_free(delta_live *live)
{
    for (live_table *t = live ? live->tables : NULL, *next; t; t = next) {
        next = t->next;
        lake_fields_done(&t->fields);
        free(t->arrays);
        free(t->schema);
        free(t->name);
        free(t);
    }
    for (server *s = live ? live->servers : NULL, *next; s; s = next) {
        next = s->next;
        free_server(s);
    }
    free(live);
    return NULL;
}

/* ---- the table function ---- */

typedef struct scan {
    const live_table *table;
    size_t count; /* of columns that are wanted */
    bool begun, over;
    char cursor[24];
    char *declare, *fetch;
} scan;

static void bind_live(duckdb_bind_info info)
{
    const delta_live *live = duckdb_bind_get_extra_info(info);
    duckdb_value value = duckdb_bind_get_parameter(info, 0);
    int64_t index = duckdb_get_int64(value);
    duckdb_destroy_value(&value);
    live_table *t = live->tables;
    while (t && (int64_t)t->index != index)
        t = t->next;
    if (!t) {
        duckdb_bind_set_error(info, "there is no such table");
        return;
    }
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    for (size_t i = 0; i < t->fields.count; i++) {
        DELTA_AUTO_FREE char *name = delta_printf("c%zu", i);
        duckdb_bind_add_result_column(info, name, text);
    }
    duckdb_destroy_logical_type(&text);
    duckdb_bind_set_bind_data(info, t, NULL);
}

/* What is no column, such as the number of a row that nobody looks at, is null. */
static void put_column(delta_text *sql, const live_table *t, idx_t index)
{
    if (index >= t->fields.count) {
        delta_text_puts(sql, "NULL::text");
        return;
    }
    delta_text_puts(sql, t->arrays[index] ? "to_jsonb(t." : "t.");
    delta_text_identifier(sql, t->fields.items[index].name); /* DuckDB quotes as Postgres does */
    delta_text_puts(sql, t->arrays[index] ? ")" : "");
}

static void free_scan(void *arg)
{
    scan *s = arg;
    free(s->declare);
    free(s->fetch);
    free(s);
}

static char *make_declare(const scan *s, const live_table *t, duckdb_init_info info)
{
    DELTA_TEXT columns = {0};
    DELTA_TEXT schema = {0};
    DELTA_TEXT table = {0};
    for (size_t i = 0; i < s->count; i++) {
        delta_text_puts(&columns, i ? ", " : "");
        put_column(&columns, t, duckdb_init_get_column_index(info, i));
    }
    delta_text_identifier(&schema, t->schema);
    delta_text_identifier(&table, t->name);
    const delta_slot slots[] = {{"cursor", s->cursor},
                                {"columns", columns.data ? columns.data : ""},
                                {"schema", schema.data},
                                {"table", table.data}};
    return delta_render(delta_live_sql_declare, slots, DELTA_COUNT(slots));
}

static char *make_fetch(const scan *s)
{
    DELTA_AUTO_FREE char *count = delta_printf("%lld", (long long)duckdb_vector_size());
    const delta_slot slots[] = {{"cursor", s->cursor}, {"count", count}};
    return delta_render(delta_live_sql_fetch, slots, DELTA_COUNT(slots));
}

static void init_live(duckdb_init_info info)
{
    live_table *t = duckdb_init_get_bind_data(info);
    scan *s = delta_alloc(sizeof *s);
    s->table = t;
    s->count = duckdb_init_get_column_count(info);
    (void)pthread_mutex_lock(&t->server->lock); /* these cannot fail: it is a plain one */
    (void)snprintf(s->cursor, sizeof s->cursor, "lbops_%u", ++t->server->cursors);
    (void)pthread_mutex_unlock(&t->server->lock);
    s->declare = make_declare(s, t, info);
    s->fetch = make_fetch(s);
    duckdb_init_set_init_data(info, s, free_scan);
    duckdb_init_set_max_threads(info, 1);
}

static void take_rows(const scan *s, const PGresult *result, duckdb_data_chunk output)
{
    int rows = PQntuples(result);
    for (size_t i = 0; i < s->count; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(output, i);
        duckdb_vector_ensure_validity_writable(vector);
        uint64_t *validity = duckdb_vector_get_validity(vector);
        for (int row = 0; row < rows; row++) {
            if (PQgetisnull(result, row, (int)i))
                duckdb_validity_set_row_invalid(validity, (idx_t)row);
            else
                duckdb_vector_assign_string_element_len(vector, (idx_t)row, PQgetvalue(result, row, (int)i),
                                                        (idx_t)PQgetlength(result, row, (int)i));
        }
    }
    duckdb_data_chunk_set_size(output, (idx_t)rows);
}

static int fetch(scan *s, duckdb_data_chunk output, lb_error *err)
{
    server *from = s->table->server;
    int r = s->begun ? 0 : say(from, s->declare, err);
    s->begun = true;
    PGresult *result = r < 0 ? NULL : PQexec(from->conn, s->fetch);
    if (r == 0 && PQresultStatus(result) != PGRES_TUPLES_OK)
        r = fail_server(from, result, err);
    if (r == 0) {
        take_rows(s, result, output);
        s->over = (idx_t)PQntuples(result) < duckdb_vector_size();
    }
    PQclear(result); /* NULL is fine */
    return r;
}

static void read_live(duckdb_function_info info, duckdb_data_chunk output)
{
    scan *s = duckdb_function_get_init_data(info);
    lb_error err;
    duckdb_data_chunk_set_size(output, 0);
    if (s->over)
        return;
    (void)pthread_mutex_lock(&s->table->server->lock); /* as above */
    int r = fetch(s, output, &err);
    (void)pthread_mutex_unlock(&s->table->server->lock);
    if (r < 0) {
        s->over = true;
        duckdb_function_set_error(info, err.message);
    }
}

int delta_live_register(delta_live *live, delta_engine *engine, lb_error *err)
{
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function_set_name(function, FUNCTION);
    duckdb_table_function_add_parameter(function, number);
    duckdb_table_function_set_extra_info(function, live, NULL);
    duckdb_table_function_set_bind(function, bind_live);
    duckdb_table_function_set_init(function, init_live);
    duckdb_table_function_set_function(function, read_live);
    duckdb_table_function_supports_projection_pushdown(function, true);
    duckdb_state state = duckdb_register_table_function(delta_engine_connection(engine), function);
    duckdb_destroy_logical_type(&number);
    duckdb_destroy_table_function(&function);
    return state == DuckDBSuccess ? 0 : lb_fail(err, LB_ERR_INTERNAL, NULL, "DuckDB does not take " FUNCTION "()");
}
