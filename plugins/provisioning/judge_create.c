/* CREATE, and what a column brings along. */
#include "judge_internal.h"

/* ---- idempotence ---- */

/* Statements that have a form which a second run does not mind, and where the words go. */
static const struct {
    const char *kind, *member, *after, *words;
} forms[] = {
    {"CreateStmt", "if_not_exists", "TABLE", "IF NOT EXISTS"},
    {"CreateTableAsStmt", "if_not_exists", NULL, "IF NOT EXISTS"},
    {"CreateSeqStmt", "if_not_exists", "SEQUENCE", "IF NOT EXISTS"},
    {"CreateSchemaStmt", "if_not_exists", "SCHEMA", "IF NOT EXISTS"},
    {"CreateExtensionStmt", "if_not_exists", "EXTENSION", "IF NOT EXISTS"},
    {"CreateStatsStmt", "if_not_exists", "STATISTICS", "IF NOT EXISTS"},
    {"CreateForeignServerStmt", "if_not_exists", "SERVER", "IF NOT EXISTS"},
    {"CreateUserMappingStmt", "if_not_exists", "MAPPING", "IF NOT EXISTS"},
    {"ViewStmt", "replace", "CREATE", "OR REPLACE"},
    {"CreateFunctionStmt", "replace", "CREATE", "OR REPLACE"},
    {"CreateTrigStmt", "replace", "CREATE", "OR REPLACE"},
    {"RuleStmt", "replace", "CREATE", "OR REPLACE"},
    {"CreatePLangStmt", "replace", "CREATE", "OR REPLACE"},
    {"CreateTransformStmt", "replace", "CREATE", "OR REPLACE"},
};

/* Those that have none: a block that catches what the second run meets. */
static const char *const formless[] = {
    "CreateEnumStmt",         "CreateRangeStmt",    "CompositeTypeStmt",   "CreateDomainStmt",
    "CreatePolicyStmt",       "CreateCastStmt",     "CreateRoleStmt",      "CreatePublicationStmt",
    "CreateSubscriptionStmt", "CreateFdwStmt",      "CreateEventTrigStmt", "CreateConversionStmt",
    "CreateOpClassStmt",      "CreateOpFamilyStmt", "CreateAmStmt",        "CreateTableSpaceStmt",
    "CreatedbStmt",
};

/* What the statement makes, "table app.orders", as a DROP of the same thing names it. on: the member with the table
 * that has it; only there is it the same one. */
static const struct {
    const char *kind, *member, *what, *on;
} made[] = {
    {"CreateStmt", "relation", "table", NULL},
    {"CreateSeqStmt", "sequence", "sequence", NULL},
    {"ViewStmt", "view", "view", NULL},
    {"CreateSchemaStmt", "schemaname", "schema", NULL},
    {"IndexStmt", "idxname", "index", NULL},
    {"CreateFunctionStmt", "funcname", "function", NULL},
    {"CreateEnumStmt", "typeName", "type", NULL},
    {"CompositeTypeStmt", "typevar", "type", NULL},
    {"CreateDomainStmt", "domainname", "domain", NULL},
    {"CreateTrigStmt", "trigname", "trigger", "relation"},
    {"CreatePolicyStmt", "policy_name", "policy", "table"},
    {"CreateExtensionStmt", "extname", "extension", NULL},
    {"CreateRoleStmt", "role", "role", NULL},
    {"CreatePublicationStmt", "pubname", "publication", NULL},
    {"RuleStmt", "rulename", "rule", "relation"},
};

static const char *what_is_made(judging *j, const char *kind, tree s)
{
    for (size_t i = 0; i < LB_COUNT(made); i++) {
        if (strcmp(made[i].kind, kind) != 0)
            continue;
        label name = label_of(tree_get(s, made[i].member));
        label table = made[i].on ? label_of_range(tree_get(s, made[i].on)) : (label){.text = ""};
        return judging_printf(j, "%s %s%s%s", made[i].what, table.text, made[i].on ? "." : "", name.text);
    }
    return "";
}

static const char *last_word(const char *what)
{
    const char *blank = strrchr(what, ' ');
    return blank ? blank + 1 : what;
}

/* The parser puts its schema before a type that it knows by another name, and not before the rest. */
static const char *type_name(tree type, label *into)
{
    *into = label_of(tree_get(type, "names"));
    return strncmp(into->text, "pg_catalog.", 11) == 0 ? into->text + 11 : into->text;
}

const char *judge_arguments(judging *j, tree list)
{
    label full;
    const char *text = "";
    for (tree item = tree_first(list); item.at; item = tree_next(item)) {
        tree parameter = tree_node(item, "FunctionParameter"), mode = tree_get(parameter, "mode");
        tree type = tree_has(parameter) ? tree_get(parameter, "argType") : tree_node(item, "TypeName");
        if (!tree_is(mode, "FUNC_PARAM_OUT") && !tree_is(mode, "FUNC_PARAM_TABLE"))
            text = judging_printf(j, "%s%s%s%s", text, *text ? ", " : "", type_name(type, &full),
                                  tree_has(tree_get(type, "arrayBounds")) ? "[]" : "");
    }
    return judging_printf(j, "(%s)", text);
}

/* Of functions several may share a name; DROP FUNCTION without arguments is of the only one. */
static bool was_dropped_before(judging *j, const char *kind, tree s, const char *what)
{
    bool has_arguments = strcmp(kind, "CreateFunctionStmt") == 0;
    if (has_arguments &&
        judging_find(j, FACT_DROPPED, judging_printf(j, "%s%s", what, judge_arguments(j, tree_get(s, "parameters")))))
        return true;
    return *what && judging_find(j, FACT_DROPPED, what);
}

static const char *made_by_query(tree s)
{
    return tree_is(tree_get(s, "objtype"), "OBJECT_MATVIEW") ? "VIEW" : "TABLE";
}

static void check_idempotence(judging *j, const char *kind, tree s)
{
    const char *what = what_is_made(j, kind, s);
    bool was_dropped = was_dropped_before(j, kind, s, what);
    if (was_dropped)
        judging_hazard(j, JUDGE_DROP_AND_CREATE, last_word(what), NULL);
    for (size_t i = 0; i < LB_COUNT(forms); i++)
        if (strcmp(forms[i].kind, kind) == 0 && !tree_true(tree_get(s, forms[i].member)) && !was_dropped)
            judging_not_idempotent(
                j, *what ? last_word(what) : kind,
                judging_insert(j, forms[i].after ? forms[i].after : made_by_query(s), forms[i].words));
    for (size_t i = 0; i < LB_COUNT(formless); i++)
        if (strcmp(formless[i], kind) == 0 && !was_dropped)
            judging_not_idempotent(j, *what ? last_word(what) : kind, judging_catch(j, "duplicate_object"));
}

/* ---- columns ---- */

bool judge_is_unstable(tree expression)
{
    const char *end = expression.at ? tree_end(expression) : NULL;
    char key[64];
    tree value;
    for (const char *p = expression.at; p && tree_next_key(p, end, key, sizeof key, &value); p = value.at)
        if (strcmp(key, "FuncCall") == 0 && !function_is_stable(tree_get(value, "funcname")))
            return true;
    return false;
}

static const struct {
    const char *type;
    judge_rule_id rule;
} types[] = {
    {"json", JUDGE_TYPE_JSON},          {"timestamp", JUDGE_TYPE_TIMESTAMP}, {"bpchar", JUDGE_TYPE_CHAR},
    {"money", JUDGE_TYPE_MONEY},        {"serial", JUDGE_TYPE_SERIAL},       {"bigserial", JUDGE_TYPE_SERIAL},
    {"smallserial", JUDGE_TYPE_SERIAL}, {"serial4", JUDGE_TYPE_SERIAL},      {"serial8", JUDGE_TYPE_SERIAL},
    {"serial2", JUDGE_TYPE_SERIAL},
};

static const char known_types[] =
    " int2 int4 int8 float4 float8 numeric bool text varchar bpchar char name bytea uuid json jsonb xml date time "
    "timetz "
    "timestamp timestamptz interval inet cidr macaddr macaddr8 money bit varbit point line lseg box path polygon "
    "circle "
    "tsvector tsquery oid regclass int4range int8range numrange tsrange tstzrange daterange citext hstore ltree vector "
    "geometry geography serial bigserial smallserial serial2 serial4 serial8 ";

static bool is_known_type(const char *name)
{
    char spaced[130];
    (void)snprintf(spaced, sizeof spaced, " %.120s ", name); /* long enough for a label */
    return !*name || strstr(known_types, spaced) != NULL;
}

static bool is_key(tree column)
{
    for (tree item = tree_first(tree_get(column, "constraints")); item.at; item = tree_next(item))
        if (tree_is(tree_path(item, "Constraint", "contype"), "CONSTR_PRIMARY"))
            return true;
    return false;
}

static void check_type(judging *j, tree column, const char *where)
{
    label full;
    const char *name = type_name(tree_get(column, "typeName"), &full);
    for (size_t i = 0; i < LB_COUNT(types); i++)
        if (strcmp(types[i].type, name) == 0)
            judging_hazard(j, types[i].rule, where, NULL);
    bool is_small = strcmp(name, "int4") == 0 || strcmp(name, "int2") == 0 || strcmp(name, "serial") == 0;
    if (is_small && is_key(column))
        judging_hazard(j, JUDGE_TYPE_SMALL_KEY, where, NULL);
}

typedef struct column_parts {
    bool not_null, references, is_null_default, rewrites;
    tree fallback;
} column_parts;

/* On a table that is there each of these has a price. */
static void take_part(judging *j, tree constraint, const char *where, column_parts *p)
{
    static const struct {
        const char *type;
        judge_rule_id rule;
        bool rewrites;
    } costly[] = {
        {"CONSTR_IDENTITY", JUDGE_COLUMN_SERIAL, true}, {"CONSTR_GENERATED", JUDGE_COLUMN_GENERATED, true},
        {"CONSTR_CHECK", JUDGE_CHECK_INLINE, false},    {"CONSTR_PRIMARY", JUDGE_PRIMARY_KEY_BUILDS, false},
        {"CONSTR_UNIQUE", JUDGE_UNIQUE_BUILDS, false},  {"CONSTR_FOREIGN", JUDGE_FK_WITH_COLUMN, false},
    };
    tree type = tree_get(constraint, "contype");
    for (size_t i = 0; i < LB_COUNT(costly); i++) {
        if (!tree_is(type, costly[i].type))
            continue;
        judging_hazard(j, costly[i].rule, where, NULL);
        p->rewrites |= costly[i].rewrites;
        j->now->scans |= !j->in_body && !tree_is(type, "CONSTR_FOREIGN");
    }
    p->not_null |= tree_is(type, "CONSTR_NOTNULL");
    judge_on_delete(j, constraint, where);
    if (tree_is(type, "CONSTR_DEFAULT"))
        p->fallback = tree_get(constraint, "raw_expr");
}

static void check_new_column(judging *j, tree column, const char *where)
{
    label full;
    const char *type = type_name(tree_get(column, "typeName"), &full);
    column_parts p = {0};
    for (tree item = tree_first(tree_get(column, "constraints")); item.at; item = tree_next(item))
        take_part(j, tree_node(item, "Constraint"), where, &p);
    if (strstr(type, "serial")) {
        judging_hazard(j, JUDGE_COLUMN_SERIAL, where, NULL);
        p.rewrites = true;
    } else if (!is_known_type(type)) {
        judging_hazard(j, JUDGE_COLUMN_DOMAIN, where, NULL);
    }
    if (p.fallback.at && judge_is_unstable(p.fallback)) {
        judging_hazard(j, JUDGE_COLUMN_VOLATILE, where, NULL);
        p.rewrites = true;
    }
    if (p.not_null && !p.fallback.at && !p.rewrites)
        judging_hazard(j, JUDGE_COLUMN_NOT_NULL, where, NULL);
    if (!j->in_body) {
        j->now->rewrites |= p.rewrites;
        j->now->scans |= p.rewrites;
    }
}

/* As it is kept, so that two that can be compared without a cast are the same. */
static const char *folded_type(judging *j, tree type)
{
    static const char *const folded[][2] = {
        {"serial", "int4"},      {"serial4", "int4"}, {"bigserial", "int8"}, {"serial8", "int8"},
        {"smallserial", "int2"}, {"serial2", "int2"}, {"varchar", "text"},
    };
    label full;
    const char *name = type_name(type, &full);
    for (size_t i = 0; i < LB_COUNT(folded); i++)
        if (strcmp(folded[i][0], name) == 0)
            name = folded[i][1];
    return judging_printf(j, "%s%s", name, tree_has(tree_get(type, "arrayBounds")) ? "[]" : "");
}

/* A domain may be of any type. */
static void note_column(judging *j, tree column, const char *table, const char *where, bool table_is_new)
{
    label full, name = label_of(tree_get(column, "colname"));
    tree type = tree_get(column, "typeName");
    judging_fact(j, FACT_COLUMN, where, is_known_type(type_name(type, &full)) ? folded_type(j, type) : NULL);
    for (tree item = tree_first(tree_get(column, "constraints")); item.at; item = tree_next(item)) {
        judge_key(j, tree_node(item, "Constraint"), table, name.text);
        if (!table_is_new)
            judge_reference(j, tree_node(item, "Constraint"), table, name.text);
    }
}

void judge_column(judging *j, tree column, const char *table, bool table_is_new)
{
    const char *where = judging_printf(j, "%s.%s", table, label_of(tree_get(column, "colname")).text);
    check_type(j, column, where);
    note_column(j, column, table, where, table_is_new);
    if (tree_has(tree_get(column, "storage_name")))
        judging_needs(j, 16, "STORAGE of a column in CREATE TABLE and ADD COLUMN");
    if (!table_is_new)
        check_new_column(j, column, where);
}

/* ---- tables ---- */

static void check_new_references(judging *j, tree constraint, const char *table, const char *own)
{
    label other = label_of_range(tree_get(constraint, "pktable"));
    if (!tree_is(tree_get(constraint, "contype"), "CONSTR_FOREIGN"))
        return;
    if (!judging_is_new(j, other.text) && strcmp(other.text, own) != 0) {
        judging_hazard(j, JUDGE_FK_IN_TABLE, table, NULL);
        judging_lock(j, LOCK_SHARE_ROW_EXCLUSIVE, other.text);
    }
    judge_on_delete(j, constraint, table);
}

/* Types of one size; each begins at a multiple of align. */
static const struct {
    const char *type;
    unsigned size, align;
} sized[] = {
    {"bool", 1, 1},      {"int2", 2, 2},      {"smallserial", 2, 2}, {"serial2", 2, 2}, {"int4", 4, 4},
    {"serial", 4, 4},    {"serial4", 4, 4},   {"float4", 4, 4},      {"date", 4, 4},    {"oid", 4, 4},
    {"regclass", 4, 4},  {"int8", 8, 8},      {"bigserial", 8, 8},   {"serial8", 8, 8}, {"float8", 8, 8},
    {"timestamp", 8, 8}, {"time", 8, 8},      {"timestamptz", 8, 8}, {"money", 8, 8},   {"macaddr8", 8, 4},
    {"uuid", 16, 1},     {"interval", 16, 8},
};

#define PADDING_LEAST 8 /* bytes of a row that are worth a word */

/* Up to the first column of any other type: where what stands behind that begins differs from row to row. */
static void check_padding(judging *j, tree elements, const char *table)
{
    unsigned offset = 0, padding = 0;
    for (tree item = tree_first(elements); item.at; item = tree_next(item)) {
        label full;
        size_t i = 0;
        tree type = tree_get(tree_node(item, "ColumnDef"), "typeName");
        if (!tree_has(type))
            continue;
        const char *name = type_name(type, &full);
        while (i < LB_COUNT(sized) && strcmp(sized[i].type, name) != 0)
            i++;
        if (i == LB_COUNT(sized) || tree_has(tree_get(type, "arrayBounds")))
            break;
        unsigned skipped = (sized[i].align - offset % sized[i].align) % sized[i].align;
        padding += skipped;
        offset += skipped + sized[i].size;
    }
    if (padding >= PADDING_LEAST)
        judging_hazard(j, JUDGE_COLUMNS_PADDED, table,
                       judging_printf(j,
                                      "%u bytes of each row are padding: columns of eight bytes first, then those of "
                                      "four, two and one, then all others",
                                      padding));
}

/* What it refers to may be its own key, which stands behind it. */
static void check_references(judging *j, tree elements, const char *table)
{
    for (tree item = tree_first(elements); item.at; item = tree_next(item)) {
        tree column = tree_node(item, "ColumnDef"), constraint = tree_node(item, "Constraint");
        label name = label_of(tree_get(column, "colname"));
        check_new_references(j, constraint, table, table);
        judge_reference(j, constraint, table, "");
        for (tree part = tree_first(tree_get(column, "constraints")); part.at; part = tree_next(part)) {
            check_new_references(j, tree_node(part, "Constraint"), table, table);
            judge_reference(j, tree_node(part, "Constraint"), table, name.text);
        }
    }
}

static void create_partition(judging *j, tree s, const char *table)
{
    label parent = label_of_first(tree_get(s, "inhRelations"));
    judging_hazard(j, JUDGE_PARTITION_OF, parent.text, NULL);
    judging_lock(j, LOCK_ACCESS_EXCLUSIVE, parent.text);
    judging_fact(j, FACT_PARTITIONED, parent.text, NULL);
    judging_fact(j, FACT_PARTITION, table, parent.text);
}

/* Nobody uses what the statement makes; but where IF NOT EXISTS finds one, that is in use. One that the file has
 * dropped, or renamed, is not there any more. */
static void note_new(judging *j, tree s, const char *what, const char *name)
{
    bool is_there = judging_find(j, FACT_TAKEN, name) != NULL;
    for (size_t i = 0; j->there && i < j->there->count; i++)
        is_there = is_there || strcmp(j->there->names[i], name) == 0;
    if (!is_there || !tree_true(tree_get(s, "if_not_exists")) || judging_is_free(j, what, name))
        judging_fact(j, FACT_CREATED, name, NULL);
}

static void create_table(judging *j, tree s)
{
    tree range = tree_get(s, "relation");
    label table = label_of_range(range);
    bool is_partition = tree_has(tree_get(s, "partbound")), has_key = is_partition;
    bool is_temporary = tree_is(tree_get(range, "relpersistence"), "t");
    judge_partitioned(j, table.text, tree_get(s, "partspec"));
    for (tree item = tree_first(tree_get(s, "tableElts")); item.at; item = tree_next(item)) {
        tree column = tree_node(item, "ColumnDef"), constraint = tree_node(item, "Constraint");
        has_key = has_key || tree_is(tree_get(constraint, "contype"), "CONSTR_PRIMARY") || is_key(column) ||
                  tree_has(tree_node(item, "TableLikeClause"));
        judge_key(j, constraint, table.text, "");
        if (tree_has(column))
            judge_column(j, column, table.text, true);
    }
    check_references(j, tree_get(s, "tableElts"), table.text);
    check_padding(j, tree_get(s, "tableElts"), table.text);
    if (!has_key && !is_temporary && !tree_has(tree_get(s, "ofTypename")) && !tree_has(tree_get(s, "inhRelations")))
        judging_hazard(j, JUDGE_TABLE_KEYLESS, table.text, NULL);
    if (tree_is(tree_get(range, "relpersistence"), "u"))
        judging_hazard(j, JUDGE_TABLE_UNLOGGED, table.text, NULL);
    if (!tree_has(tree_get(range, "schemaname")) && !is_temporary)
        judging_hazard(j, JUDGE_UNQUALIFIED, table.text, NULL);
    if (is_partition)
        create_partition(j, s, table.text);
    note_new(j, s, "table", table.text);
    if (judging_is_new(j, table.text))
        judge_note_types(j, table.text, tree_get(s, "tableElts"));
}

/* ---- the rest ---- */

static void create_policy(judging *j, tree s)
{
    label table = label_of_range(tree_get(s, "table"));
    bool selects = tree_is(tree_get(s, "cmd_name"), "select");
    if (tree_true(tree_get(s, "permissive")) && !selects &&
        (judge_is_true(tree_get(s, "qual")) || judge_is_true(tree_get(s, "with_check"))))
        judging_hazard(j, JUDGE_POLICY_TRUE, label_of(tree_get(s, "policy_name")).text, NULL);
    judging_fact(j, FACT_POLICY, table.text, NULL);
    judging_lock(j, LOCK_ACCESS_EXCLUSIVE, table.text);
}

static void create_role(judging *j, tree s)
{
    static const char *const strong[] = {"superuser", "bypassrls", "isreplication", "createrole"};
    for (size_t i = 0; i < LB_COUNT(strong); i++)
        if (option_is_on(tree_get(s, "options"), strong[i]))
            judging_hazard(j, JUDGE_ROLE_STRONG, label_of(tree_get(s, "role")).text, NULL);
}

static void create_table_as(judging *j, tree s)
{
    label name = label_of_range(tree_path(s, "into", "rel"));
    if (tree_is(tree_get(s, "objtype"), "OBJECT_MATVIEW") && !tree_true(tree_get(tree_get(s, "into"), "skipData")))
        judging_hazard(j, JUDGE_MATVIEW_FILLS, name.text, NULL);
    note_new(j, s, label_of_kind(tree_get(s, "objtype")).text, name.text);
}

static void create_view(judging *j, tree s)
{
    label view = label_of_range(tree_get(s, "view"));
    judge_view(j, view.text, tree_get(s, "query"));
    if (option_is_on(tree_get(s, "options"), "security_invoker"))
        judging_fact(j, FACT_INVOKER, view.text, NULL);
}

/* "(int4)", as a DROP names it: the parameters are the first of two, and in the old form one type is an option. */
static const char *arguments_of_aggregate(judging *j, tree s)
{
    label full;
    tree base = tree_node(tree_get(option_get(tree_get(s, "definition"), "basetype"), "arg"), "TypeName");
    if (tree_true(tree_get(s, "oldstyle")) && tree_has(base))
        return judging_printf(j, "(%s)", type_name(base, &full));
    return judge_arguments(j, tree_path(tree_first(tree_get(s, "args")), "List", "items"));
}

static void define(judging *j, tree s)
{
    label name = label_of(tree_get(s, "defnames"));
    bool is_aggregate = tree_is(tree_get(s, "kind"), "OBJECT_AGGREGATE");
    if (is_aggregate &&
        judging_find(j, FACT_DROPPED, judging_printf(j, "aggregate %s%s", name.text, arguments_of_aggregate(j, s))))
        judging_hazard(j, JUDGE_DROP_AND_CREATE, name.text, NULL);
    else if (!tree_true(tree_get(s, "replace")) && !tree_true(tree_get(s, "if_not_exists")))
        judging_not_idempotent(j, name.text, judging_catch(j, "duplicate_function"));
}

bool judge_create_statement(judging *j, const char *kind, tree s)
{
    label table = label_of_range(tree_get(s, "relation"));
    check_idempotence(j, kind, s);
    if (strcmp(kind, "CreateStmt") == 0) {
        create_table(j, s);
    } else if (strcmp(kind, "IndexStmt") == 0) {
        judge_create_index(j, s);
    } else if (strcmp(kind, "CreateTableAsStmt") == 0) {
        create_table_as(j, s);
    } else if (strcmp(kind, "CreatePolicyStmt") == 0) {
        create_policy(j, s);
    } else if (strcmp(kind, "CreateRoleStmt") == 0) {
        create_role(j, s);
    } else if (strcmp(kind, "CreateTrigStmt") == 0) {
        if (!judging_is_new(j, table.text))
            judging_hazard(j, JUDGE_TRIGGER_CREATE, table.text, NULL);
        judging_lock(j, LOCK_SHARE_ROW_EXCLUSIVE, table.text);
    } else if (strcmp(kind, "RuleStmt") == 0) {
        judging_hazard(j, JUDGE_RULE_CREATE, table.text, NULL);
        judging_lock(j, LOCK_ACCESS_EXCLUSIVE, table.text);
    } else if (strcmp(kind, "CreateExtensionStmt") == 0) {
        if (!tree_has(option_get(tree_get(s, "options"), "new_version")))
            judging_hazard(j, JUDGE_EXTENSION_UNPINNED, label_of(tree_get(s, "extname")).text, NULL);
    } else if (strcmp(kind, "CreatePublicationStmt") == 0) {
        judging_hazard(j, JUDGE_PUBLICATION, label_of(tree_get(s, "pubname")).text, NULL);
    } else if (strcmp(kind, "CreateStatsStmt") == 0) {
        if (!tree_has(tree_get(s, "defnames")))
            judging_needs(j, 16, "CREATE STATISTICS without a name");
    } else if (strcmp(kind, "DefineStmt") == 0) {
        define(j, s);
    } else if (strcmp(kind, "ViewStmt") == 0) {
        create_view(j, s);
    } else if (strcmp(kind, "CreateEnumStmt") == 0) {
        judging_hazard(j, JUDGE_ENUM_CREATE, label_of(tree_get(s, "typeName")).text, NULL);
    } else {
        return strncmp(kind, "Create", 6) == 0;
    }
    return true;
}
