/* schema_rename.c: what may be the same by another name, and is not proven to be. Only people know, so this asks and
 * changes nothing. */
#include "schema_kinds.h"

static bool is_same(const char *a, const char *b)
{
    return !a || !b ? a == b : strcmp(a, b) == 0;
}

/* Branches share their parent's OIDs and column numbers, so these are a strong hint. */
static bool has_same_key(const schema_object *a, const schema_object *b)
{
    return a->key.object == b->key.object && a->key.part == b->key.part;
}

bool schema_is_alike(const schema_object *a, const schema_object *b)
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
        if (schema_is_alike(o, gone)) {
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

int schema_ask_for_names(schema_diff *d, lb_error *err)
{
    int r = 0;
    for (uint32_t i = 0; i < d->change_count && r >= 0; i++) {
        const schema_change *c = &d->changes[i];
        const schema_object *gone = c->to == SCHEMA_NONE ? &d->from->objects[c->from] : NULL, *heir = NULL;
        if (gone && (gone->kind->traits & KIND_DATA))
            heir = gone->up == SCHEMA_NONE ? find_table_heir(d->to, gone) : NULL;
        if (gone && schema_is_kind(gone, "column") && gone->up != SCHEMA_NONE) {
            uint32_t table = d->from->objects[gone->up].twin;
            heir = table == SCHEMA_NONE ? NULL : find_heir(d->to, table, gone);
        }
        if (heir)
            r = schema_note_add(d, gone->address,
                                lb_printf(d->ctx,
                                          "may have been renamed to %s: the SQL drops the one and adds the other, and "
                                          "a RENAME in its place would keep the rows",
                                          schema_identity(heir)),
                                err);
    }
    return r;
}
