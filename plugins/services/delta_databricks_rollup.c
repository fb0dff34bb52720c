/* Roll-ups: a date's snapshots become hourly rows. Each date is one commit that replaces it, so whoever reads sees it
 * before or after, and what was broken off is begun again. */
#include "delta_databricks.h"

#include <delta_databricks_sql.h>

typedef struct due_date {
    char *date;
    int64_t rows;
} due_date;

typedef struct due_list {
    due_date *items;
    size_t count, capacity;
} due_list;

static void due_done(due_list *due)
{
    for (size_t i = 0; i < due->count; i++)
        free(due->items[i].date);
    free(due->items);
}

static int take_dates(void *arg, struct json_object *rows, lb_error *err)
{
    due_list *due = arg;
    (void)err; /* cannot fail */
    for (size_t i = 0; i < rest_json_count(rows); i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        const char *date = json_object_get_string(json_object_array_get_idx(row, 0));
        const char *count = json_object_get_string(json_object_array_get_idx(row, 1));
        if (!date || !count)
            continue;
        DELTA_PUSH(due->items, due->count, due->capacity);
        due->items[due->count++] = (due_date){.date = delta_strdup(date), .rows = strtoll(count, NULL, 10)};
    }
    return 0;
}

static int find_due(bricks *b, const char *name, const char *partition, const lb_delta_care *care, int64_t deadline,
                    due_list *due, lb_error *err)
{
    char before[DELTA_DATE_TEXT];
    REST_JSON_AUTO *answer = NULL;
    delta_date(care->now - b->settings.rollup_days * DELTA_DAY, before);
    const delta_slot slots[] = {{"table", name}, {"partition", partition}};
    DELTA_AUTO_FREE char *sql = delta_render(delta_databricks_sql_roll_up_due, slots, DELTA_COUNT(slots));
    const bricks_value values[] = {{"before", before, "DATE"}};
    const bricks_statement statement = {.text = sql,
                                        .what = "looking for what is to be rolled up",
                                        .values = values,
                                        .value_count = 1,
                                        .deadline = deadline};
    int r = bricks_run(b, &statement, &answer, NULL, err);
    return r < 0 ? r : bricks_each_part(b, answer, deadline, take_dates, due, err);
}

static bool is_ours(const delta_table_def *def, const char *column)
{
    for (size_t i = 0; i < def->count; i++)
        if (strcmp(def->columns[i].name, column) == 0)
            return true;
    return false;
}

/* The table's columns as they are, and as the roll-up gives them: somebody else's are null there. */
static void list_columns(const delta_table_def *def, struct json_object *described, const char *date,
                         delta_text *columns, delta_text *rolled)
{
    struct json_object *all = rest_json_at(described, "columns");
    for (size_t i = 0; i < rest_json_count(all); i++) {
        const char *name = rest_json_text(json_object_array_get_idx(all, i), "name");
        delta_text_puts(columns, i ? ", " : "");
        delta_text_puts(rolled, i ? ", " : "");
        bricks_identifier(columns, name ? name : "");
        if (name && is_ours(def, name))
            bricks_identifier(rolled, name);
        else
            delta_text_puts(rolled, name && strcmp(name, BRICKS_PARTITION) == 0 ? date : "NULL");
    }
}

static int roll_up_date(bricks *b, const delta_table_def *def, struct json_object *described, const due_date *due,
                        int64_t deadline, lb_delta_upkeep *upkeep, lb_error *err)
{
    REST_JSON_AUTO *answer = NULL;
    DELTA_TEXT partition = {0};
    DELTA_TEXT date = {0};
    DELTA_TEXT columns = {0};
    DELTA_TEXT rolled = {0};
    bricks_identifier(&partition, BRICKS_PARTITION);
    delta_text_puts(&date, "DATE ");
    bricks_literal(&date, due->date);
    list_columns(def, described, date.data, &columns, &rolled);
    DELTA_AUTO_FREE char *name = bricks_full_name(b, def->name);
    const delta_slot slots[] = {{"table", name},
                                {"partition", partition.data},
                                {"date", date.data},
                                {"rolled", delta_rolled(def->name)},
                                {"rolled_columns", rolled.data},
                                {"columns", columns.data}};
    DELTA_AUTO_FREE char *sql = delta_render(delta_databricks_sql_roll_up, slots, DELTA_COUNT(slots));
    DELTA_AUTO_FREE char *what = delta_printf("the roll-up of %s on %s", def->name, due->date);
    const bricks_statement statement = {.text = sql, .what = what, .deadline = deadline};
    int r = bricks_run(b, &statement, &answer, NULL, err);
    if (r < 0)
        return r;
    upkeep->rolled_up += due->rows;
    upkeep->rolled_up_into += bricks_count_of(answer, "num_inserted_rows", 0);
    return 0;
}

int bricks_roll_up(bricks *b, const bricks_table *table, const lb_delta_care *care, int64_t deadline,
                   lb_delta_upkeep *upkeep, lb_error *err)
{
    due_list due = {0};
    REST_JSON_AUTO *described = NULL;
    DELTA_TEXT partition = {0};
    if (!delta_rolled(table->def.name) || !table->def.partition_time)
        return 0;
    bricks_identifier(&partition, BRICKS_PARTITION);
    DELTA_AUTO_FREE char *name = bricks_full_name(b, table->def.name);
    int r = find_due(b, name, partition.data, care, deadline, &due, err);
    if (r == 0 && due.count)
        r = bricks_describe(b, table->def.name, deadline, &described, err);
    for (size_t i = 0; r == 0 && i < due.count; i++)
        r = roll_up_date(b, &table->def, described, &due.items[i], deadline, upkeep, err);
    due_done(&due);
    return r;
}
