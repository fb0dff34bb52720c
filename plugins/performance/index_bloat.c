/* How large would a new B-tree over the same rows be? Compared with what there is, that is its bloat. */
#include "index_rules.h"

#include <math.h>
#include <stdlib.h>

#define PAGE_HEADER   24
#define BTREE_SPECIAL 16
#define ITEM_POINTER  4
#define TUPLE_HEADER  8
#define ROW_POINTER   6   /* in a posting list */
#define POSTING_LIMIT 812 /* bytes of a tuple with a posting list, when an index is built */
#define INNER_FILL    0.7
#define STALE_SHARE   0.2

static double aligned(double bytes, int to)
{
    return ceil(bytes / to) * to;
}

/* ---- the size of a new one ---- */

/* Bytes of the values of a row that has no null, and of one that has. The average of varying widths has no alignment of
 * its own: half a step is what it costs. */
typedef struct widths {
    double whole, with_nulls; /* of the tuple, aligned */
    double null_share;        /* of rows that have one */
} widths;

static double tuple_bytes(double header, double values, bool varies)
{
    double bytes = header + values;
    return varies ? bytes + 3.5 : aligned(bytes, 8);
}

static widths widths_of(const index_shape *s)
{
    double all = 0, some = 0, no_null = 1;
    bool varies = false;
    for (int i = 0; i < s->column_count; i++) {
        all = s->columns[i].is_fixed ? aligned(all, s->columns[i].alignment) : all;
        all += s->columns[i].width;
        some += s->columns[i].width * (1 - s->columns[i].null_share);
        no_null *= 1 - s->columns[i].null_share;
        varies = varies || (!s->columns[i].is_fixed && s->columns[i].width != floor(s->columns[i].width));
    }
    /* A tuple with a null has a bitmap, and lacks at least one value. */
    double share = 1 - no_null, lacking = share > 0 ? (some - no_null * all) / share : 0;
    return (widths){.whole = tuple_bytes(TUPLE_HEADER, all, varies),
                    .with_nulls = aligned(TUPLE_HEADER + 4, 8) + aligned(lacking > 0 ? lacking : 0, 8),
                    .null_share = share};
}

/* Bytes of one group of equal keys, of `rows` rows. */
static double group_bytes(double rows, double base)
{
    double room = floor((POSTING_LIMIT - base) / ROW_POINTER);
    if (rows <= 1)
        return rows * (base + ITEM_POINTER);
    double full = room > 1 ? floor(rows / room) : 0, rest = rows - full * room;
    double bytes = full * (base + aligned(room * ROW_POINTER, 8) + ITEM_POINTER);
    if (rest > 1)
        bytes += base + aligned(rest * ROW_POINTER, 8) + ITEM_POINTER;
    else if (rest > 0)
        bytes += base + ITEM_POINTER;
    return bytes;
}

/* Between whole sizes, groups of the one and of the other are mixed. */
static double mixed_bytes(double rows, double base)
{
    double low = floor(rows), share = rows - low;
    return (1 - share) * group_bytes(low, base) + share * group_bytes(low + 1, base);
}

/* Keys that are all there; rows with nulls are groups of their own. */
static double groups_of(const index_shape *s, double rows)
{
    double groups = 1;
    for (int i = 0; i < s->column_count; i++)
        groups *= s->columns[i].distinct > 0 ? s->columns[i].distinct : 1;
    return groups < rows ? groups : rows;
}

static double leaf_bytes(const index_shape *s, const widths *w)
{
    double nulls = s->rows * w->null_share, whole = s->rows - nulls;
    if (!s->deduplicates)
        return whole * (w->whole + ITEM_POINTER) + nulls * (w->with_nulls + ITEM_POINTER);
    double bytes = 0, groups = groups_of(s, whole);
    if (groups >= 1)
        bytes += groups * mixed_bytes(whole / groups, w->whole);
    if (nulls >= 1) {
        double null_groups = s->column_count == 1 ? 1 : groups_of(s, nulls);
        bytes += null_groups * mixed_bytes(nulls / null_groups, w->with_nulls);
    }
    return bytes;
}

double index_expected_pages(const index_shape *s)
{
    widths w = widths_of(s);
    double usable = (double)(s->block_bytes - PAGE_HEADER - BTREE_SPECIAL);
    double leaves = ceil(leaf_bytes(s, &w) / (usable * s->fill)), pages = 1 + (leaves > 1 ? leaves : 1);
    double fan = floor(usable * INNER_FILL / (w.whole + ITEM_POINTER));
    double level = leaves;
    while (level > 1 && fan >= 2) {
        level = ceil(level / fan);
        pages += level;
    }
    return pages;
}

/* ---- from the statistics ---- */

static double fill_of(const char *settings)
{
    const char *at = strstr(settings, "fillfactor=");
    double percent = at ? strtod(at + strlen("fillfactor="), NULL) : 90;
    return percent >= 10 && percent <= 100 ? percent / 100 : 0.9;
}

static bool may_deduplicate(const index_set *set, const index_info *x)
{
    if (x->r.is_unique || x->keys.count > x->r.key_count || strstr(x->r.settings, "deduplicate_items=off") ||
        strstr(x->r.settings, "deduplicate_items=false"))
        return false;
    for (int i = 0; i < x->r.key_count; i++) {
        const index_opclass *class = index_find_opclass(set, x->opclasses.items[i]);
        if (!class || !class->is_equal_image || index_vector_has(&set->loose_collations, x->collations.items[i]))
            return false;
    }
    return true;
}

static const index_column *column_of(const index_info *x, int place)
{
    if (x->keys.items[place])
        return index_find_column(x->table, x->keys.items[place]);
    for (size_t i = 0; i < x->computed_count; i++)
        if (x->computed[i].r.number == place + 1)
            return &x->computed[i];
    return NULL;
}

const char *index_shape_of(const index_set *set, const index_info *x, index_shape *ret_shape)
{
    *ret_shape = (index_shape){.rows = x->r.rows,
                               .column_count = x->keys.count,
                               .deduplicates = may_deduplicate(set, x),
                               .block_bytes = set->window.r.block_bytes,
                               .fill = fill_of(x->r.settings)};
    if (x->r.rows < 0 || x->table->r.rows < 0)
        return "their tables were never analyzed";
    for (int i = 0; i < x->keys.count; i++) {
        const index_column *c = column_of(x, i);
        if (!c || !c->has_statistics)
            return "there are no statistics of their columns: never analyzed, or not ours to read";
        if (c->r.length == 64)
            return "they have a column of type name, which is stored otherwise";
        ret_shape->columns[i].is_fixed = c->r.length > 0;
        ret_shape->columns[i].alignment = (int)c->r.alignment;
        ret_shape->columns[i].width = c->r.length > 0 ? (double)c->r.length : (double)c->width;
        ret_shape->columns[i].null_share = c->null_share;
        ret_shape->columns[i].distinct = index_distinct(c, x->table->r.rows);
    }
    return NULL;
}

/* ---- findings ---- */

static int tell_bloated(index_work *work, const index_info *x, const index_shape *shape, double expected, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    int64_t wanted = (int64_t)(expected * (double)shape->block_bytes);
    double ratio = (double)x->r.bytes / (double)wanted;
    double changed = x->table->r.rows > 0 ? (double)x->table->r.changed_rows / x->table->r.rows : 0;
    index_fix fix = {0};
    /* CONCURRENTLY cannot rebuild what backs an exclusion constraint. */
    int r = x->r.is_exclusion ? 0 : index_fix_rebuild(work, x, &fix, err);
    if (r < 0)
        return r;
    return index_tell(
        work,
        &(index_finding){
            .kind = "bloated_index",
            .type = "reindex_bloated",
            .table = x->table,
            .index = x,
            .reason =
                lb_printf(ctx, "%.1f times the size that a new one would have: %.1f MB of %.1f MB are reclaimable",
                          ratio, (double)(x->r.bytes - wanted) / 1e6, (double)x->r.bytes / 1e6),
            .evidence = LB_ARGS(lb_i64("bytes", x->r.bytes), lb_i64("expected_bytes", wanted), lb_f64("ratio", ratio),
                                lb_f64("bloat_percent", 100 * (1 - 1 / ratio)), lb_f64("rows", x->r.rows),
                                lb_f64("fillfactor", 100 * shape->fill), lb_bool("deduplicates", shape->deduplicates),
                                lb_f64("changed_since_analyze", changed), lb_text("columns", index_keys_text(ctx, x)),
                                lb_i64("bytes_needed_to_rebuild", wanted)),
            .terms = LB_TERMS({"size_is_estimated", 0.45},
                              {"far_above_the_threshold", ratio >= 4     ? 0.35
                                                          : ratio >= 2.5 ? 0.2
                                                                         : 0.1},
                              {"statistics_are_fresh", changed <= STALE_SHARE ? 0.15 : -0.2},
                              {"columns_are_independent", shape->column_count > 1 && shape->deduplicates ? -0.1 : 0}),
            .impact = LB_ARGS(lb_i64("bytes", x->r.bytes - wanted)),
            .fix = fix},
        err);
}

static int look_at_size(index_work *work, const index_info *x, const index_bloat_limits *limits, lb_error *err)
{
    index_shape shape;
    const char *why = NULL;
    if (x->r.is_partitioned || !index_is_whole(x))
        return 0; /* without storage, or a finding of another kind */
    if (index_is_locked(x))
        why = INDEX_LOCKED;
    else if (strcmp(x->r.method, "btree") != 0)
        why = "only the size of B-trees can be estimated";
    else if (x->r.is_of_extension)
        why = "they belong to an extension";
    else if (x->r.bytes < limits->min_bytes)
        why = "they are smaller than min_bytes";
    else if (index_goes(work, x))
        why = "they are to be dropped anyway";
    else
        why = index_shape_of(work->set, x, &shape);
    if (why) {
        index_pass(work, why);
        return 0;
    }
    double expected = index_expected_pages(&shape), real = (double)x->r.bytes / (double)shape.block_bytes;
    bool is_bloated = real >= limits->threshold * expected ||
                      (real - expected) * (double)shape.block_bytes >= (double)limits->wasted_bytes;
    return is_bloated ? tell_bloated(work, x, &shape, expected, err) : 0;
}

int index_find_bloated(index_work *work, const index_bloat_limits *limits, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < work->set->index_count; i++)
        r = look_at_size(work, &work->set->indexes[i], limits, err);
    return r < 0 ? r : index_tell_passed(work, "indexes", err);
}
