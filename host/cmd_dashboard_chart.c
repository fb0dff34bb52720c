/* Charts as inline SVG. The drawing is stretched to whatever room there is; words stand beside it as HTML, so that they
 * have their size on a phone too. */
#include "cmd_dashboard.h"

#include "clock.h"

#include <math.h>

#define SERIES_MOST 7 /* with a colour of their own; the others are one */
#define POINTS_MOST 20000
#define TICKS       4
#define WIDE        1000.0
#define HIGH        240.0
#define DAY         (86400 * CLOCK_SECOND)
#define DAYS_MOST   400
#define DAYS_LEAST  5
#define GAP_STEPS   3 /* a line is not drawn across more missing steps than these */

typedef struct point {
    int64_t x;
    double y;
    size_t series;
} point;

typedef struct series {
    const char *name; /* NULL: all the others */
    double sum;
    size_t count;
} series;

typedef struct chart {
    const dash_query *q;
    point *points;
    size_t count;
    series *series;
    size_t series_count, named; /* named: those with a colour */
    int64_t first, last, step;
    double low, high;
    const char *unit, *title;
} chart;

/* ---- what is drawn ---- */

static size_t find_series(chart *c, const char *name)
{
    for (size_t i = 0; i < c->series_count; i++)
        if (strcmp(c->series[i].name, name) == 0)
            return i;
    c->series[c->series_count] = (series){.name = name};
    return c->series_count++;
}

static int by_sum(const void *a, const void *b)
{
    const series *left = a, *right = b;
    return left->sum != right->sum ? (left->sum < right->sum ? 1 : -1) : strcmp(left->name, right->name);
}

static int by_name(const void *a, const void *b)
{
    const series *left = a, *right = b;
    return strcmp(left->name, right->name);
}

/* The largest keep a colour, in the order of their names, so that a colour stays with a name from day to day. */
static void rank_series(chart *c)
{
    series *ranked = base_alloc((c->series_count + 1) * sizeof *ranked);
    size_t *place = base_alloc((c->series_count + 1) * sizeof *place);
    memcpy(ranked, c->series, c->series_count * sizeof *ranked);
    qsort(ranked, c->series_count, sizeof *ranked, by_sum);
    c->named = c->series_count < SERIES_MOST ? c->series_count : SERIES_MOST;
    qsort(ranked, c->named, sizeof *ranked, by_name);
    for (size_t i = 0; i < c->series_count; i++)
        for (size_t k = 0; k < c->series_count; k++)
            if (strcmp(c->series[i].name, ranked[k].name) == 0)
                place[i] = k < c->named ? k : c->named;
    for (size_t i = 0; i < c->count; i++)
        c->points[i].series = place[c->points[i].series];
    free(c->series);
    free(place);
    c->series = ranked;
}

static void read_points(chart *c, const cli_answer *answer)
{
    int x = dash_of_role(c->q, DASH_X), y = dash_of_role(c->q, DASH_Y), name = dash_of_role(c->q, DASH_SERIES);
    size_t rows = dash_rows(answer);
    c->points = base_alloc((rows + 1) * sizeof *c->points);
    c->series = base_alloc((rows + 1) * sizeof *c->series);
    for (size_t r = 0; r < rows && r < POINTS_MOST; r++) {
        point p;
        const char *figure = dash_cell(c->q, answer, r, (uint32_t)y);
        const char *of = name >= 0 ? dash_cell(c->q, answer, r, (uint32_t)name) : "";
        if (!figure || !dash_moment(dash_cell(c->q, answer, r, (uint32_t)x), &p.x))
            continue;
        p.y = strtod(figure, NULL);
        if (!isfinite(p.y))
            continue;
        p.series = find_series(c, of ? of : "none");
        c->series[p.series].sum += p.y;
        c->series[p.series].count++;
        c->points[c->count++] = p;
    }
    c->unit = c->q->columns[y].unit;
    c->title = c->q->columns[y].title;
    rank_series(c);
}

static void measure(chart *c)
{
    c->first = c->last = c->count ? c->points[0].x : 0;
    c->low = c->high = c->count ? c->points[0].y : 0;
    c->step = INT64_MAX;
    for (size_t i = 0; i < c->count; i++) {
        const point *p = &c->points[i];
        c->first = p->x < c->first ? p->x : c->first;
        c->last = p->x > c->last ? p->x : c->last;
        c->low = fmin(c->low, p->y);
        c->high = fmax(c->high, p->y);
        for (size_t k = i; k-- > 0;)
            if (c->points[k].x != p->x) { /* rows come in the order of x */
                int64_t step = p->x - c->points[k].x;
                c->step = step > 0 && step < c->step ? step : c->step;
                break;
            }
    }
}

/* Round figures below and above what there is; from zero, unless all of it lies far from there. */
static void choose_axis(chart *c, bool from_zero)
{
    if (from_zero || c->low < 0 || c->low < 0.6 * c->high)
        c->low = fmin(c->low, 0);
    double span = c->high - c->low;
    if (span <= fabs(c->high) * 1e-9)
        span = c->high > 0 ? c->high : 1;
    double raw = span / TICKS, unit = pow(10, floor(log10(raw)));
    double step = raw <= unit         ? unit
                  : raw <= 2 * unit   ? 2 * unit
                  : raw <= 2.5 * unit ? 2.5 * unit
                  : raw <= 5 * unit   ? 5 * unit
                                      : 10 * unit;
    if (strcmp(c->unit, "count") == 0)
        step = fmax(2 * ceil(step / 2), 2); /* so that the middle is a whole number, too */
    bool is_share = strcmp(c->unit, "ratio") == 0 && c->high <= 1;
    c->low = floor(c->low / step + 1e-9) * step;
    c->high = fmax(ceil(c->high / step - 1e-9) * step, c->low + step);
    if (is_share && c->high > 1)
        c->high = 1;
}

static double x_of(const chart *c, int64_t x)
{
    return c->last > c->first ? WIDE * (double)(x - c->first) / (double)(c->last - c->first) : WIDE / 2;
}

static double y_of(const chart *c, double y)
{
    return HIGH - HIGH * (y - c->low) / (c->high - c->low);
}

static void chart_done(chart *c)
{
    free(c->points);
    free(c->series);
}

/* ---- the frame ---- */

static const char *name_of(const chart *c, size_t i)
{
    return i < c->named ? c->series[i].name : "others";
}

static void put_date(buf *out, int64_t moment, bool with_time)
{
    char text[CLOCK_TEXT];
    clock_format(moment, text);
    buf_printf(out, with_time ? "%.5s %.5s" : "%.5s", text + 5, text + 11);
}

static void put_axis(buf *out, const chart *c)
{
    buf_puts(out, "<div class=\"axis-y\" aria-hidden=\"true\">");
    for (int i = 0; i < 3; i++) {
        buf_puts(out, "<span>");
        dash_figure(out, c->unit, c->high - (c->high - c->low) * i / 2);
        buf_puts(out, "</span>");
    }
    buf_puts(out, "</div>");
}

static void put_ends(buf *out, const chart *c)
{
    bool with_time = c->last - c->first <= 3 * DAY && c->q->chart == DASH_LINE;
    buf_puts(out, "<div class=\"axis-x\" aria-hidden=\"true\"><span>");
    put_date(out, c->first, with_time);
    int64_t half = (c->last - c->first) / 2;
    bool is_between_bars = c->q->chart != DASH_LINE && half % DAY != 0; /* no day's bar stands in the middle */
    if ((half >= DAY && !is_between_bars) || (with_time && half > 0)) {
        buf_puts(out, "</span><span>");
        put_date(out, c->first + half, with_time);
    }
    if (c->last > c->first) {
        buf_puts(out, "</span><span>");
        put_date(out, c->last, with_time);
    }
    buf_puts(out, "</span></div>\n");
}

/* The class that colours a series: a status has the colour of what it means. */
static void put_class(buf *out, const chart *c, size_t i)
{
    int column = dash_of_role(c->q, DASH_SERIES);
    bool is_status =
        column >= 0 && strcmp(c->q->columns[column].unit, "status") == 0 && i < c->named && *dash_tone(name_of(c, i));
    if (is_status)
        buf_printf(out, "%s0", dash_tone(name_of(c, i)));
    else
        buf_printf(out, "s%zu", i);
}

/* pending_approval is for programs. */
static void put_name(buf *out, const char *name)
{
    LB_AUTO_FREE char *words = base_strdup(name);
    for (char *p = words; (p = strchr(p, '_')); p++)
        *p = ' ';
    dash_text(out, words);
}

static void put_key(buf *out, const chart *c)
{
    if (c->series_count < 2 && (c->series_count == 0 || !*c->series[0].name))
        return;
    bool is_status = strcmp(c->q->columns[dash_of_role(c->q, DASH_SERIES)].unit, "status") == 0;
    buf_puts(out, "<ul class=\"key\">");
    size_t others = c->q->chart == DASH_BARS ? 1 : 0; /* the others of a line chart are in the table only */
    for (size_t i = 0; i < c->series_count && i < c->named + others; i++) {
        buf_puts(out, "<li><i class=\"");
        put_class(out, c, i);
        buf_puts(out, "\"></i>");
        if (is_status)
            put_name(out, name_of(c, i));
        else
            dash_text(out, name_of(c, i));
        buf_puts(out, "</li>");
    }
    buf_puts(out, "</ul>\n");
}

/* What the picture says, in a sentence. */
static void put_words(buf *out, const chart *c)
{
    buf_printf(out, "<desc id=\"%s-desc\">", c->q->name);
    dash_text(out, c->title);
    buf_puts(out, " from ");
    put_date(out, c->first, false);
    buf_puts(out, " to ");
    put_date(out, c->last, false);
    if (c->series_count > 1)
        buf_printf(out, ", for each of %zu", c->series_count);
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < c->count; i++) {
        low = fmin(low, c->points[i].y);
        high = fmax(high, c->points[i].y);
    }
    buf_puts(out, "; from ");
    dash_figure(out, c->unit, low);
    buf_puts(out, " to ");
    dash_figure(out, c->unit, high);
    buf_puts(out, ".</desc>\n");
}

static void begin_plot(buf *out, const chart *c)
{
    buf_puts(out, "<figure>");
    put_key(out, c);
    buf_puts(out, "<div class=\"plot\">");
    put_axis(out, c);
    buf_printf(out,
               "<svg role=\"img\" aria-labelledby=\"%s-title %s-desc\" viewBox=\"0 0 %.0f %.0f\" "
               "preserveAspectRatio=\"none\"><title id=\"%s-title\">",
               c->q->name, c->q->name, WIDE, HIGH, c->q->name);
    dash_text(out, c->q->title);
    buf_puts(out, "</title>");
    put_words(out, c);
    for (int i = 0; i < 3; i++)
        buf_printf(out, "<path class=\"grid\" d=\"M0 %.1fH%.0f\"/>", HIGH * i / 2, WIDE);
}

static void end_plot(buf *out, const chart *c)
{
    buf_puts(out, "</svg>");
    put_ends(out, c);
    buf_puts(out, "</div></figure>\n");
}

static void put_hint(buf *out, const chart *c, size_t i, int64_t x, double y)
{
    buf_puts(out, "<title>");
    put_date(out, x, c->q->chart == DASH_LINE);
    if (*name_of(c, i)) {
        buf_puts(out, ", ");
        dash_text(out, name_of(c, i));
    }
    buf_puts(out, ": ");
    dash_figure(out, c->unit, y);
    buf_puts(out, "</title>");
}

/* ---- ranks ---- */

static void put_ranks(buf *out, const dash_query *q, const cli_answer *answer, int label)
{
    int y = dash_of_role(q, DASH_Y);
    size_t rows = dash_rows(answer);
    double most = 0;
    for (size_t r = 0; r < rows; r++) {
        const char *cell = dash_cell(q, answer, r, (uint32_t)y);
        most = fmax(most, cell ? strtod(cell, NULL) : 0);
    }
    if (strcmp(q->columns[y].unit, "ratio") == 0)
        most = fmax(most, 1); /* a half is half of the whole, and not as much as the others have */
    buf_puts(out, "<ol class=\"ranks\">\n");
    for (size_t r = 0; r < rows; r++) {
        const char *cell = dash_cell(q, answer, r, (uint32_t)y);
        double share = cell && most > 0 ? fmax(strtod(cell, NULL), 0) / most : 0;
        buf_puts(out, "<li><span class=\"label\">");
        dash_text(out, dash_cell(q, answer, r, (uint32_t)label));
        buf_puts(out, "</span><span class=\"num\">");
        dash_value(out, q->columns[y].unit, cell);
        buf_printf(out,
                   "</span><svg aria-hidden=\"true\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\">"
                   "<rect class=\"track\" width=\"1000\" height=\"10\"/><rect class=\"bar s0\" width=\"%.1f\" "
                   "height=\"10\"/></svg></li>\n",
                   1000 * share);
    }
    buf_puts(out, "</ol>\n");
}

void dash_ranks(buf *out, const dash_query *q, const cli_answer *answer)
{
    put_ranks(out, q, answer, dash_of_role(q, DASH_LABEL));
}

/* ---- lines ---- */

static void put_curve(buf *out, const chart *c, size_t of)
{
    const point *before = NULL;
    buf_puts(out, "<path class=\"line ");
    put_class(out, c, of);
    buf_puts(out, "\" d=\"");
    for (size_t i = 0; i < c->count; i++) {
        const point *p = &c->points[i];
        if (p->series != of)
            continue;
        bool joins = before && p->x - before->x <= GAP_STEPS * c->step;
        buf_printf(out, "%c%.1f %.1f%s", joins ? 'L' : 'M', x_of(c, p->x), y_of(c, p->y), joins ? "" : "h0");
        before = p;
    }
    buf_puts(out, "\"/>\n");
}

/* A dot for each point, which says its figure when one points at it. */
static void put_dots(buf *out, const chart *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const point *p = &c->points[i];
        if (p->series >= c->named)
            continue;
        buf_puts(out, "<path class=\"dot ");
        put_class(out, c, p->series);
        buf_printf(out, "\" d=\"M%.1f %.1fh0\">", x_of(c, p->x), y_of(c, p->y));
        put_hint(out, c, p->series, p->x, p->y);
        buf_puts(out, "</path>");
    }
}

void dash_line(buf *out, const dash_query *q, const cli_answer *answer)
{
    chart c = {.q = q};
    read_points(&c, answer);
    measure(&c);
    if (c.first == c.last) {
        chart_done(&c);
        put_ranks(out, q, answer, dash_of_role(q, DASH_SERIES));
        buf_puts(out, "<p class=\"note\">One hour so far; more of them make a line.</p>\n");
        return;
    }
    choose_axis(&c, false);
    begin_plot(out, &c);
    for (size_t i = 0; i < c.named; i++)
        put_curve(out, &c, i);
    put_dots(out, &c);
    end_plot(out, &c);
    if (c.series_count > c.named)
        buf_printf(out, "<p class=\"note\">%zu more are in the table.</p>\n", c.series_count - c.named);
    chart_done(&c);
}

/* ---- bars ---- */

static void put_part(buf *out, const chart *c, size_t day, size_t days, size_t of, double from, double amount)
{
    double width = WIDE / (double)days, top = y_of(c, from + amount);
    buf_puts(out, "<rect class=\"bar ");
    put_class(out, c, of);
    buf_printf(out, "\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">", width * ((double)day + 0.14), top,
               width * 0.72, y_of(c, from) - top);
    put_hint(out, c, of, c->first + (int64_t)day * DAY, amount);
    buf_puts(out, "</rect>");
}

/* Every day from the first to the last has its place, also where nothing happened. sums: days by series. */
void dash_bars(buf *out, const dash_query *q, const cli_answer *answer)
{
    chart c = {.q = q};
    read_points(&c, answer);
    measure(&c);
    int64_t span = (c.last - c.first) / DAY + 1;
    if (span > DAYS_MOST) {
        c.first = c.last - (DAYS_MOST - 1) * DAY;
        span = DAYS_MOST;
    }
    if (span < DAYS_LEAST) { /* one day is no wall */
        c.first = c.last - (DAYS_LEAST - 1) * DAY;
        span = DAYS_LEAST;
    }
    size_t days = (size_t)span, parts = c.named + 1;
    double *sums = base_alloc(days * parts * sizeof *sums);
    for (size_t i = 0; i < c.count; i++)
        if (c.points[i].x >= c.first)
            sums[(size_t)((c.points[i].x - c.first) / DAY) * parts + c.points[i].series] += c.points[i].y;
    for (size_t d = 0; d < days; d++) {
        double sum = 0;
        for (size_t k = 0; k < parts; k++)
            sum += fmax(sums[d * parts + k], 0);
        c.high = fmax(c.high, sum);
    }
    choose_axis(&c, true);
    begin_plot(out, &c);
    for (size_t d = 0; d < days; d++) {
        double from = 0;
        for (size_t k = 0; k < parts; k++) {
            double amount = fmax(sums[d * parts + k], 0);
            if (amount > 0)
                put_part(out, &c, d, days, k, from, amount);
            from += amount;
        }
    }
    end_plot(out, &c);
    free(sums);
    chart_done(&c);
}
