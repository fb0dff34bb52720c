#include "text_map.h"

typedef struct text_map_entry {
    char *key; /* NULL: free */
    int64_t number;
} text_map_entry;

static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return h;
}

/* Where the key is, or where it would be: there is always a free place. */
static text_map_entry *place(const text_map *m, const char *key)
{
    size_t at = (size_t)hash(key) & (m->capacity - 1);
    while (m->entries[at].key && strcmp(m->entries[at].key, key) != 0)
        at = (at + 1) & (m->capacity - 1);
    return &m->entries[at];
}

static void grow(text_map *m)
{
    text_map larger = {.capacity = m->capacity ? m->capacity * 2 : 64};
    larger.entries = base_alloc(larger.capacity * sizeof *larger.entries);
    larger.count = m->count;
    for (size_t i = 0; i < m->capacity; i++)
        if (m->entries[i].key)
            *place(&larger, m->entries[i].key) = m->entries[i];
    free(m->entries);
    *m = larger;
}

void text_map_put(text_map *m, const char *key, int64_t number)
{
    if (m->count * 2 >= m->capacity)
        grow(m);
    text_map_entry *e = place(m, key);
    if (!e->key) {
        e->key = base_strdup(key);
        m->count++;
    }
    e->number = number;
}

int64_t text_map_get(const text_map *m, const char *key, int64_t fallback)
{
    if (!m->count)
        return fallback;
    const text_map_entry *e = place(m, key);
    return e->key ? e->number : fallback;
}

void text_map_done(text_map *m)
{
    for (size_t i = 0; i < m->capacity; i++)
        free(m->entries[i].key);
    free(m->entries);
    *m = TEXT_MAP_INIT;
}
