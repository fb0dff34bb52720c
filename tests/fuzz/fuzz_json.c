/* fuzz_json: what json_check takes, json-c takes too and gives back as JSON; what json_string writes is JSON and reads
 * back. */
#include "json.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_document(const char *text, size_t length)
{
    lb_error err = {0};
    bool accepted = json_check(text, length, &err) == 0;
    require(accepted || (err.code == LB_ERR_INVALID && err.message[0]));
    JSON_AUTO *object = json_parse(text, length, &err);
    if (!accepted) {
        require(!object);
        return;
    }
    if (!object) {
        require(err.code == LB_ERR_INVALID && strcmp(err.message, "the JSON document is null") == 0);
        return;
    }
    size_t printed_length = 0;
    const char *printed = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &printed_length);
    if (json_check(printed, printed_length, &err) < 0) /* numbers out of range: json-c prints infinities bare */
        require(strstr(printed, "Infinity") != NULL);
}

static void check_string(const char *text, size_t length)
{
    lb_error err = {0};
    BUF_AUTO b = BUF_INIT(SIZE_MAX / 4);
    LB_AUTO_FREE char *copy = base_alloc(length + 1);
    memcpy(copy, text, length);
    json_string(&b, copy);
    require(!b.overflow && json_check(b.data, b.length, &err) == 0);
    JSON_AUTO *object = json_parse(b.data, b.length, &err);
    require(object != NULL);
    if (json_is_utf8(copy, strlen(copy)))
        require(strcmp(json_object_get_string(object), copy) == 0);
}

static void check_numbers(const uint8_t *data)
{
    lb_error err = {0};
    double number;
    int64_t integer;
    BUF_AUTO b = BUF_INIT(200);
    memcpy(&number, data, sizeof number);
    memcpy(&integer, data, sizeof integer);
    json_double(&b, number);
    require(json_check(b.data, b.length, &err) == 0);
    if (isfinite(number))
        require(strtod(b.data, NULL) == number);
    buf_clear(&b);
    json_double(&b, (double)integer / 1000000);
    require(strtod(b.data, NULL) == (double)integer / 1000000);
    buf_clear(&b);
    json_i64(&b, integer);
    require(strtoll(b.data, NULL, 10) == integer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_document((const char *)data, size);
    check_string((const char *)data, size);
    if (size >= sizeof(double))
        check_numbers(data);
    return 0;
}
