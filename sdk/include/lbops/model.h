/* lbops/model.h: the interface of a model service: it puts evidence into words.
 *
 * The host has taken out what is private, fences what comes from databases, and checks every sentence of the answer
 * against the evidence, so that a service only carries questions and answers. A worker opens one on first use and calls
 * it from one thread; a call may block until its deadline, on the clock of lb_service_host.now. [worker] */
#ifndef LBOPS_MODEL_H
#define LBOPS_MODEL_H

#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lb_model_ask {
    uint32_t size;
    const char *system;   /* what to do and how to answer; the host's own words */
    const char *evidence; /* [{"id","says","weight","facts":{},"sql"}], a JSON array */
    const char *prompt;   /* the same evidence between fences, for models that read texts */
    uint32_t most_sentences;
} lb_model_ask;

typedef struct lb_model {
    uint32_t size;
    uint32_t param_size, args_size;
    const lb_param *params; /* what stands under [services.model] */

    int (*open)(const lb_service_host *host, const void *args, void **ret_state, lb_error *err);
    void (*close)(void *state);

    /* Hands what the model said to `answer` once: {"sentences":[{"text":"...","evidence":["e1"]}]}. */
    int (*ask)(void *state, const lb_model_ask *ask, int64_t deadline,
               int (*answer)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err);

    const char *(*name)(void *state); /* of the model that answers, or NULL */
    bool stays_here;                  /* nothing leaves this machine: also where the manifest forbids models */
} lb_model;

#define LB_MODEL(plugin, text, ...)                                                                                    \
    static const lb_model plugin##_ops = {.size = sizeof(lb_model), __VA_ARGS__};                                      \
    LB_PLUGIN(plugin, LB_KIND_MODEL, text, &plugin##_ops)

#ifdef __cplusplus
}
#endif
#endif
