/* What hosts that died have left open: who is dead, which runs were theirs, what the journal knows of them; then each
 * run gets its one end. Steps follow each other by the answers of the state service. */
#include "book_lost.h"

#include "json.h"
#include "log.h"
#include "service_state.h"

#define MOST_UNRECORDED 10000 /* of one host: what it can have ended between two rows of history */

/* One run being closed, with everything that its outcome points to. */
typedef struct closing {
    book *book;
    arena memory;
    run_request request;
    run_outcome outcome;
} closing;

static void push_text(char ***texts, size_t *count, size_t *capacity, const char *text)
{
    BASE_PUSH(*texts, *count, *capacity);
    (*texts)[(*count)++] = base_strdup(text);
}

static bool has_text(char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

static void free_texts(char ***texts, size_t *count, size_t *capacity)
{
    for (size_t i = 0; i < *count; i++)
        free((*texts)[i]);
    free(*texts);
    *texts = NULL;
    *count = *capacity = 0;
}

void book_forget_lost(book *b)
{
    for (size_t i = 0; i < b->open_count; i++) {
        free(b->open[i].id);
        free(b->open[i].owner);
        free(b->open[i].body);
    }
    free(b->open);
    b->open = NULL;
    b->open_count = b->open_capacity = 0;
    free_texts(&b->alive, &b->alive_count, &b->alive_capacity);
    free_texts(&b->dead, &b->dead_count, &b->dead_capacity);
    free_texts(&b->journalled, &b->journalled_count, &b->journalled_capacity);
}

/* ---- one run's end ---- */

static const char *keep(arena *memory, const char *text)
{
    return text ? arena_strdup(memory, text) : NULL;
}

/* The request as it was, from the run's document. */
static void read_request(closing *c, const char *id, struct json_object *doc)
{
    run_request *q = &c->request;
    const char *kind = json_get_text(doc, "actor_kind"), *mode = json_get_text(doc, "mode");
    (void)snprintf(q->id, sizeof q->id, "%s", id); /* ids of ours are shorter */
    q->tool = keep(&c->memory, json_get_text(doc, "tool"));
    q->tool = q->tool ? q->tool : "unknown";
    q->agent = keep(&c->memory, json_get_text(doc, "agent"));
    q->target.project = keep(&c->memory, json_get_text(doc, "project"));
    q->target.branch = keep(&c->memory, json_get_text(doc, "branch"));
    q->actor = keep(&c->memory, json_get_text(doc, "actor"));
    q->reason = keep(&c->memory, json_get_text(doc, "reason"));
    q->plan = mode && strcmp(mode, "plan") == 0;
    q->actor_kind = GATE_AGENT;
    for (gate_actor a = GATE_PERSON; kind && a <= GATE_AGENT; a++)
        if (strcmp(kind, gate_actor_name(a)) == 0)
            q->actor_kind = a;
    c->outcome.request = q;
    c->outcome.changes = c->outcome.events = "[]";
    c->outcome.done.result = "{}";
}

static void describe_loss(closing *c, const open_run *run, const journal_run *known)
{
    run_done *d = &c->outcome.done;
    d->status = RUN_CRASHED;
    d->started_at = run->at; /* how long it went on nobody knows */
    (void)lb_fail(&d->error, LB_ERR_INTERNAL, NULL, "the host %.150s ended while the run went on", run->owner);
    const char *hint = "run it again if it is still wanted";
    if (run->is_elsewhere)
        hint = "it ran on another machine: what it may have changed stands in the journal there";
    else if (known && known->state == JOURNAL_KNOWN)
        hint = "what it changed is in the audit log; the rest of its work is not done";
    (void)snprintf(d->error.hint, sizeof d->error.hint, "%s", hint);
    if (known && known->unknown) {
        c->outcome.unknown_changes = (uint32_t)known->unknown;
        (void)snprintf(d->error.hint, sizeof d->error.hint,
                       "%zu change(s) had been begun: look at each with outcome \"unknown\" in the audit log",
                       known->unknown);
    }
    for (size_t i = 0; known && i < known->count; i++)
        d->changes += known->changes[i].outcome && strcmp(known->changes[i].outcome, "applied") == 0;
    c->outcome.has_changed = known && known->state != JOURNAL_NOTHING;
}

static void free_closing(closing *c)
{
    arena_done(&c->memory);
    free(c);
}

static void one_less(book *b)
{
    if (--b->closing)
        return;
    book_forget_lost(b);
    b->looking = false;
    book_settled(b, NULL);
}

static void on_closed(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    closing *c = tag;
    book *b = owner;
    lb_error ignored;
    (void)version;
    if (!error && failed < 0) {
        b->hooks.unrecorded(b->hooks.state, &c->outcome);
        if (journal_forget(b->journal, c->request.id, &ignored) < 0)
            log_error("journal", &ignored); /* it is forgotten at the next start */
    }
    free_closing(c); /* refused: another host was faster */
    one_less(b);
}

static void close_run(book *b, open_run *run, const journal_run *known)
{
    lb_error error;
    closing *c = base_alloc(sizeof *c);
    c->book = b;
    arena_init(&c->memory, 0);
    JSON_AUTO *doc = json_parse(run->body, strlen(run->body), &error);
    read_request(c, run->id, doc);
    describe_loss(c, run, known);
    struct json_object *origin = json_get_object(doc, "origin");
    book_lost lost = {.outcome = &c->outcome,
                      .journal = known,
                      .is_elsewhere = run->is_elsewhere,
                      .origin = origin ? json_object_to_json_string(origin) : NULL};
    run->is_dead = false; /* dealt with */
    b->closing++;
    state_begin(b->state, on_closed, b, c);
    book_put_end(b, &c->outcome, lost.origin, 0);
    b->hooks.lost(b->hooks.state, &lost);
    state_end(b->state);
}

/* ---- runs that ended, but perhaps without their row of history ---- */

/* A host that ends has no answer to wait for, and no trouble to tell of: the next one looks again. */
static void complain(const book *b, const char *part, const lb_error *error)
{
    if (!service_is_ending(b->service))
        log_error(part, error);
}

typedef struct dead_host {
    char *id;
    int64_t upto; /* the number of its newest end that has its row */
} dead_host;

static void no_matter(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    (void)owner, (void)tag, (void)failed, (void)version, (void)error; /* the next host tries it again */
}

static void release(book *b, const dead_host *dead)
{
    state_begin(b->state, no_matter, b, NULL);
    state_op(b->state,
             &(lb_state_op){.verb = LB_STATE_RELEASE, .space = BOOK_HOSTS, .key = dead->id, .owner = dead->id});
    state_op(b->state, &(lb_state_op){.verb = LB_STATE_REMOVE, .space = BOOK_RECORDED, .key = dead->id});
    state_end(b->state);
}

/* Where the answer did not come it is left as it was: released, it would not be looked at again, and its rows lost. */
static void leave_host(book *b, dead_host *dead, const lb_error *error)
{
    if (error)
        complain(b, "state", error);
    else
        release(b, dead);
    free(dead->id);
    free(dead);
    one_less(b);
}

static void on_ended_runs(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    book *b = owner;
    dead_host *dead = tag;
    lb_state_doc doc;
    while (docs && state_get_doc(docs, &doc)) {
        lb_error bad;
        closing c = {.book = b};
        JSON_AUTO *body = json_parse(doc.body, strlen(doc.body), &bad);
        if (json_get_i64(body, "end", 0) <= dead->upto)
            continue;
        arena_init(&c.memory, 0);
        read_request(&c, doc.key, body);
        run_done *d = &c.outcome.done;
        for (int status = RUN_OK; status <= RUN_PENDING_APPROVAL; status++)
            if (doc.status && strcmp(doc.status, run_status_name((run_status)status)) == 0)
                d->status = (run_status)status;
        d->started_at = doc.at;
        d->duration_us = json_get_i64(body, "duration_us", 0);
        d->changes = (uint32_t)json_get_i64(body, "changes", 0);
        d->findings = (uint32_t)json_get_i64(body, "findings", 0);
        d->records = (uint32_t)json_get_i64(body, "records", 0);
        d->events = (uint32_t)json_get_i64(body, "events", 0);
        d->version = json_get_text(body, "version");
        const char *message = json_get_text(body, "error");
        if (message)
            (void)lb_fail(&d->error, LB_ERR_TOOL, json_get_text(body, "hint"), "%s", message);
        b->hooks.unrecorded(b->hooks.state, &c.outcome);
        arena_done(&c.memory);
    }
    leave_host(b, dead, error);
}

static void on_recorded(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    dead_host *dead = tag;
    book *b = owner;
    lb_state_doc doc;
    lb_error bad;
    if (error) {
        leave_host(b, dead, error);
        return;
    }
    if (state_get_doc(docs, &doc)) {
        JSON_AUTO *body = json_parse(doc.body, strlen(doc.body), &bad);
        dead->upto = json_get_i64(body, "upto", 0);
    }
    const lb_state_query ended = {
        .size = sizeof ended, .space = BOOK_RUNS, .owner = dead->id, .newest_first = true, .limit = MOST_UNRECORDED};
    state_list(b->state, &ended, on_ended_runs, b, dead);
}

static void look_at_records(book *b, const char *host)
{
    dead_host *dead = base_alloc(sizeof *dead);
    *dead = (dead_host){.id = base_strdup(host)};
    const lb_state_query q = {.size = sizeof q, .space = BOOK_RECORDED, .key = host};
    b->closing++;
    state_list(b->state, &q, on_recorded, b, dead);
}

/* ---- the search ---- */

static void give_up(book *b, const lb_error *error)
{
    if (b->ready)
        complain(b, "book", error);
    b->closing = 0;
    b->looking = false;
    book_forget_lost(b);
    book_settled(b, error);
}

static open_run *find_open(const book *b, const char *run_id)
{
    for (size_t i = 0; i < b->open_count; i++)
        if (strcmp(b->open[i].id, run_id) == 0)
            return &b->open[i];
    return NULL;
}

/* What came into the journal after we looked belongs to a run that has begun since. */
static journal_life life_of(void *state, const char *run_id)
{
    const book *b = state;
    const open_run *run = find_open(b, run_id);
    if (!has_text(b->journalled, b->journalled_count, run_id))
        return JOURNAL_ALIVE;
    return !run ? JOURNAL_ENDED : run->is_dead ? JOURNAL_DEAD : JOURNAL_ALIVE;
}

static void on_journal_run(void *state, const journal_run *run)
{
    open_run *open = find_open(state, run->run_id);
    if (open && open->is_dead)
        close_run(state, open, run);
}

static bool is_anything_lost(const book *b)
{
    bool lost = b->dead_count || !b->ready; /* at the start the outbox is swept too */
    for (size_t i = 0; i < b->open_count; i++)
        lost = lost || b->open[i].is_dead;
    return lost;
}

static void close_all(book *b)
{
    lb_error error;
    b->closing = 1; /* ours, so that nothing is settled before the last one is on its way */
    if (is_anything_lost(b) && journal_recover(b->journal, life_of, on_journal_run, b, &error) < 0) {
        give_up(b, &error); /* nothing may start before it is known what was begun */
        return;
    }
    for (size_t i = 0; i < b->open_count; i++)
        if (b->open[i].is_dead)
            close_run(b, &b->open[i], NULL);
    for (size_t i = 0; i < b->dead_count; i++)
        look_at_records(b, b->dead[i]);
    one_less(b);
}

static void on_open_runs(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    book *b = owner;
    lb_state_doc doc;
    (void)tag;
    if (error) {
        give_up(b, error);
        return;
    }
    while (state_get_doc(docs, &doc)) {
        if (!doc.owner || strcmp(doc.owner, b->host) == 0)
            continue;
        BASE_PUSH(b->open, b->open_count, b->open_capacity);
        b->open[b->open_count++] = (open_run){.id = base_strdup(doc.key),
                                              .owner = base_strdup(doc.owner),
                                              .body = base_strdup(doc.body),
                                              .at = doc.at,
                                              .is_dead = !has_text(b->alive, b->alive_count, doc.owner),
                                              .is_elsewhere = host_id_life(doc.owner) == HOST_ELSEWHERE};
    }
    close_all(b);
}

static void on_hosts(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    book *b = owner;
    lb_state_doc doc;
    (void)tag;
    if (error) {
        give_up(b, error);
        return;
    }
    while (state_get_doc(docs, &doc)) {
        host_life life = host_id_life(doc.key);
        if (life == HOST_ALIVE || (life == HOST_ELSEWHERE && doc.left_us > 0))
            push_text(&b->alive, &b->alive_count, &b->alive_capacity, doc.key);
        else
            push_text(&b->dead, &b->dead_count, &b->dead_capacity, doc.key);
    }
    const lb_state_query q = {.size = sizeof q, .space = BOOK_RUNNING};
    state_list(b->state, &q, on_open_runs, b, NULL);
}

static void note_journalled(void *state, const journal_run *run)
{
    book *b = state;
    push_text(&b->journalled, &b->journalled_count, &b->journalled_capacity, run->run_id);
}

/* The journal first: whatever is in it now was begun by a run that stands in the state already. */
void book_look_for_lost(book *b)
{
    lb_error error;
    b->looking = true;
    if (journal_scan(b->journal, note_journalled, b, &error) < 0) {
        give_up(b, &error);
        return;
    }
    const lb_state_query q = {.size = sizeof q, .space = BOOK_HOSTS};
    state_list(b->state, &q, on_hosts, b, NULL);
}
