/* lake.h: what the files of transport_lakebase share: a workspace's Lakebase projects, reached through its control
 * plane and by libpq. One worker has one of these, and one thread. [worker] */
#ifndef LBOPS_SERVICES_LAKE_H
#define LBOPS_SERVICES_LAKE_H

#include "auth_lease.h"
#include "auth_token.h"
#include "pg_session.h"
#include "rest_client.h"

#define LAKE_ROOT       "/api/2.0/postgres/"
#define LAKE_UNITY      "unity-catalog/" /* paths that begin so are of another API, beside the control plane's */
#define LAKE_UNITY_ROOT "/api/2.1/"
#define LAKE_ME         "scim/v2/Me" /* who we are in the workspace */
#define LAKE_ME_ROOT    "/api/2.0/preview/"
#define LAKE_NAME       64 /* an id of the platform, its end included */

/* Where a branch is connected to, as it was last seen. Kept from session to session for its credential. */
typedef struct lake_place {
    struct lake_place *next;
    char *project, *branch;
    char *reader; /* an endpoint's id, of a compute that only reads; NULL: the branch's own */
    char branch_uid[LAKE_NAME];
    char *endpoint;        /* the resource's whole name; NULL: not looked up yet */
    char *server;          /* its host's name; it goes into the certificate's check */
    auth_lease credential; /* for that endpoint */
} lake_place;

typedef struct lake {
    const lb_service_host *host;
    auth *auth;
    rest_client *client;
    lake_place *places;

    /* The manifest's wishes; texts are our own. */
    char *role; /* of the database; NULL until it is known who we are */
    char *database, *ca_file, *ssl_mode, *via_address, *via_port;
    int64_t poll_ms, credential_ttl_s, prove_after_s;
    pg_options limits; /* times alone */
} lake;

/* ---- lake_names.c: names and paths, which never come from elsewhere unchecked ---- */

LB_MUST_CHECK int lake_check_target(const lb_target *target, lb_error *err);
LB_MUST_CHECK int lake_check_path(const lb_request *request, lb_error *err);
size_t lake_words(const char *path);          /* "projects/shop/branches" has three */
const char *lake_last_word(const char *path); /* "branches" */
/* The member of the query, decoded, malloc'd; NULL where there is none. */
char *lake_query(const char *query, const char *name);

/* ---- lake_control.c ---- */

/* One call to the control plane, to its true end; the caller puts the reply. Lists come whole, unless the query asks
 * for a page. What the platform does in a long-running operation is waited for here, so that changes of one group
 * follow each other: the reply to a change is its operation as it ended, with `done` true and in `response` the
 * resource as it then is ({} for what is gone), whatever the platform answered first. Who looks for `done` and asks
 * again finds it set at once. An operation that outlives the deadline is LB_ERR_TIMEOUT, with its name in the hint; one
 * that failed is an error. Credentials are not to be had here: they are the transport's own. */
LB_MUST_CHECK int lake_control(lake *l, const lb_request *request, int64_t deadline, struct json_object **ret_reply,
                               lb_error *err);

/* Reads one resource by its name, "projects/shop/branches/production". */
LB_MUST_CHECK int lake_get(lake *l, const char *name, int64_t deadline, struct json_object **ret_resource,
                           lb_error *err);
/* Reads a whole list: "projects/shop/branches". The reply has the one member that the list is called by. */
LB_MUST_CHECK int lake_list(lake *l, const char *path, const char *query, int64_t deadline,
                            struct json_object **ret_document, lb_error *err);
/* A change, waited for. */
LB_MUST_CHECK int lake_change(lake *l, const lb_request *request, int64_t deadline, struct json_object **ret_reply,
                              lb_error *err);

/* ---- lake_operation.c ---- */

/* Waits for the operation, and for the resource to come to rest. Takes over the reply that may be an operation. */
LB_MUST_CHECK int lake_finish(lake *l, const lb_request *request, struct json_object *reply, int64_t deadline,
                              struct json_object **ret_reply, lb_error *err);
/* Waits until a resource is what it stays: no pending_state, nothing being made. */
LB_MUST_CHECK int lake_settle(lake *l, const char *name, int64_t deadline, struct json_object **ret_resource,
                              lb_error *err);
/* The next look, after a pause that grows with `looks`. */
LB_MUST_CHECK int lake_next_look(lake *l, int looks, int64_t deadline, const char *what, lb_error *err);

/* ---- lake_place.c ---- */

/* Looks where a branch is now. A compute that sleeps is LB_ERR_SUSPENDED unless it may be woken; ret_wakes: connecting
 * will wake it. reader: an endpoint's id, of one that only reads, which is never woken; or NULL. */
LB_MUST_CHECK int lake_find(lake *l, const lb_target *target, const char *reader, int64_t deadline,
                            lake_place **ret_place, bool *ret_wakes, lb_error *err);
/* Is the branch of this name still the one that `uid` and `server` say? */
LB_MUST_CHECK int lake_prove(lake *l, const lake_place *place, const char *uid, const char *server, int64_t deadline,
                             lb_error *err);
lake_place *lake_place_free(lake_place *place); /* the next one */

/* ---- lake_credential.c ---- */

/* The role that we log in as. */
LB_MUST_CHECK int lake_identity(lake *l, int64_t deadline, const char **ret_role, lb_error *err);
LB_MUST_CHECK int lake_credential(lake *l, lake_place *place, int64_t deadline, const char **ret_token, lb_error *err);
/* For somebody who cannot renew it: one that has just been issued, or the one that we have while there are no others.
 */
LB_MUST_CHECK int lake_credential_new(lake *l, lake_place *place, int64_t deadline, const char **ret_token,
                                      lb_error *err);
/* For rest_options, with the lake as their arg. */
int lake_authorize(void *arg, bool renew, int64_t deadline, const char **ret_value, lb_error *err);
void lake_hide(void *arg, char *text, size_t size);

/* ---- lake_resolve.c ---- */

/* The addresses of a name with commas between, by the deadline: the system's resolver knows none. The caller frees. */
LB_MUST_CHECK int lake_resolve(const lb_service_host *host, const char *name, int64_t deadline, char **ret_addresses,
                               lb_error *err);

/* ---- lake_session.c ---- */

typedef struct lake_session lake_session;

LB_MUST_CHECK int lake_session_open(lake *l, const lb_target *target, const char *reader, const char *application,
                                    int64_t deadline, lake_session **ret_session, lb_error *err);
lake_session *lake_session_close(lake_session *s); /* NULL is fine */
LB_MUST_CHECK int lake_session_reuse(lake_session *s, const char *application, lb_error *err);
LB_MUST_CHECK int lake_session_version(lake_session *s, int *ret_major, lb_error *err);
LB_MUST_CHECK int lake_session_execute(lake_session *s, const lb_command *command, const lb_sink *sink,
                                       int64_t *ret_affected, lb_error *err);
LB_MUST_CHECK int lake_session_sample(lake_session *s, const lb_command *command, const lb_sink *sink, lb_error *err);
LB_MUST_CHECK int lake_session_lend(lake_session *s, int (*put)(void *arg, const char *name, const char *value),
                                    void *arg, lb_error *err);
LB_MUST_CHECK int lake_session_begin(lake_session *s, int64_t deadline, lb_error *err);
LB_MUST_CHECK int lake_session_finish(lake_session *s, bool commit, int64_t deadline, lb_error *err);

LB_PRINTF(3, 4) void lake_log(const lake *l, lb_level level, const char *fmt, ...);

#endif
