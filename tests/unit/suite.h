/* suite.h: a CUnit program in three lines.
 *
 *   static void parses_ranges(void) { CU_ASSERT_EQUAL(...); }
 *   SUITE(cron, TEST(parses_ranges), TEST(refuses_garbage))
 */
#ifndef LBOPS_TESTS_SUITE_H
#define LBOPS_TESTS_SUITE_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#define TEST(fn)                                                                                                       \
    {                                                                                                                  \
#fn, fn                                                                                                        \
    }

/* Strings as assertions that print what they got. */
#define ASSERT_TEXT(actual, expected)                                                                                  \
    do {                                                                                                               \
        const char *actual_ = (actual), *expected_ = (expected);                                                       \
        if (!actual_ || strcmp(actual_, expected_) != 0)                                                               \
            printf("\n    got  <%s>\n    want <%s>\n", actual_ ? actual_ : "(null)", expected_);                       \
        CU_ASSERT(actual_ &&strcmp(actual_, expected_) == 0);                                                          \
    } while (0)

#define ASSERT_CONTAINS(actual, part)                                                                                  \
    do {                                                                                                               \
        const char *actual_ = (actual), *part_ = (part);                                                               \
        if (!actual_ || !strstr(actual_, part_))                                                                       \
            printf("\n    got  <%s>\n    want ...%s...\n", actual_ ? actual_ : "(null)", part_);                       \
        CU_ASSERT(actual_ &&strstr(actual_, part_));                                                                   \
    } while (0)

#define SUITE(name, ...)                                                                                               \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        static const struct {                                                                                          \
            const char *title;                                                                                         \
            void (*fn)(void);                                                                                          \
        } tests[] = {__VA_ARGS__};                                                                                     \
        if (CU_initialize_registry() != CUE_SUCCESS)                                                                   \
            return 2;                                                                                                  \
        CU_pSuite suite = CU_add_suite(#name, NULL, NULL);                                                             \
        for (size_t i = 0; suite && i < sizeof tests / sizeof tests[0]; i++)                                           \
            if (!CU_add_test(suite, tests[i].title, tests[i].fn))                                                      \
                return 2;                                                                                              \
        CU_basic_set_mode(CU_BRM_VERBOSE);                                                                             \
        CU_basic_run_tests();                                                                                          \
        unsigned failed = CU_get_number_of_failures();                                                                 \
        CU_cleanup_registry();                                                                                         \
        return failed ? 1 : 0;                                                                                         \
    }

#endif
