#include "vacuum_aftermath.h"

#include <sql/vacuum/rewrites.h>

#define LOOKBACK_US (INT64_C(30) * 86400000000)

static const vacuum_relation *find_table(const vacuum_scan *scan, const vacuum_rewrites_row *row)
{
    for (size_t i = 0; i < scan->count; i++) {
        const vacuum_relations_row *t = &scan->relations[i].row;
        if (t->kind[0] != 't' && strcmp(t->name, row->table_name) == 0 && strcmp(t->schema, row->schema_name) == 0)
            return &scan->relations[i];
    }
    return NULL;
}

static int settle(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_rewrites_row *row, lb_error *err)
{
    const vacuum_relation *v = find_table(scan, row);
    bool done = strcmp(row->outcome, "applied") == 0;
    double seconds = row->duration_ms_is_null ? 0 : row->duration_ms / 1000;
    lb_error gone;
    vacuum_size_row size = {0};
    bool measured = v && vacuum_measure(ctx, v, &size, &gone) >= 0; /* a table that went since has no size */
    return lb_record(
        ctx, "vacuum_history",
        LB_ARGS(lb_text("operation_id", row->operation_id), lb_time("executed_at", row->executed_at),
                lb_text("database_name", scan->server.database), lb_text("schema_name", row->schema_name),
                lb_text("table_name", row->table_name), lb_text("operation_type", "vacuum_full"),
                lb_text("reason", row->reason),
                row->dead_before_is_null ? lb_null("dead_tuples_before")
                                         : lb_i64("dead_tuples_before", row->dead_before),
                v ? lb_i64("dead_tuples_after", v->row.dead) : lb_null("dead_tuples_after"),
                v ? lb_i64("live_tuples_after", v->row.live) : lb_null("live_tuples_after"),
                row->bytes_before_is_null ? lb_null("bytes_before") : lb_i64("bytes_before", row->bytes_before),
                measured ? lb_i64("bytes_after", size.total_bytes) : lb_null("bytes_after"),
                lb_f64("duration_seconds", seconds), lb_text("status", done ? "success" : "failed"),
                lb_text("error_message", row->error_message)),
        err);
}

int vacuum_settle_rewrites(lb_ctx *ctx, const vacuum_scan *scan, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const vacuum_rewrites_args wanted = {.project = target->project,
                                         .branch = target->branch,
                                         .database = scan->server.database,
                                         .since = scan->now - LOOKBACK_US};
    vacuum_rewrites_row row;
    lb_rows *rows = NULL;
    int r = vacuum_rewrites(ctx, &wanted, &rows, err);
    if (lb_no_history(r))
        return 0;
    while (r >= 0 && vacuum_rewrites_next(ctx, rows, &row))
        r = settle(ctx, scan, &row, err);
    return r < 0 ? lb_wrap(err, "rewrites that were approved") : 0;
}
