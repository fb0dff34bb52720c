/* What is wrong with tables: dead rows, old statistics, autovacuum that does not come. */
#include "cause_look.h"

#include <string.h>

#define MEGABYTE 1048576.0

typedef diagnose_tables_row table;

static const char *name_of(const cause_look *look, const table *t)
{
    return lb_printf(look->ctx, "%s.%s", t->schema, t->name);
}

static bool is_large(const cause_look *look, const table *t)
{
    return !t->bytes || (double)t->bytes >= look->limits.min_table_mb * MEGABYTE; /* 0: nobody has looked yet */
}

static double all_rows(const table *t)
{
    double rows = t->rows_known > (double)t->live ? t->rows_known : (double)t->live;
    return rows > 1 ? rows : 1;
}

static bool is_due(const cause_look *look, const table *t)
{
    return t->dead >= look->limits.min_dead_rows && is_large(look, t) && (double)t->dead >= t->vacuum_trigger;
}

static bool is_stale(const cause_look *look, const table *t)
{
    return t->modified >= look->limits.min_changed_rows && (double)t->modified >= 2 * t->analyze_trigger;
}

static lb_value when(bool is_null, const char *name, int64_t at)
{
    return is_null ? lb_null(name) : lb_time(name, at);
}

/* ---- dead rows ---- */

static int look_at_dead_rows(cause_look *look, const table *t, lb_error *err)
{
    double dead = (double)t->dead, share = dead / (dead + t->rows_known);
    double least = (double)look->limits.min_dead_rows;
    if (t->dead < look->limits.min_dead_rows || share < 0.1 || !is_large(look, t))
        return 0;
    const cause_case c = {
        .id = CAUSE_DEAD_TUPLES,
        .object = name_of(look, t),
        .schema = t->schema,
        .table = t->name,
        .reason = lb_printf(look->ctx, "%lld dead rows, %.0f %% of all%s%s", (long long)t->dead, 100 * share,
                            look->keeper ? "; kept by " : "", look->keeper ? look->keeper : ""),
        .command = lb_printf(look->ctx, "VACUUM (ANALYZE) %s", cause_quoted(look->ctx, t->schema, t->name)),
        .strength = {cause_ramp(share, 0.1, 0.25), cause_ramp(dead, least, 10 * least), dead >= t->vacuum_trigger,
                     !look->keeper},
        .evidence = LB_ARGS(lb_i64("dead_rows", t->dead), lb_i64("live_rows", t->live), lb_f64("share", share),
                            lb_f64("autovacuum_at", t->vacuum_trigger), lb_bool("autovacuum", t->enabled),
                            when(t->last_vacuum_is_null, "last_vacuum", t->last_vacuum),
                            lb_text("kept_by", look->keeper), lb_i64("bytes", t->bytes))};
    return cause_add(look, &c, err);
}

/* ---- statistics ---- */

static int look_at_statistics(cause_look *look, const table *t, lb_error *err)
{
    double share = (double)t->modified / all_rows(t);
    if (!is_stale(look, t))
        return 0;
    const cause_case c = {
        .id = CAUSE_STALE_STATISTICS,
        .object = name_of(look, t),
        .schema = t->schema,
        .table = t->name,
        .reason = lb_printf(look->ctx, "%lld rows changed since %s, for %.0f rows that the planner counts on",
                            (long long)t->modified, t->last_analyze_is_null ? "it was made" : "its last ANALYZE",
                            t->rows_known),
        .command = lb_printf(look->ctx, "ANALYZE %s", cause_quoted(look->ctx, t->schema, t->name)),
        .strength = {cause_ramp(share, 0.2, 1), 1, t->last_analyze_is_null, cause_ramp(all_rows(t), 1e5, 1e6)},
        .evidence =
            LB_ARGS(lb_i64("changed_rows", t->modified), lb_f64("rows_known", t->rows_known),
                    lb_i64("live_rows", t->live), lb_f64("share", share), lb_f64("autoanalyze_at", t->analyze_trigger),
                    when(t->last_analyze_is_null, "last_analyze", t->last_analyze))};
    return cause_add(look, &c, err);
}

/* ---- autovacuum ---- */

/* When it was first seen to be off for the table, where an earlier look had seen it on; 0: it may always have been. */
static int64_t off_since(const cause_look *look, const table *t)
{
    const char *name = name_of(look, t);
    struct json_object *known = cause_noted(look, "tables"), *off = cause_noted(look, "off"), *at = NULL;
    if (!name || !off || !json_object_object_get_ex(known, name, NULL))
        return 0;
    return json_object_object_get_ex(off, name, &at) ? json_object_get_int64(at) : look->reading.at;
}

static void remember_off(cause_look *look)
{
    struct json_object *note = cause_note(look, "off");
    for (size_t i = 0; note && i < look->table_count; i++) {
        const table *t = &look->tables[i];
        const char *name = t->enabled ? NULL : name_of(look, t);
        struct json_object *at = name ? json_object_new_int64(off_since(look, t)) : NULL;
        if (at && json_object_object_add(note, name, at) != 0)
            json_object_put(at); /* out of memory: it may always have been */
    }
}

static int add_off(cause_look *look, const table *t, int64_t due, int64_t stale, lb_error *err)
{
    bool is_server = !t;
    const char *object = t ? name_of(look, t) : "server";
    const diagnose_changes_row *change = cause_change_of(look, "autovacuum");
    int64_t since = t ? off_since(look, t) : 0, most = due > stale ? due : stale;
    const cause_case c = {
        .id = CAUSE_AUTOVACUUM_OFF,
        .object = object,
        .schema = t ? t->schema : NULL,
        .table = t ? t->name : NULL,
        .reason = is_server
                      ? lb_printf(look->ctx, "autovacuum is off on the server, and %lld %s past due", (long long)most,
                                  most == 1 ? "table is" : "tables are")
                      : lb_printf(look->ctx, "autovacuum is off for it: %lld dead rows, %lld changed since ANALYZE",
                                  (long long)t->dead, (long long)t->modified),
        .command = is_server ? cause_set_server(look, look->settings.autovacuum ? "track_counts" : "autovacuum", "on")
                             : lb_printf(look->ctx, "ALTER TABLE %s RESET (autovacuum_enabled)",
                                         cause_quoted(look->ctx, t->schema, t->name)),
        .strength = {1, due > 0, stale > 0, look->has_settings && !look->settings.track_counts},
        .evidence = LB_ARGS(lb_bool("autovacuum", look->settings.autovacuum),
                            lb_bool("track_counts", look->settings.track_counts), lb_text("off_for", object),
                            since ? lb_f64(CAUSE_SEEN_SINCE, (double)(look->reading.at - since) / 1e6)
                                  : lb_null(CAUSE_SEEN_SINCE),
                            lb_i64("tables_to_vacuum", due), lb_i64("tables_to_analyze", stale),
                            lb_text("change", change ? change->statement : NULL),
                            lb_text("changed_by", change ? (change->actor ? change->actor : change->tool) : NULL))};
    return cause_add(look, &c, err);
}

static int look_at_autovacuum(cause_look *look, lb_error *err)
{
    bool is_off = look->has_settings && !(look->settings.autovacuum && look->settings.track_counts);
    int64_t due = 0, stale = 0;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < look->table_count; i++) {
        const table *t = &look->tables[i];
        bool wants_vacuum = is_due(look, t), wants_analyze = is_stale(look, t);
        due += wants_vacuum;
        stale += wants_analyze;
        if (!is_off && !t->enabled && (wants_vacuum || wants_analyze))
            r = add_off(look, t, wants_vacuum, wants_analyze, err);
    }
    return r >= 0 && is_off && due + stale > 0 ? add_off(look, NULL, due, stale, err) : r;
}

int cause_look_at_tables(cause_look *look, lb_error *err)
{
    int r = look_at_autovacuum(look, err);
    for (size_t i = 0; r >= 0 && i < look->table_count; i++) {
        r = look_at_dead_rows(look, &look->tables[i], err);
        if (r >= 0)
            r = look_at_statistics(look, &look->tables[i], err);
    }
    remember_off(look);
    return r;
}
