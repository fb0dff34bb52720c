/* What migrations are applied to. Before a file is applied, the definitions of whatever it names are noted as prints;
 * where it is applied for good, after it was tried on a branch, they are held against what was noted there: a base that
 * has moved in other places does not matter, one that has moved in these has been tried by nobody. */
#include "migration_base.h"

#include "effect_objects.h"
#include "fs.h"
#include "json.h"

#include <sql/host/fingerprint.h>
#include <sql/migration/base_rows.h>
#include <sql/migration/write_base.h>

#define MOST_FILE  ((size_t)16 << 20)
#define PRINT_TEXT 17 /* enough to tell two definitions of one name apart */

/* ---- prints ---- */

/* Roles, databases and settings are no part of a branch. */
static bool is_of_branch(const effect_object *o)
{
    static const char *const kinds[] = {"relation", "function", "schema", "schema_contents", "type", "publication"};
    for (size_t i = 0; i < LB_COUNT(kinds); i++)
        if (strcmp(kinds[i], o->kind) == 0)
            return strcmp(o->schema, "lbops_migration") != 0;
    return false;
}

static int look_up(migration_run *run, const effect_objects *objects, lb_rows **ret_rows, lb_error *err)
{
    size_t bytes = (objects->count + 1) * sizeof(const char *), n = 0;
    const char **kinds = arena_alloc(run->memory, bytes), **schemas = arena_alloc(run->memory, bytes),
               **names = arena_alloc(run->memory, bytes);
    if (!kinds || !schemas || !names)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < objects->count; i++) {
        kinds[n] = objects->items[i].kind;
        schemas[n] = objects->items[i].schema;
        names[n++] = objects->items[i].name;
    }
    const host_fingerprint_args args = {.kinds = {kinds, n}, .schemas = {schemas, n}, .names = {names, n}};
    return host_fingerprint(run->ctx, &args, ret_rows, err);
}

static const char *name_of(migration_run *run, const char *kind, const char *schema, const char *name)
{
    return arena_printf(run->memory, "%s %s%s%s", kind, schema, *schema ? "." : "", name);
}

/* Which number an object was made under is nobody's decision; branches and their source go on counting apart. */
static bool counts(const char *part)
{
    return strncmp(part, "oid", 3) != 0;
}

typedef struct sum {
    sha256 state;
    bool is_there;
} sum;

/* Rows of one object stand together. NULL where a row is of none that was asked for. */
static sum *sum_of(const migration_prints *p, sum *sums, sum *last, const char *name)
{
    if (last && strcmp(p->objects[last - sums], name) == 0)
        return last;
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->objects[i], name) == 0)
            return &sums[i];
    return NULL;
}

static int end_prints(migration_run *run, sum *sums, migration_prints *p, lb_error *err)
{
    for (size_t i = 0; i < p->count; i++) {
        char text[SHA256_TEXT] = "absent";
        if (sums[i].is_there)
            sha256_end_text(&sums[i].state, text);
        p->prints[i] = arena_strndup(run->memory, text, PRINT_TEXT - 1);
        if (!p->prints[i])
            return lb_out_of_memory(err);
    }
    return 0;
}

static int put_prints(migration_run *run, lb_rows *rows, migration_prints *p, lb_error *err)
{
    host_fingerprint_row row;
    sum *sums = arena_alloc(run->memory, (p->count + 1) * sizeof *sums), *now = NULL;
    if (!sums)
        return lb_out_of_memory(err);
    while (host_fingerprint_next(run->ctx, rows, &row)) {
        const char *name = name_of(run, row.kind, row.schema, row.name);
        if (!name)
            return lb_out_of_memory(err);
        now = sum_of(p, sums, now, name);
        if (!now || !counts(row.part))
            continue;
        if (!now->is_there)
            sha256_init(&now->state);
        now->is_there = true;
        sha256_add(&now->state, row.part, strlen(row.part) + 1);
        sha256_add(&now->state, row.value, strlen(row.value) + 1);
    }
    return end_prints(run, sums, p, err);
}

static int print_objects(migration_run *run, const effect_objects *objects, migration_prints *ret_prints, lb_error *err)
{
    lb_rows *rows = NULL;
    effect_objects ours = {.items = arena_alloc(run->memory, (objects->count + 1) * sizeof *ours.items)};
    migration_prints p = {.objects = arena_alloc(run->memory, (objects->count + 1) * sizeof *p.objects),
                          .prints = arena_alloc(run->memory, (objects->count + 1) * sizeof *p.prints)};
    if (!ours.items || !p.objects || !p.prints)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < objects->count; i++) {
        const effect_object *o = &objects->items[i];
        if (!is_of_branch(o))
            continue;
        p.objects[p.count] = name_of(run, o->kind, o->schema, o->name);
        ours.items[p.count] = *o;
        if (!p.objects[p.count++])
            return lb_out_of_memory(err);
    }
    ours.count = p.count;
    int r = p.count ? look_up(run, &ours, &rows, err) : 0;
    if (r >= 0 && p.count)
        r = put_prints(run, rows, &p, err);
    if (r >= 0)
        *ret_prints = p;
    return r;
}

static int print_file(migration_run *run, const migration_file *file, migration_prints *ret_prints, lb_error *err)
{
    effect_objects objects = {0};
    int r = effect_objects_of_sql(file->text, run->memory, &objects, err);
    if (r == LB_ERR_LIMIT) { /* thousands of objects: nobody compares them, and it is applied all the same */
        *ret_prints = (migration_prints){0};
        return 0;
    }
    return r < 0 ? r : print_objects(run, &objects, ret_prints, err);
}

/* A plan notes nothing, so it need not stand behind a lock for it, and not once for each file. */
static int print_base(migration_run *run, const migration_file *file, migration_prints *ret_prints, lb_error *err)
{
    int r = run->leaves_out_base ? 0 : print_file(run, file, ret_prints, err);
    if (r >= 0 || !lb_plans(run->ctx) || strcmp(err->sqlstate, "55P03") != 0)
        return r;
    run->leaves_out_base = true;
    return lb_skipped(run->ctx, file->name, "what it names is locked by another session, so its base is not looked at",
                      err);
}

int migrate_note_base(migration_run *run, lb_group *group, const migration_task *task, lb_error *err)
{
    migration_prints p = {0};
    int r = print_base(run, task->file, &p, err);
    if (r < 0)
        return lb_wrap(err, "what it is applied to");
    const migration_write_base_args args = {.branch = lb_run_target(run->ctx)->branch,
                                            .script = task->file->name,
                                            .generation = task->generation,
                                            .checksum = task->file->checksum,
                                            .objects = {p.objects, p.count},
                                            .prints = {p.prints, p.count}};
    return migration_write_base(run->ctx, group, &args, err);
}

/* ---- telling ---- */

static const migration_file *find_file(const migration_files *files, const char *name, const char *checksum)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].name, name) == 0 && strcmp(files->items[i].checksum, checksum) == 0)
            return &files->items[i];
    return NULL;
}

static int tell_row(migration_run *run, const migration_files *files, const migration_base_rows_row *row, lb_error *err)
{
    migration_prints now = {0};
    const migration_file *file = find_file(files, row->script, row->checksum);
    int r = file ? print_file(run, file, &now, err) : 0;
    lb_value *after = arena_alloc(run->memory, (now.count + 1) * sizeof *after);
    if (r < 0 || !after)
        return r < 0 ? r : lb_out_of_memory(err);
    for (size_t i = 0; i < now.count; i++)
        after[i] = lb_text(NULL, now.prints[i]);
    return lb_append(run->ctx, "tried",
                     LB_ARGS(lb_text("file", row->script), lb_text("checksum", row->checksum),
                             lb_list("objects", LB_TEXT, row->objects.items, row->objects.count),
                             lb_list("prints", LB_TEXT, row->prints.items, row->prints.count),
                             file ? lb_list("after", LB_TEXT, after, now.count) : lb_null("after")),
                     err);
}

int migrate_tell_base(migration_run *run, const migration_files *files, lb_error *err)
{
    bool is_there = false;
    lb_rows *rows = NULL;
    migration_ledger ledger;
    migration_base_rows_row row;
    const migration_base_rows_args args = {.branch = lb_run_target(run->ctx)->branch};
    int r = migrate_read_ledger(run, &ledger, &is_there, err);
    if (r < 0 || !is_there)
        return r;
    r = migration_base_rows(run->ctx, &args, &rows, err);
    while (r >= 0 && migration_base_rows_next(run->ctx, rows, &row))
        r = tell_row(run, files, &row, err);
    return r < 0 ? lb_wrap(err, "what migrations were applied to") : 0;
}

/* ---- what was told elsewhere ---- */

static void put_object(void *object)
{
    (void)json_object_put(object); /* says only whether it was the last reference */
}

int migrate_read_tried(migration_run *run, const char *path, struct json_object **ret_tried, lb_error *err)
{
    LB_AUTO_FREE char *text = NULL;
    size_t length = 0;
    int r = fs_read(path, MOST_FILE, &text, &length, err);
    if (r < 0)
        return r;
    struct json_object *tried = json_parse(text, length, err);
    if (tried && arena_defer(run->memory, put_object, tried) < 0) {
        put_object(tried);
        return lb_out_of_memory(err);
    }
    if (!tried || !json_object_is_type(tried, json_type_array))
        return lb_fail(err, LB_ERR_INVALID, "it is the list `tried` of a run with --tell_base on that branch",
                       "%s is no list of tried migrations", path);
    *ret_tried = tried;
    return 0;
}

static struct json_object *find_tried(struct json_object *tried, const migration_file *file)
{
    struct json_object *found = NULL;
    for (size_t i = 0; i < json_object_array_length(tried); i++) {
        struct json_object *item = json_object_array_get_idx(tried, i);
        const char *name = json_get_text(item, "file"), *checksum = json_get_text(item, "checksum");
        if (name && checksum && strcmp(name, file->name) == 0 && strcmp(checksum, file->checksum) == 0)
            found = item; /* the last time that it was tried */
    }
    return found;
}

/* NULL: it does not say. */
static const char *print_in(struct json_object *entry, const char *list, const char *object)
{
    struct json_object *objects = json_get_list(entry, "objects"), *prints = json_get_list(entry, list);
    size_t count = objects && prints ? json_object_array_length(objects) : 0;
    for (size_t i = 0; i < count && i < json_object_array_length(prints); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(objects, i));
        if (name && strcmp(name, object) == 0)
            return json_object_get_string(json_object_array_get_idx(prints, i));
    }
    return NULL;
}

/* ---- comparing ---- */

typedef struct named {
    const char *object;
    bool was_tried; /* the file that names it */
} named;

typedef struct comparison {
    named *seen; /* by files before */
    size_t seen_count, room;
    const char *file, *object; /* the first that has moved */
    size_t moved;
} comparison;

static const named *find_named(const comparison *c, const char *object)
{
    for (size_t i = c->seen_count; i-- > 0;)
        if (strcmp(c->seen[i].object, object) == 0)
            return &c->seen[i];
    return NULL;
}

static int see(migration_run *run, comparison *c, const migration_prints *p, bool was_tried, lb_error *err)
{
    if (c->seen_count + p->count > c->room) {
        size_t room = (c->seen_count + p->count) * 2;
        named *grown = arena_alloc(run->memory, room * sizeof *grown);
        if (!grown)
            return lb_out_of_memory(err);
        if (c->seen_count)
            memcpy(grown, c->seen, c->seen_count * sizeof *grown);
        c->seen = grown;
        c->room = room;
    }
    for (size_t i = 0; i < p->count; i++)
        c->seen[c->seen_count++] = (named){p->objects[i], was_tried};
    return 0;
}

/* What a file before it names is as that one leaves it, there as here, unless that one was never there. */
static bool has_moved(const comparison *c, struct json_object *entry, const char *object, const char *print)
{
    const named *before = find_named(c, object);
    const char *then = before ? NULL : print_in(entry, "prints", object);
    return before ? !before->was_tried : !then || strcmp(then, print) != 0;
}

static int compare_file(migration_run *run, comparison *c, const migration_file *file, struct json_object *tried,
                        lb_error *err)
{
    migration_prints now = {0};
    struct json_object *entry = find_tried(tried, file);
    int r = print_file(run, file, &now, err);
    if (r >= 0 && !entry)
        r = lb_skipped(run->ctx, file->name, "it was not tried on the branch that this one is compared with", err);
    for (size_t i = 0; r >= 0 && entry && i < now.count; i++) {
        if (!has_moved(c, entry, now.objects[i], now.prints[i]))
            continue;
        c->file = c->moved ? c->file : file->name;
        c->object = c->moved ? c->object : now.objects[i];
        c->moved++;
    }
    return r < 0 ? r : see(run, c, &now, entry != NULL, err);
}

/* A file that was begun here before is past its base. */
int migrate_hold_to_base(migration_run *run, const migration_plan *plan, struct json_object *tried, lb_error *err)
{
    comparison c = {0};
    int r = 0;
    for (size_t i = 0; r >= 0 && i < plan->count; i++)
        if (!plan->tasks[i].done && !plan->tasks[i].was_begun)
            r = compare_file(run, &c, plan->tasks[i].file, tried, err);
    if (r < 0 || !c.moved)
        return r < 0 ? lb_wrap(err, "what it was tried on") : 0;
    char more[48] = "";
    if (c.moved > 1)
        (void)snprintf(more, sizeof more, " (and %zu more)", c.moved - 1); /* it fits */
    return lb_fail(err, LB_ERR_CONFLICT,
                   "try it on a branch of what is here now (test_migration_on_branch); then apply it without --tried",
                   "%s touches the %.200s%s, which is not here as it was where the migration was tried", c.file,
                   c.object, more);
}

static int report_end(migration_run *run, const migration_file *file, const char *object, lb_error *err)
{
    const lb_value *evidence = arena_values(run->memory, LB_ARGS(lb_text("file", file->name)));
    if (!evidence)
        return lb_out_of_memory(err);
    return lb_report(run->ctx,
                     LB_FINDING(.object = object, .kind = "replayed-differently",
                                .reason = "after the replay it is not defined as it was after the trial",
                                .evidence = evidence, .terms = LB_TERMS({"definitions_compared", 0.9})),
                     err);
}

/* What more was tried on an object than has been done here, it cannot show yet. */
static bool is_all_done(const migration_ledger *ledger, struct json_object *tried, const char *object)
{
    for (size_t i = 0; i < json_object_array_length(tried); i++) {
        struct json_object *entry = json_object_array_get_idx(tried, i);
        const char *file = json_get_text(entry, "file"), *checksum = json_get_text(entry, "checksum");
        if (file && checksum && print_in(entry, "prints", object) && !migration_stands(ledger, file, checksum))
            return false;
    }
    return true;
}

int migrate_compare_end(migration_run *run, const migration_plan *plan, const migration_ledger *ledger,
                        struct json_object *tried, lb_error *err)
{
    comparison c = {0};
    int r = 0;
    for (size_t i = 0; r >= 0 && i < plan->count; i++) {
        migration_prints now = {0};
        const migration_file *file = plan->tasks[i].file;
        struct json_object *entry = find_tried(tried, file);
        r = entry ? print_file(run, file, &now, err) : 0;
        for (size_t k = 0; r >= 0 && k < now.count; k++) {
            const char *then = print_in(entry, "after", now.objects[k]);
            if (then && strcmp(then, now.prints[k]) != 0 && !find_named(&c, now.objects[k]) &&
                is_all_done(ledger, tried, now.objects[k]))
                r = report_end(run, file, now.objects[k], err);
        }
        r = r < 0 ? r : see(run, &c, &now, true, err);
    }
    return r;
}
