/* ALTER COLUMN ... TYPE, as far as the new type, its USING and the CHECKs of the file tell what it does. Of the old
 * type the text says nothing. */
#include "judge_internal.h"

#define IN_LIST(list, name) is_in_list(list, name, LB_COUNT(list))

/* Whatever comes to these from another type is stored otherwise. */
static const char *const own_form[] = {"int2", "int4",  "int8",  "float4", "float8", "bool",    "uuid",
                                       "json", "jsonb", "bytea", "date",   "bpchar", "interval"};

/* Some other type of each one's kind holds more; the rest are limited by what stands in brackets. */
static const char *const small[] = {"int2", "int4", "float4", "date"};

static bool is_in_list(const char *const *list, const char *name, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

static const char *name_of(tree type, label *into)
{
    *into = label_of(tree_get(type, "names"));
    return strncmp(into->text, "pg_catalog.", 11) == 0 ? into->text + 11 : into->text;
}

/* USING a, and USING a::int, leave each value to the cast; anything else computes. */
static bool computes(tree using_expression)
{
    tree cast = tree_node(using_expression, "TypeCast");
    tree value = tree_has(cast) ? tree_get(cast, "arg") : using_expression;
    return tree_has(using_expression) && !tree_has(tree_node(value, "ColumnRef"));
}

void judge_note_check(judging *j, const char *table, const char *constraint, tree expression)
{
    const char *end = expression.at ? tree_end(expression) : NULL;
    char key[64];
    tree value;
    for (const char *p = expression.at; p && tree_next_key(p, end, key, sizeof key, &value); p = value.at) {
        label last = {""};
        if (strcmp(key, "ColumnRef") != 0)
            continue;
        for (tree field = tree_first(tree_get(value, "fields")); field.at; field = tree_next(field))
            last = label_of(field);
        judging_fact(j, FACT_CHECKED, judging_printf(j, "%s.%s", table, last.text), constraint);
    }
}

/* One that the file has dropped since is held against nothing. */
static bool is_checked(judging *j, const char *where)
{
    for (size_t i = 0; i < j->fact_count; i++) {
        const fact f = j->facts[i];
        if (f.kind == FACT_CHECKED && strcmp(f.name, where) == 0 &&
            !judging_find(j, FACT_DROPPED, judging_printf(j, "constraint %s", f.extra)))
            return true;
    }
    return false;
}

void judge_new_type(judging *j, tree column, const char *where)
{
    label full;
    tree type = tree_get(column, "typeName");
    const char *name = name_of(type, &full);
    bool is_array = tree_has(tree_get(type, "arrayBounds"));
    if (computes(tree_get(column, "raw_default")) || (!is_array && IN_LIST(own_form, name)))
        judging_hazard(j, JUDGE_COLUMN_TYPE_REWRITES, where, NULL);
    if (tree_has(tree_get(column, "collClause")))
        judging_hazard(j, JUDGE_COLUMN_TYPE_INDEXES, where, NULL);
    if (tree_has(tree_get(type, "typmods")) || (!is_array && IN_LIST(small, name)))
        judging_hazard(j, JUDGE_COLUMN_TYPE_NARROW, where, NULL);
    if (is_checked(j, where))
        judging_hazard(j, JUDGE_COLUMN_TYPE_CHECKS, where, NULL);
}
