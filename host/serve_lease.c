/* Sharing targets between hosts: each daemon keeps a lease of its own, each target goes to the daemon that its name and
 * theirs choose (the highest hash), and is acted on only under the target's lease. A daemon that dies leaves its
 * targets to the others as soon as its leases have ended. */
#include "serve_internal.h"

#define LEASE_US (20 * CLOCK_SECOND)
#define TURN_S   5.0

/* A place on its way to us; by its name, as targets come and go meanwhile. */
typedef struct sharing {
    struct sharing *next; /* of those that are no targets any more */
    serve *serve;
    char *project, *branch; /* project NULL: the workspace */
} sharing;

static void turn(serve *s);

static const char *lease_name(const char *project, const char *branch, char name[SCHED_KEY])
{
    (void)snprintf(name, SCHED_KEY, "%s/%s", project ? project : "", branch ? branch : "");
    return name;
}

const lb_state_op *serve_lease_claim(const serve *s, const char *project, const char *branch, char key[SCHED_KEY],
                                     lb_state_op *op)
{
    if (!s->is_leased)
        return NULL;
    *op = (lb_state_op){
        .verb = LB_STATE_HOLD, .space = LEASE_SPACE, .key = lease_name(project, branch, key), .owner = s->host};
    return op;
}

bool serve_lease_is_ours(void *state, const lb_target *target)
{
    const serve *s = state;
    const serve_target *t = s->is_leased ? serve_find_target(s, target->project, target->branch) : NULL;
    return !s->is_leased || !target->project || (t && t->is_ours);
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

static void lose(serve *s, serve_target *t)
{
    sched_time now = {.wall = clock_now(), .monotonic = clock_monotonic()};
    if (t->is_ours)
        log_line(LB_LOG_INFO, "lease", "%s/%s is not ours any more", t->project, t->branch);
    t->is_ours = t->is_asked = false;
    (void)sched_lease(s->sched, t->project, t->branch, false, now); /* as above */
    supervisor_drop_sight(s->supervisor, t->project, t->branch);
}

static void release(serve *s, const char *project, const char *branch)
{
    state_client *state = book_state(supervisor_book(s->supervisor));
    char name[SCHED_KEY];
    state_begin(state, no_matter, s, NULL);
    state_op(state, &(lb_state_op){.verb = LB_STATE_RELEASE,
                                   .space = LEASE_SPACE,
                                   .key = lease_name(project, branch, name),
                                   .owner = s->host});
    state_end(state);
}

static sharing *sharing_free(sharing *sh)
{
    sharing **link = &sh->serve->leaving;
    while (*link && *link != sh)
        link = &(*link)->next;
    if (*link)
        *link = sh->next;
    free(sh->project);
    free(sh->branch);
    free(sh);
    return NULL;
}

/* What others have seen of it comes first, as what they have done; where that cannot be read, the next turn tries
 * again. A place that is no target was only taken for this. */
static void on_sight(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    sharing *sh = tag;
    serve *s = owner;
    serve_target *t = serve_own_target(s, sh->project, sh->branch);
    if (error)
        log_error("lease", error);
    if (!error && s->sched && !s->is_draining && (!t || t->is_asked)) {
        supervisor_take_sight(s->supervisor, sh->project, sh->branch, docs);
        if (t)
            become_ours(s, t);
        serve_forget_at(s, sh->project, sh->branch);
        if (!t)
            release(s, sh->project, sh->branch);
    }
    (void)sharing_free(sh); /* gives NULL */
}

static void ask_sight(sharing *sh)
{
    serve *s = sh->serve;
    const lb_state_query q = {.size = sizeof q, .space = UNSEEN_SPACE};
    state_list(book_state(supervisor_book(s->supervisor)), &q, on_sight, s, sh);
}

/* What others have done with it comes first. */
static void on_memories(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    sharing *sh = tag;
    serve *s = owner;
    if (error)
        log_error("lease", error);
    if (!s->sched || s->is_draining) {
        (void)sharing_free(sh); /* gives NULL */
        return;
    }
    serve_remember(s, docs);
    serve_schedule_arm(s);
    ask_sight(sh);
}

static void on_acquired(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    sharing *sh = tag;
    serve *s = owner;
    char name[SCHED_KEY];
    serve_target *t = serve_own_target(s, sh->project, sh->branch);
    (void)version;
    if (!s->sched || error || failed >= 0 || (t && t->is_ours)) {
        if (t && s->sched && !error && failed >= 0 && t->is_ours)
            lose(s, t);
        (void)sharing_free(sh); /* gives NULL */
        return;
    }
    if (!t) {
        ask_sight(sh);
        return;
    }
    t->is_asked = true;
    const lb_state_query q = {
        .size = sizeof q, .space = SCHEDULE_SPACE, .owner = lease_name(sh->project, sh->branch, name)};
    state_list(book_state(supervisor_book(s->supervisor)), &q, on_memories, s, sh);
}

static sharing *sharing_new(serve *s, const char *project, const char *branch)
{
    sharing *sh = base_alloc(sizeof *sh);
    *sh = (sharing){.serve = s, .project = base_strdup(project), .branch = base_strdup(branch)};
    return sh;
}

static void acquire(sharing *sh)
{
    serve *s = sh->serve;
    state_client *state = book_state(supervisor_book(s->supervisor));
    char name[SCHED_KEY];
    state_begin(state, on_acquired, s, sh);
    state_op(state, &(lb_state_op){.verb = LB_STATE_ACQUIRE,
                                   .space = LEASE_SPACE,
                                   .key = lease_name(sh->project, sh->branch, name),
                                   .owner = s->host,
                                   .ttl_us = LEASE_US});
    state_end(state);
}

/* Once at a time: a second one would read what the first is about to tell, and tell it again. */
void serve_lease_leave(serve *s, const char *project, const char *branch)
{
    for (const sharing *sh = s->leaving; sh; sh = sh->next)
        if (serve_is_same(sh->project, project) && serve_is_same(sh->branch, branch))
            return;
    sharing *sh = sharing_new(s, project, branch);
    sh->next = s->leaving;
    s->leaving = sh;
    acquire(sh);
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
            acquire(sharing_new(s, s->targets[i].project, s->targets[i].branch));
        } else if (s->targets[i].is_ours) {
            lose(s, &s->targets[i]);
            release(s, s->targets[i].project, s->targets[i].branch);
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
    for (size_t i = 0; i < s->target_count; i++) {
        if (!s->targets[i].is_ours)
            continue;
        release(s, s->targets[i].project, s->targets[i].branch);
        s->targets[i].is_ours = false; /* what still runs there says no more of what it sees */
    }
    state_begin(state, no_matter, s, NULL);
    state_op(state, &(lb_state_op){.verb = LB_STATE_RELEASE, .space = DAEMON_SPACE, .key = s->host, .owner = s->host});
    state_end(state);
}
