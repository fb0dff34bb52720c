/* DROP, ALTER of anything but tables, rights and settings that stay. */
#include "judge_internal.h"

/* ---- DROP ---- */

static const struct {
    const char *type, *what;
    judge_rule_id rule;
    judge_lock lock;
} drops[] = {
    {"OBJECT_TABLE", "table", JUDGE_TABLE_DROP, LOCK_ACCESS_EXCLUSIVE},
    {"OBJECT_SCHEMA", "schema", JUDGE_SCHEMA_DROP, LOCK_NONE},
    {"OBJECT_SEQUENCE", "sequence", JUDGE_DATA_DROP, LOCK_ACCESS_EXCLUSIVE},
    {"OBJECT_MATVIEW", "materialized view", JUDGE_DATA_DROP, LOCK_ACCESS_EXCLUSIVE},
    {"OBJECT_FOREIGN_TABLE", "foreign table", JUDGE_DATA_DROP, LOCK_ACCESS_EXCLUSIVE},
    {"OBJECT_EXTENSION", "extension", JUDGE_EXTENSION_DROP, LOCK_NONE},
    {"OBJECT_INDEX", "index", JUDGE_INDEX_DROP, LOCK_ACCESS_EXCLUSIVE},
    {"OBJECT_VIEW", "view", JUDGE_DEFINITION_DROP, LOCK_ACCESS_EXCLUSIVE},
    {"OBJECT_FUNCTION", "function", JUDGE_DEFINITION_DROP, LOCK_NONE},
    {"OBJECT_PROCEDURE", "function", JUDGE_DEFINITION_DROP, LOCK_NONE},
    {"OBJECT_ROUTINE", "function", JUDGE_DEFINITION_DROP, LOCK_NONE},
    {"OBJECT_AGGREGATE", "aggregate", JUDGE_DEFINITION_DROP, LOCK_NONE},
    {"OBJECT_TYPE", "type", JUDGE_DEFINITION_DROP, LOCK_NONE},
    {"OBJECT_DOMAIN", "domain", JUDGE_DEFINITION_DROP, LOCK_NONE},
    {"OBJECT_POLICY", "policy", JUDGE_DEFINITION_DROP, LOCK_ACCESS_EXCLUSIVE},
    {"OBJECT_TRIGGER", "trigger", JUDGE_DEFINITION_DROP, LOCK_ACCESS_EXCLUSIVE},
    {"OBJECT_RULE", "rule", JUDGE_DEFINITION_DROP, LOCK_ACCESS_EXCLUSIVE},
    {"OBJECT_PUBLICATION", "publication", JUDGE_DEFINITION_DROP, LOCK_NONE},
};

/* Before the name of a policy, trigger or rule stands its table, "policy app.t.p". NULL: it is none. */
static const char *dot_behind_table(const char *what, const char *full)
{
    return strcmp(what, "policy") == 0 || strcmp(what, "trigger") == 0 || strcmp(what, "rule") == 0 ? strrchr(full, '.')
                                                                                                    : NULL;
}

static const char *table_of(judging *j, const char *what, const char *full)
{
    const char *dot = dot_behind_table(what, full);
    return dot ? judging_printf(j, "%.*s", (int)(dot - full), full) : full;
}

/* "(int4)"; "" of what has none, or where the name alone says which one it is. */
static const char *arguments_of(judging *j, tree object)
{
    tree function = tree_node(object, "ObjectWithArgs");
    return tree_has(function) && !tree_true(tree_get(function, "args_unspecified"))
               ? judge_arguments(j, tree_get(function, "objargs"))
               : "";
}

static void drop_partition(judging *j, const char *table)
{
    const fact *partition = judging_find(j, FACT_PARTITION, table);
    if (partition && !judging_find(j, FACT_DETACHED, table))
        judging_hazard(
            j, JUDGE_PARTITION_DROP, table,
            judging_printf(j, "ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY before it", partition->extra, table));
}

static void drop_index(judging *j, tree s, const char *name)
{
    const char *full = strchr(name, '.') ? name : judging_printf(j, "public.%s", name);
    const fact *kept = judging_find(j, FACT_KEEPS, full);
    if (!tree_true(tree_get(s, "concurrent")) && !judging_find(j, FACT_INDEX, full))
        judging_hazard(j, JUDGE_INDEX_DROP_NOT_CONCURRENT, name, judging_insert(j, "INDEX", "CONCURRENTLY"));
    if (kept && !judging_find(j, FACT_DROPPED, kept->extra))
        judging_hazard(j, JUDGE_INDEX_DROP_KEY, name, NULL);
}

static void drop_one(judging *j, tree s, size_t kind, tree object)
{
    label full = label_of(object);
    bool concurrent = tree_true(tree_get(s, "concurrent"));
    judging_fact(j, FACT_DROPPED, judging_printf(j, "%s %s%s", drops[kind].what, full.text, arguments_of(j, object)),
                 NULL);
    judging_hazard(j, drops[kind].rule, full.text, NULL);
    if (drops[kind].rule == JUDGE_INDEX_DROP)
        drop_index(j, s, full.text);
    if (drops[kind].rule == JUDGE_TABLE_DROP)
        drop_partition(j, full.text);
    if (drops[kind].rule == JUDGE_TABLE_DROP)
        judge_forget_table(j, full.text);
    if (drops[kind].rule == JUDGE_SCHEMA_DROP)
        judge_forget_types(j, full.text);
    judging_lock(j, concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : drops[kind].lock,
                 table_of(j, drops[kind].what, full.text));
}

static const char *word_before_name(tree type)
{
    static const struct {
        const char *type, *word;
    } words[] = {{"OBJECT_MATVIEW", "VIEW"},
                 {"OBJECT_FOREIGN_TABLE", "TABLE"},
                 {"OBJECT_TSCONFIGURATION", "CONFIGURATION"},
                 {"OBJECT_FOREIGN_SERVER", "SERVER"},
                 {"OBJECT_STATISTIC_EXT", "STATISTICS"},
                 {"OBJECT_FDW", "WRAPPER"}};
    for (size_t i = 0; i < LB_COUNT(words); i++)
        if (tree_is(type, words[i].type))
            return words[i].word;
    return NULL;
}

static void drop(judging *j, tree s)
{
    tree type = tree_get(s, "removeType"), objects = tree_get(s, "objects");
    label about = label_of_first(objects), what = label_of_kind(type);
    const char *word = tree_true(tree_get(s, "concurrent")) ? "CONCURRENTLY" : word_before_name(type);
    if (!tree_true(tree_get(s, "missing_ok")))
        judging_bare_drop(j, about.text, judging_insert(j, word ? word : what.text, "IF EXISTS"));
    bool is_known = false;
    for (size_t i = 0; i < LB_COUNT(drops); i++) {
        if (!tree_is(type, drops[i].type))
            continue;
        is_known = true;
        for (tree object = tree_first(objects); object.at; object = tree_next(object))
            drop_one(j, s, i, object);
    }
    if (!is_known)
        judging_hazard(j, JUDGE_DEFINITION_DROP, about.text, NULL);
    if (tree_is(tree_get(s, "behavior"), "DROP_CASCADE"))
        judging_hazard(j, JUDGE_CASCADE, about.text, NULL);
}

/* Those that are no DropStmt. */
static const struct {
    const char *kind, *member, *word;
    judge_rule_id rule;
} other_drops[] = {
    {"DropdbStmt", "dbname", "DATABASE", JUDGE_DATABASE_DROP},
    {"DropOwnedStmt", "roles", NULL, JUDGE_DATABASE_DROP},
    {"DropTableSpaceStmt", "tablespacename", "TABLESPACE", JUDGE_DATABASE_DROP},
    {"DropRoleStmt", "roles", "ROLE", JUDGE_DEFINITION_DROP},
    {"DropSubscriptionStmt", "subname", "SUBSCRIPTION", JUDGE_DATA_DROP},
    {"DropUserMappingStmt", "user", "MAPPING", JUDGE_DEFINITION_DROP},
};

static bool other_drop(judging *j, const char *kind, tree s)
{
    for (size_t i = 0; i < LB_COUNT(other_drops); i++) {
        if (strcmp(other_drops[i].kind, kind) != 0)
            continue;
        label about = label_of(tree_get(s, other_drops[i].member));
        judging_hazard(j, other_drops[i].rule, about.text, NULL);
        if (other_drops[i].word && !tree_true(tree_get(s, "missing_ok")))
            judging_bare_drop(j, about.text, judging_insert(j, other_drops[i].word, "IF EXISTS"));
        return true;
    }
    return false;
}

/* ---- names and owners ---- */

/* A name that has no schema gets none. */
static const char *in_schema_of(judging *j, const char *table, const char *name)
{
    const char *dot = strrchr(table, '.');
    return judging_printf(j, "%.*s%s", dot ? (int)(dot + 1 - table) : 0, table, name);
}

static void rename_object(judging *j, tree s)
{
    tree type = tree_get(s, "renameType");
    label table = label_of_range(tree_get(s, "relation")), part = label_of(tree_get(s, "subname"));
    bool is_table = tree_is(type, "OBJECT_TABLE"), is_column = tree_is(type, "OBJECT_COLUMN");
    const char *about = is_column       ? judging_printf(j, "%s.%s", table.text, part.text)
                        : table.text[0] ? table.text
                        : part.text[0]  ? part.text
                                        : judging_printf(j, "%s", label_of(tree_get(s, "object")).text);
    judging_hazard(j,
                   is_column  ? JUDGE_RENAME_COLUMN
                   : is_table ? JUDGE_RENAME_TABLE
                              : JUDGE_RENAME_OTHER,
                   about, NULL);
    judging_lock(j,
                 !table.text[0]                  ? LOCK_NONE
                 : tree_is(type, "OBJECT_INDEX") ? LOCK_SHARE_UPDATE_EXCLUSIVE
                                                 : LOCK_ACCESS_EXCLUSIVE,
                 table.text);
    if (is_table)
        judging_rename(j, table.text, in_schema_of(j, table.text, label_of(tree_get(s, "newname")).text));
    if (is_column)
        judge_rename_type(j, table.text, part.text, label_of(tree_get(s, "newname")).text);
    if (is_column)
        judging_not_idempotent(
            j, about,
            judging_if(j, judging_printf(j,
                                         "EXISTS (SELECT FROM pg_attribute WHERE attrelid = '%s'::regclass AND attname "
                                         "= '%s' AND NOT attisdropped)",
                                         table.text, part.text)));
    else if (!(table.text[0] && tree_true(tree_get(s, "missing_ok"))))
        judging_not_idempotent(j, about,
                               table.text[0] ? judging_insert(j, label_of_kind(type).text, "IF EXISTS")
                                             : judging_catch(j, "undefined_object"));
}

static void move(judging *j, tree s)
{
    label about = label_of_range(tree_get(s, "relation"));
    if (!about.text[0])
        about = label_of(tree_get(s, "object"));
    const char *dot = strrchr(about.text, '.');
    judging_hazard(j, JUDGE_SET_SCHEMA, about.text, NULL);
    if (tree_is(tree_get(s, "objectType"), "OBJECT_TABLE"))
        judging_rename(j, about.text,
                       judging_printf(j, "%s.%s", label_of(tree_get(s, "newschema")).text, dot ? dot + 1 : about.text));
    judging_lock(j, tree_has(tree_get(s, "relation")) ? LOCK_ACCESS_EXCLUSIVE : LOCK_NONE, about.text);
    if (!tree_true(tree_get(s, "missing_ok")))
        judging_not_idempotent(j, about.text, judging_insert(j, "TABLE", "IF EXISTS"));
}

/* ---- types and rights ---- */

static void alter_enum(judging *j, tree s)
{
    label type = label_of(tree_get(s, "typeName"));
    const char *value = judging_printf(j, "%s.%s", type.text, label_of(tree_get(s, "newVal")).text);
    if (tree_has(tree_get(s, "oldVal"))) {
        judging_hazard(j, JUDGE_ENUM_RENAME, value, NULL);
        judging_not_idempotent(j, value, judging_catch(j, "invalid_parameter_value"));
        return;
    }
    if (!tree_true(tree_get(s, "skipIfNewValExists")))
        judging_not_idempotent(j, value, judging_insert(j, "VALUE", "IF NOT EXISTS"));
    if (!tree_has(tree_get(s, "newValNeighbor")))
        judging_hazard(j, JUDGE_ENUM_POSITION, value, NULL);
}

static void alter_domain(judging *j, tree s)
{
    label name = label_of(tree_get(s, "typeName"));
    tree subtype = tree_get(s, "subtype"), constraint = tree_node(tree_get(s, "def"), "Constraint");
    bool adds = tree_is(subtype, "C"), drops_one = tree_is(subtype, "X");
    bool reads =
        (adds && !tree_true(tree_get(constraint, "skip_validation"))) || tree_is(subtype, "O") || tree_is(subtype, "V");
    if (reads && !tree_is(subtype, "V"))
        judging_hazard(j, JUDGE_DOMAIN_CONSTRAINT, name.text, NULL);
    if (reads)
        judging_lock(j, LOCK_SHARE, name.text);
    if (adds)
        judging_not_idempotent(j, name.text, judging_catch(j, "duplicate_object"));
    if (drops_one && !tree_true(tree_get(s, "missing_ok")))
        judging_bare_drop(j, name.text, judging_insert(j, "CONSTRAINT", "IF EXISTS"));
    if (drops_one)
        judging_hazard(j, JUDGE_CONSTRAINT_DROP, name.text, NULL);
}

static void grant(judging *j, tree s)
{
    bool wide = tree_true(tree_get(s, "grant_option")) || !tree_has(tree_get(s, "privileges"));
    for (tree item = tree_first(tree_get(s, "grantees")); item.at; item = tree_next(item))
        wide = wide || tree_is(tree_path(item, "RoleSpec", "roletype"), "ROLESPEC_PUBLIC");
    if (tree_true(tree_get(s, "is_grant")) && wide)
        judging_hazard(j, JUDGE_GRANT_WIDE, label_of_first(tree_get(s, "objects")).text, NULL);
}

static void grant_role(judging *j, tree s)
{
    for (tree item = tree_first(tree_get(s, "opt")); item.at; item = tree_next(item))
        if (!tree_is(tree_get(tree_node(item, "DefElem"), "defname"), "admin"))
            judging_needs(j, 16, "GRANT role WITH INHERIT or SET");
}

static void alter_role(judging *j, tree s)
{
    static const char *const strong[] = {"superuser", "bypassrls", "isreplication", "createrole"};
    for (size_t i = 0; i < LB_COUNT(strong); i++)
        if (option_is_on(tree_get(s, "options"), strong[i]))
            judging_hazard(j, JUDGE_ROLE_STRONG, label_of(tree_get(s, "role")).text, NULL);
}

static void alter_sequence(judging *j, tree s)
{
    if (tree_has(option_get(tree_get(s, "options"), "restart")))
        judging_hazard(j, JUDGE_SEQUENCE_MOVE, label_of_range(tree_get(s, "sequence")).text, NULL);
}

static void alter_publication(judging *j, tree s)
{
    label name = label_of(tree_get(s, "pubname"));
    judging_hazard(j, JUDGE_PUBLICATION, name.text, NULL);
    if (tree_is(tree_get(s, "action"), "AP_AddObjects"))
        judging_not_idempotent(j, name.text, judging_catch(j, "duplicate_object"));
}

static void alter_policy(judging *j, tree s)
{
    if (judge_is_true(tree_get(s, "qual")) || judge_is_true(tree_get(s, "with_check")))
        judging_hazard(j, JUDGE_POLICY_TRUE, label_of(tree_get(s, "policy_name")).text, NULL);
    judging_lock(j, LOCK_ACCESS_EXCLUSIVE, label_of_range(tree_get(s, "table")).text);
}

static const struct {
    const char *kind;
    void (*judge)(judging *j, tree s);
} known[] = {
    {"DropStmt", drop},
    {"RenameStmt", rename_object},
    {"AlterObjectSchemaStmt", move},
    {"AlterEnumStmt", alter_enum},
    {"AlterDomainStmt", alter_domain},
    {"GrantStmt", grant},
    {"GrantRoleStmt", grant_role},
    {"AlterRoleStmt", alter_role},
    {"AlterSeqStmt", alter_sequence},
    {"AlterPublicationStmt", alter_publication},
    {"AlterPolicyStmt", alter_policy},
};

static const char *const keepers[] = {"AlterSystemStmt", "AlterDatabaseSetStmt", "AlterRoleSetStmt"};

bool judge_object_statement(judging *j, const char *kind, tree s)
{
    for (size_t i = 0; i < LB_COUNT(known); i++)
        if (strcmp(known[i].kind, kind) == 0) {
            known[i].judge(j, s);
            return true;
        }
    for (size_t i = 0; i < LB_COUNT(keepers); i++)
        if (strcmp(keepers[i], kind) == 0) {
            judging_hazard(j, JUDGE_SETTING_KEPT, kind, NULL);
            return true;
        }
    if (strcmp(kind, "AlterOwnerStmt") == 0 || strcmp(kind, "ReassignOwnedStmt") == 0) {
        judging_hazard(j, JUDGE_OWNER_CHANGE, label_of(tree_get(s, "object")).text, NULL);
        return true;
    }
    return other_drop(j, kind, s);
}
