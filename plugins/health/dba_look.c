#include "dba_look.h"

#include <sql/diagnose/changes.h>
#include <sql/health/failed_runs.h>
#include <sql/health/named_settings.h>
#include <sql/health/named_sizes.h>
#include <sql/health/waiting_approvals.h>

#include <string.h>
#include <time.h>

#define TOLD    5 /* of one kind; the others are counted */
#define HOUR_US INT64_C(3600000000)

typedef struct look {
    dba_evidence *e;
    const char *source;
    double weight;
    size_t found;
} look;

/* ---- telling ---- */

/* "2026-11-29 06:20 UTC" */
static const char *moment(lb_ctx *ctx, int64_t at)
{
    const time_t seconds = (time_t)(at / 1000000);
    struct tm parts;
    char text[32];
    if (!gmtime_r(&seconds, &parts) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts))
        return "a time that cannot be told";
    return lb_printf(ctx, "%s", text);
}

static int say_of(look *l, const char *text, const lb_value *facts, const dba_exhibit *about, lb_error *err)
{
    lb_value *kept = lb_alloc(l->e->ctx, 8 * sizeof *kept);
    for (size_t i = 0; kept && i < 7 && facts[i].type != LB_END; i++)
        kept[i] = facts[i];
    const double weight = l->weight - (double)l->found++ / 20;
    return kept ? dba_add(l->e, text, weight, kept, about, err) : lb_out_of_memory(err);
}

static int say(look *l, const char *text, const lb_value *facts, lb_error *err)
{
    return say_of(l, text, facts, &(dba_exhibit){.tool = l->source, .confidence = -1}, err);
}

static int say_more(look *l, size_t count, lb_error *err)
{
    return count <= TOLD ? 0
                         : say(l, lb_printf(l->e->ctx, "%s has at least %zu more of the like", l->source, count - TOLD),
                               LB_NO_ARGS, err);
}

static const char *bytes(lb_ctx *ctx, int64_t count)
{
    char text[32];
    dba_bytes(text, sizeof text, (double)count);
    return lb_printf(ctx, "%s", text);
}

static int64_t since_of(const dba_evidence *e)
{
    return lb_now(e->ctx) - (e->span.hours ? e->span.hours : 24 * e->span.days) * HOUR_US;
}

/* ---- the server ---- */

/* Somebody who names a table that is not here is not to take another one's size for it. */
static int say_none_is_named(look *l, lb_error *err)
{
    return strstr(l->e->words, " table ")
               ? say(l, "the question names no table that is here; these are the largest", LB_NO_ARGS, err)
               : 0;
}

static int look_at_sizes(look *l, lb_error *err)
{
    lb_ctx *ctx = l->e->ctx;
    const health_named_sizes_args wanted = {.words = l->e->words};
    health_named_sizes_row row = {0};
    lb_rows *rows = NULL;
    bool any_named = false;
    int r = health_named_sizes(ctx, &wanted, &rows, err);
    while (r >= 0 && health_named_sizes_next(ctx, rows, &row)) {
        any_named = any_named || row.is_named;
        if (row.total_bytes_is_null || (any_named && !row.is_named))
            continue;
        if (!any_named && !l->found)
            r = say_none_is_named(l, err);
        if (r >= 0)
            r = say(l,
                    lb_printf(ctx, "%s.%s has %s, %s of it indexes", row.schema, row.name, bytes(ctx, row.total_bytes),
                              bytes(ctx, row.index_bytes)),
                    LB_ARGS(lb_text("schema", row.schema), lb_text("table", row.name),
                            lb_i64("total_bytes", row.total_bytes), lb_i64("index_bytes", row.index_bytes)),
                    err);
    }
    if (r < 0 || !l->found)
        return r < 0 ? r : say(l, "the database has no table of its own", LB_NO_ARGS, err);
    return say(l, lb_printf(ctx, "the whole database has %s", bytes(ctx, row.database_bytes)),
               LB_ARGS(lb_i64("database_bytes", row.database_bytes)), err);
}

static int look_at_settings(look *l, lb_error *err)
{
    lb_ctx *ctx = l->e->ctx;
    const health_named_settings_args wanted = {.words = l->e->words};
    health_named_settings_row row = {0};
    lb_rows *rows = NULL;
    bool any_named = false;
    int r = health_named_settings(ctx, &wanted, &rows, err);
    while (r >= 0 && health_named_settings_next(ctx, rows, &row)) {
        any_named = any_named || row.is_named;
        if (any_named && !row.is_named)
            continue;
        r = say(l, lb_printf(ctx, "%s is %s (from %s)", row.name, row.value, row.source),
                LB_ARGS(lb_text("setting", row.name), lb_text("value", row.value), lb_text("source", row.source)), err);
    }
    if (r >= 0 && l->found && !row.hit_share_is_null)
        r = say(l,
                lb_printf(ctx, "the database has %s, and %.1f %% of the blocks that were asked for stood in memory",
                          bytes(ctx, row.database_bytes), 100 * row.hit_share),
                LB_ARGS(lb_i64("database_bytes", row.database_bytes), lb_f64("hit_share", row.hit_share)), err);
    return r < 0 ? r
                 : say(l, "which values fit this workload auto_tune_resource_parameters says, with its reasons",
                       LB_NO_ARGS, err);
}

/* ---- history ---- */

/* Its values are for people alone: a model is told of the statement beside the sentence, as statements are. */
static int say_change(look *l, const diagnose_changes_row *row, lb_error *err)
{
    lb_ctx *ctx = l->e->ctx;
    const char *who = lb_printf(ctx, "%s: %s, for the %s %s, has executed", moment(ctx, row->changed_at), row->tool,
                                row->actor_kind, row->actor ? row->actor : "that nobody named");
    const char *shown = who ? lb_printf(ctx, "%s %.200s", who, row->statement) : NULL;
    if (!shown)
        return lb_out_of_memory(err);
    return say_of(l, lb_printf(ctx, "%s a statement", who),
                  LB_ARGS(lb_time("at", row->changed_at), lb_text("tool", row->tool),
                          lb_text("actor_kind", row->actor_kind), lb_text("actor", row->actor)),
                  &(dba_exhibit){.tool = l->source, .confidence = -1, .sql = row->statement, .shown = shown}, err);
}

static int look_at_changes(look *l, lb_error *err)
{
    lb_ctx *ctx = l->e->ctx;
    const lb_target *target = lb_run_target(ctx);
    const int64_t since = since_of(l->e);
    const diagnose_changes_args wanted = {.project = target->project, .branch = target->branch, .since = since};
    diagnose_changes_row row;
    lb_rows *rows = NULL;
    size_t count = 0;
    int r = diagnose_changes(ctx, &wanted, &rows, err);
    while (r >= 0 && diagnose_changes_next(ctx, rows, &row))
        if (count++ < TOLD)
            r = say_change(l, &row, err);
    if (r >= 0 && !count)
        r = say(l, lb_printf(ctx, "history knows of no change that was made here since %s", moment(ctx, since)),
                LB_ARGS(lb_time("since", since)), err);
    return r < 0 ? r : say_more(l, count, err);
}

static int look_at_approvals(look *l, lb_error *err)
{
    lb_ctx *ctx = l->e->ctx;
    const lb_target *target = lb_run_target(ctx);
    const health_waiting_approvals_args wanted = {
        .project = target->project, .branch = target->branch, .now = lb_now(ctx)};
    health_waiting_approvals_row row;
    lb_rows *rows = NULL;
    size_t count = 0;
    int r = health_waiting_approvals(ctx, &wanted, &rows, err);
    while (r >= 0 && health_waiting_approvals_next(ctx, rows, &row))
        if (count++ < TOLD)
            r = say(l,
                    lb_printf(ctx, "%s waits for a person since %s: lbops approvals %s", row.title,
                              moment(ctx, row.asked_at), row.approval_id),
                    LB_ARGS(lb_text("approval", row.approval_id), lb_text("tool", row.tool),
                            lb_time("asked_at", row.asked_at)),
                    err);
    if (r >= 0 && !count)
        r = say(l, "history knows of nothing on this branch that waits for a person", LB_NO_ARGS, err);
    return r < 0 ? r : say_more(l, count, err);
}

static int look_at_failures(look *l, lb_error *err)
{
    lb_ctx *ctx = l->e->ctx;
    const lb_target *target = lb_run_target(ctx);
    const int64_t since = since_of(l->e);
    const health_failed_runs_args wanted = {.project = target->project, .branch = target->branch, .since = since};
    health_failed_runs_row row;
    lb_rows *rows = NULL;
    size_t count = 0;
    int r = health_failed_runs(ctx, &wanted, &rows, err);
    while (r >= 0 && health_failed_runs_next(ctx, rows, &row))
        if (count++ < TOLD)
            r = say(l,
                    lb_printf(ctx, "%s ended as %s %lld %s, last at %s: %.300s", row.tool, row.status,
                              (long long)row.times, row.times == 1 ? "time" : "times", moment(ctx, row.last_at),
                              row.message ? row.message : "nothing was said of why"),
                    LB_ARGS(lb_text("tool", row.tool), lb_text("status", row.status), lb_i64("times", row.times),
                            lb_time("last_at", row.last_at)),
                    err);
    if (r >= 0 && !count)
        r = say(l, lb_printf(ctx, "history knows of no run here that failed since %s", moment(ctx, since)),
                LB_ARGS(lb_time("since", since)), err);
    return r < 0 ? r : say_more(l, count, err);
}

/* ---- all of them ---- */

int dba_look(dba_evidence *e, const char *source, double weight, lb_error *err)
{
    static const struct {
        const char *source;
        int (*run)(look *l, lb_error *err);
    } looks[] = {{DBA_SIZES, look_at_sizes},
                 {DBA_SETTINGS, look_at_settings},
                 {DBA_CHANGES, look_at_changes},
                 {DBA_APPROVALS, look_at_approvals},
                 {DBA_FAILURES, look_at_failures}};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        lb_error why = {0};
        look l = {.e = e, .source = source, .weight = weight};
        if (strcmp(source, looks[i].source) != 0)
            continue;
        int r = looks[i].run(&l, &why);
        if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY) {
            *err = why;
            return r;
        }
        if (e->tool_count < DBA_TOOLS)
            e->tools[e->tool_count++].name = source;
        e->answered += r >= 0;
        const char *reason = r < 0 ? lb_printf(e->ctx, "%s", why.message) : NULL;
        if (r < 0 && (!reason || lb_skipped(e->ctx, source, reason, err) < 0))
            return reason ? err->code : lb_out_of_memory(err);
        return 1;
    }
    return 0;
}
