/* What went wrong, in our codes. A server's words are shown, cut to a line, with its code and its request id; a secret
 * in them is the client's `hide` to find. */
#include "rest_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

/* The first that fits is taken. */
static const struct {
    const char *error_code;
    int code;
} by_name[] = {
    {"INVALID_STATE", LB_ERR_CONFLICT},
    {"FEATURE_DISABLED", LB_ERR_UNSUPPORTED},
    {"NOT_IMPLEMENTED", LB_ERR_UNSUPPORTED},
    {"UNAUTHENTICATED", LB_ERR_DENIED},
    {"PERMISSION_DENIED", LB_ERR_DENIED},
    {"CUSTOMER_UNAUTHORIZED", LB_ERR_DENIED},
    {"ENDPOINT_NOT_FOUND", LB_ERR_UNSUPPORTED},       /* no such call: what was named may well be there */
    {"METASTORE_DOES_NOT_EXIST", LB_ERR_UNSUPPORTED}, /* a workspace without Unity Catalog */
    {"NOT_FOUND", LB_ERR_NOT_FOUND},
    {"RESOURCE_DOES_NOT_EXIST", LB_ERR_NOT_FOUND},
    {"ALREADY_EXISTS", LB_ERR_CONFLICT},
    {"RESOURCE_ALREADY_EXISTS", LB_ERR_CONFLICT},
    {"ABORTED", LB_ERR_CONFLICT},
    {"RESOURCE_CONFLICT", LB_ERR_CONFLICT},
    {"RESOURCE_EXHAUSTED", LB_ERR_LIMIT},
    {"REQUEST_LIMIT_EXCEEDED", LB_ERR_LIMIT},
    {"QUOTA_EXCEEDED", LB_ERR_LIMIT},
    {"RESOURCE_LIMIT_EXCEEDED", LB_ERR_LIMIT},
    {"CANCELLED", LB_ERR_CANCELLED},
    {"DEADLINE_EXCEEDED", LB_ERR_TIMEOUT},
    {"INVALID_PARAMETER_VALUE", LB_ERR_INVALID},
    {"BAD_REQUEST", LB_ERR_INVALID},
    {"MALFORMED_REQUEST", LB_ERR_INVALID},
};

static const struct {
    int status, code;
    const char *hint;
} by_status[] = {
    {401, LB_ERR_DENIED, "check the credentials: DATABRICKS_* variables, the profile, or the manifest's secrets"},
    {403, LB_ERR_DENIED, "the principal needs a permission for that"},
    {404, LB_ERR_NOT_FOUND, "check the name"},
    {408, LB_ERR_TIMEOUT, "try again"},
    {409, LB_ERR_CONFLICT, "look at its state, and try again"},
    {429, LB_ERR_LIMIT, "the server asks for fewer calls: try again later"},
    {499, LB_ERR_CANCELLED, NULL},
    {501, LB_ERR_UNSUPPORTED, NULL},
    {504, LB_ERR_TIMEOUT, "try again"},
};

static size_t find_status(int status)
{
    size_t i = 0;
    while (i < sizeof by_status / sizeof by_status[0] && by_status[i].status != status)
        i++;
    return i;
}

int rest_code_of(int status, const char *error_code)
{
    size_t i = find_status(status), length = strlen(error_code);
    for (size_t n = 0; n < sizeof by_name / sizeof by_name[0]; n++)
        if (strcmp(by_name[n].error_code, error_code) == 0)
            return by_name[n].code;
    if (length > 15 && strcmp(error_code + length - 15, "_DOES_NOT_EXIST") == 0)
        return LB_ERR_NOT_FOUND;
    if (i < sizeof by_status / sizeof by_status[0])
        return by_status[i].code;
    return status >= 500 || status < 400 ? LB_ERR_UNREACHABLE : LB_ERR_INVALID;
}

static const char *hint_of(int status, int code)
{
    size_t i = find_status(status);
    if (status == 404 && code == LB_ERR_UNSUPPORTED)
        return "the server knows no such call: it may be of a newer one, or of another region";
    if (i < sizeof by_status / sizeof by_status[0])
        return by_status[i].hint;
    if (code == LB_ERR_CONFLICT)
        return "look at its state, and try again";
    if (code == LB_ERR_LIMIT)
        return "a limit of the workspace is reached";
    return status >= 500 ? "the server is in trouble: try again later" : NULL;
}

bool rest_is_ambiguous(const rest_problem *p)
{
    return (p->status == 0 && p->sent && !p->unverified) || p->status == 500 || p->status == 502 || p->status == 504;
}

/* ---- the error body ---- */

typedef struct words {
    bool is_plain; /* nothing but a text: it may not even say that it is a failure */
    char message[300];
} words;

static void take_line(char *into, size_t size, const char *text)
{
    if (text)
        rest_line(into, size, text, strlen(text));
}

static void read_details(struct json_object *document, rest_problem *p)
{
    struct json_object *details = rest_json_at(document, "details");
    for (size_t i = 0; i < rest_json_count(details); i++) {
        struct json_object *d = json_object_array_get_idx(details, i);
        const char *type = rest_json_text(d, "@type"), *kind = type ? strrchr(type, '.') : NULL;
        if (!kind)
            continue;
        if (strcmp(kind, ".RequestInfo") == 0)
            take_line(p->request_id, sizeof p->request_id, rest_json_text(d, "request_id"));
        else if (strcmp(kind, ".ErrorInfo") == 0)
            take_line(p->reason, sizeof p->reason, rest_json_text(d, "reason"));
        else if (strcmp(kind, ".RetryInfo") == 0 && p->wait_ms < 0)
            p->wait_ms = rest_duration(rest_json_text(d, "retry_delay")) / REST_MILLISECOND;
    }
}

/* What code hosts say beside a message that is the same for all: {"errors":[{"message"}]}. */
static void add_error(struct json_object *document, words *w)
{
    struct json_object *errors = rest_json_at(document, "errors");
    const char *text = rest_json_count(errors) ? rest_json_text(json_object_array_get_idx(errors, 0), "message") : NULL;
    size_t length = strlen(w->message);
    if (!text || length + 3 >= sizeof w->message)
        return;
    if (length) {
        memcpy(w->message + length, ": ", 3);
        length += 2;
    }
    rest_line(w->message + length, sizeof w->message - length, text, strlen(text));
}

/* The forms that are in use: the platform's, its old one, SCIM's, and those of OAuth servers. */
static bool read_object(const rest_reply *reply, words *w, rest_problem *p)
{
    lb_error ignored;
    size_t from = strspn(reply->body.data, " \t\r\n");
    if (reply->body.data[from] != '{')
        return false;
    REST_JSON_AUTO *document = rest_json_parse(reply->body.data, reply->body.length, "error", &ignored);
    if (!document)
        return false;
    const char *description = rest_json_text(document, "error_description"), *error = rest_json_text(document, "error");
    const char *summary = rest_json_text(document, "errorSummary");
    take_line(w->message, sizeof w->message, rest_json_text(document, "message"));
    take_line(w->message, sizeof w->message, rest_json_text(document, "detail"));
    take_line(w->message, sizeof w->message, description ? description : summary ? summary : error);
    add_error(document, w);
    take_line(p->error_code, sizeof p->error_code, rest_json_text(document, "error_code"));
    if (!p->error_code[0] && description)
        take_line(p->error_code, sizeof p->error_code, error);
    if (!p->error_code[0])
        take_line(p->error_code, sizeof p->error_code, rest_json_text(document, "errorCode"));
    read_details(document, p);
    return true;
}

/* The text between <TAG> and </TAG>. */
static bool read_tag(const char *html, const char *open, const char *close, words *w)
{
    const char *from = strcasestr(html, open), *to = from ? strcasestr(from, close) : NULL;
    if (!to)
        return false;
    from += strlen(open);
    rest_line(w->message, sizeof w->message, from, (size_t)(to - from));
    return w->message[0] != '\0';
}

/* "CODE: message" */
static void read_plain(const char *text, words *w, rest_problem *p)
{
    size_t code = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    if (code > 2 && code < sizeof p->error_code && strncmp(text + code, ": ", 2) == 0) {
        rest_line(p->error_code, sizeof p->error_code, text, code);
        text += code + 2;
    }
    rest_line(w->message, sizeof w->message, text, strlen(text));
}

static void read_words(const rest_attempt *a, words *w, rest_problem *p)
{
    const char *text = a->reply->body.data;
    if (read_object(a->reply, w, p) && (w->message[0] || p->error_code[0]))
        return;
    if (strchr(text, '<') && (read_tag(text, "<pre>", "</pre>", w) || read_tag(text, "<title>", "</title>", w)))
        return;
    if (*text && !strchr(text, '<') && !strchr(text, '{'))
        read_plain(text, w, p);
    w->is_plain = w->message[0] && !p->error_code[0];
}

static int fail_redirect(const rest_attempt *a, lb_error *err)
{
    return lb_fail(
        err, LB_ERR_UNREACHABLE, "is the address that of the workspace itself, and does a private link leave you in?",
        "%s: the server sends us elsewhere (%d), as one does that asks for a login", a->what, a->reply->status);
}

int rest_fail_answer(rest_attempt *a, lb_error *err)
{
    words w = {.message = ""};
    rest_problem *p = &a->problem;
    p->status = a->reply->status;
    memcpy(p->request_id, a->reply->request_id, sizeof p->request_id);
    if (p->status < 400)
        return fail_redirect(a, err);
    read_words(a, &w, p);
    char answered[40] = "";
    if (w.is_plain || !w.message[0])
        (void)snprintf(answered, sizeof answered, "the server answered %d%s", p->status, w.message[0] ? ": " : "");
    int code = rest_code_of(p->status, p->error_code);
    char origin[200] = "";
    if (p->error_code[0] || p->request_id[0])
        (void)snprintf(origin, sizeof origin, " (%s%s%s%s)", p->error_code, /* bounded by its parts */
                       p->error_code[0] && p->request_id[0] ? ", " : "", p->request_id[0] ? "request " : "",
                       p->request_id);
    return lb_fail(err, code, hint_of(p->status, code), "%s: %s%s%s", a->what, answered, w.message, origin);
}

/* ---- no answer ---- */

static bool is_certificate(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

static const char *reason_of(const rest_attempt *a, CURLcode code)
{
    if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE)
        return "the connection was lost before the answer was whole";
    if (code == CURLE_OPERATION_TIMEDOUT)
        return a->problem.sent ? "no whole answer in time" : "no connection in time";
    return curl_easy_strerror(code);
}

/* One that is a secret as a whole is not shown. */
static const char *address_of(const rest_attempt *a)
{
    const char *base = rest_base_url(a->client);
    return *base ? base : "the server (its address is a secret)";
}

int rest_fail_transfer(rest_attempt *a, CURLcode code, lb_error *err)
{
    rest_problem *p = &a->problem;
    int64_t now = a->client->options.host->now();
    p->status = 0;
    p->unverified = is_certificate(code);
    if (a->too_long)
        return lb_fail(err, LB_ERR_LIMIT, NULL, "%s: the answer is longer than %zu bytes", a->what,
                       a->reply->body.limit);
    if (p->unverified)
        return lb_fail(err, LB_ERR_UNREACHABLE,
                       "the name must be the one that the certificate is for, and its issuer one that ca_file or the "
                       "system knows",
                       "%s: the server's certificate is not to be trusted: %s", a->what, curl_easy_strerror(code));
    if (code == CURLE_COULDNT_RESOLVE_HOST)
        return lb_fail(err, LB_ERR_UNREACHABLE, "check the name, and this machine's name service",
                       "%s: nobody knows the address of %.200s", a->what, address_of(a));
    if (code == CURLE_COULDNT_CONNECT)
        return lb_fail(err, LB_ERR_UNREACHABLE, "is the address right, the server up, and can it be reached from here?",
                       "%s: no connection to %.200s", a->what, address_of(a));
    if (code == CURLE_OPERATION_TIMEDOUT && now >= a->call->deadline)
        return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "%s: the deadline passed: %s", a->what,
                       reason_of(a, code));
    return lb_fail(err, code == CURLE_ABORTED_BY_CALLBACK ? LB_ERR_IO : LB_ERR_UNREACHABLE,
                   "is the server up, and can it be reached from here?", "%s: %s", a->what, reason_of(a, code));
}
