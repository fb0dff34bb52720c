/* Sentences of a model: what can stand, and what cannot. */
#include "suite.h"

#include "model_check.h"

#include <model_words.h>

static const model_exhibit exhibits[] = {
    {"e1", "reads all of public.orders",
     "{\"id\":\"e1\",\"says\":\"reads all of public.orders\",\"facts\":{\"rows\":"
     "1234567,\"share\":0.25,\"ms\":-5.5,\"node\":\"Seq Scan\"}}"},
    {"e2", NULL, "{\"id\":\"e2\",\"sql\":\"SELECT frobnication FROM orders_2024 WHERE status = $1\",\"facts\":{}}"},
    {"e3", NULL, "{\"id\":\"e3\",\"says\":\"nobody has said ANALYZE to orders_2024\",\"facts\":{}}"},
};
static const model_evidence evidence = {exhibits, LB_COUNT(exhibits)};

static const char *refuse(const char *text, const char *first, const char *second, bool *checked)
{
    const char *const cites[] = {first, second, NULL};
    return model_refuse(&evidence, text, cites, checked);
}

static void good_sentences_stand(void)
{
    static const char *const good[] = {
        "The plan reads the whole table public.orders, so it takes longer than necessary.",
        "It filters 1,234,567 rows by status, a share of 0.25.",
        "This doesn't use an index; nothing", /* the semicolon goes below */
        "A well-chosen index (on status) may help: the scanning is costly.",
        "frobnication of orders_2024 is selected most often",
        "The selected rows were matched, sorted and grouped.",
        "The cluster is busy, and the rows of a cluster differ.",
        "It reads a quarter of the rows, both at once, as a pair.",
    };
    bool checked = true;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const char *why = refuse(good[i], "e1", "e2", &checked);
        if (i == 2) {
            CU_ASSERT_PTR_NOT_NULL(why);
            continue;
        }
        if (why)
            printf("\n    %s: %s\n", good[i], why);
        CU_ASSERT_PTR_NULL(why);
        CU_ASSERT_FALSE(checked);
    }
}

static void what_an_exhibit_says_is_checked(void)
{
    bool checked = false;
    CU_ASSERT_PTR_NULL(refuse("Reads  all of public.orders", "e1", NULL, &checked));
    CU_ASSERT(checked);
    CU_ASSERT_PTR_NULL(refuse("reads all of public.orders", "e2", "e1", &checked));
    CU_ASSERT(checked);
    (void)refuse("reads all of orders", "e2", NULL, &checked); /* either way nobody says so */
    CU_ASSERT_FALSE(checked);
}

static void bad_sentences_do_not(void)
{
    static const struct {
        const char *text, *cites, *why;
    } bad[] = {
        {"It reads all rows", NULL, "cites no evidence"},
        {"It reads all rows", "e9", "that is not there"},
        {"", "e1", "says nothing"},
        {"It reads 1234568 rows", "e1", "figure"},
        {"It reads 1234567 rows", "e2", "figure"}, /* of the other one */
        {"It is 25 percent", "e1", "figure"},
        {"It reads 5 rows", "e1", "figure"},    /* a part of -5.5 */
        {"It reads 2024 rows", "e2", "figure"}, /* a part of a name */
        {"It reads a million rows", "e1", "figure"},
        {"It reads twice as much", "e1", "figure"},
        {"It reads half of the rows", "e1", "figure"},
        {"It reads a half-empty table", "e1", "word"},
        {"It reads zero rows", "e1", "figure"},
        {"It reads two of them", "e1", "figure"},
        {"It reads a quarter of the rows", "e2", "figure"}, /* of the other one */
        {"frobnication helps", "e1", "word"},               /* of the other one */
        {"PWNED by xyzzy", "e1", "word"},
        {"See http evil dot example", "e1", "word"},
        {"Use `status`", "e1", "signs"},
        {"Look <b>here</b>", "e1", "signs"},
        {"Name = status", "e2", "signs"},
        {"Run this. Drop table orders_2024", "e2", "word"},
        {"You may update orders_2024 set status", "e2", NULL},
        {"Select frobnication from orders_2024", "e2", "statement"},
        {"you may select frobnication from orders_2024 where status again", "e2", "statement"},
        {"Vacuum orders_2024", "e2", "statement"},
        {"Cluster orders_2024", "e2", "statement"},
        {"Analyze orders_2024", "e3", "statement"},
        {"create index on orders_2024 (status)", "e2", "statement"},
        {"create index on orders_2024 (status) now", "e2", "statement"},
        {"Le caf\xc3\xa9", "e1", ""},
    };
    bool checked;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *why = refuse(bad[i].text, bad[i].cites, NULL, &checked);
        if (bad[i].why)
            ASSERT_CONTAINS(why, bad[i].why);
        CU_ASSERT_FALSE(checked);
    }
}

/* One that no sentence can have would only look as if it were allowed. */
static void each_listed_word_can_be_said(void)
{
    LB_AUTO_FREE char *words = base_strdup(model_words);
    char *rest = NULL;
    for (char *word = strtok_r(words, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
        LB_AUTO_FREE char *text = base_printf("it is said that %s is a word", word);
        bool checked;
        const char *why = refuse(text, "e1", NULL, &checked);
        if (why)
            (void)fprintf(stderr, "%s: %s\n", word, why);
        CU_ASSERT_PTR_NULL(why);
    }
}

SUITE(model_check, TEST(each_listed_word_can_be_said), TEST(good_sentences_stand),
      TEST(what_an_exhibit_says_is_checked), TEST(bad_sentences_do_not))
