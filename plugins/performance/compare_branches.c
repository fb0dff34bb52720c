/* compare_branches: metrics and statements of two branches side by side, from history alone: nobody is woken for it. */
#include <lbops/lbops.h>
#include <sql/query/branch_metrics.h>
#include <sql/query/branch_statements.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#define HOUR INT64_C(3600000000)

struct args {
    const char *other_branch, *metric, *query_id;
    double hours, min_factor;
    int64_t min_calls, most;
};

static const lb_param params[] = {
    LB_PARAM(struct args, other_branch, LB_TEXT, NULL, "the branch to compare with, of the same project",
             .required = true),
    LB_PARAM(struct args, metric, LB_TEXT, NULL, "this metric alone; without it all that both have"),
    LB_PARAM(struct args, query_id, LB_TEXT, NULL, "this statement alone; without it all that ran on both"),
    LB_PARAM(struct args, hours, LB_F64, "24", "over the last so many hours", .min = "0.01", .max = "2160"),
    LB_PARAM(struct args, min_factor, LB_F64, "1", "leave out what differs by less than this factor", .min = "1"),
    LB_PARAM(struct args, min_calls, LB_I64, "1", "leave out statements that ran less often on either", .min = "1"),
    LB_PARAM(struct args, most, LB_I64, "100", "of each kind, those that differ most", .min = "1", .max = "1000"),
    LB_PARAMS_END,
};

/* How many times the one is of the other, the larger of both; infinite where one is nothing. */
static double factor_of(double here, double there)
{
    double a = here < 0 ? -here : here, b = there < 0 ? -there : there;
    double low = a < b ? a : b, high = a < b ? b : a;
    return high <= 0 ? 1 : low > 0 ? high / low : 1e9;
}

static int larger_first(double a, double b)
{
    return (a < b) - (a > b);
}

static int by_metric(const void *a, const void *b)
{
    const query_branch_metrics_row *x = a, *y = b;
    return larger_first(factor_of(x->here, x->there), factor_of(y->here, y->there));
}

static int by_statement(const void *a, const void *b)
{
    const query_branch_statements_row *x = a, *y = b;
    return larger_first(factor_of(x->here_ms, x->there_ms), factor_of(y->here_ms, y->there_ms));
}

static int tell_metric(lb_ctx *ctx, const query_branch_metrics_row *m, lb_error *err)
{
    return lb_append(ctx, "metrics",
                     LB_ARGS(lb_text("metric", m->metric_name), lb_text("object", m->object_name),
                             lb_text("unit", m->unit), lb_f64("here", m->here), lb_f64("there", m->there),
                             lb_f64("factor", factor_of(m->here, m->there)), lb_i64("readings_here", m->here_readings),
                             lb_i64("readings_there", m->there_readings)),
                     err);
}

static int tell_statement(lb_ctx *ctx, const query_branch_statements_row *s, lb_error *err)
{
    return lb_append(
        ctx, "statements",
        LB_ARGS(lb_text("query_id", lb_printf(ctx, "%lld", (long long)s->queryid)), lb_text("query", s->query),
                lb_i64("calls_here", s->here_calls), lb_i64("calls_there", s->there_calls),
                lb_f64("mean_ms_here", s->here_ms), lb_f64("mean_ms_there", s->there_ms),
                lb_f64("factor", factor_of(s->here_ms, s->there_ms)),
                s->here_blocks_is_null ? lb_null("blocks_here") : lb_f64("blocks_here", s->here_blocks),
                s->there_blocks_is_null ? lb_null("blocks_there") : lb_f64("blocks_there", s->there_blocks)),
        err);
}

static int compare_metrics(lb_ctx *ctx, const lb_target *target, int64_t *ret_count, lb_error *err)
{
    const struct args *args = ctx->args;
    const query_branch_metrics_args asked = {.project = target->project,
                                             .branch = target->branch,
                                             .other = args->other_branch,
                                             .metric = args->metric ? args->metric : "",
                                             .since = lb_now(ctx) - (int64_t)(args->hours * (double)HOUR)};
    lb_rows *rows = NULL;
    int r = query_branch_metrics(ctx, &asked, &rows, err);
    size_t count = 0;
    query_branch_metrics_row *list = r < 0 ? NULL : lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *list);
    if (!list)
        return r < 0 ? r : lb_out_of_memory(err);
    while (query_branch_metrics_next(ctx, rows, &list[count]))
        count++;
    qsort(list, count, sizeof *list, by_metric);
    *ret_count = (int64_t)count;
    for (size_t i = 0; i < count && i < (size_t)args->most && r >= 0; i++)
        if (factor_of(list[i].here, list[i].there) >= args->min_factor)
            r = tell_metric(ctx, &list[i], err);
    return r;
}

/* As tools write it: a whole number of 64 bits, and not 0, which stands for all. */
static int parse_query_id(const char *text, int64_t *ret_id, lb_error *err)
{
    char *end = NULL;
    errno = 0;
    *ret_id = text ? strtoll(text, &end, 10) : 0;
    if (!text || (*ret_id && !*end && !errno && !isspace((unsigned char)*text)))
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "give it as compare_branches or pg_stat_statements has it", "%s is no query_id",
                   text);
}

static int compare_statements(lb_ctx *ctx, const lb_target *target, int64_t query_id, int64_t *ret_count, lb_error *err)
{
    const struct args *args = ctx->args;
    const query_branch_statements_args asked = {.project = target->project,
                                                .branch = target->branch,
                                                .other = args->other_branch,
                                                .query_id = query_id,
                                                .min_calls = args->min_calls,
                                                .since = lb_now(ctx) - (int64_t)(args->hours * (double)HOUR)};
    lb_rows *rows = NULL;
    int r = query_branch_statements(ctx, &asked, &rows, err);
    size_t count = 0;
    query_branch_statements_row *list =
        r < 0 ? NULL : lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *list);
    if (!list)
        return r < 0 ? r : lb_out_of_memory(err);
    while (query_branch_statements_next(ctx, rows, &list[count]))
        count++;
    qsort(list, count, sizeof *list, by_statement);
    *ret_count = (int64_t)count;
    for (size_t i = 0; i < count && i < (size_t)args->most && r >= 0; i++)
        if (factor_of(list[i].here_ms, list[i].there_ms) >= args->min_factor)
            r = tell_statement(ctx, &list[i], err);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const lb_target *target = lb_run_target(ctx);
    int64_t metrics = 0, statements = 0, query_id = 0;
    bool is_same = strcmp(args->other_branch, target->branch) == 0; /* a pattern of targets has the other one as well */
    int r = parse_query_id(args->query_id, &query_id, err);
    if (r >= 0 && is_same)
        r = lb_skipped(ctx, args->other_branch, "it is the branch itself: there is nothing to compare it with", err);
    if (r >= 0 && !is_same && !args->query_id)
        r = compare_metrics(ctx, target, &metrics, err);
    if (r >= 0 && !is_same && !args->metric)
        r = compare_statements(ctx, target, query_id, &statements, err);
    if (r >= 0 && !is_same && !metrics && !statements)
        r = lb_skipped(ctx, args->other_branch,
                       lb_printf(ctx, "history has nothing of the last %g hours that both branches have", args->hours),
                       err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("here", target->branch), lb_text("there", args->other_branch),
                                     lb_i64("metrics_compared", metrics), lb_i64("statements_compared", statements)),
                             err);
}

LB_TOOL(compare_branches, "metrics and statements of two branches side by side, from history", .agent = "performance",
        .risk = LB_RISK_LOW, .timeout_s = 120, LB_TOOL_ARGS(struct args, params), .run = run);
