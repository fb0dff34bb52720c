#include "resources_past.h"

#include <json-c/json.h>
#include <sql/resources/counted.h>

#define HOUR_US 3600e6

/* ---- since when ---- */

static void release(void *document)
{
    (void)json_object_put(document);
}

/* Settings of other roles are kept as they were: this run does not look at them. */
static int carry(const resources_notes *notes, lb_error *err)
{
    json_object_object_foreach(notes->before, name, note)
    {
        if (json_object_object_add(notes->now, name, json_object_get(note)) < 0)
            return lb_out_of_memory(err);
    }
    return 0;
}

int resources_recall(lb_ctx *ctx, resources_notes *notes, lb_error *err)
{
    const char *text = NULL;
    int r = lb_recall(ctx, &text, err);
    if (r < 0)
        return r;
    notes->before = text ? json_tokener_parse(text) : NULL;
    notes->now = json_object_new_object();
    r = lb_defer(ctx, release, notes->before);
    if (r >= 0)
        r = lb_defer(ctx, release, notes->now);
    if (r < 0 || !notes->now)
        return r < 0 ? r : lb_out_of_memory(err);
    return json_object_is_type(notes->before, json_type_object) ? carry(notes, err) : 0;
}

int resources_remember(lb_ctx *ctx, const resources_notes *notes, lb_error *err)
{
    return lb_remember(ctx, json_object_to_json_string(notes->now), err);
}

int resources_note(resources_notes *notes, const char *setting, const char *value, int64_t first, int64_t changed,
                   int64_t *ret_since, lb_error *err)
{
    struct json_object *was = NULL, *noted = NULL, *since = NULL, *note = json_object_new_object();
    *ret_since = first;
    if (json_object_object_get_ex(notes->before, setting, &was) && json_object_object_get_ex(was, "value", &noted) &&
        json_object_object_get_ex(was, "since", &since))
        *ret_since = strcmp(json_object_get_string(noted), value) == 0 ? json_object_get_int64(since) : changed;
    if (!note || json_object_object_add(note, "value", json_object_new_string(value)) < 0 ||
        json_object_object_add(note, "since", json_object_new_int64(*ret_since)) < 0 ||
        json_object_object_add(notes->now, setting, note) < 0) {
        (void)json_object_put(note);
        return lb_out_of_memory(err);
    }
    return 0;
}

/* ---- what was counted ---- */

static void take(resources_past *past, const resources_counted_row *row)
{
    double hours = (double)(row->last_at - row->first_at) / HOUR_US;
    if (strcmp(row->metric_name, "temp_files") == 0) {
        past->spill_hours = hours;
        past->temp_files = row->grown;
    } else if (strcmp(row->metric_name, "temp_bytes") == 0) {
        past->temp_bytes = row->grown;
    } else if (strcmp(row->metric_name, "connections_active") == 0) {
        past->active = row->highest;
    } else if (strcmp(row->metric_name, "checkpoints_timed") == 0) {
        past->checkpoints_timed = row->grown;
    } else if (strcmp(row->metric_name, "wal_bytes") == 0) {
        past->wal_hours = hours;
        past->wal_bytes = row->grown;
    } else {
        past->checkpoint_hours = hours;
        past->checkpoints_requested = row->grown;
    }
}

int resources_read_past(lb_ctx *ctx, const resources_since *since, resources_past *ret_past, const char **ret_why,
                        lb_error *err)
{
    static const char *const spills[] = {"temp_files", "temp_bytes", "connections_active"}, *const checkpoints[] = {
                                                                                                "checkpoints_timed",
                                                                                                "checkpoints_requested",
                                                                                                "wal_bytes"};
    const lb_target *target = lb_run_target(ctx);
    const resources_counted_args wanted = {.project = target->project,
                                           .branch = target->branch,
                                           .spills = {spills, sizeof spills / sizeof *spills},
                                           .spills_since = since->spills,
                                           .checkpoints = {checkpoints, sizeof checkpoints / sizeof *checkpoints},
                                           .checkpoints_since = since->checkpoints};
    resources_counted_row row;
    lb_rows *rows = NULL;
    *ret_past = (resources_past){0};
    *ret_why = NULL;
    int r = lb_history_or_skip(ctx, resources_counted(ctx, &wanted, &rows, err), NULL, ret_why, err);
    while (r > 0 && resources_counted_next(ctx, rows, &row))
        take(ret_past, &row);
    return r < 0 ? r : 0;
}
