/* github.h: repositories on GitHub, as a web service of the manifest has them. */
#ifndef LBOPS_GITHUB_H
#define LBOPS_GITHUB_H

#include <lbops/lbops.h>

/* owner/name, and nothing that would lead elsewhere in a path. */
LB_MUST_CHECK int github_check_repository(const char *repository, lb_error *err);

/* Puts `what` before the error, and says which right of the token it takes where that may be what is missing. */
int github_explain(lb_ctx *ctx, const char *service, const char *right, const char *what, lb_error *err);

/* The rights that are asked for, as a workflow, a fine-grained and a classic token name them. */
#define GITHUB_COMMENTS                                                                                                \
    "pull requests of that repository: 'pull-requests: write' in a workflow, 'Pull requests: read and write' when "    \
    "fine-grained, 'repo' when classic"
#define GITHUB_SETTINGS                                                                                                \
    "the settings of its workflows: 'Variables: read and write' and 'Secrets: read-only' when fine-grained, 'repo' "   \
    "when classic"

#endif
