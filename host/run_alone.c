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

int run_alone_check(run_state *run, lb_error *err)
{
    const run_request *q = run->request;
    int64_t now = clock_now(), slack = SLACK + (int64_t)run->worker->setup->connection_idle_s * CLOCK_SECOND;
    lb_error ignored;
    compute c;
    if (!q->alone_since || run->alone_is_over || read_compute(run, &c, &ignored) < 0 || c.is_asleep)
        return 0; /* of one that sleeps the transport says so */
    bool is_touched = c.active_at > q->alone_since + slack,
         is_late = now > q->alone_since + 2 * c.suspends_after_us + LONGEST_LAG;
    if (is_touched || is_late || !c.suspends_after_us) {
        run->alone_is_over = true;
        return 0;
    }
    char since[CLOCK_TEXT];
    clock_format(q->alone_since, since);
    return lb_fail(err, LB_ERR_SUSPENDED, "wake = true in the target's entry of the manifest keeps collecting",
                   "%s/%s is left alone since %s: nobody else was active for as long as its timeout, and it can sleep",
                   q->target.project, q->target.branch, since);
}

void run_alone_look(run_state *run, alone_sight *ret_sight)
{
    const host_others_args wanted = {.ours = OURS};
    host_others_row row;
    lb_rows *rows = NULL;
    lb_error ignored;
    compute c = {0};
    *ret_sight = (alone_sight){.is_over = run->alone_is_over};
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
}
