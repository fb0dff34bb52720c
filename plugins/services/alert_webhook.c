/* alert_webhook: alerts as JSON to an address of one's own, signed as Standard Webhooks says, so that its libraries
 * verify them: webhook-id, webhook-timestamp, and webhook-signature over "ID.TIMESTAMP.BODY". The id is the same when a
 * note is sent again. */
#include "alert_http.h"
#include "alert_words.h"

#include "sha256.h"

#include <lbops/alert.h>

#include <stdlib.h>
#include <time.h>

#define KEY_MOST 512

struct settings {
    const char *url, *secret, *ca_file;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, url, LB_TEXT, NULL, "where to: https://NAME/PATH", .required = true),
    LB_PARAM(struct settings, secret, LB_SECRET, NULL, "the key of the signature: whsec_BASE64, or any text",
             .required = true),
    LB_PARAM(struct settings, ca_file, LB_TEXT, NULL, "certificates to trust, PEM, instead of the system's"),
    LB_PARAMS_END,
};

typedef struct webhook {
    alert_http http;
    unsigned char key[KEY_MOST];
    size_t key_length;
} webhook;

/* ---- the key ---- */

static int value_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static int read_key(webhook *w, const char *secret, lb_error *err)
{
    bool is_coded = strncmp(secret, "whsec_", 6) == 0;
    const char *p = is_coded ? secret + 6 : secret;
    size_t length = strcspn(p, "="); /* padding says nothing */
    uint32_t bits = 0, have = 0;
    if (strlen(p) < 8 || strlen(p) >= KEY_MOST)
        return lb_fail(err, LB_ERR_INVALID, "8 to 500 characters; better whsec_ and 24 to 64 random bytes in base64",
                       "the secret of the webhook is too short or too long");
    if (!is_coded) {
        w->key_length = strlen(p);
        memcpy(w->key, p, w->key_length);
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        int value = value_of(p[i]);
        if (value < 0)
            return lb_fail(err, LB_ERR_INVALID, "what follows whsec_ is base64",
                           "the secret of the webhook is damaged");
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8)
            w->key[w->key_length++] = (unsigned char)(bits >> (have -= 8));
    }
    return 0;
}

/* ---- the signature ---- */

static void hmac(const webhook *w, const char *text, unsigned char digest[SHA256_BYTES])
{
    unsigned char block[64] = {0}, inner[SHA256_BYTES];
    sha256 s;
    if (w->key_length > sizeof block) {
        sha256_init(&s);
        sha256_add(&s, w->key, w->key_length);
        sha256_end(&s, block);
    } else {
        memcpy(block, w->key, w->key_length);
    }
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    sha256_init(&s);
    sha256_add(&s, block, sizeof block);
    sha256_add(&s, text, strlen(text));
    sha256_end(&s, inner);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5C;
    sha256_init(&s);
    sha256_add(&s, block, sizeof block);
    sha256_add(&s, inner, sizeof inner);
    sha256_end(&s, digest);
}

static void encode(const unsigned char *bytes, size_t length, char *into)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        uint32_t n = (uint32_t)bytes[i] << 16;
        n |= i + 1 < length ? (uint32_t)bytes[i + 1] << 8 : 0;
        n |= i + 2 < length ? bytes[i + 2] : 0;
        *into++ = digits[n >> 18];
        *into++ = digits[n >> 12 & 63];
        *into++ = i + 1 < length ? digits[n >> 6 & 63] : '=';
        *into++ = i + 2 < length ? digits[n & 63] : '=';
    }
    *into = '\0';
}

static char *sign(const webhook *w, const char *id, int64_t now, const char *body)
{
    unsigned char digest[SHA256_BYTES];
    char code[SHA256_BYTES * 2];
    char *text = service_text("%s.%lld.%s", id, (long long)now, body);
    if (!text)
        return NULL;
    hmac(w, text, digest);
    free(text);
    encode(digest, sizeof digest, code);
    return service_text("webhook-signature: v1,%s", code);
}

/* ---- the service ---- */

static void close_webhook(void *state)
{
    webhook *w = state;
    alert_http_done(&w->http);
    explicit_bzero(w, sizeof *w);
    free(w);
}

static int fill_webhook(void *state, const service_opening *opening, lb_error *err)
{
    webhook *w = state;
    const struct settings *s = opening->args;
    const alert_http_options options = {.host = opening->host,
                                        .state_dir = opening->state_dir,
                                        .name = "webhook",
                                        .url = s->url,
                                        .ca_file = s->ca_file,
                                        .secret = s->secret};
    int r = read_key(w, s->secret, err);
    return r < 0 ? r : alert_http_open(&options, &w->http, err);
}

static int open_webhook(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                        void **ret_state, lb_error *err)
{
    const service_opening opening = {.host = host, .args = args, .state_dir = state_dir};
    (void)deadline; /* nothing waits here */
    return service_open(&opening, sizeof(webhook), fill_webhook, close_webhook, ret_state, err);
}

/* {"type","timestamp","data"}: the envelope of the same convention; data is the note as alert_file writes it. */
static struct json_object *make_body(const lb_alert_note *note, const alert_words *words)
{
    REST_JSON_AUTO *body = json_object_new_object();
    struct json_object *data = json_object_new_object();
    bool ok = body && data && rest_json_add_text(data, "id", note->id) && rest_json_add_text(data, "key", note->key) &&
              rest_json_add_text(data, "change", note->change) &&
              rest_json_add_text(data, "severity", note->severity) && rest_json_add_text(data, "text", note->text) &&
              alert_words_put(words, data) && rest_json_add(data, "alert", json_object_get(words->document));
    char *type = service_text("alert.%s", note->change), stamp[40] = "";
    time_t seconds = (time_t)(note->at / REST_SECOND);
    struct tm t;
    if (gmtime_r(&seconds, &t))
        (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &t); /* it fits */
    ok = ok && type && rest_json_add_text(body, "type", type) && rest_json_add_text(body, "timestamp", stamp);
    free(type);
    if (!ok) {
        (void)json_object_put(data); /* says whether it was the last one */
        return NULL;
    }
    return rest_json_add(body, "data", data) ? json_object_get(body) : NULL;
}

static int send_body(webhook *w, const lb_alert_note *note, const char *body, int64_t deadline,
                     lb_alert_receipt *ret_receipt, lb_error *err)
{
    int64_t now = rest_wall_clock() / REST_SECOND;
    char *id = service_text("webhook-id: %s", note->id), *signature = sign(w, note->id, now, body),
         *stamp = service_text("webhook-timestamp: %lld", (long long)now);
    const char *const headers[] = {id, stamp, signature, NULL};
    const alert_letter letter = {.body = body, .headers = headers, .flags = REST_REPEATABLE};
    int r = id && signature && stamp ? alert_http_send(&w->http, note->id, &letter, deadline, ret_receipt, err)
                                     : lb_out_of_memory(err);
    free(id);
    free(signature);
    free(stamp);
    return r;
}

static int send_note(void *state, const lb_alert_note *note, int64_t deadline, lb_alert_receipt *ret_receipt,
                     lb_error *err)
{
    alert_words words = {.title = NULL};
    webhook *w = state;
    if (service_check_time(w->http.host, deadline, err) < 0)
        return err->code;
    int r = alert_words_make(note, &words, err);
    REST_JSON_AUTO *body = r == 0 ? make_body(note, &words) : NULL;
    const char *text =
        body ? json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE) : NULL;
    if (r == 0)
        r = text ? send_body(w, note, text, deadline, ret_receipt, err) : lb_out_of_memory(err);
    alert_words_done(&words);
    return r;
}

LB_ALERT(alert_webhook, "alerts as signed JSON to an address of one's own", .params = params,
         .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .open = open_webhook,
         .close = close_webhook, .send = send_note);
