/* From the columns that a statement looks for rows by to the index that would find them. */
#include "index_missing.h"
#include "index_rules.h"

#define WIDE        100 /* bytes of a column that make an index of it a burden */
#define FEW_VALUES  3
#define RICH_ROWS   100
#define INDEX_SHARE 0.05 /* of the rows: above it the planner rather reads them all */
#define PART_SHARE  0.2  /* of the rows, at most, that an index over a part of them holds */
#define NULL_SHARE  0.5  /* of nulls, from which an index does without them */

/* ---- one candidate ---- */

typedef struct wish {
    const index_column *equal[INDEX_KEYS], *range, *order[INDEX_KEYS];
    bool descending[INDEX_KEYS];
    int equal_count, order_count;
    bool is_join, order_is_ours;
    index_part part; /* the fewest rows that it says it wants */
    const index_column *part_column;
    double part_share;
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
        int owner = use->kind == kind ? index_owner_of(level, tables, use) : -2;
        if (owner != relation) {
            w->order_is_ours = w->order_is_ours && !(kind == INDEX_USE_ORDER && owner != -2);
            continue;
        }
        const index_column *c = index_column_named(tables[relation], use->column);
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

/* The share of the rows that such a condition leaves; -1: nobody knows. */
static double share_of_part(const index_column *c, index_part part)
{
    if (!c->has_statistics || (part >= INDEX_PART_TRUE && (c->true_share < 0 || c->r.sort[0] != 'b')))
        return -1;
    return part == INDEX_PART_NULL       ? c->null_share
           : part == INDEX_PART_NOT_NULL ? 1 - c->null_share
           : part == INDEX_PART_TRUE     ? c->true_share
                                         : 1 - c->null_share - c->true_share;
}

static index_part part_of(index_use_kind kind)
{
    return kind == INDEX_USE_NULL       ? INDEX_PART_NULL
           : kind == INDEX_USE_NOT_NULL ? INDEX_PART_NOT_NULL
           : kind == INDEX_USE_TRUE     ? INDEX_PART_TRUE
           : kind == INDEX_USE_FALSE    ? INDEX_PART_FALSE
                                        : INDEX_PART_ALL;
}

static void choose_part(const index_level *level, const index_table *const *tables, int relation, wish *w)
{
    w->part_share = 1;
    for (size_t i = 0; i < level->use_count; i++) {
        index_part part = part_of(level->uses[i].kind);
        if (!part || index_owner_of(level, tables, &level->uses[i]) != relation)
            continue;
        const index_column *c = index_column_named(tables[relation], level->uses[i].column);
        double share = c ? share_of_part(c, part) : -1;
        if (share < 0 || share > PART_SHARE || share >= w->part_share)
            continue;
        w->part = part;
        w->part_column = c;
        w->part_share = share > 0 ? share : 1e-6;
    }
}

static bool others_are_filtered(const index_level *level, const index_table *const *tables, int relation)
{
    for (size_t i = 0; i < level->use_count; i++)
        if (level->uses[i].kind == INDEX_USE_EQUAL && index_owner_of(level, tables, &level->uses[i]) >= 0 &&
            index_owner_of(level, tables, &level->uses[i]) != relation)
            return true;
    return false;
}

static wish wish_of(const index_level *level, const index_table *const *tables, int relation)
{
    wish w = {.order_is_ours = true};
    collect(level, tables, relation, INDEX_USE_EQUAL, &w);
    collect(level, tables, relation, INDEX_USE_RANGE, &w);
    collect(level, tables, relation, INDEX_USE_ORDER, &w);
    choose_part(level, tables, relation, &w);
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

static bool is_known(const wish *w)
{
    for (int i = 0; i < w->equal_count; i++)
        if (w->equal[i]->has_statistics)
            return true;
    return false;
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
    if (!c->is_ordered && w->range && (c->equal_count > 0 || w->part)) {
        add_key(c, w->range, false);
        c->is_range = c->count > before;
    }
}

/* What it says itself; else nulls are left out where there are many and nobody compares with them. A partitioned table
 * has them all, as its partitions may differ. */
static void add_part(index_candidate *c, const wish *w)
{
    c->part_share = 1;
    if (c->table->r.kind[0] == 'p')
        return;
    if (w->part) {
        c->part = w->part;
        c->part_column = w->part_column;
        c->part_share = w->part_share;
        c->part_is_said = true;
    }
    for (int i = 0; i < c->equal_count && !w->part; i++) {
        double nulls = c->columns[i]->null_share;
        if (nulls <= NULL_SHARE || 1 - nulls > c->part_share)
            continue;
        c->part = INDEX_PART_NOT_NULL;
        c->part_column = c->columns[i];
        c->part_share = 1 - nulls;
    }
    if (w->part && !c->count && c->part_share < INDEX_SHARE) /* few enough: any key will do, and this one is small */
        add_key(c, w->part_column, false);
}

/* Rows behind one set of values, as a share of all. Nulls are in nobody's share. */
static double share_of(const index_candidate *c, double rows)
{
    double share = c->part_is_said ? c->part_share : 1;
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

/* The server writes such a predicate in one way only. */
static bool holds_part(const index_candidate *c, const index_info *x)
{
    static const struct {
        const char *before, *after;
    } forms[] = {{"", ""}, {"(", " IS NOT NULL)"}, {"(", " IS NULL)"}, {"", ""}, {"(NOT ", ")"}};
    const char *before = forms[c->part].before;
    if (!c->part || strncmp(x->r.predicate, before, strlen(before)) != 0)
        return false;
    const char *rest = index_skip_name(x->r.predicate + strlen(before), c->part_column->r.name);
    return rest && strcmp(rest, forms[c->part].after) == 0;
}

/* Whether it does as well, once it can be used. */
static bool serves(const index_candidate *c, const index_info *x)
{
    double rows = index_table_rows(c->table);
    if (index_is_locked(x) || (x->r.predicate && !holds_part(c, x)) ||
        (strcmp(x->r.method, "btree") != 0 && strcmp(x->r.method, "hash") != 0))
        return false;
    if (c->part_is_said && c->part_column && !c->equal_count && !x->r.predicate &&
        x->keys.items[0] != c->part_column->r.number)
        return false; /* in order, but among all the others */
    if (leads_with_equal(c, x) && follows_tail(c, x))
        return true;
    for (int k = 0; k < c->equal_count; k++)
        if (x->keys.items[0] == c->columns[k]->r.number && rows / index_distinct(c->columns[k], rows) < RICH_ROWS)
            return true; /* few enough are left to look at */
    return false;
}

/* True when an index that is there serves it. *ret_coming: why one that serves it will be there, or NULL. */
static bool is_served(const index_candidate *c, const char **ret_coming)
{
    *ret_coming = NULL;
    for (size_t i = 0; i < c->table->index_count; i++) {
        const index_info *x = c->table->indexes[i];
        if (!serves(c, x))
            continue;
        if (index_is_whole(x))
            return true;
        *ret_coming = *ret_coming ? *ret_coming : index_coming(x);
    }
    return false;
}

/* ---- the list ---- */

static bool begins_with(const index_candidate *longer, const index_candidate *shorter)
{
    if (longer->table != shorter->table || longer->count < shorter->count || longer->kind != shorter->kind ||
        longer->use != shorter->use || longer->part != shorter->part || longer->part_column != shorter->part_column)
        return false;
    for (int i = 0; i < shorter->count; i++)
        if (longer->columns[i] != shorter->columns[i] || longer->descending[i] != shorter->descending[i])
            return false;
    return true;
}

static bool same_beside(const index_candidate *a, const index_candidate *b)
{
    for (int i = 0; a->beside_count == b->beside_count && i < a->beside_count; i++)
        if (a->beside[i] != b->beside[i])
            return false;
    return a->beside_count == b->beside_count;
}

static void absorb(index_candidate *into, const index_candidate *other)
{
    into->calls += other->calls;
    into->total_ms += other->total_ms;
    into->statement_count += other->statement_count;
    if (other->rows_per_call > into->rows_per_call)
        into->rows_per_call = other->rows_per_call;
    if (!same_beside(into, other))
        into->beside_count = 0;
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
int index_add_candidate(lb_ctx *ctx, index_candidates *list, const index_candidate *c, lb_error *err)
{
    list->asked++;
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

/* ---- why there is nothing to ask for ---- */

static const char *const refusals[] = {
    [INDEX_REFUSED_UNKNOWN] =
        "none of {its|their} tables is known here by its name: views, catalogs, foreign ones, several of one name",
    [INDEX_REFUSED_EXTENSION] = "{its table belongs|their tables belong} to an extension",
    [INDEX_REFUSED_SMALL] =
        "{its table is|their tables are} smaller than min_rows or min_bytes, as far as anybody knows",
    [INDEX_REFUSED_LOCKED] = INDEX_LOCKED,
    [INDEX_REFUSED_ALL] = "{it has|they have} no condition that would find rows",
    [INDEX_REFUSED_MUCH] =
        "what {it compares|they compare} leaves too much of a table for an index, or nobody knows how much",
    [INDEX_REFUSED_SERVED] = "an index that is there can serve {it|them}",
    [INDEX_REFUSED_FEW] = "what {it compares|they compare} has too few values for an index, or too wide ones",
    [INDEX_REFUSED_OTHER] =
        "{it compares|they compare} in ways that no index is proposed for: NOT, <>, a subquery, other operators",
    [INDEX_REFUSED_OR] = "{it joins|they join} conditions by OR, for which no index is proposed",
    [INDEX_REFUSED_COMPUTED] = ("{it compares|they compare} what a function, a cast or an operator makes of a column: "
                                "no index is proposed for that"),
};

static index_refusal refusal_of_table(const index_table *t, const index_missing_limits *limits)
{
    return !t                     ? INDEX_REFUSED_UNKNOWN
           : t->r.is_of_extension ? INDEX_REFUSED_EXTENSION
           : t->r.bytes_is_null   ? INDEX_REFUSED_LOCKED
           : index_table_rows(t) < (double)limits->min_rows || (t->r.bytes < limits->min_bytes && *t->r.kind != 'p')
               ? INDEX_REFUSED_SMALL
               : INDEX_REFUSED_NOT;
}

static bool is_led_by(const index_table *t, const index_column *c)
{
    for (size_t i = 0; c && i < t->index_count; i++) {
        const index_info *x = t->indexes[i];
        if (index_is_whole(x) && !x->r.predicate && x->keys.items[0] == c->r.number)
            return true;
    }
    return false;
}

/* What a level says of the relation's rows makes no key. */
static index_refusal refusal_of_wish(const index_level *level, const index_table *const *tables, int relation,
                                     const wish *w)
{
    bool is_used = false;
    for (size_t i = 0; i < level->use_count; i++)
        is_used = is_used || index_owner_of(level, tables, &level->uses[i]) == relation;
    return level->missed & INDEX_MISS_COMPUTED     ? INDEX_REFUSED_COMPUTED
           : level->missed & INDEX_MISS_OR         ? INDEX_REFUSED_OR
           : level->missed & INDEX_MISS_OTHER      ? INDEX_REFUSED_OTHER
           : is_led_by(tables[relation], w->range) ? INDEX_REFUSED_SERVED
           : is_used                               ? INDEX_REFUSED_MUCH
                                                   : INDEX_REFUSED_ALL;
}

/* Whatever was asked for or said of statements up to now. */
static int64_t heard(const index_work *work, const index_candidates *list)
{
    int64_t count = list->asked;
    for (size_t i = 0; i < sizeof work->passed / sizeof *work->passed; i++)
        count += work->passed[i].count;
    return count;
}

/* ---- what a statement asks for ---- */

/* A B-tree. *ret_is_narrow: its keys leave few rows, so that nothing else is needed. */
static int add_ordered(index_work *work, const index_level *level, const index_table *const *tables, int relation,
                       const index_candidate *statement, index_candidates *list, bool *ret_is_narrow, lb_error *err)
{
    wish w = wish_of(level, tables, relation);
    index_candidate c = *statement;
    const char *coming = NULL;
    double rows = index_table_rows(tables[relation]);
    c.table = tables[relation];
    c.is_join = w.is_join;
    add_equal(&c, &w, rows);
    if (w.equal_count && !c.equal_count && !w.part) {
        if (!is_known(&w))
            index_pass(work, "there are no statistics of {its|their} columns: never analyzed, or not ours to read");
        index_refuse(list, INDEX_REFUSED_FEW);
        index_refuse(list, refusal_of_wish(level, tables, relation, &w));
        return 0;
    }
    add_tail(&c, &w);
    add_part(&c, &w);
    *ret_is_narrow = (c.equal_count || c.part_is_said) && share_of(&c, rows) < INDEX_SHARE;
    bool is_asked = c.count && (*ret_is_narrow || c.is_ordered), is_there = is_asked && is_served(&c, &coming);
    if (!is_asked || is_there) {
        index_refuse(list, is_there ? INDEX_REFUSED_SERVED : refusal_of_wish(level, tables, relation, &w));
        return 0;
    }
    if (coming) {
        index_pass(work, coming);
        return 0;
    }
    index_prefer_extending(work->set, &c);
    index_add_beside(level, tables, relation, &c);
    return index_add_candidate(work->ctx, list, &c, err);
}

static int add_level(index_work *work, const index_missing_limits *limits, const index_level *level,
                     const index_candidate *statement, index_candidates *list, lb_error *err)
{
    const index_table *tables[INDEX_RELATIONS] = {NULL};
    int r = 0;
    for (size_t i = 0; i < level->relation_count; i++) {
        tables[i] = index_table_named(work->set, &level->relations[i]);
        if (tables[i] && list->is_named)
            list->is_named[tables[i] - work->set->tables] = true;
    }
    for (size_t i = 0; i < level->relation_count && r >= 0; i++) {
        index_refusal why = refusal_of_table(tables[i], limits);
        bool is_narrow = false;
        index_refuse(list, why);
        if (why)
            continue;
        r = add_ordered(work, level, tables, (int)i, statement, list, &is_narrow, err);
        if (r >= 0 && !is_narrow)
            r = index_add_special(work, limits, level, tables, (int)i, statement, list, err);
    }
    return r;
}

int index_add_candidates(index_work *work, const index_missing_limits *limits, const index_level *levels,
                         const index_candidate *statement, index_candidates *list, lb_error *err)
{
    int64_t before = heard(work, list);
    int r = 0;
    list->refused = INDEX_REFUSED_NOT;
    for (const index_level *level = levels; level && r >= 0; level = level->next) {
        index_candidate said = *statement;
        if (levels->next || level->relation_count > 1)
            said.rows_per_call = -1; /* whose rows these are is not known */
        r = add_level(work, limits, level, &said, list, err);
    }
    if (r >= 0 && list->refused && heard(work, list) == before)
        index_pass(work, refusals[list->refused]);
    return r;
}
