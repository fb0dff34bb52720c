/* The branch policy: names good and bad, times to live, parents, and files that must not be taken. */
#include "branch_policy.h"
#include "unit/suite.h"

static const branch_policy *built_in(void)
{
    static branch_policy policy;
    branch_policy_default(&policy);
    return &policy;
}

/* ---- names ---- */

static const struct {
    const char *name, *kind; /* the kind, or the rule that refuses */
} names[] = {
    {"production", "production"},
    {"staging", "staging"},
    {"development", "development"},
    {"dev-anna", "dev"},
    {"dev-anna-2", "dev"},
    {"ci-pr-1", "ci"},
    {"ci-mr-42", "ci"},
    {"ci-pr-999999999", "ci"},
    {"feat-new-checkout", "feat"},
    {"hotfix-ops-113", "hotfix"},
    {"qa-release-2-3-0", "qa"},
    {"qa-release-v2", "qa"},
    {"perf-checkout", "perf"},
    {"audit-2026-02-28", "audit"},
    {"audit-2028-02-29", "audit"},
    {"audit-2026-02-28-quarter", "audit"},
    {"demo-acme", "demo"},
    {"ai-agent-add-index", "agent"},
    {"backup-v2-drop-1a2b3c4d", "backup"},
    /* no rule knows these */
    {"main", BR_UNKNOWN_NAME},
    {"productions", BR_UNKNOWN_NAME},
    {"production-2", BR_UNKNOWN_NAME},
    {"staging2", BR_UNKNOWN_NAME},
    {"developments", BR_UNKNOWN_NAME},
    {"development-anna", BR_UNKNOWN_NAME},
    {"device", BR_UNKNOWN_NAME},
    {"cinema-x", BR_UNKNOWN_NAME},
    {"ci-42", BR_UNKNOWN_NAME},
    {"ci-br-42", BR_UNKNOWN_NAME},
    {"feature-x", BR_UNKNOWN_NAME},
    {"qa-2-3", BR_UNKNOWN_NAME},
    {"backups-1", BR_UNKNOWN_NAME},
    {"agent-x", BR_UNKNOWN_NAME},
    {"test-ci-pr-1", BR_UNKNOWN_NAME},
    /* nothing that the platform takes */
    {"", BR_BAD_NAME},
    {"ci", BR_BAD_NAME},
    {"CI-PR-1", BR_BAD_NAME},
    {"1-dev-anna", BR_BAD_NAME},
    {"-dev-anna", BR_BAD_NAME},
    {"dev-anna-", BR_BAD_NAME},
    {"dev_anna", BR_BAD_NAME},
    {"dev-anna maria", BR_BAD_NAME},
    {"qa-release-2.3.0", BR_BAD_NAME},
    {"feat-\xc3\xa9t\xc3\xa9", BR_BAD_NAME},
    {"dev-anna/../x", BR_BAD_NAME},
    {"dev-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", BR_BAD_NAME},
    /* a kind, but not its form */
    {"ci-pr-abc", BR_BAD_FORM},
    {"ci-pr-0", BR_BAD_FORM},
    {"ci-pr-007", BR_BAD_FORM},
    {"ci-pr-1234567890", BR_BAD_FORM},
    {"ci-pr-1-x", BR_BAD_FORM},
    {"audit-yesterday", BR_BAD_FORM},
    {"audit-2026-02-29", BR_BAD_FORM},
    {"audit-2026-13-01", BR_BAD_FORM},
    {"audit-2026-00-10", BR_BAD_FORM},
    {"audit-2026-1-1", BR_BAD_FORM},
    {"audit-2026-02-28x", BR_BAD_FORM},
    {"qa-release-next", BR_BAD_FORM},
    {"feat-a--b", BR_BAD_FORM},
    {"hotfix--1", BR_BAD_FORM},
};

static void names_say_their_kind(void)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        lb_error err = {0};
        const branch_kind *kind = branch_kind_of_name(built_in(), names[i].name, &err);
        if (strncmp(names[i].kind, "BR-", 3) != 0) {
            ASSERT_TEXT(kind ? kind->kind : err.message, names[i].kind);
            continue;
        }
        CU_ASSERT_PTR_NULL(kind);
        ASSERT_CONTAINS(err.message, names[i].kind);
        CU_ASSERT_EQUAL(err.code, LB_ERR_INVALID);
        CU_ASSERT_NOT_EQUAL(err.hint[0], '\0');
    }
}

static void the_longest_name_still_fits(void)
{
    lb_error err = {0};
    char name[80];
    (void)snprintf(name, sizeof name, "dev-%059d", 1);
    CU_ASSERT_EQUAL(strlen(name), 63);
    CU_ASSERT_PTR_NOT_NULL(branch_kind_of_name(built_in(), name, &err));
}

/* ---- wishes ---- */

static const struct {
    branch_wish wish;
    const char *rule, *parent; /* rule NULL: passes */
    int64_t ttl_s;
} wishes[] = {
    {{"ci-pr-1", NULL, NULL, NULL}, NULL, "staging", 14400},
    {{"ci-pr-1", "ci", "production", "2h"}, NULL, "production", 7200},
    {{"ci-pr-1", NULL, NULL, "24h"}, NULL, "staging", 86400},
    {{"ci-pr-1", NULL, NULL, "25h"}, BR_TTL_TOO_LONG, NULL, 0},
    {{"ci-pr-1", NULL, NULL, "never"}, BR_TTL_MISSING, NULL, 0},
    {{"ci-pr-1", "feat", NULL, NULL}, BR_OTHER_KIND, NULL, 0},
    {{"ci-pr-1", "nonsense", NULL, NULL}, BR_OTHER_KIND, NULL, 0},
    {{"ci-pr-1", NULL, "dev-anna", NULL}, BR_WRONG_PARENT, NULL, 0},
    {{"ci-pr-1", NULL, "", NULL}, BR_WRONG_PARENT, NULL, 0},
    {{"dev-anna", NULL, NULL, NULL}, NULL, "development", 604800},
    {{"feat-x", NULL, NULL, NULL}, NULL, "development", 604800},
    {{"hotfix-1", NULL, NULL, NULL}, NULL, "production", 86400},
    {{"hotfix-1", NULL, "staging", NULL}, BR_WRONG_PARENT, NULL, 0},
    {{"qa-release-1", NULL, NULL, NULL}, NULL, "staging", 1209600},
    {{"perf-x", NULL, NULL, NULL}, NULL, "production", 172800},
    {{"audit-2026-01-01", NULL, NULL, NULL}, NULL, "production", 2592000},
    {{"audit-2026-01-01", NULL, NULL, "31d"}, BR_TTL_TOO_LONG, NULL, 0},
    {{"demo-acme", NULL, NULL, "7d"}, NULL, "staging", 604800},
    {{"demo-acme", NULL, NULL, "15d"}, BR_TTL_TOO_LONG, NULL, 0},
    {{"ai-agent-x", NULL, NULL, NULL}, NULL, "development", 3600},
    {{"staging", NULL, NULL, NULL}, NULL, "production", 0},
    {{"staging", NULL, NULL, "never"}, NULL, "production", 0},
    {{"staging", NULL, NULL, "7d"}, BR_TTL_ON_STAYING, NULL, 0},
    {{"staging", NULL, "development", NULL}, BR_WRONG_PARENT, NULL, 0},
    {{"development", NULL, NULL, NULL}, NULL, "production", 0},
    {{"development", NULL, "staging", NULL}, BR_WRONG_PARENT, NULL, 0},
    {{"development", NULL, NULL, "7d"}, BR_TTL_ON_STAYING, NULL, 0},
    {{"dev-anna", NULL, NULL, "soon"}, BR_BAD_TTL, NULL, 0},
    {{"production", NULL, NULL, NULL}, BR_EXISTS, NULL, 0},
    {{"whatever", NULL, NULL, NULL}, BR_UNKNOWN_NAME, NULL, 0},
};

static void wishes_are_judged(void)
{
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        lb_error err = {0};
        branch_verdict v = {0};
        int r = branch_policy_judge(built_in(), &wishes[i].wish, &v, &err);
        if (wishes[i].rule) {
            CU_ASSERT(r < 0);
            ASSERT_CONTAINS(err.message, wishes[i].rule);
            continue;
        }
        CU_ASSERT_EQUAL(r, 0);
        ASSERT_TEXT(v.parent, wishes[i].parent);
        CU_ASSERT_EQUAL(v.ttl_s, wishes[i].ttl_s);
    }
}

static void times_to_live_are_read(void)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {{"90s", 90},
                 {"15m", 900},
                 {"4h", 14400},
                 {"7d", 604800},
                 {"3600", 3600},
                 {"never", 0},
                 {"", -1},
                 {"0", -1},
                 {"-1h", -1},
                 {"4x", -1},
                 {"4hh", -1},
                 {"h", -1},
                 {"1.5h", -1},
                 {" 4h", -1},
                 {"4 h", -1},
                 {"0h", -1},
                 {"99999999999999999999d", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_EQUAL(branch_ttl_parse(cases[i].text), cases[i].seconds);
}

static void times_to_live_are_written(void)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{0, "never"}, {1, "1s"}, {3600, "1h"}, {86400, "24h"}, {172800, "48h"}, {604800, "7d"}, {5400, "90m"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[24];
        branch_ttl_format(cases[i].seconds, text);
        ASSERT_TEXT(text, cases[i].text);
    }
}

/* ---- what is there ---- */

static void resets_come_from_where_they_may(void)
{
    static const struct {
        const char *name, *source;
        bool passes;
    } cases[] = {{"staging", "production", true},           {"staging", "development", false},
                 {"development", "production", true},       {"feat-x", "development", true},
                 {"audit-2026-01-01", "production", false}, {"production", "staging", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lb_error err = {0};
        const branch_kind *kind = branch_kind_of_name(built_in(), cases[i].name, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(kind);
        int r = branch_policy_judge_reset(kind, cases[i].name, cases[i].source, &err);
        CU_ASSERT_EQUAL(r >= 0, cases[i].passes);
        if (cases[i].passes)
            continue;
        ASSERT_CONTAINS(err.message, BR_WRONG_RESET);
        ASSERT_CONTAINS(err.hint, *kind->reset_from ? "reset it from production" : "make another branch");
    }
}

static void agents_have_branches_of_their_own_kind(void)
{
    static const struct {
        const char *name, *creator, *rule; /* NULL: it passes */
    } cases[] = {{"ai-agent-add-index", "agent", NULL},
                 {"feat-x", "human", NULL},
                 {"ci-pr-1", "ci", NULL},
                 {"feat-x", "agent", BR_NOT_AN_AGENTS},
                 {"staging", "agent", BR_NOT_AN_AGENTS},
                 {"whatever", "agent", BR_UNKNOWN_NAME},
                 {"whatever", "human", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lb_error err = {0};
        int r = branch_policy_judge_creator(built_in(), cases[i].name, cases[i].creator, &err);
        CU_ASSERT_EQUAL(r >= 0, !cases[i].rule);
        if (cases[i].rule)
            ASSERT_CONTAINS(err.message, cases[i].rule);
        if (cases[i].rule && strcmp(cases[i].rule, BR_NOT_AN_AGENTS) == 0)
            ASSERT_CONTAINS(err.hint, "ai-agent-{words}");
    }
}

static void there_is_room_or_not(void)
{
    lb_error err = {0};
    CU_ASSERT_EQUAL(branch_policy_judge_count(built_in(), 9, 9, 1, &err), 0);
    CU_ASSERT_EQUAL(branch_policy_judge_count(built_in(), 10, 10, 1, &err), LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.message, BR_TOO_MANY);
    CU_ASSERT_EQUAL(branch_policy_judge_count(built_in(), 8, 9, 3, &err), LB_ERR_LIMIT);
    CU_ASSERT_EQUAL(branch_policy_judge_count(built_in(), 1, 500, 1, &err), LB_ERR_LIMIT);
    ASSERT_CONTAINS(err.message, BR_TOO_MANY_ALL);
}

static void projects_are_named_by_domain_and_environment(void)
{
    static const char *const good[] = {"shop-dev", "shop-prod", "my-shop-staging", "a1-local"};
    static const char *const bad[] = {"shop", "shop-", "-dev", "dev", "Shop-dev", "shop-live", "shop_dev", ""};
    lb_error err = {0};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_EQUAL(branch_policy_judge_project(good[i], &err), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT(branch_policy_judge_project(bad[i], &err) < 0);
        ASSERT_CONTAINS(err.message, BR_BAD_PROJECT);
    }
}

/* ---- the policy itself ---- */

static void the_built_in_one_is_sound(void)
{
    const branch_policy *p = built_in();
    CU_ASSERT_EQUAL(p->count, 13);
    for (size_t i = 0; i < p->count; i++) {
        const branch_kind *kind = &p->kinds[i];
        char id[32];
        (void)snprintf(id, sizeof id, "BR-%03zu", i + 1);
        ASSERT_TEXT(kind->id, id); /* ids never move */
        CU_ASSERT(kind->ttl_s >= 0 && kind->ttl_s <= kind->longest_s && kind->longest_s <= BRANCH_LONGEST);
        CU_ASSERT(!kind->ttl_s || kind->protection == BRANCH_NONE);
        CU_ASSERT(strlen(kind->doc) > 5 && strlen(kind->doc) < sizeof kind->doc - 1);
        for (const char *at = kind->parents; *at; at += strcspn(at, "|"), at += *at == '|') {
            lb_error err;
            char name[BRANCH_NAME];
            (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "|"), at);
            const branch_kind *parent = branch_kind_of_name(p, name, &err);
            CU_ASSERT(parent && parent->ttl_s == 0); /* nothing is made from what expires */
        }
    }
}

#define KIND(...)                                                                                                      \
    "{\"kinds\":[{\"id\":\"X-1\",\"kind\":\"main\",\"patterns\":[\"main\"],\"ttl\":\"never\"}," __VA_ARGS__ "]}"
#define TMP "{\"id\":\"X-2\",\"kind\":\"tmp\",\"patterns\":[\"tmp-{words}\"],\"parents\":[\"main\"],\"ttl\":\"1h\"}"

static int parse(const char *text, branch_policy *policy, lb_error *err)
{
    return branch_policy_parse(text, strlen(text), policy, err);
}

static void a_file_replaces_all_of_it(void)
{
    static branch_policy policy;
    lb_error err = {0};
    CU_ASSERT_EQUAL_FATAL(parse(KIND(TMP), &policy, &err), 0);
    CU_ASSERT_EQUAL(policy.count, 2);
    CU_ASSERT_EQUAL(policy.kinds[1].longest_s, 3600);
    CU_ASSERT_EQUAL(policy.most_unarchived, 10);
    CU_ASSERT_PTR_NOT_NULL(branch_kind_of_name(&policy, "tmp-x", &err));
    CU_ASSERT_PTR_NULL(branch_kind_of_name(&policy, "ci-pr-1", &err));
    ASSERT_CONTAINS(err.message, BR_UNKNOWN_NAME);
}

static void a_bad_file_is_no_policy(void)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"kinds\":[]}",
        "{\"kinds\":{}}",
        "{\"kinds\":[1]}",
        "null",
        KIND(TMP) "x",
        "{\"kinds\":[{\"id\":\"X\",\"kind\":\"a\",\"patterns\":[\"a\"]}]}",
        "{\"kinds\":[{\"kind\":\"a\",\"patterns\":[\"a\"],\"ttl\":\"never\"}]}",
        "{\"kinds\":[{\"id\":\"X\",\"kind\":\"a\",\"patterns\":\"a\",\"ttl\":\"never\"}]}",
        "{\"kinds\":[{\"id\":\"X\",\"kind\":\"a\",\"patterns\":[],\"ttl\":\"never\"}]}",
        KIND("{\"id\":\"X-1\",\"kind\":\"b\",\"patterns\":[\"b\"],\"ttl\":\"1h\"}"),
        KIND("{\"id\":\"X-2\",\"kind\":\"main\",\"patterns\":[\"b\"],\"ttl\":\"1h\"}"),
        KIND("{\"id\":\"X-2\",\"kind\":\"b\",\"patterns\":[\"b\"],\"ttl\":\"31d\"}"),
        KIND("{\"id\":\"X-2\",\"kind\":\"b\",\"patterns\":[\"b\"],\"ttl\":\"2h\",\"longest\":\"1h\"}"),
        KIND("{\"id\":\"X-2\",\"kind\":\"b\",\"patterns\":[\"b\"],\"ttl\":\"soon\"}"),
        KIND("{\"id\":\"X-2\",\"kind\":\"b\",\"patterns\":[\"b\"],\"ttl\":\"1h\",\"protection\":\"policy\"}"),
        KIND("{\"id\":\"X-2\",\"kind\":\"b\",\"patterns\":[\"b\"],\"ttl\":\"1h\",\"protection\":\"much\"}"),
        KIND("{\"id\":\"X-2\",\"kind\":\"b\",\"patterns\":[\"b\"],\"ttl\":\"1h\",\"colour\":\"red\"}"),
        KIND("{\"id\":\"X-2\",\"kind\":\"b\",\"patterns\":[\"b-{words}\"],\"parents\":[\"gone\"],\"ttl\":\"1h\"}"),
        KIND(TMP ","
                 "{\"id\":\"X-3\",\"kind\":\"b\",\"patterns\":[\"b-{words}\"],\"parents\":[\"tmp-x\"],\"ttl\":\"1h\"}"),
        "{\"limits\":{\"unarchived\":0},\"kinds\":[" TMP "]}",
        "{\"limits\":{\"warning\":2},\"kinds\":[" TMP "]}",
        "{\"limits\":{\"more\":1},\"kinds\":[" TMP "]}",
        "{\"rules\":[],\"kinds\":[" TMP "]}",
    };
    static branch_policy policy;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        lb_error err = {0};
        int r = parse(bad[i], &policy, &err);
        if (r >= 0)
            printf("\n    taken: %s\n", bad[i]);
        CU_ASSERT_EQUAL(r, LB_ERR_INVALID);
        ASSERT_CONTAINS(err.message, "branch policy");
    }
}

static void a_missing_file_is_an_error(void)
{
    static branch_policy policy;
    lb_error err = {0};
    CU_ASSERT_EQUAL(branch_policy_load("/nowhere/policy.json", &policy, &err), LB_ERR_IO);
    ASSERT_CONTAINS(err.message, "/nowhere/policy.json");
}

SUITE(branch_policy, TEST(names_say_their_kind), TEST(the_longest_name_still_fits), TEST(wishes_are_judged),
      TEST(times_to_live_are_read), TEST(times_to_live_are_written), TEST(resets_come_from_where_they_may),
      TEST(agents_have_branches_of_their_own_kind), TEST(there_is_room_or_not),
      TEST(projects_are_named_by_domain_and_environment), TEST(the_built_in_one_is_sound),
      TEST(a_file_replaces_all_of_it), TEST(a_bad_file_is_no_policy), TEST(a_missing_file_is_an_error))
