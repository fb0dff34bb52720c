/* The judge has one text before it, and no server. What its advice lacks by that is mended here: a safe form that this
 * server would refuse for this table becomes another one, where there is a server to ask, and what a later file does is
 * not asked for. */
#include "migration_run.h"

#include "effect_objects.h"

#include <sql/migration/partitioned.h>

/* ---- what a later file validates ---- */

static bool validates(const judgement *j, const char *constraint)
{
    for (size_t i = 0; i < j->validated_count; i++)
        if (strcmp(j->validated[i], constraint) == 0)
            return true;
    return false;
}

/* Files stand in the order in which they are executed; a way back is none of these. */
static int is_validated_later(migration_run *run, const migration_files *files, const migration_file *file,
                              const char *constraint, bool *ret_found, lb_error *err)
{
    int r = 0;
    *ret_found = false;
    for (const migration_file *f = file + 1; r >= 0 && !*ret_found && f < files->items + files->count; f++) {
        judgement later = {0};
        if (file->kind == MIGRATION_UNDO || f->kind == MIGRATION_UNDO)
            continue;
        r = judge_file(f->text, run->server, run->memory, &later, err);
        *ret_found = r >= 0 && validates(&later, constraint);
    }
    return r;
}

/* ---- what stands in the catalogue ---- */

/* *ret_row is of the statement's table, where that is partitioned; else its name is NULL. */
static int find_partitioned(migration_run *run, const judged *s, migration_partitioned_row *ret_row, lb_error *err)
{
    effect_objects objects = {0};
    migration_partitioned_row row = {0};
    lb_rows *rows = NULL;
    uint32_t count = 0;
    *ret_row = row;
    int r = effect_objects_of_sql(s->source->text, run->memory, &objects, err);
    const char **schemas = arena_alloc(run->memory, (objects.count + 1) * sizeof *schemas),
               **names = arena_alloc(run->memory, (objects.count + 1) * sizeof *names);
    if (r >= 0 && (!schemas || !names))
        return lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < objects.count; i++)
        if (strcmp(objects.items[i].kind, "relation") == 0) {
            schemas[count] = objects.items[i].schema;
            names[count++] = objects.items[i].name;
        }
    if (r < 0 || !count)
        return r;
    const migration_partitioned_args args = {.schemas = {schemas, count}, .names = {names, count}};
    r = migration_partitioned(run->ctx, &args, &rows, err);
    while (r >= 0 && migration_partitioned_next(run->ctx, rows, &row)) {
        const char *label = *row.schema ? arena_printf(run->memory, "%s.%s", row.schema, row.name) : row.name;
        if (!label)
            return lb_out_of_memory(err);
        if (strcmp(label, s->lock_on) == 0)
            *ret_row = row;
    }
    return r;
}

static int advise(migration_run *run, const migration_file *file, judge_hazard *h, lb_error *err)
{
    migration_partitioned_row table = {0};
    bool is_key = h->rule == JUDGE_FK_VALID && run->server < 18, is_detach = h->rule == JUDGE_DETACH_PARTITION;
    if (run->asks_nobody || !h->statement || (!is_key && !is_detach))
        return 0;
    int r = find_partitioned(run, &file->judged.items[h->statement - 1], &table, err);
    if (r < 0 || !table.name || (is_detach && !table.default_partition))
        return r;
    h->rewrite =
        is_key ? "a partitioned table takes no foreign key NOT VALID before 18: add it to each partition NOT VALID and "
                 "VALIDATE it there; then ADD CONSTRAINT to the table itself takes these over and reads no row"
               : arena_printf(run->memory,
                              "CONCURRENTLY is refused while there is the default partition %s: detach without it when "
                              "it is quiet, or move that one's rows and detach it first",
                              table.default_partition);
    return h->rewrite ? 0 : lb_out_of_memory(err);
}

int migrate_mend_advice(migration_run *run, const migration_files *files, migration_file *file, lb_error *err)
{
    judgement *j = &file->judged;
    judge_hazard *kept = arena_alloc(run->memory, (j->hazard_count + 1) * sizeof *kept);
    size_t count = 0;
    int r = 0;
    if (!kept)
        return lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < j->hazard_count; i++) {
        bool is_done = false;
        judge_hazard *h = &kept[count];
        *h = j->hazards[i];
        r = h->rule == JUDGE_NOT_VALID_OPEN ? is_validated_later(run, files, file, h->object, &is_done, err)
                                            : advise(run, file, h, err);
        count += !is_done;
    }
    if (r < 0)
        return lb_wrap(err, file->name);
    j->hazards = kept;
    j->hazard_count = count;
    return 0;
}
