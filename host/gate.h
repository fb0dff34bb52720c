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

/* What the manifest's branch policy declares routine. Expiry: deleting a branch whose time is over. Reset: a group that
 * deletes a branch and makes it again from the same source. Names are patterns; NULL stands for all. */
typedef enum gate_routine_kind { GATE_ROUTINE_EXPIRY = 1, GATE_ROUTINE_RESET } gate_routine_kind;

typedef struct gate_routine {
    gate_routine_kind kind;
    const char *project, *branch;
} gate_routine;

/* What the manifest says of branches, by patterns; the last entry that fits counts. */
typedef struct gate_class {
    const char *project, *branch;
    lb_branch_class branch_class;
} gate_class;

typedef struct gate_question {
    const effect_verdict *verdict;
    lb_target target;
    const char *tool;
    lb_risk risk;
    bool needs_approval;
    bool bounded; /* ends sessions by the SOP's rules only */
    bool asks;    /* the tool wants a person to decide */
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
bool gate_actor_parse(const char *name, gate_actor *ret_actor);
const char *gate_class_name(lb_branch_class branch_class); /* "unknown" for what is none */
bool gate_class_parse(const char *name, lb_branch_class *ret_class);

/* The manifest's class of a branch; 0 where it says none. */
lb_branch_class gate_class_of(const gate_class *classes, size_t count, const char *project, const char *branch);
bool gate_is_routine(const gate_routine *routines, size_t count, gate_routine_kind kind, const char *project,
                     const char *branch);

#endif
