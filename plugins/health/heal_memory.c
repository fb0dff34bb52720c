#include "heal_memory.h"

#include <string.h>

#define MINUTE (INT64_C(60) * 1000000)
#define A_DAY  (INT64_C(24) * 60 * MINUTE)

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

static int recall(heal_memory *m, lb_error *err)
{
    const char *text = NULL;
    struct json_object *tries = NULL, *reading = NULL;
    int r = branch_recall(m->ctx, &text, &m->uid, err);
    struct json_object *all = r >= 0 && text ? json_tokener_parse(text) : NULL;
    if (!all)
        return r;
    if (lb_defer(m->ctx, put_object, all) < 0)
        return lb_out_of_memory(err);
    if (json_object_object_get_ex(all, "tries", &tries))
        take_tries(m, tries);
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

int heal_store(const heal_memory *m, lb_error *err)
{
    struct json_object *list = json_object_new_array();
    if (!list || lb_defer(m->ctx, put_object, list) < 0)
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
        lb_printf(m->ctx, "{\"tries\":%s,\"reading\":%s}", json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN),
                  m->reading ? m->reading : "null");
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

/* By others than the tools that self_heal itself sets to work. */
static bool is_own(const char *tool)
{
    return strcmp(tool, "self_heal") == 0 || strcmp(tool, "execute_low_risk_sop") == 0 ||
           strcmp(tool, "terminate_idle_connections") == 0;
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
    return NULL;
}
