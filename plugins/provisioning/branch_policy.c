/* Names, times and numbers held against the rules. */
#include "branch_policy.h"

#include <ctype.h>
#include <stdlib.h>

int branch_refuse(lb_error *err, int code, const char *rule, const char *hint, const char *fmt, ...)
{
    char text[440];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* cut */
    va_end(args);
    return lb_fail(err, code, hint, "%s: %s", rule, text);
}

/* ---- times to live ---- */

static const struct {
    char letter;
    int64_t seconds;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

int64_t branch_ttl_parse(const char *text)
{
    char *end = NULL;
    if (strcmp(text, "never") == 0)
        return 0;
    if (!isdigit((unsigned char)*text))
        return -1;
    long long number = strtoll(text, &end, 10);
    if (number <= 0 || number > INT64_C(10000000000) || (*end && end[1]))
        return -1;
    if (!*end)
        return number;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (units[i].letter == *end)
            return number * units[i].seconds;
    return -1;
}

void branch_ttl_format(int64_t seconds, char ret_text[24])
{
    (void)snprintf(ret_text, 24, "never"); /* fits */
    for (size_t i = 0; seconds > 0 && i < sizeof units / sizeof units[0]; i++) {
        /* 24h is said so, 48h too: days begin with a week's worth of sense */
        bool whole = seconds % units[i].seconds == 0 && (units[i].letter != 'd' || seconds > 2 * units[i].seconds);
        if (!whole)
            continue;
        (void)snprintf(ret_text, 24, "%lld%c", (long long)(seconds / units[i].seconds), units[i].letter); /* fits */
        return;
    }
}

/* ---- names ---- */

bool branch_policy_lists(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = list; *p && length; p += strcspn(p, "|"), p += *p == '|')
        if (strcspn(p, "|") == length && strncmp(p, word, length) == 0)
            return true;
    return false;
}

/* Lower-case letters and digits, single hyphens between them. */
static size_t span_words(const char *text)
{
    size_t n = 0;
    while (islower((unsigned char)text[n]) || isdigit((unsigned char)text[n]) ||
           (n && text[n] == '-' && text[n - 1] != '-' && text[n + 1] && text[n + 1] != '-'))
        n++;
    return n;
}

static size_t span_number(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n >= 1 && n <= 9 && *text != '0' ? n : 0;
}

static int digits_at(const char *text, size_t count)
{
    int number = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

/* A day that there is: 2026-02-29 is none. */
static size_t span_date(const char *text)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (strnlen(text, 10) < 10 || text[4] != '-' || text[7] != '-')
        return 0;
    int year = digits_at(text, 4), month = digits_at(text + 5, 2), day = digits_at(text + 8, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1)
        return 0;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= lengths[month - 1] + (month == 2 && leap) ? 10 : 0;
}

/* A version has a digit in it; its dots are written as hyphens. */
static size_t span_version(const char *text)
{
    size_t n = span_words(text);
    return n && strcspn(text, "0123456789") < n ? n : 0;
}

static const struct {
    const char *name;
    size_t (*span)(const char *text);
    const char *doc;
} forms[] = {
    {"{number}", span_number, "a number"},
    {"{date}", span_date, "a day such as 2026-02-28"},
    {"{version}", span_version, "a version such as 2-3-0, with a digit and hyphens for dots"},
    {"{words}", span_words, "lower-case letters and digits, single hyphens between them"},
};

/* Does the name have the form? *ret_literal: how many bytes of the pattern's text before its first form agree, where
 * all of it does. *ret_doc: what was missing. */
static bool fits_one(const char *pattern, size_t length, const char *name, size_t *ret_literal, const char **ret_doc)
{
    const char *p = pattern, *end = pattern + length, *n = name;
    size_t literal = strcspn(pattern, "{|");
    literal = literal < length ? literal : length;
    *ret_literal = strncmp(pattern, name, literal) == 0 && (literal < length || !name[literal]) ? literal : 0;
    *ret_doc = NULL;
    while (p < end) {
        size_t i = 0, count = sizeof forms / sizeof forms[0];
        while (*p == '{' && i < count && strncmp(p, forms[i].name, strlen(forms[i].name)) != 0)
            i++;
        if (*p != '{' || i == count) {
            if (*p++ != *n++)
                return false;
            continue;
        }
        size_t span = forms[i].span(n);
        *ret_doc = forms[i].doc;
        if (!span)
            return false;
        n += span;
        p += strlen(forms[i].name);
    }
    return !*n;
}

/* The best that a kind's patterns can say of a name. */
static bool fits(const branch_kind *kind, const char *name, size_t *ret_literal, const char **ret_doc)
{
    bool found = false;
    *ret_literal = 0;
    *ret_doc = NULL;
    for (const char *p = kind->patterns; *p; p += strcspn(p, "|"), p += *p == '|') {
        size_t literal = 0;
        const char *doc = NULL;
        found = fits_one(p, strcspn(p, "|"), name, &literal, &doc) || found;
        if (literal > *ret_literal) {
            *ret_literal = literal;
            *ret_doc = doc;
        }
    }
    return found;
}

static bool is_id(const char *name)
{
    size_t length = strnlen(name, BRANCH_NAME);
    return length >= 3 && length < BRANCH_NAME && islower((unsigned char)*name) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length && name[length - 1] != '-';
}

static const branch_kind *refuse_unknown(const branch_policy *policy, const char *name, lb_error *err)
{
    char known[230] = "name it as ";
    size_t used = strlen(known);
    for (size_t i = 0; i < policy->count && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? " " : "", policy->kinds[i].patterns);
    (void)branch_refuse(err, LB_ERR_INVALID, BR_UNKNOWN_NAME, known,
                        "no rule of the branch policy (%s) knows \"%.63s\"", policy->source,
                        name); /* the NULL says it */
    return NULL;
}

const branch_kind *branch_kind_of_name(const branch_policy *policy, const char *name, lb_error *err)
{
    const branch_kind *nearest = NULL;
    const char *missing = NULL;
    size_t longest = 0;
    if (!is_id(name)) {
        (void)branch_refuse(err, LB_ERR_INVALID, BR_BAD_NAME,
                            "3 to 63 lower-case letters, digits and hyphens, a letter first and no hyphen last",
                            "\"%.80s\" cannot name a branch", name); /* as below */
        return NULL;
    }
    for (size_t i = 0; i < policy->count; i++) {
        size_t literal = 0;
        const char *doc = NULL;
        bool found = fits(&policy->kinds[i], name, &literal, &doc);
        if (literal <= longest)
            continue;
        longest = literal;
        nearest = &policy->kinds[i];
        missing = found ? NULL : doc ? doc : "";
    }
    if (!nearest)
        return refuse_unknown(policy, name, err);
    if (!missing)
        return nearest;
    (void)branch_refuse(err, LB_ERR_INVALID, BR_BAD_FORM, missing, "\"%s\" is no %s branch, which is called %s (%s)",
                        name, nearest->kind, nearest->patterns, nearest->id); /* the NULL says it */
    return NULL;
}

const branch_kind *branch_kind_find(const branch_policy *policy, const char *kind)
{
    for (size_t i = 0; i < policy->count; i++)
        if (strcmp(policy->kinds[i].kind, kind) == 0)
            return &policy->kinds[i];
    return NULL;
}

/* ---- a branch to be made ---- */

static int judge_parent(const branch_kind *kind, const branch_wish *wish, branch_verdict *v, lb_error *err)
{
    size_t first = strcspn(kind->parents, "|");
    if (!first)
        return branch_refuse(err, LB_ERR_INVALID, BR_EXISTS, "provision_lakebase_project takes over the one there is",
                             "%s is there as long as its project is (%s)", wish->name, kind->id);
    if (wish->parent && !branch_policy_lists(kind->parents, wish->parent)) {
        char hint[256];
        (void)snprintf(hint, sizeof hint, "make it from %s", kind->parents); /* a long one is cut */
        return branch_refuse(err, LB_ERR_INVALID, BR_WRONG_PARENT, hint, "a %s branch is not made from %.63s (%s)",
                             kind->kind, wish->parent, kind->id);
    }
    int length = wish->parent ? (int)strlen(wish->parent) : (int)first;
    (void)snprintf(v->parent, sizeof v->parent, "%.*s", length, wish->parent ? wish->parent : kind->parents); /* fits */
    return 0;
}

static int judge_ttl(const branch_kind *kind, const branch_wish *wish, branch_verdict *v, lb_error *err)
{
    char longest[24], hint[64];
    int64_t ttl = wish->ttl ? branch_ttl_parse(wish->ttl) : kind->ttl_s;
    branch_ttl_format(kind->longest_s, longest);
    (void)snprintf(hint, sizeof hint, "give a ttl of %s or less", longest); /* fits */
    if (ttl < 0)
        return branch_refuse(err, LB_ERR_INVALID, BR_BAD_TTL, "such as 90m, 4h or 7d", "\"%.40s\" is no time to live",
                             wish->ttl);
    if (ttl && !kind->ttl_s)
        return branch_refuse(
            err, LB_ERR_INVALID, BR_TTL_ON_STAYING, "leave the ttl out",
            "%s stays: others are made from it, and nothing can be made from a branch that expires (%s)", wish->name,
            kind->id);
    if (!ttl && kind->ttl_s)
        return branch_refuse(err, LB_ERR_INVALID, BR_TTL_MISSING, hint, "a %s branch does not live for ever (%s)",
                             kind->kind, kind->id);
    if (ttl > kind->longest_s)
        return branch_refuse(err, LB_ERR_INVALID, BR_TTL_TOO_LONG, hint, "a %s branch lives %s at most, not %s (%s)",
                             kind->kind, longest, wish->ttl ? wish->ttl : "so long", kind->id);
    v->ttl_s = ttl;
    return 0;
}

int branch_policy_judge(const branch_policy *policy, const branch_wish *wish, branch_verdict *ret_verdict,
                        lb_error *err)
{
    branch_verdict v = {.kind = branch_kind_of_name(policy, wish->name, err)};
    if (!v.kind)
        return err->code;
    if (wish->kind && strcmp(wish->kind, v.kind->kind) != 0) {
        const branch_kind *wanted = branch_kind_find(policy, wish->kind);
        return branch_refuse(err, LB_ERR_INVALID, BR_OTHER_KIND, wanted ? wanted->patterns : NULL,
                             "the name \"%s\" says %s (%s), not %.23s", wish->name, v.kind->kind, v.kind->id,
                             wish->kind);
    }
    int r = judge_parent(v.kind, wish, &v, err);
    if (r >= 0)
        r = judge_ttl(v.kind, wish, &v, err);
    if (r >= 0)
        *ret_verdict = v;
    return r;
}

int branch_policy_judge_creator(const branch_policy *policy, const char *name, const char *creator_type, lb_error *err)
{
    static const char agent[] = "agent";
    char hint[220] = "the branch policy has no kind \"agent\": a person does that";
    if (strcmp(creator_type, agent) != 0)
        return 0;
    const branch_kind *kind = branch_kind_of_name(policy, name, err);
    if (!kind || strcmp(kind->kind, agent) == 0)
        return kind ? 0 : err->code;
    for (size_t i = 0; i < policy->count; i++)
        if (strcmp(policy->kinds[i].kind, agent) == 0)
            (void)snprintf(hint, sizeof hint, "an agent's branches are %s", policy->kinds[i].patterns); /* fits */
    return branch_refuse(err, LB_ERR_INVALID, BR_NOT_AN_AGENTS, hint, "%s is no branch for an agent (%s)", name,
                         kind->id);
}

/* ---- what is there ---- */

int branch_policy_judge_reset(const branch_kind *kind, const char *name, const char *source, lb_error *err)
{
    if (strcmp(kind->reset_from, "*") == 0 || branch_policy_lists(kind->reset_from, source))
        return 0;
    char hint[96] = "make another branch instead";
    if (*kind->reset_from)
        (void)snprintf(hint, sizeof hint, "reset it from %s", kind->reset_from); /* fits */
    return branch_refuse(err, LB_ERR_CONFLICT, BR_WRONG_RESET, hint, "%s is not reset from %s (%s)", name, source,
                         kind->id);
}

int branch_policy_judge_count(const branch_policy *policy, size_t unarchived, size_t all, size_t more, lb_error *err)
{
    if (unarchived + more > (size_t)policy->most_unarchived)
        return branch_refuse(
            err, LB_ERR_LIMIT, BR_TOO_MANY,
            "enforce_ttl_policies takes away what is over its time; a branch deleted softly counts until "
            "it is purged",
            "the project has %zu unarchived branches and may have %lld: there is no room for %zu more", unarchived,
            (long long)policy->most_unarchived, more);
    if (all + more > (size_t)policy->most_branches)
        return branch_refuse(err, LB_ERR_LIMIT, BR_TOO_MANY_ALL, "delete archived branches that nobody needs",
                             "the project has %zu branches and may have %lld", all, (long long)policy->most_branches);
    return 0;
}

int branch_policy_judge_project(const char *name, lb_error *err)
{
    static const char known[] = "dev|staging|prod|production|test|qa|local";
    const char *hyphen = strrchr(name, '-');
    char hint[160];
    if (is_id(name) && hyphen && hyphen != name && branch_policy_lists(known, hyphen + 1))
        return 0;
    (void)snprintf(hint, sizeof hint,
                   "lower-case letters, digits and hyphens, a letter first, and behind the last hyphen one of %s",
                   known); /* short */
    return branch_refuse(err, LB_ERR_INVALID, BR_BAD_PROJECT, hint, "\"%.80s\" is no {domain}-{env}", name);
}
