/* lbops/web.h: web services that the manifest names, such as a code host. [worker] */
#ifndef LBOPS_WEB_H
#define LBOPS_WEB_H

#include "tool.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads from a web service that the manifest names ([http.NAME]), such as a code host: GET only. The path stands below
 * its url, "repos/acme/shop/pulls/7"; what came from elsewhere is escaped. The host adds the token and the headers,
 * and comes back when the service asks it to. Answers with the service's JSON document; "null" for an empty answer.
 * A service that the manifest does not name is LB_ERR_NOT_FOUND, with the lines to write as its hint. Since 1.2. */
LB_MUST_CHECK static inline int lb_http(lb_ctx *ctx, const char *service, const lb_request *request,
                                        const char **ret_json, lb_error *err)
{
    if (!LB_HAS(ctx->host, lb_host, http))
        return lb_fail(err, LB_ERR_UNSUPPORTED, "update lbops", "this lbops is too old to call web services");
    return ctx->host->http(ctx, service, request, ret_json, err);
}

/* Everything but GET: a change, planned, decided on and audited like every other. What adds or edits (POST, PUT, PATCH)
 * is additive, DELETE is destructive, and so is a POST whose path says that it deletes, or that says nothing (graphql).
 * It is of no branch, so it is judged as on production. What it answered is the group's reply. Since 1.2. */
LB_MUST_CHECK static inline int lb_change_http(lb_ctx *ctx, lb_group *group, const char *service,
                                               const lb_request *request, lb_error *err)
{
    if (!LB_HAS(ctx->host, lb_host, change_http))
        return lb_fail(err, LB_ERR_UNSUPPORTED, "update lbops", "this lbops is too old to call web services");
    return ctx->host->change_http(group, service, request, err);
}

#ifdef __cplusplus
}
#endif
#endif
