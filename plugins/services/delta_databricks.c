/* delta_databricks: history in Unity Catalog. Outbox files go to a volume and from there into Delta tables, through a
 * SQL warehouse that answers the questions, too. delta_databricks.h says how each row gets there exactly once. */
#include "delta_databricks.h"

#include <unistd.h>

#define PARAM(name, type, fallback, doc, ...) LB_PARAM(bricks_settings, name, type, fallback, doc, __VA_ARGS__)

static const lb_param params[] = {
    PARAM(warehouse_id, LB_TEXT, NULL, "the SQL warehouse; it may sleep, and is woken for each flush",
          .env = "DATABRICKS_WAREHOUSE_ID", .required = true),
    PARAM(catalog, LB_TEXT, BRICKS_CATALOG, "the catalog; made if it is missing and we may"),
    PARAM(schema, LB_TEXT, BRICKS_SCHEMA, "the schema of the tables; made likewise"),
    PARAM(volume, LB_TEXT, "outbox", "the volume through which rows travel; made likewise"),
    PARAM(flush_interval_s, LB_I64, "300",
          "records wait no longer than this: shorter is fresher, longer lets the "
          "warehouse sleep",
          .min = "1", .max = "86400"),
    PARAM(flush_bytes, LB_I64, "67108864", "commit at once when so many bytes of a table wait", .min = "1",
          .max = "4294967296"),
    PARAM(flush_rows, LB_I64, "500000", "commit at once when so many rows of a table wait", .min = "1",
          .max = "10000000"),
    PARAM(upkeep_interval_s, LB_I64, "86400", "how often retention, OPTIMIZE and VACUUM run", .min = "1",
          .max = "604800"),
    PARAM(optimize, LB_BOOL, "true", "put small files together at each upkeep"),
    PARAM(rollup_days, LB_I64, "7", "statement statistics older than this become hourly; 0: never", .min = "0",
          .max = "36500"),
    PARAM(vacuum_grace_hours, LB_I64, "168", "files that no snapshot needs stay for this; the platform refuses less",
          .min = "168", .max = "87600"),
    PARAM(retention, LB_LIST_OF(LB_TEXT), "[]",
          "other retentions than the tables' own: [\"pg_stat_history=30\"], in days; 0 keeps all"),
    AUTH_PARAMS(bricks_settings, auth),
    PARAM(ca_file, LB_TEXT, NULL, "certificates to trust, PEM, instead of the system's"),
    PARAM(poll_ms, LB_I64, "200", "first pause between two looks at a statement", .min = "1", .max = "5000"),
    PARAM(retry_pause_ms, LB_I64, "500", "first pause before a call is repeated", .min = "1", .max = "10000"),
    PARAM(attempt_timeout_s, LB_I64, "60", "longest time for one attempt of a call", .min = "1", .max = "600"),
    PARAM(retry_budget_s, LB_I64, "300", "longest time for a call with its repeats", .min = "1", .max = "3600"),
    PARAM(memory_mb, LB_I64, "128", "what DuckDB may use to make Parquet of an outbox file", .min = "64",
          .max = "1048576"),
    LB_PARAMS_END,
};

/* ---- settings ---- */

bricks_table *bricks_find_table(const bricks *b, const char *name)
{
    for (size_t i = 0; i < b->table_count; i++)
        if (strcmp(b->tables[i].def.name, name) == 0)
            return &b->tables[i];
    return NULL;
}

/* Unity Catalog takes almost any sign; paths, patterns and people do not. */
static int take_name(const char *param, const char *given, char **ret, lb_error *err)
{
    size_t length = given ? strlen(given) : 0, plain = 0;
    for (; plain < length; plain++) {
        char c = given[plain];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            break;
    }
    if (length == 0 || length > BRICKS_NAME_MOST || plain < length)
        return lb_fail(err, LB_ERR_INVALID, "use letters, digits, _ and -",
                       "%s of delta_databricks is no name: '%.80s'", param, given ? given : "");
    *ret = delta_strdup(given);
    return 0;
}

static int apply_retention(bricks *b, const char *text, lb_error *err)
{
    const char *equals = strchr(text, '=');
    char *end = NULL;
    DELTA_AUTO_FREE char *name = delta_strndup(text, equals ? (size_t)(equals - text) : strlen(text));
    bricks_table *table = bricks_find_table(b, name);
    long days = equals && equals[1] ? strtol(equals + 1, &end, 10) : -1;
    if (!end || *end || days < 0 || days > 36500)
        return lb_fail(err, LB_ERR_INVALID, "write TABLE=DAYS, such as pg_stat_history=30",
                       "retention '%.100s' of delta_databricks is none", text);
    if (!table)
        return lb_fail(err, LB_ERR_NOT_FOUND, "see the list of history tables in the docs",
                       "retention of delta_databricks names %.63s, which is no history table", name);
    table->def.retention_days = (int32_t)days;
    return 0;
}

static int read_tables(bricks *b, const bricks_settings *s, const lb_delta_setup *setup, lb_error *err)
{
    int r = 0;
    b->tables = delta_alloc(setup->table_count * sizeof *b->tables);
    for (; r == 0 && b->table_count < setup->table_count; b->table_count++)
        r = delta_table_def_read(setup->tables[b->table_count], &b->tables[b->table_count].def, err);
    for (size_t i = 0; r == 0 && i < s->retention.count; i++)
        r = apply_retention(b, s->retention.items[i], err);
    return r;
}

static int take_names(bricks *b, const bricks_settings *s, lb_error *err)
{
    int r = take_name("warehouse_id", s->warehouse_id, &b->warehouse, err);
    if (r == 0)
        r = take_name("catalog", s->catalog, &b->catalog, err);
    if (r == 0)
        r = take_name("schema", s->schema, &b->schema, err);
    if (r == 0)
        r = take_name("volume", s->volume, &b->volume, err);
    return r;
}

/* ---- the workspace ---- */

static bool never(void)
{
    return false;
}

static int make_clients(bricks *b, const auth_config *config, lb_error *err)
{
    char id[80];
    const char *const headers[] = {config->workspace_id ? id : NULL, NULL};
    rest_options options = {.host = b->host,
                            .ca_file = b->ca_file,
                            .user_agent = "lbops/" LB_PLUGIN_VERSION,
                            .attempt_ms = b->settings.attempt_timeout_s * 1000,
                            .budget_ms = b->settings.retry_budget_s * 1000,
                            .pause_ms = b->settings.retry_pause_ms};
    int r = auth_new(config, &options, &b->auth, err);
    if (r < 0)
        return r;
    (void)snprintf(id, sizeof id, "X-Databricks-Workspace-Id: %.40s", config->workspace_id ? config->workspace_id : "");
    options.base_url = auth_host(b->auth);
    options.headers = headers;
    options.authorize = auth_authorize;
    options.hide = auth_hide;
    options.arg = b->auth;
    r = rest_client_new(&options, &b->client, err);
    options.host = &b->patient;
    return r < 0 ? r : rest_client_new(&options, &b->parting, err);
}

static int reach_workspace(bricks *b, const bricks_settings *s, lb_error *err)
{
    auth_config config = {.host = NULL};
    int r = auth_config_load(&s->auth, &config, err);
    if (r < 0)
        return r;
    r = make_clients(b, &config, err);
    auth_config_done(&config);
    return r;
}

/* ---- open and close ---- */

static void close_bricks(void *state)
{
    bricks *b = state;
    rest_client_free(b->parting);
    rest_client_free(b->client);
    auth_free(b->auth);
    (void)delta_engine_free(b->engine); /* gives NULL */
    if (b->lock_fd >= 0)
        (void)close(b->lock_fd); /* lets the lock go */
    char *const texts[] = {b->warehouse, b->catalog, b->schema, b->volume, b->ca_file, b->stage_dir};
    for (size_t i = 0; i < DELTA_COUNT(texts); i++)
        free(texts[i]);
    free(b->tables);
    free(b);
}

/* Numbers only: the texts are the caller's. */
static bricks_settings numbers_of(const bricks_settings *s)
{
    return (bricks_settings){.flush_interval_s = s->flush_interval_s,
                             .flush_bytes = s->flush_bytes,
                             .flush_rows = s->flush_rows,
                             .upkeep_interval_s = s->upkeep_interval_s,
                             .poll_ms = s->poll_ms,
                             .retry_pause_ms = s->retry_pause_ms,
                             .attempt_timeout_s = s->attempt_timeout_s,
                             .retry_budget_s = s->retry_budget_s,
                             .vacuum_grace_hours = s->vacuum_grace_hours,
                             .rollup_days = s->rollup_days,
                             .memory_mb = s->memory_mb,
                             .optimize = s->optimize};
}

static int open_bricks(const lb_service_host *host, const lb_delta_setup *setup, const void *args, void **ret_state,
                       lb_error *err)
{
    const bricks_settings *s = args;
    bricks *b = delta_alloc(sizeof *b);
    *b = (bricks){.host = host, .settings = numbers_of(s), .lock_fd = -1, .patient = *host};
    b->patient.cancelled = never;
    b->ca_file = s->ca_file && *s->ca_file ? delta_strdup(s->ca_file) : NULL;
    b->stage_dir = delta_printf("%s/delta_databricks", setup->state_dir);
    int r = take_names(b, s, err);
    if (r == 0)
        r = read_tables(b, s, setup, err);
    if (r == 0)
        r = reach_workspace(b, s, err);
    if (r < 0) {
        close_bricks(b);
        return r;
    }
    *ret_state = b;
    return 0;
}

static int tell_policy(void *state, lb_delta_policy *ret_policy, lb_error *err)
{
    const bricks_settings *s = &((bricks *)state)->settings;
    (void)err; /* cannot fail */
    *ret_policy = (lb_delta_policy){.size = sizeof *ret_policy,
                                    .flush_interval_s = s->flush_interval_s,
                                    .flush_bytes = s->flush_bytes,
                                    .flush_rows = s->flush_rows,
                                    .upkeep_interval_s = s->upkeep_interval_s};
    return 0;
}

LB_DELTA(delta_databricks, "history in Unity Catalog: Delta tables, written and asked through a SQL warehouse",
         .param_size = sizeof(lb_param), .args_size = sizeof(bricks_settings), .params = params, .open = open_bricks,
         .close = close_bricks, .policy = tell_policy, .commit = bricks_commit, .maintain = bricks_maintain,
         .query = bricks_query, .lake_query = bricks_lake_query, .lake_table = bricks_lake_table,
         .lake_append = bricks_lake_append, .lake_view = bricks_lake_view, .lake_merge = bricks_lake_merge);
