/* What a table of the local history becomes with time, and the quick way of small commits. */
#include "delta_place.h"

#include "tables.h"

static const char counted[] = "SELECT count(*), CAST(sum(metric_value) AS BIGINT) FROM lakebase_metrics";

/* ---- few rows ---- */

static void put_broken(const place *p)
{
    LB_AUTO_FREE char *path = base_printf("%s/lakebase_metrics/01%024d.ndjson", p->outbox, 0);
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT(fputs("{\"lbops_outbox\":1,\"table\":\"lakebase_metrics\",\"run_id\":\"r\",\"rows\":2}\n{}\n", f) >= 0);
    CU_ASSERT_EQUAL(fclose(f), 0);
}

/* One date goes into one file by a statement that stays prepared; the next commit may be of another kind. */
static void dates_and_damage_take_their_own_way(void)
{
    PLACE p = place_new();
    OPEN(&p);
    put_metrics(&p, NOON, 1, 3);
    CU_ASSERT_EQUAL(flush(&p).rows, 3);
    put_metrics(&p, NOON, 10, 1);
    put_metrics(&p, NOON + DAY, 20, 1);
    put_metrics(&p, NOON - 30 * 365 * DAY, 30, 1);
    CU_ASSERT_EQUAL(flush(&p).rows, 3);
    put_metrics(&p, NOON, 40, 1);
    put_broken(&p);
    put_metrics(&p, NOON + DAY, 50, 1);
    delta_driver_report r = flush(&p);
    CU_ASSERT_EQUAL(r.rows, 2);
    CU_ASSERT_EQUAL(r.damaged, 1);
    put_broken(&p);
    put_metrics(&p, NOON, 60, 1);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    put_metrics(&p, NOON, 70, 1);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    ASSERT_ANSWER(&p, counted, "10|286;");
    ASSERT_ANSWER(&p, "SELECT date, count(*) FROM lakebase_metrics GROUP BY date ORDER BY date",
                  "1996-01-09|1;2026-01-01|7;2026-01-02|2;");
}

static void a_table_without_dates_goes_the_quick_way(void)
{
    lb_error err = {0};
    PLACE p = place_new();
    OPEN(&p);
    for (int i = 0; i < 3; i++) {
        outbox_batch *batch = outbox_batch_new(p.outbox, "01TESTRUN00000000000000000", 1 << 20);
        CU_ASSERT_EQUAL(outbox_add(batch, "query_texts",
                                   LB_ARGS(lb_i64("queryid", i), lb_i64("dbid", 5),
                                           lb_time("first_seen_at", NOON + i * DAY), lb_text("query", "SELECT 'a''b'")),
                                   &shop, &err),
                        0);
        CU_ASSERT_EQUAL_FATAL(outbox_commit(batch, &err), 0);
        (void)outbox_batch_free(batch);
        CU_ASSERT_EQUAL(flush(&p).rows, 1);
    }
    ASSERT_ANSWER(&p, "SELECT count(*), sum(queryid), max(query) FROM query_texts", "3|3|SELECT 'a''b';");
}

/* ---- compaction ---- */

static lb_delta_upkeep compact(place *p, int64_t now)
{
    lb_error err = {0};
    lb_delta_upkeep upkeep;
    CU_ASSERT_EQUAL(
        delta_driver_maintain(p->driver, "lakebase_metrics", now, clock_monotonic() + 60 * CLOCK_SECOND, &upkeep, &err),
        0);
    return upkeep;
}

static void a_day_that_goes_on_keeps_its_large_files(void)
{
    PLACE p = place_new();
    OPEN_WITH(&p, "compact_mb", "1", "compact_files", "2");
    for (int i = 0; i < 10; i++)
        put_metrics(&p, NOON, 0.1 + 1e6 * i, 10000);
    CU_ASSERT_EQUAL(flush(&p).rows, 100000);
    for (int i = 0; i < 3; i++) {
        put_metrics(&p, NOON, i, 1);
        CU_ASSERT_EQUAL(flush(&p).rows, 1);
    }
    lb_delta_upkeep u = compact(&p, NOON + HOUR);
    CU_ASSERT_EQUAL(u.compacted, 3);
    CU_ASSERT_EQUAL(u.compacted_into, 1);
    u = compact(&p, NOON + DAY);
    CU_ASSERT_EQUAL(u.compacted, 2);
    CU_ASSERT_EQUAL(compact(&p, NOON + DAY).compacted, 0);
    ASSERT_ANSWER(&p, "SELECT count(*) FROM lakebase_metrics", "100003;");
}

/* ---- roll-ups ---- */

static void put_counts(place *p, const char *run_id, int64_t at, int64_t calls, int64_t delta, int64_t plans)
{
    lb_error err = {0};
    outbox_batch *batch = outbox_batch_new(p->outbox, run_id, 1 << 20);
    CU_ASSERT_EQUAL(outbox_add(batch, "pg_stat_history",
                               LB_ARGS(lb_time("snapshot_timestamp", at), lb_text("granularity", "snapshot"),
                                       lb_f64("interval_seconds", 300), lb_i64("system_identifier", 7),
                                       lb_time("postmaster_start", NOON - DAY), lb_i64("userid", 10), lb_i64("dbid", 5),
                                       lb_bool("toplevel", true), lb_i64("queryid", 42), lb_i64("calls", calls),
                                       lb_f64("total_exec_time", (double)calls), lb_i64("calls_delta", delta),
                                       plans < 0 ? lb_null("plans_delta") : lb_i64("plans_delta", plans)),
                               &shop, &err),
                    0);
    CU_ASSERT_EQUAL_FATAL(outbox_commit(batch, &err), 0);
    (void)outbox_batch_free(batch);
}

static void put_statement(place *p, const char *run_id, int64_t at, int64_t calls, int64_t delta)
{
    put_counts(p, run_id, at, calls, delta, -1);
}

static lb_delta_upkeep roll_up(place *p)
{
    lb_error err = {0};
    lb_delta_upkeep upkeep;
    int r = delta_driver_maintain(p->driver, "pg_stat_history", NOON + 10 * DAY, clock_monotonic() + 60 * CLOCK_SECOND,
                                  &upkeep, &err);
    if (r < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL(r, 0);
    return upkeep;
}

#define RUN(n) "01KDX000000000000000000" n /* in the order of time, as ids of runs are */
#define MINUTE (60 * CLOCK_SECOND)
#define ASK_HOURS                                                                                                      \
    "SELECT snapshot_timestamp, granularity, run_id[24:], calls, calls_delta, interval_seconds FROM "                  \
    "pg_stat_history ORDER BY 1"
#define HOUR_OF(at) "2026-01-01T" at ":00:00.000000Z|hour|"

/* An hour is one row, whenever its snapshots come: before what it was made of, after that, or between. */
static void snapshots_that_come_late_join_their_hour(void)
{
    PLACE p = place_new();
    OPEN(&p);
    put_statement(&p, RUN("110"), NOON + 10 * MINUTE, 110, 10);
    put_statement(&p, RUN("130"), NOON + 30 * MINUTE, 130, 20);
    put_statement(&p, RUN("200"), NOON + 60 * MINUTE, 200, 70);
    CU_ASSERT_EQUAL(flush(&p).rows, 3);
    CU_ASSERT_EQUAL(roll_up(&p).rolled_up, 3);
    ASSERT_ANSWER(&p, ASK_HOURS, HOUR_OF("12") "130|130|30|600.0;" HOUR_OF("13") "200|200|70|300.0;");
    put_statement(&p, RUN("120"), NOON + 20 * MINUTE, 120, 5);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    CU_ASSERT_EQUAL(roll_up(&p).rolled_up_into, 2);
    ASSERT_ANSWER(&p, ASK_HOURS, HOUR_OF("12") "130|130|35|900.0;" HOUR_OF("13") "200|200|70|300.0;");
    put_statement(&p, RUN("150"), NOON + 50 * MINUTE, 150, 15);
    put_statement(&p, RUN("080"), NOON - 20 * MINUTE, 80, 1);
    CU_ASSERT_EQUAL(flush(&p).rows, 2);
    CU_ASSERT_EQUAL(roll_up(&p).rolled_up_into, 3);
    ASSERT_ANSWER(&p, ASK_HOURS,
                  HOUR_OF("11") "080|80|1|300.0;" HOUR_OF("12") "150|150|50|1200.0;" HOUR_OF("13") "200|200|70|300.0;");
    CU_ASSERT_EQUAL(roll_up(&p).rolled_up, 0); /* and nothing is left to do */
}

/* ---- each column ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), end_length = strlen(end);
    return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

/* A figure of a statement: neither its key, nor its epoch, nor the span. */
static bool is_figure(const table_column *c)
{
    static const char *const others[] = {"system_identifier", "userid", "dbid", "queryid", "interval_seconds"};
    for (size_t i = 0; i < LB_COUNT(others); i++)
        if (strcmp(c->name, others[i]) == 0)
            return false;
    return c->type == LB_I64 || c->type == LB_F64;
}

#define SNAPSHOTS 3 /* of which the first knows no delta of every other column */

static bool has_delta(size_t column, int snapshot)
{
    return snapshot > 0 || column % 2 == 0;
}

/* No two columns have the same, and each snapshot has digits of its own in the sum. */
static int64_t delta_of(size_t column, int snapshot)
{
    static const int64_t scale[SNAPSHOTS] = {1, 1000, 1000000};
    return (int64_t)(column + 1) * scale[snapshot];
}

static int64_t total_of(size_t column, int snapshot)
{
    return (int64_t)(column + 1) * 50 + snapshot;
}

static lb_value figure(const table_column *c, int64_t value)
{
    return c->type == LB_I64 ? lb_i64(c->name, value) : lb_f64(c->name, (double)value + 0.5);
}

static void put_figures(place *p, const char *run_id, int64_t at, int64_t queryid, int64_t factor, int snapshot)
{
    lb_error err = {0};
    const table_def *table = table_find("pg_stat_history");
    lb_value values[TABLE_COLUMNS_MAX + 1] = {lb_time("snapshot_timestamp", at),
                                              lb_text("granularity", "snapshot"),
                                              lb_i64("system_identifier", 7),
                                              lb_time("postmaster_start", NOON - DAY),
                                              lb_i64("userid", 10),
                                              lb_i64("dbid", 5),
                                              lb_bool("toplevel", true),
                                              lb_i64("queryid", queryid)};
    size_t count = 8;
    for (size_t i = 0; i < table->column_count; i++) {
        const table_column *c = &table->columns[i];
        bool is_delta = ends_with(c->name, "_delta");
        if (is_figure(c) && (!is_delta || has_delta(i, snapshot)))
            values[count++] = figure(c, factor * (is_delta ? delta_of(i, snapshot) : total_of(i, snapshot)));
    }
    outbox_batch *batch = outbox_batch_new(p->outbox, run_id, 1 << 20);
    CU_ASSERT_EQUAL(outbox_add(batch, "pg_stat_history", values, &shop, &err), 0);
    CU_ASSERT_EQUAL_FATAL(outbox_commit(batch, &err), 0);
    (void)outbox_batch_free(batch);
}

/* What the hour has in that column, worked out from the digits. */
static void put_expected(buf *into, const table_column *c, size_t column, int64_t factor)
{
    bool is_delta = ends_with(c->name, "_delta");
    int64_t sum = (int64_t)(column + 1) * (column % 2 ? 1001000 : 1001001);
    int64_t value = factor * (is_delta ? sum : (int64_t)(column + 1) * 50 + SNAPSHOTS - 1);
    double halves = is_delta && column % 2 == 0 ? 1.5 : is_delta ? 1 : 0.5; /* one for each snapshot that is in it */
    if (c->type == LB_I64)
        buf_printf(into, "%lld", (long long)value);
    else
        buf_printf(into, "%.1f", (double)value + halves);
}

/* The row of a statement as it is expected, and the question for such rows. */
static void expect(buf *question, buf *answer, int64_t factor)
{
    const table_def *table = table_find("pg_stat_history");
    const char *between = "";
    buf_clear(question);
    buf_puts(question, "SELECT ");
    for (size_t i = 0; i < table->column_count; i++) {
        if (!is_figure(&table->columns[i]))
            continue;
        buf_printf(question, "%s%s", *between ? ", " : "", table->columns[i].name);
        buf_puts(answer, between);
        put_expected(answer, &table->columns[i], i, factor);
        between = "|";
    }
    buf_puts(question, " FROM pg_stat_history ORDER BY queryid");
    buf_putc(answer, ';');
}

static void each_delta_is_summed_in_its_own_column(void)
{
    static const char *const runs[] = {RUN("110"), RUN("120"), RUN("130")};
    BUF_AUTO question = BUF_INIT(1 << 16);
    BUF_AUTO answer = BUF_INIT(1 << 16);
    PLACE p = place_new();
    OPEN(&p);
    for (int i = 0; i < SNAPSHOTS; i++) {
        put_figures(&p, runs[i], NOON + (i + 1) * MINUTE, 42, 1, i);
        put_figures(&p, runs[i], NOON + (i + 1) * MINUTE, 43, 3, i);
    }
    CU_ASSERT_EQUAL(flush(&p).rows, 2 * SNAPSHOTS);
    CU_ASSERT_EQUAL(roll_up(&p).rolled_up_into, 2);
    expect(&question, &answer, 1);
    expect(&question, &answer, 3);
    ASSERT_ANSWER(&p, buf_text(&question), buf_text(&answer));
}

/* ---- columns that came later ---- */

/* The history as it was before most counters had a delta. */
static int open_as_it_was(const lb_service_host *host, const lb_delta_setup *setup, const void *args, void **ret_state,
                          lb_error *err)
{
    static lb_delta_column columns[TABLE_COLUMNS_MAX];
    static const lb_delta_table *tables[32];
    static lb_delta_table older;
    static lb_delta_setup all;
    const lb_delta *service = place_plugin()->ops;
    CU_ASSERT_FATAL(setup->table_count <= LB_COUNT(tables));
    all = *setup;
    all.tables = tables;
    for (uint32_t i = 0; i < setup->table_count; i++) {
        const lb_delta_table *t = tables[i] = setup->tables[i];
        if (strcmp(t->name, "pg_stat_history") != 0)
            continue;
        older = *t;
        older.columns = columns;
        older.column_count = 0;
        for (uint32_t c = 0; c < t->column_count; c++)
            if (!ends_with(t->columns[c].name, "_delta") || strcmp(t->columns[c].name, "calls_delta") == 0)
                columns[older.column_count++] = t->columns[c];
        tables[i] = &older;
    }
    return service->open(host, &all, args, ret_state, err);
}

#define ASK_DELTAS                                                                                                     \
    "SELECT granularity, calls_delta, plans_delta, total_plan_time_delta FROM pg_stat_history ORDER BY "               \
    "snapshot_timestamp"

static void an_older_history_is_read_and_rolled_up(void)
{
    lb_error err = {0};
    lb_delta service = *(const lb_delta *)place_plugin()->ops;
    service.open = open_as_it_was;
    PLACE p = place_new();
    CU_ASSERT_EQUAL_FATAL(place_open_as(&p, &service, NULL, &err), 0);
    put_statement(&p, RUN("110"), NOON + 10 * MINUTE, 110, 10);
    put_statement(&p, RUN("130"), NOON + 30 * MINUTE, 130, 20);
    CU_ASSERT_EQUAL(flush(&p).rows, 2);
    place_close(&p);
    OPEN(&p);
    ASSERT_ANSWER(&p, ASK_DELTAS, "snapshot|10|null|null;snapshot|20|null|null;");
    CU_ASSERT_EQUAL(roll_up(&p).rolled_up, 2);
    ASSERT_ANSWER(&p, ASK_DELTAS, "hour|30|null|null;");
    put_counts(&p, RUN("150"), NOON + 50 * MINUTE, 150, 20, 7);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    ASSERT_ANSWER(&p, ASK_DELTAS, "hour|30|null|null;snapshot|20|7|null;");
    CU_ASSERT_EQUAL(roll_up(&p).rolled_up_into, 1);
    ASSERT_ANSWER(&p, ASK_DELTAS, "hour|50|7|null;"); /* what it was before is not known, and adds nothing */
}

SUITE(delta_rollup, TEST(dates_and_damage_take_their_own_way), TEST(a_table_without_dates_goes_the_quick_way),
      TEST(a_day_that_goes_on_keeps_its_large_files), TEST(snapshots_that_come_late_join_their_hour),
      TEST(each_delta_is_summed_in_its_own_column), TEST(an_older_history_is_read_and_rolled_up))
