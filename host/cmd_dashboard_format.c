/* Figures and words as people read them, escaped for HTML. */
#include "cmd_dashboard.h"

#include "clock.h"

#include <math.h>

void dash_text(buf *out, const char *text)
{
    for (const char *p = text ? text : ""; *p; p++) {
        switch (*p) {
        case '&':
            buf_puts(out, "&amp;");
            break;
        case '<':
            buf_puts(out, "&lt;");
            break;
        case '>':
            buf_puts(out, "&gt;");
            break;
        case '"':
            buf_puts(out, "&quot;");
            break;
        case '\'':
            buf_puts(out, "&#39;");
            break;
        default: /* controls that HTML has no place for are shown as a blank */
            buf_putc(out, ((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f ? ' ' : *p);
        }
    }
}

/* Digits in groups of three. */
static void put_grouped(buf *out, double figure, int decimals)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%.*f", decimals, fabs(figure));
    size_t whole = strcspn(text, ".");
    if (figure < 0 && strspn(text, "0.") != strlen(text))
        buf_puts(out, "\xe2\x88\x92"); /* a minus sign */
    for (size_t i = 0; i < whole; i++) {
        if (i && (whole - i) % 3 == 0)
            buf_putc(out, ',');
        buf_putc(out, text[i]);
    }
    buf_puts(out, text + whole);
}

/* Three digits that count, or the whole number where it has more. */
static void put_short(buf *out, double figure)
{
    double size = fabs(figure);
    int decimals = size == 0 || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4;
    char text[64];
    (void)snprintf(text, sizeof text, "%.*f", decimals, figure);
    double shown = strtod(text, NULL);
    for (; decimals > 0; decimals--) { /* 2.50 is 2.5, and 3.00 is 3 */
        char less[64];
        (void)snprintf(less, sizeof less, "%.*f", decimals - 1, figure);
        if (fabs(strtod(less, NULL) - shown) > 1e-12)
            break;
    }
    put_grouped(out, figure, decimals);
}

static void put_scaled(buf *out, double figure, const char *const *units, const double *steps, size_t count)
{
    size_t i = 0;
    while (i + 1 < count && fabs(figure) >= steps[i]) {
        figure /= steps[i];
        i++;
    }
    put_short(out, figure);
    buf_printf(out, "\xc2\xa0%s", units[i]);
}

static void put_span(buf *out, double ms)
{
    static const char *const units[] = {"ms", "s", "min", "h", "days"};
    static const double steps[] = {1000, 120, 120, 48};
    put_scaled(out, ms, units, steps, LB_COUNT(units));
}

static void put_bytes(buf *out, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    static const double steps[] = {1024, 1024, 1024, 1024};
    put_scaled(out, bytes, units, steps, LB_COUNT(units));
}

/* Large numbers that nobody reads digit by digit. */
static void put_large(buf *out, double figure)
{
    static const char *const units[] = {"million", "billion"};
    static const double steps[] = {1000};
    put_scaled(out, figure / 1e6, units, steps, LB_COUNT(units));
}

void dash_figure(buf *out, const char *unit, double figure)
{
    if (!isfinite(figure))
        buf_puts(out, "\xe2\x80\x93");
    else if (strcmp(unit, "ms") == 0)
        put_span(out, figure);
    else if (strcmp(unit, "s") == 0)
        put_span(out, figure * 1000);
    else if (strcmp(unit, "minutes") == 0)
        put_span(out, figure * 60000);
    else if (strcmp(unit, "bytes") == 0)
        put_bytes(out, figure);
    else if (strcmp(unit, "ratio") == 0) {
        put_short(out, figure * 100);
        buf_puts(out, "\xc2\xa0%");
    } else if (strcmp(unit, "times") == 0) {
        put_short(out, figure);
        buf_puts(out, "\xc3\x97");
    } else if (strcmp(unit, "money") == 0)
        put_grouped(out, figure, 2);
    else if (strcmp(unit, "xids") == 0 && figure >= 1e6)
        put_large(out, figure);
    else
        put_short(out, figure);
}

bool dash_is_figure(const char *unit)
{
    static const char *const units[] = {"count", "number", "ms",    "s",    "minutes", "bytes",
                                        "ratio", "times",  "money", "xids", "by:unit"};
    for (size_t i = 0; i < LB_COUNT(units); i++)
        if (strcmp(units[i], unit) == 0)
            return true;
    return false;
}

bool dash_moment(const char *cell, int64_t *ret_moment)
{
    char text[CLOCK_TEXT + 16];
    if (!cell || strlen(cell) < 10 || strlen(cell) > CLOCK_TEXT)
        return false;
    (void)snprintf(text, sizeof text, strlen(cell) == 10 ? "%sT00:00:00Z" : "%s", cell);
    return clock_parse(text, ret_moment) && *ret_moment > INT64_MIN + 1 && *ret_moment < INT64_MAX;
}

/* To the minute: what a page of days and hours can use. */
static void put_time(buf *out, const char *cell)
{
    char text[CLOCK_TEXT];
    int64_t moment;
    if (!dash_moment(cell, &moment)) {
        dash_text(out, cell);
        return;
    }
    clock_format(moment, text);
    buf_printf(out, "<time datetime=\"%s\">%.10s %.5s</time>", text, text, text + 11);
}

const char *dash_tone(const char *word)
{
    static const char *const bad[] = {"critical", "failed",      "crashed",    "timeout",         "mismatch",
                                      "high",     "destructive", "regression", "delivery_failed", "error"};
    static const char *const warn[] = {"warning",        "pending", "pending_approval", "medium",
                                       "drift_detected", "stale",   "disruptive",       "escalated",
                                       "renotified",     "waiting", "returned",         "unknown",
                                       "fired",          "treated", "pending_review"};
    static const char *const good[] = {"ok",      "success",  "healthy",  "normal",
                                       "applied", "executed", "approved", "resolved"};
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        if (strcmp(bad[i], word) == 0)
            return "bad";
    for (size_t i = 0; i < LB_COUNT(warn); i++)
        if (strcmp(warn[i], word) == 0)
            return "warn";
    for (size_t i = 0; i < LB_COUNT(good); i++)
        if (strcmp(good[i], word) == 0)
            return "good";
    return "";
}

static void put_status(buf *out, const char *word)
{
    buf_printf(out, "<span class=\"pill %s\">", dash_tone(word));
    for (const char *p = word; *p; p++) { /* pending_approval is for programs */
        char letter[2] = {*p == '_' ? ' ' : *p, '\0'};
        dash_text(out, letter);
    }
    buf_puts(out, "</span>");
}

void dash_value(buf *out, const char *unit, const char *cell)
{
    char *end;
    if (!cell || !*cell) {
        buf_puts(out, "<span class=\"none\">\xe2\x80\x93</span>");
        return;
    }
    double figure = strtod(cell, &end);
    if (dash_is_figure(unit) && *end == '\0')
        dash_figure(out, unit, figure);
    else if (strcmp(unit, "time") == 0)
        put_time(out, cell);
    else if (strcmp(unit, "status") == 0)
        put_status(out, cell);
    else if (strcmp(unit, "bool") == 0)
        buf_puts(out, strcmp(cell, "true") == 0 || strcmp(cell, "t") == 0 ? "yes" : "no");
    else if (strcmp(unit, "code") == 0) {
        buf_puts(out, "<code>");
        dash_text(out, cell);
        buf_puts(out, "</code>");
    } else
        dash_text(out, cell);
}
