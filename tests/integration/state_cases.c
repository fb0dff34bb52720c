/* What every state store has to do: verbs, transactions, leases. Each case works in a space of its own. */
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
};

static bool add(CU_pSuite suite, const state_case *list, size_t count)
{
    for (size_t i = 0; suite && i < count; i++)
        if (!CU_add_test(suite, list[i].title, list[i].fn))
            return false;
    return suite != NULL;
}

static unsigned run(const char *name, bool common, const state_case *more, size_t count)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    if ((common && !(add(suite, cases, LB_COUNT(cases)) && add(suite, state_content_cases, state_content_count))) ||
        !add(suite, more, count))
        return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed;
}

unsigned stage_run(const char *name, const state_case *more, size_t count)
{
    return run(name, true, more, count);
}

unsigned stage_run_only(const char *name, const state_case *list, size_t count)
{
    return run(name, false, list, count);
}
