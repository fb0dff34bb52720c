#include "query_shape.h"

#include "parsed.h"

#include <stdlib.h>

typedef parsed node;

static bool is_in_subquery(node *negated, void *arg)
{
    (void)arg;
    if (strcmp(parsed_text(negated, "boolop"), "NOT_EXPR") != 0)
        return false;
    node *link = parsed_member(parsed_item(parsed_member(negated, "args"), 0), "SubLink");
    return strcmp(parsed_text(link, "subLinkType"), "ANY_SUBLINK") == 0;
}

/* Rows that it locks or changes, in whichever part of it, and a table that it makes. */
static bool only_reads(node *statement)
{
    static const char *const writes[] = {"lockingClause", "intoClause", "InsertStmt",
                                         "UpdateStmt",    "DeleteStmt", "MergeStmt"};
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
        if (parsed_find(statement, writes[i], NULL, NULL))
            return false;
    return parsed_member(statement, "SelectStmt") != NULL;
}

query_shape query_read_shape(const char *text)
{
    query_shape shape = {.parses = false};
    node *tree = parsed_sql(text);
    if (!tree)
        return shape;
    node *statement = parsed_member(parsed_item(parsed_member(tree, "stmts"), 0), "stmt"),
         *select = parsed_member(statement, "SelectStmt");
    shape.parses = statement != NULL;
    shape.only_reads = only_reads(statement);
    shape.has_offset = parsed_find(statement, "limitOffset", NULL, NULL) != NULL;
    shape.has_parameters = parsed_find(statement, "ParamRef", NULL, NULL) != NULL;
    shape.has_not_in = parsed_find(statement, "BoolExpr", is_in_subquery, NULL) != NULL;
    shape.has_order = parsed_member(select, "sortClause") != NULL;
    shape.has_limit = parsed_member(select, "limitCount") != NULL;
    shape.has_where = parsed_member(select, "whereClause") != NULL;
    parsed_free(tree);
    return shape;
}

static void forget_places(node *at)
{
    if (json_object_is_type(at, json_type_array)) {
        for (size_t i = 0; parsed_item(at, i); i++)
            forget_places(parsed_item(at, i));
    } else if (json_object_is_type(at, json_type_object)) {
        json_object_object_del(at, "location");
        json_object_object_foreach(at, key, value)
        {
            (void)key; /* wherever it stands */
            forget_places(value);
        }
    }
}

/* ---- order ---- */

static node *field(node *column, size_t from_end)
{
    node *fields = parsed_member(column, "fields");
    size_t count = parsed_length(fields);
    return from_end < count ? parsed_item(fields, count - 1 - from_end) : NULL;
}

/* The name that a column of the result has; "" where nobody says: of an expression, and of a star. */
static const char *name_of(node *target)
{
    node *result = parsed_member(target, "ResTarget");
    const char *alias = parsed_text(result, "name");
    node *column = parsed_member(parsed_member(result, "val"), "ColumnRef");
    return *alias ? alias : parsed_text(parsed_member(field(column, 0), "String"), "sval");
}

static bool is_star(node *target)
{
    node *column = parsed_member(parsed_member(parsed_member(target, "ResTarget"), "val"), "ColumnRef");
    return parsed_member(field(column, 0), "A_Star") != NULL;
}

/* Is the expression of a sort what this column returns? By its number, by its name, or as the same expression. */
static bool is_sorted_by(node *by, node *target, size_t number)
{
    node *constant = parsed_member(by, "A_Const"), *column = parsed_member(by, "ColumnRef");
    const char *bare = field(column, 1) ? "" : parsed_text(parsed_member(field(column, 0), "String"), "sval");
    if (constant)
        return parsed_number(parsed_member(constant, "ival"), "ival") == (int64_t)number;
    return *bare ? strcmp(bare, name_of(target)) == 0
                 : json_object_equal(by, parsed_member(parsed_member(target, "ResTarget"), "val"));
}

/* The name of the one column that it is; "": none, or nobody can say which. */
static const char *key_of(node *by, node *targets)
{
    const char *name = "";
    size_t same_name = 0;
    for (size_t i = 0; parsed_item(targets, i); i++) {
        if (is_star(parsed_item(targets, i)))
            return "";
        if (!*name && is_sorted_by(by, parsed_item(targets, i), i + 1))
            name = name_of(parsed_item(targets, i));
    }
    for (size_t i = 0; *name && parsed_item(targets, i); i++)
        same_name += strcmp(name, name_of(parsed_item(targets, i))) == 0;
    return same_name == 1 ? name : "";
}

query_sort query_read_sort(const char *text)
{
    query_sort sort = {.is_seen = true};
    node *tree = parsed_sql(text);
    node *statement = parsed_member(parsed_item(parsed_member(tree, "stmts"), 0), "stmt");
    node *select = parsed_member(statement, "SelectStmt"), *order = parsed_member(select, "sortClause");
    forget_places(select);
    for (size_t i = 0; parsed_item(order, i); i++) {
        node *by = parsed_member(parsed_member(parsed_item(order, i), "SortBy"), "node");
        const char *key = key_of(by, parsed_member(select, "targetList"));
        sort.is_sorted = true;
        sort.is_seen = sort.is_seen && *key && strlen(key) < sizeof sort.keys[0] && sort.count < QUERY_SORT_KEYS;
        if (sort.is_seen)
            (void)snprintf(sort.keys[sort.count++], sizeof sort.keys[0], "%s", key); /* it fits */
    }
    parsed_free(tree);
    return sort;
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
    node *tree = parsed_sql(text);
    free(text);
    return tree;
}

static bool has_column(node *at)
{
    return parsed_find(at, "ColumnRef", NULL, NULL) != NULL;
}

static const char *last_name(node *names)
{
    const char *name = "";
    for (size_t i = 0; parsed_item(names, i); i++)
        name = parsed_text(parsed_member(parsed_item(names, i), "String"), "sval");
    return name;
}

/* A cast to text is how varchar compares; it costs nothing. */
static bool is_idle_cast(node *cast)
{
    static const char *const idle[] = {"text", "varchar", "bpchar", "name"};
    const char *type = last_name(parsed_member(parsed_member(cast, "typeName"), "names"));
    for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++)
        if (strcmp(type, idle[i]) == 0)
            return true;
    return false;
}

/* What a side of a comparison does with its column; NULL: nothing that matters. */
static const char *computes(node *side)
{
    node *call = parsed_member(side, "FuncCall"), *cast = parsed_member(side, "TypeCast"),
         *sum = parsed_member(side, "A_Expr");
    if (call)
        return has_column(call) ? last_name(parsed_member(call, "funcname")) : NULL;
    if (sum)
        return has_column(sum) && strcmp(parsed_text(sum, "kind"), "AEXPR_OP") == 0
                   ? last_name(parsed_member(sum, "name"))
                   : NULL;
    if (cast && is_idle_cast(cast))
        return computes(parsed_member(cast, "arg"));
    return cast && has_column(cast) ? last_name(parsed_member(parsed_member(cast, "typeName"), "names")) : NULL;
}

static bool is_computed_comparison(node *expression, void *arg)
{
    static const char *const comparisons[] = {"=", "<", ">", "<=", ">="};
    node *left = parsed_member(expression, "lexpr"), *right = parsed_member(expression, "rexpr");
    const char *sign = last_name(parsed_member(expression, "name"));
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
    bool found = parsed_find(tree, "A_Expr", is_computed_comparison, &name) != NULL;
    if (found)
        (void)snprintf(by, size, "%s", name); /* a long name is cut */
    parsed_free(tree);
    return found;
}

static bool is_wild(node *expression, void *arg)
{
    (void)arg;
    const char *name = last_name(parsed_member(expression, "name"));
    if (strcmp(name, "~~") != 0 && strcmp(name, "~~*") != 0)
        return false;
    node *right = parsed_member(expression, "rexpr"), *cast = parsed_member(right, "TypeCast");
    node *constant = parsed_member(cast ? parsed_member(cast, "arg") : right, "A_Const");
    const char *pattern = parsed_text(parsed_member(constant, "sval"), "sval");
    return *pattern == '%' || *pattern == '_';
}

bool query_has_leading_wildcard(const char *condition)
{
    node *tree = parse_condition(condition);
    bool found = parsed_find(tree, "A_Expr", is_wild, NULL) != NULL;
    parsed_free(tree);
    return found;
}
