/* compose_host.h: a host that composes and answers with prepared rows, for
 * the typed functions of statements' headers. */
#ifndef LBOPS_TESTS_COMPOSE_HOST_H
#define LBOPS_TESTS_COMPOSE_HOST_H

#include "compose.h"
#include "suite.h"

#include <sql/sample/everything.h>

static arena memory;
static const lb_value *next_row;
static LB_UNUSED bool starving;

static const char *const no_values[20];

/* What an out parameter holds until a call succeeds. */
static LB_UNUSED const lb_sql untouched = {
    .text = "untouched", .display = "untouched", .params = no_values, .param_types = no_values};
static LB_UNUSED const lb_sql *last_sql = &untouched;

static inline void *host_alloc(lb_ctx *ctx, size_t bytes)
{
    (void)ctx; /* the arena is the test's */
    return starving ? NULL : arena_alloc(&memory, bytes);
}

static inline int host_compose(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, const lb_sql **ret_sql,
                               lb_error *err)
{
    (void)ctx; /* as above */
    return compose(statement, args, 17, &memory, ret_sql, err);
}

static inline int host_query(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, lb_rows **ret_rows,
                             lb_error *err)
{
    (void)ctx; /* as above */
    *ret_rows = NULL;
    return compose(statement, args, 17, &memory, &last_sql, err);
}

static inline int host_change(lb_group *group, const lb_statement *statement, const lb_value *args, lb_error *err)
{
    (void)group; /* nothing is applied */
    return compose(statement, args, 17, &memory, &last_sql, err);
}

static inline const lb_value *host_next(lb_rows *rows)
{
    (void)rows; /* there is one row at most */
    const lb_value *row = next_row;
    next_row = NULL;
    return row;
}

static const lb_host host = {.size = sizeof host,
                             .alloc = host_alloc,
                             .compose = host_compose,
                             .query = host_query,
                             .change_sql = host_change,
                             .next = host_next};
static LB_UNUSED lb_ctx ctx = {.host = &host};
static LB_UNUSED lb_error err;

static inline int compose_17(const lb_statement *statement, const lb_value *args, const lb_sql **ret_sql)
{
    memset(&err, 0, sizeof err);
    return compose(statement, args, 17, &memory, ret_sql, &err);
}

/* Arguments of sample/everything, to begin with. */
static LB_UNUSED const char *const texts[] = {"plain", "with \"quotes\", {braces} and \\", NULL, "NULL", ""};
static LB_UNUSED const int64_t integers[] = {0, -7, INT32_MAX};
static LB_UNUSED const double numbers[] = {0.1, -1e300};
static LB_UNUSED const bool flags[] = {true, false};
static LB_UNUSED const int64_t times[] = {0, INT64_MAX, INT64_MIN + 1, INT64_C(1769903999123456)};
static LB_UNUSED const char *const documents[] = {"{\"a\": \"it's\"}", "null"};
static LB_UNUSED const char *const numerics[] = {"12345678901234567890.123", "NaN", "-1"};
static LB_UNUSED const char *const identifiers[] = {"plain_1", "Mixed Case", "a\"b", "select", "1st", "größe"};

static inline sample_everything_args good_everything(void)
{
    return (sample_everything_args){.a_text = "it's",
                                    .an_integer = -5,
                                    .an_oid = 16384,
                                    .a_number = 2.5,
                                    .a_flag = true,
                                    .a_time = INT64_C(1769903999123456),
                                    .a_json = "{\"a\": [1, \"x\\\\y\"]}",
                                    .a_numeric = "-0.10",
                                    .some_texts = {texts, LB_COUNT(texts)},
                                    .some_integers = {integers, LB_COUNT(integers)},
                                    .some_numbers = {numbers, LB_COUNT(numbers)},
                                    .some_flags = {flags, LB_COUNT(flags)},
                                    .some_times = {times, LB_COUNT(times)},
                                    .some_json = {documents, LB_COUNT(documents)},
                                    .some_numerics = {numerics, LB_COUNT(numerics)},
                                    .an_identifier = "x y",
                                    .some_identifiers = {identifiers, LB_COUNT(identifiers)},
                                    .a_type = "numeric(10,2)"};
}

#endif
