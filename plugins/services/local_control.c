/* The control plane: which call it is, its query and body, pages, operations and errors. */
#include "local.h"

#include "fs.h"

#include <ctype.h>

#define WORDS 10
#define MOST  100 /* items of a page, where the call does not say */

/* ---- errors ---- */

static int code_of(int status, const char *error_code)
{
    if (strcmp(error_code, "ENDPOINT_NOT_FOUND") == 0) /* no such call: what was named may well be there */
        return LB_ERR_UNSUPPORTED;
    switch (status) {
    case 401:
    case 403:
        return LB_ERR_DENIED;
    case 404:
        return LB_ERR_NOT_FOUND;
    case 409:
        return LB_ERR_CONFLICT;
    case 429:
        return LB_ERR_LIMIT;
    case 501:
        return LB_ERR_UNSUPPORTED;
    default:
        return status < 500 ? LB_ERR_INVALID : LB_ERR_UNREACHABLE;
    }
}

int local_refuse(lb_error *err, int status, const char *error_code, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* a long text is cut */
    va_end(args);
    return lb_fail(err, code_of(status, error_code), NULL, "status %d %s: %s", status, error_code, text);
}

int local_missing(lb_error *err, const char *what)
{
    return local_refuse(err, 404, "NOT_FOUND", "%s id not found", what);
}

/* ---- the request ---- */

/* The byte that %41 stands for, or a negative number. */
static int percent_byte(const char *digits)
{
    char two[3] = {digits[0], digits[0] ? digits[1] : '\0', '\0'};
    return isxdigit((unsigned char)two[0]) && isxdigit((unsigned char)two[1]) ? (int)strtol(two, NULL, 16) : -1;
}

static char *decode(const char *text, size_t length)
{
    char *into = base_alloc(length + 1);
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        int byte = text[i] == '%' && i + 2 < length ? percent_byte(text + i + 1) : -1;
        into[n++] = byte > 0 ? (char)byte : text[i] == '+' ? ' ' : text[i];
        i += byte > 0 ? 2 : 0;
    }
    return into;
}

char *local_query(const local_call *call, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = call->request->query ? call->request->query : ""; *p; p += *p == '&') {
        size_t word = strcspn(p, "&");
        if (strncmp(p, name, length) == 0 && p[length] == '=')
            return decode(p + length + 1, word - length - 1);
        p += word;
    }
    return NULL;
}

bool local_query_flag(const local_call *call, const char *name)
{
    LB_AUTO_FREE char *value = local_query(call, name);
    return value && strcmp(value, "true") == 0;
}

bool local_masked(const char *mask, const char *field)
{
    size_t length = strlen(field);
    for (const char *p = mask; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
        if (strncmp(p, field, length) == 0 && (p[length] == '\0' || p[length] == ','))
            return true;
    return false;
}

static bool split(local_call *call, char *path)
{
    char *rest = path;
    while (*rest == '/')
        rest++;
    call->words = base_alloc((WORDS + 1) * sizeof *call->words);
    for (char *word; rest && (word = strsep(&rest, "/"));) {
        if (call->count == WORDS || !*word)
            return false;
        call->words[call->count++] = word;
    }
    return call->count > 0;
}

static int read_body(local_call *call, lb_error *err)
{
    const char *text = call->request->body;
    if (!text || !*text)
        return 0;
    call->body = json_parse(text, strlen(text), err);
    if (!call->body)
        return local_refuse(err, 400, "MALFORMED_REQUEST", "the body is not JSON");
    if (!json_object_is_type(call->body, json_type_object))
        return local_refuse(err, 400, "MALFORMED_REQUEST", "the body is not a JSON object");
    return 0;
}

/* ---- answers ---- */

static int read_page_size(const local_call *call, int64_t least, size_t *ret_size, lb_error *err)
{
    char *end = NULL;
    LB_AUTO_FREE char *text = local_query(call, "page_size");
    long size = text ? strtol(text, &end, 10) : MOST;
    if (text && (end == text || *end || size < 0 || (size && size < least)))
        return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "page_size must be at least %lld, got '%s'",
                            (long long)least, text);
    *ret_size = size == 0 || size > MOST ? MOST : (size_t)size;
    return 0;
}

/* Tokens are opaque to who gets them: where the next page begins, marked as ours. */
int local_page(local_call *call, const char *name, doc *items, int64_t least_size, lb_error *err)
{
    size_t size = 0, from = 0;
    LB_AUTO_FREE char *token = local_query(call, "page_token");
    int r = read_page_size(call, least_size, &size, err);
    if (r < 0)
        return r;
    if (token && *token) {
        char *end = NULL;
        from = strncmp(token, "lb1-", 4) == 0 ? strtoul(token + 4, &end, 16) : 0;
        if (!end || *end)
            return local_refuse(err, 400, "INVALID_PARAMETER_VALUE", "page_token is not one of ours");
    }
    doc *page = json_object_new_array();
    for (size_t i = from; i < doc_length(items) && i < from + size; i++)
        (void)json_object_array_add(page, json_object_get(doc_item(items, i))); /* fails without memory alone */
    call->reply = json_object_new_object();
    doc_set(call->reply, name, page);
    if (from + size < doc_length(items)) {
        char next[40];
        (void)snprintf(next, sizeof next, "lb1-%zx", from + size); /* fits */
        doc_set_text(call->reply, "next_page_token", next);
    }
    return 0;
}

int local_answer_operation(local_call *call, const char *id, lb_error *err)
{
    int r = local_read_operation(call->cluster, id, &call->reply, err);
    return r == LB_ERR_NOT_FOUND ? local_missing(err, "operation") : r;
}

/* GET of an operation: by then its branch has been looked at, so that nothing stays undone because somebody died. */
static int read_operation(local_call *call, lb_error *err)
{
    const char *id = call->words[call->count - 1];
    if (strspn(id, "0123456789abcdef-") != strlen(id))
        return local_missing(err, "operation");
    int r = local_answer_operation(call, id, err);
    if (r < 0)
        return r;
    LB_AUTO_FREE char *path = base_strdup(call->request->path);
    const char *name = doc_text_or(call->reply, "name", "");
    if (strcmp(name, path + strspn(path, "/")) != 0)
        return local_missing(err, "operation");
    return 0;
}

/* ---- calls ---- */

/* A name that goes on behind an endpoint, a role or a database is malformed, but for what the platform has there;
 * anything else is no call at all. */
int local_no_route(const local_call *call, lb_error *err)
{
    char **w = call->words;
    bool is_name = w && call->count > 6 && strcmp(w[0], "projects") == 0 && strcmp(w[2], "branches") == 0;
    bool is_data_api = is_name && call->count == 7 && strcmp(w[4], "databases") == 0 && strcmp(w[6], "data-api") == 0;
    if (is_name && !is_data_api)
        return local_refuse(err, 404, "NOT_FOUND", "resource not found");
    return local_refuse(err, 404, "ENDPOINT_NOT_FOUND", "No API found for '%s %s'", call->request->method,
                        call->request->path);
}

static int route(local_call *call, lb_error *err)
{
    static const struct {
        const char *collection;
        size_t least, most; /* words */
        int (*fn)(local_call *call, lb_error *err);
    } below[] = {
        {"branches", 3, 5, local_branches},
        {"endpoints", 5, 6, local_endpoints},
        {"roles", 5, 6, local_roles},
        {"databases", 5, 6, local_databases},
    };
    size_t n = call->count;
    char **w = call->words;
    if (!w || !n)
        return local_no_route(call, err);
    if (n == 1 && strcmp(w[0], "credentials") == 0)
        return local_credentials(call, err);
    if (strcmp(w[0], "projects") != 0)
        return local_no_route(call, err);
    if (n > 1 && !local_is_id(w[1]))
        return local_refuse(err, 404, "NOT_FOUND", "resource not found");
    if (n > 3 && strcmp(w[n - 2], "operations") == 0)
        return strcmp(call->request->method, "GET") == 0 ? read_operation(call, err) : local_no_route(call, err);
    if (n <= 2 || (n == 3 && strcmp(w[2], "undelete") == 0))
        return local_projects(call, err);
    for (size_t i = 0; i < LB_COUNT(below); i++) {
        bool fits = n >= below[i].least && n <= below[i].most && strcmp(w[2], "branches") == 0;
        if (fits && strcmp(w[below[i].least - 1], below[i].collection) == 0 &&
            (below[i].fn != local_branches || n < 5 || strcmp(w[4], "undelete") == 0))
            return below[i].fn(call, err);
    }
    return local_no_route(call, err);
}

void local_call_done(local_call *call)
{
    free(call->words);
    free(call->path);
    if (call->body)
        (void)json_object_put(call->body); /* says only whether it was the last reference */
}

int local_call_read(local_call *call, lb_error *err)
{
    call->path = base_strdup(call->request->path);
    return split(call, call->path) ? read_body(call, err) : local_no_route(call, err);
}

int local_call_answer(local_call *call, int r, doc **ret_reply, lb_error *err)
{
    if (r < 0 && call->reply)
        (void)json_object_put(call->reply); /* says only whether it was the last reference */
    if (r < 0) {
        char what[200];
        (void)snprintf(what, sizeof what, "%s %s", call->request->method, call->request->path); /* cut */
        return lb_wrap(err, what);
    }
    *ret_reply = call->reply;
    return 0;
}

int local_control(const local_cluster *c, const lb_request *request, int64_t deadline, doc **ret_reply, lb_error *err)
{
    LOCAL_CALL call = {.cluster = c, .request = request, .deadline = deadline};
    int r = local_ensure_projects(c, err);
    if (r >= 0)
        r = local_call_read(&call, err);
    if (r >= 0 && call.count > 1 && local_is_id(call.words[1]))
        r = local_mend(c, call.words[1], err);
    if (r == LB_ERR_CONFLICT) /* somebody else is at it, or a server takes its time to end: no reason not to answer */
        r = 0;
    if (r >= 0)
        r = route(&call, err);
    return local_call_answer(&call, r, ret_reply, err);
}
