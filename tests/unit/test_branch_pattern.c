/* The layouts of projects: what their templates stand for, and that each is one that the branch policy allows. */
#include "branch_pattern.h"
#include "branch_policy.h"
#include "unit/suite.h"

static int join(void *state, const char *text, lb_error *err)
{
    char *into = state;
    size_t length = strlen(into);
    (void)err; /* cannot fail */
    (void)snprintf(into + length, 512 - length, "%s%s", length ? " " : "", text);
    return 0;
}

static const branch_words words = {.domain = "shop",
                                   .env = "dev",
                                   .tenants = {(const char *const[]){"acme", "bolt"}, 2},
                                   .developers = {(const char *const[]){"anna", "bo", "cleo"}, 3}};

static void check(const char *template, const branch_words *with, const char *expected)
{
    char text[512] = "";
    lb_error err;
    CU_ASSERT_EQUAL(branch_pattern_each(template, with, join, text, &err), 0);
    ASSERT_TEXT(text, expected);
}

static void templates_stand_for_names(void)
{
    const branch_words nobody = {.domain = "shop", .env = "dev"};
    check("production|staging", &words, "production staging");
    check("{domain}-{env}", &words, "shop-dev");
    check("{domain}-{tenant}-{env}", &words, "shop-acme-dev shop-bolt-dev");
    check("production|dev-{developer}", &words, "production dev-anna dev-bo dev-cleo");
    check("{tenant}", &words, "acme bolt");
    check("production|dev-{developer}", &nobody, "production");
    check("", &words, "");
}

static void a_word_in_a_value_is_text(void)
{
    const branch_words odd = {.domain = "shop", .env = "dev", .tenants = {(const char *const[]){"env"}, 1}};
    check("{domain}-{tenant}", &odd, "shop-env");
}

static int stop(void *state, const char *text, lb_error *err)
{
    int *left = state;
    return --*left ? 0 : lb_fail(err, LB_ERR_CANCELLED, NULL, "%s", text);
}

static void the_first_failure_ends_it(void)
{
    int left = 3;
    lb_error err;
    CU_ASSERT_EQUAL(branch_pattern_each("production|dev-{developer}|staging", &words, stop, &left, &err),
                    LB_ERR_CANCELLED);
    ASSERT_TEXT(err.message, "dev-bo");
}

static int is_allowed(void *state, const char *name, lb_error *err)
{
    branch_verdict v;
    const branch_policy *policy = state;
    const branch_kind *kind = branch_kind_of_name(policy, name, err);
    if (!kind)
        return err->code;
    return *kind->parents ? branch_policy_judge(policy, &(branch_wish){.name = name}, &v, err) : 0;
}

/* Each branch of each layout is made from one that stands before it. */
static void each_layout_is_allowed_by_the_policy(void)
{
    static branch_policy policy;
    branch_policy_default(&policy);
    CU_ASSERT_EQUAL(branch_pattern_count(), 6);
    for (size_t i = 0; i < branch_pattern_count(); i++) {
        lb_error err = {0};
        const branch_pattern *p = branch_pattern_at(i);
        CU_ASSERT_PTR_EQUAL(branch_pattern_find(p->name), p);
        CU_ASSERT(branch_policy_lists(BRANCH_PATTERNS, p->name));
        CU_ASSERT_EQUAL(branch_pattern_each(p->branches, &words, is_allowed, &policy, &err), 0);
        CU_ASSERT_EQUAL(strncmp(p->branches, "production|", 11), 0);
    }
    CU_ASSERT_PTR_NULL(branch_pattern_find("other"));
    CU_ASSERT(branch_pattern_has(branch_pattern_find("per_developer"), "{developer}"));
    CU_ASSERT_FALSE(branch_pattern_has(branch_pattern_find("simple_dev_prod"), "{tenant}"));
}

SUITE(branch_pattern, TEST(templates_stand_for_names), TEST(a_word_in_a_value_is_text), TEST(the_first_failure_ends_it),
      TEST(each_layout_is_allowed_by_the_policy))
