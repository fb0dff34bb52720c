/* The same questions as a dashboard of a workspace (.lvdash.json): a dataset for each query, a page for each set, a
 * widget for each drawing. Tables are named without catalog and schema: whoever makes the dashboard says which. */
#include "cmd_dashboard.h"
#include "json.h"

#define GRID_WIDTH  12
#define TILE_WIDTH  2
#define TILE_HEIGHT 3
#define CHART_HIGH  7
#define TABLE_HIGH  8
#define NAME_MOST   60

/* A name as widgets and datasets may have it: health.current becomes health_current. */
static void plain_name(const char *name, const char *end, char text[NAME_MOST + 1])
{
    (void)snprintf(text, NAME_MOST + 1, "%s%s%s", name, end ? "_" : "", end ? end : "");
    for (char *p = text; *p; p++)
        *p = *p == '.' ? '_' : *p;
}

/* ---- datasets ---- */

static void put_dataset(buf *out, const dash_query *q, int days)
{
    char name[NAME_MOST + 1];
    LB_AUTO_FREE char *sql = dash_sql(q, days);
    plain_name(q->name, NULL, name);
    json_comma(out);
    buf_putc(out, '{');
    json_member_string(out, "name", name);
    json_member_string(out, "displayName", q->title);
    json_key(out, "queryLines");
    buf_putc(out, '[');
    for (char *line = sql; *line;) { /* lines are joined as they are, so each keeps its end */
        size_t length = strcspn(line, "\n");
        LB_AUTO_FREE char *text = base_printf("%.*s\n", (int)length, line);
        json_comma(out);
        json_string(out, text);
        line += length + (line[length] == '\n');
    }
    buf_puts(out, "]}");
}

/* ---- widgets ---- */

static void begin_widget(buf *out, const char *name)
{
    json_comma(out);
    buf_puts(out, "{\"widget\":{");
    json_member_string(out, "name", name);
}

static void end_widget(buf *out, int x, int y, int width, int height)
{
    buf_printf(out, "},\"position\":{\"x\":%d,\"y\":%d,\"width\":%d,\"height\":%d}}", x, y, width, height);
}

static void put_field(buf *out, const dash_column *c)
{
    LB_AUTO_FREE char *expression = base_printf("`%s`", c->name);
    json_comma(out);
    buf_putc(out, '{');
    json_member_string(out, "name", c->name);
    json_member_string(out, "expression", expression);
    buf_putc(out, '}');
}

/* The rows of a query as they are. only NULL: all of its columns. */
static void put_query(buf *out, const dash_query *q, const dash_column *only)
{
    char dataset[NAME_MOST + 1];
    plain_name(q->name, NULL, dataset);
    buf_puts(out, ",\"queries\":[{\"name\":\"main_query\",\"query\":{");
    json_member_string(out, "datasetName", dataset);
    json_key(out, "fields");
    buf_putc(out, '[');
    for (uint32_t i = 0; i < q->column_count; i++)
        if (!only || only == &q->columns[i])
            put_field(out, &q->columns[i]);
    buf_puts(out, "],\"disaggregated\":true}}]");
}

static void begin_spec(buf *out, int version, const char *type)
{
    buf_printf(out, ",\"spec\":{\"version\":%d,\"widgetType\":\"%s\",\"encodings\":{", version, type);
}

static void end_spec(buf *out, const char *title, const char *note)
{
    buf_puts(out, "},\"frame\":{\"showTitle\":true");
    json_member_string(out, "title", title);
    if (note) {
        json_member_bool(out, "showDescription", true);
        json_member_string(out, "description", note);
    }
    buf_puts(out, "}}");
}

static void put_encoding(buf *out, const char *role, const dash_column *c, const char *scale)
{
    json_key(out, role);
    buf_putc(out, '{');
    json_member_string(out, "fieldName", c->name);
    if (scale)
        buf_printf(out, ",\"scale\":{\"type\":\"%s\"}", scale);
    json_member_string(out, "displayName", c->title);
    buf_putc(out, '}');
}

static void put_counter(buf *out, const dash_query *q, const dash_column *c, int x, int y)
{
    char name[NAME_MOST + 1];
    plain_name(q->name, c->name, name);
    begin_widget(out, name);
    put_query(out, q, c);
    begin_spec(out, 2, "counter");
    put_encoding(out, "value", c, NULL);
    end_spec(out, c->title, NULL);
    end_widget(out, x, y, TILE_WIDTH, TILE_HEIGHT);
}

static void put_chart(buf *out, const dash_query *q, int x, int y)
{
    char name[NAME_MOST + 1];
    const dash_column *of_y = &q->columns[dash_of_role(q, DASH_Y)];
    int across = dash_of_role(q, q->chart == DASH_RANKS ? DASH_LABEL : DASH_X), series = dash_of_role(q, DASH_SERIES);
    plain_name(q->name, NULL, name);
    begin_widget(out, name);
    put_query(out, q, NULL);
    begin_spec(out, 3, q->chart == DASH_LINE ? "line" : "bar");
    if (q->chart == DASH_RANKS) {
        put_encoding(out, "x", of_y, "quantitative");
        put_encoding(out, "y", &q->columns[across], "categorical");
    } else {
        put_encoding(out, "x", &q->columns[across], "temporal");
        put_encoding(out, "y", of_y, "quantitative");
    }
    if (series >= 0)
        put_encoding(out, "color", &q->columns[series], "categorical");
    end_spec(out, q->title, q->note);
    end_widget(out, x, y, GRID_WIDTH / 2, CHART_HIGH);
}

static void put_table(buf *out, const dash_query *q, int y)
{
    char name[NAME_MOST + 1];
    plain_name(q->name, NULL, name);
    begin_widget(out, name);
    put_query(out, q, NULL);
    begin_spec(out, 2, "table");
    json_key(out, "columns");
    buf_putc(out, '[');
    for (uint32_t i = 0; i < q->column_count; i++) {
        json_comma(out);
        buf_putc(out, '{');
        json_member_string(out, "fieldName", q->columns[i].name);
        json_member_string(out, "displayName", q->columns[i].title);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    end_spec(out, q->title, q->note);
    end_widget(out, 0, y, GRID_WIDTH, TABLE_HIGH);
}

/* ---- pages ---- */

/* The numbers in a row; where the next widget goes. */
static int put_numbers(buf *out, const dash_query *q, int y)
{
    int x = 0;
    for (uint32_t i = 0; i < q->column_count; i++) {
        if (q->columns[i].role == DASH_CELL)
            continue;
        if (x == GRID_WIDTH) {
            x = 0;
            y += TILE_HEIGHT;
        }
        put_counter(out, q, &q->columns[i], x, y);
        x += TILE_WIDTH;
    }
    return y + TILE_HEIGHT;
}

/* Charts stand two beside each other, tables have a row of their own. */
static size_t put_page(buf *out, const dash_book *b, size_t first)
{
    char name[NAME_MOST + 1];
    size_t i = first;
    int y = 0;
    bool is_right = false;
    plain_name(b->queries[first].name, NULL, name);
    json_comma(out);
    buf_puts(out, "{\"pageType\":\"PAGE_TYPE_CANVAS\",\"layoutVersion\":\"GRID_V1\"");
    LB_AUTO_FREE char *page = base_printf("page_%s", name);
    json_member_string(out, "name", page);
    json_member_string(out, "displayName", b->queries[first].set_title);
    json_key(out, "layout");
    buf_putc(out, '[');
    for (; i < b->count && (i == first || !b->queries[i].set_title); i++) {
        const dash_query *q = &b->queries[i];
        bool is_half = q->chart != DASH_TABLE && q->chart != DASH_NUMBERS;
        if (is_right && !is_half)
            y += CHART_HIGH;
        if (q->chart == DASH_NUMBERS) {
            y = put_numbers(out, q, y);
        } else if (is_half) {
            put_chart(out, q, is_right ? GRID_WIDTH / 2 : 0, y);
            y += is_right ? CHART_HIGH : 0;
        } else {
            put_table(out, q, y);
            y += TABLE_HIGH;
        }
        is_right = is_half && !is_right;
    }
    buf_puts(out, "]}");
    return i;
}

void dash_lakeview(buf *out, const dash_book *b, int days)
{
    buf_puts(out, "{\"datasets\":[");
    for (size_t i = 0; i < b->count; i++)
        put_dataset(out, &b->queries[i], days);
    buf_puts(out, "],\"pages\":[");
    for (size_t i = 0; i < b->count;)
        i = put_page(out, b, i);
    buf_puts(out, "]}\n");
}
