/* judge_case.h: what the tests of the judge share: a text judged, a hazard looked for, and examples of rules. */
#ifndef LBOPS_TEST_JUDGE_CASE_H
#define LBOPS_TEST_JUDGE_CASE_H

#include "judge.h"

#include "suite.h"

static inline judgement judged_by(arena *memory, int server, const char *text)
{
    judgement done = {0};
    lb_error err = {0};
    int r = judge_file(text, server, memory, &done, &err);
    CU_ASSERT_EQUAL_FATAL(r, 0);
    return done;
}

static inline const judge_hazard *find(const judgement *done, const char *id)
{
    for (size_t i = 0; i < done->hazard_count; i++)
        if (strcmp(judge_rule_of(done->hazards[i].rule)->id, id) == 0)
            return &done->hazards[i];
    return NULL;
}

/* The same of what must be there. */
static inline judge_hazard found_one(const judgement *done, const char *id)
{
    const judge_hazard *h = find(done, id);
    CU_ASSERT_PTR_NOT_NULL(h);
    return h ? *h : (judge_hazard){.object = "", .rewrite = ""};
}

typedef struct example {
    const char *id, *fires, *safe;
    int server; /* 0: 17 */
} example;

/* One assertion for each. */
static inline void check_examples(const example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        arena memory;
        const example *x = &examples[i];
        arena_init(&memory, 0);
        judgement bad = judged_by(&memory, x->server ? x->server : 17, x->fires);
        judgement good = judged_by(&memory, x->server ? x->server : 17, x->safe);
        bool fires = find(&bad, x->id) != NULL, passes = find(&good, x->id) == NULL && !find(&good, "syntax-error");
        if (!fires || !passes)
            printf("\n    %s: %s\n    %s\n", x->id, fires ? "fires on its safe form" : "does not fire",
                   fires ? x->safe : x->fires);
        CU_ASSERT(fires && passes);
        arena_done(&memory);
    }
}

/* Of the rules from the first to the one before the end, none is without an example; three assertions for each. */
static inline void check_rules(int first, int end, const example *examples, size_t count)
{
    for (int id = first; id < end; id++) {
        const judge_rule *r = judge_rule_of((judge_rule_id)id);
        judge_rule_id found;
        bool has = false;
        for (size_t i = 0; i < count; i++)
            has = has || strcmp(examples[i].id, r->id) == 0;
        if (!has)
            printf("\n    no example for %s\n", r->id);
        CU_ASSERT(has);
        CU_ASSERT(r->doc[0] && r->safe[0] && strspn(r->id, "abcdefghijklmnopqrstuvwxyz-") == strlen(r->id));
        CU_ASSERT(judge_rule_find(r->id, &found) && (int)found == id);
    }
}

#endif
