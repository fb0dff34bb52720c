#include "idle_evidence.h"

#include <sql/cost/compute_price.h>
#include <sql/cost/sights.h>
#include <string.h>

#define SECOND    INT64_C(1000000)
#define DAY       (86400 * SECOND)
#define SNAPSHOTS "pg_stat_statements_dealloc_at_snapshot" /* each reading of the statements leaves one */

static void take(const idle_wish *wish, const idle_evidence *e, const cost_sights_row *row, idle_sight *sights,
                 size_t *n)
{
    bool is_of_statements = strcmp(row->source, "statements") == 0;
    idle_state state = IDLE_ASLEEP;
    if (strcmp(row->source, "asleep") != 0)
        state = row->activity > (is_of_statements ? wish->quiet_calls : 0) ? IDLE_ACTIVE : IDLE_QUIET;
    if (state == IDLE_QUIET && !is_of_statements && e->sees_statements)
        return; /* that nobody worked at that moment says nothing of the minutes before */
    sights[(*n)++] = (idle_sight){row->seen_at, state};
}

static int read_sights(lb_ctx *ctx, const idle_wish *wish, idle_evidence *e, lb_error *err)
{
    const lb_target *t = lb_run_target(ctx);
    const cost_sights_args wanted = {
        .project = t->project, .branch = t->branch, .snapshots = SNAPSHOTS, .since = lb_now(ctx) - wish->days * DAY};
    lb_rows *rows = NULL;
    size_t n = 0, have = 0;
    int r = cost_sights(ctx, &wanted, &rows, err);
    if (r < 0)
        return r;
    size_t room = (size_t)lb_row_count(ctx, rows) + 1;
    cost_sights_row *all = lb_alloc(ctx, room * sizeof *all);
    idle_sight *sights = lb_alloc(ctx, room * sizeof *sights);
    double *lengths = lb_alloc(ctx, room * sizeof *lengths);
    if (!all || !sights || !lengths)
        return lb_out_of_memory(err);
    while (have + 1 < room && cost_sights_next(ctx, rows, &all[have]))
        e->sees_statements |= strcmp(all[have++].source, "statements") == 0;
    for (size_t i = 0; i < have; i++)
        take(wish, e, &all[i], sights, &n);
    e->sights = (int64_t)n;
    idle_gaps_find(sights, n, wish->most_silence_minutes * 60 * SECOND, lengths, &e->gaps);
    return 0;
}

static int read_price(lb_ctx *ctx, const idle_wish *wish, idle_evidence *e, lb_error *err)
{
    const cost_compute_price_args wanted = {.project = lb_run_target(ctx)->project};
    cost_compute_price_row row;
    lb_rows *rows = NULL;
    if (wish->price_per_dbu > 0) {
        e->price_per_dbu = wish->price_per_dbu;
        e->price_from = "the parameter price_per_dbu";
        return 0;
    }
    int r = cost_compute_price(ctx, &wanted, &rows, err);
    if (r >= 0 && cost_compute_price_next(ctx, rows, &row)) {
        e->price_per_dbu = row.list_price_is_null ? 0 : row.list_price;
        e->currency = row.currency;
        e->price_from = row.sku_name;
    }
    return r;
}

int idle_evidence_read(lb_ctx *ctx, const idle_wish *wish, idle_evidence *ret_evidence, const char **ret_why,
                       lb_error *err)
{
    memset(ret_evidence, 0, sizeof *ret_evidence);
    *ret_why = NULL;
    int r = read_sights(ctx, wish, ret_evidence, err);
    if (r >= 0)
        r = read_price(ctx, wish, ret_evidence, err);
    if (!lb_no_history(r))
        return r < 0 ? lb_wrap(err, "history") : r;
    *ret_why = lb_printf(ctx, "there is no history: %s", err->message);
    return *ret_why ? 0 : lb_out_of_memory(err);
}
