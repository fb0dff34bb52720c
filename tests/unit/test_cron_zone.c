/* Schedules in time zones. The oracle is the C library's own localtime, and a walk minute by minute. */
#include "clock.h"
#include "cron.h"
#include "fs.h"
#include "unit/suite.h"

#include <time.h>

static int64_t at(const char *text)
{
    int64_t microseconds = 0;
    CU_ASSERT_TRUE_FATAL(clock_parse(text, &microseconds));
    return microseconds;
}

static zone *open_zone(const char *name)
{
    zone *z = NULL;
    lb_error err = {0};
    CU_ASSERT_EQUAL_FATAL(zone_open(name, &z, &err), 0);
    return z;
}

static cron parse(const char *text)
{
    cron parsed = {0};
    lb_error err = {0};
    CU_ASSERT_EQUAL_FATAL(cron_parse(text, &parsed, &err), 0);
    return parsed;
}

static void use_zone(const char *name)
{
    (void)setenv("TZ", name, 1); /* of the oracle alone */
    tzset();
}

static const char *const zones[] = {
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Europe/Dublin",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Santiago",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "EST5EDT",
    "America/Sao_Paulo",
    "Asia/Tehran",
    "Antarctica/Troll",
};

/* ---- zones ---- */

static void knows_offsets_as_the_library_does(void)
{
    for (size_t i = 0; i < LB_COUNT(zones); i++) {
        zone *z = open_zone(zones[i]);
        use_zone(zones[i]);
        for (int64_t moment = INT64_C(315532800); moment < INT64_C(2871763200); moment += 31 * 3600 + 1234) {
            struct tm t;
            time_t seconds = (time_t)moment;
            int64_t until;
            (void)localtime_r(&seconds, &t); /* such years exist */
            int32_t offset = zone_offset(z, moment, &until);
            if (offset != t.tm_gmtoff)
                printf("\n    %s at %lld: %d, not %ld\n", zones[i], (long long)moment, (int)offset, t.tm_gmtoff);
            CU_ASSERT_EQUAL_FATAL(offset, t.tm_gmtoff);
            CU_ASSERT_TRUE_FATAL(until > moment);
        }
        (void)zone_free(z); /* gives NULL */
    }
}

static void maps_local_times_back(void)
{
    zone *z = open_zone("Europe/Berlin");
    static const struct {
        const char *local, *utc;
    } cases[] = {
        {"2026-01-15T12:00:00Z", "2026-01-15T11:00:00Z"}, {"2026-07-15T12:00:00Z", "2026-07-15T10:00:00Z"},
        {"2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z"}, {"2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z"},
        {"2026-03-29T02:59:59Z", "2026-03-29T01:00:00Z"}, /* does not come */
        {"2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"}, {"2026-03-29T03:00:01Z", "2026-03-29T01:00:01Z"},
        {"2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"}, /* comes twice */
        {"2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"}, {"2150-07-01T00:00:00Z", "2150-06-30T22:00:00Z"},
    };
    for (size_t i = 0; i < LB_COUNT(cases); i++)
        CU_ASSERT_EQUAL(zone_from_local(z, at(cases[i].local) / CLOCK_SECOND), at(cases[i].utc) / CLOCK_SECOND);
    (void)zone_free(z); /* gives NULL */
}

static void refuses_what_is_no_zone(void)
{
    zone *z = NULL;
    lb_error err = {0};
    CU_ASSERT_EQUAL(zone_open("../../../etc/passwd", &z, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(zone_open("/etc/passwd", &z, &err), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(zone_open("Mars/Olympus", &z, &err), LB_ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(zone_open("zone1970", &z, &err), LB_ERR_NOT_FOUND);
    CU_ASSERT_PTR_NULL(z);
}

/* A file that is cut anywhere, or of which any byte is another, gives a zone or an error. */
static void survives_broken_files(void)
{
    LB_AUTO_FREE char *data = NULL;
    size_t length;
    lb_error err = {0};
    CU_ASSERT_EQUAL_FATAL(fs_read(ZONE_DIRECTORY "/America/New_York", 1 << 20, &data, &length, &err), 0);
    size_t accepted = 0;
    for (size_t i = 0; i < length; i++) {
        zone *z = NULL;
        CU_ASSERT_NOT_EQUAL(zone_parse("cut", data, i, &z, &err), 0);
        char kept = data[i];
        data[i] = (char)(kept ^ (char)0xFF);
        if (zone_parse("broken", data, length, &z, &err) == 0) {
            int64_t until;
            (void)zone_offset(z, 0, &until); /* any answer will do */
            (void)zone_from_local(z, INT64_C(4102444800));
            z = zone_free(z);
            accepted++;
        }
        data[i] = kept;
    }
    CU_ASSERT_TRUE(accepted < length);
}

/* A file whose rule for the years to come is another one. */
static int parse_with_rule(const char *rule)
{
    LB_AUTO_FREE char *data = NULL;
    size_t length;
    zone *z = NULL;
    lb_error err = {0};
    CU_ASSERT_EQUAL_FATAL(fs_read(ZONE_DIRECTORY "/America/New_York", 1 << 20, &data, &length, &err), 0);
    CU_ASSERT_FATAL(length > 1 && data[length - 1] == '\n');
    for (length--; length && data[length - 1] != '\n';)
        length--;
    LB_AUTO_FREE char *changed = base_alloc(length + strlen(rule) + 2);
    memcpy(changed, data, length);
    memcpy(changed + length, rule, strlen(rule));
    changed[length + strlen(rule)] = '\n';
    int r = zone_parse("changed", changed, length + strlen(rule) + 1, &z, &err);
    (void)zone_free(z); /* gives NULL */
    return r;
}

/* Changes may come days after their date, but no clock is more than a day from UTC. */
static void refuses_offsets_beyond_a_day(void)
{
    CU_ASSERT_EQUAL(parse_with_rule("EST5EDT,M3.2.0,M11.1.0"), 0);
    CU_ASSERT_EQUAL(parse_with_rule("EST5EDT,M3.2.0/-50,M11.1.0/97"), 0);
    CU_ASSERT_EQUAL(parse_with_rule("EST24:59EDT-24:59,M3.2.0,M11.1.0"), 0);
    CU_ASSERT_EQUAL(parse_with_rule("EST25EDT,M3.2.0,M11.1.0"), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(parse_with_rule("<30>-103:4<+10301-1>,M10.1.0,M4.1.0"), LB_ERR_INVALID);
    CU_ASSERT_EQUAL(parse_with_rule("EST5EDT-30,M3.2.0,M11.1.0"), LB_ERR_INVALID);
}

/* ---- what the changes of the clock do ---- */

static void check_times(const char *zone_name, const char *schedule, const char *after, const char *const *expected)
{
    zone *z = open_zone(zone_name);
    cron c = parse(schedule);
    int64_t moment = at(after);
    for (; *expected; expected++) {
        char text[CLOCK_TEXT];
        int64_t next = cron_next(&c, z, moment);
        clock_format(next, text);
        if (next != at(*expected))
            printf("\n    %s in %s: got %s, want %s\n", schedule, zone_name, text, *expected);
        CU_ASSERT_EQUAL(next, at(*expected));
        CU_ASSERT_EQUAL(cron_previous(&c, z, next + 1), next);
        moment = next;
    }
    (void)zone_free(z); /* gives NULL */
}

#define TIMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void runs_once_at_the_next_moment_when_its_time_does_not_exist(void)
{
    check_times("Europe/Berlin", "30 2 * * *", "2026-03-27T12:00:00Z",
                TIMES("2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"));
    /* several of them, and the one that stands there anyway: still once */
    check_times("Europe/Berlin", "*/20 2,3 * * *", "2026-03-28T22:00:00Z",
                TIMES("2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z", "2026-03-30T00:00:00Z"));
    check_times("America/New_York", "0 2 8 3 *", "2026-01-01T00:00:00Z",
                TIMES("2026-03-08T07:00:00Z", "2027-03-08T07:00:00Z"));
    check_times("Australia/Lord_Howe", "15 2 * * *", "2026-10-02T20:00:00Z", /* half an hour is passed over */
                TIMES("2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"));
    /* a whole day is passed over: December 30 of 2011 did not come */
    check_times("Pacific/Apia", "0 12 * * *", "2011-12-29T12:00:00Z",
                TIMES("2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"));
}

static void runs_once_when_its_time_exists_twice(void)
{
    check_times("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z",
                TIMES("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"));
    check_times("Europe/Berlin", "30 1-3 * * *", "2026-10-24T22:00:00Z",
                TIMES("2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z", "2026-10-26T00:30:00Z"));
    /* asked in the middle of the second of the two hours */
    check_times("Europe/Berlin", "*/30 2 * * *", "2026-10-25T01:10:00Z", TIMES("2026-10-26T01:00:00Z"));
}

static void goes_on_evenly_where_hours_are_open(void)
{
    check_times("Europe/Berlin", "*/20 * * * *", "2026-03-29T00:30:00Z",
                TIMES("2026-03-29T00:40:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z"));
    check_times("Europe/Berlin", "*/20 * * * *", "2026-10-25T00:30:00Z",
                TIMES("2026-10-25T00:40:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:20:00Z", "2026-10-25T01:40:00Z",
                      "2026-10-25T02:00:00Z"));
    check_times("Europe/Berlin", "30 * * * *", "2026-10-24T23:45:00Z",
                TIMES("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"));
    check_times("Asia/Kolkata", "0 * * * *", "2026-01-01T00:00:00Z",
                TIMES("2026-01-01T00:30:00Z", "2026-01-01T01:30:00Z"));
}

/* ---- the oracle ---- */

static bool in_set(uint64_t bits, int value)
{
    return bits >> value & 1;
}

/* Does the pattern name that local time? */
static bool fits(const cron *c, const struct tm *t)
{
    bool day = in_set(c->days, t->tm_mday), weekday = in_set(c->weekdays, t->tm_wday);
    return in_set(c->minutes, t->tm_min) && in_set(c->hours, t->tm_hour) && in_set(c->months, t->tm_mon + 1) &&
           (c->any_day || c->any_weekday ? day && weekday : day || weekday);
}

typedef struct walk {
    const cron *c;
    bool seen[31 * 24 * 60]; /* local minutes of the month that have come */
    int last_local;
} walk;

static int local_minute(const struct tm *t)
{
    return (t->tm_mday - 1) * 1440 + t->tm_hour * 60 + t->tm_min;
}

/* Is this minute of the walk (all of one local month, from its start) one at which the pattern runs? */
static bool walk_step(walk *w, const struct tm *t)
{
    bool open_hours = w->c->hours == 0xFFFFFF;
    int minute = local_minute(t);
    bool runs = fits(w->c, t) && (open_hours || !w->seen[minute]);
    for (int passed = w->last_local + 1; passed < minute; passed++) { /* the clock went over these */
        struct tm p = *t;
        p.tm_mday = passed / 1440 + 1;
        p.tm_hour = passed / 60 % 24;
        p.tm_min = passed % 60;
        p.tm_wday = (t->tm_wday + 7 - (t->tm_mday - p.tm_mday)) % 7;
        runs = runs || (!open_hours && !w->seen[passed] && fits(w->c, &p));
        w->seen[passed] = true;
    }
    w->seen[minute] = true;
    w->last_local = minute;
    return runs;
}

static void check_month(const char *zone_name, const char *schedule, int year, int month)
{
    zone *z = open_zone(zone_name);
    cron c = parse(schedule);
    walk *w = base_alloc(sizeof *w);
    *w = (walk){.c = &c, .last_local = -1};
    int64_t start = zone_from_local(z, timegm(&(struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = 1}));
    int64_t expected_after = start * CLOCK_SECOND - 1;
    struct tm t;
    for (time_t moment = (time_t)start; localtime_r(&moment, &t) && t.tm_mon == month - 1; moment += 60) {
        if (!walk_step(w, &t))
            continue;
        int64_t next = cron_next(&c, z, expected_after);
        if (next != moment * CLOCK_SECOND)
            printf("\n    %s in %s %d-%d: %lld, not %lld\n", schedule, zone_name, year, month,
                   (long long)(next / CLOCK_SECOND), (long long)moment);
        CU_ASSERT_EQUAL(next, moment * CLOCK_SECOND);
        if (expected_after >= start * CLOCK_SECOND)
            CU_ASSERT_EQUAL(cron_previous(&c, z, next), expected_after);
        expected_after = next;
    }
    free(w);
    (void)zone_free(z); /* gives NULL */
}

static void agrees_with_the_oracle(void)
{
    static const char *const schedules[] = {"*/7 * * * *",    "0 * * * *",    "30 2 * * *",
                                            "*/15 1-3 * * *", "0 */2 * * *",  "5 0 1,15 * *",
                                            "59 23 * * sun",  "0 0-22 * * *", "17 2,14 */3 * *"};
    static const struct {
        const char *zone;
        int year, month;
    } months[] = {{"Europe/Berlin", 2026, 3},     {"Europe/Berlin", 2026, 10},      {"America/New_York", 2026, 3},
                  {"America/New_York", 2026, 11}, {"Australia/Lord_Howe", 2026, 4}, {"Australia/Lord_Howe", 2026, 10},
                  {"Africa/Casablanca", 2026, 2}, {"Asia/Kolkata", 2026, 6}};
    for (size_t m = 0; m < LB_COUNT(months); m++) {
        use_zone(months[m].zone);
        for (size_t i = 0; i < LB_COUNT(schedules); i++)
            check_month(months[m].zone, schedules[i], months[m].year, months[m].month);
    }
}

static void finds_what_was_before(void)
{
    cron rare = parse("0 0 29 2 *"), never = parse("0 0 30 2 *"), often = parse("* * * * *");
    CU_ASSERT_EQUAL(cron_previous(&rare, NULL, at("2027-06-01T00:00:00Z")), at("2024-02-29T00:00:00Z"));
    CU_ASSERT_EQUAL(cron_previous(&rare, NULL, at("2024-02-29T00:00:00Z")), at("2020-02-29T00:00:00Z"));
    CU_ASSERT_EQUAL(cron_previous(&never, NULL, at("2027-06-01T00:00:00Z")), INT64_MIN);
    CU_ASSERT_EQUAL(cron_previous(&often, NULL, at("2027-06-01T00:00:30Z")), at("2027-06-01T00:00:00Z"));
    CU_ASSERT_EQUAL(cron_previous(&often, NULL, at("2027-06-01T00:00:00Z")), at("2027-05-31T23:59:00Z"));
    cron every = parse("@every 10s");
    CU_ASSERT_EQUAL(cron_previous(&every, NULL, at("2027-06-01T00:00:00Z")), at("2027-05-31T23:59:50Z"));
    CU_ASSERT_EQUAL(cron_previous(&every, NULL, at("2027-06-01T00:00:01Z")), at("2027-06-01T00:00:00Z"));
}

static void knows_periods(void)
{
    static const struct {
        const char *schedule;
        int64_t seconds;
    } cases[] = {{"* * * * *", 60},         {"*/5 * * * *", 300},
                 {"*/7 * * * *", 240},      {"7,9 * * * *", 120},
                 {"@hourly", 3600},         {"@every 2s", 2},
                 {"0 9,11,20 * * *", 7200}, {"@daily", 86400},
                 {"0 0 * * mon", 604800},   {"@monthly", 28 * 86400},
                 {"* 2 * * *", 60},         {"59 23,0 * * *", 3600},
                 {"@yearly", 365 * 86400},  {"0 0 29 2 *", INT64_C(1461) * 86400}};
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        cron c = parse(cases[i].schedule);
        CU_ASSERT_EQUAL(cron_period_s(&c), cases[i].seconds);
    }
}

static void survives_the_ends_of_time(void)
{
    zone *z = open_zone("Europe/Berlin");
    cron c = parse("0 3 * * *");
    CU_ASSERT_EQUAL(cron_next(&c, z, INT64_MAX), INT64_MAX);
    CU_ASSERT_EQUAL(cron_next(&c, z, INT64_MIN), INT64_MAX);
    CU_ASSERT_EQUAL(cron_next(&c, z, at("2500-01-01T00:00:00Z")), at("2500-01-01T02:00:00Z")); /* past all changes */
    (void)zone_free(z);                                                                        /* gives NULL */
}

SUITE(cron_zone, TEST(knows_offsets_as_the_library_does), TEST(maps_local_times_back), TEST(refuses_what_is_no_zone),
      TEST(refuses_offsets_beyond_a_day), TEST(survives_broken_files),
      TEST(runs_once_at_the_next_moment_when_its_time_does_not_exist), TEST(runs_once_when_its_time_exists_twice),
      TEST(goes_on_evenly_where_hours_are_open), TEST(agrees_with_the_oracle), TEST(finds_what_was_before),
      TEST(knows_periods), TEST(survives_the_ends_of_time))
