/* What the indexes cost that recommendations are about: their part of what their branch's storage costs. What they cost
 * those who write, and save those who read, stands with the recommendation. */
#include "cost_shares.h"

#include "branch_json.h"

#include <math.h>
#include <sql/cost/index_sizes.h>
#include <stdlib.h>
#include <string.h>

#define MONTH 30.0

typedef struct index_cost {
    cost_index_sizes_row row;
    const cost_account *account;
    double bytes, share, a_month; /* share and a_month NAN: the branch's size or bill is not known */
} index_cost;

static bool is_made(const cost_index_sizes_row *row)
{
    return strncmp(row->recommendation_type, "create", strlen("create")) == 0;
}

/* Of a proposed index what it would add, of another what its going would free; below 0: that is not known. */
static double bytes_of(lb_ctx *ctx, const cost_index_sizes_row *row)
{
    lb_error ignored;
    struct json_object *impact = row->impact ? branch_json_keep(ctx, row->impact, &ignored) : NULL, *bytes = NULL;
    return impact && json_object_object_get_ex(impact, is_made(row) ? "bytes_added" : "bytes", &bytes)
               ? json_object_get_double(bytes)
               : -1;
}

static void price(const cost_book *b, index_cost *i)
{
    const cost_account *a = i->account;
    double days = a ? (double)(b->last_day - b->first_day - a->first + 1) : 0;
    bool is_known = a && !i->row.branch_bytes_is_null && i->row.branch_bytes > 0;
    i->share = is_known ? fmin(1, i->bytes / i->row.branch_bytes) : NAN;
    i->a_month = is_known && days > 0 ? a->storage / days * MONTH * i->share : NAN;
}

/* The dearest first, then the largest. */
static int compare(const void *x, const void *y)
{
    const index_cost *a = x, *b = y;
    double left = isnan(a->a_month) ? -1 : a->a_month, right = isnan(b->a_month) ? -1 : b->a_month;
    return left != right ? (left < right) - (left > right) : (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

static int tell(lb_ctx *ctx, const index_cost *i, const char *currency, lb_error *err)
{
    const cost_index_sizes_row *row = &i->row;
    const char *name = row->branch_id ? lb_printf(ctx, "%s/%s", row->project_id, row->branch_id) : row->project_id;
    bool is_there = !is_made(row) || strcmp(row->status, "executed") == 0 || strcmp(row->status, "kept") == 0;
    return lb_append(ctx, "indexes",
                     LB_ARGS(lb_text("name", name), lb_text("schema", row->schema_name),
                             lb_text("table", row->table_name), lb_text("index", row->index_name),
                             lb_text("recommendation", row->recommendation_type), lb_text("status", row->status),
                             lb_bool("is_there", is_there), lb_f64("bytes", i->bytes),
                             isnan(i->share) ? lb_null("storage_share") : lb_f64("storage_share", i->share),
                             isnan(i->a_month) ? lb_null("cost_a_month") : lb_f64("cost_a_month", i->a_month),
                             lb_text("currency", currency)),
                     err);
}

int cost_tell_indexes(lb_ctx *ctx, const cost_book *b, int64_t most, const char *currency, lb_error *err)
{
    const cost_index_sizes_args wanted = {.since = b->first_day * COST_DAY_US};
    index_cost *all = NULL;
    size_t count = 0;
    lb_rows *rows = NULL;
    int r = cost_index_sizes(ctx, &wanted, &rows, err);
    if (lb_no_history(r))
        return lb_skipped(ctx, "cost of indexes", err->message, err);
    if (r < 0)
        return lb_wrap(err, "cost of indexes");
    all = lb_alloc(ctx, ((size_t)lb_row_count(ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    for (index_cost *i = all; cost_index_sizes_next(ctx, rows, &i->row); i = all + count) {
        i->account = cost_account_of(b, i->row.project_id, i->row.branch_id);
        i->bytes = bytes_of(ctx, &i->row);
        price(b, i);
        count += i->bytes >= 0;
    }
    qsort(all, count, sizeof *all, compare);
    for (size_t k = 0; r >= 0 && k < count && k < (size_t)most; k++)
        r = tell(ctx, all + k, currency, err);
    return r;
}
