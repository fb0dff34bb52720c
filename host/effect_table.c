#include "effect_rules.h"

/* ALTER TABLE, which also serves views, indexes, sequences and composite types, one subcommand at a time. Which of them
 * rewrite or read the table under their lock was measured on a server; tests/integration/test_effect_locks.c does it
 * again. */

typedef struct alteration {
    tree command;
    tree object_type; /* OBJECT_TABLE, OBJECT_INDEX ... */
    label name;       /* of what is altered */
} alteration;

typedef struct command_rule {
    const char *subtype;
    effect effect;
    const char *verb;
    void (*special)(judge *j, const alteration *a);
} command_rule;

/* ---- added columns ---- */

/* Types that cannot be a domain, whose checks would read or rewrite the table. */
static const char builtin_types[] = " int2 int4 int8 smallint integer bigint float4 float8 numeric bool text varchar "
                                    "bpchar char name bytea uuid json jsonb xml "
                                    "date time timetz timestamp timestamptz interval inet cidr macaddr macaddr8 money "
                                    "bit varbit point line lseg box path "
                                    "polygon circle tsvector tsquery oid regclass regproc regtype regrole pg_lsn xid8 "
                                    "int4range int8range numrange tsrange "
                                    "tstzrange daterange int4multirange int8multirange nummultirange tsmultirange "
                                    "tstzmultirange datemultirange jsonpath ";
static const char extension_types[] = " citext hstore ltree lquery vector halfvec sparsevec geometry geography cube ";

static bool word_in(const char *words, const char *word)
{
    char spaced[70];
    (void)snprintf(spaced, sizeof spaced, " %.63s ", word); /* a name has at most 63 bytes */
    return word[0] && !strchr(word, ' ') && strstr(words, spaced);
}

static bool type_is_known(tree type)
{
    char name[64] = "", schema[64] = "";
    for (tree part = tree_first(tree_get(type, "names")); part.at; part = tree_next(part)) {
        memcpy(schema, name, sizeof schema);
        tree_text(tree_path(part, "String", "sval"), name, sizeof name);
    }
    bool of_system = !schema[0] || strcmp(schema, "pg_catalog") == 0;
    return (of_system && word_in(builtin_types, name)) || word_in(extension_types, name);
}

static bool type_is_serial(tree type)
{
    static const char *const serials[] = {"serial", "serial4", "bigserial", "serial8", "smallserial", "serial2"};
    label name = label_of(tree_get(type, "names"));
    for (size_t i = 0; i < LB_COUNT(serials); i++)
        if (strcmp(name.text, serials[i]) == 0)
            return true;
    return false;
}

/* Calls nothing but functions that answer the same for every row, and so needs no rewrite. */
static bool is_same_for_all(tree expression)
{
    const char *end = tree_end(expression);
    char key[64];
    tree value;
    for (const char *p = expression.at; tree_next_key(p, end, key, sizeof key, &value); p = value.at)
        if (strcmp(key, "FuncCall") == 0 && !function_is_stable(tree_get(value, "funcname")))
            return false;
    return true;
}

static bool is_null_constant(tree expression)
{
    return tree_true(tree_get(tree_node(expression, "A_Const"), "isnull"));
}

/* Constraints that cost more than a catalogue entry; a default and NOT NULL are weighed together. */
static const struct {
    const char *type, *why;
} costly[] = {
    {"CONSTR_IDENTITY", "every row is numbered under the lock"},
    {"CONSTR_GENERATED", "every row is computed under the lock"},
    {"CONSTR_CHECK", "every row is checked under the lock"},
    {"CONSTR_PRIMARY", "an index is built under the lock"},
    {"CONSTR_UNIQUE", "an index is built under the lock"},
};

static const char *why_costly(tree type)
{
    for (size_t i = 0; i < LB_COUNT(costly); i++)
        if (tree_is(type, costly[i].type))
            return costly[i].why;
    return NULL;
}

static const char *why_column_disrupts(tree column)
{
    bool not_null = false, references = false;
    tree fallback = {NULL};
    for (tree item = tree_first(tree_get(column, "constraints")); item.at; item = tree_next(item)) {
        tree constraint = tree_node(item, "Constraint"), type = tree_get(constraint, "contype");
        const char *why = why_costly(type);
        if (why)
            return why;
        not_null |= tree_is(type, "CONSTR_NOTNULL");
        references |= tree_is(type, "CONSTR_FOREIGN");
        if (tree_is(type, "CONSTR_DEFAULT") && !is_null_constant(tree_get(constraint, "raw_expr")))
            fallback = tree_get(constraint, "raw_expr");
    }
    if (type_is_serial(tree_get(column, "typeName")))
        return "every row is numbered under the lock";
    if (!type_is_known(tree_get(column, "typeName")))
        return "its type may be a domain, whose checks rewrite the table";
    if (!tree_has(fallback))
        return not_null ? "it is NOT NULL without a default" : NULL;
    if (references)
        return "every row is checked against the other table";
    return is_same_for_all(fallback) ? NULL : "its default may differ from row to row, which rewrites the table";
}

static void add_column(judge *j, const alteration *a)
{
    tree column = tree_path(a->command, "def", "ColumnDef");
    label name = label_of(tree_get(column, "colname"));
    const char *why = tree_is(a->object_type, "OBJECT_TYPE") ? "others use the type" : why_column_disrupts(column);
    judge_add(j, why ? EFFECT_DISRUPTIVE : EFFECT_ADDITIVE, "adds column %s to %s%s%s", name.text, a->name.text,
              why ? ": " : "", why ? why : "");
}

/* ---- constraints ---- */

static const char *why_constraint_disrupts(tree constraint)
{
    tree type = tree_get(constraint, "contype");
    bool uses_index = tree_has(tree_get(constraint, "indexname"));
    if (tree_is(type, "CONSTR_CHECK") || tree_is(type, "CONSTR_FOREIGN"))
        return tree_true(tree_get(constraint, "skip_validation")) ? NULL : "every row is checked under the lock";
    if (tree_is(type, "CONSTR_UNIQUE"))
        return uses_index ? NULL : "an index is built under the lock";
    if (tree_is(type, "CONSTR_PRIMARY") && uses_index)
        return "rows are searched for NULLs under the lock unless its columns are NOT NULL";
    return "an index is built under the lock";
}

static void add_constraint(judge *j, const alteration *a)
{
    tree constraint = tree_path(a->command, "def", "Constraint");
    const char *why = why_constraint_disrupts(constraint);
    label name = label_of(tree_get(constraint, "conname"));
    judge_add(j, why ? EFFECT_DISRUPTIVE : EFFECT_ADDITIVE, "adds %s%s to %s%s%s",
              name.text[0] ? "constraint " : "a constraint", name.text, a->name.text, why ? ": " : "", why ? why : "");
}

/* ---- the rest ---- */

static void set_default(judge *j, const alteration *a)
{
    bool sets = tree_has(tree_get(a->command, "def"));
    judge_add(j, sets ? EFFECT_ADDITIVE : EFFECT_DISRUPTIVE, "%s the default of column %s of %s",
              sets ? "sets" : "drops", label_of(tree_get(a->command, "name")).text, a->name.text);
}

/* Storage and upkeep; what changes how an object answers is not among them. */
static bool is_storage_option(const char *name)
{
    static const char *const words =
        " fillfactor toast_tuple_target parallel_workers vacuum_index_cleanup vacuum_truncate "
        "log_autovacuum_min_duration "
        "fastupdate gin_pending_list_limit deduplicate_items buffering pages_per_range autosummarize ";
    return strncmp(name, "autovacuum_", 11) == 0 || word_in(words, name);
}

/* Written out as on; anything else may be a way to say off. */
static bool is_plainly_on(tree value)
{
    static const char *const words[] = {"true", "on", "yes", "1"};
    label text = label_of(value);
    for (size_t i = 0; i < LB_COUNT(words); i++)
        if (strcasecmp(text.text, words[i]) == 0)
            return true;
    return !tree_has(value);
}

static void set_option(judge *j, const alteration *a, tree option, bool resets)
{
    label name = label_of(tree_get(option, "defname"));
    if (!resets && strcmp(name.text, "autovacuum_enabled") == 0 && !is_plainly_on(tree_get(option, "arg")))
        judge_add(j, EFFECT_DISRUPTIVE, "turns autovacuum off for %s", a->name.text);
    else
        judge_add(j, is_storage_option(name.text) ? EFFECT_ADDITIVE : EFFECT_DISRUPTIVE, "%s %s of %s",
                  resets ? "resets" : "sets", name.text, a->name.text);
}

static void set_options(judge *j, const alteration *a)
{
    tree options = tree_path(tree_get(a->command, "def"), "List", "items");
    bool resets = tree_is(tree_get(a->command, "subtype"), "AT_ResetRelOptions");
    for (tree item = tree_first(options); item.at; item = tree_next(item))
        set_option(j, a, tree_node(item, "DefElem"), resets);
}

/* An index takes the partition's index in at once; a table checks the rows. */
static void attach_partition(judge *j, const alteration *a)
{
    label part = label_of_range(tree_get(tree_path(a->command, "def", "PartitionCmd"), "name"));
    bool index = tree_is(a->object_type, "OBJECT_INDEX");
    judge_add(j, index ? EFFECT_ADDITIVE : EFFECT_DISRUPTIVE, "attaches partition %s to %s", part.text, a->name.text);
}

/* CONCURRENTLY spares the lock, but the parent's readers miss the rows all the same. */
static void detach_partition(judge *j, const alteration *a)
{
    tree partition = tree_path(a->command, "def", "PartitionCmd");
    if (tree_true(tree_get(partition, "concurrent")))
        j->verdict.in_transaction = false;
    judge_add(j, EFFECT_DISRUPTIVE, "detaches partition %s from %s", label_of_range(tree_get(partition, "name")).text,
              a->name.text);
}

static void move_storage(judge *j, const alteration *a)
{
    bool method = tree_is(tree_get(a->command, "subtype"), "AT_SetAccessMethod");
    judge_add(j, EFFECT_DISRUPTIVE, "rewrites %s into %s %s", a->name.text, method ? "access method" : "tablespace",
              label_of(tree_get(a->command, "name")).text);
}

static const command_rule commands[] = {
    {"AT_AddColumn", EFFECT_ADDITIVE, NULL, add_column},
    {"AT_AddConstraint", EFFECT_ADDITIVE, NULL, add_constraint},
    {"AT_ColumnDefault", EFFECT_ADDITIVE, NULL, set_default},
    {"AT_SetRelOptions", EFFECT_ADDITIVE, NULL, set_options},
    {"AT_ResetRelOptions", EFFECT_ADDITIVE, NULL, set_options},
    {"AT_AttachPartition", EFFECT_DISRUPTIVE, NULL, attach_partition},
    {"AT_DetachPartition", EFFECT_DISRUPTIVE, NULL, detach_partition},
    {"AT_DetachPartitionFinalize", EFFECT_DISRUPTIVE, NULL, detach_partition},

    {"AT_ValidateConstraint", EFFECT_ADDITIVE, "validates constraint", NULL},
    {"AT_SetStatistics", EFFECT_ADDITIVE, "sets the statistics target of column", NULL},
    {"AT_SetOptions", EFFECT_ADDITIVE, "sets options of column", NULL},
    {"AT_ResetOptions", EFFECT_ADDITIVE, "resets options of column", NULL},
    {"AT_SetStorage", EFFECT_ADDITIVE, "sets the storage of column", NULL},
    {"AT_SetCompression", EFFECT_ADDITIVE, "sets the compression of column", NULL},
    {"AT_ClusterOn", EFFECT_ADDITIVE, "marks for CLUSTER the index", NULL},
    {"AT_DropCluster", EFFECT_ADDITIVE, "removes the mark for CLUSTER from", NULL},
    {"AT_DropOids", EFFECT_ADDITIVE, "removes nothing (WITHOUT OIDS) from", NULL},
    {"AT_AddIdentity", EFFECT_ADDITIVE, "adds identity to column", NULL},

    {"AT_SetNotNull", EFFECT_DISRUPTIVE, "checks every row under the lock for NULLs in column", NULL},
    {"AT_DropNotNull", EFFECT_DISRUPTIVE, "allows NULLs in column", NULL},
    {"AT_SetExpression", EFFECT_DISRUPTIVE, "rewrites the table for generated column", NULL},
    {"AT_SetIdentity", EFFECT_DISRUPTIVE, "changes the identity of column", NULL},
    {"AT_AlterConstraint", EFFECT_DISRUPTIVE, "changes a constraint of", NULL},
    {"AT_AlterColumnGenericOptions", EFFECT_DISRUPTIVE, "changes options of foreign column", NULL},
    {"AT_GenericOptions", EFFECT_DISRUPTIVE, "changes options of foreign table", NULL},
    {"AT_ChangeOwner", EFFECT_DISRUPTIVE, "gives to another owner:", NULL},
    {"AT_SetLogged", EFFECT_DISRUPTIVE, "rewrites as logged", NULL},
    {"AT_SetAccessMethod", EFFECT_DISRUPTIVE, NULL, move_storage},
    {"AT_SetTableSpace", EFFECT_DISRUPTIVE, NULL, move_storage},
    {"AT_EnableTrig", EFFECT_DISRUPTIVE, "enables trigger", NULL},
    {"AT_EnableAlwaysTrig", EFFECT_DISRUPTIVE, "enables always trigger", NULL},
    {"AT_EnableReplicaTrig", EFFECT_DISRUPTIVE, "enables for replicas trigger", NULL},
    {"AT_DisableTrig", EFFECT_DISRUPTIVE, "disables trigger", NULL},
    {"AT_EnableTrigAll", EFFECT_DISRUPTIVE, "enables all triggers of", NULL},
    {"AT_DisableTrigAll", EFFECT_DISRUPTIVE, "disables all triggers and foreign keys of", NULL},
    {"AT_EnableTrigUser", EFFECT_DISRUPTIVE, "enables the user triggers of", NULL},
    {"AT_DisableTrigUser", EFFECT_DISRUPTIVE, "disables the user triggers of", NULL},
    {"AT_EnableRule", EFFECT_DISRUPTIVE, "enables rule", NULL},
    {"AT_EnableAlwaysRule", EFFECT_DISRUPTIVE, "enables always rule", NULL},
    {"AT_EnableReplicaRule", EFFECT_DISRUPTIVE, "enables for replicas rule", NULL},
    {"AT_DisableRule", EFFECT_DISRUPTIVE, "disables rule", NULL},
    {"AT_AddInherit", EFFECT_DISRUPTIVE, "makes inherit from another table:", NULL},
    {"AT_DropInherit", EFFECT_DISRUPTIVE, "stops inheriting from another table:", NULL},
    {"AT_AddOf", EFFECT_DISRUPTIVE, "binds to a type:", NULL},
    {"AT_DropOf", EFFECT_DISRUPTIVE, "unbinds from its type:", NULL},
    {"AT_ReplicaIdentity", EFFECT_DISRUPTIVE, "changes the replica identity of", NULL},
    {"AT_EnableRowSecurity", EFFECT_DISRUPTIVE, "enables row security on", NULL},
    {"AT_DisableRowSecurity", EFFECT_DISRUPTIVE, "disables row security, so that policies hide nothing, on", NULL},
    {"AT_ForceRowSecurity", EFFECT_DISRUPTIVE, "forces row security on the owner of", NULL},
    {"AT_NoForceRowSecurity", EFFECT_DISRUPTIVE, "frees from row security the owner of", NULL},

    {"AT_DropColumn", EFFECT_DESTRUCTIVE, "drops column", NULL},
    {"AT_DropConstraint", EFFECT_DESTRUCTIVE, "drops constraint", NULL},
    {"AT_DropIdentity", EFFECT_DESTRUCTIVE, "drops the identity of column", NULL},
    {"AT_DropExpression", EFFECT_DESTRUCTIVE, "drops the expression of generated column", NULL},
    {"AT_AlterColumnType", EFFECT_DESTRUCTIVE, "changes the type, which may lose data, of column", NULL},
    {"AT_SetUnLogged", EFFECT_DESTRUCTIVE, "rewrites as unlogged, so that a crash or a branch empties it:", NULL},
};

static void judge_command(judge *j, const alteration *a)
{
    tree subtype = tree_get(a->command, "subtype");
    for (size_t i = 0; i < LB_COUNT(commands); i++) {
        const command_rule *r = &commands[i];
        if (!tree_is(subtype, r->subtype))
            continue;
        if (r->special) {
            r->special(j, a);
            return;
        }
        label part = label_of(tree_get(a->command, "name"));
        judge_add(j, r->effect, "%s %s%s%s", r->verb, part.text, part.text[0] ? " of " : "", a->name.text);
        return;
    }
    judge_add(j, EFFECT_DESTRUCTIVE, "not understood: ALTER TABLE %s on %s", label_of(subtype).text, a->name.text);
}

bool alter_table_rule(judge *j, tree statement)
{
    tree table = tree_get(statement, "relation");
    alteration a = {.object_type = tree_get(statement, "objtype"), .name = label_of_range(table)};
    if (is_catalogue(table))
        judge_add(j, EFFECT_DESTRUCTIVE, "changes the system catalogue: %s", a.name.text);
    for (tree item = tree_first(tree_get(statement, "cmds")); item.at; item = tree_next(item)) {
        a.command = tree_node(item, "AlterTableCmd");
        judge_command(j, &a);
    }
    return false;
}
