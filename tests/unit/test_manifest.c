/* Good manifests: what they become. */
#include "manifest_internal.h"
#include "unit/manifest_text.h"

#include <limits.h>
#include <math.h>

static const manifest_param *param(const manifest_params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++)
        if (strcmp(params->items[i].name, name) == 0)
            return &params->items[i];
    CU_FAIL_FATAL("no such parameter");
    return NULL;
}

static const char whole[] =
    "[workspace]\nname = \"dev\"\nstate_dir = \"state\"\ntimezone = \"Europe/Berlin\"\nplugins = [\"/opt/p\", "
    "\"mine\"]\n"
    "lock_file = \"plugins.lock\"\n"
    "[limits]\nworkers = 4\nrun_timeout_s = 60\n"
    "[services.transport]\nplugin = \"transport_local\"\ndsn = { secret = \"pg\" }\nlock_timeout_ms = 500\n"
    "[services.delta]\nplugin = \"delta_mock\"\n"
    "[secrets]\npg = { env = \"LBOPS_TEST_SECRET\" }\n"
    "[[targets]]\nproject = \"shop\"\nbranch = \"production\"\nclass = \"production\"\n"
    "[[targets]]\nproject = \"shop-*\"\nbranch = \"dev?\"\npattern = true\nwake = true\n"
    "[agents.health]\nmission = \"watch\"\ntools = [\"a\", \"b\"]\ncycle = [\"c\", \"a\"]\n"
    "[agents.health.tool.a]\nschedule = \"*/5 * * * *\"\ntimeout_s = 30\nneeds_approval = true\n"
    "params = { days = 7, ratio = 0.5, on = true, tables = [\"x\", \"y\"], since = 2026-01-01T00:00:00Z, "
    "shape = { k = [1, 2.5, false], s = \"q\\\"\" }, name = \"plain\" }\n"
    "[agents.health.tool.c]\nschedule = \"\"\ndisabled = false\n"
    "[agents.other]\ntools = [\"z\"]\nhelpers = [\"y\"]\n"
    "[[subscriptions]]\nevent = \"branch.created\"\ntool = \"b\"\nparams = { branch = \"{payload.branch}\", re = "
    "\"a{2}{x\" }\n"
    "[[thresholds]]\nmetric = \"cache_hit_ratio\"\nwarning = 0.99\ncritical = 0.95\nbelow = true\nproject = \"*\"\n"
    "[[thresholds]]\nmetric = \"lag_s\"\ncritical = 10\n"
    "[[gate]]\ntool = \"*\"\neffect = \"disruptive\"\nclass = \"shared\"\ndecision = \"execute\"\nloosen = true\n"
    "reason = \"nightly reset\"\n"
    "[[gate]]\nclass = \"throwaway\"\ndecision = \"refuse\"\n";

static void check_workspace(const manifest *m, const char *here)
{
    char path[PATH_MAX + 32];
    ASSERT_TEXT(m->name, "dev");
    ASSERT_TEXT(m->timezone, "Europe/Berlin");
    ASSERT_TEXT(m->directory, here);
    (void)snprintf(path, sizeof path, "%s/state", here); /* fits */
    ASSERT_TEXT(m->state_dir, path);
    (void)snprintf(path, sizeof path, "%s/plugins.lock", here); /* fits */
    ASSERT_TEXT(m->lock_file, path);
    (void)snprintf(path, sizeof path, "%s/mine", here); /* fits */
    ASSERT_TEXT(m->plugin_dirs[0], "/opt/p");
    ASSERT_TEXT(m->plugin_dirs[1], path);
    CU_ASSERT_PTR_NULL(m->plugin_dirs[2]);
    CU_ASSERT_EQUAL(m->limits.workers, 4);
    CU_ASSERT_EQUAL(m->limits.run_timeout_s, 60);
    CU_ASSERT_EQUAL(m->limits.worker_memory_mb, 1024);
    CU_ASSERT_EQUAL(m->limits.outbox_mb, 1024);
}

static void check_services(const manifest *m)
{
    const manifest_service *transport = manifest_find_service(m, LB_KIND_TRANSPORT);
    CU_ASSERT_PTR_NOT_NULL(transport);
    if (!transport)
        return;
    ASSERT_TEXT(transport->plugin, "transport_local");
    CU_ASSERT_EQUAL(transport->params.count, 2);
    ASSERT_TEXT(param(&transport->params, "dsn")->secret, "pg");
    CU_ASSERT_PTR_NULL(param(&transport->params, "dsn")->text);
    ASSERT_TEXT(param(&transport->params, "lock_timeout_ms")->text, "500");
    CU_ASSERT_EQUAL(param(&transport->params, "lock_timeout_ms")->place.line, 13);
    CU_ASSERT_PTR_NOT_NULL(manifest_find_service(m, LB_KIND_DELTA));
    CU_ASSERT_PTR_NULL(manifest_find_service(m, LB_KIND_ALERT));
    CU_ASSERT_EQUAL(m->target_count, 2);
    CU_ASSERT_EQUAL(m->targets[0].branch_class, LB_BRANCH_PRODUCTION);
    CU_ASSERT_FALSE(m->targets[0].pattern);
    CU_ASSERT_EQUAL(m->targets[1].branch_class, 0);
    CU_ASSERT_TRUE(m->targets[1].pattern && m->targets[1].wake);
}

static void check_agents(const manifest *m)
{
    const char *agent = NULL;
    const manifest_tool *a = manifest_find_tool(m, NULL, "a", &agent);
    CU_ASSERT_PTR_NOT_NULL(a);
    if (!a)
        return;
    ASSERT_TEXT(agent, "health");
    CU_ASSERT_EQUAL(m->agents[1].tool_count, 2);
    CU_ASSERT_FALSE(m->agents[1].tools[0].is_helper);
    CU_ASSERT_TRUE(m->agents[1].tools[1].is_helper);
    ASSERT_TEXT(m->agents[1].tools[1].name, "y");
    CU_ASSERT_EQUAL(m->agents[0].tool_count, 3);
    ASSERT_TEXT(m->agents[0].cycle[0], "c");
    ASSERT_TEXT(m->agents[0].cycle[1], "a");
    CU_ASSERT_PTR_NULL(m->agents[0].cycle[2]);
    ASSERT_TEXT(a->schedule, "*/5 * * * *");
    CU_ASSERT_EQUAL(a->timeout_s, 30);
    CU_ASSERT_EQUAL(a->needs_approval, 1);
    ASSERT_TEXT(param(&a->params, "days")->text, "7");
    ASSERT_TEXT(param(&a->params, "ratio")->text, "0.5");
    ASSERT_TEXT(param(&a->params, "on")->text, "true");
    ASSERT_TEXT(param(&a->params, "tables")->text, "[\"x\",\"y\"]");
    ASSERT_TEXT(param(&a->params, "since")->text, "2026-01-01T00:00:00Z");
    ASSERT_TEXT(param(&a->params, "shape")->text, "{\"k\":[1,2.5,false],\"s\":\"q\\\"\"}");
    ASSERT_TEXT(param(&a->params, "name")->text, "plain");
    const manifest_tool *b = manifest_find_tool(m, "health", "b", NULL);
    CU_ASSERT_PTR_NOT_NULL(b);
    if (!b)
        return;
    CU_ASSERT_PTR_NULL(b->schedule);
    CU_ASSERT_EQUAL(b->needs_approval, -1);
    ASSERT_TEXT(manifest_find_tool(m, "health", "c", NULL)->schedule, "");
    CU_ASSERT_PTR_NULL(manifest_find_tool(m, "other", "a", NULL));
    CU_ASSERT_PTR_NOT_NULL(manifest_find_tool(m, NULL, "z", &agent));
    ASSERT_TEXT(agent, "other");
}

static void check_rules(const manifest *m)
{
    ASSERT_TEXT(param(&m->subscriptions[0].params, "branch")->text, "{payload.branch}");
    CU_ASSERT_EQUAL(m->thresholds[0].critical, 0.95);
    CU_ASSERT_TRUE(m->thresholds[0].below);
    CU_ASSERT_TRUE(isnan(m->thresholds[1].warning));
    CU_ASSERT_EQUAL(m->thresholds[1].critical, 10);
    CU_ASSERT_EQUAL(m->rules[0].effect, 2);
    CU_ASSERT_EQUAL(m->rules[0].branch_class, LB_BRANCH_SHARED);
    CU_ASSERT_EQUAL(m->rules[0].decision, MANIFEST_EXECUTE);
    CU_ASSERT_EQUAL(m->rules[1].decision, MANIFEST_REFUSE);
    CU_ASSERT_EQUAL(m->rules[1].effect, 0);
    BUF_AUTO loosened = BUF_INIT(4096);
    manifest_loosened(m, &loosened);
    ASSERT_CONTAINS(buf_text(&loosened), "a disruptive change of * on a shared branch executes: nightly reset\n");
    CU_ASSERT_PTR_NULL(strstr(buf_text(&loosened), "refused"));
}

static void reads_all_of_it(void)
{
    char here[PATH_MAX];
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(here, sizeof here));
    (void)setenv("LBOPS_TEST_SECRET", "hush", 1);
    manifest *m = parse_good(whole);
    check_workspace(m, here);
    check_services(m);
    check_agents(m);
    check_rules(m);
    manifest_free(m);
    (void)unsetenv("LBOPS_TEST_SECRET");
}

static void fills_in_defaults(void)
{
    manifest *m = parse_good(HEAD);
    char here[PATH_MAX], state[PATH_MAX + 16];
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(here, sizeof here));
    (void)snprintf(state, sizeof state, "%s/.lbops", here); /* fits */
    ASSERT_TEXT(m->state_dir, state);
    ASSERT_TEXT(m->timezone, "UTC");
    CU_ASSERT_PTR_NULL(m->lock_file);
    ASSERT_CONTAINS(m->plugin_dirs[0], "/plugins");
    CU_ASSERT_PTR_NULL(m->plugin_dirs[1]);
    CU_ASSERT_EQUAL(m->limits.grace_s, 5);
    CU_ASSERT_EQUAL(m->limits.run_records, 1000000);
    manifest_free(m);
}

static void takes_the_state_directory_of_the_environment(void)
{
    char here[PATH_MAX], state[PATH_MAX + 16];
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(here, sizeof here));
    (void)snprintf(state, sizeof state, "%s/elsewhere", here); /* fits */
    (void)setenv("LBOPS_STATE_DIR", "/var/lib/lbops", 1);
    manifest *m = parse_good(HEAD "state_dir = \"mine\"\n");
    ASSERT_TEXT(m->state_dir, "/var/lib/lbops");
    manifest_free(m);
    (void)setenv("LBOPS_STATE_DIR", "elsewhere", 1);
    m = parse_good(HEAD);
    ASSERT_TEXT(m->state_dir, state);
    manifest_free(m);
    (void)unsetenv("LBOPS_STATE_DIR");
}

static void accepts_its_own_starter(void)
{
    manifest *m = parse_good(manifest_starter);
    CU_ASSERT_EQUAL(m->target_count, 1);
    CU_ASSERT_PTR_NOT_NULL(manifest_find_service(m, LB_KIND_TRANSPORT));
    manifest_free(m);
}

/* The commented lines of the starter are advice: with the marks taken off they are to be a manifest too. */
static void gives_sound_advice_in_the_starter(void)
{
    BUF_AUTO text = BUF_INIT(65536);
    for (const char *line = manifest_starter; *line; line += strcspn(line, "\n") + 1) {
        static const char *const starts[] = {
            "[",       "params",   "schedule", "timeout_s", "event",     "tool =", "metric",   "below",
            "warning", "critical", "effect",   "class",     "decision",  "cron",   "window =", "name = \"night",
            "kind",    "opens",    "lasts",    "expires",   "approvers", "what",   "branch",   "reason"};
        const char *body = strncmp(line, "# ", 2) == 0 ? line + 2 : line;
        bool take = body == line;
        for (size_t i = 0; i < LB_COUNT(starts) && !take; i++)
            take = strncmp(body, starts[i], strlen(starts[i])) == 0 && strncmp(body, "[services", 9) != 0;
        if (take)
            buf_put(&text, body, strcspn(body, "\n") + 1);
    }
    manifest *m = parse_good(buf_text(&text));
    CU_ASSERT_EQUAL(m->subscription_count, 1);
    CU_ASSERT_EQUAL(m->threshold_count, 1);
    CU_ASSERT_EQUAL(m->rule_count, 1);
    CU_ASSERT_EQUAL(m->schedule_count, 1);
    CU_ASSERT_EQUAL(m->window_count, 1);
    CU_ASSERT_EQUAL(m->routine_count, 1);
    ASSERT_TEXT(m->approvals.approvers[0], "ada");
    CU_ASSERT_EQUAL(m->agents[0].tool_count, 2);
    manifest_free(m);
}

static void prints_its_reference(void)
{
    BUF_AUTO text = BUF_INIT(65536);
    manifest_reference(&text);
    ASSERT_CONTAINS(buf_text(&text), "### `[limits]`");
    ASSERT_CONTAINS(buf_text(&text), "| `workers` | integer, 1 to 256 | `2` | worker processes |\n");
    ASSERT_CONTAINS(buf_text(&text), "| `decision` | execute, ask, refuse | required |");
    ASSERT_CONTAINS(buf_text(&text), "| `timezone` | timezone | `UTC` |");
}

static void lists_approvals_that_were_taken_away(void)
{
    manifest *m = parse_good(HEAD "[agents.a.tool.x]\nneeds_approval = false\n");
    BUF_AUTO text = BUF_INIT(4096);
    manifest_loosened(m, &text);
    ASSERT_TEXT(buf_text(&text), "dev.toml:3: tool x of agent a needs no approval of its own\n");
    manifest_free(m);
}

/* Paths that climb are as short as people would write them. */
static void paths_climb_out_of_the_manifests_directory(void)
{
    static const struct {
        const char *path, *is;
    } cases[] = {{"../x", "/opt/x"},      {"./../x/../y", "/opt/x/../y"},
                 {"../../../x", "/../x"}, {"..x/./y", "/opt/lb/..x/./y"},
                 {"/a/../b", "/a/../b"},  {"./x y", "/opt/lb/x y"}};
    char directory[] = "/opt/lb";
    const manifest here = {.directory = directory};
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        LB_AUTO_FREE char *path = manifest_absolute(&here, cases[i].path);
        ASSERT_TEXT(path, cases[i].is);
    }
}

SUITE(manifest, TEST(paths_climb_out_of_the_manifests_directory), TEST(reads_all_of_it), TEST(fills_in_defaults),
      TEST(takes_the_state_directory_of_the_environment), TEST(accepts_its_own_starter),
      TEST(gives_sound_advice_in_the_starter), TEST(prints_its_reference), TEST(lists_approvals_that_were_taken_away))
