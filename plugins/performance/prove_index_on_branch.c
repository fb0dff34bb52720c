/* prove_index_on_branch: builds indexes on the branch that it runs on, one at a time, asks the planner before and
 * after, executes the statements that read the table, and writes some rows. The detectors make the branch for it; on
 * any other it refuses. */
#include "index_describe.h"
#include "index_load.h"
#include "index_trial.h"
#include "index_without.h"
#include "parsed.h"

#include <sql/index/drop_tree.h>
#include <sql/index/trial_size.h>
#include <sql/index/wal_position.h>

#define MOST 500

struct args {
    const char *candidates, *statements, *without_schema, *without_index;
    int64_t plans_ms, statement_ms, load_ms;
};

static const lb_param params[] = {
    LB_PARAM(
        struct args, candidates, LB_JSON, NULL,
        "list of {schema, table, columns: [{name, descending}], equal: how many of them are compared for "
        "equality, range, ordered; kind: 0 B-tree, 1 GIN, 2 BRIN, with use, sort and trigram_schema; beside; part, "
        "part_column, part_is_said}"),
    LB_PARAM(struct args, statements, LB_JSON, NULL,
             "list of {query_id, query, calls} that must not suffer by an index, or by its being gone"),
    LB_PARAM(struct args, without_schema, LB_TEXT, NULL, "the schema of the index that is dropped and made again"),
    LB_PARAM(struct args, without_index, LB_TEXT, NULL, "and its name: what statements lose without it"),
    LB_PARAM(struct args, plans_ms, LB_I64, "20000", "milliseconds that plans of the statements may take, in all",
             .min = "0"),
    LB_PARAM(struct args, statement_ms, LB_I64, "2000", "milliseconds that one execution of a statement may take",
             .min = "1", .max = "600000"),
    LB_PARAM(struct args, load_ms, LB_I64, "30000",
             "milliseconds that executing statements may take, in all; 0: none is executed", .min = "0",
             .max = "1800000"),
    LB_PARAMS_END,
};

typedef struct trial {
    index_described is;
    const char *name;
    size_t wanted_beside; /* of those that it may store */
    double cost_after, build_ms, cost_plain;
    int64_t bytes_plain, wal;
    index_mix mix;
    index_load *load; /* or NULL: no statements were given */
    double write_before, write_after;
    const char *load_text, *why_no_write;
} trial;

/* ---- trying ---- */

#define REASON "to see what the planner makes of it"

static int read_wal(lb_ctx *ctx, int64_t *ret_bytes, lb_error *err)
{
    index_wal_position_row row = {0};
    lb_rows *rows = NULL;
    int r = index_wal_position(ctx, &rows, err);
    if (r >= 0 && index_wal_position_next(ctx, rows, &row))
        *ret_bytes = row.bytes;
    return r;
}

/* In the plain way, as nobody else is here. */
static int build(index_work *work, trial *t, lb_error *err)
{
    const char *columns[INDEX_CANDIDATE_NAMES];
    const char *title = lb_printf(work->ctx, "try an index on %s.%s", t->is.table.r.schema, t->is.table.r.name);
    index_wanted wanted = index_wanted_of(&t->is.candidate, columns);
    index_fix fix = {0};
    wanted.beside_count = t->wanted_beside;
    int r = title ? index_fix_create(work, &wanted, &t->name, &fix, err) : lb_out_of_memory(err);
    int64_t began = lb_now(work->ctx), wal_before = 0, wal_after = 0;
    if (r >= 0)
        r = read_wal(work->ctx, &wal_before, err);
    if (r >= 0)
        r = index_trial_change(work->ctx, title, REASON, fix.statement, fix.values, err);
    t->build_ms = (double)(lb_now(work->ctx) - began) / 1000;
    if (r >= 0)
        r = read_wal(work->ctx, &wal_after, err);
    t->wal = wal_after - wal_before;
    return r;
}

static bool is_whole(const trial *t)
{
    return t->wanted_beside == (size_t)t->is.candidate.beside_count;
}

static int execute_with_it(trial *t, lb_error *err)
{
    if (!is_whole(t) || !t->load)
        return 0;
    int r = index_load_after(t->load, &t->is.table, err);
    t->load_text = r < 0 ? NULL : index_load_text(t->load);
    return r < 0 || t->load_text ? r : lb_out_of_memory(err);
}

/* Comes last: what is written leaves rows behind that are dead. */
static int write_with_it(index_work *work, trial *t, lb_error *err)
{
    return is_whole(t) ? index_load_write(work->ctx, &t->is.table, t->is.columns[0].r.name, &t->write_after,
                                          &t->why_no_write, err)
                       : 0;
}

static int look_after(index_work *work, trial *t, lb_error *err)
{
    const index_trial_size_args args = {.schema = t->is.table.r.schema, .name = t->name};
    index_trial_size_row row;
    lb_rows *rows = NULL;
    bool reads_all = false;
    int r = index_explain_candidate(work, &t->is.candidate, &t->cost_after, &reads_all, err);
    if (r >= 0)
        r = index_execute_candidate(work, &t->is.candidate, &t->is.candidate.blocks_after, err);
    if (r >= 0)
        r = execute_with_it(t, err);
    if (r >= 0)
        r = index_weigh_mix(work, is_whole(t) ? t->load : NULL, &t->mix, err);
    if (r >= 0)
        r = write_with_it(work, t, err);
    if (r >= 0)
        r = index_trial_size(work->ctx, &args, &rows, err);
    t->is.candidate.bytes = r >= 0 && index_trial_size_next(work->ctx, rows, &row) ? row.bytes : -1;
    return r;
}

/* The next one is measured without it. */
static int take_down(lb_ctx *ctx, const trial *t, lb_error *err)
{
    return index_trial_change(ctx, "drop the index that was tried", REASON, &index_drop_tree_sql,
                              LB_ARGS(lb_ident("schema", t->is.table.r.schema), lb_ident("name", t->name)), err);
}

static int build_and_look(index_work *work, trial *t, lb_error *err)
{
    lb_error ending;
    int r = build(work, t, err);
    if (r < 0)
        return r;
    r = look_after(work, t, err);
    int end = take_down(work->ctx, t, r < 0 ? &ending : err);
    if (r >= 0)
        r = end;
    return r < 0 || !is_whole(t) || t->why_no_write ? r
                                                    : index_load_write(work->ctx, &t->is.table, t->is.columns[0].r.name,
                                                                       &t->write_before, &t->why_no_write, err);
}

/* Without what it stores beside its keys first, where there is something. */
static int try_one(index_work *work, trial *t, lb_error *err)
{
    index_candidate *c = &t->is.candidate;
    t->cost_plain = -1;
    t->wanted_beside = (size_t)c->beside_count;
    int r = index_explain_candidate(work, c, &c->cost_before, &c->reads_all, err);
    if (r >= 0)
        r = index_execute_candidate(work, c, &c->blocks_before, err);
    if (r >= 0 && t->load)
        r = index_load_before(t->load, &t->is.table, err);
    if (r >= 0 && c->beside_count) {
        trial plain = *t;
        plain.wanted_beside = 0;
        r = build_and_look(work, &plain, err);
        t->cost_plain = plain.cost_after;
        t->bytes_plain = plain.is.candidate.bytes;
    }
    return r < 0 ? r : build_and_look(work, t, err);
}

static bool is_fatal(int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY;
}

static bool has_written(const trial *t)
{
    return !t->why_no_write;
}

static int tell(lb_ctx *ctx, const trial *t, const char *failure, lb_error *err)
{
    const index_candidate *c = &t->is.candidate;
    return failure
               ? lb_append(ctx, "proofs", LB_ARGS(lb_text("table", t->is.table.r.name), lb_text("error", failure)), err)
               : lb_append(
                     ctx, "proofs",
                     LB_ARGS(lb_text("table", t->is.table.r.name), lb_f64("cost_before", c->cost_before),
                             lb_f64("cost_after", t->cost_after), lb_bool("reads_all", c->reads_all),
                             lb_i64("bytes", c->bytes), lb_f64("build_ms", t->build_ms),
                             lb_f64("blocks_before", c->blocks_before), lb_f64("blocks_after", c->blocks_after),
                             lb_i64("build_wal_bytes", t->wal), lb_i64("mix_worse", t->mix.worse),
                             t->mix.asked ? lb_f64("mix_before", t->mix.before) : lb_null("mix_before"),
                             lb_f64("mix_after", t->mix.after), lb_text("mix_worst", t->mix.worst),
                             t->load_text ? lb_json("load", t->load_text) : lb_null("load"),
                             has_written(t) ? lb_f64("row_wal_before", t->write_before) : lb_null("row_wal_before"),
                             has_written(t) ? lb_f64("row_wal_after", t->write_after) : lb_null("row_wal_after"),
                             lb_text("why_no_write", t->why_no_write),
                             t->cost_plain >= 0 ? lb_f64("cost_plain", t->cost_plain) : lb_null("cost_plain"),
                             t->cost_plain >= 0 ? lb_i64("bytes_plain", t->bytes_plain) : lb_null("bytes_plain")),
                     err);
}

static void release(void *document)
{
    parsed_free(document);
}

static int try_all(index_work *work, struct json_object *list, index_load *load, lb_error *err)
{
    size_t count = json_object_array_length(list);
    int r = count <= MOST ? 0 : lb_fail(err, LB_ERR_LIMIT, NULL, "at most %d can be tried in one run", MOST);
    for (size_t i = 0; i < count && r >= 0; i++) {
        trial t = {.load = load};
        lb_error why;
        r = index_read_described(parsed_item(list, i), &t.is, err);
        if (r < 0)
            return r;
        lb_progress(work->ctx, (int64_t)i, (int64_t)count, "indexes");
        r = i ? index_plan_again(work, &why) : 0;
        if (r >= 0)
            r = try_one(work, &t, &why);
        if (is_fatal(r))
            *err = why;
        else
            r = tell(work->ctx, &t, r < 0 ? why.message : NULL, err);
    }
    return r;
}

static const index_info *find_index(const index_set *set, const char *schema, const char *name)
{
    for (size_t i = 0; i < set->index_count; i++)
        if (strcmp(set->indexes[i].r.name, name) == 0 && strcmp(set->indexes[i].r.schema, schema) == 0)
            return &set->indexes[i];
    return NULL;
}

static int try_without(index_work *work, const struct args *args, lb_error *err)
{
    index_without without;
    int r = index_read(work->ctx, false, &work->set, err);
    const index_info *x = r < 0 ? NULL : find_index(work->set, args->without_schema, args->without_index);
    if (r >= 0 && !x)
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "there is no index %s.%s on the branch", args->without_schema,
                       args->without_index);
    if (r >= 0)
        r = index_give_statements(work, args->statements, args->plans_ms, err);
    if (r >= 0)
        r = index_try_without(work, x, &without, err);
    return r < 0 ? r : index_tell_without(work->ctx, &without, err);
}

static int try_candidates(index_work *work, const struct args *args, lb_error *err)
{
    struct json_object *list = json_tokener_parse(args->candidates);
    int r = lb_defer(work->ctx, release, list);
    if (r < 0)
        return lb_out_of_memory(err);
    if (!json_object_is_type(list, json_type_array))
        return lb_fail(err, LB_ERR_INVALID, "give a list", "candidates holds no list");
    index_load *load = NULL;
    if (args->statements)
        r = index_give_statements(work, args->statements, args->plans_ms, err);
    if (r >= 0 && args->statements && args->load_ms)
        r = index_load_new(work->ctx, args->statements, args->statement_ms, args->load_ms, &load, err);
    return r < 0 ? r : try_all(work, list, load, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    index_work work = {.ctx = ctx, .tell = index_report};
    bool is_drop = args->statements && args->without_schema && args->without_index;
    if (!is_drop && !args->candidates)
        return lb_fail(err, LB_ERR_INVALID, "see `lbops tools prove_index_on_branch`",
                       "there are neither candidates, nor statements with an index to be without");
    int r = index_trial_is_here(ctx, "built", err);
    if (r >= 0 && args->candidates)
        r = try_candidates(&work, args, err);
    return r >= 0 && is_drop ? try_without(&work, args, err) : r;
}

LB_TOOL(prove_index_on_branch,
        "what indexes would gain, or their going lose, by building or dropping them on the throwaway branch it runs on",
        .agent = "performance", .risk = LB_RISK_LOW, .timeout_s = 3600, LB_TOOL_ARGS(struct args, params), .run = run);
