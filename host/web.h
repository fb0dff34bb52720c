/* web.h: the worker's side of the web services that a manifest names: the plugin behind them is loaded when a tool
 * first calls one, and keeps a state for each. [worker] */
#ifndef LBOPS_HOST_WEB_H
#define LBOPS_HOST_WEB_H

#include "job.h"

#include <lbops/http.h>

typedef struct web web;

/* setup and host outlive it. */
web *web_new(const worker_setup *setup, const lb_service_host *host);
web *web_free(web *w);

/* The manifest's lines for it; NULL, with an error that shows the lines to write, where there are none. */
const worker_site *web_find(const worker_setup *setup, const char *service, lb_error *err);

/* Is it a call that stays below the service's url, whoever reads its path? */
LB_MUST_CHECK int web_check(const lb_request *request, lb_error *err);

LB_MUST_CHECK int web_call(web *w, const worker_site *site, const lb_request *request, int64_t deadline,
                           int (*reply)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err);

#endif
