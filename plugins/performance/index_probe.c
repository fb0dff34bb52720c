/* A search like those of the statements, with values that the planner cannot know. */
#include "index_probe.h"

#include <sql/index/key.h>
#include <sql/index/key_descending.h>
#include <sql/index/probe_all.h>
#include <sql/index/probe_and.h>
#include <sql/index/probe_column.h>
#include <sql/index/probe_contains.h>
#include <sql/index/probe_equal.h>
#include <sql/index/probe_false.h>
#include <sql/index/probe_has_key.h>
#include <sql/index/probe_like.h>
#include <sql/index/probe_not_null.h>
#include <sql/index/probe_null.h>
#include <sql/index/probe_order.h>
#include <sql/index/probe_overlaps.h>
#include <sql/index/probe_range.h>
#include <sql/index/probe_search.h>
#include <sql/index/probe_true.h>
#include <sql/index/probe_where.h>

/* ---- conditions ---- */

static const lb_statement *condition_of(const index_candidate *c, int place)
{
    if (c->kind == INDEX_GIN)
        return c->use == INDEX_USE_CONTAINS   ? &index_probe_contains_sql
               : c->use == INDEX_USE_OVERLAPS ? &index_probe_overlaps_sql
               : c->use == INDEX_USE_HAS_KEY  ? &index_probe_has_key_sql
                                              : &index_probe_like_sql;
    return place < c->equal_count ? &index_probe_equal_sql : &index_probe_range_sql;
}

static const lb_statement *condition_of_part(const index_candidate *c)
{
    return c->part == INDEX_PART_NULL       ? &index_probe_null_sql
           : c->part == INDEX_PART_NOT_NULL ? &index_probe_not_null_sql
           : c->part == INDEX_PART_TRUE     ? &index_probe_true_sql
                                            : &index_probe_false_sql;
}

static int add_condition(lb_ctx *ctx, const lb_sql *one, const lb_sql **where, lb_error *err)
{
    const index_probe_and_args both = {.conditions = *where, .condition = one};
    const index_probe_where_args first = {.condition = one};
    return *where ? index_probe_and_compose(ctx, &both, where, err)
                  : index_probe_where_compose(ctx, &first, where, err);
}

static int compose_where(lb_ctx *ctx, const index_candidate *c, const lb_sql **ret_where, lb_error *err)
{
    const lb_value schema = lb_ident("schema", c->table->r.schema), table = lb_ident("table", c->table->r.name);
    int conditions = c->kind == INDEX_GIN ? 1 : c->is_range ? c->count : c->equal_count, r = 0;
    const lb_sql *one = NULL;
    for (int i = 0; i < conditions && r >= 0; i++) {
        r = lb_compose(ctx, condition_of(c, i), LB_ARGS(schema, table, lb_ident("column", c->columns[i]->r.name)), &one,
                       err);
        if (r >= 0)
            r = add_condition(ctx, one, ret_where, err);
    }
    if (r < 0 || !c->part_is_said)
        return r;
    r = lb_compose(ctx, condition_of_part(c), LB_ARGS(lb_ident("column", c->part_column->r.name)), &one, err);
    return r < 0 ? r : add_condition(ctx, one, ret_where, err);
}

/* ---- the rest of it ---- */

static int compose_order(lb_ctx *ctx, const index_candidate *c, const lb_sql **ret_order, lb_error *err)
{
    const lb_sql *keys[INDEX_CANDIDATE_KEYS] = {0};
    int r = 0;
    for (int i = c->equal_count; i < c->count && r >= 0; i++)
        r = lb_compose(ctx, c->descending[i] ? &index_key_descending_sql : &index_key_sql,
                       LB_ARGS(lb_ident("column", c->columns[i]->r.name)), &keys[i - c->equal_count], err);
    const index_probe_order_args args = {.columns = {.items = keys, .count = (size_t)(c->count - c->equal_count)}};
    return r < 0 ? r : index_probe_order_compose(ctx, &args, ret_order, err);
}

static int compose_columns(lb_ctx *ctx, const index_candidate *c, const lb_sql **wanted, size_t *ret_count,
                           lb_error *err)
{
    static const lb_value none[] = {{.type = LB_END}};
    int r = 0;
    *ret_count = 0;
    if (!c->beside_count) {
        *ret_count = 1;
        return lb_compose(ctx, &index_probe_all_sql, none, &wanted[0], err);
    }
    for (int i = 0; i < c->count + c->beside_count && r >= 0; i++) {
        const index_column *column = i < c->count ? c->columns[i] : c->beside[i - c->count];
        r = lb_compose(ctx, &index_probe_column_sql, LB_ARGS(lb_ident("column", column->r.name)), &wanted[i], err);
        ++*ret_count;
    }
    return r;
}

int index_compose_search(lb_ctx *ctx, const index_candidate *c, const lb_sql **ret_search, lb_error *err)
{
    const lb_sql *wanted[INDEX_CANDIDATE_NAMES] = {0}, *where = NULL, *order = NULL;
    size_t count = 0;
    int r = compose_where(ctx, c, &where, err);
    if (r >= 0 && c->is_ordered)
        r = compose_order(ctx, c, &order, err);
    if (r >= 0)
        r = compose_columns(ctx, c, wanted, &count, err);
    const index_probe_search_args args = {.wanted = {.items = wanted, .count = count},
                                          .schema = c->table->r.schema,
                                          .table = c->table->r.name,
                                          .condition = where,
                                          .ordering = order};
    return r < 0 ? r : index_probe_search_compose(ctx, &args, ret_search, err);
}
