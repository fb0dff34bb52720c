#include "effect_rules.h"

#include <ctype.h>

/* How deep the parser's tree may become, told from the tokens before anything is parsed.
 *
 * libpg_query writes its tree by recursion and has no guard of its own: 1+1+1+... a hundred thousand times long ends
 * the process. A tree is at most as deep as the longest chain of tokens that no comma ends: the items of a list are
 * siblings, so a comma starts anew inside its own brackets, and a semicolon everywhere. UNION and its relatives chain
 * across commas. Measured with libpg_query 17: 128 bytes of stack per token at most, so that the limit stays under 4
 * MB. */
#define OPEN_LIMIT  512
#define CHAIN_LIMIT 16384

typedef struct lexer {
    const unsigned char *p;
    size_t chain; /* tokens of all segments that are open */
    struct {
        size_t start, peak; /* the chain's length where the bracket opened, and its longest before a comma in it */
    } open[OPEN_LIMIT];
    size_t depth, set_operations;
} lexer;

static bool is_word(unsigned char c)
{
    return isalnum(c) || c == '_' || c == '$' || c >= 0x80;
}

static const unsigned char *past_block_comment(const unsigned char *p)
{
    size_t depth = 0;
    do {
        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p += 2;
        } else if (p[0] == '*' && p[1] == '/') {
            depth--;
            p += 2;
        } else if (*p) {
            p++;
        }
    } while (depth > 0 && *p);
    return p;
}

static const unsigned char *past_quoted(const unsigned char *p, bool escapes)
{
    unsigned char quote = *p++;
    for (; *p; p++) {
        bool pair = (escapes && *p == '\\' && p[1]) || (*p == quote && p[1] == quote);
        if (pair)
            p++;
        else if (*p == quote)
            return p + 1;
    }
    return p;
}

static const unsigned char *past_space(const unsigned char *p)
{
    for (;;) {
        if (p[0] == '-' && p[1] == '-')
            p += strcspn((const char *)p, "\r\n");
        else if (isspace(*p))
            p++;
        else
            return p;
    }
}

/* $tag$ ... $tag$; where it is no such thing, past the dollar. */
static const unsigned char *past_dollar(const unsigned char *p)
{
    const unsigned char *q = p + 1;
    while (*q && *q != '$' && is_word(*q))
        q++;
    if (*q != '$' || isdigit(p[1]))
        return p + 1;
    size_t length = (size_t)(q - p) + 1;
    for (const unsigned char *body = p + length; *body; body++)
        if (*body == '$' && strncmp((const char *)body, (const char *)p, length) == 0)
            return body + length;
    return q + strlen((const char *)q);
}

static bool is_set_operation(const unsigned char *word, size_t length)
{
    static const char *const words[] = {"union", "intersect", "except"};
    for (size_t i = 0; i < LB_COUNT(words); i++)
        if (strlen(words[i]) == length && strncasecmp((const char *)word, words[i], length) == 0)
            return true;
    return false;
}

static void take_word(lexer *x)
{
    const unsigned char *start = x->p;
    while (is_word(*x->p))
        x->p++;
    size_t length = (size_t)(x->p - start);
    x->chain++;
    x->set_operations += is_set_operation(start, length);
    if (*x->p != '\'')
        return;
    bool escapes = length == 1 && (*start == 'e' || *start == 'E');
    x->p = past_quoted(x->p, escapes);
    while (escapes && *past_space(x->p) == '\'') /* E'..' goes on, with its escapes, where another string follows */
        x->p = past_quoted(past_space(x->p), true);
}

static void end_segment(lexer *x, unsigned char mark)
{
    if (x->depth == 0) {
        x->chain = 0;
        x->set_operations = mark == ';' ? 0 : x->set_operations;
        return;
    }
    size_t i = x->depth - 1;
    x->open[i].peak = x->chain > x->open[i].peak ? x->chain : x->open[i].peak;
    x->chain = x->open[i].start;
}

static bool take_mark(lexer *x)
{
    unsigned char c = *x->p++;
    x->chain++;
    if (c == '(' || c == '[') {
        if (x->depth == OPEN_LIMIT)
            return false;
        x->open[x->depth].start = x->open[x->depth].peak = x->chain;
        x->depth++;
    } else if ((c == ')' || c == ']') && x->depth > 0) {
        x->depth--;
        x->chain = x->open[x->depth].peak > x->chain ? x->open[x->depth].peak : x->chain;
    } else if (c == ',' || c == ';') {
        end_segment(x, c);
    }
    return true;
}

bool effect_chain_is_short(const char *sql)
{
    lexer x = {.p = (const unsigned char *)sql};
    while (*x.p) {
        x.p = past_space(x.p);
        if (x.p[0] == '/' && x.p[1] == '*')
            x.p = past_block_comment(x.p);
        else if (*x.p == '\'' || *x.p == '"')
            x.p = (x.chain++, past_quoted(x.p, false));
        else if (*x.p == '$')
            x.p = (x.chain++, past_dollar(x.p));
        else if (is_word(*x.p))
            take_word(&x);
        else if (*x.p && !take_mark(&x))
            return false;
        if (x.chain + x.set_operations > CHAIN_LIMIT)
            return false;
    }
    return true;
}
