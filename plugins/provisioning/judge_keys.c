/* What the file itself says of columns, keys and indexes, and what follows from that: a foreign key without an index or
 * of another type, an index that another one makes superfluous, a key that goes. Lists of columns are kept as texts,
 * "app.orders (kind, day)". */
#include "judge_internal.h"

/* ---- lists of columns ---- */

const char *judge_columns(judging *j, const char *table, tree list, const char *only)
{
    const char *text = "";
    for (tree item = tree_first(list); item.at; item = tree_next(item))
        text = judging_printf(j, "%s%s%s", text, *text ? ", " : "", label_of(item).text);
    return judging_printf(j, "%s (%s)", table, *text ? text : only);
}

/* At its end where it is none, as when memory is short. */
static const char *first_column(const char *list)
{
    const char *bracket = strstr(list, " (");
    return bracket ? bracket + 2 : list + strlen(list);
}

/* What stands behind it; NULL: there is none. */
static const char *take_column(const char *p, char *into, size_t size)
{
    size_t length = strcspn(p, ",)");
    if (!length)
        return NULL;
    (void)snprintf(into, size, "%.*s", (int)length, p); /* a label is shorter */
    return p + length + strspn(p + length, ", ");
}

static bool has_column(const char *list, const char *name)
{
    char column[128];
    for (const char *p = first_column(list); (p = take_column(p, column, sizeof column));)
        if (strcmp(column, name) == 0)
            return true;
    return false;
}

static bool is_of_same_table(const char *a, const char *b)
{
    size_t length = (size_t)(first_column(a) - a);
    return strncmp(a, b, length) == 0;
}

/* Its first columns are those of the key, in whatever order. */
static bool leads_with(const char *index, const char *key)
{
    char column[128];
    const char *of_index = first_column(index);
    if (!is_of_same_table(index, key))
        return false;
    for (const char *p = first_column(key); (p = take_column(p, column, sizeof column));) {
        of_index = take_column(of_index, column, sizeof column);
        if (!of_index || !has_column(key, column))
            return false;
    }
    return true;
}

/* The same columns in the same order, and perhaps more. */
static bool begins_as(const char *longer, const char *shorter)
{
    size_t length = strlen(shorter);
    if (!length--) /* without its bracket */
        return false;
    return strncmp(longer, shorter, length) == 0 && (longer[length] == ')' || longer[length] == ',');
}

/* ---- what is noted ---- */

/* "app.k", beside "app.t" */
static const char *beside(judging *j, const char *table, const char *name)
{
    const char *dot = strrchr(table, '.');
    return dot ? judging_printf(j, "%.*s.%s", (int)(dot - table), table, name) : judging_printf(j, "public.%s", name);
}

static void note_each_solid(judging *j, const char *table, const char *list)
{
    char column[128];
    for (const char *p = first_column(list); (p = take_column(p, column, sizeof column));)
        judging_fact(j, FACT_SOLID, judging_printf(j, "%s.%s", table, column), NULL);
}

void judge_key(judging *j, tree constraint, const char *table, const char *column)
{
    tree type = tree_get(constraint, "contype");
    label own = label_of(tree_get(constraint, "conname")), index = label_of(tree_get(constraint, "indexname"));
    bool is_primary = tree_is(type, "CONSTR_PRIMARY");
    const char *list = NULL;
    if (tree_is(type, "CONSTR_NOTNULL"))
        judging_fact(j, FACT_SOLID, judging_printf(j, "%s.%s", table, column), NULL);
    if (!is_primary && !tree_is(type, "CONSTR_UNIQUE"))
        return;
    if (index.text[0]) {
        const fact *built = judging_find(j, FACT_INDEX, beside(j, table, index.text));
        list = built ? built->extra : NULL;
    } else {
        list = judge_columns(j, table, tree_get(constraint, "keys"), column);
    }
    const char *name = own.text[0] ? own.text : index.text;
    if (*name)
        judging_fact(j, FACT_KEEPS, beside(j, table, name), judging_printf(j, "constraint %s.%s", table, name));
    if (list)
        judging_fact(j, FACT_KEY, list, NULL);
    if (list)
        judge_key_of_parts(j, table, list, *name ? judging_printf(j, "%s.%s", table, name) : table);
    if (is_primary)
        judging_fact(j, FACT_PRIMARY, table, list);
    if (is_primary && list)
        note_each_solid(j, table, list);
}

void judge_index(judging *j, const judge_index_parts *index)
{
    judging_fact(j, FACT_INDEX, index->name, index->leads);
    if (index->is_plain)
        judging_fact(j, FACT_SORTED, index->name, index->leads);
    if (index->is_plain && index->adds_nothing)
        judging_fact(j, FACT_SPARE, index->name, index->leads);
}

/* ---- NULLs ---- */

static bool is_solid(judging *j, const char *table, const char *column)
{
    const char *name = judging_printf(j, "%s.%s", table, column);
    const fact *proof = judging_find(j, FACT_NOT_NULL, name);
    return judging_find(j, FACT_SOLID, name) || (proof && judging_find(j, FACT_VALIDATED, proof->extra));
}

bool judge_has_no_nulls(judging *j, const char *table, const char *index)
{
    char column[128];
    const fact *built = judging_find(j, FACT_INDEX, beside(j, table, index));
    if (!built || !built->extra)
        return false;
    for (const char *p = first_column(built->extra); (p = take_column(p, column, sizeof column));)
        if (!is_solid(j, table, column))
            return false;
    return true;
}

/* ---- foreign keys ---- */

static const char *type_of(judging *j, const char *table, const char *column)
{
    const fact *known = judging_find(j, FACT_COLUMN, judging_printf(j, "%s.%s", table, column));
    return known ? known->extra : NULL;
}

static void compare_types(judging *j, const char *table, const char *own, const char *other, const char *there)
{
    char a[128], b[128];
    const char *p = first_column(own), *q = first_column(there);
    while ((p = take_column(p, a, sizeof a)) && (q = take_column(q, b, sizeof b))) {
        const char *type = type_of(j, table, a), *wanted = type_of(j, other, b);
        if (type && wanted && strcmp(type, wanted) != 0)
            judging_hazard(
                j, JUDGE_FK_TYPES, judging_printf(j, "%s.%s", table, a),
                judging_printf(j, "one type for both: %s is %s, and %s.%s is %s", a, type, other, b, wanted));
    }
}

/* Of columns that were there before nobody knows the indexes. */
static bool are_of_file(judging *j, const char *table, const char *list)
{
    char column[128];
    for (const char *p = first_column(list); (p = take_column(p, column, sizeof column));)
        if (!judging_find(j, FACT_COLUMN, judging_printf(j, "%s.%s", table, column)))
            return false;
    return true;
}

void judge_reference(judging *j, tree constraint, const char *table, const char *column)
{
    if (!tree_is(tree_get(constraint, "contype"), "CONSTR_FOREIGN"))
        return;
    label other = label_of_range(tree_get(constraint, "pktable"));
    tree named = tree_get(constraint, "pk_attrs");
    const char *own = judge_columns(j, table, tree_get(constraint, "fk_attrs"), column);
    const fact *primary = judging_find(j, FACT_PRIMARY, other.text);
    const char *there = tree_has(named) ? judge_columns(j, other.text, named, "") : primary ? primary->extra : NULL;
    if (there)
        compare_types(j, table, own, other.text, there);
    judging_fact(j, FACT_REFERS, own, there);
    if (are_of_file(j, table, own))
        judging_fact(j, FACT_WANTS_INDEX, own, NULL);
}

bool judge_is_referred_to(const judging *j, const char *table, const char *column)
{
    for (size_t i = 0; i < j->fact_count; i++) {
        const fact *f = &j->facts[i];
        if (f->kind != FACT_REFERS || !f->extra)
            continue;
        size_t length = strlen(table);
        if (strncmp(f->extra, table, length) == 0 && strncmp(f->extra + length, " (", 2) == 0 &&
            has_column(f->extra, column))
            return true;
    }
    return false;
}

/* Past a name or text in quotes, or a comment; the same place where none of these begins. */
static const char *past_quiet(const char *p)
{
    const char *end = strncmp(p, "--", 2) == 0   ? strchr(p, '\n')
                      : strncmp(p, "/*", 2) == 0 ? strstr(p + 2, "*/")
                      : *p == '"' || *p == '\''  ? strchr(p + 1, *p)
                                                 : p - 1;
    return end ? end + 1 : p + strlen(p);
}

/* From a foreign key to its end: to the parser it is the same as one of NO ACTION. */
static bool says_on_delete(const char *text)
{
    const char *before = "";
    int depth = 0;
    for (const char *p = text; *p && *p != ';' && depth >= 0 && (*p != ',' || depth);) {
        const char *past = past_quiet(p);
        size_t length = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        if (!depth && length == 6 && strncasecmp(p, "delete", 6) == 0 && strncasecmp(before, "on", 2) == 0)
            return true;
        depth += (*p == '(') - (*p == ')');
        before = length == 2 ? p : length ? "" : before;
        p = past > p ? past : p + (length ? length : 1);
    }
    return false;
}

void judge_on_delete(judging *j, tree constraint, const char *object)
{
    tree action = tree_get(constraint, "fk_del_action");
    const char *text = j->in_block ? j->source : j->text.text;
    size_t at = (size_t)tree_number(tree_get(constraint, "location"));
    if (!tree_is(tree_get(constraint, "contype"), "CONSTR_FOREIGN"))
        return;
    if (tree_is(action, "c"))
        judging_hazard(j, JUDGE_FK_CASCADES, object, NULL);
    if (tree_is(action, "a") && at < strlen(text) && !says_on_delete(text + at))
        judging_hazard(j, JUDGE_FK_SILENT, object, NULL);
}

/* ---- keys of partitioned tables ---- */

void judge_know_parts(judging *j)
{
    for (size_t i = 0; j->there && i < j->there->parted_count; i++) {
        const judge_parted *p = &j->there->parted[i];
        judging_fact(j, FACT_PARTED_BY, p->name, *p->by ? judging_printf(j, "%s (%s)", p->name, p->by) : NULL);
    }
}

void judge_partitioned(judging *j, const char *table, tree spec)
{
    const char *list = "";
    if (!tree_has(spec) && judging_find(j, FACT_PARTED_BY, table))
        judging_fact(j, FACT_PARTED_BY, table, judging_printf(j, "%s ()", table)); /* another one of that name */
    if (!tree_has(spec))
        return;
    judging_fact(j, FACT_PARTITIONED, table, NULL);
    for (tree item = tree_first(tree_get(spec, "partParams")); list && item.at; item = tree_next(item)) {
        tree name = tree_path(item, "PartitionElem", "name");
        list = tree_has(name) ? judging_printf(j, "%s%s%s", list, *list ? ", " : "", label_of(name).text) : NULL;
    }
    judging_fact(j, FACT_PARTED_BY, table, list ? judging_printf(j, "%s (%s)", table, list) : NULL);
}

void judge_key_of_parts(judging *j, const char *table, const char *list, const char *object)
{
    char column[128];
    const fact *by = judging_find(j, FACT_PARTED_BY, table);
    if (by && !by->extra)
        judging_hazard(
            j, JUDGE_KEY_OF_PARTS, object,
            "it is partitioned by an expression, which no key can hold: give each partition a key of its own");
    for (const char *p = by && by->extra ? first_column(by->extra) : ""; (p = take_column(p, column, sizeof column));)
        if (!has_column(list, column))
            judging_hazard(j, JUDGE_KEY_OF_PARTS, object, NULL);
}

/* ---- views ---- */

void judge_view(judging *j, const char *view, tree query)
{
    const char *end = query.at ? tree_end(query) : NULL;
    char key[64];
    tree value;
    for (const char *p = query.at; p && tree_next_key(p, end, key, sizeof key, &value); p = value.at) {
        label last = {""};
        if (strcmp(key, "RangeVar") == 0)
            judging_fact(j, FACT_READS, view, label_of_range(value).text);
        if (strcmp(key, "A_Star") == 0)
            judging_fact(j, FACT_SHOWS, view, "*");
        if (strcmp(key, "ColumnRef") != 0)
            continue;
        for (tree field = tree_first(tree_get(value, "fields")); field.at; field = tree_next(field))
            last = label_of(field);
        judging_fact(j, FACT_SHOWS, view, last.text);
    }
}

static bool shows(const judging *j, const char *view, const char *column)
{
    for (size_t i = 0; i < j->fact_count; i++) {
        const fact *f = &j->facts[i];
        if (f->kind == FACT_SHOWS && strcmp(f->name, view) == 0 &&
            (strcmp(f->extra, "*") == 0 || strcmp(f->extra, column) == 0))
            return true;
    }
    return false;
}

const char *judge_view_of(judging *j, const char *table, const char *column)
{
    for (size_t i = 0; i < j->fact_count; i++) {
        const fact f = j->facts[i];
        if (f.kind == FACT_READS && strcmp(f.extra, table) == 0 && shows(j, f.name, column) &&
            !judging_find(j, FACT_DROPPED, judging_printf(j, "view %s", f.name)))
            return f.name;
    }
    return NULL;
}

/* ---- what only the whole shows ---- */

static bool is_indexed(const judging *j, const char *key)
{
    for (size_t i = 0; i < j->fact_count; i++) {
        const fact *f = &j->facts[i];
        const char *list = f->kind == FACT_KEY ? f->name : f->kind == FACT_INDEX ? f->extra : NULL;
        if (list && leads_with(list, key))
            return true;
    }
    return false;
}

/* Of two that are the same, the later one is too much. */
static bool is_superfluous(judging *j, const fact *spare)
{
    if (judging_find(j, FACT_DROPPED, judging_printf(j, "index %s", spare->name)))
        return false;
    for (size_t i = 0; i < j->fact_count; i++) {
        const fact f = j->facts[i];
        const char *list = f.kind == FACT_KEY ? f.name : f.kind == FACT_SORTED ? f.extra : NULL;
        bool is_itself = f.kind == FACT_SORTED && strcmp(f.name, spare->name) == 0;
        if (!list || is_itself || !begins_as(list, spare->extra) ||
            (strcmp(list, spare->extra) == 0 && f.statement > spare->statement))
            continue;
        if (f.kind == FACT_KEY || !judging_find(j, FACT_DROPPED, judging_printf(j, "index %s", f.name)))
            return true;
    }
    return false;
}

static bool is_shown_as_owner(const judging *j, const fact *reads)
{
    return judging_find(j, FACT_SECURED, reads->extra) && !judging_find(j, FACT_INVOKER, reads->name);
}

/* One that is exchanged for another is gone for nobody. */
static bool has_no_key_behind(const judging *j, const fact *dropped)
{
    const fact *added = judging_find(j, FACT_PRIMARY, dropped->name);
    return !added || added->statement < dropped->statement;
}

void judge_keys_whole(judging *j)
{
    for (size_t i = 0; i < j->fact_count; i++) {
        const fact f = j->facts[i];
        judging_at(j, &f);
        if (f.kind == FACT_WANTS_INDEX && !is_indexed(j, f.name))
            judging_hazard(j, JUDGE_FK_NO_INDEX, f.name,
                           judging_printf(j, "CREATE INDEX CONCURRENTLY IF NOT EXISTS ... ON %s", f.name));
        if (f.kind == FACT_SPARE && is_superfluous(j, &f))
            judging_hazard(j, JUDGE_INDEX_REDUNDANT, f.name, NULL);
        if (f.kind == FACT_READS && is_shown_as_owner(j, &f))
            judging_hazard(j, JUDGE_VIEW_SECURITY, f.name, NULL);
        if (f.kind == FACT_KEY_DROPPED && has_no_key_behind(j, &f))
            judging_hazard(j, JUDGE_PRIMARY_KEY_DROP, f.extra, NULL);
    }
}
