/* Tables and big numbers. */
#include "cmd_dashboard.h"

#define ROWS_SPARED 2

size_t dash_rows(const cli_answer *answer)
{
    return answer->columns ? answer->count / answer->columns : 0;
}

const char *dash_cell(const dash_query *q, const cli_answer *answer, size_t r, uint32_t i)
{
    for (uint32_t k = 0; k < answer->columns; k++)
        if (strcmp(answer->names[k], q->columns[i].name) == 0)
            return answer->cells[r * answer->columns + k];
    return NULL;
}

int dash_of_role(const dash_query *q, dash_role role)
{
    for (uint32_t i = 0; i < q->column_count; i++)
        if (q->columns[i].role == role)
            return (int)i;
    return -1;
}

static bool is_hidden(const dash_column *c)
{
    return strcmp(c->unit, "hidden") == 0;
}

/* Some figures are of a kind that their own row names. */
static const char *unit_of(const dash_query *q, const cli_answer *answer, size_t r, uint32_t i)
{
    static const char by[] = "by:";
    const char *unit = q->columns[i].unit;
    if (strncmp(unit, by, sizeof by - 1) != 0)
        return unit;
    for (uint32_t k = 0; k < q->column_count; k++)
        if (strcmp(q->columns[k].name, unit + sizeof by - 1) == 0) {
            const char *own = dash_cell(q, answer, r, k);
            return own && dash_is_figure(own) ? own : "number";
        }
    return "number";
}

/* Which columns are shown: not those that are there for others, and none that says nothing in any row. */
static void choose_columns(const dash_query *q, const cli_answer *answer, bool *shown)
{
    for (uint32_t i = 0; i < q->column_count; i++) {
        shown[i] = i == 0;
        for (size_t r = 0; r < dash_rows(answer) && !shown[i]; r++) {
            const char *cell = dash_cell(q, answer, r, i);
            shown[i] = cell && *cell && !is_hidden(&q->columns[i]);
        }
    }
}

static void put_row(buf *out, const dash_query *q, const cli_answer *answer, const bool *shown, size_t r)
{
    buf_puts(out, "<tr>");
    for (uint32_t i = 0; i < q->column_count; i++) {
        const dash_column *c = &q->columns[i];
        if (!shown[i])
            continue;
        const char *tag = i == 0 ? "th scope=\"row\"" : "td";
        buf_printf(out, "<%s class=\"%s\" data-name=\"", tag, dash_is_figure(c->unit) ? "num" : c->unit);
        dash_text(out, c->title);
        buf_puts(out, "\">");
        dash_value(out, unit_of(q, answer, r, i), dash_cell(q, answer, r, i));
        buf_puts(out, i == 0 ? "</th>" : "</td>");
    }
    buf_puts(out, "</tr>\n");
}

static void put_rows(buf *out, const dash_query *q, const cli_answer *answer, const bool *shown, size_t from, size_t to)
{
    buf_puts(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    dash_text(out, q->title);
    buf_puts(out, "\"><table><thead><tr>");
    for (uint32_t i = 0; i < q->column_count; i++) {
        if (!shown[i])
            continue;
        buf_printf(out, "<th scope=\"col\" class=\"%s\">", dash_is_figure(q->columns[i].unit) ? "num" : "");
        dash_text(out, q->columns[i].title);
        buf_puts(out, "</th>");
    }
    buf_puts(out, "</tr></thead><tbody>\n");
    for (size_t r = from; r < to; r++)
        put_row(out, q, answer, shown, r);
    buf_puts(out, "</tbody></table></div>\n");
}

void dash_table(buf *out, const dash_query *q, const cli_answer *answer, size_t open_rows, size_t most_rows)
{
    bool shown[DASH_COLUMNS] = {false};
    size_t rows = dash_rows(answer), last = rows < most_rows ? rows : most_rows;
    size_t first = last > open_rows + ROWS_SPARED ? open_rows : last; /* two rows more are not worth a click */
    choose_columns(q, answer, shown);
    put_rows(out, q, answer, shown, 0, first);
    if (first < last) {
        buf_printf(out, "<details><summary>%zu more</summary>\n", last - first);
        put_rows(out, q, answer, shown, first, last);
        buf_puts(out, "</details>\n");
    }
    if (last < rows || answer->cut)
        buf_printf(out, "<p class=\"note\">The first %zu%s.</p>\n", last, answer->cut ? "; there are more" : "");
}

void dash_numbers(buf *out, const dash_query *q, const cli_answer *answer)
{
    buf_puts(out, "<dl class=\"numbers\">\n");
    for (uint32_t i = 0; i < q->column_count; i++) {
        const dash_column *c = &q->columns[i];
        if (c->role == DASH_CELL)
            continue;
        const char *cell = dash_cell(q, answer, 0, i);
        bool is_none = !cell || strtod(cell, NULL) == 0;
        const char *tone = is_none ? "" : c->role == DASH_BAD ? "bad" : c->role == DASH_WARN ? "warn" : "";
        buf_printf(out, "<div class=\"%s\"><dt>", tone);
        dash_text(out, c->title);
        buf_puts(out, "</dt><dd>");
        dash_value(out, c->unit, cell);
        buf_puts(out, "</dd></div>\n");
    }
    buf_puts(out, "</dl>\n");
}
