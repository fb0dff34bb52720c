/* What the server's errors repeat of rows and of what somebody wrote: these are values, whatever they look like. */
#include "redact.h"

#include <ctype.h>

#define SIGHT 200 /* of a message, before what it quotes */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool ends_with(const char *text, size_t length, const char *end)
{
    size_t n = strlen(end);
    return length >= n && strncasecmp(text + length - n, end, n) == 0;
}

/* invalid input syntax for type integer: "x", of what stands in the same line before it. */
static bool complains_of_value(const char *text, size_t length)
{
    static const char *const heads[] = {"invalid", "malformed", "out of range", "unrecognized", "COPY", "cannot cast"};
    char line[SIGHT + 1];
    size_t n = least(length, SIGHT);
    memcpy(line, text + length - n, n);
    line[n] = '\0';
    const char *from = strrchr(line, '\n') ? strrchr(line, '\n') : line;
    for (size_t i = 0; i < LB_COUNT(heads); i++)
        if (strcasestr(from, heads[i]))
            return true;
    return false;
}

static bool is_value_by_words_around(const char *text, size_t length, const char *after)
{
    static const char *const before[] = {"value ", "token ", "time zone ", "near ", "literal ", "digit ", "character "};
    static const char *const behind[] = {" is out of range", " is not a valid", " is not valid", " not recognized"};
    for (size_t i = 0; i < LB_COUNT(before); i++)
        if (ends_with(text, length, before[i]))
            return true;
    for (size_t i = 0; i < LB_COUNT(behind); i++)
        if (strncasecmp(after, behind[i], strlen(behind[i])) == 0)
            return true;
    return ends_with(text, length, ": ") && complains_of_value(text, length);
}

/* A value with a quote in it goes on to its last one in the line: the server does not double them. */
static size_t after_quotes(const char *text, const char *at)
{
    size_t before = (size_t)(at - text), line = strcspn(at, "\r\n"), last = 0;
    const char *end = memchr(at + 1, '"', line - 1);
    if (!end || !is_value_by_words_around(text, before, end + 1))
        return 0;
    last = (size_t)(end - at) + 1;
    for (size_t i = last; i < line && ends_with(text, before, ": "); i++)
        if (at[i] == '"')
            last = i + 1;
    return last;
}

/* Key (a)=(x) already exists; Failing row contains (1, x): to the last bracket, as values have some, and lines, too. */
static size_t after_brackets(const char *text, const char *at)
{
    size_t before = (size_t)(at - text);
    const char *last = strrchr(at, ')');
    if (!ends_with(text, before, ")=") && !ends_with(text, before, "row contains "))
        return 0;
    return last ? (size_t)(last - at) + 1 : strlen(at);
}

/* JSON data, line 1: {"a": x...  to the end of its line: what of the document was read when it went wrong. */
static size_t after_document(const char *text, const char *at)
{
    static const char head[] = "JSON data, line ";
    size_t before = (size_t)(at - text);
    if (!ends_with(text, before, ": "))
        return 0;
    const char *number = at - 2;
    while (number > text && isdigit((unsigned char)number[-1]))
        number--;
    return number < at - 2 && ends_with(text, (size_t)(number - text), head) ? strcspn(at, "\r\n") : 0;
}

size_t redact_error_value(const char *text, const char *at)
{
    size_t document = after_document(text, at);
    if (document)
        return document;
    return *at == '"' ? after_quotes(text, at) : *at == '(' ? after_brackets(text, at) : 0;
}
