#include "history_rows.h"

#include "../unit/delta_place.h"

#include <fts.h>

/* 50 projects with 3 branches of 500 statements, of which a quarter moves within an hour, a tenth in five minutes. */
#define BRANCHES    150
#define STATEMENTS  500
#define ROUNDS      12 /* of five minutes */
#define MOVED       50 /* of a branch's statements, each round */
#define MOVED_HOUR  125
#define METRICS     60   /* of a branch in a round */
#define RUNS        3700 /* of a branch in a day: a tool each minute, six each five, four each 15, six each hour */
#define RUNS_HOUR   (RUNS / 24)
#define KEPT_DAYS   90
#define ROLLED_DAYS 7
#define GRACE_DAYS  7
#define LARGE       (128 * 1048576.0 / 16) /* bytes: such a file waits for the end of its day */

void rows_statement(lb_value values[TABLE_COLUMNS_MAX + 1], int64_t n, int64_t queryid, int64_t at)
{
    const table_def *def = table_find("pg_stat_history");
    size_t used = 0;
    for (size_t i = 3; i < def->column_count; i++) {
        const table_column *c = &def->columns[i];
        uint64_t random = (uint64_t)(n * 97 + (int64_t)i) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
        if (strcmp(c->name, "query") == 0 || strstr(c->doc, "since 18"))
            continue;
        if (strcmp(c->name, "snapshot_timestamp") == 0)
            values[used++] = lb_time(c->name, at);
        else if (c->type == LB_TIME)
            values[used++] = lb_time(c->name, NOON - DAY);
        else if (strcmp(c->name, "queryid") == 0)
            values[used++] = lb_i64(c->name, (int64_t)((uint64_t)(queryid + 1) * UINT64_C(0x9e3779b97f4a7c15)));
        else if (strcmp(c->name, "userid") == 0 || strcmp(c->name, "dbid") == 0 ||
                 strcmp(c->name, "system_identifier") == 0)
            values[used++] = lb_i64(c->name, 16384);
        else if (c->type == LB_I64)
            values[used++] = lb_i64(c->name, random % 5 < 2 ? 0 : (int64_t)(random % 1000000));
        else if (c->type == LB_F64)
            values[used++] = lb_f64(c->name, random % 5 < 2 ? 0 : (double)(random % 100000000) / 10000);
        else if (c->type == LB_BOOL)
            values[used++] = lb_bool(c->name, true);
        else
            values[used++] = lb_text(c->name, strcmp(c->name, "granularity") == 0 ? "snapshot" : "app");
    }
    values[used] = (lb_value){.type = LB_END};
}

double rows_data_bytes(const char *table_folder)
{
    double bytes = 0;
    LB_AUTO_FREE char *root = base_strdup(table_folder);
    char *const paths[] = {root, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *e; walk && (e = fts_read(walk));)
        if (e->fts_info == FTS_F && strstr(e->fts_name, "part-"))
            bytes += (double)e->fts_statp->st_size;
    if (walk)
        (void)fts_close(walk); /* read only */
    return bytes;
}

/* ---- an hour of all branches ---- */

static void must(int r, const lb_error *err)
{
    if (r >= 0)
        return;
    (void)fprintf(stderr, "%s\n", err->message);
    abort();
}

static void add_statements(outbox_batch *batch, const lb_target *target, const char *run_id, int branch, int round)
{
    lb_error err = {0};
    lb_value values[TABLE_COLUMNS_MAX + 1];
    for (int i = 0; i < MOVED; i++) {
        int statement = (round * MOVED + i * 7) % MOVED_HOUR; /* the pool that an hour has is gone through in turn */
        rows_statement(values, ((int64_t)round * BRANCHES + branch) * STATEMENTS + statement, statement,
                       NOON + round * 5 * 60 * CLOCK_SECOND + branch * CLOCK_SECOND);
        must(outbox_add_for(batch, "pg_stat_history", values, target, run_id, &err), &err);
    }
}

static void add_metrics(outbox_batch *batch, const lb_target *target, const char *run_id, int branch, int round)
{
    lb_error err = {0};
    for (int i = 0; i < METRICS; i++) {
        uint64_t random = (uint64_t)(round * 1000 + branch * 77 + i) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
        LB_AUTO_FREE char *name = base_printf("metric_of_a_branch_%02d", i);
        must(outbox_add_for(
                 batch, "lakebase_metrics",
                 LB_ARGS(lb_time("snapshot_timestamp", NOON + round * 5 * 60 * CLOCK_SECOND),
                         lb_text("metric_name", name), lb_f64("metric_value", (double)(random % 100000) / 100),
                         lb_text("unit", i % 3 ? "count" : "ratio"), lb_text("kind", i % 2 ? "gauge" : "rate"),
                         lb_text("threshold_level", "normal"), lb_f64("interval_seconds", 300)),
                 target, run_id, &err),
             &err);
    }
}

/* An id as those of other processes are: nothing but its time is near the one before. */
static void other_id(char id[ID_TEXT], uint64_t seed)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    id_new(id);
    for (size_t i = 10; i < ID_TEXT - 1; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        id[i] = alphabet[seed >> 59];
    }
}

static void add_runs(outbox_batch *batch, const lb_target *target, int branch)
{
    lb_error err = {0};
    for (int i = 0; i < RUNS_HOUR; i++) {
        char run_id[ID_TEXT];
        other_id(run_id, (uint64_t)(branch * RUNS_HOUR + i));
        int64_t at = NOON + (int64_t)i * 3600 * CLOCK_SECOND / RUNS_HOUR + i * 1237;
        LB_AUTO_FREE char *tool = base_printf("a_tool_with_a_name_%02d", i % 17);
        must(outbox_add_for(batch, "tool_runs",
                            LB_ARGS(lb_text("tool", tool), lb_text("agent", i % 2 ? "health" : "performance"),
                                    lb_text("mode", "execute"), lb_text("status", "ok"), lb_time("started_at", at),
                                    lb_time("finished_at", at + 30000 + i * 131), lb_f64("duration_ms", 30 + i * 0.131),
                                    lb_text("actor_kind", "schedule"), lb_i64("changes", 0), lb_i64("findings", i % 3),
                                    lb_i64("records", i % 60), lb_i64("events", 0), lb_i64("statements", 4),
                                    lb_f64("statements_ms", i * 0.071), lb_f64("cpu_ms", i * 0.031),
                                    lb_text("plugin_version", "0.1.0")),
                            target, run_id, &err),
             &err);
    }
}

static void fill_hour(const place *p)
{
    lb_error err = {0};
    outbox_batch *batch = outbox_batch_new(p->outbox, "01BENCHRUN0000000000000000", (size_t)256 << 20);
    for (int branch = 0; branch < BRANCHES; branch++) {
        LB_AUTO_FREE char *project = base_printf("project-%02d", branch / 3);
        LB_AUTO_FREE char *name = base_printf("branch-%d", branch % 3);
        const lb_target target = {.project = project, .branch = name};
        for (int round = 0; round < ROUNDS; round++) {
            char run_id[ID_TEXT];
            other_id(run_id, (uint64_t)(branch * ROUNDS + round));
            add_statements(batch, &target, run_id, branch, round);
            add_metrics(batch, &target, run_id, branch, round);
        }
        add_runs(batch, &target, branch);
    }
    must(outbox_commit(batch, &err), &err);
    (void)outbox_batch_free(batch);
}

/* ---- what it comes to ---- */

static double bytes_of(const place *p, const char *table)
{
    LB_AUTO_FREE char *folder = base_printf("%s/%s", p->history, table);
    return rows_data_bytes(folder);
}

/* Once with hours that stay snapshots, once rolled up; nothing of before stays. */
static void settle(place *p, const char *rollup_days)
{
    lb_error err = {0};
    lb_delta_upkeep upkeep;
    const char *const pairs[] = {
        "rollup_days", rollup_days, "vacuum_grace_hours",
        "0",           "retention", "[\"pg_stat_history=0\",\"lakebase_metrics=0\",\"tool_runs=0\"]",
        NULL};
    must(place_open_with(p, pairs, &err), &err);
    delta_driver_report report;
    must(delta_driver_flush(p->driver, clock_monotonic() + 600 * CLOCK_SECOND, &report, &err), &err);
    must(delta_driver_maintain(p->driver, NULL, clock_now() + HOUR, clock_monotonic() + 600 * CLOCK_SECOND, &upkeep,
                               &err),
         &err);
    place_close(p);
}

/* What came in an hour is put together with what is small yet, and at the end of the day all of it. What is replaced
 * waits for the vacuum. */
static double replaced_in_a_day(double day)
{
    double small = 0, replaced = 0;
    for (int hour = 0; hour < 24; hour++) {
        replaced += day / 24 + small;
        small += day / 24;
        if (small >= LARGE)
            small = 0;
    }
    return replaced + day;
}

rows_year rows_measure_year(void)
{
    const char *parent = getenv("TMPDIR");
    PLACE p = {.root = base_printf("%s/lbops-bench-XXXXXX", parent && *parent ? parent : P_tmpdir)};
    if (!mkdtemp(p.root))
        abort();
    p.outbox = base_printf("%s/outbox", p.root);
    p.history = base_printf("%s/history", p.root);
    arena_init(&p.memory, 0);
    fill_hour(&p);
    settle(&p, "0");
    rows_year y = {.snapshot = bytes_of(&p, "pg_stat_history") / (BRANCHES * ROUNDS * MOVED),
                   .metric = bytes_of(&p, "lakebase_metrics") / (BRANCHES * ROUNDS * METRICS),
                   .run = bytes_of(&p, "tool_runs") / (BRANCHES * RUNS_HOUR)};
    settle(&p, LB_STRINGIFY(ROLLED_DAYS));
    y.hour = bytes_of(&p, "pg_stat_history") / (BRANCHES * MOVED_HOUR);
    double snapshots = y.snapshot * BRANCHES * ROUNDS * MOVED * 24, hours = y.hour * BRANCHES * MOVED_HOUR * 24;
    double metrics = y.metric * BRANCHES * ROUNDS * METRICS * 24, runs = y.run * BRANCHES * RUNS;
    y.statements = ROLLED_DAYS * snapshots + (KEPT_DAYS - ROLLED_DAYS) * hours;
    y.metrics = KEPT_DAYS * metrics;
    y.runs = KEPT_DAYS * runs;
    y.grace = GRACE_DAYS * (replaced_in_a_day(snapshots) + replaced_in_a_day(metrics) + replaced_in_a_day(runs) +
                            snapshots /* rolled up */ + hours + metrics + runs /* past their retention */);
    return y;
}
