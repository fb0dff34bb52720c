#include "alert_words.h"

#include <json-c/printbuf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LONGEST_FACT 400
#define LONGEST_NAME 80 /* of what stands in a title */

/* ---- reading the document: the event behind the note ---- */

static const char *text_at(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;
    return object && json_object_object_get_ex(object, name, &member) && json_object_is_type(member, json_type_string)
               ? json_object_get_string(member)
               : NULL;
}

static struct json_object *payload_of(struct json_object *document)
{
    struct json_object *payload = NULL;
    return json_object_object_get_ex(document, "payload", &payload) && json_object_is_type(payload, json_type_object)
               ? payload
               : NULL;
}

/* A name or a value that came from a watched database stays on its line. */
static char *one_line(const char *text, size_t most)
{
    char *copy = strndup(text, most);
    size_t length = copy ? strlen(copy) : 0;
    while (length && ((unsigned char)text[length] & 0xC0) == 0x80 && text[length]) /* no half characters */
        copy[--length] = '\0';
    for (char *p = copy; p && *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = ' ';
    return copy;
}

/* ---- what a person can do, by the kind of event ---- */

typedef struct hint {
    const char *kind, *before, *member, *after; /* member of the payload, between the two */
} hint;

/* The tool that says more about a metric, and what would help; each only looks. */
const char *alert_look_for(const char *metric)
{
    static const struct {
        const char *metric, *tool;
    } looks[] = {
        {"cache_hit_ratio", "auto_tune_resource_parameters --plan"},
        {"connection_utilization", "monitor_connections"},
        {"dead_tuple_ratio", "identify_tables_needing_vacuum"},
        {"slow_query_time", "analyze_slow_queries_with_ai"},
        {"txid_age", "check_txid_wraparound_risk"},
    };
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        if (strcmp(metric, looks[i].metric) == 0)
            return looks[i].tool;
    return "diagnose_root_cause"; /* locks, deadlocks, replication, and what authors measure */
}

/* A name as one word of a shell. Some may be anything, as databases' are; with a quote of its own nobody could paste
 * it. */
static char *word(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    bool can_be = *name != '\0';
    for (const char *c = name; *c; c++)
        can_be = can_be && *c != '\'' && (unsigned char)*c >= ' ' && *c != 127;
    return !can_be ? NULL : name[strspn(name, plain)] ? service_text("'%s'", name) : service_text("%s", name);
}

static char *look_at(const char *tool, const char *project, const char *branch)
{
    char *p = word(project), *b = word(branch);
    char *command = p && b ? service_text("lbops run %s --project %s --branch %s", tool, p, b) : NULL;
    free(p);
    free(b);
    return command;
}

static char *command_for(const char *kind, struct json_object *document, struct json_object *payload)
{
    static const hint hints[] = {
        {"approval.requested", "lbops approvals ", "approval_id", ""},
        {"tool.suspended", "lbops tools ", "tool", " --resume"},
        {"target.unseen", "lbops check --online; lbops runs --tool ", "tool", ""},
        {"service.down", "lbops status", NULL, ""},
        {"history.thinned", "lbops status", NULL, ""},
        {"issue.escalated", "", "command", ""},
        {"sync.drift_detected", "", "command", ""},
        {"cost.anomaly", "", "command", ""},
        {"alert.digest", "lbops alerts", NULL, ""},
    };
    const char *project = text_at(document, "project"), *branch = text_at(document, "branch"),
               *metric = text_at(payload, "metric");
    for (size_t i = 0; kind && i < sizeof hints / sizeof hints[0]; i++) {
        const char *member = hints[i].member ? text_at(payload, hints[i].member) : "";
        if (strcmp(kind, hints[i].kind) == 0 && member)
            return service_text("%s%s%s", hints[i].before, member, hints[i].after);
    }
    bool is_figure = kind && strcmp(kind, "threshold.breached") == 0 && metric;
    bool is_spent = kind && strcmp(kind, "awake.spent") == 0; /* people may look all the same */
    const char *tool = is_figure ? alert_look_for(metric) : is_spent ? "monitor_system_health" : NULL;
    return tool && project && branch ? look_at(tool, project, branch) : NULL;
}

/* ---- what was done ---- */

/* What somebody says has been done. */
static char *done_for(struct json_object *payload)
{
    const char *done = text_at(payload, "done");
    return done ? one_line(done, LONGEST_FACT) : NULL;
}

/* The one that belongs to the metric. Whether it was done, planned or begun by nobody is not known here: its runs say.
 */
static char *procedure_for(struct json_object *payload)
{
    const char *action = text_at(payload, "action");
    return action && *action && !text_at(payload, "done")
               ? service_text("%s; what came of it: lbops runs --tool execute_low_risk_sop", action)
               : NULL;
}

/* ---- putting it together ---- */

static char *when(int64_t microseconds)
{
    char text[40];
    time_t seconds = (time_t)(microseconds / 1000000);
    struct tm t;
    if (!gmtime_r(&seconds, &t) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &t))
        return strdup("an unknown time");
    return strdup(text);
}

/* A figure as people read it: three digits tell how bad it is. The document has all of them. */
static int figure(struct json_object *number, struct printbuf *into, int level, int flags)
{
    char text[400];
    const double value = json_object_get_double(number);
    (void)level, (void)flags;
    if (!isfinite(value))
        return printbuf_memappend(into, "null", 4);
    int length = snprintf(text, sizeof text, fabs(value) < 999.5 ? "%.3g" : "%.0f", value);
    return printbuf_memappend(into, text, length);
}

static void shorten_figures(struct json_object *value)
{
    if (json_object_is_type(value, json_type_double))
        json_object_set_serializer(value, figure, NULL, NULL);
    for (size_t i = 0; json_object_is_type(value, json_type_array) && i < json_object_array_length(value); i++)
        shorten_figures(json_object_array_get_idx(value, i));
    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, name, member)
        {
            (void)name;
            shorten_figures(member);
        }
    }
}

/* NULL: no memory. The caller frees. */
static char *fact_text(struct json_object *value)
{
    struct json_object *copy = NULL;
    if (json_object_is_type(value, json_type_string))
        return one_line(json_object_get_string(value), LONGEST_FACT);
    if (json_object_deep_copy(value, &copy, NULL) != 0)
        return NULL;
    shorten_figures(copy);
    const char *text = json_object_to_json_string_ext(copy, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
    char *line = text ? one_line(text, LONGEST_FACT) : NULL;
    (void)json_object_put(copy); /* says whether it was the last one */
    return line;
}

static int add_fact(alert_words *w, const char *name, struct json_object *value, lb_error *err)
{
    if (w->fact_count == ALERT_FACTS || !value)
        return 0;
    w->facts[w->fact_count] = (alert_fact){.name = name, .value = fact_text(value)};
    return w->facts[w->fact_count++].value ? 0 : lb_out_of_memory(err);
}

/* What has a line of its own, or is for programs. */
static bool is_shown_elsewhere(const char *name)
{
    static const char *const names[] = {"text",    "since",  "action", "done",    "command",
                                        "context", "detail", "pair",   "remind_s"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Why we think so: the figures, how they were measured, and the evidence. */
static int add_facts(alert_words *w, struct json_object *payload, lb_error *err)
{
    struct json_object *detail = NULL;
    int r = 0;
    if (!payload)
        return 0;
    json_object_object_foreach(payload, name, value)
    {
        if (r == 0 && !is_shown_elsewhere(name))
            r = add_fact(w, name, value, err);
    }
    if (r < 0 || !json_object_object_get_ex(payload, "detail", &detail))
        return r;
    if (!json_object_is_type(detail, json_type_object))
        return add_fact(w, "detail", detail, err);
    json_object_object_foreach(detail, part, said)
    {
        if (r == 0)
            r = add_fact(w, part, said, err);
    }
    return r;
}

/* When it began, as far as anybody has seen. */
static char *since_of(const lb_alert_note *note, struct json_object *document, struct json_object *payload)
{
    const char *said = text_at(payload, "since"), *fired = text_at(document, "fired_at");
    const char *text = said ? said : fired;
    if (!text || strlen(text) < sizeof "2026-01-31T23:59:00" - 1 || text[10] != 'T')
        return when(note->at);
    return service_text("%.10s %.8s UTC", text, text + 11);
}

/* ", database bank", or nothing where the line says so, or nothing is named. NULL: no memory. The caller frees. */
static char *named(const char *line, const char *what, const char *name)
{
    bool is_due = name && *name && !strstr(line, name);
    char *copy = is_due ? one_line(name, LONGEST_NAME) : NULL;
    char *text = is_due && !copy ? NULL : service_text("%s%s", is_due ? what : "", is_due ? copy : "");
    free(copy);
    return text;
}

/* "shop/production, database bank, public.orders: ", of these what the line itself does not say. First, as a phone cuts
 * off the end. NULL: no memory. The caller frees. */
static char *place_of(const char *line, const char *where, struct json_object *payload)
{
    const char *schema = text_at(payload, "schema"), *table = text_at(payload, "table");
    const char *object = text_at(payload, "object");
    char *of_table = schema && table ? service_text("%s.%s", schema, table) : NULL;
    char *database = named(line, ", database ", text_at(payload, "database"));
    char *thing = named(line, ", ", of_table ? of_table : object);
    bool is_whole = database && thing;
    const char *said = where && !strstr(line, where) ? where : "";
    char *place = NULL;
    if (is_whole)
        place = *said       ? service_text("%s%s%s: ", said, database, thing)
                : *database ? service_text("%s%s: ", database + 2, thing)
                : *thing    ? service_text("%s: ", thing + 2)
                            : service_text("%s", "");
    free(of_table);
    free(database);
    free(thing);
    return place;
}

static char *title_of(const lb_alert_note *note, const char *where, struct json_object *payload)
{
    bool is_over = strcmp(note->change, "resolved") == 0, is_worse = strcmp(note->change, "escalated") == 0;
    bool is_again = strcmp(note->change, "reminded") == 0;
    char *text = one_line(note->text, LONGEST_FACT), *place = text ? place_of(text, where, payload) : NULL;
    char *title = place ? service_text("%s%s: %s%s", is_over ? "resolved" : note->severity,
                                       is_worse   ? " now"
                                       : is_again ? " still"
                                                  : "",
                                       place, text)
                        : NULL;
    free(place);
    free(text);
    return title;
}

int alert_words_make(const lb_alert_note *note, alert_words *ret_words, lb_error *err)
{
    *ret_words = (alert_words){.title = NULL};
    if (service_check_note(note, &ret_words->document, err) < 0)
        return err->code;
    struct json_object *document = ret_words->document, *payload = payload_of(document);
    const char *project = text_at(document, "project"), *branch = text_at(document, "branch"),
               *tool = text_at(document, "tool"), *run = text_at(document, "run_id");
    if (!project) { /* the workspace was looked at, and this was found out of it */
        project = text_at(payload, "project_id");
        branch = text_at(payload, "branch_id");
    }
    ret_words->where =
        project ? service_text("%s%s%s", project, branch ? "/" : "", branch ? branch : "") : strdup("the workspace");
    ret_words->title = title_of(note, project ? ret_words->where : NULL, payload);
    ret_words->since = since_of(note, document, payload);
    ret_words->source = tool ? service_text("%s%s%s", tool, run ? ", run " : "", run ? run : "") : NULL;
    ret_words->command =
        strcmp(note->change, "resolved") == 0 ? NULL : command_for(text_at(document, "kind"), document, payload);
    ret_words->done = done_for(payload);
    ret_words->procedure = procedure_for(payload);
    if (!ret_words->title || !ret_words->where || !ret_words->since)
        return lb_out_of_memory(err);
    return add_facts(ret_words, payload, err);
}

void alert_words_done(alert_words *w)
{
    free(w->title);
    free(w->where);
    free(w->since);
    free(w->source);
    free(w->done);
    free(w->procedure);
    free(w->command);
    for (size_t i = 0; i < w->fact_count; i++)
        free(w->facts[i].value);
    (void)json_object_put(w->document); /* says whether it was the last one */
    *w = (alert_words){.title = NULL};
}

bool alert_words_put(const alert_words *w, struct json_object *into)
{
    const struct {
        const char *name, *text;
    } parts[] = {
        {"where", w->where},         {"since", w->since}, {"done", w->done},
        {"procedure", w->procedure}, {"from", w->source}, {"next", w->command},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct json_object *value = parts[i].text ? json_object_new_string(parts[i].text) : NULL;
        if (parts[i].text && (!value || json_object_object_add(into, parts[i].name, value) != 0)) {
            (void)json_object_put(value); /* says whether it was the last one */
            return false;
        }
    }
    return true;
}

char *alert_words_text(const alert_words *w)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    (void)fprintf(out, "%s\n\nwhere   %s\nsince   %s\n", w->title, w->where, w->since); /* fclose tells */
    if (w->source)
        (void)fprintf(out, "from    %s\n", w->source);
    for (size_t i = 0; i < w->fact_count; i++)
        (void)fprintf(out, "%s%s: %s\n", i ? "        " : "why     ", w->facts[i].name, w->facts[i].value);
    if (w->done)
        (void)fprintf(out, "done    %s\n", w->done);
    if (w->procedure)
        (void)fprintf(out, "procedure %s\n", w->procedure);
    if (w->command)
        (void)fprintf(out, "next    %s\n", w->command);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
