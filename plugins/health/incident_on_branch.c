/* incident_on_branch: plants an incident on the branch that it runs on, and looks how long it takes until the diagnosis
 * names it, something is done about it, and it is over. rehearse_incident makes the branch; on any other it refuses. */
#include "incident.h"

#include <json-c/json.h>
#include <sql/rehearsal/incident_place.h>
#include <string.h>
#include <time.h>

#define SECOND     1e6
#define CALM_LOOKS 3
#define MARGIN_S   60 /* sessions stay so much longer than anybody looks */

struct args {
    const char *kind;
    double hold_s, look_every_s;
    int64_t row_count, wal_mb, source_started;
};

static const lb_param params[] = {
    LB_PARAM(struct args, kind, LB_TEXT, "none", "which incident", .choices = INCIDENT_KINDS),
    LB_PARAM(struct args, hold_s, LB_F64, "300", "seconds after which it is taken away unresolved", .min = "1",
             .max = "1800"),
    LB_PARAM(struct args, look_every_s, LB_F64, "5", "seconds between two looks", .min = "0.1", .max = "600"),
    LB_PARAM(struct args, row_count, LB_I64, "200000", "rows of dead_rows, two of five of which die", .min = "10",
             .max = "100000000"),
    LB_PARAM(struct args, wal_mb, LB_I64, "600", "WAL that the slot of stuck_slot keeps", .min = "1", .max = "100000"),
    LB_PARAM(struct args, source_started, LB_TIME, NULL,
             "when the server of the source started: one that is the same is not filled"),
    LB_PARAMS_END,
};

typedef struct course {
    incident x;
    const struct args *args;
    cause_diagnosis calm; /* before it was planted */
    const char *reading;
    int64_t planted, looks;
    double detected, found, resolved; /* seconds since it was planted; below 0: never */
    const char *first;                /* what was named first, as kind of object */
    int64_t rank;                     /* of the true one when it was found */
    incident_cure cure;
    bool is_treated;
    const char *why; /* it could not be rehearsed; or NULL */
} course;

static double elapsed(const course *c)
{
    return (double)(lb_now(c->x.ctx) - c->planted) / SECOND;
}

/* ---- whose branch this is ---- */

static bool flag(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(from, name, &found) && json_object_get_boolean(found);
}

/* NULL: it was made for this, and goes by itself. */
static const char *not_ours(lb_ctx *ctx)
{
    const lb_target *here = lb_run_target(ctx);
    const char *path = lb_printf(ctx, "projects/%s/branches/%s", here->project, here->branch), *json = NULL;
    lb_error why;
    if (strncmp(here->branch, INCIDENT_BRANCH, strlen(INCIDENT_BRANCH)) != 0)
        return "no rehearsal has made this branch";
    if (!path || lb_control(ctx, &(lb_request){.method = "GET", .path = path}, &json, &why) < 0)
        return "nobody tells whether this branch goes by itself";
    struct json_object *all = json_tokener_parse(json), *status = NULL, *expires = NULL;
    (void)json_object_object_get_ex(all, "status", &status); /* absent counts as not ours */
    bool goes = json_object_object_get_ex(status, "expire_time", &expires) && expires;
    bool is_kept = flag(status, "default") || flag(status, "is_protected");
    (void)json_object_put(all); /* says only whether it was the last reference */
    return goes && !is_kept ? NULL : "this branch does not go by itself";
}

static int look_around(course *c, lb_error *err)
{
    lb_ctx *ctx = c->x.ctx;
    rehearsal_incident_place_row place = {0};
    lb_rows *rows = NULL;
    c->why = lb_plans(ctx) ? "a plan plants nothing" : not_ours(ctx);
    if (c->why)
        return 0;
    int r = rehearsal_incident_place(ctx, &rows, err);
    if (r < 0)
        return r;
    bool is_known = rehearsal_incident_place_next(ctx, rows, &place);
    bool is_own = is_known && c->args->source_started != LB_TIME_NONE && place.started_at != c->args->source_started;
    c->x.is_superuser = is_own && place.is_superuser;
    if (c->x.kind->fills_server && !is_own)
        c->why = "others have the same server, and would have this incident, too";
    return 0;
}

/* ---- looking ---- */

static const char *first_new(const course *c, const cause_diagnosis *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (!cause_find(&c->calm, d->items[i].kind, d->items[i].object))
            return d->items[i].key;
    return NULL;
}

static int treat(course *c, const cause_found *mine, lb_error *err)
{
    int r = incident_treat(&c->x, mine, &c->cure, err);
    c->is_treated = r >= 0 && strcmp(c->cure.status, "executed") == 0;
    return r;
}

/* 1: there is nothing more to see. */
static int look(course *c, lb_error *err)
{
    cause_diagnosis d = {0};
    const incident_kind *kind = c->x.kind;
    int r = cause_diagnose(c->x.ctx, NULL, c->reading, &d, err);
    if (r < 0)
        return r;
    c->looks++;
    c->reading = d.reading ? d.reading : c->reading;
    const char *named = first_new(c, &d);
    const cause_found *mine = kind->cause ? cause_find(&d, kind->cause, c->x.object) : NULL;
    if (named && c->detected < 0) {
        c->detected = elapsed(c);
        c->first = named;
    }
    if (!kind->cause)
        return c->looks == CALM_LOOKS;
    if (mine && c->found < 0) {
        c->found = elapsed(c);
        c->rank = mine->rank;
        c->first = named ? named : mine->key;
    }
    if (!mine && c->is_treated && !d.unseen[cause_named(kind->cause)]) {
        c->resolved = elapsed(c);
        return 1;
    }
    return mine && !c->is_treated ? treat(c, mine, err) : 0;
}

static int follow(course *c, lb_error *err)
{
    double wait = c->args->look_every_s;
    const struct timespec pause = {.tv_sec = (time_t)wait, .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9)};
    for (;;) {
        int r = look(c, err);
        if (r != 0)
            return r < 0 ? r : 0;
        if (lb_cancelled(c->x.ctx))
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "cancelled beside an incident");
        if (elapsed(c) >= c->args->hold_s)
            return 0;
        (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
    }
}

/* ---- telling ---- */

static const char *verdict(const course *c)
{
    if (c->why)
        return "not rehearsed";
    if (!c->x.kind->cause)
        return c->detected < 0 ? "left in peace" : "false alarm";
    if (c->found < 0)
        return c->detected < 0 ? "not detected" : "another cause found";
    return c->resolved < 0 ? "not resolved" : c->rank != 1 ? "another cause first" : "resolved";
}

static lb_value seconds(const char *name, double value)
{
    return value < 0 ? lb_null(name) : lb_f64(name, value);
}

static int tell(const course *c, lb_error *err)
{
    lb_ctx *ctx = c->x.ctx;
    const char *why = c->why ? c->why : c->cure.reason;
    const char *action = !c->cure.action ? NULL
                         : c->is_treated ? c->cure.action
                                         : lb_printf(ctx, "%s: %s", c->cure.action, c->cure.status);
    int r = c->why ? lb_skipped(ctx, c->x.kind->name, c->why, err) : lb_examined(ctx, "looks", c->looks, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("kind", c->x.kind->name), seconds("detected_after_s", c->detected),
                                     seconds("found_after_s", c->found), lb_text("cause", c->first),
                                     c->rank ? lb_i64("rank", c->rank) : lb_null("rank"), lb_text("action", action),
                                     seconds("resolved_after_s", c->resolved), lb_text("verdict", verdict(c)),
                                     lb_text("why", why)),
                             err);
}

/* That it cannot be planted here says nothing about the others. */
static int plant(course *c, lb_error *err)
{
    lb_error why;
    int r = incident_plant(&c->x, &why);
    c->planted = lb_now(c->x.ctx);
    if (r < 0 && incident_ends_run(c->x.ctx, r)) {
        *err = why;
        return r;
    }
    c->why = r < 0 ? lb_printf(c->x.ctx, "it cannot be planted: %s%s%s", why.message, *why.hint ? "; " : "", why.hint)
                   : NULL;
    return r < 0 && !c->why ? lb_out_of_memory(err) : 0;
}

static int rehearse(course *c, lb_error *err)
{
    lb_error ending;
    int r = cause_diagnose(c->x.ctx, NULL, NULL, &c->calm, err);
    if (r < 0)
        return r;
    c->reading = c->calm.reading;
    r = plant(c, err);
    if (r >= 0 && !c->why)
        r = follow(c, err);
    int end = incident_clear(&c->x, r < 0 ? &ending : err);
    return r < 0 ? r : end;
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    course c = {.x = {.ctx = ctx,
                      .kind = incident_named(args->kind),
                      .rows = args->row_count,
                      .wal_mb = args->wal_mb,
                      .stays_s = (int64_t)args->hold_s + MARGIN_S},
                .args = args,
                .detected = -1,
                .found = -1,
                .resolved = -1};
    if (lb_run_target(ctx)->branch_class != LB_BRANCH_THROWAWAY && !lb_plans(ctx))
        return lb_fail(err, LB_ERR_DENIED,
                       "declare it in the manifest: [[targets]] branch = \"perf-*\", class = \"throwaway\", pattern = "
                       "true",
                       "%s is no branch to throw away, so nothing is planted on it", lb_run_target(ctx)->branch);
    int r = look_around(&c, err);
    if (r >= 0 && !c.why)
        r = rehearse(&c, err);
    return r < 0 ? r : tell(&c, err);
}

LB_TOOL(incident_on_branch, "plants an incident on the throwaway branch it runs on, and times its end",
        .agent = "health", .risk = LB_RISK_LOW, .timeout_s = 3600, LB_TOOL_ARGS(struct args, params),
        .calls = LB_NAMES("diagnose_root_cause", "execute_low_risk_sop"),
        .needs = LB_NAMES("role pg_monitor", "role pg_signal_backend"), .run = run);
