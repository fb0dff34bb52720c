/* The views of a server that hold its health, each a statement with the same columns. */
#include "health_reading.h"
#include "health_sessions.h"
#include "health_slow.h"

#include <sql/health/archiver.h>
#include <sql/health/background_writer.h>
#include <sql/health/checkpoints.h>
#include <sql/health/database_size.h>
#include <sql/health/database_stats.h>
#include <sql/health/dead_tuples.h>
#include <sql/health/extension_home.h>
#include <sql/health/file_cache.h>
#include <sql/health/index_stats.h>
#include <sql/health/io_stats.h>
#include <sql/health/lock_waits.h>
#include <sql/health/oldest_transaction.h>
#include <sql/health/replication.h>
#include <sql/health/running_statements.h>
#include <sql/health/server_age.h>
#include <sql/health/statement_info.h>
#include <sql/health/table_io.h>
#include <sql/health/table_stats.h>
#include <sql/health/transaction_ages.h>
#include <sql/health/wal_stats.h>

#include <stdlib.h>
#include <string.h>

static const struct view {
    const char *name;
    const lb_statement *statement;
    int since; /* the first major version that has it */
} views[] = {
    {"pg_postmaster_start_time", &health_server_age_sql, 15},
    {"pg_stat_database", &health_database_stats_sql, 15},
    {"pg_database_size", &health_database_size_sql, 15},
    {"pg_stat_user_tables", &health_table_stats_sql, 15},
    {"pg_statio_user_tables", &health_table_io_sql, 15},
    {"pg_stat_user_indexes", &health_index_stats_sql, 15}, /* with pg_index */
    {"pg_locks", &health_lock_waits_sql, 15},
    {"pg_database", &health_transaction_ages_sql, 15},
    {"pg_stat_activity", &health_oldest_transaction_sql, 15},
    {"pg_stat_replication", &health_replication_sql, 15},
    {"pg_stat_archiver", &health_archiver_sql, 15},
    {"pg_stat_bgwriter", &health_background_writer_sql, 15},
    {"pg_stat_checkpointer", &health_checkpoints_sql, 15}, /* pg_stat_bgwriter before 17 */
    {"pg_stat_io", &health_io_stats_sql, 16},
    {"pg_stat_wal", &health_wal_stats_sql, 15},
};

#define VIEWS (sizeof views / sizeof *views)

/* "pg_stat_activity (statements)" is read of pg_stat_activity. */
static bool is_of(const char *reading, const char *view)
{
    size_t length = strlen(view);
    return strncmp(reading, view, length) == 0 && (reading[length] == '\0' || reading[length] == ' ');
}

bool health_asks_for(const health_guards *guards, const char *view)
{
    for (size_t i = 0; i < guards->views.count; i++)
        if (is_of(view, guards->views.items[i]))
            return true;
    return guards->views.count == 0;
}

/* For who named another. A hint has no room for all of them as they are written: what most begin with stands once. */
static const char *known_names(lb_ctx *ctx)
{
    static const char often[] = "pg_stat_";
    const char *plain = NULL, *rest = "statements";
    for (size_t i = 1; i < VIEWS && rest; i++) {
        const char *name = views[i].name;
        if (strncmp(name, often, sizeof often - 1) == 0)
            rest = lb_printf(ctx, "%s, %s", rest, name + sizeof often - 1);
        else
            plain = lb_printf(ctx, "%s%s%s", plain ? plain : "", plain ? ", " : "", name);
    }
    return lb_printf(ctx, "there are %s; and %s with one of %s", plain, often, rest);
}

static int check_names(lb_ctx *ctx, const lb_texts *names, lb_error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        bool is_known = strcmp(names->items[i], "pg_stat_statements") == 0;
        for (size_t v = 0; v < VIEWS && !is_known; v++)
            is_known = strcmp(views[v].name, names->items[i]) == 0;
        if (!is_known)
            return lb_fail(err, LB_ERR_INVALID, known_names(ctx), "no health is read from a view '%s'",
                           names->items[i]);
    }
    return 0;
}

static const char *text_of(const lb_value *cell)
{
    return cell->type == LB_NULL ? NULL : cell->v.text;
}

/* A deadline or a lost connection is no matter of one view; a lock that somebody holds is. */
int health_pass_over(lb_ctx *ctx, const char *view, int code, lb_error *err)
{
    bool is_ours = code == LB_ERR_SQL || code == LB_ERR_DENIED || code == LB_ERR_UNSUPPORTED ||
                   code == LB_ERR_NOT_FOUND || code == LB_ERR_LIMIT || code == LB_ERR_CONFLICT;
    return is_ours ? lb_skipped(ctx, view, err->message, err) : code;
}

static int read_rows(lb_ctx *ctx, const char *view, health_reading *reading, lb_rows *rows, lb_error *err)
{
    const lb_value *cells;
    int r = 0;
    while (r >= 0 && (cells = lb_next(ctx, rows))) {
        const health_sample sample = {.view = view,
                                      .metric = text_of(&cells[0]),
                                      .digits = text_of(&cells[1]),
                                      .object = text_of(&cells[2]),
                                      .epoch = text_of(&cells[3]),
                                      .detail = text_of(&cells[4]),
                                      .value = text_of(&cells[1]) ? strtod(text_of(&cells[1]), NULL) : 0};
        r = health_add_sample(ctx, reading, &sample, err);
    }
    return r;
}

static int read_view(lb_ctx *ctx, const char *name, const lb_statement *statement, const lb_value *args,
                     health_reading *reading, lb_error *err)
{
    lb_rows *rows = NULL;
    reading->views++;
    int r = lb_query(ctx, statement, args, &rows, err);
    if (r < 0)
        return health_pass_over(ctx, name, r, err);
    reading->views_read++;
    reading->has_replication = reading->has_replication || statement == &health_replication_sql;
    return read_rows(ctx, name, reading, rows, err);
}

/* Where the platform has one beside shared buffers, which are small there. */
static int read_file_cache(lb_ctx *ctx, health_reading *reading, lb_error *err)
{
    static const char view[] = "pg_stat_database (file cache)";
    const health_extension_home_args wanted = {.name = "neon"};
    health_extension_home_row home;
    lb_rows *rows = NULL;
    int r = health_extension_home(ctx, &wanted, &rows, err);
    if (r < 0)
        return health_pass_over(ctx, view, r, err);
    return health_extension_home_next(ctx, rows, &home)
               ? read_view(ctx, view, &health_file_cache_sql,
                           LB_ARGS(lb_ident("schema", home.schema), lb_ident("view", "neon_stat_file_cache")), reading,
                           err)
               : 0;
}

static int read_dead_tuples(lb_ctx *ctx, const health_guards *guards, health_reading *reading, lb_error *err)
{
    static const char view[] = "pg_stat_user_tables (dead rows)";
    const health_dead_tuples_args wanted = {.min_dead_rows = guards->min_dead_rows,
                                            .min_bytes = (int64_t)(guards->min_table_mb * 1048576),
                                            .due_only = true,
                                            .also = guards->tables};
    lb_rows *rows = NULL;
    reading->views++;
    int r = health_dead_tuples(ctx, &wanted, &rows, err);
    if (r < 0)
        return health_pass_over(ctx, view, r, err);
    reading->views_read++;
    return read_rows(ctx, view, reading, rows, err);
}

static int add_count(lb_ctx *ctx, health_reading *reading, const char *metric, int64_t count, lb_error *err)
{
    const health_sample sample = {.view = "pg_stat_activity",
                                  .metric = metric,
                                  .digits = lb_printf(ctx, "%lld", (long long)count),
                                  .value = (double)count};
    return health_add_sample(ctx, reading, &sample, err);
}

static int read_connections(lb_ctx *ctx, health_reading *reading, lb_error *err)
{
    health_sessions all;
    int64_t clients = 0, limit = 0, idle = 0, open = 0, active = 0, waiting = 0;
    reading->views++;
    int r = health_read_sessions(ctx, &all, err);
    if (r < 0)
        return health_pass_over(ctx, "pg_stat_activity (sessions)", r, err);
    reading->views_read++;
    double used = health_utilization(&all, &clients, &limit);
    for (size_t i = 0; i < all.count; i++) {
        const health_session *s = &all.rows[i];
        idle += health_is_client(s) && health_is_idle(s);
        open += health_is_client(s) && health_is_idle_in_transaction(s);
        active += health_is_client(s) && !s->own && s->state && strcmp(s->state, "active") == 0;
        waiting += health_is_client(s) && s->wait_type && strcmp(s->wait_type, "Lock") == 0;
    }
    const struct {
        const char *metric;
        int64_t count;
    } counts[] = {{"connections_total", clients},   {"connections_active", active},
                  {"connections_idle", idle},       {"connections_idle_in_transaction", open},
                  {"connections_waiting", waiting}, {"connections_limit", limit}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts && r >= 0; i++)
        r = add_count(ctx, reading, counts[i].metric, counts[i].count, err);
    const health_sample utilization = {
        .view = "pg_stat_activity",
        .metric = health_alert_rules[HEALTH_CONNECTIONS].metric,
        .digits = lb_printf(ctx, "%.9g", used),
        .value = used,
        .detail = lb_printf(ctx, "{\"clients\":%lld,\"limit\":%lld,\"idle\":%lld,\"idle_in_transaction\":%lld}",
                            (long long)clients, (long long)limit, (long long)idle, (long long)open)};
    if (r >= 0)
        r = health_add_sample(ctx, reading, &utilization, err);
    return r < 0 ? r : health_say_hidden(ctx, &all, err);
}

/* ---- pg_stat_statements ---- */

#define KINDS "statement_kinds" /* as it is remembered */

static bool is_expected(const health_guards *guards, const char *role)
{
    for (size_t i = 0; role && i < guards->batch_roles.count; i++)
        if (strcmp(guards->batch_roles.items[i], role) == 0)
            return true;
    return false;
}

/* What is left out is said, wherever it was seen. */
static int tell_expected(lb_ctx *ctx, const char *view, const health_guards *guards, double count, const char *what,
                         lb_error *err)
{
    return count <= 0 ? 0
                      : lb_skipped(ctx, view,
                                   lb_printf(ctx, "%.0f statements of batch work %s over %g s: that is expected of it",
                                             count, what, guards->slow_statement_s),
                                   err);
}

static int read_running_statements(lb_ctx *ctx, const health_guards *guards, health_reading *reading, lb_error *err)
{
    static const char view[] = "pg_stat_activity (statements)";
    const health_running_statements_args wanted = {.batch_roles = guards->batch_roles,
                                                   .batch_applications = guards->batch_applications,
                                                   .min_seconds = guards->slow_statement_s};
    lb_rows *rows = NULL;
    reading->views++;
    int r = health_running_statements(ctx, &wanted, &rows, err);
    if (r < 0)
        return health_pass_over(ctx, view, r, err);
    reading->views_read++;
    reading->has_running = true;
    r = read_rows(ctx, view, reading, rows, err);
    const health_sample *expected = health_sample_of(reading, "expected_statements", NULL);
    return r < 0 ? r : tell_expected(ctx, view, guards, expected ? expected->value : 0, "run for", err);
}

static const char *detail_of(lb_ctx *ctx, const health_slow_statements_row *row)
{
    struct json_object *user = row->user_name ? json_object_new_string(row->user_name) : NULL;
    const char *detail =
        lb_printf(ctx, "{\"queryid\":\"%lld\",\"calls\":%lld,\"max_ms\":%.3f,\"user\":%s}", (long long)row->queryid,
                  (long long)row->calls, row->max_exec_time, user ? json_object_to_json_string(user) : "null");
    json_object_put(user);
    return detail;
}

static int add_statement(lb_ctx *ctx, health_reading *reading, const health_slow_statements_row *row, lb_error *err)
{
    const char *detail = detail_of(ctx, row);
    if (!detail)
        return lb_out_of_memory(err);
    const health_sample calls = {.view = "pg_stat_statements",
                                 .metric = "statement_calls",
                                 .digits = lb_printf(ctx, "%lld", (long long)row->calls),
                                 .object = row->key,
                                 .epoch = row->epoch,
                                 .detail = detail,
                                 .value = (double)row->calls};
    const health_sample total = {.view = "pg_stat_statements",
                                 .metric = "statement_total_ms",
                                 .digits = lb_printf(ctx, "%.17g", row->total_exec_time),
                                 .object = row->key,
                                 .epoch = row->epoch,
                                 .detail = detail,
                                 .value = row->total_exec_time};
    int r = health_add_sample(ctx, reading, &calls, err);
    return r < 0 ? r : health_add_sample(ctx, reading, &total, err);
}

/* What kind of statement each is stays known: their texts are read once. */
static struct json_object *kinds_before(const health_reading *reading)
{
    struct json_object *kinds = NULL;
    return reading->before && json_object_object_get_ex(reading->before, KINDS, &kinds) ? kinds : NULL;
}

static int read_slow_statements(lb_ctx *ctx, const char *schema, const health_guards *guards, health_reading *reading,
                                lb_error *err)
{
    health_slow slow;
    struct json_object *kinds = json_object_new_object();
    double expected = 0;
    reading->views++;
    (void)json_object_object_add(reading->next, KINDS, kinds); /* lost: read again */
    int r = health_read_slow(ctx, schema, guards->slow_statement_s * 1000, kinds_before(reading), kinds, &slow, err);
    if (r < 0)
        return health_pass_over(ctx, "pg_stat_statements", r, err);
    reading->views_read++;
    reading->has_statements = true;
    for (size_t i = 0; r >= 0 && i < slow.count; i++) {
        bool is_batch = is_expected(guards, slow.rows[i].user_name);
        expected += is_batch;
        r = is_batch ? 0 : add_statement(ctx, reading, &slow.rows[i], err);
    }
    return r < 0 ? r : tell_expected(ctx, "pg_stat_statements (batch work)", guards, expected, "took", err);
}

static int read_statements(lb_ctx *ctx, const health_guards *guards, health_reading *reading, lb_error *err)
{
    const health_extension_home_args wanted = {.name = "pg_stat_statements"};
    health_extension_home_row home;
    lb_rows *rows = NULL;
    int r = health_extension_home(ctx, &wanted, &rows, err);
    if (r < 0)
        return health_pass_over(ctx, "pg_extension", r, err);
    if (!health_extension_home_next(ctx, rows, &home))
        return lb_skipped(ctx, "pg_stat_statements",
                          "the extension is not in this database: only statements that run now are seen", err);
    r = read_slow_statements(ctx, home.schema, guards, reading, err);
    return r < 0 ? r
                 : read_view(ctx, "pg_stat_statements_info", &health_statement_info_sql,
                             LB_ARGS(lb_ident("schema", home.schema)), reading, err);
}

static const char *database_of(lb_ctx *ctx, const health_reading *reading)
{
    const health_sample *age = health_sample_of(reading, "uptime_seconds", NULL);
    struct json_object *detail = age && age->detail ? json_tokener_parse(age->detail) : NULL, *name = NULL;
    const char *database = json_object_object_get_ex(detail, "database", &name)
                               ? lb_printf(ctx, "%s", json_object_get_string(name))
                               : NULL;
    json_object_put(detail);
    return database;
}

int health_read_views(lb_ctx *ctx, const health_guards *guards, health_reading *reading, lb_error *err)
{
    int major = 0;
    int r = lb_server_version(ctx, &major, err);
    if (r >= 0)
        r = check_names(ctx, &guards->views, err);
    for (size_t i = 0; r >= 0 && i < VIEWS; i++)
        r = i > 0 && !health_asks_for(guards, views[i].name) /* the server's age is what the others are read by */
                ? 0
                : major >= views[i].since
                      ? read_view(ctx, views[i].name, views[i].statement, LB_NO_ARGS, reading, err)
                      : lb_skipped(ctx, views[i].name,
                                   lb_printf(ctx, "servers have it from %d on; this is %d", views[i].since, major),
                                   err);
    reading->database = database_of(ctx, reading);
    if (r >= 0 && health_asks_for(guards, "pg_stat_database"))
        r = read_file_cache(ctx, reading, err);
    if (r >= 0 && health_asks_for(guards, "pg_stat_user_tables"))
        r = read_dead_tuples(ctx, guards, reading, err);
    if (r >= 0 && health_asks_for(guards, "pg_stat_activity"))
        r = read_running_statements(ctx, guards, reading, err);
    if (r >= 0 && health_asks_for(guards, "pg_stat_activity"))
        r = read_connections(ctx, reading, err);
    if (r >= 0 && !health_asks_for(guards, "pg_stat_statements"))
        (void)json_object_object_add(reading->next, KINDS, json_object_get(kinds_before(reading))); /* as above */
    return r >= 0 && health_asks_for(guards, "pg_stat_statements") ? read_statements(ctx, guards, reading, err) : r;
}
