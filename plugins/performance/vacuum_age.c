#include "vacuum_age.h"

#include "amount.h"

#include <math.h>
#include <sql/vacuum/vacuum_urgent.h>

const char *vacuum_age_level(const vacuum_age_limits *limits, int64_t age)
{
    return age >= limits->critical ? "critical" : age >= limits->warning ? "warning" : "normal";
}

static const char *holder_part(lb_ctx *ctx, const vacuum_horizon_row *holder)
{
    return holder ? lb_printf(ctx, "; %s holds it back", vacuum_holder_text(ctx, holder)) : "";
}

static lb_value days_value(double days)
{
    return days < 0 ? lb_null("days_to_refusal") : lb_f64("days_to_refusal", days);
}

int vacuum_report_database(lb_ctx *ctx, const vacuum_age_limits *limits, const vacuum_databases_row *db,
                           const vacuum_counter *c, int64_t age, const vacuum_horizon_row *holder, lb_error *err)
{
    double days = vacuum_days_left(age, c->rate);
    const char *reason = lb_printf(ctx, "its oldest %s is %.1f %% of the way to a standstill%s%s", c->name,
                                   100 * (double)age / (double)VACUUM_SPACE,
                                   days < 0 ? ""
                                            : lb_printf(ctx, ", %s at the rate of the last %s",
                                                        amount_text(ctx, floor(days + 0.5), "day", "days"), c->span),
                                   holder_part(ctx, holder));
    if (!reason)
        return lb_out_of_memory(err);
    return lb_report(
        ctx,
        LB_FINDING(.object = db->name, .kind = lb_printf(ctx, "database_%s", c->metric), .reason = reason,
                   .evidence = LB_ARGS(lb_i64("age", age), lb_text("level", vacuum_age_level(limits, age)),
                                       lb_i64("warning_age", limits->warning), lb_i64("critical_age", limits->critical),
                                       lb_i64("ids_left", VACUUM_SPACE - age), lb_bool("may_connect", db->may_connect),
                                       c->rate < 0 ? lb_null("ids_per_day") : lb_f64("ids_per_day", c->rate),
                                       days_value(days), vacuum_holder_value(ctx, "held_back_by", holder)),
                   .terms = LB_TERMS({"counted_by_the_server", 0.8}, {"rate_known", c->rate < 0 ? 0.0 : 0.1},
                                     {"holder_known", holder ? 0.1 : 0.0}),
                   .impact = LB_ARGS(lb_text("level", vacuum_age_level(limits, age)))),
        err);
}

int vacuum_report_table(lb_ctx *ctx, const vacuum_age_limits *limits, const vacuum_scan *scan, const vacuum_relation *v,
                        const vacuum_counter *c, const vacuum_horizon_row *holder, lb_error *err)
{
    const vacuum_vacuum_urgent_args table = {.schema = v->row.schema, .table = v->row.name};
    int64_t age = c->is_mxid ? v->row.mxid_age : v->row.xid_age;
    double own_limit = c->is_mxid ? v->need.mxid_freeze_max_age : v->need.freeze_max_age;
    bool is_overdue = age < limits->warning, runs = vacuum_at_work(scan, v->row.relation) != NULL;
    const lb_sql *fix = NULL;
    const char *reason = is_overdue
                             ? lb_printf(ctx, "its oldest %s is %.1f times as old as autovacuum should let it become%s",
                                         c->name, (double)age / own_limit, holder_part(ctx, holder))
                             : lb_printf(ctx, "its oldest %s is %.1f %% of the way to a standstill%s%s", c->name,
                                         100 * (double)age / (double)VACUUM_SPACE, runs ? "; a vacuum is at work" : "",
                                         holder_part(ctx, holder));
    int r = vacuum_vacuum_urgent_compose(ctx, &table, &fix, err);
    if (r < 0)
        return r;
    if (!reason)
        return lb_out_of_memory(err);
    return lb_report(
        ctx,
        LB_FINDING(.object = vacuum_name(ctx, v->row.schema, v->row.name),
                   .kind = lb_printf(ctx, "%s_%s", v->row.kind[0] == 't' ? "toast" : "table", c->metric),
                   .reason = reason,
                   .evidence = LB_ARGS(
                       lb_i64("age", age), lb_text("level", is_overdue ? "warning" : vacuum_age_level(limits, age)),
                       lb_f64("freeze_max_age", own_limit), lb_json("own_settings", v->row.own_settings),
                       lb_i64("bytes", v->row.pages * scan->server.block_bytes),
                       vacuum_time("last_vacuum", v->need.last_vacuum), lb_bool("vacuum_is_running", runs),
                       days_value(vacuum_days_left(age, c->rate)), vacuum_holder_value(ctx, "held_back_by", holder)),
                   .terms = LB_TERMS({"counted_by_the_server", 0.7}, {"past_the_threshold", is_overdue ? 0.1 : 0.3},
                                     {"a_vacuum_is_at_work", runs ? -0.3 : 0.0}),
                   .impact = LB_ARGS(lb_text("level", is_overdue ? "warning" : vacuum_age_level(limits, age))),
                   .fix = fix),
        err);
}
