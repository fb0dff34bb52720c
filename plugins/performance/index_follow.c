/* A recommendation goes from pending_review to executed, however that came about, and from there to kept or reverted.
 */
#include "index_follow.h"

#include <stdlib.h>

#define DAY       INT64_C(86400000000)
#define LOOK_BACK INT64_C(365)
#define DOUBT     4 /* decisions that it takes to be half sure of people's taste */

int index_read_pasts(lb_ctx *ctx, index_pasts *ret_pasts, const char **ret_why, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const index_recommended_args args = {
        .project = target->project, .branch = target->branch, .since = lb_now(ctx) - LOOK_BACK * DAY};
    lb_error why = {0};
    lb_rows *rows = NULL;
    *ret_pasts = (index_pasts){0};
    int r = index_recommended(ctx, &args, &rows, &why);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY) {
        *err = why;
        return r;
    }
    if (r < 0) {
        *ret_why = lb_printf(ctx, "there is no history to ask: %s", why.message);
        return *ret_why ? 0 : lb_out_of_memory(err);
    }
    ret_pasts->items = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *ret_pasts->items);
    if (!ret_pasts->items)
        return lb_out_of_memory(err);
    while (index_recommended_next(ctx, rows, &ret_pasts->items[ret_pasts->count].r))
        ret_pasts->count++;
    return 0;
}

index_past *index_find_past(const index_pasts *pasts, const char *recommendation_id)
{
    for (size_t i = 0; i < pasts->count; i++)
        if (strcmp(pasts->items[i].r.recommendation_id, recommendation_id) == 0)
            return &pasts->items[i];
    return NULL;
}

/* ---- learning ---- */

/* Between -1 (all were rejected or taken back) and 1 (all were wanted); a few say little. */
static double standing_of(const index_pasts *pasts, const char *type)
{
    double good = 0, bad = 0;
    for (size_t i = 0; i < pasts->count; i++) {
        const char *status = pasts->items[i].r.status;
        if (strcmp(pasts->items[i].r.recommendation_type, type) != 0)
            continue;
        good += strcmp(status, "executed") == 0 || strcmp(status, "kept") == 0;
        bad += strcmp(status, "rejected") == 0 || strcmp(status, "reverted") == 0;
    }
    return (good - bad) / (good + bad + DOUBT);
}

const lb_term *index_learned_terms(lb_ctx *ctx, const index_pasts *pasts, const index_finding *finding,
                                   const index_past *past)
{
    size_t count = 0;
    while (finding->terms[count].name)
        count++;
    lb_term *terms = lb_alloc(ctx, (count + 3) * sizeof *terms);
    if (!terms)
        return NULL;
    memcpy(terms, finding->terms, count * sizeof *terms);
    double standing = finding->type ? standing_of(pasts, finding->type) : 0;
    bool refused = past && (strcmp(past->r.status, "rejected") == 0 || strcmp(past->r.status, "reverted") == 0);
    if (standing != 0)
        terms[count++] = (lb_term){"earlier_ones_of_its_kind", 0.1 * standing};
    if (refused)
        terms[count++] = (lb_term){"it_was_rejected_before", -0.2};
    return terms;
}

/* ---- following ---- */

static const index_info *index_named(const index_set *set, const index_recommended_row *r)
{
    for (size_t i = 0; r->index_name && i < set->index_count; i++)
        if (strcmp(set->indexes[i].r.name, r->index_name) == 0 && strcmp(set->indexes[i].r.schema, r->schema_name) == 0)
            return &set->indexes[i];
    return NULL;
}

static bool has_status(const index_past *past, const char *status)
{
    return strcmp(past->r.status, status) == 0;
}

static const char *after_creation(const index_past *past, const index_info *x, bool is_due, const char **ret_why)
{
    bool done = has_status(past, "executed");
    if (!done && x && index_is_whole(x)) {
        *ret_why = "the index is there";
        return "executed";
    }
    if (done && !x) {
        *ret_why = "the index is gone again";
        return "reverted";
    }
    if (done && is_due && x->tree_scans > 0) {
        *ret_why = "the index is used";
        return "kept";
    }
    return NULL; /* one that is not used is told as unused, in its time */
}

static const char *after_drop(const index_past *past, const index_info *x, bool is_due, const char **ret_why)
{
    bool done = has_status(past, "executed");
    if (!done && !x) {
        *ret_why = "the index is gone";
        return "executed";
    }
    if (done && x) {
        *ret_why = "somebody has made the index again";
        return "reverted";
    }
    if (done && is_due) {
        *ret_why = "nobody has made the index again";
        return "kept";
    }
    return NULL;
}

/* Not to have found it again is proof only where the catalogue alone decides: counts are forgotten, statements too. */
static bool no_longer_holds(const index_past *past, const index_info *x)
{
    const char *type = past->r.recommendation_type;
    if (past->is_seen || strcmp(type, "create_missing") == 0 || (x && index_is_locked(x)))
        return false;
    return strcmp(type, "drop_unused") != 0 || (x && x->tree_scans > 0);
}

const char *index_next_state(const index_set *set, const index_past *past, double keep_days, bool all, int64_t now,
                             const char **ret_why)
{
    bool is_open = has_status(past, "pending_review") || has_status(past, "approved"),
         done = has_status(past, "executed");
    if (!is_open && !done)
        return NULL;
    const char *type = past->r.recommendation_type, *next = NULL;
    const index_info *x = index_named(set, &past->r);
    bool is_due = (double)(now - past->r.updated_at) >= keep_days * (double)DAY;
    if (strncmp(type, "create", 6) == 0)
        next = after_creation(past, x, is_due, ret_why);
    else if (strncmp(type, "drop", 4) == 0)
        next = after_drop(past, x, is_due, ret_why);
    if (!next && is_open && all && no_longer_holds(past, x)) {
        *ret_why = "the finding no longer holds";
        next = "obsolete";
    }
    return next;
}
