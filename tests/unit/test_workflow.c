/* Workflow texts: templates, scalars that nothing can break out of, seals, and differences. */
#include "arena.h"
#include "unit/suite.h"
#include "workflow.h"

static arena memory;

static void *alloc(lb_ctx *ctx, size_t bytes)
{
    (void)ctx;
    return arena_alloc(&memory, bytes);
}

static const lb_host host = {.size = sizeof(lb_host), .alloc = alloc};
static lb_ctx run_ctx = {.host = &host};
static lb_ctx *const ctx = &run_ctx;

static void check_text(const char *got, const char *want)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    if (strcmp(got, want) != 0)
        printf("\n    got:\n%s\n    want:\n%s\n", got, want);
    CU_ASSERT_STRING_EQUAL(got, want);
}

static int render(const char *source, const char **ret_text, lb_error *err)
{
    static const workflow_value values[] = {{"A", "@@B@@", false},
                                            {"B", "b", false},
                                            {"PART", "#+ on\np @@B@@\n#- on\n#+ off\nno\n#- off\n", true},
                                            {NULL, NULL, false}};
    static const workflow_flag flags[] = {{"on", true}, {"off", false}, {NULL, false}};
    return workflow_render(ctx, source, values, flags, ret_text, err);
}

static void check_render(const char *source, const char *want)
{
    const char *text = NULL;
    lb_error err = {0};
    CU_ASSERT_EQUAL_FATAL(render(source, &text, &err), 0);
    check_text(text, want);
}

static void fills_templates(void)
{
    const char *text = NULL;
    lb_error err = {0};
    check_render("", "");
    check_render("x: @@B@@@@B@@ @", "x: bb @");
    check_render("@@A@@\n", "@@B@@\n"); /* what was put in is not looked into again */
    check_render("1\n@@PART@@\n2\n", "1\np b\n2\n");
    check_render("#+ off\n#+ on\nno\n#- on\nno\n@@NONE@@\n#- off\nyes\n#+ on\n#+ off\nno\n#- off\nyes\n#- on\n",
                 "yes\nyes\n");
    static const char *const bad[] = {"@@NONE@@", "x @@B", "x @@PART@@", "#+ unknown\n", "#- unknown\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(render(bad[i], &text, &err), LB_ERR_INTERNAL);
}

static void check_quote(const char *value, const char *want)
{
    const char *text = NULL;
    lb_error err = {0};
    int r = workflow_quote(ctx, "it", value, &text, &err);
    CU_ASSERT_EQUAL(r, want ? 0 : LB_ERR_INVALID);
    if (want && r == 0)
        check_text(text, want);
}

static void quotes_what_cannot_break_out(void)
{
    check_quote("", "\"\"");
    check_quote("a\"b\\c\n\td", "\"a\\\"b\\\\c\\n\\td\"");
    check_quote("- x: {y} # z $ {{ 1 }}", "\"- x: {y} # z $ {{ 1 }}\"");
    check_quote("\xc3\xbc\xe2\x80\xa8\xf0\x9f\x98\x80\xc2\x85", "\"\\u00fc\\u2028\\U0001f600\\u0085\"");
    check_quote("x ${{ y", NULL);
    check_quote("\r", NULL);
    check_quote("\x7f", NULL);
    check_quote("\xff", NULL);
    check_quote("\xc3", NULL);
    check_quote("\xc0\xaf", NULL);
    check_quote("\xe2\x80", NULL);
}

static void knows_its_own(void)
{
    const char *old = workflow_seal(ctx, "a\nb\n"), *new = workflow_seal(ctx, "a\nc\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(new);
    CU_ASSERT_EQUAL(workflow_look(NULL, new), WORKFLOW_MISSING);
    CU_ASSERT_EQUAL(workflow_look(new, new), WORKFLOW_SAME);
    CU_ASSERT_EQUAL(workflow_look(old, new), WORKFLOW_OLD);
    CU_ASSERT_EQUAL(workflow_look(lb_printf(ctx, "%sd\n", old), new), WORKFLOW_EDITED);
    CU_ASSERT_EQUAL(workflow_look(lb_printf(ctx, "%.*s", (int)strcspn(old, "\n"), old), new), WORKFLOW_EDITED);
    CU_ASSERT_EQUAL(workflow_look("", new), WORKFLOW_FOREIGN);
    CU_ASSERT_EQUAL(workflow_look("a\nb\n", new), WORKFLOW_FOREIGN);
    CU_ASSERT_EQUAL(workflow_look(lb_printf(ctx, "%.40s", old), new), WORKFLOW_FOREIGN);
}

static void tells_differences(void)
{
    check_text(workflow_diff(ctx, "", ""), "");
    check_text(workflow_diff(ctx, "a\n", "a"), "");
    check_text(workflow_diff(ctx, "a\r\nb\r\n", "a\nb\n"), "");
    check_text(workflow_diff(ctx, "", "a\n"), "@@ -1 +1 @@\n+a\n");
    check_text(workflow_diff(ctx, "a\n", ""), "@@ -1 +1 @@\n-a\n");
    check_text(
        workflow_diff(ctx, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\nx\n12\n"),
        "@@ -2 +2 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9\n 10\n 11\n+x\n 12\n");
    check_text(workflow_diff(ctx, "a\nb\nc\n", "c\na\nb\n"), "@@ -1 +1 @@\n+c\n a\n b\n-c\n");
}

/* Two sides that share next to nothing and are longer than what is compared. */
static void takes_long_texts(void)
{
    char *a = alloc(ctx, 3000 * 6), *b = alloc(ctx, 3000 * 6);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    for (size_t i = 0; i < 2500; i++) {
        (void)snprintf(a + 6 * i, 7, "a%04zu\n", i);
        (void)snprintf(b + 6 * i, 7, "b%04zu\n", i);
    }
    const char *text = workflow_diff(ctx, a, b);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n-a2499\n+b0000\n"));
    CU_ASSERT_EQUAL(strncmp(text, "@@ -1 +1 @@\n-a0000\n-a0001\n", 26), 0);
}

static void checks_words(void)
{
    static const char *const good[] = {"main", "db/sql.d", "release-1.x", ".config/lbops.toml", "_x"};
    static const char *const bad[] = {"", "/a", "a/", "-a", "a b", "..", "a//b", "a'b", "a\n", "\xc3\xbc"};
    lb_error err = {0};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_EQUAL(workflow_check_word("it", good[i], &err), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(workflow_check_word("it", bad[i], &err), LB_ERR_INVALID);
}

static void all_of_it(void (*test)(void))
{
    arena_init(&memory, (size_t)64 << 20);
    test();
    arena_done(&memory);
}

static void templates(void)
{
    all_of_it(fills_templates);
}

static void scalars(void)
{
    all_of_it(quotes_what_cannot_break_out);
}

static void seals(void)
{
    all_of_it(knows_its_own);
}

static void differences(void)
{
    all_of_it(tells_differences);
    all_of_it(takes_long_texts);
}

SUITE(workflow, TEST(templates), TEST(scalars), TEST(seals), TEST(differences), TEST(checks_words))
