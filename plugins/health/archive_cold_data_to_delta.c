/* archive_cold_data_to_delta: moves cold rows of the tables that a person has named to a Delta table.
 *
 * They are copied and proven first, which changes nothing here; the deletion is asked for with the receipt, and deletes
 * a batch only while its rows are still those that were copied. A run that is broken off is gone on with by the next.
 */
#include "archival_job.h"

#include <string.h>

#define HURRY_ROWS 100000

struct args {
    double cold_threshold_days;
    int64_t min_rows, max_rows, batch_rows, pause_ms, partitions_ahead, detach_wait_s;
    lb_texts tables, time_columns, legal_hold, keep;
    const char *archive_catalog, *archive_schema, *archive_table;
    bool abandon, hurry;
};

static const lb_param params[] = {
    LB_PARAM(struct args, tables, LB_LIST_OF(LB_TEXT), NULL,
             "archive these, orders or public.orders, with a * at the end for any rest; none given: none"),
    LB_PARAM(struct args, cold_threshold_days, LB_F64, "90", "rows that were not written for so many days are cold",
             .min = "0", .max = "36500"),
    LB_PARAM(struct args, time_columns, LB_LIST_OF(LB_TEXT), NULL,
             "columns that tell when a row was last written: public.orders=placed_at"),
    LB_PARAM(struct args, legal_hold, LB_LIST_OF(LB_TEXT), NULL,
             "tables of which nothing may leave; a line that is nearly a table's name stops the run, and one in the "
             "manifest's parameters for this tool (or its schedules) an approved deletion, too"),
    LB_PARAM(struct args, keep, LB_LIST_OF(LB_TEXT), NULL, "tables that are to stay whole for other reasons"),
    LB_PARAM(struct args, min_rows, LB_I64, "100000", "fewer cold rows are left where they are", .min = "1"),
    LB_PARAM(struct args, max_rows, LB_I64, "500000", "of a table at most so many in one archival", .min = "1"),
    LB_PARAM(struct args, batch_rows, LB_I64, "5000",
             "rows that are copied, and deleted, together; fewer where they have more than 16 MB", .min = "1",
             .max = "1000000"),
    LB_PARAM(struct args, pause_ms, LB_I64, "1000",
             "rest between two batches: 0 none; while others are at work up to eight times as long, and where a batch "
             "took long, nine times that, thirty times as long at most; never over a minute",
             .min = "0", .max = "60000"),
    LB_PARAM(struct args, partitions_ahead, LB_I64, "3",
             "partitions that tables by range of time are to have ahead, or more where these end within eight days; "
             "made as their last ones are; 0: make none",
             .min = "0", .max = "50"),
    LB_PARAM(struct args, detach_wait_s, LB_I64, "60",
             "how long a partition that is to go waits for transactions that may know it; others work on meanwhile",
             .min = "1", .max = "3600"),
    LB_PARAM(struct args, hurry, LB_BOOL, "false", "batches of 100000 rows at least and no rests: for a quiet server"),
    LB_PARAM(struct args, archive_catalog, LB_IDENT, "ops_catalog", "catalog of the archive"),
    LB_PARAM(struct args, archive_schema, LB_IDENT, "lakebase_archive", "and its schema"),
    LB_PARAM(struct args, archive_table, LB_IDENT, NULL,
             "its table, for one table; none given: PROJECT_BRANCH_SCHEMA_TABLE"),
    LB_PARAM(struct args, abandon, LB_BOOL, "false", "give up what is copied and not deleted, and copy nothing"),
    LB_PARAMS_END,
};

/* ---- one table ---- */

/* A name that no folder and no engine minds. */
static const char *sound_name(lb_ctx *ctx, const char *name)
{
    char *copy = lb_alloc(ctx, strlen(name) + 1);
    for (size_t i = 0; copy && name[i]; i++)
        copy[i] = (unsigned char)name[i] < ' ' || name[i] == '/' || name[i] == 0x7f ? '_' : name[i];
    return copy;
}

static int name_archive(archival_job *job, lb_error *err)
{
    const archival_options *o = job->options;
    const lb_target *target = lb_run_target(job->ctx);
    const cold_table *t = job->source.table;
    if (!job->lake.name) {
        const char *name = o->name ? o->name
                                   : lb_printf(job->ctx, "%s_%s_%s_%s", target->project ? target->project : "local",
                                               target->branch ? target->branch : "local", t->r.schema, t->r.name);
        job->lake = (lb_lake_name){o->catalog, o->schema, name ? sound_name(job->ctx, name) : NULL};
    }
    job->lake_label = lb_printf(job->ctx, "%s.%s.%s", job->lake.catalog, job->lake.schema, job->lake.name);
    return job->lake.name && job->lake_label ? 0 : lb_out_of_memory(err);
}

/* The key of a tree's ranges, where it is partitioned by time. */
static const char *range_key(const cold_set *set, const cold_table *root)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->tables[i].parent == root && set->tables[i].range)
            return set->tables[i].range->key_column;
    return NULL;
}

/* *ret_why: no column tells the age of its rows, and why. */
static void choose_column(archival_job *job, const char **ret_why)
{
    const cold_table *t = job->source.table;
    const char *named = cold_named_column(job->options->policy, t), *key = range_key(job->set, t), *ground = NULL;
    job->ground = named ? "named by time_columns" : "bounds of partitions";
    job->time_column = named ? named : key;
    if (job->time_column)
        return;
    const cold_column *best = cold_choose(job->ctx, job->options->policy, job->set, t, &ground);
    job->ground = *ret_why = ground;
    if (!best)
        return;
    *ret_why = NULL;
    job->time_column = best->r.name;
}

static int say_nothing_leaves(const archival_job *job, lb_error *err)
{
    int r = archival_note(job, "export", "no_cold_data", LB_NO_ARGS, err);
    if (r < 0 || !job->too_few)
        return r;
    return lb_skipped(job->ctx, job->source.label,
                      lb_printf(job->ctx, "%lld cold %s left where %s: min_rows is %lld", (long long)job->too_few,
                                job->too_few == 1 ? "row is" : "rows are", job->too_few == 1 ? "it is" : "they are",
                                (long long)job->options->min_rows),
                      err);
}

static int move(archival_job *job, lb_error *err)
{
    int r = archival_plan(job, err);
    job->plan_s = archival_since(job, job->begun);
    if (r >= 0)
        r = name_archive(job, err);
    if (r < 0 || !job->count)
        return r < 0 ? r : say_nothing_leaves(job, err);
    r = archival_check(job, err);
    if (r >= 0 && !job->options->abandon)
        r = archival_export(job, err);
    if (r >= 0)
        r = archival_note_given_up(job, err);
    int64_t begun = lb_now(job->ctx);
    if (r >= 0)
        r = archival_delete(job, err);
    job->delete_s = archival_since(job, begun);
    return r;
}

static const char *status_of(const archival_job *job)
{
    return !job->count                   ? "no_cold_data"
           : lb_plans(job->ctx)          ? "planned"
           : job->deletion == LB_WAITING ? "waiting"
           : job->deletion == LB_APPLIED ? "deleted"
           : job->deletion == LB_REFUSED ? "refused"
           : job->rows_given_up          ? "given_up"
                                         : "nothing_to_delete";
}

/* Rows of a partition that is held would leave with those of the others. */
static const char *held_below(const archival_job *job, const cold_table *table)
{
    for (size_t i = 0; i < job->set->count; i++) {
        const cold_table *t = &job->set->tables[i];
        const char *why = t != table && cold_root(t) == cold_root(table) ? cold_held(job->options->policy, t) : NULL;
        for (const cold_table *above = t; why && above; above = above->parent)
            if (above == table)
                return lb_printf(job->ctx, "a partition of it, %s.%s, is not to leave: %s", t->r.schema, t->r.name,
                                 why);
    }
    return NULL;
}

/* It is about leaving: what stays gets its next partitions as well. */
static int keep_here(archival_job *job, const cold_table *table, const char *why, lb_error *err)
{
    job->source = (archival_source){.table = table, .label = cold_label(job->ctx, table)};
    int r = job->source.label ? lb_skipped(job->ctx, job->source.label, why, err) : lb_out_of_memory(err);
    return r < 0 || job->options->abandon ? r : archival_make_ahead(job, err);
}

static int archive(archival_job *job, const cold_table *table, lb_error *err)
{
    const char *why = cold_obstacle(job->options->policy, table), *held = cold_held(job->options->policy, table);
    if (!why)
        why = held = held_below(job, table);
    if (!why && !job->options->abandon)
        why = held = cold_unfit(job->ctx, table);
    if (held && why == held)
        return keep_here(job, table, held, err);
    int r = why ? 0 : archival_read_source(job->ctx, table, &job->source, &why, err);
    if (r >= 0 && !why && !job->options->abandon) /* of what is given up it is known, and may be gone */
        choose_column(job, &why);
    if (r < 0 || why)
        return r < 0 ? r : lb_skipped(job->ctx, cold_label(job->ctx, table), why, err);
    r = name_archive(job, err);
    if (r >= 0)
        r = move(job, err);
    if (r >= 0 && !job->options->abandon)
        r = archival_make_ahead(job, err);
    if (r >= 0 && !job->options->abandon)
        r = archival_drop_partitions(job, err);
    if (r < 0)
        return lb_wrap(err, job->source.label);
    const char *seconds = lb_printf(job->ctx, "{\"plan\":%.3f,\"copy\":%.3f,\"prove\":%.3f,\"delete\":%.3f}",
                                    job->plan_s, job->copy_s, job->prove_s, job->delete_s);
    if (!seconds)
        return lb_out_of_memory(err);
    return lb_append(job->ctx, "archivals",
                     LB_ARGS(lb_text("table", job->source.label), lb_text("archival", job->id),
                             lb_text("delta_table", job->lake_label), lb_text("status", status_of(job)),
                             lb_text("time_column", job->time_column), lb_text("ground", job->ground),
                             lb_time("cutoff", job->cutoff), lb_i64("batches", (int64_t)job->count),
                             lb_i64("rows_exported", job->rows_exported), lb_i64("rows_given_up", job->rows_given_up),
                             lb_json("seconds", seconds)),
                     err);
}

/* ---- the run ---- */

static bool is_wanted(const cold_table *t, const void *policy)
{
    return cold_listed(&((const cold_policy *)policy)->tables, t->r.schema, t->r.name);
}

/* Named, and not by a partitioned table that is named as well. */
static bool is_chosen(const cold_policy *policy, const cold_table *t)
{
    bool chosen = is_wanted(t, policy);
    for (const cold_table *above = t->parent; above; above = above->parent)
        chosen = chosen && !is_wanted(above, policy);
    return chosen;
}

static int check_names(const archival_options *options, const cold_set *set, lb_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        count += is_chosen(options->policy, &set->tables[i]);
    return !options->name || count <= 1 ? 0
                                        : lb_fail(err, LB_ERR_INVALID, "leave archive_table out, or name one table",
                                                  "%zu tables cannot all go to %s", count, options->name);
}

/* What failed for one table; the others go on. */
typedef struct failures {
    size_t chosen, count;
    lb_error first;
    const char *all;
} failures;

static bool ends_run(const lb_ctx *ctx, int code)
{
    return code == LB_ERR_CANCELLED || code == LB_ERR_UNREACHABLE || code == LB_ERR_NO_MEMORY ||
           code == LB_ERR_SUSPENDED || lb_time_left(ctx) <= 0;
}

static int note_failure(lb_ctx *ctx, const cold_table *table, failures *f, lb_error *err)
{
    const char *label = cold_label(ctx, table);
    f->all = lb_printf(ctx, "%s%s%s", f->count ? f->all : "", f->count ? "; " : "", err->message);
    if (!label || !f->all)
        return lb_out_of_memory(err);
    if (f->count++ == 0)
        f->first = *err;
    return lb_append(ctx, "failed",
                     LB_ARGS(lb_text("table", label), lb_text("reason", lb_printf(ctx, "%s", err->message)),
                             lb_text("hint", *err->hint ? lb_printf(ctx, "%s", err->hint) : NULL)),
                     err);
}

static int tell_failures(const failures *f, lb_error *err)
{
    if (f->count && f->chosen > 1)
        return lb_fail(err, f->first.code, "failed, in the result, has the reason of each; the other tables are done",
                       "%zu of %zu tables could not be archived: %s", f->count, f->chosen, f->all);
    if (f->count)
        *err = f->first;
    return f->count ? err->code : 0;
}

static int archive_all(lb_ctx *ctx, const archival_options *options, const cold_set *set, lb_error *err)
{
    failures failed = {.count = 0};
    int r = check_names(options, set, err);
    for (size_t i = 0; r >= 0 && i < set->count; i++) {
        archival_job job = {.ctx = ctx,
                            .options = options,
                            .set = set,
                            .cutoff = set->cutoff,
                            .threshold_days = options->policy->threshold_days,
                            .begun = lb_now(ctx)};
        if (!is_chosen(options->policy, &set->tables[i]))
            continue;
        failed.chosen++;
        r = archive(&job, &set->tables[i], err);
        if (r < 0 && !ends_run(ctx, r))
            r = note_failure(ctx, &set->tables[i], &failed, err);
    }
    return r < 0 ? r : tell_failures(&failed, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    const cold_policy policy = {.tables = args->tables,
                                .legal_hold = args->legal_hold,
                                .keep = args->keep,
                                .time_columns = args->time_columns,
                                .threshold_days = args->cold_threshold_days};
    const archival_options options = {.policy = &policy,
                                      .catalog = args->archive_catalog,
                                      .schema = args->archive_schema,
                                      .name = args->archive_table,
                                      .batch_rows =
                                          args->hurry && args->batch_rows < HURRY_ROWS ? HURRY_ROWS : args->batch_rows,
                                      .max_rows = args->max_rows,
                                      .min_rows = args->min_rows < args->max_rows ? args->min_rows : args->max_rows,
                                      .pause_ms = args->hurry ? 0 : args->pause_ms,
                                      .partitions_ahead = args->partitions_ahead,
                                      .detach_wait_s = args->detach_wait_s,
                                      .abandon = args->abandon};
    cold_set set;
    int r = cold_read(ctx, policy.threshold_days, &set, err);
    if (r >= 0 && !policy.tables.count)
        r = lb_skipped(ctx, "tables", "none is named: what may leave a person says, with tables", err);
    if (r >= 0)
        r = cold_check_policy(ctx, &policy, &set, err);
    if (r >= 0)
        r = cold_read_details(ctx, &set, is_wanted, &policy, err);
    if (r >= 0)
        r = archive_all(ctx, &options, &set, err);
    return r < 0 ? r : archival_tell_deleted(ctx, err);
}

LB_TOOL(archive_cold_data_to_delta, "moves cold rows to a Delta table: copied, proven, then deleted", .agent = "health",
        .risk = LB_RISK_HIGH, .needs_approval = true, .schedule = "0 3 * * 0", .remembers = true, .timeout_s = 7200,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("data_archival_history"),
        .emits = LB_NAMES("cold_data.archived"), .run = run);
