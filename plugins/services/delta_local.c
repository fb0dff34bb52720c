/* delta_local: history at home. Delta tables in a folder that Spark and delta-rs read as well; DuckDB does the Parquet
 * and the SQL. delta_local.h says how the folder looks. */
#include "delta_live.h"

#include <unistd.h>

static const lb_param params[] = {
    LB_PARAM(delta_settings, path, LB_TEXT, NULL, "the folder; default: history under the state directory"),
    LB_PARAM(
        delta_settings, lake_root, LB_TEXT, NULL,
        "the folder of the lakehouse's other tables, CATALOG/SCHEMA/NAME; default: lake under the state directory"),
    LB_PARAM(
        delta_settings, catalogs, LB_LIST_OF(LB_TEXT), "[]",
        "databases that are catalogs of the lakehouse, read as they are: [\"shop=postgresql://reader@host/shop\"]"),
    LB_PARAM(delta_settings, catalog_password, LB_SECRET, NULL, "the password for them; without it libpq's own ways"),
    LB_PARAM(delta_settings, flush_interval_s, LB_I64, "10", "records wait no longer than this", .min = "1",
             .max = "86400"),
    LB_PARAM(delta_settings, flush_mb, LB_I64, "128", "commit at once when so many megabytes of a table wait",
             .min = "1", .max = "4096"),
    LB_PARAM(delta_settings, flush_rows, LB_I64, "200000", "commit at once when so many rows of a table wait",
             .min = "1", .max = "10000000"),
    LB_PARAM(delta_settings, upkeep_interval_s, LB_I64, "3600", "how often compaction, retention and vacuum look",
             .min = "1", .max = "604800"),
    LB_PARAM(delta_settings, memory_mb, LB_I64, "256", "what DuckDB may use; it goes beyond it by about 100 MB",
             .min = "64", .max = "1048576"),
    LB_PARAM(delta_settings, threads, LB_I64, "2", "threads of DuckDB", .min = "1", .max = "256"),
    LB_PARAM(delta_settings, checkpoint_commits, LB_I64, "20", "a checkpoint after so many commits", .min = "1",
             .max = "10000"),
    LB_PARAM(delta_settings, compact_mb, LB_I64, "128", "files below this size are put together", .min = "1",
             .max = "4096"),
    LB_PARAM(delta_settings, compact_files, LB_I64, "4",
             "put the files of a day that is not over together when there are so many; a day that is over, from two",
             .min = "2", .max = "10000"),
    LB_PARAM(delta_settings, vacuum_grace_hours, LB_I64, "168",
             "files that no snapshot needs stay on the disk for this", .min = "0", .max = "87600"),
    LB_PARAM(delta_settings, log_days, LB_I64, "30", "commits that a checkpoint covers stay for this", .min = "0",
             .max = "3650"),
    LB_PARAM(delta_settings, rollup_days, LB_I64, "7", "statement statistics older than this become hourly; 0: never",
             .min = "0", .max = "3650"),
    LB_PARAM(delta_settings, ledger_days, LB_I64, "30", "names of committed outbox files are remembered for this",
             .min = "1", .max = "3650"),
    LB_PARAM(delta_settings, retention, LB_LIST_OF(LB_TEXT), "[]",
             "other retentions than the tables' own: [\"pg_stat_history=30\"], in days; 0 keeps all"),
    LB_PARAMS_END,
};

/* ---- settings ---- */

static int apply_retention(delta_local *local, const char *text, lb_error *err)
{
    const char *equals = strchr(text, '=');
    char *end = NULL;
    DELTA_AUTO_FREE char *name = delta_strndup(text, equals ? (size_t)(equals - text) : strlen(text));
    delta_table *table = delta_find_table(local, name);
    long days = equals && equals[1] ? strtol(equals + 1, &end, 10) : -1;
    if (!end || *end || days < 0 || days > 36500)
        return lb_fail(err, LB_ERR_INVALID, "write TABLE=DAYS, such as pg_stat_history=30",
                       "retention '%.100s' of "
                       "delta_local is none",
                       text);
    if (!table)
        return lb_fail(err, LB_ERR_NOT_FOUND, "see the list of history tables in the docs",
                       "retention of delta_local names %.63s, which is no history table", name);
    table->def.retention_days = (int32_t)days;
    return 0;
}

static int read_tables(delta_local *local, const lb_delta_setup *setup, lb_error *err)
{
    int r = 0;
    local->tables = delta_alloc(setup->table_count * sizeof *local->tables);
    for (uint32_t i = 0; r == 0 && i < setup->table_count; i++) {
        delta_table *table = &local->tables[local->table_count];
        r = delta_table_def_read(setup->tables[i], &table->def, err);
        if (r < 0)
            break;
        *table = (delta_table){.owner = local,
                               .def = table->def,
                               .directory = delta_printf("%s/%s", local->root, table->def.name),
                               .snapshot = {.version = -1, .checkpoint = -1},
                               .ledger = {.fd = -1}};
        local->table_count++;
    }
    for (size_t i = 0; r == 0 && i < local->settings.retention.count; i++)
        r = apply_retention(local, local->settings.retention.items[i], err);
    return r;
}

/* An absolute path: DuckDB is told to stay below it. */
static char *root_of(const char *path, const char *fallback, const lb_delta_setup *setup)
{
    if (!path)
        return delta_printf("%s/%s", setup->state_dir, fallback);
    if (path[0] == '/' || !setup->work_dir)
        return delta_strdup(path);
    return delta_printf("%s/%s", setup->work_dir, path);
}

static void close_local(void *state)
{
    delta_local *local = state;
    for (size_t i = 0; i < local->table_count; i++) {
        delta_table_forget(&local->tables[i]);
        free(local->tables[i].directory);
    }
    (void)delta_asker_free(local->asker); /* gives NULL, as does the next */
    (void)delta_engine_free(local->engine);
    if (local->lock_fd >= 0)
        (void)close(local->lock_fd); /* lets the lock go */
    if (local->temp_dir)
        (void)rmdir(local->temp_dir); /* where nothing was spilled it is not there */
    free(local->tables);
    free(local->root);
    free(local->temp_dir);
    free(local->lake_root);
    for (char **catalog = local->catalogs; catalog && *catalog; catalog++)
        free(*catalog);
    free(local->catalogs);
    free(local->catalog_password);
    free(local);
}

static void take_catalogs(delta_local *local, const delta_settings *settings)
{
    local->catalogs = delta_alloc((settings->catalogs.count + 1) * sizeof *local->catalogs);
    for (size_t i = 0; i < settings->catalogs.count; i++)
        local->catalogs[i] = delta_strdup(settings->catalogs.items[i]);
    local->catalog_password = delta_strdup(settings->catalog_password);
}

static int open_local(const lb_service_host *host, const lb_delta_setup *setup, const void *args, void **ret_state,
                      lb_error *err)
{
    const delta_settings *settings = args;
    delta_local *local = delta_alloc(sizeof *local);
    *local = (delta_local){.host = host,
                           .settings = *settings,
                           .lock_fd = -1,
                           .root = root_of(settings->path, "history", setup),
                           .lake_root = root_of(settings->lake_root, "lake", setup)};
    local->temp_dir = delta_printf("%s/" DELTA_TEMP "%ld", local->root, (long)getpid());
    take_catalogs(local, settings);
    int r = delta_live_check(&settings->catalogs, err);
    if (r == 0)
        r = read_tables(local, setup, err);
    if (r < 0) {
        close_local(local);
        return r;
    }
    local->settings.path = local->settings.lake_root = local->settings.catalog_password = NULL; /* the caller's */
    local->settings.catalogs = (lb_texts){NULL, 0};
    *ret_state = local;
    return 0;
}

static int tell_policy(void *state, lb_delta_policy *ret_policy, lb_error *err)
{
    const delta_settings *settings = &((delta_local *)state)->settings;
    (void)err; /* cannot fail */
    *ret_policy = (lb_delta_policy){.size = sizeof *ret_policy,
                                    .flush_interval_s = settings->flush_interval_s,
                                    .flush_bytes = settings->flush_mb << 20,
                                    .flush_rows = settings->flush_rows,
                                    .upkeep_interval_s = settings->upkeep_interval_s};
    return 0;
}

LB_DELTA(delta_local, "history in a folder: Delta tables, written and read by DuckDB", .param_size = sizeof(lb_param),
         .args_size = sizeof(delta_settings), .params = params, .open = open_local, .close = close_local,
         .policy = tell_policy, .commit = delta_local_commit, .maintain = delta_local_maintain,
         .query = delta_local_query, .lake_query = lake_local_query, .lake_table = lake_local_table,
         .lake_append = lake_local_append, .lake_view = lake_local_view);
