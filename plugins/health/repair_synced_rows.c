/* repair_synced_rows: makes the rows of a copy that differ what they are in its table, once a person has agreed to the
 * statements. What the platform writes is left to the platform: its next write would undo it. */
#include "sync_merge.h"
#include "sync_tell.h"

#include <stdlib.h>

#define EXAMPLES 10
#define REFRESH  "load the copy anew (a full refresh of the sync)"

/* ---- what is not for this tool ---- */

static int check_pair(const sync_pair *pair, lb_error *err)
{
    const sync_wish *w = pair->wish;
    if (!pair->has_versions)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "repair what the view shows, or write to that database itself",
                       "%s is a view, or a table of a database: there is no Delta version to plan on", w->target);
    if (!pair->key_count)
        return lb_fail(err, LB_ERR_INVALID, "name the columns that tell rows apart in key_columns",
                       "%s has no primary key that its copy has, too", w->source);
    if (pair->left_out)
        return lb_fail(err, LB_ERR_UNSUPPORTED, REFRESH, "the copy cannot be given all columns of %s: %s", w->source,
                       pair->left_out);
    return 0;
}

static int check_platform(lb_ctx *ctx, const sync_wish *wish, lb_error *err)
{
    sync_platform platform;
    sync_pipeline found[SYNC_PIPELINES_MOST];
    size_t count = 0;
    bool is_sure = false;
    int r = sync_open_platform(ctx, &platform, err);
    if (r >= 0)
        r = sync_find_pipelines(ctx, &platform, wish, found, &count, &is_sure, err);
    if (r >= 0 && count)
        return lb_fail(err, LB_ERR_DENIED,
                       found[0].is_feed ? "restart the change feed, or have it load the table anew"
                                        : "start the pipeline of the synced table, or have it refresh all of it",
                       "%s and %s are kept alike by the platform (%s, %s): its next write would undo a repair",
                       wish->source, wish->target, found[0].name ? found[0].name : "a pipeline", found[0].state);
    return r >= 0 && !is_sure && !platform.why_none
               ? lb_skipped(ctx, wish->target, "not all of the platform's own pipelines can be seen from here", err)
               : r;
}

/* ---- the plan ---- */

static size_t add_keys(const sync_rows *rows, const char **keys, size_t count)
{
    for (size_t i = 0; i < rows->named; i++)
        keys[count++] = rows->items[i].key;
    return count;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t drop_repeated(const char **keys, size_t count)
{
    size_t kept = 0;
    qsort(keys, count, sizeof(char *), by_text);
    for (size_t i = 0; i < count; i++)
        if (!kept || strcmp(keys[kept - 1], keys[i]) != 0)
            keys[kept++] = keys[i];
    return kept;
}

/* What only the copy has may have been deleted at the source and be on its way: taking it out is the same. */
static int find_keys(lb_ctx *ctx, const sync_pair *pair, sync_counts *counts, const char ***ret_keys, size_t *ret_count,
                     lb_error *err)
{
    const sync_args *args = ctx->args;
    sync_difference d;
    int r = sync_count(ctx, pair, NULL, counts, err);
    if (r >= 0)
        r = sync_compare(ctx, pair, counts, &d, err);
    if (r < 0)
        return r;
    const int64_t all = d.missing.all + d.different.all + d.extra.all + d.gone.all;
    const size_t named = d.missing.named + d.different.named + d.extra.named + d.gone.named;
    if (d.cut || d.unseen || all > args->max_rows || all > (int64_t)named)
        return lb_fail(err, LB_ERR_LIMIT, REFRESH, "%s and %s differ in %s%lld rows, and at most %lld are repaired",
                       pair->wish->source, pair->wish->target, d.cut || d.unseen ? "more than " : "", (long long)all,
                       (long long)args->max_rows);
    *ret_keys = lb_alloc(ctx, (named + 1) * sizeof(char *));
    if (!*ret_keys)
        return lb_out_of_memory(err);
    *ret_count = add_keys(&d.missing, *ret_keys, 0);
    *ret_count = add_keys(&d.different, *ret_keys, *ret_count);
    *ret_count = add_keys(&d.extra, *ret_keys, *ret_count);
    *ret_count = drop_repeated(*ret_keys, add_keys(&d.gone, *ret_keys, *ret_count));
    return 0;
}

typedef enum kind { MISSING, DIFFERENT, EXTRA, KINDS } kind;

static kind kind_of(const sync_mend *m)
{
    return !m->copy ? MISSING : m->source ? DIFFERENT : EXTRA;
}

typedef struct tally {
    size_t all[KINDS];
    lb_value examples[KINDS][EXAMPLES];
} tally;

static void count_kinds(const sync_mends *mends, tally *t)
{
    *t = (tally){.all = {0}};
    for (size_t i = 0; i < mends->count; i++) {
        kind k = kind_of(&mends->items[i]);
        if (t->all[k] < EXAMPLES)
            t->examples[k][t->all[k]] = lb_text(NULL, mends->items[i].key);
        t->all[k]++;
    }
}

static lb_value examples_of(const tally *t, kind k, const char *name)
{
    return lb_list(name, LB_TEXT, t->examples[k], t->all[k] < EXAMPLES ? t->all[k] : EXAMPLES);
}

/* Rows that are too many stay where nobody has said that they may go. */
static void leave_extra(sync_mends *mends)
{
    size_t kept = 0;
    for (size_t i = 0; i < mends->count; i++)
        if (mends->items[i].source)
            mends->items[kept++] = mends->items[i];
    mends->count = kept;
}

typedef struct repair {
    const sync_pair *pair;
    sync_counts counts;
    tally found, planned; /* that differ, and that this group is about */
    sync_mends mends;
    size_t rest; /* for another run: one group holds no more */
} repair;

static const lb_value *facts_of(lb_ctx *ctx, const repair *p)
{
    const sync_args *args = ctx->args;
    const lb_value all[] = {
        lb_text("source", p->pair->wish->source),
        lb_text("copy", p->pair->wish->target),
        lb_i64("copy_version", p->pair->copy->version),
        lb_i64("missing", (int64_t)p->planned.all[MISSING]),
        lb_i64("different", (int64_t)p->planned.all[DIFFERENT]),
        lb_i64("extra", (int64_t)p->planned.all[EXTRA]),
        lb_bool("delete_extra", args->delete_extra),
        lb_i64("extra_left", args->delete_extra ? 0 : (int64_t)p->found.all[EXTRA]),
        lb_i64("rows_for_another_run", (int64_t)p->rest),
        examples_of(&p->planned, MISSING, "missing_keys"),
        examples_of(&p->planned, DIFFERENT, "different_keys"),
        examples_of(&p->planned, EXTRA, "extra_keys"),
        lb_text("columns_that_the_copy_lacks", p->pair->missing),
        {.type = LB_END},
    };
    lb_value *copy = lb_alloc(ctx, sizeof all);
    return copy ? memcpy(copy, all, sizeof all) : NULL;
}

/* ---- the change ---- */

static const char *reason_of(lb_ctx *ctx, const repair *p)
{
    return lb_printf(ctx,
                     "%zu rows are missing in %s, %zu differ and %zu are too many; planned on its Delta version %lld "
                     "and on %s as it was at %s in its WAL",
                     p->planned.all[MISSING], p->pair->wish->target, p->planned.all[DIFFERENT], p->planned.all[EXTRA],
                     (long long)p->pair->copy->version, p->pair->wish->source,
                     p->counts.position ? p->counts.position : "an unknown place");
}

/* Nothing in it differs from run to run as long as the copy is the same. */
static const lb_value *row_of(lb_ctx *ctx, const repair *p, bool is_now)
{
    const sync_args *args = ctx->args;
    const sync_wish *w = p->pair->wish;
    const lb_value *facts = facts_of(ctx, p);
    bool differs = p->rest || (!args->delete_extra && p->found.all[EXTRA]);
    const lb_value all[] = {
        lb_text("validation_id",
                lb_printf(ctx, "repair/%s/%s/%lld", w->source, w->target, (long long)p->pair->copy->version)),
        lb_text("source_table", w->source),
        lb_text("target_table", w->target),
        lb_text("check_type", "repair"),
        lb_object("detail", facts ? facts : LB_NO_ARGS),
        lb_text("status", differs ? "mismatch" : "healthy"),
        is_now ? lb_time("validated_at", lb_now(ctx)) : (lb_value){.type = LB_END},
        {.type = LB_END},
    };
    lb_value *copy = facts ? lb_alloc(ctx, sizeof all) : NULL;
    return copy ? memcpy(copy, all, sizeof all) : NULL;
}

static int apply(lb_ctx *ctx, const repair *p, lb_outcome *ret_outcome, lb_error *err)
{
    const sync_wish *w = p->pair->wish;
    const lb_value *evidence = facts_of(ctx, p), *row = row_of(ctx, p, false);
    lb_group *group = NULL;
    if (!evidence || !row)
        return lb_out_of_memory(err);
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = lb_printf(ctx, "make %zu rows of %s what they are in %s", p->mends.count,
                                                      w->target, w->source),
                                   .reason = reason_of(ctx, p), .evidence = evidence, .asks = true,
                                   .undo = lb_printf(ctx,
                                                     "RESTORE TABLE %s TO VERSION AS OF %lld, where nobody else has "
                                                     "written to it since",
                                                     w->target, (long long)p->pair->copy->version)),
                          &group, err);
    if (r >= 0)
        r = sync_merge(ctx, p->pair, &p->mends, group, err);
    if (r >= 0)
        r = lb_group_record(ctx, group, SYNC_WRITES, row, err);
    return r < 0 ? r : lb_apply(ctx, group, ret_outcome, err);
}

/* Where it was carried out at once, the same rows are compared again: nothing else makes them repaired. */
static int look_again(lb_ctx *ctx, const repair *p, const char **ret_status, lb_error *err)
{
    sync_mends left;
    const char **keys = lb_alloc(ctx, (p->mends.count + 1) * sizeof(char *));
    if (!keys)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < p->mends.count; i++)
        keys[i] = p->mends.items[i].key;
    int r = sync_find_mends(ctx, p->pair, keys, p->mends.count, &left, err);
    *ret_status = r >= 0 && !left.count ? "repaired" : "differs";
    if (r < 0 || left.count)
        return r;
    const lb_value *row = row_of(ctx, p, true);
    return row ? lb_record(ctx, SYNC_WRITES, row, err) : lb_out_of_memory(err);
}

static int tell(lb_ctx *ctx, const repair *p, const char *status, lb_error *err)
{
    const lb_value *facts = facts_of(ctx, p);
    if (!facts)
        return lb_out_of_memory(err);
    return lb_result(ctx,
                     LB_ARGS(lb_text("status", status), lb_text("source_wal_position", p->counts.position),
                             lb_time("source_read_from", p->counts.now),
                             lb_time("copy_committed_at", p->pair->copy->committed_at), lb_object("repair", facts)),
                     err);
}

static int carry_out(lb_ctx *ctx, repair *p, lb_error *err)
{
    static const char *const statuses[] = {
        [LB_PLANNED] = "planned", [LB_WAITING] = "waiting", [LB_REFUSED] = "refused"};
    lb_outcome outcome = LB_REFUSED;
    const char *status = "nothing_to_repair";
    size_t most = sync_count_mends(&p->mends);
    p->rest = p->mends.count - most;
    p->mends.count = most;
    count_kinds(&p->mends, &p->planned);
    int r = most ? apply(ctx, p, &outcome, err) : 0;
    if (r >= 0 && most && outcome == LB_APPLIED)
        r = look_again(ctx, p, &status, err);
    else if (most)
        status = statuses[outcome];
    return r < 0 ? r : tell(ctx, p, status, err);
}

static int repair_pair(lb_ctx *ctx, const sync_pair *pair, lb_error *err)
{
    const sync_args *args = ctx->args;
    const char **keys = NULL;
    size_t count = 0;
    repair p = {.pair = pair};
    int r = check_pair(pair, err);
    if (r >= 0)
        r = check_platform(ctx, pair->wish, err);
    if (r >= 0)
        r = find_keys(ctx, pair, &p.counts, &keys, &count, err);
    if (r >= 0)
        r = lb_examined(ctx, "rows", p.counts.source_rows, err);
    if (r >= 0)
        r = sync_find_mends(ctx, pair, keys, count, &p.mends, err);
    if (r < 0)
        return r;
    count_kinds(&p.mends, &p.found);
    if (!args->delete_extra)
        leave_extra(&p.mends);
    return carry_out(ctx, &p, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    sync_wishes wishes;
    sync_pair pair;
    const char *why = NULL;
    int r = sync_find_wishes(ctx, ctx->args, &wishes, err);
    if (r < 0 || !wishes.count)
        return r;
    r = sync_open(ctx, &wishes.items[0], &pair, &why, err);
    if (r >= 0 && why)
        return lb_fail(err, LB_ERR_NOT_FOUND, "name a table of the server and its copy in the lakehouse",
                       "%s and %s: %s", wishes.items[0].source, wishes.items[0].target, why);
    return r < 0 ? r : repair_pair(ctx, &pair, err);
}

LB_TOOL(repair_synced_rows, "makes rows of a copy that differ what they are in its table, once a person has agreed",
        .agent = "health", .risk = LB_RISK_MEDIUM, .needs_approval = true, .timeout_s = 1800,
        LB_TOOL_ARGS(sync_args, sync_repair_params), .writes = LB_NAMES(SYNC_WRITES), .run = run);
