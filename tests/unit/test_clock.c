#include "suite.h"

#include "clock.h"

static const char *formatted(int64_t microseconds)
{
    static char text[CLOCK_TEXT];
    clock_format(microseconds, text);
    return text;
}

static void formats_times(void)
{
    ASSERT_TEXT(formatted(0), "1970-01-01T00:00:00.000000Z");
    ASSERT_TEXT(formatted(-1), "1969-12-31T23:59:59.999999Z");
    ASSERT_TEXT(formatted(INT64_C(951827696123456)), "2000-02-29T12:34:56.123456Z");
    ASSERT_TEXT(formatted(INT64_C(253402300799999999)), "9999-12-31T23:59:59.999999Z");
    ASSERT_TEXT(formatted(INT64_C(253402300800000000)), "9999-12-31T23:59:59.999999Z");
    ASSERT_TEXT(formatted(INT64_MAX), "9999-12-31T23:59:59.999999Z");
    ASSERT_TEXT(formatted(INT64_C(-62135596800000000)), "0001-01-01T00:00:00.000000Z");
    ASSERT_TEXT(formatted(INT64_MIN), "0001-01-01T00:00:00.000000Z");
}

static void parses_times(void)
{
    static const struct {
        const char *text;
        int64_t want;
    } good[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00z", 0},
        {"1970-01-01 00:00:00.5", 500000},
        {"1970-01-01 00:00:00.1234567Z", 123456},
        {"1970-01-01 02:00:00+02", 0},
        {"1970-01-01 02:30:00+0230", 0},
        {"1969-12-31T19:00:00-05:00", 0},
        {"1970-01-01 00:53:28+00:53:28", 0},
        {"2000-02-29 12:34:56.123456+00", INT64_C(951827696123456)},
        {"2024-02-29", INT64_C(1709164800000000)},
        {"1969-12-31 23:59:60Z", 0},
        {"infinity", INT64_MAX},
        {"-infinity", INT64_MIN + 1},
    };
    static const char *const bad[] = {
        "",
        "1970",
        "1970-1-1",
        "1970-13-01",
        "1970-00-01",
        "1970-01-32",
        "1970-02-29",
        "2100-02-29",
        "1970-01-00",
        "0000-01-01",
        "1970-01-01T",
        "1970-01-01T1",
        "1970-01-01T24:00",
        "1970-01-01T00:60",
        "1970-01-01T00:00:61",
        "1970-01-01T00:00:00.",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00+",
        "1970-01-01T00:00:00+1",
        "1970-01-01T00:00:00+16",
        "1970-01-01T00:00:00+01:",
        "1970-01-01T00:00:00+01:60",
        "1970-01-01T00:00:00Zx",
        "1970-01-01x00:00:00",
        "1970-01-01 00:00:00 UTC",
        "x",
        "0044-03-15 BC",
        "Infinity",
    };
    for (size_t i = 0; i < LB_COUNT(good); i++) {
        int64_t got = 42;
        CU_ASSERT(clock_parse(good[i].text, &got));
        CU_ASSERT_EQUAL(got, good[i].want);
    }
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        int64_t got = 42;
        CU_ASSERT_FALSE(clock_parse(bad[i], &got));
        CU_ASSERT_EQUAL(got, 42);
    }
}

/* Every day of four centuries and some odd moments come back as they were. */
static void times_read_back(void)
{
    for (int64_t day = -200000; day < 200000; day += 7) {
        int64_t want = day * 86400 * CLOCK_SECOND + day % 86399 * CLOCK_SECOND + 7 * day % 999999, got = 0;
        if (!clock_parse(formatted(want), &got) || got != want) {
            CU_FAIL("a time does not read back");
            return;
        }
    }
    CU_PASS("all read back");
}

static void clocks_go_forward(void)
{
    int64_t a = clock_monotonic(), b = clock_monotonic();
    CU_ASSERT(b >= a);
    CU_ASSERT(clock_now() > INT64_C(1700000000) * CLOCK_SECOND);
}

static void identifiers_sort(void)
{
    char last[ID_TEXT], id[ID_TEXT];
    id_new(last);
    CU_ASSERT_EQUAL(strlen(last), ID_TEXT - 1);
    CU_ASSERT_EQUAL(strspn(last, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), ID_TEXT - 1);
    for (int i = 0; i < 20000; i++) {
        id_new(id);
        if (strcmp(last, id) >= 0) {
            CU_FAIL("identifiers are out of order");
            return;
        }
        memcpy(last, id, sizeof last);
    }
    CU_PASS("all in order");
}

SUITE(clock, TEST(formats_times), TEST(parses_times), TEST(times_read_back), TEST(clocks_go_forward),
      TEST(identifiers_sort))
