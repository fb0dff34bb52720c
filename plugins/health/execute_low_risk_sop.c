/* execute_low_risk_sop: what the product does by itself about one of the eight alerts, and whether it helped.
 *
 * Guard rails: one thing is not done twice within an hour, three changes an hour are enough for one target, and after
 * two changes in a row that did not help a person is asked for. Locks, lag and cache size are for people: there the
 * procedure keeps the evidence. */
#include "branch_memory.h"
#include "health_sop.h"

#include <math.h>

#define HOUR          (INT64_C(3600) * 1000000)
#define MOST_PER_HOUR 3
#define MOST_FAILURES 2

struct args {
    const char *issue_type, *schema, *table, *context;
    double value, slow_s;
    int64_t most_tables;
    bool anyway;
};

static const lb_param params[] = {
    LB_PARAM(struct args, issue_type, LB_TEXT, NULL, "the metric that is past its limit", .required = true,
             .choices = "cache_hit_ratio|connection_utilization|dead_tuple_ratio|lock_wait_time|deadlocks_per_hour|"
                        "slow_query_time|txid_age|replication_lag|high_connections|high_dead_tuples|vacuum_freeze"),
    LB_PARAM(struct args, schema, LB_IDENT, NULL, "schema of the table, for dead_tuple_ratio"),
    LB_PARAM(struct args, table, LB_IDENT, NULL, "the table; without it, the one with the greatest share of dead rows"),
    LB_PARAM(struct args, context, LB_JSON, NULL,
             "schema, table and value as threshold.breached gives them, if not here"),
    LB_PARAM(struct args, value, LB_F64, "-1", "what was measured when it was past its limit; -1: it is looked at now"),
    LB_PARAM(struct args, slow_s, LB_F64, "5", "statements whose mean is longer go to the review queue", .min = "0"),
    LB_PARAM(struct args, most_tables, LB_I64, "20", "tables to freeze in one run, the oldest first", .min = "1"),
    LB_PARAM(struct args, anyway, LB_BOOL, "false", "does it though it was just done, or did not help"),
    LB_PARAMS_END,
};

/* What was done before on this target, newest last: [at, "key", changed, helped]. */
typedef struct record {
    struct json_object *before, *deeds;
    const char *uid; /* of the branch; or NULL */
} record;

static health_alert_id issue_of(const char *name)
{
    static const struct {
        const char *name;
        health_alert_id id;
    } others[] = {{"high_connections", HEALTH_CONNECTIONS},
                  {"high_dead_tuples", HEALTH_DEAD_TUPLES},
                  {"vacuum_freeze", HEALTH_TXID_AGE}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i].name, name) == 0)
            return others[i].id;
    return health_alert_named(name);
}

/* ---- guard rails ---- */

static void put_object(void *object)
{
    json_object_put(object);
}

static int load(lb_ctx *ctx, record *past, lb_error *err)
{
    const char *text = NULL;
    struct json_object *list = NULL;
    int r = branch_recall(ctx, &text, &past->uid, err);
    if (r < 0)
        return r;
    past->before = text ? json_tokener_parse(text) : json_object_new_object();
    if (!past->before || lb_defer(ctx, put_object, past->before) < 0)
        return lb_out_of_memory(err);
    if (!json_object_object_get_ex(past->before, "deeds", &list)) {
        list = json_object_new_array();
        if (!list || json_object_object_add(past->before, "deeds", list) != 0)
            return lb_out_of_memory(err);
    }
    past->deeds = list;
    return 0;
}

static struct json_object *part(struct json_object *deed, size_t index)
{
    return json_object_array_get_idx(deed, index);
}

static const char *key_of(lb_ctx *ctx, const health_case *what)
{
    return what->table ? lb_printf(ctx, "%s %s.%s", health_alert_rules[what->id].metric, what->schema, what->table)
                       : health_alert_rules[what->id].metric;
}

/* Why it is not to be done now, or NULL. */
static const char *held_back(lb_ctx *ctx, const record *past, const char *key)
{
    int64_t now = lb_now(ctx);
    bool is_queue = strcmp(key, health_alert_rules[HEALTH_SLOW_QUERY].metric) == 0; /* evidence is kept each time */
    int changes = 0, failures = 0;
    bool counts_failures = true;
    for (size_t i = json_object_array_length(past->deeds); i-- > 0;) {
        struct json_object *deed = part(past->deeds, i);
        bool is_recent = now - json_object_get_int64(part(deed, 0)) < HOUR,
             is_change = json_object_get_boolean(part(deed, 2));
        if (is_recent && (is_change || is_queue) && strcmp(json_object_get_string(part(deed, 1)), key) == 0)
            return "it was done less than an hour ago";
        changes += is_recent && is_change;
        counts_failures = counts_failures && !(is_change && json_object_get_boolean(part(deed, 3)));
        failures += is_change && counts_failures;
    }
    if (changes >= MOST_PER_HOUR)
        return "three changes within an hour are enough: a person should look";
    return failures >= MOST_FAILURES ? "the last two changes did not help: a person should look" : NULL;
}

static int note(lb_ctx *ctx, record *past, const char *key, bool changed, bool helped, lb_error *err)
{
    struct json_object *deed = json_object_new_array();
    if (!deed)
        return lb_out_of_memory(err);
    (void)json_object_array_add(deed, json_object_new_int64(lb_now(ctx)));
    (void)json_object_array_add(deed, json_object_new_string(key));
    (void)json_object_array_add(deed, json_object_new_boolean(changed));
    (void)json_object_array_add(deed, json_object_new_boolean(helped));
    (void)json_object_array_add(past->deeds, deed);
    while (json_object_array_length(past->deeds) > 20)
        (void)json_object_array_del_idx(past->deeds, 0, 1);
    return branch_remember(ctx, json_object_to_json_string_ext(past->before, JSON_C_TO_STRING_PLAIN), past->uid, err);
}

/* ---- doing it ---- */

static int say(lb_ctx *ctx, const health_case *what, const health_deed *deed, const lb_value *figures, lb_error *err)
{
    bool is_told = strcmp(deed->status, "planned") != 0 && strcmp(deed->status, "skipped") != 0 &&
                   strcmp(deed->status, "nothing_to_do") != 0;
    int r = is_told ? lb_emit(ctx, "self_heal.executed",
                              LB_ARGS(lb_text("issue", health_alert_rules[what->id].metric),
                                      lb_text("action", deed->action), lb_text("status", deed->status)),
                              err)
                    : 0;
    if (r >= 0)
        r = lb_result(ctx,
                      LB_ARGS(lb_text("issue_type", health_alert_rules[what->id].metric),
                              lb_text("action", deed->action), lb_text("status", deed->status),
                              lb_text("reason", deed->reason), lb_i64("count", deed->count),
                              lb_text("schema", what->schema), lb_text("table", what->table),
                              lb_text("unit", health_alert_rules[what->id].unit)),
                      err);
    return r < 0 ? r : lb_result(ctx, figures, err);
}

/* What the arguments leave open the context may say. */
static void take_context(lb_ctx *ctx, health_case *what, double *value)
{
    const struct args *args = ctx->args;
    struct json_object *context = args->context ? json_tokener_parse(args->context) : NULL, *member = NULL;
    if (!what->table && json_object_object_get_ex(context, "table", &member)) {
        what->table = lb_printf(ctx, "%s", json_object_get_string(member));
        if (json_object_object_get_ex(context, "schema", &member))
            what->schema = lb_printf(ctx, "%s", json_object_get_string(member));
    }
    if (*value < 0 && json_object_object_get_ex(context, "value", &member))
        *value = json_object_get_double(member);
    json_object_put(context);
}

static lb_value figure(const char *name, bool known, double value)
{
    return known ? lb_f64(name, value) : lb_null(name);
}

static int act(lb_ctx *ctx, const health_case *what, double at_breach, record *past, lb_error *err)
{
    const struct args *args = ctx->args;
    health_deed deed = {.status = "skipped"};
    double before = 0, after = 0;
    bool known = true;
    const char *key = key_of(ctx, what);
    deed.reason = args->anyway ? NULL : held_back(ctx, past, key);
    if (deed.reason)
        return say(ctx, what, &deed, LB_ARGS(lb_null("value_before"), lb_null("value_after"), lb_null("verified")),
                   err);
    int r = health_look(ctx, what, &known, &before, err);
    if (r >= 0)
        r = health_act(ctx, what, &deed, err);
    if (r >= 0 && known)
        r = health_look(ctx, what, &known, &after, err);
    bool is_done = deed.changes && deed.outcome == LB_APPLIED && deed.count > 0, helped = known && after < before;
    if (r >= 0 && strcmp(deed.status, "nothing_to_do") != 0)
        r = note(ctx, past, key, is_done, helped, err);
    return r < 0 ? r
                 : say(ctx, what, &deed,
                       LB_ARGS(figure("value_at_breach", at_breach >= 0, at_breach),
                               figure("value_before", known, before), figure("value_after", known && is_done, after),
                               is_done && known ? lb_bool("verified", helped) : lb_null("verified")),
                       err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    health_case what = {.id = issue_of(args->issue_type),
                        .schema = args->schema ? args->schema : "public",
                        .table = args->table,
                        .most_tables = args->most_tables,
                        .slow_s = args->slow_s};
    record past = {0};
    double at_breach = args->value;
    bool found = true;
    int r = load(ctx, &past, err);
    take_context(ctx, &what, &at_breach);
    if (what.id != HEALTH_DEAD_TUPLES)
        what.schema = what.table = NULL;
    else if (r >= 0 && !what.table)
        r = health_worst_table(ctx, &what, &found, err);
    if (r < 0)
        return r;
    if (!found) {
        const health_deed none = {.action = "vacuum", .status = "nothing_to_do", .reason = "no table has dead rows"};
        return say(ctx, &what, &none, LB_ARGS(lb_null("verified")), err);
    }
    return act(ctx, &what, at_breach, &past, err);
}

LB_TOOL(execute_low_risk_sop, "does what is safe about one of the eight alerts, and looks whether it helped",
        .agent = "health", .risk = LB_RISK_LOW, .timeout_s = 3600, LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("lakebase_metrics", "query_review_queue", "vacuum_history"),
        .emits = LB_NAMES("self_heal.executed", "vacuum.completed"), .calls = LB_NAMES("terminate_idle_connections"),
        .needs = LB_NAMES("role pg_monitor", "role pg_signal_backend"), .remembers = true, .run = run);
