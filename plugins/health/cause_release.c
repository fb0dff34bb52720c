/* Statements that were not counted before and now take much of the time: what an application brings that is deployed.
 *
 * Remembered are a small set of all that were ever seen, whatever the server forgets of them, and of those that came
 * lately their counters, with the reading after which they came. */
#include "cause_release.h"

#include "cause_seen.h"

#include <sql/diagnose/statements_counted.h>

#include <math.h>
#include <string.h>

#define A_BURST (INT64_C(600) * 1000000) /* a release is rolled out within */
#define A_GAP   (INT64_C(900) * 1000000) /* between readings: after a longer one nobody knows what came together */
#define A_WEEK  (INT64_C(7) * 86400 * 1000000)
#define BLOCK   8192.0

enum { MOST_NEW = 300, MOST_NAMED = 5 };

typedef struct survey {
    cause_release release;
    diagnose_statements_counted_row counted;
    struct json_object *noted, *fresh, *new_fresh; /* noted NULL: there is no reading before */
    const char *place;                             /* identifiers of statements mean something there alone */
    cause_seen seen;
    double all_ms;
    int64_t whole_since, followed_since; /* since then no count was reset; each statement seen is known */
    int64_t came_after;                  /* those that are new at this reading */
    bool is_comparable;                  /* the counts go on since the reading before */
} survey;

/* ---- memory ---- */

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return object && json_object_object_get_ex(object, name, &value) ? value : NULL;
}

static double number_at(struct json_object *list, size_t index)
{
    return json_object_get_double(json_object_array_get_idx(list, index));
}

static int64_t time_of(struct json_object *note, const char *name)
{
    return json_object_get_int64(member(note, name));
}

/* No statement has fewer calls than it had, or is gone though none was forgotten: nobody has reset any. */
static bool are_whole(const survey *v)
{
    const cause_look *look = v->release.look;
    struct json_object *were = cause_noted(look, "statements"), *list = NULL;
    int there = 0;
    if (v->counted.times_forgotten != time_of(v->noted, "times_forgotten"))
        return true;
    for (size_t i = 0; were && i < look->statement_count; i++) {
        if (!json_object_object_get_ex(were, look->statements[i].key, &list))
            continue;
        there++;
        if ((double)look->statements[i].calls < number_at(list, 0))
            return false;
    }
    return !were || there == json_object_object_length(were);
}

static int open_memory(survey *v, lb_error *err)
{
    const cause_look *look = v->release.look;
    int major = 0;
    int r = lb_server_version(look->ctx, &major, err);
    v->place = lb_printf(look->ctx, "%s on %d", look->reading.database ? look->reading.database : "", major);
    if (r < 0 || !v->place)
        return r < 0 ? r : lb_out_of_memory(err);
    v->noted = cause_noted(look, "release");
    const char *place = json_object_get_string(member(v->noted, "place"));
    if (!place || strcmp(place, v->place) != 0 ||
        !cause_seen_parse(json_object_get_string(member(v->noted, "seen")), &v->seen)) {
        v->noted = NULL;
        v->seen = (cause_seen){{0}};
    }
    v->fresh = member(v->noted, "fresh");
    bool is_same = v->counted.counted_since == time_of(v->noted, "counted_since"), is_whole = is_same && are_whole(v);
    v->is_comparable = v->noted && is_whole;
    v->whole_since = v->is_comparable ? time_of(v->noted, "whole_since")
                     : is_same        ? look->reading.at
                                      : v->counted.counted_since;
    v->came_after = time_of(v->noted, "at");
    if (!v->is_comparable && v->counted.counted_since > v->came_after) /* it was down, or somebody has reset them */
        v->came_after = v->counted.counted_since < look->reading.at ? v->counted.counted_since : look->reading.at;
    v->followed_since = v->noted ? time_of(v->noted, "followed_since") : look->reading.at;
    return 0;
}

static void note_fresh(survey *v, const cause_new *item)
{
    const double numbers[] = {(double)item->came_after, (double)item->row->calls, item->row->total_ms,
                              item->row->blocks_read, item->row->temp_blocks};
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; list && i < sizeof numbers / sizeof *numbers; i++)
        (void)json_object_array_add(list, json_object_new_double(numbers[i]));
    if (!list || json_object_object_add(v->new_fresh, item->row->key, list) != 0)
        json_object_put(list); /* out of memory: it is as if it had been there for long */
}

static void note_time(struct json_object *note, const char *name, int64_t value)
{
    (void)json_object_object_add(note, name, json_object_new_int64(value)); /* lost: it begins anew */
}

static int close_memory(survey *v, lb_error *err)
{
    cause_look *look = v->release.look;
    struct json_object *note = cause_note(look, "release");
    char *text = lb_alloc(look->ctx, (size_t)2 * CAUSE_SEEN_BYTES + 1);
    if (!note || !text)
        return lb_out_of_memory(err);
    if (cause_seen_is_full(&v->seen)) { /* what is counted now is left of it */
        v->seen = (cause_seen){{0}};
        v->followed_since = look->reading.at;
    }
    for (size_t i = 0; i < look->statement_count; i++)
        cause_seen_add(&v->seen, look->statements[i].key);
    cause_seen_print(&v->seen, text);
    note_time(note, "at", look->reading.at);
    note_time(note, "counted_since", v->counted.counted_since);
    note_time(note, "whole_since", v->whole_since);
    note_time(note, "followed_since", v->followed_since);
    note_time(note, "times_forgotten", v->counted.times_forgotten);
    (void)json_object_object_add(note, "all_ms", json_object_new_double(v->all_ms));
    (void)json_object_object_add(note, "place", json_object_new_string(v->place));
    (void)json_object_object_add(note, "seen", json_object_new_string(text));
    (void)json_object_object_add(note, "fresh", json_object_get(v->new_fresh));
    return 0;
}

/* ---- following ---- */

static void add_new(survey *v, const diagnose_statements_row *row, struct json_object *was)
{
    const cause_look *look = v->release.look;
    int64_t now = look->reading.at, since = was ? (int64_t)number_at(was, 0) : v->came_after;
    bool is_late = was ? (double)(now - since) > look->limits.look_back_min * 60e6 : now - since > A_GAP;
    bool goes_on = was && (double)row->calls >= number_at(was, 1);
    if (is_late || v->release.count == MOST_NEW)
        return;
    cause_new *item = &v->release.items[v->release.count++];
    *item = (cause_new){.row = row,
                        .came_after = since,
                        .calls = (double)row->calls - (goes_on ? number_at(was, 1) : 0),
                        .ms = row->total_ms - (goes_on ? number_at(was, 2) : 0),
                        .blocks_read = row->blocks_read - (goes_on ? number_at(was, 3) : 0),
                        .temp_blocks = row->temp_blocks - (goes_on ? number_at(was, 4) : 0)};
    note_fresh(v, item);
}

/* What a statement executes inside of it is a part of its time. */
static int follow(survey *v, lb_error *err)
{
    cause_look *look = v->release.look;
    struct json_object *was = NULL;
    double new_ms = 0;
    v->release.items = lb_alloc(look->ctx, MOST_NEW * sizeof *v->release.items);
    if (!v->release.items)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < look->statement_count; i++) {
        const diagnose_statements_row *row = &look->statements[i];
        v->all_ms += row->toplevel ? row->total_ms : 0;
        bool is_fresh = v->fresh && json_object_object_get_ex(v->fresh, row->key, &was);
        if (v->noted && row->toplevel && (is_fresh || !cause_seen_has(&v->seen, row->key)))
            add_new(v, row, is_fresh ? was : NULL);
    }
    for (size_t i = 0; i < v->release.count; i++)
        new_ms += v->release.items[i].ms;
    v->release.all_ms = v->all_ms - json_object_get_double(member(v->noted, "all_ms"));
    v->release.all_ms = fmax(v->release.all_ms, new_ms); /* others were forgotten, and their time with them */
    return 0;
}

/* ---- those of one role ---- */

static bool is_of(const cause_release *release, const cause_new *item)
{
    return !item->is_out && item->row->calls >= CAUSE_ARRIVAL_CALLS && strcmp(item->row->user_name, release->user) == 0;
}

bool cause_release_has(const cause_release *release, const cause_new *item)
{
    return is_of(release, item) && item->came_after >= release->from && item->came_after <= release->from + A_BURST;
}

/* Texts that differ in the lengths of their lists alone count once. */
static bool is_first_of_shape(const cause_release *release, size_t index)
{
    const cause_new *item = &release->items[index];
    for (size_t i = 0; item->shape && i < index; i++)
        if (release->items[i].shape == item->shape && cause_release_has(release, &release->items[i]))
            return false;
    return cause_release_has(release, item);
}

static size_t count_since(cause_release *release, int64_t from)
{
    size_t count = 0;
    release->from = from;
    for (size_t i = 0; i < release->count; i++)
        count += is_first_of_shape(release, i);
    return count;
}

/* Finds the time at which most of them came, and measures those. */
static bool measure(cause_release *release, const char *user)
{
    const cause_look *look = release->look;
    size_t all = 0, members = 0, best = 0;
    int64_t from = 0;
    double ms = 0;
    release->user = user;
    release->worst = NULL;
    for (size_t i = 0; i < release->count; i++) {
        if (!is_of(release, &release->items[i]) || release->items[i].came_after == from)
            continue;
        size_t count = count_since(release, release->items[i].came_after);
        from = count > best ? release->items[i].came_after : from;
        best = count > best ? count : best;
    }
    release->from = from;
    for (size_t i = 0; i < release->count; i++) {
        const cause_new *item = &release->items[i];
        all += is_of(release, item);
        if (!cause_release_has(release, item))
            continue;
        members++;
        ms += item->ms;
        release->worst = !release->worst || item->ms > release->worst->ms ? item : release->worst;
    }
    release->arrival = (cause_arrival){.count = best,
                                       .together = all ? (double)members / (double)all : 0,
                                       .share = release->all_ms > 0 ? ms / release->all_ms : 0,
                                       .load = look->reading.interval_s > 0 ? ms / 1000 / look->reading.interval_s : 0};
    return release->worst && cause_is_release(&release->arrival, look->limits.min_new_load);
}

/* ---- telling ---- */

/* The identifiers of those that take most. */
static const char *worst_of(const cause_release *release)
{
    const char *all = NULL;
    double below = INFINITY;
    for (int named = 0; named < MOST_NAMED; named++) {
        const cause_new *next = NULL;
        for (size_t i = 0; i < release->count; i++) {
            const cause_new *item = &release->items[i];
            if (cause_release_has(release, item) && item->ms < below && (!next || item->ms > next->ms))
                next = item;
        }
        if (!next)
            break;
        below = next->ms;
        all = lb_printf(release->look->ctx, "%s%s%lld", all ? all : "", all ? ", " : "", (long long)next->row->queryid);
    }
    return all;
}

/* The table that the cache no longer holds, where they read it; else one that the worst of them names. */
static const char *table_of(const cause_release *release)
{
    const cause_look *look = release->look;
    for (size_t i = 0; i < look->count; i++) {
        const char *about = look->cases[i].id == CAUSE_CACHE_COLLAPSE ? look->cases[i].about : NULL;
        const char *name = about ? strchr(about, '.') : NULL;
        for (size_t k = 0; name && k < release->count; k++)
            if (cause_release_has(release, &release->items[k]) && release->items[k].blocks_read > 0 &&
                cause_text_names(release->items[k].text, name + 1))
                return about;
    }
    for (size_t i = 0; i < look->table_count; i++)
        if (cause_text_names(release->worst->text, look->tables[i].name))
            return lb_printf(look->ctx, "%s.%s", look->tables[i].schema, look->tables[i].name);
    return NULL;
}

static double spilled_by(const cause_release *release)
{
    double blocks = 0;
    for (size_t i = 0; i < release->count; i++)
        blocks += cause_release_has(release, &release->items[i]) ? release->items[i].temp_blocks : 0;
    return blocks * BLOCK;
}

static double known_for(const cause_release *release)
{
    return (double)(release->from - release->known_since);
}

static int add_release(const cause_release *release, lb_error *err)
{
    cause_look *look = release->look;
    const cause_arrival *a = &release->arrival;
    const cause_new *worst = release->worst;
    bool is_near_unseen = false;
    double spilled = spilled_by(release), all_spilled = 0, least = look->limits.min_known_h * 3600e6;
    const char *change, *near = cause_release_near(release, &is_near_unseen, &change), *ids = worst_of(release);
    const cause_case c = {
        .id = CAUSE_NEW_STATEMENTS,
        .object = lb_printf(look->ctx, "role %s", release->user),
        .about = table_of(release),
        .reason = lb_printf(look->ctx,
                            "%zu statements that were not counted %.0f min ago take %.0f %% of the time that "
                            "statements take, %.2g calls at a time; the worst takes %.4g ms a call%s%s",
                            a->count, ceil((double)(look->reading.at - release->from) / 60e6), 100 * a->share, a->load,
                            worst->row->total_ms / (double)worst->row->calls, near ? "; " : "", near ? near : ""),
        .command = lb_printf(look->ctx,
                             "SELECT queryid, calls, mean_exec_time, query FROM pg_stat_statements WHERE queryid IN "
                             "(%s) ORDER BY total_exec_time DESC",
                             ids ? ids : "0"),
        .spills = cause_rose(look, "temp_bytes", &all_spilled) && spilled > all_spilled / 2,
        .strength = {cause_ramp(a->share, CAUSE_NEW_SHARE, 3 * CAUSE_NEW_SHARE),
                     cause_ramp(known_for(release), least, fmax(least, (double)A_WEEK)),
                     near             ? 1
                     : is_near_unseen ? CAUSE_UNSEEN
                                      : 0,
                     cause_ramp((double)a->count, CAUSE_ARRIVALS, 3 * CAUSE_ARRIVALS)},
        .evidence =
            LB_ARGS(lb_text("user", release->user), lb_i64("statements", (int64_t)a->count), lb_f64("share", a->share),
                    lb_f64("calls_at_a_time", a->load), lb_time("not_counted_at", release->from),
                    lb_time("known_since", release->known_since), lb_text("queryids", ids),
                    lb_text("queryid", lb_printf(look->ctx, "%lld", (long long)worst->row->queryid)),
                    lb_text("statement", worst->text), lb_i64("its_calls", worst->row->calls),
                    lb_f64("its_mean_ms", worst->row->total_ms / (double)worst->row->calls),
                    lb_f64("its_share", worst->ms / release->all_ms),
                    worst->counted_since ? lb_time("its_first_call", worst->counted_since) : lb_null("its_first_call"),
                    lb_f64("spilled_bytes", spilled), lb_text("near_it", near), lb_text("change", change),
                    lb_f64("interval_s", look->reading.interval_s))};
    return cause_add(look, &c, err);
}

/* ---- the whole ---- */

/* What looks like one is held against texts, and what is left of it against history: both are dear to ask. */
static int judge(cause_release *release, const char *user, lb_error *err)
{
    if (!measure(release, user))
        return 0;
    int r = cause_release_texts(release, err);
    if (r < 0 || !measure(release, user))
        return r;
    r = cause_release_past(release, err);
    if (r < 0 || !measure(release, user))
        return r;
    if (known_for(release) < release->look->limits.min_known_h * 3600e6) {
        release->look->unseen[CAUSE_NEW_STATEMENTS] =
            "there are new statements, and it is not known for long enough which there were before: statements are "
            "counted, or kept in history, since too short a time";
        return 0;
    }
    return add_release(release, err);
}

static bool is_first_of_role(const cause_release *release, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(release->items[i].row->user_name, release->items[index].row->user_name) == 0)
            return false;
    return true;
}

static int examine(survey *v, lb_error *err)
{
    cause_release *release = &v->release;
    int r = open_memory(v, err);
    if (r < 0)
        return r;
    v->new_fresh = json_object_new_object();
    if (!v->new_fresh)
        return lb_out_of_memory(err);
    r = follow(v, err);
    if (r >= 0)
        r = close_memory(v, err);
    json_object_put(v->new_fresh);
    bool is_whole = !v->counted.times_forgotten && v->whole_since < v->followed_since;
    release->known_since = is_whole ? v->whole_since : v->followed_since;
    for (size_t i = 0; r >= 0 && v->is_comparable && i < release->count; i++)
        if (is_first_of_role(release, i))
            r = judge(release, release->items[i].row->user_name, err);
    release->look->causes_tested += r >= 0 && v->is_comparable;
    return r;
}

int cause_look_at_release(cause_look *look, lb_error *err)
{
    survey *v = lb_alloc(look->ctx, sizeof *v);
    lb_rows *rows = NULL;
    if (!v)
        return lb_out_of_memory(err);
    *v = (survey){.release = {.look = look}};
    int r = cause_note_applications(look, err);
    if (r < 0 || !look->statements_schema)
        return r; /* where it is missing, the reading says so */
    r = diagnose_statements_counted(look->ctx, &(diagnose_statements_counted_args){.schema = look->statements_schema},
                                    &rows, err);
    if (r < 0 || !diagnose_statements_counted_next(look->ctx, rows, &v->counted))
        return r;
    if (look->statement_count >= CAUSE_MOST_STATEMENTS)
        look->unseen[CAUSE_NEW_STATEMENTS] = "more statements are counted than are followed";
    else if (!v->counted.sees_all)
        look->unseen[CAUSE_NEW_STATEMENTS] = "statements of other roles are hidden from this one";
    return look->unseen[CAUSE_NEW_STATEMENTS] ? 0 : examine(v, err);
}
