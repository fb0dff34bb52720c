/* Digests, and the way from a digest that differs to the rows and columns that do. */
#include "sync_list.h"

#include <sql/sync/lake_digest.h>
#include <sql/sync/lake_rows.h>
#include <sql/sync/source_digest.h>
#include <sql/sync/source_rows.h>
#include <sql/sync/source_span.h>
#include <stdlib.h>

#define KINDS       4      /* of rows that are not the same */
#define PARTS_ONCE  64     /* that are looked into in one go; more, as long as nothing of them differs for good */
#define HASHED_ONCE 192    /* by digests, as each go reads all of a table; a warehouse takes 256 parameters */
#define ROWS_MOST   200000 /* of those on each side */
#define ROWS_FEW    16384  /* are looked at in one go; with more of them, ranges of keys are looked into one by one */

/* ---- digests ---- */

typedef unsigned __int128 sum;

int sync_by_name(const void *a, const void *b)
{
    int order = strcmp(((const sync_part *)a)->name, ((const sync_part *)b)->name);
    return order ? order : strcmp(((const sync_part *)a)->digest, ((const sync_part *)b)->digest);
}

int sync_new_list(lb_ctx *ctx, const lb_rows *rows, sync_list *ret_list, lb_error *err)
{
    ret_list->count = 0;
    ret_list->items = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *ret_list->items);
    return ret_list->items ? 0 : lb_out_of_memory(err);
}

static int digest_source(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, sync_list *parts, lb_error *err)
{
    lb_rows *rows = NULL;
    sync_source_digest_row row;
    int r = lb_query(ctx, &sync_source_digest_sql,
                     LB_ARGS(lb_ident("schema", pair->wish->schema), lb_ident("name", pair->wish->name),
                             lb_list("forms", LB_SQL, t->forms, t->form_count), lb_sql_value("cells", t->cells),
                             lb_sql_value("parts_of", t->parts_of), lb_sql_value("condition", t->condition)),
                     &rows, err);
    if (r >= 0)
        r = sync_new_list(ctx, rows, parts, err);
    while (r >= 0 && sync_source_digest_next(ctx, rows, &row))
        parts->items[parts->count++] = (sync_part){row.part, row.digest, row.rows, NULL};
    return r;
}

static int digest_lake(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, sync_list *parts, lb_error *err)
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
        r = sync_new_list(ctx, rows, parts, err);
    while (r >= 0 && sync_lake_digest_next(ctx, rows, &row))
        parts->items[parts->count++] = (sync_part){row.part, row.digest, row.rows, NULL};
    return r;
}

static sum number_of(const char *digits)
{
    sum n = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++)
        n = n * 10 + (unsigned)(*digits - '0');
    return n;
}

static const char *total(lb_ctx *ctx, const sync_list *parts, int64_t *ret_rows)
{
    sum n = 0;
    *ret_rows = 0;
    for (size_t i = 0; i < parts->count; i++) {
        n += number_of(parts->items[i].digest);
        *ret_rows += parts->items[i].rows;
    }
    return lb_printf(ctx, "%016llx%016llx", (unsigned long long)(n >> 64), (unsigned long long)n);
}

/* Parts that differ, as values of a list, their rows, and the digests that they have at the source. */
typedef struct apart {
    lb_value *names;
    int64_t *rows;
    const char **digests;
    size_t count;
} apart;

/* Of all parts: rows of the copy past the keys of the table, and such as have come since. */
static bool is_outside(const char *name)
{
    return *name == '~';
}

static int64_t rows_of(const apart *found)
{
    int64_t rows = 0;
    for (size_t i = 0; i < found->count; i++)
        rows += found->rows[i];
    return rows;
}

static void add_part(apart *found, const sync_part *part, const char *digest)
{
    found->names[found->count] = lb_text(NULL, part->name);
    found->digests[found->count] = digest;
    found->rows[found->count++] = part->rows;
}

/* It comes last, and is looked into all the same. */
static void put_outside_first(apart *found)
{
    size_t last = found->count ? found->count - 1 : 0;
    if (!last || !is_outside(found->names[last].v.text))
        return;
    const lb_value name = found->names[0];
    int64_t rows = found->rows[0];
    const char *digest = found->digests[0];
    found->names[0] = found->names[last];
    found->rows[0] = found->rows[last];
    found->digests[0] = found->digests[last];
    found->names[last] = name;
    found->rows[last] = rows;
    found->digests[last] = digest;
}

static int find_unequal(lb_ctx *ctx, sync_list *a, sync_list *b, apart *ret, lb_error *err)
{
    size_t i = 0, j = 0;
    *ret = (apart){.names = lb_alloc(ctx, (a->count + b->count + 1) * sizeof *ret->names),
                   .rows = lb_alloc(ctx, (a->count + b->count + 1) * sizeof *ret->rows),
                   .digests = lb_alloc(ctx, (a->count + b->count + 1) * sizeof *ret->digests)};
    if (!ret->names || !ret->rows || !ret->digests)
        return lb_out_of_memory(err);
    qsort(a->items, a->count, sizeof *a->items, sync_by_name);
    qsort(b->items, b->count, sizeof *b->items, sync_by_name);
    while (i < a->count || j < b->count) {
        int order = i == a->count ? 1 : j == b->count ? -1 : strcmp(a->items[i].name, b->items[j].name);
        bool same =
            order == 0 && a->items[i].rows == b->items[j].rows && strcmp(a->items[i].digest, b->items[j].digest) == 0;
        if (!same)
            add_part(ret,
                     order < 0 || (order == 0 && a->items[i].rows >= b->items[j].rows) ? &a->items[i] : &b->items[j],
                     order <= 0 ? a->items[i].digest : "none");
        i += order <= 0;
        j += order >= 0;
    }
    put_outside_first(ret);
    return 0;
}

/* ---- rows ---- */

static int rows_source(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const lb_value *parts, sync_list *found,
                       lb_error *err)
{
    lb_rows *rows = NULL;
    sync_source_rows_row row;
    int r = lb_query(ctx, &sync_source_rows_sql,
                     LB_ARGS(lb_ident("schema", pair->wish->schema), lb_ident("name", pair->wish->name),
                             lb_list("forms", LB_SQL, t->forms, t->form_count), lb_sql_value("cells", t->cells),
                             lb_sql_value("parts_of", t->parts_of), lb_sql_value("condition", t->condition), *parts,
                             lb_i64("most", ROWS_MOST)),
                     &rows, err);
    if (r >= 0)
        r = sync_new_list(ctx, rows, found, err);
    while (r >= 0 && sync_source_rows_next(ctx, rows, &row))
        found->items[found->count++] = (sync_part){row.row_key, row.digest, 1, NULL};
    return r;
}

static int rows_lake(lb_ctx *ctx, const sync_pair *pair, const sync_texts *t, const lb_value *parts, sync_list *found,
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
        r = sync_new_list(ctx, rows, found, err);
    while (r >= 0 && sync_lake_rows_next(ctx, rows, &row))
        found->items[found->count++] = (sync_part){row.row_key, row.digest, 1, NULL};
    return r;
}

static void add_row(sync_rows *rows, const sync_part *source, const sync_part *copy)
{
    rows->all++;
    if (rows->named < SYNC_KEYS_MOST)
        rows->items[rows->named++] = (sync_row){.key = source ? source->name : copy->name,
                                                .source = source ? source->digest : NULL,
                                                .copy = copy ? copy->digest : NULL};
}

/* Rows that the copy has more than once are not such as the source has deleted. */
static void sort_out(sync_list *a, sync_list *b, sync_difference *d)
{
    size_t i = 0, j = 0;
    qsort(a->items, a->count, sizeof *a->items, sync_by_name);
    qsort(b->items, b->count, sizeof *b->items, sync_by_name);
    while (i < a->count || j < b->count) {
        int order = i == a->count ? 1 : j == b->count ? -1 : strcmp(a->items[i].name, b->items[j].name);
        if (order < 0)
            add_row(&d->missing, &a->items[i], NULL);
        else if (order > 0 && i && strcmp(a->items[i - 1].name, b->items[j].name) == 0)
            add_row(&d->extra, NULL, &b->items[j]);
        else if (order > 0)
            add_row(&d->gone, NULL, &b->items[j]);
        else if (strcmp(a->items[i].digest, b->items[j].digest) != 0)
            add_row(&d->different, &a->items[i], &b->items[j]);
        i += order <= 0;
        j += order >= 0;
    }
}

/* ---- the comparison ---- */

/* Bounds that stay where they are while a table grows at its end or loses its oldest rows: so a part that was not
 * looked into is known again by its digest. */
static sync_parts steady_parts(int64_t low, int64_t span)
{
    int64_t width = 1, least = span / (SYNC_PARTS - 1) + 1;
    while (width < least)
        width *= 2;
    int64_t past = low % width;
    return (sync_parts){low - (past < 0 ? past + width : past), width};
}

static int choose_parts(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, sync_parts *ret_parts,
                        lb_error *err)
{
    lb_rows *rows = NULL;
    sync_source_span_row row;
    int64_t span;
    *ret_parts = (sync_parts){.width = 0};
    if (!pair->whole_key)
        return 0;
    if (counts->keys.has_from && counts->keys.has_to) {
        *ret_parts = (sync_parts){counts->keys.from, (counts->keys.to - counts->keys.from) / SYNC_PARTS + 1};
        return 0;
    }
    int r = sync_source_span(
        ctx, &(sync_source_span_args){.schema = pair->wish->schema, .name = pair->wish->name, .key = pair->whole_key},
        &rows, err);
    if (r < 0 || !sync_source_span_next(ctx, rows, &row) || row.low_is_null)
        return r;
    row.low = counts->keys.has_from ? counts->keys.from : row.low;
    row.high = counts->keys.has_to ? counts->keys.to : row.high;
    if (row.low > row.high || row.low <= -(INT64_C(1) << 62) || row.high >= INT64_C(1) << 62 ||
        __builtin_sub_overflow(row.high, row.low, &span))
        return 0; /* by digests then */
    bool can_begin_before = !counts->keys.has_from && span < INT64_C(1) << 61;
    *ret_parts = can_begin_before ? steady_parts(row.low, span) : (sync_parts){row.low, span / SYNC_PARTS + 1};
    return 0;
}

/* With room for so many of each kind, or for as many as are looked at. */
static int make_lists(lb_ctx *ctx, size_t rows, sync_difference *d, lb_error *err)
{
    sync_rows *const lists[KINDS + 1] = {&d->missing, &d->extra, &d->gone, &d->different, &d->left};
    size_t room = rows < SYNC_KEYS_MOST ? rows + 1 : SYNC_KEYS_MOST;
    for (size_t i = 0; i < KINDS + 1; i++) {
        lists[i]->items = lb_alloc(ctx, room * sizeof *lists[i]->items);
        if (!lists[i]->items)
            return lb_out_of_memory(err);
    }
    return 0;
}

static int narrow(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const sync_texts *source,
                  const sync_texts *lake, const lb_value *parts, sync_difference *d, lb_error *err)
{
    sync_list a, b;
    int r = rows_lake(ctx, pair, lake, parts, &b, err); /* first: what the copy has by then, the source has too */
    if (r >= 0)
        r = rows_source(ctx, pair, source, parts, &a, err);
    if (r >= 0)
        r = make_lists(ctx, a.count + b.count, d, err);
    if (r < 0)
        return r;
    if (a.count == ROWS_MOST || b.count == ROWS_MOST)
        d->cut = true; /* what is past the end of one list would seem to be missing */
    else
        sort_out(&a, &b, d);
    r = sync_sort_sides(ctx, pair, counts, source, lake, d, err);
    return r < 0 ? r : sync_look_again(ctx, pair, source, lake, d, err);
}

static void add_rows(sync_rows *into, const sync_rows *more)
{
    into->all += more->all;
    for (size_t i = 0; i < more->named && into->named < SYNC_KEYS_MOST; i++)
        into->items[into->named++] = more->items[i];
}

static void add_difference(sync_difference *d, const sync_difference *part)
{
    add_rows(&d->missing, &part->missing);
    add_rows(&d->extra, &part->extra);
    add_rows(&d->gone, &part->gone);
    add_rows(&d->different, &part->different);
    add_rows(&d->left, &part->left);
    d->waiting += part->waiting;
    d->moved += part->moved;
    d->moving += part->moving;
    d->cut = d->cut || part->cut;
    d->unseen = d->unseen || part->unseen;
    d->is_unsure = d->is_unsure || part->is_unsure;
}

static void leave(sync_difference *d, const apart *found, size_t first, size_t count)
{
    sync_rows *left = &d->left;
    d->cut = d->cut || count;
    left->all += (int64_t)count;
    for (size_t i = first; i < first + count && left->named < SYNC_KEYS_MOST; i++)
        left->items[left->named++] = (sync_row){.key = found->names[i].v.text, .source = found->digests[i]};
}

/* A range of keys as if it were a table of its own: it is read without a look at the rest. */
static int look_into(lb_ctx *ctx, const sync_pair *pair, const sync_counts *within, int64_t rows,
                     sync_difference *ret_part, lb_error *err)
{
    const sync_parts whole = {within->keys.from, within->keys.to - within->keys.from};
    const lb_value first = lb_text(NULL, "0"), parts = lb_list("parts", LB_TEXT, &first, 1);
    sync_texts source, lake;
    *ret_part = (sync_difference){.equal = false};
    if (rows > ROWS_FEW && whole.width > 1)
        return sync_compare(ctx, pair, within, ret_part, err);
    int r = sync_make_texts(ctx, pair, false, &whole, within, &source, err);
    if (r >= 0)
        r = sync_make_texts(ctx, pair, true, &whole, within, &lake, err);
    return r < 0 ? r : narrow(ctx, pair, within, &source, &lake, &parts, ret_part, err);
}

static int look_outside(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const sync_texts *source,
                        const sync_texts *lake, const apart *found, size_t i, sync_difference *ret_part, lb_error *err)
{
    const lb_value parts = lb_list("parts", LB_TEXT, &found->names[i], 1);
    *ret_part = (sync_difference){.equal = false};
    return narrow(ctx, pair, counts, source, lake, &parts, ret_part, err);
}

static int look_inside(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const sync_parts *cut,
                       const apart *found, size_t i, sync_difference *ret_part, lb_error *err)
{
    int64_t from = cut->low + strtoll(found->names[i].v.text, NULL, 10), to = from + cut->width;
    sync_counts within = *counts;
    within.keys = (sync_span){.has_from = true,
                              .from = from,
                              .has_to = true,
                              .to = counts->keys.has_to && counts->keys.to < to ? counts->keys.to : to};
    return look_into(ctx, pair, &within, found->rows[i], ret_part, err);
}

/* As many as may be: one that is too large does not keep us from those behind it. */
static int look_into_each(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const sync_texts *source,
                          const sync_texts *lake, const sync_parts *cut, const apart *found, int64_t *rows,
                          sync_difference *d, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < found->count; i++) {
        sync_difference part;
        if (*rows + found->rows[i] > ROWS_MOST) {
            leave(d, found, i, 1);
            continue;
        }
        *rows += found->rows[i];
        r = is_outside(found->names[i].v.text) ? look_outside(ctx, pair, counts, source, lake, found, i, &part, err)
                                               : look_inside(ctx, pair, counts, cut, found, i, &part, err);
        if (r >= 0)
            add_difference(d, &part);
        if (r >= 0 && part.cut && !part.left.all)
            leave(d, found, i, 1);
    }
    return r;
}

static int look_into_all(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const sync_texts *source,
                         const sync_texts *lake, const apart *found, int64_t *rows, sync_difference *d, lb_error *err)
{
    const lb_value parts = lb_list("parts", LB_TEXT, found->names, found->count);
    sync_difference some = {.equal = false};
    *rows += rows_of(found);
    int r = narrow(ctx, pair, counts, source, lake, &parts, &some, err);
    if (r >= 0)
        add_difference(d, &some);
    if (r >= 0 && some.cut)
        leave(d, found, 0, found->count);
    return r;
}

static bool drifts(const sync_difference *d)
{
    return d->missing.all || d->extra.all || d->different.all;
}

/* How many parts from there on. */
static size_t count_once(const apart *found, size_t at, bool is_hashed)
{
    size_t most = is_hashed ? HASHED_ONCE : PARTS_ONCE, count = 0;
    int64_t rows = 0;
    while (count < most && at + count < found->count) {
        rows += found->rows[at + count];
        if (is_hashed && count && rows >= ROWS_MOST)
            break;
        count++;
    }
    return count;
}

/* Some at a time: where all that differs in them turns out to be on its way, that does not tell of the others. Without
 * a time, or a key, that turns out later. */
static int look(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, const sync_texts *source,
                const sync_texts *lake, const sync_parts *cut, const apart *found, sync_difference *d, lb_error *err)
{
    bool is_timed = sync_is_timed(pair, counts);
    int64_t rows = 0;
    size_t at = 0;
    int r = found->count ? make_lists(ctx, SYNC_KEYS_MOST, d, err) : 0;
    while (r >= 0 && at < found->count && rows < ROWS_MOST && !(is_timed && drifts(d))) {
        size_t some = count_once(found, at, !cut->width);
        const apart now = {found->names + at, found->rows + at, found->digests + at, some};
        bool one_by_one = cut->width && rows_of(&now) > ROWS_FEW;
        r = one_by_one ? look_into_each(ctx, pair, counts, source, lake, cut, &now, &rows, d, err)
                       : look_into_all(ctx, pair, counts, source, lake, &now, &rows, d, err);
        at += some;
    }
    if (r >= 0)
        leave(d, found, at, found->count - at);
    return r;
}

int sync_compare(lb_ctx *ctx, const sync_pair *pair, const sync_counts *counts, sync_difference *ret_difference,
                 lb_error *err)
{
    sync_texts source, lake;
    sync_list a, b;
    apart found;
    sync_parts cut;
    int64_t rows;
    sync_difference d = {.equal = false};
    int r = choose_parts(ctx, pair, counts, &cut, err);
    if (r >= 0)
        r = sync_make_texts(ctx, pair, false, &cut, counts, &source, err);
    if (r >= 0)
        r = sync_make_texts(ctx, pair, true, &cut, counts, &lake, err);
    if (r >= 0)
        r = digest_lake(ctx, pair, &lake, &b, err);
    if (r >= 0)
        r = digest_source(ctx, pair, &source, &a, err);
    if (r < 0)
        return r;
    d.target_digest = total(ctx, &b, &rows);
    d.source_digest = total(ctx, &a, &d.compared);
    d.parts = (int64_t)a.count;
    if (!d.source_digest || !d.target_digest)
        return lb_out_of_memory(err);
    r = find_unequal(ctx, &a, &b, &found, err);
    if (r < 0)
        return r;
    d.parts_differ = (int64_t)found.count;
    r = look(ctx, pair, counts, &source, &lake, &cut, &found, &d, err);
    d.equal = !d.cut && !drifts(&d);
    *ret_difference = d;
    return r;
}
