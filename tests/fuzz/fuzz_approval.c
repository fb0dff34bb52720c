/* Approval documents as a broken store might give them back: what is read is written again as something that says the
 * same, and everything else is an error with words. */
#include "approval_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_again(approval *a, arena *memory)
{
    lb_error err;
    approval again;
    char hash[SHA256_TEXT];
    BUF_AUTO text = BUF_INIT(APPROVAL_BYTES + 1);
    memcpy(hash, a->hash, sizeof hash);
    if (approval_write(a, &text, &err) < 0) /* a secret that somebody put there */
        return;
    must(strcmp(hash, a->hash) == 0);
    must(approval_read(buf_text(&text), text.length, memory, &again, &err) == 0);
    must(strcmp(hash, again.hash) == 0 && strcmp(a->subject, again.subject) == 0);
    must(approval_evidence_same(a->evidence, again.evidence));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena memory;
    approval a;
    lb_error err = {0};
    arena_init(&memory, (size_t)256 << 20);
    int r = approval_read((const char *)data, size, &memory, &a, &err);
    if (r == 0)
        check_again(&a, &memory);
    else
        must((r == LB_ERR_INVALID || r == LB_ERR_CONFLICT || r == LB_ERR_NO_MEMORY) && err.code == r && err.message[0]);
    arena_done(&memory);
    return 0;
}
