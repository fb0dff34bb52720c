/* sha256.h: SHA-256 (FIPS 180-4), for pinning plugin files and chaining events. */
#ifndef LBOPS_HOST_SHA256_H
#define LBOPS_HOST_SHA256_H

#include "base.h"

#define SHA256_BYTES 32
#define SHA256_TEXT  (2 * SHA256_BYTES + 1)

typedef struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    unsigned char block[64];
    bool portable; /* plain C; set by sha256_init where the processor has no instructions for it, by tests anywhere */
} sha256;

void sha256_init(sha256 *s);
void sha256_add(sha256 *s, const void *data, size_t length);
void sha256_end(sha256 *s, unsigned char digest[SHA256_BYTES]);
void sha256_end_text(sha256 *s, char text[SHA256_TEXT]); /* the same in lower-case hexadecimal */

/* The digest of a file's content, in lower-case hexadecimal. */
LB_MUST_CHECK int sha256_file(const char *path, char text[SHA256_TEXT], lb_error *err);

#endif
