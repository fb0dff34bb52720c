#include "definition.h"

#include "effect_tree.h"
#include "json.h"

#include <pg_query.h>

#define DEPTH_MAX 200 /* brackets in brackets */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (c & 0x80) != 0;
}

/* Behind a quoted text that begins at p; NULL when it does not end. A doubled quote ends and begins again. */
static const char *skip_quoted(const char *p, bool escapes)
{
    char quote = *p++;
    while (*p && *p != quote)
        p += escapes && *p == '\\' && p[1] ? 2 : 1;
    return *p ? p + 1 : NULL;
}

/* Behind $tag$...$tag$, or behind the dollar where it is no such quote. */
static const char *skip_dollars(const char *p)
{
    const char *tag = p + 1;
    while (is_word(*tag) && *tag != '$')
        tag++;
    if (*tag != '$' || (p[1] >= '0' && p[1] <= '9'))
        return p + 1;
    size_t length = (size_t)(tag - p) + 1;
    for (const char *q = tag + 1; *q; q++)
        if (strncmp(q, p, length) == 0)
            return q + length;
    return NULL;
}

static const char *skip_word(const char *p)
{
    while (is_word(*p))
        p++;
    return p;
}

/* Behind the token at p, whatever has no quotes being one character; NULL: it does not end, or is a comment. */
static const char *skip_token(const char *p)
{
    if (strncmp(p, "--", 2) == 0 || strncmp(p, "/*", 2) == 0)
        return NULL;
    if ((*p == 'E' || *p == 'e') && p[1] == '\'')
        return skip_quoted(p + 1, true);
    if (*p == '\'' || *p == '"')
        return skip_quoted(p, false);
    if (*p == '$')
        return skip_dollars(p);
    return is_word(*p) ? skip_word(p) : p + 1;
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
