/* heal_memory.h: what self_heal knows besides the diagnosis: its own tries, what others changed, what people decided.
 */
#ifndef LBOPS_HEAL_MEMORY_H
#define LBOPS_HEAL_MEMORY_H

#include "branch_memory.h"
#include "cause_found.h"

#include <json-c/json.h>
#include <sql/diagnose/changes.h>
#include <sql/diagnose/decisions.h>

/* One try: when, at which cause, and whether it changed something and helped. */
typedef struct heal_try {
    int64_t at;
    const char *key;
    bool changed, helped;
} heal_try;

/* What a person was asked for, and what became of it. */
typedef enum heal_state {
    HEAL_ASKED,
    HEAL_DONE,
    HEAL_VERIFIED,
    HEAL_FAILED,
    HEAL_UNDONE,
    HEAL_NOTHING, /* it was over before it was carried out */
    HEAL_STATES
} heal_state;

typedef struct heal_past {
    heal_state state;
    const char *title, *kind, *object, *schema, *table; /* schema, table: or NULL */
    const char *command;                                /* an index's definition; or NULL */
    const char *by;                                     /* who approved; or NULL */
    int64_t asked_at, done_at;
    double number; /* by which it is judged: as it was when it was asked for, or when it was done; below 0: none */
} heal_past;

enum { HEAL_TRIES = 30, HEAL_PASTS = 20 };

typedef struct heal_memory {
    lb_ctx *ctx;
    heal_try tries[HEAL_TRIES + 1]; /* the oldest first */
    size_t try_count;
    heal_past pasts[HEAL_PASTS + 1]; /* the oldest first */
    size_t past_count;
    const diagnose_changes_row *changes; /* the newest first */
    size_t change_count;
    const diagnose_decisions_row *decisions;
    size_t decision_count;
    const char *reading; /* of the last diagnosis; or NULL */
    const char *uid;     /* of the branch; or NULL */
} heal_memory;

LB_MUST_CHECK int heal_load(lb_ctx *ctx, heal_memory *ret_memory, lb_error *err);
LB_MUST_CHECK int heal_note(heal_memory *memory, const char *key, bool changed, bool helped, lb_error *err);
/* Takes the place of what was asked before under its title. */
void heal_keep(heal_memory *memory, const heal_past *past);
LB_MUST_CHECK int heal_store(const heal_memory *memory, lb_error *err);

/* Why nothing is to be done now, or NULL. */
const char *heal_tried(const heal_memory *memory, const char *key);
const char *heal_decided(const heal_memory *memory, const char *title);
const char *heal_changed_by_others(const heal_memory *memory, const cause_found *cause, double within_min);
/* What a person has approved for it or its table is given its time (settle, in microseconds), or was taken back by
 * hand.
 */
const char *heal_agreed(const heal_memory *memory, const cause_found *cause, int64_t settle);
/* The last that was said to it, from a moment on; or NULL. */
const diagnose_decisions_row *heal_decision(const heal_memory *memory, const char *title, int64_t since);
/* Its tries at this cause, or at all, have not helped: a person has to look. */
bool heal_gives_up(const heal_memory *memory, const char *key);

/* heal_rules.c: pure. How long a cause is left alone after so many tries in a row that did not help, in microseconds.
 */
int64_t heal_pause(int64_t failures);
/* The last tries at the cause that did not help, in a row; key NULL: at any. Tries that changed nothing do not count.
 */
int64_t heal_failures(const heal_try *tries, size_t count, const char *key);
/* Why it is held back at `now`, as a code: 0 nothing, else one of these. */
typedef enum heal_hold { HEAL_FREE, HEAL_TOO_SOON, HEAL_TOO_MANY, HEAL_BROKEN } heal_hold;
heal_hold heal_judge(const heal_try *tries, size_t count, const char *key, int64_t now);

/* What is seen after a remedy. */
typedef struct heal_after {
    bool altered;   /* what it left is not there any more: somebody has changed it since */
    bool stands;    /* its cause, or what came of that, is found again */
    bool went_back; /* its number did */
    bool is_told;   /* if not: the number says so, and is not only silent */
    int64_t age, settle;
} heal_after;

typedef enum heal_turn { HEAL_WAITS, HEAL_HELPED, HEAL_IN_VAIN, HEAL_BY_HAND } heal_turn;
heal_turn heal_judge_after(const heal_after *seen);

#endif
