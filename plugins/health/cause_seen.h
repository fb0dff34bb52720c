/* cause_seen.h: a set of names that is small whatever it holds. Now and then it takes one for seen that it has not (of
 * 5000 one in two hundred); it never forgets one. */
#ifndef LBOPS_CAUSE_SEEN_H
#define LBOPS_CAUSE_SEEN_H

#include <stdbool.h>

enum { CAUSE_SEEN_BYTES = 8192 };

typedef struct cause_seen {
    unsigned char bytes[CAUSE_SEEN_BYTES];
} cause_seen;

bool cause_seen_has(const cause_seen *set, const char *name);
void cause_seen_add(cause_seen *set, const char *name);
/* It holds so much that it takes too many for seen. */
bool cause_seen_is_full(const cause_seen *set);

/* As text, and back; false: that is no such set. */
void cause_seen_print(const cause_seen *set, char text[2 * CAUSE_SEEN_BYTES + 1]);
bool cause_seen_parse(const char *text, cause_seen *ret_set);

#endif
