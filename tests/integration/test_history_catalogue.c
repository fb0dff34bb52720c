/* Every question to the history of the catalogue, asked of a local history with no rows: DuckDB takes it, against the
 * tables as they are, and what comes back has the names and types that its file declares. */
#include "delta_place.h"

#include "sqlc_run.h"

/* A value of the type that a parameter is declared with; a list is one of its items here. */
static lb_value sample(const char *type, lb_type *ret_type)
{
    static const struct {
        const char *name;
        lb_value value;
    } samples[] = {{"text", {.type = LB_TEXT, .v.text = "x"}},
                   {"integer", {.type = LB_I64, .v.i64 = 1}},
                   {"number", {.type = LB_F64, .v.f64 = 0.5}},
                   {"boolean", {.type = LB_BOOL, .v.flag = true}},
                   {"timestamp", {.type = LB_TIME, .v.i64 = NOON}}};
    for (size_t i = 0; i < LB_COUNT(samples); i++)
        if (strncmp(type, samples[i].name, strlen(samples[i].name)) == 0) {
            *ret_type = samples[i].value.type;
            return samples[i].value;
        }
    CU_FAIL_FATAL("a parameter of a type that no question has");
    return lb_null(NULL);
}

/* What a column of the engine may be declared as. */
static bool fits(lb_type got, const char *declared)
{
    static const struct {
        const char *declared;
        lb_type types[4];
    } rules[] = {{"text", {LB_TEXT}},
                 {"json", {LB_TEXT}},
                 {"integer", {LB_I64, LB_NUMERIC}}, /* a sum of integers is a wide one */
                 {"number", {LB_F64, LB_I64, LB_NUMERIC}},
                 {"boolean", {LB_BOOL}},
                 {"timestamp", {LB_TIME}},
                 {"numeric", {LB_NUMERIC, LB_I64}}};
    for (size_t i = 0; i < LB_COUNT(rules); i++)
        for (size_t t = 0; strcmp(rules[i].declared, declared) == 0 && t < LB_COUNT(rules[i].types); t++)
            if (rules[i].types[t] == got)
                return true;
    return false;
}

typedef struct expected {
    const char *statement;
    struct json_object *columns;
    bool told;
} expected;

static int compare_columns(void *state, uint32_t count, const char *const *names, const lb_type *types, lb_error *err)
{
    expected *e = state;
    (void)err; /* cannot fail */
    e->told = true;
    CU_ASSERT_EQUAL_FATAL(count, json_object_array_length(e->columns));
    for (uint32_t i = 0; i < count; i++) {
        struct json_object *column = json_object_array_get_idx(e->columns, i);
        const char *name = json_get_text(column, "name"), *type = json_get_text(column, "type");
        bool same = strcmp(name, names[i]) == 0 && fits(types[i], type);
        if (!same)
            printf("\n    %s: column %u is declared %s %s, and the engine says %s of type %d\n", e->statement, i + 1,
                   name, type, names[i], (int)types[i]);
        CU_ASSERT(same);
    }
    return 0;
}

static int no_row(void *state, uint32_t count, const char *const *cells, lb_error *err)
{
    (void)state, (void)count, (void)cells, (void)err; /* an aggregate has one, whatever there is */
    return 0;
}

static void ask(place *p, struct json_object *statement)
{
    struct json_object *params = json_object_object_get(statement, "params");
    struct json_object *variant = json_object_array_get_idx(json_object_object_get(statement, "variants"), 0);
    size_t count = json_object_array_length(params);
    lb_value args[64];
    lb_type types[64];
    lb_error err = {0};
    bool cut = false;
    CU_ASSERT_FATAL(count <= LB_COUNT(args));
    for (size_t i = 0; i < count; i++)
        args[i] = sample(json_get_text(json_object_array_get_idx(params, i), "type"), &types[i]);
    expected e = {.statement = json_get_text(statement, "name"),
                  .columns = json_object_object_get(statement, "columns")};
    const lb_delta_sink sink = {.size = sizeof sink, .state = &e, .columns = compare_columns, .row = no_row};
    const lb_delta_question question = {.size = sizeof question,
                                        .text = json_get_text(variant, "text"),
                                        .deadline = clock_monotonic() + 60 * CLOCK_SECOND,
                                        .args = args,
                                        .arg_types = types,
                                        .arg_count = (uint32_t)count,
                                        .frequent = true};
    if (delta_driver_query(p->driver, &question, &sink, &cut, &err) < 0)
        printf("\n    %s: %s\n", e.statement, err.message);
    CU_ASSERT_EQUAL(err.code, 0);
    CU_ASSERT(e.told);
}

static void every_question_is_one_to_the_tables_that_there_are(void)
{
    PLACE p = place_new();
    OPEN(&p);
    OUTCOME list = RUN(p.root, "--root", setting("LBOPS_CATALOGUE", LBOPS_CATALOGUE), "--list");
    size_t asked = 0;
    CU_ASSERT_EQUAL_FATAL(list.status, 0);
    for (const char *line = list.out, *end; *line; line = end + 1) {
        lb_error err;
        end = strchr(line, '\n');
        CU_ASSERT_PTR_NOT_NULL_FATAL(end);
        JSON_AUTO *statement = json_parse(line, (size_t)(end - line), &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(statement);
        if (strcmp(json_get_text(statement, "kind"), "history") != 0)
            continue;
        ask(&p, statement);
        asked++;
    }
    printf("%zu questions ... ", asked);
    CU_ASSERT(asked > 0);
}

SUITE(history_catalogue, TEST(every_question_is_one_to_the_tables_that_there_are))
