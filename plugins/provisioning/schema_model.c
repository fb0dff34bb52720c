/* schema_model.c: objects as they are read, and how they are found again. */
#include "schema_kinds.h"

#include <stdlib.h>

schema_model *schema_model_new(lb_ctx *ctx, const schema_filter *filter)
{
    schema_model *m = lb_alloc(ctx, sizeof *m);
    if (m)
        *m = (schema_model){.ctx = ctx, .filter = filter};
    return m;
}

int schema_grow(lb_ctx *ctx, void **items, uint32_t count, uint32_t *capacity, size_t size, lb_error *err)
{
    if (count < *capacity)
        return 0;
    uint32_t wanted = *capacity ? *capacity * 2 : 64;
    void *grown = lb_alloc(ctx, wanted * size);
    if (!grown)
        return lb_out_of_memory(err);
    if (count)
        memcpy(grown, *items, count * size);
    *items = grown;
    *capacity = wanted;
    return 0;
}

const char *schema_get(const schema_object *o, const char *attr)
{
    for (uint32_t i = 0; i < o->attr_count; i++)
        if (strcmp(o->attrs[i].name, attr) == 0)
            return o->attrs[i].value;
    return NULL;
}

/* The words before a name are in capitals, and a name that is not quoted never is. */
const char *schema_identity(const schema_object *o)
{
    const char *p = o->address;
    if (schema_is_kind(o, "other")) /* the words alone say what it is */
        return p;
    for (const char *q = p; *q >= 'A' && *q <= 'Z';) {
        while (*q >= 'A' && *q <= 'Z')
            q++;
        if (*q != ' ')
            break;
        p = ++q;
    }
    return p;
}

/* ---- reading ---- */

static bool is_among(const lb_texts *names, const char *name)
{
    for (size_t i = 0; names && i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static bool is_wanted(const schema_filter *f, const schema_kind *kind, const char *schema)
{
    if (!f)
        return true;
    if (!f->privileges && (kind->traits & KIND_PRIVILEGE))
        return false;
    if (!schema)
        return true;
    return !is_among(f->exclude_schemas, schema) && (!f->schemas || !f->schemas->count || is_among(f->schemas, schema));
}

static bool is_attr_wanted(const schema_filter *f, const char *name)
{
    return !f || f->privileges || strcmp(name, "owner") != 0;
}

/* Only what has a value is kept, behind what the object had before. */
static int take_attrs(schema_model *m, schema_object *o, const schema_row *row, lb_error *err)
{
    schema_attr *attrs = lb_alloc(m->ctx, (o->attr_count + row->attr_count / 2 + 1) * sizeof *attrs);
    if (!attrs)
        return lb_out_of_memory(err);
    if (o->attr_count)
        memcpy(attrs, o->attrs, o->attr_count * sizeof *attrs);
    o->attrs = attrs;
    for (uint32_t i = 0; i + 1 < row->attr_count; i += 2) {
        const lb_value *name = &row->attrs[i], *value = &row->attrs[i + 1];
        if (name->type == LB_TEXT && value->type == LB_TEXT && is_attr_wanted(m->filter, name->v.text))
            attrs[o->attr_count++] = (schema_attr){.name = name->v.text, .value = value->v.text};
    }
    return 0;
}

int schema_model_add(schema_model *m, const schema_row *row, lb_error *err)
{
    const schema_kind *kind = schema_kind_find(row->kind);
    if (!kind)
        return lb_fail(err, LB_ERR_INVALID, "read the snapshot anew with this version", "'%.60s' is no kind of object",
                       row->kind);
    if (!is_wanted(m->filter, kind, row->schema))
        return 0;
    if (schema_grow(m->ctx, (void **)&m->objects, m->count, &m->capacity, sizeof *m->objects, err) < 0)
        return err->code;
    schema_object *o = &m->objects[m->count++];
    *o = (schema_object){.kind = kind,
                         .schema = row->schema,
                         .address = row->address,
                         .name = row->name,
                         .key = row->key,
                         .up_key = row->up_key,
                         .up = SCHEMA_NONE,
                         .twin = SCHEMA_NONE};
    return take_attrs(m, o, row, err);
}

/* ---- finding ---- */

static uint32_t mix(uint64_t h, uint64_t with)
{
    h = (h ^ with) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(h >> 32);
}

static uint32_t hash_key(schema_key k)
{
    return mix(mix(mix(1, (uint64_t)k.catalog), (uint64_t)k.object), (uint64_t)k.part);
}

uint32_t schema_hash_address(const schema_kind *kind, const char *address)
{
    uint64_t h = (uint64_t)(kind - schema_kinds) + 1;
    for (; *address; address++)
        h = (h ^ (unsigned char)*address) * UINT64_C(0x100000001B3);
    return mix(h, 0);
}

static bool is_same_key(schema_key a, schema_key b)
{
    return a.object == b.object && a.part == b.part && a.catalog == b.catalog;
}

uint32_t schema_find_key(const schema_model *m, schema_key key)
{
    for (uint32_t at = hash_key(key) & (m->buckets - 1); m->by_key[at]; at = (at + 1) & (m->buckets - 1))
        if (is_same_key(m->objects[m->by_key[at] - 1].key, key))
            return m->by_key[at] - 1;
    return SCHEMA_NONE;
}

uint32_t schema_find_address(const schema_model *m, const schema_kind *kind, const char *address)
{
    for (uint32_t at = schema_hash_address(kind, address) & (m->buckets - 1); m->by_address[at];
         at = (at + 1) & (m->buckets - 1)) {
        const schema_object *o = &m->objects[m->by_address[at] - 1];
        if (o->kind == kind && strcmp(o->address, address) == 0)
            return m->by_address[at] - 1;
    }
    return SCHEMA_NONE;
}

static void put_bucket(uint32_t *table, uint32_t buckets, uint32_t hash, uint32_t index)
{
    uint32_t at = hash & (buckets - 1);
    while (table[at])
        at = (at + 1) & (buckets - 1);
    table[at] = index + 1;
}

/* The same schema gives the same text whatever the server's order was. */
static int compare_objects(const void *a, const void *b)
{
    const schema_object *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return strcmp(x->address, y->address);
}

int schema_index_addresses(schema_model *m, lb_error *err)
{
    m->by_address = lb_alloc(m->ctx, m->buckets * sizeof *m->by_address);
    if (!m->by_address)
        return lb_out_of_memory(err);
    for (uint32_t i = 0; i < m->count; i++)
        put_bucket(m->by_address, m->buckets, schema_hash_address(m->objects[i].kind, m->objects[i].address), i);
    return 0;
}

int schema_model_copy(const schema_model *m, schema_model **ret_copy, lb_error *err)
{
    schema_model *copy = lb_alloc(m->ctx, sizeof *copy);
    schema_object *objects = lb_alloc(m->ctx, (m->count + 1) * sizeof *objects);
    if (!copy || !objects)
        return lb_out_of_memory(err);
    *copy = *m;
    if (m->count)
        memcpy(objects, m->objects, m->count * sizeof *objects);
    copy->objects = objects;
    *ret_copy = copy;
    return 0;
}

static int index_objects(schema_model *m, lb_error *err)
{
    for (m->buckets = 64; m->buckets < m->count * 2; m->buckets *= 2)
        ;
    m->by_key = lb_alloc(m->ctx, m->buckets * sizeof *m->by_key);
    if (!m->by_key)
        return lb_out_of_memory(err);
    for (uint32_t i = 0; i < m->count; i++)
        if (m->objects[i].key.object)
            put_bucket(m->by_key, m->buckets, hash_key(m->objects[i].key), i);
    return schema_index_addresses(m, err);
}

/* A row of comments adds to the object that it is on; those of objects that nobody reads are left. */
static int add_remark(schema_model *m, const schema_object *remark, lb_error *err)
{
    uint32_t at = schema_find_key(m, remark->key);
    if (at == SCHEMA_NONE)
        return 0;
    lb_value texts[2] = {lb_text(NULL, remark->attrs[0].name), lb_text(NULL, remark->attrs[0].value)};
    return take_attrs(m, &m->objects[at], &(schema_row){.attrs = texts, .attr_count = 2}, err);
}

/* Remarks go, and so do parts of what was left out. */
static int keep_objects(schema_model *m, const schema_object *remarks, uint32_t remark_count, lb_error *err)
{
    for (uint32_t i = 0; i < remark_count; i++)
        if (remarks[i].attr_count && add_remark(m, &remarks[i], err) < 0)
            return err->code;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->objects[i].up_key.object)
            m->objects[i].up = schema_find_key(m, m->objects[i].up_key);
    return 0;
}

static uint32_t split_remarks(schema_model *m, schema_object *remarks)
{
    uint32_t kept = 0, split = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->objects[i].kind->traits & KIND_REMARK)
            remarks[split++] = m->objects[i];
        else
            m->objects[kept++] = m->objects[i];
    }
    m->count = kept;
    return split;
}

int schema_model_index(schema_model *m, lb_error *err)
{
    schema_object *remarks = lb_alloc(m->ctx, (m->count + 1) * sizeof *remarks);
    if (!remarks)
        return lb_out_of_memory(err);
    uint32_t remark_count = split_remarks(m, remarks);
    if (m->count)
        qsort(m->objects, m->count, sizeof *m->objects, compare_objects);
    int r = index_objects(m, err);
    return r < 0 ? r : keep_objects(m, remarks, remark_count, err);
}

/* ---- edges ---- */

/* A column that the model does not hold stands for its table. */
static uint32_t find_node(const schema_model *m, schema_key key)
{
    uint32_t at = schema_find_key(m, key);
    if (at == SCHEMA_NONE && key.part)
        at = schema_find_key(m, (schema_key){.catalog = key.catalog, .object = key.object});
    return at;
}

int schema_model_edge(schema_model *m, schema_key a, schema_key b, bool is_default, lb_error *err)
{
    uint32_t from = find_node(m, a), to = find_node(m, b);
    if (from == SCHEMA_NONE || to == SCHEMA_NONE || from == to)
        return 0;
    if (schema_grow(m->ctx, (void **)&m->edges, m->edge_count, &m->edge_capacity, sizeof *m->edges, err) < 0)
        return err->code;
    m->edges[m->edge_count++] = (schema_edge){.a = from, .b = to, .is_default = is_default};
    if (is_default && !schema_is_kind(&m->objects[to], "sequence"))
        m->objects[from].marks |= SCHEMA_BOUND;
    return 0;
}

int schema_model_commit(schema_model *m, schema_commit commit, lb_error *err)
{
    if (schema_grow(m->ctx, (void **)&m->commits, m->commit_count, &m->commit_capacity, sizeof *m->commits, err) < 0)
        return err->code;
    m->commits[m->commit_count++] = commit;
    return 0;
}

/* Lists of what belongs to each object, one behind the other: from[i] to from[i + 1]. */
static int gather(schema_model *m, bool edges, uint32_t **ret_list, uint32_t **ret_from, lb_error *err)
{
    uint32_t total = edges ? m->edge_count : m->count;
    uint32_t *from = lb_alloc(m->ctx, (m->count + 2) * sizeof *from),
             *list = lb_alloc(m->ctx, (total + 1) * sizeof *list);
    if (!from || !list)
        return lb_out_of_memory(err);
    for (uint32_t i = 0; i < total; i++) {
        uint32_t owner = edges ? m->edges[i].b : m->objects[i].up;
        if (owner != SCHEMA_NONE)
            from[owner + 2]++;
    }
    for (uint32_t i = 2; i < m->count + 2; i++)
        from[i] += from[i - 1];
    for (uint32_t i = 0; i < total; i++) {
        uint32_t owner = edges ? m->edges[i].b : m->objects[i].up;
        if (owner != SCHEMA_NONE)
            list[from[owner + 1]++] = i;
    }
    *ret_list = list;
    *ret_from = from;
    return 0;
}

/* Parts in the order that the server has of them; few are out of it. */
static void sort_parts(schema_model *m, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin + 1; i < end; i++) {
        uint32_t moved = m->parts[i], at = i;
        for (; at > begin && m->objects[m->parts[at - 1]].key.part > m->objects[moved].key.part; at--)
            m->parts[at] = m->parts[at - 1];
        m->parts[at] = moved;
    }
}

int schema_model_finish(schema_model *m, lb_error *err)
{
    int r = gather(m, false, &m->parts, &m->part_from, err);
    for (uint32_t i = 0; r >= 0 && i < m->count; i++)
        sort_parts(m, m->part_from[i], m->part_from[i + 1]);
    return r < 0 ? r : gather(m, true, &m->users, &m->user_from, err);
}
