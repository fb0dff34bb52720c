/* A machine under load makes everything slower, and a drop is not to be blamed for it: what lost an index reads more
 * blocks as well, since it now reads what the index had left out. */
#include "index_watch.h"

#include "parsed.h"

#include <strings.h>

#define DAY         INT64_C(86400000000)
#define HOUR        INT64_C(3600000000)
#define BEFORE_DAYS 14
#define LEAST_MS    0.1 /* a call, which is lost in what measuring is off by */
#define DEPTH       400

/* ---- whose statement it is ---- */

static bool is_within(const index_table *part, const index_table *whole)
{
    while (part && part != whole)
        part = part->parent;
    return part != NULL;
}

/* Without a schema it depends on who says it: then only a name that there is once is known. */
static const index_table *find_table(const index_set *set, const char *schema, const char *name)
{
    const index_table *found = NULL;
    for (size_t i = 0; i < set->table_count; i++) {
        const index_table *t = &set->tables[i];
        if (strcmp(t->r.name, name) != 0 || (*schema && strcmp(t->r.schema, schema) != 0))
            continue;
        if (found)
            return NULL;
        found = t;
    }
    return found;
}

static bool names(const index_set *set, parsed *at, const index_table *table, int depth)
{
    if (depth == 0)
        return false;
    if (json_object_is_type(at, json_type_array)) {
        for (size_t i = 0; i < parsed_length(at); i++)
            if (names(set, parsed_item(at, i), table, depth - 1))
                return true;
    } else if (json_object_is_type(at, json_type_object)) {
        const char *name = parsed_text(at, "relname");
        const index_table *t = *name ? find_table(set, parsed_text(at, "schemaname"), name) : NULL;
        if (t && (is_within(t, table) || is_within(table, t)))
            return true;
        json_object_object_foreach(at, key, value)
        {
            (void)key;
            if (names(set, value, table, depth - 1))
                return true;
        }
    }
    return false;
}

bool index_speaks_of(const index_set *set, const char *text, const index_table *table)
{
    parsed *tree = parsed_sql(text);
    bool does = tree && names(set, tree, table, DEPTH);
    parsed_free(tree);
    return does;
}

/* ---- what it took ---- */

static double per_call(bool is_unknown, double sum, int64_t calls)
{
    return is_unknown || calls <= 0 ? -1 : sum / (double)calls;
}

void index_add_watched(index_harm *h, const index_watched_row *row, const index_keeping *k)
{
    if ((double)row->calls_since < k->min_calls || row->calls_since <= 0) {
        h->awaited++;
        return;
    }
    double before = row->ms_before / (double)row->calls_before, since = row->ms_since / (double)row->calls_since;
    double blocks_before = per_call(row->blocks_before_is_null, row->blocks_before, row->calls_before),
           blocks_since = per_call(row->blocks_since_is_null, row->blocks_since, row->calls_since);
    bool reads_more = blocks_before < 0 || blocks_since < 0 || blocks_since >= k->slowdown * blocks_before;
    h->compared++;
    if (since < k->slowdown * before || since - before < LEAST_MS || !reads_more)
        return;
    h->slower++;
    if (h->slower > 1 &&
        (since - before) * (double)row->calls_since <= (h->mean_since - h->mean_before) * h->calls_since)
        return;
    h->worst = row->query_id;
    h->calls_since = (double)row->calls_since;
    h->mean_before = before;
    h->mean_since = since;
    h->blocks_before = blocks_before;
    h->blocks_since = blocks_since;
}

int index_watch(lb_ctx *ctx, const index_keeping *k, const index_past *past, index_harm *ret_harm, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const index_table *table = index_table_of_past(k->set, past);
    const index_watched_args args = {.project = target->project,
                                     .branch = target->branch,
                                     .database = k->set->window.r.database,
                                     .counted_from = past->r.created_at - BEFORE_DAYS * DAY,
                                     .until = past->r.created_at,
                                     .until_hour = past->r.created_at - HOUR,
                                     .since = past->r.updated_at,
                                     .min_calls = k->min_calls > 1 ? (int64_t)k->min_calls : 1};
    index_watched_row row;
    lb_rows *rows = NULL;
    *ret_harm = (index_harm){0};
    if (!table)
        return 0;
    int r = index_watched(ctx, &args, &rows, err);
    while (r >= 0 && index_watched_next(ctx, rows, &row))
        if (index_speaks_of(k->set, row.query, table))
            index_add_watched(ret_harm, &row, k);
    return r;
}
