/* persist_pg_stat_statements: a snapshot of the statement statistics: every column the server has, what was added since
 * the snapshot before, and each new text once. Statements that did not move are not stored again. */
#include "amount.h"
#include "statements_past.h"
#include "statements_row.h"
#include "statements_shares.h"
#include "statements_texts.h"

struct args {
    const char *own;
    int64_t most_text_chars;
    bool texts;
};

static const lb_param params[] = {
    LB_PARAM(struct args, own, LB_TEXT, "auto", "our own statements: left out where our role is nobody else's (auto)",
             .choices = "auto|leave_out|keep"),
    LB_PARAM(struct args, texts, LB_BOOL, "true", "also keep the texts that history does not have"),
    LB_PARAM(struct args, most_text_chars, LB_I64, "16384", "longer texts are cut", .min = "64", .max = "1048576"),
    LB_PARAMS_END,
};

typedef struct work {
    statements_source source;
    statements_past past;
    statements_snapshot_facts facts;
    statements_texts texts;
    statements_shares shares;
    int64_t seen, stored, still, unknown;
    int64_t top_query;
    double top_ms;
} work;

static int take_statement(lb_ctx *ctx, work *w, const statements_reader *reader, const statements_totals *now,
                          lb_error *err)
{
    statements_totals delta;
    statements_change change = statements_compare(w->past.ledger, now, w->source.info.dealloc, &delta);
    bool has_delta = change == STATEMENTS_MOVED || change == STATEMENTS_FRESH;
    double ms = has_delta ? delta.times[STATEMENTS_MS_EXEC] : now->times[STATEMENTS_MS_EXEC];
    w->seen++;
    if (change == STATEMENTS_STILL) {
        w->still++;
        return 0;
    }
    w->stored++;
    w->unknown += !has_delta;
    if (has_delta)
        statements_shares_add(&w->shares, &delta);
    if (ms > w->top_ms) {
        w->top_ms = ms;
        w->top_query = now->key.queryid;
    }
    const statements_totals *before = statements_ledger_find(w->past.ledger, &now->key);
    if (!before || !before->has_text)
        statements_want_text(&w->texts, &now->key);
    return statements_store(ctx, &w->source, &w->facts, reader, has_delta ? &delta : NULL, err);
}

static int take_snapshot(lb_ctx *ctx, work *w, bool leave_out, lb_error *err)
{
    statements_reader reader;
    statements_totals now;
    int r = statements_open(ctx, &w->source, leave_out ? &w->source.extension.own_user : NULL, &reader, err);
    if (r >= 0)
        r = statements_texts_begin(ctx, &w->texts, (size_t)lb_row_count(ctx, reader.rows), err);
    if (r >= 0)
        r = statements_shares_begin(ctx, &w->shares, (size_t)lb_row_count(ctx, reader.rows), err);
    while (r >= 0 && statements_read(ctx, &reader, &now))
        r = take_statement(ctx, w, &reader, &now, err);
    if (r >= 0)
        r = statements_shares_tell(ctx, &w->shares, err);
    return r < 0 ? r
                 : statements_record(ctx, &w->source, STATEMENTS_SNAPSHOT_METRIC, (double)w->source.info.dealloc,
                                     "count", "counter", err);
}

/* A snapshot is activity, too, so that the compute stays awake until the next one where those follow each other within
 * its timeout: the last one is then behind all that was done. */
static int judge_cadence(lb_ctx *ctx, double seconds, double *ret_suspends_after, lb_error *err)
{
    int r = statements_suspends_after(ctx, ret_suspends_after, err);
    if (r < 0 || *ret_suspends_after <= 0 || seconds <= *ret_suspends_after)
        return r;
    return lb_skipped(ctx, "what runs last before a suspension",
                      lb_printf(ctx,
                                "the compute is suspended after %.0f s without activity, and the snapshot before was "
                                "%.0f s ago: schedule them no further apart than that",
                                *ret_suspends_after, seconds),
                      err);
}

static int conclude(lb_ctx *ctx, const work *w, bool leaves_out, lb_error *err)
{
    bool first = w->facts.taken_before == LB_TIME_NONE;
    double seconds = first ? 0 : (double)(w->source.info.read_at - w->facts.taken_before) / 1e6, suspends_after = 0;
    int r = judge_cadence(ctx, seconds, &suspends_after, err);
    if (r >= 0 && w->source.info.hidden)
        r = lb_skipped(ctx, amount_text(ctx, (double)w->source.info.hidden, "statement", "statements"),
                       "of other roles, whose statements this one may not see: grant it pg_read_all_stats", err);
    if (r >= 0 && w->past.why_not)
        r = lb_skipped(ctx, "the snapshot before", w->past.why_not, err);
    if (r >= 0)
        r = lb_examined(ctx, "statements", w->seen, err);
    if (r < 0)
        return r;
    return lb_result(
        ctx,
        LB_ARGS(lb_text("status", "ok"), lb_text("snapshot_id", w->facts.id), lb_i64("records", w->stored),
                lb_i64("unchanged", w->still), lb_i64("without_delta", w->unknown),
                lb_i64("texts_stored", (int64_t)w->texts.stored), lb_bool("first_of_its_epoch", first),
                first ? lb_null("interval_seconds") : lb_f64("interval_seconds", seconds),
                suspends_after > 0 ? lb_f64("suspends_after_s", suspends_after) : lb_null("suspends_after_s"),
                lb_i64("dealloc", w->source.info.dealloc), lb_bool("own_statements_left_out", leaves_out),
                w->stored ? lb_i64("top_query_by_time", w->top_query) : lb_null("top_query_by_time")),
        err);
}

static int unavailable(lb_ctx *ctx, const work *w, const char *why, lb_error *err)
{
    int r = lb_skipped(ctx, w->source.extension.database, why, err);
    return r < 0 ? r : lb_result(ctx, LB_ARGS(lb_text("status", "unavailable"), lb_text("reason", why)), err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    work w = {.top_ms = -1};
    const char *why = NULL;
    int version = 0;
    int r = statements_look(ctx, &w.source, &why, err);
    if (r < 0 || why)
        return r < 0 ? r : unavailable(ctx, &w, why, err);
    bool leave_out = strcmp(args->own, "leave_out") == 0 ||
                     (strcmp(args->own, "auto") == 0 && w.source.extension.is_own_role_ours_alone);
    r = lb_server_version(ctx, &version, err);
    if (r >= 0)
        r = statements_read_past(ctx, &w.source, version, &w.past, err);
    if (r < 0)
        return r;
    w.facts = (statements_snapshot_facts){.id = lb_printf(ctx, "%lld-%lld", (long long)w.source.epoch.system_identifier,
                                                          (long long)w.source.info.read_at),
                                          .server_version = version,
                                          .taken_before = w.past.taken_at};
    if (!w.facts.id)
        return lb_out_of_memory(err);
    r = take_snapshot(ctx, &w, leave_out, err);
    if (r >= 0 && args->texts)
        r = statements_store_texts(ctx, &w.source, &w.past, &w.texts, version, args->most_text_chars, err);
    return r < 0 ? r : conclude(ctx, &w, leave_out, err);
}

LB_TOOL(persist_pg_stat_statements, "keeps the statement statistics: totals, and what was added since the last time",
        .agent = "performance", .risk = LB_RISK_LOW, .schedule = "*/5 * * * *", .timeout_s = 120,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("pg_stat_history", "query_texts", "lakebase_metrics"),
        .needs = LB_NAMES("extension pg_stat_statements"), .run = run);
