/* Points in time to the microsecond. Tables keep it, and tools compare what they read with what servers say; but the
 * platform's JSON may show milliseconds. Whether it does is found out once, by a statement of our own, when an answer
 * gives reason to doubt; if so, questions ask for points in time as numbers. */
#include "delta_databricks.h"

#include <delta_databricks_sql.h>

static bool is_time(struct json_object *column)
{
    const char *type = rest_json_text(column, "type_name");
    return type && strcmp(type, "TIMESTAMP") == 0;
}

/* "2026-01-01T12:00:00.123456Z": are there more than three digits behind the point? */
static bool is_fine(const char *cell)
{
    const char *point = cell ? strchr(cell, '.') : NULL;
    return point && strspn(point + 1, "0123456789") > 3;
}

/* What the first part of an answer tells of its points in time. */
typedef enum telling { NO_TIMES, FINE, COARSE } telling;

static telling look_at(struct json_object *answer)
{
    struct json_object *columns = rest_json_at(answer, "manifest.schema.columns");
    struct json_object *rows = rest_json_at(answer, "result.data_array");
    telling found = NO_TIMES;
    for (size_t c = 0; c < rest_json_count(columns); c++) {
        if (!is_time(json_object_array_get_idx(columns, c)))
            continue;
        for (size_t i = 0; i < rest_json_count(rows); i++) {
            struct json_object *cell = json_object_array_get_idx(json_object_array_get_idx(rows, i), c);
            if (cell && is_fine(json_object_get_string(cell)))
                return FINE;
            found = cell ? COARSE : found;
        }
    }
    return found;
}

static int learn(bricks *b, int64_t deadline, lb_error *err)
{
    REST_JSON_AUTO *answer = NULL;
    const bricks_statement statement = {.text = delta_databricks_sql_exact_time,
                                        .what = "looking how points in time are shown",
                                        .deadline = deadline,
                                        .anywhere = true};
    int r = bricks_run(b, &statement, &answer, NULL, err);
    if (r >= 0)
        b->times = is_fine(bricks_cell_of(answer, "shown")) ? BRICKS_TIMES_WHOLE : BRICKS_TIMES_CUT;
    return r;
}

/* The columns by name, those of time as numbers. NULL: none is of time, or names are not enough to tell them apart. */
static char *list_columns(struct json_object *columns)
{
    DELTA_TEXT list = {0};
    bool times = false;
    for (size_t i = 0; i < rest_json_count(columns); i++) {
        struct json_object *column = json_object_array_get_idx(columns, i);
        const char *name = rest_json_text(column, "name");
        for (size_t before = 0; name && before < i; before++) {
            const char *other = rest_json_text(json_object_array_get_idx(columns, before), "name");
            name = other && strcasecmp(other, name) == 0 ? NULL : name;
        }
        if (!name)
            return NULL;
        delta_text_puts(&list, i ? ", " : "");
        delta_text_puts(&list, is_time(column) ? "unix_micros(" : "");
        bricks_identifier(&list, name);
        delta_text_puts(&list, is_time(column) ? ") AS " : "");
        if (is_time(column))
            bricks_identifier(&list, name);
        times = times || is_time(column);
    }
    return times ? delta_strdup(list.data) : NULL;
}

/* The question without what may end it. */
static char *bare(const char *question)
{
    size_t length = strlen(question);
    while (length && strchr("; \t\r\n", question[length - 1]))
        length--;
    return delta_strndup(question, length);
}

static int ask_exactly(bricks *b, const bricks_statement *question, bricks_answer *ret_answer, lb_error *err)
{
    REST_JSON_AUTO *shape = NULL;
    bricks_statement statement = *question;
    DELTA_AUTO_FREE char *text = bare(question->text);
    const delta_slot asked[] = {{"question", text}};
    DELTA_AUTO_FREE char *shape_text = delta_render(delta_databricks_sql_shape, asked, DELTA_COUNT(asked));
    statement.text = shape_text;
    int r = bricks_run(b, &statement, &shape, NULL, err);
    if (r < 0)
        return r;
    DELTA_AUTO_FREE char *columns = list_columns(rest_json_at(shape, "manifest.schema.columns"));
    const delta_slot slots[] = {{"question", text}, {"columns", columns}};
    DELTA_AUTO_FREE char *exact = columns ? delta_render(delta_databricks_sql_exact, slots, DELTA_COUNT(slots)) : NULL;
    statement.text = exact ? exact : question->text;
    r = bricks_run(b, &statement, &ret_answer->rows, NULL, err);
    if (r >= 0 && exact) {
        ret_answer->shape = shape;
        shape = NULL;
    }
    return r;
}

int bricks_ask(bricks *b, const bricks_statement *question, bricks_answer *ret_answer, lb_error *err)
{
    *ret_answer = (bricks_answer){.rows = NULL};
    if (b->times == BRICKS_TIMES_CUT)
        return ask_exactly(b, question, ret_answer, err);
    int r = bricks_run(b, question, &ret_answer->rows, NULL, err);
    if (r < 0 || b->times == BRICKS_TIMES_WHOLE)
        return r;
    telling told = look_at(ret_answer->rows);
    if (told == FINE)
        b->times = BRICKS_TIMES_WHOLE;
    if (told != COARSE)
        return r;
    r = learn(b, question->deadline, err);
    if (r < 0 || b->times != BRICKS_TIMES_CUT)
        return r;
    bricks_answer_done(ret_answer);
    return ask_exactly(b, question, ret_answer, err);
}

void bricks_answer_done(bricks_answer *answer)
{
    (void)json_object_put(answer->rows); /* says whether it was the last; so does the next */
    (void)json_object_put(answer->shape);
    *answer = (bricks_answer){.rows = NULL};
}
