/* Where those at work wait, seen a few times in a row: by class and event, and what was found that stands behind it. */
#include "cause_look.h"

#include <sql/diagnose/waits.h>

#include <string.h>
#include <time.h>

#define ENOUGH   3 /* looks that agree: a light lock is held for microseconds, and one look says nothing */
#define APART_MS 50

/* What makes sessions wait in a class of waits. */
static const struct {
    const char *name, *causes;
} classes[] = {
    {"CPU", "new_statements plan_changed stale_statistics dropped_index dead_tuples"},
    {"IO", "cache_collapse temp_spill new_statements plan_changed dropped_index dead_tuples checkpoint_pressure"},
    {"Lock", "lock_chain idle_in_transaction deadlocks"},
    {"LWLock", "light_locks connection_storm"},
    {"IPC", "replication_lag"},
};

/* ---- looking ---- */

static bool is_ours(const health_session *s)
{
    return s->own || strncmp(s->application, "lbops", 5) == 0;
}

static bool somebody_works(const cause_look *look)
{
    for (size_t i = 0; i < look->sessions.count; i++) {
        const health_session *s = &look->sessions.rows[i];
        if (health_is_client(s) && !is_ours(s) && s->state && strcmp(s->state, "active") == 0)
            return true;
    }
    return false;
}

static bool is_class(const cause_wait *wait, const char *name)
{
    return strcmp(wait->name, name) == 0;
}

static bool is_wait(const cause_wait *wait, const diagnose_waits_row *w)
{
    return is_class(wait, w->wait_class) &&
           (wait->event && w->wait_event ? strcmp(wait->event, w->wait_event) == 0 : wait->event == w->wait_event);
}

static void add_wait(cause_look *look, cause_wait *all, const diagnose_waits_row *w)
{
    size_t at = 0;
    while (at < look->wait_count && !is_wait(&all[at], w))
        at++;
    if (at == look->wait_count)
        all[look->wait_count++] = (cause_wait){.name = w->wait_class, .event = w->wait_event};
    all[at].seen += w->sessions;
}

/* ret_light: whether most of enough of them waited for light locks. */
static int look_once(cause_look *look, bool *ret_light, lb_error *err)
{
    diagnose_waits_row w;
    lb_rows *rows = NULL;
    int64_t active = 0, light = 0;
    int r = diagnose_waits(look->ctx, &rows, err);
    if (r < 0)
        return r;
    cause_wait *all = lb_alloc(look->ctx, (look->wait_count + (size_t)lb_row_count(look->ctx, rows) + 1) * sizeof *all);
    if (!all)
        return lb_out_of_memory(err);
    if (look->wait_count)
        memcpy(all, look->waits, look->wait_count * sizeof *all);
    while (diagnose_waits_next(look->ctx, rows, &w)) {
        active += w.sessions;
        light += strcmp(w.wait_class, "LWLock") == 0 ? w.sessions : 0;
        add_wait(look, all, &w);
    }
    look->waits = all;
    look->wait_looks++;
    look->at_work += active;
    *ret_light = active >= look->limits.min_active && 2 * light > active;
    return 0;
}

/* A class with all its events together; event: the one that was seen most, and of_event how often. */
typedef struct sum {
    const char *name, *event;
    int64_t seen, of_event;
} sum;

static sum sum_of(const cause_look *look, const char *name)
{
    sum all = {.name = name};
    for (size_t i = 0; i < look->wait_count; i++) {
        const cause_wait *wait = &look->waits[i];
        if (!is_class(wait, name))
            continue;
        all.seen += wait->seen;
        if (wait->seen > all.of_event) {
            all.event = wait->event;
            all.of_event = wait->seen;
        }
    }
    return all;
}

static double part(int64_t of, int64_t all)
{
    return all > 0 ? (double)of / (double)all : 0;
}

static int judge_light_locks(cause_look *look, int64_t times, lb_error *err)
{
    const sum light = sum_of(look, "LWLock");
    double share = part(light.seen, look->at_work), at_work = part(look->at_work, look->wait_looks);
    double of_event = part(light.of_event, light.seen), least = (double)look->limits.min_active;
    const char *event = light.event ? light.event : "unknown";
    if (times < ENOUGH)
        return 0;
    const cause_case c = {
        .id = CAUSE_LIGHT_LOCKS,
        .object = "server",
        .reason = lb_printf(look->ctx,
                            "of %.1f sessions at work %.0f %% wait for the server's own short locks, most of them for "
                            "%s; so it was in %lld of %lld looks",
                            at_work, 100 * share, event, (long long)times, (long long)look->wait_looks),
        .command = "SELECT wait_event, count(*) FROM pg_stat_activity WHERE wait_event_type = 'LWLock' GROUP BY 1 ORDER"
                   " BY 2 DESC",
        .strength = {cause_ramp(share, 0.5, 0.9), 1, cause_ramp(of_event, 0.5, 0.8),
                     cause_ramp(at_work, least, 4 * least)},
        .evidence = LB_ARGS(lb_f64("share", share), lb_f64("at_work", at_work), lb_text("wait_event", light.event),
                            lb_f64("its_share", of_event), lb_i64("looks", look->wait_looks),
                            lb_i64("looks_like_this", times))};
    return cause_add(look, &c, err);
}

int cause_look_at_waits(cause_look *look, lb_error *err)
{
    const struct timespec pause = {.tv_nsec = APART_MS * 1000000L};
    int64_t times = 0;
    bool is_light = false;
    int r = 0;
    look->is_at_rest = !somebody_works(look);
    for (int64_t i = 0; r >= 0 && i < look->limits.wait_looks && !look->is_at_rest; i++) {
        if (i)
            (void)nanosleep(&pause, NULL); /* a signal ends it early, which is fine */
        r = look_once(look, &is_light, err);
        times += r >= 0 && is_light;
    }
    return r < 0 ? r : judge_light_locks(look, times, err);
}

/* ---- telling ---- */

/* The classes, that which was seen most first. */
static size_t sum_up(const cause_look *look, sum *sums)
{
    size_t count = 0;
    for (size_t i = 0; i < look->wait_count; i++) {
        size_t at = 0;
        while (at < i && !is_class(&look->waits[at], look->waits[i].name))
            at++;
        if (at < i)
            continue; /* its class was there before */
        const sum next = sum_of(look, look->waits[i].name);
        for (at = count++; at && sums[at - 1].seen < next.seen; at--)
            sums[at] = sums[at - 1];
        sums[at] = next;
    }
    return count;
}

/* "lock_chain of session 4711", of each that was found and makes sessions wait so. */
static lb_value causes_of(const cause_look *look, size_t found, const char *name)
{
    const char *kinds = NULL;
    size_t count = 0;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        kinds = strcmp(classes[i].name, name) == 0 ? classes[i].causes : kinds;
    lb_value *items = lb_alloc(look->ctx, (found + 1) * sizeof *items);
    for (size_t i = 0; items && i < found; i++) {
        const char *kind = cause_rules[look->cases[i].id].kind;
        if (cause_has_word(kinds, kind))
            items[count++] = lb_text(NULL, lb_printf(look->ctx, "%s of %s", kind, look->cases[i].object));
    }
    return lb_list("causes", LB_TEXT, items, count);
}

static int tell_class(const cause_look *look, size_t found, const sum *s, lb_error *err)
{
    return lb_append(
        look->ctx, "waits",
        LB_ARGS(lb_text("class", s->name), lb_f64("share", part(s->seen, look->at_work)),
                lb_f64("sessions", part(s->seen, look->wait_looks)), lb_text("event", s->event),
                s->event ? lb_f64("event_share", part(s->of_event, look->at_work)) : lb_null("event_share"),
                causes_of(look, found, s->name)),
        err);
}

int cause_tell_waits(const cause_look *look, size_t found, lb_error *err)
{
    sum *sums = lb_alloc(look->ctx, (look->wait_count + 1) * sizeof *sums);
    bool is_seen = !look->unseen[CAUSE_LIGHT_LOCKS] && !look->sessions.hidden;
    const char *text = look->is_at_rest && is_seen ? "nobody was at work" : NULL; /* NULL: it is not known */
    int r = 0;
    if (!sums)
        return lb_out_of_memory(err);
    size_t count = sum_up(look, sums);
    if (look->wait_looks)
        text = lb_printf(look->ctx, "%.1f sessions at work in %lld looks", part(look->at_work, look->wait_looks),
                         (long long)look->wait_looks);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const sum *s = &sums[i];
        text = lb_printf(look->ctx, "%s%s %.0f %% %s%s%s%s", text ? text : "", i ? "," : ":",
                         100 * part(s->seen, look->at_work), s->name, s->event ? " (" : "", s->event ? s->event : "",
                         s->event ? ")" : "");
        r = tell_class(look, found, s, err);
    }
    return r < 0 ? r : lb_result(look->ctx, LB_ARGS(lb_text("where_time_goes", text)), err);
}
