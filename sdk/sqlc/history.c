/* history.c: what a question to the history may use. DuckDB answers it at home and Databricks in the cloud, from the
 * same text; the server's parser takes more than the two share. What it can tell apart is refused here. */
#include "sqlc.h"

#include <json-c/json.h>

/* ---- the header ---------------------------------------------------------------------------------------------------
 */

static bool is_portable(lb_type type)
{
    return type == LB_TEXT || type == LB_I64 || type == LB_F64 || type == LB_BOOL || type == LB_TIME;
}

/* What is composed into the text, a question to the lakehouse takes: its tables have names that nobody knows here. */
static bool takes(const sql_statement *s, const type_info *info)
{
    return is_portable(info->type) || (s->kind == LB_STATEMENT_LAKE && type_is_composed(info));
}

static void check_declared(sqlc *c, const sql_statement *s)
{
    for (size_t i = 0; i < s->param_count; i++) {
        const sql_param *p = &s->params[i];
        bool composed = type_is_composed(p->info);
        if (!takes(s, p->info))
            sqlc_problem(c, &s->file, p->offset, "text, integer, number, boolean or timestamp",
                         "the parameter %s of a question to the %s cannot be %s", p->name, kind_name(s->kind),
                         p->info->name);
        else if (!composed && strcmp(p->pgtype, p->info->pgtype) != 0)
            sqlc_problem(c, &s->file, p->offset, "drop 'as'", "%s: the %s has no type %s", p->name, kind_name(s->kind),
                         p->pgtype);
        if (p->list && p->nullable && !composed)
            sqlc_problem(c, &s->file, p->offset, "an empty list holds nothing", "the list %s cannot be null", p->name);
    }
    for (size_t i = 0; i < s->column_count; i++) {
        const sql_column *column = &s->columns[i];
        lb_type type = column->info->type;
        if (column->list || (!is_portable(type) && type != LB_JSON && type != LB_NUMERIC))
            sqlc_problem(c, &s->file, column->offset, "text, integer, number, boolean, timestamp, numeric or json",
                         "the column %s of a question to the %s cannot be %s%s", column->name, kind_name(s->kind),
                         column->info->name, column->list ? "[]" : "");
    }
    if (s->variant_count > 1)
        sqlc_problem(c, &s->file, s->variants[1].offset, "one text for all", "the %s has no variants",
                     kind_name(s->kind));
}

/* ---- signs --------------------------------------------------------------------------------------------------------
 */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The closing quote of a literal, and what is wrong inside. */
static size_t check_literal(sqlc *c, const sql_statement *s, size_t at, size_t end)
{
    const char *text = s->file.text;
    size_t i = at + 1;
    if (at > 0 && is_word(text[at - 1]) && strchr("eEbBxXnN&rR", text[at - 1]) && (at < 2 || !is_word(text[at - 2])))
        sqlc_problem(c, &s->file, at, "write a plain literal",
                     "engines read a letter before a quote in their own ways");
    for (; i < end && text[i] != '\''; i++)
        if (text[i] == '\\')
            sqlc_problem(c, &s->file, i, "give it as a parameter", "engines disagree on a backslash in a literal");
    return i;
}

/* Signs that mean something else, or nothing, to one of the engines. */
static void check_sign(sqlc *c, const sql_statement *s, size_t at)
{
    static const struct {
        const char *sign, *hint;
    } signs[] = {{"::", "write CAST(x AS TYPE)"},
                 {"->", "fetch the json whole and look into it in C"},
                 {"@", "use a function that both engines have"},
                 {"~", "write LIKE"},
                 {"[", "use a function that both engines have"},
                 {"$", "write a literal in plain quotes"},
                 {"\"", "choose names that need no quotes"},
                 {"/*", "write comments as -- lines"}};
    const char *p = s->file.text + at;
    for (size_t i = 0; i < LB_COUNT(signs); i++)
        if (strncmp(p, signs[i].sign, strlen(signs[i].sign)) == 0)
            sqlc_problem(c, &s->file, at, signs[i].hint, "%s is not read alike by the engines that answer",
                         signs[i].sign);
}

static void check_signs(sqlc *c, const sql_statement *s, const sql_variant *v)
{
    const char *text = s->file.text;
    for (size_t i = v->begin; i < v->end; i++) {
        if (text[i] == '-' && text[i + 1] == '-')
            i += strcspn(text + i, "\n");
        else if (text[i] == '\'')
            i = check_literal(c, s, i, v->end);
        else if ((unsigned char)text[i] >= 0x80)
            sqlc_problem(c, &s->file, i, "only literals and comments hold more", "a sign beyond ASCII");
        else
            check_sign(c, s, i);
        while (i + 1 < v->end && (unsigned char)text[i] >= 0x80 && (unsigned char)text[i + 1] >= 0x80)
            i++; /* said once */
    }
}

/* ---- lists --------------------------------------------------------------------------------------------------------
 */

/* The number of a $n, or 0. */
static int64_t number_of(struct json_object *node)
{
    struct json_object *reference = tree_member(node, "ParamRef");
    return reference ? json_object_get_int64(tree_member(reference, "number")) : 0;
}

static const char *text_member(struct json_object *node, const char *name)
{
    struct json_object *value = tree_member(node, name);
    return value ? json_object_get_string(value) : "";
}

static bool is_in_list(struct json_object *expression)
{
    struct json_object *items = tree_member(tree_member(tree_member(expression, "rexpr"), "List"), "items");
    return strcmp(text_member(expression, "kind"), "AEXPR_IN") == 0 && items && json_object_array_length(items) == 1 &&
           number_of(json_object_array_get_idx(items, 0)) > 0;
}

/* How often each $n stands anywhere, and how often it is all of IN ($n). */
static void count_uses(struct json_object *node, size_t count, unsigned *uses, unsigned *in_lists)
{
    if (json_object_is_type(node, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(node); i++)
            count_uses(json_object_array_get_idx(node, i), count, uses, in_lists);
        return;
    }
    if (!json_object_is_type(node, json_type_object))
        return;
    int64_t number = number_of(node);
    if (number > 0 && number <= (int64_t)count)
        uses[number - 1]++;
    struct json_object *expression = tree_member(node, "A_Expr");
    if (expression && is_in_list(expression)) {
        struct json_object *items = tree_member(tree_member(tree_member(expression, "rexpr"), "List"), "items");
        number = number_of(json_object_array_get_idx(items, 0));
        if (number <= (int64_t)count)
            in_lists[number - 1]++;
    }
    json_object_object_foreach(node, key, value)
    {
        (void)key; /* a $n is one wherever it stands */
        count_uses(value, count, uses, in_lists);
    }
}

/* A list becomes one value after the other, which only IN () takes in both engines. */
static void check_lists(sqlc *c, const sql_statement *s, struct json_object *statement)
{
    unsigned *uses = sqlc_alloc(c, (s->param_count + 1) * sizeof *uses);
    unsigned *in_lists = sqlc_alloc(c, (s->param_count + 1) * sizeof *in_lists);
    count_uses(statement, s->param_count, uses, in_lists);
    for (size_t i = 0; i < s->param_count; i++)
        if (s->params[i].list && !type_is_composed(s->params[i].info) && uses[i] != in_lists[i])
            sqlc_problem(c, &s->file, s->params[i].offset, sqlc_printf(c, "write IN (:%s)", s->params[i].name),
                         "the list %s does not stand alone in IN ()", s->params[i].name);
}

void history_check(sqlc *c, const sql_statement *s, const sql_variant *v, struct json_object *statement)
{
    check_declared(c, s);
    check_signs(c, s, v);
    check_lists(c, s, statement);
}
