#include "vacuum_counts.h"

#include <json-c/json.h>

#define EVERY_US   (INT64_C(3600) * 1000000)
#define LEAST_ROWS 10000   /* a smaller table is never tuned */
#define MOST       300     /* tables an hour */
#define NOTED      "noted" /* among relations, whose names are numbers, */
#define NOTED_AT   "at"    /* and so are those in there */

enum { CHANGED, INSERTED, AUTOVACUUMS, UPDATED, HOT, METRICS };

static const char *const metrics[METRICS] = {"table_rows_changed", "table_rows_inserted", "table_autovacuums",
                                             "table_rows_updated", "table_rows_hot_updated"};

static double value_of(const vacuum_relations_row *t, size_t metric)
{
    const int64_t values[METRICS] = {t->updated + t->deleted, t->inserted, t->autovacuums, t->updated, t->hot_updated};
    return (double)values[metric];
}

/* ---- noting ---- */

static int note(lb_ctx *ctx, const vacuum_relation *v, const vacuum_scan *scan, lb_error *err)
{
    const char *epoch = lb_printf(ctx, "%lld", (long long)scan->server.counts_since);
    int r = epoch ? 0 : lb_out_of_memory(err);
    size_t count = v->row.updated > 0 ? METRICS : UPDATED; /* most tables of a log have none */
    for (size_t i = 0; i < count && r >= 0; i++)
        r = lb_record(ctx, "lakebase_metrics",
                      LB_ARGS(lb_text("metric_name", metrics[i]), lb_f64("metric_value", value_of(&v->row, i)),
                              lb_text("unit", i == AUTOVACUUMS ? "count" : "rows"), lb_text("kind", "counter"),
                              lb_text("object_name", v->label), lb_text("database_name", scan->server.database),
                              lb_text("epoch", epoch), lb_time("snapshot_timestamp", scan->now)),
                      err);
    return r;
}

static int64_t noted(struct json_object *before, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(before, name, &value) ? json_object_get_int64(value) : -1;
}

static bool is_worth_it(const vacuum_relation *v)
{
    return v->row.kind[0] == 'r' && v->row.persistence[0] != 't' && v->row.rows_known >= LEAST_ROWS;
}

int vacuum_counts_note(lb_ctx *ctx, const vacuum_scan *scan, struct json_object *before, struct json_object *now,
                       lb_error *err)
{
    struct json_object *was_noted = NULL, *is_noted = json_object_new_object();
    if (!is_noted || json_object_object_add(now, NOTED, is_noted) < 0)
        return lb_out_of_memory(err);
    (void)json_object_object_get_ex(before, NOTED, &was_noted);
    int64_t last = noted(was_noted, NOTED_AT);
    bool is_time = scan->now - last >= EVERY_US || last > scan->now;
    size_t done = 0;
    int r = 0;
    (void)json_object_object_add(is_noted, NOTED_AT, json_object_new_int64(is_time ? scan->now : last));
    for (size_t i = 0; i < scan->count && done < MOST && r >= 0; i++) {
        const vacuum_relation *v = &scan->relations[i];
        const char *key = lb_printf(ctx, "%lld", (long long)v->row.relation);
        if (!key)
            return lb_out_of_memory(err);
        int64_t was = noted(was_noted, key),
                is = v->row.inserted + v->row.updated + v->row.deleted + v->row.autovacuums;
        if (!is_worth_it(v))
            continue;
        done++;
        if (is_time && is != was)
            r = note(ctx, v, scan, err);
        (void)json_object_object_add(is_noted, key, json_object_new_int64(is_time ? is : was));
    }
    return r;
}

/* ---- reading ---- */

int vacuum_counts_read(lb_ctx *ctx, const vacuum_scan *scan, int64_t since, const char *object,
                       vacuum_counts *ret_counts, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const vacuum_churn_args wanted = {.project = target->project,
                                      .branch = target->branch,
                                      .database = scan->server.database,
                                      .since = since,
                                      .object = object};
    lb_rows *rows = NULL;
    *ret_counts = (vacuum_counts){0};
    int r = vacuum_churn(ctx, &wanted, &rows, err);
    if (r < 0)
        return lb_no_history(r) ? 0 : lb_wrap(err, "how much tables have changed");
    ret_counts->rows = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *ret_counts->rows);
    if (!ret_counts->rows)
        return lb_out_of_memory(err);
    while (vacuum_churn_next(ctx, rows, &ret_counts->rows[ret_counts->count]))
        ret_counts->count++;
    return 0;
}

static const vacuum_churn_row *find(const vacuum_counts *counts, const vacuum_relation *v, size_t metric)
{
    for (size_t i = 0; i < counts->count; i++)
        if (strcmp(counts->rows[i].object_name, v->label) == 0 &&
            strcmp(counts->rows[i].metric_name, metrics[metric]) == 0)
            return &counts->rows[i];
    return NULL;
}

/* From a value to a later one of a counter that may have begun anew in between. */
static double step(double from, double to)
{
    return to >= from ? to - from : to;
}

static double grown(const vacuum_churn_row *row, double now)
{
    return row->grown + step(row->last_value, now);
}

static bool has_begun_anew(const vacuum_scan *scan, const vacuum_churn_row *row, double now)
{
    return row->restarts > 0 || now < row->last_value || scan->server.counts_since > row->last_at;
}

vacuum_observed vacuum_counts_of(const vacuum_scan *scan, const vacuum_counts *counts, const vacuum_relation *v,
                                 double least_hours)
{
    double own[METRICS], hours = vacuum_hours(scan->server.counts_since, scan->now);
    const vacuum_churn_row *rows[METRICS];
    for (size_t i = 0; i < METRICS; i++) {
        rows[i] = find(counts, v, i);
        own[i] = value_of(&v->row, i);
    }
    bool is_noted = rows[CHANGED] && rows[INSERTED] && rows[AUTOVACUUMS], has_updates = rows[UPDATED] && rows[HOT];
    double noted_hours = is_noted ? vacuum_hours(rows[CHANGED]->first_at, scan->now) : 0;
    if (!is_noted || (noted_hours <= hours && noted_hours < least_hours))
        return (vacuum_observed){.changed = own[CHANGED],
                                 .inserted = own[INSERTED],
                                 .autovacuums = own[AUTOVACUUMS],
                                 .hours = hours,
                                 .updated = own[UPDATED],
                                 .hot = own[HOT],
                                 .updated_hours = hours};
    return (vacuum_observed){.changed = grown(rows[CHANGED], own[CHANGED]),
                             .inserted = grown(rows[INSERTED], own[INSERTED]),
                             .autovacuums = grown(rows[AUTOVACUUMS], own[AUTOVACUUMS]),
                             .hours = noted_hours,
                             .is_history = true,
                             .is_least = has_begun_anew(scan, rows[CHANGED], own[CHANGED]) ||
                                         has_begun_anew(scan, rows[INSERTED], own[INSERTED]),
                             .updated = has_updates ? grown(rows[UPDATED], own[UPDATED]) : 0,
                             .hot = has_updates ? grown(rows[HOT], own[HOT]) : 0,
                             .updated_hours = has_updates ? vacuum_hours(rows[UPDATED]->first_at, scan->now) : 0};
}

double vacuum_counts_visits(const vacuum_counts *counts, const vacuum_relation *v, double base)
{
    const vacuum_churn_row *row = find(counts, v, AUTOVACUUMS);
    return row ? step(base, row->first_value) + grown(row, (double)v->row.autovacuums) : -1;
}
