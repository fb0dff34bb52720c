/* rehearsal_locks.h: what many looks at a migration from outside say together: which locks it held for how long, what
 * it waited for, and who waited for it. Pure; what is returned lives as long as the run.
 *
 * A look sees a moment. What it saw began after the look before it and ended before the one after, so a duration is two
 * figures: between the first and the last look that saw it, and between the looks around these. */
#ifndef LBOPS_PROVISIONING_REHEARSAL_LOCKS_H
#define LBOPS_PROVISIONING_REHEARSAL_LOCKS_H

#include <lbops/lbops.h>

/* One row of rehearsal/look. */
typedef struct rehearsal_sight {
    int64_t at;
    const char *kind; /* look, held, waits, blocked */
    int64_t pid;
    const char *relation, *mode;
    int64_t since;                   /* of the transaction, or of the wait; LB_TIME_NONE: not told */
    const char *application, *query; /* query NULL: the look came between two statements */
} rehearsal_sight;

/* Something that was seen in one look after the other. */
typedef struct rehearsal_span {
    rehearsal_sight what;
    int64_t before, first, last, after; /* looks; after 0: seen to the end */
    bool is_over;
} rehearsal_span;

typedef struct rehearsal_lock {
    const char *relation, *mode;
    int64_t times;                 /* by how many transactions */
    int64_t least_us, most_us;     /* the longest time without a break */
    int64_t blocked;               /* sessions that waited for it */
    int64_t waited_us, longest_us; /* together, and the longest wait */
} rehearsal_lock;

typedef struct rehearsal_wait {
    int64_t pid;
    const char *application, *query, *relation, *mode;
    int64_t waited_us; /* the longest of its waits for this */
    bool is_migration; /* it is the migration that waited */
} rehearsal_wait;

typedef struct rehearsal_watched {
    lb_ctx *ctx;
    int64_t looks, first_look, this_look, last_look, longest_gap_us;
    rehearsal_span *spans;
    size_t span_count, span_capacity;
    rehearsal_lock *locks; /* those that others had to wait for come first, then the strong ones */
    size_t lock_count;
    rehearsal_wait *waits; /* the longest come first */
    size_t wait_count;
    int64_t blocked; /* sessions */
    int64_t dropped; /* sights that there was no room for */
} rehearsal_watched;

/* In the order in which it was seen; then the end of it. */
LB_MUST_CHECK int rehearsal_see(rehearsal_watched *w, const rehearsal_sight *sight, lb_error *err);
LB_MUST_CHECK int rehearsal_conclude(rehearsal_watched *w, lb_error *err);

/* From 1, ACCESS SHARE, to 8, ACCESS EXCLUSIVE; 0: none of a table's. */
int rehearsal_lock_level(const char *mode);
bool rehearsal_locks_conflict(const char *one, const char *other);

#endif
