/* gate.h: what may happen without asking. The decision is a function of the change's effect, the branch's class, the
 * tool's flags, who asked, and the manifest's rules; nothing else. */
#ifndef LBOPS_HOST_GATE_H
#define LBOPS_HOST_GATE_H

#include "effect.h"

typedef enum gate_decision { GATE_EXECUTE = 1, GATE_ASK, GATE_REFUSE } gate_decision;

/* Who asked for the run. */
typedef enum gate_actor { GATE_PERSON = 1, GATE_SCHEDULE, GATE_EVENT, GATE_AGENT } gate_actor;

typedef struct gate_rule {
    const char *tool, *project, *branch; /* patterns (* and ?), or NULL for all */
    int effect;                          /* 0 any, else an effect */
    int branch_class;                    /* 0 any */
    gate_decision decision;
    bool loosen;
} gate_rule;

typedef struct gate_question {
    const effect_verdict *verdict;
    lb_target target;
    const char *tool;
    lb_risk risk;
    bool needs_approval;
    bool bounded; /* ends sessions by the SOP's rules only */
    bool routine; /* the branch policy declares this very change routine */
    gate_actor actor;
    const gate_rule *rules;
    size_t rule_count;
} gate_question;

typedef struct gate_answer {
    gate_decision decision;
    char why[200]; /* "destructive on production: drops table public.orders" */
} gate_answer;

void gate_decide(const gate_question *question, gate_answer *ret_answer);
const char *gate_actor_name(gate_actor actor);

#endif
