/* How long the server has counted, and whether somebody counts elsewhere: the ground of every verdict on use. */
#include "index_model.h"

#include <json-c/json.h>

#define DAY ((double)86400 * 1000000)

/* Endpoints of the branch that only read: their scans are counted on their own servers. */
static int64_t count_readers(struct json_object *reply)
{
    struct json_object *endpoints = NULL, *status = NULL, *type = NULL;
    int64_t readers = 0;
    if (!json_object_object_get_ex(reply, "endpoints", &endpoints) || !json_object_is_type(endpoints, json_type_array))
        return 0;
    for (size_t i = 0; i < json_object_array_length(endpoints); i++) {
        struct json_object *endpoint = json_object_array_get_idx(endpoints, i);
        bool is_reader = json_object_object_get_ex(endpoint, "status", &status) &&
                         json_object_object_get_ex(status, "endpoint_type", &type) &&
                         strcmp(json_object_get_string(type), "ENDPOINT_TYPE_READ_ONLY") == 0;
        readers += is_reader;
    }
    return readers;
}

/* A server without a control plane says nothing; its own list of standbys has to do. */
static int look_elsewhere(lb_ctx *ctx, index_window *w, lb_error *err)
{
    const lb_target *target = lb_run_target(ctx);
    const char *json = NULL;
    const lb_request request = {
        .method = "GET", .path = lb_printf(ctx, "projects/%s/branches/%s/endpoints", target->project, target->branch)};
    int r = lb_control(ctx, &request, &json, err);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_NO_MEMORY)
        return r;
    struct json_object *reply = r < 0 ? NULL : json_tokener_parse(json);
    int64_t readers = count_readers(reply);
    bool is_known = reply || w->r.sees_all_statistics;
    (void)json_object_put(reply);
    w->other_computes = readers > w->r.standbys ? readers : w->r.standbys;
    w->elsewhere = w->other_computes > 0 ? INDEX_ELSEWHERE_UNREAD
                   : is_known            ? INDEX_ELSEWHERE_NONE
                                         : INDEX_ELSEWHERE_UNKNOWN;
    return 0;
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
    w.since = !w.r.stats_reset_is_null && w.r.stats_reset > w.r.server_started ? w.r.stats_reset : w.r.server_started;
    w.days = w.r.now > w.since ? (double)(w.r.now - w.since) / DAY : 0;
    r = look_elsewhere(ctx, &w, err);
    if (r >= 0)
        *ret_window = w;
    return r;
}
