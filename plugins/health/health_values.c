#include "health_values.h"

#include <lbops/sqltext.h>

#include <stdio.h>
#include <stdlib.h>

#define LONGEST 12 /* "$2147483647" */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_comment(const char *p)
{
    return strncmp(p, "--", 2) == 0 || strncmp(p, "/*", 2) == 0;
}

static bool is_value(const char *text, const char *p, const char *end)
{
    bool is_number = is_digit(*p) && (p == text || p[-1] != '$');
    bool is_dollars = *p == '$' && end > p + 1;
    return is_number || is_dollars || (*p != '"' && end > p + 1 && end[-1] == '\'');
}

/* Behind the piece at p, and of a value all of it: a quoted text goes on behind a doubled quote, a number behind its
 * point. NULL: it does not end. */
static const char *piece_end(const char *p)
{
    const char *end = lb_sql_skip(p);
    while (end && *p != '"' && end > p + 1 && end[-1] == '\'' && *end == '\'')
        end = lb_sql_skip_quoted(end, *p != '\'');
    while (end && is_digit(*p) && (lb_sql_is_word(*end) || *end == '.'))
        end++;
    return end;
}

/* A server may take a backslash for an escape: then the text ends elsewhere. */
static bool is_sure(const char *p, const char *end)
{
    return *p != '\'' || !memchr(p, '\\', (size_t)(end - p));
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

const char *health_without_values(lb_ctx *ctx, const char *text)
{
    char *copy = lb_alloc(ctx, LONGEST * (strlen(text) + 1)), *to = copy;
    long next = highest(text);
    for (const char *p = text; copy && *p;) {
        const char *end = piece_end(p);
        if (!end || !is_sure(p, end))
            return NULL;
        if (is_comment(p)) {
            *to++ = ' ';
        } else if (is_value(text, p, end)) {
            to += snprintf(to, LONGEST, "$%ld", ++next);
        } else {
            memcpy(to, p, (size_t)(end - p));
            to += end - p;
        }
        p = end;
    }
    while (to > copy && strchr(" \t\r\n;", to[-1]))
        to--;
    if (copy)
        *to = '\0';
    return copy;
}
