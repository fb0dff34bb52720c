#include "statements_row.h"

#include <math.h>
#include <sql/statements/snapshot.h>
#include <sql/statements/snapshot_older.h>

#define HEAD    9                                        /* values before the cells */
#define TAIL    (STATEMENTS_COUNTERS + STATEMENTS_TIMES) /* and behind them */
#define COLUMNS 64                                       /* more than any version has */

/* The counters, the times, and what else is looked at. */
enum { SINCE = TAIL, USERID, DBID, QUERYID, TOPLEVEL };
#define NAME(id, name) #name,
static const char *const places[STATEMENTS_PLACES] = {
    STATEMENTS_EACH_COUNTER(NAME) STATEMENTS_EACH_TIME(NAME) "stats_since", "userid", "dbid", "queryid", "toplevel",
};
#undef NAME

#define NAME(id, name) #name "_delta",
static const char *const deltas[TAIL] = {STATEMENTS_EACH_COUNTER(NAME) STATEMENTS_EACH_TIME(NAME)};
#undef NAME

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

static const lb_value *cell_at(const statements_reader *reader, int place)
{
    return &reader->cells[reader->at[place]];
}

bool statements_read(lb_ctx *ctx, statements_reader *reader, statements_totals *ret_totals)
{
    reader->cells = lb_next(ctx, reader->rows);
    if (!reader->cells)
        return false;
    const lb_value *since = cell_at(reader, SINCE);
    *ret_totals = (statements_totals){
        .key = {.userid = cell_at(reader, USERID)->v.i64,
                .dbid = cell_at(reader, DBID)->v.i64,
                .queryid = cell_at(reader, QUERYID)->v.i64,
                .toplevel = cell_at(reader, TOPLEVEL)->v.flag},
        .since = since->type == LB_NULL ? LB_TIME_NONE : since->v.i64,
    };
    for (int i = 0; i < STATEMENTS_COUNTERS; i++) {
        const lb_value *cell = cell_at(reader, i);
        ret_totals->counters[i] = cell->type == LB_NULL ? STATEMENTS_NOT_COUNTED : cell->v.i64;
    }
    for (int i = 0; i < STATEMENTS_TIMES; i++) {
        const lb_value *cell = cell_at(reader, STATEMENTS_COUNTERS + i);
        ret_totals->times[i] = cell->type == LB_NULL ? NAN : cell->v.f64;
    }
    return true;
}

/* The server's clock counts nanoseconds: what stands behind them is the noise of sums and means, and long to write. */
static double to_nanoseconds(double ms)
{
    return ms != 0 && fabs(ms) < 1e9 ? nearbyint(ms * 1e6) / 1e6 : ms;
}

static void put_deltas(lb_value *into, const statements_totals *delta)
{
    for (int i = 0; i < STATEMENTS_COUNTERS; i++) {
        if (delta->counters[i] == STATEMENTS_NOT_COUNTED)
            into[i] = lb_null(deltas[i]);
        else
            into[i] = lb_i64(deltas[i], delta->counters[i]);
    }
    for (int i = STATEMENTS_COUNTERS; i < TAIL; i++) {
        double ms = delta->times[i - STATEMENTS_COUNTERS];
        if (isnan(ms))
            into[i] = lb_null(deltas[i]);
        else
            into[i] = lb_f64(deltas[i], to_nanoseconds(ms));
    }
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
    if (delta)
        put_deltas(row + HEAD + reader->columns, delta); /* what follows is zero, which ends it */
    return lb_record(ctx, "pg_stat_history", row, err);
}
