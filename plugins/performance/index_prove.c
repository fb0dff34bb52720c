/* Would the planner use it? HypoPG makes it believe in an index that is not there; a search like those of the
 * statements, with values that it cannot know, is explained before and after. Nothing is executed. */
#include "index_load.h"
#include "index_probe.h"
#include "parsed.h"

#include <sql/index/hypo_create.h>
#include <sql/index/hypo_reset.h>
#include <sql/index/hypo_size.h>
#include <sql/index/hypothesis.h>
#include <sql/index/probe.h>

#define GAIN        0.5 /* of the cost that has to go */
#define BRIN_GAIN   0.3 /* the planner believes that the rows of a range of blocks lie apart, which they do not */
#define BESIDE_GAIN 0.8 /* of the cost with the keys alone, at most, with what is stored beside them */

/* ---- what the planner says ---- */

typedef struct plan_view {
    double cost;
    bool reads_all, uses_it;
} plan_view;

static void look_into(struct json_object *plan, const char *index, plan_view *view)
{
    struct json_object *type = parsed_member(plan, "Node Type"), *name = parsed_member(plan, "Index Name"),
                       *inner = parsed_member(plan, "Plans");
    struct json_object *relation = parsed_member(plan, "Parent Relationship");
    if (relation && strcmp(json_object_get_string(relation), "InitPlan") == 0)
        return; /* where the values come from is not the question */
    view->reads_all = view->reads_all || (type && strstr(json_object_get_string(type), "Seq Scan"));
    view->uses_it = view->uses_it || (name && index && strcmp(json_object_get_string(name), index) == 0);
    for (size_t i = 0; inner && i < json_object_array_length(inner); i++)
        look_into(json_object_array_get_idx(inner, i), index, view);
}

static int explain(index_work *work, const lb_sql *search, const char *index, plan_view *ret_view, lb_error *err)
{
    lb_rows *rows = NULL;
    index_probe_row row;
    int r = index_probe(work->ctx, &(index_probe_args){.search = search}, &rows, err);
    if (r < 0)
        return r;
    if (!index_probe_next(work->ctx, rows, &row))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the server explained nothing");
    struct json_object *plans = json_tokener_parse(row.query_plan);
    struct json_object *plan = parsed_member(plans ? json_object_array_get_idx(plans, 0) : NULL, "Plan");
    *ret_view = (plan_view){.cost = plan ? json_object_get_double(parsed_member(plan, "Total Cost")) : -1};
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
    const char *columns[INDEX_CANDIDATE_NAMES];
    const index_wanted wanted = index_wanted_of(c, columns);
    const lb_sql *definition = NULL, *body = NULL;
    lb_rows *rows = NULL;
    index_hypo_create_row row;
    int r = index_compose_body(work->ctx, &wanted, &body, err);
    const index_hypothesis_args said = {.schema = c->table->r.schema, .table = c->table->r.name, .body = body};
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
    ret_belief->index_id = json_object_get_int64(parsed_member(told, "indexrelid"));
    ret_belief->name = lb_printf(work->ctx, "%s", json_object_get_string(parsed_member(told, "indexname")));
    (void)json_object_put(told);
    return ret_belief->name ? 0 : lb_out_of_memory(err);
}

/* The session goes on to serve others. */
static int forget(index_work *work, lb_error *err)
{
    lb_rows *rows = NULL;
    const index_hypo_reset_args args = {.schema = work->set->window.r.hypopg_schema, .function = "hypopg_reset"};
    return index_hypo_reset(work->ctx, &args, &rows, err);
}

/* *ret_cost stays where nobody could say. */
static int measure(index_work *work, const lb_sql *search, const index_candidate *c, double *ret_cost,
                   int64_t *ret_bytes, lb_error *err)
{
    hypothesis belief = {0};
    lb_rows *rows = NULL;
    index_hypo_size_row size;
    plan_view after = {0};
    int r = believe(work, c, &belief, err);
    if (r < 0 || !belief.name)
        return r;
    r = explain(work, search, belief.name, &after, err);
    const index_hypo_size_args args = {
        .schema = work->set->window.r.hypopg_schema, .function = "hypopg_relation_size", .index_id = belief.index_id};
    if (r >= 0)
        r = index_hypo_size(work->ctx, &args, &rows, err);
    if (r < 0)
        return r;
    *ret_cost = after.uses_it ? after.cost : c->cost_before;
    *ret_bytes = index_hypo_size_next(work->ctx, rows, &size) ? size.bytes : -1;
    return 0;
}

/* And again without what it stores beside its keys, which has to be worth its room. */
static int measure_all(index_work *work, const lb_sql *search, index_candidate *c, lb_error *err)
{
    int64_t bytes = -1;
    int r = measure(work, search, c, &c->cost_after, &c->bytes, err);
    if (r < 0 || !c->beside_count)
        return r;
    index_candidate plain = *c;
    plain.beside_count = 0;
    r = forget(work, err);
    if (r >= 0)
        r = measure(work, search, &plain, &c->cost_plain, &bytes, err);
    if (r >= 0)
        index_weigh_beside(c, c->cost_plain, bytes);
    return r;
}

void index_weigh_beside(index_candidate *c, double cost_plain, int64_t bytes)
{
    c->cost_plain = cost_plain;
    if (cost_plain < 0 || c->cost_after <= BESIDE_GAIN * cost_plain)
        return;
    c->cost_after = cost_plain;
    c->bytes = bytes;
    c->beside_count = 0;
}

bool index_is_proven(const index_candidate *c, double least_cost)
{
    double most = 1 - (c->kind == INDEX_BRIN ? BRIN_GAIN : GAIN);
    if (c->cost_after < 0 || c->cost_before < least_cost || c->mix_worse ||
        index_load_harms(c->load_before, c->load_after))
        return false;
    return c->blocks_before < 0 ? c->cost_after <= most * c->cost_before
                                : c->cost_after < c->cost_before && c->blocks_after <= most * c->blocks_before;
}

/* What ends a run; anything else is a proof that could not be had. */
static bool is_fatal(int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY;
}

int index_explain_candidate(index_work *work, const index_candidate *c, double *ret_cost, bool *ret_reads_all,
                            lb_error *err)
{
    const lb_sql *search = NULL;
    plan_view view = {0};
    int r = index_compose_search(work->ctx, c, &search, err);
    if (r >= 0)
        r = explain(work, search, NULL, &view, err);
    *ret_cost = r < 0 ? -1 : view.cost;
    *ret_reads_all = view.reads_all;
    return r;
}

static double blocks_of(const char *json)
{
    struct json_object *plans = json_tokener_parse(json);
    struct json_object *plan = parsed_member(plans ? json_object_array_get_idx(plans, 0) : NULL, "Plan");
    double blocks = plan ? json_object_get_double(parsed_member(plan, "Shared Hit Blocks")) +
                               json_object_get_double(parsed_member(plan, "Shared Read Blocks"))
                         : -1;
    (void)json_object_put(plans);
    return blocks;
}

int index_execute_candidate(index_work *work, const index_candidate *c, double *ret_blocks, lb_error *err)
{
    const lb_sql *search = NULL;
    const char *json = NULL;
    int r = index_compose_search(work->ctx, c, &search, err);
    const lb_explain_wish wish = {
        .size = sizeof wish, .text = search ? lb_sql_text(work->ctx, search) : NULL, .analyze = true};
    for (int i = 0; i < 2 && r >= 0; i++) /* the first one also finds its way around */
        r = lb_explain(work->ctx, &wish, &json, err);
    *ret_blocks = r < 0 ? -1 : blocks_of(json);
    return is_fatal(r) ? r : 0; /* then the planner's word is all there is */
}

int index_prove(index_work *work, index_candidate *c, lb_error *err)
{
    const lb_sql *search = NULL;
    plan_view before = {0};
    c->cost_after = c->cost_before = c->cost_plain = c->blocks_before = c->blocks_after = c->mix_before = -1;
    c->load_before = c->write_before = -1;
    c->bytes = -1;
    int r = index_compose_search(work->ctx, c, &search, err);
    if (r < 0)
        return r;
    r = explain(work, search, NULL, &before, err);
    if (r < 0)
        return is_fatal(r) ? r : 0; /* not ours to read, or gone since */
    c->cost_before = before.cost;
    c->reads_all = before.reads_all;
    if (!work->set->window.r.hypopg_schema || c->table->r.kind[0] == 'p' || c->kind == INDEX_GIN)
        return 0; /* HypoPG knows no GIN, and no partitioned table */
    lb_error ending = {0};
    r = measure_all(work, search, c, err);
    int end = forget(work, &ending);
    if (is_fatal(r))
        return r;
    if (end < 0 && is_fatal(end))
        *err = ending;
    return is_fatal(end) ? end : 0;
}
