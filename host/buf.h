/* buf.h: a growing run of bytes with an upper bound. Once an append does not fit, the buffer remembers it (`overflow`)
 * and takes nothing more, so that a writer checks once, at its end. */
#ifndef LBOPS_HOST_BUF_H
#define LBOPS_HOST_BUF_H

#include "base.h"

typedef struct buf {
    char *data; /* NUL-terminated whenever it is not NULL */
    size_t length, capacity, limit;
    bool overflow;
} buf;

#define BUF_INIT(max) ((buf){.limit = (max)})
#define BUF_AUTO      LB_CLEANUP(buf_done) buf

void buf_done(buf *b);
void buf_clear(buf *b); /* keeps the memory */
void buf_put(buf *b, const void *data, size_t length);
void buf_trim(buf *b, size_t keep); /* gives the memory of an empty buffer back when it is more than keep */
void buf_puts(buf *b, const char *text);
void buf_putc(buf *b, char c);
LB_PRINTF(2, 3) void buf_printf(buf *b, const char *fmt, ...);
void buf_cut(buf *b, size_t length);        /* back to a shorter length; an overflow is forgotten */
void buf_drop_front(buf *b, size_t length); /* forgets the first bytes */
char *buf_reserve(buf *b, size_t length);   /* room for so many more bytes; NULL past the limit. Then buf_commit. */
void buf_commit(buf *b, size_t length);
const char *buf_text(const buf *b); /* "" when empty */

#endif
