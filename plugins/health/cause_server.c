/* What the whole server's counters show: the cache, deadlocks, spills, checkpoints, the age of transaction ids; and
 * replication. Counters say something only against the reading before. */
#include "cause_look.h"
#include "health_measure.h"
#include "health_past.h"

#include <sql/diagnose/spills.h>
#include <sql/health/extension_home.h>

#include <math.h>
#include <string.h>

#define MEGABYTE 1048576.0

/* ---- cache ---- */

/* The table of which most blocks were read since the reading before. */
static const char *most_read(const cause_look *look, double *ret_blocks)
{
    struct json_object *tables = cause_noted(look, "tables"), *pair = NULL;
    const char *name = NULL;
    *ret_blocks = 0;
    for (size_t i = 0; i < look->table_count; i++) {
        const char *object = lb_printf(look->ctx, "%s.%s", look->tables[i].schema, look->tables[i].name);
        if (!tables || !json_object_object_get_ex(tables, object, &pair))
            continue;
        double rise = (double)(look->tables[i].blocks_read - json_object_get_int64(json_object_array_get_idx(pair, 3)));
        if (rise > *ret_blocks) {
            *ret_blocks = rise;
            name = object;
        }
    }
    return name;
}

static int look_at_cache(cause_look *look, lb_error *err)
{
    double hit = 0, read = 0, of_file = 0, of_table = 0, ratio_before = NAN;
    const char *ignored = NULL;
    bool is_known = health_block_delta(&look->reading, &hit, &read, &of_file, &ignored);
    bool is_warm = look->has_settings && look->settings.uptime_seconds >= look->limits.warm_up_min * 60;
    if (!is_known || !is_warm || hit + read < (double)look->limits.min_block_accesses) {
        struct json_object *kept = cause_noted(look, "cache");
        if (kept) /* the last that was worth one */
            (void)json_object_object_add(look->now, "cache", json_object_get(kept));
        return 0;
    }
    double ratio = hit / (hit + read);
    struct json_object *kept = cause_noted(look, "cache"), *was = NULL, *note = cause_note(look, "cache");
    if (kept && json_object_object_get_ex(kept, "ratio", &was))
        ratio_before = json_object_get_double(was);
    if (note)
        (void)json_object_object_add(note, "ratio", json_object_new_double(ratio)); /* without it: one symptom less */
    if (ratio >= 0.99)
        return 0;
    const char *table = most_read(look, &of_table);
    double size = (double)look->settings.database_bytes, cache = (double)look->settings.shared_buffers;
    const cause_case c = {
        .id = CAUSE_CACHE_COLLAPSE,
        .object = "server",
        .about = table,
        .reason = lb_printf(look->ctx, "%.4g %% of %.0f block accesses hit the cache%s%s", 100 * ratio, hit + read,
                            table ? "; most was read of " : "", table ? table : ""),
        .command = "SELECT queryid, shared_blks_read FROM pg_stat_statements ORDER BY 2 DESC LIMIT 5",
        .strength = {cause_ramp(1 - ratio, 0.01, 0.05),
                     isnan(ratio_before) ? CAUSE_UNSEEN : cause_ramp(ratio_before - ratio, 0.02, 0.1),
                     cause_ramp(read > 0 ? of_table / (read + of_file) : 0, 0.5, 0.8), size > cache},
        .evidence = LB_ARGS(
            lb_f64("hit_ratio", ratio),
            isnan(ratio_before) ? lb_null("hit_ratio_before") : lb_f64("hit_ratio_before", ratio_before),
            lb_f64("blocks_hit", hit), lb_f64("blocks_read", read), lb_f64("of_file_cache", of_file),
            lb_text("most_read_table", table), lb_f64("its_blocks", of_table),
            lb_i64("database_bytes", look->settings.database_bytes),
            lb_i64("shared_buffers", look->settings.shared_buffers), lb_f64("interval_s", look->reading.interval_s))};
    return cause_add(look, &c, err);
}

/* ---- deadlocks ---- */

static int look_at_deadlocks(cause_look *look, lb_error *err)
{
    double count = 0, rolled_back = 0;
    if (!cause_rose(look, "deadlocks", &count) || count < 1)
        return 0;
    bool is_known = cause_rose(look, "transactions_rolled_back", &rolled_back);
    bool is_rate = health_past_tells_rate(look->reading.interval_s);
    double an_hour = is_rate ? count * 3600 / look->reading.interval_s : 0;
    const cause_case c = {
        .id = CAUSE_DEADLOCKS,
        .object = "server",
        .reason = lb_printf(look->ctx, "%.0f %s in %.0f s", count, count < 1.5 ? "deadlock" : "deadlocks",
                            look->reading.interval_s),
        .command = "SELECT pid, pg_blocking_pids(pid), state, query FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
                   "  -- who writes now; the server's log has both statements of each",
        .strength = {cause_ramp(count, 0, 3), is_rate ? cause_ramp(an_hour, 2, 5) : CAUSE_UNSEEN,
                     is_known ? cause_ramp(rolled_back, count, 2 * count) : CAUSE_UNSEEN, look->waiting > 0},
        .evidence = LB_ARGS(lb_f64("deadlocks", count), is_rate ? lb_f64("per_hour", an_hour) : lb_null("per_hour"),
                            lb_f64("interval_s", look->reading.interval_s), lb_f64("rolled_back", rolled_back),
                            lb_i64("waiting_now", look->waiting))};
    return cause_add(look, &c, err);
}

/* ---- spills ---- */

/* The statement that spilled most, since its own counters began; NULL where nobody counts. */
static int worst_spiller(cause_look *look, diagnose_spills_row *ret_row, bool *ret_found, lb_error *err)
{
    const health_extension_home_args extension = {.name = "pg_stat_statements"};
    health_extension_home_row home;
    lb_rows *rows = NULL;
    *ret_found = false;
    int r = health_extension_home(look->ctx, &extension, &rows, err);
    if (r < 0 || !health_extension_home_next(look->ctx, rows, &home))
        return r;
    r = diagnose_spills(look->ctx, &(diagnose_spills_args){.schema = home.schema}, &rows, err);
    if (r < 0)
        return health_pass_over(look->ctx, "pg_stat_statements (spills)", r, err);
    *ret_found = diagnose_spills_next(look->ctx, rows, ret_row);
    return 0;
}

/* For the role whose statement it is: what is set for all is taken by each of their sorts. Where nobody knows whose it
 * is, the database is looked for first. */
static const char *more_work_mem(const cause_look *look, const diagnose_spills_row *worst)
{
    double now = (double)look->settings.work_mem / MEGABYTE, wanted = fmax(64, ceil(2 * now));
    const char *word = worst->user_name ? cause_ident(look->ctx, worst->user_name) : NULL;
    if (!word)
        return "SELECT datname, temp_files, temp_bytes FROM pg_stat_database ORDER BY 3 DESC";
    const char *set = lb_printf(look->ctx, "ALTER ROLE %s SET work_mem = '%.0fMB'", word, wanted);
    return worst->may_be_set ? set
                             : lb_printf(look->ctx,
                                         "SELECT rolname FROM pg_roles WHERE rolsuper  -- for one of them, as the role "
                                         "that looked may not: %s",
                                         set);
}

static int look_at_spills(cause_look *look, lb_error *err)
{
    diagnose_spills_row worst = {0};
    double bytes = 0, files = 0, limit = look->limits.min_temp_mb * MEGABYTE;
    bool found = false;
    if (!cause_rose(look, "temp_bytes", &bytes) || !cause_rose(look, "temp_files", &files) || bytes < limit)
        return 0;
    int r = worst_spiller(look, &worst, &found, err);
    double mean = files > 0 ? bytes / files : 0, work_mem = (double)look->settings.work_mem;
    const cause_case c = {
        .id = CAUSE_TEMP_SPILL,
        .object = "server",
        .reason = lb_printf(look->ctx, "%.0f MB in %.0f temporary files in %.0f s, with a work_mem of %.0f kB",
                            bytes / MEGABYTE, files, look->reading.interval_s, work_mem / 1024),
        .command = more_work_mem(look, &worst),
        .strength = {cause_ramp(bytes, limit, 4 * limit), cause_ramp(files, 1, 20), mean > work_mem, found},
        .evidence = LB_ARGS(
            lb_f64("temp_bytes", bytes), lb_f64("temp_files", files), lb_f64("interval_s", look->reading.interval_s),
            lb_i64("work_mem", look->settings.work_mem), lb_text("worst_queryid", found ? worst.queryid : NULL),
            lb_text("its_user", found ? worst.user_name : NULL), lb_i64("its_blocks_so_far", worst.blocks))};
    return r < 0 ? r : cause_add(look, &c, err);
}

/* ---- checkpoints ---- */

/* The server counts those that somebody asked for with those that WAL forces, which it does each time that half of
 * max_wal_size or more was written. */
static double most_forced(const cause_look *look, double requested, double wal)
{
    double most = (double)look->settings.max_wal_size;
    return most > 0 ? fmin(requested, floor(2 * wal / most)) : requested;
}

static int look_at_checkpoints(cause_look *look, lb_error *err)
{
    double requested = 0, timed = 0, wal = 0, images = 0, records = 0;
    if (!cause_rose(look, "checkpoints_requested", &requested) || !cause_rose(look, "checkpoints_timed", &timed))
        return 0;
    bool has_wal = cause_rose(look, "wal_bytes", &wal) && cause_rose(look, "wal_full_page_images", &images) &&
                   cause_rose(look, "wal_records", &records);
    double forced = has_wal ? most_forced(look, requested, wal) : requested;
    double all = requested + timed, most = (double)look->settings.max_wal_size;
    double limit = (double)look->limits.min_checkpoints;
    if (forced < limit || forced <= 0)
        return 0;
    const cause_case c = {
        .id = CAUSE_CHECKPOINT_PRESSURE,
        .object = "server",
        .reason = lb_printf(look->ctx, "%.0f of %.0f checkpoints in %.0f s were forced; max_wal_size is %.0f MB",
                            forced, all, look->reading.interval_s, most / MEGABYTE),
        .command = cause_set_server(look, "max_wal_size", lb_printf(look->ctx, "'%.0fMB'", ceil(4 * most / MEGABYTE))),
        .strength = {cause_ramp(forced / all, 0.3, 0.9), cause_ramp(forced, limit, 4 * limit),
                     has_wal ? cause_ramp(wal, most, 3 * most) : CAUSE_UNSEEN,
                     has_wal && records > 0 ? cause_ramp(images / records, 0.3, 0.6) : CAUSE_UNSEEN},
        .evidence = LB_ARGS(lb_f64("forced", forced), lb_f64("requested", requested), lb_f64("timed", timed),
                            lb_f64("share", forced / all), lb_i64("max_wal_size", look->settings.max_wal_size),
                            lb_i64("checkpoint_timeout_s", look->settings.checkpoint_seconds),
                            has_wal ? lb_f64("wal_bytes", wal) : lb_null("wal_bytes"),
                            lb_f64("interval_s", look->reading.interval_s))};
    return cause_add(look, &c, err);
}

/* ---- ages ---- */

static int look_at_ages(cause_look *look, lb_error *err)
{
    const health_sample *age = health_sample_of(&look->reading, "txid_age", NULL);
    double limit = (double)look->limits.min_txid_age, freeze = (double)look->settings.freeze_max_age;
    struct json_object *noted = cause_noted(look, "age");
    if (!age && noted)
        (void)json_object_object_add(look->now, "age", json_object_get(noted)); /* the last that was read */
    bool falls = age && health_note_fall(noted, age->value, look->reading.at, cause_note(look, "age"));
    if (!age || age->value < limit || falls)
        return 0;
    const cause_case c = {
        .id = CAUSE_WRAPAROUND_AGE,
        .object = "server",
        .reason = lb_printf(
            look->ctx, "the oldest transaction id is %.0f transactions old, %.1f %% of what there is%s%s", age->value,
            100 * age->value / 2147483647, look->keeper ? "; kept by " : "", look->keeper ? look->keeper : ""),
        .command =
            "SELECT oid::regclass, age(relfrozenxid) FROM pg_class WHERE relkind IN ('r', 'm', 't') ORDER BY 2 DESC",
        .strength = {cause_ramp(age->value, limit, 2 * limit),
                     look->has_settings ? age->value > 1.2 * freeze : CAUSE_UNSEEN, look->keeper != NULL,
                     look->has_settings && !look->settings.autovacuum},
        .evidence = LB_ARGS(lb_f64("age", age->value), lb_f64("limit", limit),
                            lb_i64("autovacuum_freeze_max_age", look->settings.freeze_max_age),
                            lb_text("held_by", look->keeper),
                            age->detail ? lb_json("detail", age->detail) : lb_null("detail"))};
    return cause_add(look, &c, err);
}

int cause_look_at_counters(cause_look *look, lb_error *err)
{
    static int (*const parts[])(cause_look * look, lb_error * err) = {look_at_cache, look_at_deadlocks, look_at_spills,
                                                                      look_at_checkpoints, look_at_ages};
    int r = 0;
    for (size_t i = 0; r >= 0 && i < sizeof parts / sizeof *parts; i++)
        r = parts[i](look, err);
    if (r >= 0 && !look->reading.before)
        r = lb_skipped(look->ctx, "counters (cache, deadlocks, spills, checkpoints) and dropped indexes",
                       "this is the first reading: there is none before it to tell a rise by", err);
    return r;
}
