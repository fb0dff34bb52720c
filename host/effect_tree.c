#include "effect_tree.h"

#include <ctype.h>

bool tree_has(tree t)
{
    return t.at != NULL;
}

/* What ends a run of bytes that mean nothing, in a string and between strings. Looking bytes up is what judging a
 * statement costs most. */
static const bool ends_text[256] = {['\0'] = true, ['"'] = true, ['\\'] = true};
static const bool is_structure[256] = {
    ['\0'] = true, ['"'] = true, ['{'] = true, ['}'] = true, ['['] = true, [']'] = true};

static const char *skip(const char *p, const bool *until)
{
    while (!until[(unsigned char)*p])
        p++;
    return p;
}

/* From an opening quote to the byte after the closing one. */
static const char *string_end(const char *p)
{
    for (p = skip(p + 1, ends_text); *p == '\\'; p = skip(p, ends_text))
        p += p[1] ? 2 : 1;
    return *p ? p + 1 : p;
}

static const char *scalar_end(const char *p)
{
    return p + strcspn(p, ",]}");
}

const char *tree_end(tree t)
{
    const char *p = t.at;
    size_t depth = 0;
    if (*p != '"' && *p != '{' && *p != '[')
        return scalar_end(p);
    do {
        p = skip(p, is_structure);
        if (!*p)
            return p;
        bool opens = *p == '{' || *p == '[';
        if (*p != '"')
            depth = opens ? depth + 1 : depth - 1;
        p = *p == '"' ? string_end(p) : p + 1;
    } while (depth > 0);
    return p;
}

/* The character of an escape whose backslash stands before p; p is left on the escape's last byte. What is no printable
 * character of ASCII becomes a space: it only matters to people. */
static char unescape_one(const char **p)
{
    unsigned code = 0;
    if (**p != 'u')
        return (char)(**p == '"' || **p == '\\' || **p == '/' ? **p : ' ');
    for (int i = 0; i < 4 && isxdigit((unsigned char)(*p)[1]); i++) {
        (*p)++;
        char digit = (char)tolower((unsigned char)**p);
        code = code * 16 + (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return (char)(code >= 0x20 && code < 0x7f ? code : ' ');
}

static void unescape(const char *p, char *into, size_t size)
{
    size_t n = 0;
    for (p++; *p && *p != '"' && n + 1 < size; p++) {
        char c = *p;
        if (c == '\\' && p[1]) {
            p++;
            c = unescape_one(&p);
        }
        into[n++] = c;
    }
    into[n] = '\0';
    if (*p && *p != '"')
        tree_trim(into);
}

void tree_trim(char *text)
{
    size_t length = strlen(text), tail = 0;
    while (tail < length && tail < 4 && ((unsigned char)text[length - 1 - tail] & 0xc0) == 0x80)
        tail++;
    if (tail == length)
        return;
    unsigned char lead = (unsigned char)text[length - 1 - tail];
    size_t wanted = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (wanted > tail)
        text[length - 1 - tail] = '\0';
}

static bool key_at(const char *p, const char *name)
{
    size_t length = strlen(name);
    return strncmp(p + 1, name, length) == 0 && p[length + 1] == '"';
}

tree tree_get(tree object, const char *member)
{
    if (!object.at || *object.at != '{')
        return (tree){NULL};
    const char *p = object.at + 1;
    while (*p == '"') {
        const char *after = string_end(p);
        if (*after != ':')
            break;
        tree value = {after + 1};
        if (key_at(p, member))
            return value;
        p = tree_end(value);
        if (*p == ',')
            p++;
    }
    return (tree){NULL};
}

tree tree_path(tree object, const char *first, const char *second)
{
    return tree_get(tree_get(object, first), second);
}

tree tree_first(tree list)
{
    if (!list.at || *list.at != '[' || list.at[1] == ']' || !list.at[1])
        return (tree){NULL};
    return (tree){list.at + 1};
}

tree tree_next(tree item)
{
    const char *after = tree_end(item);
    return (tree){*after == ',' ? after + 1 : NULL};
}

size_t tree_count(tree list)
{
    size_t count = 0;
    for (tree item = tree_first(list); item.at; item = tree_next(item))
        count++;
    return count;
}

tree tree_node(tree node, const char *kind)
{
    const char *p = node.at;
    if (!p || p[0] != '{' || p[1] != '"' || !key_at(p + 1, kind))
        return (tree){NULL};
    p += 1 + strlen(kind) + 2; /* past the key and its quotes */
    return (tree){*p == ':' ? p + 1 : NULL};
}

bool tree_is(tree scalar, const char *text)
{
    return scalar.at && *scalar.at == '"' && key_at(scalar.at, text);
}

bool tree_true(tree scalar)
{
    return scalar.at && strncmp(scalar.at, "true", 4) == 0;
}

void tree_text(tree scalar, char *ret_text, size_t size)
{
    ret_text[0] = '\0';
    if (!scalar.at)
        return;
    if (*scalar.at == '"') {
        unescape(scalar.at, ret_text, size);
        return;
    }
    size_t length = (size_t)(tree_end(scalar) - scalar.at);
    if (length >= size)
        length = size - 1;
    memcpy(ret_text, scalar.at, length);
    ret_text[length] = '\0';
    tree_trim(ret_text);
}

/* The UTF-8 of a code point below 0x10000, which is all that one escape can say. */
static size_t put_code(unsigned code, char *into)
{
    if (code < 0x80) {
        into[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        into[0] = (char)(0xc0 | code >> 6);
        into[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    into[0] = (char)(0xe0 | code >> 12);
    into[1] = (char)(0x80 | (code >> 6 & 0x3f));
    into[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

size_t tree_exact(tree scalar, char *ret_text)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    size_t n = 0;
    if (!scalar.at || *scalar.at != '"') {
        ret_text[0] = '\0';
        return 0;
    }
    for (const char *p = scalar.at + 1; *p && *p != '"'; p++) {
        const char *letter = *p == '\\' && p[1] ? strchr(letters, p[1]) : NULL;
        if (*p != '\\' || !p[1]) {
            ret_text[n++] = *p;
        } else if (*++p == 'u') {
            char digits[5] = "";
            (void)snprintf(digits, sizeof digits, "%.4s", p + 1); /* four of them */
            n += put_code((unsigned)strtoul(digits, NULL, 16), ret_text + n);
            p += strnlen(p + 1, 4);
        } else {
            ret_text[n++] = letter ? meanings[letter - letters] : *p;
        }
    }
    ret_text[n] = '\0';
    return n;
}

int64_t tree_number(tree scalar)
{
    return scalar.at ? strtoll(scalar.at, NULL, 10) : 0;
}

/* Past a "location":123 and one comma beside it, if one stands here. */
static const char *past_location(const char *p)
{
    static const char key[] = "\"location\":";
    const char *start = *p == ',' ? p + 1 : p;
    if (strncmp(start, key, sizeof key - 1) != 0)
        return p;
    const char *after = start + sizeof key - 1;
    after += *after == '-';
    while (isdigit((unsigned char)*after))
        after++;
    return start == p && *after == ',' ? after + 1 : after;
}

bool tree_same(tree a, tree b)
{
    if (!a.at || !b.at)
        return false;
    const char *p = a.at, *q = b.at, *p_end = tree_end(a), *q_end = tree_end(b);
    while (p < p_end && q < q_end) {
        const char *p_past = past_location(p), *q_past = past_location(q);
        if (p_past != p || q_past != q) {
            p = p_past;
            q = q_past;
        } else if (*p++ != *q++) {
            return false;
        }
    }
    return p == p_end && q == q_end;
}

bool tree_next_key(const char *from, const char *end, char *ret_key, size_t size, tree *ret_value)
{
    const char *p = from;
    while (p < end && (p = memchr(p, '"', (size_t)(end - p)))) {
        const char *after = string_end(p);
        if (*after == ':') {
            unescape(p, ret_key, size);
            *ret_value = (tree){after + 1};
            return true;
        }
        p = after;
    }
    return false;
}
