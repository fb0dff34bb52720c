/* What the schedule starts keeps computes awake: that is counted, and where the manifest gives it a budget, it is held
 * back once that is used up, but for as long as somebody else is there. */
#include "serve_internal.h"

static int64_t budget_of(const serve *s)
{
    return (int64_t)s->manifest->schedule.awake_min * 60 * CLOCK_SECOND;
}

bool serve_awake_wakes(const serve *s, const serve_target *t)
{
    const lb_target target = {.project = t->project, .branch = t->branch, .branch_class = t->branch_class};
    return targets_may_wake(s->manifest, &target);
}

static void tell(serve *s, const serve_target *t, awake_change change)
{
    const lb_target target = {.project = t->project, .branch = t->branch, .branch_class = t->branch_class};
    int minutes = s->manifest->schedule.awake_min;
    char text[400];
    if (change == AWAKE_NOTHING)
        return;
    (void)snprintf(text, sizeof text, /* long names are cut */
                   change == AWAKE_SPENT ? "the %d minutes a day that monitoring may keep %.120s/%.120s awake are used "
                                           "up: it looks again when somebody else is there"
                                         : "another day, with its own %d minutes: monitoring of %.120s/%.120s goes on",
                   minutes, t->project, t->branch);
    log_line(change == AWAKE_SPENT ? LB_LOG_WARN : LB_LOG_INFO, "schedule", "%s", text);
    supervisor_event(s->supervisor, change == AWAKE_SPENT ? "awake.spent" : "awake.renewed", &target, NULL,
                     LB_ARGS(lb_text("issue", "awake_budget"), lb_text("severity", "warning"), lb_text("text", text),
                             lb_i64("budget_min", minutes),
                             lb_f64("used_min", (double)t->awake.used_us / 60 / (double)CLOCK_SECOND)));
}

void serve_awake_begin(serve *s, serve_target *t, int64_t period, run_ask *ask)
{
    int64_t now = clock_now(), budget = budget_of(s);
    alone *a = &t->alone;
    tell(s, t, awake_turn(&t->awake, now));
    bool is_spared = alone_spares(a, period), is_spent = !is_spared && awake_is_spent(&t->awake, budget);
    int64_t last = a->touched_at ? a->touched_at : s->started_at; /* what is later is not ours */
    bool looks = alone_wants_sight(a, now) && (budget || !serve_awake_wakes(s, t));
    ask->budget_us = is_spent ? budget : 0;
    ask->alone_since = is_spared ? 0 : a->since ? a->since : is_spent ? last : 0;
    ask->looks = looks || is_spent;
    ask->awake_from = ask->looks || ask->alone_since ? alone_count(a, now) : 0;
}

static bool key_of(const serve_target *t, char key[SCHED_KEY])
{
    return snprintf(key, SCHED_KEY, "%s/%s", t->project, t->branch) < SCHED_KEY;
}

/* Part of the run's beginning in the state. */
bool serve_awake_claim(const serve *s, const serve_target *t, char key[SCHED_KEY], char body[96], lb_state_op *op)
{
    if (!t->awake.used_us || !budget_of(s) || !key_of(t, key))
        return false;
    (void)snprintf(body, 96, "{\"day\":%lld,\"used_us\":%lld}", (long long)t->awake.day, (long long)t->awake.used_us);
    *op = (lb_state_op){.verb = LB_STATE_PUT, .space = AWAKE_SPACE, .key = key, .at = clock_now(), .body = body};
    return true;
}

void serve_awake_end(serve *s, serve_target *t, const run_done *done)
{
    tell(s, t, awake_use(&t->awake, clock_now(), done ? done->awake_us : 0, budget_of(s)));
}

/* What the state said of a day and target, as one number: no day has 2^37 microseconds. */
#define DAY_BITS 37

void serve_awake_recall(const serve *s, serve_target *t)
{
    char key[SCHED_KEY];
    int64_t known = key_of(t, key) ? text_map_get(&s->awake_known, key, 0) : 0;
    if (!known || t->awake.day)
        return;
    t->awake = (awake_day){.day = known >> DAY_BITS, .used_us = known & ((INT64_C(1) << DAY_BITS) - 1)};
    t->awake.is_told = awake_is_spent(&t->awake, budget_of(s));
}

static void on_known(void *owner, void *tag, wire_reader *docs, const lb_error *error)
{
    serve *s = owner;
    lb_state_doc doc;
    lb_error ignored;
    (void)tag;
    if (error)
        log_error("schedule", error);
    while (docs && state_get_doc(docs, &doc)) {
        JSON_AUTO *body = json_parse(doc.body, strlen(doc.body), &ignored);
        int64_t day = json_get_i64(body, "day", 0), used = json_get_i64(body, "used_us", 0);
        if (day > 0 && day < INT64_C(1) << 25 && used >= 0 && used < INT64_C(1) << DAY_BITS)
            text_map_put(&s->awake_known, doc.key, day << DAY_BITS | used);
    }
    for (size_t i = 0; i < s->target_count; i++)
        serve_awake_recall(s, &s->targets[i]);
}

void serve_awake_start(serve *s)
{
    const lb_state_query q = {.size = sizeof q, .space = AWAKE_SPACE};
    state_list(book_state(supervisor_book(s->supervisor)), &q, on_known, s, NULL);
}
