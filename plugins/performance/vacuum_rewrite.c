#include "vacuum_rewrite.h"
#include "vacuum_due.h"

#include <sys/statvfs.h>

static int fail_kind(const vacuum_rewrite_row *facts, const char *name, lb_error *err)
{
    switch (facts->kind[0]) {
    case 'p':
        return lb_fail(err, LB_ERR_INVALID, "name one of its partitions", "%s is partitioned and holds no rows itself",
                       name);
    case 'f':
        return lb_fail(err, LB_ERR_UNSUPPORTED, "do it on the server that holds it",
                       "%s is a foreign table: its rows are elsewhere", name);
    default:
        return lb_fail(err, LB_ERR_INVALID, "name a table or a materialized view", "%s is neither", name);
    }
}

static int read_facts(lb_ctx *ctx, const char *schema, const char *table, vacuum_rewrite_row *ret_facts, lb_error *err)
{
    const vacuum_rewrite_args wanted = {.schema = schema, .table = table};
    const char *name = vacuum_name(ctx, schema, table);
    lb_rows *rows = NULL;
    if (!name)
        return lb_out_of_memory(err);
    int r = vacuum_rewrite(ctx, &wanted, &rows, err);
    if (r < 0)
        return r;
    if (!vacuum_rewrite_next(ctx, rows, ret_facts))
        return lb_fail(err, LB_ERR_NOT_FOUND, "names are as the catalogue has them: capitals count",
                       "there is no table %s", name);
    if (ret_facts->kind[0] != 'r' && ret_facts->kind[0] != 'm')
        return fail_kind(ret_facts, name, err);
    if (ret_facts->persistence[0] == 't')
        return lb_fail(err, LB_ERR_UNSUPPORTED, NULL,
                       "%s is a temporary table: only the session that made it can vacuum it", name);
    return 0;
}

static int find_table(const vacuum_scan *scan, vacuum_rewrite_plan *p, const char *name, lb_error *err)
{
    for (size_t i = 0; i < scan->count; i++) {
        if (scan->relations[i].row.relation != p->facts.relation)
            continue;
        p->table = scan->relations[i];
        return 0;
    }
    return lb_fail(err, LB_ERR_INVALID, "those are not ours to rewrite", "%s belongs to the system or an extension",
                   name);
}

/* The file system is ours to ask only where the server runs on this machine and keeps the table in its own folder. */
static void look_at_disk(vacuum_rewrite_plan *p)
{
    struct statvfs disk;
    p->free_bytes = -1;
    p->disk = "how much room is free cannot be known from here: the copy needs needs_bytes beside the original";
    if (!p->facts.is_local || !p->facts.data_directory || !p->size.in_default_tablespace ||
        statvfs(p->facts.data_directory, &disk) < 0)
        return;
    p->free_bytes = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    p->disk = p->free_bytes > p->needs_bytes ? "there is room for the copy" : "there is no room for the copy";
}

static void weigh(vacuum_rewrite_plan *p, double bytes_per_s)
{
    double heap = (double)p->size.heap_bytes;
    p->gain_known = !p->facts.expected_bytes_is_null && p->facts.rows_known >= 0;
    if (p->gain_known && heap > p->facts.expected_bytes) {
        p->gain_bytes = heap - p->facts.expected_bytes;
        p->gain_ratio = p->gain_bytes / heap;
    }
    p->needs_bytes = p->size.total_bytes - (int64_t)p->gain_bytes;
    p->lock_s = (double)p->size.total_bytes / bytes_per_s + 0.1 * (double)p->facts.indexes;
}

/* The question for the size would wait as long as the session does for any lock. */
static int measure(lb_ctx *ctx, vacuum_rewrite_plan *p, int64_t lock_timeout_ms, lb_error *err)
{
    int r = vacuum_await_look(ctx, &p->table, lock_timeout_ms, &p->hidden_by, err);
    if (r < 0 || p->hidden_by)
        return r;
    r = vacuum_measure(ctx, &p->table, &p->size, err);
    if (r != LB_ERR_CONFLICT)
        return r;
    p->hidden_by = "somebody has just locked it";
    return 0;
}

int vacuum_plan_rewrite(lb_ctx *ctx, const vacuum_scan *scan, const char *schema, const char *table, double bytes_per_s,
                        int64_t lock_timeout_ms, vacuum_rewrite_plan *ret_plan, lb_error *err)
{
    *ret_plan = (vacuum_rewrite_plan){.free_bytes = -1};
    int r = read_facts(ctx, schema, table, &ret_plan->facts, err);
    if (r >= 0)
        r = find_table(scan, ret_plan, table, err);
    if (r >= 0)
        r = vacuum_find_lock(ctx, &ret_plan->table, true, &ret_plan->locked_by, err);
    if (r >= 0)
        r = measure(ctx, ret_plan, lock_timeout_ms, err);
    if (r < 0 || ret_plan->hidden_by)
        return r;
    weigh(ret_plan, bytes_per_s);
    look_at_disk(ret_plan);
    return 0;
}

void vacuum_weigh_holder(const vacuum_scan *scan, double holder_seconds, vacuum_rewrite_plan *p)
{
    p->holder = vacuum_holder(scan, holder_seconds, false);
    p->kept_ratio = vacuum_is_futile(&p->table, p->holder) ? p->table.need.dead_ratio : 0;
}

const lb_value *vacuum_rewrite_evidence(lb_ctx *ctx, const vacuum_scan *scan, const vacuum_rewrite_plan *p,
                                        int64_t lock_timeout_ms)
{
    static const lb_value alternatives[] = {
        {.type = LB_TEXT, .v.text = "a plain VACUUM makes the room reusable without a lock, and rows fill it again"},
        {.type = LB_TEXT, .v.text = "REINDEX CONCURRENTLY, where the indexes hold most of the waste"},
        {.type = LB_TEXT, .v.text = "pg_repack or pg_squeeze, where the server has them: Lakebase does not"},
        {.type = LB_TEXT, .v.text = "partitions that are dropped when they are old, where rows go by their age"},
    };
    const vacuum_relations_row *row = &p->table.row;
    const lb_value values[] = {
        lb_text("database", scan->server.database),
        lb_i64("heap_bytes", p->size.heap_bytes),
        lb_i64("index_bytes", p->size.index_bytes),
        lb_i64("total_bytes", p->size.total_bytes),
        p->gain_known ? lb_f64("expected_heap_bytes", p->facts.expected_bytes) : lb_null("expected_heap_bytes"),
        p->gain_known ? lb_f64("gain_ratio", p->gain_ratio) : lb_null("gain_ratio"),
        lb_i64("dead_rows", row->dead),
        lb_f64("dead_ratio", p->table.need.dead_ratio),
        vacuum_holder_value(ctx, "held_back_by", p->holder),
        lb_text("lock", "ACCESS EXCLUSIVE: nobody reads or writes the table meanwhile"),
        lb_f64("expected_lock_seconds", p->lock_s),
        lb_i64("longest_wait_for_the_lock_ms", lock_timeout_ms),
        lb_i64("needs_bytes", p->needs_bytes),
        p->free_bytes < 0 ? lb_null("free_bytes") : lb_i64("free_bytes", p->free_bytes),
        lb_text("disk", p->disk),
        lb_i64("invalid_indexes", p->facts.invalid_indexes),
        lb_i64("publications", (int64_t)p->facts.publications.count),
        lb_list("alternatives", LB_TEXT, alternatives, sizeof alternatives / sizeof alternatives[0]),
        {.type = LB_END},
    };
    lb_value *copy = lb_alloc(ctx, sizeof values);
    return copy ? memcpy(copy, values, sizeof values) : NULL;
}
