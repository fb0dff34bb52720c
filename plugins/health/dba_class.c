/* From a question to topics, by points of its words. */
#include "dba_topics.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DATABASE 2 /* points from which a question is about databases */
#define ID_LEAST 6 /* digits of a queryid */

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const dba_word about[] = {{"database*", 2},  {"postgres*", 2},   {"postgresql", 2},   {"lakebase*", 2},
                                 {"sql", 2},        {"query", 2},       {"queries", 2},      {"schema*", 2},
                                 {"dba", 2},        {"autovacuum*", 2}, {"transaction*", 2}, {"index*", 2},
                                 {"table", 2},      {"tables", 2},      {"row", 1},          {"rows", 2},
                                 {"column*", 1},    {"server*", 1},     {"trigger*", 1},     {"view", 1},
                                 {"views", 1},      {"backup*", 2},     {"restore*", 1},     {"migration*", 1},
                                 {"role", 1},       {"roles", 1},       {"privilege*", 2},   {"extension*", 1},
                                 {"replica*", 2},   {"constraint*", 1}, {"foreign key*", 2}, {"primary key*", 2},
                                 {"partition*", 1}, {"statement*", 1},  {"vacuum*", 2},      {"pg_stat*", 2},
                                 {"slow", 2},       {"slower", 2},      {"settings", 2},     {"setting", 1},
                                 {"copies", 2},     {"copy", 1},        {"archiv*", 1},      {"approval*", 1},
                                 {"lakehouse*", 2}, {NULL, 0}};

/* Words with which the ones above mean something else. */
static const dba_word foreign[] = {
    {"joke*", 3},     {"poem*", 3},    {"song*", 3},  {"recipe*", 3},     {"weather", 3},  {"fund", 3},
    {"funds", 3},     {"stock", 3},    {"stocks", 3}, {"bank", 3},        {"door*", 3},    {"kitchen", 3},
    {"cook*", 3},     {"football", 3}, {"movie*", 3}, {"car", 3},         {"bike*", 3},    {"president", 3},
    {"my hair", 3},   {"tree", 3},     {"trees", 3},  {"cleaner*", 3},    {"carpet*", 3},  {"holiday*", 3},
    {"medicine*", 3}, {"doctor*", 3},  {"body", 3},   {"heart", 3},       {"mental", 3},   {"laptop", 3},
    {"phone", 3},     {"cat", 3},      {"dog", 3},    {"traffic", 3},     {"internet", 3}, {"wifi", 3},
    {"computer", 3},  {"dinner", 3},   {"lunch", 3},  {"restaurant*", 3}, {"eat", 3},      {"camera*", 3},
    {"climate", 3},   {"book", 3},     {"books", 3},  {"chapter*", 3},    {"novel*", 3},   {"magazine*", 3},
    {"essay*", 3},    {"thesis", 3},   {"photo*", 3}, {NULL, 0}};

static const dba_word deeds[] = {{"drop", 1},    {"delete", 1},  {"truncate", 1}, {"kill", 1},   {"terminate", 1},
                                 {"create", 1},  {"alter", 1},   {"fix", 1},      {"repair", 1}, {"restart", 1},
                                 {"rebuild", 1}, {"reindex", 1}, {"remove", 1},   {"grant", 1},  {NULL, 0}};

void dba_words(const char *question, char into[DBA_TEXT])
{
    const size_t size = DBA_TEXT;
    size_t n = 0;
    into[n++] = ' ';
    for (const char *at = question; *at && n + 2 < size; at++) {
        unsigned char c = (unsigned char)*at;
        if (isalnum(c) || c == '_')
            into[n++] = (char)tolower(c);
        else if (c != '\'' && into[n - 1] != ' ') /* don't is one word */
            into[n++] = ' ';
    }
    if (into[n - 1] != ' ')
        into[n++] = ' ';
    into[n] = '\0';
}

static bool has(const char *words, const char *pattern)
{
    size_t length = strlen(pattern);
    bool is_begin = pattern[length - 1] == '*';
    length -= is_begin;
    for (const char *at = words; (at = strchr(at, ' ')); at++)
        if (strncmp(at + 1, pattern, length) == 0 && (is_begin || at[1 + length] == ' '))
            return true;
    return false;
}

static int points(const char *words, const dba_word *list)
{
    int sum = 0;
    for (; list->pattern; list++)
        sum += has(words, list->pattern) ? list->points : 0;
    return sum;
}

static int most_points(const char *words, const dba_word *list)
{
    int most = 0;
    for (; list->pattern; list++)
        most = has(words, list->pattern) && list->points > most ? list->points : most;
    return most;
}

/* Into its place among those with the most points; the first one of equals stays before. */
static void insert(dba_class *class, const dba_topic *topic, int sum)
{
    size_t at = class->count;
    while (at && class->topics[at - 1].points < sum)
        at--;
    if (at == DBA_TOPICS_MOST)
        return;
    size_t last = class->count < DBA_TOPICS_MOST ? class->count++ : class->count - 1;
    for (size_t i = last; i > at; i--)
        class->topics[i] = class->topics[i - 1];
    class->topics[at].topic = topic;
    class->topics[at].points = sum;
}

dba_class dba_classify(const char *question)
{
    char words[DBA_TEXT];
    dba_class class = {.subject = DBA_NO_DATABASE};
    dba_words(question, words);
    int strange = points(words, foreign), database = points(words, about);
    for (size_t i = 0; i < dba_topic_count; i++) {
        int own = points(words, dba_topics[i].words);
        int sum = own - strange;
        if (own >= 2 && database >= DATABASE)
            sum++;
        if (sum >= DBA_ENOUGH && most_points(words, dba_topics[i].words) > 1) /* words of one point only support */
            insert(&class, &dba_topics[i], sum);
    }
    class.is_doubtful = strange && !class.count;
    if (class.count)
        class.subject = DBA_KNOWN;
    else if (database - strange >= DATABASE)
        class.subject = DBA_UNKNOWN;
    class.wants_change = points(words, deeds) > 0;
    return class;
}

/* "14 days": unit is " day" */
static int64_t number_named(const char *words, const char *unit)
{
    for (const char *at = words; (at = strstr(at, unit)); at++) {
        const char *from = at;
        while (from > words && isdigit((unsigned char)from[-1]))
            from--;
        if (from < at && at - from <= 3)
            return strtoll(from, NULL, 10);
    }
    return 0;
}

dba_span dba_span_of(const char *question)
{
    static const dba_word whole[] = {{"project*", 1}, {"branches", 1}, {"workspace", 1}, {"we", 1},
                                     {"total", 1},    {"our", 1},      {"all", 1},       {NULL, 0}};
    static const dba_word branch[] = {{"branch", 1}, {"database", 1}, {NULL, 0}};
    char words[DBA_TEXT];
    dba_words(question, words);
    int64_t days = number_named(words, " day"), hours = number_named(words, " hour");
    dba_span span = {.days = days                                             ? days
                             : has(words, "month")                            ? 30
                             : has(words, "yesterday") || has(words, "today") ? 1
                                                                              : 7,
                     .hours = hours ? hours : has(words, "hour"),
                     .with_today = !days && has(words, "today"),
                     .whole_project = points(words, whole) > 0 && points(words, branch) == 0};
    return span;
}

int dba_query_id(lb_ctx *ctx, const char *question, const char **ret_id, lb_error *err)
{
    *ret_id = NULL;
    for (const char *at = question; *at;) {
        size_t digits = strspn(at, "0123456789");
        bool is_word = at == question || !(isalnum((unsigned char)at[-1]) || strchr("_.", at[-1]));
        if (digits >= ID_LEAST && digits <= 19 && is_word && !isalnum((unsigned char)at[digits])) {
            bool is_negative = at > question && at[-1] == '-';
            *ret_id = lb_printf(ctx, "%s%.*s", is_negative ? "-" : "", (int)digits, at);
            return *ret_id ? 0 : lb_out_of_memory(err);
        }
        at += digits ? digits : 1;
    }
    return 0;
}

/* ---- results ---- */

static struct json_object *member(struct json_object *object, char *path)
{
    for (char *name = path, *next; object && name; name = next) {
        struct json_object *value = NULL;
        next = strchr(name, '.');
        if (next)
            *next++ = '\0';
        object = json_object_is_type(object, json_type_object) && json_object_object_get_ex(object, name, &value)
                     ? value
                     : NULL;
    }
    return object;
}

int dba_bytes(char *into, size_t size, double bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < COUNT(units)) {
        bytes /= 1024;
        unit++;
    }
    return snprintf(into, size, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static int put_value(char *into, size_t size, struct json_object *value, char how)
{
    double number = json_object_get_double(value);
    if (how == '%')
        return snprintf(into, size, "%.1f %%", number * 100);
    if (how == '#')
        return dba_bytes(into, size, number);
    if (!json_object_is_type(value, json_type_double))
        return snprintf(into, size, "%s", json_object_get_string(value));
    return snprintf(into, size, number >= 100 || number <= -100 ? "%.0f" : "%.3g", number);
}

/* {name:one|many}: the figure and the word that it takes; {?name:is|are}: the word alone. */
static int put_word(char *into, size_t size, struct json_object *value, const char *words, bool is_alone)
{
    const char *bar = strchr(words, '|');
    bool is_one = json_object_get_double(value) == 1;
    int one = bar ? (int)(bar - words) : 0;
    int written = is_alone ? 0 : put_value(into, size, value, '\0');
    if (!bar || written < 0 || (size_t)written >= size)
        return -1;
    int more = is_one ? snprintf(into + written, size - (size_t)written, "%s%.*s", is_alone ? "" : " ", one, words)
                      : snprintf(into + written, size - (size_t)written, "%s%s", is_alone ? "" : " ", bar + 1);
    return more < 0 ? more : written + more;
}

/* What stands between the braces. */
static int put_part(char *into, size_t size, struct json_object *result, const char *part, size_t length)
{
    char text[96];
    bool is_alone = *part == '?';
    if (length >= sizeof text)
        return -1;
    (void)snprintf(text, sizeof text, "%.*s", (int)length - is_alone, part + is_alone);
    char *words = strchr(text, ':'), *last = text + strlen(text) - 1;
    char how = '\0';
    if (words) {
        *words++ = '\0';
    } else if (last >= text && strchr("%#", *last)) {
        how = *last;
        *last = '\0';
    }
    struct json_object *value = member(result, text);
    if (!value)
        return -1;
    return words ? put_word(into, size, value, words, is_alone) : put_value(into, size, value, how);
}

bool dba_fill(const char *text, struct json_object *result, char *into, size_t size)
{
    size_t n = 0;
    for (const char *at = text; *at; at++) {
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        if (!end) {
            if (n + 1 >= size)
                return false;
            into[n++] = *at;
            continue;
        }
        int written = put_part(into + n, size - n, result, at + 1, (size_t)(end - at) - 1);
        if (written < 0 || (size_t)written >= size - n)
            return false;
        n += (size_t)written;
        at = end;
    }
    into[n] = '\0';
    return true;
}

bool dba_is_of(const dba_source *source, const char *kind)
{
    size_t length = strlen(kind);
    for (const char *at = source->kinds; at && *at; at += strcspn(at, " ") + 1)
        if (strncmp(at, kind, length) == 0 && at[length] == ' ')
            return true;
    return !source->kinds;
}

bool dba_is_by_table(const dba_source *source)
{
    static const char *const tools[] = {"run_full_index_analysis", "identify_tables_needing_vacuum",
                                        "identify_cold_data"};
    for (size_t i = 0; i < COUNT(tools); i++)
        if (strcmp(source->tool, tools[i]) == 0)
            return true;
    return false;
}
