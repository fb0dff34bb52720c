/* One query's place on the page: its title, its drawing, and the same as a table. */
#include "cmd_dashboard.h"

#define TABLE_ROWS    200
#define OPEN_ROWS     8  /* what one sees at once */
#define FALLBACK_ROWS 60 /* of a chart's points, for who cannot or would rather not look at it */

static void put_span(buf *out, int days)
{
    if (days == 1)
        buf_puts(out, "24 hours");
    else if (days > 1)
        buf_printf(out, "%d days", days);
}

static void put_head(buf *out, const dash_query *q, int days)
{
    buf_puts(out, "<header><h3>");
    dash_text(out, q->title);
    buf_puts(out, "</h3><span class=\"span\">");
    put_span(out, dash_days(q, days));
    buf_puts(out, "</span></header>\n");
    if (q->note) {
        buf_puts(out, "<p class=\"note\">");
        dash_text(out, q->note);
        buf_puts(out, "</p>\n");
    }
}

/* `words` in backquotes are what one types. */
static void put_sentence(buf *out, const char *text)
{
    bool is_code = false;
    for (const char *p = text; *p; p++) {
        char letter[2] = {*p, '\0'};
        if (*p == '`') {
            buf_puts(out, is_code ? "</code>" : "<code>");
            is_code = !is_code;
        } else {
            dash_text(out, letter);
        }
    }
}

static void put_body(buf *out, const dash_query *q, const cli_answer *answer)
{
    switch (q->chart) {
    case DASH_LINE:
        dash_line(out, q, answer);
        break;
    case DASH_BARS:
        dash_bars(out, q, answer);
        break;
    case DASH_RANKS:
        dash_ranks(out, q, answer);
        break;
    default:
        dash_table(out, q, answer, OPEN_ROWS, TABLE_ROWS);
        return;
    }
    buf_puts(out, "<details><summary>As a table</summary>\n");
    dash_table(out, q, answer, FALLBACK_ROWS, FALLBACK_ROWS);
    buf_puts(out, "</details>\n");
}

void dash_card(buf *out, const dash_query *q, int days, bool is_wide, const cli_answer *answer)
{
    if (q->chart == DASH_NUMBERS) {
        dash_numbers(out, q, answer);
        return;
    }
    bool is_empty = dash_rows(answer) == 0;
    buf_printf(out, "<article class=\"card %s%s\" id=\"%s\">\n", is_wide || q->chart == DASH_TABLE ? "wide" : "half",
               is_empty ? " empty" : "", q->name);
    put_head(out, q, days);
    if (is_empty) {
        buf_puts(out, "<p class=\"nothing\">");
        put_sentence(out, q->empty ? q->empty : "Nothing yet.");
        buf_puts(out, "</p>\n");
    } else {
        put_body(out, q, answer);
    }
    buf_puts(out, "</article>\n");
}
