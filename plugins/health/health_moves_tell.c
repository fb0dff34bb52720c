#include "health_moves_tell.h"

#include <math.h>
#include <string.h>

#define DAY_KEY "session_day" /* {"epoch": "...", "marks": [[at, session_ms, active_ms], ...]} */

static const health_sample *sample(const health_reading *reading, const char *metric)
{
    return health_sample_of(reading, metric, NULL);
}

static double delta_of(const health_reading *reading, const char *metric)
{
    const char *why = NULL;
    double delta = 0;
    return health_delta(reading, sample(reading, metric), &delta, &why) ? delta : NAN;
}

static struct json_object *member(struct json_object *of, const char *name)
{
    struct json_object *found = NULL;
    return of && json_object_object_get_ex(of, name, &found) ? found : NULL;
}

static bool is_stuck(const health_reading *reading)
{
    const health_sample *failures = sample(reading, "wal_archive_failures");
    struct json_object *detail = failures && failures->detail ? json_tokener_parse(failures->detail) : NULL;
    bool is = json_object_get_boolean(member(detail, "is_stuck"));
    json_object_put(detail);
    return is;
}

/* ---- the day ---- */

static size_t read_marks(struct json_object *list, health_mark marks[HEALTH_MOST_DAY])
{
    size_t count = list ? json_object_array_length(list) : 0;
    if (count > HEALTH_MOST_DAY)
        count = HEALTH_MOST_DAY;
    for (size_t i = 0; i < count; i++) {
        struct json_object *mark = json_object_array_get_idx(list, i);
        marks[i] = (health_mark){.at = json_object_get_int64(json_object_array_get_idx(mark, 0)),
                                 .session_ms = json_object_get_double(json_object_array_get_idx(mark, 1)),
                                 .active_ms = json_object_get_double(json_object_array_get_idx(mark, 2))};
    }
    return count;
}

static void write_marks(struct json_object *list, const health_mark *marks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct json_object *mark = json_object_new_array();
        (void)json_object_array_add(mark,
                                    json_object_new_int64(marks[i].at)); /* out of memory: read as 0, and dropped */
        (void)json_object_array_add(mark, json_object_new_double(marks[i].session_ms));
        (void)json_object_array_add(mark, json_object_new_double(marks[i].active_ms));
        (void)json_object_array_add(list, mark);
    }
}

/* Marks of another epoch say nothing of this one. */
static int follow_day(health_reading *reading, health_moves *moves, lb_error *err)
{
    const health_sample *session = sample(reading, "session_time"), *active = sample(reading, "active_time");
    struct json_object *before = member(reading->before, DAY_KEY), *list = member(before, "marks");
    health_mark marks[HEALTH_MOST_DAY], kept[HEALTH_MOST_DAY];
    if (!session || !session->digits || !active || !active->digits) {
        if (before)
            (void)json_object_object_add(reading->next, DAY_KEY, json_object_get(before)); /* lost: begun anew */
        return 0;
    }
    const char *epoch = session->epoch ? session->epoch : "", *known = json_object_get_string(member(before, "epoch"));
    size_t count = known && strcmp(known, epoch) == 0 ? read_marks(list, marks) : 0;
    const health_mark now = {reading->at, session->value, active->value};
    count = health_keep_day(marks, count, &now, kept);
    health_day_since(kept, count, &now, moves);
    struct json_object *day = json_object_new_object(), *next = json_object_new_array();
    if (!day || !next) {
        json_object_put(day);
        json_object_put(next);
        return lb_out_of_memory(err);
    }
    write_marks(next, kept, count);
    (void)json_object_object_add(day, "epoch", json_object_new_string(epoch)); /* lost: begun anew, as below */
    (void)json_object_object_add(day, "marks", next);
    (void)json_object_object_add(reading->next, DAY_KEY, day);
    return 0;
}

int health_moves_of(health_reading *reading, health_moves *ret_moves, lb_error *err)
{
    const health_moves moves = {.interval_s = health_interval(reading, sample(reading, "sessions")),
                                .sessions = delta_of(reading, "sessions"),
                                .abandoned = delta_of(reading, "sessions_abandoned"),
                                .fatal = delta_of(reading, "sessions_fatal"),
                                .killed = delta_of(reading, "sessions_killed"),
                                .committed = delta_of(reading, "transactions_committed"),
                                .rolled_back = delta_of(reading, "transactions_rolled_back"),
                                .archive_interval_s = health_interval(reading, sample(reading, "wal_archived")),
                                .archived = delta_of(reading, "wal_archived"),
                                .archive_failures = delta_of(reading, "wal_archive_failures"),
                                .is_archiver_stuck = is_stuck(reading),
                                .day_s = NAN,
                                .session_ms = NAN,
                                .active_ms = NAN};
    *ret_moves = moves;
    return follow_day(reading, ret_moves, err);
}

/* ---- findings ---- */

static lb_value number(const char *name, double value)
{
    return isnan(value) ? lb_null(name) : lb_f64(name, value);
}

static int report(lb_ctx *ctx, const char *kind, const health_verdict *v, const char *text, const lb_value *evidence,
                  double certainty, lb_error *err)
{
    return lb_report(ctx,
                     LB_FINDING(.object = lb_run_target(ctx)->branch, .kind = kind,
                                .reason = lb_printf(ctx, "%s: %s", v->level, text), .evidence = evidence,
                                .terms = LB_TERMS({"counted_by_the_server", 0.6}, {"enough_of_them", certainty})),
                     err);
}

/* More than just enough of them says more. */
static double certainty(double count, double least)
{
    return count >= 10 * least ? 0.3 : 0.2;
}

static int tell_sessions(lb_ctx *ctx, const health_moves *m, const health_move_limits *l,
                         const health_verdict *verdicts, lb_error *err)
{
    const health_verdict *abandoned = &verdicts[HEALTH_ABANDONED], *churn = &verdicts[HEALTH_CHURN];
    const double sure = certainty(m->sessions, l->min_sessions);
    const lb_value counted =
        lb_object("counted", LB_ARGS(number("sessions", m->sessions), number("sessions_abandoned", m->abandoned),
                                     number("sessions_fatal", m->fatal), number("sessions_killed", m->killed)));
    int r = 0;
    if (abandoned->level)
        r = report(ctx, "abandoned_sessions", abandoned,
                   lb_printf(ctx,
                             "the clients of %.0f sessions were lost, where %.0f have begun: they crash, or something "
                             "between them and the server cuts them off",
                             m->abandoned, m->sessions),
                   LB_ARGS(lb_f64("share", abandoned->value), lb_f64("limit", abandoned->limit), counted,
                           lb_f64("interval_seconds", m->interval_s)),
                   sure, err);
    if (r >= 0 && churn->level)
        r = report(ctx, "session_churn", churn,
                   lb_printf(ctx,
                             "%.1f sessions a second begin anew, each a process of its own: a pooler would keep them",
                             churn->value),
                   LB_ARGS(lb_f64("sessions_per_second", churn->value), lb_f64("limit", churn->limit), counted,
                           lb_f64("interval_seconds", m->interval_s)),
                   sure, err);
    return r;
}

static int tell_rollbacks(lb_ctx *ctx, const health_moves *m, const health_move_limits *l, const health_verdict *v,
                          lb_error *err)
{
    if (!v->level)
        return 0;
    return report(ctx, "rollback_share", v,
                  lb_printf(ctx, "%.0f %% of the transactions were rolled back: errors, or work that is done in vain",
                            100 * v->value),
                  LB_ARGS(lb_f64("share", v->value), lb_f64("limit", v->limit),
                          lb_f64("transactions_rolled_back", m->rolled_back),
                          lb_f64("transactions_committed", m->committed), lb_f64("interval_seconds", m->interval_s)),
                  certainty(m->committed + m->rolled_back, l->min_transactions), err);
}

static int tell_archiver(lb_ctx *ctx, const health_reading *reading, const health_moves *m, const health_verdict *v,
                         lb_error *err)
{
    if (!v->level)
        return 0;
    const char *detail = sample(reading, "wal_archive_failures")->detail;
    return report(
        ctx, "wal_archiver_fails", v,
        lb_printf(ctx,
                  "WAL cannot be archived, %.0f times since the reading before: it stays on the server's disk, "
                  "and no backup reaches past it",
                  m->archive_failures),
        LB_ARGS(lb_f64("wal_archive_failures", m->archive_failures), number("wal_archived", m->archived),
                lb_f64("interval_seconds", m->archive_interval_s), lb_json("archiver", detail)),
        0.3, err);
}

static int tell_pool(lb_ctx *ctx, const health_moves *m, const health_verdict *v, lb_error *err)
{
    if (!v->level)
        return 0;
    const double open = health_open_sessions(m);
    return report(ctx, "pool_too_large", v,
                  lb_printf(ctx, "of %.0f sessions that are open at a time, %.1f are at work: pools of fewer would do",
                            open, open * v->value),
                  LB_ARGS(lb_f64("busy_share", v->value), lb_f64("limit", v->limit), lb_f64("open_sessions", open),
                          lb_f64("active_ms", m->active_ms), lb_f64("session_ms", m->session_ms),
                          lb_f64("interval_seconds", m->day_s)),
                  0.2, err);
}

int health_tell_moves(lb_ctx *ctx, const health_reading *reading, const health_moves *moves,
                      const health_move_limits *limits, lb_error *err)
{
    health_verdict verdicts[HEALTH_MOVES];
    health_judge_moves(moves, limits, verdicts);
    int r = tell_sessions(ctx, moves, limits, verdicts, err);
    if (r >= 0)
        r = tell_rollbacks(ctx, moves, limits, &verdicts[HEALTH_ROLLBACKS], err);
    if (r >= 0)
        r = tell_archiver(ctx, reading, moves, &verdicts[HEALTH_ARCHIVER], err);
    return r < 0 ? r : tell_pool(ctx, moves, &verdicts[HEALTH_POOL], err);
}
