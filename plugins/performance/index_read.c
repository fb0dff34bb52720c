/* The one read of the catalogue: rows become structs that point to each other. */
#include "index_readers.h"

#include <stdlib.h>

#define POINTER sizeof(void *)

/* ---- numbers ---- */

bool index_vector_parse(const char *text, index_vector *ret_vector)
{
    *ret_vector = (index_vector){0};
    for (const char *at = text; *at;) {
        char *end = NULL;
        long long number = strtoll(at, &end, 10);
        if (end == at || ret_vector->count == INDEX_KEYS)
            return false;
        ret_vector->items[ret_vector->count++] = number;
        at = end + (*end == ' ');
    }
    return true;
}

bool index_vector_has(const index_vector *v, int64_t item)
{
    for (int i = 0; i < v->count; i++)
        if (v->items[i] == item)
            return true;
    return false;
}

static int parse(const char *text, const char *what, index_vector *ret_vector, lb_error *err)
{
    return index_vector_parse(text, ret_vector)
               ? 0
               : lb_fail(err, LB_ERR_INTERNAL, NULL, "%s: '%s' is no list of numbers", what, text);
}

/* ---- finding ---- */

static int compare_ids(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_table_id(const void *key, const void *item)
{
    return compare_ids(*(const int64_t *)key, ((const index_table *)item)->r.table_id);
}

static index_table *find_table(const index_set *set, int64_t table_id)
{
    return set->table_count ? bsearch(&table_id, set->tables, set->table_count, sizeof *set->tables, by_table_id)
                            : NULL;
}

static int by_number(const void *key, const void *item)
{
    return compare_ids(*(const int64_t *)key, ((const index_column *)item)->r.number);
}

const index_column *index_find_column(const index_table *table, int64_t number)
{
    return table->column_count
               ? bsearch(&number, table->columns, table->column_count, sizeof *table->columns, by_number)
               : NULL;
}

static int by_opclass_id(const void *key, const void *item)
{
    return compare_ids(*(const int64_t *)key, ((const index_opclass *)item)->opclass_id);
}

const index_opclass *index_find_opclass(const index_set *set, int64_t opclass_id)
{
    return set->opclass_count
               ? bsearch(&opclass_id, set->opclasses, set->opclass_count, sizeof *set->opclasses, by_opclass_id)
               : NULL;
}

double index_table_rows(const index_table *table)
{
    return table->r.rows >= 0 ? table->r.rows : table->r.live_rows > 0 ? (double)table->r.live_rows : -1;
}

/* ---- reading ---- */

static void *alloc_for(lb_ctx *ctx, const lb_rows *rows, size_t size)
{
    return lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * size);
}

static int read_tables(lb_ctx *ctx, index_set *set, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = index_tables(ctx, &rows, err);
    if (r < 0)
        return lb_wrap(err, "tables");
    set->tables = alloc_for(ctx, rows, sizeof *set->tables);
    if (!set->tables)
        return lb_out_of_memory(err);
    while (index_tables_next(ctx, rows, &set->tables[set->table_count].r))
        set->table_count++;
    for (size_t i = 0; i < set->table_count; i++)
        if (!set->tables[i].r.parent_id_is_null)
            set->tables[i].parent = find_table(set, set->tables[i].r.parent_id);
    return 0;
}

static int parse_index(index_info *x, lb_error *err)
{
    int r = parse(x->r.keys, x->r.name, &x->keys, err);
    if (r >= 0)
        r = parse(x->r.opclasses, x->r.name, &x->opclasses, err);
    if (r >= 0)
        r = parse(x->r.collations, x->r.name, &x->collations, err);
    if (r >= 0)
        r = parse(x->r.options, x->r.name, &x->options, err);
    return r;
}

static int by_name(const void *a, const void *b)
{
    const index_indexes_row *x = *(const index_indexes_row *const *)a, *y = *(const index_indexes_row *const *)b;
    int order = strcmp(x->schema, y->schema);
    order = order ? order : strcmp(x->table_name, y->table_name);
    return order ? order : strcmp(x->name, y->name);
}

/* Sorted here: the server would write them to a file for it. */
static const index_indexes_row *const *read_sorted(lb_ctx *ctx, lb_rows *rows, size_t *ret_count)
{
    index_indexes_row *read = alloc_for(ctx, rows, sizeof *read);
    const index_indexes_row **sorted = alloc_for(ctx, rows, POINTER);
    size_t count = 0;
    if (!read || !sorted)
        return NULL;
    for (; index_indexes_next(ctx, rows, &read[count]); count++)
        sorted[count] = &read[count];
    qsort(sorted, count, POINTER, by_name);
    *ret_count = count;
    return sorted;
}

/* A table that came into being between two reads has no struct: its indexes are left for the next run. */
static int read_indexes(lb_ctx *ctx, index_set *set, lb_error *err)
{
    lb_rows *rows = NULL;
    size_t count = 0;
    int r = index_indexes(ctx, &rows, err);
    if (r < 0)
        return lb_wrap(err, "indexes");
    const index_indexes_row *const *sorted = read_sorted(ctx, rows, &count);
    set->indexes = alloc_for(ctx, rows, sizeof *set->indexes);
    index_info **by_table = alloc_for(ctx, rows, POINTER);
    if (!sorted || !set->indexes || !by_table)
        return lb_out_of_memory(err);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        index_info *x = set->indexes + set->index_count;
        x->r = *sorted[i];
        x->table = find_table(set, x->r.table_id);
        if (!x->table)
            continue;
        if (!x->table->indexes)
            x->table->indexes = by_table + set->index_count;
        by_table[set->index_count++] = x;
        x->table->index_count++;
        r = parse_index(x, err);
    }
    return r;
}

/* ---- partition trees ---- */

static int by_index_id(const void *a, const void *b)
{
    return compare_ids((*(index_info *const *)a)->r.index_id, (*(index_info *const *)b)->r.index_id);
}

static index_info *find_index(index_info **sorted, size_t count, int64_t index_id)
{
    const index_info key = {.r.index_id = index_id};
    const index_info *pointer = &key;
    index_info **found = count ? bsearch(&pointer, sorted, count, POINTER, by_index_id) : NULL;
    return found ? *found : NULL;
}

static int join_trees(lb_ctx *ctx, index_set *set, lb_error *err)
{
    index_info **sorted = lb_alloc(ctx, (set->index_count + 1) * POINTER);
    if (!sorted)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < set->index_count; i++)
        sorted[i] = &set->indexes[i];
    qsort(sorted, set->index_count, POINTER, by_index_id);
    for (size_t i = 0; i < set->index_count; i++)
        if (!set->indexes[i].r.parent_id_is_null)
            set->indexes[i].parent = find_index(sorted, set->index_count, set->indexes[i].r.parent_id);
    for (size_t i = 0; i < set->index_count; i++)
        for (index_info *leaf = &set->indexes[i], *above = leaf; above; above = above->parent) {
            above->tree_bytes += leaf->r.bytes;
            above->tree_scans += leaf->r.scans;
            above->tree_leaves += above != leaf && !leaf->r.is_partitioned;
        }
    return 0;
}

/* ---- columns ---- */

static int read_columns(lb_ctx *ctx, index_set *set, lb_error *err)
{
    lb_rows *rows = NULL;
    index_info **sorted = lb_alloc(ctx, (set->index_count + 1) * POINTER);
    int r = index_columns(ctx, &rows, err);
    if (r < 0)
        return lb_wrap(err, "columns");
    index_column *columns = alloc_for(ctx, rows, sizeof *columns);
    if (!columns || !sorted)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < set->index_count; i++)
        sorted[i] = &set->indexes[i];
    qsort(sorted, set->index_count, POINTER, by_index_id);
    for (index_column *c = columns; index_columns_next(ctx, rows, &c->r); c++) {
        index_table *table = find_table(set, c->r.relation_id);
        index_info *x = table ? NULL : find_index(sorted, set->index_count, c->r.relation_id);
        if (table) {
            table->columns = table->column_count++ ? table->columns : c;
        } else if (x) {
            x->computed = x->computed_count++ ? x->computed : c;
        }
    }
    return 0;
}

/* Statistics come by name: a table of names, found by their hash. */
typedef struct named {
    const char *schema, *relation;
    index_column *columns;
    size_t count;
} named;

typedef struct names {
    named *slots;
    size_t mask;
} names;

static size_t hash_of(const char *schema, const char *relation)
{
    size_t hash = 14695981039346656037U;
    for (const char *part = schema; part; part = part == schema ? relation : NULL)
        for (const char *c = part; *c; c++)
            hash = (hash ^ (unsigned char)*c) * 1099511628211U;
    return hash;
}

static named *slot_of(const names *n, const char *schema, const char *relation)
{
    size_t at = hash_of(schema, relation) & n->mask;
    while (n->slots[at].schema &&
           (strcmp(n->slots[at].relation, relation) != 0 || strcmp(n->slots[at].schema, schema) != 0))
        at = (at + 1) & n->mask;
    return &n->slots[at];
}

static int name_relations(lb_ctx *ctx, const index_set *set, names *ret_names, lb_error *err)
{
    size_t size = 16;
    while (size < 2 * (set->table_count + set->index_count))
        size *= 2;
    *ret_names = (names){.slots = lb_alloc(ctx, size * sizeof(named)), .mask = size - 1};
    if (!ret_names->slots)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < set->table_count; i++) {
        index_table *t = &set->tables[i];
        *slot_of(ret_names, t->r.schema, t->r.name) = (named){t->r.schema, t->r.name, t->columns, t->column_count};
    }
    for (size_t i = 0; i < set->index_count; i++) {
        index_info *x = &set->indexes[i];
        if (x->computed_count)
            *slot_of(ret_names, x->r.schema, x->r.name) =
                (named){x->r.schema, x->r.name, x->computed, x->computed_count};
    }
    return 0;
}

static int read_statistics(lb_ctx *ctx, index_set *set, lb_error *err)
{
    lb_rows *rows = NULL;
    names known;
    index_statistics_row row;
    int r = index_statistics(ctx, &rows, err);
    if (r < 0)
        return lb_wrap(err, "statistics");
    r = name_relations(ctx, set, &known, err);
    while (r >= 0 && index_statistics_next(ctx, rows, &row)) {
        const named *relation = slot_of(&known, row.schema, row.relation);
        for (size_t i = 0; relation->schema && i < relation->count; i++) {
            index_column *c = &relation->columns[i];
            if (strcmp(c->r.name, row.column_name) != 0)
                continue;
            c->has_statistics = true;
            c->null_share = row.null_share;
            c->distinct_values = row.distinct_values;
            c->width = row.width;
            c->correlation = row.correlation_is_null ? 0 : row.correlation;
            c->true_share = row.true_share_is_null ? -1 : row.true_share;
            c->rarest_share = row.rarest_share_is_null ? -1 : row.rarest_share;
        }
    }
    set->has_statistics = true;
    return r;
}

/* ---- keys and operators ---- */

static int read_foreign_keys(lb_ctx *ctx, index_set *set, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = index_foreign_keys(ctx, &rows, err);
    if (r < 0)
        return lb_wrap(err, "foreign keys");
    set->keys = alloc_for(ctx, rows, sizeof *set->keys);
    if (!set->keys)
        return lb_out_of_memory(err);
    for (index_foreign_key *k = set->keys; r >= 0 && index_foreign_keys_next(ctx, rows, &k->r);
         k = set->keys + set->key_count) {
        k->table = find_table(set, k->r.table_id);
        if (!k->table)
            continue;
        set->key_count++;
        r = parse(k->r.keys, k->r.name, &k->keys, err);
        if (r >= 0)
            r = parse(k->r.parent_keys, k->r.name, &k->parent_keys, err);
        if (r >= 0)
            r = parse(k->r.operators, k->r.name, &k->operators, err);
    }
    return r;
}

static int read_operators(lb_ctx *ctx, index_set *set, lb_error *err)
{
    lb_rows *classes = NULL, *equalities = NULL;
    index_opclasses_row row;
    int r = index_opclasses(ctx, &classes, err);
    if (r >= 0)
        r = index_equality(ctx, &equalities, err);
    if (r < 0)
        return lb_wrap(err, "operator classes");
    set->opclasses = alloc_for(ctx, classes, sizeof *set->opclasses);
    set->equalities = alloc_for(ctx, equalities, sizeof *set->equalities);
    if (!set->opclasses || !set->equalities)
        return lb_out_of_memory(err);
    while (index_opclasses_next(ctx, classes, &row))
        set->opclasses[set->opclass_count++] =
            (index_opclass){row.opclass_id, row.family_id, row.is_equal_image, row.is_default};
    while (index_equality_next(ctx, equalities, &set->equalities[set->equality_count]))
        set->equality_count++;
    return 0;
}

int index_read(lb_ctx *ctx, bool statistics, const index_set **ret_set, lb_error *err)
{
    index_set *set = lb_alloc(ctx, sizeof *set);
    if (!set)
        return lb_out_of_memory(err);
    int r = index_read_window(ctx, &set->window, err);
    if (r >= 0 && set->window.r.in_recovery)
        r = lb_skipped(ctx, "fixes", "this is a standby: they are for its primary", err);
    if (r >= 0)
        r = parse(set->window.r.loose_collations, "collations", &set->loose_collations, err);
    if (r >= 0)
        r = read_tables(ctx, set, err);
    if (r >= 0)
        r = read_indexes(ctx, set, err);
    if (r >= 0)
        r = index_read_readers(ctx, set, err);
    if (r >= 0)
        r = join_trees(ctx, set, err);
    if (r >= 0)
        r = read_columns(ctx, set, err);
    if (r >= 0)
        r = read_foreign_keys(ctx, set, err);
    if (r >= 0)
        r = read_operators(ctx, set, err);
    if (r >= 0 && statistics)
        r = read_statistics(ctx, set, err);
    if (r >= 0)
        *ret_set = set;
    return r;
}
