/* self_heal: diagnoses, picks the remedy of the foremost cause, and looks whether it helped.
 *
 * What is low is done; what is medium or high is put before a person, and so is what has no remedy here or did not
 * help. What a person has approved is looked at in later runs, and taken back where it did not help. It fights nobody:
 * a pause holds it back, a person's no, a request that waits, a change that others have just made to the same thing,
 * what somebody has changed by hand since, and its own earlier tries, each with twice the pause of the one before. */
#include "heal_follow.h"
#include "heal_remedy.h"
#include "health_measure.h"

#include <sql/diagnose/escalations.h>

#include <string.h>

struct args {
    const char *metric, *cause, *object, *before;
    double min_confidence, others_min, settle_min;
    int64_t most;
};

static const lb_param params[] = {
    LB_PARAM(struct args, metric, LB_TEXT, NULL, "the figure that is past its limit; none given: whatever there is"),
    LB_PARAM(struct args, cause, LB_TEXT, NULL,
             "only this kind of cause, such as dead_tuples; none: nothing new is begun, what was approved is followed",
             .choices = CAUSE_KINDS "|none"),
    LB_PARAM(struct args, object, LB_TEXT, NULL, "only of that session, table or slot"),
    LB_PARAM(struct args, before, LB_JSON, NULL, "the reading before; none given: what the last run remembers"),
    LB_PARAM(struct args, min_confidence, LB_F64, "0.6", "nothing is done about what is less certain", .min = "0.5",
             .max = "1"),
    LB_PARAM(struct args, others_min, LB_F64, "15", "leaves alone what others changed within so many minutes",
             .min = "0"),
    LB_PARAM(struct args, settle_min, LB_F64, "15",
             "so many minutes what a person approved has to help, before it is"
             " taken back or a person is told",
             .min = "0"),
    LB_PARAM(struct args, most, LB_I64, "1", "remedies in one run", .min = "1", .max = "3"),
    LB_PARAMS_END,
};

typedef struct healing {
    lb_ctx *ctx;
    const struct args *args;
    cause_diagnosis diagnosis;
    heal_memory memory;
    heal_following following;
    const char *paused_by;
    int64_t done, asked, held, escalated;
} healing;

/* ---- deciding ---- */

static bool is_meant(const struct args *args, const cause_found *c)
{
    if (args->cause && strcmp(args->cause, c->kind) != 0)
        return false;
    if (args->object && strcmp(args->object, c->object) != 0)
        return false;
    return c->rank > 0 && c->confidence >= args->min_confidence;
}

/* Why nothing is done about it now, or NULL. */
static const char *held_back(const healing *h, const cause_found *c, const char *title)
{
    const char *why = h->paused_by ? lb_printf(h->ctx, "a pause holds: %s", h->paused_by) : NULL;
    if (!why)
        why = heal_decided(&h->memory, title);
    if (!why)
        why = heal_agreed(&h->memory, c, h->following.settle);
    if (!why)
        why = heal_changed_by_others(&h->memory, c, h->args->others_min);
    return why ? why : heal_tried(&h->memory, c->key);
}

static int say(const healing *h, const cause_found *c, const heal_remedy *remedy, const heal_deed *deed,
               const lb_value verified, lb_error *err)
{
    return lb_append(
        h->ctx, "remedies",
        LB_ARGS(lb_text("cause", c->kind), lb_text("object", c->object), lb_f64("confidence", c->confidence),
                lb_text("reason", c->reason), lb_text("action", remedy ? remedy->action : "ask a person"),
                lb_text("risk", remedy ? heal_risk_name(remedy->risk) : "high"), lb_text("status", deed->status),
                lb_text("why", deed->reason), verified, lb_text("command", c->command)),
        err);
}

/* ---- doing ---- */

static int escalate(healing *h, const cause_found *c, const char *done, lb_error *err)
{
    const char *answer = NULL, *diagnosis = h->diagnosis.answer;
    int r = lb_call(h->ctx, "escalate_high_risk_issue", NULL,
                    LB_ARGS(lb_text("issue", c->kind), lb_text("object", c->object), lb_json("diagnosis", diagnosis),
                            lb_text("done", done), lb_f64("min_confidence", h->args->min_confidence)),
                    &answer, err);
    h->escalated += r >= 0;
    return r;
}

typedef struct outcome {
    bool helped;
    const char *unknown; /* why it is not known whether it helped; or NULL */
} outcome;

/* Diagnoses again: is it gone, or at least weaker? That it is not found says something only where it was looked for. */
static int verify(healing *h, const cause_found *c, outcome *ret_outcome, lb_error *err)
{
    cause_diagnosis after = {0};
    *ret_outcome = (outcome){.helped = false};
    int r = cause_diagnose(h->ctx, h->args->metric, h->diagnosis.reading, &after, err);
    if (r < 0) {
        bool is_over = r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY || lb_time_left(h->ctx) <= 0;
        ret_outcome->unknown = lb_printf(h->ctx, "%s", err->message);
        return is_over ? r : 0; /* what was done is told all the same */
    }
    const cause_found *still = cause_find(&after, c->kind, c->object);
    ret_outcome->unknown = still ? NULL : after.unseen[c->id];
    ret_outcome->helped = still ? still->confidence < c->confidence - 0.1 : !ret_outcome->unknown;
    if (after.reading)
        h->memory.reading = after.reading;
    return 0;
}

/* The alerts of the figures that the cause drives hear of it; those that are not past their limits have none. What the
 * procedure of a metric has done, as for dead rows, it has told itself. */
static int tell_alerts(const healing *h, const cause_found *c, const heal_remedy *remedy, const char *status,
                       const char *line, lb_error *err)
{
    int r = 0;
    for (size_t id = 0; r >= 0 && id < HEALTH_ALERTS; id++)
        if (id != HEALTH_DEAD_TUPLES && cause_drives(c->id, health_alert_rules[id].metric))
            r = lb_emit(h->ctx, "threshold.treated",
                        LB_ARGS(lb_text("metric", health_alert_rules[id].metric), lb_text("status", status),
                                lb_text("text", line), lb_text("action", remedy->action)),
                        err);
    return r;
}

static int tell(const healing *h, const cause_found *c, const heal_remedy *remedy, const heal_deed *deed,
                const char *line, lb_error *err)
{
    bool is_told = deed->changed || strcmp(deed->status, "pending_approval") == 0;
    int r = is_told ? tell_alerts(h, c, remedy, deed->status, line, err) : 0;
    if (!is_told || r < 0)
        return r;
    return lb_emit(h->ctx, "self_heal.executed",
                   LB_ARGS(lb_text("issue", c->kind), lb_text("issue_id", c->key), lb_text("action", remedy->action),
                           lb_text("status", deed->status)),
                   err);
}

/* For a person: what was done, and what came of it. */
static const char *in_words(const healing *h, const heal_remedy *remedy, const heal_deed *deed, const outcome *came)
{
    bool is_asked = strcmp(deed->status, "pending_approval") == 0;
    const char *what = came->unknown   ? "whether it helped could not be seen"
                       : came->helped  ? "done, and it helped"
                       : deed->changed ? "it did not help"
                       : is_asked      ? "waits for a person (lbops approvals)"
                                       : deed->status;
    const char *why = came->unknown ? came->unknown : deed->reason;
    return lb_printf(h->ctx, "%s: %s%s%s", remedy->action, what, why ? ", " : "", why ? why : "");
}

/* What nobody could see counts as no help, and what stays of it is looked at in later runs. */
static int finish(healing *h, const cause_found *c, const heal_remedy *remedy, heal_deed *deed, lb_error *err)
{
    outcome came = {.helped = false};
    bool is_asked = strcmp(deed->status, "pending_approval") == 0, is_planned = lb_plans(h->ctx);
    int r = deed->changed ? verify(h, c, &came, err) : 0;
    bool is_known = deed->changed && !came.unknown;
    h->done += deed->changed;
    h->asked += is_asked;
    if (r >= 0 && remedy->risk > LB_RISK_LOW && (is_asked || came.helped || came.unknown))
        r = heal_promise(&h->memory, c, deed->title, is_asked ? HEAL_ASKED : HEAL_DONE, err);
    if (r >= 0)
        r = heal_note(&h->memory, c->key, deed->changed, came.helped, err);
    if (r >= 0)
        r = tell(h, c, remedy, deed, lb_printf(h->ctx, "%s (%s)", in_words(h, remedy, deed, &came), c->key), err);
    if (r >= 0 && !came.helped && !is_asked && !is_planned)
        r = escalate(h, c, in_words(h, remedy, deed, &came), err);
    if (came.unknown)
        deed->reason = lb_printf(h->ctx, "whether it helped is not known: %s", came.unknown);
    return r < 0 ? r : say(h, c, remedy, deed, is_known ? lb_bool("verified", came.helped) : lb_null("verified"), err);
}

static int treat(healing *h, const cause_found *c, lb_error *err)
{
    const heal_remedy *remedy = heal_remedy_of(c);
    const char *title = remedy && remedy->title ? remedy->title(h->ctx, c) : NULL;
    heal_deed deed = {.title = title, .status = "held_back"};
    bool tells_person = false;
    deed.reason = remedy ? held_back(h, c, title) : NULL;
    if (!remedy)
        deed = (heal_deed){.status = "for_a_person", .reason = h->paused_by ? "a pause holds" : NULL};
    if (!remedy || deed.reason) {
        tells_person = !lb_plans(h->ctx) && (!remedy || heal_gives_up(&h->memory, c->key));
        h->held += remedy != NULL;
        int r = tells_person ? escalate(h, c, deed.reason, err) : 0;
        return r < 0 ? r : say(h, c, remedy, &deed, lb_null("verified"), err);
    }
    int r = remedy->act(h->ctx, c, title, &deed, err);
    return r < 0 ? r : finish(h, c, remedy, &deed, err);
}

/* ---- ends ---- */

/* Without history nothing is known to have been told. */
static int look_what_is_told(const healing *h, bool *ret_is_any, lb_error *err)
{
    const lb_target *target = lb_run_target(h->ctx);
    const int64_t now = lb_now(h->ctx);
    const diagnose_escalations_args wanted = {.project = target->project,
                                              .branch = target->branch,
                                              .tool = CAUSE_TELLER,
                                              .since = now - CAUSE_TOLD_FOR,
                                              .recent = now};
    diagnose_escalations_row told;
    lb_rows *rows = NULL;
    const char *why = NULL;
    int asked = diagnose_escalations(h->ctx, &wanted, &rows, err);
    int r = lb_history_or_skip(h->ctx, asked, NULL, &why, err);
    while (r > 0 && diagnose_escalations_next(h->ctx, rows, &told))
        *ret_is_any = *ret_is_any || strcmp(told.state, "resolved") != 0;
    return r;
}

/* Of what people were told, this diagnosis may be the first that no longer shows it. What was just healed is over for
 * the next run, which looks anew; so is what was in vain, which people have just been told of though it is not shown.
 */
static int tell_ends(const healing *h, lb_error *err)
{
    const char *answer = NULL, *diagnosis = h->diagnosis.answer;
    lb_error trouble;
    bool is_any = false;
    int r = lb_plans(h->ctx) || h->following.in_vain ? 0 : look_what_is_told(h, &is_any, err);
    if (r < 0 || !is_any)
        return r;
    r = lb_call(h->ctx, CAUSE_TELLER, NULL, LB_ARGS(lb_json("diagnosis", diagnosis), lb_bool("only_ends", true)),
                &answer, &trouble);
    return r < 0 ? lb_skipped(h->ctx, "what is over", trouble.message, err) : 0;
}

/* ---- the whole ---- */

static int treat_all(healing *h, lb_error *err)
{
    int64_t unsure = 0;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < h->diagnosis.count && h->done + h->asked < h->args->most; i++) {
        const cause_found *c = &h->diagnosis.items[i];
        unsure += c->rank > 0 && c->confidence < h->args->min_confidence;
        if (is_meant(h->args, c))
            r = treat(h, c, err);
    }
    if (r >= 0 && unsure)
        r = lb_skipped(h->ctx, lb_printf(h->ctx, "%lld %s", (long long)unsure, unsure == 1 ? "cause" : "causes"),
                       "not certain enough to act on", err);
    return r;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    healing h = {.ctx = ctx, .args = ctx->args};
    health_policy policy = {0};
    int r = h.args->metric ? health_check_alert("metric", h.args->metric, err) : 0;
    if (r >= 0)
        r = health_read_policy(ctx, &policy, err);
    h.paused_by = policy.paused_by;
    if (r >= 0)
        r = heal_load(ctx, &h.memory, err);
    if (r >= 0)
        r = cause_diagnose(ctx, h.args->metric, h.args->before ? h.args->before : h.memory.reading, &h.diagnosis, err);
    h.following = (heal_following){
        .ctx = ctx, .memory = &h.memory, .diagnosis = &h.diagnosis, .settle = (int64_t)(h.args->settle_min * 60e6)};
    if (r >= 0 && !h.paused_by)
        r = heal_follow(&h.following, err);
    if (r >= 0) {
        h.memory.reading = h.diagnosis.reading;
        r = treat_all(&h, err);
    }
    if (r >= 0)
        r = heal_store(&h.memory, err);
    if (r >= 0)
        r = tell_ends(&h, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("verdict", h.diagnosis.verdict),
                                     lb_i64("causes", (int64_t)h.diagnosis.count), lb_i64("executed", h.done),
                                     lb_i64("asked", h.asked), lb_i64("held_back", h.held),
                                     lb_i64("escalated", h.escalated + h.following.in_vain),
                                     lb_i64("verified_later", h.following.verified),
                                     lb_i64("changed_by_hand", h.following.by_hand), lb_text("paused_by", h.paused_by)),
                             err);
}

LB_TOOL(self_heal, "treats the foremost cause: low risks at once, others once a person agrees; looks whether it helped",
        .agent = "health", .risk = LB_RISK_LOW, .timeout_s = 3600, LB_TOOL_ARGS(struct args, params),
        .emits = LB_NAMES("self_heal.executed", "threshold.treated"),
        .calls = LB_NAMES("diagnose_root_cause", "execute_low_risk_sop", "escalate_high_risk_issue"),
        .needs = LB_NAMES("role pg_monitor", "role pg_signal_backend"), .remembers = true, .run = run);
