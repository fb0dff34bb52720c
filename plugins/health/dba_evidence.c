#include "dba_cost.h"
#include "dba_look.h"
#include "dba_named.h"

#include <string.h>

#define SENTENCE      560
#define FACTS         12
#define FINDINGS_MOST 5 /* of a tool; the others are counted */
#define ELEMENTS_MOST 4
#define SKIPPED_MOST  2

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    return json_object_is_type(object, json_type_object) && json_object_object_get_ex(object, name, &value) ? value
                                                                                                            : NULL;
}

static size_t length_of(struct json_object *list)
{
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

/* NULL: it is missing, or memory is out. */
static const char *text(lb_ctx *ctx, struct json_object *object, const char *name)
{
    struct json_object *value = member(object, name);
    return value ? lb_printf(ctx, "%s", json_object_get_string(value)) : NULL;
}

/* ---- exhibits ---- */

static bool is_same(const lb_exhibit *one, const char *says, const char *sql)
{
    return strcmp(one->says, says) == 0 && strcmp(one->sql ? one->sql : "", sql ? sql : "") == 0;
}

int dba_add(dba_evidence *e, const char *says, double weight, const lb_value *facts, const dba_exhibit *about,
            lb_error *err)
{
    if (e->count == DBA_EXHIBITS)
        return 0;
    const char *id = lb_printf(e->ctx, "e%zu", e->count + 1);
    if (!id || !says)
        return lb_out_of_memory(err);
    for (size_t i = 0; i < e->count; i++)
        if (is_same(&e->exhibits[i], says, about->sql))
            return 0; /* of two topics, or of two tools that could not look for one reason */
    e->exhibits[e->count] = (lb_exhibit){.id = id, .says = says, .weight = weight, .facts = facts, .sql = about->sql};
    e->about[e->count++] = *about;
    return 0;
}

/* What findings and results call their SQL: a model is told it without its values and comments. */
static bool holds_sql(const char *name)
{
    static const char *const names[] = {"statement",  "worst_statement_text",
                                        "query",      "sql",
                                        "definition", "predicate",
                                        "columns",    "undo",
                                        "command",    "fix",
                                        "change",     "kept_columns"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Plain members; documents inside stay with the tool. NULL: no memory. */
static const lb_value *facts_of(lb_ctx *ctx, struct json_object *object)
{
    size_t count = 0;
    lb_value *facts = lb_alloc(ctx, (FACTS + 1) * sizeof *facts);
    if (!facts || !json_object_is_type(object, json_type_object))
        return facts;
    json_object_object_foreach(object, key, value)
    {
        const char *name = count < FACTS ? lb_printf(ctx, "%s", key) : NULL;
        if (!name)
            break;
        if (json_object_is_type(value, json_type_int))
            facts[count++] = lb_i64(name, json_object_get_int64(value));
        else if (json_object_is_type(value, json_type_double))
            facts[count++] = lb_f64(name, json_object_get_double(value));
        else if (json_object_is_type(value, json_type_boolean))
            facts[count++] = lb_bool(name, json_object_get_boolean(value));
        else if (json_object_is_type(value, json_type_string))
            facts[count++] =
                holds_sql(name) ? lb_definition(name, text(ctx, object, key)) : lb_text(name, text(ctx, object, key));
    }
    return facts;
}

static int add_line(dba_evidence *e, const char *tool, const char *line, struct json_object *whole, double weight,
                    lb_error *err)
{
    char sentence[SENTENCE];
    if (!dba_fill(line, whole, sentence, sizeof sentence))
        return 0;
    const lb_value *facts = facts_of(e->ctx, whole);
    return facts ? dba_add(e, lb_printf(e->ctx, "%s", sentence), weight, facts,
                           &(dba_exhibit){.tool = tool, .confidence = -1}, err)
                 : lb_out_of_memory(err);
}

static struct json_object *of_id(struct json_object *list, const char *id)
{
    for (size_t i = 0; i < length_of(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i), *own = member(item, "id");
        if (own && strcmp(json_object_get_string(own), id) == 0)
            return item;
    }
    return NULL;
}

/* A sentence of an explanation that rests on nothing but how often the statement ran and how long that took: of these
 * there is a line already. */
static bool is_of_counts(struct json_object *result, struct json_object *sentence)
{
    struct json_object *cites = member(sentence, "evidence"), *list = member(result, "evidence");
    for (size_t i = 0; i < length_of(cites); i++) {
        const char *id = json_object_get_string(json_object_array_get_idx(cites, i));
        struct json_object *facts = id ? member(of_id(list, id), "facts") : NULL;
        if (!member(facts, "calls") || !member(facts, "mean_ms"))
            return false;
    }
    return length_of(cites) > 0 && member(result, "calls");
}

static int add_lines(dba_evidence *e, const dba_source *source, struct json_object *result, double weight,
                     lb_error *err)
{
    int r = 0;
    for (size_t i = 0; i < DBA_LINES && source->lines[i].text && r >= 0; i++) {
        const dba_line *line = &source->lines[i];
        struct json_object *list = line->list ? member(result, line->list) : NULL;
        double own = weight - (double)i / 10;
        if (!line->list)
            r = add_line(e, source->tool, line->text, result, own, err);
        for (size_t k = 0; k < length_of(list) && k < ELEMENTS_MOST && r >= 0; k++)
            if (!is_of_counts(result, json_object_array_get_idx(list, k)))
                r = add_line(e, source->tool, line->text, json_object_array_get_idx(list, k), own - (double)k / 100,
                             err);
    }
    return r;
}

/* "dead_tuples of public.orders" reads well with its blanks. */
static const char *spoken(lb_ctx *ctx, const char *kind)
{
    const char *copy = lb_printf(ctx, "%s", kind ? kind : "finding");
    for (char *at = (char *)(uintptr_t)copy; at && *at; at++) /* it is ours */
        if (*at == '_')
            *at = ' ';
    return copy;
}

static int add_finding(dba_evidence *e, const dba_source *source, struct json_object *finding, double weight,
                       lb_error *err)
{
    lb_ctx *ctx = e->ctx;
    dba_exhibit about = {.tool = source->tool,
                         .object = text(ctx, finding, "object"),
                         .kind = text(ctx, finding, "kind"),
                         .fix = text(ctx, finding, "fix"),
                         .confidence = json_object_get_double(member(member(finding, "confidence"), "value"))};
    const char *reason = text(ctx, finding, "reason"), *kind = spoken(ctx, about.kind);
    const char *waiters = text(ctx, member(finding, "evidence"), "waiters"); /* whom, where somebody holds others up */
    if (!about.fix)
        about.fix = text(ctx, member(finding, "impact"), "command");
    const lb_value *facts = facts_of(ctx, member(finding, "evidence"));
    if (!facts || !kind || !reason || !about.object)
        return lb_out_of_memory(err);
    const char *says = lb_printf(ctx, "%s of %s: %s%s%s", kind, about.object, reason, waiters ? "; behind it: " : "",
                                 waiters ? waiters : "");
    return dba_add(e, says, weight + about.confidence / 100, facts, &about, err);
}

static bool is_about_named(const dba_evidence *e, struct json_object *finding)
{
    struct json_object *object = member(finding, "object");
    return object && dba_is_named(e, json_object_get_string(object));
}

/* Of the tables that the question names: that there is nothing, and that there is more of others. */
static int say_narrow(dba_evidence *e, const char *tool, size_t found, size_t others, double weight, lb_error *err)
{
    const dba_exhibit about = {.tool = tool, .confidence = -1};
    const char *list = dba_named_list(e);
    int r = 0;
    if (!list)
        return lb_out_of_memory(err);
    if (!found)
        r = dba_add(e, lb_printf(e->ctx, "%s found nothing to say of %s", tool, list), weight, NULL, &about, err);
    if (r >= 0 && others)
        r = dba_add(e,
                    lb_printf(e->ctx, "%s found %zu %s of other tables as well", tool, others,
                              others == 1 ? "thing" : "things"),
                    weight - 3, NULL, &about, err);
    return r;
}

static int add_findings(dba_evidence *e, const dba_source *source, struct json_object *result, double weight,
                        lb_error *err)
{
    struct json_object *findings = member(result, "findings");
    const dba_exhibit about = {.tool = source->tool, .confidence = -1};
    const bool is_narrow = dba_is_by_table(source) && e->named_count;
    size_t found = 0, told = 0, others = 0;
    int r = 0;
    for (size_t i = 0; i < length_of(findings) && r >= 0; i++) {
        struct json_object *finding = json_object_array_get_idx(findings, i);
        struct json_object *kind = member(finding, "kind");
        if (!kind || !dba_is_of(source, json_object_get_string(kind)))
            continue;
        if (is_narrow && !is_about_named(e, finding)) {
            others++;
            continue;
        }
        if (found++ < FINDINGS_MOST) {
            r = add_finding(e, source, finding, weight - (double)told / 20, err);
            told++;
        }
    }
    if (r >= 0 && found > told)
        r = dba_add(e, lb_printf(e->ctx, "%s found %zu more of the like", source->tool, found - told), weight - 1, NULL,
                    &about, err);
    if (r >= 0 && is_narrow)
        return say_narrow(e, source->tool, found, others, weight, err);
    /* Slow statements of which nothing is found are slow all the same; a line tells of each. */
    if (r >= 0 && !found && !length_of(member(result, "analyses")) && source->clear)
        r = dba_add(e, source->clear, weight, NULL, &about, err);
    return r;
}

static int add_skipped(dba_evidence *e, const dba_source *source, struct json_object *result, double weight,
                       lb_error *err)
{
    struct json_object *skipped = member(result, "skipped");
    int r = 0;
    for (size_t i = 0; i < length_of(skipped) && i < SKIPPED_MOST && r >= 0; i++) {
        struct json_object *item = json_object_array_get_idx(skipped, i);
        const char *object = text(e->ctx, item, "object"), *reason = text(e->ctx, item, "reason");
        r = !object || !reason ? lb_out_of_memory(err)
                               : dba_add(e, lb_printf(e->ctx, "not looked at: %s, because %s", object, reason), weight,
                                         NULL, &(dba_exhibit){.tool = source->tool, .confidence = -1}, err);
    }
    return r;
}

/* ---- tools ---- */

static void put_object(void *object)
{
    json_object_put(object);
}

/* What changes something only when it is told to is told not to. */
static const lb_value *args_for(const dba_evidence *e, const char *tool, lb_value *room)
{
    size_t count = 0;
    bool is_slow = strcmp(tool, "analyze_slow_queries_with_ai") == 0;
    if (is_slow)
        room[count++] = lb_bool("review", false);
    if (e->query_id && (is_slow || strcmp(tool, "explain_query_in_natural_language") == 0))
        room[count++] = lb_text("query_id", e->query_id);
    room[count].type = LB_END;
    return room;
}

/* *ret_result NULL: it failed, and that has become evidence. */
static int call(dba_evidence *e, const char *tool, double weight, struct json_object **ret_result, lb_error *err)
{
    lb_value room[3];
    const char *answer = NULL;
    lb_error why = {0};
    for (size_t i = 0; i < e->tool_count; i++)
        if (strcmp(e->tools[i].name, tool) == 0) {
            *ret_result = e->tools[i].result;
            return 0;
        }
    int r = lb_call(e->ctx, tool, NULL, args_for(e, tool, room), &answer, &why);
    if (r == LB_ERR_CANCELLED || r == LB_ERR_NO_MEMORY) {
        *err = why;
        return r;
    }
    struct json_object *result = r < 0 ? NULL : json_tokener_parse(answer);
    if (result && lb_defer(e->ctx, put_object, result) < 0)
        return lb_out_of_memory(err);
    *ret_result = result;
    if (e->tool_count < DBA_TOOLS) {
        e->tools[e->tool_count].name = tool;
        e->tools[e->tool_count++].result = result;
    }
    e->answered += result != NULL;
    if (result)
        return 0;
    const char *reason = lb_printf(e->ctx, "%s", r < 0 ? why.message : "its answer cannot be read");
    r = reason ? lb_skipped(e->ctx, tool, reason, err) : lb_out_of_memory(err);
    return r < 0 ? r
                 : dba_add(e, lb_printf(e->ctx, "%s could not answer: %s", tool, reason), weight, NULL,
                           &(dba_exhibit){.tool = tool, .confidence = -1}, err);
}

int dba_gather(dba_evidence *e, const dba_topic *topic, size_t order, lb_error *err)
{
    int r = dba_say_scope(e, topic, 10 * (double)(DBA_TOPICS_MOST - order) + 0.5, err);
    for (size_t i = 0; i < sizeof topic->sources / sizeof *topic->sources && topic->sources[i].tool && r >= 0; i++) {
        const dba_source *source = &topic->sources[i];
        double weight = 10 * (double)(DBA_TOPICS_MOST - order) - (double)i; /* a topic's own stand together */
        struct json_object *result = NULL;
        lb_progress(e->ctx, (int64_t)e->tool_count, 0, source->tool);
        if (strcmp(source->tool, DBA_BILL) == 0) {
            r = dba_gather_cost(e, weight, err);
            continue;
        }
        if ((r = dba_look(e, source->tool, weight, err)))
            continue;
        r = call(e, source->tool, weight - 5, &result, err);
        if (r < 0 || !result)
            continue;
        r = dba_is_by_table(source) && e->named_count ? 0 : add_lines(e, source, result, weight, err);
        if (r >= 0)
            r = add_findings(e, source, result, weight - 0.4, err);
        if (r >= 0)
            r = add_skipped(e, source, result, weight - 4, err);
    }
    return r;
}
