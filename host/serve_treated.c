/* What was done about an alert: said once by whoever did it, and part of all that is told of the alert from then on, to
 * its end. It stands in what the state knows of the alert as "treated", and in the document as the payload's "done". */
#include "serve_alerting.h"

char *serve_treatment(const event *e, struct json_object *payload)
{
    BUF_AUTO b = BUF_INIT(EVENT_PAYLOAD);
    buf_putc(&b, '{');
    json_member_string(&b, "text", json_get_text(payload, "text"));
    json_member_string(&b, "status", json_get_text(payload, "status"));
    json_member_string(&b, "by", e->tool);
    json_member_string(&b, "run", e->run_id);
    json_key(&b, "at");
    json_time(&b, e->at);
    buf_putc(&b, '}');
    return base_strdup(buf_text(&b));
}

/* Limits hold back what was just done, and there may be nothing to do after it. */
static bool is_idle(struct json_object *treated)
{
    const char *status = json_get_text(treated, "status");
    return status && (strcmp(status, "skipped") == 0 || strcmp(status, "nothing_to_do") == 0);
}

bool serve_treats_anew(struct json_object *known, const char *treated)
{
    lb_error bad;
    JSON_AUTO *now = json_parse(treated, strlen(treated), &bad);
    const char *before = json_get_text(known, "text"), *text = json_get_text(now, "text");
    bool is_same = before && text && strcmp(before, text) == 0;
    return !is_same && !(before && is_idle(now) && !is_idle(known));
}

void serve_carry_treatment(alerting *a, struct json_object *before)
{
    struct json_object *known = json_get_object(before, "treated");
    bool is_new = a->change && strcmp(a->change, "opened") == 0;
    if (a->is_treating)
        return;
    free(a->treated); /* of a look before this one */
    a->treated = known && !is_new ? base_strdup(json_object_to_json_string_ext(known, JSON_C_TO_STRING_PLAIN)) : NULL;
}

static char *in_words(struct json_object *treated)
{
    const char *by = json_get_text(treated, "by"), *run = json_get_text(treated, "run");
    const char *text = json_get_text(treated, "text");
    return by && run ? base_printf("%s (%s, run %s)", text ? text : "", by, run) : base_strdup(text ? text : "");
}

void serve_put_done(alerting *a)
{
    lb_error bad;
    if (!a->treated || !a->document)
        return;
    JSON_AUTO *treated = json_parse(a->treated, strlen(a->treated), &bad);
    JSON_AUTO *document = json_parse(a->document, strlen(a->document), &bad);
    struct json_object *payload = json_get_object(document, "payload");
    LB_AUTO_FREE char *done = in_words(treated);
    if (!payload) /* it was too long to go along */
        return;
    json_object_object_add(payload, "done", json_object_new_string(done));
    free(a->document);
    a->document =
        base_strdup(json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}
