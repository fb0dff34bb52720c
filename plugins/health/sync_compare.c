/* Counting, digests, and the way from a digest that differs to the rows and columns that do. */
#include "sync_compare.h"

#include <sql/sync/lake_cells.h>
#include <sql/sync/lake_count.h>
#include <sql/sync/lake_digest.h>
#include <sql/sync/lake_marks.h>
#include <sql/sync/lake_rows.h>
#include <sql/sync/source_cells.h>
#include <sql/sync/source_count.h>
#include <sql/sync/source_digest.h>
#include <sql/sync/source_marks.h>
#include <sql/sync/source_rows.h>
#include <sql/sync/source_span.h>
#include <sql/sync/until.h>
#include <stdlib.h>

#define PARTS      1024  /* of a whole-number key's range */
#define PARTS_MOST 64    /* that are looked into */
#define ROWS_MOST  50000 /* of those on each side */
#define EXTRA_MOST 5000  /* rows of the copy that may be on their way to change */
#define MARK_BYTES 8     /* of each column's mark */

/* ---- counts ---- */

static int count_copy(lb_ctx *ctx, const sync_pair *pair, const lb_sql *condition, int64_t *ret_rows, lb_error *err)
{
    const lb_lake_name *lake = &pair->wish->lake;
    lb_rows *rows = NULL;
    sync_lake_count_row copy;
    const sync_lake_count_args args = {
        .catalog = lake->catalog, .schema = lake->schema, .name = lake->name, .condition = condition};
    int r = sync_lake_count(ctx, &args, &rows, err);
    if (r >= 0 && sync_lake_count_next(ctx, rows, &copy))
        *ret_rows = copy.rows;
    return r;
}

/* Rows of the copy that are as old as those that it must have. */
static int count_settled(lb_ctx *ctx, const sync_pair *pair, sync_counts *counts, lb_error *err)
{
    const lb_sql *condition = NULL;
    counts->target_settled = counts->target_rows;
    if (counts->mark == SYNC_NO_TIME || !pair->wish->grace_s)
        return 0;
    int r = lb_compose(ctx, &sync_until_sql, LB_ARGS(lb_ident("column", pair->mark), lb_time("mark", counts->mark)),
                       &condition, err);
    return r < 0 ? r : count_copy(ctx, pair, condition, &counts->target_settled, err);
}

static int count_marked(lb_ctx *ctx, const sync_pair *pair, sync_counts *counts, lb_error *err)
{
    const sync_wish *w = pair->wish;
    lb_rows *rows = NULL;
    sync_lake_marks_row copy;
    sync_source_marks_row source;
    int r = sync_lake_marks(
        ctx,
        &(sync_lake_marks_args){
            .catalog = w->lake.catalog, .schema = w->lake.schema, .name = w->lake.name, .column = pair->mark},
        &rows, err);
    if (r < 0 || !sync_lake_marks_next(ctx, rows, &copy))
        return r;
    counts->target_rows = copy.rows;
    counts->target_latest = copy.latest_is_null ? SYNC_NO_TIME : copy.latest;
    counts->mark = copy.latest_is_null ? SYNC_NO_TIME : copy.latest - w->grace_s * 1000000;
    r = count_settled(ctx, pair, counts, err);
    if (r < 0)
        return r;
    r = sync_source_marks(ctx,
                          &(sync_source_marks_args){.schema = w->schema,
                                                    .name = w->name,
                                                    .column = pair->mark,
                                                    .mark = counts->target_latest,
                                                    .mark_is_null = copy.latest_is_null,
                                                    .settled_until = counts->mark,
                                                    .settled_until_is_null = copy.latest_is_null},
                          &rows, err);
    if (r < 0 || !sync_source_marks_next(ctx, rows, &source))
        return r;
    counts->source_rows = source.rows;
    counts->settled = source.settled;
    counts->source_latest = source.latest_is_null ? SYNC_NO_TIME : source.latest;
    counts->oldest_waiting = source.oldest_waiting_is_null ? SYNC_NO_TIME : source.oldest_waiting;
    return 0;
}

int sync_count(lb_ctx *ctx, const sync_pair *pair, sync_counts *ret_counts, lb_error *err)
{
    const sync_wish *w = pair->wish;
    lb_rows *rows = NULL;
    sync_source_count_row source;
    *ret_counts = (sync_counts){.mark = SYNC_NO_TIME,
                                .source_latest = SYNC_NO_TIME,
                                .target_latest = SYNC_NO_TIME,
                                .oldest_waiting = SYNC_NO_TIME};
    if (pair->mark)
        return count_marked(ctx, pair, ret_counts, err);
    int r = count_copy(ctx, pair, NULL, &ret_counts->target_rows, err);
    ret_counts->target_settled = ret_counts->target_rows;
    if (r >= 0)
        r = sync_source_count(ctx, &(sync_source_count_args){.schema = w->schema, .name = w->name}, &rows, err);
    if (r >= 0 && sync_source_count_next(ctx, rows, &source))
        ret_counts->source_rows = ret_counts->settled = source.rows;
    return r;
}

/* Between the rows that the copy must have and those that it may have, all is well. One that has changed since is in
 * the copy as it was, so that it may have more old rows than the source. */
int64_t sync_missing(const sync_counts *counts)
{
    if (counts->target_settled < counts->settled)
        return counts->settled - counts->target_settled;
    return counts->target_rows > counts->source_rows ? counts->source_rows - counts->target_rows : 0;
}

double sync_lag(const lb_ctx *ctx, const sync_counts *counts)
{
    int64_t lag = counts->oldest_waiting == SYNC_NO_TIME ? 0 : lb_now(ctx) - counts->oldest_waiting;
    return lag > 0 ? (double)lag / 1e6 : 0;
}

/* ---- digests ---- */

typedef struct part {
    const char *name, *digest;
    int64_t rows;
} part;

typedef struct list {
    part *items;
    size_t count;
} list;

typedef unsigned __int128 sum;

static int by_name(const void *a, const void *b)
{
    int order = strcmp(((const part *)a)->name, ((const part *)b)->name);
    return order ? order : strcmp(((const part *)a)->digest, ((const part *)b)->digest);
}

static int new_list(lb_ctx *ctx, const lb_rows *rows, list *ret_list, lb_error *err)
{
    ret_list->count = 0;
    ret_list->items = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *ret_list->items);
    return ret_list->items ? 0 : lb_out_of_memory(err);
}

static int digest_source(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, list *parts, lb_error *err)
{
    lb_rows *rows = NULL;
    sync_source_digest_row row;
    int r = lb_query(ctx, &sync_source_digest_sql,
                     LB_ARGS(lb_ident("schema", pair->wish->schema), lb_ident("name", pair->wish->name),
                             lb_list("forms", LB_SQL, t->forms, t->form_count), lb_sql_value("cells", t->cells),
                             lb_sql_value("condition", t->condition)),
                     &rows, err);
    if (r >= 0)
        r = new_list(ctx, rows, parts, err);
    while (r >= 0 && sync_source_digest_next(ctx, rows, &row))
        parts->items[parts->count++] = (part){row.part, row.digest, row.rows};
    return r;
}

static int digest_lake(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, list *parts, lb_error *err)
{
    const lb_lake_name *lake = &pair->wish->lake;
    lb_rows *rows = NULL;
    sync_lake_digest_row row;
    int r = lb_lake(ctx, &sync_lake_digest_sql,
                    LB_ARGS(lb_ident("catalog", lake->catalog), lb_ident("schema", lake->schema),
                            lb_ident("name", lake->name), lb_list("forms", LB_SQL, t->forms, t->form_count),
                            lb_sql_value("cells", t->cells), lb_sql_value("condition", t->condition)),
                    &rows, err);
    if (r >= 0)
        r = new_list(ctx, rows, parts, err);
    while (r >= 0 && sync_lake_digest_next(ctx, rows, &row))
        parts->items[parts->count++] = (part){row.part, row.digest, row.rows};
    return r;
}

static sum number_of(const char *digits)
{
    sum n = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++)
        n = n * 10 + (unsigned)(*digits - '0');
    return n;
}

static const char *total(lb_ctx *ctx, const list *parts, int64_t *ret_rows)
{
    sum n = 0;
    *ret_rows = 0;
    for (size_t i = 0; i < parts->count; i++) {
        n += number_of(parts->items[i].digest);
        *ret_rows += parts->items[i].rows;
    }
    return lb_printf(ctx, "%016llx%016llx", (unsigned long long)(n >> 64), (unsigned long long)n);
}

/* The names of parts that differ, as values of a list. */
static size_t unequal(list *a, list *b, lb_value *names, size_t most, int64_t *ret_all)
{
    size_t i = 0, j = 0, count = 0;
    qsort(a->items, a->count, sizeof *a->items, by_name);
    qsort(b->items, b->count, sizeof *b->items, by_name);
    *ret_all = 0;
    while (i < a->count || j < b->count) {
        int order = i == a->count ? 1 : j == b->count ? -1 : strcmp(a->items[i].name, b->items[j].name);
        bool same =
            order == 0 && a->items[i].rows == b->items[j].rows && strcmp(a->items[i].digest, b->items[j].digest) == 0;
        const char *name = order <= 0 ? a->items[i].name : b->items[j].name;
        if (!same) {
            ++*ret_all;
            if (count < most)
                names[count++] = lb_text(NULL, name);
        }
        i += order <= 0;
        j += order >= 0;
    }
    return count;
}

/* ---- rows ---- */

static int rows_source(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const lb_value *parts, list *found,
                       lb_error *err)
{
    lb_rows *rows = NULL;
    sync_source_rows_row row;
    int r = lb_query(ctx, &sync_source_rows_sql,
                     LB_ARGS(lb_ident("schema", pair->wish->schema), lb_ident("name", pair->wish->name),
                             lb_list("forms", LB_SQL, t->forms, t->form_count), lb_sql_value("cells", t->cells),
                             lb_sql_value("condition", t->condition), *parts, lb_i64("most", ROWS_MOST)),
                     &rows, err);
    if (r >= 0)
        r = new_list(ctx, rows, found, err);
    while (r >= 0 && sync_source_rows_next(ctx, rows, &row))
        found->items[found->count++] = (part){row.row_key, row.digest, 1};
    return r;
}

static int rows_lake(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const lb_value *parts, list *found,
                     lb_error *err)
{
    const lb_lake_name *lake = &pair->wish->lake;
    lb_rows *rows = NULL;
    sync_lake_rows_row row;
    int r = lb_lake(ctx, &sync_lake_rows_sql,
                    LB_ARGS(lb_ident("catalog", lake->catalog), lb_ident("schema", lake->schema),
                            lb_ident("name", lake->name), lb_list("forms", LB_SQL, t->forms, t->form_count),
                            lb_sql_value("cells", t->cells), lb_sql_value("condition", t->condition), *parts,
                            lb_i64("most", ROWS_MOST)),
                    &rows, err);
    if (r >= 0)
        r = new_list(ctx, rows, found, err);
    while (r >= 0 && sync_lake_rows_next(ctx, rows, &row))
        found->items[found->count++] = (part){row.row_key, row.digest, 1};
    return r;
}

static void add_key(const char **keys, size_t *named, size_t most, int64_t *all, const char *key)
{
    ++*all;
    if (*named < most)
        keys[(*named)++] = key;
}

static void sort_out(list *a, list *b, sync_difference *d)
{
    size_t i = 0, j = 0;
    qsort(a->items, a->count, sizeof *a->items, by_name);
    qsort(b->items, b->count, sizeof *b->items, by_name);
    while (i < a->count || j < b->count) {
        int order = i == a->count ? 1 : j == b->count ? -1 : strcmp(a->items[i].name, b->items[j].name);
        if (order < 0)
            add_key(d->missing_keys, &d->missing_named, SYNC_NAMED, &d->missing, a->items[i].name);
        else if (order > 0)
            add_key(d->extra_keys, &d->extra_named, EXTRA_MOST, &d->extra, b->items[j].name);
        else if (strcmp(a->items[i].digest, b->items[j].digest) != 0)
            add_key(d->different_keys, &d->different_named, SYNC_NAMED, &d->different, a->items[i].name);
        i += order <= 0;
        j += order >= 0;
    }
}

/* ---- columns ---- */

static lb_value keys_of(lb_ctx *ctx, const char *const *keys, size_t count)
{
    lb_value *items = lb_alloc(ctx, (count + 1) * sizeof *items);
    for (size_t i = 0; items && i < count; i++)
        items[i] = lb_text(NULL, keys[i]);
    return lb_list("keys", LB_TEXT, items, items ? count : 0);
}

static int cells_source(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const lb_value *keys, list *found,
                        lb_error *err)
{
    lb_rows *rows = NULL;
    sync_source_cells_row row;
    int r = lb_query(ctx, &sync_source_cells_sql,
                     LB_ARGS(lb_ident("schema", pair->wish->schema), lb_ident("name", pair->wish->name),
                             lb_list("forms", LB_SQL, t->forms, t->form_count), lb_sql_value("marks", t->marks), *keys),
                     &rows, err);
    if (r >= 0)
        r = new_list(ctx, rows, found, err);
    while (r >= 0 && sync_source_cells_next(ctx, rows, &row))
        found->items[found->count++] = (part){row.row_key, row.cells, 1};
    return r;
}

static int cells_lake(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const lb_value *keys, list *found,
                      lb_error *err)
{
    const lb_lake_name *lake = &pair->wish->lake;
    lb_rows *rows = NULL;
    sync_lake_cells_row row;
    int r = lb_lake(ctx, &sync_lake_cells_sql,
                    LB_ARGS(lb_ident("catalog", lake->catalog), lb_ident("schema", lake->schema),
                            lb_ident("name", lake->name), lb_list("forms", LB_SQL, t->forms, t->form_count),
                            lb_sql_value("marks", t->marks), *keys),
                    &rows, err);
    if (r >= 0)
        r = new_list(ctx, rows, found, err);
    while (r >= 0 && sync_lake_cells_next(ctx, rows, &row))
        found->items[found->count++] = (part){row.row_key, row.cells, 1};
    return r;
}

static const part *find_part(const list *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].name, name) == 0)
            return &l->items[i];
    return NULL;
}

static const char *columns_that_differ(lb_ctx *ctx, const sync_pair *pair, const part *a, const part *b)
{
    const char *names = "";
    for (size_t i = 0; a && b && i < pair->count; i++)
        if (strncmp(a->digest + i * MARK_BYTES, b->digest + i * MARK_BYTES, MARK_BYTES) != 0) {
            names = lb_printf(ctx, "%s%s%s", names, *names ? ", " : "", pair->columns[i].name);
            if (!names)
                return NULL;
        }
    return names;
}

static int name_columns(lb_ctx *ctx, const sync_pair *pair, const sync_texts *source, const sync_texts *lake,
                        sync_difference *d, lb_error *err)
{
    list a, b;
    if (!d->different_named)
        return 0;
    const lb_value keys = keys_of(ctx, d->different_keys, d->different_named);
    int r = cells_source(ctx, pair, source, &keys, &a, err);
    if (r >= 0)
        r = cells_lake(ctx, pair, lake, &keys, &b, err);
    for (size_t i = 0; r >= 0 && i < d->different_named; i++)
        d->different_columns[i] =
            columns_that_differ(ctx, pair, find_part(&a, d->different_keys[i]), find_part(&b, d->different_keys[i]));
    return r;
}

/* What the copy alone seems to have may have changed at the source since: then it is on its way. */
static int take_out_waiting(lb_ctx *ctx, const sync_pair *pair, const sync_texts *source, sync_difference *d,
                            lb_error *err)
{
    list there;
    size_t kept = 0;
    if (!source->condition || !d->extra_named || !pair->key_count)
        return 0;
    const lb_value keys = keys_of(ctx, d->extra_keys, d->extra_named);
    int r = cells_source(ctx, pair, source, &keys, &there, err);
    for (size_t i = 0; r >= 0 && i < d->extra_named; i++) {
        if (find_part(&there, d->extra_keys[i]))
            d->waiting++;
        else
            d->extra_keys[kept++] = d->extra_keys[i];
    }
    if (r >= 0) {
        d->extra -= d->waiting;
        d->extra_named = kept < SYNC_NAMED ? kept : SYNC_NAMED;
    }
    return r;
}

/* ---- the comparison ---- */

static int choose_width(lb_ctx *ctx, const sync_pair *pair, int64_t *ret_low, int64_t *ret_width, lb_error *err)
{
    lb_rows *rows = NULL;
    sync_source_span_row row;
    int64_t span;
    *ret_low = *ret_width = 0;
    if (!pair->whole_key)
        return 0;
    int r = sync_source_span(
        ctx, &(sync_source_span_args){.schema = pair->wish->schema, .name = pair->wish->name, .key = pair->whole_key},
        &rows, err);
    if (r < 0 || !sync_source_span_next(ctx, rows, &row) || row.low_is_null)
        return r;
    if (row.low <= -(INT64_C(1) << 62) || row.high >= INT64_C(1) << 62 ||
        __builtin_sub_overflow(row.high, row.low, &span))
        return 0; /* by digests then */
    *ret_low = row.low;
    *ret_width = span / PARTS + 1;
    return 0;
}

static int narrow(lb_ctx *ctx, const sync_pair *pair, const sync_texts *source, const sync_texts *lake,
                  const lb_value *parts, sync_difference *d, lb_error *err)
{
    list a, b;
    const char ***const lists[] = {&d->missing_keys, &d->extra_keys, &d->different_keys, &d->different_columns};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        *lists[i] = lb_alloc(ctx, EXTRA_MOST * sizeof **lists[i]);
        if (!*lists[i])
            return lb_out_of_memory(err);
    }
    int r = rows_source(ctx, pair, source, parts, &a, err);
    if (r >= 0)
        r = rows_lake(ctx, pair, lake, parts, &b, err);
    if (r < 0)
        return r;
    if (a.count == ROWS_MOST || b.count == ROWS_MOST)
        d->cut = true; /* what is past the end of one list would seem to be missing */
    else
        sort_out(&a, &b, d);
    r = take_out_waiting(ctx, pair, source, d, err);
    return r < 0 ? r : name_columns(ctx, pair, source, lake, d, err);
}

int sync_compare(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, sync_difference *ret_difference,
                 lb_error *err)
{
    sync_texts source, lake;
    list a, b;
    lb_value names[PARTS_MOST];
    int64_t low, width, rows;
    sync_difference d = {.equal = false};
    int r = choose_width(ctx, pair, &low, &width, err);
    if (r >= 0)
        r = sync_make_texts(ctx, pair, false, low, width, counts->mark, &source, err);
    if (r >= 0)
        r = sync_make_texts(ctx, pair, true, low, width, counts->mark, &lake, err);
    if (r >= 0)
        r = digest_lake(ctx, pair, &lake, &b, err);
    if (r >= 0)
        r = digest_source(ctx, pair, &source, &a, err);
    if (r < 0)
        return r;
    d.target_digest = total(ctx, &b, &rows);
    d.source_digest = total(ctx, &a, &d.compared);
    d.parts = (int64_t)a.count;
    size_t count = unequal(&a, &b, names, PARTS_MOST, &d.parts_differ);
    d.cut = d.parts_differ > (int64_t)count;
    if (!d.source_digest || !d.target_digest)
        return lb_out_of_memory(err);
    if (count) {
        const lb_value parts = lb_list("parts", LB_TEXT, names, count);
        r = narrow(ctx, pair, &source, &lake, &parts, &d, err);
    }
    d.equal = !d.cut && !d.missing && !d.extra && !d.different;
    *ret_difference = d;
    return r;
}
