#include "wire.h"

#include <errno.h>
#include <sys/socket.h>

#define NULL_TEXT UINT32_MAX

static void put_u16_at(char *at, uint16_t number)
{
    at[0] = (char)(number & 0xff);
    at[1] = (char)(number >> 8);
}

static void put_u32_at(char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(number >> (8 * i) & 0xff);
}

static uint32_t get_u32_at(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

size_t wire_begin(buf *out, wire_type type)
{
    char head[WIRE_HEAD] = {0};
    size_t mark = out->length;
    put_u16_at(head + 4, (uint16_t)type);
    buf_put(out, head, sizeof head);
    return mark;
}

void wire_end(buf *out, size_t mark)
{
    if (!out->overflow)
        put_u32_at(out->data + mark, (uint32_t)(out->length - mark - 4));
}

void wire_put_u32(buf *out, uint32_t number)
{
    char bytes[4];
    put_u32_at(bytes, number);
    buf_put(out, bytes, sizeof bytes);
}

void wire_put_i64(buf *out, int64_t number)
{
    wire_put_u32(out, (uint32_t)((uint64_t)number & UINT32_MAX));
    wire_put_u32(out, (uint32_t)((uint64_t)number >> 32));
}

void wire_put_bool(buf *out, bool flag)
{
    buf_putc(out, flag ? 1 : 0);
}

void wire_put_str(buf *out, const char *text)
{
    if (!text) {
        wire_put_u32(out, NULL_TEXT);
        return;
    }
    size_t length = strlen(text);
    if (length >= WIRE_FRAME_LIMIT) {
        out->overflow = true;
        return;
    }
    wire_put_u32(out, (uint32_t)length);
    buf_put(out, text, length + 1); /* with its NUL, so that the reader can point into the frame */
}

static const unsigned char *take(wire_reader *r, size_t bytes)
{
    if (r->bad || (size_t)(r->end - r->p) < bytes) {
        r->bad = true;
        return NULL;
    }
    const unsigned char *at = r->p;
    r->p += bytes;
    return at;
}

uint32_t wire_get_u32(wire_reader *r)
{
    const unsigned char *at = take(r, 4);
    return at ? get_u32_at(at) : 0;
}

int64_t wire_get_i64(wire_reader *r)
{
    uint64_t low = wire_get_u32(r), high = wire_get_u32(r);
    return (int64_t)(high << 32 | low);
}

bool wire_get_bool(wire_reader *r)
{
    const unsigned char *at = take(r, 1);
    if (at && *at > 1)
        r->bad = true;
    return at && *at == 1;
}

const char *wire_get_str(wire_reader *r)
{
    uint32_t length = wire_get_u32(r);
    if (r->bad || length == NULL_TEXT)
        return NULL;
    const char *text = (const char *)take(r, (size_t)length + 1);
    if (text && strnlen(text, (size_t)length + 1) != length) {
        r->bad = true;
        return NULL;
    }
    return text;
}

const char *wire_get_required(wire_reader *r)
{
    const char *text = wire_get_str(r);
    if (text)
        return text;
    r->bad = true;
    return "";
}

bool wire_done(const wire_reader *r)
{
    return !r->bad && r->p == r->end;
}

void wire_put_rest(buf *out, wire_reader *r)
{
    if (!r->bad)
        buf_put(out, r->p, (size_t)(r->end - r->p));
    r->p = r->end;
}

int wire_frame(const char *data, size_t length, wire_type *ret_type, wire_reader *ret_reader, size_t *ret_size)
{
    const unsigned char *bytes = (const unsigned char *)data;
    if (length < WIRE_HEAD)
        return 0;
    size_t rest = get_u32_at(bytes);
    if (rest < WIRE_HEAD - 4 || rest > WIRE_FRAME_LIMIT)
        return -1;
    if (length - 4 < rest)
        return 0;
    *ret_type = (wire_type)(bytes[4] | bytes[5] << 8);
    *ret_reader = (wire_reader){.p = bytes + WIRE_HEAD, .end = bytes + 4 + rest};
    *ret_size = 4 + rest;
    return 1;
}

int wire_send_all(int fd, const buf *out)
{
    size_t sent = 0;
    while (sent < out->length) {
        ssize_t n = send(fd, out->data + sent, out->length - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            sent += (size_t)n;
    }
    return 0;
}
