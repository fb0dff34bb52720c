/* amount.h: a figure and what it counts, for people: "1 hour", "2.5 hours", and what is said of one or of many. */
#ifndef LBOPS_AMOUNT_H
#define LBOPS_AMOUNT_H

#include <lbops/lbops.h>

/* The word follows the figure as it is read: 1.001 is 1 hour. NULL: out of memory. */
static inline const char *amount_text(lb_ctx *ctx, double amount, const char *one, const char *many)
{
    const char *figure = lb_printf(ctx, amount < 999.5 ? "%.3g" : "%.0f", amount);
    return figure ? lb_printf(ctx, "%s %s", figure, strcmp(figure, "1") == 0 ? one : many) : NULL;
}

/* "{it has|they have} few values" of so many. NULL: out of memory. */
static inline const char *amount_words(lb_ctx *ctx, int64_t count, const char *text)
{
    char *words = lb_alloc(ctx, strlen(text) + 1), *to = words;
    for (const char *at = text; words && *at; at++) {
        const char *bar = *at == '{' ? strchr(at, '|') : NULL, *end = bar ? strchr(bar, '}') : NULL;
        if (!end) {
            *to++ = *at;
            continue;
        }
        const char *from = count == 1 ? at + 1 : bar + 1;
        size_t length = (size_t)((count == 1 ? bar : end) - from);
        memcpy(to, from, length);
        to += length;
        at = end;
    }
    if (words)
        *to = '\0';
    return words;
}

#endif
