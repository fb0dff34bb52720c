/* text_map.h: texts to numbers. */
#ifndef LBOPS_HOST_TEXT_MAP_H
#define LBOPS_HOST_TEXT_MAP_H

#include "base.h"

typedef struct text_map {
    struct text_map_entry *entries;
    size_t count, capacity;
} text_map;

#define TEXT_MAP_INIT ((text_map){0})

void text_map_done(text_map *m);
void text_map_put(text_map *m, const char *key, int64_t number);
int64_t text_map_get(const text_map *m, const char *key, int64_t fallback);

#endif
