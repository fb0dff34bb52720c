#include "gate.h"

#include "effect_tree.h"
#include "pattern.h"

/* Three steps: what the table says, what the flags of tool and change add to it, what the manifest's rules make of
 * both. */

static const char *const class_names[] = {"unknown", "throwaway", "shared", "production"};

const char *gate_class_name(lb_branch_class branch_class)
{
    return (size_t)branch_class < LB_COUNT(class_names) ? class_names[branch_class] : "unknown";
}

bool gate_class_parse(const char *name, lb_branch_class *ret_class)
{
    for (size_t i = 0; i < LB_COUNT(class_names); i++)
        if (strcmp(class_names[i], name) == 0) {
            *ret_class = (lb_branch_class)i;
            return true;
        }
    return false;
}

/* A class that nobody told counts as the strictest. */
static lb_branch_class class_of(const lb_target *target)
{
    bool known = target->branch_class == LB_BRANCH_THROWAWAY || target->branch_class == LB_BRANCH_SHARED;
    return known ? target->branch_class : LB_BRANCH_PRODUCTION;
}

static const char *const actor_names[] = {
    [GATE_PERSON] = "person", [GATE_SCHEDULE] = "schedule", [GATE_EVENT] = "event", [GATE_AGENT] = "agent"};

const char *gate_actor_name(gate_actor actor)
{
    return actor >= GATE_PERSON && actor <= GATE_AGENT ? actor_names[actor] : "agent";
}

bool gate_actor_parse(const char *name, gate_actor *ret_actor)
{
    for (gate_actor actor = GATE_PERSON; actor <= GATE_AGENT; actor++)
        if (strcmp(actor_names[actor], name) == 0) {
            *ret_actor = actor;
            return true;
        }
    return false;
}

static effect effect_for(const gate_question *q)
{
    const effect_verdict *v = q->verdict;
    if (v->effect == EFFECT_DISRUPTIVE && v->ends_sessions && q->bounded)
        return EFFECT_ADDITIVE; /* the SOP's rules say which sessions may be ended */
    return v->effect;
}

static bool was_asked_for(gate_actor actor)
{
    return actor == GATE_PERSON || actor == GATE_SCHEDULE;
}

/* The decision before the manifest, and the one reason beyond the table, or "". On a throwaway branch nothing needs
 * asking but what the tool itself asks for. */
static gate_decision decide(const gate_question *q, const char **ret_note)
{
    effect e = effect_for(q);
    lb_branch_class branch_class = class_of(&q->target);
    *ret_note = "";
    if (e == EFFECT_READ || (branch_class == LB_BRANCH_THROWAWAY && !q->asks))
        return GATE_EXECUTE;
    if (q->asks)
        *ret_note = " by a tool that wants a person to decide";
    else if (q->verdict->always_asks)
        *ret_note = ", which always asks";
    else if (e >= EFFECT_DISRUPTIVE && q->needs_approval)
        *ret_note = " by a tool that needs approval";
    else if (q->risk != LB_RISK_LOW && !was_asked_for(q->actor))
        *ret_note = q->actor == GATE_EVENT ? " chosen by an event" : " chosen by an agent";
    if ((*ret_note)[0])
        return GATE_ASK;
    if (e == EFFECT_ADDITIVE)
        return GATE_EXECUTE;
    if (e == EFFECT_DESTRUCTIVE && branch_class == LB_BRANCH_SHARED && q->routine) {
        *ret_note = ", routine here";
        return GATE_EXECUTE;
    }
    return GATE_ASK;
}

/* ---- the manifest's rules ---- */

static bool allows(const char *pattern, const char *text)
{
    return !pattern || pattern_matches(pattern, text ? text : "");
}

lb_branch_class gate_class_of(const gate_class *classes, size_t count, const char *project, const char *branch)
{
    lb_branch_class found = (lb_branch_class)0;
    for (size_t i = 0; i < count; i++)
        if (classes[i].branch_class && allows(classes[i].project, project) && allows(classes[i].branch, branch))
            found = classes[i].branch_class;
    return found;
}

bool gate_is_routine(const gate_routine *routines, size_t count, gate_routine_kind kind, const char *project,
                     const char *branch)
{
    for (size_t i = 0; i < count; i++)
        if (routines[i].kind == kind && allows(routines[i].project, project) && allows(routines[i].branch, branch))
            return true;
    return false;
}

static bool applies(const gate_rule *r, const gate_question *q)
{
    return allows(r->tool, q->tool) && allows(r->project, q->target.project) && allows(r->branch, q->target.branch) &&
           (r->effect == 0 || r->effect == (int)q->verdict->effect) &&
           (r->branch_class == 0 || r->branch_class == (int)class_of(&q->target));
}

/* The strictest rule that applies counts. One that is looser than the decision so far counts only where it says loosen
 * and no rule is as strict; it may loosen what always asks too, since somebody wrote that very line and `lbops check`
 * prints it. */
static gate_decision decide_by_rules(const gate_question *q, gate_decision base)
{
    gate_decision strict = 0, loose = 0;
    for (size_t i = 0; i < q->rule_count; i++) {
        const gate_rule *r = &q->rules[i];
        if (!applies(r, q))
            continue;
        if (r->decision >= base)
            strict = r->decision > strict ? r->decision : strict;
        else if (r->loosen)
            loose = r->decision > loose ? r->decision : loose;
    }
    return strict ? strict : loose ? loose : base;
}

void gate_decide(const gate_question *question, gate_answer *ret_answer)
{
    const char *note, *rule = "";
    gate_decision base = decide(question, &note), decision = base;
    if (question->verdict->effect != EFFECT_READ)
        decision = decide_by_rules(question, base);
    if (decision > base)
        rule = ", stricter by the manifest";
    else if (decision < base)
        rule = ", loosened by the manifest";
    ret_answer->decision = decision;
    bool covered = effect_for(question) != question->verdict->effect;
    int length = snprintf(ret_answer->why, sizeof ret_answer->why, "%s on %s%s%s%s: %s",
                          effect_name(question->verdict->effect), gate_class_name(class_of(&question->target)), note,
                          covered ? " within the stated rules" : "", rule, question->verdict->why);
    if (length >= (int)sizeof ret_answer->why)
        tree_trim(ret_answer->why);
}
