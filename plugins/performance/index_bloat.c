/* How large would a new B-tree over the same rows be? Compared with what there is, that is its bloat. */
#include "index_rebuild.h"
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
/* Random inserts leave pages seven tenths full: one that was built anew is so large again soon. */
#define BLOAT_FLOOR 1.5

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

static double changed_share(const index_table *t)
{
    return t->r.rows > 0 ? (double)t->r.changed_rows / t->r.rows : 0;
}

/* Where much has changed since rows were counted, the index may have grown with them: that is no bloat. */
static double growth_of(const index_table *t)
{
    bool has_grown = changed_share(t) > STALE_SHARE && (double)t->r.live_rows > t->r.rows;
    return has_grown ? (double)t->r.live_rows / t->r.rows : 1;
}

/* As the statistics have it; NULL: fine, else why it cannot be known. They are of the whole table: an index over a part
 * of it has the nulls of that part, often none at all. Taken for none, a new one is larger than it would be, and never
 * smaller. */
static const char *shape_of(const index_set *set, const index_info *x, index_shape *ret_shape)
{
    *ret_shape = (index_shape){.rows = x->r.rows * growth_of(x->table),
                               .column_count = x->keys.count,
                               .deduplicates = may_deduplicate(set, x),
                               .block_bytes = set->window.r.block_bytes,
                               .fill = fill_of(x->r.settings)};
    if (x->r.rows < 0 || x->table->r.rows < 0)
        return "{its table was|their tables were} never analyzed";
    for (int i = 0; i < x->keys.count; i++) {
        const index_column *c = column_of(x, i);
        if (!c || !c->has_statistics)
            return "there are no statistics of {its|their} columns: never analyzed, or not ours to read";
        if (c->r.length == 64)
            return "{it has|they have} a column of type name, which is stored otherwise";
        ret_shape->columns[i].is_fixed = c->r.length > 0;
        ret_shape->columns[i].alignment = (int)c->r.alignment;
        ret_shape->columns[i].width = c->r.length > 0 ? (double)c->r.length : (double)c->width;
        ret_shape->columns[i].null_share = x->r.predicate ? 0 : c->null_share;
        ret_shape->columns[i].distinct = index_distinct(c, x->table->r.rows);
    }
    return NULL;
}

/* ---- findings ---- */

typedef struct suspect {
    const index_info *index;
    int64_t expected; /* bytes, by the statistics */
    double rows, fill;
    bool deduplicates, has_more_columns;
    index_rebuilt built; /* on a branch, if .bytes are above 0 */
} suspect;

static double ratio_of(const suspect *s)
{
    return (double)s->index->r.bytes / (double)(s->built.bytes > 0 ? s->built.bytes : s->expected);
}

static const lb_term *terms_of(lb_ctx *ctx, const suspect *s)
{
    double ratio = ratio_of(s), changed = changed_share(s->index->table);
    const lb_term estimated[] = {{"size_is_estimated", 0.45},
                                 {"far_above_the_threshold", ratio >= 4     ? 0.35
                                                             : ratio >= 2.5 ? 0.2
                                                                            : 0.1},
                                 {"statistics_are_fresh", changed <= STALE_SHARE ? 0.15 : -0.2},
                                 {"columns_are_independent", s->has_more_columns && s->deduplicates ? -0.1 : 0},
                                 {NULL, 0}},
                  measured[] = {
                      {"size_was_measured", 0.85}, {"far_above_the_threshold", ratio >= 2.5 ? 0.1 : 0}, {NULL, 0}};
    bool is_measured = s->built.bytes > 0;
    lb_term *kept = lb_alloc(ctx, sizeof estimated);
    return !kept ? NULL
                 : memcpy(kept, is_measured ? measured : estimated, is_measured ? sizeof measured : sizeof estimated);
}

static int tell_bloated(index_work *work, const suspect *s, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    const index_info *x = s->index;
    const lb_value end = {.type = LB_END};
    bool is_measured = s->built.bytes > 0;
    int64_t wanted = is_measured ? s->built.bytes : s->expected;
    double ratio = ratio_of(s);
    const lb_term *terms = terms_of(ctx, s);
    index_fix fix = {0};
    /* CONCURRENTLY cannot rebuild what backs an exclusion constraint. */
    int r = !terms ? lb_out_of_memory(err) : x->r.is_exclusion ? 0 : index_fix_rebuild(work, x, &fix, err);
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
                lb_printf(ctx, "%.1f times the size that a new one %s: %.1f MB of %.1f MB are reclaimable", ratio,
                          is_measured ? lb_printf(ctx, "had on the branch %s", work->trial->branch) : "would have",
                          (double)(x->r.bytes - wanted) / 1e6, (double)x->r.bytes / 1e6),
            .evidence = LB_ARGS(
                lb_i64("bytes", x->r.bytes), lb_i64("expected_bytes", s->expected), lb_f64("ratio", ratio),
                lb_f64("bloat_percent", 100 * (1 - 1 / ratio)), lb_f64("rows", s->rows),
                lb_f64("fillfactor", 100 * s->fill), lb_bool("deduplicates", s->deduplicates),
                lb_f64("changed_since_analyze", changed_share(x->table)), lb_text("columns", index_keys_text(ctx, x)),
                lb_i64("bytes_needed_to_rebuild", wanted), is_measured ? lb_i64("measured_bytes", wanted) : end,
                lb_text("measured_on_branch", is_measured ? work->trial->branch : NULL),
                lb_text("measured_at_lsn", is_measured ? work->trial->lsn : NULL), lb_f64("rebuild_ms", s->built.ms)),
            .terms = terms,
            .impact = LB_ARGS(lb_i64("bytes", x->r.bytes - wanted)),
            .fix = fix,
            .rehearsed = is_measured ? work->trial : NULL},
        err);
}

static bool is_bloated(const index_info *x, double wanted, const index_bloat_limits *limits)
{
    double bytes = (double)x->r.bytes;
    return bytes >= limits->threshold * wanted ||
           (bytes >= BLOAT_FLOOR * wanted && bytes - wanted >= (double)limits->wasted_bytes);
}

/* Adds it to the suspects, where it is one. */
static void look_at_size(index_work *work, const index_info *x, const index_bloat_limits *limits, suspect *list,
                         size_t *count)
{
    index_shape shape;
    const char *why = NULL;
    if (x->r.is_partitioned || !index_is_whole(x))
        return; /* without storage, or a finding of another kind */
    if (index_is_locked(x))
        why = INDEX_LOCKED;
    else if (strcmp(x->r.method, "btree") != 0)
        why = "only the size of B-trees can be estimated";
    else if (x->r.is_of_extension)
        why = "{it belongs|they belong} to an extension";
    else if (x->r.bytes < limits->min_bytes)
        why = "{it is|they are} smaller than min_bytes";
    else if (index_goes(work, x))
        why = "{it is|they are} to be dropped anyway";
    else
        why = shape_of(work->set, x, &shape);
    if (why) {
        index_pass(work, why);
        return;
    }
    double expected = index_expected_pages(&shape) * (double)shape.block_bytes;
    if (is_bloated(x, expected, limits))
        list[(*count)++] = (suspect){.index = x,
                                     .expected = (int64_t)expected,
                                     .rows = shape.rows,
                                     .fill = shape.fill,
                                     .deduplicates = shape.deduplicates,
                                     .has_more_columns = shape.column_count > 1};
}

/* ---- measured ---- */

typedef struct rank {
    suspect *of;
} rank;

static int by_waste(const void *a, const void *b)
{
    const suspect *x = ((const rank *)a)->of, *y = ((const rank *)b)->of;
    int64_t left = x->index->r.bytes - x->expected, right = y->index->r.bytes - y->expected;
    return left < right ? 1 : left > right ? -1 : strcmp(x->index->r.name, y->index->r.name);
}

static int measure_worst(index_work *work, suspect *list, size_t count, int64_t most, lb_error *err)
{
    rank *worst = lb_alloc(work->ctx, (count + 1) * sizeof *worst);
    index_rebuilt *built = lb_alloc(work->ctx, (count + 1) * sizeof *built);
    size_t wanted = count < (size_t)most ? count : (size_t)most;
    if (!worst || !built)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        worst[i].of = &list[i];
    qsort(worst, count, sizeof *worst, by_waste);
    for (size_t i = 0; i < wanted; i++)
        built[i].index = worst[i].of->index;
    int r = wanted ? index_rebuild(work->trial, built, wanted, err) : 0;
    for (size_t i = 0; i < wanted && r >= 0; i++)
        worst[i].of->built = built[i];
    return r;
}

static int tell_suspect(index_work *work, const suspect *s, const index_bloat_limits *limits, lb_error *err)
{
    if (s->built.bytes <= 0 || is_bloated(s->index, (double)s->built.bytes, limits))
        return tell_bloated(work, s, err);
    return index_skip(
        work, s->index,
        lb_printf(work->ctx,
                  "statistics say that it is bloated, and built anew on a branch it takes %.1f MB of %.1f MB",
                  (double)s->built.bytes / 1e6, (double)s->index->r.bytes / 1e6),
        err);
}

int index_find_bloated(index_work *work, const index_bloat_limits *limits, lb_error *err)
{
    suspect *list = lb_alloc(work->ctx, (work->set->index_count + 1) * sizeof *list);
    size_t count = 0;
    int r = 0;
    if (!list)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < work->set->index_count; i++)
        look_at_size(work, &work->set->indexes[i], limits, list, &count);
    if (r >= 0 && count && work->trial && work->trial->is_wanted)
        r = measure_worst(work, list, count, limits->max_rebuilds, err);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = tell_suspect(work, &list[i], limits, err);
    return r < 0 ? r : index_tell_passed(work, "index", "indexes", err);
}
