/* alert_mock: counts what it is sent and answers as it is told to, for tests. The counts stand in
 * STATE_DIR/alert_mock.json after each call: {"delivered","repeated","refused","later","failed"}. */
#include "service_ground.h"

#include <lbops/alert.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct settings {
    const char *outcome;
    int64_t outcome_first, retry_after_ms, fail_first;
};

static const lb_param params[] = {
    LB_PARAM(struct settings, outcome, LB_TEXT, "delivered", "what becomes of notes",
             .choices = "delivered|refused|later"),
    LB_PARAM(struct settings, outcome_first, LB_I64, "0", "only of so many, then all are delivered; 0: of all",
             .min = "0"),
    LB_PARAM(struct settings, retry_after_ms, LB_I64, "0", "what a note that comes too early is told", .min = "0",
             .max = "86400000"),
    LB_PARAM(struct settings, fail_first, LB_I64, "0", "so many calls fail first, as if nobody could be reached",
             .min = "0"),
    LB_PARAMS_END,
};

enum { DELIVERED, REPEATED, REFUSED, LATER, FAILED, COUNTS };

typedef struct alerts {
    const lb_service_host *host;
    char *path;
    struct json_object *ids;
    lb_alert_outcome outcome;
    int64_t special, retry_after_us, failures; /* special: how many notes meet the outcome; -1: all */
    int64_t counts[COUNTS];
} alerts;

static int write_counts(const alerts *a, lb_error *err)
{
    char text[256];
    int length = snprintf(text, sizeof text, /* numbers fit */
                          "{\"delivered\":%lld,\"repeated\":%lld,\"refused\":%lld,\"later\":%lld,\"failed\":%lld}\n",
                          (long long)a->counts[DELIVERED], (long long)a->counts[REPEATED],
                          (long long)a->counts[REFUSED], (long long)a->counts[LATER], (long long)a->counts[FAILED]);
    int fd = open(a->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return service_fail_file(err, errno, "write", a->path);
    int r = service_write_all(fd, a->path, text, (size_t)length, err);
    if (close(fd) != 0 && r == 0)
        r = service_fail_file(err, errno, "write", a->path);
    return r;
}

static void close_alerts(void *state)
{
    alerts *a = state;
    (void)json_object_put(a->ids); /* says whether it was the last one */
    free(a->path);
    free(a);
}

static int fill_alerts(void *state, const service_opening *opening, lb_error *err)
{
    alerts *a = state;
    const struct settings *settings = opening->args;
    a->host = opening->host;
    a->outcome = strcmp(settings->outcome, "refused") == 0 ? LB_ALERT_REFUSED
                 : strcmp(settings->outcome, "later") == 0 ? LB_ALERT_LATER
                                                           : LB_ALERT_DELIVERED;
    a->special = settings->outcome_first ? settings->outcome_first : -1;
    a->retry_after_us = settings->retry_after_ms * 1000;
    a->failures = settings->fail_first;
    a->path = service_text("%s/alert_mock.json", opening->state_dir);
    a->ids = json_object_new_object();
    return a->path && a->ids ? write_counts(a, err) : lb_out_of_memory(err);
}

static int open_alerts(const lb_service_host *host, const void *args, const char *state_dir, int64_t deadline,
                       void **ret_state, lb_error *err)
{
    const service_opening opening = {.host = host, .args = args, .state_dir = state_dir};
    (void)deadline; /* nothing waits here */
    return service_open(&opening, sizeof(alerts), fill_alerts, close_alerts, ret_state, err);
}

static int deliver(alerts *a, const char *id, lb_error *err)
{
    if (json_object_object_get_ex(a->ids, id, NULL)) {
        a->counts[REPEATED]++;
        return 0;
    }
    a->counts[DELIVERED]++;
    return json_object_object_add(a->ids, id, NULL) == 0 ? 0 : lb_out_of_memory(err);
}

static int decide(alerts *a, const lb_alert_note *note, lb_alert_receipt *receipt, lb_error *err)
{
    *receipt = (lb_alert_receipt){.outcome = a->special ? a->outcome : LB_ALERT_DELIVERED};
    if (a->special > 0)
        a->special--;
    if (receipt->outcome == LB_ALERT_DELIVERED)
        return deliver(a, note->id, err);
    bool later = receipt->outcome == LB_ALERT_LATER;
    a->counts[later ? LATER : REFUSED]++;
    receipt->retry_after_us = later ? a->retry_after_us : 0;
    (void)snprintf(receipt->why, sizeof receipt->why, "the mock was told so"); /* fits */
    return 0;
}

static int send_note(void *state, const lb_alert_note *note, int64_t deadline, lb_alert_receipt *ret_receipt,
                     lb_error *err)
{
    alerts *a = state;
    lb_error counting;
    lb_alert_receipt receipt = {.why = ""};
    if (service_check_time(a->host, deadline, err) < 0 || service_check_note(note, NULL, err) < 0)
        return err->code;
    int r = 0;
    if (a->failures > 0) {
        a->failures--;
        a->counts[FAILED]++;
        r = lb_fail(err, LB_ERR_UNREACHABLE, "try again", "the mock fails on demand, %lld more times",
                    (long long)a->failures);
    } else {
        r = decide(a, note, &receipt, err);
    }
    if (write_counts(a, &counting) < 0 && r == 0) {
        *err = counting;
        r = counting.code;
    }
    if (r == 0)
        *ret_receipt = receipt;
    return r;
}

LB_ALERT(alert_mock, "counts alerts and answers as it is told to, for tests", .params = params,
         .param_size = sizeof(lb_param), .args_size = sizeof(struct settings), .open = open_alerts,
         .close = close_alerts, .send = send_note);
