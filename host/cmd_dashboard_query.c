/* The queries of dashboards/ as they are embedded: a header of `-- key: value` lines, then one SELECT. What is wrong
 * with one is a mistake of the program, and its tests find it. */
#include "cmd_dashboard.h"

#include <dashboard_text.h>

static const struct {
    const char *name;
    dash_chart chart;
} charts[] = {
    {"numbers", DASH_NUMBERS}, {"line", DASH_LINE}, {"bars", DASH_BARS}, {"ranks", DASH_RANKS}, {"table", DASH_TABLE}};

static const struct {
    const char *name;
    dash_role role;
} roles[] = {{"cell", DASH_CELL}, {"x", DASH_X},         {"series", DASH_SERIES}, {"label", DASH_LABEL},
             {"y", DASH_Y},       {"value", DASH_VALUE}, {"warn", DASH_WARN},     {"bad", DASH_BAD}};

/* The word that a text begins with, cut off; *text goes on behind it. */
static char *take_word(char **text)
{
    char *word = *text;
    char *end = word + strcspn(word, " ");
    *text = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static void read_column(dash_query *q, char *text)
{
    if (q->column_count == DASH_COLUMNS)
        abort();
    dash_column *c = &q->columns[q->column_count++];
    c->name = take_word(&text);
    const char *role = take_word(&text);
    c->unit = take_word(&text);
    c->title = text;
    for (size_t i = 0; i < LB_COUNT(roles); i++)
        if (strcmp(roles[i].name, role) == 0)
            c->role = roles[i].role;
}

static void read_chart(dash_query *q, const char *name)
{
    for (size_t i = 0; i < LB_COUNT(charts); i++)
        if (strcmp(charts[i].name, name) == 0)
            q->chart = charts[i].chart;
}

static void read_line(dash_query *q, char *line)
{
    char *value = strstr(line, ": ");
    if (!value)
        return;
    *value = '\0';
    value += 2;
    const char *key = line + strlen("-- ");
    if (strcmp(key, "set") == 0)
        q->set_title = value;
    else if (strcmp(key, "title") == 0)
        q->title = value;
    else if (strcmp(key, "note") == 0)
        q->note = value;
    else if (strcmp(key, "empty") == 0)
        q->empty = value;
    else if (strcmp(key, "chart") == 0)
        read_chart(q, value);
    else if (strcmp(key, "window") == 0)
        q->window_days = (int)strtol(value, NULL, 10); /* "7 days" */
    else if (strcmp(key, "column") == 0)
        read_column(q, value);
}

void dash_read(dash_book *ret_book)
{
    static const char begin[] = "-- query: ";
    dash_book *b = ret_book;
    *b = (dash_book){.text = base_strdup(dashboard_text)};
    for (char *at = b->text; at && *at;) {
        char *end = strchr(at, '\n');
        if (strncmp(at, begin, sizeof begin - 1) == 0) {
            if (at > b->text)
                at[-1] = '\0'; /* ends the statement before */
            BASE_PUSH(b->queries, b->count, b->capacity);
            b->queries[b->count++] = (dash_query){.name = at + sizeof begin - 1, .chart = DASH_TABLE};
            *end = '\0';
        } else if (strncmp(at, "-- ", 3) == 0 && !b->queries[b->count - 1].sql) {
            *end = '\0';
            read_line(&b->queries[b->count - 1], at);
        } else if (!b->queries[b->count - 1].sql) {
            b->queries[b->count - 1].sql = at;
        }
        at = end ? end + 1 : NULL;
    }
}

void dash_done(dash_book *b)
{
    free(b->queries);
    free(b->text);
    *b = (dash_book){0};
}

int dash_days(const dash_query *q, int days)
{
    return q->window_days && days ? days : q->window_days;
}

/* A window is written out in the query, so that the file runs as it is; another one takes its place, as a number. */
char *dash_sql(const dash_query *q, int days)
{
    if (dash_days(q, days) == q->window_days)
        return base_strdup(q->sql);
    BUF_AUTO out = BUF_INIT((size_t)1024 * 1024);
    LB_AUTO_FREE char *window = base_printf("INTERVAL %d DAYS", q->window_days);
    const char *at = q->sql;
    for (const char *next; (next = strstr(at, window)); at = next + strlen(window)) {
        buf_put(&out, at, (size_t)(next - at));
        buf_printf(&out, "INTERVAL %d DAYS", days);
    }
    buf_puts(&out, at);
    return base_strdup(buf_text(&out));
}
