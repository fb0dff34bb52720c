/* Cron as Quartz says it: by examples, and by reading what was written with Quartz's own rules, minute for minute. */
#include "cron.h"
#include "quartz.h"
#include "unit/suite.h"

static void check(const char *cron_text, const char *expected)
{
    lb_error err = {0};
    BUF_AUTO got = BUF_INIT(1024);
    CU_ASSERT_EQUAL(quartz_from_cron(cron_text, &got, &err), 0);
    if (strcmp(buf_text(&got), expected) != 0)
        printf("\n    %s: got %s, want %s\n", cron_text, buf_text(&got), expected);
    CU_ASSERT_STRING_EQUAL(buf_text(&got), expected);
}

static void check_refused(const char *cron_text, int code, const char *why)
{
    lb_error err = {0};
    BUF_AUTO got = BUF_INIT(1024);
    CU_ASSERT_EQUAL(quartz_from_cron(cron_text, &got, &err), code);
    if (!strstr(err.message, why))
        printf("\n    %s: %s\n", cron_text, err.message);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, why));
    CU_ASSERT_TRUE(code != LB_ERR_UNSUPPORTED || err.hint[0]);
    CU_ASSERT_EQUAL(got.length, 0);
}

static void says_the_seven(void)
{
    check("*/5 * * * *", "0 0/5 * * * ?");
    check("0 * * * *", "0 0 * * * ?");
    check("0 2 * * *", "0 0 2 * * ?");
    check("*/15 * * * *", "0 0/15 * * * ?");
    check("0 */6 * * *", "0 0 0/6 * * ?");
    check("0 3 * * 0", "0 0 3 ? * SUN");
    check("0 6 * * *", "0 0 6 * * ?");
}

static void counts_weekdays_from_sunday(void)
{
    check("0 0 * * 7", "0 0 0 ? * SUN");
    check("0 0 * * 1-5", "0 0 0 ? * MON-FRI");
    check("0 0 * * sat,sun", "0 0 0 ? * SUN,SAT");
    check("0 0 * * fri-sun", "0 0 0 ? * SUN,FRI,SAT");
    check("0 0 * * */2", "0 0 0 ? * SUN,TUE,THU,SAT");
    check("0 0 * * 0-7", "0 0 0 * * ?"); /* every weekday, and every day: a cron with neither restricted */
}

static void opens_one_day_field(void)
{
    check("0 0 1 * *", "0 0 0 1 * ?");
    check("0 0 1,15 * *", "0 0 0 1,15 * ?");
    check("0 0 */2 * *", "0 0 0 1/2 * ?");
    check("0 0 1-31 * fri", "0 0 0 * * ?"); /* either one: always */
    check("0 0 1 * 0-6", "0 0 0 * * ?");
    check("0 0 29 2 *", "0 0 0 29 2 ?");
    check("* * * * *", "0 * * * * ?");
}

static void keeps_lists_steps_and_names(void)
{
    check("5,10,40 8-18 * jan-mar *", "0 5,10,40 8-18 * 1-3 ?");
    check("10-50/20 0 * * *", "0 10/20 0 * * ?");
    check("10-30/10 0 * * *", "0 10,20,30 0 * * ?"); /* 10/10 would go on */
    check("*/7 * * * *", "0 0/7 * * * ?");
    check("0 0 * 1-12/3 *", "0 0 0 * 1/3 ?");
    check("@hourly", "0 0 * * * ?");
    check("@weekly", "0 0 0 ? * SUN");
    check("@yearly", "0 0 0 1 1 ?");
}

static void refuses_with_a_reason(void)
{
    check_refused("0 0 13 * fri", LB_ERR_UNSUPPORTED, "not both");
    check_refused("0 0 */2 * fri", LB_ERR_UNSUPPORTED, "not both");
    check_refused("0 0 30 2 *", LB_ERR_UNSUPPORTED, "never comes");
    check_refused("@every 30s", LB_ERR_UNSUPPORTED, "@every 30s");
    check_refused("0 0 * *", LB_ERR_INVALID, "fields");
    check_refused("61 * * * *", LB_ERR_INVALID, "61");
    check_refused("", LB_ERR_INVALID, "");
}

/* ---- Quartz's own reading ---- */

static int value_of(const char *text, char **ret_end)
{
    static const char *const names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
    for (int i = 0; i < 7; i++)
        if (strncmp(text, names[i], 3) == 0) {
            *ret_end = (char *)(uintptr_t)text + 3;
            return i + 1;
        }
    return (int)strtol(text, ret_end, 10);
}

static bool field_has(const char *field, int value, int high)
{
    if (*field == '*' || *field == '?')
        return true;
    for (const char *p = field;; p++) {
        char *end;
        int from = value_of(p, &end), to = from, step = 1;
        if (*end == '-')
            to = value_of(end + 1, &end);
        else if (*end == '/') {
            step = (int)strtol(end + 1, &end, 10);
            to = high;
        }
        if (value >= from && value <= to && (value - from) % step == 0)
            return true;
        if (*end != ',')
            return false;
        p = end;
    }
}

static bool quartz_has(char fields[6][160], const int *when) /* minute hour day month weekday(0) */
{
    return field_has(fields[1], when[0], 59) && field_has(fields[2], when[1], 23) &&
           field_has(fields[3], when[2], 31) && field_has(fields[4], when[3], 12) &&
           field_has(fields[5], when[4] + 1, 7);
}

static unsigned seed = 20260131;
static int random_to(int most)
{
    seed = seed * 1103515245 + 12345;
    return (int)(seed >> 16 & 0x7fff) % (most + 1);
}

static void random_field(char *into, size_t size, int low, int high)
{
    int a = low + random_to(high - low), b = a + random_to(high - a);
    switch (random_to(4)) {
    case 0:
        (void)snprintf(into, size, "%d-%d/%d", a, b, 1 + random_to(6));
        break;
    case 1:
        (void)snprintf(into, size, "%d,%d", a, b);
        break;
    case 2:
        (void)snprintf(into, size, "*/%d", 1 + random_to(high / 2));
        break;
    case 3:
        (void)snprintf(into, size, "%d", a);
        break;
    default:
        (void)snprintf(into, size, "*");
        break;
    }
}

static bool try_one(const char *text)
{
    char fields[6][160];
    lb_error err;
    cron c;
    BUF_AUTO quartz = BUF_INIT(2048);
    if (cron_parse(text, &c, &err) < 0 || quartz_from_cron(text, &quartz, &err) < 0)
        return false;
    CU_ASSERT_EQUAL_FATAL(sscanf(buf_text(&quartz), "%159s %159s %159s %159s %159s %159s", fields[0], fields[1],
                                 fields[2], fields[3], fields[4], fields[5]),
                          6);
    CU_ASSERT_STRING_EQUAL(fields[0], "0");
    CU_ASSERT_NOT_EQUAL(strcmp(fields[3], "?") == 0, strcmp(fields[5], "?") == 0);
    for (int i = 0; i < 400; i++) {
        int when[] = {random_to(59), random_to(23), 1 + random_to(30), 1 + random_to(11), random_to(6)};
        if (quartz_has(fields, when) == cron_matches(&c, when[0], when[1], when[2], when[3], when[4]))
            continue;
        printf("\n    %s is not %s at %d:%d, day %d, month %d, weekday %d\n", text, buf_text(&quartz), when[1], when[0],
               when[2], when[3], when[4]);
        CU_FAIL("another schedule");
        break;
    }
    return true;
}

static void means_the_same(void)
{
    int tried = 0;
    for (int i = 0; i < 5000; i++) {
        char text[512], part[5][64];
        const int low[] = {0, 0, 1, 1, 0}, high[] = {59, 23, 31, 12, 6};
        for (int k = 0; k < 5; k++)
            random_field(part[k], sizeof part[k], low[k], high[k]);
        if (random_to(2)) /* mostly one of the two is open, since most others are refused */
            memcpy(part[2 + 2 * random_to(1)], "*", 2);
        (void)snprintf(text, sizeof text, "%s %s %s %s %s", part[0], part[1], part[2], part[3], part[4]);
        tried += try_one(text);
    }
    CU_ASSERT_TRUE(tried > 2000);
}

SUITE(quartz, TEST(says_the_seven), TEST(counts_weekdays_from_sunday), TEST(opens_one_day_field),
      TEST(keeps_lists_steps_and_names), TEST(refuses_with_a_reason), TEST(means_the_same))
