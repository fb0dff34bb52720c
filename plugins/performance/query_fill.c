/* Values for $1 ...: given ones first, then what the planner's statistics and rows of the tables have. */
#include "query_fill.h"

#include "query_plan.h"
#include "query_values.h"
#include "replay_values.h"

#include <sql/query/column_values.h>
#include <stdlib.h>

_Static_assert(QUERY_VALUES == REPLAY_HOLES, "one value for each hole");

typedef struct filling {
    lb_ctx *ctx;
    const char *text;
    replay_text read;
    const char *values[REPLAY_HOLES];  /* NULL: still open */
    const char *sources[REPLAY_HOLES]; /* of them */
    const char *columns[REPLAY_HOLES];
} filling;

static long number_of(const filling *f, size_t hole)
{
    return strtol(f->text + f->read.holes[hole].offset + 1, NULL, 10);
}

/* The same value wherever the parameter stands. */
static void put(filling *f, long number, const char *value, const char *source, const char *column)
{
    for (size_t i = 0; value && i < f->read.hole_count; i++) {
        if (f->values[i] || number_of(f, i) != number)
            continue;
        f->values[i] = value;
        f->sources[i] = source;
        f->columns[i] = column;
    }
}

static int put_given(filling *f, const lb_texts *given, lb_error *err)
{
    size_t most = 0;
    for (size_t i = 0; i < f->read.hole_count; i++)
        most = (size_t)number_of(f, i) > most ? (size_t)number_of(f, i) : most;
    if (given->count > most)
        return lb_fail(err, LB_ERR_INVALID, "give one for each of its $1 ..., in their order",
                       "there are %zu values for a statement with %zu parameters", given->count, most);
    for (size_t i = 0; i < given->count; i++)
        put(f, (long)i + 1, given->items[i], "given", NULL);
    return 0;
}

static int read_statistics(filling *f, size_t hole, const replay_table *table, lb_error *err)
{
    const char *column = f->read.holes[hole].column;
    const query_column_values_args args = {.schema = table->schema, .relation = table->name, .column_name = column};
    query_column_values_row row;
    lb_rows *rows = NULL;
    const char *name = query_name(f->ctx, table->schema, table->name);
    const char *full = name ? lb_printf(f->ctx, "%s.%s", name, column) : NULL;
    if (!full)
        return lb_out_of_memory(err);
    int r = query_column_values(f->ctx, &args, &rows, err);
    if (r == LB_ERR_SQL)
        return 0; /* of a type whose lists read otherwise: its rows are asked next */
    if (r < 0 || !query_column_values_next(f->ctx, rows, &row))
        return r;
    put(f, number_of(f, hole), row.most_common, "most_common_value", full);
    put(f, number_of(f, hole), row.middle_bound, "histogram_bound", full);
    return 0;
}

static int put_statistics(filling *f, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < f->read.hole_count; i++) {
        const replay_hole *hole = &f->read.holes[i];
        const replay_table *table = hole->column ? replay_table_of(&f->read, hole) : NULL;
        if (!f->values[i] && table && hole->fit == REPLAY_COLUMN)
            r = read_statistics(f, i, table, err);
    }
    return r;
}

/* What statistics do not know: tables that were never analyzed, and arrays. */
static int put_rows(filling *f, lb_error *err)
{
    const char *found[REPLAY_HOLES] = {NULL};
    bool is_open = false;
    for (size_t i = 0; i < f->read.hole_count; i++)
        is_open = is_open || !f->values[i];
    replay_rows *rows = is_open ? replay_rows_new(f->ctx) : NULL;
    if (is_open && !rows)
        return lb_out_of_memory(err);
    int r = is_open ? replay_values_of(rows, &f->read, 0, found, err) : 0;
    for (size_t i = 0; r >= 0 && i < f->read.hole_count; i++)
        put(f, number_of(f, i), found[i], f->read.holes[i].fit == REPLAY_COUNT ? "guess" : "row",
            f->read.holes[i].column);
    return r;
}

static void tell(const filling *f, query_filled *filled)
{
    filled->count = 0;
    filled->is_made_up = false;
    for (size_t i = 0; i < f->read.hole_count; i++) {
        bool again = false;
        for (size_t k = 0; k < filled->count; k++)
            again = again || filled->values[k].number == number_of(f, i);
        if (again)
            continue;
        const char *source = f->sources[i] ? f->sources[i] : "guess";
        filled->values[filled->count++] =
            (query_value){.number = number_of(f, i), .source = source, .column = f->columns[i]};
        filled->is_made_up = filled->is_made_up || strcmp(source, "given") != 0;
    }
}

/* Where nothing is known, each of the values that fit many types, until the server takes one. */
static int try_values(filling *f, query_filled *filled, lb_error *err)
{
    const char *values[REPLAY_HOLES];
    bool is_open = false;
    int r = 0;
    for (size_t i = 0; i < f->read.hole_count; i++)
        is_open = is_open || !f->values[i];
    for (size_t g = 0; r == 0 && (is_open ? replay_guess(g) != NULL : g == 0); g++) {
        for (size_t i = 0; i < f->read.hole_count; i++)
            values[i] = f->values[i] ? f->values[i] : replay_guess(g);
        filled->text = replay_fill(f->ctx, f->text, &f->read, values);
        r = filled->text ? query_try_plan(f->ctx, filled->text, err) : lb_out_of_memory(err);
    }
    return r > 0 ? 0 : r < 0 ? r : err->code;
}

int query_fill(lb_ctx *ctx, const char *text, const lb_texts *given, query_filled *ret_filled, lb_error *err)
{
    filling *f = lb_alloc(ctx, sizeof *f);
    if (!f)
        return lb_out_of_memory(err);
    *f = (filling){.ctx = ctx, .text = query_bare_text(ctx, text)};
    *ret_filled = (query_filled){.text = f->text};
    if (!f->text)
        return lb_out_of_memory(err);
    if (!query_has_parameter(f->text) && !given->count)
        return 0;
    int r = replay_read(ctx, f->text, &f->read, err);
    if (r >= 0)
        r = put_given(f, given, err);
    if (r >= 0)
        r = put_statistics(f, err);
    if (r >= 0)
        r = put_rows(f, err);
    if (r >= 0)
        r = try_values(f, ret_filled, err);
    if (r >= 0)
        tell(f, ret_filled);
    return r;
}
