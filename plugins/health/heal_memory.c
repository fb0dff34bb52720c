#include "heal_memory.h"

#include <string.h>

#define MINUTE  (INT64_C(60) * 1000000)
#define A_DAY   (INT64_C(24) * 60 * MINUTE)
#define A_MONTH (30 * A_DAY)

static void put_object(void *object)
{
    json_object_put(object);
}

/* ---- remembered ---- */

static struct json_object *part(struct json_object *list, size_t index)
{
    return json_object_array_get_idx(list, index);
}

static void take_tries(heal_memory *m, struct json_object *list)
{
    size_t length = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = length > HEAL_TRIES ? length - HEAL_TRIES : 0; i < length; i++) {
        struct json_object *one = part(list, i);
        const char *key = json_object_get_string(part(one, 1));
        if (key)
            m->tries[m->try_count++] = (heal_try){.at = json_object_get_int64(part(one, 0)),
                                                  .key = key,
                                                  .changed = json_object_get_boolean(part(one, 2)),
                                                  .helped = json_object_get_boolean(part(one, 3))};
    }
}

static const char *text_in(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : NULL;
}

static int64_t number_in(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(object, name, &value) ? json_object_get_int64(value) : 0;
}

static heal_past past_of(struct json_object *one)
{
    struct json_object *number = NULL;
    int64_t state = number_in(one, "state");
    return (heal_past){.state = state >= 0 && state < HEAL_STATES ? (heal_state)state : HEAL_FAILED,
                       .title = text_in(one, "title"),
                       .kind = text_in(one, "kind"),
                       .object = text_in(one, "object"),
                       .schema = text_in(one, "schema"),
                       .table = text_in(one, "table"),
                       .command = text_in(one, "command"),
                       .by = text_in(one, "by"),
                       .asked_at = number_in(one, "asked_at"),
                       .done_at = number_in(one, "done_at"),
                       .number =
                           json_object_object_get_ex(one, "number", &number) ? json_object_get_double(number) : -1};
}

static void take_pasts(heal_memory *m, struct json_object *list)
{
    size_t length = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    for (size_t i = 0; i < length; i++) {
        const heal_past past = past_of(part(list, i));
        if (past.title && past.kind && past.object && lb_now(m->ctx) - past.asked_at < A_MONTH)
            heal_keep(m, &past);
    }
}

void heal_keep(heal_memory *m, const heal_past *past)
{
    const heal_past kept = *past; /* it may be one of those that move */
    size_t left = 0;
    for (size_t i = 0; i < m->past_count; i++)
        if (strcmp(m->pasts[i].title, kept.title) != 0)
            m->pasts[left++] = m->pasts[i];
    m->pasts[left++] = kept;
    if (left > HEAL_PASTS)
        memmove(m->pasts, m->pasts + 1, --left * sizeof *m->pasts);
    m->past_count = left;
}

static int recall(heal_memory *m, lb_error *err)
{
    const char *text = NULL;
    struct json_object *tries = NULL, *reading = NULL, *pasts = NULL;
    int r = branch_recall(m->ctx, &text, &m->uid, err);
    struct json_object *all = r >= 0 && text ? json_tokener_parse(text) : NULL;
    if (!all)
        return r;
    if (lb_defer(m->ctx, put_object, all) < 0)
        return lb_out_of_memory(err);
    if (json_object_object_get_ex(all, "tries", &tries))
        take_tries(m, tries);
    if (json_object_object_get_ex(all, "agreed", &pasts))
        take_pasts(m, pasts);
    if (json_object_object_get_ex(all, "reading", &reading))
        m->reading = json_object_to_json_string_ext(reading, JSON_C_TO_STRING_PLAIN);
    return 0;
}

int heal_note(heal_memory *m, const char *key, bool changed, bool helped, lb_error *err)
{
    if (!key)
        return lb_out_of_memory(err);
    m->tries[m->try_count++] = (heal_try){.at = lb_now(m->ctx), .key = key, .changed = changed, .helped = helped};
    if (m->try_count > HEAL_TRIES) {
        memmove(m->tries, m->tries + 1, HEAL_TRIES * sizeof *m->tries);
        m->try_count = HEAL_TRIES;
    }
    return 0;
}

static void put(struct json_object *list, struct json_object *item)
{
    if (item && json_object_array_add(list, item) != 0)
        json_object_put(item); /* out of memory: it is told below */
}

static void put_text(struct json_object *object, const char *name, const char *text)
{
    struct json_object *value = text ? json_object_new_string(text) : NULL;
    if (value && json_object_object_add(object, name, value) != 0)
        json_object_put(value); /* out of memory: it is told below */
}

static struct json_object *past_to_keep(const heal_past *past)
{
    struct json_object *one = json_object_new_object();
    if (!one)
        return NULL;
    put_text(one, "title", past->title);
    put_text(one, "kind", past->kind);
    put_text(one, "object", past->object);
    put_text(one, "schema", past->schema);
    put_text(one, "table", past->table);
    put_text(one, "command", past->command);
    put_text(one, "by", past->by);
    (void)json_object_object_add(one, "state", json_object_new_int64(past->state));
    (void)json_object_object_add(one, "asked_at", json_object_new_int64(past->asked_at));
    (void)json_object_object_add(one, "done_at", json_object_new_int64(past->done_at));
    (void)json_object_object_add(one, "number", json_object_new_double(past->number));
    return one;
}

int heal_store(const heal_memory *m, lb_error *err)
{
    struct json_object *list = json_object_new_array(), *pasts = json_object_new_array();
    if (pasts && lb_defer(m->ctx, put_object, pasts) < 0)
        return lb_out_of_memory(err);
    for (size_t i = 0; pasts && i < m->past_count; i++)
        put(pasts, past_to_keep(&m->pasts[i]));
    if (!pasts || !list || lb_defer(m->ctx, put_object, list) < 0)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < m->try_count; i++) {
        struct json_object *one = json_object_new_array();
        if (!one)
            return lb_out_of_memory(err);
        put(one, json_object_new_int64(m->tries[i].at));
        put(one, json_object_new_string(m->tries[i].key));
        put(one, json_object_new_boolean(m->tries[i].changed));
        put(one, json_object_new_boolean(m->tries[i].helped));
        put(list, one);
    }
    const char *text =
        lb_printf(m->ctx, "{\"tries\":%s,\"agreed\":%s,\"reading\":%s}",
                  json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN),
                  json_object_to_json_string_ext(pasts, JSON_C_TO_STRING_PLAIN), m->reading ? m->reading : "null");
    return text ? branch_remember(m->ctx, text, m->uid, err) : lb_out_of_memory(err);
}

/* ---- history ---- */

static int read_changes(heal_memory *m, lb_error *err)
{
    const lb_target *target = lb_run_target(m->ctx);
    const diagnose_changes_args wanted = {
        .project = target->project, .branch = target->branch, .since = lb_now(m->ctx) - A_DAY};
    lb_rows *rows = NULL;
    int r = diagnose_changes(m->ctx, &wanted, &rows, err);
    diagnose_changes_row *all = r < 0 ? NULL : lb_alloc(m->ctx, ((size_t)lb_row_count(m->ctx, rows) + 1) * sizeof *all);
    if (!all)
        return r < 0 ? r : lb_out_of_memory(err);
    while (diagnose_changes_next(m->ctx, rows, &all[m->change_count]))
        m->change_count++;
    m->changes = all;
    return 0;
}

static int read_decisions(heal_memory *m, lb_error *err)
{
    const lb_target *target = lb_run_target(m->ctx);
    const diagnose_decisions_args wanted = {
        .project = target->project, .branch = target->branch, .tool = "self_heal", .since = lb_now(m->ctx) - 7 * A_DAY};
    lb_rows *rows = NULL;
    int r = diagnose_decisions(m->ctx, &wanted, &rows, err);
    diagnose_decisions_row *all =
        r < 0 ? NULL : lb_alloc(m->ctx, ((size_t)lb_row_count(m->ctx, rows) + 1) * sizeof *all);
    if (!all)
        return r < 0 ? r : lb_out_of_memory(err);
    while (diagnose_decisions_next(m->ctx, rows, &all[m->decision_count]))
        m->decision_count++;
    m->decisions = all;
    return 0;
}

/* Without history there is what is remembered. */
int heal_load(lb_ctx *ctx, heal_memory *ret_memory, lb_error *err)
{
    *ret_memory = (heal_memory){.ctx = ctx};
    int r = recall(ret_memory, err);
    if (r < 0)
        return r;
    r = read_changes(ret_memory, err);
    if (r >= 0)
        r = read_decisions(ret_memory, err);
    r = lb_history_or_skip(ctx, r, "changes of others and what people decided", NULL, err);
    return r < 0 ? r : 0;
}

/* ---- why not ---- */

const char *heal_tried(const heal_memory *m, const char *key)
{
    switch (heal_judge(m->tries, m->try_count, key, lb_now(m->ctx))) {
    case HEAL_TOO_SOON:
        return lb_printf(m->ctx, "it was tried less than %lld h ago",
                         (long long)(heal_pause(heal_failures(m->tries, m->try_count, key)) / (60 * MINUTE)));
    case HEAL_TOO_MANY:
        return "three changes within an hour are enough: a person should look";
    case HEAL_BROKEN:
        return "the last two remedies did not help: a person should look";
    default:
        return NULL;
    }
}

bool heal_gives_up(const heal_memory *m, const char *key)
{
    return heal_failures(m->tries, m->try_count, key) > 0 ||
           heal_judge(m->tries, m->try_count, key, lb_now(m->ctx)) >= HEAL_TOO_MANY;
}

const char *heal_decided(const heal_memory *m, const char *title)
{
    for (size_t i = 0; title && i < m->decision_count; i++) {
        const diagnose_decisions_row *d = &m->decisions[i];
        if (strcmp(d->title, title) != 0)
            continue;
        if (strcmp(d->status, "denied") == 0)
            return lb_printf(m->ctx, "%s said no to it", d->decided_by ? d->decided_by : "somebody");
        if (strcmp(d->status, "pending") == 0 || strcmp(d->status, "returned") == 0)
            return "a person is already asked";
    }
    return NULL;
}

const diagnose_decisions_row *heal_decision(const heal_memory *m, const char *title, int64_t since)
{
    for (size_t i = 0; i < m->decision_count; i++)
        if (strcmp(m->decisions[i].title, title) == 0 && m->decisions[i].decided_at >= since)
            return &m->decisions[i];
    return NULL;
}

static bool is_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

const char *heal_agreed(const heal_memory *m, const cause_found *c, int64_t settle)
{
    for (size_t i = m->past_count; i-- > 0;) {
        const heal_past *past = &m->pasts[i];
        bool is_it = is_same(past->kind, c->kind) && is_same(past->object, c->object);
        bool is_its_table = is_same(past->schema, c->schema) && is_same(past->table, c->table);
        if (past->state == HEAL_UNDONE && is_it)
            return lb_printf(m->ctx, "it was done, as %s had approved (%s), and somebody has changed it by hand since",
                             past->by ? past->by : "somebody", past->title);
        bool is_young = past->state == HEAL_DONE && lb_now(m->ctx) - past->done_at < settle;
        if (is_young && (is_it || is_its_table))
            return lb_printf(m->ctx, "what %s approved (%s) is given its time", past->by ? past->by : "somebody",
                             past->title);
    }
    return NULL;
}

/* By others than the tools that self_heal itself sets to work. */
static bool is_own(const char *tool)
{
    return strcmp(tool, "self_heal") == 0 || strcmp(tool, "execute_low_risk_sop") == 0 ||
           strcmp(tool, "terminate_idle_connections") == 0;
}

/* One of our changes in that time was to what this cause is about. */
static bool changed_by_us(const heal_memory *m, const cause_found *c, int64_t since)
{
    const char *dot = c->object ? strchr(c->object, '.') : NULL;
    const char *what = c->id == CAUSE_AUTOVACUUM_OFF ? "autovacuum_enabled" : dot ? dot + 1 : c->key;
    for (size_t i = 0; i < m->change_count && m->changes[i].changed_at >= since; i++)
        if (strstr(m->changes[i].statement, what) &&
            (c->id != CAUSE_AUTOVACUUM_OFF || !c->table || strstr(m->changes[i].statement, c->table)))
            return true;
    return false;
}

/* A diagnosis that has seen it otherwise before says since when it is so. */
static const char *changed_by_hand(const heal_memory *m, const cause_found *c, double within_min)
{
    struct json_object *evidence = c->evidence ? json_tokener_parse(c->evidence) : NULL, *seen = NULL;
    bool is_said = json_object_object_get_ex(evidence, CAUSE_SEEN_SINCE, &seen) && seen;
    double minutes = is_said ? json_object_get_double(seen) / 60 : 0;
    json_object_put(evidence);
    if (!is_said || minutes >= within_min ||
        changed_by_us(m, c, lb_now(m->ctx) - (int64_t)(within_min * (double)MINUTE)))
        return NULL;
    return lb_printf(m->ctx, "somebody changed it by hand, which was first seen %.0f minutes ago", minutes);
}

const char *heal_changed_by_others(const heal_memory *m, const cause_found *c, double within_min)
{
    int64_t since = lb_now(m->ctx) - (int64_t)(within_min * (double)MINUTE);
    const char *name = c->table ? c->table : c->pid ? NULL : c->object;
    for (size_t i = 0; name && i < m->change_count && m->changes[i].changed_at >= since; i++) {
        const diagnose_changes_row *change = &m->changes[i];
        if (!is_own(change->tool) && strstr(change->statement, name))
            return lb_printf(m->ctx, "%s (%s) changed it %.0f minutes ago",
                             change->actor ? change->actor : change->actor_kind, change->tool,
                             (double)(lb_now(m->ctx) - change->changed_at) / (double)MINUTE);
    }
    return changed_by_hand(m, c, within_min);
}
