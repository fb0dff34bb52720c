/* Indexes that are built CONCURRENTLY leave an invalid one behind when the build fails, and IF NOT EXISTS then takes it
 * for the real one. */
#include "migration_run.h"

#include <sql/migration/drop_invalid_index.h>
#include <sql/migration/index_state.h>
#include <sql/migration/leftover_indexes.h>

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

/* IF NOT EXISTS would take the other one for what is wanted. A plan cannot know whether what comes before drops it. */
static int check_shape(migration_run *run, const judged *builds, const migration_index_state_row *row, lb_error *err)
{
    if (strcmp(row->shape, builds->builds.shape) == 0)
        return 0;
    const char *name = lb_printf(run->ctx, "%s.%s", builds->builds.schema, builds->builds.name);
    const char *differs =
        lb_printf(run->ctx, "there is an index of that name with another definition: it is %s, and wanted is %s",
                  row->shape, builds->builds.shape);
    if (!name || !differs)
        return lb_out_of_memory(err);
    if (lb_plans(run->ctx))
        return lb_skipped(run->ctx, name, differs, err);
    return lb_fail(err, LB_ERR_CONFLICT, "build it under another name, or drop the one that is there before it",
                   "%s: %s", name, differs);
}

int migrate_clear_index(migration_run *run, const migration_task *task, const judged *builds, lb_outcome *ret_outcome,
                        lb_error *err)
{
    bool is_found = false;
    migration_index_state_row row;
    *ret_outcome = LB_APPLIED;
    int r = look(run, builds, &is_found, &row, err);
    if (r < 0 || !is_found)
        return r;
    if (row.is_valid)
        return check_shape(run, builds, &row, err);
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
    if (r >= 0 && is_found && row.is_valid)
        return check_shape(run, builds, &row, err);
    if (r < 0)
        return r;
    return lb_fail(err, LB_ERR_CONFLICT, "run it again: what is invalid is dropped first",
                   "%s.%s is %s after its build", builds->builds.schema, builds->builds.name,
                   is_found ? "invalid" : "not there");
}

/* ---- what rebuilds leave ---- */

static int report_leftover(migration_run *run, const migration_file *file, const migration_leftover_indexes_row *row,
                           lb_error *err)
{
    const lb_sql *fix = NULL;
    const migration_drop_invalid_index_args args = {.schema = row->schema, .name = row->name};
    const char *object = lb_printf(run->ctx, "%s.%s", row->schema, row->name);
    if (!object)
        return lb_out_of_memory(err);
    int r = migration_drop_invalid_index_compose(run->ctx, &args, &fix, err);
    return r < 0 ? r
                 : lb_report(
                       run->ctx,
                       LB_FINDING(.object = object, .kind = "index-left-behind",
                                  .reason =
                                      "a concurrent rebuild failed and left it: it costs writes and serves no query",
                                  .evidence = LB_ARGS(lb_text("file", file->name), lb_text("table", row->relation),
                                                      lb_bool("valid", false), lb_bool("being_built", false)),
                                  .terms =
                                      LB_TERMS({"invalid_in_the_catalogue", 0.6},
                                               {"named_as_rebuilds_name_theirs", 0.2}, {"nobody_builds_it_now", 0.15}),
                                  .impact = LB_ARGS(lb_i64("bytes", row->bytes)), .fix = fix),
                       err);
}

/* Nobody knows whose they are: the name says which command made them, and not which run of it. */
int migrate_tell_leftovers(migration_run *run, const migration_file *file, const judged *builds, lb_error *err)
{
    lb_rows *rows = NULL;
    migration_leftover_indexes_row row;
    const migration_leftover_indexes_args args = {.schema = builds->builds.on_schema, .name = builds->builds.on_name};
    if (!args.name)
        return 0;
    int r = migration_leftover_indexes(run->ctx, &args, &rows, err);
    while (r >= 0 && migration_leftover_indexes_next(run->ctx, rows, &row))
        r = report_leftover(run, file, &row, err);
    return r;
}
