/* auto_tune_resource_parameters: settings for a workload, as a plan with reasons. Only what this server lets one set is
 * proposed as a change; the rest is advice. */
#include "endpoint_list.h"
#include "resources_past.h"

#include <json-c/json.h>
#include <sql/resources/reload.h>
#include <sql/resources/reset_for_database.h>
#include <sql/resources/reset_for_role.h>
#include <sql/resources/reset_for_server.h>
#include <sql/resources/set_for_database.h>
#include <sql/resources/set_for_role.h>
#include <sql/resources/set_for_server.h>
#include <sql/resources/settings.h>

#define CU_BYTES INT64_C(2147483648) /* of a Lakebase capacity unit */
#define DAY_US   86400e6

struct args {
    const char *workload_profile, *role;
    int64_t memory_mb;
    double min_hours, days;
};

static const lb_param params[] = {
    LB_PARAM(struct args, workload_profile, LB_TEXT, "auto", "what the database is for; auto: from what it shows",
             .choices = "auto|oltp|mixed|analytics"),
    LB_PARAM(struct args, role, LB_IDENT, NULL, "set for this role alone; none given: for the database"),
    LB_PARAM(struct args, memory_mb, LB_I64, "0", "memory of the compute; 0: from the control plane, where it says",
             .min = "0"),
    LB_PARAM(struct args, min_hours, LB_F64, "1", "the counters have to cover so much time", .min = "0"),
    LB_PARAM(struct args, days, LB_F64, "7", "of history that spilled files and checkpoints are taken from",
             .min = "0.1", .max = "365"),
    LB_PARAMS_END,
};

typedef struct work {
    resources_facts_row facts;
    resources_notes notes;
    resources_past counted;
    const char *no_history; /* why nothing is counted, or NULL */
    resources_past past;    /* that of the setting that is looked at */
    resources_profile profile;
    int64_t memory;
    const char *memory_from;
    int64_t applied, waiting, planned, advice;
} work;

/* ---- memory ---- */

/* The smallest size counts: what does not fit there would run out of memory at night. Computes that only read have
 * settings of their own. */
static int64_t memory_of_endpoints(const char *document)
{
    struct json_object *root = json_tokener_parse(document);
    double least =
        json_object_get_double(endpoint_status(endpoint_that_writes(root), "autoscaling_limit_min_cu")); /* NULL: 0 */
    (void)json_object_put(root); /* says only whether it was the last reference */
    return (int64_t)(least * (double)CU_BYTES);
}

/* A transport without a control plane, or one that does not answer, leaves it unknown. */
static int find_memory(lb_ctx *ctx, work *w, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *document = NULL;
    lb_error why;
    w->memory = args->memory_mb * 1048576;
    w->memory_from = args->memory_mb ? "given" : "unknown";
    int r = args->memory_mb ? 0 : endpoint_list_read(ctx, &document, &why);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY) {
        *err = why;
        return r;
    }
    w->memory = document ? memory_of_endpoints(document) : w->memory;
    if (document && w->memory > 0)
        w->memory_from = "the smallest size of the branch's compute";
    return 0;
}

/* ---- one setting ---- */

static int compose_undo(lb_ctx *ctx, const work *w, const resources_settings_row *s, bool for_server,
                        const char **ret_undo, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *role = args->role, *database = w->facts.database;
    const lb_sql *sql = NULL;
    int r;
    if (for_server && s->server_value)
        r = resources_set_for_server_compose(
            ctx, &(resources_set_for_server_args){.name = s->name, .value = s->server_value}, &sql, err);
    else if (for_server)
        r = resources_reset_for_server_compose(ctx, &(resources_reset_for_server_args){.name = s->name}, &sql, err);
    else if (role && s->old_value)
        r = resources_set_for_role_compose(
            ctx,
            &(resources_set_for_role_args){.role = role, .database = database, .name = s->name, .value = s->old_value},
            &sql, err);
    else if (role)
        r = resources_reset_for_role_compose(
            ctx, &(resources_reset_for_role_args){.role = role, .database = database, .name = s->name}, &sql, err);
    else if (s->old_value)
        r = resources_set_for_database_compose(
            ctx, &(resources_set_for_database_args){.database = database, .name = s->name, .value = s->old_value}, &sql,
            err);
    else
        r = resources_reset_for_database_compose(
            ctx, &(resources_reset_for_database_args){.database = database, .name = s->name}, &sql, err);
    if (r >= 0)
        *ret_undo = lb_sql_text(ctx, sql);
    return r;
}

static int fill_group(lb_ctx *ctx, const work *w, const resources_wish *wish, bool for_server, lb_group *group,
                      lb_error *err)
{
    const struct args *args = ctx->args;
    const resources_set_for_server_args server = {.name = wish->name, .value = wish->value};
    const resources_set_for_role_args role = {
        .role = args->role, .database = w->facts.database, .name = wish->name, .value = wish->value};
    const resources_set_for_database_args database = {
        .database = w->facts.database, .name = wish->name, .value = wish->value};
    if (!for_server)
        return args->role ? resources_set_for_role(ctx, group, &role, err)
                          : resources_set_for_database(ctx, group, &database, err);
    int r = resources_set_for_server(ctx, group, &server, err);
    return r < 0 ? r : resources_reload(ctx, group, err);
}

static int propose(lb_ctx *ctx, work *w, const resources_settings_row *s, const resources_wish *wish, bool for_server,
                   const char **ret_status, lb_error *err)
{
    const resources_past *past = &w->past;
    const char *undo = NULL;
    lb_group *group = NULL;
    double hours = resources_hours(s->name, past);
    lb_outcome outcome = LB_REFUSED;
    bool is_wal = strcmp(s->name, "max_wal_size") == 0;
    const lb_value wal = is_wal ? lb_f64("wal_bytes", past->wal_bytes) : (lb_value){.type = LB_END};
    int r = compose_undo(ctx, w, s, for_server, &undo, err);
    if (r >= 0)
        r = lb_group_open(
            ctx,
            LB_GROUP(.title = lb_printf(ctx, "set %s to %s", wish->name, wish->value), .reason = wish->reason,
                     .evidence = LB_ARGS(lb_text("value_now", s->value), lb_text("value_wanted", wish->value),
                                         lb_text("profile", resources_profile_name(w->profile)),
                                         lb_i64("memory_bytes", w->memory), lb_text("memory_from", w->memory_from),
                                         hours >= 0 ? lb_f64("hours_of_history", hours) : lb_null("hours_of_history"),
                                         lb_f64("temp_files", past->temp_files), lb_f64("temp_bytes", past->temp_bytes),
                                         lb_f64("most_active", past->active),
                                         lb_f64("checkpoints_requested", past->checkpoints_requested),
                                         lb_f64("checkpoints_timed", past->checkpoints_timed), wal),
                     .undo = undo),
            &group, err);
    if (r >= 0)
        r = fill_group(ctx, w, wish, for_server, group, err);
    if (r >= 0)
        r = lb_apply(ctx, group, &outcome, err);
    if (r < 0)
        return r;
    *ret_status = outcome == LB_APPLIED ? "applied" : outcome == LB_PLANNED ? "planned" : "waiting";
    if (outcome == LB_REFUSED)
        *ret_status = "refused";
    w->applied += outcome == LB_APPLIED;
    w->planned += outcome == LB_PLANNED;
    w->waiting += outcome == LB_WAITING;
    return 0;
}

/* What one role was to have is not given to all of the server, where the role's own is not ours to set. */
static bool is_for_role(lb_ctx *ctx, const resources_settings_row *s)
{
    const struct args *args = ctx->args;
    return args->role && (strcmp(s->context, "user") == 0 || strcmp(s->context, "superuser") == 0);
}

/* ---- what it is judged by ---- */

/* A setting of the whole server is what it is at least since the server last read its files. When ALTER DATABASE or
 * ALTER ROLE were said nobody knows: the last run has seen another value, that is all. */
static int find_since(lb_ctx *ctx, work *w, const resources_settings_row *s, int64_t *ret_since, lb_error *err)
{
    const struct args *args = ctx->args;
    bool of_server = strcmp(s->context, "sighup") == 0;
    int64_t start = lb_now(ctx) - (int64_t)(args->days * DAY_US);
    const char *key = args->role ? lb_printf(ctx, "%s of %s", s->name, args->role) : s->name;
    if (!key)
        return lb_out_of_memory(err);
    int r = resources_note(&w->notes, key, s->old_value ? s->old_value : s->value,
                           of_server ? w->facts.settings_loaded_at : start,
                           of_server ? w->facts.settings_loaded_at : lb_now(ctx), ret_since, err);
    *ret_since = *ret_since > start ? *ret_since : start;
    return r;
}

static int read_past(lb_ctx *ctx, work *w, const resources_settings_row *settings, size_t count, lb_error *err)
{
    resources_since since = {0};
    int r = 0;
    for (size_t i = 0; i < count && r >= 0; i++)
        if (resources_hours(settings[i].name, &w->counted) >= 0)
            r = find_since(ctx, w, &settings[i],
                           strcmp(settings[i].name, "work_mem") == 0 ? &since.spills : &since.checkpoints, err);
    return r < 0 ? r : resources_read_past(ctx, &since, &w->counted, &w->no_history, err);
}

/* What was counted before its last change says nothing of the value that it has. 0: it cannot be judged, which is said.
 */
static int take_past(lb_ctx *ctx, work *w, const resources_settings_row *s, lb_error *err)
{
    const struct args *args = ctx->args;
    double hours = resources_hours(s->name, &w->counted);
    w->past = hours < 0 ? (resources_past){0} : w->counted;
    if (hours < 0 || (hours > 0 && hours >= args->min_hours))
        return 1;
    const char *why = w->no_history
                          ? w->no_history
                          : lb_printf(ctx,
                                      "monitor_system_health has noted %.1f hours of it since its last change, and "
                                      "%.1f are needed",
                                      hours, args->min_hours);
    why = why ? lb_printf(ctx, "not enough data: %s", why) : NULL;
    return why ? lb_skipped(ctx, s->name, why, err) : lb_out_of_memory(err);
}

static int look_at(lb_ctx *ctx, work *w, const resources_settings_row *s, lb_error *err)
{
    int r = take_past(ctx, w, s, err);
    if (r <= 0)
        return r < 0 ? lb_wrap(err, s->name) : 0;
    double amount = s->amount_is_null ? strcmp(s->value, "on") == 0 : s->amount;
    resources_wish wish = resources_judge(ctx, s->name, amount, &w->facts, &w->past, w->profile, w->memory);
    const char *status = "advice";
    if (!wish.reason || (s->old_value && strcmp(s->old_value, wish.value) == 0))
        return 0; /* fine, or said already: old sessions do not know yet */
    bool for_server = !s->may_set && s->may_alter_system && !is_for_role(ctx, s);
    r = 0;
    if (s->may_set || for_server)
        r = propose(ctx, w, s, &wish, for_server, &status, err);
    else
        w->advice++;
    if (r < 0)
        return lb_wrap(err, s->name);
    return lb_append(ctx, "recommendations",
                     LB_ARGS(lb_text("setting", s->name), lb_text("now", s->value), lb_text("wanted", wish.value),
                             lb_text("reason", wish.reason), lb_text("context", s->context), lb_text("status", status),
                             lb_text("scope", for_server   ? "server"
                                              : s->may_set ? "database"
                                                           : "not ours to set")),
                     err);
}

static int look_at_all(lb_ctx *ctx, work *w, lb_error *err)
{
    const struct args *args = ctx->args;
    const resources_settings_args wanted = {.names = {resources_names, RESOURCES_WISHES}, .role = args->role};
    resources_settings_row settings[RESOURCES_WISHES];
    size_t count = 0;
    lb_rows *rows = NULL;
    int r = resources_recall(ctx, &w->notes, err);
    if (r >= 0)
        r = resources_settings(ctx, &wanted, &rows, err);
    while (r >= 0 && count < RESOURCES_WISHES && resources_settings_next(ctx, rows, &settings[count]))
        r = settings[count++].has_role ? 0
                                       : lb_fail(err, LB_ERR_NOT_FOUND, "roles are named as \\du of psql has them",
                                                 "there is no role %s on this server", args->role);
    if (r >= 0)
        r = read_past(ctx, w, settings, count, err);
    for (size_t i = 0; i < count && r >= 0; i++)
        r = look_at(ctx, w, &settings[i], err);
    if (r >= 0 && w->facts.is_standby)
        r = lb_skipped(ctx, "changes", "this is a standby: what holds for its database is set on the primary", err);
    if (r >= 0 && w->memory <= 0)
        r = lb_skipped(ctx, "maintenance_work_mem, effective_cache_size",
                       "the memory of the compute is not known: give memory_mb", err);
    if (r >= 0)
        r = resources_remember(ctx, &w->notes, err);
    return r < 0 ? r : lb_examined(ctx, "settings", (int64_t)count, err);
}

/* Beside the plan: nobody but a person knows what may be broken off. A version that lacks one has no row of it. */
static int look_at_timeouts(lb_ctx *ctx, const work *w, lb_error *err)
{
    const struct args *args = ctx->args;
    const resources_settings_args wanted = {.names = {resources_timeouts, RESOURCES_TIMEOUTS}, .role = args->role};
    resources_settings_row row;
    lb_rows *rows = NULL;
    int r = resources_settings(ctx, &wanted, &rows, err);
    while (r >= 0 && resources_settings_next(ctx, rows, &row)) {
        resources_wish wish = resources_advise(row.name, row.amount_is_null ? 0 : row.amount, w->profile);
        if (wish.reason && !row.old_value)
            r = lb_append(ctx, "timeouts",
                          LB_ARGS(lb_text("setting", row.name), lb_text("now", row.value),
                                  lb_text("wanted", wish.value), lb_text("reason", wish.reason)),
                          err);
    }
    return r;
}

static int tell_unknown(lb_ctx *ctx, const work *w, lb_error *err)
{
    const struct args *args = ctx->args;
    const char *why = w->facts.counted_hours < args->min_hours ? "the counters cover too little time"
                      : w->facts.commits <= 0
                          ? "no transaction was counted"
                          : "most rows were read by sequential scans, of reports or of lookups that lack their index";
    why = lb_printf(ctx, "%s: nothing is advised that depends on what the database is for, unless it is given", why);
    return why ? lb_skipped(ctx, "workload_profile", why, err) : lb_out_of_memory(err);
}

static int run(lb_ctx *ctx, lb_error *err)
{
    const struct args *args = ctx->args;
    work w = {.memory_from = "unknown"};
    lb_rows *rows = NULL;
    int r = resources_facts(ctx, &rows, err);
    if (r < 0)
        return r;
    if (!resources_facts_next(ctx, rows, &w.facts))
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "the server shows nothing of its database");
    w.profile = resources_profile_of(args->workload_profile, args->min_hours, &w.facts);
    r = find_memory(ctx, &w, err);
    if (r < 0)
        return r;
    if (w.facts.counted_hours < args->min_hours)
        r = lb_skipped(ctx, "all settings",
                       lb_printf(ctx, "the counters cover %.1f hours, and %.1f are needed", w.facts.counted_hours,
                                 args->min_hours),
                       err);
    else
        r = look_at_all(ctx, &w, err);
    if (r >= 0 && w.profile == RESOURCES_UNKNOWN)
        r = tell_unknown(ctx, &w, err);
    if (r >= 0)
        r = look_at_timeouts(ctx, &w, err);
    return r < 0 ? r
                 : lb_result(ctx,
                             LB_ARGS(lb_text("workload_profile", resources_profile_name(w.profile)),
                                     lb_i64("memory_bytes", w.memory), lb_text("memory_from", w.memory_from),
                                     lb_f64("counted_hours", w.facts.counted_hours), lb_i64("applied", w.applied),
                                     lb_i64("waiting", w.waiting), lb_i64("planned", w.planned),
                                     lb_i64("advice", w.advice)),
                             err);
}

LB_TOOL(auto_tune_resource_parameters, "settings for a workload, as a plan with reasons", .agent = "performance",
        .risk = LB_RISK_MEDIUM, .needs_approval = true, .remembers = true, .timeout_s = 60,
        LB_TOOL_ARGS(struct args, params), .run = run);
