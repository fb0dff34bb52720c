/* Partitions that a table will need soon, made before its rows come: as long, and named, as its last ones. */
#include "archival_job.h"

#include <sql/archival/attach_partition.h>
#include <sql/archival/create_like.h>
#include <sql/archival/own_as_parent.h>
#include <sql/archival/partitions_ahead.h>
#include <string.h>

#define AT_ONCE 200 /* partitions of one table in one run */

typedef struct list {
    archival_partitions_ahead_row *items;
    size_t count;
} list;

/* *ret_list is empty where nothing is to be made; it has been said why, if there is more to it. */
static int read_wanted(const archival_job *job, list *ret_list, lb_error *err)
{
    const archival_partitions_ahead_args args = {.parent_id = job->source.table->r.table_id,
                                                 .now = job->set->now,
                                                 .ahead = job->options->partitions_ahead,
                                                 .most = AT_ONCE};
    archival_partitions_ahead_row p;
    lb_rows *rows = NULL;
    int r = archival_partitions_ahead(job->ctx, &args, &rows, err);
    ret_list->items = r < 0 ? NULL : lb_alloc(job->ctx, ((size_t)lb_row_count(job->ctx, rows) + 1) * sizeof p);
    if (r >= 0 && !ret_list->items)
        return lb_out_of_memory(err);
    while (r >= 0 && archival_partitions_ahead_next(job->ctx, rows, &p)) {
        if (p.why)
            return lb_skipped(job->ctx, job->source.label,
                              lb_printf(job->ctx, "no partitions are made ahead: %s", p.why), err);
        if (p.is_taken) /* those behind it would leave a gap that nobody fills */
            return lb_skipped(job->ctx, lb_printf(job->ctx, "%s.%s", p.schema, p.name),
                              "it would be the next partition, and there is another table of that name: none is made "
                              "from there on",
                              err);
        ret_list->items[ret_list->count++] = p;
    }
    return r;
}

static const lb_value *evidence_of(const archival_job *job, const list *wanted)
{
    lb_value *names = lb_alloc(job->ctx, (wanted->count + 1) * sizeof *names);
    for (size_t i = 0; names && i < wanted->count; i++)
        names[i] = lb_text(NULL, wanted->items[i].name);
    const lb_value values[] = {
        lb_text("of", job->source.label),
        lb_list("partitions", LB_TEXT, names, names ? wanted->count : 0),
        lb_text("from", wanted->items[0].lower_bound),
        lb_text("to", wanted->items[wanted->count - 1].upper_bound),
        lb_text("step", wanted->items[0].step),
        lb_i64("partitions_ahead", job->options->partitions_ahead),
        {.type = LB_END},
    };
    lb_value *copy = names ? lb_alloc(job->ctx, sizeof values) : NULL;
    return copy ? memcpy(copy, values, sizeof values) : NULL;
}

static int add(const archival_job *job, const archival_partitions_ahead_row *p, lb_group *group, lb_error *err)
{
    const cold_table *t = job->source.table;
    const archival_create_like_args table = {p->schema, p->name, t->r.schema, t->r.name};
    const archival_attach_partition_args range = {t->r.schema, t->r.name,      p->schema,
                                                  p->name,     p->lower_bound, p->upper_bound};
    const archival_own_as_parent_args owner = {p->schema, p->name, p->owner};
    int r = archival_create_like(job->ctx, group, &table, err);
    if (r >= 0)
        r = archival_attach_partition(job->ctx, group, &range, err);
    return r < 0 || !p->owner ? r : archival_own_as_parent(job->ctx, group, &owner, err);
}

static int tell(const archival_job *job, const archival_partitions_ahead_row *p, lb_outcome outcome, lb_error *err)
{
    return lb_append(job->ctx, "partitions",
                     LB_ARGS(lb_text("partition", lb_printf(job->ctx, "%s.%s", p->schema, p->name)),
                             lb_text("status", outcome == LB_APPLIED   ? "made"
                                               : outcome == LB_PLANNED ? "planned"
                                               : outcome == LB_WAITING ? "waiting"
                                                                       : "refused"),
                             lb_text("from", p->lower_bound), lb_text("to", p->upper_bound)),
                     err);
}

/* The server refuses them where the default partition holds rows of their range; those are for a person to move. */
static int make(const archival_job *job, const list *wanted, lb_error *err)
{
    const lb_value *evidence = evidence_of(job, wanted);
    lb_outcome outcome = LB_REFUSED;
    lb_group *group = NULL;
    if (!evidence)
        return lb_out_of_memory(err);
    int r = lb_group_open(
        job->ctx,
        LB_GROUP(.title = lb_printf(job->ctx, "make %zu partitions of %s ahead", wanted->count, job->source.label),
                 .reason = lb_printf(job->ctx, "its rows from %s on have none yet", wanted->items[0].lower_bound),
                 .evidence = evidence, .undo = "drop them while they are empty", .atomic = true),
        &group, err);
    for (size_t i = 0; r >= 0 && i < wanted->count; i++)
        r = add(job, &wanted->items[i], group, err);
    if (r >= 0)
        r = lb_apply(job->ctx, group, &outcome, err);
    if (r == LB_ERR_SQL || r == LB_ERR_CONFLICT || r == LB_ERR_DENIED)
        return lb_skipped(job->ctx, job->source.label,
                          lb_printf(job->ctx, "its next partitions could not be made: %s", err->message), err);
    for (size_t i = 0; r >= 0 && i < wanted->count; i++)
        r = tell(job, &wanted->items[i], outcome, err);
    return r;
}

int archival_make_ahead(archival_job *job, lb_error *err)
{
    list wanted = {.count = 0};
    if (!job->options->partitions_ahead || job->source.table->r.kind[0] != 'p')
        return 0;
    int r = read_wanted(job, &wanted, err);
    return r < 0 || !wanted.count ? r : make(job, &wanted, err);
}
