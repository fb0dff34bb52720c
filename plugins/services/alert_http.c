#include "alert_http.h"

#include <stdlib.h>

#define CONNECT_MS 5000
#define ATTEMPT_MS 10000
#define BUDGET_MS  15000 /* the host sends again later; others wait meanwhile */

static void hide_secrets(void *arg, char *text, size_t size)
{
    const alert_http *h = arg;
    for (size_t i = 0; i < sizeof h->secrets / sizeof h->secrets[0]; i++)
        rest_hide(text, size, h->secrets[i]);
}

/* An alert has names of tables and people's queries in it: it travels encrypted, or stays on this machine. */
static int check_url(const char *url, lb_error *err)
{
    static const char *const here[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    bool is_here = false;
    for (size_t i = 0; url && i < sizeof here / sizeof here[0]; i++) {
        size_t length = strlen(here[i]);
        is_here = is_here || (strncmp(url, here[i], length) == 0 && (!url[length] || strchr(":/", url[length])));
    }
    if (is_here || (url && strncmp(url, "https://", 8) == 0 && url[8]))
        return 0;
    return lb_fail(err, LB_ERR_INVALID, "give one that begins with https://", "the receiver's url is no https address");
}

int alert_http_open(const alert_http_options *options, alert_http *ret_http, lb_error *err)
{
    *ret_http = (alert_http){.host = options->host};
    if (check_url(options->url, err) < 0)
        return err->code;
    ret_http->url = strdup(options->url);
    ret_http->secrets[0] = rest_strdup(options->secret);
    ret_http->secrets[1] = rest_strdup(options->other_secret);
    const rest_options rest = {.host = options->host,
                               .ca_file = options->ca_file,
                               .connect_ms = CONNECT_MS,
                               .attempt_ms = ATTEMPT_MS,
                               .budget_ms = BUDGET_MS,
                               .hide = hide_secrets,
                               .arg = ret_http};
    if (!ret_http->url || (options->secret && !ret_http->secrets[0]) ||
        (options->other_secret && !ret_http->secrets[1]))
        return lb_out_of_memory(err);
    int r = rest_client_new(&rest, &ret_http->client, err);
    return r < 0 ? r : alert_memory_open(options->state_dir, options->name, &ret_http->memory, err);
}

void alert_http_done(alert_http *h)
{
    h->client = rest_client_free(h->client);
    h->memory = alert_memory_free(h->memory);
    rest_wipe(h->url); /* it may be the secret itself */
    for (size_t i = 0; i < sizeof h->secrets / sizeof h->secrets[0]; i++)
        rest_wipe(h->secrets[i]);
}

/* A refusal is for good only where sending the same again cannot help. */
static int judge_failure(const rest_problem *p, const lb_error *failure, lb_alert_receipt *ret_receipt, lb_error *err)
{
    bool is_later = p->status == 429 || p->status == 408 || p->status == 425 || p->status >= 500;
    if (p->status < 400) { /* nobody answered */
        *err = *failure;
        return failure->code;
    }
    *ret_receipt = (lb_alert_receipt){.outcome = is_later ? LB_ALERT_LATER : LB_ALERT_REFUSED,
                                      .retry_after_us = is_later && p->wait_ms > 0 ? p->wait_ms * REST_MILLISECOND : 0};
    (void)snprintf(ret_receipt->why, sizeof ret_receipt->why, "%.255s", failure->message);
    return 0;
}

int alert_http_send(alert_http *h, const char *id, const alert_letter *letter, int64_t deadline,
                    lb_alert_receipt *ret_receipt, lb_error *err)
{
    lb_error failure;
    rest_problem problem = {.wait_ms = -1};
    rest_reply reply = {.status = 0};
    lb_alert_receipt receipt = {.outcome = LB_ALERT_DELIVERED};
    const rest_call call = {.method = "POST",
                            .path = h->url,
                            .headers = letter->headers,
                            .body = letter->body,
                            .body_length = strlen(letter->body),
                            .flags = REST_ANONYMOUS | REST_SECRET_URL | letter->flags,
                            .what = "sending an alert",
                            .deadline = deadline,
                            .limit = 1 << 20,
                            .problem = &problem};
    if (alert_memory_knows(h->memory, id)) {
        *ret_receipt = receipt;
        return 0;
    }
    int r = rest_perform(h->client, &call, &reply, &failure);
    if (r < 0)
        r = judge_failure(&problem, &failure, &receipt, err);
    else
        r = letter->judge ? letter->judge(reply.body.data, &receipt, err) : 0;
    rest_reply_done(&reply);
    if (r == 0 && receipt.outcome == LB_ALERT_DELIVERED)
        r = alert_memory_add(h->memory, id, err);
    if (r == 0)
        *ret_receipt = receipt;
    return r;
}
