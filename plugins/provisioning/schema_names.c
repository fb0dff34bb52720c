/* schema_names.c: what the indexes of partitions are called. Those that stay are renamed before anything else; what the
 * SQL makes the server names, and it gets its own name behind all else, where that one is known. */
#include "schema_kinds.h"

#include <sql/schema/rename_index.h>
#include <sql/schema/rename_made_index.h>

static bool is_name_change(const schema_change *c)
{
    return c->attr && strcmp(c->attr, "index_name") == 0;
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* ---- those that stay ---- */

/* INDEX schema.name, each in quotes where it needs them. NULL: out of memory. */
static const char *address_of(lb_ctx *ctx, const char *address, const char *plain_name)
{
    size_t length = 0;
    bool in_quotes = false;
    for (const char *p = address; *p; p++) {
        in_quotes = in_quotes != (*p == '"');
        if (*p == '.' && !in_quotes)
            length = (size_t)(p - address) + 1;
    }
    return lb_printf(ctx, "%.*s%s", (int)length, address, plain_name);
}

static int add_rename(schema_diff *d, const schema_object *o, const char *address, const char *name, lb_error *err)
{
    schema_attr *attrs = lb_alloc(d->ctx, 2 * sizeof *attrs);
    schema_object *was = lb_alloc(d->ctx, sizeof *was);
    if (!attrs || !was || !address || !name)
        return lb_out_of_memory(err);
    attrs[0] = (schema_attr){.name = "index_address", .value = address};
    attrs[1] = (schema_attr){.name = "index_name", .value = name};
    *was = *o;
    was->attrs = attrs;
    was->attr_count = 2;
    return schema_step_add(d,
                           &(schema_step){.statement = &schema_rename_index_sql,
                                          .object = was,
                                          .model = d->from,
                                          .lock = "SHARE UPDATE EXCLUSIVE",
                                          .phase = SCHEMA_PREPARE},
                           err);
}

/* Another one is to be called as it is now. */
static bool is_in_the_way(const schema_diff *d, uint32_t change)
{
    const schema_change *own = &d->changes[change];
    for (uint32_t i = 0; i < d->change_count; i++) {
        const schema_change *c = &d->changes[i];
        if (i != change && is_name_change(c) && strcmp(c->after, own->before) == 0 &&
            is_same_text(d->from->objects[c->from].schema, d->from->objects[own->from].schema) &&
            !schema_goes_along(d->from, &d->from->objects[c->from]))
            return true;
    }
    return false;
}

/* The same each time, and the server cuts none of it. */
static const char *name_meanwhile(const schema_diff *d, uint32_t change)
{
    const schema_object *o = &d->from->objects[d->changes[change].from];
    return lb_printf(d->ctx, "lbops_name_%08x_%u", schema_hash_address(o->kind, o->address), change);
}

/* Two may swap their names, or three hand them on. */
static int make_way(schema_diff *d, const char **meanwhile, lb_error *err)
{
    int r = 0;
    for (uint32_t i = 0; i < d->change_count && r >= 0; i++) {
        if (!is_name_change(&d->changes[i]) || !is_in_the_way(d, i))
            continue;
        const schema_object *o = &d->from->objects[d->changes[i].from];
        meanwhile[i] = name_meanwhile(d, i);
        r = add_rename(d, o, schema_get(o, "index_address"), meanwhile[i], err);
    }
    return r;
}

int schema_name_indexes(schema_diff *d, lb_error *err)
{
    const char **meanwhile = lb_alloc(d->ctx, (d->change_count + 1) * sizeof(char *));
    if (!meanwhile)
        return lb_out_of_memory(err);
    int r = make_way(d, meanwhile, err);
    for (uint32_t i = 0; i < d->change_count && r >= 0; i++) {
        const schema_change *c = &d->changes[i];
        const schema_object *o = is_name_change(c) ? &d->from->objects[c->from] : NULL;
        if (!o || schema_goes_along(d->from, o))
            continue;
        const char *address = schema_get(o, "index_address");
        r = add_rename(d, o, meanwhile[i] ? address_of(d->ctx, address, meanwhile[i]) : address, c->after, err);
    }
    return r;
}

/* ---- those that come ---- */

static const schema_object *partition_of(const schema_model *m, const schema_object *o)
{
    const char *partition = schema_get(o, "partition");
    uint32_t at = partition ? schema_find_address(m, schema_kind_find("table"), partition) : SCHEMA_NONE;
    return at == SCHEMA_NONE ? NULL : &m->objects[at];
}

/* With its root, with its partition, or when that becomes one. */
static bool is_made(const schema_diff *d, const schema_object *o)
{
    const schema_object *root = o->up == SCHEMA_NONE ? NULL : &d->to->objects[o->up],
                        *partition = partition_of(d->to, o);
    if (root && ((root->marks & SCHEMA_MAKE) || root->twin == SCHEMA_NONE))
        return true;
    return partition && ((partition->marks & SCHEMA_MAKE) || !(partition->marks & SCHEMA_ATTACHED));
}

static bool has_name(const schema_object *o, const char *schema, const char *name)
{
    return is_same_text(o->schema, schema) &&
           (is_same_text(o->name, name) || is_same_text(schema_get(o, "index_name"), name));
}

/* Nothing else has the name, or may get it from the server as well: else that chooses another one. */
static bool is_free(const schema_diff *d, const schema_object *o, const char *name)
{
    for (uint32_t i = 0; i < d->from->count; i++)
        if (i != o->twin && has_name(&d->from->objects[i], o->schema, name))
            return false;
    for (uint32_t i = 0; i < d->to->count; i++) {
        const schema_object *other = &d->to->objects[i];
        bool may_get = is_same_text(other->schema, o->schema) && is_same_text(schema_get(other, "made_name"), name);
        if (other != o && (may_get || has_name(other, o->schema, name)))
            return false;
    }
    return true;
}

static int rename_made(schema_diff *d, const schema_object *o, const char *made, lb_error *err)
{
    schema_attr *attrs = lb_alloc(d->ctx, 3 * sizeof *attrs);
    schema_object *is = lb_alloc(d->ctx, sizeof *is);
    if (!attrs || !is)
        return lb_out_of_memory(err);
    attrs[0] = (schema_attr){.name = "index_schema", .value = o->schema};
    attrs[1] = (schema_attr){.name = "made_name", .value = made};
    attrs[2] = (schema_attr){.name = "index_name", .value = schema_get(o, "index_name")};
    *is = *o;
    is->attrs = attrs;
    is->attr_count = 3;
    return schema_step_add(d,
                           &(schema_step){.statement = &schema_rename_made_index_sql,
                                          .object = is,
                                          .model = d->to,
                                          .lock = "SHARE UPDATE EXCLUSIVE",
                                          .phase = SCHEMA_TIDY},
                           err);
}

static int name_new(schema_diff *d, const schema_object *o, lb_error *err)
{
    const char *made = schema_get(o, "made_name");
    if (made && strcmp(made, schema_get(o, "index_name")) == 0)
        return 0;
    if (made && o->schema && is_made(d, o) && is_free(d, o, made))
        return rename_made(d, o, made, err);
    return schema_get(o, "given") ? schema_note_add(d, o->address, SCHEMA_NAMED_LATER, err) : 0;
}

int schema_name_new_indexes(schema_diff *d, lb_error *err)
{
    int r = 0;
    for (uint32_t i = 0; i < d->to->count && r >= 0; i++) {
        const schema_object *o = &d->to->objects[i];
        bool is_name = schema_is_kind(o, "index_name") && schema_is_kind_wanted(d, o) && schema_get(o, "index_name");
        if (is_name && (o->twin == SCHEMA_NONE || schema_goes_along(d->from, &d->from->objects[o->twin])))
            r = name_new(d, o, err);
    }
    return r;
}
