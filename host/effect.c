#include "effect.h"

#include "effect_rules.h"
#include "effect_script.h"
#include "json.h"

#include <ctype.h>
#include <pg_query.h>

#define SQL_LIMIT ((size_t)1 << 20)

static const char *const names[] = {"read", "additive", "disruptive", "destructive"};

const char *effect_name(effect e)
{
    return (size_t)e < LB_COUNT(names) ? names[e] : "destructive";
}

bool effect_parse(const char *name, effect *ret_effect)
{
    for (size_t i = 0; i < LB_COUNT(names); i++)
        if (strcmp(names[i], name) == 0) {
            *ret_effect = (effect)i;
            return true;
        }
    return false;
}

/* ---- the verdict ---- */

LB_PRINTF(3, 0) static void judge_add_va(judge *j, effect e, const char *fmt, va_list args)
{
    effect_verdict *v = &j->verdict;
    if (e < v->effect || (e == v->effect && v->why[0]))
        return;
    v->effect = e;
    if (vsnprintf(v->why, sizeof v->why, fmt, args) >= (int)sizeof v->why)
        tree_trim(v->why);
}

void judge_add(judge *j, effect e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    judge_add_va(j, e, fmt, args);
    va_end(args);
    j->disrupts_otherwise |= e == EFFECT_DISRUPTIVE;
}

void judge_add_ended(judge *j, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    judge_add_va(j, EFFECT_DISRUPTIVE, fmt, args);
    va_end(args);
    j->ends_sessions = true;
}

/* ---- the walk ---- */

/* Nodes that do nothing by themselves; what they contain is walked. */
static const char *const plain_nodes[] = {
    "A_Const",
    "ResTarget",
    "List",
    "ColumnRef",
    "String",
    "A_Expr",
    "TypeCast",
    "RangeVar",
    "TypeName",
    "A_Star",
    "A_ArrayExpr",
    "A_Indices",
    "A_Indirection",
    "Alias",
    "BitString",
    "BoolExpr",
    "Boolean",
    "BooleanTest",
    "CaseExpr",
    "CaseWhen",
    "CTECycleClause",
    "CTESearchClause",
    "CoalesceExpr",
    "CollateClause",
    "ColumnDef",
    "CommonTableExpr",
    "Constraint",
    "CurrentOfExpr",
    "DefElem",
    "Float",
    "GroupingFunc",
    "GroupingSet",
    "IndexElem",
    "InferClause",
    "Integer",
    "IntList",
    "JoinExpr",
    "JsonAggConstructor",
    "JsonArgument",
    "JsonArrayAgg",
    "JsonArrayConstructor",
    "JsonArrayQueryConstructor",
    "JsonBehavior",
    "JsonFormat",
    "JsonFuncExpr",
    "JsonIsPredicate",
    "JsonKeyValue",
    "JsonObjectAgg",
    "JsonObjectConstructor",
    "JsonOutput",
    "JsonParseExpr",
    "JsonReturning",
    "JsonScalarExpr",
    "JsonSerializeExpr",
    "JsonTable",
    "JsonTableColumn",
    "JsonTablePathSpec",
    "JsonValueExpr",
    "MergeSupportFunc",
    "MergeWhenClause",
    "MinMaxExpr",
    "MultiAssignRef",
    "NamedArgExpr",
    "NullTest",
    "OnConflictClause",
    "ParamRef",
    "PartitionElem",
    "RangeFunction",
    "RangeSubselect",
    "RangeTableFunc",
    "RangeTableFuncCol",
    "RangeTableSample",
    "RoleSpec",
    "RowExpr",
    "SetToDefault",
    "SortBy",
    "SQLValueFunction",
    "StatsElem",
    "SubLink",
    "TableLikeClause",
    "VacuumRelation",
    "WindowDef",
    "WithClause",
    "XmlExpr",
    "XmlSerialize",
};

static bool is_plain(const char *kind)
{
    for (size_t i = 0; i < LB_COUNT(plain_nodes); i++)
        if (strcmp(plain_nodes[i], kind) == 0)
            return true;
    return false;
}

static const rule *find_rule(const char *kind)
{
    const rule *const tables[] = {effect_data_rules, effect_ddl_rules};
    for (size_t i = 0; i < LB_COUNT(tables); i++)
        for (const rule *r = tables[i]; r->node; r++)
            if (strcmp(r->node, kind) == 0)
                return r;
    return NULL;
}

static label label_of_statement(const rule *r, tree statement)
{
    for (size_t i = 0; i < LB_COUNT(r->about) && r->about[i]; i++) {
        tree value = tree_get(statement, r->about[i]);
        if (tree_has(value))
            return label_of(value);
    }
    return (label){""};
}

static bool judge_statement(judge *j, const rule *r, tree statement)
{
    if (r->flags & RULE_ALONE)
        j->verdict.in_transaction = false;
    if (r->special)
        return r->special(j, statement);
    bool replaces = (r->flags & RULE_REPLACES) && tree_true(tree_get(statement, "replace"));
    label about = label_of_statement(r, statement);
    judge_add(j, replaces ? EFFECT_DISRUPTIVE : r->effect, "%s%s%s%s", r->verb, about.text[0] ? " " : "", about.text,
              replaces ? ", replacing what may stand there" : "");
    return (r->flags & RULE_INSIDE) != 0;
}

/* Every node below, in the order of the text. Kinds begin with a capital, members of a node never do; of those, SELECT
 * INTO's counts by itself, since the arms of a UNION stand there without their kind. */
static void walk(judge *j, tree root)
{
    const char *end = tree_end(root);
    char key[64];
    tree value;
    for (const char *p = root.at; tree_next_key(p, end, key, sizeof key, &value);) {
        p = value.at;
        bool is_node = isupper((unsigned char)key[0]) || strcmp(key, "intoClause") == 0;
        if (!is_node || is_plain(key))
            continue;
        const rule *r = find_rule(key);
        if (!r)
            judge_add(j, EFFECT_DESTRUCTIVE, "not understood: %s", key);
        if (!r || !judge_statement(j, r, value))
            p = tree_end(value);
    }
}

static void conclude(judge *j)
{
    if (!j->verdict.why[0])
        (void)snprintf(j->verdict.why, sizeof j->verdict.why, "changes nothing"); /* always fits */
    j->verdict.ends_sessions = j->verdict.effect == EFFECT_DISRUPTIVE && j->ends_sessions && !j->disrupts_otherwise;
}

static int judge_tree(judge *j, const char *json, const char *sql)
{
    tree statements = tree_get((tree){json}, "stmts");
    for (tree s = tree_first(statements); s.at; s = tree_next(s)) {
        const script_range range = script_range_of(s, strlen(sql));
        j->source = sql + range.offset;
        j->source_length = range.length;
        j->verdict.statements++;
        walk(j, tree_get(s, "stmt"));
        if (j->failure)
            return j->failure;
    }
    if (j->verdict.statements == 0)
        return lb_fail(j->err, LB_ERR_INVALID, "give at least one statement", "there is no statement in the SQL");
    conclude(j);
    return 0;
}

int effect_of_statement(tree statement, const char *source, size_t source_length, effect_verdict *ret_verdict,
                        lb_error *err)
{
    judge j = {.verdict = {.effect = EFFECT_READ, .in_transaction = true, .statements = 1},
               .source = source,
               .source_length = source_length,
               .err = err};
    walk(&j, statement);
    if (j.failure)
        return j.failure;
    conclude(&j);
    *ret_verdict = j.verdict;
    return 0;
}

int effect_check_text(const char *sql, lb_error *err)
{
    size_t length = strnlen(sql, SQL_LIMIT + 1);
    if (length > SQL_LIMIT)
        return lb_fail(err, LB_ERR_LIMIT, "split it into several changes", "the SQL is longer than %zu bytes",
                       SQL_LIMIT);
    if (!json_is_utf8(sql, length))
        return lb_fail(err, LB_ERR_INVALID, "save the statement as UTF-8", "the SQL is not UTF-8");
    if (!effect_chain_is_short(sql))
        return lb_fail(err, LB_ERR_LIMIT,
                       "break the longest expression up: use a list, a temporary table or several changes",
                       "the SQL is nested too deeply to be checked");
    return 0;
}

void judge_text(judge *j, const char *sql)
{
    lb_error unseen;
    int r = effect_check_text(sql, &unseen);
    PgQueryParseResult parsed = r < 0 ? (PgQueryParseResult){0} : pg_query_parse(sql);
    if (r < 0 || parsed.error || !parsed.parse_tree) {
        judge_add(j, EFFECT_DESTRUCTIVE, "runs code that cannot be seen through: %.80s", sql);
    } else {
        tree statements = tree_get((tree){parsed.parse_tree}, "stmts");
        for (tree s = tree_first(statements); s.at; s = tree_next(s))
            walk(j, tree_get(s, "stmt"));
    }
    pg_query_free_parse_result(parsed);
}

int effect_of_sql(const char *sql, effect_verdict *ret_verdict, lb_error *err)
{
    int r = effect_check_text(sql, err);
    if (r < 0)
        return r;
    judge j = {.verdict = {.effect = EFFECT_READ, .in_transaction = true}, .err = err};
    PgQueryParseResult parsed = pg_query_parse(sql);
    if (parsed.error)
        r = lb_fail(err, LB_ERR_INVALID, "correct the statement; nothing was executed",
                    "the SQL does not parse: %s (at character %d)", parsed.error->message, parsed.error->cursorpos);
    else
        r = judge_tree(&j, parsed.parse_tree ? parsed.parse_tree : "{}", sql);
    pg_query_free_parse_result(parsed);
    if (r == 0)
        *ret_verdict = j.verdict;
    return r;
}
