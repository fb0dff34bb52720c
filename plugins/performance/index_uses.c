/* The server's own parser gives a statement's tree as JSON; this walks it. */
#include "index_uses.h"

#include <json-c/json.h>
#include <pg_query.h>

typedef struct json_object node;

typedef struct reading {
    lb_ctx *ctx;
    index_level *levels;
    bool is_full; /* of memory */
} reading;

/* ---- the tree ---- */

static node *member(node *from, const char *name)
{
    node *found = NULL;
    return from && json_object_is_type(from, json_type_object) && json_object_object_get_ex(from, name, &found) ? found
                                                                                                                : NULL;
}

static size_t length_of(node *list)
{
    return list && json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static node *item(node *list, size_t at)
{
    return json_object_array_get_idx(list, at);
}

static const char *text_of(node *from, const char *name)
{
    node *found = member(from, name);
    return found ? json_object_get_string(found) : "";
}

/* The tree goes when the statement has been read. */
static const char *keep(reading *r, const char *text)
{
    const char *copy = lb_printf(r->ctx, "%s", text);
    r->is_full = r->is_full || !copy;
    return copy;
}

static bool contains(node *at, const char *type)
{
    if (json_object_is_type(at, json_type_array)) {
        for (size_t i = 0; i < length_of(at); i++)
            if (contains(item(at, i), type))
                return true;
    } else if (json_object_is_type(at, json_type_object)) {
        json_object_object_foreach(at, key, value)
        {
            if (strcmp(key, type) == 0 || contains(value, type))
                return true;
        }
    }
    return false;
}

/* A value that does not depend on the row. */
static bool is_value(node *at)
{
    return at && !contains(at, "ColumnRef") && !contains(at, "SubLink");
}

/* ---- columns ---- */

static bool column_of(reading *r, node *expression, index_use *ret_use)
{
    node *fields = member(member(expression, "ColumnRef"), "fields");
    size_t count = length_of(fields);
    if (count < 1 || count > 3)
        return false;
    const char *names[3] = {NULL};
    for (size_t i = 0; i < count; i++) {
        names[i] = text_of(member(item(fields, i), "String"), "sval");
        if (!*names[i])
            return false; /* a star */
    }
    *ret_use =
        (index_use){.qualifier = count > 1 ? keep(r, names[count - 2]) : NULL, .column = keep(r, names[count - 1])};
    return !r->is_full;
}

static void add_use(index_level *level, index_use use, index_use_kind kind)
{
    if (level->use_count == INDEX_USES)
        return;
    use.kind = kind;
    level->uses[level->use_count++] = use;
}

static bool one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

static void read_comparison(reading *r, index_level *level, node *expression)
{
    static const char *const ranges[] = {"<", ">", "<=", ">=", NULL};
    const char *kind = text_of(expression, "kind");
    node *left = member(expression, "lexpr"), *right = member(expression, "rexpr"), *names = member(expression, "name");
    const char *operator= length_of(names) ? text_of(member(item(names, length_of(names) - 1), "String"), "sval") : "";
    bool is_equal = strcmp(operator, "=") == 0;
    index_use use, other;
    if (strcmp(kind, "AEXPR_BETWEEN") == 0) {
        if (is_value(right) && column_of(r, left, &use))
            add_use(level, use, INDEX_USE_RANGE);
    } else if (strcmp(kind, "AEXPR_IN") == 0 || strcmp(kind, "AEXPR_OP_ANY") == 0) {
        if (is_equal && is_value(right) && column_of(r, left, &use))
            add_use(level, use, INDEX_USE_EQUAL);
    } else if (strcmp(kind, "AEXPR_OP") == 0 && (is_equal || one_of(operator, ranges))) {
        bool has_left = column_of(r, left, &use), has_right = column_of(r, right, &other);
        if (has_left && has_right && is_equal) {
            add_use(level, use, INDEX_USE_JOIN);
            add_use(level, other, INDEX_USE_JOIN);
        } else if (has_left && is_value(right)) {
            add_use(level, use, is_equal ? INDEX_USE_EQUAL : INDEX_USE_RANGE);
        } else if (has_right && is_value(left)) {
            add_use(level, other, is_equal ? INDEX_USE_EQUAL : INDEX_USE_RANGE);
        }
    }
}

/* Only what is joined by AND holds for each row that is wanted. */
static void read_condition(reading *r, index_level *level, node *condition)
{
    node *all = member(condition, "BoolExpr"), *comparison = member(condition, "A_Expr");
    if (comparison)
        read_comparison(r, level, comparison);
    if (!all || strcmp(text_of(all, "boolop"), "AND_EXPR") != 0)
        return;
    node *parts = member(all, "args");
    for (size_t i = 0; i < length_of(parts); i++)
        read_condition(r, level, item(parts, i));
}

/* ---- relations ---- */

static void add_relation(reading *r, index_level *level, node *range)
{
    const char *alias = text_of(member(range, "alias"), "aliasname"), *schema = text_of(range, "schemaname");
    if (level->relation_count == INDEX_RELATIONS)
        return;
    index_relation *relation = &level->relations[level->relation_count++];
    relation->schema = *schema ? keep(r, schema) : NULL;
    relation->name = keep(r, text_of(range, "relname"));
    relation->alias = *alias ? keep(r, alias) : relation->name;
}

/* The condition of an outer join does not say which rows of its kept side are wanted, but it does of the other side,
 * and a column of the kept side is only compared with what the row has. */
static void read_from(reading *r, index_level *level, node *at)
{
    node *range = member(at, "RangeVar"), *join = member(at, "JoinExpr");
    if (range)
        add_relation(r, level, range);
    if (!join)
        return;
    read_from(r, level, member(join, "larg"));
    read_from(r, level, member(join, "rarg"));
    if (strcmp(text_of(join, "jointype"), "JOIN_INNER") == 0)
        read_condition(r, level, member(join, "quals"));
}

static void read_from_list(reading *r, index_level *level, node *list)
{
    for (size_t i = 0; i < length_of(list); i++)
        read_from(r, level, item(list, i));
}

/* An order helps where not all rows are wanted: with a LIMIT, and no grouping before it. */
static void read_order(reading *r, index_level *level, node *select)
{
    node *list = member(select, "sortClause");
    if (!member(select, "limitCount") || member(select, "groupClause") || member(select, "distinctClause"))
        return;
    size_t before = level->use_count;
    for (size_t i = 0; i < length_of(list); i++) {
        node *by = member(item(list, i), "SortBy");
        index_use use;
        if (!column_of(r, member(by, "node"), &use) ||
            strcmp(text_of(by, "sortby_nulls"), "SORTBY_NULLS_DEFAULT") != 0) {
            level->use_count = before; /* half an order is none */
            return;
        }
        use.descending = strcmp(text_of(by, "sortby_dir"), "SORTBY_DESC") == 0;
        add_use(level, use, INDEX_USE_ORDER);
    }
}

/* ---- levels ---- */

static index_level *new_level(reading *r)
{
    index_level *level = lb_alloc(r->ctx, sizeof *level);
    r->is_full = r->is_full || !level;
    if (level) {
        level->next = r->levels;
        r->levels = level;
    }
    return level;
}

static void read_statement(reading *r, const char *type, node *statement)
{
    bool selects = strcmp(type, "SelectStmt") == 0, updates = strcmp(type, "UpdateStmt") == 0,
         deletes = strcmp(type, "DeleteStmt") == 0;
    index_level *level = selects || updates || deletes ? new_level(r) : NULL;
    if (!level)
        return;
    if (!selects)
        add_relation(r, level, member(statement, "relation"));
    read_from_list(r, level, member(statement, deletes ? "usingClause" : "fromClause"));
    read_condition(r, level, member(statement, "whereClause"));
    if (selects)
        read_order(r, level, statement);
}

static void walk(reading *r, node *at)
{
    if (json_object_is_type(at, json_type_array)) {
        for (size_t i = 0; i < length_of(at); i++)
            walk(r, item(at, i));
    } else if (json_object_is_type(at, json_type_object)) {
        json_object_object_foreach(at, key, value)
        {
            read_statement(r, key, value);
            if ((strcmp(key, "larg") == 0 || strcmp(key, "rarg") == 0) && member(value, "op"))
                read_statement(r, "SelectStmt", value); /* the sides of a UNION have no type of their own */
            walk(r, value);
        }
    }
}

int index_read_uses(lb_ctx *ctx, const char *text, index_level **ret_levels, lb_error *err)
{
    reading r = {.ctx = ctx};
    PgQueryParseResult parsed = pg_query_parse(text);
    node *tree = parsed.error ? NULL : json_tokener_parse(parsed.parse_tree);
    bool good = tree != NULL;
    if (tree)
        walk(&r, tree);
    (void)json_object_put(tree);
    pg_query_free_parse_result(parsed);
    if (!good)
        return lb_fail(err, LB_ERR_INVALID, NULL, "a statement's text does not parse");
    if (r.is_full)
        return lb_out_of_memory(err);
    *ret_levels = r.levels;
    return 0;
}
