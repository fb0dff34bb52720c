/* Sharing targets between hosts: each daemon keeps a lease of its own, each target goes to the daemon that its name and
 * theirs choose (the highest hash), and is acted on only under the target's lease. A daemon that dies leaves its
 * targets to the others as soon as its leases have ended. */
#include "serve_internal.h"

#define LEASE_US (20 * CLOCK_SECOND)
#define TURN_S   5.0

typedef struct sharing {
    serve *serve;
    size_t target;
} sharing;

static void turn(serve *s);

const lb_state_op *serve_lease_claim(const serve *s, const char *project, const char *branch, char key[SCHED_KEY],
                                     lb_state_op *op)
{
    if (!s->is_leased)
        return NULL;
    (void)snprintf(key, SCHED_KEY, "%s/%s", project, branch);
    *op = (lb_state_op){.verb = LB_STATE_HOLD, .space = LEASE_SPACE, .key = key, .owner = s->host};
    return op;
}

static void no_matter(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    (void)owner, (void)tag, (void)failed, (void)version;
    if (error && error->code != LB_ERR_CANCELLED)
        log_error("lease", error);
}

/* ---- who gets what ---- */

static uint64_t weight(const char *host, const serve_target *t)
{
    uint64_t h = UINT64_C(14695981039346656037);
    const char *const parts[] = {t->project, "/", t->branch, "@", host};
    for (size_t i = 0; i < LB_COUNT(parts); i++)
        for (const char *p = parts[i]; *p; p++)
            h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
    h ^= h >> 33; /* the last letters count as much as the first */
    h *= UINT64_C(0xff51afd7ed558ccd);
    return h ^ h >> 33;
}

static bool is_for_us(const serve *s, char *const *hosts, size_t count, const serve_target *t)
{
    uint64_t ours = weight(s->host, t);
    for (size_t i = 0; i < count; i++)
        if (strcmp(hosts[i], s->host) != 0 && weight(hosts[i], t) > ours)
            return false;
    return true;
}

static void become_ours(serve *s, serve_target *t)
{
    sched_time now = {.wall = clock_now(), .monotonic = clock_monotonic()};
    if (!t->is_ours)
        log_line(LB_LOG_INFO, "lease", "%s/%s is ours", t->project, t->branch);
    t->is_ours = true;
    (void)sched_lease(s->sched, t->project, t->branch, true, now); /* it is one of ours */
    serve_schedule_arm(s);
}

/* What others have done with it comes first. */
static void on_memories(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    sharing *sh = tag;
    serve *s = sh->serve;
    size_t i = sh->target;
    (void)owner;
    free(sh);
    if (error)
        log_error("lease", error);
    if (!s->sched || s->is_draining)
        return;
    serve_remember(s, docs);
    if (i < s->target_count && s->targets[i].is_asked)
        become_ours(s, &s->targets[i]);
    serve_schedule_arm(s);
}

static void lose(serve *s, serve_target *t)
{
    sched_time now = {.wall = clock_now(), .monotonic = clock_monotonic()};
    if (t->is_ours)
        log_line(LB_LOG_INFO, "lease", "%s/%s is not ours any more", t->project, t->branch);
    t->is_ours = t->is_asked = false;
    (void)sched_lease(s->sched, t->project, t->branch, false, now); /* as above */
}

static void on_acquired(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    sharing *sh = tag;
    serve *s = owner;
    (void)version;
    serve_target *t = sh->target < s->target_count ? &s->targets[sh->target] : NULL;
    if (!t || !s->sched || error || failed >= 0) {
        if (t && s->sched && !error && t->is_ours)
            lose(s, t);
        free(sh);
        return;
    }
    if (t->is_ours) {
        free(sh);
        return;
    }
    char name[SCHED_KEY];
    t->is_asked = true;
    (void)snprintf(name, sizeof name, "%s/%s", t->project, t->branch);
    const lb_state_query q = {.size = sizeof q, .space = SCHEDULE_SPACE, .owner = name};
    state_list(book_state(supervisor_book(s->supervisor)), &q, on_memories, s, sh);
}

static void acquire(serve *s, size_t i)
{
    state_client *state = book_state(supervisor_book(s->supervisor));
    char name[SCHED_KEY];
    sharing *sh = base_alloc(sizeof *sh);
    *sh = (sharing){.serve = s, .target = i};
    (void)snprintf(name, sizeof name, "%s/%s", s->targets[i].project, s->targets[i].branch);
    state_begin(state, on_acquired, s, sh);
    state_op(state,
             &(lb_state_op){
                 .verb = LB_STATE_ACQUIRE, .space = LEASE_SPACE, .key = name, .owner = s->host, .ttl_us = LEASE_US});
    state_end(state);
}

static void release(serve *s, size_t i)
{
    state_client *state = book_state(supervisor_book(s->supervisor));
    char name[SCHED_KEY];
    (void)snprintf(name, sizeof name, "%s/%s", s->targets[i].project, s->targets[i].branch);
    state_begin(state, no_matter, s, NULL);
    state_op(state, &(lb_state_op){.verb = LB_STATE_RELEASE, .space = LEASE_SPACE, .key = name, .owner = s->host});
    state_end(state);
}

static void on_daemons(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    serve *s = owner;
    lb_state_doc doc;
    char **hosts = NULL;
    size_t count = 0, capacity = 0;
    (void)tag;
    if (error)
        log_error("lease", error);
    if (error || !s->sched || s->is_draining)
        return;
    while (state_get_doc(docs, &doc)) {
        if (doc.left_us <= 0 || host_id_life(doc.key) == HOST_DEAD)
            continue;
        BASE_PUSH(hosts, count, capacity);
        hosts[count++] = base_strdup(doc.key);
    }
    for (size_t i = 0; i < s->target_count; i++) {
        if (is_for_us(s, hosts, count, &s->targets[i])) {
            acquire(s, i);
        } else if (s->targets[i].is_ours) {
            lose(s, &s->targets[i]);
            release(s, i);
        }
    }
    for (size_t i = 0; i < count; i++)
        free(hosts[i]);
    free(hosts);
}

static void turn(serve *s)
{
    state_client *state = book_state(supervisor_book(s->supervisor));
    const lb_state_query q = {.size = sizeof q, .space = DAEMON_SPACE};
    state_begin(state, no_matter, s, NULL);
    state_op(
        state,
        &(lb_state_op){
            .verb = LB_STATE_ACQUIRE, .space = DAEMON_SPACE, .key = s->host, .owner = s->host, .ttl_us = LEASE_US});
    state_end(state);
    state_list(state, &q, on_daemons, s, NULL);
}

static void on_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    turn(timer->data);
}

void serve_lease_start(serve *s)
{
    if (!s->is_leased)
        return;
    ev_timer_init(&s->lease_timer, on_turn, TURN_S, TURN_S);
    s->lease_timer.data = s;
    ev_timer_start(s->loop, &s->lease_timer);
    turn(s);
}

/* Others need not wait for the leases to end. */
void serve_lease_stop(serve *s)
{
    if (!s->is_leased || !s->is_scheduling)
        return;
    state_client *state = book_state(supervisor_book(s->supervisor));
    ev_timer_stop(s->loop, &s->lease_timer);
    for (size_t i = 0; i < s->target_count; i++)
        if (s->targets[i].is_ours)
            release(s, i);
    state_begin(state, no_matter, s, NULL);
    state_op(state, &(lb_state_op){.verb = LB_STATE_RELEASE, .space = DAEMON_SPACE, .key = s->host, .owner = s->host});
    state_end(state);
}
