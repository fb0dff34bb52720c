/* Asking a person: the group becomes an approval document and goes to the supervisor. */
#include "door.h"

#include "compose.h"
#include "json.h"

static approval_change change_to_store(const change *c)
{
    approval_change stored = {.kind = c->kind, .effect = c->verdict.effect, .statement = c->statement};
    if (c->kind == CHANGE_SQL) {
        stored.sql.name = c->sql->statement->name;
        stored.sql.text = c->sql->text;
        stored.sql.params = c->sql->params;
        stored.sql.param_types = c->sql->param_types;
        stored.sql.param_count = c->sql->param_count;
        stored.sql.args = c->args;
        stored.sql.rests = c->rest != NULL;
    }
    if (c->kind == CHANGE_LAKE) { /* door.c has let through those that can wait */
        stored.sql.name = c->lake->rows->name;
        stored.sql.text = c->sql->text;
        stored.sql.args = c->args;
        stored.lake.catalog = c->lake->table.catalog;
        stored.lake.schema = c->lake->table.schema;
        stored.lake.name = c->lake->table.name;
        stored.lake.expects = c->lake->expects;
    }
    stored.service = c->service;
    if (c->request)
        stored.request = *c->request;
    stored.path = c->path;
    stored.content = c->content;
    stored.argv = c->argv;
    return stored;
}

static int store_changes(const lb_group *group, approval *a, lb_error *err)
{
    size_t count = 0;
    approval_change *changes = arena_alloc(group->run->memory, (group->count + 1) * sizeof *changes);
    if (!changes)
        return lb_out_of_memory(err);
    for (const change *c = group->first; c; c = c->next) {
        changes[count++] = change_to_store(c);
        a->effect = c->verdict.effect > a->effect ? c->verdict.effect : a->effect;
    }
    a->changes = changes;
    a->change_count = count;
    return 0;
}

static int store_notes(const lb_group *group, approval *a, lb_error *err)
{
    approval_note *notes = arena_alloc(group->run->memory, (group->note_count + 1) * sizeof *notes);
    if (!notes)
        return lb_out_of_memory(err);
    for (const door_note *n = group->notes; n; n = n->next)
        notes[a->note_count++] = n->note;
    a->notes = notes;
    return 0;
}

static int evidence_text(const lb_group *group, const char **ret_text, lb_error *err)
{
    BUF_AUTO evidence = BUF_INIT((size_t)1024 * 1024);
    int r = json_named(&evidence, group->evidence, err);
    if (r < 0)
        return lb_wrap(err, group->title);
    if (evidence.overflow)
        return run_frame_fail(err, "evidence");
    *ret_text = arena_strdup(group->run->memory, buf_text(&evidence));
    return *ret_text ? 0 : lb_out_of_memory(err);
}

static int make_document(const lb_group *group, buf *into, lb_error *err)
{
    const run_request *q = group->run->request;
    approval a = {
        .tool = q->tool,
        .agent = q->agent,
        .run_id = q->id,
        .target = q->target,
        .title = group->title,
        .reason = group->reason,
        .undo = group->undo,
        .decision_why = group->answer.why,
        .atomic = group->atomic,
        .bounded = group->bounded,
        .risk = q->risk,
        .actor_kind = q->actor_kind,
        .actor = q->actor,
    };
    int r = store_changes(group, &a, err);
    if (r >= 0)
        r = store_notes(group, &a, err);
    if (r >= 0)
        r = evidence_text(group, &a.evidence, err);
    if (r >= 0)
        r = door_fingerprint(group, &a.fingerprint, err);
    return r < 0 ? r : approval_write(&a, into, err);
}

/* What one run asks for is bounded in number and, as its supervisor keeps it until the run ends, in bytes. */
static int check_room(const run_state *run, lb_error *err)
{
    const worker_setup *setup = run->worker->setup;
    if (run->worker->asks < setup->run_asks)
        return 0;
    return lb_fail(err, LB_ERR_LIMIT, "propose fewer things in one run, the most important ones first",
                   "the run asks for more than %u approvals", setup->run_asks);
}

int door_ask(lb_group *group, lb_error *err)
{
    run_state *run = group->run;
    run_worker *worker = run->worker;
    BUF_AUTO document = BUF_INIT(APPROVAL_BYTES + 1), frame = BUF_INIT(APPROVAL_BYTES + 4096);
    int r = check_room(run, err);
    if (r >= 0)
        r = door_check_lasting(group, err);
    if (r >= 0)
        r = make_document(group, &document, err);
    if (r < 0)
        return r;
    size_t room = (size_t)worker->setup->result_mb * 1024 * 1024;
    if (document.length > room - worker->ask_bytes)
        return lb_fail(err, LB_ERR_LIMIT, "propose fewer things in one run, or raise [limits] result_mb",
                       "what one run asks for is larger than %u MB", worker->setup->result_mb);
    worker->ask_bytes += document.length;
    worker->asks++;
    size_t mark = wire_begin(&frame, WIRE_ASK);
    wire_put_str(&frame, run->root->id);
    wire_put_str(&frame, buf_text(&document));
    wire_end(&frame, mark);
    worker->channel.send(worker->channel.state, &frame);
    run->asked++;
    (void)snprintf(run->asked_why, sizeof run->asked_why, "%s", group->answer.why);
    return 0;
}
