/* The statements come first: their functions have parameters named like the host's variables. */
#include <sql/sample/by_version.h>
#include <sql/sample/constant.h>
#include <sql/sample/count_rows.h>
#include <sql/sample/filter.h>
#include <sql/sample/partial_index.h>
#include <sql/sample/partition_list.h>
#include <sql/sample/set_setting.h>

#include "compose_host.h"
#include "quote.h"

#include <math.h>
#include <pg_query.h>

/* ---- variants ---- */

static void takes_the_variant_of_the_server(void)
{
    static const struct {
        int major;
        const char *text;
    } cases[] = {{15, "SELECT 'old'::text AS taken"},
                 {16, "SELECT 'middle'::text AS taken"},
                 {17, "SELECT 'new'::text AS taken"},
                 {23, "SELECT 'new'::text AS taken"},
                 {0, "SELECT 'new'::text AS taken"}};
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        const lb_sql *sql = &untouched;
        CU_ASSERT_EQUAL(compose(&sample_by_version_sql, NULL, cases[i].major, &memory, &sql, &err), 0);
        ASSERT_TEXT(sql->text, cases[i].text);
        CU_ASSERT_PTR_EQUAL(sql->display, sql->text);
        CU_ASSERT_EQUAL(sql->param_count, 0);
    }
}

static void refuses_servers_outside_of_the_range(void)
{
    const lb_sql *sql = &untouched;
    CU_ASSERT_EQUAL(compose(&sample_by_version_sql, NULL, 14, &memory, &sql, &err), LB_ERR_UNSUPPORTED);
    ASSERT_CONTAINS(err.message, "sample/by_version");
    ASSERT_CONTAINS(err.message, "14");
    CU_ASSERT_EQUAL(compose(&sample_partition_list_sql, NULL, 19, &memory, &sql, &err), LB_ERR_UNSUPPORTED);
    ASSERT_CONTAINS(err.message, "15 to 18");
}

/* ---- quoting ---- */

static void quotes_identifiers(void)
{
    static const struct {
        const char *identifier, *quoted;
    } cases[] = {{"plain", "plain"},
                 {"_x$1", "_x$1"},
                 {"orders_2024", "orders_2024"},
                 {"Orders", "\"Orders\""},
                 {"1st", "\"1st\""},
                 {"$x", "\"$x\""},
                 {"a b", "\"a b\""},
                 {"a\"b", "\"a\"\"b\""},
                 {"a.b", "\"a.b\""},
                 {"größe", "\"größe\""},
                 {"select", "\"select\""},
                 {"user", "\"user\""},
                 {"all", "\"all\""},
                 {"xmltable", "\"xmltable\""},
                 {"system_user", "\"system_user\""},
                 {"name", "name"},
                 {"a\nb", "\"a\nb\""},
                 {"--", "\"--\""},
                 {"\\", "\"\\\""},
                 {"'", "\"'\""}};
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        BUF_AUTO b = BUF_INIT(200);
        CU_ASSERT_EQUAL(quote_ident(&b, cases[i].identifier, &err), 0);
        ASSERT_TEXT(buf_text(&b), cases[i].quoted);
    }
}

static void quotes_literals(void)
{
    static const struct {
        const char *text, *quoted;
    } cases[] = {{"", "''"},
                 {"plain", "'plain'"},
                 {"it's", "'it''s'"},
                 {"''", "''''''"},
                 {"$$", "'$$'"},
                 {"\\", "E'\\\\'"},
                 {"\\'", "E'\\\\'''"},
                 {"a\nb", "'a\nb'"},
                 {"-- x", "'-- x'"},
                 {"é", "'é'"},
                 {"/*", "'/*'"},
                 {"\"", "'\"'"},
                 {"\\x41'; --", "E'\\\\x41''; --'"}};
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        BUF_AUTO b = BUF_INIT(200);
        quote_literal(&b, cases[i].text);
        ASSERT_TEXT(buf_text(&b), cases[i].quoted);
    }
}

/* ---- what comes out ---- */

static void binds_values(void)
{
    static const struct {
        const char *type, *text;
    } want[] = {
        {"text", "it's"},
        {"int8", "-5"},
        {"oid", "16384"},
        {"float8", "2.5"},
        {"bool", "true"},
        {"timestamptz", "2026-01-31T23:59:59.123456Z"},
        {"jsonb", "{\"a\": [1, \"x\\\\y\"]}"},
        {"numeric", "-0.10"},
        {"text[]", "{\"plain\",\"with \\\"quotes\\\", {braces} and \\\\\",NULL,\"NULL\",\"\"}"},
        {"int4[]", "{0,-7,2147483647}"},
        {"float8[]", "{0.1,-1e+300}"},
        {"bool[]", "{true,false}"},
        {"timestamptz[]", "{1970-01-01T00:00:00.000000Z,infinity,-infinity,2026-01-31T23:59:59.123456Z}"},
        {"jsonb[]", "{\"{\\\"a\\\": \\\"it's\\\"}\",\"null\"}"},
        {"numeric[]", "{12345678901234567890.123,NaN,-1}"},
    };
    sample_everything_args e = good_everything();
    lb_rows *rows = NULL;
    CU_ASSERT_EQUAL(sample_everything(&ctx, &e, &rows, &err), 0);
    CU_ASSERT_EQUAL_FATAL(last_sql->param_count, LB_COUNT(want));
    for (size_t i = 0; i < LB_COUNT(want); i++) {
        ASSERT_TEXT(last_sql->param_types[i], want[i].type);
        ASSERT_TEXT(last_sql->params[i], want[i].text);
    }
    ASSERT_CONTAINS(last_sql->text, "SELECT $1 AS a_text,\n       $2 AS an_integer,\n       $3 AS an_oid,");
    ASSERT_CONTAINS(last_sql->text,
                    "$15 AS some_numerics,\n       $1 AS again,\n       NULL::numeric(10,2)::text AS typed");
    ASSERT_CONTAINS(last_sql->text, "':quoted' || $q$ :dollar $$ $q$ || E'\\':escaped' || \"value\"");
    ASSERT_CONTAINS(last_sql->text,
                    "(plain_1, \"Mixed Case\", \"a\"\"b\", \"select\", \"1st\", \"größe\") IS NOT NULL");
    CU_ASSERT_PTR_NULL(strstr(last_sql->text, "comment"));
    CU_ASSERT_PTR_NULL(strstr(last_sql->text, "the end"));
}

static void binds_nulls(void)
{
    sample_everything_args e = good_everything();
    e.a_text = e.a_json = NULL;
    e.an_integer_is_null = e.a_flag_is_null = e.a_time_is_null = e.some_integers_is_null = true;
    e.some_texts = (lb_texts){NULL, 0};
    const lb_sql *sql = &untouched;
    CU_ASSERT_EQUAL(sample_everything_compose(&ctx, &e, &sql, &err), 0);
    CU_ASSERT_EQUAL_FATAL(sql->param_count, 15);
    static const int nulls[] = {0, 1, 4, 5, 6, 9};
    for (size_t i = 0; i < LB_COUNT(nulls); i++)
        CU_ASSERT_PTR_NULL(sql->params[nulls[i]]);
    ASSERT_TEXT(sql->params[8], "{}");
    ASSERT_CONTAINS(sql->display, "SELECT NULL::text AS a_text,\n       NULL::int8 AS an_integer");
    ASSERT_CONTAINS(sql->display, "ARRAY[]::text[] AS some_texts,\n       NULL::int4[] AS some_integers");
}

static void displays_literals(void)
{
    sample_everything_args e = good_everything();
    const lb_sql *sql = &untouched;
    e.a_number = (double)INFINITY;
    CU_ASSERT_EQUAL(sample_everything_compose(&ctx, &e, &sql, &err), 0);
    static const char *const want[] = {
        "'it''s' AS a_text",
        "(-5) AS an_integer",
        "16384::oid AS an_oid",
        "'Infinity'::float8 AS a_number",
        "true AS a_flag",
        "'2026-01-31T23:59:59.123456Z'::timestamptz AS a_time",
        "E'{\"a\": [1, \"x\\\\\\\\y\"]}'::jsonb AS a_json",
        "(-0.10) AS a_numeric",
        "ARRAY['plain', E'with \"quotes\", {braces} and \\\\', NULL, 'NULL', '']::text[] AS some_texts",
        "ARRAY[0, -7, 2147483647]::int4[] AS some_integers",
        "ARRAY[0.1, -1e+300]::float8[] AS some_numbers",
        "ARRAY[true, false]::bool[] AS some_flags",
        "'infinity', '-infinity'",
        "ARRAY['{\"a\": \"it''s\"}', 'null']::jsonb[] AS some_json",
        "ARRAY[12345678901234567890.123, 'NaN', -1]::numeric[] AS some_numerics",
    };
    for (size_t i = 0; i < LB_COUNT(want); i++)
        ASSERT_CONTAINS(sql->display, want[i]);
    PgQueryParseResult parsed = pg_query_parse(sql->display);
    CU_ASSERT_PTR_NULL(parsed.error);
    pg_query_free_parse_result(parsed);
}

static void writes_literals_into_utility_statements(void)
{
    sample_partition_list_args args = {.name = "p1", .parent = "P", .keys = {integers, LB_COUNT(integers)}};
    CU_ASSERT_EQUAL(sample_partition_list(&ctx, NULL, &args, &err), 0);
    ASSERT_TEXT(last_sql->text, "CREATE TABLE p1 PARTITION OF \"P\" FOR VALUES IN (0, -7, 2147483647)");
    CU_ASSERT_PTR_EQUAL(last_sql->display, last_sql->text);
    CU_ASSERT_EQUAL(last_sql->param_count, 0);

    sample_set_setting_args setting = {.role = "joe", .setting = "seq_page_cost", .value = -0.5};
    CU_ASSERT_EQUAL(sample_set_setting(&ctx, NULL, &setting, &err), 0);
    ASSERT_TEXT(last_sql->text, "ALTER ROLE joe SET seq_page_cost = -0.5");
}

/* ---- pieces of SQL ---- */

static const lb_sql *filter(const char *column, int64_t least, const char *name)
{
    const char *names[] = {name, "$1"};
    sample_filter_args args = {.column = column, .least = least, .names = {names, 2}};
    const lb_sql *sql = &untouched;
    CU_ASSERT_EQUAL_FATAL(sample_filter_compose(&ctx, &args, &sql, &err), 0);
    return sql;
}

static void composes_a_fragment_alone(void)
{
    const lb_sql *sql = filter("relname", -3, "a");
    ASSERT_TEXT(sql->text, "AND ($1 < - $1 OR relname = ANY ($2))");
    ASSERT_TEXT(sql->display, "AND ((-3) < - (-3) OR relname = ANY (ARRAY['a', '$1']::text[]))");
    CU_ASSERT_EQUAL(sql->param_count, 2);
}

static const lb_sql *constant(const char *value, const char *name)
{
    sample_constant_args args = {.value = value, .name = name};
    const lb_sql *sql = &untouched;
    CU_ASSERT_EQUAL_FATAL(sample_constant_compose(&ctx, &args, &sql, &err), 0);
    return sql;
}

static void renumbers_the_values_of_fragments(void)
{
    const lb_sql *shown[] = {constant("one", "a"), constant("two", "b")};
    sample_count_rows_args args = {.shown = {shown, 2},
                                   .table = "pg_class",
                                   .filter = filter("relname", -3, "a"),
                                   .other = filter("$1", 4, "b"),
                                   .limit_rows = 9};
    const lb_sql *sql = &untouched;
    CU_ASSERT_EQUAL_FATAL(sample_count_rows_compose(&ctx, &args, &sql, &err), 0);
    ASSERT_TEXT(sql->text,
                "SELECT count(*) AS rows\n  FROM (SELECT $1::text AS a, $2::text AS b FROM pg_class WHERE true AND ($3 "
                "< - $3 OR relname = ANY ($4)) AND ($5 < - $5 OR \"$1\" = ANY ($6)) LIMIT $7) AS kept");
    static const char *const want[] = {"one", "two", "-3", "{\"a\",\"$1\"}", "4", "{\"b\",\"$1\"}", "9"};
    CU_ASSERT_EQUAL_FATAL(sql->param_count, LB_COUNT(want));
    for (size_t i = 0; i < LB_COUNT(want); i++)
        ASSERT_TEXT(sql->params[i], want[i]);
    ASSERT_TEXT(sql->param_types[5], "text[]");
    ASSERT_CONTAINS(sql->display, "SELECT 'one'::text AS a, 'two'::text AS b FROM");
    ASSERT_CONTAINS(sql->display, "(4 < - 4 OR \"$1\" = ANY (ARRAY['b', '$1']::text[])) LIMIT 9");
}

static void writes_a_fragments_values_into_utility_statements(void)
{
    sample_partial_index_args args = {
        .name = "i", .table = "t", .column = "c", .fill = 70, .filter = filter("relname", -3, "it's")};
    CU_ASSERT_EQUAL_FATAL(sample_partial_index(&ctx, NULL, &args, &err), 0);
    ASSERT_TEXT(last_sql->text,
                "CREATE INDEX i ON t (c) WITH (fillfactor = 70) WHERE true AND ((-3) < - (-3) OR relname = ANY "
                "(ARRAY['it''s', '$1']::text[]))");
    CU_ASSERT_EQUAL(last_sql->param_count, 0);
}

static void leaves_out_what_is_null(void)
{
    const lb_sql *sql = &untouched;
    sample_count_rows_args args = {.table = "pg_class", .limit_rows = 1};
    CU_ASSERT_EQUAL_FATAL(sample_count_rows_compose(&ctx, &args, &sql, &err), 0);
    ASSERT_CONTAINS(sql->text, "(SELECT  FROM pg_class WHERE true   LIMIT $1)");
    args.shown_is_null = true;
    CU_ASSERT_EQUAL_FATAL(sample_count_rows_compose(&ctx, &args, &sql, &err), 0);
    ASSERT_CONTAINS(sql->text, "(SELECT  FROM pg_class WHERE true   LIMIT $1)");
}

static void keeps_changes_out_of_reads(void)
{
    sample_set_setting_args setting = {.role = "joe", .setting = "x", .value = 1};
    const lb_sql *change = NULL;
    CU_ASSERT_EQUAL_FATAL(sample_set_setting_compose(&ctx, &setting, &change, &err), 0);
    sample_count_rows_args args = {.table = "t", .limit_rows = 1, .filter = change};
    const lb_sql *sql = &untouched;
    CU_ASSERT_EQUAL(sample_count_rows_compose(&ctx, &args, &sql, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "sample/set_setting is a change");
    const lb_sql *nothing = NULL;
    args.filter = NULL;
    args.shown.items = &nothing;
    args.shown.count = 1;
    CU_ASSERT_EQUAL(sample_count_rows_compose(&ctx, &args, &sql, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "it is null, not sql");
    sample_partial_index_args index = {.name = "i", .table = "t", .column = "c", .fill = 70};
    CU_ASSERT_EQUAL(sample_partial_index(&ctx, NULL, &index, &err), LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "filter: it is null");
}

/* ---- tokens stay apart ---- */

static void keeps_tokens_apart(void)
{
    static const lb_statement_param params[] = {
        {"n", LB_I64, "int8", false}, {"t", LB_TEXT, "text", false}, {"i", LB_IDENT, NULL, false}};
    static const lb_statement_part parts[] = {{"SELECT 1-", 0}, {"-", 0}, {"/", 0},   {", U&", 1},   {"||", 1},
                                              {".", 2},         {".", 2}, {"x, ", 2}, {"::text", -1}};
    static const lb_statement_variant bound[] = {{0, 0, true, parts}}, literal[] = {{0, 0, false, parts}};
    lb_statement s = {.size = sizeof s,
                      .kind = LB_STATEMENT_READ,
                      .name = "sample/tokens",
                      .params = params,
                      .param_count = 3,
                      .variants = bound,
                      .variant_count = 1};
    const lb_value *args = LB_ARGS(lb_i64("n", -1), lb_text("t", "b"), lb_ident("i", "c"));
    const lb_sql *sql = &untouched;
    CU_ASSERT_EQUAL_FATAL(compose_17(&s, args, &sql), 0);
    ASSERT_TEXT(sql->text, "SELECT 1- $1 - $1 / $1, U& $2 || $2 .c.c x, c::text");
    ASSERT_TEXT(sql->display, "SELECT 1- (-1) - (-1) / (-1), U& 'b' || 'b' .c.c x, c::text");
    s.variants = literal;
    CU_ASSERT_EQUAL_FATAL(compose_17(&s, args, &sql), 0);
    ASSERT_TEXT(sql->text, "SELECT 1- -1 - -1 / -1, U& 'b' || 'b' .c.c x, c::text");
}

/* ---- questions to the history ---- */

static void keeps_the_types_of_questions(void)
{
    static const lb_statement_param params[] = {{"who", LB_TEXT, "text", true},
                                                {"list", LB_LIST_OF(LB_I64), "int8", false},
                                                {"none", LB_LIST_OF(LB_TIME), "timestamptz", false}};
    static const lb_statement_part parts[] = {{"SELECT 1 WHERE a = ", 0}, {" OR b IN (", 1},
                                              {") OR c IN (", 2},         {") OR ", 0},
                                              {" <> d OR e IN (", 1},     {")", -1}};
    static const lb_statement_variant variants[] = {{0, 0, true, parts}};
    const lb_statement s = {.size = sizeof s,
                            .kind = LB_STATEMENT_HISTORY,
                            .name = "sample/asks",
                            .params = params,
                            .param_count = 3,
                            .variants = variants,
                            .variant_count = 1};
    const lb_value items[] = {lb_i64(NULL, 7), lb_null(NULL), lb_i64(NULL, -1)};
    const lb_value *args =
        LB_ARGS(lb_null("who"), lb_list("list", LB_I64, items, 3), lb_list("none", LB_TIME, NULL, 0));
    const lb_sql *sql = &untouched;
    CU_ASSERT_EQUAL_FATAL(compose(&s, args, 0, &memory, &sql, &err), 0);
    ASSERT_TEXT(sql->text, "SELECT 1 WHERE a = $1 OR b IN ($2, $3, $4) OR c IN (SELECT CAST(NULL AS TIMESTAMP) WHERE "
                           "false) OR $1 <> d OR e IN ($2, $3, $4)");
    CU_ASSERT_EQUAL_FATAL(sql->param_count, 4);
    CU_ASSERT(sql->values[0].type == LB_NULL && sql->types[0] == LB_TEXT);
    CU_ASSERT(sql->values[1].type == LB_I64 && sql->values[1].v.i64 == 7 && sql->types[1] == LB_I64);
    CU_ASSERT(sql->values[2].type == LB_NULL && sql->types[2] == LB_I64);
    CU_ASSERT_EQUAL(sql->values[3].v.i64, -1);
    CU_ASSERT_EQUAL(compose(&s, LB_ARGS(lb_null("who"), lb_null("list"), lb_null("none")), 0, &memory, &sql, &err),
                    LB_ERR_INVALID);
    ASSERT_CONTAINS(err.message, "sample/asks, parameter list");
}

/* ---- rows ---- */

static void fills_typed_rows(void)
{
    static const lb_value items[] = {{.type = LB_I64, .v.i64 = 1}, {.type = LB_NULL}};
    static const lb_value none[] = {{.type = LB_NULL}};
    lb_value cells[18];
    memset(cells, 0, sizeof cells);
    for (size_t i = 0; i < 18; i++)
        cells[i] =
            (lb_value){.name = sample_everything_sql.columns[i].name, .type = sample_everything_sql.columns[i].type};
    cells[0].v.text = "t";
    cells[1] = lb_null("an_integer");
    cells[2].v.i64 = 3;
    cells[3].v.f64 = 0.5;
    cells[4].v.flag = true;
    cells[5].v.i64 = 7;
    cells[6] = lb_null("a_json");
    cells[7].v.text = "1.5";
    cells[8].v.items = none;
    cells[8].count = 1;
    cells[9].v.items = items;
    cells[9].count = 2;
    next_row = cells;
    sample_everything_row row;
    memset(&row, 0xff, sizeof row);
    CU_ASSERT_TRUE(sample_everything_next(&ctx, NULL, &row));
    ASSERT_TEXT(row.a_text, "t");
    CU_ASSERT_TRUE(row.an_integer_is_null && row.an_integer == 0);
    CU_ASSERT_TRUE(row.an_oid == 3 && row.a_number == 0.5 && row.a_flag && !row.a_flag_is_null);
    CU_ASSERT_TRUE(row.a_time == 7 && !row.a_time_is_null);
    CU_ASSERT_PTR_NULL(row.a_json);
    ASSERT_TEXT(row.a_numeric, "1.5");
    CU_ASSERT_EQUAL(row.some_texts.items[0].type, LB_NULL);
    CU_ASSERT_EQUAL(row.some_integers.count, 2);
    CU_ASSERT_FALSE(row.some_integers_is_null);
    CU_ASSERT_FALSE(sample_everything_next(&ctx, NULL, &row));

    cells[9] = lb_null("some_integers");
    next_row = cells;
    CU_ASSERT_TRUE(sample_everything_next(&ctx, NULL, &row));
    CU_ASSERT_TRUE(row.some_integers_is_null && row.some_integers.count == 0 && !row.some_integers.items);
}

SUITE(compose, TEST(takes_the_variant_of_the_server), TEST(refuses_servers_outside_of_the_range),
      TEST(quotes_identifiers), TEST(quotes_literals), TEST(binds_values), TEST(binds_nulls), TEST(displays_literals),
      TEST(writes_literals_into_utility_statements), TEST(composes_a_fragment_alone),
      TEST(renumbers_the_values_of_fragments), TEST(writes_a_fragments_values_into_utility_statements),
      TEST(leaves_out_what_is_null), TEST(keeps_changes_out_of_reads), TEST(keeps_tokens_apart),
      TEST(keeps_the_types_of_questions), TEST(fills_typed_rows))
