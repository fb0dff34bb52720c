/* Statements without their values: whatever a value looks like. */
#include "unit/suite.h"

#include "health_values.h"

static const char *taken(const char *text)
{
    static char into[HEALTH_LONGEST_VALUE * 400];
    CU_ASSERT_FATAL(strlen(text) < 400);
    return health_take_values(text, into) ? into : NULL;
}

static void is_taken(const char *text, const char *want)
{
    const char *got = taken(text);
    bool is_same = got && strcmp(got, want) == 0;
    if (!is_same)
        (void)fprintf(stderr, "%s\n  got  %s\n  want %s\n", text, got ? got : "nothing", want);
    CU_ASSERT(is_same);
}

static void numbers_and_texts_are_values(void)
{
    is_taken("SELECT 1, 1.5e3, 'a', 'it''s' FROM t1 WHERE \"x 1\" = 2;",
             "SELECT $1, $2, $3, $4 FROM t1 WHERE \"x 1\" = $5");
    is_taken("SELECT $3, 4 -- 5\n, 'x' /* 'y' */", "SELECT $3, $4  \n, $5");
    is_taken("SELECT $tag$ 'in' $tag$, $$ $1 $$", "SELECT $2, $3");
}

static void a_letter_before_the_quotes_is_of_the_value(void)
{
    is_taken("SELECT B'0101', b'1', X'1FF', x'a', N'n', n'n'", "SELECT $1, $2, $3, $4, $5, $6");
    is_taken("SELECT E'a\\'b', e'c'", "SELECT $1, $2");
    is_taken("SELECT U&'d\\0061t', u&'d!0061t' UESCAPE '!', 1", "SELECT $1, $2, $3");
    is_taken("SELECT U&\"d\\0061t\" FROM b WHERE x = u & 1", "SELECT U&\"d\\0061t\" FROM b WHERE x = u & $1");
}

static void a_text_goes_on_on_a_later_line(void)
{
    is_taken("SELECT 'a'\n  'b', 2", "SELECT $1, $2");
    is_taken("SELECT E'a'\n'b\\'' -- c\n 'd', X'1'\n'2', u&'a' \n 'b' UESCAPE\n'!'", "SELECT $1, $2, $3");
    is_taken("SELECT 'a''b'\n'c''d'", "SELECT $1");
}

static void what_is_not_sure_is_nothing(void)
{
    static const char *const texts[] = {"SELECT 'a\\'",   "SELECT 'a\\b'", "SELECT N'a\\b'",
                                        "SELECT 'a",      "SELECT X'1",    "SELECT U&'a' UESCAPE '!",
                                        "SELECT 'a'\n'b", "SELECT $x$ a",  "SELECT \"a"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CU_ASSERT_PTR_NULL(taken(texts[i]));
}

SUITE(health_values, TEST(numbers_and_texts_are_values), TEST(a_letter_before_the_quotes_is_of_the_value),
      TEST(a_text_goes_on_on_a_later_line), TEST(what_is_not_sure_is_nothing))
