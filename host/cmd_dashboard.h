/* cmd_dashboard.h: the dashboards: questions to the history (dashboards/), drawn as a page or written down as a
 * dashboard of a workspace. Whatever comes from a database is escaped where it is put, by dash_text. */
#ifndef LBOPS_HOST_CMD_DASHBOARD_H
#define LBOPS_HOST_CMD_DASHBOARD_H

#include "buf.h"
#include "cli_history.h"

#define DASH_COLUMNS   16
#define DASH_PAGE_MOST ((size_t)64 << 20)

typedef enum dash_chart { DASH_NUMBERS, DASH_LINE, DASH_BARS, DASH_RANKS, DASH_TABLE } dash_chart;

typedef enum dash_role {
    DASH_CELL,   /* only in the table */
    DASH_X,      /* of a chart: a time or a date */
    DASH_SERIES, /* of a chart: one line, or one part of a bar, for each value */
    DASH_LABEL,  /* of a rank */
    DASH_Y,      /* what is drawn */
    DASH_VALUE,  /* a number */
    DASH_WARN,   /* a number that had better be none */
    DASH_BAD     /* the same, and it is worse */
} dash_role;

typedef struct dash_column {
    const char *name, *unit, *title;
    dash_role role;
} dash_column;

/* A file of dashboards/. */
typedef struct dash_query {
    const char *name;      /* "health.current" */
    const char *set_title; /* where a set begins; else NULL */
    const char *title, *note, *empty, *sql;
    dash_chart chart;
    int window_days; /* 0: its span is its own */
    dash_column columns[DASH_COLUMNS];
    uint32_t column_count;
} dash_query;

typedef struct dash_book {
    char *text; /* what the strings lie in */
    dash_query *queries;
    size_t count, capacity;
} dash_book;

/* ---- cmd_dashboard_query.c ---- */
void dash_read(dash_book *ret_book); /* the queries that come with the program */
void dash_done(dash_book *b);
char *dash_sql(const dash_query *q, int days); /* days 0: the query's own window. The caller frees it. */
int dash_days(const dash_query *q, int days);

/* ---- cmd_dashboard_format.c ---- */
void dash_text(buf *out, const char *text);                    /* escaped for HTML, in a text or a quoted attribute */
void dash_value(buf *out, const char *unit, const char *cell); /* as people read it; escaped */
void dash_figure(buf *out, const char *unit, double figure);
bool dash_moment(const char *cell, int64_t *ret_moment); /* of a time or a date */
const char *dash_tone(const char *word);                 /* "bad", "warn", "good" or "" for a status, level or risk */
bool dash_is_figure(const char *unit);

/* ---- cmd_dashboard_page.c ---- */
typedef struct dash_section {
    const char *id, *title;
} dash_section;

/* Where a page begins: its head, and what stands above its sections. verdict is HTML, tone one of dash_tone's. */
void dash_page_begin(buf *out, const char *title, const char *place, const char *as_of, const char *tone,
                     const char *verdict);
void dash_page_links(buf *out, const dash_section *sections, size_t count);
void dash_page_end(buf *out, const char *foot);
int dash_page_write(const char *path, const buf *page, lb_error *err);

/* ---- cmd_dashboard_card.c, _chart.c, _table.c ---- */
/* is_wide: a drawing that has no other beside it. */
void dash_card(buf *out, const dash_query *q, int days, bool is_wide, const cli_answer *answer);
void dash_line(buf *out, const dash_query *q, const cli_answer *answer);
void dash_bars(buf *out, const dash_query *q, const cli_answer *answer);
void dash_ranks(buf *out, const dash_query *q, const cli_answer *answer);
void dash_numbers(buf *out, const dash_query *q, const cli_answer *answer);
/* open_rows at once, those up to most_rows when one asks for them. */
void dash_table(buf *out, const dash_query *q, const cli_answer *answer, size_t open_rows, size_t most_rows);
size_t dash_rows(const cli_answer *answer);
/* A cell of row r under the query's column number i; NULL: null, or the answer lacks that column. */
const char *dash_cell(const dash_query *q, const cli_answer *answer, size_t r, uint32_t i);
/* The first column of that role; -1: none. */
int dash_of_role(const dash_query *q, dash_role role);

/* ---- cmd_dashboard_lakeview.c ---- */
void dash_lakeview(buf *out, const dash_book *b, int days);

#endif
