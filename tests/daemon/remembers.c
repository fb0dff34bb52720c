/* A tool that notes something in one run and reads it in another: what the history's call does, by each thing that can
 * be asked. */
#include <lbops/lbops.h>
#include <sql/history/latest_metrics.h>
#include <sql/remembers/counts.h>
#include <sql/remembers/echo.h>
#include <sql/remembers/many.h>
#include <sql/remembers/rows.h>
#include <sql/remembers/slow.h>

#include <stdlib.h>
#include <time.h>

struct args {
    const char *act, *text;
    lb_texts notes;
    int64_t rows, width, repeat;
    bool empty;
};

static const lb_param params[] = {
    LB_PARAM(struct args, act, LB_TEXT, "read", "what to do",
             .choices = "note|read|echo|many|slow|counts|other|twice|measure|latest"),
    LB_PARAM(struct args, text, LB_TEXT, "", "what to note"),
    LB_PARAM(struct args, notes, LB_LIST_OF(LB_TEXT), "[\"a\"]", "under which names"),
    LB_PARAM(struct args, rows, LB_I64, "10", "how many"),
    LB_PARAM(struct args, width, LB_I64, "1", "how wide each"),
    LB_PARAM(struct args, repeat, LB_I64, "1", "how often to ask"),
    LB_PARAM(struct args, empty, LB_BOOL, "false", "note nothing but what must be there"),
    LB_PARAMS_END,
};

#define SEEN INT64_C(1767268800123456)
#define TEXT                                                                                                           \
    "gr\xc3\xbc\xc3\x9f"                                                                                               \
    "e 'q' \"d\" \\ \\' \n\t $1 :x -- \xf0\x9f\x90\x98"

static int note(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < args->notes.count; i++) {
        bool empty = args->empty;
        const lb_value *values =
            LB_ARGS(lb_text("validation_id", args->notes.items[i]), lb_time("validated_at", lb_now(ctx)),
                    lb_text("source_table", *args->text ? args->text : TEXT), lb_text("target_table", "t"),
                    lb_text("status", "healthy"), empty ? lb_null("source_count") : lb_i64("source_count", INT64_MAX),
                    empty ? lb_null("freshness_lag_seconds") : lb_f64("freshness_lag_seconds", 0.1),
                    empty ? lb_null("checksum_match") : lb_bool("checksum_match", false),
                    empty ? lb_null("source_max_ts") : lb_time("source_max_ts", SEEN),
                    empty ? lb_null("detail") : lb_json("detail", "{\"a\":[1,\"\\u00e9\"]}"));
        r = lb_record(ctx, "sync_validation_history", values, err);
    }
    return r;
}

static int show(lb_ctx *ctx, const remembers_rows_row *row, lb_error *err)
{
    return lb_append(ctx, "rows",
                     LB_ARGS(lb_text("note", row->note), lb_text("text", row->source_table),
                             row->source_count_is_null ? lb_null("count") : lb_i64("count", row->source_count),
                             row->lag_is_null ? lb_null("lag") : lb_f64("lag", row->lag),
                             row->matched_is_null ? lb_null("matched") : lb_bool("matched", row->matched),
                             row->seen_is_null ? lb_null("seen") : lb_time("seen", row->seen),
                             lb_json("detail", row->detail), lb_numeric("share", row->share)),
                     err);
}

static int read_notes(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    static const int64_t counts[] = {INT64_MAX, -1}, times[] = {SEEN};
    static const double lags[] = {0.1, -1e300};
    static const bool matches[] = {false};
    const remembers_rows_args wanted = {.notes = args->notes,
                                        .without = {.count = 0},
                                        .counts = {counts, 2},
                                        .lags = {lags, 2},
                                        .matches = {matches, 1},
                                        .times = {.items = times, .count = 1},
                                        .since_is_null = true,
                                        .least_is_null = true};
    remembers_rows_row row;
    lb_rows *rows = NULL;
    int r = 0;
    for (int64_t i = 0; r >= 0 && i < args->repeat; i++)
        r = remembers_rows(ctx, &wanted, &rows, err);
    if (r >= 0)
        r = lb_result(ctx, LB_ARGS(lb_i64("count", lb_row_count(ctx, rows))), err);
    while (r >= 0 && remembers_rows_next(ctx, rows, &row))
        r = show(ctx, &row, err);
    return r;
}

static int check_echo(lb_ctx *ctx, const remembers_echo_args *sent, lb_error *err)
{
    remembers_echo_row row;
    lb_rows *rows = NULL;
    int r = remembers_echo(ctx, sent, &rows, err);
    if (r < 0)
        return r;
    if (!remembers_echo_next(ctx, rows, &row))
        return lb_fail(err, LB_ERR_TOOL, NULL, "no row came back");
    bool null = sent->some_integer_is_null;
    bool same = null ? !row.some_text && row.some_integer_is_null && row.some_number_is_null &&
                           row.some_boolean_is_null && row.some_timestamp_is_null
                     : row.some_text && strcmp(row.some_text, sent->some_text) == 0 &&
                           row.some_integer == sent->some_integer && row.some_boolean == sent->some_boolean &&
                           row.some_timestamp == sent->some_timestamp &&
                           memcmp(&row.some_number, &sent->some_number, sizeof row.some_number) == 0;
    return same ? 0
                : lb_fail(err, LB_ERR_TOOL, NULL, "what came back differs: %.100s",
                          row.some_text ? row.some_text : "null");
}

static int echo(lb_ctx *ctx, lb_error *err)
{
    static const char *const texts[] = {"", TEXT, "NULL", "\\", "'", "''; DROP TABLE x; --", "$1 $2 :p1 ?"};
    static const double numbers[] = {0, -0.0, 0.1, 1e308, 5e-324, -1.5};
    static const int64_t integers[] = {0, INT64_MIN, INT64_MAX, -1};
    static const int64_t times[] = {0, SEEN, INT64_C(-62135596800000000), INT64_C(253402300799999999)};
    int r = check_echo(ctx,
                       &(remembers_echo_args){.some_integer_is_null = true,
                                              .some_number_is_null = true,
                                              .some_boolean_is_null = true,
                                              .some_timestamp_is_null = true},
                       err);
    for (size_t i = 0; r >= 0 && i < 7; i++)
        r = check_echo(ctx,
                       &(remembers_echo_args){.some_text = texts[i],
                                              .some_integer = integers[i % 4],
                                              .some_number = numbers[i % 6],
                                              .some_boolean = i % 2 == 0,
                                              .some_timestamp = times[i % 4]},
                       err);
    return r;
}

static int many(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    lb_rows *rows = NULL;
    remembers_many_row row;
    int64_t count = 0, total = 0;
    int r = remembers_many(ctx, &(remembers_many_args){.rows = args->rows, .width = args->width}, &rows, err);
    while (r >= 0 && remembers_many_next(ctx, rows, &row)) {
        count++;
        total += row.n;
    }
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_i64("count", count), lb_i64("total", total)), err);
}

static int slow(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    lb_rows *rows = NULL;
    remembers_slow_row row = {.total = -1};
    int r = remembers_slow(ctx, &(remembers_slow_args){.rows = args->rows}, &rows, err);
    if (r >= 0)
        (void)remembers_slow_next(ctx, rows, &row); /* there is one, or total says so */
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_f64("total", row.total)), err);
}

static int count_rows(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    lb_rows *rows = NULL;
    remembers_counts_row row;
    int r = remembers_counts(ctx, &(remembers_counts_args){.table_name = args->text}, &rows, err);
    while (r >= 0 && remembers_counts_next(ctx, rows, &row))
        r = lb_result(
            ctx, LB_ARGS(lb_text("table", row.table_name), lb_i64("commits", row.commits), lb_i64("rows", row.rows)),
            err);
    return r;
}

/* Two measurements of one metric, and one of another. */
static int measure(lb_ctx *ctx, lb_error *err)
{
    int r = 0;
    for (int i = 0; r >= 0 && i < 3; i++)
        r = lb_record(ctx, "lakebase_metrics",
                      LB_ARGS(lb_time("snapshot_timestamp", lb_now(ctx) + i), lb_f64("metric_value", i + 0.5),
                              lb_text("metric_name", i < 2 ? "dead_ratio" : "xid_age"),
                              lb_text("object_name", i < 2 ? "public.orders" : NULL)),
                      err);
    return r;
}

static int64_t microseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The catalogue's own question, as often as is wanted: what it says, and the median of what it takes. */
static int latest(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    int64_t *took = (int64_t *)lb_alloc(ctx, (size_t)args->repeat * sizeof *took);
    const history_latest_metrics_args wanted = {
        .project = target->project, .branch = target->branch, .metrics = args->notes, .since = 0};
    history_latest_metrics_row row;
    lb_rows *rows = NULL;
    int r = took ? 0 : lb_out_of_memory(err);
    for (int64_t i = 0; r >= 0 && i < args->repeat; i++) {
        int64_t began = microseconds();
        r = history_latest_metrics(ctx, &wanted, &rows, err);
        took[i] = microseconds() - began;
    }
    while (r >= 0 && history_latest_metrics_next(ctx, rows, &row))
        r = lb_append(ctx, "rows",
                      LB_ARGS(lb_text("name", row.metric_name), lb_f64("value", row.metric_value),
                              lb_text("object", row.object_name)),
                      err);
    if (r < 0)
        return r;
    qsort(took, (size_t)args->repeat, sizeof *took, compare);
    lb_log(ctx, LB_LOG_INFO, "median %lld us, least %lld us", (long long)took[args->repeat / 2], (long long)took[0]);
    return 0;
}

/* What a tool may not do with it. */
static int misuse(lb_ctx *ctx, lb_error *err)
{
    lb_rows *rows = NULL;
    const lb_sql *sql = NULL;
    lb_error why;
    if (lb_query(ctx, &remembers_slow_sql, LB_ARGS(lb_i64("rows", 1)), &rows, &why) != LB_ERR_INVALID ||
        lb_compose(ctx, &remembers_slow_sql, LB_ARGS(lb_i64("rows", 1)), &sql, &why) != LB_ERR_INVALID ||
        lb_history(ctx, &remembers_slow_sql, LB_NO_ARGS, &rows, &why) != LB_ERR_INVALID ||
        lb_history(ctx, &remembers_slow_sql, LB_ARGS(lb_text("rows", "1")), &rows, &why) != LB_ERR_INVALID)
        return lb_fail(err, LB_ERR_TOOL, NULL, "the host took it");
    lb_host older = *ctx->host;
    older.size = offsetof(lb_host, history);
    lb_ctx with_older = {.host = &older};
    if (lb_history(&with_older, &remembers_slow_sql, LB_NO_ARGS, &rows, &why) != LB_ERR_UNSUPPORTED)
        return lb_fail(err, LB_ERR_TOOL, NULL, "an older host was asked");
    return 0;
}

/* A failed question leaves the next one alone. */
static int twice(lb_ctx *ctx, const struct args *args, lb_error *err)
{
    lb_error why;
    lb_rows *rows = NULL;
    if (remembers_many(ctx, &(remembers_many_args){.rows = 200000, .width = 10}, &rows, &why) != LB_ERR_LIMIT)
        return lb_fail(err, LB_ERR_TOOL, NULL, "it was not cut");
    return many(ctx, args, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    if (strcmp(args->act, "note") == 0)
        return note(ctx, args, err);
    if (strcmp(args->act, "read") == 0)
        return read_notes(ctx, args, err);
    if (strcmp(args->act, "echo") == 0)
        return echo(ctx, err);
    if (strcmp(args->act, "many") == 0)
        return many(ctx, args, err);
    if (strcmp(args->act, "slow") == 0)
        return slow(ctx, args, err);
    if (strcmp(args->act, "measure") == 0)
        return measure(ctx, err);
    if (strcmp(args->act, "latest") == 0)
        return latest(ctx, args, err);
    if (strcmp(args->act, "counts") == 0)
        return count_rows(ctx, args, err);
    return strcmp(args->act, "twice") == 0 ? twice(ctx, args, err) : misuse(ctx, err);
}

LB_TOOL(remembers, "notes in one run and reads in another", .agent = "tests", .risk = LB_RISK_LOW, .workspace = true,
        .writes = LB_NAMES("sync_validation_history", "lakebase_metrics"), LB_TOOL_ARGS(struct args, params),
        .run = run);
