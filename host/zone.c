#include "zone.h"

#include "fs.h"

#include <ctype.h>
#include <time.h>

#define LONGEST_FILE ((size_t)1024 * 1024)
#define LAST_YEAR    2200 /* as far as a rule without an end is written out */
#define DAY          INT64_C(86400)
#define FARTHEST     (INT64_C(1) << 40) /* seconds, either way: microseconds can still be counted with */
#define FARTHEST_OFF (25 * 3600)        /* from UTC, in a rule: POSIX has 24 hours and their minutes */

typedef struct change {
    int64_t at; /* from here on ... */
    int32_t offset;
} change;

struct zone {
    int32_t first; /* before all changes */
    change *changes;
    size_t count, capacity;
};

static void add_change(zone *z, int64_t at, int32_t offset)
{
    BASE_PUSH(z->changes, z->count, z->capacity);
    z->changes[z->count++] = (change){at, offset};
}

/* ---- the file (RFC 8536) ---- */

typedef struct tzif {
    const unsigned char *p, *end;
    uint32_t ut_count, std_count, leaps, times, types, chars;
    char version;
} tzif;

static int64_t big_endian(const unsigned char *p, int bytes)
{
    uint64_t n = bytes == 4 && p[0] & 0x80 ? ~UINT64_C(0) : 0; /* signs are carried up */
    for (int i = 0; i < bytes; i++)
        n = n << 8 | p[i];
    return (int64_t)n;
}

static bool take_header(tzif *f)
{
    uint32_t *const counts[] = {&f->ut_count, &f->std_count, &f->leaps, &f->times, &f->types, &f->chars};
    if (f->end - f->p < 44 || memcmp(f->p, "TZif", 4) != 0)
        return false;
    f->version = (char)f->p[4];
    for (size_t i = 0; i < LB_COUNT(counts); i++) {
        int64_t n = big_endian(f->p + 20 + 4 * i, 4);
        if (n < 0 || n > (int64_t)LONGEST_FILE)
            return false;
        *counts[i] = (uint32_t)n;
    }
    f->p += 44;
    return f->types > 0;
}

static size_t body_size(const tzif *f, size_t width)
{
    return f->times * (width + 1) + f->types * (size_t)6 + f->chars + f->leaps * (width + 4) + f->std_count +
           f->ut_count;
}

static bool take_body(tzif *f, zone *z, size_t width)
{
    size_t size = body_size(f, width);
    if ((size_t)(f->end - f->p) < size)
        return false;
    const unsigned char *times = f->p, *indices = times + f->times * width, *types = indices + f->times;
    z->first = (int32_t)big_endian(types, 4);
    for (uint32_t i = 0; i < f->times; i++) {
        int64_t at = big_endian(times + i * width, (int)width);
        if (indices[i] >= f->types || at > FARTHEST || (z->count && at <= z->changes[z->count - 1].at))
            return false;
        int32_t offset = (int32_t)big_endian(types + (size_t)6 * indices[i], 4);
        if (at < -FARTHEST)
            z->first = offset; /* some files begin with the big bang */
        else
            add_change(z, at, offset);
    }
    f->p += size;
    for (size_t i = 0; i < z->count; i++)
        if (z->changes[i].offset < -2 * DAY || z->changes[i].offset > 2 * DAY)
            return false;
    return z->first >= -2 * DAY && z->first <= 2 * DAY;
}

/* ---- the rule for the years after the last change that the file lists, such as "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

typedef struct rule_date {
    char kind; /* M: a weekday of a month, J: a day that leaves February 29th out, or 0: a day from 0 on */
    int month, week, day;
    int32_t time;
} rule_date;

static bool take_number(const char **p, int32_t most, int32_t *ret)
{
    int32_t n = 0;
    if (!isdigit((unsigned char)**p))
        return false;
    for (; isdigit((unsigned char)**p); (*p)++)
        if ((n = n * 10 + (**p - '0')) > most)
            return false;
    *ret = n;
    return true;
}

static bool take_char(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

/* "-7", "3:30", "+05:45:00": hours, minutes, seconds, as seconds. */
static bool take_time(const char **p, int32_t *ret)
{
    bool minus = take_char(p, '-');
    int32_t hours, minutes = 0, seconds = 0;
    if (!minus)
        (void)take_char(p, '+'); /* may be there */
    if (!take_number(p, 167, &hours))
        return false;
    if (take_char(p, ':') && !take_number(p, 59, &minutes))
        return false;
    if (take_char(p, ':') && !take_number(p, 59, &seconds))
        return false;
    *ret = hours * 3600 + minutes * 60 + seconds;
    if (minus)
        *ret = -*ret;
    return true;
}

/* How far a clock is from UTC; POSIX counts to the west. Times of changes may be days away, clocks may not. */
static bool take_offset(const char **p, int32_t *ret)
{
    int32_t west;
    if (!take_time(p, &west) || west <= -FARTHEST_OFF || west >= FARTHEST_OFF)
        return false;
    *ret = -west;
    return true;
}

static bool take_name(const char **p)
{
    if (take_char(p, '<')) {
        *p += strcspn(*p, ">");
        return take_char(p, '>');
    }
    const char *start = *p;
    while (isalpha((unsigned char)**p))
        (*p)++;
    return *p - start >= 3;
}

static bool take_date(const char **p, rule_date *ret)
{
    int32_t month = 0, week = 0, day;
    *ret = (rule_date){.time = 2 * 3600};
    if (!take_char(p, ','))
        return false;
    if (take_char(p, 'M')) {
        ret->kind = 'M';
        if (!take_number(p, 12, &month) || month < 1 || !take_char(p, '.') || !take_number(p, 5, &week) || week < 1 ||
            !take_char(p, '.') || !take_number(p, 6, &day))
            return false;
    } else {
        ret->kind = take_char(p, 'J') ? 'J' : 0;
        if (!take_number(p, 365, &day) || (ret->kind && day < 1))
            return false;
    }
    ret->month = month;
    ret->week = week;
    ret->day = day;
    return !take_char(p, '/') || take_time(p, &ret->time);
}

static int64_t start_of(int year, int month)
{
    struct tm t = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = 1};
    return timegm(&t);
}

/* The local time, as seconds, at which the rule says that the offset changes in that year. */
static int64_t date_in(const rule_date *date, int year)
{
    int64_t january = start_of(year, 1), days = date->day;
    bool leap = start_of(year, 3) - january == 60 * DAY;
    if (date->kind == 'J')
        return january + (days - 1 + (leap && days >= 60)) * DAY + date->time;
    if (date->kind == 0)
        return january + days * DAY + date->time;
    int64_t first = start_of(year, date->month),
            next = start_of(date->month == 12 ? year + 1 : year, date->month == 12 ? 1 : date->month + 1);
    int64_t weekday = (first / DAY % 7 + 4 + 7) % 7; /* 1970 began on a Thursday */
    int64_t day = (date->day - weekday + 7) % 7 + (int64_t)7 * (date->week - 1);
    while (first + day * DAY >= next)
        day -= 7; /* the fifth one is the last one */
    return first + day * DAY + date->time;
}

static void write_out(zone *z, int32_t standard, int32_t summer, const rule_date *begin, const rule_date *end)
{
    int64_t known = z->count ? z->changes[z->count - 1].at : INT64_MIN;
    struct tm t;
    time_t from = z->count && known > 0 ? (time_t)known : 0;
    if (!gmtime_r(&from, &t))
        return;
    for (int year = t.tm_year + 1900; year <= LAST_YEAR; year++) {
        change both[2] = {{date_in(begin, year) - standard, summer}, {date_in(end, year) - summer, standard}};
        size_t earlier = both[1].at < both[0].at; /* in the south summer ends first */
        for (size_t i = 0; i < 2; i++) {
            const change *c = &both[i ? !earlier : earlier];
            if (c->at > known && (!z->count || c->at > z->changes[z->count - 1].at))
                add_change(z, c->at, c->offset);
        }
    }
}

static bool add_rule(zone *z, const char *rule)
{
    const char *p = rule;
    int32_t standard, summer;
    rule_date begin, end;
    if (!*p)
        return true;
    if (!take_name(&p) || !take_offset(&p, &standard))
        return false;
    if (!*p)
        return true; /* the last change that is listed led there */
    summer = standard + 3600;
    if (!take_name(&p))
        return false;
    if (*p != ',' && !take_offset(&p, &summer))
        return false;
    if (!take_date(&p, &begin) || !take_date(&p, &end) || *p)
        return false;
    write_out(z, standard, summer, &begin, &end);
    return true;
}

/* ---- all of it ---- */

static bool read_file(tzif *f, zone *z)
{
    if (!take_header(f))
        return false;
    if (f->version < '2')
        return !f->leaps && take_body(f, z, 4);
    size_t size = body_size(f, 4); /* the same again with small numbers, for readers of long ago */
    if ((size_t)(f->end - f->p) < size)
        return false;
    f->p += size;
    if (!take_header(f) || f->leaps || !take_body(f, z, 8) || f->p >= f->end || *f->p++ != '\n')
        return false;
    const unsigned char *stop = memchr(f->p, '\n', (size_t)(f->end - f->p));
    if (!stop)
        return false;
    LB_AUTO_FREE char *rule = base_printf("%.*s", (int)(stop - f->p), (const char *)f->p);
    return add_rule(z, rule);
}

int zone_parse(const char *name, const char *data, size_t length, zone **ret_zone, lb_error *err)
{
    const unsigned char *start = (const unsigned char *)data;
    tzif f = {.p = start, .end = start + length};
    zone *z = base_alloc(sizeof *z);
    if (!read_file(&f, z)) {
        (void)zone_free(z); /* gives NULL */
        return lb_fail(err, LB_ERR_INVALID, f.leaps ? "use the zone of that name without right/" : "reinstall tzdata",
                       "timezone %s: %s", name, f.leaps ? "it counts leap seconds" : "its file cannot be understood");
    }
    *ret_zone = z;
    return 0;
}

int zone_open(const char *name, zone **ret_zone, lb_error *err)
{
    LB_AUTO_FREE char *data = NULL;
    size_t length;
    if (strcmp(name, "UTC") == 0) {
        *ret_zone = base_alloc(sizeof **ret_zone);
        return 0;
    }
    if (*name == '/' || strchr(name, '.'))
        return lb_fail(err, LB_ERR_INVALID, "such as UTC or Europe/Berlin", "\"%.64s\" is no name of a timezone", name);
    LB_AUTO_FREE char *path = base_printf("%s/%s", ZONE_DIRECTORY, name);
    int r = fs_read(path, LONGEST_FILE, &data, &length, err);
    return r < 0 ? r : zone_parse(name, data, length, ret_zone, err);
}

zone *zone_free(zone *z)
{
    if (z)
        free(z->changes);
    free(z);
    return NULL;
}

/* How many changes lie at or before that moment. */
static size_t changes_until(const zone *z, int64_t at)
{
    size_t low = 0, high = z->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->changes[middle].at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t offset_after(const zone *z, size_t changes)
{
    return changes ? z->changes[changes - 1].offset : z->first;
}

int32_t zone_offset(const zone *z, int64_t at, int64_t *ret_until)
{
    size_t passed = z ? changes_until(z, at) : 0;
    *ret_until = z && passed < z->count ? z->changes[passed].at : ZONE_END;
    return z ? offset_after(z, passed) : 0;
}

int64_t zone_from_local(const zone *z, int64_t local)
{
    if (!z)
        return local;
    /* From a span that surely ends too early on, the first one whose clock still shows that time or a later one. */
    size_t i = changes_until(z, local - 2 * DAY);
    while (i < z->count && z->changes[i].at + offset_after(z, i) <= local)
        i++;
    int64_t at = local - offset_after(z, i);
    return i && at < z->changes[i - 1].at ? z->changes[i - 1].at : at;
}
