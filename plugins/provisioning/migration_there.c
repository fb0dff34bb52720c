/* What is there before a file, as far as the judge asks. IF NOT EXISTS takes what is there for what is wanted, whatever
 * it looks like, and the ledger has it as done. Only the server says so: before, so that what follows is judged as of a
 * table in use, and while it is executed. An index that is built outside of transactions is looked at before
 * (migration_index.c), as far as its shape says all of it. And a new type is compared with the one that a column has.
 */
#include "migration_catalogue.h"

#include "effect_rules.h"
#include "json.h"

#include <sql/migration/column_types.h>
#include <sql/migration/proofs.h>

/* ---- before ---- */

/* An empty tree: the statement leaves nothing alone that is there. */
static tree made_if_missing(const judged *s)
{
    tree table = tree_node(s->source->node, "CreateStmt"), filled = tree_node(s->source->node, "CreateTableAsStmt");
    if (tree_true(tree_get(table, "if_not_exists")))
        return tree_get(table, "relation");
    return tree_true(tree_get(filled, "if_not_exists")) ? tree_path(filled, "into", "rel") : (tree){NULL};
}

/* Of a statement that gives a table a key, which may be partitioned. */
static tree keyed(const judged *s)
{
    tree index = tree_node(s->source->node, "IndexStmt"), alter = tree_node(s->source->node, "AlterTableStmt");
    char key[64];
    tree value;
    if (tree_true(tree_get(index, "unique")))
        return tree_get(index, "relation");
    for (const char *p = alter.at; p && tree_next_key(p, tree_end(alter), key, sizeof key, &value); p = value.at)
        if (strcmp(key, "contype") == 0 && (tree_is(value, "CONSTR_PRIMARY") || tree_is(value, "CONSTR_UNIQUE")))
            return tree_get(alter, "relation");
    return (tree){NULL};
}

/* ret_named has what the file makes if it is missing, and what it gives keys. */
static int find_made(migration_run *run, const judgement *j, migration_named *ret_named, lb_error *err)
{
    *ret_named = (migration_named){.schemas = arena_alloc(run->memory, (j->count + 1) * sizeof *ret_named->schemas),
                                   .names = arena_alloc(run->memory, (j->count + 1) * sizeof *ret_named->names)};
    if (!ret_named->schemas || !ret_named->names)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < j->count; i++) {
        tree made = made_if_missing(&j->items[i]), range = tree_has(made) ? made : keyed(&j->items[i]);
        if (!tree_has(range))
            continue;
        const char *schema = ret_named->schemas[ret_named->count] = migrate_text_of(run, tree_get(range, "schemaname"));
        const char *name = ret_named->names[ret_named->count++] = migrate_text_of(run, tree_get(range, "relname"));
        if (!schema || !name)
            return lb_out_of_memory(err);
    }
    return 0;
}

static int look_for_made(migration_run *run, const judgement *j, judge_there *there, lb_error *err)
{
    migration_named made = {0};
    migration_relations_row row;
    lb_rows *rows = NULL;
    int r = find_made(run, j, &made, err);
    if (r < 0 || !made.count)
        return r;
    const char **names = arena_alloc(run->memory, made.count * sizeof *names);
    judge_parted *parted = arena_alloc(run->memory, made.count * sizeof *parted);
    const migration_relations_args args = {.schemas = {made.schemas, made.count}, .names = {made.names, made.count}};
    if (!names || !parted)
        return lb_out_of_memory(err);
    r = migration_relations(run->ctx, &args, &rows, err);
    while (r >= 0 && there->count < made.count && migration_relations_next(run->ctx, rows, &row)) {
        const char *name = names[there->count++] = migrate_relation_name(run, &row);
        if (!name)
            return lb_out_of_memory(err);
        if (row.partition_key)
            parted[there->parted_count++] = (judge_parted){name, row.partition_key};
    }
    there->names = names;
    there->parted = parted;
    return r;
}

/* ---- columns before ---- */

typedef struct altered {
    const char **schemas, **tables, **columns;
    uint32_t count;
} altered;

static bool add_altered(migration_run *run, const judged *s, const char *subtype, altered *into)
{
    tree range = tree_path(s->source->node, "AlterTableStmt", "relation");
    for (tree item = tree_first(migrate_commands_of(s)); item.at; item = tree_next(item)) {
        tree command = tree_node(item, "AlterTableCmd");
        if (!tree_is(tree_get(command, "subtype"), subtype))
            continue;
        uint32_t n = into->count++;
        into->schemas[n] = migrate_text_of(run, tree_get(range, "schemaname"));
        into->tables[n] = migrate_text_of(run, tree_get(range, "relname"));
        into->columns[n] = migrate_text_of(run, tree_get(command, "name"));
        if (!into->schemas[n] || !into->tables[n] || !into->columns[n])
            return false;
    }
    return true;
}

static int find_altered(migration_run *run, const judgement *j, const char *subtype, altered *ret_found, lb_error *err)
{
    size_t most = 1;
    for (size_t i = 0; i < j->count; i++)
        most += tree_count(migrate_commands_of(&j->items[i]));
    *ret_found = (altered){.schemas = arena_alloc(run->memory, most * sizeof(char *)),
                           .tables = arena_alloc(run->memory, most * sizeof(char *)),
                           .columns = arena_alloc(run->memory, most * sizeof(char *))};
    if (!ret_found->schemas || !ret_found->tables || !ret_found->columns)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < j->count; i++)
        if (!add_altered(run, &j->items[i], subtype, ret_found))
            return lb_out_of_memory(err);
    return 0;
}

static int look_for_proofs(migration_run *run, const judgement *j, judge_there *there, lb_error *err)
{
    altered found;
    migration_proofs_row row;
    lb_rows *rows = NULL;
    if (run->has_judged)
        return 0; /* it may have dropped one */
    int r = find_altered(run, j, "AT_SetNotNull", &found, err);
    if (r < 0 || !found.count)
        return r;
    judge_proof *proofs = arena_alloc(run->memory, found.count * sizeof *proofs);
    const migration_proofs_args args = {.schemas = {found.schemas, found.count},
                                        .tables = {found.tables, found.count},
                                        .columns = {found.columns, found.count}};
    if (!proofs)
        return lb_out_of_memory(err);
    r = migration_proofs(run->ctx, &args, &rows, err);
    while (r >= 0 && there->proof_count < found.count && migration_proofs_next(run->ctx, rows, &row))
        proofs[there->proof_count++] = (judge_proof){row.name, row.proof};
    there->proofs = proofs;
    return r;
}

/* As the catalogue has them now, and behind that what the files before this one will have made of them: what else these
 * do to a column is not known, so that none is alone behind them. */
static int look_for_types(migration_run *run, const judgement *j, judge_there *there, lb_error *err)
{
    altered found;
    migration_column_types_row row;
    lb_rows *rows = NULL;
    int r = find_altered(run, j, "AT_AlterColumnType", &found, err);
    if (r < 0 || !found.count)
        return r;
    judge_column_type *types = arena_alloc(run->memory, (found.count + run->type_count) * sizeof *types);
    const migration_column_types_args args = {.schemas = {found.schemas, found.count},
                                              .tables = {found.tables, found.count},
                                              .columns = {found.columns, found.count}};
    const char **alone = arena_alloc(run->memory, found.count * sizeof *alone);
    if (!types || !alone)
        return lb_out_of_memory(err);
    r = migration_column_types(run->ctx, &args, &rows, err);
    while (r >= 0 && there->type_count < found.count && migration_column_types_next(run->ctx, rows, &row)) {
        types[there->type_count++] = (judge_column_type){row.name, row.type};
        if (row.is_alone && !run->has_judged)
            alone[there->alone_count++] = row.name;
    }
    if (r >= 0 && run->type_count)
        memcpy(types + there->type_count, run->types, run->type_count * sizeof *types);
    there->type_count += run->type_count;
    there->types = types;
    there->alone = alone;
    return r;
}

/* For the files behind it. */
static int remember_types(migration_run *run, const judge_column_type *types, size_t count, lb_error *err)
{
    if (!count)
        return 0;
    judge_column_type *all = arena_alloc(run->memory, (run->type_count + count) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    if (run->type_count)
        memcpy(all, run->types, run->type_count * sizeof *all);
    memcpy(all + run->type_count, types, count * sizeof *all);
    run->types = all;
    run->type_count += count;
    return 0;
}

int migrate_judge_what_is_there(migration_run *run, const migration_task *task, lb_error *err)
{
    static const judge_column_type unknown = {"", NULL};
    migration_file *file = task->file;
    judge_there there = {0};
    if (task->done || task->was_begun) {
        run->has_judged = true;
        return remember_types(run, &unknown, 1, err);
    }
    int r = look_for_made(run, &file->judged, &there, err);
    if (r >= 0)
        r = look_for_proofs(run, &file->judged, &there, err);
    if (r >= 0)
        r = look_for_types(run, &file->judged, &there, err);
    run->has_judged = true;
    if (r >= 0 && (there.count || there.type_count || there.proof_count))
        r = migration_judge_where(file, run->server, &there, run->memory, err);
    return r < 0 ? r : remember_types(run, file->judged.types, file->judged.type_count, err);
}

/* ---- while it is executed ---- */

/* A relation, or a column; a schema or an extension that is there is what was wanted. */
static bool is_skipped(struct json_object *notice)
{
    const char *severity = json_get_text(notice, "severity"), *state = json_get_text(notice, "sqlstate");
    return severity && state && strcmp(severity, "NOTICE") == 0 &&
           (strcmp(state, "42P07") == 0 || strcmp(state, "42701") == 0);
}

static int report(migration_run *run, const migration_file *file, int64_t statement, const char *says, lb_error *err)
{
    const judged *s = &file->judged.items[statement - 1];
    return lb_report(run->ctx,
                     LB_FINDING(.object = *s->lock_on ? s->lock_on : file->name, .kind = "was-there-already",
                                .reason =
                                    "the statement did nothing, as there is one of that name, which may be another: "
                                    "compare the two by capture_schema_diff",
                                .evidence = LB_ARGS(lb_text("file", file->name), lb_i64("statement", statement),
                                                    lb_text("sql", s->source->text), lb_text("says", says)),
                                .terms = LB_TERMS({"said_by_the_server", 0.9})),
                     err);
}

int migrate_tell_there(migration_run *run, const migration_file *file, const lb_group *group, lb_error *err)
{
    const char *heard = NULL;
    int r = lb_group_heard(run->ctx, group, &heard, err);
    if (r < 0 || !heard)
        return r;
    JSON_AUTO *document = json_parse(heard, strlen(heard), err);
    if (!document)
        return err->code;
    struct json_object *list = json_get_list(document, "notices");
    for (size_t i = 0; r >= 0 && list && i < json_object_array_length(list); i++) {
        struct json_object *notice = json_object_array_get_idx(list, i);
        int64_t statement = json_get_i64(notice, "statement", 0); /* 0: the ledger's */
        if (statement > 0 && (size_t)statement <= file->judged.count && is_skipped(notice) &&
            !file->judged.items[statement - 1].builds.shape_says_all)
            r = report(run, file, statement, json_get_text(notice, "text"), err);
    }
    return r;
}
