#include "cron.h"

#include "clock.h"

#include <ctype.h>
#include <strings.h>
#include <time.h>

#define MINUTE     (60 * CLOCK_SECOND)
#define ALL_HOURS  ((UINT32_C(1) << 24) - 1)
#define EVERY_ALL  ((UINT64_C(1) << 60) - 1)
#define MOST_EVERY 86400 /* seconds */
#define HORIZON    30    /* years: a date that comes at all comes within them, but for a few around 2100 */

typedef enum cron_field { FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_WEEKDAY, FIELD_COUNT } cron_field;

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static const struct {
    const char *name;
    unsigned low, high;
    const char *const *names; /* of the values from low on */
    size_t name_count;
} fields[FIELD_COUNT] = {
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day of month", 1, 31, NULL, 0},
    {"month", 1, 12, months, LB_COUNT(months)},
    {"day of week", 0, 7, weekdays, LB_COUNT(weekdays)}, /* 7 is Sunday as well */
};

static const struct {
    const char *name, *text;
} shorthands[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

/* One item of a field's list, such as "mon-fri" or "*" with a step. */
typedef struct item {
    cron_field field;
    const char *text;
    int length; /* for "%.*s" */
} item;

static int refuse(const item *it, const char *hint, const char *why, lb_error *err)
{
    return lb_fail(err, LB_ERR_INVALID, hint, "%s \"%.*s\": %s", fields[it->field].name, it->length, it->text, why);
}

static int refuse_range(const item *it, lb_error *err)
{
    char why[64];
    (void)snprintf(why, sizeof why, "not a value from %u to %u", fields[it->field].low,
                   fields[it->field].high); /* fits */
    return refuse(it, fields[it->field].names ? "numbers, or names of three letters such as jan or mon" : NULL, why,
                  err);
}

/* A number or a name at *p. */
static int take_value(const item *it, const char **p, unsigned *ret_value, lb_error *err)
{
    const char *end = it->text + it->length;
    unsigned value = 0;
    if (*p < end && isdigit((unsigned char)**p)) {
        for (; *p < end && isdigit((unsigned char)**p); (*p)++)
            value = value > 1000 ? value : value * 10 + (unsigned)(**p - '0');
        if (value < fields[it->field].low || value > fields[it->field].high)
            return refuse_range(it, err);
        *ret_value = value;
        return 0;
    }
    for (size_t i = 0; i < fields[it->field].name_count; i++) {
        if (end - *p < 3 || strncasecmp(*p, fields[it->field].names[i], 3) != 0)
            continue;
        *p += 3;
        *ret_value = fields[it->field].low + (unsigned)i;
        return 0;
    }
    return refuse_range(it, err);
}

static int take_step(const item *it, const char **p, unsigned span, unsigned *ret_step, lb_error *err)
{
    const char *end = it->text + it->length, *digits = *p;
    unsigned step = 0;
    for (; *p < end && isdigit((unsigned char)**p); (*p)++)
        step = step > 1000 ? step : step * 10 + (unsigned)(**p - '0');
    if (*p == digits || step == 0)
        return refuse(it, "write a number from 1 on after the slash", "bad step", err);
    if (step > span)
        return refuse(it, "leave the step out and write the one value that is meant",
                      "the step is wider than its range", err);
    *ret_step = step;
    return 0;
}

/* "*", "5", "mon" or "1-5" at *p. */
static int take_range(const item *it, const char **p, unsigned *ret_low, unsigned *ret_high, lb_error *err)
{
    const char *end = it->text + it->length;
    if (*p < end && **p == '*') {
        *ret_low = fields[it->field].low;
        *ret_high = it->field == FIELD_WEEKDAY ? 6 : fields[it->field].high;
        (*p)++;
        return 0;
    }
    unsigned low = 0, high = 0;
    int r = take_value(it, p, &low, err);
    if (r < 0)
        return r;
    high = low;
    if (*p < end && **p == '-') {
        (*p)++;
        const char *second = *p;
        r = take_value(it, p, &high, err);
        if (r < 0)
            return r;
        if (it->field == FIELD_WEEKDAY && high == 0 && isalpha((unsigned char)*second))
            high = 7; /* fri-sun */
        if (high < low)
            return refuse(it, "write two ranges with a comma between them, such as 22-23,0-5",
                          "the range runs backwards", err);
    } else if (*p < end && **p == '/') {
        return refuse(it, "write the range that the step counts in, such as 5-59/10 or */10", "a step needs a range",
                      err);
    }
    *ret_low = low;
    *ret_high = high;
    return 0;
}

static int parse_item(const item *it, uint64_t *bits, lb_error *err)
{
    const char *p = it->text, *end = it->text + it->length;
    unsigned low = 0, high = 0, step = 1;
    if (p == end)
        return refuse(it, "take the surplus comma out", "an empty item in a list", err);
    int r = take_range(it, &p, &low, &high, err);
    if (r < 0)
        return r;
    if (p < end && *p == '/') {
        p++;
        r = take_step(it, &p, high - low, &step, err);
        if (r < 0)
            return r;
    }
    if (p != end)
        return refuse(it, "numbers, names, ranges (1-5), steps (*/10) and lists (1,15) are understood",
                      "not understood", err);
    for (unsigned value = low; value <= high; value += step)
        *bits |= UINT64_C(1) << (it->field == FIELD_WEEKDAY && value == 7 ? 0 : value);
    return 0;
}

static int parse_field(cron_field field, const char *text, size_t length, uint64_t *ret_bits, lb_error *err)
{
    uint64_t bits = 0;
    const char *start = text, *end = text + length;
    for (;;) {
        const char *comma = memchr(start, ',', (size_t)(end - start)), *stop = comma ? comma : end;
        item it = {field, start, (int)(stop - start)};
        int r = parse_item(&it, &bits, err);
        if (r < 0)
            return r;
        if (!comma)
            break;
        start = comma + 1;
    }
    *ret_bits = bits;
    return 0;
}

static int expand_shorthand(const char *text, const char **ret_text, lb_error *err)
{
    size_t length = strcspn(text, " \t");
    bool alone = text[length + strspn(text + length, " \t")] == '\0';
    for (size_t i = 0; alone && i < LB_COUNT(shorthands); i++) {
        if (strlen(shorthands[i].name) == length && strncmp(text, shorthands[i].name, length) == 0) {
            *ret_text = shorthands[i].text;
            return 0;
        }
    }
    if (alone && length == strlen("@reboot") && strncmp(text, "@reboot", length) == 0)
        return lb_fail(err, LB_ERR_INVALID, "name a time, such as @hourly", "schedule \"@reboot\": it is no time");
    return lb_fail(err, LB_ERR_INVALID,
                   "one of @hourly @daily @midnight @weekly @monthly @yearly @annually, @every 30s, or five fields",
                   "schedule \"%.64s\": unknown shorthand", text);
}

/* What comes after "@every": a number and s, m or h. */
static int parse_every(const char *text, cron *ret_cron, lb_error *err)
{
    const char *p = text + strspn(text, " \t");
    uint32_t value = 0, unit = 0;
    for (; isdigit((unsigned char)*p); p++)
        value = value > MOST_EVERY ? value : value * 10 + (uint32_t)(*p - '0');
    unit = *p == 's' ? 1 : *p == 'm' ? 60 : *p == 'h' ? 3600 : 0;
    if (!unit || p[1 + strspn(p + 1, " \t")] != '\0')
        return lb_fail(err, LB_ERR_INVALID, "such as @every 30s, @every 10m or @every 2h",
                       "schedule \"@every%.64s\": not understood", text);
    if (!value || value > MOST_EVERY / unit)
        return lb_fail(err, LB_ERR_INVALID, "from @every 1s to @every 24h", "schedule \"@every%.64s\": out of range",
                       text);
    *ret_cron = (cron){.minutes = EVERY_ALL,
                       .hours = ALL_HOURS,
                       .days = UINT32_MAX - 1,
                       .months = (UINT32_C(1) << 13) - 2,
                       .weekdays = 127,
                       .any_day = true,
                       .any_weekday = true,
                       .every_s = value * unit};
    return 0;
}

int cron_parse(const char *text, cron *ret_cron, lb_error *err)
{
    static const char every[] = "@every";
    const char *starts[FIELD_COUNT], *p = text + strspn(text, " \t"), *whole = text;
    uint64_t bits[FIELD_COUNT];
    if (strncmp(p, every, sizeof every - 1) == 0 && strchr(" \t", p[sizeof every - 1]))
        return parse_every(p + sizeof every - 1, ret_cron, err);
    if (*p == '@') {
        int r = expand_shorthand(p, &p, err);
        if (r < 0)
            return r;
    }
    if (strlen(p) > 4096)
        return lb_fail(err, LB_ERR_INVALID, "is it a schedule?", "schedule \"%.64s...\": too long", whole);
    int count = 0;
    for (; *p; count++) {
        size_t length = strcspn(p, " \t");
        if (count < FIELD_COUNT) {
            starts[count] = p;
            int r = parse_field((cron_field)count, p, length, &bits[count], err);
            if (r < 0)
                return r;
        }
        p += length + strspn(p + length, " \t");
    }
    if (count != FIELD_COUNT)
        return lb_fail(err, LB_ERR_INVALID,
                       count == FIELD_COUNT + 1 ? "there is no field for seconds"
                                                : "minute, hour, day of month, month, day of week: \"*/5 * * * *\"",
                       "schedule \"%.64s\": %d fields, not five", whole, count);
    *ret_cron = (cron){
        .minutes = bits[FIELD_MINUTE],
        .hours = (uint32_t)bits[FIELD_HOUR],
        .days = (uint32_t)bits[FIELD_DAY],
        .months = (uint32_t)bits[FIELD_MONTH],
        .weekdays = (uint32_t)bits[FIELD_WEEKDAY],
        .any_day = *starts[FIELD_DAY] == '*',
        .any_weekday = *starts[FIELD_WEEKDAY] == '*',
    };
    return 0;
}

static bool has(uint64_t bits, int value)
{
    return bits >> value & 1;
}

static bool day_matches(const cron *c, int day, int weekday)
{
    bool by_day = has(c->days, day), by_weekday = has(c->weekdays, weekday);
    return c->any_day || c->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

bool cron_matches(const cron *c, int minute, int hour, int day, int month, int weekday)
{
    return has(c->minutes, minute) && has(c->hours, hour) && has(c->months, month) && day_matches(c, day, weekday);
}

/* The lowest value from `value` on that is in the set, or -1. */
static int next_of(uint64_t bits, int value)
{
    uint64_t rest = value > 63 ? 0 : bits >> value;
    return rest ? value + __builtin_ctzll(rest) : -1;
}

/* Moves t to the start of its next month (or day, or hour) when that field does not fit. True when all fit. */
static bool advance(const cron *c, struct tm *t)
{
    if (!has(c->months, t->tm_mon + 1)) {
        *t = (struct tm){.tm_year = t->tm_year, .tm_mon = t->tm_mon + 1, .tm_mday = 1};
        return false;
    }
    int hour = day_matches(c, t->tm_mday, t->tm_wday) ? next_of(c->hours, t->tm_hour) : -1;
    if (hour < 0) {
        *t = (struct tm){.tm_year = t->tm_year, .tm_mon = t->tm_mon, .tm_mday = t->tm_mday + 1};
        return false;
    }
    if (hour > t->tm_hour)
        t->tm_min = 0;
    t->tm_hour = hour;
    int minute = next_of(c->minutes, t->tm_min);
    t->tm_min = minute < 0 ? 0 : minute;
    t->tm_hour += minute < 0;
    return minute >= 0;
}

/* The multiple of the step at or before a time. */
static int64_t floor_to(int64_t step, int64_t at)
{
    return at - (at % step + step) % step;
}

int64_t cron_next_utc(const cron *c, int64_t after)
{
    const int64_t step = c->every_s * CLOCK_SECOND;
    if (step) {
        int64_t last = after < INT64_MIN + step ? INT64_MAX : floor_to(step, after);
        return last > INT64_MAX - step ? INT64_MAX : last + step;
    }
    int64_t minutes = after / MINUTE - (after % MINUTE < 0) + 1;
    time_t start = (time_t)(minutes * 60);
    struct tm t;
    if (!gmtime_r(&start, &t))
        return INT64_MAX;
    int last_year = t.tm_year + HORIZON;
    while (t.tm_year <= last_year) {
        bool found = advance(c, &t);
        time_t at = timegm(&t); /* also carries fields that ran over, and finds the day of the week */
        if (found)
            return at > INT64_MAX / CLOCK_SECOND ? INT64_MAX : (int64_t)at * CLOCK_SECOND;
    }
    return INT64_MAX;
}

static int64_t seconds_of(int64_t microseconds)
{
    return microseconds / CLOCK_SECOND - (microseconds % CLOCK_SECOND < 0);
}

/* Every moment whose local time fits. */
static int64_t next_moment(const cron *c, const zone *z, int64_t after)
{
    for (int64_t second = seconds_of(after), until;; second = until) {
        int64_t shift = zone_offset(z, second, &until) * CLOCK_SECOND;
        int64_t local = cron_next_utc(c, after + shift);
        if (local == INT64_MAX || until == ZONE_END || local - shift < until * CLOCK_SECOND)
            return local == INT64_MAX ? INT64_MAX : local - shift;
        after = until * CLOCK_SECOND - 1;
    }
}

/* Every local time that fits, once. */
static int64_t next_local(const cron *c, const zone *z, int64_t after)
{
    int64_t until, local = after + zone_offset(z, seconds_of(after), &until) * CLOCK_SECOND;
    for (;;) {
        local = cron_next_utc(c, local);
        if (local == INT64_MAX)
            return INT64_MAX;
        int64_t at = zone_from_local(z, local / CLOCK_SECOND) * CLOCK_SECOND;
        if (at > after) /* not in the second of two hours whose times have come already */
            return at;
    }
}

int64_t cron_next(const cron *c, const zone *z, int64_t after)
{
    static const int64_t most = INT64_MAX / 2; /* far from where sums run over */
    if (after > most || after < -most)
        return INT64_MAX;
    if (!z || c->every_s)
        return cron_next_utc(c, after);
    return c->hours == ALL_HOURS ? next_moment(c, z, after) : next_local(c, z, after);
}

int64_t cron_previous(const cron *c, const zone *z, int64_t before)
{
    const int64_t horizon = HORIZON * INT64_C(366) * 86400 * CLOCK_SECOND;
    if (c->every_s)
        return floor_to(c->every_s * CLOCK_SECOND, before - 1);
    int64_t reach = 2 * MINUTE, found;
    while ((found = cron_next(c, z, before - reach)) >= before) {
        if (reach > horizon)
            return INT64_MIN;
        reach *= 2;
    }
    /* It is that one or later: halve what is left, as long as something lies in the later half. */
    for (int64_t low = found, high = before;;) {
        int64_t next = cron_next(c, z, low);
        if (next >= before)
            return low;
        low = next;
        for (int64_t middle; high - low > 2 * MINUTE; high = middle) {
            middle = low + (high - low) / 2;
            int64_t later = cron_next(c, z, middle);
            if (later < before) {
                low = later;
                break;
            }
        }
    }
}

int64_t cron_period_s(const cron *c)
{
    if (c->every_s)
        return c->every_s;
    /* Each minute and hour of the pattern is seen within a few days of it; years are walked through for the days. */
    static const int64_t some_day = INT64_C(1767225600000000); /* 2026-01-01; the year does not matter */
    const int64_t last_day = some_day + INT64_C(10) * 366 * 86400 * CLOCK_SECOND;
    int64_t shortest = INT64_C(30) * 366 * 86400 * CLOCK_SECOND, last = cron_next_utc(c, some_day - 1);
    for (int i = 0; i < 3000 && last < last_day && shortest > MINUTE; i++) {
        int64_t next = cron_next_utc(c, last);
        if (next == INT64_MAX)
            break;
        if (next - last < shortest)
            shortest = next - last;
        last = next;
    }
    return shortest / CLOCK_SECOND;
}
