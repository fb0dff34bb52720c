/* The server's own parser gives a statement's tree as JSON; this walks it. */
#include "index_uses.h"
#include "parsed.h"

typedef parsed node;

typedef struct reading {
    lb_ctx *ctx;
    index_level *levels;
    bool is_full; /* of memory */
} reading;

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
        for (size_t i = 0; i < parsed_length(at); i++)
            if (contains(parsed_item(at, i), type))
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

static bool contains_call(node *at, const char *function)
{
    node *names = parsed_member(parsed_member(at, "FuncCall"), "funcname");
    if (names && strcmp(parsed_text(parsed_member(parsed_item(names, parsed_length(names) - 1), "String"), "sval"),
                        function) == 0)
        return true;
    if (json_object_is_type(at, json_type_array)) {
        for (size_t i = 0; i < parsed_length(at); i++)
            if (contains_call(parsed_item(at, i), function))
                return true;
    } else if (json_object_is_type(at, json_type_object)) {
        json_object_object_foreach(at, key, value)
        {
            (void)key;
            if (contains_call(value, function))
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
    node *fields = parsed_member(parsed_member(expression, "ColumnRef"), "fields");
    size_t count = parsed_length(fields);
    if (count < 1 || count > 3)
        return false;
    const char *names[3] = {NULL};
    for (size_t i = 0; i < count; i++) {
        names[i] = parsed_text(parsed_member(parsed_item(fields, i), "String"), "sval");
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

/* x > now() - ...: the end of what is only ever added to. */
static bool is_of_today(node *at)
{
    return contains(at, "SQLValueFunction") || contains_call(at, "now");
}

static index_use_kind kind_of_operator(const char *operator)
{
    static const struct {
        const char *operator;
        index_use_kind kind;
    } kinds[] = {{"=", INDEX_USE_EQUAL},     {"<", INDEX_USE_RANGE},   {">", INDEX_USE_RANGE},
                 {"<=", INDEX_USE_RANGE},    {">=", INDEX_USE_RANGE},  {"@>", INDEX_USE_CONTAINS},
                 {"&&", INDEX_USE_OVERLAPS}, {"?", INDEX_USE_HAS_KEY}, {"?|", INDEX_USE_HAS_KEY},
                 {"?&", INDEX_USE_HAS_KEY}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].operator, operator) == 0)
            return kinds[i].kind;
    return 0;
}

static void read_operator(reading *r, index_level *level, index_use_kind kind, node *left, node *right)
{
    index_use use, other;
    bool has_left = column_of(r, left, &use), has_right = column_of(r, right, &other);
    bool turns = kind == INDEX_USE_EQUAL || kind == INDEX_USE_RANGE || kind == INDEX_USE_OVERLAPS;
    if (has_left && has_right && kind == INDEX_USE_EQUAL) {
        add_use(level, use, INDEX_USE_JOIN);
        add_use(level, other, INDEX_USE_JOIN);
    } else if (has_left && is_value(right)) {
        use.is_bounded = is_of_today(right);
        add_use(level, use, kind);
    } else if (has_right && is_value(left) && turns) {
        other.is_bounded = is_of_today(left);
        add_use(level, other, kind);
    }
}

static void read_comparison(reading *r, index_level *level, node *expression)
{
    const char *how = parsed_text(expression, "kind");
    node *left = parsed_member(expression, "lexpr"), *right = parsed_member(expression, "rexpr"),
         *names = parsed_member(expression, "name");
    const char *operator= parsed_length(names)
        ? parsed_text(parsed_member(parsed_item(names, parsed_length(names) - 1), "String"), "sval")
        : "";
    index_use_kind kind = kind_of_operator(operator);
    index_use use;
    if (strcmp(how, "AEXPR_OP") == 0) {
        if (kind)
            read_operator(r, level, kind, left, right);
        return;
    }
    bool is_between = strcmp(how, "AEXPR_BETWEEN") == 0,
         is_list = strcmp(how, "AEXPR_IN") == 0 || strcmp(how, "AEXPR_OP_ANY") == 0,
         is_pattern = (strcmp(how, "AEXPR_LIKE") == 0 || strcmp(how, "AEXPR_ILIKE") == 0) && *operator!= '!';
    if (!is_value(right) || !column_of(r, left, &use))
        return;
    use.is_bounded = is_between;
    if (is_between || is_pattern)
        add_use(level, use, is_between ? INDEX_USE_RANGE : INDEX_USE_PATTERN);
    else if (is_list && kind == INDEX_USE_EQUAL)
        add_use(level, use, INDEX_USE_EQUAL);
}

/* What is there or not, true or not: of few kinds, so that the server keeps it in the text. IS TRUE is none of them:
 * that a row which is marked meets it, and the reverse, is more than the planner knows of an index over the marked
 * rows. */
static void read_test(reading *r, index_level *level, node *condition, bool is_negated)
{
    node *null = parsed_member(condition, "NullTest");
    bool is_null = strcmp(parsed_text(null, "nulltesttype"), "IS_NULL") == 0;
    index_use use;
    if (!column_of(r, null ? parsed_member(null, "arg") : condition, &use))
        return;
    add_use(level, use,
            null         ? is_null != is_negated ? INDEX_USE_NULL : INDEX_USE_NOT_NULL
            : is_negated ? INDEX_USE_FALSE
                         : INDEX_USE_TRUE);
}

static bool is_computed(node *side)
{
    static const char *const kinds[] = {"FuncCall", "TypeCast", "A_Expr", "CoalesceExpr"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (parsed_member(side, kinds[i]))
            return contains(side, "ColumnRef");
    return false;
}

/* Why no row is found by it. */
static unsigned miss_of(node *condition)
{
    node *all = parsed_member(condition, "BoolExpr"), *comparison = parsed_member(condition, "A_Expr");
    if (!condition || is_value(condition))
        return 0;
    if (all)
        return strcmp(parsed_text(all, "boolop"), "OR_EXPR") == 0 ? INDEX_MISS_OR : INDEX_MISS_OTHER;
    return is_computed(comparison ? parsed_member(comparison, "lexpr") : condition) ||
                   is_computed(parsed_member(comparison, "rexpr"))
               ? INDEX_MISS_COMPUTED
               : INDEX_MISS_OTHER;
}

/* Only what is joined by AND holds for each row that is wanted. */
static void read_condition(reading *r, index_level *level, node *condition)
{
    size_t before = level->use_count;
    node *all = parsed_member(condition, "BoolExpr"), *comparison = parsed_member(condition, "A_Expr");
    node *parts = parsed_member(all, "args");
    if (comparison)
        read_comparison(r, level, comparison);
    else if (!all)
        read_test(r, level, condition, false);
    else if (strcmp(parsed_text(all, "boolop"), "NOT_EXPR") == 0)
        read_test(r, level, parsed_item(parts, 0), true);
    if (!all || strcmp(parsed_text(all, "boolop"), "AND_EXPR") != 0) {
        level->missed |= level->use_count == before ? miss_of(condition) : 0;
        return;
    }
    for (size_t i = 0; i < parsed_length(parts); i++)
        read_condition(r, level, parsed_item(parts, i));
}

/* ---- relations ---- */

static void add_relation(reading *r, index_level *level, node *range)
{
    const char *alias = parsed_text(parsed_member(range, "alias"), "aliasname"),
               *schema = parsed_text(range, "schemaname");
    if (level->relation_count == INDEX_RELATIONS)
        return;
    index_relation *relation = &level->relations[level->relation_count++];
    relation->schema = *schema ? keep(r, schema) : NULL;
    relation->name = keep(r, parsed_text(range, "relname"));
    relation->alias = *alias ? keep(r, alias) : relation->name;
}

/* The condition of an outer join does not say which rows of its kept side are wanted, but it does of the other side,
 * and a column of the kept side is only compared with what the row has. */
static void read_from(reading *r, index_level *level, node *at)
{
    node *range = parsed_member(at, "RangeVar"), *join = parsed_member(at, "JoinExpr");
    if (range)
        add_relation(r, level, range);
    if (!join)
        return;
    read_from(r, level, parsed_member(join, "larg"));
    read_from(r, level, parsed_member(join, "rarg"));
    if (strcmp(parsed_text(join, "jointype"), "JOIN_INNER") == 0)
        read_condition(r, level, parsed_member(join, "quals"));
}

static void read_from_list(reading *r, index_level *level, node *list)
{
    for (size_t i = 0; i < parsed_length(list); i++)
        read_from(r, level, parsed_item(list, i));
}

/* An order helps where not all rows are wanted: with a LIMIT, and no grouping before it. */
static void read_order(reading *r, index_level *level, node *select)
{
    node *list = parsed_member(select, "sortClause");
    if (!parsed_member(select, "limitCount") || parsed_member(select, "groupClause") ||
        parsed_member(select, "distinctClause"))
        return;
    size_t before = level->use_count;
    for (size_t i = 0; i < parsed_length(list); i++) {
        node *by = parsed_member(parsed_item(list, i), "SortBy");
        index_use use;
        if (!column_of(r, parsed_member(by, "node"), &use) ||
            strcmp(parsed_text(by, "sortby_nulls"), "SORTBY_NULLS_DEFAULT") != 0) {
            level->use_count = before; /* half an order is none */
            return;
        }
        use.descending = strcmp(parsed_text(by, "sortby_dir"), "SORTBY_DESC") == 0;
        add_use(level, use, INDEX_USE_ORDER);
    }
}

/* ---- what it reads ---- */

static void note_read(reading *r, index_level *level, node *column)
{
    index_use use;
    if (!column_of(r, column, &use) || level->read_count == INDEX_READS) {
        level->reads_all = true; /* a star, or one too many */
        return;
    }
    for (size_t i = 0; !use.qualifier && i < level->relation_count; i++) /* the row as a whole */
        level->reads_all = level->reads_all || strcmp(level->relations[i].alias, use.column) == 0;
    level->reads[level->read_count++] = use;
}

/* Those of statements inside of it as well, which may speak of its rows. */
static void note_reads(reading *r, index_level *level, node *at)
{
    if (json_object_is_type(at, json_type_array)) {
        for (size_t i = 0; i < parsed_length(at); i++)
            note_reads(r, level, parsed_item(at, i));
    } else if (json_object_is_type(at, json_type_object)) {
        if (parsed_member(at, "ColumnRef"))
            note_read(r, level, at);
        json_object_object_foreach(at, key, value)
        {
            if (strcmp(key, "ColumnRef") != 0)
                note_reads(r, level, value);
        }
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
        add_relation(r, level, parsed_member(statement, "relation"));
    read_from_list(r, level, parsed_member(statement, deletes ? "usingClause" : "fromClause"));
    read_condition(r, level, parsed_member(statement, "whereClause"));
    if (selects)
        read_order(r, level, statement);
    level->reads_all = !selects || parsed_member(statement, "lockingClause");
    note_reads(r, level, statement);
}

static void walk(reading *r, node *at)
{
    if (json_object_is_type(at, json_type_array)) {
        for (size_t i = 0; i < parsed_length(at); i++)
            walk(r, parsed_item(at, i));
    } else if (json_object_is_type(at, json_type_object)) {
        json_object_object_foreach(at, key, value)
        {
            read_statement(r, key, value);
            if ((strcmp(key, "larg") == 0 || strcmp(key, "rarg") == 0) && parsed_member(value, "op"))
                read_statement(r, "SelectStmt", value); /* the sides of a UNION have no type of their own */
            walk(r, value);
        }
    }
}

int index_read_uses(lb_ctx *ctx, const char *text, index_level **ret_levels, lb_error *err)
{
    reading r = {.ctx = ctx};
    node *tree = parsed_sql(text);
    bool good = tree != NULL;
    if (tree)
        walk(&r, tree);
    parsed_free(tree);
    if (!good)
        return lb_fail(err, LB_ERR_INVALID, NULL, "a statement's text does not parse");
    if (r.is_full)
        return lb_out_of_memory(err);
    *ret_levels = r.levels;
    return 0;
}
