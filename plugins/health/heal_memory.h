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

enum { HEAL_TRIES = 30 };

typedef struct heal_memory {
    lb_ctx *ctx;
    heal_try tries[HEAL_TRIES + 1]; /* the oldest first */
    size_t try_count;
    const diagnose_changes_row *changes; /* the newest first */
    size_t change_count;
    const diagnose_decisions_row *decisions;
    size_t decision_count;
    const char *reading; /* of the last diagnosis; or NULL */
    const char *uid;     /* of the branch; or NULL */
} heal_memory;

LB_MUST_CHECK int heal_load(lb_ctx *ctx, heal_memory *ret_memory, lb_error *err);
LB_MUST_CHECK int heal_note(heal_memory *memory, const char *key, bool changed, bool helped, lb_error *err);
LB_MUST_CHECK int heal_store(const heal_memory *memory, lb_error *err);

/* Why nothing is to be done now, or NULL. */
const char *heal_tried(const heal_memory *memory, const char *key);
const char *heal_decided(const heal_memory *memory, const char *title);
const char *heal_changed_by_others(const heal_memory *memory, const cause_found *cause, double within_min);
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

#endif
