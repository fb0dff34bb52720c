/* A small set of names: it forgets none, seldom has one that it was not given, and comes back from its text. */
#include "unit/suite.h"

#include "cause_seen.h"

#include <stdio.h>
#include <string.h>

static const char *name_of(int number)
{
    static char name[64];
    (void)snprintf(name, sizeof name, "10/%lld/t", 7919LL * number * 1000003LL);
    return name;
}

static cause_seen with(int count)
{
    cause_seen set = {{0}};
    for (int i = 0; i < count; i++)
        cause_seen_add(&set, name_of(i));
    return set;
}

static void it_forgets_none(void)
{
    const cause_seen set = with(5000);
    int missing = 0, wrong = 0;
    for (int i = 0; i < 5000; i++) {
        missing += !cause_seen_has(&set, name_of(i));
        wrong += cause_seen_has(&set, name_of(5000 + i));
    }
    CU_ASSERT_EQUAL(missing, 0);
    CU_ASSERT(wrong < 50); /* one in two hundred is to be expected */
    CU_ASSERT_FALSE(cause_seen_is_full(&set));
}

static void it_is_full_before_it_has_everything(void)
{
    const cause_seen none = {{0}}, many = with(30000);
    CU_ASSERT(cause_seen_is_full(&many));
    CU_ASSERT_FALSE(cause_seen_is_full(&none));
    CU_ASSERT_FALSE(cause_seen_has(&none, name_of(1)));
}

static void it_comes_back_from_its_text(void)
{
    char text[2 * CAUSE_SEEN_BYTES + 1];
    const cause_seen set = with(100);
    cause_seen back = {{0}};
    cause_seen_print(&set, text);
    CU_ASSERT(cause_seen_parse(text, &back));
    CU_ASSERT_EQUAL(memcmp(&set, &back, sizeof set), 0);
    text[17] = 'g';
    CU_ASSERT_FALSE(cause_seen_parse(text, &back));
    CU_ASSERT_FALSE(cause_seen_parse("00", &back));
    CU_ASSERT_FALSE(cause_seen_parse(NULL, &back));
}

SUITE(cause_seen, TEST(it_forgets_none), TEST(it_is_full_before_it_has_everything), TEST(it_comes_back_from_its_text));
