/* What keeps a table small and quick: one after the other, each its own commit. */
#include "delta_local.h"

#include <delta_local_sql.h>

#define OPEN_SHARE 16 /* of the size of a file that is whole: from there on it waits for the end of its day */

/* Files of one partition that are rewritten into one. */
typedef struct group {
    const char *partition; /* NULL: the table has none */
    const char **paths;
    size_t count, capacity;
    int64_t bytes, rows;
} group;

/* ---- picking files ---- */

static int by_partition(const void *a, const void *b)
{
    const delta_data_file *x = a, *y = b;
    int order = strcmp(x->partition ? x->partition : "", y->partition ? y->partition : "");
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

static void group_add(group *g, const delta_data_file *file)
{
    DELTA_PUSH(g->paths, g->count, g->capacity);
    g->paths[g->count++] = file->path;
    g->bytes += file->size;
    g->rows += file->rows > 0 ? file->rows : 0;
}

static char **full_paths(const delta_table *table, const group *g)
{
    char **paths = delta_alloc((g->count + 1) * sizeof *paths);
    for (size_t i = 0; i < g->count; i++)
        paths[i] = delta_printf("%s/%s", table->directory, g->paths[i]);
    return paths;
}

/* Replaces a group by what `sql` makes of it ($1 the files, $2 the new one). A conflict with another writer gives the
 * group up: the next upkeep sees what is left. */
static int rewrite(delta_table *table, const group *g, const char *sql, bool data_change, int64_t deadline,
                   int64_t *ret_rows, lb_error *err)
{
    delta_change change = {.operation = "OPTIMIZE",
                           .data_change = data_change,
                           .sequence = -1,
                           .removes = g->paths,
                           .remove_count = g->count};
    delta_engine *engine = delta_get_engine(table->owner, err);
    if (!engine || delta_engine_threads(engine, table->owner->settings.threads, err) < 0)
        return err->code;
    char **paths = full_paths(table, g);
    duckdb_value values[] = {delta_value_texts((const char *const *)paths, g->count)};
    for (size_t i = 0; i < g->count; i++)
        free(paths[i]);
    free(paths);
    int r = delta_write_data(table, sql, values, 1, g->partition, deadline, &change.adds, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < change.adds.count; i++)
        change.rows += change.adds.items[i].rows;
    *ret_rows = change.rows;
    r = delta_commit_change(table, &change, err);
    delta_settle_data(table, &change, r);
    return r;
}

/* The snapshot changes with each commit, so groups hold copies of what they name. */
static void group_own(group *g)
{
    g->partition = delta_strdup(g->partition);
    for (size_t i = 0; i < g->count; i++)
        g->paths[i] = delta_strdup(g->paths[i]);
}

static void group_done(group *g)
{
    for (size_t i = 0; i < g->count; i++)
        free((void *)(uintptr_t)g->paths[i]); /* owned since group_own */
    free((void *)(uintptr_t)g->partition);
    free(g->paths);
}

/* ---- compaction ---- */

typedef struct groups {
    group *items;
    size_t count, capacity;
} groups;

static void groups_done(groups *all)
{
    for (size_t i = 0; i < all->count; i++)
        group_done(&all->items[i]);
    free(all->items);
}

/* A group that is worth it is kept; g starts anew. */
static void close_group(groups *all, group *g, size_t least)
{
    if (g->count >= least) {
        group_own(g);
        DELTA_PUSH(all->items, all->count, all->capacity);
        all->items[all->count++] = *g;
    } else {
        free(g->paths);
    }
    *g = (group){0};
}

/* Small files of each partition, smallest first, until a group is as large as a file should be. While a day goes on, a
 * file that is worth its name already is left alone: put together anew each hour, it would lie on the disk once for
 * each until the vacuum's grace is over. */
static void pick_small(const delta_table *table, int64_t now, groups *all)
{
    const delta_settings *settings = &table->owner->settings;
    const delta_snapshot *s = &table->snapshot;
    int64_t target = settings->compact_mb << 20;
    char today[DELTA_DATE_TEXT];
    delta_date(now, today);
    delta_data_file *files = delta_alloc(s->files.count * sizeof *files);
    if (s->files.count)
        memcpy(files, s->files.items, s->files.count * sizeof *files); /* borrowed texts, to be sorted */
    qsort(files, s->files.count, sizeof *files, by_partition);
    group g = {0};
    size_t least = 2;
    int64_t small = target;
    for (size_t i = 0; i < s->files.count; i++) {
        const char *partition = files[i].partition;
        bool goes_on = !partition || strcmp(partition, today) >= 0;
        bool same = i && strcmp(partition ? partition : "", g.partition ? g.partition : "") == 0;
        if (!same || g.bytes + files[i].size > target) {
            close_group(all, &g, least);
            g.partition = partition;
            least = goes_on ? (size_t)settings->compact_files : 2;
            small = goes_on && partition ? target / OPEN_SHARE : target;
        }
        if (files[i].size < small)
            group_add(&g, &files[i]);
    }
    close_group(all, &g, least);
    free(files);
}

int delta_compact(delta_table *table, const lb_delta_care *care, lb_delta_upkeep *upkeep, lb_error *err)
{
    groups all = {0};
    int r = 0;
    pick_small(table, care->now, &all);
    for (size_t i = 0; r == 0 && i < all.count; i++) {
        int64_t rows;
        r = rewrite(table, &all.items[i], delta_local_sql_compact, false, care->deadline, &rows, err);
        if (r == 0) {
            upkeep->compacted += (int64_t)all.items[i].count;
            upkeep->compacted_into++;
        }
    }
    groups_done(&all);
    return r;
}

/* ---- roll-ups ---- */

/* Whole partitions that end before the day, and in which something is not rolled up yet: the largest granularity is
 * then "snapshot", or not known. */
static void pick_old(const delta_table *table, const char *before, groups *all)
{
    const delta_snapshot *s = &table->snapshot;
    delta_data_file *files = delta_alloc(s->files.count * sizeof *files);
    if (s->files.count)
        memcpy(files, s->files.items, s->files.count * sizeof *files); /* borrowed texts, to be sorted */
    qsort(files, s->files.count, sizeof *files, by_partition);
    group g = {0};
    bool due = false;
    for (size_t i = 0; i < s->files.count; i++) {
        const char *partition = files[i].partition;
        if (!partition || strcmp(partition, before) >= 0)
            continue;
        if (!g.partition || strcmp(partition, g.partition) != 0) {
            close_group(all, &g, due ? 1 : SIZE_MAX);
            g.partition = partition;
            due = false;
        }
        group_add(&g, &files[i]);
        const char *stats = files[i].stats ? files[i].stats : "";
        const char *maxima = strstr(stats, "\"maxValues\"");
        due = due || !maxima || !strstr(maxima, "\"granularity\":\"hour\"");
    }
    close_group(all, &g, due ? 1 : SIZE_MAX);
    free(files);
}

static int roll_up(delta_table *table, const char *sql, const lb_delta_care *care, lb_delta_upkeep *upkeep,
                   lb_error *err)
{
    char before[DELTA_DATE_TEXT];
    groups all = {0};
    int r = 0;
    delta_date(care->now - table->owner->settings.rollup_days * DELTA_DAY, before);
    pick_old(table, before, &all);
    for (size_t i = 0; r == 0 && i < all.count; i++) {
        int64_t rows = 0;
        r = rewrite(table, &all.items[i], sql, true, care->deadline, &rows, err);
        if (r == 0) {
            upkeep->rolled_up += all.items[i].rows;
            upkeep->rolled_up_into += rows;
        }
    }
    groups_done(&all);
    return r;
}

int delta_roll_up(delta_table *table, const lb_delta_care *care, lb_delta_upkeep *upkeep, lb_error *err)
{
    const char *rolled = delta_rolled(table->def.name);
    DELTA_TEXT empty = {0};
    if (!rolled || !table->owner->settings.rollup_days)
        return 0;
    delta_put_empty(&empty, &table->def, false);
    const delta_slot slots[] = {{"rolled", rolled}, {"empty", empty.data}};
    DELTA_AUTO_FREE char *sql = delta_render(delta_local_sql_roll_up, slots, DELTA_COUNT(slots));
    return roll_up(table, sql, care, upkeep, err);
}

/* ---- retention ---- */

int delta_expire(delta_table *table, const lb_delta_care *care, lb_delta_upkeep *upkeep, lb_error *err)
{
    const delta_snapshot *s = &table->snapshot;
    char before[DELTA_DATE_TEXT];
    group g = {0};
    if (!table->def.retention_days || !table->def.partition_time)
        return 0;
    delta_date(care->now - table->def.retention_days * DELTA_DAY, before);
    for (size_t i = 0; i < s->files.count; i++)
        if (s->files.items[i].partition && strcmp(s->files.items[i].partition, before) < 0)
            group_add(&g, &s->files.items[i]);
    if (!g.count) {
        free(g.paths);
        return 0;
    }
    group_own(&g);
    delta_change change = {
        .operation = "DELETE", .data_change = true, .sequence = -1, .removes = g.paths, .remove_count = g.count};
    int r = delta_commit_change(table, &change, err);
    if (r == 0) {
        upkeep->expired_files += (int64_t)g.count;
        upkeep->expired_rows += g.rows;
    }
    group_done(&g);
    return r;
}
