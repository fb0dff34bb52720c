#include "health_moves.h"

#include <math.h>

#define SECOND 1000000.0

static health_verdict above(double value, double limit, const char *level)
{
    return (health_verdict){.level = value > limit ? level : NULL, .value = value, .limit = limit};
}

static health_verdict nothing(void)
{
    return (health_verdict){.value = NAN, .limit = NAN};
}

/* Sessions end that have begun before, so it may be more than all of them. */
static health_verdict judge_abandoned(const health_moves *m, const health_move_limits *l)
{
    if (!(m->sessions >= l->min_sessions) || !(m->sessions > 0) || isnan(m->abandoned))
        return nothing();
    double share = m->abandoned / m->sessions;
    return share > l->abandoned_critical_share ? above(share, l->abandoned_critical_share, "critical")
                                               : above(share, l->abandoned_warning_share, "warning");
}

static health_verdict judge_churn(const health_moves *m, const health_move_limits *l)
{
    bool is_much = m->sessions >= l->min_sessions && m->interval_s > 0;
    return is_much ? above(m->sessions / m->interval_s, l->sessions_per_s, "warning") : nothing();
}

static health_verdict judge_rollbacks(const health_moves *m, const health_move_limits *l)
{
    double all = m->committed + m->rolled_back;
    return all >= l->min_transactions && all > 0 ? above(m->rolled_back / all, l->rollback_share, "warning")
                                                 : nothing();
}

/* What failed and was archived since is over. */
static health_verdict judge_archiver(const health_moves *m)
{
    return isnan(m->archive_failures) ? nothing()
                                      : above(m->is_archiver_stuck ? m->archive_failures : 0, 0, "critical");
}

double health_open_sessions(const health_moves *m)
{
    return m->day_s > 0 ? m->session_ms / 1000 / m->day_s : NAN;
}

static health_verdict judge_pool(const health_moves *m, const health_move_limits *l)
{
    double open = health_open_sessions(m);
    if (!(open >= l->min_open_sessions) || !(m->session_ms > 0))
        return nothing();
    double busy = m->active_ms / m->session_ms;
    return (health_verdict){.level = busy < l->busy_share ? "warning" : NULL, .value = busy, .limit = l->busy_share};
}

void health_judge_moves(const health_moves *moves, const health_move_limits *limits,
                        health_verdict ret_verdicts[HEALTH_MOVES])
{
    ret_verdicts[HEALTH_ABANDONED] = judge_abandoned(moves, limits);
    ret_verdicts[HEALTH_CHURN] = judge_churn(moves, limits);
    ret_verdicts[HEALTH_ROLLBACKS] = judge_rollbacks(moves, limits);
    ret_verdicts[HEALTH_ARCHIVER] = judge_archiver(moves);
    ret_verdicts[HEALTH_POOL] = judge_pool(moves, limits);
}

/* ---- a day ---- */

size_t health_keep_day(const health_mark *marks, size_t count, const health_mark *now,
                       health_mark ret_kept[HEALTH_MOST_DAY])
{
    size_t from = 0, kept = 0;
    while (count > 0 && marks[count - 1].at > now->at)
        count--; /* the clock was set back */
    for (size_t i = 0; i < count; i++)
        if (marks[i].at <= now->at - HEALTH_DAY_US)
            from = i;
    if (count - from >= HEALTH_MOST_DAY)
        from = count - HEALTH_MOST_DAY + 1;
    for (size_t i = from; i < count; i++)
        ret_kept[kept++] = marks[i];
    if (!kept || ret_kept[kept - 1].at <= now->at - HEALTH_MARK_US)
        ret_kept[kept++] = *now;
    return kept;
}

void health_day_since(const health_mark *marks, size_t count, const health_mark *now, health_moves *moves)
{
    moves->day_s = moves->session_ms = moves->active_ms = NAN;
    if (!count || marks[0].at > now->at - HEALTH_DAY_US || now->session_ms < marks[0].session_ms ||
        now->active_ms < marks[0].active_ms)
        return;
    moves->day_s = (double)(now->at - marks[0].at) / SECOND;
    moves->session_ms = now->session_ms - marks[0].session_ms;
    moves->active_ms = now->active_ms - marks[0].active_ms;
}
