/* The gate's table, each cell by its name: what a statement does, on what class of branch, who asked, the tool's risk
 * and its flag; and what the manifest's rules make of each row. The verdicts are the classifier's own. */
#include "gate.h"
#include "suite.h"

#include <CUnit/TestDB.h>

static const char *const actors[] = {"a person", "a schedule", "an event", "an agent"};
static const char *const risks[] = {"low risk", "medium risk", "high risk"};
static const char *const classes[] = {"throwaway", "shared", "production"};

#define ASKERS 24 /* four who ask, three risks, with and without the flag */

/* One row of the design's table. answers: for a person, a schedule, an event, an agent; in each low, medium, high risk;
 * in each without and with the tool's flag "needs approval". e executes, a asks. */
typedef struct row {
    const char *what, *sql;
    bool routine, bounded;
    const char *answers[3]; /* throwaway, shared, production */
} row;

#define ALL_EXECUTE "eeeeee eeeeee eeeeee eeeeee"
#define ALL_ASK     "aaaaaa aaaaaa aaaaaa aaaaaa"
/* Who asked by name may; what was chosen by an event or an agent asks from medium risk on. */
#define BY_NAME "eeeeee eeeeee eeaaaa eeaaaa"
/* The same, but the flag asks always. */
#define BY_NAME_UNFLAGGED "eaeaea eaeaea eaaaaa eaaaaa"

static const row rows[] = {
    {"creating a table", "CREATE TABLE t (i int)", .answers = {ALL_EXECUTE, BY_NAME, BY_NAME}},
    {"vacuum", "VACUUM (ANALYZE) public.orders", .answers = {ALL_EXECUTE, BY_NAME, BY_NAME}},
    {"a comment", "COMMENT ON TABLE t IS 'x'", .answers = {ALL_EXECUTE, BY_NAME, BY_NAME}},
    {"VACUUM FULL", "VACUUM FULL public.orders", .answers = {ALL_EXECUTE, ALL_ASK, ALL_ASK}},
    {"a setting", "ALTER SYSTEM SET work_mem = '1GB'", .answers = {ALL_EXECUTE, ALL_ASK, ALL_ASK}},
    {"ending sessions", "SELECT pg_terminate_backend(1)", .answers = {ALL_EXECUTE, ALL_ASK, ALL_ASK}},
    {"ending sessions by the rules", "SELECT pg_terminate_backend(1)", .bounded = true,
     .answers = {ALL_EXECUTE, BY_NAME, BY_NAME}},
    {"REINDEX", "REINDEX INDEX CONCURRENTLY i", .answers = {ALL_EXECUTE, ALL_ASK, ALL_ASK}},
    {"dropping an index", "DROP INDEX CONCURRENTLY i", .answers = {ALL_EXECUTE, ALL_ASK, ALL_ASK}},
    {"dropping an index, routine", "DROP INDEX CONCURRENTLY i", .routine = true,
     .answers = {ALL_EXECUTE, ALL_ASK, ALL_ASK}},
    {"dropping a table", "DROP TABLE t", .answers = {ALL_EXECUTE, ALL_ASK, ALL_ASK}},
    {"truncate", "TRUNCATE t", .answers = {ALL_EXECUTE, ALL_ASK, ALL_ASK}},
    {"delete in bulk", "DELETE FROM t", .answers = {ALL_EXECUTE, ALL_ASK, ALL_ASK}},
    {"narrowing a type", "ALTER TABLE t ALTER COLUMN c TYPE int2", .answers = {ALL_EXECUTE, ALL_ASK, ALL_ASK}},
    {"deleting a branch", "DELETE projects/shop/branches/b", .answers = {ALL_EXECUTE, ALL_ASK, ALL_ASK}},
    {"deleting a branch, routine", "DELETE projects/shop/branches/b", .routine = true,
     .answers = {ALL_EXECUTE, BY_NAME_UNFLAGGED, ALL_ASK}},
};

/* ---- cases ---- */

typedef enum rule_kind { NO_RULE, STRICTER, REFUSES, LOOSER, LOOSER_UNSAID, RULE_KINDS } rule_kind;

static const char *const rule_names[RULE_KINDS] = {NULL, "a stricter rule asks", "a rule refuses",
                                                   "a rule that says loosen executes",
                                                   "a looser rule that does not say so changes nothing"};

typedef struct entry {
    const row *row;
    size_t branch_class, asker;
    rule_kind rule;
    char name[200];
} entry;

static entry entries[LB_COUNT(rows) * 3 * (ASKERS + RULE_KINDS)];
static size_t entry_count;

static char plain_answer(const entry *c)
{
    const char *answers = c->row->answers[c->branch_class];
    return answers[c->asker + c->asker / 6]; /* a blank between those who ask */
}

static char expected_answer(const entry *c)
{
    char plain = plain_answer(c);
    switch (c->rule) {
    case STRICTER:
        return 'a';
    case REFUSES:
        return 'r';
    case LOOSER:
        return 'e';
    default:
        return plain;
    }
}

static void add_entry(const row *r, size_t branch_class, size_t asker, rule_kind rule)
{
    static const char *const words[] = {['e'] = "executes", ['a'] = "asks", ['r'] = "is refused"};
    entry *c = &entries[entry_count++];
    *c = (entry){.row = r, .branch_class = branch_class, .asker = asker, .rule = rule};
    const char *outcome = words[(unsigned char)expected_answer(c)];
    if (rule)
        (void)snprintf(c->name, sizeof c->name, "%s on %s, %s: %s", r->what, classes[branch_class], rule_names[rule],
                       outcome);
    else
        (void)snprintf(c->name, sizeof c->name, "%s on %s by %s, %s%s: %s", r->what, classes[branch_class],
                       actors[asker / 6], risks[asker % 6 / 2], asker % 2 ? ", needs approval" : "", outcome);
}

static void judge(const row *r, effect_verdict *verdict)
{
    lb_error err = {0};
    if (strncmp(r->sql, "DELETE projects", 15) == 0)
        effect_of_control(&(lb_request){.method = "DELETE", .path = r->sql + 7}, verdict);
    else
        CU_ASSERT_EQUAL_FATAL(effect_of_sql(r->sql, verdict, &err), 0);
}

static gate_decision decide(const entry *c)
{
    static const gate_rule rules[RULE_KINDS] = {
        [STRICTER] = {.decision = GATE_ASK},
        [REFUSES] = {.decision = GATE_REFUSE},
        [LOOSER] = {.decision = GATE_EXECUTE, .loosen = true},
        [LOOSER_UNSAID] = {.decision = GATE_EXECUTE},
    };
    effect_verdict verdict;
    gate_answer answer;
    judge(c->row, &verdict);
    const gate_question question = {
        .verdict = &verdict,
        .target = {"shop", "b", (lb_branch_class)(LB_BRANCH_THROWAWAY + c->branch_class)},
        .tool = "a_tool",
        .risk = (lb_risk)(LB_RISK_LOW + c->asker % 6 / 2),
        .needs_approval = c->asker % 2 == 1,
        .bounded = c->row->bounded,
        .routine = c->row->routine,
        .actor = (gate_actor)(GATE_PERSON + c->asker / 6),
        .rules = &rules[c->rule],
        .rule_count = c->rule ? 1 : 0,
    };
    gate_decide(&question, &answer);
    return answer.decision;
}

/* One function for all of them: the name of the test says which. */
static void cell(void)
{
    static const gate_decision decisions[] = {['e'] = GATE_EXECUTE, ['a'] = GATE_ASK, ['r'] = GATE_REFUSE};
    const char *name = CU_get_current_test()->pName;
    for (size_t i = 0; i < entry_count; i++)
        if (strcmp(entries[i].name, name) == 0) {
            CU_ASSERT_EQUAL(decide(&entries[i]), decisions[(unsigned char)expected_answer(&entries[i])]);
            return;
        }
    CU_FAIL("no such cell");
}

int main(void)
{
    for (size_t r = 0; r < LB_COUNT(rows); r++)
        for (size_t c = 0; c < LB_COUNT(classes); c++) {
            for (size_t a = 0; a < ASKERS; a++)
                add_entry(&rows[r], c, a, NO_RULE);
            for (rule_kind k = STRICTER; k < RULE_KINDS; k++)
                add_entry(&rows[r], c, 0, k);
        }
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite suite = CU_add_suite("gate_table", NULL, NULL);
    for (size_t i = 0; suite && i < entry_count; i++)
        if (!CU_add_test(suite, entries[i].name, cell))
            return 2;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return !suite || failed ? 1 : 0;
}
