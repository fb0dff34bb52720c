#include "vacuum_trial.h"

#include "vacuum_counts.h"

#include <json-c/json.h>

#define LOOKBACK_US (INT64_C(30) * 86400000000)

int vacuum_read_tunings(lb_ctx *ctx, const vacuum_scan *scan, vacuum_tunings_row **ret_tunings, size_t *ret_count,
                        lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const vacuum_tunings_args wanted = {.project = target->project,
                                        .branch = target->branch,
                                        .database = scan->server.database,
                                        .since = lb_now(ctx) - LOOKBACK_US};
    lb_rows *rows = NULL;
    *ret_count = 0;
    int r = vacuum_tunings(ctx, &wanted, &rows, err);
    if (lb_no_history(r))
        return 0;
    if (r < 0)
        return lb_wrap(err, "earlier tunings");
    *ret_tunings = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof **ret_tunings);
    if (!*ret_tunings)
        return lb_out_of_memory(err);
    while (vacuum_tunings_next(ctx, rows, &(*ret_tunings)[*ret_count]))
        ++*ret_count;
    return 0;
}

static double number_of(struct json_object *settings, const char *name)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(settings, name, &member) ? json_object_get_double(member) : -1;
}

static bool is_now(struct json_object *own, const char *name, struct json_object *value)
{
    struct json_object *now = NULL;
    return own && json_object_object_get_ex(own, name, &now) &&
           strcmp(json_object_get_string(now), json_object_get_string(value)) == 0;
}

/* What the tuning set goes back to what it was, or to nothing. own: what is set now. */
static int read_options(lb_ctx *ctx, struct json_object *settings, struct json_object *own, vacuum_trial *trial,
                        lb_error *err)
{
    struct json_object *old = NULL, *fresh = NULL, *before = NULL;
    if (!json_object_object_get_ex(settings, "new", &fresh) || !json_object_is_type(fresh, json_type_object))
        return 0;
    (void)json_object_object_get_ex(settings, "old", &old); /* stays NULL where there is none */
    trial->is_in_place = json_object_object_length(fresh) > 0;
    json_object_object_foreach(fresh, name, value)
    {
        trial->is_in_place = trial->is_in_place && is_now(own, name, value);
        bool had = old && json_object_object_get_ex(old, name, &before);
        const char *own_name = lb_printf(ctx, "%s", name);
        const char *own_value = had ? lb_printf(ctx, "%s", json_object_get_string(before)) : "";
        vacuum_options *into = had ? &trial->old : &trial->fresh;
        if (!own_name || !own_value)
            return lb_out_of_memory(err);
        if (trial->old.count + trial->fresh.count < VACUUM_MOST_OPTIONS)
            vacuum_options_add(into, own_name, own_value);
    }
    return 0;
}

static int read_trial(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v, const vacuum_tunings_row *tuning,
                      vacuum_trial *trial, lb_error *err)
{
    struct json_object *settings = tuning->settings ? json_tokener_parse(tuning->settings) : NULL,
                       *own = v->row.own_settings ? json_tokener_parse(v->row.own_settings) : NULL;
    double runs = number_of(settings, "autovacuums"), ms = number_of(settings, "vacuum_ms");
    bool reaches_back = scan->server.counts_since < tuning->executed_at && runs >= 0;
    *trial = (vacuum_trial){.id = tuning->operation_id,
                            .hours = vacuum_hours(tuning->executed_at, scan->now),
                            .is_settled = strcmp(tuning->latest_status, "success") != 0,
                            .was_revert =
                                tuning->reason && strncmp(tuning->reason, VACUUM_REVERT, strlen(VACUUM_REVERT)) == 0,
                            .runs = -1,
                            .base = -1,
                            .runs_per_hour = -1,
                            .time_share = -1};
    if (reaches_back && (double)v->row.autovacuums >= runs)
        trial->runs = (double)v->row.autovacuums - runs;
    else if (runs >= 0)
        trial->base = runs;
    if (reaches_back && trial->hours > 0 && ms >= 0 && !v->row.vacuum_ms_is_null && v->row.vacuum_ms >= ms)
        trial->time_share = (v->row.vacuum_ms - ms) / (trial->hours * 3600e3);
    int r = settings ? read_options(ctx, settings, own, trial, err) : 0;
    (void)json_object_put(settings); /* says only whether it was the last reference */
    (void)json_object_put(own);
    return r;
}

/* A server that has been started since counts from nothing: what was noted meanwhile goes further back. */
static int count_visits(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v, int64_t since,
                        vacuum_trial *trial, lb_error *err)
{
    vacuum_counts counts = {0};
    int r = trial->runs < 0 && trial->base >= 0 ? vacuum_counts_read(ctx, scan, since, v->label, &counts, err) : 0;
    if (r >= 0 && counts.count) {
        trial->runs = vacuum_counts_visits(&counts, v, trial->base);
        trial->is_least = true;
    }
    if (trial->runs >= 0 && trial->hours > 0)
        trial->runs_per_hour = trial->runs / trial->hours;
    return r;
}

int vacuum_find_trial(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_relation *v, const vacuum_tunings_row *tunings,
                      size_t count, vacuum_trial *ret_trial, bool *ret_found, lb_error *err)
{
    *ret_found = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tunings[i].table_name, v->row.name) != 0 || strcmp(tunings[i].schema_name, v->row.schema) != 0)
            continue;
        *ret_found = true;
        int r = read_trial(ctx, scan, v, &tunings[i], ret_trial, err);
        return r < 0 ? r : count_visits(ctx, scan, v, tunings[i].executed_at, ret_trial, err);
    }
    return 0;
}
