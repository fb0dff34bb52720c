/* A new index among those that are there: whose place it takes, what it stores beside, what it costs writers. */
#include "index_missing.h"
#include "index_rules.h"

#define NARROW      16 /* bytes of a column that may be stored beside the keys */
#define READ_MOSTLY 10 /* scans of the table for each row that is written */
#define BEHIND      10 /* rows behind one set of keys, from which not to visit the table is worth it */
#define GIN_WORK    10 /* entries that a value has in an index of what it holds, about */
#define BRIN_WORK   0.05

/* Nothing but its columns keeps it, so that another one may take its place. */
static bool may_be_replaced(const index_set *set, const index_candidate *c, const index_info *x)
{
    if (!index_is_whole(x) || index_is_locked(x) || x->parent || x->r.predicate || strcmp(x->r.method, "btree") != 0 ||
        x->r.is_primary || x->r.is_unique || x->r.is_exclusion || x->r.constraint_name || x->r.foreign_keys ||
        x->r.is_replica_identity || x->r.is_clustered || x->r.is_of_extension || x->r.key_count > c->count)
        return false;
    for (int i = 0; i < x->r.key_count; i++) {
        const index_column *column = index_find_column(x->table, x->keys.items[i]);
        const index_opclass *family = index_find_opclass(set, x->opclasses.items[i]);
        if (!column || !family || !family->is_default || x->collations.items[i] != column->r.collation_id)
            return false;
    }
    return true;
}

static bool is_key(const index_candidate *c, int count, int64_t number)
{
    for (int i = 0; i < count; i++)
        if (c->columns[i]->r.number == number)
            return true;
    return false;
}

static void move_first(index_candidate *c, int to, int64_t number)
{
    for (int i = to; i < c->equal_count; i++) {
        const index_column *column = c->columns[i];
        if (column->r.number != number)
            continue;
        for (; i > to; i--)
            c->columns[i] = c->columns[i - 1];
        c->columns[to] = column;
    }
}

/* Columns that are compared for equality may come in any order. */
void index_prefer_extending(const index_set *set, index_candidate *c)
{
    const index_info *best = NULL;
    if (c->part)
        return;
    for (size_t i = 0; i < c->table->index_count; i++) {
        const index_info *x = c->table->indexes[i];
        bool fits = may_be_replaced(set, c, x) && x->r.key_count < c->count && x->r.key_count <= c->equal_count;
        for (int k = 0; fits && k < x->keys.count; k++)
            fits = is_key(c, c->equal_count, x->keys.items[k]);
        if (fits && (!best || x->r.key_count > best->r.key_count))
            best = x;
    }
    for (int k = 0; best && k < best->r.key_count; k++)
        move_first(c, k, best->keys.items[k]);
}

static bool has_all_of(const index_candidate *c, const index_info *x)
{
    bool same = true, turned = true;
    for (int i = 0; i < x->r.key_count; i++) {
        int64_t options = x->options.items[i], wanted = c->descending[i] ? 3 : 0;
        if (x->keys.items[i] != c->columns[i]->r.number)
            return false;
        same = same && options == wanted;
        turned = turned && options == (wanted ^ 3);
    }
    for (int i = (int)x->r.key_count; i < x->keys.count; i++) {
        bool stored = is_key(c, c->count, x->keys.items[i]);
        for (int k = 0; k < c->beside_count; k++)
            stored = stored || (c->beside[k] && c->beside[k]->r.number == x->keys.items[i]);
        if (!stored)
            return false;
    }
    return same || turned;
}

void index_name_redundant(const index_set *set, index_candidate *c)
{
    c->redundant_count = 0;
    c->extends = NULL;
    for (size_t i = 0; c->kind == INDEX_BTREE && !c->part && i < c->table->index_count; i++) {
        const index_info *x = c->table->indexes[i];
        if (!may_be_replaced(set, c, x) || !has_all_of(c, x) || c->redundant_count == INDEX_REDUNDANT)
            continue;
        c->redundant[c->redundant_count++] = x;
        if (!c->extends || x->r.key_count > c->extends->r.key_count)
            c->extends = x;
    }
}

static double writes_of(const index_table *t)
{
    return (double)(t->r.inserted + t->r.updated - t->r.updated_hot);
}

static bool is_read_mostly(const index_table *t)
{
    return (double)(t->r.seq_scans + t->r.index_scans) >= READ_MOSTLY * (writes_of(t) + (double)t->r.deleted);
}

static double rows_behind(const index_candidate *c)
{
    double rows = index_table_rows(c->table);
    for (int i = 0; i < c->equal_count; i++)
        rows /= index_distinct(c->columns[i], index_table_rows(c->table));
    return rows;
}

void index_add_beside(const index_level *level, const index_table *const *tables, int relation, index_candidate *c)
{
    int count = 0;
    if (level->reads_all || level->relation_count != 1 || c->part || c->is_ordered || !is_read_mostly(c->table) ||
        rows_behind(c) < BEHIND)
        return;
    for (size_t i = 0; i < level->read_count; i++) {
        const index_column *column = index_owner_of(level, tables, &level->reads[i]) == relation
                                         ? index_column_named(c->table, level->reads[i].column)
                                         : NULL;
        bool known = column && is_key(c, c->count, column->r.number);
        for (int k = 0; k < count; k++)
            known = known || c->beside[k] == column;
        if (known)
            continue;
        if (!column || !column->has_statistics || column->width > NARROW || count == INDEX_BESIDE)
            return;
        c->beside[count++] = column;
    }
    c->beside_count = count;
}

double index_write_ms(const index_candidate *c, double write_us)
{
    double work = c->kind == INDEX_GIN ? GIN_WORK : c->kind == INDEX_BRIN ? BRIN_WORK : 1;
    return writes_of(c->table) * work * c->part_share * write_us / 1000;
}

index_wanted index_wanted_of(const index_candidate *c, const char **columns)
{
    index_wanted w = {.table = c->table,
                      .columns = columns,
                      .descending = c->descending,
                      .count = (size_t)c->count,
                      .kind = c->kind,
                      .beside = columns + c->count,
                      .beside_count = (size_t)c->beside_count,
                      .part = c->part,
                      .part_column = c->part ? c->part_column->r.name : NULL};
    for (int i = 0; i < c->count; i++)
        columns[i] = c->columns[i]->r.name;
    for (int i = 0; i < c->beside_count; i++)
        columns[c->count + i] = c->beside[i]->r.name;
    if (c->use == INDEX_USE_PATTERN) {
        w.opclass_schema = c->trigram_schema;
        w.opclass = "gin_trgm_ops";
    } else if (c->use == INDEX_USE_CONTAINS && c->columns[0]->r.sort[0] == 'j') {
        w.opclass_schema = "pg_catalog";
        w.opclass = "jsonb_path_ops";
    }
    return w;
}
