/* Partitions that time has passed by and whose rows have all left: they go as a whole, in steps of which each can be
 * the last.
 *
 *   closed     a constraint of ours refuses every row: it was empty then, and stays so
 *   detached   without a lock on its parent, which takes two transactions; a lock is taken where a default partition
 *              rules that out
 *   dropped
 *
 * The constraint's name holds the parent's number, so that what is left half done is found again. */
#include "archival_job.h"

#include <sql/archival/close_partition.h>
#include <sql/archival/closed_tables.h>
#include <sql/archival/detach_concurrently.h>
#include <sql/archival/detach_partition.h>
#include <sql/archival/drop_partition.h>
#include <sql/archival/finish_detach.h>
#include <sql/archival/has_rows.h>
#include <sql/archival/partition_state.h>
#include <sql/vacuum/set_lock_timeout.h>
#include <string.h>

typedef struct leaving {
    const cold_table *leaf;
    const char *label, *constraint, *referenced_by, *lock_timeout;
    bool is_closed, is_pending, is_held_up, has_default, is_last, is_empty;
} leaving;

static const char *constraint_of(lb_ctx *ctx, const cold_table *parent)
{
    return lb_printf(ctx, "lbops_is_empty_%lld", (long long)parent->r.table_id);
}

/* ---- what is known of it ---- */

static bool ends_later(const cold_table *a, const cold_table *b)
{
    if (!a->range || a->range->upper_bound_is_null || !b->range || b->range->upper_bound_is_null)
        return !b->range || !b->range->upper_bound_is_null;
    return a->range->upper_bound > b->range->upper_bound;
}

static void look_at_siblings(const cold_set *set, leaving *l)
{
    l->is_last = true;
    for (size_t i = 0; i < set->count; i++) {
        const cold_table *t = &set->tables[i];
        if (t == l->leaf || t->parent != l->leaf->parent)
            continue;
        if (t->range && t->range->is_default)
            l->has_default = true;
        else if (ends_later(t, l->leaf))
            l->is_last = false;
    }
}

static int look(lb_ctx *ctx, const cold_set *set, const cold_table *leaf, leaving *ret, lb_error *err)
{
    leaving l = {.leaf = leaf, .label = cold_label(ctx, leaf), .constraint = constraint_of(ctx, leaf->parent)};
    archival_partition_state_row state = {.lock_timeout = "0"};
    archival_has_rows_row holds = {.found = true};
    lb_rows *rows = NULL;
    if (!l.label || !l.constraint)
        return lb_out_of_memory(err);
    look_at_siblings(set, &l);
    int r = archival_has_rows(ctx, &(archival_has_rows_args){leaf->r.schema, leaf->r.name}, &rows, err);
    if (r >= 0)
        l.is_empty = archival_has_rows_next(ctx, rows, &holds) && !holds.found;
    if (r >= 0)
        r = archival_partition_state(ctx, &(archival_partition_state_args){leaf->r.table_id, l.constraint}, &rows, err);
    if (r >= 0 && archival_partition_state_next(ctx, rows, &state)) {
        l.is_pending = state.is_pending;
        l.is_closed = state.is_closed;
        l.is_held_up = state.is_held_up;
        l.referenced_by = state.referenced_by;
        l.lock_timeout = state.lock_timeout;
    }
    *ret = l;
    return r;
}

static const char *why_it_stays(lb_ctx *ctx, const leaving *l)
{
    if (l->leaf->range && l->leaf->range->is_default)
        return "it is empty and past, and stays: it is the default partition, for rows that have no other";
    if (l->referenced_by)
        return lb_printf(ctx, "it is empty and past, and stays: foreign keys point to it itself: %s", l->referenced_by);
    if (l->is_last)
        return "it is empty and past, and stays: there is no later partition beside it";
    if (l->is_held_up)
        return "it is empty and past, and stays for now: another partition of its table is half detached";
    return l->is_pending && !l->is_closed
               ? "somebody else has begun to detach it: finish that with ALTER TABLE ... DETACH PARTITION ... FINALIZE"
               : NULL;
}

/* ---- what is done with it ---- */

static int add_close(lb_ctx *ctx, const leaving *l, lb_group *group, lb_error *err)
{
    const archival_close_partition_args args = {l->leaf->r.schema, l->leaf->r.name, l->constraint};
    return l->is_closed ? 0 : archival_close_partition(ctx, group, &args, err);
}

/* It waits for people who began before it, and nobody waits for it: that takes as long as it takes. What is broken off
 * here would have to be approved again. */
static int add_gentle_detach(const archival_job *job, const leaving *l, lb_group *group, lb_error *err)
{
    const cold_table *leaf = l->leaf, *parent = leaf->parent;
    const vacuum_set_lock_timeout_args patience = {
        .timeout = lb_printf(job->ctx, "%llds", (long long)job->options->detach_wait_s)};
    const vacuum_set_lock_timeout_args before = {.timeout = l->lock_timeout};
    const archival_detach_concurrently_args gentle = {parent->r.schema, parent->r.name, leaf->r.schema, leaf->r.name};
    const archival_finish_detach_args rest = {parent->r.schema, parent->r.name, leaf->r.schema, leaf->r.name};
    int r = patience.timeout ? vacuum_set_lock_timeout(job->ctx, group, &patience, err) : lb_out_of_memory(err);
    if (r >= 0)
        r = l->is_pending ? archival_finish_detach(job->ctx, group, &rest, err)
                          : archival_detach_concurrently(job->ctx, group, &gentle, err);
    return r < 0 ? r : vacuum_set_lock_timeout(job->ctx, group, &before, err);
}

static int add_detach(const archival_job *job, const leaving *l, lb_group *group, lb_error *err)
{
    const cold_table *leaf = l->leaf, *parent = leaf->parent;
    const archival_detach_partition_args plain = {parent->r.schema, parent->r.name, leaf->r.schema, leaf->r.name};
    return l->has_default && !l->is_pending ? archival_detach_partition(job->ctx, group, &plain, err)
                                            : add_gentle_detach(job, l, group, err);
}

static int evidence_of(const archival_job *job, const leaving *l, const lb_value **ret_evidence, lb_error *err)
{
    lb_value tables = {.type = LB_END};
    int r = archival_tables_of(job, l->leaf, NULL, &tables, err);
    const archival_partitions_row *range = l->leaf->range;
    const lb_value values[] = {
        lb_text("partition", l->label),
        lb_text("of", job->source.label),
        tables,
        archival_held_by(),
        range && !range->upper_bound_is_null ? lb_time("ends", range->upper_bound) : lb_null("ends"),
        lb_time("cutoff", job->cutoff),
        lb_text("way", l->is_pending    ? "finishes what was begun"
                       : l->has_default ? "under a lock: there is a default partition"
                                        : "concurrently"),
        lb_i64("foreign_keys_to_parent", (int64_t)cold_root(l->leaf)->reference_count),
        {.type = LB_END},
    };
    lb_value *copy = r < 0 ? NULL : lb_alloc(job->ctx, sizeof values);
    *ret_evidence = copy ? memcpy(copy, values, sizeof values) : NULL;
    return r < 0 || copy ? r : lb_out_of_memory(err);
}

static int tell(archival_job *job, const char *label, lb_outcome outcome, lb_error *err)
{
    if (outcome == LB_PLANNED || outcome == LB_REFUSED)
        return 0;
    int r = archival_note(job, "detach", outcome == LB_APPLIED ? "success" : "waiting",
                          LB_ARGS(lb_text("partition_name", label)), err);
    return r < 0 ? r
                 : lb_append(job->ctx, "partitions",
                             LB_ARGS(lb_text("partition", label),
                                     lb_text("status", outcome == LB_APPLIED ? "dropped" : "waiting")),
                             err);
}

/* A row that came meanwhile, a lock that others hold, something that depends on it: it is for the next run then. */
static int apply(archival_job *job, const char *label, lb_group *group, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    int r = lb_apply(job->ctx, group, &outcome, err);
    if (r == LB_ERR_SQL || r == LB_ERR_CONFLICT || r == LB_ERR_TIMEOUT || r == LB_ERR_DENIED)
        return lb_skipped(job->ctx, label,
                          lb_printf(job->ctx, "the next run goes on where this was stopped: %s", err->message), err);
    return r < 0 ? r : tell(job, label, outcome, err);
}

static int let_go(archival_job *job, const leaving *l, lb_error *err)
{
    lb_ctx *ctx = job->ctx;
    const lb_value *evidence = NULL;
    const archival_drop_partition_args drop = {l->leaf->r.schema, l->leaf->r.name};
    lb_group *group = NULL;
    int r = evidence_of(job, l, &evidence, err);
    if (r < 0)
        return r;
    r = lb_group_open(ctx,
                      LB_GROUP(.title = lb_printf(ctx, "drop the empty partition %s", l->label),
                               .reason = "its range ended before the cutoff, and no row of it is left",
                               .evidence = evidence,
                               .undo = lb_printf(ctx,
                                                 "make it again, empty, for the same range; before it is dropped: "
                                                 "drop its constraint %s, and attach it again",
                                                 l->constraint),
                               .atomic = l->has_default && !l->is_pending),
                      &group, err);
    if (r >= 0)
        r = add_close(ctx, l, group, err);
    if (r >= 0)
        r = add_detach(job, l, group, err);
    if (r >= 0)
        r = archival_drop_partition(ctx, group, &drop, err);
    return r < 0 ? r : apply(job, l->label, group, err);
}

static const cold_table *find(const cold_set *set, const archival_closed_tables_row *row)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->tables[i].r.schema, row->schema) == 0 && strcmp(set->tables[i].r.name, row->name) == 0)
            return &set->tables[i];
    return NULL;
}

static int drop_one_detached(archival_job *job, const cold_table *parent, const cold_table *t, lb_error *err)
{
    const archival_drop_partition_args drop = {t->r.schema, t->r.name};
    const char *label = cold_label(job->ctx, t), *held = cold_held(job->options->policy, t);
    lb_value tables = {.type = LB_END};
    lb_group *group = NULL;
    if (!label)
        return lb_out_of_memory(err);
    if (held)
        return lb_skipped(job->ctx, label, held, err);
    int r = archival_tables_of(job, t, parent, &tables, err);
    if (r < 0)
        return r;
    r = lb_group_open(job->ctx,
                      LB_GROUP(.title = lb_printf(job->ctx, "drop %s, which was an empty partition", label),
                               .reason = "it was closed and detached by a run that was broken off, and holds no row",
                               .evidence = LB_ARGS(lb_text("was_of", job->source.label), tables, archival_held_by()),
                               .undo = "make it again, empty", .atomic = true),
                      &group, err);
    if (r >= 0)
        r = archival_drop_partition(job->ctx, group, &drop, err);
    return r < 0 ? r : apply(job, label, group, err);
}

/* Of an earlier run that was broken off between the two. */
static int drop_detached(archival_job *job, const cold_table *parent, lb_error *err)
{
    const archival_closed_tables_args args = {.constraint = constraint_of(job->ctx, parent)};
    archival_closed_tables_row row;
    lb_rows *rows = NULL;
    int r = args.constraint ? archival_closed_tables(job->ctx, &args, &rows, err) : lb_out_of_memory(err);
    while (r >= 0 && archival_closed_tables_next(job->ctx, rows, &row)) {
        const cold_table *t = find(job->set, &row);
        if (t) /* else it has come since this run looked, and is for the next one */
            r = drop_one_detached(job, parent, t, err);
    }
    return r;
}

int archival_drop_partitions(archival_job *job, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < job->set->count; i++) {
        const cold_table *leaf = &job->set->tables[i];
        leaving l = {.is_empty = false};
        if (cold_root(leaf) == job->source.table && leaf->r.kind[0] == 'p')
            r = drop_detached(job, leaf, err);
        if (r < 0 || leaf->r.kind[0] != 'r' || !leaf->parent || cold_root(leaf) != job->source.table ||
            !cold_is_past(job->set, leaf) || cold_obstacle(job->options->policy, leaf))
            continue;
        r = look(job->ctx, job->set, leaf, &l, err);
        const char *why = r < 0 || !l.is_empty ? NULL : why_it_stays(job->ctx, &l);
        if (why)
            r = lb_skipped(job->ctx, l.label, why, err);
        else if (r >= 0 && l.is_empty)
            r = let_go(job, &l, err);
    }
    return r;
}
