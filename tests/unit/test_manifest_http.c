/* [http.NAME]: what is read, and what is refused with its place. */
#include "unit/manifest_text.h"

static const char whole[] = HEAD "[secrets]\npat = { env = \"LBOPS_TEST_SECRET\" }\n"
                                 "[http.github]\nurl = \"https://api.github.com\"\nkind = \"github\"\n"
                                 "token = { secret = \"pat\" }\nca = \"ca.pem\"\n"
                                 "[http.here]\nurl = \"http://127.0.0.1:8080/base\"\nallow_plain = true\n";

static void reads_all_of_it(void)
{
    CU_ASSERT_EQUAL_FATAL(setenv("LBOPS_TEST_SECRET", "value", 1), 0);
    manifest *m = parse_good(whole);
    CU_ASSERT_EQUAL_FATAL(m->site_count, 2);
    ASSERT_TEXT(m->sites[0].name, "github");
    ASSERT_TEXT(m->sites[0].url, "https://api.github.com");
    ASSERT_TEXT(manifest_site_kind_name(m->sites[0].kind), "github");
    ASSERT_TEXT(m->sites[0].token, "pat");
    CU_ASSERT(m->sites[0].ca && m->sites[0].ca[0] == '/');
    CU_ASSERT_FALSE(m->sites[0].allow_plain);
    ASSERT_TEXT(manifest_site_kind_name(m->sites[1].kind), "json");
    CU_ASSERT_PTR_NULL(m->sites[1].token);
    CU_ASSERT_PTR_NULL(m->sites[1].ca);
    BUF_AUTO text = BUF_INIT(4096);
    manifest_loosened(m, &text);
    ASSERT_TEXT(buf_text(&text), "dev.toml:10: the web service here is called without TLS\n");
    manifest_free(m);
}

static void refuses_each_with_a_hint(void)
{
    static const struct {
        const char *lines, *message, *hint;
    } bad[] = {
        {"[http.github]\n", "[http.github] has no url", "https://api.github.com"},
        {"[http.GitHub]\nurl = \"https://x\"\n", "web service \"GitHub\" is no name", "a-z"},
        {"[http]\ngithub = \"https://x\"\n", "[http.github] must be a table", ""},
        {"[http.g]\nurl = \"ftp://x\"\n", "is no web address", "https://api.github.com"},
        {"[http.g]\nurl = \"https:///x\"\n", "is no web address", ""},
        {"[http.g]\nurl = \"https://ada:pw@x\"\n", "a query, a user", ""},
        {"[http.g]\nurl = \"https://x/?a=b\"\n", "a query, a user", ""},
        {"[http.g]\nurl = \"http://example.org\"\nallow_plain = true\n", "to the network", "https://"},
        {"[http.g]\nurl = \"http://localhost.evil.org\"\nallow_plain = true\n", "to the network", "https://"},
        {"[http.g]\nurl = \"http://localhost:80\"\n", "without TLS", "allow_plain = true"},
        {"[http.g]\nurl = \"https://x\"\ntoken = \"ghp_x\"\n", "stands in the manifest itself", "[secrets]"},
        {"[http.g]\nurl = \"https://x\"\ntoken = { env = \"X\" }\n", "must be { secret", ""},
        {"[http.g]\nurl = \"https://x\"\ntoken = { secret = \"pad\" }\n", "there is no secret pad",
         "did you mean pat?"},
        {"[http.g]\nurl = \"https://x\"\nkind = \"gitea\"\n", "kind", "json"},
        {"[http.g]\nurl = \"https://x\"\ntimeout = 3\n", "[http.g] has no key timeout", ""},
        {"[htp.g]\nurl = \"https://x\"\n", "a manifest has no htp", "did you mean http?"},
    };
    CU_ASSERT_EQUAL_FATAL(setenv("LBOPS_TEST_SECRET", "value", 1), 0);
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        LB_AUTO_FREE char *text =
            base_printf(HEAD "[secrets]\npat = { env = \"LBOPS_TEST_SECRET\" }\n%s", bad[i].lines);
        manifest_problems problems = {0};
        CU_ASSERT_PTR_NULL(parse(text, &problems));
        CU_ASSERT_FATAL(problems.count > 0);
        ASSERT_CONTAINS(problems.items[0].error.message, bad[i].message);
        ASSERT_CONTAINS(problems.items[0].error.hint, bad[i].hint);
        CU_ASSERT(problems.items[0].place.line >= 5);
        CU_ASSERT_PTR_NULL(strstr(problems.items[0].error.message, "ghp_x"));
        manifest_problems_done(&problems);
    }
}

static void is_part_of_the_reference(void)
{
    BUF_AUTO text = BUF_INIT(65536);
    manifest_reference(&text);
    ASSERT_CONTAINS(buf_text(&text), "### `[http.NAME]`");
    ASSERT_CONTAINS(buf_text(&text), "| `token` | secret |");
}

SUITE(manifest_http, TEST(reads_all_of_it), TEST(refuses_each_with_a_hint), TEST(is_part_of_the_reference))
