#include "redact.h"

#include "effect_script.h"
#include "json.h"

#include <ctype.h>
#include <pg_query.h>

#define LABEL       "quoted_"
#define REST_LABEL  "a_name"
#define TEXT_MOST   ((size_t)4 << 20)
#define LONG_DIGITS 7  /* account and telephone numbers; what counts something comes as a number */
#define LONG_WORD   20 /* nobody calls anything so */
#define CARD_DIGITS 12 /* in groups with a blank between them */
#define DIGITS_MOST 64 /* of such a number, looked at at once */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static bool is_plain_name(const char *name, size_t length)
{
    bool plain = length && length < 64 && !isdigit((unsigned char)name[0]) && name[0] != '$';
    for (size_t i = 0; i < length; i++)
        plain = plain && is_word(name[i]);
    return plain;
}

/* ---- names ---- */

static void put_name(buf *b, const char *name, size_t length, redact_names *names, arena *memory)
{
    size_t i = 0;
    if (is_plain_name(name, length)) {
        buf_put(b, name, length);
        return;
    }
    while (i < names->count && (strlen(names->items[i]) != length || memcmp(names->items[i], name, length) != 0))
        i++;
    char *copy = i == names->count && i < REDACT_NAMES ? arena_strndup(memory, name, length) : NULL;
    if (copy)
        names->items[names->count++] = copy;
    if (i < names->count)
        buf_printf(b, LABEL "%zu", i + 1);
    else
        buf_puts(b, REST_LABEL);
}

static const char *finish(const buf *b, size_t most, arena *memory)
{
    size_t length = b->length;
    if (b->overflow)
        return NULL;
    if (length <= most)
        return arena_strndup(memory, buf_text(b), length);
    for (length = most; length && ((unsigned char)b->data[length] & 0xC0) == 0x80;)
        length--; /* whole characters */
    return arena_printf(memory, "%.*s...", (int)length, b->data);
}

const char *redact_name(const char *name, redact_names *names, arena *memory)
{
    BUF_AUTO b = BUF_INIT(TEXT_MOST);
    put_name(&b, name, strlen(name), names, memory);
    return finish(&b, TEXT_MOST, memory);
}

const char *redact_restore(const char *text, const redact_names *names, arena *memory)
{
    BUF_AUTO b = BUF_INIT(TEXT_MOST);
    for (const char *at = text; *at;) {
        char *end = NULL;
        bool begins = strncmp(at, LABEL, strlen(LABEL)) == 0 && (at == text || !is_word(at[-1]));
        unsigned long number = begins ? strtoul(at + strlen(LABEL), &end, 10) : 0;
        if (number && number <= names->count && !is_word(*end)) {
            buf_printf(&b, "\"%s\"", names->items[number - 1]);
            at = end;
        } else {
            buf_putc(&b, *at++);
        }
    }
    return finish(&b, TEXT_MOST, memory);
}

/* ---- SQL ---- */

/* After a quoted thing that begins at `at` with its quote; a doubled quote is inside. Escapes by backslash where the
 * constant is of that kind. */
static const char *after_quoted(const char *at, bool escapes)
{
    char quote = *at++;
    for (; *at; at++) {
        if ((escapes && *at == '\\' && at[1]) || (*at == quote && at[1] == quote))
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return at;
}

/* After $tag$...$tag$, or NULL where it is none. */
static const char *after_dollar(const char *at)
{
    size_t tag = 1;
    while (is_word(at[tag]) && at[tag] != '$')
        tag++;
    if (at[tag] != '$' || isdigit((unsigned char)at[1]))
        return NULL;
    for (const char *end = at + tag + 1; *end; end++)
        if (strncmp(end, at, tag + 1) == 0)
            return end + tag + 1;
    return at + strlen(at);
}

static const char *after_comment(const char *at)
{
    int depth = 0;
    if (at[0] == '-')
        return at + strcspn(at, "\n");
    do {
        bool opens = at[0] == '/' && at[1] == '*', closes = at[0] == '*' && at[1] == '/';
        depth += opens ? 1 : closes ? -1 : 0;
        at += opens || closes ? 2 : 1;
    } while (*at && depth > 0);
    return at;
}

static const char *after_number(const char *at)
{
    while (is_word(*at) || *at == '.' || ((*at == '+' || *at == '-') && strchr("eE", at[-1])))
        at++;
    return at;
}

static const char *put_quoted_name(buf *b, const char *at, redact_names *names, arena *memory)
{
    const char *end = after_quoted(at, false);
    size_t length = (size_t)(end - at) - 1;
    put_name(b, at + 1, length && end[-1] == '"' ? length - 1 : length, names, memory);
    return end;
}

/* A word, or the constant that it introduces: E'..', B'..', X'..', N'..', U&'..'. */
static const char *put_word(buf *b, const char *at, redact_names *names, arena *memory)
{
    const char *end = at;
    while (is_word(*end) || (unsigned char)*end >= 0x80)
        end++;
    size_t length = (size_t)(end - at);
    if (length == 1 && *end == '\'' && strchr("eEbBxXnN", *at)) {
        buf_putc(b, '?');
        return after_quoted(end, *at == 'e' || *at == 'E');
    }
    if (length == 1 && (*at == 'u' || *at == 'U') && end[0] == '&' && (end[1] == '\'' || end[1] == '"')) {
        buf_puts(b, end[1] == '"' ? REST_LABEL : "?");
        return after_quoted(end + 1, false);
    }
    put_name(b, at, length, names, memory);
    return end;
}

static const char *put_token(buf *b, const char *at, redact_names *names, arena *memory)
{
    const char *end = NULL;
    if (*at == '"')
        return put_quoted_name(b, at, names, memory);
    if (*at == '$' && isdigit((unsigned char)at[1])) {
        for (buf_putc(b, *at++); isdigit((unsigned char)*at); at++)
            buf_putc(b, *at);
        return at;
    }
    if (*at == '\'')
        end = after_quoted(at, false);
    else if (*at == '$')
        end = after_dollar(at);
    else if (isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1])))
        end = after_number(at);
    if (end) {
        buf_putc(b, '?');
        return end;
    }
    if (is_word(*at) || (unsigned char)*at >= 0x80)
        return put_word(b, at, names, memory);
    buf_putc(b, (unsigned char)*at < ' ' ? ' ' : *at);
    return at + 1;
}

static bool begins_comment(const char *at)
{
    return (at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*');
}

static void put_sql(buf *b, const char *sql, redact_names *names, arena *memory)
{
    bool blank = false;
    for (const char *at = sql; *at;) {
        if (isspace((unsigned char)*at) || begins_comment(at)) {
            at = isspace((unsigned char)*at) ? at + 1 : after_comment(at);
            blank = true;
            continue;
        }
        if (blank && b->length)
            buf_putc(b, ' ');
        blank = false;
        at = put_token(b, at, names, memory);
    }
}

/* The server's own idea of what a literal is comes first; what it leaves (utility statements, bodies of code, text that
 * does not parse) is for the words above. */
const char *redact_sql(const char *sql, size_t most, redact_names *names, arena *memory)
{
    lb_error ignored;
    BUF_AUTO b = BUF_INIT(TEXT_MOST);
    if (effect_check_text(sql, &ignored) == 0) {
        PgQueryNormalizeResult normal = pg_query_normalize(sql);
        put_sql(&b, normal.error || !normal.normalized_query ? sql : normal.normalized_query, names, memory);
        pg_query_free_normalize_result(normal);
    } else {
        put_sql(&b, sql, names, memory);
    }
    return finish(&b, most, memory);
}

/* ---- other text ---- */

static bool is_chunk(char c)
{
    return is_word(c) || strchr(".@:/+=~%&?#-", c) != NULL;
}

typedef struct chunk_shape {
    size_t digits, letters, upper, hex, marks, dots, colons, dashes, run, longest_run;
} chunk_shape;

static chunk_shape shape_of(const char *at, size_t length)
{
    chunk_shape s = {0};
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)at[i];
        s.run = isdigit(c) ? s.run + 1 : 0;
        s.longest_run = s.run > s.longest_run ? s.run : s.longest_run;
        s.digits += isdigit(c) != 0;
        s.letters += isalpha(c) != 0;
        s.upper += isupper(c) != 0;
        s.hex += isxdigit(c) != 0;
        s.marks += c == '_' || c == '$';
        s.dots += c == '.';
        s.colons += c == ':';
        s.dashes += c == '-';
    }
    return s;
}

static bool is_token(const char *at, size_t length, const chunk_shape *s)
{
    static const char *const heads[] = {"dapi", "dkea", "dose", "ghp_", "gho_", "github_pat_", "glpat-",
                                        "sk-",  "xox",  "eyJ",  "AKIA", "ASIA", "AIza"};
    for (size_t i = 0; i < LB_COUNT(heads); i++)
        if (length >= 16 && strncmp(at, heads[i], strlen(heads[i])) == 0 && s->digits)
            return true;
    if (length == 36 && s->dashes == 4 && s->hex == 32) /* a uuid */
        return true;
    if (length >= 32 && s->hex == length)
        return true;
    return length >= LONG_WORD && !s->marks && !s->dots && s->digits >= 3 && s->upper && s->letters > s->upper;
}

/* Two letters for the country, two digits that check it, then digits and capitals. */
static bool is_iban(const char *at, size_t length, const chunk_shape *s)
{
    return length >= 15 && length <= 34 && isupper((unsigned char)at[0]) && isupper((unsigned char)at[1]) &&
           isdigit((unsigned char)at[2]) && isdigit((unsigned char)at[3]) && s->letters == s->upper &&
           s->digits + s->upper == length && s->digits >= LONG_DIGITS;
}

static bool is_date(const char *at, size_t length)
{
    if (length < 10)
        return false;
    for (size_t i = 0; i < 10; i++)
        if (i == 4 || i == 7 ? at[i] != '-' : !isdigit((unsigned char)at[i]))
            return false;
    return at[5] <= '1' && at[8] <= '3' && (length == 10 || at[10] == 'T');
}

/* The length of four numbers with dots between them; 0: there are none. */
static size_t after_ipv4(const char *at, size_t length)
{
    size_t used = 0;
    for (int part = 0; part < 4; part++) {
        size_t digits = 0;
        while (used + digits < length && digits < 4 && isdigit((unsigned char)at[used + digits]))
            digits++;
        used += digits;
        if (!digits || digits > 3 || (part < 3 && (used >= length || at[used++] != '.')))
            return 0;
    }
    return used;
}

static bool is_address(const char *at, size_t length, const chunk_shape *s)
{
    size_t used = after_ipv4(at, length);
    if (used)
        return used == length || !is_word(at[used]);
    bool hex_only = s->hex + s->colons + s->dots == length;
    for (size_t i = 0; i + 1 < length && hex_only && s->hex; i++)
        if (at[i] == ':' && at[i + 1] == ':')
            return true;
    return hex_only && s->colons == 7;
}

static const char *address_word(const char *at, size_t length)
{
    const char *mark = memchr(at, '@', length);
    if (length > 3 && memmem(at, length, "://", 3))
        return "<address>";
    return mark && mark > at && memchr(mark, '.', length - (size_t)(mark - at)) ? "<email>" : NULL;
}

/* What a chunk is replaced by; NULL: it stays. */
static const char *private_word(const char *at, size_t length)
{
    chunk_shape s = shape_of(at, length);
    const char *address = address_word(at, length);
    if (address)
        return address;
    if (is_token(at, length, &s))
        return "<token>";
    if (is_address(at, length, &s))
        return "<address>";
    if (is_iban(at, length, &s))
        return "<number>";
    if (!s.letters && !s.marks && s.digits >= LONG_DIGITS && !is_date(at, length))
        return "<number>";
    return NULL;
}

/* The length of a number that is written in groups, as cards have it; 0: it is none. */
static size_t after_groups(const char *at)
{
    size_t used = 0, digits = 0, groups = 0;
    for (const char *next = at; isdigit((unsigned char)*next) && digits < DIGITS_MOST;) {
        size_t group = strspn(next, "0123456789");
        digits += group;
        groups++;
        used = (size_t)(next - at) + group;
        next = at + used + (at[used] == ' ');
    }
    return groups > 1 && digits >= CARD_DIGITS && !is_chunk(at[used]) ? used : 0;
}

/* The length of password=... with a key in this chunk, as connection strings have it, to the next blank or the end of
 * its quotes; 0: it is none. */
static size_t after_secret(const char *at, size_t length)
{
    static const char *const keys[] = {"password=", "passwd=", "pwd=", "secret=", "token=", "api_key=", "apikey="};
    for (size_t i = 0; i < length; i++)
        for (size_t k = 0; k < LB_COUNT(keys); k++) {
            size_t value = i + strlen(keys[k]);
            if (value > length || strncasecmp(at + i, keys[k], strlen(keys[k])) != 0 || strchr(" \t\r\n", at[value]))
                continue;
            return at[value] == '\'' || at[value] == '"' ? (size_t)(after_quoted(at + value, true) - at)
                                                         : value + strcspn(at + value, " \t\r\n");
        }
    return 0;
}

/* The length of an address with letters of other alphabets in it, and what it is replaced by; NULL: it is none. */
static const char *wide_address(const char *at, size_t *ret_length)
{
    size_t length = 0;
    bool is_wide = false;
    for (; at[length] && (is_chunk(at[length]) || (unsigned char)at[length] >= 0x80); length++)
        is_wide = is_wide || (unsigned char)at[length] >= 0x80;
    while (length && strchr(".:?", at[length - 1]))
        length--;
    *ret_length = length;
    return is_wide && !after_secret(at, length) ? address_word(at, length) : NULL;
}

static const char *put_chunk(buf *b, const char *at)
{
    size_t length = 0;
    const char *wide = wide_address(at, &length);
    if (wide) {
        buf_puts(b, wide);
        return at + length;
    }
    for (length = 0; at[length] && is_chunk(at[length]);)
        length++;
    if (!length) {
        buf_putc(b, *at);
        return at + 1;
    }
    size_t groups = after_groups(at), secret = after_secret(at, length);
    if (groups || secret) {
        buf_puts(b, secret ? "<token>" : "<number>");
        return at + (secret ? secret : groups);
    }
    size_t core = length;
    while (core && strchr(".:?", at[core - 1])) /* ends of sentences */
        core--;
    const char *instead = private_word(at, core);
    if (instead)
        buf_puts(b, instead);
    else
        buf_put(b, at, core);
    buf_put(b, at + core, length - core);
    return at + length;
}

/* A constant of SQL, as sentences and errors repeat them, and no apostrophe, which has a word before it. */
static bool begins_constant(const char *text, const char *at)
{
    if (*at != '\'' || at == text)
        return *at == '\'';
    if (strchr("eEbBxXnN", at[-1]) && (at - 1 == text || !is_word(at[-2])))
        return true;
    return !is_word(at[-1]) && (unsigned char)at[-1] < 0x80 && !strchr("\")]", at[-1]);
}

/* A quoted name stands between its quotes in texts, too. */
const char *redact_text(const char *text, size_t most, redact_names *names, arena *memory)
{
    BUF_AUTO b = BUF_INIT(TEXT_MOST);
    for (const char *at = text; *at;) {
        size_t value = redact_error_value(text, at);
        if (value)
            buf_puts(&b, *at == '"' ? "\"?\"" : "(?)"), at += value;
        else if (*at == '"' && strchr(at + 1, '"'))
            at = put_quoted_name(&b, at, names, memory);
        else if (is_chunk(*at) || (unsigned char)*at >= 0x80)
            at = put_chunk(&b, at);
        else if (begins_constant(text, at))
            buf_putc(&b, '?'), at = after_quoted(at, at > text && strchr("eE", at[-1]));
        else
            buf_putc(&b, (unsigned char)*at < ' ' ? ' ' : *at), at++;
    }
    return finish(&b, most, memory);
}
