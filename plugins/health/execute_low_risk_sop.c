/* execute_low_risk_sop: what the product does by itself about one of the eight alerts, and whether it helped.
 *
 * Guard rails: one thing is not changed twice within an hour, three changes an hour are enough for one target, and
 * after two changes in a row that did not help a person has a day to look, whoever ran them. What these hold back is
 * remembered, and a run that is given no issue does it when it may be done and is still wanted. Locks, lag and cache
 * size are for people: there the procedure keeps the evidence, as often as it is asked. */
#include "health_alert.h"
#include "sop_past.h"
#include "sop_tell.h"

#include <math.h>
#include <time.h>

struct args {
    const char *issue_type, *schema, *table, *context, *before;
    double value, slow_s, verify_s, look_every_s;
    int64_t most_tables, clear_after;
    bool anyway, give_memory;
};

static const lb_param params[] = {
    LB_PARAM(
        struct args, issue_type, LB_TEXT, NULL,
        "the metric that is past its limit; none given: what the limits of changes have held back and allow by now",
        .choices = "cache_hit_ratio|connection_utilization|dead_tuple_ratio|lock_wait_time|deadlocks_per_hour|"
                   "slow_query_time|txid_age|replication_lag|high_connections|high_dead_tuples|vacuum_freeze"),
    LB_PARAM(struct args, schema, LB_IDENT, NULL, "schema of the table, for dead_tuple_ratio"),
    LB_PARAM(struct args, table, LB_IDENT, NULL, "the table; without it, the one with the greatest share of dead rows"),
    LB_PARAM(struct args, context, LB_JSON, NULL,
             "schema, table, object, database and value as threshold.breached gives them, if not here"),
    LB_PARAM(struct args, value, LB_F64, "-1", "what was measured when it was past its limit; -1: it is looked at now"),
    LB_PARAM(struct args, slow_s, LB_F64, "5", "statements whose mean is longer go to the review queue", .min = "0"),
    LB_PARAM(struct args, most_tables, LB_I64, "20", "tables to freeze in one run, the oldest first", .min = "1"),
    LB_PARAM(struct args, clear_after, LB_I64, "0",
             "clear looks in a row before it is verified; 0: as its metric has it, as an alert is over after as many",
             .min = "0", .max = "100"),
    LB_PARAM(struct args, look_every_s, LB_F64, "0.5", "seconds between these looks", .min = "0", .max = "60"),
    LB_PARAM(struct args, verify_s, LB_F64, "30", "looks that fail are tried again for so long", .min = "0",
             .max = "3000"),
    LB_PARAM(struct args, anyway, LB_BOOL, "false",
             "does it though it was just done, or did not help; whoever asks for that tells people himself"),
    LB_PARAM(struct args, before, LB_JSON, NULL, "what was done before, where another tool remembers it"),
    LB_PARAM(struct args, give_memory, LB_BOOL, "false", "also answers with that, for `before` of the next"),
    LB_PARAMS_END,
};

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

/* ---- whether it helped ---- */

typedef struct verdict {
    bool is_known, is_over;
    health_now last; /* look that showed something; else that which did not */
    const char *why; /* it is not known */
} verdict;

static double seconds_now(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* it always has one */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void rest(lb_ctx *ctx)
{
    const struct args *args = ctx->args;
    const struct timespec pause = {.tv_sec = (time_t)args->look_every_s,
                                   .tv_nsec = (long)((args->look_every_s - (double)(time_t)args->look_every_s) * 1e9)};
    (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
}

/* Over is what would end its alert: it is clear, and stays so for as many looks. A look that fails says nothing, and is
 * tried again until the deadline. */
static int verify(lb_ctx *ctx, const health_case *what, const health_limits *limits, verdict *ret, lb_error *err)
{
    const struct args *args = ctx->args;
    const health_habits asked = {.clear_after = args->clear_after};
    int64_t enough = health_habits_for(&asked, what->id).clear_after, clears = 0;
    double until = seconds_now() + args->verify_s;
    *ret = (verdict){.is_known = false};
    for (;;) {
        health_now now;
        int r = health_look(ctx, what, &now, err);
        if (r < 0)
            return r;
        bool is_clear = now.is_known && health_is_clear(limits, now.metric);
        clears = is_clear ? clears + 1 : 0;
        ret->last = now.is_known || !ret->last.is_known ? now : ret->last;
        ret->why = now.why;
        ret->is_known = (now.is_known && !is_clear) || clears >= enough;
        ret->is_over = ret->is_known && is_clear;
        bool is_late = !now.is_known && (seconds_now() >= until || now.is_gone);
        if (ret->is_known || now.takes_two || is_late || lb_cancelled(ctx))
            return 0;
        rest(ctx);
    }
}

/* ---- telling ---- */

/* came NULL: nobody has looked. */
static int say(lb_ctx *ctx, const health_case *what, const health_deed *deed, const sop_came *came,
               const lb_value *figures, lb_error *err)
{
    const struct args *args = ctx->args;
    const sop_came none = {.is_looked_at = false};
    const char *line = NULL;
    int r = sop_tell(ctx, what, deed, came ? came : &none, args->anyway, &line, err);
    if (r >= 0)
        r = lb_result(ctx,
                      LB_ARGS(lb_text("text", line), lb_text("issue_type", health_alert_rules[what->id].metric),
                              lb_text("action", deed->action), lb_text("status", deed->status),
                              lb_text("reason", deed->reason), lb_i64("count", deed->count),
                              lb_text("schema", what->schema), lb_text("table", what->table),
                              lb_text("unit", health_alert_rules[what->id].unit)),
                      err);
    return r < 0 ? r : lb_result(ctx, figures, err);
}

static void put_object(void *object)
{
    json_object_put(object);
}

static void put(struct json_object *into, const char *name, struct json_object *value)
{
    if (value && json_object_object_add(into, name, value) != 0)
        json_object_put(value); /* out of memory: it is not there, and the diagnosis is refused */
}

/* As a diagnosis would have it: what the procedure of the metric is against. */
static const char *as_diagnosis(lb_ctx *ctx, const health_case *what, const char *kind, const char *object,
                                const char *why)
{
    struct json_object *all = json_object_new_object(), *causes = json_object_new_array();
    struct json_object *cause = json_object_new_object();
    if (!all || lb_defer(ctx, put_object, all) < 0 || !causes || !cause || !object) {
        json_object_put(causes);
        json_object_put(cause);
        return NULL;
    }
    put(cause, "kind", json_object_new_string(kind));
    put(cause, "object", json_object_new_string(object));
    if (what->table) {
        put(cause, "schema", json_object_new_string(what->schema));
        put(cause, "table", json_object_new_string(what->table));
    }
    put(cause, "reason", json_object_new_string(why));
    put(cause, "confidence", json_object_new_double(1));
    put(cause, "rank", json_object_new_int(1));
    if (json_object_array_add(causes, cause) != 0)
        json_object_put(cause);
    put(all, "causes", causes);
    put(all, "verdict", json_object_new_string(why));
    return json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN);
}

/* That nobody could see whether it helped is no reason to lose what was done. */
static int escalate(lb_ctx *ctx, const health_case *what, const health_deed *deed, const verdict *seen, lb_error *err)
{
    const char *answer = NULL;
    const char *why =
        !deed->changes ? lb_printf(ctx, "%s: %s", deed->action, deed->reason)
        : seen->is_known
            ? lb_printf(ctx, "%s: %s is not back inside its limit", deed->action, health_alert_rules[what->id].metric)
            : lb_printf(ctx, "%s: whether it helped could not be seen (%s)", deed->action, seen->why);
    const char *kind = what->id == HEALTH_DEAD_TUPLES   ? "dead_tuples"
                       : what->id == HEALTH_CONNECTIONS ? "connection_storm"
                                                        : "wraparound_age";
    const char *object = what->table ? lb_printf(ctx, "%s.%s", what->schema, what->table) : "server";
    const char *diagnosis = why ? as_diagnosis(ctx, what, kind, object, why) : NULL;
    lb_error trouble;
    if (!diagnosis)
        return lb_out_of_memory(err);
    int r = lb_call(ctx, "escalate_high_risk_issue", NULL,
                    LB_ARGS(lb_text("issue", kind), lb_text("object", object), lb_json("diagnosis", diagnosis),
                            lb_text("done", why)),
                    &answer, &trouble);
    return r < 0 ? lb_skipped(ctx, "escalate_high_risk_issue", trouble.message, err)
                 : lb_result(ctx, LB_ARGS(lb_bool("escalated", true)), err);
}

/* ---- doing it ---- */

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
    if (json_object_object_get_ex(context, "object", &member))
        what->object = lb_printf(ctx, "%s", json_object_get_string(member));
    if (json_object_object_get_ex(context, "database", &member))
        what->database = lb_printf(ctx, "%s", json_object_get_string(member));
    if (*value < 0 && json_object_object_get_ex(context, "value", &member))
        *value = json_object_get_double(member);
    json_object_put(context);
}

static lb_value figure(const char *name, bool known, double value)
{
    return known ? lb_f64(name, value) : lb_null(name);
}

static int say_nothing_done(lb_ctx *ctx, const health_case *what, const health_deed *deed, int64_t again, lb_error *err)
{
    return say(ctx, what, deed, NULL,
               LB_ARGS(lb_null("value_before"), lb_null("value_after"), lb_null("verified"),
                       again ? lb_time("again_at", again) : lb_null("again_at")),
               err);
}

static int hold_back(lb_ctx *ctx, const health_case *what, const sop_hold *hold, sop_past *past, lb_error *err)
{
    const health_deed deed = {.status = "skipped", .reason = hold->why};
    int r = sop_owe(past, what, hold->until, err);
    return r < 0 ? r : say_nothing_done(ctx, what, &deed, hold->until, err);
}

/* Counts what was done against the limits, and owes what could not be: a table may be locked now, and sessions may not
 * have idled for long enough yet. What a person is asked, or the gate has refused, is no debt. */
static int account(const health_case *what, const health_deed *deed, const verdict *seen, sop_past *past, lb_error *err)
{
    bool can_wait = strcmp(deed->status, "passed_over") == 0 || strcmp(deed->status, "nothing_to_do") == 0;
    if (!health_alters(what->id))
        return 0;
    if (can_wait)
        return sop_owe(past, what, 0, err);
    sop_settle(past, what);
    bool is_executed = strcmp(deed->status, "executed") == 0;
    return is_executed ? sop_note(past, what, seen->is_known && seen->is_over, err) : 0;
}

static int act(lb_ctx *ctx, const health_case *what, double at_breach, sop_past *past, lb_error *err)
{
    const struct args *args = ctx->args;
    health_policy policy = {0};
    health_now before = {0};
    health_deed deed = {.status = "skipped"};
    verdict seen = {0};
    bool is_limited = !args->anyway && health_alters(what->id);
    int r = is_limited ? sop_count(past, err) : 0;
    const sop_hold hold = r >= 0 && is_limited ? sop_held_back(past, what) : (sop_hold){.why = NULL};
    if (hold.why)
        return hold_back(ctx, what, &hold, past, err);
    if (r >= 0)
        r = health_read_policy(ctx, &policy, err);
    if (r >= 0)
        r = health_look(ctx, what, &before, err);
    if (r >= 0)
        r = health_act(ctx, what, &deed, err);
    bool is_done = deed.changes && deed.outcome == LB_APPLIED && deed.count > 0;
    if (r >= 0 && is_done)
        r = verify(ctx, what, &policy.limits[what->id], &seen, err);
    if (r >= 0)
        r = account(what, &deed, &seen, past, err);
    bool is_in_vain = is_done ? !(seen.is_known && seen.is_over) : r >= 0 && strcmp(deed.status, "not_possible") == 0;
    if (r >= 0 && is_in_vain && !args->anyway)
        r = escalate(ctx, what, &deed, &seen, err);
    bool had_to_go_back =
        at_breach >= 0 || !before.is_known || !health_is_clear(&policy.limits[what->id], before.metric);
    const char *why_not = !is_done ? NULL : seen.is_known ? "it was inside its limit before, too" : seen.why;
    bool is_verified = is_done && seen.is_known && had_to_go_back;
    const sop_came came = {.is_looked_at = is_done,
                           .is_known = seen.is_known,
                           .is_over = seen.is_over,
                           .had_to_go_back = had_to_go_back,
                           .before = before.is_known ? before.value : NAN,
                           .after = seen.last.is_known ? seen.last.value : NAN,
                           .why = seen.why};
    return r < 0 ? r
                 : say(ctx, what, &deed, &came,
                       LB_ARGS(figure("value_at_breach", at_breach >= 0, at_breach),
                               figure("value_before", before.is_known, before.value),
                               figure("value_after", is_done && seen.last.is_known, seen.last.value),
                               is_verified ? lb_bool("verified", seen.is_over) : lb_null("verified"),
                               lb_text("not_verified", is_verified ? NULL : why_not)),
                       err);
}

static int treat(lb_ctx *ctx, health_case *what, sop_past *past, lb_error *err)
{
    const struct args *args = ctx->args;
    double at_breach = args->value;
    bool found = true;
    int r = 0;
    what->id = issue_of(args->issue_type);
    what->schema = args->schema ? args->schema : "public";
    what->table = args->table;
    if (args->table && what->id != HEALTH_DEAD_TUPLES)
        return lb_fail(err, LB_ERR_INVALID, "leave table and schema out",
                       "%s is about no table, and %s.%s would not be heeded", args->issue_type, what->schema,
                       args->table);
    take_context(ctx, what, &at_breach);
    if (what->id != HEALTH_DEAD_TUPLES)
        what->schema = what->table = NULL;
    else if (!what->table)
        r = health_worst_table(ctx, what, &found, err);
    if (r < 0)
        return r;
    if (!found) {
        const health_deed none = {.action = "vacuum", .status = "nothing_to_do", .reason = "no table has dead rows"};
        return say(ctx, what, &none, NULL, LB_ARGS(lb_null("verified")), err);
    }
    return act(ctx, what, at_breach, past, err);
}

static int say_nothing_due(lb_ctx *ctx, int64_t next, lb_error *err)
{
    const char *why = next ? "what is held back has to wait" : "nothing is held back";
    int r = lb_result(ctx,
                      LB_ARGS(lb_null("issue_type"), lb_text("status", "nothing_to_do"), lb_text("reason", why),
                              next ? lb_time("again_at", next) : lb_null("again_at"), lb_i64("count", 0)),
                      err);
    return r < 0 ? r : lb_skipped(ctx, "changes that are owed", why, err);
}

/* What was held back or could not be done, if its time has come and nothing else has cured it since. */
static int catch_up(lb_ctx *ctx, health_case *what, sop_past *past, lb_error *err)
{
    int64_t next = 0;
    health_policy policy = {0};
    health_now now = {0};
    if (!sop_due(past, what, &next))
        return say_nothing_due(ctx, next, err);
    int r = health_read_policy(ctx, &policy, err);
    if (r >= 0)
        r = health_look(ctx, what, &now, err);
    if (r < 0)
        return r;
    bool is_over = now.is_gone || (now.is_known && health_is_clear(&policy.limits[what->id], now.metric));
    if (!is_over)
        return act(ctx, what, -1, past, err);
    sop_settle(past, what);
    const health_deed none = {.status = "nothing_to_do", .reason = "it is over without it"};
    return say_nothing_done(ctx, what, &none, 0, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    health_case what = {.most_tables = args->most_tables, .slow_s = args->slow_s};
    sop_past past;
    int r = sop_load(ctx, args->before, &past, err);
    if (r >= 0)
        what.queued = sop_note_of(&past, "queued");
    if (r >= 0)
        r = args->issue_type ? treat(ctx, &what, &past, err) : catch_up(ctx, &what, &past, err);
    return r < 0 ? r : sop_store(&past, args->give_memory, err);
}

LB_TOOL(execute_low_risk_sop, "does what is safe about one of the eight alerts, and looks whether it helped",
        .agent = "health", .risk = LB_RISK_LOW, .timeout_s = 3600, LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("lakebase_metrics", "query_review_queue", "vacuum_history"),
        .emits = LB_NAMES("self_heal.executed", "threshold.treated", "vacuum.completed"),
        .calls = LB_NAMES("terminate_idle_connections", "escalate_high_risk_issue"),
        .needs = LB_NAMES("role pg_monitor", "role pg_signal_backend"), .remembers = true, .run = run);
