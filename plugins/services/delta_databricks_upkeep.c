/* Upkeep of the tables: what old rows and small files cost on a warehouse is paid once a day. */
#include "delta_databricks.h"

#include <delta_databricks_sql.h>

#define NO_DEADLINE (1800 * REST_SECOND) /* for a caller that names none */

/* ---- the volume ---- */

typedef struct sweep {
    bricks *b;
    const char *table, *oldest_waiting;
    int64_t deadline;
    char **ids;
    size_t count, capacity;
} sweep;

static int take_stray(void *arg, const char *id, lb_error *err)
{
    sweep *s = arg;
    (void)err; /* cannot fail */
    if (s->oldest_waiting && strcmp(id, s->oldest_waiting) >= 0)
        return 0;
    DELTA_PUSH(s->ids, s->count, s->capacity);
    s->ids[s->count++] = delta_strdup(id);
    return 0;
}

/* A file that no longer waits in the outbox is loaded, or will never be: nobody needs it in the volume. */
static int sweep_volume(bricks *b, const char *table, const lb_delta_care *care, int64_t deadline, lb_error *err)
{
    sweep s = {.b = b, .table = table, .oldest_waiting = care->oldest_waiting, .deadline = deadline};
    int r = bricks_list(b, table, deadline, take_stray, &s, err);
    for (size_t i = 0; i < s.count; i++) {
        if (r == 0)
            r = bricks_remove(b, table, s.ids[i], deadline, err);
        free(s.ids[i]);
    }
    free(s.ids);
    return r;
}

/* ---- the table ---- */

static int expire(bricks *b, const bricks_table *table, const lb_delta_care *care, int64_t deadline,
                  lb_delta_upkeep *upkeep, lb_error *err)
{
    char before[DELTA_DATE_TEXT];
    REST_JSON_AUTO *answer = NULL;
    DELTA_TEXT partition = {0};
    if (!table->def.partition_time || table->def.retention_days <= 0)
        return 0;
    delta_date(care->now - table->def.retention_days * DELTA_DAY, before);
    bricks_identifier(&partition, BRICKS_PARTITION);
    DELTA_AUTO_FREE char *name = bricks_full_name(b, table->def.name);
    const delta_slot slots[] = {{"table", name}, {"partition", partition.data}};
    DELTA_AUTO_FREE char *sql = delta_render(delta_databricks_sql_expire, slots, DELTA_COUNT(slots));
    DELTA_AUTO_FREE char *what = delta_printf("retention of %s", table->def.name);
    const bricks_value values[] = {{"before", before, "DATE"}};
    const bricks_statement statement = {
        .text = sql, .what = what, .values = values, .value_count = 1, .deadline = deadline};
    int r = bricks_run(b, &statement, &answer, NULL, err);
    if (r == 0)
        upkeep->expired_rows += bricks_count_of(answer, "num_affected_rows", 0);
    return r;
}

/* Spark and Databricks answer with the table's path and a struct of figures. */
static int optimize(bricks *b, const bricks_table *table, int64_t deadline, lb_delta_upkeep *upkeep, lb_error *err)
{
    REST_JSON_AUTO *answer = NULL;
    DELTA_AUTO_FREE char *name = bricks_full_name(b, table->def.name);
    const delta_slot slots[] = {{"table", name}};
    DELTA_AUTO_FREE char *sql = delta_render(delta_databricks_sql_optimize, slots, DELTA_COUNT(slots));
    DELTA_AUTO_FREE char *what = delta_printf("OPTIMIZE %s", table->def.name);
    const bricks_statement statement = {.text = sql, .what = what, .deadline = deadline};
    int r = bricks_run(b, &statement, &answer, NULL, err);
    if (r < 0)
        return r;
    const char *figures = bricks_cell_of(answer, "metrics");
    REST_JSON_AUTO *metrics = figures ? json_tokener_parse(figures) : NULL;
    upkeep->compacted += rest_json_number(metrics, "numFilesRemoved", 0);
    upkeep->compacted_into += rest_json_number(metrics, "numFilesAdded", 0);
    return 0;
}

static int vacuum(bricks *b, const bricks_table *table, int64_t deadline, lb_error *err)
{
    DELTA_AUTO_FREE char *name = bricks_full_name(b, table->def.name);
    DELTA_AUTO_FREE char *hours = delta_printf("%lld", (long long)b->settings.vacuum_grace_hours);
    const delta_slot slots[] = {{"table", name}, {"hours", hours}};
    DELTA_AUTO_FREE char *sql = delta_render(delta_databricks_sql_vacuum, slots, DELTA_COUNT(slots));
    DELTA_AUTO_FREE char *what = delta_printf("VACUUM %s", table->def.name);
    return bricks_do(b, sql, what, deadline, err);
}

static int look_after(bricks *b, bricks_table *table, const lb_delta_care *care, int64_t deadline,
                      lb_delta_upkeep *upkeep, lb_error *err)
{
    int r = bricks_prepare(b, table, deadline, err);
    if (r < 0) {
        bricks_forget_ground(b, table);
        return r;
    }
    r = sweep_volume(b, table->def.name, care, deadline, err);
    if (r == 0)
        r = expire(b, table, care, deadline, upkeep, err);
    if (r == 0 && b->settings.rollup_days)
        r = bricks_roll_up(b, table, care, deadline, upkeep, err);
    if (r == 0 && b->settings.optimize)
        r = optimize(b, table, deadline, upkeep, err);
    if (r == 0)
        r = vacuum(b, table, deadline, err);
    if (r < 0)
        return bricks_name_grant(b, err, "SELECT, MODIFY ON TABLE `%s`.`%s`.`%s`", b->catalog, b->schema,
                                 table->def.name);
    upkeep->tables++;
    return 0;
}

int bricks_maintain(void *state, const lb_delta_care *care, lb_delta_upkeep *ret_upkeep, lb_error *err)
{
    bricks *b = state;
    lb_error error;
    lb_delta_upkeep upkeep = {.size = sizeof upkeep};
    int64_t deadline = care->deadline ? care->deadline : b->host->now() + NO_DEADLINE;
    *ret_upkeep = upkeep;
    if (care->table && !bricks_find_table(b, care->table))
        return lb_fail(err, LB_ERR_NOT_FOUND, NULL, "there is no history table %s", care->table);
    int result = bricks_lock(b, err);
    for (size_t i = 0; bricks_left(b, deadline) && b->lock_fd >= 0 && i < b->table_count; i++) {
        bricks_table *table = &b->tables[i];
        if (care->table && strcmp(care->table, table->def.name) != 0)
            continue;
        if (look_after(b, table, care, deadline, &upkeep, &error) < 0 && result == 0) {
            *err = error;
            result = err->code;
        }
    }
    if (result == 0 && !bricks_left(b, deadline))
        result = lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "the time for upkeep was over after %lld table(s)",
                         (long long)upkeep.tables);
    *ret_upkeep = upkeep;
    return result;
}
