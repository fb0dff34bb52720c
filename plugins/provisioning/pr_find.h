/* pr_find.h: our comment among those of a pull request. */
#ifndef LBOPS_PR_FIND_H
#define LBOPS_PR_FIND_H

#include <json-c/json.h>
#include <lbops/lbops.h>

typedef struct pr_place {
    const char *service, *repository;
    const char *author; /* who writes our comments; NULL: whom the token is of */
    int64_t number;
} pr_place;

typedef struct pr_found {
    int64_t id; /* 0: there is none */
    const char *body, *author, *url;
} pr_found;

/* The first that has our marker and is by us. Anybody may paste the marker: what others wrote is told and left. */
LB_MUST_CHECK int pr_find(lb_ctx *ctx, const pr_place *place, pr_found *ret_found, lb_error *err);

/* NULL where there is none. */
const char *pr_member_text(struct json_object *object, const char *name);

#endif
