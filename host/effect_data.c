#include "effect_rules.h"

/* Statements about rows, sessions and upkeep. */

bool is_catalogue(tree range)
{
    char schema[64], table[64];
    tree_text(tree_get(range, "schemaname"), schema, sizeof schema);
    tree_text(tree_get(range, "relname"), table, sizeof table);
    if (schema[0])
        return strcmp(schema, "pg_catalog") == 0 || strcmp(schema, "pg_toast") == 0 ||
               strcmp(schema, "information_schema") == 0;
    return strncmp(table, "pg_", 3) == 0; /* found in pg_catalog before any other schema */
}

tree option_get(tree options, const char *name)
{
    for (tree item = tree_first(options); item.at; item = tree_next(item)) {
        tree option = tree_node(item, "DefElem");
        if (tree_is(tree_get(option, "defname"), name))
            return option;
    }
    return (tree){NULL};
}

static bool is_off(tree value)
{
    static const char *const words[] = {"false", "off", "no", "0", "f", "n"};
    char text[16] = "true";
    if (tree_has(tree_node(value, "String")))
        tree_text(tree_path(value, "String", "sval"), text, sizeof text);
    else if (tree_has(tree_node(value, "Integer")))
        (void)snprintf(text, sizeof text, "%d", tree_has(tree_path(value, "Integer", "ival"))); /* zero is left out */
    else if (tree_has(tree_node(value, "Boolean")))
        return !tree_true(tree_path(value, "Boolean", "boolval"));
    for (size_t i = 0; i < LB_COUNT(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

bool option_is_on(tree options, const char *name)
{
    for (tree item = tree_first(options); item.at; item = tree_next(item)) {
        tree option = tree_node(item, "DefElem");
        if (tree_is(tree_get(option, "defname"), name) && !is_off(tree_get(option, "arg")))
            return true;
    }
    return false;
}

/* ---- conditions that hold for every row ---- */

static bool is_true_constant(tree expression)
{
    tree constant = tree_node(expression, "A_Const");
    return tree_true(tree_path(constant, "boolval", "boolval"));
}

/* 1 = 1, id = id */
static bool is_self_equality(tree expression)
{
    tree comparison = tree_node(expression, "A_Expr");
    if (!tree_is(tree_get(comparison, "kind"), "AEXPR_OP"))
        return false;
    return strcmp(label_of(tree_get(comparison, "name")).text, "=") == 0 &&
           tree_same(tree_get(comparison, "lexpr"), tree_get(comparison, "rexpr"));
}

/* OR with one arm that always holds, AND with nothing else, to a few levels. */
static bool is_always_true(tree expression, int depth)
{
    if (is_true_constant(expression) || is_self_equality(expression))
        return true;
    tree joined = tree_node(expression, "BoolExpr");
    bool any = tree_is(tree_get(joined, "boolop"), "OR_EXPR"), all = tree_is(tree_get(joined, "boolop"), "AND_EXPR");
    if (depth == 0 || !(any || all))
        return false;
    for (tree arm = tree_first(tree_get(joined, "args")); arm.at; arm = tree_next(arm))
        if (is_always_true(arm, depth - 1) == any)
            return any;
    return all;
}

/* A choice of which every end is false: what is asked on the way may count and tell, and no row is ever chosen. */
static bool is_false_constant(tree expression)
{
    tree constant = tree_node(expression, "A_Const");
    return tree_has(tree_get(constant, "boolval")) && !tree_true(tree_path(constant, "boolval", "boolval"));
}

static bool is_never_true(tree expression)
{
    tree choice = tree_node(expression, "CaseExpr");
    if (!tree_has(choice) || !is_false_constant(tree_get(choice, "defresult")))
        return false;
    for (tree arm = tree_first(tree_get(choice, "args")); arm.at; arm = tree_next(arm))
        if (!is_false_constant(tree_path(arm, "CaseWhen", "result")))
            return false;
    return true;
}

/* ---- rows ---- */

static bool judge_catalogue(judge *j, tree relation)
{
    if (!is_catalogue(relation))
        return false;
    judge_add(j, EFFECT_DESTRUCTIVE, "changes the system catalogue: %s", label_of_range(relation).text);
    return true;
}

static bool select_into_rule(judge *j, tree into)
{
    judge_add(j, EFFECT_ADDITIVE, "creates table %s from a query", label_of_range(tree_get(into, "rel")).text);
    return false;
}

static bool insert_rule(judge *j, tree statement)
{
    tree table = tree_get(statement, "relation");
    if (judge_catalogue(j, table))
        return true;
    if (tree_is(tree_path(statement, "onConflictClause", "action"), "ONCONFLICT_UPDATE"))
        judge_add(j, EFFECT_DISRUPTIVE, "inserts into %s and updates rows that are there", label_of_range(table).text);
    else
        judge_add(j, EFFECT_ADDITIVE, "inserts into %s", label_of_range(table).text);
    return true;
}

static bool update_rule(judge *j, tree statement)
{
    tree table = tree_get(statement, "relation"), where = tree_get(statement, "whereClause");
    if (judge_catalogue(j, table))
        return true;
    if (!tree_has(where) || is_always_true(where, 8))
        judge_add(j, EFFECT_DESTRUCTIVE, "updates every row of %s", label_of_range(table).text);
    else
        judge_add(j, EFFECT_DISRUPTIVE, "updates rows of %s", label_of_range(table).text);
    return true;
}

static bool delete_rule(judge *j, tree statement)
{
    tree table = tree_get(statement, "relation"), where = tree_get(statement, "whereClause");
    bool all = !tree_has(where) || is_always_true(where, 8);
    if (is_never_true(where)) {
        judge_add(j, EFFECT_ADDITIVE, "tries to delete from %s, and chooses no row", label_of_range(table).text);
        return true;
    }
    judge_add(j, EFFECT_DESTRUCTIVE, "deletes %srows of %s", all ? "all " : "", label_of_range(table).text);
    return true;
}

static void merge_action(judge *j, tree clause, label table)
{
    tree command = tree_get(clause, "commandType");
    if (tree_is(command, "CMD_INSERT"))
        judge_add(j, EFFECT_ADDITIVE, "merges into %s: inserts", table.text);
    else if (tree_is(command, "CMD_UPDATE"))
        judge_add(j, EFFECT_DISRUPTIVE, "merges into %s: updates rows", table.text);
    else if (!tree_is(command, "CMD_NOTHING"))
        judge_add(j, EFFECT_DESTRUCTIVE, "merges into %s: deletes rows", table.text);
}

static bool merge_rule(judge *j, tree statement)
{
    tree table = tree_get(statement, "relation");
    if (judge_catalogue(j, table))
        return true;
    tree clauses = tree_get(statement, "mergeWhenClauses");
    for (tree clause = tree_first(clauses); clause.at; clause = tree_next(clause))
        merge_action(j, tree_node(clause, "MergeWhenClause"), label_of_range(table));
    return true;
}

static bool locking_rule(judge *j, tree clause)
{
    tree tables = tree_get(clause, "lockedRels");
    judge_add(j, EFFECT_DISRUPTIVE, "locks the rows it reads%s%s", tree_has(tables) ? " in " : "",
              label_of_first(tables).text);
    return false;
}

static bool copy_rule(judge *j, tree statement)
{
    tree table = tree_get(statement, "relation"), file = tree_get(statement, "filename");
    label about = tree_has(table) ? label_of_range(table) : (label){"a query"};
    bool from = tree_true(tree_get(statement, "is_from"));
    if (tree_true(tree_get(statement, "is_program")))
        judge_add(j, EFFECT_DESTRUCTIVE, "runs a program on the server: %s", label_of(file).text);
    else if (from && !judge_catalogue(j, table))
        judge_add(j, EFFECT_ADDITIVE, "copies rows into %s", about.text);
    else if (!from && tree_has(file))
        judge_add(j, EFFECT_DISRUPTIVE, "writes %s to a file of the server: %s", about.text, label_of(file).text);
    return true;
}

static bool create_table_as_rule(judge *j, tree statement)
{
    tree into = tree_get(statement, "into");
    judge_add(j, EFFECT_ADDITIVE, "creates %s %s from a query", label_of_kind(tree_get(statement, "objtype")).text,
              label_of_range(tree_get(into, "rel")).text);
    return !tree_true(tree_get(into, "skipData")); /* WITH NO DATA runs nothing */
}

/* ---- code that does not show what it does ---- */

static const struct {
    const char *name;
    effect effect;
    const char *why;
} settings[] = {
    {"session_replication_role", EFFECT_DISRUPTIVE, "switches triggers and foreign keys off"},
    {"role", EFFECT_DISRUPTIVE, "acts as another role"},
    {"session_authorization", EFFECT_DISRUPTIVE, "acts as another role"},
    {"row_security", EFFECT_DISRUPTIVE, "changes what row security hides"},
    {"allow_system_table_mods", EFFECT_DESTRUCTIVE, "opens the system catalogue to changes"},
    {"zero_damaged_pages", EFFECT_DESTRUCTIVE, "lets damaged pages be emptied"},
    {"ignore_checksum_failure", EFFECT_DESTRUCTIVE, "lets damaged pages pass"},
    {"ignore_system_indexes", EFFECT_DESTRUCTIVE, "reads the catalogue past its indexes"},
    {"synchronous_commit", EFFECT_DISRUPTIVE, "lets acknowledged commits be lost"},
};

/* What a setting does to the rest of the session; value may be absent. */
static void judge_setting(judge *j, const char *name, tree value)
{
    for (size_t i = 0; i < LB_COUNT(settings); i++)
        if (strcasecmp(settings[i].name, name) == 0)
            judge_add(j, settings[i].effect, "sets %s: %s", name, settings[i].why);
    if (strcasecmp(name, "search_path") != 0)
        return;
    for (tree item = tree_first(value); item.at; item = tree_next(item))
        if (tree_is(tree_path(tree_node(item, "A_Const"), "sval", "sval"), "pg_catalog"))
            judge_add(j, EFFECT_DISRUPTIVE, "sets search_path: other functions may stand before the server's own");
}

static bool function_rule(judge *j, tree call)
{
    tree name = tree_get(call, "funcname"), args = tree_get(call, "args");
    if (strcmp(label_of(name).text, "set_config") != 0 && strcmp(label_of(name).text, "pg_catalog.set_config") != 0) {
        judge_function(j, name);
        return true;
    }
    tree setting = tree_path(tree_node(tree_first(args), "A_Const"), "sval", "sval");
    tree last = args;
    for (tree arg = tree_first(args); arg.at; arg = tree_next(arg))
        last = arg;
    char text[64];
    tree_text(setting, text, sizeof text);
    if (!text[0] || !is_true_constant(last))
        judge_add(j, EFFECT_DISRUPTIVE, "calls set_config(): changes a setting beyond this transaction");
    else
        judge_setting(j, text, (tree){NULL});
    return true;
}

static bool call_rule(judge *j, tree statement)
{
    judge_add(j, EFFECT_DESTRUCTIVE, "calls procedure %s, which cannot be seen through",
              label_of(tree_path(statement, "funccall", "funcname")).text);
    return false;
}

/* EXPLAIN plans and runs nothing, unless it is to ANALYZE. */
static bool explain_rule(judge *j, tree statement)
{
    (void)j; /* what it explains is judged by its own rule */
    return option_is_on(tree_get(statement, "options"), "analyze");
}

/* ---- sessions ---- */

static bool set_rule(judge *j, tree statement)
{
    static const char *const resets[] = {"VAR_RESET", "VAR_RESET_ALL", "VAR_SET_DEFAULT"};
    for (size_t i = 0; i < LB_COUNT(resets); i++)
        if (tree_is(tree_get(statement, "kind"), resets[i]))
            return false;
    char name[64];
    tree_text(tree_get(statement, "name"), name, sizeof name);
    judge_setting(j, name, tree_get(statement, "args"));
    return false;
}

static bool transaction_rule(judge *j, tree statement)
{
    char kind[64];
    tree_text(tree_get(statement, "kind"), kind, sizeof kind);
    j->failure =
        lb_fail(j->err, LB_ERR_INVALID, "leave BEGIN, COMMIT, ROLLBACK and SAVEPOINT out: transactions are the host's",
                "statement %u controls the transaction (%s)", j->verdict.statements,
                strncmp(kind, "TRANS_STMT_", 11) == 0 ? kind + 11 : kind);
    return false;
}

/* ---- upkeep ---- */

static bool vacuum_rule(judge *j, tree statement)
{
    tree tables = tree_get(statement, "rels"), options = tree_get(statement, "options");
    label about = tree_has(tables) ? label_of_first(tables) : (label){"every table"};
    if (!tree_true(tree_get(statement, "is_vacuumcmd"))) {
        judge_add(j, EFFECT_ADDITIVE, "analyzes %s", about.text);
        return false;
    }
    j->verdict.in_transaction = false;
    if (option_is_on(options, "full"))
        judge_add(j, EFFECT_DISRUPTIVE, "vacuums %s in full, which locks it out", about.text);
    else
        judge_add(j, EFFECT_ADDITIVE, "vacuums %s", about.text);
    return false;
}

static bool cluster_rule(judge *j, tree statement)
{
    tree table = tree_get(statement, "relation");
    label about = tree_has(table) ? label_of_range(table) : (label){"every clustered table"};
    if (!tree_has(table))
        j->verdict.in_transaction = false;
    judge_add(j, EFFECT_DISRUPTIVE, "rewrites %s in the order of an index", about.text);
    return false;
}

static bool reindex_rule(judge *j, tree statement)
{
    static const char *const wide[] = {"REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_DATABASE", "REINDEX_OBJECT_SYSTEM"};
    tree table = tree_get(statement, "relation"), kind = tree_get(statement, "kind");
    label about = tree_has(table) ? label_of_range(table) : label_of(tree_get(statement, "name"));
    j->verdict.always_asks = true;
    if (option_is_on(tree_get(statement, "params"), "concurrently"))
        j->verdict.in_transaction = false;
    for (size_t i = 0; i < LB_COUNT(wide); i++)
        if (tree_is(kind, wide[i]))
            j->verdict.in_transaction = false;
    judge_add(j, EFFECT_DISRUPTIVE, "rebuilds indexes: %s", about.text[0] ? about.text : "the whole database");
    return false;
}

static bool refresh_rule(judge *j, tree statement)
{
    label view = label_of_range(tree_get(statement, "relation"));
    if (tree_true(tree_get(statement, "skipData")))
        judge_add(j, EFFECT_DISRUPTIVE, "empties materialized view %s", view.text);
    else if (tree_true(tree_get(statement, "concurrent")))
        judge_add(j, EFFECT_ADDITIVE, "refreshes materialized view %s", view.text);
    else
        judge_add(j, EFFECT_DISRUPTIVE, "refreshes materialized view %s while readers wait", view.text);
    return false;
}

const rule effect_data_rules[] = {
    {.node = "FuncCall", .special = function_rule},
    {.node = "SelectStmt", .effect = EFFECT_READ, .verb = "changes nothing", .flags = RULE_INSIDE},
    {.node = "intoClause", .special = select_into_rule},
    {.node = "LockingClause", .special = locking_rule},
    {.node = "InsertStmt", .special = insert_rule},
    {.node = "UpdateStmt", .special = update_rule},
    {.node = "DeleteStmt", .special = delete_rule},
    {.node = "MergeStmt", .special = merge_rule},
    {.node = "CopyStmt", .special = copy_rule},
    {.node = "CreateTableAsStmt", .special = create_table_as_rule},
    {.node = "TruncateStmt", .effect = EFFECT_DESTRUCTIVE, .verb = "truncates", .about = {"relations"}},
    {.node = "CallStmt", .special = call_rule},
    {.node = "DoStmt", .special = do_rule},
    {.node = "ExplainStmt", .special = explain_rule},
    {.node = "PrepareStmt", .effect = EFFECT_READ, .verb = "prepares", .about = {"name"}, .flags = RULE_INSIDE},
    {.node = "ExecuteStmt",
     .effect = EFFECT_DESTRUCTIVE,
     .verb = "executes a prepared statement that cannot be seen:",
     .about = {"name"}},
    {.node = "DeallocateStmt", .effect = EFFECT_READ, .verb = "forgets a prepared statement"},
    {.node = "DeclareCursorStmt", .effect = EFFECT_READ, .verb = "declares a cursor", .flags = RULE_INSIDE},
    {.node = "FetchStmt", .effect = EFFECT_READ, .verb = "reads from a cursor"},
    {.node = "ClosePortalStmt", .effect = EFFECT_READ, .verb = "closes a cursor"},
    {.node = "VariableSetStmt", .special = set_rule},
    {.node = "VariableShowStmt", .effect = EFFECT_READ, .verb = "shows a setting"},
    {.node = "ConstraintsSetStmt", .effect = EFFECT_READ, .verb = "sets when constraints are checked"},
    {.node = "DiscardStmt", .effect = EFFECT_READ, .verb = "discards the session's state", .flags = RULE_ALONE},
    {.node = "ListenStmt", .effect = EFFECT_READ, .verb = "listens"},
    {.node = "UnlistenStmt", .effect = EFFECT_READ, .verb = "stops listening"},
    {.node = "NotifyStmt", .effect = EFFECT_ADDITIVE, .verb = "notifies", .about = {"conditionname"}},
    {.node = "TransactionStmt", .special = transaction_rule},
    {.node = "LockStmt", .effect = EFFECT_DISRUPTIVE, .verb = "locks", .about = {"relations"}},
    {.node = "LoadStmt",
     .effect = EFFECT_DESTRUCTIVE,
     .verb = "loads a library into the server:",
     .about = {"filename"}},
    {.node = "CheckPointStmt", .effect = EFFECT_ADDITIVE, .verb = "makes a checkpoint"},
    {.node = "VacuumStmt", .special = vacuum_rule},
    {.node = "ClusterStmt", .special = cluster_rule},
    {.node = "ReindexStmt", .special = reindex_rule},
    {.node = "RefreshMatViewStmt", .special = refresh_rule},
    {.node = "CommentStmt", .effect = EFFECT_ADDITIVE, .verb = "comments on", .about = {"object"}},
    {.node = NULL},
};
