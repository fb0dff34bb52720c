/* Partitions that time has passed by and whose rows have all left: they go as a whole. */
#include "archival_job.h"

#include <sql/archival/detach_partition.h>
#include <sql/archival/drop_partition.h>
#include <sql/archival/has_rows.h>
#include <sql/archival/prove_empty.h>

static int is_empty(lb_ctx *ctx, const cold_table *leaf, bool *ret_empty, lb_error *err)
{
    const archival_has_rows_args args = {leaf->r.schema, leaf->r.name};
    archival_has_rows_row row = {true};
    lb_rows *rows = NULL;
    int r = archival_has_rows(ctx, &args, &rows, err);
    *ret_empty = r >= 0 && archival_has_rows_next(ctx, rows, &row) && !row.found;
    return r;
}

/* One transaction: it is empty, it is no partition, it is gone. A row that came meanwhile fails it. */
static int add_drop(lb_ctx *ctx, const cold_table *leaf, lb_group *group, lb_error *err)
{
    const archival_prove_empty_args empty = {leaf->r.schema, leaf->r.name};
    const archival_detach_partition_args detach = {leaf->parent->r.schema, leaf->parent->r.name, leaf->r.schema,
                                                   leaf->r.name};
    const archival_drop_partition_args drop = {leaf->r.schema, leaf->r.name};
    int r = archival_prove_empty(ctx, group, &empty, err);
    if (r >= 0)
        r = archival_detach_partition(ctx, group, &detach, err);
    return r < 0 ? r : archival_drop_partition(ctx, group, &drop, err);
}

static const lb_value *bounds_of(const archival_job *job, const cold_table *leaf, const char *label)
{
    const archival_partitions_row *range = leaf->range;
    const lb_value values[] = {
        lb_text("partition", label),
        lb_text("of", job->source.label),
        range && !range->upper_bound_is_null ? lb_time("ends", range->upper_bound) : lb_null("ends"),
        lb_time("cutoff", job->cutoff),
        {.type = LB_END},
    };
    lb_value *copy = lb_alloc(job->ctx, sizeof values);
    for (size_t i = 0; copy && i < sizeof values / sizeof *values; i++)
        copy[i] = values[i];
    return copy;
}

static int drop_leaf(archival_job *job, const cold_table *leaf, lb_error *err)
{
    lb_ctx *ctx = job->ctx;
    const char *label = cold_label(ctx, leaf);
    const lb_value *evidence = label ? bounds_of(job, leaf, label) : NULL;
    lb_outcome outcome = LB_REFUSED;
    lb_group *group = NULL;
    if (!evidence)
        return lb_out_of_memory(err);
    int r = lb_group_open(ctx,
                          LB_GROUP(.title = lb_printf(ctx, "drop the empty partition %s", label),
                                   .reason = "its range ended before the cutoff, and no row of it is left",
                                   .evidence = evidence, .undo = "make it again, empty, for the same range",
                                   .atomic = true),
                          &group, err);
    if (r >= 0)
        r = add_drop(ctx, leaf, group, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    if (r < 0 || outcome == LB_PLANNED || outcome == LB_REFUSED)
        return r;
    r = archival_note(job, "detach", outcome == LB_APPLIED ? "success" : "waiting",
                      LB_ARGS(lb_text("partition_name", label)), err);
    return r < 0 ? r
                 : lb_append(ctx, "partitions",
                             LB_ARGS(lb_text("partition", label),
                                     lb_text("status", outcome == LB_APPLIED ? "dropped" : "waiting")),
                             err);
}

int archival_drop_partitions(archival_job *job, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < job->set->count; i++) {
        const cold_table *leaf = &job->set->tables[i];
        bool empty = false;
        if (leaf->r.kind[0] != 'r' || !leaf->parent || cold_root(leaf) != job->source.table ||
            !cold_is_past(job->set, leaf) || cold_obstacle(job->options->policy, leaf))
            continue;
        r = is_empty(job->ctx, leaf, &empty, err);
        if (r >= 0 && empty)
            r = drop_leaf(job, leaf, err);
    }
    return r;
}
