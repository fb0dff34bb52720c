/* heal_follow.h: what became of what a person has approved: it helped, it is taken back, or a person hears of it. */
#ifndef LBOPS_HEAL_FOLLOW_H
#define LBOPS_HEAL_FOLLOW_H

#include "heal_memory.h"

typedef struct heal_following {
    lb_ctx *ctx;
    heal_memory *memory;
    const cause_diagnosis *diagnosis; /* as it is now */
    int64_t settle;                   /* so long a remedy has to help, in microseconds */
    int64_t verified, in_vain, by_hand;
} heal_following;

/* A person is asked for it, or it is done already: later runs look whether it helps, and whether it stays. */
LB_MUST_CHECK int heal_promise(heal_memory *memory, const cause_found *cause, const char *title, heal_state state,
                               lb_error *err);
/* Looks at all that was approved and carried out. A plan only looks. */
LB_MUST_CHECK int heal_follow(heal_following *f, lb_error *err);

#endif
