/* Driver for state services: frames in, calls of the plugin, frames out. */
#include "service_state.h"

#include "clock.h"
#include "service_main.h"

#define OPEN_TIME    (30 * CLOCK_SECOND)
#define MOST_OPS     ((uint32_t)1 << 20) /* of one batch */
#define STATE_BYTES  (offsetof(lb_state, prune) + sizeof(((lb_state *)0)->prune))
#define MOST_IN_LIST ((size_t)48 * 1024 * 1024)

typedef struct driver {
    const lb_state *plugin;
    void *state;
    lb_state_op *ops; /* of the batch in hand; all three are kept between batches */
    size_t op_count, op_capacity;
    lb_state_txn *txns;
    size_t txn_count, txn_capacity;
    lb_state_verdict *verdicts;
    size_t verdict_capacity;
} driver;

/* ---- both sides ---- */

void state_put_op(buf *out, const lb_state_op *op)
{
    wire_put_u32(out, (uint32_t)op->verb);
    wire_put_str(out, op->space);
    wire_put_str(out, op->key);
    wire_put_i64(out, op->version);
    wire_put_str(out, op->status);
    wire_put_str(out, op->owner);
    wire_put_i64(out, op->at);
    wire_put_i64(out, op->ttl_us);
    wire_put_str(out, op->body);
}

void state_put_query(buf *out, const lb_state_query *q)
{
    wire_put_str(out, q->space);
    wire_put_str(out, q->key);
    wire_put_str(out, q->key_prefix);
    wire_put_str(out, q->status);
    wire_put_str(out, q->owner);
    wire_put_i64(out, q->at_from);
    wire_put_i64(out, q->at_to);
    wire_put_bool(out, q->newest_first);
    wire_put_u32(out, q->limit);
}

bool state_get_doc(wire_reader *r, lb_state_doc *ret_doc)
{
    if (!wire_get_bool(r))
        return false;
    *ret_doc = (lb_state_doc){0};
    ret_doc->space = wire_get_required(r);
    ret_doc->key = wire_get_required(r);
    ret_doc->version = wire_get_i64(r);
    ret_doc->status = wire_get_str(r);
    ret_doc->owner = wire_get_str(r);
    ret_doc->at = wire_get_i64(r);
    ret_doc->left_us = wire_get_i64(r);
    ret_doc->body = wire_get_required(r);
    return !r->bad;
}

/* ---- in the process ---- */

static void get_op(wire_reader *r, uint32_t verb, lb_state_op *op)
{
    op->verb = (lb_state_verb)verb;
    op->space = wire_get_required(r);
    op->key = wire_get_required(r);
    op->version = wire_get_i64(r);
    op->status = wire_get_str(r);
    op->owner = wire_get_str(r);
    op->at = wire_get_i64(r);
    op->ttl_us = wire_get_i64(r);
    op->body = wire_get_str(r);
}

/* Operations first, and how many belong to each transaction; their addresses only when the array has stopped growing.
 */
static bool get_batch(driver *d, wire_reader *r, uint32_t count)
{
    d->op_count = d->txn_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t first = d->op_count;
        for (uint32_t verb; (verb = wire_get_u32(r)) != 0;) {
            if (r->bad || d->op_count >= MOST_OPS)
                return false;
            BASE_PUSH(d->ops, d->op_count, d->op_capacity);
            get_op(r, verb, &d->ops[d->op_count++]);
        }
        BASE_PUSH(d->txns, d->txn_count, d->txn_capacity);
        d->txns[d->txn_count++] = (lb_state_txn){.count = d->op_count - first};
    }
    size_t at = 0;
    for (size_t i = 0; i < d->txn_count; at += d->txns[i++].count)
        d->txns[i].ops = d->ops + at;
    return wire_done(r);
}

static int apply(driver *d, wire_reader *in, int64_t deadline, buf *out, lb_error *err)
{
    const char *client = wire_get_required(in);
    int64_t number = wire_get_i64(in);
    uint32_t count = wire_get_u32(in);
    if (in->bad || count > MOST_OPS || !get_batch(d, in, count))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a malformed batch");
    if (d->verdict_capacity < count) {
        d->verdicts = base_grow(d->verdicts, count * sizeof *d->verdicts);
        d->verdict_capacity = count;
    }
    int r = d->plugin->apply(d->state, client, number, d->txns, count, d->verdicts, deadline, err);
    for (uint32_t i = 0; r >= 0 && i < count; i++) {
        wire_put_u32(out, (uint32_t)(d->verdicts[i].failed + 1)); /* 0: applied */
        wire_put_i64(out, d->verdicts[i].version);
    }
    return r;
}

static int take_doc(void *arg, const lb_state_doc *doc, lb_error *err)
{
    buf *out = arg;
    if (out->length > MOST_IN_LIST)
        return lb_fail(err, LB_ERR_LIMIT, "ask for a shorter time, or fewer", "the list is larger than %zu MB",
                       MOST_IN_LIST >> 20);
    wire_put_bool(out, true);
    wire_put_str(out, doc->space);
    wire_put_str(out, doc->key);
    wire_put_i64(out, doc->version);
    wire_put_str(out, doc->status);
    wire_put_str(out, doc->owner);
    wire_put_i64(out, doc->at);
    wire_put_i64(out, doc->left_us);
    wire_put_str(out, doc->body ? doc->body : "{}");
    return 0;
}

static int list(driver *d, wire_reader *in, int64_t deadline, buf *out, lb_error *err)
{
    lb_state_query q = {.size = sizeof q};
    q.space = wire_get_required(in);
    q.key = wire_get_str(in);
    q.key_prefix = wire_get_str(in);
    q.status = wire_get_str(in);
    q.owner = wire_get_str(in);
    q.at_from = wire_get_i64(in);
    q.at_to = wire_get_i64(in);
    q.newest_first = wire_get_bool(in);
    q.limit = wire_get_u32(in);
    if (!wire_done(in))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a malformed query");
    int r = d->plugin->list(d->state, &q, deadline, take_doc, out, err);
    wire_put_bool(out, false);
    return r;
}

static int prune(driver *d, wire_reader *in, int64_t deadline, buf *out, lb_error *err)
{
    const char *space = wire_get_required(in), *status = wire_get_str(in);
    int64_t before = wire_get_i64(in), most = wire_get_i64(in), removed = 0;
    if (!wire_done(in))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a malformed request to prune");
    int r = d->plugin->prune(d->state, space, status, before, most, deadline, &removed, err);
    wire_put_i64(out, removed);
    return r;
}

static int handle(void *state, uint32_t verb, wire_reader *in, int64_t deadline, buf *out, lb_error *err)
{
    switch (verb) {
    case STATE_APPLY:
        return apply(state, in, deadline, out, err);
    case STATE_LIST:
        return list(state, in, deadline, out, err);
    case STATE_PRUNE:
        return prune(state, in, deadline, out, err);
    default:
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "a state service has no verb %u", verb);
    }
}

static int open_state(const service_env *env, void **ret_state, buf *greeting, lb_error *err)
{
    driver *d = base_alloc(sizeof *d);
    d->plugin = env->ops;
    int r = d->plugin->open(env->host, env->args, env->state_dir, clock_monotonic() + OPEN_TIME, &d->state, err);
    if (r < 0) {
        free(d);
        return r;
    }
    wire_put_bool(greeting, d->plugin->shared);
    *ret_state = d;
    return 0;
}

static void close_state(void *state)
{
    driver *d = state;
    d->plugin->close(d->state);
    free(d->ops);
    free(d->txns);
    free(d->verdicts);
    free(d);
}

const service_driver service_state_driver = {
    .kind = LB_KIND_STATE,
    .ops_bytes = STATE_BYTES,
    .open = open_state,
    .close = close_state,
    .handle = handle,
};
