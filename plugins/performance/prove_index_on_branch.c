/* prove_index_on_branch: builds indexes on the branch that it runs on, one at a time, and asks the planner before and
 * after. The detectors make the branch for it; on any other it refuses. */
#include "index_trial.h"

#include <json-c/json.h>
#include <sql/index/drop_tree.h>
#include <sql/index/trial_size.h>

#define MOST 500

struct args {
    const char *candidates;
};

static const lb_param params[] = {
    LB_PARAM(struct args, candidates, LB_JSON, NULL,
             "list of {schema, table, columns: [{name, descending}], equal: how many of them are compared for "
             "equality, range, ordered}",
             .required = true),
    LB_PARAMS_END,
};

/* What a candidate points to, without the catalogue. Its table may be partitioned, and is treated as if it were. */
typedef struct trial {
    index_candidate candidate;
    index_table table;
    index_column columns[INDEX_CANDIDATE_KEYS];
    const char *name;
    double cost_after, build_ms;
} trial;

/* ---- what is to be tried ---- */

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_is_type(from, json_type_object) && json_object_object_get_ex(from, name, &found) ? found : NULL;
}

static const char *text_of(struct json_object *from, const char *name)
{
    struct json_object *found = member(from, name);
    return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : NULL;
}

static int read_trial(struct json_object *from, trial *t, lb_error *err)
{
    struct json_object *columns = member(from, "columns");
    size_t count = json_object_is_type(columns, json_type_array) ? json_object_array_length(columns) : 0;
    t->table.r = (index_tables_row){.schema = text_of(from, "schema"), .name = text_of(from, "table"), .kind = "p"};
    t->candidate = (index_candidate){.table = &t->table,
                                     .count = (int)count,
                                     .equal_count = json_object_get_int(member(from, "equal")),
                                     .is_range = json_object_get_boolean(member(from, "range")),
                                     .is_ordered = json_object_get_boolean(member(from, "ordered"))};
    bool is_whole = t->table.r.schema && t->table.r.name && count >= 1 && count <= INDEX_CANDIDATE_KEYS &&
                    t->candidate.equal_count >= 0 && t->candidate.equal_count <= (int)count;
    for (size_t i = 0; i < count && is_whole; i++) {
        struct json_object *column = json_object_array_get_idx(columns, i);
        t->columns[i].r.name = text_of(column, "name");
        t->candidate.columns[i] = &t->columns[i];
        t->candidate.descending[i] = json_object_get_boolean(member(column, "descending"));
        is_whole = t->columns[i].r.name != NULL;
    }
    return is_whole ? 0
                    : lb_fail(err, LB_ERR_INVALID, "see `lbops tools prove_index_on_branch`",
                              "a candidate has no schema, table or columns (1 to %d)", INDEX_CANDIDATE_KEYS);
}

/* ---- trying ---- */

static int change(lb_ctx *ctx, const char *title, const lb_statement *statement, const lb_value *values, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    int r = lb_change_one(ctx,
                          LB_GROUP(.title = title, .reason = "to see what the planner makes of it",
                                   .undo = "none is needed: the branch is thrown away"),
                          statement, values, &outcome, err);
    return r < 0 || outcome == LB_APPLIED
               ? r
               : lb_fail(err, LB_ERR_DENIED, "see the gate's rules for the branch", "the gate did not let it be built");
}

/* In the plain way, as nobody else is here. */
static int build(index_work *work, trial *t, lb_error *err)
{
    const char *columns[INDEX_CANDIDATE_KEYS];
    const char *title = lb_printf(work->ctx, "try an index on %s.%s", t->table.r.schema, t->table.r.name);
    const index_candidate *c = &t->candidate;
    for (int i = 0; i < c->count; i++)
        columns[i] = c->columns[i]->r.name;
    const index_wanted wanted = {
        .table = &t->table, .columns = columns, .descending = c->descending, .count = (size_t)c->count};
    index_fix fix = {0};
    int r = title ? index_fix_create(work, &wanted, &t->name, &fix, err) : lb_out_of_memory(err);
    int64_t began = lb_now(work->ctx);
    if (r >= 0)
        r = change(work->ctx, title, fix.statement, fix.values, err);
    t->build_ms = (double)(lb_now(work->ctx) - began) / 1000;
    return r;
}

static int look_after(index_work *work, trial *t, lb_error *err)
{
    const index_trial_size_args args = {.schema = t->table.r.schema, .name = t->name};
    index_trial_size_row row;
    lb_rows *rows = NULL;
    bool reads_all = false;
    int r = index_explain_candidate(work, &t->candidate, &t->cost_after, &reads_all, err);
    if (r >= 0)
        r = index_trial_size(work->ctx, &args, &rows, err);
    t->candidate.bytes = r >= 0 && index_trial_size_next(work->ctx, rows, &row) ? row.bytes : -1;
    return r;
}

/* The next one is measured without it. */
static int take_down(lb_ctx *ctx, const trial *t, lb_error *err)
{
    return change(ctx, "drop the index that was tried", &index_drop_tree_sql,
                  LB_ARGS(lb_ident("schema", t->table.r.schema), lb_ident("name", t->name)), err);
}

static int try_one(index_work *work, trial *t, lb_error *err)
{
    lb_error ending;
    int r = index_explain_candidate(work, &t->candidate, &t->candidate.cost_before, &t->candidate.reads_all, err);
    if (r >= 0)
        r = build(work, t, err);
    if (r < 0)
        return r;
    r = look_after(work, t, err);
    int end = take_down(work->ctx, t, r < 0 ? &ending : err);
    return r < 0 ? r : end;
}

static bool is_fatal(int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY;
}

static int tell(lb_ctx *ctx, const trial *t, const char *failure, lb_error *err)
{
    const index_candidate *c = &t->candidate;
    return failure
               ? lb_append(ctx, "proofs", LB_ARGS(lb_text("table", t->table.r.name), lb_text("error", failure)), err)
               : lb_append(ctx, "proofs",
                           LB_ARGS(lb_text("table", t->table.r.name), lb_f64("cost_before", c->cost_before),
                                   lb_f64("cost_after", t->cost_after), lb_bool("reads_all", c->reads_all),
                                   lb_i64("bytes", c->bytes), lb_f64("build_ms", t->build_ms)),
                           err);
}

static void release(void *document)
{
    (void)json_object_put(document);
}

static int try_all(index_work *work, struct json_object *list, lb_error *err)
{
    size_t count = json_object_array_length(list);
    int r = count <= MOST ? 0 : lb_fail(err, LB_ERR_LIMIT, NULL, "at most %d can be tried in one run", MOST);
    for (size_t i = 0; i < count && r >= 0; i++) {
        trial t = {0};
        lb_error why;
        r = read_trial(json_object_array_get_idx(list, i), &t, err);
        if (r < 0)
            return r;
        lb_progress(work->ctx, (int64_t)i, (int64_t)count, "indexes");
        r = try_one(work, &t, &why);
        if (is_fatal(r))
            *err = why;
        else
            r = tell(work->ctx, &t, r < 0 ? why.message : NULL, err);
    }
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    index_work work = {.ctx = ctx, .tell = index_report};
    struct json_object *list = json_tokener_parse(args->candidates);
    int r = lb_defer(ctx, release, list);
    if (r < 0)
        return lb_out_of_memory(err);
    if (!json_object_is_type(list, json_type_array))
        return lb_fail(err, LB_ERR_INVALID, "give a list", "candidates holds no list");
    if (lb_run_target(ctx)->branch_class != LB_BRANCH_THROWAWAY)
        return lb_fail(err, LB_ERR_DENIED,
                       "declare it in the manifest: [[targets]] branch = \"perf-*\", class = "
                       "\"throwaway\", pattern = true",
                       "%s is no branch to throw away, so nothing is built on it", lb_run_target(ctx)->branch);
    return try_all(&work, list, err);
}

LB_TOOL(prove_index_on_branch, "what indexes would gain, by building them on the throwaway branch it runs on",
        .agent = "performance", .risk = LB_RISK_LOW, .timeout_s = 3600, LB_TOOL_ARGS(struct args, params), .run = run);
