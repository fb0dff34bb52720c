#include "vacuum_scan.h"

#include "vacuum_ledger.h"

#include <math.h>
#include <sql/vacuum/may_vacuum.h>
#include <sql/vacuum/relation_count.h>

static int read_settings(lb_ctx *ctx, vacuum_scan *scan, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = vacuum_settings(ctx, &rows, err);
    if (r < 0)
        return r;
    if (!vacuum_settings_next(ctx, rows, &scan->server))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the server has no settings");
    return 0;
}

static const char *label_of(lb_ctx *ctx, const vacuum_relations_row *row)
{
    const char *name = vacuum_name(ctx, row->schema, row->name);
    return row->kind[0] == 't' && name ? lb_printf(ctx, "TOAST of %s", name) : name;
}

/* The rights are those to the main table, for its TOAST table too. */
static int read_relations(lb_ctx *ctx, const vacuum_relations_args *wanted, vacuum_scan *scan, lb_error *err)
{
    vacuum_relations_args asked = *wanted;
    lb_rows *rows = NULL;
    int r = vacuum_may_vacuum_compose(ctx, &(vacuum_may_vacuum_args){.relation = "m"}, &asked.may_vacuum, err);
    if (r >= 0)
        r = vacuum_relations(ctx, &asked, &rows, err);
    if (r < 0)
        return r;
    scan->count = 0;
    scan->relations = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *scan->relations);
    if (!scan->relations)
        return lb_out_of_memory(err);
    for (vacuum_relation *v = scan->relations; vacuum_relations_next(ctx, rows, &v->row); v++, scan->count++) {
        vacuum_need_of(&scan->server, &v->row, &v->need);
        v->label = label_of(ctx, &v->row);
        if (!v->label)
            return lb_out_of_memory(err);
    }
    return 0;
}

int vacuum_scan_others(lb_ctx *ctx, lb_rows **ret_rows, lb_error *err)
{
    vacuum_others_args asked = {0};
    int r = vacuum_may_vacuum_compose(ctx, &(vacuum_may_vacuum_args){.relation = "c"}, &asked.may_vacuum, err);
    return r < 0 ? r : vacuum_others(ctx, &asked, ret_rows, err);
}

static int read_holders(lb_ctx *ctx, vacuum_scan *scan, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = vacuum_horizon(ctx, &rows, err);
    if (r < 0)
        return r;
    scan->holder_count = 0;
    scan->holders = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *scan->holders);
    if (!scan->holders)
        return lb_out_of_memory(err);
    while (vacuum_horizon_next(ctx, rows, &scan->holders[scan->holder_count]))
        scan->holder_count++;
    return 0;
}

static int read_running(lb_ctx *ctx, vacuum_scan *scan, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = vacuum_progress(ctx, &rows, err);
    if (r < 0)
        return r;
    scan->running_count = 0;
    scan->running = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *scan->running);
    if (!scan->running)
        return lb_out_of_memory(err);
    while (vacuum_progress_next(ctx, rows, &scan->running[scan->running_count]))
        scan->running_count++;
    return 0;
}

static int tell_unseen(lb_ctx *ctx, const vacuum_scan *scan, lb_error *err)
{
    return scan->server.sees_sessions
               ? 0
               : lb_skipped(ctx, "sessions of other roles",
                            "this role may not see what they do, nor which of them hold rows back: grant it "
                            "pg_read_all_stats",
                            err);
}

int vacuum_scan_who(lb_ctx *ctx, vacuum_scan *scan, lb_error *err)
{
    int r = read_holders(ctx, scan, err);
    if (r >= 0)
        r = read_running(ctx, scan, err);
    return r;
}

static int read_who_works(lb_ctx *ctx, vacuum_scan *scan, lb_error *err)
{
    int r = vacuum_scan_who(ctx, scan, err);
    return r < 0 ? r : tell_unseen(ctx, scan, err);
}

int vacuum_scan_read(lb_ctx *ctx, vacuum_scan *ret_scan, lb_error *err)
{
    *ret_scan = (vacuum_scan){.now = lb_now(ctx)};
    int r = read_settings(ctx, ret_scan, err);
    if (r >= 0)
        r = read_relations(ctx, &(vacuum_relations_args){.only_is_null = true, .least_age_is_null = true}, ret_scan,
                           err);
    if (r >= 0)
        r = read_who_works(ctx, ret_scan, err);
    return r < 0 ? lb_wrap(err, "what vacuum works on") : 0;
}

/* Nearly all of a catalogue is young at any time, and nothing has to be known of it but how much it is. */
int vacuum_scan_read_old(lb_ctx *ctx, int64_t warning_age, double overdue_factor, vacuum_scan *ret_scan,
                         int64_t *ret_looked_at, lb_error *err)
{
    vacuum_relation_count_row count = {0};
    lb_rows *rows = NULL;
    *ret_scan = (vacuum_scan){.now = lb_now(ctx)};
    int r = read_settings(ctx, ret_scan, err);
    if (r < 0)
        return lb_wrap(err, "what vacuum works on");
    double limit = fmin(ret_scan->server.freeze_max_age, ret_scan->server.mxid_freeze_max_age) * overdue_factor;
    const vacuum_relations_args old = {
        .system = true, .only_is_null = true, .least_age = limit < (double)warning_age ? (int64_t)limit : warning_age};
    r = read_relations(ctx, &old, ret_scan, err);
    if (r >= 0)
        r = vacuum_relation_count(ctx, &rows, err);
    if (r >= 0)
        r = read_who_works(ctx, ret_scan, err);
    if (r < 0)
        return lb_wrap(err, "what vacuum works on");
    *ret_looked_at = vacuum_relation_count_next(ctx, rows, &count) ? count.relations : (int64_t)ret_scan->count;
    return 0;
}

static int read_one(lb_ctx *ctx, const vacuum_scan *scan, bool system, const vacuum_relation *of,
                    vacuum_relation *ret_now, bool *ret_found, lb_error *err)
{
    vacuum_scan again = *scan;
    const vacuum_relations_args one = {.system = system, .only = of->row.relation, .least_age_is_null = true};
    int r = read_relations(ctx, &one, &again, err);
    if (r < 0)
        return lb_wrap(err, of->label);
    *ret_found = again.count > 0;
    if (*ret_found)
        *ret_now = again.relations[0];
    return 0;
}

int vacuum_scan_again(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *of, vacuum_relation *ret_now,
                      bool *ret_found, lb_error *err)
{
    return read_one(ctx, scan, true, of, ret_now, ret_found, err);
}

int vacuum_scan_before(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *of, vacuum_relation *ret_now,
                       bool *ret_found, lb_error *err)
{
    int r = read_one(ctx, scan, false, of, ret_now, ret_found, err);
    if (r >= 0 && *ret_found)
        vacuum_ledger_keep_on(scan, of, ret_now);
    return r;
}

const vacuum_progress_row *vacuum_at_work(const vacuum_scan *scan, int64_t relation)
{
    for (size_t i = 0; i < scan->running_count; i++)
        if (scan->running[i].relation == relation)
            return &scan->running[i];
    return NULL;
}

const vacuum_horizon_row *vacuum_holder(const vacuum_scan *scan, double seconds, bool catalogue)
{
    for (size_t i = 0; i < scan->holder_count; i++) {
        const vacuum_horizon_row *h = &scan->holders[i];
        bool is_long = h->held_seconds_is_null || h->held_seconds >= seconds;
        if (h->is_here && is_long && h->horizon_age > 0 && (catalogue || strcmp(h->scope, "rows") == 0))
            return h;
    }
    return NULL;
}

const char *vacuum_holder_text(lb_ctx *ctx, const vacuum_horizon_row *h)
{
    if (strcmp(h->kind, "session") == 0)
        return lb_printf(ctx, "%s (%s, %s on %s)", h->holder, h->state ? h->state : "in a transaction",
                         h->owner ? h->owner : "the server", h->database ? h->database : "no database");
    if (strcmp(h->kind, "prepared") == 0)
        return lb_printf(ctx, "prepared transaction '%s' of %s", h->holder, h->owner ? h->owner : "an unknown role");
    if (strcmp(h->kind, "slot") == 0)
        return lb_printf(ctx, "replication slot %s (%s)", h->holder, h->state);
    return lb_printf(ctx, "standby %s", h->holder);
}

const char *vacuum_holder_advice(const vacuum_horizon_row *h)
{
    if (strcmp(h->kind, "session") == 0)
        return "have the application end its transaction, or end the session with pg_terminate_backend";
    if (strcmp(h->kind, "prepared") == 0)
        return "COMMIT PREPARED or ROLLBACK PREPARED it, as its transaction manager says";
    if (strcmp(h->kind, "slot") == 0)
        return "let its consumer catch up, or drop the slot if nobody needs it";
    return "end the long query on the standby, or switch its hot_standby_feedback off";
}

lb_value vacuum_holder_value(lb_ctx *ctx, const char *name, const vacuum_horizon_row *h)
{
    if (!h)
        return lb_null(name);
    lb_value *items = lb_alloc(ctx, 9 * sizeof *items);
    if (!items)
        return lb_null(name); /* whoever reports it runs out of memory next, and says so */
    items[0] = lb_text("kind", h->kind);
    items[1] = lb_text("holder", h->holder);
    items[2] = h->pid_is_null ? lb_null("pid") : lb_i64("pid", h->pid);
    items[3] = lb_text("database", h->database);
    items[4] = lb_text("state", h->state);
    items[5] = h->since_is_null ? lb_null("since") : lb_time("since", h->since);
    items[6] = lb_i64("horizon_age", h->horizon_age);
    items[7] = lb_text("advice", vacuum_holder_advice(h));
    return lb_object(name, items); /* the zeroed ninth ends it */
}

const char *vacuum_name(lb_ctx *ctx, const char *schema, const char *table)
{
    return lb_printf(ctx, "%s.%s", schema, table);
}

lb_value vacuum_time(const char *name, int64_t time)
{
    return time == LB_TIME_NONE ? lb_null(name) : lb_time(name, time);
}
