#include "sop_past.h"

#include <sql/health/procedure_changes.h>

#include <string.h>

#define HOUR          (INT64_C(3600) * 1000000)
#define A_DAY         (24 * HOUR)
#define A_MONTH       (30 * A_DAY)
#define FIRST_WAIT    (HOUR / 12)
#define LONGEST_WAIT  (4 * HOUR)
#define MOST_PER_HOUR 3
#define MOST_FAILURES 2
#define MOST_DEEDS    20

/* A deed, newest last: [at, "key", helped]. What is owed, by its key: {until, wait, metric, schema, table}. */
static struct json_object *part(struct json_object *deed, size_t index)
{
    return json_object_array_get_idx(deed, index);
}

static struct json_object *member(struct json_object *from, const char *name)
{
    struct json_object *found = NULL;
    return json_object_object_get_ex(from, name, &found) ? found : NULL;
}

static const char *key_of(lb_ctx *ctx, const health_case *what)
{
    const char *metric = health_alert_rules[what->id].metric;
    return what->table ? lb_printf(ctx, "%s %s.%s", metric, what->schema, what->table) : metric;
}

static void put_object(void *object)
{
    json_object_put(object);
}

static int add(struct json_object *into, const char *name, struct json_object *value, lb_error *err)
{
    if (value && json_object_object_add(into, name, value) == 0)
        return 0;
    json_object_put(value);
    return lb_out_of_memory(err);
}

int sop_load(lb_ctx *ctx, const char *given, sop_past *ret_past, lb_error *err)
{
    const char *text = given;
    *ret_past = (sop_past){.ctx = ctx};
    int r = given ? branch_check(ctx, &text, &ret_past->uid, err) : branch_recall(ctx, &text, &ret_past->uid, err);
    if (r < 0)
        return r;
    ret_past->all = text ? json_tokener_parse(text) : json_object_new_object();
    if (!ret_past->all || lb_defer(ctx, put_object, ret_past->all) < 0)
        return lb_out_of_memory(err);
    return json_object_is_type(member(ret_past->all, "changes"), json_type_array)
               ? 0
               : add(ret_past->all, "changes", json_object_new_array(), err);
}

int sop_store(const sop_past *past, bool gives, lb_error *err)
{
    int r = past->uid ? branch_put_uid(past->all, past->uid, err) : 0;
    const char *text = json_object_to_json_string_ext(past->all, JSON_C_TO_STRING_PLAIN);
    if (r >= 0)
        r = lb_remember(past->ctx, text, err);
    return r < 0 || !gives ? r : lb_result(past->ctx, LB_ARGS(lb_json("memory", text)), err);
}

struct json_object *sop_note_of(sop_past *past, const char *name)
{
    struct json_object *found = member(past->all, name);
    lb_error ignored;
    if (json_object_is_type(found, json_type_object))
        return found;
    return add(past->all, name, json_object_new_object(), &ignored) < 0 ? NULL : member(past->all, name);
}

/* ---- limits ---- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* As self_heal has it: a day after the last change that did not help a person had the time to look. */
sop_hold sop_held_back(const sop_past *past, const health_case *what)
{
    struct json_object *deeds = member(past->all, "changes");
    const char *key = key_of(past->ctx, what);
    int64_t now = lb_now(past->ctx), first_of_three = 0, last_failure = 0;
    int recent = 0, failures = 0;
    bool in_a_row = true;
    for (size_t i = json_object_array_length(deeds); key && i-- > 0;) {
        struct json_object *deed = part(deeds, i);
        int64_t at = json_object_get_int64(part(deed, 0));
        bool is_recent = now - at < HOUR, helped = json_object_get_boolean(part(deed, 2));
        if (is_recent && strcmp(json_object_get_string(part(deed, 1)), key) == 0)
            return (sop_hold){"it was done less than an hour ago", at + HOUR};
        recent += is_recent;
        if (recent == MOST_PER_HOUR && !first_of_three)
            first_of_three = at;
        in_a_row = in_a_row && !helped;
        failures += in_a_row;
        last_failure = in_a_row ? later(last_failure, at) : last_failure;
    }
    if (first_of_three)
        return (sop_hold){"three changes within an hour are enough: a person should look", first_of_three + HOUR};
    bool is_broken = failures >= MOST_FAILURES && now - last_failure < A_DAY;
    return is_broken ? (sop_hold){"the last two changes did not help: a person should look", last_failure + A_DAY}
                     : (sop_hold){.why = NULL};
}

static int add_deed(struct json_object *deeds, int64_t at, const char *key, bool helped, lb_error *err)
{
    struct json_object *deed = json_object_new_array();
    if (!deed || !key || json_object_array_add(deeds, deed) != 0) {
        json_object_put(deed);
        return lb_out_of_memory(err);
    }
    (void)json_object_array_add(deed, json_object_new_int64(at));
    (void)json_object_array_add(deed, json_object_new_string(key));
    (void)json_object_array_add(deed, json_object_new_boolean(helped));
    return 0;
}

static void keep_newest(struct json_object *deeds)
{
    size_t length = json_object_array_length(deeds);
    if (length > MOST_DEEDS)
        (void)json_object_array_del_idx(deeds, 0, length - MOST_DEEDS);
}

int sop_note(sop_past *past, const health_case *what, bool helped, lb_error *err)
{
    struct json_object *deeds = member(past->all, "changes");
    const char *key = key_of(past->ctx, what);
    int64_t now = lb_now(past->ctx);
    int r = add_deed(deeds, now, key, helped, err);
    if (r < 0)
        return r;
    keep_newest(deeds);
    return lb_record(
        past->ctx, "lakebase_metrics",
        LB_ARGS(lb_time("snapshot_timestamp", now), lb_text("metric_name", "procedure_change"),
                lb_f64("metric_value", helped ? 1 : 0), lb_text("kind", "gauge"), lb_text("object_name", key),
                past->uid ? lb_object("detail", LB_ARGS(lb_text(BRANCH_UID, past->uid))) : lb_null("detail")),
        err);
}

/* ---- what others have run ---- */

static bool is_known(struct json_object *deeds, const health_procedure_changes_row *change)
{
    for (size_t i = json_object_array_length(deeds); i-- > 0;) {
        struct json_object *deed = part(deeds, i);
        if (json_object_get_int64(part(deed, 0)) == change->changed_at &&
            strcmp(json_object_get_string(part(deed, 1)), change->what) == 0)
            return true;
    }
    return false;
}

static bool is_of_branch(const sop_past *past, const health_procedure_changes_row *change)
{
    struct json_object *detail = change->detail ? json_tokener_parse(change->detail) : NULL;
    const char *uid = detail ? branch_uid_in(detail) : NULL;
    bool is_of_another = uid && past->uid && strcmp(uid, past->uid) != 0;
    json_object_put(detail);
    return !is_of_another;
}

static int by_time(const void *a, const void *b)
{
    struct json_object *const *one = a, *const *other = b;
    int64_t at = json_object_get_int64(part(*one, 0)), then = json_object_get_int64(part(*other, 0));
    return (at > then) - (at < then);
}

int sop_count(sop_past *past, lb_error *err)
{
    const lb_target *target = lb_run_target(past->ctx);
    const health_procedure_changes_args wanted = {
        .project = target->project, .branch = target->branch, .since = lb_now(past->ctx) - A_MONTH, .most = MOST_DEEDS};
    struct json_object *deeds = member(past->all, "changes");
    health_procedure_changes_row change;
    lb_rows *rows = NULL;
    int asked = health_procedure_changes(past->ctx, &wanted, &rows, err);
    int r = lb_history_or_skip(past->ctx, asked, "changes that others have run", NULL, err);
    if (r <= 0)
        return r;
    while (r >= 0 && health_procedure_changes_next(past->ctx, rows, &change))
        if (is_of_branch(past, &change) && !is_known(deeds, &change))
            r = add_deed(deeds, change.changed_at, change.what, change.helped, err);
    json_object_array_sort(deeds, by_time);
    keep_newest(deeds);
    return r < 0 ? r : 0;
}

/* ---- what is owed ---- */

static int64_t next_wait(struct json_object *before)
{
    int64_t twice = 2 * json_object_get_int64(member(before, "wait"));
    return twice < FIRST_WAIT ? FIRST_WAIT : twice < LONGEST_WAIT ? twice : LONGEST_WAIT;
}

int sop_owe(sop_past *past, const health_case *what, int64_t until, lb_error *err)
{
    struct json_object *owed = sop_note_of(past, "owed"), *one = json_object_new_object();
    const char *key = key_of(past->ctx, what);
    if (!owed || !one || !key) {
        json_object_put(one);
        return lb_out_of_memory(err);
    }
    int64_t wait = until ? 0 : next_wait(member(owed, key));
    int r = add(one, "until", json_object_new_int64(until ? until : lb_now(past->ctx) + wait), err);
    if (r >= 0)
        r = add(one, "wait", json_object_new_int64(wait), err);
    if (r >= 0)
        r = add(one, "metric", json_object_new_string(health_alert_rules[what->id].metric), err);
    const char *const parts[][2] = {{"schema", what->table ? what->schema : NULL},
                                    {"table", what->table},
                                    {"object", what->object},
                                    {"database", what->database}};
    for (size_t i = 0; r >= 0 && i < sizeof parts / sizeof *parts; i++)
        if (parts[i][1])
            r = add(one, parts[i][0], json_object_new_string(parts[i][1]), err);
    if (r < 0) {
        json_object_put(one);
        return r;
    }
    return add(owed, key, one, err);
}

void sop_settle(sop_past *past, const health_case *what)
{
    struct json_object *owed = member(past->all, "owed");
    const char *key = key_of(past->ctx, what);
    if (owed && key)
        json_object_object_del(owed, key);
}

static const char *text_of(lb_ctx *ctx, struct json_object *from, const char *name)
{
    struct json_object *found = member(from, name);
    return found ? lb_printf(ctx, "%s", json_object_get_string(found)) : NULL;
}

bool sop_due(const sop_past *past, health_case *what, int64_t *ret_next)
{
    struct json_object *owed = member(past->all, "owed"), *first = NULL;
    int64_t now = lb_now(past->ctx), first_until = INT64_MAX;
    *ret_next = 0;
    if (!json_object_is_type(owed, json_type_object))
        return false;
    json_object_object_foreach(owed, key, one)
    {
        (void)key;
        int64_t until = json_object_get_int64(member(one, "until"));
        if (until > now && (!*ret_next || until < *ret_next))
            *ret_next = until;
        if (until <= now && until < first_until &&
            health_alert_named(text_of(past->ctx, one, "metric")) < HEALTH_ALERTS) {
            first = one;
            first_until = until;
        }
    }
    if (!first)
        return false;
    what->id = health_alert_named(text_of(past->ctx, first, "metric"));
    what->schema = text_of(past->ctx, first, "schema");
    what->table = text_of(past->ctx, first, "table");
    what->object = text_of(past->ctx, first, "object");
    what->database = text_of(past->ctx, first, "database");
    return true;
}
