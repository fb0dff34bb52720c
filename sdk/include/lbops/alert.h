/* lbops/alert.h: the interface of an alert service: it tells people, or what they look at, that something is wrong.
 *
 * The host decides what is worth an alert and when it has been resolved; the service sends single notes. A note that is
 * sent again has the same id, so that a service can leave out what it has delivered.
 *
 * One process opens the service and calls it from one thread. Every call may block until its deadline, on the clock of
 * lb_service_host.now. [service] */
#ifndef LBOPS_ALERT_H
#define LBOPS_ALERT_H

#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lb_alert_note {
    uint32_t size;
    const char *id;       /* of this note */
    const char *key;      /* what it is about: all notes about one alert share it */
    const char *change;   /* "opened", "escalated", "reminded", "treated", "acknowledged" or "resolved" */
    const char *severity; /* "info", "warning" or "critical" */
    const char *text;     /* for people, one line */
    const char *document; /* everything, as a JSON object */
    int64_t at;           /* when, in microseconds since 1970 */
} lb_alert_note;

typedef enum lb_alert_outcome {
    LB_ALERT_DELIVERED = 1, /* or had been before */
    LB_ALERT_REFUSED = 2,   /* for good: sending it again is of no use */
    LB_ALERT_LATER = 3      /* not now: send it again after retry_after_us */
} lb_alert_outcome;

typedef struct lb_alert_receipt {
    lb_alert_outcome outcome;
    int64_t retry_after_us; /* of LB_ALERT_LATER; 0: as the host thinks best */
    char why[256];          /* of what was not delivered */
} lb_alert_receipt;

typedef struct lb_alert {
    uint32_t size;
    uint32_t param_size, args_size;
    const lb_param *params; /* what stands under [services.alert] */

    /* A deadline that is over already asks only whether it could be opened, with these settings: nothing outside of
     * state_dir is touched or asked then, and nothing is sent. */
    int (*open)(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                void **ret_state, lb_error *err);
    void (*close)(void *state);

    /* 0 with a receipt, or a negative code: nobody knows whether it went out, so send it again. LB_ERR_INVALID: the
     * note itself is wrong. */
    int (*send)(void *state, const lb_alert_note *note, int64_t deadline, lb_alert_receipt *ret_receipt, lb_error *err);
} lb_alert;

#define LB_ALERT(plugin, text, ...)                                                                                    \
    static const lb_alert plugin##_ops = {.size = sizeof(lb_alert), __VA_ARGS__};                                      \
    LB_PLUGIN(plugin, LB_KIND_ALERT, text, &plugin##_ops)

#ifdef __cplusplus
}
#endif
#endif
