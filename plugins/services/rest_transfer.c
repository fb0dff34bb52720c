/* One attempt: the request as libcurl wants it, and the wait for its answer, which ends by the deadline and at once
 * when the run should stop. */
#include "rest_internal.h"

#include <stdlib.h>
#include <unistd.h>

/* A signal ends a wait. It may also come just before the wait begins; then the end of the slice is when it is seen. */
#define SLICE_MS 1000

#define ANSWER_LIMIT ((size_t)64 * 1024 * 1024)

/* ---- the two bodies ---- */

static size_t give_body(char *into, size_t size, size_t count, void *arg)
{
    rest_attempt *a = arg;
    size_t room = size * count, left = a->call->body_length - a->body_sent, n = left < room ? left : room;
    if (a->call->body_fd > 0) {
        ssize_t got = n ? pread(a->call->body_fd, into, n, (off_t)a->body_sent) : 0;
        if (got < 0 || (n && got == 0))
            return CURL_READFUNC_ABORT; /* the file is shorter than it was */
        n = (size_t)got;
    } else if (n) {
        memcpy(into, a->call->body + a->body_sent, n);
    }
    a->body_sent += n;
    return n;
}

static int seek_body(void *arg, curl_off_t offset, int origin)
{
    rest_attempt *a = arg;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > a->call->body_length)
        return CURL_SEEKFUNC_CANTSEEK;
    a->body_sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static bool is_success(CURL *easy)
{
    long status = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status); /* leaves 0 when it cannot say */
    return status >= 200 && status <= 299;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    rest_attempt *a = arg;
    size_t length = size * count;
    if (a->call->take && is_success(a->easy)) {
        a->taken = true;
        a->take_failed = a->call->take(a->call->take_arg, bytes, length, a->err);
        return a->take_failed < 0 ? 0 : length;
    }
    rest_buf_put(&a->reply->body, bytes, length);
    a->too_long = a->reply->body.failed;
    return a->too_long ? 0 : length;
}

/* ---- the request ---- */

static bool is_whole(const char *path)
{
    return strncmp(path, "https://", 8) == 0 || strncmp(path, "http://", 7) == 0;
}

/* Does the URL belong to the origin? Not by its letters alone: https://name.evil begins like https://name. */
static bool is_ours(const rest_client *c, const char *url)
{
    size_t length = c->base_url ? strlen(c->base_url) : 0;
    return length && strncmp(url, c->base_url, length) == 0 && (!url[length] || strchr("/?", url[length]));
}

static int make_url(const rest_attempt *a, char **ret_url, lb_error *err)
{
    const rest_call *call = a->call;
    bool whole = is_whole(call->path), has_query = call->query && *call->query;
    if (!whole && !a->client->base_url)
        return lb_fail(err, LB_ERR_INVALID, "name the whole URL", "%s: there is no address to send it to", a->what);
    if (whole && !(call->flags & REST_ANONYMOUS) && a->client->options.authorize && !is_ours(a->client, call->path))
        return lb_fail(err, LB_ERR_DENIED, NULL, "%s: credentials go to %s only", a->what, rest_base_url(a->client));
    char *url =
        rest_printf("%s%s%s%s%s", whole ? "" : a->client->base_url, whole || call->path[0] == '/' ? "" : "/",
                    call->path, has_query ? (strchr(call->path, '?') ? "&" : "?") : "", has_query ? call->query : "");
    if (!url)
        return lb_out_of_memory(err);
    *ret_url = url;
    return 0;
}

static bool add_header(rest_attempt *a, const char *line)
{
    struct curl_slist *longer = curl_slist_append(a->headers, line);
    a->headers = longer ? longer : a->headers;
    return longer != NULL;
}

static bool add_pair(rest_attempt *a, const char *name, const char *value)
{
    char *line = rest_printf("%s: %s", name, value);
    bool added = line && add_header(a, line);
    rest_wipe(line); /* it may be the credential */
    return added;
}

static bool has_body(const rest_call *call)
{
    return call->body || call->body_fd > 0;
}

static bool add_headers(rest_attempt *a, const char *authorization)
{
    const rest_call *call = a->call;
    bool ok = add_header(a, "Expect:"); /* waiting for leave to send costs a second where nobody gives it */
    for (char **h = call->flags & REST_ANONYMOUS ? NULL : a->client->headers; ok && h && *h; h++)
        ok = add_header(a, *h);
    bool json = has_body(call) && !call->content_type;
    if (ok && !call->take)
        ok = add_header(a, "Accept: application/json");
    if (ok && has_body(call))
        ok = add_pair(a, "Content-Type", json ? "application/json" : call->content_type);
    for (const char *const *h = call->headers; ok && h && *h; h++)
        ok = add_header(a, *h);
    return ok && (!authorization || add_pair(a, "Authorization", authorization));
}

static void wipe_headers(rest_attempt *a)
{
    for (struct curl_slist *h = a->headers; h; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(a->headers);
    a->headers = NULL;
}

static void set_body(rest_attempt *a)
{
    CURL *e = a->easy;
    const rest_call *call = a->call;
    bool posts = strcmp(call->method, "POST") == 0;
    if (strcmp(call->method, "HEAD") == 0)
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    else if (posts && !has_body(call))
        curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, ""); /* a length of 0 is said */
    if (has_body(call)) {
        curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(e, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(e, CURLOPT_READDATA, a);
        curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, seek_body);
        curl_easy_setopt(e, CURLOPT_SEEKDATA, a);
        curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->body_length);
    }
    if (strcmp(call->method, "HEAD") != 0)
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, call->method);
}

static void set_options(rest_attempt *a, const char *url, char *message)
{
    CURL *e = a->easy;
    const rest_client *c = a->client;
    curl_easy_reset(e);
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs is left behind, not waited for */
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L); /* credentials go where they were meant to go */
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)c->options.connect_ms);
    curl_easy_setopt(e, CURLOPT_USERAGENT, c->user_agent);
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, message);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, a->headers);
    if (c->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
    /* libcurl sends once more by itself when a kept connection turns out dead, and nobody would know. */
    if (strcmp(a->call->method, "GET") != 0 && strcmp(a->call->method, "HEAD") != 0)
        curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
    set_body(a);
}

/* ---- the answer ---- */

static const char *header(CURL *e, const char *name)
{
    struct curl_header *found = NULL;
    return curl_easy_header(e, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : NULL;
}

/* <https://api.name/x?page=2>; rel="next", <...>; rel="last" */
static char *next_url(const char *link)
{
    const char *rel = link ? strstr(link, "rel=\"next\"") : NULL, *from = rel;
    while (from && from > link && *from != '<')
        from--;
    size_t length = from && *from == '<' ? strcspn(from + 1, ">") : 0;
    return length ? strndup(from + 1, length) : NULL;
}

static int64_t asked_wait(CURL *e)
{
    const char *text = header(e, "Retry-After");
    char *end = NULL;
    long seconds = text ? strtol(text, &end, 10) : -1;
    if (!text)
        return -1;
    if (end != text && seconds >= 0)
        return (seconds < 86400 ? seconds : 86400) * INT64_C(1000);
    int64_t at = rest_http_time(text), server = rest_http_time(header(e, "Date"));
    if (at == REST_NO_TIME)
        return -1;
    int64_t left = at - (server == REST_NO_TIME ? rest_wall_clock() : server);
    return left > 0 ? left / REST_MILLISECOND : 0;
}

static void read_answer(rest_attempt *a)
{
    static const char *const names[] = {"x-databricks-request-id", "x-request-id", "x-github-request-id"};
    long status = 0;
    rest_reply *reply = a->reply;
    (void)curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &status); /* leaves 0 when it cannot say */
    reply->status = (int)status;
    reply->server_time = rest_http_time(header(a->easy, "Date"));
    reply->next_url = next_url(header(a->easy, "Link"));
    const char *type = header(a->easy, "Content-Type"), *id = NULL;
    for (size_t i = 0; !id && i < sizeof names / sizeof names[0]; i++)
        id = header(a->easy, names[i]);
    rest_line(reply->content_type, sizeof reply->content_type, type ? type : "", type ? strlen(type) : 0);
    rest_line(reply->request_id, sizeof reply->request_id, id ? id : "", id ? strlen(id) : 0);
    a->problem.wait_ms = asked_wait(a->easy);
    rest_buf_put(&reply->body, "", 0);
}

/* ---- the wait ---- */

static bool find_result(CURLM *multi, CURLcode *ret_code)
{
    int left = 0;
    for (CURLMsg *m = curl_multi_info_read(multi, &left); m; m = curl_multi_info_read(multi, &left))
        if (m->msg == CURLMSG_DONE) {
            *ret_code = m->data.result;
            return true;
        }
    return false;
}

/* CURLE_OK: there is an answer. Negative: err says why we did not wait for one. */
static int drive(rest_attempt *a, int64_t until, CURLcode *ret_code, lb_error *err)
{
    const lb_service_host *host = a->client->options.host;
    CURLM *multi = a->client->multi;
    for (;;) {
        int running = 0;
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            return lb_fail(err, LB_ERR_INTERNAL, NULL, "%s: libcurl gave up", a->what);
        if (find_result(multi, ret_code))
            return 0;
        if (host->cancelled())
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "%s: cancelled", a->what);
        int64_t now = host->now();
        if (now >= until) {
            *ret_code = CURLE_OPERATION_TIMEDOUT;
            return 0;
        }
        int64_t left_ms = (until - now - 1) / REST_MILLISECOND + 1;
        (void)curl_multi_poll(multi, NULL, 0, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS), NULL); /* looks again */
    }
}

static int64_t attempt_end(const rest_attempt *a, int64_t now)
{
    int64_t ms = a->call->attempt_ms ? a->call->attempt_ms : a->client->options.attempt_ms;
    int64_t end = now + ms * REST_MILLISECOND;
    return end < a->call->deadline ? end : a->call->deadline;
}

static bool has_left(rest_attempt *a)
{
    long bytes = 0;
    (void)curl_easy_getinfo(a->easy, CURLINFO_REQUEST_SIZE, &bytes); /* leaves 0 when it cannot say */
    return bytes > 0;
}

int rest_transfer(rest_attempt *a, const char *authorization, lb_error *err)
{
    char *url = NULL, message[CURL_ERROR_SIZE] = "";
    CURLcode code = CURLE_OK;
    a->err = err;
    a->easy = a->client->easy;
    a->body_sent = 0;
    a->reply->body.limit = a->call->limit ? a->call->limit : ANSWER_LIMIT;
    int r = make_url(a, &url, err);
    if (r == 0 && !add_headers(a, authorization))
        r = lb_out_of_memory(err);
    if (r == 0) {
        set_options(a, url, message);
        a->reply->sent_at = a->client->options.host->now();
        if (curl_multi_add_handle(a->client->multi, a->easy) != CURLM_OK)
            r = lb_out_of_memory(err);
        else
            r = drive(a, attempt_end(a, a->reply->sent_at), &code, err);
        a->problem.sent = has_left(a);
        if (r == 0 && code == CURLE_OK)
            read_answer(a);
        (void)curl_multi_remove_handle(a->client->multi, a->easy); /* it may not have got in */
        if (r == 0 && code != CURLE_OK)
            r = a->take_failed < 0 ? a->take_failed : rest_fail_transfer(a, code, err);
        curl_easy_reset(a->easy); /* it must not point to what is ours alone */
    }
    wipe_headers(a);
    rest_wipe(url);
    return r;
}
