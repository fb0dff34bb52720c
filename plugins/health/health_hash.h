/* health_hash.h: FNV-1a of texts: it tells versions of our own documents apart, and guards nothing. */
#ifndef LBOPS_HEALTH_HASH_H
#define LBOPS_HEALTH_HASH_H

#include <stdint.h>

#define HEALTH_HASH_BASIS UINT64_C(0xcbf29ce484222325)

/* NULL is as an empty one; where a text ends matters. */
static inline uint64_t health_hash(uint64_t hash, const char *text)
{
    const uint64_t prime = UINT64_C(0x100000001b3);
    for (const char *p = text ? text : ""; *p; p++)
        hash = (hash ^ (unsigned char)*p) * prime;
    return (hash ^ 0xff) * prime;
}

#endif
