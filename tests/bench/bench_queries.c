/* bench_queries: the same query many times in one run, as bench_transport has it against a bare loop. */
#include <lbops/lbops.h>
#include <sql/bench/scan.h>

#include <stdlib.h>
#include <time.h>

struct args {
    int64_t count, rows;
};

static const lb_param params[] = {
    LB_PARAM(struct args, count, LB_I64, "1000", "how often", .min = "1", .max = "100000"),
    LB_PARAM(struct args, rows, LB_I64, "3000", "rows that the server makes", .min = "1"),
    LB_PARAMS_END,
};

static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const bench_scan_args wanted = {.rows = args->rows};
    double *samples = lb_alloc(ctx, (size_t)args->count * sizeof *samples);
    bench_scan_row row;
    int r = samples ? 0 : lb_out_of_memory(err);
    for (int64_t i = 0; r >= 0 && i < args->count; i++) {
        lb_rows *rows = NULL;
        double began = now_us();
        r = bench_scan(ctx, &wanted, &rows, err);
        if (r >= 0 && !bench_scan_next(ctx, rows, &row))
            r = lb_fail(err, LB_ERR_TOOL, NULL, "no row");
        samples[i] = now_us() - began;
    }
    if (r < 0)
        return r;
    qsort(samples, (size_t)args->count, sizeof *samples, compare);
    return lb_result(ctx, LB_ARGS(lb_f64("median_us", samples[args->count / 2])), err);
}

LB_TOOL(bench_queries, "measures a warm query", .agent = "bench", .risk = LB_RISK_LOW,
        LB_TOOL_ARGS(struct args, params), .run = run);
