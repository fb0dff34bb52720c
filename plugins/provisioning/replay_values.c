/* Rows of the tables that a statement names, and what they have for its holes. */
#include "replay_values.h"

#include "branch_json.h"

#include <sql/rehearsal/relation.h>
#include <sql/rehearsal/sample.h>

#include <stdio.h>
#include <stdlib.h>

#define PAGES        INT64_C(20)
#define SAMPLED_MOST 64

typedef struct sampled {
    replay_table table;
    struct json_object *arrays; /* its members are the columns that are arrays */
    struct json_object *rows[REPLAY_VARIANTS];
    size_t count;
} sampled;

struct replay_rows {
    lb_ctx *ctx;
    sampled tables[SAMPLED_MOST];
    size_t count;
};

replay_rows *replay_rows_new(lb_ctx *ctx)
{
    replay_rows *rows = lb_alloc(ctx, sizeof *rows);
    if (rows)
        *rows = (replay_rows){.ctx = ctx};
    return rows;
}

/* ---- rows ---- */

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int read_rows(replay_rows *f, sampled *into, lb_error *err)
{
    const rehearsal_relation_args wanted = {.schema = into->table.schema, .table = into->table.name, .pages = PAGES};
    rehearsal_relation_row where;
    rehearsal_sample_row row;
    lb_rows *rows = NULL;
    int r = rehearsal_relation(f->ctx, &wanted, &rows, err);
    if (r < 0 || !rehearsal_relation_next(f->ctx, rows, &where))
        return r; /* a view, or the name of a subquery */
    into->arrays = branch_json_keep(f->ctx, where.arrays, err);
    if (!into->arrays)
        return err->code;
    r = rehearsal_sample(
        f->ctx,
        &(rehearsal_sample_args){
            .schema = where.schema, .table = where.name, .percent = where.percent, .most = REPLAY_VARIANTS},
        &rows, err);
    while (r >= 0 && rehearsal_sample_next(f->ctx, rows, &row)) {
        into->rows[into->count] = branch_json_keep(f->ctx, row.doc, err);
        r = into->rows[into->count++] ? 0 : err->code;
    }
    return r;
}

/* NULL in *ret_rows: there are none to be had. */
static int rows_of(replay_rows *f, const replay_table *table, const sampled **ret_rows, lb_error *err)
{
    for (size_t i = 0; i < f->count; i++)
        if (same(f->tables[i].table.schema, table->schema) && same(f->tables[i].table.name, table->name)) {
            *ret_rows = &f->tables[i];
            return 0;
        }
    *ret_rows = NULL;
    if (f->count == SAMPLED_MOST)
        return 0;
    sampled *one = &f->tables[f->count];
    *one = (sampled){.table = *table};
    int r = read_rows(f, one, err);
    if (r < 0)
        return r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY || lb_cancelled(f->ctx) ? r : 0;
    f->count++;
    *ret_rows = one;
    return 0;
}

/* ---- values ---- */

/* Into memory, as all of what is put there. */
static void put_quoted(FILE *out, const char *value)
{
    (void)fputc('"', out);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            (void)fputc('\\', out);
        (void)fputc(*value, out);
    }
    (void)fputc('"', out);
}

static void put_elements(FILE *out, struct json_object *list)
{
    (void)fputc('{', out);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *element = json_object_array_get_idx(list, i);
        if (i)
            (void)fputc(',', out);
        if (!element)
            (void)fputs("NULL", out);
        else if (json_object_is_type(element, json_type_array))
            put_elements(out, element);
        else
            put_quoted(out, json_object_get_string(element));
    }
    (void)fputc('}', out);
}

/* {"it is \"quoted\""}: of a list all of it, of a value that one. */
static const char *as_array(lb_ctx *ctx, struct json_object *value)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    if (json_object_is_type(value, json_type_array)) {
        put_elements(out, value);
    } else {
        (void)fputc('{', out);
        put_quoted(out, json_object_get_string(value));
        (void)fputc('}', out);
    }
    bool is_whole = !ferror(out);
    is_whole = fclose(out) == 0 && is_whole;
    const char *kept = is_whole ? lb_printf(ctx, "%s", text) : NULL;
    free(text);
    return kept;
}

/* Of an array the first one; NULL: it has none. */
static struct json_object *element_of(struct json_object *value)
{
    return json_object_is_type(value, json_type_array) ? json_object_array_get_idx(value, 0) : value;
}

static bool is_array(const sampled *rows, const char *column)
{
    struct json_object *ignored = NULL;
    return json_object_object_get_ex(rows->arrays, column, &ignored);
}

/* NULL: the row does not say. Documents, and lists in them, are written in another way as values. */
static const char *value_in(lb_ctx *ctx, const sampled *rows, size_t at, const replay_hole *hole)
{
    struct json_object *found = NULL;
    if (!json_object_object_get_ex(rows->rows[at], hole->column, &found))
        return NULL;
    if (hole->fit == REPLAY_COLUMN && json_object_is_type(found, json_type_array) && is_array(rows, hole->column))
        return as_array(ctx, found);
    if (hole->fit == REPLAY_ELEMENT)
        found = element_of(found);
    if (!found || json_object_is_type(found, json_type_object) || json_object_is_type(found, json_type_array))
        return NULL;
    return hole->fit == REPLAY_ARRAY ? as_array(ctx, found) : json_object_get_string(found);
}

/* From the row of this variant on, the first one that has a value. */
static int find_value(replay_rows *f, const replay_text *t, const replay_hole *hole, size_t variant,
                      const char **ret_value, lb_error *err)
{
    const replay_table *table = hole->column ? replay_table_of(t, hole) : NULL;
    const sampled *rows = NULL;
    *ret_value = hole->fit == REPLAY_COUNT ? "10" : NULL;
    int r = table ? rows_of(f, table, &rows, err) : 0;
    for (size_t i = 0; r >= 0 && rows && !*ret_value && i < rows->count; i++)
        *ret_value = value_in(f->ctx, rows, (variant + i) % rows->count, hole);
    return r;
}

int replay_values_of(replay_rows *rows, const replay_text *text, size_t variant, const char **ret_values, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < text->hole_count; i++)
        r = find_value(rows, text, &text->holes[i], variant, &ret_values[i], err);
    return r;
}

const char *replay_guess(size_t at)
{
    static const char *const guesses[] = {"1", "2024-01-01", "{}", "00000000-0000-4000-8000-000000000001", "day"};
    return at < sizeof guesses / sizeof guesses[0] ? guesses[at] : NULL;
}
