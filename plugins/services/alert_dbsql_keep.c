#include "alert_dbsql.h"
#include "alert_words.h"

#include <alert_dbsql_sql.h>

#include <math.h>
#include <string.h>

#define ALERTS "/api/2.0/alerts"
#define MOST   1000 /* alerts of ours in one workspace */

/* The eight figures of evaluate_alert_thresholds; whatever else is an alert has one together. */
static const char *const metrics[] = {"cache_hit_ratio", "connection_utilization", "dead_tuple_ratio",
                                      "lock_wait_time",  "deadlocks_per_hour",     "slow_query_time",
                                      "txid_age",        "replication_lag"};
static const char others[] = "everything else";

#define METRICS (sizeof metrics / sizeof metrics[0])

typedef struct keeper {
    rest_client *client;
    const dbsql_wish *wish;
    struct json_object *found[MOST]; /* those of the prefix, oldest first */
    size_t count;
    int64_t deadline;
} keeper;

/* ---- the query ---- */

static void put_quoted(rest_buf *into, char sign, const char *text)
{
    rest_buf_put(into, &sign, 1);
    rest_buf_text(into, text); /* names without signs, and our own words */
    rest_buf_put(into, &sign, 1);
}

static void put_table(rest_buf *into, const dbsql_wish *wish)
{
    put_quoted(into, '`', wish->catalog);
    rest_buf_text(into, ".");
    put_quoted(into, '`', wish->schema);
    rest_buf_text(into, ".`alert_history`");
}

static void put_metrics(rest_buf *into, const char *metric)
{
    for (size_t i = 0; !metric && i < METRICS; i++) {
        rest_buf_text(into, i ? ", " : "");
        put_quoted(into, '\'', metrics[i]);
    }
    if (metric)
        put_quoted(into, '\'', metric);
}

/* NULL: no memory. The caller puts it. */
static struct json_object *query_of(const dbsql_wish *wish, const char *metric)
{
    const char *text = metric ? alert_dbsql_sql_open_of_metric : alert_dbsql_sql_open_of_others;
    rest_buf query = {.limit = 16384};
    for (const char *p = text; *p;) {
        size_t plain = strcspn(p, "{");
        rest_buf_put(&query, p, plain);
        p += plain;
        if (strncmp(p, "{table}", 7) == 0)
            put_table(&query, wish);
        else if (strncmp(p, "{tool}", 6) == 0)
            rest_buf_text(&query, alert_look_for(metric));
        else if (*p)
            put_metrics(&query, metric);
        p += *p ? strcspn(p, "}") + 1 : 0;
    }
    struct json_object *value = query.failed ? NULL : json_object_new_string(query.data);
    rest_buf_done(&query);
    return value;
}

/* ---- an alert as it should be ---- */

static struct json_object *name_of(const dbsql_wish *wish, const char *metric)
{
    char *name = rest_printf("%s: %s", wish->prefix, metric ? metric : others);
    struct json_object *value = name ? json_object_new_string(name) : NULL;
    free(name);
    return value;
}

static struct json_object *subscriptions_of(const dbsql_wish *wish)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; list && i < wish->notify.count; i++) {
        const char *who = wish->notify.items[i];
        struct json_object *one = json_object_new_object();
        if (!one || !rest_json_add_text(one, strchr(who, '@') ? "user_email" : "destination_id", who) ||
            json_object_array_add(list, one) != 0) {
            (void)json_object_put(one); /* says whether it was the last one; here and below */
            (void)json_object_put(list);
            return NULL;
        }
    }
    return list;
}

static bool fill_notification(struct json_object *into, const dbsql_wish *wish)
{
    return rest_json_add(into, "notify_on_ok", json_object_new_boolean(wish->notify_on_ok)) &&
           rest_json_add(into, "retrigger_seconds", json_object_new_int64(wish->remind_s)) &&
           rest_json_add(into, "subscriptions", subscriptions_of(wish));
}

static bool add_filled(struct json_object *into, const char *name, const dbsql_wish *wish,
                       bool (*fill)(struct json_object *part, const dbsql_wish *wish))
{
    struct json_object *part = json_object_new_object();
    if (part && fill(part, wish))
        return rest_json_add(into, name, part);
    (void)json_object_put(part);
    return false;
}

static bool fill_source(struct json_object *into, const dbsql_wish *wish)
{
    (void)wish;
    return rest_json_add_text(into, "name", "severity_level") && rest_json_add_text(into, "aggregation", "MAX");
}

static bool fill_value(struct json_object *into, const dbsql_wish *wish)
{
    double level = strcmp(wish->severity, "critical") == 0 ? 3 : strcmp(wish->severity, "warning") == 0 ? 2 : 1;
    return rest_json_add(into, "double_value", json_object_new_double(level));
}

static bool fill_threshold(struct json_object *into, const dbsql_wish *wish)
{
    return add_filled(into, "value", wish, fill_value);
}

static bool fill_evaluation(struct json_object *into, const dbsql_wish *wish)
{
    return add_filled(into, "source", wish, fill_source) &&
           rest_json_add_text(into, "comparison_operator", "GREATER_THAN_OR_EQUAL") &&
           add_filled(into, "threshold", wish, fill_threshold) &&
           rest_json_add_text(into, "empty_result_state", "OK") &&
           add_filled(into, "notification", wish, fill_notification);
}

static bool fill_schedule(struct json_object *into, const dbsql_wish *wish)
{
    char *cron = wish->every_min < 60 ? rest_printf("0 0/%lld * * * ?", (long long)wish->every_min)
                                      : rest_printf("0 0 0/%lld * * ?", (long long)wish->every_min / 60);
    bool done = cron && rest_json_add_text(into, "quartz_cron_schedule", cron) &&
                rest_json_add_text(into, "timezone_id", wish->timezone);
    free(cron);
    return done;
}

/* NULL: no memory. */
static struct json_object *make_wanted(const dbsql_wish *wish, const char *metric)
{
    struct json_object *a = json_object_new_object();
    if (a && rest_json_add(a, "display_name", name_of(wish, metric)) &&
        rest_json_add(a, "query_text", query_of(wish, metric)) &&
        rest_json_add_text(a, "warehouse_id", wish->warehouse) &&
        rest_json_add_text(a, "custom_summary", "{{ALERT_STATUS}}: {{ALERT_NAME}}") &&
        rest_json_add_text(a, "custom_description",
                           "{{QUERY_RESULT_TABLE}}\n`next` is the command for what a person can do about it.") &&
        add_filled(a, "evaluation", wish, fill_evaluation) && add_filled(a, "schedule", wish, fill_schedule))
        return a;
    (void)json_object_put(a);
    return NULL;
}

/* ---- what is there ---- */

static bool is_nothing(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_boolean:
        return !json_object_get_boolean(value);
    case json_type_int:
    case json_type_double:
        return fpclassify(json_object_get_double(value)) == FP_ZERO;
    case json_type_string:
        return !*json_object_get_string(value);
    case json_type_array:
        return json_object_array_length(value) == 0;
    default:
        return value == NULL;
    }
}

static bool is_number(struct json_object *value)
{
    return json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
}

/* Everything that is wanted is there as it is wanted; the workspace may say more, and leaves out what is nothing. */
static bool is_as_wanted(struct json_object *wanted,
                         struct json_object *there) // NOLINT(misc-no-recursion): our own form
{
    if (!there)
        return is_nothing(wanted);
    if (is_number(wanted) && is_number(there))
        return fabs(json_object_get_double(wanted) - json_object_get_double(there)) < 1e-9;
    if (json_object_is_type(wanted, json_type_object) && json_object_is_type(there, json_type_object)) {
        bool same = true;
        json_object_object_foreach(wanted, name, value)
        {
            struct json_object *its = NULL;
            (void)json_object_object_get_ex(there, name, &its); /* else it stays NULL */
            same = same && is_as_wanted(value, its);
        }
        return same;
    }
    if (json_object_is_type(wanted, json_type_array) && json_object_is_type(there, json_type_array)) {
        bool same = json_object_array_length(wanted) == json_object_array_length(there);
        for (size_t i = 0; same && i < json_object_array_length(wanted); i++)
            same = is_as_wanted(json_object_array_get_idx(wanted, i), json_object_array_get_idx(there, i));
        return same;
    }
    return json_object_equal(wanted, there) != 0;
}

static int take(void *arg, struct json_object *item, lb_error *err)
{
    keeper *k = arg;
    const char *name = rest_json_text(item, "display_name"), *state = rest_json_text(item, "lifecycle_state");
    size_t length = strlen(k->wish->prefix);
    bool is_ours = name && strncmp(name, k->wish->prefix, length) == 0 && strncmp(name + length, ": ", 2) == 0;
    if (!is_ours || (state && strcmp(state, "DELETED") == 0))
        return 0;
    if (k->count == MOST)
        return lb_fail(err, LB_ERR_LIMIT, "trash what nobody needs any more", "more than %d alerts are named %s: ...",
                       MOST, k->wish->prefix);
    k->found[k->count++] = json_object_get(item);
    return 0;
}

/* Taken out of what was found: the oldest of that name. NULL: there is none. The caller puts it. */
static struct json_object *take_named(keeper *k, struct json_object *name)
{
    for (size_t i = 0; i < k->count; i++) {
        struct json_object *one = k->found[i];
        if (!one || strcmp(rest_json_text(one, "display_name"), json_object_get_string(name)) != 0)
            continue;
        k->found[i] = NULL;
        return one;
    }
    return NULL;
}

/* ---- making it so ---- */

static int call(keeper *k, const char *method, struct json_object *there, const char *query, struct json_object *body,
                lb_error *err)
{
    struct json_object *answer = NULL;
    const char *id = there ? rest_json_text(there, "id") : NULL;
    char *path = id ? rest_printf(ALERTS "/%s", id) : there ? NULL : rest_strdup(ALERTS);
    const rest_call request = {
        .method = method, .path = path, .query = query, .what = "keeping a SQL alert", .deadline = k->deadline};
    int r = path    ? rest_document(k->client, &request, body, &answer, err)
            : there ? lb_fail(err, LB_ERR_INTERNAL, NULL, "the workspace lists a SQL alert without an id")
                    : lb_out_of_memory(err);
    (void)json_object_put(answer);
    free(path);
    return r;
}

static int mend(keeper *k, struct json_object *wanted, struct json_object *there, dbsql_count *count, lb_error *err)
{
    rest_buf mask = {.limit = 1024};
    struct json_object *schedule = rest_json_at(wanted, "schedule");
    const char *paused = rest_json_text(there, "schedule.pause_status");
    rest_buf_text(&mask, "update_mask=");
    size_t empty = mask.length;
    json_object_object_foreach(wanted, name, value)
    {
        struct json_object *its = NULL;
        (void)json_object_object_get_ex(there, name, &its); /* else it stays NULL */
        if (is_as_wanted(value, its))
            continue;
        rest_buf_text(&mask, mask.length > empty ? "," : "");
        rest_buf_text(&mask, name);
    }
    int r = mask.failed ? lb_out_of_memory(err) : 0;
    if (r == 0 && mask.length > empty) {
        r = paused && !rest_json_add_text(schedule, "pause_status", paused) ? lb_out_of_memory(err) : 0;
        if (r == 0)
            r = call(k, "PATCH", there, mask.data, wanted, err);
        count->changed += r == 0;
    }
    rest_buf_done(&mask);
    return r;
}

static int make(keeper *k, struct json_object *wanted, dbsql_count *count, lb_error *err)
{
    const char *folder = k->wish->parent_path;
    if (folder && !rest_json_add_text(wanted, "parent_path", folder))
        return lb_out_of_memory(err);
    int r = call(k, "POST", NULL, NULL, wanted, err);
    count->made += r == 0;
    return r;
}

static int keep_one(keeper *k, const char *metric, dbsql_count *count, lb_error *err)
{
    REST_JSON_AUTO *wanted = make_wanted(k->wish, metric);
    if (!wanted)
        return lb_out_of_memory(err);
    REST_JSON_AUTO *there = take_named(k, rest_json_at(wanted, "display_name"));
    return there ? mend(k, wanted, there, count, err) : make(k, wanted, count, err);
}

/* What is left over: of a metric that is no more, or made twice as an answer got lost. */
static int trash_rest(keeper *k, dbsql_count *count, lb_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < k->count; i++) {
        if (!k->found[i])
            continue;
        r = call(k, "DELETE", k->found[i], NULL, NULL, err);
        count->trashed += r == 0;
    }
    return r;
}

int dbsql_keep(rest_client *client, const dbsql_wish *wish, int64_t deadline, dbsql_count *ret_count, lb_error *err)
{
    keeper k = {.client = client, .wish = wish, .deadline = deadline};
    const rest_call list = {.method = "GET",
                            .path = ALERTS,
                            .query = "page_size=100",
                            .what = "listing the SQL alerts",
                            .deadline = deadline};
    *ret_count = (dbsql_count){0};
    int r = rest_pages(client, &list, "alerts", take, &k, err);
    for (size_t i = 0; r == 0 && i < METRICS; i++)
        r = keep_one(&k, metrics[i], ret_count, err);
    if (r == 0)
        r = keep_one(&k, NULL, ret_count, err);
    if (r == 0)
        r = trash_rest(&k, ret_count, err);
    for (size_t i = 0; i < k.count; i++)
        (void)json_object_put(k.found[i]);
    return r;
}
