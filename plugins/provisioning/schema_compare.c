/* schema_compare.c: what differs between two models, and what has to be made anew to get there. */
#include "schema_kinds.h"

/* ---- differences ---- */

bool schema_is_kind_wanted(const schema_diff *d, const schema_object *o)
{
    const lb_texts *kinds = d->to->filter ? d->to->filter->kinds : NULL;
    for (size_t i = 0; kinds && i < kinds->count; i++)
        if (strcmp(kinds->items[i], o->kind->name) == 0)
            return true;
    return !kinds || !kinds->count;
}

static int add_change(schema_diff *d, const schema_change *change, lb_error *err)
{
    if (schema_grow(d->ctx, (void **)&d->changes, d->change_count, &d->change_capacity, sizeof *d->changes, err) < 0)
        return err->code;
    d->changes[d->change_count++] = *change;
    return 0;
}

int schema_note_add(schema_diff *d, const char *object, const char *text, lb_error *err)
{
    for (uint32_t i = 0; i < d->note_count; i++)
        if (strcmp(d->notes[i].object, object) == 0 && strcmp(d->notes[i].text, text) == 0)
            return 0;
    if (schema_grow(d->ctx, (void **)&d->notes, d->note_count, &d->note_capacity, sizeof *d->notes, err) < 0)
        return err->code;
    d->notes[d->note_count++] = (schema_note){.object = object, .text = text};
    return 0;
}

/* A model may have been compared before, with another one. */
static void forget_pairs(schema_model *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        m->objects[i].twin = SCHEMA_NONE;
        m->objects[i].marks &= SCHEMA_BOUND;
    }
}

static void pair_objects(schema_model *from, schema_model *to)
{
    forget_pairs(from);
    forget_pairs(to);
    for (uint32_t i = 0; i < to->count; i++) {
        uint32_t twin = schema_find_address(from, to->objects[i].kind, to->objects[i].address);
        to->objects[i].twin = twin;
        if (twin != SCHEMA_NONE)
            from->objects[twin].twin = i;
    }
}

/* An invalid index over there is somebody's build that failed, not a wish. */
static bool is_wish(schema_diff *d, const schema_object *to, const char *attr, const char *after, lb_error *err)
{
    if (strcmp(attr, "invalid") != 0 || !after)
        return true;
    return schema_note_add(d, to->address, SCHEMA_INVALID_THERE, err) < 0;
}

static int compare_attr(schema_diff *d, uint32_t from, uint32_t to, const char *attr, lb_error *err)
{
    const char *before = schema_get(&d->from->objects[from], attr), *after = schema_get(&d->to->objects[to], attr);
    bool differs = !before != !after || (before && strcmp(before, after) != 0);
    if (!differs || !schema_is_compared(attr) || !is_wish(d, &d->to->objects[to], attr, after, err))
        return 0;
    return add_change(d, &(schema_change){.from = from, .to = to, .attr = attr, .before = before, .after = after}, err);
}

/* The attributes of the wanted object, then those that only the present one has. */
static int compare_pair(schema_diff *d, uint32_t from, uint32_t to, lb_error *err)
{
    const schema_object *a = &d->from->objects[from], *b = &d->to->objects[to];
    int r = 0;
    for (uint32_t i = 0; i < b->attr_count && r >= 0; i++)
        r = compare_attr(d, from, to, b->attrs[i].name, err);
    for (uint32_t i = 0; i < a->attr_count && r >= 0; i++)
        if (!schema_get(b, a->attrs[i].name))
            r = compare_attr(d, from, to, a->attrs[i].name, err);
    return r;
}

/* Labels can be added anywhere; none can be taken away or moved. */
static bool is_enum_rebuilt(const schema_diff *d, uint32_t from, bool *ret_moved)
{
    const schema_model *a = d->from, *b = d->to;
    const schema_object *type = &a->objects[from];
    int64_t last = -1;
    bool is_lost = false;
    *ret_moved = false;
    if (type->twin == SCHEMA_NONE || !schema_is_kind(type, "type"))
        return false;
    for (uint32_t i = a->part_from[from]; i < a->part_from[from + 1]; i++) {
        const schema_object *label = &a->objects[a->parts[i]];
        if (!schema_is_kind(label, "enum_label"))
            continue;
        if (label->twin == SCHEMA_NONE) {
            is_lost = true;
            continue;
        }
        *ret_moved = *ret_moved || b->objects[label->twin].key.part < last;
        last = b->objects[label->twin].key.part;
    }
    return is_lost || *ret_moved;
}

/* No label came or went, but how they compare is another thing. */
static int compare_label_order(schema_diff *d, uint32_t from, uint32_t to, lb_error *err)
{
    bool is_moved = false;
    (void)is_enum_rebuilt(d, from, &is_moved); /* lost ones are told by themselves */
    return is_moved ? add_change(d,
                                 &(schema_change){.from = from,
                                                  .to = to,
                                                  .attr = "order_of_labels",
                                                  .before = schema_get(&d->from->objects[from], "create"),
                                                  .after = schema_get(&d->to->objects[to], "create")},
                                 err)
                    : 0;
}

/* No statement moves a column, and a new one comes last: it is told, and is no difference to be carried out. */
static int note_column_order(schema_diff *d, uint32_t to, lb_error *err)
{
    const schema_model *m = d->to;
    int64_t last = -1;
    for (uint32_t i = m->part_from[to]; i < m->part_from[to + 1]; i++) {
        const schema_object *column = &m->objects[m->parts[i]];
        if (!schema_is_kind(column, "column"))
            continue;
        int64_t position = column->twin == SCHEMA_NONE ? INT64_MAX : d->from->objects[column->twin].key.part;
        if (position < last)
            return schema_note_add(d, m->objects[to].address, SCHEMA_OTHER_ORDER, err);
        last = position;
    }
    return 0;
}

static int compare_names(schema_diff *d, uint32_t to, lb_error *err)
{
    for (uint32_t i = 0; i < d->rename_count; i++)
        if (d->renames[i].to == to)
            return add_change(d,
                              &(schema_change){.from = d->renames[i].from,
                                               .to = to,
                                               .attr = "name",
                                               .before = d->renames[i].was.name,
                                               .after = d->to->objects[to].name},
                              err);
    return 0;
}

/* Of an index that comes or goes with its partition, or with the one that it is a partition of: the server names it. */
static bool is_name_of_new(const schema_object *o)
{
    return schema_is_kind(o, "index_name") && o->twin == SCHEMA_NONE;
}

static int find_changes(schema_diff *d, lb_error *err)
{
    int r = 0;
    for (uint32_t i = 0; i < d->from->count && r >= 0; i++)
        if (d->from->objects[i].twin == SCHEMA_NONE && schema_is_kind_wanted(d, &d->from->objects[i]) &&
            !is_name_of_new(&d->from->objects[i]))
            r = add_change(d, &(schema_change){.from = i, .to = SCHEMA_NONE}, err);
    for (uint32_t i = 0; i < d->to->count && r >= 0; i++) {
        const schema_object *o = &d->to->objects[i];
        if (!schema_is_kind_wanted(d, o))
            continue;
        if (is_name_of_new(o))
            continue; /* it has one of its own when it is made */
        r = o->twin == SCHEMA_NONE ? add_change(d, &(schema_change){.from = SCHEMA_NONE, .to = i}, err)
                                   : compare_pair(d, o->twin, i, err);
        if (r >= 0 && o->twin != SCHEMA_NONE)
            r = compare_names(d, i, err);
        if (r >= 0 && o->twin != SCHEMA_NONE)
            r = compare_label_order(d, o->twin, i, err);
        if (r >= 0 && o->twin != SCHEMA_NONE)
            r = note_column_order(d, i, err);
    }
    return r;
}

/* ---- what has to go before ---- */

/* Objects of the present schema whose marks have changed and whose users have to be looked at. */
typedef struct queue {
    schema_diff *d;
    uint32_t *items;
    uint32_t count, next;
} queue;

static void push(queue *q, uint32_t index)
{
    q->items[q->count++] = index; /* each gets in once for each of two marks */
}

static void mark_made(queue *q, const schema_object *from, unsigned mark)
{
    if (from->twin != SCHEMA_NONE)
        q->d->to->objects[from->twin].marks |= mark;
}

static void mark_early(queue *q, uint32_t index)
{
    schema_object *o = &q->d->from->objects[index];
    if (o->marks & (SCHEMA_EARLY | SCHEMA_ASIDE))
        return;
    o->marks |= SCHEMA_EARLY;
    mark_made(q, o, SCHEMA_MAKE);
    push(q, index);
}

static void mark_aside(queue *q, uint32_t index)
{
    schema_object *o = &q->d->from->objects[index];
    if (o->marks & (SCHEMA_EARLY | SCHEMA_ASIDE))
        return;
    o->marks |= SCHEMA_ASIDE;
    mark_made(q, o, SCHEMA_MAKE);
    push(q, index);
}

/* A type in use by columns moves aside, so that they can be carried over. A range cannot: its functions stay. */
static bool is_used_by_columns(const schema_model *m, uint32_t index)
{
    for (uint32_t i = m->user_from[index]; i < m->user_from[index + 1]; i++) {
        const schema_object *user = &m->objects[m->edges[m->users[i]].a];
        if (user->twin != SCHEMA_NONE && (schema_is_kind(user, "column") || (user->kind->traits & KIND_TYPE)))
            return true;
    }
    return false;
}

static void mark_anew(queue *q, uint32_t index)
{
    const schema_model *m = q->d->from;
    const char *variety = schema_get(&m->objects[index], "variety");
    bool can_move = (m->objects[index].kind->traits & KIND_TYPE) && (!variety || strcmp(variety, "range") != 0);
    if (can_move && m->objects[index].twin != SCHEMA_NONE && is_used_by_columns(m, index))
        mark_aside(q, index);
    else
        mark_early(q, index);
}

/* Changing a column's type stops at those who have written the column down. */
static bool minds_types(const schema_object *user)
{
    static const char *const kinds[] = {"view",     "matview",   "rule",   "policy",           "trigger",
                                        "function", "procedure", "column", "publication_table"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (schema_is_kind(user, kinds[i]))
            return true;
    return false;
}

static void retype_column(queue *q, uint32_t index)
{
    schema_object *o = &q->d->from->objects[index];
    schema_object *twin = o->twin == SCHEMA_NONE ? NULL : &q->d->to->objects[o->twin];
    if (!twin) {
        mark_early(q, index);
    } else if (!(twin->marks & SCHEMA_RETYPE)) {
        twin->marks |= SCHEMA_RETYPE;
        push(q, index);
    }
}

static void look_at_user(queue *q, const schema_object *needed, const schema_edge *edge)
{
    schema_object *user = &q->d->from->objects[edge->a];
    bool is_type = (needed->kind->traits & KIND_TYPE) != 0, is_column = schema_is_kind(user, "column");
    if (!(needed->marks & (SCHEMA_EARLY | SCHEMA_ASIDE))) { /* a column with another type */
        if (minds_types(user) && !edge->is_default)
            mark_early(q, edge->a);
    } else if (edge->is_default) {
        user->marks |= SCHEMA_UNDEFAULT;
    } else if (is_column && is_type) {
        if (needed->marks & SCHEMA_EARLY)
            user->marks |= SCHEMA_PARK;
        retype_column(q, edge->a);
    } else if (user->kind->traits & KIND_TYPE) {
        mark_anew(q, edge->a);
    } else {
        mark_early(q, edge->a);
    }
}

static void look_at_users(queue *q)
{
    const schema_model *m = q->d->from;
    while (q->next < q->count) {
        uint32_t index = q->items[q->next++];
        const schema_object *o = &m->objects[index];
        for (uint32_t i = m->user_from[index]; i < m->user_from[index + 1]; i++)
            look_at_user(q, o, &m->edges[m->users[i]]);
        for (uint32_t i = m->part_from[index]; i < m->part_from[index + 1]; i++) {
            if (o->marks & SCHEMA_EARLY)
                mark_early(q, m->parts[i]);
            else if (o->marks & SCHEMA_ASIDE) /* its grants and constraints stay with the old one */
                mark_made(q, &m->objects[m->parts[i]], SCHEMA_MAKE);
        }
    }
}

/* Something else by the same name comes: a view where a table was. */
static bool is_in_the_way(const schema_diff *d, const schema_object *gone)
{
    static const struct {
        const char *kind, *word;
    } named[] = {{"table", "TABLE"},        {"foreign_table", "FOREIGN TABLE"},
                 {"view", "VIEW"},          {"matview", "MATERIALIZED VIEW"},
                 {"sequence", "SEQUENCE"},  {"index", "INDEX"},
                 {"type", "TYPE"},          {"domain", "DOMAIN"},
                 {"function", "FUNCTION"},  {"procedure", "PROCEDURE"},
                 {"aggregate", "AGGREGATE"}};
    bool is_named = false;
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        is_named = is_named || schema_is_kind(gone, named[i].kind);
    for (size_t i = 0; is_named && i < sizeof named / sizeof named[0]; i++) {
        const char *address = lb_printf(d->ctx, "%s %s", named[i].word, schema_identity(gone));
        uint32_t at = address ? schema_find_address(d->to, schema_kind_find(named[i].kind), address) : SCHEMA_NONE;
        if (at != SCHEMA_NONE && d->to->objects[at].twin == SCHEMA_NONE)
            return true;
    }
    return false;
}

/* ---- which changes cannot be carried in place ---- */

static bool is_view_replaced(const schema_diff *d, const schema_change *c)
{
    const schema_object *a = &d->from->objects[c->from], *b = &d->to->objects[c->to];
    const char *before = schema_get(a, "columns"), *after = schema_get(b, "columns");
    size_t length = before ? strlen(before) : 0;
    return before && after && strncmp(before, after, length) == 0 && (!after[length] || after[length] == ',');
}

static bool is_signature_kept(const schema_diff *d, const schema_change *c)
{
    const char *before = schema_get(&d->from->objects[c->from], "signature");
    const char *after = schema_get(&d->to->objects[c->to], "signature");
    return before && after && strcmp(before, after) == 0;
}

static bool is_carried_in_place(const schema_diff *d, const schema_change *c)
{
    const schema_object *o = &d->to->objects[c->to];
    if (schema_rule_find(o->kind, c))
        return true;
    if (strcmp(c->attr, "definition") == 0 && (o->kind->traits & KIND_OVERWRITE))
        return c->after != NULL;
    if (schema_is_kind(o, "view") && strcmp(c->attr, "body") == 0)
        return is_view_replaced(d, c);
    if ((schema_is_kind(o, "function") || schema_is_kind(o, "procedure")) && strcmp(c->attr, "definition") == 0)
        return is_signature_kept(d, c);
    return strcmp(c->attr, "identity_options") == 0 || /* they come and go with the identity */
           strcmp(c->attr, "index_name") == 0 ||
           strcmp(c->attr, "name") == 0; /* is another one before anything else is done */
}

static bool is_type_change(const schema_change *c)
{
    return c->attr && (strcmp(c->attr, "type") == 0 || strcmp(c->attr, "collation") == 0);
}

/* A column's type changes in place, but not under the eyes of its views, nor with a default of the old type. */
static void start_with_column(queue *q, const schema_change *c)
{
    schema_object *o = &q->d->from->objects[c->from];
    if (!is_type_change(c) || !schema_is_kind(o, "column"))
        return;
    if (schema_get(o, "default_value"))
        o->marks |= SCHEMA_UNDEFAULT;
    push(q, c->from);
}

/* What goes with its table needs no statement of its own; but two tables may hold each other by foreign keys. */
static bool goes_first(const schema_diff *d, const schema_object *o)
{
    bool is_left = o->up == SCHEMA_NONE || d->from->objects[o->up].twin != SCHEMA_NONE;
    return (o->kind->traits & KIND_EARLY) && (is_left || (o->kind->traits & KIND_FIRST));
}

static void start_with(queue *q, const schema_change *c)
{
    const schema_object *o = c->from == SCHEMA_NONE ? NULL : &q->d->from->objects[c->from];
    if (!o || (o->kind->traits & KIND_LISTED))
        return;
    if (c->to == SCHEMA_NONE) {
        if (goes_first(q->d, o) || is_in_the_way(q->d, o))
            mark_early(q, c->from);
    } else if (!is_carried_in_place(q->d, c)) {
        mark_anew(q, c->from);
    } else {
        start_with_column(q, c);
    }
}

static int find_what_goes(schema_diff *d, lb_error *err)
{
    /* Each object gets in for its first mark, and a column once more for another type. */
    queue q = {.d = d,
               .items = lb_alloc(d->ctx, ((size_t)d->from->count * 3 + d->change_count + 1) * sizeof(uint32_t))};
    if (!q.items)
        return lb_out_of_memory(err);
    for (uint32_t i = 0; i < d->change_count; i++)
        start_with(&q, &d->changes[i]);
    bool is_moved = false;
    for (uint32_t i = 0; i < d->from->count; i++)
        if (is_enum_rebuilt(d, i, &is_moved))
            mark_anew(&q, i);
    look_at_users(&q);
    return 0;
}

/* ---- all of it ---- */

/* A child or partition that is one on both sides gets its columns from its parent. */
static void mark_attached(schema_model *m)
{
    const schema_kind *inheritance = schema_kind_find("inheritance");
    for (uint32_t i = 0; i < m->count; i++)
        if (m->objects[i].kind == inheritance && m->objects[i].twin != SCHEMA_NONE && m->objects[i].up != SCHEMA_NONE)
            m->objects[m->objects[i].up].marks |= SCHEMA_ATTACHED;
}

static void mark_added(schema_diff *d)
{
    for (uint32_t i = 0; i < d->change_count; i++)
        if (d->changes[i].from == SCHEMA_NONE)
            d->to->objects[d->changes[i].to].marks |= SCHEMA_MAKE;
}

int schema_compare(schema_model *from, schema_model *to, schema_diff **ret_diff, lb_error *err)
{
    schema_diff *d = lb_alloc(to->ctx, sizeof *d);
    if (!d)
        return lb_out_of_memory(err);
    *d = (schema_diff){.ctx = to->ctx, .from = from, .to = to};
    pair_objects(from, to);
    int r = schema_find_renames(d, err);
    if (r >= 0 && d->rename_count)
        r = schema_take_renames(d, err);
    if (r < 0)
        return r;
    from = d->from;
    if (d->rename_count)
        pair_objects(from, to);
    mark_attached(from);
    mark_attached(to);
    r = find_changes(d, err);
    mark_added(d);
    if (r >= 0)
        r = schema_ask_for_names(d, err);
    if (r >= 0)
        r = find_what_goes(d, err);
    if (r >= 0)
        r = schema_order(from, true, err);
    if (r >= 0)
        r = schema_order(to, false, err);
    if (r >= 0)
        r = schema_plan(d, err);
    *ret_diff = d;
    return r;
}
