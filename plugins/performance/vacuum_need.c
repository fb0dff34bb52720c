#include "vacuum_need.h"

#include <math.h>

/* What a page costs by default: vacuum_cost_page_miss and vacuum_cost_page_dirty. */
#define COST_MISS  2.0
#define COST_DIRTY 20.0

/* The table's own setting comes before the server's. */
static double setting(bool is_null, double own, double server)
{
    return is_null ? server : own;
}

static int64_t later(bool is_null_a, int64_t a, bool is_null_b, int64_t b)
{
    int64_t first = is_null_a ? LB_TIME_NONE : a, second = is_null_b ? LB_TIME_NONE : b;
    return first > second ? first : second;
}

/* Since 18 only the part of the table counts that is not frozen yet: the rest costs an insert-driven vacuum nothing. */
static double unfrozen_part(const vacuum_relations_row *t)
{
    if (t->frozen_pages_is_null || t->pages <= 0)
        return 1;
    return 1 - fmin((double)t->frozen_pages, (double)t->pages) / (double)t->pages;
}

static double vacuum_trigger(const vacuum_settings_row *s, const vacuum_relations_row *t, double rows)
{
    double trigger = setting(t->vacuum_threshold_is_null, t->vacuum_threshold, s->vacuum_threshold) +
                     setting(t->vacuum_scale_is_null, t->vacuum_scale, s->vacuum_scale) * rows;
    bool is_capped = !t->vacuum_max_threshold_is_null || !s->vacuum_max_threshold_is_null;
    double cap = setting(t->vacuum_max_threshold_is_null, t->vacuum_max_threshold,
                         s->vacuum_max_threshold_is_null ? -1 : s->vacuum_max_threshold);
    return is_capped && cap >= 0 && cap < trigger ? cap : trigger;
}

static double insert_trigger(const vacuum_settings_row *s, const vacuum_relations_row *t, double rows)
{
    double threshold = setting(t->insert_threshold_is_null, t->insert_threshold, s->insert_threshold);
    double scale = setting(t->insert_scale_is_null, t->insert_scale, s->insert_scale);
    return threshold < 0 ? -1 : threshold + scale * rows * unfrozen_part(t);
}

static double analyze_trigger(const vacuum_settings_row *s, const vacuum_relations_row *t, double rows)
{
    if (t->kind[0] == 't')
        return -1; /* nobody plans with a TOAST table's statistics */
    return setting(t->analyze_threshold_is_null, t->analyze_threshold, s->analyze_threshold) +
           setting(t->analyze_scale_is_null, t->analyze_scale, s->analyze_scale) * rows;
}

void vacuum_need_of(const vacuum_settings_row *s, const vacuum_relations_row *t, vacuum_need *ret_need)
{
    double rows = fmax(t->rows_known, 0), all = (double)t->dead + fmax(rows, (double)t->live);
    *ret_need = (vacuum_need){
        .enabled = s->enabled && (t->enabled_is_null || t->enabled),
        .rows = rows,
        .dead_ratio = all > 0 ? (double)t->dead / all : 0,
        .vacuum_trigger = vacuum_trigger(s, t, rows),
        .insert_trigger = insert_trigger(s, t, rows),
        .analyze_trigger = analyze_trigger(s, t, rows),
        .analyze_scale = setting(t->analyze_scale_is_null, t->analyze_scale, s->analyze_scale),
        /* a table can be frozen earlier than the server says, not later */
        .freeze_max_age =
            fmin(s->freeze_max_age, setting(t->freeze_max_age_is_null, t->freeze_max_age, s->freeze_max_age)),
        .mxid_freeze_max_age = fmin(s->mxid_freeze_max_age, setting(t->mxid_freeze_max_age_is_null,
                                                                    t->mxid_freeze_max_age, s->mxid_freeze_max_age)),
        .last_vacuum = later(t->last_vacuum_is_null, t->last_vacuum, t->last_autovacuum_is_null, t->last_autovacuum),
        .last_analyze =
            later(t->last_analyze_is_null, t->last_analyze, t->last_autoanalyze_is_null, t->last_autoanalyze),
    };
}

double vacuum_share(double count, double trigger)
{
    return trigger < 0 ? 0 : count / fmax(trigger, 1);
}

double vacuum_hours(int64_t since, int64_t now)
{
    return since == LB_TIME_NONE ? -1 : (double)(now - since) / 3600e6;
}

double vacuum_eta_s(double pages, double dirtied, double delay_ms, double limit)
{
    if (delay_ms <= 0 || limit <= 0)
        return 0;
    return pages * (COST_MISS + COST_DIRTY * dirtied) / limit * delay_ms / 1000;
}
