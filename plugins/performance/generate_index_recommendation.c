/* generate_index_recommendation: what the analysis finds, scored, written down and, where it is asked for, put before
 * the gate: each recommendation is a decision of its own. Statements are made anew from the catalogue; results of an
 * earlier analysis only say which of the findings are wanted. */
#include "index_analysis.h"
#include "index_decisions.h"
#include "index_later.h"
#include "index_moved.h"
#include "index_settle.h"
#include "index_store.h"

#include <json-c/json.h>

struct args {
    index_limits limits;
    const char *analysis_results;
    double min_confidence, keep_days, keep_gain, watch_hours, slowdown;
    bool apply;
};

static const lb_param params[] = {
    INDEX_LIMIT_PARAMS,
    LB_PARAM(struct args, analysis_results, LB_JSON, NULL,
             "result of an index detector: only its findings are looked at again; without it all"),
    LB_PARAM(struct args, min_confidence, LB_F64, "0.5", "leave findings out that are less sure", .min = "0",
             .max = "1"),
    LB_PARAM(struct args, keep_days, LB_F64, "7", "days after which what was executed is kept, if it proves its worth",
             .min = "0"),
    LB_PARAM(struct args, keep_gain, LB_F64, "0.2",
             "and the share of its time that the statement has to lose for which an index was made", .min = "0",
             .max = "1"),
    LB_PARAM(struct args, watch_hours, LB_F64, "24",
             "hours, at least, for which the statements of a table are watched after one of its indexes was dropped",
             .min = "0"),
    LB_PARAM(struct args, slowdown, LB_F64, "1.5",
             "times its mean time, and its blocks, from which a statement suffers by that", .min = "1"),
    LB_PARAM(struct args, apply, LB_BOOL, "false",
             "also put each before the gate, and the undo of what did not prove its worth"),
    LB_PARAMS_END,
};

typedef struct desk {
    const struct args *args;
    struct json_object *wanted; /* findings, or NULL: all */
    index_pasts pasts;
    unsigned char *has_drop; /* by table: this run has recommended one */
    index_later later;
    int64_t stored, unchanged, applied, waiting, failed;
} desk;

/* ---- which ---- */

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_is_type(from, json_type_object) && json_object_object_get_ex(from, name, &found) ? found : NULL;
}

static bool says(struct json_object *finding, const char *name, const char *text)
{
    struct json_object *value = member(finding, name);
    return value && text && strcmp(json_object_get_string(value), text) == 0;
}

static bool is_wanted(const desk *d, const char *object, const char *kind)
{
    for (size_t i = 0; d->wanted && i < json_object_array_length(d->wanted); i++) {
        struct json_object *finding = json_object_array_get_idx(d->wanted, i);
        if (says(finding, "object", object) && says(finding, "kind", kind))
            return true;
    }
    return !d->wanted;
}

static void release(void *document)
{
    (void)json_object_put(document);
}

/* A result document, or the list of its findings. */
static int read_wanted(lb_ctx *ctx, desk *d, lb_error *err)
{
    if (!d->args->analysis_results)
        return 0;
    struct json_object *document = json_tokener_parse(d->args->analysis_results);
    int r = lb_defer(ctx, release, document);
    struct json_object *list = json_object_is_type(document, json_type_array) ? document : member(document, "findings");
    if (!list)
        list = member(member(document, "result"), "findings");
    if (!json_object_is_type(list, json_type_array))
        return lb_fail(err, LB_ERR_INVALID, "give the result of an index detector, as --json prints it",
                       "analysis_results holds no list of findings");
    d->wanted = list;
    return r < 0 ? lb_out_of_memory(err) : 0;
}

/* ---- which one it is ---- */

typedef struct identity {
    const char *object, *id;
    const char *database; /* that requests for it name; or NULL */
    index_past *past;     /* as the history has it; or NULL */
} identity;

/* What was advised before databases were told apart is the same advice, and goes on under its own id. */
static int recognise(index_work *work, const index_finding *f, identity *ret_who, lb_error *err)
{
    const desk *d = work->state;
    lb_ctx *ctx = work->ctx;
    identity who = {.object = index_object(ctx, f), .database = work->set->window.r.database};
    const char *old = NULL;
    if (who.object && f->type) {
        who.id = index_recommendation_id(ctx, who.database, f->type, who.object, f->new_index);
        old = index_recommendation_id(ctx, NULL, f->type, who.object, f->new_index);
    }
    if (!who.object || (f->type && (!who.id || !old)))
        return lb_out_of_memory(err);
    who.past = who.id ? index_find_past(&d->pasts, who.id) : NULL;
    if (!who.past && old && (who.past = index_find_past(&d->pasts, old))) {
        who.id = old;
        who.database = NULL;
    }
    *ret_who = who;
    return 0;
}

/* ---- the gate ---- */

/* What the gate's rules refuse, nobody has said no to: it waits until they allow it. What a person has denied, the gate
 * asks nobody again. */
static const char *status_of(lb_outcome outcome, bool is_denied)
{
    return outcome == LB_APPLIED ? "executed" : is_denied ? "rejected" : "pending_review";
}

/* Where that was seen on a branch, only while the table is what the branch was made of. */
static int ask(index_work *work, const index_finding *f, const identity *who, lb_outcome *ret_outcome, bool *ret_moved,
               lb_error *err)
{
    int r = f->rehearsed ? index_has_moved(work->trial, f->table, ret_moved, err) : 0;
    if (r >= 0 && !*ret_moved)
        r = index_ask(work, f, who->object, who->database, ret_outcome, err);
    if (r >= 0 && *ret_outcome == LB_APPLIED && work->trial)
        index_note_state(work->trial, f->table);
    return r;
}

static int decide(index_work *work, const index_finding *f, const identity *who, const char **ret_status, lb_error *err)
{
    desk *d = work->state;
    const char *object = who->object;
    bool is_denied = who->past && who->past->is_denied;
    lb_outcome outcome = LB_PLANNED;
    lb_error why;
    bool has_moved = false;
    *ret_status = status_of(outcome, is_denied);
    if (!d->args->apply || work->set->window.r.in_recovery)
        return 0;
    int r = ask(work, f, who, &outcome, &has_moved, &why);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY) {
        *err = why;
        return r;
    }
    if (r >= 0 && has_moved)
        return lb_skipped(work->ctx, object,
                          "its table was altered while this was tried on a branch: the next run tries it anew", err);
    d->applied += r >= 0 && outcome == LB_APPLIED;
    d->waiting += r >= 0 && outcome == LB_WAITING && !is_denied;
    d->failed += r < 0;
    *ret_status = r < 0 ? "failed" : status_of(outcome, is_denied);
    return r < 0 ? lb_skipped(work->ctx, object, lb_printf(work->ctx, "its change failed: %s", why.message), err) : 0;
}

/* A row only where something is new: what waits and still waits has one. */
static int keep(index_work *work, const index_finding *f, const char *id, const char *status, lb_error *err)
{
    desk *d = work->state;
    const index_past *past = index_find_past(&d->pasts, id);
    if (past && strcmp(past->r.status, status) == 0) {
        d->unchanged++;
        return 0;
    }
    d->stored++;
    return index_store(work, f, id, past ? past->r.created_at : lb_now(work->ctx), status, err);
}

static int follow(index_work *work, lb_error *err)
{
    const desk *d = work->state;
    const struct args *args = d->args;
    const index_keeping keeping = {.set = work->set,
                                   .days = args->keep_days,
                                   .share = args->keep_gain,
                                   .min_calls = (double)args->limits.min_calls,
                                   .watch_days = args->watch_hours / 24,
                                   .slowdown = args->slowdown,
                                   .all = !d->wanted,
                                   .now = lb_now(work->ctx)};
    return index_settle(work, &d->pasts, &keeping, args->apply && !work->set->window.r.in_recovery, err);
}

/* NULL in *ret_why: it may go on. */
static int wait_for_others(index_work *work, const index_finding *f, const char *id, const char **ret_why,
                           lb_error *err)
{
    desk *d = work->state;
    bool has_columns = f->columns && f->columns[0].count;
    *ret_why = index_creation_waits(&d->pasts, f, has_columns ? f->columns[0].v.items[0].v.text : NULL);
    if (!index_drop_is_felt(f))
        return 0;
    if (!d->has_drop)
        d->has_drop = lb_alloc(work->ctx, work->set->table_count + 1);
    if (!d->has_drop)
        return lb_out_of_memory(err);
    unsigned char *has = &d->has_drop[f->table - work->set->tables];
    *ret_why = *has ? "one index of a table is dropped a day, and this run has another"
                    : index_drop_waits(work->ctx, &d->pasts, f, id, lb_now(work->ctx));
    *has = *has || !*ret_why;
    return 0;
}

static int recommend(index_work *work, const index_finding *found, lb_error *err)
{
    desk *d = work->state;
    lb_ctx *ctx = work->ctx;
    index_finding learned = *found, *f = &learned;
    identity who = {0};
    const char *status = NULL;
    int r = recognise(work, f, &who, err);
    if (r < 0)
        return r;
    index_past *past = who.past;
    const char *object = who.object, *id = who.id;
    if (past)
        past->is_seen = true;
    learned.found_terms = found->terms;
    learned.terms = index_learned_terms(ctx, &d->pasts, found, past);
    if (!learned.terms)
        return lb_out_of_memory(err);
    if (!is_wanted(d, object, f->kind))
        return 0;
    if (past && strcmp(past->r.status, "executed") == 0)
        return lb_skipped(ctx, object, "it was executed before, and what became of that is settled first", err);
    if (index_has_fix(&f->fix) && !f->type)
        return lb_skipped(ctx, object, "its statements are advice: nobody is asked to agree to them here", err);
    if (!index_has_fix(&f->fix) || !f->type)
        return lb_skipped(ctx, object, "there is no statement that would help by itself", err);
    if (index_confidence(f) < d->args->min_confidence)
        return lb_skipped(ctx, object, "less sure than min_confidence", err);
    const char *why = NULL;
    r = wait_for_others(work, f, id, &why, err);
    if (r >= 0 && why)
        return lb_skipped(ctx, object, why, err);
    if (r >= 0)
        r = index_report(work, f, err);
    if (r >= 0)
        r = decide(work, f, &who, &status, err);
    if (r >= 0)
        r = keep(work, f, id, status, err);
    return r < 0 ? r
                 : lb_append(ctx, "recommendations",
                             LB_ARGS(lb_text("recommendation_id", id), lb_text("object", object),
                                     lb_text("type", f->type), lb_text("status", status),
                                     lb_text("ddl", index_fix_text(ctx, &f->fix)),
                                     lb_text("index", f->index ? f->index->r.name : f->new_index)),
                             err);
}

/* What would make an index is decided at once, all else when that is done: a request is bound to its table's indexes as
 * they are when it is made, and one that is built afterwards would make it void. */
static int hear(index_work *work, const index_finding *found, lb_error *err)
{
    desk *d = work->state;
    return found->new_index ? recommend(work, found, err) : index_later_add(work->ctx, &d->later, found, err);
}

static int decide_rest(index_work *work, lb_error *err)
{
    const desk *d = work->state;
    int r = 0;
    for (size_t i = 0; i < d->later.count && r >= 0; i++)
        r = recommend(work, &d->later.items[i], err);
    return r;
}

/* What became of earlier ones, once it is known whose they are to be. */
static int remember(index_work *work, lb_error *err)
{
    desk *d = work->state;
    const char *why = NULL; /* the analysis says it too */
    int r = index_read_pasts(work->ctx, work->set->window.r.database, &d->pasts, &why, err);
    return r < 0 ? r : index_hear_people(work->ctx, &d->pasts, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    desk d = {.args = ctx->args};
    index_work work = {.ctx = ctx, .tell = hear, .has_read = remember, .told_all = decide_rest, .state = &d};
    int r = read_wanted(ctx, &d, err);
    if (r >= 0)
        r = index_analyze(&work, &d.args->limits, err);
    if (r >= 0)
        r = follow(&work, err);
    if (r >= 0)
        r = lb_result(ctx,
                      LB_ARGS(lb_i64("stored", d.stored), lb_i64("unchanged", d.unchanged),
                              lb_i64("applied", d.applied), lb_i64("waiting", d.waiting), lb_i64("failed", d.failed)),
                      err);
    long long failed = d.failed, made = d.stored + d.unchanged;
    if (r >= 0 && failed)
        return lb_fail(err, LB_ERR_TOOL,
                       "see .changes for the server's words, and detect_unused_indexes for what is left",
                       "%lld of %lld recommendations could not be applied", failed, made);
    return r;
}

LB_TOOL(generate_index_recommendation, "index recommendations with scores and statements, kept in the history",
        .agent = "performance", .risk = LB_RISK_LOW, .detector = true, .timeout_s = 3600,
        LB_TOOL_ARGS(struct args, params), .writes = LB_NAMES("index_recommendations"), .calls = INDEX_TRIAL_CALLS,
        .run = run);
