#include "quartz.h"

#include "cron.h"

#define BITS(low, high) ((UINT64_MAX >> (63 - (high))) & ~((UINT64_C(1) << (low)) - 1))
#define ALL_DAYS        BITS(1, 31)
#define ALL_WEEKDAYS    BITS(0, 6)

/* Names, since its numbers begin elsewhere than ours. */
static const char *const weekdays[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static int next_bit(uint64_t bits, int from)
{
    uint64_t rest = from > 63 ? 0 : bits >> from;
    return rest ? from + __builtin_ctzll(rest) : -1;
}

/* The step of what goes on evenly to the field's end, at least three values of it; 0: it does not. */
static int step_of(uint64_t bits, int high)
{
    int first = next_bit(bits, 0), step = next_bit(bits, first + 1) - first, value = first;
    uint64_t even = 0;
    for (; step > 1 && value <= high; value += step)
        even |= UINT64_C(1) << value;
    return step > 1 && even == bits && first + 2 * step <= high ? step : 0;
}

static void put_value(buf *into, int value, const char *const *names)
{
    if (names)
        buf_puts(into, names[value]);
    else
        buf_printf(into, "%d", value);
}

static void put_ranges(buf *into, uint64_t bits, const char *const *names)
{
    const char *before = "";
    for (int from = next_bit(bits, 0), to; from >= 0; from = next_bit(bits, to + 1)) {
        for (to = from; to < 63 && bits >> (to + 1) & 1; to++)
            continue;
        buf_puts(into, before);
        put_value(into, from, names);
        if (to > from) {
            buf_putc(into, to > from + 1 ? '-' : ',');
            put_value(into, to, names);
        }
        before = ",";
    }
}

/* bits: which of low to high. */
static void put_field(buf *into, uint64_t bits, int low, int high, const char *const *names)
{
    int step = names ? 0 : step_of(bits, high);
    if (into->length)
        buf_putc(into, ' ');
    if (bits == BITS(low, high))
        buf_putc(into, '*');
    else if (step)
        buf_printf(into, "%d/%d", next_bit(bits, 0), step);
    else
        put_ranges(into, bits, names);
}

/* Cron takes either of two day fields that are both restricted, or both of them where one begins with a star; Quartz
 * takes one of the fields. */
static int put_days(buf *days, buf *week, const cron *c, const char *text, lb_error *err)
{
    bool every_day = c->days == ALL_DAYS, every_weekday = c->weekdays == ALL_WEEKDAYS;
    bool either = !c->any_day && !c->any_weekday;
    if (!every_day && !every_weekday)
        return lb_fail(err, LB_ERR_UNSUPPORTED,
                       either ? "make two jobs of it, one for the days of the month and one for those of the week"
                              : "leave one of the two day fields open",
                       "Quartz cannot say '%.80s': it takes days of the month or days of the week, not both", text);
    if (either) { /* one of them is every day, so every day it is */
        buf_puts(days, "*");
        buf_puts(week, "?");
    } else if (every_weekday) {
        put_field(days, c->days, 1, 31, NULL);
        buf_puts(week, "?");
    } else {
        buf_puts(days, "?");
        put_field(week, c->weekdays, 0, 6, weekdays);
    }
    return 0;
}

int quartz_from_cron(const char *cron_text, buf *into, lb_error *err)
{
    cron c;
    BUF_AUTO days = BUF_INIT(256), week = BUF_INIT(256), line = BUF_INIT(1024);
    if (cron_parse(cron_text, &c, err) < 0)
        return err->code;
    if (c.every_s)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "give five fields, such as */10 * * * *", "Quartz cannot say '%.80s'",
                       cron_text);
    if (put_days(&days, &week, &c, cron_text, err) < 0)
        return err->code;
    if (cron_next_utc(&c, 0) == INT64_MAX)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "no month of it has such a day",
                       "Quartz takes no schedule that never comes, such as '%.80s'", cron_text);
    buf_putc(&line, '0'); /* seconds */
    put_field(&line, c.minutes, 0, 59, NULL);
    put_field(&line, c.hours, 0, 23, NULL);
    buf_printf(&line, " %s", buf_text(&days));
    put_field(&line, c.months, 1, 12, NULL);
    buf_printf(&line, " %s", buf_text(&week));
    buf_puts(into, buf_text(&line));
    return 0;
}
