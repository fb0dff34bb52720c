/* manifest_text.h: manifests in strings, for the suites that read them. */
#ifndef LBOPS_TESTS_MANIFEST_TEXT_H
#define LBOPS_TESTS_MANIFEST_TEXT_H

#include "manifest.h"
#include "unit/suite.h"

#define HEAD "[workspace]\nname = \"dev\"\n"

static inline manifest *parse(const char *text, manifest_problems *problems)
{
    manifest *m = NULL;
    int r = manifest_parse(text, strlen(text), "dev.toml", &m, problems);
    CU_ASSERT_EQUAL(r < 0, manifest_has_errors(problems));
    CU_ASSERT_EQUAL(r < 0, m == NULL);
    return m;
}

static inline void print_problems(const manifest_problems *problems)
{
    BUF_AUTO text = BUF_INIT(65536);
    for (size_t i = 0; i < problems->count; i++)
        manifest_problem_text(&problems->items[i], &text);
    printf("\n%s", buf_text(&text));
}

static inline manifest *parse_good(const char *text)
{
    manifest_problems problems = {0};
    manifest *m = parse(text, &problems);
    if (!m || problems.count)
        print_problems(&problems);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    CU_ASSERT_EQUAL(problems.count, 0);
    manifest_problems_done(&problems);
    return m;
}

#endif
