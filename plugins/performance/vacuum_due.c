#include "vacuum_due.h"

#include "amount.h"

#include <math.h>

static bool is_stale(const vacuum_relation *v, const vacuum_limits *limits, int64_t now)
{
    double hours = vacuum_hours(v->need.last_vacuum, now);
    double changed = (double)v->row.dead + (double)v->row.inserted_since_vacuum;
    double floor = fmax((double)limits->min_rows, limits->min_changed * v->need.rows);
    return (hours < 0 || hours > limits->stale_hours) && changed >= floor;
}

unsigned vacuum_due(const vacuum_relation *v, const vacuum_limits *limits, int64_t now)
{
    unsigned due = 0;
    const vacuum_relations_row *t = &v->row;
    bool is_past = vacuum_share((double)t->dead, v->need.vacuum_trigger) >= 1;
    if (t->dead >= limits->min_rows && (is_past || v->need.dead_ratio > limits->dead_ratio))
        due |= VACUUM_DEAD;
    if (t->inserted_since_vacuum >= limits->min_rows &&
        vacuum_share((double)t->inserted_since_vacuum, v->need.insert_trigger) >= 1)
        due |= VACUUM_INSERTS;
    if (is_stale(v, limits, now))
        due |= VACUUM_STALE;
    if (t->modified_since_analyze >= limits->min_rows &&
        vacuum_share((double)t->modified_since_analyze, v->need.analyze_trigger) >= 1)
        due |= VACUUM_ANALYZE;
    return due;
}

double vacuum_urgency(const vacuum_relation *v)
{
    double dead = vacuum_share((double)v->row.dead, v->need.vacuum_trigger);
    double inserted = vacuum_share((double)v->row.inserted_since_vacuum, v->need.insert_trigger);
    double changed = vacuum_share((double)v->row.modified_since_analyze, v->need.analyze_trigger);
    return fmax(dead, fmax(inserted, changed / 4)); /* old statistics hurt less than dead rows */
}

bool vacuum_is_futile(const vacuum_relation *v, const vacuum_horizon_row *holder)
{
    return holder && !holder->since_is_null && v->need.last_vacuum != LB_TIME_NONE &&
           holder->since < v->need.last_vacuum;
}

bool vacuum_is_held(const vacuum_relation *v, const vacuum_horizon_row *holder)
{
    return holder && (holder->since_is_null || vacuum_is_futile(v, holder));
}

static const char *dead_text(lb_ctx *ctx, const vacuum_relation *v)
{
    double share = vacuum_share((double)v->row.dead, v->need.vacuum_trigger);
    return lb_printf(ctx, "%lld dead rows (%.0f %% of all) are %.1f times the %.0f that autovacuum waits for",
                     (long long)v->row.dead, 100 * v->need.dead_ratio, share, v->need.vacuum_trigger);
}

static const char *stale_text(lb_ctx *ctx, const vacuum_relation *v, int64_t now)
{
    double hours = vacuum_hours(v->need.last_vacuum, now);
    long long changed = (long long)v->row.dead + (long long)v->row.inserted_since_vacuum;
    return hours < 0 ? lb_printf(ctx, "%lld rows were changed and no vacuum is on record", changed)
                     : lb_printf(ctx, "%lld rows were changed and the last vacuum was %s ago", changed,
                                 amount_text(ctx, floor(hours + 0.5), "hour", "hours"));
}

const char *vacuum_due_text(lb_ctx *ctx, const vacuum_relation *v, unsigned due, int64_t now)
{
    const vacuum_relations_row *t = &v->row;
    if (due & VACUUM_DEAD)
        return dead_text(ctx, v);
    if (due & VACUUM_INSERTS)
        return lb_printf(
            ctx, "%lld rows were inserted since the last vacuum, %.1f times the %.0f that autovacuum waits for",
            (long long)t->inserted_since_vacuum, vacuum_share((double)t->inserted_since_vacuum, v->need.insert_trigger),
            v->need.insert_trigger);
    if (due & VACUUM_STALE)
        return stale_text(ctx, v, now);
    if (due & VACUUM_ANALYZE)
        return lb_printf(
            ctx, "%lld rows were changed since the last ANALYZE, %.1f times the %.0f that autovacuum waits for",
            (long long)t->modified_since_analyze,
            vacuum_share((double)t->modified_since_analyze, v->need.analyze_trigger), v->need.analyze_trigger);
    return "nothing is due";
}

const char *vacuum_reason_text(lb_ctx *ctx, const vacuum_relation *v, unsigned due, int64_t now,
                               const vacuum_horizon_row *holder)
{
    const char *text = vacuum_due_text(ctx, v, due, now), *who = holder ? vacuum_holder_text(ctx, holder) : NULL;
    if (!text || !who || due == VACUUM_ANALYZE)
        return text;
    return lb_printf(ctx, "%s; %s holds rows back since %lld transactions", text, who, (long long)holder->horizon_age);
}
