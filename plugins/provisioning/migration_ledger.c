#include "migration_run.h"

#include <sql/migration/create_base.h>
#include <sql/migration/create_ledger.h>
#include <sql/migration/create_schema.h>
#include <sql/migration/ledger_found.h>
#include <sql/migration/ledger_rows.h>
#include <sql/migration/write_built.h>
#include <sql/migration/write_ledger.h>

static migration_row copied(const migration_ledger_rows_row *row)
{
    return (migration_row){.id = row->id,
                           .kind = row->kind,
                           .version = row->version,
                           .script = row->script,
                           .state = row->state,
                           .checksum = row->checksum,
                           .meaning = row->meaning,
                           .error = row->error,
                           .generation = row->generation,
                           .step = row->step,
                           .steps = row->steps};
}

static int read_rows(migration_run *run, migration_ledger *ret_ledger, lb_error *err)
{
    lb_rows *rows = NULL;
    migration_ledger_rows_row row;
    int r = migration_ledger_rows(run->ctx, &rows, err);
    if (r < 0)
        return r;
    size_t count = (size_t)lb_row_count(run->ctx, rows), n = 0;
    migration_row *all = arena_alloc(run->memory, (count + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    while (n < count && migration_ledger_rows_next(run->ctx, rows, &row))
        all[n++] = copied(&row);
    *ret_ledger = (migration_ledger){.rows = all, .count = n};
    return 0;
}

int migrate_read_ledger(migration_run *run, migration_ledger *ret_ledger, bool *ret_present, lb_error *err)
{
    lb_rows *rows = NULL;
    migration_ledger_found_row row;
    *ret_ledger = (migration_ledger){0};
    *ret_present = false;
    int r = migration_ledger_found(run->ctx, &rows, err);
    if (r >= 0 && migration_ledger_found_next(run->ctx, rows, &row) && row.present) {
        *ret_present = row.has_base;
        r = read_rows(run, ret_ledger, err);
    }
    return r < 0 ? lb_wrap(err, "the ledger of migrations") : 0;
}

/* An outcome other than done leaves nothing to go on with. */
static int settled(lb_outcome outcome, const char *what, lb_error *err)
{
    if (outcome == LB_APPLIED || outcome == LB_PLANNED)
        return 0;
    return lb_fail(err, LB_ERR_DENIED, "look at the rules that make the gate stricter than it is by itself",
                   "the gate does not let %s pass", what);
}

int migrate_make_ledger(migration_run *run, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(run->ctx,
                          LB_GROUP(.title = "make the ledger of migrations", .reason = "it remembers what was applied",
                                   .undo = "DROP SCHEMA lbops_migration", .atomic = true),
                          &group, err);
    if (r >= 0)
        r = migration_create_schema(run->ctx, group, err);
    if (r >= 0)
        r = migration_create_ledger(run->ctx, group, err);
    if (r >= 0)
        r = migration_create_base(run->ctx, group, err);
    if (r >= 0)
        r = lb_apply(run->ctx, group, &outcome, err);
    return r < 0 ? lb_wrap(err, "the ledger of migrations") : settled(outcome, "the ledger of migrations", err);
}

static int write_one(migration_run *run, const migration_write_ledger_args *row, const char *title, lb_error *err)
{
    lb_group *group = NULL;
    lb_outcome outcome = LB_REFUSED;
    int r = lb_group_open(run->ctx, LB_GROUP(.title = title, .reason = "the ledger remembers it"), &group, err);
    if (r >= 0)
        r = migration_write_ledger(run->ctx, group, row, err);
    if (r >= 0)
        r = lb_apply(run->ctx, group, &outcome, err);
    return r < 0 ? r : settled(outcome, title, err);
}

int migrate_set_baseline(migration_run *run, const char *version, lb_error *err)
{
    const migration_write_ledger_args row = {
        .kind = "baseline", .version = version, .script = "", .state = "done", .checksum = "", .meaning = ""};
    return write_one(run, &row, "set the baseline", err);
}

int migrate_mark_told(migration_run *run, int64_t up_to, lb_error *err)
{
    const migration_write_ledger_args row = {.kind = "report",
                                             .version = "",
                                             .script = "",
                                             .generation = up_to,
                                             .state = "told",
                                             .checksum = "",
                                             .meaning = ""};
    return write_one(run, &row, "note what has been told", err);
}

int migrate_note(migration_run *run, lb_group *group, const migration_task *task, const char *state, uint32_t step,
                 const char *error, lb_error *err)
{
    const migration_file *file = task->file;
    const char *meaning =
        step && step <= file->judged.count ? file->judged.items[step - 1].meaning : file->judged.meaning;
    const migration_write_ledger_args row = {.kind = migration_kind_name(file->kind),
                                             .version = file->version,
                                             .script = file->name,
                                             .generation = task->generation,
                                             .state = state,
                                             .step = step,
                                             .steps = (int64_t)file->judged.count,
                                             .attempt = error ? task->attempts + 1 : 0,
                                             .checksum = file->checksum,
                                             .meaning = meaning,
                                             .error = error};
    return migration_write_ledger(run->ctx, group, &row, err);
}

int migrate_note_built(migration_run *run, lb_group *group, const migration_task *task, uint32_t step,
                       const judged *builds, lb_error *err)
{
    const migration_file *file = task->file;
    const migration_write_built_args row = {.kind = migration_kind_name(file->kind),
                                            .version = file->version,
                                            .script = file->name,
                                            .generation = task->generation,
                                            .step = step,
                                            .steps = (int64_t)file->judged.count,
                                            .checksum = file->checksum,
                                            .meaning = file->judged.items[step - 1].meaning,
                                            .schema = builds->builds.schema,
                                            .name = builds->builds.name};
    return migration_write_built(run->ctx, group, &row, err);
}
