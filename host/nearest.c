#include "nearest.h"

#define LONGEST 64

/* Edits (insert, delete, change, swap of neighbours) that turn one word into the other; words longer than LONGEST:
 * many. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST)
        return LONGEST;
    unsigned rows[3][LONGEST + 1] = {{0}};
    for (size_t j = 0; j <= m; j++)
        rows[1][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *before = rows[(i + 2) % 3], *last = rows[i % 3], *now = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[(n + 1) % 3][m];
}

const char *nearest_name(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t length = strlen(word);
    unsigned allowed = length < 4 ? 1 : length < 8 ? 2 : 3, closest = allowed + 1;
    for (size_t i = 0; i < count; i++) {
        if (!names[i])
            continue;
        bool extends =
            length >= 3 && strncmp(word, names[i], length) == 0 && names[i][length]; /* a name that was cut short */
        unsigned d = extends ? 1 : distance(word, names[i]);
        if (d < closest) {
            closest = d;
            best = names[i];
        }
    }
    return best;
}
