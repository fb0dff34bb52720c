/* How runs end, and with them, at times, their workers. */
#include "pool_slot.h"

#include "json.h"

/* Tells the owner, and frees the slot for the next run before that: the owner may submit at once. */
void pool_end_run(slot *s, const run_done *done)
{
    pool *p = s->pool;
    BUF_AUTO changes = BUF_INIT(SIZE_MAX / 4);
    BUF_AUTO events = s->events;
    const run_request *request = s->request;
    run_outcome outcome = {.request = request, .done = *done};
    buf_putc(&changes, '[');
    for (size_t i = 0; i < s->change_count; i++) {
        if (!s->changes[i].json)
            continue;
        json_comma(&changes);
        buf_puts(&changes, s->changes[i].json);
        outcome.has_changed = outcome.has_changed || change_outcome_has_begun((change_outcome)s->changes[i].outcome);
        outcome.unknown_changes += s->changes[i].outcome == CHANGE_UNKNOWN;
    }
    buf_putc(&changes, ']');
    if (!events.length)
        buf_putc(&events, '[');
    buf_putc(&events, ']');
    outcome.changes = buf_text(&changes);
    outcome.events = buf_text(&events);
    s->events = BUF_INIT(p->events_limit);
    slot_clear_run(s);
    p->pending--;
    p->hooks.ended(p->hooks.state, &outcome);
}

void pool_end_unserved(pool *p, const run_request *request, run_status status, const lb_error *error)
{
    run_outcome outcome = {
        .request = request,
        .done = {.status = status, .error = *error, .result = "{}", .started_at = clock_now()},
        .changes = "[]",
        .events = "[]",
    };
    p->pending--;
    p->hooks.ended(p->hooks.state, &outcome);
}

static uint32_t unknown_changes(const slot *s)
{
    uint32_t count = 0;
    for (size_t i = 0; i < s->change_count; i++)
        count += s->changes[i].json && s->changes[i].outcome == CHANGE_UNKNOWN;
    return count;
}

/* A worker that ended, by itself or by us, with or without a run. */
void pool_bury(slot *s, const char *why)
{
    int status = 0;
    char death[64];
    struct ev_loop *loop = s->pool->loop;
    ev_io_stop(loop, &s->io);
    ev_io_stop(loop, &s->stderr_io);
    ev_timer_stop(loop, &s->timer);
    if (!why && !child_has_ended(s->child.pid))
        why = "it closed the channel to the host";
    bool was_starting = s->state == SLOT_STARTING;
    slot_kill(s, &status);
    if (was_starting) {
        s->pool->start_failures++;
        (void)snprintf(s->pool->start_failure, sizeof s->pool->start_failure, "%s%s%.100s",
                       why ? why : child_death(status, death), s->child.tail_length ? ": " : "",
                       s->child.tail_length ? s->child.tail : "");
    }
    if (!s->request)
        return;
    run_done done = {.status = RUN_CRASHED, .result = "{}"};
    uint32_t unknown = unknown_changes(s);
    if (s->past_deadline) {
        done.status = RUN_TIMEOUT;
        (void)lb_fail(&done.error, LB_ERR_TIMEOUT, "give it a larger timeout_s, or less to do",
                      "%s did not end within %u s and was killed", s->request->tool, s->request->timeout_s);
    } else if (s->asked_to_stop) {
        done.status = RUN_FAILED;
        (void)lb_fail(&done.error, LB_ERR_CANCELLED, NULL, "%s was cancelled and did not stop by itself",
                      s->request->tool);
    } else {
        (void)lb_fail(&done.error, LB_ERR_TOOL,
                      "run the plugin under a debugger: lbops plugin check FILE.so comes first", "%s crashed: %s%s%s",
                      s->request->tool, why ? why : child_death(status, death),
                      s->child.tail_length ? "; its last words: " : "", child_last_words(&s->child));
    }
    if (unknown)
        (void)snprintf(done.error.hint, sizeof done.error.hint,
                       "%u change(s) had been begun: look at each with outcome \"unknown\" before running it again",
                       unknown);
    done.started_at = s->submitted_at;
    done.duration_us = clock_now() - s->submitted_at;
    pool_end_run(s, &done);
}
