/* What the plan, the counts and the text say of a statement's cost. Each rule has its figures in its facts. */
#include "query_evidence.h"

#include "index_rules.h"

#define BIG_ROWS    10000 /* of a table: smaller ones are read quickly anyway */
#define FEW_SHARE   0.05  /* of its rows that are kept */
#define OFF_FACTOR  10    /* by which an estimate misses */
#define OFF_ROWS    100
#define DEAR_SHARE  0.2   /* of the plan's cost */
#define MANY_ROWS   10000 /* returned each time */
#define STALE_SHARE 0.2   /* of a table's rows, changed since they were counted */
#define COLD_SHARE  0.5   /* of the blocks, not found in memory */
#define COLD_BLOCKS 1000
#define JIT_SHARE   0.3
#define TERMS_BASE  0.4

/* ---- remarks ---- */

query_remark *query_add_remark(query_evidence *e, const char *kind, double weight)
{
    if (e->remark_count == QUERY_REMARKS)
        return NULL;
    query_remark *r = &e->remarks[e->remark_count++];
    *r = (query_remark){.kind = kind, .object = e->label, .weight = weight};
    query_add_term(r, "rule_matches", TERMS_BASE);
    return r;
}

void query_add_fact(query_remark *r, lb_value fact)
{
    size_t n = 0;
    while (r->facts[n].type != LB_END)
        n++;
    if (n + 1 < sizeof r->facts / sizeof r->facts[0])
        r->facts[n] = fact;
}

void query_add_term(query_remark *r, const char *name, double points)
{
    size_t n = 0;
    while (r->terms[n].name)
        n++;
    if (n + 1 < QUERY_TERMS && points != 0)
        r->terms[n] = (lb_term){.name = name, .points = points};
}

const index_table *query_find_table(const query_evidence *e, const char *schema, const char *name)
{
    for (size_t i = 0; schema && name && i < e->set->table_count; i++)
        if (strcmp(e->set->tables[i].r.schema, schema) == 0 && strcmp(e->set->tables[i].r.name, name) == 0)
            return &e->set->tables[i];
    return NULL;
}

static double share_of_cost(const query_evidence *e, const query_step *s)
{
    return e->plan.cost > 0 ? s->own_cost / e->plan.cost : 0;
}

/* An index that holds a part of the rows finds these by being there. */
static bool holds_all(const query_evidence *e, const query_step *s)
{
    const index_table *t = query_find_table(e, s->schema, s->name);
    for (size_t i = 0; t && i < t->index_count; i++)
        if (strcmp(t->indexes[i]->r.name, s->index) == 0)
            return !t->indexes[i]->r.predicate;
    return false;
}

/* Of the table, or of an index from its one end to the other. */
static bool is_scan_of_all(const query_evidence *e, const query_step *s)
{
    return (strcmp(s->type, "Seq Scan") == 0 && s->name) ||
           (query_asks_index_nothing(s) && holds_all(e, s) && !query_ends_early(&e->plan, s));
}

/* "reads all 50000 rows of public.orders" */
static const char *say_all(const query_evidence *e, const query_step *s, double rows)
{
    const char *table = query_name(e->ctx, s->schema, s->name), *number = query_number(e->ctx, rows);
    return query_asks_index_nothing(s) ? lb_printf(e->ctx, "goes through all %s rows of the index %s of %s", number,
                                                   query_name(e->ctx, NULL, s->index), table)
                                       : lb_printf(e->ctx, "reads all %s rows of %s", number, table);
}

static double table_rows(const query_evidence *e, const query_step *s)
{
    const index_table *t = query_find_table(e, s->schema, s->name);
    return t ? index_table_rows(t) : -1;
}

/* ---- steps ---- */

static void full_scan(query_evidence *e, const query_step *s)
{
    double rows = table_rows(e, s), kept = s->is_executed ? s->actual_rows : s->rows;
    if (!is_scan_of_all(e, s) || rows < BIG_ROWS)
        return;
    bool few = s->filter && kept <= FEW_SHARE * rows;
    if (!few && share_of_cost(e, s) < DEAR_SHARE)
        return;
    query_remark *r = query_add_remark(e, few ? "selective_full_scan" : "full_scan", few ? 9 : 5);
    if (!r)
        return;
    r->object = query_name(e->ctx, s->schema, s->name);
    r->sql = s->filter;
    r->scan = s;
    r->says = lb_printf(e->ctx, few ? "it %s to keep about %s of them" : "it %s, and needs %s of them",
                        say_all(e, s, rows), query_number(e->ctx, kept));
    query_add_fact(r, lb_f64("table_rows", rows));
    query_add_fact(r, lb_f64("rows_kept", kept));
    query_add_fact(r, lb_f64("share_of_plan_cost", share_of_cost(e, s)));
    query_add_term(r, "table_is_large", rows >= 10.0 * BIG_ROWS ? 0.2 : 0.1);
    query_add_term(r, "counted_by_execution", s->is_executed ? 0.2 : 0);
    query_add_term(r, "costs_most_of_the_plan", share_of_cost(e, s) >= 0.5 ? 0.2 : 0);
}

static void computed_column(query_evidence *e, const query_step *s)
{
    char by[64];
    if (!s->filter || !s->name || table_rows(e, s) < BIG_ROWS || !is_scan_of_all(e, s))
        return;
    bool wild = query_has_leading_wildcard(s->filter);
    if (!wild && !query_compares_computed(s->filter, by, sizeof by))
        return;
    query_remark *r = query_add_remark(e, wild ? "leading_wildcard" : "function_on_column", 8);
    if (!r)
        return;
    r->object = query_name(e->ctx, s->schema, s->name);
    r->sql = s->filter;
    r->says = wild ? lb_printf(e->ctx, "a pattern that begins with a wildcard finds no rows of %s by a usual index",
                               r->object)
                   : lb_printf(e->ctx,
                               "it compares what %s makes of a column of %s, so that an index on the column is of no "
                               "use; one on the expression would be",
                               query_name(e->ctx, NULL, by), r->object);
    query_add_fact(r, lb_f64("table_rows", table_rows(e, s)));
    if (!wild)
        query_add_fact(r, lb_text("computed_by", query_name(e->ctx, NULL, by)));
    query_add_term(r, "the_whole_table_is_read", 0.3);
}

static void repeated_scan(query_evidence *e, const query_step *s)
{
    const query_step *outer = s->inputs[0] >= 0 ? &e->plan.steps[s->inputs[0]] : NULL;
    const query_step *inner = s->inputs[1] >= 0 ? &e->plan.steps[s->inputs[1]] : NULL;
    if (strcmp(s->type, "Nested Loop") != 0 || !outer || !inner)
        return;
    const query_step *scan =
        strcmp(inner->type, "Materialize") == 0 && inner->inputs[0] >= 0 ? &e->plan.steps[inner->inputs[0]] : inner;
    double times = query_rows_out(outer), rows = is_scan_of_all(e, scan) ? table_rows(e, scan) : -1;
    if (times < 2 || rows < BIG_ROWS / 10.0 || times * rows < 10.0 * BIG_ROWS)
        return;
    query_remark *r = query_add_remark(e, "nested_loop_over_full_scan", 8.5);
    if (!r)
        return;
    r->object = query_name(e->ctx, scan->schema, scan->name);
    r->sql = s->filter ? s->filter : scan->filter;
    r->scan = scan;
    r->says = lb_printf(e->ctx, "a nested loop goes through all %s rows of %s about %s times",
                        query_number(e->ctx, rows), r->object, query_number(e->ctx, times));
    query_add_fact(r, lb_f64("table_rows", rows));
    query_add_fact(r, lb_f64("times", times));
    query_add_term(r, "counted_by_execution", s->is_executed ? 0.3 : 0.1);
    query_add_term(r, "many_rows_looked_at", times * rows >= 1e7 ? 0.2 : 0);
}

static void spill(query_evidence *e, const query_step *s)
{
    double bytes = s->rows * s->width;
    bool sorts = strcmp(s->type, "Sort") == 0, wrote = s->disk_kb > 0;
    if (!wrote && !(sorts && !s->is_executed && bytes > (double)e->work_mem && !e->shape.has_limit))
        return;
    query_remark *r = query_add_remark(e, wrote ? "spill" : "likely_spill", wrote ? 7 : 5);
    if (!r)
        return;
    r->says =
        wrote ? lb_printf(e->ctx, "a step (%s) did not fit into memory and wrote %s kB to disk", s->type,
                          query_number(e->ctx, s->disk_kb))
              : lb_printf(e->ctx, "a sort of about %s rows needs more than the memory it may take, and goes to disk",
                          query_number(e->ctx, s->rows));
    query_add_fact(r, lb_i64("work_mem_bytes", e->work_mem));
    query_add_fact(r, wrote ? lb_f64("disk_kb", s->disk_kb) : lb_f64("estimated_bytes", bytes));
    query_add_fact(r, lb_f64("rows", query_rows_out(s)));
    query_add_fact(r, lb_definition("sorted_by", s->sort_keys));
    query_add_term(r, "counted_by_execution", wrote ? 0.5 : 0);
}

static void misestimate(query_evidence *e, const query_step *s)
{
    double real = s->actual_rows < 1 ? 1 : s->actual_rows, told = s->rows < 1 ? 1 : s->rows;
    double factor = real > told ? real / told : told / real;
    if (!s->is_executed || s->loops < 1 || factor < OFF_FACTOR || (real > told ? real : told) < OFF_ROWS || !s->name)
        return;
    query_remark *r = query_add_remark(e, "row_estimate_off", 6);
    if (!r)
        return;
    r->object = query_name(e->ctx, s->schema, s->name);
    r->sql = s->filter ? s->filter : s->by;
    r->says = lb_printf(e->ctx, "the planner expects %s rows of %s and gets %s", query_number(e->ctx, s->rows),
                        r->object, query_number(e->ctx, s->actual_rows));
    query_add_fact(r, lb_f64("rows_expected", s->rows));
    query_add_fact(r, lb_f64("rows_found", s->actual_rows));
    query_add_term(r, "counted_by_execution", 0.5);
}

/* Rows that are loaded and analyzed in one session are counted after that, though the statistics know them. */
static bool is_known_load(const index_table *t, double rows)
{
    double changed = (double)t->r.changed_rows;
    return (double)t->r.inserted <= 1.05 * changed && rows >= 0.95 * changed;
}

static void stale_statistics(query_evidence *e, const query_step *s)
{
    const index_table *t = query_find_table(e, s->schema, s->name);
    double rows = t ? index_table_rows(t) : -1;
    for (const query_step *before = e->plan.steps; before < s; before++)
        if (t && query_find_table(e, before->schema, before->name) == t)
            return; /* said once */
    if (rows < 1000 || (double)t->r.changed_rows < STALE_SHARE * rows || is_known_load(t, rows))
        return;
    query_remark *r = query_add_remark(e, "stale_statistics", 4);
    if (!r)
        return;
    r->object = query_name(e->ctx, s->schema, s->name);
    r->says = lb_printf(e->ctx, "%s rows of %s changed since its statistics were taken, so its plan rests on old ones",
                        query_number(e->ctx, (double)t->r.changed_rows), r->object);
    query_add_fact(r, lb_i64("changed_rows", t->r.changed_rows));
    query_add_fact(r, lb_f64("table_rows", rows));
    query_add_term(r, "rows_counted", 0.3);
}

/* ---- the text ---- */

static void shape(query_evidence *e)
{
    query_remark *r = e->shape.has_offset ? query_add_remark(e, "offset", 4) : NULL;
    if (r) {
        r->says = "OFFSET makes the rows before it and throws them away; going on behind the last key seen does not";
        query_add_fact(r, lb_bool("has_offset", true));
        query_add_term(r, "read_in_the_text", 0.3);
    }
    r = e->shape.has_not_in ? query_add_remark(e, "not_in_subquery", 5) : NULL;
    if (r) {
        r->says = "NOT IN with a subquery cannot become a join, and returns nothing once the subquery has a null; NOT "
                  "EXISTS does not have that";
        query_add_fact(r, lb_bool("has_not_in", true));
        query_add_term(r, "read_in_the_text", 0.4);
    }
}

/* ---- the counts ---- */

static void counted_spill(query_evidence *e, double calls)
{
    double blocks = (double)e->counts.temp_written / calls;
    query_remark *r = blocks >= 1 ? query_add_remark(e, "temporary_files", 7) : NULL;
    if (!r)
        return;
    r->says =
        lb_printf(e->ctx, "each execution writes about %s temporary blocks, as sorts or hashes do not fit into memory",
                  query_number(e->ctx, blocks));
    query_add_fact(r, lb_f64("temp_blocks_per_call", blocks));
    query_add_fact(r, lb_i64("work_mem_bytes", e->work_mem));
    query_add_term(r, "counted_by_the_server", 0.5);
}

static void counted_reads(query_evidence *e, double calls)
{
    double all = (double)e->counts.blocks_hit + (double)e->counts.blocks_read;
    double read = (double)e->counts.blocks_read / calls, share = all > 0 ? (double)e->counts.blocks_read / all : 0;
    query_remark *r =
        read >= COLD_BLOCKS && share >= COLD_SHARE ? query_add_remark(e, "reads_past_the_cache", 5) : NULL;
    if (!r)
        return;
    r->says = lb_printf(e->ctx, "each execution reads about %s blocks that were not in shared memory",
                        query_number(e->ctx, read));
    query_add_fact(r, lb_f64("blocks_read_per_call", read));
    query_add_fact(r, lb_f64("share_not_in_cache", share));
    query_add_term(r, "counted_by_the_server", 0.3);
}

static void counted_rows(query_evidence *e, double calls)
{
    double rows = (double)e->counts.rows / calls;
    query_remark *r = e->shape.only_reads && rows >= MANY_ROWS ? query_add_remark(e, "many_rows_returned", 4) : NULL;
    if (r) {
        r->says = lb_printf(e->ctx, "each execution returns about %s rows, which takes time to send and to read",
                            query_number(e->ctx, rows));
        query_add_fact(r, lb_f64("rows_per_call", rows));
        query_add_term(r, "counted_by_the_server", 0.3);
    }
    /* Of values that it was not told the planner can only guess what executions with them return. */
    bool is_estimate = e->plan_json && !e->shape.has_limit && !e->shape.has_parameters;
    double told = is_estimate && !query_root(&e->plan)->is_executed ? query_root(&e->plan)->rows : -1;
    double factor = told < 0 ? 0 : rows > told ? rows / (told < 1 ? 1 : told) : told / (rows < 1 ? 1 : rows);
    r = e->shape.only_reads && factor >= OFF_FACTOR && (rows > told ? rows : told) >= OFF_ROWS
            ? query_add_remark(e, "row_estimate_off", 6)
            : NULL;
    if (r) {
        r->says = lb_printf(e->ctx, "the planner expects %s rows in the end, and executions return about %s",
                            query_number(e->ctx, told), query_number(e->ctx, rows));
        query_add_fact(r, lb_f64("rows_expected", told));
        query_add_fact(r, lb_f64("rows_per_call", rows));
        query_add_term(r, "counted_by_the_server", 0.2); /* of rows that may have been others then */
    }
}

static void counts(query_evidence *e)
{
    double calls = (double)e->counts.calls;
    if (!e->is_counted || calls < 1)
        return;
    counted_spill(e, calls);
    counted_reads(e, calls);
    counted_rows(e, calls);
    double share = e->counts.total_ms > 0 ? e->counts.jit_ms / e->counts.total_ms : 0;
    query_remark *r = share >= JIT_SHARE ? query_add_remark(e, "compiled_for_nothing", 6) : NULL;
    if (r) {
        r->says = lb_printf(e->ctx, "just in time compilation takes %s of %s ms in all",
                            query_number(e->ctx, e->counts.jit_ms), query_number(e->ctx, e->counts.total_ms));
        query_add_fact(r, lb_f64("jit_ms", e->counts.jit_ms));
        query_add_fact(r, lb_f64("total_ms", e->counts.total_ms));
        query_add_term(r, "counted_by_the_server", 0.4);
    }
}

int query_apply_rules(query_evidence *e, lb_error *err)
{
    for (size_t i = 0; e->plan_json && i < e->plan.count; i++) {
        const query_step *s = &e->plan.steps[i];
        full_scan(e, s);
        computed_column(e, s);
        repeated_scan(e, s);
        spill(e, s);
        misestimate(e, s);
        stale_statistics(e, s);
        query_look_at_execution(e, s);
    }
    shape(e);
    counts(e);
    for (size_t i = 0; i < e->remark_count; i++)
        if (!e->remarks[i].says || !e->remarks[i].object)
            return lb_out_of_memory(err);
    return 0;
}
