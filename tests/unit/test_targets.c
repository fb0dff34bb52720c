/* What a listing of targets says of a branch that is not in it. */
#include "suite.h"

#include "targets.h"

#define LISTING                                                                                                        \
    "{\"result\":{\"targets\":[{\"project\":\"shop\",\"branch\":\"production\"},"                                      \
    "{\"project\":\"shop\",\"branch\":\"dev\"},{\"project\":\"bank\"}]}}"

static void a_branch_is_gone_where_others_of_its_project_are(void)
{
    CU_ASSERT_FALSE(targets_lack(LISTING, "shop", "dev"));
    CU_ASSERT_TRUE(targets_lack(LISTING, "shop", "ci-pr-1"));
}

static void what_is_hidden_is_not_gone(void)
{
    CU_ASSERT_FALSE(targets_lack(LISTING, "bank", "dev")); /* none of its branches is listed */
    CU_ASSERT_FALSE(targets_lack(LISTING, "other", "dev"));
    CU_ASSERT_FALSE(targets_lack("{\"result\":{}}", "shop", "dev"));
    CU_ASSERT_FALSE(targets_lack("nonsense", "shop", "dev"));
}

SUITE(targets, TEST(a_branch_is_gone_where_others_of_its_project_are), TEST(what_is_hidden_is_not_gone))
