/* Indexes that one statement asks for, by the rules of detect_missing_indexes, and what the planner makes of them. */
#include "query_evidence.h"

#include "index_rules.h"

#define PROOFS     4
#define BRIN_BYTES (INT64_C(1) << 30)

static bool is_proven(const index_candidate *c)
{
    return c->cost_before > 0 && index_is_proven(c, 0);
}

static int add_proposal(query_evidence *e, index_work *work, const index_candidate *c, lb_error *err)
{
    const char *columns[INDEX_CANDIDATE_NAMES], *name = NULL, *list = "";
    index_fix fix = {0};
    const index_wanted wanted = index_wanted_of(c, columns);
    for (int i = 0; i < c->count && list; i++)
        list = lb_printf(e->ctx, "%s%s%s", list, i ? ", " : "", query_name(e->ctx, NULL, columns[i]));
    int r = index_fix_create(work, &wanted, &name, &fix, err);
    query_remark *remark = r < 0 ? NULL : query_add_remark(e, "missing_index", is_proven(c) ? 10 : 7);
    if (!remark)
        return r;
    remark->object = query_name(e->ctx, c->table->r.schema, c->table->r.name);
    remark->fix = fix.step_count ? NULL : fix.sql;
    remark->steps = index_fix_steps(e->ctx, &fix);
    remark->step_count = fix.step_count;
    remark->fix_text = index_fix_text(e->ctx, &fix);
    remark->says =
        is_proven(c)
            ? lb_printf(e->ctx,
                        "an index of %s on %s would help: with it the cost of finding these rows falls from %s "
                        "to %s, the planner says%s",
                        remark->object, list, query_number(e->ctx, c->cost_before), query_number(e->ctx, c->cost_after),
                        c->proven_on ? " where it was built on a branch" : "")
            : lb_printf(e->ctx, "an index of %s on %s may help, which nobody has proven", remark->object, list);
    query_add_fact(remark, lb_text("columns", list));
    query_add_fact(remark, lb_f64("cost_now", c->cost_before));
    query_add_fact(remark, c->cost_after >= 0 ? lb_f64("cost_with_it", c->cost_after) : lb_null("cost_with_it"));
    query_add_fact(remark, lb_bool("is_proven", is_proven(c)));
    if (c->proven_on)
        query_add_fact(remark, lb_f64("build_ms", c->build_ms));
    query_add_term(remark, "gain_is_proven", is_proven(c) ? 0.5 : 0);
    return remark->says && remark->object && remark->steps ? 0 : lb_out_of_memory(err);
}

/* The planner first; what it cannot be asked about, on a branch. */
static int prove_all(query_evidence *e, index_work *work, index_candidates *list, lb_error *err)
{
    index_candidate *open[PROOFS];
    size_t count = 0;
    int r = 0;
    for (size_t i = 0; i < list->count && r >= 0; i++) {
        r = index_prove(work, &list->items[i], err);
        if (list->items[i].cost_after < 0 && list->items[i].reads_all)
            open[count++] = &list->items[i];
    }
    return r < 0 ? r : index_try(&e->trial, open, count, err);
}

int query_propose_index(query_evidence *e, lb_error *err)
{
    static const index_missing_limits limits = {
        .min_rows = 10000, .min_bytes = 8192, .max_proofs = PROOFS, .min_brin_bytes = BRIN_BYTES};
    index_work work = {.ctx = e->ctx, .set = e->set, .tell = index_report};
    index_level *levels = NULL;
    index_candidates list = {0};
    const index_candidate statement = {.calls = e->is_counted ? (double)e->counts.calls : 1,
                                       .total_ms = e->is_counted ? e->counts.total_ms : 0,
                                       .query_id = e->label,
                                       .statement_count = 1};
    int r = index_read_uses(e->ctx, e->text, &levels, err);
    if (r == LB_ERR_INVALID)
        return 0; /* said where the plan is missing */
    if (r >= 0)
        r = index_add_candidates(&work, &limits, levels, &statement, &list, err);
    list.count = list.count < PROOFS ? list.count : PROOFS;
    if (r >= 0)
        r = prove_all(e, &work, &list, err);
    for (size_t i = 0; i < list.count && r >= 0; i++) {
        bool refuted = list.items[i].cost_after >= 0 && !is_proven(&list.items[i]);
        if (!refuted && (is_proven(&list.items[i]) || list.items[i].reads_all))
            r = add_proposal(e, &work, &list.items[i], err);
    }
    return r;
}
