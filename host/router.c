#include "router.h"

#include "event_segment.h"
#include "json.h"
#include "log.h"
#include "router_args.h"

#define DEPTH       8
#define IN_FLIGHT   16
#define SAVE_GAP_S  1.0
#define RETRY_S     1.0  /* after a disk that cannot be read */
#define TURN_EVENTS 1024 /* deliveries of one subscription before the loop has its turn */
#define TURN_LINES  8192 /* lines that are looked at */

typedef struct subscription {
    router_subscription given; /* its texts are our own */
    bool has_templates;
    event_reader *reader;
    event held;        /* read and not yet taken over by anybody: good until the reader is asked again */
    bool is_holding;   /* there is one */
    bool waits;        /* somebody said LATER */
    bool is_failing;   /* the log could not be read */
    uint64_t *flights; /* seqs that were accepted and are not done, in order */
    size_t flight_count;
    uint64_t cursor, saving, saved;
    bool is_new; /* no cursor of it has ever been saved */
    uint64_t delivered, refused;
} subscription;

struct router {
    struct ev_loop *loop;
    router_hooks hooks;
    uint32_t depth;
    double save_gap_s;
    uint64_t durable;
    subscription *items;
    size_t count;
    ev_timer turn, save;
    bool is_saving, wants_flush;
    buf key;
    arena memory; /* of one offer */
};

/* ---- turns ---- */

static void start_turn(router *r, double after)
{
    if (ev_is_active(&r->turn) && after > 0)
        return; /* an earlier one stands */
    ev_timer_stop(r->loop, &r->turn);
    ev_timer_set(&r->turn, after, 0);
    ev_timer_start(r->loop, &r->turn);
}

static void save_soon(router *r)
{
    if (r->is_saving || ev_is_active(&r->save))
        return;
    ev_timer_set(&r->save, r->save_gap_s, 0);
    ev_timer_start(r->loop, &r->save);
}

/* Contiguous: up to the event before the oldest that is not done, else up to the last one that was looked at. */
static void move_cursor(router *r, subscription *s)
{
    uint64_t read = s->is_holding ? s->held.seq - 1 : event_reader_seq(s->reader);
    uint64_t cursor = s->flight_count ? s->flights[0] - 1 : read;
    if (cursor <= s->cursor)
        return;
    s->cursor = cursor;
    save_soon(r);
}

/* ---- one event for one subscription ---- */

static size_t find_flight(const subscription *s, uint64_t seq)
{
    size_t i = 0;
    while (i < s->flight_count && s->flights[i] != seq)
        i++;
    return i;
}

static bool drop_flight(subscription *s, uint64_t seq)
{
    size_t i = find_flight(s, seq);
    if (i == s->flight_count)
        return false;
    memmove(s->flights + i, s->flights + i + 1, (--s->flight_count - i) * sizeof *s->flights);
    return true;
}

/* "router.chain_ended" about router.chain_ended, for a subscription to all, would have no end. */
static bool is_ours(const event *e)
{
    return strncmp(e->kind, "router.", 7) == 0;
}

/* An event about an event that was not delivered. False: there is no room for it now. */
static bool tell(router *r, const subscription *s, const char *kind, const char *payload)
{
    lb_error err;
    if (is_ours(&s->held))
        return true;
    const event e = {.kind = kind,
                     .tool = s->given.tool,
                     .project = s->held.project,
                     .branch = s->held.branch,
                     .depth = s->held.depth + 1,
                     .cause = s->held.seq,
                     .key = buf_text(&r->key),
                     .payload = payload};
    int code = r->hooks.emit(r->hooks.state, &e, &err);
    if (code < 0 && code != LB_ERR_LIMIT)
        log_error("router", &err);
    return code != LB_ERR_LIMIT;
}

static void open_payload(const subscription *s, buf *payload)
{
    buf_putc(payload, '{');
    json_member_string(payload, "subscription", s->given.id);
    json_member_string(payload, "kind", s->held.kind);
}

static bool end_chain(router *r, subscription *s)
{
    BUF_AUTO payload = BUF_INIT(65536);
    open_payload(s, &payload);
    json_member_i64(&payload, "limit", r->depth);
    buf_putc(&payload, '}');
    if (!tell(r, s, "router.chain_ended", buf_text(&payload)))
        return false;
    log_line(LB_LOG_WARN, "router", "event %llu (%s) starts no %s: its chain of events is longer than %u",
             (unsigned long long)s->held.seq, s->held.kind, s->given.tool, r->depth);
    s->refused++;
    return true;
}

static bool give_up(router *r, subscription *s, const lb_error *why)
{
    BUF_AUTO payload = BUF_INIT(65536);
    open_payload(s, &payload);
    json_member_string(&payload, "error", why->message);
    buf_putc(&payload, '}');
    if (!tell(r, s, "router.undeliverable", buf_text(&payload)))
        return false;
    log_line(LB_LOG_WARN, "router", "event %llu (%s) cannot be delivered to %s: %s", (unsigned long long)s->held.seq,
             s->held.kind, s->given.id, why->message);
    s->refused++;
    return true;
}

static router_answer ask(router *r, subscription *s, const router_delivery *delivery, lb_error *err)
{
    router_deliver deliver = s->given.deliver ? s->given.deliver : r->hooks.deliver;
    uint64_t seq = s->held.seq;
    s->flights[s->flight_count++] = seq; /* before asking, as router_done may come from inside */
    router_answer answer = deliver(s->given.deliver ? s->given.state : r->hooks.state, delivery, err);
    if (answer != ROUTER_ACCEPTED)
        (void)drop_flight(s, seq); /* it is the last one */
    s->delivered += answer == ROUTER_ACCEPTED || answer == ROUTER_DONE;
    return answer;
}

/* False: later. */
static bool offer(router *r, subscription *s)
{
    lb_error err;
    const param_arg *args = s->given.args;
    buf_clear(&r->key);
    buf_printf(&r->key, "%llu/%s", (unsigned long long)s->held.seq, s->given.id);
    if (s->given.tool && s->held.depth >= r->depth)
        return end_chain(r, s);
    arena_reset(&r->memory);
    if (s->has_templates &&
        router_args_fill(s->given.args, s->given.arg_count, s->held.payload, &r->memory, &args, &err) < 0)
        return give_up(r, s, &err);
    const router_delivery delivery = {.subscription = s->given.id,
                                      .tool = s->given.tool,
                                      .key = buf_text(&r->key),
                                      .event = &s->held,
                                      .args = args,
                                      .arg_count = s->given.arg_count};
    router_answer answer = ask(r, s, &delivery, &err);
    if (answer == ROUTER_REFUSED)
        return give_up(r, s, &err);
    return answer != ROUTER_LATER;
}

/* The next event that it subscribed to, into s->held. False: not in this turn; *ret_more: in the next. */
static bool take_next(router *r, subscription *s, bool *ret_more)
{
    lb_error err;
    if (s->is_holding)
        return true;
    uint64_t before = event_reader_seq(s->reader);
    int code = event_reader_next(s->reader, TURN_LINES, &s->held, &err);
    if (code == LB_ERR_CONFLICT || (code < 0 && !s->is_failing))
        log_error("router", &err); /* what is sound behind a break is delivered all the same */
    s->is_failing = code < 0 && code != LB_ERR_CONFLICT;
    s->is_holding = code == 1;
    uint64_t seq = event_reader_seq(s->reader); /* where nothing moves, files are missing: it must not spin */
    *ret_more = code == LB_ERR_CONFLICT || (code == 0 && seq < r->durable && seq != before);
    return s->is_holding;
}

/* True when there is more to do at once. */
static bool pump(router *r, subscription *s)
{
    bool more = true;
    for (int i = 0; i < TURN_EVENTS && !s->waits && s->flight_count < s->given.in_flight; i++) {
        if (!take_next(r, s, &more)) {
            move_cursor(r, s);
            return more;
        }
        s->waits = !offer(r, s);
        s->is_holding = s->waits;
    }
    move_cursor(r, s);
    return !s->waits && s->flight_count < s->given.in_flight;
}

static void on_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
    router *r = timer->data;
    bool more = false, is_failing = false;
    (void)loop, (void)events;
    for (size_t i = 0; i < r->count; i++) {
        more = pump(r, &r->items[i]) || more;
        is_failing = is_failing || r->items[i].is_failing;
    }
    if (more)
        start_turn(r, 0);
    else if (is_failing)
        start_turn(r, RETRY_S);
}

/* ---- cursors ---- */

static void save_now(router *r)
{
    size_t count = 0;
    if (r->is_saving)
        return;
    LB_AUTO_FREE router_cursor *moved = base_alloc((r->count + 1) * sizeof *moved);
    for (size_t i = 0; i < r->count; i++) {
        subscription *s = &r->items[i];
        s->saving = s->cursor;
        if (s->cursor != s->saved || s->is_new)
            moved[count++] = (router_cursor){.id = s->given.id, .seq = s->cursor};
    }
    ev_timer_stop(r->loop, &r->save);
    if (!count)
        return;
    r->is_saving = true; /* before asking, as router_saved may come from inside */
    r->hooks.save(r->hooks.state, moved, count);
}

static void on_save(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    save_now(timer->data);
}

void router_saved(router *r, const lb_error *error)
{
    bool is_dirty = false;
    if (!r->is_saving)
        return;
    r->is_saving = false;
    if (error)
        log_line(LB_LOG_WARN, "router", "how far events were delivered is not saved yet: %s", error->message);
    for (size_t i = 0; i < r->count; i++) {
        subscription *s = &r->items[i];
        s->saved = error ? s->saved : s->saving;
        s->is_new = s->is_new && error;
        is_dirty = is_dirty || s->is_new || s->cursor != s->saved;
    }
    bool at_once = r->wants_flush && !error;
    r->wants_flush = false;
    if (is_dirty && at_once)
        save_now(r);
    else if (is_dirty)
        save_soon(r);
}

void router_flush(router *r)
{
    r->wants_flush = r->is_saving;
    save_now(r);
}

uint64_t router_passed(const router *r)
{
    uint64_t lowest = UINT64_MAX;
    for (size_t i = 0; i < r->count; i++) {
        uint64_t passed = r->items[i].is_new ? 0 : r->items[i].saved;
        lowest = passed < lowest ? passed : lowest;
    }
    return lowest;
}

/* ---- what others say ---- */

void router_durable(router *r, uint64_t seq)
{
    r->durable = seq;
    for (size_t i = 0; i < r->count; i++)
        event_reader_bound(r->items[i].reader, seq);
    start_turn(r, 0);
}

void router_done(router *r, const char *id, uint64_t seq)
{
    for (size_t i = 0; i < r->count; i++) {
        subscription *s = &r->items[i];
        if (strcmp(s->given.id, id) != 0)
            continue;
        bool was_full = s->flight_count == s->given.in_flight;
        if (!drop_flight(s, seq))
            return; /* of a router before this one */
        move_cursor(r, s);
        if (was_full)
            start_turn(r, 0);
        return;
    }
}

bool router_is_done(const router *r, const char *id, uint64_t seq)
{
    for (size_t i = 0; i < r->count; i++) {
        const subscription *s = &r->items[i];
        uint64_t next = s->is_holding ? s->held.seq : event_reader_seq(s->reader) + 1;
        if (strcmp(s->given.id, id) == 0)
            return seq <= s->cursor || (seq < next && find_flight(s, seq) == s->flight_count);
    }
    return false;
}

void router_resume(router *r)
{
    bool waited = false;
    for (size_t i = 0; i < r->count; i++) {
        waited = waited || r->items[i].waits;
        r->items[i].waits = false;
    }
    if (waited)
        start_turn(r, 0);
}

size_t router_count(const router *r)
{
    return r->count;
}

router_status router_at(const router *r, size_t index)
{
    const subscription *s = &r->items[index];
    return (router_status){
        .id = s->given.id,
        .pattern = s->given.pattern,
        .tool = s->given.tool,
        .cursor = s->cursor,
        .saved = s->saved,
        .behind = r->durable > s->cursor ? r->durable - s->cursor : 0,
        .in_flight = (uint32_t)s->flight_count,
        .waits = s->waits,
        .delivered = s->delivered,
        .refused = s->refused,
    };
}

/* ---- from new to free ---- */

static param_arg *copy_args(const param_arg *args, size_t count)
{
    param_arg *copy = base_alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = (param_arg){.name = base_strdup(args[i].name), .text = base_strdup(args[i].text)};
    return copy;
}

static void free_subscription(subscription *s)
{
    for (size_t i = 0; i < s->given.arg_count; i++) {
        free((char *)(uintptr_t)s->given.args[i].name); /* copies of our own */
        free((char *)(uintptr_t)s->given.args[i].text);
    }
    free((param_arg *)(uintptr_t)s->given.args);
    free((char *)(uintptr_t)s->given.id);
    free((char *)(uintptr_t)s->given.pattern);
    free((char *)(uintptr_t)s->given.tool);
    s->reader = event_reader_free(s->reader);
    free(s->flights);
}

/* Where it goes on. A cursor past the end of the log belongs to a log that was lost; one before its start has missed
 * what was deleted. Both are said. */
static void place_cursor(subscription *s, const router_options *options, uint64_t oldest)
{
    s->is_new = s->given.cursor == ROUTER_FROM_NOW;
    s->cursor = s->is_new ? options->last : s->given.cursor;
    s->saved = s->is_new ? 0 : s->cursor;
    if (s->cursor > options->last) {
        log_line(LB_LOG_WARN, "router", "%s has seen events up to %llu, and the log ends with %llu: it goes on there",
                 s->given.id, (unsigned long long)s->cursor, (unsigned long long)options->last);
        s->cursor = options->last;
    } else if (oldest > s->cursor + 1) {
        log_line(LB_LOG_WARN, "router", "the events %llu to %llu are deleted, and %s has not seen them",
                 (unsigned long long)s->cursor + 1, (unsigned long long)oldest - 1, s->given.id);
    }
}

static int open_subscription(subscription *s, const router_subscription *given, const router_options *options,
                             uint64_t oldest, lb_error *err)
{
    s->given = *given;
    s->given.id = base_strdup(given->id);
    s->given.pattern = base_strdup(given->pattern);
    s->given.tool = base_strdup(given->tool);
    s->given.args = copy_args(given->args, given->arg_count);
    s->given.in_flight = given->in_flight ? given->in_flight : IN_FLIGHT;
    s->has_templates = router_args_have_templates(given->args, given->arg_count);
    s->flights = base_alloc(s->given.in_flight * sizeof *s->flights);
    place_cursor(s, options, oldest);
    const event_read_options reading = {
        .from = s->cursor + 1, .filter = {.kind = strcmp(s->given.pattern, "*") == 0 ? NULL : s->given.pattern}};
    int code = event_reader_new(options->dir, &reading, &s->reader, err);
    if (code == 0)
        event_reader_bound(s->reader, options->durable);
    return code;
}

static int find_oldest(const char *dir, uint64_t *ret_oldest, lb_error *err)
{
    LB_AUTO_FREE uint64_t *firsts = NULL;
    size_t count;
    int code = event_segments(dir, &firsts, &count, err);
    *ret_oldest = code == 0 && count ? firsts[0] : 0;
    return code;
}

int router_new(const router_options *options, router **ret_router, lb_error *err)
{
    router *r = base_alloc(sizeof *r);
    uint64_t oldest;
    r->loop = options->loop;
    r->hooks = options->hooks;
    r->depth = options->depth ? options->depth : DEPTH;
    r->save_gap_s = options->save_gap_s > 0 ? options->save_gap_s : SAVE_GAP_S;
    r->durable = options->durable;
    r->key = BUF_INIT(65536);
    arena_init(&r->memory, (size_t)64 * 1024 * 1024);
    ev_timer_init(&r->turn, on_turn, 0, 0);
    ev_timer_init(&r->save, on_save, 0, 0);
    r->turn.data = r->save.data = r;
    r->items = base_alloc((options->subscription_count + 1) * sizeof *r->items);
    int code = find_oldest(options->dir, &oldest, err);
    for (size_t i = 0; i < options->subscription_count && code == 0; i++, r->count++)
        code = open_subscription(&r->items[i], &options->subscriptions[i], options, oldest, err);
    if (code < 0) {
        (void)router_free(r); /* gives NULL */
        return code;
    }
    start_turn(r, 0);
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].is_new || r->items[i].cursor != r->items[i].saved)
            save_soon(r);
    *ret_router = r;
    return 0;
}

router *router_free(router *r)
{
    if (!r)
        return NULL;
    ev_timer_stop(r->loop, &r->turn);
    ev_timer_stop(r->loop, &r->save);
    for (size_t i = 0; i < r->count; i++)
        free_subscription(&r->items[i]);
    free(r->items);
    buf_done(&r->key);
    arena_done(&r->memory);
    free(r);
    return NULL;
}
