/* alert_email: alerts by mail, over SMTP. All mails of one alert are one thread, and a mail that is sent again has the
 * same Message-ID, by which mail systems know it. */
#include "alert_memory.h"
#include "alert_words.h"
#include "rest_text.h"

#include "sha256.h"

#include <curl/curl.h>
#include <lbops/alert.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CONNECT_MS   10000L
#define LONGEST_MAIL 30000 /* milliseconds for one mail, where the host gives more */

struct settings {
    const char *server, *from, *user, *password, *ca_file;
    lb_texts to;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, server, LB_TEXT, NULL,
             "smtps://NAME, or smtp://NAME:587, where TLS is required unless it is this machine", .required = true),
    LB_PARAM(struct settings, from, LB_TEXT, NULL, "the sender's address", .required = true),
    LB_PARAM(struct settings, to, LB_LIST_OF(LB_TEXT), NULL, "who gets them", .required = true),
    LB_PARAM(struct settings, user, LB_TEXT, NULL, "to log in as"),
    LB_PARAM(struct settings, password, LB_SECRET, NULL, "the password to log in with"),
    LB_PARAM(struct settings, ca_file, LB_TEXT, NULL, "certificates to trust, PEM, instead of the system's"),
    LB_PARAMS_END,
};

typedef struct mailer {
    const lb_service_host *host;
    alert_memory *memory;
    char *server, *from, *user, *password, *ca_file, *recipients; /* "a@x, b@y" */
    struct curl_slist *to;                                        /* "<a@x>" */
    int64_t deadline;                                             /* of the call in hand */
} mailer;

/* ---- opening ---- */

/* An address goes into headers and commands: nothing that ends a line, and no second one in it. */
static int check_address(const char *text, lb_error *err)
{
    const char *at = strchr(text, '@');
    bool is_sound = at && at > text && at[1] && !strchr(at + 1, '@') && strlen(text) < 255;
    for (const char *p = text; is_sound && *p; p++)
        is_sound = (unsigned char)*p > ' ' && (unsigned char)*p < 127 && !strchr("<>,;\"()[]\\", *p);
    return is_sound ? 0
                    : lb_fail(err, LB_ERR_INVALID, "give it as name@example.org", "\"%.80s\" is no mail address", text);
}

static bool is_this_machine(const char *server)
{
    static const char *const here[] = {"smtp://127.0.0.1", "smtp://localhost", "smtp://[::1]"};
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++) {
        size_t length = strlen(here[i]);
        if (strncmp(server, here[i], length) == 0 && (!server[length] || strchr(":/", server[length])))
            return true;
    }
    return false;
}

static int check_settings(const struct settings *s, lb_error *err)
{
    bool is_smtp = strncmp(s->server, "smtp://", 7) == 0 || strncmp(s->server, "smtps://", 8) == 0;
    if (!is_smtp || strpbrk(s->server, "@ \r\n"))
        return lb_fail(err, LB_ERR_INVALID, "smtps://mail.example.org; user and password have parameters of their own",
                       "the mail server is no smtp or smtps address");
    if ((s->user && !s->password) || (s->password && !s->user))
        return lb_fail(err, LB_ERR_INVALID, "give both or none", "user and password belong together");
    if (!s->to.count)
        return lb_fail(err, LB_ERR_INVALID, "to = [\"dba@example.org\"]", "nobody gets the mails");
    int r = check_address(s->from, err);
    for (size_t i = 0; r == 0 && i < s->to.count; i++)
        r = check_address(s->to.items[i], err);
    return r;
}

static int keep_recipients(mailer *m, const lb_texts *to, lb_error *err)
{
    for (size_t i = 0; i < to->count; i++) {
        char *path = service_text("<%s>", to->items[i]),
             *all = service_text("%s%s%s", m->recipients ? m->recipients : "", i ? ",\r\n " : "", to->items[i]);
        struct curl_slist *longer = path && all ? curl_slist_append(m->to, path) : NULL;
        free(path);
        free(m->recipients);
        m->recipients = all;
        if (!longer)
            return lb_out_of_memory(err);
        m->to = longer;
    }
    return 0;
}

static void close_mailer(void *state)
{
    mailer *m = state;
    (void)alert_memory_free(m->memory); /* gives NULL */
    curl_slist_free_all(m->to);
    free(m->server);
    free(m->from);
    free(m->user);
    rest_wipe(m->password);
    free(m->ca_file);
    free(m->recipients);
    free(m);
}

static int fill_mailer(void *state, const service_opening *opening, lb_error *err)
{
    mailer *m = state;
    const struct settings *s = opening->args;
    if (check_settings(s, err) < 0)
        return err->code;
    m->host = opening->host;
    m->server = rest_strdup(s->server);
    m->from = rest_strdup(s->from);
    m->user = rest_strdup(s->user);
    m->password = rest_strdup(s->password);
    m->ca_file = rest_strdup(s->ca_file);
    if (!m->server || !m->from || (s->user && !m->user) || (s->password && !m->password) || (s->ca_file && !m->ca_file))
        return lb_out_of_memory(err);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "libcurl cannot start");
    int r = keep_recipients(m, &s->to, err);
    return r < 0 ? r : alert_memory_open(opening->state_dir, "email", &m->memory, err);
}

static int open_mailer(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                       void **ret_state, lb_error *err)
{
    const service_opening opening = {.host = host, .args = args, .state_dir = state_dir};
    (void)deadline; /* nothing waits here */
    return service_open(&opening, sizeof(mailer), fill_mailer, close_mailer, ret_state, err);
}

/* ---- the mail ---- */

/* RFC 2047: encoded words of at most 75 characters, each of whole characters. */
static void put_subject(FILE *out, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t used = 0;
    (void)fputs("Subject: =?UTF-8?Q?", out); /* fclose tells, here and below */
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (used > 45 && (c & 0xC0) != 0x80) {
            (void)fputs("?=\r\n =?UTF-8?Q?", out);
            used = 0;
        }
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            (void)fputc(c, out);
            used++;
        } else {
            (void)fprintf(out, "=%c%c", hex[c >> 4], hex[c & 15]);
            used += 3;
        }
    }
    (void)fputs("?=\r\n", out);
}

/* Quoted-printable: lines of at most 76 characters that no relay has to change. */
static void put_body(FILE *out, const char *text)
{
    size_t used = 0;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool is_plain =
            c >= ' ' && c < 127 && c != '=' && !(c == ' ' && (text[1] == '\n' || !text[1])) && !(c == '.' && !used);
        if (c == '\n') {
            (void)fputs("\r\n", out);
            used = 0;
            continue;
        }
        if (used > 70) {
            (void)fputs("=\r\n", out);
            used = 0;
        }
        if (is_plain)
            (void)fputc(c, out);
        else
            (void)fprintf(out, "=%02X", c);
        used += is_plain ? 1 : 3;
    }
}

static void name_of(const char *text, char name[SHA256_TEXT])
{
    sha256 s;
    sha256_init(&s);
    sha256_add(&s, text, strlen(text));
    sha256_end_text(&s, name);
    name[32] = '\0'; /* half of it is unique enough */
}

static void put_headers(FILE *out, const mailer *m, const lb_alert_note *note, const char *title)
{
    char thread[SHA256_TEXT], own[SHA256_TEXT], date[64] = "";
    const char *domain = strchr(m->from, '@') + 1; /* it was checked */
    time_t seconds = (time_t)(note->at / 1000000);
    struct tm t;
    char *both = service_text("%s %s", note->key, note->id);
    name_of(note->key, thread);
    name_of(both ? both : note->id, own);
    free(both);
    if (gmtime_r(&seconds, &t))
        (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &t); /* it fits */
    (void)fprintf(out, "Date: %s\r\nFrom: lbops <%s>\r\nTo: %s\r\n", date, m->from, m->recipients);
    put_subject(out, title);
    (void)fprintf(out, "Message-ID: <%s@%s>\r\nReferences: <%s@%s>\r\nIn-Reply-To: <%s@%s>\r\n", own, domain, thread,
                  domain, thread, domain);
    (void)fprintf(out,
                  "X-Priority: %d\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                  "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
                  strcmp(note->severity, "critical") == 0 ? 1 : 3);
}

/* NULL: no memory. The caller frees. */
static char *make_mail(const mailer *m, const lb_alert_note *note, const alert_words *w)
{
    char *mail = NULL, *text = alert_words_text(w);
    size_t length = 0;
    FILE *out = text ? open_memstream(&mail, &length) : NULL;
    if (out) {
        put_headers(out, m, note, w->title);
        put_body(out, text);
        if (fclose(out) != 0) {
            free(mail);
            mail = NULL;
        }
    }
    free(text);
    return mail;
}

/* ---- sending ---- */

typedef struct reading {
    const char *at;
} reading;

static size_t give(char *into, size_t size, size_t count, void *state)
{
    reading *r = state;
    size_t n = strnlen(r->at, size * count);
    memcpy(into, r->at, n);
    r->at += n;
    return n;
}

static int must_stop(void *state, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const mailer *m = state;
    (void)a, (void)b, (void)c, (void)d;
    return m->host->cancelled() || m->host->now() >= m->deadline;
}

static bool set_options(CURL *easy, mailer *m, reading *mail)
{
    int64_t left = (m->deadline - m->host->now()) / 1000;
    long limit = left < LONGEST_MAIL ? (long)left : (long)LONGEST_MAIL;
    bool ok = curl_easy_setopt(easy, CURLOPT_URL, m->server) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_USE_SSL,
                               (long)(is_this_machine(m->server) ? CURLUSESSL_TRY : CURLUSESSL_ALL)) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_MAIL_FROM, m->from) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, m->to) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_READFUNCTION, give) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_READDATA, mail) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, must_stop) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_XFERINFODATA, m) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limit > 1 ? limit : 1L) == CURLE_OK;
    if (ok && m->user)
        ok = curl_easy_setopt(easy, CURLOPT_USERNAME, m->user) == CURLE_OK &&
             curl_easy_setopt(easy, CURLOPT_PASSWORD, m->password) == CURLE_OK;
    return ok && (!m->ca_file || curl_easy_setopt(easy, CURLOPT_CAINFO, m->ca_file) == CURLE_OK);
}

/* A server's word decides: 4xx is for later, 5xx for good. Without one nobody knows. */
static int judge(CURL *easy, CURLcode result, lb_alert_receipt *ret_receipt, lb_error *err)
{
    long status = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status); /* 0 where there is none */
    if (result == CURLE_OK) {
        *ret_receipt = (lb_alert_receipt){.outcome = LB_ALERT_DELIVERED};
        return 0;
    }
    if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_USE_SSL_FAILED)
        return lb_fail(err, LB_ERR_DENIED, "the server's certificate has to be right; ca_file names others to trust",
                       "the mail server cannot be trusted: %s", curl_easy_strerror(result));
    if (status < 400)
        return lb_fail(err, LB_ERR_UNREACHABLE, "check the mail server and its address", "sending a mail: %s",
                       curl_easy_strerror(result));
    *ret_receipt = (lb_alert_receipt){.outcome = status < 500 ? LB_ALERT_LATER : LB_ALERT_REFUSED};
    (void)snprintf(ret_receipt->why, sizeof ret_receipt->why, "the mail server says %ld: %s", status,
                   curl_easy_strerror(result));
    return 0;
}

static int post(mailer *m, const char *mail, lb_alert_receipt *ret_receipt, lb_error *err)
{
    reading r = {.at = mail};
    CURL *easy = curl_easy_init();
    if (!easy || !set_options(easy, m, &r)) {
        curl_easy_cleanup(easy);
        return lb_fail(err, LB_ERR_INTERNAL, NULL, "libcurl does not send mails here");
    }
    int code = judge(easy, curl_easy_perform(easy), ret_receipt, err);
    curl_easy_cleanup(easy);
    return code;
}

static int send_note(void *state, const lb_alert_note *note, int64_t deadline, lb_alert_receipt *ret_receipt,
                     lb_error *err)
{
    mailer *m = state;
    alert_words words = {.title = NULL};
    lb_alert_receipt receipt = {.outcome = LB_ALERT_DELIVERED};
    if (service_check_time(m->host, deadline, err) < 0)
        return err->code;
    m->deadline = deadline;
    int r = alert_words_make(note, &words, err);
    if (r == 0 && !alert_memory_knows(m->memory, note->id)) {
        char *mail = make_mail(m, note, &words);
        r = mail ? post(m, mail, &receipt, err) : lb_out_of_memory(err);
        free(mail);
        if (r == 0 && receipt.outcome == LB_ALERT_DELIVERED)
            r = alert_memory_add(m->memory, note->id, err);
    }
    alert_words_done(&words);
    if (r == 0)
        *ret_receipt = receipt;
    return r;
}

LB_ALERT(alert_email, "alerts by mail", .params = params, .param_size = sizeof(lb_param),
         .args_size = sizeof(struct settings), .open = open_mailer, .close = close_mailer, .send = send_note);
