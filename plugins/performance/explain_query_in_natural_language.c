/* explain_query_in_natural_language: what a statement's plan does and what it costs, in plain words with evidence. */
#include "query_evidence.h"

#include <stdlib.h>

struct args {
    const char *query_id, *query, *prove, *rewrite;
    bool analyze;
    int64_t timeout_ms;
    lb_texts values;
};

static const lb_param params[] = {
    LB_PARAM(struct args, query_id, LB_TEXT, NULL,
             "queryid of pg_stat_statements; without it and a text, the statement that costs most"),
    LB_PARAM(struct args, query, LB_TEXT, NULL, "the text of a statement, instead"),
    LB_PARAM(struct args, analyze, LB_BOOL, "false",
             "execute it too: what only reads, on a throwaway branch, which is made for it where this is none"),
    QUERY_VALUES_PARAM(struct args),
    LB_PARAM(struct args, timeout_ms, LB_I64, "5000", "patience with that", .min = "1", .max = "600000"),
    INDEX_PROVE_PARAM(struct args),
    QUERY_REWRITE_PARAM(struct args),
    LB_PARAMS_END,
};

static const char task[] = "say in a few sentences what this plan does, step after step, what costs the most, and why";

static int check_args(const struct args *args, lb_error *err)
{
    if (args->query && args->query_id)
        return lb_fail(err, LB_ERR_INVALID, "leave one of them out", "both query and query_id are given");
    return 0;
}

/* *ret_found false: there is nothing to explain, and it has been said. */
static int find_statement(query_evidence *e, const struct args *args, bool *ret_found, lb_error *err)
{
    const query_statements_args wanted = {.query_id = args->query_id, .min_calls = 1, .most = 1};
    const char *why = NULL;
    lb_rows *rows = NULL;
    *ret_found = true;
    if (args->query) {
        e->text = args->query;
        e->label = "the statement";
        return 0;
    }
    int r = query_read_statements(e, &wanted, &rows, &why, err);
    if (r < 0)
        return r;
    *ret_found = !why && query_statements_next(e->ctx, rows, &e->counts);
    if (!*ret_found && args->query_id && !why)
        return query_not_found(e, args->query_id, err);
    if (!*ret_found)
        return lb_skipped(e->ctx, "statements",
                          why         ? why
                          : e->hidden ? "no statement was counted that may be seen"
                                      : "no statement was counted yet",
                          err);
    e->is_counted = true;
    e->text = e->counts.query;
    e->label = lb_printf(e->ctx, "statement %s", e->counts.query_id);
    return e->label ? 0 : lb_out_of_memory(err);
}

static int tell_counts(query_evidence *e, lb_error *err)
{
    double calls = (double)e->counts.calls;
    return lb_result(e->ctx,
                     LB_ARGS(lb_text("query_id", e->counts.query_id), lb_i64("calls", e->counts.calls),
                             lb_f64("mean_ms", calls > 0 ? e->counts.total_ms / calls : 0)),
                     err);
}

static int tell_steps(query_evidence *e, lb_error *err)
{
    int r =
        lb_result(e->ctx,
                  LB_ARGS(lb_json("plan", e->plan_json), lb_f64("plan_cost", e->plan.cost),
                          e->generic_json ? lb_json("generic_plan", e->generic_json) : lb_null("generic_plan"),
                          lb_bool("is_executed", e->plan.execution_ms >= 0), lb_text("not_executed", e->not_executed),
                          lb_bool("has_made_up_values", e->has_made_up_values), query_tell_values(e)),
                  err);
    for (size_t i = 0; i < e->plan.count && r >= 0; i++) {
        const query_step *s = &e->plan.steps[i];
        const index_table *table = query_find_table(e, s->schema, s->name);
        const char *says = query_say_step(e->ctx, &e->plan, s, table ? index_table_rows(table) : -1);
        r = says ? lb_append(e->ctx, "steps",
                             LB_ARGS(lb_i64("step", (int64_t)i + 1), lb_text("says", says), lb_text("node", s->type),
                                     lb_f64("rows", query_rows_out(s)),
                                     lb_f64("share_of_plan_cost", e->plan.cost > 0 ? s->own_cost / e->plan.cost : 0)),
                             err)
                 : lb_out_of_memory(err);
    }
    return r;
}

static int explain(query_evidence *e, const struct args *args, lb_error *err)
{
    query_words words;
    const query_wish wish = {
        .analyze = args->analyze, .timeout_ms = args->timeout_ms, .values = args->values, .rewrite = args->rewrite};
    int r = query_gather(e, &wish, err);
    if (r >= 0 && !e->plan_json && !e->is_counted)
        return lb_fail(err, LB_ERR_INVALID,
                       "give one SELECT, INSERT, UPDATE, DELETE or MERGE, with its schemas where they are not public",
                       "it cannot be explained: %s", e->no_plan);
    if (r >= 0)
        r = lb_result(e->ctx, LB_ARGS(lb_text("query", e->text)), err);
    if (r >= 0 && e->is_counted)
        r = tell_counts(e, err);
    if (r >= 0)
        r = e->plan_json ? tell_steps(e, err)
                         : lb_skipped(e->ctx, e->label, lb_printf(e->ctx, "it has no plan: %s", e->no_plan), err);
    if (r >= 0)
        r = query_say_execution(e, err);
    if (r >= 0)
        r = query_put_into_words(e, task, true, &words, err);
    return r < 0 ? r : lb_result(e->ctx, LB_ARGS(words.explanation, words.model, words.evidence), err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    bool found = false;
    int r = check_args(args, err);
    query_evidence *e = lb_alloc(ctx, sizeof *e);
    if (!e)
        return lb_out_of_memory(err);
    if (r >= 0)
        r = query_begin(ctx, e, err);
    e->trial = (index_trial){.ctx = ctx, .is_wanted = index_trial_is_wanted(args->prove)};
    if (r >= 0)
        r = find_statement(e, args, &found, err);
    if (r >= 0 && found)
        r = explain(e, args, err);
    r = index_trial_end(&e->trial, r, err);
    return r < 0 ? r : lb_examined(ctx, "statements", found, err);
}

LB_TOOL(explain_query_in_natural_language, "what a statement does and what it costs, in plain words with evidence",
        .agent = "performance", .risk = LB_RISK_LOW, .timeout_s = 300, LB_TOOL_ARGS(struct args, params),
        .calls = QUERY_CALLS, .run = run);
