/* Computes that are left alone so that they can sleep: a run that the schedule has started looks at its end whether
 * others are active, and one on a compute that is left alone asks the control plane first, which wakes nobody. */
#include "run_state.h"

#include "json.h"
#include "target_reset.h"

#include <sql/host/others.h>

#define OURS        "lbops"              /* how the names of our own sessions begin */
#define SHORTEST    (60 * CLOCK_SECOND)  /* timeout that a compute can have */
#define SLACK       (15 * CLOCK_SECOND)  /* that the platform may be late with what it says of our own last activity */
#define LONGEST_LAG (300 * CLOCK_SECOND) /* past its timeout, after which something else keeps it awake */

typedef struct compute {
    bool is_asleep;
    int64_t active_at, suspends_after_us; /* 0: nobody says */
} compute;

/* The one that people write to, whatever its name; NULL: there is none, or nobody says. */
static struct json_object *find_compute(lb_ctx *ctx, const lb_target *t, lb_error *err)
{
    struct json_object *list = NULL,
                       *page =
                           target_read(ctx, lb_printf(ctx, "projects/%s/branches/%s/endpoints", t->project, t->branch),
                                       "page_size=100", err);
    if (!page)
        return NULL;
    bool has = json_object_object_get_ex(page, "endpoints", &list) && json_object_is_type(list, json_type_array);
    for (size_t i = 0; has && i < json_object_array_length(list); i++) {
        struct json_object *endpoint = json_object_array_get_idx(list, i);
        const char *type = target_text(endpoint, "status", "endpoint_type");
        if (!type || strcmp(type, "ENDPOINT_TYPE_READ_ONLY") != 0)
            return endpoint;
    }
    (void)lb_fail(err, LB_ERR_NOT_FOUND, NULL, "%s/%s has no compute to write to", t->project, t->branch); /* as NULL */
    return NULL;
}

static int read_compute(run_state *run, compute *ret, lb_error *err)
{
    *ret = (compute){0};
    struct json_object *endpoint = find_compute(&run->ctx, &run->request->target, err);
    if (!endpoint)
        return err->code;
    const char *state = target_text(endpoint, "status", "current_state"),
               *active = target_text(endpoint, "status", "last_active_time"),
               *after = target_text(endpoint, "status", "suspend_timeout_duration"); /* "300s" */
    struct json_object *status = json_get_object(endpoint, "status");
    ret->is_asleep = state && strcmp(state, "IDLE") == 0;
    if (active && !clock_parse(active, &ret->active_at))
        ret->active_at = 0;
    if (after && status && !json_get_bool(status, "no_suspension"))
        ret->suspends_after_us = (int64_t)(strtod(after, NULL) * (double)CLOCK_SECOND);
    return 0;
}

/* Only we have kept it awake from `from` until `until`, but for what was counted before. Of one that this run has woken
 * all of the time is counted by that. */
static void count_awake(run_state *run, int64_t from, int64_t until)
{
    int64_t counted = run->request->awake_from;
    if (!counted || run->depth || until <= counted)
        return;
    from = from > counted ? from : counted;
    run->kept_us = until > from ? until - from : 0;
    run->kept_until = until;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What comes back is why the run does not go on: "nobody else is there" alone, or that a day's budget is used up. */
static int leave_alone(const run_state *run, bool is_asleep, lb_error *err)
{
    const run_request *q = run->request;
    char since[CLOCK_TEXT];
    clock_format(q->alone_since, since);
    if (q->budget_us)
        return lb_fail(err, LB_ERR_SUSPENDED, "lbops run looks all the same, and awake_min of [schedule] is the limit",
                       "the %lld minutes a day that schedules may keep %s/%s awake are used up, and %s",
                       (long long)(q->budget_us / (60 * CLOCK_SECOND)), q->target.project, q->target.branch,
                       is_asleep ? "it sleeps" : "nobody else is there");
    return lb_fail(err, LB_ERR_SUSPENDED, "wake = true in the target's entry of the manifest keeps collecting",
                   "%s/%s is left alone since %s: nobody else was active for as long as its timeout, and it can sleep",
                   q->target.project, q->target.branch, since);
}

int run_alone_check(run_state *run, lb_error *err)
{
    const run_request *q = run->request;
    int64_t now = clock_now(), slack = SLACK + (int64_t)run->worker->setup->connection_idle_s * CLOCK_SECOND;
    lb_error ignored;
    compute c;
    if (!q->alone_since || run->alone_is_over || read_compute(run, &c, &ignored) < 0)
        return 0;
    int64_t sleeps_at = q->alone_since + c.suspends_after_us; /* of our last look's doing */
    if (c.is_asleep) {
        count_awake(run, 0, earlier(now, sleeps_at));
        run->kept_until = q->awake_from ? now : 0;             /* since then it costs nothing */
        return q->budget_us ? leave_alone(run, true, err) : 0; /* else the transport says that it sleeps */
    }
    bool is_touched = c.active_at > q->alone_since + slack,
         is_late = now > q->alone_since + 2 * c.suspends_after_us + LONGEST_LAG;
    if (is_touched || is_late || !c.suspends_after_us) {
        if (c.suspends_after_us)
            count_awake(run, 0, earlier(is_touched ? c.active_at : now, sleeps_at));
        run->alone_is_over = true;
        return 0;
    }
    return leave_alone(run, false, err);
}

/* Without us it would have slept a timeout after others were last active, or have woken it. */
static void count_kept(run_state *run, int64_t now, int64_t others_at, int64_t suspends_after)
{
    if (run_has_woken())
        count_awake(run, now, now + suspends_after);
    else
        count_awake(run, suspends_after ? others_at + suspends_after : now, now);
}

static void look_at_others(run_state *run, alone_sight *ret_sight)
{
    const host_others_args wanted = {.ours = OURS};
    host_others_row row;
    lb_rows *rows = NULL;
    lb_error ignored;
    compute c = {0};
    if (!run->request->looks || !run->session || run->depth || host_others(&run->ctx, &wanted, &rows, &ignored) < 0 ||
        !host_others_next(&run->ctx, rows, &row))
        return;
    int64_t now = clock_now(), others_at = row.others_at_is_null ? 0 : row.others_at;
    bool is_near = others_at && now - others_at < SHORTEST; /* then it matters to nobody */
    if (!is_near && read_compute(run, &c, &ignored) < 0)
        return;
    ret_sight->at = now;
    ret_sight->others_at = others_at;
    ret_sight->sessions = row.sessions;
    ret_sight->started_at = row.started_at;
    ret_sight->suspends_after_us = c.suspends_after_us;
    int64_t theirs = others_at > row.started_at ? others_at : row.started_at;
    count_kept(run, now, is_near ? now : theirs, c.suspends_after_us);
}

void run_alone_look(run_state *run, alone_sight *ret_sight)
{
    *ret_sight = (alone_sight){.is_over = run->alone_is_over};
    look_at_others(run, ret_sight);
    ret_sight->awake_until = run->kept_until;
}
