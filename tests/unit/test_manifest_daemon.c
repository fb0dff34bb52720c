/* The manifest's tables for the daemon: schedules, windows, approvals, what is routine, the log of events. */
#include "unit/manifest_text.h"

static const char whole[] = HEAD
    "timezone = \"Europe/Berlin\"\n"
    "[schedule]\nspread_s = 60\ncatch_up = \"never\"\nbackoff_max_s = 600\ndrain_s = 5\n"
    "[events]\nchain_limit = 3\nkeep_days = 30\nsegment_mb = 16\n"
    "[alerts]\nremind_critical_s = 60\nremind_warning_s = 0\n"
    "[approvals]\nexpires_h = 24\nsecond_person = \"destructive\"\napprovers = [\"Ada Lovelace\", \"grace\"]\n"
    "[agents.a]\ntools = [\"scan\"]\n[agents.b.tool.scan]\nwindow = \"night\"\n"
    "[[schedules]]\ntool = \"scan\"\ncron = \"*/5 * * * *\"\nparams = { view = \"activity\" }\n"
    "[[schedules]]\nname = \"slow\"\nagent = \"b\"\ntool = \"scan\"\ncron = \"@hourly\"\nproject = \"shop-*\"\n"
    "branch = \"production\"\nwindow = \"night\"\n"
    "[[windows]]\nname = \"night\"\nkind = \"allow\"\nopens = \"0 22 * * *\"\nlasts_min = 480\n"
    "timezone = \"America/New_York\"\nproject = \"us-*\"\n"
    "[[windows]]\nname = \"night\"\nkind = \"allow\"\nopens = \"0 22 * * *\"\nlasts_min = 480\nproject = \"eu-*\"\n"
    "[[windows]]\nname = \"release\"\nkind = \"pause\"\nopens = \"0 12 * * thu\"\nlasts_min = 90\n"
    "branch = \"production\"\n"
    "[[routine]]\nwhat = \"expiry\"\nproject = \"shop\"\nbranch = \"ci-*\"\nreason = \"made by CI\"\n"
    "[[routine]]\nwhat = \"reset\"\nbranch = \"staging\"\nreason = \"nightly\"\n";

static void check_schedules(const manifest *m)
{
    CU_ASSERT_EQUAL_FATAL(m->schedule_count, 2);
    const manifest_schedule *fast = &m->schedules[0], *slow = &m->schedules[1];
    CU_ASSERT_PTR_NULL(fast->name);
    CU_ASSERT_PTR_NULL(fast->agent);
    CU_ASSERT_PTR_NULL(fast->window);
    CU_ASSERT_PTR_NULL(fast->project);
    ASSERT_TEXT(fast->tool, "scan");
    ASSERT_TEXT(fast->cron, "*/5 * * * *");
    CU_ASSERT_EQUAL_FATAL(fast->params.count, 1);
    ASSERT_TEXT(fast->params.items[0].text, "activity");
    ASSERT_TEXT(slow->name, "slow");
    ASSERT_TEXT(slow->agent, "b");
    ASSERT_TEXT(slow->window, "night");
    ASSERT_TEXT(slow->project, "shop-*");
    ASSERT_TEXT(slow->branch, "production");
    ASSERT_TEXT(manifest_find_tool(m, "b", "scan", NULL)->window, "night");
    CU_ASSERT_PTR_NULL(manifest_find_tool(m, "a", "scan", NULL)->window);
}

static void check_windows(const manifest *m)
{
    CU_ASSERT_EQUAL_FATAL(m->window_count, 3);
    ASSERT_TEXT(m->windows[0].timezone, "America/New_York");
    ASSERT_TEXT(m->windows[0].opens, "0 22 * * *");
    CU_ASSERT_EQUAL(m->windows[0].kind, MANIFEST_ALLOW);
    CU_ASSERT_EQUAL(m->windows[0].lasts_min, 480);
    CU_ASSERT_PTR_NULL(m->windows[1].timezone);
    ASSERT_TEXT(m->windows[1].project, "eu-*");
    CU_ASSERT_EQUAL(m->windows[2].kind, MANIFEST_PAUSE);
    ASSERT_TEXT(m->windows[2].branch, "production");
}

static void reads_all_of_it(void)
{
    manifest *m = parse_good(whole);
    check_schedules(m);
    check_windows(m);
    CU_ASSERT_EQUAL(m->schedule.spread_s, 60);
    CU_ASSERT_EQUAL(m->schedule.catch_up, MANIFEST_CATCH_UP_NEVER);
    CU_ASSERT_EQUAL(m->schedule.backoff_max_s, 600);
    CU_ASSERT_EQUAL(m->schedule.drain_s, 5);
    CU_ASSERT_EQUAL(m->events.chain_limit, 3);
    CU_ASSERT_EQUAL(m->events.keep_days, 30);
    CU_ASSERT_EQUAL(m->events.segment_mb, 16);
    CU_ASSERT_EQUAL(m->alerts.remind_critical_s, 60);
    CU_ASSERT_EQUAL(m->alerts.remind_warning_s, 0);
    CU_ASSERT_EQUAL(m->approvals.expires_h, 24);
    CU_ASSERT_EQUAL(m->approvals.second_person, MANIFEST_SECOND_DESTRUCTIVE);
    ASSERT_TEXT(m->approvals.approvers[0], "Ada Lovelace");
    ASSERT_TEXT(m->approvals.approvers[1], "grace");
    CU_ASSERT_PTR_NULL(m->approvals.approvers[2]);
    CU_ASSERT_EQUAL_FATAL(m->routine_count, 2);
    CU_ASSERT_EQUAL(m->routines[0].what, MANIFEST_EXPIRY);
    ASSERT_TEXT(m->routines[0].branch, "ci-*");
    CU_ASSERT_EQUAL(m->routines[1].what, MANIFEST_RESET);
    CU_ASSERT_PTR_NULL(m->routines[1].project);
    manifest_free(m);
}

static void fills_in_defaults(void)
{
    manifest *m = parse_good(HEAD);
    CU_ASSERT_EQUAL(m->schedule.spread_s, 300);
    CU_ASSERT_EQUAL(m->schedule.catch_up, MANIFEST_CATCH_UP_ONCE);
    CU_ASSERT_EQUAL(m->schedule.backoff_max_s, 3600);
    CU_ASSERT_EQUAL(m->schedule.drain_s, 30);
    CU_ASSERT_EQUAL(m->schedule.awake_min, 0);
    CU_ASSERT_EQUAL(m->events.chain_limit, 8);
    CU_ASSERT_EQUAL(m->events.keep_days, 90);
    CU_ASSERT_EQUAL(m->events.segment_mb, 16);
    CU_ASSERT_EQUAL(m->alerts.remind_critical_s, 14400);
    CU_ASSERT_EQUAL(m->alerts.remind_warning_s, 86400);
    CU_ASSERT_EQUAL(m->approvals.expires_h, 72);
    CU_ASSERT_EQUAL(m->approvals.second_person, MANIFEST_SECOND_NEVER);
    CU_ASSERT_PTR_NULL(m->approvals.approvers);
    manifest_free(m);
}

#define SCAN         HEAD "[agents.a]\ntools = [\"scan\"]\n" /* four lines */
#define WINDOW(kind) "[[windows]]\nname = \"w\"\nkind = \"" kind "\"\nopens = \"0 2 * * *\"\nlasts_min = 60\n"

static const struct {
    const char *text;
    int line;
    const char *message, *hint;
} bad[] = {
    /* single tables */
    {HEAD "[[schedule]]\n", 3, "[schedule] must be a table, not a list", ""},
    {HEAD "[schedule]\nspread = 1\n", 4, "[schedule] has no key spread", "did you mean spread_s?"},
    {HEAD "[schedule]\nspread_s = -1\n", 4, "spread_s is -1, not from 0 to 86400", ""},
    {HEAD "[schedule]\ncatch_up = \"all\"\n", 4, "catch_up cannot be \"all\"", "one of once, never"},
    {HEAD "[schedule]\nbackoff_max_s = 0\n", 4, "backoff_max_s is 0", ""},
    {HEAD "[events]\nchain_limit = 0\n", 4, "chain_limit is 0", ""},
    {HEAD "[event]\n", 3, "a manifest has no event", "did you mean events?"},
    {HEAD "[approvals]\nexpires_h = \"3 days\"\n", 4, "must be an integer", ""},
    {HEAD "[approvals]\nsecond_person = \"allways\"\n", 4, "second_person cannot be", "did you mean always?"},
    {HEAD "[approvals]\napprovers = []\n", 4, "is an empty list", "leave the key out"},
    {HEAD "[approvals]\napprovers = [\"ada\", \"ada\"]\n", 4, "named twice", "ada"},
    {HEAD "[approvals]\napprovers = [\" \"]\n", 0, "a name is blank", ""},
    {HEAD "[approvals]\napprovers = [\"ada\"]\nsecond_person = \"always\"\n", 0,
     "it takes two people, and ada is the only approver", "more approvers"},
    /* schedules */
    {HEAD "[schedules]\n", 3, "write [[schedules]], not [schedules]", ""},
    {SCAN "[[schedules]]\ntool = \"scan\"\n", 5, "[[schedules]] has no cron", "five-field"},
    {SCAN "[[schedules]]\ntool = \"scan\"\ncron = \"\"\n", 7, "cron is empty", "five-field"},
    {SCAN "[[schedules]]\ntool = \"scan\"\ncron = \"*/5 * * *\"\n", 7, "4 fields, not five", ""},
    {SCAN "[[schedules]]\ntool = \"scna\"\ncron = \"@daily\"\n", 5, "[[schedules]] no agent has the tool scna",
     "did you mean scan?"},
    {SCAN "[[schedules]]\ntool = \"scan\"\nagent = \"b\"\ncron = \"@daily\"\n", 5, "there is no agent b", ""},
    {SCAN "[agents.b]\ntools = [\"x\"]\n[[schedules]]\ntool = \"scan\"\nagent = \"b\"\ncron = \"@daily\"\n", 7,
     "the agent b has no tool scan", "add it"},
    {SCAN "[[schedules]]\ntool = \"scan\"\ncron = \"@daily\"\nwindow = \"night\"\n", 5,
     "[[schedules]]: there is no window night", "[[windows]]"},
    {SCAN WINDOW("pause") "[[schedules]]\ntool = \"scan\"\ncron = \"@daily\"\nwindow = \"w\"\n", 10,
     "the window w is a pause", "kind allow"},
    {HEAD WINDOW("allow") "[agents.a.tool.scan]\nwindow = \"v\"\n", 8, "[agents.a.tool.scan]: there is no window v",
     ""},
    {SCAN "[[schedules]]\ntool = \"scan\"\ncron = \"@daily\"\nparams = { a = 1, b = 2 }\n"
          "[[schedules]]\ntool = \"scan\"\ncron = \"@hourly\"\nparams = { b = 2, a = 1 }\n",
     9, "scan is there twice, see line 5", "names"},
    {SCAN "[[schedules]]\ntool = \"scan\"\nname = \"n\"\ncron = \"@daily\"\nparams = { a = 1 }\n"
          "[[schedules]]\ntool = \"scan\"\nname = \"n\"\ncron = \"@hourly\"\n",
     10, "scan is there twice, see line 5", ""},
    {SCAN "[secrets]\ns = { env = \"PATH\" }\n[[schedules]]\ntool = \"scan\"\ncron = \"@daily\"\n"
          "params = { key = { secret = \"s\" } }\n",
     10, "scan cannot take the secret s as its key", "services"},
    /* windows */
    {HEAD "[[windows]]\nname = \"w\"\nkind = \"alow\"\nopens = \"@daily\"\nlasts_min = 5\n", 5,
     "kind cannot be \"alow\"", "did you mean allow?"},
    {HEAD "[[windows]]\nname = \"w\"\nkind = \"allow\"\nopens = \"@daily\"\n", 3, "[[windows]] has no lasts_min", ""},
    {HEAD "[[windows]]\nname = \"w\"\nkind = \"allow\"\nopens = \"@daily\"\nlasts_min = 0\n", 7, "lasts_min is 0", ""},
    {HEAD "[[windows]]\nname = \"w\"\nkind = \"pause\"\nopens = \"0 */2 * * *\"\nlasts_min = 120\n", 3,
     "w opens again before its 120 minutes are over", "disable"},
    {HEAD "[[windows]]\nname = \"w\"\nkind = \"allow\"\nopens = \"@daily\"\nlasts_min = 5\ntimezone = \"Mars\"\n", 8,
     "there is no timezone Mars", ""},
    {HEAD WINDOW("allow") WINDOW("pause"), 8, "w is an allow and a pause, see line 3", "another name"},
    {HEAD WINDOW("allow") WINDOW("allow"), 8, "opens twice at the same times", "keep one"},
    /* what is routine */
    {HEAD "[[routine]]\nwhat = \"expiry\"\nreason = \"x\"\n", 3, "[[routine]] has no branch", ""},
    {HEAD "[[routine]]\nwhat = \"drop\"\nbranch = \"x\"\nreason = \"x\"\n", 4, "what cannot be \"drop\"",
     "one of expiry, reset"},
    {HEAD "[[routine]]\nwhat = \"reset\"\nbranch = \"x\"\n", 3, "[[routine]] has no reason", ""},
    {HEAD "[[routine]]\nwhat = \"reset\"\nbranch = \"x\"\nreason = \" \"\n", 3, "its reason is blank", ""},
    {HEAD "[[routine]]\nwhat = \"reset\"\nbranch = \"x\"\nreason = \"a\"\n"
          "[[routine]]\nwhat = \"reset\"\nbranch = \"x\"\nreason = \"b\"\n",
     7, "is there twice for the same branches, see line 3", ""},
};

static void refuses_each_with_place_and_hint(void)
{
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        manifest_problems problems = {0};
        manifest *m = parse(bad[i].text, &problems);
        CU_ASSERT_PTR_NULL(m);
        if (problems.count != 1 || problems.items[0].place.line != bad[i].line)
            print_problems(&problems);
        CU_ASSERT_EQUAL(problems.count, 1);
        if (problems.count) {
            CU_ASSERT_EQUAL(problems.items[0].place.line, bad[i].line);
            ASSERT_CONTAINS(problems.items[0].error.message, bad[i].message);
            ASSERT_CONTAINS(problems.items[0].error.hint, bad[i].hint);
        }
        manifest_problems_done(&problems);
        manifest_free(m);
    }
}

/* Production every five minutes, everything else once an hour: the same parameters, other targets. */
static void lets_schedules_differ_by_target(void)
{
    manifest *m = parse_good(SCAN "[[schedules]]\ntool = \"scan\"\ncron = \"*/5 * * * *\"\nbranch = \"production\"\n"
                                  "[[schedules]]\ntool = \"scan\"\ncron = \"@hourly\"\n");
    CU_ASSERT_EQUAL(m->schedule_count, 2);
    manifest_free(m);
}

static void warns_of_a_schedule_that_never_runs(void)
{
    manifest_problems problems = {0};
    manifest *m = parse(
        HEAD "[agents.a.tool.scan]\ndisabled = true\n[[schedules]]\ntool = \"scan\"\ncron = \"@daily\"\n", &problems);
    CU_ASSERT_PTR_NOT_NULL(m);
    CU_ASSERT_EQUAL_FATAL(problems.count, 1);
    CU_ASSERT_TRUE(problems.items[0].warning);
    ASSERT_CONTAINS(problems.items[0].error.message, "scan is disabled and will not run");
    manifest_problems_done(&problems);
    manifest_free(m);
}

static void lists_what_is_routine_among_what_was_loosened(void)
{
    manifest *m = parse_good(whole);
    BUF_AUTO text = BUF_INIT(4096);
    manifest_loosened(m, &text);
    ASSERT_CONTAINS(buf_text(&text), ": the expiry of shop/ci-* is routine on a shared branch: made by CI\n");
    ASSERT_CONTAINS(buf_text(&text), ": a reset of */staging is routine on a shared branch: nightly\n");
    manifest_free(m);
}

static void prints_its_reference(void)
{
    BUF_AUTO text = BUF_INIT(65536);
    manifest_reference(&text);
    static const char *const said[] = {
        "### `[schedule]`",
        "| `spread_s` | integer, 0 to 86400 | `300` |",
        "| `catch_up` | once, never | `once` |",
        "### `[[schedules]]`",
        "### `[[windows]]`",
        "| `kind` | allow, pause | required |",
        "### `[events]`",
        "### `[model]`",
        "| `chain_limit` | integer, 1 to 1000 | `8` |",
        "### `[approvals]`",
        "| `approvers` | list of texts |",
        "### `[alerts]`",
        "| `remind_warning_s` | integer, 0 to 31536000 | `86400` |",
        "### `[[routine]]`",
        "| `window` | name |",
    };
    for (size_t i = 0; i < LB_COUNT(said); i++)
        ASSERT_CONTAINS(buf_text(&text), said[i]);
}

SUITE(manifest_daemon, TEST(reads_all_of_it), TEST(fills_in_defaults), TEST(refuses_each_with_place_and_hint),
      TEST(lets_schedules_differ_by_target), TEST(warns_of_a_schedule_that_never_runs),
      TEST(lists_what_is_routine_among_what_was_loosened), TEST(prints_its_reference))
