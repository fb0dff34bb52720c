#include "index_plans.h"

#include "index_load_read.h"
#include "index_statements.h"
#include "index_without.h"
#include "parsed.h"

#include <sql/index/statements_past.h>
#include <stdlib.h>

#define DAY       (INT64_C(86400) * 1000000)
#define PAST_DAYS 35   /* holds a month's end, and what runs some days after it */
#define PAST_MOST 1000 /* statements of the history */
#define PAST_PART 4    /* of the time for plans, that theirs may take: one in so many */

int index_plan_explain(index_work *work, const char *text, index_known_plan *ret_plan, lb_error *err)
{
    ret_plan->json = NULL;
    if (work->plans->spent > work->plans->budget)
        return 0;
    int64_t began = lb_now(work->ctx);
    int r = lb_explain(work->ctx, LB_EXPLAIN(.text = text), &ret_plan->json, err);
    work->plans->spent += lb_now(work->ctx) - began;
    ret_plan->is_other = r == LB_ERR_INVALID;
    if (r < 0)
        ret_plan->json = NULL;
    return r < 0 && load_ends(work->ctx, r) ? r : 0;
}

int index_plans_read(index_work *work, int64_t most, lb_error *err)
{
    struct index_plans *p = work->plans;
    index_statements_args args = {.min_calls = 1, .most = most};
    index_statements_row row;
    lb_rows *rows = NULL;
    int r = index_ask_statements(work, &args, &rows, err);
    if (r < 0) {
        p->why = "pg_stat_statements is not loaded, or not ours to read";
        return load_ends(work->ctx, r) ? r : 0;
    }
    p->items = lb_alloc(work->ctx, ((size_t)lb_row_count(work->ctx, rows) + 1) * sizeof *p->items);
    if (!p->items)
        return lb_out_of_memory(err);
    while (r >= 0 && index_statements_next(work->ctx, rows, &row)) {
        index_known_plan *one = &p->items[p->count++];
        *one = (index_known_plan){.query_id = row.query_id, .text = row.query, .calls = (double)row.calls};
        r = load_say_types(work->ctx, &one->text, err);
    }
    return r;
}

/* ---- of the history ---- */

static int ask_past(index_work *work, lb_rows **ret_rows, lb_error *err)
{
    const struct index_plans *p = work->plans;
    const lb_target *target = lb_run_target(work->ctx);
    int64_t *known = lb_alloc(work->ctx, (p->count + 1) * sizeof *known);
    if (!known)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < p->count; i++)
        known[i] = strtoll(p->items[i].query_id, NULL, 10);
    const index_statements_past_args args = {.project = target->project,
                                             .branch = target->branch,
                                             .database = work->set->window.r.database,
                                             .since = lb_now(work->ctx) - PAST_DAYS * DAY,
                                             .known = {known, p->count},
                                             .most = PAST_MOST};
    return index_statements_past(work->ctx, &args, ret_rows, err);
}

static int take_past(index_work *work, const index_statements_past_row *row, index_known_plan *ret_one, lb_error *err)
{
    *ret_one = (index_known_plan){.query_id = lb_printf(work->ctx, "%lld", (long long)row->query_id),
                                  .text = row->query,
                                  .calls = (double)row->calls,
                                  .last_seen = row->last_seen};
    if (!ret_one->query_id)
        return lb_out_of_memory(err);
    return ret_one->text ? load_say_types(work->ctx, &ret_one->text, err) : 0;
}

int index_plans_add_past(index_work *work, lb_error *err)
{
    struct index_plans *p = work->plans;
    index_statements_past_row row;
    const char *no_history = NULL;
    lb_rows *rows = NULL;
    int r = lb_history_or_skip(work->ctx, ask_past(work, &rows, err), NULL, &no_history, err);
    if (r <= 0)
        return r;
    int64_t count = lb_row_count(work->ctx, rows);
    index_known_plan *all = lb_alloc(work->ctx, (p->count + (size_t)count + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < p->count; i++)
        all[i] = p->items[i];
    p->items = all;
    while (r >= 0 && index_statements_past_next(work->ctx, rows, &row)) {
        p->left_out = row.in_all - count;
        r = take_past(work, &row, &all[p->count++], err);
    }
    return r;
}

int index_plans_explain(index_work *work, bool only_past, lb_error *err)
{
    struct index_plans *p = work->plans;
    int r = 0;
    for (size_t i = 0; p->items && r >= 0 && i < p->count; i++) {
        index_known_plan *one = &p->items[i];
        if (one->last_seen ? one->text && p->spent <= p->budget / PAST_PART : !only_past)
            r = index_plan_explain(work, one->text, one, err);
    }
    return r;
}

/* ---- for a branch ---- */

const char *index_plans_text(lb_ctx *ctx, const struct index_plans *p,
                             bool (*wanted)(const index_known_plan *one, const void *arg), const void *arg)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; list && i < p->count; i++) {
        if (wanted && !wanted(&p->items[i], arg))
            continue;
        struct json_object *one = json_object_new_object();
        (void)json_object_object_add(one, "query_id", json_object_new_string(p->items[i].query_id));
        (void)json_object_object_add(one, "query", json_object_new_string(p->items[i].text));
        (void)json_object_object_add(one, "calls", json_object_new_double(p->items[i].calls));
        (void)json_object_array_add(list, one);
    }
    const char *text = list ? lb_printf(ctx, "%s", json_object_to_json_string(list)) : NULL;
    (void)json_object_put(list);
    return text;
}

static int read_given(index_work *work, struct json_object *list, struct index_plans *p, lb_error *err)
{
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    int r = 0;
    p->items = lb_alloc(work->ctx, (count + 1) * sizeof *p->items);
    if (!p->items)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count && r >= 0; i++) {
        struct json_object *one = json_object_array_get_idx(list, i), *id = parsed_member(one, "query_id"),
                           *query = parsed_member(one, "query"), *calls = parsed_member(one, "calls");
        index_known_plan *plan = &p->items[p->count++];
        *plan = (index_known_plan){.query_id = id ? lb_printf(work->ctx, "%s", json_object_get_string(id)) : NULL,
                                   .text = query ? lb_printf(work->ctx, "%s", json_object_get_string(query)) : NULL,
                                   .calls = calls ? json_object_get_double(calls) : 1};
        if (!plan->query_id || !plan->text)
            r = lb_fail(err, LB_ERR_INVALID, "give {query_id, query}", "a statement has no id or no text");
    }
    return r;
}

int index_give_statements(index_work *work, const char *json, int64_t plans_ms, lb_error *err)
{
    struct index_plans *p = work->plans = lb_alloc(work->ctx, sizeof *p);
    if (!p)
        return lb_out_of_memory(err);
    p->budget = plans_ms * 1000;
    struct json_object *list = json_tokener_parse(json);
    int r = read_given(work, list, p, err);
    (void)json_object_put(list);
    p->drops = true;
    return r < 0 ? r : index_plans_explain(work, false, err);
}

int index_statements_text(index_work *work, int64_t most, const char **ret_json, lb_error *err)
{
    struct index_plans *kept = work->plans, *p = work->plans = lb_alloc(work->ctx, sizeof *p);
    if (!p)
        return lb_out_of_memory(err);
    int r = index_plans_read(work, most, err);
    work->plans = kept;
    *ret_json = r < 0 || p->why || !p->count ? NULL : index_plans_text(work->ctx, p, NULL, NULL);
    return r < 0 || *ret_json || p->why || !p->count ? r : lb_out_of_memory(err);
}

int index_plan_again(index_work *work, lb_error *err)
{
    struct index_plans *p = work->plans;
    int r = 0;
    for (size_t i = 0; p && i < p->count && r >= 0; i++)
        if (p->items[i].json)
            r = index_plan_explain(work, p->items[i].text, &p->items[i], err);
    return r;
}
