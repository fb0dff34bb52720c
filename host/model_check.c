#include "model_check.h"

#include "effect_script.h"

#include <ctype.h>
#include <model_words.h>
#include <pg_query.h>

#define WORD_MOST 128 /* schema.table.column */

/* ---- the exhibits that a sentence cites ---- */

typedef struct cited {
    const model_exhibit *items[MODEL_CITES_MOST];
    size_t count;
} cited;

static const char *find_cited(const model_evidence *evidence, const char *const *cites, cited *ret_cited)
{
    for (; *cites; cites++) {
        const model_exhibit *found = NULL;
        for (size_t i = 0; i < evidence->count && !found; i++)
            found = strcmp(evidence->items[i].id, *cites) == 0 ? &evidence->items[i] : NULL;
        if (!found)
            return "it cites evidence that is not there";
        if (ret_cited->count == MODEL_CITES_MOST)
            return "it cites too much";
        ret_cited->items[ret_cited->count++] = found;
    }
    return ret_cited->count ? NULL : "it cites no evidence";
}

/* ---- words ---- */

static bool is_inside(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static bool is_joint(const char *at)
{
    return (*at == '.' || *at == '-' || *at == '\'') && is_inside(at[1]);
}

/* The length of the word or figure at `at`, with what joins its parts: public.orders, 1,234.5, doesn't. */
static size_t word_at(const char *at)
{
    size_t n = 0;
    bool figure = isdigit((unsigned char)at[0]);
    while (is_inside(at[n]) || (n && is_joint(at + n)) ||
           (n && figure && at[n] == ',' && isdigit((unsigned char)at[n + 1])))
        n++;
    return n;
}

/* Does it stand there, not as a part of something longer? */
static bool stands_in(const char *text, const char *word, size_t length)
{
    for (const char *at = text; text && (at = strcasestr(at, word)); at++) {
        char before = at == text ? ' ' : at[-1], after = at[length];
        if (!is_inside(before) && !is_inside(after) && !(after == '.' && isdigit((unsigned char)at[length + 1])) &&
            !(before == '.' && isdigit((unsigned char)*word)) && !(before == '-' && isdigit((unsigned char)*word)))
            return true;
    }
    return false;
}

static bool is_cited_word(const cited *c, const char *word, size_t length)
{
    for (size_t i = 0; i < c->count; i++)
        if (stands_in(c->items[i]->json, word, length))
            return true;
    return false;
}

/* "index" is listed; so is " index " then. */
static bool is_listed(const char *word, size_t length)
{
    for (const char *at = model_words; (at = strstr(at, word)); at++) {
        bool begins = at == model_words || isspace((unsigned char)at[-1]);
        if (begins && isspace((unsigned char)at[length]))
            return true;
    }
    return false;
}

/* With an ending cut off, the stem may have lost an e, doubled its last letter, or turned y into i. */
static bool is_listed_stem(const char *word, size_t length)
{
    char stem[WORD_MOST + 2];
    memcpy(stem, word, length);
    stem[length] = '\0';
    if (length < 2 || is_listed(stem, length))
        return length >= 2;
    stem[length] = 'e';
    stem[length + 1] = '\0';
    if (is_listed(stem, length + 1))
        return true;
    stem[length] = '\0';
    if (stem[length - 1] == 'i') {
        stem[length - 1] = 'y';
        return is_listed(stem, length);
    }
    stem[length - 1] = '\0';
    return length > 2 && word[length - 1] == word[length - 2] && is_listed(stem, length - 1);
}

static bool is_english(const char *word, size_t length)
{
    static const char *const endings[] = {"s", "es", "ed", "d", "ing", "er", "ers", "est", "ly", "'s", "n't", "ness"};
    if (is_listed(word, length))
        return true;
    for (size_t i = 0; i < LB_COUNT(endings); i++) {
        size_t cut = strlen(endings[i]);
        if (length > cut + 1 && strcmp(word + length - cut, endings[i]) == 0 && is_listed_stem(word, length - cut))
            return true;
    }
    return false;
}

/* 1,234.50 and 1234.50 are one figure; the dot at the end of a sentence is none of it. */
static bool is_cited_figure(const cited *c, const char *word)
{
    char plain[WORD_MOST + 1];
    size_t n = 0;
    for (const char *at = word; *at; at++)
        if (*at != ',')
            plain[n++] = *at;
    plain[n] = '\0';
    return is_cited_word(c, plain, n);
}

/* A figure in letters is one all the same, and its digits may stand for it. */
static bool names_figure(const char *word, const char **ret_digits)
{
    static const struct {
        const char *word, *digits;
    } figures[] = {
        {"zero", "0"},      {"two", "2"},        {"three", "3"},      {"four", "4"},     {"five", "5"},
        {"six", "6"},       {"seven", "7"},      {"eight", "8"},      {"nine", "9"},     {"ten", "10"},
        {"eleven", "11"},   {"twelve", "12"},    {"dozen", "12"},     {"dozens", NULL},  {"hundred", "100"},
        {"hundreds", NULL}, {"thousand", NULL},  {"thousands", NULL}, {"million", NULL}, {"millions", NULL},
        {"billion", NULL},  {"billions", NULL},  {"half", "0.5"},     {"halves", NULL},  {"third", NULL},
        {"thirds", NULL},   {"quarter", "0.25"}, {"quarters", NULL},  {"twice", NULL},   {"thrice", NULL},
        {"double", NULL},   {"doubles", NULL},   {"doubled", NULL},   {"triple", NULL},  {"triples", NULL},
        {"tripled", NULL},  {"twofold", NULL},   {"tenfold", NULL},
    };
    for (size_t i = 0; i < LB_COUNT(figures); i++)
        if (strcmp(word, figures[i].word) == 0) {
            *ret_digits = figures[i].digits;
            return true;
        }
    return false;
}

static bool is_hyphenated_english(char *word)
{
    for (char *part = word, *next; part; part = next) {
        next = strchr(part, '-');
        if (next)
            *next++ = '\0';
        if (!*part || !is_english(part, strlen(part)))
            return false;
    }
    return true;
}

static const char *refuse_word(const cited *c, const char *at, size_t length)
{
    char word[WORD_MOST + 1];
    if (length > WORD_MOST)
        return "a word in it is longer than any name";
    for (size_t i = 0; i < length; i++)
        word[i] = (char)tolower((unsigned char)at[i]);
    word[length] = '\0';
    if (isdigit((unsigned char)word[0]))
        return is_cited_figure(c, word) ? NULL : "it has a figure that the evidence it cites has not";
    const char *digits = NULL;
    if (names_figure(word, &digits))
        return is_cited_word(c, word, length) || (digits && is_cited_word(c, digits, strlen(digits)))
                   ? NULL
                   : "it has a figure that the evidence it cites has not";
    if (is_cited_word(c, word, length) || is_hyphenated_english(word))
        return NULL;
    return "it has a word that is neither plain English nor of the evidence it cites";
}

static const char *refuse_words(const cited *c, const char *text)
{
    const char *why = NULL;
    for (const char *at = text; *at && !why;) {
        size_t length = word_at(at);
        if (length)
            why = refuse_word(c, at, length);
        else if (!strchr(" .,:'\"()%/-", *at))
            why = "it has signs that no sentence needs";
        at += length ? length : 1;
    }
    return why;
}

/* ---- statements ---- */

static bool server_would_take(const char *at, size_t length)
{
    char text[MODEL_SENTENCE_MOST + 1];
    (void)snprintf(text, sizeof text, "%.*s", (int)length, at);
    PgQueryParseResult parsed = pg_query_parse(text);
    bool taken = !parsed.error;
    pg_query_free_parse_result(parsed);
    return taken;
}

/* From a verb that changes or reads something, to the end of any word behind the next one. */
static bool has_statement_at(const char *verb, size_t length)
{
    size_t end = length;
    for (int words = 1; verb[end]; words++) {
        end += strcspn(verb + end, " ");
        if (words > 1 && server_would_take(verb, end))
            return true;
        end += strspn(verb + end, " ");
    }
    return false;
}

static bool has_statement(const char *text)
{
    static const char *const verbs[] = {"create",  "drop",    "alter",    "delete",  "insert", "update", "truncate",
                                        "grant",   "revoke",  "vacuum",   "reindex", "merge",  "copy",   "select",
                                        "with",    "do",      "call",     "execute", "set",    "reset",  "comment",
                                        "refresh", "cluster", "reassign", "analyze", "analyse"};
    for (const char *at = text; *at;) {
        size_t length = word_at(at);
        for (size_t i = 0; i < LB_COUNT(verbs) && length; i++)
            if (length == strlen(verbs[i]) && strncasecmp(at, verbs[i], length) == 0 && has_statement_at(at, length))
                return true;
        at += length ? length : 1;
    }
    return false;
}

/* ---- all of it ---- */

/* Equal but for blanks and letters' case. */
static bool is_same_sentence(const char *a, const char *b)
{
    while (*a || *b) {
        a += strspn(a, " ");
        b += strspn(b, " ");
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        a += *a != '\0';
        b += *b != '\0';
    }
    return true;
}

const char *model_refuse(const model_evidence *evidence, const char *text, const char *const *cites, bool *ret_checked)
{
    cited c = {.count = 0};
    const char *why = find_cited(evidence, cites, &c);
    *ret_checked = false;
    if (why)
        return why;
    for (size_t i = 0; i < c.count; i++)
        if (c.items[i]->says && is_same_sentence(text, c.items[i]->says)) {
            *ret_checked = true;
            return NULL;
        }
    if (!*text || strlen(text) > MODEL_SENTENCE_MOST)
        return *text ? "it is longer than a sentence" : "it says nothing";
    why = refuse_words(&c, text);
    return why ? why : has_statement(text) ? "a part of it is a statement that a server would take" : NULL;
}
