/* rest_internal.h: what the files of the HTTP client share. */
#ifndef LBOPS_SERVICES_REST_INTERNAL_H
#define LBOPS_SERVICES_REST_INTERNAL_H

#include "rest_client.h"

#include <curl/curl.h>

#define REST_LONGEST_PAUSE_MS INT64_C(10000)

struct rest_client {
    rest_options options; /* its texts are the client's own */
    char *base_url, *ca_file, *user_agent;
    char **headers;
    CURLM *multi;
    CURL *easy;
    double retries; /* what is left of the client's budget */
};

/* One attempt, and what it found. */
typedef struct rest_attempt {
    rest_client *client;
    const rest_call *call;
    const char *what;
    CURL *easy;
    struct curl_slist *headers;
    rest_reply *reply;
    size_t body_sent;
    bool taken;    /* some of the answer is the caller's already */
    bool too_long; /* the answer passed the limit */
    int take_failed;
    lb_error *err;
    rest_problem problem;
} rest_attempt;

/* rest_transfer.c: 0 when there is an answer, whatever it says. */
LB_MUST_CHECK int rest_transfer(rest_attempt *attempt, const char *authorization, lb_error *err);

/* rest_error.c: an answer that is no success, as an error of ours. */
int rest_fail_answer(rest_attempt *attempt, lb_error *err);
int rest_fail_transfer(rest_attempt *attempt, CURLcode code, lb_error *err);

/* rest_retry.c */
bool rest_repeats(const rest_call *call); /* no harm is done by carrying it out twice */
bool rest_is_transient(const rest_attempt *attempt, const lb_error *err);
LB_MUST_CHECK int rest_pause(rest_client *client, const rest_attempt *attempt, int attempts, int64_t deadline,
                             lb_error *err);
void rest_refill(rest_client *client);
#define REST_RETRIES_MAX 30.0

#endif
