/* What is tried again, and when. */
#include "rest_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

#define SLICE_MS INT64_C(1000) /* as in rest_transfer.c */

/* A success pays for a tenth of a retry, so that of many calls about a tenth may be repeats. */
#define REFILL 0.1

/* Messages of the platform that mean "later", whatever the status. */
static const char *const passing[] = {
    "Unexpected error",
    "Please try again later or try a faster operation",
    "RPC token bucket limit has been exceeded",
    "does not have any associated worker environments",
    "There is no worker environment with id",
    "Unknown worker environment",
    "ClusterNotReadyException",
};

static bool says_later(const char *message)
{
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (strstr(message, passing[i]))
            return true;
    return false;
}

bool rest_repeats(const rest_call *call)
{
    return (call->flags & REST_REPEATABLE) || (strcmp(call->method, "POST") != 0 && strcmp(call->method, "PATCH") != 0);
}

bool rest_is_transient(const rest_attempt *a, const lb_error *err)
{
    const rest_problem *p = &a->problem;
    if (p->unverified || a->taken || a->too_long || err->code == LB_ERR_CANCELLED || err->code == LB_ERR_NO_MEMORY ||
        err->code == LB_ERR_IO || err->code == LB_ERR_INTERNAL)
        return false;
    if (p->status == 0) /* without an answer only what did not leave is certain */
        return (err->code == LB_ERR_UNREACHABLE || err->code == LB_ERR_TIMEOUT) && (!p->sent || rest_repeats(a->call));
    if (p->status == 429 || p->status == 503) /* refused before anything was done */
        return true;
    if (p->status == 502 || p->status == 504 || p->status == 408)
        return rest_repeats(a->call);
    return p->status >= 400 && p->status != 401 && says_later(err->message) && rest_repeats(a->call);
}

void rest_refill(rest_client *c)
{
    c->retries = c->retries + REFILL < REST_RETRIES_MAX ? c->retries + REFILL : REST_RETRIES_MAX;
}

int64_t rest_jitter(int64_t ms)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = (uint32_t)rest_wall_clock(); /* before the kernel has any: still not the same for all */
    return ms + (int64_t)((double)ms * 0.5 * ((double)random / (double)UINT32_MAX));
}

/* The server's wish comes first, with a little more, so that all whom it asked do not come back at once. */
static int64_t pause_ms(const rest_client *c, const rest_attempt *a, int attempts)
{
    int64_t pause = c->options.pause_ms;
    for (int i = 1; i < attempts && pause < REST_LONGEST_PAUSE_MS; i++)
        pause *= 2;
    if (a->problem.wait_ms >= 0)
        return a->problem.wait_ms + rest_jitter(c->options.pause_ms / 10);
    return rest_jitter(pause < REST_LONGEST_PAUSE_MS ? pause : REST_LONGEST_PAUSE_MS);
}

int rest_pause(rest_client *c, const rest_attempt *a, int attempts, int64_t deadline, lb_error *err)
{
    lb_error stopped;
    int64_t ms = pause_ms(c, a, attempts), until = c->options.host->now() + ms * REST_MILLISECOND;
    if (c->retries < 1.0) {
        (void)snprintf(err->hint, sizeof err->hint, "too many calls to this server failed of late: try again later");
        return err->code;
    }
    if (until >= deadline) {
        if (a->problem.wait_ms > 0)
            (void)snprintf(err->hint, sizeof err->hint, "the server asks to wait %lld s, and there is no time for that",
                           (long long)((a->problem.wait_ms + 999) / 1000));
        return err->code;
    }
    c->retries -= 1.0;
    if (rest_wait(c->options.host, until, deadline, a->what, &stopped) < 0) {
        *err = stopped;
        return err->code;
    }
    return 0;
}

int rest_wait(const lb_service_host *host, int64_t until, int64_t deadline, const char *what, lb_error *err)
{
    for (;;) {
        int64_t now = host->now();
        if (host->cancelled())
            return lb_fail(err, LB_ERR_CANCELLED, NULL, "%s: cancelled", what);
        if (now >= deadline)
            return lb_fail(err, LB_ERR_TIMEOUT, "give it more time", "%s: the deadline passed", what);
        if (now >= until)
            return 0;
        int64_t end = until < deadline ? until : deadline, left_ms = (end - now - 1) / REST_MILLISECOND + 1;
        (void)poll(NULL, 0, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS)); /* a signal ends it: the loop looks */
    }
}
