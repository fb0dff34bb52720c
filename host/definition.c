#include "definition.h"

#include "effect_tree.h"
#include "json.h"

#include <lbops/sqltext.h>
#include <pg_query.h>

#define DEPTH_MAX 200 /* brackets in brackets */

/* Behind a hint for the planner: a comment without another one in it. */
static const char *skip_hint(const char *p)
{
    const char *end = strstr(p + 3, "*/"), *inner = strstr(p + 3, "/*");
    return end && (!inner || inner > end) ? end + 2 : NULL;
}

/* Behind the token at p; NULL: it does not end, or is a comment. */
static const char *skip_token(const char *p)
{
    if (strncmp(p, "/*+", 3) == 0)
        return skip_hint(p);
    return strncmp(p, "--", 2) == 0 || strncmp(p, "/*", 2) == 0 ? NULL : lb_sql_skip(p);
}

static bool is_closed(const char *text)
{
    char open[DEPTH_MAX];
    size_t depth = 0;
    for (const char *p = text, *next; *p; p = next) {
        next = skip_token(p);
        if (!next)
            return false;
        if (*p == '(' || *p == '[') {
            if (depth == DEPTH_MAX)
                return false;
            open[depth++] = *p == '(' ? ')' : ']';
        } else if ((*p == ')' || *p == ']') && (depth == 0 || open[--depth] != *p)) {
            return false;
        }
    }
    return depth == 0;
}

int definition_check(const char *text, lb_error *err)
{
    if (!*text || !json_is_utf8(text, strlen(text)) || !is_closed(text))
        return lb_fail(err, LB_ERR_INVALID, "give it as the server prints it", "'%.100s' is not closed in itself",
                       text);
    return 0;
}

static bool is_one_statement(const char *parsed)
{
    tree statements = tree_get((tree){parsed}, "stmts");
    tree alters = tree_node(tree_get(tree_first(statements), "stmt"), "AlterTableStmt");
    return tree_count(statements) == 1 && tree_count(tree_get(alters, "cmds")) <= 1;
}

int definition_check_statement(const char *text, lb_error *err)
{
    static const char hint[] = "what the server prints is taken, one statement at a time";
    PgQueryParseResult parsed = pg_query_parse(text);
    int r = 0;
    if (parsed.error)
        r = lb_fail(err, LB_ERR_INVALID, hint, "%.200s: %.200s", parsed.error->message, text);
    else if (!is_one_statement(parsed.parse_tree))
        r = lb_fail(err, LB_ERR_INVALID, hint, "'%.200s' is not one statement with one command", text);
    pg_query_free_parse_result(parsed);
    return r;
}
