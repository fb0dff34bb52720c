/* Bad manifests: what each is told, and where. */
#include "unit/manifest_text.h"

/* One problem, at that line, with that in its message and that in its hint. */
static void check_bad(const char *text, int line, const char *message, const char *hint)
{
    manifest_problems problems = {0};
    manifest *m = parse(text, &problems);
    CU_ASSERT_PTR_NULL(m);
    if (problems.count != 1 || problems.items[0].place.line != line)
        print_problems(&problems);
    CU_ASSERT_EQUAL(problems.count, 1);
    if (problems.count) {
        CU_ASSERT_EQUAL(problems.items[0].place.line, line);
        CU_ASSERT_EQUAL(problems.items[0].place.column > 0, line > 0);
        CU_ASSERT_FALSE(problems.items[0].warning);
        ASSERT_TEXT(problems.items[0].place.file, "dev.toml");
        ASSERT_CONTAINS(problems.items[0].error.message, message);
        ASSERT_CONTAINS(problems.items[0].error.hint, hint);
    }
    manifest_problems_done(&problems);
    manifest_free(m);
}

static const struct {
    const char *text;
    int line;
    const char *message, *hint;
} bad[] = {
    /* the file as a whole */
    {"", 0, "the manifest is empty", "lbops init"},
    {"# only a comment\n", 0, "the manifest is empty", ""},
    {"\xFF\xFE[\0", 0, "UTF-16", "UTF-8"},
    {HEAD "# caf\xE9\n", 3, "not UTF-8", ""},
    {"[limits]\n", 0, "no [workspace]", "name"},
    {HEAD "name = \"again\"\n", 3, "name", ""},
    {HEAD "x = [1,\n", 3, "array", ""},
    {HEAD "[target]\n", 3, "a manifest has no target", "did you mean targets?"},
    {HEAD "[qqqqqqqqqqq]\n", 3, "a manifest has no qqqqqqqqqqq", "workspace, limits"},
    {HEAD "[[limits]]\n", 3, "[limits] must be a table, not a list", ""},
    {HEAD "[targets]\n", 3, "write [[targets]], not [targets]", "double brackets"},
    {"targets = [1]\n" HEAD, 1, "[[targets]] must be a table, not an integer", ""},
    {"agents = 1\n" HEAD, 1, "[agents] must be a table", ""},
    /* keys and kinds */
    {"[workspace]\n", 1, "[workspace] has no name", "people"},
    {"[workspace]\nname = \"\"\n", 2, "[workspace] name is empty", ""},
    {"[workspace]\nname = \"a b\"\n", 2, "[workspace] name may hold", ""},
    {"[workspace]\nname = 3\n", 2, "[workspace] name must be a string, not an integer", "quotes"},
    {"[workspace]\nname = \"a\\u0000b\"\n", 2, "holds a NUL", ""},
    {HEAD "statedir = \"x\"\n", 3, "[workspace] has no key statedir", "did you mean state_dir?"},
    {HEAD "\"bad\\u001b[2Jkey\" = 1\n", 3, "no key bad?[2Jkey", ""},
    {HEAD "plugins = \"x\"\n", 3, "plugins must be a list, not a string", "brackets"},
    {HEAD "plugins = []\n", 3, "is an empty list", "leave the key out"},
    {HEAD "plugins = [1]\n", 3, "each item must be a string", ""},
    {HEAD "plugins = [\"\"]\n", 3, "an item is empty", ""},
    {HEAD "timezone = \"Europe/Berlni\"\n", 3, "there is no timezone Europe/Berlni", "did you mean Europe/Berlin?"},
    {HEAD "timezone = \"../../etc/passwd\"\n", 3, "no name of a timezone", "UTC"},
    {HEAD "timezone = \"Europe\"\n", 3, "there is no timezone Europe", ""},
    {HEAD "timezone = \"tzdata/zi\"\n", 3, "there is no timezone", "UTC"},
    {HEAD "[limits]\nworkers = 0\n", 4, "[limits] workers is 0, not from 1 to 256", ""},
    {HEAD "[limits]\nworkers = 99999999999\n", 4, "is 99999999999, not from", ""},
    {HEAD "[limits]\nworkers = \"2\"\n", 4, "workers must be an integer, not a string", "without quotes"},
    {HEAD "[limits]\nworkers = 2.5\n", 4, "not a decimal", ""},
    {HEAD "[limits]\nrun_memory_mb = 1024\n", 0, "does not fit into a worker of 1024 MB", "raise"},
    /* services and secrets */
    {HEAD "[services.transprot]\nplugin = \"x\"\n", 3, "there is no service transprot", "did you mean transport?"},
    {HEAD "[services.database]\nplugin = \"x\"\n", 3, "there is no service database", "transport, delta"},
    {HEAD "[services.transport]\n", 3, "[services.transport] has no plugin", ""},
    {HEAD "[services.transport]\nplugin = \"Bad-Name\"\n", 4, "must be a name", ""},
    {HEAD "[services]\ntransport = \"x\"\n", 4, "must be a table, not a string", ""},
    {HEAD "[services.transport]\nplugin = \"x\"\ndsn = { secret = \"pg\" }\n", 5, "dsn: there is no secret pg",
     "[secrets]"},
    {HEAD "[services.transport]\nplugin = \"x\"\nkey = \"a\\u0000\"\n", 5, "holds a NUL", ""},
    {HEAD "[secrets]\npg = \"hunter2\"\n", 4, "secret pg stands in the manifest itself", "change a secret"},
    {HEAD "[secrets]\npg = {}\n", 4, "neither env nor file", "exactly one"},
    {HEAD "[secrets]\npg = { env = \"A\", file = \"b\" }\n", 4, "both env and file", ""},
    {HEAD "[secrets]\npg = { enf = \"A\", env = \"PATH\" }\n", 4, "has no key enf", "did you mean env?"},
    {HEAD "[secrets]\npg = { env = \"LBOPS_TEST_UNSET\" }\n", 4, "LBOPS_TEST_UNSET is not set", "export"},
    {HEAD "[secrets]\npg = { file = \"/nonexistent/secret\" }\n", 4, "cannot open secret /nonexistent/secret",
     "check the path"},
    {HEAD "[secrets]\npg = { file = \"/tmp\" }\n", 4, "is not a file", "regular"},
    {HEAD "[secrets]\n\"p g\" = { env = \"PATH\" }\n", 4, "secret \"p g\" is no name", "a-z"},
    /* targets */
    {HEAD "[[targets]]\nproject = \"a\"\n", 3, "[[targets]] has no branch", ""},
    {HEAD "[[targets]]\nproject = \"a*\"\nbranch = \"b\"\n", 3, "looks like a pattern", "pattern = true"},
    {HEAD "[[targets]]\nproject = \"a\"\nbranch = \"b\"\nclass = \"prodution\"\n", 6, "class cannot be \"prodution\"",
     "did you mean production?"},
    {HEAD "[[targets]]\nproject = \"a\"\nbranch = \"b\"\nclass = \"gold\"\n", 6, "class cannot be \"gold\"",
     "one of throwaway, shared, production"},
    {HEAD "[[targets]]\nproject = \"a\"\nbranch = \"b\"\nwake = \"yes\"\n", 6,
     "wake must be true or false, not a string", "without quotes"},
    {HEAD "[[targets]]\nproject = \"a\"\nbranch = \"b\"\n[[targets]]\nproject = \"a\"\nbranch = \"b\"\n", 6,
     "a/b is there twice, see line 3", ""},
    /* agents */
    {HEAD "[agents.a]\ntools = [\"x\", \"y\", \"x\"]\n", 4, "tools: named twice", "x"},
    {HEAD "[agents.a]\ntools = [\"x\", \"y\"]\nhelpers = [\"z\", \"y\"]\n", 5, "helpers: y is among the tools, too",
     "one"},
    {HEAD "[agents.a]\ntools = [\"X\"]\n", 4, "must be a name", ""},
    {HEAD "[agents.a]\ntools = \"x\"\n", 4, "tools must be a list", "brackets"},
    {HEAD "[agents.\"a b\"]\ntools = [\"x\"]\n", 3, "agent \"a b\" is no name", ""},
    {HEAD "[agents.a]\ntools = [\"vacuum\", \"y\"]\ncycle = [\"y\", \"vacum\"]\n", 5,
     "cycle: the agent has no tool vacum", "did you mean vacuum?"},
    {HEAD "[agents.a]\ntols = [\"x\"]\ntools = [\"x\"]\n", 4, "[agents.a] has no key tols", "did you mean tools?"},
    {HEAD "[agents.a.tool.x]\nschedul = \"x\"\n", 4, "[agents.a.tool.x] has no key schedul", "did you mean schedule?"},
    {HEAD "[agents.a.tool.x]\nschedule = \"61 * * * *\"\n", 4, "schedule: minute \"61\"", ""},
    {HEAD "[agents.a.tool.x]\nschedule = \"0 0 30 2 *\"\n", 4, "never comes", ""},
    {HEAD "[agents.a.tool.x]\ntimeout_s = 0\n", 4, "timeout_s is 0", ""},
    {HEAD "[agents.a.tool.x]\nneeds_approval = 1\n", 4, "must be true or false, not an integer", ""},
    {HEAD "[agents.a.tool.x]\nparams = [1]\n", 4, "params must be a table", "name = value"},
    {HEAD "[agents.a.tool]\nx = 1\n", 4, "[agents.a.tool.x] must be a table", ""},
    {HEAD "[agents.a.tool.\"x y\"]\n", 3, "tool \"x y\" is no name", ""},
    {HEAD "[secrets]\ns = { env = \"PATH\" }\n[agents.a.tool.x]\nparams = { key = { secret = \"s\" } }\n", 6,
     "x cannot take the secret s as its key", "services"},
    /* subscriptions */
    {HEAD "[agents.a]\ntools = [\"vacuum\"]\n[[subscriptions]]\nevent = \"b.c\"\ntool = \"vacum\"\n", 5,
     "no agent has the tool vacum", "did you mean vacuum?"},
    {HEAD "[agents.a]\ntools = [\"x\"]\n[[subscriptions]]\nevent = \"Branch Created\"\ntool = \"x\"\n", 6,
     "must be an event's name", ""},
    {HEAD "[agents.a]\ntools = [\"x\"]\n[[subscriptions]]\ntool = \"x\"\n", 5, "[[subscriptions]] has no event", ""},
    {HEAD
     "[agents.a]\ntools = [\"x\"]\n[[subscriptions]]\nevent = \"e\"\ntool = \"x\"\nparams = { b = \"{branch}\" }\n",
     8, "b: {branch} stands for nothing", "{payload.KEY}"},
    /* thresholds */
    {HEAD "[[thresholds]]\nmetric = \"m\"\nwarning = 2\ncritical = 1\n", 3, "turns critical (1) before it warns (2)",
     "below = true"},
    {HEAD "[[thresholds]]\nmetric = \"m\"\nwarning = 1\ncritical = 2\nbelow = true\n", 3, "turns critical (2)",
     "lower"},
    {HEAD "[[thresholds]]\nmetric = \"m\"\n", 3, "m has no limit", "warning, critical"},
    {HEAD "[[thresholds]]\nmetric = \"m\"\nwarning = 1\nset_on = \"last week\"\n", 3, "is no day", "2026-01-31"},
    {HEAD "[[thresholds]]\nmetric = \"m\"\nwarning = 1\nset_on = \"2026-13-01\"\n", 3, "is no day", "2026-01-31"},
    {HEAD "[[thresholds]]\nmetric = \"m\"\nwarning = nan\ncritical = 1\n", 5, "not a finite number", ""},
    {HEAD "[[thresholds]]\nmetric = \"m\"\nwarning = \"1\"\ncritical = 1\n", 5,
     "warning must be a number, not a string", "without quotes"},
    {HEAD "[[thresholds]]\nmetric = \"m\"\nwarning = 1\n[[thresholds]]\nmetric = \"m\"\ncritical = 3\n", 6,
     "m is there twice for the same targets, see line 3", ""},
    /* the gate */
    {HEAD "[[gate]]\ntool = \"x\"\n", 3, "[[gate]] has no decision", ""},
    {HEAD "[[gate]]\ndecision = \"execute\"\n", 3, "looser than the gate's own table", "loosen = true"},
    {HEAD "[[gate]]\ndecision = \"execute\"\nloosen = true\n", 3, "has no reason", "reason"},
    {HEAD "[[gate]]\ndecision = \"ask\"\nloosen = true\nreason = \" \"\n", 3, "has no reason", ""},
    {HEAD "[[gate]]\ndecision = \"refuse\"\neffect = \"destructif\"\n", 5, "effect cannot be \"destructif\"",
     "did you mean destructive?"},
};

static void refuses_each_with_place_and_hint(void)
{
    for (size_t i = 0; i < LB_COUNT(bad); i++)
        check_bad(bad[i].text, bad[i].line, bad[i].message, bad[i].hint);
}

static void says_everything_at_once_in_order(void)
{
    manifest_problems problems = {0};
    manifest *m =
        parse("[agents.a.tool.x]\nschedule = \"bad\"\n[limits]\nworker = 1\n[workspace]\nname = 1\ntimezone = \"X\"\n",
              &problems);
    CU_ASSERT_PTR_NULL(m);
    CU_ASSERT_EQUAL_FATAL(problems.count, 4);
    for (size_t i = 0; i < problems.count; i++)
        CU_ASSERT_EQUAL(problems.items[i].place.line, ((int[]){2, 4, 6, 7})[i]);
    BUF_AUTO text = BUF_INIT(4096);
    manifest_problem_text(&problems.items[1], &text);
    ASSERT_TEXT(buf_text(&text), "dev.toml:4:1: error: [limits] has no key worker (did you mean workers?)\n");
    manifest_problems_done(&problems);
}

static void stops_listing_at_some_point(void)
{
    BUF_AUTO text = BUF_INIT(1 << 20);
    manifest_problems problems = {0};
    buf_puts(&text, HEAD);
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "key%d = 1\n", i);
    CU_ASSERT_PTR_NULL(parse(buf_text(&text), &problems));
    CU_ASSERT_EQUAL(problems.count, MANIFEST_MOST_PROBLEMS + 1);
    ASSERT_CONTAINS(problems.items[0].error.message, "more than 1000 problems");
    manifest_problems_done(&problems);
}

static void bounds_the_entries(void)
{
    BUF_AUTO text = BUF_INIT(1 << 20);
    manifest_problems problems = {0};
    buf_puts(&text, HEAD);
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "[[targets]]\nproject=\"p\"\nbranch=\"b%d\"\n", i);
    CU_ASSERT_PTR_NULL(parse(buf_text(&text), &problems));
    CU_ASSERT_EQUAL(problems.count, 1);
    ASSERT_CONTAINS(problems.items[0].error.message, "more than 4096 of [[targets]]");
    manifest_problems_done(&problems);
}

static void check_warning(const char *text, int line, const char *message)
{
    manifest_problems problems = {0};
    manifest *m = parse(text, &problems);
    CU_ASSERT_PTR_NOT_NULL(m);
    CU_ASSERT_EQUAL_FATAL(problems.count, 1);
    CU_ASSERT_TRUE(problems.items[0].warning);
    CU_ASSERT_EQUAL(problems.items[0].place.line, line);
    ASSERT_CONTAINS(problems.items[0].error.message, message);
    manifest_problems_done(&problems);
    manifest_free(m);
}

static void warns_without_refusing(void)
{
    check_warning("\xEF\xBB\xBF" HEAD, 0, "byte order mark");
    check_warning(HEAD "[agents.a]\nmission = \"none\"\n", 3, "has no tools");
    check_warning(HEAD "[agents.a]\ntools = [\"x\", \"y\"]\ncycle = [\"x\"]\n[agents.a.tool.x]\ndisabled = true\n", 5,
                  "x is disabled and will be passed over");
}

SUITE(manifest_bad, TEST(refuses_each_with_place_and_hint), TEST(says_everything_at_once_in_order),
      TEST(stops_listing_at_some_point), TEST(bounds_the_entries), TEST(warns_without_refusing))
