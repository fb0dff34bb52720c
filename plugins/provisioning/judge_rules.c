#include "judge.h"

#define NOTICE       JUDGE_NOTICE
#define BLOCKING     JUDGE_BLOCKING
#define BREAKING     JUDGE_BREAKING
#define DATA_LOSS    JUDGE_DATA_LOSS
#define IRREVERSIBLE JUDGE_IRREVERSIBLE

static const judge_rule rules[JUDGE_RULES] = {
#define RULE(symbol, id, severity, refuses, doc, safe) {id, severity, refuses, doc, safe},
#include "judge_rules.def"
#undef RULE
};

const judge_rule *judge_rule_of(judge_rule_id id)
{
    return &rules[id];
}

bool judge_rule_find(const char *id, judge_rule_id *ret_id)
{
    for (size_t i = 0; i < JUDGE_RULES; i++)
        if (strcmp(rules[i].id, id) == 0) {
            *ret_id = (judge_rule_id)i;
            return true;
        }
    return false;
}

const char *judge_severity_name(judge_severity severity)
{
    static const char *const names[] = {"notice", "blocking-lock", "breaking", "data-loss", "irreversible"};
    return names[severity];
}

const char *judge_lock_name(judge_lock lock)
{
    static const char *const names[] = {
        "none",  "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",   "SHARE UPDATE EXCLUSIVE",
        "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"};
    return names[lock];
}
