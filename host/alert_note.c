#include "alert_note.h"

#include "clock.h"

#include <stdlib.h>

void alert_note_free(alert_note *n)
{
    char *const texts[] = {n->id,       n->key,  n->change, n->severity, n->text,
                           n->document, n->rule, n->metric, n->project,  n->branch};
    for (size_t i = 0; i < LB_COUNT(texts); i++)
        free(texts[i]);
    free(n);
}

bool alert_is_for(struct json_object *payload, const char *member, const char *service)
{
    struct json_object *list = json_get_list(payload, member);
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), service) == 0)
            return true;
    return false;
}

char *alert_copy(struct json_object *payload, const char *member)
{
    const char *text = json_get_text(payload, member);
    return base_strdup(text ? text : "");
}

/* The event behind it, and since when it has been so. */
static char *document_of(struct json_object *payload)
{
    struct json_object *about = json_get_object(payload, "about");
    const char *text = about ? json_object_to_json_string_ext(about, JSON_C_TO_STRING_PLAIN) : "{}";
    const char *fired = json_get_text(payload, "fired_at");
    size_t length = strlen(text);
    if (!fired || json_get_text(about, "fired_at"))
        return base_strdup(text);
    return base_printf("%.*s%s\"fired_at\":\"%s\"}", (int)length - 1, text, length > 2 ? "," : "", fired);
}

alert_note *alert_note_of(const event *e, struct json_object *payload, const char *service)
{
    alert_note *n = base_alloc(sizeof *n);
    const char *fired = json_get_text(payload, "fired_at"), *change = e->kind + strlen("alert.");
    bool is_new = (strcmp(change, "escalated") == 0 && !alert_is_for(payload, "told", service)) ||
                  json_get_bool(payload, "taken_over");
    *n = (alert_note){.seq = e->seq,
                      .id = base_printf("%lld", (long long)json_get_i64(payload, "event", 0)),
                      .key = alert_copy(payload, "alert_id"),
                      .change = base_strdup(is_new ? "opened" : change),
                      .severity = alert_copy(payload, "severity"),
                      .text = alert_copy(payload, "text"),
                      .document = document_of(payload),
                      .rule = alert_copy(payload, "rule"),
                      .metric = base_strdup(json_get_text(payload, "metric")),
                      .project = base_strdup(e->project),
                      .branch = base_strdup(e->branch),
                      .at = e->at,
                      .fired_at = e->at};
    if (fired)
        (void)clock_parse(fired, &n->fired_at); /* ours: it parses */
    return n;
}

alert_note *alert_note_kept(struct json_object *body, char *key, int64_t at)
{
    alert_note *n = base_alloc(sizeof *n);
    struct json_object *document = json_get_object(body, "document");
    *n = (alert_note){.id = alert_copy(body, "id"),
                      .key = key,
                      .change = base_strdup("opened"),
                      .severity = alert_copy(body, "severity"),
                      .text = alert_copy(body, "text"),
                      .document = base_strdup(json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN)),
                      .rule = base_strdup("alert.digest"),
                      .at = at,
                      .fired_at = at};
    return n;
}
