/* What every rule needs to say what it found, and to write the statement that would help. */
#include "index_work.h"

#include <sql/index/create.h>
#include <sql/index/create_tree.h>
#include <sql/index/definitions.h>
#include <sql/index/drop.h>
#include <sql/index/drop_tree.h>
#include <sql/index/key.h>
#include <sql/index/key_descending.h>
#include <sql/index/names.h>
#include <sql/index/where_not_null.h>

#define NAME_BYTES 63

/* ---- telling ---- */

int index_tell(index_work *work, const index_finding *finding, lb_error *err)
{
    work->found++;
    return work->tell(work, finding, err);
}

static const char *object_of(lb_ctx *ctx, const index_finding *f)
{
    if (f->object)
        return f->object;
    return f->index ? index_label(ctx, f->index->r.schema, f->index->r.name)
                    : index_label(ctx, f->table->r.schema, f->table->r.name);
}

int index_report(index_work *work, const index_finding *f, lb_error *err)
{
    const char *object = object_of(work->ctx, f);
    if (!object || !f->reason || !f->evidence)
        return lb_out_of_memory(err);
    return lb_report(work->ctx,
                     LB_FINDING(.object = object, .kind = f->kind, .reason = f->reason, .evidence = f->evidence,
                                .terms = f->terms, .impact = f->impact, .fix = f->fix),
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

int index_tell_passed(index_work *work, const char *what, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < sizeof work->passed / sizeof *work->passed && work->passed[i].reason; i++) {
        const char *many = lb_printf(work->ctx, "%lld %s", (long long)work->passed[i].count, what);
        r = many ? lb_skipped(work->ctx, many, work->passed[i].reason, err) : lb_out_of_memory(err);
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

int index_compose_drop(index_work *work, const index_info *x, const lb_sql **ret_sql, lb_error *err)
{
    const index_drop_args plain = {.schema = x->r.schema, .name = x->r.name};
    const index_drop_tree_args tree = {.schema = x->r.schema, .name = x->r.name};
    return x->r.is_partitioned ? index_drop_tree_compose(work->ctx, &tree, ret_sql, err)
                               : index_drop_compose(work->ctx, &plain, ret_sql, err);
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

/* table_a_b_idx, shortened as a whole so that the end stays; then idx1, idx2 ... until it is free. */
static int choose_name(index_work *work, const index_wanted *w, const char **ret_name, lb_error *err)
{
    const char *base = w->table->r.name;
    for (size_t i = 0; base && i < w->count; i++)
        base = lb_printf(work->ctx, "%s_%s", base, w->columns[i]);
    if (!base)
        return lb_out_of_memory(err);
    size_t stem = cut(base, strlen(base), NAME_BYTES - 8); /* room for _idx and a number */
    const char *beginning = lb_printf(work->ctx, "%.*s_idx", (int)stem, base), *name = beginning;
    const index_names_args args = {.schema = w->table->r.schema, .beginning = beginning};
    index_names_row row;
    lb_rows *rows = NULL;
    int r = beginning ? index_names(work->ctx, &args, &rows, err) : lb_out_of_memory(err);
    if (r < 0)
        return lb_wrap(err, "names that are taken");
    size_t count = (size_t)lb_row_count(work->ctx, rows), taken = 0;
    const char **names = lb_alloc(work->ctx, (count + 1) * sizeof *names);
    while (names && index_names_next(work->ctx, rows, &row))
        names[taken++] = row.name;
    for (int number = 1; name && names; number++) {
        bool is_free = true;
        for (size_t i = 0; i < taken; i++)
            is_free = is_free && strcmp(names[i], name) != 0;
        if (is_free) {
            *ret_name = name;
            return 0;
        }
        name = lb_printf(work->ctx, "%s%d", beginning, number);
    }
    return lb_out_of_memory(err);
}

static int compose_keys(index_work *work, const index_wanted *w, const lb_sql **keys, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < w->count && r >= 0; i++) {
        const index_key_args up = {.column = w->columns[i]};
        const index_key_descending_args down = {.column = w->columns[i]};
        r = w->descending && w->descending[i] ? index_key_descending_compose(work->ctx, &down, &keys[i], err)
                                              : index_key_compose(work->ctx, &up, &keys[i], err);
    }
    return r;
}

int index_compose_create(index_work *work, const index_wanted *w, const char **ret_name, const lb_sql **ret_sql,
                         lb_error *err)
{
    const lb_sql *keys[INDEX_KEYS] = {0}, *condition = NULL;
    int r = choose_name(work, w, ret_name, err);
    if (r >= 0)
        r = compose_keys(work, w, keys, err);
    if (r >= 0 && w->not_null)
        r = index_where_not_null_compose(work->ctx, &(index_where_not_null_args){.column = w->not_null}, &condition,
                                         err);
    if (r < 0)
        return r;
    const index_create_args plain = {.name = *ret_name,
                                     .schema = w->table->r.schema,
                                     .table = w->table->r.name,
                                     .columns = {.items = keys, .count = w->count},
                                     .condition = condition};
    const index_create_tree_args tree = {.name = *ret_name,
                                         .schema = w->table->r.schema,
                                         .table = w->table->r.name,
                                         .columns = {.items = keys, .count = w->count},
                                         .condition = condition};
    return w->table->r.kind[0] == 'p' ? index_create_tree_compose(work->ctx, &tree, ret_sql, err)
                                      : index_create_compose(work->ctx, &plain, ret_sql, err);
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
