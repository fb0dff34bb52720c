/* Indexes that are missing: first what the statements ask for, proven by the planner; where nobody counts statements,
 * at least the tables that are read in full again and again. */
#include "index_missing.h"

#include "index_rules.h"
#include "index_trial.h"

#include <sql/index/statements.h>
#include <stdlib.h>

#define GAIN        0.5 /* of the cost that has to go */
#define LEAST_COST  100
#define PER_TABLE   2
#define BUSY_FACTOR 10

/* ---- findings ---- */

static const lb_value *names_of(lb_ctx *ctx, const index_candidate *c, const char **ret_names)
{
    for (int i = 0; i < c->count; i++)
        ret_names[i] = c->columns[i]->r.name;
    return index_texts(ctx, "columns", ret_names, (size_t)c->count);
}

static bool is_proven(const index_candidate *c)
{
    return c->cost_after >= 0 && c->cost_before >= LEAST_COST && c->cost_after <= (1 - GAIN) * c->cost_before;
}

/* What the statements would no longer take, if all of their time went into finding these rows. */
static double saved_ms(const index_candidate *c)
{
    return is_proven(c) ? c->total_ms * (1 - c->cost_after / c->cost_before) : 0;
}

static const char *proof_text(lb_ctx *ctx, const index_work *work, const index_candidate *c)
{
    if (is_proven(c) && c->proven_on)
        return lb_printf(ctx, "built on the branch %s, it brings the planner's cost from %.0f to %.0f", c->proven_on,
                         c->cost_before, c->cost_after);
    if (is_proven(c))
        return lb_printf(ctx, "with it the planner's cost falls from %.0f to %.0f", c->cost_before, c->cost_after);
    if (c->table->r.kind[0] == 'p')
        return "the gain is unproven: on a partitioned table nothing can be tried without building it";
    return work->set->window.r.hypopg_schema ? "the gain is unproven: HypoPG could not be asked"
                                             : "the gain is unproven: HypoPG is not installed";
}

static int tell_missing(index_work *work, const index_candidate *c, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    const index_table *t = c->table;
    const char *columns[INDEX_CANDIDATE_KEYS], *name = NULL;
    index_fix fix = {0};
    const lb_value *list = names_of(ctx, c, columns);
    const index_wanted wanted = {
        .table = t, .columns = columns, .descending = c->descending, .count = (size_t)c->count};
    if (!list)
        return lb_out_of_memory(err);
    int r = index_fix_create(work, &wanted, &name, &fix, err);
    if (r < 0)
        return r;
    double writes = (double)(t->r.inserted + t->r.updated - t->r.updated_hot), days = work->set->window.days;
    return index_tell(
        work,
        &(index_finding){
            .kind = "missing_index",
            .type = "create_missing",
            .table = t,
            .new_index = name,
            .columns = list,
            .reason = lb_printf(
                ctx, "%lld statement(s), run %.0f times for %.0f ms, look for rows by these columns and %s; %s",
                (long long)c->statement_count, c->calls, c->total_ms,
                c->reads_all ? "read all of them" : "find no index for all of these", proof_text(ctx, work, c)),
            .evidence =
                LB_ARGS(list[0], lb_i64("statements", c->statement_count), lb_text("costliest_statement", c->query_id),
                        lb_f64("its_mean_ms", c->top_ms / (c->top_calls > 0 ? c->top_calls : 1)),
                        lb_f64("calls", c->calls), lb_f64("total_ms", c->total_ms), lb_f64("rows", index_table_rows(t)),
                        lb_i64("sequential_scans", t->r.seq_scans), lb_i64("rows_read_by_them", t->r.seq_rows),
                        lb_f64("cost_now", c->cost_before),
                        c->cost_after >= 0 ? lb_f64("cost_with_it", c->cost_after) : lb_null("cost_with_it"),
                        lb_bool("is_proven", is_proven(c)), lb_text("proven_on_branch", c->proven_on),
                        c->proven_on ? lb_f64("build_ms", c->build_ms) : lb_null("build_ms"),
                        lb_bool("serves_a_join", c->is_join), lb_bool("serves_an_order", c->is_ordered),
                        lb_f64("index_writes_per_day", days > 0 ? writes / days : 0),
                        lb_bool("blocks_writers", t->r.kind[0] == 'p')),
            .terms = LB_TERMS({"statements_ask_for_it", 0.4}, {"gain_is_proven", is_proven(c) ? 0.4 : 0},
                              {"whole_table_is_read", c->reads_all ? 0.1 : 0},
                              {"often_called", c->calls >= 1000 ? 0.1 : 0}, {"only_for_a_join", c->is_join ? -0.1 : 0}),
            .impact = LB_ARGS(lb_f64("ms_saved", saved_ms(c)),
                              c->bytes >= 0 ? lb_i64("bytes_added", c->bytes) : lb_null("bytes_added")),
            .fix = fix},
        err);
}

/* ---- from statements ---- */

static int compare_cost(const void *a, const void *b)
{
    double x = ((const index_candidate *)a)->total_ms, y = ((const index_candidate *)b)->total_ms;
    return (x < y) - (x > y);
}

static bool is_useful(const index_candidate *c)
{
    return c->cost_after >= 0 ? is_proven(c) : c->cost_before >= LEAST_COST && c->reads_all;
}

static bool has_enough(const index_candidates *list, size_t before)
{
    int count = 0;
    for (size_t k = 0; k < before; k++)
        count += list->items[k].table == list->items[before].table && is_useful(&list->items[k]);
    return count >= PER_TABLE;
}

static int ask_planner(index_work *work, const index_missing_limits *limits, index_candidates *list, lb_error *err)
{
    int r = 0;
    int64_t proofs = 0;
    for (size_t i = 0; i < list->count && r >= 0; i++) {
        index_candidate *c = &list->items[i];
        c->cost_before = c->cost_after = -1;
        if (has_enough(list, i)) {
            index_pass(work, "two indexes on one table are enough for one round");
            continue;
        }
        if (proofs++ >= limits->max_proofs) {
            index_pass(work, "max_proofs candidates that cost more were tried before");
            continue;
        }
        lb_progress(work->ctx, (int64_t)i, (int64_t)list->count, "candidates");
        c->is_tried = true;
        r = index_prove(work, c, err);
    }
    return r;
}

/* What looks useful and is unproven, all on one branch. */
static int ask_branch(index_work *work, const index_missing_limits *limits, index_candidates *list, lb_error *err)
{
    index_trial trial = {.ctx = work->ctx, .is_wanted = index_trial_is_wanted(limits->prove)};
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the elements are pointers */
    index_candidate **open = lb_alloc(work->ctx, (list->count + 1) * sizeof *open);
    size_t count = 0;
    if (!open)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].is_tried && list->items[i].cost_after < 0 && is_useful(&list->items[i]))
            open[count++] = &list->items[i];
    return index_trial_end(&trial, index_try(&trial, open, count, err), err);
}

static int judge(index_work *work, const index_missing_limits *limits, index_candidates *list, lb_error *err)
{
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare_cost);
    int r = ask_planner(work, limits, list, err);
    if (r >= 0)
        r = ask_branch(work, limits, list, err);
    for (size_t i = 0; i < list->count && r >= 0; i++) {
        index_candidate *c = &list->items[i];
        if (c->is_tried && is_useful(c))
            r = tell_missing(work, c, err);
        else if (c->is_tried)
            index_pass(work, "the planner would gain too little by them");
    }
    return r < 0 ? r : index_tell_passed(work, "candidates", err);
}

static int read_statement(index_work *work, const index_missing_limits *limits, const index_statements_row *row,
                          index_candidates *list, lb_error *err)
{
    index_level *levels = NULL;
    const index_candidate statement = {.calls = (double)row->calls,
                                       .total_ms = row->total_ms,
                                       .query_id = row->query_id,
                                       .top_calls = (double)row->calls,
                                       .top_ms = row->total_ms,
                                       .statement_count = 1};
    if (strcmp(row->query, "<insufficient privilege>") == 0 || !*row->query) {
        index_pass(work, "their texts may not be seen by this role");
        return 0;
    }
    int r = index_read_uses(work->ctx, row->query, &levels, err);
    if (r == LB_ERR_INVALID) {
        index_pass(work, "their texts do not parse: cut, or of another dialect");
        return 0;
    }
    return r < 0 ? r : index_add_candidates(work, limits, levels, &statement, list, err);
}

static int look_at_statements(index_work *work, const index_missing_limits *limits, index_candidates *list,
                              lb_error *err)
{
    const index_statements_args args = {.schema = work->set->window.r.statements_schema,
                                        .view = "pg_stat_statements",
                                        .min_calls = limits->min_calls,
                                        .min_mean_ms = limits->min_mean_ms,
                                        .min_share = limits->min_share,
                                        .most = limits->max_statements};
    index_statements_row row;
    lb_rows *rows = NULL;
    int r = index_statements(work->ctx, &args, &rows, err);
    if (r < 0)
        return r;
    int64_t count = lb_row_count(work->ctx, rows);
    while (r >= 0 && index_statements_next(work->ctx, rows, &row))
        r = lb_cancelled(work->ctx) ? lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled")
                                    : read_statement(work, limits, &row, list, err);
    if (r >= 0)
        r = index_tell_passed(work, "statements", err);
    return r < 0 ? r : lb_examined(work->ctx, "statements", count, err);
}

/* ---- from scans alone ---- */

static bool is_read_in_full(const index_table *t, const index_missing_limits *limits)
{
    int64_t scans = t->r.seq_scans;
    return t->r.kind[0] != 'p' && !t->r.is_of_extension && index_table_rows(t) >= (double)limits->min_rows &&
           t->r.bytes >= limits->min_bytes && scans >= limits->min_scans && t->r.seq_rows / scans >= limits->min_rows &&
           t->r.index_scans < BUSY_FACTOR * scans;
}

static int tell_scans(index_work *work, const index_table *t, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    return index_tell(
        work,
        &(index_finding){
            .kind = "sequential_scans",
            .table = t,
            .reason =
                lb_printf(ctx, "read in full %lld times, %.0f rows each; by which columns only statements can tell",
                          (long long)t->r.seq_scans, (double)t->r.seq_rows / (double)t->r.seq_scans),
            .evidence = LB_ARGS(lb_i64("sequential_scans", t->r.seq_scans), lb_i64("rows_read_by_them", t->r.seq_rows),
                                lb_i64("index_scans", t->r.index_scans), lb_f64("rows", index_table_rows(t)),
                                lb_i64("bytes", t->r.bytes), lb_time("counted_since", work->set->window.since)),
            .terms = LB_TERMS({"scans_counted", 0.3},
                              {"hardly_any_index_scan", t->r.index_scans < t->r.seq_scans ? 0.1 : 0}),
            .impact = LB_ARGS(lb_i64("rows_read", t->r.seq_rows))},
        err);
}

static int look_at_scans(index_work *work, const index_missing_limits *limits, const index_candidates *list,
                         bool statements, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < work->set->table_count && r >= 0; i++) {
        const index_table *t = &work->set->tables[i];
        bool is_asked = false;
        for (size_t k = 0; k < list->count; k++)
            is_asked = is_asked || list->items[k].table == t;
        if (t->r.bytes_is_null)
            index_pass(work, INDEX_LOCKED);
        if (is_asked || !is_read_in_full(t, limits))
            continue;
        const char *object = index_label(work->ctx, t->r.schema, t->r.name);
        if (!object)
            return lb_out_of_memory(err);
        r = statements
                ? lb_skipped(work->ctx, object, "it is read in full, by statements that no index would help", err)
                : tell_scans(work, t, err);
    }
    return r < 0 ? r : index_tell_passed(work, "tables", err);
}

int index_find_missing(index_work *work, const index_missing_limits *limits, lb_error *err)
{
    index_candidates list = {0};
    bool statements = work->set->window.r.statements_schema != NULL;
    int r = statements ? look_at_statements(work, limits, &list, err) : 0;
    const char *why =
        statements ? "pg_stat_statements is not loaded, or not ours to read" : "pg_stat_statements is not installed";
    if (r == LB_ERR_SQL || r == LB_ERR_DENIED || r == LB_ERR_CONFLICT)
        r = statements = false;
    if (r >= 0 && !statements)
        r = lb_skipped(work->ctx, "statements", why, err);
    if (r >= 0)
        r = judge(work, limits, &list, err);
    if (r >= 0)
        r = look_at_scans(work, limits, &list, statements, err);
    return r < 0 ? r : lb_examined(work->ctx, "tables", (int64_t)work->set->table_count, err);
}
