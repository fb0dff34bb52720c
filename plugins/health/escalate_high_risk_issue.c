/* escalate_high_risk_issue: brings a trouble before a person: what it is, why we think so, what was done, and the
 * command for what comes next. Each trouble is told once, again when it gets worse or after its time, and when it is
 * over. One that comes and goes stays open until it has kept quiet. What was told stands in history, so whoever asks,
 * and from wherever, gets the same answer. */
#include "cause_found.h"
#include "health_measure.h"

#include <sql/diagnose/escalations.h>

#include <string.h>

#define NAME   CAUSE_TELLER
#define MINUTE (INT64_C(60) * 1000000)
#define FLAPS  2 /* so often within flap_min it comes and goes */

struct args {
    const char *issue, *object, *diagnosis, *done, *severity;
    double min_confidence, remind_critical_min, remind_warning_min, flap_min;
    int64_t most;
    bool only_ends;
};

static const lb_param params[] = {
    LB_PARAM(
        struct args, issue, LB_TEXT, NULL,
        "the kind of cause, such as lock_chain; none given: all that there are. What self_heal.executed names is no "
        "kind always, and of that no diagnosis tells",
        .choices = CAUSE_KINDS "|" HEALTH_ALERT_METRICS "|idle_connections"),
    LB_PARAM(struct args, object, LB_TEXT, NULL, "only of that session, table or slot"),
    LB_PARAM(struct args, diagnosis, LB_JSON, NULL, "what diagnose_root_cause answered; none given: it is asked now"),
    LB_PARAM(struct args, done, LB_TEXT, NULL, "what was done about it"),
    LB_PARAM(struct args, severity, LB_TEXT, "auto", "how bad it is", .choices = "auto|warning|critical"),
    LB_PARAM(struct args, min_confidence, LB_F64, "0.6", "what is less certain is not told", .min = "0", .max = "1"),
    LB_PARAM(struct args, remind_critical_min, LB_F64, "60", "tells what is critical again after so long", .min = "1"),
    LB_PARAM(struct args, remind_warning_min, LB_F64, "1440", "and a warning", .min = "1"),
    LB_PARAM(struct args, flap_min, LB_F64, "60",
             "what began twice within so many minutes comes and goes: its end is told when they are past; 0: always",
             .min = "0", .max = "1440"),
    LB_PARAM(struct args, most, LB_I64, "5", "troubles in one run; the others are counted", .min = "1"),
    LB_PARAM(struct args, only_ends, LB_BOOL, "false", "tells what is over, and nothing else"),
    LB_PARAMS_END,
};

typedef diagnose_escalations_row told;

typedef struct desk {
    lb_ctx *ctx;
    const struct args *args;
    cause_diagnosis diagnosis;
    const told *told;
    size_t told_count;
    const char *paused_by;
    int64_t fired, known, silenced, resolved, flapping;
} desk;

/* ---- what was told before ---- */

static int read_told(desk *d, lb_error *err)
{
    const lb_target *target = lb_run_target(d->ctx);
    const int64_t now = lb_now(d->ctx);
    const diagnose_escalations_args wanted = {.project = target->project,
                                              .branch = target->branch,
                                              .tool = NAME,
                                              .since = now - CAUSE_TOLD_FOR,
                                              .recent = now - (int64_t)(d->args->flap_min * (double)MINUTE)};
    lb_rows *rows = NULL;
    int asked = diagnose_escalations(d->ctx, &wanted, &rows, err);
    int r = lb_history_or_skip(d->ctx, asked, "what was told before", NULL, err);
    if (r <= 0)
        return r;
    told *all = lb_alloc(d->ctx, ((size_t)lb_row_count(d->ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    while (diagnose_escalations_next(d->ctx, rows, &all[d->told_count]))
        d->told_count++;
    d->told = all;
    return 0;
}

static const told *find(const desk *d, const char *key)
{
    for (size_t i = 0; i < d->told_count; i++)
        if (strcmp(d->told[i].alert_id, key) == 0)
            return &d->told[i];
    return NULL;
}

static const told *if_open(const told *t)
{
    return t && strcmp(t->state, "resolved") != 0 ? t : NULL;
}

static bool comes_and_goes(const desk *d, int64_t fires)
{
    return d->args->flap_min > 0 && fires >= FLAPS;
}

/* "fired", "escalated", "renotified", "silenced", or NULL: it is known. */
static const char *step_of(const desk *d, const told *last, const char *severity)
{
    bool is_critical = strcmp(severity, "critical") == 0;
    double wait = is_critical ? d->args->remind_critical_min : d->args->remind_warning_min;
    if (d->paused_by)
        return last ? NULL : "silenced";
    if (!last || strcmp(last->state, "silenced") == 0)
        return "fired";
    if (is_critical && strcmp(last->severity, "critical") != 0)
        return "escalated";
    return (double)(lb_now(d->ctx) - last->told_at) >= wait * (double)MINUTE ? "renotified" : NULL;
}

/* ---- telling ---- */

static const char *severity_of(const desk *d, const cause_found *c)
{
    bool is_urgent = c->id == CAUSE_LOCK_CHAIN || c->id == CAUSE_CONNECTION_STORM || c->id == CAUSE_WRAPAROUND_AGE ||
                     c->id == CAUSE_STUCK_SLOT || c->id == CAUSE_LOST_SLOT;
    if (strcmp(d->args->severity, "auto") != 0)
        return d->args->severity;
    return is_urgent && c->confidence >= 0.7 ? "critical" : "warning";
}

static int keep(const desk *d, const cause_found *c, const told *last, const char *step, const char *severity,
                const char *title, lb_error *err)
{
    int64_t now = lb_now(d->ctx);
    return lb_record(
        d->ctx, "alert_history",
        LB_ARGS(lb_text("alert_id", c->key), lb_time("at", now), lb_text("state", step), lb_text("severity", severity),
                lb_text("rule", c->kind), lb_text("title", title),
                lb_text("message", c->command ? lb_printf(d->ctx, "%s; next: %s", c->reason, c->command) : c->reason),
                lb_text("object_name", c->object), lb_text("source_agent", "health"), lb_text("source_tool", NAME),
                lb_f64("metric_value", c->confidence),
                lb_time("fired_at", last && !last->fired_at_is_null ? last->fired_at : now),
                lb_text("sop_action", d->args->done), lb_json("detail", c->evidence)),
        err);
}

static int announce(const desk *d, const cause_found *c, const char *severity, const char *title, lb_error *err)
{
    const cause_rule *rule = &cause_rules[c->id];
    bool is_critical = strcmp(severity, "critical") == 0;
    return lb_emit(
        d->ctx, "issue.escalated",
        LB_ARGS(
            lb_text("issue", c->kind), lb_text("object", c->object), lb_text("severity", severity),
            lb_text("text", title), lb_text("done", d->args->done), lb_text("remedy", rule->remedy),
            lb_text("command", c->command), lb_text("metrics", rule->metrics),
            lb_f64("remind_s", 60 * (is_critical ? d->args->remind_critical_min : d->args->remind_warning_min)),
            lb_object("diagnosis", LB_ARGS(lb_f64("confidence", c->confidence), lb_json("evidence", c->evidence),
                                           lb_text("confirm", rule->confirm), lb_text("otherwise", rule->otherwise)))),
        err);
}

static int escalate(desk *d, const cause_found *c, lb_error *err)
{
    const told *before = find(d, c->key), *last = if_open(before);
    const char *severity = severity_of(d, c), *step = step_of(d, last, severity);
    bool is_new = step && strcmp(step, "fired") == 0;
    bool flaps = comes_and_goes(d, (before ? before->fires : 0) + is_new);
    const char *title = lb_printf(d->ctx, "%s: %s%s", c->object, c->reason, flaps ? "; it comes and goes" : "");
    bool is_told = step && strcmp(step, "silenced") != 0;
    int r = step ? keep(d, c, last, step, severity, title, err) : 0;
    if (r >= 0 && is_told)
        r = announce(d, c, severity, title, err);
    d->fired += is_told;
    d->silenced += step && !is_told;
    d->known += !step;
    return r < 0 ? r
                 : lb_append(d->ctx, "issues",
                             LB_ARGS(lb_text("issue", c->kind), lb_text("object", c->object),
                                     lb_text("severity", severity),
                                     lb_text("state", step    ? step
                                                      : flaps ? "flapping"
                                                              : "known"),
                                     lb_text("text", title), lb_text("done", d->args->done),
                                     lb_text("remedy", cause_rules[c->id].remedy), lb_text("command", c->command),
                                     lb_f64("confidence", c->confidence), lb_json("evidence", c->evidence)),
                             err);
}

/* Only a diagnosis with its reading is known to be whole; of what another leaves out it says nothing. */
static bool may_end(const desk *d)
{
    return !d->args->issue && !d->args->object && d->diagnosis.reading;
}

/* What was told and is there no longer. */
static int resolve(desk *d, const told *t, lb_error *err)
{
    const char *object = t->object_name ? t->object_name : "server";
    bool is_open = strcmp(t->state, "resolved") != 0, was_told = strcmp(t->state, "silenced") != 0;
    cause_id id = cause_named(t->kind);
    bool could_be_seen = id < CAUSES && !d->diagnosis.unseen[id];
    if (!is_open || !could_be_seen || cause_find(&d->diagnosis, t->kind, object))
        return 0;
    if (comes_and_goes(d, t->fires)) { /* it would be told again and again */
        d->flapping++;
        return 0;
    }
    const char *line = lb_printf(d->ctx, "%s of %s is over", t->kind, object);
    d->resolved++;
    int r = lb_record(d->ctx, "alert_history",
                      LB_ARGS(lb_text("alert_id", t->alert_id), lb_time("at", lb_now(d->ctx)),
                              lb_text("state", "resolved"), lb_text("severity", t->severity), lb_text("rule", t->kind),
                              lb_text("title", line), lb_text("object_name", object), lb_text("source_agent", "health"),
                              lb_text("source_tool", NAME),
                              lb_time("fired_at", t->fired_at_is_null ? t->told_at : t->fired_at)),
                      err);
    if (r >= 0 && was_told)
        r = lb_emit(d->ctx, "issue.resolved",
                    LB_ARGS(lb_text("issue", t->kind), lb_text("object", object), lb_text("text", line)), err);
    return r;
}

/* ---- the whole ---- */

static bool is_meant(const struct args *args, const cause_found *c)
{
    if (args->object && strcmp(args->object, c->object) != 0)
        return false;
    return args->issue ? strcmp(args->issue, c->kind) == 0 : c->rank > 0;
}

static int escalate_all(desk *d, lb_error *err)
{
    int64_t meant = 0, left = 0;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < d->diagnosis.count; i++) {
        const cause_found *c = &d->diagnosis.items[i];
        if (!is_meant(d->args, c) || c->confidence < d->args->min_confidence)
            continue;
        if (meant++ < d->args->most)
            r = escalate(d, c, err);
        else
            left++;
    }
    if (r >= 0 && left)
        r = lb_skipped(d->ctx, lb_printf(d->ctx, "%lld more", (long long)left), "the foremost are told one by one",
                       err);
    if (r >= 0 && d->args->issue && !meant)
        r = lb_skipped(d->ctx, d->args->issue, "the diagnosis does not show it, or not surely enough", err);
    return r;
}

/* What is remembered is the reading. */
static int ask(desk *d, lb_error *err)
{
    const char *before = NULL;
    int r = lb_recall(d->ctx, &before, err);
    if (r >= 0)
        r = cause_diagnose(d->ctx, NULL, before, &d->diagnosis, err);
    return r < 0 || !d->diagnosis.reading ? r : lb_remember(d->ctx, d->diagnosis.reading, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    desk d = {.ctx = ctx, .args = ctx->args};
    health_policy policy = {0};
    int r = health_read_policy(ctx, &policy, err);
    d.paused_by = policy.paused_by;
    if (r >= 0)
        r = d.args->diagnosis ? cause_read(ctx, d.args->diagnosis, &d.diagnosis, err) : ask(&d, err);
    if (r >= 0)
        r = read_told(&d, err);
    if (r >= 0 && !d.args->only_ends)
        r = escalate_all(&d, err);
    for (size_t i = 0; r >= 0 && may_end(&d) && i < d.told_count; i++)
        r = resolve(&d, &d.told[i], err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("verdict", d.diagnosis.verdict), lb_i64("told", d.fired),
                                     lb_i64("known", d.known), lb_i64("silenced", d.silenced),
                                     lb_i64("resolved", d.resolved), lb_i64("flapping", d.flapping),
                                     lb_text("paused_by", d.paused_by)),
                             err);
}

LB_TOOL(escalate_high_risk_issue, "brings a trouble before a person: its cause, what was done, and what comes next",
        .agent = "health", .risk = LB_RISK_LOW, .timeout_s = 90, LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("alert_history"), .emits = LB_NAMES("issue.escalated", "issue.resolved"),
        .calls = LB_NAMES("diagnose_root_cause"), .needs = LB_NAMES("role pg_monitor"), .remembers = true, .run = run);
