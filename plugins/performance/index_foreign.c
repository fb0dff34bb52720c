/* Foreign keys and the indexes that serve them: deleting a referenced row looks for the rows that refer to it. */
#include "index_rules.h"

#include <sql/index/drop_constraint.h>
#include <sql/index/foreign_key_definition.h>

#define RICH_ROWS 100 /* rows behind one leading value that are still read quickly */
#define MANY_ROWS 1000000

double index_distinct(const index_column *c, double rows)
{
    if (!c || !c->has_statistics || c->distinct_values == 0)
        return -1;
    double distinct = c->distinct_values < 0 ? -c->distinct_values * rows : c->distinct_values;
    return distinct < 1 ? 1 : distinct;
}

/* ---- cover ---- */

static int place_of(const index_vector *v, int64_t item)
{
    for (int i = 0; i < v->count; i++)
        if (v->items[i] == item)
            return i;
    return -1;
}

/* text_pattern_ops serves "=" of text, other classes may not: their family has to know the key's own operator. */
static bool knows_operator(const index_set *set, int64_t opclass_id, int64_t operator_id)
{
    const index_opclass *class = index_find_opclass(set, opclass_id);
    for (size_t i = 0; class && i < set->equality_count; i++)
        if (set->equalities[i].family_id == class->family_id && set->equalities[i].operator_id == operator_id)
            return true;
    return false;
}

/* What stands at `at` is the column's name, as the server writes it; behind it, or NULL. */
const char *index_skip_name(const char *at, const char *name)
{
    bool is_quoted = *at == '"';
    at += is_quoted;
    for (; *name; name++, at++) {
        at += is_quoted && *name == '"'; /* doubled */
        if (*at != *name)
            return NULL;
    }
    return !is_quoted ? at : *at == '"' ? at + 1 : NULL;
}

/* "(a IS NOT NULL)" of a column of the key; behind it, or NULL. */
static const char *skip_not_null(const char *at, const index_info *x, const index_foreign_key *key)
{
    static const char test[] = " IS NOT NULL)";
    for (int i = 0; *at == '(' && i < key->keys.count; i++) {
        const index_column *c = index_find_column(x->table, key->keys.items[i]);
        const char *rest = c ? index_skip_name(at + 1, c->r.name) : NULL;
        if (rest && strncmp(rest, test, strlen(test)) == 0)
            return rest + strlen(test);
    }
    return NULL;
}

/* A predicate that only leaves nulls of the key out leaves nothing out that a look-up wants: "(a IS NOT NULL)", or
 * "((a IS NOT NULL) AND (b IS NOT NULL))". */
static bool only_skips_nulls(const index_info *x, const index_foreign_key *key)
{
    static const char and[] = " AND ";
    bool are_several = strncmp(x->r.predicate, "((", 2) == 0;
    const char *at = skip_not_null(x->r.predicate + are_several, x, key);
    while (are_several && at && strncmp(at, and, strlen(and)) == 0)
        at = skip_not_null(at + strlen(and), x, key);
    return at && strcmp(at, are_several ? ")" : "") == 0;
}

static index_cover cover_of_columns(const index_set *set, const index_info *x, const index_foreign_key *key)
{
    int found = 0;
    while (found < x->r.key_count && found < key->keys.count) {
        int place = place_of(&key->keys, x->keys.items[found]);
        if (place < 0 || !knows_operator(set, x->opclasses.items[found], key->operators.items[place]))
            break;
        found++;
    }
    return found == key->keys.count ? INDEX_COVER_FULL : found ? INDEX_COVER_WEAK : INDEX_COVER_NONE;
}

/* Of one that can be used. */
static index_cover cover_of(const index_set *set, const index_info *x, const index_foreign_key *key)
{
    bool is_ordered = strcmp(x->r.method, "btree") == 0 || strcmp(x->r.method, "hash") == 0;
    index_cover cover = is_ordered                                    ? cover_of_columns(set, x, key)
                        : place_of(&key->keys, x->keys.items[0]) >= 0 ? INDEX_COVER_QUESTIONABLE
                                                                      : INDEX_COVER_NONE;
    return cover != INDEX_COVER_NONE && x->r.predicate && !only_skips_nulls(x, key) ? INDEX_COVER_QUESTIONABLE : cover;
}

index_cover index_covers(const index_set *set, const index_info *x, const index_foreign_key *key)
{
    index_cover cover = cover_of(set, x, key);
    return cover != INDEX_COVER_NONE && !index_is_whole(x) ? INDEX_COVER_QUESTIONABLE : cover;
}

/* Why the key need not be given an index though none serves it yet; NULL: it does need one. */
static const char *is_awaited(const index_set *set, const index_foreign_key *key)
{
    const char *why = NULL;
    for (size_t i = 0; !why && i < key->table->index_count; i++)
        if (cover_of(set, key->table->indexes[i], key) == INDEX_COVER_FULL)
            why = index_coming(key->table->indexes[i]);
    return why;
}

static index_cover best_cover(const index_set *set, const index_table *table, const index_foreign_key *key,
                              const index_info **ret_best)
{
    index_cover best = INDEX_COVER_NONE;
    for (size_t i = 0; i < table->index_count; i++) {
        index_cover cover = index_covers(set, table->indexes[i], key);
        if (cover > best) {
            best = cover;
            *ret_best = table->indexes[i];
        }
    }
    return best;
}

/* ---- findings ---- */

/* A partitioned table and its leaves as one. */
typedef struct extent {
    double rows;
    int64_t bytes;
} extent;

static bool is_below(const index_table *table, const index_table *root)
{
    while (table && table != root)
        table = table->parent;
    return table != NULL;
}

static extent extent_of(const index_set *set, const index_table *table)
{
    extent e = {.rows = index_table_rows(table), .bytes = table->r.bytes};
    if (table->r.kind[0] != 'p')
        return e;
    e = (extent){0};
    for (size_t i = 0; i < set->table_count; i++)
        if (set->tables[i].r.kind[0] == 'r' && is_below(&set->tables[i], table)) {
            double rows = index_table_rows(&set->tables[i]);
            e.rows += rows > 0 ? rows : 0;
            e.bytes += set->tables[i].r.bytes;
        }
    return e;
}

/* Columns of the key, by number; their numbers mean the same in a partition only by luck, so it is asked by name. */
static bool leaf_is_covered(const index_set *set, const index_table *leaf, const index_foreign_key *key)
{
    index_foreign_key there = *key;
    const index_info *best = NULL;
    for (int i = 0; i < key->keys.count; i++) {
        const index_column *wanted = index_find_column(key->table, key->keys.items[i]);
        there.keys.items[i] = 0;
        for (size_t k = 0; wanted && k < leaf->column_count; k++)
            if (strcmp(leaf->columns[k].r.name, wanted->r.name) == 0)
                there.keys.items[i] = leaf->columns[k].r.number;
    }
    return best_cover(set, leaf, &there, &best) == INDEX_COVER_FULL;
}

static bool all_leaves_are_covered(const index_set *set, const index_foreign_key *key)
{
    bool any = false;
    if (key->table->r.kind[0] != 'p')
        return false;
    for (size_t i = 0; i < set->table_count; i++) {
        const index_table *leaf = &set->tables[i];
        if (leaf->r.kind[0] != 'r' || !is_below(leaf, key->table))
            continue;
        any = true;
        if (!leaf_is_covered(set, leaf, key))
            return false;
    }
    return any;
}

/* Rows that a look-up reads when only its leading column is indexed. */
static double rows_per_value(const index_info *x, double rows)
{
    double distinct = index_distinct(index_find_column(x->table, x->keys.items[0]), rows);
    return distinct > 0 ? rows / distinct : -1;
}

/* The most selective column first; the order in which the key names them among equals. */
static void order_columns(const index_foreign_key *key, double rows, const char **ret_names)
{
    double values[INDEX_KEYS];
    for (int i = 0; i < key->keys.count; i++) {
        const index_column *c = index_find_column(key->table, key->keys.items[i]);
        const char *name = c ? c->r.name : "?";
        double value = index_distinct(c, rows);
        int at = i;
        for (; at > 0 && values[at - 1] < value; at--) {
            values[at] = values[at - 1];
            ret_names[at] = ret_names[at - 1];
        }
        values[at] = value;
        ret_names[at] = name;
    }
}

static bool cascades(const index_foreign_key *key)
{
    return strchr("cnd", key->r.on_delete[0]) || strchr("cnd", key->r.on_update[0]);
}

/* Where most rows have no value, an index without them is smaller and serves as well. */
static const char *mostly_null(const index_foreign_key *key)
{
    const index_column *c = key->keys.count == 1 ? index_find_column(key->table, key->keys.items[0]) : NULL;
    return c && c->has_statistics && c->null_share > 0.5 ? c->r.name : NULL;
}

static const char *cover_text(lb_ctx *ctx, index_cover cover, const index_info *best)
{
    return cover == INDEX_COVER_NONE           ? "no index begins with its columns"
           : cover == INDEX_COVER_QUESTIONABLE ? lb_printf(ctx, "%s cannot be relied on for it", best->r.name)
                                               : lb_printf(ctx, "%s serves only its first column", best->r.name);
}

/* Where nothing is ever deleted, nobody looks. */
static const char *level_of(bool large, bool looks_up, bool cascades)
{
    return large && looks_up ? "critical" : looks_up || cascades ? "warning" : "info";
}

typedef struct lack {
    const index_foreign_key *key;
    index_cover cover;
    const index_info *best;
    extent size;
} lack;

static int tell_missing_key(index_work *work, const lack *l, lb_error *err)
{
    const index_foreign_key *key = l->key;
    const index_table *t = key->table;
    lb_ctx *ctx = work->ctx;
    const char *columns[INDEX_KEYS], *name = NULL;
    index_fix fix = {0};
    order_columns(key, l->size.rows, columns);
    const char *rows = t->r.kind[0] == 'p' ? NULL : mostly_null(key);
    const index_wanted wanted = {.table = t,
                                 .columns = columns,
                                 .count = (size_t)key->keys.count,
                                 .part = rows ? INDEX_PART_NOT_NULL : INDEX_PART_ALL,
                                 .part_column = rows};
    const lb_value *list = index_texts(ctx, "columns", columns, (size_t)key->keys.count);
    if (!list)
        return lb_out_of_memory(err);
    int r = index_fix_create(work, &wanted, &name, &fix, err);
    if (r < 0)
        return r;
    const char *parent = index_label(ctx, key->r.parent_schema, key->r.parent_name);
    bool large = l->size.rows >= MANY_ROWS, looks_up = key->r.parent_changes > 0;
    return index_tell(
        work,
        &(index_finding){
            .kind = "missing_fk_index",
            .type = "create_fk_index",
            .table = t,
            .new_index = name,
            .columns = list,
            .reason = lb_printf(ctx, "%s: each delete in %s reads all of the %.0f rows, as %s", key->r.name, parent,
                                l->size.rows > 0 ? l->size.rows : 0, cover_text(ctx, l->cover, l->best)),
            .evidence =
                LB_ARGS(lb_text("constraint", key->r.name), list[0], lb_text("referenced_table", parent),
                        lb_f64("rows", l->size.rows), lb_i64("bytes", l->size.bytes),
                        lb_i64("deleted_in_referenced", key->r.parent_changes), lb_bool("cascades", cascades(key)),
                        lb_text("nearest_index", l->best ? l->best->r.name : NULL),
                        lb_bool("blocks_writers", t->r.kind[0] == 'p' && !fix.step_count)),
            .terms =
                LB_TERMS({"no_index_serves_it", l->cover == INDEX_COVER_NONE ? 0.5 : 0.35},
                         {"table_is_large", large ? 0.25 : 0.1}, {"referenced_rows_are_deleted", looks_up ? 0.2 : 0},
                         {"cascades", cascades(key) ? 0.1 : 0}),
            .impact =
                LB_ARGS(lb_text("level", level_of(large, looks_up, cascades(key))),
                        lb_f64("rows_read_per_delete", l->size.rows), lb_i64("bytes_read_per_delete", l->size.bytes)),
            .fix = fix},
        err);
}

/* Two keys over the same columns want the same index. */
static bool is_told(const index_set *set, const index_foreign_key *key)
{
    for (const index_foreign_key *k = set->keys; k < key; k++) {
        bool same = k->table == key->table && k->keys.count == key->keys.count;
        for (int i = 0; same && i < k->keys.count; i++)
            same = index_vector_has(&key->keys, k->keys.items[i]);
        if (same)
            return true;
    }
    return false;
}

static int look_at_key(index_work *work, const index_foreign_key *key, const index_missing_key_limits *limits,
                       lb_error *err)
{
    const index_set *set = work->set;
    if (key->table->r.bytes_is_null) {
        index_pass(work, INDEX_LOCKED);
        return 0;
    }
    lack l = {.key = key, .size = extent_of(set, key->table)};
    l.cover = best_cover(set, key->table, key, &l.best);
    if (l.cover == INDEX_COVER_FULL || all_leaves_are_covered(set, key) || is_told(set, key))
        return 0;
    if (key->table->r.is_of_extension) {
        index_pass(work, "{its table belongs|their tables belong} to an extension");
        return 0;
    }
    if (l.size.rows < (double)limits->min_rows && l.size.bytes < limits->min_bytes) {
        index_pass(work, "{its table is|their tables are} smaller than min_rows and min_bytes");
        return 0;
    }
    if (l.cover == INDEX_COVER_WEAK) {
        double behind = rows_per_value(l.best, l.size.rows);
        if (behind >= 0 && behind < RICH_ROWS)
            return 0;
    }
    const char *awaited = is_awaited(set, key);
    if (awaited) {
        index_pass(work, awaited);
        return 0;
    }
    return tell_missing_key(work, &l, err);
}

int index_find_missing_keys(index_work *work, const index_missing_key_limits *limits, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < work->set->key_count; i++)
        r = look_at_key(work, &work->set->keys[i], limits, err);
    if (r >= 0)
        r = index_tell_passed(work, "foreign key", "foreign keys", err);
    return r < 0 ? r : lb_examined(work->ctx, "foreign_keys", (int64_t)work->set->key_count, err);
}

/* ---- the same key twice ---- */

static bool same_columns(const index_foreign_key *a, const index_foreign_key *b)
{
    bool same = a->table == b->table && a->r.parent_id == b->r.parent_id && a->keys.count == b->keys.count;
    for (int i = 0; same && i < a->keys.count; i++) {
        int place = place_of(&b->keys, a->keys.items[i]);
        same = place >= 0 && a->parent_keys.items[i] == b->parent_keys.items[place] &&
               a->operators.items[i] == b->operators.items[place];
    }
    return same;
}

static bool same_manner(const index_foreign_key *a, const index_foreign_key *b)
{
    return strcmp(a->r.manner, b->r.manner) == 0;
}

/* What was checked of all rows stays, else the older one. A total order, so never all of them go. */
static bool stays_before(const index_foreign_key *a, const index_foreign_key *b)
{
    return a->r.is_valid != b->r.is_valid ? a->r.is_valid : a->r.key_id < b->r.key_id;
}

/* The one that stays and makes x superfluous: one that does the same, where there is one. */
static const index_foreign_key *kept_for(const index_set *set, const index_foreign_key *x)
{
    const index_foreign_key *kept = NULL;
    for (const index_foreign_key *k = set->keys; k < set->keys + set->key_count; k++) {
        if (!same_columns(k, x) || !stays_before(k, x))
            continue;
        bool is_alike = same_manner(k, x), was_alike = kept && same_manner(kept, x);
        if (!kept || (is_alike && !was_alike) || (is_alike == was_alike && stays_before(k, kept)))
            kept = k;
    }
    return kept;
}

static int drop_key(index_work *work, const index_foreign_key *x, index_fix *ret_fix, const char **ret_undo,
                    lb_error *err)
{
    const index_foreign_key_definition_args args = {.key_id = x->r.key_id};
    index_foreign_key_definition_row row;
    lb_rows *rows = NULL;
    int r = index_foreign_key_definition(work->ctx, &args, &rows, err);
    if (r < 0)
        return lb_wrap(err, "definition of a foreign key");
    if (!index_foreign_key_definition_next(work->ctx, rows, &row))
        return 0; /* gone meanwhile */
    *ret_undo = row.definition;
    return index_make_fix(work, &index_drop_constraint_sql,
                          LB_ARGS(lb_ident("schema", x->table->r.schema), lb_ident("table", x->table->r.name),
                                  lb_ident("name", x->r.name)),
                          ret_fix, err);
}

static int tell_duplicate_key(index_work *work, const index_foreign_key *x, const index_foreign_key *kept,
                              lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    const index_table *t = x->table;
    const char *columns[INDEX_KEYS], *undo = NULL;
    index_fix fix = {0};
    bool is_alike = same_manner(x, kept), is_standby = work->set->window.r.in_recovery;
    order_columns(x, index_table_rows(t), columns);
    const lb_value *list = index_texts(ctx, "columns", columns, (size_t)x->keys.count);
    if (!list)
        return lb_out_of_memory(err);
    int r = is_alike && !is_standby ? drop_key(work, x, &fix, &undo, err) : 0;
    if (r < 0)
        return r;
    const char *parent = index_label(ctx, x->r.parent_schema, x->r.parent_name);
    return index_tell(
        work,
        &(index_finding){
            .kind = "duplicate_foreign_key",
            .table = t,
            .object = lb_printf(ctx, "%s.%s.%s", t->r.schema, t->r.name, x->r.name),
            .reason =
                lb_printf(ctx, "%s refers to the same columns of %s by the same columns%s", kept->r.name, parent,
                          is_alike ? ", and stays: each row is checked twice, and looked up twice for each that is "
                                     "deleted there"
                                   : "; but they differ in what a delete or an update does there, or in when they "
                                     "are checked: which is meant has to be decided first"),
            .evidence = LB_ARGS(lb_text("constraint", x->r.name), lb_text("kept", kept->r.name), list[0],
                                lb_text("referenced_table", parent), lb_bool("is_valid", x->r.is_valid),
                                lb_bool("kept_is_valid", kept->r.is_valid), lb_bool("does_the_same", is_alike),
                                lb_text("note", fix.sql ? "to drop it takes an ACCESS EXCLUSIVE lock on both tables, "
                                                          "for as long as the catalogue takes"
                                                        : NULL),
                                lb_text("undo", undo)),
            .terms = LB_TERMS({"same_columns_of_both", 0.6}, {"does_the_same", is_alike ? 0.35 : -0.2}),
            .impact = LB_ARGS(lb_text("level", is_alike ? "info" : "warning")),
            .fix = fix,
            .undo = undo},
        err);
}

int index_find_duplicate_keys(index_work *work, lb_error *err)
{
    const index_set *set = work->set;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < set->key_count; i++) {
        const index_foreign_key *x = &set->keys[i], *kept = kept_for(set, x);
        if (kept && x->table->r.is_of_extension)
            index_pass(work, "{its table belongs|their tables belong} to an extension");
        else if (kept)
            r = tell_duplicate_key(work, x, kept, err);
    }
    return r < 0 ? r : index_tell_passed(work, "foreign key", "foreign keys", err);
}
