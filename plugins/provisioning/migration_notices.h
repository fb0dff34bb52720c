/* migration_notices.h: why a statement of a schema change took what it took, as the server itself says it at debug1. */
#ifndef LBOPS_PROVISIONING_MIGRATION_NOTICES_H
#define LBOPS_PROVISIONING_MIGRATION_NOTICES_H

#include <lbops/lbops.h>

typedef struct migration_notice {
    const char *kind; /* "rewrite" "scan" "validation" "index build" "proven": by a constraint that is there */
    char object[160]; /* as the server calls it: without its schema, and a column as table.column */
} migration_notice;

/* False: it says nothing of the kind. Only the server's own routines are believed, as a migration can say anything. */
bool migration_read_notice(const char *severity, const char *routine, const char *text, migration_notice *ret_notice);

/* What the server said of the group's script: [{"statement","kind","object","says"}]. NULL: nobody knows. */
LB_MUST_CHECK int migration_tell_notices(lb_ctx *ctx, const lb_group *group, const char **ret_json, lb_error *err);

/* The last of these, as one text. NULL: there are none. */
const char *migration_last_words(lb_ctx *ctx, const char *json);

#endif
