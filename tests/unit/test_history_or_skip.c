/* What a tool comes to that can do without history. */
#include "suite.h"

#include <lbops/lbops.h>

static char noted[200];
static size_t left; /* bytes of memory */

static void *take(lb_ctx *ctx, size_t bytes)
{
    static char memory[512];
    (void)ctx; /* there is one run */
    return bytes <= left ? memory : NULL;
}

static int note(lb_ctx *ctx, const char *object, const char *reason, lb_error *err)
{
    (void)ctx, (void)err; /* one run, and it cannot fail */
    (void)snprintf(noted, sizeof noted, "%s: %s", object, reason);
    return 0;
}

static const lb_host host = {.size = sizeof host, .alloc = take, .skipped = note};
static lb_ctx ctx = {.host = &host};

static int asked(int code, const char *what, const char **ret_why, lb_error *err)
{
    *err = (lb_error){.code = code};
    (void)snprintf(err->message, sizeof err->message, "the desk is closed"); /* fits */
    noted[0] = '\0';
    left = 512;
    return lb_history_or_skip(&ctx, code, what, ret_why, err);
}

static void rows_are_rows(void)
{
    lb_error err;
    const char *why = NULL;
    CU_ASSERT_EQUAL(asked(0, "trends", &why, &err), 1);
    CU_ASSERT_EQUAL(asked(7, NULL, NULL, &err), 1);
    CU_ASSERT_PTR_NULL(why);
    ASSERT_TEXT(noted, "");
}

static void nothing_to_ask_is_noted_or_told(void)
{
    lb_error err;
    const char *why = NULL;
    CU_ASSERT_EQUAL(asked(LB_ERR_UNSUPPORTED, "trends", NULL, &err), 0);
    ASSERT_TEXT(noted, "trends: there is no history to ask: the desk is closed");
    CU_ASSERT_EQUAL(asked(LB_ERR_UNREACHABLE, NULL, &why, &err), 0);
    ASSERT_TEXT(why, "there is no history to ask: the desk is closed");
    ASSERT_TEXT(noted, "");
}

static void what_ends_the_run_ends_it(void)
{
    lb_error err;
    CU_ASSERT_EQUAL(asked(LB_ERR_CANCELLED, "trends", NULL, &err), LB_ERR_CANCELLED);
    CU_ASSERT_EQUAL(asked(LB_ERR_NO_MEMORY, "trends", NULL, &err), LB_ERR_NO_MEMORY);
    ASSERT_TEXT(noted, "");
    left = 0;
    CU_ASSERT_EQUAL(lb_history_or_skip(&ctx, LB_ERR_IO, "trends", NULL, &err), LB_ERR_NO_MEMORY);
    CU_ASSERT(lb_no_history(LB_ERR_NOT_FOUND) && lb_no_history(LB_ERR_UNSUPPORTED) && !lb_no_history(LB_ERR_IO));
}

SUITE(history_or_skip, TEST(rows_are_rows), TEST(nothing_to_ask_is_noted_or_told), TEST(what_ends_the_run_ends_it))
