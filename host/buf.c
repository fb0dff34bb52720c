#include "buf.h"

void buf_done(buf *b)
{
    free(b->data);
    *b = BUF_INIT(b->limit);
}

void buf_clear(buf *b)
{
    b->length = 0;
    b->overflow = false;
    if (b->data)
        b->data[0] = '\0';
}

void buf_trim(buf *b, size_t keep)
{
    if (b->length == 0 && b->capacity > keep)
        buf_done(b);
}

char *buf_reserve(buf *b, size_t length)
{
    if (b->overflow || length > b->limit || b->length > b->limit - length || b->length + length >= SIZE_MAX / 2) {
        b->overflow = true;
        return NULL;
    }
    size_t needed = b->length + length + 1;
    if (needed > b->capacity) {
        size_t capacity = b->capacity ? b->capacity : 256;
        while (capacity < needed)
            capacity *= 2;
        char *data = realloc(b->data, capacity);
        if (!data) {
            b->overflow = true;
            return NULL;
        }
        b->data = data;
        b->capacity = capacity;
    }
    return b->data + b->length;
}

void buf_commit(buf *b, size_t length)
{
    b->length += length;
    b->data[b->length] = '\0';
}

void buf_put(buf *b, const void *data, size_t length)
{
    char *room = buf_reserve(b, length);
    if (!room)
        return;
    if (length)
        memcpy(room, data, length);
    buf_commit(b, length);
}

void buf_puts(buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_putc(buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_printf(buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *room = length < 0 ? NULL : buf_reserve(b, (size_t)length);
    if (room) {
        (void)vsnprintf(room, (size_t)length + 1, fmt, again); /* measured above */
        buf_commit(b, (size_t)length);
    }
    va_end(again);
}

void buf_cut(buf *b, size_t length)
{
    if (length < b->length)
        b->length = length;
    b->overflow = false;
    if (b->data)
        b->data[b->length] = '\0';
}

void buf_drop_front(buf *b, size_t length)
{
    if (!length)
        return;
    b->length -= length;
    memmove(b->data, b->data + length, b->length + 1);
}

const char *buf_text(const buf *b)
{
    return b->data ? b->data : "";
}
