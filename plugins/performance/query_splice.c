#include "query_splice.h"

#include "parsed.h"

#include <lbops/sqltext.h>

/* p stands at an opening bracket: where the one is that closes it, or NULL. */
static const char *closing(const char *p)
{
    size_t depth = 0;
    while (p && *p) {
        depth += *p == '(';
        depth -= *p == ')';
        if (!depth)
            return p;
        p = lb_sql_skip(p);
    }
    return NULL;
}

/* ---- NOT IN ---- */

static bool is_of_column(parsed *negated, void *arg)
{
    int64_t *places = arg;
    parsed *link = parsed_member(parsed_item(parsed_member(negated, "args"), 0), "SubLink");
    parsed *column = parsed_member(parsed_member(link, "testexpr"), "ColumnRef");
    if (strcmp(parsed_text(negated, "boolop"), "NOT_EXPR") != 0 || !column || parsed_member(link, "operName") ||
        strcmp(parsed_text(link, "subLinkType"), "ANY_SUBLINK") != 0)
        return false;
    places[0] = parsed_place(column);
    places[1] = parsed_place(negated);
    return places[0] < places[1]; /* NOT (a IN ...) begins with its NOT */
}

/* Behind `word` at p, and the blanks after it; NULL: something else stands there. */
static const char *skip_word(const char *p, const char *word)
{
    size_t length = strlen(word);
    return p && strncasecmp(p, word, length) == 0 ? p + length + strspn(p + length, " \t\r\n") : NULL;
}

bool query_find_not_in(const char *text, query_not_in *ret_found)
{
    int64_t places[2] = {0};
    parsed *tree = parsed_sql(text);
    bool found = parsed_find(tree, "BoolExpr", is_of_column, places) != NULL;
    parsed_free(tree);
    size_t begin = (size_t)places[0], negation = (size_t)places[1], operand = negation - begin;
    if (!found || negation >= strlen(text))
        return false;
    const char *open = skip_word(skip_word(text + negation, "NOT"), "IN"), *close = NULL;
    if (open && *open == '(')
        close = closing(open);
    if (!close)
        return false;
    while (operand && strchr(" \t\r\n", text[begin + operand - 1]))
        operand--;
    *ret_found = (query_not_in){.whole = {begin, (size_t)(close - text) + 1 - begin},
                                .operand = {begin, operand},
                                .subquery = {(size_t)(open - text) + 1, (size_t)(close - open) - 1}};
    return true;
}
