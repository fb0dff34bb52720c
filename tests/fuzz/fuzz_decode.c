/* A cell of any column: first byte the type, the rest the text. What decodes must go to the server and come back the
 * same. */
#include "bind.h"
#include "decode.h"
#include "json.h"

static const struct {
    lb_type type;
    const char *pgtype, *pgtypes;
} types[] = {{LB_TEXT, "text", "text[]"},
             {LB_I64, "int8", "int8[]"},
             {LB_F64, "float8", "float8[]"},
             {LB_BOOL, "bool", "bool[]"},
             {LB_JSON, "jsonb", "jsonb[]"},
             {LB_NUMERIC, "numeric", "numeric[]"},
             {LB_TIME, "timestamptz", "timestamptz[]"}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const lb_value *a, const lb_value *b)
{
    lb_error err;
    BUF_AUTO first = BUF_INIT((size_t)1 << 24);
    BUF_AUTO second = BUF_INIT((size_t)1 << 24);
    if (json_value(&first, a, &err) < 0 || json_value(&second, b, &err) < 0)
        abort();
    if (strcmp(buf_text(&first), buf_text(&second)) != 0)
        abort();
}

/* A year that the clock's text cannot hold is refused, and that is the only reason. */
static bool holds_far_times(const lb_value *value)
{
    if (LB_ELEMENT(value->type) != LB_TIME)
        return false;
    for (uint32_t i = 0; (value->type & LB_LIST) && i < value->count; i++)
        if (holds_far_times(&value->v.items[i]))
            return true;
    return !(value->type & LB_LIST) &&
           (value->v.i64 < INT64_C(-62135596800000000) || value->v.i64 > INT64_C(253402300799999999));
}

static void check_round_trip(const lb_column *column, const char *pgtype, const lb_value *value, arena *memory)
{
    const lb_statement_param param = {
        .name = "p", .type = column->type, .pgtype = pgtype, .nullable = column->nullable};
    const char *text = NULL;
    lb_value again;
    lb_error err;
    if (bind_check(&param, value, &err) < 0) {
        if (!holds_far_times(value))
            abort();
        return;
    }
    BUF_AUTO literal = BUF_INIT((size_t)1 << 24);
    bind_literal(&literal, &param, value, BIND_EXPRESSION);
    if (literal.overflow || !literal.length)
        abort();
    if (bind_text(value, memory, &text, &err) < 0 || !text)
        abort();
    if (decode_cell(column, text, memory, &again, &err) < 0)
        abort();
    compare(value, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 4096)
        return 0;
    size_t kind = (data[0] & 0x7fU) % (LB_COUNT(types) * 2);
    bool list = kind >= LB_COUNT(types);
    kind %= LB_COUNT(types);
    const lb_column column = {
        .name = "c", .type = list ? LB_LIST_OF(types[kind].type) : types[kind].type, .nullable = data[0] & 0x80U};
    arena memory;
    arena_init(&memory, (size_t)1 << 24);
    char *cell = arena_strndup(&memory, (const char *)data + 1, size - 1);
    lb_value value = {.type = LB_END};
    lb_error err = {.code = 0};
    int r = cell ? decode_cell(&column, cell, &memory, &value, &err) : 0;
    if (r < 0 && (value.type != LB_END || err.code != r || !err.message[0]))
        abort();
    if (cell && r == 0)
        check_round_trip(&column, list ? types[kind].pgtypes : types[kind].pgtype, &value, &memory);
    arena_done(&memory);
    return 0;
}
