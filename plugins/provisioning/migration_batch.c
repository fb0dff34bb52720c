#include "migration_batch.h"

#include <sql/archival/and_after.h>
#include <sql/archival/and_up_to.h>
#include <sql/archival/columns.h>
#include <sql/archival/its_column.h>
#include <sql/archival/its_text.h>
#include <sql/archival/key_value.h>
#include <sql/migration/batch_begun.h>
#include <sql/migration/batch_downwards.h>
#include <sql/migration/batch_highest.h>
#include <sql/migration/batch_next.h>
#include <sql/migration/batch_own_column.h>
#include <sql/migration/batch_pause.h>
#include <sql/migration/batch_state.h>
#include <sql/migration/batch_table.h>
#include <sql/migration/batches_found.h>
#include <sql/migration/batches_planned.h>
#include <sql/migration/begin_batches.h>
#include <sql/migration/create_batches.h>
#include <sql/migration/do_batch.h>
#include <sql/migration/plan_batches.h>
#include <sql/vacuum/analyze.h>
#include <sql/vacuum/vacuum_only.h>

#define KEY_MOST 32 /* columns of an index, as the server has it */

static const judged *statement_of(const migration_backfill *b)
{
    return &b->task->file->judged.items[b->number - 1];
}

static tree node_of(const migration_backfill *b)
{
    tree node = statement_of(b)->source->node, update = tree_node(node, "UpdateStmt");
    return tree_has(update) ? update : tree_node(node, "DeleteStmt");
}

/* Says where in the files it is. */
static int refuse(const migration_backfill *b, const char *hint, const char *why, lb_error *err)
{
    const judged *s = statement_of(b);
    return lb_fail(err, LB_ERR_INVALID, hint, "%s, line %u, column %u: it cannot be executed in batches: %s %s",
                   b->task->file->name, s->source->place.line, s->source->place.column, b->label, why);
}

/* ---- the table and its key ---- */

static int find_table(migration_backfill *b, lb_error *err)
{
    char schema[256], name[256];
    tree range = tree_get(node_of(b), "relation");
    lb_rows *rows = NULL;
    migration_batch_table_row row;
    tree_text(tree_get(range, "schemaname"), schema, sizeof schema);
    tree_text(tree_get(range, "relname"), name, sizeof name);
    const migration_batch_table_args args = {.schema = schema, .name = name};
    int r = migration_batch_table(b->run->ctx, &args, &rows, err);
    if (r < 0)
        return r;
    bool is_there = migration_batch_table_next(b->run->ctx, rows, &row);
    b->label = is_there ? lb_printf(b->run->ctx, "%s.%s", row.schema, row.name)
                        : lb_printf(b->run->ctx, "%s%s%s", schema, *schema ? "." : "", name);
    if (!b->label)
        return lb_out_of_memory(err);
    if (!is_there)
        return lb_fail(err, LB_ERR_NOT_FOUND, "create it before", "%s: there is no table %s", b->task->file->name,
                       b->label);
    b->table_id = row.table_id;
    b->table_rows = row.rows;
    b->schema = row.schema;
    b->table = row.name;
    return row.is_plain ? 0
                        : refuse(b, "name a table that is no view and that no other one inherits from",
                                 "is no plain table", err);
}

static int take_column(migration_backfill *b, const archival_columns_row *row, lb_error *err)
{
    lb_ctx *ctx = b->run->ctx;
    size_t at = (size_t)row->key_place - 1;
    const archival_its_column_args key = {.column = row->name};
    const archival_its_text_args text = {.column = row->name};
    const migration_batch_downwards_args down = {.column = row->name};
    const migration_batch_own_column_args own = {.column = row->name};
    if (at >= KEY_MOST)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a key of %s has more than %d columns", b->label, KEY_MOST);
    b->columns[at] = row->name;
    b->types[at] = row->type;
    int r = archival_its_column_compose(ctx, &key, &b->keys.items[at], err);
    if (r >= 0)
        r = archival_its_text_compose(ctx, &text, &b->texts.items[at], err);
    if (r >= 0)
        r = migration_batch_downwards_compose(ctx, &down, &b->downwards.items[at], err);
    if (r >= 0)
        r = migration_batch_own_column_compose(ctx, &own, &b->own.items[at], err);
    b->keys.count++;
    b->texts.count = b->downwards.count = b->own.count = b->keys.count;
    return r;
}

static bool make_room(migration_backfill *b)
{
    const lb_sql ***lists[] = {&b->keys.items, &b->texts.items, &b->downwards.items, &b->own.items};
    bool is_made = true;
    for (size_t i = 0; i < LB_COUNT(lists); i++) {
        *lists[i] = lb_alloc(b->run->ctx, KEY_MOST * sizeof(void *));
        is_made = is_made && *lists[i];
    }
    b->columns = lb_alloc(b->run->ctx, KEY_MOST * sizeof(void *));
    b->types = lb_alloc(b->run->ctx, KEY_MOST * sizeof(void *));
    return is_made && b->columns && b->types;
}

/* Where the statement moves rows along the key, some would come to their turn twice. */
static bool sets(const migration_backfill *b, const char *column)
{
    char name[256];
    for (tree item = tree_first(tree_get(node_of(b), "targetList")); item.at; item = tree_next(item)) {
        tree_text(tree_path(item, "ResTarget", "name"), name, sizeof name);
        if (strcmp(name, column) == 0)
            return true;
    }
    return false;
}

static int find_key(migration_backfill *b, lb_error *err)
{
    const archival_columns_args args = {.table_id = b->table_id};
    lb_rows *rows = NULL;
    archival_columns_row row;
    int r = make_room(b) ? archival_columns(b->run->ctx, &args, &rows, err) : lb_out_of_memory(err);
    while (r >= 0 && archival_columns_next(b->run->ctx, rows, &row))
        r = row.key_place_is_null ? 0 : take_column(b, &row, err);
    if (r < 0)
        return r;
    if (!b->keys.count)
        return refuse(b,
                      "give it a primary key, or a whole unique index on columns that are not null; or leave the "
                      "mark out",
                      "has no key to cut it up by", err);
    b->key_label = b->columns[0];
    for (size_t i = 0; i < b->keys.count && b->key_label; i++) {
        if (sets(b, b->columns[i]))
            return refuse(b, "leave the mark out, or fill another column", "is cut up by what the statement changes",
                          err);
        b->key_label = i ? lb_printf(b->run->ctx, "%s, %s", b->key_label, b->columns[i]) : b->key_label;
    }
    return b->key_label ? 0 : lb_out_of_memory(err);
}

int migrate_batch_look(migration_run *run, const migration_task *task, uint32_t number,
                       migration_backfill *ret_backfill, lb_error *err)
{
    migration_backfill *b = ret_backfill;
    *b = (migration_backfill){.run = run, .task = task, .number = number};
    if (!judge_cut(statement_of(b)->source->text, run->memory, &b->head, &b->condition))
        return lb_out_of_memory(err);
    int r = find_table(b, err);
    return r < 0 ? r : find_key(b, err);
}

/* ---- bounds ---- */

static int compose_values(const migration_backfill *b, const lb_texts *key, migration_pieces *ret_values, lb_error *err)
{
    lb_ctx *ctx = b->run->ctx;
    *ret_values = (migration_pieces){.items = lb_alloc(ctx, KEY_MOST * sizeof(void *))};
    if (!ret_values->items)
        return lb_out_of_memory(err);
    if (key->count != b->keys.count)
        return refuse(b, "give it back the key that it had when this began", "has another key than it had", err);
    int r = 0;
    for (size_t i = 0; r >= 0 && i < key->count; i++) {
        const archival_key_value_args args = {.value = key->items[i], .type = b->types[i]};
        r = archival_key_value_compose(ctx, &args, &ret_values->items[ret_values->count++], err);
    }
    return r;
}

static int compose_bounds(const migration_backfill *b, const migration_pieces *columns, const lb_texts *after,
                          const lb_texts *up_to, const lb_sql **ret_after, const lb_sql **ret_within, lb_error *err)
{
    migration_pieces values;
    int r = 0;
    *ret_after = NULL;
    if (after->count) {
        r = compose_values(b, after, &values, err);
        const archival_and_after_args args = {{columns->items, columns->count}, {values.items, values.count}};
        r = r < 0 ? r : archival_and_after_compose(b->run->ctx, &args, ret_after, err);
    }
    r = r < 0 ? r : compose_values(b, up_to, &values, err);
    if (r < 0)
        return r;
    const archival_and_up_to_args args = {{columns->items, columns->count}, {values.items, values.count}};
    return archival_and_up_to_compose(b->run->ctx, &args, ret_within, err);
}

/* A list of a row as one that stays. */
static int keep(const migration_backfill *b, const lb_value *items, size_t count, lb_texts *ret_key, lb_error *err)
{
    const char **copy = lb_alloc(b->run->ctx, (count + 1) * sizeof *copy);
    if (!copy)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        copy[i] = items[i].v.text;
    *ret_key = (lb_texts){copy, count};
    return 0;
}

/* ---- how far it is ---- */

static int read_begun(migration_backfill *b, lb_error *err)
{
    const migration_file *file = b->task->file;
    const migration_batch_begun_args args = {.kind = migration_kind_name(file->kind),
                                             .version = file->version,
                                             .script = file->name,
                                             .generation = b->task->generation,
                                             .step = b->number};
    lb_rows *rows = NULL;
    migration_batch_begun_row row;
    int r = b->task->was_begun ? migration_batch_begun(b->run->ctx, &args, &rows, err) : 0;
    if (r < 0 || !b->task->was_begun || !migration_batch_begun_next(b->run->ctx, rows, &row))
        return r;
    b->begun = row.id;
    b->meaning = row.meaning;
    return 0;
}

static int read_state(migration_backfill *b, lb_error *err)
{
    const migration_batch_state_args args = {.begun = b->begun};
    lb_rows *rows = NULL;
    migration_batch_state_row row;
    int r = migration_batch_state(b->run->ctx, &args, &rows, err);
    if (r < 0 || !migration_batch_state_next(b->run->ctx, rows, &row))
        return r;
    if (strcmp(b->meaning, statement_of(b)->meaning) != 0)
        return refuse(
            b,
            "put the statement back as it was; or, where the new text may meet rows that are done, delete what "
            "lbops_migration.batches has of it",
            "was begun with another text", err);
    b->is_begun = true;
    b->batches = row.batches;
    b->rows = row.rows;
    r = keep(b, row.up_to.items, row.up_to.count, &b->up_to, err);
    return r < 0 ? r : keep(b, row.last.items, row.last.count, &b->last, err);
}

static int read_highest(migration_backfill *b, lb_error *err)
{
    const migration_batch_highest_args args = {.texts = {b->texts.items, b->texts.count},
                                               .schema = b->schema,
                                               .table = b->table,
                                               .downwards = {b->downwards.items, b->downwards.count}};
    lb_rows *rows = NULL;
    migration_batch_highest_row row;
    int r = migration_batch_highest(b->run->ctx, &args, &rows, err);
    return r < 0 || !migration_batch_highest_next(b->run->ctx, rows, &row)
               ? r
               : keep(b, row.key.items, row.key.count, &b->up_to, err);
}

int migrate_batch_state(migration_backfill *b, lb_error *err)
{
    lb_rows *rows = NULL;
    migration_batches_found_row found = {false};
    int r = migration_batches_found(b->run->ctx, &rows, err);
    if (r < 0)
        return r;
    (void)migration_batches_found_next(b->run->ctx, rows, &found); /* one row, always */
    r = read_begun(b, err);
    if (r >= 0 && found.present && b->begun)
        r = read_state(b, err);
    return r < 0 || b->is_begun ? r : read_highest(b, err);
}

static bool same_key(const lb_texts *a, const lb_texts *b)
{
    size_t i = 0;
    while (a->count == b->count && i < a->count && strcmp(a->items[i], b->items[i]) == 0)
        i++;
    return a->count == b->count && i == a->count;
}

bool migrate_batch_is_over(const migration_backfill *b)
{
    return same_key(&b->last, &b->up_to); /* of an empty table neither is there */
}

/* ---- changes ---- */

int migrate_batch_begin(const migration_backfill *b, lb_group *group, lb_error *err)
{
    const migration_begin_batches_args args = {.begun = b->begun, .up_to = {b->up_to.items, b->up_to.count}};
    int r = migration_create_batches(b->run->ctx, group, err);
    return r < 0 || b->is_begun || !b->up_to.count ? r : migration_begin_batches(b->run->ctx, group, &args, err);
}

int migrate_batch_end(const migration_backfill *b, const lb_texts *after, int64_t rows, lb_texts *ret_end,
                      lb_error *err)
{
    lb_rows *found = NULL;
    migration_batch_next_row row;
    migration_batch_next_args args = {.texts = {b->texts.items, b->texts.count},
                                      .schema = b->schema,
                                      .table = b->table,
                                      .keys = {b->keys.items, b->keys.count},
                                      .before = rows - 1};
    int r = compose_bounds(b, &b->keys, after, &b->up_to, &args.after, &args.up_to, err);
    if (r >= 0)
        r = migration_batch_next(b->run->ctx, &args, &found, err);
    *ret_end = b->up_to;
    return r < 0 || !migration_batch_next_next(b->run->ctx, found, &row)
               ? r
               : keep(b, row.key.items, row.key.count, ret_end, err);
}

int migrate_batch_add(const migration_backfill *b, lb_group *group, const lb_texts *after, const lb_texts *end,
                      int64_t number, lb_error *err)
{
    migration_do_batch_args args = {.statement = b->head,
                                    .condition = b->condition,
                                    .begun = b->begun,
                                    .number = number,
                                    .up_to = {end->items, end->count}};
    int r = compose_bounds(b, &b->own, after, end, &args.after, &args.within, err);
    return r < 0 ? r : migration_do_batch(b->run->ctx, group, &args, err);
}

int migrate_batch_plan(const migration_backfill *b, lb_group *group, lb_error *err)
{
    const lb_sql *after = NULL;
    const lb_texts from_the_first = {NULL, 0};
    migration_plan_batches_args args = {.begun = b->begun,
                                        .texts = {b->texts.items, b->texts.count},
                                        .keys = {b->keys.items, b->keys.count},
                                        .schema = b->schema,
                                        .table = b->table,
                                        .batch_rows = statement_of(b)->batch_rows};
    if (!b->up_to.count)
        return 0;
    int r = compose_bounds(b, &b->keys, &from_the_first, &b->up_to, &after, &args.within, err);
    return r < 0 ? r : migration_plan_batches(b->run->ctx, group, &args, err);
}

int migrate_batch_planned(const migration_backfill *b, lb_texts **ret_ends, size_t *ret_count, lb_error *err)
{
    const migration_batches_planned_args args = {.begun = b->begun, .done = b->batches};
    lb_rows *rows = NULL;
    migration_batches_planned_row row;
    *ret_count = 0;
    int r = b->is_begun ? migration_batches_planned(b->run->ctx, &args, &rows, err) : 0;
    if (r < 0 || !b->is_begun)
        return r;
    *ret_ends = lb_alloc(b->run->ctx, ((size_t)lb_row_count(b->run->ctx, rows) + 1) * sizeof **ret_ends);
    if (!*ret_ends)
        return lb_out_of_memory(err);
    while (r >= 0 && migration_batches_planned_next(b->run->ctx, rows, &row))
        r = keep(b, row.key.items, row.key.count, &(*ret_ends)[(*ret_count)++], err);
    return r;
}

int migrate_batch_add_pause(const migration_backfill *b, lb_group *group, int64_t number, lb_error *err)
{
    const migration_batch_pause_args args = {.begun = b->begun, .number = number};
    return migration_batch_pause(b->run->ctx, group, &args, err);
}

int migrate_batch_add_vacuum(const migration_backfill *b, lb_group *group, lb_error *err)
{
    const vacuum_vacuum_only_args args = {.schema = b->schema, .table = b->table};
    return vacuum_vacuum_only(b->run->ctx, group, &args, err);
}

int migrate_batch_finish(const migration_backfill *b, lb_group *group, lb_error *err)
{
    const vacuum_analyze_args args = {.schema = b->schema, .table = b->table};
    int r = vacuum_analyze(b->run->ctx, group, &args, err);
    return r < 0 ? r : migrate_note(b->run, group, b->task, "done", b->number, NULL, err);
}
