#include "effect_objects.h"

#include "effect_block.h"
#include "effect_rules.h"
#include "effect_script.h"

#include <ctype.h>
#include <pg_query.h>

#define NAME_BYTES   256  /* an identifier of the server has 63 */
#define MOST_OBJECTS 5000 /* of one group of changes */

typedef struct finder {
    arena *memory;
    effect_objects *found;
    tree all;
    bool has_common_tables, out_of_memory, too_many;
} finder;

/* ---- what was found ---- */

static void add(finder *f, const char *kind, const char *schema, const char *name)
{
    effect_objects *o = f->found;
    f->too_many = f->too_many || o->count >= MOST_OBJECTS;
    if (!*name || f->out_of_memory || f->too_many)
        return;
    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->items[i].kind, kind) == 0 && strcmp(o->items[i].schema, schema) == 0 &&
            strcmp(o->items[i].name, name) == 0)
            return;
    if (o->count == o->capacity) {
        size_t capacity = o->capacity ? o->capacity * 2 : 16;
        effect_object *grown = arena_alloc(f->memory, capacity * sizeof *grown);
        if (grown && o->count)
            memcpy(grown, o->items, o->count * sizeof *grown);
        f->out_of_memory = !grown;
        if (!grown)
            return;
        o->items = grown;
        o->capacity = capacity;
    }
    effect_object added = {kind, arena_strdup(f->memory, schema), arena_strdup(f->memory, name)};
    if (added.schema && added.name)
        o->items[o->count++] = added;
    else
        f->out_of_memory = true;
}

/* ---- names ---- */

typedef struct qualified {
    char schema[NAME_BYTES], name[NAME_BYTES];
} qualified;

static tree items_of(tree names)
{
    tree list = tree_get(tree_node(names, "List"), "items");
    return tree_has(list) ? list : names;
}

/* The last of a list of names and the one before it; `skipped` more stand behind them (the column, the trigger). */
static qualified qualified_of(tree names, size_t skipped)
{
    qualified q = {"", ""};
    tree list = items_of(names);
    size_t count = tree_count(list), i = 0;
    for (tree item = tree_first(list); item.at; item = tree_next(item), i++) {
        tree text = tree_get(tree_node(item, "String"), "sval");
        if (i + skipped + 1 == count)
            tree_text(text, q.name, sizeof q.name);
        else if (i + skipped + 2 == count)
            tree_text(text, q.schema, sizeof q.schema);
    }
    return q;
}

static void add_qualified(finder *f, const char *kind, tree names, size_t skipped)
{
    qualified q = qualified_of(names, skipped);
    add(f, kind, q.schema, q.name);
}

/* A member that is a name by itself, as a text or as a String node. */
static void add_plain(finder *f, const char *kind, tree name)
{
    char text[NAME_BYTES];
    tree inside = tree_get(tree_node(name, "String"), "sval");
    tree_text(tree_has(inside) ? inside : name, text, sizeof text);
    add(f, kind, "", text);
}

static bool is_common_table(const finder *f, const char *name)
{
    char key[64];
    tree value;
    const char *end = tree_end(f->all);
    for (const char *p = f->all.at; tree_next_key(p, end, key, sizeof key, &value); p = value.at)
        if (strcmp(key, "ctename") == 0 && tree_is(value, name))
            return true;
    return false;
}

static void add_range(finder *f, tree range)
{
    qualified q = {"", ""};
    if (tree_has(tree_get(range, "schemaname")))
        tree_text(tree_get(range, "schemaname"), q.schema, sizeof q.schema);
    tree_text(tree_get(range, "relname"), q.name, sizeof q.name);
    if (strcmp(q.schema, "pg_catalog") == 0)
        return;
    if (q.schema[0] || !f->has_common_tables || !is_common_table(f, q.name))
        add(f, "relation", q.schema, q.name);
}

static void add_function(finder *f, tree names)
{
    bool ignored;
    qualified q = qualified_of(names, 0);
    bool is_own = (!q.schema[0] || strcmp(q.schema, "pg_catalog") == 0) && function_is_builtin(q.name, &ignored);
    if (!is_own && strcmp(q.schema, "pg_catalog") != 0)
        add(f, "function", q.schema, q.name);
}

static void add_type(finder *f, tree names)
{
    static const char *const own[] = {"text",  "uuid", "json",     "jsonb",  "bytea",       "date",
                                      "name",  "oid",  "inet",     "cidr",   "timestamptz", "timestamp",
                                      "money", "xml",  "regclass", "record", "void",        "trigger"};
    qualified q = qualified_of(names, 0);
    bool is_own = strcmp(q.schema, "pg_catalog") == 0;
    for (size_t i = 0; i < LB_COUNT(own) && !q.schema[0]; i++)
        is_own = is_own || strcmp(own[i], q.name) == 0;
    if (!is_own)
        add(f, "type", q.schema, q.name);
}

/* ---- statements that say what kind of thing they are about ---- */

static const struct {
    const char *type, *kind;
    size_t skipped; /* names behind the object's own */
} typed[] = {
    {"OBJECT_TABLE", "relation", 0},      {"OBJECT_INDEX", "relation", 0},
    {"OBJECT_VIEW", "relation", 0},       {"OBJECT_MATVIEW", "relation", 0},
    {"OBJECT_SEQUENCE", "relation", 0},   {"OBJECT_FOREIGN_TABLE", "relation", 0},
    {"OBJECT_COLUMN", "relation", 1},     {"OBJECT_TABCONSTRAINT", "relation", 1},
    {"OBJECT_TRIGGER", "relation", 1},    {"OBJECT_POLICY", "relation", 1},
    {"OBJECT_RULE", "relation", 1},       {"OBJECT_SCHEMA", "schema", 0},
    {"OBJECT_EXTENSION", "extension", 0}, {"OBJECT_DATABASE", "database", 0},
    {"OBJECT_ROLE", "role", 0},           {"OBJECT_PUBLICATION", "publication", 0},
};

static void add_typed(finder *f, tree type, tree object, bool drops)
{
    for (size_t i = 0; object.at && i < LB_COUNT(typed); i++) {
        if (!tree_is(type, typed[i].type))
            continue;
        const char *kind = drops && strcmp(typed[i].kind, "schema") == 0 ? "schema_contents" : typed[i].kind;
        if (tree_has(tree_node(object, "String")) || *object.at == '"')
            add_plain(f, kind, object);
        else if (tree_has(tree_node(object, "List")))
            add_qualified(f, kind, object, typed[i].skipped);
    }
}

static void add_each_typed(finder *f, tree type, tree objects, bool drops)
{
    for (tree object = tree_first(objects); object.at; object = tree_next(object))
        add_typed(f, type, object, drops);
}

/* What a statement's own members say beyond the nodes inside of it. */
static void look_at_statement(finder *f, const char *kind, tree s)
{
    if (strcmp(kind, "DropStmt") == 0) {
        add_each_typed(f, tree_get(s, "removeType"), tree_get(s, "objects"), true);
    } else if (strcmp(kind, "GrantStmt") == 0) {
        if (!tree_is(tree_get(s, "targtype"), "ACL_TARGET_ALL_IN_SCHEMA"))
            add_each_typed(f, tree_get(s, "objtype"), tree_get(s, "objects"), false);
        else
            for (tree name = tree_first(tree_get(s, "objects")); name.at; name = tree_next(name))
                add_plain(f, "schema_contents", name);
    } else if (strcmp(kind, "RenameStmt") == 0) {
        add_typed(f, tree_get(s, "renameType"), tree_get(s, "object"), false);
        if (tree_is(tree_get(s, "renameType"), "OBJECT_SCHEMA") || tree_is(tree_get(s, "renameType"), "OBJECT_ROLE"))
            add_plain(f, tree_is(tree_get(s, "renameType"), "OBJECT_ROLE") ? "role" : "schema", tree_get(s, "subname"));
    } else if (strcmp(kind, "ReindexStmt") == 0) {
        bool is_schema = tree_is(tree_get(s, "kind"), "REINDEX_OBJECT_SCHEMA");
        if (tree_has(tree_get(s, "name")))
            add_plain(f, is_schema ? "schema" : "database", tree_get(s, "name"));
    } else if (strcmp(kind, "CreateSchemaStmt") == 0) {
        add_plain(f, "schema", tree_get(s, "schemaname"));
    } else if (strcmp(kind, "AlterSystemStmt") == 0 || strcmp(kind, "AlterDatabaseSetStmt") == 0 ||
               strcmp(kind, "AlterRoleSetStmt") == 0) {
        if (tree_has(tree_path(s, "setstmt", "name")))
            add_plain(f, "setting", tree_path(s, "setstmt", "name"));
        else
            add(f, "setting", "", "all"); /* RESET ALL; no setting has that name */
    } else if (strcmp(kind, "IndexStmt") == 0) {
        char schema[NAME_BYTES] = "", name[NAME_BYTES] = "";
        tree_text(tree_path(s, "relation", "schemaname"), schema, sizeof schema);
        tree_text(tree_get(s, "idxname"), name, sizeof name);
        add(f, "relation", schema, name);
    } else if (tree_has(tree_get(s, "object"))) { /* COMMENT, ALTER ... OWNER, SET SCHEMA, SECURITY LABEL, extensions */
        tree type = tree_get(s, "objtype");
        add_typed(f, tree_has(type) ? type : tree_get(s, "objectType"), tree_get(s, "object"), false);
    }
}

/* ---- the walk ---- */

static const struct {
    const char *member, *kind;
} plain_members[] = {
    {"extname", "extension"}, {"dbname", "database"}, {"pubname", "publication"},
    {"rolename", "role"},     {"role", "role"},
};

/* Members that hold a RangeVar without its kind, where they hold an object. */
static bool is_range(const char *key)
{
    static const char *const keys[] = {"RangeVar",  "relation", "rel",   "view",    "sequence",
                                       "constrrel", "pktable",  "table", "typevar", "name"};
    for (size_t i = 0; i < LB_COUNT(keys); i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static bool is_type(const char *key)
{
    static const char *const keys[] = {"TypeName", "typeName", "argType", "returnType", "ofTypename"};
    for (size_t i = 0; i < LB_COUNT(keys); i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

/* An option of a table that stands over the server's setting of the same name: who judged the one has seen the other.
 */
static void add_option(finder *f, tree name)
{
    char text[NAME_BYTES];
    tree_text(name, text, sizeof text);
    if (strncmp(text, "autovacuum_", strlen("autovacuum_")) == 0)
        add(f, "setting", "", text);
}

static void look_at_member(finder *f, const char *key, tree value)
{
    if (strcmp(key, "defname") == 0)
        add_option(f, value);
    for (size_t i = 0; i < LB_COUNT(plain_members); i++)
        if (strcmp(plain_members[i].member, key) == 0 && *value.at == '"')
            add_plain(f, plain_members[i].kind, value);
    if (strcmp(key, "funcname") == 0 || strcmp(key, "objname") == 0)
        add_function(f, value);
    else if (is_type(key))
        add_type(f, *value.at == '[' ? value : tree_get(value, "names"));
    else if (strcmp(key, "domainname") == 0)
        add_type(f, value);
    else if (*value.at == '{' && is_range(key))
        add_range(f, value);
}

static bool is_statement(const char *key)
{
    size_t length = strlen(key);
    return length > 4 && strcmp(key + length - 4, "Stmt") == 0 && strcmp(key, "SelectStmt") != 0;
}

static void walk(finder *f, tree root)
{
    char key[64];
    tree value;
    const char *end = tree_end(root);
    for (const char *p = root.at; tree_next_key(p, end, key, sizeof key, &value); p = value.at) {
        if (is_statement(key))
            look_at_statement(f, key, value);
        look_at_member(f, key, value);
    }
}

/* ---- blocks of code ---- */

/* Expressions are looked at too: they may call functions. What a text that is put together will name, nobody knows. */
static void look_at_piece(void *state, const block_piece *piece)
{
    finder *outer = state;
    lb_error ignored;
    if (piece->kind == BLOCK_DYNAMIC || piece->kind == BLOCK_COMMITS || effect_check_text(piece->sql, &ignored) < 0)
        return;
    PgQueryParseResult parsed = pg_query_parse(piece->sql);
    finder f = *outer;
    f.all = (tree){parsed.parse_tree ? parsed.parse_tree : "{}"};
    f.has_common_tables = strstr(f.all.at, "\"ctename\":") != NULL;
    walk(&f, f.all);
    outer->out_of_memory |= f.out_of_memory;
    outer->too_many |= f.too_many;
    pg_query_free_parse_result(parsed);
}

static void look_into_blocks(finder *f, const char *sql)
{
    lb_error ignored;
    tree statements = tree_get(f->all, "stmts");
    for (tree s = tree_first(statements); s.at; s = tree_next(s)) {
        if (!tree_has(tree_node(tree_get(s, "stmt"), "DoStmt")) || effect_check_text(sql, &ignored) < 0)
            continue;
        script_range range = script_range_of(s, strlen(sql));
        LB_AUTO_FREE char *source = base_printf("%.*s", (int)range.length, sql + range.offset);
        (void)block_walk(source, look_at_piece, f); /* what cannot be read is destructive anyway */
    }
}

int effect_objects_of_sql(const char *sql, arena *memory, effect_objects *objects, lb_error *err)
{
    PgQueryParseResult parsed = pg_query_parse(sql);
    finder f = {.memory = memory, .found = objects, .all = {parsed.parse_tree ? parsed.parse_tree : "{}"}};
    int r = 0;
    if (parsed.error)
        r = lb_fail(err, LB_ERR_INVALID, "correct the statement", "the SQL does not parse: %s", parsed.error->message);
    f.has_common_tables = strstr(f.all.at, "\"ctename\":") != NULL;
    if (r == 0)
        walk(&f, f.all);
    if (r == 0 && strstr(f.all.at, "\"DoStmt\":"))
        look_into_blocks(&f, sql);
    pg_query_free_parse_result(parsed);
    if (f.too_many)
        return lb_fail(err, LB_ERR_LIMIT, "make several groups of it",
                       "the changes of one group name more than %d objects", MOST_OBJECTS);
    return r == 0 && f.out_of_memory ? lb_out_of_memory(err) : r;
}
