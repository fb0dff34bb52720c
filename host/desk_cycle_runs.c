/* The runs of a cycle: one at a time on each branch, on all branches at once. */
#include "desk_cycle.h"

#include "clock.h"
#include "log.h"
#include "pattern.h"

#define MOST_AT_ONCE 64

/* ---- lanes ---- */

static bool is_of(const cycle_lane *lane, const lb_target *target)
{
    return target ? lane->project && strcmp(lane->project, target->project) == 0 &&
                        strcmp(lane->branch, target->branch) == 0
                  : !lane->project;
}

void cycle_add_lane(desk_call *call, const lb_target *target)
{
    cycle *c = call->cycle;
    for (size_t i = 0; i < c->lane_count; i++) {
        c->lanes[i]->is_seen = c->lanes[i]->is_seen || is_of(c->lanes[i], target);
        if (is_of(c->lanes[i], target))
            return;
    }
    cycle_lane *lane = base_alloc(sizeof *lane);
    *lane = (cycle_lane){.call = call, .is_seen = true};
    if (target) {
        lane->project = base_strdup(target->project);
        lane->branch = base_strdup(target->branch);
        lane->branch_class = target->branch_class;
    }
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the elements are pointers */
    BASE_PUSH(c->lanes, c->lane_count, c->lane_capacity);
    c->lanes[c->lane_count++] = lane;
}

void cycle_lanes_done(cycle *c)
{
    for (size_t i = 0; i < c->lane_count; i++) {
        free(c->lanes[i]->project);
        free(c->lanes[i]->branch);
        free(c->lanes[i]);
    }
    free(c->lanes);
}

/* ---- branches that came and went ---- */

static void add_listed(void *state, const lb_target *target)
{
    desk_call *call = state;
    if (!call->cycle->project || strcmp(call->cycle->project, target->project) == 0)
        cycle_add_lane(call, target);
}

static void on_listed_again(void *tag, const run_outcome *outcome, const char *document)
{
    desk_call *call = tag;
    cycle *c = call->cycle;
    c->is_listing = false;
    if (outcome->done.status == RUN_OK) {
        for (size_t i = 1; i < c->lane_count; i++)
            c->lanes[i]->is_seen = false;
        targets_each(call->desk->manifest, document, add_listed, call);
        for (size_t i = 1; i < c->lane_count; i++)
            if (!c->lanes[i]->is_seen && !c->lanes[i]->is_busy)
                c->lanes[i]->step = c->step_count;
    } else {
        log_line(LB_LOG_WARN, "cycle", "the branches are not listed again: %s", outcome->done.error.message);
    }
    cycle_go_on(call);
}

static void on_not_listed_again(void *tag, const char *run_id, const lb_error *error)
{
    desk_call *call = tag;
    (void)run_id;
    call->cycle->is_listing = false;
    log_line(LB_LOG_WARN, "cycle", "the branches are not listed again: %s", error->message);
    cycle_go_on(call);
}

/* Names in the manifest stand for branches that are there, whatever a run tells of them. */
static void list_again(desk_call *call)
{
    static const run_watcher watcher = {.ended = on_listed_again, .refused = on_not_listed_again};
    lb_error error;
    cycle *c = call->cycle;
    const run_ask ask = {
        .actor_kind = GATE_PERSON, .actor = call->name ? call->name : call->via, .watch = {&watcher, call}};
    c->is_stale = false;
    if (!targets_have_patterns(call->desk->manifest))
        return;
    c->is_listing = true;
    if (supervisor_list_targets(call->desk->supervisor, &ask, call->run_id, &error) >= 0)
        return;
    c->is_listing = false;
    log_line(LB_LOG_WARN, "cycle", "the branches are not listed again: %s", error.message);
}

static bool tells_of_branches(const char *document)
{
    lb_error err;
    if (!strstr(document, "\"branch.") && !strstr(document, "\"provisioning.complete\""))
        return false;
    JSON_AUTO *whole = json_parse(document, strlen(document), &err);
    struct json_object *events = json_get_list(whole, "events");
    for (size_t i = 0; events && i < json_object_array_length(events); i++) {
        const char *kind = json_get_text(json_object_array_get_idx(events, i), "type");
        if (kind && (strcmp(kind, "branch.created") == 0 || strcmp(kind, "branch.deleted") == 0 ||
                     strcmp(kind, "provisioning.complete") == 0))
            return true;
    }
    return false;
}

/* ---- how runs end ---- */

static void step_on(cycle_lane *lane)
{
    lane->call->cycle->open--;
    lane->is_busy = false;
    lane->step++;
}

static char *key_of(const cycle_lane *lane)
{
    const cycle *c = lane->call->cycle;
    const cycle_step *step = &c->steps[lane->step];
    return cycle_memory_key(c->memory, step->agent, step->tool, lane->project, lane->branch);
}

/* What was cancelled before it had come to a worker has its turn when the cycle goes on: this one has no run of it. */
static bool forget_unbegun(const cycle_lane *lane, const run_done *d)
{
    const cycle *c = lane->call->cycle;
    if (!c->memory || !c->is_interrupted || d->error.code != LB_ERR_CANCELLED || d->duration_us)
        return false;
    LB_AUTO_FREE char *key = key_of(lane);
    cycle_memory_forget(c->memory, key);
    return true;
}

static void on_ended(void *tag, const run_outcome *outcome, const char *document)
{
    cycle_lane *lane = tag;
    desk_call *call = lane->call;
    cycle *c = call->cycle;
    const run_done *d = &outcome->done;
    if (forget_unbegun(lane, d)) {
        step_on(lane);
        cycle_go_on(call);
        return;
    }
    c->ok += d->status == RUN_OK;
    c->skipped += d->status == RUN_SKIPPED;
    c->pending += d->status == RUN_PENDING_APPROVAL;
    c->failed += d->status == RUN_FAILED || d->status == RUN_CRASHED || d->status == RUN_TIMEOUT;
    c->changes += d->changes;
    c->findings += d->findings;
    c->is_stale = c->is_stale || tells_of_branches(document);
    step_on(lane);
    desk_say(call, "document", document);
    cycle_go_on(call);
}

static void note_refusal(buf *list, const char *tool, const lb_error *error, bool is_failure)
{
    if (list->length)
        buf_putc(list, ',');
    buf_putc(list, '{');
    json_member_string(list, "tool", tool);
    json_member_bool(list, "failed", is_failure);
    json_member_string(list, "code", error_name(error->code));
    json_member_string(list, "message", error->message);
    json_member_string(list, "hint", error->hint[0] ? error->hint : NULL);
    buf_putc(list, '}');
}

/* It could not begin: said, counted, and the others go on. A tool that nobody has told what to work on is left out. */
static void count_refusal(desk_call *call, const char *tool, const lb_error *error)
{
    BUF_AUTO line = BUF_INIT((size_t)64 * 1024);
    bool is_left_out = error->code == LB_ERR_INVALID || error->code == LB_ERR_SUSPENDED;
    call->cycle->failed += !is_left_out;
    call->cycle->skipped += is_left_out;
    call->cycle->unbegun += is_left_out;
    note_refusal(&call->cycle->left_out, tool, error, !is_left_out);
    buf_putc(&line, '{');
    json_member_i64(&line, "level", is_left_out ? LB_LOG_WARN : LB_LOG_ERROR);
    json_member_string(&line, "tool", tool);
    json_member_string(&line, "text", error->message);
    buf_putc(&line, '}');
    desk_say(call, "log", buf_text(&line));
}

static void on_refused(void *tag, const char *run_id, const lb_error *error)
{
    cycle_lane *lane = tag;
    desk_call *call = lane->call;
    const char *tool = call->cycle->steps[lane->step].tool;
    (void)run_id;
    step_on(lane);
    if (error->code == LB_ERR_CONFLICT && call->cycle->memory)
        call->cycle->before++; /* somebody else goes on with the same cycle, and has begun it */
    else
        count_refusal(call, tool, error);
    cycle_go_on(call);
}

/* ---- how they begin ---- */

/* What is left of a job's time, in seconds; 0: no limit. */
static uint32_t time_left(const cycle *c)
{
    int64_t left = c->deadline - clock_monotonic();
    return !c->deadline ? 0 : left > CLOCK_SECOND ? (uint32_t)(left / CLOCK_SECOND) : 1;
}

static void start(cycle_lane *lane)
{
    static const run_watcher watcher = {.ended = on_ended, .refused = on_refused};
    lb_error error;
    lb_state_op claim;
    desk_call *call = lane->call;
    cycle *c = call->cycle;
    const cycle_step *step = &c->steps[lane->step];
    const char *job = json_get_text(call->request, "job");
    LB_AUTO_FREE char *key = key_of(lane);
    if (cycle_memory_has(c->memory, key)) {
        c->before++;
        lane->step++;
        return;
    }
    cycle_memory_claim(key, &claim);
    const run_ask ask = {.tool = step->tool,
                         .agent = step->agent,
                         .most_s = time_left(c),
                         .project = lane->project,
                         .branch = lane->branch,
                         .branch_class = lane->branch_class,
                         .actor_kind = job ? GATE_SCHEDULE : GATE_PERSON,
                         .actor = job          ? job
                                  : call->name ? call->name
                                               : call->via,
                         .reason = call->reason ? call->reason
                                   : job        ? "job"
                                                : "cycle",
                         .claims = c->memory ? &claim : NULL,
                         .claim_count = c->memory ? 1 : 0,
                         .watch = {&watcher, lane}};
    c->open++;
    lane->is_busy = true;
    if (supervisor_run(call->desk->supervisor, &ask, lane->run_id, &error) >= 0)
        return;
    step_on(lane);
    count_refusal(call, step->tool, &error);
}

/* Has everybody else come as far as this gate? */
static bool is_open(const cycle *c, size_t gate)
{
    for (size_t i = 1; i < c->lane_count; i++)
        if (c->lanes[i]->step < gate)
            return false;
    return true;
}

/* May this lane's next step begin, once the steps that are not its own are behind it? */
static bool is_ready(const cycle *c, cycle_lane *lane)
{
    const cycle_lane *workspace = c->lanes[0];
    for (; lane->step < c->step_count; lane->step++) {
        const cycle_step *step = &c->steps[lane->step];
        if (step->is_workspace == (lane == workspace))
            return !step->is_gate || is_open(c, lane->step);
        if (step->is_gate && lane != workspace && workspace->step <= lane->step)
            return false;
    }
    return false;
}

/* The job's time is over: what has not begun does not, and that is a failure. */
static void pass_over_rest(desk_call *call)
{
    lb_error error;
    cycle *c = call->cycle;
    for (size_t s = 0; s < c->step_count; s++) {
        bool is_left = false;
        for (size_t i = 0; i < c->lane_count; i++)
            is_left =
                is_left || (c->steps[s].is_workspace == (i == 0) && c->lanes[i]->step + c->lanes[i]->is_busy <= s);
        if (!is_left)
            continue;
        (void)lb_fail(&error, LB_ERR_TIMEOUT, "give the job more time", "the job's time was over before %s",
                      c->steps[s].tool);
        count_refusal(call, c->steps[s].tool, &error);
    }
    c->is_over = true;
}

static bool is_late(const cycle *c)
{
    return c->deadline && clock_monotonic() >= c->deadline;
}

/* Begins what may begin now: true, when something has got further by that. */
static bool start_some(desk_call *call)
{
    cycle *c = call->cycle;
    bool has_moved = false;
    for (size_t i = 0; i < c->lane_count && c->open < MOST_AT_ONCE && !c->is_over; i++) {
        cycle_lane *lane = c->lanes[i];
        size_t before = lane->step;
        if (!lane->is_busy && is_ready(c, lane)) {
            if (is_late(c))
                pass_over_rest(call);
            else
                start(lane);
        }
        has_moved = has_moved || lane->step != before;
    }
    return has_moved;
}

void desk_cycle_interrupt(desk_call *call)
{
    cycle *c = call->cycle;
    c->is_over = c->is_interrupted = true;
    for (size_t i = 0; i < c->lane_count; i++)
        if (c->lanes[i]->is_busy)
            supervisor_cancel(call->desk->supervisor, c->lanes[i]->run_id);
}

void cycle_go_on(desk_call *call)
{
    cycle *c = call->cycle;
    if (c->is_starting || c->is_listing)
        return; /* an end that was told while we start the others, or while we look which there are */
    c->is_starting = true;
    if (c->is_stale && !c->is_over)
        list_again(call);
    while (!c->is_listing && start_some(call))
        ;
    c->is_starting = false;
    if (!c->open && !c->is_listing)
        cycle_finish(call);
}
