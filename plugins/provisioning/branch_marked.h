/* branch_marked.h: a part of a person's file that is ours, between two markers. Everything else in it is never touched.
 *
 *   <!-- lakebaseops:NAME begin 0123456789abcdef -->
 *   our text
 *   <!-- lakebaseops:NAME end -->
 *
 * The number is a checksum of our text as we wrote it: where it does not fit any more, a person has edited our part. */
#ifndef LBOPS_BRANCH_MARKED_H
#define LBOPS_BRANCH_MARKED_H

#include <lbops/lbops.h>

typedef enum branch_marked_state {
    BRANCH_MARKED_NONE = 1, /* the file has no part of ours */
    BRANCH_MARKED_SAME,     /* it is as it would be written */
    BRANCH_MARKED_OLD,      /* we wrote another text, and nobody has touched it */
    BRANCH_MARKED_EDITED    /* a person has changed it */
} branch_marked_state;

typedef struct branch_marked {
    branch_marked_state state;
    const char *content; /* the whole file as it would be */
    const char *diff;    /* of our part, lines with - and +; NULL where there is none */
} branch_marked;

/* `file` NULL: there is none yet. `text` ends with a newline. Markers that do not pair up are LB_ERR_CONFLICT. */
LB_MUST_CHECK int branch_marked_merge(lb_ctx *ctx, const char *name, const char *file, const char *text,
                                      branch_marked *ret_marked, lb_error *err);

/* Lines of `before` that go (-), stay ( ) and come (+). */
const char *branch_marked_diff(lb_ctx *ctx, const char *before, const char *after);

#endif
