#include "health_measure.h"

#include "health_past.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MICROS   1000000.0
#define MEGABYTE 1048576.0

typedef struct measuring {
    lb_ctx *ctx;
    const health_guards *guards;
    health_reading *reading;
    health_measures *measures;
} measuring;

static health_observation *add(measuring *m, health_alert_id id)
{
    health_observation *o = &m->measures->items[m->measures->count++];
    *o = (health_observation){.id = id, .interval_s = NAN};
    return o;
}

static void blind(health_observation *o, const char *why)
{
    o->is_blind = !o->known;
    o->why = o->known ? NULL : why;
}

static const health_sample *sample(const measuring *m, const char *metric)
{
    return health_sample_of(m->reading, metric, NULL);
}

/* A figure that a view gives as it is. */
static health_observation *as_it_is(measuring *m, health_alert_id id)
{
    const health_sample *s = sample(m, health_alert_rules[id].metric);
    health_observation *o = add(m, id);
    o->known = s && s->digits;
    blind(o, "its view could not be read");
    o->value = s ? s->value : 0;
    o->detail = s ? s->detail : NULL;
    return o;
}

static void plain(measuring *m, health_alert_id id)
{
    (void)as_it_is(m, id); /* there is no more to it */
}

static void cache_hits(measuring *m, health_alert_id id)
{
    double hit = 0, read = 0, of_file = 0;
    const health_sample *age = sample(m, "uptime_seconds");
    health_observation *o = add(m, id);
    o->is_blind = !sample(m, "blocks_hit");
    if (!health_block_delta(m->reading, &hit, &read, &of_file, &o->why))
        return;
    if (age && age->value < m->guards->warm_up_min * 60) {
        o->why = lb_printf(m->ctx, "the server has run for %.0f s: its cache is cold", age->value);
        return;
    }
    if (hit + read < (double)m->guards->min_block_accesses) {
        o->why = lb_printf(m->ctx, "%.0f block accesses since the reading before are too few", hit + read);
        return;
    }
    o->known = true;
    o->value = hit / (hit + read);
    o->interval_s = health_interval(m->reading, sample(m, "blocks_hit"));
    o->detail =
        lb_printf(m->ctx, "{\"blocks_hit\":%.0f,\"blocks_read\":%.0f,\"of_file_cache\":%.0f}", hit, read, of_file);
}

static void dead_tuples(measuring *m, health_alert_id id)
{
    const char *metric = health_alert_rules[id].metric;
    size_t found = 0;
    for (size_t i = 0; i < m->reading->count; i++) {
        const health_sample *s = &m->reading->samples[i];
        if (strcmp(s->metric, metric) != 0)
            continue;
        struct json_object *detail = json_tokener_parse(s->detail), *schema = NULL, *table = NULL;
        health_observation *o = add(m, id);
        o->known = true;
        o->value = s->value;
        o->object = s->object;
        o->database = m->reading->database;
        o->detail = s->detail;
        if (json_object_object_get_ex(detail, "schema", &schema) &&
            json_object_object_get_ex(detail, "table", &table)) {
            o->schema = lb_printf(m->ctx, "%s", json_object_get_string(schema));
            o->table = lb_printf(m->ctx, "%s", json_object_get_string(table));
        }
        json_object_put(detail);
        found++;
    }
    if (found)
        return;
    health_observation *o = add(m, id); /* none is large enough to count */
    o->known = sample(m, "dead_tuples") != NULL;
    blind(o, "its view could not be read");
}

/* ---- what was read earlier: [[at, value], ...] ---- */

static int64_t number_at(struct json_object *pair, size_t index)
{
    return json_object_get_int64(json_object_array_get_idx(pair, index));
}

static size_t read_past(const measuring *m, const char *name, health_point points[HEALTH_MOST_PAST])
{
    struct json_object *list = NULL;
    if (!m->reading->before || !json_object_object_get_ex(m->reading->before, name, &list))
        return 0;
    size_t length = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0, count = 0;
    for (size_t i = length > HEALTH_MOST_PAST ? length - HEALTH_MOST_PAST : 0; i < length; i++) {
        struct json_object *pair = json_object_array_get_idx(list, i);
        points[count++] = (health_point){number_at(pair, 0), number_at(pair, 1)};
    }
    return count;
}

static void remember_past(const measuring *m, const char *name, const health_point *points, size_t count,
                          const health_point *now, int64_t since)
{
    health_point kept[HEALTH_MOST_PAST];
    struct json_object *list = json_object_new_array();
    size_t left = health_past_keep(points, count, now, since, kept);
    for (size_t i = 0; i < left; i++) {
        struct json_object *pair = json_object_new_array();
        (void)json_object_array_add(pair, json_object_new_int64(kept[i].at)); /* out of memory: counted anew */
        (void)json_object_array_add(pair, json_object_new_int64(kept[i].value));
        (void)json_object_array_add(list, pair);
    }
    (void)json_object_object_add(m->reading->next, name, list);
}

/* ---- deadlocks: counted over the last hour, from the readings in it ---- */

static bool is_same_epoch(const measuring *m, const health_sample *now)
{
    struct json_object *epoch = NULL;
    const char *text = m->reading->before && json_object_object_get_ex(m->reading->before, "deadlock_epoch", &epoch)
                           ? json_object_get_string(epoch)
                           : NULL;
    return text && now->epoch && strcmp(text, now->epoch) == 0;
}

static void deadlocks(measuring *m, health_alert_id id)
{
    const health_sample *now = sample(m, "deadlocks");
    health_observation *o = add(m, id);
    health_point past[HEALTH_MOST_PAST], first = {0};
    if (!now || !now->digits) {
        blind(o, "its view could not be read");
        return;
    }
    const health_point count = {m->reading->at, strtoll(now->digits, NULL, 10)};
    size_t known = is_same_epoch(m, now) ? read_past(m, "deadlock_counts", past) : 0;
    remember_past(m, "deadlock_counts", past, known, &count, count.at - HEALTH_HOUR_MOST_US);
    (void)json_object_object_add(m->reading->next, "deadlock_epoch",
                                 json_object_new_string(now->epoch ? now->epoch : ""));
    if (!health_past_hour(past, known, count.at, &first)) {
        o->why = known ? lb_printf(m->ctx, "the reading before is %.0f min old: no hour is counted from it",
                                   (double)(count.at - past[known - 1].at) / MICROS / 60)
                 : m->reading->before ? "the server was restarted, or its statistics were reset"
                                      : "this is the first reading";
        return;
    }
    o->known = count.value >= first.value;
    o->why = o->known ? NULL : "it fell: what it counted is gone, or it was reset";
    o->value = (double)(count.value - first.value);
    o->interval_s = (double)(count.at - first.at) / MICROS;
    o->detail = lb_printf(m->ctx, "{\"since_s\":%.0f,\"total\":%lld}", o->interval_s, (long long)count.value);
}

/* ---- the age of transaction IDs ---- */

static double number_of(struct json_object *from, const char *name)
{
    struct json_object *value = NULL;
    return from && json_object_object_get_ex(from, name, &value) ? json_object_get_double(value) : 0;
}

bool health_note_fall(struct json_object *noted, double value, int64_t at, struct json_object *note)
{
    const health_fall known = {number_of(noted, "value"), number_of(noted, "top"), (int64_t)number_of(noted, "at")};
    const health_fall fall = health_fall_after(&known, value, at);
    if (note) {
        (void)json_object_object_add(note, "value", json_object_new_double(fall.value)); /* out of memory: seen anew */
        (void)json_object_object_add(note, "top", json_object_new_double(fall.top));
        (void)json_object_object_add(note, "at", json_object_new_int64(fall.at));
    }
    return health_falls(&fall, at);
}

static void transaction_age(measuring *m, health_alert_id id)
{
    struct json_object *before = NULL;
    health_observation *o = as_it_is(m, id);
    if (m->reading->before)
        (void)json_object_object_get_ex(m->reading->before, "txid_fall", &before); /* NULL: it did not fall */
    struct json_object *next = o->known ? json_object_new_object() : json_object_get(before);
    if (o->known)
        o->falls = health_note_fall(before, o->value, m->reading->at, next);
    (void)json_object_object_add(m->reading->next, "txid_fall", next); /* lost: seen anew */
}

/* ---- slow statements ---- */

/* The mean time of a call since the reading before. A statement that was not slow then and is now has no earlier
 * totals: its mean since it is counted is no more than the one that is asked for. */
static bool mean_of(const measuring *m, const health_sample *total, double *ret_seconds, const char **ret_basis)
{
    const health_sample *calls = health_sample_of(m->reading, "statement_calls", total->object);
    double d_calls = 0, d_total = 0;
    const char *why = NULL;
    if (!calls)
        return false;
    if (health_delta(m->reading, calls, &d_calls, &why) && health_delta(m->reading, total, &d_total, &why)) {
        *ret_seconds = d_calls >= 1 ? d_total / d_calls / 1000 : 0;
        *ret_basis = "mean since the reading before";
        return d_calls >= 1;
    }
    if (strcmp(why, "it was not in the reading before") != 0 || calls->value < 1)
        return false;
    *ret_seconds = total->value / calls->value / 1000;
    *ret_basis = "at least: mean of all its calls";
    return true;
}

static void slow_statements(measuring *m, health_alert_id id)
{
    const health_sample *worst = NULL;
    const char *basis = NULL, *worst_basis = NULL;
    health_observation *o = add(m, id);
    double seconds = 0;
    o->known = m->reading->has_statements || m->reading->has_running;
    blind(o, "its views could not be read");
    for (size_t i = 0; i < m->reading->count; i++) {
        const health_sample *s = &m->reading->samples[i];
        bool runs = strcmp(s->metric, "running_statement_seconds") == 0;
        seconds = s->value;
        basis = "runs now";
        if (!runs && (strcmp(s->metric, "statement_total_ms") != 0 || !mean_of(m, s, &seconds, &basis)))
            continue;
        if (seconds > o->value) {
            o->value = seconds;
            worst = s;
            worst_basis = basis;
        }
    }
    o->interval_s = worst ? health_interval(m->reading, worst) : m->reading->interval_s;
    if (worst)
        o->detail = lb_printf(m->ctx, "{\"basis\":\"%s\",\"statement\":%s}", worst_basis,
                              worst->detail ? worst->detail : "null");
}

/* ---- lag ---- */

static const char *quoted(lb_ctx *ctx, const char *text)
{
    struct json_object *string = json_object_new_string(text);
    const char *copy = lb_printf(ctx, "%s", json_object_to_json_string(string));
    json_object_put(string);
    return copy;
}

static int64_t number_in(const health_sample *s, const char *name)
{
    struct json_object *detail = s->detail ? json_tokener_parse(s->detail) : NULL, *number = NULL;
    int64_t value = detail && json_object_object_get_ex(detail, name, &number) ? json_object_get_int64(number) : 0;
    json_object_put(detail);
    return value;
}

/* What readings have seen of the server's own position: a slot is behind since that was past its own by so much that it
 * counts. Where it has stood for long says nothing: there may have been no work. */
typedef struct wal {
    health_point past[HEALTH_MOST_PAST], now;
    size_t known;
} wal;

static void read_wal(const measuring *m, wal *w)
{
    w->known = read_past(m, "wal_written", w->past);
    w->now = (health_point){m->reading->at, 0};
    for (size_t i = 0; i < m->reading->count && !w->now.value; i++)
        if (strcmp(m->reading->samples[i].metric, "slot_lag_bytes") == 0)
            w->now.value = number_in(&m->reading->samples[i], "written");
    if (w->now.value)
        remember_past(m, "wal_written", w->past, w->known, &w->now, INT64_MIN);
}

static double slot_lag(const wal *w, const health_sample *slot, double least)
{
    return health_past_above(w->past, w->known, &w->now, w->now.value - (int64_t)(slot->value - least));
}

/* The state is not told to who may not see it. */
static bool catches_up(const health_sample *s)
{
    if (strcmp(s->metric, "standby_lag_bytes") != 0 || !s->detail)
        return false;
    struct json_object *detail = json_tokener_parse(s->detail), *state = NULL;
    bool does = json_object_object_get_ex(detail, "state", &state) && state &&
                strcmp(json_object_get_string(state), "catchup") == 0;
    json_object_put(detail);
    return does;
}

/* The worst of standbys, receivers and slots, of those that have work outstanding. One that catches up is behind by
 * nobody knows how long: no alert begins by that, and none ends. */
static void replication_lag(measuring *m, health_alert_id id)
{
    wal written;
    health_observation *o = add(m, id);
    double least = m->guards->min_lag_mb * MEGABYTE;
    const char *behind = NULL;
    o->known = m->reading->has_replication; /* where nothing replicates it has no rows */
    blind(o, "its view could not be read");
    read_wal(m, &written);
    for (size_t i = 0; i < m->reading->count; i++) {
        const health_sample *s = &m->reading->samples[i];
        bool is_slot = strcmp(s->metric, "slot_lag_bytes") == 0;
        if (s->value >= least && catches_up(s))
            behind = s->object;
        bool is_lag = strcmp(s->metric, "standby_lag_seconds") == 0 || strcmp(s->metric, "receive_lag_seconds") == 0;
        if (!is_slot && !is_lag)
            continue;
        double bytes = is_slot ? s->value : (double)number_in(s, "bytes");
        double lag = is_slot ? slot_lag(&written, s, least) : s->value;
        if (bytes < least || lag <= o->value)
            continue;
        o->value = lag;
        o->detail =
            lb_printf(m->ctx, "{\"%s\":%s,\"bytes\":%.0f,\"of\":%s}", is_slot ? "slot" : "standby",
                      quoted(m->ctx, s->object ? s->object : "this one"), bytes, s->detail ? s->detail : "null");
    }
    o->is_least = behind != NULL;
    if (behind)
        o->why = lb_printf(m->ctx, "%s catches up: how long it is behind is not to be seen", behind);
}

/* ---- all of them ---- */

/* Where each is seen; without that view it is no unknown, it was not asked for. */
static const struct {
    const char *view, *other;
    void (*measure)(measuring *m, health_alert_id id);
    const char *remembers[2]; /* what it keeps beside counters; NULL ends them */
} measured[HEALTH_ALERTS] = {
    [HEALTH_CACHE_HIT] = {"pg_stat_database", .measure = cache_hits},
    [HEALTH_CONNECTIONS] = {"pg_stat_activity", .measure = plain},
    [HEALTH_DEAD_TUPLES] = {"pg_stat_user_tables", .measure = dead_tuples},
    [HEALTH_LOCK_WAIT] = {"pg_locks", .measure = plain},
    [HEALTH_DEADLOCKS] = {"pg_stat_database", .measure = deadlocks, .remembers = {"deadlock_counts", "deadlock_epoch"}},
    [HEALTH_SLOW_QUERY] = {"pg_stat_statements", "pg_stat_activity", .measure = slow_statements},
    [HEALTH_TXID_AGE] = {"pg_database", .measure = transaction_age, .remembers = {"txid_fall"}},
    [HEALTH_REPLICATION_LAG] = {"pg_stat_replication", .measure = replication_lag, .remembers = {"wal_written"}},
};

static void carry(measuring *m, health_alert_id id)
{
    for (size_t i = 0; i < 2 && measured[id].remembers[i]; i++) {
        struct json_object *kept = NULL;
        const char *name = measured[id].remembers[i];
        if (m->reading->before && json_object_object_get_ex(m->reading->before, name, &kept))
            (void)json_object_object_add(m->reading->next, name, json_object_get(kept)); /* lost: counted anew */
    }
}

int health_measure(lb_ctx *ctx, const health_guards *guards, health_reading *reading, health_measures *ret_measures,
                   lb_error *err)
{
    /* Each once, and of dead rows one for each sample at most. */
    health_measures measures = {.items = lb_alloc(ctx, (HEALTH_ALERTS + reading->count) * sizeof *measures.items)};
    measuring m = {ctx, guards, reading, &measures};
    if (!measures.items)
        return lb_out_of_memory(err);
    for (health_alert_id id = 0; id < HEALTH_ALERTS; id++) {
        const char *view = measured[id].view, *other = measured[id].other;
        if (health_asks_for(guards, view) || (other && health_asks_for(guards, other)))
            measured[id].measure(&m, id);
        else
            carry(&m, id);
    }
    *ret_measures = measures;
    return 0;
}
