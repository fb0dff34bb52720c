/* Indexes that are built CONCURRENTLY leave an invalid one behind when the build fails, and IF NOT EXISTS then takes it
 * for the real one. */
#include "migration_run.h"

#include <sql/migration/drop_invalid_index.h>
#include <sql/migration/index_state.h>

static int look(migration_run *run, const judged *builds, bool *ret_found, migration_index_state_row *ret_row,
                lb_error *err)
{
    lb_rows *rows = NULL;
    const migration_index_state_args args = {.schema = builds->builds.schema, .name = builds->builds.name};
    int r = migration_index_state(run->ctx, &args, &rows, err);
    *ret_found = r >= 0 && migration_index_state_next(run->ctx, rows, ret_row);
    return r;
}

static int drop(migration_run *run, const migration_task *task, const judged *builds, lb_outcome *ret_outcome,
                lb_error *err)
{
    lb_group *group = NULL;
    const migration_drop_invalid_index_args args = {.schema = builds->builds.schema, .name = builds->builds.name};
    const char *title = lb_printf(run->ctx, "drop the invalid index %s.%s", args.schema, args.name);
    const char *reason =
        lb_printf(run->ctx, "a build by %s failed and left it; it costs writes and serves no query", task->file->name);
    if (!title || !reason)
        return lb_out_of_memory(err);
    int r = lb_group_open(run->ctx,
                          LB_GROUP(.title = title, .reason = reason, .undo = "the migration builds it again",
                                   .evidence = LB_ARGS(lb_text("file", task->file->name), lb_bool("valid", false))),
                          &group, err);
    if (r >= 0)
        r = migration_drop_invalid_index(run->ctx, group, &args, err);
    return r < 0 ? r : lb_apply(run->ctx, group, ret_outcome, err);
}

int migrate_clear_index(migration_run *run, const migration_task *task, const judged *builds, lb_outcome *ret_outcome,
                        lb_error *err)
{
    bool is_found = false;
    migration_index_state_row row;
    *ret_outcome = LB_APPLIED;
    int r = look(run, builds, &is_found, &row, err);
    if (r < 0 || !is_found || row.is_valid)
        return r;
    if (row.is_building)
        return lb_fail(err, LB_ERR_CONFLICT, "wait for the build to end", "%s.%s is being built by another session",
                       builds->builds.schema, builds->builds.name);
    if (!task->was_begun)
        return lb_fail(err, LB_ERR_CONFLICT, "look at it, and drop it by hand if nobody needs it",
                       "%s.%s is invalid, and it was not this migration that left it", builds->builds.schema,
                       builds->builds.name);
    return drop(run, task, builds, ret_outcome, err);
}

int migrate_check_index(migration_run *run, const judged *builds, lb_error *err)
{
    bool is_found = false;
    migration_index_state_row row;
    int r = look(run, builds, &is_found, &row, err);
    if (r < 0 || (is_found && row.is_valid))
        return r;
    return lb_fail(err, LB_ERR_CONFLICT, "run it again: what is invalid is dropped first",
                   "%s.%s is %s after its build", builds->builds.schema, builds->builds.name,
                   is_found ? "invalid" : "not there");
}
