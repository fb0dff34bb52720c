/* The scheduler at work: the plan from the manifest and the branches that there are, the timer, and the runs that are
 * due. Each start is claimed in the state together with the run's beginning. */
#include "serve_internal.h"

#define KEEPER       "persist_pg_stat_statements"          /* takes snapshots of what goes when a compute sleeps */
#define TARGETS_S    300.0                                 /* between two looks at which branches there are */
#define KEEP_ENTRIES (INT64_C(400) * 86400 * CLOCK_SECOND) /* longer than a yearly schedule sleeps */
#define KEEP_AWAKE   (INT64_C(2) * 86400 * CLOCK_SECOND)
#define PRUNE_MOST   10000
#define MOST_PENDING 20000 /* runs that have not ended: past that nothing more is started */

/* A run that the schedule has started. */
typedef struct due_run {
    serve *serve;
    char *key, *project, *branch;
    bool keeps, counts; /* counts: the time that the compute is awake only for us */
} due_run;

static sched_time now(void)
{
    return (sched_time){.wall = clock_now(), .monotonic = clock_monotonic()};
}

/* ---- targets ---- */

void serve_clear_targets(serve *s)
{
    for (size_t i = 0; i < s->target_count; i++) {
        free(s->targets[i].project);
        free(s->targets[i].branch);
    }
    s->target_count = 0;
}

serve_target *serve_own_target(serve *s, const char *project, const char *branch)
{
    return (serve_target *)(uintptr_t)serve_find_target(s, project, branch); /* it is ours, and not const */
}

const serve_target *serve_find_target(const serve *s, const char *project, const char *branch)
{
    for (size_t i = 0; project && branch && i < s->target_count; i++)
        if (strcmp(s->targets[i].project, project) == 0 && strcmp(s->targets[i].branch, branch) == 0)
            return &s->targets[i];
    return NULL;
}

serve_target *serve_push_target(serve *s, const lb_target *target)
{
    BASE_PUSH(s->targets, s->target_count, s->target_capacity);
    s->targets[s->target_count++] = (serve_target){.project = base_strdup(target->project),
                                                   .branch = base_strdup(target->branch),
                                                   .branch_class = target->branch_class};
    return &s->targets[s->target_count - 1];
}

static void add_target(void *state, const lb_target *target)
{
    serve_awake_recall(state, serve_push_target(state, target));
}

static void note_kept_targets(serve *s, const sched_plan *plan)
{
    for (size_t i = 0; i < s->target_count; i++)
        s->targets[i].alone.is_kept = false;
    for (size_t i = 0; i < plan->pair_count; i++) {
        const sched_target *at = &plan->targets[plan->pairs[i].target];
        serve_target *t = strcmp(plan->jobs[plan->pairs[i].job].tool, KEEPER) == 0
                              ? serve_own_target(s, at->project, at->branch)
                              : NULL;
        if (t)
            t->alone.is_kept = true;
    }
}

static int load_plan(serve *s, lb_error *err)
{
    sched_target *targets = base_alloc((s->target_count + 1) * sizeof *targets);
    for (size_t i = 0; i < s->target_count; i++)
        targets[i] = (sched_target){s->targets[i].project, s->targets[i].branch};
    sched_made *made = sched_made_new(s->manifest, s->registry, targets, s->target_count, s->is_leased);
    int r = sched_load(s->sched, sched_made_plan(made), now(), err);
    free(targets);
    if (r < 0) {
        (void)sched_made_free(made); /* gives NULL */
        return r;
    }
    (void)sched_made_free(s->plan); /* gives NULL */
    s->plan = made;
    note_kept_targets(s, sched_made_plan(made));
    return 0;
}

/* Names of before keep what is known of their leases. */
static void set_targets(serve *s, const char *document)
{
    serve_target *before = s->targets;
    size_t count = s->target_count;
    lb_error error;
    s->targets = NULL;
    s->target_count = s->target_capacity = 0;
    targets_each(s->manifest, document, add_target, s);
    for (size_t i = 0; i < count; i++) {
        serve_target *t = serve_own_target(s, before[i].project, before[i].branch);
        if (t) {
            t->is_ours = before[i].is_ours;
            t->is_asked = before[i].is_asked;
            t->alone = before[i].alone;
            t->awake = before[i].awake;
        }
        free(before[i].project);
        free(before[i].branch);
    }
    free(before);
    if (load_plan(s, &error) < 0) {
        (void)lb_wrap(&error, "the schedule stays as it was");
        log_error("schedule", &error);
    } else {
        serve_forget_others(s);
    }
    for (size_t i = 0; s->is_leased && i < s->target_count; i++)
        if (s->targets[i].is_ours)
            (void)sched_lease(s->sched, s->targets[i].project, s->targets[i].branch, true, now());
    serve_schedule_arm(s);
}

static void on_listed(void *tag, const run_outcome *outcome, const char *document)
{
    serve *s = tag;
    s->lists_targets = false;
    if (s->is_draining)
        return;
    if (outcome->done.status == RUN_OK) {
        free(s->listing);
        s->listing = base_strdup(document);
        set_targets(s, document);
        serve_gone_listed(s);
        return;
    }
    log_line(LB_LOG_WARN, "schedule", "the branches cannot be listed, the known ones go on: %s",
             outcome->done.error.message);
}

static void on_not_listed(void *tag, const char *run_id, const lb_error *error)
{
    serve *s = tag;
    (void)run_id;
    s->lists_targets = false;
    log_error("schedule", error);
}

static void list_targets(serve *s)
{
    static const run_watcher watcher = {.ended = on_listed, .refused = on_not_listed};
    const run_ask ask = {.actor_kind = GATE_SCHEDULE, .actor = "schedule", .watch = {&watcher, s}};
    char id[ID_TEXT];
    lb_error error;
    if (s->lists_targets || s->is_draining || !targets_have_patterns(s->manifest) ||
        !manifest_find_service(s->manifest, LB_KIND_TRANSPORT))
        return;
    s->lists_targets = true;
    if (supervisor_list_targets(s->supervisor, &ask, id, &error) < 0)
        on_not_listed(s, id, &error);
}

/* Entries of branches that are gone are forgotten after a while. */
static void on_targets(struct ev_loop *loop, ev_timer *timer, int events)
{
    serve *s = timer->data;
    (void)loop, (void)events;
    state_prune(book_state(supervisor_book(s->supervisor)), SCHEDULE_SPACE, NULL, clock_now() - KEEP_ENTRIES,
                PRUNE_MOST);
    state_prune(book_state(supervisor_book(s->supervisor)), AWAKE_SPACE, NULL, clock_now() - KEEP_AWAKE, PRUNE_MOST);
    list_targets(s);
}

/* ---- starts ---- */

static sched_outcome outcome_of(const run_done *done)
{
    switch (done->status) {
    case RUN_OK:
        return SCHED_OK;
    case RUN_SKIPPED:
        return SCHED_SKIPPED;
    case RUN_PENDING_APPROVAL:
        return SCHED_PENDING;
    default:
        break;
    }
    if (done->error.code == LB_ERR_UNREACHABLE)
        return SCHED_UNREACHABLE;
    return done->error.code == LB_ERR_CANCELLED ? SCHED_CANCELLED : SCHED_FAILED;
}

/* What the run saw of others, and whether that leaves us as the only ones who keep the compute awake. done NULL: it
 * never began. */
static void learn_of_others(serve *s, const due_run *d, const run_done *done)
{
    static const alone_sight nothing;
    serve_target *t = serve_own_target(s, d->project, d->branch);
    if (!t)
        return;
    if (d->keeps && done && done->status == RUN_OK)
        alone_note_kept(&t->alone, done->started_at);
    if (d->counts)
        alone_counted(&t->alone, done ? done->sight.awake_until : 0);
    serve_awake_end(s, t, done);
    int64_t touched_at = done && done->statements ? done->started_at + done->duration_us : 0;
    const alone_sight *sight = done && !serve_awake_wakes(s, t) ? &done->sight : &nothing;
    if (alone_end(&t->alone, sight, touched_at))
        log_line(LB_LOG_INFO, "schedule",
                 "%s/%s is left alone, so that it can sleep: nobody else has been active for %.0f s", t->project,
                 t->branch, (double)(t->alone.since - t->alone.others_at) / (double)CLOCK_SECOND);
}

/* done NULL: it never began. */
static void finish(due_run *d, const run_done *done, sched_outcome outcome, const char *why)
{
    serve *s = d->serve;
    s->running--;
    learn_of_others(s, d, done);
    if (s->sched)
        (void)sched_ended(s->sched, d->key, outcome, why, now()); /* an entry that a reload has removed is no more */
    free(d->key);
    free(d->project);
    free(d->branch);
    free(d);
    serve_schedule_arm(s);
}

static void on_begun(void *tag, const char *run_id, int64_t version)
{
    due_run *d = tag;
    (void)run_id;
    text_map_put(&d->serve->versions, d->key, version);
}

static void on_ended(void *tag, const run_outcome *outcome, const char *document)
{
    (void)document;
    const due_run *d = tag;
    const run_done *done = &outcome->done;
    if (d->project && !serve_find_target(d->serve, d->project, d->branch))
        serve_forget_others(d->serve); /* it was under way when its target left */
    finish(tag, done, outcome_of(done), done->error.code ? done->error.message : NULL);
}

void serve_remember(serve *s, wire_reader *docs)
{
    lb_state_doc doc;
    lb_error error;
    while (docs && state_get_doc(docs, &doc)) {
        JSON_AUTO *body = json_parse(doc.body, strlen(doc.body), &error);
        const sched_memory memory = {.slot = json_get_i64(body, "slot", SCHED_NONE),
                                     .started_at = json_get_i64(body, "started_at", SCHED_NONE),
                                     .ended_at = SCHED_NONE};
        text_map_put(&s->versions, doc.key, doc.version);
        if (memory.slot != SCHED_NONE)
            (void)sched_remember(s->sched, doc.key, &memory, now()); /* entries that are no more are no matter */
    }
}

static void on_claimed_by(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    (void)owner;
    due_run *d = tag;
    if (error)
        log_error("schedule", error);
    serve *s = d->serve;
    finish(d, NULL, SCHED_ELSEWHERE, NULL);
    serve_remember(s, docs);
    serve_schedule_arm(s);
}

/* Another host was faster: what it has written down is what we go on from. */
static void on_refused(void *tag, const char *run_id, const lb_error *error)
{
    due_run *d = tag;
    serve *s = d->serve;
    const lb_state_query q = {.size = sizeof q, .space = SCHEDULE_SPACE, .key = d->key};
    (void)run_id;
    if (error->code == LB_ERR_CONFLICT && !s->is_draining)
        state_list(book_state(supervisor_book(s->supervisor)), &q, on_claimed_by, s, d);
    else
        finish(d, NULL, error->code == LB_ERR_SUSPENDED ? SCHED_SKIPPED : SCHED_CANCELLED, error->message);
}

static const char *given_text(const manifest_param *p)
{
    return p->text; /* a secret is no parameter of a tool */
}

/* The schedule's own parameters; those of the agent's entry come behind them in the supervisor. */
static param_arg *own_args(const sched_params *params, size_t *ret_count)
{
    const manifest_params *given = params && params->schedule ? &params->schedule->params : NULL;
    param_arg *args = base_alloc(((given ? given->count : 0) + 1) * sizeof *args);
    size_t count = 0;
    for (size_t i = 0; given && i < given->count; i++)
        if (given_text(&given->items[i]))
            args[count++] = (param_arg){given->items[i].name, given_text(&given->items[i])};
    *ret_count = count;
    return args;
}

static size_t put_claims(const serve *s, const sched_start *start, const char *body, char lease[SCHED_KEY],
                         char target[SCHED_KEY], lb_state_op claims[3])
{
    size_t count = 0;
    int64_t version = text_map_get(&s->versions, start->key, 0);
    if (start->project && serve_lease_claim(s, start->project, start->branch, lease, &claims[count]))
        count++;
    (void)snprintf(target, SCHED_KEY, "%s/%s", start->project ? start->project : "",
                   start->branch ? start->branch : "");
    claims[count++] = (lb_state_op){.verb = !s->is_leased ? LB_STATE_PUT
                                            : version     ? LB_STATE_REPLACE
                                                          : LB_STATE_INSERT,
                                    .space = SCHEDULE_SPACE,
                                    .key = start->key,
                                    .version = s->is_leased ? version : 0,
                                    .owner = target,
                                    .at = start->slot,
                                    .body = body};
    return count;
}

static bool on_due(void *state, const sched_start *start)
{
    static const run_watcher watcher = {.begun = on_begun, .ended = on_ended, .refused = on_refused};
    serve *s = state;
    lb_error error;
    char body[128], slot[CLOCK_TEXT], lease[SCHED_KEY], target[SCHED_KEY], awake[SCHED_KEY], used[96];
    BUF_AUTO origin = BUF_INIT((size_t)16 * 1024);
    lb_state_op claims[3];
    if (s->is_draining || supervisor_pending(s->supervisor) > MOST_PENDING)
        return false;
    (void)snprintf(body, sizeof body, "{\"slot\":%lld,\"started_at\":%lld}", (long long)start->slot,
                   (long long)clock_now());
    clock_format(start->slot, slot);
    buf_putc(&origin, '{');
    json_member_string(&origin, "schedule", start->key);
    json_member_string(&origin, "slot", slot);
    json_member_i64(&origin, "missed", start->missed);
    buf_putc(&origin, '}');
    serve_target *t = serve_own_target(s, start->project, start->branch);
    due_run *d = base_alloc(sizeof *d);
    *d = (due_run){.serve = s,
                   .key = base_strdup(start->key),
                   .project = base_strdup(start->project),
                   .branch = base_strdup(start->branch),
                   .keeps = strcmp(start->tool, KEEPER) == 0};
    run_ask ask = {.tool = start->tool,
                   .agent = start->agent,
                   .project = start->project,
                   .branch = start->branch,
                   .branch_class = t ? t->branch_class : LB_BRANCH_PRODUCTION,
                   .actor_kind = GATE_SCHEDULE,
                   .actor = "schedule",
                   .watch = {&watcher, d},
                   .origin = buf_text(&origin),
                   .claims = claims,
                   .claim_count = put_claims(s, start, body, lease, target, claims)};
    param_arg *args = own_args(start->params, &ask.arg_count);
    ask.args = args;
    s->running++;
    if (t) {
        serve_awake_begin(s, t, start->period, &ask);
        d->counts = ask.awake_from > 0;
        ask.claim_count += serve_awake_claim(s, t, awake, used, &claims[ask.claim_count]);
        alone_begin(&t->alone);
    }
    int r = supervisor_run(s->supervisor, &ask, NULL, &error);
    free(args);
    if (r < 0)
        finish(d, NULL, SCHED_FAILED, error.message);
    return true;
}

static void on_clock_jumped(void *state, int64_t microseconds)
{
    serve *s = state;
    double seconds = (double)microseconds / (double)CLOCK_SECOND;
    log_line(LB_LOG_WARN, "schedule", "the clock has jumped by %.1f s: the schedule goes on by the new time", seconds);
    supervisor_event(s->supervisor, "clock.jumped", NULL, NULL, LB_ARGS(lb_f64("seconds", seconds)));
}

/* ---- the timer ---- */

void serve_schedule_arm(serve *s)
{
    if (!s->is_scheduling || s->is_draining)
        return;
    ev_timer_stop(s->loop, &s->schedule_timer);
    ev_timer_set(&s->schedule_timer, (double)sched_wait(s->sched, now()) / (double)CLOCK_SECOND, 0);
    ev_timer_start(s->loop, &s->schedule_timer);
}

static void on_schedule(struct ev_loop *loop, ev_timer *timer, int events)
{
    serve *s = timer->data;
    (void)loop, (void)events;
    (void)sched_tick(s->sched, now()); /* how many have started is in its totals */
    serve_schedule_arm(s);
}

/* What was due while nobody was here is known by the documents of the last runs. */
static void on_remembered(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    serve *s = owner;
    (void)tag;
    if (error)
        log_error("schedule", error);
    serve_remember(s, docs);
    s->is_scheduling = true;
    serve_lease_start(s);
    serve_schedule_arm(s);
    serve_forget_others(s);
    list_targets(s);
    ev_timer_start(s->loop, &s->targets_timer);
}

int serve_schedule_start(serve *s, lb_error *err)
{
    const sched_hooks hooks = {.state = s, .start = on_due, .clock_jumped = on_clock_jumped};
    const lb_state_query q = {.size = sizeof q, .space = SCHEDULE_SPACE};
    s->sched = sched_new(&hooks);
    s->is_leased = book_is_shared(supervisor_book(s->supervisor));
    ev_timer_init(&s->schedule_timer, on_schedule, 0, 0);
    ev_timer_init(&s->targets_timer, on_targets, TARGETS_S, TARGETS_S);
    s->schedule_timer.data = s->targets_timer.data = s;
    targets_each(s->manifest, NULL, add_target, s);
    int r = load_plan(s, err);
    if (r >= 0) {
        serve_awake_start(s);
        state_list(book_state(supervisor_book(s->supervisor)), &q, on_remembered, s, NULL);
    }
    return r;
}

void serve_schedule_reload(serve *s)
{
    set_targets(s, s->listing); /* what was there a moment ago, until it is listed anew */
    list_targets(s);
}

void serve_schedule_stop(serve *s)
{
    s->is_scheduling = false;
    if (!s->sched)
        return;
    ev_timer_stop(s->loop, &s->schedule_timer);
    ev_timer_stop(s->loop, &s->targets_timer);
    s->sched = sched_free(s->sched);
    s->plan = sched_made_free(s->plan);
    serve_clear_targets(s);
    free(s->targets);
    free(s->listing);
    text_map_done(&s->versions);
    text_map_done(&s->awake_known);
}
