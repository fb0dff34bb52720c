/* Would the planner use it? HypoPG makes it believe in an index that is not there; a search like those of the
 * statements, with values that it cannot know, is explained before and after. Nothing is executed. */
#include "index_missing.h"

#include <json-c/json.h>
#include <sql/index/hypo_create.h>
#include <sql/index/hypo_reset.h>
#include <sql/index/hypo_size.h>
#include <sql/index/hypothesis.h>
#include <sql/index/key.h>
#include <sql/index/key_descending.h>
#include <sql/index/probe.h>
#include <sql/index/probe_and.h>
#include <sql/index/probe_equal.h>
#include <sql/index/probe_order.h>
#include <sql/index/probe_range.h>
#include <sql/index/probe_where.h>

/* ---- the probe ---- */

static int compose_condition(index_work *work, const index_candidate *c, int place, const lb_sql **ret_sql,
                             lb_error *err)
{
    const char *schema = c->table->r.schema, *table = c->table->r.name, *column = c->columns[place]->r.name;
    const index_probe_equal_args equal = {.schema = schema, .table = table, .column = column};
    const index_probe_range_args range = {.schema = schema, .table = table, .column = column};
    return place < c->equal_count ? index_probe_equal_compose(work->ctx, &equal, ret_sql, err)
                                  : index_probe_range_compose(work->ctx, &range, ret_sql, err);
}

static int compose_where(index_work *work, const index_candidate *c, const lb_sql **ret_where, lb_error *err)
{
    int conditions = c->is_range ? c->count : c->equal_count, r = 0;
    for (int i = 0; i < conditions && r >= 0; i++) {
        const lb_sql *one = NULL, *so_far = *ret_where;
        r = compose_condition(work, c, i, &one, err);
        if (r >= 0)
            r = so_far
                    ? index_probe_and_compose(
                          work->ctx, &(index_probe_and_args){.conditions = so_far, .condition = one}, ret_where, err)
                    : index_probe_where_compose(work->ctx, &(index_probe_where_args){.condition = one}, ret_where, err);
    }
    return r;
}

static int compose_keys(index_work *work, const index_candidate *c, int from, const lb_sql **keys, lb_error *err)
{
    int r = 0;
    for (int i = from; i < c->count && r >= 0; i++) {
        const index_key_args up = {.column = c->columns[i]->r.name};
        const index_key_descending_args down = {.column = c->columns[i]->r.name};
        r = c->descending[i] ? index_key_descending_compose(work->ctx, &down, &keys[i - from], err)
                             : index_key_compose(work->ctx, &up, &keys[i - from], err);
    }
    return r;
}

static int compose_probe(index_work *work, const index_candidate *c, index_probe_args *ret_probe, lb_error *err)
{
    const lb_sql *keys[INDEX_CANDIDATE_KEYS] = {0}, *where = NULL, *order = NULL;
    int r = compose_where(work, c, &where, err);
    if (r >= 0 && c->is_ordered)
        r = compose_keys(work, c, c->equal_count, keys, err);
    if (r >= 0 && c->is_ordered) {
        const index_probe_order_args args = {.columns = {.items = keys, .count = (size_t)(c->count - c->equal_count)}};
        r = index_probe_order_compose(work->ctx, &args, &order, err);
    }
    *ret_probe = (index_probe_args){
        .schema = c->table->r.schema, .table = c->table->r.name, .condition = where, .ordering = order};
    return r;
}

/* ---- what the planner says ---- */

typedef struct plan_view {
    double cost;
    bool reads_all, uses_it;
} plan_view;

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(from, name, &found) ? found : NULL;
}

static void look_into(struct json_object *plan, const char *index, plan_view *view)
{
    struct json_object *type = member(plan, "Node Type"), *name = member(plan, "Index Name"),
                       *inner = member(plan, "Plans");
    struct json_object *relation = member(plan, "Parent Relationship");
    if (relation && strcmp(json_object_get_string(relation), "InitPlan") == 0)
        return; /* where the values come from is not the question */
    view->reads_all = view->reads_all || (type && strstr(json_object_get_string(type), "Seq Scan"));
    view->uses_it = view->uses_it || (name && index && strcmp(json_object_get_string(name), index) == 0);
    for (size_t i = 0; inner && i < json_object_array_length(inner); i++)
        look_into(json_object_array_get_idx(inner, i), index, view);
}

static int explain(index_work *work, const index_probe_args *probe, const char *index, plan_view *ret_view,
                   lb_error *err)
{
    lb_rows *rows = NULL;
    index_probe_row row;
    int r = index_probe(work->ctx, probe, &rows, err);
    if (r < 0)
        return r;
    if (!index_probe_next(work->ctx, rows, &row))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the server explained nothing");
    struct json_object *plans = json_tokener_parse(row.query_plan);
    struct json_object *plan = member(plans ? json_object_array_get_idx(plans, 0) : NULL, "Plan");
    *ret_view = (plan_view){.cost = plan ? json_object_get_double(member(plan, "Total Cost")) : -1};
    if (plan)
        look_into(plan, index, ret_view);
    (void)json_object_put(plans);
    return 0;
}

/* ---- HypoPG ---- */

typedef struct hypothesis {
    int64_t index_id;
    const char *name;
} hypothesis;

static int believe(index_work *work, const index_candidate *c, hypothesis *ret_belief, lb_error *err)
{
    const lb_sql *keys[INDEX_CANDIDATE_KEYS] = {0}, *definition = NULL;
    lb_rows *rows = NULL;
    index_hypo_create_row row;
    int r = compose_keys(work, c, 0, keys, err);
    const index_hypothesis_args said = {
        .schema = c->table->r.schema, .table = c->table->r.name, .columns = {.items = keys, .count = (size_t)c->count}};
    if (r >= 0)
        r = index_hypothesis_compose(work->ctx, &said, &definition, err);
    const index_hypo_create_args args = {.schema = work->set->window.r.hypopg_schema,
                                         .function = "hypopg_create_index",
                                         .definition = definition ? lb_sql_text(work->ctx, definition) : NULL};
    if (r >= 0)
        r = index_hypo_create(work->ctx, &args, &rows, err);
    if (r < 0)
        return r;
    *ret_belief = (hypothesis){0};
    if (!index_hypo_create_next(work->ctx, rows, &row))
        return 0;
    struct json_object *told = json_tokener_parse(row.hypothesis);
    ret_belief->index_id = json_object_get_int64(member(told, "indexrelid"));
    ret_belief->name = lb_printf(work->ctx, "%s", json_object_get_string(member(told, "indexname")));
    (void)json_object_put(told);
    return ret_belief->name ? 0 : lb_out_of_memory(err);
}

static int measure(index_work *work, const index_probe_args *probe, index_candidate *c, lb_error *err)
{
    hypothesis belief = {0};
    lb_rows *rows = NULL;
    index_hypo_size_row size;
    plan_view after = {0};
    int r = believe(work, c, &belief, err);
    if (r < 0 || !belief.name)
        return r;
    r = explain(work, probe, belief.name, &after, err);
    const index_hypo_size_args args = {
        .schema = work->set->window.r.hypopg_schema, .function = "hypopg_relation_size", .index_id = belief.index_id};
    if (r >= 0)
        r = index_hypo_size(work->ctx, &args, &rows, err);
    if (r < 0)
        return r;
    c->cost_after = after.uses_it ? after.cost : c->cost_before;
    c->bytes = index_hypo_size_next(work->ctx, rows, &size) ? size.bytes : -1;
    return 0;
}

/* The session goes on to serve others. */
static int forget(index_work *work, lb_error *err)
{
    lb_rows *rows = NULL;
    const index_hypo_reset_args args = {.schema = work->set->window.r.hypopg_schema, .function = "hypopg_reset"};
    return index_hypo_reset(work->ctx, &args, &rows, err);
}

/* What ends a run; anything else is a proof that could not be had. */
static bool is_fatal(int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY;
}

int index_explain_candidate(index_work *work, const index_candidate *c, double *ret_cost, bool *ret_reads_all,
                            lb_error *err)
{
    index_probe_args probe = {0};
    plan_view view = {0};
    int r = compose_probe(work, c, &probe, err);
    if (r >= 0)
        r = explain(work, &probe, NULL, &view, err);
    *ret_cost = r < 0 ? -1 : view.cost;
    *ret_reads_all = view.reads_all;
    return r;
}

int index_prove(index_work *work, index_candidate *c, lb_error *err)
{
    index_probe_args probe = {0};
    plan_view before = {0};
    c->cost_after = c->cost_before = -1;
    c->bytes = -1;
    int r = compose_probe(work, c, &probe, err);
    if (r < 0)
        return r;
    r = explain(work, &probe, NULL, &before, err);
    if (r < 0)
        return is_fatal(r) ? r : 0; /* not ours to read, or gone since */
    c->cost_before = before.cost;
    c->reads_all = before.reads_all;
    if (!work->set->window.r.hypopg_schema || c->table->r.kind[0] == 'p')
        return 0;
    lb_error ending = {0};
    r = measure(work, &probe, c, err);
    int end = forget(work, &ending);
    if (is_fatal(r))
        return r;
    if (end < 0 && is_fatal(end))
        *err = ending;
    return is_fatal(end) ? end : 0;
}
