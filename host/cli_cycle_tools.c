/* What became of each tool of the agents in a cycle: on how many branches it ran and how that ended, or why it did not.
 */
#include "cli_cycle_report.h"

enum { TAKES_NO_PART, RAN, WITHOUT_WORK, WAITS, FAILED, NOT_RUN, OUTCOMES };

/* As the report has them. */
static const char *const outcomes[OUTCOMES] = {[TAKES_NO_PART] = "not_in_cycle",
                                               [RAN] = "ran",
                                               [WITHOUT_WORK] = "without_work",
                                               [WAITS] = "waiting",
                                               [FAILED] = "failed",
                                               [NOT_RUN] = "skipped"};

static void put_text(struct json_object *item, const char *name, const char *text)
{
    json_object_object_add(item, name, text ? json_object_new_string(text) : NULL);
}

static void put_number(struct json_object *item, const char *name, int64_t number)
{
    json_object_object_add(item, name, json_object_new_int64(number));
}

struct json_object *cycle_tools_new(const manifest *m)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < m->agent_count; i++)
        for (size_t k = 0; k < m->agents[i].tool_count; k++) {
            struct json_object *item = json_object_new_object();
            put_text(item, "tool", m->agents[i].tools[k].name);
            put_text(item, "agent", m->agents[i].name);
            json_object_object_add(item, "helper", json_object_new_boolean(m->agents[i].tools[k].is_helper));
            put_text(item, "outcome", NULL);
            put_number(item, "runs", 0);
            (void)json_object_array_add(list, item);
        }
    return list;
}

/* agent NULL: whoever has the tool first. */
static struct json_object *item_of(struct json_object *list, const char *agent, const char *tool)
{
    for (size_t i = 0; tool && i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (strcmp(json_get_text(item, "tool"), tool) == 0 &&
            (!agent || strcmp(json_get_text(item, "agent"), agent) == 0))
            return item;
    }
    return NULL;
}

static int outcome_of(struct json_object *item)
{
    const char *text = json_get_text(item, "outcome");
    for (int i = 0; text && i < OUTCOMES; i++)
        if (strcmp(outcomes[i], text) == 0)
            return i;
    return -1;
}

/* A failure on one branch is the tool's; work on one branch is more than none on the others. */
static void judge(struct json_object *item, int outcome, const char *why)
{
    static const int weight[OUTCOMES] = {
        [TAKES_NO_PART] = 0, [NOT_RUN] = 1, [WITHOUT_WORK] = 2, [RAN] = 3, [WAITS] = 4, [FAILED] = 5};
    int before = outcome_of(item);
    if (before >= 0 && weight[before] >= weight[outcome])
        return;
    put_text(item, "outcome", outcomes[outcome]);
    put_text(item, "why", why);
}

static bool has_items(struct json_object *list)
{
    return list && json_object_array_length(list) > 0;
}

/* Something that it counted, found or changed. */
static bool had_work(struct json_object *document, struct json_object *result)
{
    struct json_object *examined = json_get_object(result, "examined");
    if (!has_items(json_get_list(result, "skipped")) || has_items(json_get_list(result, "findings")) ||
        cycle_report_changes(document))
        return true;
    if (!examined)
        return false;
    struct json_object_iterator at = json_object_iter_begin(examined), end = json_object_iter_end(examined);
    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
        if (json_object_get_int64(json_object_iter_peek_value(&at)))
            return true;
    return false;
}

static void judge_ok(struct json_object *item, struct json_object *document)
{
    struct json_object *result = json_get_object(document, "result");
    if (had_work(document, result)) {
        judge(item, RAN, NULL);
        return;
    }
    struct json_object *first = json_object_array_get_idx(json_get_list(result, "skipped"), 0);
    LB_AUTO_FREE char *why = base_printf("%s: %s", json_get_text(first, "object"), json_get_text(first, "reason"));
    judge(item, WITHOUT_WORK, why);
}

void cycle_tools_take(struct json_object *list, struct json_object *document)
{
    struct json_object *item = item_of(list, json_get_text(document, "agent"), json_get_text(document, "tool"));
    const char *status = json_get_text(document, "status"),
               *why = json_get_text(json_get_object(document, "error"), "message");
    if (!item || !status)
        return;
    put_number(item, "runs", json_get_i64(item, "runs", 0) + 1);
    if (strcmp(status, "ok") == 0)
        judge_ok(item, document);
    else if (strcmp(status, "pending_approval") == 0)
        judge(item, WAITS, NULL);
    else if (strcmp(status, "skipped") == 0)
        judge(item, NOT_RUN, why);
    else
        judge(item, FAILED, why);
}

static void take_reasons(struct json_object *list, struct json_object *reasons, const char *text)
{
    for (size_t i = 0; reasons && i < json_object_array_length(reasons); i++) {
        struct json_object *reason = json_object_array_get_idx(reasons, i);
        struct json_object *item = item_of(list, json_get_text(reason, "agent"), json_get_text(reason, "tool"));
        bool is_refusal = strcmp(text, "message") == 0;
        if (item)
            judge(item,
                  !is_refusal                       ? TAKES_NO_PART
                  : json_get_bool(reason, "failed") ? FAILED
                                                    : NOT_RUN,
                  json_get_text(reason, text));
    }
}

/* Of what nothing is known: what had begun before the cycle was cut short, or where there is no branch. Nothing is
 * said of an agent that was not asked. */
static void settle(struct json_object *list, bool goes_on, bool is_interrupted)
{
    for (size_t i = json_object_array_length(list); i-- > 0;) {
        struct json_object *item = json_object_array_get_idx(list, i);
        bool is_asked = false;
        for (size_t k = 0; k < json_object_array_length(list) && outcome_of(item) < 0 && !is_asked; k++) {
            struct json_object *other = json_object_array_get_idx(list, k);
            is_asked =
                outcome_of(other) >= 0 && strcmp(json_get_text(other, "agent"), json_get_text(item, "agent")) == 0;
        }
        if (outcome_of(item) >= 0)
            continue;
        if (is_asked)
            judge(item, goes_on ? RAN : NOT_RUN,
                  goes_on          ? "before the cycle was cut short"
                  : is_interrupted ? "the cycle was ended before its turn"
                                   : "there is no branch for it");
        else
            (void)json_object_array_del_idx(list, i, 1);
    }
}

static struct json_object *agent_of(struct json_object *agents, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(agents); i++) {
        struct json_object *agent = json_object_array_get_idx(agents, i);
        if (strcmp(json_get_text(agent, "agent"), name) == 0)
            return agent;
    }
    struct json_object *agent = json_object_new_object();
    put_text(agent, "agent", name);
    put_number(agent, "tools", 0);
    for (int i = RAN; i < OUTCOMES; i++)
        put_number(agent, outcomes[i], 0);
    put_number(agent, outcomes[TAKES_NO_PART], 0);
    put_number(agent, "helpers", 0);
    (void)json_object_array_add(agents, agent);
    return agent;
}

static void add_one(struct json_object *agent, const char *name)
{
    put_number(agent, name, json_get_i64(agent, name, 0) + 1);
}

struct json_object *cycle_tools_end(struct json_object *list, struct json_object *result)
{
    struct json_object *agents = json_object_new_array();
    take_reasons(list, json_get_list(result, "left_out"), "message");
    take_reasons(list, json_get_list(result, "not_in_cycle"), "why");
    bool is_interrupted = json_get_bool(result, "interrupted");
    settle(list, !is_interrupted && json_get_i64(result, "begun_before", 0) > 0, is_interrupted);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i),
                           *agent = agent_of(agents, json_get_text(item, "agent"));
        if (json_get_bool(item, "helper")) {
            add_one(agent, "helpers");
            continue;
        }
        add_one(agent, "tools");
        add_one(agent, json_get_text(item, "outcome"));
    }
    return agents;
}
