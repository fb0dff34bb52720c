/* The procedures that change nothing: they keep evidence for a person, or advise. */
#include "health_sop.h"

#include <sql/health/lock_chain.h>
#include <sql/health/memory_settings.h>
#include <sql/health/replication.h>

#include <math.h>

static const char *text_of(const lb_value *cell)
{
    return cell->type == LB_NULL ? NULL : cell->v.text;
}

static int keep_chain(lb_ctx *ctx, health_deed *deed, lb_error *err)
{
    health_lock_chain_row row;
    lb_rows *rows = NULL;
    struct json_object *chain = json_object_new_array();
    double longest = 0;
    int r = chain ? health_lock_chain(ctx, &rows, err) : lb_out_of_memory(err);
    while (r >= 0 && health_lock_chain_next(ctx, rows, &row)) {
        const lb_value *facts =
            LB_ARGS(lb_i64("pid", row.pid), lb_text("user", row.user_name), lb_text("application", row.application),
                    lb_f64("waits_s", row.seconds), lb_text("mode", row.mode), lb_text("object", row.object),
                    lb_text("blocked_by", row.blocked_by), lb_bool("root", row.root), lb_text("state", row.state),
                    row.state_seconds_is_null ? lb_null("state_s") : lb_f64("state_s", row.state_seconds),
                    lb_text("queryid", row.query_id));
        struct json_object *one = json_object_new_object();
        (void)json_object_object_add(one, "pid", json_object_new_int64(row.pid));
        (void)json_object_object_add(one, "root", json_object_new_boolean(row.root));
        (void)json_object_object_add(one, "blocked_by", json_object_new_string(row.blocked_by));
        (void)json_object_object_add(one, "waits_s", json_object_new_double(row.seconds));
        (void)json_object_array_add(chain, one);
        longest = row.seconds > longest ? row.seconds : longest;
        deed->count++;
        r = lb_append(ctx, "chain", facts, err);
    }
    const health_figure figure = {.name = health_alert_rules[HEALTH_LOCK_WAIT].metric,
                                  .value = longest,
                                  .interval_s = NAN,
                                  .detail_json = lb_printf(ctx, "{\"chain\":%s}", json_object_to_json_string(chain))};
    json_object_put(chain);
    return r < 0 || !deed->count ? r : health_record(ctx, &figure, lb_now(ctx), err);
}

int health_log_chain(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    deed->action = health_alert_rules[what->id].sop;
    int r = keep_chain(ctx, deed, err);
    deed->status = deed->count ? "recorded" : "nothing_to_do";
    deed->reason = deed->count ? NULL : "nobody waits for a lock now";
    return r;
}

int health_advise_size(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    health_memory_settings_row m;
    lb_rows *rows = NULL;
    (void)what;
    deed->action = "size_advice";
    deed->status = "advised";
    int r = health_memory_settings(ctx, &rows, err);
    if (r < 0 || !health_memory_settings_next(ctx, rows, &m))
        return r;
    bool fits = m.database_bytes <= m.shared_buffers_bytes;
    deed->reason = fits ? "the database fits into shared_buffers: look for a cold cache after a start, not for memory"
                        : "more memory (a larger compute) would hold more of the database";
    return lb_report(ctx,
                     LB_FINDING(.object = lb_run_target(ctx)->branch, .kind = "cache_size", .reason = deed->reason,
                                .evidence = LB_ARGS(lb_i64("shared_buffers_bytes", m.shared_buffers_bytes),
                                                    lb_i64("effective_cache_bytes", m.effective_cache_bytes),
                                                    lb_i64("database_bytes", m.database_bytes),
                                                    lb_i64("max_connections", m.max_connections)),
                                .terms = LB_TERMS({"sizes_read", 0.4}, {"database_is_larger", fits ? 0.0 : 0.2})),
                     err);
}

int health_keep_lag(lb_ctx *ctx, const health_case *what, health_deed *deed, lb_error *err)
{
    lb_rows *rows = NULL;
    const lb_value *cells;
    deed->action = health_alert_rules[what->id].sop;
    int r = health_replication(ctx, &rows, err);
    while (r >= 0 && (cells = lb_next(ctx, rows))) {
        deed->count++;
        r = lb_append(ctx, "replication",
                      LB_ARGS(lb_text("metric", text_of(&cells[0])), lb_numeric("value", text_of(&cells[1])),
                              lb_text("object", text_of(&cells[2])), lb_text("position", text_of(&cells[3])),
                              lb_json("detail", text_of(&cells[4]))),
                      err);
    }
    deed->status = deed->count ? "recorded" : "nothing_to_do";
    deed->reason = deed->count ? "a person decides: a slot that nobody reads keeps WAL until it is dropped"
                               : "there is neither a standby nor a slot";
    return r;
}
