/* What monitoring could not see, where hosts hand targets to each other and where nobody looks any more. */
#include "suite.h"

#include "service_state.h"
#include "unseen.h"

#define START INT64_C(1767268800000000)

/* Documents as the state service lists them. */
typedef struct listing {
    buf bytes;
    wire_reader reader;
} listing;

static listing *listing_new(void)
{
    listing *l = base_alloc(sizeof *l);
    l->bytes = BUF_INIT((size_t)64 * 1024);
    return l;
}

static void put(listing *l, const char *tool, const char *place, int64_t times, int64_t since)
{
    LB_AUTO_FREE char *key = base_printf("%s@%s", tool, place);
    LB_AUTO_FREE char *body =
        base_printf("{\"place\":\"%s\",\"times\":%lld,\"since\":%lld}", place, (long long)times, (long long)since);
    wire_put_bool(&l->bytes, true);
    wire_put_str(&l->bytes, UNSEEN_SPACE);
    wire_put_str(&l->bytes, key);
    wire_put_i64(&l->bytes, 1);
    wire_put_str(&l->bytes, times >= UNSEEN_AFTER ? "blind" : "watched");
    wire_put_str(&l->bytes, NULL);
    wire_put_i64(&l->bytes, since);
    wire_put_i64(&l->bytes, 0);
    wire_put_str(&l->bytes, body);
}

static wire_reader *docs_of(listing *l)
{
    wire_put_bool(&l->bytes, false);
    const unsigned char *start = (const unsigned char *)buf_text(&l->bytes);
    l->reader = (wire_reader){.p = start, .end = start + l->bytes.length};
    return &l->reader;
}

static listing *listing_free(listing *l)
{
    buf_done(&l->bytes);
    free(l);
    return NULL;
}

static unseen_change note(unseen_book *book, const char *branch, bool sees, int64_t at, int64_t *ret_since)
{
    bool is_moved = false;
    const unseen_look look = {
        .tool = "t", .project = "shop", .branch = branch, .reason = sees ? NULL : "it failed", .at = at};
    return unseen_note(book, &look, ret_since, &is_moved);
}

static void who_takes_over_counts_on_and_tells_the_end(void)
{
    unseen_book *book = unseen_new();
    listing *l = listing_new();
    int64_t since = 0;
    put(l, "t", "shop/blind", 3, START);
    put(l, "t", "shop/near", 2, START + 5);
    put(l, "t", "shop/other", 3, START);
    unseen_take_over(book, "shop", "blind", docs_of(l));
    CU_ASSERT_EQUAL(note(book, "near", true, START + 9, &since), UNSEEN_NOTHING); /* it was not asked for */
    CU_ASSERT_EQUAL(note(book, "other", true, START + 9, &since), UNSEEN_NOTHING);
    CU_ASSERT_EQUAL(note(book, "blind", false, START + 9, &since), UNSEEN_NOTHING); /* that is known */
    CU_ASSERT_EQUAL(note(book, "blind", true, START + 10, &since), UNSEEN_OVER);
    CU_ASSERT_EQUAL(since, START);
    unseen_take_over(book, "shop", "near", docs_of(l)); /* from the start again */
    CU_ASSERT_EQUAL(note(book, "near", false, START + 11, &since), UNSEEN_BEGAN);
    CU_ASSERT_EQUAL(since, START + 5);
    (void)listing_free(l); /* gives NULL, as does the next */
    (void)unseen_free(book);
}

static void what_was_known_before_holds_no_more(void)
{
    unseen_book *book = unseen_new();
    listing *l = listing_new();
    int64_t since = 0;
    for (int i = 0; i < UNSEEN_AFTER; i++) {
        (void)note(book, "moves", false, START + i, &since); /* what it says is not of interest here */
        (void)note(book, "stays", false, START + i, &since);
    }
    unseen_drop(book, "shop", "moves");
    CU_ASSERT_EQUAL(note(book, "moves", true, START + 9, &since), UNSEEN_NOTHING); /* another host has said so */
    CU_ASSERT_EQUAL(note(book, "stays", true, START + 9, &since), UNSEEN_OVER);
    (void)note(book, "back", false, START, &since); /* as above */
    put(l, "t", "shop/back", 2, START + 50);
    unseen_take_over(book, "shop", "back", docs_of(l));
    CU_ASSERT_EQUAL(note(book, "back", false, START + 60, &since), UNSEEN_BEGAN);
    CU_ASSERT_EQUAL(since, START + 50);
    (void)listing_free(l); /* gives NULL, as does the next */
    (void)unseen_free(book);
}

static bool looks_at_workspace(void *state, const char *tool, const char *project, const char *branch)
{
    (void)state, (void)tool, (void)branch;
    return !project;
}

static void who_leaves_a_place_tells_it_once(void)
{
    unseen_book *book = unseen_new();
    listing *l = listing_new();
    unseen_left left = {0};
    int ends = 0, gone = 0;
    put(l, "", "", 3, START);
    put(l, "", "shop/a", 3, START);
    put(l, "t", "shop/a", 3, START + 1);
    unseen_take(book, docs_of(l));
    for (; unseen_leave(book, looks_at_workspace, NULL, &left); gone++) {
        ASSERT_TEXT(left.project, "shop");
        ASSERT_TEXT(left.branch, "a");
        ends += left.is_over;
        unseen_left_done(&left);
    }
    CU_ASSERT_EQUAL(gone, 2);
    CU_ASSERT_EQUAL(ends, 1); /* of what is one trouble */
    unseen_drop(book, NULL, NULL);
    int64_t since = 0;
    bool is_moved = true;
    CU_ASSERT_EQUAL(unseen_note(book, &(unseen_look){.at = START}, &since, &is_moved), UNSEEN_NOTHING);
    CU_ASSERT_FALSE(is_moved);
    (void)listing_free(l); /* gives NULL, as does the next */
    (void)unseen_free(book);
}

SUITE(unseen, TEST(who_takes_over_counts_on_and_tells_the_end), TEST(what_was_known_before_holds_no_more),
      TEST(who_leaves_a_place_tells_it_once))
