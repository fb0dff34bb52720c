#include "schema_report.h"

#include "schema_kinds.h"

#include <errno.h>
#include <stdio.h>

#define FILE_MAX (64L * 1024 * 1024)

bool schema_kind_is_known(const char *name)
{
    const schema_kind *kind = schema_kind_find(name);
    return kind && !(kind->traits & KIND_REMARK);
}

int schema_read_file(lb_ctx *ctx, const char *path, const char **ret_json, lb_error *err)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return lb_fail(err, LB_ERR_NOT_FOUND, "lbops --json run read_schema > FILE writes one", "%s: %s", path,
                       strerror(errno));
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    char *text = size >= 0 && size <= FILE_MAX ? lb_alloc(ctx, (size_t)size + 1) : NULL;
    bool good = text && fseek(f, 0, SEEK_SET) == 0 && fread(text, 1, (size_t)size, f) == (size_t)size;
    (void)fclose(f); /* it was only read */
    if (!good)
        return lb_fail(err, LB_ERR_INVALID, "snapshots have at most 64 MB", "%s cannot be read", path);
    *ret_json = text;
    return 0;
}

/* ---- counts, as people ask for them ---- */

static int64_t count_changes(const schema_diff *d, const char *kind, bool added)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < d->change_count; i++) {
        const schema_change *c = &d->changes[i];
        if (c->attr || (c->from == SCHEMA_NONE) != added)
            continue;
        const schema_object *o = added ? &d->to->objects[c->to] : &d->from->objects[c->from];
        count += schema_is_kind(o, kind);
    }
    return count;
}

/* The addresses of what came or went, as a list. */
static int list_changes(lb_ctx *ctx, const schema_diff *d, const char *name, const char *kind, bool added,
                        lb_value *ret_value, lb_error *err)
{
    int64_t count = count_changes(d, kind, added);
    lb_value *items = lb_alloc(ctx, ((size_t)count + 1) * sizeof *items);
    size_t n = 0;
    if (!items)
        return lb_out_of_memory(err);
    for (uint32_t i = 0; i < d->change_count; i++) {
        const schema_change *c = &d->changes[i];
        if (c->attr || (c->from == SCHEMA_NONE) != added)
            continue;
        const schema_object *o = added ? &d->to->objects[c->to] : &d->from->objects[c->from];
        if (schema_is_kind(o, kind))
            items[n++] = lb_text(NULL, schema_identity(o));
    }
    *ret_value = lb_list(name, LB_TEXT, items, n);
    return 0;
}

static int put_summary(lb_ctx *ctx, const schema_diff *d, const schema_names *names, lb_error *err)
{
    static const struct {
        const char *name, *kind;
        bool added;
    } lists[] = {{"tables_added", "table", true},   {"tables_removed", "table", false},
                 {"columns_added", "column", true}, {"columns_removed", "column", false},
                 {"indexes_added", "index", true},  {"indexes_removed", "index", false}};
    lb_value values[sizeof lists / sizeof lists[0] + 1] = {{.type = LB_END}};
    int r = 0;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && r >= 0; i++)
        r = list_changes(ctx, d, lists[i].name, lists[i].kind, lists[i].added, &values[i], err);
    values[sizeof lists / sizeof lists[0]] = (lb_value){.type = LB_END};
    return r < 0
               ? r
               : lb_result(ctx,
                           LB_ARGS(lb_text("from", names->from), lb_text("to", names->to),
                                   lb_bool("has_changes", d->change_count > 0), lb_i64("change_count", d->change_count),
                                   lb_i64("statement_count", d->step_count), lb_object("diff", values)),
                           err);
}

/* ---- the rest ---- */

static int put_change(lb_ctx *ctx, const schema_diff *d, const schema_change *c, lb_error *err)
{
    const schema_object *o = c->to == SCHEMA_NONE ? &d->from->objects[c->from] : &d->to->objects[c->to];
    const char *what = c->attr ? "changed" : c->to == SCHEMA_NONE ? "removed" : "added";
    return lb_append(ctx, "changes",
                     LB_ARGS(lb_text("change", what), lb_text("kind", o->kind->name),
                             lb_text("object", schema_identity(o)), lb_text("attribute", c->attr),
                             lb_text("before", c->before), lb_text("after", c->after)),
                     err);
}

static int put_step(lb_ctx *ctx, const schema_step *step, lb_error *err)
{
    return lb_append(ctx, "statements",
                     LB_ARGS(lb_text("sql", lb_sql_text(ctx, step->sql)),
                             lb_text("object", step->object ? step->object->address : NULL),
                             lb_text("lock", step->lock), lb_text("risk", step->risk)),
                     err);
}

static int put_model(lb_ctx *ctx, const schema_diff *d, lb_error *err)
{
    int r = 0;
    for (uint32_t i = 0; i < d->change_count && r >= 0; i++)
        r = put_change(ctx, d, &d->changes[i], err);
    for (uint32_t i = 0; i < d->step_count && r >= 0; i++)
        r = put_step(ctx, &d->steps[i], err);
    return r;
}

static int put_notes(lb_ctx *ctx, const schema_diff *d, lb_error *err)
{
    int r = lb_examined(ctx, "objects", (int64_t)d->from->count + d->to->count, err);
    for (uint32_t i = 0; i < d->note_count && r >= 0; i++)
        r = lb_skipped(ctx, d->notes[i].object, d->notes[i].text, err);
    return r;
}

int schema_report(lb_ctx *ctx, const schema_diff *d, const schema_names *names, const char *output, const char *script,
                  lb_error *err)
{
    bool all = strcmp(output, "all") == 0;
    const char *text = NULL;
    int r = put_summary(ctx, d, names, err);
    if (r >= 0)
        r = put_notes(ctx, d, err);
    if (r >= 0 && (all || strcmp(output, "text") == 0)) {
        r = schema_say(d, names->from, names->to, &text, err);
        if (r >= 0)
            r = lb_result(ctx, LB_ARGS(lb_text("text", text)), err);
    }
    if (r >= 0 && (all || strcmp(output, "sql") == 0))
        r = lb_result(ctx, LB_ARGS(lb_text("sql", script)), err);
    if (r >= 0 && (all || strcmp(output, "json") == 0))
        r = put_model(ctx, d, err);
    return r;
}
