/* What the catalogue adds to what the judge has read: hazards of statements that their text alone does not show, as a
 * table may have partitions, and a column views. What an earlier statement of the file has taken away is none. */
#include "migration_catalogue.h"

#include "effect_objects.h"
#include "effect_rules.h"

#include <sql/migration/column_users.h>

typedef struct looking {
    migration_run *run;
    migration_file *file;
    judge_hazard *found;
    size_t count, capacity;
    bool out_of_memory;
} looking;

/* ---- the relations of a statement ---- */

/* Without a schema, as it is the table's. */
static tree used_index(tree node)
{
    char key[64];
    tree value;
    const char *end = tree_end(node);
    for (const char *p = node.at; tree_next_key(p, end, key, sizeof key, &value); p = value.at)
        if (strcmp(key, "indexname") == 0)
            return value;
    return (tree){NULL};
}

static tree schema_of(tree node)
{
    return tree_path(tree_node(node, "AlterTableStmt"), "relation", "schemaname");
}

const char *migrate_text_of(migration_run *run, tree scalar)
{
    char text[128];
    tree_text(scalar, text, sizeof text);
    return arena_strdup(run->memory, text);
}

int migrate_used_index(migration_run *run, const judged *s, const char **ret_name, lb_error *err)
{
    tree index = used_index(s->source->node);
    *ret_name = NULL;
    if (!tree_has(index))
        return 0;
    const migration_relations_row row = {.schema = migrate_text_of(run, schema_of(s->source->node)),
                                         .name = migrate_text_of(run, index)};
    *ret_name = row.schema && row.name ? migrate_relation_name(run, &row) : NULL;
    return *ret_name ? 0 : lb_out_of_memory(err);
}

int migrate_named(migration_run *run, const judged *s, migration_named *ret_named, lb_error *err)
{
    effect_objects objects = {0};
    int r = effect_objects_of_sql(s->source->text, run->memory, &objects, err);
    *ret_named =
        (migration_named){.schemas = arena_alloc(run->memory, (objects.count + 1) * sizeof *ret_named->schemas),
                          .names = arena_alloc(run->memory, (objects.count + 1) * sizeof *ret_named->names)};
    if (r >= 0 && (!ret_named->schemas || !ret_named->names))
        return lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < objects.count; i++)
        if (strcmp(objects.items[i].kind, "relation") == 0) {
            ret_named->schemas[ret_named->count] = objects.items[i].schema;
            ret_named->names[ret_named->count++] = objects.items[i].name;
        }
    return r < 0 ? r : 0;
}

int migrate_ask_relations(migration_run *run, const judged *s, lb_rows **ret_rows, lb_error *err)
{
    migration_named named;
    tree index = used_index(s->source->node);
    *ret_rows = NULL;
    int r = migrate_named(run, s, &named, err);
    if (r >= 0 && tree_has(index)) {
        const char *schema = named.schemas[named.count] = migrate_text_of(run, schema_of(s->source->node));
        const char *name = named.names[named.count++] = migrate_text_of(run, index);
        if (!schema || !name)
            return lb_out_of_memory(err);
    }
    if (r < 0 || !named.count)
        return r;
    const migration_relations_args args = {.schemas = {named.schemas, named.count},
                                           .names = {named.names, named.count}};
    return migration_relations(run->ctx, &args, ret_rows, err);
}

const char *migrate_relation_name(migration_run *run, const migration_relations_row *row)
{
    return *row->schema ? arena_printf(run->memory, "%s.%s", row->schema, row->name) : row->name;
}

/* ---- what the file does ---- */

tree migrate_commands_of(const judged *s)
{
    return tree_get(tree_node(s->source->node, "AlterTableStmt"), "cmds");
}

static bool is_on(const judged *s, const char *table)
{
    tree alter = tree_node(s->source->node, "AlterTableStmt");
    return tree_has(alter) && strcmp(label_of_range(tree_get(alter, "relation")).text, table) == 0;
}

static bool drops_constraint(const judged *s, const char *constraint)
{
    for (tree item = tree_first(migrate_commands_of(s)); item.at; item = tree_next(item)) {
        tree command = tree_node(item, "AlterTableCmd");
        if (tree_is(tree_get(command, "subtype"), "AT_DropConstraint") &&
            strcmp(label_of(tree_get(command, "name")).text, constraint) == 0)
            return true;
    }
    return false;
}

static bool detaches(const judged *s, const char *partition)
{
    for (tree item = tree_first(migrate_commands_of(s)); item.at; item = tree_next(item)) {
        tree command = tree_node(item, "AlterTableCmd"), cut = tree_path(command, "def", "PartitionCmd");
        if (tree_is(tree_get(command, "subtype"), "AT_DetachPartition") &&
            strcmp(label_of_range(tree_get(cut, "name")).text, partition) == 0)
            return true;
    }
    return false;
}

static bool adds_primary_key(const judged *s, const char *table)
{
    for (tree item = tree_first(migrate_commands_of(s)); item.at; item = tree_next(item)) {
        tree constraint = tree_path(tree_path(item, "AlterTableCmd", "def"), "Constraint", "contype");
        if (tree_is(constraint, "CONSTR_PRIMARY") && is_on(s, table))
            return true;
    }
    return false;
}

/* The runner looks for what has no schema in public. */
static bool is_named(const char *name, const char *full)
{
    static const char open[] = "public.";
    return strcmp(name, full) == 0 ||
           (strncmp(full, open, strlen(open)) == 0 && strcmp(name, full + strlen(open)) == 0);
}

static bool drops(const judged *s, const char *full)
{
    tree objects = tree_get(tree_node(s->source->node, "DropStmt"), "objects");
    for (tree object = tree_first(objects); object.at; object = tree_next(object))
        if (is_named(label_of(object).text, full))
            return true;
    const char *dot = strrchr(full, '.');
    if (!dot || !drops_constraint(s, dot + 1))
        return false;
    label table = label_of_range(tree_get(tree_node(s->source->node, "AlterTableStmt"), "relation"));
    char joined[256];
    (void)snprintf(joined, sizeof joined, "%s%s", table.text, dot); /* labels are short; what is cut is another one */
    return is_named(joined, full);
}

/* By a statement before that one. */
static bool was_done(const looking *l, size_t before, bool (*does)(const judged *s, const char *name), const char *name)
{
    for (size_t i = 0; i < before; i++)
        if (does(&l->file->judged.items[i], name))
            return true;
    return false;
}

static bool will_be_done(const looking *l, size_t from, bool (*does)(const judged *s, const char *name),
                         const char *name)
{
    for (size_t i = from; i < l->file->judged.count; i++)
        if (does(&l->file->judged.items[i], name))
            return true;
    return false;
}

/* ---- what is found ---- */

/* By the judge, or in the same words. */
static bool is_told(const looking *l, const judge_hazard *h)
{
    const judgement *j = &l->file->judged;
    for (size_t i = 0; i < j->hazard_count + l->count; i++) {
        const judge_hazard *other = i < j->hazard_count ? &j->hazards[i] : &l->found[i - j->hazard_count];
        bool is_same = other->rule == h->rule && other->statement == h->statement;
        if (is_same && strcmp(other->object, h->object) == 0 &&
            (i < j->hazard_count || strcmp(other->rewrite, h->rewrite) == 0))
            return true;
    }
    return false;
}

static void add(looking *l, size_t at, judge_rule_id id, const char *object, const char *rewrite)
{
    const judge_hazard h = {.rule = id,
                            .statement = (uint32_t)at + 1,
                            .place = l->file->judged.items[at].source->place,
                            .object = object,
                            .rewrite = rewrite};
    l->out_of_memory = l->out_of_memory || !object || !rewrite;
    if (l->out_of_memory || is_told(l, &h))
        return;
    if (l->count == l->capacity) {
        size_t wanted = l->capacity ? l->capacity * 2 : 8;
        judge_hazard *more = arena_alloc(l->run->memory, wanted * sizeof *more);
        if (!more) {
            l->out_of_memory = true;
            return;
        }
        if (l->count)
            memcpy(more, l->found, l->count * sizeof *more);
        l->found = more;
        l->capacity = wanted;
    }
    l->found[l->count++] = h;
}

static void partitions_go_along(looking *l, size_t at, const char *table, int64_t partitions)
{
    add(l, at, JUDGE_PARTITIONS_LOCKED, table,
        arena_printf(
            l->run->memory,
            "%lld partition(s) of it are locked along: in a file of its own, when it is quiet; ONLY where they "
            "are to stay as they are",
            (long long)partitions));
}

static void partition_is_dropped(looking *l, size_t at, const char *table, const char *parent)
{
    if (!was_done(l, at, detaches, table))
        add(l, at, JUDGE_PARTITION_DROP, table,
            arena_printf(l->run->memory, "ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY before it", parent, table));
}

static void index_is_dropped(looking *l, size_t at, const char *index, const char *constraint)
{
    if (!was_done(l, at, drops_constraint, constraint))
        add(l, at, JUDGE_INDEX_DROP_KEY, index,
            arena_printf(l->run->memory, "ALTER TABLE ... DROP CONSTRAINT %s, knowing what it guards", constraint));
}

static void key_is_dropped(looking *l, size_t at, const char *table, const migration_relations_row *row)
{
    const char *key = arena_printf(l->run->memory, "%s.%s", table, row->primary_key);
    if (will_be_done(l, at, adds_primary_key, table))
        return;
    add(l, at, JUDGE_PRIMARY_KEY_DROP, key,
        row->publications ? arena_printf(l->run->memory,
                                         "%s is published by %s: add the key that follows in the same statement, or "
                                         "ALTER TABLE ... REPLICA IDENTITY USING INDEX before it",
                                         table, row->publications)
                          : judge_rule_of(JUDGE_PRIMARY_KEY_DROP)->safe);
}

/* ---- what is asked ---- */

static bool shows_as_owner(const judged *s)
{
    tree view = tree_node(s->source->node, "ViewStmt");
    return tree_has(view) && !option_is_on(tree_get(view, "options"), "security_invoker");
}

static bool shows_as_asked(const judged *s, const char *view)
{
    for (tree item = tree_first(migrate_commands_of(s)); item.at; item = tree_next(item)) {
        tree command = tree_node(item, "AlterTableCmd");
        if (tree_is(tree_get(command, "subtype"), "AT_SetRelOptions") && is_on(s, view) &&
            option_is_on(tree_path(tree_get(command, "def"), "List", "items"), "security_invoker"))
            return true;
    }
    return false;
}

static void view_is_made(looking *l, size_t at)
{
    label view = label_of_range(tree_path(l->file->judged.items[at].source->node, "ViewStmt", "view"));
    if (!will_be_done(l, at, shows_as_asked, view.text))
        add(l, at, JUDGE_VIEW_SECURITY, arena_strdup(l->run->memory, view.text),
            judge_rule_of(JUDGE_VIEW_SECURITY)->safe);
}

static void index_is_refused(looking *l, size_t at, const char *table)
{
    label index = label_of(tree_path(l->file->judged.items[at].source->node, "IndexStmt", "idxname"));
    add(l, at, JUDGE_INDEX_PARTITIONED, index.text[0] ? arena_strdup(l->run->memory, index.text) : table,
        judge_rule_of(JUDGE_INDEX_PARTITIONED)->safe);
}

static bool drops_kind(const judged *s, const char *kind)
{
    return tree_is(tree_get(tree_node(s->source->node, "DropStmt"), "removeType"), kind);
}

static bool builds_concurrently(const judged *s)
{
    return tree_true(tree_get(tree_node(s->source->node, "IndexStmt"), "concurrent"));
}

static bool is_worth_asking(const judged *s)
{
    return s->with_partitions || builds_concurrently(s) || shows_as_owner(s) || drops_kind(s, "OBJECT_TABLE") ||
           drops_kind(s, "OBJECT_INDEX");
}

static void look_at_relation(looking *l, size_t at, const migration_relations_row *row)
{
    const judged *s = &l->file->judged.items[at];
    const char *full = migrate_relation_name(l->run, row);
    if (!full) {
        l->out_of_memory = true;
        return;
    }
    if (s->with_partitions && row->partitions && strcmp(full, s->lock_on) == 0)
        partitions_go_along(l, at, full, row->partitions);
    if (builds_concurrently(s) && row->is_partitioned && strcmp(full, s->lock_on) == 0)
        index_is_refused(l, at, full);
    if (drops_kind(s, "OBJECT_TABLE") && row->partition_of)
        partition_is_dropped(l, at, full, row->partition_of);
    if (drops_kind(s, "OBJECT_INDEX") && row->backs)
        index_is_dropped(l, at, full, row->backs);
    if (row->primary_key && is_on(s, full) && drops_constraint(s, row->primary_key))
        key_is_dropped(l, at, full, row);
    if (shows_as_owner(s) && row->is_secured)
        view_is_made(l, at);
}

static int look_at_relations(looking *l, size_t at, lb_error *err)
{
    const judged *s = &l->file->judged.items[at];
    migration_relations_row row;
    lb_rows *rows = NULL;
    int r = is_worth_asking(s) ? migrate_ask_relations(l->run, s, &rows, err) : 0;
    while (r >= 0 && rows && migration_relations_next(l->run->ctx, rows, &row))
        look_at_relation(l, at, &row);
    return r;
}

/* ---- types ---- */

static void look_at_user(looking *l, size_t at, const char *table, const migration_column_users_row *row)
{
    const char *column = arena_printf(l->run->memory, "%s.%s", table, row->column_name);
    if (*row->name && was_done(l, at, drops, row->name))
        return;
    if (row->refers)
        add(l, at, JUDGE_COLUMN_TYPE_KEY, column,
            arena_printf(l->run->memory, "%s refers to it: %s", row->what, judge_rule_of(JUDGE_COLUMN_TYPE_KEY)->safe));
    else
        add(l, at, JUDGE_COLUMN_TYPE_USED, column,
            *row->name
                ? arena_printf(l->run->memory, "drop the %s before, and create it again behind, both in the same file",
                               row->what)
                : arena_printf(l->run->memory, "take the column out of the %s before", row->what));
}

static int find_types(looking *l, tree commands, const char **ret_columns, size_t *ret_count, lb_error *err)
{
    *ret_count = 0;
    for (tree item = tree_first(commands); item.at; item = tree_next(item)) {
        tree command = tree_node(item, "AlterTableCmd");
        if (!tree_is(tree_get(command, "subtype"), "AT_AlterColumnType"))
            continue;
        ret_columns[*ret_count] = migrate_text_of(l->run, tree_get(command, "name"));
        if (!ret_columns[(*ret_count)++])
            return lb_out_of_memory(err);
    }
    return 0;
}

static int look_at_types(looking *l, size_t at, lb_error *err)
{
    tree range = tree_path(l->file->judged.items[at].source->node, "AlterTableStmt", "relation");
    tree commands = migrate_commands_of(&l->file->judged.items[at]);
    if (!tree_has(commands))
        return 0;
    const char **columns = arena_alloc(l->run->memory, (tree_count(commands) + 1) * sizeof *columns);
    const char *name = arena_strdup(l->run->memory, label_of_range(range).text);
    migration_column_users_args args = {.schema = migrate_text_of(l->run, tree_get(range, "schemaname")),
                                        .table = migrate_text_of(l->run, tree_get(range, "relname"))};
    migration_column_users_row row;
    lb_rows *rows = NULL;
    if (!columns || !name || !args.schema || !args.table)
        return lb_out_of_memory(err);
    int r = find_types(l, commands, columns, &args.columns.count, err);
    args.columns.items = columns;
    if (r < 0 || !args.columns.count)
        return r;
    r = migration_column_users(l->run->ctx, &args, &rows, err);
    while (r >= 0 && migration_column_users_next(l->run->ctx, rows, &row))
        look_at_user(l, at, name, &row);
    return r;
}

/* ---- the file ---- */

int migrate_look_at_catalogue(migration_run *run, migration_file *file, lb_error *err)
{
    looking l = {.run = run, .file = file};
    judgement *j = &file->judged;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < j->count; i++) {
        r = look_at_relations(&l, i, err);
        if (r >= 0)
            r = look_at_types(&l, i, err);
    }
    if (r < 0)
        return lb_wrap(err, file->name);
    judge_hazard *all = arena_alloc(run->memory, (j->hazard_count + l.count + 1) * sizeof *all);
    if (l.out_of_memory || !all)
        return lb_out_of_memory(err);
    if (j->hazard_count)
        memcpy(all, j->hazards, j->hazard_count * sizeof *all);
    if (l.count)
        memcpy(all + j->hazard_count, l.found, l.count * sizeof *all);
    j->hazards = all;
    j->hazard_count += l.count;
    return 0;
}
