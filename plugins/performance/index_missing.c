/* Indexes that are missing: first what the statements ask for, proven by the planner; where nobody counts statements,
 * at least the tables that are read in full again and again. */
#include "index_missing.h"

#include "amount.h"
#include "index_load.h"
#include "index_rules.h"
#include "index_statements.h"
#include "index_trial.h"
#include "index_without.h"
#include "index_writes.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#define MIX        50 /* statements that must not suffer by an index that is tried out */
#define LEAST_COST 100
#define PER_TABLE  2
#define MUCH_LOG   1.5 /* times the bytes of log for a row */

/* ---- findings ---- */

static bool is_proven(const index_candidate *c)
{
    return index_is_proven(c, LEAST_COST);
}

/* What the statements would no longer take, if all of their time went into finding these rows. */
static double saved_ms(const index_candidate *c)
{
    return is_proven(c) ? c->total_ms * (1 - c->cost_after / c->cost_before) : 0;
}

/* What was measured of all that reads and writes the table. */
static const char *load_text(lb_ctx *ctx, const index_candidate *c)
{
    const char *reads = "", *writes = "";
    if (c->load_before >= 0)
        reads = lb_printf(ctx, "; the table's statements, executed there, take %.3g ms a call and took %.3g%s",
                          c->load_after, c->load_before, index_load_slower_text(ctx, c->load));
    if (c->write_before >= 0)
        writes =
            lb_printf(ctx, "; a row that is written logs %.0f bytes and logged %.0f", c->write_after, c->write_before);
    const char *text = lb_printf(ctx, "%s%s", reads, writes);
    return text ? text : "";
}

static const char *harm_text(lb_ctx *ctx, const index_candidate *c)
{
    const char *names = c->columns[0]->r.name;
    for (int i = 1; names && i < c->count; i++)
        names = lb_printf(ctx, "%s, %s", names, c->columns[i]->r.name);
    return lb_printf(ctx,
                     "an index of (%s), built on the branch %s, makes the table's statements slower: executed there "
                     "they take %.3g ms a call and took %.3g%s",
                     names ? names : "", c->proven_on, c->load_after, c->load_before,
                     index_load_slower_text(ctx, c->load));
}

static const char *proof_text(lb_ctx *ctx, const index_work *work, const index_candidate *c)
{
    if (is_proven(c) && c->proven_on)
        return lb_printf(
            ctx,
            "built on the branch %s, it brings the planner's cost from %.0f to %.0f, and the blocks that "
            "are read from %.0f to %.0f%s%s",
            c->proven_on, c->cost_before, c->cost_after, c->blocks_before, c->blocks_after, load_text(ctx, c),
            c->kind == INDEX_GIN ? " (of a search for the value of one row: others may find more rows)" : "");
    if (is_proven(c))
        return lb_printf(ctx, "with it the planner's cost falls from %.0f to %.0f", c->cost_before, c->cost_after);
    if (c->table->r.kind[0] == 'p')
        return "the gain is unproven: on a partitioned table nothing can be tried without building it";
    if (c->kind == INDEX_GIN)
        return "the gain is unproven: HypoPG knows no GIN, so that it has to be built on a branch";
    return work->set->window.r.hypopg_schema ? "the gain is unproven: HypoPG could not be asked"
                                             : "the gain is unproven: HypoPG is not installed";
}

static const char *redundant_text(lb_ctx *ctx, const index_candidate *c, const char *beginning)
{
    const char *names = "";
    for (int i = 0; names && i < c->redundant_count; i++)
        names = lb_printf(ctx, "%s%s%s", names, i ? ", " : beginning, c->redundant[i]->r.name);
    return names;
}

/* Its executions may be counted in part only, and who else asks for it, or suffers by it, may be among what is gone. */
static const char *evicted_text(lb_ctx *ctx, const index_counting *counting)
{
    return counting->evictions > 0
               ? lb_printf(ctx,
                           "; statements were dropped %s to make room since they are counted, so that more may ask for "
                           "it, or suffer by it, than is known",
                           amount_text(ctx, (double)counting->evictions, "time", "times"))
               : "";
}

static const char *kind_word(const index_candidate *c)
{
    return c->kind == INDEX_GIN ? "gin" : c->kind == INDEX_BRIN ? "brin" : "btree";
}

static const char *part_word(const index_candidate *c)
{
    static const char *const words[] = {NULL, "is not null", "is null", "is true", "is false"};
    return words[c->part];
}

typedef struct scan_sum {
    int64_t times, rows;
} scan_sum;

/* Of a partitioned table it is its partitions that are read. */
static scan_sum scans_of(const index_set *set, const index_table *table)
{
    scan_sum all = {table->r.seq_scans, table->r.seq_rows};
    for (size_t i = 0; table->r.kind[0] == 'p' && i < set->table_count; i++) {
        const index_table *t = &set->tables[i];
        bool counts = t != table && index_is_below(t, table);
        all.times += counts ? t->r.seq_scans : 0;
        all.rows += counts ? t->r.seq_rows : 0;
    }
    return all;
}

static const lb_value *evidence_of(index_work *work, const index_candidate *c, const char *const *columns,
                                   const index_counting *counting, double write_us, bool blocks)
{
    lb_ctx *ctx = work->ctx;
    const index_table *t = c->table;
    const lb_value *list = index_texts(ctx, "columns", columns, (size_t)c->count),
                   *beside = index_texts(ctx, "stored_beside", columns + c->count, (size_t)c->beside_count);
    double days = work->set->window.own_days;
    index_write_rate rate = index_writes_per_day(work, t);
    scan_sum seen = scans_of(work->set, t);
    if (!list || !beside)
        return NULL;
    const lb_value values[] = {
        list[0],
        lb_text("method", kind_word(c)),
        beside[0],
        lb_text("only_rows_where", c->part ? c->part_column->r.name : NULL),
        lb_text("is", part_word(c)),
        c->part ? lb_f64("share_of_rows", c->part_share) : lb_null("share_of_rows"),
        lb_text("takes_the_place_of", c->extends ? c->extends->r.name : NULL),
        lb_text("makes_redundant", c->redundant_count ? redundant_text(ctx, c, "") : NULL),
        lb_i64("statements", c->statement_count),
        lb_text("costliest_statement", c->query_id),
        lb_f64("its_mean_ms", c->top_ms / (c->top_calls > 0 ? c->top_calls : 1)),
        lb_f64("calls", c->calls),
        lb_f64("total_ms", c->total_ms),
        counting->since ? lb_time("statements_counted_since", counting->since) : lb_null("statements_counted_since"),
        counting->evictions >= 0 ? lb_i64("evictions", counting->evictions) : lb_null("evictions"),
        c->rows_per_call >= 0 ? lb_f64("rows_per_call", c->rows_per_call) : lb_null("rows_per_call"),
        lb_f64("rows", index_table_rows(t)),
        lb_i64("sequential_scans", seen.times),
        lb_i64("rows_read_by_them", seen.rows),
        lb_f64("cost_now", c->cost_before),
        c->cost_after >= 0 ? lb_f64("cost_with_it", c->cost_after) : lb_null("cost_with_it"),
        c->cost_plain >= 0 ? lb_f64("cost_with_its_keys_alone", c->cost_plain) : lb_null("cost_with_its_keys_alone"),
        c->blocks_before >= 0 ? lb_f64("blocks_now", c->blocks_before) : lb_null("blocks_now"),
        c->blocks_before >= 0 ? lb_f64("blocks_with_it", c->blocks_after) : lb_null("blocks_with_it"),
        lb_bool("is_proven", is_proven(c)),
        lb_text("proven_on_branch", c->proven_on),
        lb_text("proven_at_lsn", c->proven_at),
        c->proven_on ? lb_f64("build_ms", c->build_ms) : lb_null("build_ms"),
        c->proven_on ? lb_i64("build_wal_bytes", c->build_wal) : lb_null("build_wal_bytes"),
        c->mix_before >= 0 ? lb_f64("cost_of_all_now", c->mix_before) : lb_null("cost_of_all_now"),
        c->mix_before >= 0 ? lb_f64("cost_of_all_with_it", c->mix_after) : lb_null("cost_of_all_with_it"),
        c->mix_before >= 0 ? lb_i64("statements_worse", c->mix_worse) : lb_null("statements_worse"),
        c->load ? lb_json("executed", c->load) : lb_null("executed"),
        c->write_before >= 0 ? lb_f64("wal_bytes_per_row_now", c->write_before) : lb_null("wal_bytes_per_row_now"),
        c->write_before >= 0 ? lb_f64("wal_bytes_per_row_with_it", c->write_after)
                             : lb_null("wal_bytes_per_row_with_it"),
        lb_text("why_no_row_was_written", c->why_no_write),
        lb_bool("serves_a_join", c->is_join),
        lb_bool("serves_an_order", c->is_ordered),
        INDEX_WRITES_IMPACT(rate),
        INDEX_WRITES_EVIDENCE(rate),
        days >= INDEX_RATE_DAYS ? lb_f64("writers_pay_ms", index_write_ms(c, write_us)) : lb_null("writers_pay_ms"),
        lb_text("note", c->use == INDEX_USE_PATTERN ? "patterns are not known: where all begin with plain letters, a "
                                                      "B-tree with text_pattern_ops serves them, and is smaller"
                                                    : NULL),
        lb_bool("blocks_writers", blocks),
        {.type = LB_END}};
    lb_value *kept = lb_alloc(ctx, sizeof values);
    return kept ? memcpy(kept, values, sizeof values) : NULL;
}

static bool logs_much(const index_candidate *c)
{
    return c->write_before >= 0 && c->write_after > MUCH_LOG * c->write_before;
}

static int tell_missing(index_work *work, const index_missing_limits *limits, const index_counting *counting,
                        index_candidate *c, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    const char *columns[INDEX_CANDIDATE_NAMES], *name = NULL;
    index_fix fix = {0};
    index_name_redundant(work->set, c);
    const index_wanted wanted = index_wanted_of(c, columns);
    int r = index_fix_create(work, &wanted, &name, &fix, err);
    if (r < 0)
        return r;
    bool blocks = c->table->r.kind[0] == 'p' && !fix.step_count;
    const lb_value *evidence = evidence_of(work, c, columns, counting, limits->write_us, blocks);
    if (!evidence)
        return lb_out_of_memory(err);
    return index_tell(
        work,
        &(index_finding){
            .kind = "missing_index",
            .type = "create_missing",
            .table = c->table,
            .new_index = name,
            .columns = evidence,
            .reason = lb_printf(
                ctx, "%lld statement(s), run %.0f times for %.0f ms, look for rows by these columns and %s; %s%s%s",
                (long long)c->statement_count, c->calls, c->total_ms,
                c->reads_all ? "read all of them" : "find no index for all of these", proof_text(ctx, work, c),
                redundant_text(ctx, c, "; it does all that these do, which can go then: "),
                evicted_text(ctx, counting)),
            .evidence = evidence,
            .terms = LB_TERMS({"statements_ask_for_it", 0.4}, {"gain_is_proven", is_proven(c) ? 0.4 : 0},
                              {"whole_table_is_read", c->reads_all ? 0.1 : 0},
                              {"often_called", c->calls >= 1000 ? 0.1 : 0}, {"only_for_a_join", c->is_join ? -0.1 : 0},
                              {"one_value_was_tried", c->kind == INDEX_GIN ? -0.1 : 0},
                              {"pattern_is_not_known", c->use == INDEX_USE_PATTERN ? -0.1 : 0},
                              {"statements_were_evicted", counting->evictions > 0 ? -0.1 : 0},
                              {"a_statement_got_slower", c->load_slower ? -0.1 : 0},
                              {"rows_log_half_as_much_again", logs_much(c) ? -0.1 : 0}),
            .impact = LB_ARGS(lb_f64("ms_saved", saved_ms(c)),
                              c->bytes >= 0 ? lb_i64("bytes_added", c->bytes) : lb_null("bytes_added")),
            .fix = fix,
            .rehearsed = c->proven_on ? work->trial : NULL},
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

/* Rows without a value may be missing from that index, and nobody finds these by one. */
static bool is_promised(const index_work *work, const index_candidate *c)
{
    return c->kind == INDEX_BTREE && c->part == INDEX_PART_ALL && c->count == c->equal_count && !c->beside_count &&
           index_is_promised(work, c->table, c->columns, c->count);
}

static int ask_planner(index_work *work, const index_missing_limits *limits, index_candidates *list, lb_error *err)
{
    int r = 0;
    int64_t proofs = 0;
    for (size_t i = 0; i < list->count && r >= 0; i++) {
        index_candidate *c = &list->items[i];
        c->cost_before = c->cost_after = c->cost_plain = c->blocks_before = c->blocks_after = c->mix_before = -1;
        c->load_before = c->write_before = -1;
        if (is_promised(work, c)) {
            index_pass(work, "the index that is proposed for a foreign key serves {it|them}");
            continue;
        }
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
static int ask_branch(index_work *work, index_candidates *list, lb_error *err)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the elements are pointers */
    index_candidate **open = lb_alloc(work->ctx, (list->count + 1) * sizeof *open);
    size_t count = 0;
    if (!open)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].is_tried && list->items[i].cost_after < 0 && is_useful(&list->items[i]))
            open[count++] = &list->items[i];
    if (!work->trial || !work->trial->is_wanted || !count)
        return 0;
    int r = index_statements_text(work, MIX, &work->trial->statements, err);
    return r < 0 ? r : index_try(work->trial, open, count, err);
}

/* What was written in the first minutes is a load, and says nothing of days to come; no more does what was written
 * before statements were counted, or the reverse. */
static bool is_too_dear(const index_work *work, const index_missing_limits *limits, int64_t statements_since,
                        const index_candidate *c)
{
    double gain = is_proven(c) ? saved_ms(c) : c->total_ms;
    return work->set->window.own_days >= INDEX_RATE_DAYS && index_counts_agree(&work->set->window, statements_since) &&
           gain < index_write_ms(c, limits->write_us);
}

static int judge(index_work *work, const index_missing_limits *limits, const index_counting *counting,
                 index_candidates *list, lb_error *err)
{
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare_cost);
    int r = ask_planner(work, limits, list, err);
    if (r >= 0)
        r = ask_branch(work, list, err);
    for (size_t i = 0; i < list->count && r >= 0; i++) {
        index_candidate *c = &list->items[i];
        if (c->is_tried && is_useful(c) && is_too_dear(work, limits, counting->since, c))
            index_pass(work, "those who write to the table would pay more than those who read it gain");
        else if (c->is_tried && is_useful(c))
            r = tell_missing(work, limits, counting, c, err);
        else if (c->is_tried && index_load_harms(c->load_before, c->load_after))
            r = lb_skipped(work->ctx, index_label(work->ctx, c->table->r.schema, c->table->r.name),
                           harm_text(work->ctx, c), err);
        else if (c->is_tried && c->mix_worse)
            index_pass(work, "other statements would cost more by a tenth and above, as a branch has shown");
        else if (c->is_tried && c->cost_before < 0)
            index_pass(work, "the planner does not say what {it|they} would gain: not ours to read, or gone meanwhile");
        else if (c->is_tried)
            index_pass(work, "the planner would gain too little by {it|them}");
    }
    return r < 0 ? r : index_tell_passed(work, "candidate", "candidates", err);
}

/* Commands look for no rows. Some do not parse once the server has put $1 in the place of their values. */
static bool begins_like_a_query(const char *text)
{
    static const char *const words[] = {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"};
    while (*text == '(' || isspace((unsigned char)*text))
        text++;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strncasecmp(text, words[i], strlen(words[i])) == 0)
            return true;
    return strncmp(text, "/*", 2) == 0 || strncmp(text, "--", 2) == 0; /* whatever comes behind it */
}

static int read_statement(index_work *work, const index_missing_limits *limits, const index_statements_row *row,
                          index_candidates *list, lb_error *err)
{
    index_level *levels = NULL;
    const index_candidate statement = {.calls = (double)row->calls,
                                       .total_ms = row->total_ms,
                                       .rows_per_call = (double)row->rows / (double)(row->calls > 0 ? row->calls : 1),
                                       .query_id = row->query_id,
                                       .top_calls = (double)row->calls,
                                       .top_ms = row->total_ms,
                                       .statement_count = 1};
    if (strcmp(row->query, "<insufficient privilege>") == 0 || !*row->query) {
        index_pass(work, "{its text|their texts} may not be seen by this role");
        return 0;
    }
    int r = index_read_uses(work->ctx, row->query, &levels, err);
    if (r == LB_ERR_INVALID) {
        if (begins_like_a_query(row->query))
            index_pass(work, "{its text does|their texts do} not parse: cut, or of another dialect");
        return 0;
    }
    return r < 0 ? r : index_add_candidates(work, limits, levels, &statement, list, err);
}

static int look_at_statements(index_work *work, const index_missing_limits *limits, index_candidates *list,
                              lb_error *err)
{
    index_statements_args args = {.min_calls = limits->min_calls,
                                  .min_mean_ms = limits->min_mean_ms,
                                  .min_share = limits->min_share,
                                  .most = limits->max_statements};
    index_statements_row row;
    lb_rows *rows = NULL;
    int r = index_ask_statements(work, &args, &rows, err);
    if (r < 0)
        return r;
    list->is_named = lb_alloc(work->ctx, (work->set->table_count + 1) * sizeof *list->is_named);
    if (!list->is_named)
        return lb_out_of_memory(err);
    int64_t count = lb_row_count(work->ctx, rows);
    while (r >= 0 && index_statements_next(work->ctx, rows, &row))
        r = lb_cancelled(work->ctx) ? lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled")
                                    : read_statement(work, limits, &row, list, err);
    if (r >= 0)
        r = index_tell_passed(work, "statement", "statements", err);
    return r < 0 ? r : lb_examined(work->ctx, "statements", count, err);
}

/* What nobody counts any more asks for nothing here. */
static int ask_counting(index_work *work, index_counting *ret_counting, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    int r = index_ask_counting(work, ret_counting, err);
    if (r < 0 || ret_counting->evictions < 1)
        return r;
    return lb_skipped(ctx, "statements",
                      lb_printf(ctx,
                                "since it counts them the server has made room %s by dropping those that ran least: "
                                "what these asked for is not known",
                                amount_text(ctx, (double)ret_counting->evictions, "time", "times")),
                      err);
}

int index_find_missing(index_work *work, const index_missing_limits *limits, lb_error *err)
{
    index_candidates list = {0};
    index_counting counting = {.evictions = -1};
    bool statements = work->set->window.r.statements_schema != NULL;
    int r = statements ? look_at_statements(work, limits, &list, err) : 0;
    const char *why =
        statements ? "pg_stat_statements is not loaded, or not ours to read" : "pg_stat_statements is not installed";
    if (r == LB_ERR_SQL || r == LB_ERR_DENIED || r == LB_ERR_CONFLICT)
        r = statements = false;
    if (r >= 0 && !statements)
        r = lb_skipped(work->ctx, "statements", why, err);
    if (r >= 0 && statements)
        r = ask_counting(work, &counting, err);
    if (r >= 0)
        r = judge(work, limits, &counting, &list, err);
    if (r >= 0)
        r = index_look_at_scans(work, limits, &list, statements, err);
    return r < 0 ? r : lb_examined(work->ctx, "tables", (int64_t)work->set->table_count, err);
}
