/* migration_base.h: what migrations are applied to, noted where they are tried and compared where they are replayed. */
#ifndef LBOPS_PROVISIONING_MIGRATION_BASE_H
#define LBOPS_PROVISIONING_MIGRATION_BASE_H

#include "migration_run.h"

/* Objects of a branch by name, and prints of their definitions. */
typedef struct migration_prints {
    const char **objects, **prints;
    size_t count;
} migration_prints;

/* A row about the file, as a change of the group that begins it. */
LB_MUST_CHECK int migrate_note_base(migration_run *run, lb_group *group, const migration_task *task, lb_error *err);

/* Appends to the result's list "tried": of each file that was applied on this branch, what it named, how that was
 * defined before, and how it is now (after; null where the file is another by now). */
LB_MUST_CHECK int migrate_tell_base(migration_run *run, const migration_files *files, lb_error *err);

/* The same list, from a file, where the plan is to be carried out for good. LB_ERR_CONFLICT names what has moved. A
 * file that was not tried is noted as skipped. */
struct json_object;
LB_MUST_CHECK int migrate_read_tried(migration_run *run, const char *path, struct json_object **ret_tried,
                                     lb_error *err);
LB_MUST_CHECK int migrate_hold_to_base(migration_run *run, const migration_plan *plan, struct json_object *tried,
                                       lb_error *err);

/* Afterwards: reports what did not come out as it did there, but for what files name that were tried and are not done
 * here, as the ledger has it. */
LB_MUST_CHECK int migrate_compare_end(migration_run *run, const migration_plan *plan, const migration_ledger *ledger,
                                      struct json_object *tried, lb_error *err);

#endif
