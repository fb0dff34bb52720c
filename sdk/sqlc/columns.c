/* columns.c: do a read's declared columns agree with its select list, as far as the text tells? */
#include "sqlc.h"

#include <json-c/json.h>

#include <ctype.h>

/* The SELECT whose list names the columns: of a UNION the leftmost. */
static struct json_object *leftmost(struct json_object *select)
{
    for (struct json_object *left = select; left; left = tree_member(left, "larg"))
        select = left;
    return select;
}

static const char *last_text(struct json_object *names)
{
    size_t count = names ? json_object_array_length(names) : 0;
    struct json_object *last = count ? json_object_array_get_idx(names, count - 1) : NULL;
    struct json_object *text = tree_member(tree_member(last, "String"), "sval");
    return text ? json_object_get_string(text) : NULL;
}

static bool is_star(struct json_object *target)
{
    struct json_object *fields = tree_member(tree_member(tree_member(target, "val"), "ColumnRef"), "fields");
    size_t count = fields ? json_object_array_length(fields) : 0;
    return count && tree_member(json_object_array_get_idx(fields, count - 1), "A_Star");
}

/* The name that the server will give, where it is plain to see; else NULL. */
static const char *target_name(struct json_object *target)
{
    struct json_object *name = tree_member(target, "name"), *value = tree_member(target, "val");
    if (name)
        return json_object_get_string(name);
    const char *column = last_text(tree_member(tree_member(value, "ColumnRef"), "fields"));
    return column ? column : last_text(tree_member(tree_member(value, "FuncCall"), "funcname"));
}

static void report_count(sqlc *c, const sql_statement *s, const sql_variant *v, size_t count)
{
    sqlc_problem(c, &s->file, v->begin, "one '-- column' line for each",
                 "the statement gives %zu columns and declares %zu", count, s->column_count);
}

static void check_targets(sqlc *c, const sql_statement *s, const sql_variant *v, struct json_object *targets)
{
    size_t count = json_object_array_length(targets);
    for (size_t i = 0; i < count; i++)
        if (is_star(tree_member(json_object_array_get_idx(targets, i), "ResTarget")))
            return;
    if (count != s->column_count) {
        report_count(c, s, v, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = target_name(tree_member(json_object_array_get_idx(targets, i), "ResTarget"));
        if (name && strcmp(name, s->columns[i].name) != 0)
            sqlc_problem(c, &s->file, s->columns[i].offset,
                         sqlc_printf(c, "write ... AS %s, or declare %s", s->columns[i].name, name),
                         "column %zu is declared as %s and the statement calls it %s", i + 1, s->columns[i].name, name);
    }
}

static void check_values(sqlc *c, const sql_statement *s, const sql_variant *v, struct json_object *lists)
{
    struct json_object *items = tree_member(tree_member(json_object_array_get_idx(lists, 0), "List"), "items");
    size_t count = items ? json_object_array_length(items) : 0;
    if (count != s->column_count) {
        report_count(c, s, v, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = sqlc_printf(c, "column%zu", i + 1);
        if (strcmp(name, s->columns[i].name) != 0)
            sqlc_problem(c, &s->file, s->columns[i].offset, "SELECT * FROM (VALUES ...) AS v (name) gives it a name",
                         "column %zu is declared as %s and VALUES calls it %s", i + 1, s->columns[i].name, name);
    }
}

/* SHOW and EXPLAIN name their column themselves: it is declared in lower case, with _ for what no name can hold. */
static void check_single(sqlc *c, const sql_statement *s, const sql_variant *v, const char *name)
{
    char *plain = sqlc_printf(c, "%s", name);
    for (char *p = plain; *p; p++)
        *p = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '_';
    if (s->column_count != 1)
        report_count(c, s, v, 1);
    else if (strcmp(plain, s->columns[0].name) != 0)
        sqlc_problem(c, &s->file, s->columns[0].offset, sqlc_printf(c, "declare it as %s", plain),
                     "the column is declared as %s and the server calls it \"%s\"", s->columns[0].name, name);
}

void columns_check(sqlc *c, const sql_statement *s, const sql_variant *v, struct json_object *statement)
{
    struct json_object *show = tree_member(statement, "VariableShowStmt"),
                       *select = tree_member(statement, "SelectStmt");
    struct json_object *targets = tree_member(leftmost(select), "targetList");
    struct json_object *lists = tree_member(leftmost(select), "valuesLists");
    if (!s->column_count)
        return; /* reported with the header */
    if (tree_member(statement, "ExplainStmt"))
        check_single(c, s, v, "QUERY PLAN");
    else if (show && tree_member(show, "name") && strcmp(json_object_get_string(tree_member(show, "name")), "all") != 0)
        check_single(c, s, v, json_object_get_string(tree_member(show, "name")));
    else if (targets)
        check_targets(c, s, v, targets);
    else if (lists)
        check_values(c, s, v, lists);
}
