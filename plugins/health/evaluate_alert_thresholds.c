/* evaluate_alert_thresholds: holds the eight figures against their limits and says what has changed.
 *
 * What is past a limit, for how often, and what has been said of it is remembered between runs, for as long as the
 * branch is the same one; the alert that people see, its notes and its end are the host's, which hears of it by
 * threshold.breached and threshold.cleared: once when it opens, once when it gets worse, once when it is over, and a
 * reminder now and then.
 *
 * With what_if it judges nothing: it answers what other limits would have told of the readings that history has. */
#include "health_blind.h"
#include "health_branch.h"
#include "health_tell.h"
#include "health_usual.h"
#include "health_what_if.h"

#include <json-c/json.h>
#include <math.h>
#include <string.h>

#define MOST_TABLES 10 /* new alerts about tables; the rest is counted */

struct args {
    HEALTH_GUARD_MEMBERS;
    HEALTH_BATCH_MEMBERS;
    const char *metrics, *what_if;
    int64_t what_if_days, what_if_most;
    int64_t fire_after, clear_after;
    double remind_critical_s, remind_warning_s;
    bool run_sops;
};

static const lb_param params[] = {
    HEALTH_GUARD_PARAMS(struct args),
    HEALTH_BATCH_PARAMS(struct args),
    LB_PARAM(struct args, metrics, LB_JSON, NULL, "figures to judge instead of the server's: {\"txid_age\": 6e8}"),
    LB_PARAM(struct args, what_if, LB_JSON, NULL,
             "only says what other limits would have told: {\"txid_age\": {\"warning\": 6e8, \"fire_after\": 2}}"),
    LB_PARAM(struct args, what_if_days, LB_I64, "90", "days of history that what_if looks at", .min = "1",
             .max = "400"),
    LB_PARAM(struct args, what_if_most, LB_I64, "100000", "and of each figure at most so many readings, the newest",
             .min = "1", .max = "1000000"),
    LB_PARAM(struct args, fire_after, LB_I64, "0",
             "breaches in a row before it is told; 0: as its metric has it, 2, and of deadlocks 1", .min = "0",
             .max = "100"),
    LB_PARAM(struct args, clear_after, LB_I64, "0",
             "clear figures in a row before it is over; 0: as its metric has it, 3, and of deadlocks 1", .min = "0",
             .max = "100"),
    LB_PARAM(struct args, remind_critical_s, LB_F64, "3600", "a critical one is told again after so long; 0: never",
             .min = "0"),
    LB_PARAM(struct args, remind_warning_s, LB_F64, "86400", "and a warning", .min = "0"),
    LB_PARAM(struct args, run_sops, LB_BOOL, "false",
             "also runs execute_low_risk_sop for what opened or got worse; with a daemon a subscription does that"),
    LB_PARAMS_END,
};

typedef struct evaluation {
    lb_ctx *ctx;
    const struct args *args;
    health_policy policy;
    health_reading reading;
    health_book book;
    const char *uid; /* of the branch; NULL: it was not asked */
    int64_t checked, unknown, opened, escalated, resolved, open, silenced, sops;
} evaluation;

/* A tool that is called remembers nothing by itself: what procedures did, and what they owe, is kept here for them. */
#define PROCEDURES "procedures"

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return from && json_object_object_get_ex(from, name, &found) ? found : NULL;
}

static int keep_procedures(evaluation *e, const char *answer, const char **ret_told, bool *ret_did, lb_error *err)
{
    struct json_object *document = json_tokener_parse(answer), *memory = member(document, "memory");
    const char *status = json_object_get_string(member(document, "status"));
    static const char *const none[] = {"skipped", "nothing_to_do", "passed_over", "not_possible"};
    *ret_did = status != NULL;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        *ret_did = *ret_did && strcmp(status, none[i]) != 0;
    bool is_kept = !memory || json_object_object_add(e->reading.next, PROCEDURES, json_object_get(memory)) == 0;
    if (document)
        json_object_object_del(document, "memory");
    *ret_told = lb_printf(e->ctx, "%s", json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN));
    json_object_put(document);
    return is_kept && *ret_told ? 0 : lb_out_of_memory(err);
}

/* The procedure's own trouble is no reason to lose the evaluation. */
static int call_sop(evaluation *e, const char *metric, const char *what, lb_value *args, size_t count, lb_error *err)
{
    const char *answer = NULL, *before = json_object_get_string(member(e->reading.next, PROCEDURES));
    lb_error trouble;
    bool did = false;
    if (before)
        args[count++] = lb_json("before", before);
    args[count++] = lb_bool("give_memory", true);
    args[count].type = LB_END;
    int r = lb_call(e->ctx, "execute_low_risk_sop", NULL, args, &answer, &trouble);
    if (r < 0)
        return lb_skipped(e->ctx, what, trouble.message, err);
    r = keep_procedures(e, answer, &answer, &did, err);
    e->sops += did;
    return r < 0 ? r : lb_append(e->ctx, "sops", LB_ARGS(lb_text("metric", metric), lb_json("result", answer)), err);
}

static int run_sop(evaluation *e, const health_entry *entry, const health_observation *o, lb_error *err)
{
    const health_alert_rule *rule = &health_alert_rules[o->id];
    lb_value args[5] = {lb_text("issue_type", rule->metric), lb_json("context", health_context(e->ctx, entry, o))};
    return call_sop(e, rule->metric, rule->sop, args, 2, err);
}

static bool is_due(const evaluation *e)
{
    struct json_object *owed = member(member(e->reading.next, PROCEDURES), "owed");
    if (!json_object_is_type(owed, json_type_object))
        return false;
    json_object_object_foreach(owed, key, one)
    {
        (void)key;
        if (json_object_get_int64(member(one, "until")) <= e->reading.at)
            return true;
    }
    return false;
}

/* What limits or locks had held back, once its time has come. */
static int run_owed(evaluation *e, lb_error *err)
{
    lb_value args[3];
    return e->args->run_sops && is_due(e) ? call_sop(e, NULL, "changes that are owed", args, 0, err) : 0;
}

static health_habits habits_asked(const struct args *args)
{
    return (health_habits){args->fire_after, args->clear_after, args->remind_critical_s, args->remind_warning_s};
}

static health_habits habits_of(const struct args *args, health_alert_id id)
{
    const health_habits asked = habits_asked(args);
    return health_habits_for(&asked, id);
}

static int tell(evaluation *e, health_entry *entry, const health_observation *o, health_change change, int64_t since,
                lb_error *err)
{
    bool is_new = change == HEALTH_OPENED || change == HEALTH_ESCALATED;
    e->opened += change == HEALTH_OPENED;
    e->escalated += change == HEALTH_ESCALATED;
    e->resolved += change == HEALTH_RESOLVED;
    e->open += entry->alert.told != HEALTH_NORMAL;
    e->silenced += entry->alert.is_silenced;
    if (change == HEALTH_OPENED)
        entry->incident = health_book_incident(e->ctx, &e->book, entry);
    const health_habits habits = habits_of(e->args, o->id);
    int r = change == HEALTH_RESOLVED  ? health_tell_clear(e->ctx, &e->policy, entry, o, since, e->reading.at, err)
            : change != HEALTH_NOTHING ? health_tell_breach(e->ctx, &e->policy, &habits, entry, o,
                                                            health_usual_of(e->ctx, &e->reading, o), err)
                                       : 0;
    if (r >= 0 &&
        (change != HEALTH_NOTHING || entry->alert.told != HEALTH_NORMAL || entry->alert.grade != HEALTH_NORMAL))
        r = health_tell_alert(e->ctx, &e->policy, entry, o, change, since, err);
    if (change == HEALTH_RESOLVED)
        entry->incident = NULL;
    return r >= 0 && is_new && e->args->run_sops ? run_sop(e, entry, o, err) : r;
}

/* ---- judging ---- */

/* A wait is an age: it says itself since when, though nobody looked then. */
static void begin_with_it(health_alert *alert, const health_observation *o, int64_t at)
{
    int64_t began = at - (int64_t)(o->value * 1e6);
    if (o->id == HEALTH_LOCK_WAIT && o->known && alert->since && began < alert->since)
        alert->since = began;
}

static int judge(evaluation *e, health_entry *entry, const health_observation *o, lb_error *err)
{
    const health_habits habits = habits_of(e->args, o->id);
    const health_limits *limits = &e->policy.limits[o->id];
    double at_once = health_alert_rules[o->id].at_once;
    const health_sight sight = {.known = o->known,
                                .grade = health_grade_of(limits, o->value),
                                .is_clear = health_is_clear(limits, o->value),
                                .at_once = !isnan(at_once) && o->value >= at_once,
                                .paused = e->policy.paused_by != NULL,
                                .falls = o->falls,
                                .at = e->reading.at};
    int64_t since = entry->alert.since;
    entry->is_seen = true;
    health_change change = health_judge(&entry->alert, &sight, &habits);
    begin_with_it(&entry->alert, o, e->reading.at);
    if (entry->alert.since)
        since = entry->alert.since;
    int r = o->known && sight.grade != HEALTH_NORMAL ? health_tell_finding(e->ctx, &e->policy, o, sight.grade, err) : 0;
    return r < 0 ? r : tell(e, entry, o, change, since, err);
}

static int judge_observation(evaluation *e, const health_observation *o, lb_error *err)
{
    health_observation seen = *o;
    health_entry *entry = health_book_entry(e->ctx, &e->book, o);
    if (!entry)
        return lb_out_of_memory(err);
    entry->schema = o->schema;
    entry->table = o->table;
    seen.known = o->known && !(o->is_least && health_is_clear(&e->policy.limits[o->id], o->value));
    e->unknown += !seen.known;
    int r =
        seen.known
            ? 0
            : lb_append(e->ctx, "unknown",
                        LB_ARGS(lb_text("metric", health_alert_rules[o->id].metric), lb_text("reason", o->why)), err);
    return r < 0 ? r : judge(e, entry, &seen, err);
}

/* What lies in another database is not to be seen from this one. Figures that are given are of no database. */
static bool is_here(const evaluation *e, const health_entry *entry)
{
    return !entry->database || !e->reading.database || strcmp(entry->database, e->reading.database) == 0;
}

/* Tables that are no longer among those with dead rows to speak of. */
static int judge_absent(evaluation *e, bool known, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < e->book.count; i++) {
        health_entry *entry = &e->book.entries[i];
        const health_observation gone = {.id = entry->id,
                                         .known = true,
                                         .interval_s = NAN,
                                         .object = entry->object,
                                         .database = entry->database,
                                         .schema = entry->schema,
                                         .table = entry->table};
        if (!entry->is_seen && known && entry->id == HEALTH_DEAD_TUPLES && is_here(e, entry))
            r = judge(e, entry, &gone, err);
    }
    return r;
}

/* The worst are judged, and at whatever rank those that are past their limit already: an alert ends when its table is
 * well, and not when others are worse. */
static bool is_judged(evaluation *e, const health_observation *o, int64_t rank)
{
    return rank <= MOST_TABLES || health_book_follows(&e->book, o);
}

static int judge_all(evaluation *e, const health_measures *measures, lb_error *err)
{
    bool tables_known = false;
    int64_t tables = 0, left = 0;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < measures->count; i++) {
        const health_observation *o = &measures->items[i];
        e->checked += i == 0 || o->id != measures->items[i - 1].id;
        tables_known = tables_known || (o->id == HEALTH_DEAD_TUPLES && o->known);
        tables += o->id == HEALTH_DEAD_TUPLES;
        if (o->id != HEALTH_DEAD_TUPLES || is_judged(e, o, tables))
            r = judge_observation(e, o, err);
        else
            left++;
    }
    if (r >= 0 && left)
        r = lb_skipped(
            e->ctx, lb_printf(e->ctx, "%lld more %s with dead rows", (long long)left, left == 1 ? "table" : "tables"),
            "the worst ten are told one by one, and those that were told before", err);
    return r < 0 ? r : judge_absent(e, tables_known, err);
}

/* ---- figures that were given ---- */

static bool is_number(struct json_object *value)
{
    return json_object_is_type(value, json_type_double) || json_object_is_type(value, json_type_int);
}

/* What is wrong is said by its name. */
static int check_given(struct json_object *given, lb_error *err)
{
    if (!json_object_is_type(given, json_type_object))
        return lb_fail(err, LB_ERR_INVALID, "such as {\"txid_age\": 6e8}", "metrics is no object of figures");
    json_object_object_foreach(given, name, value)
    {
        if (health_check_alert("metrics", name, err) < 0)
            return err->code;
        if (!is_number(value))
            return lb_fail(err, LB_ERR_INVALID, "such as {\"txid_age\": 6e8}", "metrics: %s is no number", name);
    }
    return 0;
}

static int take_given(evaluation *e, health_measures *ret_measures, lb_error *err)
{
    struct json_object *given = json_tokener_parse(e->args->metrics), *value = NULL;
    int r = check_given(given, err);
    health_observation *items = lb_alloc(e->ctx, HEALTH_ALERTS * sizeof *items);
    size_t count = 0;
    for (health_alert_id id = 0; r >= 0 && items && id < HEALTH_ALERTS; id++)
        if (json_object_object_get_ex(given, health_alert_rules[id].metric, &value))
            items[count++] = (health_observation){
                .id = id, .known = true, .value = json_object_get_double(value), .interval_s = NAN};
    json_object_put(given);
    if (r < 0)
        return r;
    if (!items)
        return lb_out_of_memory(err);
    *ret_measures = (health_measures){items, count};
    return 0;
}

static int measure(evaluation *e, health_measures *ret_measures, lb_error *err)
{
    health_guards guards = HEALTH_GUARDS(e->args);
    const char *before = NULL;
    guards.batch_roles = e->args->batch_roles;
    guards.batch_applications = e->args->batch_applications;
    int r = lb_recall(e->ctx, &before, err);
    if (r >= 0)
        r = health_same_branch(e->ctx, &before, &e->uid, err);
    if (r >= 0)
        r = health_book_tables(e->ctx, before, &guards.tables, err);
    if (r >= 0)
        r = health_read_after(e->ctx, before, e->args->metrics ? NULL : &guards, &e->reading, err);
    if (r < 0)
        return r;
    if (e->args->metrics)
        return take_given(e, ret_measures, err);
    r = health_measure(e->ctx, &guards, &e->reading, ret_measures, err);
    for (size_t i = 0; r >= 0 && i < ret_measures->count; i++)
        health_usual_note(&e->reading, &ret_measures->items[i]);
    return r < 0 ? r : health_judge_sight(e->ctx, &e->reading, ret_measures, e->policy.paused_by != NULL, err);
}

static int take_procedures(evaluation *e, lb_error *err)
{
    struct json_object *before = member(e->reading.before, PROCEDURES);
    bool is_there = !before || member(e->reading.next, PROCEDURES);
    return is_there || json_object_object_add(e->reading.next, PROCEDURES, json_object_get(before)) == 0
               ? 0
               : lb_out_of_memory(err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    evaluation e = {.ctx = ctx, .args = ctx->args};
    health_measures measures = {0};
    const health_habits habits = habits_asked(ctx->args);
    int r = health_read_policy(ctx, &e.policy, err);
    if (r >= 0 && e.args->what_if)
        return health_what_if(ctx, e.args->what_if,
                              &(health_what_if_span){e.args->what_if_days, e.args->what_if_most, e.args->batch_roles,
                                                     e.args->batch_applications},
                              &e.policy, &habits, err);
    if (r >= 0)
        r = measure(&e, &measures, err);
    if (r >= 0)
        r = health_book_load(ctx, &e.reading, &e.book, err);
    if (r >= 0)
        r = take_procedures(&e, err);
    if (r >= 0)
        r = run_owed(&e, err);
    if (r >= 0)
        r = judge_all(&e, &measures, err);
    if (r >= 0)
        r = health_book_store(&e.book, &e.reading, err);
    if (r >= 0)
        r = health_note_branch(ctx, &e.reading, e.uid, err);
    if (r >= 0)
        r = health_remember(ctx, &e.reading, err);
    if (r >= 0)
        r = lb_examined(ctx, "metrics", e.checked, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_i64("alerts_triggered", e.opened + e.escalated), lb_i64("opened", e.opened),
                                     lb_i64("escalated", e.escalated), lb_i64("resolved", e.resolved),
                                     lb_i64("open", e.open), lb_i64("silenced", e.silenced),
                                     lb_i64("not_known", e.unknown), lb_i64("sops_auto_executed", e.sops),
                                     lb_text("paused_by", e.policy.paused_by)),
                             err);
}

LB_TOOL(evaluate_alert_thresholds, "holds the eight alert figures against their limits", .agent = "health",
        .risk = LB_RISK_LOW, .schedule = "*/5 * * * *", .detector = true, .timeout_s = 60,
        LB_TOOL_ARGS(struct args, params), .emits = LB_NAMES("threshold.breached", "threshold.cleared"),
        .calls = LB_NAMES("execute_low_risk_sop"), .needs = LB_NAMES("role pg_monitor", "extension pg_stat_statements"),
        .remembers = true, .run = run);
