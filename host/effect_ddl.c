#include "effect_rules.h"

/* Statements about objects: what they create, change, drop and who may use them. ALTER TABLE has a file of its own.
 *
 * A lock that lasts for a catalogue entry only and changes nothing for readers and writers counts as additive, however
 * strong it is: whoever executes sets lock_timeout. A lock that is held while rows are read or written counts as
 * disruptive, and so does whatever others notice: a new name, another definition, fewer rights. */

static bool drop_rule(judge *j, tree statement)
{
    static const char *const of_table[] = {"OBJECT_POLICY", "OBJECT_TRIGGER", "OBJECT_RULE"};
    tree objects = tree_get(statement, "objects"), kind = tree_get(statement, "removeType");
    bool cascades = tree_is(tree_get(statement, "behavior"), "DROP_CASCADE");
    label about = label_of_first(objects);
    for (size_t i = 0; i < LB_COUNT(of_table); i++) {
        char *dot = tree_is(kind, of_table[i]) ? strrchr(about.text, '.') : NULL;
        label table = about, name = about;
        if (!dot)
            continue;
        table.text[dot - about.text] = '\0';
        memmove(name.text, dot + 1, strlen(dot + 1) + 1);
        (void)snprintf(about.text, sizeof about.text, "%.50s on %.55s", name.text, table.text); /* cut, for people */
    }
    if (tree_is(kind, "OBJECT_INDEX"))
        j->verdict.always_asks = true;
    if (tree_true(tree_get(statement, "concurrent")))
        j->verdict.in_transaction = false;
    judge_add(j, EFFECT_DESTRUCTIVE, "drops %s %s%s", label_of_kind(kind).text, about.text,
              cascades ? " and all that depends on it" : "");
    return false;
}

static bool create_index_rule(judge *j, tree statement)
{
    label table = label_of_range(tree_get(statement, "relation")), name = label_of(tree_get(statement, "idxname"));
    const char *index = name.text[0] ? name.text : "an index";
    if (tree_true(tree_get(statement, "concurrent"))) {
        j->verdict.in_transaction = false;
        judge_add(j, EFFECT_ADDITIVE, "builds index %s on %s", index, table.text);
    } else {
        judge_add(j, EFFECT_DISRUPTIVE, "builds index %s on %s while writers wait", index, table.text);
    }
    return true;
}

/* A partition locks its parent out, and a default partition is searched for the rows of the new one. */
static void judge_table(judge *j, tree table, const char *what)
{
    label name = label_of_range(tree_get(table, "relation"));
    if (tree_has(tree_get(table, "partbound")))
        judge_add(j, EFFECT_DISRUPTIVE, "creates %s %s as a partition, which locks out %s", what, name.text,
                  label_of_first(tree_get(table, "inhRelations")).text);
    else
        judge_add(j, EFFECT_ADDITIVE, "creates %s %s", what, name.text);
}

static bool create_table_rule(judge *j, tree statement)
{
    judge_table(j, statement, "table");
    return false;
}

static bool create_foreign_table_rule(judge *j, tree statement)
{
    judge_table(j, tree_get(statement, "base"), "foreign table");
    return false;
}

static bool create_policy_rule(judge *j, tree statement)
{
    label name = label_of(tree_get(statement, "policy_name")), table = label_of_range(tree_get(statement, "table"));
    if (tree_true(tree_get(statement, "permissive")))
        judge_add(j, EFFECT_ADDITIVE, "creates policy %s on %s", name.text, table.text);
    else
        judge_add(j, EFFECT_DISRUPTIVE, "creates policy %s on %s, which hides rows", name.text, table.text);
    return false;
}

static bool create_cast_rule(judge *j, tree statement)
{
    bool explicit = tree_is(tree_get(statement, "context"), "COERCION_EXPLICIT");
    judge_add(j, explicit ? EFFECT_ADDITIVE : EFFECT_DISRUPTIVE, "creates a cast from %s to %s%s",
              label_of(tree_get(statement, "sourcetype")).text, label_of(tree_get(statement, "targettype")).text,
              explicit ? "" : " that queries use unasked");
    return false;
}

static bool alter_enum_rule(judge *j, tree statement)
{
    label type = label_of(tree_get(statement, "typeName")), value = label_of(tree_get(statement, "newVal"));
    if (tree_has(tree_get(statement, "oldVal")))
        judge_add(j, EFFECT_DISRUPTIVE, "renames a value of type %s to %s", type.text, value.text);
    else
        judge_add(j, EFFECT_ADDITIVE, "adds value %s to type %s", value.text, type.text);
    return false;
}

static bool alter_domain_rule(judge *j, tree statement)
{
    label name = label_of(tree_get(statement, "typeName"));
    tree subtype = tree_get(statement, "subtype"), def = tree_get(statement, "def");
    bool unchecked = tree_true(tree_get(tree_node(def, "Constraint"), "skip_validation"));
    if (tree_is(subtype, "X"))
        judge_add(j, EFFECT_DESTRUCTIVE, "drops constraint %s of domain %s", label_of(tree_get(statement, "name")).text,
                  name.text);
    else if ((tree_is(subtype, "C") && unchecked) || (tree_is(subtype, "T") && tree_has(def)))
        judge_add(j, EFFECT_ADDITIVE, "changes domain %s for new values", name.text);
    else
        judge_add(j, EFFECT_DISRUPTIVE, "changes domain %s: every table with it is checked or behaves otherwise",
                  name.text);
    return false;
}

static bool alter_family_rule(judge *j, tree statement)
{
    bool drops = tree_true(tree_get(statement, "isDrop"));
    judge_add(j, drops ? EFFECT_DESTRUCTIVE : EFFECT_DISRUPTIVE, "%s operator family %s",
              drops ? "drops from" : "adds to", label_of(tree_get(statement, "opfamilyname")).text);
    return false;
}

static bool alter_text_search_rule(judge *j, tree statement)
{
    bool drops = tree_is(tree_get(statement, "kind"), "ALTER_TSCONFIG_DROP_MAPPING");
    judge_add(j, drops ? EFFECT_DESTRUCTIVE : EFFECT_DISRUPTIVE, "%s text search configuration %s",
              drops ? "drops a mapping of" : "changes", label_of(tree_get(statement, "cfgname")).text);
    return false;
}

static bool alter_database_rule(judge *j, tree statement)
{
    if (tree_has(option_get(tree_get(statement, "options"), "tablespace")))
        j->verdict.in_transaction = false;
    judge_add(j, EFFECT_DISRUPTIVE, "changes database %s", label_of(tree_get(statement, "dbname")).text);
    return false;
}

static bool rename_rule(judge *j, tree statement)
{
    tree relation = tree_get(statement, "relation"), object = tree_get(statement, "object");
    label about = tree_has(relation) ? label_of_range(relation) : label_of(object);
    label part = label_of(tree_get(statement, "subname"));
    bool inside = about.text[0] && part.text[0];
    judge_add(j, EFFECT_DISRUPTIVE, "renames %s %s%s%s to %s", label_of_kind(tree_get(statement, "renameType")).text,
              part.text[0] ? part.text : about.text, inside ? " of " : "", inside ? about.text : "",
              label_of(tree_get(statement, "newname")).text);
    return false;
}

/* ---- rights ---- */

static bool grants_to_all(tree grantees)
{
    for (tree item = tree_first(grantees); item.at; item = tree_next(item))
        if (tree_is(tree_path(item, "RoleSpec", "roletype"), "ROLESPEC_PUBLIC"))
            return true;
    return false;
}

/* Named rights for named roles add; what opens wide or takes away is for a person to see. */
static void judge_grant(judge *j, tree grant, const char *when)
{
    tree objects = tree_get(grant, "objects"), grantees = tree_get(grant, "grantees");
    label who = label_of_first(grantees), on = label_of_first(objects);
    const char *between = on.text[0] ? " on " : "";
    if (!tree_true(tree_get(grant, "is_grant")))
        judge_add(j, EFFECT_DISRUPTIVE, "revokes rights%s%s from %s%s", between, on.text, who.text, when);
    else if (grants_to_all(grantees))
        judge_add(j, EFFECT_DISRUPTIVE, "grants rights%s%s to everybody%s", between, on.text, when);
    else if (tree_true(tree_get(grant, "grant_option")) || !tree_has(tree_get(grant, "privileges")))
        judge_add(j, EFFECT_DISRUPTIVE, "grants %s%s%s to %s%s",
                  tree_has(tree_get(grant, "privileges")) ? "rights with grant option" : "all rights", between, on.text,
                  who.text, when);
    else
        judge_add(j, EFFECT_ADDITIVE, "grants rights%s%s to %s%s", between, on.text, who.text, when);
}

static bool grant_rule(judge *j, tree statement)
{
    judge_grant(j, statement, "");
    return false;
}

static bool default_privileges_rule(judge *j, tree statement)
{
    judge_grant(j, tree_get(statement, "action"), " for objects to come");
    return false;
}

static bool grant_role_rule(judge *j, tree statement)
{
    bool grants = tree_true(tree_get(statement, "is_grant"));
    judge_add(j, EFFECT_DISRUPTIVE, "%s role %s %s %s", grants ? "grants" : "revokes",
              label_of_first(tree_get(statement, "granted_roles")).text, grants ? "to" : "from",
              label_of_first(tree_get(statement, "grantee_roles")).text);
    return false;
}

static bool create_role_rule(judge *j, tree statement)
{
    static const char *const strong[] = {"superuser", "bypassrls", "isreplication", "createrole", "addroleto"};
    label name = label_of(tree_get(statement, "role"));
    for (size_t i = 0; i < LB_COUNT(strong); i++)
        if (option_is_on(tree_get(statement, "options"), strong[i])) {
            judge_add(j, EFFECT_DISRUPTIVE, "creates role %s with rights beyond its own (%s)", name.text, strong[i]);
            return false;
        }
    judge_add(j, EFFECT_ADDITIVE, "creates role %s", name.text);
    return false;
}

/* clang-format off: one line per statement */
#define CREATES(kind, what, ...)                                                                                       \
    {                                                                                                                  \
        .node = kind, .effect = EFFECT_ADDITIVE, .verb = "creates " what, .about = {__VA_ARGS__},                      \
        .flags = RULE_REPLACES                                                                                         \
    }
#define DISRUPTS(kind, what, ...)                                                                                      \
    {                                                                                                                  \
        .node = kind, .effect = EFFECT_DISRUPTIVE, .verb = what, .about = { __VA_ARGS__ }                              \
    }
#define DESTROYS(kind, what, ...)                                                                                      \
    {                                                                                                                  \
        .node = kind, .effect = EFFECT_DESTRUCTIVE, .verb = what, .about = { __VA_ARGS__ }                             \
    }

const rule effect_ddl_rules[] = {
    {.node = "AlterTableStmt", .special = alter_table_rule},
    {.node = "DropStmt", .special = drop_rule},
    {.node = "IndexStmt", .special = create_index_rule},
    {.node = "CreateStmt", .special = create_table_rule},
    {.node = "CreateForeignTableStmt", .special = create_foreign_table_rule},
    {.node = "CreatePolicyStmt", .special = create_policy_rule},
    {.node = "CreateCastStmt", .special = create_cast_rule},
    {.node = "CreateRoleStmt", .special = create_role_rule},
    {.node = "AlterEnumStmt", .special = alter_enum_rule},
    {.node = "AlterDomainStmt", .special = alter_domain_rule},
    {.node = "AlterOpFamilyStmt", .special = alter_family_rule},
    {.node = "AlterTSConfigurationStmt", .special = alter_text_search_rule},
    {.node = "AlterDatabaseStmt", .special = alter_database_rule},
    {.node = "RenameStmt", .special = rename_rule},
    {.node = "GrantStmt", .special = grant_rule},
    {.node = "GrantRoleStmt", .special = grant_role_rule},
    {.node = "AlterDefaultPrivilegesStmt", .special = default_privileges_rule},

    CREATES("ViewStmt", "view", "view"),
    CREATES("CreateFunctionStmt", "function", "funcname"),
    CREATES("DefineStmt", "definition", "defnames"),
    CREATES("CreatePLangStmt", "language", "plname"),
    CREATES("CreateTransformStmt", "a transform for", "type_name"),
    CREATES("CreateSeqStmt", "sequence", "sequence"),
    CREATES("CreateExtensionStmt", "extension", "extname"),
    CREATES("CreateEnumStmt", "type", "typeName"),
    CREATES("CreateRangeStmt", "type", "typeName"),
    CREATES("CompositeTypeStmt", "type", "typevar"),
    CREATES("CreateDomainStmt", "domain", "domainname"),
    CREATES("CreateStatsStmt", "statistics", "defnames"),
    CREATES("CreateFdwStmt", "foreign data wrapper", "fdwname"),
    CREATES("CreateForeignServerStmt", "foreign server", "servername"),
    CREATES("CreateUserMappingStmt", "user mapping for", "user"),
    CREATES("ImportForeignSchemaStmt", "foreign tables of", "remote_schema"),
    CREATES("CreateOpClassStmt", "operator class", "opclassname"),
    CREATES("CreateOpFamilyStmt", "operator family", "opfamilyname"),
    CREATES("CreateConversionStmt", "conversion", "conversion_name"),
    CREATES("CreateAmStmt", "access method", "amname"),
    {.node = "CreateSchemaStmt",
     .effect = EFFECT_ADDITIVE,
     .verb = "creates schema",
     .about = {"schemaname", "authrole"},
     .flags = RULE_INSIDE},
    {.node = "CreatedbStmt",
     .effect = EFFECT_ADDITIVE,
     .verb = "creates database",
     .about = {"dbname"},
     .flags = RULE_ALONE},
    {.node = "CreateTableSpaceStmt",
     .effect = EFFECT_ADDITIVE,
     .verb = "creates tablespace",
     .about = {"tablespacename"},
     .flags = RULE_ALONE},
    {.node = "AlterStatsStmt", .effect = EFFECT_ADDITIVE, .verb = "changes statistics", .about = {"defnames"}},

    DISRUPTS("CreateTrigStmt", "creates a trigger on", "relation"),
    DISRUPTS("RuleStmt", "creates a rule on", "relation"),
    DISRUPTS("CreateEventTrigStmt", "creates event trigger", "trigname"),
    DISRUPTS("CreatePublicationStmt",
             "publishes: changes of tables without a replica identity fail from then on:", "pubname"),
    DISRUPTS("AlterPublicationStmt", "changes publication", "pubname"),
    {.node = "CreateSubscriptionStmt",
     .effect = EFFECT_DISRUPTIVE,
     .verb = "subscribes:",
     .about = {"subname"},
     .flags = RULE_ALONE},
    {.node = "AlterSubscriptionStmt",
     .effect = EFFECT_DISRUPTIVE,
     .verb = "changes subscription",
     .about = {"subname"},
     .flags = RULE_ALONE},
    {.node = "AlterSystemStmt",
     .effect = EFFECT_DISRUPTIVE,
     .verb = "changes the server's settings",
     .flags = RULE_ALONE},
    DISRUPTS("AlterDatabaseSetStmt", "changes settings of database", "dbname"),
    DISRUPTS("AlterDatabaseRefreshCollStmt", "accepts another collation version for database", "dbname"),
    DISRUPTS("AlterRoleSetStmt", "changes settings of role", "role"),
    DISRUPTS("AlterRoleStmt", "changes role", "role"),
    DISRUPTS("ReassignOwnedStmt", "gives away all that belongs to", "roles"),
    DISRUPTS("AlterTableMoveAllStmt", "moves everything out of tablespace", "orig_tablespacename"),
    DISRUPTS("AlterTableSpaceOptionsStmt", "changes tablespace", "tablespacename"),
    DISRUPTS("AlterSeqStmt", "changes sequence", "sequence"),
    DISRUPTS("AlterFunctionStmt", "changes function", "func"),
    DISRUPTS("AlterTypeStmt", "changes type", "typeName"),
    DISRUPTS("AlterOperatorStmt", "changes operator", "opername"),
    DISRUPTS("AlterCollationStmt", "accepts another version of collation", "collname"),
    DISRUPTS("AlterTSDictionaryStmt", "changes text search dictionary", "dictname"),
    DISRUPTS("AlterExtensionStmt", "updates extension", "extname"),
    DISRUPTS("AlterExtensionContentsStmt", "changes what belongs to extension", "extname"),
    DISRUPTS("AlterObjectDependsStmt", "makes depend on an extension:", "relation", "object"),
    DISRUPTS("AlterObjectSchemaStmt", "moves to another schema:", "relation", "object"),
    DISRUPTS("AlterOwnerStmt", "gives to another owner:", "relation", "object"),
    DISRUPTS("AlterPolicyStmt", "changes a policy on", "table"),
    DISRUPTS("AlterEventTrigStmt", "changes event trigger", "trigname"),
    DISRUPTS("AlterFdwStmt", "changes foreign data wrapper", "fdwname"),
    DISRUPTS("AlterForeignServerStmt", "changes foreign server", "servername"),
    DISRUPTS("AlterUserMappingStmt", "changes the user mapping for", "user"),
    DISRUPTS("SecLabelStmt", "labels for security:", "object"),

    DESTROYS("DropRoleStmt", "drops role", "roles"),
    DESTROYS("DropOwnedStmt", "drops all that belongs to", "roles"),
    DESTROYS("DropUserMappingStmt", "drops the user mapping for", "user"),
    {.node = "DropdbStmt",
     .effect = EFFECT_DESTRUCTIVE,
     .verb = "drops database",
     .about = {"dbname"},
     .flags = RULE_ALONE},
    {.node = "DropTableSpaceStmt",
     .effect = EFFECT_DESTRUCTIVE,
     .verb = "drops tablespace",
     .about = {"tablespacename"},
     .flags = RULE_ALONE},
    {.node = "DropSubscriptionStmt",
     .effect = EFFECT_DESTRUCTIVE,
     .verb = "drops subscription",
     .about = {"subname"},
     .flags = RULE_ALONE},
    {.node = NULL},
};
/* clang-format on */
