/* approvals_internal.h: the inside of approvals, for its files. Nobody else includes this. */
#ifndef LBOPS_HOST_APPROVALS_INTERNAL_H
#define LBOPS_HOST_APPROVALS_INTERNAL_H

#include "approvals.h"
#include "json.h"

#define APPROVAL_RECORD ((size_t)8 * 1024 * 1024) /* bytes of a request's document */

struct approvals {
    struct ev_loop *loop;
    book *book;
    state_client *state;
    const manifest *manifest;
    approvals_hooks hooks;
    ev_timer expiry;
};

/* A request as it was read from the state. */
typedef struct request {
    char id[ID_TEXT], status[16];
    int64_t version, at;
    struct json_object *record;
} request;

bool request_take(wire_reader *docs, request *ret_request); /* the next of a list; false: none */
void request_done(request *r);
lb_target request_target(const request *r); /* borrowed from the record */
bool request_has_expired(const request *r);
void request_revise(request *r); /* what was decided on it does not hold for it any more */

void approvals_put(approvals *a, lb_state_verb verb, const request *r, const char *status);
void approvals_tell(approvals *a, const request *r, const char *status, const char *by,
                    const char *because); /* history, event, channel */
void approvals_expire(approvals *a);      /* what nobody decided in time */
void approvals_put_subject(approvals *a, const request *r, const char *status, const char *by, const char *because,
                           int64_t version);

#endif
