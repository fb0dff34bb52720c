/* From evidence to sentences: a model's where one answers and can stand, the rules' own in any case. */
#include "query_evidence.h"

#include "index_rules.h"

#define STEPS     40
#define EXHIBITS  (QUERY_REMARKS + STEPS + 3)
#define SENTENCES 10
#define CITES     16

typedef struct telling {
    query_evidence *e;
    lb_exhibit exhibits[EXHIBITS]; /* ends with an id that is NULL */
    size_t count;
    lb_value step_facts[STEPS][5];
    lb_value counted[5];
    lb_value executed[4];
} telling;

/* ---- exhibits ---- */

static int add_exhibit(telling *t, const lb_exhibit *exhibit, lb_error *err)
{
    if (t->count + 1 == EXHIBITS)
        return 0;
    lb_exhibit *into = &t->exhibits[t->count];
    *into = *exhibit;
    into->id = lb_printf(t->e->ctx, "e%zu", ++t->count);
    return into->id ? 0 : lb_out_of_memory(err);
}

static int add_remarks(telling *t, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < t->e->remark_count && r >= 0; i++) {
        const query_remark *remark = &t->e->remarks[i];
        r = add_exhibit(
            t,
            &(lb_exhibit){.says = remark->says, .weight = remark->weight, .facts = remark->facts, .sql = remark->sql},
            err);
    }
    return r;
}

/* A remark on the scan says more than the step. */
static bool is_said(const telling *t, const query_step *s)
{
    for (size_t i = 0; i < t->e->remark_count; i++)
        if (t->e->remarks[i].scan == s)
            return true;
    return false;
}

static int add_steps(telling *t, lb_error *err)
{
    const query_plan *plan = &t->e->plan;
    int r = 0;
    for (size_t i = 0; t->e->plan_json && i < plan->count && i < STEPS && r >= 0; i++) {
        const query_step *s = &plan->steps[i];
        const index_table *table = query_find_table(t->e, s->schema, s->name);
        double share = plan->cost > 0 ? s->own_cost / plan->cost : 0;
        lb_value *facts = t->step_facts[i];
        if (is_said(t, s))
            continue;
        facts[0] = lb_f64("rows", query_rows_out(s));
        facts[1] = lb_f64("share_of_plan_cost", share);
        facts[2] = s->is_executed ? lb_f64("ms", s->ms * s->loops) : lb_bool("is_estimate", true);
        const char *says = query_say_step(t->e->ctx, plan, s, table ? index_table_rows(table) : -1);
        if (!says)
            return lb_out_of_memory(err);
        r = add_exhibit(
            t, &(lb_exhibit){.says = says, .weight = share, .facts = facts, .sql = s->filter ? s->filter : s->by}, err);
    }
    return r;
}

static int add_statement(telling *t, lb_error *err)
{
    const query_evidence *e = t->e;
    double calls = (double)e->counts.calls;
    if (e->is_counted) {
        t->counted[0] = lb_i64("calls", e->counts.calls);
        t->counted[1] = lb_f64("total_ms", e->counts.total_ms);
        t->counted[2] = lb_f64("mean_ms", calls > 0 ? e->counts.total_ms / calls : 0);
    }
    const char *says = e->is_counted ? lb_printf(e->ctx, "it ran %s %s and took %s ms each time on average",
                                                 query_number(e->ctx, calls), e->counts.calls == 1 ? "time" : "times",
                                                 query_number(e->ctx, calls > 0 ? e->counts.total_ms / calls : 0))
                                     : NULL;
    return add_exhibit(t, &(lb_exhibit){.says = says, .weight = 0.5, .facts = t->counted, .sql = e->text}, err);
}

/* What the figures of the steps rest on. */
static int add_execution(telling *t, lb_error *err)
{
    const query_evidence *e = t->e;
    if (!e->plan_json || e->plan.execution_ms < 0)
        return 0;
    t->executed[0] = lb_f64("execution_ms", e->plan.execution_ms);
    t->executed[1] = lb_bool("has_made_up_values", e->has_made_up_values);
    const char *says = lb_printf(
        e->ctx, "it was executed once on a throwaway branch, in %s ms%s", query_number(e->ctx, e->plan.execution_ms),
        e->has_made_up_values ? ", with values that were made up, so that its own may take another plan" : "");
    return says ? add_exhibit(t, &(lb_exhibit){.says = says, .weight = 0.4, .facts = t->executed}, err)
                : lb_out_of_memory(err);
}

/* ---- members of a result ---- */

/* NULL: no memory. */
static const lb_value *members(lb_ctx *ctx, const lb_value *values, size_t count)
{
    lb_value *copy = lb_alloc(ctx, (count + 1) * sizeof *copy);
    if (copy && count)
        memcpy(copy, values, count * sizeof *copy);
    return copy;
}

static int list_evidence(telling *t, lb_value *ret_list, lb_error *err)
{
    lb_ctx *ctx = t->e->ctx;
    lb_value *items = lb_alloc(ctx, (t->count + 1) * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < t->count; i++) {
        const lb_exhibit *x = &t->exhibits[i];
        size_t facts = 0;
        while (x->facts && x->facts[facts].type != LB_END)
            facts++;
        const lb_value *kept = members(ctx, x->facts, facts);
        const lb_value *one = kept ? members(ctx,
                                             LB_ARGS(lb_text("id", x->id), lb_text("says", x->says),
                                                     lb_object("facts", kept), lb_text("sql", x->sql)),
                                             4)
                                   : NULL;
        if (!one)
            return lb_out_of_memory(err);
        items[i] = lb_object(NULL, one);
    }
    *ret_list = lb_list("evidence", LB_OBJECT, items, t->count);
    return 0;
}

static int add_sentence(lb_ctx *ctx, const char *text, const char *const *cites, bool is_checked, lb_value *into,
                        lb_error *err)
{
    size_t count = 0;
    while (cites[count] && count < CITES)
        count++;
    lb_value *ids = lb_alloc(ctx, (count + 1) * sizeof *ids);
    for (size_t i = 0; ids && i < count; i++)
        ids[i] = lb_text(NULL, cites[i]);
    const lb_value *one = ids ? members(ctx,
                                        LB_ARGS(lb_text("text", text), lb_list("evidence", LB_TEXT, ids, count),
                                                lb_bool("is_checked", is_checked)),
                                        3)
                              : NULL;
    if (!one)
        return lb_out_of_memory(err);
    *into = lb_object(NULL, one);
    return 0;
}

/* The weightiest of those that are not taken; the first one of equals. NULL: there is none left. */
static const lb_exhibit *take_next(const telling *t, bool *taken)
{
    size_t best = t->count;
    for (size_t i = 0; i < t->count; i++)
        if (!taken[i] && t->exhibits[i].says && (best == t->count || t->exhibits[i].weight > t->exhibits[best].weight))
            best = i;
    if (best == t->count)
        return NULL;
    taken[best] = true;
    return &t->exhibits[best];
}

/* What model_rules would have said. */
static int say_rules(telling *t, lb_value *items, size_t *ret_count, lb_error *err)
{
    bool taken[EXHIBITS] = {false};
    const lb_exhibit *next;
    int r = 0;
    size_t count = 0;
    while (r >= 0 && count < SENTENCES && (next = take_next(t, taken))) {
        const char *const cites[] = {next->id, NULL};
        r = add_sentence(t->e->ctx, next->says, cites, true, &items[count++], err);
    }
    *ret_count = count;
    return r;
}

static int say_answer(telling *t, const lb_answer *answer, lb_value *items, size_t *ret_count, lb_error *err)
{
    int r = 0;
    for (uint32_t i = 0; i < answer->count && i < SENTENCES && r >= 0; i++)
        r = add_sentence(t->e->ctx, answer->sentences[i].text, answer->sentences[i].cites,
                         answer->sentences[i].is_checked, &items[i], err);
    *ret_count = answer->count < SENTENCES ? answer->count : SENTENCES;
    return r;
}

static int tell_model(lb_ctx *ctx, const lb_answer *answer, const char *error, lb_value *ret_model, lb_error *err)
{
    const lb_value *one =
        members(ctx,
                LB_ARGS(lb_text("source", answer ? answer->source : "rules"), lb_bool("left", answer && answer->left),
                        lb_i64("refused", answer ? answer->refused : 0),
                        lb_text("refused_why", answer ? answer->refused_why : NULL), lb_text("error", error)),
                5);
    if (!one)
        return lb_out_of_memory(err);
    *ret_model = lb_object("model", one);
    return 0;
}

static int ask(telling *t, const char *task, query_words *words, lb_error *err)
{
    lb_ctx *ctx = t->e->ctx;
    const lb_answer *answer = NULL;
    const char *error = NULL;
    size_t count = 0;
    lb_value *items = lb_alloc(ctx, (SENTENCES + 1) * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    int r = lb_ask_model(ctx, LB_QUESTION(.task = task, .exhibits = t->exhibits, .most_sentences = SENTENCES), &answer,
                         err);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY)
        return r;
    if (r < 0 && !(error = lb_printf(ctx, "%s", err->message)))
        return lb_out_of_memory(err);
    r = answer && answer->count ? say_answer(t, answer, items, &count, err) : say_rules(t, items, &count, err);
    words->explanation = lb_list("explanation", LB_OBJECT, items, count);
    return r < 0 ? r : tell_model(ctx, answer, error, &words->model, err);
}

int query_put_into_words(query_evidence *e, const char *task, bool steps, query_words *ret_words, lb_error *err)
{
    telling *t = lb_alloc(e->ctx, sizeof *t);
    if (!t)
        return lb_out_of_memory(err);
    t->e = e;
    int r = add_remarks(t, err);
    if (r >= 0 && steps)
        r = add_steps(t, err);
    if (r >= 0)
        r = add_statement(t, err);
    if (r >= 0)
        r = add_execution(t, err);
    if (r >= 0)
        r = list_evidence(t, &ret_words->evidence, err);
    return r < 0 ? r : ask(t, task, ret_words, err);
}
