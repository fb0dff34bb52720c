/* From a plan to the scheduler's table, and from an old table to a new one. */
#include "scheduler_internal.h"

#define MILLISECONDS 1000

/* ---- keys ---- */

/* FNV-1a, and a last mix so that all bits are worth something. */
uint64_t sched_hash(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *p = text; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 31;
}

/* What separates the parts of a key is written as its code in them. Returns the length that it needs. */
static size_t put_part(char *key, size_t at, const char *before, const char *part)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *before; before++, at++)
        if (at < SCHED_KEY)
            key[at] = *before;
    for (; *part; part++) {
        unsigned char c = (unsigned char)*part;
        bool plain = c > ' ' && c != 127 && !strchr("%/@:", c);
        char text[3] = {plain ? (char)c : '%', digits[c >> 4], digits[c & 15]};
        for (size_t i = 0; i < (plain ? 1U : 3U); i++, at++)
            if (at < SCHED_KEY)
                key[at] = text[i];
    }
    return at;
}

static size_t write_key(const job *j, const target *on, char key[SCHED_KEY])
{
    size_t at = put_part(key, 0, "", j->agent);
    at = put_part(key, at, "/", j->tool);
    if (j->variant)
        at = put_part(key, at, ":", j->variant);
    if (on->project) {
        at = put_part(key, at, "@", on->project);
        at = put_part(key, at, "/", on->branch ? on->branch : "");
    }
    key[at < SCHED_KEY ? at : SCHED_KEY - 1] = '\0';
    return at;
}

size_t sched_write_key(const table *t, const entry *e, char key[SCHED_KEY])
{
    return write_key(&t->jobs[e->job], &t->targets[e->target], key);
}

static uint32_t find_key(const table *t, const char *key, uint64_t hash, size_t *ret_at)
{
    char other[SCHED_KEY];
    size_t at = (size_t)hash & t->key_mask;
    for (; t->keys[at] != NOBODY; at = (at + 1) & t->key_mask) {
        const entry *e = &t->entries[t->keys[at]];
        if (e->hash != hash)
            continue;
        (void)sched_write_key(t, e, other); /* was short enough when it was built */
        if (strcmp(key, other) == 0)
            break;
    }
    *ret_at = at;
    return t->keys[at];
}

uint32_t sched_find(const table *t, const char *key)
{
    size_t at;
    return t->keys ? find_key(t, key, sched_hash(key), &at) : NOBODY;
}

/* ---- jobs, targets, windows ---- */

static int build_jobs(const sched_plan *plan, table *t, lb_error *err)
{
    t->jobs = base_alloc((plan->job_count + 1) * sizeof *t->jobs);
    for (size_t i = 0; i < plan->job_count; i++) {
        const sched_job *from = &plan->jobs[i];
        job *j = &t->jobs[t->job_count++];
        *j = (job){.agent = base_strdup(from->agent),
                   .tool = base_strdup(from->tool),
                   .variant = base_strdup(from->variant),
                   .cron_text = base_strdup(from->cron),
                   .window = base_strdup(from->window),
                   .params = from->params,
                   .floor_slot = NEVER,
                   .next_slot = NEVER};
        int r = cron_parse(from->cron, &j->cron, err);
        if (r < 0)
            return r;
        j->period = cron_period_s(&j->cron) * CLOCK_SECOND;
    }
    return 0;
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static uint64_t hash_name(const char *project, const char *branch)
{
    LB_AUTO_FREE char *name = base_printf("%s\n%s", project ? project : "", branch ? branch : "");
    return sched_hash(name);
}

uint32_t target_find(const table *t, const char *project, const char *branch)
{
    if (!t->names)
        return NOBODY;
    size_t at = (size_t)hash_name(project, branch) & t->name_mask;
    for (; t->names[at] != NOBODY; at = (at + 1) & t->name_mask) {
        const target *on = &t->targets[t->names[at]];
        if (is_same(on->project, project) && is_same(on->branch, branch))
            break;
    }
    return t->names[at];
}

/* Open addressing: room for twice as many, none taken. */
static uint32_t *new_slots(size_t count, size_t *ret_mask)
{
    size_t room = 16;
    while (room < 2 * count)
        room *= 2;
    uint32_t *slots = base_alloc(room * sizeof *slots);
    memset(slots, 0xFF, room * sizeof *slots); /* NOBODY in each */
    *ret_mask = room - 1;
    return slots;
}

static void build_targets(const sched_plan *plan, table *t)
{
    t->targets = base_alloc((plan->target_count + 1) * sizeof *t->targets);
    t->target_count = plan->target_count;
    t->names = new_slots(plan->target_count, &t->name_mask);
    for (size_t i = 0; i < plan->target_count; i++) {
        const sched_target *from = &plan->targets[i];
        t->targets[i] = (target){.project = base_strdup(from->project),
                                 .branch = base_strdup(from->branch),
                                 .first = NOBODY,
                                 .probe = NOBODY,
                                 .ours = !plan->leased};
        size_t at = (size_t)hash_name(from->project, from->branch) & t->name_mask;
        while (t->names[at] != NOBODY)
            at = (at + 1) & t->name_mask;
        t->names[at] = (uint32_t)i;
    }
}

static int build_windows(const sched_plan *plan, table *t, lb_error *err)
{
    t->windows = base_alloc((plan->window_count + 1) * sizeof *t->windows);
    for (size_t i = 0; i < plan->window_count; i++) {
        const sched_window *from = &plan->windows[i];
        window *w = &t->windows[t->window_count++];
        *w = (window){.name = base_strdup(from->name),
                      .project = base_strdup(from->project),
                      .branch = base_strdup(from->branch),
                      .lasts = INT64_C(60) * CLOCK_SECOND * from->lasts_min,
                      .pause = from->pause};
        int r = cron_parse(from->opens, &w->opens, err);
        if (r == 0 && from->timezone)
            r = zone_open(from->timezone, &w->zone, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- entries ---- */

static int add_entry(table *t, const sched_pair *pair, lb_error *err)
{
    char key[SCHED_KEY];
    size_t at;
    if (pair->job >= t->job_count || pair->target >= t->target_count)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "schedule: a pair names job %u and target %u, which are not there",
                       pair->job, pair->target);
    target *on = &t->targets[pair->target];
    if (write_key(&t->jobs[pair->job], on, key) >= SCHED_KEY)
        return lb_fail(err, LB_ERR_LIMIT, "shorten the names of project and branch",
                       "schedule: the key %.64s... is longer than %d bytes", key, SCHED_KEY - 1);
    uint64_t hash = sched_hash(key);
    if (find_key(t, key, hash, &at) != NOBODY)
        return 0; /* the first of a key stands */
    t->entries[t->entry_count] = (entry){.hash = hash,
                                         .job = pair->job,
                                         .target = pair->target,
                                         .sibling = on->first,
                                         .due = NEVER,
                                         .slot = NEVER,
                                         .pending = SCHED_NONE,
                                         .last_slot = SCHED_NONE,
                                         .last_started_at = SCHED_NONE,
                                         .last_ended_at = SCHED_NONE,
                                         .heap_at = NO_HEAP};
    on->first = t->keys[at] = (uint32_t)t->entry_count++;
    return 0;
}

static int build_entries(const sched_plan *plan, table *t, lb_error *err)
{
    if (plan->pair_count >= NOBODY / 4)
        return lb_fail(err, LB_ERR_LIMIT, NULL, "schedule: %zu entries are too many", plan->pair_count);
    t->keys = new_slots(plan->pair_count, &t->key_mask);
    t->entries = base_alloc((plan->pair_count + 1) * sizeof *t->entries);
    t->heap = base_alloc((plan->pair_count + 1) * sizeof *t->heap);
    for (size_t i = 0; i < plan->pair_count; i++) {
        int r = add_entry(t, &plan->pairs[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- offsets ---- */

typedef struct hashed {
    uint64_t hash;
    uint32_t entry;
} hashed;

static int compare_hashes(const void *a, const void *b)
{
    const hashed *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* The hash names a second; entries of one target never share the second of a minute as long as there are enough, so
 * that whatever their crons are they do not start in the same one. In the order of their hashes, so that the order of
 * the plan and other targets change nothing. */
static void spread_target(table *t, const target *on, hashed *sorted)
{
    size_t count = 0;
    uint64_t taken = 0;
    for (uint32_t i = on->first; i != NOBODY; i = t->entries[i].sibling)
        sorted[count++] = (hashed){t->entries[i].hash, i};
    if (count > 1)
        qsort(sorted, count, sizeof *sorted, compare_hashes);
    for (size_t i = 0; i < count; i++) {
        entry *e = &t->entries[sorted[i].entry];
        uint32_t seconds = (uint32_t)(t->jobs[e->job].spread / CLOCK_SECOND);
        if (!seconds)
            continue;
        uint32_t second = (uint32_t)(e->hash % seconds), tries = 0;
        while ((taken >> second % 60 & 1) && tries++ < 60)
            second = (second + 1) % seconds;
        taken |= UINT64_C(1) << second % 60;
        e->offset_ms = second * MILLISECONDS + (uint32_t)((e->hash >> 32) % MILLISECONDS);
    }
}

/* As wide as the plan says, but no wider than the period; and what comes with the opening of a window is to start
 * before that closes. */
static void spread_job(const table *t, job *j)
{
    j->spread = t->spread < j->period ? t->spread : j->period;
    for (size_t i = 0; j->window && i < t->window_count; i++) {
        const window *w = &t->windows[i];
        if (!w->pause && strcmp(w->name, j->window) == 0 && w->lasts / 2 < j->spread)
            j->spread = w->lasts / 2;
    }
}

static void spread_entries(table *t)
{
    for (size_t i = 0; i < t->job_count; i++)
        spread_job(t, &t->jobs[i]);
    hashed *sorted = base_alloc((t->entry_count + 1) * sizeof *sorted);
    for (size_t i = 0; i < t->target_count; i++)
        spread_target(t, &t->targets[i], sorted);
    free(sorted);
}

static int table_build(const sched_plan *plan, table *ret_table, lb_error *err)
{
    table t = {.timezone = base_strdup(plan->timezone ? plan->timezone : "UTC"),
               .spread = (plan->spread_s < 86400 ? plan->spread_s : 86400) * CLOCK_SECOND,
               .backoff_max = plan->backoff_max_s * CLOCK_SECOND,
               .catch_up = plan->catch_up,
               .leased = plan->leased};
    int r = zone_open(t.timezone, &t.zone, err);
    if (r == 0)
        r = build_jobs(plan, &t, err);
    if (r == 0)
        r = build_windows(plan, &t, err);
    build_targets(plan, &t);
    if (r == 0)
        r = build_entries(plan, &t, err);
    if (r < 0) {
        table_done(&t);
        return r;
    }
    spread_entries(&t);
    *ret_table = t;
    return 0;
}

void table_done(table *t)
{
    for (size_t i = 0; i < t->job_count; i++) {
        free(t->jobs[i].agent);
        free(t->jobs[i].tool);
        free(t->jobs[i].variant);
        free(t->jobs[i].cron_text);
        free(t->jobs[i].window);
    }
    for (size_t i = 0; i < t->target_count; i++) {
        free(t->targets[i].project);
        free(t->targets[i].branch);
        free(t->targets[i].why);
    }
    for (size_t i = 0; i < t->window_count; i++) {
        free(t->windows[i].name);
        free(t->windows[i].project);
        free(t->windows[i].branch);
        (void)zone_free(t->windows[i].zone); /* gives NULL */
    }
    for (size_t i = 0; i < t->entry_count; i++)
        free(t->entries[i].why);
    free(t->jobs);
    free(t->targets);
    free(t->windows);
    free(t->entries);
    free(t->heap);
    free(t->keys);
    free(t->names);
    free(t->timezone);
    (void)zone_free(t->zone); /* gives NULL */
    *t = (table){0};
}

/* ---- a new plan for an old one ---- */

/* For each old target its number in the new table, or NOBODY. The caller frees. */
static uint32_t *map_targets(const table *old, const table *fresh)
{
    uint32_t *map = base_alloc((old->target_count + 1) * sizeof *map);
    for (size_t i = 0; i < old->target_count; i++)
        map[i] = target_find(fresh, old->targets[i].project, old->targets[i].branch);
    return map;
}

static void carry_target(table *old, target *from, table *fresh, target *to)
{
    char key[SCHED_KEY];
    if (old->leased == fresh->leased)
        to->ours = from->ours;
    to->failures = from->failures;
    to->hold_until = from->hold_until;
    to->failed_monotonic = from->failed_monotonic;
    to->why = from->why;
    from->why = NULL;
    if (from->probe == NOBODY)
        return;
    (void)sched_write_key(old, &old->entries[from->probe], key); /* was short enough when it was built */
    to->probe = sched_find(fresh, key);
}

/* What is known of an entry goes on; its place in time too, when its cron is the same. What waited for something else
 * than time is judged again, in turn. */
static void carry_entry(sched *s, const table *old, entry *from, entry *e, sched_time now)
{
    bool same_times = strcmp(old->jobs[from->job].cron_text, s->t.jobs[e->job].cron_text) == 0 &&
                      strcmp(old->timezone, s->t.timezone) == 0 && from->offset_ms == e->offset_ms;
    entry fresh = *e;
    *e = *from;
    from->why = NULL;
    e->job = fresh.job;
    e->target = fresh.target;
    e->sibling = fresh.sibling;
    e->offset_ms = fresh.offset_ms;
    e->heap_at = NO_HEAP;
    if (!same_times) {
        e->pending = SCHED_NONE;
        e->pending_missed = 0;
        e->hold_until = 0;
        sched_reset_slot(s, e, now);
        sched_back_off(s, e, now);
    }
    if (e->running || e->pending == SCHED_NONE) {
        e->reason = e->running ? SCHED_RUNNING : SCHED_IN_TIME;
        e->due = sched_regular_due(e);
    } else if (e->reason != SCHED_CATCHING_UP) {
        e->in_turn = true;
        e->due = now.wall;
    }
}

/* Runs go on without their entry: their end is still heard of. */
static void keep_ghosts(sched *s, const table *old, const uint32_t *map)
{
    char key[SCHED_KEY];
    size_t kept = 0;
    for (size_t i = 0; i < s->ghost_count; i++) {
        ghost *g = &s->ghosts[i];
        uint32_t back = sched_find(&s->t, g->key);
        if (back == NOBODY) {
            g->target = g->target == NOBODY ? NOBODY : map[g->target];
            s->ghosts[kept++] = *g;
            continue;
        }
        s->t.entries[back].running = true;
        s->t.entries[back].reason = SCHED_RUNNING;
        s->t.entries[back].started_monotonic = g->started_monotonic;
        free(g->key);
    }
    s->ghost_count = kept;
    for (size_t i = 0; i < old->entry_count; i++) {
        const entry *e = &old->entries[i];
        (void)sched_write_key(old, e, key); /* was short enough when it was built */
        if (!e->running || sched_find(&s->t, key) != NOBODY)
            continue;
        BASE_PUSH(s->ghosts, s->ghost_count, s->ghost_capacity);
        s->ghosts[s->ghost_count++] = (ghost){base_strdup(key), map[e->target], e->started_monotonic};
    }
}

int sched_load(sched *s, const sched_plan *plan, sched_time now, lb_error *err)
{
    table fresh, old;
    char key[SCHED_KEY];
    sched_see_clock(s, now);
    int r = table_build(plan, &fresh, err);
    if (r < 0)
        return r;
    old = s->t;
    s->t = fresh;
    LB_AUTO_FREE uint32_t *map = map_targets(&old, &s->t);
    for (size_t i = 0; i < old.target_count; i++)
        if (map[i] != NOBODY)
            carry_target(&old, &old.targets[i], &s->t, &s->t.targets[map[i]]);
    keep_ghosts(s, &old, map);
    for (size_t i = 0; i < s->t.entry_count; i++) {
        entry *e = &s->t.entries[i];
        (void)sched_write_key(&s->t, e, key); /* is short enough: table_build looked */
        uint32_t known = sched_find(&old, key);
        if (known != NOBODY) {
            carry_entry(s, &old, &old.entries[known], e, now);
            continue;
        }
        sched_reset_slot(s, e, now);
        e->due = sched_regular_due(e);
    }
    heap_rebuild(&s->t);
    table_done(&old);
    return 0;
}
