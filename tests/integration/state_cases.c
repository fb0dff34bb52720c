/* What every state store has to do. Each case works in a space of its own. */
#include "state_stage.h"

#define SECOND CLOCK_SECOND

/* ---- verbs and their conditions ---- */

static void inserts_once(void)
{
    const char *in = stage_space();
    lb_state_verdict v = stage_one(INSERT(in, "a", .status = "new", .owner = "h1", .at = 7, .body = "{\"n\":1}"));
    CU_ASSERT(v.failed == APPLIED && v.version > 0);
    lb_state_verdict again = stage_one(INSERT(in, "a", .status = "other"));
    CU_ASSERT(again.failed == 0 && again.version == v.version);
    ASSERT_TEXT(stage_list(&(lb_state_query){.space = in}), "a new h1 7 {\"n\":1}\n");
    CU_ASSERT(stage_version(in, "a") == v.version);
}

static void replaces_a_version(void)
{
    const char *in = stage_space();
    lb_state_verdict absent = stage_one(REPLACE(in, "a", .version = 0));
    CU_ASSERT(absent.failed == 0 && absent.version == 0);
    int64_t first = stage_one(INSERT(in, "a", .status = "s", .owner = "o", .at = 1)).version;
    lb_state_verdict v = stage_one(REPLACE(in, "a", .version = first, .at = 2, .body = "[2]"));
    CU_ASSERT(v.failed == APPLIED && v.version > first);
    ASSERT_TEXT(stage_list(&(lb_state_query){.space = in}), "a ~ ~ 2 [2]\n");
    lb_state_verdict old = stage_one(REPLACE(in, "a", .version = first, .at = 3));
    CU_ASSERT(old.failed == 0 && old.version == v.version);
    lb_state_verdict any = stage_one(REPLACE(in, "a", .at = 4));
    CU_ASSERT(any.failed == APPLIED && any.version > v.version);
    ASSERT_TEXT(stage_list(&(lb_state_query){.space = in}), "a ~ ~ 4 {}\n");
}

static void puts_whatever_is_there(void)
{
    const char *in = stage_space();
    int64_t first = stage_one(PUT(in, "a", .at = 1)).version;
    lb_state_verdict v = stage_one(PUT(in, "a", .at = 2, .status = "x"));
    CU_ASSERT(first > 0 && v.failed == APPLIED && v.version > first);
    ASSERT_TEXT(stage_list(&(lb_state_query){.space = in}), "a x ~ 2 {}\n");
}

static void removes(void)
{
    const char *in = stage_space();
    CU_ASSERT(stage_one(REMOVE(in, "a", 0)).failed == APPLIED);
    CU_ASSERT(stage_one(REMOVE(in, "a", 5)).failed == 0);
    int64_t first = stage_one(PUT(in, "a")).version;
    lb_state_verdict wrong = stage_one(REMOVE(in, "a", first + 1000));
    CU_ASSERT(wrong.failed == 0 && wrong.version == first);
    lb_state_verdict v = stage_one(REMOVE(in, "a", first));
    CU_ASSERT(v.failed == APPLIED && v.version == 0);
    CU_ASSERT(stage_version(in, "a") == 0);
    CU_ASSERT(stage_one(PUT(in, "a")).failed == APPLIED && stage_one(REMOVE(in, "a", 0)).failed == APPLIED);
    CU_ASSERT(stage_count(in) == 0);
}

static void never_shows_a_version_again(void)
{
    const char *in = stage_space();
    int64_t last = 0;
    for (int i = 0; i < 5; i++) {
        int64_t version = stage_one(INSERT(in, "a")).version;
        CU_ASSERT(version > last);
        last = version;
        CU_ASSERT(stage_one(REMOVE(in, "a", version)).failed == APPLIED);
    }
    CU_ASSERT(stage_one(ACQUIRE(in, "a", "h", 60 * SECOND)).version > last);
}

static void expects(void)
{
    const char *in = stage_space();
    lb_state_verdict v = stage_one(EXPECT(in, "a", 0));
    CU_ASSERT(v.failed == APPLIED && v.version == 0);
    CU_ASSERT(stage_one(EXPECT(in, "a", 3)).failed == 0);
    int64_t first = stage_one(PUT(in, "a")).version;
    v = stage_one(EXPECT(in, "a", 0));
    CU_ASSERT(v.failed == 0 && v.version == first);
    v = stage_one(EXPECT(in, "a", first));
    CU_ASSERT(v.failed == APPLIED && v.version == first);
    CU_ASSERT(stage_version(in, "a") == first);
}

/* ---- transactions and batches ---- */

static void undoes_its_own_transaction_only(void)
{
    const char *in = stage_space();
    const lb_state_op good[] = {INSERT(in, "a"), PUT(in, "b")};
    const lb_state_op bad[] = {PUT(in, "b", .at = 99), INSERT(in, "c"), REMOVE(in, "a", 0), INSERT(in, "c"),
                               PUT(in, "d")};
    const lb_state_op late[] = {EXPECT(in, "c", 0), INSERT(in, "e"), PUT(in, "e", .at = 5)};
    const lb_state_txn txns[] = {{good, 2}, {bad, 5}, {late, 3}, {NULL, 0}};
    CU_ASSERT_FATAL(stage_apply(txns, 4) == 0);
    CU_ASSERT(stage_verdicts[0].failed == APPLIED && stage_verdicts[0].version > 0);
    CU_ASSERT(stage_verdicts[1].failed == 3 && stage_verdicts[1].version == 0); /* c was undone too */
    CU_ASSERT(stage_verdicts[2].failed == APPLIED && stage_verdicts[2].version > stage_verdicts[0].version);
    CU_ASSERT(stage_verdicts[3].failed == APPLIED && stage_verdicts[3].version == 0);
    ASSERT_TEXT(stage_list(&(lb_state_query){.space = in}), "a ~ ~ 0 {}\nb ~ ~ 0 {}\ne ~ ~ 5 {}\n");
}

static void sees_its_own_changes(void)
{
    const char *in = stage_space();
    lb_state_verdict v = TXN(INSERT(in, "a"), REMOVE(in, "a", 0), EXPECT(in, "a", 0), INSERT(in, "a", .at = 2),
                             ACQUIRE(in, "l", "h", 60 * SECOND), HOLD(in, "l", "h"), RELEASE(in, "l", "h"));
    CU_ASSERT(v.failed == APPLIED && v.version == 0);
    ASSERT_TEXT(stage_list(&(lb_state_query){.space = in}), "a ~ ~ 2 {}\n");
    v = TXN(REPLACE(in, "a", .at = 3), HOLD(in, "l", "h"));
    CU_ASSERT(v.failed == 1 && v.version == 0);
    ASSERT_TEXT(stage_list(&(lb_state_query){.space = in}), "a ~ ~ 2 {}\n");
}

static void answers_a_batch_again(void)
{
    const char *in = stage_space();
    const lb_state_op first[] = {INSERT(in, "a")}, second[] = {INSERT(in, "a")}, third[] = {PUT(in, "n", .at = 1)};
    const lb_state_txn txns[] = {{first, 1}, {second, 1}, {third, 1}};
    lb_state_verdict before[3];
    CU_ASSERT_FATAL(stage_apply_with(stage.state, in, 7, txns, 3) == 0);
    memcpy(before, stage_verdicts, sizeof before);
    int64_t version = stage_version(in, "n");
    for (int i = 0; i < 2; i++) {
        memset(stage_verdicts, 0, sizeof before);
        CU_ASSERT(stage_apply_with(stage.state, in, 7, txns, 3) == 0);
        for (size_t j = 0; j < 3; j++)
            CU_ASSERT(stage_verdicts[j].failed == before[j].failed && stage_verdicts[j].version == before[j].version);
        CU_ASSERT(stage_version(in, "n") == version);
    }
    CU_ASSERT(stage_apply_with(stage.state, in, 7, txns, 2) == LB_ERR_CONFLICT);
    CU_ASSERT(stage_apply_with(stage.state, in, 6, txns, 3) == LB_ERR_CONFLICT);
    ASSERT_CONTAINS(stage_error.message, "batch 6 of");
    CU_ASSERT(stage_apply_with(stage.state, in, 90, txns, 3) == 0); /* numbers rise, they need not follow */
    CU_ASSERT(stage_verdicts[0].failed == 0 && stage_verdicts[2].failed == APPLIED);
    CU_ASSERT(stage_version(in, "n") > version);
    CU_ASSERT(stage_apply_with(stage.state, in, 7, txns, 3) == LB_ERR_CONFLICT);
    CU_ASSERT(stage_apply_with(stage.state, "somebody else", 1, txns, 0) == 0);
}

static void is_one_store_for_all(void)
{
    const char *in = stage_space();
    void *other = NULL;
    const lb_state_op op = INSERT(in, "a");
    const lb_state_txn txn = {&op, 1};
    CU_ASSERT_FATAL(stage.open(&other, &stage_error) == 0);
    CU_ASSERT(stage_apply_with(other, in, 1, &txn, 1) == 0 && stage_verdicts[0].failed == APPLIED);
    CU_ASSERT(stage_apply_with(stage.state, in, 1, &txn, 1) == 0 && stage_verdicts[0].failed == APPLIED);
    CU_ASSERT(stage_apply_with(stage.state, in, 2, &txn, 1) == 0 && stage_verdicts[0].failed == 0);
    stage.ops->close(other);
    CU_ASSERT(stage_count(in) == 1);
}

/* ---- leases ---- */

static int64_t left_us;

static int take_left(void *arg, const lb_state_doc *doc, lb_error *err)
{
    (void)arg, (void)err;
    left_us = doc->left_us;
    return 0;
}

static int64_t time_left(const char *in, const char *key)
{
    const lb_state_query query = {.size = sizeof query, .space = in, .key = key};
    left_us = 12345;
    CU_ASSERT(stage.ops->list(stage.state, &query, stage_soon(10), take_left, NULL, &stage_error) == 0);
    return left_us;
}

static void leases_a_key(void)
{
    const char *in = stage_space();
    lb_state_verdict v = stage_one(ACQUIRE(in, "t", "h1", 60 * SECOND));
    CU_ASSERT(v.failed == APPLIED && v.version > 0);
    int64_t left = time_left(in, "t");
    CU_ASSERT(left > 50 * SECOND && left <= 60 * SECOND);
    lb_state_verdict renewed = stage_one(ACQUIRE(in, "t", "h1", 600 * SECOND));
    CU_ASSERT(renewed.failed == APPLIED && renewed.version == v.version);
    CU_ASSERT(time_left(in, "t") > 500 * SECOND);
    lb_state_verdict refused = stage_one(ACQUIRE(in, "t", "h2", 60 * SECOND));
    CU_ASSERT(refused.failed == 0 && refused.version == v.version);
    CU_ASSERT(stage_one(HOLD(in, "t", "h1")).version == v.version);
    CU_ASSERT(stage_one(HOLD(in, "t", "h2")).failed == 0);
    CU_ASSERT(stage_one(RELEASE(in, "t", "h2")).failed == APPLIED); /* it was not theirs: nothing happens */
    CU_ASSERT(stage_one(HOLD(in, "t", "h1")).failed == APPLIED);
    CU_ASSERT(stage_one(RELEASE(in, "t", "h1")).failed == APPLIED);
    CU_ASSERT(stage_one(HOLD(in, "t", "h1")).failed == 0);
    CU_ASSERT(stage_one(RELEASE(in, "t", "h1")).failed == APPLIED);
    lb_state_verdict next = stage_one(ACQUIRE(in, "t", "h2", 60 * SECOND));
    CU_ASSERT(next.failed == APPLIED && next.version > v.version);
}

static void leases_end(void)
{
    const char *in = stage_space();
    int64_t first = stage_one(ACQUIRE(in, "t", "h1", 30000)).version;
    int64_t limit = stage_soon(20);
    while (stage_one(HOLD(in, "t", "h1")).failed == APPLIED && clock_monotonic() < limit)
        ;
    CU_ASSERT(time_left(in, "t") < 0);
    CU_ASSERT(stage_one(HOLD(in, "t", "h1")).failed == 0);
    lb_state_verdict v = stage_one(ACQUIRE(in, "t", "h2", 60 * SECOND));
    CU_ASSERT(v.failed == APPLIED && v.version > first);
    CU_ASSERT(stage_one(ACQUIRE(in, "t", "h1", 60 * SECOND)).failed == 0);
}

/* Whoever lost a lease without noticing must not write any more. */
static void leases_fence(void)
{
    const char *in = stage_space();
    (void)stage_one(ACQUIRE(in, "t", "h1", 1)); /* ends at once */
    while (stage_one(ACQUIRE(in, "t", "h2", 60 * SECOND)).failed != APPLIED)
        ;
    lb_state_verdict v = TXN(HOLD(in, "t", "h1"), PUT(in, "work", .body = "\"h1\""));
    CU_ASSERT(v.failed == 0);
    CU_ASSERT(stage_version(in, "work") == 0);
    v = TXN(PUT(in, "work", .body = "\"h1\""), HOLD(in, "t", "h1"));
    CU_ASSERT(v.failed == 1);
    CU_ASSERT(stage_version(in, "work") == 0);
    v = TXN(HOLD(in, "t", "h2"), PUT(in, "work", .body = "\"h2\""));
    CU_ASSERT(v.failed == APPLIED);
}

static void leases_are_documents(void)
{
    const char *in = stage_space();
    lb_state_op op = ACQUIRE(in, "t", "h1", 60 * SECOND);
    op.status = "busy";
    op.at = 11;
    op.body = "{\"pid\":1}";
    int64_t first = stage_one(op).version;
    ASSERT_TEXT(stage_list(&(lb_state_query){.space = in, .owner = "h1", .status = "busy"}),
                "t busy h1 11 {\"pid\":1}\n");
    CU_ASSERT(stage_one(INSERT(in, "t")).failed == 0);
    CU_ASSERT(stage_one(EXPECT(in, "t", first)).failed == APPLIED);
    /* What is put there is no lease any more, and what is no lease cannot be taken. */
    int64_t plain = stage_one(PUT(in, "t", .owner = "h1")).version;
    CU_ASSERT(plain > first && time_left(in, "t") == 0);
    CU_ASSERT(stage_one(HOLD(in, "t", "h1")).failed == 0);
    lb_state_verdict v = stage_one(ACQUIRE(in, "t", "h1", 60 * SECOND));
    CU_ASSERT(v.failed == 0 && v.version == plain);
    CU_ASSERT(stage_one(RELEASE(in, "t", "h1")).failed == APPLIED);
    CU_ASSERT(stage_version(in, "t") == plain);
}

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
    CU_ASSERT(stage.ops->list(stage.state, &nameless, stage_soon(10), take_left, NULL, &stage_error) == LB_ERR_INVALID);
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
    CU_ASSERT(stage.ops->list(stage.state, &query, past, take_left, NULL, &stage_error) == LB_ERR_TIMEOUT);
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

static const state_case cases[] = {
    TEST(inserts_once),
    TEST(replaces_a_version),
    TEST(puts_whatever_is_there),
    TEST(removes),
    TEST(never_shows_a_version_again),
    TEST(expects),
    TEST(undoes_its_own_transaction_only),
    TEST(sees_its_own_changes),
    TEST(answers_a_batch_again),
    TEST(is_one_store_for_all),
    TEST(leases_a_key),
    TEST(leases_end),
    TEST(leases_fence),
    TEST(leases_are_documents),
    TEST(lists_by_every_filter),
    TEST(lists_by_filters_together),
    TEST(lists_until_it_is_enough),
    TEST(prunes),
    TEST(prunes_no_lease_that_runs),
    TEST(keeps_odd_texts),
    TEST(orders_by_bytes),
    TEST(keeps_large_bodies),
    TEST(keeps_to_its_limits),
    TEST(refuses_what_is_malformed),
    TEST(keeps_to_its_deadline),
    TEST(applies_large_batches),
};

static bool add(CU_pSuite suite, const state_case *list, size_t count)
{
    for (size_t i = 0; suite && i < count; i++)
        if (!CU_add_test(suite, list[i].title, list[i].fn))
            return false;
    return suite != NULL;
}

static unsigned run(const char *name, size_t common, const state_case *more, size_t count)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    if (!add(suite, cases, common) || !add(suite, more, count))
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed;
}

unsigned stage_run(const char *name, const state_case *more, size_t count)
{
    return run(name, LB_COUNT(cases), more, count);
}

unsigned stage_run_only(const char *name, const state_case *list, size_t count)
{
    return run(name, 0, list, count);
}
