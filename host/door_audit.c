/* The audit trail: one row before a change, one after it, both durable at once. */
#include "door.h"

#include "json.h"

static int add_row(outbox_batch *batch, const change *c, bool is_outcome, const char *evidence, lb_error *err)
{
    const run_request *q = c->group->run->request;
    const bool failed = is_outcome && c->error.code;
    return outbox_add(
        batch, "audit_log",
        LB_ARGS(lb_text("audit_id", c->audit_id), lb_text("phase", is_outcome ? "outcome" : "intent"),
                lb_time("at", clock_now()), lb_text("actor_kind", gate_actor_name(q->actor_kind)),
                lb_text("actor", q->actor), lb_text("tool", q->tool), lb_text("reason", c->group->reason),
                lb_text("group_title", c->group->title), lb_text("kind", change_kind_name(c->kind)),
                lb_text("effect", effect_name(c->verdict.effect)),
                lb_text("branch_class", gate_class_name(q->target.branch_class)),
                lb_text("approval_id", c->group->run->approval_id), lb_text("decision", c->group->answer.why),
                lb_text("statement", c->statement),
                is_outcome ? lb_text("outcome", change_outcome_name(c->outcome)) : lb_null("outcome"),
                is_outcome && c->rows >= 0 ? lb_i64("rows_affected", c->rows) : lb_null("rows_affected"),
                is_outcome ? lb_f64("duration_ms", (double)c->duration_us / 1000) : lb_null("duration_ms"),
                failed ? lb_text("error_code", error_name(c->error.code)) : lb_null("error_code"),
                failed ? lb_text("error_message", c->error.message) : lb_null("error_message"),
                lb_text("undo", c->group->undo), is_outcome ? lb_null("evidence") : lb_json("evidence", evidence)),
        &q->target, err);
}

static int write_rows(lb_group *group, bool is_outcome, lb_error *err)
{
    const run_state *run = group->run;
    BUF_AUTO evidence = BUF_INIT((size_t)1024 * 1024);
    int r = json_named(&evidence, group->evidence, err);
    if (r < 0)
        return lb_wrap(err, group->title);
    if (evidence.overflow)
        return run_frame_fail(err, "evidence");
    const worker_setup *setup = run->worker->setup;
    outbox_batch *batch = outbox_batch_new(setup->outbox_dir, run->request->id, (size_t)16 * 1024 * 1024);
    if (setup->journal_dir) /* under the id of the run that the supervisor knows */
        outbox_batch_journal(batch, setup->journal_dir, run->root->id, is_outcome ? OUTBOX_OUTCOME : OUTBOX_INTENT);
    for (change *c = group->first; c && r >= 0; c = c->next) {
        if (c->stands)
            continue;
        if (!is_outcome)
            id_new(c->audit_id);
        r = add_row(batch, c, is_outcome, buf_text(&evidence), err);
    }
    if (r >= 0 && group->first)
        r = outbox_commit(batch, err);
    (void)outbox_batch_free(batch); /* gives NULL */
    return r;
}

int door_audit_intents(lb_group *group, lb_error *err)
{
    return write_rows(group, false, err);
}

int door_audit_outcomes(lb_group *group, lb_error *err)
{
    return write_rows(group, true, err);
}
