/* schema_rename.c: what may be the same by another name, and is not known to be. Only people know, so this asks and
 * changes nothing. */
#include "schema_kinds.h"

#include <sql/schema/rename_column.h>
#include <sql/schema/rename_table.h>

static bool is_same(const char *a, const char *b)
{
    return !a || !b ? a == b : strcmp(a, b) == 0;
}

/* Branches share their parent's OIDs and column numbers, so these are a strong hint. */
static bool has_same_key(const schema_object *a, const schema_object *b)
{
    return a->key.object == b->key.object && a->key.part == b->key.part;
}

/* Of one type and shape. */
static bool is_alike(const schema_object *a, const schema_object *b)
{
    return is_same(schema_get(a, "type"), schema_get(b, "type")) &&
           is_same(schema_get(a, "not_null"), schema_get(b, "not_null")) &&
           is_same(schema_get(a, "default_value"), schema_get(b, "default_value"));
}

/* Of the new columns of that table the one with the same number, or the only one that is alike. */
static const schema_object *find_heir(const schema_model *m, uint32_t table, const schema_object *gone)
{
    const schema_object *found = NULL;
    uint32_t alike = 0;
    for (uint32_t i = m->part_from[table]; i < m->part_from[table + 1]; i++) {
        const schema_object *o = &m->objects[m->parts[i]];
        if (o->kind != gone->kind || o->twin != SCHEMA_NONE)
            continue;
        if (has_same_key(o, gone))
            return o;
        if (is_alike(o, gone)) {
            found = o;
            alike++;
        }
    }
    return alike == 1 ? found : NULL;
}

static const schema_object *find_table_heir(const schema_model *m, const schema_object *gone)
{
    uint32_t at = schema_find_key(m, gone->key);
    const schema_object *o = at == SCHEMA_NONE ? NULL : &m->objects[at];
    return o && o->kind == gone->kind && o->twin == SCHEMA_NONE && is_same(o->schema, gone->schema) ? o : NULL;
}

/* The statement that would take the place of the two. */
static int put_rename(schema_diff *d, const schema_object *gone, const char *new_name, const char **ret_text,
                      lb_error *err)
{
    schema_attr attr = {.name = "new_name", .value = new_name};
    schema_object was = *gone;
    was.attrs = &attr;
    was.attr_count = 1;
    schema_step step = {.statement =
                            schema_is_kind(gone, "column") ? &schema_rename_column_sql : &schema_rename_table_sql,
                        .object = &was,
                        .model = d->from};
    int r = schema_step_compose(d->ctx, &step, err);
    *ret_text = r < 0 ? NULL : lb_sql_text(d->ctx, step.sql);
    return r;
}

static int ask(schema_diff *d, const schema_object *gone, const schema_object *heir, lb_error *err)
{
    const char *rename = NULL, *was = schema_identity(gone), *is = schema_identity(heir);
    int r = put_rename(d, gone, heir->name, &rename, err);
    if (r < 0)
        return r;
    const char *text =
        lb_printf(d->ctx,
                  "may have been renamed to %s, which nothing proves: the SQL drops the one and adds the "
                  "other. If it was, compare once more with renamed %s=%s: %s takes their place then, "
                  "and keeps the rows",
                  is, was, is, rename);
    return text ? schema_note_add(d, gone->address, text, err) : lb_out_of_memory(err);
}

int schema_ask_for_names(schema_diff *d, lb_error *err)
{
    int r = 0;
    for (uint32_t i = 0; i < d->change_count && r >= 0; i++) {
        const schema_change *c = &d->changes[i];
        const schema_object *gone = c->to == SCHEMA_NONE ? &d->from->objects[c->from] : NULL, *heir = NULL;
        if (gone && schema_is_kind(gone, "table"))
            heir = gone->up == SCHEMA_NONE ? find_table_heir(d->to, gone) : NULL;
        if (gone && schema_is_kind(gone, "column") && gone->up != SCHEMA_NONE) {
            uint32_t table = d->from->objects[gone->up].twin;
            heir = table == SCHEMA_NONE ? NULL : find_heir(d->to, table, gone);
        }
        if (heir && gone->name && heir->name)
            r = ask(d, gone, heir, err);
    }
    return r;
}
