/* watch_autovacuum: has autovacuum fallen behind? A table that is past its own trigger is nothing; one that stays past
 * it for long is, and more so where all workers are at work most of the time. Both is what earlier looks remembered. */
#include "amount.h"
#include "vacuum_behind.h"
#include "vacuum_counts.h"
#include "vacuum_due.h"
#include "vacuum_ledger.h"

#include <math.h>
#include <sql/vacuum/vacuum_analyze.h>
#include <sql/vacuum/vacuum_only.h>
#include <sql/vacuum/workers.h>

#define METRIC "autovacuum_behind_s"
#define SECOND INT64_C(1000000)
#define BUSY   3 /* of the last five looks: all workers at work in one of them are workers that do what they are for */

struct args {
    double factor, minutes;
    int64_t min_rows;
};

static const lb_param params[] = {
    LB_PARAM(struct args, factor, LB_F64, "1.2", "times its trigger from which a table counts as past it", .min = "1"),
    LB_PARAM(struct args, minutes, LB_F64, "30", "minutes past it that are too long", .min = "0"),
    LB_PARAM(struct args, min_rows, LB_I64, "1000", "fewer dead or inserted rows than this are nothing", .min = "1"),
    LB_PARAMS_END,
};

typedef struct late {
    const vacuum_relation *of; /* NULL: none */
    int64_t since;
} late;

typedef struct watch {
    lb_ctx *ctx;
    const struct args *args;
    vacuum_scan scan;
    vacuum_behind memory;
    bool is_saturated;
    vacuum_looks looks;
    int64_t busy; /* workers now; -1: not known */
    int64_t behind;
    late worst, still; /* behind for longest; what the open alert is about, where that is behind yet */
} watch;

/* ---- tables ---- */

static double past_of(const watch *w, const vacuum_relation *v)
{
    const vacuum_relations_row *t = &v->row;
    double dead = t->dead >= w->args->min_rows ? vacuum_share((double)t->dead, v->need.vacuum_trigger) : 0;
    double inserted = t->inserted_since_vacuum >= w->args->min_rows
                          ? vacuum_share((double)t->inserted_since_vacuum, v->need.insert_trigger)
                          : 0;
    return dead > inserted ? dead : inserted;
}

static int compose_fix(lb_ctx *ctx, const vacuum_relation *v, const lb_sql **ret_fix, lb_error *err)
{
    const vacuum_vacuum_analyze_args both = {.schema = v->row.schema, .table = v->row.name};
    const vacuum_vacuum_only_args only = {.schema = v->row.schema, .table = v->row.name};
    return v->row.kind[0] == 't' ? vacuum_vacuum_only_compose(ctx, &only, ret_fix, err)
                                 : vacuum_vacuum_analyze_compose(ctx, &both, ret_fix, err);
}

static const char *why_of(const watch *w, const vacuum_relation *v, const vacuum_horizon_row *holder)
{
    const char *who = vacuum_is_futile(v, holder) ? vacuum_holder_text(w->ctx, holder) : NULL;
    long long workers = w->scan.server.workers;
    if (who)
        return lb_printf(w->ctx, "; it has come, and %s holds the rows back", who);
    if (w->is_saturated)
        return lb_printf(
            w->ctx,
            "; all %lld workers were at work in %lld of the last %lld looks: more of them need a cost limit "
            "that is raised as much, as they share it",
            workers, (long long)w->looks.busy, (long long)w->looks.count);
    if (vacuum_at_work(&w->scan, v->row.relation))
        return "; a vacuum is at work on it";
    return w->busy >= workers ? lb_printf(w->ctx, "; all %lld workers are at work on others now", workers)
                              : "; no worker has come to it";
}

static int report(watch *w, const vacuum_relation *v, int64_t since, double past, lb_error *err)
{
    const vacuum_horizon_row *holder = vacuum_holder(&w->scan, 0, false);
    const lb_sql *fix = NULL;
    double minutes = (double)(w->scan.now - since) / (double)SECOND / 60;
    int r = compose_fix(w->ctx, v, &fix, err);
    if (r < 0)
        return r;
    const char *why = why_of(w, v, holder);
    return lb_report(
        w->ctx,
        LB_FINDING(.object = vacuum_name(w->ctx, v->row.schema, v->row.name), .kind = "autovacuum_behind",
                   .reason = lb_printf(w->ctx,
                                       "for %.0f minutes it has been past what autovacuum waits for, %.1f times now%s",
                                       minutes, past, why),
                   .evidence = LB_ARGS(lb_i64("dead_rows", v->row.dead), lb_i64("forgotten_dead_rows", v->carried_dead),
                                       lb_f64("dead_trigger", v->need.vacuum_trigger),
                                       lb_i64("inserted_since_vacuum", v->row.inserted_since_vacuum),
                                       lb_f64("insert_trigger", v->need.insert_trigger),
                                       lb_f64("times_the_trigger", past), lb_time("past_it_since", since),
                                       lb_time("last_autovacuum",
                                               v->row.last_autovacuum_is_null ? LB_TIME_NONE : v->row.last_autovacuum),
                                       lb_i64("workers", w->scan.server.workers),
                                       w->busy < 0 ? lb_null("workers_busy") : lb_i64("workers_busy", w->busy),
                                       lb_i64("looks", w->looks.count), lb_i64("looks_with_all_busy", w->looks.busy),
                                       vacuum_holder_value(w->ctx, "held_back_by", holder)),
                   .terms = LB_TERMS({"counted_by_the_server", 0.5}, {"seen_past_it_all_the_time", 0.3},
                                     {"all_workers_are_at_work", w->is_saturated ? 0.1 : 0},
                                     {"vacuum_would_not_help_yet", vacuum_is_futile(v, holder) ? -0.3 : 0}),
                   .impact = LB_ARGS(lb_text("level", w->is_saturated ? "critical" : "warning"),
                                     lb_f64("reusable_bytes", v->need.dead_ratio * (double)v->row.pages *
                                                                  (double)w->scan.server.block_bytes)),
                   .fix = fix),
        err);
}

static int look_at(watch *w, const vacuum_relation *v, lb_error *err)
{
    double past = v->need.enabled && v->row.persistence[0] != 't' ? past_of(w, v) : 0;
    const char *key = lb_printf(w->ctx, "%lld", (long long)v->row.relation);
    if (!key)
        return lb_out_of_memory(err);
    if (past < w->args->factor)
        return 0;
    int64_t since = vacuum_behind_since(&w->memory, key, w->scan.now);
    if (since < w->scan.server.counts_since && !v->carried_dead && !v->carried_inserted)
        since = w->scan.now; /* the server was not there all the time, or has counted anew */
    vacuum_note_behind(&w->memory, key, since);
    if ((double)(w->scan.now - since) < w->args->minutes * 60 * (double)SECOND)
        return 0;
    if (!w->behind++ || since < w->worst.since)
        w->worst = (late){v, since};
    if (vacuum_is_told(&w->memory, v))
        w->still = (late){v, since};
    return report(w, v, since, past, err);
}

/* ---- the alert ---- */

static int alert(watch *w, const late *about, const char *level, lb_error *err)
{
    const vacuum_relation *v = about->of;
    double seconds = (double)(w->scan.now - about->since) / (double)SECOND;
    const char *detail = lb_printf(w->ctx, "{\"tables\":%lld,\"workers\":%lld,\"workers_busy\":%lld}",
                                   (long long)w->behind, (long long)w->scan.server.workers, (long long)w->busy);
    const char *text = lb_printf(w->ctx, "autovacuum is behind on %s: %s for %s%s",
                                 amount_text(w->ctx, (double)w->behind, "table", "tables"), v->label,
                                 amount_text(w->ctx, floor(seconds / 60 + 0.5), "minute", "minutes"),
                                 w->is_saturated ? ", with all workers at work" : "");
    if (!detail || !text)
        return lb_out_of_memory(err);
    int r = lb_emit(w->ctx, "threshold.breached",
                    LB_ARGS(lb_text("metric", METRIC), lb_f64("value", seconds),
                            lb_f64("threshold", w->args->minutes * 60), lb_text("unit", "s"), lb_text("level", level),
                            lb_text("schema", v->row.schema), lb_text("table", v->row.name),
                            lb_text("database", vacuum_told_database(&w->memory)), lb_text("action", "vacuum"),
                            lb_time("since", about->since), lb_text("text", text), lb_json("detail", detail)),
                    err);
    return r < 0 ? r : vacuum_note_told(w->ctx, &w->memory, v, level, err);
}

/* Names the table that was told of: it is what tells this alert from others. */
static int clear(watch *w, lb_error *err)
{
    int r = lb_emit(w->ctx, "threshold.cleared",
                    LB_ARGS(lb_text("metric", METRIC), lb_f64("value", 0), lb_f64("threshold", w->args->minutes * 60),
                            lb_text("unit", "s"), lb_text("schema", vacuum_told(&w->memory, "schema")),
                            lb_text("table", vacuum_told(&w->memory, "table")),
                            lb_text("database", vacuum_told_database(&w->memory)),
                            lb_text("text", "autovacuum has caught up")),
                    err);
    w->memory.told = NULL;
    return r;
}

/* One alert is open at a time, and it only gets worse until it is over. */
static int tell(watch *w, lb_error *err)
{
    const char *level = w->is_saturated ? "critical" : "warning";
    int r = w->memory.told && !w->still.of ? clear(w, err) : 0;
    if (r >= 0 && w->behind && !w->memory.told)
        return alert(w, &w->worst, level, err);
    return r >= 0 && w->memory.told && w->is_saturated && strcmp(vacuum_told(&w->memory, "level"), level) != 0
               ? alert(w, &w->still, level, err)
               : r;
}

static int read_workers(watch *w, lb_error *err)
{
    vacuum_workers_row row;
    lb_rows *rows = NULL;
    int r = vacuum_workers(w->ctx, &rows, err);
    w->busy = r >= 0 && vacuum_workers_next(w->ctx, rows, &row) && !row.busy_is_null ? row.busy : -1;
    if (r >= 0 && w->busy < 0)
        return lb_skipped(w->ctx, "workers", "this role may not see them: grant it pg_read_all_stats", err);
    if (r >= 0)
        r = vacuum_note_look(w->ctx, &w->memory, w->scan.server.counts_since, w->scan.now,
                             w->busy >= w->scan.server.workers, &w->looks, err);
    w->is_saturated = w->looks.busy >= BUSY;
    return r;
}

static int look(watch *w, lb_error *err)
{
    int r = read_workers(w, err);
    if (r >= 0) /* as they are: the ledger adds to them */
        r = vacuum_counts_note(w->ctx, &w->scan, w->memory.rows_before, w->memory.rows_now, err);
    if (r >= 0)
        r = vacuum_ledger_keep(w->ctx, &w->scan, w->memory.rows_before, w->memory.rows_now, err);
    for (size_t i = 0; i < w->scan.count && r >= 0; i++)
        r = look_at(w, &w->scan.relations[i], err);
    if (r >= 0)
        r = tell(w, err);
    return r < 0 ? r : vacuum_remember_behind(w->ctx, &w->memory, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    watch w = {.ctx = ctx, .args = ctx->args};
    int r = vacuum_scan_read(ctx, &w.scan, err);
    const char *why = r < 0                      ? NULL
                      : w.scan.server.is_standby ? "a standby is vacuumed where its primary is"
                      : !w.scan.server.enabled   ? "autovacuum or track_counts is switched off on this server"
                                                 : NULL;
    if (r >= 0 && why)
        r = lb_skipped(ctx, "autovacuum", why, err);
    if (r >= 0 && !why)
        r = vacuum_recall_behind(ctx, w.scan.server.database, &w.memory, err);
    if (r >= 0 && !why)
        r = look(&w, err);
    if (r >= 0)
        r = lb_result(ctx, LB_ARGS(lb_i64("behind", w.behind), lb_i64("workers", w.scan.server.workers)), err);
    return r < 0 ? r : lb_examined(ctx, "relations", (int64_t)w.scan.count, err);
}

LB_TOOL(watch_autovacuum, "tables that stay past their trigger: autovacuum has fallen behind", .agent = "performance",
        .risk = LB_RISK_LOW, .schedule = "*/10 * * * *", .detector = true, .timeout_s = 120,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("lakebase_metrics"),
        .emits = LB_NAMES("threshold.breached", "threshold.cleared"), .remembers = true, .run = run);
