/* lbops/value.h: the values that cross the line between a plugin and its host.
 *
 * One tagged struct serves for query arguments, result cells, records, events and results. A list of named values is an
 * array that ends with a zeroed element; LB_ARGS writes it. Pointers inside a value are borrowed: whoever receives a
 * value in a call copies what it keeps before it returns. */
#ifndef LBOPS_VALUE_H
#define LBOPS_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lb_type {
    LB_END = 0,         /* ends an array of named values */
    LB_TEXT = 1,        /* UTF-8, never with a NUL inside */
    LB_IDENT = 2,       /* one SQL identifier, unquoted here; the composer quotes it */
    LB_I64 = 3,         /* 64-bit integer */
    LB_F64 = 4,         /* double; NaN and infinities travel as text in JSON */
    LB_BOOL = 5,        /* */
    LB_TIME = 6,        /* microseconds since 1970-01-01T00:00:00Z, in .i64 */
    LB_JSON = 7,        /* one JSON document, as text */
    LB_NUMERIC = 8,     /* exact decimal, as text */
    LB_NULL = 9,        /* no value */
    LB_OBJECT = 10,     /* named values, in .items */
    LB_SQL = 11,        /* a composed piece of SQL, in .sql */
    LB_SQLTYPE = 12,    /* the name of an SQL type, such as numeric(10,2) */
    LB_SECRET = 13,     /* text that never reaches a log; service parameters only */
    LB_DEFINITION = 14, /* SQL as a server prints it: an expression, a constraint, a whole CREATE */
    LB_LIST = 0x100     /* a flag: LB_LIST | LB_TEXT is a list of texts */
} lb_type;

#define LB_LIST_OF(type) ((lb_type)(LB_LIST | (type)))
#define LB_ELEMENT(type) ((lb_type)((unsigned)(type) & ~(unsigned)LB_LIST))

typedef struct lb_sql lb_sql; /* a composed statement or fragment; made by the host, lives until the run ends */

typedef struct lb_value {
    const char *name; /* NULL for the items of a list */
    lb_type type;
    uint32_t count; /* items of a list */
    union {
        const char *text; /* LB_TEXT, LB_IDENT, LB_JSON, LB_NUMERIC, LB_SQLTYPE, LB_SECRET, LB_DEFINITION */
        int64_t i64;      /* LB_I64, LB_TIME */
        double f64;
        bool flag;
        const struct lb_value *items; /* LB_OBJECT (ends with LB_END) and lists (count items) */
        const lb_sql *sql;
    } v;
} lb_value;

#ifndef __cplusplus

/* An array of named values for one call: LB_ARGS(lb_i64("days", 7), lb_text("schema", name)). */
#define LB_ARGS(...) ((const lb_value[]){__VA_ARGS__, {.type = LB_END}})
#define LB_NO_ARGS   ((const lb_value[]){{.type = LB_END}})

static inline lb_value lb_null(const char *name)
{
    return (lb_value){.name = name, .type = LB_NULL};
}

/* The text kinds take NULL for "no value", so that a nullable column can be passed on as it came. */
static inline lb_value lb_textual(const char *name, lb_type type, const char *text)
{
    return text ? (lb_value){.name = name, .type = type, .v.text = text} : lb_null(name);
}

static inline lb_value lb_text(const char *name, const char *text)
{
    return lb_textual(name, LB_TEXT, text);
}

static inline lb_value lb_ident(const char *name, const char *identifier)
{
    return lb_textual(name, LB_IDENT, identifier);
}

static inline lb_value lb_json(const char *name, const char *document)
{
    return lb_textual(name, LB_JSON, document);
}

static inline lb_value lb_numeric(const char *name, const char *digits)
{
    return lb_textual(name, LB_NUMERIC, digits);
}

static inline lb_value lb_sqltype(const char *name, const char *type_name)
{
    return lb_textual(name, LB_SQLTYPE, type_name);
}

static inline lb_value lb_definition(const char *name, const char *server_text)
{
    return lb_textual(name, LB_DEFINITION, server_text);
}

static inline lb_value lb_i64(const char *name, int64_t i64)
{
    return (lb_value){.name = name, .type = LB_I64, .v.i64 = i64};
}

static inline lb_value lb_f64(const char *name, double f64)
{
    return (lb_value){.name = name, .type = LB_F64, .v.f64 = f64};
}

static inline lb_value lb_bool(const char *name, bool flag)
{
    return (lb_value){.name = name, .type = LB_BOOL, .v.flag = flag};
}

static inline lb_value lb_time(const char *name, int64_t microseconds)
{
    return (lb_value){.name = name, .type = LB_TIME, .v.i64 = microseconds};
}

static inline lb_value lb_object(const char *name, const lb_value *members)
{
    return (lb_value){.name = name, .type = LB_OBJECT, .v.items = members};
}

static inline lb_value lb_list(const char *name, lb_type element, const lb_value *items, size_t count)
{
    return (lb_value){.name = name, .type = LB_LIST_OF(element), .count = (uint32_t)count, .v.items = items};
}

static inline lb_value lb_sql_value(const char *name, const lb_sql *sql)
{
    return sql ? (lb_value){.name = name, .type = LB_SQL, .v.sql = sql} : lb_null(name);
}

#endif /* !__cplusplus */

/* What a list parameter looks like in a tool's own struct. */
typedef struct lb_texts {
    const char *const *items;
    size_t count;
} lb_texts;

typedef struct lb_i64s {
    const int64_t *items;
    size_t count;
} lb_i64s;

typedef struct lb_f64s {
    const double *items;
    size_t count;
} lb_f64s;

typedef struct lb_bools {
    const bool *items;
    size_t count;
} lb_bools;

#define LB_TIME_NONE INT64_MIN /* an optional timestamp parameter that was not given */

#ifdef __cplusplus
}
#endif
#endif
