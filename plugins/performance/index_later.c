/* A finding's values lie where the rule that tells it has written them, and are gone when it is done: what is to be
 * decided later takes copies along. Texts are of the run, and stay. */
#include "index_later.h"

static const lb_value *kept_values(lb_ctx *ctx, const lb_value *values, size_t count)
{
    lb_value *kept = lb_alloc(ctx, count * sizeof *kept);
    if (kept)
        memcpy(kept, values, count * sizeof *kept);
    for (size_t i = 0; kept && i < count; i++) {
        size_t inner = kept[i].count;
        bool is_object = kept[i].type == LB_OBJECT;
        if ((!is_object && !(kept[i].type & LB_LIST)) || !kept[i].v.items)
            continue;
        if (is_object)
            for (inner = 1; kept[i].v.items[inner - 1].type != LB_END; inner++) {
            }
        kept[i].v.items = kept_values(ctx, kept[i].v.items, inner);
        if (inner && !kept[i].v.items)
            return NULL;
    }
    return kept;
}

/* The same for an array that ends with LB_END, or is not there. */
static bool keep_named(lb_ctx *ctx, const lb_value **values)
{
    size_t count = 1;
    if (!*values)
        return true;
    while ((*values)[count - 1].type != LB_END)
        count++;
    *values = kept_values(ctx, *values, count);
    return *values != NULL;
}

static bool keep_terms(lb_ctx *ctx, const lb_term **terms)
{
    size_t count = 1;
    while ((*terms)[count - 1].name)
        count++;
    lb_term *kept = lb_alloc(ctx, count * sizeof *kept);
    if (kept)
        memcpy(kept, *terms, count * sizeof *kept);
    *terms = kept;
    return kept != NULL;
}

int index_later_add(lb_ctx *ctx, index_later *later, const index_finding *finding, lb_error *err)
{
    if (later->count == later->room) {
        size_t room = later->room ? later->room * 2 : 16;
        index_finding *items = lb_alloc(ctx, room * sizeof *items);
        if (!items)
            return lb_out_of_memory(err);
        if (later->count)
            memcpy(items, later->items, later->count * sizeof *items);
        later->items = items;
        later->room = room;
    }
    index_finding *f = &later->items[later->count];
    *f = *finding;
    if (f->columns) /* one list, with nothing that ends it */
        f->columns = kept_values(ctx, f->columns, 1);
    if ((finding->columns && !f->columns) || !keep_named(ctx, &f->evidence) || !keep_named(ctx, &f->impact) ||
        !keep_terms(ctx, &f->terms))
        return lb_out_of_memory(err);
    later->count++;
    return 0;
}
