/* Hostile names, texts and types: five strings, separated by NUL, go into a statement, and the server's parser must see
 * them as exactly that: two names, a comment, a column's name and a type, and not one node more. */
#include "compose.h"
#include "json.h"
#include "quote.h"

#include <pg_query.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const lb_statement_param params[] = {{"schema", LB_IDENT, NULL, false},
                                            {"name", LB_IDENT, NULL, false},
                                            {"text", LB_TEXT, "text", false},
                                            {"column", LB_IDENT, NULL, false},
                                            {"type", LB_SQLTYPE, NULL, false}};

static const lb_statement_part comment_parts[] = {{"COMMENT ON TABLE ", 0}, {".", 1}, {" IS ", 2}, {"", -1}};
static const lb_statement_variant comment_variants[] = {{0, 0, false, comment_parts}};
static const lb_statement comment = {.kind = LB_STATEMENT_CHANGE,
                                     .name = "fuzz/comment",
                                     .params = params,
                                     .param_count = 3,
                                     .variants = comment_variants,
                                     .variant_count = 1};

static const lb_statement_param cast_params[] = {{"type", LB_SQLTYPE, NULL, false}, {"column", LB_IDENT, NULL, false}};
static const lb_statement_part cast_parts[] = {{"SELECT NULL::", 0}, {" AS ", 1}, {", 1 AS last", -1}};
static const lb_statement_variant cast_variants[] = {{0, 0, true, cast_parts}};
static const lb_statement cast = {.kind = LB_STATEMENT_READ,
                                  .name = "fuzz/cast",
                                  .params = cast_params,
                                  .param_count = 2,
                                  .variants = cast_variants,
                                  .variant_count = 1};

static struct json_object *member(struct json_object *node, const char *name)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(node, name, &value))
        abort();
    return value;
}

static struct json_object *item(struct json_object *list, size_t index, size_t count)
{
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) != count)
        abort();
    return json_object_array_get_idx(list, index);
}

static void expect_text(struct json_object *node, const char *name, const char *text)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(node, name, &value) ? *text != '\0'
                                                       : strcmp(json_object_get_string(value), text) != 0)
        abort();
}

static struct json_object *parse(const char *sql)
{
    PgQueryParseResult parsed = pg_query_parse(sql);
    struct json_tokener *tokener = json_tokener_new_ex(1000);
    struct json_object *tree = parsed.error ? NULL : json_tokener_parse_ex(tokener, parsed.parse_tree, -1);
    json_tokener_free(tokener);
    pg_query_free_parse_result(parsed);
    if (!tree)
        abort();
    return tree;
}

static void check_comment(const char *const *strings, arena *memory)
{
    const lb_sql *sql = NULL;
    lb_error err;
    if (compose(&comment,
                LB_ARGS(lb_ident("schema", strings[0]), lb_ident("name", strings[1]), lb_text("text", strings[2])), 17,
                memory, &sql, &err) < 0)
        return;
    JSON_AUTO *tree = parse(sql->text);
    struct json_object *node = member(member(item(member(tree, "stmts"), 0, 1), "stmt"), "CommentStmt");
    struct json_object *names = member(member(member(node, "object"), "List"), "items");
    expect_text(member(item(names, 0, 2), "String"), "sval", strings[0]);
    expect_text(member(item(names, 1, 2), "String"), "sval", strings[1]);
    expect_text(node, "comment", strings[2]);
}

static void check_cast(const char *const *strings, arena *memory)
{
    const lb_sql *sql = NULL;
    lb_error err;
    if (compose(&cast, LB_ARGS(lb_ident("column", strings[3]), lb_sqltype("type", strings[4])), 17, memory, &sql,
                &err) < 0)
        return;
    JSON_AUTO *tree = parse(sql->text);
    struct json_object *select = member(member(item(member(tree, "stmts"), 0, 1), "stmt"), "SelectStmt");
    if (json_object_object_length(select) != 3)
        abort(); /* targetList, limitOption, op */
    struct json_object *target = member(item(member(select, "targetList"), 0, 2), "ResTarget");
    expect_text(target, "name", strings[3]);
    (void)member(member(member(member(target, "val"), "TypeCast"), "arg"), "A_Const"); /* aborts when it is missing */
    expect_text(member(item(member(select, "targetList"), 1, 2), "ResTarget"), "name", "last");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[2048] = {0};
    const char *strings[5];
    if (size > 1024)
        return 0;
    memcpy(text, data, size);
    const char *p = text;
    for (size_t i = 0; i < LB_COUNT(strings); i++, p += strlen(p) + 1)
        strings[i] = p;
    arena memory;
    arena_init(&memory, (size_t)1 << 20);
    check_comment(strings, &memory);
    check_cast(strings, &memory);
    arena_done(&memory);
    return 0;
}
