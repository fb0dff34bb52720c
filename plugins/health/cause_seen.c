/* A Bloom filter: four bits of 65536 for each name, one for each 16 bits of its digest. */
#include "cause_seen.h"

#include "health_hash.h"

#include <string.h>

enum { BITS_EACH = 4 };

static const char digits[] = "0123456789abcdef";

/* The top bits of the digest say little of a name's last letters. */
static uint64_t digest(const char *name)
{
    uint64_t hash = health_hash(HEALTH_HASH_BASIS, name);
    hash = (hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

bool cause_seen_has(const cause_seen *set, const char *name)
{
    uint64_t hash = digest(name);
    for (int i = 0; i < BITS_EACH; i++, hash >>= 16)
        if (!(set->bytes[(hash & 0xffff) / 8] & 1U << hash % 8))
            return false;
    return true;
}

void cause_seen_add(cause_seen *set, const char *name)
{
    uint64_t hash = digest(name);
    for (int i = 0; i < BITS_EACH; i++, hash >>= 16)
        set->bytes[(hash & 0xffff) / 8] |= (unsigned char)(1U << hash % 8);
}

bool cause_seen_is_full(const cause_seen *set)
{
    unsigned count = 0;
    for (int i = 0; i < CAUSE_SEEN_BYTES; i++)
        for (unsigned byte = set->bytes[i]; byte; byte &= byte - 1)
            count++;
    return count > CAUSE_SEEN_BYTES * 8 / 2;
}

void cause_seen_print(const cause_seen *set, char text[2 * CAUSE_SEEN_BYTES + 1])
{
    for (int i = 0; i < CAUSE_SEEN_BYTES; i++) {
        *text++ = digits[set->bytes[i] >> 4];
        *text++ = digits[set->bytes[i] & 15];
    }
    *text = '\0';
}

bool cause_seen_parse(const char *text, cause_seen *ret_set)
{
    if (!text || strlen(text) != (size_t)2 * CAUSE_SEEN_BYTES)
        return false;
    for (size_t i = 0; i < CAUSE_SEEN_BYTES; i++) {
        const char *high = strchr(digits, text[2 * i]), *low = strchr(digits, text[2 * i + 1]);
        if (!high || !low)
            return false;
        ret_set->bytes[i] = (unsigned char)((high - digits) << 4 | (low - digits));
    }
    return true;
}
