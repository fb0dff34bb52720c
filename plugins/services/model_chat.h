/* model_chat.h: chat completions, which most servers of models speak: a question out, a text back. [worker] */
#ifndef LBOPS_SERVICES_MODEL_CHAT_H
#define LBOPS_SERVICES_MODEL_CHAT_H

#include "rest_client.h"

#include <lbops/model.h>

typedef struct model_chat {
    rest_client *client;
    const char *path;  /* below the client's address */
    const char *model; /* in the body; NULL: the path says it */
    int64_t max_tokens, timeout_us;
    const lb_service_host *host;
} model_chat;

/* What a service's ask answers. A question is sent again when nobody answered or the server is busy: it changes
 * nothing there. */
LB_MUST_CHECK int model_chat_ask(const model_chat *chat, const lb_model_ask *ask, int64_t deadline,
                                 int (*answer)(void *arg, const char *json, lb_error *err), void *arg, lb_error *err);

#endif
