/* Tables whose indexes are so many, or so large, that each of their many writes pays for it. Which of them has to go,
 * people know: those are named that gave the least, and no drop is proposed. */
#include "index_rules.h"
#include "index_writes.h"

#define TIMES_TABLE  2   /* bytes of indexes */
#define RARELY_TAKEN 100 /* reads of the table for each scan of an index: it gave little */
#define NAMED        5   /* in the reason: all are in the evidence */

/* ---- what a table carries ---- */

/* A partitioned table is one with its partitions. */
static index_table *whole_of(index_table *t)
{
    while (t->parent && t->r.is_partition)
        t = t->parent;
    return t;
}

/* Bytes of tables with their partitions; -1 where one of them is locked. */
static int64_t *sizes_of(lb_ctx *ctx, const index_set *set)
{
    int64_t *bytes = lb_alloc(ctx, (set->table_count + 1) * sizeof *bytes);
    for (size_t i = 0; bytes && i < set->table_count; i++) {
        int64_t *whole = &bytes[whole_of(&set->tables[i]) - set->tables];
        *whole = *whole < 0 || set->tables[i].r.bytes_is_null ? -1 : *whole + set->tables[i].r.bytes;
    }
    return bytes;
}

/* What others let go is gone already here, and what is invalid is theirs as well. */
static bool counts(const index_work *work, const index_info *x)
{
    return index_is_whole(x) && !index_goes(work, x);
}

static index_burden burden_of(const index_work *work, const index_table *t, int64_t table_bytes)
{
    index_burden burden = {.table_bytes = table_bytes};
    for (size_t i = 0; i < t->index_count; i++)
        if (counts(work, t->indexes[i])) {
            burden.count++;
            burden.index_bytes += t->indexes[i]->tree_bytes;
        }
    return burden;
}

bool index_outweigh(const index_burden *burden, const index_many_limits *limits)
{
    return burden->count > 1 && burden->table_bytes > 0 && burden->table_bytes >= limits->min_table_bytes &&
           burden->index_bytes > TIMES_TABLE * burden->table_bytes;
}

bool index_are_many(const index_burden *burden, const index_many_limits *limits)
{
    return burden->count > limits->max_indexes || index_outweigh(burden, limits);
}

/* ---- telling ---- */

/* Those that no rule needs and hardly any read took. Their names; NULL without memory. */
static const char **name_candidates(const index_work *work, const index_table *t, size_t *ret_count)
{
    const char **names = lb_alloc(work->ctx, (t->index_count + 1) * sizeof *names);
    int64_t reads = index_reads(work->set, t);
    for (size_t i = 0; names && i < t->index_count; i++) {
        const index_info *x = t->indexes[i];
        if (counts(work, x) && x->tree_scans * RARELY_TAKEN <= reads && !index_role(work->set, x))
            names[(*ret_count)++] = x->r.name;
    }
    return names;
}

/* "; hardly read: a, b and 3 more"; NULL without memory. */
static const char *candidates_text(lb_ctx *ctx, const char *const *names, size_t count)
{
    const char *text = count ? "; hardly read are " : "; each of them is read, or keeps a rule";
    for (size_t i = 0; text && i < count && i < NAMED; i++)
        text = lb_printf(ctx, "%s%s%s", text, i ? ", " : "", names[i]);
    return text && count > NAMED ? lb_printf(ctx, "%s and %zu more", text, count - NAMED) : text;
}

static int tell_many(index_work *work, const index_table *t, const index_burden *burden, const index_write_rate *writes,
                     const index_many_limits *limits, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    size_t count = 0;
    const char **names = name_candidates(work, t, &count);
    const char *text = names ? candidates_text(ctx, names, count) : NULL;
    const lb_value *candidates = names ? index_texts(ctx, "candidates", names, count) : NULL;
    double per_hour = writes->per_day / 24;
    const char *least = writes->is_least ? "at least " : "";
    if (!text || !candidates)
        return lb_out_of_memory(err);
    return index_tell(
        work,
        &(index_finding){
            .kind = "many_indexes",
            .table = t,
            .reason = burden->table_bytes > 0
                          ? lb_printf(ctx, "%lld indexes, %.1f times as large as the table, take %s%.0f rows an hour%s",
                                      (long long)burden->count,
                                      (double)burden->index_bytes / (double)burden->table_bytes, least, per_hour, text)
                          : lb_printf(ctx, "%lld indexes take %s%.0f rows an hour%s", (long long)burden->count, least,
                                      per_hour, text),
            .evidence =
                LB_ARGS(lb_i64("indexes", burden->count), lb_i64("index_bytes", burden->index_bytes),
                        burden->table_bytes >= 0 ? lb_i64("table_bytes", burden->table_bytes) : lb_null("table_bytes"),
                        lb_f64("writes_per_hour", per_hour), lb_i64("table_reads", index_reads(work->set, t)),
                        *candidates, INDEX_WRITES_EVIDENCE(*writes)),
            .terms =
                LB_TERMS({"more_than_max_indexes", burden->count > limits->max_indexes ? 0.4 : 0},
                         {"twice_as_large_as_the_table", index_outweigh(burden, limits) ? 0.3 : 0},
                         {"some_are_hardly_read", count ? 0.2 : 0}, {"a_week_of_writes", writes->days >= 7 ? 0.1 : 0}),
            .impact = LB_ARGS(lb_i64("bytes", burden->index_bytes),
                              lb_f64("index_writes_per_day", writes->per_day * (double)burden->count))},
        err);
}

static int look_at_table(index_work *work, const index_table *t, int64_t bytes, const index_many_limits *limits,
                         lb_error *err)
{
    index_burden burden = burden_of(work, t, bytes);
    if (t->r.is_of_extension || !index_are_many(&burden, limits))
        return 0;
    index_write_rate writes = index_writes_per_day(work, t);
    if (!writes.is_history) {
        index_pass(
            work,
            "{its|their} indexes are many, but what is written to {it|them} is not known: that takes a day of history");
        return 0;
    }
    return writes.per_day / 24 > limits->min_writes ? tell_many(work, t, &burden, &writes, limits, err) : 0;
}

int index_find_many(index_work *work, const index_many_limits *limits, lb_error *err)
{
    const index_set *set = work->set;
    if (set->window.r.in_recovery)
        return lb_skipped(work->ctx, "many indexes", "this is a standby: it counts no writes", err);
    const int64_t *bytes = sizes_of(work->ctx, set);
    int r = bytes ? 0 : lb_out_of_memory(err);
    for (size_t i = 0; bytes && r >= 0 && i < set->table_count; i++)
        if (whole_of(&set->tables[i]) == &set->tables[i])
            r = look_at_table(work, &set->tables[i], bytes[i], limits, err);
    return r < 0 ? r : index_tell_passed(work, "table", "tables", err);
}
