/* Rows before a migration and after it was taken back: by number, by filled columns, and by a sum over their content.
 * Fewer of the first two are lost; another sum alone says that something was changed and not changed back. */
#include "parsed.h"
#include "rehearsal.h"

#include <sql/rehearsal/rows.h>
#include <sql/rehearsal/tables.h>

#define SAID_MOST 20

static int read_table(rehearsal *s, const rehearsal_tables_row *t, rehearsal_table *into, lb_error *err)
{
    rehearsal_rows_row row;
    lb_rows *rows = NULL;
    int r = rehearsal_rows(s->ctx, &(rehearsal_rows_args){.schema = t->schema, .table = t->name}, &rows, err);
    if (r < 0 || !rehearsal_rows_next(s->ctx, rows, &row))
        return r < 0 ? r : lb_fail(err, LB_ERR_INTERNAL, NULL, "a count with no row");
    *into = (rehearsal_table){.name = lb_printf(s->ctx, "%s.%s", t->schema, t->name),
                              .rows = row.rows,
                              .filled = row.filled,
                              .sum = row.sum,
                              .columns = row.columns};
    return into->name ? 0 : lb_out_of_memory(err);
}

/* A table that cannot be read, or that went meanwhile, is one that is not compared. */
static bool may_be_left_out(rehearsal *s, int r)
{
    return r != LB_ERR_UNREACHABLE && r != LB_ERR_NO_MEMORY && !lb_cancelled(s->ctx);
}

int rehearsal_read_rows(rehearsal *s, rehearsal_content *ret_content, lb_error *err)
{
    rehearsal_tables_row t;
    lb_rows *tables = NULL;
    int64_t room = s->args->rows_mb * 1024 * 1024;
    rehearsal_content found = {0};
    int r = rehearsal_tables(s->ctx, &tables, err);
    if (r < 0)
        return r;
    found.items = lb_alloc(s->ctx, (size_t)(lb_row_count(s->ctx, tables) + 1) * sizeof *found.items);
    if (!found.items)
        return lb_out_of_memory(err);
    while (rehearsal_tables_next(s->ctx, tables, &t)) {
        room -= t.bytes;
        r = room < 0 ? LB_ERR_LIMIT : read_table(s, &t, &found.items[found.count], err);
        if (r < 0 && !may_be_left_out(s, r))
            return r;
        found.count += r >= 0;
        found.left_out += r < 0;
    }
    *ret_content = found;
    return 0;
}

int rehearsal_leave_rows(rehearsal *s, const char *why, lb_error *err)
{
    lb_rows *tables = NULL;
    int r = rehearsal_tables(s->ctx, &tables, err);
    if (r < 0)
        return r;
    s->rows_unproven = true;
    s->rows_left_out = (size_t)lb_row_count(s->ctx, tables);
    s->rows_say = lb_printf(s->ctx, "rows are not proven: %s", why);
    return s->rows_say ? 0 : lb_out_of_memory(err);
}

static const rehearsal_table *find(const rehearsal_content *content, const char *name)
{
    for (size_t i = 0; i < content->count; i++)
        if (strcmp(content->items[i].name, name) == 0)
            return &content->items[i];
    return NULL;
}

const char *rehearsal_first_other(const rehearsal_content *before, const rehearsal_content *after)
{
    for (size_t i = 0; i < before->count; i++) {
        const rehearsal_table *a = &before->items[i], *b = find(after, a->name);
        if (!b || a->rows != b->rows || strcmp(a->sum, b->sum) != 0)
            return a->name;
    }
    return NULL;
}

static int64_t filled_in(parsed *columns, const char *name)
{
    return parsed_number(parsed_member(columns, name), "filled");
}

static const char *sum_in(parsed *columns, const char *name)
{
    return parsed_text(parsed_member(columns, name), "sum");
}

static int tell_column(rehearsal *s, const rehearsal_table *a, const char *column, int64_t before, int64_t after,
                       lb_error *err)
{
    bool lost = after < before;
    if (s->columns_say_count++ < SAID_MOST)
        s->rows_say =
            lb_printf(s->ctx, "%s  %s.%s: %s (%lld values before, %lld after)\n", s->rows_say ? s->rows_say : "",
                      a->name, column, lost ? "values are lost" : "other values", (long long)before, (long long)after);
    return lb_append(s->ctx, "not_back",
                     LB_ARGS(lb_text("table", a->name), lb_text("column", column), lb_bool("lost", lost),
                             lb_i64("values_before", before), lb_i64("values_after", after)),
                     err);
}

/* Which columns it is. */
static int say_columns(rehearsal *s, const rehearsal_table *a, const rehearsal_table *b, lb_error *err)
{
    struct json_object *before = branch_json_keep(s->ctx, a->columns, err);
    struct json_object *after = before ? branch_json_keep(s->ctx, b->columns, err) : NULL;
    int r = 0;
    if (!after)
        return err->code;
    json_object_object_foreach(before, name, value)
    {
        (void)value; /* looked up by name in both */
        int64_t had = filled_in(before, name), has = filled_in(after, name);
        if (r >= 0 && (had != has || strcmp(sum_in(before, name), sum_in(after, name)) != 0))
            r = tell_column(s, a, name, had, has, err);
    }
    json_object_object_foreach(after, filled, sum) /* a column that was all NULL is in one of them only */
    {
        (void)sum;
        if (r >= 0 && !json_object_object_get_ex(before, filled, NULL))
            r = tell_column(s, a, filled, 0, filled_in(after, filled), err);
    }
    return r;
}

static int say_table(rehearsal *s, const rehearsal_table *a, const rehearsal_table *b, bool lost, lb_error *err)
{
    const char *what = !lost ? "other content" : b->rows < a->rows ? "rows are lost" : "values are lost";
    if (s->rows_differ++ < SAID_MOST)
        s->rows_say = lb_printf(s->ctx, "%s%s: %s (%lld rows and %lld values before, %lld and %lld after)\n",
                                s->rows_say ? s->rows_say : "", a->name, what, (long long)a->rows, (long long)a->filled,
                                (long long)b->rows, (long long)b->filled);
    if (!s->rows_say)
        return lb_out_of_memory(err);
    if (b->rows >= a->rows)
        return say_columns(s, a, b, err);
    return lb_append(s->ctx, "not_back", /* of rows that are gone each column is */
                     LB_ARGS(lb_text("table", a->name), lb_null("column"), lb_bool("lost", true),
                             lb_i64("rows_before", a->rows), lb_i64("rows_after", b->rows)),
                     err);
}

int rehearsal_compare_rows(rehearsal *s, const rehearsal_content *before, const rehearsal_content *after, lb_error *err)
{
    size_t lost = 0;
    int r = 0;
    s->rows_left_out = before->left_out;
    for (size_t i = 0; r >= 0 && i < before->count; i++) {
        const rehearsal_table *a = &before->items[i], *b = find(after, a->name);
        if (!b) { /* too large by now, or gone, which the schema tells */
            s->rows_left_out++;
            continue;
        }
        s->rows_compared++;
        bool loses = b->rows < a->rows || b->filled < a->filled;
        lost += loses;
        if (loses || b->rows != a->rows || strcmp(a->sum, b->sum) != 0)
            r = say_table(s, a, b, loses, err);
    }
    if (r < 0 || !s->rows_differ)
        return r;
    if (s->rollback == ROLLBACK_EXACT) { /* of the schema */
        s->rollback = lost ? ROLLBACK_LOSES : ROLLBACK_CHANGES;
        s->rollback_says = s->rows_say;
    }
    if (lost || strcmp(s->args->rollback, "require") == 0)
        rehearsal_blame(s, "after the rollback %zu table(s) do not hold what they held: %s", s->rows_differ,
                        s->rows_say);
    return 0;
}
