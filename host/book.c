#include "book.h"

#include "book_lost.h"
#include "json.h"
#include "log.h"
#include "service_state.h"

#define LEASE_US   (60 * CLOCK_SECOND)
#define RENEW_S    15.0
#define GIVE_UP    (15 * CLOCK_SECOND)
#define KEEP_RUNS  (INT64_C(7) * 86400 * CLOCK_SECOND) /* in the state; history keeps them longer */
#define PRUNE_S    3600.0
#define PRUNE_MOST 100000

static void no_answer(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    (void)owner, (void)tag, (void)failed, (void)version;
    if (error && error->code != LB_ERR_CANCELLED)
        log_error("state", error);
}

/* ---- the host's lease ---- */

static void acquire(book *b)
{
    state_op(b->state,
             &(lb_state_op){
                 .verb = LB_STATE_ACQUIRE, .space = BOOK_HOSTS, .key = b->host, .owner = b->host, .ttl_us = LEASE_US});
}

static void on_renew(struct ev_loop *loop, ev_timer *timer, int events)
{
    book *b = timer->data;
    (void)loop, (void)events;
    state_begin(b->state, no_answer, b, NULL);
    acquire(b);
    state_end(b->state);
    if (b->ready && !b->looking)
        book_look_for_lost(b);
}

static void on_prune(struct ev_loop *loop, ev_timer *timer, int events)
{
    book *b = timer->data;
    (void)loop, (void)events;
    state_prune(b->state, BOOK_RUNS, NULL, clock_now() - KEEP_RUNS, PRUNE_MOST);
}

static void on_registered(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    book *b = owner;
    lb_error taken;
    (void)tag, (void)version;
    if (!error && failed >= 0)
        error = (lb_fail(&taken, LB_ERR_CONFLICT, NULL, "another process calls itself %s", b->host), &taken);
    if (error) {
        book_settled(b, error);
        return;
    }
    ev_timer_start(b->loop, &b->renew);
    ev_timer_start(b->loop, &b->prune);
    book_look_for_lost(b);
}

void book_settled(book *b, const lb_error *error)
{
    if (b->ready || b->has_failed)
        return;
    b->ready = !error;
    b->has_failed = error != NULL;
    b->hooks.ready(b->hooks.state, error);
}

/* ---- the service ---- */

static void on_up(void *state, service *s, wire_reader *greeting)
{
    book *b = state;
    (void)s;
    b->shared = wire_get_bool(greeting);
    if (!b->was_up) {
        b->was_up = true;
        state_begin(b->state, on_registered, b, NULL);
        acquire(b);
        state_end(b->state);
    } else if (b->hooks.service) {
        b->hooks.service(b->hooks.state, NULL, 0);
    }
}

/* A store that was never open decides whether we start at all; later it is waited for. */
static void on_down(void *state, service *s, const lb_error *why, int failures)
{
    book *b = state;
    (void)s;
    bool is_final = why->code != LB_ERR_UNREACHABLE && why->code != LB_ERR_TIMEOUT;
    if (!b->was_up && (is_final || failures >= 3)) {
        book_settled(b, why);
        return;
    }
    log_error("state", why);
    if (b->hooks.service)
        b->hooks.service(b->hooks.state, why, failures);
}

/* What it cannot write now it writes later: whoever waits for a run finds the reason here. */
static void on_troubled(void *state, const lb_error *why)
{
    (void)state;
    log_error("state", why);
}

int book_new(const book_options *options, book **ret_book, lb_error *err)
{
    book *b = base_alloc(sizeof *b);
    service_options wishes = *options->service;
    b->loop = options->loop;
    b->hooks = options->hooks;
    b->state_dir = base_strdup(options->state_dir);
    host_id_own(b->host);
    ev_timer_init(&b->renew, on_renew, RENEW_S, RENEW_S);
    ev_timer_init(&b->prune, on_prune, PRUNE_S, PRUNE_S);
    b->renew.data = b->prune.data = b;
    wishes.hooks = (service_hooks){.state = b, .up = on_up, .down = on_down};
    int r = journal_open(options->state_dir, &b->journal, err);
    if (r >= 0)
        r = service_new(&wishes, &b->service, err);
    if (r < 0) {
        (void)book_free(b); /* gives NULL */
        return r;
    }
    char client[ID_TEXT];
    id_new(client); /* numbers of batches begin anew with each process, even one that got an old pid */
    const state_client_options state_wishes = {.loop = b->loop,
                                               .service = b->service,
                                               .client = client,
                                               .give_up_us = options->one_shot ? GIVE_UP : 0,
                                               .troubled = on_troubled};
    b->state = state_client_new(&state_wishes);
    *ret_book = b;
    return 0;
}

/* A host that ends well leaves no lease: what it left open was nothing. So does one that only looked, and has its
 * answer before it was ready: those who come later would have to see to it. */
void book_goodbye(book *b)
{
    if (!b->was_up || b->has_failed || !service_is_up(b->service))
        return;
    state_begin(b->state, no_answer, b, NULL);
    state_op(b->state, &(lb_state_op){.verb = LB_STATE_RELEASE, .space = BOOK_HOSTS, .key = b->host, .owner = b->host});
    state_op(b->state, &(lb_state_op){.verb = LB_STATE_REMOVE, .space = BOOK_RECORDED, .key = b->host});
    state_end(b->state);
}

book *book_free(book *b)
{
    if (!b)
        return NULL;
    ev_timer_stop(b->loop, &b->renew);
    ev_timer_stop(b->loop, &b->prune);
    b->service = service_free(b->service); /* finishes what it has in hand */
    b->state = state_client_free(b->state);
    b->journal = journal_close(b->journal);
    book_forget_lost(b);
    free(b->state_dir);
    free(b);
    return NULL;
}

state_client *book_state(book *b)
{
    return b->state;
}

service *book_service(book *b)
{
    return b->service;
}

journal *book_journal(book *b)
{
    return b->journal;
}

bool book_is_shared(const book *b)
{
    return b->shared;
}

bool book_is_ready(const book *b)
{
    return b->ready;
}

/* ---- a run's document ---- */

static void put_request(buf *body, const run_request *q, const char *origin)
{
    buf_putc(body, '{');
    json_member_string(body, "tool", q->tool);
    json_member_string(body, "agent", q->agent);
    json_member_string(body, "project", q->target.project);
    json_member_string(body, "branch", q->target.branch);
    json_member_string(body, "mode", q->plan ? "plan" : "execute");
    json_member_string(body, "actor_kind", gate_actor_name(q->actor_kind));
    json_member_string(body, "actor", q->actor);
    json_member_string(body, "reason", q->reason);
    if (origin)
        json_member_raw(body, "origin", origin);
}

void book_put_begin(book *b, const run_request *request, const char *origin)
{
    BUF_AUTO body = BUF_INIT((size_t)1024 * 1024);
    put_request(&body, request, origin);
    buf_putc(&body, '}');
    state_op(b->state, &(lb_state_op){.verb = LB_STATE_INSERT,
                                      .space = BOOK_RUNNING,
                                      .key = request->id,
                                      .status = "running",
                                      .owner = b->host,
                                      .at = clock_now(),
                                      .body = buf_text(&body)});
}

void book_put_end(book *b, const run_outcome *outcome, const char *origin, int64_t number)
{
    BUF_AUTO body = BUF_INIT((size_t)1024 * 1024);
    const run_done *d = &outcome->done;
    put_request(&body, outcome->request, origin);
    json_key(&body, "started_at");
    json_time(&body, d->started_at);
    json_member_i64(&body, "duration_us", d->duration_us);
    json_member_i64(&body, "changes", d->changes);
    json_member_i64(&body, "findings", d->findings);
    json_member_i64(&body, "records", d->records);
    json_member_i64(&body, "events", d->events);
    json_member_string(&body, "version", d->version);
    if (d->said)
        json_member_string(&body, "said", d->said);
    json_member_i64(&body, "end", number);
    if (d->error.code) {
        json_member_string(&body, "error_code", error_name(d->error.code));
        json_member_string(&body, "error", d->error.message);
        json_member_string(&body, "hint", d->error.hint[0] ? d->error.hint : NULL);
    }
    buf_putc(&body, '}');
    state_op(b->state, &(lb_state_op){.verb = LB_STATE_REMOVE, .space = BOOK_RUNNING, .key = outcome->request->id});
    state_op(b->state, &(lb_state_op){.verb = LB_STATE_INSERT,
                                      .space = BOOK_RUNS,
                                      .key = outcome->request->id,
                                      .status = run_status_name(d->status),
                                      .owner = b->host,
                                      .at = d->started_at,
                                      .body = buf_text(&body)});
}

void book_recorded(book *b, int64_t number)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"upto\":%lld}", (long long)number);
    state_begin(b->state, no_answer, b, NULL);
    state_op(b->state, &(lb_state_op){.verb = LB_STATE_PUT, .space = BOOK_RECORDED, .key = b->host, .body = body});
    state_end(b->state);
}
