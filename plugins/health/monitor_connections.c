/* monitor_connections: who is connected, who idles, who keeps a transaction open, and how much room is left; and
 * whether most of those at work wait for the server's own short locks, look after look. */
#include "branch_memory.h"
#include "health_metrics.h"
#include "health_sessions.h"

#include <math.h>

#define MINUTE INT64_C(60000000)
#define ENOUGH 3             /* looks in a row: such a wait is over in microseconds, and one says nothing */
#define APART  (15 * MINUTE) /* looks further apart are in no row */

struct args {
    int64_t min_active;
    double max_idle_min, idle_in_transaction_warning_s, idle_in_transaction_critical_s;
};

static const lb_param params[] = {
    LB_PARAM(struct args, max_idle_min, LB_F64, "30", "a session that is idle for longer is a long-idle one",
             .min = "0"),
    LB_PARAM(struct args, idle_in_transaction_warning_s, LB_F64, "60", "idle in a transaction for so long is a warning",
             .min = "0"),
    LB_PARAM(struct args, idle_in_transaction_critical_s, LB_F64, "600", "and for so long critical", .min = "0"),
    LB_PARAM(struct args, min_active, LB_I64, "4",
             "sessions at work below which their waits for light locks say nothing", .min = "1"),
    LB_PARAMS_END,
};

typedef struct tally {
    int64_t total, active, idle, in_transaction, other, waiting, long_idle, long_in_transaction, own;
    int64_t light;           /* active ones that wait for a light lock */
    const char *light_event; /* of one of them */
} tally;

static const lb_value *about(lb_ctx *ctx, const health_session *s)
{
    lb_value *all = lb_alloc(ctx, 12 * sizeof *all);
    const lb_value values[] = {
        lb_i64("pid", s->pid),
        lb_text("user", s->user_name),
        lb_text("database", s->database),
        lb_text("application", s->application),
        lb_text("client", s->client),
        lb_text("state", s->state),
        lb_f64("seconds", s->state_seconds),
        lb_time("backend_start", s->backend_start),
        lb_bool("keeps_dead_rows", s->pins_rows),
        lb_i64("locks", s->locks),
    };
    if (all)
        memcpy(all, values, sizeof values);
    return all;
}

/* A transaction that idles harms by what it keeps: with neither snapshot nor locks it has to be much older. */
static const char *level_of(const struct args *args, const health_session *s)
{
    bool harms = s->pins_rows || s->locks > 0;
    if (s->state_seconds >= args->idle_in_transaction_critical_s)
        return "critical";
    return harms && s->state_seconds >= args->idle_in_transaction_warning_s ? "warning" : NULL;
}

static int report_open_transaction(lb_ctx *ctx, const health_session *s, const char *level, lb_error *err)
{
    const lb_value *evidence = about(ctx, s);
    if (!evidence)
        return lb_out_of_memory(err);
    return lb_report(
        ctx,
        LB_FINDING(.object = lb_printf(ctx, "session %lld", (long long)s->pid), .kind = "idle_in_transaction",
                   .reason = lb_printf(ctx, "%s: idle in a transaction for %.0f s%s", level, s->state_seconds,
                                       s->locks       ? ", and it holds locks"
                                       : s->pins_rows ? ", and VACUUM cannot pass it"
                                                      : ""),
                   .evidence = evidence,
                   .terms = LB_TERMS({"state_and_age_seen", 0.6},
                                     {"holds_locks_or_rows", s->pins_rows || s->locks ? 0.3 : 0.0})),
        err);
}

static int look_at(lb_ctx *ctx, const health_session *s, tally *sum, lb_error *err)
{
    const struct args *args = ctx->args;
    if (!health_is_client(s))
        return 0;
    sum->total++;
    sum->waiting += s->wait_type && strcmp(s->wait_type, "Lock") == 0;
    if (health_is_idle(s)) {
        sum->idle++;
        if (s->state_seconds <= args->max_idle_min * 60)
            return 0;
        sum->long_idle++;
        const lb_value *facts = about(ctx, s);
        return facts ? lb_append(ctx, "long_idle_details", facts, err) : lb_out_of_memory(err);
    }
    if (health_is_idle_in_transaction(s)) {
        const char *level = level_of(args, s);
        sum->in_transaction++;
        sum->long_in_transaction += level != NULL;
        return level ? report_open_transaction(ctx, s, level, err) : 0;
    }
    bool is_active = s->state && strcmp(s->state, "active") == 0;
    sum->active += is_active;
    sum->own += is_active && s->own;
    if (is_active && !s->own && s->wait_type && strcmp(s->wait_type, "LWLock") == 0) {
        sum->light++;
        sum->light_event = s->wait_event;
    }
    sum->other += !is_active;
    return 0;
}

/* ---- light locks ---- */

static int64_t kept_number(struct json_object *memory, const char *name)
{
    struct json_object *value = NULL;
    return memory && json_object_object_get_ex(memory, name, &value) ? json_object_get_int64(value) : 0;
}

static int report_light_locks(lb_ctx *ctx, const tally *sum, int64_t times, lb_error *err)
{
    int64_t active = sum->active - sum->own;
    return lb_report(ctx,
                     LB_FINDING(.object = "server", .kind = "light_lock_waits",
                                .reason = lb_printf(
                                    ctx,
                                    "%lld of %lld sessions at work wait for light locks (%s), and most did in the %lld "
                                    "looks before: they are more than the server can serve at once",
                                    (long long)sum->light, (long long)active,
                                    sum->light_event ? sum->light_event : "unknown", (long long)times - 1),
                                .evidence = LB_ARGS(lb_i64("waiting", sum->light), lb_i64("active", active),
                                                    lb_text("wait_event", sum->light_event), lb_i64("looks", times)),
                                .terms = LB_TERMS({"most_of_the_active_wait", 0.5}, {"look_after_look", 0.3})),
                     err);
}

static int judge_light_locks(lb_ctx *ctx, const tally *sum, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *text = NULL, *uid = NULL;
    int r = branch_recall(ctx, &text, &uid, err);
    if (r < 0)
        return r;
    struct json_object *before = text ? json_tokener_parse(text) : NULL;
    bool is_row = lb_now(ctx) - kept_number(before, "at") < APART;
    int64_t active = sum->active - sum->own, times = is_row ? kept_number(before, "light_locked") : 0;
    json_object_put(before);
    times = active >= args->min_active && 2 * sum->light > active ? times + 1 : 0;
    r = branch_remember(
        ctx, lb_printf(ctx, "{\"at\":%lld,\"light_locked\":%lld}", (long long)lb_now(ctx), (long long)times), uid, err);
    return r < 0 || times < ENOUGH ? r : report_light_locks(ctx, sum, times, err);
}

static int record(lb_ctx *ctx, const tally *sum, int64_t limit, double used, lb_error *err)
{
    const health_figure figures[] = {
        {.name = "connections_total", .value = (double)sum->total},
        {.name = "connections_active", .value = (double)(sum->active - sum->own)}, /* not the one that looks */
        {.name = "connections_idle", .value = (double)sum->idle},
        {.name = "connections_idle_in_transaction", .value = (double)sum->in_transaction},
        {.name = "connections_waiting", .value = (double)sum->waiting},
        {.name = "connections_limit", .value = (double)limit},
        {.name = health_alert_rules[HEALTH_CONNECTIONS].metric, .value = used},
    };
    int r = 0;
    for (size_t i = 0; i < sizeof figures / sizeof *figures && r >= 0; i++) {
        health_figure f = figures[i];
        f.interval_s = NAN;
        r = health_record(ctx, &f, lb_now(ctx), err);
    }
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    health_sessions sessions = {0};
    tally sum = {0};
    int64_t clients = 0, limit = 0;
    int r = health_read_sessions(ctx, &sessions, err);
    for (size_t i = 0; r >= 0 && i < sessions.count; i++)
        r = look_at(ctx, &sessions.rows[i], &sum, err);
    if (r >= 0)
        r = lb_examined(ctx, "sessions", (int64_t)(sessions.count - sessions.hidden), err);
    if (r >= 0)
        r = health_say_hidden(ctx, &sessions, err);
    if (r >= 0)
        r = judge_light_locks(ctx, &sum, err);
    if (r < 0)
        return r;
    double used = health_utilization(&sessions, &clients, &limit);
    r = record(ctx, &sum, limit, used, err);
    if (r < 0)
        return r;
    const lb_value *states = LB_ARGS(lb_i64("active", sum.active), lb_i64("idle", sum.idle),
                                     lb_i64("idle in transaction", sum.in_transaction), lb_i64("other", sum.other));
    return lb_result(ctx,
                     LB_ARGS(lb_i64("total_connections", sum.total), lb_object("states", states),
                             lb_i64("waiting_for_locks", sum.waiting), lb_i64("waiting_for_light_locks", sum.light),
                             lb_i64("long_idle_sessions", sum.long_idle),
                             lb_i64("long_idle_in_transaction", sum.long_in_transaction), lb_i64("limit", limit),
                             lb_i64("max_connections", sessions.capacity.max_connections), lb_f64("utilization", used)),
                     err);
}

LB_TOOL(monitor_connections, "counts connections by state and names those that idle for too long", .agent = "health",
        .risk = LB_RISK_LOW, .schedule = "* * * * *", .detector = true, .timeout_s = 30,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("lakebase_metrics"), .needs = LB_NAMES("role pg_monitor"),
        .remembers = true, .run = run);
