/* lbops/sqltext.h: where the pieces of a SQL text end, by the server's own rules of quotes and comments. Pure. */
#ifndef LBOPS_SQLTEXT_H
#define LBOPS_SQLTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Part of a name, a keyword or a number; bytes of other alphabets are, too. */
static inline bool lb_sql_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (c & 0x80) != 0;
}

/* Behind the quoted text that begins at p; NULL: it does not end. A doubled quote ends and begins again. */
static inline const char *lb_sql_skip_quoted(const char *p, bool escapes)
{
    char quote = *p++;
    while (*p && *p != quote)
        p += escapes && *p == '\\' && p[1] ? 2 : 1;
    return *p ? p + 1 : NULL;
}

/* Behind $tag$...$tag$, or behind the dollar where it is no such quote; NULL: it does not end. */
static inline const char *lb_sql_skip_dollars(const char *p)
{
    const char *tag = p + 1;
    while (lb_sql_is_word(*tag) && *tag != '$')
        tag++;
    if (*tag != '$' || (p[1] >= '0' && p[1] <= '9'))
        return p + 1;
    size_t length = (size_t)(tag - p) + 1;
    for (const char *q = tag + 1; *q; q++)
        if (strncmp(q, p, length) == 0)
            return q + length;
    return NULL;
}

/* Behind the comment at p, or p itself where there is none; NULL: it does not end. A line ends where the server says
 * that it does, and comments stand in comments. */
static inline const char *lb_sql_skip_comment(const char *p)
{
    int depth = 0;
    if (strncmp(p, "--", 2) == 0)
        return p + strcspn(p, "\r\n");
    if (strncmp(p, "/*", 2) != 0)
        return p;
    do {
        bool opens = strncmp(p, "/*", 2) == 0, closes = strncmp(p, "*/", 2) == 0;
        depth += opens - closes;
        p += opens || closes ? 2 : 1;
    } while (*p && depth > 0);
    return depth ? NULL : p;
}

/* Behind blanks and comments to a line's end. */
static inline const char *lb_sql_skip_blanks(const char *p)
{
    for (;;) {
        p += strspn(p, " \t\r\n\f\v");
        if (strncmp(p, "--", 2) != 0)
            return p;
        p += strcspn(p, "\r\n");
    }
}

/* E'...' goes on, with its escapes, where another text follows on a later line. */
static inline const char *lb_sql_skip_escaped(const char *p)
{
    while (p && *p == '\'') {
        p = lb_sql_skip_quoted(p, true);
        const char *next = p ? lb_sql_skip_blanks(p) : NULL;
        if (!next || *next != '\'')
            break;
        p = next;
    }
    return p;
}

/* Behind the piece at p: a comment, a quoted text, a word, or one other character; NULL: it does not end. */
static inline const char *lb_sql_skip(const char *p)
{
    if (strncmp(p, "--", 2) == 0 || strncmp(p, "/*", 2) == 0)
        return lb_sql_skip_comment(p);
    if ((*p == 'E' || *p == 'e') && p[1] == '\'')
        return lb_sql_skip_escaped(p + 1);
    if (*p == '\'' || *p == '"')
        return lb_sql_skip_quoted(p, false);
    if (*p == '$')
        return lb_sql_skip_dollars(p);
    if (!lb_sql_is_word(*p))
        return p + 1;
    while (lb_sql_is_word(*p))
        p++;
    return p;
}

/* Comments become blanks, in place, but for hints to a planner, which begin with a plus. One that does not end is
 * blanked to the end; from a text that does not end on, all stays as it is. */
static inline void lb_sql_blank_comments(char *text)
{
    for (char *p = text; *p;) {
        bool is_hint = strncmp(p, "/*+", 3) == 0;
        const char *behind = lb_sql_skip_comment(p);
        size_t length = behind ? (size_t)(behind - p) : strlen(p);
        if (length && !is_hint)
            memset(p, ' ', length);
        behind = length ? behind : lb_sql_skip(p);
        if (!behind)
            break;
        p += behind - p;
    }
}

#ifdef __cplusplus
}
#endif
#endif
