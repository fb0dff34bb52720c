/* pr_comment.h: a difference of schemas as the text of one comment on a pull request: Markdown in which nothing that
 * comes from a database can end its fence, link, or call for somebody. */
#ifndef LBOPS_PR_COMMENT_H
#define LBOPS_PR_COMMENT_H

#include <lbops/lbops.h>

/* GitHub takes 65,536 characters; bytes are never fewer than those. */
#define PR_COMMENT_BYTES 65000

/* How a comment of ours begins: by that it is found again. */
#define PR_COMMENT_MARKER "<!-- lakebaseops:schema-diff -->"

typedef struct pr_comment {
    const char *branch, *base, *project;
    const char *diff;   /* the result of capture_schema_diff, with output "all" */
    const char *report; /* what a pipeline has to say besides, any text; or NULL */
} pr_comment;

/* *ret_changes: how many things differ. */
LB_MUST_CHECK int pr_comment_write(lb_ctx *ctx, const pr_comment *comment, const char **ret_text, int64_t *ret_changes,
                                   lb_error *err);

/* Is it a comment of ours, and is it the same text? White space at the ends and how lines end do not count. */
bool pr_comment_is_ours(const char *body);
bool pr_comment_same(const char *body, const char *text);

#endif
