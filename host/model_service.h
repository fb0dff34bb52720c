/* model_service.h: the worker's side of a model: the service is opened on first use and kept for the worker's life.
 * [worker] */
#ifndef LBOPS_HOST_MODEL_SERVICE_H
#define LBOPS_HOST_MODEL_SERVICE_H

#include "job.h"

#include <lbops/model.h>

typedef struct model_service model_service;

/* setup outlives it. LB_ERR_UNSUPPORTED: there is none. LB_ERR_DENIED: the manifest forbids what leaves this machine,
 * and it would. */
LB_MUST_CHECK int model_service_open(const worker_setup *setup, model_service **ret_service, lb_error *err);
model_service *model_service_free(model_service *service); /* NULL is fine */

bool model_service_stays_here(const model_service *service);
const char *model_service_source(const model_service *service, arena *memory); /* "model_openai (gpt-oss)" */

/* What it answers is copied into the arena. */
LB_MUST_CHECK int model_service_ask(model_service *service, const lb_model_ask *ask, int64_t deadline, arena *memory,
                                    const char **ret_json, lb_error *err);

#endif
