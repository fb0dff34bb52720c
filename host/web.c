#include "web.h"

#include "load.h"
#include "nearest.h"

#include <ctype.h>

/* What the table had in its first version. */
#define HTTP_BYTES (offsetof(lb_http_service, call) + sizeof(((lb_http_service *)0)->call))

typedef struct open_site {
    struct open_site *next;
    const worker_site *site;
    void *state;
} open_site;

struct web {
    const worker_setup *setup;
    const lb_service_host *host;
    arena memory; /* the plugin's arguments */
    const lb_http_service *http;
    void *args;
    open_site *sites;
};

web *web_new(const worker_setup *setup, const lb_service_host *host)
{
    web *w = base_alloc(sizeof *w);
    w->setup = setup;
    w->host = host;
    arena_init(&w->memory, 0);
    return w;
}

web *web_free(web *w)
{
    if (!w)
        return NULL;
    while (w->sites) {
        open_site *next = w->sites->next;
        w->http->close(w->sites->state);
        free(w->sites);
        w->sites = next;
    }
    arena_done(&w->memory);
    free(w);
    return NULL;
}

/* ---- what may be called ---- */

static int fail_unnamed(const worker_setup *setup, const char *service, lb_error *err)
{
    const char **names = base_alloc((setup->site_count + 1) * sizeof *names);
    for (size_t i = 0; i < setup->site_count; i++)
        names[i] = setup->sites[i].name;
    const char *nearest = nearest_name(service, names, setup->site_count);
    (void)lb_fail(err, LB_ERR_NOT_FOUND, NULL, "the manifest names no web service %.63s%s%s", service,
                  nearest ? ", but " : "", nearest ? nearest : "");
    free(names);
    (void)snprintf(err->hint, sizeof err->hint,
                   "write [http.%.40s] url = \"https://...\" token = { secret = \"%.40s_token\" }, and under [secrets] "
                   "%.40s_token = { env = \"...\" }",
                   service, service, service); /* fits */
    return err->code;
}

const worker_site *web_find(const worker_setup *setup, const char *service, lb_error *err)
{
    for (size_t i = 0; i < setup->site_count; i++)
        if (strcmp(setup->sites[i].name, service) == 0)
            return &setup->sites[i];
    (void)fail_unnamed(setup, service, err); /* the NULL says it */
    return NULL;
}

/* A byte that is written as %XX so that it changes where a path leads. */
static bool hides_something(const char *escape)
{
    static const char *const hidden[] = {"2e", "5c", "00"};
    if (!isxdigit((unsigned char)escape[1]) || !isxdigit((unsigned char)escape[2]))
        return true;
    for (size_t i = 0; i < LB_COUNT(hidden); i++)
        if (strncasecmp(escape + 1, hidden[i], 2) == 0)
            return true;
    return false;
}

static bool is_dots(const char *segment, size_t length)
{
    return (length == 1 && segment[0] == '.') || (length == 2 && segment[0] == '.' && segment[1] == '.');
}

static bool is_below(const char *path)
{
    for (const char *p = path;; p++) {
        size_t length = strcspn(p, "/");
        if (!length || is_dots(p, length))
            return false; /* an empty segment: //host leads elsewhere */
        for (size_t i = 0; i < length; i++)
            if (p[i] <= ' ' || p[i] >= 0x7F || strchr("?#\\", p[i]) || (p[i] == '%' && hides_something(p + i)))
                return false;
        p += length;
        if (!*p)
            return strncasecmp(path, "http:", 5) != 0 && strncasecmp(path, "https:", 6) != 0;
    }
}

int web_check(const lb_request *request, lb_error *err)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    bool is_known = false;
    for (size_t i = 0; request->method && i < LB_COUNT(methods); i++)
        is_known = is_known || strcmp(methods[i], request->method) == 0;
    if (!is_known)
        return lb_fail(err, LB_ERR_INVALID, "GET, POST, PUT, PATCH or DELETE",
                       "a call to a web service cannot be %.20s",
                       request->method ? request->method : "without a method");
    if (!request->path || !is_below(request->path))
        return lb_fail(err, LB_ERR_INVALID, "give it without a slash at its ends, and escape what came from elsewhere",
                       "\"%.100s\" is no path below a web service's address", request->path ? request->path : "");
    for (const char *p = request->query ? request->query : ""; *p; p++)
        if (*p <= ' ' || *p >= 0x7F || *p == '#')
            return lb_fail(err, LB_ERR_INVALID, "escape it", "the query of %.100s holds what no query can",
                           request->path);
    return 0;
}

/* ---- the plugin ---- */

static int open_plugin(web *w, lb_error *err)
{
    const worker_setup *setup = w->setup;
    const lb_plugin *plugin = NULL;
    if (w->http)
        return 0;
    if (!setup->http.path)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "build or bring along the plugin http_rest",
                       "nothing here can call web services");
    int r = load_plugin(setup->http.path, &plugin, err);
    if (r < 0)
        return r;
    const lb_http_service *http = plugin->ops;
    if (plugin->kind != LB_KIND_HTTP || http->size < HTTP_BYTES || !http->open || !http->close || !http->call)
        return lb_fail(err, LB_ERR_UNSUPPORTED, "build it again with this version's header",
                       "%s is no http service that this host can use", setup->http.name);
    w->args = arena_alloc(&w->memory, http->args_size ? http->args_size : 1);
    if (!w->args)
        return lb_out_of_memory(err);
    const param_rows rows = {.rows = http->params, .stride = http->param_size};
    r = params_bind(setup->http.name, rows, setup->http.args, setup->http.arg_count, w->args, http->args_size,
                    &w->memory, err);
    if (r == 0)
        w->http = http;
    return r;
}

static int open_state(web *w, const worker_site *site, void **ret_state, lb_error *err)
{
    for (open_site *s = w->sites; s; s = s->next)
        if (s->site == site) {
            *ret_state = s->state;
            return 0;
        }
    const lb_site told = {.size = sizeof told,
                          .name = site->name,
                          .url = site->url,
                          .kind = site->kind,
                          .token = site->token,
                          .ca_file = site->ca_file};
    void *state = NULL;
    int r = w->http->open(w->host, w->args, &told, &state, err);
    if (r < 0)
        return lb_wrap(err, w->setup->http.name);
    open_site *s = base_alloc(sizeof *s);
    *s = (open_site){.next = w->sites, .site = site, .state = state};
    w->sites = s;
    *ret_state = state;
    return 0;
}

int web_call(web *w, const worker_site *site, const lb_request *request, int64_t deadline,
             int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err)
{
    void *state = NULL;
    int r = open_plugin(w, err);
    if (r == 0)
        r = open_state(w, site, &state, err);
    return r < 0 ? r : w->http->call(state, request, deadline, reply, arg, err);
}
