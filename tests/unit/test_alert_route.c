/* Alert services and the routes to them: what the manifest says, and who hears of what and when. */
#include "unit/manifest_text.h"

#include "alert_digest.h"
#include "alert_route.h"
#include "clock.h"
#include "json.h"

#define NAMED                                                                                                          \
    HEAD "timezone = \"Europe/Berlin\"\n[services.alert.team]\nplugin = \"alert_slack\"\n"                             \
         "[services.alert.pager]\nplugin = \"alert_pagerduty\"\ndigest_above = 5\ndigest_critical = true\n"            \
         "[services.alert.post]\nplugin = \"alert_email\"\nto = [\"a@b.example\"]\n"
#define ROUTE "[[alert_routes]]\n"
#define SHOP  "[[targets]]\nproject = \"shop\"\nbranch = \"production\"\n"
#define REST  ROUTE "to = [\"team\"]\notherwise = true\n"

static void on_hears(void *state, const char *name)
{
    buf *b = state;
    buf_printf(b, "%s%s", b->length ? " " : "", name);
}

/* Who hears of it, with a blank between the names. */
static void check_hears(const char *text, alert_about about, const char *when, const char *wanted)
{
    lb_error err;
    alert_routes *routes = NULL;
    manifest_problems problems = {0};
    manifest *m = parse(text, &problems);
    BUF_AUTO names = BUF_INIT(4096);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    CU_ASSERT_FATAL(clock_parse(when, &about.at));
    CU_ASSERT_EQUAL_FATAL(alert_routes_new(m, &routes, &err), 0);
    alert_routes_each(routes, &about, on_hears, &names);
    ASSERT_TEXT(buf_text(&names), wanted);
    routes = alert_routes_free(routes);
    manifest_problems_done(&problems);
    manifest_free(m);
}

#define NOON "2026-11-25T12:00:00Z" /* a Wednesday */
#define HEARS(text, severity_, project_, branch_, when, wanted)                                                        \
    check_hears((text), (alert_about){.severity = (severity_), .project = (project_), .branch = (branch_)}, (when),    \
                (wanted))

static void one_service_and_several(void)
{
    manifest *m = parse_good(HEAD "[secrets]\ns = { env = \"PATH\" }\n[services.alert]\nplugin = \"alert_slack\"\n"
                                  "url = { secret = \"s\" }\n");
    const manifest_service *one = manifest_find_service(m, LB_KIND_ALERT);
    ASSERT_TEXT(one->name, MANIFEST_ALERT);
    ASSERT_TEXT(one->params.items[0].secret, "s");
    CU_ASSERT_EQUAL(one->digest_above, 20);
    CU_ASSERT_EQUAL(one->digest_s, 120);
    CU_ASSERT_FALSE(one->digest_critical);
    manifest_free(m);
    m = parse_good(NAMED);
    CU_ASSERT_EQUAL_FATAL(m->service_count, 3);
    ASSERT_TEXT(m->services[1].name, "pager");
    CU_ASSERT_EQUAL(m->services[1].digest_above, 5);
    CU_ASSERT_TRUE(m->services[1].digest_critical);
    CU_ASSERT_PTR_NULL(m->services[1].second);
    CU_ASSERT_EQUAL(m->services[1].second_after_s, 120);
    ASSERT_TEXT(m->services[2].params.items[0].name, "to");
    manifest_free(m);
    /* No route leads to the second of another one, and none has to. */
    m = parse_good(NAMED "second = \"pager\"\n" ROUTE "to = [\"team\", \"post\"]\n");
    ASSERT_TEXT(m->services[2].second, "pager");
    manifest_free(m);
}

static void without_routes_all_hear_all(void)
{
    HEARS(NAMED, 1, NULL, NULL, NOON, "team pager post");
    HEARS(HEAD "[services.alert]\nplugin = \"alert_file\"\n", 1, "shop", "main", NOON, "alert");
}

static void routes_go_by_severity_and_place(void)
{
    static const char text[] =
        NAMED ROUTE "to = [\"pager\", \"team\"]\nseverity = \"critical\"\nbranch = \"prod*\"\n" ROUTE
                    "to = [\"post\"]\nproject = \"shop\"\nseverity = \"warning\"\n" REST;
    HEARS(text, 3, "shop", "production", NOON, "team pager post");
    HEARS(text, 3, "bank", "production", NOON, "team pager");
    HEARS(text, 2, "shop", "production", NOON, "post");
    HEARS(text, 1, "shop", "production", NOON, "team"); /* otherwise */
    HEARS(text, 3, "bank", "dev", NOON, "team");
    HEARS(text, 3, NULL, NULL, NOON, "team pager post"); /* the workspace's own */
}

static void what_no_route_takes_goes_to_all(void)
{
    static const char text[] = NAMED ROUTE "to = [\"pager\", \"team\", \"post\"]\nseverity = \"critical\"\n";
    HEARS(text, 1, "shop", "dev", NOON, "team pager post");
}

static void routes_go_by_time_in_their_zone(void)
{
    static const char day[] =
        NAMED ROUTE "to = [\"post\"]\ndays = \"mon-fri\"\nhours = \"08:00-18:00\"\n" ROUTE
                    "to = [\"pager\"]\ndays = \"fri\"\nhours = \"22:00-06:00\"\ntimezone = \"America/New_York\"\n" REST;
    HEARS(day, 2, "a", "b", "2026-11-25T07:00:00Z", "post"); /* 08:00 in Berlin */
    HEARS(day, 2, "a", "b", "2026-11-25T06:59:59Z", "team");
    HEARS(day, 2, "a", "b", "2026-11-25T16:59:59Z", "post");
    HEARS(day, 2, "a", "b", "2026-11-25T17:00:00Z", "team");
    HEARS(day, 2, "a", "b", "2026-07-22T06:00:00Z", "post");  /* summer time */
    HEARS(day, 2, "a", "b", "2026-11-28T12:00:00Z", "team");  /* a Saturday */
    HEARS(day, 2, "a", "b", "2026-11-28T03:00:00Z", "pager"); /* Friday, 22:00 in New York */
    HEARS(day, 2, "a", "b", "2026-11-28T10:59:00Z", "pager"); /* Saturday 05:59: Friday's night */
    HEARS(day, 2, "a", "b", "2026-11-28T11:00:00Z", "team");
    HEARS(day, 2, "a", "b", "2026-11-27T10:00:00Z", "post"); /* Thursday's night is nobody's */
}

static const struct {
    const char *text;
    int line;
    bool warning;
    const char *message, *hint;
} bad[] = {
    {HEAD "[services.alert]\nplugin = \"alert_file\"\n[services.alert.b]\nplugin = \"alert_file\"\n", 5, false,
     "is a service itself, and has [services.alert.b] below it", "[services.alert.NAME]"},
    {HEAD "[services.alert.b]\nfile = \"x\"\n", 3, false, "[services.alert.b] has no plugin", "tells people"},
    {HEAD "[services.alert]\n", 3, false, "[services.alert] has no plugin", ""},
    {HEAD "[services.alert.B-1]\nplugin = \"alert_file\"\n", 3, false, "alert service \"B-1\" is no name", "a-z"},
    {HEAD "[services.alert.b]\nplugin = \"alert_file\"\ndigest_s = 0\n", 5, false, "digest_s is 0", ""},
    {HEAD "[services.alert.b]\nplugin = \"alert_file\"\nurl = { secret = \"x\" }\n", 5, false, "there is no secret x",
     ""},
    {NAMED ROUTE "to = [\"paegr\"]\n" REST ROUTE "to = [\"pager\", \"post\"]\n", 13, false,
     "there is no alert service paegr", "did you mean pager?"},
    {NAMED REST ROUTE "severity = \"critical\"\n" ROUTE "to = [\"pager\", \"post\"]\n", 16, false,
     "[[alert_routes]] has no to", "names of alert services"},
    {NAMED REST ROUTE "to = [\"pager\", \"post\"]\nseverity = \"high\"\n", 18, false, "severity cannot be \"high\"",
     "one of info, warning, critical"},
    {NAMED REST ROUTE "to = [\"pager\", \"post\"]\nhours = \"8-18\"\n", 16, false, "\"8-18\" is no span of hours",
     "08:00"},
    {NAMED REST ROUTE "to = [\"pager\", \"post\"]\nhours = \"25:00-26:00\"\n", 16, false, "is no span", ""},
    {NAMED REST ROUTE "to = [\"pager\", \"post\"]\nhours = \"08:00-08:00\"\n", 16, false, "are none",
     "leave hours out"},
    {NAMED REST ROUTE "to = [\"pager\", \"post\"]\ndays = \"mon-frei\"\n", 16, false, "days:", "mon-fri"},
    {NAMED REST ROUTE "to = [\"pager\", \"post\"]\ndays = \"*\"\n", 16, false, "names no days", ""},
    {NAMED ROUTE "to = [\"pager\", \"post\", \"team\"]\nseverity = \"critical\"\n", 13, true,
     "what no route takes goes to every alert service", "otherwise = true"},
    {NAMED ROUTE "to = [\"pager\"]\nseverity = \"critical\"\n", 13, true,
     "what no route takes goes to every alert service, also to those that no route leads to: team, post",
     "otherwise = true"},
    {NAMED SHOP REST ROUTE "to = [\"pager\", \"post\"]\nproject = \"shpo\"\n", 19, true,
     "[[alert_routes]] no target has project shpo", "did you mean shop?"},
    {NAMED SHOP REST ROUTE "to = [\"pager\", \"post\"]\nproject = \"bank-*\"\n", 19, true,
     "[[alert_routes]] no target has project bank-*", "under [[targets]]"},
    {NAMED SHOP REST ROUTE "to = [\"pager\", \"post\"]\nproject = \"sh*\"\nbranch = \"prodution\"\n", 19, true,
     "[[alert_routes]] no target has branch prodution", "did you mean production?"},
    {NAMED ROUTE "to = [\"pager\", \"team\"]\n", 10, true, "[services.alert.post] no route leads to it", "name it"},
    {NAMED "second = \"paegr\"\n", 10, false, "[services.alert.post] second: there is no alert service paegr",
     "did you mean pager?"},
    {NAMED "second = \"post\"\n", 10, false, "[services.alert.post] second: it is its own second", "another"},
    {NAMED REST ROUTE "to = [\"pager\", \"post\"]\ntimezone = \"UTC\"\n", 16, true, "without days and hours", ""},
};

static void says_what_is_wrong(void)
{
    for (size_t i = 0; i < LB_COUNT(bad); i++) {
        manifest_problems problems = {0};
        manifest *m = parse(bad[i].text, &problems);
        CU_ASSERT_EQUAL(m != NULL, bad[i].warning);
        if (problems.count != 1 || problems.items[0].place.line != bad[i].line)
            print_problems(&problems);
        CU_ASSERT_EQUAL(problems.count, 1);
        if (problems.count) {
            CU_ASSERT_EQUAL(problems.items[0].place.line, bad[i].line);
            CU_ASSERT_EQUAL(problems.items[0].warning, bad[i].warning);
            ASSERT_CONTAINS(problems.items[0].error.message, bad[i].message);
            ASSERT_CONTAINS(problems.items[0].error.hint, bad[i].hint);
        }
        manifest_problems_done(&problems);
        manifest_free(m);
    }
}

static void of_targets_that_may_come_nothing_is_wrong(void)
{
    static const char text[] =
        NAMED "[[targets]]\nproject = \"shop-*\"\nbranch = \"ci-*\"\npattern = true\n" REST ROUTE
              "to = [\"pager\"]\nproject = \"shop-eu\"\nbranch = \"*-1\"\n" ROUTE "to = [\"post\"]\nproject = \"*\"\n";
    manifest_problems problems = {0};
    manifest *m = parse(text, &problems);
    CU_ASSERT_PTR_NOT_NULL(m);
    CU_ASSERT_EQUAL(problems.count, 0);
    manifest_problems_done(&problems);
    manifest_free(m);
}

/* ---- digests ---- */

static void add(alert_digest *d, uint64_t seq, const char *what, const char *where, const char *severity)
{
    LB_AUTO_FREE char *key = base_printf("k%llu", (unsigned long long)seq);
    LB_AUTO_FREE char *text = base_printf("%s is past\nits limit, %llu", what, (unsigned long long)seq);
    alert_digest_add(d, &(alert_digest_item){
                            .seq = seq, .key = key, .what = what, .where = where, .severity = severity, .text = text});
}

static void a_digest_counts_the_worst_first(void)
{
    lb_error err;
    alert_digest d = {0};
    BUF_AUTO text = BUF_INIT(65536), document = BUF_INIT(65536);
    for (uint64_t i = 1; i <= 3; i++)
        add(&d, i, "dead_tuple_ratio", "shop/dev", "warning");
    add(&d, 4, "lock_wait_time", "shop/production", "critical");
    add(&d, 5, "approval.requested", NULL, "info");
    CU_ASSERT_TRUE(alert_digest_end(&d, "k2"));
    CU_ASSERT_FALSE(alert_digest_end(&d, "k2"));
    CU_ASSERT_FALSE(alert_digest_end(&d, "k9"));
    ASSERT_TEXT(alert_digest_put(&d, 20, 120, &text, &document), "critical");
    ASSERT_TEXT(buf_text(&text), "5 alerts in one message, 1 critical: lock_wait_time on shop/production first");
    JSON_AUTO *whole = json_parse(buf_text(&document), document.length, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    ASSERT_TEXT(buf_text(&document),
                "{\"kind\":\"alert.digest\",\"payload\":{\"digest\":\"more than 20 messages in 120 s: the rest is told "
                "together\",\"critical: lock_wait_time on shop/production\":\"lock_wait_time is past its limit, 4\","
                "\"warning: dead_tuple_ratio on shop/dev\":\"3 times, the first: dead_tuple_ratio is past its limit, 1 "
                "(1 of them over again)\",\"info: approval.requested\":\"approval.requested is past its limit, 5\"}}");
    alert_digest_done(&d);
}

static void hold(alert_digest *d, uint64_t seq, const char *key, bool is_worse)
{
    alert_digest_add(d, &(alert_digest_item){.seq = seq, .key = key, .severity = "warning", .is_told = is_worse});
}

static void an_end_that_people_wait_for_is_not_folded(void)
{
    alert_digest d = {0};
    hold(&d, 1, "alone", false);
    hold(&d, 2, "alone", true); /* its beginning waits: nobody knows */
    CU_ASSERT_TRUE(alert_digest_end(&d, "alone"));
    hold(&d, 3, "worse", true); /* its beginning went out */
    CU_ASSERT_FALSE(alert_digest_end(&d, "worse"));
    hold(&d, 4, "worst", false);
    alert_digest_tell(&d, "worst"); /* critical, went out meanwhile */
    hold(&d, 5, "worst", true);
    CU_ASSERT_FALSE(alert_digest_end(&d, "worst"));
    CU_ASSERT_TRUE(d.items[3].is_over && d.items[4].is_over);
    hold(&d, 6, "worst", false); /* another one of that key */
    CU_ASSERT_TRUE(alert_digest_end(&d, "worst"));
    alert_digest_done(&d);
}

static void a_digest_of_many_is_bounded(void)
{
    alert_digest d = {0};
    BUF_AUTO text = BUF_INIT(65536), document = BUF_INIT(65536);
    for (uint64_t i = 0; i < 1000; i++) {
        LB_AUTO_FREE char *where = base_printf("p%llu/main", (unsigned long long)(i % 100));
        add(&d, i + 1, "txid_age", where, "warning");
    }
    ASSERT_TEXT(alert_digest_put(&d, 20, 120, &text, &document), "warning");
    ASSERT_CONTAINS(buf_text(&document), "\"and\":\"820 more of 82 other kinds or places\"");
    CU_ASSERT_FALSE(document.overflow);
    alert_digest_done(&d);
}

SUITE(alert_route, TEST(one_service_and_several), TEST(without_routes_all_hear_all),
      TEST(routes_go_by_severity_and_place), TEST(what_no_route_takes_goes_to_all),
      TEST(routes_go_by_time_in_their_zone), TEST(says_what_is_wrong), TEST(of_targets_that_may_come_nothing_is_wrong),
      TEST(a_digest_counts_the_worst_first), TEST(an_end_that_people_wait_for_is_not_folded),
      TEST(a_digest_of_many_is_bounded))
