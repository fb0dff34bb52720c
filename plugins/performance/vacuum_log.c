#include "vacuum_log.h"
#include "vacuum_clock.h"

#include <sql/vacuum/locks.h>
#include <sql/vacuum/set_cost_delay.h>
#include <sql/vacuum/set_cost_limit.h>

#define LOOK_MS 100

int vacuum_begin(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v, const char *type, const char *reason,
                 vacuum_operation *ret_operation, lb_error *err)
{
    int64_t now = lb_now(ctx);
    const char *id = lb_printf(ctx, "%s-%lld-%lld", type, (long long)v->row.relation, (long long)now);
    if (!id || !reason)
        return lb_out_of_memory(err);
    *ret_operation = (vacuum_operation){.id = id,
                                        .type = type,
                                        .reason = reason,
                                        .status = "deferred",
                                        .database = scan->server.database,
                                        .before = *v,
                                        .began = now,
                                        .ended = now};
    return 0;
}

static lb_value when(bool known, const char *name, int64_t value)
{
    return known ? lb_i64(name, value) : lb_null(name);
}

int vacuum_write(lb_ctx *ctx, const vacuum_operation *o, lb_error *err)
{
    const vacuum_relations_row *a = &o->before.row, *b = &o->after.row;
    double seconds = (double)(o->ended - o->began) / 1e6;
    bool measured = o->bytes_before > 0 || o->bytes_after > 0;
    int r = lb_record(
        ctx, "vacuum_history",
        LB_ARGS(lb_text("operation_id", o->id), lb_time("executed_at", o->began), lb_text("database_name", o->database),
                lb_text("schema_name", a->schema), lb_text("table_name", a->name), lb_text("operation_type", o->type),
                lb_text("reason", o->reason), lb_i64("dead_tuples_before", a->dead),
                when(o->has_after, "dead_tuples_after", b->dead), when(o->has_after, "live_tuples_after", b->live),
                when(measured, "bytes_before", o->bytes_before),
                when(measured && o->has_after, "bytes_after", o->bytes_after), lb_i64("txid_age_before", a->xid_age),
                when(o->has_after, "txid_age_after", b->xid_age), lb_f64("duration_seconds", seconds),
                lb_json("settings", o->settings), lb_text("status", o->status), lb_text("error_message", o->error)),
        err);
    if (r < 0)
        return r;
    return lb_append(ctx, "results",
                     LB_ARGS(lb_text("schema", a->schema), lb_text("table", a->name), lb_text("operation", o->type),
                             lb_text("status", o->status), lb_text("reason", o->reason), lb_text("error", o->error),
                             lb_i64("dead_rows_before", a->dead), when(o->has_after, "dead_rows_after", b->dead),
                             when(measured, "bytes_before", o->bytes_before),
                             when(measured && o->has_after, "bytes_after", o->bytes_after),
                             lb_f64("duration_seconds", seconds), lb_json("settings", o->settings)),
                     err);
}

/* A table that went, or that somebody locked, is that table's failure; these are the run's. */
static bool ends_run(int code)
{
    return code == LB_ERR_CANCELLED || code == LB_ERR_TIMEOUT || code == LB_ERR_UNREACHABLE || code == LB_ERR_NO_MEMORY;
}

static const char *status_of(lb_outcome outcome)
{
    switch (outcome) {
    case LB_APPLIED:
        return "success";
    case LB_PLANNED:
        return "planned";
    case LB_WAITING:
        return "waiting";
    case LB_REFUSED:
        break;
    }
    return "deferred";
}

int vacuum_settle(lb_ctx *ctx, vacuum_operation *o, int code, lb_outcome outcome, const lb_error *failure,
                  lb_error *err)
{
    lb_error ignored;
    o->ended = lb_now(ctx);
    o->status = code < 0 ? "failed" : status_of(outcome);
    o->error = code < 0 ? lb_printf(ctx, "%s", failure->message) : outcome == LB_REFUSED ? "the gate refused" : NULL;
    if (code >= 0 || !ends_run(code))
        return 0;
    if (vacuum_write(ctx, o, &ignored) < 0)
        lb_log(ctx, LB_LOG_WARN, "%s: %s", o->before.label, ignored.message);
    *err = *failure;
    return code;
}

/* What a lock is in the way of: any of a rewrite, only an exclusive one of a look at the files. */
typedef enum deed { REWRITE, VACUUM, LOOK } deed;

static bool is_in_the_way(const vacuum_locks_row *row, deed what)
{
    return what == REWRITE || (what == VACUUM ? row->stops_vacuum : strcmp(row->mode, "AccessExclusiveLock") == 0);
}

static int find_lock(lb_ctx *ctx, const vacuum_relation *v, deed what, const char **ret_who, lb_error *err)
{
    const vacuum_locks_args of = {.relation = v->row.relation};
    vacuum_locks_row row;
    lb_rows *rows = NULL;
    int r = vacuum_locks(ctx, &of, &rows, err);
    if (r < 0)
        return r;
    *ret_who = NULL;
    while (!*ret_who && vacuum_locks_next(ctx, rows, &row)) {
        if (!is_in_the_way(&row, what))
            continue;
        *ret_who = row.pid_is_null ? lb_printf(ctx, "a prepared transaction has %s on it", row.mode)
                                   : lb_printf(ctx, "pid %lld of %s (%s) %s %s on it", (long long)row.pid,
                                               row.owner ? row.owner : "the server", row.state ? row.state : "unknown",
                                               row.granted ? "has" : "awaits", row.mode);
        if (!*ret_who)
            return lb_out_of_memory(err);
    }
    return 0;
}

int vacuum_find_lock(lb_ctx *ctx, const vacuum_relation *v, bool full, const char **ret_who, lb_error *err)
{
    return find_lock(ctx, v, full ? REWRITE : VACUUM, ret_who, err);
}

int vacuum_await_look(lb_ctx *ctx, const vacuum_relation *v, int64_t patience_ms, const char **ret_who, lb_error *err)
{
    int r = find_lock(ctx, v, LOOK, ret_who, err);
    for (int64_t left = patience_ms; r >= 0 && *ret_who && left > 0 && !lb_cancelled(ctx); left -= LOOK_MS) {
        vacuum_wait(ctx, LOOK_MS / 1000.0);
        r = find_lock(ctx, v, LOOK, ret_who, err);
    }
    return r;
}

const char *vacuum_refusal(const vacuum_scan *scan, const vacuum_relation *v)
{
    if (scan->server.is_standby)
        return "this is a standby: its primary vacuums";
    if (!v->row.may_maintain)
        return "the role may not vacuum it: it has to own it or its database, or have MAINTAIN on it (servers from 17 "
               "on)";
    return vacuum_at_work(scan, v->row.relation) ? "a vacuum is at work on it" : NULL;
}

int vacuum_set_budget(lb_ctx *ctx, lb_group *group, const char *delay, const char *limit, lb_error *err)
{
    const vacuum_set_cost_delay_args rest = {.delay = delay};
    const vacuum_set_cost_limit_args piece = {.limit = limit};
    if (!delay || !limit)
        return lb_out_of_memory(err);
    int r = vacuum_set_cost_delay(ctx, group, &rest, err);
    return r < 0 ? r : vacuum_set_cost_limit(ctx, group, &piece, err);
}

int vacuum_reset_budget(lb_ctx *ctx, lb_group *group, const vacuum_scan *scan, lb_error *err)
{
    return vacuum_set_budget(ctx, group, scan->server.manual_cost_delay, scan->server.manual_cost_limit, err);
}

int vacuum_measure(lb_ctx *ctx, const vacuum_relation *v, vacuum_size_row *ret_size, lb_error *err)
{
    const vacuum_size_args of = {.relation = v->row.relation};
    lb_rows *rows = NULL;
    int r = vacuum_size(ctx, &of, &rows, err);
    if (r < 0)
        return lb_wrap(err, v->label);
    return vacuum_size_next(ctx, rows, ret_size)
               ? 0
               : lb_fail(err, LB_ERR_NOT_FOUND, "it was dropped meanwhile", "%s is gone", v->label);
}

int vacuum_look_after(lb_ctx *ctx, const vacuum_scan *scan, vacuum_operation *o, lb_error *err)
{
    vacuum_size_row size = {0};
    o->ended = lb_now(ctx);
    int r = vacuum_scan_again(ctx, scan, &o->before, &o->after, &o->has_after, err);
    if (r < 0 || !o->has_after || !o->bytes_before)
        return r;
    r = vacuum_measure(ctx, &o->after, &size, err);
    if (r >= 0)
        o->bytes_after = size.total_bytes;
    return r;
}
