/* Indexes that are built CONCURRENTLY leave an invalid one behind when the build fails, and IF NOT EXISTS then takes it
 * for the real one. Rebuilds leave copies, one more with each try. */
#include "migration_run.h"

#include <sql/migration/begun.h>
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
    /* What says nothing of classes and collations means the usual ones. */
    bool is_same = strcmp(row->shape, builds->builds.shape) == 0;
    if (is_same && (row->is_usual || !builds->builds.shape_says_all))
        return 0;
    const char *name = lb_printf(run->ctx, "%s.%s", builds->builds.schema, builds->builds.name);
    const char *differs =
        lb_printf(run->ctx, "there is an index of that name with another definition: it is %s, and wanted is %s",
                  is_same ? row->definition : row->shape, builds->builds.shape);
    if (!name || !differs)
        return lb_out_of_memory(err);
    if (lb_plans(run->ctx))
        return lb_skipped(run->ctx, name, differs, err);
    return lb_fail(err, LB_ERR_CONFLICT, "build it under another name, or drop the one that is there before it",
                   "%s: %s", name, differs);
}

/* ---- what rebuilds leave ---- */

static int find_leftovers(migration_run *run, const judged *builds, const int64_t *since, lb_rows **ret_rows,
                          lb_error *err)
{
    const migration_leftover_indexes_args args = {.schema = builds->builds.on_schema,
                                                  .name = builds->builds.on_name,
                                                  .since = since ? *since : 0,
                                                  .since_is_null = !since};
    return migration_leftover_indexes(run->ctx, &args, ret_rows, err);
}

/* Since when the ledger knows that this file has something under way. */
static int find_begun(migration_run *run, const migration_file *file, bool *ret_found, int64_t *ret_since,
                      lb_error *err)
{
    lb_rows *rows = NULL;
    migration_begun_row row;
    const migration_begun_args args = {
        .kind = migration_kind_name(file->kind), .version = file->version, .script = file->name};
    int r = migration_begun(run->ctx, &args, &rows, err);
    *ret_found = r >= 0 && migration_begun_next(run->ctx, rows, &row);
    if (*ret_found)
        *ret_since = row.transaction;
    return r;
}

static const char *label_of(migration_run *run, const judged *builds)
{
    const char *schema = builds->builds.on_schema, *name = builds->builds.on_name;
    return *name     ? lb_printf(run->ctx, "%s.%s", schema, name)
           : *schema ? lb_printf(run->ctx, "schema %s", schema)
                     : "the database";
}

static int open_sweep(migration_run *run, const migration_task *task, const judged *builds, lb_group **ret_group,
                      lb_error *err)
{
    const char *label = label_of(run, builds);
    const char *title = label ? lb_printf(run->ctx, "drop what a rebuild of %s has left", label) : NULL;
    const char *reason = lb_printf(
        run->ctx, "a rebuild by %s failed and left copies; they cost writes and serve no query", task->file->name);
    if (!title || !reason)
        return lb_out_of_memory(err);
    return lb_group_open(run->ctx,
                         LB_GROUP(.title = title, .reason = reason, .undo = "the migration makes its own copies",
                                  .evidence = LB_ARGS(lb_text("file", task->file->name), lb_bool("valid", false))),
                         ret_group, err);
}

/* What others have left stays, and is told of. */
static int sweep(migration_run *run, const migration_task *task, const judged *builds, lb_outcome *ret_outcome,
                 lb_error *err)
{
    bool is_found = false;
    int64_t since = 0;
    lb_rows *rows = NULL;
    lb_group *group = NULL;
    migration_leftover_indexes_row row;
    int r = find_begun(run, task->file, &is_found, &since, err);
    if (r >= 0 && is_found)
        r = find_leftovers(run, builds, &since, &rows, err);
    while (r >= 0 && is_found && migration_leftover_indexes_next(run->ctx, rows, &row)) {
        const migration_drop_invalid_index_args args = {.schema = row.schema, .name = row.name};
        if (row.is_ours && !group)
            r = open_sweep(run, task, builds, &group, err);
        if (row.is_ours && r >= 0)
            r = migration_drop_invalid_index(run->ctx, group, &args, err);
    }
    return r < 0 || !group ? r : lb_apply(run->ctx, group, ret_outcome, err);
}

int migrate_clear_index(migration_run *run, const migration_task *task, const judged *builds, lb_outcome *ret_outcome,
                        lb_error *err)
{
    bool is_found = false;
    migration_index_state_row row;
    *ret_outcome = LB_APPLIED;
    if (!builds->builds.name)
        return task->was_begun ? sweep(run, task, builds, ret_outcome, err) : 0;
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

int migrate_check_index(migration_run *run, const judged *builds, bool *ret_again, lb_error *err)
{
    bool is_found = false;
    migration_index_state_row row;
    int r = look(run, builds, &is_found, &row, err);
    *ret_again = false;
    if (r >= 0 && is_found && row.is_valid)
        return check_shape(run, builds, &row, err);
    if (r < 0)
        return r;
    *ret_again = true;
    return lb_fail(
        err, LB_ERR_CONFLICT, "see who else builds or drops it, and run it again: what is invalid goes first",
        "%s.%s is %s after its build", builds->builds.schema, builds->builds.name, is_found ? "invalid" : "not there");
}

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

/* Whoever made them: the name says which command did, and not which run of it. */
int migrate_tell_leftovers(migration_run *run, const migration_file *file, const judged *builds, lb_error *err)
{
    lb_rows *rows = NULL;
    migration_leftover_indexes_row row;
    if (!builds->builds.on_name)
        return 0;
    int r = find_leftovers(run, builds, NULL, &rows, err);
    while (r >= 0 && migration_leftover_indexes_next(run->ctx, rows, &row))
        r = report_leftover(run, file, &row, err);
    return r;
}
