/* rehearse_incident: how long do the tools here take to notice a trouble, to find its cause and to end it? Incidents
 * are planted on a branch that is made for them, one after the other, and goes with them.
 *
 * The limits are those that the workspace gives to the tools that look. No alert about such a branch is told to people,
 * and nobody is asked about what is done there: where a person would decide, the rehearsal does it in his place. */
#include "incident.h"

#include <json-c/json.h>
#include <sql/rehearsal/incident_place.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define PLANE "lbops_target"
#define TTL   "7200s"

struct args {
    const char *kind;
    double hold_s, look_every_s;
    int64_t row_count, wal_mb;
    bool keep;
};

static const lb_param params[] = {
    LB_PARAM(struct args, kind, LB_TEXT, "all", "which incident; none: nothing is planted, and nothing may be found",
             .choices = "all|" INCIDENT_KINDS),
    LB_PARAM(struct args, hold_s, LB_F64, "300", "seconds after which one is taken away unresolved", .min = "1",
             .max = "1800"),
    LB_PARAM(struct args, look_every_s, LB_F64, "5",
             "seconds between two looks: a schedule that looks less often adds up to its own interval", .min = "0.1",
             .max = "600"),
    LB_PARAM(struct args, row_count, LB_I64, "200000", "rows of dead_rows, two of five of which die", .min = "10",
             .max = "100000000"),
    LB_PARAM(struct args, wal_mb, LB_I64, "600", "WAL that the slot of stuck_slot keeps", .min = "1", .max = "100000"),
    LB_PARAM(struct args, keep, LB_BOOL, "false",
             "leaves the branch: until the next rehearsal, and for two hours at most"),
    LB_PARAMS_END,
};

typedef struct rehearsal {
    lb_ctx *ctx;
    const struct args *args;
    const char *branch;
    int64_t source_started, planted, resolved;
    double resolving; /* seconds, of all that were */
    bool is_denied;   /* it is no branch to throw away */
} rehearsal;

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(from, name, &found) ? found : NULL;
}

static const char *text_of(lb_ctx *ctx, struct json_object *from, const char *name)
{
    struct json_object *found = member(from, name);
    return found ? lb_printf(ctx, "%s", json_object_get_string(found)) : NULL;
}

/* ---- the branch ---- */

/* The name says whose it is, so that a later run knows what a killed one has left. */
static uint32_t own_host(void)
{
    char name[256] = "";
    uint32_t hash = 5381;
    (void)gethostname(name, sizeof name - 1); /* without one all hosts are the same */
    for (const char *p = name; *p; p++)
        hash = hash * 33 + (unsigned char)*p;
    return hash & 0xffff;
}

static const char *own_name(lb_ctx *ctx)
{
    unsigned char own[4];
    if (getrandom(own, sizeof own, 0) != (ssize_t)sizeof own)
        return NULL;
    return lb_printf(ctx, INCIDENT_BRANCH "%04x-%ld-%02x%02x%02x%02x", own_host(), (long)getpid(), own[0], own[1],
                     own[2], own[3]);
}

/* Made by this process in an earlier run, or by one of this host that has ended. */
static bool is_left(const char *branch)
{
    char *end = NULL;
    if (strncmp(branch, INCIDENT_BRANCH, strlen(INCIDENT_BRANCH)) != 0)
        return false;
    unsigned long host = strtoul(branch + strlen(INCIDENT_BRANCH), &end, 16);
    long pid = *end == '-' ? strtol(end + 1, &end, 10) : 0;
    bool is_ours = host == own_host() && pid > 0 && *end == '-';
    return is_ours && (pid == (long)getpid() || (kill((pid_t)pid, 0) < 0 && errno == ESRCH));
}

static int delete_branch(lb_ctx *ctx, const char *branch, lb_error *err)
{
    const char *json = NULL;
    const lb_target place = {.project = lb_run_target(ctx)->project, .branch = branch};
    return lb_call(ctx, PLANE, &place, LB_ARGS(lb_text("action", "delete"), lb_text("reason", "a rehearsal is over")),
                   &json, err);
}

static int sweep_page(lb_ctx *ctx, const char *own, struct json_object *page, lb_error *err)
{
    struct json_object *list = member(page, "branches");
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = text_of(ctx, json_object_array_get_idx(list, i), "name"),
                   *mark = name ? strrchr(name, '/') : NULL;
        lb_error why;
        if (!mark || strcmp(mark + 1, own) == 0 || !is_left(mark + 1))
            continue;
        int r = delete_branch(ctx, mark + 1, &why);
        if (r < 0 && incident_ends_run(ctx, r)) {
            *err = why;
            return r;
        }
        r = r < 0 ? lb_skipped(ctx, mark + 1, lb_printf(ctx, "it stays until it expires: %s", why.message), err)
                  : lb_append(ctx, "swept", LB_ARGS(lb_text("branch", mark + 1)), err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What earlier ones have left; own: the branch of this one. */
static int sweep(lb_ctx *ctx, const char *own, lb_error *err)
{
    const char *path = lb_printf(ctx, "projects/%s/branches", lb_run_target(ctx)->project), *token = NULL;
    do {
        const char *query = token ? lb_printf(ctx, "page_size=100&page_token=%s", token) : "page_size=100",
                   *json = NULL;
        if (!path || !query)
            return lb_out_of_memory(err);
        int r = lb_control(ctx, &(lb_request){.method = "GET", .path = path, .query = query}, &json, err);
        if (r < 0)
            return r;
        struct json_object *page = json_tokener_parse(json);
        token = text_of(ctx, page, "next_page_token");
        r = sweep_page(ctx, own, page, err);
        (void)json_object_put(page); /* says only whether it was the last reference */
        if (r < 0)
            return r;
    } while (token && *token);
    return 0;
}

static int make_branch(rehearsal *h, lb_error *err)
{
    const char *json = NULL, *name = own_name(h->ctx), *source = lb_run_target(h->ctx)->branch;
    const lb_target place = {.project = lb_run_target(h->ctx)->project, .branch = name};
    if (!name)
        return lb_out_of_memory(err);
    int r = lb_call(h->ctx, PLANE, &place,
                    LB_ARGS(lb_text("action", "create"), lb_text("source", source), lb_text("ttl", TTL)), &json, err);
    if (r >= 0 && lb_call_outcome(h->ctx) != LB_APPLIED)
        return lb_fail(err, LB_ERR_DENIED, "see the gate's rules for the branch", "the gate did not let %s be made",
                       name);
    if (r >= 0)
        h->branch = name;
    return r;
}

/* ---- one incident ---- */

static lb_value number(const char *name, struct json_object *from)
{
    struct json_object *found = member(from, name);
    return found ? lb_f64(name, json_object_get_double(found)) : lb_null(name);
}

/* Under names of their own: what was planted is no trouble of the branch that it was planted beside. */
static int record(const rehearsal *h, const char *metric, const char *kind, struct json_object *said, const char *name,
                  lb_error *err)
{
    struct json_object *value = member(said, name);
    return value ? lb_record(h->ctx, "lakebase_metrics",
                             LB_ARGS(lb_time("snapshot_timestamp", lb_now(h->ctx)), lb_text("metric_name", metric),
                                     lb_f64("metric_value", json_object_get_double(value)), lb_text("unit", "s"),
                                     lb_text("kind", "gauge"), lb_text("object_name", kind),
                                     lb_json("detail", json_object_to_json_string_ext(said, JSON_C_TO_STRING_PLAIN))),
                             err)
                 : 0;
}

static int tell(rehearsal *h, const char *kind, struct json_object *said, lb_error *err)
{
    lb_ctx *ctx = h->ctx;
    struct json_object *rank = member(said, "rank"), *resolved = member(said, "resolved_after_s");
    const char *verdict = text_of(ctx, said, "verdict"), *why = text_of(ctx, said, "why");
    bool is_done = verdict && strcmp(verdict, "not rehearsed") != 0;
    int r = lb_append(ctx, "incidents",
                      LB_ARGS(lb_text("kind", kind), number("detected_after_s", said), number("found_after_s", said),
                              lb_text("cause", text_of(ctx, said, "cause")),
                              rank ? lb_i64("rank", json_object_get_int64(rank)) : lb_null("rank"),
                              lb_text("action", text_of(ctx, said, "action")), number("resolved_after_s", said),
                              lb_text("verdict", verdict), lb_text("why", why)),
                      err);
    bool is_planted = is_done && strcmp(kind, "none") != 0;
    h->planted += is_planted;
    h->resolved += resolved != NULL;
    h->resolving += resolved ? json_object_get_double(resolved) : 0;
    if (r >= 0 && !is_done)
        r = lb_skipped(ctx, kind, why ? why : "it did not say why", err);
    if (r >= 0 && is_planted)
        r = record(h, "rehearsed_detection", kind, said, "detected_after_s", err);
    return r < 0 || !is_planted ? r : record(h, "rehearsed_resolution", kind, said, "resolved_after_s", err);
}

static int rehearse(rehearsal *h, const char *kind, lb_error *err)
{
    const struct args *args = h->args;
    const lb_target place = {.project = lb_run_target(h->ctx)->project, .branch = h->branch};
    const char *json = NULL;
    lb_error why;
    int r = lb_call(h->ctx, INCIDENT_TOOL, &place,
                    LB_ARGS(lb_text("kind", kind), lb_f64("hold_s", args->hold_s),
                            lb_f64("look_every_s", args->look_every_s), lb_i64("row_count", args->row_count),
                            lb_i64("wal_mb", args->wal_mb), lb_time("source_started", h->source_started)),
                    &json, &why);
    if (r < 0 && incident_ends_run(h->ctx, r)) {
        *err = why;
        return r;
    }
    h->is_denied = r == LB_ERR_DENIED;
    if (r < 0)
        return lb_skipped(
            h->ctx, kind,
            lb_printf(h->ctx, "its rehearsal failed: %s%s%s", why.message, *why.hint ? "; " : "", why.hint), err);
    struct json_object *said = json_tokener_parse(json);
    r = tell(h, kind, said, err);
    (void)json_object_put(said); /* says only whether it was the last reference */
    return r;
}

static int rehearse_each(rehearsal *h, lb_error *err)
{
    int r = 0;
    if (strcmp(h->args->kind, "all") != 0)
        return rehearse(h, h->args->kind, err);
    for (size_t i = 0; r >= 0 && !h->is_denied && i < incident_count(); i++) {
        lb_progress(h->ctx, (int64_t)i, (int64_t)incident_count(), "incidents");
        r = rehearse(h, incident_at(i)->name, err);
    }
    return r;
}

/* ---- the whole ---- */

static int read_source(rehearsal *h, lb_error *err)
{
    rehearsal_incident_place_row place = {0};
    lb_rows *rows = NULL;
    int r = rehearsal_incident_place(h->ctx, &rows, err);
    if (r < 0)
        return r;
    if (!rehearsal_incident_place_next(h->ctx, rows, &place))
        return lb_fail(err, LB_ERR_TOOL, NULL, "the server does not say when it started");
    h->source_started = place.started_at;
    return 0;
}

/* Also after a failure: err is then left as it is. What is no branch to throw away is left to its life: to delete it
 * a person would be asked. */
static int end(const rehearsal *h, int so_far, lb_error *err)
{
    lb_error why;
    bool goes = !h->is_denied && !h->args->keep;
    int r = goes ? delete_branch(h->ctx, h->branch, &why) : 0;
    if (r < 0)
        lb_log(h->ctx, LB_LOG_WARN, "%s stays until it expires: %s", h->branch, why.message);
    if (so_far >= 0 && (r < 0 || h->is_denied))
        return lb_skipped(
            h->ctx, h->branch,
            lb_printf(h->ctx, "it stays until it expires%s%s", r < 0 ? ": " : "", r < 0 ? why.message : ""), err);
    return so_far < 0 ? so_far : sweep(h->ctx, h->branch, err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    rehearsal h = {.ctx = ctx, .args = ctx->args};
    if (lb_plans(ctx))
        return lb_skipped(ctx, h.args->kind, "a plan makes no branch, so nothing is planted", err);
    int r = read_source(&h, err);
    if (r >= 0)
        r = make_branch(&h, err);
    if (r < 0 || !h.branch)
        return r;
    r = end(&h, rehearse_each(&h, err), err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("branch", h.branch), lb_i64("rehearsed", h.planted),
                                     lb_i64("resolved", h.resolved),
                                     h.resolved ? lb_f64("mean_resolution_s", h.resolving / (double)h.resolved)
                                                : lb_null("mean_resolution_s"),
                                     lb_f64("look_every_s", h.args->look_every_s), lb_bool("people_are_told", false)),
                             err);
}

LB_TOOL(rehearse_incident, "plants incidents on a branch of their own and times detection, cause, remedy and end",
        .agent = "health", .risk = LB_RISK_MEDIUM, .timeout_s = 3600, LB_TOOL_ARGS(struct args, params),
        .writes = LB_NAMES("lakebase_metrics"), .calls = LB_NAMES(PLANE, INCIDENT_TOOL), .run = run);
