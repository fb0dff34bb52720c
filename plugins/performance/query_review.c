#include "query_review.h"

#include "amount.h"

#include <math.h>
#include <sql/query/baseline.h>
#include <sql/query/evictions.h>
#include <sql/query/lately.h>
#include <sql/query/reviews.h>
#include <stdlib.h>

#define HOUR        INT64_C(3600000000)
#define RECENT_MOST 5000 /* statements of late that are looked at */
#define CRITICAL    10   /* times the limit */

/* Of a call; -1: not known. */
typedef struct past_call {
    double rows, blocks;
} past_call;

typedef struct past_statement {
    int64_t query_id;
    double before_ms, recent_ms; /* a call; -1: not known */
    past_call before, recent;
    bool is_settled; /* it waits, or a person has said no */
} past_statement;

struct query_past {
    past_statement *items;
    size_t count;
    double evictions;
};

static past_statement *find(const query_past *past, int64_t query_id)
{
    for (size_t i = 0; i < past->count; i++)
        if (past->items[i].query_id == query_id)
            return &past->items[i];
    return NULL;
}

static past_call call_of(int64_t calls, bool is_unknown, int64_t rows, int64_t blocks)
{
    return is_unknown || calls < QUERY_LEAST_CALLS
               ? (past_call){-1, -1}
               : (past_call){(double)rows / (double)calls, (double)blocks / (double)calls};
}

static double mean_of(int64_t calls, double ms)
{
    return calls >= QUERY_LEAST_CALLS ? ms / (double)calls : -1;
}

static int read_baselines(lb_ctx *ctx, int64_t database_id, int64_t recent_us, query_past *past, const lb_i64s *ids,
                          lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    int64_t now = lb_now(ctx);
    const query_baseline_args args = {.project = target->project,
                                      .branch = target->branch,
                                      .database_id = database_id,
                                      .since = now - QUERY_BASELINE_US,
                                      .until = now - recent_us, /* what runs now is not its own baseline */
                                      .query_ids = *ids};
    query_baseline_row row;
    lb_rows *rows = NULL;
    int r = query_baseline(ctx, &args, &rows, err);
    while (r >= 0 && query_baseline_next(ctx, rows, &row)) {
        past_statement *s = find(past, row.queryid);
        if (!s)
            continue;
        s->before_ms = mean_of(row.calls, row.ms);
        s->recent_ms = mean_of(row.recent_calls, row.recent_ms);
        bool is_unknown = row.row_count_is_null || row.block_count_is_null || row.recent_row_count_is_null ||
                          row.recent_block_count_is_null;
        s->before = call_of(row.calls, is_unknown, row.row_count, row.block_count);
        s->recent = call_of(row.recent_calls, is_unknown, row.recent_row_count, row.recent_block_count);
    }
    return r;
}

static int read_evictions(lb_ctx *ctx, query_past *past, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const query_evictions_args args = {
        .project = target->project, .branch = target->branch, .since = lb_now(ctx) - QUERY_BASELINE_US};
    query_evictions_row row;
    lb_rows *rows = NULL;
    int r = query_evictions(ctx, &args, &rows, err);
    if (r >= 0 && query_evictions_next(ctx, rows, &row) && !row.evictions_is_null)
        past->evictions = row.evictions;
    return r;
}

static int read_reviews(lb_ctx *ctx, int64_t database_id, query_past *past, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const query_reviews_args args = {.project = target->project, .branch = target->branch, .database_id = database_id};
    query_reviews_row row;
    lb_rows *rows = NULL;
    int r = query_reviews(ctx, &args, &rows, err);
    while (r >= 0 && query_reviews_next(ctx, rows, &row)) {
        past_statement *s = find(past, row.queryid);
        if (s && strcmp(row.status, "done") != 0)
            s->is_settled = true;
    }
    return r;
}

int query_read_past(lb_ctx *ctx, int64_t database_id, int64_t recent_us, const int64_t *query_ids, size_t count,
                    query_past **ret_past, lb_error *err)
{
    query_past *past = lb_alloc(ctx, sizeof *past);
    past_statement *items = lb_alloc(ctx, (count + 1) * sizeof *items);
    if (!past || !items)
        return lb_out_of_memory(err);
    *past = (query_past){.items = items, .count = count};
    for (size_t i = 0; i < count; i++)
        items[i] = (past_statement){
            .query_id = query_ids[i], .before_ms = -1, .recent_ms = -1, .before = {-1, -1}, .recent = {-1, -1}};
    *ret_past = past;
    const lb_i64s ids = {.items = query_ids, .count = count};
    int r = count ? read_baselines(ctx, database_id, recent_us, past, &ids, err) : 0;
    if (r >= 0 && count)
        r = read_evictions(ctx, past, err);
    if (r >= 0 && count)
        r = read_reviews(ctx, database_id, past, err);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY)
        return r;
    return r < 0 ? lb_skipped(ctx, "history", lb_printf(ctx, "how it was before is not known: %s", err->message), err)
                 : 0;
}

/* ---- of late ---- */

static int sort_out(lb_ctx *ctx, lb_rows *rows, int64_t min_calls, double min_mean_ms, query_recent *recent,
                    lb_error *err)
{
    size_t most = (size_t)lb_row_count(ctx, rows) + 1;
    const char **slow = lb_alloc(ctx, most * sizeof *slow), **fine = lb_alloc(ctx, most * sizeof *fine);
    query_lately_row row;
    if (!slow || !fine)
        return lb_out_of_memory(err);
    *recent = (query_recent){.slow = {.items = slow}, .fine = {.items = fine}};
    while (query_lately_next(ctx, rows, &row)) {
        const char *id = lb_printf(ctx, "%lld", (long long)row.queryid);
        if (!id)
            return lb_out_of_memory(err);
        if (row.calls >= min_calls && row.ms >= min_mean_ms * (double)row.calls)
            slow[recent->slow.count++] = id;
        else if (mean_of(row.calls, row.ms) >= 0) /* by a few calls nobody is cleared */
            fine[recent->fine.count++] = id;
    }
    return 0;
}

int query_read_recent(const query_evidence *e, int64_t recent_us, int64_t min_calls, double min_mean_ms,
                      query_recent *ret_recent, lb_error *err)
{
    const lb_target *target = lb_run_target(e->ctx);
    const query_lately_args args = {.project = target->project,
                                    .branch = target->branch,
                                    .database = e->set->window.r.database,
                                    .since = lb_now(e->ctx) - recent_us,
                                    .most = RECENT_MOST};
    const char *why = NULL;
    lb_rows *rows = NULL;
    *ret_recent = (query_recent){.why_not = NULL};
    int r = lb_history_or_skip(e->ctx, query_lately(e->ctx, &args, &rows, err), NULL, &why, err);
    if (r < 0)
        return r;
    if (r > 0 && lb_row_count(e->ctx, rows) > 0)
        return sort_out(e->ctx, rows, min_calls, min_mean_ms, ret_recent, err);
    ret_recent->why_not = why ? why
                              : lb_printf(e->ctx, "history has nothing of the last %s",
                                          amount_text(e->ctx, (double)recent_us / (double)HOUR, "hour", "hours"));
    return ret_recent->why_not ? 0 : lb_out_of_memory(err);
}

const query_remark *query_top_remark(const query_evidence *e)
{
    const query_remark *top = NULL;
    for (size_t i = 0; i < e->remark_count; i++)
        if (!top || e->remarks[i].weight > top->weight)
            top = &e->remarks[i];
    return top;
}

/* What a server has counted in months hides what became slow today, and keeps what was slow in spring: it is compared
 * what snapshots have added of late. */
query_verdict query_judge(const query_evidence *e, const query_past *past, double min_mean_ms,
                          const query_regression *regression)
{
    const past_statement *s = find(past, strtoll(e->counts.query_id, NULL, 10));
    double calls = e->counts.calls > 0 ? (double)e->counts.calls : 1;
    query_verdict v = {.mean_ms = e->counts.total_ms / calls,
                       .baseline_ms = s ? s->before_ms : -1,
                       .recent_ms = s ? s->recent_ms : -1,
                       .evictions = past->evictions};
    bool regressed = query_has_regressed(regression, v.baseline_ms, v.recent_ms);
    double now = v.recent_ms >= 0 ? v.recent_ms : v.mean_ms;
    v.reason = regressed ? "regressed" : (double)e->counts.temp_written >= calls ? "spilling" : "slow";
    v.severity = min_mean_ms > 0 && now >= CRITICAL * min_mean_ms ? "critical" : "warning";
    return v;
}

/* Time is rows, times blocks for each of them, times the time for a block: which of these has grown says where to look.
 */
int query_say_slower(query_evidence *e, const query_past *past, const query_verdict *v, lb_error *err)
{
    static const struct {
        const char *what, *times, *why;
    } words[] = {
        {"a call returns or changes", "times as many rows", "the data has grown, or the values are others"},
        {"for each of its rows it reads", "times as many blocks",
         "its plan has changed, there is more to go through, or a table or an index has swollen"},
        {"each block takes", "times as long", "it comes from disk more often, or others are at work or hold locks"},
    };
    const past_statement *s = find(past, strtoll(e->counts.query_id, NULL, 10));
    if (!s || strcmp(v->reason, "regressed") != 0 || s->before.rows < 0 || s->recent.rows < 0)
        return 0;
    const past_call before = {fmax(s->before.rows, 1), fmax(s->before.blocks, 1)},
                    recent = {fmax(s->recent.rows, 1), fmax(s->recent.blocks, 1)};
    const double grown[] = {recent.rows / before.rows, recent.blocks / recent.rows / (before.blocks / before.rows),
                            v->recent_ms / recent.blocks / (v->baseline_ms / before.blocks)};
    size_t most = grown[1] > grown[0] ? 1 : 0;
    most = grown[2] > grown[most] ? 2 : most;
    query_remark *r = query_add_remark(e, "slower_than_before", 3);
    if (!r)
        return 0;
    const char *times = query_number(e->ctx, grown[most]);
    r->says =
        times
            ? lb_printf(e->ctx, "it takes %.3g ms a call of late, and took %.3g in the two weeks before: %s %s %s: %s",
                        v->recent_ms, v->baseline_ms, words[most].what, times, words[most].times, words[most].why)
            : NULL;
    query_add_fact(r, lb_f64("baseline_exec_ms", v->baseline_ms));
    query_add_fact(r, lb_f64("rows_per_call_before", s->before.rows));
    query_add_fact(r, lb_f64("rows_per_call_of_late", s->recent.rows));
    query_add_fact(r, lb_f64("blocks_per_call_before", s->before.blocks));
    query_add_fact(r, lb_f64("blocks_per_call_of_late", s->recent.blocks));
    query_add_term(r, "counted_by_history", 0.4);
    return r->says ? 0 : lb_out_of_memory(err);
}

int query_doubt(lb_ctx *ctx, const query_verdict *v, query_remark *remark, const char **ret_reason, lb_error *err)
{
    bool compares = strcmp(v->reason, "regressed") == 0;
    *ret_reason = remark->says;
    if (v->evictions < 1)
        return 0;
    query_add_term(remark, "statements_were_evicted", compares ? -0.2 : -0.1);
    *ret_reason = lb_printf(ctx,
                            "%s; the server dropped statements %s times in the last %d days to make room, so %s may "
                            "lack some of its executions",
                            remark->says, query_number(ctx, v->evictions), QUERY_BASELINE_DAYS,
                            compares ? "what it is compared with" : "what was counted of it");
    return *ret_reason ? 0 : lb_out_of_memory(err);
}

bool query_is_over(const query_verdict *v, double min_mean_ms)
{
    return v->recent_ms >= 0 && v->recent_ms < min_mean_ms;
}

/* The facts of all remarks by their kind, each once. */
static const lb_value *all_facts(const query_evidence *e)
{
    lb_value *list = lb_alloc(e->ctx, (e->remark_count + 1) * sizeof *list);
    size_t count = 0;
    for (size_t i = 0; list && i < e->remark_count; i++) {
        bool again = false;
        for (size_t k = 0; k < count; k++)
            again = again || strcmp(list[k].name, e->remarks[i].kind) == 0;
        if (!again)
            list[count++] = lb_object(e->remarks[i].kind, e->remarks[i].facts);
    }
    return list;
}

int query_queue(query_evidence *e, const query_past *past, const query_verdict *v, bool *ret_queued, lb_error *err)
{
    const query_statements_row *c = &e->counts;
    int64_t id = strtoll(c->query_id, NULL, 10), now = lb_now(e->ctx);
    const past_statement *before = find(past, id);
    const query_remark *top = query_top_remark(e);
    const query_remark *fixed = NULL;
    for (size_t i = 0; i < e->remark_count && !fixed; i++)
        fixed = e->remarks[i].fix_text ? &e->remarks[i] : NULL;
    *ret_queued = !(before && before->is_settled);
    if (!*ret_queued)
        return 0;
    const lb_value *facts = all_facts(e);
    const char *review = lb_printf(e->ctx, "%lld/%s/%lld", (long long)c->database_id, c->query_id, (long long)now);
    if (!facts || !review)
        return lb_out_of_memory(err);
    return lb_record(
        e->ctx, "query_review_queue",
        LB_ARGS(lb_text("review_id", review), lb_time("queued_at", now), lb_time("updated_at", now),
                lb_i64("queryid", id), lb_i64("dbid", c->database_id), lb_i64("userid", c->user_id),
                lb_text("database_name", c->database), lb_text("query", e->text), lb_text("reason", v->reason),
                lb_text("severity", v->severity), lb_i64("calls", c->calls), lb_f64("mean_exec_time", v->mean_ms),
                v->baseline_ms >= 0 ? lb_f64("baseline_exec_time", v->baseline_ms) : lb_null("baseline_exec_time"),
                lb_f64("total_exec_time", c->total_ms), lb_json("plan", e->plan_json),
                lb_text("suggestion", top ? top->says : NULL),
                lb_text("suggestion_source", top ? lb_printf(e->ctx, "rule %s", top->kind) : NULL),
                lb_text("suggested_sql", fixed ? fixed->fix_text : NULL), lb_object("evidence", facts),
                lb_text("status", "open")),
        err);
}
