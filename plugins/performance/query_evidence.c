#include "query_evidence.h"

#include "index_rules.h"
#include "statement_plan.h"

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

int query_read_statements(const query_evidence *e, const query_statements_args *wanted, lb_rows **ret_rows,
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
    return r;
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
