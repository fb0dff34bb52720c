/* check.c: what a catalogue statement must be. */
#include "nearest.h"
#include "sqlc.h"

#include <json-c/json.h>

/* ---- the header ---------------------------------------------------------------------------------------------------
 */

static int compare_variants(const void *a, const void *b)
{
    const sql_variant *v = a, *w = b;
    return (v->from > w->from) - (v->from < w->from);
}

/* The variants cover the server's range, each version once. */
static void check_cover(sqlc *c, sql_statement *s)
{
    if (!s->variant_count)
        return;
    if (s->variant_count == 1 && !s->variants[0].from) {
        s->variants[0].from = s->from;
        s->variants[0].to = s->to;
        return;
    }
    for (size_t i = 0; i < s->variant_count; i++)
        if (!s->variants[i].from)
            return; /* its line was reported */
    qsort(s->variants, s->variant_count, sizeof *s->variants, compare_variants);
    unsigned next = s->from;
    for (size_t i = 0; i < s->variant_count; i++) {
        const sql_variant *v = &s->variants[i];
        if (v->from < next)
            sqlc_problem(c, &s->file, v->offset, NULL, "server %u has two variants, or is outside the statement's %s",
                         v->from, server_text(c, s->from, s->to));
        else if (v->from > next)
            sqlc_problem(c, &s->file, v->offset, "variants cover exactly what server: says", "server %u has no variant",
                         next);
        next = v->to + 1;
    }
    if (next != s->to + 1)
        sqlc_problem(c, &s->file, s->variants[s->variant_count - 1].offset, "variants cover exactly what server: says",
                     next <= s->to ? "server %u has no variant" : "server %u is outside the statement's range",
                     next <= s->to ? next : next - 1);
}

/* The host knows its columns by their places. */
static void check_rest(sqlc *c, const sql_statement *s)
{
    static const char *const names[] = {"at_least", "times", "at_most"};
    bool is_good = s->column_count == LB_COUNT(names);
    for (size_t i = 0; is_good && i < LB_COUNT(names); i++)
        is_good = strcmp(s->columns[i].name, names[i]) == 0 && s->columns[i].info->type == LB_F64 &&
                  !s->columns[i].list && !s->columns[i].nullable;
    if (!is_good)
        sqlc_problem(c, &s->file, 0, "add the lines '-- column NAME number' for the three, in this order",
                     "a rest says at_least, times and at_most");
}

static void check_header(sqlc *c, sql_statement *s)
{
    if (!s->kind) {
        sqlc_problem(c, &s->file, 0, "add a line '-- kind: read' (or change, fragment, history, lake, rest)",
                     "the kind is missing");
        s->kind = LB_STATEMENT_FRAGMENT;
    }
    if (!s->summary) {
        sqlc_problem(c, &s->file, 0, "add a line '-- summary: ...'", "the summary is missing");
        s->summary = "";
    }
    if (s->from && kind_asks(s->kind))
        sqlc_problem(c, &s->file, s->server_offset, "drop the line", "the %s has no server versions",
                     kind_name(s->kind));
    if (!s->from && s->kind != LB_STATEMENT_FRAGMENT && !kind_asks(s->kind))
        sqlc_problem(c, &s->file, 0, "add a line '-- server: 15-18'", "the server versions are missing");
    if (!s->from)
        s->from = SQLC_FIRST_PG;
    if (!s->to)
        s->to = SQLC_LAST_PG;
    if (kind_has_rows(s->kind) && !s->column_count)
        sqlc_problem(c, &s->file, 0, "add a line '-- column NAME TYPE' for each", "a read declares its columns");
    if (s->kind == LB_STATEMENT_REST)
        check_rest(c, s);
    else if (!kind_has_rows(s->kind) && s->column_count)
        sqlc_problem(c, &s->file, s->columns[0].offset, NULL, "only a read has columns");
    if (s->kind != LB_STATEMENT_FRAGMENT && s->example)
        sqlc_problem(c, &s->file, s->example_offset, NULL, "only a fragment has an example");
}

static void check_params(sqlc *c, const sql_statement *s)
{
    for (size_t i = 0; i < s->param_count; i++) {
        const sql_param *p = &s->params[i];
        if (!p->uses)
            sqlc_problem(c, &s->file, p->offset,
                         sqlc_printf(c, "write :%s where it belongs, or drop the line", p->name),
                         "the parameter %s is declared and not used", p->name);
        for (size_t k = 0; k < s->param_count; k++)
            if (strcmp(s->params[k].name, sqlc_printf(c, "%s_is_null", p->name)) == 0)
                sqlc_problem(c, &s->file, s->params[k].offset, "choose another name", "%s is also the null flag of %s",
                             s->params[k].name, p->name);
    }
    for (size_t i = 0; i < s->column_count; i++)
        for (size_t k = 0; k < s->column_count; k++)
            if (strcmp(s->columns[k].name, sqlc_printf(c, "%s_is_null", s->columns[i].name)) == 0)
                sqlc_problem(c, &s->file, s->columns[k].offset, "choose another name", "%s is also the null flag of %s",
                             s->columns[k].name, s->columns[i].name);
}

/* ---- what the statement does --------------------------------------------------------------------------------------
 */

/* Functions that a read-only transaction does not stop. Those with a * at the end stand for all that begin so. */
static const char *const doers[] = {
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_reload_conf",
    "pg_rotate_logfile*",
    "pg_stat_reset*",
    "pg_stat_statements_reset",
    "set_config",
    "nextval",
    "setval",
    "pg_advisory_*",
    "pg_try_advisory_*",
    "pg_switch_wal",
    "pg_create_*",
    "pg_drop_replication_slot",
    "pg_copy_*",
    "pg_replication_*",
    "pg_logical_*",
    "pg_sync_replication_slots",
    "pg_promote",
    "pg_wal_replay_pause",
    "pg_wal_replay_resume",
    "pg_backup_*",
    "pg_log_backend_memory_contexts",
    "pg_log_standby_snapshot",
    "pg_notify",
    "pg_export_snapshot",
    "pg_file_*",
    "lo_*",
    "dblink*",
    "pg_prewarm",

    "query_to_xml*",
};

static bool is_doer(const char *function)
{
    for (size_t i = 0; i < LB_COUNT(doers); i++) {
        size_t length = strcspn(doers[i], "*");
        if (strncmp(doers[i], function, length) == 0 && (doers[i][length] || !function[length]))
            return true;
    }
    return false;
}

static const char *last_name(struct json_object *names)
{
    size_t count = names ? json_object_array_length(names) : 0;
    struct json_object *last = count ? json_object_array_get_idx(names, count - 1) : NULL;
    struct json_object *text = tree_member(tree_member(last, "String"), "sval");
    return text ? json_object_get_string(text) : "";
}

/* What a walk over a tree finds. */
typedef struct findings {
    const char *changes; /* "an INSERT", the first that was met */
    bool calls;          /* a function, any */
} findings;

static const char *name_change(const char *key, struct json_object *value)
{
    static const struct {
        const char *key, *name;
    } nodes[] = {{"InsertStmt", "an INSERT"}, {"UpdateStmt", "an UPDATE"},
                 {"DeleteStmt", "a DELETE"},  {"MergeStmt", "a MERGE"},
                 {"intoClause", "an INTO"},   {"lockingClause", "a FOR UPDATE or FOR SHARE"}};
    for (size_t i = 0; i < LB_COUNT(nodes); i++)
        if (strcmp(nodes[i].key, key) == 0)
            return nodes[i].name;
    if (strcmp(key, "FuncCall") != 0)
        return NULL;
    const char *function = last_name(tree_member(value, "funcname"));
    return is_doer(function) ? function : NULL;
}

static void walk(struct json_object *node, findings *found)
{
    if (json_object_is_type(node, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(node); i++)
            walk(json_object_array_get_idx(node, i), found);
    } else if (json_object_is_type(node, json_type_object)) {
        json_object_object_foreach(node, key, value)
        {
            found->calls = found->calls || strcmp(key, "FuncCall") == 0;
            found->changes = found->changes ? found->changes : name_change(key, value);
            walk(value, found);
        }
    }
}

/* Of a SELECT, or, without executing it, of what a session has prepared: that may be anything. */
static bool explains_a_read(struct json_object *explain)
{
    struct json_object *inner = tree_member(explain, "query"), *options = tree_member(explain, "options");
    for (size_t i = 0; json_object_is_type(options, json_type_array) && i < json_object_array_length(options); i++) {
        struct json_object *option = tree_member(json_object_array_get_idx(options, i), "DefElem");
        if (strcmp(json_object_get_string(tree_member(option, "defname")), "analyze") == 0)
            return inner && tree_member(inner, "SelectStmt");
    }
    return inner && (tree_member(inner, "SelectStmt") || tree_member(inner, "ExecuteStmt"));
}

static void check_read(sqlc *c, const sql_statement *s, const sql_variant *v, const char *kind,
                       struct json_object *statement)
{
    findings found = {0};
    struct json_object *explain = tree_member(statement, "ExplainStmt");
    bool explains = explain && explains_a_read(explain);
    if (strcmp(kind, "SelectStmt") != 0 && strcmp(kind, "VariableShowStmt") != 0 && !explains) {
        sqlc_problem(c, &s->file, v->begin, "what alters something is '-- kind: change'",
                     "a read is a SELECT, VALUES, SHOW, or EXPLAIN of a SELECT, and this is a %s", kind);
        return;
    }
    walk(statement, &found);
    if (found.changes)
        sqlc_problem(c, &s->file, v->begin, "what alters something is '-- kind: change'", "a read must not contain %s",
                     found.changes);
    columns_check(c, s, v, statement);
}

/* A question to the history: a SELECT that alters nothing, by the words of every engine. The lakehouse's tables are
 * merged into as well, through the door. */
static bool check_asks(sqlc *c, const sql_statement *s, const sql_variant *v, const char *kind,
                       struct json_object *statement)
{
    findings found = {0};
    if (s->kind == LB_STATEMENT_LAKE && strcmp(kind, "MergeStmt") == 0)
        return true;
    if (strcmp(kind, "SelectStmt") != 0) {
        sqlc_problem(c, &s->file, v->begin, "tools write with lb_record", "%s is asked with a SELECT, and this is a %s",
                     kind_name(s->kind), kind);
        return false;
    }
    walk(statement, &found);
    if (found.changes)
        sqlc_problem(c, &s->file, v->begin, "tools write with lb_record", "a question to the %s must not contain %s",
                     kind_name(s->kind), found.changes);
    columns_check(c, s, v, statement);
    return true;
}

static void check_change(sqlc *c, const sql_statement *s, const sql_variant *v, const char *kind,
                         struct json_object *statement)
{
    findings found = {0};
    walk(statement, &found);
    if (strcmp(kind, "TransactionStmt") == 0)
        sqlc_problem(c, &s->file, v->begin, "groups of changes can be atomic", "transactions are the host's");
    else if (strcmp(kind, "VariableShowStmt") == 0 || strcmp(kind, "ExplainStmt") == 0)
        sqlc_problem(c, &s->file, v->begin, "make it '-- kind: read'", "this changes nothing");
    else if (strcmp(kind, "SelectStmt") == 0 && !found.changes && !found.calls)
        sqlc_problem(c, &s->file, v->begin, "make it '-- kind: read'",
                     "a SELECT that calls no function changes nothing");
}

static void check_variant(sqlc *c, const sql_statement *s, sql_variant *v)
{
    struct json_object *tree = sample_find(c, s, v);
    struct json_object *statements = tree_member(tree, "stmts");
    const char *kind = tree_kind(tree);
    struct json_object *statement = kind ? tree_member(json_object_array_get_idx(statements, 0), "stmt") : NULL;
    if (statements && json_object_array_length(statements) > 1)
        sqlc_problem(c, &s->file, v->begin, "one file, one statement", "%zu statements in one file",
                     json_object_array_length(statements));
    else if (statement && (s->kind == LB_STATEMENT_READ || s->kind == LB_STATEMENT_REST))
        check_read(c, s, v, kind, statement);
    else if (statement && s->kind == LB_STATEMENT_CHANGE)
        check_change(c, s, v, kind, statement);
    else if (statement && kind_asks(s->kind) && check_asks(c, s, v, kind, statement))
        history_check(c, s, v, statement);
    (void)json_object_put(tree); /* says only whether it was the last reference */
}

void sqlc_check(sqlc *c, sql_statement *s)
{
    check_header(c, s);
    check_cover(c, s);
    check_params(c, s);
    for (size_t i = 0; i < s->variant_count; i++)
        if (s->variants[i].begin < s->variants[i].end)
            check_variant(c, s, &s->variants[i]);
}
