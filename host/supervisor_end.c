/* How a run's end becomes known: its requests for approval, its events, its end in the state, its row of history, and
 * at last its asker. Each step waits for the one before to be durable. */
#include "supervisor_internal.h"

#include "log.h"

static void ask_all(running *r);
static void log_events(running *r);
static void write_end(running *r);

/* ---- the first step: from the pool ---- */

/* Keeps what the pool only lends until the end is durable. */
static bool keep_outcome(running *r, const run_outcome *outcome)
{
    run_outcome *kept = &r->outcome;
    *kept = *outcome;
    kept->done.result = arena_strdup(&r->memory, outcome->done.result);
    kept->changes = arena_strdup(&r->memory, outcome->changes);
    kept->events = arena_strdup(&r->memory, outcome->events);
    kept->done.memory = outcome->done.memory ? arena_strdup(&r->memory, outcome->done.memory) : NULL;
    kept->done.said = outcome->done.said ? arena_strdup(&r->memory, outcome->done.said) : NULL;
    kept->done.version = outcome->done.version ? arena_strdup(&r->memory, outcome->done.version) : NULL;
    return kept->done.result && kept->changes && kept->events;
}

/* What a dead worker had begun is known by the journal better than by its last frames. */
static void learn_from_journal(void *state, const journal_run *run)
{
    running *r = state;
    r->outcome.unknown_changes = (uint32_t)run->unknown;
    if (run->unknown)
        (void)snprintf(r->outcome.done.error.hint, sizeof r->outcome.done.error.hint,
                       "%zu change(s) had been begun: look at each with outcome \"unknown\" in the audit log",
                       run->unknown);
}

static bool has_died(const running *r)
{
    return r->outcome.done.status == RUN_CRASHED || r->outcome.done.status == RUN_TIMEOUT ||
           r->outcome.unknown_changes > 0;
}

/* An approved run that found something changed has executed nothing: it waits for a person, as the run that asked did.
 */
static void note_return(running *r)
{
    lb_error ignored;
    run_done *d = &r->outcome.done;
    if (!r->has_ticket || d->status != RUN_OK)
        return;
    JSON_AUTO *result = json_parse(d->result, strlen(d->result), &ignored);
    if (!json_get_bool(result, "moved"))
        return;
    d->status = RUN_PENDING_APPROVAL;
    (void)lb_fail(&d->error, 0, "lbops approvals shows the difference; approve it again if it is still wanted",
                  "approval_required: what it touches has changed since it was asked for");
}

void supervisor_on_ended(void *state, const run_outcome *outcome)
{
    supervisor *s = state;
    lb_error error;
    if (outcome->request->parent_id) { /* a called run: it has a row, and nobody waits for it */
        ledger_add(s->ledger, outcome, NULL);
        return;
    }
    running *r = (running *)(uintptr_t)outcome->request; /* ours: the request is its first member */
    supervisor_reap(s);
    supervisor_history_forget(s, outcome->request->id);
    if (!keep_outcome(r, outcome)) {
        r->outcome = *outcome;
        r->outcome.done.result = "{}";
        r->outcome.changes = r->outcome.events = "[]";
        r->outcome.done.version = r->outcome.done.memory = r->outcome.done.said = NULL;
        r->outcome.done.status = RUN_FAILED;
        (void)lb_out_of_memory(&r->outcome.done.error);
    }
    note_return(r);
    if (s->book && has_died(r) &&
        journal_recover_run(book_journal(s->book), r->request.id, learn_from_journal, r, &error) < 0)
        log_error("journal", &error); /* the next start looks again */
    supervisor_end(r);
}

void supervisor_end(running *r)
{
    ask_all(r);
}

/* ---- requests for approval ---- */

void supervisor_on_asked(void *state, const run_request *request, const char *document)
{
    running *r = (running *)(uintptr_t)request; /* as above */
    (void)state;
    BASE_PUSH(r->asks, r->ask_count, r->ask_capacity);
    r->asks[r->ask_count++] = (running_ask){.run = r, .document = base_strdup(document)};
}

static const char *asked_name(approval_asked asked)
{
    return asked == APPROVAL_NEW ? "new" : asked == APPROVAL_KNOWN ? "known" : "denied_before";
}

/* When nothing waits any more, the run did not end waiting. */
static void settle_status(running *r)
{
    run_done *d = &r->outcome.done;
    if (d->status != RUN_PENDING_APPROVAL || r->asks_waiting)
        return;
    d->status = d->error.code ? RUN_FAILED : RUN_OK;
    if (!d->error.code) {
        d->error.message[0] = d->error.hint[0] = '\0';
    }
}

/* How many of the requests for a group of that title wait, and how many were denied before. */
static void count_answers(const running *r, const char *title, size_t *ret_wait, size_t *ret_denied)
{
    lb_error ignored;
    *ret_wait = *ret_denied = 0;
    for (size_t i = 0; i < r->ask_count; i++) {
        JSON_AUTO *document = json_parse(r->asks[i].document, strlen(r->asks[i].document), &ignored);
        const char *its = json_get_text(document, "title");
        bool is_denied = r->asks[i].asked == APPROVAL_DENIED_BEFORE;
        if (!its || strcmp(its, title) != 0)
            continue;
        *ret_wait += !is_denied;
        *ret_denied += is_denied;
    }
}

/* What was denied before does not wait: its changes say so. */
static void mark_denied(running *r)
{
    lb_error ignored;
    size_t wait, denied;
    JSON_AUTO *changes = json_parse(r->outcome.changes, strlen(r->outcome.changes), &ignored);
    for (size_t i = 0; changes && i < json_object_array_length(changes); i++) {
        struct json_object *change = json_object_array_get_idx(changes, i);
        const char *outcome = json_get_text(change, "outcome"), *title = json_get_text(change, "group");
        if (!outcome || !title || strcmp(outcome, change_outcome_name(CHANGE_WAITING)) != 0)
            continue;
        count_answers(r, title, &wait, &denied);
        if (denied && !wait)
            (void)json_object_object_add(change, "outcome", json_object_new_string("denied")); /* replaces it */
    }
    const char *text = json_object_to_json_string_ext(changes, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    char *kept = changes ? arena_strdup(&r->memory, text) : NULL;
    if (kept)
        r->outcome.changes = kept;
}

static void on_answered(void *owner, void *tag, const approval_answer *answer, const lb_error *error)
{
    running_ask *ask = tag;
    running *r = ask->run;
    (void)owner;
    buf_putc(&r->answers, r->answers.length ? ',' : '[');
    buf_putc(&r->answers, '{');
    if (error) { /* nobody could be asked: the run has not done what it was for */
        r->outcome.done.status = RUN_FAILED;
        r->outcome.done.error = *error;
        (void)lb_wrap(&r->outcome.done.error, "the request for approval cannot be written down");
        json_member_string(&r->answers, "error", error->message);
    } else {
        ask->asked = answer->asked;
        r->asks_waiting += answer->asked != APPROVAL_DENIED_BEFORE;
        r->asks_denied += answer->asked == APPROVAL_DENIED_BEFORE;
        lb_error ignored;
        JSON_AUTO *asked = json_parse(ask->document, strlen(ask->document), &ignored); /* ours */
        json_member_string(&r->answers, "id", answer->id);
        json_member_string(&r->answers, "title", json_get_text(asked, "title"));
        json_member_string(&r->answers, "asked", asked_name(answer->asked));
        json_member_string(&r->answers, "text", answer->text);
    }
    buf_putc(&r->answers, '}');
    if (--r->asks_open)
        return;
    buf_putc(&r->answers, ']');
    if (r->asks_denied)
        mark_denied(r);
    settle_status(r);
    log_events(r);
}

static void ask_all(running *r)
{
    if (!r->ask_count || !r->supervisor->approvals) {
        log_events(r);
        return;
    }
    r->asks_open = r->ask_count;
    for (size_t i = 0, count = r->ask_count; i < count; i++)
        approvals_ask(r->supervisor->approvals, r->asks[i].document, on_answered, r->supervisor, &r->asks[i]);
}

/* ---- events ---- */

static void on_events_durable(void *owner, void *tag, const lb_error *error)
{
    running *r = tag;
    (void)owner;
    if (error && !r->outcome.done.error.code) {
        r->outcome.done.status = RUN_FAILED;
        r->outcome.done.error = *error;
        (void)lb_wrap(&r->outcome.done.error, "the run ended, but its events cannot be written");
    }
    write_end(r);
}

/* of: the run that it is of, where that is one that this run called; NULL: this one. */
static int log_event(running *r, const char *kind, const char *payload, struct json_object *of, lb_error *err)
{
    const run_request *q = &r->request;
    const event e = {.kind = kind,
                     .run_id = of ? json_get_text(of, "run_id") : q->id,
                     .tool = of ? json_get_text(of, "tool") : q->tool,
                     .agent = q->agent,
                     .project = of ? json_get_text(of, "project") : q->target.project,
                     .branch = of ? json_get_text(of, "branch") : q->target.branch,
                     .depth = r->depth,
                     .cause = r->cause,
                     .payload = payload};
    return chronicle_add(r->supervisor->chronicle, &e, NULL, err);
}

static int log_end(running *r, lb_error *err)
{
    const run_done *d = &r->outcome.done;
    BUF_AUTO payload = BUF_INIT((size_t)64 * 1024);
    buf_putc(&payload, '{');
    json_member_string(&payload, "status", run_status_name(d->status));
    json_member_string(&payload, "mode", r->request.plan ? "plan" : "execute");
    json_key(&payload, "duration_ms");
    buf_printf(&payload, "%.3f", (double)d->duration_us / 1000);
    json_member_string(&payload, "actor_kind", gate_actor_name(r->request.actor_kind));
    json_member_string(&payload, "actor", r->request.actor);
    json_member_i64(&payload, "changes", d->changes);
    json_member_i64(&payload, "findings", d->findings);
    if (d->error.code) {
        json_member_string(&payload, "error_code", error_name(d->error.code));
        json_member_string(&payload, "error_message", d->error.message);
    }
    buf_putc(&payload, '}');
    return log_event(r, "run.ended", buf_text(&payload), NULL, err);
}

/* Those that the run emitted, from event_at on. LB_ERR_LIMIT: the log has no room now. */
static int log_emitted(running *r, lb_error *err)
{
    size_t count = r->events ? json_object_array_length(r->events) : 0;
    for (; r->event_at < count; r->event_at++) {
        struct json_object *one = json_object_array_get_idx(r->events, r->event_at);
        const char *kind = json_get_text(one, "type");
        struct json_object *payload = json_get_object(one, "payload");
        int code =
            kind ? log_event(r, kind, payload ? json_object_to_json_string_ext(payload, JSON_C_TO_STRING_PLAIN) : "{}",
                             one, err)
                 : 0;
        if (code == LB_ERR_LIMIT)
            return code;
        if (code < 0)
            log_error("events", err); /* it passed the worker's check: it cannot be unsound */
    }
    return 0;
}

static void go_on_logging(running *r)
{
    supervisor *s = r->supervisor;
    lb_error error;
    int code = log_emitted(r, &error);
    if (code >= 0)
        code = log_end(r, &error);
    if (code == LB_ERR_LIMIT) { /* back-pressure: this end waits, and so does its worker's next run */
        r->next_event = NULL;
        *s->no_room_end = r;
        s->no_room_end = &r->next_event;
        return;
    }
    if (code < 0)
        log_error("events", &error);
    chronicle_wait(s->chronicle, on_events_durable, s, r);
}

static void log_events(running *r)
{
    lb_error error;
    if (!r->supervisor->chronicle || strcmp(r->outcome.events, "[]") != 0)
        r->events = json_parse(r->outcome.events, strlen(r->outcome.events), &error);
    if (!r->supervisor->chronicle) {
        write_end(r);
        return;
    }
    go_on_logging(r);
}

void supervisor_room(supervisor *s)
{
    running *waiting = s->no_room;
    s->no_room = NULL;
    s->no_room_end = &s->no_room;
    while (waiting) {
        running *r = waiting;
        waiting = r->next_event;
        go_on_logging(r);
    }
}

/* ---- the state ---- */

static void on_written(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    supervisor *s = owner;
    running *r = tag;
    run_done *d = &r->outcome.done;
    (void)version;
    if (error && !d->error.code) {
        d->status = RUN_FAILED;
        d->error = *error;
        (void)lb_wrap(&d->error, "the run ended, but its end cannot be written down");
    } else if (!error && failed >= 0) {
        log_line(LB_LOG_WARN, "supervisor", "the end of run %s had been written already", r->request.id);
    }
    ledger_add(s->ledger, &r->outcome, r);
}

/* Crashes in a row rest a tool; a success forgets them. True: the state has to hear of it. */
static bool judge_tool(supervisor *s, const running *r)
{
    const run_done *d = &r->outcome.done;
    const char *tool = r->request.tool;
    if (d->status == RUN_OK)
        return suspend_note_success(s->suspended, tool);
    if (d->status != RUN_CRASHED)
        return false;
    if (suspend_note_crash(s->suspended, tool, d->error.message)) {
        log_line(LB_LOG_WARN, "supervisor", "%s is suspended from now on: it crashed too often in a row", tool);
        supervisor_event(s, "tool.suspended", NULL, r->request.id,
                         LB_ARGS(lb_text("tool", tool), lb_i64("crashes", s->manifest->limits.crashes_to_suspend),
                                 lb_text("reason", d->error.message)));
    }
    return true;
}

/* Part of the end's transaction: what a run remembers stands exactly when its end does. */
static void put_memory(state_client *state, const running *r)
{
    const run_done *d = &r->outcome.done;
    if (!r->memory_key || !d->memory || (d->status != RUN_OK && d->status != RUN_PENDING_APPROVAL))
        return;
    state_op(
        state,
        &(lb_state_op){
            .verb = LB_STATE_PUT, .space = MEMORY_SPACE, .key = r->memory_key, .at = clock_now(), .body = d->memory});
}

static void write_end(running *r)
{
    supervisor *s = r->supervisor;
    sight_moves moves;
    bool is_judged = judge_tool(s, r);
    supervisor_judge_sight(s, r, &moves);
    if (!s->book) {
        ledger_add(s->ledger, &r->outcome, r);
        return;
    }
    state_client *state = book_state(s->book);
    r->end_number = ++s->ends;
    state_begin(state, on_written, s, r);
    book_put_end(s->book, &r->outcome, r->origin, r->end_number);
    if (r->has_ticket)
        approvals_put_end(s->approvals, &r->ticket, &r->outcome);
    if (is_judged)
        suspend_put(s->suspended, state, r->request.tool);
    for (size_t i = 0; i < moves.count; i++)
        unseen_put(s->unseen, state, &moves.looks[i]);
    put_memory(state, r);
    state_end(state);
}

/* ---- history, and the asker ---- */

void supervisor_on_durable_row(void *state, void *tag, const lb_error *error)
{
    supervisor *s = state;
    running *r = tag;
    lb_error forgotten;
    if (error && !r->outcome.done.error.code) {
        r->outcome.done.status = RUN_FAILED;
        r->outcome.done.error = *error;
        (void)lb_wrap(&r->outcome.done.error, "the run ended, but the book of runs cannot be written");
    }
    if (s->book && r->outcome.has_changed && journal_forget(book_journal(s->book), r->request.id, &forgotten) < 0)
        log_error("journal", &forgotten); /* it is forgotten at the next start */
    s->recorded = r->end_number > s->recorded ? r->end_number : s->recorded;
    supervisor_tell(r);
}

void supervisor_tell(running *r)
{
    supervisor *s = r->supervisor;
    BUF_AUTO document = BUF_INIT(SIZE_MAX / 4);
    report_document(&document, &r->outcome, r->answers.length ? buf_text(&r->answers) : NULL);
    const run_watcher *w = r->watch.watcher;
    r->is_told = true;
    s->pending--; /* whoever hears of the last end finds nothing pending */
    if (s->hooks.ended)
        s->hooks.ended(s->hooks.state, &r->outcome, buf_text(&document));
    if (w && w->ended)
        w->ended(r->watch.tag, &r->outcome, buf_text(&document));
    (void)supervisor_running_free(r); /* gives NULL */
}
