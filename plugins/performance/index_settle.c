/* From executed to kept, or back through the gate to reverted. */
#include "index_settle.h"

#include "index_decisions.h"
#include "index_figures.h"
#include "index_measure.h"
#include "index_store.h"
#include "index_trial.h"
#include "index_watch.h"

#include <json-c/json.h>
#include <sql/index/recreate.h>

/* As sure as the finding itself is: a denial makes the next one less so, and must not be what is new about it. */
static const char *label_of(const index_finding *f)
{
    index_finding found = *f;
    found.terms = f->found_terms ? f->found_terms : f->terms;
    return index_label_of(index_confidence(&found));
}

/* What would take it back, to be executed as it stands; it is what settling executes, too. */
static int say_undo(index_work *work, const index_finding *f, const char **ret_undo, lb_error *err)
{
    index_fix drop = {0};
    *ret_undo = f->undo && *f->undo ? f->undo : "none is needed: the index stays as it is";
    if ((f->undo && *f->undo) || !f->new_index || !f->table)
        return 0;
    int r = index_fix_drop_new(work, f->table, f->new_index, &drop, err);
    *ret_undo = r < 0 ? NULL : index_fix_text(work->ctx, &drop);
    return r < 0 ? r : *ret_undo ? 0 : lb_out_of_memory(err);
}

/* Evidence for the gate is what the same advice has again tomorrow: a denial then stands. The figures, where it was
 * tried, and on which state, are told and not compared. */
int index_ask(index_work *work, const index_finding *f, const char *object, const char *database,
              lb_outcome *ret_outcome, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    const char *undo = NULL;
    int r = say_undo(work, f, &undo, err);
    if (r < 0)
        return r;
    const lb_value *figures = index_figures(work, f);
    if (!figures)
        return lb_out_of_memory(err);
    const lb_value of_database = database ? lb_text("database", database) : (lb_value){.type = LB_END};
    const lb_value *told =
        LB_ARGS(lb_text("rehearsed_on_branch", f->rehearsed ? f->rehearsed->branch : NULL),
                lb_text("rehearsed_at_lsn", f->rehearsed ? f->rehearsed->lsn : NULL), lb_object("figures", figures));
    lb_group *group = NULL;
    r = lb_group_open(
        ctx,
        LB_GROUP(.title = index_title(ctx, f->type, object, database), .reason = f->reason,
                 .evidence = LB_ARGS(lb_text("kind", f->kind), lb_text("object", object),
                                     lb_text("confidence", label_of(f)), lb_object("not_compared", told), of_database),
                 .undo = undo),
        &group, err);
    if (r >= 0)
        r = index_fix_apply(ctx, group, &f->fix, err);
    return r < 0 ? r : lb_apply(ctx, group, ret_outcome, err);
}

static int tell_step(lb_ctx *ctx, const index_past *past, const char *status, const char *why, const char *undo,
                     lb_error *err)
{
    return lb_append(ctx, "followed",
                     LB_ARGS(lb_text("recommendation_id", past->r.recommendation_id), lb_text("was", past->r.status),
                             lb_text("status", status), lb_text("reason", why), lb_text("index", past->r.index_name),
                             lb_text("undo", undo)),
                     err);
}

static const char *word_of(lb_outcome outcome)
{
    return outcome == LB_APPLIED   ? "applied"
           : outcome == LB_WAITING ? "waiting"
           : outcome == LB_REFUSED ? "refused"
                                   : "planned";
}

static int take_back(index_work *work, const index_past *past, const index_finding *f, bool undo, const char **ret_word,
                     lb_error *err)
{
    lb_outcome outcome = LB_PLANNED;
    const char *object = index_object(work->ctx, f);
    int r = object ? index_report(work, f, err) : lb_out_of_memory(err);
    *ret_word = "proposed";
    if (r < 0 || !undo)
        return r;
    lb_error why;
    r = index_ask(work, f, object, past->database, &outcome, &why);
    *ret_word = r < 0 ? "failed" : word_of(outcome);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_TIMEOUT || r == LB_ERR_UNREACHABLE || r == LB_ERR_NO_MEMORY) {
        *err = why;
        return r;
    }
    return r < 0 ? lb_skipped(work->ctx, object, lb_printf(work->ctx, "its undo failed: %s", why.message), err) : 0;
}

/* The index that was made on advice, as a finding. */
static int undo_creation(index_work *work, const index_past *past, const index_gain *gain, const index_step *step,
                         bool undo, const char **ret_word, lb_error *err)
{
    const index_info *x = index_of_past(work->set, past);
    index_fix fix = {0};
    int r = index_fix_drop(work, x, &fix, err);
    if (r < 0)
        return r;
    const index_finding f = {
        .kind = "useless_index",
        .type = "undo_create_missing",
        .table = x->table,
        .index = x,
        .reason = step->why,
        .evidence = LB_ARGS(lb_text("recommendation_id", past->r.recommendation_id),
                            lb_f64("calls_before", gain->calls_before), lb_f64("mean_ms_before", gain->mean_before),
                            lb_f64("calls_after", gain->calls_after), lb_f64("mean_ms_after", gain->mean_after),
                            lb_i64("scans", x->tree_scans), lb_i64("bytes", x->tree_bytes)),
        .terms = LB_TERMS({"times_were_measured", 0.7}, {"nobody_scans_it", step->is_unscanned ? 0.25 : 0}),
        .impact = LB_ARGS(lb_i64("bytes", x->tree_bytes)),
        .fix = fix,
        .undo = past->r.ddl_statement};
    return take_back(work, past, &f, undo, ret_word, err);
}

/* As it was when its drop was proposed; NULL: that is not known. */
static const char *definition_of(lb_ctx *ctx, const index_past *past)
{
    struct json_object *document = past->r.evidence ? json_tokener_parse(past->r.evidence) : NULL, *undo = NULL;
    const char *text = json_object_object_get_ex(document, "undo", &undo) && json_object_is_type(undo, json_type_string)
                           ? lb_printf(ctx, "%s", json_object_get_string(undo))
                           : NULL;
    (void)json_object_put(document);
    return text && *text ? text : NULL;
}

/* The index that went on advice, as a finding. */
static int undo_drop(index_work *work, const index_past *past, const index_gain *gain, const index_step *step,
                     bool undo, const char **ret_word, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    const index_harm *h = &gain->harm;
    const char *definition = definition_of(ctx, past),
               *object = index_label(ctx, past->r.schema_name, past->r.index_name);
    index_fix fix = {0};
    int r = !object ? lb_out_of_memory(err)
            : definition
                ? index_make_fix(work, &index_recreate_sql, LB_ARGS(lb_definition("definition", definition)), &fix, err)
                : lb_skipped(ctx, object, "its definition is not in the history: make it again by hand", err);
    if (r < 0)
        return r;
    const index_finding f = {
        .kind = "missed_index",
        .type = "undo_drop",
        .table = index_table_of_past(work->set, past),
        .new_index = past->r.index_name,
        .object = object,
        .reason = step->why,
        .evidence = LB_ARGS(lb_text("recommendation_id", past->r.recommendation_id),
                            lb_i64("statements_compared", h->compared), lb_i64("statements_slower", h->slower),
                            lb_i64("worst_statement", h->worst), lb_f64("its_calls_since", h->calls_since),
                            lb_f64("its_mean_ms_before", h->mean_before), lb_f64("its_mean_ms_since", h->mean_since),
                            lb_f64("its_blocks_before", h->blocks_before), lb_f64("its_blocks_since", h->blocks_since)),
        .terms = LB_TERMS({"times_were_measured", 0.6}, {"it_reads_more_blocks", h->blocks_since >= 0 ? 0.2 : 0},
                          {"several_take_longer", h->slower > 1 ? 0.1 : 0}),
        .impact = LB_ARGS(lb_f64("ms_saved", (h->mean_since - h->mean_before) * h->calls_since)),
        .fix = fix,
        .undo = past->r.ddl_statement};
    return take_back(work, past, &f, undo && definition, ret_word, err);
}

/* What it was for, or who misses it, once that can be known. */
static int look_back(lb_ctx *ctx, const index_past *past, const index_keeping *keeping, index_gain *ret_gain,
                     lb_error *err)
{
    bool is_gone = !index_of_past(keeping->set, past), is_due = index_is_due(keeping, past);
    *ret_gain = (index_gain){.mean_before = -1, .mean_after = -1};
    if (strcmp(past->r.status, "executed") != 0)
        return 0;
    if (strncmp(past->r.recommendation_type, "create", 6) == 0 && (is_due || is_gone))
        return index_measure(ctx, keeping, past, ret_gain, err);
    if (index_is_drop(past->r.recommendation_type) && (is_due || !is_gone))
        return index_watch(ctx, keeping, past, &ret_gain->harm, err);
    return 0;
}

static int take_step(index_work *work, const index_past *past, const index_keeping *keeping, bool undo, lb_error *err)
{
    lb_ctx *ctx = work->ctx;
    index_gain gain;
    index_step step = {0};
    const char *word = NULL;
    int r = look_back(ctx, past, keeping, &gain, err);
    if (r >= 0)
        r = index_next_step(ctx, keeping, past, &gain, &step, err);
    if (r >= 0 && step.wants_undo)
        r = index_is_drop(past->r.recommendation_type) ? undo_drop(work, past, &gain, &step, undo, &word, err)
                                                       : undo_creation(work, past, &gain, &step, undo, &word, err);
    if (r >= 0 && step.wants_undo)
        step.status = strcmp(word, "applied") == 0 ? "reverted" : NULL;
    const char *evidence = past->r.evidence;
    bool is_measured = gain.query_id || gain.harm.compared;
    if (r >= 0 && step.status && is_measured && !(evidence = index_measured_evidence(ctx, past, &gain)))
        return lb_out_of_memory(err);
    if (r >= 0 && step.status)
        r = index_store_step(ctx, &past->r, step.status, step.why, evidence, err);
    if (r < 0 || (!step.status && !word))
        return r;
    return tell_step(ctx, past, step.status ? step.status : past->r.status, step.why, word, err);
}

int index_settle(index_work *work, const index_pasts *pasts, const index_keeping *keeping, bool undo, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < pasts->count && r >= 0; i++)
        r = take_step(work, &pasts->items[i], keeping, undo, err);
    return r;
}
