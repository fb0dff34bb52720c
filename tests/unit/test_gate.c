#include "gate.h"
#include "suite.h"

static effect_verdict verdict(effect e)
{
    effect_verdict v = {.effect = e, .in_transaction = true, .statements = 1};
    (void)snprintf(v.why, sizeof v.why, "drops table public.orders"); /* fits */
    return v;
}

/* A person asks for a tool of low risk on such a branch. */
static gate_question question(const effect_verdict *v, lb_branch_class branch_class)
{
    return (gate_question){.verdict = v,
                           .target = {.project = "shop", .branch = "main", .branch_class = branch_class},
                           .tool = "drop_unused_index",
                           .risk = LB_RISK_LOW,
                           .actor = GATE_PERSON};
}

static gate_decision decide(const gate_question *q)
{
    gate_answer answer;
    memset(&answer, 0x55, sizeof answer);
    gate_decide(q, &answer);
    CU_ASSERT_PTR_NOT_NULL(memchr(answer.why, '\0', sizeof answer.why));
    return answer.decision;
}

static gate_decision plain(effect e, lb_branch_class branch_class)
{
    effect_verdict v = verdict(e);
    gate_question q = question(&v, branch_class);
    return decide(&q);
}

/* ---- the table ---- */

static void additive_on_throwaway_executes(void)
{
    CU_ASSERT_EQUAL(plain(EFFECT_ADDITIVE, LB_BRANCH_THROWAWAY), GATE_EXECUTE);
}

static void additive_on_shared_executes(void)
{
    CU_ASSERT_EQUAL(plain(EFFECT_ADDITIVE, LB_BRANCH_SHARED), GATE_EXECUTE);
}

static void additive_on_production_executes(void)
{
    CU_ASSERT_EQUAL(plain(EFFECT_ADDITIVE, LB_BRANCH_PRODUCTION), GATE_EXECUTE);
}

static void disruptive_on_throwaway_executes(void)
{
    CU_ASSERT_EQUAL(plain(EFFECT_DISRUPTIVE, LB_BRANCH_THROWAWAY), GATE_EXECUTE);
}

static void disruptive_on_shared_asks(void)
{
    CU_ASSERT_EQUAL(plain(EFFECT_DISRUPTIVE, LB_BRANCH_SHARED), GATE_ASK);
}

static void disruptive_on_production_asks(void)
{
    CU_ASSERT_EQUAL(plain(EFFECT_DISRUPTIVE, LB_BRANCH_PRODUCTION), GATE_ASK);
}

static void destructive_on_throwaway_executes(void)
{
    CU_ASSERT_EQUAL(plain(EFFECT_DESTRUCTIVE, LB_BRANCH_THROWAWAY), GATE_EXECUTE);
}

static void destructive_on_shared_asks(void)
{
    CU_ASSERT_EQUAL(plain(EFFECT_DESTRUCTIVE, LB_BRANCH_SHARED), GATE_ASK);
}

static void destructive_on_production_asks(void)
{
    CU_ASSERT_EQUAL(plain(EFFECT_DESTRUCTIVE, LB_BRANCH_PRODUCTION), GATE_ASK);
}

static void destructive_and_routine_on_shared_executes(void)
{
    effect_verdict v = verdict(EFFECT_DESTRUCTIVE);
    gate_question q = question(&v, LB_BRANCH_SHARED);
    q.routine = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_EXECUTE);
}

static void destructive_and_routine_on_production_asks(void)
{
    effect_verdict v = verdict(EFFECT_DESTRUCTIVE);
    gate_question q = question(&v, LB_BRANCH_PRODUCTION);
    q.routine = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
}

static void disruptive_and_routine_on_shared_asks(void)
{
    effect_verdict v = verdict(EFFECT_DISRUPTIVE);
    gate_question q = question(&v, LB_BRANCH_SHARED);
    q.routine = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
}

static void reads_execute_everywhere(void)
{
    effect_verdict v = verdict(EFFECT_READ);
    static const gate_rule refuses[] = {{.decision = GATE_REFUSE}};
    for (int c = 0; c <= LB_BRANCH_PRODUCTION; c++) {
        gate_question q = question(&v, (lb_branch_class)c);
        q.needs_approval = true;
        q.risk = LB_RISK_HIGH;
        q.actor = GATE_AGENT;
        q.rules = refuses;
        q.rule_count = 1;
        CU_ASSERT_EQUAL(decide(&q), GATE_EXECUTE);
    }
}

static void unknown_class_counts_as_production(void)
{
    effect_verdict v = verdict(EFFECT_DESTRUCTIVE);
    gate_question q = question(&v, (lb_branch_class)0);
    q.routine = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
    q.target.branch_class = (lb_branch_class)17;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
    CU_ASSERT_EQUAL(plain(EFFECT_DISRUPTIVE, (lb_branch_class)0), GATE_ASK);
    static const gate_rule rules[] = {{.branch_class = LB_BRANCH_PRODUCTION, .decision = GATE_REFUSE}};
    q.rules = rules;
    q.rule_count = 1;
    CU_ASSERT_EQUAL(decide(&q), GATE_REFUSE);
}

/* ---- the flags ---- */

static void always_asks_outside_throwaway(void)
{
    effect_verdict v = verdict(EFFECT_DESTRUCTIVE);
    v.always_asks = true;
    gate_question q = question(&v, LB_BRANCH_SHARED);
    q.routine = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
    q.target.branch_class = LB_BRANCH_PRODUCTION;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
    q.target.branch_class = LB_BRANCH_THROWAWAY;
    CU_ASSERT_EQUAL(decide(&q), GATE_EXECUTE);
}

static void always_asks_though_sessions_are_bounded(void)
{
    effect_verdict v = verdict(EFFECT_DISRUPTIVE);
    v.always_asks = v.ends_sessions = true;
    gate_question q = question(&v, LB_BRANCH_SHARED);
    q.bounded = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
}

static void needs_approval_asks_despite_routine(void)
{
    effect_verdict v = verdict(EFFECT_DESTRUCTIVE);
    gate_question q = question(&v, LB_BRANCH_SHARED);
    q.routine = q.needs_approval = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
    q.target.branch_class = LB_BRANCH_THROWAWAY;
    CU_ASSERT_EQUAL(decide(&q), GATE_EXECUTE);
    v.effect = EFFECT_ADDITIVE;
    q.target.branch_class = LB_BRANCH_PRODUCTION;
    CU_ASSERT_EQUAL(decide(&q), GATE_EXECUTE);
}

static void a_tool_can_ask_everywhere(void)
{
    effect_verdict v = verdict(EFFECT_DESTRUCTIVE);
    gate_question q = question(&v, LB_BRANCH_THROWAWAY);
    q.asks = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
    q.target.branch_class = LB_BRANCH_SHARED;
    q.routine = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
    v.effect = EFFECT_READ;
    CU_ASSERT_EQUAL(decide(&q), GATE_EXECUTE);
}

static void medium_risk_asks_by_who_chose_it(void)
{
    static const struct {
        gate_actor actor;
        gate_decision decision;
    } cases[] = {{GATE_PERSON, GATE_EXECUTE},
                 {GATE_SCHEDULE, GATE_EXECUTE},
                 {GATE_EVENT, GATE_ASK},
                 {GATE_AGENT, GATE_ASK},
                 {(gate_actor)0, GATE_ASK}};
    effect_verdict v = verdict(EFFECT_ADDITIVE);
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        gate_question q = question(&v, LB_BRANCH_SHARED);
        q.actor = cases[i].actor;
        CU_ASSERT_EQUAL(decide(&q), GATE_EXECUTE); /* low risk */
        q.risk = LB_RISK_MEDIUM;
        CU_ASSERT_EQUAL(decide(&q), cases[i].decision);
        q.risk = LB_RISK_HIGH; /* never looser than medium */
        CU_ASSERT_EQUAL(decide(&q), cases[i].decision);
        q.risk = (lb_risk)0;
        CU_ASSERT_EQUAL(decide(&q), cases[i].decision);
        q.target.branch_class = LB_BRANCH_THROWAWAY;
        CU_ASSERT_EQUAL(decide(&q), GATE_EXECUTE);
    }
}

static void medium_risk_by_a_person_still_obeys_the_table(void)
{
    effect_verdict v = verdict(EFFECT_DISRUPTIVE);
    gate_question q = question(&v, LB_BRANCH_SHARED);
    q.risk = LB_RISK_MEDIUM;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
}

static void bounded_sessions_are_not_disruptive(void)
{
    effect_verdict v = verdict(EFFECT_DISRUPTIVE);
    gate_question q = question(&v, LB_BRANCH_PRODUCTION);
    q.bounded = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK); /* another disruption */
    v.ends_sessions = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_EXECUTE);
    q.needs_approval = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_EXECUTE);
    q.bounded = false;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
    v.effect = EFFECT_DESTRUCTIVE;
    q.bounded = true;
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
}

/* ---- the manifest ---- */

static gate_decision by_rules(effect e, lb_branch_class c, const gate_rule *rules, size_t count)
{
    effect_verdict v = verdict(e);
    gate_question q = question(&v, c);
    q.rules = rules;
    q.rule_count = count;
    return decide(&q);
}

#define BY_RULES(e, c, ...)                                                                                            \
    by_rules(e, c, (const gate_rule[]){__VA_ARGS__}, sizeof((const gate_rule[]){__VA_ARGS__}) / sizeof(gate_rule))

static void stricter_rules_always_apply(void)
{
    CU_ASSERT_EQUAL(BY_RULES(EFFECT_ADDITIVE, LB_BRANCH_SHARED, {.decision = GATE_ASK}), GATE_ASK);
    CU_ASSERT_EQUAL(BY_RULES(EFFECT_ADDITIVE, LB_BRANCH_THROWAWAY, {.decision = GATE_REFUSE}), GATE_REFUSE);
    CU_ASSERT_EQUAL(BY_RULES(EFFECT_ADDITIVE, LB_BRANCH_SHARED, {.decision = GATE_REFUSE}, {.decision = GATE_ASK}),
                    GATE_REFUSE);
}

static void looser_rules_need_the_word(void)
{
    CU_ASSERT_EQUAL(BY_RULES(EFFECT_DISRUPTIVE, LB_BRANCH_SHARED, {.decision = GATE_EXECUTE}), GATE_ASK);
    CU_ASSERT_EQUAL(BY_RULES(EFFECT_DISRUPTIVE, LB_BRANCH_SHARED, {.decision = GATE_EXECUTE, .loosen = true}),
                    GATE_EXECUTE);
}

static void strictest_of_all_wins_over_loosening(void)
{
    CU_ASSERT_EQUAL(BY_RULES(EFFECT_DISRUPTIVE, LB_BRANCH_SHARED, {.decision = GATE_EXECUTE, .loosen = true},
                             {.decision = GATE_REFUSE}),
                    GATE_REFUSE);
    CU_ASSERT_EQUAL(BY_RULES(EFFECT_DISRUPTIVE, LB_BRANCH_SHARED, {.decision = GATE_ASK},
                             {.decision = GATE_EXECUTE, .loosen = true}),
                    GATE_ASK);
}

static void loosening_reaches_what_always_asks(void)
{
    static const gate_rule rules[] = {{.tool = "drop_*", .decision = GATE_EXECUTE, .loosen = true}};
    effect_verdict v = verdict(EFFECT_DESTRUCTIVE);
    v.always_asks = true;
    gate_question q = question(&v, LB_BRANCH_SHARED);
    q.rules = rules;
    q.rule_count = 1;
    gate_answer answer;
    gate_decide(&q, &answer);
    CU_ASSERT_EQUAL(answer.decision, GATE_EXECUTE);
    ASSERT_CONTAINS(answer.why, "loosened by the manifest");
}

static void rules_match_by_pattern(void)
{
    static const struct {
        const char *pattern;
        bool matches;
    } cases[] = {{"main", true},    {"*", true},    {"m?in", true}, {"ma*", true},    {"*n", true},
                 {"m*i*n*", true},  {"", false},    {"mai", false}, {"mainx", false}, {"?", false},
                 {"[m]ain", false}, {"**in", true}, {"*x", false},  {"Main", false}};
    for (size_t i = 0; i < LB_COUNT(cases); i++) {
        gate_rule rule = {.branch = cases[i].pattern, .decision = GATE_REFUSE};
        CU_ASSERT_EQUAL(by_rules(EFFECT_ADDITIVE, LB_BRANCH_SHARED, &rule, 1),
                        cases[i].matches ? GATE_REFUSE : GATE_EXECUTE);
    }
}

static void rules_match_by_every_member(void)
{
    const effect e = EFFECT_DISRUPTIVE;
    const lb_branch_class c = LB_BRANCH_SHARED;
    CU_ASSERT_EQUAL(BY_RULES(e, c,
                             {.tool = "drop_unused_index",
                              .project = "shop",
                              .branch = "main",
                              .effect = EFFECT_DISRUPTIVE,
                              .branch_class = LB_BRANCH_SHARED,
                              .decision = GATE_REFUSE}),
                    GATE_REFUSE);
    CU_ASSERT_EQUAL(BY_RULES(e, c, {.tool = "vacuum*", .decision = GATE_REFUSE}), GATE_ASK);
    CU_ASSERT_EQUAL(BY_RULES(e, c, {.project = "bank", .decision = GATE_REFUSE}), GATE_ASK);
    CU_ASSERT_EQUAL(BY_RULES(e, c, {.effect = EFFECT_DESTRUCTIVE, .decision = GATE_REFUSE}), GATE_ASK);
    CU_ASSERT_EQUAL(BY_RULES(e, c, {.branch_class = LB_BRANCH_PRODUCTION, .decision = GATE_REFUSE}), GATE_ASK);
}

static void rules_without_a_target(void)
{
    effect_verdict v = verdict(EFFECT_ADDITIVE);
    gate_rule rule = {.branch = "main", .decision = GATE_REFUSE};
    gate_question q = question(&v, LB_BRANCH_SHARED);
    q.target = (lb_target){NULL, NULL, LB_BRANCH_SHARED};
    q.rules = &rule;
    q.rule_count = 1;
    CU_ASSERT_EQUAL(decide(&q), GATE_EXECUTE);
    rule.branch = "*";
    CU_ASSERT_EQUAL(decide(&q), GATE_REFUSE);
}

/* ---- the reason ---- */

static void says_why(void)
{
    effect_verdict v = verdict(EFFECT_DESTRUCTIVE);
    gate_question q = question(&v, LB_BRANCH_PRODUCTION);
    gate_answer answer;
    gate_decide(&q, &answer);
    ASSERT_TEXT(answer.why, "destructive on production: drops table public.orders");
    q.needs_approval = true;
    gate_decide(&q, &answer);
    ASSERT_TEXT(answer.why, "destructive on production by a tool that needs approval: drops table public.orders");
    q.needs_approval = false;
    q.risk = LB_RISK_MEDIUM;
    q.actor = GATE_EVENT;
    gate_decide(&q, &answer);
    ASSERT_CONTAINS(answer.why, "chosen by an event");
    v.always_asks = true;
    gate_decide(&q, &answer);
    ASSERT_CONTAINS(answer.why, "which always asks");
    memset(v.why, 'x', sizeof v.why - 1);
    v.why[sizeof v.why - 1] = '\0';
    CU_ASSERT_EQUAL(decide(&q), GATE_ASK);
}

static void names_actors(void)
{
    ASSERT_TEXT(gate_actor_name(GATE_PERSON), "person");
    ASSERT_TEXT(gate_actor_name(GATE_SCHEDULE), "schedule");
    ASSERT_TEXT(gate_actor_name(GATE_EVENT), "event");
    ASSERT_TEXT(gate_actor_name(GATE_AGENT), "agent");
    ASSERT_TEXT(gate_actor_name((gate_actor)9), "agent");
}

SUITE(gate, TEST(additive_on_throwaway_executes), TEST(additive_on_shared_executes),
      TEST(additive_on_production_executes), TEST(disruptive_on_throwaway_executes), TEST(disruptive_on_shared_asks),
      TEST(disruptive_on_production_asks), TEST(destructive_on_throwaway_executes), TEST(destructive_on_shared_asks),
      TEST(destructive_on_production_asks), TEST(destructive_and_routine_on_shared_executes),
      TEST(destructive_and_routine_on_production_asks), TEST(disruptive_and_routine_on_shared_asks),
      TEST(reads_execute_everywhere), TEST(unknown_class_counts_as_production), TEST(always_asks_outside_throwaway),
      TEST(always_asks_though_sessions_are_bounded), TEST(needs_approval_asks_despite_routine),
      TEST(a_tool_can_ask_everywhere), TEST(medium_risk_asks_by_who_chose_it),
      TEST(medium_risk_by_a_person_still_obeys_the_table), TEST(bounded_sessions_are_not_disruptive),
      TEST(stricter_rules_always_apply), TEST(looser_rules_need_the_word), TEST(strictest_of_all_wins_over_loosening),
      TEST(loosening_reaches_what_always_asks), TEST(rules_match_by_pattern), TEST(rules_match_by_every_member),
      TEST(rules_without_a_target), TEST(says_why), TEST(names_actors))
