/* What history costs: a million rows from the outbox into a table, small commits, a dashboard's question over 90 days
 * of 50 projects; against delta-rs on the same files in the same run.
 *
 *   bench_history LBOPS PYTHON DELTA_RS_SCRIPT */
#include "bench.h"
#include "history_rows.h"

#include "../unit/delta_place.h"

#include "../../plugins/services/delta_local.h"

#include <sys/resource.h>
#include <sys/wait.h>

#define BULK_ROWS     1000000
#define ROWS_A_FILE   2000
#define ROWS_A_COMMIT 200000
#define SMALL_ROWS    500
#define SMALL_COMMITS 100
#define DAYS          90
#define PROJECTS      50
#define ROWS_A_DAY    112000 /* of all projects, rolled up: a little over ten million in all */
#define QUESTIONS     9

/* ---- rows ---- */

static void put_statements(place *p, int64_t first, int count)
{
    lb_error err = {0};
    lb_value values[TABLE_COLUMNS_MAX + 1];
    outbox_batch *batch = outbox_batch_new(p->outbox, "01BENCHRUN0000000000000000", (size_t)64 << 20);
    for (int64_t n = first; n < first + count; n++) {
        rows_statement(values, n, n % 500, NOON + n / ROWS_A_FILE * 300 * CLOCK_SECOND / 4);
        if (outbox_add(batch, "pg_stat_history", values, &shop, &err) < 0)
            abort();
    }
    if (outbox_commit(batch, &err) < 0)
        abort();
    (void)outbox_batch_free(batch);
}

static place new_place(void)
{
    const char *parent = getenv("TMPDIR");
    place p = {.root = base_printf("%s/lbops-bench-XXXXXX", parent && *parent ? parent : P_tmpdir)};
    if (!mkdtemp(p.root))
        abort();
    p.outbox = base_printf("%s/outbox", p.root);
    p.history = base_printf("%s/history", p.root);
    arena_init(&p.memory, 0);
    return p;
}

/* The same files under a second name, for delta-rs. */
static void link_files(const place *p, const char *folder)
{
    lb_error err = {0};
    outbox_listing listing;
    if (fs_make_dirs(folder, &err) < 0 || outbox_list(p->outbox, &listing, &err) < 0)
        abort();
    for (size_t t = 0; t < listing.count; t++)
        for (size_t i = 0; i < listing.tables[t].count; i++) {
            char *from = outbox_path(p->outbox, listing.tables[t].table->name, listing.tables[t].files[i].id);
            char *to = base_printf("%s/%s", folder, listing.tables[t].files[i].id);
            if (link(from, to) != 0)
                abort();
            free(from);
            free(to);
        }
    outbox_listing_done(&listing);
}

/* ---- measuring ---- */

static double seconds(void)
{
    return (double)clock_monotonic() / (double)CLOCK_SECOND;
}

/* In a child of its own, so that its memory is its own. What it measures comes back through a pipe. */
static double in_child(place *p, double (*work)(place *), double *ret_mb)
{
    int ends[2], status = 0;
    double result = 0;
    struct rusage usage;
    if (pipe(ends) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        double value = work(p);
        _exit(write(ends[1], &value, sizeof value) == (ssize_t)sizeof value ? 0 : 1);
    }
    (void)close(ends[1]); /* the child's */
    if (child < 0 || read(ends[0], &result, sizeof result) != (ssize_t)sizeof result ||
        wait4(child, &status, 0, &usage) < 0 || status != 0)
        abort();
    (void)close(ends[0]); /* read to its end */
    *ret_mb = (double)usage.ru_maxrss / 1024;
    return result;
}

static void open_place(place *p, const char *const *pairs)
{
    lb_error err = {0};
    if (place_open_with(p, pairs, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.message);
        abort();
    }
}

static delta_driver_report must_flush(place *p)
{
    lb_error err = {0};
    delta_driver_report report;
    if (delta_driver_flush(p->driver, clock_monotonic() + 600 * CLOCK_SECOND, &report, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return report;
}

static double bulk(place *p)
{
    static const char *const pairs[] = {"flush_rows", LB_STRINGIFY(ROWS_A_COMMIT), "flush_mb", "4096", NULL};
    double start = seconds();
    open_place(p, pairs);
    delta_driver_report report = must_flush(p);
    double end = seconds();
    if (report.rows != BULK_ROWS)
        abort();
    place_close(p);
    return end - start;
}

static double small(place *p)
{
    static double times[SMALL_COMMITS];
    open_place(p, NULL);
    for (int i = 0; i < SMALL_COMMITS; i++) {
        put_statements(p, i * SMALL_ROWS, SMALL_ROWS);
        double start = seconds();
        if (must_flush(p).rows != SMALL_ROWS)
            abort();
        times[i] = (seconds() - start) * 1000;
    }
    place_close(p);
    qsort(times, SMALL_COMMITS, sizeof times[0], bench_compare_doubles);
    return times[SMALL_COMMITS / 2];
}

/* Milliseconds of delta-rs's commits: how many, their sum and median. */
typedef struct theirs {
    double sum, median, mb;
} theirs;

static theirs run_delta_rs(char *const *argv)
{
    theirs t = {0};
    double times[1024];
    size_t count = 0;
    int ends[2], status;
    struct rusage usage;
    char line[64];
    if (pipe(ends) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDOUT_FILENO); /* or its output is missing, which is seen */
        (void)execv(argv[0], argv);
        _exit(127);
    }
    (void)close(ends[1]); /* the child's */
    FILE *f = fdopen(ends[0], "r");
    while (f && count < LB_COUNT(times) && fgets(line, sizeof line, f))
        t.sum += times[count++] = strtod(line, NULL);
    if (f)
        (void)fclose(f); /* read to its end */
    if (child < 0 || wait4(child, &status, 0, &usage) < 0 || status != 0 || !count) {
        (void)fputs("delta-rs did not do its part\n", stderr);
        abort();
    }
    qsort(times, count, sizeof times[0], bench_compare_doubles);
    t.median = times[count / 2];
    t.mb = (double)usage.ru_maxrss / 1024;
    return t;
}

static theirs delta_rs(const place *p, char **argv, const char *rows)
{
    BUF_AUTO columns = BUF_INIT(65536);
    const table_def *def = table_find("pg_stat_history");
    for (size_t i = 0; i < def->column_count; i++)
        buf_printf(&columns, "%s%s:%s", i ? "," : "", def->columns[i].name, table_type_name(def->columns[i].type));
    char *folder = base_printf("%s/files", p->root), *table = base_printf("%s/theirs", p->root);
    char *rows_text = base_strdup(rows);
    char *const args[] = {argv[2], argv[3], folder, table, columns.data, rows_text, NULL};
    theirs t = run_delta_rs(args);
    free(folder);
    free(table);
    free(rows_text);
    return t;
}

/* ---- the dashboard ---- */

/* One day of rolled-up rows: $1 the date, $2 how many; then where to. */
static const char generated[] =
    "COPY (SELECT printf('project-%02d', i % 50) AS project_id, 'production' AS branch_id, "
    "printf('01BENCH%019d', i) AS run_id, CAST($1 AS TIMESTAMPTZ) + to_hours(CAST(i // 50 % 24 AS INTEGER)) AS "
    "snapshot_timestamp, 'hour' AS granularity, 3600.0 AS interval_seconds, 17 AS server_version, "
    "7300000000000000000 + i % 50 AS system_identifier, TIMESTAMPTZ '2025-12-01 00:00:00+00' AS postmaster_start, "
    "16384 AS userid, 16385 AS dbid, true AS toplevel, CAST(hash(i // 1200) >> 1 AS BIGINT) AS queryid, "
    "i * 7 AS calls, i * 1.25 AS total_exec_time, (i % 1000) / 7.0 AS mean_exec_time, (i % 90) / 7.0 AS "
    "min_exec_time, (i % 7000) / 7.0 AS max_exec_time, i * 3 AS rows, CAST(hash(i) % 1000000 AS BIGINT) AS "
    "shared_blks_hit, CAST(hash(i + 1) % 10000 AS BIGINT) AS shared_blks_read, CAST(hash(i + 2) % 100 AS BIGINT) AS "
    "temp_blks_written, CAST(hash(i + 3) % 1000000 AS BIGINT) AS wal_bytes, CAST(hash(i + 4) % 5000 AS BIGINT) AS "
    "calls_delta, CAST(hash(i + 5) % 50000 AS BIGINT) AS rows_delta, (hash(i + 6) % 1000000) / 100.0 AS "
    "total_exec_time_delta, CAST(hash(i + 7) % 100000 AS BIGINT) AS shared_blks_hit_delta, CAST(hash(i + 8) % 1000 AS "
    "BIGINT) AS shared_blks_read_delta, CAST(hash(i + 9) % 100000 AS BIGINT) AS wal_bytes_delta "
    "FROM range($2) r(i) ORDER BY project_id, queryid) TO $3 (FORMAT parquet, COMPRESSION zstd, RETURN_STATS)";

static const char question[] =
    "SELECT date, project_id, sum(calls_delta) AS calls, sum(total_exec_time_delta) AS ms, sum(shared_blks_hit_delta) "
    "/ "
    "(sum(shared_blks_hit_delta) + sum(shared_blks_read_delta)) AS hit_ratio FROM pg_stat_history WHERE date >= DATE "
    "'2026-01-01' GROUP BY ALL ORDER BY ALL";

static void generate(delta_local *local)
{
    lb_error err = {0};
    delta_table *table = delta_find_table(local, "pg_stat_history");
    delta_change change = {.operation = "WRITE", .data_change = true, .sequence = -1};
    int r = delta_table_open(table, &err);
    for (int day = 0; r == 0 && day < DAYS; day++) {
        char date[DELTA_DATE_TEXT];
        delta_date(NOON + day * DAY, date);
        char *midnight = base_printf("%s 00:00:00+00", date);
        duckdb_value values[] = {duckdb_create_varchar(midnight), duckdb_create_int64(ROWS_A_DAY)};
        r = delta_write_data(table, generated, values, 2, date, 0, &change.adds, &err);
        free(midnight);
    }
    if (r == 0)
        r = delta_commit_change(table, &change, &err);
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", err.message);
        abort();
    }
    delta_settle_data(table, &change, r);
}

static int count_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    (void)count, (void)cells, (void)err;
    ++*(int64_t *)state;
    return 0;
}

static double ask_once(const place *p, delta_local *local)
{
    lb_error err = {0};
    bool cut;
    int64_t rows = 0;
    (void)p;
    const lb_delta_question q = {
        .size = sizeof q, .text = question, .deadline = clock_monotonic() + 600 * CLOCK_SECOND};
    const lb_delta_sink sink = {.size = sizeof sink, .state = &rows, .columns = reply_columns, .row = count_row};
    double start = seconds();
    if (delta_local_query(local, &q, &sink, &cut, &err) < 0 || rows != (int64_t)DAYS * PROJECTS) {
        (void)fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return seconds() - start;
}

/* The plugin's own state, as its open makes it. */
static delta_local *open_plugin(place *p, lb_delta_setup *setup, lb_delta_table *table, lb_delta_column *columns)
{
    lb_error err = {0};
    static const lb_delta_table *list[1];
    const lb_delta *plugin = lb_plugin_v1_delta_local.ops;
    const table_def *def = table_find("pg_stat_history");
    void *args = arena_alloc(&p->memory, plugin->args_size), *state = NULL;
    for (size_t i = 0; i < def->column_count; i++)
        columns[i] = (lb_delta_column){def->columns[i].name, def->columns[i].type, def->columns[i].required,
                                       def->columns[i].doc};
    *table = (lb_delta_table){sizeof *table, sizeof columns[0], (uint32_t)def->column_count, 0,
                              def->name,     def->doc,          "snapshot_timestamp",        columns};
    list[0] = table;
    *setup = (lb_delta_setup){sizeof *setup, 1, list, p->root, p->root};
    if (params_bind("delta_local", (param_rows){plugin->params, plugin->param_size}, NULL, 0, args, plugin->args_size,
                    &p->memory, &err) < 0 ||
        plugin->open(&place_host, setup, args, &state, &err) < 0)
        abort();
    return state;
}

static double dashboard(place *p)
{
    static double times[QUESTIONS];
    static lb_delta_column columns[TABLE_COLUMNS_MAX];
    lb_delta_setup setup;
    lb_delta_table table;
    delta_local *local = open_plugin(p, &setup, &table, columns);
    generate(local);
    for (int i = 0; i < QUESTIONS; i++)
        times[i] = ask_once(p, local);
    ((const lb_delta *)lb_plugin_v1_delta_local.ops)->close(local);
    qsort(times, QUESTIONS, sizeof times[0], bench_compare_doubles);
    return times[QUESTIONS / 2];
}

static double data_bytes(const place *p)
{
    LB_AUTO_FREE char *root = base_printf("%s/pg_stat_history", p->history);
    return rows_data_bytes(root);
}

/* ---- all of it ---- */

static void fill(place *p, int64_t rows, int rows_a_file)
{
    for (int64_t n = 0; n < rows; n += rows_a_file)
        put_statements(p, n, rows_a_file);
}

int main(int argc, char **argv)
{
    double mb, unused, bulk_s, small_ms, dashboard_s;
    if (argc < 4)
        return 2;
    {
        PLACE p = new_place();
        char *files = base_printf("%s/files", p.root);
        fill(&p, BULK_ROWS, ROWS_A_FILE);
        link_files(&p, files);
        bulk_s = in_child(&p, bulk, &mb);
        theirs t = delta_rs(&p, argv, LB_STRINGIFY(ROWS_A_COMMIT));
        free(files);
        bench_figure bulk_figures[] = {
            {"bulk_ratio", bulk_s * 1000 / t.sum, "of delta-rs's time", 0.8, false, ""},
            {"bulk_memory", mb, "MB", 450, false, ""},
        };
        (void)snprintf(bulk_figures[0].against, sizeof bulk_figures[0].against,
                       "%.2f s against %.2f s of delta-rs for %d rows, %d a commit", bulk_s, t.sum / 1000, BULK_ROWS,
                       ROWS_A_COMMIT);                                                                     /* fits */
        (void)snprintf(bulk_figures[1].against, sizeof bulk_figures[1].against, "delta-rs %.0f MB", t.mb); /* fits */
        place_done(&p);
        p = new_place();
        fill(&p, SMALL_COMMITS * SMALL_ROWS, SMALL_ROWS);
        files = base_printf("%s/files", p.root);
        link_files(&p, files);
        t = delta_rs(&p, argv, LB_STRINGIFY(SMALL_ROWS));
        free(files);
        place_done(&p);
        p = new_place();
        small_ms = in_child(&p, small, &unused);
        place_done(&p);
        p = new_place();
        dashboard_s = in_child(&p, dashboard, &unused);
        double dashboard_gb = data_bytes(&p) / 1e9;
        rows_year year = rows_measure_year();
        double gb = (year.statements + year.metrics + year.runs + year.grace) / 1e9;
        bench_figure figures[] = {
            bulk_figures[0],
            bulk_figures[1],
            {"commit_500_rows", small_ms, "ms, median", 15, false, ""},
            {"commit_500_rows_ratio", small_ms / t.median, "of delta-rs's time", 0.5, false, ""},
            {"dashboard_90_days", dashboard_s, "s, median", 1, false, "10,080,000 rows of 50 projects, rolled up"},
            {"snapshot_row", year.snapshot, "bytes", 0, true, "of pg_stat_history, compacted; as are the next three"},
            {"hourly_row", year.hour, "bytes", 0, true, "of pg_stat_history, rolled up"},
            {"metric_row", year.metric, "bytes", 0, true, "of lakebase_metrics"},
            {"run_row", year.run, "bytes", 0, true, "of tool_runs"},
            {"year_of_50_projects", gb, "GB on the disk", 0, true, ""},
        };
        (void)snprintf(figures[3].against, sizeof figures[3].against, "delta-rs %.1f ms, parsing included",
                       t.median); /* fits */
        (void)snprintf(
            figures[9].against, sizeof figures[9].against,
            "150 branches, 500 statements each, 10 %% moving in 5 minutes, 25 %% in an hour, the tools' own "
            "schedules: after a year %.1f GB statements, %.1f GB metrics and %.1f GB runs are kept, and %.1f GB "
            "wait a week for the vacuum; a dashboard over 90 days of statements (%.2f GB) takes %.2f s",
            year.statements / 1e9, year.metrics / 1e9, year.runs / 1e9, year.grace / 1e9, dashboard_gb,
            dashboard_s); /* fits */
        (void)fprintf(stderr, "a year of 50 projects: %.1f GB on the disk. %s\n", gb, figures[9].against);
        bench_print("history", figures, LB_COUNT(figures));
    }
    return 0;
}
