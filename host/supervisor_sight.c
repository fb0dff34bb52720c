/* What the schedule sends to look has to come back with something: where it does not, we have gone blind (unseen.h). */
#include "supervisor_internal.h"

#include "clock.h"
#include "log.h"

/* Nobody answers, or nothing answers in time: whoever is there may be in trouble as well. */
static bool is_out_of_reach(const run_done *d)
{
    return d->status == RUN_TIMEOUT || d->error.code == LB_ERR_UNREACHABLE || d->error.code == LB_ERR_TIMEOUT;
}

/* It came back with nothing, though nobody had called it off, and what it wanted was no change that nobody allows. */
static bool has_seen_nothing(const run_done *d)
{
    return d->status == RUN_TIMEOUT || d->status == RUN_CRASHED ||
           (d->status == RUN_FAILED && d->error.code != LB_ERR_CANCELLED && d->error.code != LB_ERR_APPROVAL);
}

static void tell_sight(supervisor *s, const running *r, unseen_change change, const char *level, int64_t since)
{
    const run_done *d = &r->outcome.done;
    const lb_target *target = &r->request.target;
    double lasted = (double)(clock_now() - since) / (double)CLOCK_SECOND;
    if (change == UNSEEN_BEGAN)
        supervisor_event(s, "target.unseen", target, r->request.id,
                         LB_ARGS(lb_text("tool", r->request.tool), lb_i64("times", UNSEEN_AFTER),
                                 lb_time("since", since), lb_text("level", level), lb_text("reason", d->error.message),
                                 lb_text("hint", d->error.hint)));
    else if (change == UNSEEN_OVER)
        supervisor_event(
            s, "target.seen", target, r->request.id,
            LB_ARGS(lb_text("tool", r->request.tool), lb_time("since", since), lb_f64("lasted_s", lasted)));
}

/* What another host looks at by now is its to tell, also where a run of ours ends only now. */
static bool is_ours(const supervisor *s, const lb_target *target)
{
    return !s->hooks.is_ours || s->hooks.is_ours(s->hooks.state, target);
}

/* Adds to what the state has to hear. */
static unseen_change note_sight(supervisor *s, const unseen_look *look, sight_moves *moves, int64_t *ret_since)
{
    bool is_moved = false;
    unseen_change change = unseen_note(s->unseen, look, ret_since, &is_moved);
    if (is_moved)
        moves->looks[moves->count++] = *look;
    return change;
}

/* Where nobody answers that is the target's trouble and no tool's; what never ends may be either's. Both are one
 * alert. */
void supervisor_judge_sight(supervisor *s, const running *r, sight_moves *ret_moves)
{
    const run_done *d = &r->outcome.done;
    bool is_sight = d->status == RUN_OK || d->status == RUN_PENDING_APPROVAL, is_blind = has_seen_nothing(d),
         is_away = is_blind && is_out_of_reach(d);
    unseen_look look = {.project = r->request.target.project,
                        .branch = r->request.target.branch,
                        .reason = is_blind ? d->error.message : NULL,
                        .at = clock_now()};
    unseen_change any = UNSEEN_NOTHING, own = UNSEEN_NOTHING;
    int64_t any_since = 0, own_since = 0;
    ret_moves->count = 0;
    if (r->request.actor_kind != GATE_SCHEDULE || r->request.plan || !(is_sight || is_blind) ||
        !is_ours(s, &r->request.target))
        return;
    if (is_sight || is_away)
        any = note_sight(s, &look, ret_moves, &any_since);
    look.tool = r->request.tool;
    if (is_sight || !is_away || d->status == RUN_TIMEOUT)
        own = note_sight(s, &look, ret_moves, &own_since);
    if (any != UNSEEN_NOTHING)
        tell_sight(s, r, any, "critical", any_since);
    else
        tell_sight(s, r, own, "warning", own_since);
}

/* ---- targets that go from host to host ---- */

void supervisor_drop_sight(supervisor *s, const char *project, const char *branch)
{
    unseen_drop(s->unseen, project, branch);
}

void supervisor_take_sight(supervisor *s, const char *project, const char *branch, wire_reader *docs)
{
    unseen_take_over(s->unseen, project, branch, docs);
}

/* ---- where nobody looks any more ---- */

static void on_left(void *owner, void *tag, int failed, int64_t version, const lb_error *error)
{
    (void)owner, (void)tag, (void)failed, (void)version;
    if (error && error->code != LB_ERR_CANCELLED)
        log_error("sight", error); /* the next start finds the documents, and forgets them again */
}

static void tell_left(supervisor *s, const unseen_left *left)
{
    const lb_target target = {.project = left->project, .branch = left->branch};
    double lasted = (double)(clock_now() - left->since) / (double)CLOCK_SECOND;
    supervisor_event(s, "target.left", left->project ? &target : NULL, NULL,
                     LB_ARGS(lb_text("tool", left->tool), lb_time("since", left->since), lb_f64("lasted_s", lasted)));
}

void supervisor_looks_only(supervisor *s, unseen_looks *looks, void *state)
{
    unseen_left left;
    bool is_open = false;
    while (unseen_leave(s->unseen, looks, state, &left)) {
        const unseen_look gone = {.tool = left.tool, .project = left.project, .branch = left.branch};
        if (left.is_over)
            tell_left(s, &left);
        if (s->book && !is_open)
            state_begin(book_state(s->book), on_left, s, NULL);
        is_open = s->book != NULL;
        if (is_open)
            unseen_put(s->unseen, book_state(s->book), &gone);
        unseen_left_done(&left);
    }
    if (is_open)
        state_end(book_state(s->book));
}
