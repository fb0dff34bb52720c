/* alert_slack: alerts as messages in a channel, by an incoming webhook, whose address is the secret. Slack has no key
 * for repeats: a message whose answer got lost is sent again. */
#include "alert_http.h"
#include "alert_words.h"

#include <lbops/alert.h>

#include <stdio.h>
#include <stdlib.h>

#define SECTION_MOST 2900 /* characters; Slack takes 3000 in a section */

struct settings {
    const char *url, *ca_file;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, url, LB_SECRET, NULL, "the incoming webhook: https://hooks.slack.com/services/...",
             .required = true),
    LB_PARAM(struct settings, ca_file, LB_TEXT, NULL, "certificates to trust, PEM, instead of the system's"),
    LB_PARAMS_END,
};

static void close_slack(void *state)
{
    alert_http_done(state);
    free(state);
}

static int fill_slack(void *state, const service_opening *opening, lb_error *err)
{
    const struct settings *s = opening->args;
    const alert_http_options options = {.host = opening->host,
                                        .state_dir = opening->state_dir,
                                        .name = "slack",
                                        .url = s->url,
                                        .ca_file = s->ca_file,
                                        .secret = s->url};
    return alert_http_open(&options, state, err);
}

static int open_slack(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                      void **ret_state, lb_error *err)
{
    const service_opening opening = {.host = host, .args = args, .state_dir = state_dir};
    (void)deadline; /* nothing waits here */
    return service_open(&opening, sizeof(alert_http), fill_slack, close_slack, ret_state, err);
}

/* Slack's three control characters; a name from a database can neither link nor call people. */
static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            (void)fputs("&amp;", out);
            break; /* fclose tells */
        case '<':
            (void)fputs("&lt;", out);
            break;
        case '>':
            (void)fputs("&gt;", out);
            break;
        default:
            (void)fputc(*text, out);
        }
}

static void put_line(FILE *out, const char *name, const char *value)
{
    (void)fprintf(out, "\n*%s* ", name); /* fclose tells, here and below */
    put_escaped(out, value);
}

/* The title stands above the section, and in people's notifications. NULL: no memory. The caller frees. */
static char *make_title(const alert_words *w)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    put_escaped(out, w->title);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* NULL: no memory. The caller frees. */
static char *make_text(const alert_words *w)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    (void)fputs("*where* ", out);
    put_escaped(out, w->where);
    put_line(out, "since", w->since);
    if (w->source)
        put_line(out, "from", w->source);
    if (w->done)
        put_line(out, "done", w->done);
    if (w->procedure)
        put_line(out, "procedure", w->procedure);
    if (w->command) {
        (void)fputs("\n*next* `", out);
        put_escaped(out, w->command);
        (void)fputc('`', out);
    }
    for (size_t i = 0; i < w->fact_count; i++) /* last: where there are too many, they are what is cut */
        put_line(out, w->facts[i].name, w->facts[i].value);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    while (length > SECTION_MOST || (length && ((unsigned char)text[length] & 0xC0) == 0x80))
        text[--length] = '\0'; /* whole characters */
    return text;
}

/* {"text": for notifications, "attachments": [{"color", "blocks": [a section]}]} */
static struct json_object *make_message(const lb_alert_note *note, const alert_words *w)
{
    bool is_over = strcmp(note->change, "resolved") == 0;
    const char *color = is_over                                   ? "#2eb67d"
                        : strcmp(note->severity, "critical") == 0 ? "#e01e5a"
                        : strcmp(note->severity, "warning") == 0  ? "#ecb22e"
                                                                  : "#36c5f0";
    char *text = make_text(w), *title = make_title(w);
    REST_JSON_AUTO *message = json_object_new_object();
    struct json_object *words = json_object_new_object(), *section = json_object_new_object(),
                       *blocks = json_object_new_array(), *attachment = json_object_new_object(),
                       *attachments = json_object_new_array();
    bool ok = text && title && message && words && section && blocks && attachment && attachments;
    ok = ok && rest_json_add_text(words, "type", "mrkdwn") && rest_json_add_text(words, "text", text);
    ok = ok && rest_json_add_text(section, "type", "section") && rest_json_add(section, "text", json_object_get(words));
    ok = ok && json_object_array_add(blocks, json_object_get(section)) == 0;
    ok = ok && rest_json_add_text(attachment, "color", color) &&
         rest_json_add(attachment, "blocks", json_object_get(blocks));
    ok = ok && json_object_array_add(attachments, json_object_get(attachment)) == 0;
    ok = ok && rest_json_add_text(message, "text", title) &&
         rest_json_add(message, "attachments", json_object_get(attachments));
    struct json_object *const parts[] = {words, section, blocks, attachment, attachments};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        (void)json_object_put(parts[i]); /* the message holds its own reference */
    free(text);
    free(title);
    return ok ? json_object_get(message) : NULL;
}

static int send_note(void *state, const lb_alert_note *note, int64_t deadline, lb_alert_receipt *ret_receipt,
                     lb_error *err)
{
    alert_http *h = state;
    alert_words words = {.title = NULL};
    if (service_check_time(h->host, deadline, err) < 0)
        return err->code;
    int r = alert_words_make(note, &words, err);
    REST_JSON_AUTO *message = r == 0 ? make_message(note, &words) : NULL;
    const alert_letter letter = {.body =
                                     message ? json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN) : NULL};
    if (r == 0)
        r = letter.body ? alert_http_send(h, note->id, &letter, deadline, ret_receipt, err) : lb_out_of_memory(err);
    alert_words_done(&words);
    return r;
}

LB_ALERT(alert_slack, "alerts as messages in a Slack channel", .params = params, .param_size = sizeof(lb_param),
         .args_size = sizeof(struct settings), .open = open_slack, .close = close_slack, .send = send_note);
