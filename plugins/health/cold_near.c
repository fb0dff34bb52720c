/* Is a line that names no table a misspelt one, or meant for another database? */
#include "cold_model.h"

#include <nearest.h>
#include <string.h>

#define NAME 64 /* bytes of the longest name that the server keeps, with its end */

/* Of all tables: those that are the same but for case first, then those that are some letters off. */
typedef bool is_like(const char *a, const char *b);

static bool is_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool is_near(const char *a, const char *b)
{
    return nearest_name(a, &b, 1) != NULL;
}

static void fold(char into[NAME], const char *name, size_t length)
{
    size_t i = 0;
    for (; i < length && i < NAME - 1 && name[i]; i++)
        into[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    into[i] = '\0';
}

/* most: what a * leaves of a name. */
static bool compare(is_like *like, const char *word, size_t length, const char *name, size_t most)
{
    char a[NAME], b[NAME];
    fold(a, word, length);
    fold(b, name, most);
    return like(a, b);
}

static bool is_meant(is_like *like, const char *line, const cold_table *t)
{
    size_t length = strlen(line);
    bool has_rest = line[length - 1] == '*';
    length -= has_rest;
    const char *dot = memchr(line, '.', length), *name = dot ? dot + 1 : line;
    size_t head = dot ? (size_t)(dot - line) : length, left = length - (size_t)(name - line);
    if (!left || !dot) /* all of a schema, or that without its .* */
        if (compare(like, line, head, t->r.schema, NAME))
            return true;
    return left && (compare(like, name, left, t->r.name, has_rest ? left : NAME) ||
                    compare(like, line, length, t->r.name, has_rest ? length : NAME));
}

const cold_table *cold_nearest(const cold_set *set, const char *line)
{
    static is_like *const ways[] = {is_same, is_near};
    for (size_t way = 0; *line && way < sizeof ways / sizeof *ways; way++)
        for (size_t i = 0; i < set->count; i++)
            if (is_meant(ways[way], line, &set->tables[i]))
                return &set->tables[i];
    return NULL;
}
