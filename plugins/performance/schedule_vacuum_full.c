/* schedule_vacuum_full: writes one table anew, once a person has agreed. It waits for its lock no longer than it says,
 * for whoever comes after it waits behind it. */
#include "vacuum_aftermath.h"
#include "vacuum_clock.h"
#include "vacuum_rewrite.h"
#include "vacuum_since.h"

#include <math.h>
#include <sql/vacuum/set_lock_timeout.h>
#include <sql/vacuum/vacuum_full.h>

#define LEAST_OF_GAIN 0.1 /* with less of what it was to win a rewrite was in vain */

struct args {
    const char *schema, *table;
    double min_gain, mb_per_second, pause_seconds;
    int64_t lock_timeout_ms, attempts, holder_seconds;
};

static const lb_param params[] = {
    LB_PARAM(struct args, schema, LB_IDENT, "public", "schema of the table"),
    LB_PARAM(struct args, table, LB_IDENT, NULL, "the table", .required = true),
    LB_PARAM(struct args, min_gain, LB_F64, "0.30", "part of the table that has to be won; 0: whatever it is",
             .min = "0", .max = "1"),
    LB_PARAM(struct args, lock_timeout_ms, LB_I64, "2000", "longest wait for the lock", .min = "1", .max = "60000"),
    LB_PARAM(struct args, attempts, LB_I64, "3", "how often to try for the lock, where nobody has to be asked",
             .min = "1", .max = "10"),
    LB_PARAM(struct args, pause_seconds, LB_F64, "1", "between two attempts, longer each time", .min = "0",
             .max = "60"),
    LB_PARAM(struct args, holder_seconds, LB_I64, "300", "transactions younger than this are not waited for",
             .min = "0"),
    LB_PARAM(struct args, mb_per_second, LB_F64, "50", "assumed speed, for the time that the lock will last",
             .min = "1"),
    LB_PARAMS_END,
};

static int fill_group(lb_ctx *ctx, const vacuum_scan *scan, lb_group *group, lb_error *err)
{
    const struct args *args = ctx->args;
    const vacuum_set_lock_timeout_args patience = {.timeout =
                                                       lb_printf(ctx, "%lldms", (long long)args->lock_timeout_ms)};
    const vacuum_set_lock_timeout_args before = {.timeout = scan->server.lock_timeout};
    const vacuum_vacuum_full_args table = {.schema = args->schema, .table = args->table};
    if (!patience.timeout)
        return lb_out_of_memory(err);
    int r = vacuum_set_lock_timeout(ctx, group, &patience, err);
    if (r >= 0)
        r = vacuum_vacuum_full(ctx, group, &table, err);
    return r < 0 ? r : vacuum_set_lock_timeout(ctx, group, &before, err);
}

static int attempt(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_rewrite_plan *p, const vacuum_operation *o,
                   lb_outcome *ret_outcome, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_group *group = NULL;
    const lb_value *evidence = vacuum_rewrite_evidence(ctx, scan, p, args->lock_timeout_ms);
    if (!evidence)
        return lb_out_of_memory(err);
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = lb_printf(ctx, "write %s anew (VACUUM FULL)", p->table.label),
                                   .reason = o->reason, .evidence = evidence,
                                   .undo = "nothing has to be taken back: no row changes, only where it lies"),
                          &group, err);
    if (r >= 0)
        r = fill_group(ctx, scan, group, err);
    return r < 0 ? r : lb_apply(ctx, group, ret_outcome, err);
}

/* What a transaction may still see is copied with the rest. */
static void judge(lb_ctx *ctx, const vacuum_rewrite_plan *p, vacuum_operation *o)
{
    double won = (double)(o->bytes_before - o->bytes_after);
    if (!o->has_after || o->before.row.dead <= 0 || won >= LEAST_OF_GAIN * p->gain_bytes)
        return;
    o->status = "failed";
    o->error = lb_printf(ctx, "it won %.0f bytes of about %.0f: %s holds the rows back", fmax(won, 0), p->gain_bytes,
                         p->holder ? vacuum_holder_text(ctx, p->holder) : "a transaction that was open meanwhile");
}

/* The ladder: short waits with pauses in between, in which everybody who queued up behind us goes on. */
static int climb(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_rewrite_plan *p, vacuum_operation *o, lb_error *err)
{
    const struct args *args = ctx->args;
    lb_outcome outcome = LB_REFUSED;
    int r = 0;
    for (int64_t i = 0; i < args->attempts; i++) {
        if (i)
            vacuum_wait(ctx, args->pause_seconds * (double)i);
        r = attempt(ctx, scan, p, o, &outcome, err);
        if (r != LB_ERR_CONFLICT)
            break;
        lb_log(ctx, LB_LOG_INFO, "%s: attempt %lld found it locked", p->table.label, (long long)i + 1);
    }
    o->ended = lb_now(ctx);
    if (r == LB_ERR_CONFLICT) {
        o->error = lb_printf(ctx, "gave up after %lld waits of %lld ms for the lock", (long long)args->attempts,
                             (long long)args->lock_timeout_ms);
        return 0;
    }
    if (r < 0)
        return r;
    o->status = outcome == LB_APPLIED ? "success" : outcome == LB_PLANNED ? "planned" : "waiting";
    if (outcome == LB_REFUSED) {
        o->status = "deferred";
        o->error = "the gate refused";
    }
    if (outcome == LB_APPLIED) {
        r = vacuum_look_after(ctx, scan, o, err);
        judge(ctx, p, o);
    }
    return r;
}

/* Why it is not even proposed, or NULL. */
static const char *find_reason_against(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_rewrite_plan *p)
{
    const struct args *args = ctx->args;
    if (p->hidden_by)
        return lb_printf(ctx, "gave up after %lld ms: its size cannot be read, for %s",
                         (long long)args->lock_timeout_ms, p->hidden_by);
    if (args->min_gain > 0 && !p->gain_known)
        return "nobody can tell what it would gain: ANALYZE it first, or say min_gain 0";
    if (p->gain_ratio < args->min_gain)
        return lb_printf(ctx,
                         "it would win %.0f %% of the table, less than the %.0f %% asked for: a plain VACUUM will do",
                         100 * p->gain_ratio, 100 * args->min_gain);
    if (fmax(p->gain_ratio - p->kept_ratio, 0) < args->min_gain)
        return lb_printf(ctx,
                         "of the %.0f %% it would win, %.0f %% are dead rows that it would copy: %s holds them back",
                         100 * p->gain_ratio, 100 * p->kept_ratio, vacuum_holder_text(ctx, p->holder));
    if (p->free_bytes >= 0 && p->free_bytes <= p->needs_bytes)
        return lb_printf(ctx, "the copy needs %lld bytes and %lld are free", (long long)p->needs_bytes,
                         (long long)p->free_bytes);
    if (p->lock_s > (double)lb_time_left(ctx) / 1e6)
        return lb_printf(ctx, "it would lock the table for about %.0f s, more than is left of this run", p->lock_s);
    return vacuum_refusal(scan, &p->table);
}

static int rewrite(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_rewrite_plan *p, lb_error *err)
{
    const struct args *args = ctx->args;
    vacuum_operation o;
    const char *reason =
        p->gain_known  ? lb_printf(ctx, "%.0f %% of its %lld bytes hold nothing: a rewrite gives about %.0f bytes back",
                                   100 * p->gain_ratio, (long long)p->size.heap_bytes, p->gain_bytes)
        : p->hidden_by ? "asked for by name"
                       : "asked for by name, whatever it gains";
    int r = vacuum_begin(ctx, scan, &p->table, "vacuum_full", reason, &o, err);
    o.bytes_before = p->size.total_bytes;
    if (r < 0)
        return r;
    o.error = find_reason_against(ctx, scan, p);
    if (!o.error)
        r = climb(ctx, scan, p, &o, err);
    if (r < 0)
        return lb_wrap(err, p->table.label);
    r = vacuum_write(ctx, &o, err);
    if (r < 0)
        return r;
    const lb_value *evidence = p->hidden_by ? NULL : vacuum_rewrite_evidence(ctx, scan, p, args->lock_timeout_ms);
    return lb_result(ctx,
                     LB_ARGS(lb_text("table", p->table.label), lb_text("operation", "vacuum_full"),
                             lb_text("status", o.status), lb_text("reason", o.error ? o.error : o.reason),
                             lb_text("locked_by", p->locked_by),
                             evidence ? lb_object("plan", evidence) : lb_null("plan")),
                     err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    vacuum_scan scan;
    vacuum_rewrite_plan plan;
    int r = vacuum_scan_read(ctx, &scan, err);
    if (r >= 0)
        r = vacuum_settle_rewrites(ctx, &scan, err);
    if (r >= 0)
        r = vacuum_date_holder(ctx, &scan, (double)args->holder_seconds, err);
    if (r >= 0)
        r = vacuum_plan_rewrite(ctx, &scan, args->schema, args->table, args->mb_per_second * 1e6, args->lock_timeout_ms,
                                &plan, err);
    if (r >= 0)
        vacuum_weigh_holder(&scan, (double)args->holder_seconds, &plan);
    return r < 0 ? r : rewrite(ctx, &scan, &plan, err);
}

LB_TOOL(schedule_vacuum_full, "writes a table anew without its waste, once a person has agreed", .agent = "performance",
        .risk = LB_RISK_HIGH, .needs_approval = true, .timeout_s = 7200, LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("vacuum_history"), .run = run);
