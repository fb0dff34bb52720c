/* The order of objects, what a difference becomes, and how it is told: models are written as snapshots. */
#include "compose.h"
#include "suite.h"

#include <schema_kinds.h>

static arena memory;
static lb_error err;

static void *host_alloc(lb_ctx *ctx, size_t bytes)
{
    (void)ctx; /* there is one */
    return arena_alloc(&memory, bytes);
}

static int host_compose(lb_ctx *ctx, const lb_statement *statement, const lb_value *args, const lb_sql **ret_sql,
                        lb_error *error)
{
    (void)ctx; /* as above */
    return compose(statement, args, 17, &memory, ret_sql, error);
}

static const char *host_sql_text(const lb_sql *sql)
{
    return sql->display;
}

static const lb_host host = {
    .size = sizeof host, .alloc = host_alloc, .compose = host_compose, .sql_text = host_sql_text};
static lb_ctx ctx = {.host = &host};

/* Objects as {kind, address, name, key, up, attrs} and edges, both as JSON without the brackets around them. */
static schema_model *model_by(const schema_filter *filter, const char *place, const char *objects, const char *edges)
{
    schema_model *m = NULL;
    const char *json =
        lb_printf(&ctx, "{\"schema_version\":2,%s\"objects\":[%s],\"edges\":[%s]}", place, objects, edges);
    if (schema_load(&ctx, json, filter, &m, &err) < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    return m;
}

static schema_model *model_of(const char *objects, const char *edges)
{
    return model_by(NULL, "", objects, edges);
}

#define TABLE(n, name)                                                                                                 \
    "{\"kind\":\"table\",\"schema\":\"s\",\"address\":\"TABLE s." name "\",\"name\":\"" name "\",\"key\":[1259," #n    \
    ",0],\"up\":[0,0,0],\"attrs\":[\"create_head\",\"TABLE s." name "\"]}"
#define COLUMN(n, part, table, name, ...) COLUMN_OF(n, part, table, name, "integer", __VA_ARGS__)
#define COLUMN_OF(n, part, table, name, type, ...)                                                                     \
    "{\"kind\":\"column\",\"schema\":\"s\",\"address\":\"COLUMN s." table "." name "\",\"name\":\"" name               \
    "\",\"key\":[1259," #n "," #part "],\"up\":[1259," #n ",0],\"attrs\":[\"create\",\"" name " " type                 \
    "\",\"type\",\"" type "\"" __VA_ARGS__ "]}"
#define VIEW(n, name, body)                                                                                            \
    "{\"kind\":\"view\",\"schema\":\"s\",\"address\":\"VIEW s." name "\",\"name\":\"" name "\",\"key\":[1259," #n      \
    ",0],\"up\":[0,0,0],\"attrs\":[\"body\",\"" body "\",\"columns\",\"x int\"]}"
#define FUNCTION(n, name)                                                                                              \
    "{\"kind\":\"function\",\"schema\":\"s\",\"address\":\"FUNCTION s." name "()\",\"name\":\"" name                   \
    "\",\"key\":[1255," #n ",0],\"up\":[0,0,0],\"attrs\":[\"definition\",\"CREATE FUNCTION s." name                    \
    "() RETURNS int LANGUAGE sql AS 'x'\"]}"
#define FOREIGN_KEY(n, table, to)                                                                                      \
    "{\"kind\":\"foreign_key\",\"address\":\"CONSTRAINT k" #n " ON s." #table "\",\"name\":\"k" #n                     \
    "\",\"key\":[2606," #n ",0],\"up\":[1259," #table ",0],\"attrs\":[\"create\",\"ALTER TABLE s.t" #table             \
    " ADD CONSTRAINT k" #n " FOREIGN KEY (a) REFERENCES s.t" #to "\",\"drop\",\"ALTER TABLE s.t" #table                \
    " DROP CONSTRAINT k" #n "\"]}"
#define NEEDS(a, b) "{\"needs\":[" a "," b ",0]}"

static uint32_t position(const schema_model *m, const char *kind, const char *address)
{
    uint32_t at = schema_find_address(m, schema_kind_find(kind), address);
    CU_ASSERT_FATAL(at != SCHEMA_NONE);
    return m->objects[at].position;
}

/* ---- order ---- */

static void what_is_needed_comes_first(void)
{
    schema_model *m = model_of(VIEW(1, "a", "SELECT 1") "," VIEW(2, "b", "SELECT 1") "," VIEW(
                                   3, "c", "SELECT 1") "," TABLE(4, "z") "," FUNCTION(5, "f"),
                               NEEDS("1259,1,0", "1259,2,0") "," NEEDS("1259,2,0", "1259,3,0") "," NEEDS(
                                   "1259,3,0", "1259,4,0") "," NEEDS("1255,5,0", "1259,4,0"));
    CU_ASSERT_EQUAL(schema_order(m, false, &err), 0);
    CU_ASSERT_TRUE(position(m, "table", "TABLE s.z") < position(m, "function", "FUNCTION s.f()"));
    CU_ASSERT_TRUE(position(m, "view", "VIEW s.c") < position(m, "view", "VIEW s.b"));
    CU_ASSERT_TRUE(position(m, "view", "VIEW s.b") < position(m, "view", "VIEW s.a"));
}

/* A column's default may call a function that takes the table's row: it stands outside of the table's statement. */
static void defaults_make_no_circle(void)
{
    schema_model *m =
        model_of(TABLE(1, "t") "," COLUMN(1, 1, "t", "a", ",\"default_value\",\"s.f()\"") "," FUNCTION(5, "f"),
                 "{\"needs\":[1259,1,1,1255,5,0,1]}," NEEDS("1255,5,0", "1259,1,0"));
    CU_ASSERT_EQUAL(schema_order(m, false, &err), 0);
    CU_ASSERT_TRUE(position(m, "table", "TABLE s.t") < position(m, "function", "FUNCTION s.f()"));
    CU_ASSERT_TRUE(position(m, "function", "FUNCTION s.f()") < position(m, "column", "COLUMN s.t.a"));
}

static void circles_end(void)
{
    schema_model *m =
        model_of(VIEW(1, "a", "SELECT 1") "," VIEW(2, "b", "SELECT 1") "," VIEW(3, "c", "SELECT 1"),
                 NEEDS("1259,1,0", "1259,2,0") "," NEEDS("1259,2,0", "1259,1,0") "," NEEDS("1259,3,0", "1259,2,0"));
    CU_ASSERT_EQUAL(schema_order(m, false, &err), 0);
    CU_ASSERT_TRUE(position(m, "view", "VIEW s.b") < position(m, "view", "VIEW s.c"));
    bool taken[3] = {false};
    for (uint32_t i = 0; i < 3; i++)
        taken[m->order[i]] = true;
    CU_ASSERT_TRUE(taken[0] && taken[1] && taken[2]);
}

/* ---- statements ---- */

static const schema_diff *compare(schema_model *from, schema_model *to)
{
    schema_diff *d = NULL;
    if (schema_compare(from, to, &d, &err) < 0)
        printf("\n    %s\n", err.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    return d;
}

static const char *script_of(const schema_diff *d)
{
    const char *script = NULL;
    CU_ASSERT_EQUAL(schema_script(d, "old", "new", &script, &err), 0);
    return script;
}

static void expect_order(const char *script, const char *first, const char *second)
{
    const char *a = strstr(script, first), *b = strstr(script, second);
    if (!a || !b || a > b)
        printf("\n    not %s before %s in:\n%s\n", first, second, script);
    CU_ASSERT_TRUE(a && b && a < b);
}

static void foreign_keys_in_a_circle_are_made_last_and_dropped_first(void)
{
    const char *two = TABLE(1, "t1") "," TABLE(2, "t2") "," COLUMN(1, 1, "t1", "a") "," COLUMN(
        2, 1, "t2", "a") "," FOREIGN_KEY(1, 1, 2) "," FOREIGN_KEY(2, 2, 1);
    const char *needs = NEEDS("2606,1,0", "1259,2,0") "," NEEDS("2606,2,0", "1259,1,0");
    const char *made = script_of(compare(model_of("", ""), model_of(two, needs)));
    expect_order(made, "CREATE TABLE s.t1 (a integer)", "ADD CONSTRAINT k1");
    expect_order(made, "CREATE TABLE s.t2 (a integer)", "ADD CONSTRAINT k1");
    const char *dropped = script_of(compare(model_of(two, needs), model_of("", "")));
    expect_order(dropped, "DROP CONSTRAINT k1", "DROP TABLE s.t1");
    expect_order(dropped, "DROP CONSTRAINT k2", "DROP TABLE s.t2");
    CU_ASSERT_PTR_NULL(strstr(dropped, "DROP COLUMN"));
}

static void views_are_made_anew_around_a_type(void)
{
    const char *needs = NEEDS("1259,3,0", "1259,1,1") "," NEEDS("1259,4,0", "1259,3,0");
    const char *before = TABLE(1, "t") "," COLUMN(1, 1, "t", "a") "," VIEW(3, "v", "SELECT a FROM s.t") "," VIEW(
        4, "w", "SELECT a FROM s.v");
    const char *after = TABLE(1, "t") "," COLUMN_OF(1, 1, "t", "a", "bigint", ",\"cast\",\"a::bigint\"") "," VIEW(
        3, "v", "SELECT a FROM s.t") "," VIEW(4, "w", "SELECT a FROM s.v");
    const char *script = script_of(compare(model_of(before, needs), model_of(after, needs)));
    expect_order(script, "DROP VIEW s.w", "DROP VIEW s.v");
    expect_order(script, "DROP VIEW s.v", "ALTER COLUMN a TYPE bigint");
    expect_order(script, "ALTER COLUMN a TYPE bigint", "CREATE VIEW s.v");
    expect_order(script, "CREATE VIEW s.v", "CREATE VIEW s.w");
}

static void the_same_is_no_difference(void)
{
    const char *all = TABLE(1, "t") "," COLUMN(1, 1, "t", "a") "," VIEW(3, "v", "SELECT 1") "," FUNCTION(9, "f");
    const schema_diff *d = compare(model_of(all, ""), model_of(all, ""));
    CU_ASSERT_EQUAL(d->change_count, 0);
    ASSERT_TEXT(script_of(d), "");
    const char *text = NULL;
    CU_ASSERT_EQUAL(schema_say(d, "a", "b", &text, &err), 0);
    ASSERT_TEXT(text, "schema of a compared with b: no difference\n");
}

/* ---- names ---- */

#define INDEX(n, name, table, column)                                                                                  \
    "{\"kind\":\"index\",\"schema\":\"s\",\"address\":\"INDEX s." name "\",\"name\":\"" name "\",\"key\":[1259," #n    \
    ",0],\"up\":[1259,1,0],\"attrs\":[\"definition\",\"CREATE INDEX " name " ON s." table " USING btree (" column      \
    ")\"]}"
#define RIGHT(table, column)                                                                                           \
    "{\"kind\":\"grant\",\"schema\":\"s\",\"address\":\"SELECT (" column ") ON TABLE s." table                         \
    " TO mail\",\"key\":[0,0,0],\"up\":[1259,1,0],\"attrs\":[\"definition\",\"GRANT SELECT (" column                   \
    ") ON TABLE s." table " TO mail\",\"drop\",\"REVOKE SELECT (" column ") ON TABLE s." table " FROM mail\"]}"
static const char *lines_of(const schema_diff *d)
{
    const char *script = script_of(d), *at = script ? strstr(script, "ALTER") : NULL;
    CU_ASSERT_EQUAL(d->change_count, 1);
    CU_ASSERT_EQUAL(d->note_count, 0);
    CU_ASSERT_PTR_NULL(strstr(script, "DROP"));
    return at ? at : script;
}

#define PLACE(system, database, commits)                                                                               \
    "\"system_identifier\":" system ",\"database_oid\":" database ",\"commits\":[" commits "],"
#define COMMIT(xid, at) "{\"at\":[" #xid "," #at "]}"
#define SHARED          PLACE("\"7\"", "5", COMMIT(90, 1) "," COMMIT(100, 2))
/* Both went on: the one has other transactions by the same numbers. */
#define WENT_ON PLACE("\"7\"", "5", COMMIT(110, 4) "," COMMIT(100, 2) "," COMMIT(90, 1))
#define OLD     ",\"since\",\"80\""
#define LATE    ",\"since\",\"105\""
#define TABLE_SINCE(n, name, xid)                                                                                      \
    "{\"kind\":\"table\",\"schema\":\"s\",\"address\":\"TABLE s." name "\",\"name\":\"" name "\",\"key\":[1259," #n    \
    ",0],\"up\":[0,0,0],\"attrs\":[\"create_head\",\"TABLE s." name "\",\"since\",\"" #xid "\"]}"
/* A table of that age, and a column that was last changed then. */
#define WHOLE(table, age, column, since)                                                                               \
    TABLE_SINCE(1, table, age)                                                                                         \
    "," COLUMN(1, 1, table, "id", OLD) "," COLUMN(1, 2, table, column,                                                 \
                                                  since) "," INDEX(3, "mail", table, column) "," RIGHT(table, column)

static const char *const needs_column = NEEDS("1259,3,0", "1259,1,2");

static schema_model *shared(const char *objects)
{
    return model_by(NULL, SHARED, objects, needs_column);
}

static schema_model *went_on(const char *objects)
{
    return model_by(NULL, WENT_ON, objects, needs_column);
}

/* There before the last transaction that both have: the name is another one, and what is built on it goes along. */
static void what_one_database_calls_otherwise_is_renamed(void)
{
    schema_model *old = shared(WHOLE("t", 80, "mail", OLD));
    schema_model *table = went_on(WHOLE("u", 80, "mail", OLD));
    schema_model *column = went_on(WHOLE("t", 80, "email", LATE));
    ASSERT_TEXT(lines_of(compare(old, table)), "ALTER TABLE s.t RENAME TO u;\n");
    ASSERT_TEXT(lines_of(compare(table, old)), "ALTER TABLE s.u RENAME TO t;\n");
    ASSERT_TEXT(lines_of(compare(old, column)), "ALTER TABLE s.t RENAME COLUMN mail TO email;\n");
    ASSERT_TEXT(lines_of(compare(column, old)), "ALTER TABLE s.t RENAME COLUMN email TO mail;\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(script_of(compare(old, column)), "-- ACCESS EXCLUSIVE; breaking: "));
    CU_ASSERT_EQUAL(compare(old, old)->change_count, 0);
    const char *text = NULL;
    CU_ASSERT_EQUAL(schema_say(compare(old, column), "a", "b", &text, &err), 0);
    ASSERT_TEXT(text, "schema of a compared with b:\n~ column s.t.email: name mail -> email\n");
    schema_model *typed = went_on(TABLE_SINCE(1, "t", 80) "," COLUMN(1, 1, "t", "id", OLD) "," COLUMN_OF(
        1, 2, "t", "email", "text", LATE ",\"cast\",\"email::text\""));
    expect_order(script_of(compare(old, typed)), "RENAME COLUMN mail TO email", "ALTER COLUMN email TYPE text");
    schema_model *both = went_on(WHOLE("u", 80, "email", LATE));
    const char *script = script_of(compare(old, both));
    expect_order(script, "ALTER TABLE s.t RENAME TO u", "ALTER TABLE s.u RENAME COLUMN mail TO email");
    CU_ASSERT_EQUAL(compare(old, both)->change_count, 2);
    CU_ASSERT_PTR_NULL(strstr(script, "DROP"));
}

static void expect_no_rename(schema_model *a, schema_model *b, const char *drop, const char *asks)
{
    const char *script = script_of(compare(a, b));
    CU_ASSERT_PTR_NOT_NULL(strstr(script, drop));
    CU_ASSERT_PTR_NOT_NULL(strstr(script, asks));
    CU_ASSERT_PTR_NULL(strstr(script, "\nALTER TABLE s.t RENAME")); /* but in the question */
    CU_ASSERT_PTR_NULL(strstr(script, "\nALTER TABLE s.mine RENAME"));
}

/* Then the one goes and the other comes, as far as anybody knows. */
static void what_is_not_proven_is_not_renamed(void)
{
    static const char *const places[] = {PLACE("\"8\"", "5", COMMIT(100, 2)),
                                         PLACE("\"7\"", "6", COMMIT(100, 2)),
                                         PLACE("null", "5", COMMIT(100, 2)),
                                         PLACE("\"7\"", "0", COMMIT(100, 2)),
                                         PLACE("\"7\"", "5", ""),
                                         PLACE("\"7\"", "5", COMMIT(100, 3)),
                                         PLACE("\"7\"", "5", COMMIT(99, 2))};
    schema_model *old = shared(WHOLE("t", 80, "mail", OLD));
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        expect_no_rename(
            old, model_by(NULL, places[i], WHOLE("t", 80, "email", LATE), ""), "DROP COLUMN mail",
            "-- By hand: COLUMN s.t.mail may have been renamed to s.t.email, which nothing proves: the SQL drops the "
            "one and adds the other. If it was, compare once more with renamed s.t.mail=s.t.email: ALTER "
            "TABLE s.t RENAME COLUMN mail TO email takes their place");
}

/* Two people, each on a branch: the numbers of what they made are the same, and it is not. */
static void what_both_sides_added_is_two_things(void)
{
    schema_model *mine = shared(WHOLE("t", 80, "mine", LATE)), *theirs = went_on(WHOLE("t", 80, "theirs", LATE));
    expect_no_rename(mine, theirs, "DROP COLUMN mine",
                     "-- By hand: COLUMN s.t.mine may have been renamed to s.t.theirs");
    schema_model *my_table = shared(WHOLE("mine", 105, "a", LATE)),
                 *their_table = went_on(WHOLE("theirs", 105, "a", LATE));
    expect_no_rename(my_table, their_table, "DROP TABLE s.mine",
                     "-- By hand: TABLE s.mine may have been renamed to s.theirs");
}

/* What people say is done, and what it cannot be is refused. */
static void people_say_what_was_renamed(void)
{
    static const char *const items[] = {"s.t.mail=s.t.email"}, *const tables[] = {"s.t=s.u", "s.t.mail=s.u.email"};
    static const char *const wrong[] = {
        "s.t.mail", "s.t.mail=s.t.none", "s.t.id=s.t.email", "s.t=s.t", "s.t.mail=s.t.email=x", "=", "s.t.mail=s.t.id"};
    const lb_texts said = {items, 1}, both = {tables, 2};
    const schema_filter filter = {.renamed = &said, .privileges = true}, wide = {.renamed = &both, .privileges = true};
    const char *place = PLACE("\"8\"", "9", "");
    schema_model *old = shared(WHOLE("t", 80, "mail", OLD));
    schema_model *column = model_by(&filter, place, WHOLE("t", 80, "email", LATE), needs_column);
    ASSERT_TEXT(lines_of(compare(old, column)), "ALTER TABLE s.t RENAME COLUMN mail TO email;\n");
    schema_model *all = model_by(&wide, place, WHOLE("u", 80, "email", LATE), needs_column);
    expect_order(script_of(compare(old, all)), "ALTER TABLE s.t RENAME TO u",
                 "ALTER TABLE s.u RENAME COLUMN mail TO email");
    CU_ASSERT_EQUAL(compare(old, all)->change_count, 2);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const lb_texts one = {&wrong[i], 1};
        const schema_filter bad = {.renamed = &one, .privileges = true};
        schema_diff *d = NULL;
        schema_model *to = model_by(&bad, place, WHOLE("t", 80, "email", LATE), needs_column);
        CU_ASSERT_EQUAL(schema_compare(old, to, &d, &err), LB_ERR_INVALID);
        CU_ASSERT_TRUE(*err.hint != '\0');
    }
}

/* Read twice in one run: an OID is the proof there. */
static void one_branch_knows_its_own(void)
{
    const schema_filter filter = {.one_branch = true, .privileges = true};
    const char *place = PLACE("\"7\"", "5", "");
    schema_model *before = model_by(&filter, place, WHOLE("t", 105, "mail", LATE), needs_column);
    schema_model *after = model_by(&filter, place, WHOLE("t", 105, "email", LATE), needs_column);
    ASSERT_TEXT(lines_of(compare(before, after)), "ALTER TABLE s.t RENAME COLUMN mail TO email;\n");
}

/* ---- text ---- */

static void people_read_one_line_for_each(void)
{
    const char *text = NULL;
    const char *before = TABLE(1, "t") "," COLUMN(1, 1, "t", "a") "," COLUMN(1, 2, "t", "gone");
    const char *after = TABLE(1, "t") "," COLUMN(1, 1, "t", "a", ",\"not_null\",\"NOT NULL\"") "," TABLE(
        2, "u") "," COLUMN(2, 1, "u", "x");
    CU_ASSERT_EQUAL(schema_say(compare(model_of(before, ""), model_of(after, "")), "a", "b", &text, &err), 0);
    ASSERT_TEXT(text, "schema of a compared with b:\n"
                      "- column s.t.gone\n"
                      "+ table s.u\n"
                      "~ column s.t.a: not null none -> NOT NULL\n");
}

/* A name of two lines ends no comment. */
static void names_stay_in_their_line(void)
{
    const char *script = NULL, *other = "{\"kind\":\"other\",\"address\":\"CAST x\\nDROP TABLE t\",\"key\":[1,7,0],"
                                        "\"up\":[0,0,0],\"attrs\":[]}";
    const schema_diff *d = compare(model_of("", ""), model_of(other, ""));
    CU_ASSERT_EQUAL(schema_script(d, "a\nDROP TABLE t; --", "b", &script, &err), 0);
    for (const char *line = script; *line; line = strchr(line, '\n') + 1)
        CU_ASSERT_EQUAL(strncmp(line, "--", 2), 0);
    CU_ASSERT_TRUE(*script != '\0');
}

/* ---- snapshots ---- */

static void snapshots_read_all_of_json(void)
{
    schema_model *m = NULL;
    const char *json =
        " { \"tool\" : \"x\", \"n\": [1, {\"a\": \"]\\\"\"}, null, true], \"result\": {\"schema_version\": 2,\n"
        "\"objects\": [ {\"key\": [1, 2, 0], \"up\": [0,0,0], \"other\": -1.5e3, \"attrs\": [\"comment\", "
        "\"\\u00e9\\ud83d\\ude00\\n\\t\\\"\\/\"], \"address\": \"TABLE \\\"\\u0041\\\"\", \"kind\": "
        "\"table\"} ], \"edges\": [] } }";
    CU_ASSERT_EQUAL(schema_load(&ctx, json, NULL, &m, &err), 0);
    CU_ASSERT_EQUAL(m->count, 1);
    ASSERT_TEXT(m->objects[0].address, "TABLE \"A\"");
    ASSERT_TEXT(schema_identity(&m->objects[0]), "\"A\"");
    ASSERT_TEXT(schema_get(&m->objects[0], "comment"), "é😀\n\t\"/");
    size_t length = strlen(json);
    for (size_t i = 0; i < length; i++)
        CU_ASSERT_TRUE(schema_load(&ctx, lb_printf(&ctx, "%.*s", (int)i, json), NULL, &m, &err) < 0);
}

SUITE(schema, TEST(what_is_needed_comes_first), TEST(defaults_make_no_circle), TEST(circles_end),
      TEST(foreign_keys_in_a_circle_are_made_last_and_dropped_first), TEST(views_are_made_anew_around_a_type),
      TEST(the_same_is_no_difference), TEST(what_one_database_calls_otherwise_is_renamed),
      TEST(what_is_not_proven_is_not_renamed), TEST(what_both_sides_added_is_two_things),
      TEST(people_say_what_was_renamed), TEST(one_branch_knows_its_own), TEST(people_read_one_line_for_each),
      TEST(names_stay_in_their_line), TEST(snapshots_read_all_of_json))
