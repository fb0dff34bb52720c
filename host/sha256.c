#include "sha256.h"

#include "fs.h"

#include <errno.h>
#include <fcntl.h>

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>
#endif

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned bits)
{
    return x >> bits | x << (32 - bits);
}

static void expand(const unsigned char *block, uint32_t words[64])
{
    for (size_t i = 0; i < 16; i++, block += 4)
        words[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
    for (size_t i = 16; i < 64; i++) {
        uint32_t a = words[i - 15], b = words[i - 2];
        words[i] = words[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + words[i - 7] +
                   (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
}

static void compress_portable(uint32_t state[8], const unsigned char *block)
{
    uint32_t words[64], v[8];
    expand(block, words);
    memcpy(v, state, sizeof v);
    for (size_t i = 0; i < 64; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t first = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & v[5]) ^ (~e & v[6])) +
                         constants[i] + words[i];
        uint32_t second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += first;
        v[0] = first + second;
    }
    for (size_t i = 0; i < 8; i++)
        state[i] += v[i];
}

#ifdef __x86_64__
static bool ask_cpu(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSSE3) && (c & bit_SSE4_1) &&
           __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/* A virtual machine takes microseconds to answer for its processor, so it is asked once; twice does no harm. */
static bool has_instructions(void)
{
    enum { UNKNOWN, ABSENT, PRESENT };
    static atomic_int known = UNKNOWN;
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == UNKNOWN) {
        answer = ask_cpu() ? PRESENT : ABSENT;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == PRESENT;
}

static inline __m128i load(const void *from)
{
    return _mm_loadu_si128(from);
}

/* The processor's own rounds, two at a time. It wants the state as (a, b, e, f) and (c, d, g, h), highest first. */
__attribute__((target("sha,ssse3,sse4.1"))) static void compress_x86(uint32_t state[8], const unsigned char *block)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i low = _mm_shuffle_epi32(load(state), 0xB1), high = _mm_shuffle_epi32(load(state + 4), 0x1B), w[4];
    __m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xF0);
    const __m128i abef_before = abef, cdgh_before = cdgh;
    for (size_t i = 0; i < 4; i++)
        w[i] = _mm_shuffle_epi8(load(block + 16 * i), big_endian);
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i++) {
        __m128i k = _mm_add_epi32(w[i % 4], load(constants + 4 * i));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0E));
        __m128i next = _mm_add_epi32(_mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]),
                                     _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4));
        w[i % 4] = _mm_sha256msg2_epu32(next, w[(i + 3) % 4]);
    }
    low = _mm_shuffle_epi32(_mm_add_epi32(abef, abef_before), 0x1B);
    high = _mm_shuffle_epi32(_mm_add_epi32(cdgh, cdgh_before), 0xB1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(low, high, 0xF0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(high, low, 8));
}
#else
static bool has_instructions(void)
{
    return false;
}
#endif

void sha256_init(sha256 *s)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    *s = (sha256){0};
    memcpy(s->state, start, sizeof start);
    s->portable = !has_instructions();
}

static void compress(sha256 *s, const unsigned char *block)
{
#ifdef __x86_64__
    if (!s->portable) {
        compress_x86(s->state, block);
        return;
    }
#endif
    compress_portable(s->state, block);
}

void sha256_add(sha256 *s, const void *data, size_t length)
{
    const unsigned char *p = data;
    size_t held = (size_t)(s->length % sizeof s->block);
    s->length += length;
    while (length) {
        size_t room = sizeof s->block - held, n = length < room ? length : room;
        if (n == sizeof s->block) {
            compress(s, p); /* straight from the input */
        } else {
            memcpy(s->block + held, p, n);
            if (held + n == sizeof s->block)
                compress(s, s->block);
        }
        held = (held + n) % sizeof s->block;
        p += n;
        length -= n;
    }
}

void sha256_end(sha256 *s, unsigned char digest[SHA256_BYTES])
{
    static const unsigned char padding[64] = {0x80};
    unsigned char bits[8];
    uint64_t count = s->length * 8;
    size_t held = (size_t)(s->length % sizeof s->block);
    for (size_t i = 0; i < 8; i++)
        bits[i] = (unsigned char)(count >> (56 - 8 * i));
    sha256_add(s, padding, held < 56 ? 56 - held : 120 - held);
    sha256_add(s, bits, sizeof bits);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        digest[i] = (unsigned char)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_end_text(sha256 *s, char text[SHA256_TEXT])
{
    unsigned char digest[SHA256_BYTES];
    sha256_end(s, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", digest[i]); /* two digits and a NUL */
}

int sha256_file(const char *path, char text[SHA256_TEXT], lb_error *err)
{
    unsigned char chunk[32768];
    sha256 s;
    sha256_init(&s);
    LB_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not hold us */
    if (fd < 0)
        return fs_fail(err, errno, "open", path);
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fs_fail(err, errno, "read", path);
        if (n == 0)
            break;
        sha256_add(&s, chunk, (size_t)n);
    }
    sha256_end_text(&s, text);
    return 0;
}
