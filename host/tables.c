#include "tables.h"

#include "json.h"
#include "nearest.h"

#include <errno.h>
#include <lbops/number.h>
#include <math.h>

/* The definitions, read three times: the columns, a check of their number, the tables. */
#define NAMED(text) .name = (text), .member = ",\"" text "\":", .member_length = sizeof(text) + 3
#define STANDARD_COLUMNS                                                                                               \
    {NAMED("project_id"), LB_TEXT, false, "the project; null: the whole workspace"},                                   \
        {NAMED("branch_id"), LB_TEXT, false, "the branch; null: the whole project"},                                   \
        {NAMED("run_id"), LB_TEXT, true, "the run that wrote the row"},
enum { PROJECT_ID, BRANCH_ID, RUN_ID };

#define TABLE(table, partition, days, text) static const table_column table##_columns[] = {STANDARD_COLUMNS
#define REQUIRED(column, kind, text)        {NAMED(#column), LB_##kind, true, text},
#define COLUMN(column, kind, text)          {NAMED(#column), LB_##kind, false, text},
#define END(table)                                                                                                     \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }                                                                                                                  \
    }                                                                                                                  \
    ;                                                                                                                  \
    _Static_assert(LB_COUNT(table##_columns) <= TABLE_COLUMNS_MAX + 1, "raise TABLE_COLUMNS_MAX");
#include "tables.def"
#undef TABLE
#undef REQUIRED
#undef COLUMN
#undef END

#define TABLE(table, partition, days, text)                                                                            \
    {                                                                                                                  \
        .name = #table,                                                                                                \
        .doc = (text),                                                                                                 \
        .partition_time = (partition),                                                                                 \
        .retention_days = (days),                                                                                      \
        .columns = table##_columns,                                                                                    \
        .column_count = LB_COUNT(table##_columns) - 1,                                                                 \
    },
#define REQUIRED(column, kind, text)
#define COLUMN(column, kind, text)
#define END(table)
static const table_def tables[] = {
#include "tables.def"
};

size_t table_count(void)
{
    return LB_COUNT(tables);
}

const table_def *table_at(size_t index)
{
    return index < LB_COUNT(tables) ? &tables[index] : NULL;
}

const table_def *table_find(const char *name)
{
    for (size_t i = 0; i < LB_COUNT(tables); i++)
        if (strcmp(tables[i].name, name) == 0)
            return &tables[i];
    return NULL;
}

const char *table_nearest(const char *name)
{
    const char *names[LB_COUNT(tables)];
    for (size_t i = 0; i < LB_COUNT(tables); i++)
        names[i] = tables[i].name;
    return nearest_name(name, names, LB_COUNT(names));
}

const char *table_type_name(lb_type type)
{
    static const char *const names[] = {
        [LB_END] = "nothing",      [LB_TEXT] = "text",     [LB_IDENT] = "identifier",      [LB_I64] = "integer",
        [LB_F64] = "double",       [LB_BOOL] = "boolean",  [LB_TIME] = "timestamp",        [LB_JSON] = "json",
        [LB_NUMERIC] = "numeric",  [LB_NULL] = "null",     [LB_OBJECT] = "object",         [LB_SQL] = "composed SQL",
        [LB_SQLTYPE] = "SQL type", [LB_SECRET] = "secret", [LB_DEFINITION] = "definition",
    };
    if (type & LB_LIST)
        return "list";
    return (size_t)type < LB_COUNT(names) ? names[type] : "unknown type";
}

bool table_value_is_null(const lb_value *value)
{
    switch (value->type) {
    case LB_NULL:
        return true;
    case LB_TEXT:
    case LB_IDENT:
    case LB_JSON:
    case LB_NUMERIC:
    case LB_SQLTYPE:
    case LB_DEFINITION:
        return !value->v.text;
    case LB_TIME:
        return value->v.i64 == LB_TIME_NONE;
    default:
        return false;
    }
}

/* ---- one record ---- */

/* A record with its values in the order of the table's columns; NULL where there is none. */
typedef struct record {
    const table_def *table;
    const lb_value *values[TABLE_COLUMNS_MAX];
} record;

static int unknown_column(const table_def *table, const char *name, lb_error *err)
{
    const char *names[TABLE_COLUMNS_MAX];
    char hint[160];
    for (size_t i = 0; i < table->column_count; i++)
        names[i] = table->columns[i].name;
    const char *nearest = nearest_name(name, names, table->column_count);
    (void)snprintf(hint, sizeof hint, "did you mean %s?", nearest ? nearest : ""); /* our own names are short */
    return lb_fail(err, LB_ERR_INVALID, nearest ? hint : "see the table's columns in the docs",
                   "history table %s has no column %s", table->name, name);
}

/* Tools give values in the table's order more often than not, so the search goes on where the last one ended. */
static size_t find_column(const table_def *table, const char *name, size_t from)
{
    for (size_t n = 0; n < table->column_count; n++) {
        size_t i = from + n < table->column_count ? from + n : from + n - table->column_count;
        if (strcmp(table->columns[i].name, name) == 0)
            return i;
    }
    return table->column_count;
}

static int match_columns(record *r, const lb_value *values, lb_error *err)
{
    const table_def *table = r->table;
    const lb_value *seen[TABLE_COLUMNS_MAX] = {NULL};
    size_t next = RUN_ID + 1;
    for (const lb_value *v = values; v->type != LB_END; v++) {
        if (!v->name)
            return lb_fail(err, LB_ERR_INVALID, "name each value after its column",
                           "a value for history table %s has no name", table->name);
        size_t i = find_column(table, v->name, next);
        if (i == table->column_count)
            return unknown_column(table, v->name, err);
        if (i == RUN_ID)
            return lb_fail(err, LB_ERR_INVALID, "leave it out: the host fills it", "%s.run_id cannot be given",
                           table->name);
        if (seen[i])
            return lb_fail(err, LB_ERR_INVALID, NULL, "%s.%s is given twice", table->name, v->name);
        seen[i] = v;
        r->values[i] = table_value_is_null(v) ? NULL : v;
        next = i + 1 < table->column_count ? i + 1 : 0;
    }
    return 0;
}

static int wrong_type(const table_def *table, const table_column *column, const lb_value *value, lb_error *err)
{
    return lb_fail(err, LB_ERR_INVALID, NULL, "%s.%s is of type %s and cannot take one of type %s", table->name,
                   column->name, table_type_name(column->type), table_type_name(value->type));
}

static int put_text(buf *into, const table_def *table, const table_column *column, const char *text, lb_error *err)
{
    if (!json_is_utf8(text, strlen(text)))
        return lb_fail(err, LB_ERR_INVALID, "convert it to UTF-8 first", "%s.%s: text is not UTF-8", table->name,
                       column->name);
    json_string(into, text);
    return 0;
}

/* The significant digits of a plain decimal ("-0012.340" has 1234) and the power of ten of the first; false for what is
 * not one. NaN and infinities are none. */
typedef struct decimal {
    char digits[48];
    int count, exponent;
    bool negative;
} decimal;

static bool read_decimal(const char *text, decimal *d)
{
    const char *p = text;
    int point = -1, seen = 0, zeros = 0;
    *d = (decimal){.negative = *p == '-'};
    p += *p == '-' || *p == '+';
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && point < 0); p++) {
        if (*p == '.') {
            point = seen;
            continue;
        }
        seen++;
        if (*p == '0') {
            zeros += d->count > 0; /* counts only when another digit follows */
            continue;
        }
        if (d->count + zeros >= (int)sizeof d->digits - 1)
            return false; /* more digits than any of our types holds */
        if (d->count == 0)
            d->exponent = -seen;
        memset(d->digits + d->count, '0', (size_t)zeros);
        d->count += zeros;
        zeros = 0;
        d->digits[d->count++] = *p;
    }
    d->exponent += point < 0 ? seen : point;
    return *p == '\0' && seen > 0 && seen < 2000;
}

static bool exact_integer(const char *text, int64_t *ret)
{
    decimal d;
    char digits[80];
    if (!read_decimal(text, &d))
        return false;
    if (d.count == 0) {
        *ret = 0;
        return true;
    }
    if (d.exponent < d.count - 1 || d.exponent > 18)
        return false; /* a fraction, or 20 digits */
    (void)snprintf(digits, sizeof digits, "%s%s%.*s", d.negative ? "-" : "", d.digits, d.exponent + 1 - d.count,
                   "0000000000000000000"); /* a sign, 19 digits */
    errno = 0;
    *ret = strtoll(digits, NULL, 10);
    return errno == 0;
}

/* Exact: the double, printed with as many digits, is the decimal again. */
static bool exact_double(const char *text, double *ret)
{
    decimal d;
    char printed[80], wanted[80];
    if (strcmp(text, "NaN") == 0 || strcmp(text, "Infinity") == 0 || strcmp(text, "-Infinity") == 0) {
        *ret = strtod(text, NULL);
        return true;
    }
    if (!read_decimal(text, &d))
        return false;
    double number = strtod(text, NULL);
    *ret = number;
    if (d.count == 0)
        return true;
    (void)snprintf(printed, sizeof printed, "%.*e", d.count - 1, number); /* at most 47 digits and an exponent */
    (void)snprintf(wanted, sizeof wanted, "%s%c%s%.*se%c%02d", d.negative ? "-" : "", d.digits[0],
                   d.count > 1 ? "." : "", d.count - 1, d.digits + 1, d.exponent < 0 ? '-' : '+',
                   abs(d.exponent)); /* the same */
    return strcmp(printed, wanted) == 0;
}

static int inexact(const table_def *table, const table_column *column, const lb_value *value, lb_error *err)
{
    return lb_fail(err, LB_ERR_INVALID, "round it or cast it (::float8, ::int8) in the query",
                   "%s.%s: %.60s is no exact %s", table->name, column->name, value->v.text,
                   table_type_name(column->type));
}

static int put_integer(buf *into, const table_def *table, const table_column *column, const lb_value *value,
                       lb_error *err)
{
    int64_t number = value->v.i64;
    if (value->type == LB_NUMERIC) {
        if (!exact_integer(value->v.text, &number))
            return inexact(table, column, value, err);
    } else if (value->type != LB_I64) {
        return wrong_type(table, column, value, err);
    }
    json_i64(into, number);
    return 0;
}

static int put_double(buf *into, const table_def *table, const table_column *column, const lb_value *value,
                      lb_error *err)
{
    double number = 0;
    switch (value->type) {
    case LB_F64:
        json_double(into, value->v.f64);
        return 0;
    case LB_I64:
        json_i64(into, value->v.i64);
        return 0;
    case LB_NUMERIC:
        if (!exact_double(value->v.text, &number))
            return inexact(table, column, value, err);
        json_double(into, number);
        return 0;
    default:
        return wrong_type(table, column, value, err);
    }
}

/* The column is a string in Delta, so the document goes in as a string. */
static int put_json(buf *into, const table_def *table, const table_column *column, const lb_value *value, lb_error *err)
{
    if (value->type != LB_JSON && value->type != LB_OBJECT && !(value->type & LB_LIST))
        return wrong_type(table, column, value, err);
    BUF_AUTO document = BUF_INIT(TABLE_ROW_MAX);
    if (json_value(&document, value, err) < 0) {
        char where[130];
        (void)snprintf(where, sizeof where, "%s.%s", table->name, column->name); /* two short names */
        return lb_wrap(err, where);
    }
    if (document.overflow)
        return lb_fail(err, LB_ERR_LIMIT, "keep less of it", "%s.%s is longer than %zu bytes", table->name,
                       column->name, TABLE_ROW_MAX);
    json_string(into, buf_text(&document));
    return 0;
}

static int put_column(buf *into, const table_def *table, const table_column *column, const lb_value *value,
                      lb_error *err)
{
    switch (column->type) {
    case LB_TEXT:
        if (value->type != LB_TEXT && value->type != LB_IDENT && value->type != LB_SQLTYPE)
            return wrong_type(table, column, value, err);
        return put_text(into, table, column, value->v.text, err);
    case LB_I64:
        return put_integer(into, table, column, value, err);
    case LB_F64:
        return put_double(into, table, column, value, err);
    case LB_JSON:
        return put_json(into, table, column, value, err);
    case LB_BOOL:
        if (value->type != LB_BOOL)
            return wrong_type(table, column, value, err);
        buf_puts(into, value->v.flag ? "true" : "false");
        return 0;
    default:
        if (value->type != LB_TIME)
            return wrong_type(table, column, value, err);
        json_time(into, value->v.i64);
        return 0;
    }
}

/* Our own names need no escapes. */
static const char *member_of(const buf *into, const table_column *column, size_t *ret_length)
{
    bool is_first = into->data[into->length - 1] == '{';
    *ret_length = column->member_length - is_first;
    return column->member + is_first;
}

static void put_name(buf *into, const table_column *column)
{
    size_t length;
    const char *member = member_of(into, column, &length);
    buf_put(into, member, length);
}

/* Most values are numbers, and of these most are 0: name and digits go in at once. False: it is none of these, or there
 * may be no room for it. */
static bool put_number(buf *into, const table_column *column, const lb_value *value)
{
    bool is_i64 = value->type == LB_I64, is_f64 = value->type == LB_F64 && isfinite(value->v.f64);
    size_t length, most = column->member_length + LB_NUMBER_TEXT;
    if (value->type != column->type || (!is_i64 && !is_f64) || into->limit - into->length < most)
        return false;
    const char *member = member_of(into, column, &length);
    char *room = buf_reserve(into, most);
    if (!room)
        return true; /* looked at in the end */
    memcpy(room, member, length);
    if (is_i64)
        length += lb_i64_text(value->v.i64, room + length);
    else
        length += lb_double_text(value->v.f64, room + length);
    buf_commit(into, length);
    return true;
}

static int put_record(buf *into, const record *r, lb_error *err)
{
    buf_puts(into, "{");
    for (size_t i = 0; i < r->table->column_count && !into->overflow; i++) {
        const table_column *column = &r->table->columns[i];
        if (!r->values[i]) {
            if (column->required)
                return lb_fail(err, LB_ERR_INVALID, column->doc, "%s.%s is required", r->table->name, column->name);
            continue;
        }
        if (put_number(into, column, r->values[i]))
            continue;
        put_name(into, column);
        int result = put_column(into, r->table, column, r->values[i], err);
        if (result < 0)
            return result;
    }
    buf_puts(into, "}");
    return 0;
}

int table_encode(const table_def *table, const lb_value *values, const lb_target *target, const char *run_id, buf *into,
                 lb_error *err)
{
    record r = {.table = table};
    int result = match_columns(&r, values, err);
    if (result < 0)
        return result;
    const lb_value project = lb_text(NULL, target ? target->project : NULL);
    const lb_value branch = lb_text(NULL, target ? target->branch : NULL);
    const lb_value run = lb_text(NULL, run_id);
    if (!r.values[BRANCH_ID] && !r.values[PROJECT_ID] && branch.type == LB_TEXT)
        r.values[BRANCH_ID] = &branch; /* never our branch beside a project of the record's own */
    if (!r.values[PROJECT_ID] && project.type == LB_TEXT)
        r.values[PROJECT_ID] = &project;
    r.values[RUN_ID] = run.type == LB_TEXT ? &run : NULL;

    if (into->overflow)
        return lb_fail(err, LB_ERR_LIMIT, NULL, "no room for a row of history table %s", table->name);
    size_t before = into->length;
    result = put_record(into, &r, err);
    if (result == 0 && (into->overflow || into->length - before > TABLE_ROW_MAX))
        result = lb_fail(err, LB_ERR_LIMIT, "cut the long texts in it", "a row of history table %s is too long",
                         table->name);
    if (result < 0)
        buf_cut(into, before);
    return result;
}

/* ---- what the docs print ---- */

static void markdown_table(buf *into, const table_def *table)
{
    buf_printf(into, "## %s\n\n%s.\n\n", table->name, table->doc);
    if (table->partition_time)
        buf_printf(into, "Partitioned by the date of `%s`. ", table->partition_time);
    if (table->retention_days)
        buf_printf(into, "Rows are kept for %d days.\n\n", table->retention_days);
    else
        buf_puts(into, "Rows are kept.\n\n");
    buf_puts(into, "| column | type | required | what it says |\n|---|---|---|---|\n");
    for (const table_column *c = table->columns; c->name; c++)
        buf_printf(into, "| `%s` | %s | %s | %s |\n", c->name, table_type_name(c->type), c->required ? "yes" : "",
                   c->doc);
    buf_puts(into, "\n");
}

void table_markdown(buf *into)
{
    for (size_t i = 0; i < LB_COUNT(tables); i++)
        markdown_table(into, &tables[i]);
}

static void json_table(buf *into, const table_def *table)
{
    buf_putc(into, '{');
    json_member_string(into, "name", table->name);
    json_member_string(into, "doc", table->doc);
    json_member_string(into, "partition_time", table->partition_time);
    json_member_i64(into, "retention_days", table->retention_days);
    json_key(into, "columns");
    buf_putc(into, '[');
    for (const table_column *c = table->columns; c->name; c++) {
        json_comma(into);
        buf_putc(into, '{');
        json_member_string(into, "name", c->name);
        json_member_string(into, "type", table_type_name(c->type));
        json_member_bool(into, "required", c->required);
        json_member_string(into, "doc", c->doc);
        buf_putc(into, '}');
    }
    buf_puts(into, "]}");
}

void table_json(buf *into)
{
    buf_putc(into, '[');
    for (size_t i = 0; i < LB_COUNT(tables); i++) {
        json_comma(into);
        json_table(into, &tables[i]);
    }
    buf_putc(into, ']');
}
