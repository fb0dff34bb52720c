/* What every rule needs to say what it found, and to write the statement that would help. */
#include "index_work.h"
#include "amount.h"

#include "index_tree.h"

#include <sql/index/create.h>
#include <sql/index/create_tree.h>
#include <sql/index/definitions.h>
#include <sql/index/drop.h>
#include <sql/index/drop_tree.h>
#include <sql/index/names.h>
#include <sql/index/rebuild.h>

#define NAME_BYTES 63
#define STEM_BYTES (NAME_BYTES - 8) /* room for _idx and a number */

/* ---- telling ---- */

enum { MARK_GOES = 1, MARK_KEPT = 2 };

int index_use_marks(index_work *work, lb_error *err)
{
    work->marks = lb_alloc(work->ctx, work->set->index_count + 1);
    return work->marks ? 0 : lb_out_of_memory(err);
}

static void mark(index_work *work, const index_info *x, int what)
{
    if (work->marks)
        work->marks[x - work->set->indexes] |= (unsigned char)what;
}

void index_mark_kept(index_work *work, const index_info *x)
{
    mark(work, x, MARK_KEPT);
}

static int marks_of(const index_work *work, const index_info *x)
{
    return work->marks ? work->marks[x - work->set->indexes] : 0;
}

bool index_goes(const index_work *work, const index_info *x)
{
    return marks_of(work, x) & MARK_GOES;
}

const char *index_mark_text(const index_work *work, const index_info *x)
{
    int marks = marks_of(work, x);
    return marks & MARK_GOES   ? "{it is|they are} to be dropped for another reason"
           : marks & MARK_KEPT ? "{it replaces|they replace} an index that is to go first"
                               : NULL;
}

struct index_promise {
    const index_table *table;
    const lb_value *columns; /* texts */
    size_t count;
    struct index_promise *next;
};

static int promise(index_work *work, const index_finding *f, lb_error *err)
{
    const lb_value *list = f->columns;
    struct index_promise *kept = lb_alloc(work->ctx, sizeof *kept);
    lb_value *columns = kept ? lb_alloc(work->ctx, list->count * sizeof *columns) : NULL;
    if (!columns)
        return lb_out_of_memory(err);
    memcpy(columns, list->v.items, list->count * sizeof *columns);
    *kept = (struct index_promise){f->table, columns, list->count, work->promises};
    work->promises = kept;
    return 0;
}

bool index_is_promised(const index_work *work, const index_table *table, const index_column *const *columns, int count)
{
    for (const struct index_promise *p = work->promises; p; p = p->next) {
        int found = 0;
        for (int i = 0; i < count; i++)
            for (size_t k = 0; k < p->count && k < (size_t)count; k++)
                found += strcmp(p->columns[k].v.text, columns[i]->r.name) == 0;
        if (p->table == table && found == count)
            return true;
    }
    return false;
}

/* Whoever decides on it has to know. */
static const char *with_lock(lb_ctx *ctx, const index_finding *f)
{
    return f->reason && f->fix.statement == &index_drop_tree_sql
               ? lb_printf(ctx,
                           "%s; to drop it takes an ACCESS EXCLUSIVE lock on its table and all partitions, for none of "
                           "them can be dropped concurrently",
                           f->reason)
               : f->reason;
}

int index_tell(index_work *work, const index_finding *finding, lb_error *err)
{
    index_finding told = *finding;
    told.reason = with_lock(work->ctx, finding);
    work->found++;
    if (finding->type && finding->columns && strcmp(finding->type, "create_fk_index") == 0) {
        int r = promise(work, finding, err);
        if (r < 0)
            return r;
    }
    if (finding->index && finding->type && strncmp(finding->type, "drop", 4) == 0)
        mark(work, finding->index, MARK_GOES);
    return work->tell(work, &told, err);
}

const char *index_object(lb_ctx *ctx, const index_finding *f)
{
    if (f->object)
        return f->object;
    return f->index ? index_label(ctx, f->index->r.schema, f->index->r.name)
                    : index_label(ctx, f->table->r.schema, f->table->r.name);
}

int index_report(index_work *work, const index_finding *f, lb_error *err)
{
    const char *object = index_object(work->ctx, f);
    const lb_sql *const *steps = index_fix_steps(work->ctx, &f->fix);
    if (!object || !f->reason || !f->evidence || !steps)
        return lb_out_of_memory(err);
    return lb_report(work->ctx,
                     LB_FINDING(.object = object, .kind = f->kind, .reason = f->reason, .evidence = f->evidence,
                                .terms = f->terms, .impact = f->impact, .fix = f->fix.step_count ? NULL : f->fix.sql,
                                .steps = steps, .step_count = (uint32_t)f->fix.step_count),
                     err);
}

void index_pass(index_work *work, const char *reason)
{
    size_t i = 0;
    while (i + 1 < sizeof work->passed / sizeof *work->passed && work->passed[i].reason &&
           strcmp(work->passed[i].reason, reason) != 0)
        i++;
    work->passed[i].reason = reason;
    work->passed[i].count++;
}

int index_tell_passed(index_work *work, const char *one, const char *many, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < sizeof work->passed / sizeof *work->passed && work->passed[i].reason; i++) {
        const int64_t count = (int64_t)work->passed[i].count;
        const char *told = lb_printf(work->ctx, "%lld %s", (long long)count, count == 1 ? one : many);
        const char *why = amount_words(work->ctx, count, work->passed[i].reason);
        r = told && why ? lb_skipped(work->ctx, told, why, err) : lb_out_of_memory(err);
        work->passed[i] = (index_passed){0};
    }
    return r;
}

int index_skip(index_work *work, const index_info *x, const char *reason, lb_error *err)
{
    const char *object = index_label(work->ctx, x->r.schema, x->r.name);
    return object && reason ? lb_skipped(work->ctx, object, reason, err) : lb_out_of_memory(err);
}

/* ---- statements ---- */

int index_definition(index_work *work, const index_info *x, const char **ret_text, lb_error *err)
{
    lb_rows *rows = NULL;
    index_definitions_row row;
    const index_definitions_args args = {.index_ids = {.items = &x->r.index_id, .count = 1}};
    int r = index_definitions(work->ctx, &args, &rows, err);
    if (r < 0)
        return lb_wrap(err, "definition of an index");
    *ret_text = index_definitions_next(work->ctx, rows, &row) ? row.definition : "";
    return 0;
}

int index_make_fix(index_work *work, const lb_statement *statement, const lb_value *values, index_fix *ret_fix,
                   lb_error *err)
{
    size_t count = 1;
    while (values[count - 1].type != LB_END)
        count++;
    lb_value *kept = lb_alloc(work->ctx, count * sizeof *kept);
    if (!kept)
        return lb_out_of_memory(err);
    memcpy(kept, values, count * sizeof *kept);
    *ret_fix = (index_fix){.statement = statement, .values = kept};
    return lb_compose(work->ctx, statement, kept, &ret_fix->sql, err);
}

static int fix_drop(index_work *work, bool is_tree, const char *schema, const char *name, index_fix *ret_fix,
                    lb_error *err)
{
    return index_make_fix(work, is_tree ? &index_drop_tree_sql : &index_drop_sql,
                          LB_ARGS(lb_ident("schema", schema), lb_ident("name", name)), ret_fix, err);
}

int index_fix_drop(index_work *work, const index_info *x, index_fix *ret_fix, lb_error *err)
{
    return fix_drop(work, x->r.is_partitioned, x->r.schema, x->r.name, ret_fix, err);
}

/* An index stands in the schema of its table. */
int index_fix_drop_new(index_work *work, const index_table *table, const char *name, index_fix *ret_fix, lb_error *err)
{
    return fix_drop(work, table->r.kind[0] == 'p', table->r.schema, name, ret_fix, err);
}

int index_fix_rebuild(index_work *work, const index_info *x, index_fix *ret_fix, lb_error *err)
{
    return index_make_fix(work, &index_rebuild_sql,
                          LB_ARGS(lb_ident("schema", x->r.schema), lb_ident("name", x->r.name)), ret_fix, err);
}

/* Cuts at a whole character of UTF-8. */
static size_t cut(const char *text, size_t length, size_t room)
{
    if (length <= room)
        return length;
    while (room && ((unsigned char)text[room] & 0xC0) == 0x80)
        room--;
    return room;
}

/* table_a_b, shortened so that something of the columns stays. */
static const char *stem_of(lb_ctx *ctx, const char *table, const char *const *names, size_t count)
{
    const char *columns = "";
    for (size_t i = 0; columns && i < count; i++)
        columns = lb_printf(ctx, "%s_%s", columns, names[i]);
    if (!columns)
        return NULL;
    size_t length = strlen(columns), most = length < STEM_BYTES / 2 ? length : STEM_BYTES / 2;
    size_t table_length = cut(table, strlen(table), STEM_BYTES - most);
    size_t column_length = cut(columns, length, STEM_BYTES - table_length);
    return lb_printf(ctx, "%.*s%.*s", (int)table_length, table, (int)column_length, columns);
}

/* A name that is given, in the schema or earlier in this pass. */
typedef struct index_name {
    const char *schema, *name;
    struct index_name *next;
} index_name;

static int give_name(index_work *work, const char *schema, const char *name, lb_error *err)
{
    index_name *given = lb_alloc(work->ctx, sizeof *given);
    if (!given)
        return lb_out_of_memory(err);
    *given = (index_name){schema, name, work->names};
    work->names = given;
    return 0;
}

static bool is_given(const index_work *work, const char *schema, const char *name)
{
    for (const index_name *n = work->names; n; n = n->next)
        if (strcmp(n->name, name) == 0 && strcmp(n->schema, schema) == 0)
            return true;
    return false;
}

/* Then idx1, idx2 ... until it is free. */
int index_choose_name(index_work *work, const index_table *table, const char *const *columns, size_t count,
                      const char **ret_name, lb_error *err)
{
    const char *stem = stem_of(work->ctx, table->r.name, columns, count), *schema = table->r.schema;
    const char *beginning = stem ? lb_printf(work->ctx, "%s_idx", stem) : NULL, *name = beginning;
    const index_names_args args = {.schema = schema, .beginning = beginning};
    index_names_row row;
    lb_rows *rows = NULL;
    int r = beginning ? index_names(work->ctx, &args, &rows, err) : lb_out_of_memory(err);
    while (r >= 0 && index_names_next(work->ctx, rows, &row))
        r = give_name(work, schema, row.name, err);
    for (int number = 1; r >= 0 && name && is_given(work, schema, name); number++)
        name = lb_printf(work->ctx, "%s%d", beginning, number);
    if (r < 0 || !name)
        return r < 0 ? r : lb_out_of_memory(err);
    *ret_name = name;
    return give_name(work, schema, name, err);
}

/* A partitioned table's cannot be built concurrently: in one statement it is made where nobody else is. */
int index_fix_create(index_work *work, const index_wanted *w, const char **ret_name, index_fix *ret_fix, lb_error *err)
{
    const lb_sql *body = NULL;
    bool is_tree = w->table->r.kind[0] == 'p';
    int r = index_choose_name(work, w->table, w->columns, w->count, ret_name, err);
    if (r >= 0)
        r = index_compose_body(work->ctx, w, &body, err);
    if (r >= 0)
        r = index_make_fix(work, is_tree ? &index_create_tree_sql : &index_create_sql,
                           LB_ARGS(lb_ident("name", *ret_name), lb_ident("schema", w->table->r.schema),
                                   lb_ident("table", w->table->r.name), lb_sql_value("body", body)),
                           ret_fix, err);
    return r < 0 || !is_tree || !work->set ? r : index_tree_create(work, w, *ret_name, body, ret_fix, err);
}

bool index_has_fix(const index_fix *fix)
{
    return fix->sql || fix->step_count;
}

const lb_sql *const *index_fix_steps(lb_ctx *ctx, const index_fix *fix)
{
    const lb_sql **steps = lb_alloc(ctx, (fix->step_count + 1) * sizeof(void *));
    for (size_t i = 0; steps && i < fix->step_count; i++)
        steps[i] = fix->steps[i].sql;
    return steps;
}

#define BETWEEN ";\n"

static char *append(char *end, const char *text)
{
    size_t length = strlen(text);
    memcpy(end, text, length + 1);
    return end + length;
}

/* A tree of partitions has thousands of steps: they are put together once. */
const char *index_fix_text(lb_ctx *ctx, const index_fix *fix)
{
    if (!fix->step_count)
        return fix->sql ? lb_sql_text(ctx, fix->sql) : NULL;
    const char **steps = lb_alloc(ctx, fix->step_count * sizeof *steps);
    size_t length = 0;
    for (size_t i = 0; steps && i < fix->step_count; i++) {
        steps[i] = lb_sql_text(ctx, fix->steps[i].sql);
        if (!steps[i])
            return NULL;
        length += strlen(steps[i]) + strlen(BETWEEN);
    }
    char *text = steps ? lb_alloc(ctx, length + 1) : NULL, *end = text;
    for (size_t i = 0; text && i < fix->step_count; i++)
        end = append(i ? append(end, BETWEEN) : end, steps[i]);
    return text;
}

int index_fix_apply(lb_ctx *ctx, lb_group *group, const index_fix *fix, lb_error *err)
{
    int r = fix->step_count ? 0 : lb_change_sql(ctx, group, fix->statement, fix->values, err);
    for (size_t i = 0; i < fix->step_count && r >= 0; i++)
        r = lb_change_sql(ctx, group, fix->steps[i].statement, fix->steps[i].values, err);
    return r;
}

const lb_value *index_texts(lb_ctx *ctx, const char *name, const char *const *texts, size_t count)
{
    lb_value *items = lb_alloc(ctx, (count + 2) * sizeof *items);
    if (!items)
        return NULL;
    for (size_t i = 0; i < count; i++)
        items[i + 1] = lb_text(NULL, texts[i]);
    items[0] = lb_list(name, LB_TEXT, items + 1, count);
    return items;
}

const char *index_keys_text(lb_ctx *ctx, const index_info *x)
{
    const char *text = "";
    for (int64_t i = 0; text && i < x->r.key_count && i < x->keys.count; i++) {
        const index_column *c = x->keys.items[i] ? index_find_column(x->table, x->keys.items[i]) : NULL;
        const char *key = c                                                             ? c->r.name
                          : !x->r.key_texts_is_null && (size_t)i < x->r.key_texts.count ? x->r.key_texts.items[i].v.text
                                                                                        : "?";
        text = lb_printf(ctx, "%s%s%s", text, i ? ", " : "", key);
    }
    return text;
}
