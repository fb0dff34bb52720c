/* Rows, sessions and upkeep. */
#include "judge_internal.h"

/* ---- conditions ---- */

static bool is_true_constant(tree expression)
{
    return tree_true(tree_path(tree_node(expression, "A_Const"), "boolval", "boolval"));
}

bool judge_is_true(tree expression)
{
    tree comparison = tree_node(expression, "A_Expr"), joined = tree_node(expression, "BoolExpr");
    if (is_true_constant(expression))
        return true;
    if (tree_is(tree_get(comparison, "kind"), "AEXPR_OP") &&
        strcmp(label_of(tree_get(comparison, "name")).text, "=") == 0)
        return tree_same(tree_get(comparison, "lexpr"), tree_get(comparison, "rexpr"));
    if (!tree_is(tree_get(joined, "boolop"), "OR_EXPR"))
        return false;
    for (tree arm = tree_first(tree_get(joined, "args")); arm.at; arm = tree_next(arm))
        if (is_true_constant(arm))
            return true;
    return false;
}

static bool mentions(tree inside, const char *key_wanted)
{
    const char *end = inside.at ? tree_end(inside) : NULL;
    char key[64];
    tree value;
    for (const char *p = inside.at; p && tree_next_key(p, end, key, sizeof key, &value); p = value.at)
        if (strcmp(key, key_wanted) == 0)
            return true;
    return false;
}

/* ---- rows ---- */

static void changes_rows(judging *j, tree range)
{
    label table = label_of_range(range);
    if (is_catalogue(range))
        judging_hazard(j, JUDGE_CATALOGUE, table.text, NULL);
    if (j->in_loop)
        judging_hazard(j, JUDGE_LOOP_OF_CHANGES, table.text, NULL);
    if (!tree_has(tree_get(range, "schemaname")))
        judging_hazard(j, JUDGE_UNQUALIFIED, table.text, NULL);
    judging_lock(j, LOCK_ROW_EXCLUSIVE, table.text);
}

static void insert(judging *j, tree s)
{
    tree range = tree_get(s, "relation"), select = tree_path(s, "selectStmt", "SelectStmt");
    label table = label_of_range(range);
    bool looks = tree_has(tree_get(s, "onConflictClause")) || mentions(tree_get(select, "whereClause"), "SubLink");
    changes_rows(j, range);
    if (!looks && !judging_is_new(j, table.text) && !j->is_guarded)
        judging_hazard(j, JUDGE_ROWS_NOT_IDEMPOTENT, table.text,
                       judging_printf(j, "%s ON CONFLICT DO NOTHING", j->source));
}

/* SET n = n + 1: each run adds. */
static bool builds_on_itself(tree targets)
{
    for (tree item = tree_first(targets); item.at; item = tree_next(item)) {
        tree target = tree_node(item, "ResTarget");
        tree left = tree_path(tree_path(target, "val", "A_Expr"), "lexpr", "ColumnRef");
        char name[128], own[128];
        tree_text(tree_get(target, "name"), own, sizeof own);
        tree_text(tree_path(tree_first(tree_get(left, "fields")), "String", "sval"), name, sizeof name);
        if (left.at && strcmp(name, own) == 0)
            return true;
    }
    return false;
}

static void update(judging *j, tree s)
{
    tree range = tree_get(s, "relation"), where = tree_get(s, "whereClause");
    label table = label_of_range(range);
    changes_rows(j, range);
    if (!j->now->batch_rows && (!tree_has(where) || judge_is_true(where)))
        judging_hazard(j, JUDGE_UPDATE_ALL, table.text, NULL);
    else if (!j->now->batch_rows && !judging_is_new(j, table.text))
        judging_hazard(j, JUDGE_UPDATE_ROWS, table.text, NULL);
    if (builds_on_itself(tree_get(s, "targetList")))
        judging_hazard(j, JUDGE_ROWS_NOT_IDEMPOTENT, table.text, "leave out the rows that are done: WHERE ...");
}

static void delete_rows(judging *j, tree s)
{
    tree range = tree_get(s, "relation"), where = tree_get(s, "whereClause");
    bool all = !tree_has(where) || judge_is_true(where);
    changes_rows(j, range);
    judging_hazard(j, all ? JUDGE_DELETE_ALL : JUDGE_DELETE_ROWS, label_of_range(range).text, NULL);
}

static void merge(judging *j, tree s)
{
    label table = label_of_range(tree_get(s, "relation"));
    changes_rows(j, tree_get(s, "relation"));
    for (tree item = tree_first(tree_get(s, "mergeWhenClauses")); item.at; item = tree_next(item)) {
        tree clause = tree_node(item, "MergeWhenClause");
        if (tree_is(tree_get(clause, "commandType"), "CMD_DELETE"))
            judging_hazard(j, JUDGE_DELETE_ROWS, table.text, NULL);
        if (tree_is(tree_get(clause, "matchKind"), "MERGE_WHEN_NOT_MATCHED_BY_SOURCE"))
            judging_needs(j, 17, "MERGE ... WHEN NOT MATCHED BY SOURCE");
    }
    if (tree_has(tree_get(s, "returningList")))
        judging_needs(j, 17, "MERGE ... RETURNING");
}

static void empty(judging *j, tree s)
{
    for (tree item = tree_first(tree_get(s, "relations")); item.at; item = tree_next(item)) {
        label table = label_of_range(tree_node(item, "RangeVar"));
        judging_hazard(j, JUDGE_TRUNCATE, table.text, NULL);
        judging_lock(j, LOCK_ACCESS_EXCLUSIVE, table.text);
        if (tree_is(tree_get(s, "behavior"), "DROP_CASCADE"))
            judging_hazard(j, JUDGE_TRUNCATE_CASCADE, table.text, NULL);
    }
}

static void copy(judging *j, tree s)
{
    label table = label_of_range(tree_get(s, "relation"));
    if (!tree_has(tree_get(s, "filename")))
        judging_hazard(j, JUDGE_COPY_CLIENT, table.text, NULL);
    else
        judging_hazard(j, JUDGE_COPY_PROGRAM, label_of(tree_get(s, "filename")).text, NULL);
}

/* ---- sessions ---- */

static bool is_value(tree s, const char *value)
{
    char text[16] = "";
    tree_text(tree_get(tree_path(tree_first(tree_get(s, "args")), "A_Const", "sval"), "sval"), text, sizeof text);
    return strcasecmp(text, value) == 0;
}

static void set(judging *j, tree s)
{
    char name[64];
    tree_text(tree_get(s, "name"), name, sizeof name);
    if (strcasecmp(name, "lock_timeout") == 0 || strcasecmp(name, "statement_timeout") == 0)
        judging_hazard(j, JUDGE_SETTING_TIMEOUT, name, NULL);
    if (strcasecmp(name, "search_path") == 0)
        judge_lose_path(j);
    if (strcasecmp(name, "session_replication_role") == 0 && is_value(s, "replica"))
        judging_hazard(j, JUDGE_TRIGGERS_SKIPPED, name, NULL);
}

/* What it makes has the names that the other server gives. */
static void import(judging *j, tree s)
{
    label schema = label_of(tree_get(s, "local_schema"));
    judging_not_idempotent(j, schema.text, judging_catch(j, "duplicate_table"));
}

static void lock(judging *j, tree s)
{
    label table = label_of_first(tree_get(s, "relations"));
    int64_t mode = tree_number(tree_get(s, "mode"));
    judging_hazard(j, JUDGE_LOCK_TABLE, table.text, NULL);
    judging_lock(j, mode >= 1 && mode <= 8 ? (judge_lock)mode : LOCK_ACCESS_EXCLUSIVE, table.text);
}

/* ---- upkeep ---- */

static void vacuum(judging *j, tree s)
{
    label table = label_of_first(tree_get(s, "rels"));
    bool full = tree_true(tree_get(s, "is_vacuumcmd")) && option_is_on(tree_get(s, "options"), "full");
    if (full)
        judging_hazard(j, JUDGE_VACUUM_FULL, table.text, NULL);
    judging_lock(j, full ? LOCK_ACCESS_EXCLUSIVE : LOCK_SHARE_UPDATE_EXCLUSIVE, table.text);
    j->now->rewrites |= full && !j->in_body;
    j->now->scans |= !j->in_body;
}

static void cluster(judging *j, tree s)
{
    label table = label_of_range(tree_get(s, "relation"));
    judging_hazard(j, JUDGE_CLUSTER, table.text, NULL);
    judging_lock(j, LOCK_ACCESS_EXCLUSIVE, table.text);
    j->now->rewrites |= !j->in_body;
    j->now->scans |= !j->in_body;
}

static void builds_anew(judging *j, tree s)
{
    char schema[128];
    tree kind = tree_get(s, "kind");
    bool is_schema = tree_is(kind, "REINDEX_OBJECT_SCHEMA");
    if (tree_has(tree_get(s, "relation"))) {
        judging_builds_on(j, tree_get(s, "relation"));
    } else if (is_schema || tree_is(kind, "REINDEX_OBJECT_DATABASE")) {
        tree_text(tree_get(s, "name"), schema, sizeof schema);
        j->now->builds.on_schema = is_schema ? judging_printf(j, "%s", schema) : "";
        j->now->builds.on_name = "";
    }
}

static void reindex(judging *j, tree s)
{
    label about = label_of_range(tree_get(s, "relation"));
    if (!tree_has(tree_get(s, "relation")) && !tree_has(tree_get(s, "name")))
        judging_needs(j, 16, "REINDEX without a name");
    bool concurrent = option_is_on(tree_get(s, "params"), "concurrently");
    if (!concurrent)
        judging_hazard(j, JUDGE_REINDEX_NOT_CONCURRENT, about.text, judging_insert(j, "REINDEX", "(CONCURRENTLY)"));
    judging_lock(j,
                 concurrent                                             ? LOCK_SHARE_UPDATE_EXCLUSIVE
                 : tree_is(tree_get(s, "kind"), "REINDEX_OBJECT_INDEX") ? LOCK_ACCESS_EXCLUSIVE /* of the index */
                                                                        : LOCK_SHARE,
                 about.text);
    j->now->scans |= !j->in_body;
    if (concurrent && !j->in_block)
        builds_anew(j, s);
}

static void refresh(judging *j, tree s)
{
    label view = label_of_range(tree_get(s, "relation"));
    bool concurrent = tree_true(tree_get(s, "concurrent"));
    if (!concurrent && !judging_is_new(j, view.text))
        judging_hazard(j, JUDGE_REFRESH, view.text, judging_insert(j, "VIEW", "CONCURRENTLY"));
    judging_lock(j, concurrent ? LOCK_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE, view.text);
    j->now->scans |= !concurrent && !j->in_body;
    j->now->rewrites |= !concurrent && !j->in_body;
}

static const struct {
    const char *kind;
    void (*judge)(judging *j, tree s);
} known[] = {
    {"InsertStmt", insert},
    {"UpdateStmt", update},
    {"DeleteStmt", delete_rows},
    {"MergeStmt", merge},
    {"TruncateStmt", empty},
    {"CopyStmt", copy},
    {"VariableSetStmt", set},
    {"LockStmt", lock},
    {"VacuumStmt", vacuum},
    {"ClusterStmt", cluster},
    {"ReindexStmt", reindex},
    {"RefreshMatViewStmt", refresh},
    {"ImportForeignSchemaStmt", import},
};

/* Without ANALYZE nothing of it is executed; its tables are locked all the same, as they are read for the plan. */
static bool is_only_explained(const char *kind, tree s)
{
    return strcmp(kind, "ExplainStmt") == 0 && !option_is_on(tree_get(s, "options"), "analyze");
}

static void look_at_explained(judging *j, const char *key, tree value)
{
    static const char *const changes[] = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"};
    for (size_t i = 0; i < LB_COUNT(changes); i++)
        if (strcmp(key, changes[i]) == 0)
            judging_lock(j, LOCK_ROW_EXCLUSIVE, label_of_range(tree_get(value, "relation")).text);
}

static void look_at_part(judging *j, const char *kind, const char *key, tree value)
{
    if (strcmp(key, "DeleteStmt") == 0 && strcmp(kind, "CreateSchemaStmt") != 0)
        delete_rows(j, value);
    else if (strcmp(key, "UpdateStmt") == 0)
        update(j, value);
    else if (strcmp(key, "FuncCall") == 0 && strcmp(label_of(tree_get(value, "funcname")).text, "setval") == 0)
        judging_hazard(j, JUDGE_SEQUENCE_MOVE, "setval", NULL);
}

/* A member that is kept for later: until the function is called, or a statement meets the rule. */
static bool is_kept(const char *kind, const char *key)
{
    return (strcmp(kind, "CreateFunctionStmt") == 0 && strcmp(key, "sql_body") == 0) ||
           (strcmp(kind, "RuleStmt") == 0 && strcmp(key, "actions") == 0);
}

/* What may stand anywhere in a statement: a CTE that deletes, a call that moves a sequence, newer syntax. */
static void look_inside(judging *j, const char *kind, tree s)
{
    static const struct {
        const char *node;
        int server;
    } newer[] = {
        {"JsonTable", 17},     {"JsonFuncExpr", 17},    {"JsonScalarExpr", 17},        {"JsonSerializeExpr", 17},
        {"JsonParseExpr", 17}, {"JsonIsPredicate", 16}, {"JsonObjectConstructor", 16}, {"JsonArrayConstructor", 16}};
    const char *end = tree_end(s), *body_end = NULL;
    const bool was_in_body = j->in_body, is_only_plan = is_only_explained(kind, s);
    char key[64];
    tree value;
    for (const char *p = s.at; tree_next_key(p, end, key, sizeof key, &value); p = value.at) {
        if (is_kept(kind, key))
            body_end = tree_end(value);
        j->in_body = was_in_body || (body_end && value.at < body_end);
        if (is_only_plan)
            look_at_explained(j, key, value);
        else
            look_at_part(j, kind, key, value);
        for (size_t i = 0; i < LB_COUNT(newer); i++)
            if (strcmp(key, newer[i].node) == 0)
                judging_needs(j, newer[i].server, key);
    }
    j->in_body = was_in_body;
}

bool judge_data_statement(judging *j, const char *kind, tree s)
{
    look_inside(j, kind, s);
    if (strcmp(kind, "SelectStmt") == 0 || is_only_explained(kind, s))
        return true;
    for (size_t i = 0; i < LB_COUNT(known); i++)
        if (strcmp(known[i].kind, kind) == 0) {
            known[i].judge(j, s);
            return true;
        }
    return false;
}
