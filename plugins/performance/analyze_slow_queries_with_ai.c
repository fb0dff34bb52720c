/* analyze_slow_queries_with_ai: why slow statements are slow, and quick ones slower than they were, from evidence that
 * it gathers itself. Rules find; a model may order and word it, and decides nothing. What is found waits for a person
 * in query_review_queue. */
#include "amount.h"
#include "query_review.h"

#include <stdlib.h>

#define HOUR_US 3.6e9

struct args {
    const char *query_id, *prove, *rewrite;
    double min_mean_exec_ms, recent_hours, regressed_times, regressed_ms, regressed_share;
    int64_t min_calls, max_queries, regressed_calls, max_regressed, timeout_ms;
    bool analyze, review;
    lb_texts values;
};

static const lb_param params[] = {
    LB_PARAM(struct args, query_id, LB_TEXT, NULL, "this statement alone: queryid of pg_stat_statements"),
    LB_PARAM(struct args, min_mean_exec_ms, LB_F64, "5000", "mean time from which a statement is slow", .min = "0"),
    LB_PARAM(struct args, recent_hours, LB_F64, "1",
             "what is slow is what was over the last so many hours, by history; without it by all that was counted",
             .min = "0.01", .max = "168"),
    LB_PARAM(struct args, min_calls, LB_I64, "1", "leave statements out that ran less often", .min = "1"),
    LB_PARAM(struct args, max_queries, LB_I64, "5", "statements looked at, the costliest of late first", .min = "1",
             .max = "50"),
    LB_PARAM(struct args, regressed_times, LB_F64, "2",
             "times as long a call of late as in the two weeks before, from which a statement has regressed",
             .min = "1"),
    LB_PARAM(struct args, regressed_ms, LB_F64, "10", "and by so much longer", .min = "0"),
    LB_PARAM(struct args, regressed_calls, LB_I64, "50",
             "a quick one that has regressed is looked at from so many calls of late", .min = "1"),
    LB_PARAM(struct args, regressed_share, LB_F64, "0.01", "and from such a part of what all statements took of late",
             .min = "0", .max = "1"),
    LB_PARAM(struct args, max_regressed, LB_I64, "3",
             "so many of these are looked at besides, those that added the most time first", .min = "0", .max = "50"),
    LB_PARAM(struct args, analyze, LB_BOOL, "false",
             "execute what only reads, on a throwaway branch, which is made for it where this is none"),
    QUERY_VALUES_PARAM(struct args),
    LB_PARAM(struct args, timeout_ms, LB_I64, "5000", "patience with that", .min = "1", .max = "600000"),
    INDEX_PROVE_PARAM(struct args),
    QUERY_REWRITE_PARAM(struct args),
    LB_PARAM(struct args, review, LB_BOOL, "true", "put what was found into query_review_queue"),
    LB_PARAMS_END,
};

static const char task[] = "say why this statement is slow and what would help, the weightiest reason first";

static int report(const query_evidence *e, const query_verdict *v, query_remark *remark, lb_error *err)
{
    lb_value evidence[18];
    const char *reason = NULL;
    size_t n = 0;
    int r = query_doubt(e->ctx, v, remark, &reason, err);
    if (r < 0)
        return r;
    evidence[n++] = lb_text("query_id", e->counts.query_id);
    evidence[n++] = lb_i64("calls", e->counts.calls);
    evidence[n++] = lb_f64("mean_exec_ms", e->counts.total_ms / (double)(e->counts.calls ? e->counts.calls : 1));
    if (v->recent_ms >= 0)
        evidence[n++] = lb_f64("recent_mean_exec_ms", v->recent_ms);
    if (v->evictions >= 1)
        evidence[n++] = lb_f64("evictions", v->evictions);
    if (e->has_made_up_values)
        evidence[n++] = lb_bool("executed_with_made_up_values", true);
    for (size_t i = 0; remark->facts[i].type != LB_END && n < 16; i++)
        evidence[n++] = remark->facts[i];
    evidence[n++] = lb_text(strcmp(remark->kind, "rewrite") == 0 ? "rewrite" : "condition", remark->sql);
    evidence[n] = (lb_value){.type = LB_END};
    return lb_report(e->ctx,
                     LB_FINDING(.object = remark->object, .kind = remark->kind, .reason = reason, .evidence = evidence,
                                .terms = remark->terms, .impact = LB_ARGS(lb_f64("total_exec_ms", e->counts.total_ms)),
                                .fix = remark->fix, .steps = remark->steps, .step_count = (uint32_t)remark->step_count),
                     err);
}

static int64_t recent_us(const struct args *args)
{
    return (int64_t)(args->recent_hours * HOUR_US);
}

static query_regression regression_of(const struct args *args)
{
    return (query_regression){.times = args->regressed_times,
                              .more_ms = args->regressed_ms,
                              .calls = args->regressed_calls,
                              .share = args->regressed_share};
}

/* ---- what a statement is here for ---- */

typedef struct choice {
    const char *by, *because;
} choice;

static const query_slower *find_slower(const query_recent *recent, const char *query_id)
{
    for (size_t i = 0; i < recent->slower_count; i++)
        if (strcmp(recent->slower[i].query_id, query_id) == 0)
            return &recent->slower[i];
    return NULL;
}

static choice by_regression(lb_ctx *ctx, const query_slower *s)
{
    const char *text = lb_printf(ctx,
                                 "it took %s ms a call of late, %s times as much as in the two weeks before, in %s "
                                 "calls and %s %% of the time of all statements",
                                 query_number(ctx, s->recent_ms), query_number(ctx, s->recent_ms / s->before_ms),
                                 query_number(ctx, (double)s->recent_calls), query_number(ctx, 100 * s->share));
    return (choice){"regression", text};
}

static choice choice_of(const query_evidence *e, const query_recent *recent, const query_verdict *v)
{
    const struct args *args = e->ctx->args;
    const query_slower *slower = find_slower(recent, e->counts.query_id);
    if (args->query_id)
        return (choice){"query_id", "it was asked for"};
    if (slower)
        return by_regression(e->ctx, slower);
    for (size_t i = 0; i < recent->slow.count; i++)
        if (strcmp(recent->slow.items[i], e->counts.query_id) == 0)
            return (choice){"history", lb_printf(e->ctx, "it took %s ms a call or more in the last %.3g h",
                                                 query_number(e->ctx, args->min_mean_exec_ms), args->recent_hours)};
    return (choice){"lifetime",
                    lb_printf(e->ctx, "it took %s ms a call since it is counted", query_number(e->ctx, v->mean_ms))};
}

static int tell(query_evidence *e, const query_verdict *v, const choice *chosen, bool is_queued,
                const query_words *words, lb_error *err)
{
    const query_remark *top = query_top_remark(e);
    bool is_executed = e->plan_json && e->plan.execution_ms >= 0;
    return lb_append(
        e->ctx, "analyses",
        LB_ARGS(lb_text("query_id", e->counts.query_id), lb_text("query", e->text),
                lb_f64("mean_exec_time_ms", v->mean_ms), lb_i64("total_calls", e->counts.calls),
                v->baseline_ms >= 0 ? lb_f64("baseline_exec_time_ms", v->baseline_ms)
                                    : lb_null("baseline_exec_time_ms"),
                v->recent_ms >= 0 ? lb_f64("recent_exec_time_ms", v->recent_ms) : lb_null("recent_exec_time_ms"),
                lb_text("selected_by", chosen->by), lb_text("selected_because", chosen->because),
                lb_text("reason", v->reason), lb_text("severity", v->severity),
                lb_text("bottleneck", top ? top->kind : NULL), lb_bool("has_plan", e->plan_json != NULL),
                lb_bool("is_executed", is_executed),
                is_executed ? lb_f64("execution_ms", e->plan.execution_ms) : lb_null("execution_ms"),
                lb_text("not_executed", e->not_executed), lb_bool("has_made_up_values", e->has_made_up_values),
                query_tell_values(e), lb_bool("queued_for_review", is_queued), words->explanation, words->model,
                words->evidence),
        err);
}

static int look_at(query_evidence *e, const query_past *past, const query_recent *recent, lb_error *err)
{
    const struct args *args = e->ctx->args;
    bool is_queued = false;
    query_words words;
    const query_wish wish = {
        .analyze = args->analyze, .timeout_ms = args->timeout_ms, .values = args->values, .rewrite = args->rewrite};
    const query_regression regression = regression_of(args);
    query_verdict v = query_judge(e, past, args->min_mean_exec_ms, &regression);
    choice chosen = choice_of(e, recent, &v);
    if (!chosen.because)
        return lb_out_of_memory(err);
    if (!args->query_id && !find_slower(recent, e->counts.query_id) && query_is_over(&v, args->min_mean_exec_ms))
        return lb_skipped(e->ctx, e->label,
                          lb_printf(e->ctx,
                                    "it took %.3g ms a call since it is counted, and %.3g in the last %.3g h: it "
                                    "is slow no more",
                                    v.mean_ms, v.recent_ms, args->recent_hours),
                          err);
    int r = query_gather(e, &wish, err);
    if (r >= 0)
        r = query_say_slower(e, past, &v, err);
    if (r >= 0 && e->no_plan)
        r = lb_skipped(e->ctx, e->label, lb_printf(e->ctx, "it has no plan: %s", e->no_plan), err);
    if (r >= 0)
        r = query_say_execution(e, err);
    for (size_t i = 0; i < e->remark_count && r >= 0; i++)
        r = report(e, &v, &e->remarks[i], err);
    if (r >= 0)
        r = query_put_into_words(e, task, true, &words, err);
    if (r >= 0 && args->review)
        r = query_queue(e, past, &v, &is_queued, err);
    return r < 0 ? r : tell(e, &v, &chosen, is_queued, &words, err);
}

/* What history has of late goes before what was counted in all, which hides what became slow today. */
static int choose(query_evidence *e, const struct args *args, query_recent *ret_recent, lb_error *err)
{
    *ret_recent = (query_recent){.why_not = NULL};
    if (args->query_id || !e->set->window.r.statements_schema)
        return 0;
    const query_regression regression = regression_of(args);
    int r = query_read_recent(e, recent_us(args), args->min_calls, args->min_mean_exec_ms, ret_recent, err);
    if (r >= 0 && !ret_recent->why_not && args->max_regressed)
        r = query_read_slower(e, recent_us(args), &regression, ret_recent, err);
    if (r < 0 || !ret_recent->why_not)
        return r;
    return lb_skipped(e->ctx, "statements of late",
                      lb_printf(e->ctx, "slow ones are chosen by what was counted in all: %s", ret_recent->why_not),
                      err);
}

/* Those that have regressed stand in front, so that no slow one takes their place among what is read. */
static int sooner_ids(lb_ctx *ctx, const query_recent *recent, lb_texts *ret_ids, lb_error *err)
{
    const char **ids = lb_alloc(ctx, (recent->slower_count + recent->slow.count + 1) * sizeof *ids);
    size_t count = 0;
    if (!ids)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < recent->slower_count; i++)
        ids[count++] = recent->slower[i].query_id;
    for (size_t i = 0; i < recent->slow.count; i++)
        ids[count++] = recent->slow.items[i];
    *ret_ids = (lb_texts){.items = ids, .count = count};
    return 0;
}

/* Slow ones come first: should time run out, it is for the others. list has room for as many as the parameters allow.
 */
static int take_rows(query_evidence *e, const query_recent *recent, lb_rows *rows, query_statements_row *list,
                     size_t *ret_count, lb_error *err)
{
    const struct args *args = e->ctx->args;
    query_statements_row row, *slower = list + args->max_queries;
    size_t count = 0, slower_count = 0, left = 0;
    while (query_statements_next(e->ctx, rows, &row)) {
        bool is_slower = find_slower(recent, row.query_id) != NULL;
        if (!is_slower && count < (size_t)args->max_queries)
            list[count++] = row;
        else if (is_slower && slower_count < (size_t)args->max_regressed)
            slower[slower_count++] = row;
        else
            left += is_slower;
    }
    memmove(list + count, slower, slower_count * sizeof *slower);
    *ret_count = count + slower_count;
    if (!left)
        return 0;
    return lb_skipped(e->ctx, "statements that became slower",
                      lb_printf(e->ctx, "max_regressed is %lld: %s left out", (long long)args->max_regressed,
                                amount_text(e->ctx, (double)left, "more is", "more are")),
                      err);
}

static int take_statement(query_evidence *e, const query_statements_row *row, lb_error *err)
{
    e->counts = *row;
    e->is_counted = true;
    e->text = row->query;
    e->label = lb_printf(e->ctx, "statement %s", row->query_id);
    return e->label ? 0 : lb_out_of_memory(err);
}

static int look_at_all(query_evidence *e, const query_recent *recent, const query_statements_row *list, size_t count,
                       lb_error *err)
{
    const struct args *args = e->ctx->args;
    query_past *past = NULL;
    int64_t *ids = lb_alloc(e->ctx, (count + 1) * sizeof *ids);
    if (!ids)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        ids[i] = strtoll(list[i].query_id, NULL, 10);
    int r = query_read_past(e->ctx, count ? list[0].database_id : 0, recent_us(args), ids, count, &past, err);
    for (size_t i = 0; i < count && r >= 0; i++) {
        lb_progress(e->ctx, (int64_t)i, (int64_t)count, "statements");
        r = take_statement(e, &list[i], err);
        if (r >= 0)
            r = look_at(e, past, recent, err);
    }
    return r < 0 ? r : lb_examined(e->ctx, "statements", (int64_t)count, err);
}

static int read_slow(query_evidence *e, const struct args *args, lb_error *err)
{
    query_recent recent;
    lb_texts sooner = {.count = 0};
    int r = choose(e, args, &recent, err);
    if (r >= 0)
        r = sooner_ids(e->ctx, &recent, &sooner, err);
    if (r < 0)
        return r;
    const query_statements_args wanted = {.query_id = args->query_id,
                                          .min_calls = args->query_id ? 1 : args->min_calls,
                                          .min_mean_ms = args->query_id ? 0 : args->min_mean_exec_ms,
                                          .sooner_ids = sooner,
                                          .later_ids = recent.fine,
                                          .most = args->max_queries + (int64_t)recent.slower_count};
    const char *why = NULL;
    lb_rows *rows = NULL;
    size_t count = 0;
    query_statements_row *list = lb_alloc(e->ctx, (size_t)(args->max_queries + args->max_regressed) * sizeof *list);
    if (!list)
        return lb_out_of_memory(err);
    r = query_read_statements(e, &wanted, &rows, &why, err);
    if (r < 0)
        return r;
    if (why)
        return lb_skipped(e->ctx, "statements", why, err);
    r = take_rows(e, &recent, rows, list, &count, err);
    if (r < 0)
        return r;
    if (!count && args->query_id)
        return query_not_found(e, args->query_id, err);
    return look_at_all(e, &recent, list, count, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    query_evidence *e = lb_alloc(ctx, sizeof *e);
    if (!e)
        return lb_out_of_memory(err);
    if (args->rewrite && !args->query_id)
        return lb_fail(err, LB_ERR_INVALID, "give query_id as well", "a rewrite is one of one statement");
    if (args->values.count && !args->query_id)
        return lb_fail(err, LB_ERR_INVALID, "give query_id as well", "values are those of one statement");
    int r = query_begin(ctx, e, err);
    e->trial = (index_trial){.ctx = ctx, .is_wanted = index_trial_is_wanted(args->prove)};
    if (r >= 0)
        r = read_slow(e, args, err);
    return index_trial_end(&e->trial, r, err);
}

LB_TOOL(analyze_slow_queries_with_ai, "why slow statements are slow and what would help, with evidence",
        .agent = "performance", .risk = LB_RISK_LOW, .detector = true, .timeout_s = 300,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("query_review_queue"), .calls = QUERY_CALLS,
        .needs = LB_NAMES("extension pg_stat_statements"), .run = run);
