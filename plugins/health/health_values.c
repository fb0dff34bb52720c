#include "health_values.h"

#include <lbops/sqltext.h>

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_comment(const char *p)
{
    return strncmp(p, "--", 2) == 0 || strncmp(p, "/*", 2) == 0;
}

/* Where the quotes of a text begin, which may have a letter or two before them: E'', B'', X'', N'', U&''. NULL: no text
 * is here. */
static const char *quotes_of(const char *p)
{
    bool has_letter = *p && strchr("eEbBxXnN", *p), has_two = strncasecmp(p, "u&", 2) == 0;
    const char *quotes = p + (has_two ? 2 : has_letter ? 1 : 0);
    return *quotes == '\'' ? quotes : NULL;
}

static bool is_value(const char *text, const char *p, const char *end)
{
    bool is_number = is_digit(*p) && (p == text || p[-1] != '$');
    bool is_dollars = *p == '$' && end > p + 1;
    return is_number || is_dollars || quotes_of(p);
}

/* U&'...' has its own escape, which stands behind it: UESCAPE '!'. */
static const char *behind_escape(const char *end)
{
    const char *p = lb_sql_skip_blanks(end);
    if (strncasecmp(p, "uescape", strlen("uescape")) != 0)
        return end;
    p = lb_sql_skip_blanks(p + strlen("uescape"));
    return *p == '\'' ? lb_sql_skip_quoted(p, false) : end;
}

/* A text goes on behind a doubled quote, and on a later line. */
static const char *text_end(const char *p, const char *quotes)
{
    const char *end = NULL;
    while (quotes && *quotes == '\'') {
        end = lb_sql_skip_quoted(quotes, *p == 'e' || *p == 'E');
        quotes = end && *end != '\'' ? lb_sql_skip_blanks(end) : end;
    }
    return end && (*p == 'u' || *p == 'U') ? behind_escape(end) : end;
}

/* Behind the piece at p, and of a value all of it: a number goes on behind its point. NULL: it does not end. */
static const char *piece_end(const char *p)
{
    const char *quotes = quotes_of(p), *end = quotes ? text_end(p, quotes) : lb_sql_skip(p);
    while (end && is_digit(*p) && (lb_sql_is_word(*end) || *end == '.'))
        end++;
    return end;
}

/* A server may take a backslash for an escape: then the text ends elsewhere. */
static bool is_sure(const char *p, const char *end)
{
    bool may_escape = quotes_of(p) && strchr("'nN", *p);
    return !may_escape || !memchr(p, '\\', (size_t)(end - p));
}

static long highest(const char *text)
{
    long most = 0;
    for (const char *p = strchr(text, '$'); p; p = strchr(p + 1, '$')) {
        long number = is_digit(p[1]) ? strtol(p + 1, NULL, 10) : 0;
        most = number > most && number < 100000 ? number : most;
    }
    return most;
}

bool health_take_values(const char *text, char *into)
{
    char *to = into;
    long next = highest(text);
    for (const char *p = text; *p;) {
        const char *end = piece_end(p);
        if (!end || !is_sure(p, end))
            return false;
        if (is_comment(p)) {
            *to++ = ' ';
        } else if (is_value(text, p, end)) {
            to += snprintf(to, HEALTH_LONGEST_VALUE, "$%ld", ++next);
        } else {
            memcpy(to, p, (size_t)(end - p));
            to += end - p;
        }
        p = end;
    }
    while (to > into && strchr(" \t\r\n;", to[-1]))
        to--;
    *to = '\0';
    return true;
}

const char *health_without_values(lb_ctx *ctx, const char *text)
{
    char *copy = lb_alloc(ctx, HEALTH_LONGEST_VALUE * (strlen(text) + 1));
    return copy && health_take_values(text, copy) ? copy : NULL;
}
