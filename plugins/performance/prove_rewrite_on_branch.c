/* prove_rewrite_on_branch: executes a statement and another way to write it on the branch that it runs on: do they
 * return the same rows, and which of them is faster. Who wants to know makes the branch for it; on any other it
 * refuses. */
#include "index_trial.h"
#include "query_plan.h"
#include "query_shape.h"
#include "query_values.h"

#include <math.h>
#include <sql/query/same_rows.h>

struct args {
    const char *original, *rewrite;
    int64_t timeout_ms, rounds;
};

static const lb_param params[] = {
    LB_PARAM(struct args, original, LB_TEXT, NULL, "a statement that only reads; for $1 ... values of rows are taken",
             .required = true),
    LB_PARAM(struct args, rewrite, LB_TEXT, NULL, "the other way to write it", .required = true),
    LB_PARAM(struct args, timeout_ms, LB_I64, "30000", "patience with one execution", .min = "1", .max = "600000"),
    LB_PARAM(struct args, rounds, LB_I64, "3", "executions of each; the quickest counts", .min = "1", .max = "20"),
    LB_PARAMS_END,
};

typedef struct trial {
    const char *text;
    double ms, cost;
} trial;

/* Of all pairs together. */
typedef struct proof {
    query_sort sort;
    int64_t rows, rewrite_rows, missing, added;
    bool is_out_of_order, is_order_unseen, is_unsteady, is_guessed;
    double ms, rewrite_ms, cost, rewrite_cost;
} proof;

/* By the gate's own judgement of what only reads. */
static int execute(lb_ctx *ctx, trial *t, lb_error *err)
{
    const struct args *args = ctx->args;
    const lb_explain_wish wish = {
        .size = sizeof wish, .text = t->text, .analyze = true, .timeout_ms = args->timeout_ms};
    const char *json = NULL;
    query_plan plan = {0};
    int r = lb_explain(ctx, &wish, &json, err);
    if (r >= 0)
        r = query_read_plan(ctx, json, &plan, err);
    if (r < 0)
        return r;
    if (plan.execution_ms < 0)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the server does not say how long it took");
    t->ms = plan.execution_ms < t->ms ? plan.execution_ms : t->ms;
    t->cost = plan.cost;
    return 0;
}

/* In turns, so that what else happens on the machine hits both. */
static int measure(lb_ctx *ctx, trial *original, trial *rewrite, lb_error *err)
{
    const struct args *args = ctx->args;
    int r = 0;
    for (int64_t i = 0; i < args->rounds && r >= 0; i++) {
        r = execute(ctx, original, err);
        if (r < 0)
            return lb_wrap(err, "the statement");
        r = execute(ctx, rewrite, err);
    }
    return r < 0 ? lb_wrap(err, "the rewrite") : 0;
}

static int compare(lb_ctx *ctx, const query_sort *sort, const char *original, const char *rewrite,
                   query_same_rows_row *ret_row, lb_error *err)
{
    const char *keys[QUERY_SORT_KEYS];
    query_same_rows_args args = {.original = original, .rewrite = rewrite, .keys = {.items = keys}};
    lb_rows *rows = NULL;
    for (size_t i = 0; sort->is_seen && i < sort->count; i++)
        keys[args.keys.count++] = sort->keys[i];
    int r = query_same_rows(ctx, &args, &rows, err);
    if (r < 0)
        return lb_wrap(err, "comparing rows");
    return query_same_rows_next(ctx, rows, ret_row) ? 0 : lb_fail(err, LB_ERR_INTERNAL, NULL, "a count with no row");
}

/* A statement that has not the same rows twice cannot be compared with anything: random values, LIMIT among equals. */
static int compare_both(lb_ctx *ctx, const query_pair *pair, proof *p, lb_error *err)
{
    query_same_rows_row row = {0}, again = {0};
    int r = compare(ctx, &p->sort, pair->original, pair->rewrite, &row, err);
    if (r >= 0 && (row.missing || row.added))
        r = compare(ctx, &p->sort, pair->original, pair->original, &again, err);
    if (r < 0)
        return r;
    bool moved = p->sort.is_sorted && row.moved; /* equals may change places, if one sees that they are equal */
    p->is_unsteady = p->is_unsteady || again.missing || again.added;
    p->is_out_of_order = p->is_out_of_order || (moved && p->sort.is_seen && row.misplaced);
    p->is_order_unseen = p->is_order_unseen || (moved && !p->sort.is_seen);
    p->rows += row.row_count;
    p->rewrite_rows += row.rewrite_row_count;
    p->missing += row.missing;
    p->added += row.added;
    return 0;
}

static int prove_pair(lb_ctx *ctx, const query_pair *pair, proof *p, lb_error *err)
{
    trial original = {.text = pair->original, .ms = INFINITY}, rewrite = {.text = pair->rewrite, .ms = INFINITY};
    int r = measure(ctx, &original, &rewrite, err);
    if (r >= 0)
        r = compare_both(ctx, pair, p, err);
    p->is_guessed = p->is_guessed || pair->is_guessed;
    p->ms += original.ms;
    p->rewrite_ms += rewrite.ms;
    p->cost += original.cost;
    p->rewrite_cost += rewrite.cost;
    return r;
}

static int prove(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    query_pair pairs[QUERY_PAIRS];
    size_t count = 0;
    int r = query_make_pairs(ctx, args->original, args->rewrite, pairs, &count, err);
    proof p = {.sort = query_read_sort(args->original)};
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = prove_pair(ctx, &pairs[i], &p, err);
    bool has_values = count && strcmp(pairs[0].original, query_bare_text(ctx, args->original)) != 0;
    return r < 0
               ? r
               : lb_result(ctx,
                           LB_ARGS(lb_i64("sets_of_values", has_values ? (int64_t)count : 0),
                                   lb_bool("has_guessed_values", p.is_guessed), lb_i64("rows", p.rows),
                                   lb_i64("rows_of_rewrite", p.rewrite_rows), lb_i64("rows_missing", p.missing),
                                   lb_i64("rows_added", p.added), lb_bool("is_sorted", p.sort.is_sorted),
                                   lb_bool("is_in_order", !p.is_out_of_order && !p.is_order_unseen),
                                   lb_bool("is_order_seen", !p.is_order_unseen), lb_bool("is_unsteady", p.is_unsteady),
                                   lb_f64("ms", p.ms), lb_f64("ms_of_rewrite", p.rewrite_ms), lb_f64("cost", p.cost),
                                   lb_f64("cost_of_rewrite", p.rewrite_cost)),
                           err);
}

static bool is_fatal(int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    lb_error why;
    int r = index_trial_is_here(ctx, "executed", err);
    if (r < 0)
        return r;
    r = prove(ctx, &why);
    if (is_fatal(r) || (r == LB_ERR_TIMEOUT && lb_time_left(ctx) == 0)) {
        *err = why;
        return r;
    }
    return r < 0 ? lb_result(ctx, LB_ARGS(lb_text("error", why.message)), err) : 0;
}

LB_TOOL(prove_rewrite_on_branch,
        "whether a rewritten statement returns the same rows, and sooner, on a throwaway branch",
        .agent = "performance", .risk = LB_RISK_LOW, .timeout_s = 3600, LB_TOOL_ARGS(struct args, params), .run = run);
