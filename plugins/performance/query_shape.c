#include "query_shape.h"

#include <json-c/json.h>
#include <pg_query.h>
#include <stdlib.h>

#define DEPTH 200 /* of a tree */

typedef struct json_object node;

static node *member(node *from, const char *name)
{
    node *found = NULL;
    return json_object_is_type(from, json_type_object) && json_object_object_get_ex(from, name, &found) ? found : NULL;
}

static node *item(node *list, size_t at)
{
    return json_object_is_type(list, json_type_array) && at < json_object_array_length(list)
               ? json_object_array_get_idx(list, at)
               : NULL;
}

static const char *text_of(node *from, const char *name)
{
    node *found = member(from, name);
    return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : "";
}

/* The first node of that kind at or below, that `fits` where it is given. */
static node *find(node *at, const char *kind, bool (*fits)(node *found, void *arg), void *arg, int depth)
{
    node *found = NULL;
    if (depth == 0)
        return NULL;
    if (json_object_is_type(at, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(at) && !found; i++)
            found = find(item(at, i), kind, fits, arg, depth - 1);
    } else if (json_object_is_type(at, json_type_object)) {
        json_object_object_foreach(at, key, value)
        {
            if (!found && strcmp(key, kind) == 0 && (!fits || fits(value, arg)))
                found = value;
            found = found ? found : find(value, kind, fits, arg, depth - 1);
        }
    }
    return found;
}

/* NULL: the text does not parse. */
static node *parse(const char *text)
{
    PgQueryParseResult parsed = pg_query_parse(text);
    node *tree = parsed.error ? NULL : json_tokener_parse(parsed.parse_tree);
    pg_query_free_parse_result(parsed);
    return tree;
}

static bool is_in_subquery(node *negated, void *arg)
{
    (void)arg;
    if (strcmp(text_of(negated, "boolop"), "NOT_EXPR") != 0)
        return false;
    node *link = member(item(member(negated, "args"), 0), "SubLink");
    return strcmp(text_of(link, "subLinkType"), "ANY_SUBLINK") == 0;
}

query_shape query_read_shape(const char *text)
{
    query_shape shape = {.parses = false};
    node *tree = parse(text);
    if (!tree)
        return shape;
    node *statement = member(item(member(tree, "stmts"), 0), "stmt"), *select = member(statement, "SelectStmt");
    shape.parses = statement != NULL;
    shape.only_reads = select != NULL;
    shape.has_offset = find(statement, "limitOffset", NULL, NULL, DEPTH) != NULL;
    shape.has_not_in = find(statement, "BoolExpr", is_in_subquery, NULL, DEPTH) != NULL;
    shape.has_limit = member(select, "limitCount") != NULL;
    shape.has_where = member(select, "whereClause") != NULL;
    (void)json_object_put(tree); /* all of it was its */
    return shape;
}

/* ---- conditions ---- */

/* NULL: some conditions (of subplans) are no SQL. */
static node *parse_condition(const char *condition)
{
    size_t size = strlen(condition) + 32;
    char *text = malloc(size);
    if (!text)
        return NULL;
    (void)snprintf(text, size, "SELECT WHERE %s", condition); /* the room is ample */
    node *tree = parse(text);
    free(text);
    return tree;
}

static bool has_column(node *at)
{
    return find(at, "ColumnRef", NULL, NULL, DEPTH) != NULL;
}

static const char *last_name(node *names)
{
    const char *name = "";
    for (size_t i = 0; item(names, i); i++)
        name = text_of(member(item(names, i), "String"), "sval");
    return name;
}

/* A cast to text is how varchar compares; it costs nothing. */
static bool is_idle_cast(node *cast)
{
    static const char *const idle[] = {"text", "varchar", "bpchar", "name"};
    const char *type = last_name(member(member(cast, "typeName"), "names"));
    for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++)
        if (strcmp(type, idle[i]) == 0)
            return true;
    return false;
}

/* What a side of a comparison does with its column; NULL: nothing that matters. */
static const char *computes(node *side)
{
    node *call = member(side, "FuncCall"), *cast = member(side, "TypeCast"), *sum = member(side, "A_Expr");
    if (call)
        return has_column(call) ? last_name(member(call, "funcname")) : NULL;
    if (sum)
        return has_column(sum) && strcmp(text_of(sum, "kind"), "AEXPR_OP") == 0 ? last_name(member(sum, "name")) : NULL;
    if (cast && is_idle_cast(cast))
        return computes(member(cast, "arg"));
    return cast && has_column(cast) ? last_name(member(member(cast, "typeName"), "names")) : NULL;
}

static bool is_computed_comparison(node *expression, void *arg)
{
    static const char *const comparisons[] = {"=", "<", ">", "<=", ">="};
    node *left = member(expression, "lexpr"), *right = member(expression, "rexpr");
    const char *sign = last_name(member(expression, "name"));
    const char **by = arg;
    bool compares = false;
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++)
        compares = compares || strcmp(sign, comparisons[i]) == 0;
    if (!compares || has_column(left) == has_column(right))
        return false;
    *by = computes(has_column(left) ? left : right);
    return *by != NULL;
}

bool query_compares_computed(const char *condition, char *by, size_t size)
{
    const char *name = NULL;
    node *tree = parse_condition(condition);
    bool found = find(tree, "A_Expr", is_computed_comparison, &name, DEPTH) != NULL;
    if (found)
        (void)snprintf(by, size, "%s", name); /* a long name is cut */
    (void)json_object_put(tree);              /* NULL is fine */
    return found;
}

static bool is_wild(node *expression, void *arg)
{
    (void)arg;
    const char *name = last_name(member(expression, "name"));
    if (strcmp(name, "~~") != 0 && strcmp(name, "~~*") != 0)
        return false;
    node *right = member(expression, "rexpr"), *cast = member(right, "TypeCast");
    node *constant = member(cast ? member(cast, "arg") : right, "A_Const");
    const char *pattern = text_of(member(constant, "sval"), "sval");
    return *pattern == '%' || *pattern == '_';
}

bool query_has_leading_wildcard(const char *condition)
{
    node *tree = parse_condition(condition);
    bool found = find(tree, "A_Expr", is_wild, NULL, DEPTH) != NULL;
    (void)json_object_put(tree); /* NULL is fine */
    return found;
}
