#include "effect_rules.h"

#define LABEL_DEPTH 4

static void put(label *l, const char *text)
{
    size_t n = strlen(l->text);
    for (; *text && n + 1 < sizeof l->text; text++)
        l->text[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
    l->text[n] = '\0';
    if (*text)
        tree_trim(l->text);
}

static void put_value(label *l, tree value, int depth);

/* a.b.c */
static void put_dotted(label *l, tree list, int depth)
{
    const char *between = "";
    for (tree item = tree_first(list); item.at; item = tree_next(item)) {
        put(l, between);
        put_value(l, item, depth + 1);
        between = ".";
    }
}

static void put_range(label *l, tree range)
{
    static const char *const parts[] = {"catalogname", "schemaname", "relname"};
    const char *between = "";
    for (size_t i = 0; i < LB_COUNT(parts); i++) {
        tree part = tree_get(range, parts[i]);
        if (!part.at)
            continue;
        char name[128];
        tree_text(part, name, sizeof name);
        put(l, between);
        put(l, name);
        between = ".";
    }
}

static void put_first(label *l, tree list, int depth)
{
    tree first = tree_first(list);
    if (!first.at)
        return;
    put_value(l, first, depth + 1);
    size_t others = tree_count(list) - 1;
    if (others > 0) {
        char more[40];
        (void)snprintf(more, sizeof more, " and %zu more", others); /* always fits */
        put(l, more);
    }
}

/* Where a node keeps its name. */
static const struct {
    const char *kind, *member;
} named[] = {
    {"List", "items"},
    {"String", "sval"},
    {"Integer", "ival"},
    {"TypeName", "names"},
    {"RoleSpec", "rolename"},
    {"AccessPriv", "priv_name"},
    {"ObjectWithArgs", "objname"},
    {"DefElem", "defname"},
    {"FuncCall", "funcname"},
    {"VacuumRelation", "relation"},
    {"ColumnDef", "colname"},
    {"Constraint", "conname"},
    {"PublicationObjSpec", "pubtable"},
};

static void put_node(label *l, tree node, int depth)
{
    if (tree_has(tree_get(node, "relname"))) {
        put_range(l, node);
        return;
    }
    for (size_t i = 0; i < LB_COUNT(named); i++) {
        tree inside = tree_node(node, named[i].kind);
        tree bare = tree_get(node, named[i].member); /* the same, unwrapped */
        if (tree_has(inside))
            put_value(l, tree_get(inside, named[i].member), depth + 1);
        else if (tree_has(bare))
            put_value(l, bare, depth + 1);
        else
            continue;
        return;
    }
    if (tree_is(tree_get(node, "roletype"), "ROLESPEC_PUBLIC"))
        put(l, "public");
    else if (tree_has(tree_node(node, "RangeVar")))
        put_range(l, tree_node(node, "RangeVar"));
    else if (tree_has(tree_node(node, "RoleSpec")))
        put_node(l, tree_node(node, "RoleSpec"), depth + 1);
    else if (tree_has(tree_get(node, "relation")))
        put_value(l, tree_get(node, "relation"), depth + 1);
}

static void put_value(label *l, tree value, int depth)
{
    if (!value.at || depth > LABEL_DEPTH)
        return;
    if (*value.at == '{') {
        put_node(l, value, depth);
    } else if (*value.at == '[') {
        if (tree_has(tree_node(tree_first(value), "String")))
            put_dotted(l, value, depth);
        else
            put_first(l, value, depth);
    } else {
        char text[128];
        tree_text(value, text, sizeof text);
        put(l, text);
    }
}

label label_of(tree value)
{
    label l = {""};
    put_value(&l, value, 0);
    return l;
}

label label_of_range(tree value)
{
    label l = {""};
    put_range(&l, value);
    return l;
}

label label_of_first(tree list)
{
    label l = {""};
    put_first(&l, list, 0);
    return l;
}

/* OBJECT_FOREIGN_TABLE: "foreign table" */
label label_of_kind(tree object_type)
{
    static const char *const words[][2] = {
        {"OBJECT_MATVIEW", "materialized view"},       {"OBJECT_FDW", "foreign data wrapper"},
        {"OBJECT_TABCONSTRAINT", "constraint"},        {"OBJECT_DOMCONSTRAINT", "domain constraint"},
        {"OBJECT_OPCLASS", "operator class"},          {"OBJECT_OPFAMILY", "operator family"},
        {"OBJECT_STATISTIC_EXT", "statistics"},        {"OBJECT_TSCONFIGURATION", "text search configuration"},
        {"OBJECT_TSPARSER", "text search parser"},     {"OBJECT_TSDICTIONARY", "text search dictionary"},
        {"OBJECT_TSTEMPLATE", "text search template"}, {"OBJECT_LARGEOBJECT", "large object"},
    };
    label l = {""};
    for (size_t i = 0; i < LB_COUNT(words); i++)
        if (tree_is(object_type, words[i][0])) {
            put(&l, words[i][1]);
            return l;
        }
    char text[64];
    tree_text(object_type, text, sizeof text);
    put(&l, strncmp(text, "OBJECT_", 7) == 0 ? text + 7 : text);
    for (char *c = l.text; *c; c++)
        *c = *c == '_' ? ' ' : (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
    return l;
}
