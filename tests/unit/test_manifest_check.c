/* Manifests against plugins: a registry of a few described tools and services stands in for probed files. */
#include "unit/manifest_text.h"

/* ---- the registry ---- */

struct registry {
    const plugin_spec *const *specs;
    size_t count;
    const registry_refusal *refusals;
    size_t refusal_count;
};

const plugin_spec *registry_find(const registry *r, lb_kind kind, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->specs[i]->kind == kind && strcmp(r->specs[i]->name, name) == 0)
            return r->specs[i];
    return NULL;
}

size_t registry_count(const registry *r)
{
    return r->count;
}

const plugin_spec *registry_at(const registry *r, size_t index)
{
    return r->specs[index];
}

size_t registry_refusal_count(const registry *r)
{
    return r->refusal_count;
}

const registry_refusal *registry_refusal_at(const registry *r, size_t index)
{
    return &r->refusals[index];
}

const char *registry_nearest(const registry *r, lb_kind kind, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->specs[i]->kind == kind && r->specs[i]->name[0] == name[0])
            return r->specs[i]->name;
    return NULL;
}

static lb_param scan_params[] = {
    {.name = "days", .type = LB_I64, .fallback = "7", .min = "1", .max = "90", .doc = "how far back"},
    {.name = "table", .type = LB_TEXT, .required = true, .doc = "the table to scan"},
    {.name = "schemas", .type = LB_LIST_OF(LB_TEXT), .doc = "schemas to look at"},
    {.name = "depth", .type = LB_TEXT, .fallback = "fast", .choices = "fast|safe", .doc = "how hard to look"},
    {.name = NULL},
};
static lb_param transport_params[] = {
    {.name = "dsn", .type = LB_SECRET, .required = true, .doc = "where the server is"},
    {.name = "lock_timeout_ms", .type = LB_I64, .fallback = "5000", .min = "0", .doc = "how long to wait"},
    {.name = NULL},
};
static lb_param no_params[] = {{.name = NULL}};

static char event_name[] = "branch.created", vacuum_name[] = "vacuum", absent_name[] = "absent";
static char *none[] = {NULL}, *events[] = {event_name, NULL}, *calls[] = {vacuum_name, absent_name, NULL};
static char name_scan[] = "scan", name_caller[] = "caller", name_report[] = "report",
            name_transport[] = "transport_test";
static char name_delta[] = "delta_test", hourly[] = "@hourly";

static const plugin_spec scan = {
    .kind = LB_KIND_TOOL, .name = name_scan, .params = scan_params, .writes = none, .emits = events, .calls = none};
static const plugin_spec vacuum = {.kind = LB_KIND_TOOL,
                                   .name = vacuum_name,
                                   .params = no_params,
                                   .writes = none,
                                   .emits = none,
                                   .calls = none,
                                   .schedule = hourly};
static const plugin_spec caller = {
    .kind = LB_KIND_TOOL, .name = name_caller, .params = no_params, .writes = none, .emits = none, .calls = calls};
static const plugin_spec report = {.kind = LB_KIND_TOOL,
                                   .name = name_report,
                                   .params = no_params,
                                   .writes = none,
                                   .emits = none,
                                   .calls = none,
                                   .workspace = true};
static const plugin_spec transport = {.kind = LB_KIND_TRANSPORT, .name = name_transport, .params = transport_params};
static const plugin_spec delta = {.kind = LB_KIND_DELTA, .name = name_delta, .params = no_params};
static const plugin_spec *const specs[] = {&caller, &delta, &report, &scan, &transport, &vacuum};

static char broken_path[] = "/opt/plugins/broken.so";
static const registry_refusal refusals[] = {
    {.path = broken_path,
     .error = {.code = LB_ERR_INVALID,
               .message = "its constructor crashed the probe with SIGSEGV",
               .hint = "rebuild it"}},
};
static const registry plugins = {specs, LB_COUNT(specs), refusals, LB_COUNT(refusals)};

/* ---- helpers ---- */

#define PLAIN                                                                                                          \
    HEAD "plugins = [\"/opt/plugins\"]\n[secrets]\npg = { env = \"PATH\" }\n[services.transport]\n"                    \
         "plugin = \"transport_test\"\ndsn = { secret = \"pg\" }\n" /* eight lines */

static void check(const char *text, manifest_problems *problems)
{
    manifest *m = parse(text, problems);
    if (!m)
        print_problems(problems);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    CU_ASSERT_EQUAL(problems->count, 0);
    manifest_check(m, &plugins, problems);
    manifest_free(m);
}

static void check_one(const char *text, int line, bool warning, const char *message, const char *hint)
{
    manifest_problems problems = {0};
    check(text, &problems);
    if (problems.count != 1 || problems.items[0].place.line != line)
        print_problems(&problems);
    CU_ASSERT_EQUAL(problems.count, 1);
    if (problems.count) {
        CU_ASSERT_EQUAL(problems.items[0].place.line, line);
        CU_ASSERT_EQUAL(problems.items[0].warning, warning);
        ASSERT_CONTAINS(problems.items[0].error.message, message);
        ASSERT_CONTAINS(problems.items[0].error.hint, hint);
    }
    manifest_problems_done(&problems);
}

/* ---- what is fine, and what is not ---- */

static void accepts_what_fits(void)
{
    static const char *const good[] = {
        PLAIN "lock_timeout_ms = 100\n[agents.a]\ntools = [\"scan\", \"vacuum\", \"report\"]\n", /* table is given at
                                                                                                    run time */
        PLAIN "[agents.a.tool.scan]\nschedule = \"@daily\"\nparams = { table = \"t\", days = 30, schemas = [\"a\"], "
              "depth = \"safe\" }\n",
        PLAIN "[agents.a.tool.scan]\nparams = { table = \"t\" }\n[[subscriptions]]\nevent = \"branch.created\"\n"
              "tool = \"scan\"\nparams = { days = \"{payload.days}\" }\n",
        PLAIN "[services.delta]\nplugin = \"delta_test\"\nanything = 1\n",
        PLAIN "[[gate]]\ntool = \"scan\"\ndecision = \"ask\"\n[[gate]]\ntool = \"v*u?\"\ndecision = \"ask\"\n",
        PLAIN "[agents.a]\ntools = [\"vacuum\"]\n[agents.b.tool.vacuum]\nschedule = \"\"\n",
        PLAIN
        "[agents.a.tool.scan]\nparams = { days = 3 }\n[[schedules]]\ntool = \"scan\"\ncron = \"@daily\"\n"
        "params = { table = \"t\" }\n[agents.a.tool.report]\n[[schedules]]\ntool = \"report\"\ncron = \"@daily\"\n",
        HEAD "[agents.a]\ntools = [\"report\"]\n", /* a tool of the workspace needs no transport */
        HEAD,
    };
    for (size_t i = 0; i < LB_COUNT(good); i++) {
        manifest_problems problems = {0};
        check(good[i], &problems);
        if (problems.count)
            print_problems(&problems);
        CU_ASSERT_EQUAL(problems.count, 0);
        manifest_problems_done(&problems);
    }
}

static void finds_plugins_that_are_not_there(void)
{
    check_one(PLAIN "[agents.a]\ntools = [\"vacum\"]\n", 10, false, "there is no tool vacum", "did you mean vacuum?");
    check_one(PLAIN "[agents.a]\ntools = [\"zzz\"]\n", 10, false, "there is no tool zzz", "no zzz.so in /opt/plugins");
    check_one(PLAIN "[agents.a]\ntools = [\"broken\"]\n", 10, false, "tool broken was refused: its constructor crashed",
              "rebuild it");
    check_one(PLAIN "[agents.a]\ntools = [\"delta_test\"]\n", 10, false,
              "delta_test is a plugin of the kind delta, not tool", "");
    check_one(PLAIN "[agents.a.tool.zzz]\ndisabled = true\n", 9, true, "there is no tool zzz", "");
    check_one(HEAD "[services.transport]\nplugin = \"transport_tset\"\n", 3, false,
              "there is no transport transport_tset", "did you mean transport_test?");
    check_one(HEAD "[services.transport]\nplugin = \"scan\"\n", 3, false,
              "scan is a plugin of the kind tool, not transport", "");
    check_one(PLAIN "[[gate]]\ntool = \"vacum\"\ndecision = \"refuse\"\n", 9, false, "there is no tool vacum",
              "vacuum");
    check_one(PLAIN "[[gate]]\ntool = \"index_*\"\ndecision = \"refuse\"\n", 9, true, "no tool matches index_*", "");
    check_one(PLAIN "[agents.a]\ntools = [\"caller\"]\n", 10, false, "caller calls absent, which is not there",
              "disable");
    check_one(HEAD "[agents.a]\ntools = [\"vacuum\"]\n", 0, false,
              "vacuum works on branches, and there is no transport", "[services.transport]");
}

static void checks_parameters(void)
{
    check_one(PLAIN "[agents.a.tool.scan]\nparams = { dais = 3 }\n", 10, false, "scan has no parameter dais",
              "did you mean days?");
    check_one(PLAIN "[agents.a.tool.vacuum]\nparams = { days = 3 }\n", 10, false, "vacuum has no parameter days",
              "it takes none");
    check_one(PLAIN "[agents.a.tool.scan]\nparams = { days = 91 }\n", 10, false, "scan: ", "90");
    check_one(PLAIN "[agents.a.tool.scan]\nparams = { days = \"many\" }\n", 10, false, "days", "");
    check_one(PLAIN "[agents.a.tool.scan]\nparams = { depth = \"deep\" }\n", 10, false, "depth", "");
    check_one(PLAIN "lock_timeout_ms = -1\n", 9, false, "lock_timeout_ms", "");
    check_one(PLAIN "lock_timeout = 5\n", 9, false, "transport_test has no parameter lock_timeout",
              "did you mean lock_timeout_ms?");
    check_one(HEAD "[services.transport]\nplugin = \"transport_test\"\n", 3, false,
              "transport_test needs its parameter dsn", "where the server is");
    check_one(PLAIN "[agents.a.tool.scan]\nschedule = \"@daily\"\n", 9, false, "scan needs its parameter table",
              "the table to scan");
}

static void guards_secrets(void)
{
    check_one(HEAD "[services.transport]\nplugin = \"transport_test\"\ndsn = \"postgresql://me:hush@host/db\"\n", 5,
              false, "dsn is a secret and stands in the manifest itself", "[secrets]");
    check_one(PLAIN "lock_timeout_ms = { secret = \"pg\" }\n", 9, false, "takes no secret", "");
    manifest_problems problems = {0};
    check(HEAD "[services.transport]\nplugin = \"transport_test\"\ndsn = \"hush\"\n", &problems);
    BUF_AUTO text = BUF_INIT(4096);
    for (size_t i = 0; i < problems.count; i++)
        manifest_problem_text(&problems.items[i], &text);
    CU_ASSERT_PTR_NULL(strstr(buf_text(&text), "hush"));
    manifest_problems_done(&problems);
}

/* The platform's own kinds need no tool that emits them; patterns need something that matches. */
static void knows_the_kinds_of_events(void)
{
    static const char *const known[] = {"approval.requested", "sync.drift_detected", "branch.*", "*"};
    for (size_t i = 0; i < LB_COUNT(known); i++) {
        manifest_problems problems = {0};
        LB_AUTO_FREE char *text = base_printf(
            PLAIN "[agents.a]\ntools = [\"vacuum\"]\n[[subscriptions]]\nevent = \"%s\"\ntool = \"vacuum\"\n", known[i]);
        check(text, &problems);
        CU_ASSERT_EQUAL(problems.count, 0);
        manifest_problems_done(&problems);
    }
    check_one(PLAIN "[agents.a]\ntools = [\"vacuum\"]\n[[subscriptions]]\nevent = \"nosuch.*\"\ntool = \"vacuum\"\n",
              11, false, "no tool emits the event nosuch.*", "");
}

static void checks_subscriptions(void)
{
    check_one(PLAIN
              "[agents.a]\ntools = [\"vacuum\"]\n[[subscriptions]]\nevent = \"branch.craeted\"\ntool = \"vacuum\"\n",
              11, false, "no tool emits the event branch.craeted", "did you mean branch.created?");
    check_one(PLAIN "[agents.a]\ntools = [\"scan\"]\n[[subscriptions]]\nevent = \"branch.created\"\ntool = \"scan\"\n",
              11, false, "scan needs its parameter table, as an event starts it", "");
    check_one(PLAIN "[agents.a]\ntools = [\"scan\"]\n[[subscriptions]]\nevent = \"branch.created\"\ntool = \"scan\"\n"
                    "params = { table = \"{payload.table}\", day = 1 }\n",
              14, false, "scan has no parameter day", "days");
}

static void checks_schedules(void)
{
    check_one(PLAIN "[agents.a]\ntools = [\"scan\"]\n[[schedules]]\ntool = \"scan\"\ncron = \"@daily\"\n", 11, false,
              "scan needs its parameter table, as it runs by schedule", "");
    check_one(PLAIN "[agents.a]\ntools = [\"scan\"]\n[[schedules]]\ntool = \"scan\"\ncron = \"@daily\"\n"
                    "params = { table = \"t\", day = 1 }\n",
              14, false, "scan has no parameter day", "days");
    check_one(PLAIN "[agents.a]\ntools = [\"report\"]\n[[schedules]]\ntool = \"report\"\ncron = \"@daily\"\n"
                    "branch = \"*\"\n",
              11, false, "report works on the workspace as a whole", "leave");
    check_one(PLAIN "[[windows]]\nname = \"w\"\nkind = \"allow\"\nopens = \"@daily\"\nlasts_min = 60\n"
                    "[agents.a.tool.scan]\nwindow = \"w\"\n",
              14, true, "scan has no schedule that its window w could hold back", "[[schedules]]");
}

static void warns_of_a_tool_that_runs_twice(void)
{
    check_one(PLAIN "[agents.a]\ntools = [\"vacuum\"]\n[agents.b]\ntools = [\"vacuum\"]\n", 12, true,
              "vacuum is scheduled by the agents a and b", "schedule = \"\"");
}

/* What the text alone shows to be wrong does not hide what only the plugins can show. */
static void says_everything_at_once(void)
{
    static const char text[] =
        "[workspace]\nname = 3\n[services.transport]\nplugin = \"transport_tset\"\n[agents.a]\n"
        "tools = [\"scna\", 3]\n[agents.a.tool.vacuum]\nschedule = \"61 * * * *\"\nparams = { x = 1 }\n"
        "[[subscriptions]]\nevent = 3\n[[gate]]\ntool = \"nobody\"\ndecision = \"ask\"\n";
    static const char *const said[] = {"name must be",
                                       "there is no transport transport_tset",
                                       "there is no tool scna",
                                       "minute \"61\"",
                                       "vacuum has no parameter x",
                                       "there is no tool nobody"};
    manifest_problems problems = {0};
    manifest *m = manifest_parse_partly(text, strlen(text), "m.toml", &problems);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    manifest_check(m, &plugins, &problems);
    BUF_AUTO all = BUF_INIT(65536);
    for (size_t i = 0; i < problems.count; i++)
        manifest_problem_text(&problems.items[i], &all);
    for (size_t i = 0; i < LB_COUNT(said); i++)
        ASSERT_CONTAINS(buf_text(&all), said[i]);
    (void)manifest_free(m); /* gives NULL */
    manifest_problems_done(&problems);
}

SUITE(manifest_check, TEST(accepts_what_fits), TEST(finds_plugins_that_are_not_there), TEST(checks_parameters),
      TEST(guards_secrets), TEST(checks_subscriptions), TEST(knows_the_kinds_of_events), TEST(checks_schedules),
      TEST(warns_of_a_tool_that_runs_twice), TEST(says_everything_at_once))
