/* alert_pagerduty: alerts as incidents, by PagerDuty's Events API v2. One alert is one incident: it is triggered,
 * triggered again when it gets worse, lasts or is treated, acknowledged when somebody takes it on, and resolved, under
 * the same key; a repeat changes nothing there. */
#include "alert_http.h"
#include "alert_words.h"

#include "sha256.h"

#include <lbops/alert.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SUMMARY_MOST 1024 /* PagerDuty's limits */
#define KEY_MOST     255

struct settings {
    const char *routing_key, *url, *ca_file;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, routing_key, LB_SECRET, NULL, "integration key of the service", .required = true),
    LB_PARAM(struct settings, url, LB_TEXT, "https://events.pagerduty.com/v2/enqueue",
             "where to; https://events.eu.pagerduty.com/v2/enqueue for accounts in the EU"),
    LB_PARAM(struct settings, ca_file, LB_TEXT, NULL, "certificates to trust, PEM, instead of the system's"),
    LB_PARAMS_END,
};

typedef struct pager {
    alert_http http;
    char *routing_key;
} pager;

static void close_pager(void *state)
{
    pager *p = state;
    alert_http_done(&p->http);
    rest_wipe(p->routing_key);
    free(p);
}

static int fill_pager(void *state, const service_opening *opening, lb_error *err)
{
    pager *p = state;
    const struct settings *s = opening->args;
    const alert_http_options options = {.host = opening->host,
                                        .state_dir = opening->state_dir,
                                        .name = "pagerduty",
                                        .url = s->url,
                                        .ca_file = s->ca_file,
                                        .secret = s->routing_key};
    p->routing_key = rest_strdup(s->routing_key);
    return p->routing_key ? alert_http_open(&options, &p->http, err) : lb_out_of_memory(err);
}

static int open_pager(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                      void **ret_state, lb_error *err)
{
    const service_opening opening = {.host = host, .args = args, .state_dir = state_dir};
    (void)deadline; /* nothing waits here */
    return service_open(&opening, sizeof(pager), fill_pager, close_pager, ret_state, err);
}

/* Cut where a character ends. */
static int length_within(const char *text, size_t most)
{
    size_t length = strlen(text);
    while (length > most || (length && ((unsigned char)text[length] & 0xC0) == 0x80))
        length--;
    return (int)length;
}

static struct json_object *limited(const char *text, size_t most)
{
    return json_object_new_string_len(text, length_within(text, most));
}

/* The end of a long key, which says of what and where, becomes a digest of the whole: cut off, two alerts were one. */
static struct json_object *dedup_key(const char *key)
{
    sha256 s;
    char digest[SHA256_TEXT], shortened[KEY_MOST + 1];
    if (strlen(key) <= KEY_MOST)
        return json_object_new_string(key);
    sha256_init(&s);
    sha256_add(&s, key, strlen(key));
    sha256_end_text(&s, digest);
    (void)snprintf(shortened, sizeof shortened, "%.*s~%s", length_within(key, KEY_MOST - SHA256_TEXT), key,
                   digest); /* it fits */
    return json_object_new_string(shortened);
}

static struct json_object *details_of(const alert_words *w)
{
    struct json_object *details = json_object_new_object();
    bool ok = details;
    for (size_t i = 0; ok && i < w->fact_count; i++)
        ok = rest_json_add_text(details, w->facts[i].name, w->facts[i].value);
    if (ok && alert_words_put(w, details)) /* last: no fact takes the place of one */
        return details;
    (void)json_object_put(details); /* says whether it was the last one */
    return NULL;
}

static struct json_object *payload_of(const lb_alert_note *note, const alert_words *w)
{
    char stamp[40] = "";
    time_t seconds = (time_t)(note->at / REST_SECOND);
    struct tm t;
    struct json_object *payload = json_object_new_object();
    if (gmtime_r(&seconds, &t))
        (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &t); /* it fits */
    if (payload && rest_json_add(payload, "summary", limited(w->title, SUMMARY_MOST)) &&
        rest_json_add_text(payload, "source", w->where) && rest_json_add_text(payload, "severity", note->severity) &&
        rest_json_add_text(payload, "timestamp", stamp) && rest_json_add_text(payload, "component", "lbops") &&
        rest_json_add(payload, "custom_details", details_of(w)))
        return payload;
    (void)json_object_put(payload); /* says whether it was the last one */
    return NULL;
}

static struct json_object *make_event(const pager *p, const lb_alert_note *note, const alert_words *w)
{
    bool is_over = strcmp(note->change, "resolved") == 0, is_taken = strcmp(note->change, "acknowledged") == 0;
    struct json_object *event = json_object_new_object();
    if (event && rest_json_add_text(event, "routing_key", p->routing_key) &&
        rest_json_add_text(event, "event_action",
                           is_over    ? "resolve"
                           : is_taken ? "acknowledge"
                                      : "trigger") &&
        rest_json_add(event, "dedup_key", dedup_key(note->key)) && rest_json_add_text(event, "client", "lbops") &&
        rest_json_add(event, "payload", payload_of(note, w)))
        return event;
    (void)json_object_put(event); /* says whether it was the last one */
    return NULL;
}

static int send_note(void *state, const lb_alert_note *note, int64_t deadline, lb_alert_receipt *ret_receipt,
                     lb_error *err)
{
    pager *p = state;
    alert_words words = {.title = NULL};
    if (service_check_time(p->http.host, deadline, err) < 0)
        return err->code;
    int r = alert_words_make(note, &words, err);
    REST_JSON_AUTO *event = r == 0 ? make_event(p, note, &words) : NULL;
    const char *body = event ? json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN) : NULL;
    const alert_letter letter = {.body = body, .flags = REST_REPEATABLE};
    if (r == 0)
        r = body ? alert_http_send(&p->http, note->id, &letter, deadline, ret_receipt, err) : lb_out_of_memory(err);
    alert_words_done(&words);
    return r;
}

LB_ALERT(alert_pagerduty, "alerts as incidents of PagerDuty", .params = params, .param_size = sizeof(lb_param),
         .args_size = sizeof(struct settings), .open = open_pager, .close = close_pager, .send = send_note);
