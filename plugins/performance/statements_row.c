#include "statements_row.h"

#include <math.h>
#include <sql/statements/snapshot.h>
#include <sql/statements/snapshot_older.h>

#define HEAD    9  /* values before the cells */
#define TAIL    8  /* and behind them */
#define COLUMNS 64 /* more than any version has */

/* In the order of statements_counter, and what else is looked at. */
enum { PLANS = STATEMENTS_COUNTERS, EXEC_MS, SINCE, USERID, DBID, QUERYID, TOPLEVEL };
static const char *const places[STATEMENTS_PLACES] = {
    [STATEMENTS_CALLS] = "calls",
    [STATEMENTS_ROWS] = "rows",
    [STATEMENTS_SHARED_HIT] = "shared_blks_hit",
    [STATEMENTS_SHARED_READ] = "shared_blks_read",
    [STATEMENTS_TEMP_READ] = "temp_blks_read",
    [STATEMENTS_TEMP_WRITTEN] = "temp_blks_written",
    [STATEMENTS_WAL_BYTES] = "wal_bytes",
    [PLANS] = "plans",
    [EXEC_MS] = "total_exec_time",
    [SINCE] = "stats_since",
    [USERID] = "userid",
    [DBID] = "dbid",
    [QUERYID] = "queryid",
    [TOPLEVEL] = "toplevel",
};

static int find_places(statements_reader *reader, lb_error *err)
{
    const lb_statement *statement = &statements_snapshot_sql;
    reader->columns = statement->column_count;
    for (size_t i = 0; i < STATEMENTS_PLACES; i++) {
        size_t at = 0;
        while (at < reader->columns && strcmp(statement->columns[at].name, places[i]) != 0)
            at++;
        if (at == reader->columns || reader->columns > COLUMNS)
            return lb_fail(err, LB_ERR_INTERNAL, NULL, "%s has no column %s", statement->name, places[i]);
        reader->at[i] = at;
    }
    return 0;
}

int statements_open(lb_ctx *ctx, const statements_source *s, const int64_t *without_user, statements_reader *ret_reader,
                    lb_error *err)
{
    const statements_snapshot_args args = {.schema = s->extension.schema,
                                           .without_user = without_user ? *without_user : 0,
                                           .without_user_is_null = !without_user};
    const statements_snapshot_older_args older = {.schema = s->extension.schema,
                                                  .without_user = without_user ? *without_user : 0,
                                                  .without_user_is_null = !without_user};
    lb_rows *rows = NULL;
    int r = s->extension.is_older ? statements_snapshot_older(ctx, &older, &rows, err)
                                  : statements_snapshot(ctx, &args, &rows, err);
    if (r < 0)
        return lb_wrap(err, "pg_stat_statements");
    *ret_reader = (statements_reader){.rows = rows};
    return find_places(ret_reader, err);
}

static int64_t count_at(const statements_reader *reader, int place)
{
    const lb_value *cell = &reader->cells[reader->at[place]];
    return cell->type == LB_NULL ? 0 : cell->v.i64;
}

bool statements_read(lb_ctx *ctx, statements_reader *reader, statements_totals *ret_totals)
{
    reader->cells = lb_next(ctx, reader->rows);
    if (!reader->cells)
        return false;
    const lb_value *since = &reader->cells[reader->at[SINCE]];
    *ret_totals = (statements_totals){
        .key = {.userid = count_at(reader, USERID),
                .dbid = count_at(reader, DBID),
                .queryid = count_at(reader, QUERYID),
                .toplevel = reader->cells[reader->at[TOPLEVEL]].v.flag},
        .plans = count_at(reader, PLANS),
        .exec_ms = reader->cells[reader->at[EXEC_MS]].v.f64,
        .since = since->type == LB_NULL ? LB_TIME_NONE : since->v.i64,
    };
    for (int i = 0; i < STATEMENTS_COUNTERS; i++)
        ret_totals->counters[i] = count_at(reader, i);
    return true;
}

/* The server's clock counts nanoseconds: what stands behind them is the noise of sums and means, and long to write. */
static double to_nanoseconds(double ms)
{
    return fabs(ms) < 1e9 ? nearbyint(ms * 1e6) / 1e6 : ms;
}

static void put_deltas(lb_value *into, const statements_totals *delta)
{
    static const char *const names[STATEMENTS_COUNTERS] = {"calls_delta",           "rows_delta",
                                                           "shared_blks_hit_delta", "shared_blks_read_delta",
                                                           "temp_blks_read_delta",  "temp_blks_written_delta",
                                                           "wal_bytes_delta"};
    for (int i = 0; i < STATEMENTS_COUNTERS; i++)
        into[i] = delta ? lb_i64(names[i], delta->counters[i]) : lb_null(names[i]);
    into[STATEMENTS_COUNTERS] =
        delta ? lb_f64("total_exec_time_delta", to_nanoseconds(delta->exec_ms)) : lb_null("total_exec_time_delta");
}

int statements_store(lb_ctx *ctx, const statements_source *s, const statements_snapshot_facts *facts,
                     const statements_reader *reader, const statements_totals *delta, lb_error *err)
{
    double seconds = delta ? (double)(s->info.read_at - facts->taken_before) / 1e6 : 0;
    lb_value row[HEAD + COLUMNS + TAIL + 1] = {
        lb_time("snapshot_timestamp", s->info.read_at),
        lb_text("snapshot_id", facts->id),
        lb_text("granularity", "snapshot"),
        delta ? lb_f64("interval_seconds", seconds) : lb_null("interval_seconds"),
        lb_i64("server_version", facts->server_version),
        lb_i64("system_identifier", s->epoch.system_identifier),
        lb_time("postmaster_start", s->epoch.postmaster_start),
        lb_time("stats_reset", s->epoch.stats_reset),
        lb_i64("dealloc", s->info.dealloc),
    };
    memcpy(row + HEAD, reader->cells, reader->columns * sizeof *row);
    for (size_t i = HEAD; i < HEAD + reader->columns; i++)
        if (row[i].type == LB_F64)
            row[i].v.f64 = to_nanoseconds(row[i].v.f64);
    put_deltas(row + HEAD + reader->columns, delta); /* what follows is zero, which ends it */
    return lb_record(ctx, "pg_stat_history", row, err);
}
