/* CREATE INDEX: its shape, what it begins with, and whom it keeps waiting. */
#include "judge_internal.h"

/* The server strips parentheses and collations from a column, too. */
static tree index_column(tree item)
{
    tree name = tree_get(item, "name"), expression = tree_get(item, "expr");
    tree collated = tree_node(expression, "CollateClause");
    tree fields = tree_path(tree_has(collated) ? tree_get(collated, "arg") : expression, "ColumnRef", "fields");
    tree last = {0};
    for (tree field = tree_first(fields); field.at; field = tree_next(field))
        last = tree_path(field, "String", "sval");
    return tree_has(name) ? name : last;
}

static const char *shape_of_column(judging *j, const char *before, tree item)
{
    char name[128];
    tree column = index_column(item);
    tree_text(column, name, sizeof name);
    bool is_down = tree_is(tree_get(item, "ordering"), "SORTBY_DESC");
    tree nulls = tree_get(item, "nulls_ordering");
    bool nulls_first = tree_is(nulls, "SORTBY_NULLS_FIRST") || (is_down && !tree_is(nulls, "SORTBY_NULLS_LAST"));
    return judging_printf(j, "%s%s%s%s%s", before, before[0] ? ", " : "", tree_has(column) ? name : "(expression)",
                          is_down ? " desc" : "",
                          nulls_first == is_down ? ""
                          : nulls_first          ? " nulls first"
                                                 : " nulls last");
}

static const char *shape_of_list(judging *j, tree list)
{
    const char *text = "";
    for (tree item = tree_first(list); item.at; item = tree_next(item))
        text = shape_of_column(j, text, tree_node(item, "IndexElem"));
    return text;
}

/* What of a definition is the same however it is written: not the text of expressions and conditions. */
static const char *shape_of_index(judging *j, tree s)
{
    char method[128], table[128];
    tree where = tree_get(s, "whereClause"), including = tree_get(s, "indexIncludingParams");
    tree_text(tree_get(s, "accessMethod"), method, sizeof method);
    tree_text(tree_path(s, "relation", "relname"), table, sizeof table);
    const char *included = shape_of_list(j, including);
    return judging_printf(j, "%s%s on %s (%s)%s%s%s%s%s", tree_true(tree_get(s, "unique")) ? "unique " : "", method,
                          table, shape_of_list(j, tree_get(s, "indexParams")), included[0] ? " include (" : "",
                          included, included[0] ? ")" : "",
                          tree_true(tree_get(s, "nulls_not_distinct")) ? " nulls not distinct" : "",
                          tree_has(where) && !judge_is_true(where) ? " where" : "");
}

static bool shape_says_all(tree s)
{
    bool all = !tree_has(tree_get(s, "whereClause"));
    for (tree item = tree_first(tree_get(s, "indexParams")); item.at; item = tree_next(item)) {
        tree column = tree_node(item, "IndexElem");
        all = all && tree_has(tree_get(column, "name")) && !tree_has(tree_get(column, "opclass")) &&
              !tree_has(tree_get(column, "collation"));
    }
    return all;
}

/* "app.orders (kind, day)", without expressions. */
static const char *columns_of(judging *j, const char *table, tree columns, bool up_to_expression)
{
    const char *text = "";
    for (tree item = tree_first(columns); item.at; item = tree_next(item)) {
        tree column = index_column(tree_node(item, "IndexElem"));
        char name[128];
        tree_text(column, name, sizeof name);
        if (!tree_has(column) && up_to_expression)
            break;
        if (tree_has(column))
            text = judging_printf(j, "%s%s%s", text, *text ? ", " : "", name);
    }
    return judging_printf(j, "%s (%s)", table, text);
}

static const char *leading_columns(judging *j, const char *table, tree columns)
{
    const char *list = columns_of(j, table, columns, true);
    return strstr(list, " ()") ? NULL : list;
}

static bool is_in_usual_order(tree columns)
{
    for (tree item = tree_first(columns); item.at; item = tree_next(item)) {
        tree column = tree_node(item, "IndexElem");
        tree nulls = tree_get(column, "nulls_ordering");
        if (tree_is(tree_get(column, "ordering"), "SORTBY_DESC") || tree_is(nulls, "SORTBY_NULLS_FIRST"))
            return false;
    }
    return true;
}

static void note_index(judging *j, tree s, const char *table, const char *name)
{
    tree where = tree_get(s, "whereClause"), columns = tree_get(s, "indexParams");
    bool is_whole = !tree_has(where) || judge_is_true(where);
    judge_index(j, &(judge_index_parts){.name = name,
                                        .leads = is_whole ? leading_columns(j, table, columns) : NULL,
                                        .is_plain = tree_is(tree_get(s, "accessMethod"), "btree") &&
                                                    shape_says_all(s) && is_in_usual_order(columns),
                                        .adds_nothing = !tree_true(tree_get(s, "unique")) &&
                                                        !tree_has(tree_get(s, "indexIncludingParams"))});
}

void judge_create_index(judging *j, tree s)
{
    tree range = tree_get(s, "relation");
    label table = label_of_range(range), name = label_of(tree_get(s, "idxname"));
    bool concurrent = tree_true(tree_get(s, "concurrent")), is_new = judging_is_new(j, table.text);
    const char *shown = name.text[0] ? name.text : table.text;
    if (!name.text[0])
        judging_hazard(j, JUDGE_INDEX_UNNAMED, table.text, NULL);
    if (!tree_true(tree_get(s, "if_not_exists")))
        judging_not_idempotent(j, shown, judging_insert(j, concurrent ? "CONCURRENTLY" : "INDEX", "IF NOT EXISTS"));
    if (!concurrent && !is_new)
        judging_hazard(j, JUDGE_INDEX_NOT_CONCURRENT, shown, judging_insert(j, "INDEX", "CONCURRENTLY"));
    if (!tree_true(tree_get(s, "unique")) && tree_count(tree_get(s, "indexParams")) > 3)
        judging_hazard(j, JUDGE_INDEX_WIDE, shown, NULL);
    if (!tree_has(tree_get(range, "schemaname")))
        judging_hazard(j, JUDGE_UNQUALIFIED, table.text, NULL);
    judging_lock(j, concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE, table.text);
    j->now->scans |= !is_new && !j->in_body;
    if (concurrent && name.text[0] && !j->in_block) {
        j->now->builds.schema = judging_schema(j, range);
        j->now->builds.name = judging_printf(j, "%s", name.text);
        j->now->builds.table = judging_printf(j, "%s", table.text);
        j->now->builds.shape = shape_of_index(j, s);
        j->now->builds.shape_says_all = shape_says_all(s);
        judging_builds_on(j, range);
    }
    if (tree_true(tree_get(s, "unique")))
        judge_key_of_parts(j, table.text, columns_of(j, table.text, tree_get(s, "indexParams"), false), shown);
    if (concurrent && judging_find(j, FACT_PARTITIONED, table.text))
        judging_hazard(j, JUDGE_INDEX_PARTITIONED, shown, NULL);
    note_index(j, s, table.text, judging_printf(j, "%s.%s", judging_schema(j, range), name.text));
}
