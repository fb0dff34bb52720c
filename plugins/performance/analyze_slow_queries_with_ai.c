/* analyze_slow_queries_with_ai: why slow statements are slow, from evidence that it gathers itself. Rules find; a model
 * may order and word it, and decides nothing. What is found waits for a person in query_review_queue. */
#include "query_review.h"

#include <stdlib.h>

#define HOUR_US 3.6e9

struct args {
    const char *query_id, *prove, *rewrite;
    double min_mean_exec_ms, recent_hours;
    int64_t min_calls, max_queries, timeout_ms;
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

/* What it is here for. */
static const char *selected_by(const query_evidence *e, const query_recent *recent)
{
    const struct args *args = e->ctx->args;
    if (args->query_id)
        return "query_id";
    for (size_t i = 0; i < recent->slow.count; i++)
        if (strcmp(recent->slow.items[i], e->counts.query_id) == 0)
            return "history";
    return "lifetime";
}

static int tell(query_evidence *e, const query_verdict *v, const char *chosen_by, bool is_queued,
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
                lb_text("selected_by", chosen_by), lb_text("reason", v->reason), lb_text("severity", v->severity),
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
    query_verdict v = query_judge(e, past, args->min_mean_exec_ms);
    if (!args->query_id && query_is_over(&v, args->min_mean_exec_ms))
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
    return r < 0 ? r : tell(e, &v, selected_by(e, recent), is_queued, &words, err);
}

/* What history has of late goes before what was counted in all, which hides what became slow today. */
static int choose(query_evidence *e, const struct args *args, query_recent *ret_recent, lb_error *err)
{
    *ret_recent = (query_recent){.why_not = NULL};
    if (args->query_id || !e->set->window.r.statements_schema)
        return 0;
    int r = query_read_recent(e, recent_us(args), args->min_calls, args->min_mean_exec_ms, ret_recent, err);
    if (r < 0 || !ret_recent->why_not)
        return r;
    return lb_skipped(e->ctx, "statements of late",
                      lb_printf(e->ctx, "slow ones are chosen by what was counted in all: %s", ret_recent->why_not),
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
    int r = choose(e, args, &recent, err);
    if (r < 0)
        return r;
    const query_statements_args wanted = {.query_id = args->query_id,
                                          .min_calls = args->query_id ? 1 : args->min_calls,
                                          .min_mean_ms = args->query_id ? 0 : args->min_mean_exec_ms,
                                          .sooner_ids = recent.slow,
                                          .later_ids = recent.fine,
                                          .most = args->max_queries};
    const char *why = NULL;
    lb_rows *rows = NULL;
    size_t count = 0;
    query_statements_row *list = lb_alloc(e->ctx, (size_t)args->max_queries * sizeof *list);
    if (!list)
        return lb_out_of_memory(err);
    r = query_read_statements(e, &wanted, &rows, &why, err);
    if (r < 0)
        return r;
    while (!why && count < (size_t)args->max_queries && query_statements_next(e->ctx, rows, &list[count]))
        count++;
    if (why)
        return lb_skipped(e->ctx, "statements", why, err);
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
