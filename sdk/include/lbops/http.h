/* lbops/http.h: the interface of an http service, which calls the web services of a manifest for tools.
 *
 * A worker opens one state per web service, when a tool first calls it, and keeps it. Calls are made one at a time,
 * block until their deadline (on the clock of lb_service_host.now) and must return by then. The token goes to the
 * service's own address alone, and into no message. Since 1.2. [worker] */
#ifndef LBOPS_HTTP_H
#define LBOPS_HTTP_H

#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One [http.NAME]. The texts outlive the state. */
typedef struct lb_site {
    uint32_t size;
    const char *name, *url;
    const char *kind;    /* "json" or "github": which headers its calls carry */
    const char *token;   /* or NULL */
    const char *ca_file; /* PEM, or NULL: the system's */
} lb_site;

typedef struct lb_http_service {
    uint32_t size;
    uint32_t param_size, args_size;
    const lb_param *params; /* what stands under [services.http] */

    int (*open)(const lb_service_host *host, const void *args, const lb_site *site, void **ret_state, lb_error *err);
    void (*close)(void *state);

    /* One call, GET or a change. request->path stands below the url and leads nowhere else: the host has looked. The
     * answer is handed to `reply` once, as a JSON document; "null" where the service says nothing. What may have been
     * carried out is not sent again; a failure that leaves that open is LB_ERR_UNREACHABLE or LB_ERR_TIMEOUT. */
    int (*call)(void *state, const lb_request *request, int64_t deadline,
                int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err);
} lb_http_service;

#define LB_HTTP(plugin, text, ...)                                                                                     \
    static const lb_http_service plugin##_ops = {.size = sizeof(lb_http_service), __VA_ARGS__};                        \
    LB_PLUGIN(plugin, LB_KIND_HTTP, text, &plugin##_ops)

#ifdef __cplusplus
}
#endif
#endif
