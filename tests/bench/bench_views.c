/* bench_views: reads the views that health tools read, as bench_transport has it for each of many targets. */
#include <lbops/lbops.h>
#include <sql/bench/view_databases.h>
#include <sql/bench/view_indexes.h>
#include <sql/bench/view_locks.h>
#include <sql/bench/view_sessions.h>
#include <sql/bench/view_statements.h>
#include <sql/bench/view_tables.h>

#define READ(view)                                                                                                     \
    do {                                                                                                               \
        lb_rows *rows = NULL;                                                                                          \
        bench_view_##view##_row row;                                                                                   \
        int r = bench_view_##view(ctx, &rows, err);                                                                    \
        if (r < 0)                                                                                                     \
            return r;                                                                                                  \
        while (bench_view_##view##_next(ctx, rows, &row))                                                              \
            count++;                                                                                                   \
    } while (0)

static int run(lb_ctx *ctx, lb_error *err)
{
    int64_t count = 0;
    READ(sessions);
    READ(databases);
    READ(tables);
    READ(indexes);
    READ(locks);
    READ(statements);
    return lb_result(ctx, LB_ARGS(lb_i64("rows", count)), err);
}

LB_TOOL(bench_views, "reads six views of statistics", .agent = "bench", .risk = LB_RISK_LOW, .run = run);
