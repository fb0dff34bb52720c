#include "branch_census.h"

#include "branch_life.h"

#include <sql/branch/known.h>

#define SECOND    INT64_C(1000000)
#define LOOK_BACK (INT64_C(365) * 86400 * SECOND) /* as long as such rows are kept */
#define SKEW      (600 * SECOND)                  /* between the platform's clock and ours */

struct branch_memory {
    branch_known_row *rows;
    size_t count;
};

int branch_census_begin(lb_ctx *ctx, branch_census *census, lb_error *err)
{
    const branch_known_args args = {.since = lb_now(ctx) - LOOK_BACK};
    lb_rows *rows = NULL;
    int r = lb_history_or_skip(ctx, branch_known(ctx, &args, &rows, err), "branches that nobody wrote down", NULL, err);
    if (r <= 0)
        return r;
    branch_memory *memory = lb_alloc(ctx, sizeof *memory);
    branch_known_row *items = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *items);
    if (!memory || !items)
        return lb_out_of_memory(err);
    *memory = (branch_memory){.rows = items};
    while (branch_known_next(ctx, rows, &items[memory->count]))
        memory->count++;
    census->memory = memory;
    return 0;
}

/* ---- there, and unknown ---- */

/* A row from an approval has no identifier yet: there it is the name, and that it is not older than the branch. */
static bool is_row_of(const branch_known_row *row, const char *project, const plane_branch *b)
{
    if (strcmp(row->project_id, project) != 0)
        return false;
    if (row->branch_uid)
        return b->uid && strcmp(row->branch_uid, b->uid) == 0;
    return strcmp(row->branch_id, b->id) == 0 && !row->made_at_is_null && row->made_at >= b->created_at - SKEW;
}

static bool is_known(const branch_memory *memory, const char *project, const plane_branch *b)
{
    for (size_t i = 0; i < memory->count; i++)
        if (is_row_of(&memory->rows[i], project, b))
            return true;
    return false;
}

static int write_made(lb_ctx *ctx, branch_census *census, const char *project, const plane_branch *b, lb_error *err)
{
    lb_error unknown;
    const branch_kind *kind = branch_kind_of_name(census->policy, b->id, &unknown);
    const branch_event event = {.project = project,
                                .branch = b->id,
                                .type = "created",
                                .source = b->source,
                                .uid = b->uid,
                                .kind = kind ? kind->kind : NULL,
                                .reason = "it is there, and who made it did not write it down",
                                .ttl_s = b->expires_at != LB_TIME_NONE ? (b->expires_at - b->created_at) / SECOND : 0,
                                .expires_at = b->expires_at,
                                .at = b->created_at,
                                .is_protected = b->is_protected};
    census->made++;
    return branch_record_seen(ctx, &event, err);
}

/* A root comes and goes with its project. */
static bool has_settled(lb_ctx *ctx, const branch_census *census, const plane_branch *b)
{
    return b->source && b->uid && !b->is_deleted && b->created_at != LB_TIME_NONE &&
           b->created_at <= lb_now(ctx) - census->settle_s * SECOND && b->created_at > lb_now(ctx) - LOOK_BACK;
}

/* ---- known, and gone ---- */

static bool is_there(const plane_branches *branches, const char *uid)
{
    for (size_t i = 0; i < branches->count; i++)
        if (branches->items[i].uid && strcmp(branches->items[i].uid, uid) == 0)
            return true;
    return false;
}

static int write_gone(lb_ctx *ctx, branch_census *census, const branch_known_row *row, lb_error *err)
{
    const branch_event event = {.project = row->project_id,
                                .branch = row->branch_id,
                                .type = "deleted",
                                .uid = row->branch_uid,
                                .reason = "it is not there any more, and who deleted it did not write it down",
                                .expires_at = LB_TIME_NONE,
                                .at = lb_now(ctx)};
    census->gone++;
    return branch_record_seen(ctx, &event, err);
}

int branch_census_take(lb_ctx *ctx, branch_census *census, const char *project, const plane_branches *branches,
                       lb_error *err)
{
    const branch_memory *memory = census->memory;
    int r = 0;
    for (size_t i = 0; memory && r >= 0 && i < branches->count; i++) {
        const plane_branch *b = &branches->items[i];
        if (has_settled(ctx, census, b) && !is_known(memory, project, b))
            r = write_made(ctx, census, project, b, err);
    }
    for (size_t i = 0; memory && r >= 0 && i < memory->count; i++) {
        const branch_known_row *row = &memory->rows[i];
        bool is_settled = row->last_at <= lb_now(ctx) - census->settle_s * SECOND;
        if (row->branch_uid && is_settled && strcmp(row->project_id, project) == 0 &&
            !is_there(branches, row->branch_uid))
            r = write_gone(ctx, census, row, err);
    }
    return r;
}
