/* cicd_needs.h: the secrets and variables that the workflows read. Values of secrets never pass through here: GitHub
 * takes them sealed from whoever knows them. */
#ifndef LBOPS_CICD_NEEDS_H
#define LBOPS_CICD_NEEDS_H

#include <lbops/lbops.h>

typedef struct cicd_needs {
    const char *repository;                            /* owner/name, or NULL: nothing is asked, all is told */
    const char *service;                               /* the web service of the manifest that has it */
    const char *project_id, *lbops_url, *lbops_sha256; /* values of the variables, or NULL */
    const char *environment;
    bool is_oauth;
    struct json_object *variables, *secrets; /* what the repository has, or NULL: not asked */
} cicd_needs;

/* Before anything is written: values that cannot be, and a token that may not look. */
LB_MUST_CHECK int cicd_needs_look(lb_ctx *ctx, cicd_needs *needs, lb_error *err);

/* Sets the variables whose values are known, and tells the rest with the commands that set them. */
LB_MUST_CHECK int cicd_needs_meet(lb_ctx *ctx, const cicd_needs *needs, lb_error *err);

#endif
