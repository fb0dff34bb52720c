#include "health_what_if.h"

#include "health_replay.h"

#include <sql/health/figure_history.h>

#include <math.h>
#include <string.h>

#define DAY       INT64_C(86400000000)
#define MOST_TOLD 10 /* episodes of each kind, one by one */

typedef struct asking {
    lb_ctx *ctx;
    health_what_if_span asked;
    health_alert_id id;
    health_moment *moments;
    size_t count;
    int64_t first, last; /* reading */
    health_span span;
    health_side now, then;
} asking;

static bool take_number(struct json_object *given, const char *name, double *ret)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(given, name, &value))
        return false;
    bool is_number = json_object_is_type(value, json_type_double) || json_object_is_type(value, json_type_int);
    *ret = is_number ? json_object_get_double(value) : NAN;
    return true;
}

/* The other side: as it is now, but for what is asked about. */
static int take_wish(struct json_object *given, health_side *then, lb_error *err)
{
    static const char hint[] =
        "{\"txid_age\": {\"warning\": 6e8, \"critical\": 1.2e9, \"fire_after\": 2, \"clear_after\": 3}}";
    double fire = (double)then->habits.fire_after, clear = (double)then->habits.clear_after;
    bool is_object = json_object_is_type(given, json_type_object);
    int found = is_object ? take_number(given, "warning", &then->limits.warning) +
                                take_number(given, "critical", &then->limits.critical) +
                                take_number(given, "fire_after", &fire) + take_number(given, "clear_after", &clear)
                          : 0;
    if (!found || found != json_object_object_length(given) || !(fire >= 1) || !(clear >= 1) || fire > 100 ||
        clear > 100 || (isnan(then->limits.warning) && isnan(then->limits.critical)))
        return lb_fail(err, LB_ERR_INVALID, hint, "what_if does not say which limits to try");
    then->habits.fire_after = (int64_t)fire;
    then->habits.clear_after = (int64_t)clear;
    return 0;
}

/* As many as are asked for are the newest; that there are older ones is said. */
static int note_span(asking *a, lb_error *err)
{
    const char *metric = health_alert_rules[a->id].metric;
    int64_t *room = lb_alloc(a->ctx, (a->count + 1) * sizeof *room);
    if (!room)
        return lb_out_of_memory(err);
    a->first = a->last = a->count ? a->moments[0].at : 0;
    for (size_t i = 1; i < a->count; i++) {
        a->first = a->moments[i].at < a->first ? a->moments[i].at : a->first;
        a->last = a->moments[i].at > a->last ? a->moments[i].at : a->last;
    }
    a->span = (health_span){health_replay_interval(a->moments, a->count, room), lb_now(a->ctx)};
    if ((int64_t)a->count < a->asked.most)
        return 0;
    return lb_skipped(a->ctx, lb_printf(a->ctx, "older readings of %s", metric),
                      lb_printf(a->ctx,
                                "of %lld days only the newest %lld readings were looked at, which go back %.1f days: "
                                "what_if_most allows more",
                                (long long)a->asked.days, (long long)a->asked.most,
                                (double)(a->span.until - a->first) / (double)DAY),
                      err);
}

/* ---- batch work ---- */

static bool is_listed(const lb_texts *names, struct json_object *of, const char *member)
{
    struct json_object *name = NULL;
    const char *text = json_object_object_get_ex(of, member, &name) ? json_object_get_string(name) : NULL;
    for (size_t i = 0; text && i < names->count; i++)
        if (strcmp(names->items[i], text) == 0)
            return true;
    return false;
}

/* Was the statement that gave the figure one of those that are expected to take long? */
static bool is_batch(const asking *a, const char *detail)
{
    struct json_object *given = detail ? json_tokener_parse(detail) : NULL, *statement = NULL;
    bool is = given && json_object_object_get_ex(given, "statement", &statement) &&
              (is_listed(&a->asked.batch_roles, statement, "user") ||
               is_listed(&a->asked.batch_applications, statement, "application"));
    json_object_put(given);
    return is;
}

static int tell_batch(const asking *a, int64_t count, lb_error *err)
{
    return count ? lb_skipped(a->ctx, lb_printf(a->ctx, "%s (batch work)", health_alert_rules[a->id].metric),
                              lb_printf(a->ctx,
                                        "%lld %s of batch work, and %s as none: history has the worst "
                                        "statement of each alone. monitor_system_health with the same lists keeps that "
                                        "of the others",
                                        (long long)count, count == 1 ? "reading is" : "readings are",
                                        count == 1 ? "counts" : "count"),
                              err)
                 : 0;
}

static int read_moments(asking *a, lb_error *err)
{
    const lb_target *t = lb_run_target(a->ctx);
    const health_figure_history_args wanted = {
        .project = t->project,
        .branch = t->branch,
        .metric = health_alert_rules[a->id].metric,
        .since = lb_now(a->ctx) - a->asked.days * DAY,
        .most = a->asked.most,
        .with_detail = a->id == HEALTH_SLOW_QUERY && a->asked.batch_roles.count + a->asked.batch_applications.count};
    health_figure_history_row row;
    lb_rows *rows = NULL;
    int64_t batch = 0;
    int asked = health_figure_history(a->ctx, &wanted, &rows, err);
    int r = lb_history_or_skip(a->ctx, asked, wanted.metric, NULL, err);
    if (r <= 0)
        return r;
    size_t room = (size_t)lb_row_count(a->ctx, rows) + 1;
    a->moments = lb_alloc(a->ctx, room * sizeof *a->moments);
    a->now.episodes = lb_alloc(a->ctx, room * sizeof *a->now.episodes);
    a->then.episodes = lb_alloc(a->ctx, room * sizeof *a->then.episodes);
    if (!a->moments || !a->now.episodes || !a->then.episodes)
        return lb_out_of_memory(err);
    while (a->count + 1 < room && health_figure_history_next(a->ctx, rows, &row)) {
        bool is_expected = wanted.with_detail && is_batch(a, row.detail);
        batch += is_expected;
        a->moments[a->count++] = (health_moment){row.read_at, is_expected ? 0 : row.value, row.object};
    }
    a->now.capacity = a->then.capacity = room;
    r = tell_batch(a, batch, err);
    return r < 0 ? r : note_span(a, err);
}

/* ---- telling ---- */

/* What one side told and the other did not. */
static int tell_alone(const asking *a, const char *list, const health_side *side, int64_t *ret_count, lb_error *err)
{
    int r = 0;
    *ret_count = 0;
    for (size_t i = 0; r >= 0 && i < side->count; i++) {
        const health_episode *e = &side->episodes[i];
        if (e->is_shared || (*ret_count)++ >= MOST_TOLD)
            continue;
        r = lb_append(a->ctx, list,
                      LB_ARGS(lb_text("metric", health_alert_rules[a->id].metric), lb_text("object", e->object),
                              lb_time("from", e->from), e->until ? lb_time("until", e->until) : lb_null("until"),
                              lb_f64("worst", e->worst)),
                      err);
    }
    return r;
}

static lb_value side_of(lb_ctx *ctx, const char *name, const health_side *s)
{
    lb_value *facts = lb_alloc(ctx, 8 * sizeof *facts);
    const lb_value values[] = {isnan(s->limits.warning) ? lb_null("warning") : lb_f64("warning", s->limits.warning),
                               isnan(s->limits.critical) ? lb_null("critical") : lb_f64("critical", s->limits.critical),
                               lb_i64("fire_after", s->habits.fire_after),
                               lb_i64("clear_after", s->habits.clear_after),
                               lb_i64("told", s->told),
                               lb_i64("incidents", (int64_t)s->count),
                               lb_f64("open_hours", s->open_s / 3600),
                               {.type = LB_END}};
    if (!facts)
        return lb_null(name);
    memcpy(facts, values, sizeof values);
    return lb_object(name, facts);
}

static int tell(const asking *a, lb_error *err)
{
    int64_t missed = 0, added = 0;
    const char *metric = health_alert_rules[a->id].metric;
    double seen_days = (double)(a->last - a->first) / (double)DAY;
    int r = tell_alone(a, "missed", &a->now, &missed, err);
    if (r >= 0)
        r = tell_alone(a, "added", &a->then, &added, err);
    const char *summary =
        a->count
            ? lb_printf(a->ctx,
                        "%s: it would have told %lld %s instead of %lld, missing %lld %s and telling of %lld more",
                        metric, (long long)a->then.told, a->then.told == 1 ? "time" : "times", (long long)a->now.told,
                        (long long)missed, missed == 1 ? "incident" : "incidents", (long long)added)
            : lb_printf(a->ctx, "%s: history has no readings of it in this time", metric);
    return r < 0 ? r
                 : lb_append(a->ctx, "what_if",
                             LB_ARGS(lb_text("metric", metric), lb_text("summary", summary),
                                     lb_i64("readings", (int64_t)a->count), lb_f64("days", seen_days),
                                     side_of(a->ctx, "as_it_is", &a->now), side_of(a->ctx, "as_asked", &a->then),
                                     lb_i64("missed", missed), lb_i64("added", added)),
                             err);
}

static int ask_one(lb_ctx *ctx, const health_what_if_span *asked, health_alert_id id, struct json_object *given,
                   const health_policy *policy, const health_habits *habits, lb_error *err)
{
    asking a = {.ctx = ctx, .asked = *asked, .id = id};
    a.now = a.then = (health_side){.limits = policy->limits[id],
                                   .habits = health_habits_for(habits, id),
                                   .at_once = health_alert_rules[id].at_once,
                                   .may_fall = health_may_fall(id)};
    int r = take_wish(given, &a.then, err);
    if (r >= 0)
        r = read_moments(&a, err);
    if (r < 0)
        return r;
    health_replay(a.moments, a.count, &a.span, &a.now, &a.then);
    r = tell(&a, err);
    return r < 0 ? r : lb_examined(ctx, "readings", (int64_t)a.count, err);
}

static void put_object(void *object)
{
    json_object_put(object);
}

int health_what_if(lb_ctx *ctx, const char *question, const health_what_if_span *asked, const health_policy *policy,
                   const health_habits *habits, lb_error *err)
{
    struct json_object *given = json_tokener_parse(question);
    int r = given && lb_defer(ctx, put_object, given) < 0 ? lb_out_of_memory(err) : 0;
    if (r >= 0 && (!json_object_is_type(given, json_type_object) || !json_object_object_length(given)))
        return lb_fail(err, LB_ERR_INVALID, "{\"connection_utilization\": {\"warning\": 0.8}}",
                       "what_if is no object of metrics");
    json_object_object_foreach(given, name, wish)
    {
        health_alert_id id = health_alert_named(name);
        if (r >= 0 && id == HEALTH_ALERTS)
            r = lb_fail(err, LB_ERR_INVALID, "lbops tools evaluate_alert_thresholds names the eight",
                        "what_if asks about %s, which is none of the eight metrics", name);
        if (r >= 0)
            r = ask_one(ctx, asked, id, wish, policy, habits, err);
    }
    return r;
}
