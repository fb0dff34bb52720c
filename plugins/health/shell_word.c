/* Words for a shell. */
#include "shell_word.h"

const char *shell_word(lb_ctx *ctx, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t length = strlen(text), n = 0;
    if (length && strspn(text, plain) == length)
        return text;
    char *copy = lb_alloc(ctx, 4 * length + 3);
    if (!copy)
        return NULL;
    copy[n++] = '\'';
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\'') {
            memcpy(copy + n, "'\\''", 4);
            n += 4;
        } else {
            copy[n++] = text[i];
        }
    }
    copy[n++] = '\'';
    copy[n] = '\0';
    return copy;
}
