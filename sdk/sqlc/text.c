/* text.c: the SQL lexer, as far as parameters need it: what is quoted or commented holds none. */
#include "nearest.h"
#include "sqlc.h"

typedef enum token {
    TOKEN_SPACE,
    TOKEN_COMMENT,
    TOKEN_QUOTED,
    TOKEN_WORD,
    TOKEN_PARAM,
    TOKEN_POSITIONAL, /* $1 */
    TOKEN_SEMICOLON,
    TOKEN_OTHER,
    TOKEN_OPEN_END /* a quote or comment that never ends */
} token;

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || ((unsigned char)c & 0x80);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '$';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static const char *skip_word(const char *p, const char *end)
{
    while (p < end && is_word(*p))
        p++;
    return p;
}

/* p stands behind the opening quote; NULL when there is no closing one. */
static const char *skip_quoted(const char *p, const char *end, char quote, bool backslashes)
{
    while (p < end) {
        bool escapes = p + 1 < end && ((backslashes && *p == '\\') || (*p == quote && p[1] == quote));
        if (!escapes && *p == quote)
            return p + 1;
        p += escapes ? 2 : 1;
    }
    return NULL;
}

static const char *skip_comment(const char *p, const char *end)
{
    unsigned depth = 0;
    while (p + 1 < end) {
        bool opens = p[0] == '/' && p[1] == '*', closes = p[0] == '*' && p[1] == '/';
        depth += opens;
        depth -= closes;
        p += opens || closes ? 2 : 1;
        if (!depth)
            return p;
    }
    return NULL;
}

/* $$ or $tag$, up to the same again. */
static token scan_dollar(const char *p, const char *end, const char **ret_end)
{
    const char *tag_end = p + 1;
    while (tag_end < end && *tag_end != '$' && is_word(*tag_end))
        tag_end++;
    if (p + 1 < end && is_digit(p[1])) {
        *ret_end = skip_word(p + 1, end);
        return TOKEN_POSITIONAL;
    }
    if (tag_end == end || *tag_end != '$') {
        *ret_end = p + 1;
        return TOKEN_OTHER;
    }
    size_t tag = (size_t)(tag_end + 1 - p);
    const char *close = memmem(p + tag, (size_t)(end - p) - tag, p, tag);
    *ret_end = close ? close + tag : end;
    return close ? TOKEN_QUOTED : TOKEN_OPEN_END;
}

static token scan_colon(const char *p, const char *end, const char **ret_end)
{
    char next = p + 1 < end ? p[1] : '\0';
    *ret_end = p + 1 + (next == ':' || next == '=');
    if (!is_letter(next))
        return TOKEN_OTHER;
    const char *q = p + 1;
    while (q < end && (is_letter(*q) || is_digit(*q)))
        q++;
    *ret_end = q;
    return TOKEN_PARAM;
}

static token scan_closed(const char *close, const char *end, token kind, const char **ret_end)
{
    *ret_end = close ? close : end;
    return close ? kind : TOKEN_OPEN_END;
}

/* The token at p (p < end) and where it ends. */
static token scan(const char *p, const char *end, const char **ret_end)
{
    const char *q = p + 1;
    char next = q < end ? *q : '\0';
    *ret_end = q;
    if (is_space(*p)) {
        while (q < end && is_space(*q))
            q++;
        *ret_end = q;
        return TOKEN_SPACE;
    }
    if (*p == '-' && next == '-') {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        *ret_end = newline ? newline : end;
        return TOKEN_COMMENT;
    }
    if (*p == '/' && next == '*') /* a comment with a plus is a hint for the planner: it stays */
        return scan_closed(skip_comment(p, end), end, end - p > 2 && p[2] == '+' ? TOKEN_OTHER : TOKEN_COMMENT,
                           ret_end);
    if ((*p == 'e' || *p == 'E') && next == '\'')
        return scan_closed(skip_quoted(p + 2, end, '\'', true), end, TOKEN_QUOTED, ret_end);
    if (*p == '\'' || *p == '"')
        return scan_closed(skip_quoted(q, end, *p, false), end, TOKEN_QUOTED, ret_end);
    if (*p == '$')
        return scan_dollar(p, end, ret_end);
    if (*p == ':')
        return scan_colon(p, end, ret_end);
    if (is_word(*p)) {
        *ret_end = skip_word(p, end);
        return TOKEN_WORD;
    }
    return *p == ';' ? TOKEN_SEMICOLON : TOKEN_OTHER;
}

/* ---- cutting ------------------------------------------------------------------------------------------------------
 */

static int find_param(const sql_statement *s, const char *name)
{
    for (size_t i = 0; i < s->param_count; i++)
        if (strcmp(s->params[i].name, name) == 0)
            return (int)i;
    return -1;
}

static void report_undeclared(sqlc *c, const sql_statement *s, size_t offset, const char *name)
{
    const char **names = sqlc_alloc(c, (s->param_count + 1) * sizeof(const char *));
    for (size_t i = 0; i < s->param_count; i++)
        names[i] = s->params[i].name;
    const char *nearest = nearest_name(name, names, s->param_count);
    const char *hint = nearest ? sqlc_printf(c, "did you mean :%s?", nearest)
                               : sqlc_printf(c,
                                             "add a line '-- param %s TYPE'; in an array slice put a blank behind the "
                                             "colon",
                                             name);
    sqlc_problem(c, &s->file, offset, hint, "the parameter :%s is not declared", name);
}

/* A word, quote or dollar that touches a parameter would become part of what is put there. */
static void check_touching(sqlc *c, const sql_statement *s, const sql_variant *v, size_t begin, size_t end)
{
    const char *text = s->file.text;
    char before = begin > v->begin ? text[begin - 1] : ' ', after = end < v->end ? text[end] : ' ';
    if (is_word(before) || before == '\'' || before == '"' || is_word(after) || after == '\'' || after == '"')
        sqlc_problem(c, &s->file, begin, "put a blank between them",
                     "the parameter :%.*s touches what stands beside it", (int)(end - begin - 1), text + begin + 1);
}

static void take_param(sqlc *c, sql_statement *s, sql_variant *v, size_t *piece_begin, size_t begin, size_t end)
{
    const char *name = sqlc_strndup(c, s->file.text + begin + 1, end - begin - 1);
    int index = find_param(s, name);
    check_touching(c, s, v, begin, end);
    if (index < 0) {
        report_undeclared(c, s, begin, name);
        return;
    }
    s->params[index].uses++;
    v->pieces[v->piece_count++] =
        (sql_piece){.begin = *piece_begin, .end = begin, .param = index, .param_offset = begin};
    *piece_begin = end;
}

static size_t count_colons(const char *p, const char *end)
{
    size_t count = 0;
    for (; p < end; p++)
        count += *p == ':';
    return count;
}

/* Semicolons at the end may stand; they are no part of the statement, nor are the blanks around it. */
static void trim(const sql_statement *s, sql_variant *v)
{
    const char *p = s->file.text + v->begin, *end = s->file.text + v->end, *next, *significant = p;
    for (; p < end; p = next) {
        token kind = scan(p, end, &next);
        if (kind != TOKEN_SPACE && kind != TOKEN_COMMENT && kind != TOKEN_SEMICOLON)
            significant = next;
    }
    v->end = (size_t)(significant - s->file.text);
    while (v->begin < v->end && is_space(s->file.text[v->begin]))
        v->begin++;
}

void text_cut(sqlc *c, sql_statement *s, sql_variant *v)
{
    trim(s, v);
    const char *text = s->file.text, *p = text + v->begin, *end = text + v->end, *next;
    size_t begin = v->begin;
    v->pieces = sqlc_alloc(c, (count_colons(p, end) + 1) * sizeof *v->pieces);
    for (; p < end; p = next) {
        token kind = scan(p, end, &next);
        size_t offset = (size_t)(p - text);
        if (kind == TOKEN_PARAM)
            take_param(c, s, v, &begin, offset, (size_t)(next - text));
        else if (kind == TOKEN_POSITIONAL)
            sqlc_problem(c, &s->file, offset, "declare a parameter and write :name", "%.*s is no parameter here",
                         (int)(next - p), p);
        else if (kind == TOKEN_OPEN_END)
            sqlc_problem(c, &s->file, offset, NULL, "a quote or comment begins here and does not end");
        else if (kind == TOKEN_SEMICOLON && s->kind == LB_STATEMENT_FRAGMENT)
            sqlc_problem(c, &s->file, offset, "a fragment is a piece of one statement", "a semicolon in a fragment");
    }
    if (v->begin == v->end)
        sqlc_problem(c, &s->file, v->offset, "write the SQL below the header", "there is no statement");
    v->pieces[v->piece_count++] = (sql_piece){.begin = begin, .end = v->end, .param = -1, .param_offset = v->end};
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

/* Blanks and comments between two tokens become one line end with its indentation, or a blank. */
static const char *skip_blanks(const char *p, const char *end, const char **ret_line)
{
    const char *next;
    *ret_line = NULL;
    for (; p < end; p = next) {
        token kind = scan(p, end, &next);
        if (kind != TOKEN_SPACE && kind != TOKEN_COMMENT)
            break;
        const char *newline = kind == TOKEN_SPACE ? memrchr(p, '\n', (size_t)(next - p)) : NULL;
        if (newline)
            *ret_line = newline;
    }
    return p;
}

void text_plain(buf *b, const source *file, const sql_piece *piece, bool first, bool last)
{
    const char *p = file->text + piece->begin, *end = file->text + piece->end, *next, *line;
    bool start = first;
    while (p < end) {
        next = skip_blanks(p, end, &line);
        if (next > p) {
            if (!start && !(last && next == end) && line)
                buf_put(b, line, strspn(line, "\n\t "));
            else if (!start && !(last && next == end))
                buf_putc(b, ' ');
            p = next;
            continue;
        }
        (void)scan(p, end, &next); /* only its end matters here */
        buf_put(b, p, (size_t)(next - p));
        p = next;
        start = false;
    }
}
