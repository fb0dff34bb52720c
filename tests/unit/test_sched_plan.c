/* From a manifest to a plan: which tool runs by which cron on which target. */
#include "scheduler_plan.h"
#include "unit/manifest_text.h"
#include "unit/sched_fake.h"

/* A registry of three tools stands in for probed files. */
struct registry {
    int unused;
};

static char name_scan[] = "scan", name_vacuum[] = "vacuum", name_report[] = "report", hourly[] = "@hourly",
            daily[] = "@daily";
static const plugin_spec specs[] = {
    {.kind = LB_KIND_TOOL, .name = name_scan, .schedule = hourly},
    {.kind = LB_KIND_TOOL, .name = name_vacuum},
    {.kind = LB_KIND_TOOL, .name = name_report, .schedule = daily, .workspace = true},
};

const plugin_spec *registry_find(const registry *r, lb_kind kind, const char *name)
{
    (void)r; /* there is only this one */
    for (size_t i = 0; i < LB_COUNT(specs); i++)
        if (kind == LB_KIND_TOOL && strcmp(specs[i].name, name) == 0)
            return &specs[i];
    return NULL;
}

static const sched_target targets[] = {{"shop", "production"}, {"shop", "staging"}, {"blog", "production"}};

static void put_status(void *state, const sched_status *status)
{
    buf_printf(state, "%s %s%s%s\n", status->key, status->cron, status->window ? " in " : "",
               status->window ? status->window : "");
}

/* The plan of a manifest as text, a line for each entry. */
static void check_plan(const char *text, const char *expected)
{
    fake f;
    registry r = {0};
    BUF_AUTO all = BUF_INIT(65536);
    manifest *m = parse_good(text);
    sched_made *made = sched_made_new(m, &r, targets, LB_COUNT(targets), false);
    fake_open(&f, "2026-01-01T00:00:00Z");
    fake_load(&f, sched_made_plan(made));
    sched_each(f.s, f.now, put_status, &all);
    ASSERT_TEXT(buf_text(&all), expected);
    fake_close(&f);
    (void)sched_made_free(made); /* gives NULL */
    (void)manifest_free(m);      /* gives NULL */
}

#define EVERYWHERE(tool, cron)                                                                                         \
    "a/" tool "@shop/production " cron "\na/" tool "@shop/staging " cron "\na/" tool "@blog/production " cron "\n"

static void takes_the_tools_own_schedule(void)
{
    check_plan(HEAD "[agents.a]\ntools = [\"scan\", \"vacuum\", \"report\", \"unknown\"]\n",
               EVERYWHERE("scan", "@hourly") "a/report @daily\n");
}

static void takes_what_the_manifest_says_instead(void)
{
    check_plan(HEAD "[agents.a.tool.scan]\nschedule = \"*/5 * * * *\"\n[agents.a.tool.report]\nschedule = \"\"\n",
               EVERYWHERE("scan", "*/5 * * * *"));
    check_plan(HEAD "[agents.a.tool.scan]\ndisabled = true\n[agents.a.tool.vacuum]\nschedule = \"@weekly\"\n"
                    "window = \"w\"\n[[windows]]\nname = \"w\"\nkind = \"allow\"\nopens = \"@daily\"\nlasts_min = 5\n",
               EVERYWHERE("vacuum", "@weekly in w"));
}

static void adds_schedules_with_parameters_of_their_own(void)
{
    check_plan(HEAD "[agents.a.tool.scan]\nschedule = \"\"\n"
                    "[[schedules]]\ntool = \"scan\"\nname = \"activity\"\ncron = \"* * * * *\"\nbranch = \"prod*\"\n"
                    "params = { view = \"activity\" }\n"
                    "[[schedules]]\ntool = \"scan\"\nname = \"tables\"\ncron = \"@hourly\"\nproject = \"shop\"\n"
                    "params = { view = \"tables\" }\n",
               "a/scan:activity@shop/production * * * * *\na/scan:activity@blog/production * * * * *\n"
               "a/scan:tables@shop/production @hourly\na/scan:tables@shop/staging @hourly\n");
}

/* Production often, everything else seldom: no target gets both. */
static void the_first_schedule_that_fits_a_target_holds_there(void)
{
    check_plan(HEAD "[agents.a]\ntools = [\"vacuum\"]\n"
                    "[[schedules]]\ntool = \"vacuum\"\nname = \"v\"\ncron = \"*/5 * * * *\"\nbranch = \"production\"\n"
                    "[[schedules]]\ntool = \"vacuum\"\nname = \"v\"\ncron = \"@hourly\"\n",
               "a/vacuum:v@shop/production */5 * * * *\na/vacuum:v@blog/production */5 * * * *\n"
               "a/vacuum:v@shop/staging @hourly\n");
}

static void keys_follow_parameters_and_not_their_order(void)
{
    static const char *const texts[] = {
        HEAD "[agents.a]\ntools = [\"vacuum\"]\n[[schedules]]\ntool = \"vacuum\"\ncron = \"@hourly\"\n"
             "project = \"blog\"\nparams = { a = 1, b = 2 }\n",
        HEAD "[agents.a]\ntools = [\"vacuum\"]\n[[schedules]]\ntool = \"vacuum\"\ncron = \"@daily\"\n"
             "project = \"blog\"\nparams = { b = 2, a = 1 }\n",
        HEAD "[agents.a]\ntools = [\"vacuum\"]\n[[schedules]]\ntool = \"vacuum\"\ncron = \"@daily\"\n"
             "project = \"blog\"\nparams = { b = 2, a = 12 }\n",
    };
    char keys[3][SCHED_KEY];
    registry r = {0};
    for (size_t i = 0; i < LB_COUNT(texts); i++) {
        fake f;
        manifest *m = parse_good(texts[i]);
        sched_made *made = sched_made_new(m, &r, targets, LB_COUNT(targets), false);
        fake_open(&f, "2026-01-01T00:00:00Z");
        fake_load(&f, sched_made_plan(made));
        (void)snprintf(keys[i], sizeof keys[i], "%s", fake_status(&f, "vacuum").key); /* fits */
        fake_close(&f);
        (void)sched_made_free(made); /* gives NULL */
        (void)manifest_free(m);      /* gives NULL */
    }
    ASSERT_TEXT(keys[0], keys[1]);
    CU_ASSERT_NOT_EQUAL(strcmp(keys[0], keys[2]), 0);
}

static void hands_tool_and_schedule_back_with_the_start(void)
{
    fake f;
    registry r = {0};
    manifest *m = parse_good(HEAD "[agents.a]\ntools = [\"vacuum\"]\n[schedule]\nspread_s = 0\n"
                                  "[[schedules]]\ntool = \"vacuum\"\ncron = \"* * * * *\"\nproject = \"blog\"\n");
    sched_made *made = sched_made_new(m, &r, targets, LB_COUNT(targets), false);
    fake_open(&f, "2026-01-01T00:00:00Z");
    fake_load(&f, sched_made_plan(made));
    fake_run_for(&f, MINUTE);
    CU_ASSERT_EQUAL_FATAL(f.count, 1);
    const sched_params *params = f.starts[0].params;
    CU_ASSERT_PTR_EQUAL(params->tool, &m->agents[0].tools[0]);
    CU_ASSERT_PTR_EQUAL(params->schedule, &m->schedules[0]);
    fake_close(&f);
    (void)sched_made_free(made); /* gives NULL */
    (void)manifest_free(m);      /* gives NULL */
}

static void takes_windows_and_settings_along(void)
{
    registry r = {0};
    manifest *m =
        parse_good(HEAD "timezone = \"Europe/Berlin\"\n[schedule]\nspread_s = 7\ncatch_up = \"never\"\n"
                        "backoff_max_s = 99\n[[windows]]\nname = \"w\"\nkind = \"pause\"\nopens = \"@daily\"\n"
                        "lasts_min = 5\nproject = \"s*\"\ntimezone = \"Asia/Tokyo\"\n");
    sched_made *made = sched_made_new(m, &r, NULL, 0, true);
    const sched_plan *plan = sched_made_plan(made);
    ASSERT_TEXT(plan->timezone, "Europe/Berlin");
    CU_ASSERT_EQUAL(plan->spread_s, 7);
    CU_ASSERT_EQUAL(plan->backoff_max_s, 99);
    CU_ASSERT_FALSE(plan->catch_up);
    CU_ASSERT_TRUE(plan->leased);
    CU_ASSERT_EQUAL_FATAL(plan->window_count, 1);
    CU_ASSERT_TRUE(plan->windows[0].pause);
    CU_ASSERT_EQUAL(plan->windows[0].lasts_min, 5);
    ASSERT_TEXT(plan->windows[0].timezone, "Asia/Tokyo");
    ASSERT_TEXT(plan->windows[0].project, "s*");
    CU_ASSERT_PTR_NULL(plan->windows[0].branch);
    (void)sched_made_free(made); /* gives NULL */
    (void)manifest_free(m);      /* gives NULL */
}

static void knows_what_an_end_is_to_the_schedule(void)
{
    static const struct {
        run_status status;
        int code;
        sched_outcome outcome;
    } cases[] = {{RUN_OK, 0, SCHED_OK},
                 {RUN_SKIPPED, 0, SCHED_SKIPPED},
                 {RUN_SKIPPED, LB_ERR_UNREACHABLE, SCHED_SKIPPED},
                 {RUN_PENDING_APPROVAL, LB_ERR_APPROVAL, SCHED_PENDING},
                 {RUN_FAILED, LB_ERR_UNREACHABLE, SCHED_UNREACHABLE},
                 {RUN_FAILED, LB_ERR_CANCELLED, SCHED_CANCELLED},
                 {RUN_FAILED, LB_ERR_SUSPENDED, SCHED_SKIPPED},
                 {RUN_FAILED, LB_ERR_APPROVAL, SCHED_PENDING},
                 {RUN_FAILED, LB_ERR_SQL, SCHED_FAILED},
                 {RUN_TIMEOUT, LB_ERR_TIMEOUT, SCHED_FAILED},
                 {RUN_CRASHED, LB_ERR_TOOL, SCHED_FAILED},
                 {RUN_CRASHED, LB_ERR_CANCELLED, SCHED_CANCELLED}};
    for (size_t i = 0; i < LB_COUNT(cases); i++)
        CU_ASSERT_EQUAL(sched_outcome_of(cases[i].status, cases[i].code), cases[i].outcome);
}

SUITE(sched_plan, TEST(takes_the_tools_own_schedule), TEST(takes_what_the_manifest_says_instead),
      TEST(adds_schedules_with_parameters_of_their_own), TEST(the_first_schedule_that_fits_a_target_holds_there),
      TEST(keys_follow_parameters_and_not_their_order), TEST(hands_tool_and_schedule_back_with_the_start),
      TEST(takes_windows_and_settings_along), TEST(knows_what_an_end_is_to_the_schedule))
