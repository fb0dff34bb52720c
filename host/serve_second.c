/* The second channel: it hears of what the first has not delivered once that has failed for second_after_s, or has
 * refused for good. It follows the log of events with a cursor of its own and waits at the first event whose fate is
 * not known. What is told of the alert from then on goes there, too: that it got worse, and its end. The first keeps
 * what waits for it and delivers it late, once: whoever looks there finds each alert and its end.
 *
 * Which alerts those are stands in the state before the first word of one goes out. */
#include "serve_outlet.h"

#define SECOND      "host:second:"
#define DOCUMENT    "second/"
#define LOOK_S      5.0  /* at a first channel that neither delivers nor fails: it folds */
#define MOST_HANDED 1000 /* alerts; the oldest are forgotten */

typedef struct handed {
    char *key;
    uint64_t seq; /* the first word of it here */
    uint64_t end; /* 0: it goes on */
} handed;

struct second {
    outlet *first, *to;
    char *subscription;
    handed *items; /* oldest first */
    size_t count, capacity;
    uint64_t *refused; /* seqs */
    size_t refused_count, refused_capacity;
    int64_t failing_since; /* 0: it takes them, as far as we know */
    bool is_writing;       /* the state has not answered yet */
    ev_timer look;
};

/* ---- what the state keeps ---- */

static char *document_key(const second *d)
{
    return base_printf(DOCUMENT "%s", d->subscription + strlen(SECOND));
}

static void forget(second *d, size_t index)
{
    free(d->items[index].key);
    memmove(d->items + index, d->items + index + 1, (--d->count - index) * sizeof *d->items);
}

/* What the cursor has passed is not asked for again. */
static void forget_passed(second *d)
{
    const router *r = d->first->serve->router;
    for (size_t i = d->count; i-- > 0;)
        if (d->items[i].end && router_is_done(r, d->subscription, d->items[i].end))
            forget(d, i);
    while (d->count > MOST_HANDED)
        forget(d, 0);
    size_t left = 0;
    for (size_t i = 0; i < d->refused_count; i++)
        if (!router_is_done(r, d->subscription, d->refused[i]))
            d->refused[left++] = d->refused[i];
    d->refused_count = left;
}

static void on_written(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    serve *s = owner;
    (void)failed, (void)version; /* a PUT fails with an error alone */
    if (error && error->code == LB_ERR_CANCELLED)
        return;
    for (outlet *o = s->outlets; tag && o; o = o->next) /* it may be gone */
        if (o->second == tag)
            o->second->is_writing = false;
    if (tag && s->router)
        router_resume(s->router);
}

/* waits: on_written is told of it. */
static void keep(const second *d, second *waits)
{
    serve *s = d->first->serve;
    state_client *state = book_state(supervisor_book(s->supervisor));
    BUF_AUTO body = BUF_INIT((size_t)4 * 1024 * 1024);
    LB_AUTO_FREE char *key = document_key(d);
    buf_putc(&body, '{');
    json_member_i64(&body, "since", d->failing_since);
    json_key(&body, "handed");
    buf_putc(&body, '[');
    for (size_t i = 0; i < d->count; i++) {
        buf_puts(&body, i ? ",{" : "{");
        json_member_string(&body, "key", d->items[i].key);
        json_member_i64(&body, "seq", (int64_t)d->items[i].seq);
        json_member_i64(&body, "end", (int64_t)d->items[i].end);
        buf_putc(&body, '}');
    }
    buf_putc(&body, ']');
    json_key(&body, "refused");
    buf_putc(&body, '[');
    for (size_t i = 0; i < d->refused_count; i++)
        buf_printf(&body, "%s%llu", i ? "," : "", (unsigned long long)d->refused[i]);
    buf_puts(&body, "]}");
    state_begin(state, on_written, s, waits);
    state_op(state,
             &(lb_state_op){
                 .verb = LB_STATE_PUT, .space = OUTLET_SPACE, .key = key, .at = clock_now(), .body = buf_text(&body)});
    state_end(state);
}

static void add_handed(second *d, const char *key, uint64_t seq, uint64_t end)
{
    BASE_PUSH(d->items, d->count, d->capacity);
    d->items[d->count++] = (handed){.key = base_strdup(key ? key : ""), .seq = seq, .end = end};
}

static void add_refused(second *d, uint64_t seq)
{
    BASE_PUSH(d->refused, d->refused_count, d->refused_capacity);
    d->refused[d->refused_count++] = seq;
}

void second_remember(outlet *o, const lb_state_doc *doc)
{
    second *d = o->second;
    LB_AUTO_FREE char *key = d ? document_key(d) : NULL;
    lb_error err;
    if (!d || strcmp(key, doc->key) != 0)
        return;
    JSON_AUTO *body = json_parse(doc->body, strlen(doc->body), &err);
    struct json_object *items = json_get_list(body, "handed"), *refused = json_get_list(body, "refused");
    while (d->count)
        forget(d, d->count - 1);
    d->refused_count = 0;
    d->failing_since = json_get_i64(body, "since", 0);
    for (size_t i = 0; items && i < json_object_array_length(items); i++) {
        struct json_object *item = json_object_array_get_idx(items, i);
        add_handed(d, json_get_text(item, "key"), (uint64_t)json_get_i64(item, "seq", 0),
                   (uint64_t)json_get_i64(item, "end", 0));
    }
    for (size_t i = 0; refused && i < json_object_array_length(refused); i++)
        add_refused(d, (uint64_t)json_object_get_int64(json_object_array_get_idx(refused, i)));
}

/* ---- what the first does ---- */

/* How long until it has failed for so long; 0: it has. What an earlier process has seen counts once this one sees it,
 * too. -1: it does not fail. */
static int64_t wait_for_failure(const second *d)
{
    int64_t until = d->failing_since + d->first->named->second_after_s * CLOCK_SECOND;
    if (!d->failing_since || !d->first->sending || !d->first->tries)
        return -1;
    return until > clock_now() ? until - clock_now() : 0;
}

static void look_later(second *d)
{
    int64_t wait = wait_for_failure(d);
    ev_timer_stop(d->first->serve->loop, &d->look);
    ev_timer_set(&d->look, wait < 0 ? LOOK_S : (double)wait / (double)CLOCK_SECOND, 0);
    ev_timer_start(d->first->serve->loop, &d->look);
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
    second *d = timer->data;
    (void)loop, (void)events;
    if (d->first->serve->router && !d->first->serve->is_draining)
        router_resume(d->first->serve->router);
}

void second_fails(outlet *o)
{
    second *d = o->second;
    if (!d)
        return;
    if (!d->failing_since) {
        d->failing_since = clock_now();
        keep(d, NULL);
    }
    look_later(d);
}

void second_ends(outlet *o, const alert_note *n, const char *why)
{
    second *d = o->second;
    bool was_failing = d && d->failing_since;
    if (!d || (!was_failing && !why))
        return;
    d->failing_since = 0;
    if (why && n->seq)
        add_refused(d, n->seq);
    for (size_t i = 0; why && !n->seq && i < o->folded_count; i++)
        add_refused(d, o->folded[i]);
    keep(d, NULL); /* before its cursor */
}

/* ---- what comes from the log ---- */

static handed *find_handed(const second *d, const char *key, uint64_t seq)
{
    for (size_t i = 0; i < d->count; i++) {
        handed *h = &d->items[i];
        if (strcmp(h->key, key) == 0 && seq >= h->seq && (!h->end || seq <= h->end))
            return h;
    }
    return NULL;
}

static bool is_refused(const second *d, uint64_t seq)
{
    for (size_t i = 0; i < d->refused_count; i++)
        if (d->refused[i] == seq)
            return true;
    return false;
}

/* Another service that leads to the same channel has handed it over already. */
static bool is_told_otherwise(const second *d, const char *key, uint64_t seq)
{
    for (const outlet *o = d->first->serve->outlets; o; o = o->next)
        if (o->second && o->second != d && o->second->to == d->to && find_handed(o->second, key, seq))
            return true;
    return false;
}

static void say_why(const second *d, alert_note *n)
{
    const char *first = d->first->named->name;
    char since[CLOCK_TEXT];
    char *text = n->text;
    clock_format(d->failing_since, since);
    if (is_refused(d, n->seq))
        n->text = base_printf("%s (the first channel, %s, has refused this)", text, first);
    else if (d->failing_since)
        n->text = base_printf("%s (the first channel, %s, has failed since %s)", text, first, since);
    else
        n->text = base_printf("%s (the first channel, %s, had failed, and gets it late)", text, first);
    free(text);
}

static router_answer pass_on(second *d, const event *e, struct json_object *payload, handed *h)
{
    outlet *to = d->to;
    if (!outlet_is_free(to))
        return ROUTER_LATER;
    if (outlet_has_folded(to, e->seq))
        return ROUTER_DONE;
    alert_note *n = alert_note_of(e, payload, to->named->name);
    if (e->seq == h->seq)
        say_why(d, n);
    if (strcmp(n->change, "resolved") == 0 && !h->end) {
        h->end = e->seq;
        keep(d, NULL);                                                 /* before our cursor */
    } else if (strcmp(n->change, "opened") == 0 && e->seq != h->seq) { /* it got worse: known here */
        free(n->change);
        n->change = base_strdup(e->kind + strlen("alert."));
    }
    outlet_take(to, n);
    return ROUTER_ACCEPTED;
}

static router_answer hand_over(second *d, const char *key, uint64_t seq)
{
    if (router_is_done(d->first->serve->router, d->first->subscription, seq) && !is_refused(d, seq))
        return ROUTER_DONE;
    if (!is_refused(d, seq) && wait_for_failure(d) != 0) {
        look_later(d);
        return ROUTER_LATER;
    }
    if (is_told_otherwise(d, key, seq))
        return ROUTER_DONE;
    add_handed(d, key, seq, 0);
    d->is_writing = true;
    keep(d, d);
    return ROUTER_LATER;
}

static router_answer on_step(void *state, const router_delivery *delivery, lb_error *err)
{
    second *d = state;
    const event *e = delivery->event;
    lb_error bad;
    (void)err;
    JSON_AUTO *payload = json_parse(e->payload, strlen(e->payload), &bad);
    const char *key = json_get_text(payload, "alert_id");
    bool is_end = strcmp(e->kind, "alert.resolved") == 0,
         is_word = strcmp(e->kind, "alert.acknowledged") == 0 || strcmp(e->kind, "alert.treated") == 0;
    if (!key || json_get_i64(payload, "event", 0) <= 0 || !alert_is_for(payload, "to", d->first->named->name))
        return ROUTER_DONE;
    if (d->first->serve->is_draining || d->is_writing)
        return ROUTER_LATER;
    forget_passed(d);
    handed *h = find_handed(d, key, e->seq);
    if (alert_is_for(payload, "to", d->to->named->name)) { /* it hears of it anyhow */
        if (h && is_end && !h->end) {
            h->end = e->seq;
            keep(d, NULL);
        }
        return ROUTER_DONE;
    }
    if (h)
        return pass_on(d, e, payload, h);
    return is_end || is_word ? ROUTER_DONE : hand_over(d, key, e->seq); /* for who was told of the beginning */
}

/* ---- all of them ---- */

router_subscription second_subscription(const serve *s, size_t index)
{
    const outlet *o = s->outlets;
    while (!o->second || index--)
        o = o->next;
    return (router_subscription){.id = o->second->subscription,
                                 .pattern = "alert.*",
                                 .cursor = ROUTER_FROM_NOW,
                                 .in_flight = MOST_HANDED + 1,
                                 .deliver = on_step,
                                 .state = o->second};
}

void outlet_done(const outlet *to, uint64_t seq)
{
    router *r = to->serve->router;
    if (r)
        router_done(r, to->subscription, seq);
    for (const outlet *o = to->serve->outlets; r && o; o = o->next)
        if (o->second && o->second->to == to)
            router_done(r, o->second->subscription, seq);
}

void second_start(outlet *o)
{
    outlet *to = o->serve->outlets;
    while (o->named->second && to && strcmp(to->named->name, o->named->second) != 0)
        to = to->next;
    if (!o->named->second || !to)
        return;
    second *d = base_alloc(sizeof *d);
    *d = (second){.first = o,
                  .to = to,
                  .subscription = base_printf(SECOND "%s:%s%s", o->named->name, to->named->name, o->serve->log_name)};
    ev_timer_init(&d->look, on_look, 0, 0);
    d->look.data = d;
    o->second = d;
}

second *second_free(second *d)
{
    if (!d)
        return NULL;
    ev_timer_stop(d->first->serve->loop, &d->look);
    while (d->count)
        forget(d, d->count - 1);
    free(d->items);
    free(d->refused);
    free(d->subscription);
    free(d);
    return NULL;
}
