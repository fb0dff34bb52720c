/* databricks_tool: a history in a workspace, driven by lines on standard input, one JSON object a line as the answer,
 * for tests in Python.
 *
 *   databricks_tool DIR [PARAM=VALUE ...]
 *
 *   metrics N FIRST DAY     one outbox file: N rows of lakebase_metrics, values from FIRST on, of day 2026-01-01 + DAY
 *   every DAY               one row of every table, something in each column
 *   flush SECONDS           commits what waits
 *   maintain TABLE|all DAY  upkeep as of that day
 *   ask [LIMIT] SQL         a question; LIMIT rows at most
 *   typed LOW               a tool's question, with a value of each type: what arrived, how many metrics from LOW
 *   during FIRST SQL        a question that is cancelled once three metrics that came meanwhile are committed
 *   view C S NAME SQL       a view of the lakehouse
 */
#include "arena.h"
#include "delta_driver.h"
#include "json.h"
#include "log.h"

#include <lbops/plugin.h>

#define NOON INT64_C(1767268800000000) /* 2026-01-01T12:00:00Z */
#define DAY  INT64_C(86400000000)

extern const lb_plugin lb_plugin_v1_delta_databricks;

static const lb_target shop = {.project = "shop", .branch = "main", .branch_class = LB_BRANCH_SHARED};

static bool unwanted;

static bool is_unwanted(void)
{
    return unwanted;
}

LB_PRINTF(2, 0) static void log_to_stderr(lb_level level, const char *fmt, va_list args)
{
    (void)level; /* all of it */
    (void)vfprintf(stderr, fmt, args);
    (void)fputs("\n", stderr);
}

static const lb_service_host tool_host = {
    .size = sizeof tool_host, .vlog = log_to_stderr, .cancelled = is_unwanted, .now = clock_monotonic};

typedef struct tool {
    char *root, *outbox;
    arena memory;
    delta_driver *driver;
} tool;

/* ---- answers ---- */

static void put_error(buf *out, const lb_error *err)
{
    json_member_i64(out, "code", err->code);
    json_member_string(out, "message", err->message);
    json_member_string(out, "hint", err->hint);
}

static void say(buf *out)
{
    buf_puts(out, "}");
    (void)puts(buf_text(out)); /* a reader that is gone ends us at the next line */
    (void)fflush(stdout);
}

static int answer(int r, const lb_error *err)
{
    BUF_AUTO out = BUF_INIT(1 << 16);
    buf_puts(&out, "{");
    json_member_i64(&out, "result", r < 0);
    if (r < 0)
        put_error(&out, err);
    say(&out);
    return 0;
}

/* ---- records ---- */

static int put_metrics(tool *t, int64_t count, double first, int64_t at, lb_error *err)
{
    int r = 0;
    outbox_batch *batch = outbox_batch_new(t->outbox, "01TESTRUN00000000000000000", 1 << 20);
    for (int64_t i = 0; r == 0 && i < count; i++)
        r = outbox_add(batch, "lakebase_metrics",
                       LB_ARGS(lb_time("snapshot_timestamp", at), lb_text("metric_name", "n"),
                               lb_f64("metric_value", first + (double)i)),
                       &shop, err);
    if (r == 0)
        r = outbox_commit(batch, err);
    (void)outbox_batch_free(batch); /* gives NULL */
    return r;
}

static lb_value value_of(const table_def *def, const table_column *c, int64_t at)
{
    bool is_partition = def->partition_time && strcmp(c->name, def->partition_time) == 0;
    switch (c->type) {
    case LB_I64:
        return lb_i64(c->name, INT64_MAX);
    case LB_F64:
        return lb_f64(c->name, 0.1);
    case LB_BOOL:
        return lb_bool(c->name, true);
    case LB_TIME:
        return lb_time(c->name, is_partition ? at : NOON + 123456);
    case LB_JSON:
        return lb_json(c->name, "{\"a\":[1,\"\\u00e9\\\"\"]}");
    default:
        return lb_text(c->name, "gr\xc3\xbc\xc3\x9f"
                                "e 'q' \\ \"\n");
    }
}

static int put_row(outbox_batch *batch, const table_def *def, int64_t at, lb_error *err)
{
    lb_value values[TABLE_COLUMNS_MAX + 1];
    size_t used = 0;
    for (const table_column *c = def->columns; c->name; c++)
        if (strcmp(c->name, "run_id") != 0 && strcmp(c->name, "project_id") != 0 && strcmp(c->name, "branch_id") != 0)
            values[used++] = value_of(def, c, at);
    values[used] = (lb_value){.type = LB_END};
    return outbox_add(batch, def->name, values, &shop, err);
}

static int put_every(tool *t, int64_t at, lb_error *err)
{
    int r = 0;
    outbox_batch *batch = outbox_batch_new(t->outbox, "01TESTRUN00000000000000000", 1 << 20);
    for (size_t i = 0; r == 0 && i < table_count(); i++)
        r = put_row(batch, table_at(i), at, err);
    if (r == 0)
        r = outbox_commit(batch, err);
    (void)outbox_batch_free(batch); /* gives NULL */
    return r;
}

/* ---- the calls ---- */

static int flush(tool *t, int64_t seconds)
{
    lb_error err = {0};
    delta_driver_report report;
    BUF_AUTO out = BUF_INIT(1 << 16);
    int r = delta_driver_flush(t->driver, clock_monotonic() + seconds * CLOCK_SECOND, &report, &err);
    buf_puts(&out, "{");
    json_member_i64(&out, "result", r < 0);
    if (r < 0)
        put_error(&out, &err);
    json_member_i64(&out, "files", report.files);
    json_member_i64(&out, "rows", report.rows);
    json_member_i64(&out, "repeated", report.repeated);
    json_member_i64(&out, "damaged", report.damaged);
    json_member_i64(&out, "waiting", report.waiting_files);
    json_member_string(&out, "damage", report.damage);
    say(&out);
    return 0;
}

static int maintain(tool *t, const char *table, int64_t day)
{
    lb_error err = {0};
    lb_delta_upkeep u;
    BUF_AUTO out = BUF_INIT(1 << 16);
    int r = delta_driver_maintain(t->driver, strcmp(table, "all") == 0 ? NULL : table, NOON + day * DAY,
                                  clock_monotonic() + 300 * CLOCK_SECOND, &u, &err);
    buf_puts(&out, "{");
    json_member_i64(&out, "result", r < 0);
    if (r < 0)
        put_error(&out, &err);
    json_member_i64(&out, "tables", u.tables);
    json_member_i64(&out, "expired_rows", u.expired_rows);
    json_member_i64(&out, "rolled_up", u.rolled_up);
    json_member_i64(&out, "compacted", u.compacted);
    json_member_i64(&out, "compacted_into", u.compacted_into);
    say(&out);
    return 0;
}

static int take_columns(void *state, uint32_t count, const char *const *names, const lb_type *types, lb_error *err)
{
    buf *out = state;
    (void)err; /* cannot fail */
    buf_puts(out, "\"columns\":[");
    for (uint32_t i = 0; i < count; i++) {
        buf_puts(out, i ? ",[" : "[");
        json_string(out, names[i]);
        buf_puts(out, ",");
        json_string(out, table_type_name(types[i]));
        buf_puts(out, "]");
    }
    buf_puts(out, "],\"rows\":[");
    return 0;
}

static int take_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    buf *out = state;
    (void)err; /* cannot fail */
    buf_puts(out, buf_text(out)[strlen(buf_text(out)) - 1] == '[' ? "[" : ",[");
    for (uint32_t i = 0; i < count; i++) {
        buf_puts(out, i ? "," : "");
        if (cells[i])
            json_string(out, cells[i]);
        else
            buf_puts(out, "null");
    }
    buf_puts(out, "]");
    return 0;
}

static int put_question(tool *t, const lb_delta_question *question)
{
    lb_error err = {0};
    bool cut = false;
    BUF_AUTO out = BUF_INIT(64 << 20);
    const lb_delta_sink sink = {.size = sizeof sink, .state = &out, .columns = take_columns, .row = take_row};
    buf_puts(&out, "{");
    int r = delta_driver_query(t->driver, question, &sink, &cut, &err);
    if (r < 0)
        return answer(r, &err);
    buf_puts(&out, "]");
    json_member_i64(&out, "result", 0);
    json_member_bool(&out, "cut", cut);
    say(&out);
    return 0;
}

static int ask(tool *t, const char *text)
{
    char *end = NULL;
    int64_t limit = strtoll(text, &end, 10);
    const lb_delta_question question = {.size = sizeof question,
                                        .text = end != text ? end + 1 : text,
                                        .deadline = clock_monotonic() + 300 * CLOCK_SECOND,
                                        .max_rows = limit};
    return put_question(t, &question);
}

static int ask_typed(tool *t, double low)
{
    static const char text[] =
        "SELECT CAST($1 AS STRING) AS a, CAST($2 AS BIGINT) AS b, CAST($3 AS DOUBLE) AS c, CAST($4 AS BOOLEAN) AS d,\n"
        "       CAST($5 AS TIMESTAMP) AS e, CAST($6 AS STRING) AS f, '$1' AS g, count(*) AS n\n"
        "  FROM ops_catalog.lakebase_ops.lakebase_metrics m\n"
        " WHERE m.metric_value >= $7 AND m.metric_name IN ($8, $9) AND m.project_id <> $1\n"
        "   AND ($6 IS NULL OR m.project_id = $6) AND m.snapshot_timestamp <= $10 AND $2 < 0";
    static const lb_type types[] = {LB_TEXT, LB_I64, LB_F64,  LB_BOOL, LB_TIME,
                                    LB_TEXT, LB_F64, LB_TEXT, LB_TEXT, LB_TIME};
    const lb_value args[] = {lb_text(NULL, "gr\xc3\xbc\xc3\x9f"
                                           "e 'q' \\ \\' \" $1 :p1 ? --\n"),
                             lb_i64(NULL, INT64_MIN),
                             lb_f64(NULL, 0.1),
                             lb_bool(NULL, false),
                             lb_time(NULL, NOON + 123000),
                             lb_null(NULL),
                             lb_f64(NULL, low),
                             lb_text(NULL, "n"),
                             lb_text(NULL, "x' OR '1'='1"),
                             lb_time(NULL, NOON + 40000 * DAY)};
    const lb_delta_question question = {.size = sizeof question,
                                        .text = text,
                                        .deadline = clock_monotonic() + 300 * CLOCK_SECOND,
                                        .max_rows = 10,
                                        .args = args,
                                        .arg_types = types,
                                        .arg_count = LB_COUNT(args),
                                        .frequent = true};
    return put_question(t, &question);
}

/* What the host does between two looks at a long question. */
typedef struct other_work {
    tool *t;
    double first;
    int calls;
    int64_t rows;
    lb_error failed;
} other_work;

static void commit_meanwhile(void *arg)
{
    other_work *w = arg;
    delta_driver_report report;
    if (w->calls++ == 0 && put_metrics(w->t, 3, w->first, NOON, &w->failed) < 0)
        return;
    (void)delta_driver_commit(w->t->driver, &report); /* when it wants to be called again */
    w->rows += report.rows;
    unwanted = w->rows == 3;
}

static int ask_during(tool *t, double first, const char *text)
{
    lb_error err = {0};
    bool cut = false;
    other_work work = {.t = t, .first = first};
    BUF_AUTO out = BUF_INIT(1 << 16);
    BUF_AUTO ignored = BUF_INIT(1 << 16);
    const lb_delta_sink sink = {.size = sizeof sink, .state = &ignored, .columns = take_columns, .row = take_row};
    const lb_delta_question question = {.size = sizeof question,
                                        .text = text,
                                        .deadline = clock_monotonic() + 90 * CLOCK_SECOND,
                                        .meanwhile = commit_meanwhile,
                                        .meanwhile_arg = &work};
    int r = delta_driver_query(t->driver, &question, &sink, &cut, &err);
    unwanted = false;
    buf_puts(&out, "{");
    put_error(&out, work.failed.code ? &work.failed : &err);
    json_member_i64(&out, "result", r < 0);
    json_member_i64(&out, "rows", work.rows);
    say(&out);
    return 0;
}

static int view(tool *t, const lb_lake_name *name, const char *text)
{
    lb_error err = {0};
    BUF_AUTO out = BUF_INIT(1 << 16);
    const lb_delta_sink sink = {.size = sizeof sink, .state = &out, .columns = take_columns, .row = take_row};
    return answer(delta_driver_lake_view(t->driver, name, text, clock_monotonic() + 60 * CLOCK_SECOND, &sink, &err),
                  &err);
}

static int obey(tool *t, const char *line)
{
    lb_error err = {0};
    long long n = 0, day = 0;
    double first = 0;
    char table[64], catalog[64], schema[64];
    int text = 0;
    if (sscanf(line, "metrics %lld %lf %lld", &n, &first, &day) == 3)
        return answer(put_metrics(t, n, first, NOON + day * DAY, &err), &err);
    if (sscanf(line, "every %lld", &day) == 1)
        return answer(put_every(t, NOON + day * DAY, &err), &err);
    if (sscanf(line, "flush %lld", &n) == 1)
        return flush(t, n);
    if (sscanf(line, "maintain %63s %lld", table, &day) == 2)
        return maintain(t, table, day);
    if (sscanf(line, "typed %lf", &first) == 1)
        return ask_typed(t, first);
    if (sscanf(line, "during %lf %n", &first, &text) == 1 && text)
        return ask_during(t, first, line + text);
    if (sscanf(line, "view %63s %63s %63s %n", catalog, schema, table, &text) == 3 && text)
        return view(t, &(const lb_lake_name){catalog, schema, table}, line + text);
    if (strncmp(line, "ask ", 4) == 0)
        return ask(t, line + 4);
    (void)fprintf(stderr, "no such line: %s\n", line);
    return 1;
}

static int open_tool(tool *t, char **words, int count, lb_error *err)
{
    param_arg args[32];
    const lb_delta *table = lb_plugin_v1_delta_databricks.ops;
    void *bound = arena_alloc(&t->memory, table->args_size);
    size_t used = 0;
    for (int i = 0; i < count && used < LB_COUNT(args); i++) {
        char *equals = strchr(words[i], '=');
        if (!equals)
            return lb_fail(err, LB_ERR_INVALID, NULL, "%s is no PARAM=VALUE", words[i]);
        *equals = '\0';
        args[used++] = (param_arg){words[i], equals + 1};
    }
    int r = params_bind("delta_databricks", (param_rows){table->params, table->param_size}, args, used, bound,
                        table->args_size, &t->memory, err);
    const delta_driver_options options = {.host = &tool_host,
                                          .plugin = table,
                                          .args = bound,
                                          .outbox_dir = t->outbox,
                                          .state_dir = t->root,
                                          .work_dir = t->root};
    return r < 0 ? r : delta_driver_open(&options, &t->driver, err);
}

int main(int argc, char **argv)
{
    lb_error err = {0};
    char line[8192];
    if (argc < 2)
        return 2;
    tool t = {.root = argv[1], .outbox = base_printf("%s/outbox", argv[1])};
    arena_init(&t.memory, 0);
    int code = answer(open_tool(&t, argv + 2, argc - 2, &err), &err);
    while (code == 0 && t.driver && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        code = obey(&t, line);
    }
    t.driver = delta_driver_free(t.driver);
    arena_done(&t.memory);
    free(t.outbox);
    return code;
}
