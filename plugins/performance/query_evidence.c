#include "query_evidence.h"
#include "amount.h"

#include "index_rules.h"
#include "statement_plan.h"

#include <sql/query/hidden.h>
#include <sql/query/memory.h>

/* ---- what a run's statements share ---- */

int query_begin(lb_ctx *ctx, query_evidence *e, lb_error *err)
{
    query_memory_row memory;
    lb_rows *rows = NULL;
    e->ctx = ctx;
    int r = index_read(ctx, true, &e->set, err);
    if (r >= 0)
        r = query_memory(ctx, &rows, err);
    if (r >= 0 && query_memory_next(ctx, rows, &memory))
        e->work_mem = memory.work_mem_bytes;
    return r;
}

/* Nobody knows how slow one of them is: the view tells none from another. */
static int tell_hidden(query_evidence *e, lb_error *err)
{
    const query_hidden_args args = {.schema = e->set->window.r.statements_schema, .view = "pg_stat_statements"};
    query_hidden_row row;
    lb_rows *rows = NULL;
    int r = query_hidden(e->ctx, &args, &rows, err);
    if (r >= 0 && query_hidden_next(e->ctx, rows, &row))
        e->hidden = row.hidden;
    if (r < 0 || !e->hidden)
        return r;
    return lb_skipped(e->ctx, "statements of others",
                      lb_printf(e->ctx, "%s counted that may not be seen by this role: grant it pg_read_all_stats",
                                amount_text(e->ctx, (double)e->hidden, "was", "were")),
                      err);
}

int query_read_statements(query_evidence *e, const query_statements_args *wanted, lb_rows **ret_rows,
                          const char **ret_why, lb_error *err)
{
    query_statements_args args = *wanted;
    args.schema = e->set->window.r.statements_schema;
    args.view = "pg_stat_statements";
    *ret_why = NULL;
    if (!args.schema) {
        *ret_why = "pg_stat_statements is not installed";
        return 0;
    }
    int r = query_statements(e->ctx, &args, ret_rows, err);
    if (r == LB_ERR_SQL || r == LB_ERR_DENIED || r == LB_ERR_CONFLICT) {
        *ret_why = "pg_stat_statements is not loaded, or not ours to read";
        return 0;
    }
    return r < 0 ? r : tell_hidden(e, err);
}

int query_not_found(const query_evidence *e, const char *query_id, lb_error *err)
{
    return lb_fail(err, LB_ERR_NOT_FOUND,
                   e->hidden ? "grant the role pg_read_all_stats: without it some have neither text nor queryid"
                             : "see queryid in pg_stat_statements; it forgets what ran least",
                   "no statement %.40s was counted in this database%s", query_id,
                   e->hidden ? ", as far as the role may see" : "");
}

/* ---- one statement ---- */

/* The one that serves any values, which nothing is executed for. */
static int read_plan(query_evidence *e, lb_error *err)
{
    int r = statement_plan(e->ctx, LB_EXPLAIN(.text = e->text), &e->plan_json, &e->no_plan, err);
    if (r < 0 || !e->plan_json)
        return r;
    r = query_read_plan(e->ctx, e->plan_json, &e->plan, err);
    if (r >= 0 || r == LB_ERR_NO_MEMORY)
        return r;
    e->plan_json = NULL;
    e->no_plan = lb_printf(e->ctx, "%s", err->message);
    return e->no_plan ? 0 : lb_out_of_memory(err);
}

int query_gather(query_evidence *e, const query_wish *wish, lb_error *err)
{
    e->remark_count = 0;
    e->plan_json = e->generic_json = e->no_plan = e->not_executed = e->values = NULL;
    e->has_made_up_values = false;
    e->shape = query_read_shape(e->text);
    int r = read_plan(e, err);
    if (r >= 0)
        r = query_execute(e, wish, err);
    if (r >= 0)
        r = query_apply_rules(e, err);
    if (r >= 0)
        r = query_propose_index(e, err);
    return r < 0 ? r : query_propose_rewrite(e, wish->rewrite, err);
}
