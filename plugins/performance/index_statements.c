#include "index_statements.h"

#include <limits.h>
#include <sql/index/statements_counted.h>
#include <sql/index/statements_counted_older.h>
#include <sql/index/statements_since.h>
#include <stdlib.h>

#define APART 0.1 /* of the shorter time, at most, that one of two counts may have begun before the other */

bool index_statements_are_older(const char *version)
{
    char *end = NULL;
    long major = version ? strtol(version, &end, 10) : LONG_MAX;
    return major < 1 || (major == 1 && *end == '.' && strtol(end + 1, NULL, 10) < 8);
}

int index_ask_statements(index_work *work, index_statements_args *wish, lb_rows **ret_rows, lb_error *err)
{
    const index_observation_row *w = &work->set->window.r;
    const index_statements_counted_args now = {.schema = w->statements_schema};
    const index_statements_counted_older_args then = {.schema = w->statements_schema};
    int r = index_statements_are_older(w->statements_version)
                ? index_statements_counted_older_compose(work->ctx, &then, &wish->counted, err)
                : index_statements_counted_compose(work->ctx, &now, &wish->counted, err);
    return r < 0 ? r : index_statements(work->ctx, wish, ret_rows, err);
}

int index_ask_counting(index_work *work, index_counting *ret_counting, lb_error *err)
{
    const index_statements_since_args args = {.schema = work->set->window.r.statements_schema};
    index_statements_since_row row;
    lb_rows *rows = NULL;
    *ret_counting = (index_counting){.evictions = -1};
    if (!args.schema)
        return 0;
    int r = index_statements_since(work->ctx, &args, &rows, err);
    if (r >= 0 && index_statements_since_next(work->ctx, rows, &row))
        *ret_counting = (index_counting){row.since, row.evictions};
    return r == LB_ERR_SQL || r == LB_ERR_DENIED || r == LB_ERR_CONFLICT ? 0 : r; /* older than 1.9, or not loaded */
}

bool index_counts_agree(const index_window *w, int64_t statements_since)
{
    int64_t writes_since = w->r.stats_reset_is_null ? 0 : w->r.stats_reset;
    int64_t later = writes_since > statements_since ? writes_since : statements_since,
            earlier = writes_since > statements_since ? statements_since : writes_since;
    return earlier > 0 && w->r.now > later && (double)(later - earlier) <= APART * (double)(w->r.now - later);
}
