#include "index_tree.h"

#include <sql/index/attach.h>
#include <sql/index/body_defined.h>
#include <sql/index/create.h>
#include <sql/index/create_only.h>
#include <sql/index/tree.h>

/* What the index of each table of the tree is to be like: the same columns by name. */
typedef struct shape {
    const index_wanted *wanted; /* or NULL: as the index `of` is */
    const index_info *of;
} shape;

typedef struct growth {
    index_work *work;
    shape shape;
    const char *const *columns; /* for names */
    size_t column_count;
    const lb_sql *body;
    index_fix *steps;
    size_t count, room;
    int64_t parts; /* seen */
} growth;

typedef struct place {
    const char *schema, *name;
    const index_info *index; /* NULL: it is to be made */
} place;

/* ---- like it ---- */

static const char *name_of(const index_info *x, int i)
{
    const index_column *c = x->keys.items[i] ? index_find_column(x->table, x->keys.items[i]) : NULL;
    const bool has_text = !x->r.key_texts_is_null && (size_t)i < x->r.key_texts.count;
    return c ? c->r.name : has_text ? x->r.key_texts.items[i].v.text : "";
}

static bool same_vector(const index_vector *a, const index_vector *b)
{
    bool same = a->count == b->count;
    for (int i = 0; same && i < a->count; i++)
        same = a->items[i] == b->items[i];
    return same;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_like_index(const index_info *x, const index_info *of)
{
    bool same = x->keys.count == of->keys.count && x->r.key_count == of->r.key_count &&
                same_text(x->r.method, of->r.method) && same_text(x->r.predicate, of->r.predicate) &&
                same_vector(&x->opclasses, &of->opclasses) && same_vector(&x->collations, &of->collations) &&
                same_vector(&x->options, &of->options) && !x->r.has_opclass_options && !of->r.has_opclass_options;
    for (int i = 0; same && i < x->keys.count; i++)
        same = strcmp(name_of(x, i), name_of(of, i)) == 0 && *name_of(x, i);
    return same;
}

/* Only a plain one is known well enough to be taken for another's work. */
static bool is_like_wanted(const index_set *set, const index_info *x, const index_wanted *w)
{
    bool same = w->kind == INDEX_BTREE && w->part == INDEX_PART_ALL && !w->opclass && !w->beside_count &&
                !x->r.predicate && strcmp(x->r.method, "btree") == 0 && (size_t)x->keys.count == w->count &&
                x->r.key_count == x->keys.count;
    for (int i = 0; same && i < x->keys.count; i++) {
        const index_column *c = x->keys.items[i] ? index_find_column(x->table, x->keys.items[i]) : NULL;
        const index_opclass *o = i < x->opclasses.count ? index_find_opclass(set, x->opclasses.items[i]) : NULL;
        int64_t order = w->descending && w->descending[i] ? 3 : 0;
        same = c && o && o->is_default && strcmp(c->r.name, w->columns[i]) == 0 && i < x->options.count &&
               x->options.items[i] == order && i < x->collations.count && x->collations.items[i] == c->r.collation_id;
    }
    return same;
}

static bool is_like(const index_set *set, const index_info *x, const shape *s)
{
    return !x->r.is_unique && !x->r.is_exclusion && !x->r.constraint_name && !x->r.is_of_extension &&
           !index_is_locked(x) && (s->wanted ? is_like_wanted(set, x, s->wanted) : is_like_index(x, s->of));
}

/* The one that is attached, else one that could be. */
static const index_info *find_part(const index_set *set, const index_table *t, const index_info *above, const shape *s)
{
    const index_info *found = NULL;
    for (size_t i = 0; i < t->index_count; i++) {
        const index_info *x = t->indexes[i];
        if (above && x->parent == above)
            return x;
        bool is_better = !found || (index_is_whole(x) && !index_is_whole(found));
        if (!x->parent && x->r.is_live && is_like(set, x, s) && is_better)
            found = x;
    }
    return found;
}

/* ---- steps ---- */

static int add_step(growth *g, const lb_statement *statement, const lb_value *values, lb_error *err)
{
    if (g->count == g->room) {
        size_t room = g->room ? g->room * 2 : 16;
        index_fix *steps = lb_alloc(g->work->ctx, room * sizeof *steps);
        if (!steps)
            return lb_out_of_memory(err);
        if (g->count)
            memcpy(steps, g->steps, g->count * sizeof *steps);
        g->steps = steps;
        g->room = room;
    }
    return index_make_fix(g->work, statement, values, &g->steps[g->count++], err);
}

static int attach(growth *g, const place *above, const char *schema, const char *name, lb_error *err)
{
    return add_step(g, &index_attach_sql,
                    LB_ARGS(lb_ident("schema", above->schema), lb_ident("name", above->name),
                            lb_ident("part_schema", schema), lb_ident("part", name)),
                    err);
}

static int make(growth *g, const index_table *t, const char *name, lb_error *err)
{
    return add_step(g, t->r.kind[0] == 'p' ? &index_create_only_sql : &index_create_sql,
                    LB_ARGS(lb_ident("name", name), lb_ident("schema", t->r.schema), lb_ident("table", t->r.name),
                            lb_sql_value("body", g->body)),
                    err);
}

static int rebuild(growth *g, const index_info *x, lb_error *err)
{
    index_fix fix = {0};
    int r = index_fix_rebuild(g->work, x, &fix, err);
    return r < 0 ? r : add_step(g, fix.statement, fix.values, err);
}

static int grow(growth *g, const index_table *table, const place *top, lb_error *err);

static int grow_part(growth *g, const index_table *t, const place *above, lb_error *err)
{
    const index_info *x = find_part(g->work->set, t, above->index, &g->shape);
    place own = {t->r.schema, x ? x->r.name : NULL, x};
    bool is_attached = x && above->index && x->parent == above->index;
    g->parts++;
    int r = x ? 0 : index_choose_name(g->work, t, g->columns, g->column_count, &own.name, err);
    if (r >= 0 && !x)
        r = make(g, t, own.name, err);
    if (r >= 0 && x && !index_is_whole(x) && !x->r.is_partitioned)
        r = rebuild(g, x, err);
    if (r >= 0 && t->r.kind[0] == 'p')
        r = grow(g, t, &own, err);
    return r < 0 || (is_attached && index_is_whole(x)) ? r : attach(g, above, own.schema, own.name, err);
}

/* A partition's are done before it is attached itself. */
static int grow(growth *g, const index_table *table, const place *top, lb_error *err)
{
    const index_set *set = g->work->set;
    int r = 0;
    for (size_t i = 0; i < set->table_count && r >= 0; i++)
        if (set->tables[i].parent == table)
            r = grow_part(g, &set->tables[i], top, err);
    return r;
}

static int read_tree(index_work *work, const index_table *t, const index_info *x, index_tree_row *ret_row,
                     lb_error *err)
{
    const index_tree_args args = {.table_id = t->r.table_id, .index_id = x ? x->r.index_id : 0, .index_id_is_null = !x};
    lb_rows *rows = NULL;
    int r = index_tree(work->ctx, &args, &rows, err);
    if (r >= 0 && !index_tree_next(work->ctx, rows, ret_row))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the server did not say how many partitions there are");
    return r;
}

/* A partition that is not seen would leave the whole invalid for ever. */
static void take_steps(const growth *g, const index_tree_row *tree, index_fix *fix)
{
    fix->steps = g->parts == tree->parts ? g->steps : NULL;
    fix->step_count = fix->steps ? g->count : 0;
}

int index_tree_create(index_work *work, const index_wanted *w, const char *name, const lb_sql *body, index_fix *fix,
                      lb_error *err)
{
    const place top = {w->table->r.schema, name, NULL};
    index_tree_row tree = {0};
    growth g = {.work = work, .shape = {.wanted = w}, .columns = w->columns, .column_count = w->count, .body = body};
    int r = read_tree(work, w->table, NULL, &tree, err);
    if (r >= 0)
        r = make(&g, w->table, name, err);
    if (r >= 0)
        r = grow(&g, w->table, &top, err);
    if (r >= 0)
        take_steps(&g, &tree, fix);
    return r;
}

int index_tree_finish(index_work *work, const index_info *x, index_fix *fix, lb_error *err)
{
    const place top = {x->r.schema, x->r.name, x};
    const char *columns[INDEX_KEYS];
    index_tree_row tree = {0};
    growth g = {.work = work, .shape = {.of = x}, .columns = columns};
    for (; g.column_count < (size_t)x->r.key_count; g.column_count++)
        columns[g.column_count] = x->keys.items[g.column_count] ? name_of(x, (int)g.column_count) : "expr";
    int r = read_tree(work, x->table, x, &tree, err);
    if (r < 0 || !tree.body)
        return r;
    r = index_body_defined_compose(work->ctx, &(index_body_defined_args){.body = tree.body}, &g.body, err);
    if (r >= 0)
        r = grow(&g, x->table, &top, err);
    if (r >= 0)
        take_steps(&g, &tree, fix);
    return r;
}

/* ---- unfinished ones ---- */

static bool is_below(const index_table *t, const index_table *above)
{
    while (t && t != above)
        t = t->parent;
    return t != NULL;
}

const char *index_tree_hindrance(const index_set *set, const index_info *x)
{
    if (x->r.is_unique || x->r.constraint_name)
        return "it is unique: what its partitions lack can be built and attached once they are free of duplicates";
    if (set->window.r.hidden_builds)
        return "an index may be being built for it by whom this role does not see";
    for (size_t i = 0; i < set->index_count; i++)
        if (set->indexes[i].r.is_being_built && is_below(set->indexes[i].table, x->table))
            return "an index of one of its partitions is being built just now";
    return NULL;
}

bool index_tree_is_open(const index_set *set, const index_info *x)
{
    return x->r.is_partitioned && !index_is_whole(x) && !index_tree_hindrance(set, x);
}

const index_info *index_tree_above(const index_set *set, const index_info *x)
{
    const shape like = {.of = x};
    for (const index_table *t = x->table->parent; t; t = t->parent)
        for (size_t i = 0; i < t->index_count; i++)
            if (index_tree_is_open(set, t->indexes[i]) && is_like(set, t->indexes[i], &like))
                return t->indexes[i];
    return NULL;
}
