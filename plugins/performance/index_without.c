/* A statement whose plan does not take the index cannot lose by its going: of all plans that it leaves, the one that is
 * taken was the cheapest already. So each statement is explained once, and again only where its plan takes what goes.
 */
#include "index_without.h"

#include "index_load_read.h"
#include "index_plans.h"
#include "index_trial.h"
#include "parsed.h"

#include <sql/index/drop_tree.h>
#include <sql/index/hypo_can_hide.h>
#include <sql/index/hypo_hide.h>
#include <sql/index/recreate.h>
#include <time.h>

#define STATEMENTS 200                /* of the server's; those of the history are added to them */
#define BUDGET     INT64_C(20000000)  /* microseconds that plans may take, in all */
#define TRIALS     INT64_C(240000000) /* and that dropping on a branch may, with making again: a part of a run's time */
#define LOSS       1.1                /* times the cost, from which a plan is worse */

bool index_is_worse(double cost_now, double cost_without)
{
    return cost_without > LOSS * cost_now;
}

double index_without_points(const index_without *w, double none, double worse)
{
    return !w->is_tried ? 0 : w->worse ? worse : w->is_open ? 0 : none;
}

/* ---- plans ---- */

static bool is_within(const index_info *part, const index_info *x)
{
    while (part && part != x)
        part = part->parent;
    return part == x;
}

static bool is_named(const index_set *set, const char *name, const index_info *x)
{
    for (size_t i = 0; i < set->index_count; i++)
        if (strcmp(set->indexes[i].r.name, name) == 0 && is_within(&set->indexes[i], x))
            return true;
    return false;
}

static bool takes(const index_set *set, struct json_object *plan, const index_info *x)
{
    struct json_object *name = parsed_member(plan, "Index Name"), *inner = parsed_member(plan, "Plans");
    bool found = name && is_named(set, json_object_get_string(name), x);
    for (size_t i = 0; !found && inner && i < json_object_array_length(inner); i++)
        found = takes(set, json_object_array_get_idx(inner, i), x);
    return found;
}

bool index_plan_takes(const index_set *set, const char *json, const index_info *x, double *ret_cost)
{
    struct json_object *plans = json_tokener_parse(json);
    struct json_object *plan =
        parsed_member(json_object_is_type(plans, json_type_array) ? json_object_array_get_idx(plans, 0) : NULL, "Plan");
    struct json_object *cost = parsed_member(plan, "Total Cost");
    bool found = plan && takes(set, plan, x);
    *ret_cost = cost ? json_object_get_double(cost) : -1;
    (void)json_object_put(plans);
    return found;
}

/* Why HypoPG cannot be asked; NULL: it can. */
static int ask_hypopg(index_work *work, const char **ret_why, lb_error *err)
{
    const char *schema = work->set->window.r.hypopg_schema;
    index_hypo_can_hide_row row = {0};
    lb_rows *rows = NULL;
    *ret_why = schema ? NULL : "HypoPG is not installed";
    if (!schema)
        return 0;
    int r = index_hypo_can_hide(work->ctx, &(index_hypo_can_hide_args){.schema = schema}, &rows, err);
    if (r < 0 && load_ends(work->ctx, r))
        return r;
    if (r < 0 || !index_hypo_can_hide_next(work->ctx, rows, &row) || row.functions < 2)
        *ret_why = "HypoPG hides indexes from its version 1.4 on";
    return 0;
}

/* What the server does not count, history may still know. */
static int read_all(index_work *work, lb_error *err)
{
    struct index_plans *p = work->plans;
    int r = 0;
    if (work->set->window.r.statements_schema)
        r = index_plans_read(work, STATEMENTS, err);
    else
        p->why = "pg_stat_statements is not installed";
    if (r >= 0)
        r = index_plans_add_past(work, err);
    p->why = p->count ? NULL : p->why;
    return r < 0 || p->why ? r : index_plans_explain(work, p->asks_branch, err);
}

static int prepare(index_work *work, lb_error *err)
{
    const char *hypopg = NULL;
    struct index_plans *p = work->plans = lb_alloc(work->ctx, sizeof *p);
    if (!p)
        return lb_out_of_memory(err);
    p->budget = BUDGET;
    int r = ask_hypopg(work, &hypopg, err);
    if (r < 0)
        return r;
    p->asks_branch = hypopg && work->trial && work->trial->is_wanted;
    p->why = p->asks_branch ? NULL : hypopg;
    return r < 0 || p->why ? r : read_all(work, err);
}

/* ---- without it ---- */

/* Of a partitioned index it is the parts that are planned with. *ret_all: each was hidden, or came back. */
static int hide(index_work *work, const index_info *x, bool hidden, bool *ret_all, lb_error *err)
{
    const index_set *set = work->set;
    int r = 0;
    *ret_all = true;
    for (size_t i = 0; i < set->index_count; i++) {
        index_hypo_hide_row row = {0};
        lb_rows *rows = NULL;
        lb_error why;
        if (!is_within(&set->indexes[i], x))
            continue;
        const index_hypo_hide_args args = {.schema = set->window.r.hypopg_schema,
                                           .function = hidden ? "hypopg_hide_index" : "hypopg_unhide_index",
                                           .index_id = set->indexes[i].r.index_id};
        int one = index_hypo_hide(work->ctx, &args, &rows, &why);
        *ret_all = *ret_all && one >= 0 && index_hypo_hide_next(work->ctx, rows, &row) && row.is_done;
        if (one < 0 && load_ends(work->ctx, one) && r >= 0) {
            *err = why;
            r = one;
        }
    }
    return r;
}

#define REASON "to see what statements lose by it"

/* Really, on the branch that nobody else is on. */
static int drop(index_work *work, const index_info *x, const char *definition, lb_error *err)
{
    return definition
               ? index_trial_change(work->ctx, "make the index again", REASON, &index_recreate_sql,
                                    LB_ARGS(lb_definition("definition", definition)), err)
               : index_trial_change(work->ctx, "drop the index to see what it is for", REASON, &index_drop_tree_sql,
                                    LB_ARGS(lb_ident("schema", x->r.schema), lb_ident("name", x->r.name)), err);
}

/* A statement that takes it, and its plan without it; NULL: not known. */
typedef struct taker {
    const index_known_plan *plan;
    double now;
    index_known_plan without;
} taker;

static int explain_takers(index_work *work, taker *takers, size_t count, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < count && r >= 0; i++)
        r = index_plan_explain(work, takers[i].plan->text, &takers[i].without, err);
    return r;
}

/* A session that was lost on the way has forgotten what was hidden, which it says itself. */
static int explain_hidden(index_work *work, const index_info *x, taker *takers, size_t count, lb_error *err)
{
    bool was_hidden = false, came_back = false;
    lb_error ending;
    int r = hide(work, x, true, &was_hidden, err);
    if (r >= 0 && was_hidden)
        r = explain_takers(work, takers, count, err);
    int end = hide(work, x, false, &came_back, r < 0 ? &ending : err);
    for (size_t i = 0; i < count && !came_back; i++)
        takers[i].without.json = NULL;
    return r < 0 ? r : end;
}

static int explain_dropped(index_work *work, const index_info *x, taker *takers, size_t count, lb_error *err)
{
    const char *definition = NULL;
    lb_error ending;
    int r = index_definition(work, x, &definition, err);
    if (r >= 0 && !*definition)
        return lb_fail(err, LB_ERR_CONFLICT, NULL, "%s.%s could not be made again: its table is locked, or it is gone",
                       x->r.schema, x->r.name);
    if (r >= 0)
        r = drop(work, x, NULL, err);
    if (r < 0)
        return r;
    r = explain_takers(work, takers, count, err);
    int end = drop(work, x, definition, r < 0 ? &ending : err);
    return r < 0 ? r : end;
}

static void weigh(const index_work *work, const index_info *x, const taker *t, index_without *w)
{
    double without = -1;
    if (!t->without.json || index_plan_takes(work->set, t->without.json, x, &without)) {
        w->is_open = true;
        w->unknown++;
        return;
    }
    if (!index_is_worse(t->now, without))
        return;
    w->worse++;
    if (!w->worst || without - t->now > w->cost_without - w->cost_now) {
        w->worst = t->plan->query_id;
        w->cost_now = t->now;
        w->cost_without = without;
    }
}

/* Most plans do not, and need not be read to see that: a name stands in them as it is, but for what JSON escapes. */
static bool may_take(const char *json, const index_info *x)
{
    for (const char *c = x->r.name; *c; c++)
        if (*c < ' ' || *c == '"' || *c == '\\' || *c == '/' || *c == 127)
            return true;
    return x->r.is_partitioned || strstr(json, x->r.name);
}

static int try_all(index_work *work, const index_info *x, index_without *w, lb_error *err)
{
    const struct index_plans *p = work->plans;
    taker *takers = lb_alloc(work->ctx, (p->count + 1) * sizeof *takers);
    size_t count = 0;
    int r = 0;
    if (!takers)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < p->count; i++) {
        const index_known_plan *one = &p->items[i];
        w->unknown += !one->json && !one->is_other;
        w->asked += one->json != NULL;
        takers[count].plan = one;
        count += one->json && may_take(one->json, x) && index_plan_takes(work->set, one->json, x, &takers[count].now);
    }
    if (count)
        r = p->drops ? explain_dropped(work, x, takers, count, err) : explain_hidden(work, x, takers, count, err);
    w->takers = (int64_t)count;
    for (size_t i = 0; i < count && r >= 0; i++)
        weigh(work, x, &takers[i], w);
    return r;
}

/* "1234", or where only history knows it "1234, which history saw last at 2026-11-01 00:05 UTC,". */
static const char *worst_text(lb_ctx *ctx, const index_without *w)
{
    time_t seen = (time_t)(w->worst_seen / 1000000);
    struct tm parts;
    char when[32] = "?";
    if (!w->worst || !w->worst_seen)
        return w->worst ? w->worst : "";
    if (gmtime_r(&seen, &parts))
        (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &parts);
    return lb_printf(ctx, "%s, which history saw last at %s,", w->worst, when);
}

static const char *outcome(lb_ctx *ctx, const char *how, const index_without *w)
{
    const char *worst = worst_text(ctx, w);
    const char *more = w->unknown ? lb_printf(ctx, "; %lld more could not be explained", (long long)w->unknown) : "";
    if (!more || !worst || !w->takers)
        return !more || !worst
                   ? NULL
                   : lb_printf(ctx, "of %lld statements that ran none is planned with it%s", (long long)w->asked, more);
    return w->worse
               ? lb_printf(ctx,
                           "%s, it makes %lld of %lld statements that ran worse: %s would cost %.0f and costs "
                           "%.0f%s",
                           how, (long long)w->worse, (long long)w->asked, worst, w->cost_without, w->cost_now, more)
               : lb_printf(ctx, "%s, it makes none of %lld statements worse that ran%s", how, (long long)w->asked,
                           more);
}

/* ---- on a branch ---- */

static double cost_of(const char *json)
{
    static const index_set nothing;
    double cost = -1;
    (void)index_plan_takes(&nothing, json, NULL, &cost);
    return cost;
}

int index_weigh_mix(index_work *work, const index_load *load, index_mix *ret_mix, lb_error *err)
{
    const struct index_plans *p = work->plans;
    double worst = 1;
    int r = 0;
    *ret_mix = (index_mix){0};
    for (size_t i = 0; p && i < p->count && r >= 0; i++) {
        index_known_plan now = p->items[i];
        if (!now.json)
            continue;
        double before = cost_of(now.json);
        r = index_plan_explain(work, now.text, &now, err);
        double after = r >= 0 && now.json ? cost_of(now.json) : -1;
        if (before < 0 || after < 0)
            continue;
        ret_mix->asked++;
        ret_mix->before += now.calls * before;
        ret_mix->after += now.calls * after;
        if (!index_is_worse(before, after) || (load && index_load_has_measured(load, now.query_id)))
            continue;
        ret_mix->worse++;
        if (after / before > worst) {
            worst = after / before;
            ret_mix->worst = now.query_id;
        }
    }
    return r;
}

int index_tell_without(lb_ctx *ctx, const index_without *w, lb_error *err)
{
    return lb_result(ctx,
                     LB_ARGS(lb_i64("asked", w->asked), lb_i64("unknown", w->unknown), lb_i64("takers", w->takers),
                             lb_i64("worse", w->worse), lb_bool("is_open", w->is_open), lb_text("worst", w->worst),
                             lb_i64("plans_us", w->plans_us), lb_f64("cost_now", w->cost_now),
                             lb_f64("cost_without", w->cost_without)),
                     err);
}

static int take_outcome(lb_ctx *ctx, const char *json, index_without *w, lb_error *err)
{
    struct json_object *from = json_tokener_parse(json), *worst = parsed_member(from, "worst");
    *w = (index_without){.asked = parsed_number(from, "asked"),
                         .unknown = parsed_number(from, "unknown"),
                         .takers = parsed_number(from, "takers"),
                         .plans_us = parsed_number(from, "plans_us"),
                         .worse = parsed_number(from, "worse"),
                         .is_open = parsed_is(from, "is_open"),
                         .worst = worst ? lb_printf(ctx, "%s", json_object_get_string(worst)) : NULL,
                         .cost_now = json_object_get_double(parsed_member(from, "cost_now")),
                         .cost_without = json_object_get_double(parsed_member(from, "cost_without"))};
    bool is_lost = worst && !w->worst;
    (void)json_object_put(from);
    return is_lost ? lb_out_of_memory(err) : 0;
}

/* The plans of what only history knows were had where the run is: a branch is asked about those that take the index. */
typedef struct going {
    const index_set *set;
    const index_info *index;
} going;

static bool is_for_branch(const index_known_plan *one, const void *arg)
{
    const going *g = arg;
    double cost;
    return !one->last_seen ||
           (one->json && may_take(one->json, g->index) && index_plan_takes(g->set, one->json, g->index, &cost));
}

static void count_past(const struct index_plans *p, const going *g, index_without *w)
{
    for (size_t i = 0; i < p->count; i++) {
        const index_known_plan *one = &p->items[i];
        w->asked += one->last_seen && one->json && !is_for_branch(one, g);
        w->unknown += one->last_seen && !one->json && !one->is_other;
    }
}

static int ask_branch(index_work *work, const index_info *x, index_without *w, const char **ret_why, lb_error *err)
{
    struct index_plans *p = work->plans;
    const going g = {work->set, x};
    const char *json = NULL, *statements = NULL;
    if (p->spent >= p->budget || p->trials >= TRIALS) {
        *ret_why = "the time for trials on a branch went into indexes before it";
        return 0;
    }
    statements = index_plans_text(work->ctx, p, is_for_branch, &g);
    if (!statements)
        return lb_out_of_memory(err);
    int64_t began = lb_now(work->ctx);
    int r = index_trial_call(work->trial, INDEX_TRIAL_TOOL,
                             LB_ARGS(lb_json("statements", statements), lb_text("without_schema", x->r.schema),
                                     lb_text("without_index", x->r.name),
                                     lb_i64("plans_ms", (p->budget - p->spent) / 1000)),
                             &json, ret_why, err);
    p->trials += lb_now(work->ctx) - began;
    if (r >= 0 && json) {
        r = take_outcome(work->ctx, json, w, err);
        count_past(p, &g, w);
    }
    p->spent += w->plans_us;
    return r;
}

static void find_worst(const struct index_plans *p, index_without *w)
{
    for (size_t i = 0; w->worst && i < p->count; i++)
        if (strcmp(p->items[i].query_id, w->worst) == 0) {
            w->worst_query = p->items[i].text;
            w->worst_seen = p->items[i].last_seen;
        }
}

int index_try_without(index_work *work, const index_info *x, index_without *ret, lb_error *err)
{
    *ret = (index_without){0};
    int r = work->plans ? 0 : prepare(work, err);
    if (r < 0)
        return r;
    const char *why = work->plans->why, *how = "hidden from the planner";
    if (!why && x->r.predicate)
        why = "a plan for values that are not known takes no index over a part of the rows";
    if (!why && work->plans->asks_branch) {
        r = ask_branch(work, x, ret, &why, err);
        how = lb_printf(work->ctx, "dropped on the branch %s", why ? "" : work->trial->branch);
        ret->on_branch = why ? NULL : work->trial;
    } else if (!why) {
        r = try_all(work, x, ret, err);
    }
    if (r < 0)
        return r;
    if (!why && !ret->asked)
        why = "no statement is known, or ours to explain";
    ret->plans_us = work->plans->drops ? work->plans->spent : ret->plans_us;
    ret->is_tried = !why;
    ret->unknown += work->plans->left_out;
    find_worst(work->plans, ret);
    ret->text = why ? lb_printf(work->ctx, "not tried: %s", why) : how ? outcome(work->ctx, how, ret) : NULL;
    return ret->text ? 0 : lb_out_of_memory(err);
}
