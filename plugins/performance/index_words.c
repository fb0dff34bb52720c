/* The parts of CREATE INDEX, as the planner is told of it and as it is built. */
#include "index_work.h"

#include <sql/index/body.h>
#include <sql/index/body_beside.h>
#include <sql/index/body_brin.h>
#include <sql/index/body_gin.h>
#include <sql/index/body_where.h>
#include <sql/index/key.h>
#include <sql/index/key_descending.h>
#include <sql/index/key_opclass.h>
#include <sql/index/where_false.h>
#include <sql/index/where_not_null.h>
#include <sql/index/where_null.h>
#include <sql/index/where_true.h>

static int say_key(lb_ctx *ctx, const index_wanted *w, size_t i, const lb_sql **ret_sql, lb_error *err)
{
    const lb_value column = lb_ident("column", w->columns[i]);
    if (w->opclass)
        return lb_compose(ctx, &index_key_opclass_sql,
                          LB_ARGS(column, lb_ident("family_schema", w->opclass_schema), lb_ident("family", w->opclass)),
                          ret_sql, err);
    return lb_compose(ctx, w->descending && w->descending[i] ? &index_key_descending_sql : &index_key_sql,
                      LB_ARGS(column), ret_sql, err);
}

static int say_keys(lb_ctx *ctx, const index_wanted *w, lb_value *ret_keys, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < w->count && r >= 0; i++) {
        const lb_sql *key = NULL;
        r = say_key(ctx, w, i, &key, err);
        ret_keys[i] = lb_sql_value(NULL, key);
    }
    return r;
}

static int say_beside(lb_ctx *ctx, const index_wanted *w, lb_value *ret_columns, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < w->beside_count && r >= 0; i++) {
        const lb_sql *column = NULL;
        r = lb_compose(ctx, &index_key_sql, LB_ARGS(lb_ident("column", w->beside[i])), &column, err);
        ret_columns[i] = lb_sql_value(NULL, column);
    }
    return r;
}

static int say_part(lb_ctx *ctx, const index_wanted *w, const lb_sql **ret_condition, lb_error *err)
{
    const lb_statement *const parts[] = {NULL, &index_where_not_null_sql, &index_where_null_sql, &index_where_true_sql,
                                         &index_where_false_sql};
    return lb_compose(ctx, parts[w->part], LB_ARGS(lb_ident("column", w->part_column)), ret_condition, err);
}

/* An index over a part stores nothing beside its keys, and no other method does either: nobody wishes for both. */
int index_compose_body(lb_ctx *ctx, const index_wanted *w, const lb_sql **ret_body, lb_error *err)
{
    const lb_statement *const bodies[] = {&index_body_sql, &index_body_gin_sql, &index_body_brin_sql};
    lb_value *items = lb_alloc(ctx, (w->count + w->beside_count + 1) * sizeof *items);
    const lb_sql *condition = NULL;
    if (!items)
        return lb_out_of_memory(err);
    const lb_value columns = lb_list("columns", LB_SQL, items, w->count),
                   beside = lb_list("beside", LB_SQL, items + w->count, w->beside_count);
    int r = say_keys(ctx, w, items, err);
    if (r >= 0 && w->beside_count)
        r = say_beside(ctx, w, items + w->count, err);
    if (r >= 0 && w->part)
        r = say_part(ctx, w, &condition, err);
    if (r < 0)
        return r;
    return w->part ? lb_compose(ctx, &index_body_where_sql, LB_ARGS(columns, lb_sql_value("condition", condition)),
                                ret_body, err)
           : w->beside_count ? lb_compose(ctx, &index_body_beside_sql, LB_ARGS(columns, beside), ret_body, err)
                             : lb_compose(ctx, bodies[w->kind], LB_ARGS(columns), ret_body, err);
}
