/* The vectors of NIST's examples and of FIPS 180-4, in one piece and in many. */
#include "unit/suite.h"

#include "sha256.h"

static void expect_by(bool portable, const char *text, size_t repeat, size_t piece, const char *expected)
{
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_TEXT];
    size_t length = strlen(text);
    sha256 s;
    sha256_init(&s);
    s.portable = s.portable || portable;
    for (size_t i = 0; i < repeat; i++)
        for (size_t at = 0; at < length; at += piece)
            sha256_add(&s, text + at, length - at < piece ? length - at : piece);
    sha256_end(&s, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]); /* two digits */
    ASSERT_TEXT(hex, expected);
}

/* By plain C, and by the processor's instructions where it has them. */
static void expect(const char *text, size_t repeat, size_t piece, const char *expected)
{
    expect_by(true, text, repeat, piece, expected);
    expect_by(false, text, repeat, piece, expected);
}

static void known_digests_come_out(void)
{
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    static const char four_blocks[] =
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
        "mnopqrstnopqrstu";
    expect("", 1, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect("abc", 1, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (size_t piece = 1; piece <= sizeof two_blocks; piece++) {
        expect(two_blocks, 1, piece, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        expect(four_blocks, 1, piece, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    }
    expect("aaaaaaaaaa", 100000, 10, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void files_are_hashed_whole(void)
{
    char path[] = "/tmp/lbops-sha256-XXXXXX", hex[SHA256_TEXT];
    lb_error err = {0};
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    char block[1000];
    memset(block, 'a', sizeof block);
    for (int i = 0; i < 1000; i++)
        CU_ASSERT_EQUAL(write(fd, block, sizeof block), sizeof block);
    CU_ASSERT_EQUAL(close(fd), 0);
    CU_ASSERT_EQUAL(sha256_file(path, hex, &err), 0);
    ASSERT_TEXT(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(sha256_file(path, hex, &err), LB_ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(sha256_file("/tmp", hex, &err), LB_ERR_IO);
}

static void both_ways_agree_at_every_length(void)
{
    unsigned char text[300], one[SHA256_BYTES], other[SHA256_BYTES];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (unsigned char)(i * 131 + 7);
    for (size_t length = 0; length <= sizeof text; length++) {
        sha256 s, portable;
        sha256_init(&s);
        sha256_init(&portable);
        portable.portable = true;
        sha256_add(&s, text, length);
        sha256_add(&portable, text, length);
        sha256_end(&s, one);
        sha256_end(&portable, other);
        CU_ASSERT_EQUAL(memcmp(one, other, sizeof one), 0);
    }
}

SUITE(sha256, TEST(known_digests_come_out), TEST(both_ways_agree_at_every_length), TEST(files_are_hashed_whole))
