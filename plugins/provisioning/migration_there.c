/* IF NOT EXISTS takes what is there for what is wanted, whatever it looks like, and the ledger has it as done. Only the
 * server says so: before, so that what follows is judged as of a table in use, and while it is executed. An index that
 * is built outside of transactions is looked at before (migration_index.c), as far as its shape says all of it. */
#include "migration_catalogue.h"

#include "effect_rules.h"
#include "json.h"

/* ---- before ---- */

/* An empty tree: the statement leaves nothing alone that is there. */
static tree made_if_missing(const judged *s)
{
    tree table = tree_node(s->source->node, "CreateStmt"), filled = tree_node(s->source->node, "CreateTableAsStmt");
    if (tree_true(tree_get(table, "if_not_exists")))
        return tree_get(table, "relation");
    return tree_true(tree_get(filled, "if_not_exists")) ? tree_path(filled, "into", "rel") : (tree){NULL};
}

/* ret_named has what the file makes if it is missing. */
static int find_made(migration_run *run, const judgement *j, migration_named *ret_named, lb_error *err)
{
    *ret_named = (migration_named){.schemas = arena_alloc(run->memory, (j->count + 1) * sizeof *ret_named->schemas),
                                   .names = arena_alloc(run->memory, (j->count + 1) * sizeof *ret_named->names)};
    if (!ret_named->schemas || !ret_named->names)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < j->count; i++) {
        tree range = made_if_missing(&j->items[i]);
        if (!tree_has(range))
            continue;
        const char *schema = ret_named->schemas[ret_named->count] = migrate_text_of(run, tree_get(range, "schemaname"));
        const char *name = ret_named->names[ret_named->count++] = migrate_text_of(run, tree_get(range, "relname"));
        if (!schema || !name)
            return lb_out_of_memory(err);
    }
    return 0;
}

int migrate_judge_what_is_there(migration_run *run, const migration_task *task, lb_error *err)
{
    migration_named made = {0};
    migration_relations_row row;
    lb_rows *rows = NULL;
    size_t count = 0;
    if (task->done || task->was_begun)
        return 0;
    int r = find_made(run, &task->file->judged, &made, err);
    if (r < 0 || !made.count)
        return r;
    const char **names = arena_alloc(run->memory, made.count * sizeof *names);
    const migration_relations_args args = {.schemas = {made.schemas, made.count}, .names = {made.names, made.count}};
    if (!names)
        return lb_out_of_memory(err);
    r = migration_relations(run->ctx, &args, &rows, err);
    while (r >= 0 && count < made.count && migration_relations_next(run->ctx, rows, &row))
        if (!(names[count++] = migrate_relation_name(run, &row)))
            return lb_out_of_memory(err);
    return r < 0 || !count
               ? r
               : migration_judge_where(task->file, run->server, &(judge_there){names, count}, run->memory, err);
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
