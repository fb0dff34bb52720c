/* migration_run.h: migrations against a database: its ledger, the lock of the one who applies, and the applying. */
#ifndef LBOPS_PROVISIONING_MIGRATION_RUN_H
#define LBOPS_PROVISIONING_MIGRATION_RUN_H

#include "migration.h"

typedef struct migration_run {
    lb_ctx *ctx;
    arena *memory;
    int server; /* major version */
    int64_t lock_timeout_ms, lock_tries, lock_wait_s;
    bool tells_locks;
    uint64_t chance; /* of the next pause's length */
} migration_run;

/* migration_ledger.c. A ledger that is not there is empty. */
LB_MUST_CHECK int migrate_read_ledger(migration_run *run, migration_ledger *ret_ledger, bool *ret_present,
                                      lb_error *err);
LB_MUST_CHECK int migrate_make_ledger(migration_run *run, lb_error *err);
LB_MUST_CHECK int migrate_set_baseline(migration_run *run, const char *version, lb_error *err);
LB_MUST_CHECK int migrate_mark_told(migration_run *run, int64_t up_to, lb_error *err);

/* A row about a file, as a change of the group. */
LB_MUST_CHECK int migrate_note(migration_run *run, lb_group *group, const migration_task *task, const char *state,
                               uint32_t step, const char *error, lb_error *err);

/* migration_lock.c: nobody waits in the lock itself. The wait for another one is bounded by lock_wait_s. */
LB_MUST_CHECK int migrate_lock(migration_run *run, lb_error *err);
void migrate_unlock(migration_run *run);

/* Waits a random while that grows with the tries; false when the run should stop. */
bool migrate_pause(migration_run *run, int64_t tries, int64_t most_ms);

/* migration_index.c: an invalid index of that name that this file has left behind is dropped, so that it can be built.
 * ret_outcome: LB_APPLIED also where there is nothing to do. */
LB_MUST_CHECK int migrate_clear_index(migration_run *run, const migration_task *task, const judged *builds,
                                      lb_outcome *ret_outcome, lb_error *err);
LB_MUST_CHECK int migrate_check_index(migration_run *run, const judged *builds, lb_error *err);

/* migration_apply.c: one file, from where it was left. */
LB_MUST_CHECK int migrate_apply(migration_run *run, migration_task *task, const char *undo, lb_outcome *ret_outcome,
                                lb_error *err);

/* migration_findings.c */
LB_MUST_CHECK int migrate_report(migration_run *run, const migration_file *file, lb_error *err);
LB_MUST_CHECK int migrate_refuse(migration_file *const *files, size_t count, lb_error *err); /* or 0 */
const lb_value *migrate_evidence(migration_run *run, const migration_file *file);            /* NULL: out of memory */

#endif
