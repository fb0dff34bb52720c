#include "suite.h"

#include "rest_client.h"

#include <stdlib.h>

static void times(void)
{
    CU_ASSERT(rest_time("1970-01-01T00:00:01Z") == 1000000);
    CU_ASSERT(rest_time("2026-08-19T10:00:00.5Z") == rest_time("2026-08-19T12:00:00.500000000+02:00"));
    CU_ASSERT(rest_time("2026-08-19T10:00:00.123456789Z") % 1000000 == 123456);
    static const char *const bad[] = {"",
                                      "2026-08-19",
                                      "2026-08-19T10:00:00",
                                      "2026-13-19T10:00:00Z",
                                      "2026-08-19T10:00:00Zx",
                                      "2026-08-19T10:00:00+2",
                                      "x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT(rest_time(bad[i]) == REST_NO_TIME);
    CU_ASSERT(rest_time(NULL) == REST_NO_TIME);
    CU_ASSERT(rest_http_time("Thu, 01 Jan 1970 00:01:00 GMT") == 60000000);
    CU_ASSERT(rest_http_time("soon") == REST_NO_TIME && rest_http_time(NULL) == REST_NO_TIME);
}

static void durations(void)
{
    CU_ASSERT(rest_duration("300s") == 300000000);
    CU_ASSERT(rest_duration("0.5s") == 500000);
    CU_ASSERT(rest_duration("5") == -1 && rest_duration("s") == -1 && rest_duration("-1s") == -1);
    CU_ASSERT(rest_duration(NULL) == -1 && rest_duration("99999999999999999999s") == -1);
}

static void hiding(void)
{
    char text[64] = "a secret and a secret";
    rest_hide(text, sizeof text, "secret");
    ASSERT_TEXT(text, "a *** and a ***");
    rest_hide(text, sizeof text, "and"); /* too short to be one */
    rest_hide(text, sizeof text, NULL);
    ASSERT_TEXT(text, "a *** and a ***");
}

static void lines(void)
{
    char line[8];
    rest_line(line, sizeof line, " a\r\n\tb ", 7);
    ASSERT_TEXT(line, "a b");
    rest_line(line, sizeof line, "abcdefghij", 10);
    ASSERT_TEXT(line, "abcdefg");
    rest_line(line, sizeof line, "abcdef\xc3\xa4", 8); /* ends with a whole character */
    ASSERT_TEXT(line, "abcdef");
    rest_line(line, sizeof line, "abcde\xc3\xa4", 7);
    ASSERT_TEXT(line, "abcde\xc3\xa4");
}

static void buffers(void)
{
    rest_buf b = {.limit = 10};
    rest_buf_text(&b, "12345");
    rest_buf_escaped(&b, "a/");
    ASSERT_TEXT(b.data, "12345a%2F");
    CU_ASSERT(!b.failed);
    rest_buf_text(&b, "67");
    CU_ASSERT(b.failed);
    ASSERT_TEXT(b.data, "12345a%2F");
    rest_buf_done(&b);
    CU_ASSERT(!b.data && !b.failed && b.limit == 10);
}

static void documents(void)
{
    lb_error err;
    static const char text[] = "{\"a\":{\"b\":\"x\",\"n\":\"12\",\"f\":true,\"nothing\":null},\"m\":7,\"l\":[1,2]}";
    struct json_object *d = rest_json_parse(text, sizeof text - 1, "test", &err);
    CU_ASSERT_FATAL(d != NULL);
    ASSERT_TEXT(rest_json_text(d, "a.b"), "x");
    CU_ASSERT(!rest_json_text(d, "a.n.o") && !rest_json_text(d, "m") && !rest_json_text(d, "a.nothing"));
    CU_ASSERT(rest_json_number(d, "a.n", -1) == 12 && rest_json_number(d, "m", -1) == 7);
    CU_ASSERT(rest_json_number(d, "a.b", -1) == -1 && rest_json_number(d, "zz", -1) == -1);
    CU_ASSERT(rest_json_flag(d, "a.f") && !rest_json_flag(d, "a.b"));
    CU_ASSERT(rest_json_count(rest_json_at(d, "l")) == 2 && rest_json_count(d) == 0);
    json_object_put(d);
    d = rest_json_parse(" \n", 2, "test", &err);
    CU_ASSERT(d && json_object_object_length(d) == 0);
    json_object_put(d);
    static const char *const bad[] = {"{", "{} {}", "<html>", "{\"a\":}", "\"\xff\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT(!rest_json_parse(bad[i], strlen(bad[i]), "the answer", &err));
        CU_ASSERT(err.code == LB_ERR_UNREACHABLE);
        ASSERT_CONTAINS(err.message, "the answer: ");
    }
}

static void codes(void)
{
    CU_ASSERT(rest_code_of(400, "INVALID_PARAMETER_VALUE") == LB_ERR_INVALID);
    CU_ASSERT(rest_code_of(400, "INVALID_STATE") == LB_ERR_CONFLICT);
    CU_ASSERT(rest_code_of(400, "") == LB_ERR_INVALID);
    CU_ASSERT(rest_code_of(400, "FEATURE_DISABLED") == LB_ERR_UNSUPPORTED);
    CU_ASSERT(rest_code_of(401, "") == LB_ERR_DENIED && rest_code_of(403, "NEW_CODE") == LB_ERR_DENIED);
    CU_ASSERT(rest_code_of(404, "") == LB_ERR_NOT_FOUND && rest_code_of(404, "NOT_FOUND") == LB_ERR_NOT_FOUND);
    CU_ASSERT(rest_code_of(404, "ENDPOINT_NOT_FOUND") == LB_ERR_UNSUPPORTED);
    CU_ASSERT(rest_code_of(400, "CATALOG_DOES_NOT_EXIST") == LB_ERR_NOT_FOUND);
    CU_ASSERT(rest_code_of(404, "METASTORE_DOES_NOT_EXIST") == LB_ERR_UNSUPPORTED);
    CU_ASSERT(rest_code_of(409, "ALREADY_EXISTS") == LB_ERR_CONFLICT);
    CU_ASSERT(rest_code_of(429, "") == LB_ERR_LIMIT && rest_code_of(400, "QUOTA_EXCEEDED") == LB_ERR_LIMIT);
    CU_ASSERT(rest_code_of(500, "INTERNAL_ERROR") == LB_ERR_UNREACHABLE);
    CU_ASSERT(rest_code_of(501, "") == LB_ERR_UNSUPPORTED && rest_code_of(503, "") == LB_ERR_UNREACHABLE);
    CU_ASSERT(rest_code_of(504, "") == LB_ERR_TIMEOUT && rest_code_of(302, "") == LB_ERR_UNREACHABLE);
}

SUITE(rest_text, TEST(times), TEST(durations), TEST(hiding), TEST(lines), TEST(buffers), TEST(documents), TEST(codes))
