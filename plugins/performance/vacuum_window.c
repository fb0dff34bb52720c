#include "vacuum_window.h"

#include <json-c/json.h>
#include <sql/vacuum/settings.h>
#include <sql/vacuum/traffic.h>

#define DAY_MINUTES 1440
#define MINUTE_US   INT64_C(60000000)
#define DAY_US      (DAY_MINUTES * MINUTE_US)

/* Two digits; -1 where they are none. */
static int two_digits(const char *p)
{
    return p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9' ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

static int minute_of(const char *p)
{
    int hour = two_digits(p), minute = hour < 0 || p[2] != ':' ? -1 : two_digits(p + 3);
    return hour > 23 || minute > 59 || minute < 0 ? -1 : hour * 60 + minute;
}

static bool parse(const char *window, int *ret_from, int *ret_to)
{
    if (strlen(window) != 11 || window[5] != '-')
        return false;
    *ret_from = minute_of(window);
    *ret_to = minute_of(window + 6);
    return *ret_from >= 0 && *ret_to >= 0 && *ret_from != *ret_to;
}

int vacuum_check_window(const char *window, lb_error *err)
{
    int from, to;
    if (!window || strcmp(window, "auto") == 0 || parse(window, &from, &to))
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "write it as 22:00-05:30, in UTC, or auto", "%s is no window of the day",
                   window);
}

bool vacuum_in_window(const char *window, int64_t now)
{
    int from, to;
    if (!window || !parse(window, &from, &to))
        return true;
    int minute = (int)(now / MINUTE_US % DAY_MINUTES);
    return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/* ---- learning ---- */

#define LEARN_US       (INT64_C(14) * 86400000000)
#define LEARN_AGAIN_US (INT64_C(20) * 3600000000)
#define LEAST_DAYS     3
#define WINDOW         3                                        /* hours */
#define SNAPSHOT       "pg_stat_statements_dealloc_at_snapshot" /* each reading of the statements leaves one */

/* Negative: one of the hours is unknown. */
static double calls_from(const double calls[24], int hour)
{
    double sum = 0;
    for (int i = 0; i < WINDOW; i++) {
        if (calls[(hour + i) % 24] < 0)
            return -1;
        sum += calls[(hour + i) % 24];
    }
    return sum;
}

int vacuum_quiet_hour(const double calls[24])
{
    int best = -1;
    double least = 0;
    for (int hour = 0; hour < 24; hour++) {
        double sum = calls_from(calls, hour);
        if (sum >= 0 && (best < 0 || sum < least)) {
            best = hour;
            least = sum;
        }
    }
    return best;
}

/* An hour that has been seen on too few days counts as unknown: a compute that sleeps then is not woken for a vacuum.
 */
static void read_hours(lb_ctx *ctx, lb_rows *rows, double calls[24])
{
    vacuum_traffic_row row;
    for (int i = 0; i < 24; i++)
        calls[i] = -1;
    while (vacuum_traffic_next(ctx, rows, &row))
        if (row.hour >= 0 && row.hour < 24 && row.days >= LEAST_DAYS)
            calls[row.hour] = row.calls / (double)row.days;
}

/* *ret_hours stays NULL where history has too little. */
static int learn(lb_ctx *ctx, const char **ret_hours, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const vacuum_traffic_args since = {
        .project = target->project, .branch = target->branch, .since = lb_now(ctx) - LEARN_US, .metric = SNAPSHOT};
    double calls[24];
    lb_rows *rows = NULL;
    int r = vacuum_traffic(ctx, &since, &rows, err);
    if (r < 0)
        return lb_no_history(r) ? 0 : lb_wrap(err, "hours of little traffic");
    read_hours(ctx, rows, calls);
    int hour = vacuum_quiet_hour(calls);
    if (hour < 0)
        return 0;
    *ret_hours = lb_printf(ctx, "%02d:00-%02d:00", hour, (hour + WINDOW) % 24);
    return *ret_hours ? 0 : lb_out_of_memory(err);
}

/* ---- what is remembered ---- */

static void release(void *document)
{
    (void)json_object_put(document);
}

static int recall(lb_ctx *ctx, vacuum_window *w, lb_error *err)
{
    const char *text = NULL;
    int r = lb_recall(ctx, &text, err);
    struct json_object *memory = r >= 0 && text ? json_tokener_parse(text) : NULL, *value = NULL;
    if (r >= 0)
        r = lb_defer(ctx, release, memory);
    if (r < 0)
        return r;
    if (json_object_object_get_ex(memory, "passed_at", &value))
        w->passed_at = json_object_get_int64(value);
    if (json_object_object_get_ex(memory, "learned_at", &value))
        w->learned_at = json_object_get_int64(value);
    if (json_object_object_get_ex(memory, "learned", &value) && json_object_is_type(value, json_type_string))
        w->learned = json_object_get_string(value);
    if (json_object_object_get_ex(memory, "passed", &value) && json_object_is_type(value, json_type_object))
        w->passes = value;
    return 0;
}

static int remember(lb_ctx *ctx, const vacuum_window *w, lb_error *err)
{
    int from, to;
    bool is_sound = w->learned && parse(w->learned, &from, &to);
    struct json_object *memory = json_object_new_object();
    if (lb_defer(ctx, release, memory) < 0 || !memory)
        return lb_out_of_memory(err);
    (void)json_object_object_add(memory, "learned", is_sound ? json_object_new_string(w->learned) : NULL);
    (void)json_object_object_add(memory, "learned_at", json_object_new_int64(w->learned_at));
    (void)json_object_object_add(memory, "passed_at", json_object_new_int64(w->passed_at));
    (void)json_object_object_add(memory, "passed", json_object_get(w->passes));
    const char *text = json_object_to_json_string_ext(memory, JSON_C_TO_STRING_PLAIN);
    if (lb_plans(ctx))
        return 0;
    return text ? lb_remember(ctx, text, err) : lb_out_of_memory(err);
}

/* A question to history may wake a warehouse, so that what it said holds for most of a day. */
static int know(lb_ctx *ctx, vacuum_window *w, lb_error *err)
{
    int64_t now = lb_now(ctx);
    if (w->learned_at > now - LEARN_AGAIN_US && w->learned_at <= now)
        return 0;
    w->learned = NULL;
    w->learned_at = now;
    int r = learn(ctx, &w->learned, err);
    return r < 0 ? r : remember(ctx, w, err);
}

int vacuum_window_find(lb_ctx *ctx, const char *wanted, vacuum_window *ret_window, lb_error *err)
{
    vacuum_window w = {.hours = wanted, .from = wanted ? "given" : "none given: any time will do"};
    int r = wanted ? recall(ctx, &w, err) : 0;
    if (r >= 0 && wanted && strcmp(wanted, "auto") == 0) {
        r = know(ctx, &w, err);
        w.hours = w.learned ? w.learned : VACUUM_NIGHT;
        w.from = w.learned
                     ? "learned from history"
                     : "the usual ones: history has too little to learn from: three hours in a row, seen on three "
                       "days";
    }
    *ret_window = w;
    return r;
}

bool vacuum_window_passed(const vacuum_window *w, int64_t now)
{
    int from, to;
    if (!w->hours || !parse(w->hours, &from, &to))
        return false;
    int64_t minute = now / MINUTE_US, open_for = (minute - from) % DAY_MINUTES;
    return w->passed_at >= (minute - open_for) * MINUTE_US && w->passed_at <= now;
}

int vacuum_window_ask(lb_ctx *ctx, vacuum_window *w, lb_error *err)
{
    vacuum_settings_row server;
    struct json_object *at = NULL;
    lb_rows *rows = NULL;
    int r = w->passes ? vacuum_settings(ctx, &rows, err) : 0;
    if (r < 0 || !w->passes)
        return r < 0 ? lb_wrap(err, "whose pass it was") : 0;
    bool has_passed =
        vacuum_settings_next(ctx, rows, &server) && json_object_object_get_ex(w->passes, server.database, &at);
    w->passed_at = has_passed ? json_object_get_int64(at) : 0;
    return 0;
}

/* What is older than a day says nothing of any opening. */
int vacuum_window_note_pass(lb_ctx *ctx, vacuum_window *w, const char *database, lb_error *err)
{
    if (!w->hours)
        return 0;
    struct json_object *passes = json_object_new_object();
    if (lb_defer(ctx, release, passes) < 0 || !passes)
        return lb_out_of_memory(err);
    w->passed_at = lb_now(ctx);
    if (w->passes) {
        json_object_object_foreach(w->passes, other, at)
        {
            if (json_object_get_int64(at) > w->passed_at - DAY_US)
                (void)json_object_object_add(passes, other, json_object_get(at));
        }
    }
    (void)json_object_object_add(passes, database, json_object_new_int64(w->passed_at));
    w->passes = passes;
    return remember(ctx, w, err);
}
