/* ALTER TABLE and its relatives, subcommand by subcommand. */
#include "judge_internal.h"

typedef struct alteration {
    tree command, def;
    label table, part; /* part: column, constraint, trigger */
    bool is_new;
    tree kind; /* OBJECT_TABLE ... */
} alteration;

typedef struct command {
    const char *subtype;
    judge_lock lock;
    int rule; /* or NONE */
    bool scans, rewrites;
    void (*special)(judging *j, const alteration *a);
} command;

#define NONE (-1)
#define AE   LOCK_ACCESS_EXCLUSIVE
#define SUE  LOCK_SHARE_UPDATE_EXCLUSIVE
#define SRE  LOCK_SHARE_ROW_EXCLUSIVE

static const char *part_name(judging *j, const alteration *a)
{
    return a->part.text[0] ? judging_printf(j, "%s.%s", a->table.text, a->part.text) : a->table.text;
}

/* Nobody waits for a table that only this transaction knows. */
static void endangers(judging *j, const alteration *a, judge_rule_id id, const char *rewrite)
{
    if (!a->is_new || judge_rule_of(id)->severity >= JUDGE_BREAKING)
        judging_hazard(j, id, part_name(j, a), rewrite);
}

/* ---- columns ---- */

static void add_column(judging *j, const alteration *a)
{
    tree column = tree_node(a->def, "ColumnDef");
    label name = label_of(tree_get(column, "colname"));
    if (!tree_true(tree_get(a->command, "missing_ok")))
        judging_not_idempotent(j, judging_printf(j, "%s.%s", a->table.text, name.text),
                               judging_insert(j, "ADD COLUMN", "IF NOT EXISTS"));
    judge_column(j, column, a->table.text, a->is_new);
    if (!tree_true(tree_get(a->command, "missing_ok")))
        judge_note_type(j, a->table.text, name.text, tree_get(column, "typeName"));
}

static void drop_column(judging *j, const alteration *a)
{
    judge_forget_type(j, a->table.text, a->part.text);
    if (!tree_true(tree_get(a->command, "missing_ok")))
        judging_bare_drop(j, part_name(j, a), judging_insert(j, "DROP COLUMN", "IF EXISTS"));
    endangers(j, a, JUDGE_COLUMN_DROP, NULL);
    if (tree_is(tree_get(a->command, "behavior"), "DROP_CASCADE"))
        judging_hazard(j, JUDGE_CASCADE, part_name(j, a), NULL);
}

static void set_default(judging *j, const alteration *a)
{
    if (!tree_has(a->def))
        endangers(j, a, JUDGE_DEFAULT_DROP, NULL);
    else if (judge_is_unstable(a->def))
        endangers(j, a, JUDGE_DEFAULT_SET,
                  "each row that comes gets a value of its own, and those that are there none: where they are to have "
                  "one too, -- lbops:batches and UPDATE ... SET column = DEFAULT WHERE ... behind it");
    else
        endangers(j, a, JUDGE_DEFAULT_SET, NULL);
}

/* A validated CHECK, of the file or of the catalogue: the server sees it and reads no row. */
static bool is_proven(judging *j, const alteration *a)
{
    const char *column = part_name(j, a), *by = NULL;
    const fact *proof = judging_find(j, FACT_NOT_NULL, column);
    if (proof && judging_find(j, FACT_VALIDATED, proof->extra))
        by = proof->extra;
    for (size_t i = 0; j->there && i < j->there->proof_count && !judging_find(j, FACT_TAKEN, a->table.text); i++)
        if (strcmp(j->there->proofs[i].column, column) == 0)
            by = j->there->proofs[i].constraint;
    return by && !judging_find(j, FACT_DROPPED, judging_printf(j, "constraint %s", by));
}

static void set_not_null(judging *j, const alteration *a)
{
    judging_fact(j, FACT_SOLID, part_name(j, a), NULL);
    if (is_proven(j, a))
        return;
    if (!a->is_new)
        j->now->scans = true;
    endangers(j, a, JUDGE_SET_NOT_NULL, NULL);
}

/* A view or key that the file has made; of those that were there before the catalogue knows. */
static void change_type(judging *j, const alteration *a)
{
    const char *view = judge_view_of(j, a->table.text, a->part.text);
    tree column = tree_node(a->def, "ColumnDef");
    bool stays = judge_stays_as_stored(j, column, a->table.text, a->part.text),
         works = !stays && !a->is_new && !j->in_body;
    endangers(j, a, stays ? JUDGE_COLUMN_TYPE_STAYS : JUDGE_COLUMN_TYPE, NULL);
    j->now->scans |= works;
    j->now->rewrites |= works;
    if (view)
        judging_hazard(
            j, JUDGE_COLUMN_TYPE_USED, part_name(j, a),
            judging_printf(j, "drop the view %s before, and create it again behind, both in the same file", view));
    if (!a->is_new)
        judge_new_type(j, column, a->table.text, a->part.text);
    judge_note_type(j, a->table.text, a->part.text, tree_get(column, "typeName"));
    if (judge_is_referred_to(j, a->table.text, a->part.text))
        endangers(j, a, JUDGE_COLUMN_TYPE_KEY, NULL);
}

static void add_identity(judging *j, const alteration *a)
{
    judging_not_idempotent(j, part_name(j, a), judging_catch(j, "object_not_in_prerequisite_state"));
}

static void drop_property(judging *j, const alteration *a)
{
    if (!tree_true(tree_get(a->command, "missing_ok")))
        judging_bare_drop(j, part_name(j, a),
                          tree_is(tree_get(a->command, "subtype"), "AT_DropIdentity")
                              ? judging_insert(j, "DROP IDENTITY", "IF EXISTS")
                              : judging_insert(j, "DROP EXPRESSION", "IF EXISTS"));
    endangers(j, a, JUDGE_COLUMN_UNFOLD, NULL);
}

static void set_expression(judging *j, const alteration *a)
{
    judging_needs(j, 17, "SET EXPRESSION");
    endangers(j, a, JUDGE_COLUMN_EXPRESSION, NULL);
}

/* ---- constraints ---- */

static void note_not_null(judging *j, const alteration *a, tree expression, const char *constraint)
{
    tree test = tree_node(expression, "NullTest"), column = tree_path(tree_get(test, "arg"), "ColumnRef", "fields");
    if (tree_is(tree_get(test, "nulltesttype"), "IS_NOT_NULL"))
        judging_fact(j, FACT_NOT_NULL, judging_printf(j, "%s.%s", a->table.text, label_of(column).text), constraint);
}

static void check_constraint(judging *j, const alteration *a, tree constraint, const char *name)
{
    bool deferred = tree_true(tree_get(constraint, "skip_validation"));
    tree expression = tree_get(constraint, "raw_expr");
    note_not_null(j, a, expression, name);
    judge_note_check(j, a->table.text, name, expression);
    if (judge_is_unstable(expression))
        judging_hazard(j, JUDGE_CHECK_UNSTABLE, name, NULL);
    if (deferred) {
        judging_fact(j, FACT_NOT_VALID, name, NULL);
        return;
    }
    judging_fact(j, FACT_VALIDATED, name, NULL);
    j->now->scans |= !a->is_new && !j->in_body;
    endangers(j, a, JUDGE_CHECK_VALID,
              judging_printf(j, "%s NOT VALID; ALTER TABLE %s VALIDATE CONSTRAINT %s", j->source, a->table.text,
                             label_of(tree_get(constraint, "conname")).text));
}

static void foreign_key(judging *j, const alteration *a, tree constraint, const char *name)
{
    judge_on_delete(j, constraint, name);
    if (tree_true(tree_get(constraint, "skip_validation"))) {
        judging_fact(j, FACT_NOT_VALID, name, NULL);
        return;
    }
    j->now->scans |= !a->is_new && !j->in_body;
    endangers(j, a, JUDGE_FK_VALID,
              judging_printf(j, "%s NOT VALID; ALTER TABLE %s VALIDATE CONSTRAINT %s", j->source, a->table.text,
                             label_of(tree_get(constraint, "conname")).text));
}

static void take_index(judging *j, const alteration *a, tree constraint, const char *name)
{
    label index = label_of(tree_get(constraint, "indexname"));
    if (a->is_new || !tree_is(tree_get(constraint, "contype"), "CONSTR_PRIMARY") ||
        judge_has_no_nulls(j, a->table.text, index.text))
        return;
    j->now->scans |= !j->in_body;
    judging_hazard(j, JUDGE_PRIMARY_KEY_NULLS, name, NULL);
}

/* PRIMARY KEY, UNIQUE and EXCLUDE: an index is built under the lock, or one that is there is taken. */
static void indexed_constraint(judging *j, const alteration *a, tree constraint, const char *name)
{
    tree type = tree_get(constraint, "contype");
    if (tree_has(tree_get(constraint, "indexname"))) {
        take_index(j, a, constraint, name);
        return;
    }
    j->now->scans |= !a->is_new && !j->in_body;
    endangers(j, a,
              tree_is(type, "CONSTR_PRIMARY")  ? JUDGE_PRIMARY_KEY_BUILDS
              : tree_is(type, "CONSTR_UNIQUE") ? JUDGE_UNIQUE_BUILDS
                                               : JUDGE_EXCLUDE_ADD,
              NULL);
}

static bool was_dropped(const judging *j, const char *name)
{
    return judging_find(j, FACT_DROPPED, name) != NULL;
}

static void add_constraint(judging *j, const alteration *a)
{
    tree constraint = tree_node(a->def, "Constraint"), type = tree_get(constraint, "contype");
    label own = label_of(tree_get(constraint, "conname"));
    const char *name = judging_printf(j, "%s.%s", a->table.text, own.text);
    const char *looks =
        judging_printf(j, "NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '%s'::regclass AND conname = '%s')",
                       a->table.text, own.text);
    if (!was_dropped(j, judging_printf(j, "constraint %s", name)))
        judging_not_idempotent(
            j, name, own.text[0] ? judging_if(j, looks) : "give the constraint a name, and look for it first");
    if (tree_is(type, "CONSTR_CHECK"))
        check_constraint(j, a, constraint, name);
    else if (tree_is(type, "CONSTR_FOREIGN"))
        foreign_key(j, a, constraint, name);
    else
        indexed_constraint(j, a, constraint, name);
    judge_key(j, constraint, a->table.text, "");
    judge_reference(j, constraint, a->table.text, "");
    if (tree_is(type, "CONSTR_FOREIGN"))
        judging_lock(j, SRE, a->table.text);
    else
        judging_lock(j, AE, a->table.text);
}

static void validate(judging *j, const alteration *a)
{
    const char *name = part_name(j, a);
    const fact *added = judging_find(j, FACT_NOT_VALID, name);
    if (added && added->statement == j->number)
        judging_hazard(j, JUDGE_VALIDATE_TOGETHER, name, NULL);
    judging_fact(j, FACT_VALIDATED, name, NULL);
    j->now->scans |= !a->is_new && !j->in_body;
}

/* As the server names it where nobody does; of another name the catalogue knows. */
static bool is_named_as_primary(const alteration *a)
{
    const char *dot = strrchr(a->table.text, '.'), *table = dot ? dot + 1 : a->table.text;
    size_t length = strlen(table);
    return strncmp(a->part.text, table, length) == 0 && strcmp(a->part.text + length, "_pkey") == 0;
}

static void drop_constraint(judging *j, const alteration *a)
{
    const char *name = part_name(j, a);
    if (!tree_true(tree_get(a->command, "missing_ok")))
        judging_bare_drop(j, name, judging_insert(j, "DROP CONSTRAINT", "IF EXISTS"));
    judging_fact(j, FACT_DROPPED, judging_printf(j, "constraint %s", name), NULL);
    if (!judging_find(j, FACT_NOT_VALID, name) && !judging_find(j, FACT_VALIDATED, name))
        endangers(j, a, JUDGE_CONSTRAINT_DROP, NULL);
    if (tree_is(tree_get(a->command, "behavior"), "DROP_CASCADE"))
        judging_hazard(j, JUDGE_CASCADE, name, NULL);
    if (!a->is_new && is_named_as_primary(a))
        judging_fact(j, FACT_KEY_DROPPED, a->table.text, name);
}

/* ---- partitions, storage, security ---- */

static void attach(judging *j, const alteration *a)
{
    label part = label_of_range(tree_get(tree_node(a->def, "PartitionCmd"), "name"));
    judging_not_idempotent(
        j, part.text,
        judging_if(
            j, judging_printf(j, "NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = '%s'::regclass)", part.text)));
    if (tree_is(a->kind, "OBJECT_INDEX"))
        return;
    judging_fact(j, FACT_PARTITIONED, a->table.text, NULL);
    judging_fact(j, FACT_PARTITION, part.text, a->table.text);
    j->now->scans = true;
    if (!judging_is_new(j, part.text))
        judging_hazard(j, JUDGE_ATTACH_PARTITION, part.text, NULL);
}

static void detach(judging *j, const alteration *a)
{
    tree partition = tree_node(a->def, "PartitionCmd");
    label part = label_of_range(tree_get(partition, "name"));
    bool concurrent = tree_true(tree_get(partition, "concurrent"));
    judging_lock(j, concurrent ? SUE : AE, a->table.text);
    judging_fact(j, FACT_PARTITIONED, a->table.text, NULL);
    judging_fact(j, FACT_DETACHED, part.text, NULL);
    if (!concurrent) {
        judging_not_idempotent(
            j, part.text,
            judging_if(
                j, judging_printf(j, "EXISTS (SELECT FROM pg_inherits WHERE inhrelid = '%s'::regclass)", part.text)));
        judging_hazard(j, JUDGE_DETACH_PARTITION, part.text, NULL);
    }
}

static void secure(judging *j, const alteration *a)
{
    judging_fact(j, FACT_SECURED, a->table.text, NULL);
    endangers(j, a, JUDGE_ROW_SECURITY, NULL);
}

static void set_access_method(judging *j, const alteration *a)
{
    if (!a->part.text[0])
        judging_needs(j, 17, "SET ACCESS METHOD DEFAULT");
    endangers(j, a, JUDGE_TABLE_MOVE, NULL);
}

static void set_storage(judging *j, const alteration *a)
{
    if (tree_is(tree_path(a->def, "String", "sval"), "default"))
        judging_needs(j, 16, "SET STORAGE DEFAULT");
}

static void set_options(judging *j, const alteration *a)
{
    static const char *const strong[] = {"fastupdate", "user_catalog_table", "security_invoker", "security_barrier",
                                         "check_option"};
    tree options = tree_path(a->def, "List", "items");
    bool is_strong = tree_is(a->kind, "OBJECT_VIEW");
    for (size_t i = 0; i < LB_COUNT(strong); i++)
        is_strong = is_strong || tree_has(option_get(options, strong[i]));
    judging_lock(j, is_strong ? AE : SUE, a->table.text);
    if (option_is_on(options, "security_invoker") && tree_is(tree_get(a->command, "subtype"), "AT_SetRelOptions"))
        judging_fact(j, FACT_INVOKER, a->table.text, NULL);
}

static const command commands[] = {
    {"AT_AddColumn", AE, NONE, false, false, add_column},
    {"AT_DropColumn", AE, NONE, false, false, drop_column},
    {"AT_ColumnDefault", AE, NONE, false, false, set_default},
    {"AT_SetNotNull", AE, NONE, false, false, set_not_null},
    {"AT_DropNotNull", AE, JUDGE_DROP_NOT_NULL, false, false, NULL},
    {"AT_AlterColumnType", AE, NONE, false, false, change_type},
    {"AT_AddIdentity", AE, NONE, false, false, add_identity},
    {"AT_DropIdentity", AE, NONE, false, false, drop_property},
    {"AT_DropExpression", AE, NONE, false, false, drop_property},
    {"AT_SetExpression", AE, NONE, true, true, set_expression},
    {"AT_SetStatistics", SUE, NONE, false, false, NULL},
    {"AT_SetOptions", SUE, NONE, false, false, NULL},
    {"AT_ResetOptions", SUE, NONE, false, false, NULL},
    {"AT_SetStorage", AE, NONE, false, false, set_storage},
    {"AT_SetCompression", AE, NONE, false, false, NULL},
    {"AT_AddConstraint", LOCK_NONE, NONE, false, false, add_constraint},
    {"AT_ValidateConstraint", SUE, NONE, false, false, validate},
    {"AT_DropConstraint", AE, NONE, false, false, drop_constraint},
    {"AT_AttachPartition", SUE, NONE, false, false, attach},
    {"AT_DetachPartition", LOCK_NONE, NONE, false, false, detach},
    {"AT_DetachPartitionFinalize", SUE, NONE, false, false, NULL},
    {"AT_SetRelOptions", LOCK_NONE, NONE, false, false, set_options},
    {"AT_ResetRelOptions", LOCK_NONE, NONE, false, false, set_options},
    {"AT_ClusterOn", SUE, NONE, false, false, NULL},
    {"AT_DropCluster", SUE, NONE, false, false, NULL},
    {"AT_SetLogged", AE, JUDGE_TABLE_LOGGED, true, true, NULL},
    {"AT_SetUnLogged", AE, JUDGE_TABLE_UNLOGGED, true, true, NULL},
    {"AT_SetAccessMethod", AE, NONE, true, true, set_access_method},
    {"AT_SetTableSpace", AE, JUDGE_TABLE_MOVE, true, true, NULL},
    {"AT_ReplicaIdentity", AE, JUDGE_REPLICA_IDENTITY, false, false, NULL},
    {"AT_EnableTrig", SRE, NONE, false, false, NULL},
    {"AT_EnableTrigAll", SRE, NONE, false, false, NULL},
    {"AT_EnableTrigUser", SRE, NONE, false, false, NULL},
    {"AT_EnableAlwaysTrig", SRE, NONE, false, false, NULL},
    {"AT_EnableReplicaTrig", SRE, NONE, false, false, NULL},
    {"AT_DisableTrig", SRE, JUDGE_TRIGGER_DISABLE, false, false, NULL},
    {"AT_DisableTrigAll", SRE, JUDGE_TRIGGER_DISABLE, false, false, NULL},
    {"AT_DisableTrigUser", SRE, JUDGE_TRIGGER_DISABLE, false, false, NULL},
    {"AT_DisableRule", AE, JUDGE_TRIGGER_DISABLE, false, false, NULL},
    {"AT_EnableRowSecurity", AE, NONE, false, false, secure},
    {"AT_ForceRowSecurity", AE, JUDGE_ROW_SECURITY, false, false, NULL},
    {"AT_DisableRowSecurity", AE, JUDGE_ROW_SECURITY_OFF, false, false, NULL},
    {"AT_NoForceRowSecurity", AE, JUDGE_ROW_SECURITY_OFF, false, false, NULL},
    {"AT_ChangeOwner", AE, JUDGE_OWNER_CHANGE, false, false, NULL},
};

static void judge_command(judging *j, alteration *a, tree item)
{
    const command *found = NULL;
    a->command = tree_node(item, "AlterTableCmd");
    a->def = tree_get(a->command, "def");
    a->part = label_of(tree_get(a->command, "name"));
    for (size_t i = 0; i < LB_COUNT(commands) && !found; i++)
        found = tree_is(tree_get(a->command, "subtype"), commands[i].subtype) ? &commands[i] : NULL;
    if (!found) {
        judging_lock(j, AE, a->table.text);
        return;
    }
    judging_lock(j, found->lock, a->table.text);
    if (found->rule != NONE)
        endangers(j, a, (judge_rule_id)found->rule, NULL);
    if (!a->is_new && !j->in_body) {
        j->now->scans |= found->scans;
        j->now->rewrites |= found->rewrites;
    }
    if (found->special)
        found->special(j, a);
}

/* What is done to a partitioned table is done to each partition, but for what is its own: rights, names, policies. */
static const struct {
    const char *subtype;
    int since; /* this server */
} going_on[] = {
    {"AT_AddColumn", 0},     {"AT_DropColumn", 0},      {"AT_ColumnDefault", 0}, {"AT_SetNotNull", 0},
    {"AT_DropNotNull", 0},   {"AT_AlterColumnType", 0}, {"AT_SetExpression", 0}, {"AT_DropExpression", 0},
    {"AT_SetStorage", 0},    {"AT_DropConstraint", 0},  {"AT_AddIdentity", 17},  {"AT_SetIdentity", 17},
    {"AT_DropIdentity", 17},
};

static bool goes_on(const judging *j, tree one)
{
    tree subtype = tree_get(one, "subtype");
    if (tree_is(subtype, "AT_AddConstraint"))
        return tree_is(tree_path(tree_get(one, "def"), "Constraint", "contype"), "CONSTR_CHECK");
    for (size_t i = 0; i < LB_COUNT(going_on); i++)
        if (tree_is(subtype, going_on[i].subtype))
            return j->server >= going_on[i].since;
    return false;
}

static bool goes_on_to_partitions(const judging *j, tree commands_of)
{
    for (tree item = tree_first(commands_of); item.at; item = tree_next(item))
        if (goes_on(j, tree_node(item, "AlterTableCmd")))
            return true;
    return false;
}

static void lock_partitions(judging *j, tree s, const alteration *a)
{
    bool is_strong = j->now->lock == AE && strcmp(j->now->lock_on, a->table.text) == 0;
    if (!is_strong || a->is_new || j->in_body || !tree_is(a->kind, "OBJECT_TABLE") ||
        !tree_true(tree_path(s, "relation", "inh")) || !goes_on_to_partitions(j, tree_get(s, "cmds")))
        return;
    j->now->with_partitions = true;
    if (judging_find(j, FACT_PARTITIONED, a->table.text))
        judging_hazard(j, JUDGE_PARTITIONS_LOCKED, a->table.text, NULL);
}

static size_t count_foreign(tree commands_of)
{
    size_t count = 0;
    for (tree item = tree_first(commands_of); item.at; item = tree_next(item))
        count += tree_is(tree_path(tree_path(item, "AlterTableCmd", "def"), "Constraint", "contype"), "CONSTR_FOREIGN");
    return count;
}

/* A validation is to stand in a statement of its own, and what follows it leans on it. */
static size_t count_validations(tree commands_of)
{
    size_t count = 0;
    for (tree item = tree_first(commands_of); item.at; item = tree_next(item))
        count += tree_is(tree_path(item, "AlterTableCmd", "subtype"), "AT_ValidateConstraint");
    return count;
}

bool judge_table_statement(judging *j, const char *kind, tree s)
{
    if (strcmp(kind, "AlterTableStmt") != 0)
        return false;
    tree range = tree_get(s, "relation");
    alteration a = {.table = label_of_range(range), .kind = tree_get(s, "objtype")};
    a.is_new = judging_is_new(j, a.table.text);
    if (!tree_has(tree_get(range, "schemaname")))
        judging_hazard(j, JUDGE_UNQUALIFIED, a.table.text, NULL);
    if (is_catalogue(range))
        judging_hazard(j, JUDGE_CATALOGUE, a.table.text, NULL);
    const fact *before = judging_find(j, FACT_ALTERED, a.table.text);
    bool only_validates = count_validations(tree_get(s, "cmds")) == tree_count(tree_get(s, "cmds"));
    if (before && before->statement + 1 == j->number && !a.is_new && !j->in_block && !only_validates)
        judging_hazard(j, JUDGE_ALTERS_REPEATED, a.table.text, NULL);
    if (count_foreign(tree_get(s, "cmds")) > 1)
        judging_hazard(j, JUDGE_FK_SEVERAL, a.table.text, NULL);
    for (tree item = tree_first(tree_get(s, "cmds")); item.at; item = tree_next(item))
        judge_command(j, &a, item);
    lock_partitions(j, s, &a);
    if (!only_validates)
        judging_fact(j, FACT_ALTERED, a.table.text, NULL);
    return true;
}
