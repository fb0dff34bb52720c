/* migration_keep.h: a branch of the target as it is before a migration that loses data, so that there is a way back.
 *
 * It stands first in the group of the part that loses something: it is made once a person has approved that, right
 * before, and waited for. Its name says what it is for, by which migration, text and decision: what failed and is run
 * again finds it there. */
#ifndef LBOPS_PROVISIONING_MIGRATION_KEEP_H
#define LBOPS_PROVISIONING_MIGRATION_KEEP_H

#include "branch_life.h"
#include "migration_run.h"

typedef struct migration_keep {
    const char *branch;  /* NULL: none can be made */
    const char *why_not; /* then */
    const char *text;    /* for the person who decides */
    const branch_kind *kind;
    int64_t ttl_s;
    bool is_there, was_made; /* made: by this run */
    bool has_failed;         /* one that was begun before came to nothing, and holds the name */
    int64_t made_at, expires_at;
    lb_request request; /* that makes it */
} migration_keep;

/* What to keep before these statements; NULL: nothing, as they lose nothing or nobody wants it. Where none can be made,
 * keep_before=always is an error; where the making of one has failed, and left it, it is an error in any case. */
LB_MUST_CHECK int migrate_keep_look(migration_run *run, const migration_task *task, uint32_t first, uint32_t last,
                                    const migration_keep **ret_keep, lb_error *err);

/* The making, as the group's first change, with what is to be history where a person approves it. */
LB_MUST_CHECK int migrate_keep_add(migration_run *run, lb_group *group, const migration_task *task,
                                   const migration_keep *keep, lb_error *err);

/* After the group was applied, or failed: writes down what was made, and tells of it. */
LB_MUST_CHECK int migrate_keep_tell(migration_run *run, const migration_task *task, const migration_keep *keep,
                                    lb_outcome outcome, bool failed, lb_error *err);

#endif
