/* unity.h: Unity Catalog as reads and grants. */
#ifndef LBOPS_UNITY_H
#define LBOPS_UNITY_H

#include "branch_json.h"

/* NULL after a failure, and where there is nothing: err says which. */
struct json_object *unity_find(lb_ctx *ctx, const char *path, const char *query, lb_error *err);
/* Is it missing in Unity Catalog, or is there no Unity Catalog: no such call, or a workspace without a metastore? The
 * transport knows by the platform's code; the words of an error are for people. */
bool unity_is_missing(const lb_error *err);
bool unity_is_absent(const lb_error *err);
const char *unity_text(struct json_object *object, const char *name);

/* Does a principal have a privilege by this answer of permissions? */
bool unity_holds(struct json_object *grants, const char *who, const char *privilege);

typedef struct unity_grant {
    const char *kind, *name; /* "catalog", "shop_prod" */
    const char *who;
    const char *const *wanted; /* privileges; ends with NULL */
    const char *reason;
} unity_grant;

/* Gives what is missing, and says so in the result's list "grants". */
LB_MUST_CHECK int unity_let(lb_ctx *ctx, const unity_grant *grant, lb_error *err);

/* The questions to the system tables that tell of audit and lineage for a catalog: asked where a warehouse is
 * configured. Findings are those that cannot be read, by us or by the auditors. */
LB_MUST_CHECK int unity_check_system(lb_ctx *ctx, const char *catalog, const lb_texts *auditors, lb_error *err);

#endif
