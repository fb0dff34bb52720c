/* Where no order helps: what values hold (GIN), and tables that grow in order (BRIN). */
#include "index_missing.h"
#include "index_rules.h"

#define IN_ORDER 0.95 /* correlation of values with their places */
#define CHANGED  0.05 /* of the rows that may have moved since they were written */
#define MUCH     0.05 /* of the rows that a call returns: above it no index finds them sooner */

/* jsonb, arrays and text have operators of these kinds. */
static bool suits(const index_column *c, index_use_kind kind, bool has_trigrams)
{
    char sort = c->r.sort[0];
    return c->has_statistics &&
           ((kind == INDEX_USE_CONTAINS && (sort == 'j' || sort == 'a')) ||
            (kind == INDEX_USE_OVERLAPS && sort == 'a') || (kind == INDEX_USE_HAS_KEY && sort == 'j') ||
            (kind == INDEX_USE_PATTERN && sort == 't' && has_trigrams));
}

static bool is_keyed(const index_info *x, const index_column *c)
{
    for (int i = 0; i < x->r.key_count && i < x->keys.count; i++)
        if (x->keys.items[i] == c->r.number)
            return true;
    return false;
}

/* How many rows hold a value the planner does not know, and a trial finds those of one: what calls return has to tell.
 */
static bool returns_much(const index_table *t, const index_candidate *statement)
{
    return statement->rows_per_call > MUCH * index_table_rows(t);
}

/* It is there; or it will be, which is told. */
static bool can_be_relied_on(index_work *work, const index_info *x)
{
    const char *coming = index_coming(x);
    if (coming)
        index_pass(work, coming);
    return coming || index_is_whole(x);
}

/* An index that looks into values of this column, whatever its operator class. */
static bool is_looked_into(index_work *work, const index_table *t, const index_column *c)
{
    for (size_t i = 0; i < t->index_count; i++) {
        const index_info *x = t->indexes[i];
        bool looks = strcmp(x->r.method, "gin") == 0 || strcmp(x->r.method, "gist") == 0;
        if (looks && !x->r.predicate && is_keyed(x, c) && can_be_relied_on(work, x))
            return true;
    }
    return false;
}

static bool is_ranged(index_work *work, const index_table *t, const index_column *c)
{
    for (size_t i = 0; i < t->index_count; i++) {
        const index_info *x = t->indexes[i];
        bool is_brin = strcmp(x->r.method, "brin") == 0, is_btree = strcmp(x->r.method, "btree") == 0;
        if (!x->r.predicate && ((is_brin && is_keyed(x, c)) || (is_btree && x->keys.items[0] == c->r.number)) &&
            can_be_relied_on(work, x))
            return true;
    }
    return false;
}

/* Rows lie where they were put, in the order of this column. */
static bool grows_in_order(const index_table *t, const index_column *c)
{
    double rows = index_table_rows(t), moved = (double)(t->r.updated + t->r.deleted);
    return c->has_statistics && (c->correlation > IN_ORDER || c->correlation < -IN_ORDER) && moved <= CHANGED * rows;
}

/* Both ends are said, or the one that is today. */
static bool is_bounded(const index_level *level, const index_table *const *tables, int relation, const index_use *use)
{
    int ends = 0;
    for (size_t i = 0; i < level->use_count; i++) {
        const index_use *other = &level->uses[i];
        if (other->kind == INDEX_USE_RANGE && strcmp(other->column, use->column) == 0 &&
            index_owner_of(level, tables, other) == relation)
            ends += other->is_bounded ? 2 : 1;
    }
    return ends >= 2;
}

int index_add_special(index_work *work, const index_missing_limits *limits, const index_level *level,
                      const index_table *const *tables, int relation, const index_candidate *statement,
                      index_candidates *list, lb_error *err)
{
    const index_table *t = tables[relation];
    const char *trigrams = work->set->window.r.trigram_schema;
    int r = 0;
    for (size_t i = 0; i < level->use_count && r >= 0; i++) {
        const index_use *use = &level->uses[i];
        const index_column *column =
            index_owner_of(level, tables, use) == relation ? index_column_named(t, use->column) : NULL;
        index_candidate c = *statement;
        c.table = t;
        c.columns[0] = column;
        c.count = 1;
        c.part_share = 1;
        if (!column)
            continue;
        if (use->kind == INDEX_USE_PATTERN && !trigrams && column->r.sort[0] == 't')
            index_pass(
                work,
                "{it looks|they look} for patterns, and pg_trgm, which an index for these needs, is not installed");
        bool is_suited = suits(column, use->kind, trigrams != NULL);
        bool is_wanted = is_suited && !is_looked_into(work, t, column);
        if (use->kind >= INDEX_USE_CONTAINS && column->has_statistics && !is_wanted)
            index_refuse(list, is_suited ? INDEX_REFUSED_SERVED : INDEX_REFUSED_OTHER);
        if (is_wanted && returns_much(t, statement)) {
            index_pass(work, "a call returns more than a twentieth of the table: looking into all of it is no slower");
        } else if (is_wanted) {
            c.kind = INDEX_GIN;
            c.use = use->kind;
            c.trigram_schema = use->kind == INDEX_USE_PATTERN ? trigrams : NULL;
            r = index_add_candidate(work->ctx, list, &c, err);
        } else if (use->kind == INDEX_USE_RANGE && t->r.kind[0] != 'p' && t->r.bytes >= limits->min_brin_bytes &&
                   is_bounded(level, tables, relation, use) && grows_in_order(t, column) &&
                   !is_ranged(work, t, column)) {
            c.kind = INDEX_BRIN;
            c.is_range = true;
            r = index_add_candidate(work->ctx, list, &c, err);
        }
    }
    return r;
}
