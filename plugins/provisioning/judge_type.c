/* ALTER COLUMN ... TYPE, as far as the new type, its USING and the CHECKs of the file tell what it does; and what the
 * column's type was before, where the file says so or somebody has looked. */
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

/* ---- what is known of types ---- */

/* "app.orders", also of a table that the runner finds in public; where the file looks elsewhere it is in no known one.
 */
static const char *full_name(judging *j, const char *table)
{
    return strchr(table, '.') ? table : judging_printf(j, "%s.%s", j->has_own_path ? "?" : "public", table);
}

static const char *column_name(judging *j, const char *table, const char *column)
{
    return judging_printf(j, "%s.%s", full_name(j, table), column);
}

/* NULL: not known. What is unknown of a table, or of all of them, is so of each column. */
static const char *known_type(const judging *j, const char *where)
{
    for (size_t i = j->fact_count; i-- > 0;) {
        const fact *f = &j->facts[i];
        size_t length = strlen(f->name);
        bool is_part = !length || (strncmp(f->name, where, length) == 0 && where[length] == '.');
        if (f->kind == FACT_TYPE && (strcmp(f->name, where) == 0 || (!f->extra && is_part)))
            return f->extra;
    }
    return NULL;
}

/* "numeric(10,2)", "varchar(20)[]": as sql/migration/column_types.sql has it. */
static const char *type_text(judging *j, tree type)
{
    static const char *const numbered[][2] = {{"serial", "int4"},  {"serial4", "int4"},     {"bigserial", "int8"},
                                              {"serial8", "int8"}, {"smallserial", "int2"}, {"serial2", "int2"}};
    label full;
    const char *name = name_of(type, &full), *limits = "";
    for (tree item = tree_first(tree_get(type, "typmods")); item.at; item = tree_next(item))
        limits = judging_printf(j, "%s%s%lld", limits, *limits ? "," : "",
                                (long long)tree_number(tree_get(tree_path(item, "A_Const", "ival"), "ival")));
    for (size_t i = 0; i < LB_COUNT(numbered); i++)
        if (strcmp(numbered[i][0], name) == 0)
            name = numbered[i][1];
    if (strcmp(name, "numeric") == 0 && *limits && !strchr(limits, ','))
        limits = judging_printf(j, "%s,0", limits);
    return judging_printf(j, "%s%s%s%s%s", name, *limits ? "(" : "", limits, *limits ? ")" : "",
                          tree_has(tree_get(type, "arrayBounds")) ? "[]" : "");
}

/* What stands in a block may be left out, as when its condition does not hold. */
static void note_type(judging *j, const char *where, const char *type)
{
    judging_fact(j, FACT_TYPE, where, j->in_block ? NULL : type);
}

void judge_note_type(judging *j, const char *table, const char *column, tree type)
{
    note_type(j, column_name(j, table, column), type_text(j, type));
}

void judge_note_types(judging *j, const char *table, tree elements)
{
    judge_forget_table(j, table);
    for (tree item = tree_first(elements); item.at; item = tree_next(item)) {
        tree column = tree_node(item, "ColumnDef");
        if (tree_has(column))
            judge_note_type(j, table, label_of(tree_get(column, "colname")).text, tree_get(column, "typeName"));
    }
}

void judge_forget_types(judging *j, const char *of)
{
    judging_fact(j, FACT_TYPE, of, NULL);
}

void judge_forget_table(judging *j, const char *table)
{
    judge_forget_types(j, full_name(j, table));
}

/* It may stay so for the files behind this one. */
void judge_lose_path(judging *j)
{
    j->has_own_path = j->has_own_path || !j->in_body;
    judge_forget_types(j, "public");
}

void judge_forget_type(judging *j, const char *table, const char *column)
{
    judge_forget_types(j, column_name(j, table, column));
}

void judge_rename_type(judging *j, const char *table, const char *from, const char *to)
{
    note_type(j, column_name(j, table, to), known_type(j, column_name(j, table, from)));
    judge_forget_type(j, table, from);
}

/* A table that had the new name before is gone by then. */
void judge_rename_types(judging *j, const char *from, const char *to)
{
    const char *old = full_name(j, from), *new = full_name(j, to);
    size_t before = j->fact_count, length = strlen(old);
    const char **known = arena_alloc(j->memory, (before + 1) * sizeof(char *));
    if (!known) {
        j->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < before; i++) {
        const fact *f = &j->facts[i];
        bool is_of_it = f->kind == FACT_TYPE && strncmp(f->name, old, length) == 0 && f->name[length] == '.';
        known[i] = is_of_it ? known_type(j, f->name) : NULL;
    }
    judge_forget_types(j, old);
    judge_forget_types(j, new);
    for (size_t i = 0; i < before; i++)
        if (known[i])
            note_type(j, judging_printf(j, "%s%s", new, j->facts[i].name + length), known[i]);
}

void judge_know_types(judging *j)
{
    for (size_t i = 0; j->there && i < j->there->type_count; i++)
        judging_fact(j, FACT_TYPE, j->there->types[i].name, j->there->types[i].type);
}

void judge_types(judging *j, judgement *into)
{
    judge_column_type *types = arena_alloc(j->memory, (j->fact_count + 1) * sizeof *types);
    j->out_of_memory = j->out_of_memory || !types;
    for (size_t i = 0; types && i < j->fact_count; i++)
        if (j->facts[i].kind == FACT_TYPE && j->facts[i].statement)
            types[into->type_count++] = (judge_column_type){j->facts[i].name, j->facts[i].extra};
    into->types = types;
}

/* ---- what the new type does ---- */

static bool is_of_column(tree value, const char *column)
{
    label last = {""};
    for (tree field = tree_first(tree_path(value, "ColumnRef", "fields")); field.at; field = tree_next(field))
        last = label_of(field);
    return strcmp(last.text, column) == 0;
}

/* Each value goes from the old type to the new one, and by no other way. */
static bool keeps_to_types(judging *j, tree using_expression, tree type, const char *column)
{
    tree cast = tree_node(using_expression, "TypeCast");
    if (!tree_has(using_expression))
        return true;
    if (!tree_has(cast))
        return is_of_column(using_expression, column);
    return is_of_column(tree_get(cast, "arg"), column) &&
           strcmp(type_text(j, tree_get(cast, "typeName")), type_text(j, type)) == 0;
}

static bool has_limit(tree type, const char *name)
{
    return tree_has(tree_get(type, "typmods")) || (!tree_has(tree_get(type, "arrayBounds")) && IN_LIST(small, name));
}

/* NULL: it is not known, or values go another way. */
static const char *type_before(judging *j, tree column, const char *table, const char *part)
{
    bool is_direct = keeps_to_types(j, tree_get(column, "raw_default"), tree_get(column, "typeName"), part);
    return is_direct ? known_type(j, column_name(j, table, part)) : NULL;
}

/* As it was before the file: what that has added is not looked into. */
static bool is_alone(const judging *j, const char *where)
{
    bool is = false;
    for (size_t i = 0; j->there && i < j->there->alone_count; i++)
        is = is || strcmp(j->there->alone[i], where) == 0;
    for (size_t i = 0; is && i < j->fact_count; i++)
        is = !j->facts[i].statement;
    return is;
}

bool judge_stays_as_stored(judging *j, tree column, const char *table, const char *part)
{
    const char *old = type_before(j, column, table, part);
    return old && !tree_has(tree_get(column, "collClause")) && !j->in_block &&
           is_alone(j, column_name(j, table, part)) &&
           judge_fits_as_stored(old, type_text(j, tree_get(column, "typeName")));
}

static void check_room(judging *j, tree column, const char *table, const char *part)
{
    label full;
    tree type = tree_get(column, "typeName");
    const char *old = type_before(j, column, table, part);
    const char *new = type_text(j, type), *where = judging_printf(j, "%s.%s", table, part);
    judge_fit fit = old ? judge_fit_of(old, new) : FIT_UNKNOWN;
    if (fit == FIT_PARTLY)
        judging_hazard(j, JUDGE_COLUMN_TYPE_NARROW, where,
                       judging_printf(j,
                                      "not every value of %s fits into %s: count those that do not before, or keep the "
                                      "type and write the limit as a CHECK ... NOT VALID",
                                      old, new));
    else if (fit == FIT_UNKNOWN && has_limit(type, name_of(type, &full)))
        judging_hazard(j, JUDGE_COLUMN_TYPE_NARROW, where, NULL);
}

void judge_new_type(judging *j, tree column, const char *table, const char *part)
{
    label full;
    tree type = tree_get(column, "typeName");
    const char *name = name_of(type, &full), *where = judging_printf(j, "%s.%s", table, part);
    bool is_array = tree_has(tree_get(type, "arrayBounds"));
    if (computes(tree_get(column, "raw_default")) || (!is_array && IN_LIST(own_form, name)))
        judging_hazard(j, JUDGE_COLUMN_TYPE_REWRITES, where, NULL);
    if (tree_has(tree_get(column, "collClause")))
        judging_hazard(j, JUDGE_COLUMN_TYPE_INDEXES, where, NULL);
    check_room(j, column, table, part);
    if (is_checked(j, where))
        judging_hazard(j, JUDGE_COLUMN_TYPE_CHECKS, where, NULL);
}
