/* schema_order.c: an order in which each object comes after what it needs. Where needs leave it open, kinds come in the
 * order of their table and parts in that of the server, so that the same schema always gives the same order. */
#include "schema_kinds.h"

#include <stdlib.h>

typedef struct sorter {
    schema_model *m;
    uint32_t *rank;           /* by object: where it would stand if nothing needed anything */
    uint32_t *by_rank;        /* the other way round */
    uint32_t *missing;        /* needs that have no position yet */
    uint32_t *next, *user_of; /* by object: a list of its users, through `link` */
    uint32_t *link;
    uint32_t link_count;
    uint32_t *heap, heap_count;
    uint32_t done;
} sorter;

/* ---- ranks ---- */

typedef struct ranking {
    const schema_object *object;
    uint32_t index, place; /* place: in a walk from wholes to parts */
} ranking;

static int compare_ranking(const void *a, const void *b)
{
    const ranking *x = a, *y = b;
    if (x->object->kind != y->object->kind)
        return x->object->kind < y->object->kind ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static uint32_t place_parts(const schema_model *m, ranking *all, uint32_t index, uint32_t place)
{
    all[index].place = place++;
    for (uint32_t i = m->part_from[index]; i < m->part_from[index + 1]; i++)
        if (m->objects[m->parts[i]].up == index && all[m->parts[i]].place == SCHEMA_NONE)
            place = place_parts(m, all, m->parts[i], place);
    return place;
}

static int rank_objects(sorter *s, lb_error *err)
{
    const schema_model *m = s->m;
    ranking *all = lb_alloc(m->ctx, (m->count + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    uint32_t place = 0;
    for (uint32_t i = 0; i < m->count; i++)
        all[i] = (ranking){.object = &m->objects[i], .index = i, .place = SCHEMA_NONE};
    for (uint32_t i = 0; i < m->count; i++)
        if (m->objects[i].up == SCHEMA_NONE)
            place = place_parts(m, all, i, place);
    if (m->count)
        qsort(all, m->count, sizeof *all, compare_ranking);
    for (uint32_t i = 0; i < m->count; i++) {
        s->rank[all[i].index] = i;
        s->by_rank[i] = all[i].index;
    }
    return 0;
}

/* ---- needs ---- */

static void add_need(sorter *s, uint32_t user, uint32_t needed)
{
    if (user == needed || user == SCHEMA_NONE || needed == SCHEMA_NONE)
        return;
    s->user_of[s->link_count] = user;
    s->link[s->link_count] = s->next[needed];
    s->next[needed] = ++s->link_count; /* one more than the index; 0 ends a list */
    s->missing[user]++;
}

static bool is_column(const schema_object *o)
{
    return schema_is_kind(o, "column");
}

/* A sequence that a column owns is made before it: the column's default needs it. */
static bool is_ownership(const schema_model *m, const schema_edge *e)
{
    return schema_is_kind(&m->objects[e->a], "sequence") &&
           (is_column(&m->objects[e->b]) || (m->objects[e->b].kind->traits & KIND_DATA));
}

static bool is_table(const schema_object *o)
{
    return schema_is_kind(o, "table") || schema_is_kind(o, "foreign_table");
}

/* A child is made of its parent's columns as they will be. */
static void add_columns_needed(sorter *s, uint32_t child, uint32_t parent)
{
    const schema_model *m = s->m;
    for (uint32_t i = m->part_from[parent]; i < m->part_from[parent + 1]; i++)
        if (is_column(&m->objects[m->parts[i]]))
            add_need(s, child, m->parts[i]);
}

/* Columns are written within their table's statement, so the table needs what they need. A default is not, where it
 * needs more than a sequence: it may call a function that takes the table's row. */
static void add_needs(sorter *s, bool with_defaults)
{
    const schema_model *m = s->m;
    for (uint32_t i = 0; i < m->edge_count; i++) {
        const schema_edge *e = &m->edges[i];
        const schema_object *user = &m->objects[e->a];
        if (is_ownership(m, e))
            continue;
        add_need(s, e->a, e->b);
        if (is_table(user) && is_table(&m->objects[e->b]))
            add_columns_needed(s, e->a, e->b);
        bool is_inline = with_defaults || !e->is_default || schema_is_kind(&m->objects[e->b], "sequence");
        if (is_column(user) && is_inline && m->objects[e->b].up != user->up)
            add_need(s, user->up, e->b);
    }
    for (uint32_t i = 0; i < m->count; i++)
        if (!schema_is_kind(&m->objects[i], "sequence"))
            add_need(s, i, m->objects[i].up);
}

/* ---- a heap of what needs nothing more, by rank ---- */

static void swap_items(uint32_t *a, uint32_t *b)
{
    uint32_t held = *a;
    *a = *b;
    *b = held;
}

static void push_ready(sorter *s, uint32_t rank)
{
    uint32_t at = s->heap_count++;
    s->heap[at] = rank;
    for (; at && s->heap[(at - 1) / 2] > s->heap[at]; at = (at - 1) / 2)
        swap_items(&s->heap[(at - 1) / 2], &s->heap[at]);
}

static uint32_t pop_ready(sorter *s)
{
    uint32_t least = s->heap[0];
    s->heap[0] = s->heap[--s->heap_count];
    for (uint32_t at = 0, child; (child = at * 2 + 1) < s->heap_count; at = child) {
        if (child + 1 < s->heap_count && s->heap[child + 1] < s->heap[child])
            child++;
        if (s->heap[at] <= s->heap[child])
            break;
        swap_items(&s->heap[at], &s->heap[child]);
    }
    return least;
}

static void place_object(sorter *s, uint32_t index)
{
    s->m->objects[index].position = s->done;
    s->m->order[s->done++] = index;
    s->missing[index] = SCHEMA_NONE; /* has its place */
    for (uint32_t at = s->next[index]; at; at = s->link[at - 1]) {
        uint32_t user = s->user_of[at - 1];
        if (s->missing[user] != SCHEMA_NONE && --s->missing[user] == 0)
            push_ready(s, s->rank[user]);
    }
}

/* In a circle the one that comes first by rank goes first: its statement may then name what is not there yet, and the
 * server says so. */
static void break_circle(sorter *s, uint32_t *from)
{
    while (*from < s->m->count && s->missing[s->by_rank[*from]] == SCHEMA_NONE)
        ++*from;
    if (*from < s->m->count)
        place_object(s, s->by_rank[*from]);
}

static void sort_objects(sorter *s)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i < s->m->count; i++)
        if (!s->missing[i])
            push_ready(s, s->rank[i]);
    while (s->done < s->m->count) {
        if (s->heap_count)
            place_object(s, s->by_rank[pop_ready(s)]);
        else
            break_circle(s, &from);
    }
}

/* As many as add_needs can make. */
static size_t count_links(const schema_model *m)
{
    size_t links = (size_t)m->edge_count * 2 + m->count + 1;
    for (uint32_t i = 0; i < m->edge_count; i++)
        if (is_table(&m->objects[m->edges[i].a]) && is_table(&m->objects[m->edges[i].b]))
            links += m->part_from[m->edges[i].b + 1] - m->part_from[m->edges[i].b];
    return links;
}

int schema_order(schema_model *m, bool with_defaults, lb_error *err)
{
    size_t objects = (size_t)m->count + 1, links = count_links(m);
    uint32_t *room = lb_alloc(m->ctx, (objects * 5 + links * 2) * sizeof *room);
    m->order = lb_alloc(m->ctx, objects * sizeof *m->order);
    if (!room || !m->order)
        return lb_out_of_memory(err);
    sorter s = {.m = m,
                .rank = room,
                .by_rank = room + objects,
                .missing = room + objects * 2,
                .next = room + objects * 3,
                .heap = room + objects * 4,
                .user_of = room + objects * 5,
                .link = room + objects * 5 + links};
    int r = rank_objects(&s, err);
    if (r < 0)
        return r;
    add_needs(&s, with_defaults);
    sort_objects(&s);
    return 0;
}
