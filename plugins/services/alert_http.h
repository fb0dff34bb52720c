/* alert_http.h: sending notes to somebody's endpoint over HTTP, once each as far as anybody can tell. [service] */
#ifndef LBOPS_SERVICES_ALERT_HTTP_H
#define LBOPS_SERVICES_ALERT_HTTP_H

#include "alert_memory.h"
#include "rest_client.h"

typedef struct alert_http {
    const lb_service_host *host;
    rest_client *client;
    alert_memory *memory;
    char *url;
    char *secrets[2]; /* taken out of whatever a server says */
} alert_http;

typedef struct alert_http_options {
    const lb_service_host *host;
    const char *state_dir, *name; /* of the service, for its memory */
    const char *url, *ca_file;
    const char *secret, *other_secret; /* or NULL */
} alert_http_options;

/* The struct is the caller's; done is due in any case. */
LB_MUST_CHECK int alert_http_open(const alert_http_options *options, alert_http *ret_http, lb_error *err);
void alert_http_done(alert_http *h);

typedef struct alert_letter {
    const char *body;           /* JSON */
    const char *const *headers; /* or NULL */
    unsigned flags;             /* REST_REPEATABLE: the receiver knows repeats by an id */
    /* Reads a good answer: some say there what went wrong. NULL: every 2xx is good. */
    int (*judge)(const char *answer, lb_alert_receipt *ret_receipt, lb_error *err);
} alert_letter;

/* What a service's send answers. A note that was delivered before is not sent. */
LB_MUST_CHECK int alert_http_send(alert_http *h, const char *id, const alert_letter *letter, int64_t deadline,
                                  lb_alert_receipt *ret_receipt, lb_error *err);

#endif
