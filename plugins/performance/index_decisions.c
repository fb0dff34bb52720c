#include "index_decisions.h"

#include "index_store.h"

#include <sql/diagnose/decisions.h>

#define ASKS "generate_index_recommendation"
#define YEAR (INT64_C(365) * 86400000000)

const char *index_title(lb_ctx *ctx, const char *type, const char *object, const char *database)
{
    return database ? lb_printf(ctx, "%s: %s in %s", type, object, database) : lb_printf(ctx, "%s: %s", type, object);
}

static const char *title_of(lb_ctx *ctx, const index_past *past)
{
    const char *object = index_object_of_past(ctx, past);
    return object ? index_title(ctx, past->r.recommendation_type, object, past->database) : NULL;
}

static bool may_be_meant(const index_past *past, const diagnose_decisions_row *said)
{
    bool is_open = strcmp(past->r.status, "pending_review") == 0 || strcmp(past->r.status, "approved") == 0;
    return (is_open || strcmp(past->r.status, "rejected") == 0) && said->decided_at >= past->r.created_at;
}

/* NULL: none, or it is not known which: two indexes that a table is to get are asked for under one title. */
static index_past *find_meant(index_pasts *pasts, const char *const *titles, const diagnose_decisions_row *said)
{
    index_past *found = NULL;
    for (size_t i = 0; i < pasts->count; i++) {
        if (strcmp(titles[i], said->title) != 0 || !may_be_meant(&pasts->items[i], said))
            continue;
        if (found)
            return NULL;
        found = &pasts->items[i];
    }
    return found;
}

static int take(lb_ctx *ctx, index_past *past, const char *status, const char *why, lb_error *err)
{
    const char *was = past->r.status;
    int r = why ? index_store_step(ctx, &past->r, status, why, past->r.evidence, err) : lb_out_of_memory(err);
    if (r >= 0)
        r = lb_append(ctx, "followed",
                      LB_ARGS(lb_text("recommendation_id", past->r.recommendation_id), lb_text("was", was),
                              lb_text("status", status), lb_text("reason", why), lb_text("index", past->r.index_name),
                              lb_null("undo")),
                      err);
    past->r.status = status;
    past->r.updated_at = lb_now(ctx);
    return r;
}

static int hear(lb_ctx *ctx, index_past *past, const diagnose_decisions_row *said, lb_error *err)
{
    const char *who = said->decided_by ? said->decided_by : "somebody";
    bool is_news = strcmp(past->r.status, "rejected") != 0;
    bool rebuilds = strncmp(past->r.recommendation_type, "reindex", 7) == 0;
    past->is_denied = strcmp(said->status, "denied") == 0;
    if (past->is_denied && is_news)
        return take(ctx, past, "rejected", lb_printf(ctx, "%s said no to it", who), err);
    if (rebuilds && is_news && strcmp(said->status, "executed") == 0)
        return take(ctx, past, "executed", lb_printf(ctx, "%s said yes to it, and it was done", who), err);
    return 0;
}

static const char **titles_of(lb_ctx *ctx, const index_pasts *pasts)
{
    const char **titles = lb_alloc(ctx, (pasts->count + 1) * sizeof *titles);
    for (size_t i = 0; titles && i < pasts->count; i++)
        if (!(titles[i] = title_of(ctx, &pasts->items[i])))
            return NULL;
    return titles;
}

int index_hear_people(lb_ctx *ctx, index_pasts *pasts, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const diagnose_decisions_args args = {
        .project = target->project, .branch = target->branch, .tool = ASKS, .since = lb_now(ctx) - YEAR};
    diagnose_decisions_row said;
    lb_rows *rows = NULL;
    if (!pasts->count)
        return 0;
    const char **titles = titles_of(ctx, pasts);
    if (!titles)
        return lb_out_of_memory(err);
    int r = lb_history_or_skip(ctx, diagnose_decisions(ctx, &args, &rows, err), NULL, NULL, err);
    while (r > 0 && diagnose_decisions_next(ctx, rows, &said)) {
        index_past *past = find_meant(pasts, titles, &said);
        int one = past ? hear(ctx, past, &said, err) : 0;
        r = one < 0 ? one : r;
    }
    return r < 0 ? r : 0;
}
