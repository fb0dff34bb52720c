/* rest_client.h: calls over HTTP for every service that makes some: the workspace's control plane, statements, files
 * and models, webhooks, code hosts.
 *
 * One client speaks to one origin with one connection cache, from one thread. A call ends by its deadline, whatever
 * names, connections and servers do. What is transient is tried again with growing, jittered pauses: under the call's
 * own time, and under a budget of the client that successes refill, so that a server in trouble is not asked ever more.
 * What may have been carried out is sent twice only if the call says that this does no harm. Credentials come from the
 * owner's `authorize`, are sent to that origin alone, and are taken out of everything that a server says. [any] */
#ifndef LBOPS_SERVICES_REST_CLIENT_H
#define LBOPS_SERVICES_REST_CLIENT_H

#include "rest_json.h"
#include "rest_text.h"

#include <lbops/transport.h>

#define REST_MILLISECOND INT64_C(1000)
#define REST_SECOND      INT64_C(1000000)

typedef struct rest_client rest_client;

typedef struct rest_options {
    const lb_service_host *host; /* the clock, the wish to stop, the log */
    const char *base_url;        /* "https://name"; http only for this machine itself. NULL: calls name whole URLs */
    const char *ca_file;         /* PEM; NULL: SSL_CERT_FILE, else the system's */
    const char *user_agent;
    const char *const *headers; /* sent with each call to the origin, NULL-terminated; or NULL */

    /* Zero stands for the value in brackets. */
    int64_t connect_ms; /* to get a connection, TLS included [10 s] */
    int64_t attempt_ms; /* one attempt [60 s] */
    int64_t budget_ms;  /* one call with everything that it waits [300 s]; its deadline may come first */
    int64_t pause_ms;   /* before the second attempt; doubles up to 10 s, plus jitter [500 ms] */

    /* The value of the Authorization header. `renew`: the last one was answered with 401. NULL: calls have none. */
    int (*authorize)(void *arg, bool renew, int64_t deadline, const char **ret_value, lb_error *err);
    void (*hide)(void *arg, char *text, size_t size); /* takes secrets out of a text; or NULL */
    void *arg;
} rest_options;

/* Why a call failed, for callers that act on it. */
typedef struct rest_problem {
    int status;      /* HTTP; 0: there was no answer */
    bool sent;       /* without an answer: the request had left, so it may have been carried out */
    bool doubt;      /* an earlier attempt of the same call may have been carried out */
    bool unverified; /* the server's certificate is not to be trusted: nothing was sent */
    int64_t wait_ms; /* what the server asked for; -1: nothing */
    char error_code[64], reason[64], request_id[80];
} rest_problem;

/* May the request have been carried out although the call failed? */
bool rest_is_ambiguous(const rest_problem *problem);

typedef enum rest_flags {
    REST_REPEATABLE = 1, /* a POST or PATCH that may be carried out twice. GET HEAD PUT DELETE may anyway */
    REST_ANONYMOUS = 2,  /* no Authorization header and no common headers: for links to elsewhere */
    REST_SECRET_URL = 4, /* the URL is a secret itself: messages say `what` only */
} rest_flags;

typedef struct rest_call {
    const char *method;
    const char *path;           /* "/api/2.0/..." below base_url, or a whole URL */
    const char *query;          /* escaped already; or NULL */
    const char *const *headers; /* "Name: value", NULL-terminated; or NULL */
    const char *content_type;   /* of the body; NULL: application/json */
    const char *body;
    size_t body_length;
    int body_fd; /* instead of body when positive: body_length bytes from its start */
    unsigned flags;
    const char *what;   /* for messages; NULL: method and path */
    int64_t deadline;   /* on the host's clock */
    int64_t attempt_ms; /* instead of the client's; 0: the client's */
    size_t limit;       /* of the answer's bytes [64 MiB] */

    /* Takes a successful answer piece by piece, instead of keeping it: a call that has taken some is not repeated. */
    int (*take)(void *arg, const char *bytes, size_t length, lb_error *err);
    void *take_arg;

    /* Asked about answers that would be final: true tries again. */
    bool (*again)(void *arg, const rest_problem *problem);
    void *again_arg;

    rest_problem *problem; /* filled on failure; or NULL */
} rest_call;

typedef struct rest_reply {
    int status;
    rest_buf body;       /* never NULL data: an empty answer is "" */
    char request_id[80]; /* "" where the server gives none */
    char content_type[80];
    char *next_url;      /* of the Link header's rel="next"; or NULL */
    int64_t server_time; /* of the Date header, microseconds since 1970; REST_NO_TIME without */
    int64_t sent_at;     /* on the host's clock: before the last attempt */
    int attempts;
} rest_reply;

LB_MUST_CHECK int rest_client_new(const rest_options *options, rest_client **ret_client, lb_error *err);
rest_client *rest_client_free(rest_client *client); /* NULL is fine */
const char *rest_base_url(const rest_client *client);

/* 0 for a 2xx answer. Everything else is an error in our codes, with the server's words, its code and its request id.
 */
LB_MUST_CHECK int rest_perform(rest_client *client, const rest_call *call, rest_reply *ret_reply, lb_error *err);
void rest_reply_done(rest_reply *reply); /* a zeroed one is fine */

/* The same for documents. body may be NULL; the caller puts both. */
LB_MUST_CHECK int rest_document(rest_client *client, const rest_call *call, struct json_object *body,
                                struct json_object **ret_document, lb_error *err);

/* Reads a list page by page: `each` gets every item of the member `list` of every page, until there is no
 * next_page_token. The call's query must not have a page_token. */
LB_MUST_CHECK int rest_pages(rest_client *client, const rest_call *call, const char *list,
                             int (*each)(void *arg, struct json_object *item, lb_error *err), void *arg, lb_error *err);

/* Waits, until `until` on the host's clock at most; the wish to stop and the deadline end it as errors. */
LB_MUST_CHECK int rest_wait(const lb_service_host *host, int64_t until, int64_t deadline, const char *what,
                            lb_error *err);

/* A pause of about `ms`: between once and one and a half times that, so that many do not come at once. */
int64_t rest_jitter(int64_t ms);

/* The code that stands for a server's error; the error_code refines what the status says. */
int rest_code_of(int status, const char *error_code);

/* Where certificates are looked up when nobody says: SSL_CERT_FILE, or libcurl's own file. NULL: unknown. */
const char *rest_default_ca(void);

#endif
