/* Schedules, held against an oracle that walks minute by minute and reads the fields in another way. */
#include "clock.h"
#include "cron.h"
#include "unit/suite.h"

#include <time.h>

static int64_t at(const char *text)
{
    int64_t microseconds = 0;
    CU_ASSERT_TRUE_FATAL(clock_parse(text, &microseconds));
    return microseconds;
}

static void check_next(const char *schedule, const char *after, const char *expected)
{
    cron parsed;
    lb_error err = {0};
    char text[CLOCK_TEXT] = "";
    CU_ASSERT_EQUAL_FATAL(cron_parse(schedule, &parsed, &err), 0);
    clock_format(cron_next_utc(&parsed, at(after)), text);
    if (strncmp(text, expected, strlen(expected)) != 0)
        printf("\n    %s after %s: got %s, want %s\n", schedule, after, text, expected);
    CU_ASSERT_EQUAL(strncmp(text, expected, strlen(expected)), 0);
}

static void finds_the_next_time(void)
{
    check_next("* * * * *", "2026-01-31T23:59:30Z", "2026-02-01T00:00:00");
    check_next("*/5 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00");
    check_next("*/5 * * * *", "2026-01-01T00:04:59.999999Z", "2026-01-01T00:05:00");
    check_next("30 2 * * *", "2026-02-28T02:30:00Z", "2026-03-01T02:30:00");
    check_next("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00");
    check_next("0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00"); /* 2100 is no leap year */
    check_next("0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00");
    check_next("15 10 * * sun", "2026-01-01T00:00:00Z", "2026-01-04T10:15:00");
    check_next("15 10 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T10:15:00");
    check_next("0 9 * * MON-fri", "2026-01-03T00:00:00Z", "2026-01-05T09:00:00");
    check_next("0 0 * * fri-sun", "2026-01-04T00:00:00Z", "2026-01-09T00:00:00");
    check_next("59 23 31 dec *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00");
    check_next("0 0 13 * fri", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00");  /* both restricted: either one */
    check_next("0 0 */2 * fri", "2026-01-01T00:00:00Z", "2026-01-09T00:00:00"); /* a star: both */
    check_next("@hourly", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00");
    check_next("@daily", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00");
    check_next("@midnight", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00");
    check_next("@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00");
    check_next("@monthly", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00");
    check_next("@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00");
    check_next(" @annually ", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00");
    check_next("0 0 1 1 *", "1969-06-01T00:00:00Z", "1970-01-01T00:00:00");
    check_next("@every 2s", "2026-01-01T00:00:00Z", "2026-01-01T00:00:02");
    check_next(" @every\t7m ", "2026-01-01T00:00:01.5Z", "2026-01-01T00:07:00"); /* counted from 1970 on */
    check_next("@every 24h", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00");
    check_next("@every 10s", "1969-12-31T23:59:55Z", "1970-01-01T00:00:00");
    check_next("\t0  12\t1-7,15 * * ", "2026-01-07T12:00:00Z", "2026-01-15T12:00:00");
}

static void knows_what_never_comes(void)
{
    static const char *const never[] = {"0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30-31 feb *"};
    for (size_t i = 0; i < LB_COUNT(never); i++) {
        cron parsed;
        lb_error err = {0};
        CU_ASSERT_EQUAL_FATAL(cron_parse(never[i], &parsed, &err), 0);
        CU_ASSERT_EQUAL(cron_next_utc(&parsed, at("2026-01-01T00:00:00Z")), INT64_MAX);
    }
}

static void survives_the_ends_of_time(void)
{
    cron parsed;
    lb_error err = {0};
    CU_ASSERT_EQUAL_FATAL(cron_parse("0 0 29 2 *", &parsed, &err), 0);
    CU_ASSERT_EQUAL(cron_next_utc(&parsed, INT64_MAX), INT64_MAX);
    CU_ASSERT_TRUE(cron_next_utc(&parsed, INT64_MIN) > INT64_MIN);
    CU_ASSERT_EQUAL_FATAL(cron_parse("* * * * *", &parsed, &err), 0);
    CU_ASSERT_EQUAL(cron_next_utc(&parsed, -1), 0);
    CU_ASSERT_EQUAL(cron_next_utc(&parsed, 0), 60 * CLOCK_SECOND);
}

static void refuses_with_the_field_named(void)
{
    static const struct {
        const char *text, *message, *hint;
    } cases[] = {
        {"60 * * * *", "minute \"60\": not a value from 0 to 59", ""},
        {"* 24 * * *", "hour \"24\"", ""},
        {"* * 0 * *", "day of month \"0\": not a value from 1 to 31", ""},
        {"* * 32 * *", "day of month \"32\"", ""},
        {"* * * 13 *", "month \"13\"", "three letters"},
        {"* * * * 8", "day of week \"8\"", "mon"},
        {"* * * foo *", "month \"foo\"", "three letters"},
        {"* * * * monday", "day of week \"monday\": not understood", ""},
        {"*/0 * * * *", "minute \"*/0\": bad step", "from 1"},
        {"*/ * * * *", "minute \"*/\": bad step", ""},
        {"*/60 * * * *", "minute \"*/60\": the step is wider", "leave the step out"},
        {"10-20/11 * * * *", "minute \"10-20/11\": the step is wider", ""},
        {"5/10 * * * *", "minute \"5/10\": a step needs a range", "*/10"},
        {"* 22-5 * * *", "hour \"22-5\": the range runs backwards", "two ranges"},
        {"* * * * fri-mon", "day of week \"fri-mon\": the range runs backwards", ""},
        {"1,,2 * * * *", "minute \"\": an empty item", "comma"},
        {"1, * * * *", "minute \"\": an empty item", "comma"},
        {"1- * * * *", "minute \"1-\"", ""},
        {"-1 * * * *", "minute \"-1\"", ""},
        {"1-2-3 * * * *", "minute \"1-2-3\": not understood", ""},
        {"99999999999999999999 * * * *", "minute \"99999999999999999999\"", ""},
        {"*/99999999999999999999 * * * *", "the step is wider", ""},
        {"* * L * *", "day of month \"L\"", ""},
        {"* * * *", "4 fields, not five", "minute, hour"},
        {"", "0 fields, not five", "minute, hour"},
        {"0 * * * * *", "6 fields, not five", "seconds"},
        {"@reboot", "it is no time", "@hourly"},
        {"@fortnightly", "unknown shorthand", "@weekly"},
        {"@daily * * * *", "unknown shorthand", ""},
        {"@", "unknown shorthand", ""},
        {"@every", "not understood", "@every 30s"},
        {"@every 5", "not understood", "@every 30s"},
        {"@every s", "out of range", "@every 24h"},
        {"@every 2s *", "not understood", ""},
        {"@every 0s", "out of range", ""},
        {"@every 25h", "out of range", ""},
        {"@every 99999999999999999999s", "out of range", ""},
        {"@everyone", "unknown shorthand", ""},
    };
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        cron parsed;
        lb_error err = {0};
        CU_ASSERT_EQUAL(cron_parse(cases[i].text, &parsed, &err), LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, cases[i].message);
        ASSERT_CONTAINS(err.hint, cases[i].hint);
    }
}

static void refuses_an_endless_text(void)
{
    char text[8192];
    cron parsed;
    lb_error err = {0};
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CU_ASSERT_EQUAL(cron_parse(text, &parsed, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "too long");
}

/* ---- the oracle ---- */

/* Does one field hold this value? Asks each item about the value; the code under test builds sets instead. */
static bool field_holds(const char *field, int value, int low, int high)
{
    char copy[128];
    (void)snprintf(copy, sizeof copy, "%s", field); /* the schedules of this test fit */
    char *rest = copy;
    for (char *item; (item = strsep(&rest, ","));) {
        int from, to, step = 1;
        char *slash = strchr(item, '/');
        if (slash)
            step = (int)strtol(slash + 1, NULL, 10);
        char *dash = strchr(item, '-');
        bool star = *item == '*';
        from = star ? low : (int)strtol(item, NULL, 10);
        to = star ? high : dash ? (int)strtol(dash + 1, NULL, 10) : from;
        if (value >= from && value <= to && (value - from) % step == 0)
            return true;
    }
    return false;
}

static bool oracle_matches(char *const fields[5], const struct tm *t)
{
    bool day = field_holds(fields[2], t->tm_mday, 1, 31);
    bool weekday = field_holds(fields[4], t->tm_wday, 0, 6) || (t->tm_wday == 0 && field_holds(fields[4], 7, 0, 6));
    bool either = fields[2][0] != '*' && fields[4][0] != '*';
    return field_holds(fields[0], t->tm_min, 0, 59) && field_holds(fields[1], t->tm_hour, 0, 23) &&
           field_holds(fields[3], t->tm_mon + 1, 1, 12) && (either ? day || weekday : day && weekday);
}

static int64_t oracle_next(const char *schedule, int64_t after, int64_t limit)
{
    char copy[256], *fields[5], *rest = copy;
    (void)snprintf(copy, sizeof copy, "%s", schedule); /* as above */
    for (int i = 0; i < 5; i++)
        fields[i] = strsep(&rest, " ");
    for (time_t minute = (time_t)(after / CLOCK_SECOND / 60 + 1) * 60; minute * CLOCK_SECOND <= limit; minute += 60) {
        struct tm t;
        (void)gmtime_r(&minute, &t); /* such years exist */
        if (oracle_matches(fields, &t))
            return minute * CLOCK_SECOND;
    }
    return INT64_MAX;
}

static void agrees_with_the_oracle(void)
{
    static const char *const schedules[] = {
        "*/7 * * * *",         "0 */5 * * *",   "13,17-23/3,59 4 * * *", "0 0 1-7 * 1",         "30 12 */3 * *",
        "0 6 * 2-4,11 *",      "1 1 31 * *",    "0 0 * * 5-7",           "0,30 8-18/2 * * 1-5", "59 23 28-31 2 0",
        "5-10,20 0,23 15 * 3", "0 0 */2 * */3",
    };
    int64_t start = at("2027-12-24T13:37:42Z");
    for (size_t i = 0; i < LB_COUNT(schedules); i++) {
        cron parsed;
        lb_error err = {0};
        CU_ASSERT_EQUAL_FATAL(cron_parse(schedules[i], &parsed, &err), 0);
        int64_t moment = start, limit = start + INT64_C(90) * 86400 * CLOCK_SECOND;
        for (int step = 0; step < 60; step++) {
            int64_t expected = oracle_next(schedules[i], moment, limit), actual = cron_next_utc(&parsed, moment);
            if (expected == INT64_MAX) {
                CU_ASSERT_TRUE(actual > limit);
                break;
            }
            if (actual != expected)
                printf("\n    %s: %lld, not %lld\n", schedules[i], (long long)actual, (long long)expected);
            CU_ASSERT_EQUAL(actual, expected);
            moment = expected;
        }
    }
}

static void matches_a_local_time(void)
{
    cron parsed;
    lb_error err = {0};
    CU_ASSERT_EQUAL_FATAL(cron_parse("30 2 * 3 sun", &parsed, &err), 0);
    CU_ASSERT_TRUE(cron_matches(&parsed, 30, 2, 29, 3, 0));
    CU_ASSERT_FALSE(cron_matches(&parsed, 31, 2, 29, 3, 0));
    CU_ASSERT_FALSE(cron_matches(&parsed, 30, 3, 29, 3, 0));
    CU_ASSERT_FALSE(cron_matches(&parsed, 30, 2, 29, 4, 0));
    CU_ASSERT_FALSE(cron_matches(&parsed, 30, 2, 29, 3, 1));
}

SUITE(cron, TEST(finds_the_next_time), TEST(knows_what_never_comes), TEST(survives_the_ends_of_time),
      TEST(refuses_with_the_field_named), TEST(refuses_an_endless_text), TEST(agrees_with_the_oracle),
      TEST(matches_a_local_time))
