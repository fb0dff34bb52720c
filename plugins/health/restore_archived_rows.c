/* restore_archived_rows: brings rows that were archived back into their table, whole batches of them, each row exactly
 * once and as it left; what cannot come back so stays where it is. */
#include "restore_job.h"

#include <sql/archival/ledger_found.h>
#include <sql/archival/restore_batch.h>
#include <stdio.h>
#include <string.h>

#define HISTORY "data_archival_history"
#define AT_ONCE 500 /* batches of a group: each has a row of history, of which one takes a thousand */
#define NOTE                                                                                                           \
    "they are as old as they were: the next archival of the table takes them again, unless keep or a longer "          \
    "threshold spares them"

#define WORDS(x)   #x
#define TEXT_OF(x) WORDS(x)

struct args {
    const char *table;
    lb_texts batches, key;
    int64_t since, until, max_rows;
};

static const lb_param params[] = {
    LB_PARAM(struct args, table, LB_TEXT, NULL, "orders or public.orders", .required = true),
    LB_PARAM(struct args, batches, LB_LIST_OF(LB_TEXT), NULL,
             "bring these back: a batch, or all of an archival, as lbops_archive.batches of the server names them"),
    LB_PARAM(struct args, since, LB_TIME, NULL,
             "or, of those, batches with a row of this moment or a later one, by the column that told its age"),
    LB_PARAM(struct args, until, LB_TIME, NULL, "and before this one; such a batch comes back whole"),
    LB_PARAM(struct args, key, LB_LIST_OF(LB_TEXT), NULL,
             "or the batch with the row of this key: each of its parts as a text, moments excepted"),
    LB_PARAM(struct args, max_rows, LB_I64, TEXT_OF(RESTORE_ROWS), "more rows are refused: batches come back whole",
             .min = "1", .max = TEXT_OF(RESTORE_ROWS_MOST)),
    LB_PARAMS_END,
};

/* ---- some batches ---- */

typedef struct portion {
    const restore_batch *first, *end;
    int64_t rows, there;
    uint64_t digest;
} portion;

static portion take(const restore_job *job, const restore_batch *first)
{
    portion p = {.first = first, .end = first};
    int64_t weight = 0;
    for (; p.end < job->batches + job->count && p.end - first < AT_ONCE && weight + p.end->weight <= RESTORE_WEIGHT;
         p.end++) {
        weight += p.end->weight;
        p.rows += p.end->r.rows;
        p.there += p.end->there;
        p.digest += (uint64_t)p.end->r.digest;
    }
    return p;
}

static const lb_value *evidence_of(const restore_job *job, const portion *p)
{
    size_t count = (size_t)(p->end - p->first);
    lb_value *names = lb_alloc(job->ctx, (count + 1) * sizeof *names);
    for (size_t i = 0; names && i < count; i++)
        names[i] = lb_text(NULL, p->first[i].r.batch);
    const lb_value values[] = {
        lb_text("table", job->source.label),
        lb_text("archive", restore_lake_label(job->ctx, p->first)),
        lb_list("batches", LB_TEXT, names, names ? count : 0),
        lb_i64("rows", p->rows),
        lb_i64("rows_there", p->there),
        lb_text("digest", lb_printf(job->ctx, "%016llx", (unsigned long long)p->digest)),
        lb_i64("insert_triggers", job->table.insert_triggers),
        {.type = LB_END},
    };
    lb_value *copy = names ? lb_alloc(job->ctx, sizeof values) : NULL;
    return copy ? memcpy(copy, values, sizeof values) : NULL;
}

/* Nothing in it differs from run to run but the moment, which whoever carries it out knows by himself. */
static const lb_value *row_of(const restore_job *job, const restore_batch *b, bool is_now)
{
    const char *label = restore_lake_label(job->ctx, b);
    const char *receipt = lb_printf(job->ctx, "{\"batch\":\"%s\",\"rows\":%lld,\"rows_there\":%lld}", b->r.batch,
                                    (long long)b->r.rows, (long long)b->there);
    const lb_value values[] = {
        lb_text("archival_id", b->r.archival),
        lb_text("source_table", job->source.label),
        lb_text("archive_delta_table", label),
        lb_text("step", "restore"),
        lb_json("receipt", receipt),
        lb_text("status", "success"),
        is_now ? lb_time("archived_at", lb_now(job->ctx)) : (lb_value){.type = LB_END},
        {.type = LB_END},
    };
    lb_value *copy = label && receipt ? lb_alloc(job->ctx, sizeof values) : NULL;
    return copy ? memcpy(copy, values, sizeof values) : NULL;
}

static int add_batch(const restore_job *job, const restore_batch *b, lb_group *group, lb_error *err)
{
    const archival_source *s = &job->source;
    const archival_restore_batch_args args = {.batch = b->r.batch,
                                              .rows = b->r.rows,
                                              .digest = b->r.digest,
                                              .came = b->came,
                                              .row_digest = s->digest,
                                              .schema = s->table->r.schema,
                                              .table = s->table->r.name,
                                              .keys = {s->keys.items, s->keys.count},
                                              .came_keys = {job->keys.items, job->keys.count},
                                              .columns = job->names,
                                              .written = {job->written.items, job->written.count}};
    const lb_value *row = row_of(job, b, false);
    int r = row ? archival_restore_batch(job->ctx, group, &args, err) : lb_out_of_memory(err);
    return r < 0 || !row ? r : lb_group_record(job->ctx, group, HISTORY, row, err);
}

static int apply(const restore_job *job, const portion *p, lb_outcome *ret_outcome, lb_error *err)
{
    const lb_value *evidence = evidence_of(job, p);
    lb_group *group = NULL;
    if (!evidence)
        return lb_out_of_memory(err);
    int r = lb_group_open(
        job->ctx,
        LB_GROUP(.title = lb_printf(job->ctx, "bring %lld archived rows of %s back, %zu batches", (long long)p->rows,
                                    job->source.label, (size_t)(p->end - p->first)),
                 .reason = "they are read from the lakehouse; what is inserted has to come, value for value, to the "
                           "digests that they left with",
                 .evidence = evidence, .undo = "archive_cold_data_to_delta moves them again", .atomic = true),
        &group, err);
    for (const restore_batch *b = p->first; r >= 0 && b < p->end; b++)
        r = add_batch(job, b, group, err);
    if (r >= 0)
        r = lb_apply(job->ctx, group, ret_outcome, err);
    if (r == LB_ERR_LIMIT && strstr(err->message, "wait for an approval")) /* it cannot know what the caller can do */
        (void)snprintf(err->hint, sizeof err->hint, "name fewer batches; one that is too large is for a person's hand");
    return r;
}

static int tell(const restore_job *job, const restore_batch *b, lb_outcome outcome, lb_error *err)
{
    static const char *const statuses[] = {
        [LB_APPLIED] = "restored", [LB_PLANNED] = "planned", [LB_WAITING] = "waiting", [LB_REFUSED] = "refused"};
    const lb_value *row = outcome == LB_APPLIED ? row_of(job, b, true) : LB_NO_ARGS;
    int r = row ? 0 : lb_out_of_memory(err);
    if (row && outcome == LB_APPLIED)
        r = lb_record(job->ctx, HISTORY, row, err);
    return r < 0 ? r
                 : lb_append(job->ctx, "batches",
                             LB_ARGS(lb_text("batch", b->r.batch), lb_text("archival", b->r.archival),
                                     lb_text("delta_table", restore_lake_label(job->ctx, b)),
                                     lb_time("left_at", b->r.left_at), lb_i64("rows", b->r.rows),
                                     lb_i64("rows_there", b->there), lb_text("status", statuses[outcome])),
                             err);
}

static int restore(const restore_job *job, lb_error *err)
{
    const restore_batch *end = job->batches + job->count;
    int r = 0;
    for (const restore_batch *first = job->batches; r >= 0 && first < end;) {
        const portion p = take(job, first);
        lb_outcome outcome = LB_REFUSED;
        r = apply(job, &p, &outcome, err);
        for (; r >= 0 && first < p.end; first++)
            r = tell(job, first, outcome, err);
    }
    return r < 0 ? r : lb_result(job->ctx, LB_ARGS(lb_text("table", job->source.label), lb_text("note", NOTE)), err);
}

/* ---- the run ---- */

static int check_limit(const restore_job *job, int64_t most, lb_error *err)
{
    int64_t rows = 0;
    for (size_t i = 0; i < job->count; i++)
        rows += job->batches[i].r.rows;
    return rows <= most
               ? 0
               : lb_fail(err, LB_ERR_LIMIT, "name fewer batches, or a shorter span; or raise max_rows",
                         "%zu batches with %lld rows of %s would come back, from %s on, and at most %lld rows may",
                         job->count, (long long)rows, job->source.label, job->batches[0].r.batch, (long long)most);
}

static int read_all(restore_job *job, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < job->count; i++) {
        if (lb_cancelled(job->ctx))
            return lb_fail(err, LB_ERR_CANCELLED, "run it again", "stopped before anything was brought back");
        lb_progress(job->ctx, (int64_t)i, (int64_t)job->count, "batches");
        r = restore_read(job, &job->batches[i], err);
    }
    return r < 0 ? r : lb_examined(job->ctx, "batches", (int64_t)job->count, err);
}

static int find_table(const cold_set *set, const char *name, const cold_table **ret_table, lb_error *err)
{
    static const char hint[] = "write it as schema.table, in the case in which the server keeps it";
    const lb_texts one = {&name, 1};
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        if (cold_listed(&one, set->tables[i].r.schema, set->tables[i].r.name)) {
            *ret_table = &set->tables[i];
            count++;
        }
    if (count == 1)
        return 0;
    return count ? lb_fail(err, LB_ERR_INVALID, hint, "%zu tables go by the name %s", count, name)
                 : lb_fail(err, LB_ERR_NOT_FOUND, hint, "there is no table %s", name);
}

static int open_table(restore_job *job, const cold_set *set, const char *name, lb_error *err)
{
    const cold_policy everything = {.threshold_days = 0};
    const cold_table *table = NULL;
    int r = find_table(set, name, &table, err);
    if (r < 0)
        return r;
    const char *why = cold_obstacle(&everything, table);
    if (!why)
        r = archival_read_source(job->ctx, table, &job->source, &why, err);
    if (r >= 0 && why)
        return lb_fail(err, LB_ERR_UNSUPPORTED, NULL, "rows of %s cannot come back: %s", name, why);
    return r < 0 ? r : restore_compose(job, err);
}

static int find_and_restore(lb_ctx *ctx, lb_error *err)
{
    const struct args *a = ctx->args;
    const restore_wish wish = {.names = a->batches, .key = a->key, .since = a->since, .until = a->until};
    restore_job job = {.ctx = ctx};
    cold_set set;
    int r = cold_read(ctx, 0, &set, err);
    if (r >= 0)
        r = open_table(&job, &set, a->table, err);
    if (r >= 0)
        r = restore_find(&job, &wish, err);
    if (r >= 0 && !job.count)
        return lb_skipped(ctx, job.source.label, "no row that has left is in what was asked for", err);
    if (r >= 0)
        r = check_limit(&job, a->max_rows, err);
    if (r >= 0)
        r = read_all(&job, err);
    return r < 0 ? r : restore(&job, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *a = ctx->args;
    archival_ledger_found_row found = {false};
    lb_rows *rows = NULL;
    if (!a->batches.count && !a->key.count && a->since == LB_TIME_NONE && a->until == LB_TIME_NONE)
        return lb_fail(err, LB_ERR_INVALID, "name batches, or give a key, or a span of time: since, until, or both",
                       "nobody has said which rows of %s are to come back", a->table);
    if (a->since != LB_TIME_NONE && a->until != LB_TIME_NONE && a->since >= a->until)
        return lb_fail(err, LB_ERR_INVALID, "rows come back from since on, and before until",
                       "until is no later than since");
    int r = archival_ledger_found(ctx, &rows, err);
    if (r < 0)
        return r;
    if (!archival_ledger_found_next(ctx, rows, &found) || !found.present)
        return lb_skipped(ctx, a->table, "nothing of this database is archived yet", err);
    return find_and_restore(ctx, err);
}

LB_TOOL(restore_archived_rows, "brings archived rows back into their table, whole batches, each row as it left",
        .agent = "health", .risk = LB_RISK_MEDIUM, .needs_approval = true, .timeout_s = 1800,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES(HISTORY), .run = run);
