#include "state_client.h"

#include "clock.h"
#include "log.h"
#include "service_state.h"

#define BATCH_TIME    (10 * CLOCK_SECOND)
#define BATCH_BYTES   ((size_t)8 * 1024 * 1024)
#define AGAIN_FIRST_S 0.1
#define AGAIN_MOST_S  10.0

typedef struct waiting {
    state_decided decided;
    void *owner, *tag;
} waiting;

typedef struct batch {
    struct batch *next;
    buf bytes; /* of the transactions, as they travel */
    waiting *items;
    size_t count, capacity;
} batch;

typedef struct listing {
    state_client *client;
    state_listed listed;
    void *owner, *tag;
} listing;

struct state_client {
    struct ev_loop *loop;
    service *service;
    char *name;
    int64_t give_up_us, began_at;
    void *state;
    void (*troubled)(void *state, const lb_error *why);
    batch *first, *last; /* the first is on its way, or about to be; the last gathers */
    size_t pending;
    int64_t number;
    bool on_its_way;
    int tries;
    ev_timer again;
};

static void send_batch(state_client *c);

/* ---- batches ---- */

static void free_batch(batch *b)
{
    free(b->items);
    buf_done(&b->bytes);
    free(b);
}

static batch *gathering(state_client *c)
{
    bool is_taken = c->last && ((c->last == c->first && c->on_its_way) || c->last->bytes.length > BATCH_BYTES);
    if (c->last && !is_taken)
        return c->last;
    batch *b = base_alloc(sizeof *b);
    b->bytes = BUF_INIT(SIZE_MAX / 4);
    if (c->last)
        c->last->next = b;
    else
        c->first = b;
    c->last = b;
    return b;
}

static batch *take_first(state_client *c)
{
    batch *b = c->first;
    c->first = b->next;
    if (!c->first)
        c->last = NULL;
    c->pending -= b->count;
    return b;
}

static void try_later(state_client *c, const lb_error *error)
{
    double wait = AGAIN_FIRST_S;
    for (int i = 0; i < c->tries && wait < AGAIN_MOST_S; i++)
        wait *= 2;
    c->tries++;
    if (c->troubled)
        c->troubled(c->state, error);
    ev_timer_set(&c->again, wait < AGAIN_MOST_S ? wait : AGAIN_MOST_S, 0);
    ev_timer_start(c->loop, &c->again);
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    send_batch(timer->data);
}

/* A daemon waits for a better day; a single run waits only for what passes by itself, and not for long. Who cancels a
 * statement at the server knows nothing of the batch that is in it: it is sent again, under its number. */
static bool is_hopeless(const state_client *c, const lb_error *error)
{
    if (service_is_ending(c->service) || error->code == LB_ERR_INTERNAL || error->code == LB_ERR_INVALID)
        return true;
    bool may_pass =
        error->code == LB_ERR_UNREACHABLE || error->code == LB_ERR_TIMEOUT || error->code == LB_ERR_CANCELLED;
    return c->give_up_us && (!may_pass || clock_monotonic() - c->began_at > c->give_up_us);
}

static void send_next(state_client *c)
{
    if (c->on_its_way || !c->first || !c->first->count)
        return;
    c->number++;
    c->tries = 0;
    c->began_at = clock_monotonic();
    c->on_its_way = true;
    send_batch(c);
}

/* The callbacks may begin new transactions: those gather in another batch, as this one is out of the list. */
static void decide(batch *b, wire_reader *fields, const lb_error *error)
{
    lb_error bad;
    for (size_t i = 0; i < b->count; i++) {
        const waiting *w = &b->items[i];
        int failed = error ? 0 : (int)wire_get_u32(fields) - 1;
        int64_t version = error ? 0 : wire_get_i64(fields);
        if (!error && fields->bad) {
            (void)lb_fail(&bad, LB_ERR_INTERNAL, NULL, "the state service answered too little");
            error = &bad;
        }
        w->decided(w->owner, w->tag, failed, version, error);
    }
    free_batch(b);
}

static void on_applied(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    state_client *c = owner;
    (void)tag;
    if (error && !is_hopeless(c, error)) {
        try_later(c, error);
        return;
    }
    c->on_its_way = false;
    decide(take_first(c), fields, error);
    send_next(c);
}

static void send_batch(state_client *c)
{
    lb_error error;
    buf *out = service_begin(c->service, STATE_APPLY, BATCH_TIME, on_applied, c, NULL, &error);
    if (!out) {
        on_applied(c, NULL, NULL, &error);
        return;
    }
    wire_put_str(out, c->name);
    wire_put_i64(out, c->number);
    wire_put_u32(out, (uint32_t)c->first->count);
    buf_put(out, c->first->bytes.data, c->first->bytes.length);
    service_end(c->service);
}

/* ---- for the host ---- */

state_client *state_client_new(const state_client_options *options)
{
    state_client *c = base_alloc(sizeof *c);
    c->loop = options->loop;
    c->service = options->service;
    c->name = base_strdup(options->client);
    c->give_up_us = options->give_up_us;
    c->state = options->state;
    c->troubled = options->troubled;
    ev_timer_init(&c->again, on_again, 0, 0);
    c->again.data = c;
    return c;
}

state_client *state_client_free(state_client *c)
{
    lb_error error;
    if (!c)
        return NULL;
    ev_timer_stop(c->loop, &c->again);
    (void)lb_fail(&error, LB_ERR_CANCELLED, NULL, "the host is ending");
    c->on_its_way = true; /* nothing is sent any more */
    while (c->first)
        decide(take_first(c), NULL, &error);
    free(c->name);
    free(c);
    return NULL;
}

void state_begin(state_client *c, state_decided decided, void *owner, void *tag)
{
    batch *b = gathering(c);
    BASE_PUSH(b->items, b->count, b->capacity);
    b->items[b->count++] = (waiting){.decided = decided, .owner = owner, .tag = tag};
    c->pending++;
}

void state_op(state_client *c, const lb_state_op *op)
{
    state_put_op(&c->last->bytes, op);
}

void state_ops(state_client *c, const buf *encoded)
{
    buf_put(&c->last->bytes, encoded->data, encoded->length);
}

void state_end(state_client *c)
{
    wire_put_u32(&c->last->bytes, 0);
    send_next(c);
}

static void on_listed(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    listing *l = tag;
    (void)owner;
    l->listed(l->owner, l->tag, fields, error);
    free(l);
}

void state_list(state_client *c, const lb_state_query *query, state_listed listed, void *owner, void *tag)
{
    lb_error error;
    listing *l = base_alloc(sizeof *l);
    *l = (listing){.client = c, .listed = listed, .owner = owner, .tag = tag};
    buf *out =
        service_begin(c->service, STATE_LIST, c->give_up_us ? c->give_up_us : BATCH_TIME, on_listed, c, l, &error);
    if (!out) {
        on_listed(c, l, NULL, &error);
        return;
    }
    state_put_query(out, query);
    service_end(c->service);
}

static void on_pruned(void *owner, void *tag, wire_reader *fields, const lb_error *error)
{
    const state_client *c = owner;
    (void)tag, (void)fields;
    if (error && !service_is_ending(c->service))
        log_error("state", error); /* the next time comes */
}

void state_prune(state_client *c, const char *space, const char *status, int64_t before, int64_t most)
{
    lb_error error;
    buf *out = service_begin(c->service, STATE_PRUNE, BATCH_TIME, on_pruned, c, NULL, &error);
    if (!out)
        return; /* it is busy: the next time comes */
    wire_put_str(out, space);
    wire_put_str(out, status);
    wire_put_i64(out, before);
    wire_put_i64(out, most);
    service_end(c->service);
}

size_t state_pending(const state_client *c)
{
    return c->pending;
}
