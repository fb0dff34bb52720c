/* A plan that does not take what was built is the plan of before, so only the statements that are planned anew are
 * executed again: for the rest another time would tell of the machine and not of the index. */
#include "index_load.h"

#include "index_load_read.h"
#include "parsed.h"

#define ROUNDS    3    /* of each set of values; the quickest counts */
#define STATEMENT 1.25 /* times the time, from which a statement is slower, */
#define AT_LEAST  0.1  /* by so many ms */
#define MIX       1.1  /* and all of them together, */
#define MIX_LEAST 0.05

struct index_load {
    lb_ctx *ctx;
    int64_t statement_ms, left_us;
    load_statement *items;
    size_t count;
    const index_table *table; /* that the times are of */
};

/* ---- judging ---- */

bool index_load_is_slower(const index_load_one *one)
{
    return one->before >= 0 && one->after > STATEMENT * one->before && one->after - one->before > AT_LEAST;
}

bool index_load_harms(double before, double after)
{
    return before >= 0 && after > MIX * before && after - before > MIX_LEAST;
}

index_load_sum index_load_add_up(const index_load_one *items, size_t count)
{
    index_load_sum sum = {.before = -1, .after = -1};
    double before = 0, after = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i].before < 0 || items[i].after < 0 || items[i].calls <= 0)
            continue;
        sum.executed++;
        sum.calls += items[i].calls;
        sum.slower += index_load_is_slower(&items[i]);
        before += items[i].calls * items[i].before;
        after += items[i].calls * items[i].after;
    }
    if (sum.executed) {
        sum.before = before / sum.calls;
        sum.after = after / sum.calls;
    }
    return sum;
}

/* ---- executing ---- */

/* 1: it took ret_ms. 0: it could not be executed, or not in time, for the reason in err. */
static int execute_once(index_load *l, const char *text, double *ret_ms, lb_error *err)
{
    const lb_explain_wish wish = {.size = sizeof wish, .text = text, .analyze = true, .timeout_ms = l->statement_ms};
    const char *json = NULL;
    int64_t began = lb_now(l->ctx);
    int r = lb_explain(l->ctx, &wish, &json, err);
    l->left_us -= lb_now(l->ctx) - began;
    if (r < 0)
        return load_ends(l->ctx, r) ? r : 0;
    *ret_ms = load_plan_ms(json);
    return *ret_ms >= 0 ? 1 : lb_fail(err, LB_ERR_INTERNAL, NULL, "the server does not say how long it took");
}

/* The mean of its sets of values. *ret_ms -1: for the reason in *ret_why it was not executed, or only for so long. */
static int execute(index_load *l, const load_statement *s, double *ret_ms, bool *ret_is_cut, const char **ret_why,
                   lb_error *err)
{
    double sum = 0;
    *ret_ms = -1;
    *ret_is_cut = false;
    for (size_t i = 0; i < s->set_count; i++) {
        double best = -1, ms = 0;
        for (int round = 0; round < ROUNDS; round++) {
            if (l->left_us <= 0) {
                *ret_why = "the time for executing statements was over";
                return 0;
            }
            int r = execute_once(l, s->sets[i], &ms, err);
            *ret_is_cut = r == 0 && err->code == LB_ERR_TIMEOUT;
            if (r <= 0) {
                *ret_why = *ret_is_cut ? lb_printf(l->ctx, "it takes longer than %lld ms", (long long)l->statement_ms)
                                       : lb_printf(l->ctx, "%s", err->message);
                return r < 0 || *ret_why ? r : lb_out_of_memory(err);
            }
            best = best < 0 || ms < best ? ms : best;
        }
        sum += best;
    }
    *ret_ms = sum / (double)s->set_count;
    return 0;
}

static int execute_before(index_load *l, load_statement *s, lb_error *err)
{
    const char *why = NULL;
    double ms = -1;
    bool is_cut = false;
    if (s->is_measured || s->one.why)
        return 0;
    int r = load_prepare(l->ctx, s, err);
    if (r < 0 || s->one.why)
        return r;
    s->is_measured = true;
    r = execute(l, s, &ms, &is_cut, &why, err);
    s->is_cut = is_cut;
    s->why_before = why;
    s->before = is_cut ? (double)l->statement_ms : ms;
    return r;
}

static int take_shapes(index_load *l, load_statement *s, const char **ret_shapes, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < s->set_count && r >= 0; i++)
        r = load_plan_shape(l->ctx, s->sets[i], &ret_shapes[i], err);
    return r;
}

int index_load_before(index_load *l, const index_table *table, lb_error *err)
{
    int r = 0;
    l->table = table;
    for (size_t i = 0; i < l->count && r >= 0; i++) {
        load_statement *s = &l->items[i];
        bool reads = false;
        r = load_reads(l->ctx, s, table, &reads, err);
        s->is_asked = r >= 0 && reads;
        if (!s->is_asked)
            continue;
        r = execute_before(l, s, err);
        if (r >= 0 && s->set_count)
            r = take_shapes(l, s, s->shapes, err);
    }
    return r;
}

static bool is_planned_anew(const load_statement *s, const char *const *shapes)
{
    for (size_t i = 0; i < s->set_count; i++)
        if (!s->shapes[i] || !shapes[i] || strcmp(s->shapes[i], shapes[i]) != 0)
            return true;
    return false;
}

/* What was cut short took so long at least: without the index that is less than it loses, with it less than it costs;
 * cut both times it says nothing. */
static int execute_after(index_load *l, load_statement *s, lb_error *err)
{
    const char *shapes[LOAD_SETS] = {NULL}, *why = NULL;
    bool is_cut = false;
    double ms = -1;
    s->one.before = s->one.after = -1;
    s->is_anew = false;
    s->why_open = s->one.why ? s->one.why : s->why_before;
    if (s->one.why || s->before < 0)
        return 0;
    int r = take_shapes(l, s, shapes, err);
    if (r < 0)
        return r;
    s->is_anew = is_planned_anew(s, shapes);
    if (s->is_anew)
        r = execute(l, s, &ms, &is_cut, &why, err);
    else if (!s->is_cut)
        ms = s->before;
    if (is_cut && !s->is_cut)
        ms = (double)l->statement_ms > s->before ? (double)l->statement_ms : s->before;
    if (r < 0 || ms < 0) {
        s->why_open = why ? why : s->why_open;
        return r;
    }
    s->one.before = s->before;
    s->one.after = ms;
    s->why_open = NULL;
    return 0;
}

int index_load_after(index_load *l, const index_table *table, lb_error *err)
{
    int r = table == l->table ? 0 : lb_fail(err, LB_ERR_INTERNAL, NULL, "times before are of another table");
    for (size_t i = 0; i < l->count && r >= 0; i++)
        if (l->items[i].is_asked)
            r = execute_after(l, &l->items[i], err);
    return r;
}

bool index_load_has_measured(const index_load *l, const char *query_id)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].is_asked && strcmp(l->items[i].one.query_id, query_id) == 0)
            return l->items[i].one.before >= 0 && l->items[i].one.after >= 0;
    return false;
}

/* ---- telling ---- */

static void add(struct json_object *into, const char *name, struct json_object *value)
{
    (void)json_object_object_add(into, name, value);
}

static struct json_object *tell_one(const load_statement *s)
{
    struct json_object *one = json_object_new_object();
    add(one, "query_id", json_object_new_string(s->one.query_id));
    add(one, "calls", json_object_new_double(s->one.calls));
    if (s->why_open) {
        add(one, "why", json_object_new_string(s->why_open));
        return one;
    }
    add(one, "ms_now", json_object_new_double(s->one.before));
    add(one, "ms_with_it", json_object_new_double(s->one.after));
    return one;
}

const char *index_load_text(const index_load *l)
{
    struct json_object *document = json_object_new_object(), *slower = json_object_new_array(),
                       *open = json_object_new_array();
    index_load_one *asked = lb_alloc(l->ctx, (l->count + 1) * sizeof *asked);
    size_t count = 0;
    int64_t anew = 0;
    for (size_t i = 0; asked && i < l->count; i++) {
        const load_statement *s = &l->items[i];
        if (!s->is_asked)
            continue;
        asked[count++] = s->one;
        anew += !s->why_open && s->is_anew;
        if (s->why_open || index_load_is_slower(&s->one))
            (void)json_object_array_add(s->why_open ? open : slower, tell_one(s));
    }
    index_load_sum sum = index_load_add_up(asked, asked ? count : 0);
    add(document, "statements_executed", json_object_new_int64(sum.executed));
    add(document, "planned_anew", json_object_new_int64(anew));
    add(document, "calls", json_object_new_double(sum.calls));
    if (sum.executed) {
        add(document, "ms_per_call_now", json_object_new_double(sum.before));
        add(document, "ms_per_call_with_it", json_object_new_double(sum.after));
    }
    add(document, "slower", slower);
    add(document, "not_executed", open);
    const char *text = asked ? lb_printf(l->ctx, "%s", json_object_to_json_string(document)) : NULL;
    (void)json_object_put(document);
    return text;
}

const char *index_load_slower_text(lb_ctx *ctx, const char *text)
{
    parsed *document = text ? json_tokener_parse(text) : NULL, *slower = parsed_member(document, "slower");
    const char *says = "";
    for (size_t i = 0; says && i < parsed_length(slower); i++) {
        parsed *one = parsed_item(slower, i);
        says = lb_printf(ctx, "%s%s %s (%.3g to %.3g ms)", says, i ? "," : "; slower:", parsed_text(one, "query_id"),
                         json_object_get_double(parsed_member(one, "ms_now")),
                         json_object_get_double(parsed_member(one, "ms_with_it")));
    }
    parsed_free(document);
    return says ? says : "";
}

/* ---- made of ---- */

int index_load_new(lb_ctx *ctx, const char *json, int64_t statement_ms, int64_t total_ms, index_load **ret_load,
                   lb_error *err)
{
    index_load *l = *ret_load = lb_alloc(ctx, sizeof *l);
    if (!l)
        return lb_out_of_memory(err);
    *l = (index_load){.ctx = ctx, .statement_ms = statement_ms, .left_us = total_ms * 1000};
    return load_read_statements(ctx, json, &l->items, &l->count, err);
}
