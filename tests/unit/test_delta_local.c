/* The local history as its driver uses it: what is committed, what is set aside, what can be asked. */
#include "delta_place.h"

#include "json.h"

#include <dirent.h>
#include <fcntl.h>

static const char counted[] = "SELECT count(*), CAST(sum(metric_value) AS BIGINT) FROM lakebase_metrics";

/* ---- files of the outbox ---- */

static char *only_file(const place *p, const char *table)
{
    LB_AUTO_FREE char *folder = base_printf("%s/%s", p->outbox, table);
    char *found = NULL;
    DIR *d = opendir(folder);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (struct dirent *e; (e = readdir(d));)
        if (strstr(e->d_name, ".ndjson") && !found)
            found = base_printf("%s/%s", folder, e->d_name);
    (void)closedir(d); /* read only */
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    return found;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fputs(text, f) >= 0, true);
    CU_ASSERT_EQUAL(fclose(f), 0);
}

static char *read_text(const char *path)
{
    lb_error err;
    char *text = NULL;
    size_t length;
    CU_ASSERT_EQUAL_FATAL(fs_read(path, (size_t)16 << 20, &text, &length, &err), 0);
    return text;
}

static void commits_and_answers(void)
{
    PLACE p = place_new();
    put_metrics(&p, NOON, 1, 10);
    put_metrics(&p, NOON + DAY, 100, 5);
    OPEN(&p);
    delta_driver_report r = flush(&p);
    CU_ASSERT_EQUAL(r.commits, 1);
    CU_ASSERT_EQUAL(r.files, 2);
    CU_ASSERT_EQUAL(r.rows, 15);
    CU_ASSERT_EQUAL(r.waiting_files, 0);
    ASSERT_ANSWER(&p, "SELECT count(*), sum(metric_value), min(date), max(date) FROM lakebase_metrics",
                  "15|565.0|2026-01-01|2026-01-02;");
    ASSERT_ANSWER(&p, "SELECT count(*) FROM ops_catalog.lakebase_ops.lakebase_metrics WHERE date = '2026-01-02'", "5;");
    ASSERT_ANSWER(&p, "SELECT count(*) FROM audit_log", "0;");
    ASSERT_ANSWER(&p, "SELECT snapshot_timestamp FROM lakebase_metrics LIMIT 1", "2026-01-01T12:00:00.000000Z;");
}

/* What cannot be written in tables.def's JSON by a broken writer: each is one line of a file. */
static void damaged_lines_are_named(void)
{
    static const struct {
        const char *line, *reason;
    } cases[] = {
        {"{\"metric_name\":\"n\"", "line 2: there is no '}'"},
        {"", "line 2: there is no '{'"},
        {"[]", "line 2: there is no '{'"},
        {"{}", "line 2: run_id is missing"},
        {"{\"run_id\":\"r\",\"metric_nam\":1}", "line 2: there is no column metric_nam"},
        {"{\"run_id\":\"r\",\"run_id\":\"s\"}", "line 2: run_id is given twice"},
        {"{\"run_id\":null}", "line 2: run_id is missing"},
        {"{\"run_id\":7}", "line 2: run_id: there is no '\"'"},
        {"{\"run_id\":\"\\ud800\"}", "line 2: run_id: a text has half a surrogate pair"},
        {"{\"run_id\":\"\\u0000\"}", "line 2: run_id: a text has a bad escape"},
        {"{\"run_id\":\"\\u00@9\"}", "line 2: run_id: a text has a bad escape"},
        {"{\"run_id\":\"\\x\"}", "line 2: run_id: a text has a bad escape"},
        {"{\"run_id\":\"a\xff\"}", "line 2: run_id: a text is not UTF-8"},
        {"{\"run_id\":\"a\tb\"}", "line 2: run_id: a text has a control character"},
        {"{\"run_id\":\"r\",\"snapshot_timestamp\":\"yesterday\"}", "snapshot_timestamp: a text is no timestamp"},
        {"{\"run_id\":\"r\",\"snapshot_timestamp\":\"2026-13-01T00:00:00Z\"}", "snapshot_timestamp: a text is no"},
        {"{\"run_id\":\"r\",\"metric_value\":\"much\"}", "metric_value: a text stands where a number should be"},
        {"{\"run_id\":\"r\",\"metric_value\":1e999}", "metric_value: a number is too large"},
        {"{\"run_id\":\"r\",\"metric_value\":}", "metric_value: there is no value"},
        {"{\"run_id\":\"r\",\"metric_value\":1}x", "line 2: something stands after its end"},
    };
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        PLACE p = place_new();
        put_metrics(&p, NOON, 1, 3); /* a sound one beside it */
        LB_AUTO_FREE char *good = only_file(&p, "lakebase_metrics");
        LB_AUTO_FREE char *bad = base_printf("%s/lakebase_metrics/0%025d.ndjson", p.outbox, 7);
        LB_AUTO_FREE char *text = base_printf(
            "{\"lbops_outbox\":1,\"table\":\"lakebase_metrics\",\"run_id\":\"r\",\"rows\":1}\n%s\n", cases[i].line);
        write_text(bad, text);
        OPEN(&p);
        delta_driver_report r = flush(&p);
        CU_ASSERT_EQUAL(r.damaged, 1);
        CU_ASSERT_EQUAL(r.rows, 3);
        ASSERT_CONTAINS(r.damage, cases[i].reason);
        LB_AUTO_FREE char *aside = base_printf("%s/damaged/lakebase_metrics.0%025d.ndjson", p.outbox, 7);
        LB_AUTO_FREE char *note = base_printf("%s/damaged/lakebase_metrics.0%025d.reason", p.outbox, 7);
        LB_AUTO_FREE char *kept = read_text(aside), *reason = read_text(note);
        ASSERT_TEXT(kept, text);
        ASSERT_CONTAINS(reason, cases[i].reason);
        ASSERT_ANSWER(&p, counted, "3|6;");
    }
}

static void damaged_files_are_named(void)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "it is empty"},
        {"hello\n", "its first line is no header"},
        {"{\"lbops_outbox\":1,\"table\":\"lakebase_metrics\",\"rows\":0}", "it ends within line 1"},
        {"{\"lbops_outbox\":2,\"table\":\"lakebase_metrics\",\"rows\":0}\n", "its first line is no header"},
        {"{\"lbops_outbox\":1,\"table\":\"audit_log\",\"rows\":0}\n", "it is for table audit_log"},
        {"{\"lbops_outbox\":1,\"table\":\"lakebase_metrics\",\"rows\":2}\n", "holds 0 rows, and its header says 2"},
        {"{\"lbops_outbox\":1,\"table\":\"lakebase_metrics\",\"rows\":1}\n{\"run_id\":", "it ends within line 2"},
    };
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        PLACE p = place_new();
        put_metrics(&p, NOON, 1, 3);
        LB_AUTO_FREE char *bad = base_printf("%s/lakebase_metrics/0%025d.ndjson", p.outbox, 7);
        write_text(bad, cases[i].text);
        OPEN(&p);
        delta_driver_report r = flush(&p);
        CU_ASSERT_EQUAL(r.damaged, 1);
        ASSERT_CONTAINS(r.damage, cases[i].reason);
        ASSERT_ANSWER(&p, counted, "3|6;");
    }
}

static void values_arrive_as_they_were(void)
{
    lb_error err = {0};
    PLACE p = place_new();
    outbox_batch *batch = outbox_batch_new(p.outbox, "R", 1 << 20);
    static const double numbers[] = {0,   -0.0, 0.1, 1e22, 1e23, 123456789.123456789, 5e-324, 1.7976931348623157e308,
                                     -2.5};
    for (size_t i = 0; i < LB_COUNT(numbers); i++)
        CU_ASSERT_EQUAL(outbox_add(batch, "lakebase_metrics",
                                   LB_ARGS(lb_time("snapshot_timestamp", -1 - (int64_t)i),
                                           lb_text("metric_name", "q\"\\\n\t\x01\xc3\xa9\xf0\x9f\x98\x80"),
                                           lb_f64("metric_value", numbers[i]), lb_json("detail", "{\"a\":[1,null]}")),
                                   &shop, &err),
                        0);
    CU_ASSERT_EQUAL_FATAL(outbox_commit(batch, &err), 0);
    (void)outbox_batch_free(batch);
    OPEN(&p);
    CU_ASSERT_EQUAL(flush(&p).rows, (int64_t)LB_COUNT(numbers));
    ASSERT_ANSWER(&p, "SELECT metric_value FROM lakebase_metrics ORDER BY snapshot_timestamp DESC",
                  "0.0;-0.0;0.1;1e+22;1e+23;123456789.12345679;5e-324;1.7976931348623157e+308;-2.5;");
    ASSERT_ANSWER(&p,
                  "SELECT DISTINCT metric_name = E'q\"\\\\\\n\\t' || chr(1) || chr(233) || chr(128512), detail, date, "
                  "project_id, unit FROM lakebase_metrics",
                  "true|{\"a\":[1,null]}|1969-12-31|shop|null;");
}

/* ---- exactly once ---- */

static void a_file_that_turns_up_again_counts_once(void)
{
    PLACE p = place_new();
    put_metrics(&p, NOON, 1, 3);
    LB_AUTO_FREE char *path = only_file(&p, "lakebase_metrics");
    LB_AUTO_FREE char *copy = read_text(path);
    OPEN(&p);
    CU_ASSERT_EQUAL(flush(&p).rows, 3);
    write_text(path, copy);
    delta_driver_report r = flush(&p);
    CU_ASSERT_EQUAL(r.repeated, 1);
    CU_ASSERT_EQUAL(r.files, 0);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    place_close(&p); /* and for another process */
    write_text(path, copy);
    OPEN(&p);
    CU_ASSERT_EQUAL(flush(&p).repeated, 1);
    ASSERT_ANSWER(&p, counted, "3|6;");
}

/* Somebody deletes the ledger: the commits name their files, too. */
static void a_lost_ledger_is_made_again(void)
{
    PLACE p = place_new();
    put_metrics(&p, NOON, 1, 3);
    LB_AUTO_FREE char *path = only_file(&p, "lakebase_metrics");
    LB_AUTO_FREE char *copy = read_text(path);
    LB_AUTO_FREE char *ledger = base_printf("%s/lakebase_metrics/_lbops/ledger", p.history);
    OPEN(&p);
    CU_ASSERT_EQUAL(flush(&p).rows, 3);
    place_close(&p);
    CU_ASSERT_EQUAL(unlink(ledger), 0);
    for (int i = 0; i < 3; i++) { /* the new ledger knows it before its first commit, with it, and after */
        write_text(path, copy);
        if (i == 1)
            put_metrics(&p, NOON, 10, 1);
        OPEN(&p);
        delta_driver_report r = flush(&p);
        CU_ASSERT_EQUAL(r.repeated, 1);
        CU_ASSERT_EQUAL(r.rows, i == 1);
        place_close(&p);
    }
    OPEN(&p);
    ASSERT_ANSWER(&p, counted, "4|16;");
}

/* A ledger forgets; what it cannot judge any more is set aside, neither lost nor doubled. */
static void what_the_ledger_forgot_is_set_aside(void)
{
    lb_error err = {0};
    lb_delta_upkeep upkeep;
    PLACE p = place_new();
    put_metrics(&p, NOON, 1, 3);
    LB_AUTO_FREE char *path = only_file(&p, "lakebase_metrics");
    LB_AUTO_FREE char *copy = read_text(path);
    OPEN_WITH(&p, "ledger_days", "1", "vacuum_grace_hours", "0", "retention", "[\"lakebase_metrics=0\"]");
    CU_ASSERT_EQUAL(flush(&p).rows, 3);
    put_metrics(&p, NOON, 10, 1); /* it waits, so nothing newer is forgotten */
    CU_ASSERT_EQUAL(delta_driver_maintain(p.driver, "lakebase_metrics", clock_now() + 5 * DAY,
                                          clock_monotonic() + 60 * CLOCK_SECOND, &upkeep, &err),
                    0);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    CU_ASSERT_EQUAL(delta_driver_maintain(p.driver, "lakebase_metrics", clock_now() + 5 * DAY,
                                          clock_monotonic() + 60 * CLOCK_SECOND, &upkeep, &err),
                    0);
    write_text(path, copy);
    delta_driver_report r = flush(&p);
    CU_ASSERT_EQUAL(r.damaged, 1);
    ASSERT_CONTAINS(r.damage, "older than the record of committed files");
    CU_ASSERT_EQUAL(r.files, 0);
    ASSERT_ANSWER(&p, counted, "4|16;");
}

/* Ids of a clock that went back are smaller than what is committed already: they count all the same. */
static void a_clock_that_goes_back_loses_nothing(void)
{
    PLACE p = place_new();
    put_metrics(&p, NOON, 1, 3);
    OPEN(&p);
    CU_ASSERT_EQUAL(flush(&p).rows, 3);
    put_metrics(&p, NOON, 10, 1);
    LB_AUTO_FREE char *path = only_file(&p, "lakebase_metrics");
    LB_AUTO_FREE char *early = base_printf("%s/lakebase_metrics/00AAAAAAAA0000000000000000.ndjson", p.outbox);
    CU_ASSERT_EQUAL(rename(path, early), 0);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    ASSERT_ANSWER(&p, counted, "4|16;");
}

static void a_file_that_cannot_be_removed_counts_once(void)
{
    lb_error err = {0};
    delta_driver_report r;
    PLACE p = place_new();
    if (geteuid() == 0)
        return; /* nothing is forbidden to root: test_faults.py fails the calls instead */
    put_metrics(&p, NOON, 1, 3);
    LB_AUTO_FREE char *folder = base_printf("%s/lakebase_metrics", p.outbox);
    OPEN(&p);
    CU_ASSERT_EQUAL(chmod(folder, 0500), 0);
    CU_ASSERT_EQUAL(delta_driver_flush(p.driver, clock_monotonic() + 60 * CLOCK_SECOND, &r, &err), LB_ERR_DENIED);
    CU_ASSERT_EQUAL(chmod(folder, 0700), 0);
    CU_ASSERT_EQUAL(flush(&p).repeated, 1);
    ASSERT_ANSWER(&p, counted, "3|6;");
}

/* ---- others at the same table ---- */

/* What another writer's append looks like; it names a file of ours so that no data is needed. */
static void commit_foreign(const place *p, int64_t version)
{
    LB_AUTO_FREE char *path =
        base_printf("%s/lakebase_metrics/_delta_log/%020lld.json", p->history, (long long)version);
    write_text(path, "{\"commitInfo\":{\"timestamp\":9999999999999,\"operation\":\"WRITE\"}}\n"
                     "{\"txn\":{\"appId\":\"somebody\",\"version\":4}}\n");
}

static void foreign_commits_come_between(void)
{
    PLACE p = place_new();
    OPEN(&p);
    for (int i = 0; i < 5; i++) {
        put_metrics(&p, NOON, i, 1);
        CU_ASSERT_EQUAL(flush(&p).rows, 1);
        commit_foreign(&p, 2 * i + 1);
    }
    LB_AUTO_FREE char *last = base_printf("%s/lakebase_metrics/_delta_log/%020d.json", p.history, 8);
    LB_AUTO_FREE char *commit = read_text(last);
    ASSERT_CONTAINS(commit, "\"timestamp\":10000000000000,"); /* later than the foreign one, whatever the clock says */
    ASSERT_ANSWER(&p, counted, "5|10;");
}

static void an_upgraded_table_is_left_alone(void)
{
    lb_error err = {0};
    delta_driver_report r;
    reply answer;
    PLACE p = place_new();
    put_metrics(&p, NOON, 1, 1);
    OPEN(&p);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    LB_AUTO_FREE char *path = base_printf("%s/lakebase_metrics/_delta_log/%020d.json", p.history, 1);
    write_text(path, "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":"
                     "[\"deletionVectors\"],\"writerFeatures\":[\"deletionVectors\"]}}\n");
    put_metrics(&p, NOON, 2, 1);
    CU_ASSERT_EQUAL(delta_driver_flush(p.driver, clock_monotonic() + 60 * CLOCK_SECOND, &r, &err), LB_ERR_UNSUPPORTED);
    ASSERT_CONTAINS(err.message, "reader version 3");
    CU_ASSERT_EQUAL(r.waiting_files, 1); /* it waits */
    CU_ASSERT_EQUAL(place_ask(&p, counted, &answer, &err), LB_ERR_UNSUPPORTED);
}

static void a_second_writer_is_told_who_holds_it(void)
{
    lb_error err = {0};
    delta_driver_report r;
    PLACE p = place_new();
    put_metrics(&p, NOON, 1, 1);
    OPEN(&p);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    put_metrics(&p, NOON, 2, 1);
    delta_driver *first = p.driver;
    OPEN(&p);
    CU_ASSERT_EQUAL(delta_driver_flush(p.driver, clock_monotonic() + 60 * CLOCK_SECOND, &r, &err), LB_ERR_CONFLICT);
    LB_AUTO_FREE char *holder = base_printf("by process %ld", (long)getpid());
    ASSERT_CONTAINS(err.message, holder);
    ASSERT_ANSWER(&p, counted, "1|1;"); /* asking needs no lock */
    place_close(&p);
    p.driver = first;
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
}

/* ---- upkeep ---- */

static lb_delta_upkeep maintain(place *p, int64_t now)
{
    lb_error err = {0};
    lb_delta_upkeep upkeep;
    CU_ASSERT_EQUAL(
        delta_driver_maintain(p->driver, "lakebase_metrics", now, clock_monotonic() + 60 * CLOCK_SECOND, &upkeep, &err),
        0);
    return upkeep;
}

static void upkeep_compacts_and_expires(void)
{
    PLACE p = place_new();
    OPEN_WITH(&p, "retention", "[\"lakebase_metrics=10\"]", "checkpoint_commits", "3", "vacuum_grace_hours", "24");
    for (int i = 0; i < 6; i++) {
        put_metrics(&p, NOON + (i % 2) * 5 * DAY, i, 1);
        CU_ASSERT_EQUAL(flush(&p).rows, 1);
    }
    lb_delta_upkeep u = maintain(&p, NOON + 7 * DAY);
    CU_ASSERT_EQUAL(u.compacted, 6);
    CU_ASSERT_EQUAL(u.compacted_into, 2);
    CU_ASSERT_EQUAL(u.expired_files, 0);
    CU_ASSERT_EQUAL(u.vacuumed_files, 0); /* within the grace */
    ASSERT_ANSWER(&p, counted, "6|15;");
    u = maintain(&p, NOON + 12 * DAY);
    CU_ASSERT_EQUAL(u.expired_files, 1);
    CU_ASSERT_EQUAL(u.expired_rows, 3);
    ASSERT_ANSWER(&p, counted, "3|9;");
    u = maintain(&p, clock_now() + 400 * DAY); /* whatever today is, the grace is over */
    CU_ASSERT(u.vacuumed_files >= 7);
    CU_ASSERT(u.log_files > 0);
    ASSERT_ANSWER(&p, counted, "0|null;");
    place_close(&p); /* a log without its first commits is read from its checkpoint */
    OPEN(&p);
    put_metrics(&p, NOON, 50, 1);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    ASSERT_ANSWER(&p, counted, "1|50;");
}

/* ---- asking ---- */

static void only_questions_are_answered(void)
{
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"COPY (SELECT 1) TO '/tmp/x.csv'", LB_ERR_DENIED},
        {"ATTACH '/tmp/x.db'", LB_ERR_DENIED},
        {"SELECT * FROM read_csv('/etc/passwd')", LB_ERR_DENIED},
        {"SELECT * FROM read_text('/etc/passwd')", LB_ERR_DENIED},
        {"SELECT * FROM '/etc/passwd'", LB_ERR_DENIED},
        {"SELECT * FROM \"x.parquet\"", LB_ERR_DENIED},
        {"SELECT (SELECT count(*) FROM read_blob('/etc/passwd'))", LB_ERR_DENIED},
        {"WITH a AS (SELECT * FROM glob('*')) SELECT * FROM a", LB_ERR_DENIED},
        {"SELECT * FROM query('SELECT 1')", LB_ERR_DENIED},
        {"SELECT * FROM duckdb_settings()", LB_ERR_DENIED},
        {"SELECT 1; DROP VIEW audit_log", LB_ERR_DENIED},
        {"INSERT INTO audit_log VALUES (1)", LB_ERR_DENIED},
        {"SET lock_configuration = false", LB_ERR_DENIED},
        {"LOAD httpfs", LB_ERR_DENIED},
        {"SELECT * FROM nothing", LB_ERR_SQL},
        {"SELEC 1", LB_ERR_SQL},
        {"", LB_ERR_DENIED},
        {"SELECT $1", LB_ERR_INVALID},
    };
    PLACE p = place_new();
    OPEN(&p);
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        lb_error err = {0};
        reply answer;
        int r = place_ask(&p, cases[i].text, &answer, &err);
        if (r != cases[i].code)
            printf("\n    %s: %d, %s\n", cases[i].text, r, err.message);
        CU_ASSERT_EQUAL(r, cases[i].code);
    }
    ASSERT_ANSWER(&p, "SELECT unnest([1, 2]), NULL, DATE '2026-01-01', [1], 1::HUGEINT",
                  "1|null|2026-01-01|[1]|1;"
                  "2|null|2026-01-01|[1]|1;");
}

static void an_answer_keeps_its_limits(void)
{
    lb_error err = {0};
    bool cut = false;
    reply answer = {{0}};
    PLACE p = place_new();
    OPEN(&p);
    const lb_delta_sink sink = {.size = sizeof sink, .state = &answer, .columns = reply_columns, .row = reply_row};
    lb_delta_question q = {.size = sizeof q,
                           .text = "SELECT range FROM range(10)",
                           .deadline = clock_monotonic() + 60 * CLOCK_SECOND,
                           .max_rows = 3};
    CU_ASSERT_EQUAL(delta_driver_query(p.driver, &q, &sink, &cut, &err), 0);
    CU_ASSERT_EQUAL(cut, true);
    ASSERT_TEXT(answer.text, "0;1;2;");
    q = (lb_delta_question){.size = sizeof q,
                            .text = "SELECT count(*) FROM range(100000000) a, range(100000) b",
                            .deadline = clock_monotonic() + CLOCK_SECOND / 5};
    CU_ASSERT_EQUAL(delta_driver_query(p.driver, &q, &sink, &cut, &err), LB_ERR_TIMEOUT);
}

static void metrics_are_thinned_and_nothing_else(void)
{
    lb_error err = {0};
    PLACE p = place_new();
    p.outbox_limit = 20000;
    OPEN(&p);
    put_metrics(&p, NOON, 1, 1);
    CU_ASSERT_EQUAL(flush(&p).rows, 1);
    LB_AUTO_FREE char *log = base_printf("%s/lakebase_metrics/_delta_log/%020d.json", p.history, 1);
    write_text(log, "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7}}\n"); /* nothing goes in any more */
    for (int i = 0; i < 30; i++)
        put_metrics(&p, NOON, i, 10);
    LB_AUTO_FREE char *audit = base_printf("%s/audit_log", p.outbox);
    LB_AUTO_FREE char *file = base_printf("%s/0%025d.ndjson", audit, 7);
    CU_ASSERT_EQUAL(fs_make_dirs(audit, &err), 0);
    LB_AUTO_FREE char *long_line = base_alloc(30000);
    memset(long_line, 'x', 29999);
    write_text(file, long_line); /* damaged and large: it is not thinned, it is set aside */
    delta_driver_report r;
    CU_ASSERT_EQUAL(delta_driver_flush(p.driver, clock_monotonic() + 60 * CLOCK_SECOND, &r, &err), LB_ERR_UNSUPPORTED);
    CU_ASSERT(r.thinned.files > 0 && r.thinned.files < 30);
    CU_ASSERT_EQUAL(r.thinned.rows, r.thinned.files * 10);
    CU_ASSERT(r.waiting_bytes <= 16000);
    CU_ASSERT_EQUAL(r.damaged, 1);
    CU_ASSERT_EQUAL(outbox_may_thin("audit_log"), false);
    CU_ASSERT_EQUAL(outbox_may_thin("approval_history"), false);
    CU_ASSERT_EQUAL(outbox_may_thin("tool_runs"), false);
}

static void bad_retention_is_refused(void)
{
    static const char *const bad[] = {"[\"lakebase_metrics\"]", "[\"lakebase_metrics=x\"]", "[\"nothing=3\"]",
                                      "[\"lakebase_metrics=-1\"]"};
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        lb_error err = {0};
        PLACE p = place_new();
        const char *const pairs[] = {"retention", bad[i], NULL};
        CU_ASSERT(place_open_with(&p, pairs, &err) < 0);
        ASSERT_CONTAINS(err.message, "retention");
    }
}

/* ---- the lakehouse's side ---- */

static int os_threads(void)
{
    int threads = 0;
    DIR *d = opendir("/proc/self/task");
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (struct dirent *e; (e = readdir(d));)
        threads += e->d_name[0] != '.';
    (void)closedir(d); /* read only */
    return threads;
}

static int no_columns(void *state, uint32_t count, const char *const *names, const lb_type *types, lb_error *err)
{
    (void)state, (void)count, (void)names, (void)types, (void)err; /* the receipt is another test's */
    return 0;
}

static int no_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    (void)state, (void)count, (void)cells, (void)err;
    return 0;
}

/* A batch is written by one thread; what is asked next has all of them again. */
static void an_append_gives_its_threads_back(void)
{
    static const char *const keys[] = {"k1", "k2"};
    const char *const pairs[] = {"threads", "5", NULL};
    const lb_lake_column columns[] = {{"id", "bigint"}};
    const lb_delta_sink sink = {.size = sizeof sink, .columns = no_columns, .row = no_row};
    lb_error err = {0};
    PLACE p = place_new();
    CU_ASSERT_EQUAL_FATAL(place_open_with(&p, pairs, &err), 0);
    LB_AUTO_FREE char *path = base_printf("%s/rows.csv", p.root);
    write_text(path, "\"1\",\"1\"\n");
    int before = os_threads();
    for (size_t i = 0; i < LB_COUNT(keys); i++) {
        const lb_delta_append append = {.size = sizeof append,
                                        .column_count = 1,
                                        .table = {"main", "public", "orders"},
                                        .key = keys[i],
                                        .path = path,
                                        .checksum = "0",
                                        .columns = columns,
                                        .rows = 1,
                                        .deadline = clock_monotonic() + 60 * CLOCK_SECOND,
                                        .longest = 8};
        CU_ASSERT_EQUAL(delta_driver_lake_append(p.driver, &append, &sink, &err), 0);
        CU_ASSERT(os_threads() >= before + 4); /* and one that watches the deadline */
    }
}

SUITE(delta_local, TEST(commits_and_answers), TEST(damaged_lines_are_named), TEST(damaged_files_are_named),
      TEST(values_arrive_as_they_were), TEST(a_file_that_turns_up_again_counts_once), TEST(a_lost_ledger_is_made_again),
      TEST(what_the_ledger_forgot_is_set_aside), TEST(a_clock_that_goes_back_loses_nothing),
      TEST(a_file_that_cannot_be_removed_counts_once), TEST(foreign_commits_come_between),
      TEST(an_upgraded_table_is_left_alone), TEST(a_second_writer_is_told_who_holds_it),
      TEST(upkeep_compacts_and_expires), TEST(only_questions_are_answered), TEST(an_answer_keeps_its_limits),
      TEST(metrics_are_thinned_and_nothing_else), TEST(bad_retention_is_refused),
      TEST(an_append_gives_its_threads_back))
