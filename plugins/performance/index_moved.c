#include "index_moved.h"

#include <sql/index/states.h>
#include <stdlib.h>

/* In the order of the tables' numbers, as they were read. */
struct index_table_states {
    index_states_row *rows;
    size_t count;
};

static int read_states(lb_ctx *ctx, const index_states_args *args, struct index_table_states *ret_states, lb_error *err)
{
    lb_rows *rows = NULL;
    int r = index_states(ctx, args, &rows, err);
    if (r < 0)
        return lb_wrap(err, "what tables are");
    ret_states->rows = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *ret_states->rows);
    ret_states->count = 0;
    if (!ret_states->rows)
        return lb_out_of_memory(err);
    while (index_states_next(ctx, rows, &ret_states->rows[ret_states->count]))
        ret_states->count++;
    return 0;
}

static int by_table(const void *a, const void *b)
{
    int64_t x = ((const index_states_row *)a)->table_id, y = ((const index_states_row *)b)->table_id;
    return (x > y) - (x < y);
}

static index_states_row *find_state(const index_trial *trial, int64_t table_id)
{
    const index_states_row key = {.table_id = table_id};
    return trial->states && trial->states->count
               ? bsearch(&key, trial->states->rows, trial->states->count, sizeof key, by_table)
               : NULL;
}

int index_note_states(index_trial *trial, lb_error *err)
{
    trial->states = lb_alloc(trial->ctx, sizeof *trial->states);
    return trial->states ? read_states(trial->ctx, &(index_states_args){.table_id_is_null = true}, trial->states, err)
                         : lb_out_of_memory(err);
}

/* NULL in *ret_state: there is no such table. */
static int read_state(const index_trial *trial, const index_table *table, const char **ret_state, lb_error *err)
{
    struct index_table_states now = {0};
    int r = read_states(trial->ctx, &(index_states_args){.table_id = table->r.table_id}, &now, err);
    *ret_state = r >= 0 && now.count ? now.rows[0].state : NULL;
    return r;
}

int index_has_moved(const index_trial *trial, const index_table *table, bool *ret_moved, lb_error *err)
{
    const index_states_row *then = find_state(trial, table->r.table_id);
    const char *now = NULL;
    *ret_moved = false;
    if (!trial->branch)
        return 0;
    int r = read_state(trial, table, &now, err);
    *ret_moved = r >= 0 && (!then || !now || strcmp(then->state, now) != 0);
    return r;
}

void index_note_state(index_trial *trial, const index_table *table)
{
    index_states_row *then = find_state(trial, table->r.table_id);
    const char *now = NULL;
    lb_error unknown;
    if (then)
        then->state = read_state(trial, table, &now, &unknown) >= 0 && now ? now : "";
}
