/* service_ground.h: what the approval and alert services share: documents, files, names. */
#ifndef LBOPS_SERVICES_SERVICE_GROUND_H
#define LBOPS_SERVICES_SERVICE_GROUND_H

#include <lbops/lbops.h>

#include <lbops/alert.h>

#include <json-c/json.h>

/* One JSON object, strictly. NULL after a failure; the caller puts it. */
struct json_object *service_json_object(const char *what, const char *text, lb_error *err);

/* Text as printf makes it; NULL: no memory. The caller frees. */
LB_PRINTF(1, 2) char *service_text(const char *fmt, ...);

LB_PRINTF(3, 4) void service_log(const lb_service_host *host, lb_level level, const char *fmt, ...);

/* The error for errno after doing `what` to path. */
int service_fail_file(lb_error *err, int number, const char *what, const char *path);

/* All of it, or the error for errno. */
LB_MUST_CHECK int service_write_all(int fd, const char *path, const char *bytes, size_t length, lb_error *err);
LB_MUST_CHECK int service_sync_directory(const char *path, lb_error *err);

/* LB_ERR_CANCELLED or LB_ERR_TIMEOUT when a call need not begin. */
LB_MUST_CHECK int service_check_time(const lb_service_host *host, int64_t deadline, lb_error *err);

/* Rests until the moment or the host's wish to stop, whatever comes first. */
void service_rest_until(const lb_service_host *host, int64_t moment);

/* What lbops/approval.h says about ids, revisions and documents. The object may be NULL when it is not wanted. */
LB_MUST_CHECK int service_check_approval(const char *id, int64_t revision, const char *document,
                                         struct json_object **ret_object, lb_error *err);
LB_MUST_CHECK int service_check_settling(const char *id, const char *outcome, lb_error *err);

/* Opening a service: room for its state, zeroed, and what fills it; where that fails, it is closed as it is. */
typedef struct service_opening {
    const lb_service_host *host;
    const void *args; /* the service's own settings */
    const char *state_dir;
} service_opening;

LB_MUST_CHECK int service_open(const service_opening *opening, size_t size,
                               int (*fill)(void *state, const service_opening *opening, lb_error *err),
                               void (*close)(void *state), void **ret_state, lb_error *err);

/* What lbops/alert.h says about a note; the object as above. */
LB_MUST_CHECK int service_check_note(const lb_alert_note *note, struct json_object **ret_object, lb_error *err);

#endif
