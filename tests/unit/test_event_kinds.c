/* The platform's own kinds of events: what a tool may put into them. */
#include "unit/suite.h"

#include "event_kinds.h"
#include "json.h"
#include "spec.h"

static void every_kind_of_the_seeds_is_there(void)
{
    static const char *const names[] = {
        "provisioning.complete", "branch.created",       "branch.deleted",      "branch.protected",
        "branch.reset",          "schema.migrated",      "threshold.breached",  "threshold.cleared",
        "threshold.treated",     "vacuum.completed",     "index.recommended",   "sync.drift_detected",
        "cold_data.archived",    "self_heal.executed",   "issue.escalated",     "issue.resolved",
        "sync.drift_cleared",    "cost.anomaly",         "cost.normal",         "run.ended",
        "approval.requested",    "approval.decided",     "approval.executed",   "approval.expired",
        "tool.suspended",        "service.down",         "service.up",          "daemon.started",
        "daemon.stopped",        "daemon.reloaded",      "history.thinned",     "clock.jumped",
        "router.chain_ended",    "router.undeliverable", "alert.opened",        "alert.escalated",
        "alert.resolved",        "target.unseen",        "target.seen",         "target.left",
        "awake.spent",           "awake.renewed",        "target.gone",         "alert.reminded",
        "alert.acknowledged",    "alert.treated",        "person.acknowledged", "tool.resumed",
        "reminder.due",          "service.gone"};
    CU_ASSERT_EQUAL(event_kind_count(), LB_COUNT(names));
    for (size_t i = 0; i < LB_COUNT(names); i++) {
        const event_kind *kind = event_kind_find(names[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(kind);
        CU_ASSERT_EQUAL(kind->of_host, i >= 19);
        CU_ASSERT(spec_is_event(kind->name));
    }
    CU_ASSERT_PTR_NULL(event_kind_find("table.analyzed"));
    CU_ASSERT_PTR_NULL(event_kind_at(LB_COUNT(names)));
}

#define GOOD(name, ...)                                                                                                \
    do {                                                                                                               \
        lb_error err_;                                                                                                 \
        int r_ = event_kind_check(name, LB_ARGS(__VA_ARGS__), &err_);                                                  \
        if (r_ < 0)                                                                                                    \
            printf("\n    %s\n", err_.message);                                                                        \
        CU_ASSERT_EQUAL(r_, 0);                                                                                        \
    } while (0)

#define BAD(name, code_, part, hint_part, ...)                                                                         \
    do {                                                                                                               \
        lb_error err_ = {0};                                                                                           \
        CU_ASSERT_EQUAL(event_kind_check(name, LB_ARGS(__VA_ARGS__), &err_), code_);                                   \
        ASSERT_CONTAINS(err_.message, part);                                                                           \
        ASSERT_CONTAINS(err_.hint, hint_part);                                                                         \
    } while (0)

static void sound_payloads_pass(void)
{
    const lb_value branches[] = {lb_text(NULL, "production"), lb_text(NULL, "staging")}, pids[] = {lb_i64(NULL, 7)};
    GOOD("branch.created", lb_text("branch_id", "dev-ann"));
    GOOD("branch.created", lb_ident("branch_id", "dev-ann"), lb_text("creator_type", NULL), lb_time("expires_at", 1));
    GOOD("provisioning.complete", lb_text("project_id", "shop"), lb_list("branches", LB_TEXT, branches, 2));
    GOOD("provisioning.complete", lb_text("project_id", "shop"), lb_json("branches", " [\"production\"]"));
    GOOD("provisioning.complete", lb_text("project_id", "shop"), lb_list("branches", LB_TEXT, NULL, 0));
    GOOD("threshold.breached", lb_text("metric", "dead_tuple"), lb_i64("value", 1));
    GOOD("threshold.breached", lb_text("metric", "dead_tuple"), lb_numeric("value", "0.25"));
    GOOD("index.recommended", lb_i64("total_issues", 3), lb_object("by_type", LB_ARGS(lb_i64("drop_unused", 3))));
    GOOD("self_heal.executed", lb_text("issue", "idle"), lb_text("action", "end"), lb_text("status", "executed"),
         lb_list("pids", LB_I64, pids, 1));
    GOOD("issue.escalated", lb_text("issue", "lock_chain"), lb_text("object", "session 7"),
         lb_text("severity", "critical"), lb_json("diagnosis", "{}"));
    GOOD("issue.resolved", lb_text("issue", "lock_chain"), lb_text("object", "session 7"));
    GOOD("somebody.elses", lb_i64("anything", 1));
}

static void others_are_refused(void)
{
    const lb_value numbers[] = {lb_i64(NULL, 1)};
    BAD("branch.created", LB_ERR_INVALID, "the event branch.created needs its branch_id", "the new branch",
        lb_text("project_id", "shop"));
    BAD("branch.created", LB_ERR_INVALID, "needs its branch_id", "", lb_null("branch_id"));
    BAD("branch.created", LB_ERR_INVALID, "needs its branch_id", "", lb_text("branch_id", NULL));
    BAD("branch.created", LB_ERR_INVALID, "the event branch.created has no brnch_id", "did you mean branch_id?",
        lb_text("brnch_id", "x"));
    BAD("branch.created", LB_ERR_INVALID, "has no zzzz", "lbops events --kinds", lb_text("branch_id", "x"),
        lb_text("zzzz", "x"));
    BAD("branch.created", LB_ERR_INVALID, "branch_id of the event branch.created is of type text", "",
        lb_i64("branch_id", 1));
    BAD("branch.created", LB_ERR_INVALID, "is given twice", "", lb_text("branch_id", "x"), lb_text("branch_id", "y"));
    BAD("provisioning.complete", LB_ERR_INVALID, "branches of the event provisioning.complete is of type list of text",
        "", lb_text("project_id", "shop"), lb_list("branches", LB_I64, numbers, 1));
    BAD("provisioning.complete", LB_ERR_INVALID, "list of text", "", lb_text("project_id", "shop"),
        lb_json("branches", "{}"));
    BAD("provisioning.complete", LB_ERR_INVALID, "list of text", "", lb_text("project_id", "shop"),
        lb_text("branches", "production"));
    BAD("index.recommended", LB_ERR_INVALID, "of type integer", "", lb_f64("total_issues", 1.5));
    BAD("run.ended", LB_ERR_DENIED, "only the host emits the event run.ended", "a name of its own",
        lb_text("status", "ok"), lb_f64("duration_ms", 1));
    lb_error err;
    CU_ASSERT_EQUAL(event_kind_check("schema.migrated", NULL, &err), LB_ERR_INVALID);
}

static void the_list_is_sound_json(void)
{
    lb_error err;
    BUF_AUTO text = BUF_INIT(1024 * 1024);
    event_kinds_json(&text);
    JSON_AUTO *list = json_parse(buf_text(&text), text.length, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(list);
    CU_ASSERT_EQUAL(json_object_array_length(list), event_kind_count());
    ASSERT_CONTAINS(buf_text(&text), "{\"name\":\"pids\",\"type\":\"list of integer\",\"required\":false,");
}

SUITE(event_kinds, TEST(every_kind_of_the_seeds_is_there), TEST(sound_payloads_pass), TEST(others_are_refused),
      TEST(the_list_is_sound_json))
