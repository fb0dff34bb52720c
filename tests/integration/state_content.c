/* What every state store has to do: lists, pruning, texts and sizes, time. Each case works in a space of its own. */
#include "state_stage.h"

#define SECOND CLOCK_SECOND

/* ---- lists ---- */

static void fill(const char *in)
{
    CU_ASSERT(TXN(PUT(in, "r/2", .status = "ok", .owner = "h1", .at = 20), PUT(in, "r/1", .status = "ok", .at = 20),
                  PUT(in, "r/3", .status = "failed", .owner = "h2", .at = 10),
                  PUT(in, "r_4", .status = "running", .owner = "h1", .at = 40), PUT(in, "s/5", .at = 30),
                  PUT(in, "r/6", .status = "ok", .owner = "h1", .at = -5))
                  .failed == APPLIED);
}

/* The keys alone. */
static const char *keys(const lb_state_query *query)
{
    static char text[4096];
    const char *line = stage_list(query);
    size_t used = 0;
    text[0] = '\0';
    while (*line) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s ", (int)strcspn(line, " "), line);
        line += strcspn(line, "\n") + 1;
    }
    return text;
}

static void lists_by_every_filter(void)
{
    const char *in = stage_space();
    fill(in);
    ASSERT_TEXT(keys(&(lb_state_query){.space = in}), "r/6 r/3 r/1 r/2 s/5 r_4 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .newest_first = true}), "r_4 s/5 r/2 r/1 r/3 r/6 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .status = "ok"}), "r/6 r/1 r/2 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .status = "ok", .newest_first = true}), "r/2 r/1 r/6 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .owner = "h1"}), "r/6 r/2 r_4 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .owner = "h1", .newest_first = true}), "r_4 r/2 r/6 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .key_prefix = "r/"}), "r/6 r/3 r/1 r/2 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .key_prefix = "r/", .newest_first = true}), "r/2 r/1 r/3 r/6 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .key_prefix = ""}), "r/6 r/3 r/1 r/2 s/5 r_4 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .key = "r/3"}), "r/3 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .key = "r/"}), "");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .at_from = 20}), "r/1 r/2 s/5 r_4 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .at_to = 20}), "r/6 r/3 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .at_from = 10, .at_to = 30, .newest_first = true}), "r/2 r/1 r/3 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .limit = 2}), "r/6 r/3 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .limit = 2, .newest_first = true}), "r_4 s/5 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = "no such space"}), "");
}

static void lists_by_filters_together(void)
{
    const char *in = stage_space();
    fill(in);
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .status = "ok", .owner = "h1"}), "r/6 r/2 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .status = "ok", .key_prefix = "r/2"}), "r/2 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .owner = "h1", .key_prefix = "r/", .at_from = 1}), "r/2 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .key = "r/3", .status = "ok"}), "");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .key = "r/3", .owner = "h2", .key_prefix = "r"}), "r/3 ");
    ASSERT_TEXT(keys(&(lb_state_query){.space = in, .key = "r/3", .at_from = 11}), "");
    ASSERT_TEXT(keys(&(lb_state_query){
                    .space = in, .status = "ok", .at_from = 1, .at_to = 21, .newest_first = true, .limit = 1}),
                "r/2 ");
}

static int refuse_second(void *arg, const lb_state_doc *doc, lb_error *err)
{
    (void)doc;
    return ++*(int *)arg == 2 ? lb_fail(err, LB_ERR_TOOL, NULL, "enough") : 0;
}

static void lists_until_it_is_enough(void)
{
    const char *in = stage_space();
    int taken = 0;
    const lb_state_query query = {.size = sizeof query, .space = in};
    fill(in);
    CU_ASSERT(stage.ops->list(stage.state, &query, stage_soon(10), refuse_second, &taken, &stage_error) == LB_ERR_TOOL);
    ASSERT_TEXT(stage_error.message, "enough");
    CU_ASSERT(taken == 2);
    CU_ASSERT(stage_count(in) == 6); /* and the store is ready for the next call */
}

/* ---- pruning ---- */

static int64_t prune(const char *in, const char *status, int64_t before, int64_t most)
{
    int64_t removed = -1;
    int r = stage.ops->prune(stage.state, in, status, before, most, stage_soon(10), &removed, &stage_error);
    return r < 0 ? r : removed;
}

static void prunes(void)
{
    const char *in = stage_space(), *other = stage_space();
    fill(in);
    fill(other);
    CU_ASSERT(prune(in, "ok", 20, 100) == 1);
    CU_ASSERT(prune(in, NULL, 100, 2) == 2); /* the oldest go first */
    ASSERT_TEXT(keys(&(lb_state_query){.space = in}), "r/2 s/5 r_4 ");
    CU_ASSERT(prune(in, NULL, 100, 0) == 0);
    CU_ASSERT(prune(in, "no such status", 100, 100) == 0);
    CU_ASSERT(prune(in, NULL, 100, 100) == 3);
    CU_ASSERT(stage_count(in) == 0 && stage_count(other) == 6);
    CU_ASSERT(prune(in, NULL, 100, -1) == LB_ERR_INVALID);
}

static void prunes_no_lease_that_runs(void)
{
    const char *in = stage_space();
    CU_ASSERT(stage_one(ACQUIRE(in, "runs", "h1", 60 * SECOND)).failed == APPLIED);
    CU_ASSERT(stage_one(ACQUIRE(in, "ends", "h1", 1)).failed == APPLIED);
    int64_t limit = stage_soon(20);
    while (stage_one(HOLD(in, "ends", "h1")).failed == APPLIED && clock_monotonic() < limit)
        ;
    CU_ASSERT(prune(in, NULL, 100, 100) == 1);
    CU_ASSERT(stage_one(HOLD(in, "runs", "h1")).failed == APPLIED);
}

/* ---- texts and sizes ---- */

static void keeps_odd_texts(void)
{
    static const char *const texts[] = {
        "",
        "'",
        "\"",
        "\\",
        "\\'\"$$",
        "{}",
        "NULL",
        "null",
        "a,b{c}\"d",
        "\t\n\r",
        "%s%n",
        "Straße",
        "日本語",
        "\xf0\x9f\x98\x80",
        "\xc2\xa0",
        "; DROP TABLE document; --",
        " lead and trail ",
    };
    const char *in = stage_space();
    for (size_t i = 0; i < LB_COUNT(texts); i++) {
        buf body = BUF_INIT(4096);
        buf_puts(&body, "{ \"odd\" :  \"\\u0000 \\\" \\\\ ' ü\", \"odd\" : 1.50 }"); /* kept to the letter */
        CU_ASSERT(stage_one(INSERT(in, texts[i], .status = texts[i], .owner = texts[i], .at = (int64_t)i,
                                   .body = buf_text(&body)))
                      .failed == APPLIED);
        LB_AUTO_FREE char *want = base_printf("%s %s %s %zu %s\n", texts[i], texts[i], texts[i], i, buf_text(&body));
        ASSERT_TEXT(stage_list(&(lb_state_query){.space = in, .key = texts[i]}), want);
        ASSERT_TEXT(stage_list(&(lb_state_query){.space = in, .status = texts[i]}), want);
        ASSERT_TEXT(stage_list(&(lb_state_query){.space = in, .owner = texts[i], .key_prefix = texts[i]}), want);
        buf_done(&body);
    }
    CU_ASSERT(stage_count(in) == (int64_t)LB_COUNT(texts));
    LB_AUTO_FREE char *odd_space = base_printf("%s '\"\\;--", in);
    CU_ASSERT(stage_one(INSERT(odd_space, "a")).failed == APPLIED && stage_count(odd_space) == 1);
}

static void orders_by_bytes(void)
{
    const char *in = stage_space();
    CU_ASSERT(TXN(PUT(in, "b"), PUT(in, "B"), PUT(in, "a"), PUT(in, "ä"), PUT(in, "_"), PUT(in, "aa")).failed ==
              APPLIED);
    ASSERT_TEXT(keys(&(lb_state_query){.space = in}), "B _ a aa b ä ");
}

static char *long_text(size_t length)
{
    char *text = base_alloc(length + 1);
    memset(text, 'x', length);
    return text;
}

static int64_t body_bytes;

static int take_body(void *arg, const lb_state_doc *doc, lb_error *err)
{
    (void)err;
    body_bytes = (int64_t)strlen(doc->body);
    return strcmp(doc->body, arg) == 0 ? 0 : LB_ERR_TOOL;
}

static void keeps_large_bodies(void)
{
    const char *in = stage_space();
    size_t length = (size_t)16 << 20;
    LB_AUTO_FREE char *body = long_text(length);
    body[0] = body[length - 1] = '"';
    const lb_state_query query = {.size = sizeof query, .space = in};
    CU_ASSERT(stage_one(INSERT(in, "a", .body = body)).failed == APPLIED);
    CU_ASSERT(stage.ops->list(stage.state, &query, stage_soon(20), take_body, body, &stage_error) == 0);
    CU_ASSERT(body_bytes == (int64_t)length);
    CU_ASSERT(stage_one(REMOVE(in, "a", 0)).failed == APPLIED);
}

static int try(lb_state_op op)
{
    const lb_state_txn txn = {&op, 1};
    return stage_apply_with(stage.state, "tries", 1, &txn, 1);
}

static void keeps_to_its_limits(void)
{
    const char *in = stage_space();
    LB_AUTO_FREE char *most = long_text(512), *more = long_text(513);
    LB_AUTO_FREE char *large = long_text(((size_t)16 << 20) + 1);
    CU_ASSERT(stage_one(INSERT(most, most, .status = most, .owner = most)).failed == APPLIED);
    CU_ASSERT(stage_count(most) == 1);
    CU_ASSERT(try(INSERT(more, "a")) == LB_ERR_LIMIT);
    CU_ASSERT(try(INSERT(in, more)) == LB_ERR_LIMIT);
    CU_ASSERT(try(INSERT(in, "a", .status = more)) == LB_ERR_LIMIT);
    CU_ASSERT(try(INSERT(in, "a", .owner = more)) == LB_ERR_LIMIT);
    CU_ASSERT(try(INSERT(in, "a", .body = large)) == LB_ERR_LIMIT);
    ASSERT_CONTAINS(stage_error.message, "transaction 0, operation 0: the body is longer than 16777216 bytes");
    CU_ASSERT(stage_count(in) == 0);
}

static int take_none(void *arg, const lb_state_doc *doc, lb_error *err)
{
    (void)arg, (void)doc, (void)err; /* its call fails before */
    return 0;
}

static void refuses_what_is_malformed(void)
{
    const char *in = stage_space();
    int64_t removed = 0;
    const lb_state_op fine = INSERT(in, "a");
    const lb_state_txn txn = {&fine, 1};
    CU_ASSERT(try((lb_state_op){.verb = (lb_state_verb)99, .space = in, .key = "a"}) == LB_ERR_INVALID);
    CU_ASSERT(try(INSERT(NULL, "a")) == LB_ERR_INVALID && try(INSERT("", "a")) == LB_ERR_INVALID);
    CU_ASSERT(try(INSERT(in, NULL)) == LB_ERR_INVALID);
    CU_ASSERT(try(INSERT(in, "\xff")) == LB_ERR_INVALID && try(INSERT(in, "\xed\xa0\x80")) == LB_ERR_INVALID);
    CU_ASSERT(try(INSERT(in, "\xc0\x80")) == LB_ERR_INVALID &&
              try(INSERT(in, "a", .status = "\x80")) == LB_ERR_INVALID);
    CU_ASSERT(try(REPLACE(in, "a", .version = -1)) == LB_ERR_INVALID);
    CU_ASSERT(try(ACQUIRE(in, "a", "h", 0)) == LB_ERR_INVALID &&
              try(ACQUIRE(in, "a", "h", INT64_MAX)) == LB_ERR_INVALID);
    CU_ASSERT(try(ACQUIRE(in, "a", NULL, 5)) == LB_ERR_INVALID && try(HOLD(in, "a", "")) == LB_ERR_INVALID);
    CU_ASSERT(try(INSERT(in, "a", .body = "")) == LB_ERR_INVALID &&
              try(INSERT(in, "a", .body = "{")) == LB_ERR_INVALID);
    CU_ASSERT(try(INSERT(in, "a", .body = "{} {}")) == LB_ERR_INVALID);
    CU_ASSERT(stage_apply_with(stage.state, "tries", 0, &txn, 1) == LB_ERR_INVALID);
    CU_ASSERT(stage_apply_with(stage.state, "", 1, &txn, 1) == LB_ERR_INVALID);
    CU_ASSERT(stage_apply_with(stage.state, NULL, 1, &txn, 1) == LB_ERR_INVALID);
    const lb_state_query nameless = {.size = sizeof nameless};
    CU_ASSERT(stage.ops->list(stage.state, &nameless, stage_soon(10), take_none, NULL, &stage_error) == LB_ERR_INVALID);
    CU_ASSERT(stage.ops->prune(stage.state, "", NULL, 1, 1, stage_soon(10), &removed, &stage_error) == LB_ERR_INVALID);
    /* A batch with one such operation has not happened, and its number is free. */
    const lb_state_op broken[] = {PUT(in, "x"), PUT(in, "y", .body = "[")};
    CU_ASSERT(stage_apply_with(stage.state, "tries", 1, &(lb_state_txn){broken, 2}, 1) == LB_ERR_INVALID);
    CU_ASSERT(stage_count(in) == 0);
    CU_ASSERT(stage_apply_with(stage.state, "tries", 1, &txn, 1) == 0 && stage_count(in) == 1);
}

/* ---- time ---- */

static void keeps_to_its_deadline(void)
{
    const char *in = stage_space();
    const lb_state_op op = INSERT(in, "a");
    const lb_state_txn txn = {&op, 1};
    int64_t removed = 0, past = clock_monotonic() - 1;
    const lb_state_query query = {.size = sizeof query, .space = in};
    CU_ASSERT(stage.ops->apply(stage.state, "late", 1, &txn, 1, stage_verdicts, past, &stage_error) == LB_ERR_TIMEOUT);
    CU_ASSERT(stage.ops->list(stage.state, &query, past, take_none, NULL, &stage_error) == LB_ERR_TIMEOUT);
    CU_ASSERT(stage.ops->prune(stage.state, in, NULL, 1, 1, past, &removed, &stage_error) == LB_ERR_TIMEOUT);
    stage_cancelled = true;
    CU_ASSERT(stage_apply_with(stage.state, "late", 1, &txn, 1) == LB_ERR_CANCELLED);
    stage_cancelled = false;
    CU_ASSERT(stage_count(in) == 0);
    CU_ASSERT(stage_apply_with(stage.state, "late", 1, &txn, 1) == 0 && stage_count(in) == 1);
}

/* ---- many at once ---- */

static void applies_large_batches(void)
{
    enum { TXNS = 1000, OPS = 3 };
    const char *in = stage_space();
    static lb_state_op ops[TXNS * OPS];
    static lb_state_txn txns[TXNS];
    static char names[TXNS][32];
    for (int i = 0; i < TXNS; i++) {
        (void)snprintf(names[i], sizeof names[i], "run/%05d", i);
        ops[OPS * i] = ACQUIRE(in, names[i], "host", 60 * SECOND);
        ops[OPS * i].key = names[i] + 4;
        ops[OPS * i + 1] =
            INSERT(in, names[i], .status = "running", .owner = "host", .at = i, .body = "{\"tool\":\"t\"}");
        ops[OPS * i + 2] = HOLD(in, names[i] + 4, i % 10 ? "host" : "nobody");
        txns[i] = (lb_state_txn){ops + OPS * i, OPS};
    }
    int64_t began = clock_monotonic();
    CU_ASSERT_FATAL(stage_apply(txns, TXNS) == 0);
    printf("(%lld us) ", (long long)(clock_monotonic() - began));
    int failed = 0;
    for (int i = 0; i < TXNS; i++) {
        CU_ASSERT(stage_verdicts[i].failed == (i % 10 ? APPLIED : 2));
        failed += stage_verdicts[i].failed == 2;
    }
    CU_ASSERT(failed == TXNS / 10);
    CU_ASSERT(stage_count(in) == 2 * (TXNS - TXNS / 10));
    CU_ASSERT(prune(in, "running", TXNS, 100000) == TXNS - TXNS / 10);
}

/* ---- all of them ---- */

const state_case state_content_cases[] = {
    TEST(lists_by_every_filter),     TEST(lists_by_filters_together),
    TEST(lists_until_it_is_enough),  TEST(prunes),
    TEST(prunes_no_lease_that_runs), TEST(keeps_odd_texts),
    TEST(orders_by_bytes),           TEST(keeps_large_bodies),
    TEST(keeps_to_its_limits),       TEST(refuses_what_is_malformed),
    TEST(keeps_to_its_deadline),     TEST(applies_large_batches),
};
const size_t state_content_count = LB_COUNT(state_content_cases);
