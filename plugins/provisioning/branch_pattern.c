#include "branch_pattern.h"

#define MOST 256 /* bytes of an expanded text; names are shorter */

#define PATTERN(name, project, branches, schemas, doc) {name, project, branches, schemas, doc},
static const branch_pattern patterns[] = {
#include "branch_pattern.def"
};
#undef PATTERN

size_t branch_pattern_count(void)
{
    return sizeof patterns / sizeof patterns[0];
}

const branch_pattern *branch_pattern_at(size_t index)
{
    return &patterns[index];
}

const branch_pattern *branch_pattern_find(const char *name)
{
    for (size_t i = 0; i < branch_pattern_count(); i++)
        if (strcmp(patterns[i].name, name) == 0)
            return &patterns[i];
    return NULL;
}

bool branch_pattern_has(const branch_pattern *pattern, const char *word)
{
    return strstr(pattern->project, word) || strstr(pattern->branches, word) || strstr(pattern->schemas, word);
}

/* Replaces the first `word`; false where it is not there. */
static bool fill(const char *text, const char *word, const char *value, char into[MOST])
{
    const char *at = strstr(text, word);
    if (!at)
        return false;
    /* A text that is cut is no name that any rule would take. */
    (void)snprintf(into, MOST, "%.*s%s%s", (int)(at - text), text, value, at + strlen(word));
    return true;
}

static int expand(const char *text, const branch_words *words, int (*each)(void *, const char *, lb_error *),
                  void *state, lb_error *err)
{
    char filled[MOST];
    const struct {
        const char *word;
        lb_texts values;
    } lists[] = {{"{domain}", {&words->domain, 1}},
                 {"{env}", {&words->env, 1}},
                 {"{tenant}", words->tenants},
                 {"{developer}", words->developers}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (!strstr(text, lists[i].word))
            continue;
        for (size_t k = 0; k < lists[i].values.count; k++) {
            (void)fill(text, lists[i].word, lists[i].values.items[k], filled); /* it is there */
            int r = expand(filled, words, each, state, err);
            if (r < 0)
                return r;
        }
        return 0;
    }
    return each(state, text, err);
}

int branch_pattern_each(const char *template, const branch_words *words,
                        int (*each)(void *state, const char *text, lb_error *err), void *state, lb_error *err)
{
    char one[MOST];
    for (const char *p = template; *p; p += strcspn(p, "|"), p += *p == '|') {
        (void)snprintf(one, sizeof one, "%.*s", (int)strcspn(p, "|"), p); /* our own, and short */
        int r = expand(one, words, each, state, err);
        if (r < 0)
            return r;
    }
    return 0;
}
