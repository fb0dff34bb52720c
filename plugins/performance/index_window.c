/* How long the server has counted, and whether somebody counts elsewhere: the ground of every verdict on use. */
#include "index_readers.h"

#define DAY ((double)86400 * 1000000)

/* A server without a control plane says nothing; its own list of standbys has to do. One that has a control plane which
 * does not answer may have computes that sleep, and follow nobody just now. */
static int look_elsewhere(lb_ctx *ctx, index_window *w, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const char *json = NULL;
    const lb_request request = {
        .method = "GET", .path = lb_printf(ctx, "projects/%s/branches/%s/endpoints", target->project, target->branch)};
    int r = lb_control(ctx, &request, &json, err);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_NO_MEMORY)
        return r;
    bool has_none = r == LB_ERR_UNSUPPORTED || r == LB_ERR_NOT_FOUND;
    w->elsewhere = r >= 0 || (has_none && w->r.sees_all_statistics) ? INDEX_ELSEWHERE_NONE : INDEX_ELSEWHERE_UNKNOWN;
    w->no_list = r >= 0 || has_none ? NULL : lb_printf(ctx, "%s", err->message);
    return index_list_readers(ctx, w, r < 0 ? NULL : json, err);
}

int64_t index_counted_since(const index_observation_row *seen)
{
    return !seen->stats_reset_is_null && seen->stats_reset > seen->server_started ? seen->stats_reset
                                                                                  : seen->server_started;
}

int index_read_window(lb_ctx *ctx, index_window *ret_window, lb_error *err)
{
    lb_rows *rows = NULL;
    index_window w = {0};
    int r = index_observation(ctx, &rows, err);
    if (r < 0)
        return lb_wrap(err, "statistics age");
    if (!index_observation_next(ctx, rows, &w.r))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the server did not say how long it has counted");
    w.since = w.own_since = index_counted_since(&w.r);
    w.days = w.own_days = w.r.now > w.since ? (double)(w.r.now - w.since) / DAY : 0;
    r = look_elsewhere(ctx, &w, err);
    if (r >= 0)
        *ret_window = w;
    return r;
}
