/* From the columns that a statement looks for rows by to the index that would find them. */
#include "index_missing.h"
#include "index_rules.h"

#define WIDE        100 /* bytes of a column that make an index of it a burden */
#define FEW_VALUES  3
#define RICH_ROWS   100
#define INDEX_SHARE 0.05 /* of the rows: above it the planner rather reads them all */

/* ---- whose column is it ---- */

/* A name without its schema is one of public, or of the only schema that has it. */
static const index_table *find_by_name(const index_set *set, const index_relation *relation)
{
    const index_table *found = NULL;
    int count = 0;
    for (size_t i = 0; i < set->table_count; i++) {
        const index_table *t = &set->tables[i];
        if (strcmp(t->r.name, relation->name) != 0 || (relation->schema && strcmp(t->r.schema, relation->schema) != 0))
            continue;
        if (relation->schema || strcmp(t->r.schema, "public") == 0)
            return t;
        found = t;
        count++;
    }
    return count == 1 ? found : NULL;
}

static const index_column *column_named(const index_table *t, const char *name)
{
    for (size_t i = 0; t && i < t->column_count; i++)
        if (strcmp(t->columns[i].r.name, name) == 0)
            return &t->columns[i];
    return NULL;
}

/* The relation that a use speaks of, or -1 where it could be several. */
static int owner_of(const index_level *level, const index_table *const *tables, const index_use *use)
{
    int owner = -1;
    for (size_t i = 0; i < level->relation_count; i++) {
        if (use->qualifier) {
            if (strcmp(use->qualifier, level->relations[i].alias) == 0)
                return (int)i;
        } else if (!tables[i] || column_named(tables[i], use->column)) {
            if (owner >= 0)
                return -1;
            owner = (int)i;
        }
    }
    return owner;
}

/* ---- one candidate ---- */

typedef struct wish {
    const index_column *equal[INDEX_KEYS], *range, *order[INDEX_KEYS];
    bool descending[INDEX_KEYS];
    int equal_count, order_count;
    bool is_join, order_is_ours;
} wish;

static bool wants(const wish *w, const index_column *c)
{
    for (int i = 0; i < w->equal_count; i++)
        if (w->equal[i] == c)
            return true;
    return false;
}

/* Columns by which the relation's rows are found; a join's only where another relation's rows are few. */
static void collect(const index_level *level, const index_table *const *tables, int relation, index_use_kind kind,
                    wish *w)
{
    for (size_t i = 0; i < level->use_count; i++) {
        const index_use *use = &level->uses[i];
        int owner = use->kind == kind ? owner_of(level, tables, use) : -2;
        if (owner != relation) {
            w->order_is_ours = w->order_is_ours && !(kind == INDEX_USE_ORDER && owner != -2);
            continue;
        }
        const index_column *c = column_named(tables[relation], use->column);
        if (!c) {
            w->order_is_ours = w->order_is_ours && kind != INDEX_USE_ORDER;
        } else if (kind == INDEX_USE_ORDER && w->order_count < INDEX_KEYS) {
            w->descending[w->order_count] = use->descending;
            w->order[w->order_count++] = c;
        } else if (kind == INDEX_USE_RANGE) {
            w->range = w->range ? w->range : c;
        } else if (kind != INDEX_USE_ORDER && !wants(w, c) && w->equal_count < INDEX_KEYS) {
            w->equal[w->equal_count++] = c;
        }
    }
}

static bool others_are_filtered(const index_level *level, const index_table *const *tables, int relation)
{
    for (size_t i = 0; i < level->use_count; i++)
        if (level->uses[i].kind == INDEX_USE_EQUAL && owner_of(level, tables, &level->uses[i]) >= 0 &&
            owner_of(level, tables, &level->uses[i]) != relation)
            return true;
    return false;
}

static wish wish_of(const index_level *level, const index_table *const *tables, int relation)
{
    wish w = {.order_is_ours = true};
    collect(level, tables, relation, INDEX_USE_EQUAL, &w);
    collect(level, tables, relation, INDEX_USE_RANGE, &w);
    collect(level, tables, relation, INDEX_USE_ORDER, &w);
    if (w.equal_count == 0 && !w.range && others_are_filtered(level, tables, relation)) {
        collect(level, tables, relation, INDEX_USE_JOIN, &w);
        w.is_join = w.equal_count > 0;
    }
    if (!w.order_is_ours || level->relation_count > 1) /* after a join the order is another's to make */
        w.order_count = 0;
    return w;
}

static void add_key(index_candidate *c, const index_column *column, bool descending)
{
    for (int i = 0; i < c->count; i++)
        if (c->columns[i] == column)
            return;
    if (c->count == INDEX_CANDIDATE_KEYS)
        return;
    c->descending[c->count] = descending;
    c->columns[c->count++] = column;
}

static bool is_fit(const index_column *c, double rows)
{
    return c->has_statistics && c->width <= WIDE && index_distinct(c, rows) >= FEW_VALUES;
}

/* The most selective ones first, of those that are worth it. */
static void add_equal(index_candidate *c, const wish *w, double rows)
{
    bool taken[INDEX_KEYS] = {false};
    for (int n = 0; n < w->equal_count; n++) {
        int best = -1;
        for (int i = 0; i < w->equal_count; i++)
            if (!taken[i] && (best < 0 || index_distinct(w->equal[i], rows) > index_distinct(w->equal[best], rows)))
                best = i;
        taken[best] = true;
        if (is_fit(w->equal[best], rows))
            add_key(c, w->equal[best], false);
    }
    c->equal_count = c->count;
}

static void add_tail(index_candidate *c, const wish *w)
{
    bool same = true;
    for (int i = 1; i < w->order_count; i++)
        same = same && w->descending[i] == w->descending[0];
    int before = c->count;
    for (int i = 0; i < w->order_count; i++)
        add_key(c, w->order[i], !same && w->descending[i]); /* one direction is read backwards */
    c->is_ordered = c->count > before;
    if (!c->is_ordered && w->range && c->equal_count > 0) {
        add_key(c, w->range, false);
        c->is_range = c->count > before;
    }
}

/* Rows behind one set of values, as a share of all. */
static double share_of(const index_candidate *c, double rows)
{
    double share = 1;
    for (int i = 0; i < c->equal_count; i++)
        share /= index_distinct(c->columns[i], rows);
    return share;
}

/* ---- is it there already ---- */

static bool leads_with_equal(const index_candidate *c, const index_info *x)
{
    for (int i = 0; i < c->equal_count; i++) {
        bool found = false;
        for (int k = 0; k < c->equal_count; k++)
            found = found || (i < x->r.key_count && x->keys.items[i] == c->columns[k]->r.number);
        if (!found)
            return false;
    }
    return true;
}

static bool follows_tail(const index_candidate *c, const index_info *x)
{
    for (int i = c->equal_count; i < c->count; i++)
        if (i >= x->r.key_count || x->keys.items[i] != c->columns[i]->r.number)
            return false;
    return true;
}

bool index_is_served(const index_candidate *c)
{
    double rows = index_table_rows(c->table);
    for (size_t i = 0; i < c->table->index_count; i++) {
        const index_info *x = c->table->indexes[i];
        if (!index_is_whole(x) || x->r.predicate ||
            (strcmp(x->r.method, "btree") != 0 && strcmp(x->r.method, "hash") != 0))
            continue;
        if (leads_with_equal(c, x) && follows_tail(c, x))
            return true;
        for (int k = 0; k < c->equal_count; k++)
            if (x->keys.items[0] == c->columns[k]->r.number && rows / index_distinct(c->columns[k], rows) < RICH_ROWS)
                return true; /* few enough are left to look at */
    }
    return false;
}

/* ---- the list ---- */

static bool begins_with(const index_candidate *longer, const index_candidate *shorter)
{
    if (longer->table != shorter->table || longer->count < shorter->count)
        return false;
    for (int i = 0; i < shorter->count; i++)
        if (longer->columns[i] != shorter->columns[i] || longer->descending[i] != shorter->descending[i])
            return false;
    return true;
}

static void absorb(index_candidate *into, const index_candidate *other)
{
    into->calls += other->calls;
    into->total_ms += other->total_ms;
    into->statement_count += other->statement_count;
    if (other->top_ms > into->top_ms) {
        into->query_id = other->query_id;
        into->top_calls = other->top_calls;
        into->top_ms = other->top_ms;
    }
}

static int grow(lb_ctx *ctx, index_candidates *list, lb_error *err)
{
    if (list->count < list->capacity)
        return 0;
    size_t capacity = list->capacity ? list->capacity * 2 : 32;
    index_candidate *items = lb_alloc(ctx, capacity * sizeof *items);
    if (!items)
        return lb_out_of_memory(err);
    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    list->items = items;
    list->capacity = capacity;
    return 0;
}

/* One index serves those that ask for its beginning too. */
static int add(lb_ctx *ctx, index_candidates *list, const index_candidate *c, lb_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        index_candidate *other = &list->items[i];
        if (begins_with(other, c)) {
            absorb(other, c);
            return 0;
        }
        if (begins_with(c, other)) {
            index_candidate old = *other;
            *other = *c;
            absorb(other, &old);
            return 0;
        }
    }
    int r = grow(ctx, list, err);
    if (r >= 0)
        list->items[list->count++] = *c;
    return r;
}

static bool is_worth(const index_table *t, const index_missing_limits *limits)
{
    return t && !t->r.is_of_extension && !t->r.bytes_is_null && index_table_rows(t) >= (double)limits->min_rows &&
           (t->r.bytes >= limits->min_bytes || t->r.kind[0] == 'p');
}

int index_add_candidates(index_work *work, const index_missing_limits *limits, const index_level *levels,
                         const index_candidate *statement, index_candidates *list, lb_error *err)
{
    int r = 0;
    for (const index_level *level = levels; level && r >= 0; level = level->next) {
        const index_table *tables[INDEX_RELATIONS] = {NULL};
        for (size_t i = 0; i < level->relation_count; i++)
            tables[i] = find_by_name(work->set, &level->relations[i]);
        for (size_t i = 0; i < level->relation_count && r >= 0; i++) {
            if (!is_worth(tables[i], limits))
                continue;
            wish w = wish_of(level, tables, (int)i);
            index_candidate c = *statement;
            double rows = index_table_rows(tables[i]);
            c.table = tables[i];
            c.is_join = w.is_join;
            add_equal(&c, &w, rows);
            if (w.equal_count && !c.equal_count)
                continue; /* what it filters by has too few values, or is too wide */
            add_tail(&c, &w);
            bool is_narrow = c.equal_count && share_of(&c, rows) < INDEX_SHARE;
            if (c.count && (is_narrow || c.is_ordered) && !index_is_served(&c))
                r = add(work->ctx, list, &c, err);
        }
    }
    return r;
}
