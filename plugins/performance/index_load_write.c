/* What one more index adds to the log of those who write. The statement undoes itself by failing at its end, and says
 * there what it has counted: nothing of it can stay. */
#include "index_load.h"

#include <sql/index/trial_hindrance.h>
#include <sql/index/trial_write.h>
#include <stdlib.h>

#define ROWS  INT64_C(200)
#define FAILS "22P02" /* what is no number is made one */
#define TIMES 3       /* the least counts: the first write after a checkpoint logs whole pages */
#define WORD  "\"lbops "

double index_load_read_write(const char *message)
{
    const char *at = strstr(message, WORD);
    char *end = NULL;
    if (!at)
        return -1;
    double rows = strtod(at + strlen(WORD), &end), bytes = strtod(end, &end);
    return *end == '"' && rows >= 1 && bytes >= 0 ? bytes / rows : -1;
}

static int find_hindrance(lb_ctx *ctx, const index_table *table, const char **ret_why, lb_error *err)
{
    const index_trial_hindrance_args args = {.schema = table->r.schema, .table = table->r.name};
    index_trial_hindrance_row row = {0};
    lb_rows *rows = NULL;
    int r = index_trial_hindrance(ctx, &args, &rows, err);
    if (r >= 0 && index_trial_hindrance_next(ctx, rows, &row) && (row.triggers || row.rules))
        *ret_why = "the table has triggers or rules, which would do what is not known";
    return r;
}

static bool is_fatal(int r)
{
    return r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY;
}

static int write_once(lb_ctx *ctx, const index_table *table, const char *column, lb_error *err)
{
    lb_outcome outcome = LB_REFUSED;
    const lb_value *args = LB_ARGS(lb_ident("schema", table->r.schema), lb_ident("table", table->r.name),
                                   lb_ident("column", column), lb_i64("most", ROWS));
    int r = lb_change_one(ctx,
                          LB_GROUP(.title = "write some rows, which its failure undoes",
                                   .reason = "to see what they add to the log",
                                   .undo = "none is needed: it undoes itself", .undone_by = FAILS),
                          &index_trial_write_sql, args, &outcome, err);
    return r < 0 || outcome == LB_APPLIED
               ? r
               : lb_fail(err, LB_ERR_DENIED, "see the gate's rules for the branch", "the gate did not let it be done");
}

int index_load_write(lb_ctx *ctx, const index_table *table, const char *column, double *ret_bytes, const char **ret_why,
                     lb_error *err)
{
    double least = -1;
    *ret_bytes = -1;
    *ret_why = NULL;
    int r = find_hindrance(ctx, table, ret_why, err);
    for (int i = 0; i < TIMES && r >= 0 && !*ret_why; i++) {
        r = write_once(ctx, table, column, err);
        double bytes = r < 0 ? index_load_read_write(err->message) : -1;
        if (is_fatal(r))
            return r;
        if (bytes < 0)
            *ret_why = r < 0 ? lb_printf(ctx, "rows could not be written: %s", err->message) : "no rows were written";
        least = least < 0 || bytes < least ? bytes : least;
        r = 0;
    }
    *ret_bytes = *ret_why ? -1 : least;
    return r;
}
