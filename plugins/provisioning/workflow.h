/* workflow.h: workflow files of a repository that are written from templates, and the files of people beside them. */
#ifndef LBOPS_WORKFLOW_H
#define LBOPS_WORKFLOW_H

#include <lbops/lbops.h>

/* What stands in a template as @@NAME@@. A part is a template itself and takes a whole line. */
typedef struct workflow_value {
    const char *name, *text; /* name NULL ends the array */
    bool is_part;
} workflow_value;

/* Lines between "#+ NAME" and "#- NAME" are kept where the flag is set. */
typedef struct workflow_flag {
    const char *name; /* NULL ends the array */
    bool is_set;
} workflow_flag;

/* A marker that has no value is LB_ERR_INTERNAL. */
LB_MUST_CHECK int workflow_render(lb_ctx *ctx, const char *source, const workflow_value *values,
                                  const workflow_flag *flags, const char **ret_text, lb_error *err);

/* A word that means nothing to YAML, to a shell, to an expression or to a path above: letters, digits and . _ / - */
LB_MUST_CHECK int workflow_check_word(const char *what, const char *text, lb_error *err);

/* Any text as a scalar of YAML that ends where it should. What GitHub would take for an expression is refused. */
LB_MUST_CHECK int workflow_quote(lb_ctx *ctx, const char *what, const char *text, const char **ret_scalar,
                                 lb_error *err);

typedef enum workflow_state {
    WORKFLOW_MISSING = 1,
    WORKFLOW_SAME,   /* nothing would change */
    WORKFLOW_OLD,    /* another text of ours, that nobody has touched */
    WORKFLOW_EDITED, /* a person has changed what we wrote */
    WORKFLOW_FOREIGN /* we did not write it */
} workflow_state;

/* The text under a first line that carries its digest. */
const char *workflow_seal(lb_ctx *ctx, const char *text);

/* What `file` (NULL: there is none) is, seen from the sealed text that would be written. Ends of lines do not count. */
workflow_state workflow_look(const char *file, const char *sealed);

/* Lines that go (-) and come (+), with the lines around them. NULL: no memory. */
const char *workflow_diff(lb_ctx *ctx, const char *before, const char *after);

#endif
