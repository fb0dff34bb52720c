/* The judge has one text before it, and no server. What its advice lacks by that is mended here: a safe form that this
 * server would refuse for this table becomes another one, where there is a server to ask, and what a later file does is
 * not asked for. */
#include "migration_catalogue.h"

#include "effect_rules.h"

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

/* *ret_row is of that table or index of the statement; where it is not there, its name is NULL. */
static int find_relation(migration_run *run, const judged *s, const char *wanted, migration_relations_row *ret_row,
                         lb_error *err)
{
    migration_relations_row row = {0};
    lb_rows *rows = NULL;
    *ret_row = row;
    int r = migrate_ask_relations(run, s, &rows, err);
    while (r >= 0 && rows && migration_relations_next(run->ctx, rows, &row)) {
        const char *full = migrate_relation_name(run, &row);
        if (!full)
            return lb_out_of_memory(err);
        if (strcmp(full, wanted) == 0)
            *ret_row = row;
    }
    return r;
}

/* ON ONLY: of a partitioned table nothing is built, and that is how it begins without locking out writers. */
static bool is_only(const judged *s)
{
    tree index = tree_node(s->source->node, "IndexStmt");
    return tree_has(index) && !tree_true(tree_path(index, "relation", "inh"));
}

static const char *for_key(migration_run *run, const judged *s, const judge_hazard *h)
{
    const char *what = h->rule == JUDGE_PRIMARY_KEY_BUILDS ? "PRIMARY KEY" : "UNIQUE";
    return arena_printf(run->memory,
                        "a partitioned table takes no key USING INDEX: on each partition of %s CREATE UNIQUE INDEX "
                        "CONCURRENTLY, then ADD CONSTRAINT ... %s USING INDEX; then ADD CONSTRAINT to the table itself "
                        "takes these over and builds none",
                        s->lock_on, what);
}

static const char *for_index(migration_run *run, const judged *s, const judge_hazard *h)
{
    return arena_printf(run->memory,
                        "CONCURRENTLY is refused for a partitioned table: CREATE INDEX %s ON ONLY %s (...), which "
                        "builds none; CREATE INDEX CONCURRENTLY on each partition; then ALTER INDEX ... ATTACH "
                        "PARTITION each of these, and with the last one it is valid",
                        h->object, s->lock_on);
}

static const char *for_drop(migration_run *run, const judge_hazard *h)
{
    return arena_printf(run->memory,
                        "CONCURRENTLY is refused for %s, which is partitioned, and so is a drop of its parts one by "
                        "one: drop it in a file of its own when it is quiet; table and partitions are locked out for "
                        "a moment",
                        h->object);
}

static const char *for_detach(migration_run *run, const migration_relations_row *table)
{
    return arena_printf(run->memory,
                        "CONCURRENTLY is refused while there is the default partition %s: detach without it when it is "
                        "quiet, or move that one's rows and detach it first",
                        table->default_partition);
}

/* Whether a partition is made or attached. */
static const char *for_partition(migration_run *run, const judge_hazard *h, const migration_relations_row *table)
{
    return arena_printf(run->memory,
                        "%s; and to the default partition %s, which is locked out and read for rows of the new one, a "
                        "CHECK that leaves these out, NOT VALID, then VALIDATE CONSTRAINT, both before it",
                        h->rewrite, table->default_partition);
}

static const char for_foreign_key[] =
    "a partitioned table takes no foreign key NOT VALID before 18: add it to each partition NOT VALID and VALIDATE it "
    "there; then ADD CONSTRAINT to the table itself takes these over and reads no row";

/* Of a partitioned table; *ret_done: it is no hazard of one. */
static const char *other_advice(migration_run *run, const judged *s, const judge_hazard *h,
                                const migration_relations_row *table, bool *ret_done)
{
    *ret_done = h->rule == JUDGE_INDEX_NOT_CONCURRENT && is_only(s);
    switch (h->rule) {
    case JUDGE_FK_VALID:
        return run->server < 18 ? for_foreign_key : h->rewrite;
    case JUDGE_PRIMARY_KEY_BUILDS:
    case JUDGE_UNIQUE_BUILDS:
        return for_key(run, s, h);
    case JUDGE_INDEX_NOT_CONCURRENT:
        return for_index(run, s, h);
    case JUDGE_INDEX_DROP_NOT_CONCURRENT:
        return for_drop(run, h);
    case JUDGE_ATTACH_PARTITION:
    case JUDGE_PARTITION_OF:
        return table->default_partition ? for_partition(run, h, table) : h->rewrite;
    default:
        return table->default_partition ? for_detach(run, table) : h->rewrite;
    }
}

static bool differs_where_partitioned(judge_rule_id id)
{
    static const judge_rule_id differing[] = {JUDGE_FK_VALID,
                                              JUDGE_PRIMARY_KEY_BUILDS,
                                              JUDGE_UNIQUE_BUILDS,
                                              JUDGE_INDEX_NOT_CONCURRENT,
                                              JUDGE_INDEX_DROP_NOT_CONCURRENT,
                                              JUDGE_DETACH_PARTITION,
                                              JUDGE_ATTACH_PARTITION,
                                              JUDGE_PARTITION_OF};
    for (size_t i = 0; i < LB_COUNT(differing); i++)
        if (differing[i] == id)
            return true;
    return false;
}

/* The index is there, and its columns take no NULL: no row is read. */
static int is_without_nulls(migration_run *run, const judged *s, bool *ret_done, lb_error *err)
{
    migration_relations_row found;
    const char *index = NULL;
    int r = migrate_used_index(run, s, &index, err);
    if (r >= 0 && index)
        r = find_relation(run, s, index, &found, err);
    *ret_done = r >= 0 && index && found.name && !found.has_nullable;
    return r;
}

static int advise(migration_run *run, const migration_file *file, judge_hazard *h, bool *ret_done, lb_error *err)
{
    migration_relations_row found = {0};
    if (run->asks_nobody || !h->statement ||
        !(differs_where_partitioned(h->rule) || h->rule == JUDGE_PRIMARY_KEY_NULLS))
        return 0;
    const judged *s = &file->judged.items[h->statement - 1];
    if (h->rule == JUDGE_PRIMARY_KEY_NULLS)
        return is_without_nulls(run, s, ret_done, err);
    const char *wanted = h->rule == JUDGE_INDEX_DROP_NOT_CONCURRENT ? h->object : s->lock_on;
    int r = find_relation(run, s, wanted, &found, err);
    if (r < 0 || !found.name || !found.is_partitioned)
        return r;
    h->rewrite = other_advice(run, s, h, &found, ret_done);
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
                                            : advise(run, file, h, &is_done, err);
        count += !is_done;
    }
    if (r < 0)
        return lb_wrap(err, file->name);
    j->hazards = kept;
    j->hazard_count = count;
    return 0;
}
