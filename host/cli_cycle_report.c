#include "cli_cycle_report.h"

#include "clock.h"
#include "pattern.h"
#include "phase.h"

#define LIST_MOST 500 /* of one list; how many there were is said */

struct cycle_report {
    const manifest *m;
    struct json_object *whole;
    struct json_object *phases, *targets, *tools;
    int64_t records, changed, began, ended;
};

/* ---- counting ---- */

static void count(struct json_object *object, const char *name, int64_t more)
{
    json_object_object_add(object, name, json_object_new_int64(json_get_i64(object, name, 0) + more));
}

static struct json_object *new_counts(const char *name, const char *value)
{
    static const char *const counts[] = {"runs",     "ok",      "failed", "skipped", "pending_approval",
                                         "findings", "changes", "records"};
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, name, json_object_new_string(value));
    for (size_t i = 0; i < LB_COUNT(counts); i++)
        json_object_object_add(object, counts[i], json_object_new_int64(0));
    return object;
}

static struct json_object *counts_of(struct json_object *list, const char *name, const char *value)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *object = json_object_array_get_idx(list, i);
        if (strcmp(json_get_text(object, name), value) == 0)
            return object;
    }
    struct json_object *object = new_counts(name, value);
    (void)json_object_array_add(list, object);
    return object;
}

static size_t length_of(struct json_object *list)
{
    return list ? json_object_array_length(list) : 0;
}

/* A setting of one's own session is written down at the door, and changes nothing for others. */
static bool is_change(struct json_object *change)
{
    const char *does = json_get_text(change, "effect");
    return json_get_bool(change, "executed") && !(does && strcmp(does, "read") == 0);
}

int64_t cycle_report_findings(struct json_object *document)
{
    return (int64_t)length_of(json_get_list(json_get_object(document, "result"), "findings"));
}

int64_t cycle_report_changes(struct json_object *document)
{
    struct json_object *changes = json_get_list(document, "changes");
    int64_t made = 0;
    for (size_t i = 0; i < length_of(changes); i++)
        made += is_change(json_object_array_get_idx(changes, i));
    return made;
}

static void count_run(struct json_object *into, struct json_object *document)
{
    const char *status = json_get_text(document, "status");
    bool is_failure = status && (strcmp(status, "timeout") == 0 || strcmp(status, "crashed") == 0);
    count(into, "runs", 1);
    count(into, is_failure ? "failed" : status ? status : "failed", 1);
    count(into, "findings", cycle_report_findings(document));
    count(into, "changes", cycle_report_changes(document));
    count(into, "records", json_get_i64(document, "records", 0));
}

/* ---- lists ---- */

static void copy(struct json_object *into, const char *as, struct json_object *from, const char *name)
{
    struct json_object *value = NULL;
    if (from && json_object_object_get_ex(from, name, &value) && value)
        json_object_object_add(into, as, json_object_get(value));
}

/* A new item at the end of a list, about that run; NULL: the list is long enough. */
static struct json_object *new_item(cycle_report *r, const char *list, struct json_object *document)
{
    struct json_object *target = json_get_object(document, "target"), *items = json_get_list(r->whole, list);
    if (length_of(items) >= LIST_MOST)
        return NULL;
    struct json_object *item = json_object_new_object();
    copy(item, "tool", document, "tool");
    LB_AUTO_FREE char *place =
        target ? base_printf("%s/%s", json_get_text(target, "project"), json_get_text(target, "branch"))
               : base_strdup("workspace");
    json_object_object_add(item, "target", json_object_new_string(place));
    (void)json_object_array_add(items, item);
    return item;
}

static void add_findings(cycle_report *r, struct json_object *document)
{
    static const char *const members[] = {"object", "kind", "reason", "impact", "fix"};
    struct json_object *found = json_get_list(json_get_object(document, "result"), "findings");
    for (size_t i = 0; i < length_of(found); i++) {
        struct json_object *finding = json_object_array_get_idx(found, i), *item = new_item(r, "found", document);
        for (size_t k = 0; item && k < LB_COUNT(members); k++)
            copy(item, members[k], finding, members[k]);
        if (item)
            copy(item, "confidence", json_get_object(finding, "confidence"), "label");
    }
}

static void add_changes(cycle_report *r, struct json_object *document)
{
    static const char *const members[] = {"group", "kind", "effect", "statement", "rows"};
    struct json_object *changes = json_get_list(document, "changes");
    for (size_t i = 0; i < length_of(changes); i++) {
        struct json_object *change = json_object_array_get_idx(changes, i);
        struct json_object *item = is_change(change) ? new_item(r, "fixed", document) : NULL;
        for (size_t k = 0; item && k < LB_COUNT(members); k++)
            copy(item, members[k], change, members[k]);
    }
}

static void add_requests(cycle_report *r, struct json_object *document)
{
    struct json_object *asked = json_get_list(document, "approvals");
    for (size_t i = 0; i < length_of(asked); i++) {
        struct json_object *request = json_object_array_get_idx(asked, i);
        struct json_object *item = json_get_text(request, "id") ? new_item(r, "asked", document) : NULL;
        if (!item)
            continue;
        copy(item, "id", request, "id");
        copy(item, "title", request, "title");
        copy(item, "asked", request, "asked");
        copy(item, "command", request, "text");
    }
}

/* What the run told others: branches that came and went, rows that left. */
static void add_events(cycle_report *r, struct json_object *document)
{
    struct json_object *events = json_get_list(document, "events");
    for (size_t i = 0; i < length_of(events); i++) {
        struct json_object *told = json_object_array_get_idx(events, i), *payload = json_get_object(told, "payload");
        const char *kind = json_get_text(told, "kind");
        bool is_branch = kind && (pattern_matches("branch.*", kind) || strcmp(kind, "provisioning.complete") == 0);
        bool is_archive = kind && strcmp(kind, "cold_data.archived") == 0;
        struct json_object *item = is_branch    ? new_item(r, "provisioned", document)
                                   : is_archive ? new_item(r, "archived", document)
                                                : NULL;
        if (!item || !payload)
            continue;
        copy(item, "what", told, "kind");
        struct json_object_iterator at = json_object_iter_begin(payload), end = json_object_iter_end(payload);
        for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
            json_object_object_add(item, json_object_iter_peek_name(&at),
                                   json_object_get(json_object_iter_peek_value(&at)));
    }
}

/* Why a run did nothing, or not what it should. */
static void add_reason(cycle_report *r, struct json_object *document)
{
    struct json_object *error = json_get_object(document, "error");
    const char *status = json_get_text(document, "status");
    bool is_skipped = status && strcmp(status, "skipped") == 0;
    if (!error || !status || strcmp(status, "ok") == 0 || strcmp(status, "pending_approval") == 0)
        return;
    struct json_object *item = new_item(r, is_skipped ? "skipped" : "failed", document);
    if (!item)
        return;
    copy(item, "status", document, "status");
    copy(item, "code", error, "code");
    copy(item, "message", error, "message");
    copy(item, "hint", error, "hint");
}

/* ---- the report ---- */

static char *history_of(const manifest *m)
{
    const manifest_service *delta = manifest_find_service(m, LB_KIND_DELTA);
    for (size_t i = 0; delta && i < delta->params.count; i++)
        if (strcmp(delta->params.items[i].name, "path") == 0 && delta->params.items[i].text)
            return base_strdup(delta->params.items[i].text);
    return delta && strcmp(delta->plugin, "delta_local") != 0
               ? base_printf("%s (%s)", delta->plugin, "lbops sql asks it")
               : base_printf("%s/history", m->state_dir);
}

cycle_report *cycle_report_new(const manifest *m, bool by_tool)
{
    static const char *const lists[] = {"provisioned", "found", "fixed", "asked", "archived", "failed", "skipped"};
    cycle_report *r = base_alloc(sizeof *r);
    LB_AUTO_FREE char *history = history_of(m);
    r->m = m;
    r->whole = json_object_new_object();
    r->phases = json_object_new_array();
    r->targets = json_object_new_array();
    r->tools = by_tool ? cycle_tools_new(m) : NULL;
    r->began = r->ended = clock_now();
    json_object_object_add(r->whole, "workspace", json_object_new_string(m->name ? m->name : ""));
    json_object_object_add(r->whole, "history", json_object_new_string(history));
    json_object_object_add(r->whole, "phases", r->phases);
    if (r->tools)
        json_object_object_add(r->whole, "tools", r->tools);
    json_object_object_add(r->whole, "targets", r->targets);
    for (size_t i = 0; i < PHASE_COUNT; i++)
        (void)counts_of(r->phases, "name", phase_name(i));
    for (size_t i = 0; i < LB_COUNT(lists); i++)
        json_object_object_add(r->whole, lists[i], json_object_new_array());
    return r;
}

cycle_report *cycle_report_free(cycle_report *r)
{
    if (r)
        json_object_put(r->whole);
    free(r);
    return NULL;
}

void cycle_report_add(cycle_report *r, struct json_object *document)
{
    struct json_object *target = json_get_object(document, "target");
    const char *tool = json_get_text(document, "tool");
    LB_AUTO_FREE char *place =
        target ? base_printf("%s/%s", json_get_text(target, "project"), json_get_text(target, "branch"))
               : base_strdup("workspace");
    size_t phase = phase_of(r->m, json_get_text(document, "agent"), tool ? tool : "");
    count_run(counts_of(r->phases, "name", phase_name(phase)), document);
    count_run(counts_of(r->targets, "target", place), document);
    r->records += json_get_i64(document, "records", 0);
    r->changed += cycle_report_changes(document);
    if (r->tools)
        cycle_tools_take(r->tools, document);
    add_events(r, document);
    add_findings(r, document);
    add_changes(r, document);
    add_requests(r, document);
    add_reason(r, document);
}

static int64_t count_branches(const cycle_report *r)
{
    int64_t branches = 0;
    for (size_t i = 0; i < length_of(r->targets); i++)
        branches += strcmp(json_get_text(json_object_array_get_idx(r->targets, i), "target"), "workspace") != 0;
    return branches;
}

/* Of the refusals before `at`: branches take turns, so those of one tool need not be neighbours. */
static bool is_told(struct json_object *left_out, size_t at, const char *tool)
{
    for (size_t i = 0; i < at; i++) {
        const char *told = json_get_text(json_object_array_get_idx(left_out, i), "tool");
        if (told && strcmp(told, tool) == 0)
            return true;
    }
    return false;
}

/* What did not begin on any target, once for each tool: what it is to work on has not been said, or it is suspended. */
static void add_left_out(cycle_report *r, struct json_object *result)
{
    struct json_object *left_out = json_get_list(result, "left_out");
    for (size_t i = 0; i < length_of(left_out); i++) {
        struct json_object *refusal = json_object_array_get_idx(left_out, i);
        const char *tool = json_get_text(refusal, "tool");
        if (!tool || is_told(left_out, i, tool))
            continue;
        struct json_object *item = new_item(r, json_get_bool(refusal, "failed") ? "failed" : "skipped", refusal);
        if (!item)
            continue;
        json_object_object_del(item, "target");
        copy(item, "code", refusal, "code");
        copy(item, "message", refusal, "message");
        copy(item, "hint", refusal, "hint");
    }
}

struct json_object *cycle_report_end(cycle_report *r, struct json_object *result)
{
    static const char *const members[] = {"cycle_id",         "runs",    "ok",       "failed",       "skipped",
                                          "pending_approval", "changes", "findings", "begun_before", "interrupted"};
    char began[CLOCK_TEXT], ended[CLOCK_TEXT];
    struct json_object *totals = json_object_new_object();
    r->ended = clock_now();
    add_left_out(r, result);
    copy(r->whole, "not_in_cycle", result, "not_in_cycle");
    if (r->tools)
        json_object_object_add(r->whole, "agents", cycle_tools_end(r->tools, result));
    clock_format(r->began, began);
    clock_format(r->ended, ended);
    for (size_t i = 0; i < LB_COUNT(members); i++)
        copy(totals, members[i], result, members[i]);
    json_object_object_add(totals, "records", json_object_new_int64(r->records));
    json_object_object_add(totals, "changed", json_object_new_int64(r->changed));
    json_object_object_add(totals, "branches", json_object_new_int64(count_branches(r)));
    json_object_object_add(r->whole, "totals", totals);
    json_object_object_add(r->whole, "started_at", json_object_new_string(began));
    json_object_object_add(r->whole, "finished_at", json_object_new_string(ended));
    json_object_object_add(r->whole, "duration_ms", json_object_new_int64((r->ended - r->began) / 1000));
    return r->whole;
}
