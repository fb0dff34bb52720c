#include "suite.h"

#include "json.h"
#include "tables.h"

#include <math.h>

static const lb_target target = {.project = "shop", .branch = "main", .branch_class = LB_BRANCH_SHARED};

/* The row as JSON text, or "code: message (hint)". The text lives until the next call. */
static const char *encode(const char *table, const lb_target *at, const lb_value *values)
{
    static char text[4096];
    lb_error err = {0};
    BUF_AUTO row = BUF_INIT(1 << 20);
    buf_puts(&row, "before");
    int r = table_encode(table_find(table), values, at, "R1", &row, &err);
    if (r < 0) {
        CU_ASSERT_STRING_EQUAL(buf_text(&row), "before");
        CU_ASSERT_EQUAL(r, err.code);
        (void)snprintf(text, sizeof text, "%s: %s (%s)", error_name(r), err.message, err.hint);
    } else {
        (void)snprintf(text, sizeof text, "%s", buf_text(&row) + strlen("before"));
    }
    return text;
}

#define METRIC(...)                                                                                                    \
    encode("lakebase_metrics", &target,                                                                                \
           LB_ARGS(lb_time("snapshot_timestamp", 0), lb_text("metric_name", "m"), __VA_ARGS__))
#define METRIC_START                                                                                                   \
    "{\"project_id\":\"shop\",\"branch_id\":\"main\",\"run_id\":\"R1\","                                               \
    "\"snapshot_timestamp\":\"1970-01-01T00:00:00.000000Z\",\"metric_name\":\"m\",\"metric_value\":"

static void has_every_table(void)
{
    static const char *const names[] = {
        "pg_stat_history",
        "index_recommendations",
        "vacuum_history",
        "lakebase_metrics",
        "sync_validation_history",
        "branch_lifecycle",
        "data_archival_history",
        "alert_history",
        "audit_log",
        "approval_history",
        "tool_runs",
        "cost_attribution",
        "capacity_forecasts",
        "query_texts",
        "query_review_queue",
        "diagnosis_history",
        "migration_history",
    };
    CU_ASSERT_EQUAL(table_count(), LB_COUNT(names));
    for (size_t i = 0; i < LB_COUNT(names); i++) {
        const table_def *table = table_find(names[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(table);
        CU_ASSERT_PTR_EQUAL(table, table_at(i));
    }
    CU_ASSERT_PTR_NULL(table_at(LB_COUNT(names)));
    CU_ASSERT_PTR_NULL(table_find("no_such_table"));
    ASSERT_TEXT(table_nearest("lakebase_metric"), "lakebase_metrics");
    ASSERT_TEXT(table_nearest("audit_logs"), "audit_log");
    CU_ASSERT_PTR_NULL(table_nearest("quite_something_else"));
}

static void is_identifier(const char *name)
{
    CU_ASSERT(name[0] >= 'a' && name[0] <= 'z');
    CU_ASSERT_EQUAL(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
}

static const table_column *column_of(const table_def *table, const char *name)
{
    for (const table_column *c = table->columns; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static void check_column(const table_def *table, const table_column *c)
{
    static const lb_type types[] = {LB_TEXT, LB_I64, LB_F64, LB_BOOL, LB_TIME, LB_JSON};
    bool known = false;
    for (size_t i = 0; i < LB_COUNT(types); i++)
        known |= c->type == types[i];
    CU_ASSERT(known);
    is_identifier(c->name);
    CU_ASSERT(c->doc && c->doc[0] && !strchr(c->doc, '|') && c->doc[strlen(c->doc) - 1] != '.');
    CU_ASSERT_PTR_EQUAL(column_of(table, c->name), c); /* once only */
}

static void definitions_hold_together(void)
{
    for (size_t i = 0; i < table_count(); i++) {
        const table_def *table = table_at(i);
        is_identifier(table->name);
        CU_ASSERT(table->doc && table->doc[0]);
        size_t count = 0;
        for (const table_column *c = table->columns; c->name; c++, count++)
            check_column(table, c);
        CU_ASSERT_EQUAL(count, table->column_count);
        ASSERT_TEXT(table->columns[0].name, "project_id");
        ASSERT_TEXT(table->columns[1].name, "branch_id");
        ASSERT_TEXT(table->columns[2].name, "run_id");
        CU_ASSERT(table->columns[2].required);
        CU_ASSERT_EQUAL(table->retention_days == 0, table->partition_time == NULL);
        if (table->partition_time) {
            const table_column *c = column_of(table, table->partition_time);
            CU_ASSERT(c && c->type == LB_TIME && c->required);
        }
    }
}

static void keeps_rows_as_long_as_promised(void)
{
    static const char *const a_year[] = {"audit_log",        "approval_history",
                                         "alert_history",    "data_archival_history",
                                         "branch_lifecycle", "migration_history"};
    for (size_t i = 0; i < LB_COUNT(a_year); i++)
        CU_ASSERT_EQUAL(table_find(a_year[i])->retention_days, 365);
    CU_ASSERT_EQUAL(table_find("pg_stat_history")->retention_days, 90);
    CU_ASSERT_EQUAL(table_find("lakebase_metrics")->retention_days, 90);
}

/* What pg_stat_statements shows in versions 15 to 18, under the newest name of each column. */
static const char *const statement_columns[] = {
    "userid",
    "dbid",
    "toplevel",
    "queryid",
    "query",
    "plans",
    "total_plan_time",
    "min_plan_time",
    "max_plan_time",
    "mean_plan_time",
    "stddev_plan_time",
    "calls",
    "total_exec_time",
    "min_exec_time",
    "max_exec_time",
    "mean_exec_time",
    "stddev_exec_time",
    "rows",
    "shared_blks_hit",
    "shared_blks_read",
    "shared_blks_dirtied",
    "shared_blks_written",
    "local_blks_hit",
    "local_blks_read",
    "local_blks_dirtied",
    "local_blks_written",
    "temp_blks_read",
    "temp_blks_written",
    "shared_blk_read_time",
    "shared_blk_write_time",
    "local_blk_read_time",
    "local_blk_write_time",
    "temp_blk_read_time",
    "temp_blk_write_time",
    "wal_records",
    "wal_fpi",
    "wal_bytes",
    "wal_buffers_full",
    "jit_functions",
    "jit_generation_time",
    "jit_inlining_count",
    "jit_inlining_time",
    "jit_optimization_count",
    "jit_optimization_time",
    "jit_emission_count",
    "jit_emission_time",
    "jit_deform_count",
    "jit_deform_time",
    "parallel_workers_to_launch",
    "parallel_workers_launched",
    "stats_since",
    "minmax_stats_since",
    "system_identifier",
    "postmaster_start",
    "stats_reset",
    "calls_delta",
    "plans_delta",
    "rows_delta",
    "shared_blks_hit_delta",
    "shared_blks_read_delta",
    "shared_blks_dirtied_delta",
    "shared_blks_written_delta",
    "local_blks_hit_delta",
    "local_blks_read_delta",
    "local_blks_dirtied_delta",
    "local_blks_written_delta",
    "temp_blks_read_delta",
    "temp_blks_written_delta",
    "wal_records_delta",
    "wal_fpi_delta",
    "wal_bytes_delta",
    "wal_buffers_full_delta",
    "jit_functions_delta",
    "jit_inlining_count_delta",
    "jit_optimization_count_delta",
    "jit_emission_count_delta",
    "jit_deform_count_delta",
    "parallel_workers_to_launch_delta",
    "parallel_workers_launched_delta",
    "total_exec_time_delta",
    "total_plan_time_delta",
    "shared_blk_read_time_delta",
    "shared_blk_write_time_delta",
    "local_blk_read_time_delta",
    "local_blk_write_time_delta",
    "temp_blk_read_time_delta",
    "temp_blk_write_time_delta",
    "jit_generation_time_delta",
    "jit_inlining_time_delta",
    "jit_optimization_time_delta",
    "jit_emission_time_delta",
    "jit_deform_time_delta",
};

static void statement_history_has_every_column(void)
{
    const table_def *table = table_find("pg_stat_history");
    for (size_t i = 0; i < LB_COUNT(statement_columns); i++)
        CU_ASSERT_PTR_NOT_NULL(column_of(table, statement_columns[i]));
}

static void writes_columns_in_order(void)
{
    const char *row =
        encode("lakebase_metrics", &target,
               LB_ARGS(lb_text("metric_name", "cache_hit_ratio"), lb_f64("metric_value", 0.25),
                       lb_time("snapshot_timestamp", 1769904000123456), lb_null("unit"), lb_text("kind", NULL)));
    ASSERT_TEXT(row, "{\"project_id\":\"shop\",\"branch_id\":\"main\",\"run_id\":\"R1\",\"snapshot_timestamp\":"
                     "\"2026-02-01T00:00:00.123456Z\",\"metric_name\":\"cache_hit_ratio\",\"metric_value\":0.25}");
}

/* A row may end right at the limit of what it goes into. */
static void fills_its_room(void)
{
    const lb_value *values =
        LB_ARGS(lb_time("snapshot_timestamp", 0), lb_text("metric_name", "m"), lb_f64("metric_value", 7));
    const table_def *table = table_find("lakebase_metrics");
    lb_error err = {0};
    BUF_AUTO whole = BUF_INIT(1 << 20);
    CU_ASSERT_EQUAL_FATAL(table_encode(table, values, &target, "R1", &whole, &err), 0);
    ASSERT_TEXT(buf_text(&whole), METRIC_START "7}");
    BUF_AUTO exact = BUF_INIT(whole.length);
    CU_ASSERT_EQUAL(table_encode(table, values, &target, "R1", &exact, &err), 0);
    ASSERT_TEXT(buf_text(&exact), buf_text(&whole));
    BUF_AUTO less = BUF_INIT(whole.length - 1);
    CU_ASSERT_EQUAL(table_encode(table, values, &target, "R1", &less, &err), LB_ERR_LIMIT);
}

static void escapes_texts(void)
{
    const char *row = METRIC(lb_f64("metric_value", 1), lb_text("unit", "a\"b\\c\n\x01 \xF0\x9F\x90\x98"));
    ASSERT_TEXT(row, METRIC_START "1,\"unit\":\"a\\\"b\\\\c\\n\\u0001 \xF0\x9F\x90\x98\"}");
}

static void writes_doubles(void)
{
    ASSERT_TEXT(METRIC(lb_f64("metric_value", NAN)), METRIC_START "\"NaN\"}");
    ASSERT_TEXT(METRIC(lb_f64("metric_value", -INFINITY)), METRIC_START "\"-Infinity\"}");
    ASSERT_TEXT(METRIC(lb_f64("metric_value", 0.1 + 0.2)), METRIC_START "0.30000000000000004}");
    ASSERT_TEXT(METRIC(lb_f64("metric_value", 1e300)), METRIC_START "1e+300}");
    ASSERT_TEXT(METRIC(lb_i64("metric_value", INT64_MIN)), METRIC_START "-9223372036854775808}");
    ASSERT_TEXT(METRIC(lb_numeric("metric_value", "12.50")), METRIC_START "12.5}");
    ASSERT_TEXT(METRIC(lb_numeric("metric_value", "-0.000")), METRIC_START "-0}");
    ASSERT_TEXT(METRIC(lb_numeric("metric_value", "1152921504606846976")), METRIC_START "1.152921504606847e+18}");
    ASSERT_TEXT(METRIC(lb_numeric("metric_value", "0.00000000125")), METRIC_START "1.25e-09}");
    ASSERT_TEXT(METRIC(lb_numeric("metric_value", "NaN")), METRIC_START "\"NaN\"}");
    ASSERT_CONTAINS(
        METRIC(lb_numeric("metric_value", "0.33333333333333333333")),
        "invalid: lakebase_metrics.metric_value: 0.33333333333333333333 is no exact double (round it or cast");
    ASSERT_CONTAINS(METRIC(lb_numeric("metric_value", "12..5")), "is no exact double");
    ASSERT_CONTAINS(METRIC(lb_numeric("metric_value", "")), "is no exact double");
    ASSERT_CONTAINS(METRIC(lb_numeric("metric_value", "9007199254740993")), "is no exact double");
    char long_one[120];
    memset(long_one, '7', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = '\0';
    ASSERT_CONTAINS(METRIC(lb_numeric("metric_value", long_one)), "is no exact double");
}

static const char *wal_bytes(lb_value value)
{
    return encode("pg_stat_history", &target,
                  LB_ARGS(lb_time("snapshot_timestamp", 0), lb_text("granularity", "snapshot"),
                          lb_i64("system_identifier", 7), lb_time("postmaster_start", 0), lb_i64("userid", 10),
                          lb_i64("dbid", 5), lb_bool("toplevel", true), lb_i64("queryid", -1), lb_i64("calls", 1),
                          lb_f64("total_exec_time", 0.5), value));
}

static void writes_exact_integers(void)
{
    ASSERT_CONTAINS(wal_bytes(lb_i64("wal_bytes", INT64_MAX)), "\"wal_bytes\":9223372036854775807}");
    ASSERT_CONTAINS(wal_bytes(lb_numeric("wal_bytes", "9223372036854775807")), "\"wal_bytes\":9223372036854775807}");
    ASSERT_CONTAINS(wal_bytes(lb_numeric("wal_bytes", "-9223372036854775808")), "\"wal_bytes\":-9223372036854775808}");
    ASSERT_CONTAINS(wal_bytes(lb_numeric("wal_bytes", "1200.000")), "\"wal_bytes\":1200}");
    ASSERT_CONTAINS(wal_bytes(lb_numeric("wal_bytes", "0")), "\"wal_bytes\":0}");
    ASSERT_CONTAINS(wal_bytes(lb_numeric("wal_bytes", "007")), "\"wal_bytes\":7}");
    ASSERT_CONTAINS(wal_bytes(lb_numeric("wal_bytes", "9223372036854775808")), "is no exact integer");
    ASSERT_CONTAINS(wal_bytes(lb_numeric("wal_bytes", "12345678901234567890")), "is no exact integer");
    ASSERT_CONTAINS(wal_bytes(lb_numeric("wal_bytes", "1.5")), "pg_stat_history.wal_bytes: 1.5 is no exact integer");
    ASSERT_CONTAINS(wal_bytes(lb_numeric("wal_bytes", "NaN")), "is no exact integer");
    ASSERT_CONTAINS(wal_bytes(lb_f64("wal_bytes", 3)),
                    "wal_bytes is of type integer and cannot take one of type double");
}

static void writes_json_as_text(void)
{
    const char *start = METRIC_START "1,\"detail\":";
    char want[600];
    (void)snprintf(want, sizeof want, "%s\"{\\\"a\\\": [1]}\"}", start);
    ASSERT_TEXT(METRIC(lb_i64("metric_value", 1), lb_json("detail", "{\"a\": [1]}")), want);
    (void)snprintf(want, sizeof want, "%s\"{\\\"worst\\\":\\\"t\\\",\\\"n\\\":2}\"}", start);
    ASSERT_TEXT(METRIC(lb_i64("metric_value", 1), lb_object("detail", LB_ARGS(lb_text("worst", "t"), lb_i64("n", 2)))),
                want);
    const lb_value items[] = {lb_text(NULL, "x"), lb_null(NULL)};
    (void)snprintf(want, sizeof want, "%s\"[\\\"x\\\",null]\"}", start);
    ASSERT_TEXT(METRIC(lb_i64("metric_value", 1), lb_list("detail", LB_TEXT, items, 2)), want);
    ASSERT_CONTAINS(METRIC(lb_i64("metric_value", 1), lb_json("detail", "{a:1}")),
                    "invalid: lakebase_metrics.detail: not JSON at byte 1");
    ASSERT_CONTAINS(METRIC(lb_i64("metric_value", 1), lb_object("detail", LB_ARGS(lb_text("w", "\xFF")))),
                    "lakebase_metrics.detail: w: text is not UTF-8");
    ASSERT_CONTAINS(METRIC(lb_i64("metric_value", 1), lb_text("detail", "{}")),
                    "is of type json and cannot take one of type text");
}

static void leaves_the_target_to_the_host(void)
{
    const lb_value *row =
        LB_ARGS(lb_text("event_id", "e"), lb_time("event_timestamp", 0), lb_text("event_type", "created"));
    ASSERT_CONTAINS(encode("branch_lifecycle", NULL, row), "{\"run_id\":\"R1\",\"event_id\":");
    const lb_target workspace = {0};
    CU_ASSERT_PTR_NULL(strstr(encode("branch_lifecycle", &workspace, row), "project_id"));
    ASSERT_CONTAINS(encode("branch_lifecycle", &target, row),
                    "{\"project_id\":\"shop\",\"branch_id\":\"main\",\"run_id\":");

    const lb_value *other_branch = LB_ARGS(lb_text("branch_id", "pr-7"), lb_text("event_id", "e"),
                                           lb_time("event_timestamp", 0), lb_text("event_type", "created"));
    ASSERT_CONTAINS(encode("branch_lifecycle", &target, other_branch),
                    "{\"project_id\":\"shop\",\"branch_id\":\"pr-7\",\"run_id\":");
    const lb_value *other_project = LB_ARGS(lb_text("project_id", "pay"), lb_text("event_id", "e"),
                                            lb_time("event_timestamp", 0), lb_text("event_type", "created"));
    ASSERT_CONTAINS(encode("branch_lifecycle", &target, other_project), "{\"project_id\":\"pay\",\"run_id\":");
    ASSERT_CONTAINS(METRIC(lb_i64("metric_value", 1), lb_text("run_id", "mine")),
                    "invalid: lakebase_metrics.run_id cannot be given (leave it out: the host fills it)");
}

static void refuses_what_does_not_fit(void)
{
    ASSERT_CONTAINS(METRIC(lb_i64("metric_valeu", 1)),
                    "invalid: history table lakebase_metrics has no column metric_valeu (did you mean metric_value?)");
    ASSERT_CONTAINS(METRIC(lb_i64("zzzzzzzz", 1)), "has no column zzzzzzzz (see the table's columns");
    ASSERT_CONTAINS(METRIC(lb_i64("metric_value", 1), lb_i64("metric_value", 2)),
                    "lakebase_metrics.metric_value is given twice");
    ASSERT_CONTAINS(METRIC(lb_i64("metric_value", 1), lb_null("unit"), lb_text("unit", "x")), "unit is given twice");
    ASSERT_CONTAINS(METRIC(lb_i64(NULL, 1)), "a value for history table lakebase_metrics has no name");
    ASSERT_CONTAINS(METRIC(lb_null("metric_value")), "invalid: lakebase_metrics.metric_value is required (its value)");
    ASSERT_CONTAINS(METRIC(lb_text("unit", "s")), "lakebase_metrics.metric_value is required");
    ASSERT_CONTAINS(METRIC(lb_text("metric_value", "1")),
                    "metric_value is of type double and cannot take one of type text");
    ASSERT_CONTAINS(METRIC(lb_i64("metric_value", 1), lb_text("unit", "\xC3(")),
                    "lakebase_metrics.unit: text is not UTF-8");
    ASSERT_CONTAINS(METRIC(lb_i64("metric_value", 1), lb_i64("unit", 1)),
                    "unit is of type text and cannot take one of type integer");
    ASSERT_CONTAINS(METRIC(lb_i64("metric_value", 1), lb_textual("unit", LB_SECRET, "s")),
                    "cannot take one of type secret");
    ASSERT_CONTAINS(wal_bytes(lb_i64("stats_reset", 1)),
                    "stats_reset is of type timestamp and cannot take one of type integer");
    ASSERT_CONTAINS(encode("tool_runs", &target, LB_ARGS(lb_time("started_at", LB_TIME_NONE))), "is required");
    ASSERT_CONTAINS(
        encode("sync_validation_history", &target,
               LB_ARGS(lb_text("validation_id", "v"), lb_time("validated_at", 0), lb_text("source_table", "a"),
                       lb_text("target_table", "b"), lb_text("status", "healthy"), lb_i64("checksum_match", 1))),
        "checksum_match is of type boolean and cannot take one of type integer");
}

static void run_id_is_required(void)
{
    lb_error err = {0};
    BUF_AUTO row = BUF_INIT(4096);
    const lb_value *values =
        LB_ARGS(lb_time("snapshot_timestamp", 0), lb_text("metric_name", "m"), lb_i64("metric_value", 1));
    CU_ASSERT_EQUAL(table_encode(table_find("lakebase_metrics"), values, &target, NULL, &row, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "lakebase_metrics.run_id is required");
}

static void refuses_rows_that_are_too_long(void)
{
    lb_error err = {0};
    char *text = base_alloc(TABLE_ROW_MAX + 1);
    memset(text, 'x', TABLE_ROW_MAX);
    const lb_value *values =
        LB_ARGS(lb_time("snapshot_timestamp", 0), lb_text("metric_name", text), lb_i64("metric_value", 1));
    BUF_AUTO row = BUF_INIT(2 * TABLE_ROW_MAX);
    CU_ASSERT_EQUAL(table_encode(table_find("lakebase_metrics"), values, &target, "R1", &row, &err), LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.message, "a row of history table lakebase_metrics is too long");
    CU_ASSERT_EQUAL(row.length, 0);

    BUF_AUTO small = BUF_INIT(40);
    buf_puts(&small, "kept");
    const lb_value *fits =
        LB_ARGS(lb_time("snapshot_timestamp", 0), lb_text("metric_name", "m"), lb_i64("metric_value", 1));
    CU_ASSERT_EQUAL(table_encode(table_find("lakebase_metrics"), fits, &target, "R1", &small, &err), LB_ERR_LIMIT);
    ASSERT_TEXT(buf_text(&small), "kept");
    CU_ASSERT_FALSE(small.overflow);

    text[TABLE_ROW_MAX - 1] = ']';
    text[0] = '[';
    text[1] = '"';
    text[TABLE_ROW_MAX - 2] = '"';
    const lb_value inner[] = {lb_json(NULL, text), lb_json(NULL, text)};
    const lb_value *json = LB_ARGS(lb_time("snapshot_timestamp", 0), lb_text("metric_name", "m"),
                                   lb_i64("metric_value", 1), lb_list("detail", LB_JSON, inner, 2));
    CU_ASSERT_EQUAL(table_encode(table_find("lakebase_metrics"), json, &target, "R1", &row, &err), LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.message, "lakebase_metrics.detail is longer than");
    free(text);
}

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;
    CU_ASSERT(json_object_object_get_ex(object, name, &found));
    return found;
}

static void prints_json(void)
{
    lb_error err = {0};
    BUF_AUTO text = BUF_INIT(1 << 20);
    table_json(&text);
    JSON_AUTO *all = json_parse(text.data, text.length, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
    CU_ASSERT_EQUAL(json_object_array_length(all), table_count());
    for (size_t i = 0; i < table_count(); i++) {
        const table_def *table = table_at(i);
        struct json_object *o = json_object_array_get_idx(all, i), *columns = member(o, "columns");
        ASSERT_TEXT(json_object_get_string(member(o, "name")), table->name);
        CU_ASSERT_EQUAL(json_object_get_int(member(o, "retention_days")), table->retention_days);
        CU_ASSERT_EQUAL(json_object_array_length(columns), table->column_count);
        for (size_t k = 0; k < table->column_count; k++) {
            struct json_object *c = json_object_array_get_idx(columns, k);
            ASSERT_TEXT(json_object_get_string(member(c, "name")), table->columns[k].name);
            ASSERT_TEXT(json_object_get_string(member(c, "type")), table_type_name(table->columns[k].type));
            CU_ASSERT_EQUAL(json_object_get_boolean(member(c, "required")), table->columns[k].required);
        }
    }
}

static void prints_markdown(void)
{
    BUF_AUTO text = BUF_INIT(1 << 20);
    table_markdown(&text);
    ASSERT_CONTAINS(buf_text(&text), "## audit_log\n");
    ASSERT_CONTAINS(buf_text(&text),
                    "| `audit_id` | text | yes | one change; shared by its intent and its outcome |\n");
    ASSERT_CONTAINS(buf_text(&text), "Partitioned by the date of `snapshot_timestamp`. Rows are kept for 90 days.\n");
    size_t rows = 0, columns = 0;
    for (const char *p = text.data; (p = strstr(p, "\n| `")); p++)
        rows++;
    for (size_t i = 0; i < table_count(); i++)
        columns += table_at(i)->column_count;
    CU_ASSERT_EQUAL(rows, columns);
}

static void ddl_of_a_table(void)
{
    static const table_column columns[] = {{.name = "a", .type = LB_TEXT, .required = true, .doc = "it's"},
                                           {.name = "b`c", .type = LB_I64, .doc = "back\\slash"},
                                           {.name = NULL}};
    const table_def plain = {.name = "t", .doc = "a table", .columns = columns, .column_count = 2};
    table_def parted = plain;
    parted.partition_time = "a";
    BUF_AUTO text = BUF_INIT(65536);
    table_ddl(&text, &plain, "cat", "sch");
    ASSERT_TEXT(buf_text(&text), "CREATE TABLE IF NOT EXISTS `cat`.`sch`.`t` (\n"
                                 "  `a` STRING COMMENT 'it\\'s',\n"
                                 "  `b``c` BIGINT COMMENT 'back\\\\slash'\n"
                                 ")\nUSING DELTA\nCOMMENT 'a table'\n"
                                 "TBLPROPERTIES ('delta.minReaderVersion' = '1', 'delta.minWriterVersion' = '2')\n");
    buf_clear(&text);
    table_ddl(&text, &parted, NULL, NULL);
    ASSERT_CONTAINS(buf_text(&text), "TABLE IF NOT EXISTS `t` (\n");
    ASSERT_CONTAINS(buf_text(&text), ",\n  `date` DATE COMMENT 'date of a in UTC: the partition'\n)\nUSING DELTA\n"
                                     "PARTITIONED BY (`date`)\n");
}

SUITE(tables, TEST(has_every_table), TEST(definitions_hold_together), TEST(keeps_rows_as_long_as_promised),
      TEST(statement_history_has_every_column), TEST(writes_columns_in_order), TEST(fills_its_room),
      TEST(escapes_texts), TEST(writes_doubles), TEST(writes_exact_integers), TEST(writes_json_as_text),
      TEST(leaves_the_target_to_the_host), TEST(refuses_what_does_not_fit), TEST(run_id_is_required),
      TEST(refuses_rows_that_are_too_long), TEST(prints_json), TEST(prints_markdown), TEST(ddl_of_a_table))
