#include "effect_script.h"

#include <ctype.h>
#include <pg_query.h>

/* ---- places ---- */

static const char *past_comment(const char *p, const char *end)
{
    size_t depth = 0;
    do {
        if (p + 1 < end && p[0] == '/' && p[1] == '*') {
            depth++;
            p += 2;
        } else if (p + 1 < end && p[0] == '*' && p[1] == '/') {
            depth--;
            p += 2;
        } else {
            p++;
        }
    } while (depth > 0 && p < end);
    return p;
}

/* The first byte of `text` that is neither blank nor comment. */
static const char *script_skip(const char *text, const char *end)
{
    const char *p = text;
    while (p < end) {
        if (isspace((unsigned char)*p) || *p == ';')
            p++;
        else if (p + 1 < end && p[0] == '-' && p[1] == '-')
            while (p < end && *p != '\n')
                p++;
        else if (p + 1 < end && p[0] == '/' && p[1] == '*')
            p = past_comment(p, end);
        else
            break;
    }
    return p;
}

script_place script_place_of(const char *text, size_t offset)
{
    script_place place = {1, 1};
    for (size_t i = 0; i < offset && text[i]; i++) {
        if (text[i] == '\n')
            place = (script_place){place.line + 1, 1};
        else
            place.column += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return place;
}

/* The parser counts from the semicolon before, and leaves the length out where the text ends. */
script_range script_range_of(tree raw_statement, size_t text_length)
{
    size_t offset = (size_t)tree_number(tree_get(raw_statement, "stmt_location"));
    size_t length = (size_t)tree_number(tree_get(raw_statement, "stmt_len"));
    offset = offset < text_length ? offset : text_length;
    length = length && length < text_length - offset ? length : text_length - offset;
    return (script_range){offset, length};
}

static script_range trimmed(const char *text, script_range range)
{
    const char *end = text + range.offset + range.length, *start = script_skip(text + range.offset, end);
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    return (script_range){(size_t)(start - text), (size_t)(end - start)};
}

/* The parser counts characters. */
static size_t offset_of_character(const char *text, int position)
{
    size_t offset = 0;
    for (int seen = 0; text[offset]; offset++) {
        seen += ((unsigned char)text[offset] & 0xc0) != 0x80;
        if (seen == position)
            break;
    }
    return offset;
}

/* ---- parsing ---- */

static int fail_at(const PgQueryError *error, const char *text, script_place *ret_place, lb_error *err)
{
    script_place place = script_place_of(text, offset_of_character(text, error->cursorpos));
    *ret_place = place;
    return lb_fail(err, LB_ERR_INVALID, "correct it there; nothing of the text was executed", "line %u, column %u: %s",
                   place.line, place.column, error->message);
}

/* Places are found on the way: each statement stands behind the one before. */
static int collect(const char *tree_text, arena *memory, script *s, lb_error *err)
{
    size_t length = strlen(s->text), count = 0, seen = 0;
    script_place at = {1, 1};
    tree statements = tree_get((tree){tree_text}, "stmts");
    size_t total = tree_count(statements);
    if (total > SCRIPT_STATEMENTS)
        return lb_fail(err, LB_ERR_LIMIT, "split the text", "it holds %zu statements, more than %d", total,
                       SCRIPT_STATEMENTS);
    script_statement *items = arena_alloc(memory, (total + 1) * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    for (tree raw = tree_first(statements); raw.at; raw = tree_next(raw)) {
        script_range range = trimmed(s->text, script_range_of(raw, length));
        script_place step = script_place_of(s->text + seen, range.offset - seen);
        at = (script_place){at.line + step.line - 1, step.line > 1 ? step.column : at.column + step.column - 1};
        seen = range.offset;
        const char *text = arena_strndup(memory, s->text + range.offset, range.length);
        if (!text)
            return lb_out_of_memory(err);
        items[count++] = (script_statement){.node = tree_get(raw, "stmt"), .text = text, .range = range, .place = at};
    }
    s->items = items;
    s->count = count;
    return 0;
}

int script_parse(const char *text, arena *memory, script *ret_script, script_place *ret_place, lb_error *err)
{
    *ret_place = (script_place){0, 0};
    int r = effect_check_text(text, err);
    if (r < 0)
        return r;
    PgQueryParseResult parsed = pg_query_parse(text);
    script s = {.text = text};
    const char *copy = NULL;
    if (parsed.error)
        r = fail_at(parsed.error, text, ret_place, err);
    else if (!(copy = arena_strdup(memory, parsed.parse_tree ? parsed.parse_tree : "{}")))
        r = lb_out_of_memory(err);
    else
        r = collect(copy, memory, &s, err);
    pg_query_free_parse_result(parsed);
    if (r >= 0)
        *ret_script = s;
    return r;
}
